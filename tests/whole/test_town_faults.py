"""Faults in the town: what is killed, stopped, changed by hand or refused harms nobody and is caught up."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import subprocess
import time
from typing import Any

import librouteros
import pytest

from daemon.edge.practice.schema import check_sentence
from tests.whole.edge import command, debtor, foreign_rows, in_step, listed, router, transcript
from tests.whole.stage import Stage, browse, fetch, wait_for

pytestmark = [pytest.mark.root, pytest.mark.whole, pytest.mark.browser, pytest.mark.xdist_group("town")]

NOTICE = "Aviso de su proveedor"
WRITES = re.compile(r"/(add|set|remove|move|unset|enable|disable|comment)$")


@pytest.mark.parametrize("victim", ["proxy", "daemon", "webui", "practice_router"])
def test_a_killed_process_harms_nobody_without_a_notice(town: Stage, victim: str) -> None:
    """Kill -9; a transfer of one without a notice goes on, retries pass at once, and all is in step again."""
    paid = town.subscribers(state="active", owes=False, notice=False)[2]
    who = debtor(town, 1)
    cut = town.subscribers(state="suspended")[-1]
    before = set(listed(town, "pregonero-notice")), set(listed(town, "pregonero-suspended"))
    old = town.facts["processes"][victim]
    transfer = subprocess.Popen(
        [*paid["curl"], "-s", "-m", "60", "--limit-rate", "400k", "-o", "/dev/null", "-w", "%{size_download}",
         f"{town.facts['site']}blob/2000000"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(0.7)
    for pid in old:
        subprocess.run(["kill", "-9", str(pid)], check=False, capture_output=True)
    killed = time.monotonic()
    assert "puente viejo" in browse(paid, town.facts["site"], patience=3)
    # An informed subscriber: what was inside a killed worker ends, and the retry passes at once.
    wait_for(lambda: "puente viejo" in browse(who, town.facts["site"], patience=3), patience=5)
    print(f"{victim}: the informed subscriber's page passed {time.monotonic() - killed:.2f} s after the kill")
    for _ in range(15):
        assert "puente viejo" not in browse(cut, town.facts["site"], patience=3), "the suspended stay cut"
        time.sleep(0.1)
    out, _ = transfer.communicate(timeout=90)
    assert out == "2000000", "the transfer of one without a notice was touched"
    wait_for(
        lambda: not set(old) & set(town.facts["processes"][victim]), patience=30, why="it is started again"
    )
    back = time.monotonic()

    def differing() -> object:
        """What of the lists is not as before: empty when all is back."""
        try:
            now = set(listed(town, "pregonero-notice")), set(listed(town, "pregonero-suspended"))
        except (OSError, librouteros.exceptions.LibRouterosError) as error:
            return error
        return [one ^ other for one, other in zip(now, before, strict=True) if one ^ other]

    def same() -> bool:
        found = differing()
        if found and time.monotonic() - back > 8:
            print(f"{victim}: still differing: {found}; {town.logs()[-1500:]}")
        return not found

    wait_for(same, patience=30, why="the lists are back")
    print(f"{victim}: in step again {time.monotonic() - back:.2f} s after the return")
    assert time.monotonic() - back < 20
    wait_for(lambda: NOTICE in browse(who, town.facts["site"]), patience=30, why="notices show again")
    wait_for(
        lambda: "suspendido" in browse(cut, town.facts["site"]).lower(), patience=30, why="the page is back"
    )


@pytest.mark.parametrize("stop", ["one worker", "everything"])
def test_a_stopped_proxy_lets_new_connections_pass(town: Stage, stop: str) -> None:
    """SIGSTOP: the kernel still accepts for it, so a watchdog must take it out of the way."""
    who = debtor(town, 2)
    pids = town.facts["processes"]["proxy"]
    victims = pids[1:2] if stop == "one worker" else pids
    for pid in victims:
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
    began = time.monotonic()
    wait_for(lambda: "puente viejo" in browse(who, town.facts["site"], patience=2.5), patience=12)
    print(f"{stop} stopped: pages pass after {time.monotonic() - began:.2f} s (goal: 2 s)")
    wait_for(lambda: NOTICE in browse(who, town.facts["site"]), patience=30, why="notices show again")


def test_a_second_run_sends_no_write(town: Stage) -> None:
    """Practice looks every 5 s; over several looks nothing is written but renewals of timed entries."""
    wait_for(lambda: in_step(town))
    time.sleep(6)
    seen = len(transcript(town))
    wait_for(
        lambda: sum(1 for words in transcript(town)[seen:] if words[0] == "/queue/simple/print") >= 2,
        patience=40,
    )
    writes = [words for words in transcript(town)[seen:] if WRITES.search(words[0])]
    assert not [words for words in writes if not any("pregonero:notice" in word for word in words)], writes


def test_no_sentence_was_one_that_the_schema_refuses(town: Stage) -> None:
    bad = {tuple(words): found for words in transcript(town) if (found := check_sentence(words, "7.18"))}
    assert not bad


def test_rows_of_ours_are_not_doubled(town: Stage) -> None:
    api = router(town)
    for menu in (
        "/queue/simple",
        "/ip/firewall/address-list",
        "/ip/firewall/filter",
        "/ip/firewall/mangle",
        "/ip/route",
    ):
        marks = [
            row["comment"]
            for row in api(f"{menu}/print")
            if str(row.get("comment", "")).startswith("pregonero:")
        ]
        assert marks
        assert len(marks) == len(set(marks)), menu
    api.close()


def test_the_technicians_rows_are_there_byte_for_byte(town: Stage, foreign_before: dict[str, Any]) -> None:
    assert foreign_rows(town) == foreign_before


def test_the_web_ui_listens_on_loopback_only(town: Stage) -> None:
    """Out of reach of client addresses: the staff's pages are not even on a network of theirs."""
    port = int(town.facts["web"].rstrip("/").rsplit(":", 1)[1])
    who = town.subscribers(state="active", owes=False, notice=False)[0]
    assert fetch(who, f"http://10.99.0.2:{port}/", patience=4)[0] != 0
    with socket.create_connection(("127.0.0.1", port), 5):
        pass


def test_the_command_line_asks_the_daemon_and_reads_back_by_itself(town: Stage) -> None:
    name = town.facts["routers"][0]["name"]
    planned = command(town, "router", "plan", name, "--json")
    assert (planned.returncode, json.loads(planned.stdout)["changes"]) == (0, []), planned.stderr
    read_back = command(town, "router", "verify", name, "--json")
    assert (read_back.returncode, json.loads(read_back.stdout)["proved"]) == (0, True), read_back.stdout
    strange = command(town, "router", "plan", "Nowhere")
    assert strange.returncode == 2
    assert name in strange.stderr


def test_a_technicians_mistake_is_planned_repaired_and_told(town: Stage) -> None:
    """He removes a cut by hand: the next look puts it back, and nothing of his own is touched."""
    cut = town.subscribers(state="suspended")[-1]
    api = router(town)
    row = next(row for row in api("/ip/firewall/address-list/print") if row["address"] == cut["address"])
    tuple(api("/ip/firewall/address-list/remove", **{".id": row[".id"]}))
    api.close()
    wait_for(
        lambda: cut["address"] in listed(town, "pregonero-suspended"), patience=30, why="the cut is back"
    )
    assert "puente viejo" not in browse(cut, town.facts["site"])


def test_a_wrong_password_is_shown_to_staff_and_caught_up_by_itself(town: Stage) -> None:
    """Somebody changes the router's password; when the old one is set again, all goes on without a hand."""
    one = town.facts["routers"][0]
    api = router(town)
    user = next(row for row in api("/user/print") if row["name"] == one["user"])
    tuple(api("/user/set", **{".id": user[".id"], "password": "somebody else's"}))

    def trouble() -> str:
        with sqlite3.connect(town.home / "pregonero.sqlite3") as store:
            reachable, error = store.execute("SELECT reachable, error FROM router_status").fetchone()
        return "" if reachable else str(error)

    pid = town.facts["processes"]["daemon"][0]
    subprocess.run(["kill", "-9", str(pid)], check=True)  # a session that is logged in would go on
    told = wait_for(trouble, patience=40, why="staff are told")
    assert "password" in told
    tuple(api("/user/set", **{".id": user[".id"], "password": one["password"]}))
    api.close()
    wait_for(lambda: not trouble(), patience=40, why="caught up by itself")

"""One practice with namespaces, and the thread through it: a debtor sees a notice, pays, and is free.

The tests share one practice and stand in the order of a day; each names what it needs of the one before by state,
not by chance.
"""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import librouteros
import pytest

from tests.whole.browser import chromium
from tests.whole.stage import Stage, browse, fetch, namespaces, seat, stage, wait_for

pytestmark = [pytest.mark.root, pytest.mark.whole, pytest.mark.browser, pytest.mark.xdist_group("town")]

NOTICE = "Aviso de su proveedor"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    before = set(namespaces())
    with stage(tmp_path_factory.mktemp("town") / "home") as running:
        yield running
    assert set(namespaces()) <= before, "namespaces were left behind"


@pytest.fixture(scope="module")
def foreign_before(town: Stage) -> dict[str, list[dict[str, Any]]]:
    return foreign_rows(town)


def router(town: Stage) -> librouteros.api.Api:
    """A client that is not ours, on the practice router."""
    one = town.facts["routers"][0]
    return librouteros.connect(
        one["host"], one["user"], one["password"], port=one["port"], encoding="latin-1", timeout=10
    )


def foreign_rows(town: Stage) -> dict[str, list[dict[str, Any]]]:
    """Every configured row of the technician, without counters and without rows the router made itself."""
    api = router(town)
    moving = {
        "bytes",
        "packets",
        "rate",
        "packet-rate",
        "dropped",
        "queued-bytes",
        "queued-packets",
        "creation-time",
    }
    found = {}
    for menu in (
        "/queue/simple",
        "/ip/firewall/address-list",
        "/ip/firewall/filter",
        "/ip/firewall/nat",
        "/ip/route",
    ):
        found[menu] = [
            {key: value for key, value in row.items() if key not in moving and not key.startswith("total-")}
            for row in api(f"{menu}/print")
            if not str(row.get("comment", "")).startswith("pregonero:") and not row.get("dynamic")
        ]
    api.close()
    return found


def listed(town: Stage, which: str) -> dict[str, dict[str, Any]]:
    """Our list on the router, by address, through librouteros."""
    api = router(town)
    rows = {
        row["address"]: dict(row) for row in api("/ip/firewall/address-list/print") if row["list"] == which
    }
    api.close()
    return rows


def debtor(town: Stage, number: int = 0) -> dict[str, Any]:
    return town.subscribers(state="active", notice=True)[number]


def test_the_ready_file_names_everyone(town: Stage, foreign_before: dict[str, Any]) -> None:
    facts = town.facts
    assert all(facts["processes"][name] for name in ("daemon", "proxy", "webui", "practice_router"))
    assert len(facts["subscribers"]) >= 50
    assert town.subscribers(state="suspended")
    assert debtor(town)
    assert town.subscribers(state="active", owes=False, notice=False)
    assert foreign_before["/queue/simple"], "the technician has a queue of his own"
    assert foreign_before["/ip/firewall/address-list"], "the technician has list entries of his own"
    suspended = {one["address"] for one in town.subscribers(state="suspended")}
    assert set(listed(town, "pregonero-suspended")) == suspended


def test_a_debtor_sees_the_notice_and_the_rest_of_the_page_is_untouched(town: Stage, tmp_path: Path) -> None:
    who = debtor(town)
    with chromium(tmp_path, seat(who)) as page:
        page.goto(town.facts["site"])
        page.get_by_text("Reabre el puente viejo").wait_for()
        page.get_by_text(NOTICE).first.wait_for()
        assert page.locator("script").count() == 0
    wait_for(lambda: town.told(f"notice shown to {who['name']}"), why="the practice tells of the notice")


def test_https_passes_untouched(town: Stage) -> None:
    who = debtor(town)
    status, body = fetch(who, town.facts["https_site"], "-k", "-H", "Accept: text/html")
    assert status == 0
    assert "Edición de práctica · HTTPS" in body
    assert NOTICE not in body


def test_what_is_not_http_on_port_80_passes_untouched(town: Stage) -> None:
    """A server that speaks first, as a mail or game server would, behind the same steering."""
    who = debtor(town)
    talk = (
        "import socket;s=socket.create_connection(('198.51.100.11',80),10);s.settimeout(10);f=s.makefile('rwb');"
        "print(f.readline());f.write(b'hola \\x00\\xff\\n');f.flush();print(f.readline())"
    )
    done = subprocess.run(
        ["ip", "netns", "exec", seat(who), "python3", "-c", talk],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "b'220 marea.example listo; esto no es HTTP\\r\\n'",
        "b'eco hola \\x00\\xff\\n'",
    ], done.stderr


def test_the_packets_of_a_paid_up_subscriber_never_reach_the_box(town: Stage) -> None:
    """Counted by scapy on the box's only interface: none of his, though some of the debtor's."""
    paid = town.subscribers(state="active", owes=False, notice=False)[0]
    who = debtor(town)
    box = seat(who).rsplit("-", 1)[0] + "-box"
    count = (
        "import sys,time;from scapy.all import AsyncSniffer,IP;"
        f"n={{'{paid['address']}':0,'{who['address']}':0}};\n"
        "def see(p):\n"
        "    for a in (p[IP].src,p[IP].dst):\n"
        "        if a in n: n[a]+=1\n"
        "s=AsyncSniffer(iface='eth0',filter='ip',prn=see,store=False);s.start();time.sleep(1.0);print('ready',flush=True);"
        "sys.stdin.readline();time.sleep(0.5);s.stop();print(n)"
    )

    sniffer = subprocess.Popen(
        ["ip", "netns", "exec", box, sys.executable, "-c", count],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert sniffer.stdout is not None
    assert sniffer.stdout.readline() == "ready\n"
    for _ in range(5):
        assert "Edición de práctica · HTTP" in browse(paid, town.facts["site"])
    assert "Edición de práctica" in browse(who, town.facts["site"])
    out, _ = sniffer.communicate("stop\n", timeout=60)
    counted = eval(out, {"__builtins__": {}})
    print("packets seen on the box:", counted)
    assert counted[paid["address"]] == 0
    assert counted[who["address"]] > 0


def test_after_the_acknowledgement_the_notice_is_gone(town: Stage, tmp_path: Path) -> None:
    who = debtor(town)
    time.sleep(3.2)  # the cooldown that practice gives the proxy
    with chromium(tmp_path, seat(who), width=390, height=800) as page:
        page.goto(town.facts["site"])
        page.locator(f"a[href^='{town.facts['portal']}/n/']").click()
        page.get_by_role("button").click()
        began = time.monotonic()
        wait_for(
            lambda: who["address"] not in listed(town, "pregonero-notice"),
            why="the router no longer steers one who has seen his notice",
        )
        print(f"from acknowledgement to off the router's list: {time.monotonic() - began:.2f} s")
        time.sleep(3.2)
        page.goto(town.facts["site"])
        page.get_by_text("Reabre el puente viejo").wait_for()
        assert page.get_by_text(NOTICE).count() == 0
    assert town.told(f"notice acknowledged by {who['name']}")


def test_a_suspended_subscriber_gets_the_page_and_nothing_else(town: Stage) -> None:
    who = town.subscribers(state="suspended")[0]
    page = browse(who, town.facts["site"])
    assert "suspendido" in page.lower()
    assert "puente viejo" not in page
    status, body = fetch(who, town.facts["https_site"], "-k", patience=5)
    assert status != 0
    assert body == ""
    assert fetch(who, "http://198.51.100.11:80/", "--http0.9", patience=6)[1].find("220 marea") == -1
    ping = subprocess.run(
        ["ip", "netns", "exec", seat(who), "ping", "-c1", "-W2", "198.51.100.10"],
        capture_output=True,
        check=False,
    )
    assert ping.returncode != 0


def log_in(page: Any, town: Stage) -> None:
    facts = town.facts
    page.goto(facts["web"])
    page.locator("input[name=user]").fill(facts["staff"]["user"])
    page.locator("input[name=password]").fill(facts["staff"]["password"])
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(re.compile(r"^(?!.*login).*$"))


def test_staff_register_the_payment_and_the_subscriber_browses_again(town: Stage, tmp_path: Path) -> None:
    who = town.subscribers(state="suspended", owes=True)[0]
    assert "puente viejo" not in browse(who, town.facts["site"])
    with chromium(tmp_path) as page:
        log_in(page, town)
        page.goto(f"{town.facts['web'].rstrip('/')}/clients/{who['client']}/pay")
        button = page.locator(
            "form[action*='pay'] button[type=submit], form[data-pay] button[type=submit]"
        ).first
        button.wait_for()
        began = time.monotonic()
        button.click(no_wait_after=True)
        free = wait_for(
            lambda: "puente viejo" in browse(who, town.facts["site"], patience=3) and time.monotonic() - began,
            patience=20, why="the subscriber browses again",
        )  # fmt: skip
        print(f"from click to free: {free:.2f} s (goal: under 1 s)")
    assert fetch(who, town.facts["https_site"], "-k")[0] == 0
    wait_for(lambda: town.told(f"{who['name']} is free again"), why="the practice tells of it")


def plan_of(town: Stage, address: str) -> tuple[float, float]:
    """(download, upload) in Mbit/s as the router holds them for this address."""
    api = router(town)
    for row in api("/queue/simple/print"):
        if str(row["target"]).split("/")[0] == address:
            up, down = str(row["max-limit"]).split("/")
            api.close()
            return int(down) / 1e6, int(up) / 1e6
    raise AssertionError(f"no queue for {address}")


def goodput(who: dict[str, Any], town: Stage, *words: str) -> dict[str, float]:
    """TCP goodput in Mbit/s, measured by iperf3 between the subscriber and the Internet."""
    inet = seat(who).rsplit("-", 1)[0] + "-inet"
    server = subprocess.Popen(
        ["ip", "netns", "exec", inet, "iperf3", "-s", "-1", "-B", "198.51.100.10"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        for attempt in range(40):
            done = subprocess.run(
                ["ip", "netns", "exec", seat(who), "iperf3", "-c", "198.51.100.10", "-t", "6", "-O", "1", "-J", *words],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            if done.returncode == 0:
                break
            assert attempt < 39, done.stdout[-500:]
            time.sleep(0.1)
        end = json.loads(done.stdout)["end"]
    finally:
        server.terminate()
        server.wait(10)
    found = {"one": end["sum_received"]["bits_per_second"] / 1e6}
    if "sum_received_bidir_reverse" in end:
        found["other"] = end["sum_received_bidir_reverse"]["bits_per_second"] / 1e6
    return found


def test_the_speed_of_the_plan_holds_in_each_direction(town: Stage) -> None:
    who = town.subscribers(state="active", owes=False, notice=False)[1]
    down, up = plan_of(town, who["address"])
    upload = goodput(who, town)["one"]
    download = goodput(who, town, "-R")["one"]
    both = goodput(who, town, "--bidir")
    print(f"plan {down:g}/{up:g} Mbit/s: download {download:.2f}, upload {upload:.2f}; both at once {both}")
    assert 0.90 * up <= upload <= 1.05 * up
    assert 0.90 * down <= download <= 1.05 * down


def in_step(town: Stage) -> bool:
    """The router holds what the facts say: every suspended one listed, every showable notice steered."""
    suspended = listed(town, "pregonero-suspended")
    noticed = listed(town, "pregonero-notice")
    return bool(suspended) and bool(noticed)


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
    assert "puente viejo" not in browse(cut, town.facts["site"], patience=3), "the suspended stay cut"
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


def transcript(town: Stage) -> list[list[str]]:
    path = town.home / "log" / "router-transcript.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


WRITES = re.compile(r"/(add|set|remove|move|unset|enable|disable|comment)$")


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
    from daemon.edge.practice.schema import check_sentence

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


def command(town: Stage, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", *words, "--home", str(town.home)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


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

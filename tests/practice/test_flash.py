"""What a restart keeps, what it loses, and what no kill can break."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon.edge.practice.factory import wisp_edge
from daemon.edge.practice.flash import FlashError
from daemon.edge.practice.run import PracticeError, check_namespace
from daemon.edge.practice.schema import VersionError

LIST = "/ip/firewall/address-list"
KEPT = ("/ip/address", "/interface", "/queue/simple", "/routing/table")
WORLD = ("198.51.100.1/24", "10.10.0.1/16", "10.99.0.1/24")


def test_static_rows_survive_a_restart_and_timed_ones_do_not(running, tmp_path: Path) -> None:
    state = tmp_path / "flash"
    first = running(state=state, initial=wisp_edge(*WORLD))
    with first.client() as client:
        client.login()
        client.ask(f"{LIST}/add", "=list=cut", "=address=10.10.0.5", "=comment=\udcf1")
        client.ask(f"{LIST}/add", "=list=notice", "=address=10.10.0.6", "=timeout=1h")
        client.ask("/user/add", "=name=eva", "=group=read", "=password=hush")
        client.ask("/queue/simple/move", "=numbers=Torre Norte enlace")
        last = client.ask(f"{LIST}/add", "=list=gone", "=address=10.10.0.7")[0][1].removeprefix("=ret=")
        client.ask(f"{LIST}/remove", f"=.id={last}")
        before = [client.ask(f"{menu}/print") for menu in KEPT]
    first.__exit__()
    second = running(state=state, initial=[("/system/identity", {"name": "not again"})])
    with second.client() as client:
        client.login("eva", "hush")
        lists = [words for words in client.ask(f"{LIST}/print") if words[0] == "!re"]
        assert len(lists) == 4
        assert any("=comment=\udcf1" in words for words in lists)
        assert not any("=list=notice" in words for words in lists)
        assert [client.ask(f"{menu}/print") for menu in KEPT] == before
        assert client.ask("/system/identity/print")[0] == ["!re", "=name=Cerro Alto"]
    with second.client() as client:
        client.login()
        assert client.ask(f"{LIST}/add", "=list=new", "=address=10.10.0.8")[0][1] > f"=ret={last}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 2, "menus": {}}',
        '{"format": 1, "menus": {"/ip/firewall/address-list": {"next": 1, "rows": [["*1"]]}}}',
        '{"format": 1, "menus": {"/ip/firewall/address-list": {"next": 1, "rows": [["*1", {"list": 5}]]}}}',
        '{"format": 1, "menus": {"/system/identity": 3}}',
        '{"format": 1, "menus": {"/ip/firewall/address-list": {"next": 2, "rows": [["*1", {}], ["*2", {}]]}}}',
        "\xff",
    ],
)
def test_a_broken_state_is_refused_untouched_with_what_to_do(running, tmp_path: Path, text: str) -> None:
    state = tmp_path / "flash"
    state.write_text(text, "latin-1")
    with pytest.raises(FlashError, match="Move it away or delete it"):
        running(state=state)
    assert state.read_text("latin-1") == text


def test_a_kill_at_any_moment_leaves_a_state_that_loads(client_class, tmp_path: Path) -> None:
    state, ready = tmp_path / "flash", tmp_path / "ready"
    program = (
        "import asyncio, pathlib, sys\n"
        "from daemon.edge.practice.run import PracticeOptions, serve\n"
        "state, ready = map(pathlib.Path, sys.argv[1:])\n"
        "asyncio.run(serve(PracticeOptions(port=0, password='pass', state=state, ready=ready)))\n"
    )
    kept = 0
    for turn in range(3):
        ready.unlink(missing_ok=True)
        root = str(Path(__file__).parents[2])
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(state), str(ready)], env={**os.environ, "PYTHONPATH": root}
        )
        try:
            deadline = time.monotonic() + 30
            while not ready.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            with client_class(json.loads(ready.read_text())["port"]) as client:
                client.login()
                rows = [words for words in client.ask(f"{LIST}/print") if words[0] == "!re"]
                assert len(rows) >= kept
                for number in range(300):
                    client.ask(f"{LIST}/add", "=list=x", f"=address=10.{turn}.{number // 250}.{number % 250}")
                kept = len(rows) + 1
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        json.loads(state.read_text())
    assert kept > 1


def test_initial_rows_that_do_not_fit_are_named(running) -> None:
    with pytest.raises(PracticeError, match=r"initial row.*/ip/address.*of interface"):
        running(initial=[("/ip/address", {"address": "10.0.0.1/24", "interface": "ether9"})])


def test_a_version_or_a_data_plane_that_is_not_there_is_refused(running) -> None:
    with pytest.raises(VersionError, match="choose one of"):
        running(version="6.49")
    with pytest.raises(PracticeError, match="there are: none, linux"):
        running(data_plane="bsd")


def test_the_machines_own_namespace_is_never_taken(tmp_path: Path) -> None:
    named, hidden = tmp_path / "named", tmp_path / "hidden"
    named.mkdir()
    machine, other, edge = tmp_path / "machine", tmp_path / "other", named / "edge"
    for namespace in (machine, other, edge):
        namespace.touch()
    (named / "mine").hardlink_to(machine)

    def check(netns: str | None, own: Path, first: Path) -> None:
        check_namespace(netns, own=own, firsts=(hidden, first), named=named)

    for good in (
        (None, other, machine),
        ("edge", machine, machine),
        ("edge", machine, hidden),
        (None, edge, hidden),
    ):
        check(*good)
    for bad in (
        (None, machine, machine),
        ("mine", other, machine),
        (None, other, hidden),
        ("mine", machine, hidden),
    ):
        with pytest.raises(PracticeError, match="--netns"):
            check(*bad)
    for missing in ("nowhere", "../named/edge"):
        with pytest.raises(PracticeError, match="ip netns add"):
            check(missing, machine, machine)


def test_an_address_that_is_taken_is_said_so(running) -> None:
    with pytest.raises(PracticeError, match="can not listen on"):
        running(port=running().port)

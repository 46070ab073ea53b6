"""Practice as a house guest: it starts anywhere, twice, after a kill, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.whole.stage import Stage, browse, fetch, namespaces, stage, wait_for

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("practice")]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat").read_text() if Path(f"/proc/{pid}/stat").exists() else ") Z"
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def processes(running: Stage) -> list[int]:
    return [pid for pids in running.facts["processes"].values() for pid in pids]


@pytest.mark.root
def test_two_side_by_side_do_not_collide_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    before = set(namespaces())
    with stage(tmp_path / "one") as one, stage(tmp_path / "two") as two:
        for running in (one, two):
            cut = running.subscribers(state="suspended")[0]
            assert "suspendido" in browse(cut, running.facts["site"]).lower()
            paid = running.subscribers(state="active", owes=False, notice=False)[0]
            assert "puente viejo" in browse(paid, running.facts["site"])
        pids = processes(one) + processes(two)
        assert all(alive(pid) for pid in pids)
        assert len(set(pids)) == len(pids)
    assert not [pid for pid in pids if alive(pid)]
    assert set(namespaces()) <= before
    assert not (tmp_path / "one.ready.json").exists(), "the ready file says that it runs; it does not"


@pytest.mark.root
def test_what_a_killed_practice_leaves_is_cleared_by_the_next_start(tmp_path: Path) -> None:
    before = set(namespaces())
    killed = Stage(tmp_path / "one")
    left = set(namespaces()) - before
    pids = processes(killed)
    assert left
    killed.kill()
    with stage(tmp_path / "two") as running:
        assert not left & set(namespaces()), "the leftovers of another home are cleared"
        wait_for(lambda: not [pid for pid in pids if alive(pid)], why="its processes ended with it")
        assert running.subscribers(state="suspended")
    with stage(tmp_path / "one") as again:
        assert again.subscribers(state="suspended"), "the same home starts again"
    assert set(namespaces()) <= before


def test_a_second_practice_on_one_home_is_told_so(tmp_path: Path) -> None:
    import sys

    with stage(tmp_path / "one", "--place", "loopback"):
        second = subprocess.run(
            [sys.executable, "-m", "daemon", "practice", "--home", str(tmp_path / "one")],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert "a practice runs on" in second.stderr
        assert "--home" in second.stderr


def test_without_root_loopback_addresses_stand_for_subscribers(tmp_path: Path) -> None:
    """What an ordinary user gets: the proxy in explicit mode enforces the cut, and the run says so."""
    with stage(tmp_path / "home", "--place", "loopback") as running:
        assert running.told("loopback addresses stand for the subscribers")
        debtor = running.subscribers(state="active", notice=True)[0]
        paid = running.subscribers(state="active", owes=False, notice=False)[0]
        cut = running.subscribers(state="suspended")[0]
        page = browse(debtor, running.facts["site"])
        assert "Aviso de su proveedor" in page
        assert "puente viejo" in page
        assert "Aviso de su proveedor" not in browse(paid, running.facts["site"])
        shown = browse(cut, running.facts["site"])
        assert "suspendido" in shown.lower()
        assert "puente viejo" not in shown
        assert "HTTPS" in fetch(paid, running.facts["https_site"], "-k")[1]
        assert fetch(cut, running.facts["https_site"], "-k")[0] != 0

"""The server: listens, says so in one file, stops when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.webui.conftest import Town
from webui.serve import ListenError, bind, main, url_of

pytestmark = pytest.mark.long

PATIENCE = 60.0


@contextmanager
def served(app: str, home: Path, ready: Path, workers: int = 1, **environ: str) -> Iterator[dict[str, Any]]:
    """One of the applications in processes of its own, until the block ends; gives its ready file."""
    words = ["--home", str(home), "--listen", "127.0.0.1:0", "--workers", str(workers), "--ready", str(ready)]
    with subprocess.Popen(
        [sys.executable, "-m", "webui", app, *words], env={**os.environ, **environ}
    ) as process:
        try:
            until = time.monotonic() + PATIENCE
            while not ready.exists():
                assert process.poll() is None, "it ended before it was ready"
                assert time.monotonic() < until, "it was not ready in time"
                time.sleep(0.05)
            yield json.loads(ready.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return str(answer.read().decode())


def test_both_applications_serve_and_say_where(town: Town, tmp_path: Path) -> None:
    home = town.settings.home
    with served("staff", home, tmp_path / "staff.json", workers=2) as staff:
        assert len(staff["workers"]) == 2
        assert staff["pid"] not in staff["workers"]
        assert "Ingresar" in fetch(staff["url"])
    with served("portal", home, tmp_path / "portal.json") as portal:
        assert "Hola" in fetch(portal["url"])


def test_a_killed_worker_is_replaced_and_the_ready_file_names_the_new_one(town: Town, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with served("portal", town.settings.home, ready, workers=2) as first:
        os.kill(first["workers"][0], signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while first["workers"][0] in json.loads(ready.read_text())["workers"]:
            assert time.monotonic() < until, "nobody took the place of the killed worker"
            time.sleep(0.05)
        now = json.loads(ready.read_text())
        assert len(now["workers"]) == 2
        assert fetch(now["url"] + "healthz") == "ok\n"


def test_systemd_is_told_when_it_is_ready_and_that_it_lives(town: Town, tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(PATIENCE)
        environ = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "1000000"}
        with served("portal", town.settings.home, tmp_path / "ready.json", **environ):
            heard = {systemd.recv(64).decode() for _ in range(4)}
    assert heard >= {"READY=1", "WATCHDOG=1"}


def test_a_free_port_is_taken_and_named() -> None:
    with bind("127.0.0.1:0") as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:", "127.0.0.1:99999", ":80x", ""])
def test_an_address_that_is_none_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(ListenError, match="HOST:PORT"):
        bind(listen)


def test_wrong_use_ends_with_two_and_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as wrong:
        main(["staff"])
    assert wrong.value.code == 2
    with bind("127.0.0.1:0") as taken:
        port = taken.getsockname()[1]
        assert main(["staff", "--home", str(tmp_path / "home"), "--listen", f"127.0.0.1:{port}"]) == 2
    assert "choose another --listen" in capsys.readouterr().err

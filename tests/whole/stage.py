"""Starts a practice for tests and gives short words for what one does in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: What a browser says of a page view; curl alone is no browser and is left in peace.
AS_BROWSER = (
    "-H", "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "-H", "Upgrade-Insecure-Requests: 1",
    "-A", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
)  # fmt: skip
START_SECONDS = 120.0


def wait_for[T](what: Callable[[], T], patience: float = 30.0, why: str = "") -> T:
    """Call `what` until it is true; give its value, or fail with what it gave last."""
    deadline = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {patience:g} s: {why or what}; last: {found!r}"
        time.sleep(0.05)
    return found


class Stage:
    """One running practice."""

    def __init__(self, home: Path, *words: str) -> None:
        self.home = home
        self.ready = home.parent / f"{home.name}.ready.json"
        self.output = home.parent / f"{home.name}.out"
        self.ready.unlink(missing_ok=True)
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "daemon", "practice", "--home", str(home), "--ready", str(self.ready),
                 "--listen", "127.0.0.1:0", *words],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.output.read_text("utf-8", "replace")
                self.kill()
                raise AssertionError(f"the practice did not start:\n{text}\n{self.logs()}")
            time.sleep(0.1)

    @property
    def facts(self) -> dict[str, Any]:
        """The ready file as it is now (it is written again when a process was started anew)."""
        found = json.loads(self.ready.read_text("utf-8"))
        assert isinstance(found, dict)
        return found

    def logs(self) -> str:
        """The ends of all logs, for a failing test."""
        texts = []
        for path in sorted((self.home / "log").glob("*.log")):
            lines = path.read_text("utf-8", "replace").splitlines()[-15:]
            texts.append(f"--- {path.name}\n" + "\n".join(lines))
        return "\n".join(texts)

    def told(self, text: str) -> bool:
        """Whether the practice has printed a line with this text."""
        return text in self.output.read_text("utf-8", "replace")

    def subscribers(self, **wanted: Any) -> list[dict[str, Any]]:
        """The subscribers with these values, as the start found them."""
        return [
            one
            for one in self.facts["subscribers"]
            if all(one[key] == value for key, value in wanted.items())
        ]

    def stop(self) -> int:
        """Ctrl-C, and the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def kill(self) -> None:
        """SIGKILL to the practice alone: its children must see to themselves."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@contextmanager
def stage(home: Path, *words: str) -> Iterator[Stage]:
    """A practice for the length of a block; it must end cleanly."""
    running = Stage(home, *words)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            status = running.stop()
            assert status == 0, running.output.read_text("utf-8", "replace")


def fetch(subscriber: dict[str, Any], url: str, *words: str, patience: float = 10.0) -> tuple[int, str]:
    """curl as this subscriber: (exit status, body)."""
    done = subprocess.run(
        [*subscriber["curl"], "-s", "-m", str(patience), *words, url],
        capture_output=True, timeout=patience + 20, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "replace")


def browse(subscriber: dict[str, Any], url: str, *words: str, patience: float = 10.0) -> str:
    """The page as a browser of this subscriber would be given it."""
    return fetch(subscriber, url, *AS_BROWSER, *words, patience=patience)[1]


def seat(subscriber: dict[str, Any]) -> str:
    """Name of the subscriber's namespace."""
    words = subscriber["curl"]
    assert words[:3] == ["ip", "netns", "exec"]
    return str(words[3])


def namespaces() -> list[str]:
    """The network namespaces of this machine."""
    found = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in found.splitlines() if line]

"""The crew: starts the product's processes, watches that they live and answer, and starts them again.

In practice this does what systemd does on an appliance: `READY=1` and `WATCHDOG=1` over a notify socket
(sd_notify(3)), `Restart=always` with a growing pause, SIGTERM and then SIGKILL at the end. A process that stops
beating (SIGSTOP, a busy loop) is killed, so that what depends on it can go on without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Job:
    """How one process is started."""

    name: str
    argv: Sequence[str]
    #: JSON file the process writes when it serves; removed before each start.
    ready: Path
    #: Seconds without a beat after which it counts as hung; None: it does not beat.
    watchdog: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class StartError(Exception):
    """A process of the crew did not come up; the text holds the end of its log."""


class Worker:
    """One process of the crew and its log."""

    def __init__(self, job: Job, logs: Path, say: Callable[[str], None]) -> None:
        self.job = job
        self.log = logs / f"{job.name}.log"
        self.say = say
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0
        self._leaving = False
        self._beat = 0.0
        self._task: asyncio.Task[None] | None = None
        self._notify: socket.socket | None = None
        self._notify_path = logs.parent / "run" / f"{job.name}.notify"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self.process.pid if self.process and self.process.returncode is None else None

    async def start(self, patience: float) -> None:
        """Start it and wait for its ready file; raise `StartError` after `patience` seconds or at its death."""
        self._open_notify()
        self.job.ready.unlink(missing_ok=True)  # of a killed practice: not to be believed
        self._task = asyncio.create_task(self._keep())
        deadline = time.monotonic() + patience
        while not self.job.ready.exists():
            if time.monotonic() > deadline or self.starts > 2:
                raise StartError(f"{self.job.name} did not start; the end of {self.log}:\n{self.tail()}")
            await asyncio.sleep(0.03)

    def tail(self, lines: int = 12) -> str:
        """The last lines of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        return "(no log)"

    async def _keep(self) -> None:
        pause = 0.1
        while not self._leaving:
            began = time.monotonic()
            await self._run_once()
            if self._leaving:
                return
            code = self.process.returncode if self.process else None
            self.say(f"{self.job.name} ended ({_ending(code)}); starting it again")
            pause = 0.1 if time.monotonic() - began > 10 else min(pause * 2, 5.0)
            await asyncio.sleep(pause)

    async def _run_once(self) -> None:
        self.starts += 1
        self.job.ready.unlink(missing_ok=True)
        environment = {**os.environ, **self.job.environment, "PYTHONUNBUFFERED": "1"}
        environment.pop("NOTIFY_SOCKET", None)
        if self._notify is not None:
            environment["NOTIFY_SOCKET"] = str(self._notify_path)
        with open(self.log, "ab") as log:  # noqa: ASYNC230 - one short open at a process's start
            self.process = await asyncio.create_subprocess_exec(
                *self.job.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # A group of its own: Ctrl-C is for us alone, we end the others in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._beat = 0.0
        watch = asyncio.create_task(self._watch(self.process)) if self.job.watchdog else None
        try:
            await self.process.wait()
        finally:
            if watch:
                watch.cancel()

    def _open_notify(self) -> None:
        if self.job.watchdog is None:
            return
        self._notify_path.unlink(missing_ok=True)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._notify.bind(str(self._notify_path))
        asyncio.get_running_loop().add_reader(self._notify, self._hear)

    def _hear(self) -> None:
        assert self._notify is not None
        with contextlib.suppress(BlockingIOError):
            while message := self._notify.recv(4096):
                if b"WATCHDOG=1" in message or b"READY=1" in message:
                    self._beat = time.monotonic()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill the process when its beat stops; a delay of our own (a busy machine) is not held against it."""
        limit = self.job.watchdog or 0.0
        looked = time.monotonic()
        while process.returncode is None:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            if now - looked > 0.5:
                self._beat = now if self._beat else 0.0
            looked = now
            if self._beat and now - self._beat > limit and process.returncode is None:
                self.say(f"{self.job.name} does not answer for {limit:g} s; ending it")
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return

    async def stop(self, patience: float = 6.0) -> None:
        """End it for good: SIGTERM, and SIGKILL when it does not go."""
        self._leaving = True
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), patience)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()
                await self.process.wait()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._notify is not None:
            asyncio.get_running_loop().remove_reader(self._notify)
            self._notify.close()
            self._notify_path.unlink(missing_ok=True)
        self.job.ready.unlink(missing_ok=True)


def _ending(code: int | None) -> str:
    if code is None:
        return "unknown"
    return signal.Signals(-code).name if code < 0 else f"status {code}"


def _die_with_parent() -> None:
    """In the child: end when the crew's process ends, however it ends (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

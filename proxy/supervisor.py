"""The main process: starts the workers, listens to their beats, and gets out of the way when one is not well.

It holds the listening socket, from which all workers accept: so a worker that hangs keeps no new connection to
itself, and one that is started anew goes on with the queue of the one that died. A worker that has not said its
beat for `HUNG` seconds is killed (SIGKILL ends a stopped process too) and replaced. While no worker is well, or
the queue of new connections stays full, TPROXY's rule is withdrawn: new connections then pass us by.

In its turn it tells its own service manager that it turns (sd_notify).
"""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from proxy.divert import Divert, DivertError
from proxy.options import Options
from proxy.shared.events import Events
from proxy.shared.feed import Feed
from proxy.shared.memory import Memory

TICK = 0.1
HUNG = 1.0
"""Seconds without a beat after which a worker counts as hung."""

STALL = 0.5
"""A tick this late (seconds) says that the machine stood still, not that a worker hangs: all clocks start anew."""

BIRTH = 15.0
"""Seconds that a new worker may take to its first beat."""

FULL = 1.0
"""Seconds that the queue of new connections may stay full."""

BACKLOG = 256
GOODBYE = 5.0
_NOTIFY_EVERY = 0.3
_COMPLAIN_EVERY = 10.0
_LIVED = 10.0
_PAUSES = (0.0, 0.3, 1.0, 2.0, 5.0)
_IP_TRANSPARENT = 19
_IPV6_TRANSPARENT = 75
_ROOM = Path(__file__).resolve().parent.parent


@dataclass
class _Child:
    """One worker as its supervisor sees it."""

    process: subprocess.Popen[bytes]
    beat: int
    born: float
    heard: float
    ready: bool = False
    killed: bool = False


@dataclass
class _Place:
    """A worker's place, filled anew when its worker dies."""

    child: _Child | None = None
    deaths: int = 0
    due: float = 0.0


def listen(options: Options) -> socket.socket:
    """Open the listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(options.host != "::"))
        if options.transparent:
            sock.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
        sock.bind((options.host, options.port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def queue_of(listener: socket.socket) -> tuple[int, int]:
    """How many connections wait to be accepted, and how many may (TCP_INFO of a listening socket)."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    waiting, most = struct.unpack_from("II", info, 24)
    return int(waiting), int(most)


class Queue:
    """Watches the queue of new connections: `over` while it has been full for long, until it is half empty."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._full_since: float | None = None
        self.over = False

    def look(self, now: float) -> bool:
        """Look at the queue; True when it has just turned out to be over."""
        waiting, most = queue_of(self._listener)
        if waiting < most:
            self._full_since = None
            self.over = self.over and waiting >= most // 2
            return False
        self._full_since = self._full_since or now
        if self.over or now - self._full_since <= FULL:
            return False
        self.over = True
        return True


def notify(text: str) -> None:
    """Tell the service manager (sd_notify), where there is one."""
    place = os.environ.get("NOTIFY_SOCKET")
    if place:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(text.encode("ascii"), "\0" + place[1:] if place.startswith("@") else place)


@dataclass
class Supervisor:
    """Runs until SIGTERM or SIGINT. `command` is how a worker is started."""

    options: Options
    listener: socket.socket
    divert: Divert | None
    command: list[str] = field(default_factory=lambda: [sys.executable, "-m", "proxy.worker"])

    async def run(self) -> int:
        """Supervise; returns the exit status."""
        loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        self._memory = Memory.create()
        self._life_read, self._life_write = os.pipe()
        self._places = [_Place() for _ in range(self.options.workers)]
        self._queue = Queue(self.listener)
        self._written = ""
        self._last_notify = 0.0
        self._complained = float("-inf")
        self._said_ready = False
        self._feed = Feed(self.options.board)
        self._events = Events(self.options.events, also=self._feed.tell)
        self._feed.start()
        try:
            if self.divert is not None:
                self.divert.install()
            await self._watch()
        finally:
            await self._end()
        return 0

    async def _watch(self) -> None:
        last = time.monotonic()
        while not self._ending.is_set():
            now = time.monotonic()
            self._read_beats(now)
            if now - last > STALL:
                for place in self._places:
                    if place.child is not None:
                        place.child.heard = now
            last = now
            for place in self._places:
                self._look_after(place, now)
            if self._queue.look(now):
                self._events.tell("worker", what="queue-full", pid=os.getpid())
            self._steer()
            self._write_ready()
            if now - self._last_notify >= _NOTIFY_EVERY:
                self._last_notify = now
                notify("WATCHDOG=1")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK)

    def _read_beats(self, now: float) -> None:
        for place in self._places:
            child = place.child
            if child is not None:
                with suppress(BlockingIOError):
                    if os.read(child.beat, 4096):
                        child.heard = now
                        child.ready = True

    def _look_after(self, place: _Place, now: float) -> None:
        child = place.child
        if child is not None and child.process.poll() is not None:
            self._events.tell(
                "worker", what="killed" if child.killed else "died", pid=child.process.pid,
                status=child.process.returncode,
            )  # fmt: skip
            os.close(child.beat)
            place.deaths = 1 if now - child.born > _LIVED else place.deaths + 1
            place.due = now + _PAUSES[min(place.deaths - 1, len(_PAUSES) - 1)]
            place.child = child = None
        if child is None:
            if now >= place.due:
                place.child = self._start(now)
            return
        patience = HUNG if child.ready else BIRTH
        if now - child.heard > patience and not child.killed:
            self._events.tell("worker", what="hung", pid=child.process.pid)
            child.killed, child.ready = True, False
            self._steer()
            child.process.kill()

    def _start(self, now: float) -> _Child:
        beat_read, beat_write = os.pipe()
        os.set_blocking(beat_read, False)
        inherited = (self.listener.fileno(), self._memory, beat_write, self._life_read)
        path = os.pathsep.join(filter(None, (str(_ROOM), os.environ.get("PYTHONPATH"))))
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        process = subprocess.Popen(
            [*self.command, self.options.dump(), *map(str, inherited)],
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            env=environment | {"PYTHONPATH": path},
        )
        os.close(beat_write)
        self._events.tell("worker", what="started", pid=process.pid)
        return _Child(process, beat_read, now, now)

    def _well(self) -> list[_Child]:
        return [one.child for one in self._places if one.child is not None and one.child.ready]

    def _steer(self) -> None:
        """Bring the kernel's part in step with how the workers are."""
        if self.divert is None:
            return
        # Without a board there is no notice to show and nobody knows who is cut: what the predecessor cut stays so.
        wanted = bool(self._well()) and not self._queue.over and self._feed.known
        try:
            if self.divert.active and not wanted:
                self.divert.withdraw()
            elif wanted and not self.divert.active:
                self.divert.restore()
            if self._feed.known:
                self.divert.suspend(self._feed.all_suspended())
        except DivertError as error:
            if time.monotonic() - self._complained > _COMPLAIN_EVERY:
                self._complained = time.monotonic()
                sys.stderr.write(f"pregonero proxy: {error}\n")

    def _write_ready(self) -> None:
        pids = [child.process.pid for child in self._well()]
        if len(pids) < len(self._places):
            return
        if not self._said_ready:
            self._said_ready = True
            notify("READY=1")
        host, port = self.listener.getsockname()[:2]
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        text = json.dumps({"pid": os.getpid(), "workers": pids, "listen": shown})
        if self.options.ready is None or text == self._written:
            return
        part = f"{self.options.ready}.{os.getpid()}.part"
        try:
            Path(part).write_text(text + "\n", encoding="ascii")
            os.replace(part, self.options.ready)
        except OSError as error:
            sys.stderr.write(f"pregonero proxy: cannot write the ready file: {error}\n")
        self._written = text

    async def _end(self) -> None:
        notify("STOPPING=1")
        self.listener.close()
        if self.divert is not None:
            with suppress(DivertError):
                self.divert.withdraw()
        children = [place.child for place in self._places if place.child is not None]
        for child in children:
            child.process.terminate()
        deadline = time.monotonic() + GOODBYE
        while any(child.process.poll() is None for child in children) and time.monotonic() < deadline:
            notify("WATCHDOG=1")
            now = time.monotonic()
            self._read_beats(now)
            for child in children:
                if now - child.heard > HUNG and child.process.poll() is None:
                    child.process.kill()
            await asyncio.sleep(0.02)
        for child in children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
            self._events.tell("worker", what="stopped", pid=child.process.pid)
        if self.divert is not None:
            self.divert.stop()
        await self._feed.stop()
        if self.options.ready is not None and self._written:
            with suppress(OSError):
                os.unlink(self.options.ready)

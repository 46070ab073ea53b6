"""A worker: one event loop that takes connections from the listening socket it was born with.

It says with a beat down a pipe, five times a second, that its loop turns. It ends when its supervisor does: the
kernel kills it (PR_SET_PDEATHSIG), and should that fail the end of the life pipe tells it.
"""

import asyncio
import ctypes
import os
import resource
import signal
import socket
import sys
from contextlib import suppress

from proxy.front.desk import Desk
from proxy.front.explicit import Explicit
from proxy.front.stream import Stream
from proxy.front.transparent import serve
from proxy.options import Options
from proxy.shared.events import Events
from proxy.shared.feed import Feed
from proxy.shared.memory import Memory
from proxy.shared.pace import Pace

BEAT = 0.2
"""Seconds between two beats."""

READY = b"R"
ALIVE = b"."

BOARD_PATIENCE = 1.0
"""Seconds that a new worker waits for its first board before it takes connections without one."""

LAST_WORDS = 4.0
"""Seconds that running connections have after SIGTERM."""

_PR_SET_PDEATHSIG = 1
_AT_ONCE = 64


class Worker:
    """The connections of one process."""

    def __init__(self, options: Options, listener: socket.socket, memory: Memory, beat: int) -> None:
        self._options = options
        self._listener = listener
        self._beat = beat
        self._feed = Feed(options.board)
        self._events = Events(options.events, also=self._feed.tell)
        self._pace = Pace(memory, cooldown=options.cooldown, daily_cap=options.daily_cap, learn=options.learn)
        self._desk = Desk(self._feed, self._pace, self._events, options.allowed())
        self._running: set[asyncio.Task[None]] = set()
        self._limit = min(20000, max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 64))
        self._accepting = False
        self._seen: frozenset[str] = frozenset()
        self._suspended: frozenset[str] = frozenset()
        self._of: dict[str, set[asyncio.Task[None]]] = {}
        self._ending = asyncio.Event()

    async def run(self, life: int) -> None:
        """Work until told to end, or until the supervisor is gone."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._ending.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_reader(life, lambda: os._exit(0))
        self._feed.on_change = self._board_changed
        self._feed.start()
        # A connection judged before the first board could be a suspended one's.
        await self._feed.first(BOARD_PATIENCE)
        self._accept_on()
        self._tell_alive(READY)
        self._desk.load_layers()
        await self._ending.wait()
        self._accept_off()
        self._listener.close()
        if self._running:
            await asyncio.wait(self._running, timeout=LAST_WORDS)
        await self._feed.stop()

    def _tell_alive(self, word: bytes = ALIVE) -> None:
        with suppress(BlockingIOError):
            os.write(self._beat, word)
        asyncio.get_running_loop().call_later(BEAT, self._tell_alive)

    def _board_changed(self) -> None:
        now = frozenset(self._feed.acknowledged())
        for notice in now - self._seen:
            if self._pace.once(86400.0, "acknowledged", notice):
                self._events.tell("acknowledged", id=notice)
        self._seen = now
        suspended = self._feed.all_suspended()
        for address in suspended - self._suspended:
            for task in self._of.get(address, ()):
                task.cancel()  # what was passed until now ends with the service
        self._suspended = suspended

    def _accept_on(self) -> None:
        if not self._accepting and not self._ending.is_set():
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)
            self._accepting = True

    def _accept_off(self) -> None:
        if self._accepting:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._accepting = False

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if len(self._running) >= self._limit:
                self._accept_off()  # the backlog fills, and the supervisor lets new connections go by
                return
            try:
                sock, _peer = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                self._accept_off()  # out of descriptors or memory: look again in a moment
                asyncio.get_running_loop().call_later(0.2, self._accept_on)
                return
            task = asyncio.get_running_loop().create_task(self._serve(sock))
            self._running.add(task)
            task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._events.tell("worker", what="fault", error=type(task.exception()).__name__, pid=os.getpid())
        if not self._accepting and len(self._running) < self._limit * 0.9:
            self._accept_on()

    async def _serve(self, sock: socket.socket) -> None:
        client = Stream(sock)
        subscriber = ("", 0)
        task = asyncio.current_task()
        assert task is not None
        try:
            with suppress(OSError, TimeoutError):
                subscriber, own = _ends(sock)
                self._of.setdefault(subscriber[0], set()).add(task)
                if self._options.mode == "explicit":
                    await Explicit(self._desk, client, subscriber).serve()
                elif (
                    own[1] != self._options.port
                ):  # else nobody diverted it: it would come back to us for ever
                    await serve(self._desk, client, subscriber, own)
        except asyncio.CancelledError:
            client.reset()
            raise
        finally:
            client.close()
            mine = self._of.get(subscriber[0], set())
            mine.discard(task)
            if not mine:
                self._of.pop(subscriber[0], None)


def _ends(sock: socket.socket) -> tuple[tuple[str, int], tuple[str, int]]:
    ends = []
    for name in (sock.getpeername(), sock.getsockname()):
        address = str(name[0]).partition("%")[0]
        ends.append((address.removeprefix("::ffff:") if "." in address else address, int(name[1])))
    return ends[0], ends[1]


def main(words: list[str]) -> int:
    """Started by the supervisor: OPTIONS as JSON, then the descriptors of listener, memory, beat and life."""
    options = Options.load(words[0])
    listener, memory, beat, life = (int(word) for word in words[1:5])
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    os.set_blocking(beat, False)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sock = socket.socket(fileno=listener)
    sock.setblocking(False)

    async def work() -> None:
        await Worker(options, sock, Memory(memory), beat).run(life)

    asyncio.run(work())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Following the board: a file that is re-read on change, or the daemon's unix socket.

What is not known to be good is not known at all. A file that is missing, past its `until` or unreadable for more
than a second means that everything passes. A socket that is lost means that no notice is shown; the suspended
of its last board stay so until that board's own `until`, since the router still sends them here.
"""

import asyncio
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from daemon.board import Board, BoardError, Event, Notice, Suspended, dump_event, parse_board

POLL = 0.2
"""Seconds between two looks at the file, and between two tries to reach the socket."""

GRACE = 1.0
"""Seconds for which a file that cannot be read is taken for one that is just being written."""

SILENCE = 12.0
"""Seconds without a board after which a socket counts as lost (the daemon sends one every ten)."""

KEPT = 600.0
"""Seconds for which suspended addresses of a lost socket are kept where the board has no `until`."""

MAX_BOARD = 64 * 1024 * 1024
_MAX_WAITING = 1000
_LARGE = 256 * 1024
_EMPTY = Board()


def _parsed(raw: bytes) -> Board | None:
    try:
        return parse_board(raw)
    except BoardError:
        return None


async def _parsed_aside(raw: bytes) -> Board | None:
    """A large board is read beside the loop, which must not stand still for it."""
    return _parsed(raw) if len(raw) < _LARGE else await asyncio.to_thread(_parsed, raw)


class Feed:
    """The board as it is known now. `start` begins to follow, `stop` ends; lookups never wait."""

    def __init__(self, place: str, *, wall: Callable[[], float] = time.time) -> None:
        self._place = place
        self._wall = wall
        self._board = _EMPTY
        self._notices: dict[str, tuple[Notice, ...]] = {}
        self._suspended: dict[str, Suspended] = {}
        self._from_socket = False
        self._alive = False
        self._heard = 0.0
        self._known: tuple[int, int, int] | None = None
        self._looked_at: tuple[int, int, int] | None = None
        self._broken_since: float | None = None
        self._waiting: list[bytes] = []
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()
        self.on_change: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to follow; the first look at a file is done before this returns."""
        if not self._is_socket():
            raw = self._look()
            if raw is not None:
                self._settle(_parsed(raw))
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def stop(self) -> None:
        """End following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def known(self) -> bool:
        """Whether any board has ever come: before that nobody knows who is cut."""
        return self._first.is_set()

    async def first(self, patience: float) -> bool:
        """Wait for the first board, `patience` seconds at most; whether it came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._first.wait(), patience)
        return self.known

    def notices(self, address: str) -> tuple[Notice, ...]:
        """The notices for this address that may be shown now, the most urgent first."""
        if not self._notices or not self._alive or self._board.is_stale(self._wall()):
            return ()
        if self._from_socket and time.monotonic() - self._heard > SILENCE:
            return ()
        return self._notices.get(address, ())

    def suspended(self, address: str) -> Suspended | None:
        """The entry of a cut address, or None."""
        return self._suspended.get(address) if self._suspensions_hold() else None

    def all_suspended(self) -> frozenset[str]:
        """Every address that is cut now."""
        return frozenset(self._suspended) if self._suspensions_hold() else frozenset()

    def acknowledged(self) -> tuple[str, ...]:
        """The ids that the board calls acknowledged."""
        return self._board.acknowledged if self._alive else ()

    def tell(self, event: Event) -> None:
        """Send an event back over the socket, or keep it (the newest thousand) until it can be sent."""
        if self._is_socket() or self._from_socket:
            self._waiting.append(dump_event(event) + b"\n")
            del self._waiting[:-_MAX_WAITING]
            self._bell.set()

    def _suspensions_hold(self) -> bool:
        if not self._suspended or self._board.is_stale(self._wall()):
            return False
        if self._from_socket and not self._alive and self._board.until is None:
            return time.monotonic() - self._heard < KEPT
        return self._alive or self._from_socket

    def _is_socket(self) -> bool:
        try:
            return stat.S_ISSOCK(os.stat(self._place).st_mode)
        except OSError:
            return False

    def _take(self, board: Board) -> None:
        notices: dict[str, tuple[Notice, ...]] = {}
        seen = set(board.acknowledged)
        for notice in board.notices:
            if notice.id not in seen:
                notices[notice.address] = (*notices.get(notice.address, ()), notice)
        self._board = board
        self._notices = notices
        self._suspended = {one.address: one for one in board.suspended}
        self._alive = True
        self._heard = time.monotonic()
        self._first.set()
        self._changed()

    def _drop(self) -> None:
        if self._alive:
            self._alive = False
            self._changed()

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()

    async def _follow(self) -> None:
        while True:
            if self._is_socket():
                with suppress(OSError, asyncio.IncompleteReadError):
                    await self._listen()
                self._drop()
            elif not self._from_socket:
                raw = self._look()
                if raw is not None:
                    self._settle(await _parsed_aside(raw))
            await asyncio.sleep(POLL)

    def _look(self) -> bytes | None:
        """The file's bytes, where they may be new; None where they are not, or cannot be read."""
        try:
            found = os.stat(self._place)
            mark = (found.st_mtime_ns, found.st_ino, found.st_size)
            if mark == self._known and self._broken_since is None:
                return None
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BOARD:
                self._settle(None)
                return None
            with open(self._place, "rb") as file:
                raw = file.read(MAX_BOARD)
        except OSError:
            self._settle(None)
            return None
        self._looked_at = mark
        return raw

    def _settle(self, board: Board | None) -> None:
        """Take a file's board; None, that it was none, is believed after a moment only."""
        if board is not None:
            self._known, self._broken_since = self._looked_at, None
            self._take(board)
            return
        now = time.monotonic()
        if self._broken_since is None:
            self._broken_since = now
        if now - self._broken_since >= GRACE:
            self._drop()

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._place, limit=MAX_BOARD)
        self._from_socket = True
        sender = asyncio.get_running_loop().create_task(self._send(writer))
        try:
            while True:
                async with asyncio.timeout(SILENCE):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    return
                board = await _parsed_aside(line)
                if board is None:
                    self._drop()
                else:
                    self._take(board)
        except (TimeoutError, ValueError):
            return  # silent for too long, or a line beyond all measure: connect anew
        finally:
            sender.cancel()
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                while self._waiting:
                    writer.write(self._waiting.pop(0))
                    await writer.drain()
                self._bell.clear()
                await self._bell.wait()

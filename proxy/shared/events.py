"""Telling what happened: one JSON line an event, to a file or standard output and back over the board's socket.

No URL, no host, no body: an event holds a kind, a notice's id, a subscriber's address, a time and a reason.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from daemon.board import Event, dump_event

MAX_REASON = 60


class Events:
    """Writes events as they come. Several workers write to one file: each line is one O_APPEND write."""

    def __init__(
        self,
        place: str | None,
        *,
        also: Callable[[Event], None] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._descriptor: int | None = None
        if place == "-":
            self._descriptor = 1
        elif place is not None:
            self._descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._also = also
        self._wall = wall

    def tell(
        self, kind: str, *, id: str | None = None, address: str | None = None, **more: str | int | float
    ) -> None:
        """Write one event. A full disk or a closed pipe loses the line, never the connection."""
        event = Event(kind, self._wall(), id, address, more)
        if self._descriptor is not None:
            with suppress(OSError):
                os.write(self._descriptor, dump_event(event) + b"\n")
        if self._also is not None:
            self._also(event)

"""Publishes the notice board to the proxy and writes down what the proxy saw."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from typing import Any

from twisted.application.service import MultiService
from twisted.logger import Logger

from daemon.board import Board, BoardError, Event, dump_board, parse_event
from daemon.chores.feed import BoardFeed
from daemon.chores.loop import LevelLoop
from daemon.office import notice as office
from daemon.settings import Settings
from daemon.store.engine import AsyncStore

#: Seconds between two boards when nothing changes; the proxy takes silence for much longer as a lost daemon.
EVERY_SECONDS = 10.0
#: A board is believed for so long after the daemon fell silent: the suspended stay answered by their page.
BELIEVED_SECONDS = 600.0
#: Events that may wait to be written; beyond that the oldest are dropped (they are counts, not money).
MOST_EVENTS = 10_000


class BoardKeeper(MultiService):
    """The board's loop and its feed."""

    def __init__(self, settings: Settings, store: AsyncStore, reactor: Any) -> None:
        super().__init__()
        self._settings = settings
        self._store = store
        self._events: list[Event] = []
        self._last: Board | None = None
        self._told = 0.0
        self._log = Logger(namespace="board")
        self._feed = BoardFeed(reactor, settings.board_path, self._heard)
        self._loop = LevelLoop("board", EVERY_SECONDS, self._look)
        self._feed.setServiceParent(self)
        self._loop.setServiceParent(self)

    def wake(self) -> None:
        """Look at the facts again now."""
        self._loop.wake()

    def _heard(self, line: bytes) -> None:
        try:
            event = parse_event(line)
        except BoardError as error:
            self._log.warn("the proxy sent an event that is none: {error}", error=str(error))
            return
        if len(self._events) < MOST_EVENTS:
            self._events.append(event)
        self._loop.wake()

    async def _look(self) -> float | None:
        """Write what was seen, then publish the board when it changed or is due."""
        if self._events:
            events, self._events = self._events, []
            await self._store.write(office.record_events, datetime.now(UTC), events)
        board = await self._store.read_aside(office.board, datetime.now(UTC), key=self._settings.portal_key)
        now = time.time()
        if board != self._last or now - self._told >= EVERY_SECONDS - 0.5:
            self._last, self._told = board, now
            self._feed.publish(dump_board(dataclasses.replace(board, made=now, until=now + BELIEVED_SECONDS)))
        return EVERY_SECONDS

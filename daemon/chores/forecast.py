"""Keeps the forecast of everybody computed, in a worker process of low priority."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from daemon.chores.loop import LevelLoop
from daemon.settings import Settings

_LOG = Logger(namespace="forecast")
STRETCH = 4.0
"""Seconds that one piece of work lasts at most, so that the daemon can end in between."""
PAUSE = 2.0
"""Seconds from one look to the next at least, however often the bell rings."""


def refresh_forecast(url: str, now: datetime, stretch: float) -> tuple[int, int]:
    """In the worker process: compute for at most `stretch` seconds; gives (clients done, clients waiting)."""
    from daemon.office.forecast import refresh
    from daemon.store.engine import Store

    store = Store(url)
    ends = time.monotonic() + stretch
    try:
        found = refresh(store, now, stop=lambda: time.monotonic() > ends)
        return found.done, found.waiting
    finally:
        store.dispose()


class ForecastKeeper(MultiService):
    """Looks every `clock_seconds` and when the bell rings; goes on at once while clients wait."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._url = settings.database_url
        self._clock = clock
        self._last = -PAUSE
        self._pool: ProcessPoolExecutor | None = None
        self._loop = LevelLoop("forecast", settings.clock_seconds, self._look)
        self._loop.setServiceParent(self)

    def wake(self) -> None:
        """Something changed: look soon."""
        self._loop.wake()

    async def _look(self) -> float | None:
        early = self._last + PAUSE - self._clock()
        if early > 0:
            return early
        if self._pool is None:
            # Spawned, not forked: a fork would carry the reactor's sockets and threads with it.
            self._pool = ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("spawn"), initializer=os.nice, initargs=(10,)
            )
        try:
            _done, waiting = await asyncio.get_running_loop().run_in_executor(
                self._pool, refresh_forecast, self._url, datetime.now(UTC), STRETCH
            )
        except BrokenProcessPool:
            self._pool = None
            _LOG.warn("the forecast worker died; a new one starts with the next look")
            return PAUSE
        if waiting:
            return 0.0
        self._last = self._clock()
        return None

    def stopService(self) -> Deferred[None]:
        """End the worker with the loop; a chunk that was not committed is computed again."""
        done = Deferred.fromFuture(asyncio.ensure_future(_waited(super().stopService())))
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return done


async def _waited(stopping: Deferred[None]) -> None:
    await stopping.asFuture(asyncio.get_running_loop())

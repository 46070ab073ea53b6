"""Drives the billing run by the clock, in a worker process so that the reactor is never held."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from daemon.chores.loop import LevelLoop
from daemon.settings import Settings

_LOG = Logger(namespace="billing")
PORTION = 20
"""Chunks of a bulk change, or of a file of payments, that one run does."""
MORE = "more waits"


def run_billing(url: str, now: datetime) -> dict[str, int]:
    """In the worker process: run the billing clock up to `now`, then what people asked to be done to many; give
    the counts of what was done.
    """
    from daemon.office.bulk.run import bulk_waits, run_bulk
    from daemon.office.payment_file import files_wait, run_files
    from daemon.office.run import run_clock
    from daemon.store.engine import Store

    store = Store(url)
    # A run makes many small objects that die with their chunk: looking for cycles among them is wasted.
    limits = gc.get_threshold()
    gc.set_threshold(200_000, *limits[1:])
    try:
        counts = run_clock(store, now).counts()
        # In portions: what was asked for many must not keep the clock from everybody else.
        counts["bulk"] = run_bulk(store, now, chunks=PORTION)
        counts["payments"] = run_files(store, now, chunks=PORTION)
        with store.read() as session:
            counts[MORE] = int(bulk_waits(session) or files_wait(session))
        return counts
    finally:
        gc.set_threshold(*limits)
        store.dispose()


class BillingClock(MultiService):
    """Runs every `clock_seconds`; a run in progress is never joined by a second one."""

    def __init__(self, settings: Settings, wake: Callable[[], object]) -> None:
        super().__init__()
        self._url = settings.database_url
        self._wake = wake
        self._pool: ProcessPoolExecutor | None = None
        self._loop = LevelLoop("billing", settings.clock_seconds, self._look)
        self._loop.setServiceParent(self)

    async def _look(self) -> float | None:
        if self._pool is None:
            # Spawned, not forked: a fork would carry the reactor's sockets and threads with it.
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        try:
            counts = await asyncio.get_running_loop().run_in_executor(
                self._pool, run_billing, self._url, datetime.now(UTC)
            )
        except BrokenProcessPool:
            self._pool = None
            _LOG.warn("the billing worker died; a new one starts with the next look")
            return 1.0
        if any(counts.values()):
            _LOG.info("billing: {counts}", counts=counts)
            self._wake()
        return 0.0 if counts.get(MORE) else None

    def stopService(self) -> Deferred[None]:
        """End the worker with the loop; what it had not committed never happened."""
        done = Deferred.fromFuture(asyncio.ensure_future(_waited(super().stopService())))
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return done


async def _waited(stopping: Deferred[None]) -> None:
    await stopping.asFuture(asyncio.get_running_loop())

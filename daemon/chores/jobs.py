"""Does long work aside: takes one job at a time and gives it to a worker process; clears away old files."""

from __future__ import annotations

import asyncio
import multiprocessing
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.application.service import MultiService
from twisted.logger import Logger

from daemon.chores.loop import LevelLoop
from daemon.office import job as office
from daemon.settings import Settings
from daemon.store.engine import AsyncStore

_LOG = Logger(namespace="jobs")
#: Seconds between two looks when no bell rings.
EVERY_SECONDS = 30.0
#: Between two clearings of old files.
CLEAR_EVERY = timedelta(hours=1)


def files_folder(settings: Settings) -> Path:
    """Where the files of jobs lie."""
    return settings.home / "files"


def _now() -> datetime:
    return datetime.now(UTC)


def run_job(url: str, job_id: int, owner: str, folder: str) -> None:
    """In the worker process: do one job to its end."""
    import os

    from daemon.office.paper_batch import make
    from daemon.store.engine import Store

    os.nice(10)  # nobody waits at the counter for this; the billing run goes first
    store = Store(url)
    try:
        make(store, job_id, owner, Path(folder), _now)
    finally:
        store.dispose()


class JobHouse(MultiService):
    """Looks for jobs when the bell rings. One at a time: they are long, and the box is small."""

    def __init__(self, settings: Settings, store: AsyncStore) -> None:
        super().__init__()
        self._settings = settings
        self._store = store
        #: This life of the daemon: jobs of another one were left half-way.
        self._owner = secrets.token_hex(8)
        self._cleared: datetime | None = None
        self._loop = LevelLoop("jobs", EVERY_SECONDS, self._look)
        self._loop.setServiceParent(self)

    def wake(self) -> None:
        """Look for jobs now."""
        self._loop.wake()

    async def _look(self) -> float | None:
        await self._clear()
        job_id = await self._store.write(office.take, _now(), self._owner)
        if job_id is None:
            return None
        # Spawned, not forked: a fork would carry the reactor's sockets and threads with it. One process a job:
        # without work there is none, on a small box its memory is wanted elsewhere.
        worker = multiprocessing.get_context("spawn").Process(
            target=run_job,
            args=(self._settings.database_url, job_id, self._owner, str(files_folder(self._settings))),
            name=f"job-{job_id}",
            daemon=True,
        )
        worker.start()
        try:
            await asyncio.to_thread(worker.join)
        finally:
            worker.terminate()  # when the daemon stops; the next one begins the job again
        if worker.exitcode != 0:
            _LOG.warn("the worker of job {job} ended with {code}", job=job_id, code=worker.exitcode)
            await self._store.write(office.let_go, job_id, self._owner)
            return 1.0
        return 0.0

    async def _clear(self) -> None:
        """Remove files whose time is over, and drafts that a killed worker left."""
        now = _now()
        if self._cleared is not None and now - self._cleared < CLEAR_EVERY:
            return
        folder = files_folder(self._settings)
        names = await self._store.write(office.expire, now)
        known = await self._store.read(office.known_files)
        await asyncio.to_thread(_remove, folder, known)
        if names:
            _LOG.info("{count} files of jobs are over", count=len(names))
        self._cleared = now


def _remove(folder: Path, known: set[str]) -> None:
    """Remove the files in a folder that no job has. Between jobs nothing is being written there."""
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if file.name not in known:
            file.unlink(missing_ok=True)

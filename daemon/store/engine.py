"""Connections: one store, two ways in, for plain processes and for the reactor.

On SQLite each writing transaction begins IMMEDIATE, so that two writers queue (10 s) instead of failing half
way; WAL, `synchronous=FULL` and foreign keys on. On PostgreSQL writers queue for an advisory lock, and readers
have one snapshot. A write commits at the end of its block or leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from daemon.store import bell as bells

BUSY_SECONDS = 10
CHECKPOINT_PAGES = 8000
"""Pages that the WAL gathers before they go home (32 MB): a billing run touches the same ones again and again."""
_WRITES = "pregonero_writes"
_WRITERS_LOCK = 0x707265676F6E  # "pregon": one writer at a time, as on SQLite


def sqlite_url(path: Path | str) -> str:
    """The URL of an SQLite file."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


class Store:
    """The store for processes that may wait: web workers, commands, chunks of long work.

    `url` is an SQLAlchemy URL (`sqlite:///…` or `postgresql+psycopg://…`); `bell` is rung after each commit.
    Make it after forking: connections do not survive a fork.
    """

    def __init__(self, url: str, *, bell: Path | None = None) -> None:
        self.url = url
        self.bell = bell
        self.engine = _tuned(create_engine(plain_url(url), **_arguments(url)))
        self._writer = self.engine.execution_options(**_writing(url))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot of the facts; whatever is written in it is rolled back."""
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session:
            try:
                yield session
            finally:
                session.expunge_all()  # what was read stays readable after the session
                session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end of the block, then rings the bell; rolled back on any
        exception.
        """
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session
        if self.bell is not None:
            bells.ring(self.bell)

    def dispose(self) -> None:
        """Close the connections."""
        self.engine.dispose()


class AsyncStore:
    """The same store for the reactor: runs an office function on a thread of aiosqlite's own.

    `await store.read(fn, *args)` calls `fn(session, *args)` inside a snapshot; `await store.write(fn, *args)`
    inside a writing transaction that commits when `fn` returns.
    """

    def __init__(self, url: str, *, bell: Path | None = None) -> None:
        self.url = url
        self.bell = bell
        self.engine: AsyncEngine = create_async_engine(async_url(url), **_arguments(url))
        _tuned(self.engine.sync_engine)
        self._plain: Store | None = None
        self._writer = self.engine.execution_options(**_writing(url))

    async def read[**P, T](
        self, deed: Callable[Concatenate[Session, P], T], *args: P.args, **words: P.kwargs
    ) -> T:
        """Call `deed(session, …)` on one snapshot; what it writes is rolled back."""
        async with AsyncSession(self.engine, autoflush=False, expire_on_commit=False) as session:
            try:
                return await session.run_sync(deed, *args, **words)
            finally:
                session.expunge_all()
                await session.rollback()

    async def read_aside[**P, T](
        self, deed: Callable[Concatenate[Session, P], T], *args: P.args, **words: P.kwargs
    ) -> T:
        """As `read`, but the whole deed runs in a thread of its own, with a plain session.

        For deeds that compute over everybody (a board, a router's facts): `read` would hold the reactor for as
        long as their Python takes (house plan: never over 50 ms).
        """
        return await asyncio.to_thread(self._aside, deed, args, words)

    def _aside(self, deed: Callable[..., Any], args: tuple[Any, ...], words: dict[str, Any]) -> Any:
        if self._plain is None:
            self._plain = Store(self.url)
        with self._plain.read() as session:
            return deed(session, *args, **words)

    async def write[**P, T](
        self, deed: Callable[Concatenate[Session, P], T], *args: P.args, **words: P.kwargs
    ) -> T:
        """Call `deed(session, …)` in one writing transaction, commit, ring the bell, give its result."""
        async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
            result = await session.run_sync(deed, *args, **words)
        if self.bell is not None:
            bells.ring(self.bell)
        return result

    async def dispose(self) -> None:
        """Close the connections and their threads."""
        await self.engine.dispose()
        if self._plain is not None:
            self._plain.dispose()


def plain_url(url: str) -> URL:
    """The URL with a driver that waits (sqlite3, psycopg)."""
    parsed = make_url(url)
    names = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
    return parsed.set(drivername=names.get(parsed.get_backend_name(), parsed.drivername))


def async_url(url: str) -> URL:
    """The URL with a driver for the reactor (aiosqlite, psycopg)."""
    parsed = make_url(url)
    names = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    return parsed.set(drivername=names.get(parsed.get_backend_name(), parsed.drivername))


def _arguments(url: str) -> dict[str, Any]:
    if make_url(url).get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}, "pool_size": 5, "max_overflow": 15}
    return {"pool_pre_ping": True, "isolation_level": "REPEATABLE READ"}


def _tuned(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _writing(url: str) -> dict[str, Any]:
    """What makes a transaction a writing one. On PostgreSQL each statement of it sees what the writer before
    has committed, since the lock may have been waited for.
    """
    if make_url(url).get_backend_name() == "postgresql":
        return {_WRITES: True, "isolation_level": "READ COMMITTED"}
    return {_WRITES: True}


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN is late and deferred; ours says what each transaction is for.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-16000",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

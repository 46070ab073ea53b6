"""Connections: writes are whole or nothing, and ring the bell; history cannot be changed."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError, StatementError
from sqlalchemy.orm import Session

from daemon.store.bell import ring
from daemon.store.engine import AsyncStore, Store
from daemon.store.tables import APPEND_ONLY, Change, Client, Ledger, Suspension, Zone

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def add_zone(session: Session, name: str) -> int:
    zone = Zone(name=name)
    session.add(zone)
    session.flush()
    return zone.id


def zones(session: Session) -> list[str]:
    return list(session.scalars(select(Zone.name).order_by(Zone.name)))


def test_a_write_that_fails_leaves_nothing(store: Store) -> None:
    def deed() -> None:
        with store.write() as session:
            add_zone(session, "Norte")
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        deed()
    with store.read() as session:
        assert zones(session) == []


def test_what_is_written_in_a_reading_session_is_gone(store: Store) -> None:
    with store.read() as session:
        add_zone(session, "Norte")
    with store.read() as session:
        assert zones(session) == []


def test_the_reactor_and_a_plain_process_run_the_same_deed(url: str, store: Store) -> None:
    async def deeds() -> list[str]:
        reactor = AsyncStore(url)
        try:
            await reactor.write(add_zone, "Norte")
            return await reactor.read(zones)
        finally:
            await reactor.dispose()

    with store.write() as session:
        add_zone(session, "Centro")
    assert asyncio.run(deeds()) == ["Centro", "Norte"]


def test_a_commit_rings_the_bell_and_a_failure_does_not(tmp_path: Path, url: str) -> None:
    bell = tmp_path / "bell"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
        ear.bind(str(bell))
        store = Store(url, bell=bell)
        with pytest.raises(RuntimeError, match="no"), store.write():
            raise RuntimeError("no")
        with pytest.raises(BlockingIOError):
            ear.recv(1)
        with store.write() as session:
            add_zone(session, "Norte")
        assert ear.recv(1) == b""
        store.dispose()


def test_a_bell_that_nobody_hears_is_no_error(tmp_path: Path) -> None:
    assert ring(tmp_path / "nobody") is False
    assert ring(tmp_path / ("long" * 60)) is False


def test_a_bell_whose_daemon_hangs_does_not_make_the_ringer_wait(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "bell"))
        rung = [ring(tmp_path / "bell") for _ in range(2000)]
    assert rung[0] is True
    assert rung[-1] is False


def test_times_come_back_in_utc_and_a_time_without_zone_is_refused(store: Store) -> None:
    with store.write() as session:
        session.add(Zone(name="Norte", retired_at=datetime.fromisoformat("2026-02-01T07:00-05:00")))
    with store.read() as session:
        assert session.scalars(select(Zone.retired_at)).one() == NOON
    with pytest.raises(StatementError, match="without its zone"), store.write() as session:
        session.add(Zone(name="Sur", retired_at=datetime(2026, 2, 1)))


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE {} SET at = at", "DELETE FROM {}"])
def test_history_is_neither_changed_nor_deleted(store: Store, table: str, verb: str) -> None:
    with store.write() as session:
        session.add(
            Client(
                id=1,
                name="Ana",
                portal_code="A",
                since=date(2026, 1, 1),
                billing_from=date(2026, 1, 1),
                created_at=NOON,
            )
        )
        session.flush()
        session.add(Ledger(at=NOON, client_id=1, kind="credit", amount=-100, why={}, actor="x"))
        session.add(Suspension(client_id=1, at=NOON, action="suspend", by="manual", reason={}, actor="x"))
        session.add(Change(at=NOON, actor="x", actor_kind="staff", noun="client", noun_id=1, action="add"))
    with pytest.raises(DatabaseError, match="append-only"), store.write() as session:
        session.execute(text(verb.format(table)))
    with store.read() as session:
        assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1


def test_a_deed_read_aside_sees_what_was_written_and_holds_no_loop(url: str) -> None:
    """It runs in a thread with a plain session: the loop goes on meanwhile."""
    import threading

    async def scene() -> tuple[int, int]:
        store = AsyncStore(url)
        where = await store.read_aside(lambda session: threading.get_ident())
        await store.dispose()
        return where, threading.get_ident()

    there, here = asyncio.run(scene())
    assert there != here

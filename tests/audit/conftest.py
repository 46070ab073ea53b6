"""A made-up provider with every kind of fact in its books, made once, and copies of it to spoil."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from daemon.office import balance, by_hand, closing, invoice, item, payment, promise, suspension
from daemon.office.actor import Actor
from daemon.office.audit import Finding, findings
from daemon.office.run import run_clock
from daemon.office.seed import seed
from daemon.store.engine import Store, sqlite_url
from daemon.store.invoice import Invoice
from daemon.store.migrate import upgrade
from daemon.store.payment import Payment
from daemon.store.seal import new_keys
from daemon.store.suspension import Standing

NOW = datetime(2026, 6, 17, 15, 30, tzinfo=UTC)
ADMIN = Actor("staff", 1, "Administración", "admin", "127.0.0.1")


@dataclass
class Books:
    """A database that can be spoiled: what its triggers and constraints refuse is possible here."""

    path: Path
    now: datetime

    @property
    def store(self) -> Store:
        """A fresh way in; the caller disposes of it."""
        return Store(sqlite_url(self.path))

    def audit(self) -> list[Finding]:
        """What the audit finds."""
        store = self.store
        try:
            return findings(store, self.now)
        finally:
            store.dispose()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """The bare database, its triggers away for as long as it is open."""
        bare = sqlite3.connect(self.path)
        bare.execute("PRAGMA foreign_keys = OFF")
        bare.execute("PRAGMA ignore_check_constraints = ON")
        kept = bare.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'client_search%'"
        ).fetchall()
        for name, _ in kept:
            bare.execute(f"DROP TRIGGER {name}")
        try:
            yield bare
            for _, sql in kept:
                bare.execute(sql)
            bare.commit()
        finally:
            bare.close()

    def pick(self, query: str) -> int:
        """The number that a question gives: the row to spoil."""
        with self.open() as bare:
            found = bare.execute(query).fetchone()
        assert found is not None, f"these books have no such row: {query}"
        return int(found[0])

    def spoil(self, statements: Sequence[str], key: int) -> None:
        """Change the books behind the program's back; `:id` is the row."""
        with self.open() as bare:
            for statement in statements:
                bare.execute(statement, {"id": key} if ":id" in statement else {})


def live(store: Store, until: datetime) -> None:
    """Deeds of every kind, so that the books hold deleted payments, void and free invoices, balances, promises."""

    def ids(query: object) -> list[int]:
        with store.read() as session:
            return list(session.scalars(query))  # type: ignore[call-overload]

    at = until - timedelta(hours=5)
    active = ids(select(Standing.client_id).where(Standing.state == "active").order_by(Standing.client_id))
    owing = ids(
        select(Standing.client_id)
        .where(Standing.debt > 0, Standing.by == "auto")
        .order_by(Standing.client_id)
    )
    paid = ids(select(Payment.id).order_by(Payment.id.desc()))
    bills = ids(select(Invoice.id).where(Invoice.kind == "service").order_by(Invoice.id.desc()))
    with store.write() as session:
        for number, client_id in enumerate(active[:4]):
            payment.register_payment(
                session, ADMIN, at, client_id, amount="200.00", method_id=1, reference=f"OP-{number}"
            )
        invoice.free_invoice(session, ADMIN, at, active[5], [("Router", "120.00"), ("Cable", "10.00")])
        balance.add_balance(
            session, ADMIN, at, active[6], side="credit", amount="15.00", reason="Corte de fibra"
        )
        balance.add_balance(session, ADMIN, at, active[7], side="debit", amount="7.50", reason="Visita")
        for key in paid[3:6]:
            payment.delete_payment(session, ADMIN, at, key, "No era de este cliente")
        invoice.void_invoice(session, ADMIN, at, bills[0], "Mal emitida")
        invoice.void_invoice(session, ADMIN, at, bills[7], "Mal emitida")
        suspension.suspend(session, ADMIN, at, active[8], "Mudanza")
        suspension.suspend(session, ADMIN, at, active[9], "Viaje")
        suspension.activate(session, ADMIN, at, active[9], "Ya volvió")
        item.add_item(
            session,
            ADMIN,
            at,
            active[10],
            kind="one_off",
            name="Router",
            price="120.00",
            category="equipment",
        )
        item.add_item(session, ADMIN, at, active[10], kind="recurring", name="TV", price="20.00")
        ahead = by_hand.preview_next(session, at, active[10])
        by_hand.bill_next(session, ADMIN, at, active[10], ahead.cycle_start)
        promise.make_promise(session, ADMIN, at, owing[0], until.date() + timedelta(days=3))
        payment.register_payment(
            session, ADMIN, at, owing[1], amount="500.00", method_id=2, reference="OP-77"
        )
    run_clock(store, until)
    with store.write() as session:
        day = at.astimezone(ZoneInfo("America/Lima")).date()
        sheet = closing.day_sheet(session, day, ADMIN.name)
        counted = {line.method_id: line.expected for line in sheet.methods}
        closing.close_day(session, ADMIN, until, day=day, collector=ADMIN.name, counted=counted)


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The books that every test begins with."""
    path = tmp_path_factory.mktemp("books") / "pregonero.sqlite3"
    url = sqlite_url(path)
    upgrade(url)
    store = Store(url)
    seed(
        store,
        clients=80,
        seed=7,
        now=NOW - timedelta(days=20),
        admin_password="correct horse",
        seal_public=new_keys()[1],
    )
    run_clock(store, NOW - timedelta(days=6))
    live(store, NOW)
    store.dispose()
    return path


@pytest.fixture
def books(pattern: Path, tmp_path: Path) -> Books:
    """A copy of the books."""
    path = tmp_path / "pregonero.sqlite3"
    shutil.copy(pattern, path)
    return Books(path, NOW)

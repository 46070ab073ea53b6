"""Healthy books have no finding, whatever was done: money in = money out."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from daemon.office import balance, billing, by_hand, client, invoice, item, payment, promise, suspension
from daemon.office.run import run_clock
from daemon.rules.refusal import Refusal
from daemon.store.client import Client
from daemon.store.engine import Store, sqlite_url
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment
from tests.audit.conftest import ADMIN, Books


def test_the_books_of_a_provider_agree(books: Books) -> None:
    assert [one.as_json() for one in books.audit()] == []


def test_books_without_a_company_have_no_finding(store: Store) -> None:
    from daemon.office.audit import findings
    from tests.audit.conftest import NOW

    assert findings(store, NOW) == []


def edit_lines(session: Any, invoice_id: int, now: datetime, price: str) -> None:
    lines = by_hand.lines_to_edit(session, invoice_id)
    by_hand.edit_invoice(
        session, ADMIN, now, invoice_id, [*lines, by_hand.EditLine(None, "Visita", price)], "Faltaba"
    )


def bill_ahead(session: Any, client_id: int, now: datetime) -> None:
    ahead = by_hand.preview_next(session, now, client_id)
    by_hand.bill_next(session, ADMIN, now, client_id, ahead.cycle_start)


class Day:
    """Somebody at the counter, who does anything at any time."""

    def __init__(self, books: Books, number: int) -> None:
        self.books = books
        self.rng = random.Random(number)
        self.store = books.store
        self.done: list[str] = []

    def any_of(self, query: Any) -> int:
        with self.store.read() as session:
            found = session.scalars(query).all()
        return int(self.rng.choice(found)) if found else 0

    def someone(self) -> int:
        return self.any_of(select(Client.id))

    def step(self) -> None:
        rng, now, money = (
            self.rng,
            self.books.now,
            f"{self.rng.randrange(1, 200)}.{self.rng.randrange(100):02d}",
        )
        deeds: list[Callable[[Any], Any]] = [
            lambda s: payment.register_payment(
                s,
                ADMIN,
                now,
                self.someone(),
                amount=money,
                method_id=rng.randrange(1, 5),
                reference=rng.choice(("", f"R{rng.randrange(40)}")),
            ),
            lambda s: payment.delete_payment(s, ADMIN, now, self.any_of(select(Payment.id)), "Equivocado"),
            lambda s: payment.edit_payment(
                s, ADMIN, now, self.any_of(select(Payment.id)), method_id=rng.randrange(1, 5)
            ),
            lambda s: invoice.void_invoice(s, ADMIN, now, self.any_of(select(Invoice.id)), "Mal hecha"),
            lambda s: invoice.free_invoice(
                s, ADMIN, now, self.someone(), [("Cable", money), ("Conector", "0.50")]
            ),
            lambda s: balance.add_balance(
                s,
                ADMIN,
                now,
                self.someone(),
                side=rng.choice(("credit", "debit")),
                amount=money,
                reason="Ajuste",
            ),
            lambda s: balance.take_back(
                s,
                ADMIN,
                now,
                self.any_of(select(Ledger.id).where(Ledger.kind.in_(("credit", "debit")))),
                "Error",
            ),
            lambda s: promise.make_promise(
                s, ADMIN, now, self.someone(), now.date() + timedelta(days=rng.randrange(9))
            ),
            lambda s: suspension.suspend(s, ADMIN, now, self.someone(), "Pausa"),
            lambda s: suspension.activate(s, ADMIN, now, self.someone(), "Vuelve"),
            lambda s: item.add_item(
                s,
                ADMIN,
                now,
                self.someone(),
                kind=rng.choice(("one_off", "recurring")),
                name="TV",
                price=money,
            ),
            lambda s: edit_lines(
                s, self.any_of(select(Invoice.id).where(Invoice.settled_at.is_(None))), now, money
            ),
            lambda s: bill_ahead(s, self.someone(), now),
            lambda s: client.retire_client(s, ADMIN, now, self.someone(), "Se muda"),
            lambda s: client.restore_client(
                s, ADMIN, now, self.any_of(select(Client.id).where(Client.retired_at.is_not(None)))
            ),
            lambda s: billing.fix_date(
                s, ADMIN, now, self.someone(), now.date() + timedelta(days=rng.randrange(20))
            ),
            lambda s: billing.edit_billing(
                s, ADMIN, now, self.someone(), grace_days=rng.randrange(9), payment_day=rng.randrange(1, 32)
            ),
        ]
        deed = rng.choice(deeds)
        try:
            with self.store.write() as session:
                deed(session)
        except Refusal:
            return
        finally:
            self.books.now += timedelta(minutes=rng.choice((0, 1, 59, 60 * 7, 60 * 24 * 4)))
        if rng.random() < 0.5:
            run_clock(self.store, self.books.now)
        self.done.append(str(deed))


def lives_on(books: Books, number: int, steps: int) -> None:
    day = Day(books, number)
    for _ in range(steps):
        day.step()
    run_clock(day.store, books.now)
    day.store.dispose()
    assert len(day.done) > steps // 4
    assert [one.as_json() for one in books.audit()] == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_after_any_sequence_of_deeds_the_books_still_agree(books: Books, number: int) -> None:
    lives_on(books, number, 40)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(10, 40))
def test_after_a_long_sequence_of_deeds_the_books_still_agree(books: Books, number: int) -> None:
    lives_on(books, number, 150)


@pytest.fixture
def store(tmp_path: Any) -> Any:
    from daemon.store.migrate import upgrade

    url = sqlite_url(tmp_path / "empty.sqlite3")
    upgrade(url)
    made = Store(url)
    yield made
    made.dispose()

"""After any sequence of deeds and clock the books agree: the audit finds nothing, standings derive the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.office import (
    audit,
    balance,
    billing,
    by_hand,
    closing,
    company,
    invoice,
    item,
    payment,
    promise,
    service_change,
    suspension,
    template,
)  # fmt: skip
from daemon.office.bulk import run as bulk
from daemon.office.bulk import wish
from daemon.rules.refusal import Refusal
from daemon.store.engine import Store, sqlite_url
from tests.fresh import fresh
from tests.office.conftest import ADMIN, LIMA, Town, furnish

BEGAN = datetime(2026, 1, 1, 13, 0, tzinfo=UTC)
AMOUNTS = ["0.01", "5.00", "50.00", "59.99", "120.00", "500"]
KINDS = ("one_off", "recurring", "voip")


class Books:
    """A town whose clock goes on between deeds, and who it is about."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.now = BEGAN
        self.people = [
            town.client("2026-01-01 08:00", f"Vecina {number}", f"10.10.2.{number}") for number in (1, 2)
        ]
        self.template = self.do(template.add_template, name="Rural", grace_days=2, late_fee="3%")

    def do(self, deed: Callable[..., Any], *args: Any, **words: Any) -> Any:
        """A deed now. What is refused has changed nothing, and that is looked at with everything else."""
        with self.town.store.write() as session:
            return deed(session, ADMIN, self.now, *args, **words)

    def day(self, ahead: int) -> date:
        """A local day so many days from now."""
        return self.now.astimezone(LIMA).date() + timedelta(days=ahead)

    def invoices(self, who: int) -> list[invoice.InvoiceView]:
        """A client's invoices, newest first."""
        return self.town.ask(invoice.list_invoices, self.now, who)


def act(books: Books, kind: int, who: int, amount: str, number: int) -> None:
    """One deed, chosen by a number; refusals are part of life."""
    client, town = books.people[who], books.town
    invoices = books.invoices(client)
    one = invoices[number % len(invoices)].id if invoices else 0
    payments = town.ask(payment.list_payments, client)
    paid = payments[number % len(payments)].id if payments else 0
    balances = town.ask(balance.list_balances, client)
    held = balances[number % len(balances)].id if balances else 0
    deeds: list[Callable[[], Any]] = [
        lambda: books.do(payment.register_payment, client, amount=amount, method_id=town.cash),
        lambda: books.do(payment.register_payment, client, amount=amount, method_id=town.cash, invoice_id=one),
        lambda: books.do(payment.delete_payment, paid, "a mistake"),
        lambda: books.do(balance.add_balance, client, side="credit", amount=amount, reason="a gift"),
        lambda: books.do(balance.add_balance, client, side="debit", amount=amount, reason="a cable"),
        lambda: books.do(balance.take_back, held, "not meant"),
        lambda: books.do(promise.make_promise, client, books.day(number)),
        lambda: books.do(invoice.void_invoice, one, "wrong"),
        lambda: books.do(invoice.free_invoice, client, [("Visit", amount)]),
        lambda: books.do(by_hand.bill_next, client, town.ask(by_hand.preview_next, books.now, client).cycle_start),
        lambda: books.do(
            by_hand.edit_invoice, one, [*town.ask(by_hand.lines_to_edit, one)[: number % 3],
                                        by_hand.EditLine(None, "More", amount)], "agreed",
        ),
        lambda: books.do(
            item.add_item, client, kind=KINDS[number % 3], name="Thing", price=amount,
            number="5550101" if number % 3 == 2 else "", starts_on=books.day(number % 40 - 10),
        ),
        lambda: books.do(
            service_change.schedule_change, who + 1, on_day=books.day(number), plan_id=town.plan, price=amount
        ),
        lambda: books.do(template.put_on_template, client, books.template if number % 2 else None),
        lambda: books.do(template.edit_template, books.template, grace_days=number % 20),
        lambda: books.do(
            bulk.ask_bulk, wish.Wish({"grace_days": number % 20, "payment_day": number % 28 + 1}), wish.Filter()
        ),
        lambda: books.do(bulk.undo_bulk, number % 3 + 1),
        lambda: books.do(billing.fix_date, client, books.day(number)),
        lambda: books.do(suspension.activate if number % 2 else suspension.suspend, client, "so be it"),
        lambda: books.do(
            closing.close_day, day=books.day(0), collector=ADMIN.name, counted={town.cash: amount}, note="counted"
        ),
    ]  # fmt: skip
    with suppress(Refusal):
        deeds[kind % len(deeds)]()
    bulk.run_bulk(town.store, books.now)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 19),
        st.integers(0, 1),
        st.sampled_from(AMOUNTS),
        st.integers(0, 45),
        st.integers(0, 12),
    ),
    min_size=5,
    max_size=30,
)


def hold(steps: list[tuple[int, int, str, int, int]]) -> None:
    """Do the deeds, days apart, and look at the books at the end."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "store.db")
        fresh(url)
        store = Store(url)
        try:
            books = Books(furnish(store))
            with store.write() as session:
                company.edit_company(session, ADMIN, BEGAN, hold_cuts=False)
            for kind, who, amount, number, days in steps:
                act(books, kind, who, amount, number)
                books.now += timedelta(days=days, minutes=7 * number)
                books.town.run(books.now.astimezone(LIMA).strftime("%Y-%m-%d %H:%M"))
            assert [str(one) for one in audit.findings(store, books.now)] == []
            assert books.town.derives_the_same()
        finally:
            store.dispose()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_books_agree_after_any_deeds(steps: list[tuple[int, int, str, int, int]]) -> None:
    hold(steps)


@pytest.mark.soak
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_books_agree_after_any_deeds_long(steps: list[tuple[int, int, str, int, int]]) -> None:
    hold(steps)

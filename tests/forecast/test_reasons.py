"""Why: each line, fee, cut and balance opens the reason that was stored, its settings with sources, and its rows."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from daemon.office import explain, payment, plainly
from daemon.office.reason import used
from daemon.rules.refusal import Refusal
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.suspension import Suspension
from tests.office.conftest import Town


@pytest.fixture
def ana(town: Town) -> int:
    """A client who was billed, fined, cut, and billed again with both fees."""
    made = town.client("2026-01-15 10:00", first_cycle="none", grace_days=4)
    town.run("2026-02-28 12:00")
    return made


def first(town: Town, kind: str) -> Ledger:
    """The first movement of a kind."""
    with town.store.read() as session:
        found = session.scalars(select(Ledger).where(Ledger.kind == kind).order_by(Ledger.id)).first()
        assert found is not None
        return found


def settings(found: explain.Explanation) -> list[tuple[str, str, str]]:
    return [(one.name, str(one.value), one.source) for one in found.settings]


def names(found: explain.Explanation) -> list[tuple[str, str]]:
    return [(one.noun, str(one.text)) for one in found.names]


def test_a_line_names_its_price_and_tax_with_their_sources(town: Town, ana: int) -> None:
    found = town.ask(explain.explain_line, 1, 1)
    assert (found.client_id, found.amount, str(found.title)) == (ana, 5000, "Plan 10M, on invoice 000001")
    assert settings(found) == [("price", "50.00", "plan"), ("tax", "included", "company")]
    assert names(found)[0] == ("invoice", "Invoice 000001")
    with pytest.raises(Refusal, match="no such line"):
        town.ask(explain.explain_line, 1, 9)


def test_an_invoice_names_its_calendar_and_the_balances_that_landed(town: Town, ana: int) -> None:
    with town.store.read() as session:
        last = session.scalar(select(Invoice.id).order_by(Invoice.id.desc()))
    found = town.ask(explain.explain_invoice, last)
    assert settings(found) == [
        ("mode", "prepaid", "company"),
        ("payment_day", "1", "company"),
        ("create_days_before", "1", "company"),
    ]
    assert names(found)[1:] == [
        ("entry", "Late fee: 5.00 on 2026-02-02 06:00"),
        ("entry", "Reconnection fee: 10.00 on 2026-02-05 00:00"),
    ]


def test_a_late_fee_leads_to_the_invoice_that_made_it_and_to_the_one_it_landed_on(
    town: Town, ana: int
) -> None:
    found = town.ask(explain.explain_entry, first(town, "late_fee").id)
    assert settings(found) == [("late_fee", "5.00", "company")]
    assert names(found) == [
        ("invoice", "Invoice 000001"),
        ("invoice", "5.00 of it landed on invoice 000002"),
    ]


def test_a_reconnection_fee_leads_to_its_cut_and_the_cut_to_its_invoices(town: Town, ana: int) -> None:
    found = town.ask(explain.explain_entry, first(town, "reconnection_fee").id)
    assert ("suspension", "Suspended on 2026-02-05 00:00") in names(found)
    with town.store.read() as session:
        cut = session.scalar(select(Suspension.id))
    reason = town.ask(explain.explain_suspension, cut)
    assert settings(reason) == [("grace_days", "4", "client"), ("cut_after_months", "1", "default")]
    assert names(reason) == [
        ("invoice", "Invoice 000001"),
        ("entry", "Reconnection fee: 10.00 on 2026-02-05 00:00"),
    ]
    standing = town.ask(explain.explain_client, ana)
    assert [noun for noun, _ in names(standing)] == ["invoice", "invoice", "suspension"]


def test_a_payment_that_was_too_much_says_where_the_rest_went(town: Town, ana: int) -> None:
    town.do("2026-02-28 13:00", payment.register_payment, ana, amount="150", method_id=town.cash)
    town.run("2026-03-31 12:00")
    with town.store.read() as session:
        credit = session.scalar(
            select(Ledger.id).where(Ledger.kind == "payment", Ledger.invoice_id.is_(None))
        )
    found = town.ask(explain.explain_entry, credit)
    assert names(found) == [
        ("payment", "Payment of 150.00 on 2026-02-28 13:00"),
        ("invoice", "-35.00 of it landed on invoice 000003"),
    ]


def test_a_statement_goes_down_to_zero_page_by_page(town: Town, ana: int) -> None:
    town.do("2026-02-28 13:00", payment.register_payment, ana, amount="150", method_id=town.cash)
    whole, end = town.ask(explain.statement, ana)
    assert end is None
    assert (whole[0].after, whole[-1].after) == (-3500, 5000)
    assert sum(entry.amount for entry in whole) == -3500
    assert [entry.at for entry in whole] == sorted((entry.at for entry in whole), reverse=True)
    paged: list[explain.Entry] = []
    after: int | None = None
    while True:
        rows, after = town.ask(explain.statement, ana, after, 2)
        paged += rows
        if after is None:
            break
    assert paged == whole


def test_every_reason_that_was_stored_can_be_opened(town: Town, ana: int) -> None:
    with town.store.read() as session:
        for entry in session.scalars(select(Ledger.id)):
            found = explain.explain_entry(session, entry)
            assert "{" not in str(found.why)
            assert all(one.source for one in found.settings)
            assert used(found.why) == found.settings


def test_a_subscriber_reads_the_bill_in_plain_words(town: Town, ana: int) -> None:
    bills = town.ask(plainly.unpaid_bills, ana)
    assert [(bill.number, bill.due, bill.owed) for bill in bills] == [
        ("000001", date(2026, 2, 1), 5000),
        ("000002", date(2026, 3, 1), 6500),
    ]
    said = [
        (line.name or str(line.title), line.amount, [str(why) for why in line.why]) for line in bills[1].lines
    ]
    assert said == [
        ("Plan 10M", 5000, ["Its price is 50.00", "The tax of 18 % is in the price"]),
        ("Late fee", 500, ["The bill due on 2026-02-01 had not been paid on 2026-02-02"]),
        ("Reconnection fee", 1000, ["Your service was cut on 2026-02-05 for lack of payment"]),
    ]
    assert str(bills[0].why[0]) == "For your service from 2026-02-01 to 2026-02-28"
    town.do("2026-02-28 13:00", payment.register_payment, ana, amount="70", method_id=town.cash)
    (left,) = town.ask(plainly.unpaid_bills, ana)
    assert (left.paid, left.owed) == (2000, 4500)


def test_days_of_a_first_cycle_are_said_to_the_subscriber(town: Town) -> None:
    luis = town.client("2026-01-16 10:00", "Luis", "10.10.0.11", first_cycle="prorated")
    town.run("2026-01-18 12:00")
    (bill,) = town.ask(plainly.unpaid_bills, luis)
    assert "Only 16 of 31 days are charged, since you began on 2026-01-16" in [
        str(why) for why in bill.lines[0].why
    ]

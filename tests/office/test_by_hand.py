"""Invoices that a person touches: the next one ahead of its time (F7), an unpaid one edited (I6)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from daemon.office import balance, by_hand, change, client, invoice, item, payment
from daemon.office.actor import Actor
from daemon.office.by_hand import EditLine
from daemon.rules.refusal import Refusal
from daemon.store.ledger import Ledger
from tests.office.conftest import Town, lima


def invoices(town: Town, ana: int) -> list[invoice.InvoiceView]:
    return list(reversed(town.ask(invoice.list_invoices, lima("2026-12-01"), ana)))


def run_through(town: Town, *months: int) -> None:
    for month in months:
        town.run(f"2026-{month:02d}-10 00:00")


def test_an_invoice_made_ahead_by_hand_is_never_made_again_by_the_clock(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    seen = town.ask(by_hand.preview_next, lima("2026-01-10 10:00"), ana)
    assert (seen.cycle_start, seen.due, seen.to_pay, seen.refusal) == (
        date(2026, 2, 1), date(2026, 2, 1), 5000, None,
    )  # fmt: skip
    assert seen.automatic_at == lima("2026-01-31 06:00")
    made = town.do("2026-01-10 10:00", by_hand.bill_next, ana, date(2026, 2, 1))
    first = town.ask(invoice.get_invoice, lima("2026-01-10"), made)
    assert (first.cycle_start, first.due, first.total, first.state) == (
        date(2026, 2, 1), date(2026, 2, 1), 5000, "unpaid",
    )  # fmt: skip
    assert "Made by hand by Rosa on 2026-01-10" in str(first.why)
    run_through(town, 2, 3)
    assert [str(one.cycle_start) for one in invoices(town, ana)] == ["2026-02-01", "2026-03-01"]
    assert town.derives_the_same()


def test_a_page_sent_twice_bills_one_month(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do("2026-01-10 10:00", by_hand.bill_next, ana, date(2026, 2, 1))
    with pytest.raises(Refusal, match="2026-03-01"):
        town.do("2026-01-10 10:00", by_hand.bill_next, ana, date(2026, 2, 1))
    town.do("2026-01-10 10:01", by_hand.bill_next, ana, date(2026, 3, 1))
    assert len(invoices(town, ana)) == 2


def test_balances_and_one_off_items_go_onto_an_invoice_made_by_hand(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do("2026-01-02 10:00", item.add_item, ana, kind="one_off", name="Router", price="120.00")
    town.do("2026-01-02 10:00", balance.add_balance, ana, side="credit", amount="70.00", reason="outage")
    seen = town.ask(by_hand.preview_next, lima("2026-01-10 10:00"), ana)
    made = town.do("2026-01-10 10:00", by_hand.bill_next, ana, date(2026, 2, 1))
    view = town.ask(invoice.get_invoice, lima("2026-01-10 10:00"), made)
    assert (view.total, view.to_pay) == (17000, 10000) == (seen.total, seen.to_pay)


def test_nothing_is_made_by_hand_where_none_may_be(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    empty = town.do("2026-01-01 08:00", client.add_client, name="Beto Rojas")
    with pytest.raises(Refusal, match="nothing to bill"):
        town.do("2026-01-10 10:00", by_hand.bill_next, empty, date(2026, 2, 1))
    with pytest.raises(Refusal, match="may not"):
        town.do(
            "2026-01-10 10:00",
            by_hand.bill_next,
            ana,
            date(2026, 2, 1),
            actor=Actor("staff", 2, "V", "viewer"),
        )
    for _ in range(2, 20):
        seen = town.ask(by_hand.preview_next, lima("2026-01-10 10:00"), ana)
        if seen.refusal is not None:
            break
        town.do("2026-01-10 10:00", by_hand.bill_next, ana, seen.cycle_start)
    assert len(invoices(town, ana)) == 13  # February 2026 to February 2027
    assert "At most 400 days ahead" in str(seen.refusal)
    town.do("2026-01-11 10:00", client.retire_client, ana, "moved")
    with pytest.raises(Refusal, match="retired"):
        town.do("2026-01-11 10:00", by_hand.bill_next, ana, seen.cycle_start)


def billed(town: Town) -> tuple[int, int]:
    """A client and an unpaid invoice of a plan and a router."""
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do("2026-01-02 10:00", item.add_item, ana, kind="one_off", name="Router", price="120.00")
    town.run("2026-02-02 00:00")
    return ana, invoices(town, ana)[0].id


def test_an_edited_invoice_owes_its_new_total_and_the_ledger_keeps_both_facts(town: Town) -> None:
    ana, key = billed(town)
    plan, router = town.ask(by_hand.lines_to_edit, key)
    assert (plan.price, router.price) == (5000, 12000)
    town.do(
        "2026-02-02 10:00", by_hand.edit_invoice, key,
        [plan, EditLine(router.line_id, "Router, used", "80.00"), EditLine(None, "Cable", "11.80")], "agreed",
    )  # fmt: skip
    view = town.ask(invoice.get_invoice, lima("2026-02-02 10:00"), key)
    assert (view.net, view.tax, view.total, view.to_pay, view.owed) == (12017, 2163, 14180, 14180, 14180)
    assert [(line.name, line.total) for line in view.lines] == [
        ("Plan 10M", 5000), ("Router, used", 8000), ("Cable", 1180),
    ]  # fmt: skip
    assert str(view.lines[0].why).startswith("Price 50.00 (plan)")
    assert str(view.lines[2].why) == "Edited by Rosa on 2026-02-02: agreed"
    with town.store.read() as session:
        amounts = session.execute(
            select(Ledger.kind, Ledger.amount).where(Ledger.invoice_id == key).order_by(Ledger.id)
        ).all()
    assert [tuple(row) for row in amounts] == [
        ("invoice", 17000), ("reversal", -17000), ("invoice", 14180),
    ]  # fmt: skip
    assert town.standing(ana).debt == 14180
    assert town.derives_the_same()
    written = town.ask(change.list_changes, ana)[0]
    assert written.action == "edit"
    assert written.before == {"lines": [["Plan 10M", 4237, 763], ["Router", 10169, 1831]]}
    town.do("2026-02-02 11:00", by_hand.edit_invoice, key, town.ask(by_hand.lines_to_edit, key)[:1], "again")
    assert town.standing(ana).debt == 5000


def test_a_one_off_item_whose_line_goes_waits_for_the_next_invoice(town: Town) -> None:
    ana, key = billed(town)
    town.do("2026-02-02 10:00", by_hand.edit_invoice, key, town.ask(by_hand.lines_to_edit, key)[:1], "later")
    (row,) = town.ask(item.list_items, lima("2026-02-02 10:00"), ana)
    assert (row.state, row.invoice_id) == ("waiting", None)
    run_through(town, 2, 3)
    assert [one.total for one in invoices(town, ana)] == [5000, 17000]


def test_an_edit_down_to_what_was_paid_pays_it_and_frees_the_client(town: Town) -> None:
    ana, key = billed(town)
    town.do("2026-02-02 10:00", payment.register_payment, ana, amount="50.00", method_id=town.cash)
    town.run("2026-02-06 00:01")
    assert town.standing(ana).state == "suspended"
    lines = town.ask(by_hand.lines_to_edit, key)
    with pytest.raises(Refusal, match=r"covered 50\.00"):
        town.do("2026-02-06 10:00", by_hand.edit_invoice, key, [EditLine(None, "Part", "49.99")], "too low")
    town.do("2026-02-06 10:00", by_hand.edit_invoice, key, lines[:1], "no router after all")
    assert town.standing(ana).state == "active"
    assert invoices(town, ana)[0].state == "paid"
    assert town.derives_the_same()
    with pytest.raises(Refusal, match="Nothing is owed"):
        town.do("2026-02-06 11:00", by_hand.edit_invoice, key, lines, "once more")


@pytest.mark.parametrize(
    ("lines", "reason", "field"),
    [
        ([], "why", "lines"),
        ([EditLine(None, "", "5.00")], "why", "lines"),
        ([EditLine(None, "Cable", "-5")], "why", "lines"),
        ([EditLine(999, "Cable", "5.00")], "why", "lines"),
        ([EditLine(None, "Cable", "5.00")], " ", "reason"),
        ([EditLine(None, "Gold", 9_999_999_999_999)] * 2, "why", "lines"),
        ([EditLine(None, "Cable", "5.00")] * 101, "why", "lines"),
    ],
)
def test_an_edit_that_cannot_be_changes_nothing(town: Town, lines: Any, reason: str, field: str) -> None:
    _, key = billed(town)
    before = town.ask(invoice.get_invoice, lima("2026-02-02 10:00"), key)
    with pytest.raises(Refusal) as caught:
        town.do("2026-02-02 10:00", by_hand.edit_invoice, key, lines, reason)
    assert caught.value.field == field
    assert town.ask(invoice.get_invoice, lima("2026-02-02 10:00"), key) == before


def test_a_void_invoice_is_not_edited_and_takes_no_payment(town: Town) -> None:
    ana, key = billed(town)
    town.do("2026-02-02 10:00", invoice.void_invoice, key, "a mistake")
    with pytest.raises(Refusal, match="void"):
        town.do("2026-02-02 11:00", by_hand.edit_invoice, key, [EditLine(None, "Cable", "5.00")], "why")
    with pytest.raises(Refusal, match="void"):
        town.do(
            "2026-02-02 11:00", payment.register_payment, ana, amount="5.00", method_id=town.cash,
            invoice_id=key,
        )  # fmt: skip


def test_a_free_invoice_can_be_edited_too(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = town.do("2026-01-05 10:00", invoice.free_invoice, ana, [("Visit", "30.00")])
    town.do("2026-01-05 11:00", by_hand.edit_invoice, key, [EditLine(None, "Visit", "25.00")], "a discount")
    assert town.ask(invoice.get_invoice, lima("2026-01-05 12:00"), key).owed == 2500

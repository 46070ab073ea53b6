"""Promises to pay, and balances in favour and against (row T2)."""

from __future__ import annotations

from datetime import date

import pytest

from daemon.office import balance, client, invoice, payment, promise, suspension
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town, lima


def owing(town: Town) -> int:
    """A client whose invoice of 1 February is unpaid, seen on the 3rd."""
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.run("2026-02-03 00:00")
    return ana


def test_a_promise_keeps_the_line_open_until_its_day_is_over(town: Town) -> None:
    ana = owing(town)
    town.do("2026-02-03 10:00", promise.make_promise, ana, date(2026, 2, 10))
    town.run("2026-02-10 23:59")
    assert town.standing(ana).state == "active"
    assert town.derives_the_same()
    town.run("2026-02-11 00:01")
    assert (town.standing(ana).state, town.standing(ana).by) == ("suspended", "auto")
    (row,) = town.ask(promise.list_promises, ana)
    assert (row.until, row.broken) == (date(2026, 2, 10), True)


def test_a_promise_reactivates_who_was_cut_by_the_clock_but_not_by_a_person(town: Town) -> None:
    ana = owing(town)
    town.run("2026-02-07 00:00")
    assert town.standing(ana).state == "suspended"
    town.do("2026-02-07 10:00", promise.make_promise, ana, date(2026, 2, 20))
    assert town.standing(ana).state == "active"
    town.do("2026-02-08 10:00", suspension.suspend, ana, "line misused")
    town.do("2026-02-08 11:00", promise.make_promise, ana, date(2026, 2, 21))
    assert (town.standing(ana).state, town.standing(ana).by) == ("suspended", "manual")


def test_a_new_promise_replaces_the_old_and_one_that_is_kept_is_not_broken(town: Town) -> None:
    ana = owing(town)
    town.do("2026-02-03 10:00", promise.make_promise, ana, date(2026, 2, 8))
    town.do("2026-02-04 10:00", promise.make_promise, ana, date(2026, 2, 15))
    town.do("2026-02-14 10:00", payment.register_payment, ana, amount="50.00", method_id=town.cash)
    town.run("2026-02-17 00:00")
    assert town.standing(ana).state == "active"
    rows = town.ask(promise.list_promises, ana)
    assert [(row.until.day, row.broken, row.ended_at is None) for row in rows] == [
        (15, False, False),
        (8, False, False),
    ]


def test_a_cancelled_promise_protects_no_longer(town: Town) -> None:
    ana = owing(town)
    town.do("2026-02-03 10:00", promise.make_promise, ana, date(2026, 2, 20))
    town.do("2026-02-04 10:00", promise.cancel_promise, ana)
    town.run("2026-02-06 00:01")
    assert town.standing(ana).state == "suspended"
    with pytest.raises(Refusal, match="no open promise"):
        town.do("2026-02-06 10:00", promise.cancel_promise, ana)


def test_a_promise_that_cannot_be_is_refused_with_its_field(town: Town) -> None:
    ana = owing(town)
    for until in (date(2026, 2, 2), date(2026, 2, 24)):
        with pytest.raises(Refusal) as caught:
            town.do("2026-02-03 10:00", promise.make_promise, ana, until)
        assert caught.value.field == "until"
    town.do("2026-02-03 11:00", promise.make_promise, ana, date(2026, 2, 23))  # the company's 20 days
    free = town.client("2026-02-03 12:00", "Beto Rojas", "10.10.0.11", first_cycle="none")
    with pytest.raises(Refusal, match="Nothing is unpaid"):
        town.do("2026-02-03 12:00", promise.make_promise, free, date(2026, 2, 9))
    with pytest.raises(Refusal, match="may not"):
        town.do(
            "2026-02-03 12:00", promise.make_promise, ana, date(2026, 2, 9),
            actor=Actor("staff", 3, "Tito", "technician"),
        )  # fmt: skip
    assert town.ask(promise.list_promises, free) == []


def test_balances_wait_and_land_on_the_next_service_invoice_debits_first(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    town.do(
        "2026-01-10 10:00", balance.add_balance, ana, side="credit", amount="80.00", reason="two days dark"
    )
    town.do(
        "2026-01-11 10:00", balance.add_balance, ana, side="debit", amount="12.50", reason="a broken cable"
    )
    stands = town.standing(ana)
    assert (stands.credit, stands.debit, stands.debt) == (8000, 1250, 0)
    town.run("2026-02-01 00:00")
    (view,) = town.ask(invoice.list_invoices, lima("2026-02-01"), ana)
    assert (view.total, view.to_pay, view.state) == (5000, 0, "paid")
    debit, credit = town.ask(balance.list_balances, ana)
    assert (debit.kind, debit.left, debit.landed) == ("debit", 0, ((view.id, "000001", 1250),))
    assert (credit.left, credit.landed) == (-1750, ((view.id, "000001", -6250),))
    assert str(credit.why) == "two days dark"
    assert town.derives_the_same()


def test_what_waits_of_a_written_balance_can_be_taken_back_once(town: Town) -> None:
    ana = town.client("2026-01-01 08:00", first_cycle="none")
    key = town.do(
        "2026-01-10 10:00", balance.add_balance, ana, side="credit", amount="80.00", reason="a gift"
    )
    town.run("2026-02-01 00:00")  # 50.00 of it landed
    town.do("2026-02-02 10:00", balance.take_back, key, "not meant")
    assert town.standing(ana).credit == 0
    assert town.derives_the_same()
    with pytest.raises(Refusal, match="Nothing of this balance waits"):
        town.do("2026-02-02 10:00", balance.take_back, key, "again")
    town.run("2026-03-01 00:00")
    assert town.standing(ana).debt == 5000


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"side": "gift"}, "side"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": 10**13}, "amount"),
        ({"amount": "5.001"}, "amount"),
        ({"reason": " "}, "reason"),
    ],
)
def test_a_balance_that_cannot_be_is_refused(town: Town, words: dict[str, object], field: str) -> None:
    ana = town.client("2026-01-01 08:00")
    good: dict[str, object] = {"side": "credit", "amount": "5.00", "reason": "why not"}
    with pytest.raises(Refusal) as caught:
        town.do("2026-01-10 10:00", balance.add_balance, ana, **(good | words))
    assert caught.value.field == field
    assert town.ask(balance.list_balances, ana) == []


def test_a_retired_client_has_no_next_invoice_for_a_balance(town: Town) -> None:
    ana = town.client("2026-01-01 08:00")
    town.do("2026-01-02 10:00", client.retire_client, ana, "moved")
    with pytest.raises(Refusal, match="retired"):
        town.do("2026-01-10 10:00", balance.add_balance, ana, side="credit", amount="5.00", reason="why")

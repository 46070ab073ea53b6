"""Clients and their services: added, found, edited, refused with reasons, retired."""

from __future__ import annotations

from daemon.office import payment
from tests.office.conftest import Town


def test_the_worked_dates_hold_in_the_store_too(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    counts = town.run("2026-03-02 00:00")
    assert counts.events == {
        "invoice_created": 2,
        "invoice_notice": 2,
        "screen_notice_on": 1,
        "screen_notice_off": 1,
        "late_fee": 1,
        "suspended": 1,
        "reconnection_fee": 1,
        "balance_applied": 2,
    }
    standing = town.standing(ana)
    assert (standing.state, standing.by, standing.debt) == ("suspended", "auto", 5000 + 5000 + 1500)
    assert town.derives_the_same()


def test_a_payment_frees_at_once(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    town.run("2026-02-10 00:00")
    assert town.standing(ana).state == "suspended"
    result = town.do(
        "2026-02-10 09:30", payment.register_payment, ana, amount="50", method_id=town.cash, reference="R-1"
    )
    assert result.reactivated
    assert (result.credit, [amount for _, amount in result.settled]) == (0, [5000])
    standing = town.standing(ana)
    assert (standing.state, standing.debt, standing.debit) == ("active", 0, 1500)
    assert town.derives_the_same()

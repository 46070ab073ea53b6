"""A run that would bill an unusual total waits for a person, and nothing else waits for it (law 6)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from daemon.office import by_hand, company, hold_bills, payment, plan
from daemon.rules.refusal import Refusal
from daemon.store.bill_run import BillRun, HeldBill
from daemon.store.invoice import Invoice
from tests.office.conftest import Town, lima


def crowd(town: Town, many: int, **settings: object) -> list[int]:
    """Clients who pay nothing and are never cut, so that only invoices matter."""
    settings = {"cut_after_months": 0, "first_cycle": "none", **settings}
    return [
        town.client("2026-01-15 10:00", f"Cliente {number}", f"10.10.1.{number}", **settings)
        for number in range(1, many + 1)
    ]


def dearer(town: Town, at: str, price: str) -> None:
    town.do(at, plan.edit_plan, town.plan, name="Plan 10M", download_kbps=1, upload_kbps=1, price=price)


def months(town: Town, *days: str) -> None:
    for day in days:
        town.run(f"{day} 12:00")


def made(town: Town, since: str) -> int:
    with town.store.read() as session:
        return int(
            session.scalar(select(func.count()).where(Invoice.created_at >= lima(f"{since} 00:00"))) or 0
        )


def test_over_one_and_a_half_times_the_mean_of_three_runs_is_held_until_a_person_confirms(town: Town) -> None:
    clients = crowd(town, 12)
    months(town, "2026-01-31", "2026-02-28", "2026-03-31")
    dearer(town, "2026-04-10 10:00", "75.01")
    counts = town.run("2026-04-30 12:00")
    assert counts.counts().get("invoice_created", 0) == 0
    held = town.ask(hold_bills.list_held_bills)
    assert [(one.waiting, one.candidates, one.at) for one in held] == [(12, 12, lima("2026-04-30 06:00"))]
    assert "12 invoices, 900.12 in all" in str(held[0].sentence)
    assert "the 600.00 of the last three runs" in str(held[0].sentence)
    assert town.ask(hold_bills.held_bill_clients, held[0].id)[0] == (clients[0], "Cliente 1")
    # Nothing else waits for it, and it is not counted again.
    assert town.run("2026-05-20 12:00").counts() == {}
    assert len(town.ask(hold_bills.list_held_bills)) == 1
    town.do("2026-05-20 13:00", payment.register_payment, clients[0], amount="50", method_id=town.cash)
    assert town.do("2026-05-20 15:00", hold_bills.confirm_held_bills, held[0].id) == 12
    assert town.run("2026-05-20 15:01").counts()["invoice_created"] == 12
    with town.store.read() as session:
        last = session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
        assert last is not None
        assert (last.created_at, str(last.cycle_start), str(last.due)) == (
            lima("2026-05-20 15:00"),
            "2026-05-01",
            "2026-05-20",
        )
    assert town.ask(hold_bills.list_held_bills) == []
    with pytest.raises(Refusal, match="confirmed already"):
        town.do("2026-05-20 15:05", hold_bills.confirm_held_bills, held[0].id)
    # From then on it goes its usual way: June's invoices come on the thirty-first, and are compared anew.
    assert town.run("2026-05-31 12:00").counts()["invoice_created"] == 12
    assert town.derives_the_same()


def test_exactly_one_and_a_half_times_or_ten_invoices_are_usual(town: Town) -> None:
    crowd(town, 11)
    months(town, "2026-01-31", "2026-02-28", "2026-03-31")
    dearer(town, "2026-04-10 10:00", "75.00")
    assert town.run("2026-04-30 12:00").counts()["invoice_created"] == 11


def test_ten_invoices_are_no_run_to_be_surprised_by(town: Town) -> None:
    crowd(town, 10)
    months(town, "2026-01-31", "2026-02-28", "2026-03-31")
    dearer(town, "2026-04-10 10:00", "500.00")
    assert town.run("2026-04-30 12:00").counts()["invoice_created"] == 10


def test_without_three_runs_before_nothing_is_known_to_be_unusual(town: Town) -> None:
    crowd(town, 12)
    months(town, "2026-01-31", "2026-02-28")
    dearer(town, "2026-03-10 10:00", "500.00")
    assert town.run("2026-03-31 12:00").counts()["invoice_created"] == 12


def test_a_run_is_compared_with_its_own_day_of_the_month(town: Town) -> None:
    crowd(town, 12)
    for number in range(30, 33):
        town.client(
            "2026-01-15 10:00",
            f"Del quince {number}",
            f"10.10.2.{number}",
            payment_day=15,
            first_cycle="none",
            cut_after_months=0,
        )
    months(town, "2026-01-31", "2026-02-15", "2026-02-28", "2026-03-15", "2026-03-31", "2026-04-15")
    # The last three runs of any day were of 150, 600 and 150: those of this day, of 600 each.
    assert town.run("2026-04-30 12:00").counts()["invoice_created"] == 12


def test_one_that_is_held_can_be_made_by_hand_and_the_others_still_wait(town: Town) -> None:
    clients = crowd(town, 12)
    months(town, "2026-01-31", "2026-02-28", "2026-03-31")
    dearer(town, "2026-04-10 10:00", "90.00")
    town.run("2026-04-30 12:00")
    town.do("2026-04-30 13:00", by_hand.bill_next, clients[3], cycle_start=date(2026, 5, 1))
    assert made(town, "2026-04-30") == 1
    assert [one.waiting for one in town.ask(hold_bills.list_held_bills)] == [11]
    assert town.run("2026-05-02 12:00").counts().get("invoice_created", 0) == 0
    assert town.derives_the_same()


def test_a_company_that_holds_no_totals_bills_them(town: Town) -> None:
    crowd(town, 12)
    town.do("2026-01-16 10:00", company.edit_company, hold_totals=False)
    months(town, "2026-01-31", "2026-02-28", "2026-03-31")
    dearer(town, "2026-04-10 10:00", "500.00")
    assert town.run("2026-04-30 12:00").counts()["invoice_created"] == 12
    with town.store.read() as session:
        assert session.scalars(select(BillRun)).all() == []
        assert session.scalars(select(HeldBill)).all() == []

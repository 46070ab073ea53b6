"""Payments: registered, refused, deleted, void; the ledger keeps every fact and the standing follows at
once.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from daemon.office import change, invoice, method, payment, suspension
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal, Refusals
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment
from tests.office.conftest import Town, lima


@pytest.fixture
def ana(town: Town) -> int:
    made = town.client("2026-01-15 10:00", first_cycle="none")
    town.run("2026-02-01 12:00")
    return made


def pay(
    town: Town, client_id: int, amount: Any, at: str = "2026-02-01 13:00", **words: Any
) -> payment.PaymentResult:
    words.setdefault("method_id", town.cash)
    return town.do(at, payment.register_payment, client_id, amount=amount, **words)


def ledger(town: Town) -> list[tuple[str, int, bool]]:
    with town.store.read() as session:
        rows = session.scalars(select(Ledger).order_by(Ledger.id)).all()
    return [(row.kind, row.amount, row.invoice_id is not None) for row in rows]


def test_part_then_the_rest_then_too_much(town: Town, ana: int) -> None:
    first = pay(town, ana, "20,00")
    assert ([amount for _, amount in first.settled], first.credit) == ([2000], 0)
    shown = town.ask(invoice.list_invoices, lima("2026-02-01 13:30"), ana)
    assert [(one.state, one.owed, one.total) for one in shown] == [("partly_paid", 3000, 5000)]
    second = pay(town, ana, 4500, at="2026-02-01 14:00")
    assert ([amount for _, amount in second.settled], second.credit) == ([3000], 1500)
    assert sorted(ledger(town)) == [
        ("invoice", 5000, True),
        ("payment", -3000, True),
        ("payment", -2000, True),
        ("payment", -1500, False),
    ]
    standing = town.standing(ana)
    assert (standing.debt, standing.credit) == (0, 1500)
    town.run("2026-03-01 12:00")
    shown = town.ask(invoice.list_invoices, lima("2026-03-01 13:30"), ana)
    assert [(one.state, one.to_pay, one.owed) for one in shown] == [("unpaid", 3500, 3500), ("paid", 5000, 0)]
    assert town.derives_the_same()


def test_an_external_reference_is_accepted_once_whatever_the_retries(town: Town, ana: int) -> None:
    luis = town.client("2026-02-01 12:30", "Luis Ramos", "10.10.0.11")
    done = pay(town, ana, "10", reference=" OP  77 ")
    for who in (ana, luis):
        with pytest.raises(Refusal, match="OP 77 is registered already, for Ana Quispe"):
            pay(town, who, "10", reference="OP 77")
    with town.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Payment)) == 1
    town.do("2026-02-01 14:00", payment.delete_payment, done.payment_id, "typed twice")
    assert pay(town, luis, "10", at="2026-02-01 14:10", reference="OP 77").payment_id != done.payment_id


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "above zero"), ("-5", "negative"), ("", "Type an amount"), ("5.001", "two ways|more decimals"),
     ("99999999999999", "too large"), ("diez", "not an amount"), (-1, "not below zero"), (0, "above zero")],
)  # fmt: skip
def test_a_wrong_amount_is_refused_with_its_field_and_changes_nothing(
    town: Town, ana: int, amount: Any, words: str
) -> None:
    before = ledger(town)
    with pytest.raises(Refusal, match=words) as caught:
        pay(town, ana, amount)
    assert [one.field for one in caught.value] == ["amount"]
    assert ledger(town) == before


def test_several_faults_are_told_at_once(town: Town, ana: int) -> None:
    pay(town, ana, "1", reference="A")
    with pytest.raises(Refusals) as caught:
        pay(town, ana, "x", reference="A", method_id=99)
    assert [one.field for one in caught.value] == ["amount", "method_id", "reference"]


def test_a_retired_method_is_refused_and_an_old_payment_keeps_it(town: Town, ana: int) -> None:
    done = pay(town, ana, "10")
    bank = town.do("2026-02-01 14:00", method.add_method, name="Banco")
    town.do("2026-02-01 14:00", method.retire_method, town.cash)
    with pytest.raises(Refusal, match="retired"):
        pay(town, ana, "10", at="2026-02-01 14:10")
    assert town.ask(payment.list_payments, ana)[0].method == "Efectivo"
    town.do("2026-02-01 14:20", payment.edit_payment, done.payment_id, method_id=bank)
    assert town.ask(payment.list_payments, ana)[0].method == "Banco"


def test_another_clients_or_a_void_invoice_cannot_be_paid(town: Town, ana: int) -> None:
    luis = town.client("2026-02-01 12:30", "Luis Ramos", "10.10.0.11")
    mine = town.ask(invoice.list_invoices, lima("2026-02-01 13:00"), ana)[0]
    with pytest.raises(Refusal, match="no such invoice"):
        pay(town, luis, "10", invoice_id=mine.id)
    town.do("2026-02-01 13:10", invoice.void_invoice, mine.id, "wrong plan")
    with pytest.raises(Refusal, match="void"):
        pay(town, ana, "10", at="2026-02-01 13:20", invoice_id=mine.id)


def test_a_named_invoice_is_paid_alone_and_a_paid_one_makes_credit(town: Town, ana: int) -> None:
    town.run("2026-03-01 12:00")
    march, february = town.ask(invoice.list_invoices, lima("2026-03-01 13:00"), ana)
    result = pay(town, ana, march.owed, at="2026-03-01 13:00", invoice_id=march.id)
    assert result.settled == [(march.id, march.owed)]
    assert not result.reactivated
    assert town.standing(ana).debt == february.owed
    again = pay(town, ana, "5", at="2026-03-01 14:00", invoice_id=march.id)
    assert (again.settled, again.credit) == ([], 500)
    assert pay(town, ana, "50", at="2026-03-01 15:00", invoice_id=february.id).reactivated
    assert town.derives_the_same()


def test_a_deleted_payment_leaves_both_facts_and_the_notice_comes_back(town: Town, ana: int) -> None:
    done = pay(town, ana, "50")
    assert town.standing(ana).debt == 0
    town.do("2026-02-03 10:00", payment.delete_payment, done.payment_id, "the note was false")
    assert ledger(town)[-2:] == [("payment", -5000, True), ("reversal", 5000, True)]
    standing = town.standing(ana)
    assert (standing.debt, standing.state, standing.next_cut_at) == (5000, "active", lima("2026-02-06 00:00"))
    rows = town.ask(payment.list_payments, ana)
    assert rows[0].deleted_at == lima("2026-02-03 10:00")
    assert town.ask(payment.list_payments, ana, deleted=False) == []
    with pytest.raises(Refusal, match="deleted already"):
        town.do("2026-02-03 10:05", payment.delete_payment, done.payment_id, "again")
    assert town.derives_the_same()
    town.run("2026-02-06 00:01")
    assert town.standing(ana).state == "suspended"


def test_a_deleted_payment_takes_back_credit_and_what_landed_becomes_a_debit(town: Town, ana: int) -> None:
    done = pay(town, ana, "120")
    assert town.standing(ana).credit == 7000
    town.run("2026-03-01 12:00")
    assert (town.standing(ana).credit, town.standing(ana).debt) == (2000, 0)
    town.do("2026-03-01 13:00", payment.delete_payment, done.payment_id, "false note")
    standing = town.standing(ana)
    assert (standing.debt, standing.debit, standing.credit) == (5000, 5000, 0)
    assert sum(amount for _, amount, _ in ledger(town)) == 10000
    assert town.derives_the_same()


def test_a_void_invoice_gives_back_what_was_on_it_and_is_not_billed_again(town: Town, ana: int) -> None:
    done = pay(town, ana, "20")
    bill = town.ask(invoice.list_invoices, lima("2026-02-01 14:00"), ana)[0]
    town.do("2026-02-01 14:00", invoice.void_invoice, bill.id, "agreed by phone")
    standing = town.standing(ana)
    assert (standing.debt, standing.credit, standing.next_cut_at) == (0, 2000, None)
    assert town.derives_the_same()
    with pytest.raises(Refusal, match="void already"):
        town.do("2026-02-01 14:10", invoice.void_invoice, bill.id, "again")
    town.run("2026-03-02 12:00")
    shown = town.ask(invoice.list_invoices, lima("2026-03-02 13:00"), ana)
    assert [(one.state, one.number, one.to_pay) for one in shown] == [
        ("overdue", "000002", 3000),
        ("void", "000001", 5000),
    ]
    # The payment is taken back now that its credit has landed: it becomes a debit.
    town.do("2026-03-02 13:00", payment.delete_payment, done.payment_id, "false note")
    assert town.standing(ana).debit == 2000 + 500
    assert town.derives_the_same()


def test_a_paid_invoice_whose_fee_is_decided_can_be_voided_and_once(town: Town, ana: int) -> None:
    town.run("2026-02-03 00:00")
    bill = town.ask(invoice.list_invoices, lima("2026-02-03 00:00"), ana)[0]
    town.do("2026-02-03 10:00", payment.register_payment, ana, amount="50.00", method_id=town.cash)
    town.do("2026-02-03 11:00", invoice.void_invoice, bill.id, "Duplicada")
    assert town.ask(invoice.get_invoice, lima("2026-02-03 12:00"), bill.id).state == "void"
    with pytest.raises(Refusal, match="void already"):
        town.do("2026-02-03 12:00", invoice.void_invoice, bill.id, "Otra vez")


def test_balances_that_landed_on_a_void_invoice_wait_again(town: Town, ana: int) -> None:
    town.run("2026-03-01 12:00")
    march = town.ask(invoice.list_invoices, lima("2026-03-01 13:00"), ana)[0]
    assert (march.total, march.to_pay) == (5000, 6500)
    assert [
        line.name for line in town.ask(invoice.get_invoice, lima("2026-03-01 13:00"), march.id).lines
    ] == ["Plan 10M"]
    town.do("2026-03-01 13:00", invoice.void_invoice, march.id, "agreed")
    assert (town.standing(ana).debit, town.standing(ana).debt) == (1500, 5000)
    assert town.derives_the_same()
    town.run("2026-04-01 12:00")
    assert town.ask(invoice.list_invoices, lima("2026-04-01 13:00"), ana)[0].to_pay == 6500


def test_a_free_invoice_never_cuts_and_takes_no_service_payment(town: Town, ana: int) -> None:
    made = town.do("2026-02-01 13:00", invoice.free_invoice, ana, [("Router", "120.00"), ("Cable", 500)])
    free = town.ask(invoice.get_invoice, lima("2026-02-01 13:00"), made)
    assert (free.kind, free.number, free.total, free.cycle_start, len(free.lines)) == (
        "free",
        "L-000001",
        12500,
        None,
        2,
    )
    result = pay(town, ana, "60", at="2026-02-01 14:00")
    assert (result.credit, town.standing(ana).debt) == (1000, 12500)
    town.run("2026-02-20 12:00")
    assert town.standing(ana).state == "active"
    assert pay(town, ana, "125", at="2026-02-20 13:00", invoice_id=made).credit == 0
    assert town.derives_the_same()
    with pytest.raises(Refusal, match="has a name"):
        town.do("2026-02-20 13:00", invoice.free_invoice, ana, [(" ", "1")])


def test_by_hand_suspended_stays_suspended_whatever_is_paid(town: Town, ana: int) -> None:
    town.do("2026-02-01 13:00", suspension.suspend, ana, "moving house")
    result = pay(town, ana, "50", at="2026-02-01 14:00")
    standing = town.standing(ana)
    assert (result.reactivated, standing.state, standing.by) == (False, "suspended", "manual")
    assert "moving house" in str(standing.why)
    with pytest.raises(Refusal, match="already"):
        town.do("2026-02-01 15:00", suspension.suspend, ana, "again")
    with pytest.raises(Refusal, match="Write why"):
        town.do("2026-02-01 15:00", suspension.activate, ana, "  ")
    town.do("2026-02-01 15:00", suspension.activate, ana, "back home")
    assert town.standing(ana).state == "active"
    with pytest.raises(Refusal, match="active already"):
        town.do("2026-02-01 15:10", suspension.activate, ana, "again")
    assert town.derives_the_same()


def test_who_may_take_money_and_who_may_not(town: Town, ana: int) -> None:
    technician = Actor("staff", 2, "Tito", "technician")
    cashier = Actor("staff", 3, "Carla", "cashier", "192.0.2.9")
    with pytest.raises(Refusal, match="Tito may not"):
        pay(town, ana, "10", actor=technician)
    pay(town, ana, "10", actor=cashier)
    row = town.ask(change.list_changes, ana)[0]
    assert (row.actor, row.noun, row.action, row.address) == ("Carla", "payment", "add", "192.0.2.9")

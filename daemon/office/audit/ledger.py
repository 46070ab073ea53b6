"""Rules about the ledger: each entry's shape and whose it is, balances, landings, reversals, fees (law 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from daemon.office.audit.finding import Finding, Ground, row_of
from daemon.rules.sentence import say
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment
from daemon.store.suspension import Suspension


def shapes(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Each kind of entry has what it needs, and the sign it must have."""
    kind, amount = Ledger.kind, Ledger.amount
    wrong: dict[str, Any] = {
        "invoice": or_(Ledger.invoice_id.is_(None), amount < 0),
        "payment": or_(Ledger.payment_id.is_(None), amount >= 0),
        "late_fee": or_(Ledger.cause_invoice_id.is_(None), Ledger.invoice_id.is_not(None), amount <= 0),
        "reconnection_fee": or_(Ledger.suspension_id.is_(None), Ledger.invoice_id.is_not(None), amount <= 0),
        "debit": or_(Ledger.invoice_id.is_not(None), amount <= 0),
        "credit": or_(Ledger.invoice_id.is_not(None), amount >= 0),
        "landing": or_(Ledger.origin_id.is_(None), amount == 0),
        "reversal": or_(and_(Ledger.reverses_id.is_(None), Ledger.payment_id.is_(None)), amount == 0),
    }
    query = select(Ledger.id, kind).where(or_(*(and_(kind == name, rule) for name, rule in wrong.items())))
    for row in session.execute(query):
        sentence = say(
            "An entry of the kind {kind} lacks what it names, or has the wrong sign", kind=row.kind
        )
        yield Finding("ledger.shape", row_of(Ledger, row.id), sentence)


def owners(session: Session, _ground: Ground) -> Iterator[Finding]:
    """An entry and all that it names belong to one client."""
    other, cause = aliased(Ledger), aliased(Invoice)
    named: list[tuple[str, Any, Any]] = [
        ("invoice", Invoice, Invoice.id == Ledger.invoice_id),
        ("payment", Payment, Payment.id == Ledger.payment_id),
        ("origin", other, other.id == Ledger.origin_id),
        ("reverses", other, other.id == Ledger.reverses_id),
        ("cause", cause, cause.id == Ledger.cause_invoice_id),
        ("suspension", Suspension, Suspension.id == Ledger.suspension_id),
    ]
    for name, model, joined in named:
        query = select(Ledger.id).join(model, joined).where(model.client_id != Ledger.client_id)
        for (found,) in session.execute(query):
            sentence = say("The entry is of one client, its {what} of another", what=name)
            yield Finding("ledger.client", row_of(Ledger, found), sentence)


def balances(session: Session, ground: Ground) -> Iterator[Finding]:
    """A balance is never used up beyond what it was, nor grows."""
    entry, part = Ledger, aliased(Ledger)
    moved = (
        select(part.origin_id, func.sum(part.amount).label("moved"))
        .where(part.origin_id.is_not(None), part.invoice_id.is_(None))
        .group_by(part.origin_id)
        .subquery()
    )
    left = entry.amount + moved.c.moved
    query = (
        select(entry.id, entry.amount, left.label("left"))
        .join(moved, moved.c.origin_id == entry.id)
        .where(
            or_(
                and_(entry.amount > 0, or_(left < 0, left > entry.amount)),
                and_(entry.amount < 0, or_(left > 0, left < entry.amount)),
            )
        )
    )
    for row in session.execute(query):
        sentence = say(
            "A balance of {amount} has {left} left: more was moved than there was",
            amount=ground.money(row.amount),
            left=ground.money(row.left),
        )
        yield Finding("ledger.balance", row_of(Ledger, row.id), sentence)
    origin = aliased(Ledger)
    strange = (
        select(entry.id)
        .join(origin, origin.id == entry.origin_id)
        .where(or_(origin.invoice_id.is_not(None), origin.origin_id.is_not(None), origin.id >= entry.id))
    )
    for (found,) in session.execute(strange):
        sentence = say("The entry moves something that is not a balance made before it")
        yield Finding("ledger.balance", row_of(Ledger, found), sentence)


def landings(session: Session, ground: Ground) -> Iterator[Finding]:
    """What leaves a balance arrives on an invoice: landings of one balance add up to nothing."""
    query = (
        select(Ledger.origin_id, func.sum(Ledger.amount).label("sum"), func.max(Ledger.id).label("last"))
        .where(Ledger.kind == "landing", Ledger.origin_id.is_not(None))
        .group_by(Ledger.origin_id)
        .having(func.sum(Ledger.amount) != 0)
    )
    for row in session.execute(query):
        sentence = say(
            "The landings of balance {balance} add up to {amount} and not to nothing",
            balance=row.origin_id,
            amount=ground.money(row.sum),
        )
        yield Finding("ledger.landing", row_of(Ledger, row.last), sentence)


def reversals(session: Session, _ground: Ground) -> Iterator[Finding]:
    """A reversal points to an earlier entry of the same payment and invoice, and takes back no more than it."""
    back, entry, sibling = aliased(Ledger), aliased(Ledger), aliased(Ledger)
    query = (
        select(back.id, back.reverses_id)
        .outerjoin(entry, entry.id == back.reverses_id)
        .where(
            or_(
                and_(back.kind != "reversal", back.reverses_id.is_not(None)),
                and_(
                    back.kind == "reversal",
                    back.reverses_id.is_not(None),
                    or_(
                        entry.id.is_(None),
                        entry.id >= back.id,
                        entry.kind == "reversal",
                        entry.amount * back.amount >= 0,
                        func.abs(back.amount) > func.abs(entry.amount),
                        func.coalesce(entry.payment_id, 0) != func.coalesce(back.payment_id, 0),
                        and_(back.invoice_id.is_not(None), entry.invoice_id != back.invoice_id),
                    ),
                ),
                and_(
                    back.kind == "reversal",
                    back.reverses_id.is_(None),
                    ~exists().where(
                        sibling.payment_id == back.payment_id,
                        sibling.kind == "reversal",
                        sibling.reverses_id.is_not(None),
                    ),
                ),
            )
        )
    )
    for row in session.execute(query):
        if row.reverses_id is None:
            sentence = say("A reversal does not say what it takes back")
        else:
            sentence = say("It does not fit what it takes back: {row}", row=row_of(Ledger, row.reverses_id))
        yield Finding("ledger.reversal", row_of(Ledger, row.id), sentence)


def late_fees(session: Session, ground: Ground) -> Iterator[Finding]:
    """The late fee decided on an invoice is the one in the ledger; free invoices make none (F8)."""
    fee = (
        select(Ledger.cause_invoice_id.label("cause"), func.sum(Ledger.amount).label("sum"))
        .where(Ledger.kind == "late_fee")
        .group_by(Ledger.cause_invoice_id)
        .subquery()
    )
    made = func.coalesce(fee.c.sum, 0)
    decided = func.coalesce(Invoice.late_fee, 0)
    query = (
        select(Invoice.id, Invoice.kind, decided.label("decided"), made.label("made"))
        .outerjoin(fee, fee.c.cause == Invoice.id)
        .where(or_(made != decided, and_(Invoice.kind == "free", decided != 0)))
    )
    for row in session.execute(query):
        sentence = say(
            "The invoice says a late fee of {fee}, the ledger {amount}",
            fee=ground.money(row.decided),
            amount=ground.money(row.made),
        )
        yield Finding("fee.late", row_of(Invoice, row.id), sentence)


def reconnection_fees(session: Session, _ground: Ground) -> Iterator[Finding]:
    """A reconnection fee comes of an automatic suspension, at its minute (F9)."""
    query = (
        select(Ledger.id, Ledger.suspension_id)
        .join(Suspension, Suspension.id == Ledger.suspension_id)
        .where(
            Ledger.kind == "reconnection_fee",
            or_(Suspension.action != "suspend", Suspension.by != "auto", Suspension.at != Ledger.at),
        )
    )
    for row in session.execute(query):
        sentence = say(
            "{row} is not the automatic suspension that made it", row=row_of(Suspension, row.suspension_id)
        )
        yield Finding("fee.reconnection", row_of(Ledger, row.id), sentence)


def sums(session: Session, ground: Ground) -> Iterator[Finding]:
    """What payments did adds up to what they are; a deleted one to nothing (I3)."""
    done = func.coalesce(func.sum(Ledger.amount), 0)
    due = case((Payment.deleted_at.is_(None), -Payment.amount), else_=0)
    query = (
        select(Payment.id, Payment.amount, Payment.deleted_at, done.label("done"))
        .outerjoin(Ledger, Ledger.payment_id == Payment.id)
        .group_by(Payment.id, Payment.amount, Payment.deleted_at)
        .having(done != due)
    )
    for row in session.execute(query):
        if row.deleted_at is None:
            sentence = say(
                "A payment of {amount} has {paid} in the ledger",
                amount=ground.money(row.amount),
                paid=ground.money(-row.done),
            )
        else:
            sentence = say(
                "A deleted payment of {amount} still has {paid} in the ledger",
                amount=ground.money(row.amount),
                paid=ground.money(-row.done),
            )
        yield Finding("payment.parts", row_of(Payment, row.id), sentence)

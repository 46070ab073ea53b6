"""Payments: register, delete, edit the method, list (rows I3-I5, T1). Reactivation follows in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.actor import Actor
from daemon.office.plan import amount_of
from daemon.office.told import Told
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.event import Event
from daemon.rules.money import positive
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.client import Client
from daemon.store.closing import Closing
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment, PaymentMethod


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """What a payment did: (invoice id, amount) for each invoice it went to, what became credit, and whether
    the client was reactivated by it. Amounts in minor units.
    """

    payment_id: int
    settled: list[tuple[int, int]] = field(default_factory=list)
    credit: int = 0
    reactivated: bool = False


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as it is listed."""

    id: int
    client_id: int
    client: str
    at: datetime
    amount: int
    method: str
    method_id: int
    reference: str
    note: str
    actor: str
    deleted_at: datetime | None


def register_payment(
    session: Session,
    actor: Actor,
    now: datetime,
    client_id: int,
    *,
    amount: str | int,
    method_id: int,
    reference: str = "",
    invoice_id: int | None = None,
    note: str = "",
) -> PaymentResult:
    """Register money received: text as typed, or whole minor units.

    It settles unpaid service invoices, oldest first, or the one named; what is left is credit for the next
    invoice. An external reference is accepted once in the whole company, whatever the retries. A client
    that the clock had cut and that owes no longer is active when this returns (law 4).
    """
    actor.check("payment")
    refusals = Collector()
    minor = 0
    bare = " ".join(reference.split())
    with refusals.of("amount"):
        minor = positive(amount_of(session, amount, "amount"))
    with refusals.of("method_id"):
        catalogue.usable(session, PaymentMethod, method_id, "method")
    with refusals.of("reference"):
        _check_reference(session, bare)
    if len(note) > 300:
        refusals.add("note", say("Write at most {most} characters", most=300))
    refusals.settle()
    told = standing.move_on(session, now, client_id)
    if invoice_id is not None:
        _check_invoice(session, told, client_id, invoice_id)
    payment = Payment(
        client_id=client_id,
        at=now,
        amount=minor,
        method_id=method_id,
        reference=bare,
        note=note.strip(),
        actor=actor.name,
    )
    session.add(payment)
    session.flush()
    key = payment.id

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        named = next((one for one in account.invoices if one.id == invoice_id), None) if invoice_id else None
        if invoice_id is not None and named is None:
            raise Refusal("invoice_id", "Nothing is owed on this invoice: choose another, or none")
        yield from deeds.pay(account, at, minor, key, named)

    events = standing.finish(session, actor.name, told, now, deed)
    result = PaymentResult(
        key,
        [
            (movement.invoice.id, -movement.amount)
            for event in events
            for movement in event.movements
            if movement.kind == "payment" and movement.invoice is not None and movement.invoice.id is not None
        ],
        sum(
            -m.amount
            for event in events
            for m in event.movements
            if m.kind == "payment" and m.invoice is None
        ),
        any(event.kind == "reactivated" for event in events),
    )
    change.record(
        session,
        actor,
        now,
        "payment",
        key,
        "add",
        None,
        {"amount": minor, "method_id": method_id, "reference": bare, "reactivated": result.reactivated},
        client_id,
    )
    return result


def delete_payment(session: Session, actor: Actor, now: datetime, payment_id: int, reason: str) -> None:
    """Take a payment back: its invoices are unpaid again, the ledger keeps both facts (I3, law 3)."""
    actor.check("payment")
    payment = catalogue.found(session, Payment, payment_id, "payment")
    if payment.deleted_at is not None:
        raise Refusal("", "This payment was deleted already")
    bare = " ".join(reason.split())
    if not bare:
        raise Refusal("reason", "Write why: others will ask")
    _check_closed(session, actor, payment)
    before = change.columns(payment)
    client_id = payment.client_id
    told = standing.move_on(session, now, client_id)
    if told.events:  # what the clock owed is written first: it may move what the payment left
        standing.finish(session, actor.name, told, now, no_deed)
        told = standing.move_on(session, now, client_id)
    parts = _parts(session, told, payment_id)
    payment = session.get_one(Payment, payment_id)
    payment.deleted_at = now
    payment.deleted_why = say("Deleted by {name}: {reason}", name=actor.name, reason=bare[:300]).as_json()
    session.flush()
    after = change.columns(payment)
    standing.finish(
        session,
        actor.name,
        told,
        now,
        lambda account, at: deeds.delete_payment(account, at, parts, payment_id),
    )
    change.record(session, actor, now, "payment", payment_id, "delete", before, after, client_id)


def edit_payment(session: Session, actor: Actor, now: datetime, payment_id: int, *, method_id: int) -> None:
    """Change the method of a payment (I4)."""
    actor.check("payment")
    payment = catalogue.found(session, Payment, payment_id, "payment")
    catalogue.usable(session, PaymentMethod, method_id, "method")
    _check_closed(session, actor, payment)
    before = change.columns(payment)
    payment.method_id = method_id
    session.flush()
    change.record(
        session, actor, now, "payment", payment_id, "edit", before, change.columns(payment), payment.client_id
    )


def list_payments(
    session: Session,
    client_id: int | None = None,
    after: int | None = None,
    limit: int = 50,
    deleted: bool = True,
) -> list[PaymentRow]:
    """Payments, newest first; `after` is the id of the last row of the page before."""
    query = (
        select(Payment, Client.name.label("client"), PaymentMethod.name.label("method"))
        .join(Client, Client.id == Payment.client_id)
        .join(PaymentMethod, PaymentMethod.id == Payment.method_id)
        .order_by(Payment.id.desc())
        .limit(min(limit, 500))
    )
    if client_id is not None:
        query = query.where(Payment.client_id == client_id)
    if after is not None:
        query = query.where(Payment.id < after)
    if not deleted:
        query = query.where(Payment.deleted_at.is_(None))
    return [
        PaymentRow(
            row.id,
            row.client_id,
            client,
            row.at,
            row.amount,
            method,
            row.method_id,
            row.reference,
            row.note,
            row.actor,
            row.deleted_at,
        )
        for row, client, method in session.execute(query)
    ]


def _check_closed(session: Session, actor: Actor, payment: Payment) -> None:
    """What a cash closing has counted stays as it was counted, unless an administrator decides otherwise."""
    if payment.closing_id is None or actor.may("closing"):
        return
    closing = session.get_one(Closing, payment.closing_id)
    raise Refusal(
        "",
        say(
            "This payment was counted in the cash closing of {day} ({collector}): ask an administrator",
            day=closing.day.isoformat(),
            collector=closing.collector,
        ),
    )


def no_deed(_account: Account, _at: datetime) -> Iterator[Event]:
    """Nothing: only what the clock owed is written."""
    yield from ()


def _check_reference(session: Session, reference: str) -> None:
    if len(reference) > 120:
        raise Refusal("reference", say("Write at most {most} characters", most=120))
    if not reference:
        return
    taken = session.execute(
        select(Payment.id, Payment.at, Client.name)
        .join(Client, Client.id == Payment.client_id)
        .where(Payment.reference == reference, Payment.deleted_at.is_(None))
    ).first()
    if taken is not None:
        raise Refusal(
            "reference",
            say(
                "Reference {reference} is registered already, for {name} on {day}",
                reference=reference,
                name=taken.name,
                day=taken.at.date().isoformat(),
            ),
        )


def _check_invoice(session: Session, told: Told, client_id: int, invoice_id: int) -> None:
    row = session.get(Invoice, invoice_id)
    if row is None or row.client_id != client_id:
        raise Refusal("invoice_id", "This client has no such invoice")
    if row.voided_at is not None:
        raise Refusal("invoice_id", "This invoice is void: choose another, or none")
    standing.reload_invoice(session, told.loaded, invoice_id)


def _parts(session: Session, told: Told, payment_id: int) -> Sequence[deeds.Settled]:
    """What a payment still pays, from the ledger: per invoice what is left of it there, per balance the
    whole.
    """
    entries = session.scalars(select(Ledger).where(Ledger.payment_id == payment_id).order_by(Ledger.id)).all()
    parts: list[deeds.Settled] = []
    for invoice_id in sorted({entry.invoice_id for entry in entries if entry.invoice_id is not None}):
        mine = [entry for entry in entries if entry.invoice_id == invoice_id]
        net = -sum(entry.amount for entry in mine)
        if net > 0:
            standing.reload_invoice(session, told.loaded, invoice_id)
            invoice = next(one for one in told.account.invoices if one.id == invoice_id)
            parts.append(deeds.Settled(mine[0].id, net, invoice))
    for entry in entries:
        if entry.invoice_id is None and entry.origin_id is None and entry.amount < 0:
            balance = next((one for one in told.account.balances if one.id == entry.id), None)
            parts.append(deeds.Settled(entry.id, -entry.amount, None, balance))
    return parts


def month_total(session: Session, client_id: int | None, since: datetime, until: datetime) -> int:
    """What standing payments between two instants add up to, in minor units."""
    query = select(func.coalesce(func.sum(Payment.amount), 0)).where(
        Payment.at >= since, Payment.at < until, Payment.deleted_at.is_(None)
    )
    if client_id is not None:
        query = query.where(Payment.client_id == client_id)
    return int(session.scalar(query) or 0)

"""What one payment did: the part on each invoice, and what stayed as a balance in favour. Read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.store.invoice import Invoice, Series
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment, PaymentMethod


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a payment on one invoice; `left` is what that invoice still owes. Minor units."""

    invoice_id: int
    number: str
    amount: int
    left: int


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """A payment with what it did."""

    id: int
    client_id: int
    at: datetime
    amount: int
    method: str
    method_id: int
    reference: str
    actor: str
    deleted_at: datetime | None
    deleted_why: dict[str, Any] | None
    settled: tuple[Part, ...]
    credit: int


def payment_detail(session: Session, payment_id: int) -> PaymentDetail | None:
    """A payment by its number, None if there is none."""
    row = session.execute(
        select(Payment, PaymentMethod.name).join(PaymentMethod).where(Payment.id == payment_id)
    ).first()
    if row is None:
        return None
    payment, method = row
    parts = session.execute(
        select(Invoice.id, Series.prefix, Invoice.number, -func.sum(Ledger.amount))
        .join(Invoice, Invoice.id == Ledger.invoice_id)
        .join(Series, Series.id == Invoice.series_id)
        .where(Ledger.payment_id == payment_id, Ledger.kind == "payment")
        .group_by(Invoice.id, Series.prefix, Invoice.number)
        .order_by(Invoice.due, Invoice.id)
    ).all()
    owed: dict[int, int] = {
        invoice_id: int(left)
        for invoice_id, left in session.execute(
            select(Ledger.invoice_id, func.sum(Ledger.amount))
            .where(Ledger.invoice_id.in_([part[0] for part in parts]))
            .group_by(Ledger.invoice_id)
        )
        if invoice_id is not None
    }
    credit = session.scalar(
        select(-func.sum(Ledger.amount)).where(
            Ledger.payment_id == payment_id, Ledger.kind == "payment", Ledger.invoice_id.is_(None)
        )
    )
    return PaymentDetail(
        payment.id, payment.client_id, payment.at, payment.amount, method, payment.method_id, payment.reference,
        payment.actor, payment.deleted_at, payment.deleted_why,
        tuple(
            Part(key, f"{prefix}{number:06d}", int(amount), max(0, owed.get(key, 0)))
            for key, prefix, number, amount in parts
        ),
        int(credit or 0),
    )  # fmt: skip


def month_of(at: datetime) -> date:
    """The first day of a local moment's month: what the register groups by."""
    return at.date().replace(day=1)

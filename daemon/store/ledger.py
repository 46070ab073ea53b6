"""The ledger: every movement of money, only ever added to (law 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor

KINDS = (
    "invoice",  # an invoice's total, against the client
    "void",  # takes an invoice's total back
    "payment",  # money received, on an invoice or (invoice_id None) left as credit
    "late_fee",  # pending debit made by an overdue invoice
    "reconnection_fee",  # pending debit made by an automatic suspension
    "debit",  # pending debit written by a person
    "credit",  # pending credit written by a person
    "landing",  # two entries of sum zero: a pending balance moves onto an invoice, or back
    "reversal",  # takes another entry back: a payment deleted
)


class Ledger(Base):
    """One movement: + the client owes more, − the client owes less. Triggers refuse UPDATE and DELETE.

    Entries without an invoice are pending balances. `origin_id` of a landing names the balance that moves, so
    what is left of a balance is its amount plus the landings that name it and have no invoice.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint("kind IN (" + ", ".join(f"'{kind}'" for kind in KINDS) + ")", name="kind"),
        Index("ix_ledger_client_at", "client_id", "at"),
        Index(
            "ix_ledger_invoice",
            "invoice_id",
            sqlite_where=text("invoice_id IS NOT NULL"),
            postgresql_where=text("invoice_id IS NOT NULL"),
        ),
        Index(
            "ix_ledger_payment",  # sums of what payments did are found in it alone
            "payment_id",
            "amount",
            sqlite_where=text("payment_id IS NOT NULL"),
            postgresql_where=text("payment_id IS NOT NULL"),
        ),
        Index(
            "uq_ledger_late_fee",
            "cause_invoice_id",
            unique=True,
            sqlite_where=text("kind = 'late_fee'"),
            postgresql_where=text("kind = 'late_fee'"),
        ),
        Index(
            "uq_ledger_reconnection_fee",
            "suspension_id",
            unique=True,
            sqlite_where=text("kind = 'reconnection_fee'"),
            postgresql_where=text("kind = 'reconnection_fee'"),
        ),
        Index(
            "uq_ledger_reversal",
            "reverses_id",
            unique=True,
            sqlite_where=text("reverses_id IS NOT NULL"),
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    at: Mapped[datetime]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[Minor]
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("ledger.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger.id"))
    cause_invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    suspension_id: Mapped[int | None] = mapped_column(ForeignKey("suspension.id"))
    why: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(String(120))

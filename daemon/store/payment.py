"""Payments received, and the methods they come by (rows T1, I3, I4)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class PaymentMethod(Base):
    """How money arrives: cash, transfer, a wallet. Retired, never deleted."""

    __tablename__ = "payment_method"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    retired_at: Mapped[datetime | None]


class Promise(Base):
    """A promise to pay until a day: no cut before it is over. At most one of a client is open."""

    __tablename__ = "promise"
    __table_args__ = (
        Index(
            "uq_promise_open",
            "client_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    at: Mapped[datetime]
    until: Mapped[date]
    invoices: Mapped[list[Any]]
    """Ids of the invoices that were unpaid when it was made."""
    actor: Mapped[str] = mapped_column(String(120))
    ended_at: Mapped[datetime | None]
    broken: Mapped[bool | None]


class Payment(Base):
    """Money a client gave. An external reference stands once in the whole ISP; a deleted payment frees it."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payment_client_at", "client_id", "at"),
        Index("ix_payment_at", "at", "id"),
        Index("ix_payment_sums", "at", "deleted_at", "method_id", "amount"),
        Index("ix_payment_actor", "actor", "at", "id"),
        Index(
            "ix_payment_closing",
            "closing_id",
            sqlite_where=text("closing_id IS NOT NULL"),
            postgresql_where=text("closing_id IS NOT NULL"),
        ),
        Index(
            "ix_payment_deleted",
            "at",
            "id",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        Index(
            "uq_payment_reference",
            "reference",
            unique=True,
            sqlite_where=text("deleted_at IS NULL AND reference <> ''"),
            postgresql_where=text("deleted_at IS NULL AND reference <> ''"),
        ),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    at: Mapped[datetime]
    amount: Mapped[Minor]
    method_id: Mapped[int] = mapped_column(ForeignKey("payment_method.id"))
    reference: Mapped[str] = mapped_column(String(120), default="")
    note: Mapped[str] = mapped_column(String(300), default="")
    actor: Mapped[str] = mapped_column(String(120))
    closing_id: Mapped[int | None] = mapped_column(ForeignKey("closing.id"))
    """The cash closing that counted it; None while it waits for one."""
    deleted_at: Mapped[datetime | None]
    deleted_why: Mapped[dict[str, Any] | None]

"""Invoices, their lines, and the series that number them (rows I1, I2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class Series(Base):
    """A run of invoice numbers without gaps; taking the next one is part of the invoice's transaction."""

    __tablename__ = "series"
    __table_args__ = (Index("uq_series_default_for", "default_for", unique=True),)

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(60), unique=True)
    prefix: Mapped[str] = mapped_column(String(20), default="")
    next_number: Mapped[int] = mapped_column(default=1)
    default_for: Mapped[str | None] = mapped_column(String(10))
    """The kind of invoice that takes its numbers here; each kind has one such series."""
    retired_at: Mapped[datetime | None]


class Invoice(Base):
    """An invoice. What is still owed on it is the sum of its ledger entries; `settled_at` is a cache of that.

    A cycle is billed once for a client, void or not, so (client, cycle_start) is unique among service
    invoices. `late_fee` says how the one decision about a late fee fell: None not yet, 0 none, else the
    amount.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        CheckConstraint("kind IN ('service', 'free')", name="kind"),
        CheckConstraint(
            "kind = 'free' OR (cycle_start IS NOT NULL AND cycle_end >= cycle_start)", name="cycle"
        ),
        CheckConstraint("total = net + tax", name="total"),
        CheckConstraint("to_pay >= 0", name="to_pay"),
        UniqueConstraint("series_id", "number"),
        Index("ix_invoice_created_at", "created_at", "id"),
        Index(
            "uq_invoice_service_cycle",
            "client_id",
            "cycle_start",
            unique=True,
            sqlite_where=text("kind = 'service'"),
            postgresql_where=text("kind = 'service'"),
        ),
        Index(
            "ix_invoice_open",
            "client_id",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    kind: Mapped[str] = mapped_column(String(10))
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"))
    number: Mapped[int]
    cycle_start: Mapped[date | None]
    cycle_end: Mapped[date | None]
    due: Mapped[date | None]
    created_at: Mapped[datetime]
    net: Mapped[Minor]
    tax: Mapped[Minor]
    total: Mapped[Minor]
    to_pay: Mapped[Minor]
    settled_at: Mapped[datetime | None]
    """Since when nothing is owed on it (paid or void); derived from the ledger."""
    voided_at: Mapped[datetime | None]
    late_fee: Mapped[Minor | None]
    forgiven_at: Mapped[datetime | None]
    """A person activated the client past this invoice's grace: it never counts for a cut again."""
    reminded: Mapped[int] = mapped_column(default=0)
    """The reminders that were sent for it, one bit each (F13)."""
    why: Mapped[dict[str, Any]]


class PassedCycle(Base):
    """A cycle that was not billed when its moment came, and never will be: nothing to bill, or suspended."""

    __tablename__ = "passed_cycle"
    __table_args__ = (UniqueConstraint("client_id", "cycle_start"),)

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    cycle_start: Mapped[date]
    cycle_end: Mapped[date]
    at: Mapped[datetime]
    why: Mapped[dict[str, Any]]


class InvoiceLine(Base):
    """A line of an invoice, as fixed at its creation."""

    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("invoice_id", "place"),)

    id: Mapped[Key]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    place: Mapped[int]
    service_id: Mapped[int | None] = mapped_column(ForeignKey("internet_service.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    name: Mapped[str] = mapped_column(String(300))
    net: Mapped[Minor]
    tax: Mapped[Minor]
    total: Mapped[Minor]
    why: Mapped[dict[str, Any]]

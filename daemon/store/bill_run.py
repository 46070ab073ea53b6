"""Runs that would bill an unusual total, and the clients whose invoice waits for a person (law 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor

_OPEN = text("released_at IS NULL")


class BillRun(Base):
    """What was decided about the invoices of one moment, before the first of them.

    `total` is what they would bill, `mean` what the last three runs of that day of the month billed.
    """

    __tablename__ = "bill_run"

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(unique=True)
    invoices: Mapped[int]
    total: Mapped[Minor | None]
    mean: Mapped[Minor | None]
    held: Mapped[bool]
    sentence: Mapped[dict[str, Any] | None]
    decided_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(String(120), default="")


class HeldBill(Base):
    """A client whose next invoice waits for a person; released by the confirmation, or by one made by hand."""

    __tablename__ = "held_bill"
    __table_args__ = (
        Index("uq_held_bill_client", "client_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[Key]
    run_id: Mapped[int] = mapped_column(ForeignKey("bill_run.id"), index=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    released_at: Mapped[datetime | None]

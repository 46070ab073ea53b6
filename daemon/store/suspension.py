"""Suspensions as they happened, the standing derived from them, and cuts held for a person (law 6)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class Suspension(Base):
    """Something changed a client's state: append-only, triggers refuse UPDATE and DELETE."""

    __tablename__ = "suspension"
    __table_args__ = (
        CheckConstraint("\"action\" IN ('suspend', 'lift')", name="action"),
        CheckConstraint("\"by\" IN ('auto', 'manual')", name="by"),
        Index("ix_suspension_client_at", "client_id", "at"),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(10))
    by: Mapped[str] = mapped_column(String(10))
    reason: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(String(120))


class Standing(Base):
    """How a client stands now. A cache: everything in it follows from facts (`rebuild_standing`).

    `debt` is what is unpaid on invoices, `debit` and `credit` what waits for the next one, all in minor units
    ≥ 0. `next_at` is the first moment at which the billing run has something to do for this client.
    """

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'suspended', 'retired')", name="state"),
        Index("ix_standing_next_at", "next_at", "client_id"),
        Index("ix_standing_next_cut_at", "next_cut_at"),
        Index("ix_standing_state", "state", "client_id"),
        Index(
            "ix_standing_debt",
            "client_id",
            sqlite_where=text("debt > 0"),
            postgresql_where=text("debt > 0"),
        ),
    )

    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(String(10))
    why: Mapped[dict[str, Any]]
    since: Mapped[datetime]
    debt: Mapped[Minor] = mapped_column(default=0)
    debit: Mapped[Minor] = mapped_column(default=0)
    credit: Mapped[Minor] = mapped_column(default=0)
    next_cut_on: Mapped[date | None]
    next_cut_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    next_bill_at: Mapped[datetime | None]
    """When the next invoice is made; None while it is held."""
    reached_at: Mapped[datetime]
    """Everything before this instant has happened to the client."""
    billed_through: Mapped[date | None]
    """Last day of the last cycle that was billed or passed over."""
    held: Mapped[bool] = mapped_column(default=False)


class CutRun(Base):
    """What was decided about all cuts of one moment, before the first of them, so that a restart decides the
    same.
    """

    __tablename__ = "cut_run"

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(unique=True)
    candidates: Mapped[int]
    active: Mapped[int]
    held: Mapped[bool]
    sentence: Mapped[dict[str, Any] | None]
    decided_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(String(120), default="")


class HeldCut(Base):
    """A client whose cut waits for a person. Released by the confirmation, or when the debt went away."""

    __tablename__ = "held_cut"
    __table_args__ = (
        Index(
            "uq_held_cut_client",
            "client_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    run_id: Mapped[int] = mapped_column(ForeignKey("cut_run.id"), index=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    released_at: Mapped[datetime | None]

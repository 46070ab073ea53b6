"""Cash closings: what a collector took on a day, counted by hand (row T1)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class Closing(Base):
    """The closing of a collector's day. Payments name it (`payment.closing_id`); those registered after it
    are of the next one, which may be of the same day.
    """

    __tablename__ = "closing"
    __table_args__ = (Index("ix_closing_day", "day", "id"),)

    id: Mapped[Key]
    day: Mapped[date]
    collector: Mapped[str] = mapped_column(String(120))
    expected: Mapped[Minor]
    counted: Mapped[Minor]
    payments: Mapped[int]
    note: Mapped[str] = mapped_column(String(300), default="")
    closed_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))


class ClosingLine(Base):
    """One payment method of a closing: what the register says, and what was counted."""

    __tablename__ = "closing_line"
    __table_args__ = (
        UniqueConstraint("closing_id", "method_id"),
        CheckConstraint("counted >= 0", name="counted"),
    )

    id: Mapped[Key]
    closing_id: Mapped[int] = mapped_column(ForeignKey("closing.id"))
    method_id: Mapped[int] = mapped_column(ForeignKey("payment_method.id"))
    expected: Mapped[Minor]
    counted: Mapped[Minor]
    payments: Mapped[int]

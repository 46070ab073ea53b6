"""Files of payments from banks and collectors: what each line said, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class PaymentFile(Base):
    """A file that was read. Nothing is paid until `confirmed_at`; then its good lines are, one by one."""

    __tablename__ = "payment_file"
    __table_args__ = (
        Index(
            "ix_payment_file_open",
            "id",
            sqlite_where=text("confirmed_at IS NOT NULL AND done_at IS NULL"),
            postgresql_where=text("confirmed_at IS NOT NULL AND done_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[dict[str, Any]]
    name: Mapped[str] = mapped_column(String(200))
    good: Mapped[int]
    bad: Mapped[int]
    total: Mapped[Minor]
    """What the good lines add up to."""
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[dict[str, Any] | None]
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]


class PaymentLine(Base):
    """A line of such a file. `faults` are the stored reasons why it is bad, or was refused at last."""

    __tablename__ = "payment_line"
    __table_args__ = (
        CheckConstraint("state IN ('good', 'bad', 'paid', 'refused')", name="state"),
        UniqueConstraint("file_id", "line"),
        Index("ix_payment_line_state", "file_id", "state", "line"),
    )

    id: Mapped[Key]
    file_id: Mapped[int] = mapped_column(ForeignKey("payment_file.id"))
    line: Mapped[int]
    """Its number in the file, the heading being 1."""
    text: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    amount: Mapped[Minor | None]
    paid_on: Mapped[date | None]
    method_id: Mapped[int | None] = mapped_column(ForeignKey("payment_method.id"))
    reference: Mapped[str] = mapped_column(String(120), default="")
    faults: Mapped[list[Any]]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))

"""Long work that a person asked for and that is done aside: a month's invoices on paper, an export."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Job(Base):
    """One piece of work and how far it is. What it makes is a file in the home's `files`, until `expires_at`.

    `owner` is the life of the daemon that took it: a job whose owner is another life was left half-way, and is
    begun again from the start. `fault` is a stored sentence.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index(
            "ix_job_open",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    args: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(String(120))
    asked_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    owner: Mapped[str] = mapped_column(String(40), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    cancelled_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    fault: Mapped[dict[str, Any] | None]
    file: Mapped[str] = mapped_column(String(80), default="")
    name: Mapped[str] = mapped_column(String(120), default="")
    size: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None]

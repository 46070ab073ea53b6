"""Requests: what a person asks of a router, as a row that the daemon takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Request(Base):
    """A wish: taken by one daemon, done once, its result kept for who asked."""

    __tablename__ = "request"
    __table_args__ = (
        CheckConstraint("kind IN ('plan', 'apply', 'test', 'ping', 'confirm')", name="kind"),
        Index(
            "ix_request_waiting",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    router_id: Mapped[int] = mapped_column(ForeignKey("router.id"), index=True)
    args: Mapped[dict[str, Any]]
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str] = mapped_column(String(120), default="")
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str] = mapped_column(Text, default="")
    fault: Mapped[dict[str, Any] | None]
    """The error as a stored sentence."""

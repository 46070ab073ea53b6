"""Announcements: what staff tell many clients (rows N1-N4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Announcement(Base):
    """A message for the clients that `filter` named when it was written; `html` is already sanitised."""

    __tablename__ = "announcement"
    __table_args__ = (
        CheckConstraint(
            "service_class IN ('payment', 'suspension', 'maintenance', 'security')", name="service_class"
        ),
    )

    id: Mapped[Key]
    title: Mapped[str] = mapped_column(String(200))
    html: Mapped[str] = mapped_column(Text)
    service_class: Mapped[str] = mapped_column(String(20))
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    filter: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(120))
    withdrawn_at: Mapped[datetime | None]
    spread_to: Mapped[int | None]
    """Clients up to this id have their notice; None when all have. Many clients are told in several short writes."""

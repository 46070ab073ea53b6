"""Audits that were asked for on a page: how far each came, and what it found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class AuditRun(Base):
    """One audit in a process of its own. `found` is how many findings there were; `result` the first of them."""

    __tablename__ = "audit_run"

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    seen_at: Mapped[datetime]
    """When it last gave a sign of life."""
    done: Mapped[int] = mapped_column(default=0)
    """Rules that were gone through, of `rules`."""
    rules: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    found: Mapped[int | None]
    result: Mapped[list[Any] | None]
    error: Mapped[str] = mapped_column(Text, default="")

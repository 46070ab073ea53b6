"""The log of changes: who, when, from where, before and after (row X2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Change(Base):
    """One change. Append-only: triggers refuse UPDATE and DELETE. Secrets are never in it."""

    __tablename__ = "change"
    __table_args__ = (Index(None, "client_id", "id"), Index(None, "noun", "noun_id"))

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    actor_kind: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(45), default="")
    noun: Mapped[str] = mapped_column(String(40))
    noun_id: Mapped[int | None]
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    action: Mapped[str] = mapped_column(String(40))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]

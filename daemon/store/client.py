"""Clients: who they are (row R1)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Client(Base):
    """A subscriber. `search` is the normalised text that the search box looks in."""

    __tablename__ = "client"
    __table_args__ = (Index(None, "sort_name", "id"),)

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(200))
    sort_name: Mapped[str] = mapped_column(String(200), default="")
    """The name without accents and capitals: lists are in its order."""
    document_id: Mapped[str] = mapped_column(String(40), default="", index=True)
    email: Mapped[str] = mapped_column(String(300), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    mobile: Mapped[str] = mapped_column(String(20), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    zone_id: Mapped[int | None] = mapped_column(ForeignKey("zone.id"), index=True)
    portal_code: Mapped[str] = mapped_column(String(20), unique=True)
    since: Mapped[date]
    billing_from: Mapped[date]
    """First day that is billed; `since` may lie before it, when the client comes from another system."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")
    search: Mapped[str] = mapped_column(Text, default="")

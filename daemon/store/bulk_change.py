"""Billing settings put on many clients at once, kept so that one click takes them back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class BulkChange(Base):
    """One change of many clients: whom (`filter`), what (`wish`), and how far it is.

    Clients are taken in the order of their ids; `reached_id` is the last one done, `undo_reached_id` the last
    one taken back. `actor` is who asked, as an actor of the office is kept.
    """

    __tablename__ = "bulk_change"
    __table_args__ = (
        Index(
            "ix_bulk_change_open",
            "id",
            sqlite_where=text("done_at IS NULL OR (undo_at IS NOT NULL AND undone_at IS NULL)"),
            postgresql_where=text("done_at IS NULL OR (undo_at IS NOT NULL AND undone_at IS NULL)"),
        ),
    )

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[dict[str, Any]]
    filter: Mapped[dict[str, Any]]
    wish: Mapped[dict[str, Any]]
    total: Mapped[int]
    reached_id: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    undo_at: Mapped[datetime | None]
    undo_actor: Mapped[dict[str, Any] | None]
    undo_reached_id: Mapped[int] = mapped_column(default=0)
    undone: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    """Clients of whom something was left as it is at the undo, because it had been changed since."""
    undone_at: Mapped[datetime | None]


class BulkChangeClient(Base):
    """What a bulk change changed of one client: only what differs, by name."""

    __tablename__ = "bulk_change_client"
    __table_args__ = (
        UniqueConstraint("bulk_id", "client_id"),
        Index("ix_bulk_change_client_client", "client_id"),
    )

    id: Mapped[Key]
    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulk_change.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    outcome: Mapped[str] = mapped_column(String(10), default="changed")
    """changed; undone; partly (something was changed since and stays); kept (all of it was)."""

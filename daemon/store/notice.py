"""Notices on subscribers' screens, and who has seen them (rows F12, N1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Notice(Base):
    """One notice for one client: of an unpaid invoice, or of an announcement. Acknowledged means seen."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("kind IN ('payment', 'announcement')", name="kind"),
        CheckConstraint("(invoice_id IS NULL) <> (announcement_id IS NULL)", name="cause"),
        Index(
            "uq_notice_invoice",
            "client_id",
            "invoice_id",
            unique=True,
            sqlite_where=text("invoice_id IS NOT NULL"),
            postgresql_where=text("invoice_id IS NOT NULL"),
        ),
        Index(
            "uq_notice_announcement",
            "announcement_id",
            "client_id",
            unique=True,
            sqlite_where=text("announcement_id IS NOT NULL"),
            postgresql_where=text("announcement_id IS NOT NULL"),
        ),
        Index(
            "ix_notice_showing",
            "client_id",
            sqlite_where=text("off_at IS NULL AND acknowledged_at IS NULL"),
            postgresql_where=text("off_at IS NULL AND acknowledged_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    kind: Mapped[str] = mapped_column(String(20))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    announcement_id: Mapped[int | None] = mapped_column(ForeignKey("announcement.id"))
    why: Mapped[dict[str, Any]]
    on_at: Mapped[datetime]
    off_at: Mapped[datetime | None]
    until_at: Mapped[datetime | None]
    shown_count: Mapped[int] = mapped_column(default=0)
    first_shown_at: Mapped[datetime | None]
    last_shown_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]


class Sighting(Base):
    """Something the proxy or the portal reported of a notice: shown, acknowledged, passed, …"""

    __tablename__ = "sighting"
    __table_args__ = (Index("ix_sighting_notice_at", "notice_id", "at"),)

    id: Mapped[Key]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(45), default="")
    rung: Mapped[str] = mapped_column(String(40), default="")

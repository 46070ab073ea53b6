"""Products and other services of a client beside the internet: recurring, one-off, VoIP (rows S2-S4)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor

KINDS = ("recurring", "one_off", "voip")
CATEGORIES = ("equipment", "audio_video", "other")


class Item(Base):
    """Something that makes lines on a client's service invoices.

    `one_off`: billed once, on the first service invoice made on or after `starts_on`; `invoice_id` is that
    invoice, void or not. `recurring` and `voip` (a billing record: `number` is the telephone number, `name`
    the plan): a line on each invoice of a cycle that contains or follows `starts_on`, up to the cycle that
    contains `ends_on`.
    """

    __tablename__ = "item"
    __table_args__ = (
        CheckConstraint("kind IN ('recurring', 'one_off', 'voip')", name="kind"),
        CheckConstraint("category IN ('equipment', 'audio_video', 'other')", name="category"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("ends_on IS NULL OR (kind <> 'one_off' AND ends_on >= starts_on)", name="ends_on"),
        CheckConstraint("kind = 'one_off' OR invoice_id IS NULL", name="invoice"),
        Index(
            "ix_item_live",
            "client_id",
            sqlite_where=text("removed_at IS NULL AND invoice_id IS NULL"),
            postgresql_where=text("removed_at IS NULL AND invoice_id IS NULL"),
        ),
        Index(
            "ix_item_invoice",
            "invoice_id",
            sqlite_where=text("invoice_id IS NOT NULL"),
            postgresql_where=text("invoice_id IS NOT NULL"),
        ),
        Index("ix_item_client", "client_id", "id"),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    kind: Mapped[str] = mapped_column(String(10))
    category: Mapped[str] = mapped_column(String(15), default="other")
    name: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(20), default="")
    price: Mapped[Minor]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    created_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    removed_at: Mapped[datetime | None]

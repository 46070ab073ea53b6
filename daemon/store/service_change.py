"""Changes of an internet service that come into force on a later day (row S1)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor

_OPEN = text("done_at IS NULL AND cancelled_at IS NULL")


class ServiceChange(Base):
    """From the day `on_day` (local, 00:00) a service has another plan, and `price` as its own (None: the
    plan's). At most one of a service waits.
    """

    __tablename__ = "service_change"
    __table_args__ = (
        CheckConstraint("price IS NULL OR price >= 0", name="price"),
        Index(
            "uq_service_change_open",
            "service_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_service_change_open_day", "on_day", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[Key]
    service_id: Mapped[int] = mapped_column(ForeignKey("internet_service.id"))
    on_day: Mapped[date]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    price: Mapped[Minor | None]
    created_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    done_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

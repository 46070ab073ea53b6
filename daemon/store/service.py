"""Internet services of clients (row S1)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor

_LIVE = text("removed_at IS NULL")


class InternetService(Base):
    """One line to one house: router, plan, address.

    A live address belongs to one service in the whole ISP.
    """

    __tablename__ = "internet_service"
    __table_args__ = (
        CheckConstraint("access_mode IN ('static')", name="access_mode"),
        CheckConstraint("price IS NULL OR price >= 0", name="price"),
        Index(
            "uq_internet_service_live_address",
            "address",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
        Index(
            "uq_internet_service_live_ipv6",
            "ipv6",
            unique=True,
            sqlite_where=text("removed_at IS NULL AND ipv6 <> ''"),
            postgresql_where=text("removed_at IS NULL AND ipv6 <> ''"),
        ),
    )

    id: Mapped[Key]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), index=True)
    router_id: Mapped[int] = mapped_column(ForeignKey("router.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    access_mode: Mapped[str] = mapped_column(String(20), default="static")
    address: Mapped[str] = mapped_column(String(45))
    ipv6: Mapped[str] = mapped_column(String(49), default="")
    mac: Mapped[str] = mapped_column(String(17), default="")
    emitter: Mapped[str] = mapped_column(String(120), default="")
    installed_on: Mapped[date]
    price: Mapped[Minor | None]
    """Price override; None is the plan's price."""
    paused_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    cut_verified_at: Mapped[datetime | None]

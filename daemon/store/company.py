"""The company: one row of settings that hold for everyone, and how far the clocks have come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base


class Company(Base):
    """The provider itself (id 1). Hours are minutes after local midnight; `timezone` is an IANA name."""

    __tablename__ = "company"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    tax_id: Mapped[str] = mapped_column(String(40), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    how_to_pay: Mapped[str] = mapped_column(Text, default="")
    timezone: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3))
    country: Mapped[str] = mapped_column(String(2), default="", server_default="")
    """ISO 3166 code: whose tax id it has. "" for that of the time zone, "--" for none this program checks."""
    locale: Mapped[str] = mapped_column(String(8), default="es")
    invoice_hour: Mapped[int] = mapped_column(default=0)
    cut_hour: Mapped[int] = mapped_column(default=0)
    reminder_hour: Mapped[int] = mapped_column(default=9 * 60)
    tax_basis_points: Mapped[int] = mapped_column(default=0)
    promise_max_days: Mapped[int] = mapped_column(default=20)
    hold_cuts: Mapped[bool] = mapped_column(default=True)
    hold_totals: Mapped[bool] = mapped_column(default=True)
    bill_suspended: Mapped[bool] = mapped_column(default=True)
    portal_url: Mapped[str] = mapped_column(String(300), default="")
    settings_at: Mapped[datetime | None]
    """When a setting last changed that bears on every client: nothing is decided anew for the time before."""


class Clock(Base):
    """How far something has come: `billing` has run every minute before `reached_at`."""

    __tablename__ = "clock"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    reached_at: Mapped[datetime]

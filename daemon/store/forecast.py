"""The forecast of everybody, kept so that a page need not compute it: a cache, rebuilt from facts at any time.

`forecast_client` says for which facts a client's jobs were computed; `forecast_job` holds them;
`forecast_day` adds them up; `billed_day` adds up what was really billed. All of it may be emptied: the next
look fills it again.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Minor


class ForecastClient(Base):
    """Up to which day a client's jobs are known, and the facts they follow from."""

    __tablename__ = "forecast_client"

    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), primary_key=True, autoincrement=False)
    reached_at: Mapped[datetime]
    """`standing.reached_at` when they were computed: another one there means that something happened."""
    through: Mapped[date]
    epoch: Mapped[int]
    """Of `forecast_state`: a change that bears on everybody begins the next one."""


class ForecastJob(Base):
    """How much of one kind the engine will do for a client on a local day."""

    __tablename__ = "forecast_job"
    __table_args__ = (
        Index("ix_forecast_job_day_kind", "day", "kind", "client_id"),
        {"sqlite_with_rowid": False},
    )

    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int]
    amount: Mapped[Minor]


class ForecastDay(Base):
    """All clients' jobs of a kind on a local day, added up."""

    __tablename__ = "forecast_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int]
    clients: Mapped[int]
    amount: Mapped[Minor]


class BilledDay(Base):
    """The service invoices that the billing run really made on a local day."""

    __tablename__ = "billed_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]
    amount: Mapped[Minor]


class ForecastState(Base):
    """How far the computing has come (id 1)."""

    __tablename__ = "forecast_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(default=1)
    change_id: Mapped[int] = mapped_column(default=0)
    """The newest entry of the log of changes that was looked at."""
    invoice_id: Mapped[int] = mapped_column(default=0)
    """The newest invoice that is in `billed_day`."""
    total: Mapped[int] = mapped_column(default=0)
    """Clients of the pass that runs, or ran last …"""
    done: Mapped[int] = mapped_column(default=0)
    """… and how many of them are computed."""
    began_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    """When somebody last looked whether anything is to be computed."""
    whole_at: Mapped[datetime | None]
    """When everything was last known."""

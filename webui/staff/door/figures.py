"""Figures of the first page: who is active, what came in, what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office.payment import month_total
from daemon.store.suspension import Standing


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of clients; money in minor units; `days` the income of each of the last days, oldest first."""

    active: int
    suspended: int
    owing: int
    debt: int
    today: int
    month: int
    days: tuple[tuple[date, int], ...]


def figures(session: Session, now: datetime, zone: ZoneInfo, days: int = 30) -> Figures:
    """The figures at `now`; a month is the calendar month of the company's zone."""
    counted = session.execute(select(Standing.state, func.count()).group_by(Standing.state))
    states: dict[str, int] = {state: count for state, count in counted}  # noqa: C416 (rows are no pairs to mypy)
    owing, debt = session.execute(
        select(func.count(), func.coalesce(func.sum(Standing.debt), 0)).where(Standing.debt > 0)
    ).one()
    today = now.astimezone(zone).date()
    first = min(today - timedelta(days=days - 1), today.replace(day=1))
    by_day: dict[date, int] = {}
    for n in range((today - first).days + 1):
        # A day's sum stays in the database: at a large provider a month is a hundred thousand payments.
        day = first + timedelta(days=n)
        by_day[day] = month_total(
            session, None, _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        )
    shown = tuple((day, by_day[day]) for day in (today - timedelta(days=n) for n in reversed(range(days))))
    return Figures(
        active=states.get("active", 0),
        suspended=states.get("suspended", 0),
        owing=owing,
        debt=int(debt),
        today=by_day[today],
        month=sum(
            amount for day, amount in by_day.items() if (day.year, day.month) == (today.year, today.month)
        ),
        days=shown,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)

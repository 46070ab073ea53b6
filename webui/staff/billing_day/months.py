"""Months as calendars show them: whole weeks, the neighbours, and how far one can go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from daemon.office.forecast import AHEAD
from daemon.rules.calendar import clamped, month_after
from webui.common.show import locale

#: Months before this one that a calendar goes back.
BACK = 12


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its first and last day, its weeks (days of the neighbours are None), and where one can go on."""

    first: date
    last: date
    weeks: tuple[tuple[date | None, ...], ...]
    before: str | None
    after: str | None

    @property
    def name(self) -> str:
        """As an address names it: `2026-02`."""
        return f"{self.first:%Y-%m}"

    @property
    def days(self) -> tuple[date, ...]:
        """All its days."""
        return tuple(day for week in self.weeks for day in week if day is not None)


def month_asked(text: str | None, today: date) -> Month:
    """The month that an address names; this one for anything that is no month within reach."""
    first = _first(text, today)
    last = clamped(first.year, first.month, 31)
    start = first - timedelta(days=(first.weekday() - locale().first_week_day) % 7)
    weeks = []
    while start <= last:
        week = [start + timedelta(days=number) for number in range(7)]
        weeks.append(tuple(day if first <= day <= last else None for day in week))
        start += timedelta(days=7)
    before, after = _shifted(first, -1), _shifted(first, 1)
    return Month(
        first,
        last,
        tuple(weeks),
        f"{before:%Y-%m}" if before >= _shifted(today, -BACK) else None,
        f"{after:%Y-%m}" if after <= today + timedelta(days=AHEAD) else None,
    )


def _first(text: str | None, today: date) -> date:
    this = today.replace(day=1)
    if not text or len(text) != 7:
        return this
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return this
    return asked if _shifted(today, -BACK) <= asked <= today + timedelta(days=AHEAD) else this


def _shifted(day: date, months: int) -> date:
    return date(*month_after(day.year, day.month, months), 1)

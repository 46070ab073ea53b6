"""Billing cycles: from one due date to the day before the next (F1, F2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from daemon.rules.calendar import clamped, month_after

type Mode = Literal["prepaid", "postpaid"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Cycle:
    """A stretch of local days, both ends included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days + 1

    def days_from(self, day: date) -> int:
        """How many of its days are left, `day` included; all of them for an earlier day."""
        return (self.end - max(day, self.start)).days + 1


@lru_cache(maxsize=16_384)
def cycle_with(day: date, payment_day: int) -> Cycle:
    """The cycle that a day lies in, anchored at `payment_day` (1..31, clamped in short months)."""
    start = clamped(day.year, day.month, payment_day)
    if day < start:
        start = clamped(*month_after(day.year, day.month, -1), payment_day)
    return Cycle(start, clamped(*month_after(start.year, start.month), payment_day) - _DAY)


@lru_cache(maxsize=16_384)
def cycle_after(day: date, payment_day: int) -> Cycle:
    """The first cycle that begins after a day."""
    return cycle_with(cycle_with(day, payment_day).end + _DAY, payment_day)


def own_due_date(cycle: Cycle, mode: Mode) -> date:
    """When a cycle falls due: prepaid on its first day, postpaid on the day after its last (F1)."""
    return cycle.start if mode == "prepaid" else cycle.end + _DAY

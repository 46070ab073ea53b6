"""The time a page is about: a month, or from one day to another, as its address says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _

from daemon.office.register import month_days
from webui.common.show import today

EARLIEST = date(2000, 1, 1)
LATEST = date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included; None is without end. `wrong`: what could not be read of the address."""

    first: date | None
    last: date | None
    wrong: str = ""

    @property
    def month(self) -> date | None:
        """The first day of the month, when the period is one."""
        if self.first is None or (self.first, self.last) != month_days(self.first):
            return None
        return self.first


def month_or_days(asked: Mapping[str, str]) -> Period:
    """`from` and `to` where one is given, else `month` (`2026-02`, or `all`), else this month."""
    if asked.get("from") or asked.get("to"):
        return days(asked, None, None)
    text = asked.get("month", "")
    if text == "all":
        return Period(None, None)
    if not text:
        return Period(*month_days(today()))
    day = _day(f"{text}-01")
    if day is None:
        return Period(*month_days(today()), _("Write a month, such as 2026-02"))
    return Period(*month_days(day))


def days(asked: Mapping[str, str], first: date | None, last: date | None) -> Period:
    """`from` and `to`, with what they are when absent."""
    wrong = ""
    for name in ("from", "to"):
        text = asked.get(name, "")
        found = _day(text) if text else None
        if text and found is None:
            wrong = _("Write a date, such as 2026-02-28")
        elif name == "from":
            first = found or first
        else:
            last = found or last
    if first is not None and last is not None and last < first:
        return Period(last, first, wrong)
    return Period(first, last, wrong)


def month_away(day: date, months: int) -> date:
    """The first day of a month some months away."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return month_days(month)[1] + timedelta(days=1)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) == 10 and EARLIEST <= found <= LATEST else None

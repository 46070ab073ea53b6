"""Local days and hours of the company, and the instants they are (law 7).

Facts and events carry aware UTC instants; days of bills are the company's local dates. Zones come as
ZoneInfo.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def clamped(year: int, month: int, day: int) -> date:
    """Day `day` of a month, or its last day when the month is shorter (F2: 31 Jan, 28 Feb, 31 Mar)."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def month_after(year: int, month: int, months: int = 1) -> tuple[int, int]:
    """(year, month) some months later, or earlier for a negative number."""
    count = year * 12 + (month - 1) + months
    return count // 12, count % 12 + 1


@lru_cache(maxsize=8192)
def instant(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """The UTC instant of a local day and minute of the day (0..1439).

    A local time that does not exist is the first minute that does; one that happens twice is its first.
    """
    local = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # The clock jumped over it: the offsets before and after the jump bracket the jump itself.
    early = local.replace(fold=1).astimezone(UTC)
    offset = early.astimezone(zone).utcoffset()
    low, high = 0, int((moment - early) / _MINUTE)
    while high - low > 1:
        middle = (low + high) // 2
        if (early + middle * _MINUTE).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return early + high * _MINUTE


def hour_at_or_after(zone: ZoneInfo, minutes: int, moment: datetime) -> datetime:
    """The first instant at or after `moment` at which the local clock shows the minute of the day
    `minutes`.
    """
    day = local_date(zone, moment)
    found = instant(zone, day, minutes)
    return found if found >= moment else instant(zone, day + _DAY, minutes)


@lru_cache(maxsize=8192)
def local_date(zone: ZoneInfo, moment: datetime) -> date:
    """The company's date at an instant."""
    return moment.astimezone(zone).date()


@lru_cache(maxsize=8192)
def whole_minute(moment: datetime) -> datetime:
    """The minute an instant lies in, in UTC: all facts of one minute happen together."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


@lru_cache(maxsize=8192)
def local_text(zone: ZoneInfo, moment: datetime) -> str:
    """An instant as the company's clock shows it: `2026-02-06 00:00`."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")

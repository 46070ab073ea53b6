"""Local days, hours and cycles: clamped and back, and no hour skipped or doubled by a clock change (law 7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.rules.calendar import clamped, hour_at_or_after, instant, local_date, month_after
from daemon.rules.cycle import cycle_after, cycle_with, own_due_date
from tests.rules.accounts import LIMA, local

SANTIAGO = ZoneInfo("America/Santiago")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = st.sampled_from(
    [LIMA, SANTIAGO, NEW_YORK, ZoneInfo("America/Asuncion"), ZoneInfo("Australia/Lord_Howe")]
)
days = st.dates(date(2000, 1, 1), date(2060, 12, 31))
payment_days = st.integers(1, 31)


def test_the_31st_clamps_and_comes_back() -> None:
    starts = []
    cycle = cycle_with(date(2026, 1, 31), 31)
    for _ in range(4):
        starts.append(cycle.start)
        cycle = cycle_after(cycle.start, 31)
    assert starts == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert clamped(2028, 2, 30) == date(2028, 2, 29)
    assert month_after(2026, 12) == (2027, 1)


@given(days, payment_days)
def test_each_day_lies_in_exactly_one_cycle_and_cycles_join(day: date, payment_day: int) -> None:
    cycle = cycle_with(day, payment_day)
    assert cycle.start <= day <= cycle.end
    assert 28 <= cycle.days <= 31
    after = cycle_after(day, payment_day)
    assert after.start == cycle.end + timedelta(days=1)
    assert cycle_with(after.start, payment_day) == after
    assert cycle_with(cycle.start, payment_day) == cycle == cycle_with(cycle.end, payment_day)


@given(days, payment_days)
def test_prepaid_is_due_on_the_first_day_and_postpaid_after_the_last(day: date, payment_day: int) -> None:
    cycle = cycle_with(day, payment_day)
    assert own_due_date(cycle, "prepaid") == cycle.start
    assert own_due_date(cycle, "postpaid") == cycle.end + timedelta(days=1)
    if payment_day == 1:
        assert (cycle.start.day, (cycle.end + timedelta(days=1)).day) == (1, 1)


@given(ZONES, days, st.integers(0, 1439))
def test_each_local_day_has_each_hour_once(zone: ZoneInfo, day: date, minutes: int) -> None:
    moment = instant(zone, day, minutes)
    shown = moment.astimezone(zone)
    wanted = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    assert shown.replace(tzinfo=None) >= wanted
    if shown.replace(tzinfo=None) == wanted:
        earlier = (moment - timedelta(hours=1)).astimezone(zone).replace(tzinfo=None)
        assert earlier != wanted  # the first of two
    else:
        before = (moment - timedelta(minutes=1)).astimezone(zone)
        assert before.utcoffset() != shown.utcoffset()  # the first minute that exists
        assert before.replace(tzinfo=None) < wanted


@given(ZONES, days, st.integers(0, 1439), st.integers(0, 3 * 1440))
def test_the_next_hour_is_the_first_from_then_on(zone: ZoneInfo, day: date, minutes: int, later: int) -> None:
    moment = instant(zone, day, 0) + timedelta(minutes=later)
    found = hour_at_or_after(zone, minutes, moment)
    assert found >= moment
    today = local_date(zone, moment)
    assert found in (instant(zone, today, minutes), instant(zone, today + timedelta(days=1), minutes))


def test_a_midnight_that_does_not_exist_is_one_o_clock() -> None:
    assert instant(SANTIAGO, date(2026, 9, 6), 0) == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert instant(SANTIAGO, date(2026, 9, 6), 30) == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert instant(NEW_YORK, date(2026, 3, 8), 150) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_an_hour_that_happens_twice_is_its_first() -> None:
    assert instant(NEW_YORK, date(2026, 11, 1), 90) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "left"), [("2026-02-10", 19), ("2026-02-01", 28), ("2026-01-05", 28)])
def test_days_left_of_a_cycle_count_the_first_one(day: str, left: int) -> None:
    assert cycle_with(date(2026, 2, 15), 1).days_from(date.fromisoformat(day)) == left
    assert local("2026-02-10 00:00") == datetime(2026, 2, 10, 5, tzinfo=UTC)

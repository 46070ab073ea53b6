"""Laws 1, 2 and 3 in the store: random facts, random wake-ups, and death between any two statements."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import balance, billing, hold, invoice, payment, promise, standing, suspension
from daemon.rules.calendar import local_date
from daemon.store.change import Change
from daemon.store.invoice import Invoice
from daemon.store.payment import Payment
from tests.laws.conftest import Fresh
from tests.laws.mortal import BEGIN, ROSA, MortalStore, Provider

DAYS = 75
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Fact:
    """Something a person does, some minutes after the beginning; `value` says how much, or which."""

    minute: int
    client: int
    kind: str
    value: int
    deaths: tuple[int, ...]


policies = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["prepaid", "postpaid"]),
        "payment_day": st.sampled_from([1, 5, 15, 31]),
        "create_days_before": st.integers(0, 8),
        "tax": st.sampled_from(["included", "added", "none"]),
        "grace_days": st.integers(0, 6),
        "cut_after_months": st.integers(0, 2),
        "late_fee": st.sampled_from(["0", "5.00", "10%"]),
        "reconnection_fee": st.sampled_from(["0", "10.00"]),
        "screen_notice_days": st.sampled_from([None, 0, 3]),
        "first_cycle": st.sampled_from(["full", "prorated", "none"]),
        "reminders": st.sampled_from([None, [{"days": -1, "by": ["sms"]}, {"days": 2, "by": ["email"]}]]),
    }
)
houses = st.fixed_dictionaries(
    {
        "invoice_hour": st.sampled_from([0, 6 * 60]),
        "cut_hour": st.sampled_from([0, 2 * 60, 6 * 60]),
        "tax_basis_points": st.just(1800),
        "hold_cuts": st.booleans(),
        "bill_suspended": st.booleans(),
    }
)
# Many facts fall on the very minute of a job, where order matters most.
minutes = st.one_of(
    st.integers(0, DAYS * 1440),
    st.builds(lambda day, at: day * 1440 + at, st.integers(0, DAYS - 1), st.sampled_from([0, 120, 360, 361])),
)
deaths = st.lists(st.integers(0, 60), max_size=2).map(tuple)
KINDS = ["pay", "pay", "pay", "delete", "promise", "suspend", "activate", "credit", "debit", "void", "grace",
         "fixed", "day"]  # fmt: skip
facts = st.lists(
    st.builds(Fact, minutes, st.integers(0, 2), st.sampled_from(KINDS), st.integers(1, 15_000), deaths),
    max_size=10,
).map(lambda found: sorted(found, key=lambda fact: fact.minute))
wakes = st.lists(
    st.tuples(st.integers(0, DAYS * 1440), st.lists(st.integers(0, 120), max_size=3)), max_size=8
)


def _deed(
    house: Provider, number: int, fact: Fact
) -> tuple[Callable[[Session], bool], Callable[[Session], Any]]:
    """How to see that a fact is done already, and how to do it."""
    at = BEGIN + timedelta(minutes=fact.minute)
    key = house.clients[fact.client]
    marks: dict[str, int] = {}

    def fresh(_session: Session) -> bool:
        """By the log of changes: whatever was logged after the first try began is this very deed."""
        newest = _session.scalar(select(Change.id).order_by(Change.id.desc()).limit(1)) or 0
        return newest != marks.setdefault("before", newest)

    def deed(session: Session) -> Any:
        match fact.kind:
            case "pay":
                words = {"amount": fact.value, "method_id": house.cash, "reference": f"R-{number}"}
                return payment.register_payment(session, ROSA, at, key, **words)
            case "delete":
                found = session.scalars(
                    select(Payment.id)
                    .where(Payment.client_id == key, Payment.deleted_at.is_(None))
                    .order_by(Payment.id)
                ).all()
                return (
                    payment.delete_payment(session, ROSA, at, found[fact.value % len(found)], "x")
                    if found
                    else None
                )
            case "promise":
                until = local_date_of(at) + timedelta(days=fact.value % 15)
                return promise.make_promise(session, ROSA, at, key, until)
            case "suspend":
                return suspension.suspend(session, ROSA, at, key, "x")
            case "activate":
                return suspension.activate(session, ROSA, at, key, "x")
            case "credit" | "debit":
                return balance.add_balance(
                    session, ROSA, at, key, side=fact.kind, amount=fact.value, reason="x"
                )
            case "void":
                standing.apply(
                    session, "system", at, key, payment.no_deed
                )  # the clock may not have come so far
                rows = session.scalars(
                    select(Invoice.id)
                    .where(Invoice.client_id == key, Invoice.created_at < at, Invoice.voided_at.is_(None))
                    .order_by(Invoice.created_at, Invoice.cycle_start)
                ).all()
                return invoice.void_invoice(session, ROSA, at, rows[0], "x") if rows else None
            case "grace":
                return billing.edit_billing(session, ROSA, at, key, grace_days=fact.value % 7)
            case "fixed":
                return billing.fix_date(
                    session, ROSA, at, key, local_date_of(at) + timedelta(days=fact.value % 50)
                )
            case _:
                return billing.edit_billing(session, ROSA, at, key, payment_day=fact.value % 31 + 1)

    return fresh, deed


def local_date_of(at: datetime) -> Any:
    """The day in Lima."""
    from zoneinfo import ZoneInfo

    return local_date(ZoneInfo("America/Lima"), at)


def live(
    url: str,
    rules: dict[str, Any],
    some: list[dict[str, Any]],
    happened: list[Fact],
    woken: list[Any],
    *,
    mortal: bool,
) -> Provider:
    """A life of DAYS days: facts, wake-ups and deaths; without deaths the clock wakes at the end alone."""
    house = Provider(MortalStore(url), some, rules)
    calls: list[tuple[int, int, Any]] = [(fact.minute, 1, number) for number, fact in enumerate(happened)]
    if mortal:
        calls += [(minute, 0, each) for minute, each in woken]
    for minute, kind, what in sorted(calls, key=lambda call: call[:2]):
        if kind == 0:
            house.run(BEGIN + timedelta(minutes=minute), what)
        else:
            fact = happened[what]
            house.do(list(fact.deaths) if mortal else [], *_deed(house, what, fact))
    house.run(BEGIN + timedelta(days=DAYS), [])
    return house


def _holds(
    fresh: Fresh, rules: dict[str, Any], some: list[dict[str, Any]], happened: list[Fact], woken: list[Any]
) -> None:
    killed = live(fresh(), rules, some, happened, woken, mortal=True)
    whole = live(fresh(), rules, some, happened, [], mortal=False)
    try:
        assert killed.refused == whole.refused
        for mine, theirs in zip(killed.journal(), whole.journal(), strict=True):
            assert mine == theirs
        killed.is_sound()
    finally:
        killed.store.dispose()
        whole.store.dispose()


@pytest.fixture(autouse=True)
def two_cuts_are_a_surprise(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small providers have cuts held too (law 6)."""
    monkeypatch.setattr(hold, "SURPRISING_COUNT", 1)


QUICK = settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
LONG = settings(
    max_examples=int(os.environ.get("PREGONERO_LIVES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LIFE = (houses, st.lists(policies, min_size=3, max_size=3), facts, wakes)


@QUICK
@given(*LIFE)
def test_killed_anywhere_and_woken_at_any_time_the_result_is_the_same(
    fresh: Fresh, rules: dict[str, Any], some: list[dict[str, Any]], happened: list[Fact], woken: list[Any]
) -> None:
    _holds(fresh, rules, some, happened, woken)


@pytest.mark.soak
@LONG
@given(*LIFE)
def test_over_many_lives_the_result_is_the_same(
    fresh: Fresh, rules: dict[str, Any], some: list[dict[str, Any]], happened: list[Fact], woken: list[Any]
) -> None:
    _holds(fresh, rules, some, happened, woken)

"""What is forecast is what the billing run then does, when nothing else happens (R2, F10, F14)."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from daemon.office import (
    billing,
    company,
    forecast,
    method,
    payment,
    plan,
    router,
    suspension,
)
from daemon.office.actor import command
from daemon.office.run import run_clock
from daemon.office.summary import client_summary
from daemon.rules.calendar import local_date
from daemon.rules.refusal import Refusal
from daemon.store.client import Client
from daemon.store.engine import Store, sqlite_url
from daemon.store.forecast import ForecastClient, ForecastDay, ForecastJob
from daemon.store.seal import new_keys
from tests.forecast.conftest import by_day, watching
from tests.fresh import fresh
from tests.office.conftest import LIMA, Town, lima

START = date(2026, 1, 5)
HISTORY = 70
"""Days that a client has lived through before anybody looks ahead."""
_KEYS = new_keys()

policies = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["prepaid", "postpaid"]),
        "payment_day": st.sampled_from([1, 5, 15, 28, 31]),
        "create_days_before": st.integers(0, 10),
        "tax": st.sampled_from(["included", "added", "none"]),
        "grace_days": st.integers(0, 10),
        "cut_after_months": st.integers(0, 3),
        "late_fee": st.sampled_from(["0", "5.00", "5%"]),
        "reconnection_fee": st.sampled_from(["0", "10.00"]),
        "screen_notice_days": st.sampled_from([-1, 0, 3]),
        "first_cycle": st.sampled_from(["full", "prorated", "none"]),
        "reminders": st.sampled_from(
            [[], [{"days": -1, "by": ["email"]}, {"days": 2, "by": ["sms", "email"]}]]
        ),
    }
)


@dataclass(frozen=True)
class Life:
    """A client: settings, the day they came, and what happened to them on which day of HISTORY."""

    policy: dict[str, Any]
    since: int
    facts: list[tuple[int, str, int]] = field(default_factory=list)


lives = st.builds(
    Life,
    policies,
    st.integers(0, 60),
    st.lists(
        st.tuples(
            st.integers(0, HISTORY),
            st.sampled_from(["pay", "pay", "pay", "suspend", "activate", "fix"]),
            st.integers(1, 16_000),
        ),
        max_size=4,
    ),
)
hours = st.sampled_from([0, 30, 360, 1439])
steps = st.lists(st.integers(1, 20 * 24), min_size=3, max_size=8)


def provider(path: Path, invoice_hour: int, cut_hour: int) -> Town:
    """A provider without clients, whose cuts nobody holds."""
    url = sqlite_url(path)
    fresh(url)
    store = Store(url)
    now = lima("2026-01-01 00:00")
    with store.write() as session:
        company.set_up_company(
            session, command(), now, name="Fibra del Valle", timezone="America/Lima", currency_code="PEN",
            invoice_hour=invoice_hour, cut_hour=cut_hour, tax_basis_points=1800, hold_cuts=False,
        )  # fmt: skip
        made = plan.add_plan(
            session, command(), now, name="Plan 10M", download_kbps=10_000, upload_kbps=5_000, price="50.00"
        )
        edge = router.add_router(
            session, command(), now, name="Torre", host="192.0.2.1", user="pregonero", password="secreto de torre",
            public_key=_KEYS[1], client_interfaces=["bridge1"], networks=["10.10.0.0/16"], box_address="10.99.0.2",
            box_interface="ether3",
        )  # fmt: skip
        return Town(store, made, edge, method.add_method(session, command(), now, name="Efectivo"), *_KEYS)


def happens(town: Town, client_id: int, day: date, kind: str, value: int) -> None:
    """A fact at noon of a day; one that cannot be is no fact."""
    at = f"{day} 12:00"
    try:
        if kind == "pay":
            town.do(at, payment.register_payment, client_id, amount=value, method_id=town.cash)
        elif kind == "suspend":
            town.do(at, suspension.suspend, client_id, "una prueba")
        elif kind == "activate":
            town.do(at, suspension.activate, client_id, "una prueba")
        else:
            town.do(at, billing.fix_date, client_id, day + timedelta(days=value % 40))
    except Refusal:
        return


def lived(path: Path, people: list[Life], invoice_hour: int, cut_hour: int) -> Town:
    """A provider whose clients have lived through HISTORY."""
    town = provider(path, invoice_hour, cut_hour)
    facts: list[tuple[date, int, str, int]] = []
    came = []
    for number, life in enumerate(people):
        day = START + timedelta(days=life.since)
        came.append((day, number, life))
        facts += [
            (START + timedelta(days=offset), number, kind, value)
            for offset, kind, value in life.facts
            if offset > life.since
        ]
    ids: dict[int, int] = {}
    calls: list[tuple[date, int, Any]] = [(day, 0, (number, life)) for day, number, life in came]
    calls += [(day, 1, (number, kind, value)) for day, number, kind, value in facts]
    # A clock that jumps further than 35 days is held (law 6): somebody looks now and then.
    looks: list[tuple[date, int, Any]] = [
        (START + timedelta(days=offset), -1, None) for offset in (0, 20, 40, 60)
    ]
    for day, order, what in sorted([*looks, *calls], key=lambda call: call[:2]):
        town.run(f"{day} 09:00")
        if order < 0:
            continue
        if order == 0:
            number, life = what
            ids[number] = town.client(
                f"{day} 10:00", f"Cliente {number}", f"10.10.0.{number + 10}", **life.policy
            )
        else:
            happens(town, ids[what[0]], day, *what[1:])
    return town


def agrees(path: Path, people: list[Life], invoice_hour: int, cut_hour: int, wakes: list[int]) -> None:
    """Look ahead, let the days come, compare."""
    town = lived(path, people, invoice_hour, cut_hour)
    today = START + timedelta(days=HISTORY)
    now = lima(f"{today} 12:34")
    town.run(f"{today} 12:34")
    until = now + timedelta(days=forecast.AHEAD)
    with town.store.read() as session:
        ids = list(session.scalars(select(Client.id)))
        foretold = [
            (one, job.at, job.kind, job.amount, str(job.reason))
            for one in ids
            for job in client_summary(session, now, one).jobs
        ]
    forecast.refresh(town.store, now, chunk=2)
    with town.store.read() as session:
        sums = Counter({(row.day, row.kind): row.count for row in session.scalars(select(ForecastDay))})
    with watching() as happened:
        at = now
        for hours_later in wakes:
            at = min(at + timedelta(hours=hours_later), until)
            run_clock(town.store, at)
        run_clock(town.store, min(at + timedelta(days=30), until))
        run_clock(town.store, until)
    assert sorted(happened) == sorted(foretold)
    last = local_date(LIMA, until) - timedelta(days=1)
    came = by_day(LIMA, happened, forecast.KEPT)
    assert {key: many for key, many in sums.items() if key[0] <= last} == {
        key: many for key, many in came.items() if key[0] <= last
    }
    # What has come is no longer ahead: the sums are those of a forecast made now from nothing.
    forecast.refresh(town.store, until, chunk=3)
    with town.store.read() as session:
        kept = summed(session)
    with town.store.write() as session:
        for table in (ForecastDay, ForecastJob):
            session.query(table).delete()
        session.query(ForecastClient).delete()
    forecast.refresh(town.store, until)
    with town.store.read() as session:
        assert {key: sum_ for key, sum_ in summed(session).items() if key[0] <= local_date(LIMA, until)} == {
            key: sum_ for key, sum_ in kept.items() if key[0] <= local_date(LIMA, until)
        }
        assert min((key[0] for key in kept), default=today) >= local_date(LIMA, until) - timedelta(days=1)
    town.store.dispose()


def summed(session: Any) -> dict[tuple[date, str], tuple[int, int, int]]:
    """The sums of all days."""
    return {
        (row.day, row.kind): (row.count, row.clients, row.amount)
        for row in session.scalars(select(ForecastDay))
    }


# Each example is a provider of its own: shrinking would take minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(st.lists(lives, min_size=1, max_size=4), hours, hours, steps)
@settings(max_examples=8, deadline=None, suppress_health_check=QUIET, phases=PHASES)
def test_what_is_forecast_is_what_the_run_does(
    people: list[Life], invoice_hour: int, cut_hour: int, wakes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agrees(Path(folder) / "store.db", people, invoice_hour, cut_hour, wakes)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@given(st.lists(lives, min_size=1, max_size=6), hours, hours, steps)
@settings(max_examples=250, deadline=None, suppress_health_check=QUIET, phases=PHASES)
def test_what_is_forecast_is_what_the_run_does_on_many_lives(
    people: list[Life], invoice_hour: int, cut_hour: int, wakes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agrees(Path(folder) / "store.db", people, invoice_hour, cut_hour, wakes)

"""The forecast, the billing day, calendars and reasons on PostgreSQL: the same answers from the other store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from daemon.office import agenda, explain, forecast, preview
from daemon.office.seed import seed
from daemon.office.summary import client_summary
from daemon.rules.calendar import local_date
from daemon.store.client import Client
from daemon.store.engine import Store
from daemon.store.ledger import Ledger
from daemon.store.seal import new_keys
from tests.laws.conftest import Fresh, on_postgres, postgres_server
from tests.office.conftest import LIMA, lima

__all__ = ["on_postgres", "postgres_server"]

pytestmark = pytest.mark.postgres

NOW = lima("2026-03-14 15:30")


@pytest.fixture(scope="module")
def store(on_postgres: Fresh) -> Iterator[Store]:
    made = Store(on_postgres())
    seed(made, clients=60, seed=7, now=NOW, admin_password="correct horse", seal_public=new_keys()[1])
    forecast.refresh(made, NOW, chunk=7)
    yield made
    made.dispose()


def test_the_kept_sums_are_those_of_every_client(store: Store) -> None:
    today = local_date(LIMA, NOW)
    last = today + timedelta(days=forecast.AHEAD - 1)
    with store.read() as session:
        jobs = Counter(
            (job.day, job.kind)
            for client_id in session.scalars(select(Client.id))
            for job in client_summary(session, NOW, client_id).jobs
            if job.kind in forecast.KEPT and job.day <= last
        )
        days = preview.month_days(session, today, last)
    assert jobs
    assert {(day, kind): one.count for day, sums in days.items() for kind, one in sums.items()} == jobs
    assert forecast.refresh(store, NOW).waiting == 0


def test_days_calendars_and_reasons_answer(store: Store) -> None:
    today = local_date(LIMA, NOW)
    with store.read() as session:
        for number in range(forecast.AHEAD):
            found = preview.billing_day(session, NOW, today + timedelta(days=number))
            for kind, sums in found.sums.items():
                rows, _ = preview.day_clients(session, NOW, found.day, kind, limit=200)
                assert len(rows) == sums.clients
                assert all(row.jobs for row in rows)
        assert preview.progress(session, NOW).known
        for client_id in session.scalars(select(Client.id).limit(20)):
            first = today.replace(day=1)
            assert agenda.client_agenda(session, NOW, client_id, first, today, {"grace_days": 3}).stretches
            entries, after = explain.statement(session, client_id, limit=2)
            while after is not None:
                more, after = explain.statement(session, client_id, after, 2)
                entries += more
            assert sum(entry.amount for entry in entries) == (entries[0].after if entries else 0)
        for entry_id in session.scalars(select(Ledger.id).limit(100)):
            assert str(explain.explain_entry(session, entry_id).why)

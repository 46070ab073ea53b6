"""A made-up provider is whole: its standings are what the rules derive, its balances what the ledger adds
up to.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from daemon.office.client import find_clients
from daemon.office.login import login
from daemon.office.notice import showable
from daemon.office.run import run_clock
from daemon.office.seed import AlreadySeeded, seed
from daemon.office.standing import rebuild_standing
from daemon.store.client import Client
from daemon.store.engine import Store, sqlite_url
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.router import Router
from daemon.store.seal import new_keys
from daemon.store.service import InternetService
from daemon.store.suspension import Standing
from tests.fresh import fresh
from tests.office.conftest import lima

pytestmark = pytest.mark.long

NOW = lima("2026-03-14 15:30")


def provider(folder: Path, clients: int, number: int = 1, now: datetime = NOW, **words: str) -> Store:
    """A fresh store with a made-up provider."""
    url = sqlite_url(folder / f"{clients}-{number}.db")
    fresh(url)
    store = Store(url)
    seed(
        store,
        clients=clients,
        seed=number,
        now=now,
        admin_password="practica-2026",
        seal_public=new_keys()[1],
        **words,
    )
    return store


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return provider(tmp_path_factory.mktemp("seed"), 300)


def test_the_mix_is_that_of_a_real_provider(town: Store) -> None:
    with town.read() as session:
        states = {
            row.state: row.many
            for row in session.execute(
                select(Standing.state, func.count().label("many")).group_by(Standing.state)
            )
        }
        owing = session.scalar(select(func.count()).where(Standing.state == "active", Standing.debt > 0))
        shown = session.scalar(select(func.count()).where(Notice.kind == "payment", Notice.off_at.is_(None)))
        announced = session.scalar(select(func.count()).where(Notice.kind == "announcement"))
        seen = len(showable(session, NOW))
    assert states == {"active": 300 - 36 - 6 - 8, "suspended": 36 + 6, "retired": 8}
    assert owing == shown == 60
    assert 10 < (announced or 0) < 60
    assert 60 < seen < 120


@pytest.mark.parametrize(
    "at", ["2026-01-01 00:00", "2026-02-28 23:59", "2026-03-14 15:30", "2026-03-31 06:00", "2026-12-31 12:00"]
)
def test_on_any_day_the_standings_are_what_the_rules_derive(tmp_path: Path, at: str) -> None:
    store = provider(tmp_path, 120, 7, lima(at))
    with store.write() as session:
        assert rebuild_standing(session, session.scalars(select(Client.id)).all()) == 0
    with store.read() as session:
        owing = session.scalar(select(func.count()).where(Standing.state == "active", Standing.debt > 0))
    assert owing == 24
    assert run_clock(store, lima(at)).clients == 0
    store.dispose()


def test_every_balance_is_the_sum_of_the_ledger(town: Store) -> None:
    with town.read() as session:
        sums: dict[int, int] = {
            client_id: int(amount)
            for client_id, amount in session.execute(
                select(Ledger.client_id, func.sum(Ledger.amount)).group_by(Ledger.client_id)
            )
        }
        for row in session.scalars(select(Standing)):
            assert row.debt + row.debit - row.credit == sums.get(row.client_id, 0)
        assert rebuild_standing(session, session.scalars(select(Client.id)).all()) == 0


def test_the_same_number_makes_the_same_people(tmp_path: Path) -> None:
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        store = provider(tmp_path / folder, 50, 3)
        with store.read() as session:
            found.append(session.execute(select(Client.name, Client.search, Standing.debt, Standing.state).join(
                Standing, Standing.client_id == Client.id).order_by(Client.id)).all())  # fmt: skip
        store.dispose()
    assert found[0] == found[1]


def test_a_large_provider_has_more_routers(tmp_path: Path) -> None:
    store = provider(tmp_path, 300, network="10.10.0.0/25")
    with store.read() as session:
        homes = {row.name: row.networks for row in session.scalars(select(Router))}
        counts = session.scalars(
            select(func.count(InternetService.id))
            .group_by(InternetService.router_id)
            .order_by(InternetService.router_id)
        ).all()
    assert homes == {
        "Torre Norte": ["10.10.0.0/25"],
        "Torre Sur": ["10.10.0.128/25"],
        "Torre Este": ["10.10.1.0/25"],
    }
    assert counts == [117, 117, 66]
    store.dispose()


def test_a_provider_is_not_made_over_another(town: Store) -> None:
    with pytest.raises(AlreadySeeded, match="already holds"):
        seed(town, clients=1, seed=1, now=NOW, admin_password="practica-2026", seal_public=new_keys()[1])


def test_staff_can_log_in_and_find_people(town: Store) -> None:
    assert isinstance(login(town, NOW, user="admin", password="practica-2026", address="127.0.0.1"), str)
    with town.read() as session:
        first = session.scalars(select(Client).order_by(Client.id)).first()
        assert first is not None
        assert any(row.id == first.id for row in find_clients(session, first.name).rows)

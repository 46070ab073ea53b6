"""What SQLite holds, PostgreSQL holds too: migrations, history that nobody edits, search, the worked scenarios."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from daemon.office import client
from daemon.office.seed import seed
from daemon.store.client import Client
from daemon.store.engine import AsyncStore, Store
from daemon.store.ledger import Ledger
from daemon.store.migrate import head, revision_of, upgrade
from daemon.store.seal import new_keys
from daemon.store.suspension import Suspension
from daemon.store.tables import Base
from tests.laws.conftest import Fresh
from tests.scenarios.book import Story
from tests.scenarios.test_book import BOOK

NOW = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)


def provider(url: str, clients: int = 40) -> Store:
    store = Store(url)
    seed(store, clients=clients, seed=3, now=NOW, admin_password="una clave larga", seal_public=new_keys()[1])
    return store


def test_an_empty_database_gets_every_table_and_keeps_them(fresh: Fresh) -> None:
    url = fresh()
    assert revision_of(url) == head() == upgrade(url)
    store = Store(url)
    with store.read() as session:
        found = set(inspect(session.connection()).get_table_names())
    assert set(Base.metadata.tables) <= found
    store.dispose()


def test_history_is_never_edited_nor_deleted(fresh: Fresh) -> None:
    store = provider(fresh())
    for model in (Ledger, Suspension):
        with pytest.raises(DBAPIError, match="append-only"), store.write() as session:
            session.execute(update(model).values(actor="somebody else"))
        with pytest.raises(DBAPIError, match="append-only"), store.write() as session:
            session.execute(delete(model))
    store.dispose()


def test_a_search_finds_the_beginnings_of_words_without_accents(fresh: Fresh) -> None:
    store = provider(fresh())
    with store.write() as session:
        some = session.scalars(select(Client).order_by(Client.id)).first()
        assert some is not None
        some.name = "Ñusta Xibáñez"
        session.flush()
        client.refresh_search(session, some.id)
    with store.read() as session:
        for words in ("nusta", "XIBÁÑ", "xiban nus", some.portal_code):
            assert [row.id for row in client.find_clients(session, words).rows] == [some.id]
        assert client.find_clients(session, "usta").rows == []
    store.dispose()


def test_a_reader_has_one_snapshot_while_others_write(fresh: Fresh) -> None:
    store = provider(fresh())
    with store.read() as session:
        before = session.scalar(select(Client.name).order_by(Client.id).limit(1))
        with store.write() as other:
            other.execute(update(Client).values(name="otra"))
        assert session.scalar(select(Client.name).order_by(Client.id).limit(1)) == before
    store.dispose()


async def _names(url: str) -> list[str]:
    store = AsyncStore(url)
    try:
        return await store.write(lambda session: list(session.scalars(select(Client.name).limit(3))))
    finally:
        await store.dispose()


def test_the_reactor_s_way_in_works_too(fresh: Fresh) -> None:
    url = fresh()
    provider(url).dispose()
    assert len(asyncio.run(_names(url))) == 3


def _write_half(store: Store) -> None:
    with store.write() as session:
        session.execute(text("UPDATE client SET name = 'half'"))
        raise RuntimeError("died")


def test_what_is_written_half_way_is_not_there(fresh: Fresh) -> None:
    store = provider(fresh())
    with pytest.raises(RuntimeError):
        _write_half(store)
    with store.read() as session:
        assert session.scalars(select(Client).where(Client.name == "half")).first() is None
    store.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("story", BOOK[::3], ids=[f"{one.page}: {one.title}" for one in BOOK[::3]])
def test_the_worked_scenarios_come_out_the_same_on_postgres(story: Story, on_postgres: Fresh) -> None:
    assert story.journal("once", on_postgres()) == story.expected

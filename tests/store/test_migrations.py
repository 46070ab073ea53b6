"""Migrations: a migrated database is what the models say, and a newer one is not touched."""

from __future__ import annotations

import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from daemon.store.engine import Store, sqlite_url
from daemon.store.migrate import StoreError, head, revision_of, upgrade
from daemon.store.tables import Base


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """The tables that SQLite makes for the index of words are its own."""
    return kind != "table" or name is None or not name.startswith("client_search")


def test_a_migrated_database_is_what_the_models_say(store: Store) -> None:
    with store.read() as session, warnings.catch_warnings():
        # The one index on an expression cannot be reflected on SQLite; it is looked for by name below.
        warnings.filterwarnings("ignore", message=".*expression-based index.*")
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "include_name": ours}
        )
        differences = compare_metadata(context, Base.metadata)
        made = {
            row[0] for row in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'index'"))
        }
        checks = " ".join(row[0] or "" for row in session.execute(text("SELECT sql FROM sqlite_master")))
    assert differences == []
    assert "uq_billing_company" in made
    wanted = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if str(constraint.name).startswith("ck_")
    }
    assert wanted
    assert {name for name in wanted if name not in checks} == set()


def test_an_upgrade_twice_is_an_upgrade_once(url: str) -> None:
    assert upgrade(url) == head()
    assert revision_of(url) == head()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(url: str, store: Store) -> None:
    with store.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        upgrade(url)
    assert revision_of(url) == "9999"


def test_processes_that_start_together_on_an_empty_file_all_find_it_whole(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "new.db")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(upgrade, [url] * 4)) == [head()] * 4

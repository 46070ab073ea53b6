"""Migrations, run inside the process: no configuration file, no command."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from daemon.store.engine import Store, plain_url
from daemon.store.tables import Base

FOLDER = Path(__file__).with_name("migrations")


class StoreError(Exception):
    """The store cannot be used as it is; the text says what to do next."""


def head() -> str:
    """The newest revision this program knows."""
    revision = _scripts().get_current_head()
    if revision is None:
        raise StoreError("this program was installed without its migrations: install it again")
    return revision


def upgrade(url: str) -> str:
    """Bring the database to the newest revision and give it. An empty database gets all tables.

    Safe to call from several processes at once: the whole upgrade is one writing transaction. Raises
    StoreError for a database written by a newer program.
    """
    store = Store(url)
    try:
        with store.write() as session:
            _upgrade(session.connection())
        return head()
    finally:
        store.dispose()


def revision_of(url: str) -> str | None:
    """The revision a database is at; None for an empty one."""
    engine = create_engine(plain_url(url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _upgrade(connection: Connection) -> None:
    scripts = _scripts()
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(
            f"the database is at revision {current}, which this program does not know: "
            "it was written by a newer version. Install that version, or restore a backup made by this one"
        )
    if current == scripts.get_current_head():
        return
    to_head = partial(scripts._upgrade_revs, "head")
    with EnvironmentContext(Config(), scripts, fn=lambda at, _context: to_head(at)) as environment:
        environment.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transactional_ddl=False,  # the caller's one transaction holds all of it
        )
        environment.run_migrations()

"""A migrated, empty store, quickly: the migrations run once a test process, every test gets a copy of the file."""

from __future__ import annotations

import functools
import shutil
import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy.engine import make_url

from daemon.store.engine import sqlite_url
from daemon.store.migrate import upgrade


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pregonero-fresh-"))
    path = folder / "fresh.db"
    upgrade(sqlite_url(path))
    with sqlite3.connect(path) as store:
        # Into the one file, so that copying it is enough.
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def fresh(url: str) -> None:
    """Make the SQLite file that `url` names: the same that `upgrade(url)` makes of an absent one."""
    name = make_url(url).database
    assert name
    shutil.copyfile(_template(), name)

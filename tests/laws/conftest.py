"""Databases to hold the laws on: SQLite files, and a PostgreSQL server of our own on a Unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from daemon.store.engine import plain_url, sqlite_url
from daemon.store.migrate import upgrade

type Fresh = Callable[[], str]
"""Makes an empty database with its tables and gives its URL."""


def _programs() -> Path:
    """The newest server's folder of programs."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))


def _run(*words: str) -> None:
    """A program of the server; it refuses to be root, so root asks as the user postgres."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*prefix, *words], capture_output=True, text=True, cwd="/", timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A running server; the folder of its socket. Its user is postgres, and nothing is asked of them."""
    folder = Path(tempfile.mkdtemp(prefix="pregonero-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, programs = str(folder / "data"), _programs()
    _run(str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync")  # fmt: skip
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60"
    _run(str(programs / "pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield str(folder)
    finally:
        _run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _ask(folder: str, statement: str) -> None:
    engine = create_engine(plain_url(_url(folder, "postgres")), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _url(folder: str, name: str) -> str:
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture(scope="session")
def on_postgres(postgres_server: str) -> Fresh:
    """Fresh databases of the server, each a copy of one that was migrated."""
    _ask(postgres_server, "CREATE DATABASE blank")
    upgrade(_url(postgres_server, "blank"))
    numbers = count(1)

    def fresh() -> str:
        name = f"fresh_{next(numbers)}"
        _ask(postgres_server, f"CREATE DATABASE {name} TEMPLATE blank STRATEGY file_copy")
        return _url(postgres_server, name)

    return fresh


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Fresh SQLite files, each a copy of one that was migrated."""
    folder = tmp_path_factory.mktemp("sqlite")
    upgrade(sqlite_url(folder / "blank.sqlite3"))
    numbers = count(1)

    def fresh() -> str:
        return sqlite_url(shutil.copy(folder / "blank.sqlite3", folder / f"fresh_{next(numbers)}.sqlite3"))

    return fresh


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """Fresh databases, of both kinds in turn."""
    found: Fresh = request.getfixturevalue(f"on_{request.param}")
    return found

"""Goes through a whole database and says what is not as it must be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.errors import Complaint, complaining, home_option

if TYPE_CHECKING:
    from daemon.settings import Settings


@click.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--run", "run_id", type=int, hidden=True, help="Keep progress and result in this row, for the page."
)
def audit(home: Path, as_json: bool, run_id: int | None) -> None:
    """Check that the books agree: ledger, balances, invoices, register and reports; numbers, history, database.

    It reads and mends nothing, and may run beside everything else. Status 1: there are findings.
    """
    with complaining():
        if not home.is_dir():
            raise Complaint(f"there is no home folder {home}; name the one of your installation with --home")
        from daemon.settings import Settings

        found = _find(Settings.load(home), run_id)
    if as_json:
        click.echo(json.dumps({"findings": found}, ensure_ascii=False))
    else:
        for one in found:
            click.echo(f"{one['rule']:<20} {one['row']:<20} {one['text']}")
        click.echo(f"findings: {len(found)}" if found else "no findings: the books agree")
    raise SystemExit(1 if found else 0)


def _find(settings: Settings, run_id: int | None) -> list[dict[str, str]]:
    from sqlalchemy.exc import DatabaseError, OperationalError

    from daemon.office.audit import findings, unreadable
    from daemon.office.auditing import do_run, fail_run
    from daemon.store.engine import Store

    store: Store | None = None
    try:
        _check_revision(settings)
        store = Store(settings.database_url)
        found = do_run(store, run_id, _now) if run_id is not None else findings(store, _now())
        return [one.as_json() for one in found]
    except DatabaseError as error:
        if store is not None and run_id is not None:
            with store.write() as session:
                fail_run(session, _now(), run_id, str(error.orig))
        if isinstance(error, OperationalError):
            raise Complaint(f"the database does not answer: {error.orig}") from error
        return [unreadable(error).as_json()]
    finally:
        if store is not None:
            store.dispose()


def _check_revision(settings: Settings) -> None:
    """Only a database of this very program can be judged by its rules; looking must not change it."""
    from sqlalchemy.engine import make_url

    from daemon.store.migrate import head, revision_of

    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise Complaint(f"there is no database {url.database}; name another home with --home")
    found = revision_of(settings.database_url)
    if found != head():
        raise Complaint(
            f"the database is at revision {found}, this program at {head()}: start the daemon once, "
            "it brings the database up to date; or use the program that wrote it"
        )


def _now() -> datetime:
    return datetime.now(UTC)

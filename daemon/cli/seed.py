"""Makes a believable ISP in a home folder."""

from __future__ import annotations

import datetime
import secrets
import sys
import time
from pathlib import Path

import click

from daemon.cli.errors import Complaint, complaining, home_option


@click.command()
@home_option
@click.option("--clients", type=click.IntRange(1, 2_000_000), default=60, show_default=True)
@click.option("--seed", "number", type=int, default=1, show_default=True, help="Same number, same ISP.")
@click.option("--password", help="Password of the staff user admin; made up and printed when absent.")
def seed(home: Path, clients: int, number: int, password: str | None) -> None:
    """Make an ISP of any size: clients, services, bills, payments, debts. For practice and measuring."""
    with complaining():
        from daemon.office.seed import AlreadySeeded
        from daemon.office.seed import seed as make
        from daemon.settings import Settings, write_practice_settings
        from daemon.store.engine import Store
        from daemon.store.migrate import upgrade
        from daemon.store.seal import ensure_keys, load_key

        write_practice_settings(home.expanduser().absolute())
        settings = Settings.load(home)
        upgrade(settings.database_url)
        ensure_keys(settings.home / "keys")
        store = Store(settings.database_url)
        began = time.monotonic()
        chosen = password or secrets.token_urlsafe(9)
        try:
            make(
                store,
                clients=clients,
                seed=number,
                now=datetime.datetime.now(datetime.UTC),
                admin_password=chosen,
                seal_public=load_key(settings.seal_public_path),
            )
        except AlreadySeeded as error:
            raise Complaint(str(error)) from error
        finally:
            store.dispose()
    click.echo(f"{clients} clients in {time.monotonic() - began:.1f} s; staff user admin, password {chosen}",
               file=sys.stdout)  # fmt: skip

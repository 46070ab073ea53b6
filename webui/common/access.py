"""The store inside a request: one reading session a request, a writing one for each deed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from babel.core import get_global
from flask import current_app, g
from sqlalchemy.orm import Session

from daemon.store.company import Company
from daemon.store.engine import Store
from webui.common.show import House


def store() -> Store:
    """The application's store."""
    found: Store = current_app.config["STORE"]
    return found


def reading() -> Session:
    """The request's reading session; what follows in this request sees one snapshot. Closed at its end."""
    if "reading" not in g:
        g.reading_block = store().read()
        g.reading = g.reading_block.__enter__()
    session: Session = g.reading
    return session


def stop_reading() -> None:
    """Let go of the snapshot, so that what follows sees what was just written."""
    block = g.pop("reading_block", None)
    g.pop("reading", None)
    g.pop("house", None)
    if block is not None:
        block.__exit__(None, None, None)


@contextmanager
def writing() -> Iterator[Session]:
    """A writing session that commits at the end of the block; the snapshot of before is let go first."""
    stop_reading()
    with store().write() as session:
        yield session


def read_house() -> House:
    """The company as pages need it; a bare stand-in until it is set up.

    The country, which decides how dates and amounts are written, is that of the time zone.
    """
    row = reading().get(Company, 1)
    if row is None:
        return House("", "USD", ZoneInfo("UTC"), "", "", "")
    territory = str(get_global("zone_territories").get(row.timezone, ""))
    return House(row.name, row.currency, ZoneInfo(row.timezone), territory, row.phone, row.how_to_pay)

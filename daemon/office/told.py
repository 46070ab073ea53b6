"""What happened to accounts, and the small tools with which it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from daemon.office.account import Loaded
from daemon.rules.account import Account
from daemon.rules.event import Event
from daemon.store.base import Base


@dataclass(slots=True)
class Told:
    """A loaded account and what happened to it."""

    loaded: Loaded
    events: list[Event] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The account as it is now."""
        return self.loaded.account


def table_of(model: type[Base]) -> Any:
    """The table of a model, for statements over many rows."""
    return model.__table__


def all_events(told: Iterable[Told]) -> Iterable[tuple[Told, Event]]:
    """Every event with whose it is, account by account."""
    for one in told:
        for event in one.events:
            yield one, event


def insert_rows(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows in one go; none is no error."""
    if rows:
        session.execute(insert(table_of(model)), rows)


def insert_ids(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows in one go and give their ids, in the order of the rows."""
    if not rows:
        return []
    table = table_of(model)
    result = session.execute(insert(table).returning(table.c.id, sort_by_parameter_order=True), rows)
    return [int(row.id) for row in result]

"""What happened to accounts, and the small tools with which it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daemon.office.account import Loaded
from daemon.rules.account import Account
from daemon.rules.event import Event
from daemon.store.base import Base


@dataclass(slots=True)
class Told:
    """A loaded account and what happened to it."""

    loaded: Loaded
    events: list[Event] = field(default_factory=list)
    ahead: datetime | None = None
    """When something happens next, if that is known already."""

    @property
    def account(self) -> Account:
        """The account as it is now."""
        return self.loaded.account


def table_of(model: type[Base]) -> Any:
    """The table of a model, for statements over many rows."""
    return model.__table__


def kinds_of(told: Iterable[Told]) -> set[str]:
    """Every kind of event that happened: most writers of a chunk have nothing to do."""
    return {event.kind for one in told for event in one.events}


def all_events(told: Iterable[Told]) -> Iterable[tuple[Told, Event]]:
    """Every event with whose it is, account by account."""
    for one in told:
        for event in one.events:
            yield one, event

"""The small provider of the office's tests, and words for what a run really did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest

from daemon.office import journal, standing
from daemon.office.told import Told
from daemon.rules.calendar import local_date
from daemon.rules.event import Event
from daemon.rules.forecast import SHOWN
from tests.office.conftest import store, town

__all__ = ["store", "town"]

type Happened = tuple[int, datetime, str, int | None, str]
"""(client, instant, kind, amount, why) of something that a forecast shows too."""


def shown(client_id: int, event: Event) -> Happened:
    """An event as a forecast says it."""
    amount = event.amount
    if event.kind == "invoice_created" and event.invoice is not None:
        amount = event.invoice.total
    return client_id, event.at, event.kind, amount, str(event.why)


@contextmanager
def watching() -> Iterator[list[Happened]]:
    """What the billing run writes while this is open, of the kinds that a forecast shows."""
    seen: list[Happened] = []
    real = journal.save

    def save(session: Any, actor: str, told: list[Told], **words: Any) -> None:
        seen.extend(
            shown(one.account.client, event) for one in told for event in one.events if event.kind in SHOWN
        )
        real(session, actor, told, **words)

    monkey = pytest.MonkeyPatch()
    monkey.setattr(standing, "save", save)
    try:
        yield seen
    finally:
        monkey.undo()


def by_day(zone: Any, happened: list[Happened], kinds: frozenset[str]) -> Counter[tuple[date, str]]:
    """How often each kind happened on each local day."""
    return Counter((local_date(zone, at), kind) for _, at, kind, _, _ in happened if kind in kinds)

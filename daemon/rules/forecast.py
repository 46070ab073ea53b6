"""Forecast: what would happen to an account were nothing to change (R2, F10, F14)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from daemon.rules.account import Account, Invoice
from daemon.rules.cycle import Cycle
from daemon.rules.engine import Hold, advance, cut_freely
from daemon.rules.event import INTERNAL
from daemon.rules.sentence import Sentence

SHOWN = frozenset(
    {
        "invoice_created",
        "screen_notice_on",
        "screen_notice_off",
        "reminder",
        "late_fee",
        "suspended",
        "reconnection_fee",
        "promise_broken",
        "reactivated",
    }
)


@dataclass(frozen=True, slots=True)
class Job:
    """Something the engine will do: when, what, for how much (minor units), and why.

    `invoice` is the id of a stored invoice it is about; an invoice that the forecast itself makes has only
    its `cycle` and `due` date. `number` and `by` are those of a reminder.
    """

    at: datetime
    kind: str
    amount: int | None
    why: Sentence
    invoice: Any = None
    cycle: Cycle | None = None
    due: date | None = None
    number: int | None = None
    by: tuple[str, ...] = ()


def forecast(account: Account, until: datetime, hold: Hold = cut_freely) -> list[Job]:
    """The jobs of an account before `until`, in order, as the real engine would do them; the account is
    untouched.
    """
    return list(jobs_ahead(deepcopy(account), until, hold))


def jobs_ahead(account: Account, until: datetime, hold: Hold = cut_freely) -> Iterator[Job]:
    """The same, without the copy: the account itself goes on to `until`. For accounts loaded for this alone."""
    for event in advance(account, until, hold):
        if event.kind in SHOWN and event.kind not in INTERNAL:
            about: Invoice | None = event.invoice
            amount = event.amount
            if event.kind == "invoice_created" and about is not None:
                amount = about.total
            yield Job(
                event.at,
                event.kind,
                amount,
                event.why,
                about.id if about is not None else None,
                event.cycle,
                about.due if about is not None else None,
                event.number,
                event.channels,
            )

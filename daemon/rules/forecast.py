"""Forecast: what would happen to an account were nothing to change (R2, F10)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from daemon.rules.account import Account
from daemon.rules.engine import advance
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
    }
)


@dataclass(frozen=True, slots=True)
class Job:
    """Something the engine will do: when, what, for how much (minor units), and why."""

    at: datetime
    kind: str
    amount: int | None
    why: Sentence


def forecast(account: Account, until: datetime) -> list[Job]:
    """The jobs of an account before `until`, in order, as the real engine would do them; the account is
    untouched.
    """
    ahead = deepcopy(account)
    jobs: list[Job] = []
    for event in advance(ahead, until):
        if event.kind in SHOWN and event.kind not in INTERNAL:
            amount = event.amount
            if event.kind == "invoice_created" and event.invoice is not None:
                amount = event.invoice.total
            jobs.append(Job(event.at, event.kind, amount, event.why))
    return jobs

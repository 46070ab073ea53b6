"""What happens to an account: events for people, movements for the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daemon.rules.account import Balance, Invoice
from daemon.rules.cycle import Cycle
from daemon.rules.invoice import Line
from daemon.rules.sentence import Sentence

# Order of what happens in one minute of one client (billing-laws.md, "Time and order").
RANKS: dict[str, int] = {
    "screen_notice_off": 0,
    "notice_closed": 0,
    "invoice_created": 1,
    "balance_applied": 1,
    "invoice_notice": 1,
    "cycle_passed": 1,
    "bill_held": 1,
    "invoice_paid": 1,
    "late_fee": 2,
    "late_fee_none": 2,
    "promise_broken": 3,
    "promise_kept": 3,
    "suspended": 4,
    "reconnection_fee": 4,
    "held": 4,
    "reactivated": 5,
    "reminder": 6,
    "notice_opened": 7,
    "screen_notice_on": 7,
}

INTERNAL = frozenset(
    {"notice_opened", "notice_closed", "cycle_passed", "late_fee_none", "bill_held", "promise_kept"}
)
"""Kept by the store, not part of the journal that people compare."""


@dataclass(slots=True)
class Movement:
    """One entry of the ledger: + the client owes more. Without an invoice it is a balance that waits.

    `origin` is the balance a landing moves; `balance` is the one this entry makes; `cause` is the invoice
    whose lateness made it; `reverses` names an entry that it takes back.
    """

    kind: str
    amount: int
    why: Sentence
    invoice: Invoice | None = None
    payment: Any = None
    origin: Balance | None = None
    balance: Balance | None = None
    cause: Invoice | None = None
    reverses: int | None = None


@dataclass(slots=True)
class Event:
    """Something that happened at an instant, why, and the movements of money it made."""

    at: datetime
    kind: str
    why: Sentence
    invoice: Invoice | None = None
    cycle: Cycle | None = None
    amount: int | None = None
    by: str | None = None
    number: int | None = None
    lines: tuple[Line, ...] = ()
    channels: tuple[str, ...] = ()
    movements: list[Movement] = field(default_factory=list)
    name: str = ""

    @property
    def rank(self) -> int:
        """Its place among the events of one minute."""
        return RANKS.get(self.kind, 0)

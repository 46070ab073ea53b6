"""An account: what the engine knows of one client between two events.

Loaded from facts, moved on by `engine` and `deeds`, written back by the office. Invoices and balances that
do not owe or wait any more need not be in it. References (`id`) are None until the store has given them
one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from daemon.rules.billing import Company, Settings
from daemon.rules.cycle import Cycle
from daemon.rules.sentence import Sentence

type State = Literal["active", "auto", "manual", "retired"]
"""active; suspended by the clock; suspended by a person; retired."""


@dataclass(frozen=True, slots=True)
class Later:
    """A change of a service from a day on: another plan, or another price."""

    day: date
    name: str
    price: int
    source: str = "plan"


@dataclass(slots=True)
class Charge:
    """Something that makes lines: a service, a recurring item (`on`: from that day) or a one-off one.

    `until` is the last day of a recurring item: the last cycle it is billed for is the one that contains
    it. `later` says what a service is called and costs on invoices made on or after a day, latest day last.
    """

    key: Any
    name: str
    price: int
    kind: Literal["service", "recurring", "one_off"] = "service"
    on: date | None = None
    source: str = "plan"
    until: date | None = None
    later: tuple[Later, ...] = ()

    def on_day(self, day: date) -> Charge:
        """The charge as an invoice made on a day has it: itself, unless a change has come into force."""
        changed = self
        for change in self.later:
            if change.day <= day:
                changed = Charge(self.key, change.name, change.price, self.kind, self.on, change.source)
        return changed


@dataclass(slots=True)
class Invoice:
    """An invoice that is, or just was, unpaid. `left` is what is still owed on it, from the ledger.

    `late_fee`: None until the one decision (F8) has fallen. `forgiven`: a person activated the client past
    its grace. `noticed`: its screen notice is open. `reminded`: the reminders that were sent, one bit each.
    """

    id: int | None
    kind: Literal["service", "free"]
    cycle: Cycle | None
    due: date
    created: datetime
    total: int
    to_pay: int
    left: int
    late_fee: int | None = None
    forgiven: bool = False
    noticed: bool = False
    reminded: int = 0

    @property
    def age(self) -> tuple[date, date]:
        """Order of settling: oldest due date first, then the oldest cycle."""
        return self.due, self.cycle.start if self.cycle else self.due


@dataclass(slots=True)
class Balance:
    """A balance in favour (−) or against (+) that waits for the next service invoice (T2). `left` has its
    sign.
    """

    id: int | None
    at: datetime
    left: int
    name: str
    payment: Any = None
    order: int = 0


@dataclass(slots=True)
class Promise:
    """A promise to pay until a day, and the invoices that were unpaid when it was made."""

    until: date
    invoices: list[Invoice]


@dataclass(slots=True)
class Account:
    """One client's account, moved on to `reached`: everything before that instant has happened.

    `opened` is the first instant at which anything can be billed. `billed_through` is the last day of the
    last cycle that was billed or passed over. `fixed_date` is the due date of the next service invoice,
    once (F7).
    """

    client: int
    company: Company
    settings: Settings
    since: date
    opened: datetime
    reached: datetime
    charges: list[Charge] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    billed_through: date | None = None
    fixed_date: date | None = None
    fixed_cycle: Cycle | None = None
    """The cycle that waits for its fixed date while later ones were billed before it."""
    promise: Promise | None = None
    state: State = "active"
    state_since: datetime | None = None
    state_why: Sentence | None = None
    held: bool = False
    bill_held: bool = False
    """The next invoice waits for a person: the run it belonged to billed an unusual total (law 6)."""
    recording: bool = False
    """More facts of this minute are to come: what follows from them waits until all are recorded."""
    next_draft: Any = None
    """What `invoice.next_draft` found last, and for which state: only a memory, never a fact."""

    @property
    def noticed(self) -> bool:
        """Whether a screen notice is on."""
        return any(invoice.noticed for invoice in self.invoices)

    def unpaid(self) -> list[Invoice]:
        """Service invoices on which something is owed, oldest first."""
        owed = [invoice for invoice in self.invoices if invoice.left > 0 and invoice.kind == "service"]
        if len(owed) > 1:
            owed.sort(key=lambda invoice: invoice.age)
        return owed

    @property
    def debt(self) -> int:
        """What is owed on invoices, free ones included."""
        return sum(invoice.left for invoice in self.invoices)

    @property
    def debit(self) -> int:
        """What waits against the client."""
        if not self.balances:
            return 0
        return sum(balance.left for balance in self.balances if balance.left > 0)

    @property
    def credit(self) -> int:
        """What waits in favour of the client, as a number ≥ 0."""
        if not self.balances:
            return 0
        return -sum(balance.left for balance in self.balances if balance.left < 0)

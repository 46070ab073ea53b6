"""The invoice of a cycle: when it is made, when it is due, and its lines (F1-F4, F7, I2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, cast

from daemon.rules.account import Account, Charge
from daemon.rules.billing import Company, Settings
from daemon.rules.calendar import hour_at_or_after, instant, local_date
from daemon.rules.cycle import Cycle, cycle_after, cycle_with, own_due_date
from daemon.rules.money import Currency, half_up, plain, taxed
from daemon.rules.sentence import Sentence, say

_DAYS = [timedelta(days=days) for days in range(367)]
_PERCENT = Currency("%", 2)  # basis points print like an amount with two decimals


@dataclass(slots=True)
class Line:
    """A line as it is billed, with its reason. `total` is `net + tax`."""

    key: Any
    name: str
    net: int
    tax: int
    why: Sentence

    @property
    def total(self) -> int:
        """What the line adds to the invoice."""
        return self.net + self.tax


@dataclass(slots=True)
class Draft:
    """The next invoice: its cycle, due date, and the instant at which it is made.

    `first`: the client's first cycle. `fixed`: it has the due date that a person fixed (F7).
    """

    cycle: Cycle
    due: date
    at: datetime
    first: bool
    fixed: bool = False


def next_draft(account: Account) -> Draft:
    """The next service invoice of an account, were nothing to change before it.

    Its moment is `invoice_hour` of due − `create_days_before`; one that has passed already is the first
    `invoice_hour` from now on, and an invoice made after its due date is due the day it is made.
    """
    if account.next_draft is not None:
        draft, billed, day, cycle, settings, company = account.next_draft
        # The same state and still ahead: it would be found again.
        if (
            draft.at >= account.reached
            and draft.at >= account.opened
            and billed is account.billed_through
            and day is account.fixed_date
            and cycle is account.fixed_cycle
            and settings is account.settings
            and company is account.company
        ):
            return cast(Draft, draft)
    found = _find_draft(account, max(account.reached, account.opened))
    account.next_draft = (
        found,
        account.billed_through,
        account.fixed_date,
        account.fixed_cycle,
        account.settings,
        account.company,
    )
    return found


def draft_at(account: Account, at: datetime) -> Draft:
    """The next service invoice as it is when a person has it made at this minute: due on its own date, or
    that day when the date has passed.
    """
    draft = next_draft(account)
    own = own_due_date(draft.cycle, account.settings.mode)
    due = (account.fixed_date or own) if draft.fixed else own
    return replace(draft, at=at, due=max(due, local_date(account.company.zone, at)))


def automatic_cycle(account: Account) -> Cycle:
    """The next cycle of the client's calendar: the first that begins after the last one billed or passed."""
    settings = account.settings
    if account.billed_through is not None:
        return _following(account.billed_through, settings.payment_day)
    if settings.first_cycle == "none":
        return cycle_after(account.since, settings.payment_day)
    return cycle_with(account.since, settings.payment_day)


@lru_cache(maxsize=4096)
def _following(day: date, payment_day: int) -> Cycle:
    """The first cycle that begins after a day."""
    cycle = cycle_with(day + timedelta(days=1), payment_day)
    return cycle if cycle.start > day else cycle_after(day, payment_day)


def _find_draft(account: Account, earliest: datetime) -> Draft:
    cycle = automatic_cycle(account)
    if account.fixed_date is None and account.fixed_cycle is None:
        return _draft(account, cycle, None, earliest)
    # The fixed invoice keeps its cycle; later cycles do not wait for it.
    if account.fixed_cycle is None:
        later = _following(cycle.end, account.settings.payment_day)
    else:
        cycle, later = account.fixed_cycle, cycle
    fixed = _draft(account, cycle, account.fixed_date, earliest, fixed=True)
    automatic = _draft(account, later, None, earliest)
    return fixed if fixed.at <= automatic.at else automatic


def _draft(
    account: Account, cycle: Cycle, day: date | None, earliest: datetime, *, fixed: bool = False
) -> Draft:
    settings, company = account.settings, account.company
    first = cycle.start <= account.since <= cycle.end
    due = day or own_due_date(cycle, settings.mode)
    moment = instant(company.zone, due - _DAYS[settings.create_days_before], company.invoice_hour)
    if moment >= earliest:
        return Draft(cycle, due, moment, first, fixed)
    moment = hour_at_or_after(company.zone, company.invoice_hour, earliest)
    return Draft(cycle, max(due, local_date(company.zone, moment)), moment, first, fixed)


def lines_of(account: Account, draft: Draft) -> tuple[list[Line], list[Charge]]:
    """The lines of a draft, and the one-off charges it uses up."""
    settings, company = account.settings, account.company
    day = local_date(company.zone, draft.at)
    prorated = draft.first and settings.first_cycle == "prorated" and account.since > draft.cycle.start
    part = (draft.cycle.days_from(account.since), draft.cycle.days, account.since) if prorated else None
    lines: list[Line] = []
    used: list[Charge] = []
    for charge in account.charges:
        if charge.kind == "one_off":
            if charge.on is not None and charge.on > day:
                continue
            used.append(charge)
        elif charge.kind == "recurring" and not _runs_in(charge, draft.cycle):
            continue
        elif charge.later:
            charge = charge.on_day(day)
        price = charge.price
        if part is not None and charge.kind != "one_off":
            price = half_up(price * part[0], part[1])
        split = taxed(price, settings.tax, company.tax_basis_points)
        why = _line_why(settings, company, charge.price, charge.source, price, part)
        lines.append(Line(charge.key, charge.name, split.net, split.tax, why))
    return lines, used


def _runs_in(charge: Charge, cycle: Cycle) -> bool:
    """Whether a recurring item is billed for a cycle: it has begun by its end, and not ended before it."""
    begun = charge.on is None or charge.on <= cycle.end
    return begun and (charge.until is None or charge.until >= cycle.start)


def draft_why(account: Account, draft: Draft) -> Sentence:
    """Why this invoice is made now and due then, with each setting and its source (law 8)."""
    return _draft_why(account.settings, draft.cycle, draft.due)


@lru_cache(maxsize=1024)
def _draft_why(settings: Settings, cycle: Cycle, due: date) -> Sentence:
    """The same sentence for everybody who is billed alike: a run makes it once."""
    return say(
        "{mode} ({mode_source}): the cycle {start} to {end} is due on {due} (payment day {day}, {day_source}); "
        "made {before} days before ({before_source})",
        mode=settings.mode,
        mode_source=settings.source("mode"),
        start=cycle.start.isoformat(),
        end=cycle.end.isoformat(),
        due=due.isoformat(),
        day=settings.payment_day,
        day_source=settings.source("payment_day"),
        before=settings.create_days_before,
        before_source=settings.source("create_days_before"),
    )


@lru_cache(maxsize=4096)
def _line_why(
    settings: Settings,
    company: Company,
    price: int,
    source: str,
    billed: int,
    part: tuple[int, int, date] | None,
) -> Sentence:
    """Why a line costs what it does. `part`: days left, days of the cycle, and since when, of a first cycle
    that is billed by days.
    """
    tax = {
        "price": plain(price, company.currency),
        "price_source": source,
        "tax": settings.tax,
        "tax_source": settings.source("tax"),
        "rate": plain(company.tax_basis_points, _PERCENT),
    }
    if part is None or billed == price:
        return say("Price {price} ({price_source}), tax {tax} ({tax_source}) at {rate} %", **tax)
    left, days, since = part
    return say(
        "Price {price} ({price_source}) for {left} of {days} days since {since} "
        "(first cycle {first}, {first_source}), tax {tax} ({tax_source}) at {rate} %",
        left=left,
        days=days,
        since=since.isoformat(),
        first=settings.first_cycle,
        first_source=settings.source("first_cycle"),
        **tax,
    )

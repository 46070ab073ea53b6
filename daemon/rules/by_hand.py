"""Invoices that a person touches: the next one made ahead of its time (F7), and an unpaid one edited (I6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from daemon.rules.account import Account, Invoice
from daemon.rules.calendar import local_date
from daemon.rules.engine import bill, settle
from daemon.rules.event import Event, Movement
from daemon.rules.invoice import Draft, Line, lines_of, next_draft
from daemon.rules.money import LARGEST, plain
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say

FARTHEST = timedelta(days=400)
"""How far ahead a cycle may begin that is billed by hand: a year and some."""


def draft_now(account: Account, at: datetime) -> Draft:
    """The next service invoice as it would be were it made at this minute: its own cycle and due date."""
    draft = next_draft(account)
    return replace(draft, at=at, due=max(draft.due, local_date(account.company.zone, at)))


def check_ahead(account: Account, at: datetime, draft: Draft) -> None:
    """Refuse to make an invoice ahead of its time where none may be, or where it would be empty."""
    if account.state == "retired":
        raise Refusal("", "A retired client gets no service invoice any more")
    if account.state != "active" and not account.company.bill_suspended:
        raise Refusal("", "The company bills no cycle of a suspended client: activate the client first")
    if at < account.opened:
        raise Refusal("", say("Nothing is billed before {day}", day=account.since.isoformat()))
    if draft.cycle.start - local_date(account.company.zone, at) > FARTHEST:
        raise Refusal("", say("At most {days} days ahead are billed", days=FARTHEST.days))
    if not lines_of(account, draft)[0]:
        raise Refusal("", "There is nothing to bill: this client has no service and no item in that cycle")


def bill_ahead(account: Account, at: datetime, cycle_start: date, by: str) -> Iterator[Event]:
    """Make the next service invoice now (F7); the clock goes on with the cycle after it.

    `cycle_start` is the cycle the person saw: another one now is refused, so that a page sent twice bills
    once.
    """
    draft = draft_now(account, at)
    if account.state != "retired" and draft.cycle.start != cycle_start:
        raise Refusal(
            "cycle_start",
            say(
                "The next cycle is the one of {start}: look at it first", start=draft.cycle.start.isoformat()
            ),
        )
    check_ahead(account, at, draft)
    why = say(
        "Made by hand by {name} on {day}: the cycle {start} to {end} is due on {due}",
        name=by,
        day=local_date(account.company.zone, at).isoformat(),
        start=draft.cycle.start.isoformat(),
        end=draft.cycle.end.isoformat(),
        due=draft.due.isoformat(),
    )
    yield from bill(account, at, draft, why)
    yield from settle(account, at)


def edit_lines(
    account: Account, at: datetime, invoice: Invoice, lines: Sequence[Line], entry: int, why: Sentence
) -> Iterator[Event]:
    """Other lines on an unpaid invoice (I6). `entry` is the ledger entry that holds its total now.

    The ledger keeps both facts: the old total is reversed, the new one written. Refused for one that owes
    nothing, and for a total below what payments and balances have covered.
    """
    if invoice.left <= 0:
        raise Refusal("", "Nothing is owed on this invoice: only an unpaid one can be edited")
    total = sum(line.total for line in lines)
    covered = invoice.total - invoice.left
    if total < covered:
        raise Refusal(
            "lines",
            say(
                "Payments and balances have covered {covered} of it: the new total is at least that",
                covered=plain(covered, account.company.currency),
            ),
        )
    if total >= LARGEST:
        raise Refusal("lines", "This amount is too large to be meant: check it")
    moves = [
        Movement("reversal", -invoice.total, why, invoice, reverses=entry),
        Movement("invoice", total, why, invoice),
    ]
    change = total - invoice.total
    invoice.total = total
    invoice.left += change
    invoice.to_pay = max(0, invoice.to_pay + change)
    yield Event(at, "invoice_edited", why, invoice, invoice.cycle, lines=tuple(lines), movements=moves)
    if invoice.left == 0:
        yield Event(at, "invoice_paid", say("Nothing is left to pay on it"), invoice, invoice.cycle)
    yield from settle(account, at)

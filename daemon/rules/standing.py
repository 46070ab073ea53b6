"""Standing: whether a client is active or cut, since when, why, and when the cut would come (F5, F6, law
4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from daemon.rules.account import Account, Invoice
from daemon.rules.calendar import hour_at_or_after, instant, local_date, local_text
from daemon.rules.money import Currency, plain
from daemon.rules.sentence import Sentence, say


@dataclass(slots=True)
class Standing:
    """How a client stands. `cut_at` is the instant of the cut that the present invoices lead to, None for
    none.
    """

    state: Literal["active", "suspended", "retired"]
    by: Literal["auto", "manual"] | None
    why: Sentence
    cut_at: datetime | None


def grace_end(account: Account, invoice: Invoice) -> datetime:
    """The instant from which an unpaid invoice is past grace: `cut_hour` of due + g (F5)."""
    company = account.company
    return _grace_end(company.zone, invoice.due, account.settings.grace_days, company.cut_hour)


@lru_cache(maxsize=8192)
def _grace_end(zone: ZoneInfo, due: date, days: int, cut_hour: int) -> datetime:
    return instant(zone, due + timedelta(days=days), cut_hour)


def past_grace(account: Account, at: datetime) -> list[Invoice]:
    """Unpaid service invoices past grace at an instant that count for a cut, oldest first."""
    return [
        invoice for invoice in account.unpaid() if not invoice.forgiven and grace_end(account, invoice) <= at
    ]


def promise_end(account: Account) -> datetime | None:
    """The instant at which a promise to pay is over: `cut_hour` of the day after it. None without a
    promise.
    """
    if account.promise is None:
        return None
    return instant(account.company.zone, account.promise.until + timedelta(days=1), account.company.cut_hour)


def cut_moment(account: Account) -> datetime | None:
    """When an active client is cut, were nothing to change: None when the invoices there are do not lead to
    it.

    The first `cut_hour` from now on at which k unpaid service invoices are past grace (F6), after any
    promise.
    """
    k = account.settings.cut_after_months
    if account.state != "active" or account.held or k == 0 or len(account.invoices) < k:
        return None
    ends = [grace_end(account, invoice) for invoice in account.unpaid() if not invoice.forgiven]
    if len(ends) < k:
        return None
    ends.sort()
    end = ends[k - 1]
    if account.promise is None and end >= account.reached:
        return end  # a cut hour itself
    earliest = max(end, account.reached, promise_end(account) or account.reached)
    return hour_at_or_after(account.company.zone, account.company.cut_hour, earliest)


def is_due_for_cut(account: Account, at: datetime) -> bool:
    """Whether k unpaid invoices are past grace at an instant and no promise protects the client."""
    k = account.settings.cut_after_months
    ends = promise_end(account)
    if k == 0 or (ends is not None and at < ends):
        return False
    return len(past_grace(account, at)) >= k


def cut_why(account: Account, at: datetime) -> Sentence:
    """Why the clock cuts a client at an instant (law 8)."""
    settings = account.settings
    late = past_grace(account, at)
    return say(
        "{count} unpaid invoice(s) past grace, the oldest due on {due} with {grace} days of grace ({grace_source}); "
        "the cut comes after {months} ({months_source})",
        count=len(late),
        due=late[0].due.isoformat(),
        grace=settings.grace_days,
        grace_source=settings.source("grace_days"),
        months=settings.cut_after_months,
        months_source=settings.source("cut_after_months"),
    )


def standing(account: Account) -> Standing:
    """How the account stands at `account.reached`, in a sentence a person can answer for."""
    since = account.state_since
    if account.state == "active":
        cut_at = cut_moment(account)
        return Standing("active", None, _active_why(account, cut_at), cut_at)
    day = local_date(account.company.zone, since).isoformat() if since else account.since.isoformat()
    if account.state == "retired":
        return Standing("retired", None, account.state_why or say("Retired on {day}", day=day), None)
    if account.state == "manual":
        why = account.state_why or say("Suspended by a person on {day}", day=day)
        return Standing("suspended", "manual", why, None)
    return Standing("suspended", "auto", account.state_why or say("Suspended on {day}", day=day), None)


def _active_why(account: Account, cut_at: datetime | None) -> Sentence:
    unpaid = account.unpaid()
    if not unpaid:
        return say("Nothing is unpaid")
    oldest = unpaid[0].due
    amount = sum([invoice.left for invoice in unpaid])
    if cut_at is not None and account.promise is None:  # what a run says of nearly everybody
        return _cut_comes(amount, account.company.currency, oldest, account.company.zone, cut_at)
    owed, oldest_due = plain(amount, account.company.currency), oldest.isoformat()
    if account.held:
        return say(
            "Owes {owed}, the oldest invoice due on {due}; the cut waits for a person to confirm it",
            owed=owed,
            due=oldest_due,
        )
    if account.promise is not None:
        return say(
            "Owes {owed}, the oldest invoice due on {due}; promised to pay until {until}",
            owed=owed,
            due=oldest_due,
            until=account.promise.until.isoformat(),
        )
    if account.settings.cut_after_months == 0:
        return say("Owes {owed}, the oldest invoice due on {due}; is never cut", owed=owed, due=oldest_due)
    return say("Owes {owed}, the oldest invoice due on {due}; no cut is near", owed=owed, due=oldest_due)


@lru_cache(maxsize=2048)
def _cut_comes(owed: int, money: Currency, due: date, zone: ZoneInfo, cut_at: datetime) -> Sentence:
    """The same sentence for all who owe alike: a run says it many times."""
    return say(
        "Owes {owed}, the oldest invoice due on {due}; the cut comes on {moment}",
        owed=plain(owed, money),
        due=due.isoformat(),
        moment=local_text(zone, cut_at),
    )

"""Screen notices of unpaid invoices: from when, and which of them hold now (F12)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from daemon.rules.account import Account, Invoice
from daemon.rules.calendar import instant, local_date
from daemon.rules.sentence import Sentence, say


def notice_moment(account: Account, invoice: Invoice) -> datetime | None:
    """The first instant at which an invoice may be on screen: 00:00 of due − n, or its creation if later.

    None when notices are off for this client.
    """
    days = account.settings.screen_notice_days
    if days is None:
        return None
    start = _midnight(account.company.zone, invoice.due, days)
    return start if start > invoice.created else invoice.created


@lru_cache(maxsize=8192)
def _midnight(zone: ZoneInfo, due: date, days: int) -> datetime:
    """00:00 of so many days before a due date."""
    return instant(zone, due - timedelta(days=days), 0)


def noticeable(account: Account, at: datetime) -> list[Invoice]:
    """The invoices whose notice holds at an instant, oldest first: the client is active, it is unpaid, it
    is time.
    """
    if account.state != "active" or account.settings.screen_notice_days is None:
        return []
    return [
        invoice
        for invoice in account.unpaid()
        if (moment := notice_moment(account, invoice)) is not None and moment <= at
    ]


def notice_why(account: Account, invoice: Invoice) -> Sentence:
    """Why this invoice is on the client's screen."""
    settings = account.settings
    return say(
        "The invoice due on {due} is unpaid; the notice shows from {days} days before ({source})",
        due=invoice.due.isoformat(),
        days=settings.screen_notice_days or 0,
        source=settings.source("screen_notice_days"),
    )


def notice_off_why(account: Account, invoice: Invoice, at: datetime) -> Sentence:
    """Why a notice leaves the screen."""
    day = local_date(account.company.zone, at).isoformat()
    if account.state == "retired":
        return say("The client was retired on {day}", day=day)
    if account.state != "active":
        return say("The client is suspended since {day}", day=day)
    if invoice.left <= 0:
        return say("The invoice due on {due} owes nothing since {day}", due=invoice.due.isoformat(), day=day)
    return say("The notice settings changed on {day}", day=day)

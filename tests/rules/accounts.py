"""Words for tests about one account: a company in Lima, a client with one service, the laws' worked
settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from daemon.rules.account import Account, Charge
from daemon.rules.billing import Company, Settings
from daemon.rules.calendar import instant
from daemon.rules.deeds import pay
from daemon.rules.engine import advance
from daemon.rules.event import INTERNAL, Event
from daemon.rules.money import CURRENCIES

LIMA = ZoneInfo("America/Lima")
COMPANY = Company(LIMA, CURRENCIES["PEN"], invoice_hour=6 * 60, tax_basis_points=1800)
WORKED = Settings(
    payment_day=1,
    create_days_before=1,
    tax="included",
    grace_days=5,
    late_fee_minor=500,
    reconnection_fee=1000,
    screen_notice_days=3,
)


def local(text: str, zone: ZoneInfo = LIMA) -> datetime:
    """The instant of a local day and hour: `2026-02-06 00:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def account(
    since: str = "2026-01-01", price: int = 5000, company: Company = COMPANY, **settings: Any
) -> Account:
    """A client since a day, with one service; `settings` on top of the worked ones."""
    day = date.fromisoformat(since)
    opened = instant(company.zone, day, 0)
    return Account(
        1, company, replace(WORKED, **settings), day, opened, opened, [Charge("s", "Plan 10M", price)]
    )


def told(events: list[Event], *kinds: str, zone: ZoneInfo = LIMA) -> list[tuple[str, str]]:
    """(local time, kind) of the events that people see; of some kinds only when they are named."""
    return [
        (event.at.astimezone(zone).strftime("%Y-%m-%d %H:%M"), event.kind)
        for event in events
        if event.kind not in INTERNAL and (not kinds or event.kind in kinds)
    ]


def run(one: Account, until: str) -> list[Event]:
    """Move an account on to a local time."""
    return list(advance(one, local(until, one.company.zone)))


def happens(one: Account, at: str, deed: Callable[..., Iterator[Event]], *args: Any) -> list[Event]:
    """Move an account on to a local minute and do a deed in it."""
    moment = local(at, one.company.zone)
    return [*advance(one, moment), *deed(one, moment, *args)]


def paid_january() -> Account:
    """A client since the first of January who paid the first invoice at once."""
    client = account("2026-01-01")
    happens(client, "2026-01-01 07:00", pay, 5000, "p1")
    return client

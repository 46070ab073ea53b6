"""The summary of a client: personal data, standing, balances, and every future job (rows R1, R2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from daemon.office import catalogue
from daemon.office.service_change import list_service_changes
from daemon.office.standing import move_on
from daemon.rules.account import Account
from daemon.rules.calendar import local_date
from daemon.rules.forecast import forecast
from daemon.rules.sentence import Sentence
from daemon.rules.standing import standing
from daemon.store.client import Client
from daemon.store.zone import Zone

AHEAD = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class FutureJob:
    """Something that will happen: local `day` and `hour` ("06:00"), kind, amount in minor units or None,
    reason.
    """

    at: datetime
    day: date
    hour: str
    kind: str
    amount: int | None
    reason: Sentence


@dataclass(frozen=True, slots=True)
class ClientSummary:
    """Who a client is and how they stand. Amounts in minor units of `currency`, all ≥ 0."""

    client: Client
    zone: str
    state: str
    by: str | None
    why: Sentence
    since: datetime | None
    debt: int
    debit: int
    credit: int
    next_cut_on: date | None
    held: bool
    currency: str
    jobs: list[FutureJob]


def client_summary(
    session: Session, now: datetime, client_id: int, ahead: timedelta = AHEAD
) -> ClientSummary:
    """The summary of a client at `now`, with the jobs of the next 45 days. Reads only: call it in a reading
    session.

    What the clock has not done yet is counted as done, so that the page says how things stand even while it
    lags.
    """
    row = catalogue.found(session, Client, client_id, "client")
    zone = session.get(Zone, row.zone_id) if row.zone_id is not None else None
    with session.no_autoflush:
        account = move_on(session, now, client_id).account
    stands = standing(account)
    local = account.company.zone
    return ClientSummary(
        row,
        zone.name if zone else "",
        stands.state,
        stands.by,
        stands.why,
        account.state_since,
        account.debt,
        account.debit,
        account.credit,
        local_date(local, stands.cut_at) if stands.cut_at else None,
        account.held,
        account.company.currency.code,
        _jobs(session, account, now + ahead),
    )


def _jobs(session: Session, account: Account, until: datetime) -> list[FutureJob]:
    """What the engine will do until then, and every change of a service that was asked for, in time order."""
    local = account.company.zone
    ahead = [(job.at, job.kind, job.amount, job.why) for job in forecast(account, until)]
    ahead += [
        (one.at, "plan_change", one.price, one.why) for one in list_service_changes(session, account.client)
    ]
    ahead.sort(key=lambda job: job[0])
    return [
        FutureJob(at, local_date(local, at), at.astimezone(local).strftime("%H:%M"), kind, amount, why)
        for at, kind, amount, why in ahead
    ]

"""The forecast of everybody, kept up to date: which clients must be computed again, and computing them.

A page about 100,000 clients reads sums; a worker fills them, by the real engine on accounts that nobody
writes back. What changes one client computes that client again; what bears on everybody begins anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from daemon.office.account import load, office_of
from daemon.office.told import table_of
from daemon.rules.account import Account
from daemon.rules.calendar import instant, local_date
from daemon.rules.forecast import Job, jobs_ahead
from daemon.rules.sentence import say
from daemon.rules.standing import promise_end
from daemon.store.bulk import insert_rows
from daemon.store.change import Change
from daemon.store.company import Company
from daemon.store.engine import Store
from daemon.store.forecast import BilledDay, ForecastClient, ForecastDay, ForecastJob, ForecastState
from daemon.store.invoice import Invoice
from daemon.store.suspension import Standing

AHEAD = 45
"""Days that pages look ahead."""
SLACK = 7
"""So many more are computed, so that a new day does not compute everybody again."""
CHUNK = 200
UNBILLED = frozenset(
    {
        "announcement",
        "bill_run",
        "clock",
        "closing",
        "cut_run",
        "job",
        "logo",
        "method",
        "notice",
        "paper_style",
        "payment_file",
        "request",
        "router",
        "series",
        "staff",
        "zone",
    }
)
"""Nouns of the log of changes that bear on no bill; any other without a client bears on everybody."""
KEPT = frozenset(
    {
        "invoice_created",
        "screen_notice_on",
        "reminder",
        "late_fee",
        "suspended",
        "reconnection_fee",
        "promise_broken",
        "promise_end",
        "reactivated",
    }
)
"""Kinds of jobs that are added up."""
_INVOICES_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a look did: clients computed, and how many still wait (it was stopped before)."""

    done: int
    waiting: int


def never() -> bool:
    """Do not stop."""
    return False


def refresh(
    store: Store, now: datetime, *, chunk: int = CHUNK, stop: Callable[[], bool] = never
) -> Refreshed:
    """Compute the forecast of all clients for whom it is not known; `stop` is asked between two chunks.

    Each chunk is read first and written in one short transaction of sums and rows, so pages always see whole
    clients. Run it as often as you like, from several processes: a client is counted once.
    """
    with store.read() as session:
        if session.get(Company, 1) is None:
            return Refreshed(0, 0)
    with store.write() as session:
        state = _state(session)
        _notice_changes(session, state)
        state.looked_at = now
    _add_up_bills(store)
    with store.read() as session:
        today = local_date(office_of(session).company.zone, now)
        epoch = session.get_one(ForecastState, 1).epoch
        ids = pending(session, today, epoch)
    if ids:
        with store.write() as session:
            state = _state(session)
            state.total, state.done, state.began_at = len(ids), 0, now
    done = 0
    while done < len(ids) and not stop():
        part = ids[done : done + chunk]
        _compute(store, part, today + timedelta(days=AHEAD + SLACK), epoch)
        done += len(part)
    if done == len(ids):
        with store.write() as session:
            state = _state(session)
            state.whole_at, state.done = now, state.total
    return Refreshed(done, len(ids) - done)


def pending(session: Session, today: date, epoch: int) -> list[int]:
    """The clients whose forecast is not known, or follows from facts that are not those of now."""
    known = ForecastClient
    return list(
        session.scalars(
            select(Standing.client_id)
            .outerjoin(known, known.client_id == Standing.client_id)
            .where(
                or_(
                    known.client_id.is_(None),
                    known.epoch != epoch,
                    known.reached_at != Standing.reached_at,
                    known.through < today + timedelta(days=AHEAD),
                )
            )
            .order_by(Standing.client_id)
        )
    )


def account_jobs(account: Account, until: datetime) -> Iterator[Job]:
    """The jobs of an account that was loaded for this alone, with the end of a promise that is open now.

    A promise that is kept ends without an event; its last day is still a day that staff wait for.
    """
    promise, ends = account.promise, promise_end(account)
    if promise is not None and ends is not None and ends < until and account.state != "retired":
        why = say("Promised to pay until {until}", until=promise.until.isoformat())
        yield Job(ends, "promise_end", None, why)
    yield from jobs_ahead(account, until)


def _state(session: Session) -> ForecastState:
    row = session.get(ForecastState, 1, with_for_update=True)
    if row is None:
        row = ForecastState(id=1, epoch=1, change_id=0, invoice_id=0, total=0, done=0)
        row.change_id = int(session.scalar(select(func.max(Change.id))) or 0)
        session.add(row)
        session.flush()
    return row


def _notice_changes(session: Session, state: ForecastState) -> None:
    """What the log of changes says since the last look: whom to compute again, or everybody."""
    newest = int(session.scalar(select(func.max(Change.id))) or 0)
    # Only SQLite numbers entries in the order of their commits; elsewhere a late one may stand behind.
    overlap = 0 if session.connection().dialect.name == "sqlite" else 50
    entries = session.execute(
        select(Change.id, Change.noun, Change.client_id).where(Change.id > state.change_id - overlap)
    ).all()
    clients = sorted({entry.client_id for entry in entries if entry.client_id is not None})
    for start in range(0, len(clients), 500):
        session.execute(
            update(ForecastClient)
            .where(ForecastClient.client_id.in_(clients[start : start + 500]))
            .values(epoch=0)
        )
    if any(
        entry.id > state.change_id and entry.client_id is None and entry.noun not in UNBILLED
        for entry in entries
    ):
        state.epoch += 1
    state.change_id = max(newest, state.change_id)


def _compute(store: Store, ids: Sequence[int], through: date, epoch: int) -> None:
    with store.read() as session:
        office = office_of(session)
        zone = office.company.zone
        until = instant(zone, through + timedelta(days=1), 0)
        reached = {
            row.client_id: row.reached_at
            for row in session.execute(
                select(Standing.client_id, Standing.reached_at).where(Standing.client_id.in_(ids))
            )
        }
        found: list[dict[str, Any]] = []
        for client_id, one in load(session, ids, office).items():
            found += _rows(client_id, one.account, until)
    known = [
        {"client_id": client_id, "reached_at": at, "through": through, "epoch": epoch}
        for client_id, at in reached.items()
    ]
    with store.write() as session:
        state = _state(session)
        change = _sums(session, ids, found)
        session.execute(delete(ForecastJob).where(ForecastJob.client_id.in_(ids)))
        session.execute(delete(ForecastClient).where(ForecastClient.client_id.in_(ids)))
        insert_rows(session, ForecastJob, found)
        insert_rows(session, ForecastClient, known)
        _add_to_days(session, change)
        state.done = min(state.done + len(ids), state.total)


def _rows(client_id: int, account: Account, until: datetime) -> list[dict[str, Any]]:
    zone = account.company.zone
    counts: Counter[tuple[date, str]] = Counter()
    amounts: Counter[tuple[date, str]] = Counter()
    for job in account_jobs(account, until):
        if job.kind in KEPT:
            key = (local_date(zone, job.at), job.kind)
            counts[key] += 1
            amounts[key] += job.amount or 0
    return [
        {"client_id": client_id, "day": day, "kind": kind, "count": count, "amount": amounts[day, kind]}
        for (day, kind), count in counts.items()
    ]


type _Sum = tuple[int, int, int]


def _sums(
    session: Session, ids: Sequence[int], found: Sequence[dict[str, Any]]
) -> dict[tuple[date, str], _Sum]:
    """How the sums of days change: (count, clients, amount) by day and kind."""
    job = table_of(ForecastJob)
    change: dict[tuple[date, str], _Sum] = {}
    for row in session.execute(
        select(
            job.c.day,
            job.c.kind,
            func.sum(job.c.count).label("many"),
            func.count().label("clients"),
            func.sum(job.c.amount).label("amount"),
        )
        .where(job.c.client_id.in_(ids))
        .group_by(job.c.day, job.c.kind)
    ):
        change[row.day, row.kind] = (-int(row.many), -int(row.clients), -int(row.amount))
    for new in found:
        count, clients, amount = change.get((new["day"], new["kind"]), (0, 0, 0))
        change[new["day"], new["kind"]] = (count + new["count"], clients + 1, amount + new["amount"])
    return {key: three for key, three in change.items() if any(three)}


def _add_to_days(session: Session, change: dict[tuple[date, str], _Sum]) -> None:
    if not change:
        return
    days = table_of(ForecastDay)
    known = {
        (row.day, row.kind)
        for row in session.execute(
            select(days.c.day, days.c.kind).where(days.c.day.in_({day for day, _ in change}))
        )
    }
    fresh = [
        {"day": day, "kind": kind, "count": 0, "clients": 0, "amount": 0}
        for day, kind in change
        if (day, kind) not in known
    ]
    if fresh:
        session.execute(insert(days), fresh)
    session.connection().execute(
        update(days)
        .where(days.c.day == bindparam("on_day"), days.c.kind == bindparam("of_kind"))
        .values(
            count=days.c.count + bindparam("more"),
            clients=days.c.clients + bindparam("people"),
            amount=days.c.amount + bindparam("money"),
        ),
        [
            {"on_day": day, "of_kind": kind, "more": count, "people": clients, "money": amount}
            for (day, kind), (count, clients, amount) in change.items()
        ],
    )
    session.execute(delete(days).where(days.c.clients == 0))


def _add_up_bills(store: Store) -> None:
    """Add the service invoices made since the last look to the sums of their days."""
    while True:
        with store.read() as session:
            zone = office_of(session).company.zone
            after = session.get_one(ForecastState, 1).invoice_id
            last = session.scalar(select(func.max(Invoice.id))) or 0
            upto = min(int(last), after + _INVOICES_AT_ONCE)
            if upto <= after:
                return
            sums: dict[date, tuple[int, int]] = {}
            for at, count, amount in session.execute(
                select(Invoice.created_at, func.count(), func.sum(Invoice.total))
                .where(Invoice.id > after, Invoice.id <= upto, Invoice.kind == "service")
                .group_by(Invoice.created_at)
            ):
                day = local_date(zone, at)
                before = sums.get(day, (0, 0))
                sums[day] = (before[0] + int(count), before[1] + int(amount))
        with store.write() as session:
            state = _state(session)
            if state.invoice_id != after:
                continue  # another process was here
            state.invoice_id = upto
            for day, (count, amount) in sums.items():
                row = session.get(BilledDay, day)
                if row is None:
                    session.add(BilledDay(day=day, count=count, amount=amount))
                else:
                    row.count, row.amount = row.count + count, row.amount + amount

"""The billing day before it happens: what the next run will do, against what runs did, and what would be held.

Everything reads the kept forecast (`office/forecast.py`); the rows of one page are computed again by the
engine, so that what a person reads beside a name is the truth of now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from daemon.office import hold
from daemon.office.account import load, office_of
from daemon.office.client import matching
from daemon.office.forecast import AHEAD, account_jobs
from daemon.office.hold_bills import list_held_bills
from daemon.office.run import LONGEST_DARKNESS, reached
from daemon.rules.calendar import clamped, instant, local_date, month_after
from daemon.rules.forecast import Job
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.client import Client
from daemon.store.forecast import BilledDay, ForecastDay, ForecastJob, ForecastState
from daemon.store.suspension import CutRun, Standing

NEAR = 4
"""Days around the same day of last month within which its run is looked for."""
RUNS = 3
STALE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sum:
    """Jobs of one kind: how many, for how many clients, and their amount in minor units."""

    count: int = 0
    clients: int = 0
    amount: int = 0

    def plus(self, other: Sum) -> Sum:
        """Both together; a client of both counts twice."""
        return Sum(self.count + other.count, self.clients + other.clients, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run really billed on a local day."""

    day: date
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the forecast is computed: `known` when nobody waits; `asleep` when nobody computes it."""

    known: bool
    done: int
    total: int
    whole_at: datetime | None
    asleep: bool


@dataclass(frozen=True, slots=True)
class Cuts:
    """The cuts of a day: how many of the active clients, and whether they would be held for a person (law 6)."""

    count: int
    active: int
    held: bool


@dataclass(frozen=True, slots=True)
class BillingDay:
    """What a day brings. `sums` by kind of job; for today also what was due before and has not happened yet.

    `before` is last month's same run, `recent` those of the last three months, `billed` what was billed
    on the day already. `more` is the share by which the total differs from last month, in basis points, and
    `unusual` says in a sentence that the total surprises.
    """

    day: date
    today: date
    sums: dict[str, Sum]
    late: int
    before: Run | None
    recent: tuple[Run, ...]
    billed: Run | None
    more: int | None
    unusual: Sentence | None
    cuts: Cuts
    decided: tuple[CutRun, ...]

    @property
    def invoices(self) -> Sum:
        """The invoices of the day."""
        return self.sums.get("invoice_created", Sum())

    @property
    def mean(self) -> int | None:
        """The mean total of the last runs; None when there was none."""
        return sum(run.amount for run in self.recent) // len(self.recent) if self.recent else None


@dataclass(frozen=True, slots=True)
class DayClient:
    """A client of a day and what the engine does then; no job at all when it has changed since."""

    id: int
    name: str
    state: str
    debt: int
    jobs: tuple[Job, ...]

    @property
    def amount(self) -> int:
        """The amounts of the jobs, together."""
        return sum(job.amount or 0 for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for a person: cuts, invoices whose total surprises, and how far billing had come when the
    clock jumped (None: it did not).
    """

    cuts: Sequence[hold.HeldRun]
    bills: Sequence[hold.HeldRun]
    jumped: datetime | None


def progress(session: Session, now: datetime) -> Progress:
    """How far the forecast is computed."""
    state = session.get(ForecastState, 1)
    if state is None:
        return Progress(False, 0, 0, None, True)
    asleep = state.looked_at is None or now - state.looked_at > STALE
    known = state.whole_at is not None and state.done >= state.total
    return Progress(known, state.done, state.total, state.whole_at, asleep)


def held(session: Session, now: datetime) -> Held:
    """What the engine holds until a person confirms it (law 6)."""
    came = reached(session)
    jumped = came if came is not None and now - came > LONGEST_DARKNESS else None
    return Held(hold.list_held(session), list_held_bills(session), jumped)


def checked_day(session: Session, now: datetime, day: date | None) -> date:
    """The day asked for, today for None. Refused before today and beyond what is forecast."""
    today = local_date(office_of(session).company.zone, now)
    if day is not None and not today <= day <= today + timedelta(days=AHEAD):
        raise Refusal("day", say("Choose a day from today to {days} days ahead", days=AHEAD))
    return day or today


def billing_day(session: Session, now: datetime, day: date) -> BillingDay:
    """What a day from today to 45 days ahead brings."""
    office = office_of(session)
    zone = office.company.zone
    today = local_date(zone, now)
    sums: dict[str, Sum] = {}
    late = 0
    rows = session.scalars(select(ForecastDay).where(ForecastDay.day.in_(_days(session, day, today))))
    for row in rows:
        sums[row.kind] = sums.get(row.kind, Sum()).plus(Sum(row.count, row.clients, row.amount))
        late += row.count if row.day < day else 0
    runs = [_same_run(session, day, months) for months in range(1, RUNS + 1)]
    recent, before = tuple(run for run in runs if run is not None), runs[0]
    own = session.get(BilledDay, day)
    invoices = sums.get("invoice_created", Sum())
    total = invoices.amount + (own.amount if own is not None else 0)
    more = None
    if before is not None and before.amount:
        more = round((total - before.amount) * 10_000 / before.amount)
    start, end = instant(zone, day, 0), instant(zone, day + timedelta(days=1), 0)
    return BillingDay(
        day,
        today,
        sums,
        late,
        before,
        recent,
        Run(own.day, own.count, own.amount) if own is not None else None,
        more,
        unusual_total(invoices.count, invoices.amount, [run.amount for run in recent]),
        _cuts(session, sums.get("suspended", Sum()).clients, office.hold_cuts),
        tuple(session.scalars(select(CutRun).where(CutRun.at >= start, CutRun.at < end).order_by(CutRun.at))),
    )


def unusual_total(count: int, amount: int, recent: Sequence[int]) -> Sentence | None:
    """The sentence of a total that surprises (law 6): over 1.5 times the mean of the last three runs of its day
    of the month, and more than 10 invoices; None for a usual one, and while there were fewer runs.
    """
    if count <= hold.SURPRISING_COUNT or len(recent) < RUNS or 2 * RUNS * amount <= 3 * sum(recent):
        return None
    return say(
        "{count} invoices would be billed, over one and a half times the mean of the last {runs} runs",
        count=count,
        runs=len(recent),
    )


def day_clients(
    session: Session,
    now: datetime,
    day: date,
    kind: str,
    *,
    q: str = "",
    after: int | None = None,
    limit: int = 25,
) -> tuple[list[DayClient], int | None]:
    """A page of the clients for whom a kind of job comes on a day, by their number; and where the next page
    goes on. `q` searches as the list of clients does.
    """
    office = office_of(session)
    today = local_date(office.company.zone, now)
    days = _days(session, day, today)
    query = (
        select(Client.id, Client.name, Standing.state, Standing.debt)
        .join(Standing, Standing.client_id == Client.id)
        .where(Client.id.in_(_among(days, kind, after)))
        .order_by(Client.id)
        .limit(limit + 1)
    )
    if q.strip():
        query = query.where(*matching(session, q))
    rows = session.execute(query).all()
    found = load(session, [row.id for row in rows[:limit]], office)
    until = instant(office.company.zone, day + timedelta(days=1), 0)
    clients = []
    for row in rows[:limit]:
        jobs = tuple(
            job
            for job in account_jobs(found[row.id].account, until)
            if job.kind == kind and local_date(office.company.zone, job.at) in days
        )
        clients.append(DayClient(row.id, row.name, row.state, row.debt, jobs))
    return clients, clients[-1].id if len(rows) > limit else None


def month_days(session: Session, first: date, last: date) -> dict[date, dict[str, Sum]]:
    """The sums of each day of a stretch, for the calendar of everybody."""
    found: dict[date, dict[str, Sum]] = {}
    for row in session.scalars(
        select(ForecastDay).where(ForecastDay.day >= first, ForecastDay.day <= last).order_by(ForecastDay.day)
    ):
        found.setdefault(row.day, {})[row.kind] = Sum(row.count, row.clients, row.amount)
    return found


def billed_days(session: Session, first: date, last: date) -> dict[date, Run]:
    """What was really billed on each day of a stretch."""
    return {
        row.day: Run(row.day, row.count, row.amount)
        for row in session.scalars(
            select(BilledDay).where(BilledDay.day >= first, BilledDay.day <= last).order_by(BilledDay.day)
        )
    }


def _days(session: Session, day: date, today: date) -> list[date]:
    """The days whose jobs belong to a day: itself, and for today those before that have not happened yet."""
    if day != today:
        return [day]
    late = session.scalars(select(ForecastDay.day).where(ForecastDay.day < today).distinct())
    return [*late, today]


def _among(days: Sequence[date], kind: str, after: int | None) -> Select[int]:
    query = select(ForecastJob.client_id).where(ForecastJob.day.in_(days), ForecastJob.kind == kind)
    return query if after is None else query.where(ForecastJob.client_id > after)


def _same_run(session: Session, day: date, months: int) -> Run | None:
    """The run of this day some months before: its own day, or the nearest with invoices around it.

    Runs near the end of a month are counted from its end: 31 January, 28 February, 31 March are one run.
    """
    year, month = month_after(day.year, day.month, -months)
    wanted = clamped(year, month, 31 if (day + timedelta(days=1)).day == 1 else day.day)
    rows = session.scalars(
        select(BilledDay).where(
            BilledDay.day >= wanted - timedelta(days=NEAR), BilledDay.day <= wanted + timedelta(days=NEAR)
        )
    ).all()
    if not rows:
        return None
    row = min(rows, key=lambda one: (abs((one.day - wanted).days), -one.amount))
    return Run(row.day, row.count, row.amount)


def _cuts(session: Session, count: int, hold_cuts: bool) -> Cuts:
    active = int(session.scalar(select(func.count()).where(Standing.state == "active")) or 0)
    surprising = count > hold.SURPRISING_COUNT and count * hold.SURPRISING_SHARE > active
    return Cuts(count, active, hold_cuts and surprising)

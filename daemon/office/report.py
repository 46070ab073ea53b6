"""Reports, all from the ledger: income, receivables by age, clients who came and went, taxes.

Income counts a payment on the day it was received, with everything the ledger holds of it: one that was deleted
later adds up to nothing. So income agrees with the register (`office/register.py`) to the minor unit; the audit
checks that it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, case, cast, func, select
from sqlalchemy.orm import Session

from daemon.office.register import month_days, span
from daemon.rules.calendar import local_date
from daemon.store.client import Client
from daemon.store.invoice import Invoice, InvoiceLine
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment, PaymentMethod
from daemon.store.suspension import Suspension
from daemon.store.zone import Zone

type By = Literal["day", "month", "method", "zone", "collector"]

BYS: tuple[By, ...] = ("day", "month", "method", "zone", "collector")
AGES: tuple[tuple[int, int | None], ...] = ((0, 30), (31, 60), (61, 90), (91, None))
"""Days since the due date, both ends included; None is without end."""
MOST_DAYS = 366
"""Days of one report by day."""
MOST_MONTHS = 60
"""Months of one report by month."""


@dataclass(frozen=True, slots=True)
class Income:
    """One row of a report of income: what it is about, standing payments, and their sum in minor units.

    `day` is the day, or the first of the month; `name` that of the method, zone ("" for none) or collector.
    """

    day: date | None
    name: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Receivable:
    """What is owed of one age: days past due from `low` to `high`; both None for what is not yet due."""

    low: int | None
    high: int | None
    invoices: int
    clients: int
    amount: int


@dataclass(frozen=True, slots=True)
class Moves:
    """How many clients were cut (by whom alike), reactivated, lost and won in a month."""

    month: date
    cut: int
    reactivated: int
    lost: int
    won: int


@dataclass(frozen=True, slots=True)
class Tax:
    """Invoices made in a month and standing, at one rate. `rate` in basis points, None where no rate is written.

    `voided` is the tax of invoices made in the month that were voided since; it is in none of the other sums.
    """

    month: date
    rate: int | None
    lines: int
    net: int
    tax: int
    total: int
    voided: int


def months_between(first: date, last: date) -> list[date]:
    """The first days of the months from one day to another, oldest first."""
    months = [first.replace(day=1)]
    while (following := month_days(months[-1])[1] + timedelta(days=1)) <= last:
        months.append(following)
    return months


def income(session: Session, zone: ZoneInfo, first: date, last: date, by: By) -> list[Income]:
    """Income of the local days from `first` to `last`, by day or month (all of them, in order) or by method,
    zone or collector (largest first).
    """
    if by == "day":
        days = [first + timedelta(days=n) for n in range(min((last - first).days + 1, MOST_DAYS))]
        return [Income(day, "", *_received(session, zone, day, day)) for day in days]
    if by == "month":
        rows = []
        for month in months_between(first, last)[-MOST_MONTHS:]:
            begin, end = month_days(month)
            rows.append(Income(month, "", *_received(session, zone, max(begin, first), min(end, last))))
        return rows
    named = _names(by)
    query = _money(zone, first, last).add_columns(named.label("name")).group_by(named)
    if by == "method":
        query = query.join(PaymentMethod, PaymentMethod.id == Payment.method_id)
    elif by == "zone":
        query = query.join(Client, Client.id == Payment.client_id).outerjoin(Zone, Zone.id == Client.zone_id)
    found = [Income(None, row.name or "", row.n, int(row.sum or 0)) for row in session.execute(query)]
    return sorted(found, key=lambda row: (-row.amount, row.name))


def receivables(session: Session, zone: ZoneInfo, now: datetime) -> list[Receivable]:
    """What is owed on invoices now, by days past due: first what is not due yet, then each age."""
    today = local_date(zone, now)
    owed = (
        select(Invoice.id, Invoice.client_id, Invoice.due, func.sum(Ledger.amount).label("left"))
        .join(Ledger, Ledger.invoice_id == Invoice.id)
        .where(Invoice.settled_at.is_(None))
        .group_by(Invoice.id, Invoice.client_id, Invoice.due)
        .subquery()
    )
    steps = [
        (owed.c.due >= today - timedelta(days=high), place)
        for place, (_, high) in enumerate(AGES)
        if high is not None
    ]
    age: Any = case((owed.c.due.is_(None) | (owed.c.due > today), -1), *steps, else_=len(AGES) - 1)
    rows = session.execute(
        select(
            age.label("age"),
            func.count().label("n"),
            func.count(owed.c.client_id.distinct()).label("clients"),
            func.sum(owed.c.left).label("sum"),
        )
        .where(owed.c.left > 0)
        .group_by(age)
    )
    found = {row.age: (row.n, row.clients, int(row.sum)) for row in rows}
    ages: list[tuple[int | None, int | None]] = [(None, None), *AGES]
    return [Receivable(low, high, *found.get(place, (0, 0, 0))) for place, (low, high) in enumerate(ages, -1)]


def debtors(session: Session, zone: ZoneInfo, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Every invoice on which something is owed, for an export: (client id, client, document, telephone, zone,
    invoice id, due, days past due or 0, owed in minor units), the oldest due first.
    """
    today = local_date(zone, now)
    query = (
        select(
            Invoice.id,
            Invoice.due,
            func.sum(Ledger.amount).label("left"),
            Client.id.label("client_id"),
            Client.name,
            Client.document_id,
            Client.mobile,
            Zone.name.label("zone"),
        )
        .join(Ledger, Ledger.invoice_id == Invoice.id)
        .join(Client, Client.id == Invoice.client_id)
        .outerjoin(Zone, Zone.id == Client.zone_id)
        .where(Invoice.settled_at.is_(None))
        .group_by(
            Invoice.id, Invoice.due, Client.id, Client.name, Client.document_id, Client.mobile, Zone.name
        )
        .having(func.sum(Ledger.amount) > 0)
        .order_by(Invoice.due, Invoice.id)
        .execution_options(yield_per=2000)
    )
    for row in session.execute(query):
        late = max(0, (today - row.due).days) if row.due else 0
        yield (
            row.client_id, row.name, row.document_id, row.mobile, row.zone or "", row.id, row.due, late, int(row.left),
        )  # fmt: skip


def moves(session: Session, zone: ZoneInfo, first: date, last: date) -> list[Moves]:
    """Clients cut, reactivated, lost (retired) and won (`since`) in each month from one day to another.

    Who was cut already and is then suspended by hand is not cut again.
    """
    months = months_between(first, last)[-MOST_MONTHS:]
    since, until = span(zone, months[0], month_days(months[-1])[1])
    was = func.lag(Suspension.action).over(partition_by=Suspension.client_id, order_by=Suspension.id)
    acts = select(Suspension.at, Suspension.action, was.label("was")).subquery()
    changed = acts.c.was.is_(None) | (acts.c.was != acts.c.action)
    counted: dict[tuple[int, str], int] = {}
    starts = [span(zone, month, month)[0] for month in months[1:]]
    place = _place(acts.c.at, starts)
    for row in session.execute(
        select(place.label("place"), acts.c.action, func.count().label("n"))
        .where(changed, acts.c.at >= since, acts.c.at < until)
        .group_by(place, acts.c.action)
    ):
        counted[row.place, row.action] = row.n
    last_day = month_days(months[-1])[1]
    lost = _count(
        session, _place(Client.retired_at, starts), Client.retired_at >= since, Client.retired_at < until
    )
    won = _count(
        session, _place(Client.since, months[1:]), Client.since >= months[0], Client.since <= last_day
    )
    return [
        Moves(
            month,
            counted.get((n, "suspend"), 0),
            counted.get((n, "lift"), 0),
            lost.get(n, 0),
            won.get(n, 0),
        )
        for n, month in enumerate(months)
    ]


def taxes(session: Session, zone: ZoneInfo, first: date, last: date) -> list[Tax]:
    """Tax of the invoices made in each month, by rate; months and then rates in order."""
    months = months_between(first, last)[-MOST_MONTHS:]
    since, until = span(zone, max(months[0], first), last)
    voided = Invoice.voided_at.is_not(None)
    place = _place(Invoice.created_at, [span(zone, month, month)[0] for month in months[1:]])
    # Grouped by the whole reason: there are few different ones, and each is then read once.
    why = cast(InvoiceLine.why, Text)
    found = session.execute(
        select(
            place.label("place"),
            why.label("why"),
            voided.label("voided"),
            func.count().label("n"),
            func.sum(InvoiceLine.net).label("net"),
            func.sum(InvoiceLine.tax).label("tax"),
        )
        .select_from(Invoice)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(Invoice.created_at >= since, Invoice.created_at < until)
        .group_by(place, why, voided)
        .execution_options(yield_per=1000)
    )
    sums: dict[tuple[int, int | None], list[int]] = {}
    for row in found:
        of = sums.setdefault((row.place, _rate(row.why, int(row.tax))), [0, 0, 0, 0])
        if row.voided:
            of[3] += int(row.tax)
        else:
            of[0] += row.n
            of[1] += int(row.net)
            of[2] += int(row.tax)
    order = sorted(sums.items(), key=lambda pair: (pair[0][0], pair[0][1] is None, pair[0][1] or 0))
    return [Tax(months[at], key, n, net, tax, net + tax, void) for (at, key), (n, net, tax, void) in order]


def _rate(why: str, tax: int) -> int | None:
    """Basis points of the rate that a line's reason names (`18.00`); a line without tax is at 0."""
    try:
        words = json.loads(why)["params"]
        if words.get("tax") == "none":
            return 0
        whole, _, rest = str(words["rate"]).partition(".")
        return int(whole) * 100 + int((rest + "00")[:2])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None if tax else 0


def _names(by: By) -> Any:
    return {"method": PaymentMethod.name, "zone": Zone.name, "collector": Payment.actor}[by]


def _money(zone: ZoneInfo, first: date, last: date) -> Any:
    """The sum of the ledger over the payments received in some days, and how many of them stand."""
    since, until = span(zone, first, last)
    standing: ColumnElement[Any] = case((Payment.deleted_at.is_(None), Payment.id), else_=None)
    return (
        select(func.count(standing.distinct()).label("n"), (-func.sum(Ledger.amount)).label("sum"))
        .select_from(Payment)
        .join(Ledger, Ledger.payment_id == Payment.id)
        .where(Payment.at >= since, Payment.at < until)
    )


def _received(session: Session, zone: ZoneInfo, first: date, last: date) -> tuple[int, int]:
    row = session.execute(_money(zone, first, last)).one()
    return int(row.n), int(row.sum or 0)


def _count(session: Session, place: Any, *where: Any) -> dict[int, int]:
    """Clients by place."""
    query = select(place.label("place"), func.count().label("n")).where(*where).group_by(place)
    return {row.place: row.n for row in session.execute(query)}


def _place(at: Any, starts: Sequence[Any]) -> Any:
    """Between which beginnings of months a day or an instant lies: 0 before the first of `starts`, and so on."""
    steps = [(at < start, n) for n, start in enumerate(starts)]
    return case(*steps, else_=len(starts)) if steps else case((at.is_(None), -1), else_=0)

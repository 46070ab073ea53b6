"""The register of payments: all of them, filtered, with totals (row T1).

Rows come newest first, page by page (keyset over time and id); a deleted payment stays in the register and out
of the totals. `income` in `office/report.py` tells the same sums from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from daemon.office.client import matching
from daemon.rules.calendar import instant
from daemon.rules.sentence import Sentence
from daemon.store.client import Client
from daemon.store.payment import Payment, PaymentMethod
from daemon.store.staff import Staff
from daemon.store.zone import Zone

type Deleted = Literal["", "no", "yes"]

BATCH = 2000
"""Rows that an export takes from the store at once."""
MOST_CLIENTS = 500
"""Clients that one search may mean."""
RECENT = 2000
"""Payments looked at for names of collectors who are no staff."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the register is asked for. None and "" ask for everything.

    `since` ≤ at < `until`; the zone is the client's of today; `collector` is the name of who registered it; `q`
    is an external reference, or the beginnings of words of the client. `deleted`: "" both, "no" only standing
    ones, "yes" only deleted ones.
    """

    since: datetime | None = None
    until: datetime | None = None
    method_id: int | None = None
    zone_id: int | None = None
    collector: str = ""
    client_id: int | None = None
    q: str = ""
    deleted: Deleted = ""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A payment in the register; the amount in minor units."""

    id: int
    client_id: int
    client: str
    document_id: str
    zone: str
    at: datetime
    amount: int
    method: str
    method_id: int
    reference: str
    note: str
    collector: str
    deleted_at: datetime | None
    deleted_why: Sentence | None


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """A page of the register; `next` is what to pass as `after` for the following one, None at the end."""

    rows: list[RegisterRow]
    next: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the totals: a method's name, how many payments, and their sum in minor units."""

    name: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What the payments asked for add up to; deleted ones apart. `methods`: the standing ones, largest first."""

    count: int
    amount: int
    deleted_count: int
    deleted_amount: int
    methods: tuple[Part, ...]


def span(zone: ZoneInfo, first: date, last: date) -> tuple[datetime, datetime]:
    """The instants from the beginning of a local day to the end of another, the second one excluded."""
    return instant(zone, first, 0), instant(zone, last + timedelta(days=1), 0)


def month_days(day: date) -> tuple[date, date]:
    """The first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def register_page(session: Session, asked: Asked, after: int | None = None, limit: int = 50) -> RegisterPage:
    """Payments, newest first; `after` is the id of the last row of the page before."""
    limit = max(1, min(limit, 500))
    where = _where(session, asked)
    if after is not None:
        last = session.execute(select(Payment.at, Payment.id).where(Payment.id == after)).first()
        if last is not None:
            where.append(tuple_(Payment.at, Payment.id) < tuple_(last.at, last.id))
    found = session.execute(
        _rows().where(*where).order_by(Payment.at.desc(), Payment.id.desc()).limit(limit + 1)
    ).all()
    rows = [_row(one) for one in found[:limit]]
    return RegisterPage(rows, rows[-1].id if len(found) > limit else None)


def register_rows(session: Session, asked: Asked) -> Iterator[RegisterRow]:
    """All payments asked for, oldest first, in bounded memory: what an export writes."""
    where = _where(session, asked)
    query = _rows().order_by(Payment.at, Payment.id).limit(BATCH)
    found = session.execute(query.where(*where)).all()
    while found:
        yield from map(_row, found)
        if len(found) < BATCH:
            return
        last = found[-1]
        found = session.execute(
            query.where(*where, tuple_(Payment.at, Payment.id) > tuple_(last.at, last.id))
        ).all()


def register_totals(session: Session, asked: Asked) -> Totals:
    """What the payments asked for add up to, by method."""
    stands = case((Payment.deleted_at.is_(None), 1), else_=0)
    query = select(
        Payment.method_id,
        stands.label("stands"),
        func.count().label("n"),
        func.sum(Payment.amount).label("sum"),
    ).group_by(Payment.method_id, stands)
    if asked.zone_id is not None or asked.q:
        query = query.join(Client, Client.id == Payment.client_id)
    names = {row.id: row.name for row in session.execute(select(PaymentMethod.id, PaymentMethod.name))}
    parts: list[Part] = []
    gone = [0, 0]
    for row in session.execute(query.where(*_where(session, asked))):
        if row.stands:
            parts.append(Part(names.get(row.method_id, ""), row.n, int(row.sum)))
        else:
            gone[0] += row.n
            gone[1] += int(row.sum)
    parts.sort(key=lambda part: (-part.amount, part.name))
    return Totals(
        sum(part.count for part in parts), sum(part.amount for part in parts), gone[0], gone[1], tuple(parts)
    )


def register_row(session: Session, payment_id: int) -> RegisterRow | None:
    """One payment as the register shows it; None when there is none."""
    found = session.execute(_rows().where(Payment.id == payment_id)).first()
    return _row(found) if found is not None else None


def collectors(session: Session) -> list[str]:
    """Names under which payments are registered: staff, and whoever did so lately."""
    late = select(Payment.actor).order_by(Payment.id.desc()).limit(RECENT).subquery()
    names = set(session.scalars(select(Staff.name))) | set(session.scalars(select(late.c.actor).distinct()))
    return sorted(names, key=str.casefold)


def narrowed(asked: Asked, since: datetime, until: datetime) -> Asked:
    """The same question about a shorter time."""
    return replace(asked, since=since, until=until)


def _rows() -> Any:
    return (
        select(
            Payment.id,
            Payment.client_id,
            Client.name.label("client"),
            Client.document_id,
            Zone.name.label("zone"),
            Payment.at,
            Payment.amount,
            PaymentMethod.name.label("method"),
            Payment.method_id,
            Payment.reference,
            Payment.note,
            Payment.actor,
            Payment.deleted_at,
            Payment.deleted_why,
        )
        .select_from(Payment)
        .join(Client, Client.id == Payment.client_id)
        .join(PaymentMethod, PaymentMethod.id == Payment.method_id)
        .outerjoin(Zone, Zone.id == Client.zone_id)
    )


def _row(row: Any) -> RegisterRow:
    return RegisterRow(
        row.id,
        row.client_id,
        row.client,
        row.document_id,
        row.zone or "",
        row.at,
        row.amount,
        row.method,
        row.method_id,
        row.reference,
        row.note,
        row.actor,
        row.deleted_at,
        Sentence.from_json(row.deleted_why),
    )


def _where(session: Session, asked: Asked) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if asked.since is not None:
        where.append(Payment.at >= asked.since)
    if asked.until is not None:
        where.append(Payment.at < asked.until)
    if asked.method_id is not None:
        where.append(Payment.method_id == asked.method_id)
    if asked.zone_id is not None:
        where.append(Client.zone_id == asked.zone_id)
    if asked.collector:
        where.append(Payment.actor == asked.collector)
    if asked.client_id is not None:
        where.append(Payment.client_id == asked.client_id)
    if asked.deleted:
        where.append(
            Payment.deleted_at.is_(None) if asked.deleted == "no" else Payment.deleted_at.is_not(None)
        )
    text = " ".join(asked.q.split())
    if text:
        # Both are looked up first, so that the store meets two short lists of keys instead of a scan.
        clients = select(Client.id).where(*matching(session, text))
        named = session.scalars(clients.limit(MOST_CLIENTS + 1)).all()
        by_reference = session.scalars(
            select(Payment.id).where(
                Payment.reference == text, Payment.reference != "", Payment.deleted_at.is_(None)
            )
        ).all()
        one: list[ColumnElement[bool]] = [Payment.client_id.in_(named)]
        if len(named) > MOST_CLIENTS:
            one = matching(session, text)
        where.append(or_(and_(*one), Payment.id.in_(by_reference)) if by_reference else and_(*one))
    return where

"""Cash closing: what a collector took on a day by method, what was counted, and the difference (row T1).

A closing takes the payments that no closing has counted yet, so a day can be closed again for what came
later. A payment that a closing counted is deleted, or gets another method, only by an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.office.company import company_rules
from daemon.office.plan import amount_of
from daemon.office.text import clean
from daemon.rules.calendar import instant, local_date
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.closing import Closing, ClosingLine
from daemon.store.payment import Payment, PaymentMethod


@dataclass(frozen=True, slots=True)
class MethodSum:
    """What came by one method: `expected` minor units in `payments` payments."""

    method_id: int
    method: str
    expected: int
    payments: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a collector took on a day and no closing has counted, by method."""

    day: date
    collector: str
    methods: tuple[MethodSum, ...]

    @property
    def expected(self) -> int:
        """The whole of it."""
        return sum(one.expected for one in self.methods)

    @property
    def payments(self) -> int:
        """How many payments that are."""
        return sum(one.payments for one in self.methods)


@dataclass(frozen=True, slots=True)
class CollectorDay:
    """A collector on a day: all that was taken, and what of it no closing has counted."""

    collector: str
    taken: int
    payments: int
    open: int
    open_payments: int


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A method of a closing."""

    method: str
    expected: int
    counted: int
    payments: int

    @property
    def difference(self) -> int:
        """Counted less expected: below zero, money is missing."""
        return self.counted - self.expected


@dataclass(frozen=True, slots=True)
class ClosingView:
    """A closing with its lines. `deleted` is what payments it counted add up to that were deleted since."""

    id: int
    day: date
    collector: str
    expected: int
    counted: int
    payments: int
    note: str
    closed_at: datetime
    actor: str
    lines: tuple[CountedLine, ...]
    deleted: int

    @property
    def difference(self) -> int:
        """Counted less expected: below zero, money is missing."""
        return self.counted - self.expected


def day_sheet(session: Session, day: date, collector: str) -> Sheet:
    """What a collector's closing of a day would count now."""
    rows = session.execute(
        select(PaymentMethod.id, PaymentMethod.name, func.sum(Payment.amount), func.count())
        .join(Payment, Payment.method_id == PaymentMethod.id)
        .where(*_of(session, day), Payment.actor == collector, *_uncounted())
        .group_by(PaymentMethod.id, PaymentMethod.name)
        .order_by(PaymentMethod.name)
    )
    return Sheet(
        day, collector, tuple(MethodSum(key, name, int(total), count) for key, name, total, count in rows)
    )


def collectors(session: Session, day: date) -> list[CollectorDay]:
    """Who took money on a day, by name."""
    open_amount = func.sum(Payment.amount).filter(Payment.closing_id.is_(None))
    open_count = func.count().filter(Payment.closing_id.is_(None))
    rows = session.execute(
        select(Payment.actor, func.sum(Payment.amount), func.count(), open_amount, open_count)
        .where(*_of(session, day), Payment.deleted_at.is_(None))
        .group_by(Payment.actor)
        .order_by(Payment.actor)
    )
    return [
        CollectorDay(name, int(taken), count, int(waiting or 0), int(waiting_count or 0))
        for name, taken, count, waiting, waiting_count in rows
    ]


def close_day(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    day: date,
    collector: str,
    counted: Mapping[int, str | int],
    note: str = "",
    seen: int | None = None,
) -> int:
    """Close a collector's day; gives the closing's id. `counted`: amount by method id, as typed or in minor
    units, one for each method by which something came.

    A difference needs a note. `seen` is how many payments the person saw: others now are refused, so that
    none slips in uncounted. One's own day needs the right to take payments, another's an administrator.
    """
    actor.check("payment")
    if collector != actor.name:
        actor.check("closing")
    today = local_date(company_rules(session).zone, now)
    if not isinstance(day, date) or isinstance(day, datetime):
        raise Refusal("day", "Type a day, like 2026-03-31")
    if day > today:
        raise Refusal("day", "This day has not come yet")
    sheet = day_sheet(session, day, collector)
    if not sheet.payments:
        raise Refusal("", "There is nothing to close: every payment of this day is counted already")
    if seen is not None and seen != sheet.payments:
        raise Refusal("", "Payments came or went meanwhile: look at the sums again, then close")
    lines, bare = _counted(session, sheet, counted, note)
    total = sum(amount for _, amount in lines)
    row = Closing(
        day=day,
        collector=collector,
        expected=sheet.expected,
        counted=total,
        payments=sheet.payments,
        note=bare,
        closed_at=now,
        actor=actor.name,
    )
    session.add(row)
    session.flush()
    for one, amount in lines:
        session.add(
            ClosingLine(
                closing_id=row.id,
                method_id=one.method_id,
                expected=one.expected,
                counted=amount,
                payments=one.payments,
            )
        )
    session.execute(
        update(Payment)
        .where(*_of(session, day), Payment.actor == collector, *_uncounted())
        .values(closing_id=row.id),
        execution_options={"synchronize_session": False},
    )
    session.flush()
    after = {"day": day, "collector": collector, "expected": sheet.expected, "counted": total, "note": bare}
    change.record(session, actor, now, "closing", row.id, "add", None, after)
    return row.id


def list_closings(session: Session, after: int | None = None, limit: int = 50) -> list[ClosingView]:
    """Closings, newest first; `after` is the id of the last row of the page before."""
    query = select(Closing).order_by(Closing.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(Closing.id < after)
    return _views(session, list(session.scalars(query)))


def get_closing(session: Session, closing_id: int) -> ClosingView:
    """One closing. Refused when there is none."""
    return _views(session, [catalogue.found(session, Closing, closing_id, "closing")])[0]


def _counted(
    session: Session, sheet: Sheet, counted: Mapping[int, str | int], note: str
) -> tuple[list[tuple[MethodSum, int]], str]:
    refusals = Collector()
    lines: list[tuple[MethodSum, int]] = []
    known = {one.method_id for one in sheet.methods}
    for method_id in counted:
        if method_id not in known:
            refusals.add(f"counted_{method_id}", "Nothing came by this method: leave it out")
    for one in sheet.methods:
        field = f"counted_{one.method_id}"
        typed = counted.get(one.method_id, "")
        if typed == "":
            refusals.add(field, say("Count what came by {method}, even if it is 0", method=one.method))
            continue
        with refusals.of(field):
            lines.append((one, amount_of(session, typed, field)))
    bare = ""
    with refusals.of("note"):
        bare = clean(note, "note", 300)
    refusals.settle()
    if not bare and any(amount != one.expected for one, amount in lines):
        raise Refusal("note", "What was counted differs from the register: write why")
    return lines, bare


def _of(session: Session, day: date) -> tuple[Any, Any]:
    zone = company_rules(session).zone
    return Payment.at >= instant(zone, day, 0), Payment.at < instant(zone, day + timedelta(days=1), 0)


def _uncounted() -> tuple[Any, Any]:
    return Payment.deleted_at.is_(None), Payment.closing_id.is_(None)


def _views(session: Session, rows: list[Closing]) -> list[ClosingView]:
    ids = [row.id for row in rows]
    lines: dict[int, list[CountedLine]] = {}
    for line, method in session.execute(
        select(ClosingLine, PaymentMethod.name)
        .join(PaymentMethod, PaymentMethod.id == ClosingLine.method_id)
        .where(ClosingLine.closing_id.in_(ids))
        .order_by(PaymentMethod.name)
    ):
        lines.setdefault(line.closing_id, []).append(
            CountedLine(method, line.expected, line.counted, line.payments)
        )
    deleted: dict[int, int] = {}
    for closing_id, amount in session.execute(
        select(Payment.closing_id, func.sum(Payment.amount))
        .where(Payment.closing_id.in_(ids), Payment.deleted_at.is_not(None))
        .group_by(Payment.closing_id)
    ):
        if closing_id is not None:
            deleted[closing_id] = int(amount)
    return [
        ClosingView(
            row.id,
            row.day,
            row.collector,
            row.expected,
            row.counted,
            row.payments,
            row.note,
            row.closed_at,
            row.actor,
            tuple(lines.get(row.id, ())),
            deleted.get(row.id, 0),
        )
        for row in rows
    ]

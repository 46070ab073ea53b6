"""Rules about what happened to clients and when: suspensions in turn, notices, times, codes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from daemon.office.audit.finding import Finding, Ground, row_of
from daemon.rules.sentence import say
from daemon.store.base import Base
from daemon.store.change import Change
from daemon.store.client import Client
from daemon.store.closing import Closing, ClosingLine
from daemon.store.company import Clock
from daemon.store.invoice import Invoice, InvoiceLine, PassedCycle, Series
from daemon.store.item import Item
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.payment import Payment, Promise
from daemon.store.service import InternetService
from daemon.store.suspension import Standing, Suspension

SKEW = timedelta(minutes=5)
"""How far a clock may have been ahead."""
MINUTE = timedelta(minutes=1)
"""Deeds carry the whole minute they fall in; rows may carry their second."""

_HAPPENED: tuple[tuple[type[Base], tuple[str, ...]], ...] = (
    (Ledger, ("at",)),
    (Payment, ("at", "deleted_at")),
    (Invoice, ("created_at", "settled_at", "voided_at", "forgiven_at")),
    (Suspension, ("at",)),
    (PassedCycle, ("at",)),
    (Promise, ("at", "ended_at")),
    (Client, ("created_at", "retired_at")),
    (Change, ("at",)),
    (Standing, ("reached_at", "since")),
    (Notice, ("off_at", "acknowledged_at")),
)
_AFTER: tuple[tuple[type[Base], str, str], ...] = (
    (Payment, "at", "deleted_at"),
    (Invoice, "created_at", "settled_at"),
    (Invoice, "created_at", "voided_at"),
    (Notice, "on_at", "off_at"),
    (Promise, "at", "ended_at"),
    (Client, "created_at", "retired_at"),
)


def suspensions(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Suspensions and lifts take turns, in order of time; by hand one may follow an automatic one (law 5)."""
    turn: dict[str, Any] = {"partition_by": Suspension.client_id, "order_by": Suspension.id}
    seen = select(
        Suspension.id,
        Suspension.action,
        Suspension.by,
        Suspension.at,
        func.lag(Suspension.action).over(**turn).label("action_before"),
        func.lag(Suspension.by).over(**turn).label("by_before"),
        func.lag(Suspension.at).over(**turn).label("at_before"),
    ).subquery()
    again = and_(
        seen.c.action == "suspend",
        seen.c.action_before == "suspend",
        or_(seen.c.by != "manual", seen.c.by_before != "auto"),
    )
    nothing = and_(
        seen.c.action == "lift", or_(seen.c.action_before.is_(None), seen.c.action_before == "lift")
    )
    query = select(seen.c.id, seen.c.action).where(or_(again, nothing, seen.c.at < seen.c.at_before))
    for row in session.execute(query):
        sentence = (
            say("A suspension of a client who was suspended already, or before what came before it")
            if row.action == "suspend"
            else say("A lift without a suspension before it")
        )
        yield Finding("suspension.order", row_of(Suspension, row.id), sentence)


def notices(session: Session, _ground: Ground) -> Iterator[Finding]:
    """A payment notice is of the client's own unpaid service invoice, and shows only while they are active."""
    query = (
        select(Notice.id, Notice.client_id, Invoice.client_id.label("owner"), Invoice.kind, Notice.off_at)
        .join(Invoice, Invoice.id == Notice.invoice_id)
        .join(Standing, Standing.client_id == Notice.client_id)
        .where(
            or_(
                Notice.client_id != Invoice.client_id,
                Invoice.kind != "service",
                and_(
                    Notice.off_at.is_(None),
                    or_(Invoice.settled_at.is_not(None), Standing.state != "active"),
                ),
            )
        )
    )
    for row in session.execute(query):
        if row.client_id != row.owner or row.kind != "service":
            sentence = say("The notice is not of a service invoice of its client")
        else:
            sentence = say(
                "The notice shows, though nothing is owed on its invoice or the client is not active"
            )
        yield Finding("notice.open", row_of(Notice, row.id), sentence)


def lines_of_others(session: Session, _ground: Ground) -> Iterator[Finding]:
    """A line bills a service of the invoice's own client."""
    query = (
        select(InvoiceLine.id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .join(InternetService, InternetService.id == InvoiceLine.service_id)
        .where(InternetService.client_id != Invoice.client_id)
    )
    for (found,) in session.execute(query):
        yield Finding(
            "line.client", row_of(InvoiceLine, found), say("The line bills a service of another client")
        )


def items(session: Session, _ground: Ground) -> Iterator[Finding]:
    """An item is billed to its own client; a one-off one once, by the invoice that it names (S4)."""
    query = (
        select(InvoiceLine.id, Item.client_id, Invoice.client_id.label("billed"))
        .join(Item, Item.id == InvoiceLine.item_id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(
            or_(
                Item.client_id != Invoice.client_id,
                and_(Item.kind == "one_off", func.coalesce(Item.invoice_id, 0) != InvoiceLine.invoice_id),
            )
        )
    )
    for row in session.execute(query):
        if row.client_id != row.billed:
            sentence = say("The line bills an item of another client")
        else:
            sentence = say("The line bills a one-off item that another invoice bills, or that waits still")
        yield Finding("item.once", row_of(InvoiceLine, row.id), sentence)


def closings(session: Session, ground: Ground) -> Iterator[Finding]:
    """A cash closing is the sum of its methods."""
    of = (
        select(
            ClosingLine.closing_id,
            func.sum(ClosingLine.expected).label("expected"),
            func.sum(ClosingLine.counted).label("counted"),
            func.sum(ClosingLine.payments).label("payments"),
        )
        .group_by(ClosingLine.closing_id)
        .subquery()
    )
    query = (
        select(Closing.id, Closing.counted, of.c.counted.label("sum"))
        .outerjoin(of, of.c.closing_id == Closing.id)
        .where(
            or_(
                func.coalesce(of.c.expected, 0) != Closing.expected,
                func.coalesce(of.c.counted, 0) != Closing.counted,
                func.coalesce(of.c.payments, 0) != Closing.payments,
            )
        )
    )
    for row in session.execute(query):
        sentence = say(
            "Its methods add up to {amount}, the closing says {total}",
            amount=ground.money(row.sum),
            total=ground.money(row.counted),
        )
        yield Finding("closing.sum", row_of(Closing, row.id), sentence)


def futures(session: Session, ground: Ground) -> Iterator[Finding]:
    """What happened has happened: no time of it lies ahead."""
    limit = ground.now + SKEW
    for model, names in _HAPPENED:
        table = model.__table__
        key = next(iter(table.primary_key))
        for name in names:
            for found, at in session.execute(select(key, table.c[name]).where(table.c[name] > limit)):
                sentence = say(
                    "Its time {name} lies in the future: {at}", name=name, at=f"{at:%Y-%m-%d %H:%M} UTC"
                )
                yield Finding("time.future", row_of(model, found), sentence)
    for clock in session.scalars(select(Clock).where(Clock.reached_at > limit)):
        sentence = say(
            "Its time {name} lies in the future: {at}",
            name="reached_at",
            at=f"{clock.reached_at:%Y-%m-%d %H:%M} UTC",
        )
        yield Finding("time.future", row_of(Clock, clock.name), sentence)


def orders(session: Session, _ground: Ground) -> Iterator[Finding]:
    """What ends does not end before it began."""
    for model, first, last in _AFTER:
        table = model.__table__
        key = next(iter(table.primary_key))
        query = select(key, table.c[first], table.c[last]).where(table.c[last] < table.c[first])
        for found, began, ended in session.execute(query):
            if ended < began - MINUTE:
                sentence = say("{last} is before {first}", last=last, first=first)
                yield Finding("time.order", row_of(model, found), sentence)


def formats(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Portal codes are eight digits; what stands before a number can be printed."""
    for client_id, code in session.execute(select(Client.id, Client.portal_code)):
        if not (code.isascii() and code.isdigit() and len(code) == 8):
            sentence = say("The portal code is not eight digits")
            yield Finding("format.code", row_of(Client, client_id), sentence)
    for series in session.scalars(select(Series)):
        if not series.prefix.isprintable() or series.prefix != series.prefix.strip():
            sentence = say("What stands before its numbers cannot be printed")
            yield Finding("format.series", row_of(Series, series.id), sentence)

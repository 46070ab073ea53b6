"""Promises to pay: until a day the client is not cut; the late fee still runs (company limit in days)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.actor import Actor
from daemon.office.company import company_rules
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.calendar import local_date
from daemon.rules.engine import settle
from daemon.rules.event import Event
from daemon.rules.refusal import Refusal
from daemon.store.client import Client
from daemon.store.payment import Promise


def make_promise(session: Session, actor: Actor, now: datetime, client_id: int, until: date) -> int:
    """Write down that a client promised to pay until a day, that day included; gives the promise's id.

    It lifts an automatic suspension at once, never a manual one. A new promise replaces the one before.
    Refused: a day in the past or beyond the company's limit, and a client who owes nothing.
    """
    actor.check("payment")
    catalogue.usable(session, Client, client_id, "client")
    if not isinstance(until, date) or isinstance(until, datetime):
        raise Refusal("until", "Type a day, like 2026-03-31")
    told = standing.move_on(session, now, client_id)
    named: list[int] = []

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        yield from deeds.promise(account, at, until)
        if account.promise is not None:
            named.extend(one.id for one in account.promise.invoices if one.id is not None)

    events = standing.finish(session, actor.name, told, now, deed)
    before = _end_open(session, now, client_id)
    row = Promise(client_id=client_id, at=now, until=until, invoices=named, actor=actor.name)
    session.add(row)
    session.flush()
    after = {"until": until, "reactivated": any(event.kind == "reactivated" for event in events)}
    change.record(session, actor, now, "promise", row.id, "add", before, after, client_id)
    return row.id


def cancel_promise(session: Session, actor: Actor, now: datetime, client_id: int) -> None:
    """Take back a promise written by mistake: the next cut hour decides as if it had not been made."""
    actor.check("payment")
    told = standing.move_on(session, now, client_id)
    if told.account.promise is None:
        raise Refusal("", "This client has no open promise")

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        account.promise = None
        yield from settle(account, at)

    standing.finish(session, actor.name, told, now, deed)
    before = _end_open(session, now, client_id)
    change.record(session, actor, now, "promise", None, "cancel", before, None, client_id)


def list_promises(session: Session, client_id: int, limit: int = 50) -> Sequence[Promise]:
    """Promises of a client, newest first. `ended_at` None is the one that holds now."""
    return session.scalars(
        select(Promise).where(Promise.client_id == client_id).order_by(Promise.id.desc()).limit(limit)
    ).all()


def latest_day(session: Session, now: datetime) -> date:
    """The last day that a promise made now may name."""
    company = company_rules(session)
    return local_date(company.zone, now) + timedelta(days=company.promise_max_days)


def _end_open(session: Session, now: datetime, client_id: int) -> dict[str, object] | None:
    """Close the open promise, if the engine has not done so already; gives what it was."""
    open_one = session.scalars(
        select(Promise).where(Promise.client_id == client_id, Promise.ended_at.is_(None))
    ).first()
    if open_one is None:
        return None
    session.execute(update(Promise).where(Promise.id == open_one.id).values(ended_at=now, broken=False))
    return {"until": open_one.until}

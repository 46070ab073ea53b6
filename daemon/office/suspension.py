"""A person suspends or activates a client (law 5: it stands until a person lifts it)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import change, standing
from daemon.office.actor import Actor
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.event import Event
from daemon.rules.refusal import Refusal, Repeat
from daemon.rules.sentence import Sentence, say
from daemon.store.suspension import Suspension


def suspend(session: Session, actor: Actor, now: datetime, client_id: int, reason: str) -> None:
    """Suspend by hand, with a reason. A client that the clock had cut is from now on cut by hand."""
    actor.check("suspension")
    why = _reason("Suspended by {name}: {reason}", actor, reason)
    events = standing.apply(
        session, actor.name, now, client_id, lambda account, at: deeds.suspend(account, at, why)
    )
    if not events:
        raise Repeat("", "This client is suspended by hand already")
    change.record(session, actor, now, "client", client_id, "suspend", None, {"reason": why}, client_id)


def activate(session: Session, actor: Actor, now: datetime, client_id: int, reason: str) -> None:
    """Activate by hand, with a reason: what is past grace now does not cut again; later invoices do."""
    actor.check("suspension")
    why = _reason("Activated by {name}: {reason}", actor, reason)
    changed = False

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        nonlocal changed
        was = account.state, account.held, [invoice.forgiven for invoice in account.invoices]
        yield from deeds.activate(account, at, why)
        changed = was != (account.state, account.held, [invoice.forgiven for invoice in account.invoices])

    standing.apply(session, actor.name, now, client_id, deed)
    if not changed:
        raise Repeat("", "This client is active already")
    change.record(session, actor, now, "client", client_id, "activate", None, {"reason": why}, client_id)


def list_suspensions(session: Session, client_id: int, limit: int = 100) -> Sequence[Suspension]:
    """What changed a client's state, newest first."""
    return session.scalars(
        select(Suspension)
        .where(Suspension.client_id == client_id)
        .order_by(Suspension.at.desc(), Suspension.id.desc())
        .limit(limit)
    ).all()


def _reason(text: str, actor: Actor, reason: str) -> Sentence:
    bare = " ".join(reason.split())
    if not bare:
        raise Refusal("reason", "Write why: others will ask")
    if len(bare) > 300:
        raise Refusal("reason", say("Write at most {most} characters", most=300))
    return say(text, name=actor.name, reason=bare)

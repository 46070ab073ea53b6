"""Requests: what a person asks of a router. The page writes one, the daemon takes it, does it, answers it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.request import Request
from daemon.store.router import Router

type RequestKind = Literal["plan", "apply", "test", "ping", "confirm"]

KINDS: tuple[RequestKind, ...] = ("plan", "apply", "test", "ping", "confirm")
LOST_AFTER = timedelta(minutes=5)
"""A request taken so long ago and not answered is taken again: its daemon died."""


def ask(session: Session, actor: Actor, now: datetime, kind: RequestKind, router_id: int, **args: Any) -> int:
    """Ask something of a router; gives the request's id. The same wish that still waits is not doubled."""
    actor.check("request" if kind in ("plan", "test", "ping") else "router")
    if kind not in KINDS:
        raise Refusal("kind", say("Choose one of {choices}", choices=", ".join(KINDS)))
    catalogue.usable(session, Router, router_id, "router")
    waiting = session.scalars(
        select(Request).where(
            Request.router_id == router_id,
            Request.kind == kind,
            Request.taken_at.is_(None),
            Request.done_at.is_(None),
        )
    )
    for row in waiting:
        if row.args == args:
            return row.id
    row = Request(at=now, actor=actor.name, kind=kind, router_id=router_id, args=args)
    session.add(row)
    session.flush()
    if kind in ("apply", "confirm"):
        change.record(session, actor, now, "router", router_id, kind, None, args)
    return row.id


def waiting(session: Session, now: datetime, router_id: int | None = None) -> bool:
    """Whether a request waits to be taken: asked in a reading session, so that idle loops write nothing."""
    query = select(Request.id).where(*_free(now)).limit(1)
    if router_id is not None:
        query = query.where(Request.router_id == router_id)
    return session.scalars(query).first() is not None


def take_request(
    session: Session, now: datetime, holder: str, router_ids: Sequence[int] | None = None
) -> Request | None:
    """Take the oldest request that waits (of some routers), or whose taker was lost; None when there is
    none.
    """
    query = select(Request).where(*_free(now)).order_by(Request.id).limit(1).with_for_update(skip_locked=True)
    if router_ids is not None:
        query = query.where(Request.router_id.in_(router_ids))
    row = session.scalars(query).first()
    if row is None:
        return None
    row.taken_at, row.taken_by = now, holder
    session.flush()
    return row


def answer_request(
    session: Session,
    now: datetime,
    request_id: int,
    *,
    result: dict[str, Any] | None = None,
    error: Sentence | str = "",
) -> bool:
    """Answer a request, once: False when it was answered already. An `error` that is a sentence is kept as one."""
    fault = error.as_json() if isinstance(error, Sentence) else None
    done = session.execute(
        update(Request)
        .where(Request.id == request_id, Request.done_at.is_(None))
        .values(done_at=now, result=result, error=str(error), fault=fault)
        .returning(Request.id)
    ).first()
    return done is not None


def get_request(session: Session, request_id: int) -> Request:
    """A request as it stands: waiting (`taken_at` None), taken, or done with `result` or `error`."""
    return catalogue.found(session, Request, request_id, "request")


def list_requests(session: Session, router_id: int | None = None, limit: int = 20) -> Sequence[Request]:
    """The newest requests."""
    query = select(Request).order_by(Request.id.desc()).limit(limit)
    if router_id is not None:
        query = query.where(Request.router_id == router_id)
    return session.scalars(query).all()


def _free(now: datetime) -> list[ColumnElement[bool]]:
    return [Request.done_at.is_(None), or_(Request.taken_at.is_(None), Request.taken_at < now - LOST_AFTER)]

"""The log of changes: written by every deed of a person, read on the page of a client (row X2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from daemon.office.actor import Actor
from daemon.rules.sentence import Sentence
from daemon.store.change import Change

SECRET = frozenset({"password", "password_hash", "password_sealed", "token", "token_hash", "search"})


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as it is listed, newest first."""

    id: int
    at: datetime
    actor: str
    actor_kind: str
    address: str
    noun: str
    noun_id: int | None
    client_id: int | None
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def record(
    session: Session,
    actor: Actor,
    now: datetime,
    noun: str,
    noun_id: int | None,
    action: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    client_id: int | None = None,
) -> None:
    """Write one change. Of two mappings only what differs is kept; secrets are named, never shown."""
    old, new = _readable(before), _readable(after)
    if old is not None and new is not None:
        old, new = (
            {name: value for name, value in old.items() if name not in new or new[name] != value},
            {name: value for name, value in new.items() if name not in old or old[name] != value},
        )
        if before is not None and after is not None:
            for name in SECRET & set(before) & set(after):
                if before[name] != after[name] and name != "search":
                    old[name], new[name] = "(secret)", "(changed)"
    session.execute(
        insert(Change).values(
            at=now,
            actor=actor.name,
            actor_kind=actor.kind,
            address=actor.address,
            noun=noun,
            noun_id=noun_id,
            client_id=client_id,
            action=action,
            before=old,
            after=new,
        )
    )


def list_changes(
    session: Session, client_id: int | None = None, after: int | None = None, limit: int = 50
) -> list[ChangeRow]:
    """The newest changes, of one client or all; `after` is the id of the last row of the page before."""
    query = select(Change).order_by(Change.id.desc()).limit(min(limit, 500))
    if client_id is not None:
        query = query.where(Change.client_id == client_id)
    if after is not None:
        query = query.where(Change.id < after)
    return [
        ChangeRow(
            row.id,
            row.at,
            row.actor,
            row.actor_kind,
            row.address,
            row.noun,
            row.noun_id,
            row.client_id,
            row.action,
            row.before,
            row.after,
        )
        for row in session.scalars(query)
    ]


def columns(row: Any) -> dict[str, Any]:
    """The columns of an ORM row by name: what a change's before and after are made of."""
    return {attribute.key: getattr(row, attribute.key) for attribute in row.__mapper__.column_attrs}


def _readable(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: _plain(value) for name, value in values.items() if name not in SECRET}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Sentence):
        return value.as_json()
    if isinstance(value, bytes):
        return "(secret)"
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value

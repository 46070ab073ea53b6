"""What zones, plans and methods have in common: a name that is theirs alone, and retiring instead of
deleting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.actor import Actor
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say


def checked_name(session: Session, model: Any, name: str, own_id: int | None = None, most: int = 120) -> str:
    """A name, trimmed. Refused when empty, too long, or taken by another row (upper and lower case alike)."""
    bare = " ".join(name.split())
    if not bare:
        raise Refusal("name", "Type a name")
    if len(bare) > most:
        raise Refusal("name", say("Write at most {most} characters", most=most))
    query = select(model.id).where(func.lower(model.name) == bare.lower())
    if own_id is not None:
        query = query.where(model.id != own_id)
    if session.scalars(query.limit(1)).first() is not None:
        raise Refusal("name", say("{name} is taken already: choose another name", name=bare))
    return bare


def found[T](session: Session, model: type[T], key: int, what: str) -> T:
    """The row of a key. Refused when there is none."""
    row = session.get(model, key)
    if row is None:
        raise Refusal(f"{what}_id", say("There is no such {what}", what=what))
    return row


def usable[T](session: Session, model: type[T], key: int, what: str) -> T:
    """The row of a key that is not retired. Refused otherwise."""
    row = found(session, model, key, what)
    if getattr(row, "retired_at", None) is not None:
        raise Refusal(
            f"{what}_id", say("{name} is retired: choose another", name=str(getattr(row, "name", what)))
        )
    return row


def retire_row(session: Session, actor: Actor, now: datetime, noun: str, row: Any, in_use: int) -> None:
    """Retire a row. Refused when it is retired already or something live still uses it."""
    if row.retired_at is not None:
        raise Refusal("", say("{name} is retired already", name=row.name))
    if in_use:
        raise Refusal(
            "", say("{name} is still used by {count}: move them first", name=row.name, count=in_use)
        )
    before = change.columns(row)
    row.retired_at = now
    session.flush()
    change.record(session, actor, now, noun, row.id, "retire", before, change.columns(row))


def restore_row(session: Session, actor: Actor, now: datetime, noun: str, row: Any) -> None:
    """Take a retired row into use again. Refused when it is not retired."""
    if row.retired_at is None:
        raise Refusal("", say("{name} is not retired", name=row.name))
    before = change.columns(row)
    row.retired_at = None
    session.flush()
    change.record(session, actor, now, noun, row.id, "restore", before, change.columns(row))


def listed[T](session: Session, model: type[T], retired: bool) -> Sequence[T]:
    """The rows by name; retired ones only when asked for."""
    columns: Any = model
    query = select(model).order_by(columns.name, columns.id)
    if not retired:
        query = query.where(columns.retired_at.is_(None))
    return session.scalars(query).all()

"""Payment methods: add, edit, retire, list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.store.payment import PaymentMethod


def add_method(session: Session, actor: Actor, now: datetime, *, name: str) -> int:
    """Add a payment method; gives its id."""
    actor.check("catalogue")
    row = PaymentMethod(name=catalogue.checked_name(session, PaymentMethod, name, most=80))
    session.add(row)
    session.flush()
    change.record(session, actor, now, "method", row.id, "add", None, change.columns(row))
    return row.id


def edit_method(session: Session, actor: Actor, now: datetime, method_id: int, *, name: str) -> None:
    """Rename a payment method."""
    actor.check("catalogue")
    row = catalogue.found(session, PaymentMethod, method_id, "method")
    before = change.columns(row)
    row.name = catalogue.checked_name(session, PaymentMethod, name, method_id, most=80)
    session.flush()
    change.record(session, actor, now, "method", method_id, "edit", before, change.columns(row))


def retire_method(session: Session, actor: Actor, now: datetime, method_id: int) -> None:
    """Retire a payment method: payments that came by it keep it, new ones cannot have it."""
    actor.check("catalogue")
    row = catalogue.found(session, PaymentMethod, method_id, "method")
    catalogue.retire_row(session, actor, now, "method", row, 0)


def restore_method(session: Session, actor: Actor, now: datetime, method_id: int) -> None:
    """Offer a retired payment method again."""
    actor.check("catalogue")
    row = catalogue.found(session, PaymentMethod, method_id, "method")
    catalogue.restore_row(session, actor, now, "method", row)


def list_methods(session: Session, retired: bool = False) -> Sequence[PaymentMethod]:
    """Payment methods by name."""
    return catalogue.listed(session, PaymentMethod, retired)

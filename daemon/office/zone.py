"""Zones: add, edit, retire, list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.store.client import Client
from daemon.store.zone import Zone


def add_zone(session: Session, actor: Actor, now: datetime, *, name: str) -> int:
    """Add a zone; gives its id."""
    actor.check("catalogue")
    row = Zone(name=catalogue.checked_name(session, Zone, name))
    session.add(row)
    session.flush()
    change.record(session, actor, now, "zone", row.id, "add", None, change.columns(row))
    return row.id


def edit_zone(session: Session, actor: Actor, now: datetime, zone_id: int, *, name: str) -> None:
    """Rename a zone."""
    actor.check("catalogue")
    row = catalogue.found(session, Zone, zone_id, "zone")
    before = change.columns(row)
    row.name = catalogue.checked_name(session, Zone, name, zone_id)
    session.flush()
    change.record(session, actor, now, "zone", zone_id, "edit", before, change.columns(row))


def retire_zone(session: Session, actor: Actor, now: datetime, zone_id: int) -> None:
    """Retire a zone in which no client lives any more."""
    actor.check("catalogue")
    row = catalogue.found(session, Zone, zone_id, "zone")
    used = session.scalar(select(func.count()).where(Client.zone_id == zone_id, Client.retired_at.is_(None)))
    catalogue.retire_row(session, actor, now, "zone", row, int(used or 0))


def restore_zone(session: Session, actor: Actor, now: datetime, zone_id: int) -> None:
    """Offer a retired zone again."""
    actor.check("catalogue")
    row = catalogue.found(session, Zone, zone_id, "zone")
    catalogue.restore_row(session, actor, now, "zone", row)


def list_zones(session: Session, retired: bool = False) -> Sequence[Zone]:
    """Zones by name."""
    return catalogue.listed(session, Zone, retired)

"""Doing a bulk change, chunk by chunk, and taking it back: each chunk is one short transaction that stands
alone, so that a run that was killed goes on where it stood and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.account import Office, load, office_of, settings_of
from daemon.office.actor import Actor
from daemon.office.bulk.preview import own_of
from daemon.office.bulk.wish import Filter, Wish, count_meant, meant, own_values
from daemon.office.journal import save
from daemon.office.told import Told
from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.billing import Settings
from daemon.rules.calendar import whole_minute
from daemon.rules.engine import advance, cut_freely
from daemon.rules.event import Event
from daemon.rules.refusal import Refusal
from daemon.store.billing import Billing
from daemon.store.bulk_change import BulkChange, BulkChangeClient
from daemon.store.client import Client
from daemon.store.engine import Store
from daemon.store.suspension import Standing

CHUNK = 50


@dataclass(frozen=True, slots=True)
class BulkClient:
    """What a bulk change did to one client: stored values by name, before and after."""

    client_id: int
    client: str
    before: dict[str, Any]
    after: dict[str, Any]
    outcome: str


def ask_bulk(session: Session, actor: Actor, now: datetime, wish: Wish, filter: Filter) -> int:
    """Ask for a bulk change; gives its id. It is carried out by `run_bulk`, which the daemon calls."""
    actor.check("bulk")
    total = count_meant(session, filter)
    if not total:
        raise Refusal("", "No client is meant: change the filter")
    row = BulkChange(at=now, actor=actor.as_json(), filter=filter.as_json(), wish=wish.as_json(), total=total)
    session.add(row)
    session.flush()
    after = {"filter": filter.as_json(), "wish": wish.as_json(), "clients": total}
    change.record(session, actor, now, "bulk", row.id, "ask", None, after)
    return row.id


def undo_bulk(session: Session, actor: Actor, now: datetime, bulk_id: int) -> None:
    """Ask that a bulk change be taken back: every value it changed and that was not changed since is what it
    was before. One that is still under way stops first.
    """
    actor.check("bulk")
    row = catalogue.found(session, BulkChange, bulk_id, "bulk")
    if row.undo_at is not None:
        raise Refusal("", "This change was taken back already")
    row.undo_at, row.undo_actor = now, actor.as_json()
    row.done_at = row.done_at or now
    session.flush()
    change.record(session, actor, now, "bulk", bulk_id, "undo", None, {"clients": row.changed})


def run_bulk(store: Store, now: datetime, *, chunks: int | None = None) -> int:
    """Carry out what was asked for, oldest first; gives how many clients were changed. `chunks`: at most so
    many, for a page that begins the work itself.
    """
    done = 0
    while chunks is None or chunks > 0:
        with store.read() as session:
            waiting = _first_open(session)
        if waiting is None:
            return done
        with store.write() as session:
            done += _step(session, now, waiting)
        chunks = None if chunks is None else chunks - 1
    return done


def bulk_waits(session: Session) -> bool:
    """Whether a bulk change is under way, or its undoing."""
    return _first_open(session) is not None


def get_bulk(session: Session, bulk_id: int) -> BulkChange:
    """A bulk change and how far it is. Refused when there is none."""
    return catalogue.found(session, BulkChange, bulk_id, "bulk")


def list_bulk(session: Session, after: int | None = None, limit: int = 25) -> Sequence[BulkChange]:
    """Bulk changes, newest first; `after` is the id of the last row of the page before."""
    query = select(BulkChange).order_by(BulkChange.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(BulkChange.id < after)
    return session.scalars(query).all()


def bulk_clients(session: Session, bulk_id: int, after: int = 0, limit: int = 50) -> list[BulkClient]:
    """Whom a bulk change changed, by client id; `after` is the last one of the page before."""
    rows = session.execute(
        select(BulkChangeClient, Client.name)
        .join(Client, Client.id == BulkChangeClient.client_id)
        .where(BulkChangeClient.bulk_id == bulk_id, BulkChangeClient.client_id > after)
        .order_by(BulkChangeClient.client_id)
        .limit(min(limit, 200))
    )
    return [BulkClient(row.client_id, name, row.before, row.after, row.outcome) for row, name in rows]


def _first_open(session: Session) -> int | None:
    return session.scalars(
        select(BulkChange.id)
        .where(
            BulkChange.done_at.is_(None) | (BulkChange.undo_at.is_not(None) & BulkChange.undone_at.is_(None))
        )
        .order_by(BulkChange.id)
        .limit(1)
    ).first()


def _step(session: Session, now: datetime, bulk_id: int) -> int:
    """One chunk of a bulk change, or of its undoing."""
    row = session.get_one(BulkChange, bulk_id, with_for_update=True)
    if row.done_at is None:
        return _do(session, now, row)
    if row.undo_at is not None and row.undone_at is None:
        return _undo(session, now, row)
    return 0  # another process was quicker


def _do(session: Session, now: datetime, bulk: BulkChange) -> int:
    wish, actor = Wish.from_json(bulk.wish), Actor.from_json(bulk.actor)
    query = meant(Filter.from_json(bulk.filter), Client.id).where(Client.id > bulk.reached_id)
    ids = session.scalars(query.order_by(Client.id).limit(CHUNK)).all()
    if not ids:
        bulk.done_at = now
        return 0
    bulk.reached_id, bulk.done = ids[-1], bulk.done + len(ids)
    owned = own_of(session, ids)
    wanted: dict[int, dict[str, Any]] = {}
    for client_id in ids:
        own = own_values(owned.get(client_id))
        after = wish.on(own)
        changed = {name: value for name, value in after.items() if own[name] != value}
        if changed:
            wanted[client_id] = changed
            session.add(
                BulkChangeClient(
                    bulk_id=bulk.id,
                    client_id=client_id,
                    before={name: own[name] for name in changed},
                    after=changed,
                )
            )
    bulk.changed += len(wanted)
    session.flush()
    _put(session, actor, now, wanted, bulk.id, "bulk")
    return len(wanted)


def _undo(session: Session, now: datetime, bulk: BulkChange) -> int:
    actor = Actor.from_json(bulk.undo_actor or bulk.actor)
    rows = session.scalars(
        select(BulkChangeClient)
        .where(BulkChangeClient.bulk_id == bulk.id, BulkChangeClient.client_id > bulk.undo_reached_id)
        .order_by(BulkChangeClient.client_id)
        .limit(CHUNK)
    ).all()
    if not rows:
        bulk.undone_at = now
        return 0
    bulk.undo_reached_id = rows[-1].client_id
    owned = own_of(session, [row.client_id for row in rows])
    wanted: dict[int, dict[str, Any]] = {}
    for row in rows:
        own = own_values(owned.get(row.client_id))
        back = {name: row.before[name] for name, value in row.after.items() if own[name] == value}
        if back:
            wanted[row.client_id] = back
        row.outcome = "undone" if len(back) == len(row.after) else "partly" if back else "kept"
        bulk.undone += bool(back)
        bulk.kept += len(back) < len(row.after)
    session.flush()
    _put(session, actor, now, wanted, bulk.id, "bulk_undo")
    return len(wanted)


def _put(
    session: Session,
    actor: Actor,
    now: datetime,
    wanted: Mapping[int, dict[str, Any]],
    bulk_id: int,
    action: str,
) -> None:
    """Give clients these values of their own, and derive at once what follows, as `edit_billing` does."""
    if not wanted:
        return
    minute = whole_minute(now)
    office = office_of(session)
    behind = set(
        session.scalars(
            select(Standing.client_id).where(Standing.client_id.in_(list(wanted)), Standing.next_at < minute)
        )
    )
    together: list[Told] = []
    for client_id, one in load(session, [key for key in wanted if key not in behind], office).items():
        told = Told(one, list(advance(one.account, minute, cut_freely)))
        if told.events:
            behind.add(client_id)  # what was cached about it was old: it goes the long way
        else:
            together.append(told)
    for told in together:
        settings = _write(session, actor, now, office, told.account.client, wanted, bulk_id, action)
        told.events = list(deeds.change_settings(told.account, minute, settings))
    save(session, actor.name, together)
    for client_id in sorted(behind):
        moved = standing.move_on(session, now, client_id)
        settings = _write(session, actor, now, office, client_id, wanted, bulk_id, action)
        standing.finish(session, actor.name, moved, now, _changing(settings))


def _changing(settings: Settings) -> Callable[[Account, datetime], Iterator[Event]]:
    return lambda account, at: deeds.change_settings(account, at, settings)


def _write(
    session: Session,
    actor: Actor,
    now: datetime,
    office: Office,
    client_id: int,
    wanted: Mapping[int, dict[str, Any]],
    bulk_id: int,
    action: str,
) -> Settings:
    row = session.scalars(select(Billing).where(Billing.client_id == client_id)).first()
    before = own_values(row)
    if row is None:
        row = Billing(client_id=client_id)
        session.add(row)
    for name, value in wanted[client_id].items():
        setattr(row, name, value)
    session.flush()
    after = own_values(row)
    change.record(
        session, actor, now, "billing", row.id, action, before, after | {"bulk": bulk_id}, client_id
    )
    return settings_of(office, after)

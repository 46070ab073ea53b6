"""Surprising cuts are held until a person confirms them (law 6).

All cuts of one moment are decided together, once, before the first of them, and the decision is a row: a
run that was killed half way finds it and decides nothing anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.account import Office
from daemon.office.actor import Actor
from daemon.rules.calendar import local_date, local_text
from daemon.rules.engine import Hold, cut_freely
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.client import Client
from daemon.store.suspension import CutRun, HeldCut, Standing, Suspension

SURPRISING_SHARE = 20
"""One in so many: more than 5 % of the active clients …"""
SURPRISING_COUNT = 10
"""… and more than so many clients."""


@dataclass(frozen=True, slots=True)
class HeldRun:
    """Cuts of one moment that wait for a person: how many still do, and why they were held."""

    id: int
    at: datetime
    candidates: int
    waiting: int
    sentence: Sentence | None


def hold_rule(session: Session, office: Office) -> Hold:
    """The decisions that were made, asked for as they are needed; None for a moment nobody has decided."""
    if not office.hold_cuts:
        return cut_freely
    return lambda moment: session.scalar(select(CutRun.held).where(CutRun.at == moment))


def decisions(session: Session, office: Office, until: datetime) -> dict[datetime, bool]:
    """The decisions about cuts that may still bear on an account, before an instant."""
    if not office.hold_cuts:
        return {}
    first = session.scalar(
        select(Standing.next_cut_at)
        .where(Standing.next_cut_at.is_not(None))
        .order_by(Standing.next_cut_at)
        .limit(1)
    )
    if first is None:
        return {}
    rows = session.execute(select(CutRun.at, CutRun.held).where(CutRun.at >= first, CutRun.at < until))
    return {row.at: row.held for row in rows}


def undecided(session: Session, office: Office, until: datetime) -> datetime | None:
    """The earliest moment of cuts before an instant that nobody has decided."""
    if not office.hold_cuts:
        return None
    known = select(CutRun.at).scalar_subquery()
    return session.scalar(
        select(Standing.next_cut_at)
        .where(Standing.next_cut_at < until, Standing.state == "active", Standing.next_cut_at.not_in(known))
        .order_by(Standing.next_cut_at)
        .limit(1)
    )


def decide(session: Session, office: Office, moment: datetime, now: datetime) -> CutRun:
    """The decision about the cuts of a moment, made now if there is none yet.

    Every account has been moved on to the moment before: law 1 holds only if the count is whole.
    """
    found = session.scalars(select(CutRun).where(CutRun.at == moment)).first()
    if found is not None:
        return found
    candidates = session.scalar(
        select(func.count()).where(
            Standing.next_cut_at == moment, Standing.state == "active", Standing.held.is_(False)
        )
    )
    count = int(candidates or 0)
    of = _active_at(session, office, moment)
    held = office.hold_cuts and count > SURPRISING_COUNT and count * SURPRISING_SHARE > of
    sentence = say(
        "{count} of {active} active clients would be cut at {moment}: more than expected. "
        "Look at the list, then confirm",
        count=count,
        active=of,
        moment=local_text(office.company.zone, moment),
    )
    run = CutRun(
        at=moment,
        candidates=count,
        active=of,
        held=held,
        sentence=sentence.as_json() if held else None,
        decided_at=now,
    )
    session.add(run)
    session.flush()
    return run


def _active_at(session: Session, office: Office, moment: datetime) -> int:
    """How many clients were active at a moment, whatever some of them did since (law 1)."""
    active = int(session.scalar(select(func.count()).where(Standing.state == "active")) or 0)
    today = local_date(office.company.zone, moment)
    later = select(func.count()).select_from(Client).join(Standing, Standing.client_id == Client.id)
    active -= int(session.scalar(later.where(Client.since > today, Standing.state == "active")) or 0)
    since: dict[int, tuple[str, str]] = {}
    for row in session.execute(
        select(Suspension.client_id, Suspension.action, Standing.state)
        .join(Standing, Standing.client_id == Suspension.client_id)
        .where(Suspension.at > moment)
        .order_by(Suspension.id)
    ):
        since.setdefault(row.client_id, (row.action, row.state))
    for action, state in since.values():
        active += (action == "suspend") - (state == "active")
    return active


def list_held(session: Session) -> list[HeldRun]:
    """The runs of cuts that wait for a person, oldest first; those where nobody waits any more are left
    out.
    """
    rows = session.execute(
        select(CutRun, func.count(HeldCut.id))
        .join(HeldCut, HeldCut.run_id == CutRun.id)
        .where(CutRun.held, CutRun.confirmed_at.is_(None), HeldCut.released_at.is_(None))
        .group_by(CutRun.id)
        .order_by(CutRun.at)
    )
    return [
        HeldRun(run.id, run.at, run.candidates, count, Sentence.from_json(run.sentence))
        for run, count in rows
    ]


def held_clients(session: Session, run_id: int, after: int = 0, limit: int = 100) -> list[tuple[int, str]]:
    """(client id, name) of those whose cut waits in a run, by id, `after` the last one of the page before."""
    rows = session.execute(
        select(Client.id, Client.name)
        .join(HeldCut, HeldCut.client_id == Client.id)
        .where(HeldCut.run_id == run_id, HeldCut.released_at.is_(None), Client.id > after)
        .order_by(Client.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]


def confirm_held(session: Session, actor: Actor, now: datetime, run_id: int) -> int:
    """Confirm a held run of cuts: the billing run carries it out at once. Gives how many clients wait in
    it.
    """
    actor.check("suspension")
    run = session.get(CutRun, run_id)
    if run is None or not run.held:
        raise Refusal("run_id", "There is no held run of cuts with this number")
    if run.confirmed_at is not None:
        raise Refusal("run_id", "These cuts were confirmed already")
    session.execute(
        update(CutRun).where(CutRun.id == run_id).values(confirmed_at=now, confirmed_by=actor.name)
    )
    waiting = session.scalar(
        select(func.count()).where(HeldCut.run_id == run_id, HeldCut.released_at.is_(None))
    )
    change.record(session, actor, now, "cut_run", run_id, "confirm", None, {"at": run.at, "waiting": waiting})
    return int(waiting or 0)

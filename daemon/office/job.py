"""Long work done aside: asked for by a person, done by the daemon's worker, its file kept for some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.actor import Actor
from daemon.office.told import table_of
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.job import Job

#: How long a file may be fetched.
KEPT = timedelta(days=7)
#: Jobs that may wait or run at once.
MOST_OPEN = 10
#: A job that brought its worker down so often is not begun again.
MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown. `state`: waiting, running, done, failed, cancelled, expired; `share` is 0 to 100."""

    id: int
    kind: str
    args: dict[str, Any]
    actor: str
    asked_at: datetime
    state: str
    done: int
    total: int
    share: int
    fault: Sentence | None
    file: str
    name: str
    size: int
    expires_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")


def ask(session: Session, actor: Actor, now: datetime, kind: str, args: dict[str, Any]) -> int:
    """Write down that work is wanted; gives its id. What waits or runs already is not asked for twice.

    The caller has checked the actor's right and the arguments.
    """
    waiting = session.scalars(select(Job).where(Job.done_at.is_(None)).order_by(Job.id)).all()
    for row in waiting:
        if row.kind == kind and row.args == args and row.cancelled_at is None:
            return row.id
    if len(waiting) >= MOST_OPEN:
        raise Refusal(
            "", say("{count} jobs wait already: let these end first, or cancel some", count=len(waiting))
        )
    row = Job(kind=kind, args=args, actor=actor.name, asked_at=now)
    session.add(row)
    session.flush()
    change.record(session, actor, now, "job", row.id, "ask", None, {"kind": kind} | args)
    return row.id


def list_jobs(session: Session, kind: str, limit: int = 20) -> list[JobView]:
    """The newest jobs of a kind."""
    rows = session.scalars(select(Job).where(Job.kind == kind).order_by(Job.id.desc()).limit(limit))
    return [_view(row) for row in rows]


def get_job(session: Session, job_id: int) -> JobView:
    """A job. Refused when there is none."""
    return _view(_found(session, job_id))


def cancel(session: Session, actor: Actor, now: datetime, job_id: int) -> None:
    """Call a job off. One that runs stops at its next step and leaves nothing."""
    actor.check("invoice")
    row = _found(session, job_id)
    if row.done_at is not None:
        raise Refusal("", "This job has ended already")
    if row.cancelled_at is not None:
        return
    row.cancelled_at = now
    if row.taken_at is None:
        row.done_at = now
    session.flush()
    change.record(session, actor, now, "job", job_id, "stop", None, {"kind": row.kind} | row.args)


def take(session: Session, now: datetime, owner: str) -> int | None:
    """The next job for the life `owner` of the daemon, marked as taken; None when nothing is to do.

    Jobs of another life were left half-way, since one daemon at a time runs on a home: they are begun again,
    `MOST_ATTEMPTS` times at most.
    """
    rows = session.scalars(
        select(Job).where(Job.done_at.is_(None), Job.owner != owner).order_by(Job.id).with_for_update()
    )
    for row in rows:
        if row.cancelled_at is not None:
            row.done_at = now
        elif row.attempts >= MOST_ATTEMPTS:
            row.done_at = now
            row.fault = say(
                "This broke off {count} times: ask for less at once", count=row.attempts
            ).as_json()
        else:
            row.taken_at, row.owner, row.done = now, owner, 0
            row.attempts += 1
            session.flush()
            return row.id
    session.flush()
    return None


def let_go(session: Session, job_id: int, owner: str) -> None:
    """The worker of a job died: it may be taken again."""
    _update(session, job_id, owner, owner="")


def progress(session: Session, job_id: int, owner: str, done: int, total: int) -> bool:
    """Write down how far a job is; False when it is not to go on: cancelled, or in other hands."""
    table = table_of(Job)
    going = table.c.cancelled_at.is_(None)
    return _update(session, job_id, owner, going, done=done, total=total)


def finish(
    session: Session, now: datetime, job_id: int, owner: str, *, file: str, name: str, size: int
) -> bool:
    """A job has its file; False when it was cancelled meanwhile or is in other hands, and the file is not wanted."""
    table = table_of(Job)
    going = table.c.cancelled_at.is_(None)
    return _update(
        session, job_id, owner, going,
        done_at=now, done=table.c.total, file=file, name=name, size=size, expires_at=now + KEPT,
    )  # fmt: skip


def stop(session: Session, now: datetime, job_id: int, owner: str, fault: Sentence | None) -> None:
    """A job ends without a file: cancelled (no fault), or it cannot be done."""
    _update(session, job_id, owner, done_at=now, fault=fault.as_json() if fault else None)


def expire(session: Session, now: datetime) -> list[str]:
    """Forget the files whose time is over; gives their names, for the caller to remove."""
    rows = session.scalars(select(Job).where(Job.file != "", Job.expires_at <= now)).all()
    names = [row.file for row in rows]
    for row in rows:
        row.file = ""
    session.flush()
    return names


def known_files(session: Session) -> set[str]:
    """The files that jobs still have."""
    return set(session.scalars(select(Job.file).where(Job.file != "")))


def _update(session: Session, job_id: int, holder: str, *more: Any, **values: Any) -> bool:
    table = table_of(Job)
    found: Sequence[Any] = session.execute(
        update(table)
        .where(table.c.id == job_id, table.c.owner == holder, table.c.done_at.is_(None), *more)
        .values(**values)
        .returning(table.c.id)
    ).all()
    return bool(found)


def _found(session: Session, job_id: int) -> Job:
    row = session.get(Job, job_id)
    if row is None:
        raise Refusal("job_id", say("There is no such {what}", what="job"))
    return row


def _view(row: Job) -> JobView:
    if row.done_at is None:
        state = "running" if row.taken_at is not None and row.owner else "waiting"
    elif row.fault is not None:
        state = "failed"
    elif row.cancelled_at is not None:
        state = "cancelled"
    else:
        state = "done" if row.file else "expired"
    share = 100 * row.done // row.total if row.total else 0
    return JobView(
        row.id, row.kind, row.args, row.actor, row.asked_at, state, row.done, row.total, share,
        Sentence.from_json(row.fault), row.file, row.name, row.size, row.expires_at,
    )  # fmt: skip

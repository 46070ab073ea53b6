"""Audits that a person asks for on a page: a row each, filled in by the process that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from daemon.office.actor import Actor
from daemon.office.audit import RULES, Finding, findings
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence
from daemon.store.audit import AuditRun
from daemon.store.engine import Store

type Clock = Callable[[], datetime]

SILENT = timedelta(minutes=10)
"""A process that gave no sign of life for so long is gone. One rule takes seconds, on the largest stores a minute."""
KEPT_RUNS = 20
KEPT_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class RunView:
    """An audit as the page shows it. `state`: running, lost (its process is gone), failed, done."""

    id: int
    at: datetime
    actor: str
    state: str
    done: int
    rules: int
    done_at: datetime | None
    found: int
    findings: tuple[tuple[str, str, Sentence | None], ...]
    """(rule, row, sentence) of the first of them."""
    error: str


def begin_run(session: Session, actor: Actor, now: datetime) -> int:
    """Write down that an audit is asked for; gives its number. Refused while another one runs."""
    actor.check("company")
    last = last_run(session, now)
    if last is not None and last.state == "running":
        raise Refusal("", "An audit runs already: wait for its result")
    row = AuditRun(at=now, actor=actor.name, seen_at=now, rules=len(RULES))
    session.add(row)
    session.flush()
    old = select(AuditRun.id).order_by(AuditRun.id.desc()).offset(KEPT_RUNS)
    session.execute(delete(AuditRun).where(AuditRun.id.in_(session.scalars(old).all())))
    return row.id


def do_run(store: Store, run_id: int, clock: Clock) -> list[Finding]:
    """Do an audit that was asked for, in the process that calls: progress and result go into its row."""

    def tell(done: int, of: int) -> None:
        with store.write() as session:
            session.execute(
                update(AuditRun).where(AuditRun.id == run_id).values(done=done, rules=of, seen_at=clock())
            )

    found = findings(store, clock(), tell)
    with store.write() as session:
        session.execute(
            update(AuditRun)
            .where(AuditRun.id == run_id)
            .values(
                done_at=clock(),
                seen_at=clock(),
                found=len(found),
                result=[one.stored() for one in found[:KEPT_FINDINGS]],
            )
        )
    return found


def fail_run(session: Session, now: datetime, run_id: int, error: str) -> None:
    """Write down that an audit could not be done, and why."""
    session.execute(
        update(AuditRun).where(AuditRun.id == run_id).values(done_at=now, seen_at=now, error=error[:2000])
    )


def last_run(session: Session, now: datetime) -> RunView | None:
    """The newest audit; None before the first."""
    row = session.scalars(select(AuditRun).order_by(AuditRun.id.desc()).limit(1)).first()
    return _view(row, now) if row is not None else None


def list_runs(session: Session, now: datetime, limit: int = KEPT_RUNS) -> Sequence[RunView]:
    """The newest audits."""
    rows = session.scalars(select(AuditRun).order_by(AuditRun.id.desc()).limit(limit))
    return [_view(row, now) for row in rows]


def _view(row: AuditRun, now: datetime) -> RunView:
    if row.done_at is not None:
        state = "failed" if row.error else "done"
    else:
        state = "lost" if now - row.seen_at > SILENT else "running"
    kept = tuple((one["rule"], one["row"], Sentence.from_json(one["sentence"])) for one in row.result or ())
    return RunView(
        row.id, row.at, row.actor, state, row.done, row.rules, row.done_at, row.found or 0, kept, row.error
    )

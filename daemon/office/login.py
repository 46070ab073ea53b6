"""Logging in: argon2, throttled by user and by address, also under guesses side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.actor import Actor
from daemon.office.staff import NOBODY, PASSWORDS, open_session, role_of, verified
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say
from daemon.store.engine import Store
from daemon.store.staff import LoginAttempt, Staff

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)
ADDRESS_FACTOR = 4
"""An address may be an office's: it is given more failures than one user name."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login under way: who it may be, the hash to verify, and the rows that count it as failed until it is
    not.
    """

    user: str
    staff_id: int | None
    stored: str
    counted: tuple[int, ...]


def login(
    store: Store, now: datetime, *, user: str, password: str, address: str, agent: str = ""
) -> str | Refusal:
    """Log in: a session token, or the Refusal to show.

    After five failures for a user (twenty for an address) there is a wait that doubles with each one, up to
    15 minutes; while it lasts even the right password is not looked at. The attempt is counted as a failure
    before the password is looked at, so that guesses side by side are not more than guesses one by one; and
    it is looked at between two short transactions, so that nobody waits for argon2 to write.
    """
    with store.write() as session:
        attempt = begin_login(session, now, user=user, address=address)
    if isinstance(attempt, Refusal):
        return attempt
    if not verified(attempt.stored, password) or attempt.staff_id is None:
        return _wrong()
    fresh = PASSWORDS.hash(password) if PASSWORDS.check_needs_rehash(attempt.stored) else None
    with store.write() as session:
        return _succeed(session, now, attempt, fresh, address, agent)


def begin_login(session: Session, now: datetime, *, user: str, address: str) -> Attempt | Refusal:
    """Count an attempt as failed, or say how long to wait before the next one."""
    bare = user.strip().lower()[:64]
    keys = {f"user:{bare}": FREE_FAILURES, f"address:{address}": FREE_FAILURES * ADDRESS_FACTOR}
    if session.get_bind().dialect.name == "postgresql":
        for key in sorted(keys):  # SQLite has one writer anyway
            session.execute(select(func.pg_advisory_xact_lock(func.hashtext(key))))
    wait = max(_wait(session, now, key, free) for key, free in keys.items())
    if wait > timedelta(0):
        return Refusal(
            "", say("Too many failed logins: wait {seconds} seconds", seconds=int(wait.total_seconds()) + 1)
        )
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - timedelta(days=1)))
    counted = [LoginAttempt(key=key, at=now, ok=False) for key in keys]
    session.add_all(counted)
    session.flush()
    row = session.scalars(select(Staff).where(Staff.user == bare, Staff.disabled_at.is_(None))).first()
    stored = row.password_hash if row is not None else NOBODY
    return Attempt(bare, row.id if row is not None else None, stored, tuple(one.id for one in counted))


def _succeed(
    session: Session, now: datetime, attempt: Attempt, fresh: str | None, address: str, agent: str
) -> str | Refusal:
    """Take the count back and open the session, unless the account changed while the password was looked at."""
    row = session.get(Staff, attempt.staff_id)
    if row is None or row.disabled_at is not None or row.password_hash != attempt.stored:
        return _wrong()
    session.execute(
        delete(LoginAttempt).where(
            or_(LoginAttempt.key == f"user:{attempt.user}", LoginAttempt.id.in_(attempt.counted))
        )
    )
    if fresh is not None:
        row.password_hash = fresh
    token = open_session(session, now, row.id, address=address, agent=agent)
    change.record(
        session, Actor("staff", row.id, row.name, role_of(row), address), now, "staff", row.id, "login"
    )
    return token


def _wait(session: Session, now: datetime, key: str, free: int) -> timedelta:
    failures = session.execute(
        select(func.count(), func.max(LoginAttempt.at)).where(
            LoginAttempt.key == key, LoginAttempt.ok.is_(False), LoginAttempt.at > now - FORGOTTEN
        )
    ).one()
    count, last = int(failures[0]), failures[1]
    if count < free or last is None:
        return timedelta(0)
    wait: timedelta = min(FIRST_WAIT * int(2 ** min(count - free, 10)), LONGEST_WAIT)
    left: timedelta = last + wait - now
    return max(timedelta(0), left)


def _wrong() -> Refusal:
    return Refusal("", "The user or the password is wrong")

"""Staff: add, log in and out, sessions, passwords. Argon2, throttled by user and by address."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import ROLES, Actor, Role
from daemon.office.text import clean
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.staff import LoginAttempt, Staff, StaffSession

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)
ADDRESS_FACTOR = 4
"""An address may be an office's: it is given more failures than one user name."""
IDLE = timedelta(hours=12)
LIFE = timedelta(days=14)
SHORTEST = 10

PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""How passwords are hashed: argon2id."""
# Verified for unknown users too, so that the time of an answer does not tell who exists.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Zmll5H8dGp9dVnDyiwXzXrSMTtCgGLjkLRgYMsdUrlY"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An open session of a member of staff."""

    id: int
    staff_id: int
    user: str
    created_at: datetime
    seen_at: datetime
    address: str
    agent: str


def add_staff(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    user: str,
    name: str,
    password: str,
    role: Role,
    locale: str = "",
) -> int:
    """Add a member of staff; gives the id. Users are in lower case, passwords have 10 characters or more."""
    actor.check("staff")
    refusals = Collector()
    bare = user.strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,63}", bare, re.ASCII):
        refusals.add("user", "A user name has 2 to 64 small letters, digits, points or dashes")
    elif session.scalars(select(Staff.id).where(Staff.user == bare)).first() is not None:
        refusals.add("user", say("{user} is taken already: choose another name", user=bare))
    shown = ""
    with refusals.of("name"):
        shown = clean(name, "name", 120) or bare
    with refusals.of("password"):
        _check_password(password, bare)
    if role not in ROLES:
        refusals.add("role", say("Choose one of {choices}", choices=", ".join(ROLES)))
    if locale not in ("", "es", "en"):
        refusals.add("locale", "Choose es or en")
    refusals.settle()
    row = Staff(
        user=bare,
        name=shown,
        password_hash=PASSWORDS.hash(password),
        role=role,
        locale=locale,
        password_changed_at=now,
    )
    session.add(row)
    session.flush()
    change.record(session, actor, now, "staff", row.id, "add", None, change.columns(row))
    return row.id


def list_staff(session: Session, disabled: bool = False) -> Sequence[Staff]:
    """Members of staff by user name."""
    query = select(Staff).order_by(Staff.user)
    if not disabled:
        query = query.where(Staff.disabled_at.is_(None))
    return session.scalars(query).all()


def disable_staff(session: Session, actor: Actor, now: datetime, staff_id: int) -> None:
    """Shut someone out: sessions end at once, the name stays in the log. The last administrator stays."""
    actor.check("staff")
    row = catalogue.found(session, Staff, staff_id, "staff")
    others = session.scalar(
        select(func.count()).where(Staff.role == "admin", Staff.disabled_at.is_(None), Staff.id != staff_id)
    )
    if row.role == "admin" and not others:
        raise Refusal("", "The last administrator cannot be shut out: add another first")
    before = change.columns(row)
    row.disabled_at = now
    session.flush()
    _end_sessions(session, now, staff_id)
    change.record(session, actor, now, "staff", staff_id, "disable", before, change.columns(row))


def login(
    session: Session, now: datetime, *, user: str, password: str, address: str, agent: str = ""
) -> str | Refusal:
    """Log in: a session token, or the Refusal to show.

    A refusal is returned, not raised, so that the failed attempt it counts is committed. After five
    failures for a user (twenty for an address) there is a wait that doubles with each one, up to 15
    minutes; while it lasts even the right password is not looked at.
    """
    bare = user.strip().lower()[:64]
    keys = {f"user:{bare}": FREE_FAILURES, f"address:{address}": FREE_FAILURES * ADDRESS_FACTOR}
    wait = max(_wait(session, now, key, free) for key, free in keys.items())
    if wait > timedelta(0):
        return Refusal(
            "", say("Too many failed logins: wait {seconds} seconds", seconds=int(wait.total_seconds()) + 1)
        )
    row = session.scalars(select(Staff).where(Staff.user == bare)).first()
    good = _verified(row.password_hash if row is not None else _NOBODY, password)
    if row is None or row.disabled_at is not None or not good:
        session.add_all(LoginAttempt(key=key, at=now, ok=False) for key in keys)
        session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - timedelta(days=1)))
        session.flush()
        return Refusal("", "The user or the password is wrong")
    session.execute(delete(LoginAttempt).where(LoginAttempt.key == f"user:{bare}"))
    if PASSWORDS.check_needs_rehash(row.password_hash):
        row.password_hash = PASSWORDS.hash(password)
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=_hash(token),
            staff_id=row.id,
            created_at=now,
            seen_at=now,
            address=address[:45],
            agent=agent[:200],
        )
    )
    session.flush()
    actor = Actor("staff", row.id, row.name, _role(row), address)
    change.record(session, actor, now, "staff", row.id, "login")
    return token


def session_actor(session: Session, now: datetime, token: str, address: str = "") -> Actor | None:
    """Who a token belongs to; None when it is unknown, ended, idle for 12 hours, older than 14 days, or
    shut out.

    Reads only; `touch_session` says that it is in use.
    """
    found = session.execute(
        select(StaffSession, Staff)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(StaffSession.token_hash == _hash(token))
    ).first()
    if found is None:
        return None
    row, staff = found
    if row.revoked_at is not None or staff.disabled_at is not None:
        return None
    if now - row.seen_at > IDLE or now - row.created_at > LIFE:
        return None
    return Actor("staff", staff.id, staff.name, _role(staff), address or row.address)


def session_is_stale(session: Session, now: datetime, token: str) -> bool:
    """Whether `touch_session` is worth a write: not seen for five minutes."""
    seen = session.scalar(select(StaffSession.seen_at).where(StaffSession.token_hash == _hash(token)))
    return seen is not None and now - seen > timedelta(minutes=5)


def touch_session(session: Session, now: datetime, token: str) -> None:
    """Remember that a session is in use."""
    session.execute(update(StaffSession).where(StaffSession.token_hash == _hash(token)).values(seen_at=now))


def logout(session: Session, now: datetime, token: str) -> None:
    """End a session. An unknown token is no error."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.token_hash == _hash(token), StaffSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def list_sessions(session: Session, now: datetime, staff_id: int | None = None) -> list[SessionRow]:
    """Open sessions, of one member of staff or all, last seen first."""
    query = (
        select(StaffSession, Staff.user)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(
            StaffSession.revoked_at.is_(None),
            StaffSession.seen_at > now - IDLE,
            StaffSession.created_at > now - LIFE,
        )
        .order_by(StaffSession.seen_at.desc())
    )
    if staff_id is not None:
        query = query.where(StaffSession.staff_id == staff_id)
    return [
        SessionRow(row.id, row.staff_id, user, row.created_at, row.seen_at, row.address, row.agent)
        for row, user in session.execute(query)
    ]


def revoke_session(session: Session, actor: Actor, now: datetime, session_id: int) -> None:
    """End a session: one's own, or anyone's as an administrator."""
    row = catalogue.found(session, StaffSession, session_id, "session")
    if actor.kind != "staff" or row.staff_id != actor.id:
        actor.check("staff")
    row.revoked_at = now
    session.flush()
    change.record(session, actor, now, "staff", row.staff_id, "revoke_session")


def change_password(
    session: Session, actor: Actor, now: datetime, staff_id: int, *, new: str, old: str = ""
) -> None:
    """Change a password: one's own with the old one, or anyone's as an administrator. All sessions end."""
    row = catalogue.found(session, Staff, staff_id, "staff")
    if actor.kind == "staff" and row.id == actor.id:
        if not _verified(row.password_hash, old):
            raise Refusal("old", "The old password is wrong")
    else:
        actor.check("staff")
    _check_password(new, row.user)
    before = change.columns(row)
    row.password_hash = PASSWORDS.hash(new)
    row.password_changed_at = now
    session.flush()
    _end_sessions(session, now, staff_id)
    change.record(session, actor, now, "staff", staff_id, "password", before, change.columns(row))


def hash_password(password: str) -> str:
    """The argon2 hash of a password, for rows that are made in bulk."""
    return PASSWORDS.hash(password)


def _role(row: Staff) -> Role:
    return next(role for role in ROLES if role == row.role)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _verified(stored: str, password: str) -> bool:
    try:
        return PASSWORDS.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _end_sessions(session: Session, now: datetime, staff_id: int) -> None:
    session.execute(
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


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


def _check_password(password: str, user: str) -> None:
    if len(password) < SHORTEST:
        raise Refusal("password", say("A password has at least {least} characters", least=SHORTEST))
    if len(password) > 200:
        raise Refusal("password", say("Write at most {most} characters", most=200))
    if password.lower() in (user, user[::-1]) or len(set(password)) < 4:
        raise Refusal("password", "This password is too easy to guess: choose another")

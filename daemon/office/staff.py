"""Staff: add, edit, shut out and let in, sessions, passwords (argon2). Logging in is in `login`."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import ROLES, Actor, Role
from daemon.office.text import clean
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.staff import Staff, StaffSession

IDLE = timedelta(hours=12)
LIFE = timedelta(days=14)
SHORTEST = 10

PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""How passwords are hashed: argon2id."""
# Verified for unknown users too, so that the time of an answer does not tell who exists.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Zmll5H8dGp9dVnDyiwXzXrSMTtCgGLjkLRgYMsdUrlY"


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
    _check_choices(refusals, role, locale)
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
    if row.disabled_at is not None:
        raise Refusal("", say("{name} is shut out already", name=row.name))
    if _is_last_admin(session, row):
        raise Refusal("", "The last administrator cannot be shut out: add another first")
    before = change.columns(row)
    row.disabled_at = now
    session.flush()
    _end_sessions(session, now, staff_id)
    change.record(session, actor, now, "staff", staff_id, "disable", before, change.columns(row))


def edit_staff(
    session: Session, actor: Actor, now: datetime, staff_id: int, *, name: str, role: Role, locale: str
) -> None:
    """Change name, role and language of someone. The last administrator stays one; a role counts at once."""
    actor.check("staff")
    row = catalogue.found(session, Staff, staff_id, "staff")
    refusals = Collector()
    shown = ""
    with refusals.of("name"):
        shown = clean(name, "name", 120) or row.user
    _check_choices(refusals, role, locale)
    if role != "admin" and _is_last_admin(session, row):
        refusals.add("role", "The last administrator stays one: make another first")
    refusals.settle()
    before = change.columns(row)
    row.name, row.role, row.locale = shown, role, locale
    session.flush()
    change.record(session, actor, now, "staff", staff_id, "edit", before, change.columns(row))


def enable_staff(session: Session, actor: Actor, now: datetime, staff_id: int) -> None:
    """Let someone in again who was shut out, with the password they had."""
    actor.check("staff")
    row = catalogue.found(session, Staff, staff_id, "staff")
    if row.disabled_at is None:
        raise Refusal("", say("{name} is not shut out", name=row.name))
    before = change.columns(row)
    row.disabled_at = None
    session.flush()
    change.record(session, actor, now, "staff", staff_id, "enable", before, change.columns(row))


def choose_locale(session: Session, actor: Actor, now: datetime, locale: str) -> None:
    """One's own language, kept with the account."""
    if actor.kind != "staff" or actor.id is None:
        raise Refusal("", "Only staff have a language of their own")
    row = catalogue.found(session, Staff, actor.id, "staff")
    refusals = Collector()
    _check_choices(refusals, row.role, locale)
    refusals.settle()
    if row.locale == locale:
        return
    before = change.columns(row)
    row.locale = locale
    session.flush()
    change.record(session, actor, now, "staff", row.id, "edit", before, change.columns(row))


def open_session(session: Session, now: datetime, staff_id: int, *, address: str, agent: str = "") -> str:
    """Open a session for someone who has just shown who they are; gives its token."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=_hash(token),
            staff_id=staff_id,
            created_at=now,
            seen_at=now,
            address=address[:45],
            agent=agent[:200],
        )
    )
    session.flush()
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
    return Actor("staff", staff.id, staff.name, role_of(staff), address or row.address)


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
        if not verified(row.password_hash, old):
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


def _is_last_admin(session: Session, row: Staff) -> bool:
    """Whether nobody else who may come in is an administrator."""
    if row.role != "admin" or row.disabled_at is not None:
        return False
    others = session.scalar(
        select(func.count()).where(Staff.role == "admin", Staff.disabled_at.is_(None), Staff.id != row.id)
    )
    return not others


def _check_choices(refusals: Collector, role: str, locale: str) -> None:
    if role not in ROLES:
        refusals.add("role", say("Choose one of {choices}", choices=", ".join(ROLES)))
    if locale not in ("", "es", "en"):
        refusals.add("locale", "Choose es or en")


def role_of(row: Staff) -> Role:
    """The role of a member of staff."""
    return next(role for role in ROLES if role == row.role)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def verified(stored: str, password: str) -> bool:
    """Whether a password is that of a stored hash; a hash that is none fits nothing."""
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


def _check_password(password: str, user: str) -> None:
    if len(password) < SHORTEST:
        raise Refusal("password", say("A password has at least {least} characters", least=SHORTEST))
    if len(password) > 200:
        raise Refusal("password", say("Write at most {most} characters", most=200))
    if password.lower() in (user, user[::-1]) or len(set(password)) < 4:
        raise Refusal("password", "This password is too easy to guess: choose another")

"""Staff, their sessions, and failed logins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Staff(Base):
    """Someone who may log in. `user` is kept in lower case."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("role IN ('admin', 'cashier', 'technician', 'viewer')", name="role"),)

    id: Mapped[Key]
    user: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(8), default="")
    disabled_at: Mapped[datetime | None]
    password_changed_at: Mapped[datetime]


class StaffSession(Base):
    """A login that is still open. Only a hash of its token is kept: a copy of the store opens no session."""

    __tablename__ = "staff_session"

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(45), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    revoked_at: Mapped[datetime | None]


class LoginAttempt(Base):
    """A login that was tried, under a key (`user:…`, `address:…`), for the throttle."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index(None, "key", "at"),)

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    ok: Mapped[bool]

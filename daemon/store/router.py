"""Routers: where they are, how they were last seen, and who may write to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Router(Base):
    """A MikroTik at the edge. The password is sealed to the daemon's public key (`store/seal.py`)."""

    __tablename__ = "router"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    tls: Mapped[bool] = mapped_column(default=False)
    fingerprint: Mapped[str] = mapped_column(String(95), default="")
    user: Mapped[str] = mapped_column(String(64))
    password_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[str] = mapped_column(String(40), default="")
    client_interfaces: Mapped[list[str]]
    networks: Mapped[list[str]]
    """Client networks behind this router, CIDR: where free addresses are offered from."""
    box_address: Mapped[str] = mapped_column(String(45), default="")
    box_interface: Mapped[str] = mapped_column(String(64), default="")
    allowed: Mapped[list[str]]
    """Addresses the suspended may still reach (portal, payment hosts)."""
    retired_at: Mapped[datetime | None]


class RouterStatus(Base):
    """What the daemon last saw of a router; derived, so it may be lost."""

    __tablename__ = "router_status"

    router_id: Mapped[int] = mapped_column(ForeignKey("router.id"), primary_key=True, autoincrement=False)
    seen_at: Mapped[datetime | None]
    reachable: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(Text, default="")
    fault: Mapped[dict[str, Any] | None]
    """The error as a stored sentence, for pages in the reader's language."""
    error_since: Mapped[datetime | None]
    in_step: Mapped[bool] = mapped_column(default=False)
    synced_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]
    proof_ok: Mapped[bool | None]
    findings: Mapped[list[Any]]
    foreign: Mapped[list[Any]] = mapped_column("foreign_rows")
    changes: Mapped[list[Any]]
    held: Mapped[dict[str, Any] | None]
    confirmed_at: Mapped[datetime | None]
    version: Mapped[str] = mapped_column(String(40), default="")
    identity: Mapped[str] = mapped_column(String(120), default="")


class RouterLease(Base):
    """Who may write to a router until when: one writer a router, always."""

    __tablename__ = "router_lease"

    router_id: Mapped[int] = mapped_column(ForeignKey("router.id"), primary_key=True, autoincrement=False)
    holder: Mapped[str] = mapped_column(String(120))
    until: Mapped[datetime]

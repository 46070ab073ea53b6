"""A router as its pages show it: its row and what the daemon last saw of it, in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office.router import RouterRow
from daemon.store.router import Router, RouterStatus
from daemon.store.service import InternetService


@dataclass(frozen=True, slots=True)
class Seen:
    """A router and its state. `proof_ok` is None while nothing was proved; `held` a stored sentence or None;
    `fault` the error to be told: a stored sentence, or its English.
    """

    id: int
    name: str
    host: str
    port: int
    tls: bool
    fingerprint: str
    user: str
    client_interfaces: list[str]
    networks: list[str]
    box_address: str
    box_interface: str
    allowed: list[str]
    retired_at: datetime | None
    services: int
    seen_at: datetime | None
    reachable: bool
    error: str
    fault: Any
    error_since: datetime | None
    in_step: bool
    synced_at: datetime | None
    proved_at: datetime | None
    proof_ok: bool | None
    findings: list[Any]
    foreign: list[Any]
    changes: list[Any]
    held: Any
    version: str
    identity: str


def seen(row: RouterRow) -> Seen:
    """A router as pages show it; one that nobody has looked at yet has an empty state."""
    router = row.router
    status = row.status or RouterStatus(reachable=False, error="", in_step=False, version="", identity="")
    return Seen(
        router.id, router.name, router.host, router.port, router.tls, router.fingerprint, router.user,
        list(router.client_interfaces), list(router.networks), router.box_address, router.box_interface,
        list(router.allowed), router.retired_at, row.services,
        status.seen_at, bool(status.reachable), status.error or "",
        status.fault or status.error or "", status.error_since, bool(status.in_step),
        status.synced_at, status.proved_at, status.proof_ok,
        list(status.findings or ()), list(status.foreign or ()), list(status.changes or ()), status.held,
        status.version or router.version, status.identity or "",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Release:
    """Whether one line is free again since a moment."""

    address: str
    router: str
    reachable: bool
    free: bool


def releases(session: Session, client_id: int, since: datetime) -> list[Release]:
    """For each live service: has its router been looked at after `since`, and is nothing left that cuts it?

    A router may be out of step for another reason, such as a row it refuses: that keeps nobody waiting.
    """
    rows = session.execute(
        select(InternetService.address, Router.name, RouterStatus)
        .join(Router, Router.id == InternetService.router_id)
        .outerjoin(RouterStatus, RouterStatus.router_id == Router.id)
        .where(
            InternetService.client_id == client_id,
            InternetService.removed_at.is_(None),
            InternetService.paused_at.is_(None),
        )
        .order_by(InternetService.id)
    )
    return [
        Release(
            address,
            name,
            status is None or status.reachable or not status.error,
            status is not None
            and status.reachable
            and status.seen_at is not None
            and status.seen_at >= since
            and (status.in_step or not _still_cut(status.changes, address)),
        )
        for address, name, status in rows
    ]


def _still_cut(changes: list[Any], address: str) -> bool:
    """Whether an entry of this address still has to go from one of the router's lists."""
    return any(
        change.get("op") == "remove"
        and str(change.get("menu", "")).endswith("address-list")
        and str((change.get("before") or {}).get("address", "")).split("/")[0] == address
        for change in changes
    )

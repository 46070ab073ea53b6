"""Routers: add, edit, retire, their status, leases, and the facts from which the planner derives their
rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from daemon.office import catalogue, change
from daemon.office.actor import Actor
from daemon.office.facts import router_facts
from daemon.office.text import clean
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.router import Router, RouterLease, RouterStatus
from daemon.store.seal import seal
from daemon.store.service import InternetService

API_PORT = 8728
API_TLS_PORT = 8729
LONGEST_LEASE = timedelta(minutes=10)


__all__ = [
    "RouterRow",
    "add_router",
    "confirm_plan",
    "confirmed",
    "drop_lease",
    "edit_router",
    "get_router",
    "keep_lease",
    "list_routers",
    "live_router_ids",
    "mark_cut_verified",
    "record_fault",
    "record_status",
    "retire_router",
    "router_facts",
    "take_lease",
]


@dataclass(frozen=True, slots=True)
class RouterRow:
    """A router with what the daemon last saw of it, and how many live services run on it."""

    router: Router
    status: RouterStatus | None
    services: int


def add_router(
    session: Session, actor: Actor, now: datetime, *, password: str, public_key: bytes, **values: Any
) -> int:
    """Add a router; gives its id. The password is sealed to `public_key` (`store.seal`) and never kept open.

    `values`: name, host, port, tls, fingerprint, user, version, client_interfaces, networks, box_address,
    box_interface, allowed.
    """
    actor.check("router")
    given = {"port": API_TLS_PORT if values.get("tls") else API_PORT} | values
    refusals = Collector()
    for field in ("name", "host", "user", "client_interfaces"):
        if not given.get(field):
            refusals.add(field, "This cannot be empty")
    checked: dict[str, Any] = {}
    with refusals.of(""):
        checked = _checked(session, given, None)
    with refusals.of("password"):
        _check_password(password)
    refusals.settle()
    defaults: dict[str, Any] = {"networks": [], "allowed": [], "tls": False}
    row = Router(**(defaults | checked), password_sealed=seal(public_key, password))
    session.add(row)
    session.flush()
    session.add(RouterStatus(router_id=row.id, findings=[], foreign=[], changes=[]))
    session.flush()
    change.record(session, actor, now, "router", row.id, "add", None, change.columns(row))
    return row.id


def edit_router(
    session: Session,
    actor: Actor,
    now: datetime,
    router_id: int,
    *,
    password: str | None = None,
    public_key: bytes | None = None,
    **values: Any,
) -> None:
    """Change a router: only the values that are given; a new password comes with the public key."""
    actor.check("router")
    row = catalogue.found(session, Router, router_id, "router")
    before = change.columns(row)
    checked = _checked(session, values, row)
    if password:
        if public_key is None:
            raise Refusal("password", "The password cannot be sealed: the daemon's public key is missing")
        _check_password(password)
        row.password_sealed = seal(public_key, password)
    for field, value in checked.items():
        setattr(row, field, value)
    session.flush()
    change.record(session, actor, now, "router", router_id, "edit", before, change.columns(row))


def retire_router(session: Session, actor: Actor, now: datetime, router_id: int) -> None:
    """Retire a router on which no live service runs any more."""
    actor.check("router")
    row = catalogue.found(session, Router, router_id, "router")
    catalogue.retire_row(session, actor, now, "router", row, _services(session).get(router_id, 0))


def list_routers(session: Session, retired: bool = False) -> list[RouterRow]:
    """Routers by name, with their last status."""
    counts = _services(session)
    query = (
        select(Router, RouterStatus)
        .outerjoin(RouterStatus, RouterStatus.router_id == Router.id)
        .order_by(Router.name)
    )
    if not retired:
        query = query.where(Router.retired_at.is_(None))
    return [RouterRow(router, status, counts.get(router.id, 0)) for router, status in session.execute(query)]


def get_router(session: Session, router_id: int) -> RouterRow:
    """One router with its status. Refused when there is none."""
    row = catalogue.found(session, Router, router_id, "router")
    return RouterRow(row, session.get(RouterStatus, router_id), _services(session).get(router_id, 0))


def live_router_ids(session: Session) -> list[int]:
    """The routers that are to be kept in step."""
    return list(session.scalars(select(Router.id).where(Router.retired_at.is_(None)).order_by(Router.id)))


STATUS_FIELDS = frozenset(
    {
        "seen_at",
        "reachable",
        "error",
        "fault",
        "error_since",
        "in_step",
        "synced_at",
        "proved_at",
        "proof_ok",
        "findings",
        "foreign",
        "changes",
        "held",
        "confirmed_at",
        "version",
        "identity",
    }
)


def record_status(session: Session, /, now: datetime, router_id: int, **values: Any) -> bool:
    """Keep what the daemon saw of a router: any of `STATUS_FIELDS`; `held` may be a Sentence.

    `error_since` is kept by this function: the moment of the first failure of a row of failures. Gives
    whether anything differs from what was known, times aside.
    """
    strange = set(values) - STATUS_FIELDS
    if strange:
        raise ValueError(f"a router's status has no {', '.join(sorted(strange))}")
    row = session.get(RouterStatus, router_id)
    if row is None:
        row = RouterStatus(router_id=router_id, findings=[], foreign=[], changes=[])
        session.add(row)
    told = ("reachable", "error", "in_step", "proof_ok", "findings", "foreign", "changes", "held")
    before = {name: getattr(row, name) for name in told}
    for name, value in values.items():
        setattr(row, name, value.as_json() if isinstance(value, Sentence) else value)
    if "error" in values and "fault" not in values:
        row.fault = None
    if "error" in values and "error_since" not in values:
        if not values["error"]:
            row.error_since = None
        elif row.error_since is None or not before["error"]:
            row.error_since = now
    if "held" in values and values["held"] is None and "confirmed_at" not in values:
        row.confirmed_at = None
    row.seen_at = values.get("seen_at", now)
    session.flush()
    return before != {name: getattr(row, name) for name in told}


def record_fault(session: Session, now: datetime, router_id: int, said: Sentence | str) -> bool:
    """Keep that a router could not be reached or refused us, and why: in English, and as a sentence if it is
    one.
    """
    fault = said if isinstance(said, Sentence) else None
    return record_status(
        session, now, router_id, reachable=False, in_step=False, error=str(said), fault=fault
    )


def confirm_plan(session: Session, actor: Actor, now: datetime, router_id: int) -> None:
    """A person lets a held plan go: the daemon carries out what the facts then say, once."""
    actor.check("router")
    row = session.get(RouterStatus, router_id)
    if row is None or row.held is None:
        raise Refusal("", "Nothing is held on this router")
    row.confirmed_at = now
    session.flush()
    change.record(session, actor, now, "router", router_id, "confirm", None, {"held": row.held})


def confirmed(session: Session, router_id: int) -> bool:
    """Whether a person has confirmed what is held on a router."""
    row = session.get(RouterStatus, router_id)
    return row is not None and row.held is not None and row.confirmed_at is not None


def take_lease(session: Session, now: datetime, router_id: int, holder: str, lasts: timedelta) -> bool:
    """Take the right to write to a router, or keep it; False while another holder has it (one writer a
    router).
    """
    if not timedelta(0) < lasts <= LONGEST_LEASE:
        raise ValueError("a lease lasts up to ten minutes: keep it while the work goes on")
    rows = {"router_id": router_id, "holder": holder, "until": now + lasts}
    dialect = session.get_bind().dialect.name
    made = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(RouterLease).values(**rows)
    free = (RouterLease.holder == holder) | (RouterLease.until <= now)
    session.execute(
        made.on_conflict_do_update(
            index_elements=[RouterLease.router_id], set_={"holder": holder, "until": now + lasts}, where=free
        )
    )
    held = session.execute(
        select(RouterLease.holder).where(RouterLease.router_id == router_id, RouterLease.until > now)
    ).scalar_one_or_none()
    return held == holder


def keep_lease(session: Session, now: datetime, router_id: int, holder: str, lasts: timedelta) -> bool:
    """Lengthen a lease that is still held; False when it was lost: stop writing to the router at once."""
    kept = session.execute(
        update(RouterLease)
        .where(RouterLease.router_id == router_id, RouterLease.holder == holder, RouterLease.until > now)
        .values(until=now + lasts)
        .returning(RouterLease.router_id)
    ).first()
    return kept is not None


def drop_lease(session: Session, router_id: int, holder: str) -> None:
    """Give a lease back. One that is another's stays."""
    session.execute(
        delete(RouterLease).where(RouterLease.router_id == router_id, RouterLease.holder == holder)
    )


def mark_cut_verified(session: Session, now: datetime, service_ids: Sequence[int], verified: bool) -> None:
    """Remember of which services the cut was proved on the router."""
    for place in range(0, len(service_ids), 500):
        session.execute(
            update(InternetService)
            .where(InternetService.id.in_(service_ids[place : place + 500]))
            .values(cut_verified_at=now if verified else None)
        )


def _services(session: Session) -> Mapping[int, int]:
    rows: dict[int, int] = {}
    for router_id, count in session.execute(
        select(InternetService.router_id, func.count())
        .where(InternetService.removed_at.is_(None))
        .group_by(InternetService.router_id)
    ):
        rows[router_id] = count
    return rows


def _check_password(password: str) -> None:
    if len(password) > 200 or any(ord(mark) < 32 for mark in password):
        raise Refusal("password", "This cannot be a router's password: type it again")


def _checked(session: Session, values: Mapping[str, Any], row: Router | None) -> dict[str, Any]:
    refusals = Collector()
    checked: dict[str, Any] = {}
    with session.no_autoflush:
        for field, value in values.items():
            with refusals.of(field):
                checked[field] = _check(session, field, value, row)
    refusals.settle()
    return checked


def _check(session: Session, field: str, value: Any, row: Router | None) -> Any:
    if field == "name":
        return catalogue.checked_name(session, Router, value, row.id if row else None)
    if field == "port":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
            raise Refusal(field, "A port is a number from 1 to 65535")
        return value
    if field == "tls":
        return bool(value)
    if field in ("client_interfaces", "allowed"):
        return _lines(field, value)
    if field == "networks":
        return [_network(text) for text in _lines(field, value)]
    if field == "box_address":
        return _address(value)
    sizes = {"host": 255, "user": 64, "fingerprint": 95, "version": 40, "box_interface": 64}
    if field not in sizes:
        raise Refusal(field, say("{field} is not part of a router", field=field))
    bare = clean(value, field, sizes[field])
    if field in ("host", "user") and not bare:
        raise Refusal(field, "This cannot be empty")
    return bare


def _lines(field: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise Refusal(field, "Give a list, one entry a line")
    found = [clean(str(one), field, 255) for one in value]
    return [one for one in dict.fromkeys(found) if one]


def _network(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise Refusal("networks", say("{text} is not a network, like 10.10.0.0/16", text=text)) from error
    if network.prefixlen < 8:
        raise Refusal("networks", say("{text} is too large for one router", text=text))
    return str(network)


def _address(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return str(IPv4Address(text.strip()))
    except AddressValueError as error:
        raise Refusal(
            "box_address", say("{text} is not an IPv4 address, like 10.99.0.2", text=text)
        ) from error

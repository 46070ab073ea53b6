"""Internet services of clients: add, edit, pause, resume, remove, free addresses (row S1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.actor import Actor
from daemon.office.client import refresh_search
from daemon.office.company import company_rules
from daemon.office.plan import amount_of
from daemon.office.service_change import apply_due
from daemon.office.text import clean
from daemon.rules.account import Account
from daemon.rules.calendar import local_date
from daemon.rules.event import Event
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.client import Client
from daemon.store.plan import Plan
from daemon.store.router import Router
from daemon.store.service import InternetService

FIELDS = ("router_id", "plan_id", "address", "ipv6", "mac", "emitter", "installed_on", "price")


BLOCK = 256
"""Addresses that one question to the store asks about: those that differ in their last number only."""
LOOKS = 4
"""Blocks that are looked into one by one before it is asked which blocks are full."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service as it is listed. `price` is what a cycle of it costs, `own_price` whether it is this
    client's own.
    """

    id: int
    client_id: int
    router_id: int
    router: str
    plan_id: int
    plan: str
    download_kbps: int
    upload_kbps: int
    price: int
    own_price: bool
    access_mode: str
    address: str
    ipv6: str
    mac: str
    emitter: str
    installed_on: date
    paused_at: datetime | None
    removed_at: datetime | None


def add_service(
    session: Session,
    actor: Actor,
    now: datetime,
    client_id: int,
    *,
    router_id: int,
    plan_id: int,
    address: str,
    **values: Any,
) -> int:
    """Add an internet service; gives its id. It counts from the next invoice made after now.

    `values`: ipv6, mac, emitter, installed_on (today unless given), price (own price as text or minor
    units, None for the plan's). The address belongs to one live service in the whole company.
    """
    actor.check("service")
    client = catalogue.found(session, Client, client_id, "client")
    if client.retired_at is not None:
        raise Refusal("client_id", "A retired client has no services: add the client again")
    _up_to_now(session, now, client_id)
    given = {"router_id": router_id, "plan_id": plan_id, "address": address, **values}
    given.setdefault("installed_on", local_date(company_rules(session).zone, now))
    row = InternetService(client_id=client_id, access_mode="static", **_checked(session, given, None))
    session.add(row)
    session.flush()
    refresh_search(session, client_id)
    change.record(session, actor, now, "service", row.id, "add", None, change.columns(row), client_id)
    return row.id


def edit_service(session: Session, actor: Actor, now: datetime, service_id: int, **values: Any) -> None:
    """Change a service: only the values that are given; those of `add_service`."""
    actor.check("service")
    row = _live(session, service_id)
    _up_to_now(session, now, row.client_id)
    row = _live(session, service_id)
    before = change.columns(row)
    checked = _checked(session, values, row)
    for field, value in checked.items():
        setattr(row, field, value)
    if {"address", "router_id"} & set(checked):
        row.cut_verified_at = None
    session.flush()
    refresh_search(session, row.client_id)
    change.record(session, actor, now, "service", row.id, "edit", before, change.columns(row), row.client_id)


def pause_service(session: Session, actor: Actor, now: datetime, service_id: int) -> None:
    """Pause a service: it is cut and is not billed until it is resumed."""
    _switch(session, actor, now, service_id, "pause")


def resume_service(session: Session, actor: Actor, now: datetime, service_id: int) -> None:
    """Resume a paused service: it counts from the next invoice made after now."""
    _switch(session, actor, now, service_id, "resume")


def remove_service(session: Session, actor: Actor, now: datetime, service_id: int) -> None:
    """Remove a service: its address is free for another at once; what was billed stays."""
    _switch(session, actor, now, service_id, "remove")


def list_services(session: Session, client_id: int | None = None, removed: bool = False) -> list[ServiceRow]:
    """Services of a client (or all), oldest first; removed ones only when asked for."""
    query = (
        select(InternetService, Plan, Router.name.label("router"))
        .join(Plan, Plan.id == InternetService.plan_id)
        .join(Router, Router.id == InternetService.router_id)
        .order_by(InternetService.id)
    )
    if client_id is not None:
        query = query.where(InternetService.client_id == client_id)
    if not removed:
        query = query.where(InternetService.removed_at.is_(None))
    return [
        ServiceRow(
            row.id,
            row.client_id,
            row.router_id,
            router,
            row.plan_id,
            plan.name,
            plan.download_kbps,
            plan.upload_kbps,
            plan.price if row.price is None else row.price,
            row.price is not None,
            row.access_mode,
            row.address,
            row.ipv6,
            row.mac,
            row.emitter,
            row.installed_on,
            row.paused_at,
            row.removed_at,
        )
        for row, plan, router in session.execute(query)
    ]


def free_addresses(session: Session, router_id: int, limit: int = 20) -> list[str]:
    """The first free addresses of a router's client networks. A network's first host is the router's own."""
    router = catalogue.found(session, Router, router_id, "router")
    if not router.networks:
        return []
    own = {str(address) for address in _own_addresses(session)}
    return list(islice(_free_of(session, map(IPv4Network, router.networks), own), max(limit, 0)))


def _free_of(session: Session, networks: Iterable[IPv4Network], own: set[str]) -> Iterator[str]:
    """Free addresses in order, read no further than they are asked for. In a large network that is nearly full
    the store counts each block once, so that only blocks with a gap are read.
    """
    live = InternetService.removed_at.is_(None)
    counts: dict[str, int] | None = None
    looks = 0
    for network in networks:
        low, high = int(network.network_address) + 2, int(network.broadcast_address)
        for start in range(low // BLOCK * BLOCK, high, BLOCK):
            if looks == LOOKS and counts is None:
                block = func.rtrim(InternetService.address, "0123456789")
                counted = select(block, func.count()).where(live).group_by(block)
                counts = dict(session.execute(counted).all())
            if counts is not None and counts.get(str(IPv4Address(start))[:-1], 0) >= BLOCK:
                continue
            looks += 1
            hosts = [str(IPv4Address(number)) for number in range(max(start, low), min(start + BLOCK, high))]
            taken = session.scalars(
                select(InternetService.address).where(InternetService.address.in_(hosts), live)
            )
            used = own.union(taken)
            yield from (address for address in hosts if address not in used)


def _nothing(_account: Account, _at: datetime) -> Iterator[Event]:
    yield from ()


def _up_to_now(session: Session, now: datetime, client_id: int) -> None:
    """Whatever was to be billed before this minute is billed with the services as they were; a change whose
    day has come is in force.
    """
    standing.apply(session, "system", now, client_id, _nothing)
    apply_due(session, now, client_id=client_id)


def _live(session: Session, service_id: int) -> InternetService:
    row = catalogue.found(session, InternetService, service_id, "service")
    if row.removed_at is not None:
        raise Refusal("", "This service was removed: add a new one")
    return row


def _switch(session: Session, actor: Actor, now: datetime, service_id: int, action: str) -> None:
    actor.check("service")
    row = _live(session, service_id)
    _up_to_now(session, now, row.client_id)
    row = _live(session, service_id)
    before = change.columns(row)
    if action == "remove":
        row.removed_at = now
    elif action == "pause":
        if row.paused_at is not None:
            raise Refusal("", "This service is paused already")
        row.paused_at = now
    else:
        if row.paused_at is None:
            raise Refusal("", "This service is not paused")
        row.paused_at = None
    session.flush()
    refresh_search(session, row.client_id)
    change.record(session, actor, now, "service", row.id, action, before, change.columns(row), row.client_id)


def _checked(session: Session, values: dict[str, Any], row: InternetService | None) -> dict[str, Any]:
    refusals = Collector()
    checked: dict[str, Any] = {}
    router_id = values.get("router_id", row.router_id if row else None)
    with session.no_autoflush:
        for field, value in values.items():
            with refusals.of(field):
                checked[field] = _check(session, field, value, router_id, row)
        if row is not None and "router_id" in checked and "address" not in values:
            with refusals.of("address"):
                _check_address(session, row.address, router_id, row.id)
    refusals.settle()
    return checked


def _check(
    session: Session, field: str, value: Any, router_id: int | None, row: InternetService | None
) -> Any:
    if field == "router_id":
        return catalogue.usable(session, Router, value, "router").id
    if field == "plan_id":
        if row is not None and row.plan_id == value:
            return value
        return catalogue.usable(session, Plan, value, "plan").id
    if field == "address":
        return _check_address(session, value, router_id, row.id if row else None)
    if field == "ipv6":
        return _check_ipv6(session, value, row.id if row else None)
    if field == "mac":
        return _mac(value)
    if field == "emitter":
        return clean(value, field, 120)
    if field == "installed_on":
        if not isinstance(value, date) or not date(1980, 1, 1) <= value <= date(2100, 1, 1):
            raise Refusal(field, "Type the day of the installation")
        return value
    if field == "price":
        return None if value is None or value == "" else amount_of(session, value, "price")
    raise Refusal(field, say("{field} is not part of a service", field=field))


def _check_address(session: Session, text: str, router_id: int | None, own_id: int | None) -> str:
    try:
        address = IPv4Address(text.strip())
    except (AddressValueError, AttributeError) as error:
        raise Refusal(
            "address", say("{text} is not an IPv4 address, like 10.10.0.5", text=str(text))
        ) from error
    if (
        address.is_loopback
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or (address.is_link_local)
    ):
        raise Refusal("address", say("{address} cannot be a client's address", address=str(address)))
    taken = session.execute(
        select(InternetService.id, Client.name)
        .join(Client, Client.id == InternetService.client_id)
        .where(InternetService.address == str(address), InternetService.removed_at.is_(None))
    ).first()
    if taken is not None and taken.id != own_id:
        raise Refusal(
            "address",
            say("{address} is already the address of {name}", address=str(address), name=taken.name),
        )
    if address in _own_addresses(session):
        raise Refusal("address", say("{address} belongs to a router or to this box", address=str(address)))
    router = session.get(Router, router_id) if router_id is not None else None
    networks = [IPv4Network(one) for one in router.networks] if router else []
    home = next((network for network in networks if address in network), None)
    if networks and home is None and router is not None:
        raise Refusal(
            "address",
            say(
                "{address} lies outside the client networks of {router}: {networks}",
                address=str(address),
                router=router.name,
                networks=", ".join(map(str, networks)),
            ),
        )
    if home is not None and home.prefixlen < 31 and address in (home.network_address, home.broadcast_address):
        raise Refusal(
            "address", say("{address} is not a host of {network}", address=str(address), network=str(home))
        )
    return str(address)


def _own_addresses(session: Session) -> set[IPv4Address]:
    """Addresses of routers and of the box toward them: no client may have one."""
    found: set[IPv4Address] = set()
    for host, box in session.execute(
        select(Router.host, Router.box_address).where(Router.retired_at.is_(None))
    ):
        for text in (host, box):
            try:
                found.add(IPv4Address(text))
            except AddressValueError:
                continue  # a name, or nothing: no address to keep clients off
    return found


def _check_ipv6(session: Session, text: str, own_id: int | None) -> str:
    if not text.strip():
        return ""
    try:
        network = ip_network(text.strip())
    except ValueError as error:
        raise Refusal("ipv6", say("{text} is not an IPv6 prefix, like 2001:db8:5::/64", text=text)) from error
    if (
        not isinstance(network, IPv6Network)
        or network.is_loopback
        or network.is_multicast
        or network.is_link_local
    ):
        raise Refusal("ipv6", say("{text} is not an IPv6 prefix, like 2001:db8:5::/64", text=text))
    shown = str(network.network_address) if network.prefixlen == 128 else str(network)
    for other in session.execute(
        select(InternetService.id, InternetService.ipv6, Client.name)
        .join(Client, Client.id == InternetService.client_id)
        .where(InternetService.ipv6 != "", InternetService.removed_at.is_(None))
    ):
        if other.id != own_id and network.overlaps(IPv6Network(other.ipv6)):
            raise Refusal("ipv6", say("{address} overlaps what {name} has", address=shown, name=other.name))
    return shown


def _mac(text: str) -> str:
    bare = re.sub(r"[-:. ]", "", text.strip()).upper()
    if not bare:
        return ""
    if not re.fullmatch(r"[0-9A-F]{12}", bare, re.ASCII):
        raise Refusal("mac", say("{text} is not a MAC address, like 4C:5E:0C:11:22:33", text=text))
    if int(bare[1], 16) & 1:
        raise Refusal("mac", "This is a group address, not the address of one device")
    return ":".join(bare[place : place + 2] for place in range(0, 12, 2))

"""Clients: add, edit, retire, find (row R1). Their summary is in `summary`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select, text, tuple_
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.actor import Actor
from daemon.office.company import company_rules, get_company
from daemon.office.summary import client_summary
from daemon.office.text import clean, dialled, emails, mobile, number_words, plain_words, search_words
from daemon.rules import deeds
from daemon.rules.calendar import local_date
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.client import Client
from daemon.store.service import InternetService
from daemon.store.suspension import Standing, Suspension
from daemon.store.zone import Zone

__all__ = [
    "ClientRow",
    "Page",
    "add_client",
    "client_summary",
    "edit_client",
    "find_clients",
    "matching",
    "restore_client",
    "retire_client",
]

LINES = {"name": 200, "document_id": 40, "phone": 40, "address": 300}


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the list. `debt` in minor units; `addresses` of live services."""

    id: int
    name: str
    document_id: str
    phone: str
    mobile: str
    zone: str
    state: str
    by: str | None
    debt: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list; `next` is what to pass as `after` for the following one, None at the end."""

    rows: list[ClientRow]
    next: int | None


def add_client(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    since: date | None = None,
    billing_from: date | None = None,
    **values: Any,
) -> int:
    """Add a client; gives its id.

    `values`: document_id, email, phone, mobile, address, latitude, longitude, zone_id, note. `since` is
    today unless given; nothing before today is billed unless `billing_from` says so.
    """
    actor.check("client")
    company = company_rules(session)
    today = local_date(company.zone, now)
    started = since or today
    checked = _checked(session, {"name": name, **values})
    if not date(1980, 1, 1) <= started <= today.replace(year=today.year + 1, day=min(today.day, 28)):
        raise Refusal("since", "Check this day: it is too long ago, or too far ahead")
    row = Client(
        **checked,
        since=started,
        billing_from=billing_from or max(started, today),
        portal_code=_fresh_code(session),
        created_at=now,
    )
    session.add(row)
    session.flush()
    refresh_search(session, row.id)
    standing.start_standing(session, row)
    change.record(session, actor, now, "client", row.id, "add", None, change.columns(row), row.id)
    return row.id


def edit_client(session: Session, actor: Actor, now: datetime, client_id: int, **values: Any) -> None:
    """Change a client's personal data: the values of `add_client`, only those that are given."""
    actor.check("client")
    row = catalogue.found(session, Client, client_id, "client")
    before = change.columns(row)
    for field, value in _checked(session, values).items():
        setattr(row, field, value)
    session.flush()
    refresh_search(session, client_id)
    change.record(session, actor, now, "client", client_id, "edit", before, change.columns(row), client_id)


def retire_client(session: Session, actor: Actor, now: datetime, client_id: int, reason: str = "") -> None:
    """The client leaves: services are removed, nothing is billed or shown any more, what is owed stays
    owed.
    """
    actor.check("client")
    row = catalogue.found(session, Client, client_id, "client")
    if row.retired_at is not None:
        raise Refusal("", "This client is retired already")
    before = change.columns(row)
    why = say("Retired by {name}: {reason}", name=actor.name, reason=clean(reason, "reason", 300))
    standing.apply(session, actor.name, now, client_id, lambda account, at: deeds.retire(account, at, why))
    row = session.get_one(Client, client_id)
    row.retired_at = now
    live = session.scalars(
        select(InternetService).where(
            InternetService.client_id == client_id, InternetService.removed_at.is_(None)
        )
    )
    for service in live:
        service.removed_at = now
    session.flush()
    refresh_search(session, client_id)
    change.record(session, actor, now, "client", client_id, "retire", before, change.columns(row), client_id)


def restore_client(session: Session, actor: Actor, now: datetime, client_id: int) -> None:
    """A retired client comes back: active, with what they owed, without services, which are added anew."""
    actor.check("client")
    row = catalogue.found(session, Client, client_id, "client")
    if row.retired_at is None:
        raise Refusal("", "This client is not retired")
    before = change.columns(row)
    last = session.scalars(
        select(Suspension.action)
        .where(Suspension.client_id == client_id)
        .order_by(Suspension.id.desc())
        .limit(1)
    ).first()
    why = say("Restored by {name}", name=actor.name)
    standing.apply(
        session,
        actor.name,
        now,
        client_id,
        lambda account, at: deeds.restore(account, at, why, lift=last == "suspend"),
    )
    row = session.get_one(Client, client_id)
    row.retired_at = None
    session.flush()
    refresh_search(session, client_id)
    change.record(session, actor, now, "client", client_id, "restore", before, change.columns(row), client_id)


def find_clients(
    session: Session,
    q: str = "",
    *,
    state: str | None = None,
    zone: int | None = None,
    owing: bool = False,
    after: int | None = None,
    limit: int = 50,
) -> Page:
    """A page of clients by name. Each word of `q` is the beginning of a word of the client: name, document,
    e-mail, telephone, portal code, address of the house or of a service.
    """
    limit = max(1, min(limit, 200))
    query = (
        select(Client, Standing.state, Standing.by, Standing.debt, Zone.name.label("zone"))
        .join(Standing, Standing.client_id == Client.id)
        .outerjoin(Zone, Zone.id == Client.zone_id)
        .order_by(Client.sort_name, Client.id)
        .limit(limit + 1)
    )
    words = search_words(q)
    if q.strip() and not words:
        return Page([], None)
    if words:
        query = query.where(*_matches(session, words))
    if state:
        query = query.where(Standing.state == state)
    if zone is not None:
        query = query.where(Client.zone_id == zone)
    if owing:
        query = query.where(Standing.debt > 0)
    if after is not None:
        last = session.execute(select(Client.sort_name, Client.id).where(Client.id == after)).first()
        if last is not None:
            query = query.where(tuple_(Client.sort_name, Client.id) > tuple_(last.sort_name, last.id))
    found = session.execute(query).all()
    more = len(found) > limit
    found = found[:limit]
    addresses: dict[int, list[str]] = {}
    for client_id, address in session.execute(
        select(InternetService.client_id, InternetService.address)
        .where(
            InternetService.client_id.in_([row.Client.id for row in found]),
            InternetService.removed_at.is_(None),
        )
        .order_by(InternetService.id)
    ):
        addresses.setdefault(client_id, []).append(address)
    rows = [
        ClientRow(
            row.Client.id,
            row.Client.name,
            row.Client.document_id,
            row.Client.phone,
            row.Client.mobile,
            row.zone or "",
            row.state,
            row.by,
            row.debt,
            tuple(addresses.get(row.Client.id, ())),
        )
        for row in found
    ]
    return Page(rows, rows[-1].id if more else None)


def refresh_search(session: Session, client_id: int) -> None:
    """Write again what the search box looks in."""
    row = session.get_one(Client, client_id)
    lines = session.scalars(
        select(InternetService.address).where(
            InternetService.client_id == client_id, InternetService.removed_at.is_(None)
        )
    )
    row.sort_name = plain_words(row.name)[:200]
    row.search = search_text(row, list(lines))
    session.flush()


def search_text(row: Client, addresses: list[str]) -> str:
    """The normalised text of a client: each word stands after a space."""
    parts = [
        row.name,
        row.document_id,
        row.mobile,
        *number_words(row.mobile, row.phone),
        row.phone,
        row.email,
    ]
    parts += [row.portal_code, str(row.id or ""), row.address, *addresses]
    return " " + plain_words(" ".join(part for part in parts if part))


def matching(session: Session, q: str) -> list[ColumnElement[bool]]:
    """Conditions on `Client` for what was typed into a search box; never true when nothing of it is a word."""
    words = search_words(q)
    return _matches(session, words) if words else [false()]


def _matches(session: Session, words: list[str]) -> list[ColumnElement[bool]]:
    number = dialled(words)
    if session.get_bind().dialect.name == "sqlite":
        match = " AND ".join(f'"{word}"*' for word in words)
        if number:
            match = f'({match}) OR "{number}"*'
        hits = text("SELECT rowid FROM client_search WHERE client_search MATCH :match").bindparams(
            bindparam("match", match)
        )
        return [Client.id.in_(hits)]
    each = [Client.search.contains(f" {word}", autoescape=True) for word in words]
    return [or_(and_(*each), Client.search.contains(f" {number}", autoescape=True))] if number else each


def _checked(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    refusals = Collector()
    checked: dict[str, Any] = {}
    for field, value in values.items():
        with refusals.of(field):
            checked[field] = _check(session, field, value)
    if ("latitude" in values) != ("longitude" in values) or (
        (checked.get("latitude") is None) != (checked.get("longitude") is None)
    ):
        refusals.add("latitude", "Give both latitude and longitude, or neither")
    refusals.settle()
    return checked


def _check(session: Session, field: str, value: Any) -> Any:
    if field in LINES:
        bare = clean(value, field, LINES[field])
        if field == "name" and not bare:
            raise Refusal("name", "Type the client's name")
        return bare
    if field == "email":
        return emails(value)
    if field == "mobile":
        return mobile(value, get_company(session).currency)
    if field == "note":
        if len(value) > 4000:
            raise Refusal("note", say("Write at most {most} characters", most=4000))
        return value.strip()
    if field in ("latitude", "longitude"):
        most = 90 if field == "latitude" else 180
        if value is not None and not -most <= float(value) <= most:
            raise Refusal(field, say("Type a number from {low} to {high}", low=-most, high=most))
        return None if value is None else float(value)
    if field == "zone_id":
        return None if value is None else catalogue.usable(session, Zone, value, "zone").id
    raise Refusal(field, say("{field} is not part of a client", field=field))


def _fresh_code(session: Session) -> str:
    """A portal code that nobody has: eight digits without meaning."""
    while True:
        code = f"{secrets.randbelow(10**8):08d}"
        if session.scalars(select(Client.id).where(Client.portal_code == code)).first() is None:
            return code

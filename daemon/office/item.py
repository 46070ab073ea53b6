"""Items of clients: recurring and one-off products and services, VoIP records (rows S2-S4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.actor import Actor
from daemon.office.company import company_rules
from daemon.office.payment import no_deed
from daemon.office.plan import amount_of
from daemon.office.text import clean
from daemon.rules.calendar import local_date
from daemon.rules.money import LARGEST
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.client import Client
from daemon.store.invoice import Invoice, Series
from daemon.store.item import CATEGORIES, KINDS, Item

FARTHEST = timedelta(days=5 * 366)
"""A day further away than this, before or after today, is a slip of the keyboard."""
EDITABLE = ("name", "category", "number", "price", "starts_on", "ends_on")


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as it is listed. `state`: `waiting` (not begun, or a one-off one not billed yet), `running`,
    `ended`, `billed`, `removed`. `invoice` is the number of the invoice that billed a one-off one,
    `invoice_void` whether that was voided since. `price` in minor units.
    """

    id: int
    client_id: int
    kind: str
    category: str
    name: str
    number: str
    price: int
    starts_on: date
    ends_on: date | None
    state: str
    invoice_id: int | None
    invoice: str
    invoice_void: bool


def add_item(
    session: Session,
    actor: Actor,
    now: datetime,
    client_id: int,
    *,
    kind: str,
    name: str,
    price: str | int,
    starts_on: date | None = None,
    ends_on: date | None = None,
    number: str = "",
    category: str = "other",
) -> int:
    """Add an item to a client; gives its id. It counts from the next invoice made after now.

    `kind`: `recurring`, `one_off` or `voip` (which has a telephone `number`); `price` as text or minor
    units, 0 allowed. `starts_on`: today unless given. `ends_on`: the last day of one that recurs.
    """
    actor.check("item")
    client = catalogue.found(session, Client, client_id, "client")
    if client.retired_at is not None:
        raise Refusal("client_id", "A retired client has no services: add the client again")
    if kind not in KINDS:
        raise Refusal("kind", say("Choose one of {choices}", choices=", ".join(KINDS)))
    today = local_date(company_rules(session).zone, now)
    values = _checked(
        session,
        today,
        kind,
        {
            "name": name,
            "category": category,
            "number": number,
            "price": price,
            "starts_on": starts_on or today,
            "ends_on": ends_on,
        },
    )
    _up_to_now(session, now, client_id)
    row = Item(client_id=client_id, kind=kind, created_at=now, actor=actor.name, **values)
    session.add(row)
    session.flush()
    change.record(session, actor, now, "item", row.id, "add", None, change.columns(row), client_id)
    return row.id


def edit_item(session: Session, actor: Actor, now: datetime, item_id: int, **values: Any) -> None:
    """Change an item that is not billed: name, category, number, price, starts_on, ends_on; only those given.

    Invoices that exist keep their lines.
    """
    actor.check("item")
    row = _open(session, item_id)
    _up_to_now(session, now, row.client_id)
    row = _open(session, item_id)
    unknown = set(values) - set(EDITABLE)
    if unknown:
        raise Refusal(min(unknown), say("{field} is not part of an item", field=min(unknown)))
    before = change.columns(row)
    today = local_date(company_rules(session).zone, now)
    whole = {name: getattr(row, name) for name in EDITABLE} | values
    for field, value in _checked(session, today, row.kind, whole).items():
        setattr(row, field, value)
    session.flush()
    change.record(session, actor, now, "item", item_id, "edit", before, change.columns(row), row.client_id)


def remove_item(session: Session, actor: Actor, now: datetime, item_id: int) -> None:
    """Remove an item that is not billed: no invoice made after now has it. What was billed stays."""
    actor.check("item")
    row = _open(session, item_id)
    _up_to_now(session, now, row.client_id)
    row = _open(session, item_id)
    before = change.columns(row)
    row.removed_at = now
    session.flush()
    change.record(session, actor, now, "item", item_id, "remove", before, change.columns(row), row.client_id)


def list_items(
    session: Session,
    now: datetime,
    client_id: int,
    *,
    kind: str | None = None,
    removed: bool = False,
    after: int | None = None,
    limit: int = 100,
) -> list[ItemRow]:
    """Items of a client, newest first, of one kind or all; `after` is the id of the last row of the page
    before. Removed ones only when asked for.
    """
    query = (
        select(Item, Invoice.number.label("of"), Invoice.voided_at, Series.prefix)
        .outerjoin(Invoice, Invoice.id == Item.invoice_id)
        .outerjoin(Series, Series.id == Invoice.series_id)
        .where(Item.client_id == client_id)
        .order_by(Item.id.desc())
        .limit(min(limit, 500))
    )
    if kind is not None:
        query = query.where(Item.kind == kind)
    if not removed:
        query = query.where(Item.removed_at.is_(None))
    if after is not None:
        query = query.where(Item.id < after)
    today = local_date(company_rules(session).zone, now)
    return [
        ItemRow(
            row.id,
            row.client_id,
            row.kind,
            row.category,
            row.name,
            row.number,
            row.price,
            row.starts_on,
            row.ends_on,
            _state(row, today),
            row.invoice_id,
            f"{prefix}{of:06d}" if row.invoice_id is not None else "",
            voided is not None,
        )
        for row, of, voided, prefix in session.execute(query)
    ]


def _state(row: Item, today: date) -> str:
    if row.removed_at is not None:
        return "removed"
    if row.kind == "one_off":
        return "waiting" if row.invoice_id is None else "billed"
    if row.ends_on is not None and row.ends_on < today:
        return "ended"
    return "waiting" if row.starts_on > today else "running"


def _open(session: Session, item_id: int) -> Item:
    row = catalogue.found(session, Item, item_id, "item")
    if row.removed_at is not None:
        raise Refusal("", "This item was removed: add a new one")
    if row.invoice_id is not None:
        raise Refusal("", "This item is on an invoice already: edit or void that invoice")
    return row


def _up_to_now(session: Session, now: datetime, client_id: int) -> None:
    """Whatever was to be billed before this minute is billed with the items as they were."""
    standing.apply(session, "system", now, client_id, no_deed)


def _checked(session: Session, today: date, kind: str, values: dict[str, Any]) -> dict[str, Any]:
    refusals = Collector()
    checked: dict[str, Any] = {}
    with refusals.of("name"):
        checked["name"] = clean(values["name"], "name", 200)
        if not checked["name"]:
            raise Refusal("name", "Type what it is: this is what the invoice says")
    with refusals.of("category"):
        if values["category"] not in CATEGORIES:
            raise Refusal("category", say("Choose one of {choices}", choices=", ".join(CATEGORIES)))
        checked["category"] = values["category"]
    with refusals.of("number"):
        checked["number"] = _number(kind, values["number"])
    with refusals.of("price"):
        checked["price"] = amount_of(session, values["price"], "price")
        if checked["price"] >= LARGEST:
            raise Refusal("price", "This amount is too large to be meant: check it")
    with refusals.of("starts_on"):
        checked["starts_on"] = _day(values["starts_on"], today, "starts_on")
    with refusals.of("ends_on"):
        checked["ends_on"] = None if values["ends_on"] is None else _day(values["ends_on"], today, "ends_on")
        if checked["ends_on"] is not None and kind == "one_off":
            raise Refusal("ends_on", "A one-off item has no last day")
        if checked["ends_on"] is not None and checked["ends_on"] < checked.get("starts_on", date.min):
            raise Refusal("ends_on", "The last day lies before the first")
    refusals.settle()
    return checked


def _day(value: Any, today: date, field: str) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Refusal(field, "Type a day, like 2026-03-31")
    if abs(value - today) > FARTHEST:
        raise Refusal(field, "Check this day: it is too long ago, or too far ahead")
    return value


def _number(kind: str, text: str) -> str:
    bare = re.sub(r"[\s().-]", "", text)
    if kind != "voip":
        if bare:
            raise Refusal("number", "Only a VoIP service has a number")
        return ""
    if not re.fullmatch(r"\+?\d{3,15}", bare, re.ASCII):
        raise Refusal("number", "Type the telephone number: 3 to 15 digits, with or without +")
    return bare

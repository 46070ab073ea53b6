"""A scenario: a company, its clients, and what happened to them (billing-laws.md, "simulate")."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from daemon.rules import billing
from daemon.rules.calendar import instant
from daemon.rules.money import Currency, currency, parse_plain, percent
from daemon.rules.refusal import Refusal
from daemon.simulate.reader import Reader, ScenarioError, parsed

BILLING_KEYS = (
    "mode",
    "payment_day",
    "create_days_before",
    "tax",
    "grace_days",
    "cut_after_months",
    "late_fee",
    "reconnection_fee",
    "screen_notice_days",
    "reminders",
    "first_cycle",
)
COMPANY_KEYS = (
    "timezone",
    "currency",
    "invoice_hour",
    "cut_hour",
    "reminder_hour",
    "tax_percent",
    "promise_max_days",
    "hold_cuts",
    "bill_suspended",
)
SERVICE_KEYS = ("id", "kind", "name", "price")
SERVICE_KINDS = ("internet", "voip")
FACT_KEYS: Mapping[str, tuple[str, ...]] = {
    "pay": ("amount", "method", "reference", "invoice_cycle"),
    "promise": ("until",),
    "credit": ("amount", "reason"),
    "debit": ("amount", "reason"),
    "suspend": ("reason",),
    "activate": ("reason",),
    "delete_payment": ("reference",),
    "free_invoice": ("lines",),
    "set": BILLING_KEYS,
    "add_service": SERVICE_KEYS,
    "remove_service": ("id",),
    "fixed_date": (),
    "void": ("cycle_start",),
}


@dataclass(frozen=True, slots=True)
class Company:
    """The company of a scenario. Hours in minutes after midnight, the tax in basis points."""

    zone: ZoneInfo
    money: Currency
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """A service; its price as written, since one that a fact adds may be refused."""

    id: str
    name: str
    price: str


@dataclass(frozen=True, slots=True)
class Item:
    """A one-off or recurring item and its day; the price in minor units."""

    kind: Literal["one_off", "recurring"]
    name: str
    price: int
    day: date


@dataclass(frozen=True, slots=True)
class Client:
    """A client as the scenario begins with it; `settings` are those of `office.billing.edit_billing`."""

    id: str
    since: date
    services: tuple[Service, ...]
    items: tuple[Item, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a client: the minute, the word for it, and what it says."""

    at: datetime
    client: str
    word: str
    said: Reader


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file; the journal holds `start` 00:00 ≤ at < `end` 00:00, local days."""

    company: Company
    clients: tuple[Client, ...]
    facts: tuple[Fact, ...]
    start: date
    end: date

    def instant(self, day: date, minutes: int = 0) -> datetime:
        """The instant of a local day and minute."""
        return instant(self.company.zone, day, minutes)


def read_scenario(text: str) -> Scenario:
    """The scenario of a JSON text. ScenarioError names the first thing that is wrong and its place."""
    whole = Reader(parsed(text), "")
    whole.known("company", "clients", "facts", "from", "until")
    company = _company(Reader(whole.need("company"), "company"))
    clients = tuple(_client(one, company.money) for one in whole.objects("clients"))
    if not clients:
        raise ScenarioError("clients: write at least one client")
    _unique("clients", "client", [one.id for one in clients])
    _unique("clients", "service", [service.id for one in clients for service in one.services])
    names = {one.id for one in clients}
    facts = [_fact(one, company, names) for one in whole.objects("facts")]
    start, end = whole.day("from"), whole.day("until")
    if end <= start:
        raise ScenarioError(f"until: {end} does not lie after from, {start}")
    # One minute's facts keep the order of the file; minutes come in order whatever the file's.
    return Scenario(company, clients, tuple(sorted(facts, key=lambda fact: fact.at)), start, end)


def settings_of(said: Reader, money: Currency) -> dict[str, Any]:
    """Billing settings as `edit_billing` takes them.

    ScenarioError for keys and forms that are none; Refusal for values that cannot be.
    """
    said.known(*BILLING_KEYS)
    values: dict[str, Any] = {}
    for key, value in said.value.items():
        if value is None:
            values |= {"late_fee_minor": None, "late_fee_basis_points": None} if key == "late_fee" else {}
            if key != "late_fee":
                values[key] = billing.NO_NOTICE if key == "screen_notice_days" else None
        elif key == "late_fee":
            values |= _late_fee(said.amount_text(key), money)
        elif key == "reconnection_fee":
            values[key] = parse_plain(said.amount_text(key), money)
        elif key == "reminders":
            values[key] = [_reminder(one) for one in said.objects(key)]
        elif key in ("mode", "tax", "first_cycle"):
            values[key] = said.text(key)
        else:
            values[key] = said.whole(key, 0)
    billing.check(values)
    return values


def service_of(said: Reader) -> Service:
    """A service as written. ScenarioError for keys and forms that are none."""
    said.known(*SERVICE_KEYS)
    kind = said.text("kind", "internet")
    if kind not in SERVICE_KINDS:
        raise said.fault("kind", f"{kind!r} is none of {', '.join(SERVICE_KINDS)}")
    return Service(said.text("id"), said.text("name"), said.amount_text("price"))


def _company(said: Reader) -> Company:
    said.known(*COMPANY_KEYS)
    zone = said.text("timezone")
    if zone not in available_timezones():
        raise said.fault("timezone", f"{zone!r} is not a time zone, like America/Lima")
    try:
        money = currency(said.text("currency"))
        tax = percent(said.text("tax_percent", "0"))
    except Refusal as refusal:
        raise ScenarioError(f"company: {refusal.sentence}") from refusal
    values = {
        "invoice_hour": said.minute("invoice_hour", 0),
        "cut_hour": said.minute("cut_hour", 0),
        "reminder_hour": said.minute("reminder_hour", 9 * 60),
        "tax_basis_points": tax,
        "promise_max_days": said.whole("promise_max_days", 20),
        "hold_cuts": said.yes("hold_cuts", default=False),
        "hold_totals": False,
        "bill_suspended": said.yes("bill_suspended", default=True),
    }
    return Company(ZoneInfo(zone), money, values)


def _client(said: Reader, money: Currency) -> Client:
    said.known("id", "since", "services", "items", "billing")
    services = tuple(service_of(one) for one in said.objects("services"))
    for one in said.objects("services"):
        one.amount("price", money)
    try:
        settings = settings_of(Reader(said.value.get("billing", {}), f"{said.place}.billing"), money)
    except Refusal as refusal:
        raise ScenarioError(f"{said.place}.billing: {refusal}") from refusal
    items = tuple(_item(one, money) for one in said.objects("items"))
    return Client(said.text("id"), said.day("since"), services, items, settings)


def _item(said: Reader, money: Currency) -> Item:
    kind = said.text("kind")
    if kind == "one_off":
        said.known("kind", "name", "price", "on")
        return Item("one_off", said.text("name"), said.amount("price", money), said.day("on"))
    if kind == "recurring":
        said.known("kind", "name", "price", "from")
        return Item("recurring", said.text("name"), said.amount("price", money), said.day("from"))
    raise said.fault("kind", f"{kind!r} is none of one_off, recurring")


def _fact(said: Reader, company: Company, names: set[str]) -> Fact:
    said.known("at", "client", *FACT_KEYS)
    local = said.local("at")
    client = said.text("client")
    if client not in names:
        raise said.fault("client", f"there is no client {client!r}; there are {', '.join(sorted(names))}")
    words = [key for key in said.value if key in FACT_KEYS]
    if len(words) != 1:
        raise ScenarioError(f"{said.place}: a fact says one thing: one of {', '.join(FACT_KEYS)}")
    word = words[0]
    place = f"{said.place}.{word}"
    if word == "fixed_date":
        said.day(word)
        inner = said
    else:
        inner = Reader(said.value[word], place)
        inner.known(*FACT_KEYS[word])
        _check_form(word, inner, company.money)
    at = instant(company.zone, local.date(), local.hour * 60 + local.minute)
    return Fact(at, client, word, inner)


def _check_form(word: str, said: Reader, money: Currency) -> None:
    """Every key and form of a fact, so that nothing is played of a file that is wrong further down."""
    if word in ("pay", "credit", "debit"):
        said.amount_text("amount")
        for key in ("method", "reference", "reason"):
            said.text(key, "")
        if said.has("invoice_cycle"):
            said.day("invoice_cycle")
    elif word == "promise":
        said.day("until")
    elif word in ("suspend", "activate"):
        said.text("reason", "")
    elif word == "delete_payment":
        said.text("reference")
    elif word == "free_invoice":
        if not said.items("lines"):
            raise said.fault("lines", "write at least one line")
        for line in said.objects("lines"):
            line.known("name", "price")
            line.text("name")
            line.amount_text("price")
    elif word == "set":
        with suppress(Refusal):  # what cannot be is a refused fact of the journal, not a fault of the file
            settings_of(said, money)
    elif word == "add_service":
        service_of(said)
    elif word == "remove_service":
        said.text("id")
    elif word == "void":
        said.day("cycle_start")


def _late_fee(text: str, money: Currency) -> dict[str, int | None]:
    if text.endswith("%"):
        return {"late_fee_minor": None, "late_fee_basis_points": percent(text, "late_fee")}
    return {"late_fee_minor": parse_plain(text, money), "late_fee_basis_points": None}


def _reminder(said: Reader) -> dict[str, Any]:
    said.known("days", "by")
    return {"days": said.whole("days", 0) if said.need("days") is not None else None, "by": said.items("by")}


def _unique(place: str, noun: str, names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ScenarioError(f"{place}: there are two {noun}s {twice!r}: ids are unique")

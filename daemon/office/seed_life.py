"""The lives of made-up clients: who they are, and their months of bills and payments through the real
engine.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from ipaddress import IPv4Network
from typing import Any, Literal

from daemon.office import seed_words as words
from daemon.office.account import Office, settings_of
from daemon.office.text import plain_words
from daemon.rules import deeds
from daemon.rules.account import Account, Charge
from daemon.rules.calendar import clamped, instant, month_after, whole_minute
from daemon.rules.engine import MINUTE, advance, late_fee_moment
from daemon.rules.event import Event
from daemon.rules.invoice import next_draft
from daemon.rules.sentence import say

type Kind = Literal["paid", "ahead", "owing", "suspended", "manual", "retired"]


@dataclass(slots=True)
class House:
    """What all clients share: ids of the catalogues, and the office's rules."""

    office: Office
    plans: list[tuple[int, str, int, int]]
    zones: list[int]
    methods: list[int]
    routers: list[tuple[int, IPv4Network]]
    today: date
    minute: datetime


@dataclass(slots=True)
class Life:
    """One client: rows to write, and the account with what happened to it."""

    client: dict[str, Any]
    service: dict[str, Any]
    payment_day: int
    kind: Kind
    account: Account
    events: list[Event] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    left_at: datetime | None = None


def live(
    house: House, rng: random.Random, number: int, kind: Kind, code: int, router_id: int, address: str
) -> Life:
    """Make up a client and run their account up to now."""
    due = _last_due(house, rng, kind)
    payment_day = due.day
    months = rng.choices((2, 1, 0), (15, 55, 30))[0] or (1 if kind == "owing" else 0)
    start = clamped(*month_after(due.year, due.month, -months), payment_day)
    plan_id, plan_name, price, _ = rng.choices(house.plans, [plan[3] for plan in house.plans])[0]
    zone = house.office.company.zone
    opened = instant(zone, start, 0)
    settings = settings_of(house.office, {"payment_day": payment_day})
    account = Account(
        number, house.office.company, settings, start, opened, opened, [Charge(number, plan_name, price)]
    )
    name, document = _name(rng)
    since = min(start, house.today - timedelta(days=rng.randrange(90, 1500)))
    client: dict[str, Any] = {
        "name": name,
        "sort_name": plain_words(name),
        "document_id": document,
        "email": f"{plain_words(name).split()[0]}{number}@correo.example" if rng.random() < 0.6 else "",
        "phone": "",
        "mobile": f"+519{rng.randrange(10**7, 10**8):08d}",
        "address": f"{rng.choice(words.STREETS)} {rng.randrange(100, 1999)}",
        "latitude": round(-12.05 + rng.gauss(0, 0.02), 6),
        "longitude": round(-75.2 + rng.gauss(0, 0.02), 6),
        "zone_id": rng.choice(house.zones),
        "portal_code": f"{code:08d}",
        "since": since,
        "billing_from": start,
        "created_at": opened,
        "note": "",
    }
    client["search"] = " " + plain_words(
        f"{name} {document} {client['mobile']} {client['mobile'][1:]} {client['mobile'][3:]} {client['email']} "
        f"{code:08d} "
        f"{client['address']} {address}"
    )
    service = {
        "router_id": router_id,
        "plan_id": plan_id,
        "access_mode": "static",
        "address": address,
        "ipv6": "",
        "mac": "4C:5E:0C:"
        + ":".join(f"{part:02X}" for part in (number >> 16 & 255, number >> 8 & 255, number & 255)),
        "emitter": f"Sector {rng.randrange(1, 9)}",
        "installed_on": since,
    }
    life = Life(client, service, payment_day, kind, account)
    _through(house, rng, life, due)
    return life


def _last_due(house: House, rng: random.Random, kind: Kind) -> date:
    """The due date of the client's last invoice, so that they are today what their kind says."""
    while True:
        if kind == "owing":
            day = house.today + timedelta(days=rng.randrange(-4, 3))
        elif kind == "suspended":
            day = house.today - timedelta(days=rng.randrange(7, 24))
        else:
            day = house.today - timedelta(days=rng.randrange(0, 26))
        if day.day <= 28:
            return day


def _through(house: House, rng: random.Random, life: Life, last_due: date) -> None:
    """The client's months: bills as the engine makes them, payments as such a client pays."""
    account, until = life.account, house.minute
    method = rng.choice(house.methods)
    pays_last = life.kind not in ("owing", "suspended")
    while (moment := next_draft(account).at + MINUTE) < until:
        life.events += advance(account, moment)
        unpaid = account.unpaid()
        if not unpaid or (not pays_last and unpaid[-1].due >= last_due):
            break
        if life.kind == "manual" and unpaid[-1].due >= last_due:
            pays_last = True
        latest = max(moment, until - timedelta(minutes=5))
        at = moment + timedelta(minutes=rng.randrange(60, 4 * 1440))
        if rng.random() < 0.9:  # most pay in time
            at = min(at, late_fee_moment(account, unpaid[0]) - timedelta(minutes=rng.randrange(1, 600)))
        at = min(max(at, moment), latest)
        amount = sum(invoice.left for invoice in unpaid)
        if life.kind == "ahead" and unpaid[-1].due >= last_due:
            amount += rng.choice((2000, 5000, 10000))
        life.events += advance(account, whole_minute(at))
        token = len(life.payments)
        life.events += deeds.pay(account, whole_minute(at), amount, token)
        reference = "" if method == house.methods[0] else f"OP-{rng.getrandbits(48):012x}"
        life.payments.append({"at": at, "amount": amount, "method_id": method, "reference": reference})
    if life.kind in ("manual", "retired"):
        at = max(account.reached, until - timedelta(days=rng.randrange(1, 6), minutes=rng.randrange(600)))
        life.events += advance(account, at)
        if life.kind == "manual":
            why = say(
                "Suspended by {name}: {reason}",
                name="Administración",
                reason=rng.choice(words.MANUAL_REASONS),
            )
            life.events += deeds.suspend(account, at, why)
        else:
            life.events += deeds.retire(
                account, at, say("Retired by {name}: {reason}", name="Administración", reason="")
            )
            life.left_at = at
    life.events += advance(account, until)


def _name(rng: random.Random) -> tuple[str, str]:
    """A name and a document number of its kind: a person's DNI or a business's RUC."""
    last = f"{rng.choice(words.LAST)} {rng.choice(words.LAST)}"
    if rng.random() < 0.06:
        return f"{rng.choice(words.BUSINESSES)} {last.split()[0]}", f"20{rng.randrange(10**8, 10**9)}"
    first = rng.choice(words.FIRST)
    if rng.random() < 0.4:
        first += f" {rng.choice(words.FIRST)}"
    return f"{first} {last}", f"{rng.randrange(10**7, 10**8)}"

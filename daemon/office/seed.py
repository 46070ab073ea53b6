"""A made-up provider of any size: believable clients, bills, payments, debts and cuts around `now`.

The history is not painted: each client's account is run through the real engine from its first bill on, with
payments as such a client makes them, so that every balance and standing is what the rules derive.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import seed_words as words
from daemon.office.account import Loaded, office_of
from daemon.office.actor import command
from daemon.office.announcement import spread, unspread, write_announcement
from daemon.office.billing import edit_billing
from daemon.office.company import set_up_company
from daemon.office.journal import save
from daemon.office.method import add_method
from daemon.office.plan import add_plan
from daemon.office.router import add_router
from daemon.office.seed_life import House, Kind, Life, live
from daemon.office.staff import PASSWORDS
from daemon.office.told import Told
from daemon.office.zone import add_zone
from daemon.rules.calendar import local_date, whole_minute
from daemon.store.billing import Billing
from daemon.store.bulk import insert_ids, insert_rows
from daemon.store.client import Client
from daemon.store.company import Clock, Company
from daemon.store.engine import Store
from daemon.store.payment import Payment
from daemon.store.service import InternetService
from daemon.store.staff import Staff

CHUNK = 4000
CLIENTS_A_ROUTER = 60_000
SEEDER = command("seed")
_KINDS: tuple[tuple[Kind, float], ...] = (
    ("paid", 0.605),
    ("owing", 0.20),
    ("suspended", 0.12),
    ("ahead", 0.03),
    ("manual", 0.02),
    ("retired", 0.025),
)


class AlreadySeeded(Exception):
    """There is a provider in this store already; the text says what to do."""


def seed(
    store: Store,
    *,
    clients: int,
    seed: int,
    now: datetime,
    admin_password: str,
    seal_public: bytes,
    network: str = "10.10.0.0/16",
    router_host: str = "10.99.0.1",
    router_password: str = "",
) -> None:
    """Fill an empty store with `clients` clients; the same `seed` and `now` give the same provider.

    About 60 % paid up, 20 % owing with a notice on their screen, 12 % cut, a few suspended by hand or gone;
    one announcement for a zone. Addresses run on from the tenth of `network`; beyond 60,000 clients there
    are more routers, each with the network after it. `admin` logs in with `admin_password`. Raises
    AlreadySeeded.
    """
    rng = random.Random(f"{seed}/{clients}")
    house = _found(
        store, rng, now, clients, admin_password, seal_public, network, router_host, router_password
    )
    hosts = _hosts(house)
    kinds = _kinds(rng, clients)
    codes = rng.sample(range(10**8), clients)
    for start in range(0, clients, CHUNK):
        lives = [
            live(house, rng, number, kinds[number], codes[number], *next(hosts))
            for number in range(start, min(start + CHUNK, clients))
        ]
        with store.write() as session:
            _write(session, rng, house, lives)
    with store.write() as session:
        session.add(Clock(name="billing", reached_at=house.minute))
        session.add(Clock(name="settings", reached_at=house.minute))
    _announce(store, house, now)


def _found(
    store: Store,
    rng: random.Random,
    now: datetime,
    clients: int,
    admin_password: str,
    seal_public: bytes,
    network: str,
    router_host: str,
    router_password: str,
) -> House:
    """Set up the company, its catalogues, its routers and the administrator."""
    with store.write() as session:
        if (
            session.get(Company, 1) is not None
            or session.scalars(select(Staff.id).limit(1)).first() is not None
        ):
            raise AlreadySeeded(
                "this home already holds a provider: choose another --home, or empty this one"
            )
        early = now - timedelta(days=200)
        set_up_company(
            session,
            SEEDER,
            early,
            name="Fibra del Valle",
            timezone="America/Lima",
            currency_code="PEN",
            tax_id="20600000005",
            phone="01 555 0100",
            address="Jr. Progreso 123, Centro",
            how_to_pay="En caja: Jr. Progreso 123, de 8:00 a 18:00.\nBilletera móvil: 900 000 100.",
            invoice_hour=6 * 60,
            tax_basis_points=1800,
        )
        edit_billing(
            session,
            SEEDER,
            early,
            None,
            mode="prepaid",
            payment_day=5,
            create_days_before=5,
            tax="included",
            grace_days=5,
            late_fee="5.00",
            reconnection_fee="10.00",
            screen_notice_days=3,
        )
        session.add(
            Staff(
                user="admin",
                name="Administración",
                password_hash=PASSWORDS.hash(admin_password),
                role="admin",
                password_changed_at=now,
            )
        )
        plans = [
            (
                add_plan(session, SEEDER, early, name=name, download_kbps=down, upload_kbps=up, price=price),
                name,
                price,
                w,
            )
            for name, down, up, price, w in words.PLANS
        ]
        zones = [add_zone(session, SEEDER, early, name=name) for name in words.ZONES]
        methods = [add_method(session, SEEDER, early, name=name) for name in words.METHODS]
        routers: list[tuple[int, IPv4Network]] = []
        space = IPv4Network(network)
        for number in range(max(1, -(-clients // min(CLIENTS_A_ROUTER, space.num_addresses - 16)))):
            home = IPv4Network((int(space.network_address) + number * space.num_addresses, space.prefixlen))
            name = words.ROUTERS[number] if number < len(words.ROUTERS) else f"Torre {number + 1}"
            made = add_router(
                session,
                SEEDER,
                early,
                name=name,
                host=router_host if number == 0 else f"10.99.{number}.1",
                user="pregonero",
                password=router_password or f"{rng.getrandbits(64):016x}",
                public_key=seal_public,
                client_interfaces=["bridge1"],
                networks=[str(home)],
                box_address="10.99.0.2",
                box_interface="ether3",
                allowed=["10.99.0.2"],
            )
            routers.append((made, home))
        office = office_of(session)
        return House(
            office, plans, zones, methods, routers, local_date(office.company.zone, now), whole_minute(now)
        )


def _hosts(house: House) -> Iterator[tuple[int, str]]:
    """(router, address) one after another, leaving each network's first ten to the router and its people."""
    for router_id, home in house.routers:
        last = min(int(home.broadcast_address), int(home.network_address) + 10 + CLIENTS_A_ROUTER)
        for number in range(int(home.network_address) + 10, last):
            yield router_id, str(IPv4Address(number))


def _kinds(rng: random.Random, clients: int) -> list[Kind]:
    """The mix, in exact shares as far as the number allows, in random order."""
    kinds: list[Kind] = []
    for kind, part in _KINDS[1:]:
        kinds += [kind] * (round(clients * part) if clients >= 40 else int(clients * part))
    kinds = kinds[:clients]
    kinds += ["paid"] * (clients - len(kinds))
    rng.shuffle(kinds)
    return kinds


def _write(session: Session, rng: random.Random, house: House, lives: list[Life]) -> None:
    """Write a chunk of clients with all that happened to them."""
    default_day = house.office.billing["payment_day"]
    ids = insert_ids(session, Client, [life.client | {"retired_at": life.left_at} for life in lives])
    for client_id, life in zip(ids, lives, strict=True):
        life.account.client = client_id
    services = insert_ids(
        session,
        InternetService,
        [life.service | {"client_id": life.account.client, "removed_at": life.left_at} for life in lives],
    )
    own = {life.account.charges[0].key: key for life, key in zip(lives, services, strict=True)}
    billing = [
        {"client_id": life.account.client, "payment_day": life.payment_day}
        for life in lives
        if life.payment_day != default_day
    ]
    if billing:
        insert_rows(session, Billing, billing)
    payments = [
        row | {"client_id": life.account.client, "actor": "Administración", "note": ""}
        for life in lives
        for row in life.payments
    ]
    real = iter(insert_ids(session, Payment, payments))
    for life in lives:
        keys = [next(real) for _ in life.payments]
        for event in life.events:
            object.__setattr__(event, "lines", tuple(_with_key(line, own) for line in event.lines))
            for movement in event.movements:
                if movement.payment is not None:
                    movement.payment = keys[movement.payment]
        for balance in life.account.balances:
            if balance.payment is not None:
                balance.payment = keys[balance.payment]
    save(session, "system", [Told(Loaded(life.account), life.events) for life in lives], fresh=True)


def _with_key(line: Any, own: dict[Any, int]) -> Any:
    return type(line)(own[line.key], line.name, line.net, line.tax, line.why)


def _announce(store: Store, house: House, now: datetime) -> None:
    """One announcement, for the clients of one zone."""
    with store.write() as session:
        zone = (
            session.scalars(
                select(Client.zone_id)
                .where(Client.zone_id == house.zones[0], Client.retired_at.is_(None))
                .limit(1)
            ).first()
            or session.scalars(select(Client.zone_id).where(Client.retired_at.is_(None)).limit(1)).first()
        )
        if zone is None:
            return
        write_announcement(
            session,
            SEEDER,
            now,
            title=words.ANNOUNCEMENT_TITLE,
            html=words.ANNOUNCEMENT_HTML,
            service_class="maintenance",
            until_at=now + timedelta(days=4),
            filter={"zones": [zone]},
        )
    more = True
    while more:
        with store.write() as session:
            for one in unspread(session):
                spread(session, one)
            more = bool(unspread(session))

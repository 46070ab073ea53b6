"""An office to work in: a company in Lima with a plan, a router, a method and a way to write deeds shortly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.office import billing, client, company, method, plan, router, service
from daemon.office.actor import Actor, command
from daemon.office.run import RunCounts, run_clock
from daemon.office.standing import rebuild_standing
from daemon.store.client import Client
from daemon.store.engine import Store, sqlite_url
from daemon.store.seal import new_keys
from daemon.store.suspension import Standing
from tests.fresh import fresh

LIMA = ZoneInfo("America/Lima")
ADMIN = Actor("staff", 1, "Rosa", "admin", "127.0.0.1")
_KEYS = new_keys()


def lima(text: str) -> datetime:
    """The instant of a local day and hour in Lima."""
    return datetime.fromisoformat(text).replace(tzinfo=LIMA).astimezone(UTC)


@dataclass
class Town:
    """A small provider, and short words for what its people do."""

    store: Store
    plan: int
    router: int
    cash: int
    private_key: bytes
    public_key: bytes

    def do[**P, T](
        self, at: str, deed: Callable[..., T], *args: Any, actor: Actor = ADMIN, **words: Any
    ) -> T:
        """A deed of staff at a local time, in a transaction of its own."""
        with self.store.write() as session:
            return deed(session, actor, lima(at), *args, **words)

    def ask[T](self, question: Callable[..., T], *args: Any, **words: Any) -> T:
        """A question in a reading session."""
        with self.store.read() as session:
            return question(session, *args, **words)

    def client(self, at: str, name: str = "Ana Quispe", address: str = "10.10.0.10", **settings: Any) -> int:
        """A client with one service, and settings of their own."""
        day = date.fromisoformat(at[:10])
        made = self.do(at, client.add_client, name=name, since=day, billing_from=day)
        if settings:
            self.do(at, billing.edit_billing, made, **settings)
        self.do(at, service.add_service, made, router_id=self.router, plan_id=self.plan, address=address)
        return made

    def run(self, at: str, **words: Any) -> RunCounts:
        """Let the billing run catch up to a local time."""
        return run_clock(self.store, lima(at), **words)

    def standing(self, client_id: int) -> Standing:
        """The standing of a client."""
        with self.store.read() as session:
            return session.get_one(Standing, client_id)

    def derives_the_same(self) -> bool:
        """Whether all standings are what the facts alone give."""
        with self.store.write() as session:
            ids = [row.id for row in session.query(Client.id)]
            return rebuild_standing(session, ids) == 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = sqlite_url(tmp_path / "store.db")
    fresh(url)
    made = Store(url)
    yield made
    made.dispose()


@pytest.fixture
def town(store: Store) -> Town:
    return furnish(store)


def furnish(store: Store) -> Town:
    """Set up the provider in an empty store."""
    now = lima("2026-01-01 00:00")
    with store.write() as session:
        company.set_up_company(
            session,
            command(),
            now,
            name="Fibra del Valle",
            timezone="America/Lima",
            currency_code="PEN",
            invoice_hour=6 * 60,
            tax_basis_points=1800,
            how_to_pay="Yape 900 000 000",
            phone="01 555 0000",
        )
        billing.edit_billing(
            session,
            command(),
            now,
            None,
            mode="prepaid",
            payment_day=1,
            create_days_before=1,
            tax="included",
            grace_days=5,
            late_fee="5.00",
            reconnection_fee="10.00",
            screen_notice_days=3,
        )
        return Town(
            store,
            plan.add_plan(
                session,
                command(),
                now,
                name="Plan 10M",
                download_kbps=10_000,
                upload_kbps=5_000,
                price="50.00",
            ),
            router.add_router(
                session,
                command(),
                now,
                name="Torre Norte",
                host="192.0.2.1",
                user="pregonero",
                password="secreto de torre",
                public_key=_KEYS[1],
                client_interfaces=["bridge1"],
                networks=["10.10.0.0/16"],
                box_address="10.99.0.2",
                box_interface="ether3",
            ),
            method.add_method(session, command(), now, name="Efectivo"),
            *_KEYS,
        )

"""A small provider for the pages: five clients in five situations, and browsers of each role."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from daemon.office import (
    billing,
    client,
    company,
    method,
    plan,
    router,
    run,
    service,
    staff,
    suspension,
    zone,
)
from daemon.office.actor import command
from daemon.settings import Settings
from daemon.store.engine import Store
from daemon.store.seal import ensure_keys, load_key
from tests.fresh import fresh
from webui.portal.app import create_portal_app
from webui.staff.app import create_staff_app

PASSWORD = "correct horse battery"
BEGAN = datetime(2026, 1, 20, 15, 0, tzinfo=UTC)
NOW = datetime(2026, 2, 3, 15, 0, tzinfo=UTC)
BOSS = command("test")
NAMES = ("Ana Quispe", "Bruno Rojas", "Carla Díaz", "Delia Núñez", "Elías Soto")


@dataclass
class Town:
    """The provider: its settings, its store, a clock that tests move, and the ids of its clients by name."""

    settings: Settings
    store: Store
    now: datetime
    clients: dict[str, int]
    router_id: int

    def clock(self) -> datetime:
        """What the pages take for now."""
        return self.now

    def pass_time(self, until: datetime) -> None:
        """Let the billing run catch up to a moment."""
        self.now = until
        run.run_clock(self.store, until)


def settings_of(home: Path) -> Settings:
    """The settings of a home whose pages are spoken to over plain HTTP."""
    return replace(Settings.load(home, {}), secure_cookies=False)


def settle(home: Path) -> Town:
    """Set up a provider in an empty home: Ana owes, Bruno is cut by hand, Carla begins later, Delia has no service,
    the clock has cut Elías.
    """
    settings = Settings.load(home, {})
    settings = Settings(
        **{
            name: getattr(settings, name)
            for name in ("home", "database_url", "sockets", "portal_key", "web_key")
        },
        secure_cookies=False,
    )
    fresh(settings.database_url)
    ensure_keys(settings.seal_public_path.parent)
    store = Store(settings.database_url)
    with store.write() as session:
        company.set_up_company(
            session, BOSS, BEGAN, name="Andes Fibra", timezone="America/Lima", currency_code="PEN", phone="01 555 0100",
            how_to_pay="Yape 987 654 321\nCuenta BCP 191-000000-0-00", invoice_hour=360, hold_cuts=True,
        )  # fmt: skip
        billing.edit_billing(
            session, BOSS, BEGAN, None,
            mode="prepaid", payment_day=1, create_days_before=3, grace_days=20, tax="none", screen_notice_days=3,
        )  # fmt: skip
        centre = zone.add_zone(session, BOSS, BEGAN, name="Centro")
        basic = plan.add_plan(
            session, BOSS, BEGAN, name="Hogar 20", download_kbps=20_000, upload_kbps=5_000, price="50.00"
        )
        method.add_method(session, BOSS, BEGAN, name="Efectivo")
        method.add_method(session, BOSS, BEGAN, name="Transferencia")
        edge = router.add_router(
            session, BOSS, BEGAN, password="secreto-del-router", public_key=load_key(settings.seal_public_path),
            name="Cerro Norte", host="127.0.0.1", port=8728, user="pregonero", client_interfaces=["ether3"],
            networks=["10.20.0.0/24"],
        )  # fmt: skip
        clients = {}
        for number, name in enumerate(NAMES):
            key = client.add_client(
                session, BOSS, BEGAN, name=name, document_id=f"4000000{number}", zone_id=centre,
                mobile=f"+5198765432{number}", since=date(2026, 2, 15) if name == "Carla Díaz" else None,
            )  # fmt: skip
            clients[name.split()[0].lower()] = key
            if name != "Delia Núñez":
                service.add_service(
                    session, BOSS, BEGAN, key, router_id=edge, plan_id=basic, address=f"10.20.0.{10 + number}"
                )
        billing.edit_billing(session, BOSS, BEGAN, clients["elías"], grace_days=5)
        for user, role in (
            ("jefa", "admin"),
            ("caja", "cashier"),
            ("tecnico", "technician"),
            ("mira", "viewer"),
        ):
            staff.add_staff(
                session,
                BOSS,
                BEGAN,
                user=user,
                name=user.title(),
                password=PASSWORD,
                role=role,  # type: ignore[arg-type]
            )
    town = Town(settings, store, BEGAN, clients, edge)
    town.pass_time(NOW - timedelta(hours=2))
    with store.write() as session:
        suspension.suspend(session, BOSS, town.now, clients["bruno"], "Pidió una pausa")
    town.pass_time(NOW)
    return town


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The provider that every test begins with, made once."""
    made = settle(tmp_path_factory.mktemp("town") / "home")
    made.store.dispose()
    return made


@pytest.fixture
def town(pattern: Town, tmp_path: Path) -> Iterator[Town]:
    """A fresh provider: a copy of the pattern."""
    home = tmp_path / "home"
    shutil.copytree(pattern.settings.home, home, ignore=shutil.ignore_patterns("run"))
    settings = settings_of(home)
    made = replace(
        pattern, settings=settings, store=Store(settings.database_url), clients=dict(pattern.clients)
    )
    yield made
    made.store.dispose()


@pytest.fixture
def staff_app(town: Town) -> Flask:
    """The staff's application over the town; errors are pages, as in production."""
    return create_staff_app(town.settings, store=town.store, clock=town.clock)


@pytest.fixture
def portal_app(town: Town) -> Flask:
    """The portal over the town."""
    return create_portal_app(town.settings, store=town.store, clock=town.clock)


class Visitor:
    """Somebody at a browser: takes the form token of the page they see."""

    def __init__(self, browser: FlaskClient) -> None:
        self.browser = browser

    def token(self, page: str = "/login") -> str:
        """The form token of a page."""
        text = self.browser.get(page, follow_redirects=True).get_data(as_text=True)
        return text.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]

    def get(self, page: str, **words: Any) -> Any:
        """Look at a page."""
        return self.browser.get(page, **words)

    def text(self, page: str) -> str:
        """What a page says, which must be there."""
        answer = self.browser.get(page)
        assert answer.status_code == 200, (page, answer.status)
        return str(answer.get_data(as_text=True))

    def post(self, page: str, fields: dict[str, Any] | None = None, **words: Any) -> Any:
        """Send a form, with its token."""
        return self.browser.post(page, data={"csrf_token": self.token("/account"), **(fields or {})}, **words)

    def enter(self, user: str, password: str = PASSWORD) -> Any:
        """Log in."""
        return self.browser.post(
            "/login", data={"csrf_token": self.token(), "user": user, "password": password}
        )


@pytest.fixture
def visit(staff_app: Flask) -> Callable[[str], Visitor]:
    """Somebody who is logged in as a user of the town; "" for somebody outside."""

    def come(user: str) -> Visitor:
        visitor = Visitor(staff_app.test_client())
        if user:
            assert visitor.enter(user).status_code == 302
        return visitor

    return come

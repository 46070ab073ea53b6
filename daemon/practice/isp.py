"""The practice ISP in its home: made once, read by the runner."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from sqlalchemy import select

from daemon.office.seed import seed
from daemon.office.staff import hash_password
from daemon.settings import Settings
from daemon.store.client import Client
from daemon.store.company import Company
from daemon.store.engine import Store
from daemon.store.migrate import StoreError, upgrade
from daemon.store.notice import Notice
from daemon.store.router import Router, RouterStatus
from daemon.store.seal import ensure_keys, load_key, seal
from daemon.store.service import InternetService
from daemon.store.staff import Staff
from daemon.store.suspension import Standing


class IspError(Exception):
    """The ISP in this home cannot be practised on; the text says why."""


@dataclass(frozen=True)
class Subscriber:
    """A client with a seat in the practice."""

    client_id: int
    name: str
    address: str
    state: str
    owes: bool
    notice: bool


class Isp:
    """What the runner asks of the store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database_url, bell=settings.bell_path)
        self.router_name = ""
        self._router_id = 0

    def prepare(self, clients: int, staff_password: str, network: str) -> bool:
        """Bring the store up to date and make an ISP where there is none; True when it was made now.

        An ISP made by `pregonero seed` is taken as it is; only the password of `admin` is set to the practice's.
        """
        try:
            upgrade(self.settings.database_url)
        except StoreError as error:
            raise IspError(str(error)) from error
        ensure_keys(self.settings.home / "keys")
        with self.store.read() as session:
            empty = session.scalars(select(Staff.id).limit(1)).first() is None
        if empty:
            seed(
                self.store,
                clients=clients,
                seed=1,
                now=datetime.datetime.now(datetime.UTC),
                network=network,
                admin_password=staff_password,
                seal_public=load_key(self.settings.seal_public_path),
            )
        else:
            self._set_password(staff_password)
        return empty

    def _set_password(self, password: str) -> None:
        with self.store.write() as session:
            admin = session.scalars(select(Staff).where(Staff.user == "admin")).first()
            if admin is None:
                raise IspError("this home has no staff user admin; choose another --home for practice")
            admin.password_hash = hash_password(password)
            admin.disabled_at = None

    def place_router(self, host: str, port: int, user: str, password: str) -> None:
        """Point the ISP's first router at the practice router."""
        public = load_key(self.settings.seal_public_path)
        with self.store.write() as session:
            routers = session.scalars(
                select(Router).where(Router.retired_at.is_(None)).order_by(Router.id)
            ).all()
            if not routers:
                raise IspError("this home has no router; choose another --home for practice")
            router = routers[0]
            router.host, router.port, router.user = host, port, user
            router.tls = False
            router.password_sealed = seal(public, password)
            status = session.get(RouterStatus, router.id)
            if status is not None:
                status.in_step = False
                status.synced_at = None
            self._router_id, self.router_name = router.id, router.name

    def set_portal(self, url: str) -> None:
        """Tell the company where its portal is, and let the suspended reach it."""
        with self.store.write() as session:
            company = session.get_one(Company, 1)
            company.portal_url = url

    def subscribers(self, most: int, network: str) -> list[Subscriber]:
        """At most `most` clients that have an address in `network` on the practice router, of every kind."""
        showing = (
            select(Notice.client_id)
            .where(Notice.off_at.is_(None), Notice.acknowledged_at.is_(None))
            .distinct()
            .subquery()
        )
        query = (
            select(
                InternetService.address,
                Client.id,
                Client.name,
                Standing.state,
                Standing.debt,
                showing.c.client_id,
            )
            .join(Client, Client.id == InternetService.client_id)
            .join(Standing, Standing.client_id == Client.id)
            .outerjoin(showing, showing.c.client_id == Client.id)
            .where(
                InternetService.removed_at.is_(None),
                InternetService.paused_at.is_(None),
                Client.retired_at.is_(None),
                InternetService.router_id == self._router_id
                if self._router_id
                else InternetService.router_id > 0,
            )
            .order_by(InternetService.id)
        )
        inside = IPv4Network(network)
        found: list[Subscriber] = []
        with self.store.read() as session:
            for address, client, name, state, debt, noticed in session.execute(query):
                if IPv4Address(address) in inside:
                    found.append(Subscriber(client, name, address, state, debt > 0, noticed is not None))
                if len(found) == most:
                    break
        if not found:
            raise IspError(
                f"no client of this home has an address in {network}: it was made for another kind of practice "
                "(root or not); choose another --home"
            )
        return found

    def in_step(self) -> bool:
        """Whether the daemon has the practice router in step."""
        with self.store.read() as session:
            status = session.get(RouterStatus, self._router_id)
            return status is not None and status.reachable and status.in_step

    def router_trouble(self) -> str:
        """What the daemon said last of the practice router."""
        with self.store.read() as session:
            status = session.get(RouterStatus, self._router_id)
            if status is None:
                return "the daemon has not seen it yet"
            return (
                status.error
                or f"reachable: {status.reachable}, findings: {status.findings}, held: {status.held}"
            )

    def close(self) -> None:
        """Close the store."""
        self.store.dispose()

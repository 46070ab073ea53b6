"""A store whose process can die between any two statements, and a provider to live with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from daemon.office import billing, client, company, item, method, plan, router, service
from daemon.office.actor import Actor
from daemon.office.run import run_clock
from daemon.office.standing import rebuild_standing
from daemon.rules.refusal import Refusal
from daemon.store.client import Client
from daemon.store.engine import Store
from daemon.store.invoice import Invoice, Series
from daemon.store.ledger import Ledger
from daemon.store.seal import new_keys
from daemon.store.suspension import Standing

ROSA = Actor("staff", None, "Rosa", "admin")
_PUBLIC = new_keys()[1]
BEGIN = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)  # midnight in Lima

# Everything that was decided, without the ids and numbers that the order of writing gives.
JOURNAL = (
    "SELECT client_id, kind, cycle_start, cycle_end, due, created_at, net, tax, total, to_pay, settled_at, "
    "voided_at, late_fee, reminded, why FROM invoice",
    "SELECT client_id, at, kind, amount, why FROM ledger",
    'SELECT client_id, at, "action", "by", reason FROM suspension',
    "SELECT client_id, on_at, off_at, why FROM notice",
    "SELECT client_id, until, at, ended_at, broken FROM promise",
    "SELECT client_id, cycle_start, cycle_end, at FROM passed_cycle",
    "SELECT client_id, amount, reference, deleted_at FROM payment",
    "SELECT at, candidates, active, held FROM cut_run",
    'SELECT client_id, state, "by", why, since, debt, debit, credit, next_cut_at, billed_through, held FROM standing',
)


class Death(BaseException):
    """The process is gone: nobody may catch this on the way."""


class MortalStore(Store):
    """A store that dies after so many statements, or commits, of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.left: int | None = None
        event.listen(self.engine, "before_cursor_execute", self._statement)
        event.listen(self.engine, "commit", self._one_less)

    def _statement(self, *_words: object) -> None:
        self._one_less()

    def _one_less(self, *_words: object) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Death

    @contextmanager
    def write(self) -> Iterator[Session]:
        """As everywhere; death may also come just after the commit, before anybody hears of it."""
        with super().write() as session:
            yield session
        self._one_less()


class Provider:
    """A small provider in a store, and the deeds of its people. A death never stops what is done again."""

    def __init__(self, store: MortalStore, policies: list[dict[str, Any]], rules: dict[str, Any]) -> None:
        self.store = store
        self.clients: list[int] = []
        self.refused: list[str] = []
        with store.write() as session:
            company.set_up_company(
                session, ROSA, BEGIN, name="Valle", timezone="America/Lima", currency_code="PEN", **rules
            )
            tower = router.add_router(
                session, ROSA, BEGIN, name="Torre", host="192.0.2.1", user="x", password="una clave larga",
                public_key=_PUBLIC, client_interfaces=["bridge1"], networks=["10.0.0.0/8"],
                box_address="192.0.2.2", box_interface="ether1",
            )  # fmt: skip
            basic = plan.add_plan(
                session, ROSA, BEGIN, name="Plan 10M", download_kbps=1, upload_kbps=1, price=5000
            )
            self.cash = method.add_method(session, ROSA, BEGIN, name="Efectivo")
            for number, policy in enumerate(policies):
                day = BEGIN.date()
                made = client.add_client(session, ROSA, BEGIN, name=f"C{number}", since=day, billing_from=day)
                billing.edit_billing(session, ROSA, BEGIN, made, **policy)
                service.add_service(
                    session,
                    ROSA,
                    BEGIN,
                    made,
                    router_id=tower,
                    plan_id=basic,
                    address=f"10.0.0.{number + 10}",
                )
                item.add_item(session, ROSA, BEGIN, made, kind="one_off", name="Router", price=12000)
                self.clients.append(made)

    def run(self, now: datetime, deaths: list[int]) -> None:
        """The billing run, started again after each death."""
        for left in deaths:
            self.store.left = left
            try:
                run_clock(self.store, now, chunk=2, darkness=None)
            except Death:
                continue
            finally:
                self.store.left = None
        run_clock(self.store, now, chunk=2, darkness=None)

    def do(
        self, deaths: list[int], done: Callable[[Session], bool], deed: Callable[[Session], object]
    ) -> None:
        """A deed, tried again by a person who after a death looks whether it is done already."""
        for left in [*deaths, None]:
            self.store.left = left
            try:
                with self.store.write() as session:
                    if done(session):
                        return
                    deed(session)
            except Death:
                continue
            except Refusal as refusal:
                self.refused.append(str(refusal))
                return
            finally:
                self.store.left = None
            return

    def journal(self) -> list[list[str]]:
        """Everything that was decided, in an order of its own."""
        with self.store.read() as session:
            return [
                sorted(json.dumps([_plain(one) for one in row]) for row in session.execute(text(query)))
                for query in JOURNAL
            ]

    def is_sound(self) -> None:
        """Laws 2 and 3, and that everything derived can be derived again."""
        with self.store.read() as session:
            owed = {
                key: (int(debt), int(waits))
                for key, debt, waits in session.execute(
                    select(
                        Ledger.client_id,
                        func.sum(Ledger.amount).filter(Ledger.invoice_id.is_not(None)),
                        func.sum(Ledger.amount).filter(Ledger.invoice_id.is_(None)),
                    ).group_by(Ledger.client_id)
                ).all()
                for debt, waits in [(debt or 0, waits or 0)]
            }
            for row in session.scalars(select(Standing)):
                assert owed.get(row.client_id, (0, 0)) == (row.debt, row.debit - row.credit)
            numbers = sorted(session.scalars(select(Invoice.number).where(Invoice.kind == "service")))
            assert numbers == list(range(1, len(numbers) + 1))
            following = session.scalar(select(Series.next_number).where(Series.name == "service"))
            assert following in (None, len(numbers) + 1)
        with self.store.write() as session:
            assert rebuild_standing(session, session.scalars(select(Client.id)).all()) == 0


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.loads(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    if isinstance(value, str) and value[10:11] == " " and value.endswith(".000000"):
        return value[:19]
    if isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, int | dict | list) else str(value)

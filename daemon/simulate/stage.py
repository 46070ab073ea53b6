"""Plays a scenario: the office's own deeds and the product's billing run over a throw-away database.

The clock is driven. It wakes on a grid (`day`, `hour`, `minute` from the beginning on) or only after each fact
and at the end (`once`); a wake-up before which nothing is due does nothing at all, so those are left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from daemon.office import (
    balance,
    billing,
    client,
    company,
    invoice,
    item,
    method,
    payment,
    plan,
    promise,
    router,
    service,
    standing,
    suspension,
)
from daemon.office.actor import command
from daemon.office.journal import HEARD
from daemon.office.run import first_moment, run_clock
from daemon.office.standing import RECORDING, settle_minute
from daemon.rules.money import parse_plain
from daemon.rules.refusal import Refusal, Repeat
from daemon.rules.sentence import Sentence, say
from daemon.simulate import journal
from daemon.simulate.journal import Entry
from daemon.simulate.reader import ScenarioError
from daemon.simulate.scenario import Client, Fact, Scenario, Service, service_of, settings_of
from daemon.store.engine import Store, sqlite_url
from daemon.store.invoice import Invoice
from daemon.store.migrate import upgrade
from daemon.store.payment import Payment
from daemon.store.seal import new_keys
from daemon.store.suspension import CutRun

type Step = Literal["day", "hour", "minute", "once"]

STEPS: dict[Step, timedelta | None] = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "once": None,
}
MINUTE = timedelta(minutes=1)
ACTOR = command("scenario")


class HeardStore(Store):
    """A store that tells what was written, once it is committed: (actor, client, event)."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _hastily)
        self.heard: list[tuple[str, int, Any]] = []

    @contextmanager
    def write(self) -> Iterator[Session]:
        """As everywhere; what the journal of this transaction holds is heard after its commit alone."""
        with super().write() as session:
            heard: list[tuple[str, int, Any]] = []
            session.info[HEARD] = heard
            yield session
        self.heard += heard


def _hastily(connection: Any, _record: object) -> None:
    """Nobody needs what is thrown away to survive a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


def play(scenario: Scenario, step: Step = "day", url: str | None = None) -> list[Entry]:
    """The journal of a scenario. `url` names an empty database that has its tables; a throw-away one
    unless given.
    """
    if url is not None:
        return _Stage(scenario, url).play(STEPS[step])
    with tempfile.TemporaryDirectory(prefix="pregonero-simulate-") as folder:
        made = sqlite_url(Path(folder, "scenario.sqlite3"))
        upgrade(made)
        return _Stage(scenario, made).play(STEPS[step])


@dataclass(slots=True)
class _Names:
    """What the file calls things, and the ids they have in the database."""

    clients: dict[str, int] = field(default_factory=dict)
    services: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Services that are in use: id of the file → (client of the file, id)."""
    plans: dict[str, int] = field(default_factory=dict)
    methods: dict[str, int] = field(default_factory=dict)
    router: int = 0


class _Stage:
    def __init__(self, scenario: Scenario, url: str) -> None:
        self.scenario = scenario
        self.money = scenario.company.money
        self.store = HeardStore(url)
        self.names = _Names()
        self.places = {one.id: number for number, one in enumerate(scenario.clients)}
        self.addresses = count(10)
        self.entries: list[Entry] = []
        self.held: dict[datetime, list[int]] = {}
        opened = {one.id: scenario.instant(one.since) for one in scenario.clients}
        for fact in scenario.facts:
            opened[fact.client] = min(opened[fact.client], fact.at)
        self.opened = opened
        self.begin = min(opened.values())

    def play(self, step: timedelta | None) -> list[Entry]:
        """Everything from the first client or fact on, up to the end of the scenario."""
        begin, end = self.scenario.instant(self.scenario.start), self.scenario.instant(self.scenario.end)
        try:
            self._found()
            facts = {at: list(these) for at, these in groupby(self.scenario.facts, attrgetter("at"))}
            for at in sorted({*self.opened.values(), *facts}):
                if at >= end:
                    break
                self._wake(step, at)
                self._open(at)
                if at in facts:
                    self._happen(at, facts[at])
                    if step is None:
                        self._run(at + MINUTE)
            self._wake(step, end)
            self._run(end)
            self._tell_held()
        finally:
            self.store.dispose()
        return journal.in_order(self.entries, begin, end)

    def _wake(self, step: timedelta | None, until: datetime) -> None:
        """Let the clock wake on its grid, up to an instant. What nobody has to do is not waited for."""
        while step is not None and (due := first_moment(self.store)) is not None and due < until:
            wake = self.begin + ((due - self.begin) // step + 1) * step
            if wake > until:
                return
            self._run(wake)

    def _run(self, now: datetime) -> None:
        run_clock(self.store, now, darkness=None)
        self._listen(fact=False)

    def _listen(self, *, fact: bool) -> None:
        """Take what was heard into the journal; `fact`: what a person did stands in its place."""
        known = {key: name for name, key in self.names.clients.items()}
        for actor, client_id, told in self.store.heard:
            name = known[client_id]
            number = self.places[name]
            if told.kind == "held":
                self.held.setdefault(told.at, []).append(number)
                continue
            entry = journal.of_event(told, name, number, self.money, fact=fact and actor == ACTOR.name)
            if entry is not None:
                self.entries.append(entry)
        self.store.heard.clear()

    def _tell_held(self) -> None:
        with self.store.read() as session:
            runs = {run.at: run for run in session.scalars(select(CutRun))}
        for at, numbers in self.held.items():
            run = runs.get(at)
            why = Sentence.from_json(run.sentence) if run is not None else None
            why = why or say("More cuts than expected")
            self.entries.append(journal.of_held(at, min(numbers), len(numbers), why))

    def _found(self) -> None:
        """The company and its catalogues."""
        with self.store.write() as session:
            company.set_up_company(
                session,
                ACTOR,
                self.begin,
                name="Scenario",
                timezone=self.scenario.company.zone.key,
                currency_code=self.money.code,
                **self.scenario.company.values,
            )
            self.names.router = router.add_router(
                session,
                ACTOR,
                self.begin,
                name="Scenario",
                host="192.0.2.1",
                user="scenario",
                password="nobody calls this router",
                public_key=new_keys()[1],
                client_interfaces=["bridge1"],
                networks=["10.0.0.0/8"],
                box_address="192.0.2.2",
                box_interface="ether1",
            )

    def _open(self, at: datetime) -> None:
        """Clients whose first day, or first fact, has come."""
        for one in self.scenario.clients:
            if self.opened[one.id] == at:
                try:
                    with self.store.write() as session:
                        self._add_client(session, at, one)
                except Refusal as refusal:
                    raise ScenarioError(f"client {one.id!r}: {refusal}") from refusal
        self._listen(fact=False)

    def _add_client(self, session: Session, at: datetime, one: Client) -> None:
        made = client.add_client(session, ACTOR, at, name=one.id, since=one.since, billing_from=one.since)
        self.names.clients[one.id] = made
        if one.settings:
            billing.edit_billing(session, ACTOR, at, made, **one.settings)
        for each in one.services:
            self._add_service(session, at, one.id, each)
        for each_item in one.items:
            item.add_item(
                session,
                ACTOR,
                at,
                made,
                kind=each_item.kind,
                name=each_item.name,
                price=each_item.price,
                starts_on=each_item.day,
            )

    def _add_service(self, session: Session, at: datetime, client_id: str, one: Service) -> None:
        if one.id in self.names.services:
            raise Refusal("id", say("The service id {id} is in use", id=one.id))
        price = parse_plain(one.price, self.money)
        if one.name not in self.names.plans:
            self.names.plans[one.name] = plan.add_plan(
                session, ACTOR, at, name=one.name, download_kbps=1000, upload_kbps=1000, price=price
            )
        host = next(self.addresses)
        made = service.add_service(
            session,
            ACTOR,
            at,
            self.names.clients[client_id],
            router_id=self.names.router,
            plan_id=self.names.plans[one.name],
            address=f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}",
            price=price,
        )
        self.names.services[one.id] = client_id, made

    def _happen(self, at: datetime, facts: list[Fact]) -> None:
        """The facts of one minute: all are recorded before anything that follows from them."""
        for fact in facts:
            before = dict(self.names.services), dict(self.names.plans), dict(self.names.methods)
            try:
                with self.store.write() as session:
                    session.info[RECORDING] = True
                    self._do(session, at, fact)
            except Repeat:
                pass
            except Refusal as refusal:
                self.names.services, self.names.plans, self.names.methods = before
                why = "; ".join(str(one.sentence) for one in refusal)
                self.entries.append(journal.of_refusal(at, fact.client, why))
            self._listen(fact=True)
        touched = {fact.client for fact in facts}
        for one in self.scenario.clients:
            if one.id in touched:
                with self.store.write() as session:
                    settle_minute(session, at, self.names.clients[one.id])
        self._listen(fact=False)

    def _do(self, session: Session, at: datetime, fact: Fact) -> None:
        """One fact, as the deed that a person would do."""
        key, said = self.names.clients[fact.client], fact.said
        match fact.word:
            case "pay":
                self._pay(session, at, fact, key)
            case "promise":
                promise.make_promise(session, ACTOR, at, key, said.day("until"))
            case "credit" | "debit":
                balance.add_balance(
                    session,
                    ACTOR,
                    at,
                    key,
                    side=fact.word,
                    amount=parse_plain(said.amount_text("amount"), self.money),
                    reason=said.text("reason", "") or fact.word,
                )
            case "suspend":
                suspension.suspend(session, ACTOR, at, key, said.text("reason", "") or "by hand")
            case "activate":
                suspension.activate(session, ACTOR, at, key, said.text("reason", "") or "by hand")
            case "delete_payment":
                found = self._payment(session, key, said.text("reference"))
                payment.delete_payment(session, ACTOR, at, found, "by hand")
            case "free_invoice":
                lines = [
                    (line.text("name"), parse_plain(line.amount_text("price"), self.money))
                    for line in said.objects("lines")
                ]
                invoice.free_invoice(session, ACTOR, at, key, lines)
            case "set":
                billing.edit_billing(session, ACTOR, at, key, **settings_of(said, self.money))
            case "add_service":
                self._add_service(session, at, fact.client, service_of(said))
            case "remove_service":
                self._remove_service(session, at, fact.client, said.text("id"))
            case "fixed_date":
                billing.fix_date(session, ACTOR, at, key, said.day("fixed_date"))
            case "void":
                found = self._invoice(session, at, key, said.day("cycle_start"))
                invoice.void_invoice(session, ACTOR, at, found, "by hand")
            case word:
                raise ScenarioError(f"{word!r} is no fact")

    def _pay(self, session: Session, at: datetime, fact: Fact, key: int) -> None:
        said = fact.said
        named = said.text("method", "") or "cash"
        if named not in self.names.methods:
            self.names.methods[named] = method.add_method(session, ACTOR, at, name=named)
        amount = parse_plain(said.amount_text("amount"), self.money)
        settled = (
            self._invoice(session, at, key, said.day("invoice_cycle")) if said.has("invoice_cycle") else None
        )
        payment.register_payment(
            session,
            ACTOR,
            at,
            key,
            amount=amount,
            method_id=self.names.methods[named],
            reference=said.text("reference", ""),
            invoice_id=settled,
        )

    def _remove_service(self, session: Session, at: datetime, client_id: str, name: str) -> None:
        owner, key = self.names.services.get(name, ("", 0))
        if owner != client_id:
            raise Refusal("id", say("This client has no service {id}", id=name))
        service.remove_service(session, ACTOR, at, key)
        del self.names.services[name]

    def _payment(self, session: Session, key: int, reference: str) -> int:
        found = session.scalars(
            select(Payment.id).where(
                Payment.client_id == key, Payment.reference == reference, Payment.deleted_at.is_(None)
            )
        ).first()
        if found is None or not reference:
            raise Refusal("reference", say("This client has no payment {reference}", reference=reference))
        return found

    def _invoice(self, session: Session, at: datetime, key: int, start: date) -> int:
        # What the clock owed is billed first: the fact may name an invoice that nobody has waked up for.
        standing.apply(session, "system", at, key, payment.no_deed)
        found = session.scalars(
            select(Invoice.id).where(
                Invoice.client_id == key, Invoice.kind == "service", Invoice.cycle_start == start
            )
        ).first()
        if found is None:
            raise Refusal("cycle_start", say("No invoice of a cycle from {start}", start=start.isoformat()))
        return found

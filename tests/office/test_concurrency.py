"""The daemon, four web workers and the command line write at once: no fact is lost, none doubled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import func, select

from daemon.board import Event
from daemon.office import client, notice, payment, run, service, suspension
from daemon.office.actor import Actor, command
from daemon.office.run import run_clock
from daemon.office.standing import rebuild_standing
from daemon.rules.refusal import Refusal
from daemon.store.change import Change
from daemon.store.client import Client
from daemon.store.engine import AsyncStore, Store
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.payment import Payment
from daemon.store.plan import Plan
from daemon.store.router import Router
from daemon.store.suspension import Standing
from tests.office.conftest import lima
from tests.office.test_seed import NOW, provider

CLIENTS = 60
EACH = 25
AMOUNT = 1234


def web_worker(url: str, number: int) -> None:
    """Registers payments, some with references that the others try too, and adds a client with a service."""
    store = Store(url)
    actor = Actor("staff", number, f"caja {number}", "admin", "127.0.0.1")
    rng = random.Random(number)
    for turn in range(EACH):
        reference = f"SHARED-{turn}" if turn % 5 == 0 else f"OWN-{number}-{turn}"
        try:
            with store.write() as session:
                payment.register_payment(
                    session,
                    actor,
                    NOW,
                    rng.randrange(1, CLIENTS + 1),
                    amount=AMOUNT,
                    method_id=1,
                    reference=reference,
                )
        except Refusal as refusal:
            if "registered already" not in str(refusal):
                raise
    for turn in range(3):
        with store.write() as session:
            made = client.add_client(session, actor, NOW, name=f"Nuevo {number}-{turn}")
            address = service.free_addresses(session, 1, 1)[0]
            service.add_service(session, actor, NOW, made, router_id=1, plan_id=1, address=address)
    store.dispose()


def command_line(url: str) -> None:
    """Suspends and activates by hand, and runs the clock."""
    store = Store(url)
    for number in range(1, 21):
        for deed in (suspension.suspend, suspension.activate):
            try:
                with store.write() as session:
                    deed(session, command(), NOW, number, "a test")
            except Refusal as refusal:
                if not any(word in str(refusal) for word in ("already", "retired")):
                    raise
        if number % 5 == 0:
            run_clock(store, NOW)
    store.dispose()


def daemon(url: str) -> None:
    """Publishes the board and writes what was seen, as the reactor does it."""

    async def loop() -> None:
        store = AsyncStore(url)
        key = b"k" * 32
        for _ in range(30):
            board = await store.read(notice.board, NOW, key=key)
            events = [Event("shown", NOW.timestamp(), one.id, one.address) for one in board.notices[:5]]
            await store.write(notice.record_events, NOW, events)
            await asyncio.sleep(0)
        await store.dispose()

    asyncio.run(loop())


@pytest.mark.whole
def test_everyone_at_once_loses_and_doubles_nothing(tmp_path: Path) -> None:
    store = provider(tmp_path, CLIENTS)
    with store.write() as session:
        assert session.get(Plan, 1) is not None
        assert session.get(Router, 1) is not None
        before = session.scalar(select(func.count()).select_from(Payment)) or 0
    spawn = get_context("spawn")
    crew = [spawn.Process(target=web_worker, args=(store.url, number)) for number in range(1, 5)]
    crew += [
        spawn.Process(target=command_line, args=(store.url,)),
        spawn.Process(target=daemon, args=(store.url,)),
    ]
    for member in crew:
        member.start()
    for member in crew:
        member.join(100)
    assert [member.exitcode for member in crew] == [0] * 6
    shared = EACH // 5
    with store.write() as session:
        made = session.scalars(select(Payment).order_by(Payment.id)).all()[before:]
        assert len(made) == 4 * (EACH - shared) + shared
        assert Counter(Counter(row.reference for row in made).values()) == {1: len(made)}
        assert {row.amount for row in made} == {AMOUNT}
        # Each payment is in the ledger whole, once; and in the log, once.
        for row in made:
            paid = session.scalar(select(func.sum(Ledger.amount)).where(Ledger.payment_id == row.id))
            assert paid == -AMOUNT
        logged = session.scalar(select(func.count()).where(Change.noun == "payment", Change.action == "add"))
        assert logged == len(made)
        assert session.scalar(select(func.count()).where(Client.name.like("Nuevo %"))) == 12
        ids = session.scalars(select(Client.id)).all()
        assert rebuild_standing(session, ids) == 0
        sums = select(func.sum(Ledger.amount)).scalar_subquery()
        total = select(func.sum(Standing.debt + Standing.debit - Standing.credit)).scalar_subquery()
        assert session.execute(select(sums == total)).scalar_one()
        numbers = session.scalars(select(Invoice.number).order_by(Invoice.number)).all()
        assert list(numbers) == list(range(1, len(numbers) + 1))
        assert (session.scalar(select(func.sum(Notice.shown_count))) or 0) > 0
    assert run.run_clock(store, lima("2026-03-14 15:31")).held is None
    store.dispose()

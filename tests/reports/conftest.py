"""The small provider of the pages, with payments of two months in its books."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.office import invoice, payment
from daemon.office.actor import Actor
from tests.webui.conftest import Town, pattern, staff_app, town, visit

__all__ = ["ROSA", "money_town", "pattern", "staff_app", "town", "visit"]

ROSA = Actor("staff", 2, "Rosa", "cashier", "127.0.0.1")
EVIL = '=HYPERLINK("http://x","pague")'


@pytest.fixture
def money_town(town: Town) -> Town:
    """The town after a month of payments: two collectors, two methods, one deleted, odd references."""
    zone = ZoneInfo("America/Lima")
    ana, bruno, elias = town.clients["ana"], town.clients["bruno"], town.clients["elías"]
    took = [
        ("2026-02-04 09:00", ana, "30.00", 1, "", ROSA),
        ("2026-02-05 23:59", ana, "20.00", 2, EVIL, ROSA),
        ("2026-02-06 00:00", bruno, "100.00", 1, "-1+1", ROSA),
        ("2026-02-07 10:00", elias, "40.00", 2, "OP 77", Actor("staff", 1, "Jefa", "admin")),
        ("2026-02-07 10:01", elias, "999.00", 1, "mal", ROSA),
        ("2026-03-02 08:00", ana, "65.50", 1, "", ROSA),
    ]
    for at, client_id, amount, method_id, reference, actor in took:
        moment = datetime.fromisoformat(at).replace(tzinfo=zone)
        town.pass_time(moment)
        with town.store.write() as session:
            made = payment.register_payment(
                session, actor, moment, client_id, amount=amount, method_id=method_id, reference=reference
            )
        if reference == "mal":
            with town.store.write() as session:
                payment.delete_payment(
                    session, ROSA, moment + timedelta(minutes=1), made.payment_id, "Era de otro"
                )
    town.pass_time(datetime(2026, 3, 2, 9, 0, tzinfo=zone))
    with town.store.write() as session:
        rows = invoice.list_invoices(session, town.now, bruno)
        invoice.void_invoice(session, ROSA, town.now, rows[0].id, "Duplicada")
    return town

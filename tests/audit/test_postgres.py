"""The audit, the register and the reports on PostgreSQL: the same books, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from daemon.office.audit import findings
from daemon.office.register import Asked, month_days, register_page, register_rows, register_totals, span
from daemon.office.report import BYS, debtors, income, moves, receivables, taxes
from daemon.office.run import run_clock
from daemon.office.seed import seed
from daemon.rules.calendar import local_date
from daemon.store.engine import Store
from daemon.store.seal import new_keys
from tests.audit.conftest import NOW, live
from tests.laws.conftest import Fresh, on_postgres, postgres_server
from tests.office.conftest import LIMA

__all__ = ["on_postgres", "postgres_server"]

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def store(on_postgres: Fresh) -> Iterator[Store]:
    made = Store(on_postgres())
    seed(
        made,
        clients=60,
        seed=7,
        now=NOW - timedelta(days=20),
        admin_password="correct horse",
        seal_public=new_keys()[1],
    )
    run_clock(made, NOW - timedelta(days=6))
    live(made, NOW)
    yield made
    made.dispose()


def test_the_books_agree(store: Store) -> None:
    assert [one.as_json() for one in findings(store, NOW)] == []


def test_register_and_reports_agree(store: Store) -> None:
    with store.read() as session:
        first, last = month_days(local_date(LIMA, NOW))
        since, until = span(LIMA, first, last)
        totals = register_totals(session, Asked(since, until))
        assert totals.count > 0
        for by in BYS:
            rows = income(session, LIMA, first, last, by)
            assert (sum(row.count for row in rows), sum(row.amount for row in rows)) == (
                totals.count,
                totals.amount,
            )
        assert (
            sum(1 for _ in register_rows(session, Asked(since, until))) == totals.count + totals.deleted_count
        )
        assert len(register_page(session, Asked(q="quispe", zone_id=1, deleted="no")).rows) >= 0
        owed = sum(row.amount for row in receivables(session, LIMA, NOW))
        assert owed == sum(row[-1] for row in debtors(session, LIMA, NOW)) > 0
        assert sum(row.cut for row in moves(session, LIMA, date(2026, 1, 1), last)) > 0
        assert {row.rate for row in taxes(session, LIMA, date(2026, 1, 1), last)} == {1800, None}


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE standing SET debt = debt + 1 WHERE client_id = 3", "standing.balance"),
        ("UPDATE invoice SET settled_at = NULL WHERE settled_at IS NOT NULL AND voided_at IS NULL", "invoice.settled"),
        ("UPDATE series SET next_number = 9999 WHERE id = 1", "series.next"),
        ("UPDATE invoice_line SET net = net + 1, tax = tax - 1 WHERE id = 5", "line.tax"),
        ("ALTER TABLE ledger DISABLE TRIGGER ledger_append_only", "database.trigger"),
        ("DROP INDEX uq_payment_reference", "database.index"),
    ],
)  # fmt: skip
def test_corruptions_are_found(store: Store, statement: str, rule: str) -> None:
    from daemon.office.audit import audit

    with store.read() as session:
        session.execute(text(statement))  # rolled back at the end of the reading session
        assert rule in {one.rule for one in audit(session, NOW)}

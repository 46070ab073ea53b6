"""A whole cycle of a large provider: facts on disk → invoices, lines and ledger, committed.

Ours is the daemon's own run, in a process of its own as the daemon has it, with reasons and constraints. Beside
it (a) the driver's `executemany` of the very same rows into the same tables, in one transaction, and (b) the
ORM's unit of work. `PREGONERO_BENCH_CLIENTS` makes a quick look of it.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from daemon.chores.billing import run_billing
from daemon.office import billing, company, plan, router
from daemon.office.account import Loaded, office_of, settings_of
from daemon.office.actor import command
from daemon.office.journal import save
from daemon.office.told import Told
from daemon.rules.account import Account, Charge
from daemon.store import engine
from daemon.store.bulk import insert_ids
from daemon.store.client import Client
from daemon.store.company import Clock
from daemon.store.engine import Store, sqlite_url
from daemon.store.invoice import Invoice, InvoiceLine
from daemon.store.ledger import Ledger
from daemon.store.migrate import upgrade
from daemon.store.seal import new_keys
from daemon.store.service import InternetService
from tests.bench.figure import Figure

CLIENTS = int(os.environ.get("PREGONERO_BENCH_CLIENTS", "100000"))
BEGIN = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)
BEFORE = datetime(2026, 1, 30, 15, 0, tzinfo=UTC)
AFTER = datetime(2026, 1, 31, 15, 0, tzinfo=UTC)
ACTOR = command("bench")
TABLES = ("invoice", "invoice_line", "ledger")
MOST_MEGABYTES = 250.0
LONGEST_WRITE_MS = 250.0
IDLE_SECONDS = 2.0
ROUNDS = 3


class TimedStore(Store):
    """A store that knows how long its longest writing transaction took."""

    longest = 0.0

    @contextmanager
    def write(self) -> Iterator[Session]:
        """As everywhere, timed from the beginning of the transaction to the end of its commit."""
        began = 0.0
        with super().write() as session:
            session.connection()  # waiting for others is not ours; from here on others wait for us
            began = time.perf_counter()
            yield session
        TimedStore.longest = max(TimedStore.longest, time.perf_counter() - began)


def provider(path: Path, clients: int) -> None:
    """A provider whose clients came in the middle of a cycle that is not billed: the next one is due to all."""
    upgrade(sqlite_url(path))
    store = Store(sqlite_url(path))
    with store.write() as session:
        company.set_up_company(
            session, ACTOR, BEGIN, name="Valle", timezone="America/Lima", currency_code="PEN",
            invoice_hour=6 * 60, tax_basis_points=1800,
        )  # fmt: skip
        billing.edit_billing(
            session, ACTOR, BEGIN, None, mode="prepaid", payment_day=1, create_days_before=1, tax="included",
            grace_days=5, late_fee="5.00", reconnection_fee="10.00", screen_notice_days=0, first_cycle="none",
        )  # fmt: skip
        tower = router.add_router(
            session, ACTOR, BEGIN, name="Torre", host="192.0.2.1", user="x", password="una clave larga",
            public_key=new_keys()[1], client_interfaces=["bridge1"], networks=["10.0.0.0/8"],
            box_address="192.0.2.2", box_interface="ether1",
        )  # fmt: skip
        fast = plan.add_plan(
            session, ACTOR, BEGIN, name="Plan 50M", download_kbps=1, upload_kbps=1, price=5990
        )
        office = office_of(session)
    for first in range(0, clients, 5000):
        numbers = range(first, min(first + 5000, clients))
        with store.write() as session:
            ids = insert_ids(session, Client, [_client(number) for number in numbers])
            services = insert_ids(
                session,
                InternetService,
                [
                    {
                        "client_id": key,
                        "router_id": tower,
                        "plan_id": fast,
                        "address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                        "installed_on": date(2026, 1, 15),
                    }
                    for key, number in zip(ids, numbers, strict=True)
                ],
            )
            told = []
            for key, line in zip(ids, services, strict=True):
                account = Account(
                    key, office.company, settings_of(office, None), date(2026, 1, 15), BEGIN, BEGIN,
                    [Charge(line, "Plan 50M", 5990)],
                )  # fmt: skip
                told.append(Told(Loaded(account)))
            save(session, "system", told, fresh=True)
    with store.write() as session:
        session.add(Clock(name="billing", reached_at=BEFORE))
        session.add(Clock(name="settings", reached_at=BEFORE))
    store.dispose()
    _settle(path)


def _client(number: int) -> dict[str, Any]:
    return {
        "name": f"Cliente {number}",
        "sort_name": f"cliente {number}",
        "portal_code": f"{number:08d}",
        "since": date(2026, 1, 15),
        "billing_from": date(2026, 1, 15),
        "created_at": BEGIN,
        "search": f" cliente {number} {number:08d}",
    }


def _settle(path: Path) -> None:
    """Everything in the one file, and on disk, before anything is timed."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("ANALYZE")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()


def child(url: str) -> dict[str, float]:
    """In a process of its own, as the daemon has it: the run, and the passes when nothing is due."""
    engine.Store = TimedStore  # type: ignore[misc]
    idle = time.perf_counter()
    run_billing(url, BEFORE)
    idle = time.perf_counter() - idle
    began = time.perf_counter()
    made = run_billing(url, AFTER).get("invoice_created", 0)
    seconds = time.perf_counter() - began
    again = time.perf_counter()
    run_billing(url, AFTER)
    again = time.perf_counter() - again
    # Not ru_maxrss: that one remembers the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    return {"made": made, "seconds": seconds, "idle": max(idle, again), "peak": peak,
            "longest": TimedStore.longest * 1000}  # fmt: skip


def _rows(path: Path) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """What the run wrote: columns and rows of each table."""
    with closing(sqlite3.connect(path)) as connection:
        found = {}
        for table in TABLES:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY id")
            found[table] = [column[0] for column in cursor.description], cursor.fetchall()
        return found


def _executemany(path: Path, rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for table, (columns, values) in rows.items():
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)
        connection.execute("COMMIT")
        return time.perf_counter() - began


def _unit_of_work(path: Path, clients: int) -> float:
    """The ORM the way its tutorial shows it: objects, flushed and committed, a thousand clients at a time."""
    store = Store(sqlite_url(path))
    why = {"text": "Billed for {month}", "params": {"month": "2026-02"}}
    began = time.perf_counter()
    for first in range(1, clients + 1, 1000):
        with store.write() as session:
            bills = [
                Invoice(
                    client_id=key, kind="service", series_id=1, number=key, cycle_start=date(2026, 2, 1),
                    cycle_end=date(2026, 2, 28), due=date(2026, 2, 1), created_at=AFTER, net=5076, tax=914,
                    total=5990, to_pay=5990, why=why,
                )
                for key in range(first, min(first + 1000, clients + 1))
            ]  # fmt: skip
            session.add_all(bills)
            session.flush()
            for bill in bills:
                session.add(
                    InvoiceLine(
                        invoice_id=bill.id, place=1, service_id=bill.client_id, name="Plan 50M", net=5076,
                        tax=914, total=5990, why=why,
                    )
                )  # fmt: skip
                session.add(
                    Ledger(
                        at=AFTER, client_id=bill.client_id, invoice_id=bill.id, kind="invoice", amount=5990,
                        why=why, actor="system",
                    )
                )  # fmt: skip
    seconds = time.perf_counter() - began
    store.dispose()
    return seconds


def run() -> list[Figure]:
    """The figures of the issue, and the peers'."""
    with tempfile.TemporaryDirectory(prefix="pregonero-bench-") as folder:
        blank = Path(folder, "blank.sqlite3")
        provider(blank, CLIENTS)
        rounds = [_round(Path(folder), blank) for _ in range(ROUNDS)]
        orm = _unit_of_work(_copy(Path(folder), blank), CLIENTS)
    ours, raw = (statistics.median(one[place] for one in rounds) for place in (0, 1))
    peak, longest, idle = (max(one[2][name] for one in rounds) for name in ("peak", "longest", "idle"))
    many = f"{CLIENTS:,} clients"
    return [
        Figure(f"a cycle of {many}", ours, raw, "executemany of the same rows", "s", 4.0),
        Figure(f"a cycle of {many}", ours, orm, "the ORM's unit of work", "s", 1.0),
        Figure("memory at its peak", peak, MOST_MEGABYTES, "the limit", "MB", 1.0),
        Figure("longest writing transaction", longest, LONGEST_WRITE_MS, "the limit", "ms", 1.0),
        Figure(f"a pass over {many} when nothing is due", idle, IDLE_SECONDS, "the limit", "s", 1.0),
    ]


def _copy(folder: Path, blank: Path) -> Path:
    """A copy of the provider, with the series that invoices point to."""
    made = Path(shutil.copy(blank, folder / "copy.sqlite3"))
    for rest in ("-wal", "-shm"):
        made.with_name(made.name + rest).unlink(missing_ok=True)
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("INSERT OR IGNORE INTO series (id, name, prefix, next_number, default_for) "
                           "VALUES (1, 'service', '', 1, 'service')")  # fmt: skip
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()
    return made


def _round(folder: Path, blank: Path) -> tuple[float, float, dict[str, float]]:
    """Ours, then the driver's turn with what ours has written: a noisy minute hits both."""
    mine = _copy(folder, blank)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.billing", sqlite_url(mine)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    if found["made"] != CLIENTS:
        raise RuntimeError(f"{found['made']} invoices of {CLIENTS}")
    rows = _rows(mine)
    return found["seconds"], _executemany(_copy(folder, blank), rows), found


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1])))

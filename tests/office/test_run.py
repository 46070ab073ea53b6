"""The billing run in the store: the same however it runs, once whatever kills it, held when it surprises."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from daemon.office import billing, company, hold, payment, run, service, standing
from daemon.office.run import run_clock
from daemon.rules.refusal import Refusal
from daemon.store.engine import Store, sqlite_url
from daemon.store.invoice import Invoice, Series
from daemon.store.suspension import CutRun, HeldCut, Standing, Suspension
from tests.fresh import fresh
from tests.office.conftest import ADMIN, Town, lima
from tests.office.test_seed import provider

pytestmark = pytest.mark.long

# Everything that a run decides, without the ids and numbers that the order of writing gives.
JOURNAL = (
    "SELECT client_id, kind, cycle_start, cycle_end, due, created_at, net, tax, total, to_pay, settled_at, late_fee, "
    "why FROM invoice ORDER BY client_id, created_at, cycle_start",
    "SELECT client_id, at, kind, amount, why FROM ledger ORDER BY client_id, at, kind, amount, why",
    'SELECT client_id, at, "action", "by", reason FROM suspension ORDER BY client_id, at',
    "SELECT client_id, on_at, off_at, why FROM notice ORDER BY client_id, on_at, why",
    'SELECT client_id, state, "by", why, since, debt, debit, credit, next_cut_at, next_at, billed_through '
    "FROM standing ORDER BY client_id",
)


def journal(store: Store) -> list[Any]:
    with store.read() as session:
        return [[tuple(row) for row in session.execute(text(query))] for query in JOURNAL]


def is_whole(store: Store) -> None:
    """Numbers without gaps, and one invoice a cycle."""
    with store.read() as session:
        numbers = session.scalars(
            select(Invoice.number).where(Invoice.kind == "service").order_by(Invoice.number)
        ).all()
        assert list(numbers) == list(range(1, len(numbers) + 1))
        assert session.scalar(select(Series.next_number).where(Series.name == "service")) == len(numbers) + 1


def test_daily_by_the_hour_or_a_month_late_is_the_same(tmp_path: Path) -> None:
    found = []
    for name, hours in (("hourly", 1), ("daily", 24), ("late", 24 * 30)):
        (tmp_path / name).mkdir()
        store = provider(tmp_path / name, 40)
        with store.write() as session:
            company.edit_company(session, ADMIN, lima("2026-03-14 15:30"), hold_cuts=False)
        # Hours are tight only around the days when much happens; the rest of the month is daily.
        start = lima("2026-03-14 16:00")
        for hour in range(0, 24 * 30 + 1, hours):
            if hours > 1 or hour < 24 * 3 or hour % 24 == 0:
                run_clock(store, start.fromtimestamp(start.timestamp() + hour * 3600, tz=start.tzinfo))
        found.append(journal(store))
        is_whole(store)
        store.dispose()
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) > 100


def _run_slowly(url: str, at: str) -> None:
    run_clock(Store(url), lima(at), chunk=5)


@pytest.mark.whole
def test_killed_again_and_again_nothing_is_doubled_or_lost(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    killed, whole = provider(tmp_path / "killed", 60), provider(tmp_path / "whole", 60)
    spawn = get_context("spawn")
    kills = 0
    for delay in (0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 2.0):
        child = spawn.Process(target=_run_slowly, args=(killed.url, "2026-04-12 12:00"))
        child.start()
        child.join(delay)
        if child.is_alive() and child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
    run_clock(killed, lima("2026-04-12 12:00"))
    run_clock(whole, lima("2026-04-12 12:00"))
    assert kills > 0
    assert journal(killed) == journal(whole)
    is_whole(killed)


class Stop(Exception):
    """Stands for a death between two statements."""


def test_dying_between_any_two_transactions_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dying").mkdir()
    (tmp_path / "whole").mkdir()
    dying, whole = provider(tmp_path / "dying", 30), provider(tmp_path / "whole", 30)
    until = lima("2026-04-02 12:00")
    real, left = standing.save, [0]

    def save_and_die(*args: Any, **words: Any) -> None:
        real(*args, **words)  # written, not committed: the transaction dies with us
        left[0] -= 1
        if left[0] < 0:
            raise Stop

    monkeypatch.setattr(standing, "save", save_and_die)
    deaths = 0
    for lives in range(1, 200):
        left[0] = lives % 4
        try:
            run_clock(dying, until, chunk=4)
        except Stop:
            deaths += 1
        else:
            break
    monkeypatch.undo()
    assert deaths > 5
    run_clock(dying, until, chunk=4)
    run_clock(whole, until)
    assert journal(dying) == journal(whole)


@pytest.mark.whole
def test_two_runs_at_once_double_nothing(tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    (tmp_path / "one").mkdir()
    both, one = provider(tmp_path / "both", 60), provider(tmp_path / "one", 60)
    spawn = get_context("spawn")
    children = [spawn.Process(target=_run_slowly, args=(both.url, "2026-04-12 12:00")) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    run_clock(one, lima("2026-04-12 12:00"))
    assert journal(both) == journal(one)
    is_whole(both)


def test_no_writing_transaction_is_long_and_a_run_with_nothing_to_do_is_short(tmp_path: Path) -> None:
    store = provider(tmp_path, 600)
    longest, began = [0.0], [0.0]
    real = standing.save

    def timed(*args: Any, **words: Any) -> None:
        began[0] = time.process_time()
        real(*args, **words)
        longest[0] = max(longest[0], time.process_time() - began[0])

    standing.save = timed  # type: ignore[assignment]
    try:
        counts = run_clock(store, lima("2026-04-15 12:00"))
    finally:
        standing.save = real
    assert counts.chunks > 10
    print(f"longest write: {longest[0]:.3f} s of CPU (goal 0.25)")
    assert longest[0] < 2
    again = run_clock(store, lima("2026-04-15 12:00"))
    assert (again.clients, again.counts()) == (0, {})
    store.dispose()


def test_a_deed_of_staff_meets_a_clock_that_lags(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    # Nobody ran the clock since January: the payment comes after the cut that should have been.
    result = town.do("2026-02-10 09:00", payment.register_payment, ana, amount="50", method_id=town.cash)
    assert result.reactivated
    with town.store.read() as session:
        rows = session.scalars(select(Suspension).order_by(Suspension.id)).all()
    assert [(row.action, row.by, row.at, row.actor) for row in rows] == [
        ("suspend", "auto", lima("2026-02-06 00:00"), "system"),
        ("lift", "auto", lima("2026-02-10 09:00"), "Rosa"),
    ]
    assert town.run("2026-02-10 09:01").counts() == {}
    assert town.derives_the_same()


def test_a_payment_in_the_minute_of_the_cut_never_leaves_a_paid_client_cut(town: Town) -> None:
    early = town.client("2026-01-15 10:00", "Ana", "10.10.0.10", first_cycle="none")
    late = town.client("2026-01-15 10:00", "Luis", "10.10.0.11", first_cycle="none")
    town.run("2026-02-06 00:00")
    town.do("2026-02-06 00:00:30", payment.register_payment, early, amount="50", method_id=town.cash)
    town.run("2026-02-06 00:01")
    town.do("2026-02-06 00:01:10", payment.register_payment, late, amount="50", method_id=town.cash)
    assert (town.standing(early).state, town.standing(early).debit) == ("active", 500)
    assert (town.standing(late).state, town.standing(late).debit) == ("active", 1500)


def crowd(town: Town, many: int) -> list[int]:
    return [
        town.client("2026-01-15 10:00", f"Cliente {number}", f"10.10.1.{number}", first_cycle="none")
        for number in range(1, many + 1)
    ]


def test_a_run_that_would_cut_too_many_is_held_until_a_person_confirms(town: Town) -> None:
    clients = crowd(town, 12)
    counts = town.run("2026-02-08 12:00")
    assert (counts.counts()["held"], counts.counts().get("suspended", 0)) == (12, 0)
    assert {town.standing(one).state for one in clients} == {"active"}
    held = town.ask(hold.list_held)
    assert [(one.at, one.waiting, one.candidates) for one in held] == [(lima("2026-02-06 00:00"), 12, 12)]
    assert "12 of 12 active clients" in str(held[0].sentence)
    assert town.run("2026-02-09 12:00").counts() == {}
    town.do("2026-02-09 12:10", payment.register_payment, clients[0], amount="50", method_id=town.cash)
    assert town.ask(hold.list_held)[0].waiting == 11
    assert town.do("2026-02-09 15:00", hold.confirm_held, held[0].id) == 11
    assert town.run("2026-02-09 15:01").counts()["suspended"] == 11
    with town.store.read() as session:
        assert set(session.scalars(select(Suspension.at))) == {lima("2026-02-09 15:00")}
        assert session.scalar(select(func.count()).where(HeldCut.released_at.is_(None))) == 0
    with pytest.raises(Refusal, match="confirmed already"):
        town.do("2026-02-09 15:05", hold.confirm_held, held[0].id)
    assert town.standing(clients[0]).state == "active"
    assert town.derives_the_same()


def test_few_cuts_or_a_company_that_wants_none_held_go_on(town: Town) -> None:
    crowd(town, 11)
    town.do("2026-01-20 10:00", company.edit_company, hold_cuts=False)
    assert town.run("2026-02-08 12:00").counts()["suspended"] == 11


def test_ten_cuts_are_no_surprise(town: Town) -> None:
    crowd(town, 10)
    assert town.run("2026-02-08 12:00").counts()["suspended"] == 10
    with town.store.read() as session:
        assert [(row.candidates, row.held) for row in session.scalars(select(CutRun))] == [(10, False)]


def test_a_clock_that_jumps_over_a_month_holds_everything(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    town.run("2026-01-16 00:00")
    counts = town.run("2027-01-16 00:00")
    assert counts.held is not None
    assert "jumped from 2026-01-16 to 2027-01-16" in str(counts.held)
    assert town.standing(ana).debt == 0
    town.do("2027-01-16 08:00", run.confirm_jump)
    assert town.run("2027-01-16 08:01").counts()["invoice_created"] == 12
    with pytest.raises(Refusal, match="No run is held"):
        town.do("2027-01-16 08:02", run.confirm_jump)


def test_a_change_for_all_bears_on_everyone_from_its_minute_on(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    town.run("2026-02-08 00:00")
    assert town.standing(ana).state == "suspended"
    town.do("2026-02-08 10:00", billing.edit_billing, None, grace_days=20)
    assert town.run("2026-02-08 10:01").counts() == {"reactivated": 1, "screen_notice_on": 1}
    assert town.standing(ana).next_cut_at == lima("2026-02-21 00:00")
    town.do("2026-02-10 10:00", billing.edit_billing, None, grace_days=3)
    town.run("2026-02-10 10:01")
    # The third day of grace has passed already: the cut comes at the next cut hour, not in the past.
    assert town.standing(ana).next_cut_at == lima("2026-02-11 00:00")
    town.run("2026-02-11 00:01")
    with town.store.read() as session:
        assert session.scalars(select(Suspension.at).order_by(Suspension.id)).all()[-1] == lima(
            "2026-02-11 00:00"
        )


def test_a_service_that_is_added_late_is_not_billed_for_before(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    town.do(
        "2026-02-10 10:00",
        service.add_service,
        ana,
        router_id=town.router,
        plan_id=town.plan,
        address="10.10.0.77",
        price="20",
    )
    town.run("2026-03-01 00:00")
    with town.store.read() as session:
        totals = session.scalars(select(Invoice.total).order_by(Invoice.id)).all()
        assert totals == [5000, 7000]
        assert session.scalar(select(Standing.billed_through)) is not None


def test_a_home_that_nobody_has_set_up_yet_bills_nobody(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "empty.db")
    fresh(url)
    assert run_clock(Store(url), lima("2026-01-01 00:00")).counts() == {}


def test_a_change_for_all_lets_the_clock_catch_up_under_the_old_settings_first(town: Town) -> None:
    ana = town.client("2026-01-15 10:00", first_cycle="none")
    # The clock stood still; had it run, the cut would have come on the sixth.
    town.do("2026-02-08 10:00", billing.edit_billing, None, cut_after_months=3)
    town.run("2026-02-08 10:01")
    with town.store.read() as session:
        rows = [(row.action, row.at) for row in session.scalars(select(Suspension).order_by(Suspension.id))]
    assert rows == [("suspend", lima("2026-02-06 00:00")), ("lift", lima("2026-02-08 10:00"))]
    assert town.standing(ana).state == "active"


def test_a_change_for_all_waits_while_the_clock_is_far_behind(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(town, 4)
    monkeypatch.setattr("daemon.office.standing.CATCH_UP", 3)
    with pytest.raises(Refusal, match="billing run is behind"):
        town.do("2026-02-08 10:00", company.edit_company, cut_hour=60)
    town.run("2026-02-08 10:00")
    town.do("2026-02-08 10:00", company.edit_company, cut_hour=60)

"""The laws of the billing engine on random lives: random settings, random facts, random wake-ups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.rules import deeds
from daemon.rules.account import Account
from daemon.rules.billing import Company, Reminder
from daemon.rules.engine import MINUTE, advance, next_moment
from daemon.rules.event import INTERNAL, Event
from daemon.rules.forecast import forecast
from daemon.rules.money import CURRENCIES
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say
from daemon.rules.standing import past_grace, standing
from tests.rules.accounts import account

pytestmark = pytest.mark.long

START = "2026-01-05"
DAYS = 150
WHY = say("a test")


@dataclass(frozen=True)
class Fact:
    """Something that happens to the client, some minutes after the start."""

    minute: int
    kind: str
    value: int = 0


companies = st.builds(
    Company,
    zone=st.sampled_from([ZoneInfo("America/Lima"), ZoneInfo("America/Santiago")]),
    currency=st.just(CURRENCIES["PEN"]),
    invoice_hour=st.sampled_from([0, 6 * 60, 1439]),
    cut_hour=st.sampled_from([0, 30, 6 * 60]),
    tax_basis_points=st.sampled_from([0, 1800]),
    bill_suspended=st.booleans(),
)
policies = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["prepaid", "postpaid"]),
        "payment_day": st.sampled_from([1, 5, 15, 28, 31]),
        "create_days_before": st.integers(0, 10),
        "tax": st.sampled_from(["included", "added", "none"]),
        "grace_days": st.integers(0, 10),
        "cut_after_months": st.integers(0, 3),
        "late_fee_minor": st.sampled_from([0, 500]),
        "reconnection_fee": st.sampled_from([0, 1000]),
        "screen_notice_days": st.sampled_from([None, 0, 3]),
        "first_cycle": st.sampled_from(["full", "prorated", "none"]),
        "reminders": st.sampled_from([(), (Reminder(-1, ("email",)), Reminder(2, ("sms",)))]),
    }
)
# Many facts fall on the very minute of a job, where order matters most.
minutes = st.one_of(
    st.integers(0, DAYS * 1440),
    st.builds(
        lambda day, at: day * 1440 + at, st.integers(0, DAYS), st.sampled_from([0, 30, 360, 359, 361, 1439])
    ),
)
facts = st.lists(
    st.builds(
        Fact,
        minutes,
        st.sampled_from(
            [
                "pay",
                "pay",
                "pay",
                "delete",
                "suspend",
                "activate",
                "promise",
                "credit",
                "debit",
                "grace",
                "months",
            ]
        ),
        st.integers(0, 20_000),
    ),
    max_size=12,
).map(lambda found: sorted(found, key=lambda fact: fact.minute))


class Life:
    """One client's account with its ledger, as a store would keep it."""

    def __init__(self, company: Company, policy: dict[str, Any]) -> None:
        self.account = account(START, company=company, **policy)
        self.begin = self.account.opened
        self.events: list[Event] = []
        self.payments: dict[int, int] = {}
        self.deleted: set[int] = set()

    def at(self, minute: int) -> datetime:
        return self.begin + timedelta(minutes=minute)

    def wake(self, minute: int) -> None:
        self.events += advance(self.account, self.at(minute))

    def happens(self, fact: Fact) -> None:
        at = self.at(fact.minute)
        self.events += advance(self.account, at)
        before = deepcopy(self.account)
        try:
            self.events += list(self.deed(fact, at))
        except Refusal:
            assert self.account.debt == before.debt
            assert self.account.state == before.state

    def deed(self, fact: Fact, at: datetime) -> Iterator[Event]:
        one = self.account
        if fact.kind == "pay":
            number = len(self.payments)
            found = list(deeds.pay(one, at, fact.value, number))
            self.payments[number] = fact.value
            yield from found
        elif fact.kind == "delete":
            standing_ones = [number for number in self.payments if number not in self.deleted]
            if standing_ones:
                number = standing_ones[fact.value % len(standing_ones)]
                self.deleted.add(number)
                yield from deeds.delete_payment(one, at, self.parts(number), number)
        elif fact.kind == "suspend":
            yield from deeds.suspend(one, at, WHY)
        elif fact.kind == "activate":
            yield from deeds.activate(one, at, WHY)
        elif fact.kind == "promise":
            yield from deeds.promise(
                one, at, at.astimezone(one.company.zone).date() + timedelta(days=fact.value % 25)
            )
        elif fact.kind in ("credit", "debit"):
            yield from deeds.add_balance(
                one, at, fact.value if fact.kind == "debit" else -fact.value, "why not"
            )
        elif fact.kind == "grace":
            yield from deeds.change_settings(one, at, replace(one.settings, grace_days=fact.value % 11))
        else:
            yield from deeds.change_settings(one, at, replace(one.settings, cut_after_months=fact.value % 3))

    def parts(self, number: int) -> list[deeds.Settled]:
        found: list[deeds.Settled] = []
        for event in self.events:
            for move in event.movements:
                if move.payment == number and move.kind == "payment":
                    found.append(deeds.Settled(0, -move.amount, move.invoice, move.balance))
        return found

    def ledger(self) -> int:
        return sum(move.amount for event in self.events for move in event.movements)

    def journal(self) -> list[tuple[Any, ...]]:
        return [
            (event.at, event.kind, event.cycle, event.amount, event.by, event.number, event.why)
            for event in self.events
            if event.kind not in INTERNAL
        ]


def live(company: Company, policy: dict[str, Any], happened: list[Fact], wakes: list[int]) -> Life:
    """A life of DAYS days, woken when `wakes` say and at each fact."""
    life = Life(company, policy)
    calls = [(fact.minute, 0, fact) for fact in happened] + [(minute, 1, None) for minute in wakes]
    for minute, _, fact in sorted(calls, key=lambda call: call[:2]):
        if fact is not None:
            life.happens(fact)
        else:
            life.wake(minute)
    life.wake(DAYS * 1440)
    return life


@given(companies, policies, facts, st.lists(st.integers(0, DAYS * 1440), max_size=30))
@settings(max_examples=120, deadline=None)
def test_the_result_is_the_same_however_it_runs(
    company: Company, policy: dict[str, Any], happened: list[Fact], wakes: list[int]
) -> None:
    late = live(company, policy, happened, [])
    daily = live(company, policy, happened, [day * 1440 for day in range(DAYS)])
    random = live(company, policy, happened, wakes)
    assert late.journal() == daily.journal() == random.journal()
    assert next_moment(late.account) == next_moment(daily.account) == next_moment(random.account)


@given(companies, policies, facts)
@settings(max_examples=120, deadline=None)
def test_money_is_conserved(company: Company, policy: dict[str, Any], happened: list[Fact]) -> None:
    life = live(company, policy, happened, [])
    one = life.account
    assert life.ledger() == one.debt + one.debit - one.credit
    for invoice in one.invoices:
        entries = [
            move.amount for event in life.events for move in event.movements if move.invoice is invoice
        ]
        assert sum(entries) == invoice.left >= 0
    received = sum(amount for number, amount in life.payments.items() if number not in life.deleted)
    billed = sum(move.amount for event in life.events for move in event.movements
                 if move.kind in ("invoice", "late_fee", "reconnection_fee", "debit", "credit"))  # fmt: skip
    assert one.debt + one.debit - one.credit == billed - received


@given(companies, policies, facts)
@settings(max_examples=120, deadline=None)
def test_everything_happens_once(company: Company, policy: dict[str, Any], happened: list[Fact]) -> None:
    events = live(company, policy, happened, []).events
    cycles = Counter(event.cycle for event in events if event.kind in ("invoice_created", "cycle_passed"))
    fees = Counter(event.cycle for event in events if event.kind == "late_fee")
    assert max(cycles.values(), default=1) == 1
    assert max(fees.values(), default=1) == 1
    cuts = [event.at for event in events if event.kind == "suspended" and event.by == "auto"]
    reconnections = [event.at for event in events if event.kind == "reconnection_fee"]
    assert reconnections == (cuts if policy["reconnection_fee"] else [])
    ordered = sorted(cycles, key=lambda cycle: cycle.start if cycle else date.min)
    for earlier, later in pairwise(ordered):
        assert earlier is not None
        assert later is not None
        assert earlier.end < later.start


@given(companies, policies, facts)
@settings(max_examples=120, deadline=None)
def test_a_client_without_debt_past_grace_is_never_cut_by_the_clock(
    company: Company, policy: dict[str, Any], happened: list[Fact]
) -> None:
    life = Life(company, policy)
    for fact in [*happened, Fact(DAYS * 1440, "end")]:
        at = life.at(fact.minute)
        while (moment := next_moment(life.account)) is not None and moment < at:
            life.events += advance(life.account, moment + MINUTE)
            _is_fair(life.account, moment)
        if fact.kind == "end":
            break
        life.happens(fact)
        _is_fair(life.account, at)


def _is_fair(one: Account, at: datetime) -> None:
    """Cut by the clock means k unpaid past grace and no promise; a notice means active and unpaid."""
    k = one.settings.cut_after_months
    if one.state == "auto":
        assert k > 0
        assert len(past_grace(one, at)) >= k
    assert one.debt >= 0
    if one.noticed:
        assert one.state == "active"
        assert one.unpaid()
    stands = standing(one)
    assert (stands.state == "active") == (one.state == "active")
    assert str(stands.why)
    assert "{" not in str(stands.why)


@given(companies, policies, facts)
@settings(max_examples=80, deadline=None)
def test_a_manual_suspension_stands_until_a_person_lifts_it(
    company: Company, policy: dict[str, Any], happened: list[Fact]
) -> None:
    life = Life(company, policy)
    by_hand = False
    for fact in happened:
        life.wake(fact.minute)
        assert (life.account.state == "manual") == by_hand
        life.happens(fact)
        by_hand = (by_hand or fact.kind == "suspend") and fact.kind != "activate"
        assert (life.account.state == "manual") == by_hand


@given(companies, policies, facts)
@settings(max_examples=80, deadline=None)
def test_every_event_is_explained_and_in_time_order(
    company: Company, policy: dict[str, Any], happened: list[Fact]
) -> None:
    events = live(company, policy, happened, []).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    for event in events:
        assert str(event.why)
        assert event.why.text in ("{reason}",) or "{" not in str(event.why)
        assert all(str(line.why) for line in event.lines)


@given(companies, policies, facts)
@settings(max_examples=60, deadline=None)
def test_what_is_forecast_happens_when_nothing_changes(
    company: Company, policy: dict[str, Any], happened: list[Fact]
) -> None:
    life = live(company, policy, happened, [])
    until = life.at(DAYS * 1440) + timedelta(days=45)
    seen = [(job.at, job.kind, job.why) for job in forecast(life.account, until)]
    came = [(event.at, event.kind, event.why) for event in advance(life.account, until)]
    assert seen == [entry for entry in came if entry in seen]
    assert all(
        entry[1] not in ("invoice_created", "suspended", "late_fee") or entry in seen for entry in came
    )

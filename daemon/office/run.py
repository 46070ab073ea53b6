"""The billing run: lets every account catch up to now, in chunks that stand alone (laws 1, 2 and 6).

Each chunk is one short transaction that leaves its clients whole; killed between any two, the next run goes
on where this one stood. Deeds of people meet the same engine, so it does not matter who comes first.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.account import load, office_of
from daemon.office.actor import SYSTEM, Actor
from daemon.office.announcement import spread, unspread
from daemon.office.hold import decide, hold_rule, undecided
from daemon.office.hold_bills import decide_bills
from daemon.office.journal import save
from daemon.office.service_change import any_due, apply_due
from daemon.office.standing import walk
from daemon.office.told import Told
from daemon.rules.calendar import whole_minute
from daemon.rules.deeds import confirm_bill, confirm_cut
from daemon.rules.engine import advance, cut_freely, settle
from daemon.rules.event import INTERNAL
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.bill_run import BillRun, HeldBill
from daemon.store.company import Clock, Company
from daemon.store.engine import Store
from daemon.store.suspension import CutRun, HeldCut, Standing

CHUNK = 100
"""Clients of the first transaction of a run, and of those that do little."""
LARGEST_CHUNK = 2000
TARGET_SECONDS = 0.08
"""How long a writing transaction should take: others wait for it (never over 250 ms)."""
LONGEST_DARKNESS = timedelta(days=35)
"""Time that jumps further than this holds everything until a person confirms it (law 6)."""


@dataclass(slots=True)
class RunCounts:
    """What a run did: how many events of each kind, in how many chunks; why it is held, if it is."""

    events: Counter[str] = field(default_factory=Counter)
    clients: int = 0
    chunks: int = 0
    held: Sentence | None = None

    def counts(self) -> dict[str, int]:
        """The counts by kind of event, as plain data."""
        return dict(self.events)


def run_clock(
    store: Store, now: datetime, *, chunk: int | None = None, darkness: timedelta | None = LONGEST_DARKNESS
) -> RunCounts:
    """Let everything happen that lies before the minute of `now`, in time order.

    Cuts of one moment are counted together before the first of them, and held when they surprise. Run it as
    often as you like, from several processes at once: the result is the same. A jump of time further than
    `darkness` holds everything; None trusts the clock.
    """
    until = whole_minute(now)
    counts = RunCounts()
    with store.read() as session:
        if session.get(Company, 1) is None:
            return counts
    if darkness is not None:
        counts.held = _jumped(store, until, darkness)
        if counts.held is not None:
            return counts
    _spread(store)
    _resettle(store, now, counts, chunk or CHUNK)
    _confirmed(store, now, counts, chunk or CHUNK)
    _confirmed_bills(store, counts, chunk or CHUNK)
    # Day by day, so that after a darkness invoices get their numbers in the order of their days.
    while (first := first_moment(store)) is not None and first < until:
        horizon = min(until, first + timedelta(days=1))
        decide_bills(store, horizon, now)
        _advance(store, horizon, counts, chunk)
        while _decide(store, horizon, now):
            _advance(store, horizon, counts, chunk)
    _change_services(store, now)
    with store.write() as session:
        clock = session.get(Clock, "billing")
        if clock is None:
            session.add(Clock(name="billing", reached_at=until))
        elif clock.reached_at < until:
            clock.reached_at = until
    return counts


def confirm_jump(session: Session, actor: Actor, now: datetime) -> None:
    """A person confirms that so much time has really passed: the next run catches up."""
    actor.check("suspension")
    clock = session.get(Clock, "billing")
    if clock is None or whole_minute(now) - clock.reached_at <= LONGEST_DARKNESS:
        raise Refusal("", "No run is held because of the time")
    known = session.get(Clock, "jump")
    if known is None:
        session.add(Clock(name="jump", reached_at=now))
    else:
        known.reached_at = now
    session.flush()
    change.record(
        session, actor, now, "clock", None, "confirm", {"reached": clock.reached_at}, {"reached": now}
    )


def reached(session: Session) -> datetime | None:
    """How far the billing run has come; None before the first one."""
    clock = session.get(Clock, "billing")
    return clock.reached_at if clock is not None else None


def _jumped(store: Store, until: datetime, darkness: timedelta) -> Sentence | None:
    with store.read() as session:
        clock = session.get(Clock, "billing")
        if clock is None or until - clock.reached_at <= darkness:
            return None
        confirmed = session.get(Clock, "jump")
        if confirmed is not None and confirmed.reached_at + darkness >= until:
            return None
        return say(
            "The clock jumped from {before} to {now}: nothing is billed or cut until a person confirms the time",
            before=clock.reached_at.date().isoformat(),
            now=until.date().isoformat(),
        )


def _spread(store: Store) -> None:
    """Give everyone their notice of announcements that were written for many."""
    with store.read() as session:
        waiting = list(unspread(session))
    for announcement_id in waiting:
        more = True
        while more:
            with store.write() as session:
                more = spread(session, announcement_id)


def _change_services(store: Store, now: datetime) -> None:
    """Bring into force the changes of services whose day has come; the invoices of before are made by now."""
    with store.read() as session:
        due = any_due(session, now)
    while due:
        with store.write() as session:
            due = apply_due(session, now) > 0


def _resettle(store: Store, now: datetime, counts: RunCounts, chunk: int) -> None:
    """After a change of the company's settings, every account looks again, from the minute of the change
    on.
    """
    with store.read() as session:
        at = office_of(session).settings_at
        done = session.get(Clock, "settings")
    if at is None or (done is not None and done.reached_at >= at):
        return
    after = 0
    while True:
        with store.write() as session:
            office = office_of(session)
            ids = session.scalars(
                select(Standing.client_id)
                .where(Standing.client_id > after)
                .order_by(Standing.client_id)
                .limit(chunk)
            ).all()
            if not ids:
                clock = session.get(Clock, "settings")
                if clock is None:
                    session.add(Clock(name="settings", reached_at=at))
                else:
                    clock.reached_at = max(clock.reached_at, at)
                return
            told = []
            for one in load(session, ids, office).values():
                if one.account.state != "retired":
                    told.append(Told(one, list(settle(one.account, one.account.reached))))
            save(session, SYSTEM.name, told)
            _count(counts, told)
        after = ids[-1]


def _confirmed(store: Store, now: datetime, counts: RunCounts, chunk: int) -> None:
    """Cuts that a person confirmed take effect, at the minute of the confirmation."""
    while True:
        with store.write() as session:
            rows = session.execute(
                select(HeldCut.client_id, CutRun.confirmed_at)
                .join(CutRun, CutRun.id == HeldCut.run_id)
                .where(HeldCut.released_at.is_(None), CutRun.confirmed_at.is_not(None))
                .order_by(HeldCut.client_id)
                .limit(chunk)
            ).all()
            if not rows:
                return
            at = {row.client_id: row.confirmed_at for row in rows}
            told = []
            for one in load(session, at).values():
                account = one.account
                minute = max(whole_minute(at[account.client]), account.reached)
                events = list(advance(account, minute, cut_freely))
                told.append(Told(one, events + list(confirm_cut(account, minute))))
            save(session, SYSTEM.name, told)
            _count(counts, told)


def _confirmed_bills(store: Store, counts: RunCounts, chunk: int) -> None:
    """Invoices of an unusual run that a person confirmed are made, at the minute of the confirmation."""
    while True:
        with store.write() as session:
            rows = session.execute(
                select(HeldBill.client_id, BillRun.confirmed_at)
                .join(BillRun, BillRun.id == HeldBill.run_id)
                .where(HeldBill.released_at.is_(None), BillRun.confirmed_at.is_not(None))
                .order_by(HeldBill.client_id)
                .limit(chunk)
            ).all()
            if not rows:
                return
            office = office_of(session)
            at = {row.client_id: row.confirmed_at for row in rows}
            told = []
            for one in load(session, at, office).values():
                account = one.account
                minute = max(whole_minute(at[account.client]), account.reached)
                events = list(advance(account, minute, hold_rule(session, office)))
                if account.reached >= minute:  # else a cut before it waits for its own decision
                    events += confirm_bill(account, minute)
                told.append(Told(one, events))
            save(session, SYSTEM.name, told)
            _count(counts, told)
        if all(one.account.bill_held for one in told):
            return


def first_moment(store: Store) -> datetime | None:
    """The first instant at which any client has something to do."""
    with store.read() as session:
        return session.scalar(
            select(Standing.next_at).where(Standing.next_at.is_not(None)).order_by(Standing.next_at).limit(1)
        )


def _advance(store: Store, until: datetime, counts: RunCounts, chunk: int | None) -> None:
    """Move on every account that has something to do before `until`, up to a cut that nobody has decided.

    Chunks grow and shrink with the time that they take, unless `chunk` says how many clients one has.
    """
    size = chunk or CHUNK
    while True:
        with store.write() as session:
            session.connection()  # waiting for another writer is not our work
            began = time.monotonic()
            told = walk(session, office_of(session), until, size)
        if not told:
            return
        _count(counts, told)
        if chunk is None and len(told) == size:
            took = max(time.monotonic() - began, 0.001)
            size = max(20, min(int(size * TARGET_SECONDS / took), size * 2, LARGEST_CHUNK))


def _decide(store: Store, until: datetime, now: datetime) -> bool:
    """Decide about the earliest moment of cuts that nobody has decided; False when there is none before
    `until`.
    """
    with store.write() as session:
        office = office_of(session)
        moment = undecided(session, office, until)
        if moment is None:
            return False
        decide(session, office, moment, now)
        return True


def _count(counts: RunCounts, told: list[Told]) -> None:
    counts.chunks += 1
    counts.clients += len(told)
    counts.events.update([event.kind for one in told for event in one.events if event.kind not in INTERNAL])

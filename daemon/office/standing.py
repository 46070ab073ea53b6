"""Moving a client's account on, doing a deed to it, and rebuilding what is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from daemon.office.account import (
    Loaded,
    Office,
    add_invoice,
    balances,
    invoice_rule,
    load,
    load_one,
    office_of,
)
from daemon.office.hold import decide, decisions, hold_rule, undecided
from daemon.office.journal import save, save_standings
from daemon.office.told import Told
from daemon.rules.account import Account
from daemon.rules.calendar import whole_minute
from daemon.rules.engine import Hold, advance, advanced, cut_freely, next_moment, settle
from daemon.rules.event import Event
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.client import Client
from daemon.store.invoice import Invoice, PassedCycle
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.suspension import HeldCut, Standing, Suspension

CATCH_UP = 200
"""Clients that one deed may let catch up."""

RECORDING = "recording"
"""In `session.info`: more facts of the same minute follow; `settle_minute` comes after the last of them."""

type Deed = Callable[[Account, datetime], Iterator[Event]]


def move_on(session: Session, now: datetime, client_id: int, office: Office | None = None) -> Told:
    """A client's account, moved on to the minute of `now`: whatever was due before has happened in it."""
    office = office or office_of(session)
    loaded = load_one(session, client_id, office)
    minute, bills = whole_minute(now), office.bills_held.__contains__
    told = Told(loaded, list(advance(loaded.account, minute, hold_rule(session, office), bills)))
    if told.account.reached >= minute:
        return told
    # A cut of a moment that nobody has decided: it is counted with those of everybody else.
    if not walk_all(session, office, now, minute):
        decide_alone = partial(_decided, session, office, now)
        return Told(loaded, told.events + list(advance(loaded.account, minute, decide_alone, bills)))
    loaded = load_one(session, client_id, office)
    return Told(loaded, list(advance(loaded.account, minute, hold_rule(session, office), bills)))


def apply(session: Session, actor: str, now: datetime, client_id: int, deed: Deed) -> list[Event]:
    """Move an account on to this minute, do a deed to it, and write back all that followed; gives the
    deed's events.

    Everything before this minute has happened first, everything later has not: law 1.
    """
    told = move_on(session, now, client_id)
    return finish(session, actor, told, now, deed)


def finish(session: Session, actor: str, told: Told, now: datetime, deed: Deed) -> list[Event]:
    """Do a deed to an account that was moved on, and write back: what the clock did as the system's, then
    the deed.
    """
    if told.events:
        save(session, "system", [told])
        told = Told(_again(told.loaded))
    at = max(told.account.reached, whole_minute(now))
    told.account.recording = bool(session.info.get(RECORDING))
    events = list(deed(told.account, at))
    told.account.recording = False
    told.events = events
    save(session, actor, [told])
    return events


def settle_minute(session: Session, now: datetime, client_id: int) -> None:
    """After facts of one minute that were recorded together: what follows from all of them."""
    apply(session, "system", now, client_id, settle)


def catch_up(session: Session, now: datetime) -> None:
    """Before a change that bears on everyone: what was due under the old settings happens first.

    Refused while more clients wait than one transaction should hold: the billing run comes first.
    """
    if not walk_all(session, office_of(session), now, whole_minute(now)):
        raise Refusal("", "The billing run is behind: try again in a few minutes, when it has caught up")


def walk_all(session: Session, office: Office, now: datetime, until: datetime) -> bool:
    """Within this transaction, everybody catches up to an instant, and the cuts before it are decided.

    False, and nothing is done, when more clients wait than one transaction should hold.
    """
    due = select(Standing.client_id).where(Standing.next_at < until).limit(CATCH_UP + 1)
    if len(session.scalars(due).all()) > CATCH_UP:
        return False
    while True:
        while walk(session, office, until, CATCH_UP):
            pass
        moment = undecided(session, office, until)
        if moment is None:
            return True
        decide(session, office, moment, now)


def walk(session: Session, office: Office, until: datetime, limit: int) -> list[Told]:
    """Move on some accounts that have something to do before an instant, up to a cut nobody has decided.

    An empty list when none is left but those that wait for such a decision.
    """
    decided = decisions(session, office, until)
    query = (
        select(Standing.client_id)
        .where(Standing.next_at < until)
        .order_by(Standing.next_at, Standing.client_id)
        .limit(limit)
    )
    if office.hold_cuts:
        query = query.where(
            or_(
                Standing.next_cut_at.is_(None),
                Standing.next_at < Standing.next_cut_at,
                Standing.next_cut_at.in_(list(decided)),
            )
        )
    ids = session.scalars(query).all()
    if not ids:
        return []
    hold = decided.get if office.hold_cuts else cut_freely
    told = [_walked(one, until, hold, office) for one in load(session, ids, office).values()]
    save(session, "system", told)
    return told


def _walked(one: Loaded, until: datetime, hold: Hold, office: Office) -> Told:
    events, ahead = advanced(one.account, until, hold, office.bills_held.__contains__)
    return Told(one, events, ahead)


def _decided(session: Session, office: Office, now: datetime, moment: datetime) -> bool:
    return decide(session, office, moment, now).held


def start_standing(session: Session, client: Client) -> None:
    """The standing of a client that was just added: nothing has happened yet."""
    opened = whole_minute(client.created_at)
    session.add(
        Standing(
            client_id=client.id,
            state="active",
            by=None,
            why=say("Nothing is unpaid").as_json(),
            since=opened,
            reached_at=opened,
        )
    )
    session.flush()
    loaded = load_one(session, client.id)
    save_standings(session, [Told(loaded)])
    session.expire_all()


def rebuild_standing(session: Session, client_ids: Iterable[int]) -> int:
    """Derive the standing of some clients (a few hundred) anew from the facts alone; gives how many had
    differed.

    Whatever is cached beside the ledger (`invoice.settled_at`, debts, state, next moments) is recomputed.
    """
    ids = sorted(set(client_ids))
    before = {
        row.client_id: _shown(row)
        for row in session.scalars(select(Standing).where(Standing.client_id.in_(ids)))
    }
    _resettle_invoices(session, ids)
    _restate(session, ids)
    session.expire_all()
    office = office_of(session)
    loaded = load(session, ids, office)
    for balance, client_id in balances(session, ids):
        account = loaded[client_id].account
        if balance.left and all(known.id != balance.id for known in account.balances):
            account.balances.append(balance)
    save_standings(session, [Told(one) for one in loaded.values()])
    session.expire_all()
    after = {
        row.client_id: _shown(row)
        for row in session.scalars(select(Standing).where(Standing.client_id.in_(ids)))
    }
    return sum(1 for client_id in ids if before.get(client_id) != after.get(client_id))


def reload_invoice(session: Session, loaded: Loaded, invoice_id: int) -> None:
    """Put an invoice that owes nothing any more back into a loaded account (a deleted payment, a void)."""
    if any(invoice.id == invoice_id for invoice in loaded.account.invoices):
        return
    row = session.execute(select(Invoice.__table__).where(Invoice.id == invoice_id)).first()
    left = session.scalar(
        select(func.coalesce(func.sum(Ledger.amount), 0)).where(Ledger.invoice_id == invoice_id)
    )
    showing = session.scalar(
        select(func.count()).where(Notice.invoice_id == invoice_id, Notice.off_at.is_(None))
    )
    add_invoice(loaded, invoice_rule(row, int(left or 0), bool(showing)))


def _again(loaded: Loaded) -> Loaded:
    """The same account as if it had just been loaded."""
    account = loaded.account
    fresh = Loaded(account, promise=loaded.promise if account.promise is not None else None)
    fresh.remember()
    return fresh


def _shown(row: Standing) -> tuple[object, ...]:
    return (
        row.state,
        row.by,
        row.debt,
        row.debit,
        row.credit,
        row.next_cut_at,
        row.next_at,
        row.held,
        row.billed_through,
    )


def _resettle_invoices(session: Session, ids: Sequence[int]) -> None:
    owed = (
        select(func.coalesce(func.sum(Ledger.amount), 0))
        .where(Ledger.invoice_id == Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    last = (
        select(func.max(Ledger.at))
        .where(Ledger.invoice_id == Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    mine = Invoice.client_id.in_(ids)
    options = {"synchronize_session": False}
    session.execute(
        update(Invoice).where(mine, Invoice.settled_at.is_not(None), owed > 0).values(settled_at=None),
        execution_options=options,
    )
    session.execute(
        update(Invoice).where(mine, Invoice.settled_at.is_(None), owed <= 0).values(settled_at=last),
        execution_options=options,
    )


def _restate(session: Session, ids: Sequence[int]) -> None:
    for client in session.scalars(select(Client).where(Client.id.in_(ids))):
        row = session.get(Standing, client.id)
        if row is None:
            start_standing(session, client)
            row = session.get_one(Standing, client.id)
        last = session.scalars(
            select(Suspension)
            .where(Suspension.client_id == client.id)
            .order_by(Suspension.id.desc())
            .limit(1)
        ).first()
        if client.retired_at is not None:
            row.state, row.by, row.since = "retired", None, client.retired_at
        elif last is not None and last.action == "suspend":
            row.state, row.by, row.since, row.why = "suspended", last.by, last.at, last.reason
        else:
            row.state, row.by = "active", None
        billed = [
            session.scalar(
                select(func.max(Invoice.cycle_end)).where(
                    Invoice.client_id == client.id, Invoice.kind == "service"
                )
            ),
            session.scalar(select(func.max(PassedCycle.cycle_end)).where(PassedCycle.client_id == client.id)),
        ]
        row.billed_through = max((day for day in billed if day is not None), default=None)
        row.held = (
            session.scalars(
                select(HeldCut.id).where(HeldCut.client_id == client.id, HeldCut.released_at.is_(None))
            ).first()
            is not None
        )
    session.flush()


def sentence_of(stored: dict[str, object] | None) -> Sentence:
    """A stored sentence, or an empty one."""
    return Sentence.from_json(stored) or say("")


__all__ = [
    "Deed",
    "apply",
    "catch_up",
    "finish",
    "move_on",
    "next_moment",
    "rebuild_standing",
    "reload_invoice",
    "sentence_of",
    "settle_minute",
    "start_standing",
    "walk",
    "walk_all",
]

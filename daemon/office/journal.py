"""Writing back what the engine made of accounts: invoices, ledger, suspensions, notices, standing.

One call writes a whole chunk in few statements. The tables' constraints are the second lock on "once" (law
2): one invoice a cycle, one late fee an invoice, one reconnection fee a suspension.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from daemon.office.bills import changed_invoices, new_invoices
from daemon.office.told import Told, all_events, kinds_of, table_of
from daemon.rules.account import Account
from daemon.rules.calendar import local_date
from daemon.rules.engine import next_moment
from daemon.rules.event import Event, Movement
from daemon.rules.invoice import next_draft
from daemon.rules.standing import standing
from daemon.store.bill_run import BillRun, HeldBill
from daemon.store.billing import Billing
from daemon.store.bulk import insert_ids, insert_rows, update_rows
from daemon.store.invoice import PassedCycle
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.payment import Promise as PromiseRow
from daemon.store.suspension import CutRun, HeldCut, Standing, Suspension

STATE = ("state", "by", "since")
HEARD = "heard"
"""In `session.info`: a list to which everything that is written is added as (actor, client, event)."""


def save(session: Session, actor: str, told: Sequence[Told], *, fresh: bool = False) -> None:
    """Write back what happened to some accounts. `actor` is the name in the ledger and in the suspensions.

    `fresh` accounts have no standing yet: it is written for the first time.
    """
    session.flush()
    kinds = kinds_of(told)
    new_invoices(session, told)
    suspensions = _suspensions(session, actor, told) if kinds & {"suspended", "reactivated"} else {}
    _movements(session, actor, told, suspensions)
    changed_invoices(session, told)
    if kinds & {"notice_opened", "notice_closed"}:
        _notices(session, told)
    if "cycle_passed" in kinds:
        _cycles(session, told)
    _fixed_dates(session, told)
    _promises(session, told)
    _holds(session, told)
    _bill_holds(session, told)
    if fresh:
        insert_rows(
            session,
            Standing,
            [{"client_id": one.account.client, **standing_values(one.account)} for one in told],
        )
    else:
        save_standings(session, told)
    heard = session.info.get(HEARD)
    if heard is not None:
        heard += [(actor, one.account.client, event) for one, event in all_events(told)]
    session.expire_all()


def save_standings(session: Session, told: Sequence[Told]) -> None:
    """Write the derived standing of some accounts. The rows exist since their clients do."""
    # Mostly nobody's state changed: then it and its index are left alone.
    stays = all(one.loaded.state == (one.account.state, one.account.state_since) for one in told)
    rows = [{"client_id": one.account.client, **standing_values(one.account, one.ahead)} for one in told]
    update_rows(session, Standing, "client_id", rows, STATE if stays else ())


def standing_values(account: Account, ahead: datetime | None = None) -> dict[str, Any]:
    """The columns of a standing row, as they follow from an account; `ahead` is its next moment, if known."""
    now = standing(account)
    return {
        "state": now.state,
        "by": now.by,
        "why": now.why,
        "since": account.state_since or account.opened,
        "debt": account.debt,
        "debit": account.debit,
        "credit": account.credit,
        "next_cut_on": local_date(account.company.zone, now.cut_at) if now.cut_at else None,
        "next_cut_at": now.cut_at,
        "next_at": ahead or next_moment(account),
        "next_bill_at": None if account.bill_held or account.state == "retired" else next_draft(account).at,
        "reached_at": account.reached,
        "billed_through": account.billed_through,
        "held": account.held,
    }


def _suspensions(session: Session, actor: str, told: Sequence[Told]) -> dict[tuple[int, datetime], int]:
    """Write suspensions and lifts; the ids of automatic suspensions by client and instant, for their fees."""
    rows = [
        {
            "client_id": one.account.client,
            "at": event.at,
            "action": "suspend" if event.kind == "suspended" else "lift",
            "by": event.by,
            "reason": event.why,
            "actor": actor,
        }
        for one, event in all_events(told)
        if event.kind in ("suspended", "reactivated")
    ]
    ids = insert_ids(session, Suspension, rows)
    kinds = [
        (one.account.client, event)
        for one, event in all_events(told)
        if event.kind in ("suspended", "reactivated")
    ]
    return {
        (client_id, event.at): made
        for (client_id, event), made in zip(kinds, ids, strict=True)
        if event.kind == "suspended" and event.by == "auto"
    }


def _movements(
    session: Session, actor: str, told: Sequence[Told], suspensions: dict[tuple[int, datetime], int]
) -> None:
    """The ledger's entries; those that make a balance first, since others of the same chunk may move it."""
    makers: list[tuple[Told, Event, Movement]] = []
    others: list[tuple[Told, Event, Movement]] = []
    for one, event in all_events(told):
        for movement in event.movements:
            (makers if movement.balance is not None else others).append((one, event, movement))

    def row(one: Told, event: Event, movement: Movement) -> dict[str, Any]:
        fee = movement.kind == "reconnection_fee"
        return {
            "at": event.at,
            "client_id": one.account.client,
            "invoice_id": movement.invoice.id if movement.invoice else None,
            "payment_id": movement.payment,
            "kind": movement.kind,
            "amount": movement.amount,
            "origin_id": movement.origin.id if movement.origin else None,
            "reverses_id": movement.reverses,
            "cause_invoice_id": movement.cause.id if movement.cause else None,
            "suspension_id": suspensions.get((one.account.client, event.at)) if fee else None,
            "why": movement.why,
            "actor": actor,
        }

    ids = insert_ids(session, Ledger, [row(*entry) for entry in makers])
    for (_, _, movement), made in zip(makers, ids, strict=True):
        if movement.balance is not None:
            movement.balance.id = movement.balance.order = made
    insert_rows(session, Ledger, [row(*entry) for entry in others])


def _notices(session: Session, told: Sequence[Told]) -> None:
    """Notices opened and closed, one row an invoice; one that was closed opens again as the same row."""
    last: dict[int, tuple[int, Event]] = {}
    opened: dict[int, Event] = {}
    for one, event in all_events(told):
        if event.kind in ("notice_opened", "notice_closed") and event.invoice and event.invoice.id:
            last[event.invoice.id] = one.account.client, event
            if event.kind == "notice_opened":
                opened.setdefault(event.invoice.id, event)
    if not last:
        return
    table = table_of(Notice)
    rows = session.execute(select(table.c.invoice_id, table.c.id).where(table.c.invoice_id.in_(sorted(last))))
    known: dict[int, int] = {row.invoice_id: row.id for row in rows}
    fresh: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for invoice_id, (client_id, event) in last.items():
        off = event.at if event.kind == "notice_closed" else None
        if invoice_id in known:
            again.append({"key": known[invoice_id], "off": off})
        elif invoice_id in opened:
            first = opened[invoice_id]
            fresh.append(
                {
                    "client_id": client_id,
                    "kind": "payment",
                    "invoice_id": invoice_id,
                    "why": first.why,
                    "on_at": first.at,
                    "off_at": off,
                }
            )
    insert_rows(session, Notice, fresh)
    if again:
        statement = update(table).where(table.c.id == bindparam("key")).values(off_at=bindparam("off"))
        session.connection().execute(statement, again)


def _cycles(session: Session, told: Sequence[Told]) -> None:
    """Cycles passed over."""
    insert_rows(
        session,
        PassedCycle,
        [
            {
                "client_id": one.account.client,
                "cycle_start": event.cycle.start,
                "cycle_end": event.cycle.end,
                "at": event.at,
                "why": event.why,
            }
            for one, event in all_events(told)
            if event.kind == "cycle_passed" and event.cycle is not None
        ],
    )


def _fixed_dates(session: Session, told: Sequence[Told]) -> None:
    """Fixed dates that were set, overtaken or used."""
    for one in told:
        if one.loaded.fixed != (one.account.fixed_date, one.account.fixed_cycle):
            billing = table_of(Billing)
            cycle = one.account.fixed_cycle
            session.execute(
                update(billing)
                .where(billing.c.client_id == one.account.client)
                .values(
                    fixed_date=one.account.fixed_date,
                    fixed_start=cycle.start if cycle else None,
                    fixed_end=cycle.end if cycle else None,
                )
            )


def _promises(session: Session, told: Sequence[Told]) -> None:
    """Promises that ended; those that are made have their row from `office/promise.py`."""
    table = table_of(PromiseRow)
    for one in told:
        if one.loaded.promise is not None and one.account.promise is None:
            ends = [event for event in one.events if event.kind in ("promise_broken", "promise_kept")]
            ended = ends[-1].at if ends else one.account.reached
            broken = bool(ends) and ends[-1].kind == "promise_broken"
            session.execute(
                update(table).where(table.c.id == one.loaded.promise).values(ended_at=ended, broken=broken)
            )


def _holds(session: Session, told: Sequence[Told]) -> None:
    """Cuts that wait for a person, under the decision of their moment; holds that fell away."""
    for one in told:
        if not (one.account.held or one.loaded.held):
            continue
        held = [event for event in one.events if event.kind == "held"]
        if one.account.held and held:
            run = session.scalars(select(CutRun).where(CutRun.at == held[-1].at)).first()
            if run is None:
                run = CutRun(
                    at=held[-1].at,
                    candidates=1,
                    active=0,
                    held=True,
                    sentence=held[-1].why.as_json(),
                    decided_at=held[-1].at,
                )
                session.add(run)
                session.flush()
            session.add(HeldCut(run_id=run.id, client_id=one.account.client))
        elif one.loaded.held and not one.account.held:
            table = table_of(HeldCut)
            session.execute(
                update(table)
                .where(table.c.client_id == one.account.client, table.c.released_at.is_(None))
                .values(released_at=one.account.reached)
            )
    session.flush()


def _bill_holds(session: Session, told: Sequence[Told]) -> None:
    """Invoices that wait for a person, under the run of their moment; those that were made since."""
    for one in told:
        if not (one.account.bill_held or one.loaded.bill_held):
            continue
        held = [event.at for event in one.events if event.kind == "bill_held"]
        if one.account.bill_held and held:
            run_id = session.scalars(select(BillRun.id).where(BillRun.at == held[-1])).one()
            session.add(HeldBill(run_id=run_id, client_id=one.account.client))
        elif one.loaded.bill_held and not one.account.bill_held:
            table = table_of(HeldBill)
            session.execute(
                update(table)
                .where(table.c.client_id == one.account.client, table.c.released_at.is_(None))
                .values(released_at=one.account.reached)
            )
    session.flush()

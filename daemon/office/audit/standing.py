"""Rules about the standing: a cache, so it is what facts and rules give, derived anew by the real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, case, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from daemon.office.account import Office, balances, load, office_of
from daemon.office.audit.finding import Finding, Ground, row_of
from daemon.office.journal import standing_values
from daemon.rules.account import Account
from daemon.rules.sentence import Sentence, say
from daemon.rules.standing import is_due_for_cut
from daemon.store.change import Change
from daemon.store.client import Client
from daemon.store.invoice import Invoice, PassedCycle
from daemon.store.ledger import Ledger
from daemon.store.suspension import Standing, Suspension

CHUNK = 200
COMPARED = (
    "state", "by", "debt", "debit", "credit", "next_cut_on", "next_cut_at", "next_at", "billed_through", "held",
)  # fmt: skip
AHEAD = frozenset({"next_cut_on", "next_cut_at", "next_at", "state", "by"})
"""What waits for the next billing run after a change of the company's settings."""
MONEY = frozenset({"debt", "debit", "credit"})


def present(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Every client has a standing."""
    query = (
        select(Client.id)
        .outerjoin(Standing, Standing.client_id == Client.id)
        .where(Standing.client_id.is_(None))
    )
    for (found,) in session.execute(query):
        yield Finding("standing.present", row_of(Client, found), say("The client has no standing"))


def sums(session: Session, ground: Ground) -> Iterator[Finding]:
    """Balance = sum of entries: what the ledger says of a client is debt and debits less credits (law 3)."""
    of = (
        select(
            Ledger.client_id,
            func.sum(Ledger.amount).label("all"),
            func.sum(case((Ledger.invoice_id.is_not(None), Ledger.amount), else_=0)).label("owed"),
        )
        .group_by(Ledger.client_id)
        .subquery()
    )
    every, owed = func.coalesce(of.c.all, 0), func.coalesce(of.c.owed, 0)
    balance = Standing.debt + Standing.debit - Standing.credit
    query = (
        select(
            Standing.client_id,
            every.label("every"),
            owed.label("owed"),
            balance.label("balance"),
            Standing.debt,
        )
        .outerjoin(of, of.c.client_id == Standing.client_id)
        .where(or_(every != balance, owed != Standing.debt))
    )
    for row in session.execute(query):
        sentence = say(
            "The ledger adds up to {total} ({owed} on invoices), the standing to {amount} ({debt})",
            total=ground.money(row.every),
            owed=ground.money(row.owed),
            amount=ground.money(row.balance),
            debt=ground.money(row.debt),
        )
        yield Finding("standing.balance", row_of(Standing, row.client_id), sentence)


def derived(session: Session, ground: Ground) -> Iterator[Finding]:
    """Each standing is what the rules derive from the facts; and no paid client is cut (law 4)."""
    office = office_of(session)
    fees = _fee_changes(session)
    after = 0
    while True:
        ids = session.scalars(
            select(Standing.client_id)
            .where(Standing.client_id > after)
            .order_by(Standing.client_id)
            .limit(CHUNK)
        ).all()
        if not ids:
            return
        yield from _chunk(session, ground, office, ids, fees)
        session.expunge_all()
        after = ids[-1]


def _chunk(
    session: Session, ground: Ground, office: Office, ids: Sequence[int], fees: dict[int | None, datetime]
) -> Iterator[Finding]:
    loaded = load(session, ids, office)
    for one in loaded.values():
        one.account.balances = []
    for balance, client_id in balances(session, ids):
        if balance.left and client_id in loaded:
            loaded[client_id].account.balances.append(balance)
    _from_facts(session, loaded, ids)
    table: Any = Standing.__table__
    rows = session.execute(select(table).where(table.c.client_id.in_(ids))).all()
    for row in rows:
        account = loaded[row.client_id].account
        waits = office.settings_at is not None and row.reached_at < office.settings_at
        values = standing_values(account)
        for name in COMPARED:
            if (waits and name in AHEAD) or values[name] == getattr(row, name):
                continue
            sentence = say(
                "{name} is {kept}, the rules derive {right}",
                name=name,
                kept=_said(getattr(row, name), name, ground),
                right=_said(values[name], name, ground),
            )
            yield Finding("standing.derived", row_of(Standing, row.client_id), sentence)
        if account.state == "auto" and not waits and not is_due_for_cut(account, account.reached):
            sentence = say("The client is cut, though the rules give no reason for it any more")
            yield Finding("standing.cut", row_of(Standing, row.client_id), sentence)
    yield from _missing_fees(session, loaded, ids, fees)


def _from_facts(session: Session, loaded: dict[int, Any], ids: Sequence[int]) -> None:
    """Put into accounts what the standing only repeats: state from the suspensions, cycles from invoices."""
    last = (
        select(Suspension.client_id, func.max(Suspension.id).label("last"))
        .where(Suspension.client_id.in_(ids))
        .group_by(Suspension.client_id)
        .subquery()
    )
    acts = {
        row.client_id: row
        for row in session.execute(
            select(
                Suspension.client_id, Suspension.action, Suspension.by, Suspension.at, Suspension.reason
            ).join(last, last.c.last == Suspension.id)
        )
    }
    gone = set(session.scalars(select(Client.id).where(Client.id.in_(ids), Client.retired_at.is_not(None))))
    through: dict[int, date] = {}
    # Of free invoices there is no cycle; by its kind the store finds the index of the service ones.
    for model, where in ((Invoice, [Invoice.kind == "service"]), (PassedCycle, [])):
        query = (
            select(model.client_id, func.max(model.cycle_end))
            .where(model.client_id.in_(ids), *where)
            .group_by(model.client_id)
        )
        for client_id, day in session.execute(query):
            if day is None:
                continue
            through[client_id] = max(day, through.get(client_id, day))
    for client_id, one in loaded.items():
        account: Account = one.account
        act = acts.get(client_id)
        if client_id in gone:
            account.state = "retired"
        elif act is not None and act.action == "suspend":
            account.state = "auto" if act.by == "auto" else "manual"
            account.state_since, account.state_why = act.at, Sentence.from_json(act.reason)
        else:
            account.state, account.state_why = "active", None
        if client_id not in gone and account.billed_through != through.get(client_id):
            account.billed_through = through.get(client_id)
            account.next_draft = None


def _fee_changes(session: Session) -> dict[int | None, datetime]:
    """When a change of settings last spoke of the reconnection fee or of templates, by client (None: all)."""
    before, after = sql_cast(Change.before, Text), sql_cast(Change.after, Text)
    spoke = or_(
        *(side.contains(word) for side in (before, after) for word in ("reconnection_fee", "template"))
    )
    query = select(Change.client_id, func.max(Change.at)).where(spoke).group_by(Change.client_id)
    return {client_id: at for client_id, at in session.execute(query)}  # noqa: C416 (rows are no pairs to mypy)


def _missing_fees(
    session: Session, loaded: dict[int, Any], ids: Sequence[int], changes: dict[int | None, datetime]
) -> Iterator[Finding]:
    """An automatic suspension under today's settings made its reconnection fee (F9)."""
    query = (
        select(Suspension.id, Suspension.client_id, Suspension.at)
        .outerjoin(
            Ledger, (Ledger.suspension_id == Suspension.id) & (Ledger.client_id == Suspension.client_id)
        )
        .where(
            Suspension.client_id.in_(ids),
            Suspension.action == "suspend",
            Suspension.by == "auto",
            Ledger.id.is_(None),
        )
    )
    for row in session.execute(query):
        one = loaded.get(row.client_id)
        if one is None or one.account.settings.reconnection_fee <= 0:
            continue
        known = [at for key in (None, row.client_id) if (at := changes.get(key)) is not None]
        if any(_aware(at, row.at) > row.at for at in known):
            continue
        sentence = say("An automatic suspension made no reconnection fee, though the settings ask for one")
        yield Finding("fee.missing", row_of(Suspension, row.id), sentence)


def _aware(at: datetime, like: datetime) -> datetime:
    """An aggregate of times may come without its zone."""
    return at if at.tzinfo is not None else at.replace(tzinfo=like.tzinfo)


def _said(value: Any, name: str, ground: Ground) -> str:
    if value is None:
        return "—"
    if name in MONEY:
        return ground.money(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(ground.zone):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def reasons(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Each standing has a reason that can be read (law 8)."""
    query = select(Standing.client_id, sql_cast(Standing.why, Text)).execution_options(yield_per=2000)
    for client_id, why in session.execute(query):
        try:
            read = Sentence.from_json(json.loads(why))
        except (ValueError, AttributeError):
            read = None
        if read is None or not read.text:
            yield Finding("standing.why", row_of(Standing, client_id), say("Its reason cannot be read"))

"""Accounts between the store and the rules: load the facts of clients, in few queries for many at once.

`load` gives each client's account as it stood at its own `reached_at`; `office/journal.py` writes back what
the engine made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from daemon.office.charge import add_charges
from daemon.office.house import company_rules, get_company
from daemon.rules.account import Account, Balance, Invoice, Promise, State
from daemon.rules.billing import NAMES, Settings, effective
from daemon.rules.billing import Company as CompanyRules
from daemon.rules.calendar import instant, whole_minute
from daemon.rules.cycle import Cycle
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence
from daemon.store.among import among, keys
from daemon.store.base import Base
from daemon.store.bill_run import BillRun, HeldBill
from daemon.store.billing import Billing, BillingTemplate
from daemon.store.client import Client
from daemon.store.company import Company
from daemon.store.invoice import Invoice as InvoiceRow
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.payment import Promise as PromiseRow
from daemon.store.suspension import HeldCut, Standing

# Kinds of entries that, without an invoice and without an origin, are balances of their own.
_BALANCES = ("late_fee", "reconnection_fee", "debit", "credit", "payment", "reversal", "void")


@dataclass(slots=True)
class Loaded:
    """An account and what it looked like when it was loaded, so that only what changed is written back."""

    account: Account
    invoices: dict[int, tuple[int, int | None, bool, int]] = field(default_factory=dict)
    """id → `shape` of it"""
    promise: int | None = None
    fixed: tuple[date | None, Cycle | None] = (None, None)
    held: bool = False
    bill_held: bool = False
    state: tuple[str, datetime | None] = ("", None)

    def remember(self) -> None:
        """Take the account as it is now for what the store holds."""
        self.fixed = (self.account.fixed_date, self.account.fixed_cycle)
        self.held = self.account.held
        self.bill_held = self.account.bill_held
        self.state = (self.account.state, self.account.state_since)
        self.invoices = {one.id: shape(one) for one in self.account.invoices if one.id is not None}


def shape(invoice: Invoice) -> tuple[int, int | None, bool, int]:
    """What of an invoice can change once it is stored."""
    return invoice.left, invoice.late_fee, invoice.forgiven, invoice.reminded


@dataclass(frozen=True, slots=True)
class Office:
    """What all accounts of one load share: the company's rules, its billing settings, and the templates."""

    company: CompanyRules
    billing: Mapping[str, Any]
    settings_at: datetime | None
    hold_cuts: bool
    templates: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    hold_totals: bool = False
    bills_held: frozenset[datetime] = frozenset()
    """Moments whose invoices are held, their run not confirmed yet."""
    any_bill_held: bool = False
    shared: dict[tuple[Any, ...], Settings] = field(default_factory=dict, compare=False)
    """Settings that were laid over one another already: clients who are billed alike share them."""


def office_of(session: Session) -> Office:
    """The company's rules and default billing settings."""
    row: Company = get_company(session)
    company, templates, runs, waits = _office()
    found = session.execute(company).mappings().first()
    laid = {template.id: dict(template._mapping) for template in session.execute(templates)}
    return Office(
        company_rules(session),
        dict(found) if found else {},
        row.settings_at,
        row.hold_cuts,
        laid,
        row.hold_totals,
        frozenset(session.scalars(runs)),
        session.scalar(waits) is not None,
    )


@lru_cache(maxsize=1)
def _office() -> tuple[Any, Any, Any, Any]:
    """Questions about the company: its settings, the templates, held runs of invoices, and whether any waits."""
    table, run, bill = _table(Billing), _table(BillRun), _table(HeldBill)
    return (
        select(table).where(table.c.client_id.is_(None)),
        select(_table(BillingTemplate)),
        select(run.c.at).where(run.c.held, run.c.confirmed_at.is_(None)),
        select(bill.c.id).where(bill.c.released_at.is_(None)).limit(1),
    )


def settings_of(office: Office, own: Mapping[str, Any] | None) -> Settings:
    """The settings in force for a client with these settings of its own; `template_id` among them names the
    template whose settings come next.
    """
    key = (*(str(own.get(name)) for name in NAMES), own.get("template_id")) if own else ()
    found = office.shared.get(key)
    if found is None:
        template = office.templates.get(own["template_id"]) if own and own.get("template_id") else {}
        found = effective(("client", own or {}), ("template", template or {}), ("company", office.billing))
        office.shared[key] = found
    return found


def load(session: Session, clients: Iterable[int], office: Office | None = None) -> dict[int, Loaded]:
    """The accounts of some clients (a few hundred at most), by client id. Unknown ids are left out."""
    ids = sorted(set(clients))
    office = office or office_of(session)
    rows = session.execute(_clients(), keys(ids)).all()
    loaded = {row.id: _open(office, row) for row in rows}
    if not loaded:
        return loaded
    add_charges(session, {key: one.account for key, one in loaded.items()}, ids)
    _add_invoices(session, loaded, ids)
    _add_balances(session, loaded, [row.id for row in rows if row.debit or row.credit])
    _add_promises(session, loaded, ids)
    if office.any_bill_held:
        _add_held_bills(session, loaded, ids)
    return loaded


def load_one(session: Session, client_id: int, office: Office | None = None) -> Loaded:
    """The account of one client. Refused when there is no such client."""
    found = load(session, [client_id], office).get(client_id)
    if found is None:
        raise Refusal("client_id", "There is no such client")
    return found


def invoice_rule(row: Any, left: int, noticed: bool) -> Invoice:
    """An invoice as the rules know it, from its row and what its ledger entries add up to."""
    cycle = Cycle(row.cycle_start, row.cycle_end) if row.cycle_start is not None else None
    return Invoice(
        row.id,
        row.kind,
        cycle,
        row.due or row.created_at.date(),
        row.created_at,
        row.total,
        row.to_pay,
        left,
        row.late_fee,
        row.forgiven_at is not None,
        noticed,
        row.reminded,
    )


def _table(model: type[Base]) -> Any:
    return model.__table__


@lru_cache(maxsize=1)
def _clients() -> Any:
    own = _table(Billing)
    client, standing, held = _table(Client), _table(Standing), _table(HeldCut)
    return (
        select(
            client.c.id,
            client.c.billing_from,
            client.c.created_at,
            standing.c.state,
            standing.c.by,
            case((standing.c.state != "active", standing.c.why)).label("state_why"),
            standing.c.since.label("state_since"),
            standing.c.reached_at,
            standing.c.billed_through,
            standing.c.debit,
            standing.c.credit,
            held.c.id.label("held_id"),
            own.c.id.label("billing_id"),
            *(column for column in own.c if column.name not in ("id", "client_id")),
        )
        .join(standing, standing.c.client_id == client.c.id)
        .outerjoin(own, own.c.client_id == client.c.id)
        .outerjoin(held, (held.c.client_id == client.c.id) & held.c.released_at.is_(None))
        .where(among(client.c.id))
        .order_by(client.c.id)
    )


@lru_cache(maxsize=1)
def _showing() -> Any:
    notice = _table(Notice)
    return select(notice.c.invoice_id).where(
        among(notice.c.client_id), notice.c.invoice_id.is_not(None), notice.c.off_at.is_(None)
    )


@lru_cache(maxsize=1)
def _open_invoices() -> Any:
    invoice = _table(InvoiceRow)
    return (
        select(invoice)
        .where(among(invoice.c.client_id), invoice.c.settled_at.is_(None))
        .order_by(invoice.c.id)
    )


@lru_cache(maxsize=1)
def _left() -> Any:
    ledger = _table(Ledger)
    return (
        select(ledger.c.invoice_id, func.sum(ledger.c.amount))
        .where(among(ledger.c.invoice_id))
        .group_by(ledger.c.invoice_id)
    )


@lru_cache(maxsize=1)
def _promises() -> Any:
    promise = _table(PromiseRow)
    return select(promise.c.id, promise.c.client_id, promise.c.until, promise.c.invoices).where(
        among(promise.c.client_id), promise.c.ended_at.is_(None)
    )


def _open(office: Office, row: Any) -> Loaded:
    key, billing_from, created, state, by, why, since, reached, billed, _, _, held, billing, *_ = row
    own = row._mapping if billing is not None else None
    opened = max(instant(office.company.zone, billing_from, 0), whole_minute(created))
    if office.settings_at is not None and office.settings_at > reached:
        reached = office.settings_at
    fixed_date = fixed_cycle = None
    if own is not None and (own["fixed_date"] is not None or own["fixed_start"] is not None):
        fixed_date = own["fixed_date"]
        if own["fixed_start"] is not None:
            fixed_cycle = Cycle(own["fixed_start"], own["fixed_end"])
    account = Account(
        key,
        office.company,
        settings_of(office, own),
        billing_from,
        opened,
        reached,
        billed_through=billed,
        fixed_date=fixed_date,
        fixed_cycle=fixed_cycle,
        state=cast(State, by if state == "suspended" else state),
        state_since=since,
        state_why=Sentence.from_json(why) if state != "active" else None,
        held=held is not None,
    )
    return Loaded(account, fixed=(fixed_date, fixed_cycle), held=account.held, state=(account.state, since))


def _add_invoices(session: Session, loaded: dict[int, Loaded], ids: Sequence[int]) -> None:
    showing = set(session.scalars(_showing(), keys(ids)))
    # A paid invoice whose notice is still open is part of the account: something has to close it.
    rows = session.execute(_open_invoices(), keys(ids)).all()
    rest = showing - {row.id for row in rows}
    if rest:
        invoice = _table(InvoiceRow)
        rows = [*rows, *session.execute(select(invoice).where(invoice.c.id.in_(rest)).order_by(invoice.c.id))]
    if not rows:
        return
    left = {
        invoice_id: int(amount)
        for invoice_id, amount in session.execute(_left(), keys(row.id for row in rows))
    }
    for row in rows:
        add_invoice(loaded[row.client_id], invoice_rule(row, left.get(row.id, 0), row.id in showing))


def add_invoice(one: Loaded, invoice: Invoice) -> Invoice:
    """Put an invoice into a loaded account, remembering how it was; the same invoice twice is the first
    one.
    """
    if invoice.id is None:
        raise ValueError("a stored invoice has its id")
    for known in one.account.invoices:
        if known.id == invoice.id:
            return known
    one.account.invoices.append(invoice)
    one.invoices[invoice.id] = shape(invoice)
    return invoice


def _add_balances(session: Session, loaded: dict[int, Loaded], ids: Sequence[int]) -> None:
    for balance, client_id in balances(session, ids) if ids else ():
        if balance.left != 0:
            loaded[client_id].account.balances.append(balance)


def balances(session: Session, ids: Sequence[int]) -> list[tuple[Balance, int]]:
    """Every balance of some clients that waited once, with what is left of it, and whose it is."""
    entry, part = _table(Ledger), _table(Ledger).alias("part")
    moved = (
        select(part.c.origin_id, func.sum(part.c.amount).label("moved"))
        .where(part.c.client_id.in_(ids), part.c.origin_id.is_not(None), part.c.invoice_id.is_(None))
        .group_by(part.c.origin_id)
        .subquery()
    )
    query = (
        select(
            entry.c.id,
            entry.c.client_id,
            entry.c.at,
            entry.c.kind,
            entry.c.payment_id,
            (entry.c.amount + func.coalesce(moved.c.moved, 0)).label("left"),
            entry.c.why,
        )
        .outerjoin(moved, moved.c.origin_id == entry.c.id)
        .where(
            entry.c.client_id.in_(ids),
            entry.c.invoice_id.is_(None),
            entry.c.origin_id.is_(None),
            entry.c.kind.in_(_BALANCES),
        )
        .order_by(entry.c.id)
    )
    return [
        (
            Balance(row.id, row.at, int(row.left), _name(row.kind, row.why), row.payment_id, row.id),
            row.client_id,
        )
        for row in session.execute(query)
    ]


def _name(kind: str, why: Mapping[str, Any]) -> str:
    reason = why.get("params", {}).get("reason") if kind in ("debit", "credit") else None
    return str(reason or kind)


def _add_held_bills(session: Session, loaded: dict[int, Loaded], ids: Sequence[int]) -> None:
    for client_id in session.scalars(
        select(HeldBill.client_id).where(HeldBill.client_id.in_(ids), HeldBill.released_at.is_(None))
    ):
        loaded[client_id].bill_held = loaded[client_id].account.bill_held = True


def _add_promises(session: Session, loaded: dict[int, Loaded], ids: Sequence[int]) -> None:
    for row in session.execute(_promises(), keys(ids)):
        one = loaded[row.client_id]
        one.promise = row.id
        named = set(row.invoices)
        one.account.promise = Promise(row.until, [inv for inv in one.account.invoices if inv.id in named])

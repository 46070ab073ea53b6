"""Invoices: list, look at, void, and free ones (rows I1, I2). Service invoices are made by the billing run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.account import balances
from daemon.office.actor import Actor
from daemon.office.company import company_rules
from daemon.office.payment import no_deed
from daemon.office.plan import amount_of
from daemon.office.series import printed
from daemon.office.text import clean
from daemon.office.told import Told
from daemon.rules import deeds
from daemon.rules.account import Account, Balance
from daemon.rules.account import Invoice as InvoiceRule
from daemon.rules.calendar import local_date
from daemon.rules.event import Event, Movement
from daemon.rules.invoice import Line
from daemon.rules.money import taxed
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.client import Client
from daemon.store.invoice import Invoice, InvoiceLine, Series
from daemon.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of an invoice with its reason; amounts in minor units."""

    name: str
    net: int
    tax: int
    total: int
    why: Sentence | None


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice as it stands. `owed` is what its ledger entries add up to; `state` follows from that and
    the day: unpaid, partly_paid, paid, overdue or void.
    """

    id: int
    client_id: int
    kind: str
    number: str
    cycle_start: date | None
    cycle_end: date | None
    due: date | None
    created_at: datetime
    net: int
    tax: int
    total: int
    to_pay: int
    owed: int
    state: str
    why: Sentence | None
    voided_at: datetime | None
    lines: tuple[LineView, ...] = ()


def list_invoices(
    session: Session, now: datetime, client_id: int, after: int | None = None, limit: int = 100
) -> list[InvoiceView]:
    """Invoices of a client, newest first; `after` is the id of the last row of the page before."""
    query = select(Invoice).where(Invoice.client_id == client_id).order_by(Invoice.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Invoice.id < after)
    return _views(session, now, session.scalars(query).all(), {})


def get_invoice(session: Session, now: datetime, invoice_id: int) -> InvoiceView:
    """An invoice with its lines. Refused when there is none."""
    row = catalogue.found(session, Invoice, invoice_id, "invoice")
    lines = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.place)
    )
    shown = tuple(
        LineView(line.name, line.net, line.tax, line.total, Sentence.from_json(line.why)) for line in lines
    )
    return _views(session, now, [row], {invoice_id: shown})[0]


def void_invoice(session: Session, actor: Actor, now: datetime, invoice_id: int, reason: str) -> None:
    """Void an invoice: what was paid on it becomes credit, its cycle is not billed again, its number stays
    used.
    """
    actor.check("invoice")
    row = catalogue.found(session, Invoice, invoice_id, "invoice")
    bare = clean(reason, "reason", 300)
    if not bare:
        raise Refusal("reason", "Write why: others will ask")
    if row.voided_at is not None:
        raise Refusal("", "This invoice is void already")
    client_id, before = row.client_id, change.columns(row)
    told = standing.move_on(session, now, client_id)
    if told.events:
        standing.finish(session, actor.name, told, now, no_deed)
        told = standing.move_on(session, now, client_id)
    standing.reload_invoice(session, told.loaded, invoice_id)
    invoice = next(one for one in told.account.invoices if one.id == invoice_id)
    landed, paid = _landed(session, told, invoice_id), _paid(session, invoice_id)
    standing.finish(
        session,
        actor.name,
        told,
        now,
        lambda account, at: deeds.void(account, at, invoice, landed, paid),
    )
    after = change.columns(session.get_one(Invoice, invoice_id)) | {"reason": bare}
    change.record(session, actor, now, "invoice", invoice_id, "void", before, after, client_id)


def free_invoice(
    session: Session, actor: Actor, now: datetime, client_id: int, lines: Sequence[tuple[str, str | int]]
) -> int:
    """Make a free invoice of (name, price) lines, due today; gives its id. It is never a reason to cut
    (I1).
    """
    actor.check("invoice")
    if not lines:
        raise Refusal("lines", "Write at least one line")
    refusals = Collector()
    checked: list[tuple[str, int]] = []
    for name, price in lines:
        with refusals.of("lines"):
            bare = clean(name, "lines", 300)
            if not bare:
                raise Refusal("lines", "Each line has a name")
            checked.append((bare, amount_of(session, price, "lines")))
    refusals.settle()
    catalogue.usable(session, Client, client_id, "client")
    company = company_rules(session)
    why = say("Written by {name}", name=actor.name)

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        made = []
        for name, price in checked:
            split = taxed(price, account.settings.tax, company.tax_basis_points)
            made.append(Line(None, name, split.net, split.tax, why))
        total = sum(line.total for line in made)
        invoice = InvoiceRule(None, "free", None, local_date(company.zone, at), at, total, total, total)
        account.invoices.append(invoice)
        yield Event(
            at,
            "invoice_created",
            why,
            invoice,
            lines=tuple(made),
            movements=[Movement("invoice", total, why, invoice)],
        )
        if total == 0:
            yield Event(at, "invoice_paid", say("Nothing is left to pay on it"), invoice)

    events = standing.apply(session, actor.name, now, client_id, deed)
    invoice_id = events[0].invoice.id if events[0].invoice is not None else None
    if invoice_id is None:
        raise RuntimeError("a free invoice was written without an id")
    after = {"lines": [list(line) for line in checked]}
    change.record(session, actor, now, "invoice", invoice_id, "add", None, after, client_id)
    return invoice_id


def _views(
    session: Session, now: datetime, rows: Sequence[Invoice], lines: dict[int, tuple[LineView, ...]]
) -> list[InvoiceView]:
    if not rows:
        return []
    owed: dict[int, int] = {}
    for invoice_id, amount in session.execute(
        select(Ledger.invoice_id, func.sum(Ledger.amount))
        .where(Ledger.invoice_id.in_([row.id for row in rows]))
        .group_by(Ledger.invoice_id)
    ):
        if invoice_id is not None:
            owed[invoice_id] = int(amount)
    prefixes = {series.id: series.prefix for series in session.scalars(select(Series))}
    today = local_date(company_rules(session).zone, now)
    return [
        InvoiceView(
            row.id,
            row.client_id,
            row.kind,
            printed(prefixes.get(row.series_id, ""), row.number),
            row.cycle_start,
            row.cycle_end,
            row.due,
            row.created_at,
            row.net,
            row.tax,
            row.total,
            row.to_pay,
            owed.get(row.id, 0),
            state_of(row, owed.get(row.id, 0), today),
            Sentence.from_json(row.why),
            row.voided_at,
            lines.get(row.id, ()),
        )
        for row in rows
    ]


def state_of(row: Any, owed: int, today: date) -> str:
    """The state of an invoice on which `owed` is left, on a day of the company: see `InvoiceView`."""
    if row.voided_at is not None:
        return "void"
    if owed <= 0:
        return "paid"
    if row.due is not None and row.due < today:
        return "overdue"
    return "partly_paid" if owed < row.to_pay else "unpaid"


def _landed(session: Session, told: Told, invoice_id: int) -> list[deeds.Landed]:
    """The balances that landed on an invoice, each as the account's own object where it still waits in
    part.
    """
    known: dict[int, Balance] = {one.id: one for one in told.account.balances if one.id is not None}
    for balance, _ in balances(session, [told.account.client]):
        if balance.id is not None:
            known.setdefault(balance.id, balance)
    landed: list[deeds.Landed] = []
    for origin_id, amount in session.execute(
        select(Ledger.origin_id, func.sum(Ledger.amount))
        .where(Ledger.invoice_id == invoice_id, Ledger.kind == "landing")
        .group_by(Ledger.origin_id)
        .order_by(Ledger.origin_id)
    ):
        if amount and origin_id is not None:
            landed.append(deeds.Landed(int(amount), known[origin_id]))
    return landed


def _paid(session: Session, invoice_id: int) -> list[tuple[int, int]]:
    """(payment id, amount) of what payments still pay on an invoice."""
    rows = session.execute(
        select(Ledger.payment_id, func.sum(Ledger.amount))
        .where(Ledger.invoice_id == invoice_id, Ledger.payment_id.is_not(None))
        .group_by(Ledger.payment_id)
        .order_by(Ledger.payment_id)
    )
    return [(payment_id, -int(amount)) for payment_id, amount in rows if payment_id and amount < 0]

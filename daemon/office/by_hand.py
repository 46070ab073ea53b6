"""Invoices that a person touches: the next one made ahead of its time (F7), and an unpaid one edited (I6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from daemon.office import catalogue, change, standing
from daemon.office.account import load_one
from daemon.office.actor import Actor
from daemon.office.payment import no_deed
from daemon.office.plan import amount_of
from daemon.office.text import clean
from daemon.office.told import Told
from daemon.rules import by_hand as rules
from daemon.rules.account import Account
from daemon.rules.calendar import local_date, whole_minute
from daemon.rules.event import Event
from daemon.rules.invoice import Line, lines_of, next_draft
from daemon.rules.money import taxed
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.bulk import insert_rows
from daemon.store.client import Client
from daemon.store.invoice import Invoice, InvoiceLine
from daemon.store.item import Item
from daemon.store.ledger import Ledger

MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """The next service invoice as it would be were it made now. Amounts in minor units; `debit` and `credit`
    are the balances that wait for it, `refusal` why it cannot be made now.
    """

    cycle_start: date
    cycle_end: date
    due: date
    automatic_at: datetime
    lines: tuple[Line, ...]
    total: int
    debit: int
    credit: int
    refusal: Sentence | None

    @property
    def to_pay(self) -> int:
        """What will be left to pay once the balances have landed."""
        return max(0, self.total + self.debit - self.credit)


@dataclass(frozen=True, slots=True)
class EditLine:
    """A line as a person edits it: `line_id` of one that is there, None for a new one; `price` as the
    catalogue says prices (with the tax inside, or before it, as the client's tax setting has it).
    """

    line_id: int | None
    name: str
    price: str | int


def preview_next(session: Session, now: datetime, client_id: int) -> NextInvoice:
    """What `bill_next` would make. Reads only: call it in a reading session."""
    catalogue.found(session, Client, client_id, "client")
    with session.no_autoflush:
        account = standing.move_on(session, now, client_id).account
    at = max(account.reached, whole_minute(now))
    draft = rules.draft_now(account, at)
    lines = tuple(lines_of(account, draft)[0])
    automatic = next_draft(account).at
    refusal: Sentence | None = None
    try:
        rules.check_ahead(account, at, draft)
    except Refusal as error:
        refusal = error.sentence
    return NextInvoice(
        draft.cycle.start,
        draft.cycle.end,
        draft.due,
        automatic,
        lines,
        sum(line.total for line in lines),
        account.debit,
        account.credit,
        refusal,
    )


def bill_next(session: Session, actor: Actor, now: datetime, client_id: int, cycle_start: date) -> int:
    """Make a client's next service invoice now; gives its id. `cycle_start`: the first day of its cycle, as
    `preview_next` showed it. The billing run goes on with the cycle after it: nothing is billed twice.
    """
    actor.check("invoice")
    catalogue.found(session, Client, client_id, "client")
    events = standing.apply(
        session,
        actor.name,
        now,
        client_id,
        lambda account, at: rules.bill_ahead(account, at, cycle_start, actor.name),
    )
    made = next(event.invoice for event in events if event.kind == "invoice_created")
    if made is None or made.id is None:
        raise RuntimeError("an invoice was made without an id")
    after = {"cycle": cycle_start, "due": made.due, "total": made.total}
    change.record(session, actor, now, "invoice", made.id, "add", None, after, client_id)
    return made.id


def price_of(line: Any, tax: str) -> int:
    """The price of an invoice's line as the catalogue would say it under a tax setting; minor units."""
    return int(line.net if tax == "added" else line.total)


def lines_to_edit(session: Session, invoice_id: int) -> list[EditLine]:
    """The lines of an invoice as a form shows them."""
    row = catalogue.found(session, Invoice, invoice_id, "invoice")
    tax = load_one(session, row.client_id).account.settings.tax
    return [EditLine(line.id, line.name, price_of(line, tax)) for line in _lines(session, invoice_id)]


def edit_invoice(
    session: Session, actor: Actor, now: datetime, invoice_id: int, lines: Sequence[EditLine], reason: str
) -> None:
    """Other lines on an unpaid or partly paid invoice. A line that is left as it was keeps its tax and its
    reason; a one-off item whose line goes waits for the next invoice again.

    The ledger keeps the old total and the new, the log of changes the lines of before.
    """
    actor.check("invoice")
    row = catalogue.found(session, Invoice, invoice_id, "invoice")
    if row.voided_at is not None:
        raise Refusal("", "This invoice is void: write a new one")
    told = standing.move_on(session, now, row.client_id)
    if told.events:
        standing.finish(session, actor.name, told, now, no_deed)
        told = standing.move_on(session, now, row.client_id)
    invoice = next((one for one in told.account.invoices if one.id == invoice_id), None)
    if invoice is None or invoice.left <= 0:
        raise Refusal("", "Nothing is owed on this invoice: only an unpaid one can be edited")
    old = _lines(session, invoice_id)
    made, why = _checked(session, actor, now, told, old, lines, reason)
    entry = session.scalars(
        select(Ledger.id)
        .where(Ledger.invoice_id == invoice_id, Ledger.kind == "invoice")
        .order_by(Ledger.id.desc())
        .limit(1)
    ).one()
    before = _shown(old)

    def deed(account: Account, at: datetime) -> Iterator[Event]:
        yield from rules.edit_lines(account, at, invoice, [line for _, line in made], entry, why)

    standing.finish(session, actor.name, told, now, deed)
    _rewrite(session, invoice_id, old, made)
    session.execute(
        update(Invoice)
        .where(Invoice.id == invoice_id)
        .values(
            net=sum(line.net for _, line in made),
            tax=sum(line.tax for _, line in made),
            total=invoice.total,
            to_pay=invoice.to_pay,
        )
    )
    session.expire_all()
    after = _shown(_lines(session, invoice_id)) | {"reason": clean(reason, "reason", 300)}
    change.record(session, actor, now, "invoice", invoice_id, "edit", before, after, told.account.client)


def _lines(session: Session, invoice_id: int) -> list[InvoiceLine]:
    return list(
        session.scalars(
            select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.place)
        )
    )


def _shown(lines: Sequence[InvoiceLine]) -> dict[str, Any]:
    return {"lines": [[line.name, line.net, line.tax] for line in lines]}


def _checked(
    session: Session,
    actor: Actor,
    now: datetime,
    told: Told,
    old: Sequence[InvoiceLine],
    lines: Sequence[EditLine],
    reason: str,
) -> tuple[list[tuple[InvoiceLine | None, Line]], Sentence]:
    """Each wished line with the one it was, and the reason of the edit."""
    refusals = Collector()
    bare = ""
    with refusals.of("reason"):
        bare = clean(reason, "reason", 300)
        if not bare:
            raise Refusal("reason", "Write why: others will ask")
    if not lines:
        refusals.add("lines", "Write at least one line, or void the invoice")
    if len(lines) > MOST_LINES:
        refusals.add("lines", say("An invoice has at most {most} lines", most=MOST_LINES))
    known = {line.id: line for line in old}
    if any(one.line_id is not None and one.line_id not in known for one in lines):
        refusals.add("lines", "This invoice was changed meanwhile: look at it again")
    refusals.settle()
    account = told.account
    company = account.company
    day = local_date(company.zone, now).isoformat()
    why = say("Edited by {name} on {day}: {reason}", name=actor.name, day=day, reason=bare)
    made: list[tuple[InvoiceLine | None, Line]] = []
    for one in lines:
        was = known.pop(one.line_id, None) if one.line_id is not None else None
        if was is None and one.line_id is not None:
            refusals.add("lines", "A line is there twice")
            continue
        with refusals.of("lines"):
            name = clean(one.name, "lines", 300)
            if not name:
                raise Refusal("lines", "Each line has a name")
            price = amount_of(session, one.price, "lines")
            if was is not None and name == was.name and price == price_of(was, account.settings.tax):
                kept = Sentence.from_json(was.why) or why
                made.append((was, Line(was.service_id, name, was.net, was.tax, kept)))
                continue
            split = taxed(price, account.settings.tax, company.tax_basis_points)
            made.append((was, Line(was.service_id if was else None, name, split.net, split.tax, why)))
    refusals.settle()
    return made, why


def _rewrite(
    session: Session,
    invoice_id: int,
    old: Sequence[InvoiceLine],
    made: Sequence[tuple[InvoiceLine | None, Line]],
) -> None:
    items = {line.id: line.item_id for line in old}
    kept = {items[was.id] for was, _ in made if was is not None}
    rows = [
        {
            "invoice_id": invoice_id,
            "place": place,
            "service_id": line.key,
            "item_id": items[was.id] if was is not None else None,
            "name": line.name,
            "net": line.net,
            "tax": line.tax,
            "total": line.total,
            "why": line.why,
        }
        for place, (was, line) in enumerate(made, 1)
    ]
    session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id))
    insert_rows(session, InvoiceLine, rows)
    dropped = [item_id for item_id in items.values() if item_id is not None and item_id not in kept]
    if dropped:
        session.execute(
            update(Item)
            .where(Item.id.in_(dropped), Item.invoice_id == invoice_id, Item.kind == "one_off")
            .values(invoice_id=None)
        )

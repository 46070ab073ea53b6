"""Explanations: why a line, a fee, a cut, a notice or a balance is there, from what was stored with it (law 8).

Nothing is decided anew here: the stored reason is read, taken apart into the settings it names with their
sources, and joined with the rows it names, so that a page can lead to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import Session

from daemon.office import catalogue
from daemon.office.account import office_of
from daemon.office.reason import Used, used
from daemon.rules.calendar import local_text
from daemon.rules.money import plain
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.base import Moment
from daemon.store.client import Client
from daemon.store.invoice import Invoice, InvoiceLine, Series
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice
from daemon.store.payment import Payment
from daemon.store.suspension import Standing, Suspension

ENTRIES: dict[str, Sentence] = {
    "invoice": say("Invoice"),
    "void": say("Void invoice"),
    "payment": say("Payment"),
    "late_fee": say("Late fee"),
    "reconnection_fee": say("Reconnection fee"),
    "debit": say("Balance against, written by a person"),
    "credit": say("Balance in favour, written by a person"),
    "landing": say("Balance that landed on an invoice"),
    "reversal": say("Payment taken back"),
}
"""What each kind of entry of the ledger is called."""


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a reason names: `noun` is invoice, payment, entry, suspension or client."""

    noun: str
    id: int
    text: Sentence


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is there. `amount` in minor units, None where there is none; `names` lead further."""

    client_id: int
    title: Sentence
    at: datetime | None
    amount: int | None
    why: Sentence
    settings: tuple[Used, ...] = ()
    names: tuple[Named, ...] = ()
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement of a client's ledger; `after` is what the client owes in all from then on (− is in favour)."""

    id: int
    at: datetime
    kind: str
    title: Sentence
    amount: int
    after: int
    invoice_id: int | None
    invoice: str
    payment_id: int | None
    actor: str
    why: Sentence


def explain_line(session: Session, invoice_id: int, place: int) -> Explanation:
    """A line of an invoice: its price, its tax, its days."""
    row = catalogue.found(session, Invoice, invoice_id, "invoice")
    line = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.place == place)
    ).first()
    if line is None:
        raise Refusal("place", "This invoice has no such line")
    why = _sentence(line.why)
    return Explanation(
        row.client_id,
        say("{name}, on invoice {number}", name=line.name, number=_number(session, row)),
        row.created_at,
        line.total,
        why,
        used(why),
        (_invoice(session, row), *_service(row.client_id, line)),
    )


def explain_invoice(session: Session, invoice_id: int) -> Explanation:
    """Why an invoice was made when it was, and why it is due then."""
    row = catalogue.found(session, Invoice, invoice_id, "invoice")
    why = _sentence(row.why)
    title = say("Invoice {number}", number=_number(session, row))
    landed = session.execute(
        select(Ledger.origin_id)
        .where(Ledger.invoice_id == invoice_id, Ledger.kind == "landing", Ledger.origin_id.is_not(None))
        .group_by(Ledger.origin_id)
        .having(func.sum(Ledger.amount) != 0)
        .order_by(Ledger.origin_id)
    ).scalars()
    entries = session.scalars(select(Ledger).where(Ledger.id.in_([one for one in landed if one])))
    return Explanation(
        row.client_id,
        title,
        row.created_at,
        row.total,
        why,
        used(why),
        (_invoice(session, row), *(_entry(session, entry) for entry in entries)),
    )


def explain_entry(session: Session, entry_id: int) -> Explanation:
    """A movement of money: what made it, what it is on, and where a balance went."""
    row = catalogue.found(session, Ledger, entry_id, "entry")
    why = _sentence(row.why)
    names: list[Named] = []
    for invoice_id in dict.fromkeys((row.cause_invoice_id, row.invoice_id)):
        if invoice_id is not None:
            names.append(_invoice(session, session.get_one(Invoice, invoice_id)))
    if row.payment_id is not None:
        names.append(_payment(session, row.payment_id))
    if row.suspension_id is not None:
        names.append(_suspension(session, session.get_one(Suspension, row.suspension_id)))
    for other in dict.fromkeys((row.origin_id, row.reverses_id)):
        if other is not None and other != row.id:
            names.append(_entry(session, session.get_one(Ledger, other)))
    names += _landings(session, row)
    return Explanation(
        row.client_id, ENTRIES[row.kind], row.at, row.amount, why, used(why), tuple(names), row.actor
    )


def explain_suspension(session: Session, suspension_id: int) -> Explanation:
    """A cut or a reactivation: the reason, the invoices it is about, the fee it made."""
    row = catalogue.found(session, Suspension, suspension_id, "suspension")
    why = _sentence(row.reason)
    titles = {
        ("suspend", "auto"): say("Cut by the clock"),
        ("suspend", "manual"): say("Suspended by hand"),
        ("lift", "auto"): say("Reactivated by itself"),
        ("lift", "manual"): say("Activated by hand"),
    }
    names = [_named(session, one) for one in _unpaid_at(session, row)] if row.by == "auto" else []
    fee = session.scalars(
        select(Ledger).where(
            Ledger.client_id == row.client_id, Ledger.at == row.at, Ledger.suspension_id == row.id
        )
    ).first()
    if fee is not None:
        names.append(_entry(session, fee))
    return Explanation(
        row.client_id, titles[row.action, row.by], row.at, None, why, used(why), tuple(names), row.actor
    )


def explain_notice(session: Session, notice_id: int) -> Explanation:
    """A notice on the screen: since when and why."""
    row = catalogue.found(session, Notice, notice_id, "notice")
    why = _sentence(row.why)
    invoice = (_named(session, row.invoice_id),) if row.invoice_id is not None else ()
    return Explanation(row.client_id, say("On-screen notice"), row.on_at, None, why, used(why), invoice)


def explain_client(session: Session, client_id: int) -> Explanation:
    """How a client stands, and what that follows from."""
    catalogue.found(session, Client, client_id, "client")
    row = session.get_one(Standing, client_id)
    why = _sentence(row.why)
    names = [
        _named(session, one)
        for one in session.scalars(
            select(Invoice.id)
            .where(Invoice.client_id == client_id, Invoice.settled_at.is_(None), Invoice.kind == "service")
            .order_by(Invoice.due, Invoice.id)
        )
    ]
    last = session.scalars(
        select(Suspension).where(Suspension.client_id == client_id).order_by(Suspension.id.desc()).limit(1)
    ).first()
    if last is not None and row.state == "suspended":
        names.append(_suspension(session, last))
    titles = {"active": say("Active"), "suspended": say("Suspended"), "retired": say("Retired")}
    return Explanation(
        client_id, titles[row.state], row.since, row.debt or None, why, used(why), tuple(names)
    )


def statement(
    session: Session, client_id: int, after: int | None = None, limit: int = 50
) -> tuple[list[Entry], int | None]:
    """The movements of a client, newest first, each with the balance after it; and where the next page goes on.

    Landings only move a balance onto an invoice: they sum to nothing and are left out.
    """
    catalogue.found(session, Client, client_id, "client")
    mine = (Ledger.client_id == client_id, Ledger.kind != "landing")
    query = select(Ledger).where(*mine).order_by(Ledger.at.desc(), Ledger.id.desc()).limit(limit + 1)
    upto = select(func.coalesce(func.sum(Ledger.amount), 0)).where(*mine)
    last = session.get(Ledger, after) if after is not None else None
    if last is not None:
        before = tuple_(Ledger.at, Ledger.id) < tuple_(literal(last.at, Moment), last.id)
        query, upto = query.where(before), upto.where(before)
    rows = session.scalars(query).all()
    balance = int(session.scalar(upto) or 0)
    numbers = _numbers(session, {row.invoice_id for row in rows if row.invoice_id is not None})
    entries: list[Entry] = []
    for row in rows[:limit]:
        entries.append(
            Entry(
                row.id,
                row.at,
                row.kind,
                ENTRIES[row.kind],
                row.amount,
                balance,
                row.invoice_id,
                numbers.get(row.invoice_id or 0, ""),
                row.payment_id,
                row.actor,
                _sentence(row.why),
            )
        )
        balance -= row.amount
    return entries, entries[-1].id if len(rows) > limit else None


def _sentence(stored: dict[str, object] | None) -> Sentence:
    return Sentence.from_json(stored) or say("No reason was kept")


def _numbers(session: Session, ids: set[int]) -> dict[int, str]:
    rows = session.execute(
        select(Invoice.id, Series.prefix, Invoice.number)
        .join(Series, Series.id == Invoice.series_id)
        .where(Invoice.id.in_(ids))
    )
    return {row.id: f"{row.prefix}{row.number:06d}" for row in rows}


def _number(session: Session, row: Invoice) -> str:
    return _numbers(session, {row.id})[row.id]


def _invoice(session: Session, row: Invoice) -> Named:
    return Named("invoice", row.id, say("Invoice {number}", number=_number(session, row)))


def _named(session: Session, key: int) -> Named:
    return _invoice(session, session.get_one(Invoice, key))


def _payment(session: Session, payment_id: int) -> Named:
    row = session.get_one(Payment, payment_id)
    office = office_of(session)
    amount = plain(row.amount, office.company.currency)
    day = local_text(office.company.zone, row.at)
    return Named("payment", row.id, say("Payment of {amount} on {day}", amount=amount, day=day))


def _entry(session: Session, row: Ledger) -> Named:
    office = office_of(session)
    return Named(
        "entry",
        row.id,
        say(
            "{what}: {amount} on {day}",
            what=ENTRIES[row.kind],
            amount=plain(row.amount, office.company.currency),
            day=local_text(office.company.zone, row.at),
        ),
    )


def _suspension(session: Session, row: Suspension) -> Named:
    zone = office_of(session).company.zone
    day = local_text(zone, row.at)
    text = say("Suspended on {day}", day=day)
    return Named(
        "suspension", row.id, text if row.action == "suspend" else say("Reactivated on {day}", day=day)
    )


def _service(client_id: int, line: InvoiceLine) -> tuple[Named, ...]:
    if line.service_id is None:
        return ()
    return (Named("services", client_id, say("Services")),)


def _landings(session: Session, row: Ledger) -> list[Named]:
    """The invoices that a balance landed on."""
    if row.invoice_id is not None:
        return []
    rows = session.execute(
        select(Ledger.invoice_id)
        .where(Ledger.origin_id == row.id, Ledger.invoice_id.is_not(None), Ledger.client_id == row.client_id)
        .group_by(Ledger.invoice_id)
        .having(func.sum(Ledger.amount) != 0)
        .order_by(Ledger.invoice_id)
    ).scalars()
    office = office_of(session)
    named: list[Named] = []
    for invoice_id in rows:
        if invoice_id is None:
            continue
        part = session.scalar(
            select(func.sum(Ledger.amount)).where(
                Ledger.origin_id == row.id, Ledger.invoice_id == invoice_id, Ledger.client_id == row.client_id
            )
        )
        named.append(
            Named(
                "invoice",
                invoice_id,
                say(
                    "{amount} of it landed on invoice {number}",
                    amount=plain(int(part or 0), office.company.currency),
                    number=_numbers(session, {invoice_id})[invoice_id],
                ),
            )
        )
    return named


def _unpaid_at(session: Session, row: Suspension) -> list[int]:
    """The service invoices on which something was owed at the instant of a suspension, oldest first."""
    rows = session.execute(
        select(Invoice.id)
        .join(Ledger, Ledger.invoice_id == Invoice.id)
        .where(
            Ledger.client_id == row.client_id,
            Invoice.client_id == row.client_id,
            Invoice.kind == "service",
            Invoice.created_at < row.at,
            Ledger.at < row.at,
        )
        .group_by(Invoice.id, Invoice.due)
        .having(func.sum(Ledger.amount) > 0)
        .order_by(Invoice.due, Invoice.id)
    ).scalars()
    return list(rows) if row.action == "suspend" else []

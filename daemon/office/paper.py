"""Invoices on paper: the facts of one or many, gathered in few queries, and the PDF that `daemon.papers` draws."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from daemon.office.company import company_rules, get_company
from daemon.office.invoice import state_of
from daemon.office.logo import get_logo
from daemon.office.paper_style import get_style
from daemon.office.series import printed
from daemon.office.speech import Speech, speech_of
from daemon.office.tax_id import country_of
from daemon.office.text import plain_words
from daemon.papers.bill import Bill, House, Movement, Person, Row, State
from daemon.papers.book import invoice_pdf
from daemon.papers.words import LANGUAGES, TAX_LABELS
from daemon.rules.calendar import local_date
from daemon.rules.money import CURRENCIES
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.store.client import Client
from daemon.store.invoice import Invoice, InvoiceLine, Series
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment, PaymentMethod


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF with the name it is saved under."""

    name: str
    content: bytes


def invoice_paper(session: Session, now: datetime, invoice_id: int, language: str | None = None) -> Paper:
    """One invoice as it stands now, in a language or the company's. Refused when there is none."""
    house = house_of(session, language)
    bills = bills_of(session, now, [invoice_id], house)
    if not bills:
        raise Refusal("invoice_id", say("There is no such {what}", what="invoice"))
    return Paper(f"{file_name(bills[0])}.pdf", invoice_pdf(bills[0], house))


def house_of(session: Session, language: str | None = None) -> House:
    """The company as it stands on papers."""
    company, style = get_company(session), get_style(session)
    country = country_of(company.country, company.timezone)
    chosen = language if language in LANGUAGES else company.locale
    return House(
        name=company.name,
        currency=company.currency,
        country=country,
        language=chosen if chosen in LANGUAGES else "es",
        tax_label=TAX_LABELS.get(country, ""),
        tax_id=company.tax_id,
        address=company.address,
        phone=company.phone,
        how_to_pay=company.how_to_pay,
        footer=style.footer,
        page_size="letter" if style.page_size == "letter" else "A4",
        qr="facts" if style.qr == "facts" else "none" if style.qr == "none" else "portal",
        reasons=style.reasons,
        logo=get_logo(session),
    )


def file_name(bill: Bill) -> str:
    """What an invoice's file is called, without its ending: number and client, ASCII."""
    words = re.sub(r"[^a-z0-9]+", "-", plain_words(bill.person.name)).strip("-")[:60].strip("-")
    number = re.sub(r"[^A-Za-z0-9.\-]+", "-", bill.number)
    return f"{number}-{words}" if words else number


@dataclass(slots=True)
class _Facts:
    """What the ledger and the lines say of each invoice of a batch."""

    owed: dict[int, int] = field(default_factory=dict)
    landed: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    paid: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    lines: dict[int, list[Any]] = field(default_factory=dict)
    balances: dict[int, Any] = field(default_factory=dict)
    payments: dict[int, Any] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)


def bills_of(session: Session, now: datetime, ids: Sequence[int], house: House) -> list[Bill]:
    """The facts of invoices, in the order of their ids; those that do not exist are left out.

    Six queries, however many they are; at most some hundred at a time, for the databases' sake.
    """
    rows = session.execute(
        select(Invoice, Client, Series.prefix)
        .join(Client, Client.id == Invoice.client_id)
        .join(Series, Series.id == Invoice.series_id)
        .where(Invoice.id.in_(ids))
    ).all()
    facts = _facts(session, ids)
    zone = company_rules(session).zone
    speech = speech_of(house.language, house.country, house.currency)
    portal = get_company(session).portal_url.rstrip("/")
    today = local_date(zone, now)
    made: dict[int, Bill] = {}
    for invoice, client, prefix in rows:
        owed = facts.owed.get(invoice.id, 0)
        made[invoice.id] = Bill(
            number=printed(prefix, invoice.number),
            kind="free" if invoice.kind == "free" else "service",
            state=cast(State, state_of(invoice, owed, today)),
            created=local_date(zone, invoice.created_at),
            due=invoice.due,
            cycle=(invoice.cycle_start, invoice.cycle_end)
            if invoice.cycle_start and invoice.cycle_end
            else None,
            person=Person(client.name, client.document_id, client.address, client.mobile or client.phone),
            rows=tuple(
                Row(line.name, line.net, line.tax, line.total, _why(speech, house, line.why))
                for line in facts.lines.get(invoice.id, ())
            ),
            net=invoice.net,
            tax=invoice.tax,
            total=invoice.total,
            to_pay=invoice.to_pay,
            left=owed,
            balances=tuple(
                Movement(_balance_name(speech, facts, zone, origin), amount)
                for origin, amount in facts.landed.get(invoice.id, ())
            ),
            payments=tuple(
                Movement(_payment_name(speech, facts, zone, payment), amount)
                for payment, amount in facts.paid.get(invoice.id, ())
            ),
            voided=local_date(zone, invoice.voided_at) if invoice.voided_at else None,
            why=_why(speech, house, invoice.why),
            link=f"{portal}/invoices/{invoice.id}" if portal else "",
        )
    return [made[one] for one in ids if one in made]


def _facts(session: Session, ids: Sequence[int]) -> _Facts:
    facts = _Facts()
    for line in session.execute(
        select(
            InvoiceLine.invoice_id,
            InvoiceLine.name,
            InvoiceLine.net,
            InvoiceLine.tax,
            InvoiceLine.total,
            InvoiceLine.why,
        )
        .where(InvoiceLine.invoice_id.in_(ids))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.place)
    ):
        facts.lines.setdefault(line.invoice_id, []).append(line)
    for invoice_id, kind, origin, payment, amount in session.execute(
        select(Ledger.invoice_id, Ledger.kind, Ledger.origin_id, Ledger.payment_id, Ledger.amount)
        .where(Ledger.invoice_id.in_(ids))
        .order_by(Ledger.id)
    ):
        if invoice_id is None:
            continue
        facts.owed[invoice_id] = facts.owed.get(invoice_id, 0) + amount
        if kind == "landing" and origin is not None:
            _add(facts.landed.setdefault(invoice_id, []), origin, amount)
        elif payment is not None:
            _add(facts.paid.setdefault(invoice_id, []), payment, amount)
    for table in (facts.landed, facts.paid):
        for invoice_id, kept in table.items():
            table[invoice_id] = [pair for pair in kept if pair[1]]
    _name_balances(session, facts, {one for kept in facts.landed.values() for one, _ in kept})
    known = {one for kept in facts.paid.values() for one, _ in kept}
    if known:
        for row in session.execute(
            select(Payment.id, Payment.at, Payment.reference, PaymentMethod.name)
            .join(PaymentMethod, PaymentMethod.id == Payment.method_id)
            .where(Payment.id.in_(known))
        ):
            facts.payments[row.id] = row
    return facts


def _add(kept: list[tuple[int, int]], key: int, amount: int) -> None:
    """Add an amount to that of its key; what was taken back becomes nothing."""
    for place, (known, before) in enumerate(kept):
        if known == key:
            kept[place] = (key, before + amount)
            return
    kept.append((key, amount))


def _name_balances(session: Session, facts: _Facts, origins: Iterable[int]) -> None:
    wanted = list(origins)
    if not wanted:
        return
    for row in session.execute(
        select(Ledger.id, Ledger.kind, Ledger.at, Ledger.why, Ledger.cause_invoice_id).where(
            Ledger.id.in_(wanted)
        )
    ):
        facts.balances[row.id] = row
    causes = {row.cause_invoice_id for row in facts.balances.values() if row.cause_invoice_id}
    if causes:
        for key, prefix, number in session.execute(
            select(Invoice.id, Series.prefix, Invoice.number)
            .join(Series, Series.id == Invoice.series_id)
            .where(Invoice.id.in_(causes))
        ):
            facts.numbers[key] = printed(prefix, number)


def _why(speech: Speech, house: House, stored: dict[str, Any]) -> str:
    return speech.tell(Sentence.from_json(stored)) if house.reasons else ""


def _balance_name(speech: Speech, facts: _Facts, zone: Any, origin: int) -> str:
    row = facts.balances[origin]
    day = local_date(zone, row.at).isoformat()
    if row.kind == "late_fee":
        return speech.tell(
            say("Late fee of invoice {number}", number=facts.numbers.get(row.cause_invoice_id, "?"))
        )
    if row.kind == "reconnection_fee":
        return speech.tell(say("Reconnection fee of {day}", day=day))
    if row.kind in ("payment", "void"):
        return speech.tell(say("Balance in favour of {day}", day=day))
    if row.kind == "reversal":
        return speech.tell(say("Balance against of {day}", day=day))
    return speech.tell(Sentence.from_json(row.why))


def _payment_name(speech: Speech, facts: _Facts, zone: Any, payment: int) -> str:
    row = facts.payments[payment]
    day = local_date(zone, row.at).isoformat()
    if row.reference:
        return speech.tell(
            say("Payment of {day}, {way}, {reference}", day=day, way=row.name, reference=row.reference)
        )
    return speech.tell(say("Payment of {day}, {way}", day=day, way=row.name))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which invoices: made from `begin` to before `end`, of a kind ("" both), of a zone, only unpaid ones."""

    begin: datetime
    end: datetime
    kind: str = ""
    zone_id: int | None = None
    unpaid: bool = False
    by_client: bool = False

    def query(self) -> Select[int]:
        """Their ids, in no order."""
        query = select(Invoice.id).where(Invoice.created_at >= self.begin, Invoice.created_at < self.end)
        if self.kind:
            query = query.where(Invoice.kind == self.kind)
        if self.unpaid:
            query = query.where(Invoice.settled_at.is_(None))
        if self.zone_id is not None or self.by_client:
            query = query.join(Client, Client.id == Invoice.client_id)
        return query if self.zone_id is None else query.where(Client.zone_id == self.zone_id)


def count_chosen(session: Session, choice: Choice) -> int:
    """How many invoices are chosen."""
    return session.scalar(select(func.count()).select_from(choice.query().subquery())) or 0


def chosen_ids(session: Session, choice: Choice) -> list[int]:
    """Their ids in the order of numbers, or of clients by zone and name."""
    query = choice.query()
    if choice.by_client:
        query = query.order_by(func.coalesce(Client.zone_id, 0), Client.sort_name, Client.id, Invoice.id)
    else:
        query = query.order_by(Invoice.series_id, Invoice.number)
    return list(session.scalars(query))


def sample(house: House, today: date) -> Bill:
    """A made-up invoice, with which the company looks at its papers before there is a real one."""
    speech = speech_of(house.language, house.country, house.currency)
    unit = CURRENCIES[house.currency].unit
    return Bill(
        number=printed("", 1),
        kind="service",
        state="unpaid",
        created=today,
        due=today,
        cycle=(today, today),
        person=Person("María Ñáñez Quispe", "12345678", "", ""),
        rows=(
            Row("Internet", 50 * unit, 0, 50 * unit, speech.tell(say("A line says here why it is billed"))),
        ),
        net=50 * unit,
        tax=0,
        total=50 * unit,
        to_pay=50 * unit,
        left=50 * unit,
        link="http://10.99.0.2:8081/invoices/1",
    )


def sample_paper(session: Session, today: date, language: str | None = None) -> Paper:
    """The made-up invoice as a PDF, in the company's look."""
    house = house_of(session, language)
    return Paper("sample.pdf", invoice_pdf(sample(house, today), house))

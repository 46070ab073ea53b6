"""Rules about invoices: lines, tax, ledger, state, cycles, numbers; and about payments as facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import Text, and_, case, func, or_, select, union_all
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from daemon.office.audit.finding import Finding, Ground, row_of
from daemon.rules.money import TaxMode, half_up, parse_plain, taxed
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say
from daemon.store.invoice import Invoice, InvoiceLine, PassedCycle, Series
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment


def states(session: Session, ground: Ground) -> Iterator[Finding]:
    """An invoice is what the ledger says: its total, what is owed on it, and whether it is settled."""

    def part(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, Ledger.amount), else_=0)), 0)

    entries = (
        select(
            Ledger.invoice_id,
            func.sum(Ledger.amount).label("left"),
            part(
                or_(
                    Ledger.kind == "invoice",
                    # An edited invoice: its old total is taken back, the new one written (I6).
                    and_(Ledger.kind == "reversal", Ledger.payment_id.is_(None)),
                )
            ).label("billed"),
            part(Ledger.kind == "landing").label("landed"),
            part(and_(Ledger.kind == "void", Ledger.payment_id.is_(None))).label("voided"),
        )
        .where(Ledger.invoice_id.is_not(None))
        .group_by(Ledger.invoice_id)
        .subquery()
    )
    left = func.coalesce(entries.c.left, 0)
    billed = func.coalesce(entries.c.billed, 0)
    voided, landed = func.coalesce(entries.c.voided, 0), func.coalesce(entries.c.landed, 0)
    void = Invoice.voided_at.is_not(None)
    wrong = {
        "entry": or_(entries.c.invoice_id.is_(None), billed != Invoice.total),
        "overpaid": left < 0,
        "settled": Invoice.settled_at.is_(None) != (left > 0),
        "to_pay": and_(~void, Invoice.to_pay != Invoice.total + landed),
        "void": or_(and_(void, or_(left != 0, voided != -Invoice.total)), and_(~void, voided != 0)),
    }
    query = (
        select(
            Invoice.id,
            Invoice.total,
            Invoice.to_pay,
            billed.label("billed"),
            left.label("left"),
            landed.label("landed"),
            *(case((rule, 1), else_=0).label(f"is_{name}") for name, rule in wrong.items()),
        )
        .outerjoin(entries, entries.c.invoice_id == Invoice.id)
        .where(or_(*wrong.values()))
    )
    for row in session.execute(query):
        said = {
            "entry": say(
                "The invoice says {total}, the ledger billed {amount}",
                total=ground.money(row.total),
                amount=ground.money(row.billed),
            ),
            "overpaid": say(
                "{paid} more is settled on it than there is to pay ({total})",
                paid=ground.money(-row.left),
                total=ground.money(row.to_pay),
            ),
            "settled": say(
                "The ledger leaves {owed} on it, and it is kept as if that were otherwise",
                owed=ground.money(row.left),
            ),
            "to_pay": say(
                "To pay {amount}, but total and balances give {total}",
                amount=ground.money(row.to_pay),
                total=ground.money(row.total + row.landed),
            ),
            "void": say("The ledger and the invoice do not agree that it is void"),
        }
        for name, sentence in said.items():
            if getattr(row, f"is_{name}"):
                yield Finding(f"invoice.{name}", row_of(Invoice, row.id), sentence)


def lines(session: Session, ground: Ground) -> Iterator[Finding]:
    """Lines add up to their invoice, in order from the first; each is its net and its tax."""
    of = (
        select(
            InvoiceLine.invoice_id,
            func.count().label("n"),
            func.min(InvoiceLine.place).label("first"),
            func.max(InvoiceLine.place).label("last"),
            func.sum(InvoiceLine.net).label("net"),
            func.sum(InvoiceLine.tax).label("tax"),
            func.sum(InvoiceLine.total).label("total"),
        )
        .group_by(InvoiceLine.invoice_id)
        .subquery()
    )
    query = (
        select(Invoice.id, Invoice.net, Invoice.tax, Invoice.total, of)
        .outerjoin(of, of.c.invoice_id == Invoice.id)
        .where(
            or_(
                of.c.n.is_(None),
                of.c.first != 1,
                of.c.last != of.c.n,
                of.c.net != Invoice.net,
                of.c.tax != Invoice.tax,
                of.c.total != Invoice.total,
            )
        )
    )
    for row in session.execute(query):
        if row.n is None:
            sentence = say("The invoice has no lines")
        elif (row.net_1, row.tax_1, row.total_1) == (row.net, row.tax, row.total):
            sentence = say("Its lines are not numbered from 1 on")
        else:
            sentence = say(
                "Its lines add up to {amount}, the invoice says {total} (net {net}, tax {due})",
                amount=ground.money(row.total_1),
                total=ground.money(row.total),
                net=ground.money(row.net),
                due=ground.money(row.tax),
            )
        yield Finding("invoice.lines", row_of(Invoice, row.id), sentence)
    wrong = or_(
        InvoiceLine.total != InvoiceLine.net + InvoiceLine.tax, InvoiceLine.net < 0, InvoiceLine.tax < 0
    )
    for (found,) in session.execute(select(InvoiceLine.id).where(wrong)):
        yield Finding("line.total", row_of(InvoiceLine, found), say("Net and tax do not add up to the line"))


def tax(session: Session, ground: Ground) -> Iterator[Finding]:
    """Each line's tax follows from its own reason: price, included or added, rate, days (F4, half-up).

    Lines alike are looked at once: a month of bills has few different reasons.
    """
    why = sql_cast(InvoiceLine.why, Text)
    query = (
        select(why.label("why"), InvoiceLine.net, InvoiceLine.tax, func.min(InvoiceLine.id).label("first"))
        .group_by(why, InvoiceLine.net, InvoiceLine.tax)
        .execution_options(yield_per=1000)
    )
    for row in session.execute(query):
        should = _should(row.why, ground)
        if should is not None and should != (row.net, row.tax):
            sentence = say(
                "Net {net} and tax {due} do not follow from its price and rate: {right} and {other}",
                net=ground.money(row.net),
                due=ground.money(row.tax),
                right=ground.money(should[0]),
                other=ground.money(should[1]),
            )
            yield Finding("line.tax", row_of(InvoiceLine, row.first), sentence)


def _should(why: str, ground: Ground) -> tuple[int, int] | None:
    """(net, tax) that follow from a line's reason; None where it does not say enough."""
    try:
        words = json.loads(why).get("params", {})
        price = parse_plain(str(words["price"]), ground.currency)
        mode = words["tax"]
        whole, _, rest = str(words["rate"]).partition(".")
        rate = int(whole) * 100 + int((rest + "00")[:2])
        if "left" in words and "days" in words:
            price = half_up(price * int(words["left"]), int(words["days"]))
    except (KeyError, ValueError, AttributeError, Refusal):
        return None
    if mode not in ("included", "added", "none"):
        return None
    split = taxed(price, cast(TaxMode, mode), rate)
    return split.net, split.tax


def cycles(session: Session, _ground: Ground) -> Iterator[Finding]:
    """No day of a client is billed twice: cycles, billed or passed over, do not overlap."""
    billed = select(Invoice.client_id, Invoice.cycle_start, Invoice.cycle_end, Invoice.id.label("id")).where(
        Invoice.kind == "service"
    )
    passed = select(
        PassedCycle.client_id, PassedCycle.cycle_start, PassedCycle.cycle_end, (-PassedCycle.id).label("id")
    )
    every = union_all(billed, passed).subquery()
    order: dict[str, Any] = {"partition_by": every.c.client_id, "order_by": (every.c.cycle_start, every.c.id)}
    before = func.lag(every.c.cycle_end).over(**order)
    seen = select(every.c.id, every.c.cycle_start, before.label("before")).subquery()
    query = select(seen.c.id, seen.c.before).where(seen.c.before >= seen.c.cycle_start)
    for row in session.execute(query):
        sentence = say("Its cycle begins before the one before it has ended")
        named = row_of(Invoice, row.id) if row.id > 0 else row_of(PassedCycle, -row.id)
        yield Finding("invoice.cycle", named, sentence)


def numbers(session: Session, _ground: Ground) -> Iterator[Finding]:
    """The numbers of each series have no gap, and the next one is the one after the last."""
    before = func.lag(Invoice.number).over(partition_by=Invoice.series_id, order_by=Invoice.number)
    seen = select(Invoice.id, Invoice.number, before.label("before")).subquery()
    gap = or_(seen.c.number < 1, seen.c.number > seen.c.before + 1)
    for row in session.execute(select(seen).where(gap)):
        sentence = say(
            "Number {number} follows {before}: numbers are missing between them",
            number=row.number,
            before=row.before if row.before is not None else 0,
        )
        yield Finding("invoice.gap", row_of(Invoice, row.id), sentence)
    last = (
        select(Invoice.series_id, func.max(Invoice.number).label("last"))
        .group_by(Invoice.series_id)
        .subquery()
    )
    query = (
        select(Series.id, Series.next_number, last.c.last)
        .join(last, last.c.series_id == Series.id)
        .where(Series.next_number != last.c.last + 1)
    )
    for row in session.execute(query):
        sentence = say(
            "The last number is {last} and the next one {next}", last=row.last, next=row.next_number
        )
        yield Finding("series.next", row_of(Series, row.id), sentence)


def references(session: Session, _ground: Ground) -> Iterator[Finding]:
    """A reference is as it was normalised: without blanks around it or doubled, so that it can be found again."""
    blank = or_(Payment.reference != func.trim(Payment.reference), Payment.reference.contains("  "))
    for (found,) in session.execute(select(Payment.id).where(blank)):
        sentence = say("Its reference has blanks that no search would have")
        yield Finding("payment.reference", row_of(Payment, found), sentence)
    told = or_(
        and_(Payment.deleted_at.is_not(None), Payment.deleted_why.is_(None)),
        and_(Payment.deleted_at.is_(None), Payment.deleted_why.is_not(None)),
    )
    for (found,) in session.execute(select(Payment.id).where(told)):
        sentence = say("It is deleted without a reason, or has a reason and is not deleted")
        yield Finding("payment.deleted", row_of(Payment, found), sentence)

"""A bill in plain words for the subscriber who pays it: what each amount is for, nothing of how we decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office.account import office_of
from daemon.rules.calendar import local_date
from daemon.rules.sentence import Sentence, say
from daemon.store.invoice import Invoice, InvoiceLine, Series
from daemon.store.ledger import Ledger

MOST = 12
"""Bills that a subscriber is shown at once."""


@dataclass(frozen=True, slots=True)
class PlainLine:
    """An amount of a bill (minor units; below zero in the subscriber's favour), and why, in plain words."""

    name: str
    title: Sentence | None
    amount: int
    why: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class PlainBill:
    """A bill that is not paid yet: its lines, then the balances that landed on it, then what was paid."""

    number: str
    due: date | None
    why: tuple[Sentence, ...]
    lines: tuple[PlainLine, ...]
    paid: int
    owed: int


def unpaid_bills(session: Session, client_id: int) -> list[PlainBill]:
    """The bills of a client on which something is owed, oldest first, a dozen at most."""
    rows = session.scalars(
        select(Invoice)
        .where(Invoice.client_id == client_id, Invoice.settled_at.is_(None))
        .order_by(Invoice.due, Invoice.id)
        .limit(MOST)
    ).all()
    return _bills(session, rows)


def one_bill(session: Session, invoice_id: int) -> PlainBill | None:
    """A bill by its number, paid or not; None for a void one and for none."""
    row = session.get(Invoice, invoice_id)
    if row is None or row.voided_at is not None:
        return None
    return _bills(session, [row])[0]


def _bills(session: Session, rows: Sequence[Invoice]) -> list[PlainBill]:
    prefixes = {series.id: series.prefix for series in session.scalars(select(Series))}
    bills: list[PlainBill] = []
    for row in rows:
        lines = [
            PlainLine(line.name, None, line.total, _line_why(_params(line.why)))
            for line in session.scalars(
                select(InvoiceLine).where(InvoiceLine.invoice_id == row.id).order_by(InvoiceLine.place)
            )
        ]
        sums = {
            kind: int(amount)
            for kind, amount in session.execute(
                select(Ledger.kind, func.sum(Ledger.amount))
                .where(Ledger.invoice_id == row.id)
                .group_by(Ledger.kind)
            )
        }
        bills.append(
            PlainBill(
                f"{prefixes.get(row.series_id, '')}{row.number:06d}",
                row.due,
                _bill_why(row),
                (*lines, *_balances(session, row.id)),
                -sums.get("payment", 0) - sums.get("reversal", 0),
                max(0, sum(sums.values())),
            )
        )
    return bills


def _bill_why(row: Invoice) -> tuple[Sentence, ...]:
    if row.cycle_start is None or row.cycle_end is None or row.due is None:
        return (say("For something you asked for"),)
    start, end = row.cycle_start.isoformat(), row.cycle_end.isoformat()
    first = say("For your service from {start} to {end}", start=start, end=end)
    if _params(row.why).get("mode") == "postpaid":
        return first, say("You pay it when those days are over, by {due}", due=row.due.isoformat())
    return first, say("You pay it at the beginning, by {due}", due=row.due.isoformat())


def _line_why(params: dict[str, Any]) -> tuple[Sentence, ...]:
    said: list[Sentence] = []
    price = str(params.get("price", ""))
    if price and params.get("price_source") == "client":
        said.append(say("The price that was agreed with you is {price}", price=price))
    elif price:
        said.append(say("Its price is {price}", price=price))
    if "left" in params:
        said.append(
            say(
                "Only {left} of {days} days are charged, since you began on {since}",
                left=int(params["left"]),
                days=int(params["days"]),
                since=str(params["since"]),
            )
        )
    rate = str(params.get("rate", "")).removesuffix("00").removesuffix(".")
    if rate not in ("", "0") and params.get("tax") == "included":
        said.append(say("The tax of {rate} % is in the price", rate=rate))
    elif rate not in ("", "0") and params.get("tax") == "added":
        said.append(say("The tax of {rate} % is added to the price", rate=rate))
    return tuple(said)


def _balances(session: Session, invoice_id: int) -> list[PlainLine]:
    """The balances that landed on a bill, each with what it came from."""
    zone = office_of(session).company.zone
    landed = session.execute(
        select(Ledger.origin_id, func.sum(Ledger.amount).label("amount"))
        .where(Ledger.invoice_id == invoice_id, Ledger.kind == "landing", Ledger.origin_id.is_not(None))
        .group_by(Ledger.origin_id)
        .having(func.sum(Ledger.amount) != 0)
        .order_by(Ledger.origin_id)
    ).all()
    lines: list[PlainLine] = []
    for origin_id, amount in landed:
        origin = session.get_one(Ledger, origin_id)
        cause = session.get(Invoice, origin.cause_invoice_id) if origin.cause_invoice_id else None
        day = local_date(zone, origin.at).isoformat()
        title, why = _origin(origin, cause, day)
        lines.append(PlainLine("", title, int(amount), (why,)))
    return lines


def _origin(origin: Ledger, cause: Invoice | None, day: str) -> tuple[Sentence, Sentence]:
    if origin.kind == "late_fee":
        due = cause.due.isoformat() if cause is not None and cause.due is not None else day
        return say("Late fee"), say("The bill due on {due} had not been paid on {day}", due=due, day=day)
    if origin.kind == "reconnection_fee":
        return say("Reconnection fee"), say("Your service was cut on {day} for lack of payment", day=day)
    if origin.kind == "reversal":
        return say("Payment taken back"), say("A payment of yours was taken back on {day}", day=day)
    if origin.kind in ("payment", "void"):
        return say("In your favour"), say(
            "You had paid more than you owed on {day}: it is discounted here", day=day
        )
    reason = str(_params(origin.why).get("reason", ""))
    title = say("Charge") if origin.amount > 0 else say("In your favour")
    return title, say("{reason}", reason=reason)


def _params(stored: dict[str, Any] | None) -> dict[str, Any]:
    found = (stored or {}).get("params", {})
    return found if isinstance(found, dict) else {}

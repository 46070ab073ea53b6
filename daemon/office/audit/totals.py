"""Rules about the whole: ledger, balances, register and reports tell the same sums (money in = money out)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from daemon.office.audit.finding import Finding, Ground
from daemon.office.register import Asked, month_days, register_totals, span
from daemon.office.report import BYS, income, months_between, receivables, taxes
from daemon.rules.calendar import local_date
from daemon.rules.sentence import say
from daemon.store.invoice import Invoice
from daemon.store.ledger import Ledger
from daemon.store.payment import Payment
from daemon.store.suspension import Standing

MONTHS = 13
"""Months that are gone through one by one; payments before them are compared as a whole."""


def ledger(session: Session, ground: Ground) -> Iterator[Finding]:
    """The whole ledger is what all clients owe together."""
    of = int(session.scalar(select(func.sum(Ledger.amount))) or 0)
    owed = int(session.scalar(select(func.sum(Standing.debt + Standing.debit - Standing.credit))) or 0)
    if of != owed:
        sentence = say(
            "The ledger adds up to {total}, all standings to {amount}",
            total=ground.money(of),
            amount=ground.money(owed),
        )
        yield Finding("totals.ledger", "ledger", sentence)
    debt = int(session.scalar(select(func.sum(Standing.debt))) or 0)
    aged = sum(row.amount for row in receivables(session, ground.zone, ground.now))
    if debt != aged:
        sentence = say(
            "Receivables by age add up to {total}, the debts of all to {debt}",
            total=ground.money(aged),
            debt=ground.money(debt),
        )
        yield Finding("totals.receivables", "report receivables", sentence)


def register(session: Session, ground: Ground) -> Iterator[Finding]:
    """The register of a month and each report of its income agree."""
    first_at: datetime | None = session.scalar(select(Payment.at).order_by(Payment.at).limit(1))
    last_at: datetime | None = session.scalar(select(Payment.at).order_by(Payment.at.desc()).limit(1))
    if first_at is None or last_at is None:
        return
    first, last = local_date(ground.zone, first_at), local_date(ground.zone, last_at)
    months = months_between(first, last)
    spans = [month_days(month) for month in months[-MONTHS:]]
    if len(months) > MONTHS:
        spans.insert(0, (first.replace(day=1), month_days(months[-MONTHS - 1])[1]))
    for begin, end in spans:
        since, until = span(ground.zone, begin, end)
        registered = register_totals(session, Asked(since, until))
        for by in BYS:
            if by in ("day", "month") and (end - begin).days > 31:
                continue
            rows = income(session, ground.zone, begin, end, by)
            count, amount = sum(row.count for row in rows), sum(row.amount for row in rows)
            if (count, amount) != (registered.count, registered.amount):
                sentence = say(
                    "From {begin} to {end} the register has {number} payments of {total}, "
                    "income by {by} {count} of {amount}",
                    begin=begin.isoformat(),
                    end=end.isoformat(),
                    number=registered.count,
                    total=ground.money(registered.amount),
                    by=by,
                    count=count,
                    amount=ground.money(amount),
                )
                yield Finding("totals.register", f"month {begin:%Y-%m}", sentence)


def tax(session: Session, ground: Ground) -> Iterator[Finding]:
    """The tax report of the last months is what the invoices made in them say."""
    last = local_date(ground.zone, ground.now)
    months = months_between(last.replace(year=last.year - 1, day=1), last)
    since, until = span(ground.zone, months[0], month_days(last)[1])
    said = session.execute(
        select(func.sum(Invoice.net), func.sum(Invoice.tax)).where(
            Invoice.created_at >= since, Invoice.created_at < until, Invoice.voided_at.is_(None)
        )
    ).one()
    rows = taxes(session, ground.zone, months[0], month_days(last)[1])
    reported = sum(row.net for row in rows), sum(row.tax for row in rows)
    if reported != (int(said[0] or 0), int(said[1] or 0)):
        sentence = say(
            "The tax report has {net} and {due} of tax, the invoices {right} and {other}",
            net=ground.money(reported[0]),
            due=ground.money(reported[1]),
            right=ground.money(said[0]),
            other=ground.money(said[1]),
        )
        yield Finding("totals.taxes", "report taxes", sentence)

"""The audit: goes through a whole database and says what is not as it must be. It mends nothing.

Each rule is asked in turn on one snapshot, most of them as one question to the database that gives only the
rows that break it, so that memory stays small whatever the size; standings are derived in chunks. A rule that
cannot even be asked, since values are not of their kind, is a finding as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from daemon.office.audit import database, history, invoice, ledger, standing, totals
from daemon.office.audit.finding import Finding, Ground, Rule
from daemon.office.house import company_rules
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say
from daemon.store.company import Company
from daemon.store.engine import Store

__all__ = ["MOST", "RULES", "Finding", "Ground", "audit", "findings", "unreadable"]

MOST = 500
"""Findings of one rule that are told; what is more is told as a number."""

OF_DATABASE: tuple[Rule, ...] = (
    database.integrity,
    database.triggers,
    database.indexes,
    database.kinds,
    database.checks,
    database.twice,
    database.orphans,
)
OF_FACTS: tuple[Rule, ...] = (
    ledger.shapes,
    ledger.owners,
    ledger.balances,
    ledger.landings,
    ledger.reversals,
    ledger.late_fees,
    ledger.reconnection_fees,
    ledger.sums,
    invoice.states,
    invoice.lines,
    invoice.tax,
    invoice.cycles,
    invoice.numbers,
    invoice.references,
    history.suspensions,
    history.notices,
    history.lines_of_others,
    history.items,
    history.closings,
    history.futures,
    history.orders,
    history.formats,
    standing.present,
    standing.reasons,
    standing.sums,
    standing.derived,
    totals.ledger,
    totals.register,
    totals.tax,
)
RULES = OF_DATABASE + OF_FACTS

type Progress = Callable[[int, int], None]
"""Told after each rule: how many were gone through, of how many."""


def findings(store: Store, now: datetime, progress: Progress | None = None) -> list[Finding]:
    """All findings on one snapshot of a store."""
    try:
        with store.read() as session:
            if session.get_bind().dialect.name != "sqlite":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return list(audit(session, now, progress))
    except DatabaseError as error:
        if isinstance(error, OperationalError):  # busy, or not there: says nothing about what it holds
            raise
        return [unreadable(error)]


def unreadable(error: DatabaseError) -> Finding:
    """The finding of a database that cannot even be opened."""
    sentence = say("The database says: {words}. Restore a backup", words=str(error.orig))
    return Finding("database.integrity", "database", sentence)


def audit(session: Session, now: datetime, progress: Progress | None = None) -> Iterator[Finding]:
    """The findings, rule by rule, on the session's snapshot. A store without a company has no facts to check."""
    try:
        company = company_rules(session) if session.get(Company, 1) is not None else None
    except (ValueError, KeyError, TypeError, Refusal):
        company = None
        yield Finding("company.settings", "company 1", say("Its time zone or currency cannot be used"))
    rules = RULES if company is not None else OF_DATABASE
    ground = Ground(now, company.zone, company.currency) if company is not None else Ground.unset(now)
    for number, rule in enumerate(rules, 1):
        yield from _asked(rule, session, ground)
        session.expunge_all()
        if progress is not None:
            progress(number, len(rules))


def _asked(rule: Rule, session: Session, ground: Ground) -> Iterator[Finding]:
    name = f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}"
    told = 0
    try:
        for finding in rule(session, ground):
            told += 1
            if told <= MOST:
                yield finding
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        sentence = say("This rule could not be asked: {words}", words=str(error.orig))
        yield Finding("audit.unasked", f"rule {name}", sentence)
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        SQLAlchemyError,
        Refusal,
    ) as error:
        # A value that is not of its kind: `database.kinds` names it, this says what could not be looked at.
        sentence = say("This rule could not be asked: {words}", words=f"{type(error).__name__}: {error}")
        yield Finding("audit.unasked", f"rule {name}", sentence)
    if told > MOST:
        sentence = say("{count} more of the same kind: mend the cause first", count=told - MOST)
        yield Finding("audit.more", f"rule {name}", sentence)

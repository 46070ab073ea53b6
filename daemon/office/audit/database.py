"""Rules about the database itself: whole, with its triggers and unique indexes, each value of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    func,
    literal_column,
    not_,
    select,
    text,
)
from sqlalchemy.orm import Session

from daemon.office.audit.finding import Finding, Ground, row_of
from daemon.rules.sentence import Sentence, say
from daemon.store.base import Moment
from daemon.store.tables import APPEND_ONLY, Base

# What it means that a row stands twice, by the index that should have kept it from that.
_TWICE: dict[str, tuple[str, Sentence]] = {
    "uq_invoice_service_cycle": ("invoice.once", say("This cycle of the client is billed twice")),
    "uq_payment_reference": ("payment.reference", say("Two standing payments have the same reference")),
    "uq_ledger_late_fee": ("fee.late", say("The same overdue invoice made two late fees")),
    "uq_ledger_reconnection_fee": ("fee.reconnection", say("The same suspension made two reconnection fees")),
    "uq_ledger_reversal": ("ledger.reversal", say("The same entry is taken back twice")),
    "uq_notice_invoice": ("notice.once", say("The same invoice has two notices")),
    "uq_invoice_series_id_number": ("invoice.number", say("Two invoices have the same number")),
    "uq_promise_open": ("promise.once", say("The client has two open promises")),
    "uq_held_cut_client": ("held.once", say("The client's cut is held twice")),
}


def integrity(session: Session, _ground: Ground) -> Iterator[Finding]:
    """SQLite's own check of its pages and indexes; a server does this by itself (data checksums)."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for (told,) in session.execute(text("PRAGMA integrity_check(100)")):
        if told != "ok":
            sentence = say("The database says: {words}. Restore a backup", words=str(told))
            yield Finding("database.integrity", "database", sentence)


def triggers(session: Session, _ground: Ground) -> Iterator[Finding]:
    """The triggers that refuse changes of history are there and do refuse."""
    if session.get_bind().dialect.name == "sqlite":
        rows = session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        made = {name: " ".join(str(sql).upper().split()) for name, sql in rows}
        wanted = [
            (table, f"{table}_no_{verb}", verb) for table in APPEND_ONLY for verb in ("update", "delete")
        ]
        good = {
            name
            for table, name, verb in wanted
            if f"BEFORE {verb.upper()} ON {table.upper()} " in made.get(name, "").replace('"', "")
            and "RAISE(ABORT" in made[name]
            and " WHEN " not in made[name]
        }
        lacking = [(table, name) for table, name, _ in wanted if name not in good]
    else:
        rows = session.execute(text("SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"))
        names = {name for (name,) in rows}
        lacking = [(t, f"{t}_append_only") for t in APPEND_ONLY if f"{t}_append_only" not in names]
    for table, name in lacking:
        sentence = say("Without the trigger {name} rows of {table} can be changed", name=name, table=table)
        yield Finding("database.trigger", f"table {table}", sentence)


def indexes(session: Session, _ground: Ground) -> Iterator[Finding]:
    """The unique indexes and constraints, the second lock on "once" (law 2), are there."""
    if session.get_bind().dialect.name == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'table')"
        made = {
            word.strip('"')
            for row in session.execute(text(asked))
            for word in (row.name, *str(row.sql).split())
        }
    else:
        made = set(session.scalars(text("SELECT indexname FROM pg_indexes")))
    for table in Base.metadata.sorted_tables:
        for name, _, _ in _unique(table):
            if name not in made:
                sentence = say("The unique index {name} of {table} is missing", name=name, table=table.name)
                yield Finding("database.index", f"table {table.name}", sentence)


def kinds(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Each value is of its column's kind: SQLite keeps whatever it is given."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for table in Base.metadata.sorted_tables:
        wrong = {column.name: rule for column in table.columns if (rule := _wrong_kind(column))}
        key = ", ".join(f'"{column.name}"' for column in table.primary_key)
        shown = ", ".join(f'({rule}) AS "{name}"' for name, rule in wrong.items())
        where = " OR ".join(f"({rule})" for rule in wrong.values())
        for row in session.execute(text(f'SELECT {key}, {shown} FROM "{table.name}" WHERE {where}')):
            names = [name for name, value in zip(wrong, row[len(table.primary_key) :], strict=True) if value]
            sentence = say("The value of {columns} is not of its kind", columns=", ".join(names))
            yield Finding("database.kind", row_of(table.name, row[0]), sentence)


def checks(session: Session, _ground: Ground) -> Iterator[Finding]:
    """Each row keeps the constraints of its table."""
    for table in Base.metadata.sorted_tables:
        key = next(iter(table.primary_key))
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint):
                rule: Any = literal_column(f"({constraint.sqltext})")
                for (found,) in session.execute(select(key).where(not_(rule)).select_from(table)):
                    sentence = say("The row breaks {name}", name=str(constraint.name))
                    yield Finding("database.check", row_of(table.name, found), sentence)


def twice(session: Session, ground: Ground) -> Iterator[Finding]:
    """Nothing stands twice that may stand once."""
    for table in Base.metadata.sorted_tables:
        key = next(iter(table.primary_key))
        for name, columns, where in _unique(table):
            query = (
                select(func.min(key).label("first"), func.max(key).label("last"))
                .select_from(table)
                .group_by(*columns)
                .having(func.count() > 1)
            )
            for column in columns:
                if isinstance(column, Column):
                    query = query.where(column.is_not(None))
            if where is not None:
                query = query.where(where)
            rule, sentence = _TWICE.get(
                name, ("database.unique", say("Two rows are alike where {name} allows one", name=name))
            )
            for row in session.execute(query):
                of = say(
                    "{what}: {first} and {last}",
                    what=sentence,
                    first=row_of(table.name, row.first),
                    last=row_of(table.name, row.last),
                )
                yield Finding(rule, row_of(table.name, row.last), of)


def orphans(session: Session, _ground: Ground) -> Iterator[Finding]:
    """What a row names is there."""
    for table in Base.metadata.sorted_tables:
        key = next(iter(table.primary_key))
        for column in table.columns:
            for foreign in column.foreign_keys:
                parent = foreign.column.table.alias("parent")
                there = parent.c[foreign.column.name]
                query = (
                    select(key, column)
                    .select_from(table.outerjoin(parent, there == column))
                    .where(column.is_not(None), there.is_(None))
                )
                for found, named in session.execute(query):
                    sentence = say(
                        "It names {row}, which is not there", row=row_of(foreign.column.table.name, named)
                    )
                    yield Finding("database.orphan", row_of(table.name, found), sentence)


def _unique(table: Table) -> Iterator[tuple[str, list[Any], Any]]:
    """(name, columns, condition) of what must not stand twice in a table."""
    for index in table.indexes:
        if index.unique:
            yield str(index.name), list(index.expressions), index.dialect_options["sqlite"]["where"]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield str(constraint.name), list(constraint.columns), None


def _wrong_kind(column: Column[Any]) -> str | None:
    """The SQL condition under which a value is not of the column's kind; NULL is for other rules."""
    name, kind = f'"{column.name}"', column.type
    if isinstance(kind, Boolean):
        return f"typeof({name}) NOT IN ('integer', 'null') OR {name} NOT IN (0, 1)"
    if isinstance(kind, Integer):
        return f"typeof({name}) NOT IN ('integer', 'null')"
    if isinstance(kind, Moment):
        # 31 February is moved on to a day that exists: what comes back must be what went in.
        day = f"strftime('%Y-%m-%d', julianday({name})) IS NOT substr({name}, 1, 10)"
        return f"{name} IS NOT NULL AND ({day} OR {name} NOT GLOB '????-??-?? ??:??:*')"
    if isinstance(kind, Date):
        return f"{name} IS NOT NULL AND (strftime('%Y-%m-%d', julianday({name})) IS NOT {name})"
    if isinstance(kind, JSON):
        return f"{name} IS NOT NULL AND NOT json_valid({name})"
    if isinstance(kind, Float):
        return f"typeof({name}) NOT IN ('integer', 'real', 'null')"
    if isinstance(kind, LargeBinary):
        return f"typeof({name}) NOT IN ('blob', 'null')"
    if isinstance(kind, String):
        return f"typeof({name}) NOT IN ('text', 'null')"
    return None

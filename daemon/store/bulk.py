"""Many rows at once: inserts that cost little more than the driver's own `executemany`.

A billing run writes hundreds of thousands of rows; the general path binds each value of each row anew. Here
the binding functions of a table's columns are looked up once. Only for SQLite; other databases take the
general path, which batches well there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Table, func, insert, select
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from daemon.rules.sentence import Sentence
from daemon.store.base import Base

type Row = Mapping[str, Any]


def insert_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows of one table; each has the same names. A Sentence stands for its stored form. None is no
    error.
    """
    if not rows:
        return
    table = _table(model)
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        session.execute(insert(table), [_plain(row) for row in rows])
        return
    names = tuple(rows[0])
    statement, binders, constants = _prepared(table, names, connection.dialect)
    connection.exec_driver_sql(
        statement,
        [
            (
                *(bind(row[name]) if bind else row[name] for name, bind in zip(names, binders, strict=True)),
                *constants,
            )
            for row in rows
        ],
    )


def insert_ids(session: Session, model: type[Base], rows: Sequence[Row]) -> list[int]:
    """Insert rows and give their ids, in the order of the rows. The tables meant never lose a row.

    On SQLite the caller holds the only writing transaction, so the next ids are known beforehand.
    """
    if not rows:
        return []
    table = _table(model)
    if session.connection().dialect.name != "sqlite":
        result = session.execute(
            insert(table).returning(table.c.id, sort_by_parameter_order=True), [_plain(row) for row in rows]
        )
        return [int(row.id) for row in result]
    first = int(session.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0) + 1
    insert_rows(session, model, [{"id": number, **row} for number, row in enumerate(rows, first)])
    return list(range(first, first + len(rows)))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not one table")
    return table


def _plain(row: Row) -> dict[str, Any]:
    return {name: value.as_json() if isinstance(value, Sentence) else value for name, value in row.items()}


@lru_cache(maxsize=256)
def _prepared(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, list[Callable[[Any], Any] | None], tuple[Any, ...]]:
    """The statement, how each named value is bound, and the bound defaults of the columns that are not
    named.
    """
    columns = [table.c[name] for name in names]
    extra = [column for column in table.c if column.name not in names and column.default is not None]
    constants: list[Any] = []
    for column in extra:
        default = column.default
        if default is None or not default.is_scalar:
            raise TypeError(f"{table.name}.{column.name} has a default that cannot be known beforehand")
        bind = _binder(column.type, dialect)
        constants.append(bind(default.arg) if bind else default.arg)  # type: ignore[attr-defined]
    quoted = ", ".join(f'"{column.name}"' for column in [*columns, *extra])
    marks = ", ".join("?" * (len(columns) + len(extra)))
    binders = [_binder(column.type, dialect) for column in columns]
    return f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks})', binders, tuple(constants)


def _binder(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, JSON):
        return _json
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _json(value: Any) -> str | None:
    if isinstance(value, Sentence):
        return _sentence(value.text, tuple(value.params.items()))
    return None if value is None else json.dumps(value)


@lru_cache(maxsize=4096)
def _sentence(text: str, params: tuple[tuple[str, Any], ...]) -> str:
    return json.dumps({"text": text, "params": dict(params)})

"""Many rows at once: inserts and updates that cost little more than the driver's own `executemany`.

A billing run writes hundreds of thousands of rows; the general path binds each value of each row anew. Here
the binding functions of a table's columns are looked up once. Only for SQLite; other databases take the
general path, which batches well there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Table, bindparam, func, insert, select, update
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
    columns = [_column(rows, name, bind) for name, bind in zip(names, binders, strict=True)]
    connection.exec_driver_sql(statement, _across(columns, constants))


def update_rows(
    session: Session, model: type[Base], key: str, rows: Sequence[Row], leave: Sequence[str] = ()
) -> None:
    """Write other values into rows of one table that are there; `key` is the name of the value that says which
    row. Each has the same names; those of `leave` are left as they are.
    """
    if not rows:
        return
    table = _table(model)
    connection = session.connection()
    names = tuple(name for name in rows[0] if name != key and name not in leave)
    if connection.dialect.name != "sqlite":
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        statement = update(table).where(table.c[key] == bindparam("old_key")).values(values)
        connection.execute(
            statement,
            [
                {"old_key": row[key], **{f"new_{name}": row[name] for name in names}}
                for row in map(_plain, rows)
            ],
        )
        return
    text, binders = _prepared_update(table, names, key, connection.dialect)
    columns = [_column(rows, name, bind) for name, bind in zip((*names, key), binders, strict=True)]
    connection.exec_driver_sql(text, _across(columns, ()))


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
    connection = session.connection()
    first = int(session.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0) + 1
    ids = list(range(first, first + len(rows)))
    names = tuple(rows[0])
    statement, binders, constants = _prepared(table, ("id", *names), connection.dialect)
    columns = [_column(rows, name, bind) for name, bind in zip(names, binders[1:], strict=True)]
    connection.exec_driver_sql(statement, _across([ids, *columns], constants))
    return ids


def _column(rows: Sequence[Row], name: str, bind: Callable[[Any], Any] | None) -> list[Any]:
    """One column of the rows as the driver takes it. Days, instants and sentences repeat: each is bound once."""
    values = [row[name] for row in rows]
    if bind is None:
        return values
    first = values[0]
    if values.count(first) == len(values):
        return [bind(first)] * len(values)
    known: dict[int, Any] = {id(None): bind(None)}
    bound: list[Any] = []
    for value in values:
        mark = id(value)  # the rows keep every value alive meanwhile
        if mark not in known:
            known[mark] = bind(value)
        bound.append(known[mark])
    return bound


def _across(columns: Sequence[Sequence[Any]], constants: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Columns as rows, each with the constants at its end."""
    if not constants:
        return list(zip(*columns, strict=True))
    return [(*row, *constants) for row in zip(*columns, strict=True)]


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


@lru_cache(maxsize=64)
def _prepared_update(
    table: Table, names: tuple[str, ...], key: str, dialect: Dialect
) -> tuple[str, list[Callable[[Any], Any] | None]]:
    """The statement, and how its values are bound, the key's last."""
    changes = ", ".join(f'"{name}" = ?' for name in names)
    binders = [_binder(table.c[name].type, dialect) for name in (*names, key)]
    return f'UPDATE "{table.name}" SET {changes} WHERE "{key}" = ?', binders


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

"""Many keys in one question: the statement is the same whatever their number, and one value carries them all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

IDS = "ids"


class _Listed(FunctionElement[Any]):
    """The numbers of a JSON list, as rows."""

    name = "listed"
    inherit_cache = True


@compiles(_Listed, "sqlite")
def _on_sqlite(element: _Listed, compiler: SQLCompiler, **words: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **words)}))"


@compiles(_Listed, "postgresql")
def _on_postgresql(element: _Listed, compiler: SQLCompiler, **words: Any) -> str:
    inner = compiler.process(element.clauses, **words)
    return f"(SELECT value::bigint FROM json_array_elements_text(CAST({inner} AS json)))"


def among(column: Any) -> ColumnElement[bool]:
    """Whether a column is one of the keys that `keys` brings at the execution."""
    found: ColumnElement[bool] = column.bool_op("IN")(_Listed(bindparam(IDS, type_=String())))
    return found


def keys(ids: Iterable[int]) -> dict[str, str]:
    """The parameters of a statement that asks `among`."""
    return {IDS: json.dumps(list(ids))}

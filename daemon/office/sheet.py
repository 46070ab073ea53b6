"""Tables as files for other programs: CSV and XLSX, row by row in bounded memory.

What people typed is never a formula there: in XLSX every text is written as text; in CSV a text that a
spreadsheet would take for one gets an apostrophe in front (the spreadsheet's own mark for "this is text").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook

type Kind = Literal["text", "amount", "count", "percent", "day", "month", "moment"]
type Cell = str | int | date | datetime | None
type Row = Sequence[Cell]

MOST_ROWS = 1_048_576
"""Rows of a sheet of an XLSX file, its heading included; what is more goes on in a next sheet."""
MOST_TEXT = 32_767
"""Characters of a cell of an XLSX file."""
_STARTS = frozenset("=+-@\t\r\n＝＋－＠|")
"""How a text begins that some spreadsheet takes for a formula."""
_WIDTHS: dict[Kind, int] = {
    "text": 24, "amount": 14, "count": 10, "percent": 10, "day": 12, "month": 12, "moment": 17,
}  # fmt: skip
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading and what is in it.

    `amount` holds minor units, `percent` basis points, `moment` aware instants, `month` the first day of one.
    """

    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a country writes: its zone, decimals of its currency, and its decimal mark (`.` or `,`)."""

    zone: ZoneInfo
    digits: int
    point: str = "."


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file: name (of the sheet), columns, rows; the rows are gone through once."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]


def csv_lines(table: Table, manner: Manner) -> Iterator[bytes]:
    """A table as CSV (RFC 4180), in pieces: UTF-8 with the mark that Excel needs to see that it is.

    Where decimals have a comma the fields are parted by semicolons, as spreadsheets of such countries expect.
    """
    yield b"\xef\xbb\xbf"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if manner.point == "," else ",", lineterminator="\r\n")
    writer.writerow([harmless(column.title) for column in table.columns])
    kinds = [column.kind for column in table.columns]
    for number, row in enumerate(table.rows, 1):
        writer.writerow([_said(kind, cell, manner) for kind, cell in zip(kinds, row, strict=True)])
        if number % _CHUNK == 0:
            yield text.getvalue().encode("utf-8", "replace")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("utf-8", "replace")


def write_xlsx(target: IO[bytes], tables: Sequence[Table], manner: Manner) -> None:
    """Tables as the sheets of one XLSX file. `target` is open for writing and can seek."""
    book = Workbook(
        target,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    looks = {
        "head": book.add_format({"bold": True, "bottom": 1}),
        "amount": book.add_format(
            {"num_format": "#,##0" + ("." + "0" * manner.digits if manner.digits else "")}
        ),
        "percent": book.add_format({"num_format": "0.00%"}),
        "count": book.add_format({"num_format": "0"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "month": book.add_format({"num_format": "yyyy-mm"}),
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
    }
    taken: set[str] = set()
    for table in tables:
        _write_table(book, table, manner, looks, taken)
    book.close()


def harmless(text: str) -> str:
    """A text for CSV that no spreadsheet takes for a formula."""
    bare = text.lstrip(" \u00a0\ufeff")
    return "'" + text if bare[:1] in _STARTS and bare else text


def _said(kind: Kind, cell: Cell, manner: Manner) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return harmless(cell)
    if isinstance(cell, datetime):
        return f"{cell.astimezone(manner.zone):%Y-%m-%d %H:%M}"
    if isinstance(cell, date):
        return f"{cell:%Y-%m}" if kind == "month" else cell.isoformat()
    if kind == "amount":
        return f"{Decimal(cell).scaleb(-manner.digits):.{manner.digits}f}".replace(".", manner.point)
    if kind == "percent":
        return f"{Decimal(cell).scaleb(-2):.2f}".replace(".", manner.point)
    return str(cell)


def _write_table(book: Any, table: Table, manner: Manner, looks: dict[str, Any], taken: set[str]) -> None:
    sheet = _sheet(book, table, looks, taken)
    at = 0
    for row in table.rows:
        at += 1
        if at == MOST_ROWS:
            sheet, at = _sheet(book, table, looks, taken), 1
        for place, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            if cell is None or cell == "":
                continue
            look = looks.get(column.kind)
            if isinstance(cell, str):
                sheet.write_string(at, place, cell[:MOST_TEXT])
            elif isinstance(cell, datetime):
                sheet.write_datetime(at, place, cell.astimezone(manner.zone).replace(tzinfo=None), look)
            elif isinstance(cell, date):
                sheet.write_datetime(at, place, datetime(cell.year, cell.month, cell.day), look)
            elif column.kind == "amount":
                sheet.write_number(at, place, float(Decimal(cell).scaleb(-manner.digits)), look)
            elif column.kind == "percent":
                sheet.write_number(at, place, cell / 10_000, look)
            else:
                sheet.write_number(at, place, cell, look)


def _sheet(book: Any, table: Table, looks: dict[str, Any], taken: set[str]) -> Any:
    # Names of sheets: at most 31 characters, none of []:*?/\, never twice.
    bare = "".join(mark for mark in table.name if mark not in "[]:*?/\\").strip("' ")[:26] or "1"
    name = next(
        one for one in (bare, *(f"{bare} {n}" for n in range(2, 1000))) if one.casefold() not in taken
    )
    taken.add(name.casefold())
    sheet = book.add_worksheet(name)
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, max(_WIDTHS[column.kind], len(column.title) + 2))
        sheet.write_string(0, place, column.title, looks["head"])
    sheet.freeze_panes(1, 0)
    return sheet

"""Files of payments as banks and spreadsheets write them: bytes in, lines out, each with what is wrong in it.

Understood: UTF-8 with or without a byte order mark, UTF-16 with one, Windows-1252; comma, semicolon or tab;
decimal comma or point; days as 2026-02-03, 03/02/2026 or 03-02-2026. The first line names the columns, in
Spanish or English. Who the client is, which method it is and whether a reference is new is not known here.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from daemon.rules.money import Currency, parse, positive
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say

MOST_BYTES = 4_000_000
MOST_LINES = 20_000
LONGEST_REFERENCE = 120

NAMES: dict[str, tuple[str, ...]] = {
    "document": ("documento", "document", "document id", "cedula", "ruc", "dni", "nit", "rut", "cedula/ruc"),
    "client": ("cliente", "client", "client id", "id cliente", "idcliente", "codigo", "id"),
    "amount": ("monto", "amount", "importe", "valor", "pago", "cantidad"),
    "date": ("fecha", "date", "fecha de pago", "dia"),
    "method": ("metodo", "method", "metodo de pago", "forma de pago", "forma", "medio"),
    "reference": ("referencia", "reference", "transaccion", "operacion", "numero de operacion", "recibo"),
}
"""The columns, and the headings by which each is known (without accents and capitals)."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """A line as it was read. `line` is its number in the file (the heading is 1); what could not be read is
    None, with the reason in `faults`. One of `document` and `client` says who paid.
    """

    line: int
    text: str
    document: str
    client: int | None
    amount: int | None
    paid_on: date | None
    method: str
    reference: str
    faults: tuple[Sentence, ...]


def read(content: bytes, money: Currency) -> list[FileLine]:
    """The lines of a file. Refused as a whole when it is no such file: too large, no text, headings missing."""
    if len(content) > MOST_BYTES:
        raise Refusal(
            "file", say("The file has more than {most} MB: divide it", most=MOST_BYTES // 1_000_000)
        )
    text = decoded(content)
    rows = _rows(text)
    first = next(rows, None)
    if first is None:
        raise Refusal("file", "The file is empty")
    columns = _columns(first[1])
    found: list[FileLine] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(found) >= MOST_LINES:
            raise Refusal("file", say("The file has more than {most} lines: divide it", most=MOST_LINES))
        found.append(_line(line, cells, len(first[1]), columns, money))
    if not found:
        raise Refusal("file", "The file has a heading and no payment")
    return found


def decoded(content: bytes) -> str:
    """The text of a file. Refused when it holds what no text holds."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        codes = ["utf-16"]
    else:
        codes = ["utf-8-sig", "cp1252"]
    for code in codes:
        try:
            text = content.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Refusal("file", "This is not a text file: save the sheet as CSV and choose that file")


def day_of(text: str) -> date:
    """A day as files write it: 2026-02-03, 03/02/2026, 03-02-2026 or 03.02.2026; a time after it is dropped."""
    bare = text.strip().split("T")[0].split(" ")[0]
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", bare, re.ASCII)
    if match is not None:
        year, month, day = map(int, match.groups())
    else:
        match = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", bare, re.ASCII)
        if match is None:
            raise Refusal("date", say("{text} is not a day like 2026-02-03 or 03/02/2026", text=text[:40]))
        day, month, year = map(int, match.groups())
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Refusal("date", say("There is no such day: {text}", text=text[:40])) from error


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    head = text.split("\n", 1)[0]
    marks = {mark: head.count(mark) for mark in (";", "\t", ",")}
    mark = max(marks, key=lambda one: marks[one])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    before = 0
    try:
        for cells in reader:
            # A quoted cell may hold line ends: the number that is said is of the line it begins on.
            yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise Refusal(
            "file", say("Line {line} has a quotation mark in the wrong place", line=before + 1)
        ) from error


def _columns(heading: Sequence[str]) -> dict[str, int]:
    known = {name: column for column, names in NAMES.items() for name in names}
    columns: dict[str, int] = {}
    for place, cell in enumerate(heading):
        column = known.get(_plain(cell))
        if column is None:
            continue
        if column in columns:
            raise Refusal("file", say("The first line names the column {column} twice", column=cell.strip()))
        columns[column] = place
    missing = [name for name in ("amount", "date", "method", "reference") if name not in columns]
    if "document" not in columns and "client" not in columns:
        missing.insert(0, "document")
    if missing:
        raise Refusal(
            "file",
            say(
                "The first line must name the columns; missing: {missing}",
                missing=", ".join(NAMES[name][0] for name in missing),
            ),
        )
    return columns


def _line(line: int, cells: Sequence[str], width: int, columns: dict[str, int], money: Currency) -> FileLine:
    faults: list[Sentence] = []
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        faults.append(say("This line has more columns than the heading"))
    values = {name: cells[place].strip() if place < len(cells) else "" for name, place in columns.items()}
    amount: int | None = None
    paid_on: date | None = None
    try:
        amount = positive(parse(values["amount"], money))
    except Refusal as refusal:
        faults.append(refusal.sentence)
    try:
        paid_on = day_of(values["date"])
    except Refusal as refusal:
        faults.append(refusal.sentence)
    document = values.get("document", "")
    number: int | None = None
    typed = values.get("client", "").lstrip("#")
    if typed:
        if re.fullmatch(r"\d{1,9}", typed, re.ASCII):
            number = int(typed)
        else:
            faults.append(say("{text} is not the number of a client", text=typed[:40]))
    if not document and not typed:
        faults.append(say("The line does not say who paid"))
    if not values["method"]:
        faults.append(say("The line does not say by which method"))
    reference = " ".join(values["reference"].split())
    if not reference:
        faults.append(say("A reference is needed, so that the same payment is never counted twice"))
    elif len(reference) > LONGEST_REFERENCE:
        faults.append(say("The reference is longer than {most} characters", most=LONGEST_REFERENCE))
        reference = reference[:LONGEST_REFERENCE]
    shown = " | ".join(cell.strip() for cell in cells)
    return FileLine(
        line, shown[:500], document, number, amount, paid_on, values["method"], reference, tuple(faults)
    )


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.replace("_", " "))
    return " ".join("".join(mark for mark in bare if not unicodedata.combining(mark)).lower().split())

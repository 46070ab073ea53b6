"""Tables as files: what a spreadsheet is given, and what it can never take for a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from daemon.office import sheet
from daemon.office.sheet import Column, Manner, Row, Table, csv_lines, harmless, write_xlsx

LIMA = ZoneInfo("America/Lima")
PERU = Manner(LIMA, 2, ".")
CHILE = Manner(ZoneInfo("America/Santiago"), 0, ",")
COLUMNS = [
    Column("Cuándo", "moment"), Column("Día", "day"), Column("Mes", "month"), Column("Nota"), Column("Monto", "amount"),
    Column("Tasa", "percent"), Column("Número", "count"),
]  # fmt: skip
ROW: Row = (
    datetime(2026, 2, 6, 5, 30, tzinfo=UTC),
    date(2026, 2, 6),
    date(2026, 2, 1),
    "Ñandú",
    123450,
    1825,
    7,
)


def read_csv(table: Table, manner: Manner, mark: str = ",") -> list[list[str]]:
    data = b"".join(csv_lines(table, manner))
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=mark))


def book_of(*tables: Table, manner: Manner = PERU) -> CalamineWorkbook:
    file = io.BytesIO()
    write_xlsx(file, tables, manner)
    return CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue()))


def test_a_csv_is_written_as_the_country_writes() -> None:
    assert read_csv(Table("x", COLUMNS, [ROW]), PERU)[1] == [
        "2026-02-06 00:30", "2026-02-06", "2026-02", "Ñandú", "1234.50", "18.25", "7",
    ]  # fmt: skip
    assert read_csv(Table("x", COLUMNS, [ROW]), CHILE, ";")[1][4:6] == ["123450", "18,25"]


def test_what_is_absent_is_empty() -> None:
    assert read_csv(Table("x", COLUMNS, [(None,) * 7]), PERU)[1] == [""] * 7
    assert read_csv(Table("x", COLUMNS, []), PERU) == [[column.title for column in COLUMNS]]
    assert len(book_of(Table("x", COLUMNS, [])).get_sheet_by_index(0).to_python()) == 1


def test_an_xlsx_keeps_numbers_days_and_texts() -> None:
    rows = book_of(Table("Pagos", COLUMNS, [ROW])).get_sheet_by_name("Pagos").to_python()
    assert rows[0] == [column.title for column in COLUMNS]
    assert str(rows[1][0]) == "2026-02-06 00:30:00"
    assert rows[1][1] == date(2026, 2, 6)
    assert rows[1][3:] == ["Ñandú", 1234.5, 0.1825, 7.0]


@pytest.mark.parametrize(
    "evil",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\u00a0=1",
        "＝1+1",
        "|calc",
        "=cmd|' /C calc'!A0",
    ],
)
def test_no_text_is_a_formula(evil: str) -> None:
    table = [Column(evil), Column("b")]
    heads, row = read_csv(Table("x", table, [(evil, "fine")]), PERU)
    assert heads[0].startswith("'")
    assert row == ["'" + evil, "fine"]
    file = io.BytesIO()
    write_xlsx(file, [Table("x", table, [(evil, "fine")])], PERU)
    with zipfile.ZipFile(io.BytesIO(file.getvalue())) as parts:
        assert not any(b"<f" in parts.read(name) for name in parts.namelist() if "worksheets/" in name)
    assert (
        CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0).to_python()[1][1]
        == "fine"
    )


@given(st.text(max_size=40))
def test_a_csv_gives_back_any_text(text: str) -> None:
    sent = harmless(text)
    assert sent in (text, "'" + text)
    assert not sent.lstrip(" ").startswith(("=", "+", "-", "@"))
    if "\x00" not in text:
        again = read_csv(Table("x", [Column("a"), Column("b")], [(text, "z")]), PERU)
        assert again[1] == [sent.encode("utf-8", "replace").decode(), "z"]


def test_control_characters_and_endless_text_make_no_broken_file() -> None:
    odd = "a\x00b\x07\x1bc\ud800".encode("utf-8", "replace").decode()
    rows = (
        book_of(Table("x", [Column("a"), Column("b")], [(odd, "y" * 40_000)]))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert len(rows[1][1]) == sheet.MOST_TEXT


def test_sheets_have_names_of_their_own() -> None:
    names = ["Pagos: [marzo]/2026 y algo más que no cabe", "Pagos", "pagos", "", "'"]
    book = book_of(*(Table(name, [Column("a")], [("x",)]) for name in names))
    assert len({name.casefold() for name in book.sheet_names}) == 5
    assert all(len(name) <= 31 for name in book.sheet_names)


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST_ROWS", 4)
    book = book_of(Table("P", [Column("n", "count")], [(n,) for n in range(8)]))
    kept = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    assert [[row[0] for row in rows[1:]] for rows in kept] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert all(rows[0] == ["n"] for rows in kept)


def test_rows_are_written_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def rows() -> object:
        for number in range(2000):
            taken.append(number)
            yield (number,)

    pieces = csv_lines(Table("x", [Column("n", "count")], rows()), PERU)  # type: ignore[arg-type]
    next(pieces)
    next(pieces)
    assert len(taken) < 1000

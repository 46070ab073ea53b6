"""Files of payments: every form in which banks and spreadsheets write them, and what is wrong with a line."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.rules.money import currency
from daemon.rules.payment_file import MOST_BYTES, day_of, read
from daemon.rules.refusal import Refusal

PEN = currency("PEN")
GOOD = "documento,monto,fecha,metodo,referencia\n10101010,50.00,2026-02-03,Yape,OP-1\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace(",", ";").replace("50.00", "50,00").encode(),
        GOOD.replace(",", "\t").replace("2026-02-03", "03/02/2026").encode(),
        GOOD.replace("50.00", '"50,00"').replace("documento", "CÉDULA").encode("cp1252"),
        GOOD.replace("metodo", "Método de pago").replace("2026-02-03", "03-02-2026 10:00").encode(),
        (GOOD + "\n,,,,\n").encode(),
        GOOD.strip().encode(),
    ],
)
def test_the_same_payment_is_read_of_every_form(content: bytes) -> None:
    (line,) = read(content, PEN)
    assert (line.line, line.document, line.amount, line.paid_on, line.method, line.reference) == (
        2, "10101010", 5000, date(2026, 2, 3), "Yape", "OP-1",
    )  # fmt: skip
    assert line.faults == ()


def test_a_bad_line_says_everything_that_is_wrong_with_it_and_its_number() -> None:
    lines = read(
        "cliente;monto;fecha;metodo;referencia\n"
        "#7;50,00;2026-02-03;Yape;A\n"
        ";-5;2026-02-30;;\n"
        "siete;1.234;mañana;Yape;B\n"
        '8;"10,00";2026-02-03;Yape;"two\nlines"\n'
        "9;10,00;2026-02-03;Yape;C;more\n"
        "9;0;2026-02-03;Yape;D\n".encode(),
        PEN,
    )
    assert [(one.line, one.client, len(one.faults)) for one in lines] == [
        (2, 7, 0), (3, None, 5), (4, None, 3), (5, 8, 0), (7, 9, 1), (8, 9, 1),
    ]  # fmt: skip
    assert [str(one) for one in lines[1].faults] == [
        "-5 is negative: an amount is above zero",
        "There is no such day: 2026-02-30",
        "The line does not say who paid",
        "The line does not say by which method",
        "A reference is needed, so that the same payment is never counted twice",
    ]
    assert lines[3].reference == "two lines"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"documento,monto,fecha,metodo,referencia\n", "no payment"),
        (b"documento,monto,fecha\n1,2,3\n", "missing: metodo, referencia"),
        (b"monto,fecha,metodo,referencia\n1,2,3,4\n", "missing: documento"),
        (b"documento,dni,monto,fecha,metodo,referencia\n1,1,2,3,4,5\n", "twice"),
        (b"PK\x03\x04\x00\x00\x00", "not a text file"),
        (GOOD.encode() + b'1,"2"3,2026-02-03,Yape,X\n', "Line 3"),
        (GOOD.encode() + b'1,"2', "Line 3"),
        (b"x" * (MOST_BYTES + 1), "divide it"),
    ],
)
def test_what_is_no_file_of_payments_is_refused_as_a_whole(content: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says) as caught:
        read(content, PEN)
    assert caught.value.field == "file"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_they_are_lines_or_a_refusal(content: bytes) -> None:
    for whole in (content, GOOD.encode() + content):
        with suppress(Refusal):
            assert all(
                one.faults or (one.amount and one.paid_on and one.reference) for one in read(whole, PEN)
            )


@given(st.dates(min_value=date(1000, 1, 1)))
def test_a_day_is_itself_in_each_form(day: date) -> None:
    assert day_of(day.isoformat()) == day
    assert day_of(f"{day.day}/{day.month}/{day.year}") == day

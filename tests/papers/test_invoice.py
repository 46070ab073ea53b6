"""An invoice on paper says what its facts say, in either language, on as many pages as it takes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.papers import words
from daemon.papers.bill import Bill, House, Movement, Person, Row
from daemon.papers.blocks import MARGIN
from daemon.papers.book import Book, invoice_pdf
from daemon.papers.face import PLAIN, WIDE, clean, face_for
from daemon.papers.sheet import FOOT, lay_out
from tests.papers.facts import BILL, HOUSE, logo, needs_poppler, pages, read, seen


def rows(count: int, name: str = "Servicio {}") -> tuple[Row, ...]:
    return tuple(Row(name.format(place), 847, 153, 1000) for place in range(1, count + 1))


@needs_poppler
def test_a_paper_says_who_for_what_how_much_and_what_is_left() -> None:
    text = read(invoice_pdf(BILL, HOUSE))
    for said in (
        "Fibra del Valle S.A.C.", "RUC 20100070970", "Jr. Progreso 123, Cajamarca", "Tel. 01 555 0100",
        "Factura de servicio", "F001-000123", "Emitida 31 ene. 2026", "Vence 1 feb. 2026",
        "Periodo 1 feb. 2026 – 28 feb. 2026", "María Ñahui Cárdenas",
        "Documento 40000001 · Tel. +51987654321", "Av. Perú 456",
        "Descripción Neto Impuesto Total", "Plan 10M S/ 42.37 S/ 7.63 S/ 50.00",
        "Router en alquiler S/ 8.47 S/ 1.53 S/ 10.00", "Total S/ 50.84 S/ 9.16 S/ 60.00",
        "Mora de la factura F001-000100 S/ 5.00", "A pagar S/ 65.00",
        "Pago del 3 feb 2026, Efectivo, R-1 -S/ 20.00", "Queda por pagar S/ 45.00",
        "Cómo pagar", "Yape 900 000 100", "En caja, de 8:00 a 18:00", "No es un comprobante electrónico",
        "Página 1 de 1",
    ):  # fmt: skip
        assert said in text, said
    assert "Precio 50.00" not in text, "reasons stand only where they are asked for"


@needs_poppler
def test_a_paper_in_english_keeps_the_countrys_amounts() -> None:
    text = read(invoice_pdf(BILL, replace(HOUSE, language="en")))
    for said in (
        "Service invoice",
        "Issued 31 Jan 2026",
        "Left to pay S/ 45.00",
        "Page 1 of 1",
        "How to pay",
    ):
        assert said in text, said
    assert "Queda" not in text


@needs_poppler
def test_reasons_are_small_print_where_asked_for() -> None:
    text = read(invoice_pdf(BILL, replace(HOUSE, reasons=True)))
    assert "Precio 50.00" in text
    assert "Prepago: vence el día 1" in text


@needs_poppler
@pytest.mark.parametrize(
    ("state", "left", "stamp", "band"),
    [
        ("paid", 0, "PAGADA", "Pagada S/ 0.00"),
        ("void", 0, "ANULADA", "Anulada S/ 0.00"),
        ("overdue", 4500, "VENCIDA", "Queda por pagar S/ 45.00"),
        ("unpaid", 4500, None, "Queda por pagar S/ 45.00"),
    ],
)
def test_a_stamp_says_the_state(state: Any, left: int, stamp: str | None, band: str) -> None:
    bill = replace(BILL, state=state, left=left, voided=date(2026, 2, 5) if state == "void" else None)
    pdf = invoice_pdf(bill, HOUSE)
    text = read(pdf)
    assert band in text
    # Turned letters come out one by one, in no order that reads; without layout they stand together.
    raw = read(pdf, "-raw").replace("\n", "").replace(" ", "")
    found = [word for word in ("PAGADA", "ANULADA", "VENCIDA") if word in raw]
    assert found == ([stamp] if stamp else [])
    assert ("Cómo pagar" in text) == (left > 0), "who owes nothing is not told how to pay"
    assert ("Anulada el 5 feb. 2026" in text) == (state == "void")


@needs_poppler
def test_forty_lines_go_on_over_pages_each_with_its_head_and_number() -> None:
    bill = replace(
        BILL,
        rows=rows(40, "Servicio {} de nombre tan largo que no cabe en un renglón de la tabla de la factura"),
    )
    found = pages(invoice_pdf(bill, HOUSE))
    assert len(found) > 1
    for number, page in enumerate(found, 1):
        assert f"Página {number} de {len(found)}" in page
        assert "F001-000123" in page
    said = " ".join(" ".join(found).split())
    for place in range(1, 41):
        assert said.count(f"Servicio {place} de nombre") == 1
    assert all("Descripción Neto" in page for page in found if "de nombre tan largo" in page)
    assert sum("Queda por pagar" in page for page in found) == 1


@needs_poppler
def test_a_currency_without_decimals_has_none() -> None:
    bill = replace(BILL, total=60_000, rows=(Row("Plan 10M", 50_847, 9_153, 60_000),), left=1_234_567)
    text = read(invoice_pdf(bill, replace(HOUSE, currency="CLP", country="CL")))
    assert "Plan 10M $50.847 $9.153 $60.000" in text
    assert "Queda por pagar $1.234.567" in text


@needs_poppler
def test_letters_beyond_latin_1_are_set_and_found_again() -> None:
    person = Person("Ñe’ẽ Łukasz Ğökçe", "1-9")
    text = read(invoice_pdf(replace(BILL, person=person), replace(HOUSE, currency="CRC", country="CR")))
    assert "Ñe’ẽ Łukasz Ğökçe" in text
    assert "₡60.00" in text.replace(",", ".")


@needs_poppler
def test_what_no_font_has_is_a_question_mark_and_nothing_breaks() -> None:
    text = read(invoice_pdf(replace(BILL, person=Person("Ana 日本 🙂\x07\u202e\ud800")), HOUSE))
    assert "Ana ?? ?" in text


def test_composed_and_parted_accents_are_the_same_letter() -> None:
    assert clean("Nun\u0303ez Pe\u0301rez") == "Nuñez Pérez"
    assert face_for("Nuñez €") is PLAIN
    assert face_for("Łukasz") is WIDE


@needs_poppler
def test_long_names_and_words_lose_no_letter() -> None:
    name = "Asociación de Regantes de la Cuenca Alta del Río Huancabamba y Anexos de San Miguel de El Faique"
    bill = replace(BILL, person=Person(name, address="x" * 300), rows=(Row("y" * 300, 1, 0, 1),))
    house = replace(HOUSE, name=name, how_to_pay="\n".join(f"Cuenta {place}" for place in range(200)))
    text = read(invoice_pdf(bill, house))
    assert text.count("x") >= 300
    assert text.count("y") >= 300
    assert " ".join(text.split()).count("Cuenca Alta") >= 2
    for place in range(200):
        assert f"Cuenta {place}\n" in text or f"Cuenta {place} " in text


def test_the_same_facts_are_the_same_bytes_in_another_process_and_another_order_of_hashes() -> None:
    script = (
        "import sys, hashlib; from dataclasses import replace; from tests.papers.facts import *;"
        "from daemon.papers.book import invoice_pdf; from daemon.papers.bill import Person;"
        "bill = replace(BILL, person=Person('Łukasz')) ;"
        "print(hashlib.sha256(invoice_pdf(BILL, replace(HOUSE, logo=logo())) + invoice_pdf(bill, HOUSE)).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PATH": "/usr/bin:/bin"},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "America/Lima"))
    }  # fmt: skip
    assert len(found) == 1


def test_one_fact_more_is_other_bytes() -> None:
    assert invoice_pdf(BILL, HOUSE) != invoice_pdf(replace(BILL, left=4400), HOUSE)


@needs_poppler
def test_the_logo_is_seen_where_the_paper_begins() -> None:
    with_logo, without = seen(invoice_pdf(BILL, replace(HOUSE, logo=logo()))), seen(invoice_pdf(BILL, HOUSE))
    spot = (round((MARGIN + 20) / 72 * 100), round((MARGIN + 20) / 72 * 100))
    red, green, blue = with_logo.getpixel(spot)  # type: ignore[misc]
    assert blue > 150 > red + green // 2
    assert without.getpixel(spot) != with_logo.getpixel(spot)


@needs_poppler
def test_a_book_has_every_invoice_and_the_logo_once() -> None:
    house = replace(HOUSE, logo=logo(), qr="none")
    file = BytesIO()
    book = Book(file, house)
    for place in range(30):
        book.add(replace(BILL, number=f"{place:06d}", rows=rows(40) if place == 7 else BILL.rows))
    book.close()
    content = file.getvalue()
    assert content.count(b"/Subtype /Image") == 1
    assert book.pages == content.count(b"/Type /Page\n") == len(pages(content)) == 31
    text = read(content)
    assert [f"\n{place:06d}\n" in text or f"{place:06d}" in text for place in range(30)] == [True] * 30
    single = invoice_pdf(replace(BILL, number="000003"), house)
    assert pages(single)[0] in pages(content), "an invoice in a book reads like the one alone"


def test_a_book_without_invoices_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Book(BytesIO(), HOUSE).close()


def test_both_languages_have_all_the_words() -> None:
    assert words.SPANISH.keys() == words.ENGLISH.keys()


TEXT = st.text(max_size=120)
AMOUNT = st.integers(-(10**13), 10**13)


@settings(max_examples=40, deadline=None)
@given(
    name=TEXT, address=TEXT, footer=TEXT, pay=st.text(max_size=2000), line=st.text(max_size=300), amount=AMOUNT,
    count=st.integers(1, 90), moves=st.integers(0, 60), currency=st.sampled_from(["PEN", "CLP", "CRC", "USD", "PYG"]),
    country=st.sampled_from(["PE", "CL", "CR", "EC", "PY", "", "zz"]), size=st.sampled_from(["A4", "letter"]),
    state=st.sampled_from(["unpaid", "paid", "void", "overdue"]), qr=st.sampled_from(["portal", "facts", "none"]),
)  # fmt: skip
def test_whatever_stands_on_a_paper_stays_inside_its_pages(
    name: str, address: str, footer: str, pay: str, line: str, amount: int, count: int, moves: int,
    currency: str, country: str, size: Any, state: Any, qr: Any,
) -> None:  # fmt: skip
    house = House(
        name,
        currency,
        country,
        "es",
        "RUC",
        "1",
        address,
        "",
        pay,
        footer,
        size,
        qr,
        True,
        logo() if count % 2 else None,
    )
    bill = Bill(
        "000001", "service", state, date(2026, 1, 1), date(2026, 1, 5), None, Person(name, name, address),
        tuple(Row(line, amount, amount, amount, line) for _ in range(count)), amount, amount, amount, amount, amount,
        (Movement(line, amount),) * moves, (Movement(line, amount),) * moves, link="http://x/",
    )  # fmt: skip
    sheet = lay_out(bill, house)
    high = sheet.frame.page[1]
    for page in sheet.pages:
        assert page, "no page is empty"
        bottom = high - MARGIN
        for placed in page:
            assert placed.top <= bottom + 0.01, "nothing is drawn over another"
            bottom = placed.top - placed.block.height
        assert bottom >= MARGIN + FOOT - 0.01 or len(page) == 1
    assert invoice_pdf(bill, house).startswith(b"%PDF-")

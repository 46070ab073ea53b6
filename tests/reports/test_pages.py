"""The register, the reports and the audit as pages: what they show, who may, what comes of bad input."""

from __future__ import annotations

import csv
import io
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text as sql

from daemon.office import auditing, payment
from tests.reports.conftest import EVIL
from tests.webui.conftest import Town, Visitor

LOOK = (
    "/payments", "/payments?month=2026-02", "/payments?month=all", "/payments?from=2026-02-05&to=2026-02-06",
    "/payments?month=2026-02&method=1&zone=1&collector=Rosa&deleted=no&q=ana", "/payments/totals?month=2026-02",
    "/payments/1", "/reports/income", "/reports/income?by=month", "/reports/income?by=method&from=2026-02-01",
    "/reports/income?by=zone&from=2026-02-01", "/reports/income?by=collector&from=2026-02-01", "/reports/receivables",
    "/reports/clients", "/reports/taxes",
)  # fmt: skip


def shown(text: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("\xa0", " ")


@pytest.mark.parametrize("user", ["jefa", "caja", "tecnico", "mira"])
def test_everybody_may_look_and_only_the_administrator_audits(
    visit: Callable[[str], Visitor], money_town: Town, user: str
) -> None:
    visitor = visit(user)
    for page in LOOK:
        text = visitor.text(page)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), page
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
            found = re.search(r'\bid="([^"]+)"', tag)
            assert (
                'type="hidden"' in tag or 'type="checkbox"' in tag or (found and f'for="{found[1]}"' in text)
            ), tag
    assert visitor.get("/audit").status_code == (200 if user == "jefa" else 403)
    assert ("Eliminar pago" in visitor.text("/payments/1")) == (user in ("jefa", "caja"))


def test_the_month_has_its_total_and_the_deleted_are_in_no_sum(
    visit: Callable[[str], Visitor], money_town: Town
) -> None:
    visitor = visit("caja")
    rows = shown(visitor.text("/payments?month=2026-02"))
    assert "Febrero de 2026" in rows
    assert rows.count("Ana Quispe") == 2
    assert "eliminado" in rows
    totals = shown(visitor.text("/payments/totals?month=2026-02"))
    assert "S/ 190.00 4 pagos" in totals
    assert "S/ 999.00 (1)" in totals
    march = shown(visitor.text("/payments"))
    assert "Marzo de 2026" in march
    assert "65.50" in march
    assert "999.00" not in march


@pytest.mark.parametrize(
    ("asked", "amounts"),
    [
        ("month=all", ["65.50", "999.00", "40.00", "100.00", "20.00", "30.00"]),
        ("from=2026-02-05&to=2026-02-05", ["20.00"]),
        ("from=2026-02-06&to=2026-02-06", ["100.00"]),
        ("month=2026-02&method=2", ["40.00", "20.00"]),
        ("month=2026-02&collector=Jefa", ["40.00"]),
        ("month=2026-02&deleted=yes", ["999.00"]),
        ("month=2026-02&deleted=no&q=soto", ["40.00"]),
        ("month=2026-02&q=OP 77", ["40.00"]),
        ("month=all&q=quispe", ["65.50", "20.00", "30.00"]),
        ("month=2026-02&zone=1", ["999.00", "40.00", "100.00", "20.00", "30.00"]),
        ("month=2026-02&zone=9", []),
        ("month=2026-02&client=2", ["100.00"]),
    ],
)
def test_each_filter_narrows(
    visit: Callable[[str], Visitor], money_town: Town, asked: str, amounts: list[str]
) -> None:
    text = visit("caja").text(f"/payments?{asked}")
    assert re.findall(r'<td class="money"[^>]*>(?:<s>)?S/\s*([\d.,]+)', text.replace("\xa0", " ")) == amounts


@pytest.mark.parametrize(
    "odd", ["9" * 30, "²", "-1", "2026-13", "0000-00", "1;drop table payment", "%00", "ñ", "2026-2"]
)
def test_odd_addresses_break_nothing(visit: Callable[[str], Visitor], money_town: Town, odd: str) -> None:
    visitor = visit("caja")
    for page in (
        "/payments?month={}", "/payments?from={}", "/payments?zone={}&method={}&client={}", "/payments?after={}",
        "/payments?q={}", "/payments?deleted={}&collector={}", "/reports/income?by={}&from={}&to={}",
        "/reports/clients?from={}", "/reports/taxes?to={}", "/payments/totals?from={}",
    ):  # fmt: skip
        assert visitor.get(page.replace("{}", odd)).status_code == 200, page
    for page in ("/payments/{}", "/reports/{}", "/payments/export.{}", "/reports/income.{}"):
        assert visitor.get(page.replace("{}", odd)).status_code == 404, page
    assert "Escriba un" in visitor.text("/payments?month=2026-13")


def test_a_report_that_is_too_long_says_so(visit: Callable[[str], Visitor], money_town: Town) -> None:
    text = shown(visit("caja").text("/reports/income?by=day&from=2001-01-01&to=2026-03-01"))
    assert "como máximo un año" in text


def test_a_csv_has_every_payment_and_no_formula(visit: Callable[[str], Visitor], money_town: Town) -> None:
    answer = visit("caja").get("/payments/export.csv?month=all")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["Monto"] for row in rows] == ["30.00", "20.00", "100.00", "40.00", "999.00", "65.50"]
    assert rows[1]["Referencia"] == "'" + EVIL
    assert rows[2]["Referencia"] == "'-1+1"
    assert rows[1]["Cuándo"] == "2026-02-05 23:59"
    assert [row["Estado"] for row in rows].count("eliminado") == 1
    assert "Era de otro" in rows[4]["Por qué"]
    assert (
        len(
            list(
                csv.DictReader(io.StringIO(visit("caja").get("/payments/export.csv?method=2&month=all").text))
            )
        )
        == 2
    )


def test_an_xlsx_has_numbers_days_and_texts_that_are_no_formulas(
    visit: Callable[[str], Visitor], money_town: Town
) -> None:
    data = visit("caja").get("/payments/export.xlsx?month=2026-02").data
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    assert book.sheet_names == ["Pagos", "Totales"]
    rows = book.get_sheet_by_name("Pagos").to_python()
    heads = rows[0]
    assert heads[:2] == ["Número", "Cuándo"]
    assert [row[heads.index("Monto")] for row in rows[1:]] == [30.0, 20.0, 100.0, 40.0, 999.0]
    assert rows[2][heads.index("Referencia")] == EVIL
    assert str(rows[2][1]) == "2026-02-05 23:59:00"
    sums = book.get_sheet_by_name("Totales").to_python()
    assert ["Total", 4.0, 190.0] in sums
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "sheet" in name)


def test_a_method_is_corrected_and_a_payment_deleted_from_the_register(
    visit: Callable[[str], Visitor], money_town: Town
) -> None:
    visitor = visit("caja")
    back = "/payments?month=2026-02"
    done = visitor.post("/payments/1/method", {"method_id": "2", "back": back})
    assert (done.status_code, done.headers["Location"]) == (302, back)
    assert payment.list_payments(money_town.store.read().__enter__(), after=2)[0].method_id == 2
    refused = visitor.post("/payments/1/delete", {"reason": " ", "back": back})
    assert refused.status_code == 200
    assert "Escriba por qué" in refused.text
    gone = visitor.post("/payments/1/delete", {"reason": "Billete falso", "back": "https://evil.example/"})
    assert gone.headers["Location"] == "/payments"
    assert "Billete falso" in visitor.text("/payments/1")
    assert "160.00" in shown(visitor.text("/payments/totals?month=2026-02"))
    assert visitor.post("/payments/999/delete", {"reason": "x"}).status_code == 404


def test_a_viewer_deletes_nothing(visit: Callable[[str], Visitor], money_town: Town) -> None:
    visitor = visit("mira")
    assert "no puede hacer esto" in visitor.post("/payments/1/delete", {"reason": "x"}).text
    assert "no puede hacer esto" in visitor.post("/payments/1/method", {"method_id": "2"}).text
    assert visitor.post("/audit").status_code == 302
    assert auditing.last_run(money_town.store.read().__enter__(), money_town.now) is None


def test_every_report_has_its_files(visit: Callable[[str], Visitor], money_town: Town) -> None:
    visitor = visit("caja")
    for what in ("income", "receivables", "clients", "taxes"):
        table = visitor.get(f"/reports/{what}.csv?from=2026-02-01&to=2026-03-31").data.decode("utf-8-sig")
        assert len(table.splitlines()) > 1, what
        book = CalamineWorkbook.from_filelike(
            io.BytesIO(visitor.get(f"/reports/{what}.xlsx?from=2026-02-01&to=2026-03-31").data)
        )
        assert len(book.get_sheet_by_index(0).to_python()) == len(table.splitlines())
        picture = visitor.get(f"/reports/{what}.svg?from=2026-02-01&to=2026-03-31")
        assert picture.mimetype == "image/svg+xml"
        root = ET.fromstring(picture.data)
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
        assert len(root.findall(".//{http://www.w3.org/2000/svg}rect")) > 0
    owed = visitor.get("/reports/receivables/debtors.csv").data.decode("utf-8-sig")
    assert "Elías Soto" in owed


def test_income_on_the_page_is_the_registers(visit: Callable[[str], Visitor], money_town: Town) -> None:
    visitor = visit("caja")
    for by in ("day", "month", "method", "zone", "collector"):
        text = shown(visitor.text(f"/reports/income?by={by}&from=2026-02-01&to=2026-02-28"))
        assert re.search(r"Total 4 S/ 190\.00", text), by


@pytest.mark.timeout(100)
def test_the_page_lets_a_process_audit_and_shows_what_it_found(
    visit: Callable[[str], Visitor], money_town: Town
) -> None:
    visitor = visit("jefa")
    assert "Aún no hay auditoría" in visitor.text("/audit")
    with money_town.store.write() as session:
        session.execute(sql("UPDATE series SET next_number = 500 WHERE id = 1"))
    assert visitor.post("/audit").status_code == 302
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        text = visitor.get("/audit", headers={"HX-Request": "1"}).text
        if "every 2s" not in text:
            break
        time.sleep(0.2)
    assert "series.next" in text
    assert "500" in text
    again = visitor.post("/audit", follow_redirects=True).text
    assert "every 2s" in again
    assert "Ya hay una auditoría" in visitor.post("/audit", follow_redirects=True).text

"""The QR code on a paper is the code of its words, and can be told from its surroundings."""

from __future__ import annotations

from dataclasses import replace

import pytest
import segno

from daemon.papers import code
from daemon.papers.blocks import CODE_SIDE, MARGIN
from daemon.papers.book import invoice_pdf
from tests.papers.facts import BILL, HOUSE, needs_poppler, seen


def test_a_code_says_the_facts_the_portals_page_or_nothing() -> None:
    assert code.content(BILL, HOUSE) == "F001-000123|20100070970|2026-01-31|60.00"
    assert code.content(BILL, replace(HOUSE, currency="CLP")) == "F001-000123|20100070970|2026-01-31|6000"
    assert code.content(BILL, replace(HOUSE, qr="portal")) == "http://10.99.0.2:8081/invoices/7"
    assert code.content(replace(BILL, link=""), replace(HOUSE, qr="portal")) == ""
    assert code.content(BILL, replace(HOUSE, qr="none")) == ""


def test_what_no_small_code_can_hold_gets_none() -> None:
    assert code.content(replace(BILL, link="http://x/" + "a" * 400), replace(HOUSE, qr="portal")) == ""


@needs_poppler
@pytest.mark.parametrize("qr", ["facts", "portal"])
def test_each_module_on_the_paper_is_that_of_the_code(qr: str) -> None:
    house = replace(HOUSE, qr=qr)  # type: ignore[arg-type]
    dpi = 300
    paper = seen(invoice_pdf(BILL, house), dpi)
    matrix = segno.make_qr(code.content(BILL, house), error="m", mask=3, boost_error=False).matrix
    modules = len(matrix) + 8
    step = CODE_SIDE / modules * dpi / 72
    left = (595.28 - MARGIN - CODE_SIDE) / 72 * dpi
    # Where it begins: the first row of the finder pattern is seven dark modules wide.
    column = round(left + 4.5 * step)
    top = next(y for y in range(paper.height // 4, paper.height) if sum(paper.getpixel((column, y))) < 100)  # type: ignore[arg-type]
    found = [
        [int(sum(paper.getpixel((round(left + (4.5 + x) * step), round(top + (0.5 + y) * step)))) < 384)  # type: ignore[arg-type]
         for x in range(len(matrix))]
        for y in range(len(matrix))
    ]  # fmt: skip
    assert found == [[int(dark) for dark in row] for row in matrix]

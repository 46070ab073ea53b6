"""A company and an invoice to print, and how to read a paper back."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from datetime import date

import pytest
from PIL import Image, ImageDraw

from daemon.papers.bill import Bill, House, Movement, Person, Row
from daemon.papers.logo import Logo, read_logo

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="needs the Debian package poppler-utils"
)


def picture(width: int = 600, height: int = 200, kind: str = "PNG", mode: str = "RGB") -> bytes:
    """An uploaded picture: a blue disc on the left."""
    drawn = Image.new(mode, (width, height), "white" if mode == "RGB" else None)
    ImageDraw.Draw(drawn).ellipse((0, 0, height, height), fill=(20, 80, 200))
    out = io.BytesIO()
    drawn.save(out, kind)
    return out.getvalue()


def logo() -> Logo:
    """A logo as it is kept."""
    return read_logo(picture())


HOUSE = House(
    name="Fibra del Valle S.A.C.",
    currency="PEN",
    country="PE",
    language="es",
    tax_label="RUC",
    tax_id="20100070970",
    address="Jr. Progreso 123, Cajamarca",
    phone="01 555 0100",
    how_to_pay="Yape 900 000 100\nEn caja, de 8:00 a 18:00",
    footer="No es un comprobante electrónico",
    qr="facts",
)
BILL = Bill(
    number="F001-000123",
    kind="service",
    state="partly_paid",
    created=date(2026, 1, 31),
    due=date(2026, 2, 1),
    cycle=(date(2026, 2, 1), date(2026, 2, 28)),
    person=Person("María Ñahui Cárdenas", "40000001", "Av. Perú 456", "+51987654321"),
    rows=(Row("Plan 10M", 4237, 763, 5000, "Precio 50.00"), Row("Router en alquiler", 847, 153, 1000)),
    net=5084,
    tax=916,
    total=6000,
    to_pay=6500,
    left=4500,
    balances=(Movement("Mora de la factura F001-000100", 500),),
    payments=(Movement("Pago del 3 feb 2026, Efectivo, R-1", -2000),),
    why="Prepago: vence el día 1",
    link="http://10.99.0.2:8081/invoices/7",
)


def read(pdf: bytes, *options: str) -> str:
    """The text of a PDF as a reader sees it: one space between words, pages parted by form feeds."""
    done = subprocess.run(
        ["pdftotext", "-layout", *options, "-", "-"], input=pdf, capture_output=True, check=True, timeout=60
    )
    assert not done.stderr, done.stderr
    text = done.stdout.decode().replace("\u00a0", " ")
    return "\f".join(
        "\n".join(re.sub(r" +", " ", line).strip() for line in page.split("\n")) for page in text.split("\f")
    )


def pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    return read(pdf).split("\f")[:-1]


def seen(pdf: bytes, dpi: int = 100) -> Image.Image:
    """The first page as a picture."""
    done = subprocess.run(
        ["pdftoppm", "-r", str(dpi), "-f", "1", "-l", "1", "-png", "-"],
        input=pdf, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return Image.open(io.BytesIO(done.stdout)).convert("RGB")

"""Invoices on paper: a thousand of one page, as single files and as one, each with logo and a QR code of its own.

A third figure is the whole way: a month of a seeded provider, from the store's facts to the file on disk,
through the job that the daemon's worker does.

The peer is reportlab's own canvas that writes the same words at the same places, page for page, with nothing
around it: no layout, no logo, no code. It is the least that a PDF of these words costs with the library we use.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from daemon.office import job
from daemon.office.actor import SYSTEM
from daemon.office.logo import set_logo
from daemon.office.paper_batch import Wanted, ask_papers, make
from daemon.office.seed import seed
from daemon.papers.bill import Bill, House, Person
from daemon.papers.book import Book, invoice_pdf
from daemon.papers.face import Face
from daemon.papers.pen import Pen
from daemon.papers.sheet import lay_out
from daemon.store.engine import Store, sqlite_url
from daemon.store.migrate import upgrade
from daemon.store.seal import new_keys
from tests.bench.figure import Figure, alternating
from tests.papers.facts import BILL, HOUSE, logo, picture

COUNT = 1_000
#: Clients of the provider whose month is printed.
CLIENTS = 2_000
#: Seconds that a thousand one-page invoices may take.
ALLOWED = 5.0
#: Our layout, logo and code beside the bare words.
GOAL = 3.0


def bills() -> Iterator[Bill]:
    """A thousand invoices that differ in all that differs in life."""
    for place in range(COUNT):
        person = Person(f"María Ñahui {place}", f"{40_000_000 + place}", f"Av. Perú {place}", "+51987654321")
        yield replace(BILL, number=f"F001-{place:06d}", person=person, total=6_000 + place)


class _Noted(Pen):
    """A pen that notes the words it is asked to write."""

    def text(self, x: float, y: float, text: str, size: float, **words: Any) -> None:
        """Note a text where it begins."""
        bold = bool(words.get("bold"))
        wide = self.face.width(text, size, bold)
        x -= {"left": 0, "right": wide, "centre": wide / 2}[words.get("align", "left")]
        NOTED.append((x, y, text, self.face.bold if bold else self.face.regular, size))


NOTED: list[tuple[float, float, str, str, float]] = []


def words_of(bill: Bill, house: House) -> list[tuple[float, float, str, str, float]]:
    """The words of an invoice's one page with their places and fonts."""
    NOTED.clear()
    sheet = lay_out(bill, house)
    face: Face = sheet.frame.face
    sheet.draw(_Noted(Canvas(io.BytesIO()), face), 0)
    return list(NOTED)


def _bare(canvas: Canvas, words: list[tuple[float, float, str, str, float]]) -> None:
    for x, y, text, font, size in words:
        canvas.setFont(font, size)
        canvas.drawString(x, y, text)
    canvas.showPage()


def run() -> list[Figure]:
    """Seconds for a thousand, two ways, beside the bare canvas and beside what is allowed."""
    house = replace(HOUSE, logo=logo(), reasons=True)
    all_words = [words_of(bill, house) for bill in bills()]
    pages = len(lay_out(BILL, house).pages)
    if pages != 1:
        raise RuntimeError(f"the invoice of the benchmark has {pages} pages and must have one")

    def one_file() -> None:
        book = Book(io.BytesIO(), house)
        for bill in bills():
            book.add(bill)
        book.close()

    def bare_file() -> None:
        canvas = Canvas(io.BytesIO(), invariant=1, pageCompression=1)
        for words in all_words:
            _bare(canvas, words)
        canvas.save()

    def single_files() -> None:
        for bill in bills():
            invoice_pdf(bill, house)

    def bare_files() -> None:
        for words in all_words:
            canvas = Canvas(io.BytesIO(), invariant=1, pageCompression=1)
            _bare(canvas, words)
            canvas.save()

    figures: list[Figure] = []
    ways: list[tuple[str, Callable[[], None], Callable[[], None]]] = [
        ("1,000 invoices in one PDF", one_file, bare_file),
        ("1,000 invoices as single PDFs", single_files, bare_files),
    ]
    for name, ours, peer in ways:
        took, bare = alternating(ours, peer)
        figures.append(Figure(name, took, bare, "the same words on a bare reportlab canvas", "s", GOAL))
        figures.append(Figure(f"{name}: time allowed", took, ALLOWED, "the 5 s allowed", "s", 1.0))
    return [*figures, *whole_way()]


def whole_way() -> list[Figure]:
    """Seconds for each thousand of a month's invoices of a provider, from the store to the file."""
    now = datetime(2026, 11, 20, 15, tzinfo=UTC)
    figures = []
    with tempfile.TemporaryDirectory() as home:
        store = Store(sqlite_url(Path(home) / "store.db"))
        upgrade(store.url)
        seed(store, clients=CLIENTS, seed=1, now=now, admin_password="x" * 12, seal_public=new_keys()[1])
        with store.write() as session:
            set_logo(session, SYSTEM, now, picture())
        for form in ("pdf", "zip"):
            with store.write() as session:
                asked = ask_papers(session, SYSTEM, now, Wanted(now.date(), form=form))
                job.take(session, now, "bench")
            began = time.perf_counter()
            make(store, asked, "bench", Path(home), lambda: now)
            took = time.perf_counter() - began
            with store.read() as session:
                made = job.get_job(session, asked)
            if made.state != "done":
                raise RuntimeError(f"the job ended as {made.state}: {made.fault}")
            name = f"a month of the store's invoices as {form}, {made.total} of them, for each 1,000: time allowed"
            figures.append(Figure(name, took * COUNT / made.total, ALLOWED, "the 5 s allowed", "s", 1.0))
        store.dispose()
    return figures

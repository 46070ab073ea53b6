"""Papers in a file: one invoice, or many behind one another, with an outline to leaf through."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from daemon.papers.bill import Bill, House
from daemon.papers.pen import Pen
from daemon.papers.sheet import clean_house, lay_out
from daemon.papers.words import labels


class Book:
    """A PDF of invoices that is being written to `file`; `close` ends it.

    The same bills for the same house in the same order give the same bytes.
    """

    def __init__(self, file: BinaryIO, house: House, title: str = "") -> None:
        self.house = house
        self.pages = 0
        # Bytes as they are: written as letters (ASCII85) each page costs more than its drawing.
        rl_config.useA85 = 0
        # invariant: no date of its own and no random id, so that the bytes depend on the facts alone.
        self._canvas = Canvas(file, invariant=1, pageCompression=1, lang=house.language)
        self._canvas.setTitle(title or labels(house.language)["service"])
        self._canvas.setAuthor(clean_house(house).name)
        self._canvas.setCreator("Pregonero")

    def add(self, bill: Bill) -> int:
        """Add an invoice; gives the number of its pages."""
        sheet = lay_out(bill, self.house)
        canvas = self._canvas
        canvas.setPageSize(sheet.frame.page)
        mark = f"p{self.pages}"
        canvas.bookmarkPage(mark)
        canvas.addOutlineEntry(f"{sheet.frame.bill.number} {sheet.frame.bill.person.name}", mark, 0)
        for number in range(len(sheet.pages)):
            sheet.draw(Pen(canvas, sheet.frame.face), number)
            canvas.showPage()
        self.pages += len(sheet.pages)
        return len(sheet.pages)

    def close(self) -> None:
        """Write the file's end. A book without an invoice is refused (ValueError): it would be no PDF."""
        if not self.pages:
            raise ValueError("a book holds at least one invoice")
        self._canvas.save()


def invoice_pdf(bill: Bill, house: House) -> bytes:
    """One invoice as a PDF."""
    file = BytesIO()
    book = Book(file, house, f"{labels(house.language)[bill.kind]} {bill.number}")
    book.add(bill)
    book.close()
    return file.getvalue()

"""A pen over a page: texts with their size, colour and alignment, lines, boxes, codes, the logo."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Literal

from PIL import Image
from reportlab.lib.rl_accel import escapePDF
from reportlab.pdfbase.pdfdoc import PDFImageXObject
from reportlab.pdfgen.canvas import Canvas

from daemon.papers.code import squares
from daemon.papers.face import PLAIN, Face
from daemon.papers.logo import Logo

type Colour = tuple[float, float, float]

INK: Colour = (0.12, 0.14, 0.18)
GREY: Colour = (0.42, 0.45, 0.5)
PALE: Colour = (0.94, 0.95, 0.97)
RULE: Colour = (0.8, 0.82, 0.85)
ACCENT: Colour = (0.08, 0.25, 0.45)
WHITE: Colour = (1, 1, 1)
GREEN: Colour = (0.1, 0.5, 0.25)
RED: Colour = (0.72, 0.11, 0.11)
AMBER: Colour = (0.78, 0.38, 0.02)


@dataclass(slots=True)
class Pen:
    """Draws on one page of a canvas, in the fonts of one face. Points, from the lower left corner.

    It remembers its font and colour, so that a page does not say them anew for each word.
    """

    canvas: Canvas
    face: Face
    _font: tuple[str, float] | None = None
    _fill: Colour | None = None

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        bold: bool = False,
        colour: Colour = INK,
        align: Literal["left", "right", "centre"] = "left",
    ) -> None:
        """A line of text whose baseline begins, ends or has its middle at (x, y)."""
        if not text:
            return
        if align != "left":
            wide = self.face.width(text, size, bold)
            x -= wide if align == "right" else wide / 2
        self._colour(colour)
        font = (self.face.bold if bold else self.face.regular, size)
        if font != self._font:
            self.canvas.setFont(*font)
            self._font = font
        if self.face is PLAIN:
            # As reportlab writes it, less what it does for scripts and fonts that this face has not.
            self.canvas._code.append(f"BT 1 0 0 1 {x:.2f} {y:.2f} Tm ({_escaped(text)}) Tj ET")
        else:
            self.canvas.drawString(x, y, text)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle."""
        self._colour(colour)
        self.canvas.rect(x, y, width, height, stroke=0, fill=1)

    def rule(self, x: float, y: float, width: float, colour: Colour = RULE, thick: float = 0.5) -> None:
        """A level line."""
        self.canvas.setStrokeColorRGB(*colour)
        self.canvas.setLineWidth(thick)
        self.canvas.line(x, y, x + width, y)

    def stamp(self, x: float, y: float, text: str, colour: Colour, room: float) -> None:
        """A stamp, a little turned, with its middle at (x, y), as wide as its word but no wider than `room`."""
        size = self.face.fit(text, 24, room - 24, bold=True)
        wide = self.face.width(text, size, bold=True) + 20
        self.canvas.saveState()
        self.canvas.translate(x, y)
        self.canvas.rotate(8)
        self.canvas.setStrokeColorRGB(*colour)
        self.canvas.setLineWidth(2)
        self.canvas.roundRect(-wide / 2, -size * 0.68, wide, size * 1.36, 4)
        self.text(0, -size * 0.35, text, size, bold=True, colour=colour, align="centre")
        self._restore()

    def code(self, x: float, y: float, side: float, text: str) -> None:
        """A QR code in a square whose lower left corner is (x, y), its quiet zone included."""
        modules, drawn = squares(text)
        step = side / (modules + 8)  # four modules of quiet zone on each side
        self.canvas.saveState()
        self.canvas.translate(x + 4 * step, y + 4 * step)
        self.canvas.scale(step, step)
        self._colour((0, 0, 0))
        # Written as it stands: path by path it would take longer than all the rest of the page.
        self.canvas._code.append(f"{drawn}\nf")
        self._restore()

    def picture(self, x: float, y: float, width: float, height: float, logo: Logo) -> None:
        """The logo; its pixels stand once in a file, however many pages show it."""
        # reportlab would unpack and pack the picture anew in each file; here that is done once a process.
        document: Any = self.canvas._doc
        packed, mark = _packed(logo)
        if not document.hasForm(mark):
            image = PDFImageXObject(mark)
            image.width, image.height = logo.width, logo.height
            image.bitsPerComponent, image.colorSpace = 8, "DeviceRGB"
            image._filters, image.streamContent = ("FlateDecode",), packed
            document.addForm(mark, image)
        self.canvas.saveState()
        self.canvas.translate(x, y)
        self.canvas.scale(width, height)
        self.canvas._code.append(f"/{document.getXObjectName(mark)} Do")
        self._restore()
        self.canvas._formsinuse.append(mark)

    def _colour(self, colour: Colour) -> None:
        if colour != self._fill:
            self.canvas.setFillColorRGB(*colour)
            self._fill = colour

    def _restore(self) -> None:
        """Go back to the state that was saved, whose font and colour are not remembered."""
        self.canvas.restoreState()
        self._font = self._fill = None


@lru_cache(maxsize=20_000)
def _escaped(text: str) -> str:
    """A text as a PDF string of the encoding that Helvetica has in our files (WinAnsi, ISO 32000 7.3.4.2)."""
    return str(escapePDF(text.encode("cp1252")))


@lru_cache(maxsize=4)
def _packed(logo: Logo) -> tuple[bytes, str]:
    with Image.open(BytesIO(logo.content)) as picture:
        pixels = picture.convert("RGB").tobytes()
    return zlib.compress(pixels, 9), f"logo{zlib.crc32(pixels):08x}"

"""Fonts and the widths of words.

Papers are set in Helvetica, which every reader of PDF has, so that they stay small. One with a letter that
Helvetica's Latin-1 lacks (`ẽ` of Guaraní, `₡`, `Ł`) is set, whole, in DejaVu Sans Condensed, embedded.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

#: What stands for a letter that no font of ours has.
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Face:
    """A family: the registered names of its regular and its bold font."""

    regular: str
    bold: str

    def width(self, text: str, size: float, bold: bool = False) -> float:
        """How wide a text is, in points."""
        return _width(text, self.bold if bold else self.regular) * size

    def fit(self, text: str, size: float, room: float, bold: bool = False, least: float = 5.0) -> float:
        """The size at which a text fits a room: `size`, or smaller."""
        wide = self.width(text, size, bold)
        return size if wide <= room else max(least, size * room / wide)

    def wrap(self, text: str, size: float, room: float, bold: bool = False) -> tuple[str, ...]:
        """A text broken into lines of a room, between words, or within a word that alone is too wide."""
        return _wrap(self, text, size, room, bold)


PLAIN = Face("Helvetica", "Helvetica-Bold")
WIDE = Face("PregoneroSans", "PregoneroSans-Bold")


def face_for(text: str) -> Face:
    """The face that has the letters of a text; see `clean` for what no face has."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        _register()
        return WIDE
    return PLAIN


def clean(text: str) -> str:
    """A text as it can be set: composed letters, no control characters, `?` for what no font has."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text).replace("\u202f", "\u00a0")
    spaced = "".join(" " if unicodedata.category(mark) == "Cc" else mark for mark in composed)
    # Marks of direction and joining have no form of their own.
    bare = "".join(mark for mark in spaced if unicodedata.category(mark) != "Cf")
    try:
        bare.encode("cp1252")
    except UnicodeEncodeError:
        known = _register()
        return "".join(mark if ord(mark) in known else UNKNOWN for mark in bare)
    return bare


@lru_cache(maxsize=1)
def _register() -> frozenset[int]:
    """Make the embedded fonts known, once a process; gives the letters they have."""
    known: set[int] | None = None
    for name, file in (
        (WIDE.regular, "DejaVuSansCondensed.ttf"),
        (WIDE.bold, "DejaVuSansCondensed-Bold.ttf"),
    ):
        with (files("daemon.papers") / "fonts" / file).open("rb") as content:
            font = TTFont(name, content)
        pdfmetrics.registerFont(font)
        letters = set(font.face.charToGlyph)
        known = letters if known is None else known & letters
    return frozenset(known or ())


@lru_cache(maxsize=50_000)
def _width(text: str, font: str) -> float:
    return float(pdfmetrics.stringWidth(text, font, 1000)) / 1000


@lru_cache(maxsize=5_000)
def _wrap(face: Face, text: str, size: float, room: float, bold: bool) -> tuple[str, ...]:
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if face.width(longer, size, bold) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while len(line) > 1 and face.width(line, size, bold) > room:
            fits = _fitting(face, line, size, room, bold)
            lines.append(line[:fits])
            line = line[fits:]
    return (*lines, line) if line or not lines else tuple(lines)


def _fitting(face: Face, word: str, size: float, room: float, bold: bool) -> int:
    """How many letters of a word fit, at least one."""
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        if face.width(word[:middle], size, bold) <= room:
            low = middle
        else:
            high = middle - 1
    return low

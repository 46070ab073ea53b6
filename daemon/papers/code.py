"""QR codes: what they say, and the squares that draw them."""

from __future__ import annotations

from functools import lru_cache

import segno

from daemon.papers.bill import Bill, House
from daemon.rules.money import CURRENCIES, plain

#: Bytes that a code on paper may hold at the size it is printed in; what is longer gets no code.
LONGEST = 250


def content(bill: Bill, house: House) -> str:
    """What the code of an invoice says: its page on the portal, or `number|tax id|date|total`; "" for no code."""
    if house.qr == "portal":
        said = bill.link
    elif house.qr == "facts":
        total = plain(bill.total, CURRENCIES[house.currency])
        said = "|".join((bill.number, house.tax_id, bill.created.isoformat(), total))
    else:
        said = ""
    return said if len(said.encode()) <= LONGEST else ""


@lru_cache(maxsize=256)
def squares(text: str) -> tuple[int, str]:
    """Modules a side, and the dark ones as PDF rectangles in units of a module, the lower left at (0, 0).

    Error correction M (ISO/IEC 18004). The mask is fixed: choosing among the eight costs four times as much,
    and any of them may be read.
    """
    code = segno.make_qr(text, error="m", mask=3, boost_error=False)
    side = len(code.matrix)
    drawn: list[str] = []
    for place, row in enumerate(code.matrix, 1):
        start: int | None = None
        for column, dark in enumerate((*row, 0)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                drawn.append(f"{start} {side - place} {column - start} 1 re")
                start = None
    return side, "\n".join(drawn)

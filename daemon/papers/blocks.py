"""The parts of a paper as blocks: how high each is, and how it is drawn below a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from daemon.papers import code, figures
from daemon.papers.bill import Bill, House
from daemon.papers.face import Face
from daemon.papers.pen import ACCENT, AMBER, GREEN, GREY, INK, PALE, RED, WHITE, Pen

#: Pages in points: ISO 216 A4, ANSI A (letter).
PAGES = {"A4": (595.28, 841.89), "letter": (612.0, 792.0)}
MARGIN = 42.0
GAP = 8.0
SIZE, SMALL, TINY = 9.0, 8.0, 6.8
LEADING = 1.3
CODE_SIDE = 96.0
LOGO_WIDE, LOGO_HIGH = 130.0, 56.0
CARD_WIDE = 178.0
STAMP_WIDE = 150.0
#: A line's name keeps at least this room beside the columns of amounts.
LEAST_NAME = 120.0


@dataclass(frozen=True, slots=True)
class Block:
    """Something of a height in points; `draw(pen, top)` draws it below `top`. `stay`: on the page of the next."""

    height: float
    draw: Callable[[Pen, float], None]
    stay: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Right edges and widths of the columns net, tax, total."""

    edges: tuple[float, float, float]
    name_wide: float
    size: float


@dataclass(frozen=True, slots=True)
class Frame:
    """What all blocks of a paper share. All texts of `bill` and `house` are clean (`face.clean`)."""

    bill: Bill
    house: House
    words: dict[str, str]
    face: Face

    @property
    def page(self) -> tuple[float, float]:
        """Width and height of a page."""
        return PAGES[self.house.page_size]

    @property
    def wide(self) -> float:
        """Width between the margins."""
        return self.page[0] - 2 * MARGIN

    @property
    def right(self) -> float:
        """The right margin."""
        return self.page[0] - MARGIN

    def money(self, minor: int) -> str:
        """An amount."""
        return figures.money(minor, self.house.currency, self.house.country).replace("\u202f", "\u00a0")

    def day(self, value: date) -> str:
        """A day."""
        return figures.day(value, self.house.language, self.house.country)


def head(frame: Frame) -> Block:
    """Logo, company, and the card with number and days."""
    house, face, logo = frame.house, frame.face, frame.house.logo
    shrink = min(LOGO_WIDE / logo.width, LOGO_HIGH / logo.height, 0.5) if logo else 0
    picture = (logo.width * shrink, logo.height * shrink) if logo else (0.0, 0.0)
    left = MARGIN + (picture[0] + 12 if logo else 0)
    room = frame.right - CARD_WIDE - 14 - left
    name = face.wrap(house.name, 13, room, True)
    tax = f"{house.tax_label} {house.tax_id}".strip() if house.tax_id else ""
    phone = f"{frame.words['phone']} {house.phone}" if house.phone else ""
    about = [line for text in (tax, house.address, phone) if text for line in face.wrap(text, SMALL, room)]
    card = _card_rows(frame)
    card_high = 47 + 12.5 * len(card)
    text_high = 15 * len(name) + SMALL * LEADING * len(about)

    def draw(pen: Pen, top: float) -> None:
        if logo:
            pen.picture(MARGIN, top - picture[1], *picture, logo)
        y = top - 11
        for line in name:
            pen.text(left, y, line, 13, bold=True, colour=ACCENT)
            y -= 15
        for line in about:
            pen.text(left, y, line, SMALL, colour=GREY)
            y -= SMALL * LEADING
        _card(frame, card, pen, top, card_high)

    return Block(max(picture[1], text_high, card_high) + 14, draw)


def _card_rows(frame: Frame) -> list[tuple[str, str]]:
    bill, words = frame.bill, frame.words
    rows = [(words["created"], frame.day(bill.created))]
    if bill.due:
        rows.append((words["due"], frame.day(bill.due)))
    if bill.cycle:
        rows.append((words["cycle"], " – ".join(frame.day(end) for end in bill.cycle)))
    return rows


def _card(frame: Frame, rows: Sequence[tuple[str, str]], pen: Pen, top: float, high: float) -> None:
    x, inner = frame.right - CARD_WIDE, CARD_WIDE - 20
    pen.box(x, top - high, CARD_WIDE, high, PALE)
    pen.text(x + 10, top - 15, frame.words[frame.bill.kind], SMALL, colour=GREY)
    size = frame.face.fit(frame.bill.number, 17, inner, bold=True)
    pen.text(x + 10, top - 33, frame.bill.number, size, bold=True)
    y = top - 49
    for label, value in rows:
        pen.text(x + 10, y, label, SMALL, colour=GREY)
        room = inner - frame.face.width(label, SMALL) - 6
        pen.text(x + CARD_WIDE - 10, y, value, frame.face.fit(value, SMALL, room), align="right")
        y -= 12.5


def client(frame: Frame) -> Block:
    """Whom it is for, with the stamp beside it."""
    person, words, face, bill = frame.bill.person, frame.words, frame.face, frame.bill
    room = frame.wide - STAMP_WIDE - 16
    name = face.wrap(person.name, 11, room, True)
    document = f"{words['document']} {person.document_id}" if person.document_id else ""
    phone = f"{words['phone']} {person.phone}" if person.phone else ""
    about = [" · ".join(part for part in (document, phone) if part), person.address]
    lines = [line for text in about if text for line in face.wrap(text, SIZE, room)]
    stamp = {"paid": GREEN, "void": RED, "overdue": AMBER}.get(bill.state)
    high = 13 + 14 * len(name) + SIZE * LEADING * len(lines)

    def draw(pen: Pen, top: float) -> None:
        pen.text(MARGIN, top - 7, words["client"], SMALL, colour=GREY)
        y = top - 21
        for line in name:
            pen.text(MARGIN, y, line, 11, bold=True)
            y -= 14
        for line in lines:
            pen.text(MARGIN, y, line, SIZE)
            y -= SIZE * LEADING
        if stamp:
            middle = frame.right - STAMP_WIDE / 2
            pen.stamp(middle, top - 26, words[bill.state].upper(), stamp, STAMP_WIDE)
            if bill.voided:
                said = words["void_on"].format(day=frame.day(bill.voided))
                pen.text(middle, top - 56, said, SMALL, colour=GREY, align="centre")

    return Block(max(high, 60 if stamp else 0) + 12, draw)


def columns(frame: Frame) -> Columns:
    """Columns as wide as their widest amount; smaller letters where names would have no room."""
    bill, face = frame.bill, frame.face
    taken = [
        [frame.money(getattr(one, part)) for one in (*bill.rows, bill)] + [frame.words[part]]
        for part in ("net", "tax", "total")
    ]
    size = SIZE
    while True:
        widths = [max(face.width(text, size, True) for text in column) + 14 for column in taken]
        if frame.wide - sum(widths) >= LEAST_NAME or size <= 5:
            break
        size -= 0.5
    total = frame.right - 6
    edges = (total - widths[2] - widths[1], total - widths[2], total)
    return Columns(edges, frame.wide - sum(widths) - 12, size)


def table_head(frame: Frame, cols: Columns) -> Block:
    """The band over the lines, on each page that has some."""

    def draw(pen: Pen, top: float) -> None:
        pen.box(MARGIN, top - 17, frame.wide, 17, ACCENT)
        pen.text(MARGIN + 6, top - 12, frame.words["what"], SMALL, bold=True, colour=WHITE)
        for part, edge in zip(("net", "tax", "total"), cols.edges, strict=True):
            pen.text(edge, top - 12, frame.words[part], SMALL, bold=True, colour=WHITE, align="right")

    return Block(19, draw, stay=True)


def rows(frame: Frame, cols: Columns) -> Iterator[Block]:
    """A block for each line of the invoice; where asked, with its reason in small print."""
    for row in frame.bill.rows:
        name = frame.face.wrap(row.name, SIZE, cols.name_wide)
        why = frame.face.wrap(row.why, TINY, cols.name_wide) if frame.house.reasons and row.why else ()
        amounts = tuple(frame.money(amount) for amount in (row.net, row.tax, row.total))
        high = SIZE * LEADING * len(name) + TINY * LEADING * len(why) + 5

        def draw(
            pen: Pen,
            top: float,
            name: tuple[str, ...] = name,
            why: tuple[str, ...] = why,
            amounts: tuple[str, ...] = amounts,
            high: float = high,
        ) -> None:
            y = top - SIZE - 1
            for edge, amount in zip(cols.edges, amounts, strict=True):
                pen.text(edge, y, amount, cols.size, align="right")
            for line in name:
                pen.text(MARGIN + 6, y, line, SIZE)
                y -= SIZE * LEADING
            for line in why:
                pen.text(MARGIN + 6, y + 1, line, TINY, colour=GREY)
                y -= TINY * LEADING
            pen.rule(MARGIN, top - high, frame.wide)

        yield Block(high, draw)


def totals(frame: Frame, cols: Columns) -> Block:
    """Net, tax and total under their columns."""
    bill = frame.bill

    def draw(pen: Pen, top: float) -> None:
        y = top - SIZE - 3
        pen.text(MARGIN + 6, y, frame.words["total"], SIZE, bold=True)
        for edge, amount in zip(cols.edges, (bill.net, bill.tax, bill.total), strict=True):
            pen.text(edge, y, frame.money(amount), cols.size, bold=True, align="right")

    return Block(SIZE * LEADING + 8, draw, stay=True)


def movements(frame: Frame) -> Iterator[Block]:
    """Balances that landed, what is to pay after them, payments, and what is left in a band."""
    bill, words = frame.bill, frame.words
    for one in bill.balances:
        yield _movement(frame, one.name, one.amount)
    if bill.balances:
        yield _movement(frame, words["to_pay"], bill.to_pay, bold=True)
    for one in bill.payments:
        yield _movement(frame, one.name, one.amount)
    yield _band(frame)


def _movement(frame: Frame, name: str, amount: int, *, bold: bool = False) -> Block:
    said = frame.money(amount)
    room = frame.wide - 12 - frame.face.width(said, SIZE, bold) - 16
    lines = frame.face.wrap(name, SIZE, room, bold)

    def draw(pen: Pen, top: float) -> None:
        y = top - SIZE - 1
        pen.text(frame.right - 6, y, said, SIZE, bold=bold, align="right")
        for line in lines:
            pen.text(MARGIN + 6, y, line, SIZE, bold=bold, colour=INK if bold else GREY)
            y -= SIZE * LEADING

    return Block(SIZE * LEADING * len(lines) + 3, draw, stay=True)


def _band(frame: Frame) -> Block:
    bill = frame.bill
    label = frame.words["void" if bill.state == "void" else "paid" if bill.left <= 0 else "left"]
    colour = {"void": RED, "paid": GREEN}.get(bill.state, ACCENT)

    def draw(pen: Pen, top: float) -> None:
        pen.box(MARGIN, top - 26, frame.wide, 22, colour)
        pen.text(MARGIN + 6, top - 19, label, 11, bold=True, colour=WHITE)
        pen.text(
            frame.right - 6,
            top - 19,
            frame.money(max(0, bill.left)),
            11,
            bold=True,
            colour=WHITE,
            align="right",
        )

    return Block(36, draw)


def foot(frame: Frame) -> Iterator[Block]:
    """How to pay beside the QR code, the rest of it below; the reason of the invoice in small print."""
    said = code.content(frame.bill, frame.house)
    room = frame.wide - (CODE_SIDE + 16 if said else 0)
    pay = _how_to_pay(frame, room)
    step = SIZE * LEADING
    beside = int((CODE_SIDE - 18) // step) if said else 0
    first, rest = pay[:beside], pay[beside:]
    if said:
        yield _code_block(frame, said, first)
    elif rest:
        yield Block(16, lambda pen, top: _pay_title(frame, pen, top), stay=True)
    for line in rest:
        yield Block(step, lambda pen, top, line=line: pen.text(MARGIN, top - SIZE, line, SIZE))  # type: ignore[misc]
    if frame.house.reasons and frame.bill.why:
        yield Block(GAP, lambda pen, top: None, stay=True)
        for line in frame.face.wrap(frame.bill.why, TINY, frame.wide):
            yield Block(
                TINY * LEADING,
                lambda pen, top, line=line: pen.text(MARGIN, top - TINY, line, TINY, colour=GREY),  # type: ignore[misc]
            )


def _how_to_pay(frame: Frame, room: float) -> list[str]:
    if frame.bill.left <= 0 or not frame.house.how_to_pay.strip():
        return []
    parts = frame.house.how_to_pay.strip().split("\n")
    return [line for part in parts for line in frame.face.wrap(part, SIZE, room)]


def _pay_title(frame: Frame, pen: Pen, top: float) -> None:
    pen.text(MARGIN, top - 10, frame.words["how_to_pay"], SIZE, bold=True, colour=ACCENT)


def _code_block(frame: Frame, said: str, lines: Sequence[str]) -> Block:
    caption = frame.face.wrap(frame.words[f"scan_{frame.house.qr}"], TINY, CODE_SIDE)

    def draw(pen: Pen, top: float) -> None:
        pen.code(frame.right - CODE_SIDE, top - CODE_SIDE, CODE_SIDE, said)
        y = top - CODE_SIDE - 4
        for line in caption:
            pen.text(frame.right - CODE_SIDE / 2, y, line, TINY, colour=GREY, align="centre")
            y -= TINY * LEADING
        if lines:
            _pay_title(frame, pen, top)
        y = top - 18 - SIZE
        for line in lines:
            pen.text(MARGIN, y, line, SIZE)
            y -= SIZE * LEADING

    return Block(CODE_SIDE + TINY * LEADING * len(caption) + GAP, draw)

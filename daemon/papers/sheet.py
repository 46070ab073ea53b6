"""One invoice laid out on its pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from daemon.papers import blocks, figures
from daemon.papers.bill import Bill, House, Movement, Person, Row
from daemon.papers.blocks import GAP, MARGIN, SMALL, TINY, Block, Columns, Frame
from daemon.papers.face import clean, face_for
from daemon.papers.pen import GREY, Pen
from daemon.papers.words import labels

FOOT = 30.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A block with the height on its page at which it begins."""

    top: float
    block: Block


@dataclass(frozen=True, slots=True)
class Sheet:
    """An invoice laid out: what stands on each of its pages."""

    frame: Frame
    pages: tuple[tuple[Placed, ...], ...]

    def draw(self, pen: Pen, number: int) -> None:
        """Draw page `number`, from 0."""
        for placed in self.pages[number]:
            placed.block.draw(pen, placed.top)
        frame = self.frame
        said = frame.words["page"].format(page=number + 1, pages=len(self.pages))
        pen.rule(MARGIN, MARGIN + 12, frame.wide)
        pen.text(frame.right, MARGIN, said, TINY, colour=GREY, align="right")
        room = frame.wide - frame.face.width(said, TINY) - 12
        for place, line in enumerate(frame.face.wrap(frame.house.footer, TINY, room)[:3]):
            pen.text(MARGIN, MARGIN - place * TINY * 1.2, line, TINY, colour=GREY)


def lay_out(bill: Bill, house: House) -> Sheet:
    """Put an invoice on as many pages as it takes. No text is lost, however long; none runs out of its room."""
    house, bill = clean_house(house), _clean_bill(bill)
    words = labels(house.language)
    frame = Frame(bill, house, words, face_for(_all_text(bill, house)))
    return Sheet(frame, _paginate(frame))


def _paginate(frame: Frame) -> tuple[tuple[Placed, ...], ...]:
    cols = blocks.columns(frame)
    head = blocks.table_head(frame, cols)
    floor = MARGIN + FOOT
    pages: list[list[Placed]] = [[]]
    top = frame.page[1] - MARGIN
    waiting: list[Block] = []
    for block, in_table in _stream(frame, cols, head):
        waiting.append(block)
        # What stays with the next waits for it; a run of these that no page could hold is let go in pieces.
        high = sum(one.height for one in waiting)
        if block.stay and high < (frame.page[1] - 2 * MARGIN) / 2:
            continue
        if top - high < floor and pages[-1]:
            pages.append([])
            top = frame.page[1] - MARGIN
            again = [_goes_on(frame)]
            if in_table and waiting[0] is not head:
                again.append(head)
            waiting = again + waiting
        for one in waiting:
            pages[-1].append(Placed(top, one))
            top -= one.height
        waiting = []
    return tuple(tuple(page) for page in pages)


def _stream(frame: Frame, cols: Columns, head: Block) -> Iterator[tuple[Block, bool]]:
    """The blocks of a paper in their order, each with whether it stands under the head of the table."""
    yield blocks.head(frame), False
    yield blocks.client(frame), False
    yield head, True
    for row in blocks.rows(frame, cols):
        yield row, True
    yield blocks.totals(frame, cols), True
    for movement in blocks.movements(frame):
        yield movement, False
    for block in blocks.foot(frame):
        yield block, False


def _goes_on(frame: Frame) -> Block:
    said = frame.words["goes_on"].format(title=frame.words[frame.bill.kind], number=frame.bill.number)

    def draw(pen: Pen, top: float) -> None:
        size = frame.face.fit(said, SMALL, frame.wide / 2)
        pen.text(frame.right, top - SMALL, said, size, colour=GREY, align="right")
        name = frame.face.wrap(frame.house.name, SMALL, frame.wide / 2 - GAP, True)[0]
        pen.text(MARGIN, top - SMALL, name, SMALL, bold=True, colour=GREY)

    return Block(20, draw)


def clean_house(house: House) -> House:
    """The company with all its texts as they can be set."""
    pay = "\n".join(clean(line) for line in house.how_to_pay.replace("\r", "").split("\n"))
    return replace(
        house,
        name=clean(house.name),
        tax_label=clean(house.tax_label),
        tax_id=clean(house.tax_id),
        address=clean(house.address),
        phone=clean(house.phone),
        footer=clean(house.footer),
        how_to_pay=pay,
    )


def _clean_bill(bill: Bill) -> Bill:
    person = bill.person
    return replace(
        bill,
        number=clean(bill.number),
        person=Person(
            clean(person.name), clean(person.document_id), clean(person.address), clean(person.phone)
        ),
        rows=tuple(Row(clean(row.name), row.net, row.tax, row.total, clean(row.why)) for row in bill.rows),
        balances=tuple(Movement(clean(one.name), one.amount) for one in bill.balances),
        payments=tuple(Movement(clean(one.name), one.amount) for one in bill.payments),
        why=clean(bill.why),
    )


def _all_text(bill: Bill, house: House) -> str:
    person = bill.person
    amounts = figures.money(bill.total, house.currency, house.country).replace("\u202f", "")
    parts = [
        house.name, house.tax_label, house.tax_id, house.address, house.phone, house.how_to_pay, house.footer,
        bill.number, person.name, person.document_id, person.address, person.phone, bill.why, amounts,
    ]  # fmt: skip
    parts += [text for row in bill.rows for text in (row.name, row.why)]
    parts += [one.name for one in (*bill.balances, *bill.payments)]
    return "".join(parts)

"""How invoices look on paper: the choices of the company."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from daemon.office import change
from daemon.office.actor import Actor
from daemon.office.text import clean
from daemon.rules.refusal import Collector
from daemon.store.paper import PAGE_SIZES, QR_CONTENTS, PaperStyle


def get_style(session: Session) -> PaperStyle:
    """The choices; the defaults when none were made. The row belongs to no session."""
    row = session.get(PaperStyle, 1)
    return row or PaperStyle(id=1, page_size="A4", qr="portal", reasons=False, footer="")


def edit_style(
    session: Session, actor: Actor, now: datetime, *, page_size: str, qr: str, reasons: bool, footer: str
) -> None:
    """Choose the page's size (A4, letter), what the QR code says, reasons in small print, a sentence at the foot."""
    actor.check("company")
    refusals = Collector()
    if page_size not in PAGE_SIZES:
        refusals.add("page_size", "Choose A4 or letter")
    if qr not in QR_CONTENTS:
        refusals.add("qr", "Choose what the code says")
    with refusals.of("footer"):
        footer = clean(footer, "footer", 300)
    refusals.settle()
    row = get_style(session)
    before = change.columns(row)
    row.page_size, row.qr, row.reasons, row.footer = page_size, qr, reasons, footer
    session.add(row)
    session.flush()
    change.record(session, actor, now, "paper_style", 1, "edit", before, change.columns(row))

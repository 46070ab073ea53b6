"""How invoices look on paper: the company's logo, and the choices of the papers' page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base

PAGE_SIZES = ("A4", "letter")
QR_CONTENTS = ("portal", "facts", "none")


class PaperStyle(Base):
    """What stands on an invoice's paper besides its facts (one row, id 1; no row: the defaults).

    `qr`: the invoice's page on the portal, its number|tax id|date|total, or nothing. `reasons`: the why of
    each line in small print. `footer` is a sentence at the foot of every page.
    """

    __tablename__ = "paper_style"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("page_size IN ('A4', 'letter')", name="page_size"),
        CheckConstraint("qr IN ('portal', 'facts', 'none')", name="qr"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    page_size: Mapped[str] = mapped_column(String(10), default="A4")
    qr: Mapped[str] = mapped_column(String(10), default="portal")
    reasons: Mapped[bool] = mapped_column(default=False)
    footer: Mapped[str] = mapped_column(String(300), default="")


class Logo(Base):
    """The company's logo (one row, id 1), as `daemon.papers.logo` made it of what was uploaded: a PNG."""

    __tablename__ = "logo"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int]
    height: Mapped[int]
    at: Mapped[datetime]

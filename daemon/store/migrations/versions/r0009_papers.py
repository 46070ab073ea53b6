"""Invoices on paper: the logo, how papers look, long work done aside, and a choice among number series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("done_at IS NULL")


def upgrade() -> None:
    op.add_column("company", sa.Column("country", sa.String(length=2), nullable=False, server_default=""))
    op.create_table(
        "paper_style",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("page_size", sa.String(length=10), nullable=False),
        sa.Column("qr", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.Boolean(), nullable=False),
        sa.Column("footer", sa.String(length=300), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_paper_style_one_row"),
        sa.CheckConstraint("page_size IN ('A4', 'letter')", name="ck_paper_style_page_size"),
        sa.CheckConstraint("qr IN ('portal', 'facts', 'none')", name="ck_paper_style_qr"),
        sa.PrimaryKeyConstraint("id", name="pk_paper_style"),
    )
    op.create_table(
        "logo",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_logo_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_logo"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.JSON(), nullable=True),
        sa.Column("file", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_open", "job", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    _series()


def _series() -> None:
    """Each kind of invoice has the series that its default says; until now they were known by name."""
    op.add_column("series", sa.Column("default_for", sa.String(length=10), nullable=True))
    op.add_column("series", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("uq_series_default_for", "series", ["default_for"], unique=True)
    # The month's papers go by the day an invoice was made.
    op.create_index("ix_invoice_created_at", "invoice", ["created_at", "id"])
    series = sa.table(
        "series",
        sa.column("name", sa.String()),
        sa.column("prefix", sa.String()),
        sa.column("next_number", sa.Integer()),
        sa.column("default_for", sa.String()),
    )
    known = {row.name for row in op.get_bind().execute(sa.select(series.c.name))}
    for kind, prefix in (("service", ""), ("free", "L-")):
        if kind in known:
            op.execute(series.update().where(series.c.name == kind).values(default_for=kind))
        else:
            op.execute(series.insert().values(name=kind, prefix=prefix, next_number=1, default_for=kind))

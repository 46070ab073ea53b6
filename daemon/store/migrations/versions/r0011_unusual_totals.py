"""Runs that would bill an unusual total wait for a person (law 6)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OPEN = sa.text("released_at IS NULL")


def upgrade() -> None:
    op.add_column("company", sa.Column("hold_totals", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("standing", sa.Column("next_bill_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "bill_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("mean", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.JSON(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bill_run"),
        sa.UniqueConstraint("at", name="uq_bill_run_at"),
    )
    op.create_table(
        "held_bill",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_held_bill_client_id"),
        sa.ForeignKeyConstraint(["run_id"], ["bill_run.id"], name="fk_held_bill_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_held_bill"),
    )
    op.create_index("ix_held_bill_run_id", "held_bill", ["run_id"], unique=False)
    op.create_index(
        "uq_held_bill_client",
        "held_bill",
        ["client_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )

"""Audits asked for on a page; indexes by which the register and the reports find and add up payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found", sa.Integer(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_run"),
    )
    op.drop_index("ix_ledger_payment", "ledger")
    _partial("ix_ledger_payment", "ledger", ["payment_id", "amount"], "payment_id IS NOT NULL")
    _partial("ix_payment_deleted", "payment", ["at", "id"], "deleted_at IS NOT NULL")
    op.create_index("ix_payment_sums", "payment", ["at", "deleted_at", "method_id", "amount"])
    op.create_index("ix_payment_actor", "payment", ["actor", "at", "id"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

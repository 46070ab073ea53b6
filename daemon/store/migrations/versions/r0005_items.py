"""Items beside the internet (recurring, one-off, VoIP), and changes of services from a day on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_LIVE = sa.text("removed_at IS NULL AND invoice_id IS NULL")
_BILLED = sa.text("invoice_id IS NOT NULL")
_OPEN = sa.text("done_at IS NULL AND cancelled_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("category", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("invoice_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('recurring', 'one_off', 'voip')", name="ck_item_kind"),
        sa.CheckConstraint("category IN ('equipment', 'audio_video', 'other')", name="ck_item_category"),
        sa.CheckConstraint("price >= 0", name="ck_item_price"),
        sa.CheckConstraint(
            "ends_on IS NULL OR (kind <> 'one_off' AND ends_on >= starts_on)", name="ck_item_ends_on"
        ),
        sa.CheckConstraint("kind = 'one_off' OR invoice_id IS NULL", name="ck_item_invoice"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_item_client_id"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_item_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_item"),
    )
    op.create_index("ix_item_live", "item", ["client_id"], sqlite_where=_LIVE, postgresql_where=_LIVE)
    op.create_index("ix_item_invoice", "item", ["invoice_id"], sqlite_where=_BILLED, postgresql_where=_BILLED)
    op.create_index("ix_item_client", "item", ["client_id", "id"])
    # Alembic adds no column with a foreign key on SQLite; this form both databases understand.
    op.execute(
        "ALTER TABLE invoice_line ADD COLUMN item_id INTEGER "
        "CONSTRAINT fk_invoice_line_item_id REFERENCES item (id)"
    )
    op.create_table(
        "service_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("price IS NULL OR price >= 0", name="ck_service_change_price"),
        sa.ForeignKeyConstraint(["service_id"], ["internet_service.id"], name="fk_service_change_service_id"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_service_change_plan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_service_change"),
    )
    op.create_index(
        "uq_service_change_open",
        "service_change",
        ["service_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_service_change_open_day",
        "service_change",
        ["on_day"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )

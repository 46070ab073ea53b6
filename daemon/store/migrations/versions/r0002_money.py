"""Money: billing settings, invoices, payments, the ledger, suspensions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "billing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(length=10), nullable=True),
        sa.Column("payment_day", sa.Integer(), nullable=True),
        sa.Column("create_days_before", sa.Integer(), nullable=True),
        sa.Column("tax", sa.String(length=10), nullable=True),
        sa.Column("grace_days", sa.Integer(), nullable=True),
        sa.Column("cut_after_months", sa.Integer(), nullable=True),
        sa.Column("late_fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("late_fee_basis_points", sa.Integer(), nullable=True),
        sa.Column("reconnection_fee", sa.BigInteger(), nullable=True),
        sa.Column("screen_notice_days", sa.Integer(), nullable=True),
        sa.Column("reminders", sa.JSON(), nullable=True),
        sa.Column("first_cycle", sa.String(length=10), nullable=True),
        sa.Column("fixed_date", sa.Date(), nullable=True),
        sa.CheckConstraint("first_cycle IN ('full', 'prorated', 'none')", name="ck_billing_first_cycle"),
        sa.CheckConstraint("mode IN ('prepaid', 'postpaid')", name="ck_billing_mode"),
        sa.CheckConstraint("tax IN ('included', 'added', 'none')", name="ck_billing_tax"),
        sa.CheckConstraint("payment_day BETWEEN 1 AND 31", name="ck_billing_payment_day"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_billing_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_billing"),
        sa.UniqueConstraint("client_id", name="uq_billing_client_id"),
    )
    op.create_index(
        "uq_billing_company",
        "billing",
        [sa.text("(client_id IS NULL)")],
        unique=True,
        sqlite_where=sa.text("client_id IS NULL"),
        postgresql_where=sa.text("client_id IS NULL"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("name", name="uq_series_name"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cycle_start", sa.Date(), nullable=True),
        sa.Column("cycle_end", sa.Date(), nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("to_pay", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_fee", sa.BigInteger(), nullable=True),
        sa.Column("forgiven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "kind = 'free' OR (cycle_start IS NOT NULL AND cycle_end >= cycle_start)", name="ck_invoice_cycle"
        ),
        sa.CheckConstraint("kind IN ('service', 'free')", name="ck_invoice_kind"),
        sa.CheckConstraint("to_pay >= 0", name="ck_invoice_to_pay"),
        sa.CheckConstraint("total = net + tax", name="ck_invoice_total"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_invoice_client_id"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_invoice_series_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
        sa.UniqueConstraint("series_id", "number", name="uq_invoice_series_id_number"),
    )
    op.create_index(
        "ix_invoice_open",
        "invoice",
        ["client_id"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "uq_invoice_service_cycle",
        "invoice",
        ["client_id", "cycle_start"],
        unique=True,
        sqlite_where=sa.text("kind = 'service'"),
        postgresql_where=sa.text("kind = 'service'"),
    )
    op.create_table(
        "passed_cycle",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("cycle_start", sa.Date(), nullable=False),
        sa.Column("cycle_end", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_passed_cycle_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_passed_cycle"),
        sa.UniqueConstraint("client_id", "cycle_start", name="uq_passed_cycle_client_id_cycle_start"),
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_invoice_line_invoice_id"),
        sa.ForeignKeyConstraint(["service_id"], ["internet_service.id"], name="fk_invoice_line_service_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_line"),
        sa.UniqueConstraint("invoice_id", "place", name="uq_invoice_line_invoice_id_place"),
    )
    op.create_table(
        "payment_method",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_payment_method"),
        sa.UniqueConstraint("name", name="uq_payment_method_name"),
    )
    op.create_table(
        "promise",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("invoices", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broken", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_promise_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_promise"),
    )
    op.create_index(
        "uq_promise_open",
        "promise",
        ["client_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("method_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_why", sa.JSON(), nullable=True),
        sa.CheckConstraint("amount > 0", name="ck_payment_amount"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_payment_client_id"),
        sa.ForeignKeyConstraint(["method_id"], ["payment_method.id"], name="fk_payment_method_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
    )
    op.create_index("ix_payment_at", "payment", ["at", "id"], unique=False)
    op.create_index("ix_payment_client_at", "payment", ["client_id", "at"], unique=False)
    op.create_index(
        "uq_payment_reference",
        "payment",
        ["reference"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND reference <> ''"),
        postgresql_where=sa.text("deleted_at IS NULL AND reference <> ''"),
    )
    op.create_table(
        "suspension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.CheckConstraint("\"action\" IN ('suspend', 'lift')", name="ck_suspension_action"),
        sa.CheckConstraint("\"by\" IN ('auto', 'manual')", name="ck_suspension_by"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_suspension_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_suspension"),
    )
    op.create_index("ix_suspension_client_at", "suspension", ["client_id", "at"], unique=False)
    op.create_table(
        "standing",
        sa.Column("client_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=10), nullable=True),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("debt", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("next_cut_on", sa.Date(), nullable=True),
        sa.Column("next_cut_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("billed_through", sa.Date(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'suspended', 'retired')", name="ck_standing_state"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_standing_client_id"),
        sa.PrimaryKeyConstraint("client_id", name="pk_standing"),
    )
    op.create_index(
        "ix_standing_debt",
        "standing",
        ["client_id"],
        unique=False,
        sqlite_where=sa.text("debt > 0"),
        postgresql_where=sa.text("debt > 0"),
    )
    op.create_index("ix_standing_next_at", "standing", ["next_at", "client_id"], unique=False)
    op.create_index("ix_standing_next_cut_at", "standing", ["next_cut_at"], unique=False)
    op.create_index("ix_standing_state", "standing", ["state", "client_id"], unique=False)
    op.create_table(
        "cut_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.JSON(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cut_run"),
        sa.UniqueConstraint("at", name="uq_cut_run_at"),
    )
    op.create_table(
        "held_cut",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_held_cut_client_id"),
        sa.ForeignKeyConstraint(["run_id"], ["cut_run.id"], name="fk_held_cut_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_held_cut"),
    )
    op.create_index("ix_held_cut_run_id", "held_cut", ["run_id"], unique=False)
    op.create_index(
        "uq_held_cut_client",
        "held_cut",
        ["client_id"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=True),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("origin_id", sa.Integer(), nullable=True),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column("cause_invoice_id", sa.Integer(), nullable=True),
        sa.Column("suspension_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.CheckConstraint(
            "kind IN ('invoice', 'void', 'payment', 'late_fee', 'reconnection_fee', "
            "'debit', 'credit', 'landing', 'reversal')",
            name="ck_ledger_kind",
        ),
        sa.ForeignKeyConstraint(["cause_invoice_id"], ["invoice.id"], name="fk_ledger_cause_invoice_id"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_ledger_client_id"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_ledger_invoice_id"),
        sa.ForeignKeyConstraint(["origin_id"], ["ledger.id"], name="fk_ledger_origin_id"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="fk_ledger_payment_id"),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger.id"], name="fk_ledger_reverses_id"),
        sa.ForeignKeyConstraint(["suspension_id"], ["suspension.id"], name="fk_ledger_suspension_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
    )
    op.create_index("ix_ledger_client_at", "ledger", ["client_id", "at"], unique=False)
    op.create_index(
        "ix_ledger_invoice",
        "ledger",
        ["invoice_id"],
        unique=False,
        sqlite_where=sa.text("invoice_id IS NOT NULL"),
        postgresql_where=sa.text("invoice_id IS NOT NULL"),
    )
    op.create_index(
        "ix_ledger_payment",
        "ledger",
        ["payment_id"],
        unique=False,
        sqlite_where=sa.text("payment_id IS NOT NULL"),
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_ledger_late_fee",
        "ledger",
        ["cause_invoice_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'late_fee'"),
        postgresql_where=sa.text("kind = 'late_fee'"),
    )
    op.create_index(
        "uq_ledger_reconnection_fee",
        "ledger",
        ["suspension_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'reconnection_fee'"),
        postgresql_where=sa.text("kind = 'reconnection_fee'"),
    )
    op.create_index(
        "uq_ledger_reversal",
        "ledger",
        ["reverses_id"],
        unique=True,
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )

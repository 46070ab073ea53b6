"""Billing templates, changes of many clients at once, cash closings, files of payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BULK_OPEN = sa.text("done_at IS NULL OR (undo_at IS NOT NULL AND undone_at IS NULL)")
_FILE_OPEN = sa.text("confirmed_at IS NOT NULL AND done_at IS NULL")


def _when(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _amount(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, length: int, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _json(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=nullable)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}")


def upgrade() -> None:
    _templates()
    _bulk()
    _closings()
    _files()


def _templates() -> None:
    table = "billing_template"
    op.create_table(
        table,
        _number("id"),
        _text("name", 120),
        _when("retired_at", True),
        _text("mode", 10, True),
        _number("payment_day", True),
        _number("create_days_before", True),
        _text("tax", 10, True),
        _number("grace_days", True),
        _number("cut_after_months", True),
        _amount("late_fee_minor", True),
        _number("late_fee_basis_points", True),
        _amount("reconnection_fee", True),
        _number("screen_notice_days", True),
        _json("reminders", True),
        _text("first_cycle", 10, True),
        sa.CheckConstraint("mode IN ('prepaid', 'postpaid')", name=f"ck_{table}_mode"),
        sa.CheckConstraint("payment_day BETWEEN 1 AND 31", name=f"ck_{table}_payment_day"),
        sa.CheckConstraint("tax IN ('included', 'added', 'none')", name=f"ck_{table}_tax"),
        sa.CheckConstraint("first_cycle IN ('full', 'prorated', 'none')", name=f"ck_{table}_first_cycle"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("name", name=f"uq_{table}_name"),
    )
    _add_reference("billing", "template_id", table)
    on = sa.text("template_id IS NOT NULL")
    op.create_index("ix_billing_template", "billing", ["template_id"], sqlite_where=on, postgresql_where=on)


def _bulk() -> None:
    op.create_table(
        "bulk_change",
        _number("id"),
        _when("at"),
        _json("actor"),
        _json("filter"),
        _json("wish"),
        _number("total"),
        _number("reached_id"),
        _number("done"),
        _number("changed"),
        _when("done_at", True),
        _when("undo_at", True),
        _json("undo_actor", True),
        _number("undo_reached_id"),
        _number("undone"),
        _number("kept"),
        _when("undone_at", True),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_change"),
    )
    op.create_index(
        "ix_bulk_change_open", "bulk_change", ["id"], sqlite_where=_BULK_OPEN, postgresql_where=_BULK_OPEN
    )
    table = "bulk_change_client"
    op.create_table(
        table,
        _number("id"),
        _number("bulk_id"),
        _number("client_id"),
        _json("before"),
        _json("after"),
        _text("outcome", 10),
        _refers(table, "bulk_id", "bulk_change"),
        _refers(table, "client_id", "client"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("bulk_id", "client_id", name=f"uq_{table}_bulk_id_client_id"),
    )
    op.create_index(f"ix_{table}_client", table, ["client_id"])


def _closings() -> None:
    op.create_table(
        "closing",
        _number("id"),
        sa.Column("day", sa.Date(), nullable=False),
        _text("collector", 120),
        _amount("expected"),
        _amount("counted"),
        _number("payments"),
        _text("note", 300),
        _when("closed_at"),
        _text("actor", 120),
        sa.PrimaryKeyConstraint("id", name="pk_closing"),
    )
    op.create_index("ix_closing_day", "closing", ["day", "id"])
    table = "closing_line"
    op.create_table(
        table,
        _number("id"),
        _number("closing_id"),
        _number("method_id"),
        _amount("expected"),
        _amount("counted"),
        _number("payments"),
        sa.CheckConstraint("counted >= 0", name=f"ck_{table}_counted"),
        _refers(table, "closing_id", "closing"),
        _refers(table, "method_id", "payment_method"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("closing_id", "method_id", name=f"uq_{table}_closing_id_method_id"),
    )
    _add_reference("payment", "closing_id", "closing")
    of = sa.text("closing_id IS NOT NULL")
    op.create_index("ix_payment_closing", "payment", ["closing_id"], sqlite_where=of, postgresql_where=of)


def _files() -> None:
    op.create_table(
        "payment_file",
        _number("id"),
        _when("at"),
        _json("actor"),
        _text("name", 200),
        _number("good"),
        _number("bad"),
        _amount("total"),
        _when("confirmed_at", True),
        _json("confirmed_by", True),
        _number("done"),
        _number("refused"),
        _when("done_at", True),
        sa.PrimaryKeyConstraint("id", name="pk_payment_file"),
    )
    op.create_index(
        "ix_payment_file_open", "payment_file", ["id"], sqlite_where=_FILE_OPEN, postgresql_where=_FILE_OPEN
    )
    table = "payment_line"
    op.create_table(
        table,
        _number("id"),
        _number("file_id"),
        _number("line"),
        _text("text", 500),
        _text("state", 10),
        _number("client_id", True),
        _amount("amount", True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        _number("method_id", True),
        _text("reference", 120),
        _json("faults"),
        _number("payment_id", True),
        sa.CheckConstraint("state IN ('good', 'bad', 'paid', 'refused')", name=f"ck_{table}_state"),
        _refers(table, "file_id", "payment_file"),
        _refers(table, "client_id", "client"),
        _refers(table, "method_id", "payment_method"),
        _refers(table, "payment_id", "payment"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("file_id", "line", name=f"uq_{table}_file_id_line"),
    )
    op.create_index(f"ix_{table}_state", table, ["file_id", "state", "line"])


def _add_reference(table: str, column: str, to: str) -> None:
    """A column that refers to another table. Alembic adds none on SQLite; this form both databases know."""
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT fk_{table}_{column} REFERENCES {to} (id)"
    )

"""Notices on screens, and what may never be changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("service_class", sa.String(length=20), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spread_to", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "service_class IN ('payment', 'suspension', 'maintenance', 'security')",
            name="ck_announcement_service_class",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_announcement"),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=True),
        sa.Column("announcement_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("on_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown_count", sa.Integer(), nullable=False),
        sa.Column("first_shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('payment', 'announcement')", name="ck_notice_kind"),
        sa.CheckConstraint("(invoice_id IS NULL) <> (announcement_id IS NULL)", name="ck_notice_cause"),
        sa.ForeignKeyConstraint(["announcement_id"], ["announcement.id"], name="fk_notice_announcement_id"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name="fk_notice_client_id"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name="fk_notice_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_index(
        "ix_notice_showing",
        "notice",
        ["client_id"],
        unique=False,
        sqlite_where=sa.text("off_at IS NULL AND acknowledged_at IS NULL"),
        postgresql_where=sa.text("off_at IS NULL AND acknowledged_at IS NULL"),
    )
    op.create_index(
        "uq_notice_announcement",
        "notice",
        ["announcement_id", "client_id"],
        unique=True,
        sqlite_where=sa.text("announcement_id IS NOT NULL"),
        postgresql_where=sa.text("announcement_id IS NOT NULL"),
    )
    op.create_index(
        "uq_notice_invoice",
        "notice",
        ["client_id", "invoice_id"],
        unique=True,
        sqlite_where=sa.text("invoice_id IS NOT NULL"),
        postgresql_where=sa.text("invoice_id IS NOT NULL"),
    )
    op.create_table(
        "sighting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("rung", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="fk_sighting_notice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sighting"),
    )
    op.create_index("ix_sighting_notice_at", "sighting", ["notice_id", "at"], unique=False)
    _search()
    for table in ("ledger", "suspension", "change"):
        _append_only(table)


def _search() -> None:
    """On SQLite, an index of the words in `client.search`; other databases look with LIKE."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        """CREATE VIRTUAL TABLE client_search USING fts5(
            search, content='client', content_rowid='id', prefix='2 3 4', detail=none, columnsize=0,
            tokenize="unicode61 remove_diacritics 2 tokenchars '.-_@+:'"
        )"""
    )
    op.execute(
        "CREATE TRIGGER client_search_added AFTER INSERT ON client "
        "BEGIN INSERT INTO client_search (rowid, search) VALUES (new.id, new.search); END"
    )
    op.execute(
        "CREATE TRIGGER client_search_edited AFTER UPDATE OF search ON client WHEN old.search IS NOT new.search "
        "BEGIN INSERT INTO client_search (client_search, rowid, search) VALUES ('delete', old.id, old.search); "
        "INSERT INTO client_search (rowid, search) VALUES (new.id, new.search); END"
    )


def _append_only(table: str) -> None:
    """Refuse UPDATE and DELETE of a table whose rows are history, whoever asks."""
    refusal = f"{table} is append-only: write a new row that takes the old one back"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
    )

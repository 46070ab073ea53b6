"""Faults of routers as sentences, so that each reader has them in their language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("router_status", "request"):
        op.add_column(table, sa.Column("fault", sa.JSON(), nullable=True))

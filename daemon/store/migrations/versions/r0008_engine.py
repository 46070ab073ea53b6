"""What the engine remembers: reminders that were sent, and a cycle that waits for its fixed date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("invoice", sa.Column("reminded", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("billing", sa.Column("fixed_start", sa.Date(), nullable=True))
    op.add_column("billing", sa.Column("fixed_end", sa.Date(), nullable=True))

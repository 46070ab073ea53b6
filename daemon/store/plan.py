"""Plans: what speed is sold at what price."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class Plan(Base):
    """An internet plan: speeds as the subscriber sees them, in kbit/s; price of a cycle in minor units."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("download_kbps > 0 AND upload_kbps > 0", name="speeds"),
        CheckConstraint("price >= 0", name="price"),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    download_kbps: Mapped[int]
    upload_kbps: Mapped[int]
    price: Mapped[Minor]
    retired_at: Mapped[datetime | None]

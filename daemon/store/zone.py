"""Zones: where clients live, as staff name it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key


class Zone(Base):
    """A zone. Retired, never deleted: clients name it."""

    __tablename__ = "zone"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    retired_at: Mapped[datetime | None]

"""Billing settings: of the company, of templates, and for a client only what differs (rows F1-F13)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from daemon.store.base import Base, Key, Minor


class SettingColumns:
    """The settings of one layer. None in a column means: inherit from the next layer."""

    mode: Mapped[str | None] = mapped_column(String(10))
    payment_day: Mapped[int | None]
    create_days_before: Mapped[int | None]
    tax: Mapped[str | None] = mapped_column(String(10))
    grace_days: Mapped[int | None]
    cut_after_months: Mapped[int | None]
    late_fee_minor: Mapped[Minor | None]
    late_fee_basis_points: Mapped[int | None]
    reconnection_fee: Mapped[Minor | None]
    screen_notice_days: Mapped[int | None]
    """-1 switches the notice off for a client whose company has it on."""
    reminders: Mapped[list[Any] | None]
    first_cycle: Mapped[str | None] = mapped_column(String(10))


def _checks() -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint("mode IN ('prepaid', 'postpaid')", name="mode"),
        CheckConstraint("payment_day BETWEEN 1 AND 31", name="payment_day"),
        CheckConstraint("tax IN ('included', 'added', 'none')", name="tax"),
        CheckConstraint("first_cycle IN ('full', 'prorated', 'none')", name="first_cycle"),
    )


class Billing(SettingColumns, Base):
    """Settings of a client, or of the company where `client_id` is None.

    `template_id` is the template a client is on: its settings come between the client's own and the
    company's.
    """

    __tablename__ = "billing"
    __table_args__ = (
        *_checks(),
        Index(
            "uq_billing_company",
            text("(client_id IS NULL)"),
            unique=True,
            sqlite_where=text("client_id IS NULL"),
            postgresql_where=text("client_id IS NULL"),
        ),
        Index(
            "ix_billing_template",
            "template_id",
            sqlite_where=text("template_id IS NOT NULL"),
            postgresql_where=text("template_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"), unique=True)
    template_id: Mapped[int | None] = mapped_column(ForeignKey("billing_template.id"))
    fixed_date: Mapped[date | None]
    """Due date of the next invoice, once (F7); emptied by the invoice that uses it."""
    fixed_start: Mapped[date | None]
    fixed_end: Mapped[date | None]
    """The cycle that waits for `fixed_date` while later ones were billed already."""


class BillingTemplate(SettingColumns, Base):
    """A named set of billing settings that clients can be put on. Retired, never deleted."""

    __tablename__ = "billing_template"
    __table_args__ = _checks()

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    retired_at: Mapped[datetime | None]

"""The company as others need it: its row, and what the rules take from it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from daemon.rules.billing import Company as CompanyRules
from daemon.rules.money import currency
from daemon.rules.refusal import Refusal
from daemon.store.company import Company


def get_company(session: Session) -> Company:
    """The company's row. Refused when nothing has been set up yet."""
    company = session.get(Company, 1)
    if company is None:
        raise Refusal("", "The company is not set up yet: run pregonero seed, or fill in the company's page")
    return company


def company_rules(session: Session) -> CompanyRules:
    """The company as the rules know it."""
    row = get_company(session)
    return CompanyRules(
        ZoneInfo(row.timezone),
        currency(row.currency),
        row.invoice_hour,
        row.cut_hour,
        row.reminder_hour,
        row.tax_basis_points,
        row.promise_max_days,
        row.bill_suspended,
    )

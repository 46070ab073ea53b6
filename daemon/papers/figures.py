"""Amounts and days as the company's country writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError, dates, numbers

from daemon.rules.money import CURRENCIES


@lru_cache(maxsize=64)
def _locale(language: str, country: str) -> Locale:
    try:
        return Locale.parse(f"{language}_{country}")
    except (ValueError, UnknownLocaleError):
        return Locale("en" if language == "en" else "es")


# A month's papers hold few different prices and days, each many times over.
@lru_cache(maxsize=20_000)
def money(minor: int, currency: str, country: str) -> str:
    """An amount with its sign, as the country writes it whatever the paper's language: `S/ 1,250.00`."""
    digits = CURRENCIES[currency].digits
    return numbers.format_currency(
        Decimal(minor).scaleb(-digits), currency, locale=_locale("es", country), currency_digits=True
    )


@lru_cache(maxsize=5_000)
def day(value: date, language: str, country: str) -> str:
    """A day: `6 feb 2026`."""
    return dates.format_date(value, "d MMM y", locale=_locale(language, country))

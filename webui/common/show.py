"""How money, dates and moments look on a page: by the company's currency, country and time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from flask import Flask, current_app, g
from flask_babel import gettext as _
from flask_babel import ngettext

from daemon.rules.money import Money, currency
from webui.common import words


@dataclass(frozen=True)
class House:
    """What of the company each page needs."""

    name: str
    currency: str
    timezone: ZoneInfo
    territory: str
    phone: str
    how_to_pay: str


def house() -> House:
    """The company, read once a request."""
    if "house" not in g:
        from webui.common.access import read_house

        g.house = read_house()
    found: House = g.house
    return found


def locale() -> Locale:
    """The reader's language as the company's country writes it: `es_PE`; the plain language if there is no such."""
    language = words.choose_language()
    try:
        return Locale.parse(f"{language}_{house().territory}")
    except (ValueError, UnknownLocaleError):
        return Locale(language)


def country() -> Locale:
    """How the country writes numbers, whatever language is read: people type and read amounts the same way."""
    for language in ("es", words.choose_language()):
        try:
            return Locale.parse(f"{language}_{house().territory}")
        except (ValueError, UnknownLocaleError):
            continue
    return locale()


def money(value: Money | int | None, code: str | None = None) -> str:
    """An amount with its symbol, as the country writes it: `S/ 1,250.00`, `$ 12.500`."""
    if value is None:
        return "—"
    minor = value.minor if isinstance(value, Money) else value
    known = value.currency if isinstance(value, Money) else currency(code or house().currency)
    return numbers.format_currency(
        Decimal(minor).scaleb(-known.digits), known.code, locale=country(), currency_digits=True
    )


def symbol() -> str:
    """The currency's sign, as it stands before a field: `S/`."""
    return numbers.get_currency_symbol(house().currency, locale=country())


def minor_of(text: str) -> int:
    """Minor units of the plain amount in a sentence."""
    return int(Decimal(text).scaleb(currency(house().currency).digits))


def plain_money(value: Money | int | None) -> str:
    """An amount as a person types it into a field: `1250.00`."""
    if value is None:
        return ""
    minor = value.minor if isinstance(value, Money) else value
    digits = currency(house().currency).digits
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def local(moment: datetime) -> datetime:
    """A moment in the company's time zone."""
    return moment.astimezone(house().timezone)


def today() -> date:
    """The company's local day."""
    return local(now()).date()


def now() -> datetime:
    """The application's clock, aware UTC."""
    moment: datetime = current_app.config["CLOCK"]()
    return moment


def day(value: date | datetime | None) -> str:
    """A date: `6 feb 2026`."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = local(value).date()
    return dates.format_date(value, "d MMM y", locale=locale())


def moment(value: datetime | None) -> str:
    """A date with its hour, local: `6 feb 2026 09:30`."""
    if value is None:
        return "—"
    return dates.format_datetime(local(value), "d MMM y HH:mm", locale=locale())


def hour(minutes: int | None) -> str:
    """Minutes after midnight as `06:00`."""
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"


def ago(value: datetime | None) -> str:
    """How long since: `hace 5 minutos`; a plain date when it is over a week."""
    if value is None:
        return str(_("never"))
    passed = now() - value
    if timedelta(0) <= passed < timedelta(seconds=45):
        return str(_("just now"))
    if abs(passed) > timedelta(days=7):
        return moment(value)
    return dates.format_timedelta(-passed, add_direction=True, locale=locale(), threshold=1.1)


def days_away(value: date) -> str:
    """How far a future day is: today, tomorrow, in 5 days."""
    distance = (value - today()).days
    if distance == 0:
        return str(_("today"))
    if distance == 1:
        return str(_("tomorrow"))
    if distance < 0:
        return str(ngettext("%(num)d day ago", "%(num)d days ago", -distance))
    return str(ngettext("in %(num)d day", "in %(num)d days", distance))


def speed(kbps: int | None) -> str:
    """A plan's speed: `20 Mbps`, `512 kbps`."""
    if kbps is None:
        return "—"
    if kbps >= 1000:
        return f"{numbers.format_decimal(Decimal(kbps) / 1000, locale=country())} Mbps"
    return f"{kbps} kbps"


def clock(value: datetime) -> str:
    """The local hour of a moment: `06:00`."""
    return f"{local(value):%H:%M}"


def local_day(value: datetime) -> date:
    """The local day of a moment."""
    return local(value).date()


def month(value: date) -> str:
    """A month with its year: `febrero 2026`."""
    return dates.format_skeleton("yMMMM", value, locale=locale())


def short_day(value: date) -> str:
    """A day without its year: `6 feb`."""
    return dates.format_skeleton("MMMd", value, locale=locale())


def weekday(value: date, width: str = "wide") -> str:
    """The day of the week: `viernes`, or `vie` for `abbreviated`."""
    return dates.format_date(value, "EEEE" if width == "wide" else "EEE", locale=locale())


def tel(text: str) -> str:
    """A telephone number as a `tel:` link takes it."""
    return "".join(mark for mark in text if mark.isdigit() or mark == "+")


def percent(basis_points: int | None) -> str:
    """Hundredths of a percent as a person types them: 1800 is `18`, 550 is `5.5`."""
    if basis_points is None:
        return ""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def count(value: int) -> str:
    """A number with the country's thousands."""
    return numbers.format_decimal(value, locale=country())


def install(app: Flask) -> None:
    """All of the above as template filters, `house()` and `today()` as functions."""
    filters: dict[str, Any] = {
        "money": money, "plain_money": plain_money, "day": day, "moment": moment, "hour": hour, "ago": ago,
        "days_away": days_away, "speed": speed, "percent": percent, "count": count,
        "clock": clock, "local_day": local_day, "month": month,
        "short_day": short_day, "weekday": weekday, "tel": tel,
    }  # fmt: skip
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(house=house, today=today, symbol=symbol)

"""Money: integer minor units of one currency, read strictly and rounded half-up (laws 3 and F4).

Fractions of a minor unit never exist. Numbers of decimals are those of ISO 4217.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say

type TaxMode = Literal["included", "added", "none"]

LARGEST = 10**13
"""No single amount reaches this many minor units: what does is a slip of the keyboard."""

# ISO 4217: number of decimals of each currency.
_DIGITS: dict[int, str] = {
    0: "CLP PYG JPY KRW VND XAF XOF",
    2: (
        "ARS BOB BRL COP CRC CUP DOP GTQ HNL MXN NIO PAB PEN SVC UYU VES USD EUR GBP CAD AUD NZD CHF "
        "AWG BBD BMD BSD BZD GYD HTG JMD KYD SRD TTD XCD ZAR INR PHP IDR CNY"
    ),
    3: "BHD JOD KWD OMR TND",
    4: "CLF UYW",
}


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency: its ISO 4217 code and number of decimals."""

    code: str
    digits: int

    @property
    def unit(self) -> int:
        """Minor units in one major unit."""
        return int(10**self.digits)


CURRENCIES: dict[str, Currency] = {
    code: Currency(code, digits) for digits, codes in _DIGITS.items() for code in codes.split()
}


def currency(code: str) -> Currency:
    """The currency of a code. Refused when the table does not know it."""
    found = CURRENCIES.get(code.strip().upper())
    if found is None:
        raise Refusal("currency", say("{code} is not a currency code this program knows", code=code))
    return found


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: `minor` whole minor units of `currency`."""

    minor: int
    currency: Currency

    def __str__(self) -> str:
        return f"{plain(self.minor, self.currency)} {self.currency.code}"


def plain(minor: int, money: Currency) -> str:
    """Minor units as plain decimal text, the form of files and scenarios: `-1234.50`."""
    sign, rest = ("-", -minor) if minor < 0 else ("", minor)
    if money.digits == 0:
        return f"{sign}{rest}"
    return f"{sign}{rest // money.unit}.{rest % money.unit:0{money.digits}d}"


def parse_plain(text: str, money: Currency) -> int:
    """Minor units of plain decimal text as files have it: digits, at most one point, no thousands, no sign.

    Refused: anything else, more decimals than the currency has (even zeros), absurd amounts.
    """
    match = re.fullmatch(r"(\d{1,15})(?:\.(\d+))?", text.strip(), re.ASCII)
    if match is None:
        raise Refusal(
            "", say("{text} is not an amount: write it like {example}", text=text, example=_example(money))
        )
    return _minor(match[1], match[2] or "", text, money)


def parse(text: str, money: Currency) -> int:
    """Minor units of an amount as a person types it: `1234.5`, `1,234.50` and `1.234,50` are all understood.

    Thousands are optional but must stand in the right places. What can be read in two ways (`1.234` in a
    currency with decimals) is refused rather than guessed, and so are signs, letters and too many decimals.
    """
    bare = text.strip().replace("\u00a0", " ")
    for word in (money.code, "S/.", "S/", "$", "€", "Bs."):
        bare = bare.removeprefix(word).strip()
    bare = bare.removesuffix(money.code).strip()
    if not bare:
        raise Refusal("", say("Type an amount, for example {example}", example=_example(money)))
    if bare.startswith("-"):
        raise Refusal("", say("{text} is negative: an amount is above zero", text=text))
    if not re.fullmatch(r"[\d., ]+", bare, re.ASCII):
        raise Refusal(
            "", say("{text} is not an amount: write it like {example}", text=text, example=_example(money))
        )
    marks = [mark for mark in bare if mark in ",. "]
    if not marks:
        return _minor(bare, "", text, money)
    last = marks[-1]
    head, tail = bare.rsplit(last, 1)
    grouped = _grouped(bare, last) if len(set(marks)) == 1 else False
    if grouped and len(marks) == 1 and money.digits > 0 and last != " ":
        raise Refusal(
            "",
            say(
                "{text} can be read two ways: write {whole} without a separator, or with {digits} decimals",
                text=text,
                whole=head + tail,
                digits=money.digits,
            ),
        )
    if grouped:
        return _minor(bare.replace(last, ""), "", text, money)
    inner = {mark for mark in head if mark in ",. "}
    if last == " " or last in inner or len(inner) > 1 or (inner and not _grouped(head, inner.copy().pop())):
        raise Refusal(
            "", say("{text} is not an amount: write it like {example}", text=text, example=_example(money))
        )
    whole = head
    for mark in inner:
        whole = whole.replace(mark, "")
    if not whole or not tail:
        raise Refusal(
            "", say("{text} is not an amount: write it like {example}", text=text, example=_example(money))
        )
    return _minor(whole, tail, text, money)


def positive(minor: int) -> int:
    """The amount itself. Refused unless it is above zero and not absurd."""
    if minor <= 0:
        raise Refusal("amount", "An amount is above zero")
    if minor >= LARGEST:
        raise Refusal("amount", "This amount is too large to be meant: check it")
    return minor


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest whole, halves away from zero. The denominator is above zero."""
    if denominator <= 0:
        raise ValueError("a share is of something above zero")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def share(minor: int, basis_points: int) -> int:
    """A percentage of an amount, in basis points (1800 = 18 %), half-up."""
    return half_up(minor * basis_points, 10_000)


@dataclass(frozen=True, slots=True)
class Taxed:
    """A price taken apart: `total` is always `net + tax`."""

    net: int
    tax: int

    @property
    def total(self) -> int:
        """What the client pays for it."""
        return self.net + self.tax


@lru_cache(maxsize=4096)
def taxed(price: int, mode: TaxMode, basis_points: int) -> Taxed:
    """Take a price apart (F4): `included` finds the tax inside, `added` puts it on top, `none` has none.
    Half-up.
    """
    if mode == "included":
        net = half_up(price * 10_000, 10_000 + basis_points)
        return Taxed(net, price - net)
    if mode == "added":
        return Taxed(price, share(price, basis_points))
    return Taxed(price, 0)


def percent(text: str, field: str = "") -> int:
    """Basis points of a percentage as typed: `18`, `18.5` or `18,25`, from 0 to 100."""
    match = re.fullmatch(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*%?", text.strip(), re.ASCII)
    points = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 <= points <= 10_000:
        raise Refusal(
            field, say("{text} is not a percentage from 0 to 100 with at most two decimals", text=text)
        )
    return points


def _minor(whole: str, decimals: str, text: str, money: Currency) -> int:
    if len(decimals) > money.digits:
        raise Refusal(
            "",
            say(
                "{text} has more decimals than {code} has ({digits})",
                text=text,
                code=money.code,
                digits=money.digits,
            ),
        )
    if len(whole) > 15:
        raise Refusal("", say("{text} is too large to be meant: check it", text=text))
    minor = int(whole) * money.unit + int(decimals.ljust(money.digits, "0") or "0")
    if minor >= LARGEST:
        raise Refusal("", say("{text} is too large to be meant: check it", text=text))
    return minor


def _grouped(text: str, mark: str) -> bool:
    """Whether `mark` stands where thousands are parted, and nowhere else."""
    groups = text.split(mark)
    return (
        1 <= len(groups[0]) <= 3
        and all(len(group) == 3 for group in groups[1:])
        and "".join(groups).isdigit()
    )


def _example(money: Currency) -> str:
    return plain(1250 * money.unit + money.unit // 2, money)

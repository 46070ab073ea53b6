"""Money: read strictly, rounded half-up, split so that net and tax are always the total (F4)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.rules.money import (
    CURRENCIES,
    LARGEST,
    Currency,
    Money,
    currency,
    half_up,
    parse,
    parse_plain,
    percent,
    plain,
    positive,
    share,
    taxed,
)
from daemon.rules.refusal import Refusal

PEN, CLP = CURRENCIES["PEN"], CURRENCIES["CLP"]
amounts = st.integers(0, LARGEST - 1)
currencies = st.sampled_from(sorted(CURRENCIES.values(), key=lambda one: one.code))


@given(amounts, currencies)
def test_an_amount_written_plainly_is_read_back_the_same(minor: int, money: Currency) -> None:
    assert parse_plain(plain(minor, money), money) == minor


@given(amounts)
def test_an_amount_with_thousands_is_read_the_same_in_both_habits(minor: int) -> None:
    whole, cents = divmod(minor, 100)
    english = f"{whole:,}.{cents:02d}"
    assert parse(english, PEN) == minor
    assert parse(english.replace(",", "_").replace(".", ",").replace("_", "."), PEN) == minor
    assert parse(f"{whole:,}".replace(",", "."), CLP) == whole
    assert parse(f"S/ {english}", PEN) == minor


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("50", 5000),
        ("50.5", 5050),
        ("50,5", 5050),
        (" 1 234,50 ", 123450),
        ("1234567.89", 123456789),
        ("0,05", 5),
    ],
)
def test_what_people_type_is_understood(text: str, minor: int) -> None:
    assert parse(text, PEN) == minor


@pytest.mark.parametrize(
    "text",
    ["", " ", "-5", "+5", "1.234", "1,234", "1.2.3", "12,34,56.00", "1.234.56", "1,23.45", ".50", "50.", "1e3",
     "½", "٣", "0x10", "50.123", "5 0 0", "12345678901234567", "10000000000000", "5 soles", "NaN", "1,234,56"],
)  # fmt: skip
def test_what_could_be_meant_otherwise_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(text, PEN)
    assert str(caught.value.sentence)


def test_a_currency_without_decimals_takes_none() -> None:
    assert parse("1.234.567", CLP) == 1234567
    for text in ("10.5", "10,50"):
        with pytest.raises(Refusal, match="more decimals"):
            parse(text, CLP)
    with pytest.raises(Refusal, match="more decimals"):
        parse_plain("10.0", CLP)


@pytest.mark.parametrize("text", ["1,5", "-1", "1.", ".5", "", "1 000", "1e2"])
def test_files_are_read_more_strictly_than_people(text: str) -> None:
    with pytest.raises(Refusal):
        parse_plain(text, PEN)


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_rounding_is_half_up_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Decimal(numerator) / Decimal(denominator)
    if (abs(numerator) * 2) % denominator == 0 or abs(numerator) < 10**12:
        assert half_up(numerator, denominator) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(amounts, st.sampled_from(["included", "added", "none"]), st.integers(0, 10_000))
def test_net_and_tax_are_always_the_total(price: int, mode: str, rate: int) -> None:
    split = taxed(price, mode, rate)  # type: ignore[arg-type]
    assert split.total == split.net + split.tax
    assert split.net >= 0
    assert split.tax >= 0
    if mode == "included":
        assert split.total == price
        assert abs(split.net * (10_000 + rate) - price * 10_000) * 2 <= 10_000 + rate
    elif mode == "added":
        assert split.net == price
        assert split.tax == share(price, rate)
    else:
        assert (split.net, split.tax) == (price, 0)


def test_the_worked_invoice_of_the_laws() -> None:
    split = taxed(5000, "included", 1800)
    assert (split.net, split.tax) == (4237, 763)


def test_percentages_are_read_to_two_decimals() -> None:
    assert [percent(text) for text in ("18", "18.5", "18,25 %", "0", "100")] == [1800, 1850, 1825, 0, 10_000]
    for text in ("101", "-1", "5.123", "x", ""):
        with pytest.raises(Refusal):
            percent(text)


def test_nothing_is_not_an_amount_to_pay() -> None:
    for minor in (0, -1, LARGEST):
        with pytest.raises(Refusal):
            positive(minor)


def test_currencies_are_those_of_iso_4217() -> None:
    assert (currency("pyg").digits, currency("USD").digits, currency("CLF").digits) == (0, 2, 4)
    assert str(Money(-1250, PEN)) == "-12.50 PEN"
    with pytest.raises(Refusal, match="XXX"):
        currency("XXX")

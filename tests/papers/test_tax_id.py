"""Tax ids by the rule of their country; free text where there is none."""

from __future__ import annotations

import pytest

from daemon.office import company
from daemon.office.tax_id import COUNTRIES, check_tax_id, country_of, is_checked
from daemon.rules.refusal import Refusal
from tests.office.conftest import Town


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("PE", "20100070970"), ("AR", "20-05536168-2"), ("BR", "16.727.230/0001-97"), ("CL", "76086428-5"),
        ("CO", "213.123.432-1"), ("CR", "3-101-999999"), ("DO", "1-01-85004-3"), ("EC", "1792060346001"),
        ("GT", "576937-K"), ("MX", "GODE561231GR8"), ("PY", "80028061-0"), ("SV", "0614-050707-104-8"),
        ("UY", "21-100342-001-7"), ("VE", "V-11470283-4"), ("ES", "A13 585 625"), ("US", "91-1144442"),
        ("PT", "PT 501 964 843"),
    ],
)  # fmt: skip
def test_a_good_one_is_kept_as_typed(country: str, text: str) -> None:
    assert is_checked(country)
    assert check_tax_id(f"  {text} ", country) == text


@pytest.mark.parametrize(
    ("country", "text", "said"),
    [
        ("PE", "20100070971", "check digit"),
        ("PE", "2010007097", "too short or too long for a RUC"),
        ("PE", "2010007097X", "no RUC"),
        ("MX", "hola", "RFC"),
        ("CL", "76086428-4", "no RUT: its check digit"),
        ("CO", "213.123.432-2", "no NIT"),
    ],
)
def test_a_bad_one_is_refused_with_what_is_wrong(country: str, text: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_tax_id(text, country)
    assert refused.value.field == "tax_id"
    assert said in str(refused.value.sentence)


@pytest.mark.parametrize("country", ["BO", "HN", "NI", "PA", "CU", "", "ZZ"])
def test_where_no_rule_is_known_it_is_free_text(country: str) -> None:
    assert not is_checked(country)
    assert check_tax_id(" 12  ab ", country) == "12 ab"


def test_every_country_with_a_name_for_it_can_be_checked_or_is_free() -> None:
    for country in COUNTRIES:
        assert check_tax_id("", country) == ""
        if is_checked(country):
            with pytest.raises(Refusal):
                check_tax_id("!", country)


def test_the_country_is_the_chosen_one_or_that_of_the_time_zone() -> None:
    assert country_of("", "America/Lima") == "PE"
    assert country_of("BO", "America/Lima") == "BO"
    assert country_of("--", "America/Lima") == ""
    assert country_of("", "UTC") in ("", "001")


def test_the_company_is_refused_a_bad_one_and_keeps_the_one_before(town: Town) -> None:
    town.do("2026-01-01 09:00", company.edit_company, tax_id="20100070970")
    with pytest.raises(Refusal, match="check digit"):
        town.do("2026-01-01 09:00", company.edit_company, tax_id="20100070971")
    with pytest.raises(Refusal, match="RFC"):
        town.do("2026-01-01 09:00", company.edit_company, country="MX")
    assert town.ask(company.get_company).tax_id == "20100070970"
    town.do("2026-01-01 09:00", company.edit_company, tax_id="LOQUESEA", country="--")
    assert town.ask(company.get_company).tax_id == "LOQUESEA"
    town.do("2026-01-01 09:00", company.edit_company, name="Otra")  # what was free before stays
    with pytest.raises(Refusal, match="one of the countries"):
        town.do("2026-01-01 09:00", company.edit_company, country="XX")

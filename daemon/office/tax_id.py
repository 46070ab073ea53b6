"""Tax ids of companies, checked as their country makes them; free text where this program knows no rule."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from babel.core import get_global
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from daemon.papers.words import TAX_LABELS
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say

#: Where python-stdnum keeps the rule of each country.
_RULES = {
    "AR": "ar.cuit", "BR": "br.cnpj", "CL": "cl.rut", "CO": "co.nit", "CR": "cr.cpj", "DO": "do.rnc",
    "EC": "ec.ruc", "ES": "es.nif", "GT": "gt.nit", "MX": "mx.rfc", "PE": "pe.ruc", "PT": "pt.nif",
    "PY": "py.ruc", "SV": "sv.nit", "US": "us.ein", "UY": "uy.rut", "VE": "ve.rif",
}  # fmt: skip
COUNTRIES = tuple(sorted(TAX_LABELS))
NO_COUNTRY = "--"
"""Chosen by a company whose tax id follows no rule that is known here."""


def country_of(chosen: str, timezone: str) -> str:
    """The country of a company (ISO 3166): the chosen one, else that of its time zone; "" for none."""
    if chosen:
        return "" if chosen == NO_COUNTRY else chosen
    return str(get_global("zone_territories").get(timezone, ""))


def is_checked(country: str) -> bool:
    """Whether there is a rule for the tax ids of a country."""
    return country in _RULES


def check_tax_id(text: str, country: str) -> str:
    """A tax id as it is kept: without blanks at its ends, checked by the rule of its country if there is one.

    Refused (field `tax_id`): a wrong length, letters where none may be, a check digit that does not agree.
    """
    bare = " ".join(text.split())
    if not bare or country not in _RULES:
        return bare
    label = TAX_LABELS[country]
    try:
        _rule(country).validate(bare)
    except InvalidLength as error:
        raise Refusal(
            "tax_id", say("{text} is too short or too long for a {label}", text=bare, label=label)
        ) from error
    except InvalidChecksum as error:
        raise Refusal(
            "tax_id",
            say(
                "{text} is no {label}: its check digit does not agree, look for a slip",
                text=bare,
                label=label,
            ),
        ) from error
    except ValidationError as error:
        raise Refusal(
            "tax_id",
            say(
                "{text} is no {label}: write it as on your tax papers, or choose another country",
                text=bare,
                label=label,
            ),
        ) from error
    return bare


def _rule(country: str) -> ModuleType:
    return import_module(f"stdnum.{_RULES[country]}")

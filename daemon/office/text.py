"""Words as people type them, made comparable: names without accents, telephone numbers, e-mail addresses."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say

_ACCENTS = re.compile("[\u0300-\u036f]")  # combining marks, as NFKD leaves them

# Where a currency is used: how a national telephone number is read.
REGIONS = {
    "PEN": "PE", "CLP": "CL", "CLF": "CL", "PYG": "PY", "ARS": "AR", "BOB": "BO", "BRL": "BR", "COP": "CO",
    "CRC": "CR", "CUP": "CU", "DOP": "DO", "GTQ": "GT", "HNL": "HN", "MXN": "MX", "NIO": "NI", "PAB": "PA",
    "UYU": "UY", "VES": "VE", "USD": "EC", "EUR": "ES",
}  # fmt: skip


def plain_words(text: str) -> str:
    """Text without accents and capitals, one space between words."""
    return " ".join(_ACCENTS.sub("", unicodedata.normalize("NFKD", text)).lower().split())


def search_words(text: str) -> list[str]:
    """The words of a search, made comparable; at most eight, each a prefix of what it looks for."""
    return [word for word in re.findall(r"[\w.\-@+:]+", plain_words(text)) if any(c.isalnum() for c in word)][
        :8
    ]


def clean(text: str, field: str, most: int) -> str:
    """One line, trimmed. Refused when too long or holding control characters."""
    bare = " ".join(text.split())
    if len(bare) > most:
        raise Refusal(field, say("Write at most {most} characters", most=most))
    if any(unicodedata.category(mark) == "Cc" for mark in bare):
        raise Refusal(field, "Remove the characters that cannot be seen")
    return bare


def emails(text: str) -> str:
    """E-mail addresses, parted by commas. Refused when one cannot be an address."""
    found: list[str] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        if not part:
            continue
        try:
            found.append(validate_email(part, check_deliverability=False).normalized)
        except EmailNotValidError as error:
            raise Refusal("email", say("{text} is not an e-mail address", text=part)) from error
    joined = ", ".join(found)
    if len(joined) > 300:
        raise Refusal("email", say("Write at most {most} characters", most=300))
    return joined


def mobile(text: str, currency_code: str) -> str:
    """A mobile number as E.164 (`+51987654321`), read as a national one of the company's country; "" for
    none.
    """
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, REGIONS.get(currency_code))
    except phonenumbers.NumberParseException as error:
        raise Refusal(
            "mobile", say("{text} is not a telephone number: write it like +51987654321", text=text)
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise Refusal(
            "mobile", say("{text} is not a telephone number: write it like +51987654321", text=text)
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

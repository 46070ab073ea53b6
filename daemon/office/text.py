"""Words as people type them, made comparable: names without accents, telephone numbers, e-mail addresses."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say

#: Fewer digits than this are no telephone number.
SHORTEST_NUMBER = 6

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


def number_words(mobile_number: str, phone: str = "") -> list[str]:
    """A client's telephone numbers as people type them: the mobile with its country code and without, each in
    digits alone.
    """
    found = []
    digits = re.sub(r"\D", "", mobile_number)
    if digits:
        found.append(digits)
        try:
            national = str(phonenumbers.parse("+" + digits).national_number)
        except phonenumbers.NumberParseException:
            national = ""  # an old row with a number that is none
        if national and national != digits:
            found.append(national)
            if digits.startswith("549"):
                found.append(national[1:])  # Argentina: the 9 of mobiles is left out within the country
    landline = re.sub(r"\D", "", phone)
    if len(landline) >= SHORTEST_NUMBER and landline not in found:
        found.append(landline)
    return found


def dialled(words: list[str]) -> str:
    """The digits of a search that can only be a telephone number, however it was spaced (`987 654-320`); else ""."""
    if not words or not all(re.fullmatch(r"\+?[\d-]+", word, re.ASCII) for word in words):
        return ""
    digits = re.sub(r"\D", "", "".join(words))
    return digits if len(digits) >= SHORTEST_NUMBER and [digits] != words else ""


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

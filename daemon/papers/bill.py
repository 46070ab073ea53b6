"""What stands on an invoice's paper. Amounts are minor units of the company's currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from daemon.papers.logo import Logo

type State = Literal["unpaid", "partly_paid", "paid", "overdue", "void"]
type PageSize = Literal["A4", "letter"]
type QrContent = Literal["portal", "facts", "none"]


@dataclass(frozen=True, slots=True)
class House:
    """The company and its choices, the same for every paper of a batch.

    `country` (ISO 3166, "" unknown) decides how amounts are written; `language` is "es" or "en"; `tax_label`
    is how the country calls the tax id (RUC, NIT, …).
    """

    name: str
    currency: str
    country: str = ""
    language: str = "es"
    tax_label: str = ""
    tax_id: str = ""
    address: str = ""
    phone: str = ""
    how_to_pay: str = ""
    footer: str = ""
    page_size: PageSize = "A4"
    qr: QrContent = "portal"
    reasons: bool = False
    logo: Logo | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is for."""

    name: str
    document_id: str = ""
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the invoice; `why` is said already, in the paper's language."""

    name: str
    net: int
    tax: int
    total: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """A balance that landed (+ against the client) or a payment (−), with the words that name it."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice as it stands on the day it is printed. `link` is its page on the portal, "" for none."""

    number: str
    kind: Literal["service", "free"]
    state: State
    created: date
    due: date | None
    cycle: tuple[date, date] | None
    person: Person
    rows: tuple[Row, ...]
    net: int
    tax: int
    total: int
    to_pay: int
    left: int
    balances: tuple[Movement, ...] = ()
    payments: tuple[Movement, ...] = ()
    voided: date | None = None
    why: str = ""
    link: str = ""

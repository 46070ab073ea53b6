"""Words that every compiler of rows shares: the refusal that names a row, truth values, address spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Literal

from daemon.edge.practice.plane import PlaneError

Family = Literal["ip", "ip6"]
Row = Mapping[str, str]
Span = tuple[int, int]
"""First and last address of a run of addresses, as integers; one host has both the same."""

TRUE_WORDS = frozenset({"true", "yes"})
FALSE_WORDS = frozenset({"false", "no"})


@dataclass(frozen=True)
class Spot:
    """Where in the router's configuration the compiler is: a menu and the row in it."""

    menu: str
    row: Row

    def refuse(self, field: str, why: str) -> PlaneError:
        """The error for a row that the kernel cannot be made to honour: menu, .id, field, value, reason."""
        value = self.row.get(field)
        shown = field if value is None else f"{field}={value}"
        return PlaneError(f"{self.menu} {self.row.get('.id', '?')}: {shown}: {why}")

    def flag(self, field: str, absent: bool = False) -> bool:
        """A yes/no field; RouterOS prints some flags as present and empty, which means yes (facts §3.1)."""
        value = self.row.get(field)
        if value is None:
            return absent
        if value == "" or value in TRUE_WORDS:
            return True
        if value in FALSE_WORDS:
            return False
        raise self.refuse(field, "neither yes nor no")

    @property
    def disabled(self) -> bool:
        """Whether the row is not in force: switched off, or invalid for naming something that is gone."""
        return (
            self.row.get("disabled", "false") in TRUE_WORDS or self.row.get("invalid", "false") in TRUE_WORDS
        )


def split_negation(value: str) -> tuple[bool, str]:
    """('!tcp') -> (True, 'tcp'). RouterOS negates with a leading exclamation mark."""
    return (True, value[1:].strip()) if value.startswith("!") else (False, value)


def family_bits(family: Family) -> int:
    """Bits of an address of the family."""
    return 32 if family == "ip" else 128


@lru_cache(maxsize=65536)
def parse_span(family: Family, text: str) -> Span:
    """An address, a prefix or a range 'a-b' of the family, as a span. Raises ValueError."""
    version = 4 if family == "ip" else 6
    if "-" in text:
        low_text, high_text = text.split("-", 1)
        low, high = ip_address(low_text.strip()), ip_address(high_text.strip())
        if low.version != version or high.version != version:
            raise ValueError(f"not of IPv{version}")
        if int(low) > int(high):
            raise ValueError("the range ends before it begins")
        return int(low), int(high)
    network = ip_network(text.strip(), strict=False)
    if network.version != version:
        raise ValueError(f"not of IPv{version}")
    return int(network.network_address), int(network.broadcast_address)


def is_everything(family: Family, span: Span) -> bool:
    """Whether the span holds every address of the family."""
    return span == (0, (1 << family_bits(family)) - 1)


@lru_cache(maxsize=65536)
def show_span(family: Family, span: Span) -> str:
    """The span as nft writes a set element: 'a' or 'a-b'."""
    make = _show_v4 if family == "ip" else _show_v6
    low, high = span
    return make(low) if low == high else f"{make(low)}-{make(high)}"


def _show_v4(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def _show_v6(number: int) -> str:
    # ip_address(int) would take small numbers for IPv4.
    return str(ip_address(number.to_bytes(16, "big")))


def merge_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Spans sorted, those that overlap joined, those that merely touch left apart.

    An nft interval set refuses overlaps; joining neighbours too would turn the addition of one host into the
    rewriting of its neighbour.
    """
    merged: list[Span] = []
    for low, high in sorted(set(spans)):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_seconds(text: str) -> float:
    """A RouterOS time ('1d2h', '00:00:10', '10', '100ms') in seconds. Raises ValueError."""
    if ":" in text:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    total, number, rest = 0.0, "", text.replace("ms", "i")
    for sign in rest:
        if sign.isdigit() or sign == ".":
            number += sign
            continue
        unit = 0.001 if sign == "i" else float(_SECONDS.get(sign, 0))
        if not number or not unit:
            raise ValueError(f"not a time: {text}")
        total, number = total + float(number) * unit, ""
    return total + float(number) if number else total


_MULTIPLES = {"k": 1000, "M": 1_000_000, "G": 1_000_000_000}


def parse_rate(text: str) -> int:
    """A RouterOS rate in bits per second: '10M', '512k', '10000000'; 0 is unlimited. Raises ValueError."""
    text = text.strip()
    factor = _MULTIPLES.get(text[-1:], 1)
    number = text[:-1] if factor != 1 else text
    if not number.isdigit():
        raise ValueError(f"not a rate: {text}")
    return int(number) * factor

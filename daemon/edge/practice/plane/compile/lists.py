"""Address lists (/ip/firewall/address-list and its IPv6 twin) as nft sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from daemon.edge.practice.plane.compile.script import Collection
from daemon.edge.practice.plane.compile.words import (
    Family,
    Row,
    Span,
    Spot,
    merge_overlaps,
    parse_span,
    show_span,
)

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")


def nft_name(prefix: str, name: str) -> str:
    """A name nft accepts for any RouterOS name: itself behind a prefix where it is plain, else a digest of it."""
    if _PLAIN.match(name):
        return f"{prefix}_{name}"
    return f"{prefix}x_{sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}"


def set_name(list_name: str) -> str:
    """The nft set that stands for an address list."""
    return nft_name("list", list_name)


def compile_lists(
    menu: str, family: Family, rows: Sequence[Row], wanted: Iterable[str]
) -> dict[str, Collection]:
    """Sets for the lists that rules name; a list without rows is an empty set and matches nothing.

    A list of hosts alone is a hash set, one with a prefix or range an interval set with overlaps joined.
    Lists no rule asks for cost nothing in the kernel. Raises PlaneError for an address that is none (a DNS name
    must be resolved by the server into dynamic rows first).
    """
    spans: dict[str, set[Span]] = {name: set() for name in wanted}
    for row in rows:
        spot = Spot(menu, row)
        if spot.disabled:
            continue
        try:
            span = parse_span(family, row.get("address", ""))
        except ValueError as error:
            raise spot.refuse(
                "address", f"the data plane takes addresses, prefixes and ranges only ({error})"
            ) from error
        if row.get("list", "") in spans:
            spans[row["list"]].add(span)
    key = "ipv4_addr" if family == "ip" else "ipv6_addr"
    made: dict[str, Collection] = {}
    for name, held in spans.items():
        interval = any(low != high for low, high in held)
        parts = merge_overlaps(held) if interval else held
        made[set_name(name)] = Collection(
            key, None, interval, {show_span(family, part): "" for part in parts}
        )
    return made

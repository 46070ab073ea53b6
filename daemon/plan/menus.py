"""The router menus we keep: which columns we decide, how a row is told from others, and what a value means.

RouterOS prints most values in another form than the one it was given (`10M/5M` comes back
`10000000/5000000`, `yes` as `true`, a default not at all). `canonical` maps every form of a value to one,
so that a comparison is never fooled.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

ROUTING_TABLES = "/routing/table"
ROUTES = "/ip/route"
FILTER = "/ip/firewall/filter"
MANGLE = "/ip/firewall/mangle"
ADDRESS_LIST = "/ip/firewall/address-list"
QUEUES = "/queue/simple"
FILTER6 = "/ipv6/firewall/filter"
ADDRESS_LIST6 = "/ipv6/firewall/address-list"

_PLAIN_RATE = re.compile(r"(\d+(?:\.\d+)?)([kKMG]?)\Z")
_PARTS = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:\d+ms)?\Z")
_CLOCK = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(\d+):(\d\d):(\d\d)\Z")
_FACTOR = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def seconds(text: str) -> int | None:
    """A RouterOS time (`1w2d3h4m5s`, `01:22:53`, `1d01:22:53`, `3600`) in whole seconds; None if it is
    none.
    """
    if text.isdigit():
        return int(text)
    for pattern, weights in ((_PARTS, (604800, 86400, 3600, 60, 1)), (_CLOCK, (604800, 86400, 3600, 60, 1))):
        found = pattern.match(text) if text else None
        if found:
            return sum(int(part or 0) * weight for part, weight in zip(found.groups(), weights, strict=True))
    return None


def duration(total: int) -> str:
    """Seconds as RouterOS writes them: `1h`, `24m26s`; `0s` for nothing."""
    text = ""
    for letter, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, total = divmod(total, size)
        text += f"{count}{letter}" if count else ""
    return text or "0s"


def _truth(value: str) -> str:
    return {"true": "yes", "yes": "yes", "false": "no", "no": "no"}.get(value, value)


def _flag(value: str) -> str:
    return "yes" if value == "" else _truth(value)  # a flag that is set is printed with an empty value


def _time(value: str) -> str:
    total = seconds(value)
    return value if total is None else str(total)


def _one_rate(value: str) -> str:
    found = _PLAIN_RATE.match(value)
    return str(round(float(found[1]) * _FACTOR[found[2]])) if found else value


def _rates(value: str) -> str:
    up, _, down = value.partition("/")
    return f"{_one_rate(up)}/{_one_rate(down or '0')}"  # RouterOS reads a lone `1M` as `1M/0`


@lru_cache(maxsize=65536)
def address(value: str) -> str:
    """An address, prefix, aligned range or DNS name in one spelling; a host's `/32` and `/128` are left
    out.
    """
    text = value.strip()
    try:
        if "-" in text and text[0].isdigit() and not text[-1].isalpha():
            first, _, last = text.partition("-")
            spans = list(
                ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
            )
            return address(str(spans[0])) if len(spans) == 1 else text
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text.lower()
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


@lru_cache(maxsize=65536)
def _addresses(value: str) -> str:
    return ",".join(sorted(address(part) for part in value.split(",")))


def _words(value: str) -> str:
    return ",".join(sorted(value.split(",")))


Form = Callable[[str], str]
_FORMS: dict[str, Form] = {
    "disabled": _truth,
    "log": _truth,
    "passthrough": _truth,
    "fib": _flag,
    "timeout": _time,
    "max-limit": _rates,
    "limit-at": _rates,
    "burst-limit": _rates,
    "burst-threshold": _rates,
    "address": address,
    "target": _addresses,
    "src-address": address,
    "dst-address": address,
    "connection-state": _words,
}
_DEFAULTS = {"disabled": "no", "log": "no", "fib": "no", "max-limit": "0/0"}


@dataclass(frozen=True)
class Menu:
    """One menu that we keep rows in.

    `columns` are those we decide (the mark's `comment` apart); `looks` are read besides. `style`: in a
    *chain* the order is part of the state; *entries* are told apart by list and address; *keyed* rows by
    their mark. `unique` names the column whose value no two rows may share.
    """

    path: str
    style: Literal["chain", "entries", "keyed"]
    columns: tuple[str, ...]
    looks: tuple[str, ...] = ()
    unique: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def proplist(self) -> str:
        """What to ask a `print` for."""
        return ",".join((".id", *self.columns, "comment", *self.looks))


# The matchers that RouterOS 7.10 to 7.24 all know (the public-domain restraml dumps): a rule of ours that a
# hand gave one more matcher is not our rule any longer, so all are read.
_COMMON = """
    chain action disabled log log-prefix address-list address-list-timeout connection-bytes connection-limit
    connection-mark connection-rate connection-state connection-type content dscp dst-address dst-address-list
    dst-address-type dst-limit dst-port icmp-options in-bridge-port in-bridge-port-list in-interface
    in-interface-list ingress-priority ipsec-policy jump-target limit nth out-bridge-port out-bridge-port-list
    out-interface out-interface-list packet-mark packet-size per-connection-classifier port priority protocol
    random routing-mark src-address src-address-list src-address-type src-mac-address src-port tcp-flags
    tcp-mss time tls-host
"""
_ONLY_V4 = "connection-nat-state fragment hotspot ipv4-options layer7-protocol p2p psd realm ttl"
_ONLY_MANGLE = """
    new-connection-mark new-dscp new-mss new-packet-mark new-priority new-routing-mark new-ttl passthrough
"""
_MATCHERS = tuple(_COMMON.split())
_V4 = tuple(_ONLY_V4.split())
_NEW = tuple(_ONLY_MANGLE.split())

MENUS: dict[str, Menu] = {
    menu.path: menu
    for menu in (
        Menu(ROUTING_TABLES, "keyed", ("name", "fib", "disabled"), ("dynamic",), unique="name"),
        Menu(
            ROUTES,
            "keyed",
            ("dst-address", "gateway", "routing-table", "check-gateway", "disabled"),
            ("dynamic",),
            defaults={"check-gateway": "none"},
        ),
        Menu(FILTER, "chain", (*_MATCHERS, *_V4, "reject-with"), ("dynamic",)),
        Menu(MANGLE, "chain", (*_MATCHERS, *_V4, *_NEW), ("dynamic",), defaults={"passthrough": "yes"}),
        Menu(FILTER6, "chain", (*_MATCHERS, "headers", "hop-limit", "reject-with"), ("dynamic",)),
        Menu(ADDRESS_LIST, "entries", ("list", "address", "disabled", "timeout"), ("dynamic",)),
        Menu(ADDRESS_LIST6, "entries", ("list", "address", "disabled", "timeout"), ("dynamic",)),
        Menu(QUEUES, "keyed", ("name", "target", "max-limit", "disabled"), ("dynamic",), unique="name"),
    )
}


def canonical(menu: str, column: str, value: str | None) -> str | None:
    """The one form of a value that was written, or read back, or is absent (None); None stands for "not set".

    Absent is the same as the default (`disabled` as `no`, `log` as `no`), and an empty value as absent,
    except for flags, which are printed empty when they are set.
    """
    if value is None or (value == "" and column != "fib"):
        return MENUS[menu].defaults.get(column) or _DEFAULTS.get(column)
    form = _FORMS.get(column)
    return form(value) if form else value

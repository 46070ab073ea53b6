"""Specifications of the firewall menus, IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.menu import Row
from daemon.edge.practice.rows.table import MenuSpec
from daemon.edge.practice.rows.values import Kind, Names
from daemon.edge.practice.schema import trap


def _words(text: str) -> list[str]:
    return text.split()


PROTOCOLS = _words(
    "dccp ddp egp encap etherip ggp gre hmp icmp icmpv6 idpr-cmtp igmp ipencap ipip ipsec-ah ipsec-esp "
    "ipv6-encap ipv6-frag ipv6-nonxt ipv6-opts ipv6-route iso-tp4 l2tp ospf pim pup rdp rspf rsvp sctp "
    "st tcp udp udp-lite vmtp vrrp xns-idp xtp"
)
WITH_PORTS = frozenset({"tcp", "udp", "udp-lite", "dccp", "sctp", "6", "17", "33", "132", "136"})
ANY_INTERFACE = ("all-ethernet", "all-ppp", "all-vlan", "all-wireless", "lo")
REJECT4 = _words(
    "icmp-admin-prohibited icmp-host-prohibited icmp-host-unreachable icmp-net-prohibited "
    "icmp-network-unreachable icmp-port-unreachable icmp-protocol-unreachable tcp-reset"
)
REJECT6 = _words(
    "icmp-address-unreachable icmp-admin-prohibited icmp-err-src-routing-header icmp-headers-too-long "
    "icmp-no-route icmp-not-neighbour icmp-port-unreachable tcp-reset"
)
_COMMON = _words("accept add-dst-to-address-list add-src-to-address-list jump log passthrough return")
_MARKING = _words(
    "change-dscp change-mss change-ttl clear-df mark-connection mark-packet mark-routing set-priority route "
    "sniff-pc sniff-tzsp strip-ipv4-options fasttrack-connection"
)
_TRANSLATING = _words("dst-nat endpoint-independent-nat masquerade netmap redirect same socksify src-nat")
ACTIONS = {
    "filter": [*_COMMON, "drop", "fasttrack-connection", "reject", "tarpit"],
    "mangle": [*_COMMON, *_MARKING],
    "nat": [*_COMMON, *_TRANSLATING],
    "raw": [*_COMMON, "drop", "notrack"],
}
_NEEDS = {
    "jump": "jump-target",
    "mark-connection": "new-connection-mark",
    "mark-packet": "new-packet-mark",
    "mark-routing": "new-routing-mark",
    "add-src-to-address-list": "address-list",
    "add-dst-to-address-list": "address-list",
    "dst-nat": "to-addresses",
    "src-nat": "to-addresses",
}


def _protocol(value: str, arg: str, names: Names) -> str:
    sign = "!" if value.startswith("!") else ""
    word = value[len(sign) :]
    if word in PROTOCOLS:
        return value
    if word.isascii() and word.isdigit() and len(word) < 4 and int(word) < 256:
        return sign + {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "58": "icmpv6"}.get(word, word)
    raise trap("no-match", arg=arg)


def _list_timeout(value: str, arg: str, names: Names) -> str:
    if value in ("none-dynamic", "none-static"):
        return value
    return v.time(0, 21_474_836)(value, arg, names)


def _kinds(family: int, table: str) -> dict[str, Kind]:
    address = v.negatable(v.range4 if family == 4 else v.range6)
    types = (
        ("unicast", "local", "broadcast", "multicast", "blackhole")
        if family == 4
        else ("unicast", "local", "anycast", "multicast", "unreachable")
    )
    interface = v.reference("/interface", *ANY_INTERFACE, negatable=True)
    interfaces = v.reference("/interface/list", negatable=True)
    table_name = v.reference("/routing/table", negatable=True)
    kinds: dict[str, Kind] = {
        "action": v.choice(*ACTIONS[table]),
        "chain": v.name,
        "comment": v.text,
        "disabled": v.boolean,
        "log": v.boolean,
        "log-prefix": v.limited_text(31),
        "protocol": _protocol,
        "connection-state": v.several("invalid", "established", "related", "new", "untracked"),
        "connection-nat-state": v.several("srcnat", "dstnat"),
        "src-address": address,
        "dst-address": address,
        "src-address-type": v.several(*types),
        "dst-address-type": v.several(*types),
        "src-port": v.negatable(v.ports),
        "dst-port": v.negatable(v.ports),
        "port": v.negatable(v.ports),
        "in-interface": interface,
        "out-interface": interface,
        "in-interface-list": interfaces,
        "out-interface-list": interfaces,
        "src-mac-address": v.negatable(v.mac),
        "routing-mark": table_name,
        "new-routing-mark": v.reference("/routing/table"),
        "passthrough": v.boolean,
        "fragment": v.boolean,
        "hw-offload": v.boolean,
        "address-list-timeout": _list_timeout,
        "reject-with": v.choice(*(REJECT4 if family == 4 else REJECT6)),
        "dscp": v.negatable(v.number(0, 63)),
        "random": v.number(1, 99),
    }
    if family == 4:
        kinds["to-addresses"] = v.range4
        kinds["to-ports"] = v.ports
    return kinds


def _check(row: Mapping[str, str], names: Names) -> None:
    action, protocol = row["action"], row.get("protocol", "")
    ported = {"src-port", "dst-port", "port"} & row.keys()
    if ported and protocol not in WITH_PORTS:
        raise trap("ports-need-protocol")
    if row.get("reject-with") == "tcp-reset" and protocol != "tcp":
        raise trap("reset-needs-tcp")
    needed = _NEEDS.get(action)
    if needed is not None and needed not in row and not (action == "dst-nat" and "to-ports" in row):
        raise trap("action-needs", action=action, arg=needed)
    if action == "mark-routing" and row["chain"] in ("forward", "postrouting", "input"):
        raise trap("steering-chain", action=action, arg="prerouting and output")


def _tidy(row: Row) -> None:
    if row["action"] == "reject":
        row.setdefault("reject-with", "icmp-network-unreachable")
    marks = row["action"].startswith(("mark-", "change-", "set-"))
    if marks:
        row.setdefault("passthrough", "true")


def _tidy6(row: Row) -> None:
    if row["action"] == "reject":
        row.setdefault("reject-with", "icmp-no-route")
    if row["action"].startswith(("mark-", "change-", "set-")):
        row.setdefault("passthrough", "true")


def _dangling(row: Mapping[str, str], names: Names) -> bool:
    for arg, menu in (
        ("in-interface", "/interface"),
        ("out-interface", "/interface"),
        ("in-interface-list", "/interface/list"),
        ("out-interface-list", "/interface/list"),
        ("routing-mark", "/routing/table"),
        ("new-routing-mark", "/routing/table"),
    ):
        value = row.get(arg, "").removeprefix("!")
        if value and value not in ANY_INTERFACE and not names.knows(menu, value):
            return True
    return False


def rules(path: str) -> MenuSpec:
    """The specification of a rule menu such as '/ip/firewall/filter'."""
    family = 6 if path.startswith("/ipv6") else 4
    return MenuSpec(
        path,
        kinds=_kinds(family, path.rsplit("/", 1)[1]),
        defaults={"action": "accept", "disabled": "false"},
        required=("chain",),
        flags=("dynamic", "invalid"),
        counted="rule",
        check=_check,
        tidy=_tidy if family == 4 else _tidy6,
        invalid=_dangling,
    )


def _entry_key(row: Mapping[str, str]) -> tuple[str, ...] | None:
    return (row["list"], row["address"]) if row.get("disabled") != "true" else None


def address_list(path: str) -> MenuSpec:
    """The specification of an address-list: one enabled row a list and address."""
    return MenuSpec(
        path,
        kinds={
            "address": v.list_address(6 if path.startswith("/ipv6") else 4),
            "list": v.name,
            "disabled": v.boolean,
            "dynamic": v.boolean,
            "timeout": v.time(0, 21_474_836),
        },
        defaults={"disabled": "false"},
        required=("list", "address"),
        flags=("dynamic",),
        unique=_entry_key,
        exists="entry-exists",
    )


SPECS = [
    *(rules(f"/ip/firewall/{table}") for table in ACTIONS),
    *(rules(f"/ipv6/firewall/{table}") for table in ACTIONS),
]

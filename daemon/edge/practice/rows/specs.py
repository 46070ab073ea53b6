"""Specifications of the menus beside the firewall: queues, tables, lists, users, settings."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.table import MenuSpec, by_name
from daemon.edge.practice.rows.values import Kind, Names
from daemon.edge.practice.schema import trap

_QUEUE_TYPE = v.reference("/queue/type")


def _queue_target(value: str, arg: str, names: Names) -> str:
    return value if names.knows("/interface", value) else v.prefix(value, arg, names)


def _queue_check(row: Mapping[str, str], names: Names) -> None:
    if row.get("parent") == row.get("name"):
        raise trap("queue-loop")
    most, least = row["max-limit"].split("/"), row["limit-at"].split("/")
    for key, up, low in zip(("upload-limit", "download-limit"), most, least, strict=True):
        if int(up) and int(low) > int(up):
            raise trap(key)


def _orphan(row: Mapping[str, str], names: Names) -> bool:
    parent = row.get("parent", "none")
    return parent not in ("none", "global") and not (
        names.knows("/queue/simple", parent)
        or names.knows("/queue/tree", parent)
        or names.knows("/interface", parent)
    )


QUEUE_SIMPLE = MenuSpec(
    "/queue/simple",
    kinds={
        "name": v.name,
        "target": v.comma(_queue_target),
        "dst": _queue_target,
        "parent": v.reference("/queue/simple", "none"),
        "priority": v.same_pair(v.number(1, 8)),
        "queue": v.same_pair(_QUEUE_TYPE),
        "limit-at": v.pair(v.rate, "0"),
        "max-limit": v.pair(v.rate, "0"),
        "burst-limit": v.pair(v.rate, "0"),
        "burst-threshold": v.pair(v.rate, "0"),
        "burst-time": v.pair(v.time(), "0s"),
        "bucket-size": v.same_pair(v.bucket),
        "disabled": v.boolean,
        "total-queue": _QUEUE_TYPE,
        "total-priority": v.number(1, 8),
        "total-limit-at": v.rate,
        "total-max-limit": v.rate,
        "total-burst-limit": v.rate,
        "total-burst-threshold": v.rate,
        "total-burst-time": v.time(),
        "total-bucket-size": v.bucket,
    },
    defaults={
        "parent": "none",
        "packet-marks": "",
        "priority": "8/8",
        "queue": "default-small/default-small",
        "limit-at": "0/0",
        "max-limit": "0/0",
        "burst-limit": "0/0",
        "burst-threshold": "0/0",
        "burst-time": "0s/0s",
        "bucket-size": "0.1/0.1",
        "disabled": "false",
    },
    required=("target",),
    flags=("dynamic", "invalid"),
    counted="pair",
    unique=by_name,
    auto_name="queue",
    check=_queue_check,
    invalid=_orphan,
)


def _tree_check(row: Mapping[str, str], names: Names) -> None:
    if row.get("parent") == row.get("name"):
        raise trap("queue-loop")
    if int(row["max-limit"]) and int(row["limit-at"]) > int(row["max-limit"]):
        raise trap("upload-limit")


def _tree_parent(value: str, arg: str, names: Names) -> str:
    if value == "global" or names.knows("/interface", value) or names.knows("/queue/tree", value):
        return value
    raise trap("no-match", arg=arg)


QUEUE_TREE = MenuSpec(
    "/queue/tree",
    kinds={
        "name": v.name,
        "parent": _tree_parent,
        "priority": v.number(1, 8),
        "queue": _QUEUE_TYPE,
        "limit-at": v.rate,
        "max-limit": v.rate,
        "burst-limit": v.rate,
        "burst-threshold": v.rate,
        "burst-time": v.time(),
        "bucket-size": v.bucket,
        "disabled": v.boolean,
    },
    defaults={
        "packet-mark": "",
        "priority": "8",
        "queue": "default-small",
        "limit-at": "0",
        "max-limit": "0",
        "burst-limit": "0",
        "burst-threshold": "0",
        "burst-time": "0s",
        "bucket-size": "0.1",
        "disabled": "false",
    },
    required=("parent",),
    flags=("invalid",),
    counted="single",
    unique=by_name,
    auto_name="queue",
    first_id=0x1000000,
    check=_tree_check,
    invalid=_orphan,
)

QUEUE_TYPE = MenuSpec(
    "/queue/type",
    kinds={
        "name": v.name,
        "kind": v.choice(
            "bfifo", "cake", "codel", "fq-codel", "mq-pfifo", "none", "pcq", "pfifo", "red", "sfq"
        ),
        "pcq-rate": v.rate,
        "pcq-burst-rate": v.rate,
        "pcq-burst-threshold": v.rate,
        "pcq-burst-time": v.time(1),
        "pcq-classifier": v.several("src-address", "dst-address", "src-port", "dst-port", negatable=False),
        "pcq-src-address-mask": v.number(0, 32),
        "pcq-dst-address-mask": v.number(0, 32),
        "pcq-src-address6-mask": v.number(0, 128),
        "pcq-dst-address6-mask": v.number(0, 128),
        "pfifo-limit": v.number(1, 4_294_967_295),
        "mq-pfifo-limit": v.number(1, 4_294_967_295),
    },
    required=("kind",),
    unique=by_name,
    auto_name="queue-type",
    builtin=[
        {"name": "default", "kind": "pfifo", "pfifo-limit": "50", "default": "true"},
        {"name": "ethernet-default", "kind": "pfifo", "pfifo-limit": "50", "default": "true"},
        {
            "name": "wireless-default",
            "kind": "sfq",
            "sfq-perturb": "5",
            "sfq-allot": "1514",
            "default": "true",
        },
        {
            "name": "synchronous-default",
            "kind": "red",
            "red-limit": "60",
            "red-min-threshold": "10",
            "default": "true",
        },
        {
            "name": "hotspot-default",
            "kind": "sfq",
            "sfq-perturb": "5",
            "sfq-allot": "1514",
            "default": "true",
        },
        {"name": "pcq-upload-default", "kind": "pcq", "pcq-classifier": "src-address", "default": "true"},
        {"name": "pcq-download-default", "kind": "pcq", "pcq-classifier": "dst-address", "default": "true"},
        {"name": "only-hardware-queue", "kind": "none", "default": "true"},
        {
            "name": "multi-queue-ethernet-default",
            "kind": "mq-pfifo",
            "mq-pfifo-limit": "50",
            "default": "true",
        },
        {"name": "default-small", "kind": "pfifo", "pfifo-limit": "10", "default": "true"},
    ],
)

ROUTING_TABLE = MenuSpec(
    "/routing/table",
    kinds={"name": v.name, "fib": v.flag, "disabled": v.boolean},
    defaults={"disabled": "false"},
    required=("name",),
    flags=("dynamic", "invalid"),
    unique=by_name,
    first_id=0,
    builtin=[{"name": "main", "fib": "", "disabled": "false", "dynamic": "true", "builtin": "true"}],
)

ROUTING_RULE = MenuSpec(
    "/routing/rule",
    kinds={
        "action": v.choice("drop", "lookup", "lookup-only-in-table", "unreachable"),
        "table": v.reference("/routing/table"),
        "routing-mark": v.reference("/routing/table"),
        "interface": v.reference("/interface"),
        "src-address": v.prefix,
        "dst-address": v.prefix,
        "min-prefix": v.number(0, 128),
        "disabled": v.boolean,
    },
    defaults={"action": "lookup", "disabled": "false"},
    flags=("inactive",),
)

INTERFACE_LIST = MenuSpec(
    "/interface/list",
    kinds={"name": v.name},
    defaults={"include": "", "exclude": ""},
    required=("name",),
    flags=("builtin", "dynamic"),
    unique=by_name,
    builtin=[
        {"name": word, "include": "", "exclude": "", "comment": f"contains {what}", "builtin": "true"}
        for word, what in (
            ("all", "all interfaces"),
            ("none", "no interfaces"),
            ("dynamic", "dynamic interfaces"),
            ("static", "static interfaces"),
        )
    ],
    first_id=0x2000000,
)

LIST_MEMBER = MenuSpec(
    "/interface/list/member",
    kinds={
        "list": v.reference("/interface/list"),
        "interface": v.reference("/interface", "lo"),
        "disabled": v.boolean,
    },
    defaults={"disabled": "false"},
    required=("list", "interface"),
    flags=("dynamic",),
    unique=lambda row: (row["list"], row["interface"]),
    exists="entry-exists",
)

IPV6_ADDRESS = MenuSpec(
    "/ipv6/address",
    kinds={
        "address": v.interface_address(6),
        "interface": v.reference("/interface", "lo"),
        "advertise": v.boolean,
        "eui-64": v.boolean,
        "no-dad": v.boolean,
        "disabled": v.boolean,
    },
    defaults={
        "advertise": "true",
        "eui-64": "false",
        "from-pool": "",
        "no-dad": "false",
        "disabled": "false",
    },
    required=("address", "interface"),
    flags=("dynamic", "invalid"),
    unique=lambda row: (row["address"], row["interface"]),
    exists="address-exists",
)

PPP_SECRET = MenuSpec(
    "/ppp/secret",
    kinds={
        "name": v.name,
        "disabled": v.boolean,
        "local-address": v.text,
        "limit-bytes-in": v.number(0, 2**63),
        "limit-bytes-out": v.number(0, 2**63),
    },
    defaults={
        "service": "any",
        "caller-id": "",
        "password": "",
        "profile": "default",
        "routes": "",
        "ipv6-routes": "",
        "limit-bytes-in": "0",
        "limit-bytes-out": "0",
        "disabled": "false",
    },
    required=("name",),
    unique=by_name,
    exists="secret-exists",
)

USER_GROUP = MenuSpec(
    "/user/group",
    kinds={"name": v.name},
    defaults={"skin": "default", "policy": ""},
    required=("name",),
    unique=by_name,
    builtin=[
        {
            "name": "read",
            "policy": "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,"
            "rest-api,!ftp,!write,!policy",
            "skin": "default",
        },
        {
            "name": "write",
            "policy": "local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon,"
            "rest-api,!ftp,!policy",
            "skin": "default",
        },
        {
            "name": "full",
            "policy": "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,"
            "api,romon,rest-api",
            "skin": "default",
        },
    ],
)

_SERVICES = {
    "telnet": 23,
    "ftp": 21,
    "www": 80,
    "ssh": 22,
    "www-ssl": 443,
    "api": 8728,
    "winbox": 8291,
    "api-ssl": 8729,
}
SERVICE = MenuSpec(
    "/ip/service",
    kinds={
        "port": v.number(1, 65535),
        "disabled": v.boolean,
        "max-sessions": v.number(1, 1000),
        "address": v.comma(v.prefix),
    },
    defaults={"address": "", "max-sessions": "20", "disabled": "false"},
    flags=("invalid",),
    unique=by_name,
    builtin=[
        {
            "name": word,
            "port": str(port),
            "address": "",
            "vrf": "main",
            "max-sessions": "20",
            "disabled": "false" if word == "api" else "true",
        }
        for word, port in _SERVICES.items()
    ],
)

SPECS = [
    QUEUE_SIMPLE,
    QUEUE_TREE,
    QUEUE_TYPE,
    ROUTING_TABLE,
    ROUTING_RULE,
    INTERFACE_LIST,
    LIST_MEMBER,
    IPV6_ADDRESS,
    PPP_SECRET,
    USER_GROUP,
    SERVICE,
]

# Menus of settings: kinds and what they read back as delivered.
SINGLES: dict[str, tuple[dict[str, Kind], dict[str, str]]] = {
    "/system/identity": ({"name": v.name}, {"name": "MikroTik"}),
    "/ip/dns": (
        {
            "servers": lambda value, arg, names: v.comma(v.ip)(value, arg, names) if value else "",
            "allow-remote-requests": v.boolean,
            "verify-doh-cert": v.boolean,
            "cache-max-ttl": v.time(),
            "query-server-timeout": v.time(),
            "query-total-timeout": v.time(),
        },
        {
            "servers": "",
            "dynamic-servers": "",
            "use-doh-server": "",
            "verify-doh-cert": "false",
            "allow-remote-requests": "false",
            "max-udp-packet-size": "4096",
            "query-server-timeout": "2s",
            "query-total-timeout": "10s",
            "cache-size": "2048KiB",
            "cache-max-ttl": "1w",
            "cache-used": "38KiB",
        },
    ),
    "/ip/settings": (
        {
            "ip-forward": v.boolean,
            "send-redirects": v.boolean,
            "accept-redirects": v.boolean,
            "allow-fast-path": v.boolean,
            "tcp-syncookies": v.boolean,
            "rp-filter": v.choice("no", "loose", "strict"),
        },
        {
            "ip-forward": "true",
            "send-redirects": "true",
            "accept-source-route": "false",
            "accept-redirects": "false",
            "secure-redirects": "true",
            "rp-filter": "no",
            "tcp-syncookies": "false",
            "max-neighbor-entries": "8192",
            "arp-timeout": "30s",
            "icmp-rate-limit": "10",
            "icmp-rate-mask": "0x1818",
            "allow-fast-path": "true",
        },
    ),
    "/ip/firewall/connection/tracking": ({}, {"enabled": "auto"}),
}

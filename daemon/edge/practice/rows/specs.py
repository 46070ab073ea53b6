"""Specifications of the menus beside firewall and queues: tables, lists, users, settings."""

from __future__ import annotations

from daemon.edge.practice.rows import queues
from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.table import MenuSpec, by_name
from daemon.edge.practice.rows.values import Kind

ROUTING_TABLE = MenuSpec(
    "/routing/table",
    kinds={"name": v.name, "fib": v.flag, "disabled": v.boolean},
    defaults={"disabled": "false"},
    required=("name",),
    flags=("dynamic", "invalid"),
    unique=by_name,
    first_id=0,
    builtin=[{"name": "main", "fib": "", "disabled": "false", "dynamic": "true"}],
    fixed=True,
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
    fixed=True,
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
    *queues.SPECS,
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

"""Specifications of the queue menus."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.edge.practice.rows import values as v
from daemon.edge.practice.rows.table import MenuSpec, by_name
from daemon.edge.practice.rows.values import Names
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
    fixed=True,
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

SPECS = [QUEUE_SIMPLE, QUEUE_TREE, QUEUE_TYPE]

"""Connection tracking as the rows of /ip/firewall/connection."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyroute2 import NFCTSocket
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple

from daemon.edge.practice.plane import PlaneError
from daemon.edge.practice.plane.compile.marks import CONNECTION_MASK, FASTTRACK_BIT
from daemon.edge.practice.plane.compile.matchers import PROTOCOLS

SEEN_REPLY, ASSURED, SOURCE_NAT, DESTINATION_NAT = 0x2, 0x4, 0x10, 0x20
TCP_STATES = (
    "none", "syn-sent", "syn-received", "established", "fin-wait", "close-wait", "last-ack", "time-wait", "close",
    "syn-sent2",
)  # fmt: skip
_NAMES = {number: name for name, number in reversed(list(PROTOCOLS.items()))}
_NAMES[4] = "ipip"


def rows(mark_name: Callable[[int], str | None]) -> list[dict[str, str]]:
    """The tracked connections of the calling thread's namespace, IPv4 and IPv6, as RouterOS prints them."""
    with NFCTSocket(nfgen_family=socket.AF_UNSPEC) as kernel:
        try:
            return [row for entry in kernel.dump() if (row := _row(entry, mark_name)) is not None]
        except NetlinkError as error:
            raise PlaneError(f"connection tracking cannot be read: {error}") from error


def remove(row: Mapping[str, str]) -> bool:
    """Forget the connection that `rows` showed as `row`; false when it is gone.

    Its next packet begins a new one and is judged by the rules anew, without mark and without fasttrack.
    """
    try:
        ends, identity = _asked(row), int(row[".id"].removeprefix("*"), 16)
    except (KeyError, ValueError) as error:
        raise PlaneError(
            f"/ip/firewall/connection {row.get('.id', '?')}: not a connection's row: {error}"
        ) from error
    with NFCTSocket(nfgen_family=ends.family) as kernel:
        try:
            kernel.entry("del", tuple_orig=ends, id=identity)
        except NetlinkError as error:
            if error.code == errno.ENOENT:
                return False
            raise PlaneError(f"the connection cannot be removed: {error}") from error
    return True


def _asked(row: Mapping[str, str]) -> NFCTAttrTuple:
    source, source_port = _split(row["src-address"])
    destination, destination_port = _split(row["dst-address"])
    number = PROTOCOLS[row["protocol"]] if row["protocol"] in PROTOCOLS else int(row["protocol"])
    words: dict[str, Any] = {"saddr": source, "daddr": destination, "proto": number}
    words["family"] = socket.AF_INET6 if ":" in source else socket.AF_INET
    if source_port is not None:
        words |= {"sport": source_port, "dport": destination_port}
    for field in ("icmp-id", "icmp-type", "icmp-code"):
        if field in row:
            words[field.replace("-", "_")] = int(row[field])
    return NFCTAttrTuple(**words)


def _split(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return address, int(port[1:]) if port else None
    if text.count(":") == 1:
        address, _, port = text.partition(":")
        return address, int(port)
    return text, None


def _row(entry: Any, mark_name: Callable[[int], str | None]) -> dict[str, str] | None:
    original, reply = _ends(entry, "CTA_TUPLE_ORIG"), _ends(entry, "CTA_TUPLE_REPLY")
    if original is None or reply is None:
        return None
    status = entry.get_attr("CTA_STATUS") or 0
    mark = entry.get_attr("CTA_MARK") or 0
    number = original[0]
    row = {
        ".id": f"*{entry.get_attr('CTA_ID') or 0:X}",
        "protocol": _NAMES.get(number, str(number)),
        "src-address": original[1],
        "dst-address": original[2],
        "reply-src-address": reply[1],
        "reply-dst-address": reply[2],
        "connection-mark": mark_name(mark & CONNECTION_MASK) or "" if mark & CONNECTION_MASK else "",
        "fasttrack": _truth(mark & FASTTRACK_BIT),
        "timeout": show_seconds(entry.get_attr("CTA_TIMEOUT") or 0),
        "seen-reply": _truth(status & SEEN_REPLY),
        "assured": _truth(status & ASSURED),
        "srcnat": _truth(status & SOURCE_NAT),
        "dstnat": _truth(status & DESTINATION_NAT),
    }
    if number == PROTOCOLS["tcp"]:
        row["tcp-state"] = _tcp_state(entry)
    protocol = entry.get_attr("CTA_TUPLE_ORIG").get_attr("CTA_TUPLE_PROTO")
    for version in ("ICMP", "ICMPV6"):
        for field in ("ID", "TYPE", "CODE"):
            value = protocol.get_attr(f"CTA_PROTO_{version}_{field}")
            if value is not None:
                row[f"icmp-{field.lower()}"] = str(value)
    return row


def _ends(entry: Any, which: str) -> tuple[int, str, str] | None:
    found = entry.get_attr(which)
    if found is None:
        return None
    address, protocol = found.get_attr("CTA_TUPLE_IP"), found.get_attr("CTA_TUPLE_PROTO")
    version = 4 if address.get_attr("CTA_IP_V4_SRC") else 6
    ends = []
    for side, port_name in (("SRC", "CTA_PROTO_SRC_PORT"), ("DST", "CTA_PROTO_DST_PORT")):
        text = address.get_attr(f"CTA_IP_V{version}_{side}")
        port = protocol.get_attr(port_name)
        if port is None:
            ends.append(text)
        else:
            ends.append(f"{text}:{port}" if version == 4 else f"[{text}]:{port}")
    return protocol.get_attr("CTA_PROTO_NUM"), ends[0], ends[1]


def _tcp_state(entry: Any) -> str:
    found = entry.get_attr("CTA_PROTOINFO")
    found = found.get_attr("CTA_PROTOINFO_TCP") if found is not None else None
    number = found.get_attr("CTA_PROTOINFO_TCP_STATE") if found is not None else 0
    return TCP_STATES[number] if number is not None and number < len(TCP_STATES) else "none"


def _truth(value: int) -> str:
    return "true" if value else "false"


def show_seconds(seconds: int) -> str:
    """'1d2h3m4s' as RouterOS prints a time; '0s' for none."""
    return "".join(_units(seconds)) or "0s"


def _units(seconds: int) -> Iterator[str]:
    for unit, size in (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            yield f"{count}{unit}"

"""One router through its API: look, send a plan, end connections. One driver a router, for the daemon's life.

It connects when it must and again after a fault. It sends only `*hex` ids: RouterOS would take a name or a
position for an id as well, and hit a technician's row.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence

from daemon.edge.routeros.apply import Applied, apply_plan
from daemon.edge.routeros.connection import Connection, Reply, connect
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.errors import ProtocolError, TrapError
from daemon.plan import menus
from daemon.plan.change import Plan
from daemon.plan.marks import LISTS
from daemon.plan.menus import MENUS
from daemon.plan.observed import Observed, Seen

# IPv6 connections meet our rules at every packet unless the router fasttracks IPv6 (7.18 on); no schema
# that we have shows a menu to end those.
_CONNECTIONS = "/ip/firewall/connection"
_ABSENT = ("no such command", "no such directory", "unknown")


class RouterOSDriver:
    """The hand on one router. `unflushed` are client addresses whose connections are still to be ended;
    None when the driver is new and does not know what happened before: a cut may have been sent and its
    flush not.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.unflushed: set[str] | None = None
        self._connection: Connection | None = None

    async def observe(self) -> Observed:
        """Read our menus: chains and queues whole (their order counts), lists by our list names, few
        columns each.

        Raises Unreachable and its kinds, LoginRefused, CertificateRefused, and TrapError when the user may
        not read.
        """
        connection = await self._open()
        paths = list(MENUS)
        questions = [_question(path) for path in paths]
        questions += [
            ["/system/resource/print", "=.proplist=version,uptime,board-name"],
            ["/system/identity/print", "=.proplist=name"],
            ["/system/clock/print", "=.proplist=date,time,gmt-offset"],
        ]
        replies = await connection.call_many(questions, self.endpoint.patience)
        rows: dict[str, tuple[Seen, ...]] = {}
        for path, reply in zip(paths, replies, strict=False):
            assert reply is not None
            if reply.trap is not None and reply.trap.text.startswith(_ABSENT):
                continue
            rows[path] = tuple(_seen(path, fields) for fields in reply.good(f"{path}/print").rows)
        about = [_first(reply) for reply in replies[len(paths) :]]
        return Observed(
            rows,
            version=about[0].get("version", ""),
            identity=about[1].get("name", ""),
            clock=f"{about[2].get('date', '')} {about[2].get('time', '')}".strip(),
        )

    async def apply(self, plan: Plan, through: bool = False) -> Applied:
        """Send a plan, stage after stage; after the first error nothing more is sent, unless `through`.

        A lost connection is part of the result (`broken`), so that it is known what was answered before.
        """
        return await apply_plan(await self._open(), plan, self.endpoint.deadline, through)

    async def flush_connections(self, addresses: Collection[str], only_fasttracked: bool = False) -> int:
        """End the connections of client addresses or prefixes, from and to; how many were ended.

        A connection that was fasttracked passes no rule any more: a cut reaches it only this way, and a
        freed client's refused or steered one ends at once. `only_fasttracked` spares those that rules can
        still judge. Raises as `observe` does.
        """
        if not addresses:
            return 0
        connection = await self._open()
        clients = _Addresses(addresses)
        reply = await connection.call(
            [
                f"{_CONNECTIONS}/print",
                "=.proplist=.id,src-address,dst-address,reply-src-address,reply-dst-address,fasttrack",
            ],
            self.endpoint.patience,
        )
        ids = [
            row[".id"]
            for row in reply.good(f"{_CONNECTIONS}/print").rows
            if _is_id(row.get(".id", ""))
            and (not only_fasttracked or row.get("fasttrack", "false") in ("true", "yes"))
            and clients.match(row)
        ]
        removals = [[f"{_CONNECTIONS}/remove", f"=.id={id}"] for id in ids]
        for answer in await connection.call_many(removals, self.endpoint.deadline):
            # One that ended by itself meanwhile is what was wanted.
            if answer is not None and answer.trap is not None and "no such item" not in answer.trap.text:
                raise TrapError(f"{_CONNECTIONS}/remove", answer.trap.text, answer.trap.category)
        return len(ids)

    async def close(self) -> None:
        """End the session, if there is one. The driver may be used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            await self.close()
            self._connection = await connect(self.endpoint)
        return self._connection


def _question(path: str) -> list[str]:
    words = [f"{path}/print", f"=.proplist={MENUS[path].proplist}"]
    if MENUS[path].style == "entries":
        words += [f"?list={name}" for name in LISTS] + ["?#|"] * (len(LISTS) - 1)
    elif path == menus.ROUTES:
        words += ["?comment=pregonero:route:main"]
    return words


def _is_id(text: str) -> bool:
    return text[:1] == "*" and all(each in "0123456789ABCDEFabcdef" for each in text[1:]) and len(text) > 1


def _seen(path: str, fields: dict[str, str]) -> Seen:
    id = fields.pop(".id", "")
    if not _is_id(id):
        raise ProtocolError(f"{path}: a row without a proper .id ({id!r})")
    return Seen(path, id, fields)


def _first(reply: Reply | None) -> Mapping[str, str]:
    return reply.rows[0] if reply is not None and reply.rows else {}


class _Addresses:
    """Client addresses and prefixes, to be found in rows of the connection table."""

    def __init__(self, addresses: Collection[str]) -> None:
        nets = [ipaddress.ip_network(address, strict=False) for address in addresses]
        self._hosts = {str(net.network_address) for net in nets if net.prefixlen == net.max_prefixlen}
        self._wide = [net for net in nets if net.prefixlen != net.max_prefixlen]

    def match(self, row: Mapping[str, str]) -> bool:
        """Whether one end of a connection, before or after translation, is one of the clients."""
        ends: Sequence[str] = ("src-address", "dst-address", "reply-src-address", "reply-dst-address")
        return any(self._has(row[end]) for end in ends if end in row)

    def _has(self, end: str) -> bool:
        host = _host(end)
        if host in self._hosts:
            return True
        if not self._wide and ":" not in host:
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return str(address) in self._hosts or any(
            net.version == address.version and address in net for net in self._wide
        )


def _host(end: str) -> str:
    """The address of `10.0.0.5:80`, `[2001:db8::1]:80`, or of either without a port."""
    if end.startswith("["):
        return end[1:].partition("]")[0]
    if end.count(":") == 1:
        return end.partition(":")[0]
    return end

"""Configurations a practice router can start with: what a technician would have typed on it before us."""

from __future__ import annotations

import ipaddress

InitialRow = tuple[str, dict[str, str]]


def wisp_edge(
    wan: str, lan: str, box: str, *, name: str = "Cerro Alto", fasttrack: bool = False
) -> list[InitialRow]:
    """The edge of a small provider as its technician left it: uplink on ether1, clients on bridge1, the
    appliance's segment on ether3. `wan`, `lan`, `box` are the router's own addresses with prefix length
    ('198.51.100.1/24', '10.10.0.1/16', '10.99.0.1/24'). Raises ValueError for anything else.

    There are a masquerade, the usual forward chain with a fasttrack rule first (off unless asked for: what it takes
    passes no queue), a queue of the technician's own and
    two address-lists of his: all foreign to the appliance, all to be found unchanged afterwards.
    """
    uplink, clients, segment = (ipaddress.IPv4Interface(address) for address in (wan, lan, box))
    vip = (
        clients.network.network_address + 254 * 256 + 10
        if clients.network.prefixlen <= 16
        else clients.ip + 10
    )
    neighbour = uplink.network.broadcast_address - 1
    forward = "forward"
    return [
        ("/system/identity", {"name": name}),
        ("/interface", {"name": "ether1", "comment": "uplink"}),
        ("/interface", {"name": "bridge1", "comment": "clients"}),
        ("/interface", {"name": "ether3", "comment": "appliance"}),
        ("/interface/list", {"name": "WAN"}),
        ("/interface/list", {"name": "LAN"}),
        ("/interface/list/member", {"list": "WAN", "interface": "ether1"}),
        ("/interface/list/member", {"list": "LAN", "interface": "bridge1"}),
        ("/ip/address", {"address": str(uplink), "interface": "ether1", "comment": "uplink"}),
        ("/ip/address", {"address": str(clients), "interface": "bridge1", "comment": "clients"}),
        ("/ip/address", {"address": str(segment), "interface": "ether3", "comment": "appliance"}),
        ("/ip/route", {"dst-address": "0.0.0.0/0", "gateway": str(neighbour), "comment": "uplink"}),
        ("/ip/dns", {"servers": "9.9.9.9,149.112.112.112"}),
        ("/ip/firewall/nat", {"chain": "srcnat", "action": "masquerade", "out-interface": "ether1"}),
        (
            "/ip/firewall/filter",
            {
                "chain": forward,
                "action": "fasttrack-connection",
                "connection-state": "established,related",
                "disabled": "no" if fasttrack else "yes",
                "comment": "fast path",
            },
        ),
        (
            "/ip/firewall/filter",
            {"chain": forward, "action": "accept", "connection-state": "established,related,untracked"},
        ),
        ("/ip/firewall/filter", {"chain": forward, "action": "drop", "connection-state": "invalid"}),
        (
            "/queue/simple",
            {
                "name": "Torre Norte enlace",
                "target": str(vip),
                "max-limit": "40M/80M",
                "comment": "enlace de la torre, no tocar",
            },
        ),
        ("/ip/firewall/address-list", {"list": "vip", "address": str(vip), "comment": "antena del alcalde"}),
        ("/ip/firewall/address-list", {"list": "blocked-ports", "address": str(vip + 1)}),
        (
            "/ip/firewall/address-list",
            {"list": "blocked-ports", "address": "203.0.113.0/24", "comment": "spam"},
        ),
    ]

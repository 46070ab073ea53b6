"""The seam between the practice router's API server and whatever acts on packets.

The server holds rows; a `Plane` makes a kernel act as the rows say. `NoPlane` is the one that does
nothing, for tests and for a router that only has to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Snapshot = Mapping[str, Sequence[Mapping[str, str]]]
"""Menu path ('/ip/firewall/filter') -> its rows in order, read-back strings as the API prints them,
each with '.id'."""


class PlaneError(Exception):
    """The kernel refused what the rows ask for; the text goes to the API client as a failure trap."""


class Plane(Protocol):
    """What the API server asks of a data plane. All calls are synchronous and made from one thread."""

    def interfaces(self) -> list[dict[str, str]]:
        """One row an interface: 'name', 'type', 'mac', 'mtu' and 'running' ('true' or 'false')."""
        ...

    def addresses(self) -> list[dict[str, str]]:
        """One row an address the kernel already has: 'address' ('10.10.0.1/16') and 'interface'."""
        ...

    def apply(self, snapshot: Snapshot, changed: frozenset[str]) -> None:
        """Make the kernel act as the rows say, before the API answers. `changed` names the menus that differ
        from the last call. Raises PlaneError; the kernel then still acts as before."""
        ...

    def counters(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(menu, '.id') -> (bytes, packets). A simple queue has two: '.id' + '/up' and '.id' + '/down'."""
        ...

    def connections(self) -> list[dict[str, str]]:
        """Rows of /ip/firewall/connection: '.id', 'protocol', 'src-address' ('10.10.0.5:1234'),
        'dst-address', 'reply-src-address', 'reply-dst-address', 'connection-mark', 'fasttrack', 'tcp-state',
        'timeout'."""
        ...

    def remove_connection(self, row: Mapping[str, str]) -> bool:
        """Forget one tracked connection; false when it is already gone."""
        ...

    def alive(self, gateway: str) -> bool:
        """Whether the gateway answered the last check-gateway probes (one not yet probed counts as alive)."""
        ...

    def close(self) -> None:
        """Take back everything made in the kernel."""
        ...


class NoPlane:
    """A data plane that moves no packets: rows are kept and printed, nothing else happens."""

    def __init__(self, interfaces: Sequence[str] = ("ether1", "ether2", "ether3", "bridge1")) -> None:
        self._names = tuple(interfaces)

    def interfaces(self) -> list[dict[str, str]]:
        """The interfaces named at construction, all running, with made-up but steady MAC addresses."""
        return [
            {
                "name": name,
                "type": "bridge" if name.startswith("bridge") else "ether",
                "mac": f"02:00:00:00:00:{number:02X}",
                "mtu": "1500",
                "running": "true",
            }
            for number, name in enumerate(self._names, start=1)
        ]

    def addresses(self) -> list[dict[str, str]]:
        """None: addresses come from rows alone."""
        return []

    def apply(self, snapshot: Snapshot, changed: frozenset[str]) -> None:
        """Nothing to make act."""

    def counters(self) -> dict[tuple[str, str], tuple[int, int]]:
        """No packet ever passed."""
        return {}

    def connections(self) -> list[dict[str, str]]:
        """No connection is tracked."""
        return []

    def remove_connection(self, row: Mapping[str, str]) -> bool:
        """Nothing to remove."""
        return False

    def alive(self, gateway: str) -> bool:
        """Every gateway counts as answering."""
        return True

    def close(self) -> None:
        """Nothing was made."""

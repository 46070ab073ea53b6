"""A plane takes over what another one left, and leaves nothing when it is closed."""

from __future__ import annotations

import contextlib
import re

import pytest

from daemon.edge.practice.plane import PlaneError
from daemon.edge.practice.plane import namespace as namespace_module
from daemon.edge.practice.plane.linux import LinuxPlane
from tests.plane.lab import Lab
from tests.plane.town import ANN

pytestmark = pytest.mark.root

ROWS = {
    "/routing/table": [{".id": "*1", "name": "tobox", "fib": ""}],
    "/ip/address": [{".id": "*1", "address": "10.99.0.1/24", "interface": "ether3"}],
    "/ip/route": [
        {".id": "*1", "dst-address": "0.0.0.0/0", "gateway": "10.99.0.2", "routing-table": "tobox"},
        {".id": "*2", "dst-address": "192.0.2.0/24", "gateway": "10.99.0.2"},
    ],
    "/ip/firewall/filter": [{".id": "*1", "chain": "forward", "action": "drop", "src-address": ANN}],
    "/queue/simple": [{".id": "*1", "name": "ann", "target": f"{ANN}/32", "max-limit": "1000000/1000000"}],
}
EVERYTHING = frozenset(ROWS)


def state(lab: Lab) -> str:
    """All that a plane may have touched, as text without handles and counts."""
    commands = (
        ["nft", "-s", "list", "ruleset"], ["ip", "rule"], ["ip", "-6", "rule"], ["ip", "route", "show", "table", "all"],
        ["tc", "qdisc"], ["ip", "-br", "-4", "addr"],
    )  # fmt: skip
    lines = "\n".join(lab.run("edge", command).stdout for command in commands).splitlines()
    # Forwarding, which stays on, brings anycast entries by itself; the kernel numbers FIFOs as it likes.
    lines = [re.sub(r"^(qdisc bfifo) \w+:", r"\1", line) for line in lines if not line.startswith("anycast")]
    return "\n".join(sorted(lines))


def edge(lab: Lab) -> str:
    name = lab.namespace("edge")
    lab.namespace("box")
    lab.wire("edge", "ether3", "box", "eth0")
    lab.run("edge", ["nft", "add", "table", "ip", "of_another_hand"])
    lab.run("edge", ["ip", "route", "add", "blackhole", "203.0.113.0/24"])
    return name


def test_closing_leaves_the_namespace_as_it_was() -> None:
    with Lab("planeclose") as lab:
        name = edge(lab)
        before = state(lab)
        with contextlib.closing(LinuxPlane(name)) as plane:
            plane.apply(ROWS, EVERYTHING)
            assert "pregonero_practice" in state(lab)
        assert state(lab) == before


def test_a_second_plane_takes_over_what_a_dead_one_left_with_its_counts() -> None:
    with Lab("planedead") as lab:
        name = edge(lab)
        before = state(lab)
        first = LinuxPlane(name)
        first.apply(ROWS, EVERYTHING)
        first._gateways.close()  # as good as dead: it will not look again
        left = state(lab)
        with contextlib.closing(LinuxPlane(name)) as second:
            second.apply(ROWS, EVERYTHING)
            assert state(lab) == left
            second.apply({**ROWS, "/ip/route": ROWS["/ip/route"][:1]}, frozenset({"/ip/route"}))
            assert "192.0.2.0/24" not in state(lab)
        # The address of the dead one was there already for the second, so it stays.
        lab.run("edge", ["ip", "addr", "del", "10.99.0.1/24", "dev", "ether3"])
        assert state(lab) == before


def test_the_machine_s_own_network_is_refused() -> None:
    with pytest.raises(PlaneError, match="the machine's own network"):
        LinuxPlane(None)


def test_a_namespace_that_is_not_there_is_named() -> None:
    with pytest.raises(PlaneError, match="no-such-namespace"):
        LinuxPlane("no-such-namespace")


def test_a_missing_nft_names_the_debian_package(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    with Lab("planenft") as lab:
        name = lab.namespace("edge")
        monkeypatch.setenv("PATH", str(tmp_path))
        try:
            with pytest.raises(PlaneError, match="install the Debian package nftables"):
                LinuxPlane(name)
        finally:
            monkeypatch.undo()
    assert namespace_module.PACKAGES["tc"] == "iproute2"

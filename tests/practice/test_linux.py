"""The API server on a real kernel: what is written over the API stands in the namespace's rules."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.edge.practice.factory import wisp_edge
from daemon.edge.practice.run import PracticeError

pytestmark = pytest.mark.root

WORLD = ("198.51.100.1/24", "10.10.0.1/16", "10.99.0.1/24")
LIST = "/ip/firewall/address-list"


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture
def netns() -> Iterator[str]:
    name = f"prac{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        for interface, address in zip(("ether1", "bridge1", "ether3"), WORLD, strict=True):
            far = f"{interface}-far"
            run("ip", "-n", name, "link", "add", interface, "type", "veth", "peer", "name", far)
            run("ip", "-n", name, "link", "set", far, "up")
            run("ip", "-n", name, "addr", "add", address, "dev", interface)
            run("ip", "-n", name, "link", "set", interface, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "netns", "del", name)


def test_rows_become_rules_of_the_namespace_and_a_restart_keeps_them(
    running, netns: str, tmp_path: Path
) -> None:
    options = {
        "data_plane": "linux",
        "netns": netns,
        "state": tmp_path / "flash",
        "initial": wisp_edge(*WORLD),
    }
    first = running(**options)
    with first.client() as client:
        client.login()
        names = [
            word for words in client.ask("/interface/print") for word in words if word.startswith("=name=")
        ]
        assert {"=name=ether1", "=name=bridge1", "=name=ether3"} <= set(names)
        addresses = client.ask("/ip/address/print")
        assert all("=dynamic=false" in words for words in addresses if words[0] == "!re")
        client.ask("/ip/firewall/filter/add", "=chain=forward", "=action=drop", "=src-address-list=cut")
        client.ask(f"{LIST}/add", "=list=cut", "=address=10.10.0.5")
        assert "10.10.0.5" in run("ip", "netns", "exec", netns, "nft", "list", "ruleset")
        juan = client.ask("/queue/simple/add", "=name=juan", "=target=10.10.0.5", "=max-limit=5M/10M")
        assert juan[0][0] == "!done"
        counted = [words for words in client.ask("/queue/simple/print") if "=name=juan" in words]
        assert "=bytes=0/0" in counted[0]
    first.__exit__()
    second = running(**options)
    with second.client() as client:
        client.login()
        assert "10.10.0.5" in run("ip", "netns", "exec", netns, "nft", "list", "ruleset")
        item = client.ask(f"{LIST}/print", "?list=cut")[0][1].removeprefix("=.id=")
        client.ask(f"{LIST}/remove", f"=.id={item}")
        table = run("ip", "netns", "exec", netns, "nft", "-a", "list", "sets")
        assert "10.10.0.5" not in table


def test_the_machines_own_namespace_is_refused(running) -> None:
    """Holds wherever the tests run: what is not known to be apart is not taken."""
    named = {path.stat().st_ino for path in Path("/run/netns").glob("*")}
    if Path("/proc/self/ns/net").stat().st_ino not in named:
        with pytest.raises(PracticeError, match="--netns"):
            running(data_plane="linux")
    with pytest.raises(PracticeError, match="ip netns add"):
        running(data_plane="linux", netns="no-such-namespace")

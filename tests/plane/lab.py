"""A laboratory of network namespaces for tests: real kernels' worth of routers, clients and sites, gone afterwards.

    with Lab("myroom") as lab:
        sub, edge = lab.namespace("sub"), lab.namespace("edge")       # real names: 'myroom<pid>-<n>-sub', ...
        lab.wire("sub", "eth0", "edge", "bridge1")                    # a veth pair, both ends up
        lab.bridge("edge", "bridge2", ports=["ether4", "ether5"])     # ports must exist already
        lab.address("sub", "eth0", "10.10.0.2/16")
        lab.route("sub", "default", via="10.10.0.1")
        lab.run("sub", ["ping", "-c1", "10.10.0.1"])                  # raises on a status other than 0
        site = lab.start("inet", [sys.executable, "-c", SERVER])      # a program that the lab ends at the end
        lab.wait(lambda: lab.listening("inet", 80))                   # poll, never sleep
        with lab.inside("sub"):                                       # this thread's sockets are made in 'sub'
            connection = socket.create_connection(("198.51.100.10", 80), timeout=5)

`lab.name("edge")` is the name that `ip netns` and `LinuxPlane` want. Names carry the process id, so labs of several
test runs do not meet; the lab touches nothing outside its namespaces. Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

CLONE_NEWNET = 0x40000000
_numbers = itertools.count(1)


class Lab:
    """Namespaces, the wires between them and the programs in them; a context manager that clears all away."""

    def __init__(self, prefix: str = "lab") -> None:
        self._stem = f"{prefix}{os.getpid()}-{next(_numbers)}"
        self._names: dict[str, str] = {}
        self._programs: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the lab's programs, and delete its namespaces with all that is in them."""
        for program in self._programs:
            self.stop(program)
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        self._names.clear()

    def name(self, short: str) -> str:
        """The real name of a namespace."""
        return self._names[short]

    def namespace(self, short: str, forward: bool = False) -> str:
        """Add a namespace with its loopback up (and forwarding of both families on); its real name."""
        name = f"{self._stem}-{short}"
        _call(["ip", "netns", "add", name])
        self._names[short] = name
        _call(["ip", "-n", name, "link", "set", "lo", "up"])
        # No duplicate address detection: a test's IPv6 addresses are usable at once.
        words = ["net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"]
        words += ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
        if forward:
            words += ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
        _call(["ip", "netns", "exec", name, "sysctl", "-qw", *words])
        return name

    def wire(self, one: str, one_end: str, other: str, other_end: str) -> None:
        """A veth pair between two namespaces (or within one), both ends up."""
        _call(
            ["ip", "-n", self._names[one], "link", "add", one_end, "type", "veth",
             "peer", "name", other_end, "netns", self._names[other]]
        )  # fmt: skip
        self.up(one, one_end)
        self.up(other, other_end)

    def bridge(self, short: str, bridge: str, ports: Sequence[str] = ()) -> None:
        """A bridge in a namespace, up, with interfaces that exist there as its ports."""
        _call(["ip", "-n", self._names[short], "link", "add", bridge, "type", "bridge"])
        for port in ports:
            _call(["ip", "-n", self._names[short], "link", "set", port, "master", bridge])
        self.up(short, bridge)

    def up(self, short: str, interface: str) -> None:
        """Switch an interface on."""
        _call(["ip", "-n", self._names[short], "link", "set", interface, "up"])

    def down(self, short: str, interface: str) -> None:
        """Switch an interface off."""
        _call(["ip", "-n", self._names[short], "link", "set", interface, "down"])

    def address(self, short: str, interface: str, address: str) -> None:
        """Give an interface an address with prefix length, IPv4 or IPv6."""
        _call(["ip", "-n", self._names[short], "addr", "add", address, "dev", interface])

    def route(self, short: str, destination: str, via: str) -> None:
        """Add a route through a gateway; the gateway's family decides the route's."""
        family = "-6" if ":" in via else "-4"
        _call(["ip", family, "-n", self._names[short], "route", "add", destination, "via", via])

    def argv(self, short: str, argv: Sequence[str]) -> list[str]:
        """The words that run `argv` inside a namespace."""
        return ["ip", "netns", "exec", self._names[short], *argv]

    def run(
        self, short: str, argv: Sequence[str], given: str = "", timeout: float = 60, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a namespace to its end; with `check` a status other than 0 raises, showing its errors."""
        return _call(self.argv(short, argv), given, timeout, check)

    def start(self, short: str, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; it is ended with the lab at the latest. Its output is not kept."""
        program = subprocess.Popen(
            self.argv(short, argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._programs.append(program)
        return program

    def stop(self, program: subprocess.Popen[bytes]) -> None:
        """End a program that `start` began, and wait for it."""
        program.kill()
        program.wait()

    @contextlib.contextmanager
    def inside(self, short: str) -> Iterator[None]:
        """Within the block this thread is in the namespace: sockets opened there belong to it for good."""
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self._names[short]}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.setns(there, CLONE_NEWNET)
            try:
                yield
            finally:
                os.setns(back, CLONE_NEWNET)
        finally:
            os.close(there)
            os.close(back)

    def listening(self, short: str, port: int) -> bool:
        """Whether some program in the namespace listens on a TCP port."""
        return bool(self.run(short, ["ss", "-Hltn", f"sport = :{port}"]).stdout.strip())

    @staticmethod
    def wait(true: Callable[[], object], seconds: float = 15, what: str = "the condition") -> None:
        """Poll until `true()` is; AssertionError naming `what` when it is not in time."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{what} did not come true in {seconds} s"
            time.sleep(0.02)


def _call(
    argv: Sequence[str], given: str = "", timeout: float = 60, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode:
        raise RuntimeError(
            f"{' '.join(argv)}: status {done.returncode}: {done.stderr.strip()} {done.stdout.strip()}"
        )
    return done

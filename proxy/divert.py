"""The kernel's part of TPROXY mode: our own nftables table, one policy rule and one routing table a family.

    table inet pregonero_proxy
        chain divert      established connections of ours, then (while workers are well) new tcp/80 to the listener
        chain cut         forwarded tcp/80 of suspended addresses is refused

The two chains fail in different ways on purpose. With nobody listening, or with the rule withdrawn, an informed
subscriber's connection is forwarded as if we were not here. A suspended one's is not: it would leave under this
machine's own (masqueraded) address, which the router does not cut. So the cut stays in place when the proxy
stops; `nft delete table inet pregonero_proxy` takes it away, and the next start takes it over.

Only what carries our name, our mark, our priority and our routing table is ever touched.
"""

import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress

TABLE = "pregonero_proxy"
MARK = 0x01000000
"""The one bit of the packet mark that is ours."""

PRIORITY = 7080
ROUTES = 7080
PATIENCE = 3.0
_CAP_NET_ADMIN = 12


_TABLE = f"""
add table inet {TABLE}
add set inet {TABLE} suspended4 {{ type ipv4_addr; }}
add set inet {TABLE} suspended6 {{ type ipv6_addr; }}
add chain inet {TABLE} fresh
add chain inet {TABLE} divert {{ type filter hook prerouting priority mangle; policy accept; }}
add chain inet {TABLE} cut {{ type filter hook forward priority filter - 5; policy accept; }}
flush chain inet {TABLE} fresh
flush chain inet {TABLE} divert
flush chain inet {TABLE} cut
add rule inet {TABLE} divert iifname "lo" return
add rule inet {TABLE} divert tcp dport 80 tcp flags & (syn | ack) != syn socket transparent 1 \
    meta mark set meta mark or {MARK:#x} accept
add rule inet {TABLE} divert jump fresh
add rule inet {TABLE} cut ip saddr @suspended4 tcp dport 80 counter reject with tcp reset
add rule inet {TABLE} cut ip6 saddr @suspended6 tcp dport 80 counter reject with tcp reset
"""


class DivertError(RuntimeError):
    """The kernel could not be told; the text says what to do."""


def _run(words: list[str], text: str | None = None) -> None:
    try:
        done = subprocess.run(
            words, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DivertError(f"{words[0]}: {error}") from error
    if done.returncode:
        raise DivertError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")


def _may_administer() -> bool:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> _CAP_NET_ADMIN & 1)
    return False


class Divert:
    """Steers new tcp/80 that passes through this network namespace to the listener at `host`:`port`."""

    def __init__(self, host: str, port: int) -> None:
        self._port = port
        wildcard = host in ("0.0.0.0", "::")
        self._four = "" if wildcard else host
        self._six = "" if wildcard else f"[{host}]"
        self._families = ("ip", "ip6") if host == "::" else ("ip6",) if ":" in host else ("ip",)
        self._suspended: frozenset[str] | None = None
        self.active = False

    @staticmethod
    def check() -> None:
        """Raise DivertError where this process could not do it at all."""
        for program, package in (("nft", "nftables"), ("ip", "iproute2")):
            if shutil.which(program) is None:
                raise DivertError(f"--mode tproxy needs the program {program}: apt install {package}")
        if not _may_administer():
            raise DivertError(
                "--mode tproxy needs root, or the capability CAP_NET_ADMIN (--mode explicit needs neither)"
            )

    def install(self) -> None:
        """Make table, rule and routes, with new connections not diverted yet.

        What a predecessor left is taken over: above all whom it cut, since until the first board comes nobody
        else here knows it.
        """
        self._routes("add")
        try:
            _run(["nft", "-f", "-"], _TABLE)
        except DivertError:
            # Another version made it with other words: only then anew.
            _run(["nft", "-f", "-"], f"table inet {TABLE} {{}}\ndelete table inet {TABLE}\n{_TABLE}")
        self.active = False

    def restore(self) -> None:
        """Divert new connections."""
        lines = [f"flush chain inet {TABLE} fresh"]
        for family in self._families:
            place = (self._four if family == "ip" else self._six) + f":{self._port}"
            version = "ipv4" if family == "ip" else "ipv6"
            lines.append(
                f"add rule inet {TABLE} fresh meta nfproto {version} tcp dport 80 fib daddr type != local "
                f"tproxy {family} to {place} meta mark set meta mark or {MARK:#x} counter accept"
            )
        _run(["nft", "-f", "-"], "\n".join(lines) + "\n")
        self.active = True

    def withdraw(self) -> None:
        """Let new connections pass; those that a worker holds stay with it."""
        _run(["nft", "-f", "-"], f"flush chain inet {TABLE} fresh\n")
        self.active = False

    def suspend(self, addresses: Iterable[str]) -> None:
        """Refuse what these addresses would have forwarded through this machine on tcp/80."""
        wanted = frozenset(addresses)
        if wanted == self._suspended:
            return
        lines = []
        for name, six in (("suspended4", False), ("suspended6", True)):
            lines.append(f"flush set inet {TABLE} {name}")
            members = sorted(one for one in wanted if (":" in one) == six)
            if members:
                lines.append(f"add element inet {TABLE} {name} {{ {', '.join(members)} }}")
        _run(["nft", "-f", "-"], "\n".join(lines) + "\n")
        self._suspended = wanted

    def stop(self) -> None:
        """Take the diversion away, policy rule and routes too; the cut of the suspended stays."""
        with suppress(DivertError):
            _run(["nft", "-f", "-"], f"delete chain inet {TABLE} divert\ndelete chain inet {TABLE} fresh\n")
        self._routes("del")
        self.active = False

    def _routes(self, verb: str) -> None:
        for flag, everything in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
            mark = f"{MARK:#x}/{MARK:#x}"
            rule = ["ip", flag, "rule"]
            match = ["fwmark", mark, "lookup", str(ROUTES), "priority", str(PRIORITY)]
            with suppress(DivertError):  # what a killed predecessor left
                _run([*rule, "del", *match])
            if verb == "del":
                with suppress(DivertError):
                    _run(["ip", flag, "route", "flush", "table", str(ROUTES)])
                continue
            try:
                _run(["ip", flag, "route", "replace", "local", everything, "dev", "lo", "table", str(ROUTES)])
                _run([*rule, "add", *match])
            except DivertError:
                if flag == "-4" or "ip6" in self._families:  # a machine without IPv6 is fine
                    raise

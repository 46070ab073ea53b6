"""Where a practice takes place: a town of namespaces, or loopback for an ordinary user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from daemon.practice.isp import Subscriber
from daemon.practice.world import BOX, NOT_HTTP, SITE, World, inside

PORTAL_PORT = 8081


class Place(Protocol):
    """What the runner must know of the place; `*_words` are added to the commands of the processes."""

    #: Network of the subscribers' addresses.
    network: str
    #: So many subscribers at most have a seat.
    most: int
    site: str
    https_site: str
    site_words: Sequence[str]
    router_words: Sequence[str]
    proxy_words: Sequence[str]
    portal_listen: str

    def build(self, subscribers: Sequence[Subscriber]) -> None:
        """Make the place."""

    def clear(self) -> None:
        """Take it down."""

    def at_box(self, argv: list[str]) -> list[str]:
        """The words that run `argv` on the box."""

    def at_internet(self, argv: list[str]) -> list[str]:
        """The words that run `argv` on the Internet's side."""

    def curl(self, address: str) -> list[str]:
        """The words before curl's own arguments that make it this subscriber."""

    def portal_url(self, found: str) -> str:
        """Where subscribers reach the portal, given what the portal said of itself."""

    def found_site(self, ready: Mapping[str, Any]) -> None:
        """Learn where the site listens."""

    def found_proxy(self, ready: Mapping[str, Any]) -> None:
        """Learn where the proxy listens."""

    def lines(
        self, facts: Mapping[str, Any], shown: Mapping[str, Any] | None, cut: Mapping[str, Any] | None
    ) -> list[str]:
        """Where to look and three things to try."""


class Town:
    """Namespaces: packets are really steered and really cut."""

    network: str = "10.10.0.0/16"
    most: int = 64
    site: str = f"http://{SITE}/"
    https_site: str = f"https://{SITE}/"
    site_words: Sequence[str] = ("--pages", SITE, "--greeter", NOT_HTTP)
    proxy_words: Sequence[str] = ("--mode", "tproxy", "--listen", "0.0.0.0:8079")
    portal_listen: str = f"{BOX}:{PORTAL_PORT}"

    def __init__(self, world: World) -> None:
        self.world = world
        self.router_words: Sequence[str] = ("--data-plane", "linux", "--netns", world.edge)
        self._seats: dict[str, str] = {}

    def build(self, subscribers: Sequence[Subscriber]) -> None:
        """Clear what a killed practice of this home left, then build."""
        self.world.clear()
        self._seats = {one.address: self.world.subscriber(number) for number, one in enumerate(subscribers)}
        self.world.build([one.address for one in subscribers])

    def clear(self) -> None:
        """Remove the namespaces."""
        self.world.clear()

    def at_box(self, argv: list[str]) -> list[str]:
        """On the box's namespace."""
        return inside(self.world.box, *argv)

    def at_internet(self, argv: list[str]) -> list[str]:
        """On the Internet's namespace."""
        return inside(self.world.inet, *argv)

    def curl(self, address: str) -> list[str]:
        """curl in the subscriber's own house."""
        return inside(self._seats[address], "curl")

    def portal_url(self, found: str) -> str:
        """The box's address, as subscribers see it."""
        return f"http://{BOX}:{PORTAL_PORT}"

    def found_site(self, ready: Mapping[str, Any]) -> None:
        """Its address is fixed."""

    def found_proxy(self, ready: Mapping[str, Any]) -> None:
        """The packets find it by themselves."""

    def lines(
        self, facts: Mapping[str, Any], shown: Mapping[str, Any] | None, cut: Mapping[str, Any] | None
    ) -> list[str]:
        """Where to look and three things to try."""
        lines = _lines(facts, self.site, shown, cut)
        if shown:
            seat = self._seats[shown["address"]]
            browser = "chromium --no-sandbox --user-data-dir=$(mktemp -d)"
            lines.insert(3, f"       or in a browser: ip netns exec {seat} {browser} {self.site}")
        return lines


class Loopback:
    """Loopback: an address of 127/8 for each subscriber, who browses through the proxy as through any proxy."""

    network: str = "127.10.0.0/16"
    most: int = 64
    site_words: Sequence[str] = (
        "--pages",
        "127.20.0.10",
        "--greeter",
        "127.20.0.11",
        "--http",
        "0",
        "--https",
        "0",
    )
    router_words: Sequence[str] = ()
    proxy_words: Sequence[str] = (
        "--mode",
        "explicit",
        "--listen",
        "127.0.0.1:0",
        "--allow-net",
        "127.0.0.0/8",
    )
    portal_listen: str = "127.0.0.1:0"

    def __init__(self, why: str) -> None:
        self.why = why
        self.site = ""
        self.https_site = ""
        self._proxy = ""

    def build(self, subscribers: Sequence[Subscriber]) -> None:
        """Nothing to make."""

    def clear(self) -> None:
        """Nothing to take down."""

    def at_box(self, argv: list[str]) -> list[str]:
        """Here."""
        return argv

    def at_internet(self, argv: list[str]) -> list[str]:
        """Here."""
        return argv

    def curl(self, address: str) -> list[str]:
        """curl from the subscriber's loopback address through the proxy."""
        return ["curl", "--interface", address, "-x", self._proxy]

    def portal_url(self, found: str) -> str:
        """As the portal says."""
        return found.rstrip("/")

    def found_site(self, ready: Mapping[str, Any]) -> None:
        """Learn the ports that the kernel chose."""
        self.site = f"http://127.20.0.10:{ready['http']}/"
        self.https_site = f"https://127.20.0.10:{ready['https']}/"

    def found_proxy(self, ready: Mapping[str, Any]) -> None:
        """Learn the port that the kernel chose."""
        self._proxy = f"http://{ready['listen']}"

    def lines(
        self, facts: Mapping[str, Any], shown: Mapping[str, Any] | None, cut: Mapping[str, Any] | None
    ) -> list[str]:
        """Where to look and three things to try."""
        return _lines(facts, self.site, shown, cut)


def _lines(
    facts: Mapping[str, Any], site: str, shown: Mapping[str, Any] | None, cut: Mapping[str, Any] | None
) -> list[str]:
    staff = facts["staff"]
    router = facts["routers"][0]
    where = f"{router['host']}:{router['port']}"
    lines = [
        f"staff  {facts['web']}  user {staff['user']}  password {staff['password']}",
        f"router {where}  user {router['user']}  password {router['password']}  (RouterOS API)",
    ]
    page = '-s -H "Accept: text/html" -H "Upgrade-Insecure-Requests: 1" -A Mozilla/5.0'
    if shown:
        lines.append(
            f"try 1  a debtor reads a page ({shown['name']}): {' '.join(shown['curl'])} {page} {site}"
        )
    if cut:
        lines.append(f"try 2  one who was cut ({cut['name']}): {' '.join(cut['curl'])} {page} {site}")
        lines.append(f"try 3  register the payment of {cut['name']} in the web UI, and run that line again")
    return lines

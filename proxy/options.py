"""What the command line said, as one value that the supervisor hands to its workers."""

import json
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Options:
    """The proxy's settings. Times in seconds; 0 switches cooldown, daily cap or learning off."""

    host: str
    port: int
    mode: str
    board: str
    cooldown: float = 20.0
    daily_cap: int = 3
    learn: float = 3600.0
    allow_nets: tuple[str, ...] = ()
    events: str | None = None
    workers: int = 2
    ready: str | None = None

    @property
    def transparent(self) -> bool:
        """Whether connections arrive by TPROXY, with the original destination as their own address."""
        return self.mode == "tproxy"

    def allowed(self) -> tuple[Network, ...]:
        """The networks of --allow-net. Raises ValueError with the text at fault."""
        return tuple(ip_network(text, strict=False) for text in self.allow_nets)

    def dump(self) -> str:
        """As one JSON text, for a worker's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Options":
        """The inverse of `dump`."""
        values = json.loads(text)
        values["allow_nets"] = tuple(values["allow_nets"])
        return cls(**values)


def split_listen(text: str) -> tuple[str, int]:
    """HOST:PORT, [IPV6]:PORT or :PORT as a pair; an empty host means all IPv4 addresses.

    Raises ValueError with a sentence that says what is wrong.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT (for IPv6 [::]:8080)")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: put an IPv6 address in brackets, as in [::]:8080")
    return host or "0.0.0.0", int(port)

"""What the house knows of one router: the facts that every row on it is derived from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daemon.rules.sentence import Sentence


@dataclass(frozen=True, slots=True)
class ServiceFact:
    """One internet service on a router.

    `address` is an IPv4 address or prefix and `ipv6` an IPv6 one, None where the service has none; rates
    are bits per second, 0 for unlimited; `notice_until` is the aware UTC moment at which a showable notice
    ends, None without one; `why` is a sentence on the client's standing ("invoice 12 is unpaid since 3
    May"); a plain text is said as it is in every language.
    """

    service_id: int
    client_id: int
    client: str
    address: str | None
    ipv6: str | None
    download_bps: int
    upload_bps: int
    suspended: bool
    notice_until: datetime | None
    why: Sentence | str

    def __post_init__(self) -> None:
        if self.notice_until is not None and self.notice_until.tzinfo is None:
            raise ValueError(f"service {self.service_id}: notice_until must be an aware UTC datetime")
        if self.download_bps < 0 or self.upload_bps < 0:
            raise ValueError(f"service {self.service_id}: a rate cannot be below zero")


@dataclass(frozen=True, slots=True)
class RouterFact:
    """One router: where its clients come in, where the box stands, whom the suspended may still reach.

    `client_interfaces` and `box_interface` are RouterOS interface names; `box_address` is the box's IPv4
    address on that interface; `allowed` holds addresses, prefixes or DNS names. `max_cut_share` and
    `max_cut_min` bound a surprise: a plan that newly cuts more than that share of the active services *and*
    more than that many is held.
    """

    router_id: int
    name: str
    client_interfaces: tuple[str, ...]
    box_address: str
    box_interface: str
    allowed: tuple[str, ...]
    max_cut_share: float = 0.05
    max_cut_min: int = 10


@dataclass(frozen=True, slots=True)
class RouterFacts:
    """A router and all services that run on it."""

    router: RouterFact
    services: tuple[ServiceFact, ...]

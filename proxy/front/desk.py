"""What every connection of a worker asks: who is to see what, what may be shown now, whom to tell."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemon.board import Notice, Suspended
from proxy.judge.probes import is_probe
from proxy.mark.notice import showable
from proxy.options import Network
from proxy.shared.events import Events
from proxy.shared.feed import Feed
from proxy.shared.pace import Pace

if TYPE_CHECKING:
    from proxy.mark.exchange import Exchange, Stream

_QUIET = 60.0
"""Seconds in which the same trouble of the same notice is told once."""


class Desk:
    """The board, the pace and the events, with the questions that the front asks of them together."""

    def __init__(self, feed: Feed, pace: Pace, events: Events, allowed: Sequence[Network]) -> None:
        self.feed = feed
        self.pace = pace
        self.events = events
        self.allowed = allowed
        self._layers: asyncio.Future[object] | None = None

    def suspended(self, address: str) -> Suspended | None:
        """The entry of a subscriber who is cut; tells of it once a second."""
        entry = self.feed.suspended(address)
        if entry is not None and self.pace.once(1.0, "suspended", address):
            self.events.tell("suspended", address=address)
        return entry

    def notice(self, address: str) -> Notice | None:
        """The notice that the next page of this subscriber may carry, or None."""
        notices = self.feed.notices(address)
        if not notices or self.pace.resting(address):
            return None
        for notice in notices:
            if self.pace.used_up(notice.id, address):
                continue
            trouble = showable(notice)
            if not trouble:
                return notice
            if self.pace.once(_QUIET, "notice", notice.id, trouble):
                self.passed(notice, f"notice-{trouble}")
        return None

    def still(self, notice: Notice) -> bool:
        """Whether the board still lists this notice (it may have been acknowledged while the page was read)."""
        return any(one.id == notice.id for one in self.feed.notices(notice.address))

    def marks(self, host: str, path: str) -> bool:
        """Whether pages of this host and path may be marked at all."""
        return not is_probe(host, path) and not self.pace.left_alone(host)

    def passed(self, notice: Notice, reason: str) -> None:
        """Tell that a page went by unmarked, and why; the same reason once a second for a subscriber."""
        if self.pace.once(1.0, "passed", notice.address, reason):
            self.events.tell("passed", id=notice.id, address=notice.address, reason=reason)

    def surprise(self, notice: Notice, reason: str, host: str) -> None:
        """Something odd was seen: tell, and leave the host alone for a while."""
        self.pace.leave_alone(host)
        self.passed(notice, reason)

    def load_layers(self) -> None:
        """Begin to import mitmproxy beside the loop: that takes longer than a connection should wait."""
        self._layers = asyncio.get_running_loop().run_in_executor(None, _import_layers)

    async def exchange(
        self, client: tuple[str, int], origin: tuple[str, int], stream: "Stream"
    ) -> "Exchange":
        """A new passage through mitmproxy's layers."""
        if self._layers is None:
            self.load_layers()
        assert self._layers is not None
        options = await asyncio.shield(self._layers)
        from proxy.mark.exchange import Exchange

        return Exchange(options, client, origin, stream)  # type: ignore[arg-type]


def _import_layers() -> object:
    from proxy.mark.exchange import options

    return options()


def element_name() -> str:
    """The random part of a notice element's name, new for each page, so that no style sheet can know it."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(14))

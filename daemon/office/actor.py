"""Who does a deed, and what they may do. Checked in the office, so that no door goes round it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say

type ActorKind = Literal["staff", "system", "portal", "command"]
type Role = Literal["admin", "cashier", "technician", "viewer", ""]

ROLES: tuple[Role, ...] = ("admin", "cashier", "technician", "viewer")

# What each role may do. Looking is for every member of staff; `admin` may do everything.
RIGHTS: dict[str, frozenset[str]] = {
    "cashier": frozenset({"client", "billing", "payment", "invoice", "item", "suspension", "announcement"}),
    "technician": frozenset({"client", "service", "item", "request"}),
    "viewer": frozenset(),
    "": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone or something that does deeds.

    `kind`: a member of staff, the system (clocks), the portal (a subscriber) or the command line. `name` is
    what the log of changes shows; `address` is where they came from ("" for the machine itself).
    """

    kind: ActorKind
    id: int | None
    name: str
    role: Role = ""
    address: str = ""

    def may(self, right: str) -> bool:
        """Whether this actor may do deeds of `right` (a noun: client, service, payment, router, staff, …)."""
        if self.kind in ("system", "command") or (self.kind == "staff" and self.role == "admin"):
            return True
        return self.kind == "staff" and right in RIGHTS[self.role]

    def check(self, right: str) -> None:
        """Refuse the deed unless the actor may do it."""
        if not self.may(right):
            raise Refusal(
                "",
                say(
                    "{name} may not do this: ask an administrator for the right to change {right}",
                    name=self.name,
                    right=right,
                ),
            )

    def as_json(self) -> dict[str, object]:
        """The form in which work that goes on by itself keeps who asked for it."""
        return {
            "kind": self.kind,
            "id": self.id,
            "name": self.name,
            "role": self.role,
            "address": self.address,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Actor:
        """Read what `as_json` wrote."""
        return cls(stored["kind"], stored["id"], stored["name"], stored["role"], stored["address"])


SYSTEM = Actor("system", None, "system")
PORTAL = Actor("portal", None, "portal")


def command(name: str = "command line") -> Actor:
    """The actor of a command typed on the box."""
    return Actor("command", None, name)

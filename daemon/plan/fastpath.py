"""FastTrack against the queues: a connection that it takes passes no simple queue, so no plan's speed holds for it."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.plan import menus
from daemon.plan.change import Finding
from daemon.plan.desired import Desired
from daemon.plan.observed import Observed, Seen
from daemon.rules.sentence import Sentence, say

#: Matchers that do not keep a client's ordinary connections away from a rule.
_WIDE = {
    "connection-state",
    "protocol",
    "comment",
    "disabled",
    "action",
    "chain",
    "log",
    "log-prefix",
    "hw-offload",
}


def fastpath_findings(wanted: Desired, observed: Observed) -> Iterator[Finding]:
    """One finding for each enabled rule of the router's own that fasttracks clients whose speed a queue should hold.

    A rule that only takes connections of certain addresses, interfaces or marks is the technician's own affair.
    """
    if not wanted.of(menus.QUEUES):
        return
    for row in observed.of(menus.FILTER):
        if row.mark is None and row.enabled and _takes_everyone(row):
            yield Finding(
                "fasttrack-skips-queues",
                say(
                    "the router's own rule {id} ({comment}) fasttracks established connections, and those pass no "
                    "queue: the speeds of the plans do not hold. Disable that rule, or narrow it to traffic that "
                    "has no queue",
                    id=row.id,
                    comment=row.fields.get("comment") or Sentence("no comment"),
                ),
            )


def _takes_everyone(row: Seen) -> bool:
    fields = row.fields
    if fields.get("action") != "fasttrack-connection" or fields.get("chain") != "forward":
        return False
    return not [
        name for name, value in fields.items() if value and name not in _WIDE and name not in _READ_ONLY
    ]


_READ_ONLY = {"bytes", "packets", "dynamic", "invalid"}

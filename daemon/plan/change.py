"""One step on a router, as a value: print it, hold it, send it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from daemon.rules.sentence import Sentence


class Stage(IntEnum):
    """The order of a plan. A stage begins when the one before it has ended.

    What would stand in the way of an addition goes first, and the freed before everything that cuts.
    Table, route and allowed hosts come before the rules that lean on them, the filter (which keeps steered
    connections from being fasttracked) before the mangle rules that steer, rules no longer wanted when their
    successors stand, and all rules before the entries that make them bite.
    """

    RELEASE = 0
    TABLE = 1
    ROUTE = 2
    ALLOWED = 3
    FILTER = 4
    MANGLE = 5
    LEFTOVER = 6
    CUT = 7
    NOTICE = 8
    QUEUE = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What all steps share. Steps of one stage with the same `group` depend on each other and keep their
    order.

    `kind` says what the step means to people: cut, release, notice, notice-over, renewal, queue,
    queue-over, rule, route, table, allowed, duplicate, leftover. `why` is a sentence with the fact behind
    it.
    """

    menu: str
    mark: str
    kind: str
    why: Sentence
    stage: Stage
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Change):
    """A new row; `place_before` is the `.id` of the row that it must stand ahead of, None for the end of
    the menu.
    """

    op: Literal["add"] = "add"
    fields: Mapping[str, str]
    place_before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Change):
    """Other values for some columns of a row that stays."""

    op: Literal["set"] = "set"
    id: str
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Change):
    """A row of ours that goes."""

    op: Literal["remove"] = "remove"
    id: str
    before: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Change):
    """A rule of ours put back ahead of the row `destination`; it keeps its `.id`."""

    op: Literal["move"] = "move"
    id: str
    destination: str


Step = Add | Set | Remove | Move


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at: a stable kind, a sentence, and the mark or name of the row
    concerned.
    """

    kind: str
    said: Sentence
    mark: str = ""

    @property
    def text(self) -> str:
        """The sentence in English."""
        return str(self.said)


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps from what is to what should be, in the order to send; what stands in the way; what the
    guard held.
    """

    router: str
    changes: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()
    held: Sentence | None = None
    held_back: tuple[Step, ...] = field(default=())

    @property
    def settled(self) -> bool:
        """Whether nothing differs, renewals of timed entries aside, and nothing is held."""
        return not self.held_back and all(change.kind == "renewal" for change in self.changes)

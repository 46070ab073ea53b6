"""One figure: a cost of ours beside the same cost of a peer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`ours` and `peer` are costs in `unit` (less is better); `goal` is the largest allowed ours ÷ peer."""

    name: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """ours ÷ peer."""
        return self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        return None if self.goal is None else self.ratio <= self.goal

    def as_json(self) -> dict[str, Any]:
        """The shape that programs read."""
        return {
            "name": self.name,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "unit": self.unit,
            "ratio": self.ratio,
            "goal": self.goal,
            "met": self.met,
        }


def table(figures: Sequence[Figure]) -> str:
    """The figures for people, ratio first."""
    lines = [f"{'ratio':>8}  {'goal':>7}  {'ours':>10}  {'peer':>10}  unit  what"]
    for one in figures:
        goal = "" if one.goal is None else f"{one.goal:g}"
        flag = {True: "", False: "  MISSED", None: ""}[one.met]
        lines.append(
            f"{one.ratio:8.3f}  {goal:>7}  {one.ours:10.4g}  {one.peer:10.4g}  {one.unit:<4}  "
            f"{one.name} (peer: {one.peer_name}){flag}"
        )
    return "\n".join(lines)


def alternating(
    ours: Callable[[], object], peer: Callable[[], object], rounds: int = 3
) -> tuple[float, float]:
    """Median wall seconds of both, measured in turn so that a noisy minute hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for kept, work in zip(times, (ours, peer), strict=True):
            began = time.perf_counter()
            work()
            kept.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])

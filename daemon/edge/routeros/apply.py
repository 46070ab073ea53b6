"""A plan on the wire: stage after stage, several groups at a time, in order within a group, and no step
after an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.edge.routeros.connection import Connection, Reply
from daemon.edge.routeros.errors import EdgeError
from daemon.plan.change import Add, Move, Plan, Remove, Set, Step

#: Groups of several steps that go together: so many clients at most are between a removal and an addition.
_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step: done; or the router's words in `error`; or neither, when it was not sent or
    not answered.
    """

    step: Step
    done: bool = False
    error: str | None = None


@dataclass(slots=True)
class Applied:
    """All steps of a plan, in its order, with what became of each; `broken` is the fault that ended the
    session, if any.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    broken: EdgeError | None = None

    @property
    def done(self) -> list[Step]:
        """The steps that the router has taken."""
        return [outcome.step for outcome in self.outcomes if outcome.done]

    @property
    def errors(self) -> list[Outcome]:
        """The steps that it refused."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    @property
    def complete(self) -> bool:
        """Whether every step was taken."""
        return self.broken is None and all(outcome.done for outcome in self.outcomes)


def sentence(step: Step) -> list[str]:
    """One step as an API sentence."""
    match step:
        case Add():
            words = [f"{step.menu}/add", *_words(step.fields)]
            return [*words, f"=place-before={step.place_before}"] if step.place_before else words
        case Set():
            return [f"{step.menu}/set", f"=.id={step.id}", *_words(step.after)]
        case Remove():
            return [f"{step.menu}/remove", f"=.id={step.id}"]
        case Move():
            return [f"{step.menu}/move", f"=numbers={step.id}", f"=destination={step.destination}"]


def _words(fields: Mapping[str, str]) -> list[str]:
    return [f"={column}={value}" for column, value in fields.items()]


async def apply_plan(connection: Connection, plan: Plan, deadline: float, through: bool = False) -> Applied:
    """Send a plan's steps; each has `deadline` seconds. Held steps are not part of it.

    A step is sent when the stages before its own have ended and the steps before it in its group are done.
    After the first refusal or fault nothing more is sent; what was under way is still waited for.
    """
    results: dict[int, Outcome] = {}
    applied = Applied()
    position = 0
    while position < len(plan.changes):
        stage = plan.changes[position].stage
        groups: dict[str, list[int]] = {}
        while position < len(plan.changes) and plan.changes[position].stage == stage:
            groups.setdefault(plan.changes[position].group, []).append(position)
            position += 1
        await _stage(connection, plan, groups, results, applied, deadline, through)
        if applied.broken is not None:
            break
        if not through and any(outcome.error is not None for outcome in results.values()):
            break
    applied.outcomes = [results.get(index, Outcome(step)) for index, step in enumerate(plan.changes)]
    return applied


async def _stage(
    connection: Connection,
    plan: Plan,
    groups: Mapping[str, list[int]],
    results: dict[int, Outcome],
    applied: Applied,
    deadline: float,
    through: bool,
) -> None:
    """Rounds: all groups of one step at once; then of the others the first step of each, the second, and so
    on.
    """
    rounds = [[members[0] for members in groups.values() if len(members) == 1]]
    longer = [members for members in groups.values() if len(members) > 1]
    for start in range(0, len(longer), _TOGETHER):
        batch = longer[start : start + _TOGETHER]
        for depth in range(max(len(members) for members in batch)):
            rounds.append([members[depth] for members in batch if depth < len(members)])
    for chunk in rounds:
        steps = [plan.changes[index] for index in chunk]
        try:
            replies = await connection.call_many(
                [sentence(step) for step in steps], deadline, stop_on_trap=not through
            )
        except EdgeError as error:
            applied.broken = error
            return
        refused = False
        for index, step, reply in zip(chunk, steps, replies, strict=True):
            if reply is not None:
                results[index] = _judge(step, reply)
                refused = refused or results[index].error is not None
        if refused and not through:
            return


def _judge(step: Step, reply: Reply) -> Outcome:
    if reply.trap is None or (isinstance(step, Remove) and reply.trap.text.startswith("no such item")):
        return Outcome(step, done=True)  # what was to go may have gone by itself: a timed entry does
    return Outcome(step, error=reply.trap.text)

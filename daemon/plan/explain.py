"""A plan in words for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.plan.change import Add, Move, Plan, Remove, Set, Step


def lines(plan: Plan) -> list[str]:
    """The plan as lines: what is held, each step with its fact, what stands in the way; one line when in
    step.
    """
    if not plan.changes and not plan.held and not plan.findings:
        return [f"{plan.router}: in step, nothing to send"]
    text = [f"{plan.router}: {len(plan.changes)} to send"]
    if plan.held:
        text.append(f"  held: {plan.held} ({len(plan.held_back)} held back)")
    text += [f"  {line(step)}" for step in plan.changes]
    text += [f"  held back: {line(step)}" for step in plan.held_back]
    text += [f"  look at: {finding.text}" for finding in plan.findings]
    return text


def line(step: Step) -> str:
    """One step in one line: what is sent, and why."""
    match step:
        case Add():
            where = f" before {step.place_before}" if step.place_before else ""
            what = f"add to {step.menu}{where}: {_words(step.fields)}"
        case Set():
            pairs = ", ".join(f"{k} {step.before.get(k, '')!r} → {v!r}" for k, v in step.after.items())
            what = f"set {step.menu} {step.id}: {pairs}"
        case Remove():
            what = f"remove from {step.menu} {step.id}: {_words(step.before)}"
        case Move():
            what = f"move {step.menu} {step.id} before {step.destination}"
    return f"{what} [{step.mark}] because {step.why}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as data: `{"router", "held", "changes": [{"op", "menu", "id", "before", "after", "why"}]}`.

    `id` is None for an addition, `before` and `after` are None where there is none; a move says in them
    which row stood ahead. What is held back is not among the changes: `held` is its sentence, or None.
    """
    return {"router": plan.router, "held": plan.held, "changes": [_data(step) for step in plan.changes]}


def _data(step: Step) -> dict[str, Any]:
    before: Mapping[str, str] | None = None
    after: Mapping[str, str] | None = None
    match step:
        case Add():
            after = dict(step.fields) | ({"place-before": step.place_before} if step.place_before else {})
        case Set():
            before, after = dict(step.before), dict(step.after)
        case Remove():
            before = dict(step.before)
        case Move():
            after = {"place-before": step.destination}
    row = None if isinstance(step, Add) else step.id
    return {
        "op": step.op,
        "menu": step.menu,
        "id": row,
        "before": before,
        "after": after,
        "why": step.why,
    }


def _words(fields: Mapping[str, str]) -> str:
    return " ".join(f"{column}={value}" for column, value in fields.items() if column != "comment" and value)

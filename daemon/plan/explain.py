"""A plan in words for people, as data for programs, and as the store keeps it for pages in any language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.plan.change import Add, Finding, Move, Plan, Remove, Set, Step
from daemon.rules.sentence import Sentence


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
    return f"{words(step)} [{step.mark}] because {step.why}"


def words(step: Step) -> str:
    """What is sent for a step, as a technician reads it; the same in every language."""
    match step:
        case Add():
            where = f" before {step.place_before}" if step.place_before else ""
            return f"add to {step.menu}{where}: {_words(step.fields)}"
        case Set():
            pairs = ", ".join(f"{k} {step.before.get(k, '')!r} → {v!r}" for k, v in step.after.items())
            return f"set {step.menu} {step.id}: {pairs}"
        case Remove():
            return f"remove from {step.menu} {step.id}: {_words(step.before)}"
        case Move():
            return f"move {step.menu} {step.id} before {step.destination}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as data: `{"router", "held", "changes": [{"op", "menu", "id", "before", "after", "why"}]}`.

    `id` is None for an addition, `before` and `after` are None where there is none; a move says in them
    which row stood ahead. What is held back is not among the changes: `held` is its sentence, or None.
    """
    return plain(stored_plan(plan))


def stored_plan(plan: Plan) -> dict[str, Any]:
    """As `plan_json`, with `held` and each `why` as a stored sentence, so that a page can translate them."""
    held = plan.held.as_json() if plan.held is not None else None
    return {"router": plan.router, "held": held, "changes": [_data(step) for step in plan.changes]}


def stored_finding(finding: Finding) -> dict[str, Any]:
    """A finding as the store keeps it: `{"kind", "mark", "text", "params"}`, a stored sentence and more."""
    return {"kind": finding.kind, "mark": finding.mark, **finding.said.as_json()}


def plain(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a plan, an answer or a proof, for programs: sentences become English strings, and a
    finding `{"kind", "text", "mark"}`. What holds plain strings already stays as it is.
    """
    told = dict(stored)
    if "held" in told:
        told["held"] = _english(told["held"])
    if "changes" in told:
        told["changes"] = [{**change, "why": _english(change.get("why"))} for change in told["changes"]]
    for key in ("findings", "foreign"):
        if key in told:
            told[key] = [
                {"kind": one.get("kind", ""), "text": _english(one), "mark": one.get("mark", "")}
                for one in told[key]
            ]
    return told


def _english(said: Any) -> str | None:
    sentence = Sentence.from_json(said) if isinstance(said, Mapping) else None
    return str(sentence) if sentence is not None else said


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
        "why": step.why.as_json(),
    }


def _words(fields: Mapping[str, str]) -> str:
    return " ".join(f"{column}={value}" for column, value in fields.items() if column != "comment" and value)

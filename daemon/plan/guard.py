"""Stop at a surprise: a plan that would cut half a town, or sweep away its queues, waits for a person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from daemon.plan.change import Add, Plan, Remove, Set, Step
from daemon.plan.facts import RouterFacts
from daemon.plan.marks import service_of
from daemon.rules.sentence import Sentence, say

#: A plan that removes more than this share of the queues of ours, and more than that many, is held.
QUEUE_SHARE = 0.30
QUEUE_MIN = 10


def guard(
    plan: Plan,
    facts: RouterFacts,
    already_cut: Collection[int],
    confirmed: bool = False,
    queues: int | None = None,
) -> Plan:
    """The plan with its dangerous part held back, and why in `held`; all of it when a person has `confirmed`.

    `already_cut`: service ids whose cut stands, or stood when the router was last in step; adding their
    entry again is no new cut. Held are new cuts beyond the router's `max_cut_share` of the active services
    and more than `max_cut_min`, and removals of queues that nothing wants beyond 30 % of `queues` (how many
    of ours are there; by default as many as are removed or wanted) and more than 10. Releases, and
    everything else, go on.
    """
    if confirmed:
        return plan
    router = facts.router
    cuts = [step for step in plan.changes if _cuts(step) and service_of(step.mark) not in already_cut]
    new = len({service_of(step.mark) for step in cuts})
    active = sum(1 for service in facts.services if service.service_id not in already_cut)
    swept = [step for step in plan.changes if isinstance(step, Remove) and step.kind == "queue-over"]
    there = queues if queues is not None else len(facts.services) + len(swept)
    reasons: list[Sentence] = []
    held: list[Step] = []
    if new > router.max_cut_min and new > router.max_cut_share * active:
        reasons.append(
            say(
                "{count} of {active} active services on {router} would be cut at once, more than {share} % and "
                "more than {least}",
                count=new,
                active=active,
                router=router.name,
                share=round(router.max_cut_share * 100),
                least=router.max_cut_min,
            )
        )
        held += cuts
    if len(swept) > QUEUE_MIN and len(swept) > QUEUE_SHARE * there:
        reasons.append(
            say(
                "{count} of our {all} queues on {router} would be removed, more than {share} % and more than "
                "{least}",
                count=len(swept),
                all=there,
                router=router.name,
                share=round(QUEUE_SHARE * 100),
                least=QUEUE_MIN,
            )
        )
        held += swept
    if not held:
        return plan
    back = {id(step) for step in held}
    return replace(
        plan,
        changes=tuple(step for step in plan.changes if id(step) not in back),
        held=_held(reasons),
        held_back=tuple(held),
    )


def _held(reasons: list[Sentence]) -> Sentence:
    if len(reasons) > 1:
        both = say("{one}; and {other}", one=reasons[0], other=reasons[1])
    else:
        both = reasons[0]
    return say("{surprise}. Look at the list, then confirm it or correct the facts.", surprise=both)


def _cuts(step: Step) -> bool:
    """Whether a step puts a client's entry in force."""
    return step.kind == "cut" and (
        isinstance(step, Add) or (isinstance(step, Set) and "disabled" in step.after)
    )

"""From what a router holds to what it should hold: the steps, in an order in which no moment is worse than
before.
"""

from __future__ import annotations

from datetime import datetime

from daemon.plan.chains import plan_chains
from daemon.plan.change import Finding, Plan, Step
from daemon.plan.desired import Desired
from daemon.plan.entries import plan_entries
from daemon.plan.fastpath import fastpath_findings
from daemon.plan.keyed import plan_keyed
from daemon.plan.menus import MENUS
from daemon.plan.observed import Observed
from daemon.rules.sentence import say


def plan(desired: Desired, observed: Observed, now: datetime) -> Plan:
    """All steps from `observed` to `desired`, sorted by stage; rows without our mark are never part of one.

    `now` is the moment of the observation (aware); `desired` must be of the same moment, for what is timed.
    The plan is empty where the router is in step. Apply it as a whole, stage after stage, and observe again
    after any error.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    steps: list[Step] = []
    findings: list[Finding] = list(desired.findings)
    for path, menu in MENUS.items():
        wanted, seen = desired.of(path), observed.of(path)
        if wanted and path not in observed.rows:
            findings.append(
                Finding(
                    "menu-missing",
                    say("the router has no {path}; what belongs there cannot be set up", path=path),
                )
            )
            continue
        if menu.style == "chain":
            more, found = plan_chains(path, wanted, seen)
        elif menu.style == "entries":
            more, found = plan_entries(path, wanted, seen, desired.owners)
        else:
            more, found = plan_keyed(path, wanted, seen)
        steps += more
        findings += found
    findings += fastpath_findings(desired, observed)
    steps.sort(key=lambda step: step.stage)
    return Plan(desired.router, tuple(steps), tuple(findings))

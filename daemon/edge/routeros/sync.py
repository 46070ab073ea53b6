"""Bring one router in step: observe, plan, guard, apply, end connections, and look again."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from daemon.edge.routeros.apply import Outcome
from daemon.edge.routeros.driver import RouterOSDriver
from daemon.plan.change import Add, Plan, Remove, Set, Step
from daemon.plan.desired import Desired, desired
from daemon.plan.facts import RouterFacts
from daemon.plan.guard import guard
from daemon.plan.menus import FILTER, FILTER6, QUEUES
from daemon.plan.observed import Observed
from daemon.plan.plan import plan

#: How often a refused step is set aside, the router read again and the rest sent. The last turn sends all
#: that is left, refusals or not: a router described wrongly must not keep its debtors uncut.
ROUNDS = 4
#: More services than this are planned in a thread, so that other routers do not wait.
_MANY = 300


@dataclass(frozen=True, slots=True)
class SyncResult:
    """One run on one router.

    `plan` is what was found to differ (with what the guard held, and findings); `outcomes` what became of
    each step sent; `observed` the last look; `left` what still differs after it; `flushed` connections
    ended. `proof_needed`: something was written, so the second voice should read the router back.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    observed: Observed
    left: Plan
    flushed: int = 0
    wanted: Desired | None = field(default=None, repr=False)

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """The steps that the router refused, with its words."""
        return tuple(outcome for outcome in self.outcomes if outcome.error is not None)

    @property
    def in_step(self) -> bool:
        """Whether the router was last seen to hold what the facts want, renewals aside and nothing held."""
        return self.left.settled

    @property
    def proof_needed(self) -> bool:
        """Whether anything was written."""
        return any(outcome.done for outcome in self.outcomes)


async def sync_router(
    driver: RouterOSDriver,
    facts: RouterFacts,
    now: datetime,
    confirmed: bool = False,
    known_cut: Iterable[int] = (),
) -> SyncResult:
    """One run: afterwards the router is in step, or the result says what is held, refused or in the way.

    `now` (aware) is the moment of the run; `confirmed` lets a held plan go; `known_cut` are services whose
    cut stood when the router was last in step (a router that lost its entries is not a new cut). A second
    run sends no write. Raises Unreachable and its kinds, LoginRefused, CertificateRefused, TrapError (no
    right to read): run again later, from any state; connections still to be ended are remembered by the
    driver.
    """
    known = frozenset(known_cut)
    observed = await driver.observe()
    wanted, first = await _compare(facts, observed, now, known, confirmed)
    suspended = {place for place, service in wanted.owners.items() if service.suspended}
    flushed = 0
    if driver.unflushed is None:
        cut = observed.cut
        standing = {place for place in suspended if wanted.owners[place].service_id in cut}
        flushed += await driver.flush_connections(standing, only_fasttracked=True)
        driver.unflushed = set()
    outcomes: list[Outcome] = []
    refused: set[object] = set()
    left = first
    for turn in range(ROUNDS):
        sendable = replace(left, changes=tuple(step for step in left.changes if _key(step) not in refused))
        if not sendable.changes:
            break
        # Noted before anything is sent: if the session breaks between a cut and its flush, the next run
        # flushes.
        driver.unflushed |= _touched(sendable, wanted)
        applied = await driver.apply(sendable, through=turn == ROUNDS - 1)
        outcomes += [outcome for outcome in applied.outcomes if outcome.done or outcome.error is not None]
        if applied.broken is not None:
            raise applied.broken
        flushed += await _flush(driver)
        if any(step.menu in (FILTER, FILTER6) for step in applied.done):
            # While a rule was not in its place, the suspended may have been fasttracked past all of them.
            flushed += await driver.flush_connections(suspended, only_fasttracked=True)
        refused |= {_key(outcome.step) for outcome in applied.errors}
        observed = await driver.observe()
        _, left = await _compare(facts, observed, now, known, confirmed)
        if applied.complete:
            break
    flushed += await _flush(driver)
    return SyncResult(first, tuple(outcomes), observed, left, flushed, wanted)


async def _compare(
    facts: RouterFacts, observed: Observed, now: datetime, known: frozenset[int], confirmed: bool
) -> tuple[Desired, Plan]:
    def compute() -> tuple[Desired, Plan]:
        wanted = desired(facts, now)
        ours = sum(1 for row in observed.of(QUEUES) if row.mark)
        whole = plan(wanted, observed, now)
        return wanted, guard(whole, facts, observed.cut | known, confirmed, queues=ours)

    if len(facts.services) > _MANY:
        return await asyncio.to_thread(compute)
    return compute()


async def _flush(driver: RouterOSDriver) -> int:
    """End what is noted; the note stays when that fails."""
    pending = driver.unflushed or set()
    ended = await driver.flush_connections(pending)
    driver.unflushed = set()
    return ended


def _touched(plan: Plan, wanted: Desired) -> set[str]:
    """The addresses that a plan cuts or frees."""
    rows = {row.mark: row for row in wanted.rows if row.kind == "cut"}
    places: set[str] = set()
    for step in plan.changes:
        if step.kind not in ("cut", "release"):
            continue
        if isinstance(step, Add):
            places.add(step.fields["address"])
        elif isinstance(step, Remove):
            places.add(step.before.get("address", ""))
        elif isinstance(step, Set) and step.mark in rows:
            places.add(rows[step.mark].fields["address"])
    return {place for place in places if _is_address(place)}


def _is_address(text: str) -> bool:
    """Whether it is an address or prefix; a hand may have left a DNS name or a range in a row of ours."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _key(step: Step) -> tuple[str, str, str, str]:
    """What makes a step the same step in the next plan."""
    return (step.op, step.menu, step.mark, step.id if isinstance(step, Remove) else "")

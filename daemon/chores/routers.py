"""Keeps the routers in step: each router its own loop, its own driver and its own faults."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.logger import Logger

from daemon.chores.loop import LevelLoop
from daemon.edge.routeros.apply import Outcome
from daemon.edge.routeros.driver import RouterOSDriver
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.errors import EdgeError, Unreachable
from daemon.edge.routeros.proof import Proof, prove
from daemon.edge.routeros.sync import SyncResult, sync_router
from daemon.office import request as requests
from daemon.office import router as office
from daemon.plan.desired import desired
from daemon.plan.explain import line, stored_finding, stored_plan, words
from daemon.plan.facts import RouterFacts
from daemon.plan.guard import guard
from daemon.plan.plan import plan
from daemon.rules.sentence import Sentence, say
from daemon.settings import Settings
from daemon.store.engine import AsyncStore
from daemon.store.request import Request
from daemon.store.router import Router
from daemon.store.seal import SealError, load_key, open_sealed

#: Seconds between two looks at which routers there are.
HOUSE_SECONDS = 10.0
#: A lease is asked for this long; the holder renews it with every look that may write.
LEASE = timedelta(seconds=90)
#: No look may take longer: a router that stalls is given up and tried again.
LOOK_SECONDS = 80.0
#: The second voice reads the router back at least this often, and after every change.
PROOF_SECONDS = 300.0
#: Pauses after a fault: short first, since a router that was restarted should be in step soon.
FAULT_PAUSES = (0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 5.0, 10.0, 20.0)
#: Findings about rows that are not ours.
IN_THE_WAY = frozenset({"entry-in-the-way", "paid-but-blocked", "name-taken", "queue-above", "rule-ahead"})


def holder_name(home: Path) -> str:
    """Who we are to the routers' leases: the same name after a restart, so that a killed daemon's lease is ours.

    Safe because a home has one daemon at a time (`daemon.chores.process`, the lock).
    """
    return f"daemon of {home} on {socket.gethostname()}"[-120:]


class RouterHouse(MultiService):
    """One keeper for each router that is not retired."""

    def __init__(self, settings: Settings, store: AsyncStore) -> None:
        super().__init__()
        self._settings = settings
        self._store = store
        self._keepers: dict[int, RouterKeeper] = {}
        self._loop = LevelLoop("routers", HOUSE_SECONDS, self._look)
        self._loop.setServiceParent(self)

    def wake(self) -> None:
        """The facts changed: every keeper looks, and new routers get theirs."""
        self._loop.wake()
        for keeper in self._keepers.values():
            keeper.wake()

    async def _look(self) -> float | None:
        wanted = set(await self._store.read(office.live_router_ids))
        for router_id in wanted - set(self._keepers):
            keeper = RouterKeeper(self._settings, self._store, router_id)
            self._keepers[router_id] = keeper
            keeper.setServiceParent(self)
        for router_id in set(self._keepers) - wanted:
            gone: Any = self._keepers.pop(router_id)
            stopping = gone.disownServiceParent()
            if stopping is not None:
                await stopping.asFuture(asyncio.get_running_loop())
        return None


class RouterKeeper(MultiService):
    """Keeps one router in step with the facts, and answers what people ask of it."""

    def __init__(self, settings: Settings, store: AsyncStore, router_id: int) -> None:
        super().__init__()
        self._settings = settings
        self._store = store
        self._id = router_id
        self._holder = holder_name(settings.home)
        self._endpoint: Endpoint | None = None
        self._driver: RouterOSDriver | None = None
        self._facts: RouterFacts | None = None
        self._known_cut: frozenset[int] | None = None
        self._faults = 0
        self._due = datetime.min.replace(tzinfo=UTC)
        self._proof: Proof | None = None
        self._log = Logger(namespace=f"router {router_id}")
        self._loop = LevelLoop(f"router {router_id}", settings.router_seconds, self._look)
        self._loop.setServiceParent(self)

    def wake(self) -> None:
        """Look again now."""
        self._loop.wake()

    async def _look(self) -> float | None:
        now = datetime.now(UTC)
        wish = await self._take_wish(now)
        facts = await self._store.read_aside(office.router_facts, now, self._id)
        if wish is None and facts == self._facts and now < self._due:
            return (self._due - now).total_seconds()
        if not await self._store.write(office.take_lease, now, self._id, self._holder, LEASE):
            return 2.0  # a command holds the router; it will not be long
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._keep(now, facts, wish)
        except TimeoutError:
            return await self._fault(now, Unreachable(f"no end after {LOOK_SECONDS:g} s"), wish)
        except (EdgeError, SealError, OSError) as error:
            return await self._fault(now, error, wish)
        self._faults = 0
        self._facts = facts
        self._due = datetime.now(UTC) + timedelta(seconds=self._settings.router_seconds)
        return self._settings.router_seconds

    async def _take_wish(self, now: datetime) -> Request | None:
        """What a person asks of this router; asked by reading first, so that idle looks write nothing."""
        if not await self._store.read(requests.waiting, now, self._id):
            return None
        return await self._store.write(requests.take_request, now, self._holder, [self._id])

    async def _keep(self, now: datetime, facts: RouterFacts, wish: Request | None) -> None:
        driver = await self._driver_now()
        if self._known_cut is None:
            # At the first look every cut was decided before we came: the billing run has its own hold (law 6).
            self._known_cut = frozenset(one.service_id for one in facts.services if one.suspended)
        if wish is not None and wish.kind == "plan":
            compared = await compare(driver, facts, now, self._known_cut)
            await self._answer(now, wish, result=compared)
            return
        confirmed = (wish is not None and wish.kind == "confirm") or await self._store.read(
            office.confirmed, self._id
        )
        result = await sync_router(driver, facts, now, confirmed=confirmed, known_cut=self._known_cut)
        if result.in_step:
            self._known_cut = frozenset(one.service_id for one in facts.services if one.suspended)
        # The freed need not wait for the proof: they are shown in step as soon as the router was read again.
        await self._store.write(office.record_status, now, self._id, **status(result, self._proof, now))
        await self._prove(result, now, facts, wish)
        for outcome in result.refused:
            self._log.warn("refused: {step}: {text}", step=line(outcome.step), text=outcome.error)
        if wish is not None:
            await self._answer(now, wish, result=answer(result, self._proof, now))

    async def _prove(
        self, result: SyncResult, now: datetime, facts: RouterFacts, wish: Request | None
    ) -> None:
        """Read the router back with the other client, in a thread: librouteros waits on its socket."""
        old = self._proof is None or (now - self._proof.at).total_seconds() > PROOF_SECONDS
        if result.wanted is None or not (result.proof_needed or old or wish is not None):
            return
        assert self._endpoint is not None
        self._proof = proof = await asyncio.to_thread(prove, self._endpoint, result.wanted, now)
        await self._store.write(office.record_status, now, self._id, **status(result, proof, now))
        cut = [one.service_id for one in facts.services if one.suspended]
        proven = [key for key in cut if key in proof.proven]
        await self._store.write(office.mark_cut_verified, now, proven, True)
        if len(proven) < len(cut):
            await self._store.write(office.mark_cut_verified, now, sorted(set(cut) - set(proven)), False)

    async def _answer(
        self, now: datetime, wish: Request, result: dict[str, Any] | None = None, error: Sentence | str = ""
    ) -> None:
        await self._store.write(requests.answer_request, now, wish.id, result=result, error=error)

    async def _driver_now(self) -> RouterOSDriver:
        """The driver for the router's address and password as they are now."""
        row = (await self._store.read(office.get_router, self._id)).router
        endpoint = endpoint_of(row, self._settings)
        if self._driver is None or endpoint != self._endpoint:
            if self._driver is not None:
                await self._driver.close()
            self._endpoint, self._driver = endpoint, RouterOSDriver(endpoint)
        return self._driver

    async def _fault(self, now: datetime, error: Exception, wish: Request | None) -> float:
        """Show the fault to staff and choose when to try again."""
        self._facts = None
        said = fault_said(error)
        if self._driver is not None:
            await self._driver.close()
        await self._store.write(office.record_fault, now, self._id, said)
        if wish is not None:
            await self._answer(now, wish, error=said)
        self._log.warn("{text}", text=str(said))
        pause = FAULT_PAUSES[min(self._faults, len(FAULT_PAUSES) - 1)]
        self._faults += 1
        if isinstance(error, EdgeError) and not error.passing:
            pause = max(pause, 10.0)  # a wrong password is not tried twice a second: routers lock out
        return pause

    async def close(self) -> None:
        """End the session with the router."""
        if self._driver is not None:
            await self._driver.close()


def endpoint_of(row: Router, settings: Settings) -> Endpoint:
    """Where a router is and how to come in. Raises `SealError` where its password does not open."""
    return Endpoint(
        host=row.host,
        port=row.port,
        user=row.user,
        password=open_sealed(load_key(settings.seal_private_path), row.password_sealed),
        tls=row.tls,
        fingerprint=row.fingerprint or None,
    )


async def compare(
    driver: RouterOSDriver, facts: RouterFacts, now: datetime, known_cut: frozenset[int]
) -> dict[str, Any]:
    """What would be sent now, without sending it."""
    observed = await driver.observe()
    found = plan(desired(facts, now), observed, now)
    guarded = guard(found, facts, observed.cut | known_cut)
    return {**stored_plan(guarded), "findings": [stored_finding(one) for one in guarded.findings]}


def status(result: SyncResult, proof: Proof | None, at: datetime) -> dict[str, Any]:
    """What staff are told of a look, as the columns of a router's status."""
    left = result.left
    foreign = [stored_finding(one) for one in left.findings if one.kind in IN_THE_WAY]
    findings = [stored_finding(one) for one in left.findings if one.kind not in IN_THE_WAY]
    findings += [
        {"kind": "refused", "mark": one.step.mark, **_refused(one).as_json()} for one in result.refused
    ]
    findings += [stored_finding(one) for one in proof.findings] if proof else []
    told: dict[str, Any] = {
        "reachable": True,
        "error": "",
        "in_step": result.in_step,
        "synced_at": at,
        "findings": findings,
        "foreign": foreign,
        "changes": stored_plan(left)["changes"],
        "held": left.held,
        "version": result.observed.version,
        "identity": result.observed.identity,
    }
    if proof is not None:
        told |= {"proved_at": proof.at, "proof_ok": proof.ok}
    return told


def answer(result: SyncResult, proof: Proof | None, at: datetime) -> dict[str, Any]:
    """What the one who asked is told: what was sent, what still differs, what was found."""
    told = status(result, proof, at)
    sent = stored_plan(result.plan)["changes"]
    return {key: told[key] for key in ("in_step", "findings", "foreign", "version", "identity")} | {
        "held": told["held"].as_json() if told["held"] is not None else None,
        "changes": sent,
        "proved": proof is not None and proof.ok,
    }


def _refused(one: Outcome) -> Sentence:
    return say(
        "The router refused a step ({step}): {error}. It was to be sent because {why}",
        step=words(one.step),
        error=one.error or "",
        why=one.step.why,
    )


def fault_said(error: Exception) -> Sentence:
    """A fault for staff: what it means, what to do next, and in a gap its technical words."""
    if isinstance(error, EdgeError):
        return error.said
    detail = str(error) or type(error).__name__
    if isinstance(error, SealError):
        return say(
            "The router's password cannot be opened here. Type it again on the router's form ({detail})",
            detail=detail,
        )
    return say("The router cannot be used ({detail})", detail=detail)

"""What a person asks of a router from the command line: what differs, bring it in step, read it back.

One writer a router: where a daemon keeps it, the command asks the daemon by a request row and waits for its answer;
without one it takes the router's lease and does the work itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.errors import Complaint, complaining, home_option

if TYPE_CHECKING:
    from daemon.settings import Settings
    from daemon.store.engine import Store

#: Seconds to wait for a daemon's answer before saying that there is none.
PATIENCE = 90.0
LEASE = timedelta(minutes=2)


@click.group()
def router() -> None:
    """Look at a router, bring it in step, read it back."""


def _about(kind: str, explanation: str) -> None:
    """Make the subcommand `kind`."""

    @router.command(kind, help=explanation)
    @click.argument("name")
    @home_option
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def command(name: str, home: Path, as_json: bool) -> None:
        with complaining():
            result = _run(kind, name, home)
        if as_json:
            click.echo(json.dumps(result, ensure_ascii=False))
        else:
            _print(result)
        raise SystemExit(1 if _speaks(kind, result) else 0)


_about(
    "plan", "Say what differs on the router NAME and what would be sent. Sends nothing. Status 1: something."
)
_about(
    "apply", "Bring the router NAME in step with the facts. Status 1: something is still not as it should be."
)
_about(
    "verify", "Bring nothing, read back with a second client what the router NAME holds. Status 1: findings."
)


def _run(kind: str, name: str, home: Path) -> dict[str, Any]:
    from daemon.plan.explain import plain
    from daemon.settings import Settings
    from daemon.store.engine import Store
    from daemon.store.migrate import upgrade

    settings = Settings.load(home)
    upgrade(settings.database_url)
    store = Store(settings.database_url, bell=settings.bell_path)
    try:
        router_id = _find(store, name)
        daemon = _daemon_runs(settings)
        if kind != "verify" and daemon:
            return plain(_ask(store, kind, router_id))
        return plain(_do(store, settings, kind, router_id))
    finally:
        store.dispose()


def _find(store: Store, name: str) -> int:
    from daemon.office.router import list_routers

    with store.read() as session:
        names = {row.router.name: row.router.id for row in list_routers(session)}
    if name not in names:
        raise Complaint(f"there is no router {name!r}; there are: {', '.join(sorted(names)) or 'none'}")
    return names[name]


def _daemon_runs(settings: Settings) -> bool:
    """Whether a daemon holds this home (its lock ends with it)."""
    from daemon.chores.process import hold_home
    from daemon.settings import SettingsError

    try:
        os.close(hold_home(settings))
    except SettingsError:
        return True
    return False


def _ask(store: Store, kind: str, router_id: int) -> dict[str, Any]:
    """Let the daemon do it."""
    from daemon.office import request as requests
    from daemon.office.actor import command

    with store.write() as session:
        asked = requests.ask(
            session, command(), datetime.now(UTC), "plan" if kind == "plan" else "apply", router_id
        )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with store.read() as session:
            row = requests.get_request(session, asked)
            done, result, error = row.done_at, row.result, row.error
        if done is not None:
            if error:
                raise Complaint(error, status=1)
            return result or {}
        time.sleep(0.1)
    raise Complaint(f"the daemon did not answer within {PATIENCE:g} s; look at its log", status=1)


def _do(store: Store, settings: Settings, kind: str, router_id: int) -> dict[str, Any]:
    """Do it here, under the router's lease where something may be written."""
    from daemon.chores.routers import endpoint_of
    from daemon.edge.routeros.errors import EdgeError
    from daemon.office import router as office
    from daemon.store.seal import SealError

    now = datetime.now(UTC)
    holder = f"command {os.getpid()}"
    with store.read() as session:
        facts = office.router_facts(session, now, router_id)
        row = office.get_router(session, router_id).router
    try:
        endpoint = endpoint_of(row, settings)
        if kind == "apply":
            with store.write() as session:
                if not office.take_lease(session, now, router_id, holder, LEASE):
                    raise Complaint(
                        "another program writes to this router now; try again in a minute", status=1
                    )
        return asyncio.run(_WORK[kind](endpoint, facts, now))
    except (EdgeError, SealError) as error:
        raise Complaint(str(error), status=1) from error
    finally:
        if kind == "apply":
            with store.write() as session:
                office.drop_lease(session, router_id, holder)


async def _plan(endpoint: Any, facts: Any, now: datetime) -> dict[str, Any]:
    from daemon.chores.routers import compare
    from daemon.edge.routeros.driver import RouterOSDriver

    driver = RouterOSDriver(endpoint)
    try:
        return await compare(driver, facts, now, frozenset())
    finally:
        await driver.close()


async def _apply(endpoint: Any, facts: Any, now: datetime) -> dict[str, Any]:
    from daemon.chores.routers import answer
    from daemon.edge.routeros.driver import RouterOSDriver
    from daemon.edge.routeros.proof import prove
    from daemon.edge.routeros.sync import sync_router

    driver = RouterOSDriver(endpoint)
    try:
        result = await sync_router(driver, facts, now)
        proof = await asyncio.to_thread(prove, endpoint, result.wanted, now) if result.wanted else None
        return answer(result, proof, now)
    finally:
        await driver.close()


async def _verify(endpoint: Any, facts: Any, now: datetime) -> dict[str, Any]:
    from daemon.edge.routeros.proof import prove
    from daemon.plan.desired import desired
    from daemon.plan.explain import stored_finding

    proof = await asyncio.to_thread(prove, endpoint, desired(facts, now), now)
    return {
        "router": facts.router.name,
        "proved": proof.ok,
        "findings": [stored_finding(one) for one in proof.findings],
    }


_WORK: dict[str, Callable[[Any, Any, datetime], Any]] = {"plan": _plan, "apply": _apply, "verify": _verify}


def _speaks(kind: str, result: dict[str, Any]) -> bool:
    """Whether there is something to look at."""
    if kind == "plan":
        return bool(result.get("changes") or result.get("held") or result.get("findings"))
    if kind == "apply":
        return not result.get("in_step") or bool(result.get("findings"))
    return not result.get("proved")


def _print(result: dict[str, Any]) -> None:
    """The result for people."""
    for change in result.get("changes", []):
        fields = change.get("after") or change.get("before") or {}
        words = " ".join(f"{key}={value}" for key, value in fields.items() if value)
        click.echo(f"{change['op']:<7}{change['menu']} {change.get('id') or ''} {words}  [{change['why']}]")
    if result.get("held"):
        click.echo(f"held: {result['held']}")
    for key in ("findings", "foreign"):
        for found in result.get(key, []):
            click.echo(f"look at: {found['text']}")
    if "in_step" in result:
        click.echo("in step" if result["in_step"] else "not in step")
    elif "proved" in result:
        click.echo("read back: as it should be" if result["proved"] else "read back: not as it should be")
    elif not result.get("changes") and not result.get("held"):
        click.echo("in step, nothing to send")

"""A practice router with a technician's own rows, and our driver on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daemon.edge.practice.factory import wisp_edge
from daemon.edge.practice.plane import Plane
from daemon.edge.practice.run import PracticeOptions, PracticeRouter
from daemon.edge.practice.schema import check_sentence
from daemon.edge.routeros.connection import Connection, Reply, connect
from daemon.edge.routeros.driver import RouterOSDriver
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.proof import Proof, prove
from daemon.edge.routeros.sync import SyncResult, sync_router
from daemon.plan.desired import desired
from daemon.plan.facts import RouterFacts
from daemon.plan.menus import MENUS

VERSIONS = ("7.10", "7.18", "7.24")
WRITES = ("add", "set", "remove", "move", "unset", "enable", "disable")
TECHNICIAN = [
    *wisp_edge("198.51.100.1/24", "10.10.0.1/16", "10.99.0.1/24", fasttrack=True),
    ("/queue/simple", {"name": "Oficina", "target": "10.20.0.5", "max-limit": "3M/3M", "comment": "Muñoz"}),
    ("/ip/firewall/mangle", {"chain": "prerouting", "action": "mark-packet", "new-packet-mark": "voip"}),
]


@dataclass
class Edge:
    """The router, a driver, and a technician's own session."""

    router: PracticeRouter
    driver: RouterOSDriver
    technician: Connection
    transcript: Path
    version: str

    async def sync(self, facts: RouterFacts, now: datetime | None = None, **how: bool) -> SyncResult:
        return await sync_router(self.driver, facts, now or datetime.now(UTC), **how)

    async def prove(self, facts: RouterFacts) -> Proof:
        now = datetime.now(UTC)
        return await asyncio.to_thread(prove, self.driver.endpoint, desired(facts, now), now)

    async def do(self, *words: str) -> Reply:
        """A technician's command."""
        return (await self.technician.call(words)).good(words[0])

    async def rows(self, menu: str) -> list[dict[str, str]]:
        return (await self.do(f"{menu}/print")).rows

    async def ours(self, menu: str) -> list[dict[str, str]]:
        return [row for row in await self.rows(menu) if row.get("comment", "").startswith("pregonero:")]

    async def foreign(self) -> dict[str, list[Mapping[str, str]]]:
        """All rows not ours in the menus that we touch, without what the router counts by itself."""
        changing = {"bytes", "packets", "rate", "packet-rate", "queued-bytes", "queued-packets", "dropped"}
        return {
            menu: [
                {column: value for column, value in row.items() if column not in changing}
                for row in await self.rows(menu)
                if not row.get("comment", "").startswith("pregonero:")
            ]
            for menu in (*MENUS, "/ip/firewall/nat", "/ip/address")
        }

    def heard(self) -> list[list[str]]:
        """Every sentence that the router has received."""
        return [json.loads(line) for line in self.transcript.read_text("ascii").splitlines()]

    def writes(self, since: int = 0) -> list[list[str]]:
        return [words for words in self.heard()[since:] if words[0].rsplit("/", 1)[-1] in WRITES]


@asynccontextmanager
async def edge(
    tmp_path: Path,
    version: str = "7.18",
    plane: Plane | None = None,
    rtt_ms: float = 0,
    technician: bool = True,
) -> AsyncIterator[Edge]:
    """An edge whose whole transcript is checked against the schema of its version at the end."""
    transcript = tmp_path / f"transcript-{version}.jsonl"
    options = PracticeOptions(
        port=0,
        version=version,
        user="pregonero",
        password="s3creto",
        transcript=transcript,
        rtt_ms=rtt_ms,
        plane=plane,
        initial=TECHNICIAN if technician else TECHNICIAN[:11],
    )
    async with PracticeRouter(options) as router:
        endpoint = Endpoint("127.0.0.1", router.port, "pregonero", "s3creto")
        driver = RouterOSDriver(endpoint)
        session = await connect(endpoint)
        made = Edge(router, driver, session, transcript, version)
        try:
            yield made
        finally:
            await driver.close()
            await session.close()
    refused = {tuple(words): check_sentence(words, version) for words in made.heard()}
    assert not {words: why for words, why in refused.items() if why}

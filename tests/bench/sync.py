"""Bringing 1,000 services of a router in step, beside librouteros adding the same rows one by one.

Both speak to the same practice router (without a data plane) in a process of its own, at no delay and at 5 ms.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import librouteros

from daemon.edge.routeros.driver import RouterOSDriver
from daemon.edge.routeros.endpoint import Endpoint
from daemon.edge.routeros.sync import sync_router
from daemon.plan.desired import desired
from daemon.plan.facts import RouterFact, RouterFacts, ServiceFact
from daemon.rules.sentence import Sentence
from tests.bench.figure import Figure

SERVICES = 1000
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def facts() -> RouterFacts:
    """A router with a thousand services, every tenth one cut."""
    router = RouterFact(1, "bench", ("bridge1",), "10.99.0.2", "ether3", ("10.99.0.2",))
    services = tuple(
        ServiceFact(
            service_id=number,
            client_id=number,
            client=f"Client {number}",
            address=f"10.10.{number // 250}.{number % 250 + 1}",
            ipv6=None,
            download_bps=10_000_000,
            upload_bps=5_000_000,
            suspended=number % 10 == 0,
            notice_until=None,
            why=Sentence("bench"),
        )
        for number in range(1, SERVICES + 1)
    )
    return RouterFacts(router, services)


@contextmanager
def router(delay: float) -> Iterator[Endpoint]:
    """A fresh practice router that answers `delay` milliseconds late."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        argv = [sys.executable, "-m", "daemon", "practice-router", "--listen", "127.0.0.1:0", "--factory"]
        process = subprocess.Popen([*argv, "--rtt-ms", str(delay), "--ready", str(ready)])
        try:
            while not ready.exists():
                assert process.poll() is None
                time.sleep(0.02)
            told = json.loads(ready.read_text())
            yield Endpoint("127.0.0.1", told["port"], "admin", "", patience=120)
        finally:
            process.terminate()
            process.wait(10)


async def ours(endpoint: Endpoint) -> float:
    """Seconds until the router is in step."""
    driver = RouterOSDriver(endpoint)
    began = time.perf_counter()
    cut = frozenset(one.service_id for one in facts().services if one.suspended)
    result = await sync_router(driver, facts(), NOW, known_cut=cut)
    took = time.perf_counter() - began
    assert result.in_step
    await driver.close()
    return took


def peer(endpoint: Endpoint) -> float:
    """Seconds for the same rows through librouteros, one command after the other."""
    rows = desired(facts(), NOW).rows
    api = librouteros.connect("127.0.0.1", "admin", "", port=endpoint.port, encoding="latin-1", timeout=120)
    began = time.perf_counter()
    for row in rows:
        tuple(api(f"{row.menu}/add", **dict(row.fields)))
    took = time.perf_counter() - began
    api.close()
    return took


def run() -> list[Figure]:
    """The figures at 0 and 5 ms."""
    figures = []
    # At no delay the practice router itself is most of the time on both sides.
    for delay, goal in ((0.0, 0.6), (5.0, 0.15)):
        with router(delay) as endpoint:
            mine = asyncio.run(ours(endpoint))
        with router(delay) as endpoint:
            theirs = peer(endpoint)
        figures.append(
            Figure(
                f"router in step, {SERVICES} services, {delay:g} ms",
                mine,
                theirs,
                "librouteros one by one",
                "s",
                goal,
            )
        )
    return figures

"""The practice router as a client that is not ours sees it, and what the town's tests ask of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import librouteros

from tests.whole.stage import Stage


def router(town: Stage) -> librouteros.api.Api:
    """A client that is not ours, on the practice router."""
    one = town.facts["routers"][0]
    return librouteros.connect(
        one["host"], one["user"], one["password"], port=one["port"], encoding="latin-1", timeout=10
    )


def foreign_rows(town: Stage) -> dict[str, list[dict[str, Any]]]:
    """Every configured row of the technician, without counters and without rows the router made itself."""
    api = router(town)
    moving = {
        "bytes",
        "packets",
        "rate",
        "packet-rate",
        "dropped",
        "queued-bytes",
        "queued-packets",
        "creation-time",
    }
    found = {}
    for menu in (
        "/queue/simple",
        "/ip/firewall/address-list",
        "/ip/firewall/filter",
        "/ip/firewall/nat",
        "/ip/route",
    ):
        found[menu] = [
            {key: value for key, value in row.items() if key not in moving and not key.startswith("total-")}
            for row in api(f"{menu}/print")
            if not str(row.get("comment", "")).startswith("pregonero:") and not row.get("dynamic")
        ]
    api.close()
    return found


def listed(town: Stage, which: str) -> dict[str, dict[str, Any]]:
    """Our list on the router, by address, through librouteros."""
    api = router(town)
    rows = {
        row["address"]: dict(row) for row in api("/ip/firewall/address-list/print") if row["list"] == which
    }
    api.close()
    return rows


def debtor(town: Stage, number: int = 0) -> dict[str, Any]:
    return town.subscribers(state="active", notice=True)[number]


def transcript(town: Stage) -> list[list[str]]:
    path = town.home / "log" / "router-transcript.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def in_step(town: Stage) -> bool:
    """The router holds what the facts say: every suspended one listed, every showable notice steered."""
    suspended = listed(town, "pregonero-suspended")
    noticed = listed(town, "pregonero-notice")
    return bool(suspended) and bool(noticed)


def command(town: Stage, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", *words, "--home", str(town.home)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

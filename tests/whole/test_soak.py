"""The kills of `test_town_faults`, again and again at random: `make soak`."""

from __future__ import annotations

import os
import random
import subprocess
import time

import librouteros
import pytest

from tests.whole.edge import debtor, listed
from tests.whole.stage import Stage, browse, wait_for

pytestmark = [pytest.mark.root, pytest.mark.whole, pytest.mark.soak]

MINUTES = float(os.environ.get("PREGONERO_SOAK_MINUTES", "20"))


@pytest.mark.timeout(int(MINUTES * 60 + 600))
def test_whatever_is_killed_whenever_nobody_without_a_notice_notices(town: Stage) -> None:
    """One kill or stop every few seconds; a paid-up subscriber's page always comes, a cut one's never."""
    chance = random.Random(int(os.environ.get("PREGONERO_SOAK_SEED", "1")))
    paid = town.subscribers(state="active", owes=False, notice=False)[0]
    cut = town.subscribers(state="suspended")[0]
    who = debtor(town)
    kills = 0
    until = time.monotonic() + MINUTES * 60
    while time.monotonic() < until:
        name = chance.choice(["proxy", "daemon", "webui", "practice_router"])
        pids = wait_for(lambda name=name: town.facts["processes"][name], patience=30)
        word = "-STOP" if name == "proxy" and chance.random() < 0.3 else "-9"
        for pid in chance.sample(pids, chance.randint(1, len(pids))):
            subprocess.run(["kill", word, str(pid)], check=False, capture_output=True)
        kills += 1
        for _ in range(chance.randint(2, 30)):
            assert "puente viejo" in browse(paid, town.facts["site"], patience=3), (kills, name, town.logs())
            assert "puente viejo" not in browse(cut, town.facts["site"], patience=3), (
                kills,
                name,
                town.logs(),
            )
            time.sleep(0.1)
        wait_for(lambda: "puente viejo" in browse(who, town.facts["site"], patience=3), patience=5)

    def in_step() -> bool:
        try:
            return cut["address"] in listed(town, "pregonero-suspended") and who["address"] in listed(
                town, "pregonero-notice"
            )
        except (OSError, librouteros.exceptions.LibRouterosError):
            return False

    wait_for(in_step, patience=30)
    print(f"{kills} kills in {MINUTES:g} minutes, seed 1")

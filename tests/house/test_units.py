"""The systemd units are such that systemd has nothing to say about them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "systemd").glob("*.service"))


def test_there_is_a_unit_for_each_process() -> None:
    assert {unit.stem for unit in UNITS} == {
        "pregonero-daemon", "pregonero-portal", "pregonero-proxy", "pregonero-staff",
    }  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs the Debian package systemd")
def test_systemd_finds_nothing_to_say(unit: Path) -> None:
    """`systemd-analyze verify` exits 0 on unknown keys, so its words are what counts."""
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_a_misspelt_unit_would_be_found(tmp_path: Path) -> None:
    """The test above can fail."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs the Debian package systemd")
    broken = tmp_path / "broken.service"
    broken.write_text(UNITS[0].read_text().replace("Restart=always", "Restrat=always"))
    found = subprocess.run(
        ["systemd-analyze", "verify", str(broken)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "Restrat" in found.stderr


def test_only_the_daemon_may_open_router_passwords() -> None:
    for unit in UNITS:
        text = unit.read_text()
        if unit.stem in ("pregonero-staff", "pregonero-portal"):
            assert "InaccessiblePaths=-/var/lib/pregonero/keys/seal.key" in text
        if unit.stem != "pregonero-proxy":
            assert "CapabilityBoundingSet=\n" in text

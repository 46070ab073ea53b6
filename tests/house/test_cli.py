"""The command: help for everything, status 2 and one sentence for wrong use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def pregonero(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", *words], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command", ["practice", "practice-router", "proxy", "daemon", "webui", "seed", "router"]
)
def test_every_command_explains_itself(command: str) -> None:
    told = pregonero(command, "--help")
    assert told.returncode == 0, told.stderr
    assert "sage:" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["nonsense"], "nonsense"),
        (["practice-router"], "--listen"),
        (["practice-router", "--listen", "somewhere"], "HOST:PORT"),
        (["practice-router", "--listen", "127.0.0.1:0", "--version", "5.26"], "7.18"),
        (["seed", "--home", "{file}", "--clients", "5"], "--home"),
        (["seed", "--clients", "5"], "--home"),
        (["daemon"], "--home"),
        (["proxy", "--mode", "explicit"], "--listen"),
        (["proxy", "--listen", "127.0.0.1:0", "--mode", "sideways", "--board", "x"], "sideways"),
        (["webui", "--home", "{file}"], "{file}"),
    ],
)
def test_wrong_use_is_status_2_and_says_what_to_do(tmp_path: Path, words: list[str], word: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    told = pregonero(*(part.format(file=file) for part in words))
    assert told.returncode == 2, (told.stdout, told.stderr)
    assert word.format(file=file) in told.stderr
    assert told.stdout == ""
    assert "Traceback" not in told.stderr


def test_a_seeded_home_can_be_looked_at_over_plain_http_and_is_seeded_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = pregonero(
        "seed", "--home", str(home), "--clients", "12", "--seed", "3", "--password", "practica-2026"
    )
    assert made.returncode == 0, made.stderr
    assert "12 clients" in made.stdout
    assert "secure_cookies = false" in (home / "settings.toml").read_text()
    again = pregonero("seed", "--home", str(home), "--clients", "12", "--seed", "3")
    assert again.returncode == 2
    assert "--home" in again.stderr

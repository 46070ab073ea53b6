"""Each corruption planted behind the program's back is found: the rule that it breaks, and the row."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.conftest import Books
from tests.audit.plants import PLANTS, Plant


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_corruption_is_found(books: Books, plant: Plant) -> None:
    key = books.pick(plant.pick)
    books.spoil(plant.do, key)
    found = [(one.rule, one.row) for one in books.audit()]
    assert (plant.rule, plant.row.format(id=key)) in found


def test_every_finding_is_a_sentence_without_gaps(books: Books) -> None:
    for plant in PLANTS[::4]:
        books.spoil(plant.do, books.pick(plant.pick))
    found = books.audit()
    assert len({one.rule for one in found}) > 10
    for one in found:
        told = one.as_json()
        assert set(told) == {"rule", "row", "text"}
        assert "{" not in told["text"].replace("{broken", ""), told


@pytest.mark.parametrize(
    "trigger", ["ledger_no_update", "ledger_no_delete", "suspension_no_update", "change_no_delete"]
)
def test_a_missing_trigger_is_found(books: Books, trigger: str) -> None:
    with sqlite3.connect(books.path) as bare:
        bare.execute(f"DROP TRIGGER {trigger}")
    assert [(one.rule, one.row) for one in books.audit()] == [
        ("database.trigger", f"table {trigger.split('_')[0]}")
    ]


def test_a_trigger_that_refuses_nothing_is_found(books: Books) -> None:
    with sqlite3.connect(books.path) as bare:
        bare.execute("DROP TRIGGER ledger_no_update")
        bare.execute("CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT 1; END")
    assert [(one.rule, one.row) for one in books.audit()] == [("database.trigger", "table ledger")]


def test_a_broken_file_is_found(books: Books) -> None:
    size = books.path.stat().st_size
    with books.path.open("r+b") as file:
        for place in range(size // 4096 // 4, size // 4096 // 2):
            file.seek(place * 4096)
            file.write(b"\x05" * 3000)
    rules = {one.rule for one in books.audit()}
    assert rules & {"database.integrity", "audit.unasked"}


def test_many_alike_are_told_as_a_number(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.office.audit.MOST", 5)
    books.spoil(("UPDATE standing SET debt = debt + 1",), 0)
    found = books.audit()
    assert len([one for one in found if one.rule == "standing.balance"]) == 5
    assert ("audit.more", "rule standing.sums") in {(one.rule, one.row) for one in found}


def pregonero_audit(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", "audit", "--home", str(home), *words],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_the_command_says_none_some_and_wrong_use(books: Books, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert pregonero_audit(tmp_path / "nowhere", "--json").returncode == 2
    nothing = pregonero_audit(home, "--json")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "no database" in nothing.stderr
    shutil.copy(books.path, home / "pregonero.sqlite3")
    good = pregonero_audit(home, "--json")
    assert (good.returncode, json.loads(good.stdout), good.stderr) == (0, {"findings": []}, "")
    books.spoil(("UPDATE series SET next_number = 99999 WHERE id = 1",), 0)
    shutil.copy(books.path, home / "pregonero.sqlite3")
    bad = pregonero_audit(home, "--json")
    assert bad.returncode == 1
    told = json.loads(bad.stdout)["findings"]
    assert [(one["rule"], one["row"]) for one in told] == [("series.next", "series 1")]
    assert "99999" in told[0]["text"]
    spoken = pregonero_audit(home)
    assert spoken.returncode == 1
    assert "series.next" in spoken.stdout
    (home / "pregonero.sqlite3").write_bytes(b"this is no database at all" * 1000)
    broken = pregonero_audit(home, "--json")
    assert broken.returncode == 1
    assert json.loads(broken.stdout)["findings"][0]["rule"] == "database.integrity"
    assert "Traceback" not in broken.stderr

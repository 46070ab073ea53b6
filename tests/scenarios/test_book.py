"""Every worked scenario, however often the engine wakes (law 1)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from daemon.simulate.stage import Step
from daemon.store.engine import sqlite_url
from daemon.store.migrate import upgrade
from tests.scenarios.book import PAGES, Story, stories

BOOK = [story for page in sorted(PAGES.glob("*.txt")) for story in stories(page)]


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, to be copied."""
    made = tmp_path_factory.mktemp("blank") / "blank.sqlite3"
    upgrade(sqlite_url(made))
    return made


@pytest.mark.parametrize("step", ["day", "once", "minute", pytest.param("hour", marks=pytest.mark.soak)])
@pytest.mark.parametrize("story", BOOK, ids=[f"{story.page}: {story.title}" for story in BOOK])
def test_the_journal_is_the_one_on_the_page(story: Story, step: Step, blank: Path, tmp_path: Path) -> None:
    copy = shutil.copy(blank, tmp_path / "scenario.sqlite3")
    assert story.journal(step, sqlite_url(copy)) == story.expected


def test_the_book_is_thick_enough_and_no_scenario_is_empty() -> None:
    assert len(BOOK) >= 60
    assert all(story.expected or story.kinds for story in BOOK)
    assert len({(story.page, story.title) for story in BOOK}) == len(BOOK)

"""A month's invoices as one file: asked for, made aside, called off, broken off, fetched, forgotten."""

from __future__ import annotations

import asyncio
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.chores import jobs as chore
from daemon.office import job, paper_batch
from daemon.office.actor import Actor
from daemon.office.job import JobView
from daemon.office.paper_batch import Wanted, ask_papers, make
from daemon.rules.refusal import Refusal, Refusals
from daemon.settings import Settings
from daemon.store.engine import AsyncStore
from tests.office.conftest import Town, lima
from tests.papers.facts import needs_poppler, pages, read

JANUARY = Wanted(date(2026, 1, 1))
AT = "2026-01-02 09:00"


def clock() -> datetime:
    return lima("2026-01-02 10:00")


@pytest.fixture
def full(town: Town) -> Town:
    """A town of twelve clients, each with an invoice of January."""
    for place in range(12):
        town.client("2026-01-01 05:00", f"Cliente {place:02d}", f"10.10.1.{place + 1}")
    town.run("2026-01-02 07:00")
    return town


def take(town: Town, owner: str = "one") -> int | None:
    with town.store.write() as session:
        return job.take(session, clock(), owner)


def view(town: Town, job_id: int) -> JobView:
    return town.ask(job.get_job, job_id)


@needs_poppler
def test_one_pdf_holds_each_invoice_once_in_the_order_of_numbers(full: Town, tmp_path: Path) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    assert view(full, asked).state == "waiting"
    assert take(full) == asked
    assert view(full, asked).state == "running"
    make(full.store, asked, "one", tmp_path / "files", clock)
    found = view(full, asked)
    assert (found.state, found.done, found.total, found.share) == ("done", 12, 12, 100)
    content = (tmp_path / "files" / found.file).read_bytes()
    assert found.size == len(content)
    assert found.name == "2026-01.pdf"
    assert len(pages(content)) == 12
    text = read(content)
    places = [text.index(f"{number:06d}") for number in range(1, 13)]
    assert places == sorted(places)


def test_a_zip_holds_a_pdf_for_each_named_by_number_and_client(full: Town, tmp_path: Path) -> None:
    asked = full.do(AT, ask_papers, replace(JANUARY, form="zip", by_client=True))
    take(full)
    make(full.store, asked, "one", tmp_path, clock)
    with zipfile.ZipFile(tmp_path / view(full, asked).file) as packed:
        names = packed.namelist()
        assert packed.testzip() is None
        assert all(packed.read(name).startswith(b"%PDF-") for name in names)
    assert names == [f"{place + 1:06d}-cliente-{place:02d}.pdf" for place in range(12)]


@pytest.mark.parametrize("form", ["pdf", "zip"])
def test_the_same_month_asked_for_again_is_the_same_bytes(full: Town, tmp_path: Path, form: str) -> None:
    contents = []
    for minute in ("09:00", "09:30"):
        asked = full.do(f"2026-01-02 {minute}", ask_papers, replace(JANUARY, form=form))
        take(full)
        make(full.store, asked, "one", tmp_path, clock)
        contents.append((tmp_path / view(full, asked).file).read_bytes())
    assert contents[0] == contents[1]


def test_what_waits_already_is_not_asked_for_twice(full: Town) -> None:
    first = full.do(AT, ask_papers, JANUARY)
    assert full.do(AT, ask_papers, JANUARY) == first
    assert full.do(AT, ask_papers, replace(JANUARY, form="zip")) != first


def test_so_many_may_wait_and_no_more(full: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "MOST_OPEN", 1)
    full.do(AT, ask_papers, JANUARY)
    with pytest.raises(Refusal, match="wait already"):
        full.do(AT, ask_papers, replace(JANUARY, form="zip"))


def test_one_that_waits_is_called_off_at_once(full: Town) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    full.do(AT, job.cancel, asked)
    assert view(full, asked).state == "cancelled"
    assert take(full) is None
    with pytest.raises(Refusal, match="ended already"):
        full.do(AT, job.cancel, asked)


def test_one_that_runs_stops_at_its_next_step_and_leaves_nothing(
    full: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_batch, "STEP", 5)
    asked = full.do(AT, ask_papers, JANUARY)
    take(full)
    real = paper_batch.bills_of

    def called_off_meanwhile(*words: Any) -> Any:
        full.do(AT, job.cancel, asked)
        return real(*words)

    monkeypatch.setattr(paper_batch, "bills_of", called_off_meanwhile)
    make(full.store, asked, "one", tmp_path, clock)
    found = view(full, asked)
    assert (found.state, found.done, found.file) == ("cancelled", 0, "")
    assert list(tmp_path.glob("*.p*")) == []


def test_called_off_in_the_last_step_leaves_nothing_either(
    full: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    take(full)
    real = os.fsync

    def called_off_meanwhile(descriptor: int) -> None:
        full.do(AT, job.cancel, asked)
        real(descriptor)

    monkeypatch.setattr(paper_batch.os, "fsync", called_off_meanwhile)
    make(full.store, asked, "one", tmp_path / "files", clock)
    assert view(full, asked).state == "cancelled"
    assert list((tmp_path / "files").iterdir()) == []


def test_a_job_of_another_life_is_begun_again_but_not_for_ever(full: Town, tmp_path: Path) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    for life in ("a", "b", "c"):
        assert take(full, life) == asked
        assert take(full, life) is None, "one life takes a job once"
    assert take(full, "d") is None
    found = view(full, asked)
    assert found.state == "failed"
    assert "broke off 3 times" in str(found.fault)


def test_who_lost_a_job_neither_reports_nor_ends_it(full: Town, tmp_path: Path) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    take(full, "old")
    take(full, "new")
    make(full.store, asked, "old", tmp_path / "files", clock)
    assert view(full, asked).state == "running"
    assert list((tmp_path / "files").iterdir()) == []
    make(full.store, asked, "new", tmp_path / "files", clock)
    assert view(full, asked).state == "done"


def test_a_file_that_cannot_be_written_says_so(full: Town, tmp_path: Path) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    take(full)
    in_the_way = tmp_path / "files"
    in_the_way.write_text("a file where the folder should be")
    make(full.store, asked, "one", in_the_way, clock)
    found = view(full, asked)
    assert found.state == "failed"
    assert "could not be written" in str(found.fault)


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        (replace(JANUARY, month=date(2025, 12, 1)), {"month"}),
        (
            replace(JANUARY, form="docx", kind="all", language="fr", zone_id=77),
            {"form", "kind", "language", "zone_id"},
        ),
        (replace(JANUARY, kind="free"), {"month"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(full: Town, wanted: Wanted, fields: set[str]) -> None:
    with pytest.raises(Refusal) as refused:
        full.do(AT, ask_papers, wanted)
    assert {one.field or "zone_id" for one in refused.value} == fields
    assert isinstance(refused.value, Refusals) == (len(fields) > 1)


def test_too_many_for_one_pdf_are_refused_and_fit_a_zip(full: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_batch, "MOST_IN_ONE", 11)
    with pytest.raises(Refusal, match="choose a zip"):
        full.do(AT, ask_papers, JANUARY)
    assert full.do(AT, ask_papers, replace(JANUARY, form="zip"))


def test_who_may_not_write_invoices_may_not_have_them_all(full: Town) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    looker = Actor("staff", 9, "Mira", "viewer")
    for deed, words in ((ask_papers, JANUARY), (job.cancel, asked)):
        with pytest.raises(Refusal, match="may not do this"):
            full.do(AT, deed, words, actor=looker)


def test_a_file_is_forgotten_when_its_days_are_over(full: Town, tmp_path: Path) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    take(full)
    make(full.store, asked, "one", tmp_path, clock)
    file = view(full, asked).file
    with full.store.write() as session:
        assert job.expire(session, clock() + job.KEPT - timedelta(seconds=1)) == []
        assert job.expire(session, clock() + job.KEPT) == [file]
        assert job.expire(session, clock() + job.KEPT) == []
    assert view(full, asked).state == "expired"


def looked(full: Town, home: Path, before: Callable[[chore.JobHouse], None] | None = None) -> float | None:
    """One look of the daemon's chore, with its own worker process."""

    async def look() -> float | None:
        store = AsyncStore(full.store.url)
        try:
            house = chore.JobHouse(replace(Settings.load(home, {}), database_url=full.store.url), store)
            if before:
                before(house)
            return await house._look()
        finally:
            await store.dispose()

    return asyncio.run(look())


def test_the_daemon_makes_it_in_a_process_of_its_own_and_clears_what_is_over(
    full: Town, tmp_path: Path
) -> None:
    files = tmp_path / "home" / "files"
    files.mkdir(parents=True)
    (files / "left.pdf.part").write_bytes(b"of a killed worker")
    asked = full.do(AT, ask_papers, JANUARY)
    assert looked(full, tmp_path / "home") == 0.0
    found = view(full, asked)
    assert found.state == "done"
    assert [file.name for file in files.iterdir()] == [found.file]
    assert found.expires_at is not None
    assert found.expires_at > datetime.now(UTC) + timedelta(days=6)
    assert looked(full, tmp_path / "home") is None
    assert (files / found.file).exists()


def _die(*_: object) -> None:
    os._exit(9)


def test_a_worker_that_dies_gives_the_job_back(
    full: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = full.do(AT, ask_papers, JANUARY)
    monkeypatch.setattr(chore, "run_job", _die)
    assert looked(full, tmp_path / "home") == 1.0
    assert view(full, asked).state == "waiting"
    monkeypatch.undo()
    assert looked(full, tmp_path / "home") == 0.0
    assert view(full, asked).state == "done"


def test_a_draft_that_is_not_kept_is_gone(tmp_path: Path) -> None:
    with paper_batch._draft(tmp_path, "a.pdf") as (file, _keep):
        file.write(b"%PDF-")
        assert not (tmp_path / "a.pdf").exists()
    assert list(tmp_path.iterdir()) == []

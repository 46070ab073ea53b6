"""A month's invoices on paper, as one PDF to print or a zip of single ones: asked for, and made aside."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from sqlalchemy.orm import Session

from daemon.office import catalogue, job
from daemon.office.actor import Actor
from daemon.office.company import company_rules
from daemon.office.paper import Choice, bills_of, chosen_ids, count_chosen, file_name, house_of
from daemon.papers.bill import Bill, House
from daemon.papers.book import Book, invoice_pdf
from daemon.papers.words import LANGUAGES
from daemon.rules.calendar import instant
from daemon.rules.refusal import Collector, Refusal
from daemon.rules.sentence import say
from daemon.store.engine import Store
from daemon.store.zone import Zone

KIND = "invoices"
FORMS = ("pdf", "zip")
#: Invoices in one PDF: a reader of PDF, and a printer, take no more at once.
MOST_IN_ONE = 5_000
#: Invoices between two looks whether to go on.
STEP = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `month` is any day of it; "" for both kinds; None for all zones or the company's language."""

    month: date
    form: str = "pdf"
    kind: str = ""
    zone_id: int | None = None
    unpaid: bool = False
    by_client: bool = False
    language: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The form that a job keeps."""
        return {
            "month": f"{self.month:%Y-%m}", "form": self.form, "kind": self.kind, "zone_id": self.zone_id,
            "unpaid": self.unpaid, "by_client": self.by_client, "language": self.language,
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Wanted:
        """Read what `as_json` wrote."""
        return cls(**(kept | {"month": date.fromisoformat(f"{kept['month']}-01")}))


def ask_papers(session: Session, actor: Actor, now: datetime, wanted: Wanted) -> int:
    """Ask for a month's invoices; gives the job's id.

    Refused: a month without such invoices, more than 5,000 in one PDF, an unknown form, kind, zone or language.
    """
    actor.check("invoice")
    refusals = Collector()
    if wanted.form not in FORMS:
        refusals.add("form", "Choose one PDF or a zip")
    if wanted.kind not in ("", "service", "free"):
        refusals.add("kind", "Choose service invoices or free ones")
    if wanted.language is not None and wanted.language not in LANGUAGES:
        refusals.add("language", "Choose es or en")
    if wanted.zone_id is not None:
        with refusals.of("zone_id"):
            catalogue.found(session, Zone, wanted.zone_id, "zone")
    refusals.settle()
    count = count_chosen(session, choice_of(session, wanted))
    if count == 0:
        raise Refusal("month", "No such invoice was made in this month: choose another")
    if count > MOST_IN_ONE and wanted.form == "pdf":
        raise Refusal(
            "form",
            say("{count} invoices are too many for one PDF: choose a zip, or one zone", count=count),
        )
    return job.ask(session, actor, now, KIND, wanted.as_json())


def choice_of(session: Session, wanted: Wanted) -> Choice:
    """Which invoices are asked for: those made in a local month of the company."""
    zone = company_rules(session).zone
    begin = wanted.month.replace(day=1)
    end = date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
    return Choice(
        instant(zone, begin, 0),
        instant(zone, end, 0),
        wanted.kind,
        wanted.zone_id,
        wanted.unpaid,
        wanted.by_client,
    )


class _Maker(Protocol):
    """Takes bills one by one and writes its file's end."""

    def add(self, bill: Bill) -> object: ...

    def close(self) -> None: ...


class _Zip:
    """A zip of single PDFs, each under its number and client; two that would be called alike are told apart."""

    def __init__(self, file: BinaryIO, house: House) -> None:
        self._zip = ZipFile(file, "w", ZIP_STORED)  # the PDFs are packed already
        self._house = house
        self._names: set[str] = set()

    def add(self, bill: Bill) -> None:
        """Add an invoice."""
        name, place = file_name(bill), 1
        while name in self._names:
            place += 1
            name = f"{file_name(bill)}-{place}"
        self._names.add(name)
        year = max(1980, bill.created.year)  # the zip format knows no time before
        info = ZipInfo(f"{name}.pdf", (year, bill.created.month, bill.created.day, 0, 0, 0))
        info.external_attr = 0o644 << 16
        self._zip.writestr(info, invoice_pdf(bill, self._house))

    def close(self) -> None:
        """Write the directory."""
        self._zip.close()


def make(store: Store, job_id: int, owner: str, folder: Path, clock: Callable[[], datetime]) -> None:
    """Do a job that `owner` took: write its file into `folder`. What is cancelled or fails leaves no file.

    The invoices are those of now, their states those of the minute in which they were asked for.
    """
    with store.read() as session:
        view = job.get_job(session, job_id)
        wanted = Wanted.from_json(view.args)
        ids = chosen_ids(session, choice_of(session, wanted))
        house = house_of(session, wanted.language)
    name = f"{secrets.token_hex(16)}.{wanted.form}"
    try:
        with _draft(folder, name) as (file, keep):
            maker: _Maker = (
                Book(file, house, f"{wanted.month:%Y-%m}") if wanted.form == "pdf" else _Zip(file, house)
            )
            if not _fill(store, maker, job_id, owner, ids, house, view.asked_at):
                with store.write() as session:
                    job.stop(session, clock(), job_id, owner, None)
                return
            maker.close()
            keep()
    except OSError as error:
        with store.write() as session:
            fault = say("The file could not be written: {words}", words=error.strerror or str(error))
            job.stop(session, clock(), job_id, owner, fault)
        return
    made = folder / name
    shown = f"{wanted.month:%Y-%m}.{wanted.form}"
    with store.write() as session:
        size = made.stat().st_size
        if not job.finish(session, clock(), job_id, owner, file=name, name=shown, size=size):
            made.unlink()
            job.stop(session, clock(), job_id, owner, None)


def _fill(
    store: Store, maker: _Maker, job_id: int, owner: str, ids: Sequence[int], house: House, at: datetime
) -> bool:
    """Add all invoices; False when the job is not to go on."""
    for done in range(0, len(ids), STEP):
        with store.write() as session:
            if not job.progress(session, job_id, owner, done, len(ids)):
                return False
        with store.read() as session:
            bills = bills_of(session, at, ids[done : done + STEP], house)
        for bill in bills:
            maker.add(bill)
    return True


@contextmanager
def _draft(folder: Path, name: str) -> Iterator[tuple[BinaryIO, Callable[[], None]]]:
    """A file that gets its name when `keep` is called, whole; without that it is gone."""
    folder.mkdir(mode=0o750, exist_ok=True)
    draft = folder / f"{name}.part"
    kept = False

    def keep() -> None:
        nonlocal kept
        file.flush()
        os.fsync(file.fileno())
        draft.replace(folder / name)
        kept = True

    with draft.open("wb") as file:
        try:
            yield file, keep
        finally:
            if not kept:
                draft.unlink(missing_ok=True)

"""The first page: how the house stands, and what needs a person."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import change as changes
from daemon.office import hold
from daemon.office import router as routers
from daemon.office import run as billing_run
from daemon.rules.refusal import Refusal
from daemon.store.client import Client
from webui.common.access import reading, writing
from webui.common.show import house, now
from webui.common.words import tell
from webui.staff.door.figures import figures
from webui.staff.gate import actor
from webui.staff.network.seen import seen
from webui.staff.people.change import noun_names

pages = Blueprint("start", __name__)

LATEST = 10
HELD_SHOWN = 500


@pages.get("/")
def start() -> str:
    """Figures, held things, routers, the latest changes."""
    session = reading()
    found = figures(session, now(), house().timezone)
    latest = changes.list_changes(session, limit=LATEST)
    highest = max((amount for _day, amount in found.days), default=0)
    return render_template(
        "door/start.html",
        section="start",
        figures=found,
        highest=highest,
        held=hold.list_held(session),
        jumped=_jumped(billing_run.reached(session)),
        routers=[seen(row) for row in routers.list_routers(session)],
        names=_names(session, {row.client_id for row in latest if row.client_id}),
        changes=latest,
        nouns=noun_names(),
    )


def _jumped(reached: datetime | None) -> datetime | None:
    """How far the billing run had come when the time jumped further than it follows by itself (law 6)."""
    if reached is None or now() - reached <= billing_run.LONGEST_DARKNESS:
        return None
    return reached


@pages.post("/held/time/confirm")
def confirm_time() -> Response:
    """A person confirms that so much time has really passed."""
    try:
        with writing() as session:
            billing_run.confirm_jump(session, actor(), now())
        flash(_("Confirmed: what was missed is billed now."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("start.start"))


def _names(session: Session, client_ids: set[int]) -> dict[int, str]:
    rows = session.execute(select(Client.id, Client.name).where(Client.id.in_(client_ids)))
    return {row.id: row.name for row in rows}


@pages.get("/held/<int:run_id>")
def held(run_id: int) -> str:
    """Whose cuts wait in a held run: what a person looks at before confirming."""
    session = reading()
    run = next((one for one in hold.list_held(session) if one.id == run_id), None)
    if run is None:
        raise NotFound
    return render_template(
        "door/held.html",
        section="start",
        run=run,
        clients=hold.held_clients(session, run_id, limit=HELD_SHOWN),
    )


@pages.post("/held/<int:run_id>/confirm")
def confirm(run_id: int) -> Response:
    """A person has looked at cuts that were held, and lets them take effect."""
    try:
        with writing() as session:
            hold.confirm_held(session, actor(), now(), run_id)
        flash(_("Confirmed: the cuts take effect within a minute."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("start.start"))

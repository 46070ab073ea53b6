"""A month's invoices as one PDF or a zip: asked for, watched, called off, fetched."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, send_from_directory, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import job as jobs
from daemon.office import paper_batch as office
from daemon.office import zone as zones
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed
from webui.common.show import now, today
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("papers", __name__)

FIELDS = ("month", "form", "kind", "zone_id", "unpaid", "by_client", "language")


def _listed() -> dict[str, Any]:
    listed = jobs.list_jobs(reading(), office.KIND)
    waits = [one for one in listed if one.state == "waiting"]
    late = bool(waits) and (now() - waits[-1].asked_at).total_seconds() > 15
    return {
        "jobs": [(one, office.Wanted.from_json(one.args)) for one in listed],
        "busy": any(one.open for one in listed),
        "late": late and not any(one.state == "running" for one in listed),
        "zone_names": {zone.id: zone.name for zone in zones.list_zones(reading(), retired=True)},
    }


def _page(form: Form) -> str:
    return render_template(
        "papers/batch.html",
        section="papers",
        form=form,
        fields=FIELDS,
        zones=[(zone.id, zone.name) for zone in zones.list_zones(reading())],
        **_listed(),
    )


@pages.get("/papers")
@needs("invoice")
def papers() -> str:
    """What to print, and what was asked for."""
    return _page(Form({"month": f"{today():%Y-%m}", "form": "pdf", "by_client": ""}))


@pages.get("/papers/jobs")
@needs("invoice")
def listed() -> str:
    """The list alone, asked for again and again while something is being made."""
    return render_template("papers/jobs.html", **_listed())


def _month(form: Form) -> date:
    try:
        return date.fromisoformat(f"{form.text('month')}-01")
    except ValueError as error:
        raise Refusal("month", "Choose a month, such as 2026-02") from error


@pages.post("/papers")
def ask() -> str | Response:
    """Ask for them; the daemon's worker makes them."""
    form = Form.sent()
    try:
        zone_id = Reader(form).whole("zone_id")
        with deed(form) as session:
            wanted = office.Wanted(
                _month(form), form.text("form"), form.text("kind"), zone_id,
                form.flag("unpaid"), form.flag("by_client"), form.maybe("language"),
            )  # fmt: skip
            office.ask_papers(session, actor(), now(), wanted)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    return redirect(url_for("papers.papers"))


@pages.post("/papers/<int:job_id>/cancel")
def cancel(job_id: int) -> Response:
    """Call one off."""
    try:
        with writing() as session:
            jobs.cancel(session, actor(), now(), job_id)
        flash(_("It was cancelled."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("papers.papers"))


@pages.get("/papers/<int:job_id>/file")
@needs("invoice")
def file(job_id: int) -> Response:
    """The finished file; not there any more after its days."""
    try:
        found = jobs.get_job(reading(), job_id)
    except Refusal as refusal:
        raise NotFound from refusal
    if found.kind != office.KIND or not found.file:
        raise NotFound
    folder = current_app.config["SETTINGS"].home / "files"
    return send_from_directory(folder, found.file, as_attachment=True, download_name=found.name)

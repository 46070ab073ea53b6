"""Announcements: list, write with preview, withdraw (rows N1-N4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from markupsafe import escape
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from daemon.office import announcement as office
from daemon.office import notice as notices
from daemon.office import plan as plans
from daemon.office import router as routers
from daemon.office import zone as zones
from daemon.rules.refusal import Refusal
from daemon.store.announcement import Announcement
from webui.common.access import reading, writing
from webui.common.forms import Form, Reader, deed, row_number
from webui.common.headers import PREVIEW_POLICY
from webui.common.show import house, local, now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("announcement", __name__)

LISTS = ("routers", "zones", "plans", "states")
FIELDS = ("title", "html", "service_class", "from_at", "until_at", "network", "unpaid", *LISTS)
CLASSES = ("payment", "suspension", "maintenance", "security")


def class_names() -> dict[str, str]:
    """What each class of message is called."""
    return {
        "payment": _("Payment"),
        "suspension": _("Suspension"),
        "maintenance": _("Maintenance"),
        "security": _("Security"),
    }


@pages.get("/announcements")
def announcements() -> str:
    """What is being told: manual announcements with their counts, and the payment notices now showing."""
    session = reading()
    return render_template(
        "notices/announcements.html",
        section="announcements",
        part="announcements",
        announcements=office.list_announcements(session, now()),
        classes=class_names(),
    )


@pages.get("/notices")
def all_notices() -> str:
    """N1: one list of manual and automatic notices; an entry leaves once its client has seen it."""
    return render_template(
        "notices/notices.html",
        section="announcements",
        part="notices",
        notices=notices.list_notices(reading(), now(), limit=200),
    )


def _form_page(form: Form) -> str:
    session = reading()
    return render_template(
        "notices/announcement_form.html",
        section="announcements",
        form=form,
        fields=FIELDS,
        classes=list(class_names().items()),
        routers=[(one.router.id, one.router.name) for one in routers.list_routers(session)],
        zones=[(one.id, one.name) for one in zones.list_zones(session)],
        plans=[(one.id, one.name) for one in plans.list_plans(session)],
        states=[("active", _("active")), ("suspended", _("suspended"))],
    )


@pages.get("/announcements/new")
@needs("announcement")
def new() -> str:
    """An empty form: from now, for a week."""
    start = local(now()).replace(second=0, microsecond=0, tzinfo=None)
    return _form_page(
        Form(
            {
                "from_at": start.isoformat(timespec="minutes"),
                "until_at": (start + timedelta(days=7)).isoformat(timespec="minutes"),
                "service_class": "maintenance",
            }
        )
    )


def _filter(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if form.text("network"):
        found["network"] = form.text("network")
    if form.flag("unpaid"):
        found["unpaid"] = True
    for name in ("routers", "zones", "plans"):
        numbers = [one for one in map(row_number, form.values.get(name, [])) if one is not None]
        if numbers:
            found[name] = numbers
    if form.values.get("states"):
        found["states"] = form.values["states"]
    return found


@pages.post("/announcements/recipients")
@needs("announcement")
def recipients() -> str:
    """A fragment: how many clients the filter names, and the first of their names."""
    form = Form.sent(lists=LISTS)
    try:
        found = office.preview_recipients(reading(), _filter(form))
    except Refusal as refusal:
        form.refuse(refusal)
        return render_template("notices/recipients.html", found=None, errors=form.errors)
    return render_template("notices/recipients.html", found=found, errors={})


@pages.post("/announcements/preview")
@needs("announcement")
def preview() -> Response:
    """The announcement as a subscriber sees it, for a frame that may run nothing."""
    form = Form.sent()
    try:
        html = office.clean_html(form.text("html"))
    except Refusal as refusal:
        html = f"<p>{escape(tell(refusal.sentence))}</p>"
    return _framed(html, form.text("title"))


def _framed(html: str, title: str) -> Response:
    """A page for a frame of ours: the announcement at the end of a grey page, with nothing that can run."""
    response = Response(render_template("notices/preview.html", html=html, title=title))
    response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    return response


@pages.post("/announcements/new")
def write() -> str | BaseResponse:
    """Write an announcement for the clients the filter names."""
    form = Form.sent(lists=LISTS)
    try:
        reader = Reader(form)
        from_at = reader.moment("from_at", house().timezone)
        until_at = reader.moment("until_at", house().timezone)
        with deed(form) as session:
            result = office.write_announcement(
                session,
                actor(),
                now(),
                title=form.text("title"),
                html=form.text("html"),
                service_class=form.text("service_class"),
                from_at=from_at,
                until_at=until_at,
                filter=_filter(form),
            )
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(form)
    flash(_("The announcement goes to %(count)s clients.", count=result.recipients), "done")
    return redirect(url_for("announcement.announcements"))


@pages.get("/announcements/<int:announcement_id>/look")
def look(announcement_id: int) -> Response:
    """An announcement that was written, as subscribers see it, for a frame."""
    found = reading().get(Announcement, announcement_id)
    if found is None:
        raise NotFound
    return _framed(found.html, found.title)


@pages.post("/announcements/<int:announcement_id>/withdraw")
def withdraw(announcement_id: int) -> BaseResponse:
    """Stop showing it."""
    try:
        with writing() as session:
            office.withdraw(session, actor(), now(), announcement_id)
        flash(_("The announcement was withdrawn: nobody is shown it any more."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("announcement.announcements"))

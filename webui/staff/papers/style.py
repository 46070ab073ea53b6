"""How invoices look on paper: the logo and the choices of the company."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as Answer
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import logo as logos
from daemon.office import paper_style as office
from daemon.papers.logo import LARGEST_FILE
from daemon.rules.refusal import Refusal
from webui.common.access import reading, writing
from webui.common.forms import Form
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("style", __name__)

FIELDS = ("page_size", "qr", "reasons", "footer", "logo")


def _fill() -> Form:
    row = office.get_style(reading())
    return Form(
        {
            "page_size": row.page_size,
            "qr": row.qr,
            "reasons": "1" if row.reasons else "",
            "footer": row.footer,
        }
    )


def _page(form: Form) -> str:
    return render_template(
        "papers/style.html",
        section="company",
        part="style",
        form=form,
        fields=FIELDS,
        logo=logos.get_logo(reading()),
    )


@pages.get("/company/papers")
@needs("company")
def style() -> str:
    """The form, the logo, and a sample to look at."""
    return _page(_fill())


@pages.post("/company/papers")
def save() -> str | Response:
    """Change how papers look."""
    form = Form.sent()
    try:
        with writing() as session:
            office.edit_style(
                session, actor(), now(), page_size=form.text("page_size"), qr=form.text("qr"),
                reasons=form.flag("reasons"), footer=form.text("footer"),
            )  # fmt: skip
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    flash(_("Saved."), "done")
    return redirect(url_for("style.style"))


@pages.post("/company/logo")
def put_up() -> str | Response:
    """Put up a logo."""
    sent = request.files.get("logo")
    content = sent.stream.read(LARGEST_FILE + 1) if sent is not None else b""
    try:
        with writing() as session:
            logos.set_logo(session, actor(), now(), content)
    except Refusal as refusal:
        form = _fill()
        form.refuse(refusal)
        return _page(form)
    flash(_("The logo stands on every invoice from now on."), "done")
    return redirect(url_for("style.style"))


@pages.post("/company/logo/remove")
def take_down() -> Response:
    """Take the logo down."""
    try:
        with writing() as session:
            logos.remove_logo(session, actor(), now())
        flash(_("The logo was removed."), "done")
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    return redirect(url_for("style.style"))


@pages.get("/company/logo.png")
def logo() -> Answer:
    """The logo itself."""
    found = logos.get_logo(reading())
    if found is None:
        raise NotFound
    return Answer(found.content, mimetype="image/png")

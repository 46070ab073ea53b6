"""Payments from a file (importar pagos): read, look at good and bad lines, pay the good ones, follow."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from daemon.office import payment_file as office
from daemon.rules.payment_file import MOST_BYTES
from daemon.rules.refusal import Refusal
from webui.common.access import reading, store, writing
from webui.common.forms import Form, row_number
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("payment_file", __name__)

ROWS = 50
#: Chunks that the page pays itself; the daemon pays the rest.
AT_ONCE = 2


def allow_upload(app: Flask) -> None:
    """A file of payments may be larger than any other form; to be installed before anything reads the form."""

    @app.before_request
    def widen() -> None:
        if request.endpoint == "payment_file.read" and request.method == "POST":
            request.max_content_length = MOST_BYTES + 64 * 1024


def _page(form: Form) -> str:
    rows = office.list_files(reading(), row_number(request.args.get("after")), ROWS)
    return render_template(
        "billing/files.html",
        section="closings",
        form=form,
        rows=rows,
        more=rows[-1].id if len(rows) == ROWS else None,
    )


@pages.get("/payment-files")
@needs("payment")
def files() -> str:
    """The files that were read, and the form for the next."""
    return _page(Form())


@pages.post("/payment-files")
def read() -> str | Response:
    """Read a file and judge its lines. Nothing is paid yet."""
    form = Form.sent()
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        form.errors["file"] = _("Choose a file")
        return _page(form)
    try:
        with writing() as session:
            made = office.read_file(session, actor(), now(), name=sent.filename, content=sent.read())
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form)
    return redirect(url_for("payment_file.file", file_id=made))


def _find(file_id: int) -> Any:
    try:
        return office.get_file(reading(), file_id)
    except Refusal as refusal:
        raise NotFound from refusal


def _lines(file_id: int, which: str, after: int) -> dict[str, Any]:
    states = ("bad", "refused") if which == "bad" else ("good", "paid")
    lines = office.file_lines(reading(), file_id, states, after, ROWS)
    return {"lines": lines, "which": which, "more": lines[-1].line if len(lines) == ROWS else None}


@pages.get("/payment-files/<int:file_id>")
@needs("payment")
def file(file_id: int) -> str:
    """The preview, then the progress: bad lines with their numbers and reasons, good ones with their client."""
    row = _find(file_id)
    which = request.args.get("which") or ("bad" if row.bad or row.refused else "good")
    after = row_number(request.args.get("after")) or 0
    return render_template("billing/file.html", section="closings", row=row, **_lines(file_id, which, after))


@pages.get("/payment-files/<int:file_id>/progress")
@needs("payment")
def progress(file_id: int) -> str:
    """A fragment: how far it is; it asks again until it is done."""
    return render_template("billing/file_progress.html", row=_find(file_id))


@pages.post("/payment-files/<int:file_id>/pay")
def pay(file_id: int) -> Response:
    """Pay the good lines."""
    _find(file_id)
    try:
        with writing() as session:
            office.confirm_file(session, actor(), now(), file_id)
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
    else:
        office.run_files(store(), current_app.config["CLOCK"](), chunks=AT_ONCE)
    return redirect(url_for("payment_file.file", file_id=file_id, which="good"))

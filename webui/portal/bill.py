"""A subscriber's bills in plain words: of the line that asks, or of the notice whose address they hold."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, render_template, request
from sqlalchemy import select

from daemon.office import notice as notices
from daemon.office import plainly as office
from daemon.store.notice import Notice
from daemon.store.service import InternetService
from webui.common.access import reading

pages = Blueprint("bill", __name__)


@pages.get("/bill")
def of_line() -> str:
    """The unpaid bills of the line that asks, known by its source address; nothing for anybody else."""
    address = (request.remote_addr or "").removeprefix("::ffff:")
    client_id = reading().scalar(
        select(InternetService.client_id).where(
            InternetService.address == address, InternetService.removed_at.is_(None)
        )
    )
    bills = office.unpaid_bills(reading(), client_id) if client_id is not None else []
    return render_template("bill.html", bills=bills, known=client_id is not None)


@pages.get("/n/<token>/bill")
def of_notice(token: str) -> Response:
    """The bill that a payment notice is about. The token is the proof: only who was shown the notice has it."""
    notice_id = notices.read_token(current_app.config["SETTINGS"].portal_key, token)
    row = reading().get(Notice, notice_id) if notice_id is not None else None
    found = office.one_bill(reading(), row.invoice_id) if row is not None and row.invoice_id else None
    if found is None:
        return make_response(render_template("unknown.html"), 404)
    return make_response(render_template("bill.html", bills=[found], known=True))

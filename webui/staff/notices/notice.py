"""Notices of one client: what was shown, and what has been seen."""

from __future__ import annotations

from flask import Blueprint, render_template

from daemon.office import notice as office
from webui.common.access import reading
from webui.common.show import now
from webui.staff.people.client import summary_of

pages = Blueprint("notice", __name__)


@pages.get("/clients/<int:client_id>/notices")
def client_notices(client_id: int) -> str:
    """All notices of a client, newest first."""
    return render_template(
        "notices/client_notices.html",
        section="clients",
        tab="notices",
        client=summary_of(client_id),
        notices=office.list_notices(reading(), now(), client_id=client_id, seen=True),
    )

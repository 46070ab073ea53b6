"""The audit on a page: what the last one found, and a button for another, done by a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from daemon.office import auditing as office
from daemon.rules.refusal import Refusal
from daemon.settings import Settings
from daemon.store.engine import Store
from webui.common.access import reading, store, writing
from webui.common.show import now
from webui.common.words import tell
from webui.staff.gate import actor, needs

pages = Blueprint("audit", __name__)

FOUND = (0, 1)
"""Exit statuses of an audit that was done (see `pregonero audit --help`)."""


@pages.get("/audit")
@needs("company")
def audit() -> str:
    """The last audit, how far it is or what it found."""
    template = "reports/audit_run.html" if request.headers.get("HX-Request") else "reports/audit.html"
    return render_template(template, section="audit", run=office.last_run(reading(), now()))


@pages.post("/audit")
def begin() -> Response:
    """Begin another one."""
    try:
        with writing() as session:
            run_id = office.begin_run(session, actor(), now())
    except Refusal as refusal:
        flash(" ".join(tell(one.sentence) for one in refusal), "refused")
        return redirect(url_for("audit.audit"))
    _start(current_app.config["SETTINGS"], store(), run_id)
    flash(_("The audit has begun. You may go on working."), "done")
    return redirect(url_for("audit.audit"))


def _start(settings: Settings, books: Store, run_id: int) -> None:
    """Let a process do the audit: it counts over everybody, which no worker of the pages should."""
    words = [sys.executable, "-m", "daemon", "audit", "--home", str(settings.home), "--run", str(run_id)]
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PREGONERO_DATABASE": books.url},
        start_new_session=True,
    )
    threading.Thread(target=_wait, args=(process, books, run_id), daemon=True).start()


def _wait(process: subprocess.Popen[bytes], books: Store, run_id: int) -> None:
    """Take the end of the process, and say so in its row when it could not do its work."""
    said = (process.communicate()[1] or b"").decode("utf-8", "replace").strip()
    if process.returncode not in FOUND or "Traceback" in said:
        last = said.splitlines()[-1] if said else f"status {process.returncode}"
        with books.write() as session:
            office.fail_run(session, datetime.now(UTC), run_id, last)

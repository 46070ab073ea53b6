"""Words of the store as staff say them: kinds of jobs, actions and fields of the log, browsers."""

from __future__ import annotations

from typing import Any

from flask import Flask

from webui.common.words import N_, translate

JOBS = {
    "invoice_created": N_("Invoice is created"),
    "screen_notice_on": N_("On-screen notice begins"),
    "screen_notice_off": N_("On-screen notice ends"),
    "reminder": N_("Payment reminder"),
    "late_fee": N_("Late fee"),
    "suspended": N_("Cut"),
    "promise_broken": N_("Promise to pay ends"),
    "reconnection_fee": N_("Reconnection fee"),
    "reactivated": N_("Reactivation"),
}
ACTIONS = {
    "add": N_("added"),
    "edit": N_("changed"),
    "retire": N_("retired"),
    "restore": N_("put back"),
    "pause": N_("paused"),
    "resume": N_("resumed"),
    "remove": N_("removed"),
    "register": N_("registered"),
    "delete": N_("deleted"),
    "void": N_("voided"),
    "suspend": N_("suspended by hand"),
    "activate": N_("activated by hand"),
    "write": N_("written"),
    "withdraw": N_("withdrawn"),
    "ask": N_("asked"),
    "disable": N_("locked out"),
    "enable": N_("let in again"),
    "confirm": N_("confirmed"),
    "login": N_("logged in"),
    "logout": N_("logged out"),
    "password": N_("new password"),
    "revoke": N_("session closed"),
}
FIELDS = {
    "name": N_("name"),
    "document_id": N_("document"),
    "email": N_("e-mail"),
    "phone": N_("phone"),
    "mobile": N_("mobile"),
    "address": N_("address"),
    "latitude": N_("latitude"),
    "longitude": N_("longitude"),
    "zone_id": N_("zone"),
    "plan_id": N_("plan"),
    "router_id": N_("router"),
    "method_id": N_("method"),
    "price": N_("price"),
    "since": N_("since"),
    "note": N_("note"),
    "amount": N_("amount"),
    "reference": N_("reference"),
    "reason": N_("reason"),
    "state": N_("state"),
    "role": N_("role"),
    "user": N_("user"),
    "title": N_("title"),
    "installed_on": N_("installed on"),
    "paused_at": N_("paused"),
    "removed_at": N_("removed"),
    "retired_at": N_("retired"),
    "download_kbps": N_("download"),
    "upload_kbps": N_("upload"),
}
#: Sentences that the office builds from a text in a variable, where no gatherer sees them.
SENTENCES = (N_("Suspended by {name}: {reason}"), N_("Activated by {name}: {reason}"))
#: In this order: a browser's own name stands behind those it pretends to be.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_name(agent: str) -> str:
    """A user agent as people know it: `Firefox, Windows`."""
    parts = [
        next((name for mark, name in table if mark in agent), "") for table in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(part for part in parts if part) or agent[:40] or "?"


def install(app: Flask) -> None:
    """The filters of the staff's templates."""

    def named(table: dict[str, str]) -> Any:
        return lambda word: translate(table[word]) if word in table else str(word).replace("_", " ")

    app.jinja_env.filters.update(
        job_name=named(JOBS),
        action_name=named(ACTIONS),
        field_name=named(FIELDS),
        browser_name=browser_name,
        dict_of=dict,
        pair=lambda one: (one, one),
    )

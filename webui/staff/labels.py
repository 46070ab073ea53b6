"""Words of the store as staff say them: kinds of jobs, actions and fields of the log, browsers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Flask

from webui.common import show
from webui.common.words import N_, SPOKEN, translate

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
    "plan_change": N_("Plan change"),
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
    "acknowledge": N_("read by the client"),
    "fix_date": N_("date fixed"),
    "revoke_session": N_("session closed"),
    "apply": N_("applied"),
    "password": N_("new password"),
    "revoke": N_("session closed"),
    "stop": N_("stopped"),
    "schedule": N_("change from a day on"),
    "call_off": N_("change called off"),
    "cancel": N_("taken back"),
    "take_back": N_("taken back"),
    "credit": N_("balance in favour"),
    "debit": N_("balance against"),
    "template": N_("put on a template"),
    "bulk": N_("changed with many"),
    "bulk_undo": N_("taken back with many"),
    "undo": N_("taken back"),
    "read": N_("file read"),
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
    "mode": N_("mode"),
    "payment_day": N_("payment day"),
    "create_days_before": N_("days before"),
    "tax": N_("tax"),
    "grace_days": N_("days of grace"),
    "cut_after_months": N_("unpaid months"),
    "late_fee_minor": N_("late fee"),
    "late_fee_basis_points": N_("late fee"),
    "reconnection_fee": N_("reconnection fee"),
    "screen_notice_days": N_("on-screen notice"),
    "first_cycle": N_("first cycle"),
    "fixed_date": N_("fixed date"),
    "portal_code": N_("portal code"),
    "access_mode": N_("access mode"),
    "emitter": N_("emitter"),
    "reactivated": N_("reactivated"),
    "host": N_("host"),
    "port": N_("port"),
    "networks": N_("networks"),
    "client_interfaces": N_("client interfaces"),
    "box_address": N_("box address"),
    "box_interface": N_("box interface"),
    "allowed": N_("allowed"),
    "locale": N_("language"),
    "deleted_at": N_("deleted"),
    "deleted_why": N_("reason"),
    "how_to_pay": N_("how to pay"),
    "timezone": N_("time zone"),
    "currency": N_("currency"),
    "invoice_hour": N_("hour of invoices"),
    "cut_hour": N_("hour of cuts"),
    "reminder_hour": N_("hour of reminders"),
    "tax_id": N_("tax number"),
    "service_class": N_("class"),
    "from_at": N_("from"),
    "until_at": N_("until"),
    "withdrawn_at": N_("withdrawn"),
    "voided_at": N_("void"),
    "filter": N_("filter"),
    "html": N_("text"),
    "created_by": N_("by"),
    "disabled_at": N_("locked out"),
    "password": N_("password"),
    "tax_basis_points": N_("tax"),
    "promise_max_days": N_("longest promise"),
    "hold_cuts": N_("hold cuts"),
    "bill_suspended": N_("bill the suspended"),
    "portal_url": N_("portal"),
    "reminders": N_("reminders"),
    "country": N_("country"),
    "prefix": N_("prefix"),
    "next_number": N_("next number"),
    "default_for": N_("numbers invoices of kind"),
    "page_size": N_("page size"),
    "qr": N_("QR code"),
    "reasons": N_("reasons in small print"),
    "footer": N_("foot of the page"),
    "template_id": N_("template"),
    "on_day": N_("from the day"),
    "until": N_("until"),
    "starts_on": N_("from"),
    "ends_on": N_("until"),
    "number": N_("number"),
    "category": N_("kind"),
    "kind": N_("kind"),
    "invoice_id": N_("invoice"),
    "lines": N_("lines"),
    "waiting": N_("waits"),
    "cycle": N_("cycle"),
    "due": N_("due"),
    "total": N_("total"),
    "bulk": N_("change of many"),
    "clients": N_("clients"),
    "wish": N_("change"),
    "day": N_("day"),
    "collector": N_("collector"),
    "expected": N_("expected"),
    "counted": N_("counted"),
    "good": N_("good lines"),
    "bad": N_("bad lines"),
}
#: Sentences that the office builds from a text in a variable, where no gatherer sees them.
SENTENCES = (N_("Suspended by {name}: {reason}"), N_("Activated by {name}: {reason}"))
#: In this order: a browser's own name stands behind those it pretends to be.
BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_name(agent: str) -> str:
    """A user agent as people know it: `Firefox, Windows`."""
    parts = [next((name for mark, name in table if mark in agent), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(part for part in parts if part) or agent[:40] or "?"


AMOUNTS = frozenset({"price", "amount", "late_fee_minor", "reconnection_fee", "total", "to_pay", "net"})
YES_NO = {True: N_("yes"), False: N_("no")}


def log_value(value: Any, field: str, things: dict[str, dict[int, str]]) -> str:
    """A value of the log as a person reads it: names for numbers, amounts, days and moments of the country."""
    if isinstance(value, bool):
        return translate(YES_NO[value])
    if isinstance(value, int):
        if field in things:
            return things[field].get(value, f"#{value}")
        if field in AMOUNTS:
            return show.money(value)
        if field.endswith("_kbps"):
            return show.speed(value)
        if field.endswith("_basis_points"):
            return f"{show.percent(value)} %"
        return show.hour(value) if field.endswith("_hour") else str(value)
    if isinstance(value, str) and value[:4].isdigit():
        try:
            return (
                show.day(date.fromisoformat(value))
                if len(value) == 10
                else show.moment(datetime.fromisoformat(value))
            )
        except (ValueError, TypeError):
            return value
    return translate(value) if value in SPOKEN else str(value)


def install(app: Flask) -> None:
    """The filters of the staff's templates."""

    def named(table: dict[str, str]) -> Any:
        return lambda word: translate(table[word]) if word in table else str(word).replace("_", " ")

    app.jinja_env.filters.update(
        job_name=named(JOBS),
        action_name=named(ACTIONS),
        field_name=named(FIELDS),
        browser_name=browser_name,
        log_value=log_value,
        dict_of=dict,
        pair=lambda one: (one, one),
    )

"""Answers that are PDF files."""

from __future__ import annotations

from flask import Response, request

from daemon.office.paper import Paper

#: A browser's own reader of PDF brings its styles; nothing else is in the file.
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"


def pdf_answer(paper: Paper) -> Response:
    """A paper to look at and print; with `?download=1` to keep."""
    response = Response(paper.content, mimetype="application/pdf")
    way = "attachment" if request.args.get("download") == "1" else "inline"
    response.headers["Content-Disposition"] = f'{way}; filename="{paper.name}"'
    response.headers["Content-Security-Policy"] = PDF_POLICY
    return response


def asked_language() -> str | None:
    """The language that the address asks for (`?lang=en`); None for the company's."""
    chosen = request.args.get("lang")
    return chosen if chosen in ("es", "en") else None

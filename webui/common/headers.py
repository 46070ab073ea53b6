"""Response headers that keep a browser on our side."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

#: Everything from ourselves, no inline script, no inline style, never inside a foreign frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

#: For a page of ours that holds an announcement: the sanitised colours and sizes in it may show.
ANNOUNCEMENT_POLICY = POLICY + "; style-src-attr 'unsafe-inline'"

#: For the preview of an announcement, shown in a frame of ours: its own inline styles, and nothing else.
PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


def install(app: Flask) -> None:
    """Add the headers to every response; a view that set its own policy keeps it."""

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault(
            "Referrer-Policy", "no-referrer" if app.name == "webui.portal" else "same-origin"
        )
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), payment=(), usb=()")
        if request.is_secure and app.config["SESSION_COOKIE_SECURE"]:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint == "static":
            _static(response)
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.url_defaults
    def version(endpoint: str, values: dict[str, Any]) -> None:
        # A file's address changes with its content, so that browsers may keep it for long.
        if endpoint == "static" and "filename" in values and app.static_folder:
            values.setdefault("v", _version(Path(app.static_folder) / values["filename"]))


@lru_cache(maxsize=100)
def _version(file: Path) -> str:
    try:
        return f"{zlib.crc32(file.read_bytes()):08x}"
    except OSError:
        return "0"


@lru_cache(maxsize=100)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _static(response: Response) -> None:
    """Let browsers keep a file of ours, and send its text packed: Tabler's style is 640 kB as it lies."""
    response.headers["Cache-Control"] = "public, max-age=604800"
    response.headers["Vary"] = "Accept-Encoding"
    if response.status_code != 200 or not request.accept_encodings.quality("gzip") or request.method != "GET":
        return
    if response.mimetype not in ("text/css", "text/javascript", "application/javascript", "image/svg+xml"):
        return
    response.direct_passthrough = False
    packed = _packed(response.get_data())
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("ETag", None)

"""Response headers that keep a browser on our side."""

from __future__ import annotations

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
        if request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "public, max-age=86400"
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

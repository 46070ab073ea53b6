"""A front server (a reverse proxy) may name the client's address, if the settings trust it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any


class TrustedFront:
    """WSGI: takes the last address of `X-Forwarded-For` and the scheme, from trusted peers only.

    The last one, since only that was written by the trusted peer; what stands before it anybody can send.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], trusted: Iterable[str]) -> None:
        self.application = application
        self.trusted = frozenset(trusted)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("REMOTE_ADDR") in self.trusted:
            said = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
            with suppress(ValueError):
                environ["REMOTE_ADDR"] = str(ip_address(said))
            if environ.get("HTTP_X_FORWARDED_PROTO") in ("http", "https"):
                environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"]
        return self.application(environ, start)

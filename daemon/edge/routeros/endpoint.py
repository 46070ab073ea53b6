"""Where a router is and how to come in; TLS with a pinned certificate."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field

from daemon.edge.routeros.errors import CertificateRefused

PORT = 8728
PORT_TLS = 8729


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A router's API. `fingerprint` is the SHA-256 of its certificate in hex, with or without colons.

    Without TLS the password travels in clear. With TLS and no fingerprint the certificate must be one that
    the system trusts for `host`. The password is never part of `repr`. `deadline` is seconds for one
    command, `patience` for one long reading.
    """

    host: str
    port: int = PORT
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    fingerprint: str | None = None
    deadline: float = 10.0
    patience: float = 60.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def ssl_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    """The context to connect with, None without TLS. With a pin the chain does not count, the pin does."""
    if not endpoint.tls:
        return None
    context = ssl.create_default_context()
    if endpoint.fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def check_pin(endpoint: Endpoint, certificate: bytes | None) -> None:
    """Raise CertificateRefused unless the peer's certificate (DER) is the pinned one; no pin, no check."""
    if not endpoint.tls or not endpoint.fingerprint:
        return
    wanted = endpoint.fingerprint.replace(":", "").strip().lower()
    found = hashlib.sha256(certificate).hexdigest() if certificate else "none"
    if found != wanted:
        raise CertificateRefused(
            f"{endpoint}: the certificate's fingerprint is {found}, pinned is {wanted}. "
            "If the router's certificate was renewed, pin the new one; if not, someone stands between."
        )

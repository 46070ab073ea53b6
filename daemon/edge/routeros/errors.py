"""What can go wrong with a router, by what to do next."""

from __future__ import annotations

from typing import ClassVar


class EdgeError(Exception):
    """Any fault between us and a router. `passing` says whether trying again later can help without a
    person.
    """

    passing: ClassVar[bool] = True


class Unreachable(EdgeError):
    """No connection, or it was lost: try again after `retry_after` seconds."""

    def __init__(self, text: str, retry_after: float = 15.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class DeadlineExceeded(Unreachable):
    """The router did not answer a command in time. The connection is closed: what it still sends belongs to
    nobody.
    """


class ProtocolError(Unreachable):
    """The other side does not speak the RouterOS API, or no longer in step: the connection is closed."""


class LoginRefused(EdgeError):
    """User or password wrong, or not allowed in: nothing helps until staff change it."""

    passing = False


class CertificateRefused(EdgeError):
    """The router's TLS certificate is not the pinned one: nothing helps until staff have looked at it."""

    passing = False


class TrapError(EdgeError):
    """The router refused a command: `command` (its first word), the router's `text`, its `category` or
    None.
    """

    passing = False

    def __init__(self, command: str, text: str, category: int | None = None) -> None:
        super().__init__(f"{command}: {text}")
        self.command = command
        self.text = text
        self.category = category

"""What can go wrong with a router, by what to do next."""

from __future__ import annotations

from typing import ClassVar

from daemon.rules.sentence import Sentence


class EdgeError(Exception):
    """Any fault between us and a router. `passing` says whether trying again later can help without a
    person.
    """

    passing: ClassVar[bool] = True
    #: What staff read: what it means and what to do next; `{detail}` holds the technical words.
    advice: ClassVar[Sentence] = Sentence("The router cannot be used ({detail})")

    @property
    def said(self) -> Sentence:
        """The fault for staff, translatable; its exact words are a gap."""
        return Sentence(self.advice.text, {"detail": str(self)})


class Unreachable(EdgeError):
    """No connection, or it was lost: try again after `retry_after` seconds."""

    advice = Sentence(
        "The router cannot be reached. Check that it has power and a link, that address and port are right, and "
        "that its API service is on and open to this box ({detail})"
    )

    def __init__(self, text: str, retry_after: float = 15.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class DeadlineExceeded(Unreachable):
    """The router did not answer a command in time. The connection is closed: what it still sends belongs to
    nobody.
    """

    advice = Sentence(
        "The router did not answer in time. Check the link to it, how busy it is, and whether a firewall drops "
        "what this box sends ({detail})"
    )


class ProtocolError(Unreachable):
    """The other side does not speak the RouterOS API, or no longer in step: the connection is closed."""

    advice = Sentence(
        "What answers there does not speak the RouterOS API. Check address and port: the API has port 8728, or "
        "8729 with TLS ({detail})"
    )


class LoginRefused(EdgeError):
    """User or password wrong, or not allowed in: nothing helps until staff change it."""

    passing = False
    advice = Sentence(
        "The router does not let us in. Correct the user or the password here, or give that user the right to "
        "use the API on the router ({detail})"
    )


class CertificateRefused(EdgeError):
    """The router's TLS certificate is not the pinned one: nothing helps until staff have looked at it."""

    passing = False
    advice = Sentence(
        "The router's certificate is not the one we know. If it was renewed, write its new fingerprint here; if "
        "not, someone may stand between ({detail})"
    )


class TrapError(EdgeError):
    """The router refused a command: `command` (its first word), the router's `text`, its `category` or
    None.
    """

    passing = False
    advice = Sentence("The router refused a command ({detail})")
    no_right: ClassVar[Sentence] = Sentence(
        "The user that we log in with may not do this on the router. Give its group the policies read, write, api "
        "and test ({detail})"
    )

    def __init__(self, command: str, text: str, category: int | None = None) -> None:
        super().__init__(f"{command}: {text}")
        self.command = command
        self.text = text
        self.category = category

    @property
    def said(self) -> Sentence:
        """The fault for staff; a lack of rights has words of its own, for a technician can cure it at once."""
        lacks = "permission" in self.text or "not allowed" in self.text
        return Sentence((self.no_right if lacks else self.advice).text, {"detail": str(self)})

"""Faults as staff read them: what it means, what to do next, and the technical words in a gap."""

from __future__ import annotations

import pytest

from daemon.chores.routers import fault_said
from daemon.edge.routeros.errors import (
    CertificateRefused,
    DeadlineExceeded,
    LoginRefused,
    ProtocolError,
    TrapError,
    Unreachable,
)
from daemon.store.seal import SealError
from webui.common import catalogs

SPANISH = catalogs.read("es")


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (Unreachable("h:8728: no connection (Connection refused)"), "that address and port are right"),
        (DeadlineExceeded("h:8728: no connection within 10 s"), "did not answer in time"),
        (ProtocolError("h:8728: a reply that begins with 'HTTP'"), "the API has port 8728, or 8729 with TLS"),
        (LoginRefused("h:8728: the router refuses user 'api'"), "Correct the user or the password"),
        (CertificateRefused("h:8729: self-signed certificate"), "write its new fingerprint here"),
        (TrapError("/queue/simple/add", "not enough permissions (9)"), "policies read, write, api and test"),
        (TrapError("/queue/simple/add", "failure: already have such name"), "refused a command"),
        (SealError("the sealed value does not open with this key"), "Type it again"),
        (OSError(28, "No space left on device"), "cannot be used"),
    ],
)
def test_a_fault_says_what_to_do_and_keeps_its_technical_words(fault: Exception, advice: str) -> None:
    said = fault_said(fault)
    assert advice in str(said)
    assert said.params["detail"] == str(fault)
    spanish = SPANISH.get(said.text)
    assert spanish is not None
    assert str(fault) in said.fill(str(spanish.string))


def test_a_fault_without_words_has_its_name() -> None:
    assert "TimeoutError" in str(fault_said(TimeoutError()))

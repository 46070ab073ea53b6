from __future__ import annotations

import pytest

from daemon.edge.practice.schema import VersionError, check_sentence, exact_version


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["/queue/simple/add", "=name=a", "=target=10.0.0.5/32", "=max-limit=5M/10M", ".tag=1"], []),
        (["/queue/simple/set", "=.id=*1", "=max_limit=1M/1M"], ["unknown parameter max_limit"]),
        (["/queue/simple/set", "=.id=*1", "=!comment="], []),
        (["/queue/simple/set", "=numbers=a", "=!comment"], []),
        (["/queue/simple/getall"], []),
        (["/ip/firewall/address-list/move", "=.id=*1"], ["no such command"]),
        (["/ip/firewall/print"], ["no such command"]),
        (["/ip/route/rule/print"], ["no such command prefix"]),
        (["/no/such/print"], ["no such command prefix"]),
        (["hello"], ["no such command prefix"]),
        (["/ip/firewall/filter/get", "=.id=*1"], ["bad parameter .id"]),
        (["/ip/firewall/filter/print", "=where=x"], ["unknown parameter where"]),
        (["/system/identity/print", "=detail="], ["unknown parameter detail"]),
        (["/ip/route/print", "=.proplist=dst-address", "?dst-address=0.0.0.0/0", "?#!"], []),
        (["/ip/route/add", "?a=b"], ["invalid word in sentence: ?a=b"]),
        (["/ip/route/add", "gateway"], ["invalid word in sentence: gateway"]),
        (["/login", "=name=a", "=password=b"], []),
        (["/ip/firewall/connection/remove", "=.id=*1"], []),
    ],
)
def test_a_sentence_is_checked_by_name(words: list[str], refused: list[str]) -> None:
    assert check_sentence(words, "7.18") == refused


def test_versions_differ_in_what_they_know() -> None:
    sentence = ["/ip/service/set", "=.id=*6", "=max-sessions=5"]
    assert check_sentence(sentence, "7.10") == ["unknown parameter max-sessions"]
    assert check_sentence(sentence, "7.18") == []
    assert check_sentence(["/ip/firewall/filter/add", "=chain=forward", "=tos=1"], "7.24") == []
    assert check_sentence(["/ip/firewall/filter/add", "=chain=forward", "=tos=1"], "7.18.2") != []


def test_a_version_without_a_schema_is_refused_with_the_list_of_those_there_are() -> None:
    assert exact_version("7.10") == exact_version("7.10.2") == "7.10.2"
    with pytest.raises(VersionError, match=r"7\.10 \(7\.10\.2\), 7\.18 \(7\.18\.2\), 7\.24"):
        exact_version("6.49")

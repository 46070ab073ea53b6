"""Proof by a second voice: the router is read back through librouteros, which shares no code with our own
codec.

Synchronous: call it in a thread. It writes nothing.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import librouteros
from librouteros.exceptions import LibRouterosError
from librouteros.exceptions import TrapError as TheirTrap

from daemon.edge.routeros.endpoint import Endpoint, check_pin, ssl_context
from daemon.edge.routeros.errors import CertificateRefused, LoginRefused, TrapError, Unreachable
from daemon.plan import menus
from daemon.plan.change import Finding
from daemon.plan.desired import Desired, Row
from daemon.plan.facts import ServiceFact
from daemon.plan.marks import NOTICE_LIST, SUSPENDED_LIST, parse_mark
from daemon.plan.menus import MENUS, canonical, seconds
from daemon.rules.sentence import Sentence, Word, say

_PASSES = {
    "accept": Sentence(
        "{menu} {chain}: an accept ({comment}) stands ahead of our rule {mark}; the cut may not hold"
    ),
    "fasttrack-connection": Sentence(
        "{menu} {chain}: FastTrack ({comment}) stands ahead of our rule {mark}; the cut may not hold"
    ),
}
Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the router was found to hold at `at`: `ok` when nothing speaks against it.

    `findings` have the kinds not-cut, still-blocked, rule-missing, rule-changed,
    rule-order, rule-ahead, duplicate, queue-missing, queue-limit, notice-missing, way-missing. `proven` are
    the ids of services whose every row was found as it should be.
    """

    at: datetime
    ok: bool
    findings: tuple[Finding, ...]
    proven: frozenset[int] = frozenset()


def prove(endpoint: Endpoint, desired: Desired, now: datetime) -> Proof:
    """Read back what `desired` (of the same moment) wants and say what is not so.

    Raises Unreachable, LoginRefused, CertificateRefused, TrapError, as the driver does.
    """
    rows = _read(endpoint, [path for path in MENUS if path in desired.menus or path == menus.ADDRESS_LIST])
    found: list[Finding] = []
    wrong: set[int] = set()
    for finding, service in _judge(desired, rows):
        found.append(finding)
        if service is not None:
            wrong.add(service)
    services = {row.service_id for row in desired.rows if row.service_id is not None}
    return Proof(now, not found, tuple(found), frozenset(services - wrong))


Verdict = tuple[Finding, int | None]


def _finding(kind: str, said: Sentence, mark: str, service: int | None = None) -> Verdict:
    return Finding(kind, said, mark), service


def _judge(desired: Desired, rows: Mapping[str, list[Fields]]) -> Iterator[Verdict]:
    for path in MENUS:
        wanted, seen = desired.of(path), rows.get(path, [])
        if MENUS[path].style == "chain":
            yield from _rules(path, wanted, seen)
        elif MENUS[path].style == "entries":
            yield from _lists(wanted, seen, desired.owners)
        elif path == menus.QUEUES:
            yield from _queues(wanted, seen)
        else:
            yield from _ways(path, wanted, seen)
        yield from _doubles(path, seen)


def _enabled(row: Fields) -> bool:
    return canonical(menus.QUEUES, "disabled", row.get("disabled")) == "no"


def _lists(
    wanted: Sequence[Row], seen: Sequence[Fields], owners: Mapping[str, ServiceFact]
) -> Iterator[Verdict]:
    """Who should be cut is, who is not suspended is not, whoever made the row."""
    listed: dict[str, dict[str, Fields]] = {}
    for entry in seen:
        if _enabled(entry):
            listed.setdefault(entry.get("list", ""), {})[menus.address(entry.get("address", ""))] = entry
    cut = listed.get(SUSPENDED_LIST, {})
    for row in wanted:
        place = row.fields["address"]
        there = listed.get(row.fields["list"], {}).get(menus.address(place))
        if there is not None and not ("timeout" in there and row.kind == "cut"):
            continue
        if row.kind == "cut":
            if there is None:
                said = say(
                    "{why}; should be cut but is not: the entry of {address} is not in force",
                    why=row.why,
                    address=place,
                )
            else:
                said = say(
                    "{why}; should be cut but is not: the entry of {address} would end by itself",
                    why=row.why,
                    address=place,
                )
            yield _finding("not-cut", said, row.mark, row.service_id)
        elif row.kind == "notice" and (seconds(row.fields["timeout"]) or 0) > 60:
            said = say("{why}; but {address} is not steered", why=row.why, address=place)
            yield _finding("notice-missing", said, row.mark, row.service_id)
        elif row.kind == "allowed":
            said = say("{why}, but the router has no such entry", why=row.why)
            yield _finding("way-missing", said, row.mark)
    for place, entry in cut.items():
        owner = owners.get(place)
        if owner is not None and not owner.suspended:
            ours = parse_mark(entry.get("comment")) is not None
            if ours:
                said = say(
                    "{client} is paid but still blocked at {address}: our own entry is still there",
                    client=owner.client,
                    address=place,
                )
            else:
                said = say(
                    "{client} is paid but still blocked at {address} by a row that is not ours ({comment}); remove "
                    "it on the router",
                    client=owner.client,
                    address=place,
                    comment=repr(entry.get("comment", "")),
                )
            yield _finding("still-blocked", said, f"pregonero:suspended:{owner.service_id}", owner.service_id)


def _rules(path: str, wanted: Sequence[Row], seen: Sequence[Fields]) -> Iterator[Verdict]:
    """Our rules are there, as they should be, in their order, and nothing that lets packets through is
    ahead.
    """
    for chain in dict.fromkeys(row.fields["chain"] for row in wanted):
        rules = [row for row in wanted if row.fields["chain"] == chain]
        order = [row for row in seen if row.get("chain") == chain and _enabled(row)]
        places = {row.get("comment", ""): index for index, row in reversed(list(enumerate(order)))}
        last = -1
        for rule in rules:
            place = places.get(rule.mark)
            if place is None:
                said = say(
                    "{menu} {chain}: the rule {mark} is missing or disabled ({why})",
                    menu=path,
                    chain=chain,
                    mark=rule.mark,
                    why=rule.why,
                )
                yield _finding("rule-missing", said, rule.mark)
                continue
            changed = [
                column
                for column in MENUS[path].columns
                if column != "log-prefix"
                and canonical(path, column, order[place].get(column))
                != canonical(path, column, rule.fields.get(column))
            ]
            if changed:
                said = say(
                    "{menu} {chain}: the rule {mark} was changed in {columns}",
                    menu=path,
                    chain=chain,
                    mark=rule.mark,
                    columns=", ".join(changed),
                )
                yield _finding("rule-changed", said, rule.mark)
            if place < last:
                said = say(
                    "{menu} {chain}: the rule {mark} stands above one that must precede it",
                    menu=path,
                    chain=chain,
                    mark=rule.mark,
                )
                yield _finding("rule-order", said, rule.mark)
            last = max(last, place)
        ours = {rule.mark for rule in rules}
        for index, row in enumerate(order[: last + 1]):
            action = row.get("action", "accept")
            if row.get("comment", "") not in ours and action in _PASSES:
                below = next(rule.mark for rule in rules if places.get(rule.mark, -1) > index)
                comment = row.get("comment") or Sentence("no comment")
                gaps: dict[str, Word] = {"menu": path, "chain": chain, "comment": comment, "mark": below}
                yield _finding("rule-ahead", Sentence(_PASSES[action].text, gaps), below)


def _queues(wanted: Sequence[Row], seen: Sequence[Fields]) -> Iterator[Verdict]:
    """Each service's queue is there, enabled, for its address, with its speed."""
    queues = {row.get("comment", ""): row for row in reversed(seen)}
    for row in wanted:
        there = queues.get(row.mark)
        if there is None or not _enabled(there):
            said = say("{why}, but the queue is missing or disabled", why=row.why)
            yield _finding("queue-missing", said, row.mark, row.service_id)
            continue
        for column in ("target", "max-limit"):
            value, right = canonical(row.menu, column, there.get(column)), row.fields[column]
            if value != canonical(row.menu, column, right):
                said = say(
                    "{why}, but the router has {column} {value}",
                    why=row.why,
                    column=column,
                    value=value or "",
                )
                yield _finding("queue-limit", said, row.mark, row.service_id)


def _ways(path: str, wanted: Sequence[Row], seen: Sequence[Fields]) -> Iterator[Verdict]:
    """The table and the route to the box."""
    for row in wanted:
        there = next((each for each in seen if each.get("comment") == row.mark), None)
        if there is None or any(
            canonical(path, column, there.get(column)) != canonical(path, column, value)
            for column, value in row.fields.items()
        ):
            said = say("{why}, but {menu} on the router does not say so", why=row.why, menu=path)
            yield _finding("way-missing", said, row.mark)


def _doubles(path: str, seen: Sequence[Fields]) -> Iterator[Verdict]:
    counted: dict[str, int] = {}
    for row in seen:
        comment = row.get("comment", "")
        if parse_mark(comment) is not None:
            counted[comment] = counted.get(comment, 0) + 1
    for mark, count in counted.items():
        if count > 1:
            said = say("{menu}: {mark} is there {count} times", menu=path, mark=mark, count=count)
            yield _finding("duplicate", said, mark)


def _read(endpoint: Endpoint, paths: Sequence[str]) -> dict[str, list[Fields]]:
    try:
        api = librouteros.connect(
            endpoint.host,
            # UTF-8, as our own voice sends it, through the eye of latin-1
            endpoint.user.encode().decode("latin-1"),
            endpoint.password.encode().decode("latin-1"),
            port=endpoint.port,
            timeout=endpoint.patience,
            encoding="latin-1",  # its other choices drop the bytes that they do not know
            **({"ssl_wrapper": _wrapper(endpoint)} if endpoint.tls else {}),
        )
    except TheirTrap as error:
        raise LoginRefused(f"{endpoint}: the router refuses user {endpoint.user!r}: {error}") from error
    except (LibRouterosError, OSError, ValueError, TypeError) as error:
        raise Unreachable(f"{endpoint}: no second connection ({error})") from error
    # Its time-outs are of one sentence each: a reply without end is ended by closing under it.
    watch = threading.Timer(2 * endpoint.patience, api.close)
    watch.daemon = True
    watch.start()
    try:
        return {path: list(_print(api, path)) for path in paths}
    except TheirTrap as error:
        raise TrapError("print", str(error)) from error
    except (LibRouterosError, OSError, ValueError, TypeError) as error:
        raise Unreachable(f"{endpoint}: reading back broke off ({error})") from error
    finally:
        watch.cancel()
        api.close()


def _print(api: librouteros.Api, path: str) -> Iterator[Fields]:
    words = [f"=.proplist={MENUS[path].proplist}"]
    if path == menus.ROUTES:
        words.append("?comment=pregonero:route:main")
    elif MENUS[path].style == "entries":
        words += [f"?list={SUSPENDED_LIST}", f"?list={NOTICE_LIST}", "?list=pregonero-allowed", "?#|", "?#|"]
    for row in api.rawCmd(f"{path}/print", *words):
        yield {column: _text(value) for column, value in row.items()}


def _text(value: object) -> str:
    """A value as the router printed it: librouteros makes booleans and numbers of words, and latin-1 of
    bytes.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _wrapper(endpoint: Endpoint) -> Callable[[socket.socket], socket.socket]:
    context = ssl_context(endpoint)
    assert context is not None

    def wrap(plain: socket.socket) -> socket.socket:
        try:
            secured = context.wrap_socket(plain, server_hostname=endpoint.host)
            plain = secured
            check_pin(endpoint, secured.getpeercert(binary_form=True))
        except ssl.SSLCertVerificationError as error:
            plain.close()
            raise CertificateRefused(f"{endpoint}: {error.verify_message}; pin the certificate") from error
        except (OSError, CertificateRefused):
            plain.close()
            raise
        return secured

    return wrap

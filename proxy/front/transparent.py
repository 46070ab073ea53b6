"""A connection that TPROXY brought: its own address is the one the subscriber meant.

It is judged once, at its first request. Whatever is not a plain page view of a subscriber with a showable notice
is spliced to where it was going, with every byte that was read.
"""

import asyncio
import socket
from contextlib import suppress

from daemon.board import Notice, Suspended
from proxy.front import cut
from proxy.front.desk import Desk
from proxy.front.destination import connect, is_inside
from proxy.front.page import Candidate, Marker
from proxy.front.splice import splice
from proxy.front.stream import Stream, first_to_speak
from proxy.judge.head import Odd, Request, end_of_head, may_be_request, read_request
from proxy.judge.request import is_page_view, site_of

FIRST_WORD = 2.0
"""Seconds that a client may be silent before the server is given the word."""

HEAD_PATIENCE = 3.0
"""Seconds that a request head may take before it passes unread."""


async def serve(desk: Desk, client: Stream, subscriber: tuple[str, int], origin: tuple[str, int]) -> None:
    """Serve one connection; `subscriber` and `origin` are its two ends, IPv4-mapped addresses unwrapped."""
    entry = desk.suspended(subscriber[0])
    if entry is not None:
        await serve_cut(client, entry)
        return
    family = socket.AF_INET6 if ":" in origin[0] else socket.AF_INET
    try:
        server = await connect(family, origin)
    except (OSError, TimeoutError):
        client.reset()
        return
    try:
        await _informed(desk, client, server, subscriber, origin)
    finally:
        server.close()


async def _informed(
    desk: Desk, client: Stream, server: Stream, subscriber: tuple[str, int], origin: tuple[str, int]
) -> None:
    notice = desk.notice(subscriber[0])
    if notice is None or is_inside(origin[0], desk.allowed):
        await splice(client, server)
        return
    request = await read_plain_get(client, server)
    candidate = None if request is None else _candidate(desk, notice, request, client, subscriber, origin)
    if candidate is None:
        await splice(client, server, to_b=client.take(), to_a=server.take())
        return
    marker = Marker(desk, candidate, client, server)
    await server.send(await marker.ask())
    client.take()
    if not await marker.answer():
        await splice(client, server, to_b=client.take(), to_a=server.take())


async def read_plain_get(client: Stream, server: Stream) -> Request | None:
    """The request, where exactly one whole plain GET head comes first and in time. What was read stays buffered."""
    deadline = asyncio.get_running_loop().time() + HEAD_PATIENCE
    if not client.buffer and await first_to_speak(client, server, FIRST_WORD) is not client:
        return None
    with suppress(Odd, TimeoutError):
        while b"GET ".startswith(bytes(client.buffer[:4])):
            end = end_of_head(client.buffer)
            if end is not None:
                return read_request(bytes(client.buffer)) if end == len(client.buffer) else None
            if not await client.fill(max(0.01, deadline - asyncio.get_running_loop().time())):
                return None
    return None


def _candidate(
    desk: Desk,
    notice: Notice,
    request: Request,
    client: Stream,
    subscriber: tuple[str, int],
    origin: tuple[str, int],
) -> Candidate | None:
    try:
        if not is_page_view(request):
            return None
        host = site_of(request).host if request.minor or request.all(b"host") else origin[0]
    except Odd:
        return None
    return candidate_of(desk, notice, request, bytes(client.buffer), host, subscriber, origin)


def candidate_of(
    desk: Desk,
    notice: Notice,
    request: Request,
    head: bytes,
    host: str,
    subscriber: tuple[str, int],
    origin: tuple[str, int],
) -> Candidate | None:
    """The candidate that this page view is, or None where its host or its Referer forbids a mark."""
    target = request.target.decode("ascii")
    if not desk.marks(host, target):
        return None
    authority = (request.one(b"host") or host.encode("ascii")).decode("ascii").lower()
    for value in request.all(b"referer"):
        referer = value.decode("latin-1")
        site, _, path = referer.partition("://")[2].partition("/")
        from_elsewhere = not path and site != authority  # such a frame is told the origin only
        if desk.pace.was_marked(subscriber[0], site if from_elsewhere else referer):
            return None  # a frame of the page just marked
    return Candidate(notice, request, head, host, f"http://{authority}{target}", subscriber, origin)


async def serve_cut(client: Stream, entry: Suspended) -> None:
    """Answer a suspended subscriber. Anything but HTTP is closed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HEAD_PATIENCE
    request: Request | None = None
    try:
        while True:
            if client.buffer and not may_be_request(client.buffer):
                client.reset()
                return
            end = end_of_head(client.buffer)
            if end is not None:
                request = read_request(bytes(client.buffer[:end]))
                break
            if not await client.fill(max(0.01, deadline - loop.time())):
                client.close()
                return
    except Odd:
        request = None
    except (TimeoutError, OSError):
        client.reset()
        return
    client.take()
    with suppress(OSError, TimeoutError):
        await client.send(cut.answer(entry, request))
        await client.linger()
    client.close()

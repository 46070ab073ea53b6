"""Explicit mode: a client that knows it speaks to a proxy. The subscriber is the TCP peer.

Requests come in absolute form, one after another, each for a host of its own: so each is routed by itself. The
request line is rewritten to origin form; every other byte goes on as it came. Both messages' framing is followed
(strictly) only to know where they end. Where one is not plain the rest of the connection is spliced to the
origin of that request, as if the client had connected there itself: nothing after it is read as a request here,
so nothing can be smuggled past the front. CONNECT is spliced.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from proxy.front import cut
from proxy.front.desk import Desk
from proxy.front.destination import NoWay, connect_any, is_inside, resolve
from proxy.front.page import HEAD_PATIENCE as RESPONSE_PATIENCE
from proxy.front.page import Candidate, Marker
from proxy.front.splice import splice
from proxy.front.stream import Stream
from proxy.front.transparent import candidate_of
from proxy.judge.framing import Body, request_length, response_length
from proxy.judge.head import (
    Odd,
    Request,
    Response,
    end_of_head,
    read_request,
    read_response,
    split_target,
)
from proxy.judge.request import Site, is_page_view, read_authority

KEEP_ALIVE = 120.0
"""Seconds that a connection may rest between two requests."""

HEAD_PATIENCE = 4.0
"""Seconds that a head under way may take before it passes as it is."""

ANSWER_PATIENCE = 300.0
"""Seconds that an origin may take to its first byte."""

_RETRIED = (b"GET", b"HEAD", b"OPTIONS")


@dataclass
class _Upstream:
    site: Site
    stream: Stream
    address: tuple[str, int]
    used: bool = False


class _Over(Exception):
    """The connection has been served to its end."""


class Explicit:
    """One client connection in explicit mode."""

    def __init__(self, desk: Desk, client: Stream, subscriber: tuple[str, int]) -> None:
        self._desk = desk
        self._client = client
        self._subscriber = subscriber
        self._upstream: _Upstream | None = None

    async def serve(self) -> None:
        """Serve requests until the connection ends."""
        try:
            with suppress(_Over, OSError, TimeoutError):
                while True:
                    await self._one()
        finally:
            if self._upstream is not None:
                self._upstream.stream.close()

    async def _one(self) -> None:
        head = await self._read_head()
        request: Request | None
        try:
            request = read_request(head)
        except Odd:
            request = None
        entry = self._desk.suspended(self._subscriber[0])
        if entry is not None:
            await self._refuse_cut(request, cut.answer(entry, request))
        try:
            before, target, after = split_target(head)
            if before.rstrip(b" \t") == b"CONNECT":
                await self._tunnel(read_authority(target, 443), len(head))
            site, path = _absolute(target)
            if path == b"" and before.startswith(b"OPTIONS"):
                path = b"*"  # RFC 9112 section 3.2.4
            elif not path.startswith(b"/"):
                path = b"/" + path
        except (Odd, ValueError):
            await self._refuse(400, "This proxy takes absolute http:// addresses and CONNECT.")
            return
        plain = before + path + after
        view = None if request is None else Request(request.minor, request.fields, request.method, path)
        await self._route(view, plain, len(head), site)

    async def _read_head(self) -> bytes:
        """The next head, still in the buffer. One that is not plain or not on time is returned as far as it came."""
        client = self._client
        while client.buffer.startswith(b"\r\n"):  # RFC 9112 section 2.2
            client.take(2)
        started = False
        while True:
            if client.buffer and not client.buffer[:1].isalpha():
                await self._refuse(400, "This is no request for a proxy.")
            try:
                end = end_of_head(client.buffer)
            except Odd:
                return bytes(client.buffer)
            if end is not None:
                return bytes(client.buffer[:end])
            line, line_end, _ = bytes(client.buffer).partition(b"\r\n")
            if line_end and b" HTTP/" not in line:
                return bytes(client.buffer)  # as old as HTTP/0.9: nothing may follow
            try:
                more = await client.fill(HEAD_PATIENCE if started else KEEP_ALIVE)
            except TimeoutError:
                more = False
            if not more:
                if line_end:
                    return bytes(client.buffer)
                raise _Over
            started = True

    async def _refuse(self, status: int, text: str) -> None:
        reasons = {400: "Bad Request", 403: "Forbidden", 502: "Bad Gateway"}
        body = text.encode("ascii") + b"\n"
        await self._say(
            f"HTTP/1.1 {status} {reasons[status]}\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii")
            + body
        )

    async def _refuse_cut(self, request: Request | None, page: bytes) -> None:
        if request is not None and request.method == b"CONNECT":
            await self._refuse(403, "The service of this line is suspended.")
        await self._say(page)

    async def _say(self, data: bytes) -> None:
        self._client.take()
        await self._client.send(data)
        await self._client.linger()
        raise _Over

    async def _open(self, site: Site) -> _Upstream:
        old, self._upstream = self._upstream, None
        if old is not None:
            if old.site == site and not old.stream.is_stale():
                self._upstream = old
                return old
            old.stream.close()
        try:
            places = await resolve(site.host, site.port, self._desk.allowed)
            stream = await connect_any(places)
        except NoWay as error:
            await self._refuse(error.status, str(error))
        peer = stream.sock.getpeername()
        self._upstream = _Upstream(site, stream, (str(peer[0]), int(peer[1])))
        return self._upstream

    async def _tunnel(self, site: Site, head: int) -> None:
        upstream = await self._open(site)
        self._client.take(head)
        await self._client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await splice(self._client, upstream.stream, to_b=self._client.take())
        raise _Over

    async def _route(self, request: Request | None, plain: bytes, taken: int, site: Site) -> None:
        upstream = await self._open(site)
        length = None
        if request is not None:
            with suppress(Odd):
                length = request_length(request)
        if request is None or length is None or request.all(b"upgrade"):
            self._client.take(taken)
            await splice(self._client, upstream.stream, to_b=plain + self._client.take())
            raise _Over
        candidate = self._candidate(request, plain, taken, site, upstream)
        marker = None
        if candidate is not None:
            marker = Marker(self._desk, candidate, self._client, upstream.stream)
            plain = await marker.ask()
        self._client.take(taken)
        await self._send_head(upstream, plain)
        if not await self._answered(request, length):
            if not upstream.used or request.method not in _RETRIED or length:
                await self._hang_up()
            upstream = await self._again(site)  # a kept connection that the origin had closed
            if marker is not None:
                marker.origin = upstream.stream
            await self._send_head(upstream, plain)
        if marker is not None and await marker.answer():
            raise _Over
        await self._relay(request, length, upstream)

    async def _send_head(self, upstream: _Upstream, plain: bytes) -> None:
        with suppress(OSError):  # a connection that broke is seen when its answer is read
            await upstream.stream.send(plain)

    async def _answered(self, request: Request, length: int) -> bool:
        """Whether the first byte of an answer came. A request with a body does not wait for it here."""
        assert self._upstream is not None
        stream = self._upstream.stream
        if length or request.all(b"expect"):
            return True
        try:
            return bool(stream.buffer) or await stream.fill(ANSWER_PATIENCE)
        except OSError:
            return False

    async def _again(self, site: Site) -> _Upstream:
        if self._upstream is not None:
            self._upstream.stream.close()
            self._upstream = None
        return await self._open(site)

    async def _hang_up(self) -> None:
        """The origin went away without an answer: so does the connection, as it would without a proxy."""
        self._client.reset()
        raise _Over

    def _candidate(
        self, request: Request, plain: bytes, taken: int, site: Site, upstream: _Upstream
    ) -> Candidate | None:
        notice = self._desk.notice(self._subscriber[0])
        if (
            notice is None
            or len(self._client.buffer) != taken
            or is_inside(upstream.address[0], self._desk.allowed)
        ):
            return None
        try:
            if not is_page_view(request):
                return None
            return candidate_of(
                self._desk, notice, request, plain, site.host, self._subscriber, upstream.address
            )
        except Odd:
            return None

    async def _relay(self, request: Request, length: int, upstream: _Upstream) -> None:
        """Pass the request's body and the response, each to its end; raise _Over unless another may follow."""
        sending: asyncio.Future[bool]
        if length:
            sending = asyncio.ensure_future(self._send_body(length, upstream.stream))
        else:
            sending = asyncio.get_running_loop().create_future()
            sending.set_result(True)
        try:
            lasting = await self._pass_response(request, upstream.stream)
        except Odd:
            await _stopped(sending)
            rest = upstream.stream.unsent_rest + self._client.take()
            await splice(self._client, upstream.stream, to_b=rest, to_a=upstream.stream.take())
            raise _Over from None
        finally:
            await _stopped(sending)
        lasting = lasting and not sending.cancelled() and sending.exception() is None and sending.result()
        upstream.used = True
        if not lasting or b"close" in request.words(b"connection") + request.words(b"proxy-connection"):
            await self._client.linger()
            raise _Over
        if request.minor == 0 and b"keep-alive" not in (
            request.words(b"connection") + request.words(b"proxy-connection")
        ):
            await self._client.linger()
            raise _Over

    async def _send_body(self, length: int, origin: Stream) -> bool:
        """Pass the request's body; False where the client ended before it was whole."""
        body, client = Body(length), self._client
        while not body.done:
            taken = body.feed(client.buffer)
            if taken:
                await origin.send(client.take(taken))
            elif not await client.fill():
                origin.end()
                return False
        return True

    async def _pass_response(self, request: Request, origin: Stream) -> bool:
        """Pass one response (and the interim ones before it); whether both connections may go on.

        Raises Odd where the rest must be spliced; what was not passed is in the origin's buffer.
        """
        client = self._client
        while True:
            response = await self._response_head(origin)
            length = response_length(response, request.method)
            if response.status == 101 or (length == -1 and request.minor == 0):
                raise Odd("odd-response")
            end = end_of_head(origin.buffer) or 0
            if response.status >= 200:
                break
            await client.send(origin.take(end))
        body = Body(length)
        start = body.feed(origin.buffer[end:])
        await client.send(origin.take(end + start))
        while not body.done:
            taken = body.feed(origin.buffer)
            if taken:
                await client.send(origin.take(taken))
            elif not await origin.fill():
                await client.send(origin.take())
                if not body.eof():
                    await client.linger(0.2)
                    raise _Over
                return False
        tokens = response.words(b"connection")
        return b"close" not in tokens and (response.minor == 1 or b"keep-alive" in tokens)

    async def _response_head(self, origin: Stream) -> Response:
        while True:
            end = end_of_head(origin.buffer)
            if end is not None:
                return read_response(bytes(origin.buffer[:end]))
            if len(origin.buffer) >= 5 and not origin.buffer.startswith(b"HTTP/"):
                raise Odd("odd-status-line")
            try:
                more = await origin.fill(RESPONSE_PATIENCE if origin.buffer else ANSWER_PATIENCE)
            except TimeoutError:
                more = False
            if not more:
                raise Odd("no-head")


async def _stopped(task: "asyncio.Future[bool]") -> None:
    """Let a task that is not done give up, and wait until it has."""
    if not task.done():
        task.cancel()
    await asyncio.wait((task,))


def _absolute(target: bytes) -> tuple[Site, bytes]:
    """An absolute http target as its site and what follows it. Raises Odd."""
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() != b"http":
        raise Odd("odd-target")
    cut_at = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:cut_at], rest[cut_at:]
    site = read_authority(authority.rpartition(b"@")[2])
    return site, path

"""A page view that may be marked: ask the origin through mitmproxy's layers, judge the answer, append.

Until the first byte has gone to the client nothing is decided: whatever is found, the response can still pass as
it came, since its raw bytes are kept in the origin's buffer.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daemon.board import Notice
from proxy.front.desk import Desk, element_name
from proxy.front.splice import splice
from proxy.front.stream import Stream
from proxy.judge.framing import Body
from proxy.judge.head import Odd, Request, end_of_head, read_response
from proxy.judge.request import accepted_codings
from proxy.judge.response import SNIFF, Page, page_obstacle, read_page, unframed
from proxy.judge.tail import TailScanner
from proxy.mark import Rejected
from proxy.mark.coding import BadStream, Coding, Gzip, Plain, peek
from proxy.mark.notice import Refused, banner

if TYPE_CHECKING:
    from proxy.mark.exchange import Exchange

SNIFF_PATIENCE = 0.5
"""Seconds that the first bytes of a body are held back because they do not tell yet whether it is a page."""

IDLE = 300.0
"""Seconds without a byte of the origin after which a page under way is given up."""

ANSWER_PATIENCE = 30.0
"""Seconds after which a silent origin's answer is no longer waited for here, but passed when it comes."""

HEAD_PATIENCE = 1.5
"""Seconds that a response head under way may take before it passes unread."""

FLUSHED = 20.0
"""Seconds that the last byte may take to the subscriber for the notice to count as shown."""


@dataclass
class Candidate:
    """A request that may be answered with a marked page."""

    notice: Notice
    request: Request
    head: bytes
    host: str
    url: str
    client: tuple[str, int]
    origin: tuple[str, int]


@dataclass
class _Ending:
    """Decides, at the clean end of a body, what is appended; remembers what came of it."""

    desk: Desk
    notice: Notice
    scanner: TailScanner = field(default_factory=TailScanner)
    coding: Coding | None = None
    appended: bool = False
    reason: str = ""

    def stream(self, data: bytes) -> list[bytes]:
        assert self.coding is not None
        if data:
            return self.coding.feed(data)
        extra = b""
        if not self.coding.whole():
            self.reason = "truncated"
        elif not self.desk.still(self.notice):
            self.reason = "withdrawn"
        else:
            try:
                extra = banner(self.notice, self.scanner.tail(), element_name())
            except Refused as error:
                self.reason = str(error)
        if self.reason == "truncated":
            raise BadStream("truncated")
        self.appended = bool(extra)
        return self.coding.finish(extra)


class Marker:
    """Carries one candidate through. After `ask`, `answer` says whether the client has been served whole."""

    def __init__(self, desk: Desk, candidate: Candidate, client: Stream, origin: Stream) -> None:
        self._desk = desk
        self._candidate = candidate
        self._client = client
        self.origin = origin
        self._ending = _Ending(desk, candidate.notice)
        self._exchange: Exchange | None = None

    async def ask(self) -> bytes:
        """The request head to send to the origin: as the layers make it, or as it came where they refuse it."""
        candidate = self._candidate
        exchange = await self._desk.exchange(candidate.client, candidate.origin, self._ending.stream)
        try:
            head = exchange.request(candidate.head, accepted_codings(candidate.request))
        except Rejected:
            self._desk.passed(candidate.notice, "rejected-request")
            return candidate.head
        self._exchange = exchange
        return head

    async def answer(self) -> bool:
        """Judge the response and, where it is a page, send it marked and close.

        False: nothing was sent, the response is in the origin's buffer as it came. True: the client has got its
        answer and the connection is over.
        """
        if self._exchange is None:
            return False
        candidate, desk = self._candidate, self._desk
        try:
            page = await self._read_head()
            if isinstance(page, str):
                if page in ("interim", "trailers"):
                    desk.surprise(candidate.notice, page, candidate.host)
                elif page:
                    desk.passed(candidate.notice, page)
                return False
            obstacle = await self._sniff(page)
        except Odd as error:
            desk.surprise(candidate.notice, str(error), candidate.host)
            return False
        if obstacle:
            desk.passed(candidate.notice, obstacle)
            return False
        if not desk.pace.claim(candidate.notice.id, candidate.notice.address):
            desk.passed(candidate.notice, "just-shown")
            return False
        try:
            return await self._mark(page)
        finally:
            if not self._ending.appended:
                desk.pace.give_back(candidate.notice.id, candidate.notice.address)

    async def _fill(self, patience: float) -> bool:
        try:
            return await self.origin.fill(patience)
        except (TimeoutError, OSError):
            return False

    async def _read_head(self) -> Page | str:
        origin = self.origin
        while True:
            end = end_of_head(origin.buffer)
            if end is not None:
                self._head = end
                response = read_response(bytes(origin.buffer[:end]))
                return read_page(response, self._candidate.request.minor == 0)
            if len(origin.buffer) >= 5 and not origin.buffer.startswith(b"HTTP/"):
                raise Odd("odd-status-line")
            if not await self._fill(HEAD_PATIENCE if origin.buffer else ANSWER_PATIENCE):
                return "no-answer"

    async def _sniff(self, page: Page) -> str:
        loop = asyncio.get_running_loop()
        deadline: float | None = None
        while True:
            start, whole = self._body_start(page)
            if start or whole:
                deadline = deadline or loop.time() + SNIFF_PATIENCE
                obstacle = page_obstacle(start, whole or loop.time() >= deadline)
                if obstacle is not None:
                    return obstacle
            patience = HEAD_PATIENCE if deadline is None else max(0.01, deadline - loop.time())
            if self.origin.ended:
                return "empty"
            if not await self._fill(patience) and deadline is None and not self.origin.ended:
                return "no-answer"

    def _body_start(self, page: Page) -> tuple[bytes, bool]:
        """The first decoded bytes that have come, and whether they are all there are."""
        body = Body(page.length)
        raw = bytes(self.origin.buffer[self._head : self._head + 4 * SNIFF])
        taken = body.feed(raw)
        if body.trailers:
            raise Odd("trailers")
        data = raw[:taken] if page.length != -1 else _chunk_data(raw[:taken])
        whole = body.done or (self.origin.ended and unframed(page))
        if self.origin.ended and not whole and len(self.origin.buffer) <= self._head + 4 * SNIFF:
            raise Odd("truncated")
        if page.gzip and data:
            try:
                data = peek(data, SNIFF)
            except BadStream as error:
                raise Odd("odd-gzip") from error
        return data, whole

    async def _mark(self, page: Page) -> bool:
        candidate, desk, client, origin = self._candidate, self._desk, self._client, self.origin
        exchange, ending = self._exchange, self._ending
        assert exchange is not None
        ending.coding = Gzip(ending.scanner) if page.gzip else Plain(ending.scanner)
        head = bytes(origin.buffer[: self._head])
        try:
            out = exchange.response(head)
        except Rejected:
            desk.surprise(candidate.notice, "rejected-response", candidate.host)
            return False
        origin.take(len(head))
        for place in (candidate.url, candidate.url.partition("://")[2].partition("/")[0]):
            desk.pace.marked(candidate.notice.address, place)
        body = Body(page.length)
        try:
            whole = await self._pass_body(body, out)
        except (Odd, BadStream, Rejected) as error:
            desk.surprise(candidate.notice, str(error), candidate.host)
            if isinstance(error, Odd) and not page.gzip:
                # Our framing stands where the origin's does: the odd rest passes as it comes.
                await splice(client, origin, to_a=origin.take())
                return True
            whole = False
        except (OSError, TimeoutError):
            desk.passed(candidate.notice, "broken-off")
            whole = False
        if whole:
            await self._close()
        else:
            await self._break_off()
        return True

    async def _pass_body(self, body: Body, out: bytes) -> bool:
        """Stream the body; False where it ended short."""
        candidate, client, origin = self._candidate, self._client, self.origin
        exchange = self._exchange
        assert exchange is not None
        while True:
            try:
                taken = body.feed(origin.buffer)
            except Odd:
                await client.send(out + exchange.response(origin.take(body.clean)))
                raise
            data = origin.take(taken)
            if body.trailers:
                self._desk.surprise(candidate.notice, "trailers", candidate.host)
                self._ending.reason = "trailers"
                await client.send(out + self._with_trailers(data, body.trailers))
                return True
            if data:
                out += exchange.response(data)
            if out:
                await client.send(out)
                out = b""
            if body.done:
                return True
            if not taken or not origin.buffer:
                if await origin.fill(IDLE):
                    continue
                if not body.eof():
                    self._desk.surprise(candidate.notice, "truncated", candidate.host)
                    return False
                await client.send(exchange.eof())
                return True

    def _with_trailers(self, data: bytes, trailers: bytes) -> bytes:
        """The last piece of a body with trailers: the layers cannot read those, so they get a plain end.

        The page stays unmarked; its trailers go on where the client's framing has room for them.
        """
        assert self._exchange is not None
        self._ending.coding = _Unmarked(self._ending.coding)
        plain = data[: len(data) - len(trailers) - 2] + b"\r\n"
        out = self._exchange.response(plain)
        return out.removesuffix(b"\r\n") + trailers + b"\r\n" if out.endswith(b"0\r\n\r\n") else out

    async def _break_off(self) -> None:
        client = self._client
        await client.delivered(5.0)
        if self._candidate.request.minor == 0:
            client.reset()  # without chunks an orderly end would say that the page is whole
        else:
            await client.linger(0.5)
            client.close()
        self.origin.close()

    async def _close(self) -> None:
        candidate, desk, ending = self._candidate, self._desk, self._ending
        self.origin.close()
        self._client.end()
        arrived = await self._client.delivered(FLUSHED)
        if ending.appended and arrived:
            desk.events.tell("shown", id=candidate.notice.id, address=candidate.notice.address)
        elif ending.reason and ending.reason != "trailers":
            desk.passed(candidate.notice, ending.reason)
        await self._client.linger()
        self._client.close()


class _Unmarked:
    """A coding that ends without the notice."""

    def __init__(self, coding: Coding | None) -> None:
        assert coding is not None
        self._coding = coding

    def feed(self, data: bytes) -> list[bytes]:
        return self._coding.feed(data)

    def whole(self) -> bool:
        return self._coding.whole()

    def finish(self, extra: bytes) -> list[bytes]:
        return self._coding.finish(b"")


def _chunk_data(raw: bytes) -> bytes:
    """The data of chunks that have been read well (the last one may be cut)."""
    out, at = [], 0
    while at < len(raw):
        end = raw.find(b"\r\n", at)
        if end < 0:
            break
        size = int(raw[at:end].partition(b";")[0], 16)
        out.append(raw[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(out)

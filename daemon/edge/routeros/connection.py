"""One API session: commands go out tagged, several at a time, and each reply finds its command by its tag.

Every command has a deadline. A reply that is late, has an unknown tag or is no reply at all ends the
connection: what would come after it could belong to any command.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from daemon.edge.routeros.codec import SentenceReader, decode_word, encode
from daemon.edge.routeros.endpoint import Endpoint, check_pin, ssl_context
from daemon.edge.routeros.errors import (
    CertificateRefused,
    DeadlineExceeded,
    EdgeError,
    LoginRefused,
    ProtocolError,
    TrapError,
    Unreachable,
)
from daemon.edge.routeros.window import Window

#: A reply of more rows or bytes than this is a flood: no menu of ours comes near.
MAX_ROWS = 300_000
MAX_REPLY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trap:
    """A refusal: the router's words and its category (0 missing item … 7), None where it gave none."""

    text: str
    category: int | None = None


@dataclass(slots=True)
class Reply:
    """All that came back for one command: rows in order, the `ret` of `!done`, the first trap."""

    rows: list[dict[str, str]] = field(default_factory=list)
    ret: str | None = None
    trap: Trap | None = None

    def good(self, command: str) -> Reply:
        """Itself, or TrapError naming the command."""
        if self.trap is not None:
            raise TrapError(command, self.trap.text, self.trap.category)
        return self


@dataclass(slots=True)
class _Pending:
    """A command that waits for its `!done`."""

    command: str
    due: float
    sent: float
    future: asyncio.Future[Reply]
    reply: Reply = field(default_factory=Reply)
    size: int = 0


class Connection(asyncio.Protocol):
    """An open session; make one with `connect`. One task or many may call at once."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._name = name
        self._loop = loop
        self._reader = SentenceReader(replies=True)
        self._pending: dict[str, _Pending] = {}
        self._tag = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fault: EdgeError | None = None
        self._gone: asyncio.Future[None] = loop.create_future()
        self.window = Window()

    # -- what callers use

    @property
    def closed(self) -> bool:
        """Whether the session is over."""
        return self._fault is not None

    async def call(self, words: Sequence[str], deadline: float = 10.0) -> Reply:
        """Send one command and wait for all of its reply; a trap is part of the reply.

        Raises Unreachable (with its kinds DeadlineExceeded and ProtocolError); the connection is closed then.
        """
        return await self._send(words, deadline)

    async def call_many(
        self, sentences: Sequence[Sequence[str]], deadline: float = 10.0, stop_on_trap: bool = False
    ) -> list[Reply | None]:
        """Send many commands that do not depend on each other, as many at a time as the router takes well.

        The replies stand in the order of the commands. With `stop_on_trap` nothing more is sent after a
        trap, and what was not sent is None. Raises as `call` does.
        """
        replies: list[Reply | None] = [None] * len(sentences)
        running: dict[asyncio.Future[Reply], int] = {}
        finished: list[asyncio.Future[Reply]] = []
        wake: asyncio.Future[None] = self._loop.create_future()

        def ended(future: asyncio.Future[Reply]) -> None:
            finished.append(future)
            if not wake.done():
                wake.set_result(None)

        stopped = False
        index = 0
        while True:
            while not stopped and index < len(sentences) and len(running) < self.window.size:
                future = self._send(sentences[index], deadline)
                running[future] = index
                future.add_done_callback(ended)
                index += 1
            if not running:
                return replies
            await wake
            wake = self._loop.create_future()
            for future in finished:
                reply = future.result()
                replies[running.pop(future)] = reply
                stopped = stopped or (stop_on_trap and reply.trap is not None)
            finished.clear()

    async def close(self) -> None:
        """End the session and wait until the socket is closed."""
        self._end(Unreachable(f"{self._name}: the connection was closed by us", retry_after=0.0))
        await self._gone

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Cut into sentences and give each to its command."""
        if self._fault is not None:
            return
        try:
            for sentence in self._reader.feed(data):
                self._take(sentence)
        except ProtocolError as error:
            self._end(ProtocolError(f"{self._name}: {error}"))
        except Unreachable as error:
            self._end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        reason = f" ({exc})" if exc else ""
        self._end(Unreachable(f"{self._name}: the router closed the connection{reason}"))
        if not self._gone.done():
            self._gone.set_result(None)

    # -- inside

    def _send(self, words: Sequence[str], deadline: float) -> asyncio.Future[Reply]:
        future: asyncio.Future[Reply] = self._loop.create_future()
        if self._fault is not None or self._transport is None:
            future.set_exception(self._fault or Unreachable(f"{self._name}: not connected"))
            future.exception()
            return future
        self._tag += 1
        tag = str(self._tag)
        now = self._loop.time()
        self._pending[tag] = _Pending(words[0], now + deadline, now, future)
        if self._timer is None or self._timer.when() > now + deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(now + deadline, self._watch)
        self._transport.write(encode((*words, f".tag={tag}")))
        return future

    def _take(self, sentence: list[bytes]) -> None:
        kind = sentence[0]
        if kind == b"!fatal":
            text = " ".join(decode_word(word) for word in sentence[1:] if not word.startswith(b".tag="))
            raise Unreachable(f"{self._name}: the router ended the session: {text or 'no reason given'}")
        tag = None
        fields: dict[str, str] = {}
        size = 0
        for raw in sentence[1:]:
            size += len(raw)
            word = raw.decode("utf-8", "surrogateescape")
            if word[0] == "=":
                key, _, value = word[1:].partition("=")
                fields[key] = value
            elif word.startswith(".tag="):
                tag = word[5:]
        pending = self._pending.get(tag) if tag is not None else None
        if pending is None:
            raise ProtocolError(f"a reply with the tag {tag!r}, which no command has")
        reply = pending.reply
        if kind == b"!re":
            reply.rows.append(fields)
            pending.size += size + 64
            if len(reply.rows) > MAX_ROWS or pending.size > MAX_REPLY:
                raise ProtocolError(f"an endless reply to {pending.command}")
        elif kind == b"!done":
            reply.ret = fields.get("ret")
            del self._pending[tag or ""]
            self.window.answered(self._loop.time() - pending.sent)
            if not pending.future.done():
                pending.future.set_result(reply)
        elif kind == b"!trap":
            if reply.trap is None:
                category = fields.get("category", "")
                text = fields.get("message") or "refused without a word"
                reply.trap = Trap(text, int(category) if category.isdigit() else None)
        elif kind != b"!empty":
            raise ProtocolError(f"a reply that begins with {decode_word(kind)[:40]!r}")

    def _watch(self) -> None:
        """Close at the first deadline that has passed, or look again at the next one."""
        self._timer = None
        if not self._pending:
            return
        first = min(self._pending.values(), key=lambda each: each.due)
        now = self._loop.time()
        if first.due <= now:
            waited = now - first.sent
            self._end(
                DeadlineExceeded(
                    f"{self._name}: no end of the reply to {first.command} within {waited:.1f} s",
                    retry_after=15.0,
                )
            )
        else:
            self._timer = self._loop.call_at(first.due, self._watch)

    def _end(self, fault: EdgeError) -> None:
        """Close once, and tell all who wait."""
        if self._fault is not None:
            return
        self._fault = fault
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        elif not self._gone.done():
            self._gone.set_result(None)
        waiting, self._pending = list(self._pending.values()), {}
        for pending in waiting:
            if not pending.future.done():
                pending.future.set_exception(fault)
                pending.future.exception()  # the first who asks gets it; that others do not ask is no leak


async def connect(endpoint: Endpoint) -> Connection:
    """Open a session and log in.

    Raises Unreachable, LoginRefused, CertificateRefused; leaves no socket behind.
    """
    loop = asyncio.get_running_loop()
    connection: Connection | None = None
    try:
        async with asyncio.timeout(endpoint.deadline):
            _, connection = await loop.create_connection(
                lambda: Connection(str(endpoint), loop),
                endpoint.host,
                endpoint.port,
                ssl=ssl_context(endpoint),
            )
    except TimeoutError as error:
        raise DeadlineExceeded(f"{endpoint}: no connection within {endpoint.deadline:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise CertificateRefused(
            f"{endpoint}: {error.verify_message}; pin the router's certificate"
        ) from error
    except OSError as error:  # ssl.SSLError is one
        raise Unreachable(f"{endpoint}: no connection ({error.strerror or error})") from error
    try:
        transport = connection._transport
        assert transport is not None
        secured = transport.get_extra_info("ssl_object")
        check_pin(endpoint, secured.getpeercert(binary_form=True) if secured else None)
        await _login(connection, endpoint)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _login(connection: Connection, endpoint: Endpoint) -> None:
    """New style first; a router from before 6.43 answers with a challenge and gets the hashed form."""
    reply = await connection.call(
        ["/login", f"=name={endpoint.user}", f"=password={endpoint.password}"], endpoint.deadline
    )
    if reply.trap is None and reply.ret is not None:
        try:
            challenge = bytes.fromhex(reply.ret)
        except ValueError as error:
            raise ProtocolError(f"{endpoint}: a login challenge that is no hex number") from error
        secret = b"\0" + endpoint.password.encode("utf-8", "surrogateescape") + challenge
        digest = hashlib.md5(secret, usedforsecurity=False).hexdigest()
        reply = await connection.call(
            ["/login", f"=name={endpoint.user}", f"=response=00{digest}"], endpoint.deadline
        )
    if reply.trap is not None:
        raise LoginRefused(
            f"{endpoint}: the router refuses user {endpoint.user!r}: {reply.trap.text}. "
            "Correct user or password, or the user's rights on the router."
        )

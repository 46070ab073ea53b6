"""One API connection: login, batches in, tagged replies out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from daemon.edge.practice.api.request import Request, parse
from daemon.edge.practice.api.wire import Decoder, WireError, encode_sentence
from daemon.edge.practice.commands import Reply
from daemon.edge.practice.router import Router
from daemon.edge.practice.rows.lists import date_text
from daemon.edge.practice.schema import trap

READ_SIZE = 1 << 18
BATCH = 2000  # sentences carried out before their replies go out


@dataclass(frozen=True)
class Limits:
    """What a connection may cost: sizes in bytes, times in seconds."""

    word: int = 1 << 20
    sentence: int = 4 << 20
    words: int = 4096
    early_word: int = 1024
    early_sentence: int = 8192
    early_words: int = 32
    early_sentences: int = 16
    login_seconds: float = 30
    idle_seconds: float = 3600
    stalled_seconds: float = 60


class Session:
    """Serves one client until it leaves, breaks the protocol or falls silent."""

    def __init__(
        self,
        router: Router,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        limits: Limits,
        rtt: float,
        transcribe: Callable[[str], None],
    ) -> None:
        self.router = router
        self.reader = reader
        self.writer = writer
        self.limits = limits
        self.rtt = rtt
        self.transcribe = transcribe
        self.user = ""
        self.group = ""
        self._challenge = b""
        self._early = 0
        self._over = False
        self._decoder = Decoder(
            max_word=limits.early_word, max_sentence=limits.early_sentence, max_words=limits.early_words
        )
        self._outgoing: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(maxsize=256)

    @property
    def peer(self) -> str:
        """The client's address."""
        name = self.writer.get_extra_info("peername")
        return str(name[0]) if name else "unknown"

    async def run(self) -> None:
        """Serve; returns when the connection is over. The caller closes the writer."""
        sender = asyncio.create_task(self._send())
        active = ""
        try:
            while not self._over and not sender.done():
                wait = self.limits.idle_seconds if self.user else self.limits.login_seconds
                try:
                    data = await asyncio.wait_for(self.reader.read(READ_SIZE), wait)
                except TimeoutError:
                    break
                if not data:
                    break
                out = self._receive(data)
                if self.user and not active:
                    active = self._enter()
                if out:
                    due = asyncio.get_running_loop().time() + self.rtt
                    await asyncio.wait_for(self._outgoing.put((due, out)), self.limits.stalled_seconds)
            await asyncio.wait_for(self._outgoing.put(None), self.limits.stalled_seconds)
            await sender
        except (ConnectionError, TimeoutError):
            pass
        finally:
            sender.cancel()
            if active:
                self.router.sessions.drop(active)
                self.router.note(
                    "system,info,account", f"user {self.user} logged out from {self.peer} via api"
                )

    def _enter(self) -> str:
        self.router.users.signed_in(self.user)
        self.router.note("system,info,account", f"user {self.user} logged in from {self.peer} via api")
        return self.router.sessions.put(
            {
                "when": date_text(self.router.wall()),
                "name": self.user,
                "address": self.peer,
                "via": "api",
                "group": self.group,
                "radius": "false",
            }
        )

    def _receive(self, data: bytes) -> bytes:
        """Carry out what the bytes complete; the replies' bytes."""
        out = bytearray()
        self._decoder.push(data)
        batch: list[Request] = []
        try:
            while not self._over:
                words = self._decoder.take()
                if words is None:
                    break
                request = parse(words)
                self.transcribe(json.dumps(_concealed(words)))
                if request.command in ("/login", "/quit", "/cancel") or not self.user or len(batch) >= BATCH:
                    out += self._carry_out(batch)
                    batch = []
                if request.command == "/login":
                    out += self._encode([(request, self._login(request))])
                elif request.command == "/quit":
                    out += self._end(request, trap("session-over").message)
                elif not self.user:
                    out += self._end(request, trap("not-logged-in").message)
                elif request.command == "/cancel":
                    # Commands are done at once here, so there is never one left to interrupt.
                    out += self._encode([(request, [["!done"]])])
                else:
                    batch.append(request)
        except WireError as fault:
            out += self._carry_out(batch)
            out += encode_sentence(["!fatal", str(fault)])
            self._over = True
            return bytes(out)
        out += self._carry_out(batch)
        return bytes(out)

    def _end(self, request: Request, reason: str) -> bytes:
        self._over = True
        return encode_sentence(request.tagged(["!fatal", reason]))

    def _carry_out(self, batch: Sequence[Request]) -> bytes:
        if not batch:
            return b""
        return self._encode(list(zip(batch, self.router.batch(batch, self.group), strict=True)))

    def _encode(self, answers: Sequence[tuple[Request, Reply]]) -> bytes:
        """Replies in bytes. Neighbours that both have a tag are shuffled together, as routers do: a client
        that does not go by tags has to notice here."""
        out = bytearray()
        group: dict[str, tuple[Request, Reply]] = {}
        for request, reply in answers:
            if not request.tag or request.tag in group:
                out += self._together(list(group.values()))
                group = {}
            group[request.tag] = (request, reply)
            if not request.tag:
                out += self._together(list(group.values()))
                group = {}
        out += self._together(list(group.values()))
        return bytes(out)

    def _together(self, group: Sequence[tuple[Request, Reply]]) -> bytes:
        out = bytearray()
        columns = [
            [encode_sentence(request.tagged(sentence)) for sentence in reply] for request, reply in group
        ]
        if len(columns) == 1:
            return b"".join(columns[0])
        for row in zip_longest(*columns):
            for sentence in row:
                if sentence is not None:
                    out += sentence
        return bytes(out)

    def _login(self, request: Request) -> Reply:
        attributes = request.attributes
        self._early += 1
        if self._early > self.limits.early_sentences:
            self._over = True
            return [["!fatal", "too many login attempts"]]
        if "name" not in attributes:
            self._challenge = secrets.token_bytes(16)
            return [["!done", f"=ret={self._challenge.hex()}"]]
        account = self.router.users.account(attributes["name"])
        old = "response" in attributes
        if account is None or not self._proves(attributes, account[0], old):
            refused = trap("bad-login-old" if old else "bad-login")
            self.router.note(
                "system,error,critical",
                f"login failure for user {attributes['name']} from {self.peer} via api",
            )
            return [refused.words(), ["!done"]]
        if "api" not in self.router.rights(account[1]):
            return [trap("no-rights").words(), ["!done"]]
        self.user, self.group = attributes["name"], account[1]
        self._decoder.max_word = self.limits.word
        self._decoder.max_sentence = self.limits.sentence
        self._decoder.max_words = self.limits.words
        return [["!done"]]

    def _proves(self, attributes: Mapping[str, str], password: str, old: bool) -> bool:
        secret = password.encode("utf-8", "surrogateescape")
        if not old:
            given = attributes.get("password", "").encode("utf-8", "surrogateescape")
            return hmac.compare_digest(given, secret)
        challenge, self._challenge = self._challenge, b""
        if not challenge:
            return False
        wanted = "00" + hashlib.md5(b"\0" + secret + challenge, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(attributes["response"].encode("utf-8", "surrogateescape"), wanted.encode())

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            item = await self._outgoing.get()
            if item is None:
                return
            due, data = item
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            self.writer.write(data)
            try:
                await asyncio.wait_for(self.writer.drain(), self.limits.stalled_seconds)
            except (ConnectionError, TimeoutError):
                self.writer.transport.abort()
                return


def may_enter(router: Router, peer: str) -> bool:
    """Whether /ip/service lets this client address use the API now."""
    services = router.menu("/ip/service")
    item = services.find("api")
    if item is None:
        return True
    row = services.row(item)
    if row["disabled"] == "true" or len(router.sessions.entries) >= int(row.get("max-sessions", "20")):
        return False
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return True
    allowed = [part for part in row.get("address", "").split(",") if part]
    return not allowed or any(address in ipaddress.ip_network(part) for part in allowed)


def _concealed(words: Sequence[str]) -> list[str]:
    """The words as the transcript may hold them: no password, no response."""
    out = []
    for word in words:
        name, equals, _ = word.partition("=") if not word.startswith("=") else word[1:].partition("=")
        secret = equals and word.startswith("=") and name in ("password", "response")
        out.append(f"={name}=***" if secret else word)
    return out

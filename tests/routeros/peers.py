"""Other ends of the wire: scripted servers that say what a test wants, whole, in pieces, or not at all."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daemon.edge.routeros.endpoint import Endpoint


def scene(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test; nothing waits for ever."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def limited() -> None:
            async with asyncio.timeout(60):
                await test(*args, **kwargs)

        asyncio.run(limited())

    return run


Handler = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection at the server's side. Its codec is written here, apart from ours."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.heard: list[list[str]] = []

    async def hear(self) -> list[str]:
        """The next sentence."""
        words: list[str] = []
        while True:
            length = (await self.reader.readexactly(1))[0]
            if length >= 0xE0:
                length = int.from_bytes(bytes([length & 0x0F]) + await self.reader.readexactly(3), "big")
            elif length >= 0xC0:
                length = int.from_bytes(bytes([length & 0x1F]) + await self.reader.readexactly(2), "big")
            elif length >= 0x80:
                length = (length & 0x3F) << 8 | (await self.reader.readexactly(1))[0]
            if length == 0:
                self.heard.append(words)
                return words
            words.append((await self.reader.readexactly(length)).decode("utf-8", "surrogateescape"))

    async def say(self, *words: str | bytes) -> None:
        """One sentence."""
        await self.raw(sentence(*words))

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def welcome(self) -> None:
        """Hear a login and accept it."""
        words = await self.hear()
        assert words[0] == "/login"
        await self.say("!done", tag(words))


def tag(words: Sequence[str]) -> str:
    return next(word for word in words if word.startswith(".tag="))


def sentence(*words: str | bytes) -> bytes:
    out = b""
    for word in words:
        raw = word if isinstance(word, bytes) else word.encode()
        size = len(raw)
        if size < 0x80:
            out += bytes([size])
        elif size < 0x4000:
            out += (size | 0x8000).to_bytes(2, "big")
        else:
            out += (size | 0xC00000).to_bytes(3, "big")
        out += raw
    return out + b"\0"


@asynccontextmanager
async def server(handler: Handler, **about: object) -> AsyncIterator[Endpoint]:
    """A server on a free loopback port that runs `handler` for each connection; gives the endpoint to reach it."""
    tasks: set[asyncio.Task[None]] = set()
    faults: list[BaseException] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(Peer(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except AssertionError as error:
            faults.append(error)
        finally:
            writer.close()
            tasks.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=about.pop("ssl", None))  # type: ignore[arg-type]
    try:
        port = listener.sockets[0].getsockname()[1]
        yield Endpoint(
            **{"host": "127.0.0.1", "port": port, "user": "pregonero", "password": "s3creto", **about}  # type: ignore[arg-type]
        )
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if faults:
        raise faults[0]


@asynccontextmanager
async def severed(port: int, after: int) -> AsyncIterator[int]:
    """A way to the router at `port` that breaks when `after` sentences have gone through, before the reply comes back.

    Gives its own port. Later connections go through untouched.
    """
    left = after
    tasks: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, peer: Peer | None) -> None:
        nonlocal left
        while left != 0:
            if peer is None:
                data = await source.read(65536)
                if not data or left == 0:
                    break
                sink.write(data)
                continue
            words = await peer.hear()
            left -= 1
            sink.write(sentence(*(word.encode("utf-8", "surrogateescape") for word in words)))
            await sink.drain()
            if left == 0:
                await asyncio.sleep(0.005)  # let the router act on it

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        there, onward = await asyncio.open_connection("127.0.0.1", port)
        ways = [
            asyncio.create_task(pump(reader, onward, Peer(reader, onward))),
            asyncio.create_task(pump(there, writer, None)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            onward.close()
            writer.transport.abort()
            tasks.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A self-signed certificate such as a router makes for itself; the server's context and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "router")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "router.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, made.fingerprint(hashes.SHA256()).hex(":").upper()

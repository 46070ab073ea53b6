"""The Internet of the practice world: a small newspaper on HTTP and HTTPS, and a service that is not HTTP.

Run as `python -m daemon.practice.site`; it knows nothing of Pregonero, as the real Internet would not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import gzip
import ipaddress
import json
import os
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PAGE = """<!DOCTYPE html>
<html lang="es"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:18px/1.5 Georgia,serif;max-width:42em;margin:2em auto;padding:0 1em;color:#222}}
h1{{border-bottom:3px double #444}}small{{color:#666}}</style></head>
<body><h1>El Diario del Valle</h1><small>Edición de práctica · {scheme}</small>
<h2>{title}</h2>
<p>Los vecinos celebraron ayer la reapertura del puente viejo, cerrado desde las lluvias de marzo. La banda
municipal tocó hasta el anochecer y las panaderías de la plaza se quedaron sin pan antes de las ocho.</p>
<p>La alcaldesa anunció además que el mercado de los sábados vuelve a la calle del Río.
<a href="/deportes">Deportes</a> · <a href="/clima">Clima</a> · <a href="/">Portada</a></p>
</body></html>
"""
TITLES = {
    "/": "Reabre el puente viejo",
    "/deportes": "El Atlético del Valle gana por la mínima",
    "/clima": "Lluvias leves el fin de semana",
}
#: First words of the service that speaks before it is spoken to, on port 80 like the pages.
GREETING = b"220 marea.example listo; esto no es HTTP\r\n"
LARGEST_BLOB = 1 << 30


async def _page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests of one connection until it closes."""
    scheme = "HTTPS" if writer.get_extra_info("sslcontext") else "HTTP"
    with contextlib.suppress(
        ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError
    ):
        while True:
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode("latin-1")
            words = head.split("\r\n", 1)[0].split(" ")
            if len(words) != 3:
                break
            path = "/" + words[1].split("/", 3)[-1] if words[1].startswith("http://") else words[1]
            fields = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
            }
            with contextlib.suppress(ValueError):
                await reader.readexactly(int(fields.get("content-length", "0")))
            close = fields.get("connection", "").lower() == "close"
            await _answer(writer, words[0], path, scheme, "gzip" in fields.get("accept-encoding", ""), close)
            if close:
                break
    writer.close()


async def _answer(
    writer: asyncio.StreamWriter, method: str, path: str, scheme: str, zipped: bool, close: bool
) -> None:
    last = "Connection: close\r\n" if close else ""
    if path.startswith("/blob/"):
        size = min(int(path[6:]), LARGEST_BLOB) if path[6:].isdigit() else 0
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
            + f"{last}Content-Length: {size}\r\n\r\n".encode()
        )
        chunk = bytes(range(256)) * 256
        while size > 0 and method != "HEAD":
            writer.write(chunk[:size])
            size -= len(chunk)
            await writer.drain()
        return
    if method == "POST":
        status, kind, body = "200 OK", "application/json", b'{"ok": true}'
    elif path in TITLES:
        status, kind = "200 OK", "text/html; charset=utf-8"
        body = PAGE.format(title=TITLES[path], scheme=scheme).encode()
    elif path == "/generate_204":
        status, kind, body = "204 No Content", "text/plain", b""
    else:
        status, kind, body = "404 Not Found", "text/plain; charset=utf-8", b"no hay tal pagina\n"
    extra = ""
    if zipped and kind.startswith("text/html"):
        body, extra = gzip.compress(body), "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
    length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{extra}{last}{length}\r\n".encode())
    if method != "HEAD":
        writer.write(body)
    await writer.drain()


async def _greeter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet first, then give every line back: what a mail or game server on port 80 does to a naive proxy."""
    with contextlib.suppress(ConnectionError, ValueError):
        writer.write(GREETING)
        while line := await reader.readline():
            writer.write(b"eco " + line)
            await writer.drain()
    writer.close()


def certificate(address: str, folder: Path) -> ssl.SSLContext:
    """A self-signed certificate for the address, fresh for each start."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "El Diario del Valle")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "site.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def serve(pages: str, greeter: str, http: int, https: int, ready: Path | None) -> None:
    """Listen on `pages`:http and :https and on `greeter`:http; port 0 picks one, told in the ready file."""
    with tempfile.TemporaryDirectory() as folder:
        context = certificate(pages, Path(folder))
    plain = await asyncio.start_server(_page, pages, http)
    tls = await asyncio.start_server(_page, pages, https, ssl=context)
    other = await asyncio.start_server(_greeter, greeter, http)
    ports = [server.sockets[0].getsockname()[1] for server in (plain, tls, other)]
    if ready:
        draft = ready.with_suffix(".draft")
        draft.write_text(
            json.dumps({"pid": os.getpid(), "http": ports[0], "https": ports[1], "greeter": ports[2]})
        )
        draft.replace(ready)
    async with plain, tls, other:
        await asyncio.gather(plain.serve_forever(), tls.serve_forever(), other.serve_forever())


def main() -> None:
    """Command line of the site."""
    parser = argparse.ArgumentParser(prog="python -m daemon.practice.site", description=__doc__)
    parser.add_argument("--pages", default="127.0.0.1", help="address of the HTTP and HTTPS pages")
    parser.add_argument("--greeter", default="127.0.0.1", help="address of the service that is not HTTP")
    parser.add_argument("--http", type=int, default=80)
    parser.add_argument("--https", type=int, default=443)
    parser.add_argument("--ready", type=Path)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.pages, given.greeter, given.http, given.https, given.ready))


if __name__ == "__main__":
    main()

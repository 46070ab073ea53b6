"""One request and its response through mitmproxy's HTTP/1 layers, without its proxy server, addons or context.

The layers are a state machine without I/O: bytes and ends of connections go in as events, commands come out. This
is the driver of the one shape that the front allows: one GET, both connections open already, the response
streamed. The layers check both heads (header validation on) before anything is sent, frame the answer for the
client, and call the hooks in which the heads are changed.
"""

from collections.abc import Callable

from mitmproxy.connection import Client, ConnectionState, Server
from mitmproxy.http import HTTPFlow
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import http
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook, HttpResponseHeadersHook

from proxy.mark import Rejected
from proxy.mark.coding import BadStream

PSEUDONYM = "pregonero"
"""The name in our `Via` fields (RFC 9110 section 7.6.3)."""

_NO_LONGER_TRUE = (
    "Content-Length",
    "Transfer-Encoding",
    "ETag",
    "Last-Modified",
    "Accept-Ranges",
    "Expires",
    "Pragma",
    "Surrogate-Control",
    "Age",
    "Keep-Alive",
    "Proxy-Connection",
)

Address = tuple[str, int]
Stream = Callable[[bytes], list[bytes]]


class Exchange:
    """Feed the request head, then the response; what comes back is what to send on.

    `stream` is called with each piece of the body and with b"" at its clean end, and returns what the client is
    to get instead.
    """

    def __init__(self, options: Options, client: Address, origin: Address, stream: Stream) -> None:
        self._stream = stream
        self._codings: bytes | None = None
        self._accepted = False
        self.ended = False
        self._client = Client(
            peername=client, sockname=origin, timestamp_start=0.0, state=ConnectionState.OPEN
        )
        context = Context(self._client, options)
        self._server = context.server = Server(address=origin)
        self._server.state = ConnectionState.OPEN
        self._layer = http.HttpLayer(context, http.HTTPMode.transparent)
        self._to_client: list[bytes] = []
        self._to_server: list[bytes] = []

    def request(self, head: bytes, codings: bytes | None) -> bytes:
        """The request head as the origin is to get it, asking for `codings`. Raises Rejected."""
        self._codings = codings
        self._safely(events.Start())
        self._safely(events.DataReceived(self._client, head))
        if self._to_client or not self._to_server:
            raise Rejected("request")
        return self._taken(self._to_server)

    def response(self, data: bytes) -> bytes:
        """The next bytes of the response, as the client is to get them. Raises Rejected, BadStream."""
        self._safely(events.DataReceived(self._server, data))
        if self._to_client and not self._accepted:
            raise Rejected("response")
        return self._taken(self._to_client)

    def eof(self) -> bytes:
        """The origin has ended the connection, which ends a response of unknown length."""
        self._server.state &= ~ConnectionState.CAN_READ
        self._safely(events.ConnectionClosed(self._server))
        return self._taken(self._to_client)

    def _safely(self, event: events.Event) -> None:
        """The layers meet what two readers have let through; should they fail on it, that is theirs alone."""
        try:
            self._run(event)
        except BadStream:
            raise
        except Exception as error:
            raise Rejected(type(error).__name__) from error

    @staticmethod
    def _taken(pieces: list[bytes]) -> bytes:
        data = b"".join(pieces)
        pieces.clear()
        return data

    def _run(self, event: events.Event) -> None:
        queue: list[events.Event] = [event]
        while queue:
            for command in self._layer.handle_event(queue.pop(0)):
                if isinstance(command, commands.StartHook):
                    self._hook(command)
                    queue.append(events.HookCompleted(command))
                elif isinstance(command, commands.SendData):
                    of_client = command.connection is self._client
                    (self._to_client if of_client else self._to_server).append(command.data)
                elif isinstance(command, commands.OpenConnection):
                    queue.append(events.OpenConnectionCompleted(command, "the connection is open already"))
                elif isinstance(command, commands.CloseConnection) and command.connection is self._client:
                    self.ended = True

    def _hook(self, command: commands.StartHook) -> None:
        if isinstance(command, HttpRequestHeadersHook):
            self._change_request(command.flow)
        elif isinstance(command, HttpResponseHeadersHook):
            self._change_response(command.flow)

    def _change_request(self, flow: HTTPFlow) -> None:
        headers = flow.request.headers
        if self._codings is not None:
            headers["Accept-Encoding"] = self._codings.decode("ascii")
        headers.add("Via", f"{flow.request.http_version.removeprefix('HTTP/')} {PSEUDONYM}")

    def _change_response(self, flow: HTTPFlow) -> None:
        response = flow.response
        if response is None or flow.error is not None:
            return
        self._accepted = True
        version = response.http_version.removeprefix("HTTP/")
        for name in _NO_LONGER_TRUE:
            response.headers.pop(name, None)
        for name in _connection_options(response.headers.get_all("Connection")):
            response.headers.pop(name, None)
        if flow.request.http_version == "HTTP/1.1":
            response.http_version = "HTTP/1.1"
            response.headers["Transfer-Encoding"] = "chunked"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Connection"] = "close"
        response.headers.add("Via", f"{version} {PSEUDONYM}")
        response.stream = self._stream


def _connection_options(values: list[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip().lower() != "close"]


def options() -> Options:
    """The options that the layers read. (In mitmproxy itself its addons declare them.)"""
    chosen = Options()
    chosen.add_option("validate_inbound_headers", bool, True, "refuse what could smuggle a request")
    chosen.add_option("store_streamed_bodies", bool, False, "never keep a body")
    chosen.add_option("stream_large_bodies", str | None, None, "streaming is chosen response by response")
    chosen.add_option("body_size_limit", str | None, None, "bodies are not kept, so they need no limit")
    chosen.add_option("websocket", bool, False, "upgrades never come here")
    chosen.add_option("rawtcp", bool, False, "upgrades never come here")
    return chosen

"""HTTP and WebSockets on a socket, with an end to their patience."""

import asyncio
from typing import Any, Final, NamedTuple, cast

import h11
from litestar.types import Message, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

HEAD_S: Final = 10.0
LINGER_S: Final = 10.0
EXTENSION: Final = "marsad.frame"
FEED: Final = "/api/feed"
"""Where texts are told to many; on all other sockets there is film, which cannot be made smaller."""

WINDOW_BITS: Final = 15
LEVEL: Final = 1
"""The quickest: a picture of 200 tracks is a quarter of what it was where every digit in it is by chance, and less
where not; the next levels take off a tenth more in two to three times as long."""

LEAST: Final = 256
"""Bytes of a text that is worth it."""


class PatientProtocol(H11Protocol):
    """Closes a connection whose next request has begun, or was to be its first, and is not there in ten seconds.

    Otherwise whoever sends a byte now and then keeps a connection for ever, and with some hundreds of them everybody
    else out.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its parent has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take it in; wait for the rest of a request that is not whole."""
        super().data_received(data)
        if not self._waiting():
            self._calm()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_S, self._give_up)

    def _waiting(self) -> bool:
        """Whether the head of a request is still to come."""
        return bool(self.conn.their_state is h11.IDLE)

    def _calm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._waiting() and not self.transport.is_closing():
            self.transport.close()


class TextFrame(NamedTuple):
    """A text as a whole WebSocket frame, as a server sends it: the same bytes for every browser."""

    plain: bytes
    """As it is."""
    deflated: bytes
    """For a browser that takes compressed messages, each by itself; as it is where that would save little."""


def text_frame(text: bytes) -> TextFrame:
    """The frame of a text. Source: RFC 7692, sections 7.1.1.1 and 7.2."""
    plain = Frame(Opcode.TEXT, text).serialize(mask=False)
    if len(text) < LEAST:
        return TextFrame(plain, plain)
    # Nothing is built on the message before, so that it is the same for all, whenever they came.
    packer = PerMessageDeflate(
        remote_no_context_takeover=True, local_no_context_takeover=True, remote_max_window_bits=WINDOW_BITS,
        local_max_window_bits=WINDOW_BITS, compress_settings={"level": LEVEL},
    )  # fmt: skip
    return TextFrame(plain, Frame(Opcode.TEXT, text).serialize(mask=False, extensions=[packer]))


async def send_frame(scope: Scope, send: Send, frame: TextFrame) -> None:
    """Send a frame as it is where the server can do that; else the text in it, which is then framed anew."""
    if EXTENSION in (scope.get("extensions") or {}):
        await send(cast("Message", {"type": "websocket.send", EXTENSION: frame}))
        return
    await send({"type": "websocket.send", "text": _text_of(frame.plain), "bytes": None})


def _text_of(frame: bytes) -> str:
    """What stands after the head of a frame: two bytes, and more where its length takes more."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :].decode()


class PatientSocket(WebSocketsSansIOProtocol):
    """Lets go of a browser that does not take what was sent before its socket was closed.

    It also sends frames that were made before: to encode, compress and frame a picture takes longer than to send it,
    and is the same for all who follow.
    """

    def handle_connect(self, event: Request) -> None:
        """Agree with a browser on what it follows the desk by: compressed messages, each by itself."""
        if event.path.partition("?")[0] == FEED:
            self.conn.available_extensions = [
                ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
            ]
        super().handle_connect(event)

    async def send(self, message: Any) -> None:  # noqa: ANN401 - as the server hands it over
        """Send a message, or, by an extension of the protocol between server and application, a frame as it is."""
        frame = message.get(EXTENSION)
        if frame is None:
            await super().send(message)
            return
        await self.writable.wait()
        if self.disconnected or self.close_sent or not self.handshake_complete:
            raise ClientDisconnected
        self.transport.write(frame.deflated if self._takes_deflated() else frame.plain)

    def _takes_deflated(self) -> bool:
        return any(
            isinstance(each, PerMessageDeflate) and each.local_max_window_bits >= WINDOW_BITS
            for each in self.conn.extensions
        )

    async def run_asgi(self) -> None:
        """Serve it, and some seconds later throw away what is still to be sent."""
        cast("dict[str, Any]", self.scope)["extensions"][EXTENSION] = {}
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(LINGER_S, self.transport.abort)

"""The change feed: what changes at the desk, told to every browser that follows it, encoded once for all."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from marsad.console.desk import Desk, FeedMessage, Hello
from marsad.console.patient import FEED, TextFrame, send_frame, text_frame
from marsad.console.view import message_for, view_of
from marsad.kernel.act import Person

BAD_SINCE: Final = 4400
TOO_SLOW: Final = 4408
"""Codes that the feed is closed with; after the second the page resumes from the last sequence that it has."""

SEND_S: Final = 10.0
KEPT: Final = 32

Socket = WebSocket[Any, Any, Any]


class Encoded:
    """The last messages as WebSocket frames, by what is seen of them: each is made once however many follow.

    The messages are kept with their frames: a number of an object that is gone may come again.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._frames: OrderedDict[tuple[int, str], tuple[FeedMessage, TextFrame | None]] = OrderedDict()
        self._encoder = msgspec.json.Encoder()

    def frame(self, message: FeedMessage, person: Person) -> TextFrame | None:
        """The message as this person sees it, JSON in a frame; None where nothing of it is theirs."""
        key = (id(message), view_of(person))
        if (kept := self._frames.get(key)) is not None:
            return kept[1]
        seen = message_for(person, message, self._desk)
        frame = None if seen is None else text_frame(self._encoder.encode(seen))
        # A greeting is made for one follower, and is the longest of all.
        if not isinstance(message, Hello):
            self._frames[key] = (message, frame)
            if len(self._frames) > KEPT:
                self._frames.popitem(last=False)
        return frame


def feed_routes(desk: Desk, send_s: float = SEND_S) -> list[WebsocketRouteHandler]:
    """The route of the feed; a browser that does not take a message for `send_s` seconds is dropped."""
    encoded = Encoded(desk)

    @websocket(FEED, opt={"patrol": True})
    async def feed(socket: Socket) -> None:
        await socket.accept()
        since = socket.query_params.get("since")
        if since is not None and not since.removeprefix("-").isdecimal():
            await socket.close(BAD_SINCE, "since is a sequence of the log")
            return
        follower = desk.follow(None if since is None else int(since))
        writer = asyncio.create_task(_write(socket, follower, encoded, send_s))
        reader = asyncio.create_task(_until_gone(socket))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
        finally:
            for task in (writer, reader):
                task.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)

    return [feed]


async def _write(socket: Socket, follower: AsyncIterator[FeedMessage], encoded: Encoded, send_s: float) -> None:
    """Send what the person may see, in order, until the desk has no more or the browser takes no more."""
    try:
        async for message in follower:
            frame = encoded.frame(message, socket.user)
            if frame is not None:
                async with asyncio.timeout(send_s):
                    await send_frame(socket.scope, socket.send, frame)
    except TimeoutError:
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(1.0):
                await socket.close(TOO_SLOW, "too slow: resume by sequence")
    except (OSError, WebSocketDisconnect):
        return
    finally:
        if isinstance(follower, AsyncGenerator):
            await follower.aclose()


async def _until_gone(socket: Socket) -> None:
    """Return when the browser has gone; what it says is not listened to."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data("text")

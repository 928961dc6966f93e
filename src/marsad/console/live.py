"""Live film on its way to those who look on: one channel a camera, and nobody slow holds anything up."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from marsad.kernel.film import Codec, Filmed, from_message, split_message, to_message
from marsad.kernel.record import Record

MOST_WAITING = 60
SLACK = 4
"""Whoever lags by more than so many pictures is taken on to the next key picture as soon as there is one."""
WINDOW = 12
"""So many pictures may be under way to a browser that says which ones it has got."""
GROUP_BYTES = 8 << 20
GROUP_PICTURES = 600


class Recoding(Protocol):
    """Turns film of any coding into JPEG, a picture at a time."""

    def recode(self, filmed: Filmed) -> list[Filmed]:
        """The pictures that are whole now."""


class Thumbnail(Record):
    """A small picture of a camera."""

    camera_id: str
    time_ns: int
    jpeg: bytes


class Viewer:
    """What waits for one who looks on: never more than a bounded number of messages, and never a broken run of them."""

    def __init__(self, waiting: list[bytes] | None = None) -> None:
        self._waiting = deque(waiting or [])
        self._most = MOST_WAITING + len(self._waiting)
        self._needs_key = not waiting
        self._ready = asyncio.Event()
        self._sent = 0
        self._got: int | None = None
        self.dropped = 0
        """Pictures that were left out."""

    def put(self, message: bytes, *, key: bool) -> None:
        """Add a picture; where too many wait, they go, and those after them up to the next key picture."""
        if len(self._waiting) >= self._most or (key and len(self._waiting) > SLACK):
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._needs_key = True
        if self._needs_key and not key:
            self.dropped += 1
            return
        self._needs_key = False
        self._waiting.append(message)
        self._ready.set()

    def got(self, count: int) -> None:
        """The browser has got so many pictures by now; from the first such word on, no more than `WINDOW` run ahead."""
        self._got = min(max(count, self._got or 0), self._sent)
        self._ready.set()

    async def next(self) -> bytes:
        """The next picture to be sent, as soon as there is one and the browser keeps up."""
        while not self._waiting or (self._got is not None and self._sent - self._got >= WINDOW):
            self._ready.clear()
            await self._ready.wait()
        self._sent += 1
        return self._waiting.popleft()


class Channel:
    """The pictures of one camera in one coding, and who looks on; whoever joins begins with the last key picture."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self._group: list[bytes] = []
        self._group_bytes = 0

    def put(self, message: bytes, *, key: bool) -> None:
        """Hand a picture to everybody."""
        full = self._group_bytes > GROUP_BYTES or len(self._group) >= GROUP_PICTURES
        if key or full:
            self._group, self._group_bytes = [], 0
        if key or self._group:
            self._group.append(message)
            self._group_bytes += len(message)
        for viewer in self.viewers:
            viewer.put(message, key=key)

    def join(self) -> Viewer:
        """Somebody new who looks on."""
        viewer = Viewer(list(self._group))
        self.viewers.add(viewer)
        return viewer


class _Camera:
    """A camera's channels, and the task that feeds the second from the first while anybody wants it."""

    def __init__(self) -> None:
        self.native = Channel()
        self.jpeg = Channel()
        self.task: asyncio.Task[None] | None = None


class LiveFilm:
    """The newest film and thumbnail of every camera. All calls are made on the server's event loop."""

    def __init__(self, recoder: Callable[[], Recoding]) -> None:
        """`recoder` makes what turns one camera's film into JPEG."""
        self._recoder = recoder
        self._cameras: dict[str, _Camera] = {}
        self._thumbnails: dict[str, Thumbnail] = {}
        self._walls: set[Wall] = set()

    def put(self, camera_id: str, message: bytes) -> None:
        """Take a film message (`kernel.film.to_message`), in order. Raises: InputError where it is none."""
        header, _ = split_message(message)
        self._camera(camera_id).native.put(message, key=header.key)

    def put_thumbnail(self, thumbnail: Thumbnail) -> None:
        """Take a camera's newest small picture."""
        self._thumbnails[thumbnail.camera_id] = thumbnail
        for wall in self._walls:
            wall.put(thumbnail)

    def thumbnail(self, camera_id: str) -> Thumbnail | None:
        """The newest small picture, None where none came yet."""
        return self._thumbnails.get(camera_id)

    def join(self, camera_id: str, codec: Codec) -> Viewer:
        """Somebody who looks on: `h264` is the film as it comes, which may be JPEG too; `jpeg` is JPEG alone."""
        camera = self._camera(camera_id)
        if codec == "h264":
            return camera.native.join()
        if camera.task is None:
            camera.task = asyncio.create_task(self._recode(camera_id, camera))
        return camera.jpeg.join()

    def leave(self, camera_id: str, viewer: Viewer) -> None:
        """Somebody looks on no more."""
        camera = self._camera(camera_id)
        camera.native.viewers.discard(viewer)
        camera.jpeg.viewers.discard(viewer)
        if not camera.jpeg.viewers and camera.task is not None:
            camera.task.cancel()
            camera.task, camera.jpeg = None, Channel()

    def join_wall(self) -> "Wall":
        """Somebody who looks at the thumbnails of all cameras."""
        wall = Wall(list(self._thumbnails.values()))
        self._walls.add(wall)
        return wall

    def leave_wall(self, wall: "Wall") -> None:
        """Somebody looks at them no more."""
        self._walls.discard(wall)

    def _camera(self, camera_id: str) -> _Camera:
        return self._cameras.setdefault(camera_id, _Camera())

    async def _recode(self, camera_id: str, camera: _Camera) -> None:
        """Feed the JPEG channel; where recoding is too slow, it is left behind as any slow viewer."""
        recoder, viewer, jpeg = self._recoder(), camera.native.join(), camera.jpeg
        try:
            while True:
                message = await viewer.next()
                if split_message(message)[0].codec == "jpeg":
                    jpeg.put(message, key=True)
                    continue
                for done in await asyncio.to_thread(_recoded, recoder, message, camera_id):
                    jpeg.put(done, key=True)
        finally:
            camera.native.viewers.discard(viewer)


def _recoded(recoder: Recoding, message: bytes, camera_id: str) -> list[bytes]:
    return [to_message(filmed) for filmed in recoder.recode(from_message(message, camera_id))]


class WallHeader(Record):
    """What precedes a thumbnail on the wire."""

    camera_id: str
    time_ns: int


class Wall:
    """What waits for one who looks at all thumbnails: of each camera the newest at most."""

    def __init__(self, first: list[Thumbnail]) -> None:
        self._waiting = {thumbnail.camera_id: thumbnail for thumbnail in first}
        self._ready = asyncio.Event()

    def put(self, thumbnail: Thumbnail) -> None:
        """A newer one takes the older one's place."""
        self._waiting[thumbnail.camera_id] = thumbnail
        self._ready.set()

    async def next(self) -> bytes:
        """The next thumbnail to be sent: the length of its header (u32, little-endian), the header, the JPEG."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        thumbnail = self._waiting.pop(next(iter(self._waiting)))
        text = msgspec.json.encode(WallHeader(camera_id=thumbnail.camera_id, time_ns=thumbnail.time_ns))
        return len(text).to_bytes(4, "little") + text + thumbnail.jpeg

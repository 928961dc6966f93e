"""What the desk and a camera's process say to each other, over the socket that is the process's standard input."""

import socket
import struct
from typing import Final

import msgspec

from marsad.kernel.alert import Alert
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import Event
from marsad.kernel.measurement import Look
from marsad.kernel.record import Record
from marsad.kernel.track import Track

LENGTH: Final = struct.Struct("<I")
MOST_BYTES: Final = 64 << 20


class Glance(Record):
    """What a camera's process has to tell at one moment; `watched` where that is of a picture it has looked at."""

    camera_id: str
    time_ns: int
    watched: bool = True
    fps: float = 0.0
    look: Look | None = None
    tracks: tuple[Track, ...] = ()
    alerts: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()


class Wire(Record, tag_field="type"):
    """What all of them share."""


class Story(Record):
    """A scenario that a camera plays a part in: who goes where is simulated, and nothing is real.

    It begins at `begin_ns` of the desk's time and is taken up at `from_ns`; how far it may be played is told later.
    """

    scenario: str
    begin_ns: int
    from_ns: int
    seconds: float | None = None


class Orders(Wire, tag="orders"):
    """The first thing that a camera's process hears: what it is to watch, how, and in which folder film is kept.

    Its tracks are numbered from `first_track` on.
    """

    camera_id: str
    site: str
    source: str = ""
    fps: float | None = None
    model: str = ""
    faint: bool = False
    film: str = ""
    story: Story | None = None
    first_track: int = 1


class Go(Wire, tag="go"):
    """A story may be played up to this moment."""

    until_ns: int


class Stop(Wire, tag="stop"):
    """It is to stop after the picture in hand."""


class Begun(Wire, tag="begun"):
    """The source is open."""

    width_px: int
    height_px: int
    fps: float


class Saw(Wire, tag="saw"):
    """What was seen."""

    glance: Glance


class Pictured(Wire, tag="pictured"):
    """A picture with its marks, as `kernel.film` has it on the wire."""

    message: bytes


class Small(Wire, tag="small"):
    """A small picture, as JPEG."""

    time_ns: int
    jpeg: bytes


class Beat(Wire, tag="beat"):
    """The process is alive; it has been busy with one picture for `busy_s`, and pictures on the way were left out."""

    busy_s: float
    left_out: int


class Ended(Wire, tag="ended"):
    """The source has come to its end, or could not be watched: `error` says why not."""

    frames: int
    error: str = ""


ToCamera = Orders | Go | Stop
FromCamera = Begun | Saw | Pictured | Small | Beat | Ended

_ENCODER = msgspec.msgpack.Encoder()
_TO: msgspec.msgpack.Decoder[ToCamera] = msgspec.msgpack.Decoder(ToCamera)
_FROM: msgspec.msgpack.Decoder[FromCamera] = msgspec.msgpack.Decoder(FromCamera)


def packed(message: ToCamera | FromCamera) -> bytes:
    """The message with its length before it."""
    data = _ENCODER.encode(message)
    return LENGTH.pack(len(data)) + data


def from_camera(data: bytes) -> FromCamera:
    """What a camera's process says. Raises: InputError where it is none of that."""
    try:
        return _FROM.decode(data)
    except msgspec.MsgspecError as error:
        raise InputError(f"what a camera's process says cannot be read: {error}") from error


def length_of(head: bytes) -> int:
    """How long the message is that follows. Raises: InputError where nobody says anything so long."""
    (length,) = LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise InputError(f"a message of {length} bytes: none is longer than {MOST_BYTES}")
    return int(length)


def heard(door: socket.socket) -> ToCamera:
    """The next thing that the desk says. Raises: UnavailableError where it has gone."""
    data = _exactly(door, length_of(_exactly(door, LENGTH.size)))
    return _TO.decode(data)


def _exactly(door: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = door.recv(count - len(data))
        if not more:
            raise UnavailableError("the desk has gone")
        data += more
    return data

"""Film: what a camera sent, coded as it came, with what the watch had found in each picture.

On the wire and on the disk a picture is one message: the length of its header (u32, little-endian), the header as JSON,
and the coded picture.
"""

import base64
import struct
from typing import Literal

import msgspec

from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.kernel.track import Kind, Status, Track

Codec = Literal["h264", "jpeg"]

_LENGTH = struct.Struct("<I")
_MOST_HEADER = 1 << 20


class CodedPicture(Record):
    """One coded picture; in H.264 its NAL units, each after its length (4 bytes as a rule, as `description` says).

    `time_ns` is that of the `Frame` it was decoded to. A `key` picture needs none before it; its `description` is the
    decoder's configuration (an `avcC` box), empty for JPEG. Pictures come in the order of decoding.
    """

    camera_id: str
    time_ns: int
    codec: Codec
    key: bool
    width_px: int
    height_px: int
    data: bytes
    description: bytes = b""


class Mark(Record):
    """What the watch had found in a picture: one track's box."""

    track_id: int
    kind: Kind
    status: Status
    box: Box


class Filmed(Record):
    """A picture with its marks."""

    picture: CodedPicture
    marks: tuple[Mark, ...] = ()


class FilmSpan(Record):
    """There is film from the first to the last of these moments, without a gap worth speaking of."""

    camera_id: str
    from_ns: int
    to_ns: int


class WireMark(Record):
    """A mark as a browser gets it."""

    track_id: int
    kind: Kind
    status: Status
    x_px: float
    y_px: float
    w_px: float
    h_px: float


class Header(Record, omit_defaults=True):
    """What precedes a coded picture; `description` is base64.

    A `lead` picture is sent only because later ones cannot be decoded without it: it is not to be shown.
    """

    time_ns: int
    codec: Codec
    key: bool
    width: int
    height: int
    marks: tuple[WireMark, ...]
    description: str = ""
    lead: bool = False


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Header)


def marks_of(tracks: tuple[Track, ...] | list[Track]) -> tuple[Mark, ...]:
    """The marks of what is followed now; lost tracks have none."""
    return tuple(
        Mark(track_id=track.track_id, kind=track.kind, status=track.status, box=track.box)
        for track in tracks
        if track.status != "lost"
    )


def to_message(filmed: Filmed, *, lead: bool = False) -> bytes:
    """The picture and its marks as one message."""
    picture = filmed.picture
    header = Header(
        time_ns=picture.time_ns,
        codec=picture.codec,
        key=picture.key,
        width=picture.width_px,
        height=picture.height_px,
        marks=tuple(_wire(mark) for mark in filmed.marks),
        description=base64.b64encode(picture.description).decode(),
        lead=lead,
    )
    return join_message(header, picture.data)


def join_message(header: Header, data: bytes) -> bytes:
    """A header and a coded picture as one message."""
    text = _ENCODER.encode(header)
    return b"".join((_LENGTH.pack(len(text)), text, data))


def split_message(message: bytes) -> tuple[Header, bytes]:
    """The header and the coded picture. Raises: InputError where it is no such message."""
    if len(message) < _LENGTH.size:
        raise InputError("a film message is at least 4 bytes long")
    (length,) = _LENGTH.unpack_from(message)
    if not 0 < length <= min(_MOST_HEADER, len(message) - _LENGTH.size):
        raise InputError(f"a film message of {len(message)} bytes cannot have a header of {length}")
    end = _LENGTH.size + length
    try:
        return _DECODER.decode(memoryview(message)[_LENGTH.size : end]), message[end:]
    except msgspec.MsgspecError as error:
        raise InputError(f"a film message's header cannot be read: {error}") from error


def from_message(message: bytes, camera_id: str) -> Filmed:
    """The picture and its marks. Raises: InputError where it is no such message."""
    header, data = split_message(message)
    picture = CodedPicture(
        camera_id=camera_id,
        time_ns=header.time_ns,
        codec=header.codec,
        key=header.key,
        width_px=header.width,
        height_px=header.height,
        data=data,
        description=base64.b64decode(header.description),
    )
    return Filmed(picture=picture, marks=tuple(_mark(wire) for wire in header.marks))


def _wire(mark: Mark) -> WireMark:
    x, y, w, h = (round(side, 1) for side in (mark.box.x_px, mark.box.y_px, mark.box.w_px, mark.box.h_px))
    return WireMark(track_id=mark.track_id, kind=mark.kind, status=mark.status, x_px=x, y_px=y, w_px=w, h_px=h)


def _mark(wire: WireMark) -> Mark:
    box = Box(x_px=wire.x_px, y_px=wire.y_px, w_px=wire.w_px, h_px=wire.h_px)
    return Mark(track_id=wire.track_id, kind=wire.kind, status=wire.status, box=box)

"""H.264 as cameras and files carry it, made into pictures that can be stored and sent without coding them again."""

import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from av.packet import Packet
from av.video.stream import VideoStream

from marsad.kernel.film import CodedPicture

Tap = Callable[[CodedPicture], None]
"""Takes each coded picture in the order of decoding, as a rule before its `Frame` is handed on, in a live source's own
thread."""

SLICE_IDR, SPS, PPS = 5, 7, 8
_OMITTED = frozenset({SPS, PPS, 9, 10, 11, 12})
"""Parameter sets, which the description has, delimiters, and filler."""
_START = b"\x00\x00\x01"
_LENGTH = struct.Struct(">I")


def annex_b_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes."""
    at = data.find(_START)
    while at >= 0:
        begin = at + 3
        at = data.find(_START, begin)
        # A unit never ends with a zero byte: what does belongs to the next start code.
        unit = (data[begin:] if at < 0 else data[begin:at]).rstrip(b"\x00")
        if unit:
            yield unit


def prefixed_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """The NAL units each of which follows its length; ends where the data do."""
    at = 0
    while at + length_bytes < len(data):
        begin = at + length_bytes
        at = begin + int.from_bytes(data[at:begin], "big")
        yield data[begin:at]


def kind_of(unit: bytes) -> int:
    """The type of a NAL unit, 0 for an empty one."""
    return unit[0] & 0x1F if unit else 0


def description(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """The decoder's configuration with 4-byte lengths. Source: ISO/IEC 14496-15, 5.3.3.1."""
    first = sps[0]
    box = bytearray((1, first[1], first[2], first[3], 0xFF, 0xE0 | len(sps)))
    for unit in sps:
        box += len(unit).to_bytes(2, "big") + unit
    box.append(len(pps))
    for unit in pps:
        box += len(unit).to_bytes(2, "big") + unit
    return bytes(box)


def to_annex_b(data: bytes, avcc: bytes) -> bytes:
    """The same NAL units after start codes; `avcc` says how long their lengths are."""
    units = prefixed_units(data, (avcc[4] & 3) + 1)
    return b"".join(b"\x00" + _START + unit for unit in units)


def parameter_sets(avcc: bytes) -> list[bytes]:
    """The sequence and picture parameter sets in a decoder's configuration; [] where it is cut short."""
    units: list[bytes] = []
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(avcc):
            return []
        count, at = avcc[at] & mask, at + 1
        for _ in range(count):
            begin = at + 2
            at = begin + int.from_bytes(avcc[at:begin], "big")
            units.append(avcc[begin:at])
    return units


class Unpacked(NamedTuple):
    """A picture's bytes as they are kept; `description` is empty but on key pictures."""

    data: bytes
    key: bool
    description: bytes


class H264Packets:
    """Brings packets of either framing into the one that browsers and MP4 know.

    `extradata` is what the stream says of itself: an avcC box, parameter sets between start codes, or nothing.
    """

    def __init__(self, extradata: bytes) -> None:
        self._prefixed = len(extradata) >= 7 and extradata[0] == 1
        self._length_bytes = (extradata[4] & 3) + 1 if self._prefixed else 4
        self._description = extradata if self._prefixed else b""
        self._sps: list[bytes] = []
        self._pps: list[bytes] = []
        if not self._prefixed:
            self._learn(list(annex_b_units(extradata)))

    def unpack(self, data: bytes) -> Unpacked:
        """The picture; it is no key while the parameter sets are not known."""
        if self._prefixed:
            key = any(kind_of(unit) == SLICE_IDR for unit in prefixed_units(data, self._length_bytes))
            return Unpacked(data, key, self._description if key else b"")
        units = list(annex_b_units(data))
        self._learn(units)
        key = bool(self._description) and any(kind_of(unit) == SLICE_IDR for unit in units)
        kept = b"".join(_LENGTH.pack(len(unit)) + unit for unit in units if kind_of(unit) not in _OMITTED)
        return Unpacked(kept, key, self._description if key else b"")

    def _learn(self, units: Sequence[bytes]) -> None:
        # An encoder and what sends its stream may both repeat the sets before a key picture.
        sps = list(dict.fromkeys(unit for unit in units if kind_of(unit) == SPS and len(unit) > 3))
        pps = list(dict.fromkeys(unit for unit in units if kind_of(unit) == PPS))
        if (sps and sps != self._sps) or (pps and pps != self._pps):
            self._sps, self._pps = sps or self._sps, pps or self._pps
            if self._sps and self._pps:
                self._description = description(self._sps, self._pps)


class _Waiting:
    """A packet whose picture's time is not known yet."""

    __slots__ = ("pts", "time_ns", "unpacked")

    def __init__(self, pts: int | None, unpacked: Unpacked) -> None:
        self.pts = pts
        self.unpacked = unpacked
        self.time_ns: int | None = None


class PacketTap:
    """Hands a stream's packets on as coded pictures, with the times that their decoded pictures got.

    It begins with a key picture. A packet that came to no picture of its own is handed on all the same, a nanosecond
    after the one before it, for later ones may build on it.
    """

    def __init__(self, camera_id: str, stream: VideoStream, tap: Tap) -> None:
        self._camera_id = camera_id
        self._tap = tap
        context = stream.codec_context
        self._context = context
        self._packets = H264Packets(context.extradata or b"")
        self._waiting: deque[_Waiting] = deque()
        self._begun = False
        self._last_ns = 0
        # Decoding threads each hold a picture back.
        self._most = 2 + max(0, context.thread_count)

    def take(self, packet: "Packet[VideoStream]") -> None:
        """Note a packet that is about to be decoded."""
        if not packet.size:
            return
        unpacked = self._packets.unpack(bytes(packet))
        self._begun = self._begun or unpacked.key
        if self._begun:
            self._waiting.append(_Waiting(packet.pts, unpacked))

    def drop(self) -> None:
        """Forget the packet noted last: it could not be decoded."""
        if self._waiting:
            self._waiting.pop()

    def settle(self, pts: int | None, time_ns: int) -> None:
        """A picture was decoded from the packet with this stamp, and its time is this; hand on what may be."""
        for waiting in self._waiting:
            if waiting.time_ns is None and waiting.pts == pts:
                waiting.time_ns = time_ns
                break
        most = self._most + (16 if self._context.has_b_frames else 0)
        while self._waiting and (self._waiting[0].time_ns is not None or len(self._waiting) > most):
            self._hand_on(self._waiting.popleft())

    def finish(self) -> None:
        """Hand on what waits at the end of the stream."""
        while self._waiting:
            self._hand_on(self._waiting.popleft())

    def _hand_on(self, waiting: _Waiting) -> None:
        self._last_ns = self._last_ns + 1 if waiting.time_ns is None else waiting.time_ns
        self._tap(
            CodedPicture(
                camera_id=self._camera_id,
                time_ns=self._last_ns,
                codec="h264",
                key=waiting.unpacked.key,
                width_px=self._context.width,
                height_px=self._context.height,
                data=waiting.unpacked.data,
                description=waiting.unpacked.description,
            )
        )


def packet_tap(camera_id: str, stream: VideoStream, tap: Tap | None) -> PacketTap | None:
    """A tap on the stream where one is asked for and its packets are H.264, else None."""
    if tap is None or stream.codec_context.codec.name != "h264":
        return None
    return PacketTap(camera_id, stream, tap)

"""Lines written as a Mapbox vector tile.

Source: Mapbox Vector Tile Specification 2.1, and the wire format of Protocol Buffers.
"""

from collections.abc import Sequence
from struct import pack

import numpy as np
from numpy.typing import NDArray

from marsad.geo.relief import EXTENT, Contour

_MOVE_TO, _LINE_TO = 1, 2
_VARINT, _BYTES = 0, 2
_LINESTRING = 2


def contour_tile(contours: Sequence[Contour], interval_m: float) -> bytes:
    """A tile with one layer, `contour`: each line with its `height` and whether it is a fifth one (`index`)."""
    heights = sorted({contour.height_m for contour in contours})
    place = {height: k for k, height in enumerate(heights)}
    layer = [_field(1, b"contour")]
    for contour in contours:
        fifth = round(contour.height_m / interval_m) % 5 == 0
        tags = b"".join(_varint(v) for v in (0, place[contour.height_m], 1, len(heights) + fifth))
        feature = _field(2, tags) + _number(3, _LINESTRING) + _field(4, _path(contour.points))
        layer.append(_field(2, feature))
    layer += [_field(3, b"height"), _field(3, b"index")]
    layer += [_field(4, _varint(3 << 3 | 1) + pack("<d", height)) for height in heights]
    layer += [_field(4, _number(7, flag)) for flag in (0, 1)]
    layer += [_number(5, EXTENT), _number(15, 2)]
    return _field(3, b"".join(layer))


def _path(points: NDArray[np.int64]) -> bytes:
    """A line's commands: move to the first point, then by so much to each of the others."""
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64))
    folded = ((steps << 1) ^ (steps >> 63)).ravel().tolist()
    numbers = [1 << 3 | _MOVE_TO, *folded[:2], (len(points) - 1) << 3 | _LINE_TO, *folded[2:]]
    return b"".join(_varint(number) for number in numbers)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content

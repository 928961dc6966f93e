"""The agreed grid: places as whole cells, and areas that hold a cell as a whole.

Everything is reckoned in whole millimetres east and north of the anchor, so that both sides, and any two precisions of
which one is a multiple of the other, agree to the last cell.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from msgspec.structs import replace

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.position import Position
from marsad.kernel.release import Cell

FARTHEST_MM = 200_000_000
"""So far from the anchor a place is on the grid: 200 km."""

Point = tuple[int, int]
Ring = tuple[Point, ...]


def frame_at(anchor: Position) -> EnuFrame:
    """The plane that the grid lies in; it touches the ellipsoid, so that heights play no part."""
    return EnuFrame(replace(anchor, height_m=0.0))


def place(frame: EnuFrame, position: Position) -> Point | None:
    """Millimetres east and north of the anchor; None for what is no place on the grid."""
    if not (abs(position.latitude_deg) <= 90 and abs(position.longitude_deg) <= 180):
        return None
    east, north, up = frame.from_geodetic(position.latitude_deg, position.longitude_deg, 0.0)
    if not (math.isfinite(east) and math.isfinite(north)) or up < -FARTHEST_MM / 1000:
        return None
    point = round(float(east) * 1000), round(float(north) * 1000)
    return point if max(map(abs, point)) <= FARTHEST_MM else None


def cell_of(point: Point, size_m: int) -> Cell:
    """The cell that holds a point."""
    size = size_m * 1000
    return Cell(east=point[0] // size, north=point[1] // size, size_m=size_m)


def kept_cell(point: Point, before: Cell) -> bool:
    """Whether a point is so near a cell, within a quarter of its size, that it is not told as having left it."""
    size = before.size_m * 1000
    return all(
        -(size // 4) <= at - index * size < size + size // 4
        for at, index in zip(point, (before.east, before.north), strict=True)
    )


def centre_of(frame: EnuFrame, cell: Cell) -> Position:
    """The middle of a cell on the earth, as whoever is told of it draws it."""
    latitude, longitude, _ = frame.to_geodetic((cell.east + 0.5) * cell.size_m, (cell.north + 0.5) * cell.size_m, 0.0)
    return Position(latitude_deg=float(latitude), longitude_deg=float(longitude))


def corners_of(cell: Cell) -> Ring:
    """The four corners of a cell."""
    size = cell.size_m * 1000
    west, south = cell.east * size, cell.north * size
    return (west, south), (west + size, south), (west + size, south + size), (west, south + size)


def block_of(cell: Cell, block_m: int) -> tuple[int, int]:
    """The block that a cell lies in, whose size is a multiple of the cell's."""
    return cell.east * cell.size_m // block_m, cell.north * cell.size_m // block_m


def near_line(cell: Cell, line: Sequence[Point], within_m: int) -> bool:
    """Whether every corner, and so every part, of a cell is so near one and the same leg of a line."""
    reach = within_m * 1000
    corners = corners_of(cell)
    return any(all(_near(corner, a, b, reach) for corner in corners) for a, b in pairwise(line))


def inside(cell: Cell, ring: Ring) -> bool:
    """Whether the whole of a cell lies in a polygon, by the even-odd rule."""
    return len(ring) > 2 and not any(_cuts(a, b, cell) for a, b in _sides(ring)) and _holds(ring, _doubled_middle(cell))


def covers(outer: Ring, inner: Ring) -> bool:
    """Whether a polygon surely lies in another: they are one, or the outer one is convex and has every corner of it."""
    if outer == inner:
        return True
    if len(outer) < 3 or not _convex(outer):
        return False
    return all(_on_left(outer, corner) or _on_left(outer[::-1], corner) for corner in inner)


def way_cells(points: Sequence[Point], size_m: int) -> tuple[Cell, ...]:
    """The cells that a way goes through or touches, edges and corners included, sorted."""
    legs = [*pairwise(points)] or [(point, point) for point in points]
    found = {each for a, b in legs for each in _touched(a, b, size_m * 1000)}
    return tuple(Cell(east=east, north=north, size_m=size_m) for east, north in sorted(found))


def _touched(a: Point, b: Point, size: int) -> Iterator[tuple[int, int]]:
    """The cells that one leg touches, column by column."""
    (x0, y0), (x1, y1) = sorted((a, b))
    for column in range(-(-x0 // size) - 1, x1 // size + 1):
        ends = (max(x0, column * size), min(x1, (column + 1) * size))
        norths = (
            [y0 + Fraction((x - x0) * (y1 - y0), x1 - x0) for x in ends] if x1 > x0 else [Fraction(y0), Fraction(y1)]
        )
        for row in range(math.ceil(min(norths) / size) - 1, math.floor(max(norths) / size) + 1):
            yield column, row


def _near(point: Point, a: Point, b: Point, reach: int) -> bool:
    """Whether a point is within `reach` of the leg from `a` to `b`."""
    along = b[0] - a[0], b[1] - a[1]
    away = point[0] - a[0], point[1] - a[1]
    length2 = along[0] ** 2 + along[1] ** 2
    foot = away[0] * along[0] + away[1] * along[1]
    if foot <= 0:
        return away[0] ** 2 + away[1] ** 2 <= reach**2
    if foot >= length2:
        return (point[0] - b[0]) ** 2 + (point[1] - b[1]) ** 2 <= reach**2
    return (along[0] * away[1] - along[1] * away[0]) ** 2 <= reach**2 * length2


def _cuts(a: Point, b: Point, cell: Cell) -> bool:
    """Whether a side of a polygon goes through the inside of a cell: nothing separates the two."""
    corners = corners_of(cell)
    for axis in (0, 1):
        if max(a[axis], b[axis]) <= corners[0][axis] or min(a[axis], b[axis]) >= corners[2][axis]:
            return False
    turns = [_turn(a, b, corner) for corner in corners]
    return min(turns) < 0 < max(turns)


def _holds(ring: Ring, doubled: Point) -> bool:
    """Whether a point, in half millimetres, is in a polygon."""
    held = False
    for (x0, y0), (x1, y1) in _sides(tuple((2 * x, 2 * y) for x, y in ring)):
        if (y0 > doubled[1]) != (y1 > doubled[1]):
            side = (x1 - x0) * (doubled[1] - y0) - (doubled[0] - x0) * (y1 - y0)
            held ^= (side > 0) == (y1 > y0)
    return held


def _doubled_middle(cell: Cell) -> Point:
    size = cell.size_m * 1000
    return (2 * cell.east + 1) * size, (2 * cell.north + 1) * size


def _convex(ring: Ring) -> bool:
    """Whether a ring turns one way all round, and round once."""
    turns = [_turn(a, b, c) for a, b, c in zip(ring, ring[1:] + ring[:1], ring[2:] + ring[:2], strict=True)]
    if min(turns) < 0 < max(turns):
        return False
    easts = [b[0] - a[0] for a, b in _sides(ring) if b[0] != a[0]]
    return sum((x > 0) != (y > 0) for x, y in zip(easts, easts[1:] + easts[:1], strict=True)) == 2


def _on_left(ring: Ring, point: Point) -> bool:
    return all(_turn(a, b, point) >= 0 for a, b in _sides(ring))


def _sides(ring: Ring) -> list[tuple[Point, Point]]:
    return list(zip(ring, ring[1:] + ring[:1], strict=True))


def _turn(a: Point, b: Point, c: Point) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

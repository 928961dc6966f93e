"""What no site can be, though every single setting is of its kind: impossible cameras, shapes and positions."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from marsad.app.toml_lines import Path as Key
from marsad.kernel.dispatch import Duty, Patrol
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Fence, Inhabited, Lens, Line, Mask, Pose, Retention, Rules, Zone

STEEPEST_DEG = 80.0
"""Above this elevation a camera sees sky only, and its azimuth loses its meaning."""
SQUAREST, LONGEST = 0.5, 2.0
"""Pixels of thermal cameras are square; a ratio of focal lengths beyond these is a field of view given wrongly."""
NO_AREA_DEG2 = 1e-14
"""A tenth of a square millimetre: less is a line."""

Flat = tuple[float, float]
"""Longitude and latitude in degrees, taken as plane: whether lines cross does not depend on the scale."""


class Words(str):
    """Said of a value instead of quoting it."""

    __slots__ = ()


class Finding(NamedTuple):
    """A bad setting: its path below the record that was looked at, its value, and what would be valid."""

    key: Key
    value: object
    valid: str


def findings(record: Record) -> Iterator[Finding]:
    """What is impossible about one record, those within it left out."""
    rule = _RULES.get(type(record))
    if rule is not None:
        yield from rule(record)


def _position(position: Position) -> Iterator[Finding]:
    swapped = abs(position.longitude_deg) <= 90 < abs(position.latitude_deg)
    hint = "; latitude and longitude seem to be swapped" if swapped else ""
    if not -90 <= position.latitude_deg <= 90:
        yield Finding(("latitude_deg",), position.latitude_deg, f"a number from -90 to 90{hint}")
    if not -180 <= position.longitude_deg <= 180:
        yield Finding(("longitude_deg",), position.longitude_deg, "a number from -180 to 180")


def _lens(lens: Lens) -> Iterator[Finding]:
    if lens.vertical_fov_deg is None:
        return
    across = lens.width_px / math.tan(math.radians(lens.horizontal_fov_deg) / 2)
    down = lens.height_px / math.tan(math.radians(lens.vertical_fov_deg) / 2)
    if not SQUAREST <= down / across <= LONGEST:
        square = 2 * math.degrees(math.atan(lens.height_px / across))
        valid = f"about {square:.1f}, for square pixels; or leave it out, and it is computed"
        yield Finding(("vertical_fov_deg",), lens.vertical_fov_deg, valid)


def _pose(pose: Pose) -> Iterator[Finding]:
    if pose.mast_m <= 0:
        valid = "a number above 0: the height of the lens above the ground, without which no ray meets it"
        yield Finding(("mast_m",), pose.mast_m, valid)
    if pose.elevation_deg > STEEPEST_DEG:
        valid = f"a number from -90 to {STEEPEST_DEG:g}: the zenith holds no ground; downward is negative"
        yield Finding(("elevation_deg",), pose.elevation_deg, valid)


def _camera(camera: Camera) -> Iterator[Finding]:
    for index, mask in enumerate(camera.masks):
        yield from _mask(mask, camera.lens, ("masks", index))
    if any(_covers_all(mask, camera.lens) for mask in camera.masks):
        yield Finding(("masks",), Words("the whole picture"), "masks that leave some of the picture to look at")


def _mask(mask: Mask, lens: Lens, key: Key) -> Iterator[Finding]:
    for start, size, limit in (("x_px", "w_px", lens.width_px), ("y_px", "h_px", lens.height_px)):
        first, length = getattr(mask, start), getattr(mask, size)
        if first >= limit:
            yield Finding((*key, start), first, f"a whole number from 0 to {limit - 1}, inside the picture")
        elif first + length > limit:
            valid = f"a whole number from 1 to {limit - first}, since the picture ends at {limit}"
            yield Finding((*key, size), length, valid)


def _covers_all(mask: Mask, lens: Lens) -> bool:
    return mask.x_px == 0 and mask.y_px == 0 and mask.w_px >= lens.width_px and mask.h_px >= lens.height_px


def _line(line: Line | Fence) -> Iterator[Finding]:
    last = len(line.points) - 1
    seen: dict[Flat, int] = {}
    for index, point in enumerate(line.points):
        earlier = seen.setdefault(_flat(point), index)
        closes = earlier == 0 and index == last and last > 2
        if earlier != index and not closes:
            valid = f"a point of its own: it repeats points[{earlier}]"
            yield Finding(("points", index), _shown(point), valid)


def _zone(zone: Zone | Inhabited) -> Iterator[Finding]:
    corners = [_flat(point) for point in zone.points]
    if corners[0] == corners[-1]:
        valid = "no repetition of points[0]: a zone closes itself, leave the last point out"
        yield Finding(("points", len(corners) - 1), _shown(zone.points[-1]), valid)
        return
    repeated = next((index for index, (one, two) in enumerate(pairwise(corners)) if one == two), None)
    if repeated is not None:
        valid = f"a point of its own: it repeats points[{repeated}]"
        yield Finding(("points", repeated + 1), _shown(zone.points[repeated + 1]), valid)
        return
    count = Words(f"{len(corners)} points")
    if all(abs(_turn(corners[0], corners[1], corner)) < NO_AREA_DEG2 for corner in corners):
        yield Finding(("points",), count, "corners that enclose an area: these lie on one line")
        return
    crossing = _crossing(corners)
    if crossing is not None:
        one, two = crossing
        valid = f"corners in order around the zone: the side after points[{one}] meets the side after points[{two}]"
        yield Finding(("points",), count, valid)


def _duty(duty: Duty) -> Iterator[Finding]:
    if duty.from_hour == duty.until_hour:
        yield Finding(("until_hour",), duty.until_hour, "another hour than from_hour: this one ends as it begins")


def _patrol(patrol: Patrol) -> Iterator[Finding]:
    for index, skill in enumerate(patrol.skills):
        if skill in patrol.skills[:index]:
            yield Finding(("skills", index), skill, "each skill once")


def _rules(rules: Rules) -> Iterator[Finding]:
    if rules.soon_s > rules.approach_s:
        valid = f"a number up to {rules.approach_s:g}, approach_s: what is urgent is told at all"
        yield Finding(("soon_s",), rules.soon_s, valid)
    for index, rule in enumerate(rules.off):
        if rule == "confirmed_track":
            yield Finding(("off", index), rule, "a rule of the picture; this one is for sites without lines and zones")


def _retention(retention: Retention) -> Iterator[Finding]:
    if retention.keep and not retention.ordered_by.strip():
        yield Finding(("ordered_by",), retention.ordered_by, "who has it done: each erasure says by whose rule it was")
    if retention.from_hour == retention.until_hour:
        yield Finding(("until_hour",), retention.until_hour, "another hour than from_hour: nothing would be erased")


def _flat(point: Position) -> Flat:
    return point.longitude_deg, point.latitude_deg


def _shown(point: Position) -> Words:
    return Words(f"{{ latitude_deg = {point.latitude_deg}, longitude_deg = {point.longitude_deg} }}")


def _crossing(corners: Sequence[Flat]) -> tuple[int, int] | None:
    """The first two sides of a polygon that meet other than at a shared corner."""
    sides = list(pairwise([*corners, corners[0]]))
    for one, two in combinations(range(len(sides)), 2):
        adjacent = two == one + 1 or (one == 0 and two == len(sides) - 1)
        if adjacent and not _folds_back(sides[one], sides[two]):
            continue
        if adjacent or _meet(*sides[one], *sides[two]):
            return one, two
    return None


def _turn(a: Flat, b: Flat, c: Flat) -> float:
    """Above 0 where a, b, c turn left, 0 where they lie on one line."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _meet(a: Flat, b: Flat, c: Flat, d: Flat) -> bool:
    """Whether the segments a-b and c-d share a point."""
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    checks = ((turns[0], a, b, c), (turns[1], a, b, d), (turns[2], c, d, a), (turns[3], c, d, b))
    return any(turn == 0 and _within(start, end, point) for turn, start, end, point in checks)


def _within(start: Flat, end: Flat, point: Flat) -> bool:
    """Whether a point of the line through start and end lies between them."""
    return all(min(s, e) <= p <= max(s, e) for s, e, p in zip(start, end, point, strict=True))


def _folds_back(one: tuple[Flat, Flat], two: tuple[Flat, Flat]) -> bool:
    """Whether two sides with a shared corner lie on top of each other."""
    shared = one[1] if one[1] == two[0] else one[0]
    far_one = one[0] if shared == one[1] else one[1]
    far_two = two[1] if shared == two[0] else two[0]
    if _turn(far_one, shared, far_two) != 0:
        return False
    towards = sum((f - s) * (g - s) for f, g, s in zip(far_one, far_two, shared, strict=True))
    return towards > 0


_RULES: dict[type[Record], Callable[..., Iterator[Finding]]] = {
    Position: _position,
    Lens: _lens,
    Pose: _pose,
    Camera: _camera,
    Line: _line,
    Zone: _zone,
    Inhabited: _zone,
    Fence: _line,
    Duty: _duty,
    Patrol: _patrol,
    Rules: _rules,
    Retention: _retention,
}

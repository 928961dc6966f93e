"""Walkers with GPS, the line they cross, and each crossing by itself.

A crossing is a way from surely on one side of the line to surely on the other, so that the wander of a GPS beside the
line is none. It lasts from the walker's turning point before it to the one after it, where he was farthest from the
line on either side.
"""

from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from marsad.kernel.error import InputError
from marsad.kernel.record import Record

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Direction = Literal["inward", "outward", ""]

GAP_S: Final = 30.0
"""Between fixes farther apart than this nothing is said of where the walker was."""
SIDE_SIGMAS: Final = 2.0
"""So many sigmas of the GPS off the line a walker is held to be on one side of it."""
TURN_SIGMAS: Final = 4.0
_DRIFT_M_S: Final = 0.5
_SPEED_SPAN_S: Final = 2.0


class Walk(Record, eq=False):
    """One walker's fixes in order of time, arrays (N,), in the site's frame; `sigma_m` is one sigma of each axis."""

    walker: str
    time_ns: Times
    east_m: Array
    north_m: Array
    sigma_m: Array


class Places(Record, eq=False):
    """Where a walker was at some moments, arrays (M,); NaN before, after and between fixes too far apart."""

    time_ns: Times
    east_m: Array
    north_m: Array
    east_m_s: Array
    north_m_s: Array
    sigma_m: Array


class Crossing(Record):
    """One walker going once over one line, or along it where a list of crossings says so (`direction` is empty then).

    `along_m` is how far along the line it was, from its first point.
    """

    line_id: str
    walker: str
    number: int
    direction: Direction
    start_ns: int
    crossed_ns: int
    end_ns: int
    east_m: float
    north_m: float
    along_m: float


class LinePath:
    """A line in the site's frame, corners (K, 2) in order; the inside lies to the right, or to the left, along it."""

    def __init__(self, line_id: str, corners: Array, inside: Literal["right", "left"]) -> None:
        steps = np.hypot(*np.diff(corners, axis=0).T)
        kept = np.concatenate([[True], steps > 0])
        self.line_id = line_id
        self.corners = corners[kept]
        if len(self.corners) < 2:
            raise InputError(f"line {line_id}: its points all lie in one place; give it two that differ")
        self.lengths = np.hypot(*np.diff(self.corners, axis=0).T)
        self.starts = np.concatenate([[0.0], np.cumsum(self.lengths)])
        self._sign = 1.0 if inside == "right" else -1.0

    @property
    def length_m(self) -> float:
        """How long the line is."""
        return float(self.starts[-1])

    def measure(self, east_m: Array, north_m: Array) -> tuple[Array, Array]:
        """How far inside the line places (N,) lie, below 0 outside, and how far along it.

        The line goes on straight beyond its ends: there `along` is below 0 or above its length. At a corner two
        segments are equally near; the one that a place is farther beside tells on which side it lies.
        """
        best, beside = np.full(len(east_m), np.inf), np.zeros(len(east_m))
        along = np.zeros(len(east_m))
        last = len(self.lengths) - 1
        for k, length in enumerate(self.lengths):
            unit = (self.corners[k + 1] - self.corners[k]) / length
            off_e, off_n = east_m - self.corners[k, 0], north_m - self.corners[k, 1]
            ahead = off_e * unit[0] + off_n * unit[1]
            turn = off_e * unit[1] - off_n * unit[0]
            on = np.clip(ahead, -np.inf if k == 0 else 0.0, np.inf if k == last else length)
            apart = np.hypot(ahead - on, turn)
            tie = np.abs(apart - best) <= 1e-9 * (1 + apart)
            nearer = np.where(tie, np.abs(turn) > np.abs(beside), apart < best)
            best, beside = np.where(nearer, apart, best), np.where(nearer, turn, beside)
            along = np.where(nearer, self.starts[k] + on, along)
        return self._sign * np.copysign(best, beside), along

    def at(self, along_m: float) -> tuple[float, float]:
        """East and north of a place on the line, so far along it; its ends where that lies beyond them."""
        east = np.interp(along_m, self.starts, self.corners[:, 0])
        north = np.interp(along_m, self.starts, self.corners[:, 1])
        return float(east), float(north)


def places_at(walk: Walk, time_ns: Times) -> Places:
    """Where a walker was; beside the GPS's own error he may have strayed from the straight way between two fixes."""
    base = walk.time_ns[0]
    fixed, asked = (walk.time_ns - base) / 1e9, (time_ns - base) / 1e9
    after = np.clip(np.searchsorted(fixed, asked), 1, max(len(fixed) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(fixed) - 1)
    known = (asked >= fixed[0]) & (asked <= fixed[-1]) & (fixed[after] - fixed[before] <= GAP_S)
    strayed = _DRIFT_M_S * np.minimum(np.abs(asked - fixed[before]), np.abs(fixed[after] - asked))
    sigma = np.hypot(np.interp(asked, fixed, walk.sigma_m), strayed)
    half = _SPEED_SPAN_S / 2
    low, high = np.clip(asked - half, fixed[0], fixed[-1]), np.clip(asked + half, fixed[0], fixed[-1])
    span = np.maximum(high - low, 1e-9)
    values = [np.interp(asked, fixed, axis) for axis in (walk.east_m, walk.north_m)]
    values += [
        (np.interp(high, fixed, axis) - np.interp(low, fixed, axis)) / span for axis in (walk.east_m, walk.north_m)
    ]
    east, north, east_s, north_s = (np.where(known, value, np.nan) for value in values)
    return Places(
        time_ns=time_ns, east_m=east, north_m=north, east_m_s=east_s, north_m_s=north_s,
        sigma_m=np.where(known, sigma, np.nan),
    )  # fmt: skip


def crossings_of(walk: Walk, path: LinePath) -> list[Crossing]:
    """Each time the walker went over the line, in order."""
    inside, along = path.measure(walk.east_m, walk.north_m)
    breaks = np.flatnonzero(np.diff(walk.time_ns) > GAP_S * 1e9) + 1
    found: list[Crossing] = []
    for piece in np.split(np.arange(len(walk.time_ns)), breaks):
        found += _piece_crossings(walk, path, piece, inside[piece], along[piece], len(found))
    return found


def _piece_crossings(
    walk: Walk, path: LinePath, piece: NDArray[np.intp], inside: Array, along: Array, before: int
) -> list[Crossing]:
    """The crossings in fixes without a gap."""
    margin = SIDE_SIGMAS * walk.sigma_m[piece]
    side = np.where(inside > margin, 1, np.where(inside < -margin, -1, 0))
    sure = np.flatnonzero(side)
    flips = [(int(a), int(b)) for a, b in pairwise(sure) if side[a] != side[b]]
    flips = [(a, b) for a, b in flips if _on_the_line(path, along, inside, a, b, float(margin[a]))]
    crossings = []
    for number, (a, b) in enumerate(flips):
        before_a = flips[number - 1][1] if number else 0
        after_b = flips[number + 1][0] if number + 1 < len(flips) else len(piece) - 1
        start = _turning(inside[before_a : a + 1][::-1], float(walk.sigma_m[piece[a]]))
        end = _turning(inside[b : after_b + 1], float(walk.sigma_m[piece[b]]))
        first, share = _step_over(inside, a, b)
        at = piece[first]
        time_ns = int(walk.time_ns[at] + share * (walk.time_ns[at + 1] - walk.time_ns[at]))
        east, north = (float(axis[at] + share * (axis[at + 1] - axis[at])) for axis in (walk.east_m, walk.north_m))
        crossings.append(
            Crossing(
                line_id=path.line_id,
                walker=walk.walker,
                number=before + number + 1,
                direction="inward" if side[b] > 0 else "outward",
                start_ns=int(walk.time_ns[piece[a - start]]),
                crossed_ns=time_ns,
                end_ns=int(walk.time_ns[piece[b + end]]),
                east_m=east,
                north_m=north,
                along_m=float(np.clip(along[first] + share * (along[first + 1] - along[first]), 0, path.length_m)),
            )
        )
    return crossings


def _turning(inside: Array, sigma_m: float) -> int:
    """The last fix, before the side changes, at which somebody was as far from the line as he ever went.

    As far but for what the GPS's error makes of it, so that a way along the line is not cut at its highest error.
    """
    changed = np.flatnonzero((inside > 0) != (inside[0] > 0))
    apart = np.abs(inside[: changed[0]] if len(changed) else inside)
    return int(np.flatnonzero(apart >= apart.max() - TURN_SIGMAS * sigma_m)[-1])


def _step_over(inside: Array, a: int, b: int) -> tuple[int, float]:
    """The last step between two fixes that goes over the line, and after which share of it."""
    over = [i for i in range(a, b) if (inside[i] > 0) != (inside[i + 1] > 0)]
    step = over[-1]
    return step, float(inside[step] / (inside[step] - inside[step + 1]))


def _on_the_line(path: LinePath, along: Array, inside: Array, a: int, b: int, slack_m: float) -> bool:
    """Whether the way goes over the line itself, not past its end."""
    step, share = _step_over(inside, a, b)
    place = along[step] + share * (along[step + 1] - along[step])
    return bool(-slack_m <= place <= path.length_m + slack_m)


def listed_crossing(walk: Walk, paths: list[LinePath], span: tuple[int, int], number: int) -> Crossing:
    """The crossing that a list gives by its start and end: where the line was crossed first, else came nearest.

    Raises: InputError where the walker's GPS has fewer than two fixes in that time.
    """
    rows = np.flatnonzero((walk.time_ns >= span[0]) & (walk.time_ns <= span[1]))
    if len(rows) < 2:
        raise InputError(
            f"walker {walk.walker}, crossing {number}: {len(rows)} GPS fixes between its start and end; there should "
            "be 2 or more"
        )
    east, north = walk.east_m[rows], walk.north_m[rows]
    measured = [path.measure(east, north) for path in paths]
    over = [k for k, (inside, _) in enumerate(measured) if (inside[0] > 0) != (inside[-1] > 0)]
    nearest = [float(np.abs(inside).min()) for inside, _ in measured]
    chosen = over[0] if over else int(np.argmin(nearest))
    inside, along = measured[chosen]
    direction: Direction = ""
    step, share = int(np.argmin(np.abs(inside[:-1]))), 0.0
    if over:
        step, share = _step_over(inside, 0, len(rows) - 1)
        direction = "inward" if inside[-1] > 0 else "outward"
    times = walk.time_ns[rows]
    return Crossing(
        line_id=paths[chosen].line_id,
        walker=walk.walker,
        number=number,
        direction=direction,
        start_ns=int(times[0]),
        crossed_ns=int(times[step] + share * (times[step + 1] - times[step])),
        end_ns=int(times[-1]),
        east_m=float(east[step] + share * (east[step + 1] - east[step])),
        north_m=float(north[step] + share * (north[step + 1] - north[step])),
        along_m=float(np.clip(along[step], 0, paths[chosen].length_m)),
    )

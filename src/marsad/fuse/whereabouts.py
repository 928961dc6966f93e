"""Where somebody could be who was lost: a cloud of particles that goes on, and pales where it would have been seen.

Particles rather than cells: what moves keeps its direction for minutes, so that a grid would need one raster for each
direction and speed, while a particle carries both. They also leave the lattice and come back, and their cost does not
grow with it.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from marsad.fuse.motion import MOTIONS, Cloud, Grid, Ground, Pace, drift, foresee, pace_of, search, settle, spot
from marsad.geo.outline import outlines
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import GroundCovariance
from marsad.kernel.presence import LineReach, LostTrack, NextView, Outline, Whereabouts
from marsad.kernel.record import Record, read_only

Array = NDArray[np.float64]
Cells = NDArray[np.bool_]

STANDING_M_S: Final = 0.3
"""Slower than this, somebody is taken to stand."""
SHOWN: Final = 0.999
_SMOOTHING: Final = 0.6
_ROUGH_M: Final = 2.0
_ROUGH_RAD: Final = 0.03


class SearchSettings(Record):
    """How the lost are followed.

    `particles` carry one answer. `still_share` of the chance to see somebody who goes is left for one who stands: he
    melts into the background. A look ahead goes to `horizon_s` with `forecast` particles.
    """

    particles: int = 40_000
    most_step_s: float = 10.0
    still_share: float = 0.3
    horizon_s: float = 3600.0
    forecast: int = 2000
    views: int = 3
    view_m: float = 250.0


class SideOfLine(Record, eq=False):
    """On which side of a line each cell lies, int8 (rows, columns): 1 inside, -1 outside, 0 beyond the line's ends."""

    line_id: str
    side: NDArray[np.int8]


class LookRates(Record, eq=False):
    """The logarithm of staying unseen for a second, float32 (rows, columns), for those who go and who stand."""

    going: Grid
    still: Grid


def look_rates(quality: Grid, look_s: float, still_share: float) -> LookRates:
    """What the chance of being seen in one look, (rows, columns), makes of a second; a look lasts `look_s`."""
    going = np.log1p(-np.minimum(quality, 0.999)) / look_s
    still = np.log1p(-np.minimum(still_share * quality, 0.999)) / look_s
    return LookRates(going=going.astype(np.float32), still=still.astype(np.float32))


class Search:
    """The search for one lost track, in order of time.

    `rng` is its own: the same generator and the same calls give the same answer.
    """

    def __init__(
        self, lost: LostTrack, lattice: Lattice, ground: Ground, settings: SearchSettings, rng: np.random.Generator
    ) -> None:
        self.lost = lost
        self.time_ns = lost.time_ns
        self._lattice = lattice
        self._ground = ground
        self._settings = settings
        self._rng = rng
        motion = MOTIONS.get(lost.kind, MOTIONS["unknown"])
        self._pace = pace_of(motion)
        self._step_s = min(settings.most_step_s, max(1.0, lattice.cell_m / motion.fast_m_s))
        self._step_ns = round(self._step_s * 1e9)
        self._moved_ns = lost.time_ns
        self._rates: LookRates | None = None
        self._ahead: tuple[Cloud, float] | None = None
        self._cloud = _begun(lost, self._pace, settings.particles, rng)
        self._log_unseen = 0.0

    @property
    def cloud(self) -> Cloud:
        """The particles at the moment advanced to."""
        return self._present()[0]

    def advance(self, time_ns: int, rates: LookRates) -> None:
        """Go on to a moment, the cameras having looked as told since the last one; a moment past changes nothing.

        Only whole steps are taken for good; the rest waits for its step to fill, so that the answer does not depend on
        how often it is asked for. Other rates end a step.
        """
        if rates is not self._rates:
            self._finish()
            self._rates = rates
        self.time_ns = max(self.time_ns, time_ns)
        self._ahead = None
        while self.time_ns - self._moved_ns >= self._step_ns:
            self._go(self._step_ns)

    def pass_by(self, start: Array, end: Array, radius_m: float, chance: float) -> None:
        """Take in that somebody went from `start` to `end` (2,) and saw nobody so far around, which `chance` he had."""
        self._finish()
        spot(self._cloud, start, end, radius_m, math.log1p(-min(chance, 0.999)), self._settings.still_share)
        self._settle()

    def clear(self, cells: Cells, chance: float) -> None:
        """Take in that cells were searched and nobody found, with that chance to find him."""
        self._finish()
        search(self._cloud, self._ground, cells, math.log1p(-min(chance, 0.999)))
        self._settle()

    def weights(self) -> Array:
        """The particles' weights (N,), which sum to 1."""
        weights: Array = np.exp(self.cloud.log_weight)
        return weights

    def mass(self, cells: Cells) -> float:
        """The probability of being in any of the cells."""
        row, column, inside = self._places()
        found = inside.copy()
        found[inside] = cells[row[inside], column[inside]]
        return float(self.weights()[found].sum())

    def shown_mass(self, cells: Cells, hidden: Cells) -> float:
        """The probability of being in any of the cells for one who is not in `hidden` ones: what may be told.

        All that is told is told so, or the probability of being in hidden cells could be reckoned as the rest.
        """
        return self.mass(cells & ~hidden) / max(1 - self.mass(hidden), 1e-12)

    def region(self, share: float, hidden: Cells) -> Cells:
        """The smallest cells that hold a share of the probability in the sector and outside `hidden` cells."""
        return densest(self._density(hidden), share)

    def answer(self, hidden: Cells, *, tell_hidden: bool, in_view: Cells, sides: Sequence[SideOfLine]) -> Whereabouts:
        """All that can be told now; `hidden` are the cells of inhabited places, `in_view` those somebody looks at."""
        _, _, inside = self._places()
        weights, within = self.weights(), self.mass(hidden)
        density = self._density(hidden)
        halves, tenths = densest(density, 0.5), densest(density, 0.9)
        shown = np.where(densest(density, SHOWN), density / self._lattice.cell_km2, 0.0)
        views, reaches = self._foreseen(hidden, in_view, sides)
        return Whereabouts(
            lost=self.lost,
            time_ns=self.time_ns,
            lattice=self._lattice,
            density_km2=read_only(np.where(hidden, np.nan, shown).astype(np.float32)),
            area_50_km2=float(halves.sum() * self._lattice.cell_km2),
            area_90_km2=float(tenths.sum() * self._lattice.cell_km2),
            outlines_50=self._outlines(halves),
            outlines_90=self._outlines(tenths),
            left=float(weights[~inside].sum()) / max(1 - within, 1e-12),
            unseen=math.exp(self._present()[1]),
            inhabited=within if tell_hidden else None,
            effective=_effective(self.cloud.log_weight),
            next_views=views,
            lines=reaches,
        )

    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Cells]:
        row, column = self._lattice.cells_of(self.cloud.east_m, self.cloud.north_m)
        return row, column, self._lattice.holds(row, column)

    def _density(self, hidden: Cells) -> Array:
        """The probability of each cell, that of the sector outside hidden cells being 1; all 0 where there is none."""
        row, column, inside = self._places()
        inside[inside] &= ~hidden[row[inside], column[inside]]
        weights = self.weights()[inside]
        flat = row[inside] * self._lattice.columns + column[inside]
        cells = self._lattice.rows * self._lattice.columns
        counted: Array = np.bincount(flat, weights, cells).astype(np.float64).reshape(self._lattice.shape)
        width_m = _SMOOTHING * self._spread_m(inside, weights) * max(_effective(self.cloud.log_weight), 1) ** (-1 / 6)
        smooth: Array = gaussian_filter(counted, max(width_m / self._lattice.cell_m, 0.5), mode="constant", truncate=3)
        smooth[hidden] = 0.0
        total = smooth.sum()
        density: Array = smooth / total if total > 0 else smooth
        return density

    def _spread_m(self, inside: Cells, weights: Array) -> float:
        """One sigma of the cloud, the mean of both axes."""
        if not weights.sum() > 0:
            return 0.0
        spans = [_variance(axis[inside], weights) for axis in (self.cloud.east_m, self.cloud.north_m)]
        return math.sqrt(sum(spans) / 2)

    def _outlines(self, cells: Cells) -> tuple[Outline, ...]:
        return outlines(self._lattice, cells)

    def _present(self) -> tuple[Cloud, float]:
        """The particles now and the logarithm of having stayed unseen: a step that is not full is tried on a copy."""
        rest_s = (self.time_ns - self._moved_ns) / 1e9
        if rest_s <= 0 or self._rates is None:
            return self._cloud, self._log_unseen
        if self._ahead is None:
            cloud = _taken(self._cloud, np.arange(len(self._cloud.log_weight)))
            rates = self._rates
            drift(cloud, rest_s, self._pace, self._ground, rates.going, rates.still, deepcopy(self._rng))
            self._ahead = cloud, self._log_unseen + settle(cloud.log_weight)[0]
        return self._ahead

    def _finish(self) -> None:
        """Take the step that is not full for good."""
        if self.time_ns > self._moved_ns:
            self._go(self.time_ns - self._moved_ns)
        self._ahead = None

    def _go(self, step_ns: int) -> None:
        rates = self._rates
        if rates is None:
            raise ValueError(step_ns)  # `advance` sets them before time can pass
        drift(self._cloud, step_ns / 1e9, self._pace, self._ground, rates.going, rates.still, self._rng)
        self._moved_ns += step_ns
        self._settle()

    def _settle(self) -> None:
        """Bring the weights back to a sum of 1, and draw anew where too few particles carry them."""
        level, effective = settle(self._cloud.log_weight)
        self._log_unseen += level
        count = len(self._cloud.log_weight)
        if effective < 0.5 * count:
            self._cloud = _resampled(self._cloud, count, self._rng)
            self._roughen()

    def _roughen(self) -> None:
        """Part the copies of one particle a little, far within a cell."""
        cloud, rng = self._cloud, self._rng
        count = len(cloud.log_weight)
        cloud.east_m[:] += _ROUGH_M * rng.standard_normal(count)
        cloud.north_m[:] += _ROUGH_M * rng.standard_normal(count)
        cloud.heading_rad[:] += _ROUGH_RAD * rng.standard_normal(count)

    def _foreseen(
        self, hidden: Cells, in_view: Cells, sides: Sequence[SideOfLine]
    ) -> tuple[tuple[NextView, ...], tuple[LineReach, ...]]:
        """Where the lost would come into view next, and when he reaches the lines."""
        settings = self._settings
        rng = deepcopy(self._rng)  # to ask changes no answer
        cloud = _resampled(self.cloud, settings.forecast, rng)
        row, column = self._lattice.cells_of(cloud.east_m, cloud.north_m)
        inside = self._lattice.holds(row, column)
        kept = ~inside
        kept[inside] = ~hidden[row[inside], column[inside]]
        stack = np.array([each.side for each in sides], np.int8).reshape(-1, *self._lattice.shape)
        cloud = _taken(cloud, np.flatnonzero(kept))
        steps = int(settings.horizon_s / self._step_s)
        seen_s, places, crossed_s = foresee(
            cloud, steps, self._step_s, self._pace, self._ground, in_view & ~hidden, stack, rng
        )
        reaches = tuple(
            _reach(each.line_id, crossed_s[:, k], self._across(each.side, hidden)) for k, each in enumerate(sides)
        )
        return _views(seen_s, places, settings), reaches

    def _across(self, side: NDArray[np.int8], hidden: Cells) -> float:
        """The probability of being across a line from where he was lost."""
        row, column = self._lattice.cells_of([self.lost.east_m], [self.lost.north_m])
        then = int(side[row[0], column[0]]) if self._lattice.holds(row, column).all() else 0
        return self.shown_mass(side == -then, hidden) if then else 0.0


def _begun(lost: LostTrack, pace: Pace, count: int, rng: np.random.Generator) -> Cloud:
    """The cloud at the moment of the loss."""
    places = rng.standard_normal((count, 2)) @ _root(lost.covariance).T
    velocity = rng.standard_normal((count, 2)) @ _root(lost.velocity_covariance).T
    velocity += [lost.velocity_east_m_s, lost.velocity_north_m_s]
    speed = np.hypot(*velocity.T)
    going = speed > STANDING_M_S
    left = np.where(going, pace.going_s, pace.stop_s) * rng.standard_exponential(count)
    return Cloud(
        east_m=lost.east_m + places[:, 0],
        north_m=lost.north_m + places[:, 1],
        heading_rad=np.arctan2(velocity[:, 0], velocity[:, 1]),
        speed_m_s=speed,
        left_s=left,
        going=going,
        log_weight=np.full(count, -math.log(count)),
    )


def _root(c: GroundCovariance) -> Array:
    """A square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _effective(log_weight: Array) -> float:
    """How many particles of equal weight would carry as much."""
    weights = np.exp(log_weight)
    return float(weights.sum() ** 2 / (weights @ weights))


def _variance(values: Array, weights: Array) -> float:
    return float(np.average((values - np.average(values, weights=weights)) ** 2, weights=weights))


def _resampled(cloud: Cloud, count: int, rng: np.random.Generator) -> Cloud:
    """So many particles of equal weight, drawn at even steps of the summed weights."""
    summed = np.cumsum(np.exp(cloud.log_weight))
    at = (np.arange(count) + rng.random()) / count * summed[-1]
    rows = np.minimum(np.searchsorted(summed, at), len(summed) - 1)
    drawn = _taken(cloud, rows)
    drawn.log_weight[:] = -math.log(count)
    return drawn


def _taken(cloud: Cloud, rows: NDArray[np.intp]) -> Cloud:
    """Some of the particles, as often as they are named."""
    return Cloud(
        cloud.east_m[rows],
        cloud.north_m[rows],
        cloud.heading_rad[rows],
        cloud.speed_m_s[rows],
        cloud.left_s[rows],
        cloud.going[rows],
        cloud.log_weight[rows],
    )


def densest(density: Array, share: float) -> Cells:
    """The fewest cells that hold a share of all."""
    falling = np.sort(density, axis=None)[::-1]
    summed = np.cumsum(falling)
    if not summed[-1] > 0:
        return np.zeros(density.shape, np.bool_)
    lowest = falling[min(int(np.searchsorted(summed, share * summed[-1])), len(falling) - 1)]
    cells: Cells = (density >= lowest) & (density > 0)
    return cells


def _reach(line_id: str, crossed_s: Array, already: float) -> LineReach:
    met = crossed_s[np.isfinite(crossed_s)]
    return LineReach(
        line_id=line_id,
        probability=len(met) / max(len(crossed_s), 1),
        crossed=already,
        soonest_s=float(np.quantile(met, 0.1)) if len(met) else None,
        median_s=float(np.median(met)) if len(met) else None,
    )


def _views(seen_s: Array, places: Array, settings: SearchSettings) -> tuple[NextView, ...]:
    """The places of coming into view, those near each other as one, the most probable first."""
    left = np.isfinite(seen_s)
    views: list[NextView] = []
    while len(views) < settings.views and left.sum() >= max(0.02 * len(seen_s), 5):
        blocks = np.floor(places[left] / settings.view_m).astype(np.int64)
        found, counts = np.unique(blocks, axis=0, return_counts=True)
        middle = np.median(places[left][(blocks == found[counts.argmax()]).all(axis=1)], axis=0)
        near = left & (np.hypot(*(places - middle).T) <= settings.view_m)
        views.append(
            NextView(
                east_m=float(np.median(places[near, 0])),
                north_m=float(np.median(places[near, 1])),
                probability=float(near.sum() / len(seen_s)),
                soonest_s=float(np.quantile(seen_s[near], 0.1)),
                median_s=float(np.median(seen_s[near])),
            )
        )
        left &= ~near
    return tuple(sorted(views, key=lambda view: -view.probability))

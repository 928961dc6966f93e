"""A plan held against walkers one by one: on other ways than it was made with, under cameras that look in turn.

Half of the ways wander over the sector, half avoid the cameras over cells of another size; none is one that the plan
was cut by. To see more than the top of the scale, half of the walks are cut to a stretch and meet only some of the
plan's cameras.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from marsad.adapters.writing import write_refusal
from marsad.app.plan_file import PlanFile, TowerType
from marsad.app.plan_ground import Option, Sector
from marsad.app.plan_site import camera_name, planned_site
from marsad.geo.geodesy import Array
from marsad.geo.ground import CameraView
from marsad.geo.mobility import ON_FOOT
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.record import Record
from marsad.kernel.site import Camera
from marsad.plan.crossing import Passage, least_exposure, trace
from marsad.plan.foretold import foretold
from marsad.plan.line_ground import beside
from marsad.plan.search_camera import SearchCamera, look_chance
from marsad.plan.sector import Site as Place
from marsad.plan.sector import exposures, ways_across
from marsad.plan.siting import Choice, Siting
from marsad.simulate.lookout import Lookout, Walk, unfound, walk

WANDERING, AVOIDING, DRAWS = 150, 150, 40
_FINER, _SHIFT, _NOISE, _ENTRIES = 0.7, 0.31, 0.6, 0.15
_PACE = 0.15
_STRETCH_S = (30.0, 2000.0)
_BINS = 10
_CLEAR = 0.05


class Bin(Record):
    """Walks that were foretold alike: how many, and what was foretold of them and came of them on average."""

    walks: int
    foretold: float
    simulated: float


class Check(Record):
    """What the plan foretells of walks beside what was simulated of them.

    `difference` is the mean absolute difference of the two probabilities, `between` that of the
    walks for which either is between 0.05 and 0.95, `over` how much too high the foretold one is
    on average. `brier` is the mean squared error against found or not, `brier_least` what is left of it for the
    simulated probabilities themselves. `least` is the least simulated probability of any walk under the whole plan.
    """

    walks: int
    draws: int
    difference: float
    between: float | None
    over: float
    brier: float
    brier_least: float
    least: float | None
    least_foretold: float | None
    under_required: int
    whole: int
    bins: tuple[Bin, ...]


class Outcome(NamedTuple):
    """Of each walk: foretold, simulated, the share found in draws, and whether the whole plan stood."""

    foretold: Array
    simulated: Array
    found: Array
    whole: Choice


def check_plan(
    sector: Sector, plan: PlanFile, siting: Siting, options: Sequence[Option], choice: Choice, rng: np.random.Generator,
    *, ways: int = WANDERING + AVOIDING,
) -> tuple[Check, Outcome]:  # fmt: skip
    """Walks along `ways` ways, and what the plan foretells of each. Raises: InputError where nobody can walk."""
    outcome = simulated(sector, plan, siting, options, choice, rng, ways=ways)
    return summed_up(outcome, plan.probability), outcome


def simulated(
    sector: Sector, plan: PlanFile, siting: Siting, options: Sequence[Option], choice: Choice, rng: np.random.Generator,
    *, ways: int,
) -> Outcome:  # fmt: skip
    """What is foretold and what comes of each walk, every other under only some of the cameras."""
    taken = np.flatnonzero(choice)
    lookouts = [_lookout(*each) for each in _cameras(sector, plan, [options[int(k)] for k in taken])]
    rows = []
    for number, way in enumerate(_ways(sector, plan, siting, options, choice, rng, ways)):
        walked = walk(sector.surface, way, ON_FOOT, float(rng.lognormal(-(_PACE**2) / 2, _PACE)))
        if walked is None:
            continue
        whole = number % 2 == 0
        there = np.ones(len(taken), np.bool_) if whole else rng.random(len(taken)) < rng.random()
        walked = walked if whole else _stretch(walked, rng)
        share = np.zeros(siting.options)
        share[taken[there]] = 1.0
        told = foretold(sector.lattice, sector.surface, siting.place_rates(0, share), walked.places, ON_FOOT)
        chances = _found(walked, sector, [each for each, stands in zip(lookouts, there, strict=True) if stands], rng)
        rows.append((told, chances.mean(), (rng.random(DRAWS) < chances).mean(), whole))
    if not rows:
        raise InputError("nobody can walk across here: the ground is too steep on every way that was tried")
    columns = np.array(rows, np.float64).T
    return Outcome(columns[0], columns[1], columns[2], columns[3] > 0)


def summed_up(outcome: Outcome, required: float) -> Check:
    """The figures of a check."""
    off = outcome.foretold - outcome.simulated
    open_ = _open(outcome.foretold) | _open(outcome.simulated)
    whole = np.flatnonzero(outcome.whole)
    least = whole[np.argmin(outcome.simulated[whole])] if len(whole) else None
    return Check(
        walks=len(off),
        draws=DRAWS,
        difference=float(np.abs(off).mean()),
        between=float(np.abs(off[open_]).mean()) if open_.any() else None,
        over=float(off.mean()),
        brier=_brier(outcome.foretold, outcome.found),
        brier_least=_brier(outcome.simulated, outcome.found),
        least=None if least is None else float(outcome.simulated[least]),
        least_foretold=None if least is None else float(outcome.foretold[least]),
        under_required=int((outcome.simulated[whole] < required).sum()),
        whole=len(whole),
        bins=tuple(_bins(outcome)),
    )


def _open(chance: Array) -> Choice:
    """Which chances are neither next to none nor next to certain."""
    found: Choice = (chance > _CLEAR) & (chance < 1 - _CLEAR)
    return found


def _brier(told: Array, found: Array) -> float:
    """The mean squared error against outcomes of which a share `found` was 1."""
    return float((found * (1 - told) ** 2 + (1 - found) * told**2).mean())


def _bins(outcome: Outcome) -> Iterator[Bin]:
    number = np.minimum((outcome.foretold * _BINS).astype(int), _BINS - 1)
    for which in range(_BINS):
        here = number == which
        if here.any():
            yield Bin(
                walks=int(here.sum()),
                foretold=float(outcome.foretold[here].mean()),
                simulated=float(outcome.simulated[here].mean()),
            )


def _found(walked: Walk, sector: Sector, lookouts: Sequence[Lookout], rng: np.random.Generator) -> Array:
    """The chance of being found in each of the draws of when the cameras' turns begin."""
    missed = np.ones(DRAWS)
    for lookout in lookouts:
        if _far(walked, lookout):
            continue
        by_beginning = unfound(walked, sector.surface, lookout, float(rng.uniform(0, lookout.look_s)))
        missed *= by_beginning[rng.integers(0, lookout.looks, DRAWS)]
    return 1 - missed


def _stretch(walked: Walk, rng: np.random.Generator) -> Walk:
    """A part of a walk, of a length in seconds that may be of any order."""
    lasts = min(math.exp(rng.uniform(*np.log(_STRETCH_S))), walked.time_s[-1])
    begins = rng.uniform(0, walked.time_s[-1] - lasts)
    times = np.concatenate([[begins], walked.time_s[(walked.time_s > begins) & (walked.time_s < begins + lasts)],
                            [begins + lasts]])  # fmt: skip
    places = [np.interp(times, walked.time_s, axis) for axis in walked.places.T]
    return Walk(times - begins, np.stack(places, axis=1))


def _far(walked: Walk, lookout: Lookout) -> bool:
    return bool(np.hypot(*(walked.places - lookout.eye[:2]).T).min() > lookout.reach_m)


def _cameras(
    sector: Sector, plan: PlanFile, built: Sequence[Option]
) -> Iterator[tuple[Camera, CameraView, TowerType | None, float]]:
    """The planned site's cameras in the options' order, as they would stand there."""
    cameras = {camera.id: camera for camera in planned_site(sector, plan, built).cameras}
    types = {tower.id: tower for tower in plan.towers}
    for option in built:
        camera = cameras[option.candidate if option.standing else camera_name(option)]
        if camera.pose is not None:
            view = CameraView(camera.lens, camera.pose, sector.surface, reach_m=camera.reach_m)
            yield camera, view, None if option.standing else types[option.kind], plan.standing_try_s


def _lookout(camera: Camera, view: CameraView, tower: TowerType | None, try_s: float) -> Lookout:
    """A tower's camera that turns, look by look; one that stands looks where it looks, one try after another."""
    field_deg = camera.lens.horizontal_fov_deg
    pixel = 2 * math.tan(math.radians(field_deg) / 2) / camera.lens.width_px
    law = SearchCamera(pixel_rad=pixel, turn_s=1.0, reach_m=camera.reach_m)

    def shows(points: Array) -> Array:
        x, y, _ = view.project(*points.T)
        shown = view.in_picture(x, y)
        for mask in camera.masks:
            shown &= ~((x >= mask.x_px) & (x < mask.x_px + mask.w_px) & (y >= mask.y_px) & (y < mask.y_px + mask.h_px))
        return shown.astype(np.float64)

    return Lookout(
        eye=view.origin,
        up=np.ascontiguousarray(view.up),
        reach_m=camera.reach_m,
        looks=1 if tower is None else math.ceil(360 / field_deg),
        look_s=try_s if tower is None else tower.look_s,
        field_rad=2 * math.pi if tower is None else math.radians(field_deg),
        chance=lambda range_m: look_chance(law, range_m),
        shows=shows if tower is None else None,
    )


def _ways(
    sector: Sector, plan: PlanFile, siting: Siting, options: Sequence[Option], choice: Choice, rng: np.random.Generator,
    count: int,
) -> Iterator[Array]:  # fmt: skip
    """Ways over the sector, in turn one that wanders and one that avoids the cameras."""
    other, ways, rates = _other_grid(sector, plan, options, choice)
    for number in range(count):
        if number % 4 < 2:
            yield _wandering(sector, siting.passages[number // 4 % 2], rng)
        else:
            yield _avoiding(other, ways[number // 4 % 2], rates, rng)


def _wandering(sector: Sector, way: Passage, rng: np.random.Generator) -> Array:
    """A way from one side to the other with two bends at random, over ground that is known."""
    east, north = (axis.ravel() for axis in sector.lattice.centres())
    known = np.flatnonzero(~np.isnan(sector.height_m.ravel()))
    depth = 2 * abs(sector.beside.offset_m.ravel()[way.entries]).max()
    while True:
        start = int(rng.choice(way.entries))
        near = way.exits[np.hypot(east[way.exits] - east[start], north[way.exits] - north[start]) < 1.5 * depth]
        if not len(near):
            continue
        end = int(rng.choice(near))
        share = np.array([[0.0], [1 / 3], [2 / 3], [1.0]])
        first, last = (np.array([east[k], north[k]]) for k in (start, end))
        corners = first + share * (last - first)
        corners[1:3] += rng.normal(0, depth / 8, (2, 2))
        row, column = sector.lattice.cells_of(*corners.T)
        if np.isin(row * sector.lattice.columns + column, known).all():
            moved: Array = corners + rng.uniform(-0.5, 0.5, corners.shape) * sector.lattice.cell_m
            return moved


def _other_grid(
    sector: Sector, plan: PlanFile, options: Sequence[Option], choice: Choice
) -> tuple[Lattice, tuple[Passage, Passage], Array]:
    """Smaller cells that lie elsewhere, the passages over them, and what the plan's towers add there."""
    was = sector.lattice
    cell = was.cell_m * _FINER
    other = Lattice(
        west_m=was.west_m + _SHIFT * cell, north_m=was.north_m - _SHIFT * cell, cell_m=cell,
        rows=int((was.rows * was.cell_m) / cell) - 1, columns=int((was.columns * was.cell_m) / cell) - 1,
    )  # fmt: skip
    east, north = other.centres()
    near = beside(sector.corners, east, north, inside_right=sector.line.inside == "right")
    height = sector.surface.up_m(east, north)
    height[near.past | (np.abs(near.offset_m) > plan.depth_m + 1.5 * was.cell_m)] = np.nan
    kinds = {tower.id: tower.kind() for tower in plan.towers}
    built = [one for one, taken in zip(options, choice, strict=True) if taken and not one.standing]
    rates = np.zeros(height.size)
    for option in built:
        place = Place(*option.place)
        rates += exposures(sector.surface, other, [place], [kinds[option.kind]]).toarray()[0]
    return other, ways_across(other, height, near.offset_m, plan.depth_m, ON_FOOT), rates


def _avoiding(other: Lattice, way: Passage, rates: Array, rng: np.random.Generator) -> Array:
    """The least exposed way from some part of the sector's edge, by somebody who errs about what is seen."""
    east, north = (axis.ravel() for axis in other.centres())
    start = int(rng.choice(way.entries))
    away = np.hypot(east[way.entries] - east[start], north[way.entries] - north[start])
    some = way.entries[np.argsort(away)[: max(1, int(_ENTRIES * len(way.entries)))]]
    mistaken = rates * rng.lognormal(0.0, _NOISE, rates.shape) + 1e-6
    exposure, before = least_exposure(msgspec.structs.replace(way, entries=some), mistaken)
    end = way.exits[np.argmin(exposure[way.exits])]
    places = trace(before, end)
    return np.stack([east[places], north[places]], axis=1)


def draw_check(path: Path, title: str, check: Check, outcome: Outcome) -> None:
    """Write foretold against simulated as PNG. Raises: UnavailableError, InputError where it cannot be written."""
    figure = Figure(figsize=(6.0, 6.2), dpi=110, facecolor="white")
    axes = figure.add_axes((0.12, 0.1, 0.84, 0.8))
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1.0)
    for whole, colour, label in ((True, "#1f5fbf", "under the whole plan"), (False, "#e08214", "under some of it")):
        here = outcome.whole == whole
        axes.scatter(outcome.foretold[here], outcome.simulated[here], s=9, alpha=0.5, color=colour, label=label)
    axes.plot(*zip(*((each.foretold, each.simulated) for each in check.bins), strict=True), "o-", color="#111111",
              markersize=5, linewidth=1.2, label="means by tenths")  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of detection, foretold by the plan", ylabel="simulated")
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    figure.text(0.12, 0.94, title, fontsize=10, weight="bold")
    try:
        FigureCanvasAgg(figure).print_figure(path, format="png")
    except OSError as error:
        raise write_refusal(path, error) from error

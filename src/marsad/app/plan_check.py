"""A plan held against walkers one by one: on other ways than it was made with, under cameras that look in turn.

Half of the ways wander over the sector, half avoid the cameras over cells of another size; none is one that the plan
was cut by. To see more than the top of the scale, half of the walks are cut to a stretch and meet only some of the
plan's cameras.

With bases the probability is of interruption. Those walks are whole, half of them under some of the cameras; they wait
at barriers, and are stopped where the first look that finds them leaves those who come so much time, from the base
with a free crew that is the nearest to where he really ends. Paces are drawn, and responses by the plan's own law.
"""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.special import ndtri

from marsad.adapters.writing import write_refusal
from marsad.app.plan_file import PlanFile, TowerType
from marsad.app.plan_ground import Sector
from marsad.app.plan_options import Offer, Option
from marsad.app.plan_site import camera_name, planned_site
from marsad.app.plan_siting import SIZES_M, Asked, chosen, ends_m, pieces
from marsad.geo.geodesy import Array
from marsad.geo.ground import CameraView
from marsad.geo.viewshed import in_picture
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.plan import Measure
from marsad.kernel.plan_study import Bin, Check
from marsad.kernel.site import Camera, Pose
from marsad.plan.crossing import Passage, least_exposure, trace
from marsad.plan.foretold import Ground, Hurdle, foretold, stopped
from marsad.plan.interruption import Interrupting, answered
from marsad.plan.line_ground import beside
from marsad.plan.route import MOBILITY
from marsad.plan.search_camera import SearchCamera, look_chance
from marsad.plan.sector import PARTS, exposures, in_cells, piece_of, ways_across
from marsad.plan.sector import Site as Place
from marsad.plan.siting import Choice, Siting
from marsad.report.plan_wording import PLAN_MAP
from marsad.simulate.lookout import Lookout, Walk, held_up, looks_at_him, sightings, unfound, walk

WANDERING, AVOIDING, DRAWS = 150, 150, 40
_FINER, _SHIFT, _NOISE, _ENTRIES = 0.7, 0.31, 0.6, 0.15
_PACE = 0.15
_STRETCH_S = (30.0, 2000.0)
_BINS = 10
_CLEAR = 0.05
_ENOUGH = 5
"""A tenth with fewer walks says too little to have its mean drawn."""
_PACES = (0.1, 0.3, 0.5, 0.7, 0.9)
_LEAST_PACE = 0.1
_SIGHT = ("tower", "camera", "post")


class Outcome(NamedTuple):
    """Of each walk: foretold, simulated, the share found in draws, and whether the whole plan stood."""

    foretold: Array
    simulated: Array
    found: Array
    whole: Choice


class _Case(NamedTuple):
    """What all walks over a sector have in common."""

    sector: Sector
    plan: PlanFile
    asked: Asked
    siting: Siting
    found: Offer
    grounds: Mapping[Means, Ground]


class _Trial(NamedTuple):
    """One walk by one of the passages under shares of the options, and those cameras and posts that are there."""

    walked: Walk
    passage: int
    share: Array
    lookouts: Sequence[Lookout]


def check_plan(
    sector: Sector, plan: PlanFile, asked: Asked, siting: Siting, found: Offer, choice: Choice,
    rng: np.random.Generator, *, ways: int = WANDERING + AVOIDING,
) -> tuple[Check, Outcome]:  # fmt: skip
    """Walks along `ways` ways, and what the plan foretells of each. Raises: InputError where nobody can walk."""
    means = {evader.means for evader in plan.evaders}
    grounds = {one: Ground(sector.lattice, sector.surface, sector.land.over(sector.lattice, one)) for one in means}
    outcome = _simulated(_Case(sector, plan, asked, siting, found, grounds), choice, rng, ways)
    return summed_up(outcome, plan.probability, "interruption" if plan.bases else "detection"), outcome


def _simulated(case: _Case, choice: Choice, rng: np.random.Generator, ways: int) -> Outcome:
    """What is foretold and what comes of each walk, every other under only some of what looks."""
    options = case.found.options
    looks = np.array([option.element in _SIGHT for option in options])
    taken = np.flatnonzero(choice & looks)
    lookouts = {
        means: [_lookout(eye, SIZES_M[means]) for eye in _eyes(case.sector, case.plan, [options[k] for k in taken])]
        for means in {evader.means for evader in case.plan.evaders}
    }
    rows = []
    for number, (way, passage) in enumerate(_ways(case, choice, rng, ways)):
        means = case.plan.evaders[passage // 2].means
        walked = _walked(case, way, passage, means, rng)
        if walked is None:
            continue
        whole = number % 2 == 0
        there = np.ones(len(taken), np.bool_) if whole else rng.random(len(taken)) < rng.random()
        share = (choice & ~looks).astype(float)
        share[taken[there]] = 1.0
        arrives = case.siting.counted(share)[taken] > 0
        left = [each for each, looks_in in zip(lookouts[means], arrives, strict=True) if looks_in]
        told, chances = _tried(case, _Trial(walked, passage, share, left), means, rng, whole=whole)
        rows.append((told, chances.mean(), (rng.random(DRAWS) < chances).mean(), whole))
    if not rows:
        raise InputError("nobody can walk across here: the ground is too steep on every way that was tried")
    columns = np.array(rows, np.float64).T
    return Outcome(columns[0], columns[1], columns[2], columns[3] > 0)


def _walked(case: _Case, way: Array, passage: int, means: Means, rng: np.random.Generator) -> Walk | None:
    """The walk along a way at a pace of his own, to where responding is of no more use; None where nobody can go."""
    pace = float(rng.lognormal(-(_PACE**2) / 2, _PACE))
    if len(way) < 2:
        return None
    walked = walk(
        case.sector.surface, way, MOBILITY[means], 1.0 if case.asked.respond else pace,
        lambda east_m, north_m: case.sector.land.at(east_m, north_m, means),
    )  # fmt: skip
    until = ends_m(case.plan)
    if walked is None or until is None:
        return walked
    beyond = _offset(case.sector, walked) * (1 - 2 * (passage % 2)) >= until[passage % 2]
    end = int(np.argmax(beyond)) if beyond.any() else len(beyond) - 1
    return Walk(walked.time_s[: end + 1], walked.places[: end + 1]) if end > 1 else None


def _offset(sector: Sector, walked: Walk) -> Array:
    return beside(sector.corners, *walked.places.T, inside_right=sector.line.inside == "right").offset_m


def _tried(case: _Case, trial: _Trial, means: Means, rng: np.random.Generator, *, whole: bool) -> tuple[float, Array]:
    """What is foretold of a walk, and its chance in each of the draws."""
    sector, siting = case.sector, case.siting
    rates = siting.place_rates(trial.passage, trial.share)
    if isinstance(siting, Interrupting):
        return _stopped(case, siting, trial, means, rates, rng)
    walked = trial.walked if whole else _stretch(trial.walked, rng)
    told = foretold(case.grounds[means], rates, walked.places, MOBILITY[means])
    return told, _found(walked, sector, trial.lookouts, rng)


def _stopped(
    case: _Case, siting: Interrupting, trial: _Trial, means: Means, rates: Array, rng: np.random.Generator
) -> tuple[float, Array]:
    """The probability of interruption foretold, and that in draws of pace, turns, and who is found by which look."""
    sector, walked = case.sector, trial.walked
    after, hurdles = _hurdles(case, siting, trial, rates)
    exit_ = _nearest_exit(sector, siting.passages[trial.passage], walked.places[-1])

    def foreseen(left_s: Array) -> Array:
        return siting.answered(trial.passage, exit_, left_s, trial.share)

    told = stopped(case.grounds[means], rates, walked.places, MOBILITY[means], hurdles, foreseen)
    row, column = sector.lattice.cells_of(*walked.places[-1])
    soon, free = case.asked.soon_s[:, int(row), int(column)], siting.free(trial.share)
    surely = msgspec.structs.replace(siting.timing, pace=0.0)
    chances = []
    for quantile in _PACES:
        slow = max(1 + siting.timing.pace * float(ndtri(quantile)), _LEAST_PACE)
        chances.append(
            _caught(sector, trial, slow, list(zip(after, hurdles, strict=True)), rng,
                    lambda left_s: answered(left_s, soon, free, surely))
        )  # fmt: skip
    return told, np.concatenate(chances)


def _hurdles(case: _Case, siting: Interrupting, trial: _Trial, rates: Array) -> tuple[list[int], list[Hurdle]]:
    """The barriers that a walk crosses: after which of its places, and what each does."""
    if not case.plan.barriers:
        return [], []
    sector, walked = case.sector, trial.walked
    near = beside(sector.corners, *walked.places.T, inside_right=sector.line.inside == "right")
    steps = np.hypot(*np.diff(walked.places, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    held, points = siting.held_s(trial.passage, trial.share), siting.passages[trial.passage].points
    after = np.flatnonzero((near.offset_m[:-1] >= 0) != (near.offset_m[1:] >= 0))
    stretch = np.maximum(np.searchsorted(case.found.begin_m, near.along_m[after], side="right") - 1, 0)
    count = pieces(sector)
    waits = points - count + piece_of(near.along_m[after], sector.lattice.cell_m / PARTS, count)
    return after.tolist(), [
        Hurdle(float(along[k] + steps[k] / 2), float(held[which]), float(rates[wait]), float(rates[points + which]))
        for k, which, wait in zip(after, stretch, waits, strict=True)
    ]


def _nearest_exit(sector: Sector, way: Passage, place: Array) -> int:
    east, north = (axis.ravel()[way.exits] for axis in sector.lattice.centres())
    return int(way.exits[np.argmin(np.hypot(east - place[0], north - place[1]))])


def _caught(
    sector: Sector, trial: _Trial, slow: float, hurdles: Sequence[tuple[int, Hurdle]], rng: np.random.Generator,
    in_time: Callable[[Array], Array],
) -> Array:  # fmt: skip
    """The chance of being found by a look, or by what hangs on a barrier, and stopped, in some of the draws."""
    walked = trial.walked
    draws = DRAWS // len(_PACES)
    sensed: list[tuple[float, float]] = []
    for after, hurdle in reversed(hurdles):
        sensed = [(walked.time_s[after], hurdle.crossing), *((at + hurdle.held_s, more) for at, more in sensed)]
        walked = held_up(walked, after, hurdle.held_s)
    walked = Walk(walked.time_s * slow, walked.places)
    ends = walked.time_s[-1]
    at_barriers = np.array([(at * slow, -math.expm1(-more)) for at, more in sensed]).reshape(-1, 2).T
    near = [lookout for lookout in trial.lookouts if not _far(walked, lookout)]
    seen = [sightings(walked, sector.surface, each, float(rng.uniform(0, each.look_s))) for each in near]
    chances = np.empty(draws)
    for draw in range(draws):
        looks = [looks_at_him(one, each, int(rng.integers(each.looks))) for one, each in zip(seen, near, strict=True)]
        times, found = np.concatenate([at_barriers, *(np.stack(pair) for pair in looks)], axis=1)
        order = np.argsort(times, kind="stable")
        unseen = np.cumprod(np.concatenate([[1.0], 1 - found[order]]))
        chances[draw] = -np.diff(unseen) @ in_time(ends - times[order])
    return chances


def summed_up(outcome: Outcome, required: float, measure: Measure) -> Check:
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
        measure=measure,
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


class _Eye(NamedTuple):
    """What looks: a camera and its view, the tower type it turns as, what its looks are worth, how often it looks."""

    camera: Camera
    view: CameraView
    tower: TowerType | None
    share: float
    try_s: float


def _eyes(sector: Sector, plan: PlanFile, built: Sequence[Option]) -> Iterator[_Eye]:
    """What looks, in the options' order: the planned site's cameras as they would stand, and posts."""
    cameras = {camera.id: camera for camera in planned_site(sector, plan, built).cameras}
    types = {tower.id: tower for tower in plan.towers}
    for option in built:
        share, tower = 1.0, None if option.element == "camera" else types[option.kind]
        if option.element == "post" and tower is not None:
            camera, share = _as_camera(plan, option, tower), plan.posts[option.number].available
        else:
            camera = cameras[option.candidate if option.element == "camera" else camera_name(option)]
        if camera.pose is not None:
            view = CameraView(camera.lens, camera.pose, sector.surface, reach_m=camera.reach_m)
            yield _Eye(camera, view, tower, share, plan.standing_try_s)


def _as_camera(plan: PlanFile, option: Option, tower: TowerType) -> Camera:
    """A partner's post as the camera that it is said to see as well as."""
    place = plan.posts[option.number].position
    pose = Pose(
        latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg, mast_m=tower.mast_m, azimuth_deg=0.0,
        elevation_deg=0.0,
    )  # fmt: skip
    return Camera(id=option.candidate, lens=tower.lens, source="", pose=pose, reach_m=tower.reach_m)


def _lookout(eye: _Eye, size_m: float) -> Lookout:
    """A tower's camera that turns, look by look; one that stands looks where it looks, one try after another."""
    camera, view, tower = eye.camera, eye.view, eye.tower
    field_deg = camera.lens.horizontal_fov_deg
    pixel = 2 * math.tan(math.radians(field_deg) / 2) / camera.lens.width_px
    law = SearchCamera(pixel_rad=pixel, turn_s=1.0, reach_m=camera.reach_m)

    def shows(points: Array) -> Array:
        return in_picture(view, points, camera.masks).astype(np.float64)

    return Lookout(
        eye=view.origin,
        up=np.ascontiguousarray(view.up),
        reach_m=camera.reach_m,
        looks=1 if tower is None else math.ceil(360 / field_deg),
        look_s=eye.try_s if tower is None else tower.look_s,
        field_rad=2 * math.pi if tower is None else math.radians(field_deg),
        chance=lambda range_m: eye.share * look_chance(law, range_m, size_m),
        shows=shows if tower is None else None,
    )


def _ways(case: _Case, choice: Choice, rng: np.random.Generator, count: int) -> Iterator[tuple[Array, int]]:
    """Ways over the sector with their passages, in turn one that wanders and one that avoids the cameras."""
    evaders = [_other_grid(case, choice, number) for number in range(len(case.plan.evaders))]
    for number in range(count):
        which, direction = number // 8 % len(evaders), number // 4 % 2
        other, ways, rates = evaders[which]
        passage = 2 * which + direction
        if number % 4 < 2:
            yield _wandering(case.sector, case.siting.passages[passage], rng), passage
        else:
            yield _avoiding(other, ways[direction], rates, rng), passage


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


def _other_grid(case: _Case, choice: Choice, number: int) -> tuple[Lattice, tuple[Passage, Passage], Array]:
    """Smaller cells that lie elsewhere, an evader's passages over them, and what the plan's towers add there."""
    sector, plan, evader = case.sector, case.plan, case.plan.evaders[number]
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
    rates = np.zeros(height.size)
    for option in chosen(case.found.options, choice):
        if option.element in {"tower", "post"}:
            place, size = Place(*option.place), SIZES_M[evader.means]
            sees = exposures(sector.surface, other, [place], [kinds[option.kind]], size)
            rates += in_cells(other, sees).toarray()[0]
    mobility, until = MOBILITY[evader.means], ends_m(plan)
    ease = sector.land.over(other, evader.means)
    ways = ways_across(other, height, near.offset_m, plan.depth_m, mobility, until_m=until, ease=ease, parts=1)
    return other, ways, rates


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
    """Write foretold against simulated as PNG, in English. Raises: UnavailableError, InputError where that fails."""
    try:
        path.write_bytes(check_png(title, check, outcome, PLAN_MAP["en"]))
    except OSError as error:
        raise write_refusal(path, error) from error


def check_png(title: str, check: Check, outcome: Outcome, words: Mapping[str, str]) -> bytes:
    """Foretold against simulated as PNG, with the words of `report/plan_wording`."""
    figure = Figure(figsize=(6.0, 6.2), dpi=110, facecolor="white")
    axes = figure.add_axes((0.12, 0.1, 0.84, 0.8))
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1.0)
    for whole, colour, label in ((True, "#1f5fbf", "whole"), (False, "#e08214", "part")):
        here = outcome.whole == whole
        axes.scatter(outcome.foretold[here], outcome.simulated[here], s=9, alpha=0.5, color=colour, label=words[label])
    enough = [(each.foretold, each.simulated) for each in check.bins if each.walks >= _ENOUGH]
    axes.plot(*np.array(enough).reshape(-1, 2).T, "o-", color="#111111", markersize=5, linewidth=1.2,
              label=words["tenths"])  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=words["foretold"], ylabel=words["simulated"])
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    figure.text(0.12, 0.94, title, fontsize=10, weight="bold")
    written = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(written, format="png")
    return written.getvalue()

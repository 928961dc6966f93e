"""The command `marsad closure`, and what a running station asks again and again: how the plan holds now."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
from scipy.sparse import csr_array, vstack

from marsad.app.config import load_site
from marsad.app.desk_ground import Ground
from marsad.app.plan_file import PlanFile, StandingBarrier, TowerType, load_plan_file
from marsad.app.plan_ground import Sector, lay_out, position_of, standing
from marsad.app.plan_options import helpers
from marsad.app.plan_site import crews_of
from marsad.app.plan_siting import (
    SIZES_M,
    Asked,
    asked_of,
    post_rates,
    rated_places,
    standing_rates,
    waits,
    with_crossings,
)
from marsad.app.presence import logged_events, moment, moment_asked
from marsad.app.presence_start import site_lattice, start_presence
from marsad.fuse.coverage import Coverage, CoverageSettings
from marsad.geo.geodesy import Array
from marsad.geo.ground import CameraView
from marsad.kernel.closure import ClosingStep, Closure, OpenByPlan
from marsad.kernel.dispatch import Means, Patrol
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Fence, Site
from marsad.plan.closure import cheapest, open_stretches
from marsad.plan.interruption import Delaying
from marsad.plan.line_ground import beside
from marsad.plan.sector import Site as Place
from marsad.plan.sector import exposures
from marsad.plan.siting import Siting

RESTORE_MIN: Final = 30.0
"""What bringing a camera back is reckoned to take where nobody says otherwise."""
TURNS: Final = ("panning", "camera_moved")
"""What is no trouble of a camera that the plan has turning."""
_SPOTS = 60
_SEED = 0


class Standing(NamedTuple):
    """What is so now: cameras not counted on, where a third of all sight is left, who looks and who could be sent."""

    time_ns: int = 0
    missing: frozenset[str] = frozenset()
    visibility_m: float = math.inf
    people: Mapping[str, Position] = {}
    patrols: Mapping[str, Position] = {}


class _Option(NamedTuple):
    """A row of the choice: what it adds by point and size of who is looked for, where it acts, and its step."""

    rates: Mapping[Means, csr_array]
    along_m: float
    step: ClosingStep | None


class PlannedLine:
    """A site's line with its plan, worked out once; it may be asked in any thread.

    Cameras called after one of the plan's tower types turn as it does; the others look where they look.
    """

    def __init__(self, site: Site, plan: PlanFile, *, restore_min: float = RESTORE_MIN) -> None:
        """Raises: InputError where the line, its ground or its cameras are missing."""
        self.sector = sector = lay_out(site, plan)
        self.plan = plan = _as_built(sector, plan)
        self.restore_min = restore_min
        self._means = tuple({evader.means for evader in plan.evaders})
        self._others = helpers(sector, plan)
        self._fixed = self._asked()
        self._ground = Ground(sector.site, sector.surface.frame, sector.surface, sector.site.patrols)
        self._cameras = {camera.id: self._looks(camera) for camera, _ in standing(sector)}
        if not self._cameras:
            raise InputError("no camera of the site has a pose: name the plan.toml that marsad plan wrote")

    def turns(self, camera_id: str) -> bool:
        """Whether the plan has a camera turn."""
        return self._tower(camera_id) is not None

    def now(self, at: Standing) -> Closure:
        """How the plan holds under what is so now."""
        sound = [self._camera(name, at, None) for name in self._cameras if name not in at.missing]
        lookers = [_Option(self._near(place), 0.0, None) for place in at.people.values()]
        there = [*sound, *lookers]
        lost = [
            self._camera(name, at, ClosingStep(what="restore_camera", name=name, minutes=self.restore_min))
            for name in self._cameras
            if name in at.missing
        ]
        first = self._siting([*there, *lost])
        now = first.standing.copy()
        open_now = open_stretches(first, now, self.sector.beside.along_m.ravel(), self.plan.cell_m)
        answer = Closure(
            time_ns=at.time_ns,
            line_id=self.sector.line.id,
            required=self.plan.probability,
            reached=max(first.probability(now), 0.0),
            open=open_now,
            steps=(),
            minutes=0.0,
            bound_minutes=0.0,
            closable=True,
            missing=tuple(sorted(at.missing & set(self._cameras))),
            people=tuple(at.people),
        )
        if not open_now:
            return answer
        return self._closed(answer, [*there, *lost, *self._posts(at, open_now)])

    def _closed(self, answer: Closure, options: Sequence[_Option]) -> Closure:
        """The answer with what closes the line cheapest."""
        found = cheapest(self._siting(options), np.random.default_rng(_SEED))
        if found is None:
            return msgspec.structs.replace(answer, closable=False)
        chosen = zip(options, found.choice[: len(options)], strict=True)
        steps = [option.step for option, taken in chosen if taken and option.step]
        return msgspec.structs.replace(
            answer,
            steps=tuple(sorted(steps, key=lambda step: (step.what, step.along_m or 0.0))),
            minutes=found.cost,
            bound_minutes=max(0.0, found.bound),
        )

    def _asked(self) -> Asked:
        """What does not change from one moment to the next."""
        points, seen = len(rated_places(self.sector, self.plan)), {}
        for means in self._means:
            posts = [one for one in self._others.options if one.element == "post"]
            rows = [post_rates(self.sector, self.plan, one, means) for one in posts]
            rows = rows or [csr_array((0, points))]
            seen[means] = with_crossings(
                csr_array(vstack(rows)), self.plan, self._others, len(self._others.options) - len(posts)
            )
        return asked_of(self.sector, self.plan, self._others, seen)

    def _siting(self, options: Sequence[_Option]) -> Siting:
        """The choice among options beside what stands; theirs come first."""
        fixed, more = self._fixed, len(options)
        costs = np.array([0.0 if option.step is None else option.step.minutes for option in options])
        along = np.array([option.along_m for option in options])
        none = np.full(more, -1, np.int32)
        chases = [
            msgspec.structs.replace(
                chase,
                evader=msgspec.structs.replace(
                    chase.evader, exposure=_stacked([one.rates[evader.means] for one in options], chase.evader.exposure)
                ),
                delay_s=np.concatenate([np.zeros(more), chase.delay_s]),
            )
            for evader, chase in zip(self.plan.evaders, fixed.chases, strict=True)
        ]
        return fixed._replace(
            costs=np.concatenate([costs, fixed.costs]),
            along_m=np.concatenate([along, fixed.along_m]),
            standing=np.concatenate([np.array([each.step is None for each in options]), fixed.standing]),
            chases=tuple(chases),
            delaying=Delaying(*(np.concatenate([none, column]) for column in fixed.delaying)),
        ).at(self.plan.probability)

    def _posts(self, at: Standing, open_now: Sequence[OpenByPlan]) -> list[_Option]:
        """A patrol posted at places along what is open, at what it takes the first of them to get there."""
        candidates = self._ground.candidates(at.patrols)
        sector, found = self.sector, []
        if not candidates:
            return []
        for along in _spots([(each.from_m, each.to_m) for each in open_now], self.plan.cell_m):
            east, north = _on_line(sector.corners, along)
            times = [
                (each.patrol.ready_s + each.travel.seconds_at(east, north), each.patrol.patrol_id)
                for each in candidates
            ]
            seconds, name = min(times)
            if math.isinf(seconds):
                continue
            position = position_of(sector, east, north)
            step = ClosingStep(
                what="post_patrol", name=name, minutes=max(seconds / 60, 0.1), along_m=along, position=position
            )
            found.append(_Option(self._near(position), along, step))
        return found

    def _near(self, position: Position) -> dict[Means, csr_array]:
        """What somebody adds who looks around at a place."""
        point, looks = self.sector.surface.frame.point(position), CoverageSettings()
        east, north = rated_places(self.sector, self.plan).T
        reach_m = max(looks.patrol_m, 0.75 * self.plan.cell_m)
        near = np.hypot(east - point.east_m, north - point.north_m) <= reach_m
        rate = -math.log1p(-looks.patrol_chance) / looks.look_s
        return dict.fromkeys(self._means, csr_array(np.where(near, rate, 0.0).reshape(1, -1)))

    def _camera(self, name: str, at: Standing, step: ClosingStep | None) -> _Option:
        rates, range_m, along = self._cameras[name]
        if math.isfinite(at.visibility_m):
            clear = np.exp(-range_m / at.visibility_m)
            rates = {means: csr_array(each * clear) for means, each in rates.items()}
        return _Option(rates, along, step)

    def _looks(self, camera: Camera) -> tuple[dict[Means, csr_array], Array, float]:
        """What a camera adds by point in clear air for each size, how far each is, and where along the line it is."""
        sector = self.sector
        view = next(each for other, each in standing(sector) if other.id == camera.id)
        place = view.origin[:2]
        range_m = np.hypot(*(rated_places(sector, self.plan) - place).T).reshape(1, -1)
        rates = {means: self._sees(camera, view, means) for means in self._means}
        along = beside(sector.corners, *place, inside_right=True).along_m
        return rates, range_m, float(along)

    def _sees(self, camera: Camera, view: CameraView, means: Means) -> csr_array:
        sector, tower = self.sector, self._tower(camera.id)
        if tower is None:
            return standing_rates(sector, self.plan, camera, view, means)
        place = Place(float(view.origin[0]), float(view.origin[1]))
        held = waits(sector, self.plan, means)
        return exposures(sector.surface, sector.lattice, [place], [tower.kind()], SIZES_M[means], held)

    def _tower(self, camera_id: str) -> TowerType | None:
        return next((tower for tower in self.plan.towers if camera_id.endswith(f"-{tower.id}")), None)


def _as_built(sector: Sector, plan: PlanFile) -> PlanFile:
    """The plan file with what the site has of it: fences as barriers that stand, bases with the crews there."""
    kinds = {barrier.id for barrier in plan.barriers}
    fences = [_stretch_of(sector, fence) for fence in sector.site.fences if fence.name in kinds]
    crews = {post.id: crews_of(post) for post in sector.site.posts}
    bases = [
        msgspec.structs.replace(base, standing_crews=min(max(base.standing_crews, crews.get(base.id, 0)), base.crews))
        for base in plan.bases
    ]
    return msgspec.structs.replace(plan, standing=(*plan.standing, *fences), bases=tuple(bases), cover=(), survive=None)


def _stretch_of(sector: Sector, fence: Fence) -> StandingBarrier:
    """From where to where along the line a fence stands."""
    places = [sector.surface.frame.point(point) for point in fence.points]
    along = beside(
        sector.corners, [place.east_m for place in places], [place.north_m for place in places], inside_right=True
    ).along_m
    return StandingBarrier(barrier=fence.name, from_m=float(along.min()), to_m=float(along.max()))


def _stacked(rows: Sequence[csr_array], below: csr_array) -> csr_array:
    """Rows over cells above others that may have columns of barriers too."""
    wider = [csr_array((row.data, row.indices, row.indptr), shape=(1, below.shape[1])) for row in rows]
    return csr_array(vstack([*wider, below]))


def _spots(spans: Sequence[tuple[float, float]], step_m: float) -> list[float]:
    """Places along what is open, evenly, not too many."""
    middles = [along for first, last in spans for along in np.arange(first + step_m / 2, last, step_m)]
    return [float(along) for along in middles[:: math.ceil(len(middles) / _SPOTS) or 1]]


def _on_line(corners: Array, along_m: float) -> tuple[float, float]:
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    return float(np.interp(along_m, lengths, corners[:, 0])), float(np.interp(along_m, lengths, corners[:, 1]))


def standing_of(
    line: PlannedLine, coverage: Coverage, time_ns: int, patrols: Mapping[str, Position], posts: Mapping[str, Position]
) -> Standing:
    """What is so by what is known of cameras, weather and patrols; a patrol heard of a minute ago looks around it."""
    missing = {name for name in coverage.eyes if _missing(line, coverage, name)}
    frame, since_ns = line.sector.surface.frame, time_ns - round(coverage.settings.patrol_s * 1e9)
    here = {
        name: frame.position(*map(float, place.place))
        for name, place in coverage.patrols.items()
        if place.time_ns >= since_ns
    }
    return Standing(
        time_ns=time_ns,
        missing=frozenset(missing),
        visibility_m=coverage.weather.clear_m,
        people={**here, **posts},
        patrols={**patrols, **here},
    )


def _missing(line: PlannedLine, coverage: Coverage, name: str) -> bool:
    trouble = coverage.trouble(name)
    return trouble is not None and not (trouble.what in TURNS and line.turns(name))


class ClosureAsked(Record):
    """What the command was asked: see its options."""

    down: tuple[str, ...] = ()
    visibility_m: float | None = None
    manned: tuple[str, ...] = ()
    logs: tuple[Path, ...] = ()
    at: str | None = None
    restore_min: float = RESTORE_MIN


class ClosureReport(Record):
    """How a site's plan holds."""

    site_file: str
    site: str
    closure: Closure
    illustrative: bool

    @property
    def exit_code(self) -> int:
        """0 where nothing is open by plan, 1 where something is."""
        return 1 if self.closure.open else 0

    def text(self) -> str:
        """The report for people."""
        return "\n".join(_lines(self))


def closure_site(site_path: Path, settings: Path, asked: ClosureAsked) -> ClosureReport:
    """How a plan holds now, by a log or by what is said. Raises: InputError naming what to mend."""
    plan, site = load_plan_file(settings), load_site(site_path)
    line = PlannedLine(site, plan, restore_min=asked.restore_min)
    at = _standing(site, line, asked)
    return ClosureReport(
        site_file=str(site_path),
        site=site.name,
        closure=line.now(at),
        illustrative=site.terrain.illustrative or line.sector.made is not None,
    )


def _standing(site: Site, line: PlannedLine, asked: ClosureAsked) -> Standing:
    known = {camera.id for camera in site.cameras}
    if wrong := set(asked.down) - known:
        raise InputError(f"--down {min(wrong)}: the site has no camera of that name: {', '.join(sorted(known))}")
    posts = {post.id: post.position for post in site.posts}
    if wrong := set(asked.manned) - set(posts):
        raise InputError(f"--manned {min(wrong)}: the site has no post of that name: {', '.join(posts) or 'none'}")
    homes = _homes(site.patrols)
    manned = {name: posts[name] for name in asked.manned}
    at = Standing(patrols=homes, people=manned) if not asked.logs else _by_log(site, line, asked, homes, manned)
    visibility = at.visibility_m if asked.visibility_m is None else asked.visibility_m
    if not visibility > 0:
        raise InputError(f"--visibility {visibility:g}: must be above 0")
    return at._replace(missing=at.missing | set(asked.down), visibility_m=visibility)


def _by_log(
    site: Site, line: PlannedLine, asked: ClosureAsked, homes: Mapping[str, Position], posts: Mapping[str, Position]
) -> Standing:
    events = logged_events(asked.logs)
    at_ns = moment_asked(asked.at, events)
    surface = line.sector.surface
    presence = start_presence(site, surface, site_lattice(site, surface.frame, 500.0, line.plan.cell_m))
    for event in events:
        if event.time_ns <= at_ns:
            presence.take(event)
    return standing_of(line, presence.coverage, at_ns, homes, posts)


def _homes(patrols: Sequence[Patrol]) -> dict[str, Position]:
    return {patrol.patrol_id: patrol.home for patrol in patrols if patrol.home is not None}


def _lines(report: ClosureReport) -> list[str]:
    now = report.closure
    at = f", {moment(now.time_ns)}" if now.time_ns else ""
    lines = [f"{report.site}, line {now.line_id}{at}: found with at least {now.reached:.3f}, {now.required:g} planned"]
    lines += [f"  not counted on: {', '.join(now.missing)}"] if now.missing else []
    lines += [f"  looking besides the cameras: {', '.join(now.people)}"] if now.people else []
    if not now.open:
        return [*lines, "Nothing of the line is open by plan."]
    lines.append(f"Open by plan, {now.open_m:.0f} m of the line:")
    lines += [f"  {each.from_m:.0f}-{each.to_m:.0f} m, down to {each.reached:.3f}" for each in now.open]
    if not now.closable:
        return [*lines, "Nothing known closes it: no camera that could come back, and no patrol that could be posted."]
    lines.append(f"Closed in {now.minutes:.0f} minutes of work (no way below {now.bound_minutes:.0f}) by:")
    lines += [f"  {_step_text(step)}" for step in now.steps]
    posted = sum(step.what == "post_patrol" for step in now.steps)
    known = len({step.name for step in now.steps if step.what == "post_patrol"})
    return [*lines, f"  This takes {posted} posted at once; {known} could be sent."] if posted > known else lines


def _step_text(step: ClosingStep) -> str:
    if step.what == "restore_camera":
        return f"bringing {step.name} back ({step.minutes:.0f} min)"
    place = "" if step.position is None else f" ({step.position.latitude_deg:.5f}, {step.position.longitude_deg:.5f})"
    return f"posting {step.name} at {step.along_m or 0:.0f} m{place}, there in {step.minutes:.0f} min"

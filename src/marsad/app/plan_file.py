"""A plan file: TOML to `PlanFile`, what may be built along a site's line and how surely it must be held."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from marsad.adapters.vector import Shape, read_shapes
from marsad.app.reading import Reader, read_table
from marsad.app.site_rules import Finding, Words
from marsad.app.site_rules import findings as site_findings
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError, PlanFileError
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Lens
from marsad.plan.land import EASE
from marsad.plan.route import RoadKind
from marsad.plan.search_camera import SearchCamera
from marsad.plan.sector import TowerKind

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^[\w.-]+$")]
SurfaceName = Annotated[str, Meta(min_length=1, max_length=60)]
_EXAMPLE = "a plan file, such as examples/plan/plan.toml"


class TowerType(Record):
    """A tower that may be built anywhere: how high, with which camera, at what cost.

    `cost` is its equipment and material; `crew_days` are own people's; a way and a
    line are led to it, unless not `led_to`. The camera turns all round and looks each way
    for `look_s`. `source` is what the planned site names as its source; {camera} stands for the camera's name.
    """

    id: Name
    mast_m: Positive
    cost: NonNegative
    lens: Lens
    reach_m: Positive
    look_s: Positive = 5.0
    source: str = "rtsp://{camera}.invalid/thermal"
    crew_days: NonNegative = 0.0
    running_year: NonNegative = 0.0
    led_to: bool = True

    @property
    def pixel_rad(self) -> float:
        """The angle of a pixel in the middle of the picture."""
        return pixel_rad(self.lens)

    @property
    def turn_s(self) -> float:
        """How long a whole turn takes, in looks side by side."""
        return math.ceil(360 / self.lens.horizontal_fov_deg) * self.look_s

    def kind(self) -> TowerKind:
        """The tower as siting has it."""
        camera = SearchCamera(pixel_rad=self.pixel_rad, turn_s=self.turn_s, reach_m=self.reach_m)
        return TowerKind(name=self.id, mast_m=self.mast_m, camera=camera, cost=self.cost)


class Candidate(Record):
    """A place where any of the towers may be built."""

    id: Name
    position: Position


class Spread(Record):
    """Candidates looked for on the ground: `count` high places within `band_m` of the line, well apart."""

    count: Annotated[int, Meta(ge=1, le=2000)]
    band_m: Positive = 1000.0
    side: Literal["both", "inside"] = "both"


class BarrierType(Record):
    """A fence, wire or wall that may stand on any stretch of the line, and how long it holds somebody up.

    `cost_per_km` is its material; `sensor_probability` is that of being noticed by what hangs on it, once, at the
    crossing.
    """

    id: Name
    delay_s: NonNegative
    cost_per_km: NonNegative
    vehicle_delay_s: NonNegative | None = None
    crew_days_per_km: NonNegative = 0.0
    running_year_per_km: NonNegative = 0.0
    sensor_probability: Annotated[float, Meta(ge=0, lt=1)] = 0.0


class StandingBarrier(Record):
    """A barrier that is there already, from and to so far along the line."""

    barrier: Name
    from_m: NonNegative
    to_m: Positive


class PatrolBase(Record):
    """A place where patrols may wait, with up to `crews`; `standing_crews` of them are there and paid already.

    `cost` opens it, unless crews stand there; each crew costs `crew_cost` and, every year, `crew_year`.
    """

    id: Name
    position: Position
    crews: Annotated[int, Meta(ge=1, le=20)] = 1
    standing_crews: Annotated[int, Meta(ge=0, le=20)] = 0
    cost: NonNegative = 0.0
    crew_cost: NonNegative = 0.0
    crew_year: NonNegative = 0.0
    means: Means = "vehicle"
    ready_s: NonNegative = 120.0


class Respond(Record):
    """How sure the times are, how likely a crew is free, and until how far beyond the line responding is of use."""

    pace_share: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    response_share: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    free: Annotated[float, Meta(gt=0, le=1)] = 0.9
    inward_m: Positive | None = None
    outward_m: NonNegative = 0.0


class EvaderType(Record):
    """Somebody who may try to get across."""

    id: Name
    means: Means = "foot"


class Track(Record):
    """A road or a power line, as points in order; vehicles that respond use roads."""

    points: Annotated[tuple[Position, ...], Meta(min_length=2)]
    kind: RoadKind = "graded"


class SurfaceType(Record):
    """A surface, by what land is called, and the shares of the speed on firm ground that it leaves; 0 stops."""

    id: SurfaceName
    foot: Annotated[float, Meta(ge=0, le=1.5)] = 1.0
    vehicle: Annotated[float, Meta(ge=0, le=1.5)] = 1.0


class Hole(Record):
    """A piece that is left out of a polygon."""

    points: Annotated[tuple[Position, ...], Meta(min_length=3)]


class LandPiece(Record):
    """A polygon of one surface; where several lie over each other the last counts."""

    points: Annotated[tuple[Position, ...], Meta(min_length=3)]
    surface: SurfaceName
    holes: tuple[Hole, ...] = ()


class Supply(Record):
    """What own crews, roads to a tower and lines to it cost: by the day, and by the kilometre to the nearest one."""

    crew_day: NonNegative = 0.0
    road_per_km: NonNegative = 0.0
    power_per_km: NonNegative = 0.0


class PartnerPost(Record):
    """A post of the partner that watches too, as well as one of the towers would, for so much of the time."""

    id: Name
    position: Position
    sees_as: Name
    available: Annotated[float, Meta(gt=0, le=1)] = 0.5


class Relay(Record):
    """A mast that passes on what it gets; it stands already."""

    position: Position
    mast_m: Positive


class RelayType(Record):
    """A mast that may be built at any candidate and passes on what it gets; it sees nothing."""

    id: Name
    mast_m: Positive
    cost: NonNegative
    crew_days: NonNegative = 0.0
    running_year: NonNegative = 0.0
    led_to: bool = True


class Command(Record):
    """Where all pictures must arrive: over masts that see each other, from the tower to this one.

    `relays` stand, `masts` may be built; towers pass on too, unless not `towers_pass_on`. No link is longer than
    `link_m`: over 20 km at 5.8 GHz, 4 W EIRP reach a dish of 23 dBi with -75 dBm (free space), 2 dB above what IEEE
    802.11n asks of a receiver for 19.5 Mbit/s in 20 MHz.
    """

    position: Position
    mast_m: Positive
    relays: tuple[Relay, ...] = ()
    masts: tuple[RelayType, ...] = ()
    towers_pass_on: bool = True
    link_m: Positive = 20_000.0


class Cover(Record):
    """Ground on which every known cell is to be seen by so many towers, cameras or posts at once."""

    points: Annotated[tuple[Position, ...], Meta(min_length=3)]
    times: Annotated[int, Meta(ge=1, le=10)] = 2


class BuildPhase(Record):
    """A stage of building: the kinds of what is built in it, by the ids of towers and barriers, or `base`."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    builds: Annotated[tuple[Name, ...], Meta(min_length=1)]


class MadeTerrain(Record):
    """Ground generated where the site has none; nothing that rests on it is evidence."""

    seed: Annotated[int, Meta(ge=0)] = 0
    cell_m: Annotated[float, Meta(ge=5, le=100)] = 30.0


class PlanFile(Record):
    """Everything that one plan file says.

    Ways are looked at from `depth_m` on one side of the line to `depth_m` on the other, over cells of `cell_m`.
    A camera that stands already gets one try every `standing_try_s`. With bases the probability is of interruption,
    without them of detection. Costs are those of building and of `years` of running.
    """

    towers: Annotated[tuple[TowerType, ...], Meta(min_length=1)]
    probability: Annotated[float, Meta(gt=0, lt=1)] = 0.9
    depth_m: Positive = 1500.0
    cell_m: Annotated[float, Meta(ge=10)] = 100.0
    candidates: tuple[Candidate, ...] = ()
    spread: Spread | None = None
    terrain: MadeTerrain | None = None
    standing_try_s: Positive = 60.0
    seed: Annotated[int, Meta(ge=0)] = 0
    years: NonNegative = 10.0
    stretch_m: Positive = 1000.0
    barriers: tuple[BarrierType, ...] = ()
    standing: tuple[StandingBarrier, ...] = ()
    bases: tuple[PatrolBase, ...] = ()
    respond: Respond = Respond()
    evaders: Annotated[tuple[EvaderType, ...], Meta(min_length=1)] = (EvaderType(id="walker"),)
    roads: tuple[Track, ...] = ()
    roads_file: str = ""
    land: tuple[LandPiece, ...] = ()
    land_file: str = ""
    surfaces: tuple[SurfaceType, ...] = ()
    power: tuple[Track, ...] = ()
    supply: Supply = Supply()
    posts: tuple[PartnerPost, ...] = ()
    steepest_deg: Annotated[float, Meta(gt=0, le=90)] | None = None
    no_build: str = ""
    command: Command | None = None
    cover: tuple[Cover, ...] = ()
    survive: Annotated[float, Meta(gt=0, lt=1)] | None = None
    budget: Positive | None = None
    curve: tuple[Annotated[float, Meta(gt=0, lt=1)], ...] = ()
    phases: tuple[BuildPhase, ...] = ()


def pixel_rad(lens: Lens) -> float:
    """The angle of a pixel in the middle of a lens's picture."""
    return 2 * math.tan(math.radians(lens.horizontal_fov_deg) / 2) / lens.width_px


def load_plan_file(path: Path) -> PlanFile:
    """The plan file at a path.

    Raises: InputError where it cannot be read or is no TOML, PlanFileError listing every bad setting.
    """
    table, lines = read_table(path, _EXAMPLE)
    reader = Reader(lines, findings)
    plan = reader.record(table, PlanFile, ())
    if plan is None or reader.problems():
        raise PlanFileError(str(path), reader.problems())
    plan = _with_roads(plan, path.parent / plan.roads_file) if plan.roads_file else plan
    return _with_land(plan, path.parent / plan.land_file) if plan.land_file else plan


def _with_roads(plan: PlanFile, path: Path) -> PlanFile:
    """The plan file with the roads of a file of shapes: their `kind` where it is one, else as a road is."""
    found = [shape for shape in read_shapes(path, "roads_file") if shape.kind == "LineString"]
    if not found:
        raise InputError(f"roads_file: {path} has no line in it")
    return msgspec.structs.replace(plan, roads=(*plan.roads, *map(_track, found)))


def _track(shape: Shape) -> Track:
    points = tuple(Position(latitude_deg=y, longitude_deg=x) for x, y in shape.rings[0])
    kind = next((each for each in get_args(RoadKind) if each == shape.properties.get("kind")), None)
    return Track(points=points) if kind is None else Track(points=points, kind=kind)


def eases(plan: PlanFile) -> dict[Means, dict[str, float]]:
    """The shares of the speed on firm ground by means and surface: the plan file's own, before those of the house."""
    return {
        means: {**known, **{own.id.casefold(): getattr(own, means) for own in plan.surfaces}}
        for means, known in EASE.items()
    }


def _with_land(plan: PlanFile, path: Path) -> PlanFile:
    """The plan file with the polygons of a file of shapes after its own, called as their `surface` or `class` says.

    Raises: InputError where there are none, or one is called nothing, or what no surface is called.
    """
    areas = [shape for shape in read_shapes(path, "land_file") if shape.kind == "Polygon"]
    if not areas:
        raise InputError(f"land_file: {path} has no polygon in it")
    named = [_surface(area) for area in areas]
    if "" in named:
        raise InputError(
            f"land_file: {path}: {named.count('')} of its {len(named)} polygons have no `surface` and no `class`, the "
            f"first is polygon {named.index('') + 1}"
        )
    known = eases(plan)["foot"]
    strange = list(dict.fromkeys(name for name in named if name not in known))
    if strange:
        raise InputError(
            f"land_file: {path} calls land {', '.join(strange)}, of which no speed is known: add a [[surfaces]] table "
            f"for each. Known are {', '.join(known)}"
        )
    pieces = tuple(map(_land_piece, areas, named))
    return msgspec.structs.replace(plan, land=(*plan.land, *pieces))


def _surface(area: Shape) -> str:
    """What a polygon's land is called, in small letters; numbers as whole ones, as land cover maps have them."""
    told = next((area.properties[key] for key in ("surface", "class") if area.properties.get(key) is not None), "")
    whole = int(told) if isinstance(told, float) and told.is_integer() else told
    return str(whole).strip().casefold()


def _land_piece(area: Shape, surface: str) -> LandPiece:
    outer, *holes = (tuple(Position(latitude_deg=y, longitude_deg=x) for x, y in ring[:-1]) for ring in area.rings)
    return LandPiece(points=outer, surface=surface, holes=tuple(Hole(points=hole) for hole in holes))


def findings(record: Record) -> Iterator[Finding]:
    """What is impossible about one record, those within it left out."""
    if isinstance(record, PlanFile):
        yield from _plan(record)
    if isinstance(record, TowerType) and "{camera}" not in record.source:
        yield Finding(("source",), record.source, "a source with {camera} in it, which the camera's name takes")
    yield from site_findings(record)


def _plan(plan: PlanFile) -> Iterator[Finding]:
    if not plan.candidates and plan.spread is None:
        yield Finding(("candidates",), Words("(missing)"), "[[candidates]] tables, or a [spread] table")
    if plan.survive is not None and plan.survive > plan.probability:
        yield Finding(("survive",), plan.survive, f"at most probability, {plan.probability:g}")
    if plan.depth_m < 3 * plan.cell_m:
        yield Finding(("cell_m",), plan.cell_m, f"at most a third of depth_m, which is {plan.depth_m:g}")
    if plan.barriers and not plan.bases:
        yield Finding(("barriers",), Words("without [[bases]]"), "with [[bases]]: delay is of use where somebody comes")
    if plan.respond.inward_m is not None and plan.respond.inward_m > plan.depth_m:
        yield Finding(("respond", "inward_m"), plan.respond.inward_m, f"at most depth_m, {plan.depth_m:g}")
    if plan.respond.outward_m > plan.depth_m:
        yield Finding(("respond", "outward_m"), plan.respond.outward_m, f"at most depth_m, {plan.depth_m:g}")
    yield from _names(plan)
    for group in ("towers", "candidates", "barriers", "bases", "evaders", "posts", "surfaces"):
        seen: dict[str, int] = {}
        for index, one in enumerate(getattr(plan, group)):
            if seen.setdefault(one.id, index) != index:
                yield Finding((group, index, "id"), one.id, f"an id of its own: {group}[{seen[one.id]}] has this one")


def _names(plan: PlanFile) -> Iterator[Finding]:
    """Names that are used and not given, and numbers that do not go together."""
    towers, barriers = ({one.id for one in group} for group in (plan.towers, plan.barriers))
    used = [(("standing", k, "barrier"), old.barrier, barriers, "barriers") for k, old in enumerate(plan.standing)]
    used += [(("posts", k, "sees_as"), post.sees_as, towers, "towers") for k, post in enumerate(plan.posts)]
    yield from (
        Finding(key, name, f"the id of one of the [[{group}]]") for key, name, ids, group in used if name not in ids
    )
    for index, old in enumerate(plan.standing):
        if old.to_m <= old.from_m:
            yield Finding(("standing", index, "to_m"), old.to_m, f"more than from_m, {old.from_m:g}")
    for index, base in enumerate(plan.bases):
        if base.standing_crews > base.crews:
            yield Finding(("bases", index, "standing_crews"), base.standing_crews, f"at most crews, {base.crews}")
    surfaces = eases(plan)["foot"]
    for index, piece in enumerate(plan.land):
        if piece.surface.casefold() not in surfaces:
            wanted = f"one of {', '.join(surfaces)}, or a [[surfaces]] table of that id"
            yield Finding(("land", index, "surface"), piece.surface, wanted)
    masts: list[str] = []
    for index, mast in enumerate(() if plan.command is None else plan.command.masts):
        if mast.id in towers | barriers | {"base"} | set(masts):
            yield Finding(("command", "masts", index, "id"), mast.id, "an id that nothing else has")
        masts.append(mast.id)
    yield from _phases(plan, towers | barriers | {"base"} | set(masts))


def _phases(plan: PlanFile, kinds: set[str]) -> Iterator[Finding]:
    for index, phase in enumerate(plan.phases):
        for place, name in enumerate(phase.builds):
            if name not in kinds:
                yield Finding(("phases", index, "builds", place), name, "the id of a tower, barrier or mast, or base")

"""The choice to be made along a sector: what each option sees, delays and answers, for every evader."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_array, vstack

from marsad.app.plan_file import BarrierType, EvaderType, PlanFile, pixel_rad
from marsad.app.plan_ground import Sector, position_of, standing, way_points
from marsad.app.plan_options import Offer, Option, along_line, line_length_m, track_points
from marsad.geo.geodesy import Array
from marsad.geo.ground import CameraView
from marsad.geo.outline import inside_polygon
from marsad.geo.viewshed import camera_ranges
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import EnuPoint
from marsad.kernel.site import Camera
from marsad.plan.crossing import Passage, Places
from marsad.plan.interruption import Chase, Delaying, Interrupting, Timing
from marsad.plan.line_ground import beside
from marsad.plan.linked import Links
from marsad.plan.route import MOBILITY, Country, Road, RoadKind
from marsad.plan.search_camera import PERSON_M, VEHICLE_M, SearchCamera, detection_rate
from marsad.plan.sector import PARTS, Stretches, Waits, exposures, in_cells, rated, unfound_rate, ways_across
from marsad.plan.siting import Choice, Evader, Order, Siting, Spare, Watch

_FAINTEST = 1e-5
LOSABLE: Final = ("tower", "relay")
_END_M = 1000.0
_STEP_CELLS = 1.1
_ON_FOOT_M_S = 1.0
_LARGEST_COUNTRY = 1_500_000
_SPOTS = 5
_SHORTEST_HOLD_S = 1.0
SIZES_M: Final[dict[Means, float]] = {"foot": PERSON_M, "vehicle": VEHICLE_M}


class Asked(NamedTuple):
    """Everything about the choice but the probability that is asked for.

    `soon_s` (bases, rows, columns) is how soon somebody from each base is at every cell.
    """

    costs: Array
    along_m: Array
    standing: Choice
    chases: tuple[Chase, ...]
    delaying: Delaying
    timing: Timing
    respond: bool
    towers: Order
    watches: tuple[Watch, ...]
    survive: float | None
    soon_s: Array
    links: Links | None

    def at(self, probability: float) -> Siting:
        """The choice, with a probability required on every way; where any tower is lost, that asked for then."""
        spare = None if self.survive is None else Spare(self.towers, min(self.survive, probability))
        if self.respond:
            return Interrupting(
                self.costs, self.along_m, self.chases, probability, self.standing, watches=self.watches, spare=spare,
                links=self.links, delaying=self.delaying, timing=self.timing,
            )  # fmt: skip
        evaders = [chase.evader for chase in self.chases]
        return Siting(self.costs, self.along_m, evaders, probability, self.standing, self.watches, spare, self.links)


def ask(sector: Sector, plan: PlanFile, found: Offer) -> Asked:
    """The choice to be made along a sector. Raises: InputError where no candidate sees anything of it."""
    means = {one.means for one in plan.evaders}
    seen = {one: seen_by(sector, plan, found, one) for one in means}
    known = np.flatnonzero(~np.isnan(sector.height_m))
    if all(in_cells(sector.lattice, each)[:, known].nnz == 0 for each in seen.values()):
        raise InputError(
            f"no candidate sees anything within {plan.depth_m:g} m of line {sector.line.id}: raise mast_m or reach_m, "
            "or move the candidates nearer"
        )
    return asked_of(sector, plan, found, seen)


def asked_of(sector: Sector, plan: PlanFile, found: Offer, seen: Mapping[Means, csr_array]) -> Asked:
    """The choice to be made, with what every option adds to each point and stretch by the evader's means."""
    options = found.options
    where = np.array([option.place for option in options]).reshape(-1, 2)
    respond, soon = plan.respond, _soon(sector, plan)
    chases = tuple(_chase(sector, plan, found, one, seen[one.means], soon) for one in plan.evaders)
    return Asked(
        costs=np.array([option.cost for option in options], float),
        along_m=beside(sector.corners, where[:, 0], where[:, 1], inside_right=True).along_m,
        standing=np.array([option.standing for option in options], np.bool_),
        chases=chases,
        delaying=Delaying(
            np.array([option.stretch for option in options], np.int32),
            np.array([option.number if option.element == "base" else -1 for option in options], np.int32),
            np.array([option.crews for option in options], np.int32),
        ),
        timing=Timing(pace=respond.pace_share, response=respond.response_share, free=respond.free),
        respond=bool(plan.bases),
        towers=np.flatnonzero([option.element in LOSABLE for option in options]),
        survive=plan.survive,
        watches=_watches(sector, plan, chases[0].evader.exposure),
        soon_s=soon,
        links=found.links,
    )


def _watches(sector: Sector, plan: PlanFile, seen: csr_array) -> tuple[Watch, ...]:
    """Which options see each cell of the ground to be covered, and how many of them are wanted at once.

    Raises: InputError naming the first cell that too few options see.
    """
    sees, found = csr_array(in_cells(sector.lattice, seen).T), {}
    for ground in plan.cover:
        latitude, longitude = np.array([(one.latitude_deg, one.longitude_deg) for one in ground.points]).T
        ring = np.stack(sector.surface.frame.from_geodetic(latitude, longitude)[:2], axis=1)
        inside = inside_polygon(sector.lattice, ring) & ~np.isnan(sector.height_m)
        for cell in np.flatnonzero(inside):
            own = sees.indices[sees.indptr[cell] : sees.indptr[cell + 1]]
            if len(own) < ground.times:
                raise InputError(_uncovered(sector, int(cell), len(own), ground.times))
            found[own.tobytes(), ground.times] = Watch(np.sort(own).astype(np.int64), ground.times)
    return tuple(found.values())


def _uncovered(sector: Sector, cell: int, seen: int, times: int) -> str:
    place = position_of(sector, *way_points(sector, np.array([cell], np.int32))[0])
    where = f"latitude {place.latitude_deg:.5f}, longitude {place.longitude_deg:.5f}"
    return f"[[cover]]: {seen} of all options see {where}, {times} are wanted; put candidates nearer, or ask for less"


def _chase(sector: Sector, plan: PlanFile, found: Offer, evader: EvaderType, seen: csr_array, soon: Array) -> Chase:
    until = ends_m(plan)
    stretches = Stretches(sector.beside.along_m, found.begin_m, pieces(sector)) if plan.barriers else None
    ways = ways_across(
        sector.lattice, sector.height_m, sector.beside.offset_m, plan.depth_m, MOBILITY[evader.means], until_m=until,
        stretches=stretches, ease=sector.land.over(sector.lattice, evader.means),
    )  # fmt: skip
    ends = [_ended(sector, way, soon, end_m) for way, end_m in zip(ways, until or (plan.depth_m,) * 2, strict=True)]
    return Chase(
        evader=Evader(exposure=seen, passages=ways),
        delay_s=np.array([_delay_s(plan, option, evader) for option in found.options]),
        ends=tuple(groups for groups, _ in ends),
        reach_s=tuple(reach for _, reach in ends),
    )


def ends_m(plan: PlanFile) -> tuple[float, float] | None:
    """How far inside the line a way in ends, and how far outside one out, where somebody responds."""
    respond = plan.respond
    return (respond.inward_m or plan.depth_m, respond.outward_m) if plan.bases else None


def _delay_s(plan: PlanFile, option: Option, evader: EvaderType) -> float:
    if option.element != "barrier":
        return 0.0
    return _holds_s(plan.barriers[option.number], evader.means)


def _holds_s(barrier: BarrierType, means: Means) -> float:
    driven = barrier.vehicle_delay_s if barrier.vehicle_delay_s is not None else barrier.delay_s
    return driven if means == "vehicle" else barrier.delay_s


def pieces(sector: Sector) -> int:
    """How many pieces the line has, in one of which somebody is held up."""
    return max(1, math.ceil(line_length_m(sector) / sector.lattice.cell_m * PARTS))


def waits(sector: Sector, plan: PlanFile, means: Means) -> Waits | None:
    """Where barriers may hold somebody up, and how long; None where there are none."""
    if not plan.barriers:
        return None
    spots = (np.arange(pieces(sector) * _SPOTS) + 0.5) * sector.lattice.cell_m / PARTS / _SPOTS
    places = np.concatenate([along_line(sector.corners, spot, spot)[:1] for spot in spots])
    held_s = max(_SHORTEST_HOLD_S, *(_holds_s(barrier, means) for barrier in plan.barriers))
    return Waits(places.reshape(-1, _SPOTS, 2), held_s)


def rated_places(sector: Sector, plan: PlanFile) -> Array:
    """(points, 2) east and north of where rates are given: the `rated` points, then where barriers hold somebody up."""
    points = np.stack([axis.ravel() for axis in rated(sector.lattice).centres()], axis=1)
    held = waits(sector, plan, "foot")
    return points if held is None else np.concatenate([points, held.spots[:, _SPOTS // 2]])


def _ended(sector: Sector, way: Passage, soon: Array, end_m: float) -> tuple[Places, Array]:
    """The stretch of each exit, and how soon each base is at the farthest of those where a way there can end.

    Exits more than a step beyond the end are come to through others.
    """
    along, beyond = (axis.ravel()[way.exits] for axis in (sector.beside.along_m, np.abs(sector.beside.offset_m)))
    # What is left of the line's end is no kilometre of its own: there may be no cell of it near the way's end.
    last = max(int(line_length_m(sector) / _END_M) - 1, 0)
    _, groups = np.unique(np.minimum((along / _END_M).astype(np.int64), last), return_inverse=True)
    first = beyond <= end_m + _STEP_CELLS * sector.lattice.cell_m
    first |= ~np.isin(groups, groups[first])
    reach = np.zeros((len(soon), int(groups.max()) + 1))
    for base in range(len(soon)):
        np.maximum.at(reach[base], groups[first], soon[base].ravel()[way.exits[first]])
    return groups.astype(np.int32), reach


def seen_by(sector: Sector, plan: PlanFile, found: Offer, means: Means) -> csr_array:
    """(options, rated points and stretches) what every option adds to the exposure of somebody who comes so."""
    towers = [option for option in found.options if option.element == "tower"]
    kinds = [tower.kind() for tower in plan.towers]
    rows = [csr_array((0, len(rated_places(sector, plan))))]
    if towers:
        places = list(dict.fromkeys(one.place for one in towers))
        held = waits(sector, plan, means)
        every = exposures(sector.surface, sector.lattice, places, kinds, SIZES_M[means], held)
        rows.append(csr_array(every[[places.index(one.place) * len(kinds) + one.number for one in towers]]))
    rows += [standing_rates(sector, plan, *each, means) for each in standing(sector)]
    rows += [post_rates(sector, plan, one, means) for one in found.options if one.element == "post"]
    others = len(found.options) - sum(row.shape[0] for row in rows)
    return with_crossings(csr_array(vstack(rows)), plan, found, others) if others else csr_array(vstack(rows))


def post_rates(sector: Sector, plan: PlanFile, option: Option, means: Means) -> csr_array:
    """What a partner's post adds at each point, as much of the time as it is there."""
    kind = next(tower.kind() for tower in plan.towers if tower.id == option.kind)
    held = waits(sector, plan, means)
    sees = exposures(sector.surface, sector.lattice, [option.place], [kind], SIZES_M[means], held)
    return csr_array(sees * plan.posts[option.number].available)


def with_crossings(points: csr_array, plan: PlanFile, found: Offer, others: int) -> csr_array:
    """The same with rows for barriers and bases, and columns for what is noticed at a crossing."""
    stretches = len(found.begin_m) if plan.barriers else 0
    crossing = np.zeros((len(found.options), stretches))
    for row, option in enumerate(found.options):
        if option.element == "barrier":
            crossing[row, option.stretch] = -np.log1p(-plan.barriers[option.number].sensor_probability)
    grown = csr_array(vstack([points, csr_array((others, points.shape[1]))]))
    wide = np.concatenate([grown.indices, points.shape[1] + np.nonzero(crossing)[1]])
    rows = np.repeat(np.arange(grown.shape[0]), np.diff(grown.indptr))
    rows = np.concatenate([rows, np.nonzero(crossing)[0]])
    values = np.concatenate([grown.data, crossing[np.nonzero(crossing)]])
    return csr_array((values, (rows, wide)), shape=(len(found.options), points.shape[1] + stretches))


def standing_rates(sector: Sector, plan: PlanFile, camera: Camera, view: CameraView, means: Means) -> csr_array:
    """What a camera that stands adds at each point in its picture: a try every so often."""
    stares = SearchCamera(pixel_rad=pixel_rad(camera.lens), turn_s=plan.standing_try_s, reach_m=camera.reach_m)

    def rates(places: Array) -> Array:
        return detection_rate(stares, camera_ranges(view, places, camera.masks), SIZES_M[means])

    held = waits(sector, plan, means)
    points = rated(sector.lattice).rows * rated(sector.lattice).columns
    rate = rates(rated_places(sector, plan)[:points])
    if held is not None:
        spots = rates(held.spots.reshape(-1, 2)).reshape(held.spots.shape[:2])
        rate = np.concatenate([rate, unfound_rate(spots, held.held_s)])
    return csr_array(np.where(rate > _FAINTEST, rate, 0.0).reshape(1, -1))


def _soon(sector: Sector, plan: PlanFile) -> Array:
    """(bases, rows, columns) how soon somebody from each base is at every cell, on this side of the line.

    Where their means do not take them, they go the rest on foot.
    """
    lattice = sector.lattice
    if not plan.bases:
        return np.zeros((0, lattice.rows, lattice.columns))
    country = _country(sector, plan)
    east, north = lattice.centres()
    row, column = country.lattice.cells_of(east, north)
    found = np.empty((len(plan.bases), lattice.rows, lattice.columns))
    for number, base in enumerate(plan.bases):
        place = sector.surface.frame.point(base.position)
        try:
            seconds = country.travel(EnuPoint(east_m=place.east_m, north_m=place.north_m), base.means).seconds
        except InputError as error:
            raise InputError(f"base {base.id}: {error}; bases lie inside the line, on known ground") from error
        if np.isfinite(seconds).sum() == 1:
            raise InputError(f"base {base.id}: nobody gets away from there by {base.means}: water, or too steep around")
        away, (near_row, near_column) = distance_transform_edt(~np.isfinite(seconds), return_indices=True)
        walked = seconds[near_row, near_column] + away * country.lattice.cell_m / _ON_FOOT_M_S
        found[number] = base.ready_s + walked[row, column]
    return found


def _country(sector: Sector, plan: PlanFile) -> Country:
    """The ground on this side of the line, as far as the bases and the roads between."""
    east, north = sector.lattice.centres()
    places = [sector.surface.frame.point(base.position) for base in plan.bases]
    points = np.array([(place.east_m, place.north_m) for place in places])
    cell = sector.lattice.cell_m
    low = np.minimum(points.min(axis=0), (east.min(), north.min())) - 3 * cell
    high = np.maximum(points.max(axis=0), (east.max(), north.max())) + 3 * cell
    columns, rows = np.ceil((high - low) / cell).astype(int)
    if rows * columns > _LARGEST_COUNTRY:
        raise InputError("a base lies too far from the line for the cells asked for: raise cell_m, or leave it out")
    lattice = Lattice(west_m=float(low[0]), north_m=float(high[1]), cell_m=cell, rows=int(rows), columns=int(columns))
    east, north = lattice.centres()
    height = sector.surface.up_m(east, north)
    near = beside(sector.corners, east, north, inside_right=sector.line.inside == "right")
    height[near.offset_m < -cell] = np.nan
    roads = tuple(_road(track_points(sector, track), track.kind) for track in plan.roads)
    return Country(lattice, height, roads, sector.land)


def _road(points: Array, kind: RoadKind) -> Road:
    return Road(points=tuple(EnuPoint(east_m=float(e), north_m=float(n)) for e, n in points), kind=kind)


def chosen(options: Sequence[Option], choice: Choice) -> list[Option]:
    """The options of a choice."""
    return [option for option, taken in zip(options, choice, strict=True) if taken]

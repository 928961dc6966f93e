"""What may be built on a sector and what stands there: towers, barriers, bases, cameras and the partner's posts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from marsad.adapters.vector import read_shapes
from marsad.app.plan_file import BarrierType, Command, PatrolBase, PlanFile, RelayType, TowerType, Track
from marsad.app.plan_ground import Sector, position_of, standing
from marsad.geo.geodesy import Array
from marsad.geo.outline import inside_polygon
from marsad.geo.seeing import masts_see, slope_deg
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.plan import Element
from marsad.kernel.position import Position
from marsad.plan.line_ground import spread_sites
from marsad.plan.linked import Links
from marsad.plan.sector import Site as Place

_LEAST_STRETCH_M = 100.0


class Option(NamedTuple):
    """One thing that may be built or that stands: where, of what kind, at what cost; `number` is its place in its list.

    `course` (K, 2) is a barrier's, on its `stretch`; `crews` are a base's in all.
    """

    candidate: str
    kind: str
    place: Place
    capital: float = 0.0
    running_year: float = 0.0
    years: float = 0.0
    standing: bool = False
    element: Element = "tower"
    number: int = 0
    course: Array | None = None
    stretch: int = -1
    crews: int = 0

    @property
    def cost(self) -> float:
        """To build it and to run it for the plan's years."""
        return self.capital + self.years * self.running_year


class Offer(NamedTuple):
    """The options, where stretches of barriers begin along the line, and what was left out and why.

    `links` say over which masts pictures arrive; None where all do.
    """

    options: tuple[Option, ...]
    begin_m: Array
    notes: tuple[str, ...]
    links: Links | None = None


def offer(sector: Sector, plan: PlanFile, folder: Path) -> Offer:
    """All that a plan may be made of; `folder` is what the plan file's paths are seen from."""
    places, notes = _allowed(sector, plan, candidate_places(sector, plan), folder)
    begin_m = _begins(sector, plan)
    towers = [
        _tower(sector, plan, name, place, tower, number)
        for name, place in places.items()
        for number, tower in enumerate(plan.towers)
    ]
    stood = [
        Option(camera.id, "standing", Place(float(view.origin[0]), float(view.origin[1])), standing=True,
               element="camera", number=number)
        for number, (camera, view) in enumerate(standing(sector))
    ]  # fmt: skip
    towers, relays, links, cut = _linked(sector, plan, towers, _relays(sector, plan, places))
    others = (*stood, *_posts(sector, plan), *_barriers(sector, plan, begin_m), *_bases(sector, plan))
    if links is not None:
        # Relays come last: the rows of what they see are as many zeros.
        later = links.nodes >= len(towers)
        links = links._replace(nodes=np.where(later, links.nodes + len(others), links.nodes))
    return Offer((*towers, *others, *relays), begin_m, notes + cut, links)


def helpers(sector: Sector, plan: PlanFile) -> Offer:
    """What stands besides cameras: the partner's posts, barriers, and bases with the crews that are there."""
    begin_m = _begins(sector, plan)
    options = (*_posts(sector, plan), *_barriers(sector, plan, begin_m), *_bases(sector, plan))
    return Offer(tuple(option for option in options if option.standing), begin_m, ())


def candidate_places(sector: Sector, plan: PlanFile) -> dict[str, Place]:
    """The places where towers may be built, by name: those given, then those looked for."""
    places: dict[str, Place] = {}
    for candidate in plan.candidates:
        places[candidate.id] = _on_ground(sector, candidate.position, f"candidate {candidate.id}")
    if plan.spread is not None:
        near = sector.beside
        if plan.spread.side == "inside":
            near = near._replace(past=near.past | (near.offset_m < 0))
        found = spread_sites(sector.lattice, sector.height_m, near, plan.spread.count, plan.spread.band_m)
        for number, place in enumerate(found, 1):
            name = f"place-{number}"
            if name in places:
                raise InputError(f"candidate {name}: [spread] names its places so; give this one another id")
            places[name] = place
    return places


def _on_ground(sector: Sector, position: Position, name: str) -> Place:
    point = sector.surface.frame.point(position)
    if np.isnan(sector.surface.up_m(point.east_m, point.north_m)):
        raise InputError(f"{name}: the ground there is not known; add the tile, or leave it out")
    return Place(point.east_m, point.north_m)


def _allowed(
    sector: Sector, plan: PlanFile, places: dict[str, Place], folder: Path
) -> tuple[dict[str, Place], tuple[str, ...]]:
    """The candidates on ground that is not too steep and not closed to building, and a note of the others."""
    closed = read_areas(sector, folder / plan.no_build, "no_build") if plan.no_build else []
    steep = [name for name, place in places.items() if _steep(sector, plan, place)]
    shut = [name for name, place in places.items() if any(_inside(place, rings) for rings in closed)]
    notes = [f"left out as steeper than {plan.steepest_deg:g} degrees: {', '.join(steep)}"] if steep else []
    notes += [f"left out as in {plan.no_build}: {', '.join(shut)}"] if shut else []
    left = {name: place for name, place in places.items() if name not in {*steep, *shut}}
    if not left:
        raise InputError("no candidate is left: " + "; ".join(notes or ["[[candidates]] or [spread] name none"]))
    return left, tuple(notes)


def _steep(sector: Sector, plan: PlanFile, place: Place) -> bool:
    if plan.steepest_deg is None:
        return False
    return slope_deg(sector.surface, position_of(sector, *place))[0] > plan.steepest_deg


def _linked(
    sector: Sector, plan: PlanFile, towers: Sequence[Option], relays: Sequence[Option]
) -> tuple[list[Option], list[Option], Links | None, tuple[str, ...]]:
    """The towers and relays that can be linked to the command post, how, and a note of the others.

    No links are told, and no relays offered, where every tower sees a mast that stands and is linked.
    """
    if plan.command is None:
        return [*towers], [], None, ()
    offered = [*towers, *relays]
    masts = [_mast_m(plan, option) for option in offered]
    links = _links(sector, plan.command, offered, np.array(masts))
    kept = np.flatnonzero(links.reached(np.ones(len(offered), np.bool_)))
    near = [option for number, option in enumerate(towers) if number in set(kept.tolist())]
    if not near:
        raise InputError(
            f"no tower has a line of sight of at most link_m = {plan.command.link_m:g} m to [command], or to a relay "
            "or mast that is linked to it: raise masts or link_m, or add [[command.relays]] that stand or "
            "[[command.masts]] that may be built"
        )
    cut = [f"{one.candidate}-{one.kind}" for one in towers if one not in near]
    why = f"left out without a line of sight, of at most {plan.command.link_m:g} m, to the command post"
    notes = (f"{why}: {', '.join(cut)}",) if cut else ()
    if links.direct[: len(towers)][kept[kept < len(towers)]].all():
        return near, [], None, notes
    return near, [offered[k] for k in kept if k >= len(towers)], links.only(kept), notes


def _mast_m(plan: PlanFile, option: Option) -> float:
    masts = () if plan.command is None else plan.command.masts
    return (masts if option.element == "relay" else plan.towers)[option.number].mast_m


def _links(sector: Sector, command: Command, offered: Sequence[Option], mast_m: Array) -> Links:
    """Which masts see each other near enough, and which the command post or what stands and is linked to it."""
    frame = sector.surface.frame
    stand = [(command.position, command.mast_m), *((relay.position, relay.mast_m) for relay in command.relays)]
    places = [frame.point(position) for position, _ in stand]
    where = np.array([*((place.east_m, place.north_m) for place in places), *(option.place for option in offered)])
    sees = masts_see(sector.surface, where, np.concatenate([[tall for _, tall in stand], mast_m]))
    sees &= np.hypot(*(where[:, None] - where[None]).transpose(2, 0, 1)) <= command.link_m
    linked = np.arange(len(stand)) == 0
    while (more := sees[: len(stand), : len(stand)][linked].any(axis=0) & ~linked).any():
        linked |= more
    relay = np.array([option.element == "relay" for option in offered], np.bool_)
    return Links(
        nodes=np.arange(len(offered)),
        direct=sees[: len(stand), len(stand) :][linked].any(axis=0),
        near=sees[len(stand) :, len(stand) :],
        passes=relay | command.towers_pass_on,
        needs=~relay,
    )


def _relays(sector: Sector, plan: PlanFile, places: Mapping[str, Place]) -> list[Option]:
    """Every mast that may be built, at every candidate."""
    masts = () if plan.command is None else plan.command.masts
    return [
        Option(name, mast.id, place, _capital(sector, plan, place, mast), mast.running_year, plan.years,
               element="relay", number=number)
        for name, place in places.items()
        for number, mast in enumerate(masts)
    ]  # fmt: skip


def read_areas(sector: Sector, path: Path, key: str) -> list[tuple[Array, ...]]:
    """The polygons of a GeoJSON, GeoPackage or KML file, each its outer ring (K, 2), east and north, and its holes.

    Raises: InputError where it cannot be read or has none.
    """
    areas = [shape for shape in read_shapes(path, key) if shape.kind == "Polygon"]
    if not areas:
        raise InputError(f"{key}: {path} has no polygon in it")
    return [tuple(_ring(sector, np.array(ring)) for ring in area.rings) for area in areas]


def _ring(sector: Sector, corners: Array) -> Array:
    return np.stack(sector.surface.frame.from_geodetic(corners[:, 1], corners[:, 0])[:2], axis=1)


def _inside(place: Place, rings: tuple[Array, ...]) -> bool:
    """Whether a place lies in a polygon, and in none of its holes."""
    spot = Lattice(west_m=place.east_m - 0.5, north_m=place.north_m + 0.5, cell_m=1.0, rows=1, columns=1)
    outer, *holes = (bool(inside_polygon(spot, ring)[0, 0]) for ring in rings)
    return outer and not any(holes)


def _tower(sector: Sector, plan: PlanFile, name: str, place: Place, tower: TowerType, number: int) -> Option:
    capital = _capital(sector, plan, place, tower)
    return Option(name, tower.id, place, capital, tower.running_year, plan.years, number=number)


def _capital(sector: Sector, plan: PlanFile, place: Place, built: TowerType | RelayType) -> float:
    """What something costs to build at a place, with the way and the line to it."""
    supply = plan.supply
    led = supply.road_per_km * _away_km(sector, plan.roads, place)
    led += supply.power_per_km * _away_km(sector, plan.power, place)
    return built.cost + built.crew_days * supply.crew_day + (round(led) if built.led_to else 0.0)


def _away_km(sector: Sector, tracks: Sequence[Track], place: Place) -> float:
    """How far the nearest of the tracks is; 0 where there are none."""
    return min((_away_m(track_points(sector, track), np.array(place)) for track in tracks), default=0.0) / 1000


def _away_m(points: Array, place: Array) -> float:
    starts, steps = points[:-1], np.diff(points, axis=0)
    share = np.clip(((place - starts) * steps).sum(axis=1) / np.maximum((steps**2).sum(axis=1), 1e-9), 0.0, 1.0)
    return float(np.hypot(*(starts + share[:, None] * steps - place).T).min())


def track_points(sector: Sector, track: Track) -> Array:
    """A road's or a power line's points (K, 2), east and north."""
    latitude, longitude = np.array([(point.latitude_deg, point.longitude_deg) for point in track.points]).T
    return np.stack(sector.surface.frame.from_geodetic(latitude, longitude)[:2], axis=1)


def _posts(sector: Sector, plan: PlanFile) -> list[Option]:
    return [
        Option(post.id, post.sees_as, _on_ground(sector, post.position, f"post {post.id}"), standing=True,
               element="post", number=number)
        for number, post in enumerate(plan.posts)
    ]  # fmt: skip


def line_length_m(sector: Sector) -> float:
    """How long the line is."""
    return float(np.hypot(*np.diff(sector.corners, axis=0).T).sum())


def _begins(sector: Sector, plan: PlanFile) -> Array:
    """Where stretches begin: at regular steps, and where what stands begins and ends."""
    length = line_length_m(sector) - _LEAST_STRETCH_M
    marks = {float(mark) for mark in np.arange(0.0, length, plan.stretch_m)}
    marks |= {mark for old in plan.standing for mark in (old.from_m, old.to_m) if mark < length}
    kept: list[float] = []
    for mark in sorted(marks):
        if not kept or mark - kept[-1] > _LEAST_STRETCH_M:
            kept.append(mark)
    return np.array(kept)


def _barriers(sector: Sector, plan: PlanFile, begin_m: Array) -> list[Option]:
    """Every barrier on every stretch, those that stand there already free of cost."""
    ends = np.append(begin_m[1:], line_length_m(sector))
    found = []
    for stretch, (begin, end) in enumerate(zip(begin_m, ends, strict=True)):
        course = along_line(sector.corners, float(begin), float(end))
        middle = along_line(sector.corners, float(begin + end) / 2, float(begin + end) / 2)[0]
        for number, barrier in enumerate(plan.barriers):
            stands = any(
                old.barrier == barrier.id
                and old.from_m <= begin + _LEAST_STRETCH_M
                and end <= old.to_m + _LEAST_STRETCH_M
                for old in plan.standing
            )
            capital, year = (0.0, 0.0) if stands else _barrier_cost(plan, barrier, float(end - begin))
            found.append(
                Option(
                    f"km-{begin / 1000:.1f}", barrier.id, Place(float(middle[0]), float(middle[1])), capital, year,
                    plan.years, stands, "barrier", number, course, stretch,
                )
            )  # fmt: skip
    return found


def _barrier_cost(plan: PlanFile, barrier: BarrierType, length_m: float) -> tuple[float, float]:
    a_km = barrier.cost_per_km + barrier.crew_days_per_km * plan.supply.crew_day
    return float(round(a_km * length_m / 1000)), float(round(barrier.running_year_per_km * length_m / 1000, 2))


def along_line(corners: Array, begin_m: float, end_m: float) -> Array:
    """The part of a line (K, 2) from and to so far along it."""
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    inner = at[(at > begin_m) & (at < end_m)]
    marks = np.concatenate([[begin_m], inner, [end_m]])
    return np.stack([np.interp(marks, at, corners[:, 0]), np.interp(marks, at, corners[:, 1])], axis=1)


def _bases(sector: Sector, plan: PlanFile) -> list[Option]:
    """Every base with every number of crews, beginning with those that are there already."""
    return [
        _base(plan, base, _on_ground(sector, base.position, f"base {base.id}"), number, crews)
        for number, base in enumerate(plan.bases)
        for crews in range(max(base.standing_crews, 1), base.crews + 1)
    ]


def _base(plan: PlanFile, base: PatrolBase, place: Place, number: int, crews: int) -> Option:
    more = crews - base.standing_crews
    opened = base.cost if base.standing_crews == 0 else 0.0
    return Option(
        base.id, "base", place, opened + more * base.crew_cost, more * base.crew_year, plan.years, more == 0, "base",
        number, None, -1, crews,
    )  # fmt: skip

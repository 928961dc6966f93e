"""A plan as a site that the rest of Marsad runs on, and as GeoJSON."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from marsad.app.plan_file import PlanFile, TowerType
from marsad.app.plan_ground import Sector, position_of
from marsad.app.plan_options import Option
from marsad.app.scenario_file import TERRAIN
from marsad.geo.geodesy import Array
from marsad.geo.outline import outlines
from marsad.kernel.error import InputError
from marsad.kernel.plan import Way
from marsad.kernel.position import Position
from marsad.kernel.presence import Ring
from marsad.kernel.site import Camera, Fence, Pose, Post, Site

Feature = dict[str, object]
_LOWEST_DEG, _HIGHEST_DEG = -45.0, 20.0
_CREWS = "patrols: "
ISOCHRONES_MIN = (5, 10, 15, 20, 30, 45, 60)


def camera_name(option: Option) -> str:
    """What the camera of a tower is called."""
    return f"{option.candidate}-{option.kind}"


def planned_site(sector: Sector, plan: PlanFile, built: Sequence[Option]) -> Site:
    """The site with the plan's cameras on it, each at rest towards the line, its barriers as fences, bases as posts."""
    types = {tower.id: tower for tower in plan.towers}
    towers = [option for option in built if option.element == "tower"]
    cameras = tuple(_camera(sector, option, types[option.kind]) for option in towers)
    site = msgspec.structs.replace(
        sector.site,
        cameras=(*sector.site.cameras, *cameras),
        fences=(*sector.site.fences, *_fences(sector, built)),
        posts=(*sector.site.posts, *_posts(sector, built)),
    )
    if sector.made is None:
        return site
    terrain = msgspec.structs.replace(site.terrain, files=(TERRAIN,), flat_height_m=None, illustrative=True)
    return msgspec.structs.replace(site, terrain=terrain)


def _fences(sector: Sector, built: Sequence[Option]) -> list[Fence]:
    """The barriers of a plan, stretches of one kind that follow each other as one; those of a site stay its own."""
    runs: list[list[Option]] = []
    for option in sorted((one for one in built if one.element == "barrier"), key=lambda one: (one.kind, one.stretch)):
        if runs and runs[-1][-1].kind == option.kind and runs[-1][-1].stretch == option.stretch - 1:
            runs[-1].append(option)
        else:
            runs.append([option])
    return [
        Fence(id=f"{run[0].kind}-{run[0].candidate}", name=run[0].kind, points=positions(sector, _course(run)))
        for run in runs
    ]


def _course(run: Sequence[Option]) -> Array:
    """The points of stretches one after the other."""
    parts = [option.course for option in run if option.course is not None]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _posts(sector: Sector, built: Sequence[Option]) -> list[Post]:
    """The bases of a plan with the most crews that each has, but those that the site has already."""
    known = {post.id for post in sector.site.posts}
    bases = sorted((option for option in built if option.element == "base"), key=lambda option: option.crews)
    return [
        Post(id=name, position=position_of(sector, *option.place), name=f"{_CREWS}{option.crews}")
        for name, option in {option.candidate: option for option in bases}.items()
        if name not in known
    ]


def crews_of(post: Post) -> int:
    """How many crews a post that was a plan's base has; 0 where it was none."""
    number = post.name.removeprefix(_CREWS)
    return int(number) if number != post.name and number.isdecimal() else 0


def positions(sector: Sector, points: Array) -> tuple[Position, ...]:
    """Points (K, 2), east and north, on the earth."""
    return tuple(Position(latitude_deg=y, longitude_deg=x) for x, y in lonlat(sector, points))


def refuse_clashes(sector: Sector, options: Sequence[Option]) -> None:
    """Raise InputError where a tower's camera would have a name that the site uses."""
    site = sector.site
    taken = {camera.id for camera in site.cameras} | {post.id for post in site.posts}
    taken |= {patrol.patrol_id for patrol in site.patrols}
    for option in options:
        if option.element == "tower" and camera_name(option) in taken:
            raise InputError(f"candidate {option.candidate}: the site has a {camera_name(option)} already; rename it")


def _camera(sector: Sector, option: Option, tower: TowerType) -> Camera:
    name = camera_name(option)
    azimuth_deg, elevation_deg = _towards_line(sector, option, tower.mast_m)
    place = position_of(sector, *option.place)
    pose = Pose(
        latitude_deg=round(place.latitude_deg, 7), longitude_deg=round(place.longitude_deg, 7), mast_m=tower.mast_m,
        azimuth_deg=azimuth_deg, elevation_deg=elevation_deg,
    )  # fmt: skip
    return Camera(
        id=name, lens=tower.lens, source=tower.source.replace("{camera}", name), pose=pose, reach_m=tower.reach_m
    )


def _towards_line(sector: Sector, option: Option, mast_m: float) -> tuple[float, float]:
    """Azimuth and elevation of the nearest ground of the line, or of what lies inside a tower that stands on it."""
    east, north = option.place
    target = _nearest(sector.corners, np.array(option.place))
    away = float(np.hypot(*(target - option.place)))
    if away < sector.lattice.cell_m:
        along = _direction(sector.corners, target)
        inward = np.array([along[1], -along[0]]) * (1.0 if sector.line.inside == "right" else -1.0)
        target = np.array(option.place) - inward * 3 * sector.lattice.cell_m
        away = float(np.hypot(*(target - option.place)))
    feet = sector.surface.up_m([east, target[0]], [north, target[1]])
    drop = float(np.nan_to_num(feet[0] - feet[1])) + mast_m
    elevation = min(max(-math.degrees(math.atan2(drop, away)), _LOWEST_DEG), _HIGHEST_DEG)
    azimuth = math.degrees(math.atan2(target[0] - east, target[1] - north)) % 360
    return round(azimuth, 2), round(elevation, 2)


def _nearest(corners: Array, place: Array) -> Array:
    """The point of a line nearest to a place."""
    starts, steps = corners[:-1], np.diff(corners, axis=0)
    share = np.clip(((place - starts) * steps).sum(axis=1) / (steps**2).sum(axis=1), 0.0, 1.0)
    points = starts + share[:, None] * steps
    nearest: Array = points[np.argmin(np.hypot(*(points - place).T))]
    return nearest


def _direction(corners: Array, place: Array) -> Array:
    """The direction of the stretch of a line that a point of it lies on."""
    steps = np.diff(corners, axis=0)
    share = np.clip(((place - corners[:-1]) * steps).sum(axis=1) / (steps**2).sum(axis=1), 0.0, 1.0)
    stretch = int(np.argmin(np.hypot(*(corners[:-1] + share[:, None] * steps - place).T)))
    ahead: Array = steps[stretch] / np.hypot(*steps[stretch])
    return ahead


def lonlat(sector: Sector, points: Array) -> tuple[tuple[float, float], ...]:
    """Longitude and latitude of points (K, 2), east and north."""
    latitude, longitude, _ = sector.surface.frame.to_geodetic(points[:, 0], points[:, 1])
    return tuple((round(float(x), 7), round(float(y), 7)) for x, y in zip(longitude, latitude, strict=True))


def features(sector: Sector, options: Sequence[Option], chosen: Sequence[bool], ways: Sequence[Way]) -> list[Feature]:
    """All that a map of the plan shows, longitude and latitude on WGS84."""
    line: Feature = {"feature": "line", "line_id": sector.line.id}
    found = [_feature("LineString", lonlat(sector, sector.corners), line)]
    used = {option.candidate for option, taken in zip(options, chosen, strict=True) if taken}
    points = [option for option in options if option.course is None]
    free = {option.candidate: option for option in points if option.candidate not in used}
    found += [
        _feature("Point", _spot(sector, option), {"feature": "candidate", "candidate": name})
        for name, option in free.items()
    ]
    found += [_built(sector, option) for option, taken in zip(options, chosen, strict=True) if taken]
    return found + [_way(way) for way in ways]


def isochrones(sector: Sector, soon_s: Array, options: Sequence[Option], chosen: Sequence[bool]) -> list[Feature]:
    """The ground of the sector that is reached from each base within so many minutes of the alarm, the widest first.

    `soon_s` (bases, rows, columns) is how soon somebody is there.
    """
    taken = (option for option, there in zip(options, chosen, strict=True) if there and option.element == "base")
    bases = {option.candidate: option.number for option in taken}
    known = ~np.isnan(sector.height_m)
    return [
        _feature("Polygon", [_closed(sector, ring) for ring in rings],
                 {"feature": "isochrone", "candidate": name, "minutes": minutes})
        for name, number in bases.items()
        for minutes in reversed(ISOCHRONES_MIN)
        for rings in outlines(sector.lattice, known & (soon_s[number] <= 60.0 * minutes))
    ]  # fmt: skip


def _closed(sector: Sector, ring: Ring) -> tuple[tuple[float, float], ...]:
    return lonlat(sector, np.array([*ring, ring[0]]))


def _built(sector: Sector, option: Option) -> Feature:
    sign = "standing" if option.standing and option.element == "camera" else option.element
    properties: Feature = {
        "feature": sign,
        "candidate": option.candidate,
        "kind": option.kind,
        "cost": option.cost,
        "standing": option.standing,
    }
    if option.element in {"tower", "camera"}:
        properties["camera_id"] = option.candidate if option.standing else camera_name(option)
    if option.element == "base":
        properties["crews"] = option.crews
    if option.course is not None:
        return _feature("LineString", lonlat(sector, option.course), properties)
    return _feature("Point", _spot(sector, option), properties)


def _way(way: Way) -> Feature:
    properties: Feature = {
        "feature": "worst_way",
        "evader": way.evader,
        "direction": way.direction,
        "probability": round(way.probability, 4),
        "detected": round(way.detected, 4),
        "seconds": round(way.seconds),
        "unseen_m": round(way.unseen_m),
        "crosses": _corner(way.crosses),
    }
    if way.critical is not None:
        properties["critical"] = _corner(way.critical)
    return _feature("LineString", [_corner(point) for point in way.points], properties)


def _corner(point: Position) -> tuple[float, float]:
    return point.longitude_deg, point.latitude_deg


def _spot(sector: Sector, option: Option) -> tuple[float, float]:
    return lonlat(sector, np.array([option.place]))[0]


def _feature(kind: str, coordinates: object, properties: Feature) -> Feature:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}

"""The command `marsad check`: what a site file says, and what is wrong with it."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.adapters.dem import site_surface
from marsad.adapters.rtsp import masked
from marsad.app.config import load_site
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, GroundHit, optics, site_origin
from marsad.kernel.error import InputError, SiteError
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Pose, Site

ROWS, COLUMNS = 64, 9
"""Through so many rows and columns of its picture a camera is looked: distance changes from row to row."""
STEP_M = 25.0
"""Lines and the sides of zones are looked at every so many metres."""
PERSON_M = 1.7
FAR_M = 100_000.0


class Problem(Record):
    """One thing to mend; `key`, `value` and `line` are empty where it is about the file as a whole."""

    key: str = ""
    value: str = ""
    valid: str
    line: int | None = None

    def text(self) -> str:
        """The problem for people."""
        where = "" if self.line is None else f"line {self.line}: "
        return f"{where}{self.key} = {self.value}: {self.valid}" if self.key else self.valid


class CameraSummary(Record):
    """What one camera covers.

    `ground` is the part of the picture that sees ground within reach; `near_m` and `far_m` bound how far away that
    lies, None where it sees none or nothing is known of the ground. `metres_per_pixel_far` is a pixel's size there.
    `sees` gives, for each line and zone, the part along which a standing person would be in view.
    """

    id: str
    source: str
    posed: bool
    picture: str
    fov_deg: tuple[float, float]
    ground: float | None = None
    near_m: float | None = None
    far_m: float | None = None
    metres_per_pixel_far: float | None = None
    sees: dict[str, float] = msgspec.field(default_factory=dict)


class TerrainSummary(Record):
    """Where the ground comes from; `void` is the part within the site's reach whose height is not known."""

    kind: str
    files: int
    illustrative: bool
    low_m: float | None = None
    high_m: float | None = None
    void: float | None = None


class CheckReport(Record):
    """What a site file holds; `problems` must be mended, `notes` are worth knowing."""

    site_file: str
    ok: bool
    name: str = ""
    cameras: tuple[CameraSummary, ...] = ()
    lines: dict[str, float] = msgspec.field(default_factory=dict)
    zones: dict[str, float] = msgspec.field(default_factory=dict)
    terrain: TerrainSummary | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where the site can be used, 1 where something must be mended."""
        return 0 if self.ok else 1

    def text(self) -> str:
        """The report for people."""
        if not self.ok:
            listed = [f"  {problem.text()}" for problem in self.problems]
            return "\n".join([f"{self.site_file}: {len(listed)} to mend", *listed])
        lines = [f"{self.site_file}: OK, {self.name}"]
        lines += [_camera_text(camera) for camera in self.cameras]
        lines += [f"  line {name}: {length / 1000:.2f} km" for name, length in self.lines.items()]
        lines += [f"  zone {name}: {area / 1e4:.2f} ha" for name, area in self.zones.items()]
        lines += [_terrain_text(self.terrain)] if self.terrain is not None else []
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def check_site(path: Path) -> CheckReport:
    """What the site file holds, its terrain loaded and its cameras stood on it."""
    try:
        site = load_site(path)
    except SiteError as error:
        problems = [Problem(key=one.key, value=one.value, valid=one.valid, line=one.line) for one in error.problems]
        return CheckReport(site_file=str(path), ok=False, problems=tuple(problems))
    except InputError as error:
        return CheckReport(site_file=str(path), ok=False, problems=(Problem(valid=str(error)),))
    return _survey(path, site)


def _survey(path: Path, site: Site) -> CheckReport:
    problems: list[Problem] = []
    surface = _surface(site, path, problems)
    cameras = tuple(_camera(site, index, surface, problems) for index in range(len(site.cameras)))
    return CheckReport(
        site_file=str(path),
        ok=not problems,
        name=site.name,
        cameras=cameras,
        lines={line.id: _length_m(_plan(line.points)) for line in site.lines},
        zones={zone.id: _area_m2(_plan(zone.points)) for zone in site.zones},
        terrain=_terrain(site, surface),
        problems=tuple(problems),
        notes=(*_notes(site, cameras), *_voids(site, surface), *_far_things(site)),
    )


def _surface(site: Site, path: Path, problems: list[Problem]) -> Surface | None:
    """The ground the cameras stand on; None without one, with the problem noted where it cannot be had."""
    if site_origin(site) is None:
        return None
    try:
        return site_surface(site, path.absolute().parent)
    except InputError as error:
        value = ", ".join(site.terrain.files) or str(site.terrain.flat_height_m)
        problems.append(Problem(key="terrain", value=value, valid=str(error)))
        return None


def _camera(site: Site, index: int, surface: Surface | None, problems: list[Problem]) -> CameraSummary:
    camera = site.cameras[index]
    focal = optics(camera.lens)
    down_deg = 2 * math.degrees(math.atan(camera.lens.height_px / 2 / focal.focal_y_px))
    summary = CameraSummary(
        id=camera.id,
        source=masked(camera.source),
        posed=camera.pose is not None,
        picture=f"{camera.lens.width_px}x{camera.lens.height_px}",
        fov_deg=(camera.lens.horizontal_fov_deg, round(down_deg, 2)),
    )
    if camera.pose is None or surface is None:
        return summary
    try:
        view = CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m)
    except InputError as error:
        value = f"latitude {camera.pose.latitude_deg}, longitude {camera.pose.longitude_deg}"
        problems.append(Problem(key=f"cameras[{index}].pose", value=value, valid=str(error)))
        return summary
    return _viewed(summary, view, site)


def _viewed(summary: CameraSummary, view: CameraView, site: Site) -> CameraSummary:
    """The summary with what the camera sees on its ground."""
    xs = (np.arange(COLUMNS) + 0.5) * view.lens.width_px / COLUMNS
    ys = (np.arange(ROWS) + 0.5) * view.lens.height_px / ROWS
    looks = [view.to_ground(float(x), float(y)) for y in ys for x in xs]
    hits = sorted((look for look in looks if isinstance(look, GroundHit)), key=lambda hit: hit.range_m)
    return msgspec.structs.replace(
        summary,
        ground=len(hits) / len(looks),
        near_m=hits[0].range_m if hits else None,
        far_m=hits[-1].range_m if hits else None,
        metres_per_pixel_far=hits[-1].metres_per_pixel if hits else None,
        sees={name: _share_seen(view, points) for name, points in _outlines(site).items()},
    )


def _outlines(site: Site) -> dict[str, tuple[Position, ...]]:
    """What is watched, as open lines; a zone's goes back to its first corner."""
    lines = {line.id: line.points for line in site.lines}
    return lines | {zone.id: (*zone.points, zone.points[0]) for zone in site.zones}


def _places(frame: EnuFrame, points: Sequence[Position]) -> NDArray[np.float64]:
    """East and north (N, 2) of places along an outline."""
    corners = np.array([_east_north(frame, point) for point in points])
    return np.concatenate(
        [np.linspace(one, two, max(2, int(np.hypot(*(two - one)) / STEP_M) + 1)) for one, two in pairwise(corners)]
    )


def _share_seen(view: CameraView, points: Sequence[Position]) -> float:
    """Along what part of an outline a standing person is in view."""
    places = _places(view.surface.frame, points)
    return float(np.mean(view.sees(places[:, 0], places[:, 1], PERSON_M)))


def _voids(site: Site, surface: Surface | None) -> Iterator[str]:
    """Notes on what is watched where the ground is not known, as far out as any camera reaches."""
    if surface is None:
        return
    for name, points in _outlines(site).items():
        places = _places(surface.frame, points)
        near = places[np.hypot(*places.T) <= surface.radius_m]
        unknown = float(np.isnan(surface.up_m(near[:, 0], near[:, 1])).mean()) if len(near) else 0.0
        if unknown:
            yield f"{unknown:.0%} of {name} lies where the elevation data know no ground: load another tile there"


def _terrain(site: Site, surface: Surface | None) -> TerrainSummary:
    terrain = site.terrain
    kind = "files" if terrain.files else "none" if terrain.flat_height_m is None else "flat"
    summary = TerrainSummary(kind=kind, files=len(terrain.files), illustrative=terrain.illustrative)
    if surface is None:
        return summary
    heights = surface.grid.height_m
    known = np.isfinite(heights)
    return msgspec.structs.replace(
        summary,
        low_m=float(heights[known].min()),
        high_m=float(heights[known].max()),
        void=float(1 - known.mean()),
    )


def _notes(site: Site, cameras: Sequence[CameraSummary]) -> Iterator[str]:
    """What is allowed, and still worth a second look."""
    if not site.cameras:
        yield "no cameras: nothing can be watched with this site"
    if any(camera.posed for camera in cameras) and not site.terrain.files and site.terrain.flat_height_m is None:
        yield "no terrain: objects cannot be located; set terrain.files or terrain.flat_height_m"
    for camera in cameras:
        if not camera.posed:
            yield f"camera {camera.id} has no pose: its objects are tracked in the picture only"
        elif camera.ground == 0:
            yield f"camera {camera.id} sees no ground within reach: look at its elevation_deg, mast_m and reach_m"
    if site.terrain.illustrative:
        yield "the terrain is marked illustrative: positions are no evidence"
    looking = [camera.sees for camera in cameras if camera.ground is not None]
    for name in sorted({name for seen in looking for name in seen}):
        if not any(seen[name] for seen in looking):
            yield f"no camera sees any of {name}"


def _far_things(site: Site) -> Iterator[str]:
    """Notes on things so far off that a coordinate is likely to be wrong."""
    origin = site_origin(site)
    if origin is None:
        return
    frame = EnuFrame(origin)
    named = [(f"camera {one.id}", [_standing(one.pose)]) for one in site.cameras if one.pose is not None]
    named += [(f"line {one.id}", list(one.points)) for one in site.lines]
    named += [(f"zone {one.id}", list(one.points)) for one in site.zones]
    for name, points in named:
        away_m = max(math.hypot(*_east_north(frame, point)) for point in points)
        if away_m > FAR_M:
            yield f"{name} lies {away_m / 1000:.0f} km from the site's origin: look at its coordinates"


def _standing(pose: Pose) -> Position:
    return Position(latitude_deg=pose.latitude_deg, longitude_deg=pose.longitude_deg)


def _east_north(frame: EnuFrame, point: Position) -> tuple[float, float]:
    local = frame.point(point)
    return local.east_m, local.north_m


def _plan(points: Sequence[Position]) -> NDArray[np.float64]:
    """Points (N, 2) in metres, around the first."""
    frame = EnuFrame(points[0])
    return np.array([_east_north(frame, point) for point in points])


def _length_m(points: NDArray[np.float64]) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _area_m2(points: NDArray[np.float64]) -> float:
    x, y = points.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _camera_text(camera: CameraSummary) -> str:
    text = f"  camera {camera.id}: {camera.picture}, {camera.fov_deg[0]:g} x {camera.fov_deg[1]:g} degrees"
    if camera.ground is None or camera.near_m is None or camera.far_m is None:
        return text + (", sees no ground" if camera.ground == 0 else "")
    text += f", ground in {camera.ground:.0%} of the picture, {camera.near_m:.0f} m to {camera.far_m:.0f} m away"
    text += f" ({camera.metres_per_pixel_far:.2f} m a pixel there)"
    return text + "".join(f", sees {share:.0%} of {name}" for name, share in camera.sees.items())


def _terrain_text(terrain: TerrainSummary) -> str:
    if terrain.low_m is None or terrain.high_m is None:
        return f"  terrain: {terrain.kind}"
    heights = f"{terrain.low_m:.0f} m" + (f" to {terrain.high_m:.0f} m" if terrain.high_m > terrain.low_m else "")
    known = f", {terrain.void:.1%} without heights" if terrain.void else ""
    return f"  terrain: {terrain.kind}, {heights}{known}"

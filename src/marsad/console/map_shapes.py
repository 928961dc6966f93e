"""What the map draws of the ground, as GeoJSON and PNG: what is seen from somewhere, and how soon one is where."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView
from marsad.geo.mobility import OFF_ROAD, ON_FOOT, Mobility, Travel, travel
from marsad.geo.outline import outlines
from marsad.geo.relief import Heights, terrarium
from marsad.geo.viewshed import SEEN, TARGET_M, UNKNOWN, camera_viewshed, viewshed_from
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.site import Mask

Feature = dict[str, Any]

MOST_CELLS = 90_000
MINUTES: Final = (2, 5, 10, 15, 20, 30, 45, 60)
MOBILITY: Final[dict[Means, Mobility]] = {"foot": ON_FOOT, "vehicle": OFF_ROAD}

_ARC_STEPS = 24
_PLACES = 6
"""Decimals of a degree: a tenth of a metre."""


def png(heights: Heights) -> bytes:
    """Heights as a terrarium PNG."""
    _, coded = cv2.imencode(".png", terrarium(heights)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 6])
    return coded.tobytes()


def collection(features: Iterable[Feature], **facts: object) -> bytes:
    """A GeoJSON document with a few facts beside its features."""
    return msgspec.json.encode({"type": "FeatureCollection", "features": list(features), **facts})


def camera_ground(camera_id: str, view: CameraView, masks: Sequence[Mask]) -> bytes:
    """A camera's field of view out to its reach, and the ground that it sees of it."""
    lattice = field_lattice(view)
    shed = camera_viewshed(view, lattice, masks=masks)
    frame = view.surface.frame
    features = [
        _feature([[_degrees(frame, view.surface, _sector(view))]], part="field", camera_id=camera_id),
        _cells_feature(frame, view.surface, lattice, shed.seen, part="seen", camera_id=camera_id),
    ]
    return collection(features, seen_km2=float(shed.seen.sum() * lattice.cell_km2), cell_m=lattice.cell_m)


def field_lattice(view: CameraView) -> Lattice:
    """Cells over a camera's field of view, as fine as the data where 90,000 of them suffice."""
    corners = np.array(_sector(view))
    return lattice_over(corners.min(axis=0), corners.max(axis=0), view.surface.cell_m)


def lattice_over(low: Array, high: Array, finest_m: float) -> Lattice:
    """Cells over a rectangle of the site's frame, no finer than told and no more than 90,000."""
    width, height = (float(v) for v in np.maximum(high - low, finest_m))
    cell_m = max(finest_m, math.sqrt(width * height / MOST_CELLS))
    return Lattice(
        west_m=float(low[0]),
        north_m=float(high[1]),
        cell_m=cell_m,
        rows=max(math.ceil(height / cell_m), 1),
        columns=max(math.ceil(width / cell_m), 1),
    )


def mast_ground(surface: Surface, place: Position, mast_m: float, reach_m: float) -> bytes:
    """What would be seen all around from a mast at a place. Raises: InputError where its ground is not known."""
    east, north = place_in(surface, place)
    middle, reach = np.array([east, north]), min(reach_m, 2 * surface.radius_m)
    lattice = lattice_over(middle - reach, middle + reach, surface.cell_m)
    shed = viewshed_from(surface, east, north, mast_m, lattice, reach_m=reach)
    reached = (shed.range_m <= reach) & (shed.status != UNKNOWN)
    return collection(
        [_cells_feature(surface.frame, surface, lattice, shed.status == SEEN, part="seen")],
        seen_km2=float(shed.seen.sum() * lattice.cell_km2),
        share=float(shed.seen.sum() / max(reached.sum(), 1)),
        target_m=TARGET_M,
        cell_m=lattice.cell_m,
    )


def travelled(surface: Surface, place: Position, means: Means) -> Travel:
    """How soon one can be where, from a place over all ground known. Raises: InputError where its own is not."""
    radius = surface.radius_m
    lattice = lattice_over(np.array([-radius, -radius]), np.array([radius, radius]), surface.cell_m)
    east, north = lattice.centres()
    up = surface.up_m(east, north)
    # Over tens of kilometres the tangent plane leaves the ground: slopes are those of heights above the datum.
    _, _, height = surface.frame.to_geodetic(east, north, up)
    return travel(lattice, height, *place_in(surface, place), MOBILITY[means])


def isochrones(surface: Surface, journey: Travel, ready_s: float, to: Position | None) -> bytes:
    """Where one can be within some minutes, `ready_s` of them to set out, and the way to one place with its time."""
    seconds = journey.seconds + ready_s
    features = []
    for minutes in MINUTES:
        polygons = _within(surface, journey.lattice, seconds, minutes * 60)
        if polygons:
            features.append(_feature(polygons, part="within", minutes=minutes))
    if to is None:
        return collection(features)
    east, north = place_in(surface, to)
    arrival_s = journey.seconds_at(east, north) + ready_s
    if not math.isfinite(arrival_s):
        return collection(features, arrival_s=None)
    way = _degrees(surface.frame, surface, journey.way(east, north).tolist(), closed=False)
    line: Feature = {"type": "LineString", "coordinates": way}
    features.append({"type": "Feature", "properties": {"part": "way"}, "geometry": line})
    return collection(features, arrival_s=arrival_s)


def corners_deg(frame: EnuFrame, lattice: Lattice) -> list[list[float]]:
    """Longitude and latitude of a lattice's corners: north-west, north-east, south-east, south-west."""
    east = lattice.west_m + np.array([0, 1, 1, 0]) * lattice.columns * lattice.cell_m
    north = lattice.north_m - np.array([0, 0, 1, 1]) * lattice.rows * lattice.cell_m
    latitude, longitude, _ = frame.to_geodetic(east, north)
    return [[round(x, 7), round(y, 7)] for x, y in zip(longitude.tolist(), latitude.tolist(), strict=True)]


def place_in(surface: Surface, place: Position) -> tuple[float, float]:
    """East and north of the ground at a place. Raises: InputError where it is not known."""
    height = float(surface.height_m(place.latitude_deg, place.longitude_deg))
    if math.isnan(height):
        raise InputError(
            f"the ground at latitude {place.latitude_deg:.6f}, longitude {place.longitude_deg:.6f} is not known: "
            "load a tile there"
        )
    east, north, _ = surface.frame.from_geodetic(place.latitude_deg, place.longitude_deg, height)
    return float(east), float(north)


def _sector(view: CameraView) -> list[tuple[float, float]]:
    """A camera's place and the arc at its reach between the edges of its picture, in the site's frame."""
    width, middle = view.lens.width_px, view.lens.height_px / 2
    across = np.linspace(0, width, _ARC_STEPS + 1)
    azimuth, _ = view.azimuth_elevation(across, np.full(across.shape, middle))
    flat = np.stack([np.sin(azimuth), np.cos(azimuth), np.zeros_like(azimuth)], axis=1) @ view.to_site
    arc = view.origin[:2] + flat[:, :2] * view.reach_m
    return [(float(view.origin[0]), float(view.origin[1])), *((float(e), float(n)) for e, n in arc)]


def _within(surface: Surface, lattice: Lattice, seconds: Array, limit_s: float) -> list[list[list[list[float]]]]:
    """The polygons of where a time is below a limit, each ring in degrees."""
    far = np.where(np.isfinite(seconds), seconds, 10 * MINUTES[-1] * 60)
    east, north = (axis[0] if k == 0 else axis[:, 0] for k, axis in enumerate(lattice.centres()))
    drawn = contour_generator(east, north, np.minimum(far, 10 * MINUTES[-1] * 60), fill_type=FillType.OuterOffset)
    shapes, offsets, *_ = drawn.filled(-1.0, limit_s)
    rings = [
        [points[first:last].tolist() for first, last in pairwise(starts.tolist())]
        for points, starts in zip(shapes, offsets, strict=True)
        if points is not None and starts is not None
    ]
    return [[_degrees(surface.frame, surface, ring, closed=False) for ring in shape] for shape in rings]


def _cells_feature(
    frame: EnuFrame, surface: Surface, lattice: Lattice, cells: NDArray[np.bool_], **properties: object
) -> Feature:
    polygons = [[_degrees(frame, surface, ring) for ring in shape] for shape in outlines(lattice, cells)]
    return _feature(polygons, **properties)


def _degrees(
    frame: EnuFrame, surface: Surface, points: Sequence[Sequence[float]], *, closed: bool = True
) -> list[list[float]]:
    """Longitude and latitude of points on the ground of the site's frame, the first again at the end where closed."""
    east, north = np.array([*points, points[0]] if closed else points).T
    latitude, longitude, _ = frame.to_geodetic(east, north, np.nan_to_num(surface.up_m(east, north)))
    pairs = np.stack([longitude, latitude], axis=1).round(_PLACES)
    rounded: list[list[float]] = pairs.tolist()
    return rounded


def _feature(polygons: Sequence[object], **properties: object) -> Feature:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "MultiPolygon", "coordinates": polygons},
    }

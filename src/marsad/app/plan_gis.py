"""A plan for QGIS and Google Earth: GeoPackage and KML of all that is on its map, and its ground as GeoTIFF."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from marsad.adapters.geotiff import write_geotiff
from marsad.adapters.vector import Shape, Value, geopackage, kml
from marsad.app.plan_ground import Sector
from marsad.plan.siting import Choice

GEOPACKAGE, KML, RASTER = "plan.gpkg", "plan.kml", "plan.tif"
FILES: Final = (GEOPACKAGE, KML, RASTER)
_NAMES: Final = ("camera_id", "candidate", "line_id", "direction")
"""What a thing is called on a globe: the first of these that it has."""


def write_gis(
    out: Path, sector: Sector, features: Sequence[Mapping[str, Any]], seen: Choice, about: Mapping[str, str]
) -> None:
    """Write what the map shows to a folder, a layer for each sort of thing.

    `features` are GeoJSON; `seen` (rows, columns) is what somebody sees; `about` is said in every file. Raises:
    UnavailableError, InputError where it cannot be written.
    """
    layers = shapes_of(features)
    geopackage(out / GEOPACKAGE, layers, about)
    kml(out / KML, layers, about)
    known = ~np.isnan(sector.height_m)
    bands = {"height_m": sector.height_m, "seen": np.where(known, seen.astype(float), np.nan)}
    write_geotiff(
        out / RASTER, sector.lattice, sector.surface.frame,
        {name: np.asarray(band, np.float32) for name, band in bands.items()}, about,
    )  # fmt: skip


def shapes_of(features: Sequence[Mapping[str, Any]]) -> dict[str, list[Shape]]:
    """GeoJSON features by what they are, each with a name."""
    layers: dict[str, list[Shape]] = defaultdict(list)
    for feature in features:
        properties = dict(feature["properties"])
        kind = feature["geometry"]["type"]
        rings = _rings(kind, feature["geometry"]["coordinates"])
        named = {"name": next((str(properties[key]) for key in _NAMES if key in properties), ""), **properties}
        told = {key: cast("Value", value if _simple(value) else str(value)) for key, value in named.items()}
        layers[properties["feature"]].append(Shape(kind=kind, rings=rings, properties=told))
    return dict(layers)


def _simple(value: object) -> bool:
    return value is None or isinstance(value, str | float | int)


def _rings(kind: str, coordinates: Sequence[Any]) -> tuple[tuple[tuple[float, float], ...], ...]:
    shapes: dict[str, Sequence[Any]] = {"Point": [[coordinates]], "LineString": [coordinates]}
    corners = shapes.get(kind, coordinates)
    return tuple(tuple((float(x), float(y)) for x, y, *_ in ring) for ring in corners)

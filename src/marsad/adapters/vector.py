"""Shapes on the ground as map programs keep them: GeoPackage and KML written, those and GeoJSON read in any system."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from marsad.adapters.writing import replace_whole
from marsad.kernel.error import InputError
from marsad.kernel.record import Record

WGS84: Final = "EPSG:4326"
Value = str | float | int | bool | None
Column = NDArray[Any]
_TROUBLES = (DataSourceError, DataLayerError, FieldError, CRSError, ProjError, shapely.errors.ShapelyError)
_READ: Final = frozenset({".geojson", ".json", ".gpkg", ".kml"})


class Shape(Record):
    """One thing on a map: what kind of shape, longitude and latitude of its corners, and what is said of it.

    A point has one corner; a polygon's `rings` are its outer ring and its holes, each closed; other kinds have one
    ring, the corners in order.
    """

    kind: Literal["Point", "LineString", "Polygon"]
    rings: tuple[tuple[tuple[float, float], ...], ...]
    properties: Mapping[str, Value]


def geopackage(path: Path, layers: Mapping[str, Sequence[Shape]], about: Mapping[str, str]) -> None:
    """Write shapes as a GeoPackage, a layer for each name, `about` said of the whole file.

    Raises: UnavailableError, InputError where it cannot be written.
    """
    _write(path, layers, "GPKG", {"dataset_metadata": dict(about)})


def kml(path: Path, layers: Mapping[str, Sequence[Shape]], about: Mapping[str, str]) -> None:
    """Write shapes as KML, a folder for each name; every shape's description says its properties.

    Raises: UnavailableError, InputError where it cannot be written.
    """
    told = {name: [_described(shape, about) for shape in shapes] for name, shapes in layers.items()}
    _write(path, told, "LIBKML", {})


def read_shapes(path: Path, key: str) -> tuple[Shape, ...]:
    """All shapes of a GeoPackage, KML or GeoJSON file, in longitude and latitude; several in one are told apart.

    `key` is what the settings call the file. Raises: InputError for a file that is missing, broken, or without a
    reference system.
    """
    if path.suffix.lower() not in _READ:
        raise InputError(f"{key} = {path.name}: should be a .geojson, .gpkg or .kml file")
    if not path.is_file():
        raise InputError(f"{key}: {path} does not exist")
    try:
        names = pyogrio.list_layers(path)[:, 0]
        return tuple(shape for name in names for shape in _layer(path, str(name), key))
    except _TROUBLES as error:
        raise InputError(f"{key}: {path} cannot be read: {error}") from error


def _layer(path: Path, name: str, key: str) -> list[Shape]:
    meta, _, geometry, fields = pyogrio.raw.read(path, layer=name)
    if geometry is None:
        return []
    if meta["crs"] is None:
        raise InputError(f"{key}: {path}, layer {name}, names no reference system; save it with one, WGS84 for example")
    shapes = shapely.force_2d(shapely.from_wkb(geometry))
    if CRS.from_user_input(meta["crs"]) != CRS.from_epsg(4326):
        turn = Transformer.from_crs(meta["crs"], WGS84, always_xy=True)
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(turn.transform(*xy.T)))
    rows = [{field: _plain(column[row]) for field, column in zip(meta["fields"], fields, strict=True)}
            for row in range(len(shapes))]  # fmt: skip
    parts, owners = shapely.get_parts(shapes, return_index=True)
    return [
        _shape(part, rows[owner], f"{key}: {path}, layer {name}") for part, owner in zip(parts, owners, strict=True)
    ]


def _shape(part: shapely.Geometry, properties: Mapping[str, Value], where: str) -> Shape:
    """One plain shape. Raises: InputError for a corner off the earth, and for curves."""
    if not np.isfinite(part.bounds).all() or max(map(abs, part.bounds)) > 360:
        raise InputError(f"{where}: a corner at {part.bounds} is nowhere on the earth; look at its reference system")
    if isinstance(part, shapely.Polygon):
        return Shape(
            kind="Polygon", rings=tuple(map(_corners, (part.exterior, *part.interiors))), properties=properties
        )
    if isinstance(part, shapely.LineString):
        return Shape(kind="LineString", rings=(_corners(part),), properties=properties)
    if isinstance(part, shapely.Point):
        return Shape(kind="Point", rings=(_corners(part),), properties=properties)
    raise InputError(f"{where} holds a {part.geom_type}; points, lines and polygons are read")


def _corners(part: shapely.Geometry) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in part.coords)


def _plain(value: object) -> Value:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and math.isnan(plain):
        return None
    return plain if plain is None or isinstance(plain, str | int | float | bool) else str(plain)


def _described(shape: Shape, about: Mapping[str, str]) -> Shape:
    """A shape with the words that globes show beside it."""
    said = [f"{key}: {value}" for key, value in shape.properties.items() if value is not None]
    words = "\n".join([*said, *about.values()])
    name = shape.properties.get("name")
    return Shape(kind=shape.kind, rings=shape.rings, properties={"Name": name, "description": words})


def _write(path: Path, layers: Mapping[str, Sequence[Shape]], driver: str, options: Mapping[str, object]) -> None:
    """Made beside nothing that stands, then put in its place whole."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / path.name
            for name, shapes in layers.items():
                _write_layer(made, name, shapes, driver, options)
            content = made.read_bytes()
    except _TROUBLES as error:
        raise InputError(f"{path}: the shapes cannot be put into a {driver} file: {error}") from error
    replace_whole(path, content)


def _write_layer(made: Path, name: str, shapes: Sequence[Shape], driver: str, options: Mapping[str, object]) -> None:
    if not shapes:
        return
    fields = list(dict.fromkeys(key for shape in shapes for key in shape.properties))
    columns = [_column([shape.properties.get(field) for shape in shapes]) for field in fields]
    pyogrio.raw.write(
        made,
        geometry=np.array([shapely.to_wkb(_geometry(shape)) for shape in shapes], object),
        field_data=[values for values, _ in columns],
        field_mask=[missing for _, missing in columns],
        fields=np.array(fields, object),
        layer=name,
        driver=driver,
        geometry_type=shapes[0].kind,
        crs=WGS84,
        append=made.exists(),
        **({} if made.exists() else options),
    )


def _geometry(shape: Shape) -> shapely.Geometry:
    if shape.kind == "Polygon":
        return shapely.Polygon(shape.rings[0], shape.rings[1:])
    return shapely.LineString(shape.rings[0]) if shape.kind == "LineString" else shapely.Point(shape.rings[0][0])


def _column(values: Sequence[Value]) -> tuple[Column, NDArray[np.bool_]]:
    """Values as one array, and which are missing: numbers where all are numbers, else text."""
    missing = np.array([value is None for value in values])
    told = [value for value in values if value is not None]
    if told and all(isinstance(value, bool) for value in told):
        return np.array([bool(value) for value in values]), missing
    if told and all(isinstance(value, int | float) and not isinstance(value, bool) for value in told):
        return np.array([0.0 if value is None else float(value) for value in values]), missing
    return np.array([None if value is None else str(value) for value in values], object), missing

"""Shapes written for map programs come back as they were, from any reference system; what is wrong is said."""

import json
import math
import sqlite3
import xml.etree.ElementTree as ET
from pathlib import Path

import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from marsad.adapters.vector import Shape, Value, geopackage, kml, read_shapes
from marsad.kernel.error import InputError

TOWER = Shape(kind="Point", rings=(((41.0, 34.4),),), properties={"name": "T1", "cost": 30.0, "standing": False})
WAY = Shape(kind="LineString", rings=(((41.0, 34.4), (41.1, 34.5)),), properties={"name": "طريق", "probability": 0.91})
HOLED = Shape(
    kind="Polygon",
    rings=(
        ((41.0, 34.0), (42.0, 34.0), (42.0, 35.0), (41.0, 34.0)),
        ((41.5, 34.2), (41.8, 34.2), (41.8, 34.4), (41.5, 34.2)),
    ),
    properties={"name": "no-build"},
)
LAYERS = {"towers": [TOWER], "ways": [WAY], "masks": [HOLED]}
NOTE = {"note": "Illustrative terrain"}


def geojson(path: Path, *geometries: dict[str, object], **more: object) -> Path:
    features = [{"type": "Feature", "geometry": each, "properties": {"id": number}}
                for number, each in enumerate(geometries)]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **more}), encoding="utf-8")
    return path


def test_a_geopackage_holds_each_layer_with_its_shapes_and_what_is_said_of_them(tmp_path: Path) -> None:
    geopackage(tmp_path / "plan.gpkg", LAYERS, NOTE)
    assert read_shapes(tmp_path / "plan.gpkg", "masks") == (TOWER, WAY, HOLED)


def test_a_geopackage_says_what_it_is_as_the_standard_asks(tmp_path: Path) -> None:
    geopackage(tmp_path / "plan.gpkg", LAYERS, NOTE)
    with sqlite3.connect(tmp_path / "plan.gpkg") as file:
        assert file.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"GPKG", "big")
        listed = file.execute("SELECT table_name, data_type, srs_id FROM gpkg_contents ORDER BY 1").fetchall()
        assert listed == [(name, "features", 4326) for name in sorted(LAYERS)]
        assert "Illustrative terrain" in str(file.execute("SELECT metadata FROM gpkg_metadata").fetchall())
    file.close()


def test_kml_names_its_shapes_and_tells_what_is_said_of_them_and_of_all(tmp_path: Path) -> None:
    kml(tmp_path / "plan.kml", LAYERS, NOTE)
    told = ET.fromstring((tmp_path / "plan.kml").read_text(encoding="utf-8"))  # noqa: S314 - written by us above
    marks = list(told.iter("{http://www.opengis.net/kml/2.2}Placemark"))
    names = [mark.findtext("{http://www.opengis.net/kml/2.2}name") for mark in marks]
    words = [mark.findtext("{http://www.opengis.net/kml/2.2}description") or "" for mark in marks]
    assert names == ["T1", "طريق", "no-build"]
    assert "cost: 30.0" in words[0]
    assert all("Illustrative terrain" in word for word in words)
    assert [shape.rings for shape in read_shapes(tmp_path / "plan.kml", "masks")] == [
        shape.rings for layer in LAYERS.values() for shape in layer
    ]


VALUES: st.SearchStrategy[Value] = st.one_of(st.none(), st.text("abcعربڕێ ", max_size=8), st.booleans()) | st.floats(
    allow_nan=False, allow_infinity=False
)
CORNER = st.tuples(
    st.floats(-179, 179).map(lambda x: round(x, 6)), st.floats(-89, 89).map(lambda y: round(y, 6))
)  # fmt: skip
SHAPES = st.builds(
    lambda corners, value: Shape(
        kind="Point" if len(corners) == 1 else "LineString", rings=(tuple(corners),), properties={"value": value}
    ),
    st.lists(CORNER, min_size=1, max_size=5),
    VALUES,
)


def said(value: Value, column: list[Value]) -> Value:
    """A column is of one sort: numbers, yes and no, or words."""
    told = [each for each in column if each is not None]
    if value is None or all(isinstance(each, bool) for each in told):
        return value
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in told)
    return float(value) if numbers else str(value)


@settings(max_examples=25)
@given(shapes=st.lists(SHAPES, min_size=1, max_size=4))
def test_whatever_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, shapes: list[Shape]) -> None:
    path = tmp_path_factory.mktemp("shapes") / "any.gpkg"
    alike = [shape for shape in shapes if shape.kind == shapes[0].kind]
    geopackage(path, {"any": alike}, {})
    back = read_shapes(path, "any")
    assert [shape.rings for shape in back] == [shape.rings for shape in alike]
    column = [shape.properties["value"] for shape in alike]
    assert [shape.properties["value"] for shape in back] == [said(value, column) for value in column]


def test_shapes_are_turned_from_their_own_reference_system(tmp_path: Path) -> None:
    to_utm = Transformer.from_crs(4326, 32637, always_xy=True)
    point = shapely.to_wkb(shapely.Point(*to_utm.transform(41.0, 34.4)))
    pyogrio.raw.write(
        tmp_path / "utm.gpkg", geometry=[point], field_data=[], fields=[], geometry_type="Point", crs="EPSG:32637",
        driver="GPKG",
    )  # fmt: skip
    (shape,) = read_shapes(tmp_path / "utm.gpkg", "roads")
    assert math.dist(shape.rings[0][0], (41.0, 34.4)) < 1e-9


def test_several_in_one_are_told_apart_and_heights_left_out(tmp_path: Path) -> None:
    lines = {"type": "MultiLineString", "coordinates": [[[41, 34, 5], [41.1, 34, 5]], [[42, 34, 5], [42.1, 34, 5]]]}
    found = read_shapes(geojson(tmp_path / "roads.geojson", lines), "roads")
    assert [shape.rings[0] for shape in found] == [((41.0, 34.0), (41.1, 34.0)), ((42.0, 34.0), (42.1, 34.0))]
    assert all(shape.properties == {"id": 0} for shape in found)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("roads.shp", b"", r"should be a \.geojson, \.gpkg or \.kml file"),
        ("gone.geojson", None, "does not exist"),
        ("broken.geojson", b"{", "cannot be read"),
        ("broken.gpkg", b"SQLite", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_setting_that_names_it(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^roads.*{said}"):
        read_shapes(tmp_path / name, "roads")


def test_a_file_without_a_reference_system_is_refused(tmp_path: Path) -> None:
    point = shapely.to_wkb(shapely.Point(1.0, 2.0))
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.raw.write(
            tmp_path / "bare.gpkg", geometry=[point], field_data=[], fields=[], geometry_type="Point", driver="GPKG"
        )
    with pytest.raises(InputError, match="reference system"):
        read_shapes(tmp_path / "bare.gpkg", "roads")


def test_a_corner_off_the_earth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere on the earth"):
        read_shapes(geojson(tmp_path / "far.geojson", {"type": "Point", "coordinates": [684709, 3763959]}), "roads")


def test_an_older_file_is_replaced_whole(tmp_path: Path) -> None:
    geopackage(tmp_path / "plan.gpkg", LAYERS, {})
    geopackage(tmp_path / "plan.gpkg", {"towers": [TOWER]}, {})
    assert read_shapes(tmp_path / "plan.gpkg", "towers") == (TOWER,)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]

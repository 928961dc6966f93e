import csv
import json
from pathlib import Path
from typing import Literal

from marsad.adapters.picture_files import COLUMNS, while_seen, write_csv, write_geojson
from marsad.kernel.picture import Contributor, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position

S = 10**9
ROUND = GroundCovariance(east_m2=4.0, east_north_m2=0.0, north_m2=4.0)


def stand(second: int, status: Literal["confirmed", "coasting", "lost"] = "confirmed") -> PictureTrack:
    ground = GroundState(
        position=Position(latitude_deg=34.0, longitude_deg=41.0 + second * 1e-5), east_m=float(second), north_m=0.0,
        covariance=ROUND, velocity_east_m_s=1.0, range_m=0.0,
    )  # fmt: skip
    return PictureTrack(
        track_id="mast-1", origin="north", time_ns=second * S, status=status, ground=ground,
        velocity_covariance=ROUND, existence=0.99, first_ns=0, seen_ns=20 * S, kind="person", kind_confidence=0.9,
        contributors=(Contributor(source_id="mast", origin="north", time_ns=20 * S, label=1),),
        formerly=("mast-9",),
    )  # fmt: skip


COURSE = [*(stand(second) for second in range(21)), *(stand(second, "coasting") for second in range(21, 31))]


def test_a_map_ends_where_a_track_was_last_seen(tmp_path: Path) -> None:
    write_geojson(tmp_path / "picture.geojson", [COURSE])
    way, *ellipses = json.loads((tmp_path / "picture.geojson").read_text())["features"]
    assert len(way["geometry"]["coordinates"]) == 21
    assert way["properties"]["status"] == "coasting"
    assert way["properties"]["formerly"] == ["mast-9"]
    assert way["properties"]["contributors"][0]["source_id"] == "mast"
    assert [each["properties"]["time_ns"] // S for each in ellipses] == [0, 10, 20]
    assert {each["geometry"]["type"] for each in ellipses} == {"Polygon"}


def test_a_table_has_every_moment_and_says_which_were_seen(tmp_path: Path) -> None:
    write_csv(tmp_path / "picture.csv", [COURSE])
    with (tmp_path / "picture.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["status"] for row in rows].count("coasting") == 10
    assert float(rows[7]["east_m"]) == 7.0
    assert {row["sources"] for row in rows} == {"mast"}


def test_a_track_known_once_is_a_point(tmp_path: Path) -> None:
    write_geojson(tmp_path / "picture.geojson", [[stand(3, "lost")]])
    way = json.loads((tmp_path / "picture.geojson").read_text())["features"][0]
    assert way["geometry"]["type"] == "Point"
    assert while_seen([stand(3, "lost")]) == [stand(3, "lost")]

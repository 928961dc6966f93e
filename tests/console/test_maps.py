"""The map's routes over the generated ground of the al-Qaim night, against what the ground itself says."""

import base64
import json
import math
from collections.abc import Iterator
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, Response
from litestar.testing import TestClient
from matplotlib.path import Path as Shape

from marsad.adapters.dem import site_surface
from marsad.app.config import load_site
from marsad.app.presence import Asked, _presence
from marsad.app.scenario_file import load_scenario
from marsad.app.site_map import SiteMap, ground_layers, site_views, wide_relief
from marsad.app.stage import Stage, write_sites
from marsad.console.maps import (
    MASKED,
    PRESENCE_KM2,
    UNSEEN_S,
    Lookout,
    PatrolPlace,
    byte_range,
    map_handlers,
    presence_classes,
    unseen_classes,
)
from marsad.geo.relief import Tile
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.site import Inhabited

PATROL = PatrolPlace(
    patrol_id="p1", position=Position(latitude_deg=34.4600, longitude_deg=40.9520), means="foot", ready_s=60.0
)
POST = Lookout(post_id="post-3", name="Post 3", position=Position(latitude_deg=34.4601, longitude_deg=40.9440))


def refused(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    return Response({"error": "InputError", "message": str(error)}, status_code=400)


@pytest.fixture(scope="module")
def site_map(tmp_path_factory: pytest.TempPathFactory) -> SiteMap:
    folder = tmp_path_factory.mktemp("site")
    stage = Stage(load_scenario("al-qaim-night"))
    write_sites(stage, folder, {camera.id: "" for site in stage.sites for camera in site.cameras})
    site = load_site(folder / "al-qaim.toml")
    town = [(34.4585, 40.9440), (34.4585, 40.9470), (34.4600, 40.9470), (34.4600, 40.9440)]
    corners = tuple(Position(latitude_deg=y, longitude_deg=x) for y, x in town)
    site = msgspec.structs.replace(site, inhabited=(Inhabited(id="town", points=corners),))
    surface = site_surface(site, folder)
    assert surface is not None
    presence = _presence(site, surface, Asked(cell_m=50.0, margin_m=500.0), stage.started_ns)
    presence.advance(stage.started_ns + 600_000_000_000)
    layers = ground_layers(presence)
    base = folder / "base.pmtiles"
    base.write_bytes(bytes(range(256)) * 64)
    return SiteMap(
        site, surface, site_views(site, surface), relief=wide_relief(site, surface, folder), base_map=base,
        lookouts=[POST], patrols=lambda: {"p1": PATROL}, layers=lambda: layers,
    )  # fmt: skip


@pytest.fixture(scope="module")
def client(site_map: SiteMap) -> Iterator[TestClient[Litestar]]:
    app = Litestar(route_handlers=map_handlers(site_map), exception_handlers={InputError: refused})
    with TestClient(app) as opened:
        yield opened


def inside(features: list[dict[str, Any]], longitude: float, latitude: float) -> bool:
    """Whether a point lies in the polygons of GeoJSON features, by matplotlib's own test; holes are left out."""
    found = False
    for feature in features:
        for outer, *holes in feature["geometry"]["coordinates"]:
            within = Shape(outer).contains_point((longitude, latitude))
            found |= within and not any(Shape(hole).contains_point((longitude, latitude)) for hole in holes)
    return found


def tile_over(site_map: SiteMap, zoom: int) -> Tile:
    latitude, longitude = 34.46, 40.95
    side = 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * side
    assert site_map.relief.west_deg < longitude < site_map.relief.east_deg
    return Tile(zoom, int((longitude + 180) / 360 * side), int(down))


def test_the_facts_cover_the_site(client: TestClient[Litestar], site_map: SiteMap) -> None:
    facts = client.get("/api/map").json()
    assert facts["west_deg"] < 40.95 < facts["east_deg"]
    assert facts["south_deg"] < 34.46 < facts["north_deg"]
    assert facts["illustrative"]
    assert facts["base_map"]
    assert facts["max_zoom"] == site_map.relief.max_zoom


def test_terrain_tiles_decode_to_the_heights_of_the_ground(client: TestClient[Litestar], site_map: SiteMap) -> None:
    tile = tile_over(site_map, 14)
    answer = client.get(f"/api/map/terrain/{tile.zoom}/{tile.column}/{tile.row}.png")
    assert answer.headers["content-type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    blue, green, red = np.moveaxis(picture.astype(float), -1, 0)
    decoded = red * 256 + green + blue / 256 - 32_768
    middles = (np.arange(256) + 0.5) / 256
    longitude, latitude = tile.degrees(*np.meshgrid(middles, middles))
    truth = site_map.surface.height_m(latitude, longitude)
    assert np.isfinite(truth).mean() > 0.9
    assert np.nanmax(np.abs(decoded - truth)) < 0.05


def test_what_a_browser_has_already_is_not_sent_again(client: TestClient[Litestar], site_map: SiteMap) -> None:
    tile = tile_over(site_map, 13)
    for path in (
        f"terrain/{tile.zoom}/{tile.column}/{tile.row}.png",
        f"contours/{tile.zoom}/{tile.column}/{tile.row}.mvt",
    ):
        first = client.get(f"/api/map/{path}")
        assert first.status_code == 200
        assert len(first.content) > 100
        again = client.get(f"/api/map/{path}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["terrain/3/9/1.png", "terrain/14/1/x.png", "terrain/40/1/1.png", "contours/3/1/1.png"]
)
def test_tiles_that_do_not_exist_are_refused(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(f"/api/map/{path}")
    assert answer.status_code == 400
    assert "no such tile" in answer.json()["message"]


def test_the_ground_a_camera_sees_is_what_the_camera_says(client: TestClient[Litestar], site_map: SiteMap) -> None:
    drawn = client.get("/api/map/cameras/line-mast/ground.json").json()
    seen = [feature for feature in drawn["features"] if feature["properties"]["part"] == "seen"]
    field = [feature for feature in drawn["features"] if feature["properties"]["part"] == "field"]
    view = site_map.views["line-mast"]
    rng = np.random.default_rng(0)
    agree, tried = 0, 0
    for azimuth, distance in zip(rng.uniform(281.5, 285.7, 150), rng.uniform(200, 3300, 150), strict=True):
        east, north = distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))
        place = site_map.surface.position(float(east), float(north))
        assert place is not None
        tried += 1
        agree += inside(seen, place.longitude_deg, place.latitude_deg) == bool(view.sees(east, north, 1.0))
        assert inside(field, place.longitude_deg, place.latitude_deg)
    assert agree / tried > 0.93  # cells have edges
    assert client.get("/api/map/cameras/none/ground.json").status_code == 404


def test_who_sees_a_place_is_what_brute_force_says(client: TestClient[Litestar], site_map: SiteMap) -> None:
    rng = np.random.default_rng(4)
    verdicts = set()
    for latitude, longitude in zip(rng.uniform(34.455, 34.467, 25), rng.uniform(40.936, 40.949, 25), strict=True):
        answer = client.get("/api/map/sees", params={"lat": latitude, "lon": longitude, "height": 1.7}).json()
        east, north, _ = site_map.surface.frame.from_geodetic(latitude, longitude, answer["place"]["height_m"])
        for watcher in answer["watchers"]:
            verdicts.add(watcher["sight"]["verdict"])
            if watcher["what"] == "camera":
                sees = bool(site_map.views[watcher["watcher_id"]].sees(east, north, 1.7))
                assert (watcher["sight"]["verdict"] == "seen") == sees
        order = [watcher["sight"]["verdict"] != "seen" for watcher in answer["watchers"]]
        assert order == sorted(order)
        assert {watcher["watcher_id"] for watcher in answer["watchers"]} == {*site_map.views, "post-3"}
    assert {"seen", "out_of_field"} <= verdicts


def test_a_place_has_its_height_slope_and_grid_reference(client: TestClient[Litestar], site_map: SiteMap) -> None:
    place = client.get("/api/map/place", params={"lat": 34.46, "lon": 40.95}).json()
    assert place["mgrs"] == "37S FU 79114 14886"
    assert place["height_m"] == pytest.approx(float(site_map.surface.height_m(34.46, 40.95)))
    assert 0 <= place["slope_deg"] < 45
    away = client.get("/api/map/place", params={"lat": 35.46, "lon": 40.95}).json()
    assert away["height_m"] is None
    assert client.get("/api/map/place", params={"lat": 99, "lon": 40.95}).status_code == 400


def test_a_higher_mast_sees_more_and_what_it_draws_is_what_it_sees(client: TestClient[Litestar]) -> None:
    asked = {"lat": 34.46, "lon": 40.945, "reach": 1500}
    low = client.get("/api/map/mast", params={**asked, "height": 2}).json()
    high = client.get("/api/map/mast", params={**asked, "height": 40}).json()
    assert 0 < low["seen_km2"] < high["seen_km2"] <= math.pi * 1.5**2 * 1.02
    assert 0 < low["share"] < high["share"] <= 1
    rng = np.random.default_rng(2)
    agree = 0
    for latitude, longitude in zip(rng.uniform(34.452, 34.468, 80), rng.uniform(40.935, 40.955, 80), strict=True):
        between = client.get(
            "/api/map/profile",
            params={"from_lat": 34.46, "from_lon": 40.945, "from_height": 40, "lat": latitude, "lon": longitude},
        ).json()
        agree += inside(high["features"], longitude, latitude) == (between["clear"] and between["range_m"] < 1500)
    assert agree > 72


def test_travel_bands_nest_and_hold_the_way(client: TestClient[Litestar]) -> None:
    asked = {"patrol": "p1", "lat": 34.4640, "lon": 40.9440}
    drawn = client.get("/api/map/travel", params=asked).json()
    bands = {f["properties"]["minutes"]: [f] for f in drawn["features"] if f["properties"]["part"] == "within"}
    (way,) = [f["geometry"]["coordinates"] for f in drawn["features"] if f["properties"]["part"] == "way"]
    arrival = drawn["arrival_s"]
    straight_m = 860.0
    assert PATROL.ready_s + straight_m / 1.5 < arrival < PATROL.ready_s + straight_m / 0.5
    for minutes, band in bands.items():
        if abs(minutes * 60 - arrival) > 30:
            assert inside(band, asked["lon"], asked["lat"]) == (arrival < minutes * 60)
        assert inside(band, PATROL.position.longitude_deg, PATROL.position.latitude_deg)
    assert way[0] == pytest.approx([PATROL.position.longitude_deg, PATROL.position.latitude_deg], abs=3e-4)
    assert way[-1] == pytest.approx([asked["lon"], asked["lat"]], abs=3e-4)


def test_a_vehicle_is_sooner_there_and_unknown_patrols_are_not_found(client: TestClient[Litestar]) -> None:
    asked = {"from_lat": 34.46, "from_lon": 40.952, "lat": 34.464, "lon": 40.944}
    foot = client.get("/api/map/travel", params={**asked, "means": "foot"}).json()["arrival_s"]
    vehicle = client.get("/api/map/travel", params={**asked, "means": "vehicle"}).json()["arrival_s"]
    assert vehicle < foot / 2
    assert client.get("/api/map/travel", params={"patrol": "nobody"}).status_code == 404
    assert client.get("/api/map/travel").status_code == 400
    assert client.get("/api/map/travel", params={"from_lat": 35.5, "from_lon": 40.9}).status_code == 400


def test_layers_tell_ages_and_mask_where_people_live(client: TestClient[Litestar], site_map: SiteMap) -> None:
    kept = site_map.layers()
    assert kept is not None
    observed = client.get("/api/map/observed.json").json()
    cells = np.frombuffer(base64.b64decode(observed["cells"]), np.uint8).reshape(observed["rows"], observed["columns"])
    assert cells.shape == kept.lattice.shape
    assert (cells[np.isnan(kept.unseen_s)] == len(UNSEEN_S) + 1).all()
    presence = client.get("/api/map/presence.json").json()
    cells = np.frombuffer(base64.b64decode(presence["cells"]), np.uint8).reshape(presence["rows"], presence["columns"])
    assert (cells == MASKED).any()
    assert ((cells == MASKED) == np.isnan(kept.presence_km2)).all()
    (west, north), _, (east, south), _ = presence["corners"]
    assert west < 40.945 < east
    assert south < 34.459 < north


def test_classes_end_where_they_say() -> None:
    assert unseen_classes(np.array([0, 59, 60, 1e6, np.nan], np.float32)).tolist() == [0, 0, 1, 6, 7]
    assert presence_classes(np.array([0, 0.02, 99, np.nan], np.float32)).tolist() == [0, 1, len(PRESENCE_KM2), MASKED]


def test_a_site_without_layers_or_base_map_says_so(site_map: SiteMap) -> None:
    bare = SiteMap(site_map.site, site_map.surface, site_map.views, relief=site_map.relief)
    with TestClient(Litestar(route_handlers=map_handlers(bare))) as client:
        facts = client.get("/api/map").json()
        assert (facts["base_map"], facts["layers"]) == (False, False)
        for path in ("base.pmtiles", "observed.json", "presence.json"):
            assert client.get(f"/api/map/{path}").status_code == 404


def test_the_base_map_is_served_in_ranges(client: TestClient[Litestar], site_map: SiteMap) -> None:
    assert site_map.base_map is not None
    whole = site_map.base_map.read_bytes()
    for asked, span in (("bytes=0-126", (0, 126)), ("bytes=16000-", (16_000, 16_383)), ("bytes=-4", (16_380, 16_383))):
        answer = client.get("/api/map/base.pmtiles", headers={"Range": asked})
        assert answer.status_code == 206
        assert answer.content == whole[span[0] : span[1] + 1]
        assert answer.headers["content-range"] == f"bytes {span[0]}-{span[1]}/{len(whole)}"
    assert client.get("/api/map/base.pmtiles", headers={"Range": "bytes=99999-"}).status_code == 416
    assert client.get("/api/map/base.pmtiles").content == whole


@given(size=st.integers(1, 10**9), first=st.integers(0, 10**9), length=st.integers(0, 10**9))
def test_ranges_never_leave_the_file(size: int, first: int, length: int) -> None:
    span = byte_range(f"bytes={first}-{first + length}", size)
    assert (span is None) == (first >= size)
    if span is not None:
        assert 0 <= span[0] == first <= span[1] < size


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "lines=0-1", "bytes=0-1,4-5", "bytes=a-b", "bytes=5-2", ""])
def test_nonsense_ranges_are_refused(asked: str) -> None:
    assert byte_range(asked, 1000) is None


def test_the_routes_are_described(client: TestClient[Litestar]) -> None:
    schema = json.loads(client.get("/schema/openapi.json").content)
    assert "/api/map/sees" in schema["paths"]

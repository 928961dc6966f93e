"""The map's own routes: relief, contours, the user's base map, and what the ground lets one see and reach.

Answers depend on the site and its ground alone, except those about patrols and about what was seen when; each is named
by all that it depends on (`ETag`), so that a browser asks again without its being worked out again.
"""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import File
from msgspec import Meta
from numpy.typing import NDArray

from marsad.console.map_shapes import camera_ground, corners_deg, isochrones, mast_ground, place_in, png, travelled
from marsad.console.map_work import Work, key_of
from marsad.geo.elevation import Surface
from marsad.geo.ground import CameraView
from marsad.geo.mgrs import mgrs
from marsad.geo.mobility import Travel
from marsad.geo.relief import ZOOMS, Relief, Tile
from marsad.geo.seeing import Profile, Sight, camera_sight, lookout_sight, profile, slope_deg
from marsad.geo.vector_tile import contour_tile
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Site

LARGEST_RANGE_BYTES = 8 << 20
UNSEEN_S = (60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 12 * 3600.0)
"""Where the classes of last-observed age end; the one after the last is longer ago, and then comes never."""
PRESENCE_KM2 = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Where the classes of presence end, people expected on a square kilometre."""
MASKED = 255
"""The class of cells of which nothing is told: inhabited places, on the layer of presence."""

Request_ = Request[Any, Any, Any]
Latitude = Annotated[float, QueryParameter(ge=-90, le=90)]
Longitude = Annotated[float, QueryParameter(ge=-180, le=180)]
MaybeLatitude = Annotated[float | None, QueryParameter(ge=-90, le=90)]
MaybeLongitude = Annotated[float | None, QueryParameter(ge=-180, le=180)]
Above = Annotated[float, QueryParameter(ge=0, le=300)]
Reach = Annotated[float, QueryParameter(gt=0, le=50_000)]


class Lookout(Record):
    """Somebody who looks all around from a post."""

    post_id: str
    name: str
    position: Position
    eye_m: float = 3.0
    reach_m: Annotated[float, Meta(gt=0)] = 5000.0


class PatrolPlace(Record):
    """Where a patrol is, how it moves, and how long until it sets out."""

    patrol_id: str
    position: Position
    means: Means
    ready_s: float = 0.0


class GroundLayers(Record, eq=False):
    """What is known of ground that nobody looks at, arrays (rows, columns) float32.

    `unseen_s` is how long ago each cell was last really observed, NaN for never; `presence_km2` how many of those lost
    are expected on a square kilometre, NaN where that is not to be told. `version` changes with either.
    """

    version: str
    time_ns: int
    lattice: Lattice
    unseen_s: NDArray[np.float32]
    presence_km2: NDArray[np.float32]


class MapSource(Protocol):
    """What the map is made from. Calls are made on the server's own event loop and must be quick."""

    site: Site
    surface: Surface
    relief: Relief
    views: Mapping[str, CameraView]
    base_map: Path | None

    def lookouts(self) -> Sequence[Lookout]:
        """The posts that look around."""

    def patrol(self, patrol_id: str) -> PatrolPlace | None:
        """Where a patrol is; None where there is none, or nobody knows where it is."""

    def layers(self) -> GroundLayers | None:
        """What is known of ground that nobody looks at; None where that is not kept."""


class Facts(Record):
    """What a browser needs to know to draw the map."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float
    max_zoom: int
    version: str
    illustrative: bool
    source: str
    base_map: bool
    layers: bool


class PlaceFacts(Record):
    """What is known of a place: its ground, and what it is called on a grid."""

    latitude_deg: float
    longitude_deg: float
    mgrs: str
    height_m: float | None
    slope_deg: float | None = None
    falls_deg: float | None = None


class Watcher(Record):
    """A camera or post, and whether it sees a place."""

    watcher_id: str
    name: str
    what: str
    sight: Sight


class Seen(Record):
    """Who sees a place, those who do first and the nearest of them."""

    place: PlaceFacts
    height_m: float
    watchers: tuple[Watcher, ...]


class Cells(Record):
    """A layer of cells: the class of each, by rows from the north-west, as bytes in base64.

    A class ends at its number among `ends`; one more stands above the last, the next, where it is meant, for never, and
    255 for what is not told. `corners` are longitude and latitude, clockwise from the north-west.
    """

    version: str
    time_ns: int
    rows: int
    columns: int
    corners: list[list[float]]
    ends: tuple[float, ...]
    cells: str


class MapRoom:
    """The answers behind the map's routes."""

    def __init__(self, source: MapSource) -> None:
        self.source = source
        self.tiles = Work(workers=1, waiting=400, kept_bytes=64 << 20)
        self.ground = Work(workers=1, waiting=12, kept_bytes=64 << 20)
        self._journeys: dict[str, Travel] = {}

    @cached_property
    def fingerprint(self) -> str:
        """What all answers about the ground depend on."""
        return key_of(self.source.surface.fingerprint(), self.source.relief.grid.height_m.shape)

    def facts(self) -> Facts:
        """What a browser needs to draw the map."""
        relief, site = self.source.relief, self.source.site
        return Facts(
            west_deg=relief.west_deg,
            south_deg=relief.south_deg,
            east_deg=relief.east_deg,
            north_deg=relief.north_deg,
            max_zoom=relief.max_zoom,
            version=self.fingerprint[:12],
            illustrative=site.terrain.illustrative,
            source=relief.grid.source,
            base_map=self.source.base_map is not None,
            layers=self.source.layers() is not None,
        )

    def contours(self, tile: Tile) -> bytes:
        """The tile's contours."""
        relief = self.source.relief
        interval_m = relief.interval_m(tile.zoom, self.source.site.terrain.sigma_m)
        return contour_tile(relief.contours(tile, interval_m), interval_m)

    def view(self, camera_id: str) -> CameraView:
        """A camera that stands somewhere. Raises: NotFoundException for any other."""
        view = self.source.views.get(camera_id)
        if view is None:
            raise NotFoundException(f"camera {camera_id}: there is none of that name with a pose")
        return view

    def place(self, latitude_deg: float, longitude_deg: float) -> PlaceFacts:
        """What is known of a place."""
        surface, here = self.source.surface, Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg)
        grid = mgrs(latitude_deg, longitude_deg)
        height = float(surface.height_m(latitude_deg, longitude_deg))
        plain = PlaceFacts(latitude_deg=latitude_deg, longitude_deg=longitude_deg, mgrs=grid, height_m=None)
        if math.isnan(height):
            return plain
        plain = msgspec.structs.replace(plain, height_m=height)
        try:
            steep, falls = slope_deg(surface, here)
        except InputError:  # at the very edge of the data there is a height but no slope
            return plain
        return msgspec.structs.replace(plain, slope_deg=steep, falls_deg=falls)

    def seen(self, here: Position, height_m: float) -> Seen:
        """Who sees a place."""
        source = self.source
        place_in(source.surface, here)
        masks = {camera.id: camera.masks for camera in source.site.cameras}
        watchers = [
            Watcher(watcher_id=name, name=name, what="camera", sight=camera_sight(view, here, height_m, masks[name]))
            for name, view in source.views.items()
        ]
        for post in source.lookouts():
            sight = lookout_sight(source.surface, post.position, post.eye_m, here, height_m, reach_m=post.reach_m)
            watchers.append(Watcher(watcher_id=post.post_id, name=post.name, what="post", sight=sight))
        watchers.sort(key=lambda each: (each.sight.verdict != "seen", each.sight.range_m))
        place = self.place(here.latitude_deg, here.longitude_deg)
        return Seen(place=place, height_m=height_m, watchers=tuple(watchers))

    def travelled(self, start: Position, means: Means, ready_s: float, to: Position | None) -> bytes:
        """How soon one can be where; the last journeys are kept, so that a second place costs nothing."""
        key = key_of(start, means)
        journey = self._journeys.get(key)
        if journey is None:
            journey = travelled(self.source.surface, start, means)
            self._journeys = {**dict(list(self._journeys.items())[-3:]), key: journey}
        return isochrones(self.source.surface, journey, ready_s, to)

    def start(self, patrol_id: str | None, start: Position | None, means: Means) -> PatrolPlace:
        """Where a journey begins. Raises: InputError where nobody said, NotFoundException for an unknown patrol."""
        if patrol_id is None:
            if start is None:
                raise InputError("say from where: patrol, or from_lat and from_lon")
            return PatrolPlace(patrol_id="", position=start, means=means)
        found = self.source.patrol(patrol_id)
        if found is None:
            raise NotFoundException(f"patrol {patrol_id}: nobody knows where it is")
        return found

    def layers(self) -> GroundLayers:
        """The layers. Raises: NotFoundException where none are kept."""
        layers = self.source.layers()
        if layers is None:
            raise NotFoundException("what nobody looks at is not kept at this site")
        return layers

    def cells(self, layers: GroundLayers, classes: NDArray[np.uint8], ends: tuple[float, ...]) -> Cells:
        """A layer to be drawn."""
        lattice = layers.lattice
        return Cells(
            version=layers.version,
            time_ns=layers.time_ns,
            rows=lattice.rows,
            columns=lattice.columns,
            corners=corners_deg(self.source.surface.frame, lattice),
            ends=ends,
            cells=base64.b64encode(np.ascontiguousarray(classes).tobytes()).decode(),
        )


def unseen_classes(unseen_s: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each cell's class of last-observed age; one more than the last for never."""
    classes = np.digitize(np.nan_to_num(unseen_s), UNSEEN_S)
    return np.where(np.isnan(unseen_s), len(UNSEEN_S) + 1, classes).astype(np.uint8)


def presence_classes(presence_km2: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each cell's class of presence, 255 where it is not told."""
    classes = np.digitize(np.nan_to_num(presence_km2), PRESENCE_KM2)
    return np.where(np.isnan(presence_km2), MASKED, classes).astype(np.uint8)


def map_handlers(source: MapSource) -> list[HTTPRouteHandler]:
    """The map's routes, to be put under a server's own guards."""
    room = MapRoom(source)
    return [*_tile_routes(room), *_ground_routes(room), *_place_routes(room), *_layer_routes(room)]


def _tile_routes(room: MapRoom) -> list[HTTPRouteHandler]:
    @get("/api/map", summary="What a browser needs to draw the map")
    async def facts() -> Facts:
        return room.facts()

    @get("/api/map/terrain/{zoom:int}/{column:int}/{name:str}", summary="Terrain heights of a tile, terrarium PNG")
    async def terrain(
        request: Request_, zoom: FromPath[int], column: FromPath[int], name: FromPath[str]
    ) -> Response[bytes]:
        tile = _tile(zoom, column, name, ".png")
        return await _answer(
            request, room.tiles, ("terrain", tile, room.fingerprint), lambda: png(room.source.relief.heights(tile)),
            "image/png",
        )  # fmt: skip

    @get("/api/map/contours/{zoom:int}/{column:int}/{name:str}", summary="Contour lines of a tile, Mapbox vector tile")
    async def contours(
        request: Request_, zoom: FromPath[int], column: FromPath[int], name: FromPath[str]
    ) -> Response[bytes]:
        tile = _tile(zoom, column, name, ".mvt")
        return await _answer(
            request, room.tiles, ("contours", tile, room.fingerprint), lambda: room.contours(tile),
            "application/vnd.mapbox-vector-tile",
        )  # fmt: skip

    @get("/api/map/base.pmtiles", summary="The user's own base map, whole or in ranges of bytes")
    async def base(request: Request_) -> Response[bytes] | File:
        path = room.source.base_map
        if path is None or not path.is_file():
            raise NotFoundException("no base map was given")
        asked = request.headers.get("range")
        if asked is None:
            return File(path, filename=path.name, media_type="application/octet-stream")
        return await _part(room.tiles, path, asked)

    return [facts, terrain, contours, base]


def _ground_routes(room: MapRoom) -> list[HTTPRouteHandler]:
    @get("/api/map/cameras/{camera_id:str}/ground.json", summary="A camera's field of view and the ground it sees")
    async def ground(request: Request_, camera_id: FromPath[str]) -> Response[bytes]:
        view = room.view(camera_id)
        masks = next((camera.masks for camera in room.source.site.cameras if camera.id == camera_id), ())
        parts = ("ground", camera_id, view.lens, view.pose, view.reach_m, view.refraction, masks, room.fingerprint)
        return await _answer(
            request, room.ground, parts, lambda: camera_ground(camera_id, view, masks), "application/geo+json"
        )

    @get("/api/map/mast", summary="What a mast at a place would see all around")
    async def mast(
        request: Request_, lat: Latitude, lon: Longitude, height: Above = 20.0, reach: Reach = 5000.0
    ) -> Response[bytes]:
        here = Position(latitude_deg=lat, longitude_deg=lon)
        return await _answer(
            request, room.ground, ("mast", here, height, reach, room.fingerprint),
            lambda: mast_ground(room.source.surface, here, height, reach), "application/geo+json",
        )  # fmt: skip

    @get("/api/map/travel", summary="How soon a patrol, or anybody from a place, can be where")
    async def travel_from(
        request: Request_,
        patrol: FromQuery[str | None] = None,
        from_lat: MaybeLatitude = None,
        from_lon: MaybeLongitude = None,
        means: FromQuery[Means] = "foot",
        lat: MaybeLatitude = None,
        lon: MaybeLongitude = None,
    ) -> Response[bytes]:
        begin = room.start(patrol, _place(from_lat, from_lon), means)
        to = _place(lat, lon)
        return await _answer(
            request, room.ground, ("travel", begin, to, room.fingerprint),
            lambda: room.travelled(begin.position, begin.means, begin.ready_s, to), "application/geo+json",
        )  # fmt: skip

    return [ground, mast, travel_from]


def _place_routes(room: MapRoom) -> list[HTTPRouteHandler]:
    @get("/api/map/place", summary="Height, slope and grid reference of a place")
    async def place(lat: Latitude, lon: Longitude) -> PlaceFacts:
        return room.place(lat, lon)

    @get("/api/map/sees", summary="Which cameras and posts see a place, and why the others do not")
    async def sees(request: Request_, lat: Latitude, lon: Longitude, height: Above = 1.0) -> Response[bytes]:
        here = Position(latitude_deg=lat, longitude_deg=lon)
        views = [(name, view.lens, view.pose) for name, view in room.source.views.items()]
        parts = ("sees", here, height, views, tuple(room.source.lookouts()), room.fingerprint)
        return await _answer(
            request, room.ground, parts, lambda: msgspec.json.encode(room.seen(here, height)), "application/json"
        )

    @get("/api/map/profile", summary="The ground under a line of sight between two places")
    async def between(
        from_lat: Latitude,
        from_lon: Longitude,
        lat: Latitude,
        lon: Longitude,
        from_height: Above = 2.0,
        height: Above = 1.0,
    ) -> Profile:
        start = Position(latitude_deg=from_lat, longitude_deg=from_lon)
        end = Position(latitude_deg=lat, longitude_deg=lon)
        return profile(room.source.surface, start, from_height, end, height)

    return [place, sees, between]


def _layer_routes(room: MapRoom) -> list[HTTPRouteHandler]:
    @get("/api/map/observed.json", summary="How long ago each cell of the ground was last really observed")
    async def observed(request: Request_) -> Response[bytes]:
        layers = room.layers()
        return await _answer(
            request, room.ground, ("observed", layers.version),
            lambda: msgspec.json.encode(room.cells(layers, unseen_classes(layers.unseen_s), UNSEEN_S)),
            "application/json",
        )  # fmt: skip

    @get("/api/map/presence.json", summary="Where those who were lost could be; inhabited places are masked")
    async def presence(request: Request_) -> Response[bytes]:
        layers = room.layers()
        return await _answer(
            request, room.ground, ("presence", layers.version),
            lambda: msgspec.json.encode(room.cells(layers, presence_classes(layers.presence_km2), PRESENCE_KM2)),
            "application/json",
        )  # fmt: skip

    return [observed, presence]


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the one range that a Range header asks for, cut to 8 MiB; None where there is none."""
    unit, _, span = asked.partition("=")
    first, dash, last = span.strip().partition("-")
    if unit.strip() != "bytes" or not dash or "," in span or not (first + last).isdecimal():
        return None
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) if first and last else size - 1, size - 1, start + LARGEST_RANGE_BYTES - 1)
    return (start, end) if start <= end else None


async def _part(work: Work, path: Path, asked: str) -> Response[bytes]:
    """A range of a file's bytes, or that there is none such."""
    facts = path.stat()  # noqa: ASYNC240 - a file's size is asked of the kernel, not of the disk
    span = byte_range(asked, facts.st_size)
    if span is None:
        return Response(b"", status_code=416, headers={"content-range": f"bytes */{facts.st_size}"})
    key = key_of("base", str(path), facts.st_mtime_ns, facts.st_size, span)
    body = await work.answer(key, lambda: _read(path, span))
    headers = {
        "content-range": f"bytes {span[0]}-{span[1]}/{facts.st_size}",
        "accept-ranges": "bytes",
        "etag": f'"{key_of(facts.st_mtime_ns, facts.st_size)}"',
    }
    return Response(body, status_code=206, headers=headers, media_type="application/octet-stream")


def _read(path: Path, span: tuple[int, int]) -> bytes:
    with path.open("rb") as file:
        file.seek(span[0])
        return file.read(span[1] - span[0] + 1)


async def _answer(
    request: Request_, work: Work, parts: tuple[object, ...], compute: Callable[[], bytes], media_type: str
) -> Response[bytes]:
    """What was asked, or that the browser has it already."""
    key = key_of(*parts)
    headers = {"etag": f'"{key}"', "cache-control": "private, max-age=0, must-revalidate"}
    if f'"{key}"' in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    body = await work.answer(key, compute)
    return Response(body, headers=headers, media_type=media_type)


def _tile(zoom: int, column: int, name: str, ending: str) -> Tile:
    row = name.removesuffix(ending)
    if zoom not in ZOOMS or not (name.endswith(ending) and row.isdecimal()):
        raise InputError(f"tile {zoom}/{column}/{name}: there is no such tile")
    return Tile(zoom, column, int(row)).checked()


def _place(latitude_deg: float | None, longitude_deg: float | None) -> Position | None:
    if latitude_deg is None or longitude_deg is None:
        return None
    return Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg)

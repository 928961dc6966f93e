"""A small scene on ground simple enough to know all about."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Pose
from marsad.simulate.actor import Actor, Waypoint
from marsad.simulate.camera import Imager
from marsad.simulate.scenario import Scenario
from marsad.simulate.scene import Scene

LATITUDE_DEG, LONGITUDE_DEG, GROUND_M, MAST_M = 34.46, 40.95, 200.0, 20.0
STILL = Imager(sway_px=0.0, netd_k=0.0, pixel_fixed_k=0.0, column_fixed_k=0.0, row_k=0.0)

MakeView = Callable[..., CameraView]
MakeScene = Callable[..., Scene]
MakePerson = Callable[..., Actor]


def fine_ground() -> ElevationGrid:
    """Level ground to 2.8 km around in cells of 10 m."""
    step_y, cells = 10 / 110_900, 560
    step_x = 10 / 91_900
    return ElevationGrid(
        crs="EPSG:4326",
        west=LONGITUDE_DEG - step_x * cells / 2,
        north=LATITUDE_DEG + step_y * cells / 2,
        step_x=step_x,
        step_y=step_y,
        height_m=np.full((cells, cells), GROUND_M, np.float32),
        source="test",
    )


@pytest.fixture(scope="session")
def make_view() -> MakeView:
    """A camera that looks north over flat ground, or over ground raised by a function of east and north."""

    def make(
        raised: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None, elevation_deg: float = -1.5
    ) -> CameraView:
        grid = fine_ground()
        frame = EnuFrame(Position(latitude_deg=LATITUDE_DEG, longitude_deg=LONGITUDE_DEG, height_m=GROUND_M))
        if raised is not None:
            rows, columns = grid.height_m.shape
            longitude = grid.west + (np.arange(columns) + 0.5) * grid.step_x
            latitude = grid.north - (np.arange(rows) + 0.5) * grid.step_y
            east, north, _ = frame.from_geodetic(*np.meshgrid(latitude, longitude, indexing="ij"), GROUND_M)
            grid = msgspec.structs.replace(grid, height_m=(grid.height_m + raised(east, north)).astype(np.float32))
        lens = Lens(width_px=160, height_px=128, horizontal_fov_deg=3.0)
        pose = Pose(
            latitude_deg=LATITUDE_DEG,
            longitude_deg=LONGITUDE_DEG,
            mast_m=MAST_M,
            ground_height_m=GROUND_M,
            azimuth_deg=0.0,
            elevation_deg=elevation_deg,
        )
        return CameraView(lens, pose, Surface(grid, frame, 2500.0), reach_m=2400.0)

    return make


@pytest.fixture(scope="session")
def make_person() -> MakePerson:
    """A person who stays at a place, or walks from there."""

    def make(east_m: float, north_m: float, *, to: tuple[float, float] | None = None, **other: object) -> Actor:
        points = [(east_m, north_m)] if to is None else [(east_m, north_m), to]
        route = tuple(Waypoint(east_m=east, north_m=north) for east, north in points)
        return msgspec.convert({"actor_id": 1, "kind": "person", **other, "route": route}, Actor, from_attributes=True)

    return make


@pytest.fixture(scope="session")
def make_scene(make_view: MakeView) -> MakeScene:
    """A scene on flat ground without noise, unless other parts are given."""

    level = make_view()

    def make(*actors: Actor, view: CameraView | None = None, seed: int = 1, **other: object) -> Scene:
        scenario = Scenario(
            name="test", seconds=4.0, start=datetime(2026, 1, 1, 20, tzinfo=UTC), imager=STILL, actors=actors
        )
        scenario = msgspec.structs.replace(scenario, **other)
        return Scene(view or level, scenario, np.random.default_rng(seed))

    return make

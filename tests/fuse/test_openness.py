"""Open stretches of a line whose cameras are known, against asking every metre of it."""

import math

import numpy as np
import pytest

from marsad.fuse.coverage import Coverage, CoverageSettings, Eye, Weather, camera_eye
from marsad.fuse.openness import STEP_M, line_cells, open_stretches
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.event import CameraHealth, PatrolPosition, WatchStarted
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.presence import OpenStretch
from marsad.kernel.site import Camera, Lens, Pose

FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0))
FLAT = Surface(flat_grid(34.0, 41.0, 100.0, 6000.0), FRAME, 6000.0)
LATTICE = Lattice(west_m=-2500.0, north_m=2000.0, cell_m=25.0, rows=90, columns=200)
WALL = np.array([[-2400.0, 1000.0], [2400.0, 1000.0]])
S = 1_000_000_000


def ridge() -> Surface:
    """Flat ground with a wall of earth, 12 m high, north of the mast and south of the line."""
    grid = flat_grid(34.0, 41.0, 100.0, 6000.0)
    size = 1200
    step = 12_000 / size
    north = 6000 - (np.arange(size) + 0.5) * step
    east = -6000 + (np.arange(size) + 0.5) * step
    wall = (np.abs(north - 800) < 30)[:, None] & (np.abs(east - 0) < 120)[None, :]
    degree = 111_000.0
    return Surface(
        ElevationGrid(
            crs=grid.crs,
            west=41.0 - 6000 / (degree * math.cos(math.radians(34.0))),
            north=34.0 + 6000 / degree,
            step_x=step / (degree * math.cos(math.radians(34.0))),
            step_y=step / degree,
            height_m=np.where(wall, 112.0, 100.0).astype(np.float32),
        ),
        FRAME,
        5000.0,
    )


def eye(name: str, azimuth: float, *, surface: Surface = FLAT, reach: float = 1800.0, mast: float = 20.0) -> Eye:
    pose = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=mast, azimuth_deg=azimuth, elevation_deg=-1.0)
    camera = Camera(
        id=name, lens=Lens(width_px=4000, height_px=2000, horizontal_fov_deg=40.0), pose=pose, reach_m=reach
    )
    view = CameraView(camera.lens, pose, surface, reach_m=reach)
    return camera_eye(camera, view, LATTICE, CoverageSettings())


def watched(*eyes: Eye) -> Coverage:
    one = Coverage(LATTICE, FRAME, eyes, CoverageSettings())
    for each in eyes:
        name = each.camera.id
        one.take(WatchStarted(time_ns=0, camera_id=name, source="", width_px=1, height_px=1, fps=1, software=""))
    return one


def ask(one: Coverage, seconds: float = 100.0, band_m: float = 0.0) -> list[OpenStretch]:
    return open_stretches(line_cells("wall", WALL, band_m, LATTICE), one, round(seconds * S))


def reasons(stretches: list[OpenStretch]) -> set[str]:
    return {part.reason for stretch in stretches for part in stretch.parts}


AHEAD = eye("ahead", 0.0)


def test_what_is_open_is_what_no_cell_is_watched_on() -> None:
    one = watched(AHEAD)
    found = ask(one)
    for along in range(5, 4800, 10):
        row, column = LATTICE.cells_of(WALL[0, 0] + along, 1000.0)
        is_open = any(stretch.from_m <= along < stretch.to_m for stretch in found)
        assert is_open != bool(one.watched[row, column])
    assert [each.length_m for each in found] == sorted((each.length_m for each in found), reverse=True)
    assert sum(each.length_m for each in found) == pytest.approx(4800 - 2 * 1000 * math.tan(math.radians(20)), abs=60)


def test_beside_the_picture_a_turn_would_close_it_and_beyond_reach_it_would_not() -> None:
    left, right = sorted(ask(watched(AHEAD)), key=lambda each: each.from_m)
    for stretch, sign in ((left, -1), (right, 1)):
        turnable = [part for part in stretch.parts if part.reason == "out_of_field"]
        assert turnable[0].remedy == "turn_camera"
        assert turnable[0].turn_deg is not None
        assert sign * turnable[0].turn_deg == pytest.approx(20, abs=2)
        assert turnable[0].unseen_s is None
    assert "out_of_reach" in reasons([left, right])


def test_turning_it_so_far_closes_the_part() -> None:
    before = ask(watched(AHEAD))
    part = next(part for each in before for part in each.parts if part.reason == "out_of_field")
    assert part.turn_deg is not None
    after = ask(watched(eye("ahead", part.turn_deg)))
    middle = part.from_m if part.turn_deg > 0 else part.to_m - STEP_M
    assert not any(each.from_m <= middle < each.to_m for each in after)


def test_a_camera_that_is_down_is_named_with_why_and_since_when() -> None:
    one = watched(AHEAD)
    one.take(CameraHealth(time_ns=40 * S, camera_id="ahead", frame_index=1, kind="covered"))
    (stretch,) = ask(one)
    assert stretch.length_m == pytest.approx(4800)
    down = next(part for part in stretch.parts if part.reason == "camera_down")
    assert (down.camera_id, down.trouble, down.since_ns, down.remedy) == ("ahead", "covered", 40 * S, "restore_camera")
    assert down.unseen_s == pytest.approx(60.0)
    assert down.to_m - down.from_m == pytest.approx(2 * 1000 * math.tan(math.radians(20)), abs=60)


def test_dead_ground_behind_a_wall_of_earth_is_told_as_such() -> None:
    found = ask(watched(eye("ahead", 0.0, surface=ridge(), mast=10.0)))
    dead = [part for each in found for part in each.parts if part.reason == "dead_ground"]
    assert dead
    assert min(part.from_m for part in dead) == pytest.approx(2400 - 150, abs=40)
    assert max(part.to_m for part in dead) == pytest.approx(2400 + 150, abs=40)
    assert all(part.remedy == "send_patrol" for part in dead)


def test_haze_opens_the_line_and_says_so() -> None:
    one = watched(AHEAD)
    one.set_weather(Weather(clear_m=900.0), 20 * S)
    assert "weather" in reasons(ask(one))


def test_a_patrol_closes_a_stretch_for_a_minute() -> None:
    one = watched()
    one.take(PatrolPosition(time_ns=90 * S, patrol_id="p", position=FRAME.position(0.0, 950.0)))
    left, right = ask(one)
    assert left.length_m + right.length_m == pytest.approx(4800 - 2 * math.sqrt(150**2 - 50**2), abs=60)
    (whole,) = ask(one, 200.0)
    middle = next(part for part in whole.parts if part.unseen_s is not None)
    assert middle.reason == "out_of_reach"
    assert middle.camera_id is None


def test_a_wide_band_is_closed_by_whoever_looks_across_it() -> None:
    low = eye("low", 0.0, reach=900.0)
    assert len(ask(watched(low))) == 1
    found = ask(watched(low), band_m=300.0)
    assert sum(each.length_m for each in found) < 4800 - 400


def test_short_stretches_can_be_left_out() -> None:
    one = watched(AHEAD)
    line = line_cells("wall", WALL, 0.0, LATTICE)
    assert open_stretches(line, one, 0, least_m=5000.0) == []
    assert len(open_stretches(line, one, 0, least_m=400.0)) == 2

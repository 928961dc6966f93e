"""Presence as a whole, from events: who is lost, who comes back, what nobody looked at, areas, inhabited places."""

import msgspec
import numpy as np
import pytest

from marsad.fuse.coverage import NEVER_NS, Eye, Weather, camera_eye
from marsad.fuse.presence import Presence, PresenceSettings, corners_of, sector_lattice, side_of_line, slopes
from marsad.fuse.whereabouts import SearchSettings
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.detection import Box
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.event import AreaMarked, Event, PatrolPosition, TrackLost, TrackPoint, WatchEnded, WatchStarted
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.presence import AreaMark
from marsad.kernel.site import Camera, Inhabited, Lens, Line, Pose, Site, Zone
from marsad.kernel.track import Kind, Track

ORIGIN = Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0)
FRAME = EnuFrame(ORIGIN)
SURFACE = Surface(flat_grid(34.0, 41.0, 100.0, 6000.0), FRAME, 6000.0)
LATTICE = Lattice(west_m=-1500.0, north_m=2500.0, cell_m=50.0, rows=60, columns=60)
EAST, NORTH = LATTICE.centres()
SETTINGS = PresenceSettings(search=SearchSettings(particles=4000, forecast=500))
S = 1_000_000_000


def camera(name: str, azimuth: float) -> Camera:
    pose = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=30.0, azimuth_deg=azimuth, elevation_deg=-1.5)
    return Camera(id=name, lens=Lens(width_px=1280, height_px=1024, horizontal_fov_deg=20.0), pose=pose, reach_m=2400.0)


def eye(one: Camera) -> Eye:
    assert one.pose is not None
    view = CameraView(one.lens, one.pose, SURFACE, reach_m=one.reach_m)
    return camera_eye(one, view, LATTICE, SETTINGS.coverage)


def around(east: float, north: float, half: float) -> tuple[Position, ...]:
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return tuple(FRAME.position(east + e, north + n) for e, n in corners)


SITE = Site(
    name="test",
    origin=ORIGIN,
    cameras=(camera("ahead", 0.0), camera("aside", 60.0)),
    lines=(Line(id="wall", points=(FRAME.position(-1400, 1500), FRAME.position(1400, 1500)), inside="right"),),
    zones=(Zone(id="pocket", points=around(-600, 900, 200)), Zone(id="far", points=around(900, 200, 300))),
    inhabited=(Inhabited(id="village", points=around(0, 1800, 150)),),
)
EYES = [eye(one) for one in SITE.cameras]


def presence(site: Site = SITE) -> Presence:
    one = Presence(site, FRAME, LATTICE, EYES, SETTINGS, SURFACE)
    for each in site.cameras:
        one.take(WatchStarted(time_ns=0, camera_id=each.id, source="", width_px=1, height_px=1, fps=1, software=""))
    return one


def point(
    seconds: float, east: float, north: float, *, camera_id: str = "ahead", track_id: int = 1, kind: Kind = "person"
) -> TrackPoint:
    time_ns = round(seconds * S)
    ground = GroundState(
        position=FRAME.position(east, north), east_m=east, north_m=north,
        covariance=GroundCovariance(east_m2=25.0, east_north_m2=0.0, north_m2=100.0), velocity_east_m_s=-1.2,
        velocity_north_m_s=0.0, range_m=1000.0,
    )  # fmt: skip
    track = Track(
        track_id=track_id, camera_id=camera_id, origin="own", time_ns=time_ns, frame_index=0, status="confirmed",
        box=Box(x_px=1, y_px=1, w_px=2, h_px=5), velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=5.0,
        snr=9.0, kind=kind, kind_confidence=0.9, confidence=0.9, first_ns=0, confirmed_ns=0, ground=ground,
    )  # fmt: skip
    return TrackPoint(time_ns=time_ns, track=track)


def came(seconds: float, east: float, north: float) -> list[TrackPoint]:
    """Somebody who came from the east, as the points of his last ten seconds."""
    return [point(seconds - ago, east + 1.2 * ago, north) for ago in range(10, -1, -1)]


def gone(seconds: float, *, camera_id: str = "ahead", track_id: int = 1, kind: Kind = "person") -> TrackLost:
    return TrackLost(time_ns=round(seconds * S), camera_id=camera_id, track_id=track_id, kind=kind, reason="missed")


def told(one: Presence, *events: Event) -> Presence:
    for event in events:
        one.take(event)
    return one


def test_somebody_lost_is_sought_where_no_camera_looks() -> None:
    one = told(presence(), *came(100, -300, 900), gone(103))
    assert [lost.id for lost in one.lost] == ["ahead/1"]
    one.advance(400 * S)
    (where,) = one.whereabouts()
    in_view = one.coverage.watched
    inside = np.nansum(where.density_km2[in_view]) * LATTICE.cell_km2
    assert inside < 0.1
    assert where.area_50_km2 < where.area_90_km2 < 1.5
    assert where.outlines_90
    middle = np.nansum(where.density_km2 * EAST) / np.nansum(where.density_km2)
    assert -800 < middle < -400


def test_animals_and_those_whom_another_camera_has_are_not_sought() -> None:
    one = told(presence(), point(100, 0, 900, kind="animal"), gone(101, kind="animal"))
    assert one.lost == ()
    one = told(presence(), point(100, 0, 900), point(101, -3, 905, camera_id="aside"), gone(102))
    assert one.lost == ()
    one = told(presence(), point(100, 0, 900), point(101, -500, 905, camera_id="aside"), gone(102))
    assert [lost.id for lost in one.lost] == ["ahead/1"]


def test_who_is_lost_by_two_cameras_at_once_is_sought_once() -> None:
    both = point(100, 0, 900), point(101, -3, 905, camera_id="aside")
    one = told(presence(), *both, gone(102), gone(102, camera_id="aside"))
    assert [lost.id for lost in one.lost] == ["aside/1"]
    ends = [WatchEnded(time_ns=103 * S, camera_id=name, reason="", frames=1, dropped=0) for name in ("ahead", "aside")]
    apart = point(100, 0, 900), point(101, -600, 905, camera_id="aside")
    assert len(told(presence(), *apart, *ends).lost) == 2


def test_a_new_track_in_the_likely_place_ends_the_search() -> None:
    one = told(presence(), point(100, -300, 900), gone(103), point(300, -520, 900, camera_id="aside", track_id=9))
    assert one.lost == ()
    (again,) = one.seen_again
    assert (again.lost.id, again.camera_id, again.track_id) == ("ahead/1", "aside", 9)
    one = told(presence(), point(100, -300, 900), gone(103), point(300, 900, 300, camera_id="aside", track_id=9))
    assert one.lost
    one.find("ahead/1")
    assert one.lost == ()


def test_who_was_in_view_when_the_camera_ended_is_lost() -> None:
    one = told(
        presence(),
        point(100, -300, 900),
        WatchEnded(time_ns=102 * S, camera_id="ahead", reason="stopped", frames=1, dropped=0),
    )
    assert [lost.id for lost in one.lost] == ["ahead/1"]


def test_a_search_ends_when_the_trail_is_cold() -> None:
    one = told(presence(), point(100, -300, 900), gone(103))
    one.advance(103 * S + round(SETTINGS.search_s * S) + 2 * S)
    assert one.lost == ()


def test_nobody_looked_for_an_hour() -> None:
    one = presence()
    watched = one.coverage.watched
    one.take(WatchEnded(time_ns=1800 * S, camera_id="ahead", reason="", frames=1, dropped=0))
    one.advance(5000 * S)
    hour, longer = one.unobserved(3600), one.unobserved(3100)
    asked = (~one.hidden).sum()
    aside = one.coverage.watched
    assert hour.share == pytest.approx((~watched & ~one.hidden).sum() / asked)
    assert longer.share == pytest.approx((~aside & ~one.hidden).sum() / asked)
    assert hour.never_km2 == pytest.approx(hour.area_km2)
    assert not (hour.cells & one.hidden).any()
    assert longer.outlines
    assert (one.last_observed_ns()[watched & ~aside] == 1800 * S).all()
    assert (one.last_observed_ns()[~watched] == NEVER_NS).all()


@pytest.mark.parametrize("allowed", [True, False])
def test_inhabited_places_are_masked_and_their_total_told_only_by_leave(allowed: bool) -> None:
    village = msgspec.structs.replace(SITE.inhabited[0], tell_total=allowed)
    other = msgspec.structs.replace(village, id="farm", points=around(1200, 2000, 100), tell_total=True)
    one = told(presence(msgspec.structs.replace(SITE, inhabited=(village, other))), point(100, 200, 1800), gone(103))
    one.advance(300 * S)
    (where,) = one.whereabouts()
    assert np.isnan(where.density_km2[one.hidden]).all()
    assert (where.inhabited is not None) == allowed


def mark(seconds: float, area: str, state: str, *points: Position) -> AreaMarked:
    found = AreaMark(area_id=area, state=state, officer="Rebin", reason="order 7", by="p1", points=points)  # type: ignore[arg-type]  # a parameter
    return AreaMarked(time_ns=round(seconds * S), mark=found)


def test_searching_a_pocket_drives_the_probability_out_and_names_the_next() -> None:
    one = told(presence(), *came(100, -300, 900), gone(103))
    one.advance(400 * S)
    before = {each.area_id: each for each in one.areas()}
    assert one.areas()[0].area_id == "pocket"
    assert before["pocket"].probability > 0.3
    one.take(mark(401, "pocket", "searched"))
    after = {each.area_id: each for each in one.areas()}
    assert after["pocket"].probability < 0.5 * before["pocket"].probability
    assert after["pocket"].clear == 1
    assert after["pocket"].history[-1].officer == "Rebin"
    one.advance(3000 * S)
    assert {each.area_id: each for each in one.areas()}["pocket"].clear < 0.5


def test_an_area_drawn_by_the_officer_is_held_and_watched() -> None:
    one = told(presence(), mark(10, "gully", "held", *around(-1000, 300, 150)))
    cells = one.book.areas["gully"].cells
    assert cells.sum() == 36
    assert one.coverage.watched[cells].all()
    one.take(mark(500, "gully", "unsearched"))
    assert not one.coverage.watched[cells].all()
    assert (one.last_observed_ns()[cells] >= 500 * S).all()
    with pytest.raises(InputError, match="no corners"):
        one.take(mark(600, "nowhere", "searched"))


def test_a_patrol_that_passes_makes_it_less_likely_that_he_is_still_there() -> None:
    events = [point(100, -700, 300), gone(103)]
    here = [
        PatrolPosition(time_ns=second * S, patrol_id="p1", position=FRAME.position(-750, 300))
        for second in range(131, 160, 5)
    ]
    alone, passed = told(presence(), *events), told(presence(), *events, *here)
    for one in (alone, passed):
        one.advance(160 * S)
    assert passed.whereabouts()[0].unseen < 0.3 * alone.whereabouts()[0].unseen


def test_bad_weather_opens_the_line_and_keeps_the_lost_possible() -> None:
    one = presence()
    clear_m = sum(each.length_m for each in one.open_stretches())
    one.set_weather(Weather(clear_m=600.0), 50 * S)
    assert sum(each.length_m for each in one.open_stretches()) > clear_m + 200


def test_the_same_log_gives_the_same_answer_and_another_seed_nearly_the_same() -> None:
    events = [point(100, -300, 900), gone(103)]
    answers = []
    for seed in (0, 0, 1):
        one = Presence(SITE, FRAME, LATTICE, EYES, msgspec.structs.replace(SETTINGS, seed=seed), SURFACE)
        told(one, *events).advance(500 * S)
        answers.append(one.whereabouts()[0])
    assert np.array_equal(answers[0].density_km2, answers[1].density_km2, equal_nan=True)
    assert not np.array_equal(answers[0].density_km2, answers[2].density_km2, equal_nan=True)
    assert answers[2].area_90_km2 == pytest.approx(answers[0].area_90_km2, rel=0.2)


def test_sides_of_a_bent_line_are_those_of_walking_along_it() -> None:
    bent = np.array([[-1000.0, 500.0], [0.0, 500.0], [0.0, 1500.0]])
    line = Line(id="bent", points=(ORIGIN, ORIGIN), inside="right")
    side = side_of_line(line, bent, LATTICE).side
    beyond = ((EAST < -1000) & (NORTH < 1250)) | ((NORTH > 1500) & (EAST > -500))
    inner = ~beyond & ~((EAST < -900) | (NORTH > 1400))
    assert np.array_equal((side > 0)[inner], ~((EAST < 0) & (NORTH > 500))[inner])
    assert not side[beyond].any()
    left = side_of_line(msgspec.structs.replace(line, inside="left"), bent, LATTICE).side
    assert np.array_equal(left, -side)


def test_slopes_are_those_of_the_ground() -> None:
    step = 1 / 3600
    north_m, east_m = 30.87, 30.92 * np.cos(np.radians(34.0))
    rows, columns = np.mgrid[0:200, 0:200]
    heights = (300 - rows * north_m * 0.2 + columns * east_m * 0.1).astype(np.float32)
    grid = ElevationGrid(
        crs="EPSG:4326", west=41 - 100 * step, north=34 + 100 * step, step_x=step, step_y=step, height_m=heights
    )
    ground = slopes(LATTICE, Surface(grid, FRAME, 2600.0))
    assert ground.north_slope[30:50, 10:50].mean() == pytest.approx(0.2, rel=0.02)
    assert ground.east_slope[30:50, 10:50].mean() == pytest.approx(0.1, rel=0.02)


def test_the_sector_holds_all_places_with_its_margin() -> None:
    lattice = sector_lattice([corners_of(FRAME, SITE.lines[0].points), np.array([[0.0, 0.0]])], 200.0, 40.0)
    assert (lattice.west_m, lattice.cell_m) == (pytest.approx(-1600, abs=1), 40.0)
    row, column = lattice.cells_of([-1599, 1599, 0], [1699, 1699, -199])
    assert lattice.holds(row, column).all()

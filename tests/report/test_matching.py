"""Made-up tracks of known errors against made-up walks: what is found must be what was put in."""

import math

import msgspec
import numpy as np
import pytest
from scipy.stats import chi2

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Pose, Terrain
from marsad.report.crossing import Crossing, Walk
from marsad.report.matching import CHANCE_SHIFTS_S, Gate, align, chance, matches
from marsad.report.sighting import LogStory, Roll, Sighting, Span
from marsad.report.view import Eye

T0 = 1_786_219_200 * 10**9
S = 10**9
ELLIPSE = np.array([[9.0, 6.0], [6.0, 25.0]])


@pytest.fixture(scope="module")
def eye() -> Eye:
    frame = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0))
    surface = Surface(flat_grid(34.0, 41.0, 100.0, 4000.0), frame, 4000.0)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=12.0)
    pose = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=20.0, azimuth_deg=0.0, elevation_deg=-1.5)
    return Eye("mast", CameraView(lens, pose, surface), Terrain())


def walk(seconds: int = 120, *, sigma_m: float = 3.0, pace: float = 1.4, turns: int = 0) -> Walk:
    """North from 540 m, or back and forth."""
    times = np.arange(seconds + 1)
    leg = seconds / (turns + 1)
    north = 540 + pace * leg * np.abs((times / leg + 1) % 2 - 1)
    return Walk(
        walker="anna",
        time_ns=T0 + times * S,
        east_m=np.zeros(len(times)),
        north_m=north,
        sigma_m=np.full(len(times), sigma_m),
    )


def sighting(
    walked: Walk, low_s: int, high_s: int, off: np.ndarray, *, number: int = 1, ahead_s: float = 0.0
) -> Sighting:
    """A track that follows a walk, `off` from it, by a clock that is ahead."""
    seconds = np.arange(low_s, high_s + 1)
    true_s = (walked.time_ns - T0) / S
    places = (
        np.stack([np.interp(seconds - ahead_s, true_s, axis) for axis in (walked.east_m, walked.north_m)], axis=-1)
        + off
    )
    count = len(seconds)
    return Sighting(
        camera_id="mast", run=0, track_id=number, confirmed_ns=T0 + low_s * S, kind="person", groups=frozenset(),
        time_ns=T0 + seconds * S, east_m=places[:, 0], north_m=places[:, 1],
        covariance=np.tile([ELLIPSE[0, 0], ELLIPSE[0, 1], ELLIPSE[1, 1]], (count, 1)), foot_px=np.zeros((count, 2)),
        height_px=np.full(count, 9.0),
    )  # fmt: skip


def test_errors_as_stated_have_the_distances_of_chi_square() -> None:
    rng = np.random.default_rng(2)
    walked, gate = walk(pace=0.0), Gate(clock_s=0.0)
    root = np.linalg.cholesky(ELLIPSE + 9.0 * np.eye(2))
    tracks = [sighting(walked, 10, 40, root @ rng.normal(size=2), number=k) for k in range(400)]
    found = matches(Roll(tracks), walked, (T0, T0 + 60 * S), {}, gate)
    assert len(found) == 400
    distances = np.array([float(match.distance2.mean()) for match in found])
    assert np.mean(distances <= chi2.ppf(0.95, 2)) == pytest.approx(0.95, abs=0.03)
    assert distances.mean() == pytest.approx(2, abs=0.3)


def test_the_clock_widens_the_gate_along_the_way_only() -> None:
    walked = walk()
    ahead, beside = (sighting(walked, 10, 40, np.array(off)) for off in ((0.0, 45.0), (45.0, 0.0)))
    assert matches(Roll([ahead, beside]), walked, (T0, T0 + 60 * S), {}, Gate(clock_s=0.0)) == []
    (found,) = matches(Roll([ahead, beside]), walked, (T0, T0 + 60 * S), {}, Gate(clock_s=10.0))
    assert found.sighting is ahead
    assert found.error_m == pytest.approx(45.0)


def test_half_of_a_track_must_be_his() -> None:
    walked = walk(pace=0.0)
    leaves = sighting(walked, 10, 40, np.zeros(2))
    for away, count in ((14, 1), (20, 0)):
        east = leaves.east_m.copy()
        east[-away:] += 500
        gone = msgspec.structs.replace(leaves, east_m=east)
        assert len(matches(Roll([gone]), walked, (T0, T0 + 60 * S), {}, Gate())) == count


def test_it_counts_as_found_when_it_was_believed_or_when_it_came_to_him() -> None:
    walked = walk(pace=0.0)
    track = msgspec.structs.replace(sighting(walked, 10, 40, np.zeros(2)), confirmed_ns=T0 + 8 * S)
    (found,) = matches(Roll([track]), walked, (T0, T0 + 60 * S), {}, Gate())
    assert found.found_ns == T0 + 8 * S
    east = track.east_m.copy()
    east[:5] += 500
    (came,) = matches(Roll([msgspec.structs.replace(track, east_m=east)]), walked, (T0, T0 + 60 * S), {}, Gate())
    assert came.found_ns == T0 + 15 * S


def test_a_track_without_a_place_is_known_by_its_pixel(eye: Eye) -> None:
    walked = walk(pace=0.0)
    track = sighting(walked, 10, 20, np.zeros(2))
    x, y, _ = eye.view.project(0.0, 540.0, float(eye.view.surface.up_m(0.0, 540.0)))
    nowhere = msgspec.structs.replace(
        track, east_m=track.east_m * np.nan, foot_px=np.tile([float(x), float(y)], (len(track.time_ns), 1))
    )
    aside = msgspec.structs.replace(nowhere, foot_px=nowhere.foot_px + np.array([150.0, 0.0]))
    (found,) = matches(Roll([nowhere, aside]), walked, (T0, T0 + 60 * S), {"mast": eye}, Gate())
    assert found.sighting is nowhere
    assert np.isnan(found.error_m).all()
    assert matches(Roll([nowhere]), walked, (T0, T0 + 60 * S), {}, Gate()) == []


@pytest.mark.parametrize("ahead_s", [-40.0, -3.0, 0.0, 11.5])
def test_clock_and_pose_are_told_apart_by_both_directions(eye: Eye, ahead_s: float) -> None:
    walked = walk(480, turns=5, sigma_m=1.0)
    bias = np.array([2.0, 7.0])
    low, high = 80, 400
    tracks = [sighting(walked, a, a + 35, bias, number=a, ahead_s=ahead_s) for a in range(low, high, 40)]
    found = align(LogStory(sightings=tuple(tracks)), [walked], eye, 0.0, Gate())
    assert found.tracks == len(tracks)
    assert found.offset_s == pytest.approx(ahead_s, abs=0.3)
    # Seen from the camera due south of him, farther is north and right is east.
    assert (found.farther_m, found.right_m) == (pytest.approx(7.0, abs=0.4), pytest.approx(2.0, abs=0.4))


def test_walking_one_way_leaves_clock_and_pose_open_and_says_so(eye: Eye) -> None:
    walked = walk(200)
    track = sighting(walked, 20, 150, np.array([0.0, 4.0]))
    found = align(LogStory(sightings=(track,)), [walked], eye, 0.0, Gate())
    assert (found.sigma_s or 0) > 1.5, "4 m farther, or 3 s early: the sigma of the ellipse over the pace"
    assert abs(found.offset_s or 0) < 3 * (found.sigma_s or 0)


def test_without_a_track_nothing_is_told(eye: Eye) -> None:
    assert align(LogStory(), [walk()], eye, 2.0, Gate()).offset_s is None
    far = sighting(walk(), 20, 60, np.array([900.0, 0.0]))
    assert align(LogStory(sightings=(far,)), [walk()], eye, 2.0, Gate()).offset_s is None


def test_chance_is_how_often_somebody_else_was_there_at_another_time() -> None:
    walked = walk(60, pace=0.0)
    crossing = Crossing(
        line_id="l", walker="anna", number=1, direction="inward", start_ns=T0, crossed_ns=T0 + 30 * S,
        end_ns=T0 + 60 * S, east_m=0.0, north_m=540.0, along_m=0.0,
    )  # fmt: skip
    always = Span(camera_id="mast", start_ns=T0 - 10**4 * S, end_ns=T0 + 10**4 * S, what="watched")
    own = sighting(walked, 10, 40, np.zeros(2))
    shift = round(CHANCE_SHIFTS_S[-1])
    stranger = sighting(walked, 10 + shift, 40 + shift, np.zeros(2), number=2)
    story = LogStory(sightings=(own, stranger), watched=(always,))
    found = chance(story, {"anna": walked}, [crossing], {("mast", 0, 1)}, {}, Gate())
    assert (found.found, found.of) == (1, len(CHANCE_SHIFTS_S))
    short = msgspec.structs.replace(always, end_ns=T0 + 100 * S)
    seldom = chance(msgspec.structs.replace(story, watched=(short,)), {"anna": walked}, [crossing], set(), {}, Gate())
    assert seldom.of == sum(shift_s < 0 for shift_s in CHANCE_SHIFTS_S)
    assert math.isclose(seldom.low, 0.0)

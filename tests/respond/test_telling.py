"""Places, directions and times as people say them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.alert import Crossed, Facts, PlaceWord
from marsad.kernel.picture import PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.site import Camera, Lens, Line, Pose, Site
from marsad.kernel.track import Count, Kind
from marsad.respond.subject import Subject
from marsad.respond.telling import NS, Telling, compass, distance, duration, where, who

ORIGIN = Position(latitude_deg=34.4, longitude_deg=40.9)
FRAME = EnuFrame(ORIGIN)
LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=25.0)
POSE = Pose(latitude_deg=34.4, longitude_deg=40.9, mast_m=20.0, azimuth_deg=0.0, elevation_deg=-3.0)


@pytest.mark.parametrize(
    ("azimuth_deg", "said"),
    [(0, "north"), (44, "north-east"), (91, "east"), (180, "south"), (292, "west"), (350, "north")],
)
def test_directions(azimuth_deg: float, said: str) -> None:
    assert compass(math.radians(azimuth_deg)) == said


@pytest.mark.parametrize(
    ("metres", "said"),
    [(2, "5 m"), (43, "45 m"), (354, "350 m"), (996, "1.0 km"), (1230, "1.2 km"), (15600, "15.6 km")],
)
def test_distances(metres: float, said: str) -> None:
    assert distance(metres) == said


@pytest.mark.parametrize(("seconds", "said"), [(2, "0 s"), (41, "40 s"), (100, "2 min"), (360, "6 min"), (7200, "2 h")])
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.floats(0.1, 1e5))
def test_a_distance_that_is_said_is_near_the_true_one(metres: float) -> None:
    number, unit = distance(metres).split()
    told = float(number) * (1000 if unit == "km" else 1)
    assert abs(told - metres) <= max(5.0, 0.05 * metres)


@pytest.mark.parametrize(
    ("kind", "count", "said"),
    [
        ("group", Count(best=4, low=4, high=4), "Group of 4, on foot"),
        ("unknown", Count(best=3, low=2, high=5), "Group of 3 (2-5), on foot"),
        ("person", None, "Person, on foot"),
        ("vehicle", Count(best=2, low=2, high=2), "Vehicle"),
        ("unknown", None, "Unknown, perhaps a person"),
    ],
)
def test_who_it_is(kind: Kind, count: Count | None, said: str) -> None:
    assert who(kind, count) == said


def subject(east_m: float, north_m: float) -> Subject:
    rate = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)
    ground = GroundState(
        position=FRAME.position(east_m, north_m), east_m=east_m, north_m=north_m, covariance=rate, range_m=0.0
    )
    track = PictureTrack(
        track_id="T1", origin="own", time_ns=9 * NS, status="confirmed", ground=ground, velocity_covariance=rate,
        existence=0.9, first_ns=0, seen_ns=9 * NS,
    )  # fmt: skip
    return Subject(subject_id="T1", whole=track, members=(track,))


def test_where_there_is_no_post_the_nearest_camera_says_where() -> None:
    cameras = (Camera(id="C1", lens=LENS, pose=POSE, name="North tower"), Camera(id="C2", lens=LENS))
    facts = Telling(Site(name="test", cameras=cameras), FRAME).facts(subject(-300, 0))
    assert facts.near is not None
    assert (facts.near.of, facts.near.id, facts.line) == ("camera", "C1", None)
    assert where(facts.near) == "300 m west of North tower"
    bare = Telling(Site(name="test"), FRAME).facts(subject(0, 0))
    assert (bare.near, bare.line, bare.time_ns) == (None, None, 9 * NS)


@pytest.mark.parametrize(("inside", "north_m"), [("right", -40.0), ("left", 40.0)])
def test_a_line_has_its_inside_where_the_site_says(inside: str, north_m: float) -> None:
    points = (FRAME.position(-500, 0), FRAME.position(500, 0))
    line = Line(id="border", points=points, inside=inside)  # type: ignore[arg-type]  # a literal
    telling = Telling(Site(name="test", origin=ORIGIN, lines=(line,)), FRAME)
    within, out = telling.facts(subject(20, north_m)).line, telling.facts(subject(20, -north_m)).line
    assert within is not None
    assert out is not None
    assert (within.inside, out.inside, within.distance_m) == (True, False, pytest.approx(40.0, abs=0.01))
    assert math.cos(within.bearing_rad) == pytest.approx(math.copysign(1.0, north_m))


def test_a_sentence_says_how_long_ago_a_line_was_crossed_and_who_saw_it() -> None:
    telling = Telling(Site(name="test", origin=ORIGIN), FRAME)
    near = PlaceWord(of="post", id="post-3", name="Post 3", distance_m=1210.0, bearing_rad=0.1)
    facts = Facts(
        time_ns=400 * NS, near=near, heading_rad=1.6, speed_m_s=1.2, camera_ids=("C2", "C4"), reporter_ids=("post-9",),
        crossed=Crossed(line_id="the line", direction="inward", time_ns=40 * NS),
    )  # fmt: skip
    four = Count(best=4, low=4, high=4)
    assert telling.sentence("group", four, facts, "line_crossing", "the line", 400 * NS) == (
        "Group of 4, on foot, 1.2 km north of Post 3, walking east, 6 min past the line. Seen by C2, C4. "
        "Reported by post-9."
    )

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.site import Camera, Lens, Line, Pose, Site, Zone
from marsad.kernel.track import Count, Kind, Size, Status, Track
from marsad.respond.alerting import PRIORITIES, Alerting, AlertSettings, sentence

ORIGIN = Position(latitude_deg=34.4, longitude_deg=40.9, height_m=200.0)
FRAME = EnuFrame(ORIGIN)
LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=25.0)
POSE = Pose(latitude_deg=34.4, longitude_deg=40.9, mast_m=20.0, azimuth_deg=0.0, elevation_deg=-3.0)
Spread = tuple[float, float, float]
"""East variance, covariance, north variance."""
FINE: Spread = (4.0, 0.0, 4.0)


def line(
    *places: tuple[float, float], inside: str = "right", band_m: float = 0.0, alert: str = "both", name: str = "line-1"
) -> Line:
    points = tuple(FRAME.position(east, north) for east, north in places)
    return Line(id=name, points=points, inside=inside, band_m=band_m, alert=alert)  # type: ignore[arg-type]  # a literal


def site(lines: Sequence[Line] = (), zones: Sequence[Zone] = ()) -> Site:
    cameras = (Camera(id="C1", lens=LENS, pose=POSE), Camera(id="C2", lens=LENS))
    return Site(name="test", origin=ORIGIN, cameras=cameras, lines=tuple(lines), zones=tuple(zones))


def square(east: float, north: float, half: float, *, backwards: bool = False) -> Zone:
    corners = ((-half, -half), (half, -half), (half, half), (-half, half))[:: -1 if backwards else 1]
    return Zone(id="zone-1", points=tuple(FRAME.position(east + e, north + n) for e, n in corners))


ACROSS = line((-500, 300), (500, 300))
"""A line from west to east, so that inside, to its right, is south."""
DECIDE_NS = round(AlertSettings().decide_s * 1e9)
HERD_NS = round(AlertSettings().herd_s * 1e9)
UPRIGHT = Box(x_px=100, y_px=100, w_px=10, h_px=30)
LOW = Box(x_px=100, y_px=110, w_px=30, h_px=20)


def track(
    place: tuple[float, float] | None,
    time_s: float,
    *,
    track_id: int = 1,
    kind: Kind = "person",
    status: Status = "confirmed",
    spread: Spread = FINE,
    multimodal: bool = False,
    camera_id: str = "C1",
    confidence: float = 0.9,
    kind_confidence: float = 0.9,
    count: Count | None = None,
    group_id: int | None = None,
    box: Box = UPRIGHT,
) -> Track:
    ground = None
    if place is not None:
        ground = GroundState(
            position=ORIGIN,
            east_m=place[0],
            north_m=place[1],
            covariance=GroundCovariance(east_m2=spread[0], east_north_m2=spread[1], north_m2=spread[2]),
            range_m=math.hypot(*place),
            multimodal=multimodal,
        )
    return Track(
        track_id=track_id,
        camera_id=camera_id,
        origin="own",
        time_ns=round(time_s * 1e9),
        frame_index=round(time_s * 10),
        status=status,
        box=box,
        velocity_x_px_s=0.0,
        velocity_y_px_s=0.0,
        contrast_counts=20.0,
        snr=15.0,
        kind=kind,
        kind_confidence=kind_confidence,
        confidence=confidence,
        first_ns=0,
        ground=ground,
        count=count,
        group_id=group_id,
    )


def straight(
    start: tuple[float, float], end: tuple[float, float], seconds: float, fps: float = 5.0
) -> Iterator[tuple[tuple[float, float], float]]:
    """Places and times on a straight way."""
    steps = round(seconds * fps)
    for k in range(steps + 1):
        share = k / steps
        yield (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])), share * seconds


def settled(site: Site | None = None, settings: AlertSettings | None = None) -> Alerting:
    """An alerting that has watched an empty scene for a while."""
    alerting = Alerting(site, settings)
    alerting.update([], -60_000_000_000)
    return alerting


def run(alerting: Alerting, tracks: Iterator[Track] | Sequence[Track]) -> list[Alert]:
    return [alert for each in tracks for alert in alerting.update([each], each.time_ns)]


def walk(alerting: Alerting, start: tuple[float, float], end: tuple[float, float], **more: object) -> list[Alert]:
    return run(alerting, [track(place, t, **more) for place, t in straight(start, end, 60)])  # type: ignore[arg-type]


def test_walking_across_raises_one_alert_with_its_direction() -> None:
    (inward,) = walk(settled(site([ACROSS])), (0, 340), (0, 260))
    assert (inward.rule, inward.rule_id, inward.direction) == ("line_crossing", "line-1", "inward")
    assert inward.priority == "high"
    assert inward.alert_id == "C1-1-line-1-1"
    (outward,) = walk(settled(site([ACROSS])), (0, 260), (0, 340))
    assert (outward.direction, outward.priority) == ("outward", "medium")


def test_the_alert_comes_when_it_is_nine_tenths_sure() -> None:
    (alert,) = walk(settled(site([ACROSS])), (0, 340), (0, 260), spread=(4.0, 0.0, 100.0))
    assert alert.ground is not None
    # 1.28 sigma past the line, give or take a step and what the filter has not yet learnt of the speed.
    assert alert.ground.north_m == pytest.approx(300 - 12.8, abs=3)


def test_the_band_of_a_line_adds_to_the_uncertainty() -> None:
    vague = line((-500, 300), (500, 300), band_m=20 * math.sqrt(3))
    (alert,) = walk(settled(site([vague])), (0, 360), (0, 240))
    assert alert.ground is not None
    assert alert.ground.north_m == pytest.approx(300 - 1.28 * math.hypot(20, 2), abs=3)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("stays outside", (0, 340), (0, 320)),
        ("stays inside", (0, 280), (0, 250)),
        ("walks along it", (-200, 320), (200, 320)),
        ("passes beyond its end", (700, 340), (700, 260)),
    ],
)
def test_no_crossing_no_alert(name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    assert walk(settled(site([ACROSS])), start, end) == [], name


def test_one_first_seen_on_the_line_has_crossed_nothing() -> None:
    assert walk(settled(site([ACROSS])), (0, 300), (0, 260)) == []


def test_a_line_told_to_mind_one_direction_is_silent_on_the_other() -> None:
    one_way = line((-500, 300), (500, 300), alert="outward")
    assert walk(settled(site([one_way])), (0, 340), (0, 260)) == []
    assert len(walk(settled(site([one_way])), (0, 260), (0, 340))) == 1


def test_going_back_and_forth_raises_each_crossing_once() -> None:
    alerting = settled(site([ACROSS]))
    way = [(0.0, 340.0), (0.0, 260.0), (0.0, 340.0), (0.0, 260.0)]
    tracks, t = [], 0.0
    for start, end in pairwise(way):
        tracks += [track(place, t + s) for place, s in straight(start, end, 60)]
        t += 60.2
    alerts = run(alerting, tracks)
    assert [a.direction for a in alerts] == ["inward", "outward", "inward"]
    assert [a.alert_id for a in alerts] == ["C1-1-line-1-1", "C1-1-line-1-2", "C1-1-line-1-3"]


def test_a_crossing_behind_cover_is_told_when_it_is_seen_again() -> None:
    alerting, tracks = settled(site([ACROSS])), []
    for place, t in straight((0, 330), (0, 270), 40):
        hidden = 290 < place[1] < 310
        tracks.append(track(place, t, status="coasting" if hidden else "confirmed"))
    (alert,) = run(alerting, tracks)
    assert alert.direction == "inward"


def test_a_bent_line_is_crossed_where_it_is() -> None:
    bent = line((-400, 200), (0, 400), (400, 200))
    for start, end in (((0, 440), (0, 360)), ((-240, 330), (-160, 250)), ((60, 410), (20, 350))):
        assert [a.direction for a in walk(settled(site([bent])), start, end)] == ["inward"]
    assert walk(settled(site([bent])), (-300, 150), (300, 150)) == []


def test_a_ring_is_a_line_too() -> None:
    ring = line((-50, 250), (-50, 350), (50, 350), (50, 250), (-50, 250))
    alerts = walk(settled(site([ring])), (0, 400), (0, 300))
    assert [a.direction for a in alerts] == ["inward"]


def test_entering_a_zone_and_appearing_in_one_are_intrusions() -> None:
    (entered,) = walk(settled(site(zones=[square(0, 300, 30)])), (0, 400), (0, 300))
    assert (entered.rule, entered.direction, entered.priority) == ("zone_intrusion", "", "high")
    assert entered.ground is not None
    assert entered.ground.north_m == pytest.approx(330 - 2.56, abs=2)
    (appeared,) = walk(settled(site(zones=[square(0, 300, 30)])), (0, 300), (5, 300))
    assert appeared.time_ns == 0
    assert walk(settled(site(zones=[square(0, 300, 30)])), (0, 400), (100, 300)) == []


def test_the_order_of_a_zones_corners_does_not_matter() -> None:
    for start in ((0, 400), (0, 300), (60, 310)):
        there, back = (
            walk(settled(site(zones=[square(0, 300, 30, backwards=b)])), start, (0, 300)) for b in (False, True)
        )
        assert there == back
        assert len(there) == 1


def test_a_zone_smaller_than_the_uncertainty_is_never_sure() -> None:
    assert walk(settled(site(zones=[square(0, 300, 5)])), (0, 330), (0, 300), spread=(400.0, 0.0, 400.0)) == []


@pytest.mark.parametrize(("east", "north"), [(0, 300), (28, 300), (40, 315), (25, 325)])
def test_the_probability_of_a_zone_agrees_with_sampling(east: float, north: float) -> None:
    alerting, spread = settled(site(zones=[square(0, 300, 30)])), (225.0, 90.0, 100.0)
    ground = track((east, north), 0, spread=spread).ground
    assert ground is not None
    told = alerting._within(alerting._zones[0][1], (east, north), ground.covariance)
    samples = np.random.default_rng(5).multivariate_normal(
        (east, north), [[spread[0], spread[1]], [spread[1], spread[2]]], 40_000
    )
    inside = (np.abs(samples[:, 0]) < 30) & (np.abs(samples[:, 1] - 300) < 30)
    assert told == pytest.approx(inside.mean(), abs=0.04)


def test_a_position_with_several_answers_crosses_no_line() -> None:
    assert walk(settled(site([ACROSS])), (0, 340), (0, 260), multimodal=True) == []


@pytest.mark.parametrize(("seconds", "raised"), [(1.8, []), (5.0, ["zone_intrusion"])])
def test_who_stays_likely_in_a_zone_is_held_to_be_in_it(seconds: float, raised: list[str]) -> None:
    tracks = [track((0, 300), t / 10, multimodal=True) for t in range(round(seconds * 10))]
    alerts = run(settled(site(zones=[square(0, 300, 60)])), tracks)
    assert [alert.rule for alert in alerts] == raised
    assert all(alert.time_ns == 2_000_000_000 for alert in alerts)


def test_who_is_likely_in_a_zone_only_now_and_then_is_not() -> None:
    places = [(0, 300) if t % 15 else (0, 400) for t in range(100)]
    tracks = [track(place, t / 10, multimodal=True) for t, place in enumerate(places)]
    assert run(settled(site(zones=[square(0, 300, 60)])), tracks) == []


@given(
    angle=st.floats(0, 2 * math.pi),
    offset=st.floats(-200, 200),
    east=st.floats(-2000, 2000),
    north=st.floats(-2000, 2000),
    tilt=st.floats(-1.0, 1.0),
    sigma=st.floats(0.5, 8.0),
)
@settings(max_examples=40)
def test_any_clear_crossing_of_any_line_raises_exactly_one_right_alert(
    angle: float, offset: float, east: float, north: float, tilt: float, sigma: float
) -> None:
    """Turned and moved anywhere; the way leans by up to a radian from the perpendicular."""

    def place(along: float, right: float) -> tuple[float, float]:
        s, c = math.sin(angle), math.cos(angle)
        return east + along * s + right * c, north + along * c - right * s

    watched = line(place(-500, 0), place(500, 0))
    lean = 60 * math.tan(tilt)
    alerts = walk(
        settled(site([watched])), place(offset - lean, -60), place(offset + lean, 60), spread=(sigma**2, 0, sigma**2)
    )
    assert [a.direction for a in alerts] == ["inward"]


Wander = list[tuple[float, float]]
WANDERS: st.SearchStrategy[Wander] = st.lists(
    st.tuples(st.floats(-300, 300), st.floats(-300, 300)), min_size=2, max_size=6
)


def wander(alerting: Alerting, way: Wander, shift: tuple[float, float] = (0, 0)) -> list[tuple[int, str, str]]:
    tracks, t = [], 0.0
    for start, end in pairwise(way):
        for place, s in straight(start, end, 40, fps=1):
            tracks.append(track((place[0] + shift[0], place[1] + shift[1]), t + s))
        t += 41
    return [(a.time_ns, a.rule_id, a.direction) for a in run(alerting, tracks)]


BENT = [(-250.0, -100.0), (-20.0, 60.0), (90.0, -40.0), (260.0, 120.0)]


@given(way=WANDERS)
@settings(max_examples=40)
def test_a_line_written_backwards_with_its_inside_swapped_is_the_same_line(way: Wander) -> None:
    forward = settled(site([line(*BENT, inside="right")]))
    backward = settled(site([line(*BENT[::-1], inside="left")]))
    assert wander(forward, way) == wander(backward, way)


@given(way=WANDERS)
@settings(max_examples=25)
def test_the_other_side_as_inside_swaps_the_directions(way: Wander) -> None:
    swap = {"inward": "outward", "outward": "inward"}
    told = wander(settled(site([line(*BENT)])), way)
    other = wander(settled(site([line(*BENT, inside="left")])), way)
    assert [(t, name, swap[d]) for t, name, d in told] == other


@given(way=WANDERS, shift=st.tuples(st.integers(-40, 40), st.integers(-40, 40)))
@settings(max_examples=40)
def test_moving_the_whole_site_changes_nothing(way: Wander, shift: tuple[int, int]) -> None:
    # Whole multiples of 32 m, plus a fine grid, so that rounding cannot decide who is across.
    way = [(round(e * 4) / 4 + 0.05, round(n * 4) / 4 + 0.05) for e, n in way]
    moved = (32.0 * shift[0], 32.0 * shift[1])
    here = wander(settled(site([line(*BENT)])), way)
    there = wander(settled(site([line(*[(e + moved[0], n + moved[1]) for e, n in BENT])])), way, moved)
    assert here == there


@pytest.mark.parametrize("fps", [1.0, 10.0])
def test_noise_seldom_crosses_for_one_who_stands_near_the_line(fps: float) -> None:
    """Sixty standing for two minutes from 3 sigma outside to 1 sigma inside, with white noise as large as is said."""
    rng, sigma, crossings, most = np.random.default_rng(2), 8.0, 0, 0
    for k in range(60):
        alerting = settled(site([ACROSS]))
        north = 300 + sigma * (3 - 4 * k / 59)
        noise = rng.normal(0, sigma, (round(120 * fps), 2))
        tracks = [track((e, north + n), i / fps, spread=(64.0, 0.0, 64.0)) for i, (e, n) in enumerate(noise)]
        told = len(run(alerting, tracks))
        crossings, most = crossings + told, max(most, told)
    assert most <= 1
    assert crossings <= 2


def test_a_noisy_walker_across_raises_one_alert() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        noise = rng.normal(0, 6, (601, 2))
        tracks = [
            track((e + n[0], north + n[1]), t, spread=(36.0, 0.0, 36.0))
            for ((e, north), t), n in zip(straight((0, 345), (0, 255), 60, fps=10), noise, strict=True)
        ]
        assert [a.direction for a in run(settled(site([ACROSS])), tracks)] == ["inward"]


@pytest.mark.parametrize("where", [None, site(), "unposed"])
@pytest.mark.parametrize("kind", ["person", "group", "vehicle", "unknown"])
def test_without_rules_every_confirmed_track_raises_one_alert(where: Site | str | None, kind: Kind) -> None:
    camera_id = "C2" if where == "unposed" else "C1"
    alerting = settled(site([ACROSS]) if isinstance(where, str) else where)
    tracks = [
        track(None, t / 10, kind=kind, camera_id=camera_id, status="tentative" if t < 5 else "confirmed")
        for t in range(100)
    ]
    (alert,) = run(alerting, tracks)
    assert (alert.rule, alert.rule_id, alert.priority) == ("confirmed_track", "confirmed_track", "medium")
    # These were believed at once; what is unknown is given a moment to become known.
    assert alert.time_ns == (DECIDE_NS if kind == "unknown" else 500_000_000)
    assert alert.alert_id == f"{camera_id}-1-confirmed_track-1"


def test_what_turns_out_harmless_in_its_first_moment_raises_nothing() -> None:
    tracks = [track(None, t / 10, kind="unknown" if t < 7 else "animal") for t in range(50)]
    assert run(settled(), tracks) == []
    (alert,) = run(settled(), [track(None, t / 10, kind="unknown" if t < 7 else "person") for t in range(50)])
    assert alert.time_ns == 700_000_000


@pytest.mark.parametrize("kind", ["person", "group", "vehicle"])
def test_what_is_not_surely_told_waits_and_is_raised_all_the_same(kind: Kind) -> None:
    (alert,) = run(settled(), [track(None, t / 10, kind=kind, kind_confidence=0.5) for t in range(100)])
    assert alert.time_ns == DECIDE_NS
    (alert,) = run(settled(), [track(None, t / 10, kind=kind, kind_confidence=t / 10) for t in range(100)])
    assert alert.time_ns == round(AlertSettings().sure_kind * 1e9)


def doubted(kind: Kind, share: Callable[[float], float]) -> list[Track]:
    """Ten seconds of a track whose size is known, and which is told with a share that follows from the time."""
    size = Size(width_m=0.9, height_m=0.6, sigma_m=0.1)
    tracks = [track(None, t / 10, kind=kind, kind_confidence=share(t / 10)) for t in range(100)]
    return [msgspec.structs.replace(each, size=size) for each in tracks]


@pytest.mark.parametrize("kind", ["unknown", "person", "vehicle"])
def test_the_less_speaks_for_what_raises_alerts_the_longer_it_is_given(kind: Kind) -> None:
    waits = [run(settled(), doubted(kind, lambda _: share))[0].time_ns for share in (0.6, 0.4, 0.3, 0.05)]  # noqa: B023
    assert waits == sorted(set(waits))
    assert waits[0] == DECIDE_NS
    assert waits[-1] < AlertSettings().doubt_s * 1e9
    # Surer by and by, it waits no longer.
    (alert,) = run(settled(), doubted(kind, lambda t: 0.1 + t / 5))
    assert alert.time_ns < waits[2]


def test_what_is_told_to_be_harmless_while_it_is_doubted_raises_nothing() -> None:
    tracks = doubted("unknown", lambda _: 0.3)
    told = [each if t < 35 else msgspec.structs.replace(each, kind="animal") for t, each in enumerate(tracks)]
    assert len(run(settled(), tracks)) == 1
    assert run(settled(), told) == []


def left_behind(confidence: float, speed_px_s: float = 0.0, *, said: Kind = "animal") -> list[int]:
    """When, in seconds, what was said to be of a kind for three seconds and goes on so for a minute is raised."""
    boxes = [msgspec.structs.replace(LOW, x_px=LOW.x_px + speed_px_s * max(t - 30, 0) / 10) for t in range(630)]
    kinds: list[Kind] = [said if t < 30 else "unknown" for t in range(630)]
    tracks = [
        track(None, t / 10, kind=kind, confidence=confidence, box=box)
        for t, (kind, box) in enumerate(zip(kinds, boxes, strict=True))
    ]
    return [round(alert.time_ns / 1e9) for alert in run(settled(), tracks)]


def test_what_something_harmless_left_behind_waits_until_it_goes_somewhere() -> None:
    assert left_behind(0.02) == []
    assert left_behind(0.02, 2.0) == [18]
    # What is believed waits no longer than anything unknown, nor does what was never said to be harmless.
    assert left_behind(0.9) == [5]
    assert left_behind(0.02, said="unknown") == [2]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_where_the_size_is_not_known_or_nothing_was_weighed_no_doubt_delays(share: float) -> None:
    (alert,) = run(settled(), [track(None, t / 10, kind="unknown", kind_confidence=share) for t in range(100)])
    assert alert.time_ns == DECIDE_NS
    (alert,) = run(settled(), doubted("unknown", lambda _: 0.0))
    assert alert.time_ns == DECIDE_NS


def test_a_line_crossed_by_what_is_likely_harmless_does_not_wait() -> None:
    told, sure = (
        [
            alert.time_ns
            for alert in run(
                settled(site([ACROSS])),
                [
                    track(place, t, kind=kind, kind_confidence=confidence)
                    for place, t in straight((0, 310), (0, 290), 4.0, fps=10)
                ],
            )
        ]
        for kind, confidence in (("unknown", 0.1), ("person", 0.9))
    )
    assert told == sure
    assert len(told) == 1


def test_one_who_soon_parts_from_a_group_is_raised_as_well() -> None:
    alerting = Alerting(site(zones=[square(0, 300, 30)]))
    raised: list[tuple[int, int]] = []
    alerting.update([], 0)
    for t in range(100, 200):
        two = [track((0.0, 300), t / 10, track_id=k, group_id=7 if t < 120 or k == 1 else None) for k in (1, 2)]
        raised += [(alert.track_id, alert.time_ns) for alert in alerting.update(two, two[0].time_ns)]
    parted_ns = round((12.0 + AlertSettings().parted_s) * 1e9)
    assert [number for number, _ in raised] == [1, 2]
    assert raised[1][1] == parted_ns


def test_a_line_crossed_does_not_wait_for_the_kind() -> None:
    for kind in ("person", "unknown"):
        tracks = [
            track(place, t, kind=kind, kind_confidence=0.1) for place, t in straight((0, 310), (0, 290), 0.7, fps=20)
        ]
        assert [a.rule for a in run(settled(site([ACROSS])), tracks)] == ["line_crossing"]


@pytest.mark.parametrize("kind", ["animal", "flying", "vegetation"])
def test_harmless_kinds_raise_nothing_until_they_are_taken_for_something_else(kind: Kind) -> None:
    for alerting, place in ((settled(), None), (settled(site(zones=[square(0, 300, 30)])), (0.0, 300.0))):
        assert run(alerting, [track(place, t / 10, kind=kind) for t in range(50)]) == []
        (alert,) = run(alerting, [track(place, t / 10, kind="unknown") for t in range(50, 80)])
        assert alert.time_ns == 4_900_000_000 + DECIDE_NS
    assert run(settled(), [track(None, 0, kind=kind), track(None, 0.1)])


def in_herd(
    seconds: float, alerting: Alerting | None = None, *, apart_px: float = 0.0, others: Kind = "animal", **more: object
) -> list[tuple[int, float]]:
    """The tracks raised among grazing animals, and when: track 1 as told, track 2 an unknown, low one."""
    alerting, raised = alerting or settled(), []
    for k in range(round(seconds * 10)):
        beasts = [
            track(None, k / 10, track_id=10 + n, kind=others, box=Box(x_px=150 + 40 * n, y_px=115, w_px=24, h_px=15))
            for n in range(3)
        ]
        one = track(None, k / 10, **more)  # type: ignore[arg-type]  # a table of cases
        shifted = msgspec.structs.replace(one.box, x_px=one.box.x_px - apart_px)
        one = msgspec.structs.replace(one, box=shifted)
        two = track(None, k / 10, track_id=2, kind="unknown", box=Box(x_px=130, y_px=115, w_px=24, h_px=16))
        raised += [(a.track_id, a.time_ns / 1e9) for a in alerting.update([*beasts, one, two], one.time_ns)]
    return raised


def test_what_may_be_of_a_herd_waits_longer_for_its_kind_and_a_herd_is_raised_once() -> None:
    ((_, raised_s),) = in_herd(30, kind="unknown", box=LOW)
    assert raised_s == HERD_NS / 1e9


@pytest.mark.parametrize(("share", "wait_s"), [(0.6, AlertSettings().herd_doubt_s), (0.8, AlertSettings().herd_s)])
def test_what_is_not_surely_told_waits_twice_as_long_in_a_herd(share: float, wait_s: float) -> None:
    alerting, raised = settled(), []
    for k in range(300):
        beast = track(None, k / 10, track_id=9, kind="animal", box=LOW)
        one = track(None, k / 10, kind="group", kind_confidence=share, box=LOW)
        raised += [alert.time_ns for alert in alerting.update([beast, one], one.time_ns)]
    assert raised == [round(wait_s * 1e9)]


def test_whoever_is_upright_among_animals_is_raised_at_once() -> None:
    assert in_herd(5) == [(1, 0.0)]
    assert in_herd(5, kind="unknown") == [(1, DECIDE_NS / 1e9)]


def test_who_is_not_beside_animals_waits_no_longer() -> None:
    assert in_herd(5, kind="unknown", box=LOW, apart_px=400) == [(1, DECIDE_NS / 1e9)]
    assert {number for number, _ in in_herd(5, kind="unknown", box=LOW, others="vegetation")} == {1, 2}


def test_one_of_a_herd_that_stands_up_is_raised_though_the_herd_was() -> None:
    alerting = settled()
    assert len(in_herd(15, alerting, kind="unknown", box=LOW)) == 1
    up = [track(None, 15 + k / 10, track_id=number, kind="unknown") for k in range(15) for number in (1, 2)]
    raised = [alert.track_id for each in up for alert in alerting.update([each], each.time_ns)]
    assert len(raised) == 1


def test_a_line_crossed_among_animals_does_not_wait() -> None:
    alerting, raised = settled(site([ACROSS])), []
    for place, t in straight((0, 310), (0, 290), 0.7, fps=20):
        beast = track(place, t, track_id=9, kind="animal", box=LOW)
        one = track(place, t, kind="unknown", box=LOW)
        raised += [alert.rule for alert in alerting.update([beast, one], one.time_ns)]
    assert raised == ["line_crossing"]


def test_a_crossing_made_while_taken_for_an_animal_is_told_once_it_is_a_person() -> None:
    alerting = settled(site([ACROSS]))
    assert walk(alerting, (0, 340), (0, 260), kind="animal") == []
    (alert,) = run(alerting, [track((0, 259), 61)])
    assert (alert.rule, alert.direction) == ("line_crossing", "inward")


@pytest.mark.parametrize("status", ["standing", "lost", "tentative", "coasting"])
def test_what_is_not_confirmed_raises_nothing(status: Status) -> None:
    for place in (None, (0.0, 300.0)):
        alerting = settled(None if place is None else site(zones=[square(0, 300, 30)]))
        assert run(alerting, [track(place, t / 10, status=status) for t in range(50)]) == []


def test_with_rules_one_who_meets_none_raises_nothing() -> None:
    assert walk(settled(site([ACROSS], [square(200, 100, 20)])), (0, 400), (50, 350)) == []


def test_one_that_cannot_be_held_against_the_rules_is_told_low() -> None:
    alerts = run(settled(site([ACROSS])), [track(None, t / 10) for t in range(100)])
    assert [(a.rule, a.priority) for a in alerts] == [("confirmed_track", "low")]
    assert alerts[0].time_ns == 3_000_000_000


def test_a_doubtful_track_is_low() -> None:
    (alert,) = walk(settled(site([ACROSS])), (0, 340), (0, 260), confidence=0.1)
    assert alert.priority == "low"


def test_a_group_raises_one_alert_not_one_for_each_member() -> None:
    alerting, alerts = settled(site([ACROSS])), []
    for (east, north), t in straight((0, 340), (0, 250), 70):
        members = [
            track((east + 2 * k, north + k), t, track_id=k, group_id=5, count=Count(best=4, low=3, high=5))
            for k in range(4)
        ]
        alerts += alerting.update(members, members[0].time_ns)
    (alert,) = alerts
    assert alert.count == Count(best=4, low=3, high=5)
    assert alert.text.startswith("Group of 4 (3-5), on foot, ")


def test_tracks_of_several_cameras_are_kept_apart() -> None:
    alerting = settled()
    alerts = alerting.update([track(None, 0), track(None, 0, camera_id="C2")], 0)
    assert [a.alert_id for a in alerts] == ["C1-1-confirmed_track-1", "C2-1-confirmed_track-1"]


def test_the_sentence_an_officer_would_say() -> None:
    spread = ((12 / 2.45) ** 2, 0.0, (2 / 2.45) ** 2)
    crossed = track((0, 320), 0, spread=spread, count=Count(best=4, low=3, high=5), kind="group")
    assert sentence(crossed, "line_crossing", "line-1", "inward") == (
        "Group of 4 (3-5), on foot, 320 m from C1, crossing line-1 inward near 34.40000 N "
        "40.90000 E (within 12 m by 2 m)"
    )
    far = msgspec.structs.replace(track((0, 2344), 0, kind="unknown", multimodal=True), count=None)
    assert sentence(far, "zone_intrusion", "pump", "").startswith(
        "Unknown, perhaps a person, 2340 m from C1, inside pump"
    )
    assert "other ground" in sentence(far, "zone_intrusion", "pump", "")
    assert sentence(track(None, 0), "confirmed_track", "confirmed_track", "") == (
        "Person, on foot, seen by C1 at pixel 105, 115 (no position)"
    )


def test_every_rule_and_direction_has_a_priority() -> None:
    assert set(PRIORITIES) == {
        ("line_crossing", "inward"),
        ("line_crossing", "outward"),
        ("zone_intrusion", ""),
        ("confirmed_track", ""),
    }


def test_what_is_long_gone_is_forgotten() -> None:
    alerting = settled()
    for k in range(300):
        alerting.update([track(None, float(k), track_id=k)], round(k * 1e9))
    assert len(alerting._tracks) < 70


@pytest.mark.parametrize("gone", [False, True])
def test_what_stands_as_a_watch_begins_is_raised_once_it_leaves_its_place_or_stays(gone: bool) -> None:
    zone, alerting = square(0, 300, 50), Alerting(site(zones=[square(0, 300, 50)]))
    alerting.update([], 0)
    raised = []
    for k in range(60):
        seen = track((0, 300), 1.0 + k / 5)
        box = Box(x_px=100 + (8.0 * k if gone else 0.5 * (k % 2)), y_px=100, w_px=10, h_px=30)
        raised += alerting.update([msgspec.structs.replace(seen, box=box, first_ns=seen.time_ns)], seen.time_ns)
    (alert,) = raised
    assert alert.rule_id == zone.id
    waited_s = alert.time_ns / 1e9 - 1.0
    assert waited_s == pytest.approx(0.8 if gone else AlertSettings().stay_s, abs=0.25)


def test_what_leaps_about_a_bush_as_a_watch_begins_has_not_left_its_place() -> None:
    rng, waited = np.random.default_rng(4), []
    for _ in range(40):
        alerting = Alerting(site(zones=[square(0, 300, 50)]))
        alerting.update([], 0)
        for k in range(60):
            box = Box(x_px=100 + rng.uniform(0, 25), y_px=100 + rng.uniform(0, 25), w_px=7, h_px=9)
            seen = msgspec.structs.replace(track((0, 300), 1.0 + k / 5), box=box, first_ns=1_000_000_000 + k)
            waited += [alert.time_ns / 1e9 - 1.0 for alert in alerting.update([seen], seen.time_ns)]
    assert len(waited) == 40
    assert np.mean(np.array(waited) > AlertSettings().stay_s - 0.25) > 0.75


def test_a_line_crossed_as_a_watch_begins_is_raised_at_once() -> None:
    early, late = (walk(each, (0, 340), (0, 260)) for each in (Alerting(site([ACROSS])), settled(site([ACROSS]))))
    assert [alert.time_ns for alert in early] == [alert.time_ns for alert in late] != []

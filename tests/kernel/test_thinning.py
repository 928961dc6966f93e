"""Thinning of track points; through a log it is tested with the adapters."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.detection import Box
from marsad.kernel.event import CameraLost, Event, PictureGroupPoint, PictureTrackEnded, PictureTrackPoint, TrackPoint
from marsad.kernel.picture import PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.thinning import REMEMBERED, SPACING_NS, TrackThinner
from marsad.kernel.track import Count, Track

COVER = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)
GROUND = GroundState(
    position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=0.0, north_m=0.0, covariance=COVER, range_m=0.0
)


def point(time_ns: int, track_id: int = 1) -> TrackPoint:
    track = Track(
        track_id=track_id,
        camera_id="c",
        origin="own",
        time_ns=time_ns,
        frame_index=0,
        status="tentative",
        box=Box(x_px=0, y_px=0, w_px=1, h_px=1),
        velocity_x_px_s=0,
        velocity_y_px_s=0,
        contrast_counts=1,
        snr=1,
        kind="unknown",
        kind_confidence=0,
        confidence=0,
        first_ns=0,
    )
    return TrackPoint(time_ns=time_ns, track=track)


def fused(time_ns: int, name: str = "north-1-a") -> PictureTrackPoint:
    track = PictureTrack(
        track_id=name, origin="own", time_ns=time_ns, status="confirmed", ground=GROUND, velocity_covariance=COVER,
        existence=1.0, first_ns=0, seen_ns=time_ns,
    )  # fmt: skip
    return PictureTrackPoint(time_ns=time_ns, track=track)


def grouped(time_ns: int, name: str = "north-1-a") -> PictureGroupPoint:
    group = PictureGroup(
        group_id=name, time_ns=time_ns, first_ns=0, members=(name,), count=Count(best=2, low=2, high=3), kind="person",
        ground=GROUND, velocity_covariance=COVER,
    )  # fmt: skip
    return PictureGroupPoint(time_ns=time_ns, group=group)


@given(st.lists(st.tuples(st.integers(0, 3 * 10**8), st.integers(1, 3)), max_size=60))
def test_kept_points_are_a_second_apart_and_none_is_missed_for_longer(steps: list[tuple[int, int]]) -> None:
    thinner, time_ns = TrackThinner(), 0
    points = []
    for step_ns, track_id in steps:
        time_ns += step_ns
        points.append(point(time_ns, track_id))
    kept = thinner.keep(points)
    for track_id in (1, 2, 3):
        own = [event.time_ns for event in points if event.track.track_id == track_id]
        left = [event.time_ns for event in kept if event.track.track_id == track_id]
        assert left[:1] == own[:1]
        assert all(later - earlier >= SPACING_NS for earlier, later in itertools.pairwise(left))
        for moment in own:
            assert any(0 <= moment - earlier < SPACING_NS for earlier in left)


@given(st.floats(1.0, 60.0))
def test_steady_pictures_leave_one_point_a_second(fps: float) -> None:
    times = [round(index / fps * 1e9) for index in range(int(fps * 20) + 1)]
    kept = TrackThinner().keep([point(time_ns) for time_ns in times])
    gaps = [(later.time_ns - earlier.time_ns) / 1e9 for earlier, later in itertools.pairwise(kept)]
    assert all(0.999 <= gap <= 1.0 + 1 / fps + 1e-6 for gap in gaps)


def test_a_clock_set_back_does_not_silence_a_track() -> None:
    assert len(TrackThinner().keep([point(10**12), point(5), point(6)])) == 2


def test_other_events_pass_untouched() -> None:
    lost = [CameraLost(time_ns=1, camera_id="c", detail="")] * 5
    assert TrackThinner().keep(lost) == lost


def test_what_was_forgotten_passes_again() -> None:
    thinner = TrackThinner()
    kept = thinner.keep([point(1)])
    assert thinner.keep([point(1)]) == []
    thinner.forget(kept)
    assert thinner.keep([point(1)]) == kept


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    thinner = TrackThinner()
    thinner.keep([point(track_id, track_id) for track_id in range(REMEMBERED + 1)])
    assert len(thinner._last_ns) == REMEMBERED
    assert len(thinner.keep([point(5, 0)])) == 1
    assert len(thinner.keep([point(REMEMBERED + 5, REMEMBERED)])) == 0


def test_tracks_and_groups_of_the_picture_are_thinned_each_by_itself() -> None:
    first: list[Event] = [point(0), fused(0), grouped(0), fused(0, "south-1-a")]
    thinner = TrackThinner()
    assert thinner.keep(first) == first
    assert thinner.keep([fused(SPACING_NS - 1), grouped(SPACING_NS - 1)]) == []
    assert thinner.keep([fused(SPACING_NS), grouped(SPACING_NS)]) == [fused(SPACING_NS), grouped(SPACING_NS)]


def test_a_name_that_was_ended_begins_anew() -> None:
    thinner = TrackThinner()
    events: list[Event] = [fused(0), PictureTrackEnded(time_ns=1, track_id="north-1-a"), fused(2)]
    assert thinner.keep(events) == events

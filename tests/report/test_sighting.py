import msgspec
import numpy as np

from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.event import (
    AlertRaised,
    CameraHealth,
    CameraLost,
    CameraRestored,
    FrameGap,
    TrackConfirmed,
    TrackPoint,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Track
from marsad.report.sighting import ALWAYS_NS, joined, moved, read_story, troubles_in, watching

T0 = 1_786_219_200 * 10**9
S = 10**9
BOX = Box(x_px=10, y_px=20, w_px=4, h_px=8)


def started(time_ns: int) -> WatchStarted:
    return WatchStarted(
        time_ns=time_ns, camera_id="c", source="s", width_px=640, height_px=512, fps=9.0, software="test"
    )


def ended(time_ns: int) -> WatchEnded:
    return WatchEnded(time_ns=time_ns, camera_id="c", reason="end", frames=1, dropped=0)


def track(time_ns: int, number: int = 7, ground: GroundState | None = None, **changes: object) -> Track:
    whole = Track(
        track_id=number, camera_id="c", origin="own", time_ns=time_ns, frame_index=0, status="confirmed", box=BOX,
        velocity_x_px_s=0, velocity_y_px_s=0, contrast_counts=9, snr=9, kind="person", kind_confidence=1, confidence=1,
        first_ns=time_ns - 2 * S, confirmed_ns=time_ns, ground=ground,
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def ground(east_m: float, *, multimodal: bool = False) -> GroundState:
    return GroundState(
        position=Position(latitude_deg=34, longitude_deg=41), east_m=east_m, north_m=5.0, range_m=500,
        covariance=GroundCovariance(east_m2=4, east_north_m2=1, north_m2=9), multimodal=multimodal,
    )  # fmt: skip


def confirmed(seen: Track) -> TrackConfirmed:
    return TrackConfirmed(time_ns=seen.time_ns, track=seen)


def point(seen: Track) -> TrackPoint:
    return TrackPoint(time_ns=seen.time_ns, track=seen)


def test_a_track_is_read_with_its_places_and_what_is_unsure_is_left_open() -> None:
    first = track(T0, ground=ground(1.0), group_id=3)
    later = [
        track(T0 + S, ground=ground(2.0, multimodal=True), confirmed_ns=T0, kind="group"),
        track(T0 + 2 * S, confirmed_ns=T0),
    ]
    (seen,) = read_story([started(T0 - S), confirmed(first), *map(point, later), ended(T0 + 9 * S)]).sightings
    assert (seen.camera_id, seen.track_id, seen.confirmed_ns, seen.kind) == ("c", 7, T0, "person")
    assert seen.groups == {3}
    assert (seen.time_ns - T0).tolist() == [0, S, 2 * S]
    assert seen.east_m[0] == 1.0
    assert np.isnan(seen.east_m[1:]).all()
    assert seen.covariance[0].tolist() == [4, 1, 9]
    assert seen.foot_px[2].tolist() == [12, 28]


def test_what_was_never_believed_or_stands_is_no_sighting() -> None:
    events = [started(T0), point(track(T0 + S)), confirmed(track(T0 + S, 8, status="standing")), ended(T0 + 2 * S)]
    assert read_story(events).sightings == ()


def test_a_number_used_again_by_another_run_is_another_track() -> None:
    one_run = [started(T0), confirmed(track(T0 + S)), ended(T0 + 2 * S)]
    other = [started(T0 + 9 * S), confirmed(track(T0 + 10 * S)), ended(T0 + 12 * S)]
    story = read_story([*one_run, *other])
    assert {each.run for each in story.sightings} == {0, 1}
    assert [watching(story, "c", T0 + at * S) for at in (1, 5, 11, 13)] == [True, False, True, False]
    both = joined([read_story(one_run), read_story(other)])
    assert len({(each.camera_id, each.run, each.track_id) for each in both.sightings}) == 2


def test_an_alarm_knows_its_tracks_group() -> None:
    seen = track(T0 + S, group_id=5)
    alert = Alert(
        alert_id="a", rule="line_crossing", rule_id="l", priority="high", camera_id="c", track_id=7, time_ns=T0 + S,
        frame_index=0, kind="person", box=BOX, text="", direction="inward",
    )  # fmt: skip
    (alarm,) = read_story([started(T0), confirmed(seen), AlertRaised(time_ns=T0 + S, alert=alert)]).alarms
    assert (alarm.group_id, alarm.rule_id, alarm.direction, alarm.time_ns) == (5, "l", "inward", T0 + S)


def test_a_log_without_an_end_is_taken_to_go_on_and_says_so() -> None:
    story = read_story([started(T0)])
    assert watching(story, "c", T0 + 10**6 * S)
    assert any("no end" in note for note in story.notes)
    twice = read_story([started(T0), started(T0 + 5 * S), ended(T0 + 6 * S)])
    assert watching(twice, "c", T0 + 4 * S)


def test_a_live_run_that_does_not_say_when_it_began_is_taken_to_have_watched_before() -> None:
    story = read_story([started(0), confirmed(track(T0)), ended(T0 + S)])
    assert watching(story, "c", T0 - 100 * S)
    assert any("when a run began" in note for note in story.notes)
    assert story.undated == frozenset()
    after = read_story([started(T0), ended(T0 + S), started(0), ended(T0 + 9 * S)])
    assert not watching(after, "c", T0 - S)
    assert watching(after, "c", T0 + 5 * S)


def test_a_recording_without_a_date_is_told() -> None:
    assert read_story([started(0), confirmed(track(5 * S)), ended(9 * S)]).undated == {"c"}


def test_what_befalls_a_camera_is_known_for_its_time() -> None:
    def health(at: int, *, over: bool) -> CameraHealth:
        return CameraHealth(time_ns=T0 + at * S, camera_id="c", frame_index=0, kind="covered", ended=over)

    story = read_story(
        [
            started(T0),
            health(10, over=False),
            health(20, over=True),
            CameraLost(time_ns=T0 + 30 * S, camera_id="c", detail=""),
            CameraRestored(time_ns=T0 + 40 * S, camera_id="c", blind_ns=10 * S, attempts=1),
            FrameGap(time_ns=T0 + 60 * S, camera_id="c", after_index=1, gap_ns=5 * S, missing=9),
            health(70, over=False),
            ended(T0 + 90 * S),
        ]
    )

    def there(low: int, high: int) -> tuple[str, ...]:
        return troubles_in(story, "c", T0 + low * S, T0 + high * S)

    assert there(0, 9) == ()
    assert there(9, 11) == ("covered",)
    assert there(35, 57) == ("camera lost", "pictures missing")
    assert there(85, 99) == ("covered",)
    assert troubles_in(story, "other", T0, T0 + 99 * S) == ()


def test_a_moved_story_is_moved_as_a_whole_but_for_what_has_no_end() -> None:
    story = moved(read_story([started(T0), confirmed(track(T0 + S))]), {"c": -3 * S})
    assert story.sightings[0].time_ns[0] == T0 - 2 * S
    assert story.sightings[0].confirmed_ns == T0 - 2 * S
    assert (story.watched[0].start_ns, story.watched[0].end_ns) == (T0 - 3 * S, ALWAYS_NS)

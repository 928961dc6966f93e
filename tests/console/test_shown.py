"""What screens are told of a track, against the whole of it."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from marsad.console.shown import FEW, TrackShown, track_shown, tracks_shown
from marsad.kernel.picture import Contributor, LineApproach, Picture, PictureTrack, Waypoint
from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState, Position

SPREAD = GroundCovariance(east_m2=412.2512, east_north_m2=-20.125, north_m2=64.5)

APPROACH = LineApproach(line_id="L1", probability=0.8, seconds=300, low_s=200, high_s=400, direction="inward")


def track(name: str, east_m: float = 5.117, spread: GroundCovariance = SPREAD) -> PictureTrack:
    ground = GroundState(
        position=Position(latitude_deg=34.400071234, longitude_deg=40.9 + 1e-5 * east_m, height_m=210.254),
        east_m=east_m, north_m=1.519, covariance=spread, range_m=1580.2,
    )  # fmt: skip
    return PictureTrack(
        track_id=name, origin="own", time_ns=9, status="confirmed", ground=ground, velocity_covariance=spread,
        existence=0.98765, first_ns=1, seen_ns=8, kind="person", kind_confidence=0.9, heading_rad=1.37249,
        speed_m_s=1.3671, speed_sigma_m_s=0.05,
        contributors=(Contributor(source_id="C1", origin="own", time_ns=8, label=7),),
        approaches=(APPROACH,),
        corridor=(Waypoint(time_ns=19, centre=EnuPoint(east_m=9.0, north_m=2.0), covariance=spread),),
    )  # fmt: skip


def picture(count: int) -> Picture:
    return Picture(time_ns=9, tracks=tuple(track(f"T{number}", float(number)) for number in range(count)))


def test_of_a_few_tracks_each_is_told_with_all_that_a_screen_shows() -> None:
    for whole, shown in zip(picture(FEW).tracks, tracks_shown(picture(FEW), ()), strict=True):
        assert not shown.brief
        for field in ("contributors", "corridor", "approaches", "first_ns", "seen_ns", "kind", "status", "count"):
            assert getattr(shown, field) == getattr(whole, field), field


def test_of_many_only_those_that_alarms_are_about_are_told_whole() -> None:
    shown = tracks_shown(picture(FEW + 1), {"T3", "gone"})
    assert [each.track_id for each in shown if not each.brief] == ["T3"]
    assert all(bool(each.corridor) is not each.brief for each in shown)
    assert all(bool(each.approaches) is not each.brief for each in shown)


@given(
    east_m=st.floats(-60_000, 60_000),
    wide_m2=st.floats(1e-3, 1e7),
    narrow_m2=st.floats(1e-3, 1e7),
    leaning=st.floats(-0.98, 0.98),
)
def test_nothing_is_shifted_by_more_than_can_be_seen(
    east_m: float, wide_m2: float, narrow_m2: float, leaning: float
) -> None:
    across = leaning * math.sqrt(wide_m2 * narrow_m2)
    spread = GroundCovariance(east_m2=wide_m2, east_north_m2=across, north_m2=narrow_m2)
    whole = track("T", east_m, spread)
    shown = track_shown(whole, brief=True)
    assert abs(shown.ground.east_m - east_m) <= 0.0051
    assert abs(shown.ground.position.longitude_deg - whole.ground.position.longitude_deg) * 111_320 < 0.006
    for field in ("east_m2", "east_north_m2", "north_m2"):
        told, known = getattr(shown.ground.covariance, field), getattr(spread, field)
        assert math.isclose(told, known, rel_tol=0.0051, abs_tol=1e-300), field
    assert shown.heading_rad is not None
    assert abs(shown.heading_rad - 1.37249) < 0.00051


def test_a_brief_track_takes_a_quarter_of_the_bytes_and_comes_back_the_same() -> None:
    brief, whole = track_shown(track("T1"), brief=True), track("T1")
    text = msgspec.json.encode(brief)
    assert msgspec.json.decode(text, type=TrackShown) == brief
    full = msgspec.structs.replace(whole, corridor=whole.corridor * 6, contributors=whole.contributors * 3)
    assert len(text) < len(msgspec.json.encode(full)) / 4

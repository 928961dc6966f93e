"""What is told of two pictures, one after the other."""

from msgspec.structs import replace

from marsad.fuse.changes import changes
from marsad.kernel.event import (
    PictureGroupChanged,
    PictureGroupEnded,
    PictureGroupPoint,
    PictureTrackEnded,
    PictureTrackLost,
    PictureTrackPoint,
    SourceTrustChanged,
)
from marsad.kernel.picture import Picture, PictureGroup, PictureTrack, SourceState
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count

COVER = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)
GROUND = GroundState(
    position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=0.0, north_m=0.0, covariance=COVER, range_m=0.0
)
TRACK = PictureTrack(
    track_id="a", origin="own", time_ns=1, status="confirmed", ground=GROUND, velocity_covariance=COVER,
    existence=1.0, first_ns=0, seen_ns=1,
)  # fmt: skip
GROUP = PictureGroup(
    group_id="g", time_ns=1, first_ns=0, members=("a", "b"), count=Count(best=2, low=2, high=3), kind="person",
    ground=GROUND, velocity_covariance=COVER,
)  # fmt: skip
NOTHING = Picture(time_ns=1)


def named(name: str, *, formerly: tuple[str, ...] = ()) -> PictureTrack:
    return replace(TRACK, track_id=name, formerly=formerly)


def test_every_track_has_a_point_and_is_lost_once() -> None:
    lost = replace(TRACK, status="lost")
    one, two = Picture(time_ns=1, tracks=(TRACK, named("b"))), Picture(time_ns=2, tracks=(lost, named("b")))
    assert changes(NOTHING, one) == [PictureTrackPoint(time_ns=1, track=track) for track in one.tracks]
    points = [PictureTrackPoint(time_ns=2, track=track) for track in two.tracks]
    assert changes(one, two) == [points[0], PictureTrackLost(time_ns=2, track=lost), points[1]]
    assert changes(two, two) == points


def test_who_is_gone_has_ended_or_become_another() -> None:
    before = Picture(time_ns=1, tracks=(named("a"), named("b"), named("c")))
    after = Picture(time_ns=2, tracks=(named("c", formerly=("a", "z")),))
    assert changes(before, after)[1:] == [
        PictureTrackEnded(time_ns=2, track_id="a", became="c"),
        PictureTrackEnded(time_ns=2, track_id="b"),
    ]


def test_a_group_is_told_of_when_it_forms_when_others_belong_to_it_and_when_it_ends() -> None:
    one, more = Picture(time_ns=1, groups=(GROUP,)), replace(GROUP, members=("a", "b", "c"))
    assert changes(NOTHING, one) == [
        PictureGroupPoint(time_ns=1, group=GROUP),
        PictureGroupChanged(time_ns=1, group=GROUP, formed=True),
    ]
    assert changes(one, Picture(time_ns=2, groups=(GROUP,))) == [PictureGroupPoint(time_ns=2, group=GROUP)]
    for other in (more, replace(GROUP, standing="declared", standing_id="works")):
        assert changes(one, Picture(time_ns=2, groups=(other,)))[1:] == [PictureGroupChanged(time_ns=2, group=other)]
    into = replace(GROUP, group_id="h", joined=("g",))
    assert changes(one, Picture(time_ns=2, groups=(into,)))[2:] == [
        PictureGroupEnded(time_ns=2, group_id="g", became="h")
    ]
    assert changes(one, Picture(time_ns=2)) == [PictureGroupEnded(time_ns=2, group_id="g")]


def test_only_a_change_of_trust_is_told() -> None:
    good, bad = SourceState(source_id="west"), SourceState(source_id="west", trusted=False, reason="turned")
    trusted, doubted = Picture(time_ns=1, sources=(good,)), Picture(time_ns=2, sources=(bad,))
    assert changes(NOTHING, trusted) == []
    assert changes(NOTHING, doubted) == changes(trusted, doubted) == [SourceTrustChanged(time_ns=2, source=bad)]
    assert changes(doubted, doubted) == []
    assert changes(doubted, trusted) == [SourceTrustChanged(time_ns=1, source=good)]

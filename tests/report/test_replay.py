"""The picture out of a log; the rest is tested with what writes it, in tests/app/test_kept_picture.py."""

import msgspec

from marsad.adapters.memory import MemoryEventLog
from marsad.kernel.event import PictureKept, PictureStarted, PictureTrackEnded, PictureTrackPoint
from marsad.kernel.picture import Picture, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.report.replay import PictureReplay, newest_first, readable

COVER = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)
GROUND = GroundState(
    position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=0.0, north_m=0.0, covariance=COVER, range_m=0.0
)


def track(name: str) -> PictureTrack:
    return PictureTrack(
        track_id=name, origin="own", time_ns=1, status="confirmed", ground=GROUND, velocity_covariance=COVER,
        existence=1.0, first_ns=0, seen_ns=1,
    )  # fmt: skip


def point(time_ns: int, name: str) -> PictureTrackPoint:
    return PictureTrackPoint(time_ns=time_ns, track=track(name))


def started(time_ns: int, resumed: int | None = None) -> PictureStarted:
    return PictureStarted(time_ns=time_ns, software="marsad", sources=(), resumed=resumed)


def names(replay: PictureReplay) -> list[str]:
    return [each.track_id for each in replay.picture.tracks]


def test_an_empty_log_has_an_empty_picture() -> None:
    replay = PictureReplay.of(MemoryEventLog())
    assert (replay.sequence, replay.picture) == (-1, Picture(time_ns=0))


def test_a_picture_that_begins_anew_forgets_and_one_that_is_resumed_does_not() -> None:
    log = MemoryEventLog()
    log.append([started(1), point(2, "a"), started(3, resumed=-1), point(4, "b")])
    assert names(PictureReplay.of(log)) == ["a", "b"]
    log.append([started(5), point(6, "c")])
    assert names(PictureReplay.of(log)) == ["c"]
    log.append([PictureTrackEnded(time_ns=7, track_id="c")])
    replay = PictureReplay.of(log)
    assert (names(replay), replay.picture.time_ns, replay.sequence) == ([], 7, 6)


def test_what_was_kept_last_is_all_that_is_read() -> None:
    log = MemoryEventLog()
    kept = PictureKept(time_ns=3, picture=Picture(time_ns=3, tracks=(track("a"),)), sources=(), version=1, data=b"")
    log.append([started(1), point(2, "old"), kept, point(4, "b")])
    replay = PictureReplay.of(log)
    assert names(replay) == ["a", "b"]
    stored = list(log.read())
    replay.follow(stored[-1])
    assert (names(replay), replay.sequence) == (["a", "b"], 3)


def test_a_log_is_read_backwards_page_by_page_past_what_cannot_be_decoded() -> None:
    log = MemoryEventLog()
    log.append([point(i * 10**9, f"t{i}") for i in range(4500)])
    for bad in (0, 2000, 2001, 4499):
        log.entries[bad] = msgspec.structs.replace(log.entries[bad], payload=b"damaged")
    told: list[str] = []
    sound = [i for i in range(4500) if i not in {0, 2000, 2001, 4499}]
    assert [stored.sequence for stored in newest_first(log, told.append)] == sound[::-1]
    assert len(told) == 4
    assert [stored.sequence for stored in readable(log, 1999, 2003)] == [1999, 2002, 2003]
    told.clear()
    assert list(newest_first(log, told.append, without=(PictureTrackPoint,))) == []
    assert len(told) == 4

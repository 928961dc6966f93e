"""What every event log does, whatever it is kept in."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.adapters.sqlite import SqliteEventLog
from marsad.kernel.alert import Alert
from marsad.kernel.chain import GENESIS, Head
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError, IntegrityError, RefusedError
from marsad.kernel.event import (
    SCHEMA_VERSION,
    AlertRaised,
    CameraHealth,
    CameraLost,
    Event,
    OfficerDecision,
    PayloadErased,
    StreamEnded,
    TrackLost,
    TrackPoint,
)
from marsad.kernel.port import EventLog
from marsad.kernel.track import Track

SECOND = 1_000_000_000


def salt(size: int) -> bytes:
    return b"s" * size


def track_point(time_ns: int, track_id: int = 1, camera_id: str = "north") -> TrackPoint:
    box = Box(x_px=1.0, y_px=2.0, w_px=3.0, h_px=7.5)
    track = Track(
        track_id=track_id,
        camera_id=camera_id,
        origin="own",
        time_ns=time_ns,
        frame_index=3,
        status="confirmed",
        box=box,
        velocity_x_px_s=1.5,
        velocity_y_px_s=float("inf"),
        contrast_counts=-20.0,
        snr=7.0,
        kind="person",
        kind_confidence=0.9,
        confidence=0.8,
        first_ns=time_ns,
    )
    return TrackPoint(time_ns=time_ns, track=track)


def alert(time_ns: int) -> AlertRaised:
    box = Box(x_px=1.0, y_px=2.0, w_px=3.0, h_px=7.5)
    raised = Alert(
        alert_id=f"a{time_ns}",
        rule="line_crossing",
        rule_id="خط الحدود",
        priority="high",
        camera_id="north",
        track_id=7,
        time_ns=time_ns,
        frame_index=1,
        kind="person",
        box=box,
        text="شخص يعبر",
    )
    return AlertRaised(time_ns=time_ns, alert=raised)


def health(time_ns: int) -> CameraHealth:
    return CameraHealth(time_ns=time_ns, camera_id="north", frame_index=0, kind="gain_jump")


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], EventLog]]:
    logs: list[EventLog] = []

    def build() -> EventLog:
        path = tmp_path / f"log{len(logs)}.sqlite"
        logs.append(MemoryEventLog(salt=salt) if request.param == "memory" else SqliteEventLog(path, salt=salt))
        return logs[-1]

    yield build
    for log in logs:
        log.close()


@pytest.fixture
def log(make: Callable[[], EventLog]) -> EventLog:
    return make()


def test_an_empty_log_is_sound(log: EventLog) -> None:
    assert log.head() == Head(count=0, entry_hash=GENESIS)
    assert log.verify() == log.head()
    assert list(log.read()) == []
    assert log.append([]) == -1
    log.flush()


def test_what_is_appended_is_read_back_in_order_with_dense_sequence(log: EventLog) -> None:
    events: list[Event] = [health(5), alert(6), OfficerDecision(time_ns=4, officer="o", subject="a6", decision="ack")]
    assert log.append(events[:1]) == 0
    assert log.append(events[1:]) == 2
    stored = list(log.read())
    assert [entry.event for entry in stored] == events
    assert [entry.sequence for entry in stored] == [0, 1, 2]
    assert [entry.time_ns for entry in stored] == [5, 6, 4]
    assert [entry.sequence for entry in log.read(first=1)] == [1, 2]
    assert [entry.sequence for entry in log.read(first=0, last=1)] == [0, 1]
    assert list(log.read(first=3)) == []
    assert list(log.read(first=2, last=1)) == []


def test_types_that_are_left_out_are_passed_over_wherever_the_others_stand(log: EventLog) -> None:
    said: list[Event] = [OfficerDecision(time_ns=4, officer="o", subject="a6", decision="ack"), alert(6), health(5)]
    for second in range(120):
        log.append([said[second % 3], health(second), *(track_point(second * SECOND, each) for each in range(200))])
    log.erase([1], rule="retention", officer="o", time_ns=7)
    for without in ((TrackPoint,), (CameraHealth, AlertRaised, TrackPoint), (PayloadErased,), ()):
        everything = [stored for stored in log.read() if not (without and isinstance(stored.event, without))]
        assert list(log.read(without=without)) == everything
        some = [stored for stored in everything if 10 <= stored.sequence <= 20_500]
        assert list(log.read(10, 20_500, without=without)) == some


def test_infinite_and_unknown_numbers_are_kept_as_they_are(log: EventLog) -> None:
    log.append([track_point(1)])
    event = next(iter(log.read())).event
    assert isinstance(event, TrackPoint)
    assert event.track.velocity_y_px_s == float("inf")


def test_the_chain_is_what_the_manual_says(log: EventLog) -> None:
    """Recomputed here from the published recipe alone."""
    log.append([health(5), alert(-6)])
    previous = bytes(32)
    for sequence, entry in enumerate(log.read()):
        payload = msgspec.msgpack.encode(entry.event)
        payload_hash = sha256(b"s" * 16 + payload).digest()
        numbers = b"".join(
            number.to_bytes(8, "big", signed=True) for number in (sequence, SCHEMA_VERSION, entry.time_ns)
        )
        previous = sha256(b"marsad log entry 1\n" + previous + numbers + payload_hash).digest()
        assert entry.payload_hash == payload_hash
        assert entry.entry_hash == previous
    assert log.head() == Head(count=2, entry_hash=previous)


def test_two_logs_of_the_same_events_and_salt_have_the_same_head(make: Callable[[], EventLog]) -> None:
    first, second = make(), make()
    first.append([health(1), alert(2), health(3)])
    second.append([health(1)])
    second.append([alert(2)])
    second.append([health(3)])
    assert first.head() == second.head()


def test_a_batch_with_one_bad_event_is_refused_whole(log: EventLog) -> None:
    bad = CameraLost(time_ns=2, camera_id="north", detail="name \udcff")
    with pytest.raises(InputError, match="CameraLost cannot be written"):
        log.append([alert(1), bad])
    with pytest.raises(InputError, match="time_ns"):
        log.append([alert(1), health(2**63)])
    assert log.head().count == 0
    assert log.append([alert(1)]) == 0
    assert log.verify().count == 1


def test_track_points_are_thinned_to_one_a_second_for_each_track(log: EventLog) -> None:
    for frame in range(91):
        time_ns = frame * SECOND // 9
        log.append([track_point(time_ns), track_point(time_ns, track_id=2), track_point(time_ns, camera_id="south")])
    stored = [entry.event for entry in log.read()]
    assert len(stored) == 3 * 11
    times = [event.time_ns for event in stored if event.track.track_id == 2]
    assert times == [second * SECOND for second in range(11)]


def test_a_lost_track_number_that_is_used_again_starts_anew(log: EventLog) -> None:
    lost = TrackLost(time_ns=2, camera_id="north", track_id=1, kind="person", reason="gone")
    log.append([track_point(1), track_point(2), lost, track_point(3), StreamEnded(time_ns=4, camera_id="n", frames=3)])
    assert [entry.time_ns for entry in log.read()] == [1, 2, 3, 4]


def test_a_refused_point_does_not_thin_its_successor(log: EventLog) -> None:
    with pytest.raises(InputError):
        log.append([track_point(1), health(2**63)])
    log.append([track_point(1)])
    assert log.head().count == 1


def test_an_erased_payload_is_gone_and_the_chain_verifies(log: EventLog) -> None:
    log.append([health(1), OfficerDecision(time_ns=2, officer="x", subject="y", decision="z"), health(3)])
    before = log.head()
    hashes = [entry.entry_hash for entry in log.read()]
    log.erase([1], rule="30 days", officer="keeper", time_ns=9)
    stored = list(log.read())
    assert [entry.entry_hash for entry in stored[:3]] == hashes
    assert stored[1].event is None
    assert stored[1].time_ns == 2
    assert stored[3].event == PayloadErased(time_ns=9, sequence=1, rule="30 days", officer="keeper")
    assert log.verify(before).count == 4
    assert log.append([health(10)]) == 4
    assert log.verify(before).count == 5


def test_what_must_not_be_erased_is_refused(log: EventLog) -> None:
    log.append([health(1), health(2)])
    log.erase([0], rule="r", officer="o", time_ns=3)
    with pytest.raises(RefusedError, match="erased already"):
        log.erase([0], rule="r", officer="o", time_ns=4)
    with pytest.raises(RefusedError, match="record of an erasure"):
        log.erase([2], rule="r", officer="o", time_ns=4)
    with pytest.raises(RefusedError, match="names its rule and its officer"):
        log.erase([1], rule="", officer="o", time_ns=4)
    for sequence in (-1, 3):
        with pytest.raises(InputError, match=f"sequence = {sequence}: the log has entries 0 to 2"):
            log.erase([sequence], rule="r", officer="o", time_ns=4)
    with pytest.raises(RefusedError, match="cannot be appended"):
        log.append([PayloadErased(time_ns=5, sequence=1, rule="r", officer="o")])
    assert log.verify().count == 3


def test_every_earlier_head_verifies_with_its_count_or_without(log: EventLog) -> None:
    heads = [log.head()]
    for time_ns in range(5):
        log.append([health(time_ns)])
        heads.append(log.head())
    for head in heads:
        assert log.verify(head).count == 5
        assert log.verify(Head(count=None, entry_hash=head.entry_hash)).count == 5


def test_a_head_that_is_not_the_log_s_is_named(log: EventLog) -> None:
    log.append([health(time_ns) for time_ns in range(5)])
    head = log.head()
    with pytest.raises(IntegrityError, match="entry 5: missing: the saved head counts 8") as cut_off:
        log.verify(Head(count=8, entry_hash=head.entry_hash))
    assert cut_off.value.sequence == 5
    with pytest.raises(IntegrityError, match="entry 2: is not what the saved head was taken of"):
        log.verify(Head(count=3, entry_hash=head.entry_hash))
    with pytest.raises(IntegrityError, match="no entry has the saved head's hash"):
        log.verify(Head(count=None, entry_hash=b"x" * 32))


def test_a_closed_log_refuses_to_be_written(log: EventLog) -> None:
    log.close()
    log.close()
    with pytest.raises(InputError, match="closed"):
        log.append([health(1)])
    with pytest.raises(InputError, match="closed"):
        log.flush()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from([health, alert, track_point]), max_size=6), max_size=8))
def test_the_database_remembers_what_memory_remembers(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Callable[[int], Event]]]
) -> None:
    memory = MemoryEventLog(salt=salt)
    path = tmp_path_factory.mktemp("log") / "log.sqlite"
    with SqliteEventLog(path, salt=salt, batch_events=4) as database:
        for number, batch in enumerate(batches):
            events = [build(number * SECOND // 3) for build in batch]
            assert memory.append(events) == database.append(events)
            assert memory.head() == database.head()
            assert list(memory.read()) == list(database.read())
    with SqliteEventLog(path) as again:
        assert list(memory.read()) == list(again.read())
        assert again.verify() == memory.verify()

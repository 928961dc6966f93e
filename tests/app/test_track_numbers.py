"""Numbers of tracks over the lives of cameras and of the station, whatever a kill leaves of the log."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.app.track_numbers import AHEAD, BLOCK, TrackNumbers, numbers_in
from marsad.console.board import Watched, board_now
from marsad.kernel.detection import Box
from marsad.kernel.event import Event, TrackConfirmed, TracksReserved
from marsad.kernel.position import Position
from marsad.kernel.track import Track
from marsad.watch.faint import FAINT

ORIGIN = Position(latitude_deg=34.3, longitude_deg=41.0)
TRACK = Track(
    track_id=1, camera_id="mast", origin="own", time_ns=1, frame_index=0, status="confirmed",
    box=Box(x_px=1.0, y_px=1.0, w_px=5.0, h_px=9.0), velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=9.0,
    snr=9.0, kind="person", kind_confidence=0.9, confidence=0.9, first_ns=1, confirmed_ns=1,
)  # fmt: skip


def called(number: int) -> Track:
    return msgspec.structs.replace(TRACK, track_id=number)


def taken_up(events: list[Event]) -> TrackNumbers:
    """The numbers as a desk takes them up from a log."""
    log = MemoryEventLog()
    log.append(events)
    board = board_now(log, Watched(site_name="", origin=ORIGIN, camera_ids=("mast",)))
    return TrackNumbers(board.tracks_reserved)


LIVES = st.lists(
    st.tuples(
        st.lists(st.integers(1, 40), max_size=12),
        st.booleans(),
        st.one_of(st.none(), st.integers(0, 40)),
    ),
    max_size=12,
)
"""For each life of a camera's process: how many more were believed each time it told of some, whether it is faint
ones, and, where the station is killed with it, how many entries had not reached the disk."""


@given(lives=LIVES)
def test_no_number_that_a_log_has_comes_again_whatever_was_lost_of_its_end(lives: list[Any]) -> None:
    events: list[Event] = []
    numbers = taken_up(events)
    for times, faint, lost in lives:
        first, reserved = numbers.begin("mast", 1)
        events += reserved
        known = {each.track.track_id for each in events if isinstance(each, TrackConfirmed)}
        number = first + (FAINT if faint else 0)
        for more in times:
            numbers.opened("mast")
            new = range(number, number + more)
            number += more
            assert not known & set(new)
            tracks = [called(each) for each in new]
            events += numbers.heard("mast", tracks, 1)
            events += [TrackConfirmed(time_ns=1, track=each) for each in tracks]
        if lost is not None:
            del events[len(events) - lost :]
            numbers = taken_up(events)


def test_numbers_begin_with_one_and_stay_short() -> None:
    numbers = taken_up([])
    for life in range(5):
        assert numbers.begin("mast", 1)[0] == 1 + life * BLOCK
        numbers.opened("mast")
    assert numbers.begin("other", 1) == (1, (TracksReserved(time_ns=1, camera_id="other", upto=BLOCK),))


def test_a_camera_that_is_off_uses_up_no_numbers() -> None:
    numbers = taken_up([])
    first, _ = numbers.begin("mast", 1)
    assert [numbers.begin("mast", 1) for _ in range(1000)] == [(first, ())] * 1000
    numbers.opened("mast")
    assert numbers.begin("mast", 1)[0] > first


def test_more_is_set_aside_in_time() -> None:
    numbers = taken_up([])
    numbers.begin("mast", 1)
    assert numbers.heard("mast", [called(BLOCK - AHEAD)], 1) == ()
    [reserved] = numbers.heard("mast", [called(BLOCK - AHEAD + 1), called(3)], 1)
    assert reserved.upto == 2 * BLOCK
    assert numbers.heard("mast", [called(BLOCK - AHEAD + 1)], 1) == ()


def test_a_log_of_one_watch_alone_says_which_numbers_it_has() -> None:
    log = MemoryEventLog()
    assert numbers_in(log) == {}
    log.append([TrackConfirmed(time_ns=1, track=called(number)) for number in (3, 60, FAINT + 7)])
    assert numbers_in(log) == {"mast": 2 * BLOCK}

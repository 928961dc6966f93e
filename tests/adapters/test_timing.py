"""A stream's clock, against streams whose true times are known."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.timing import SECOND_NS, Anchor, Stamp, StreamClock, irregularity
from marsad.kernel.event import FrameDuplicate, FrameGap

FRAME_NS = SECOND_NS // 25


def stamps(raw: list[int | None], interval_ns: int = FRAME_NS) -> list[Stamp]:
    clock = StreamClock(interval_ns)
    return [clock.stamp(one) for one in raw]


def test_a_regular_stream_counts_from_its_first_picture() -> None:
    assert stamps([7 * FRAME_NS + i * FRAME_NS for i in range(50)]) == [Stamp(time_ns=i * FRAME_NS) for i in range(50)]


def test_missing_pictures_are_a_gap_of_the_right_length() -> None:
    told = stamps([i * FRAME_NS for i in (0, 1, 2, 6, 7)])
    assert told[3] == Stamp(time_ns=6 * FRAME_NS, gap_ns=4 * FRAME_NS, missing=3)
    assert not any(s.gap_ns for i, s in enumerate(told) if i != 3)


def test_jitter_below_half_an_interval_is_no_gap() -> None:
    assert not any(s.gap_ns for s in stamps([0, 55_000_000, 80_000_000, 135_000_000, 160_000_000]))


def test_a_camera_that_changes_its_rate_is_believed_after_a_while() -> None:
    slow_ns = 4 * FRAME_NS
    told = stamps([i * FRAME_NS for i in range(40)] + [40 * FRAME_NS + i * slow_ns for i in range(100)])
    assert told[41].gap_ns == slow_ns
    assert not any(s.gap_ns for s in told[-50:])


def test_a_wrong_claim_is_forgotten() -> None:
    told = stamps([i * FRAME_NS for i in range(50)], interval_ns=FRAME_NS // 10)
    assert not any(s.gap_ns for s in told[10:])


def test_the_same_stamp_twice_or_a_step_back_is_a_repeat() -> None:
    told = stamps([0, FRAME_NS, FRAME_NS, 0, 2 * FRAME_NS])
    assert [s.repeated for s in told] == [False, False, True, True, False]
    assert told[4] == Stamp(time_ns=2 * FRAME_NS)


def test_a_clock_that_was_set_back_is_carried_on() -> None:
    told = stamps([i * FRAME_NS for i in range(100)] + [i * FRAME_NS for i in range(100)])
    assert [s.time_ns for s in told] == [i * FRAME_NS for i in range(200)]
    assert not any(s.repeated for s in told)


def test_a_clock_that_stands_still_is_not_believed_for_ever() -> None:
    told = stamps([0] * 100)
    assert sum(s.repeated for s in told) == 5
    assert [s.time_ns for s in told if not s.repeated] == [i * FRAME_NS for i in range(95)]


def test_pictures_without_stamps_come_one_interval_apart() -> None:
    assert [s.time_ns for s in stamps([None] * 10)] == [i * FRAME_NS for i in range(10)]


def test_a_first_picture_without_a_stamp_does_not_shift_the_others() -> None:
    told = stamps([None] + [SECOND_NS + i * FRAME_NS for i in range(10)])
    assert [s.time_ns for s in told] == [i * FRAME_NS for i in range(11)]
    assert not any(s.gap_ns for s in told)


@given(
    raw=st.lists(st.one_of(st.none(), st.integers(-(10**15), 10**15)), max_size=200),
    interval_ns=st.sampled_from([0, 1, FRAME_NS, SECOND_NS]),
)
def test_times_always_rise_whatever_the_stream_says(raw: list[int | None], interval_ns: int) -> None:
    kept = [s.time_ns for s in stamps(raw, interval_ns) if not s.repeated]
    assert all(later > earlier for earlier, later in pairwise(kept))


@given(st.lists(st.integers(1, 10), min_size=1, max_size=100))
def test_gaps_account_for_every_missing_picture(steps: list[int]) -> None:
    # A regular lead-in longer than the memory of intervals would be learnt away, so the claim is what is tested here.
    clock = StreamClock(FRAME_NS)
    number, told = 0, [clock.stamp(0)]
    for step in steps[:7]:
        number += step
        told.append(clock.stamp(number * FRAME_NS))
    assert sum(s.missing for s in told) == number - len(told) + 1


def test_what_is_told_names_the_picture() -> None:
    assert irregularity(Stamp(time_ns=5), "c", 3, 5) is None
    assert irregularity(Stamp(time_ns=5, repeated=True), "c", 3, 5) == FrameDuplicate(time_ns=5, camera_id="c", index=3)
    assert irregularity(Stamp(time_ns=5, gap_ns=4, missing=2), "c", 3, 5) == FrameGap(
        time_ns=5, camera_id="c", after_index=2, gap_ns=4, missing=2
    )


def test_pictures_that_waited_get_the_times_they_were_measured_at() -> None:
    start_ns = 10**18
    waited = [(i * FRAME_NS, start_ns + SECOND_NS + i) for i in range(25)]  # a second's worth, heard at once
    on_time = (25 * FRAME_NS, start_ns + 25 * FRAME_NS)
    anchor = Anchor([*waited, on_time])
    for stream_ns, received_ns in [*waited, on_time]:
        # As close as a drift of 200 millionths over that second allows.
        assert abs(anchor.time_ns(stream_ns, received_ns) - start_ns - stream_ns) <= SECOND_NS * 200e-6


def test_a_late_picture_is_timed_as_if_it_had_come_in_time() -> None:
    anchor = Anchor([(0, 10**18)])
    assert abs(anchor.time_ns(FRAME_NS, 10**18 + 5 * FRAME_NS) - (10**18 + FRAME_NS)) <= FRAME_NS * 200e-6


def test_no_picture_is_measured_after_it_was_heard() -> None:
    anchor = Anchor([(0, 10**18)])
    assert anchor.time_ns(FRAME_NS, 10**18 + FRAME_NS // 2) == 10**18 + FRAME_NS // 2


def test_a_slow_camera_clock_is_followed() -> None:
    anchor = Anchor([(0, 10**18)])
    worst = 0
    for i in range(1, 25 * 3600):
        stream_ns = i * FRAME_NS
        true_ns = 10**18 + round(stream_ns * (1 + 100e-6))
        worst = max(worst, abs(anchor.time_ns(stream_ns, true_ns) - true_ns))
    assert worst < FRAME_NS

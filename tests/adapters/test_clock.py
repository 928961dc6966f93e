"""The machine's clock."""

import time

from marsad.adapters.clock import SystemClock


def test_it_is_utc_now_and_sleeps() -> None:
    clock = SystemClock()
    before = time.time_ns()
    first = clock.now_ns()
    clock.sleep(0.01)
    clock.sleep(-5)
    assert before <= first
    assert clock.now_ns() - first >= 9_000_000

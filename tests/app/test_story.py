"""The clock of a story, which is never far ahead of the slowest camera, and the cameras that play in it."""

import queue
import threading
from typing import Any

import pytest

from marsad.app.camera_wire import Story
from marsad.app.scenario_file import load_scenario
from marsad.app.story import LEAD_NS, StoryClock, StorySource
from marsad.kernel.event import StreamEnded
from marsad.kernel.frame import Frame

S = 10**9
CAMERA = load_scenario("fence-climber").camera_ids[0]


class Wall:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_it_stands_until_all_have_begun_and_then_goes_with_the_wall() -> None:
    wall = Wall()
    clock = StoryClock(5 * S, wall)
    clock.await_cameras({"a", "b"})
    clock.saw("a", 5 * S)
    wall.now_s += 60
    assert clock.step() == 5 * S
    clock.saw("b", 5 * S)
    assert clock.step() == 5 * S
    for _ in range(40):
        wall.now_s += 0.1
        now_ns = clock.step()
        clock.saw("a", now_ns)
        clock.saw("b", now_ns)
    assert abs(now_ns - 9 * S) < S // 10


def test_it_waits_for_the_slowest_does_not_catch_up_and_never_goes_back() -> None:
    wall = Wall()
    clock = StoryClock(0, wall)
    clock.await_cameras({"a", "b"})
    clock.saw("a", 0)
    clock.saw("b", 0)
    clock.step()
    wall.now_s += 30
    assert clock.step() == LEAD_NS
    clock.saw("a", LEAD_NS)
    clock.saw("b", LEAD_NS)
    wall.now_s += 0.1
    assert clock.step() == LEAD_NS + S // 10
    clock.leave("b")
    clock.saw("a", 20 * S)
    wall.now_s += 1
    assert clock.step() == LEAD_NS + S // 10 + S
    clock.leave("a")
    wall.now_s += 100
    assert clock.step() == LEAD_NS + S // 10 + 101 * S
    assert clock() == clock.step()


@pytest.mark.parametrize("since_ns", [0, S // 20, S // 9, S // 2, 3 * S])
def test_a_camera_taken_up_at_any_moment_gives_its_first_picture_though_the_story_stands(since_ns: int) -> None:
    begin_ns = 1000 * S
    clock = StoryClock(begin_ns + since_ns, Wall())
    source = StorySource(Story(scenario="fence-climber", begin_ns=begin_ns, from_ns=clock(), seconds=4.0), CAMERA)
    clock.await_cameras({CAMERA})
    source.go(clock.step())
    given: queue.Queue[Any] = queue.Queue()

    def play() -> None:
        for each in source:
            given.put(each)

    threading.Thread(target=play, daemon=True).start()
    first = given.get(timeout=60)
    assert isinstance(first, Frame)
    assert 0 <= first.time_ns - clock() < S / source.info.fps
    with pytest.raises(queue.Empty):
        given.get(timeout=0.3)
    source.close()
    assert isinstance(given.get(timeout=60), StreamEnded)

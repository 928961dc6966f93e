"""The queue of a live source, with the threads it is made for."""

import time
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.queue import LiveQueue
from marsad.kernel.event import CameraLost, FramesDropped
from marsad.kernel.frame import Frame


def frame(index: int) -> Frame:
    counts = np.zeros((2, 2), np.uint8)
    return Frame(camera_id="c", index=index, time_ns=index * 10, received_ns=index * 10, counts=counts)


def lost(time_ns: int) -> CameraLost:
    return CameraLost(time_ns=time_ns, camera_id="c", detail="")


def told(queue: LiveQueue) -> list[int | str | FramesDropped]:
    queue.end()
    return [i.index if isinstance(i, Frame) else i if isinstance(i, FramesDropped) else "lost" for i in queue]


def test_what_fits_comes_out_in_order() -> None:
    queue = LiveQueue(3)
    for item in (frame(0), lost(1), frame(1), frame(2)):
        queue.put(item)
    assert told(queue) == [0, "lost", 1, 2]


def test_the_oldest_pictures_make_room_and_are_counted_where_they_stood() -> None:
    queue = LiveQueue(2)
    for item in (frame(0), lost(1), frame(1), frame(2), frame(3), frame(4)):
        queue.put(item)
    first = FramesDropped(time_ns=0, camera_id="c", count=1)
    second = FramesDropped(time_ns=20, camera_id="c", count=2)
    assert told(queue) == [first, "lost", second, 3, 4]


@given(st.lists(st.sampled_from(["picture", "event", "take"]), max_size=80), st.integers(1, 5))
def test_every_picture_is_delivered_or_counted(steps: list[str], capacity: int) -> None:
    queue = LiveQueue(capacity)
    taking = iter(queue)
    put, out, waiting = 0, [], 0
    for step in steps:
        if step == "picture":
            queue.put(frame(put))
            put += 1
            waiting = 1
        elif step == "event":
            queue.put(lost(0))
            waiting = 1
        elif waiting and queue._items:
            out.append(next(taking))
    queue.end()
    out.extend(taking)
    delivered = [i.index for i in out if isinstance(i, Frame)]
    dropped = sum(i.count for i in out if isinstance(i, FramesDropped))
    assert len(delivered) + dropped == put
    assert delivered == sorted(delivered)
    assert sum(isinstance(i, CameraLost) for i in out) == steps.count("event")


def test_taking_waits_for_the_other_thread() -> None:
    queue = LiveQueue(100)

    def produce() -> None:
        for index in range(50):
            queue.put(frame(index))
            time.sleep(0.0005)
        queue.end()

    thread = Thread(target=produce)
    thread.start()
    assert [item.index for item in queue if isinstance(item, Frame)] == list(range(50))
    thread.join()


def test_a_failure_is_raised_after_what_came_before_it() -> None:
    queue = LiveQueue(2)
    queue.put(frame(0))
    queue.end(ValueError("broken"))
    taking = iter(queue)
    assert isinstance(next(taking), Frame)
    with pytest.raises(ValueError, match="broken"):
        next(taking)


def test_nothing_is_taken_in_after_the_end() -> None:
    queue = LiveQueue(2)
    queue.end()
    queue.end()
    queue.put(frame(0))
    assert list(queue) == []


def test_forgetting_makes_room() -> None:
    queue = LiveQueue(1)
    queue.put(frame(0))
    queue.clear()
    queue.put(frame(1))
    assert told(queue) == [1]

"""Work is shared, kept, limited, and not begun where nobody waits for it any more."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from marsad.console.map_work import Work, key_of
from marsad.kernel.error import UnavailableError


class Counted:
    """Work that can be held up and counts how often it was done."""

    def __init__(self, result: bytes = b"done") -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.done = 0
        self.result = result

    def __call__(self) -> bytes:
        self.begun.set()
        assert self.go.wait(5)
        self.done += 1
        return self.result


def ready(result: bytes) -> Counted:
    work = Counted(result)
    work.go.set()
    return work


async def settled(done: Callable[[], bool]) -> None:
    for _ in range(500):
        if done():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


def test_those_who_ask_the_same_share_one_answer_which_is_kept() -> None:
    async def play() -> None:
        work, job = Work(workers=2, waiting=4, kept_bytes=100), Counted()
        asked = [asyncio.create_task(work.answer("one", job)) for _ in range(5)]
        await settled(job.begun.is_set)
        job.go.set()
        assert await asyncio.gather(*asked) == [b"done"] * 5
        assert await work.answer("one", job) == b"done"
        assert job.done == 1
        work.close()

    asyncio.run(play())


def test_the_loop_goes_on_while_something_is_worked_out() -> None:
    async def play() -> None:
        work, job = Work(workers=1, waiting=4, kept_bytes=100), Counted()
        asked = asyncio.create_task(work.answer("slow", job))
        await settled(job.begun.is_set)
        await asyncio.sleep(0.02)
        assert not asked.done()
        job.go.set()
        assert await asked == b"done"
        work.close()

    asyncio.run(play())


def test_no_more_is_let_in_than_it_holds() -> None:
    async def play() -> None:
        work, job = Work(workers=1, waiting=2, kept_bytes=100), Counted()
        asked = [asyncio.create_task(work.answer(name, job)) for name in ("one", "two")]
        await settled(job.begun.is_set)
        with pytest.raises(UnavailableError, match="too much"):
            await work.answer("three", job)
        job.go.set()
        assert await asyncio.gather(*asked) == [b"done"] * 2
        assert await work.answer("three", job) == b"done"
        work.close()

    asyncio.run(play())


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    async def play() -> None:
        work, first, second = Work(workers=1, waiting=4, kept_bytes=100), Counted(), ready(b"second")
        running = asyncio.create_task(work.answer("first", first))
        await settled(first.begun.is_set)
        given_up = asyncio.create_task(work.answer("second", second))
        await asyncio.sleep(0.01)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        first.go.set()
        assert await running == b"done"
        assert await work.answer("third", ready(b"third")) == b"third"
        assert second.done == 0
        assert await work.answer("second", second) == b"second"
        work.close()

    asyncio.run(play())


def test_one_who_gives_up_does_not_take_the_answer_from_another() -> None:
    async def play() -> None:
        work, job = Work(workers=1, waiting=4, kept_bytes=100), Counted()
        leaves, stays = (asyncio.create_task(work.answer("one", job)) for _ in range(2))
        await settled(job.begun.is_set)
        leaves.cancel()
        job.go.set()
        assert await stays == b"done"
        work.close()

    asyncio.run(play())


def test_the_oldest_answers_make_room_and_a_failure_is_told_and_forgotten() -> None:
    async def play() -> None:
        work = Work(workers=1, waiting=4, kept_bytes=10)
        jobs = {name: ready(b"12345") for name in "abc"}
        for name in "abcb":
            await work.answer(name, jobs[name])
        assert [jobs[name].done for name in "abc"] == [1, 1, 1]
        await work.answer("a", jobs["a"])
        assert jobs["a"].done == 2

        def fails() -> bytes:
            raise UnavailableError("no")

        with pytest.raises(UnavailableError, match="no"):
            await work.answer("f", fails)
        assert await work.answer("f", ready(b"yes")) == b"yes"
        work.close()

    asyncio.run(play())


def test_keys_are_equal_for_equal_parts_only() -> None:
    assert key_of("a", 1.0) == key_of("a", 1.0) != key_of("a", 1.5)

"""A bounded queue between a live source, which cannot wait, and a watch, which may be late."""

from collections import deque
from collections.abc import Iterator
from threading import Condition

from msgspec.structs import replace

from marsad.kernel.event import FramesDropped, SourceEvent
from marsad.kernel.frame import Frame

Item = Frame | SourceEvent


class LiveQueue:
    """Pictures and events in order, at most `capacity` pictures.

    When it is full the oldest picture makes room and a `FramesDropped` stands in its place; events are never dropped.
    One thread puts, one iterates.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Item] = deque()
        self._waiting = 0
        self._ended = False
        self._failure: Exception | None = None
        self._change = Condition()

    def put(self, item: Item) -> None:
        """Add an item, at once; nothing happens once the queue has ended."""
        with self._change:
            if self._ended:
                return
            if isinstance(item, Frame):
                if self._waiting == self._capacity:
                    self._drop_oldest()
                self._waiting += 1
            self._items.append(item)
            self._change.notify()

    def end(self, failure: Exception | None = None) -> None:
        """Let the iteration end, by raising `failure` if given, when what waits has been taken; safe to call twice."""
        with self._change:
            self._ended = True
            self._failure = self._failure or failure
            self._change.notify()

    def clear(self) -> None:
        """Forget what waits."""
        with self._change:
            self._items.clear()
            self._waiting = 0

    def __iter__(self) -> Iterator[Item]:
        """Yield the items, waiting for each, until the queue has ended and is empty."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._items or self._ended)
                if not self._items and self._failure:
                    raise self._failure
                if not self._items:
                    return
                item = self._items.popleft()
                self._waiting -= isinstance(item, Frame)
            yield item

    def _drop_oldest(self) -> None:
        place, oldest = next((i, item) for i, item in enumerate(self._items) if isinstance(item, Frame))
        self._waiting -= 1
        before = self._items[place - 1] if place else None
        if isinstance(before, FramesDropped):
            self._items[place - 1] = replace(before, time_ns=oldest.time_ns, count=before.count + 1)
            del self._items[place]
        else:
            self._items[place] = FramesDropped(time_ns=oldest.time_ns, camera_id=oldest.camera_id, count=1)

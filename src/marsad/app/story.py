"""A scenario played as live cameras: at the pace of the clock, or slower where the machine is."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from marsad.app.camera_wire import Story
from marsad.app.scenario_file import load_scenario
from marsad.app.stage import Stage
from marsad.kernel.event import SourceEvent, StreamEnded
from marsad.kernel.frame import Frame
from marsad.kernel.port import SourceInfo

NS: Final = 1_000_000_000
LEAD_NS: Final = NS // 2
"""No camera of a story is ahead of the slowest by more."""


class StorySource:
    """One camera's part of a story; see `Story`."""

    def __init__(self, story: Story, camera_id: str) -> None:
        loaded = load_scenario(story.scenario)
        self._story = story
        self._stage = Stage(loaded)
        self._scene = self._stage.scene(camera_id)
        self.camera_id = camera_id
        self._gone_ns = 0
        self._may = threading.Condition()
        self._open = True
        lens, imager = self._scene.view.lens, self._scene.imager
        seconds = loaded.scenario.seconds if story.seconds is None else min(story.seconds, loaded.scenario.seconds)
        self.info = SourceInfo(
            width_px=lens.width_px, height_px=lens.height_px, bits=16 if imager.gain == "raw16" else 8, fps=imager.fps,
            frames=min(self._scene.frames, round(seconds * imager.fps)), started_ns=story.begin_ns,
        )  # fmt: skip

    def go(self, until_ns: int) -> None:
        """It may be played up to this moment."""
        with self._may:
            self._gone_ns = max(self._gone_ns, until_ns)
            self._may.notify()

    def close(self) -> None:
        """Stop after the picture under way; safe to call twice."""
        with self._may:
            self._open = False
            self._may.notify()

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures, each when it may be; the first at once, for the story waits for it."""
        since_ns = max(self._story.from_ns - self._story.begin_ns, 0)
        time_ns, shown = self._story.from_ns, 0
        # No picture is of a moment before it is taken up: the camera may have given that one already.
        for index in range(math.ceil(since_ns * self.info.fps / NS - 1e-6), self.info.frames):
            time_ns = self._story.begin_ns + round(index * NS / self.info.fps)
            # The scene counts from its own beginning, whatever the desk's clock says.
            counts, _ = self._scene.render(index, self._stage.time_ns(index, self.info.fps))
            with self._may:
                if shown:
                    self._may.wait_for(lambda due_ns=time_ns: not self._open or self._gone_ns >= due_ns)  # type: ignore[misc]
                if not self._open:
                    break
            shown += 1
            yield Frame(camera_id=self.camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        yield StreamEnded(time_ns=time_ns, camera_id=self.camera_id, frames=shown)


class StoryClock:
    """The time of a story: as fast as the wall's clock, and never far ahead of the slowest camera that plays in it.

    Once all of them have played their part it goes on as the wall's clock does.
    """

    def __init__(self, begin_ns: int, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._base_ns = begin_ns
        self._base_s: float | None = None
        self._now_ns = begin_ns
        self._positions: dict[str, int] = {}
        self._awaited: set[str] = set()

    def __call__(self) -> int:
        """What time it is."""
        return self._now_ns

    def await_cameras(self, names: set[str]) -> None:
        """The story stands still until these have each given a picture."""
        self._awaited |= names

    def saw(self, camera_id: str, time_ns: int) -> None:
        """A camera is so far."""
        self._awaited.discard(camera_id)
        self._positions[camera_id] = max(time_ns, self._positions.get(camera_id, 0))

    def leave(self, camera_id: str) -> None:
        """A camera has played its part, or plays none for now: nobody waits for it."""
        self._awaited.discard(camera_id)
        self._positions.pop(camera_id, None)

    def step(self) -> int:
        """What time it is now, and how far the cameras may go."""
        now_s = self._monotonic_s()
        if self._awaited:
            self._base_s, self._base_ns = None, self._now_ns
            return self._now_ns
        if self._base_s is None:
            self._base_s = now_s
        due_ns = self._base_ns + round((now_s - self._base_s) * NS)
        if self._positions:
            limit_ns = min(self._positions.values()) + LEAD_NS
            if due_ns > limit_ns:
                # What is lost to a slow machine is not caught up with: that would be as fast as it can.
                due_ns = limit_ns
                self._base_s, self._base_ns = now_s, due_ns
        self._now_ns = max(self._now_ns, due_ns)
        return self._now_ns

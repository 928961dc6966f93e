"""A scenario played as a live camera: at the pace of the clock, or as fast as the slowest of its cameras."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from marsad.adapters.truth import TruthFiles
from marsad.app.camera_wire import Story
from marsad.app.scenario_file import Loaded, load_scenario
from marsad.app.stage import Stage
from marsad.kernel.event import SourceEvent, StreamEnded
from marsad.kernel.frame import Frame
from marsad.kernel.port import SourceInfo
from marsad.simulate.truth import ActorTruth

NS: Final = 1_000_000_000


class StorySource:
    """One camera's part of a story; see `Story`."""

    def __init__(self, story: Story, camera_id: str) -> None:
        loaded: Loaded = load_scenario(story.scenario)
        self._story = story
        self._stage = Stage(loaded)
        self._scene = self._stage.scene(camera_id)
        self.camera_id = camera_id
        self._truth: list[ActorTruth] = []
        self._files = TruthFiles(Path(story.truth), camera_id) if story.truth else None
        self._gone_ns = story.begin_ns
        self._may = threading.Condition()
        self._open = True
        lens, imager = self._scene.view.lens, self._scene.imager
        seconds = loaded.scenario.seconds if story.seconds is None else min(story.seconds, loaded.scenario.seconds)
        self.info = SourceInfo(
            width_px=lens.width_px, height_px=lens.height_px, bits=16 if imager.gain == "raw16" else 8, fps=imager.fps,
            frames=min(self._scene.frames, round(seconds * imager.fps)), started_ns=story.begin_ns,
        )  # fmt: skip

    @property
    def truth(self) -> Sequence[ActorTruth]:
        """What was true of the last picture."""
        return self._truth

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
        """Yield the pictures, each when it may be."""
        time_ns, shown = self._story.begin_ns, 0
        for index in range(self.info.frames):
            time_ns = self._story.begin_ns + round(index * NS / self.info.fps)
            # The scene counts from its own beginning, whatever the desk's clock says.
            counts, self._truth = self._scene.render(index, self._stage.time_ns(index, self.info.fps))
            if not self._wait(time_ns):
                break
            if self._files is not None:
                self._files.add(index, self._truth, self._scene.near)
            shown += 1
            yield Frame(camera_id=self.camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        if self._files is not None:
            self._files.close()
        yield StreamEnded(time_ns=time_ns, camera_id=self.camera_id, frames=shown)

    def _wait(self, time_ns: int) -> bool:
        """Whether to go on, once this moment has come."""
        if self._story.paced:
            due_s = (self._story.wall_ns + time_ns - self._story.begin_ns - time.time_ns()) / NS
            with self._may:
                if due_s > 0 and self._open:
                    self._may.wait_for(lambda: not self._open, timeout=due_s)
                return self._open
        with self._may:
            self._may.wait_for(lambda: not self._open or self._gone_ns >= time_ns)
            return self._open

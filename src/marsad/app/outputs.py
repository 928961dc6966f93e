"""The files of one run: the log, which a watch cannot do without, and those it can."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from marsad.adapters.annotate import AnnotatedVideo, hidden
from marsad.adapters.contact_sheet import ContactSheet
from marsad.adapters.geojson import TrackMap
from marsad.adapters.mot import TrackTable
from marsad.app.patient_log import PatientLog, open_log
from marsad.app.track_numbers import numbers_in
from marsad.kernel.alert import Alert
from marsad.kernel.error import InputError, MarsadError, UnavailableError
from marsad.kernel.event import Event
from marsad.kernel.frame import Frame
from marsad.kernel.site import Mask
from marsad.kernel.track import Track
from marsad.watch.watcher import Observation

LOOKS_A_SECOND = 3.0
RETRY_S = 60.0
RESERVE_BYTES = 64 << 20
"""The video, which alone is large, leaves so much of the disk to the log: a day of it."""
LOG, TABLE, MAP, SHEET, VIDEO = "events.sqlite", "tracks.csv", "tracks.geojson", "contact_sheet.png", "annotated.mp4"

Tell = Callable[[str], None]


class Outputs:
    """The files of one run; the pictures' cost is kept apart in `drawing_s`. No picture shows what is masked.

    A file other than the log that cannot be written is given up, told of once, and tried again from time to time;
    `incomplete` says which and why.
    """

    def __init__(
        self,
        folder: Path,
        fps: float,
        *,
        video: bool,
        masks: Sequence[Mask] = (),
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the files.

        Raises: InputError where one cannot be made or the log that is there does not verify, UnavailableError where
        another process writes it or the disk refuses.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made: {error.strerror}; choose another --out") from error
        self.folder = folder
        self.drawing_s = 0.0
        self.incomplete: dict[str, str] = {}
        self._tell = tell
        self._clock = clock
        self._again_s: dict[str, float] = {}
        self._events = open_log(folder / LOG, tell, option="--out")
        try:
            self._table = TrackTable(folder / TABLE)
            self._video = AnnotatedVideo(folder / VIDEO, fps, masks) if video else None
        except BaseException:
            self._events.close()
            raise
        self._log = PatientLog(self._events, str(folder / LOG), tell, clock=clock)
        self._map = TrackMap(folder / MAP)
        self._sheet = ContactSheet(folder / SHEET)
        self._look_every = max(1, round(fps / LOOKS_A_SECOND))
        self._masks = masks
        self._finished = self._closed = False
        self._names: list[str] = []

    def first_track(self, camera_id: str) -> int:
        """The first number that no track of a camera has in the log that is gone on with."""
        return numbers_in(self._events).get(camera_id, 0) + 1

    def log(self, events: Sequence[Event]) -> None:
        """Write to the log, now or when it can be. Raises: UnavailableError where too much waits already."""
        self._log.append(events)

    def write(self, frame: Frame, seen: Observation, alerts: list[Alert]) -> None:
        """Write what one picture brought."""
        self._log.tend()
        confirmed = [track for track in seen.tracks if track.status == "confirmed"]
        if confirmed or seen.written_back:
            self._attempt(TABLE, lambda: self._tabulate(confirmed, seen.written_back))
        self._attempt(MAP, lambda: self._map.update(confirmed, frame.time_ns))
        if confirmed and (frame.index % self._look_every == 0 or seen.written_back):
            self._sheet.add(msgspec.structs.replace(frame, counts=hidden(frame.counts, self._masks)), confirmed)
        if self._video is not None:
            start_s = time.process_time()
            self._attempt(VIDEO, lambda: self._draw(frame, seen, alerts))
            self.drawing_s += time.process_time() - start_s

    def finish(self) -> list[str]:
        """Finish every file but the log, each whatever became of the others, and return the names of those there are.

        A second call does nothing.
        """
        if not self._finished:
            self._finished = True
            self._again_s.clear()
            start_s = time.process_time()
            self._attempt(SHEET, self._close_sheet)
            if self._video is not None:
                self._attempt(VIDEO, self._video.close)
                self._names += [path.name for path in self._video.paths]
            self.drawing_s += time.process_time() - start_s
            self._attempt(MAP, self._close_map)
            self._names.append(TABLE)
            self._attempt(TABLE, self._table.close)
        return [*self._names, LOG]

    def close(self) -> str:
        """Finish every file, release the log, and return the head of what is in it; safe to call twice."""
        with contextlib.ExitStack() as last:
            last.callback(self._close_log)
            self.finish()
        return str(self._events.written())

    def _tabulate(self, confirmed: list[Track], written_back: list[Track]) -> None:
        self._table.append(confirmed)
        if written_back:
            self._table.write_back(written_back)

    def _draw(self, frame: Frame, seen: Observation, alerts: list[Alert]) -> None:
        if self._video is None:
            return
        if _free_bytes(self.folder) < RESERVE_BYTES:
            raise UnavailableError(
                f"{self.folder / VIDEO}: less than {RESERVE_BYTES >> 20} MiB are free on the disk, and they are kept "
                "for the log; free some space"
            )
        self._video.write(frame, seen.tracks, alerts)

    def _attempt(self, name: str, act: Callable[[], None]) -> None:
        """Do something with a file that the watch can do without, unless it was given up a moment ago."""
        again_s = self._again_s.get(name)
        if again_s is not None and self._clock() < again_s:
            return
        try:
            act()
        except MarsadError as error:
            self._again_s[name] = self._clock() + RETRY_S
            if name not in self.incomplete:
                goes_on = "" if self._finished else "; the watch goes on and tries it again every minute"
                self._tell(f"{error}. {name} is incomplete{goes_on}")
            self.incomplete.setdefault(name, str(error))
        else:
            if self._again_s.pop(name, None) is not None:
                self._tell(f"{self.folder / name}: written again; what came in between is not in it")

    def _close_map(self) -> None:
        if self._map.close():
            self._names.append(MAP)

    def _close_sheet(self) -> None:
        self._sheet.close()
        self._names.append(SHEET)

    def _close_log(self) -> None:
        if self._closed:
            return
        self._closed = True
        missing = self._log.close()
        if missing:
            self.incomplete[LOG] = f"{self.folder / LOG}: {missing} events could not be written"
            self._tell(f"{self.incomplete[LOG]}, and are lost; what is in it is sound")


def _free_bytes(folder: Path) -> int:
    try:
        state = os.statvfs(folder)
    except OSError as error:
        raise UnavailableError(f"{folder}: {error.strerror}; see that the disk is mounted") from error
    return state.f_bavail * state.f_frsize

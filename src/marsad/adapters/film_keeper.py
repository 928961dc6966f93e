"""How much of the disk film may have: the oldest goes first, and a ballast keeps room for the log."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from marsad.adapters.film import RESERVE_BYTES, SECOND_NS, Segment, finish_segment, free_bytes, segments_in
from marsad.kernel.desk import Storage
from marsad.kernel.event import FilmDropped, StorageShort

BALLAST_BYTES = 64 << 20
BALLAST_NAME = "ballast"
ABANDONED_S = 600.0
"""A segment that was not written to for so long has no writer any more."""
TOLD_NS = 3600 * SECOND_NS
"""Film that the quota drops is told of once an hour and camera: it goes on all the time."""


class _Held(NamedTuple):
    """A segment with its size; `open_now` while somebody writes it."""

    segment: Segment
    camera_id: str
    size: int
    open_now: bool


class FilmKeeper:
    """Keeps the film of all cameras within its quota, and the disk from filling up because of it.

    `tidy` is called every few seconds, by one process for the whole site. Film alone is ever dropped; what was exported
    as evidence lies elsewhere. The ballast is a file that is given up when, for whatever reason, less than its size is
    left, so that the log has that much room, and laid again when there is room.
    """

    def __init__(
        self,
        folder: Path,
        quota_bytes: int,
        *,
        reserve_bytes: int = RESERVE_BYTES,
        ballast_bytes: int = BALLAST_BYTES,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._quota_bytes = quota_bytes
        self._reserve_bytes = reserve_bytes
        self._ballast_bytes = ballast_bytes
        self._free = free
        self._short = False
        self._untold: dict[str, FilmDropped] = {}
        self._told_ns: dict[str, int] = {}
        self._storage = Storage(film_bytes=0, quota_bytes=quota_bytes, free_bytes=0)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def storage(self) -> Storage:
        """How it was at the last `tidy`."""
        return self._storage

    def tidy(self, now_ns: int, wall_s: float) -> list[FilmDropped | StorageShort]:
        """Make room where it is needed, and say what that took.

        `now_ns` is the events' time, `wall_s` the files' (seconds since 1970).
        """
        held = self._held(wall_s)
        film = sum(each.size for each in held)
        free = self._free(self._folder)
        events: list[FilmDropped | StorageShort] = []
        for each in sorted((each for each in held if not each.open_now), key=lambda each: each.segment.start_ns):
            over, short = film > self._quota_bytes, free < self._reserve_bytes
            if not over and not short:
                break
            if self._drop(each):
                film, free = film - each.size, free + each.size
                self._note(each, now_ns, over=over)
        free = self._free(self._folder)
        events += self._tell(now_ns, free)
        self._ballast(free)
        oldest = min((each.segment.start_ns for each in self._held(wall_s)), default=None)
        self._storage = Storage(
            film_bytes=film, quota_bytes=self._quota_bytes, free_bytes=free, oldest_film_ns=oldest, short=self._short
        )
        return events

    def _held(self, wall_s: float) -> list[_Held]:
        held = []
        for folder in self._folder.iterdir():
            if not folder.is_dir():
                continue
            for segment in segments_in(folder):
                with contextlib.suppress(FileNotFoundError):
                    state = segment.path.stat()
                    writing = segment.end_ns is None and wall_s - state.st_mtime < ABANDONED_S
                    held.append(_Held(segment, folder.name, state.st_size, writing))
        return held

    def _drop(self, each: _Held) -> bool:
        try:
            segment = finish_segment(each.segment) if each.segment.end_ns is None else each.segment
            if segment is not None:
                segment.path.unlink()
        except OSError:
            return False
        return True

    def _note(self, each: _Held, now_ns: int, *, over: bool) -> None:
        before = self._untold.get(each.camera_id)
        end_ns = each.segment.end_ns or each.segment.start_ns
        self._untold[each.camera_id] = FilmDropped(
            time_ns=now_ns,
            camera_id=each.camera_id,
            from_ns=min(each.segment.start_ns, before.from_ns) if before else each.segment.start_ns,
            to_ns=max(end_ns, before.to_ns) if before else end_ns,
            size_bytes=each.size + (before.size_bytes if before else 0),
            reason="quota" if over and (before is None or before.reason == "quota") else "disk",
        )

    def _tell(self, now_ns: int, free: int) -> list[FilmDropped | StorageShort]:
        events: list[FilmDropped | StorageShort] = []
        for camera_id, dropped in list(self._untold.items()):
            since_ns = now_ns - self._told_ns.get(camera_id, now_ns - TOLD_NS)
            if dropped.reason == "disk" or not 0 <= since_ns < TOLD_NS:
                events.append(dropped)
                del self._untold[camera_id]
                self._told_ns[camera_id] = now_ns
        # It is over only when there is clearly room again, so that it is not told of back and forth.
        short = free < self._reserve_bytes + (self._reserve_bytes // 8 if self._short else 0)
        if short != self._short:
            self._short = short
            events.append(
                StorageShort(time_ns=now_ns, free_bytes=free, needed_bytes=self._reserve_bytes, ended=not short)
            )
        return events

    def _ballast(self, free: int) -> None:
        """Give the ballast up or lay it again."""
        path = self._folder / BALLAST_NAME
        if free < min(self._ballast_bytes, self._reserve_bytes):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        elif not path.exists() and free >= self._reserve_bytes + self._ballast_bytes:
            self._lay(path)

    def _lay(self, path: Path) -> None:
        partial = path.with_suffix(".part")
        try:
            with partial.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._ballast_bytes)
            partial.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

"""Film read back: which spans there are, and their pictures from a key picture on."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from marsad.adapters.film import (
    GAP_NS,
    Segment,
    camera_folder,
    entries_in,
    message_at,
    opened,
    segments_in,
)
from marsad.kernel.film import Filmed, FilmSpan, from_message

MARGIN_NS = 200_000_000
"""Pictures may be shown so long before those that they build on."""
MOST_KNOWN = 256


class FilmArchive:
    """The film of all cameras, for reading; what is dropped meanwhile is passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends: dict[Path, tuple[int, int]] = {}

    def spans(self, camera_id: str, from_ns: int, to_ns: int) -> list[FilmSpan]:
        """What there is of a camera between two moments, the earliest first."""
        spans: list[FilmSpan] = []
        for segment in self._segments(camera_id):
            end_ns = self._end_ns(segment)
            start, end = max(segment.start_ns, from_ns), min(end_ns, to_ns)
            if start > end:
                continue
            if spans and start <= spans[-1].to_ns + GAP_NS:
                end, start = max(end, spans[-1].to_ns), spans.pop().from_ns
            spans.append(FilmSpan(camera_id=camera_id, from_ns=start, to_ns=end))
        return spans

    def read(self, camera_id: str, from_ns: int, to_ns: int) -> Iterator[Filmed]:
        """The pictures of a span in the order of decoding, beginning with the key picture at or before its start.

        Where there is none before, it begins with the first key picture after. A few pictures after its end may come
        too, for earlier ones may build on them. Where recordings overlap, the later one goes on where the first ends.
        """
        last_ns, begun = -1, False
        for segment in self._from(camera_id, from_ns):
            needs_key = not begun or segment.start_ns <= last_ns
            for filmed in self._pictures(segment, camera_id, None if begun else from_ns):
                picture = filmed.picture
                if picture.time_ns > to_ns + (0 if picture.key else MARGIN_NS):
                    return
                if needs_key and not (picture.key and picture.time_ns > last_ns):
                    continue
                begun, needs_key = True, False
                last_ns = max(last_ns, picture.time_ns)
                yield filmed

    def key_before(self, camera_id: str, time_ns: int) -> int | None:
        """When the last key picture at or before a moment is from, None where there is none."""
        for segment in reversed([s for s in self._segments(camera_id) if s.start_ns <= time_ns]):
            key_ns = self._key_before(segment, time_ns)
            if key_ns is not None:
                return key_ns
        return None

    def _from(self, camera_id: str, from_ns: int) -> list[Segment]:
        """The segments from the one on in which reading begins."""
        segments = self._segments(camera_id)
        before = [number for number, segment in enumerate(segments) if segment.start_ns <= from_ns]
        for number in reversed(before[-3:]):
            if self._end_ns(segments[number]) + GAP_NS < from_ns:
                break
            if self._key_before(segments[number], from_ns) is not None:
                return segments[number:]
        return segments[before[-1] :] if before else segments

    def _pictures(self, segment: Segment, camera_id: str, from_ns: int | None) -> Iterator[Filmed]:
        first_ns = -1 if from_ns is None else self._key_before(segment, from_ns) or -1
        for path in (segment.path, None):
            try:
                with opened(path or self._renamed(segment)) as file:
                    for entry in entries_in(file):
                        if first_ns >= 0 and not (entry.key and entry.time_ns >= first_ns):
                            continue
                        first_ns = -1
                        message = message_at(file, entry)
                        if message is None:
                            return
                        yield from_message(message, camera_id)
            except FileNotFoundError:
                continue
            return

    def _key_before(self, segment: Segment, time_ns: int) -> int | None:
        found = None
        with contextlib.suppress(FileNotFoundError), opened(segment.path) as file:
            for entry in entries_in(file):
                if entry.key and entry.time_ns <= time_ns:
                    found = entry.time_ns
        return found

    def _renamed(self, segment: Segment) -> Path:
        """The finished segment's path, where it was finished while we looked."""
        again = (each for each in segments_in(segment.path.parent) if each.start_ns == segment.start_ns)
        return next((each.path for each in again), segment.path)

    def _segments(self, camera_id: str) -> list[Segment]:
        return segments_in(camera_folder(self._folder, camera_id))

    def _end_ns(self, segment: Segment) -> int:
        """When a segment ends; one that is being written is looked through when it has grown."""
        if segment.end_ns is not None:
            return segment.end_ns
        try:
            size = segment.path.stat().st_size
            known = self._ends.get(segment.path)
            if known is None or known[0] != size:
                with opened(segment.path) as file:
                    known = size, max((entry.time_ns for entry in entries_in(file)), default=segment.start_ns)
                if len(self._ends) > MOST_KNOWN:
                    self._ends.clear()
                self._ends[segment.path] = known
        except FileNotFoundError:
            return segment.start_ns
        return known[1]

"""What the picture calls those whom cameras tell of, and where each of them is now."""

from collections.abc import Iterable, Mapping
from typing import Final

from marsad.kernel.alarm import Seen
from marsad.kernel.alert import Alert
from marsad.kernel.picture import Picture, PictureGroup, PictureTrack
from marsad.kernel.track import Track

NS: Final = 1_000_000_000
SEEN_NS: Final = 5 * NS
"""Who was seen so lately is there."""


class Subjects:
    """The names of everybody there is at one moment, by picture and by what each camera follows."""

    def __init__(self, picture: Picture, tracks: Iterable[Track], now_ns: int) -> None:
        self._names: dict[str, str] = {}
        """Each name that something has, or had, with the one that it is known by."""
        self._also: dict[str, list[str]] = {}
        self.present: dict[str, Seen] = {}
        lately = {_local(t.camera_id, t.track_id): t for t in tracks if now_ns - t.time_ns <= SEEN_NS}
        for track in picture.tracks:
            self._add(track, lately, now_ns)
        for name, local in lately.items():
            seen = Seen(time_ns=local.time_ns, camera_id=local.camera_id, box=local.box, ground=local.ground)
            self.present.setdefault(name, seen)

    def of(self, alert: Alert) -> tuple[str, tuple[str, ...]]:
        """The name of what an alert is about, and its other names."""
        own = alert.subject_id or _local(alert.camera_id, alert.track_id)
        name = self._names.get(own, own)
        also = [each for each in self._also.get(name, ()) if each != name]
        return name, tuple(dict.fromkeys([own, *also] if own != name else also))

    def _add(self, track: PictureTrack, lately: Mapping[str, Track], now_ns: int) -> None:
        name = track.group_id or track.track_id
        local = _locals(track)
        for each in names_of(track):
            self._names[each] = name
            self._also.setdefault(name, []).append(each)
        self._names.setdefault(name, name)
        if now_ns - track.seen_ns > SEEN_NS or track.status == "lost":
            return
        shown = next((lately[each] for each in local if each in lately), None)
        seen = Seen(
            time_ns=track.seen_ns,
            camera_id="" if shown is None else shown.camera_id,
            box=None if shown is None else shown.box,
            ground=track.ground,
        )
        for each in (name, track.track_id, *local):
            if each not in self.present or self.present[each].time_ns < seen.time_ns:
                self.present[each] = seen


def names_of(thing: PictureTrack | PictureGroup) -> tuple[str, ...]:
    """Every name of a group, or of a track alone: its own, those it had, and what each source calls it."""
    if isinstance(thing, PictureGroup):
        return (thing.group_id, *thing.members)
    return (thing.track_id, *thing.formerly, *_locals(thing))


def _locals(track: PictureTrack) -> list[str]:
    return [_local(each.source_id, each.label) for each in track.contributors if each.label is not None]


def _local(source_id: str, label: int | None) -> str:
    return f"{source_id}/{label}"

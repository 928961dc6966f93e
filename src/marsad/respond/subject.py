"""What alerts of the picture are about: each group of it, and each track that is in none."""

from typing import Final

from marsad.kernel.alarm import Seen
from marsad.kernel.picture import Contributor, Picture, PictureGroup, PictureTrack
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

NS = 1_000_000_000
HERD_SURE = 0.8
SOMEBODY_SURE = 0.6
SOMEBODY: Final[frozenset[Kind]] = frozenset({"person", "group", "vehicle"})
LATELY_S = 30.0
"""A source that has not reported something for so long no longer sees it, and its number for it may be another's."""


class Subject(Record):
    """One group with its members, or one track alone."""

    subject_id: str
    whole: PictureTrack | PictureGroup
    members: tuple[PictureTrack, ...]

    @property
    def kind(self) -> Kind:
        """What it is; what is not told apart in a herd is of the herd, unless somebody is surely among it."""
        if self._is_herd and not self._people:
            return "animal"
        return self.whole.kind

    @property
    def count(self) -> Count | None:
        """How many heads, None where nobody counted; in a herd, of the people among it."""
        if self._is_herd and self._people:
            most = sum(1 if track.count is None else track.count.high for track in self._people)
            return Count(best=len(self._people), low=1, high=max(most, len(self._people)))
        return self.whole.count

    @property
    def _is_herd(self) -> bool:
        return len(self.members) > 1 and any(
            track.kind == "animal" and track.kind_confidence >= HERD_SURE for track in self.members
        )

    @property
    def _people(self) -> tuple[PictureTrack, ...]:
        """The members that are surely no animals."""
        return tuple(
            track for track in self.members if track.kind in SOMEBODY and track.kind_confidence >= SOMEBODY_SURE
        )

    @property
    def existence(self) -> float:
        """The probability that there is anything."""
        return max((track.existence for track in self.members), default=1.0)

    @property
    def seen_ns(self) -> int:
        """When it was last seen."""
        return max((track.seen_ns for track in self.members), default=self.whole.time_ns)

    @property
    def confirmed_ns(self) -> int | None:
        """Since when it has been believed, None where it is not."""
        return min((track.confirmed_ns for track in self.members if track.confirmed_ns is not None), default=None)

    @property
    def kind_confidence(self) -> float:
        """How surely what it is has been told; a group is one because several were."""
        if isinstance(self.whole, PictureTrack):
            return self.whole.kind_confidence
        return max((track.kind_confidence for track in self.members), default=0.0)

    @property
    def contributors(self) -> tuple[Contributor, ...]:
        """The sources that have reported it lately."""
        since_ns = self.whole.time_ns - LATELY_S * NS
        return tuple(each for track in self.members for each in track.contributors if each.time_ns >= since_ns)


def subjects_of(picture: Picture) -> list[Subject]:
    """Every group, and every track in none, that is not lost."""
    tracks = {track.track_id: track for track in picture.tracks if track.status != "lost"}
    grouped: set[str] = set()
    found = []
    for group in picture.groups:
        members = tuple(tracks[each] for each in group.members if each in tracks)
        if members:
            grouped.update(each.track_id for each in members)
            found.append(Subject(subject_id=group.group_id, whole=group, members=members))
    alone = (track for track in tracks.values() if track.track_id not in grouped)
    return [*found, *(Subject(subject_id=track.track_id, whole=track, members=(track,)) for track in alone)]


def names_of(picture: Picture) -> dict[str, str]:
    """Every other name that a subject of the picture has or had, and what it is called now.

    Other names are those of a group's members and of groups that came into it, names found to be the same, and the
    numbers that cameras have for it, as CAMERA/NUMBER.
    """
    subjects = subjects_of(picture)
    own = {subject.subject_id for subject in subjects}
    names: dict[str, str] = {}
    for subject in subjects:
        for name in _others(subject):
            if name not in own:
                names.setdefault(name, subject.subject_id)
    return names


def _others(subject: Subject) -> list[str]:
    others = [name for track in subject.members for name in (track.track_id, *track.formerly)]
    if isinstance(subject.whole, PictureGroup):
        others += subject.whole.joined
    labelled = (f"{each.source_id}/{each.label}" for each in subject.contributors if each.label is not None)
    return [*others, *labelled]


def present_in(picture: Picture) -> dict[str, Seen]:
    """Where every subject of the picture was last seen."""
    return {
        subject.subject_id: Seen(time_ns=subject.seen_ns, ground=subject.whole.ground)
        for subject in subjects_of(picture)
    }

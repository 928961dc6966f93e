"""What has changed between two pictures, as events for the log."""

from collections.abc import Iterator

from marsad.kernel.event import (
    PictureGroupChanged,
    PictureGroupEnded,
    PictureGroupPoint,
    PictureTrackEnded,
    PictureTrackLost,
    PictureTrackPoint,
    SourceTrustChanged,
)
from marsad.kernel.picture import Picture

Change = (
    PictureTrackPoint
    | PictureTrackLost
    | PictureTrackEnded
    | PictureGroupPoint
    | PictureGroupChanged
    | PictureGroupEnded
    | SourceTrustChanged
)


def changes(before: Picture, after: Picture) -> list[Change]:
    """A point of each track and group, which of them are new, changed, lost or ended, and whom not to trust."""
    return [*_of_tracks(before, after), *_of_groups(before, after), *_of_sources(before, after)]


def _of_tracks(before: Picture, after: Picture) -> Iterator[Change]:
    time_ns, was = after.time_ns, {track.track_id: track for track in before.tracks}
    for track in after.tracks:
        yield PictureTrackPoint(time_ns=time_ns, track=track)
        known = was.pop(track.track_id, None)
        if track.status == "lost" and (known is None or known.status != "lost"):
            yield PictureTrackLost(time_ns=time_ns, track=track)
    became = {name: track.track_id for track in after.tracks for name in track.formerly if name in was}
    for name in was:
        yield PictureTrackEnded(time_ns=time_ns, track_id=name, became=became.get(name, ""))


def _of_groups(before: Picture, after: Picture) -> Iterator[Change]:
    time_ns, was = after.time_ns, {group.group_id: group for group in before.groups}
    for group in after.groups:
        yield PictureGroupPoint(time_ns=time_ns, group=group)
        known = was.pop(group.group_id, None)
        if known is None or set(known.members) != set(group.members) or known.standing != group.standing:
            yield PictureGroupChanged(time_ns=time_ns, group=group, formed=known is None)
    became = {name: group.group_id for group in after.groups for name in group.joined if name in was}
    for name in was:
        yield PictureGroupEnded(time_ns=time_ns, group_id=name, became=became.get(name, ""))


def _of_sources(before: Picture, after: Picture) -> Iterator[Change]:
    was = {source.source_id: source.trusted for source in before.sources}
    for source in after.sources:
        if source.trusted != was.get(source.source_id, True):
            yield SourceTrustChanged(time_ns=after.time_ns, source=source)

"""The numbers of a camera's tracks: none comes again, however often its process or the station is started anew.

Alarms know whom they are about by camera and number. Numbers are given in a process that may be killed before anybody
has heard of them; so each is set aside in the log, block by block, before anything that bears it is logged.
"""

from collections.abc import Iterable, Mapping
from typing import Final, get_args

from marsad.kernel.event import Event, TrackConfirmed, TracksReserved
from marsad.kernel.port import EventLog
from marsad.kernel.track import Track
from marsad.report.replay import readable
from marsad.watch.faint import FAINT

BLOCK: Final = 100
"""So many numbers are set aside at once; the next process begins with the next block."""
AHEAD: Final = 50
"""So many are set aside beyond the highest that was heard of: film may bear those that nobody has heard of yet."""
_ALL_ELSE: Final = tuple(kind for kind in get_args(Event) if kind is not TrackConfirmed)


class TrackNumbers:
    """Which numbers have been set aside for each camera; what it returns is to be logged before what comes next."""

    def __init__(self, reserved: Mapping[str, int]) -> None:
        """Go on after these, by camera."""
        self._upto = dict(reserved)
        self._unused: dict[str, int] = {}

    def begin(self, camera_id: str, now_ns: int) -> tuple[int, tuple[TracksReserved, ...]]:
        """The first number of a process that is about to be started.

        A block whose process never had a picture to look at is used again: a camera that is off uses up none.
        """
        if camera_id in self._unused:
            return self._unused[camera_id], ()
        first = self._upto.get(camera_id, 0) + 1
        self._unused[camera_id] = first
        return first, (self._reserve(camera_id, first, now_ns),)

    def opened(self, camera_id: str) -> None:
        """The process has pictures: it may use its numbers from now on."""
        self._unused.pop(camera_id, None)

    def heard(self, camera_id: str, tracks: Iterable[Track], now_ns: int) -> tuple[TracksReserved, ...]:
        """More numbers, where these tracks come near the last."""
        highest = max((_plain(track.track_id) for track in tracks), default=0)
        if highest + AHEAD <= self._upto.get(camera_id, 0):
            return ()
        self.opened(camera_id)
        return (self._reserve(camera_id, highest + AHEAD, now_ns),)

    def _reserve(self, camera_id: str, number: int, now_ns: int) -> TracksReserved:
        upto = self._upto[camera_id] = _whole_blocks(number)
        return TracksReserved(time_ns=now_ns, camera_id=camera_id, upto=upto)


def numbers_in(log: EventLog) -> dict[str, int]:
    """Up to which number a log of one watch alone, or of a desk that set none aside, may have used them, by camera."""
    highest: dict[str, int] = {}
    for stored in readable(log, 0, log.head().length - 1, without=_ALL_ELSE):
        if isinstance(stored.event, TrackConfirmed):
            track = stored.event.track
            highest[track.camera_id] = max(_plain(track.track_id), highest.get(track.camera_id, 0))
    return {camera_id: _whole_blocks(number + AHEAD) for camera_id, number in highest.items()}


def _plain(number: int) -> int:
    """A faint track's number as it counts: faint ones and others count apart, and are set aside together."""
    return number - FAINT if number > FAINT else number


def _whole_blocks(number: int) -> int:
    return -(-number // BLOCK) * BLOCK

"""Where the log lets the picture go on after a restart."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

import msgspec

from marsad.fuse.approach import LinePath
from marsad.fuse.checkpoint import VERSION, Kept, unpacked
from marsad.fuse.fuser import Fuser, FuseSettings
from marsad.fuse.sensor import Sensor
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.chain import StoredEvent
from marsad.kernel.declaration import Declaration
from marsad.kernel.error import InputError
from marsad.kernel.event import PictureKept, PictureStarted
from marsad.kernel.picture import PictureSource
from marsad.kernel.port import EventLog
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Terrain
from marsad.report.replay import newest_first

Tell = Callable[[str], None]


class Setup(NamedTuple):
    """What a picture is made of: sensors, a source for each in the same order, and what is known besides.

    `patrols` names the patrol behind a source that reports a patrol's own position.
    """

    sensors: Sequence[Sensor]
    sources: Sequence[PictureSource]
    frame: EnuFrame
    patrols: Mapping[str, str] = {}
    declarations: Sequence[Declaration] = ()
    organisation: str = "own"
    paths: Sequence[LinePath] = ()
    settings: FuseSettings = FuseSettings()


class Start(NamedTuple):
    """An entry of the log to go on from, with what was kept there; without, all looks after it make the picture.

    `first` is the first entry that may hold a look that is not in what was kept. The setup is in the log's order.
    """

    sequence: int
    setup: Setup
    first: int
    event: PictureKept | None = None
    kept: Kept | None = None


def find_start(log: EventLog, setup: Setup, tell: Tell) -> Start:
    """The newest entry that can be gone on from; `tell` hears why a newer one cannot.

    Raises: InputError where there is none.
    """
    entries = newest_first(log, tell)
    for stored in entries:
        event = stored.event
        if isinstance(event, PictureKept):
            try:
                ordered = _ordered(setup, event.sources)
                kept = _unpacked(event, ordered)
            except InputError as error:
                tell(f"entry {stored.sequence}: {error}; going back to what was kept before")
            else:
                return Start(stored.sequence, ordered, _first_needed(entries, kept), event, kept)
        elif isinstance(event, PictureStarted) and event.resumed is None:
            try:
                return Start(stored.sequence, _ordered(setup, event.sources), stored.sequence + 1)
            except InputError as error:
                raise InputError(f"the log's picture cannot be gone on with: {error}; begin anew") from error
    raise InputError("the log has no picture to go on with; begin anew")


def sources_in(log: EventLog) -> tuple[PictureSource, ...]:
    """The sources of the log's last picture, none where it has no picture."""
    for stored in newest_first(log):
        if isinstance(stored.event, PictureKept | PictureStarted):
            return stored.event.sources
    return ()


def fingerprint(origin: Position, camera: Camera | None = None, terrain: Terrain | None = None) -> str:
    """What changes with anything that a source's reports are held against."""
    files = () if terrain is None else tuple(PurePath(name).name for name in terrain.files)
    ground = None if terrain is None else msgspec.structs.replace(terrain, files=files)
    eye = None if camera is None else (camera.lens, camera.pose, camera.reach_m)
    return hashlib.sha256(msgspec.json.encode((origin, eye, ground))).hexdigest()[:16]


def _unpacked(event: PictureKept, setup: Setup) -> Kept:
    if event.version != VERSION:
        raise InputError(f"the kept picture is of version {event.version}, this software reads {VERSION}")
    fresh = Fuser(setup.sensors, setup.settings).state
    return unpacked(event.data, [source.source_id for source in setup.sources], fresh)


def _first_needed(entries: Iterator[StoredEvent], kept: Kept) -> int:
    """After which entry, going back from where it was kept, there may be looks that are not in it.

    All looks that were logged before a picture was kept are no newer than it.
    """
    settled_ns = kept.mark[0][0]
    for stored in entries:
        event = stored.event
        begins = isinstance(event, PictureStarted) and event.resumed is None
        if begins or (isinstance(event, PictureKept) and event.time_ns < settled_ns):
            return stored.sequence + 1
    return 0


def _ordered(setup: Setup, held: Sequence[PictureSource]) -> Setup:
    """The setup with its sources in the order of those held, and new ones after them."""
    now = {source.source_id: i for i, source in enumerate(setup.sources)}
    gone = [source.source_id for source in held if source.source_id not in now]
    if gone:
        raise InputError(f"the picture rests on {', '.join(gone)}, of which nothing is known now")
    other = [source.source_id for source in held if source != setup.sources[now[source.source_id]]]
    if other:
        raise InputError(f"{', '.join(other)} stands, looks or reports otherwise than when the picture was made")
    first = [now[source.source_id] for source in held]
    order = [*first, *(i for i in range(len(now)) if i not in first)]
    return setup._replace(
        sensors=tuple(setup.sensors[i] for i in order), sources=tuple(setup.sources[i] for i in order)
    )

"""The rules about what keeps watch: cameras that are blind or ill, patrols that are missed, links that are lost.

A condition is told once it has lasted for its time, again only where it is worse, and is over once it has been mended
for a while. What needs nobody's response - a gain jump, a flat-field correction, a picture that pans - is an event
of the log and no alarm.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import site_origin
from marsad.kernel.alarm import Seen
from marsad.kernel.alert import About, Alert, Facts, Priority, Rule
from marsad.kernel.desk import CameraState, PatrolState, Storage
from marsad.kernel.dispatch import Duty, Patrol
from marsad.kernel.picture import SourceState
from marsad.kernel.site import Site
from marsad.respond.alarm import LEVEL
from marsad.respond.path import Path, Place, corners_of
from marsad.respond.stretch import Stretches
from marsad.respond.telling import distance, duration, words_of

NS: Final = 1_000_000_000
MENDED_S: Final = 30.0
UNWATCHED_M: Final = 20.0
"""A camera that is covered matters at once where so much of a line is in nobody's view without it."""
STEADY_LOOKS: Final = 10
"""A source is missed only where it looks steadily: so many looks, each in half the time after which it is missed."""
MANY_SILENT: Final = 3
"""More cameras without pictures than these have lost what they share."""

FAULTS: Final[Mapping[str, Priority]] = MappingProxyType(
    {
        "camera_moved": "high",
        "covered": "high",
        "frozen": "high",
        "looped": "high",
        "defocused": "medium",
        "dead_rows": "low",
    }
)
"""What is wrong with a camera that asks for somebody; the first four are what tampering looks like.

Dust and rain cover a camera too: that is medium where others look at what it should.
"""


class Trouble(NamedTuple):
    """Something that is wrong now, since when, and what to say of it."""

    about: About
    thing_id: str
    rule: Rule
    rule_id: str
    priority: Priority
    since_ns: int
    trouble: str
    text: str


class _Standing:
    """A trouble that was told, and since when it has not been seen any more."""

    __slots__ = ("level", "mended_ns")

    def __init__(self, level: int) -> None:
        self.level = level
        self.mended_ns: int | None = None


class _Link:
    """How a source has looked: when last, and how many times steadily."""

    __slots__ = ("looked_ns", "steady")

    def __init__(self, looked_ns: int) -> None:
        self.looked_ns = looked_ns
        self.steady = 1


class Upkeep:
    """Raises an alert when a camera, a patrol or a link fails the watch."""

    def __init__(self, site: Site) -> None:
        self.rules = site.rules
        self._words = words_of(site)
        self._cameras = frozenset(camera.id for camera in site.cameras)
        self._patrols = site.patrols
        origin = site_origin(site)
        self._frame = None if origin is None else EnuFrame(origin)
        self._stretches = None if self._frame is None else Stretches(site, self._frame)
        self._links: dict[str, _Link] = {}
        self._astray: dict[str, int] = {}
        self._standing: dict[tuple[str, Rule, str], _Standing] = {}
        self._short_ns: int | None = None
        self._over: frozenset[str] = frozenset()
        self._present: frozenset[str] = frozenset()

    @property
    def over(self) -> frozenset[str]:
        """What was in trouble and is no more, as subjects of alarms."""
        return self._over

    def present(self, now_ns: int) -> dict[str, Seen]:
        """What is in trouble now, as subjects of alarms."""
        return {subject_id: Seen(time_ns=now_ns) for subject_id in self._present}

    def update(
        self, cameras: Sequence[CameraState], patrols: Sequence[PatrolState], sources: Sequence[SourceState],
        now_ns: int, *, busy: Collection[str] = (), storage: Storage | None = None,
    ) -> list[Alert]:  # fmt: skip
        """The alerts that the state of cameras, patrols, the picture's sources and the disk raises.

        `busy` are patrols that have an order: they are not where the roster says, and must be heard of.
        """
        troubles = [
            *self._cameras_in_trouble(cameras, now_ns),
            *self._missed(patrols, now_ns, busy),
            *self._links_lost(sources, now_ns),
            *self._short_of_room(storage, now_ns),
        ]
        wanted = [each for each in troubles if each.rule not in self.rules.off]
        alerts = [_alert(each, now_ns) for each in wanted if self._is_told(each)]
        self._mend({_key(each) for each in wanted}, now_ns)
        present = frozenset(subject_id for subject_id, _, _ in self._standing)
        self._over = (self._over | self._present) - present
        self._present = present
        return alerts

    def _is_told(self, trouble: Trouble) -> bool:
        """Whether a trouble is new, or worse than was told."""
        level, known = LEVEL[trouble.priority], self._standing.get(_key(trouble))
        if known is None:
            self._standing[_key(trouble)] = _Standing(level)
            return True
        worse = level > known.level
        known.level, known.mended_ns = max(level, known.level), None
        return worse

    def _mend(self, there: Collection[tuple[str, Rule, str]], now_ns: int) -> None:
        for key, known in list(self._standing.items()):
            if key in there:
                continue
            if known.mended_ns is None:
                known.mended_ns = now_ns
            if now_ns - known.mended_ns >= MENDED_S * NS:
                del self._standing[key]

    def _cameras_in_trouble(self, cameras: Sequence[CameraState], now_ns: int) -> Iterator[Trouble]:
        yield from self._silent(cameras, now_ns)
        for camera in cameras:
            for fault in camera.troubles:
                if fault.kind in FAULTS and now_ns - fault.since_ns >= self.rules.camera_fault_s * NS:
                    detail = f" ({fault.detail})" if fault.detail else ""
                    priority, left = FAULTS[fault.kind], ""
                    if fault.kind == "covered":
                        priority, left = self._matters(camera.camera_id, cameras, now_ns)
                    text = f"{self._words.of(camera.camera_id)}: {fault.kind.replace('_', ' ')}{detail}{left}."
                    yield Trouble(
                        "camera", camera.camera_id, "camera_fault", fault.kind, priority, fault.since_ns, fault.kind,
                        text,
                    )  # fmt: skip

    def _matters(self, camera_id: str, cameras: Sequence[CameraState], now_ns: int) -> tuple[Priority, str]:
        """How much a camera is missed that sees nothing, and what nobody looks at without it."""
        if self._stretches is None or not self._stretches.knows(camera_id):
            return "high", ""
        others = [each.camera_id for each in cameras if self._looks(each, now_ns)]
        alone_m = self._stretches.alone_m(camera_id, others)
        if sum(alone_m.values()) < UNWATCHED_M:
            return "medium", ""
        said = ", ".join(f"{distance(length_m)} of {self._words.of(name)}" for name, length_m in alone_m.items())
        return "high", f", {said} in nobody's view"

    def _looks(self, camera: CameraState, now_ns: int) -> bool:
        """Whether a camera gives pictures that show what is there."""
        sound = not any(FAULTS.get(fault.kind) in {"high", "medium"} for fault in camera.troubles)
        return sound and now_ns - _silent_since(camera) < self.rules.camera_silent_s * NS

    def _silent(self, cameras: Sequence[CameraState], now_ns: int) -> Iterator[Trouble]:
        """Cameras without pictures; many at once have one cause, and are one trouble."""
        waited_ns = self.rules.camera_silent_s * NS
        silent = {each.camera_id: _silent_since(each) for each in cameras if now_ns - _silent_since(each) >= waited_ns}
        if len(silent) > MANY_SILENT:
            names = ", ".join(self._words.of(camera_id) for camera_id in silent)
            text = f"{len(silent)} cameras: no pictures ({names})."
            yield Trouble("link", "cameras", "link_lost", "cameras", "high", min(silent.values()), "silent", text)
        for camera_id, since_ns in silent.items():
            told = (f"camera:{camera_id}", "camera_silent", "camera_silent") in self._standing
            if told or len(silent) <= MANY_SILENT:
                text = f"{self._words.of(camera_id)}: no pictures for {duration((now_ns - since_ns) / NS)}."
                yield Trouble("camera", camera_id, "camera_silent", "camera_silent", "high", since_ns, "silent", text)

    def _missed(self, states: Sequence[PatrolState], now_ns: int, busy: Collection[str]) -> Iterator[Trouble]:
        """Patrols that are not heard of, or not where they should be; one that nobody expects is not missed."""
        heard = {state.patrol_id: state for state in states}
        for patrol in self._patrols:
            state = heard.get(patrol.patrol_id)
            if state is None:
                continue
            has_order = patrol.patrol_id in busy
            duty = None if has_order else _duty_at(patrol, now_ns)
            silent_s = (now_ns - state.time_ns) / NS
            name = self._words.of(patrol.patrol_id)
            if silent_s >= self.rules.patrol_silent_s:
                if has_order or duty is not None or not patrol.duties:
                    priority: Priority = "high" if has_order else "medium"
                    text = f"{name}: not heard of for {duration(silent_s)}."
                    yield Trouble(
                        "patrol", patrol.patrol_id, "patrol_silent", "patrol_silent", priority, state.time_ns,
                        "silent", text,
                    )  # fmt: skip
            else:
                yield from self._gone_astray(state, duty, name, now_ns)

    def _gone_astray(self, state: PatrolState, duty: Duty | None, name: str, now_ns: int) -> Iterator[Trouble]:
        away_m = 0.0 if duty is None else self._away_m(state, duty)
        if away_m <= 0.0:
            self._astray.pop(state.patrol_id, None)
            return
        since_ns = self._astray.setdefault(state.patrol_id, state.time_ns)
        if now_ns - since_ns >= self.rules.patrol_astray_s * NS:
            text = f"{name}: {distance(away_m)} from its duty for {duration((now_ns - since_ns) / NS)}."
            yield Trouble("patrol", state.patrol_id, "patrol_astray", "patrol_astray", "low", since_ns, "astray", text)

    def _away_m(self, state: PatrolState, duty: Duty) -> float:
        """How far a patrol is surely from where it is to be, 0 where it may be there."""
        if self._frame is None:
            return 0.0
        here = self._frame.point(state.position)
        apart_m = _apart_m(corners_of(self._frame, duty.points).tolist(), (here.east_m, here.north_m))
        return apart_m if apart_m - 2 * state.sigma_m > duty.within_m else 0.0

    def _links_lost(self, sources: Sequence[SourceState], now_ns: int) -> Iterator[Trouble]:
        """Sources that looked steadily and do no more, and those that are not trusted.

        Our own cameras' pictures are missed as cameras', and patrols as patrols.
        """
        patrols = {patrol.patrol_id for patrol in self._patrols}
        for source in sources:
            name = self._words.of(source.source_id)
            camera = source.source_id in self._cameras
            if not source.trusted:
                yield Trouble(
                    "camera" if camera else "link", source.source_id, "camera_fault" if camera else "link_lost",
                    "not_trusted", "medium", source.looked_ns or now_ns, "not_trusted",
                    f"{name}: not trusted, {source.reason or 'it does not fit the others'}.",
                )  # fmt: skip
            if camera or source.source_id in patrols or source.looked_ns is None:
                continue
            since_ns = self._lost_since(source.source_id, source.looked_ns, now_ns)
            if since_ns is not None:
                text = f"{name}: not heard of for {duration((now_ns - since_ns) / NS)}."
                yield Trouble("link", source.source_id, "link_lost", "link_lost", "medium", since_ns, "silent", text)

    def _short_of_room(self, storage: Storage | None, now_ns: int) -> Iterator[Trouble]:
        """A disk that has no more room for film."""
        if storage is None or not storage.short:
            self._short_ns = None
            return
        self._short_ns = self._short_ns or now_ns
        text = f"The disk is full: no film is kept, {storage.free_bytes / 1e6:.0f} MB are left for the log."
        yield Trouble("storage", "film", "storage_short", "storage_short", "medium", self._short_ns, "short", text)

    def _lost_since(self, source_id: str, looked_ns: int, now_ns: int) -> int | None:
        """Since when a steady source has not looked, None where it has lately, or was never steady."""
        lost_ns = self.rules.link_lost_s * NS
        link = self._links.setdefault(source_id, _Link(looked_ns))
        if looked_ns > link.looked_ns:
            steady = looked_ns - link.looked_ns <= lost_ns / 2
            link.steady = min(link.steady + 1, STEADY_LOOKS) if steady else 1
            link.looked_ns = looked_ns
        return looked_ns if link.steady >= STEADY_LOOKS and now_ns - looked_ns >= lost_ns else None


def _key(trouble: Trouble) -> tuple[str, Rule, str]:
    return f"{trouble.about}:{trouble.thing_id}", trouble.rule, trouble.rule_id


def _alert(trouble: Trouble, now_ns: int) -> Alert:
    subject_id = f"{trouble.about}:{trouble.thing_id}"
    return Alert(
        alert_id=f"{subject_id}-{trouble.rule}-{trouble.rule_id}-{now_ns}",
        rule=trouble.rule,
        rule_id=trouble.rule_id,
        priority=trouble.priority,
        time_ns=now_ns,
        text=trouble.text,
        camera_id=trouble.thing_id if trouble.about == "camera" else "",
        about=trouble.about,
        subject_id=subject_id,
        facts=Facts(time_ns=now_ns, trouble=trouble.trouble, since_ns=trouble.since_ns),
    )


def _silent_since(camera: CameraState) -> int:
    """When a camera's last picture came, or since when it has been at what it is doing now without one."""
    if camera.seen_ns is None:
        return camera.since_ns
    return camera.seen_ns


def _duty_at(patrol: Patrol, now_ns: int) -> Duty | None:
    """What a patrol's roster has it do now."""
    hour = now_ns / NS / 3600 % 24
    return next((duty for duty in patrol.duties if _is_open(duty, hour)), None)


def _is_open(duty: Duty, hour: float) -> bool:
    begin, end = duty.from_hour, duty.until_hour
    return begin <= hour < end if begin <= end else hour >= begin or hour < end


def _apart_m(corners: list[list[float]], here: Place) -> float:
    """How far a place is from a way, or from the one point that there is."""
    if len(corners) == 1:
        east, north = corners[0]
        return math.dist((east, north), here)
    return Path(np.array(corners), closed=False).distance_m(here)

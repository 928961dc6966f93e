"""One piece of a campaign: a scene played through the watch in memory, and every picture held against its truth."""

import math
import statistics
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.event import CameraHealth, HealthKind
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.track import Track
from marsad.report import accuracy
from marsad.report.accuracy import Category, Counted, Place, Played, Said, kind_is_right
from marsad.respond.alerting import Alerting
from marsad.simulate.actor import TRUE_KIND, Actor, Must
from marsad.simulate.campaign import CAMERA, Chunk, Piece, Stage, stage
from marsad.simulate.effect import NearThing
from marsad.simulate.scenario import Scenario
from marsad.simulate.scene import Scene
from marsad.simulate.truth import ActorTruth
from marsad.watch.geolocate import Geolocator
from marsad.watch.watcher import Watcher, WatchSettings

NEAR_PX: Final = 3.0
"""A box whose middle lies so near an actor's outline is taken to be that actor's."""
REMEMBERED_S: Final = 3.0
"""An alarm is still of what its track lay on so long before."""
AFTER_S: Final = 5.0
"""An alarm so soon after a correction or a fault of the camera is put down to it."""
RESOLVED: Final = 0.7
LEAST_RESOLVED_S: Final = 5
_STRIP_PX: Final = 80
_MOST_STRIPS: Final = 4
"""So many unwanted alarms of one cause are shown for each piece."""

_PLANTS: Final = frozenset({"bush", "tumbleweed", "fire", "boulder"})
_GROUND_KINDS: Final = frozenset({"person", "vehicle", "animal"})
_ANSWERS: Final[dict[str, frozenset[HealthKind]]] = {
    "moved": frozenset({"camera_moved", "panning"}),
    "covered": frozenset({"covered"}),
    "frozen": frozenset({"frozen"}),
    "looped": frozenset({"looped"}),
    "defocused": frozenset({"defocused"}),
    "gain_jump": frozenset({"gain_jump", "flat_field_correction"}),
    "flat_field": frozenset({"flat_field_correction", "gain_jump"}),
}
"""What the watch may call each fault."""

Rows = NDArray[np.float64]
Measures = tuple[float, float, float, float, float]
"""SNR, SNR over noise alone, height and width in pixels, range."""
Picture = NDArray[np.uint8]


class Boxes(NamedTuple):
    """What trackers are compared on: (N, 6) frame, identity, x, y, w, h; detections have their SNR for an identity."""

    truth: Rows
    tracks: Rows
    written_back: Rows
    detections: Rows


class _Ill(NamedTuple):
    """A fault of the camera, or a correction, and how long it lasts."""

    kind: str
    start_s: float
    end_s: float


class Outcome(NamedTuple):
    """What a piece showed, the boxes in it where it asks for them, and strips of what was alarmed for nothing."""

    played: Played
    boxes: Boxes
    strips: dict[str, Picture]


def play(piece: Piece, rng: np.random.Generator, settings: WatchSettings | None = None) -> Outcome:
    """Play one piece through the watch."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        set_up, shown = rng.spawn(2)
        start_s = time.process_time()
        ready = stage(piece, set_up)
        scene = Scene(ready.true, ready.scenario, shown, CAMERA)
        return _Run(ready, scene, time.process_time() - start_s, settings).run()
    finally:
        cv2.setNumThreads(threads)


class _Run:
    """One scene going through one watch."""

    def __init__(self, ready: Stage, scene: Scene, scene_cpu_s: float, settings: WatchSettings | None) -> None:
        self._ready = ready
        self._scene = scene
        site, camera = ready.site, ready.site.cameras[0]
        start_s = time.process_time()
        self._watcher = Watcher(
            CAMERA,
            origin=site.organisation,
            settings=settings,
            geolocator=Geolocator(ready.known, site.terrain),
            metres_per_pixel=ready.known.lookup().metres_per_pixel,
            masks=camera.masks,
            polarity=camera.polarity,
        )
        self._alerting = Alerting(site)
        self._watch_cpu_s = time.process_time() - start_s
        self._scene_cpu_s = scene_cpu_s
        self._fps = ready.scenario.imager_of(CAMERA).fps
        self._ledger = Ledger(ready.scenario, self._fps)
        self._past: deque[Counts] = deque(maxlen=max(round(self._fps), 1) + 1)
        self._strips: dict[str, Picture] = {}
        self._kept: Counter[str] = Counter()
        self._boxes: tuple[list[Row], list[Row], list[Row], list[Row]] = ([], [], [], [])

    def run(self) -> Outcome:
        """Play all pictures."""
        started_ns = int(self._ready.scenario.start.timestamp() * 1e9)
        for index in range(self._scene.frames):
            time_ns = started_ns + round(index * 1e9 / self._fps)
            start_s = time.process_time()
            counts, truths = self._scene.render(index, time_ns)
            near = self._scene.near
            shown_s = time.process_time()
            frame = Frame(camera_id=CAMERA, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
            seen = self._watcher.observe(frame)
            alerts = self._alerting.update(seen.tracks, time_ns)
            self._scene_cpu_s += shown_s - start_s
            self._watch_cpu_s += time.process_time() - shown_s
            confirmed = [track for track in seen.tracks if track.status == "confirmed"]
            self._ledger.take(index, truths, near, confirmed, alerts)
            self._strip(counts, len(alerts))
            self._ledger.take_health(index, [event for event in seen.events if isinstance(event, CameraHealth)])
            if self._ready.piece.boxes:
                self._keep(index, truths, confirmed, seen.written_back)
        boxes = Boxes(*(np.array(rows, float).reshape(-1, 6) for rows in self._boxes))
        return Outcome(self._played(), boxes, self._strips)

    def _strip(self, counts: Counts, alerts: int) -> None:
        """Keep what was around the first unwanted alarms of each cause, then and a second before."""
        self._past.append(counts)
        for alarm in self._ledger.alarms[len(self._ledger.alarms) - alerts :]:
            kept = self._kept[alarm.cause]
            if alarm.category in accuracy.UNWANTED and kept < _MOST_STRIPS:
                self._kept[alarm.cause] += 1
                name = f"{alarm.category}-{alarm.cause}-{self._ready.piece.key}-{alarm.time_s:.0f}s-{alarm.track_id}"
                pictures = [_around(each, alarm.box) for each in (self._past[0], self._past[-1])]
                self._strips[name.replace(" ", "_")] = np.hstack(pictures)

    def _keep(
        self, index: int, truths: Sequence[ActorTruth], confirmed: Sequence[Track], written_back: Sequence[Track]
    ) -> None:
        """Keep the boxes of one picture for other trackers."""
        truth, tracks, back, detections = self._boxes
        movers = [each for each in truths if each.role != "scenery" and each.visible >= accuracy.LEAST_VISIBLE]
        truth += [_row(index, each.actor_id, each.box) for each in movers]
        tracks += [_row(index, each.track_id, each.box) for each in confirmed]
        back += [_row(each.frame_index, each.track_id, each.box) for each in written_back]
        detections += [(index, each[4], *each[:4]) for each in self._watcher.detections().tolist()]

    def _played(self) -> Played:
        piece, scenario, ledger = self._ready.piece, self._ready.scenario, self._ledger
        return Played(
            key=piece.key,
            part=piece.part,
            air=scenario.weather.air,
            lie=self._ready.lie,
            hour=round(self._ready.hour, 2),
            seconds=self._scene.frames / self._fps,
            frames=self._scene.frames,
            scene_cpu_s=round(self._scene_cpu_s, 3),
            watch_cpu_s=round(self._watch_cpu_s, 3),
            windy=(piece.chunk or Chunk()).windy,
            shown=ledger.shown(piece),
            passages=ledger.passages(),
            alarms=tuple(ledger.alarms),
            faults=ledger.faults(),
            reports=tuple(ledger.reports),
            places=tuple(ledger.places),
            kinds=tuple(ledger.kinds),
            counts=ledger.counts(),
        )


def _around(counts: Counts, box: tuple[float, float, float, float]) -> Picture:
    """A square around a box, four times enlarged, its contrast stretched, the box drawn."""
    x, y, w, h = box
    side = max(_STRIP_PX, 2 * math.ceil(max(w, h)))
    height, width = counts.shape
    left = int(np.clip(x + w / 2 - side / 2, 0, max(width - side, 0)))
    top = int(np.clip(y + h / 2 - side / 2, 0, max(height - side, 0)))
    crop = counts[top : top + side, left : left + side].astype(np.float32)
    low, high = np.percentile(crop, (1, 99.7))
    level = np.clip((crop - low) / max(float(high - low), 1e-6) * 255, 0, 255).astype(np.uint8)
    shown = cv2.resize(level, (4 * _STRIP_PX, 4 * _STRIP_PX), interpolation=cv2.INTER_NEAREST)
    scale = 4 * _STRIP_PX / side
    corners = [(round((u - left) * scale), round((v - top) * scale)) for u, v in ((x, y), (x + w, y + h))]
    return cast("Picture", cv2.rectangle(shown, corners[0], corners[1], 255, 1))


Row = tuple[float, float, float, float, float, float]


def _row(frame: int, identity: int, box: Box) -> Row:
    return frame, identity, box.x_px, box.y_px, box.w_px, box.h_px


class _Seen:
    """What is noted of one actor while it is in the scene."""

    def __init__(self, truth: ActorTruth) -> None:
        self.truth = truth
        self.first_s: float | None = None
        self.last_s = 0.0
        self.seen = 0
        self.clear_s: float | None = None
        self.whole: list[Measures] = []
        self.clear: list[Measures] = []
        self.tracked_s: float | None = None
        self.tracked = 0
        self.alarm_s: float | None = None
        self.track_ids: set[int] = set()
        self.said: Counter[str] = Counter()

    def take(self, truth: ActorTruth, now_s: float) -> None:
        """Note how it can be seen in one picture."""
        self.truth = truth
        if truth.visible < accuracy.LEAST_VISIBLE:
            return
        if self.first_s is None:
            self.first_s = now_s
        self.last_s = now_s
        self.seen += 1
        measures = truth.snr, truth.snr_noise, truth.height_px, truth.width_px, truth.range_m
        self.whole.append(measures)
        if is_clear(truth):
            self.clear_s = now_s if self.clear_s is None else self.clear_s
            self.clear.append(measures)


def is_clear(truth: ActorTruth) -> bool:
    """Whether an actor is visible in one picture in the sense of the report."""
    return (
        truth.visible >= accuracy.LEAST_VISIBLE
        and truth.width_px >= accuracy.LEAST_WIDTH_PX
        and truth.height_px >= accuracy.LEAST_HEIGHT_PX
        and truth.snr >= accuracy.LEAST_SNR
    )


class Ledger:
    """Holds the watch against the truth, picture by picture."""

    def __init__(self, scenario: Scenario, fps: float) -> None:
        self._scenario = scenario
        self._fps = fps
        self._each_second = max(round(fps), 1)
        self._actors: dict[int, Actor] = {actor.actor_id: actor for actor in scenario.actors}
        self._parties = {party.name: party for party in scenario.parties}
        self._seen: dict[int, _Seen] = {}
        self._near: set[tuple[str, int]] = set()
        self._lain_on: dict[int, deque[tuple[float, int | str]]] = {}
        self._ills = _ills(scenario)
        self._found: dict[_Ill, float] = {}
        self._counted: dict[str, list[Counted]] = {}
        self.alarms: list[accuracy.Alarm] = []
        self.reports: list[accuracy.Reported] = []
        self.places: list[Place] = []
        self.kinds: list[Said] = []

    def take(
        self,
        index: int,
        truths: Sequence[ActorTruth],
        near: Sequence[NearThing],
        confirmed: Sequence[Track],
        alerts: Sequence[Alert],
    ) -> None:
        """Note one picture: what is there, what is followed, what was alarmed."""
        now_s = index / self._fps
        for truth in truths:
            self._seen.setdefault(truth.actor_id, _Seen(truth)).take(truth, now_s)
        self._near.update((thing.cause, thing.thing_id) for thing in near)
        on = {track.track_id: actor_in(track.box, truths) for track in confirmed}
        for track in confirmed:
            self._follow(track, on[track.track_id], near, now_s)
        if index % self._each_second == 0:
            followed = [(track, each) for track in confirmed if (each := on[track.track_id]) is not None]
            for track, each in followed:
                self._sample(track, each)
            self._count(truths, followed)
        for alert in alerts:
            self._alarm(alert, truths, near, now_s)

    def _follow(self, track: Track, truth: ActorTruth | None, near: Sequence[NearThing], now_s: float) -> None:
        """Note what a track lies on."""
        lain = self._lain_on.setdefault(track.track_id, deque())
        while lain and lain[0][0] < now_s - REMEMBERED_S:
            lain.popleft()
        if truth is None:
            thing = _thing_at(track.box, near)
            if thing is not None:
                lain.append((now_s, thing.cause))
            return
        lain.append((now_s, truth.actor_id))
        seen = self._seen[truth.actor_id]
        seen.tracked_s = now_s if seen.tracked_s is None else seen.tracked_s
        seen.tracked += 1
        seen.track_ids.add(track.track_id)
        seen.said[track.kind] += 1

    def _sample(self, track: Track, truth: ActorTruth) -> None:
        """Once a second: where a track was said to be, and what."""
        if not is_clear(truth):
            return
        true = TRUE_KIND.get(truth.kind)
        if true not in _GROUND_KINDS:
            return
        if track.kind != "unknown":
            right = kind_is_right(true, track.kind, self._members(truth))
            self.kinds.append(Said(round(track.kind_confidence, 3), right, round(truth.height_px, 1)))
        ground = track.ground
        if ground is not None:
            off = np.array([ground.east_m - truth.east_m, ground.north_m - truth.north_m])
            c = ground.covariance
            spread = np.array([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])
            squared = float(off @ np.linalg.solve(spread, off))
            error_m = float(np.hypot(*off))
            self.places.append(Place(round(squared, 3), round(error_m, 2), round(truth.range_m, 1), ground.multimodal))

    def _members(self, truth: ActorTruth) -> int:
        return self._parties[truth.party].count if truth.party in self._parties else 1

    def _count(self, truths: Sequence[ActorTruth], followed: Sequence[tuple[Track, ActorTruth]]) -> None:
        """Note what the watch says of each group whose members can be told apart just now."""
        for name, party in self._parties.items():
            if party.kind != "person" or party.count < 2:
                continue
            members = [truth for truth in truths if truth.party == name]
            if len(members) < party.count or not _resolved(members):
                continue
            best, low, high = _answer([track for track, truth in followed if truth.party == name])
            counted = Counted(party=name, members=party.count, best=best, low=low, high=high)
            self._counted.setdefault(name, []).append(counted)

    def counts(self) -> tuple[Counted, ...]:
        """The last answer for each group that could be told apart for long enough."""
        return tuple(said[-1] for said in self._counted.values() if len(said) >= LEAST_RESOLVED_S)

    def _alarm(self, alert: Alert, truths: Sequence[ActorTruth], near: Sequence[NearThing], now_s: float) -> None:
        truth = actor_in(alert.outline, truths)
        actor_id: int | None = None if truth is None else truth.actor_id
        cause = self._cause(alert, near, now_s) if actor_id is None else actor_id
        if isinstance(cause, int):
            actor_id = cause
            seen = self._seen[cause]
            seen.alarm_s = now_s if seen.alarm_s is None else seen.alarm_s
            category, name = _category(self._must(seen.truth), seen.truth), str(seen.truth.kind)
        else:
            category, name = _CATEGORIES.get(cause, "environmental"), cause
        self.alarms.append(
            accuracy.Alarm(
                time_s=round(now_s, 2),
                category=category,
                cause=name,
                kind=alert.kind,
                rule=alert.rule,
                track_id=alert.number,
                box=_rounded(alert.outline),
                actor_id=actor_id,
                starting=now_s < accuracy.STARTING_S,
            )
        )

    def _cause(self, alert: Alert, near: Sequence[NearThing], now_s: float) -> int | str:
        """What raised an alarm that lies on no actor now: an actor or an effect shortly before, else the camera."""
        lain = self._lain_on.get(alert.number)
        if lain:
            return lain[-1][1]
        thing = _thing_at(alert.outline, near)
        if thing is not None:
            return thing.cause
        ill = next((ill for ill in self._ills if ill.start_s <= now_s <= ill.end_s + AFTER_S), None)
        return "nothing" if ill is None else ill.kind

    def _must(self, truth: ActorTruth) -> Must:
        party = self._parties.get(truth.party)
        if party is None:
            return self._actors[truth.actor_id].must if truth.actor_id in self._actors else "no_alarm"
        return party.shepherd_must if truth.role == "shepherd" else party.must

    def take_health(self, index: int, events: Iterable[CameraHealth]) -> None:
        """Note what was said of the camera: each report answers a fault under way, or is a false one."""
        now_s = index / self._fps
        for event in events:
            if event.ended:
                continue
            going_on = [ill for ill in self._ills if ill.start_s - 0.5 <= now_s <= ill.end_s + AFTER_S]
            for ill in going_on:
                if event.kind in _ANSWERS.get(ill.kind, frozenset()):
                    self._found.setdefault(ill, now_s)
            if not going_on:
                self.reports.append(accuracy.Reported(kind=event.kind, at_s=round(now_s, 2)))

    def faults(self) -> tuple[accuracy.Fault, ...]:
        """What was done to the camera, and when it was reported."""
        return tuple(
            accuracy.Fault(kind=ill.kind, at_s=round(ill.start_s, 2), found_s=self._found.get(ill))
            for ill in self._ills
        )

    def passages(self) -> tuple[accuracy.Passage, ...]:
        """Every actor of which half could be seen."""
        return tuple(self._passage(seen) for seen in self._seen.values() if seen.first_s is not None)

    def _passage(self, seen: _Seen) -> accuracy.Passage:
        truth = seen.truth
        measures = seen.clear or seen.whole
        snr, snr_noise, height_px, width_px, range_m = (statistics.median(each) for each in zip(*measures, strict=True))
        actor = self._actors.get(truth.actor_id)
        party = self._parties.get(truth.party)
        return accuracy.Passage(
            actor_id=truth.actor_id,
            kind=truth.kind,
            true_kind=TRUE_KIND.get(truth.kind),
            gait=truth.gait,
            load=bool(party.load if party is not None else actor is not None and actor.load),
            role=truth.role,
            must=self._must(truth),
            party=truth.party,
            members=self._members(truth),
            range_m=round(range_m, 1),
            height_px=round(height_px, 2),
            width_px=round(width_px, 2),
            snr=round(snr, 2),
            snr_noise=round(snr_noise, 2),
            first_s=round(seen.first_s or 0.0, 3),
            last_s=round(seen.last_s, 3),
            seen_for_s=round(seen.seen / self._fps, 3),
            clear_s=None if seen.clear_s is None else round(seen.clear_s, 3),
            clear_for_s=round(len(seen.clear) / self._fps, 3),
            tracked_s=None if seen.tracked_s is None else round(seen.tracked_s, 3),
            tracked_for_s=round(seen.tracked / self._fps, 3),
            alarm_s=None if seen.alarm_s is None else round(seen.alarm_s, 3),
            tracks=len(seen.track_ids),
            said=dict(seen.said),
        )

    def shown(self, piece: Piece) -> dict[str, float]:
        """What nuisances came into view, and for how many hours wind, rain and shadows lasted."""
        seen = [each.truth for each in self._seen.values() if each.first_s is not None]
        beasts = {each.party or each.actor_id for each in seen if TRUE_KIND.get(each.kind) == "animal"}
        hours = piece.seconds / 3600
        chunk = piece.chunk or Chunk()
        return {
            "animal passes": len(beasts),
            "birds": sum(each.kind == "bird" for each in seen),
            "insects": len({thing for thing in self._near if thing[0] == "insect"}),
            "tumbleweeds": sum(each.kind == "tumbleweed" for each in seen),
            "flat-field corrections": sum(ill.kind == "flat_field" for ill in self._ills),
            "gain jumps": sum(ill.kind == "gain_jump" for ill in self._ills),
            "hours of wind": hours * chunk.windy,
            "hours of rain": hours * chunk.rainy,
            "hours of cloud shadow": hours * chunk.cloudy,
        }


_CATEGORIES: Final[dict[str, Category]] = {"insect": "nuisance", "nothing": "false"}


def _rounded(box: Box) -> tuple[float, float, float, float]:
    return round(box.x_px, 1), round(box.y_px, 1), round(box.w_px, 1), round(box.h_px, 1)


def _category(must: Must, truth: ActorTruth) -> Category:
    """What an alarm on an actor is."""
    if must == "alarm":
        return "intended"
    if must == "either":
        return "either"
    return "environmental" if truth.kind in _PLANTS else "nuisance"


def actor_in(box: Box, truths: Sequence[ActorTruth]) -> ActorTruth | None:
    """The visible actor on whose outline, or a few pixels from it, the middle of a box lies; the nearest of several."""
    x, y = box.centre_px
    best, nearest = None, NEAR_PX
    for truth in truths:
        outline = truth.box
        across = max(outline.x_px - x, x - outline.x_px - outline.w_px, 0.0)
        down = max(outline.y_px - y, y - outline.y_px - outline.h_px, 0.0)
        if truth.visible <= 0 or max(across, down) >= NEAR_PX:
            continue
        away = math.hypot(across, down) + 1e-3 * math.dist((x, y), outline.centre_px)
        if away < nearest:
            best, nearest = truth, away
    return best


def _thing_at(box: Box, near: Sequence[NearThing]) -> NearThing | None:
    """The smallest thing shown by an effect on which the middle of a box lies."""
    x, y = box.centre_px
    here = [
        thing
        for thing in near
        if -NEAR_PX <= x - thing.box.x_px <= thing.box.w_px + NEAR_PX
        and -NEAR_PX <= y - thing.box.y_px <= thing.box.h_px + NEAR_PX
    ]
    return min(here, key=lambda thing: thing.box.w_px * thing.box.h_px, default=None)


def _resolved(members: Sequence[ActorTruth]) -> bool:
    """Whether all members are in sight, tall enough to be told from each other, and a pixel or more apart."""
    if any(each.visible < RESOLVED or not is_clear(each) for each in members):
        return False
    boxes = sorted((each.box for each in members), key=lambda box: box.x_px)
    for i, one in enumerate(boxes):
        for two in boxes[i + 1 :]:
            if two.x_px > one.x_px + one.w_px + 1:
                break
            if one.y_px < two.y_px + two.h_px + 1 and two.y_px < one.y_px + one.h_px + 1:
                return False
    return True


def _answer(tracks: Sequence[Track]) -> tuple[int, int, int]:
    """How many the watch says there are: best, low and high, of the group that holds most of the tracks."""
    if not tracks:
        return 0, 0, 0
    largest, _ = Counter(track.group_id for track in tracks).most_common(1)[0]
    held = [track for track in tracks if track.group_id == largest]
    counts = [track.count for track in held if track.count is not None]
    if not counts:
        return 1, 1, 1
    count = max(counts, key=lambda each: each.best)
    return count.best, count.low, count.high


def _ills(scenario: Scenario) -> list[_Ill]:
    """All that befalls the camera, its corrections included."""
    lasts = {"flat_field": scenario.imager_of(CAMERA).ffc_s}
    found = []
    for fault in scenario.faults:
        kind = str(fault.__struct_config__.tag)
        end_s = fault.start_s + lasts.get(kind, 1.0) if fault.end_s is None else fault.end_s
        found.append(_Ill(kind, fault.start_s, end_s))
    return sorted(found, key=lambda ill: ill.start_s)

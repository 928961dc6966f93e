"""The whole watch of one camera: from a picture to the tracks known at that moment."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.detection import Box
from marsad.kernel.event import CameraHealth, TrackConfirmed, TrackLost, TrackPoint
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import DetectorModel
from marsad.kernel.record import Record
from marsad.kernel.site import Mask
from marsad.kernel.track import Kind, Track
from marsad.watch.background import Background, BackgroundSettings, Difference, Registration
from marsad.watch.classify import Classifier, Sight
from marsad.watch.detect import PEAK as BLOB_PEAK
from marsad.watch.detect import X0, X1, Y0, Y1, Blobs, Detector, DetectSettings, Polarity
from marsad.watch.faint import FaintSettings, FaintStage, closely_followed
from marsad.watch.geolocate import Geolocator
from marsad.watch.group import Grouper
from marsad.watch.health import HealthMonitor
from marsad.watch.silhouette import abreast, silhouette
from marsad.watch.standing import Stood
from marsad.watch.track import (
    CONTRAST,
    FRAMES,
    ID,
    PEAK,
    T_AREA,
    T_CONTRAST,
    T_PEAK,
    T_SCENE_H,
    T_SCENE_W,
    T_SCENE_X,
    T_SCENE_Y,
    T_VX,
    T_VY,
    Followed,
    H,
    Point,
    Tracker,
    TrackSettings,
    W,
    X,
    Y,
)

FASTEST_M_S = 60.0
"""Nothing on the ground is believed to move faster than this."""

HEALTH_EVERY_S = 0.1
"""A quiet camera is looked at this often at most; pictures farther apart are all looked at."""

HOLD_EVERY = 4
"""Held boxes are moved on every so many pictures: they are drawn with room to spare."""

POINT_EVERY_NS = 999_000_000
"""A track's point is told once a second, less a millisecond for rounded time stamps; files take every one."""

KIND_EVERY_NS = 110_000_000
"""Kinds are weighed nine times a second: walking has its rhythm below 3 Hz."""

STANDING_EVERY_NS = 200_000_000
"""What stands is looked for five times a second: it does not run away."""

GIANT_M, FLEETEST_M_S, SKYLINE_PX = 3.0, 22.0, 6.0
"""Nobody and nothing on foot is taller, and nothing off a road faster; errors of pose put a crest no more than
so many pixels too high."""

EDGE_PX = 2.5
"""Silhouettes end so near the edge of a picture where it cuts them: what is smoothed there is not compared."""

STILL_PX = 0.75
"""What stands is put on the ground anew when it has moved by more than this: a stony scene holds hundreds of them."""

FROM_THE_START = 1_000_000
"""Numbers of what stood there from the start lie beyond this, apart from those that came later."""

WatchEvent = CameraHealth | TrackConfirmed | TrackPoint | TrackLost


class WatchSettings(Record):
    """The settings of all stages; faint movers are looked for as well where `faint` is given."""

    background: BackgroundSettings = BackgroundSettings()
    detect: DetectSettings = DetectSettings()
    track: TrackSettings = TrackSettings()
    faint: FaintSettings | None = None


class Observation(Record, eq=False):
    """What is known after one picture.

    `tracks` are the confirmed, coasting and standing ones at that moment; `written_back` are points of earlier
    pictures, known only now: those before a track was believed, and those between two sightings.
    """

    tracks: list[Track]
    written_back: list[Track]
    events: list[WatchEvent]


class _Known:
    """What is remembered of one track; kind and confidence are not worked out for every picture."""

    __slots__ = ("confidence", "confirmed_ns", "first_ns", "kind", "kind_ns", "last", "pointed_ns", "sure")

    def __init__(self, first_ns: int, confirmed_ns: int) -> None:
        self.first_ns = first_ns
        self.confirmed_ns = confirmed_ns
        self.kind: Kind = "unknown"
        self.sure = 0.0
        self.confidence = 0.0
        self.kind_ns: int | None = None
        self.pointed_ns: int | None = None
        self.last: Track | None = None


class Watcher:
    """Watches one camera: `observe` each picture in turn."""

    def __init__(
        self,
        camera_id: str,
        *,
        origin: str = "own",
        settings: WatchSettings | None = None,
        geolocator: Geolocator | None = None,
        metres_per_pixel: NDArray[np.float32] | None = None,
        masks: tuple[Mask, ...] = (),
        polarity: Polarity = "both",
        model: DetectorModel | None = None,
    ) -> None:
        s = settings or WatchSettings()
        self.camera_id = camera_id
        self.origin = origin
        self._settings = s
        self._background = Background(s.background if s.faint is None else closely_followed(s.background))
        self._detector = Detector(s.detect, polarity)
        self._tracker = Tracker(s.track)
        self._classifier = Classifier(model)
        self._grouper = Grouper()
        self._health = HealthMonitor(camera_id)
        self._faint = None if s.faint is None else FaintStage(s.faint, camera_id, origin, polarity)
        self._geolocator = geolocator
        self._limit = None if metres_per_pixel is None else _speed_limit(metres_per_pixel)
        self._masks = masks
        self._known: dict[int, _Known] = {}
        self._unlooked_s = 0.0
        self._started_ns = 0
        self._stood: list[Track] = []
        self._stood_ns = -STANDING_EVERY_NS
        self._placed: dict[int, Track] = {}
        self._time_ns: int | None = None
        self._seen: tuple[Blobs, Registration] | None = None

    def number_from(self, first: int) -> None:
        """Number tracks from here on, so that none is called as one of an earlier watch; before the first picture."""
        self._tracker.number_from(first)
        if self._faint is not None:
            self._faint.number_from(first)

    def observe(self, frame: Frame) -> Observation:
        """What is known once this picture has been seen."""
        step_s = 0.04 if self._time_ns is None else max((frame.time_ns - self._time_ns) / 1e9, 1e-3)
        if self._time_ns is None:
            self._started_ns = frame.time_ns
            self._mask(frame.counts)
        self._time_ns = frame.time_ns
        difference = self._background.update(frame.counts, step_s)
        blobs = self._detector.detect(difference)
        self._seen = blobs, difference.registration
        events: list[WatchEvent] = list(self._look_at_camera(frame, difference, blobs, step_s))
        if events and any(isinstance(event, CameraHealth) and event.kind == "overlay_masked" for event in events):
            self._mask(frame.counts)
        if difference.state == "relearned":
            self._tracker.forget()
        followed = self._tracker.update(blobs, difference, frame.time_ns, frame.index, self._limit)
        if frame.index % HOLD_EVERY == 0:
            self._hold(followed, difference)
        back: list[Track] = []
        tracks: list[Track] = []
        for each in followed:
            known = self._known.get(each.track_id) or self._meet(each, frame)
            track = self._describe(each, known, frame, difference)
            tracks.append(track)
            if each.matched:
                if each.fresh or (known.last is not None and frame.index - known.last.frame_index > 1):
                    back += self._earlier(each, track, known.last)
                known.last = track
        tracks = self._grouper.update(tracks)
        events += self._events(followed, tracks, frame)
        if self._faint is not None:
            faint, told = self._faint.update(frame, difference, step_s, tracks, self._locate)
            tracks += faint
            events += told
        if not 0 <= frame.time_ns - self._stood_ns < STANDING_EVERY_NS:
            self._stood_ns = frame.time_ns
            self._stood = [self._standing(row, frame, difference) for row in self._tracker.standing()]
            self._stood += [self._from_the_start(each, frame, difference) for each in self._background.standing.there]
            self._placed = {each.track_id: self._placed[each.track_id] for each in self._stood}
        tracks += self._stood
        return Observation(tracks=tracks, written_back=back, events=events)

    def measured(self, track_id: int) -> NDArray[np.float64] | None:
        """What a track's kind is weighed by just now, in the order of `kind_weights.VALUES`; None without metres."""
        return self._classifier.measured(track_id)

    def detections(self) -> NDArray[np.float64]:
        """What was detected in the last picture, before anything is believed: (N, 5) x, y, w, h in pixels, peak SNR."""
        if self._seen is None:
            return np.zeros((0, 5))
        blobs, moved = self._seen
        found: NDArray[np.float64] = blobs.rows[:, [X0, Y0, X1, Y1, BLOB_PEAK]].astype(np.float64)
        found[:, 2:4] -= found[:, :2]
        found[:, :2] += (moved.shift_x_px, moved.shift_y_px)
        return found

    def _mask(self, counts: Counts) -> None:
        """Leave the masked rectangles, and the burned-in overlay where one was found, out of all that follows."""
        overlay = self._health.overlay
        if not self._masks and overlay is None:
            return
        use = np.ones(counts.shape, np.uint8)
        if overlay is not None:
            use[overlay] = 0
        for mask in self._masks:
            use[mask.y_px : mask.y_px + mask.h_px, mask.x_px : mask.x_px + mask.w_px] = 0
        self._background.exclude(use)
        if self._faint is not None:
            self._faint.watch.exclude(use)

    def _look_at_camera(self, frame: Frame, difference: Difference, blobs: Blobs, step_s: float) -> list[CameraHealth]:
        """The camera's health, looked at in every other picture of a fast stream unless something just changed."""
        self._unlooked_s += step_s
        found = difference.registration
        quiet = difference.trusted and abs(found.gain - 1.0) < 0.01 and abs(found.offset) < 1.0
        if quiet and self._unlooked_s < HEALTH_EVERY_S:
            return self._health.glance(frame, step_s)
        since_s, self._unlooked_s = self._unlooked_s, 0.0
        return self._health.update(frame, difference, blobs, since_s)

    def _hold(self, followed: list[Followed], difference: Difference) -> None:
        """Keep what is being followed from being learnt as scene."""
        origin_x, origin_y = difference.origin
        boxes = []
        for each in followed:
            told = each.told
            x, y = told[T_SCENE_X] - origin_x, told[T_SCENE_Y] - origin_y
            half_w, half_h = told[T_SCENE_W] / 2 + 4, told[T_SCENE_H] / 2 + 4
            boxes.append((int(x - half_w), int(y - half_h), math.ceil(x + half_w), math.ceil(y + half_h)))
        self._background.hold_boxes(boxes)

    def _meet(self, each: Followed, frame: Frame) -> _Known:
        """What is remembered of a track from now on, which has just been believed."""
        first = self._tracker.points(each, before=True)[0]
        known = self._known[each.track_id] = _Known(first.time_ns, frame.time_ns)
        return known

    def _describe(self, each: Followed, known: _Known, frame: Frame, difference: Difference) -> Track:
        told, matched, time_ns = each.told, each.matched, frame.time_ns
        due = known.kind_ns is None or (matched and not 0 <= time_ns - known.kind_ns < KIND_EVERY_NS)
        confidence = self._tracker.confidence(each) if due else known.confidence
        track = Track(
            track_id=each.track_id,
            camera_id=self.camera_id,
            origin=self.origin,
            time_ns=time_ns,
            frame_index=frame.index,
            status="confirmed" if matched else "coasting",
            box=self._tracker.box(each) if matched else _box_of(each.row, difference),
            velocity_x_px_s=told[T_VX],
            velocity_y_px_s=told[T_VY],
            contrast_counts=told[T_CONTRAST],
            snr=told[T_PEAK],
            kind=known.kind,
            kind_confidence=0.0 if due else known.sure,
            confidence=confidence,
            first_ns=known.first_ns,
            confirmed_ns=known.confirmed_ns,
        )
        track = self._locate(track)
        if not (matched and due):
            return track
        known.kind, known.sure = self._classify(each, track, frame, difference)
        known.kind_ns, known.confidence = time_ns, confidence
        return msgspec.structs.replace(track, kind=known.kind, kind_confidence=known.sure)

    def _locate(self, track: Track) -> Track:
        """The track with its place on the ground, where the camera's pose is known."""
        geo = self._geolocator
        if geo is None:
            return track
        foot, sigma = track.box.foot_px, _foot_sigma(track.box)
        bearing = geo.bearing(foot, sigma, track.time_ns)
        ground = geo.locate(foot, sigma, (track.velocity_x_px_s, track.velocity_y_px_s))
        size = None if ground is None else geo.size(_silhouette(track.box), ground)
        return msgspec.structs.replace(track, bearing=bearing, ground=ground, size=size)

    def _classify(self, each: Followed, track: Track, frame: Frame, difference: Difference) -> tuple[Kind, float]:
        ground = track.ground
        speed = None if ground is None else math.hypot(ground.velocity_east_m_s, ground.velocity_north_m_s)
        scale = None if track.size is None else track.size.height_m / max(track.box.h_px, 1e-6)
        straight, change = self._tracker.motion(each)
        sight = Sight(
            time_s=frame.time_ns / 1e9,
            box=track.box,
            area_px=int(each.told[T_AREA]),
            contrast_counts=track.contrast_counts,
            snr=track.snr,
            velocity_x_px_s=track.velocity_x_px_s,
            velocity_y_px_s=track.velocity_y_px_s,
            metres_per_pixel=scale,
            speed_m_s=speed,
            size=track.size,
            above_horizon=self._above_horizon(track),
            straightness=straight,
            size_change=change,
            silhouette=None if ground is None else silhouette(difference, track.box),
            cut=_is_cut(track.box, frame.counts.shape, difference.registration),
        )
        side_by_side = None if track.size is None else abreast(difference, track.box)
        if side_by_side is not None:
            self._grouper.count_parts(track, side_by_side.parts, side_by_side.covered_px)
        if self._classifier.wants_look(track.track_id, sight.time_s):
            self._classifier.look(track.track_id, _crop(frame.counts, track.box), sight.time_s)
        return self._classifier.update(track.track_id, sight)

    def _above_horizon(self, track: Track) -> bool | None:
        """Whether a track is seen against the sky; None without a pose, and where that cannot be told.

        Where the elevation data end there may be ground farther on; but what would be a giant there is nearer than that
        and in the air, and so is what would be faster out there than anything that drives, unless its feet are only
        just above ground that is known.
        """
        geo = self._geolocator
        if geo is None or track.ground is not None:
            return None if geo is None else False
        x, y = track.box.foot_px
        if geo.view.to_ground(x, y) == "sky":
            return True
        a_pixel_m = geo.view.reach_m / geo.view.optics.focal_y_px
        farther_m = a_pixel_m * _silhouette(track.box).h_px
        farther_m_s = a_pixel_m * math.hypot(track.velocity_x_px_s, track.velocity_y_px_s)
        just_above = not isinstance(geo.view.to_ground(x, y + max(SKYLINE_PX, 0.5 * track.box.h_px)), str)
        return True if (farther_m > GIANT_M or farther_m_s > FLEETEST_M_S) and not just_above else None

    def _earlier(self, each: Followed, track: Track, before: Track | None) -> list[Track]:
        """Points of this track in earlier pictures, after it was seen `before`, that no one could have known then."""
        points = self._tracker.points(each, before=True)[:-1] if each.fresh else []
        if before is not None and (points or track.frame_index - before.frame_index > 1):
            points = [point for point in points if point.frame_index > before.frame_index]
            first = points[0] if points else _as_point(track)
            points = _between(before, first, self._settings.track.fill_s) + points
        return [
            msgspec.structs.replace(
                track,
                time_ns=point.time_ns,
                frame_index=point.frame_index,
                box=point.box,
                contrast_counts=point.contrast_counts,
                snr=point.snr,
            )
            for point in points
        ]

    def _events(self, followed: list[Followed], tracks: list[Track], frame: Frame) -> list[WatchEvent]:
        time_ns = frame.time_ns
        events: list[WatchEvent] = []
        for each, track in zip(followed, tracks, strict=True):
            known = self._known[each.track_id]
            if each.fresh and known.confirmed_ns == time_ns:
                events.append(TrackConfirmed(time_ns=time_ns, track=track))
            elif each.matched and (known.pointed_ns is None or not 0 <= time_ns - known.pointed_ns < POINT_EVERY_NS):
                known.pointed_ns = time_ns
                events.append(TrackPoint(time_ns=time_ns, track=track))
        return events + [self._end(track_id, time_ns, "not seen any more") for track_id in self._tracker.ended]

    def finish(self, time_ns: int) -> list[WatchEvent]:
        """What is left to say when no picture will come any more."""
        seen = sorted(number for number, known in self._known.items() if known.last is not None)
        events: list[WatchEvent] = [self._end(track_id, time_ns, "the watch ended") for track_id in seen]
        return events if self._faint is None else [*events, *self._faint.finish(time_ns)]

    def _end(self, track_id: int, time_ns: int, reason: str) -> TrackLost:
        known = self._known.pop(track_id, None)
        self._classifier.forget(track_id)
        kind: Kind = "unknown" if known is None or known.last is None else known.last.kind
        return TrackLost(time_ns=time_ns, camera_id=self.camera_id, track_id=track_id, kind=kind, reason=reason)

    def _standing(self, row: NDArray[np.float64], frame: Frame, difference: Difference) -> Track:
        """Something that came and has stood in one place since."""
        since_ns = frame.time_ns - round(float(row[FRAMES]) * 1e9 * self._tracker.step_s)
        box = _box_of(row, difference)
        return self._still(-int(row[ID]), box, (float(row[CONTRAST]), float(row[PEAK])), since_ns, frame)

    def _from_the_start(self, stood: Stood, frame: Frame, difference: Difference) -> Track:
        """Something that stood there in the first picture already."""
        snr = abs(stood.contrast) / self._background.noise
        number = -FROM_THE_START - stood.number
        box = _stood_box(stood, difference)
        return self._still(number, box, (stood.contrast, snr), self._started_ns, frame)

    def _still(self, number: int, box: Box, strength: tuple[float, float], since_ns: int, frame: Frame) -> Track:
        """A standing track; its number is negative, as no mover's is."""
        track = Track(
            track_id=number,
            camera_id=self.camera_id,
            origin=self.origin,
            time_ns=frame.time_ns,
            frame_index=frame.index,
            status="standing",
            box=box,
            velocity_x_px_s=0.0,
            velocity_y_px_s=0.0,
            contrast_counts=strength[0],
            snr=strength[1],
            kind="unknown",
            kind_confidence=0.0,
            confidence=0.0,
            first_ns=since_ns,
        )
        before = self._placed.get(number)
        if before is None or math.dist(before.box.foot_px, box.foot_px) > STILL_PX:
            before = self._placed[number] = self._locate(track)
        return msgspec.structs.replace(track, bearing=before.bearing, ground=before.ground, size=before.size)


def _stood_box(stood: Stood, difference: Difference) -> Box:
    """Where something that stood there from the start is in the picture."""
    shift, (origin_x, origin_y) = difference.registration, difference.origin
    x0, y0, x1, y1 = stood.box
    return Box(
        x_px=x0 - origin_x + float(shift.shift_x_px),
        y_px=y0 - origin_y + float(shift.shift_y_px),
        w_px=float(x1 - x0),
        h_px=float(y1 - y0),
    )


def _speed_limit(metres_per_pixel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pixels a second at `FASTEST_M_S` for each pixel (H, W), 0 where there is no ground."""
    known = np.isfinite(metres_per_pixel) & (metres_per_pixel > 0)
    return np.where(known, FASTEST_M_S / np.where(known, metres_per_pixel, 1), 0).astype(np.float32)


def _box_of(row: NDArray[np.float64], difference: Difference) -> Box:
    shift, (origin_x, origin_y) = difference.registration, difference.origin
    return Box(
        x_px=float(row[X] - row[W] / 2 - origin_x + shift.shift_x_px),
        y_px=float(row[Y] - row[H] / 2 - origin_y + shift.shift_y_px),
        w_px=float(row[W]),
        h_px=float(row[H]),
    )


def _is_cut(box: Box, shape: tuple[int, ...], moved: Registration) -> bool:
    """Whether a box reaches what is compared with the scene last at an edge of the picture, and may go on beyond it."""
    across, down = EDGE_PX + abs(float(moved.shift_x_px)), EDGE_PX + abs(float(moved.shift_y_px))
    beyond_x = box.x_px < across or box.x_px + box.w_px > shape[1] - across
    return beyond_x or box.y_px < down or box.y_px + box.h_px > shape[0] - down


def _foot_sigma(box: Box) -> tuple[float, float]:
    """How well the foot of a box is known: half a pixel, and a tenth of the box for its limbs and its blur."""
    return math.hypot(0.5, 0.1 * box.w_px), math.hypot(0.7, 0.07 * box.h_px)


def _silhouette(box: Box) -> Box:
    """The box less half a pixel on each side: its outer pixels are on average only half covered by the object."""
    trim_x, trim_y = min(0.5, 0.15 * box.w_px), min(0.5, 0.15 * box.h_px)
    return Box(x_px=box.x_px + trim_x, y_px=box.y_px + trim_y, w_px=box.w_px - 2 * trim_x, h_px=box.h_px - 2 * trim_y)


def _crop(counts: Counts, box: Box) -> Counts:
    """A square cut around a box, a quarter larger, kept within the picture."""
    side = math.ceil(1.25 * max(box.w_px, box.h_px, 12.0))
    x, y = box.centre_px
    left = int(min(max(x - side / 2, 0), max(counts.shape[1] - side, 0)))
    top = int(min(max(y - side / 2, 0), max(counts.shape[0] - side, 0)))
    return counts[top : top + side, left : left + side]


def _as_point(track: Track) -> Point:
    return Point(
        frame_index=track.frame_index,
        time_ns=track.time_ns,
        box=track.box,
        contrast_counts=track.contrast_counts,
        snr=track.snr,
        online=True,
    )


def _between(before: Track, after: Point, longest_s: float) -> list[Point]:
    """Points on the straight way between two sightings, one for each picture missed; none across a long gap."""
    missed = after.frame_index - before.frame_index
    if missed <= 1 or after.time_ns - before.time_ns > longest_s * 1e9:
        return []
    filled = []
    for k in range(1, missed):
        share = k / missed
        old, new = before.box, after.box
        box = Box(
            x_px=old.x_px + share * (new.x_px - old.x_px),
            y_px=old.y_px + share * (new.y_px - old.y_px),
            w_px=old.w_px + share * (new.w_px - old.w_px),
            h_px=old.h_px + share * (new.h_px - old.h_px),
        )
        point = msgspec.structs.replace(
            after,
            frame_index=before.frame_index + k,
            time_ns=round(before.time_ns + share * (after.time_ns - before.time_ns)),
            box=box,
            online=False,
        )
        filled.append(point)
    return filled

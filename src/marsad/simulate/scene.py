"""A scene as one thermal camera sees it: pictures, and the truth that goes with each."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, cast

import cv2
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.detection import Box
from marsad.kernel.event import SourceEvent, StreamEnded
from marsad.kernel.frame import Frame
from marsad.kernel.port import SourceInfo
from marsad.kernel.record import Record, read_only
from marsad.simulate.actor import Actor, Placement, Waypoint, body, place
from marsad.simulate.camera import Imager, Mast, Sensor
from marsad.simulate.radiometry import GroundPattern, Kelvin, Night, background, through_air
from marsad.simulate.truth import ActorTruth

Array = NDArray[np.float64]

_FINE = 8
"""Sub-pixels across a pixel in which limbs are painted."""
_FRACTION_BITS = 4
_CAPTION_AT = (6, 14)
_MARGIN_PX = 4
_GROWN = 0.2
"""How many sub-pixels half the width of OpenCV's lines of even thickness is more than asked for, by their area."""
_GIVE_M = 3.0
"""Ground may stand so much nearer than an actor, in the cells it stands on, without hiding it."""


class Scenario(Record):
    """A scene to be played at a site: how long, under which sky, through which camera, and who is in it.

    `caption` is burned into the top left corner of every picture, as many cameras do with their name and clock.
    """

    name: Annotated[str, Meta(min_length=1)]
    seconds: Annotated[float, Meta(gt=0)]
    start: datetime
    seed: int = 0
    caption: str = ""
    night: Night = Night()
    imager: Imager = Imager()
    actors: tuple[Actor, ...] = ()
    shrubs: Annotated[int, Meta(ge=0)] = 0
    boulders: Annotated[int, Meta(ge=0)] = 0


class _Outline(NamedTuple):
    """An actor projected: joints in pixels, radii in pixels, and how warm each limb is."""

    start_px: Array
    end_px: Array
    radius_px: Array
    kelvin: Kelvin


class _Projected(NamedTuple):
    """An actor as the camera would see it if nothing stood before it."""

    outline: _Outline
    foot_px: tuple[float, float]
    height_px: float
    range_m: float


class Scene:
    """One camera's view of a scenario; pictures are rendered in order, each with the truth of every actor in it."""

    def __init__(self, view: CameraView, scenario: Scenario, rng: np.random.Generator) -> None:
        self.view = view
        self.scenario = scenario
        self.imager = scenario.imager
        lookup = view.lookup()
        empty = background(view, lookup, scenario.night, GroundPattern(rng))
        self._range_m = np.where(lookup.status == 0, lookup.range_m, np.inf).astype(np.float32)
        self._step_m = _row_steps(self._range_m)
        canvas = cast("Kelvin", cv2.GaussianBlur(empty, (0, 0), self.imager.blur_px))
        for thing, where in self._far_first(_cover(scenario, lookup, rng)):
            self._add(canvas, thing, where, (0.0, 0.0), 0, 0)
        self.background_k: Kelvin = read_only(canvas)
        self._mast = Mast(self.imager, rng)
        self._sensor = Sensor(self.imager, view.lens.width_px, view.lens.height_px, rng)

    @property
    def frames(self) -> int:
        """How many pictures the scenario has."""
        return math.ceil(self.scenario.seconds * self.imager.fps)

    def render(self, index: int, time_ns: int) -> tuple[NDArray[np.uint8], list[ActorTruth]]:
        """The picture of one moment, (H, W) uint8, and what is really there."""
        kelvin, truths = self.radiance(index, time_ns)
        counts = self._sensor.expose(kelvin, index)
        if self.scenario.caption:
            cv2.putText(counts, self.scenario.caption, _CAPTION_AT, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1, cv2.LINE_AA)
        return counts, truths

    def radiance(self, index: int, time_ns: int) -> tuple[Kelvin, list[ActorTruth]]:
        """The apparent temperatures behind the lens at one moment, without noise and gain, and what is there."""
        seconds = index / self.imager.fps
        sway = self._mast.shift_px(seconds)
        moved = np.array([[1, 0, sway[0]], [0, 1, sway[1]]])
        height, width = self.background_k.shape
        warped = cv2.warpAffine(
            self.background_k, moved, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        kelvin = cast("Kelvin", warped)
        present = [(actor, where) for actor in self.scenario.actors if (where := place(actor, seconds)) is not None]
        truths = [self._add(kelvin, actor, where, sway, index, time_ns) for actor, where in self._far_first(present)]
        return kelvin, sorted((truth for truth in truths if truth is not None), key=lambda truth: truth.actor_id)

    def _far_first(self, present: list[tuple[Actor, Placement]]) -> list[tuple[Actor, Placement]]:
        east, north, _ = self.view.origin
        return sorted(present, key=lambda each: -math.hypot(each[1].east_m - east, each[1].north_m - north))

    def _add(
        self, kelvin: Kelvin, actor: Actor, where: Placement, sway: tuple[float, float], index: int, time_ns: int
    ) -> ActorTruth | None:
        """Paint an actor into the picture; what is true of it, or None where it is outside the ground or picture."""
        up = float(self.view.surface.up_m(where.east_m, where.north_m))
        if math.isnan(up):
            return None
        seen = self._project(actor, where, np.array([where.east_m, where.north_m, up]), sway)
        if seen is None:
            return None
        box = _box(seen.outline)
        painted = self._paint(kelvin, seen.outline, box, sway, seen.range_m)
        if painted is None:
            return None
        return ActorTruth(
            frame_index=index,
            time_ns=time_ns,
            actor_id=actor.actor_id,
            kind=actor.kind,
            box=box,
            foot_px=seen.foot_px,
            east_m=where.east_m,
            north_m=where.north_m,
            up_m=up,
            position=self.view.surface.frame.position(where.east_m, where.north_m, up),
            range_m=seen.range_m,
            visible=painted[0],
            height_px=seen.height_px,
            contrast_k=painted[1],
        )

    def _project(self, actor: Actor, where: Placement, point: Array, sway: tuple[float, float]) -> _Projected | None:
        """Where an actor appears; None behind the camera."""
        limbs = body(actor, where.stride_rad)
        sine, cosine = math.sin(where.heading_rad), math.cos(where.heading_rad)
        # Rows: forward, right and up of the body in east, north and up.
        turn = np.array([[sine, cosine, 0.0], [cosine, -sine, 0.0], [0.0, 0.0, 1.0]])
        joints = [(0.0, 0.0, 0.0), (0.0, 0.0, actor.height_m), *(end for limb in limbs for end in limb[:2])]
        x, y, distance = self.view.project(*(np.array(joints) @ turn + point).T)
        pixels = np.stack([x, y], axis=1) + sway
        if not np.isfinite(pixels).all():
            return None
        focal = self.view.optics.focal_x_px
        radius = np.array([limb.radius_m for limb in limbs]) * focal / distance[2::2]
        night = self.scenario.night
        own = np.array([night.air_k + (5.5 if actor.warmth_k is None else actor.warmth_k) + limb.warmer_k for limb in limbs], np.float32)
        return _Projected(
            outline=_Outline(pixels[2::2], pixels[3::2], radius, through_air(own, float(distance[0]), night)),
            foot_px=(float(pixels[0, 0]), float(pixels[0, 1])),
            height_px=float(pixels[0, 1] - pixels[1, 1]),
            range_m=float(distance[0]),
        )

    def _paint(
        self, kelvin: Kelvin, outline: _Outline, box: Box, sway: tuple[float, float], range_m: float
    ) -> tuple[float, float] | None:
        """Paint into the picture; the visible share and the mean contrast in kelvin, None where all is outside."""
        left, top = math.floor(box.x_px) - _MARGIN_PX, math.floor(box.y_px) - _MARGIN_PX
        right = math.ceil(box.x_px + box.w_px) + _MARGIN_PX
        bottom = math.ceil(box.y_px + box.h_px) + _MARGIN_PX
        height, width = kelvin.shape
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if x0 >= x1 or y0 >= y1:
            return None
        share, warmth = _silhouette(outline, left, top, right - left, bottom - top)
        whole = float(share.sum())
        inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        clear = self._clear(x0, y0, x1, y1, sway, range_m)
        share[inside] *= clear
        warmth[inside] *= clear
        visible = float(share[inside].sum()) / max(whole, 1e-9)
        scene = kelvin[y0:y1, x0:x1]
        contrast = float((warmth[inside] - share[inside] * scene).sum()) / max(float(share[inside].sum()), 1e-9)
        blur = self.imager.blur_px
        share, warmth = (cast("Kelvin", cv2.GaussianBlur(each, (0, 0), blur)) for each in (share, warmth))
        scene += warmth[inside] - share[inside] * scene
        return visible, contrast

    def _clear(
        self, x0: int, y0: int, x1: int, y1: int, sway: tuple[float, float], range_m: float
    ) -> NDArray[np.float32]:
        """1 where no ground stands before something so far away, 0 where it does."""
        height, width = self._range_m.shape
        rows = np.clip(np.arange(y0, y1) - round(sway[1]), 0, height - 1)
        columns = np.clip(np.arange(x0, x1) - round(sway[0]), 0, width - 1)
        at = np.ix_(rows, columns)
        return (self._range_m[at] > range_m - _GIVE_M - 2 * self._step_m[at]).astype(np.float32)


def _cover(scenario: Scenario, lookup: GroundLookup, rng: np.random.Generator) -> list[tuple[Actor, Placement]]:
    """Shrubs and boulders strewn evenly over the ground that is seen, most of them small."""
    area = np.where(lookup.status == 0, lookup.metres_per_pixel**2 / np.sin(np.maximum(lookup.grazing_rad, 0.01)), 0)
    chance = np.nan_to_num(area).ravel().astype(float)
    count = scenario.shrubs + scenario.boulders
    if count == 0 or chance.sum() == 0:
        return []
    pixels = rng.choice(chance.size, count, p=chance / chance.sum())
    sizes = 0.22 * rng.lognormal(0.6, 0.35, count)
    things = []
    for i, (pixel, height_m) in enumerate(zip(pixels.tolist(), sizes.tolist(), strict=True)):
        at = Waypoint(east_m=float(lookup.east_m.flat[pixel]), north_m=float(lookup.north_m.flat[pixel]))
        shrub = i < scenario.shrubs
        thing = Actor(
            actor_id=-1 - i,
            kind="vegetation" if shrub else "boulder",
            route=(at,),
            height_m=height_m if shrub else 0.7 * height_m,
            warmth_k=float(rng.normal(-0.2, 0.6) if shrub else rng.normal(1.2, 0.8)),
        )
        turn, sway = rng.uniform(0, 2 * math.pi, 2).tolist()
        things.append((thing, Placement(at.east_m, at.north_m, turn, sway)))
    return things


def _row_steps(range_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much farther the ground is one row higher, at most 20 m: more is a ridge, behind which things hide."""
    with np.errstate(invalid="ignore"):
        step = np.abs(np.diff(range_m, axis=0, append=range_m[-1:]))
    return np.where(step < 20, step, 0).astype(np.float32)


def _box(outline: _Outline) -> Box:
    """The rectangle around an outline."""
    ends = np.concatenate([outline.start_px, outline.end_px])
    radius = np.concatenate([outline.radius_px, outline.radius_px])[:, None]
    low, high = (ends - radius).min(axis=0), (ends + radius).max(axis=0)
    return Box(x_px=float(low[0]), y_px=float(low[1]), w_px=float(high[0] - low[0]), h_px=float(high[1] - low[1]))


def _silhouette(outline: _Outline, left: int, top: int, width: int, height: int) -> tuple[Kelvin, Kelvin]:
    """The share of each pixel that an outline covers, and that share times its temperature."""
    fine = np.zeros((height * _FINE, width * _FINE), np.float32)
    scale = _FINE * (1 << _FRACTION_BITS)
    # A sub-pixel's centre is a whole number to OpenCV, half a sub-pixel in from its edge.
    half = (1 << _FRACTION_BITS) / 2
    corner = np.array([left, top])
    starts, ends = (
        np.round((each - corner) * scale - half).astype(int).tolist() for each in (outline.start_px, outline.end_px)
    )
    thick = (2 * np.maximum(np.round(_FINE * outline.radius_px - _GROWN), 1)).astype(int).tolist()
    for start, end, thickness, kelvin in zip(starts, ends, thick, outline.kelvin.tolist(), strict=True):
        cv2.line(fine, start, end, kelvin, thickness, cv2.LINE_8, _FRACTION_BITS)
    size = (width, height)
    covered = cv2.threshold(fine, 1.0, 1.0, cv2.THRESH_BINARY)[1]
    share, warmth = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (covered, fine))
    return cast("Kelvin", share), cast("Kelvin", warmth)


class SceneSource:
    """A scene as a source of pictures, like any camera; `witness` is told the truth of each picture as it leaves."""

    def __init__(
        self, camera_id: str, scene: Scene, started_ns: int, witness: Callable[[Sequence[ActorTruth]], None]
    ) -> None:
        self.camera_id = camera_id
        self._scene = scene
        self._witness = witness
        self._open = True
        lens = scene.view.lens
        self.info = SourceInfo(
            width_px=lens.width_px,
            height_px=lens.height_px,
            bits=8,
            fps=scene.imager.fps,
            frames=scene.frames,
            started_ns=started_ns,
        )

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures and the end."""
        time_ns, shown = self.info.started_ns, 0
        for index in range(self._scene.frames):
            if not self._open:
                break
            time_ns = self.info.started_ns + round(index * 1e9 / self.info.fps)
            counts, truths = self._scene.render(index, time_ns)
            self._witness(truths)
            shown += 1
            yield Frame(camera_id=self.camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        yield StreamEnded(time_ns=time_ns, camera_id=self.camera_id, frames=shown)

    def close(self) -> None:
        """Stop after the picture under way; safe to call twice."""
        self._open = False

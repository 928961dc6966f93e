"""A scene as one thermal camera sees it: pictures, and the truth that goes with each."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.event import SourceEvent, StreamEnded
from marsad.kernel.frame import Frame
from marsad.kernel.port import SourceInfo
from marsad.simulate.actor import Actor
from marsad.simulate.backdrop import backdrop
from marsad.simulate.camera import (
    Blinded,
    Covered,
    Defocused,
    Fault,
    FaultRecord,
    FlatField,
    Frozen,
    GainJump,
    Knocked,
    Looped,
    Moved,
    falls_on,
)
from marsad.simulate.cast import Cast
from marsad.simulate.effect import NearThing
from marsad.simulate.mount import Mount
from marsad.simulate.outlook import Moment, Outlook, truths, turned, widened
from marsad.simulate.paint import FACTS
from marsad.simulate.party import expand
from marsad.simulate.passing import Effects
from marsad.simulate.radiometry import ambient
from marsad.simulate.scenario import Scenario
from marsad.simulate.sensor import NO_JUMP, Counts, Jump, Sensor
from marsad.simulate.sway import SPARE_PX
from marsad.simulate.truth import ActorTruth

Kelvin = NDArray[np.float32]
F = TypeVar("F", bound=FaultRecord)

_PARTIES, _WORLD, _PASSING = 1, 2, 7
"""Streams of random numbers that all cameras of a scenario share."""
_CAPTION_AT = (6, 14)
_LEAST_MARGIN_PX = 8
_MOST_MARGIN_PX = 96
_COVER_RIPPLE_K = 0.1


def all_actors(scenario: Scenario) -> tuple[Actor, ...]:
    """Every actor of a scenario, the members of its parties after those that stand alone."""
    first_id = max((actor.actor_id for actor in scenario.actors), default=0) + 1
    rng = np.random.default_rng([scenario.seed, _PARTIES])
    return (*scenario.actors, *expand(scenario.parties, first_id, rng))


class Scene:
    """One camera's view of a scenario; pictures are rendered in order, each with the truth of every actor in it.

    `rng` is for what is the camera's own: its mount, noise and patterns. The world is the scenario's: every camera sees
    the same. `near` is what effects showed in the last picture, `live` whether it showed its own moment.

    Raises: InputError where the mount would shake the picture by more than can be drawn.
    """

    def __init__(self, view: CameraView, scenario: Scenario, rng: np.random.Generator, camera_id: str = "") -> None:
        self.view = view
        self.scenario = scenario
        self.camera_id = camera_id
        self.imager = scenario.imager_of(camera_id)
        self.faults: tuple[Fault, ...] = tuple(fault for fault in scenario.faults if fault.camera in {"", camera_id})
        self.actors = all_actors(scenario)
        self.near: list[NearThing] = []
        self.live = True
        mount_rng, sensor_rng, self._passing_rng = rng.spawn(3)
        lens, wind_m_s = view.lens, scenario.weather.wind_m_s
        blows = [fault for fault in self.faults if isinstance(fault, Knocked)]
        self._mount = Mount(self.imager, wind_m_s, lens.width_px, mount_rng, blows)
        self._margin = _margin(self._mount.reach_px)
        self._sensor = Sensor(self.imager, lens.width_px, lens.height_px, sensor_rng)
        origin = view.surface.frame.origin
        around = ambient(scenario.weather, scenario.start, origin.latitude_deg, origin.longitude_deg)
        self._cast = Cast(self.actors, view.surface.up_m, around)
        self._outlooks: dict[tuple[Moved | None, Defocused | None], Outlook] = {}
        self._passing: dict[Moved | None, Effects] = {}
        self._last: Counts | None = None
        self._tapes: dict[Looped, list[Counts]] = {fault: [] for fault in self.faults if isinstance(fault, Looped)}
        self._outlook(None, None)

    @property
    def frames(self) -> int:
        """How many pictures the scenario has."""
        return math.ceil(self.scenario.seconds * self.imager.fps)

    @property
    def background_k(self) -> Kelvin:
        """The empty scene behind the lens while nothing moves, (H, W) float32 kelvin."""
        return self._outlook(None, None).background_k

    def render(self, index: int, time_ns: int) -> tuple[Counts, list[ActorTruth]]:
        """The picture of one moment, (H, W) uint8 or uint16, and what is really there."""
        time_s = index / self.imager.fps
        kelvin, seen = self.radiance(index, time_ns)
        counts, self.live = self._expose(kelvin, time_s)
        self._last = counts
        self._record(counts, time_s)
        if not self.live or self._on(Covered, time_s):
            seen = [_unseen(truth) for truth in seen]
            self.near = []
        return counts, seen

    def radiance(self, index: int, time_ns: int) -> tuple[Kelvin, list[ActorTruth]]:
        """The apparent temperatures behind the lens at one moment, without noise and gain, and what is there."""
        time_s = index / self.imager.fps
        shift = self._mount.shift(time_s)
        moved = self._on(Moved, time_s)
        outlook = self._outlook(moved, self._on(Defocused, time_s))
        kelvin = outlook.empty(shift)
        present = self._cast.at(time_s)
        facts = outlook.put(kelvin, present, shift) if present else np.empty((0, FACTS))
        passing = self._passing[moved]
        self.near = passing.apply(kelvin, time_s, (shift.right_px, shift.down_px))
        self._flood(kelvin, time_s)
        lens, sensor = self.view.lens, self._sensor
        moment = Moment(index, time_ns, lens.width_px, lens.height_px, sensor.noise_k, sensor.pattern_k)
        return kelvin, truths(present, facts, moment, passing.through)

    def _expose(self, kelvin: Kelvin, time_s: float) -> tuple[Counts, bool]:
        """The counts that leave the camera, and whether they show this moment."""
        asked = any(isinstance(fault, FlatField) and self._begins(fault, time_s) for fault in self.faults)
        correcting = self._sensor.correcting(time_s, asked=asked)
        looped = self._on(Looped, time_s)
        if looped is not None and self._tapes[looped]:
            tape = self._tapes[looped]
            return tape[(round((time_s - looped.start_s) * self.imager.fps)) % len(tape)], False
        if self._last is not None and (correcting or self._on(Frozen, time_s) is not None):
            return self._last, False
        jump = self._on(GainJump, time_s)
        counts = self._sensor.expose(kelvin, time_s, NO_JUMP if jump is None else Jump(jump.factor, jump.offset_counts))
        if self.scenario.caption:
            full = int(np.iinfo(counts.dtype).max)
            cv2.putText(counts, self.scenario.caption, _CAPTION_AT, cv2.FONT_HERSHEY_SIMPLEX, 0.4, full, 1, cv2.LINE_AA)
        return counts, True

    def _record(self, counts: Counts, time_s: float) -> None:
        """Keep what a loop will play back."""
        for fault, tape in self._tapes.items():
            if fault.start_s - fault.period_s <= time_s < fault.start_s:
                tape.append(counts)

    def _flood(self, kelvin: Kelvin, time_s: float) -> None:
        """Cover or blind the lens."""
        covered, blinded = self._on(Covered, time_s), self._on(Blinded, time_s)
        height, width = kelvin.shape
        if covered is not None:
            # What lies on the lens is far out of focus: only a slow ripple is left of it.
            ripple = np.sin(np.linspace(0, 2.2, height, dtype=np.float32))[:, None]
            kelvin[:] = np.float32(self._air_k() + covered.warmer_k) + np.float32(_COVER_RIPPLE_K) * ripple
        if blinded is not None:
            x_px = width / 2 if blinded.x_px is None else blinded.x_px
            y_px = height / 2 if blinded.y_px is None else blinded.y_px
            down = np.exp(-np.square((np.arange(height) + 0.5 - y_px) / blinded.sigma_px) / 2)
            across = np.exp(-np.square((np.arange(width) + 0.5 - x_px) / blinded.sigma_px) / 2)
            kelvin += (blinded.kelvin * np.outer(down, across)).astype(np.float32)

    def _air_k(self) -> float:
        return self._outlook(None, None).backdrop.air.kelvin

    def _on(self, kind: type[F], time_s: float) -> F | None:
        """The first fault of a kind that is on at a moment."""
        return next((f for f in self.faults if isinstance(f, kind) and falls_on(f, self.camera_id, time_s)), None)

    def _begins(self, fault: Fault, time_s: float) -> bool:
        return fault.start_s <= time_s < fault.start_s + 1 / self.imager.fps

    def _outlook(self, moved: Moved | None, blurred: Defocused | None) -> Outlook:
        """What is seen with the camera turned and its lens turned out of focus, worked out when first needed."""
        key = moved, blurred
        if key not in self._outlooks:
            self._outlooks[key] = self._look(moved, blurred)
        return self._outlooks[key]

    def _look(self, moved: Moved | None, blurred: Defocused | None) -> Outlook:
        blur_px = math.hypot(self.imager.blur_px, 0.0 if blurred is None else blurred.sigma_px)
        view = self.view if moved is None else turned(self.view, moved.azimuth_deg, moved.elevation_deg, moved.roll_deg)
        if (moved, None) in self._outlooks:
            return Outlook(view, self._outlooks[moved, None].backdrop, self._margin, blur_px)
        wide = widened(view, self._margin)
        scenario = self.scenario
        world = np.random.default_rng([scenario.seed, _WORLD])
        empty = backdrop(wide, wide.lookup(), scenario.weather, scenario.start, scenario.features, world)
        self._passing[moved] = Effects(
            scenario.effects, view, empty, self.imager.fps, copy.deepcopy(self._passing_rng),
            world=np.random.default_rng([scenario.seed, _PASSING]), camera_id=self.camera_id,
        )  # fmt: skip
        return Outlook(view, empty, self._margin, blur_px)


def _margin(reach_px: float) -> int:
    """How many pixels more are drawn on every side than the picture has."""
    margin = max(math.ceil(reach_px) + SPARE_PX + 5, _LEAST_MARGIN_PX)
    if margin > _MOST_MARGIN_PX:
        raise InputError(
            f"the mount shakes the picture by up to {reach_px:.0f} px, and {_MOST_MARGIN_PX - SPARE_PX - 5} px can be "
            "drawn: lower imager.sway_px (which grows with the square of weather.wind_m_s) or the px of a knock"
        )
    return margin


def _unseen(truth: ActorTruth) -> ActorTruth:
    """The truth of an actor whom the picture does not show."""
    return msgspec.structs.replace(truth, visible=0.0, contrast_k=0.0, snr=0.0, snr_noise=0.0)


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
            bits=16 if scene.imager.gain == "raw16" else 8,
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

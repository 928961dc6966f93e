"""What passes over a camera's pictures, played: every effect knows at each moment what it does to the picture.

What is spread over the picture is worked out on a coarse lattice and drawn finely, so that a picture costs a fraction
of a millisecond; nothing is spent where nothing passes.

Sources: the blur of what flies before a lens focused far away is its aperture seen from there (thin lens, f/1.2, pixels
of 12 micrometres); the optical depth of dust and rain see `weather`. Strengths and speeds are of our choosing.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.ground import CameraView
from marsad.kernel.detection import Box
from marsad.simulate.backdrop import Backdrop
from marsad.simulate.effect import (
    BlowingSand,
    CloudShadow,
    Dust,
    Effect,
    EffectRecord,
    Glitter,
    Insects,
    NearThing,
    Rain,
    Smoke,
)
from marsad.simulate.pattern import Pattern
from marsad.simulate.weather import Kelvin

Array = NDArray[np.float64]

_STEP_PX = 8
_SHADOW_EVERY_S = 0.5
_DRIFT_COLUMNS = 512
_BLIND_DEPTHS = 7.0
"""The optical depths of a dust cloud of depth 1: a thousandth comes through."""
_HORIZON_S = 86_400.0
_PIXEL_M = 12e-6
_F_NUMBER = 1.2
_INSECT_M = 0.012
_LAG_S = 0.015
"""How long a microbolometer takes to follow: what is fast is smeared."""
_STREAKS_PER_MM = 9
_STREAK_TABLE = 2048
_LEAST_STREAK_K = 0.02
"""Fainter streaks drown in any camera's noise; through a long lens all of them do."""
_PUFF_EVERY_S = 0.7
_PUFF_S = 14.0
_PUFFS = round(_PUFF_S / _PUFF_EVERY_S)
_PUFF_TABLE = 512
_NUMBERS = 1_000_000


class Shot(NamedTuple):
    """The picture under way: apparent temperatures (H, W), when, and how far the mount has shifted it."""

    kelvin: Kelvin
    time_s: float
    shift_px: tuple[float, float]


class Player(Protocol):
    """One effect before one camera."""

    def play(self, shot: Shot) -> list[NearThing]:
        """Change the picture; what is shown."""

    def share_at(self, x_px: float, y_px: float) -> float:
        """What the effect hides of a place, in the picture last played."""


class Effects:
    """All that passes before one camera.

    `backdrop` may be larger than the picture by the same margin on all sides. `rng` is the camera's own stream;
    `world`, in the same state for every camera of one world, places what they all see.
    """

    def __init__(
        self,
        effects: Sequence[Effect],
        view: CameraView,
        backdrop: Backdrop,
        fps: float,
        rng: np.random.Generator,
        *,
        world: np.random.Generator | None = None,
        camera_id: str = "",
    ) -> None:
        own, shared = rng.spawn(len(effects)), (world or rng).spawn(len(effects))
        stage = _Stage(view, backdrop, fps)
        order = sorted(range(len(effects)), key=lambda i: _LAYERS.index(type(effects[i])))
        self._players = [
            (effects[i], _player(effects[i], stage, own[i], shared[i], i * _NUMBERS))
            for i in order
            if effects[i].camera in {"", camera_id}
        ]
        self._playing: list[Player] = []

    def apply(self, kelvin: Kelvin, time_s: float, shift_px: tuple[float, float] = (0.0, 0.0)) -> list[NearThing]:
        """Paint what passes at a moment into a picture, in place; what is shown of it."""
        self._playing = [player for effect, player in self._players if _on(effect, time_s)]
        shot = Shot(kelvin, time_s, shift_px)
        return [thing for player in self._playing for thing in player.play(shot)]

    def through(self, x_px: float, y_px: float) -> float:
        """The share of radiance that came through at a place of the last picture."""
        return math.prod(1 - player.share_at(x_px, y_px) for player in self._playing)


class _Stage(NamedTuple):
    """What every player must know of its camera."""

    view: CameraView
    backdrop: Backdrop
    fps: float

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.view.lens.height_px, self.view.lens.width_px

    @property
    def margin_px(self) -> int:
        """By how much the backdrop is larger than the picture on every side."""
        return int(self.backdrop.kelvin.shape[0] - self.size[0]) // 2

    @property
    def lattice(self) -> tuple[int, int]:
        """Rows and columns of the coarse lattice, its first node on the first pixel."""
        height, width = self.size
        return (height - 1) // _STEP_PX + 2, (width - 1) // _STEP_PX + 2

    def nodes(self, values: Kelvin) -> Kelvin:
        """What an array of the backdrop holds at the lattice's nodes."""
        rows, columns = self.lattice
        down = np.minimum(np.arange(rows) * _STEP_PX + self.margin_px, values.shape[0] - 1)
        across = np.minimum(np.arange(columns) * _STEP_PX + self.margin_px, values.shape[1] - 1)
        return np.ascontiguousarray(values[np.ix_(down, across)])

    def whole(self) -> Box:
        """The whole picture."""
        height, width = self.size
        return Box(x_px=0.0, y_px=0.0, w_px=float(width), h_px=float(height))


def _on(effect: EffectRecord, time_s: float) -> bool:
    """Whether an effect shows at a moment; a dust cloud clears after its end."""
    after = effect.rise_s if isinstance(effect, Dust) else 0.0
    return effect.start_s <= time_s and (effect.end_s is None or time_s < effect.end_s + after)


class _Clear:
    """What hides nothing."""

    def share_at(self, x_px: float, y_px: float) -> float:
        """Nothing anywhere."""
        del x_px, y_px
        return 0.0


class _Hazy:
    """What hides a share of every pixel, known on the lattice."""

    _share: Kelvin

    def share_at(self, x_px: float, y_px: float) -> float:
        """The share at the nearest node."""
        rows, columns = self._share.shape
        row, column = round(y_px / _STEP_PX), round(x_px / _STEP_PX)
        return float(self._share[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)])


class _ShadowPlayer(_Clear):
    """Shadows that drift over the ground; between two looks at them the picture goes from one to the other."""

    def __init__(self, effect: CloudShadow, stage: _Stage, world: np.random.Generator, number: int) -> None:
        backdrop = stage.backdrop
        seen = np.isfinite(backdrop.range_m)
        clear = np.where(seen, backdrop.air.transmission(np.where(seen, backdrop.range_m, 0)), 0).astype(np.float32)
        self._weight = np.asarray(cv2.GaussianBlur(clear, (0, 0), 1.0), np.float32)
        self._margin = stage.margin_px
        self._east, self._north = (
            stage.nodes(np.nan_to_num(place)) for place in (backdrop.lookup.east_m, backdrop.lookup.north_m)
        )
        self._pattern = Pattern(world, longest_m=3 * effect.size_m, shortest_m=effect.size_m / 3, steepness=3.0)
        self._limit = NormalDist().inv_cdf(1 - min(max(effect.cover, 0.001), 0.999))
        self._effect = effect
        self._near = NearThing(cause="cloud_shadow", thing_id=number, box=stage.whole(), contrast_k=-effect.depth_k)
        self._looks: dict[int, Kelvin] = {}

    def play(self, shot: Shot) -> list[NearThing]:
        """Darken what lies in shadow."""
        look = math.floor(shot.time_s / _SHADOW_EVERY_S)
        self._looks = {number: self._looks[number] for number in (look, look + 1) if number in self._looks}
        before, after = self._shade(look), self._shade(look + 1)
        share = np.float32(shot.time_s / _SHADOW_EVERY_S - look)
        depth = (-self._effect.depth_k * (before + share * (after - before))).astype(np.float32)
        shift = round(shot.shift_px[0]), round(shot.shift_px[1])
        _add(shot.kelvin, depth, self._weight, self._margin - shift[1], self._margin - shift[0])
        return [self._near]

    def _shade(self, look: int) -> Kelvin:
        """How deep every node lies in shadow, 0 to 1."""
        if look not in self._looks:
            gone = self._effect.speed_m_s * look * _SHADOW_EVERY_S
            heading = math.radians(self._effect.heading_deg)
            east = self._east - np.float32(gone * math.sin(heading))
            north = self._north - np.float32(gone * math.cos(heading))
            cloud = self._pattern.at(east, north) - self._limit
            self._looks[look] = (1 / (1 + np.exp(-4 * cloud))).astype(np.float32)
        return self._looks[look]


class _Drift:
    """Billows that drift across the picture and never come again, on the lattice.

    They are made a stretch at a time, each from random numbers of its own, as far on as they are looked at.
    """

    def __init__(self, stage: _Stage, rng: np.random.Generator, sigma: float) -> None:
        self._rows, self._columns = stage.lattice
        self._sigma = sigma
        self._seed = int(rng.integers(2**63))
        self._made: list[tuple[int, Kelvin]] = [(0, self._stretch(layer, 0)) for layer in range(2)]
        self._spread = [float(stretch.std()) for _, stretch in self._made]

    def _stretch(self, layer: int, number: int) -> Kelvin:
        """A stretch and what the picture may reach of the next, smoothed with all that is beside them."""
        white = [
            np.random.default_rng([self._seed, layer, each % 2**32]).standard_normal(
                (self._rows, _DRIFT_COLUMNS), np.float32
            )
            for each in range(number - 1, number + 3)
        ]
        smooth = cv2.GaussianBlur(np.concatenate(white, axis=1), (0, 0), sigmaX=1.6 * self._sigma, sigmaY=self._sigma)
        return np.asarray(smooth[:, _DRIFT_COLUMNS : 2 * _DRIFT_COLUMNS + self._columns + 1], np.float32)

    def at(self, moved_px: float) -> Kelvin:
        """The billows, about unit variance; a second layer moves at two thirds of the speed."""
        layers = []
        for layer, speed in enumerate((1.0, 0.67)):
            at = moved_px * speed / _STEP_PX
            whole, part = math.floor(at), np.float32(at % 1)
            number, first = divmod(whole, _DRIFT_COLUMNS)
            if number != self._made[layer][0]:
                self._made[layer] = number, self._stretch(layer, number)
            piece = self._made[layer][1][:, first : first + self._columns + 1]
            layers.append((piece[:, :-1] + part * (piece[:, 1:] - piece[:, :-1])) / np.float32(self._spread[layer]))
        return np.asarray(0.75 * (layers[0] + layers[1]), np.float32)


class _SandPlayer(_Hazy):
    """Sand that drifts low over the ground: the farther something stands, the more of it lies between."""

    def __init__(self, effect: BlowingSand, stage: _Stage, rng: np.random.Generator, number: int) -> None:
        self._drift = _Drift(stage, rng, 3.0)
        self._speed = effect.speed_m_s / _SAND_AT_M * stage.view.optics.focal_x_px * rng.choice([-1.0, 1.0])
        far = stage.nodes(np.where(np.isfinite(stage.backdrop.range_m), stage.backdrop.range_m, 1e4).astype(np.float32))
        rows, columns = stage.lattice
        ys, xs = np.mgrid[0:rows, 0:columns] * float(_STEP_PX)
        _, elevation = stage.view.azimuth_elevation(xs, ys)
        low = np.exp(-np.maximum(elevation, 0) * _SAND_AT_M / _SAND_DEEP_M)
        self._weight = (effect.depth * (1 - np.exp(-far / 700)) * low).astype(np.float32)
        self._kelvin = np.float32(stage.backdrop.air.kelvin)
        self._near = NearThing(cause="sand", thing_id=number, box=stage.whole(), contrast_k=0.0)
        self._share = self._weight

    def play(self, shot: Shot) -> list[NearThing]:
        """Veil the picture."""
        billows = self._drift.at(self._speed * shot.time_s)
        self._share = self._weight * np.clip(np.float32(0.5) + np.float32(0.3) * billows, 0, 1)
        _veil(shot.kelvin, self._share, self._kelvin)
        return [self._near]


class _DustPlayer(_Hazy):
    """A cloud that comes, stays and goes."""

    def __init__(self, effect: Dust, stage: _Stage, rng: np.random.Generator, number: int) -> None:
        self._drift = _Drift(stage, rng, 5.0)
        self._effect = effect
        self._speed = float(rng.choice([-1.0, 1.0]) * rng.uniform(60, 160))
        self._kelvin = np.float32(stage.backdrop.air.kelvin)
        self._near = NearThing(cause="dust", thing_id=number, box=stage.whole(), contrast_k=0.0)
        self._share = np.zeros(stage.lattice, np.float32)

    def play(self, shot: Shot) -> list[NearThing]:
        """Veil the picture."""
        effect = self._effect
        there = (shot.time_s - effect.start_s) / effect.rise_s
        if effect.end_s is not None:
            there = min(there, 1 - (shot.time_s - effect.end_s) / effect.rise_s)
        thick = np.float32(_BLIND_DEPTHS * effect.depth * min(max(there, 0.0), 1.0) ** 2)
        billows = self._drift.at(self._speed * shot.time_s)
        self._share = (1 - np.exp(-thick * np.clip(1 + np.float32(0.35) * billows, 0.4, 2))).astype(np.float32)
        _veil(shot.kelvin, self._share, self._kelvin)
        return [self._near]


class _RainPlayer(_Hazy):
    """Gusts of rain that veil the picture, and drops near the lens as streaks; other drops in every picture."""

    def __init__(self, effect: Rain, stage: _Stage, rng: np.random.Generator, number: int) -> None:
        height, width = stage.size
        self._drift = _Drift(stage, rng, 6.0)
        far = stage.nodes(np.where(np.isfinite(stage.backdrop.range_m), stage.backdrop.range_m, 4e3).astype(np.float32))
        self._weight = (0.5 * (1 - np.exp(-0.05 * effect.rate_mm_h**0.67 * far / 1000))).astype(np.float32)
        focal = stage.view.optics.focal_x_px
        near_m = rng.uniform(1.5, 12.0, _STREAK_TABLE)
        fall = rng.normal(0.08, 0.03, _STREAK_TABLE)
        # A drop of 2 mm falls 6 m/s, a tenth of a metre while the detector follows; near the lens it is defocused.
        drop_px = rng.uniform(0.001, 0.004, _STREAK_TABLE) * focal / near_m
        long_px = 6.0 * _LAG_S * focal / near_m
        wide_px = np.maximum(0.5 * _aperture_m(focal) * focal / near_m + drop_px / 2, 1.0)
        x, y = rng.uniform(-20, width + 20, _STREAK_TABLE), rng.uniform(-20, height, _STREAK_TABLE)
        # A drop a few kelvin below the air fills only its own share of the spot that it is blurred to.
        strength = -rng.uniform(1.0, 5.0, _STREAK_TABLE) * np.square(drop_px / (2 * wide_px))
        seen = -strength * 2 * wide_px / (2 * wide_px + long_px) > _LEAST_STREAK_K
        self._count = round(_STREAKS_PER_MM * effect.rate_mm_h * float(seen.mean()))
        self._streaks = np.column_stack([x, y, x + fall * long_px, y + long_px, wide_px, strength])[seen]
        self._fps = stage.fps
        self._kelvin = np.float32(stage.backdrop.air.kelvin - 1.0)
        self._near = NearThing(cause="rain", thing_id=number, box=stage.whole(), contrast_k=-0.5)
        self._share = self._weight

    def play(self, shot: Shot) -> list[NearThing]:
        """Veil the picture and strew streaks over it."""
        billows = self._drift.at(40 * shot.time_s)
        self._share = self._weight * np.clip(1 + np.float32(0.5) * billows, 0, 2)
        _veil(shot.kelvin, self._share, self._kelvin)
        # A large odd stride visits the table in an order that repeats only after all of it.
        if not len(self._streaks):
            return [self._near]
        first = round(shot.time_s * self._fps) * 1237
        chosen = (first + np.arange(self._count)) % len(self._streaks)
        for streak in self._streaks[chosen]:
            _blot(shot.kelvin, *streak)
        return [self._near]


class _InsectPlayer(_Clear):
    """Insects that cross in a tenth of a second to a second, far out of focus."""

    def __init__(self, effect: Insects, stage: _Stage, rng: np.random.Generator, number: int) -> None:
        end_s = _HORIZON_S if effect.end_s is None else effect.end_s
        count = int(rng.poisson(effect.per_hour * max(end_s - effect.start_s, 0) / 3600))
        at_s = np.concatenate([effect.at_s, rng.uniform(effect.start_s, max(end_s, effect.start_s), count)])
        height, width = stage.size
        n = len(at_s)
        lasts_s = np.exp(rng.uniform(math.log(0.1), 0.0, n))
        # Half way on its way there is a picture: one that crossed between two pictures would never be shown.
        starts_s = np.round((np.sort(at_s) + lasts_s / 2) * stage.fps) / stage.fps - lasts_s / 2
        order = np.argsort(starts_s)
        self._at_s, self._lasts_s = starts_s[order], lasts_s[order]
        focal = stage.view.optics.focal_x_px
        near_m = rng.uniform(0.4, 2.5, n)
        blur = np.clip((_aperture_m(focal) + _INSECT_M) * focal / (2 * near_m), 4.0, 0.22 * height)
        self._radius = blur
        # From one edge to another, a little beyond both.
        turn = rng.uniform(0, 2 * np.pi, n)
        through = np.column_stack([rng.uniform(0.2, 0.8, n) * width, rng.uniform(0.2, 0.8, n) * height])
        far = 0.62 * math.hypot(width, height)
        way = np.column_stack([np.cos(turn), 0.6 * np.sin(turn)]) * (far + blur)[:, None]
        self._start, self._way = through - way, 2 * way
        self._wobble = rng.uniform(-1, 1, (n, 2)) * 25
        self._contrast = effect.contrast_k * rng.choice([1.0, -0.6], n) * rng.uniform(0.5, 1.5, n)
        self._number = number

    def play(self, shot: Shot) -> list[NearThing]:
        """Paint those on the wing."""
        first = int(np.searchsorted(self._at_s, shot.time_s - 1.0))
        last = int(np.searchsorted(self._at_s, shot.time_s, side="right"))
        things = (self._show(shot, i) for i in range(first, last) if shot.time_s < self._at_s[i] + self._lasts_s[i])
        return [thing for thing in things if thing is not None]

    def _show(self, shot: Shot, i: int) -> NearThing | None:
        now, radius = self._place(i, shot.time_s), float(self._radius[i])
        before = self._place(i, shot.time_s - _LAG_S)
        contrast = float(self._contrast[i])
        _blot(shot.kelvin, before[0], before[1], now[0], now[1], radius, contrast)
        return _near("insect", self._number + i, (before, now), radius, contrast, shot.kelvin.shape)

    def _place(self, i: int, time_s: float) -> tuple[float, float]:
        share = (time_s - self._at_s[i]) / self._lasts_s[i]
        x, y = self._start[i] + share * self._way[i] + self._wobble[i] * math.sin(9 * share)
        return float(x), float(y)


class _GlitterPlayer(_Clear):
    """Facets of water that show now more, now less of the cold sky: two sheets of waves that run through each other."""

    def __init__(self, effect: Glitter, stage: _Stage, rng: np.random.Generator, number: int) -> None:
        white = rng.standard_normal((256, 256)).astype(np.float32)
        sheet = cv2.GaussianBlur(np.pad(white, 8, mode="wrap"), (0, 0), sigmaX=1.6, sigmaY=0.7)[8:-8, 8:-8]
        self._sheet = np.ascontiguousarray(sheet / sheet.std(), np.float32)
        rows, columns = np.nonzero(stage.backdrop.water > 0)
        self._places = np.column_stack([rows, columns]) - stage.margin_px
        self._share = (effect.strength_k * stage.backdrop.water[rows, columns]).astype(np.float32)
        self._fps = stage.fps
        self._near = None
        if len(rows):
            low, high = self._places.min(axis=0), self._places.max(axis=0) + 1
            box = Box(
                x_px=float(low[1]), y_px=float(low[0]), w_px=float(high[1] - low[1]), h_px=float(high[0] - low[0])
            )
            self._near = NearThing(cause="glitter", thing_id=number, box=box, contrast_k=effect.strength_k)

    def play(self, shot: Shot) -> list[NearThing]:
        """Make the water glitter."""
        if self._near is None:
            return []
        shift = round(shot.shift_px[0]), round(shot.shift_px[1])
        _glitter(shot.kelvin, self._places, self._share, self._sheet, shift[1], shift[0], shot.time_s)
        return [self._near]


class _SmokePlayer(_Clear):
    """Puffs that rise from a fire, grow, thin out and lean with the wind."""

    def __init__(self, effect: Smoke, stage: _Stage, world: np.random.Generator, number: int) -> None:
        self._effect = effect
        self._view = stage.view
        turn, self._speed = world.uniform(0, 2 * math.pi), world.uniform(0.4, 1.2)
        self._lean = np.array([math.sin(turn), math.cos(turn)])
        self._jitter = world.normal(0, 0.35, (_PUFF_TABLE, 2))
        up = float(stage.view.surface.up_m(effect.east_m, effect.north_m))
        self._foot = np.array([effect.east_m, effect.north_m, up])
        self._seen = bool(stage.view.sees(effect.east_m, effect.north_m, 1.5))
        self._number = number

    def play(self, shot: Shot) -> list[NearThing]:
        """Paint the plume."""
        if not self._seen:
            return []
        numbers = math.floor(shot.time_s / _PUFF_EVERY_S) - np.arange(_PUFFS)
        ages = shot.time_s - numbers * _PUFF_EVERY_S
        share = ages / _PUFF_S
        off = self._lean * (self._speed * ages)[:, None] + self._jitter[numbers % _PUFF_TABLE] * (
            0.3 + 2 * share[:, None]
        )
        rise = 0.3 + self._effect.height_m * (1 - (1 - share) ** 1.6)
        x, y, distance = self._view.project(*(self._foot + np.column_stack([off, rise])).T)
        radius = (0.25 + 1.6 * share) * self._view.optics.focal_x_px / distance
        contrast = 0.5 * self._effect.warm_k * (1 - share) ** 2
        puffs = np.column_stack([x + shot.shift_px[0], y + shot.shift_px[1], radius, contrast])
        boxes = [box for puff in puffs[np.isfinite(puffs).all(axis=1)].tolist() if (box := self._puff(shot, *puff))]
        if not boxes:
            return []
        left, top = min(box.x_px for box in boxes), min(box.y_px for box in boxes)
        right, bottom = max(box.x_px + box.w_px for box in boxes), max(box.y_px + box.h_px for box in boxes)
        box = Box(x_px=left, y_px=top, w_px=right - left, h_px=bottom - top)
        return [NearThing(cause="smoke", thing_id=self._number, box=box, contrast_k=self._effect.warm_k)]

    def _puff(self, shot: Shot, x: float, y: float, radius: float, contrast: float) -> Box | None:
        _blot(shot.kelvin, x, y, x, y, radius, contrast)
        thing = _near("smoke", self._number, ((x, y), (x, y)), radius, contrast, shot.kelvin.shape)
        return None if thing is None else thing.box


_LAYERS = (CloudShadow, Glitter, Smoke, BlowingSand, Rain, Dust, Insects)
"""Far ones first."""
_SAND_AT_M = 200.0
_SAND_DEEP_M = 12.0


def _player(effect: Effect, stage: _Stage, rng: np.random.Generator, world: np.random.Generator, number: int) -> Player:  # noqa: PLR0911 - one line for each kind of effect
    match effect:
        case CloudShadow():
            return _ShadowPlayer(effect, stage, world, number)
        case Smoke():
            return _SmokePlayer(effect, stage, world, number)
        case Glitter():
            return _GlitterPlayer(effect, stage, rng, number)
        case BlowingSand():
            return _SandPlayer(effect, stage, rng, number)
        case Rain():
            return _RainPlayer(effect, stage, rng, number)
        case Dust():
            return _DustPlayer(effect, stage, rng, number)
        case Insects():
            return _InsectPlayer(effect, stage, rng, number)


def _aperture_m(focal_px: float) -> float:
    """The lens's opening."""
    return focal_px * _PIXEL_M / _F_NUMBER


def _near(
    cause: str,
    number: int,
    ends: tuple[tuple[float, float], tuple[float, float]],
    radius: float,
    contrast_k: float,
    shape: tuple[int, ...],
) -> NearThing | None:
    """A blot as a near thing, cut at the picture's edge; None outside."""
    left, right = min(ends[0][0], ends[1][0]) - radius, max(ends[0][0], ends[1][0]) + radius
    top, bottom = min(ends[0][1], ends[1][1]) - radius, max(ends[0][1], ends[1][1]) + radius
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, float(shape[1])), min(bottom, float(shape[0]))
    if left >= right or top >= bottom:
        return None
    box = Box(x_px=left, y_px=top, w_px=right - left, h_px=bottom - top)
    return NearThing(cause="insect" if cause == "insect" else "smoke", thing_id=number, box=box, contrast_k=contrast_k)


@njit(cache=True)
def _add(kelvin: Kelvin, coarse: Kelvin, weight: Kelvin, down: int, across: int) -> None:
    """Add a coarse field, weighed by an array of the backdrop's that begins `down` and `across` before the picture."""
    height, width = kelvin.shape
    first_row = min(max(down, 0), weight.shape[0] - height)
    first_column = min(max(across, 0), weight.shape[1] - width)
    nodes, fine = np.empty(coarse.shape[1], np.float32), np.empty(width, np.float32)
    for row in range(height):
        _spread(coarse, row, nodes, fine)
        here, share = kelvin[row], weight[row + first_row, first_column : first_column + width]
        for column in range(width):
            here[column] += fine[column] * share[column]


@njit(cache=True)
def _veil(kelvin: Kelvin, coarse: Kelvin, own_k: np.float32) -> None:
    """Let a share of every pixel be what lies between, of one temperature."""
    height, width = kelvin.shape
    nodes, fine = np.empty(coarse.shape[1], np.float32), np.empty(width, np.float32)
    for row in range(height):
        _spread(coarse, row, nodes, fine)
        here = kelvin[row]
        for column in range(width):
            here[column] += fine[column] * (own_k - here[column])


@njit(cache=True)
def _spread(coarse: Kelvin, row: int, nodes: Kelvin, fine: Kelvin) -> None:
    """Fill in what a coarse field is at the nodes above a row's pixels and at each of these."""
    node, part = row // _STEP_PX, np.float32((row % _STEP_PX) / _STEP_PX)
    for j in range(nodes.size):
        nodes[j] = coarse[node, j] + part * (coarse[node + 1, j] - coarse[node, j])
    whole = fine.size // _STEP_PX
    # In steps of a node each: the compiler does one at a stroke.
    for j in range(whole):
        value, step = nodes[j], (nodes[j + 1] - nodes[j]) / np.float32(_STEP_PX)
        for k in range(_STEP_PX):
            fine[j * _STEP_PX + k] = value + np.float32(k) * step
    for column in range(whole * _STEP_PX, fine.size):
        fine[column] = nodes[column // _STEP_PX]


@njit(cache=True)
def _blot(kelvin: Kelvin, x0: float, y0: float, x1: float, y1: float, radius: float, contrast_k: float) -> None:
    """A soft blot from one point to another: full within half its radius, nothing beyond it."""
    height, width = kelvin.shape
    left, right = max(math.floor(min(x0, x1) - radius), 0), min(math.ceil(max(x0, x1) + radius), width)
    top, bottom = max(math.floor(min(y0, y1) - radius), 0), min(math.ceil(max(y0, y1) + radius), height)
    step_x, step_y = x1 - x0, y1 - y0
    length2 = max(step_x * step_x + step_y * step_y, 1e-9)
    # What is smeared over its path is the fainter for it.
    faint = contrast_k * 2 * radius / (2 * radius + math.sqrt(length2))
    for row in range(top, bottom):
        for column in range(left, right):
            off_x, off_y = column + 0.5 - x0, row + 0.5 - y0
            along = min(max((off_x * step_x + off_y * step_y) / length2, 0.0), 1.0)
            off = math.hypot(off_x - along * step_x, off_y - along * step_y) / radius
            if off < 1:
                soft = min(2 * (1 - off), 1.0)
                kelvin[row, column] += faint * soft * soft * (3 - 2 * soft)


@njit(cache=True)
def _glitter(
    kelvin: Kelvin,
    places: NDArray[np.int64],
    share: Kelvin,
    sheet: Kelvin,
    down: int,
    across: int,
    time_s: float,
) -> None:
    height, width = kelvin.shape
    size = sheet.shape[0]
    one, two = int(time_s * 11), int(time_s * 7)
    for k in range(places.shape[0]):
        row, column = places[k, 0] + down, places[k, 1] + across
        if 0 <= row < height and 0 <= column < width:
            first = sheet[(places[k, 0] + one) % size, (places[k, 1] + two) % size]
            second = sheet[(places[k, 0] - two) % size, (places[k, 1] * 2 - one) % size]
            kelvin[row, column] -= share[k] * (max(first + second, 0.0) - np.float32(0.56))

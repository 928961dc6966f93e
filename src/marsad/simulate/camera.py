"""A thermal camera: lens, sensor noise, its automatic gain, and the mast it sways on."""

import math
from typing import cast

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.geo.geodesy import MEAN_RADIUS_M
from marsad.kernel.record import Record
from marsad.kernel.site import Pose

Kelvin = NDArray[np.float32]

_TABLE = 1 << 20
_SUBSAMPLE = 8
_OFFSETS = 4096
_SPREAD = (0.12, 0.98)
"""The shares of the picture's pixels that the gain spreads between: a strip of sky is left to go dark."""


class Imager(Record):
    """What a camera does to a scene.

    `netd_k` is the noise of one pixel in one picture, `pixel_fixed_k` and `column_fixed_k` what the last flat-field
    correction left behind, `blur_px` the lens (one sigma), `sway_px` the mast's root mean square. The automatic gain
    spreads the picture's temperatures over `gain_counts` and follows them with the time constant `gain_s`.
    """

    fps: float = 9.0
    netd_k: float = 0.06
    pixel_fixed_k: float = 0.03
    column_fixed_k: float = 0.025
    blur_px: float = 0.75
    sway_px: float = 0.3
    sway_hz: float = 0.6
    gain_counts: float = 110.0
    gain_s: float = 12.0


def true_pose(pose: Pose, rng: np.random.Generator) -> Pose:
    """Where a camera really stands and looks when its pose was measured as `pose`: off by its sigmas, at random."""
    off = rng.standard_normal(6)
    sigma = pose.sigma
    degrees_per_m = math.degrees(1 / MEAN_RADIUS_M)
    east, north = off[3] * sigma.horizontal_m * degrees_per_m, off[4] * sigma.horizontal_m * degrees_per_m
    return msgspec.structs.replace(
        pose,
        azimuth_deg=pose.azimuth_deg + off[0] * sigma.azimuth_deg,
        elevation_deg=pose.elevation_deg + off[1] * sigma.elevation_deg,
        roll_deg=pose.roll_deg + off[2] * sigma.roll_deg,
        latitude_deg=pose.latitude_deg + north,
        longitude_deg=pose.longitude_deg + east / math.cos(math.radians(pose.latitude_deg)),
        mast_m=max(pose.mast_m + off[5] * sigma.height_m, 0.5),
    )


class Mast:
    """How far the picture is shifted at a moment: three slow swings in each direction, the wind's never quite alike."""

    def __init__(self, imager: Imager, rng: np.random.Generator) -> None:
        self._rate = 2 * math.pi * imager.sway_hz * rng.uniform(0.5, 1.8, (2, 3))
        self._phase = rng.uniform(0, 2 * math.pi, (2, 3))
        self._amplitude = imager.sway_px * math.sqrt(2 / 3) * np.array([[1.0], [0.5]])

    def shift_px(self, time_s: float) -> tuple[float, float]:
        """The shift of the picture, right and down."""
        x, y = np.sum(self._amplitude * np.sin(self._rate * time_s + self._phase), axis=1)
        return float(x), float(y)


class Sensor:
    """Turns apparent temperatures into counts; pictures are exposed in order, for the gain follows them."""

    def __init__(self, imager: Imager, width_px: int, height_px: int, rng: np.random.Generator) -> None:
        self.imager = imager
        size = width_px * height_px
        # Gaussian noise costs more than all else together when drawn afresh: each picture reads a long table elsewhere.
        self._noise = rng.standard_normal(max(_TABLE, 6 * size), np.float32) * np.float32(imager.netd_k)
        self._starts = rng.integers(0, len(self._noise) - size, _OFFSETS)
        fixed = rng.standard_normal((height_px, width_px), np.float32) * np.float32(imager.pixel_fixed_k)
        self._fixed = fixed + rng.standard_normal(width_px, np.float32) * np.float32(imager.column_fixed_k)
        self._low_high: tuple[float, float] | None = None

    def expose(self, kelvin: Kelvin, index: int) -> NDArray[np.uint8]:
        """The picture that leaves the camera, (H, W) uint8; `kelvin` has been through the lens."""
        height, width = kelvin.shape
        start = self._starts[index % _OFFSETS]
        noise = self._noise[start : start + height * width].reshape(height, width)
        signal = kelvin + self._fixed
        signal += noise
        low, high = self._follow(kelvin)
        scale = self.imager.gain_counts / max(high - low, 1.0)
        middle = (255 - self.imager.gain_counts) / 2
        # convertScaleAbs mirrors what is below 0; clipping first keeps a cold sky black.
        floor = low - middle / scale
        np.maximum(signal, np.float32(floor), out=signal)
        return cast("NDArray[np.uint8]", cv2.convertScaleAbs(signal, alpha=scale, beta=-floor * scale))

    def _follow(self, kelvin: Kelvin) -> tuple[float, float]:
        """The temperatures the gain now spreads, from few pixels: it need not know better."""
        few = kelvin[::_SUBSAMPLE, ::_SUBSAMPLE].ravel()
        cuts = tuple(int(share * (few.size - 1)) for share in _SPREAD)
        ordered = np.partition(few, cuts)
        low, high = (float(ordered[cut]) for cut in cuts)
        if self._low_high is None:
            self._low_high = low, high
        share = 1 - math.exp(-1 / (self.imager.fps * self.imager.gain_s))
        self._low_high = (
            self._low_high[0] + share * (low - self._low_high[0]),
            self._low_high[1] + share * (high - self._low_high[1]),
        )
        return self._low_high

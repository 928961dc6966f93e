"""A thermal camera: lens, sensor noise, its automatic gain, and the mast it sways on."""

import math
from typing import Annotated, Literal, cast

import cv2
import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from marsad.geo.geodesy import MEAN_RADIUS_M
from marsad.kernel.record import Record
from marsad.kernel.site import NonNegative, Pose, Positive

Kelvin = NDArray[np.float32]

_TABLE = 1 << 20
_SUBSAMPLE = 8
_OFFSETS = 4096
_SPREAD = (0.12, 0.98)
"""The shares of the picture's pixels that the gain spreads between: a strip of sky is left to go dark."""


class Imager(Record):
    """What a camera does to a scene.

    Noise, in kelvin of the scene: `netd_k` of one pixel in one picture, `row_k` of a row in one picture. What a
    flat-field correction leaves behind is half of `pixel_fixed_k` and `column_fixed_k`; the other half grows with the
    time constant `drift_s` until the next one. Corrections come every `ffc_every_s` (0: never), each holds the last
    picture for `ffc_s` and moves the level by `ffc_step_k` (one sigma). Of `dead_pixels` every other one blinks.

    `blur_px` is the lens (one sigma). `sway_px` is the mount's sway, root mean square to either side, in a wind of
    5 m/s; it grows with the square of the wind. `sway_hz` is the mount's own frequency and `sway_damping` its share of
    critical damping: a mast of 20 m has about 0.6 Hz, a camera on a fence post 3 Hz and a pixel or more.

    The gain "automatic" spreads the picture's temperatures over `gain_counts` and follows them with the time constant
    `gain_s`; "plateau" gives each temperature counts by how many pixels have it, up to a plateau; "linear" spreads
    `span_k` about the first picture's middle over 8 bits and stays; "raw16" gives 16 bits of `count_k` each from 0 K.
    """

    fps: Annotated[float, Meta(gt=0, le=120)] = 9.0
    netd_k: NonNegative = 0.06
    pixel_fixed_k: NonNegative = 0.03
    column_fixed_k: NonNegative = 0.025
    row_k: NonNegative = 0.01
    drift_s: Positive = 240.0
    dead_pixels: Annotated[int, Meta(ge=0, le=1000)] = 0
    blur_px: Annotated[float, Meta(ge=0.2, le=20)] = 0.75
    sway_px: NonNegative = 0.3
    sway_hz: Positive = 0.6
    sway_damping: Annotated[float, Meta(ge=0.002, le=1)] = 0.02
    gain: Literal["automatic", "plateau", "linear", "raw16"] = "automatic"
    gain_counts: Annotated[float, Meta(gt=0, le=255)] = 110.0
    gain_s: Positive = 12.0
    span_k: Positive = 30.0
    count_k: Positive = 0.04
    ffc_every_s: NonNegative = 0.0
    ffc_s: Annotated[float, Meta(ge=0, le=10)] = 0.6
    ffc_step_k: NonNegative = 0.05


class FaultRecord(Record, tag_field="type"):
    """Something that happens to one camera, or to all (""), from `start_s` to `end_s` (left out: to the end)."""

    camera: str = ""
    start_s: NonNegative = 0.0
    end_s: NonNegative | None = None


class FlatField(FaultRecord, tag="flat_field"):
    """A flat-field correction at `start_s`, as if its hour had come; it lasts as long as the imager's own do."""


class Frozen(FaultRecord, tag="frozen"):
    """The last picture comes again and again."""


class Covered(FaultRecord, tag="covered"):
    """Something stands before the lens, `warmer_k` than the air."""

    warmer_k: float = 2.0


class Defocused(FaultRecord, tag="defocused"):
    """The lens is out of focus: `sigma_px` of blur are added to its own."""

    sigma_px: Annotated[float, Meta(gt=0, le=20)] = 4.0


class Looped(FaultRecord, tag="looped"):
    """Somebody plays back the `period_s` before the start, again and again."""

    period_s: Positive = 5.0


class Moved(FaultRecord, tag="moved"):
    """The camera looks elsewhere: turned right, up and clockwise by so many degrees."""

    azimuth_deg: float = 0.5
    elevation_deg: float = 0.0
    roll_deg: float = 0.0


class Knocked(FaultRecord, tag="knocked"):
    """The mount is struck at `start_s` and rings: `px` at first, at `hz`, dying away with `decay_s`."""

    px: Annotated[float, Meta(gt=0, le=60)] = 8.0
    hz: Positive = 3.0
    decay_s: Positive = 0.8


class GainJump(FaultRecord, tag="gain_jump"):
    """The camera's electronics jump to `factor` times the gain, and `offset_counts` more."""

    factor: Positive = 1.5
    offset_counts: float = 20.0


class Blinded(FaultRecord, tag="blinded"):
    """Something hot far away or a lamp floods the lens: `kelvin` in the middle of a glow of `sigma_px`."""

    kelvin: Positive = 60.0
    x_px: float = 320.0
    y_px: float = 256.0
    sigma_px: Positive = 120.0


Fault = FlatField | Frozen | Covered | Defocused | Looped | Moved | Knocked | GainJump | Blinded


def falls_on(fault: FaultRecord, camera_id: str, time_s: float) -> bool:
    """Whether a fault of one camera or of all is on at a moment."""
    return fault.camera in {"", camera_id} and fault.start_s <= time_s < (
        math.inf if fault.end_s is None else fault.end_s
    )


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

"""A thermal camera: what it does to a scene, what can go wrong with it, and where it really looks."""

import math
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from marsad.geo.geodesy import MEAN_RADIUS_M
from marsad.kernel.record import Record
from marsad.kernel.site import NonNegative, Pose, Positive


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
    column_fixed_k: NonNegative = 0.012
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
    """Something hot floods the lens: `kelvin` in the middle of a glow of `sigma_px`; not said, in the middle."""

    kelvin: Positive = 60.0
    x_px: float | None = None
    y_px: float | None = None
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

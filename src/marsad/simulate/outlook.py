"""What a camera in one place, looking one way, sees of a scenario: the empty scene, and how actors are put into it."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter

from marsad.geo.geodesy import Array
from marsad.geo.ground import CameraView
from marsad.kernel.detection import Box
from marsad.kernel.position import Position
from marsad.kernel.record import read_only
from marsad.kernel.site import Lens
from marsad.simulate import paint
from marsad.simulate.actor import Present
from marsad.simulate.backdrop import Backdrop
from marsad.simulate.paint import Hiding, Painter, Shift
from marsad.simulate.sway import Swayer
from marsad.simulate.truth import ActorTruth

Kelvin = NDArray[np.float32]

_LEAST_K2 = 1e-6
"""A camera without any noise has at least this variance, lest a ratio be infinite."""
_SKY_M = 1e9
"""Stands for the infinite, which kernels that hurry do not know."""


class Moment(NamedTuple):
    """One picture: its number, time and size, and the sensor's noise and standing pattern, one sigma each."""

    frame_index: int
    time_ns: int
    width_px: int
    height_px: int
    noise_k: float
    pattern_k: float


class Outlook:
    """The empty scene behind the lens, and actors seen by the same lens; `margin` is how much wider `backdrop` is."""

    def __init__(self, view: CameraView, backdrop: Backdrop, margin: int, blur_px: float) -> None:
        self.view = view
        self.backdrop = backdrop
        behind = cast("Kelvin", cv2.GaussianBlur(backdrop.kelvin, (0, 0), blur_px))
        height, width = behind.shape
        self.background_k: Kelvin = read_only(behind[margin : height - margin, margin : width - margin])
        self._swayer = Swayer(spline_filter(behind, order=3, mode="mirror", output=np.float32), margin)
        range_m = np.minimum(backdrop.range_m, np.float32(_SKY_M))
        sums, squares = paint.running_sums(behind)
        hiding = Hiding(
            range_m=np.ascontiguousarray(range_m),
            slack_m=paint.slack_m(range_m),
            veil=np.array(backdrop.veil),
            veil_range_m=np.minimum(backdrop.veil_range_m, np.float32(_SKY_M)),
            sums=sums,
            squares=squares,
            margin=margin,
        )
        self._painter = Painter(view, hiding, blur_px)
        self._air = backdrop.air.kelvin, backdrop.air.extinction_per_km / 1000

    def empty(self, shift: Shift) -> Kelvin:
        """The empty scene behind the lens, (H, W) float32 kelvin, to be painted on."""
        return self._swayer.view(shift)

    def put(self, kelvin: Kelvin, present: Sequence[Present], shift: Shift) -> Array:
        """Paint actors into the picture, and tell a row of `paint.FACTS` of each."""
        counts = [len(each.limbs) for each in present]
        return self._painter.paint(
            kelvin,
            np.concatenate([each.limbs for each in present]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.array([(each.east_m, each.north_m, each.up_m) for each in present]),
            np.array([each.visible_cover for each in present]),
            shift,
            self._air,
        )


def truths(
    present: Sequence[Present], facts: Array, moment: Moment, through: Callable[[float, float], float]
) -> list[ActorTruth]:
    """What is true of the actors whose outline reaches into the picture.

    `through` is the share of radiance that what passes over the picture lets through at a pixel.
    """
    near = _reaches_in(facts, moment.width_px, moment.height_px).tolist()
    return [
        _truth(
            each,
            fact,
            moment,
            through(fact[paint.BOX_X] + fact[paint.BOX_W] / 2, fact[paint.BOX_Y] + fact[paint.BOX_H] / 2),
        )
        for each, fact, inside in zip(present, facts.tolist(), near, strict=True)
        if inside
    ]


def _reaches_in(facts: Array, width: int, height: int) -> NDArray[np.bool_]:
    """Whether boxes overlap the picture."""
    left, top = facts[:, paint.BOX_X], facts[:, paint.BOX_Y]
    right, bottom = left + facts[:, paint.BOX_W], top + facts[:, paint.BOX_H]
    ahead = np.isfinite(facts[:, paint.RANGE])
    return np.asarray(ahead & (left < width) & (top < height) & (right > 0) & (bottom > 0))


def _truth(present: Present, fact: Sequence[float], moment: Moment, through: float) -> ActorTruth:
    actor = present.actor
    root = through * math.sqrt(fact[paint.ENERGY])
    still = moment.noise_k**2
    return ActorTruth(
        frame_index=moment.frame_index,
        time_ns=moment.time_ns,
        actor_id=actor.actor_id,
        kind=actor.kind,
        box=Box(x_px=fact[paint.BOX_X], y_px=fact[paint.BOX_Y], w_px=fact[paint.BOX_W], h_px=fact[paint.BOX_H]),
        foot_px=(fact[paint.FOOT_X], fact[paint.FOOT_Y]),
        east_m=present.east_m,
        north_m=present.north_m,
        up_m=present.up_m,
        position=Position(
            latitude_deg=fact[paint.LATITUDE], longitude_deg=fact[paint.LONGITUDE], height_m=fact[paint.HEIGHT]
        ),
        range_m=fact[paint.RANGE],
        visible=through * fact[paint.VISIBLE],
        height_px=fact[paint.BOX_H],
        width_px=fact[paint.BOX_W],
        contrast_k=through * fact[paint.CONTRAST],
        snr=root / math.sqrt(max(still + moment.pattern_k**2 + fact[paint.CLUTTER], _LEAST_K2)),
        snr_noise=root / math.sqrt(max(still, _LEAST_K2)),
        speed_m_s=present.speed_m_s,
        gait=present.gait,
        role=actor.role,
        party=actor.party,
    )


def widened(view: CameraView, margin: int) -> CameraView:
    """The same camera with so many pixels more on every side of its picture."""
    own = view.lens
    width, height = own.width_px + 2 * margin, own.height_px + 2 * margin
    lens = Lens(
        width_px=width,
        height_px=height,
        horizontal_fov_deg=2 * math.degrees(math.atan(width / 2 / view.optics.focal_x_px)),
        vertical_fov_deg=2 * math.degrees(math.atan(height / 2 / view.optics.focal_y_px)),
    )
    return CameraView(lens, view.pose, view.surface, reach_m=view.reach_m, refraction=view.refraction)


def turned(view: CameraView, azimuth_deg: float, elevation_deg: float, roll_deg: float) -> CameraView:
    """The same camera turned right, up and clockwise."""
    pose = msgspec.structs.replace(
        view.pose,
        azimuth_deg=view.pose.azimuth_deg + azimuth_deg,
        elevation_deg=view.pose.elevation_deg + elevation_deg,
        roll_deg=view.pose.roll_deg + roll_deg,
    )
    return CameraView(view.lens, pose, view.surface, reach_m=view.reach_m, refraction=view.refraction)

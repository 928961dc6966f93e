"""How far a thermal camera shows people and vehicles, to an officer at the screen and to the watch.

For eyes there are the two published ways: Johnson's cycles across the target, with a minimum resolvable temperature
difference, and the targeting task performance metric, which adds up the excess of contrast over all frequencies.
For the watch it is a rate: how often in a second it comes to raise an alarm on what it can see, from the matched
filter's signal-to-noise ratio and the height in the picture. The watch looks at every picture and eyes do not, so it is
the rate that siting counts with.

Nothing here knows terrain: whether there is a line of sight is for `geo.sight` to say.

Sources: J. Johnson, Analysis of image forming systems, Image Intensifier Symposium, Fort Belvoir (1958), 249-273: the
cycles. J. A. Ratches, Static performance model for thermal imaging systems, Optical Engineering 15 (1976) 525-530:
the curve of their probability. STANAG 4347 (1995): the target of 2.3 m and 2 K. J. M. Lloyd, Thermal imaging systems,
Plenum (1975), 5.4: the resolvable difference. R. H. Vollmerhausen, E. Jacobs, The targeting task performance (TTP)
metric, NVESD AMSEL-NV-TR-230 (2004): the metric, its curve, and 2.7 as what turns Johnson's cycles into it. G. L.
Turin, An introduction to matched filters, IRE Transactions on Information Theory 6 (1960) 311-329. P. W. Kruse, L. D.
McGlauchlin, R. B. McQuistan, Elements of infrared technology, Wiley (1962): haze. Carbonneau, in ITU-R P.1814 (2007):
rain.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike
from scipy.special import erf, erfinv

from marsad.geo.geodesy import Array
from marsad.kernel.record import Record
from marsad.kernel.site import Lens

Target = Literal["person", "group", "vehicle"]
Aspect = Literal["front", "side"]
Light = Literal["night", "day", "crossover"]
Air = Literal["clear", "haze", "dust", "rain"]
Task = Literal["detect", "recognise", "identify"]
Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]

CYCLES: Final[Mapping[Task, float]] = {"detect": 1.0, "recognise": 4.0, "identify": 6.4}
TTP_OF_CYCLES: Final = 2.7
SNR_SEEN: Final = 2.25
"""The ratio at which half of the trained eyes resolve a bar. Source: Ratches (1976)."""
EYE_S: Final = 0.2

SIZES_M: Final[Mapping[Target, Mapping[Aspect, tuple[float, float]]]] = {
    "person": {"front": (0.6, 1.75), "side": (0.8, 1.75)},
    "group": {"front": (1.6, 1.75), "side": (4.0, 1.75)},
    "vehicle": {"front": (1.9, 1.9), "side": (4.6, 1.9)},
}
"""Width and height of the outline. A group is five in file: from ahead two beside each other, from the side all."""

CONTRAST_K: Final[Mapping[Light, Mapping[Target, float]]] = {
    "night": {"person": 2.2, "group": 2.2, "vehicle": 5.7},
    "day": {"person": 3.7, "group": 3.7, "vehicle": 4.5},
    "crossover": {"person": 2.1, "group": 2.1, "vehicle": 4.3},
}
"""The middle one of what stands out of the ground right behind, before the air takes of it; see `SPREAD`.

The figures of light and spread are those of the simulator's desert, as `benchmarks/range_performance.py` prints them.
"""
SPREAD: Final[Mapping[Light, float]] = {"night": 0.5, "day": 0.9, "crossover": 0.8}
"""One standard deviation of the ratio's natural logarithm about the middle one, from one crossing to another."""
CLUTTER_K: Final[Mapping[Light, float]] = {"night": 0.17, "day": 0.8, "crossover": 0.2}
"""What the ground itself changes by within a few pixels, one sigma, before the air takes of it."""

GAS_PER_KM: Final = 0.13
"""Of vapour and gases between 8 and 14 micrometres in 10 g of vapour a cubic metre: of the simulator's choosing."""
VISIBILITY_KM: Final[Mapping[Air, float]] = {"clear": 40.0, "haze": 5.0, "dust": 1.2, "rain": 8.0}
_CONTRAST_LIMIT: Final = 3.912
_BAND_UM, _VISIBLE_UM = 10.0, 0.55

MOST_PER_S: Final = 1.87
HALF_SNR: Final = 37.2
STEEP_SNR: Final = 1.34
HALF_PX: Final = 4.41
STEEP_PX: Final = 4.0
DEAD_S: Final = 0.44
NEVER: Final = 0.005
"""The watch's rate: fitted to half of a campaign's scenes and held against the other half, see `Rate`."""

_FREQUENCIES: Final = 2000
_DRAWS: Final = 15


class Optics(Record):
    """What is known of a camera: the focal length in pixels, and what its maker says of lens and detector.

    `netd_k` is that of the camera with its own lens, `fixed_k` what a flat-field correction leaves behind, `blur_px`
    the whole blur of a point in the picture (one sigma).
    """

    focal_px: Positive
    f_number: Positive = 1.2
    pitch_um: Positive = 12.0
    netd_k: Positive = 0.06
    fixed_k: NonNegative = 0.03
    blur_px: Positive = 0.8
    fps: Positive = 9.0


class Conditions(Record):
    """Light and air. `visibility_km` left out is what is usual in such air; `extinction_per_km` overrules all of it."""

    light: Light = "night"
    air: Air = "clear"
    visibility_km: Positive | None = None
    rain_mm_h: NonNegative = 4.0
    extinction_per_km: NonNegative | None = None


NAMED: Final[Mapping[str, Conditions]] = {
    "night": Conditions(),
    "day": Conditions(light="day"),
    "crossover": Conditions(light="crossover"),
    "haze": Conditions(air="haze"),
    "dust": Conditions(air="dust"),
}
"""The conditions that a plan is told for."""


class Rate(NamedTuple):
    """How often in a second the watch comes to an alarm on what has a ratio and a height in the picture.

    most / ((1 + (half_snr / snr)^steep_snr) (1 + (half_px / px)^steep_px)) after `dead_s`; on a share `never`, never.
    """

    most_per_s: float = MOST_PER_S
    half_snr: float = HALF_SNR
    steep_snr: float = STEEP_SNR
    half_px: float = HALF_PX
    steep_px: float = STEEP_PX
    dead_s: float = DEAD_S
    never: float = NEVER

    def per_s(self, snr: ArrayLike, height_px: ArrayLike) -> Array:
        """The rate, 0 where nothing is to be seen."""
        with np.errstate(divide="ignore"):
            by_snr = (self.half_snr / np.asarray(snr, float)) ** self.steep_snr
            by_px = (self.half_px / np.asarray(height_px, float)) ** self.steep_px
        rate: Array = self.most_per_s / ((1 + by_snr) * (1 + by_px))
        return rate

    def found(self, snr: ArrayLike, height_px: ArrayLike, seconds: ArrayLike) -> Array:
        """The probability of an alarm on what can be seen for so long."""
        lasting = np.maximum(np.asarray(seconds, float) - self.dead_s, 0.0)
        share: Array = (1 - self.never) * -np.expm1(-self.per_s(snr, height_px) * lasting)
        return share


class Performance:
    """What one camera shows of one target, seen from one side, in one weather; ranges are arrays or single figures."""

    def __init__(
        self, optics: Optics, target: Target, aspect: Aspect = "side", conditions: Conditions | None = None,
        *, rate: Rate | None = None,
    ) -> None:  # fmt: skip
        self.optics = optics
        self.conditions = conditions or Conditions()
        self.width_m, self.height_m = SIZES_M[target][aspect]
        self.contrast_k = CONTRAST_K[self.conditions.light][target]
        self.rate = rate or Rate()
        self._extinction = extinction_per_km(self.conditions)
        self._frequency, self._mrt = _curve(optics)
        root = np.sqrt(self._frequency)
        # With u = v^2 the integrand has no pole at 0.
        steps = 2 * root / np.sqrt(self._mrt) * np.gradient(root)
        self._excess = np.cumsum(steps)

    def transmission(self, range_m: ArrayLike) -> Array:
        """The share of contrast that comes through the air (Beer-Lambert)."""
        share: Array = np.exp(-self._extinction * np.asarray(range_m, float) / 1000)
        return share

    def size_px(self, range_m: ArrayLike) -> tuple[Array, Array]:
        """Width and height in the picture."""
        per_m = self.optics.focal_px / np.asarray(range_m, float)
        return self.width_m * per_m, self.height_m * per_m

    def snr(self, range_m: ArrayLike, contrast_k: ArrayLike | None = None) -> Array:
        """The matched filter's ratio in one picture, over noise, fixed pattern and clutter; for the middle contrast."""
        width_px, height_px = self.size_px(range_m)
        through = self.transmission(range_m)
        contrast = self.contrast_k if contrast_k is None else np.asarray(contrast_k, float)
        noise = np.hypot(self.optics.netd_k, self.optics.fixed_k)
        sigma = np.hypot(noise, CLUTTER_K[self.conditions.light] * through)
        blur = self.optics.blur_px
        ratio: Array = contrast * through / sigma * np.sqrt(energy_px(width_px, blur) * energy_px(height_px, blur))
        return ratio

    def found(self, range_m: ArrayLike, seconds: ArrayLike) -> Array:
        """The probability that the watch alarms on a target in full view for so long, over all contrasts."""
        ranges = np.asarray(range_m, float)
        _, height_px = self.size_px(ranges)
        contrasts = self.contrast_k * np.exp(SPREAD[self.conditions.light] * _deviates())
        each = [self.rate.found(self.snr(ranges, contrast), height_px, seconds) for contrast in contrasts]
        share: Array = np.mean(each, axis=0)
        return share

    def rate_per_s(self, range_m: ArrayLike, over_s: float = 10.0) -> Array:
        """The steady rate that finds as many within so many seconds: what siting adds up along a path."""
        rate: Array = -np.log1p(-self.found(range_m, over_s)) / over_s
        return rate

    def johnson(self, range_m: ArrayLike, task: Task = "detect") -> Array:
        """The probability that an officer does the task with time to look, by Johnson's cycles."""
        ranges = np.asarray(range_m, float)
        last = np.searchsorted(self._mrt, self.contrast_k * self.transmission(ranges), side="right")
        finest = np.where(last > 0, self._frequency[np.maximum(last - 1, 0)], 0.0)
        return johnson_probability(finest * self._across() * self.optics.focal_px / ranges / CYCLES[task])

    def ttp(self, range_m: ArrayLike, task: Task = "detect") -> Array:
        """The probability that an officer does the task with time to look, by the targeting task performance metric."""
        ranges = np.asarray(range_m, float)
        contrast = self.contrast_k * self.transmission(ranges)
        last = np.searchsorted(self._mrt, contrast, side="right")
        metric = np.where(last > 0, np.sqrt(contrast) * self._excess[np.maximum(last - 1, 0)], 0.0)
        cycles = metric * self._across() * self.optics.focal_px / ranges
        return ttp_probability(cycles / (TTP_OF_CYCLES * CYCLES[task]))

    def reach_m(self, probability: float, seconds: float, farthest_m: float = 20_000.0) -> float:
        """How far away the watch still finds so many of those in view for so long; 0 where it does so nowhere."""
        ranges = np.geomspace(10.0, farthest_m, 600)
        found = self.found(ranges, seconds)
        last = int(np.count_nonzero(found >= probability)) - 1
        if last < 0 or last == len(ranges) - 1:
            return farthest_m if last >= 0 else 0.0
        return float(np.interp(-probability, -found[last : last + 2], ranges[last : last + 2]))

    def _across(self) -> float:
        return math.sqrt(self.width_m * self.height_m)


def optics_of(lens: Lens, **known: float) -> Optics:
    """What a site file's lens and what else is known of the camera come to."""
    focal_px = lens.width_px / 2 / math.tan(math.radians(lens.horizontal_fov_deg) / 2)
    return Optics(focal_px=focal_px, **known)


def extinction_per_km(conditions: Conditions) -> float:
    """What the air takes away in the long-wave band for each kilometre: gases, and haze, dust or rain."""
    if conditions.extinction_per_km is not None:
        return conditions.extinction_per_km
    if conditions.air == "rain":
        rain: float = 0.248 * conditions.rain_mm_h**0.67
        return GAS_PER_KM + rain
    visibility_km = conditions.visibility_km or VISIBILITY_KM[conditions.air]
    visible = _CONTRAST_LIMIT / visibility_km
    if conditions.air == "dust":
        return GAS_PER_KM + 0.5 * visible
    size = 1.3 if visibility_km > 6 else 0.585 * visibility_km ** (1 / 3)
    haze: float = visible * (_BAND_UM / _VISIBLE_UM) ** -size
    return GAS_PER_KM + haze


def mtf(frequency: ArrayLike, optics: Optics) -> Array:
    """What a round lens's diffraction and square pixels leave of a contrast, by cycles per pixel."""
    cycles = np.asarray(frequency, float)
    cut = optics.pitch_um / (_BAND_UM * optics.f_number)
    share = np.clip(cycles / cut, 0.0, 1.0)
    diffraction: Array = 2 / math.pi * (np.arccos(share) - share * np.sqrt(1 - share**2))
    both: Array = diffraction * np.sinc(cycles)
    return both


def mrt_k(frequency: ArrayLike, optics: Optics) -> Array:
    """The least temperature difference at which an eye resolves bars of so many cycles per pixel (Lloyd 1975).

    pi^2 / (4 sqrt(14)) SNR f NETD / MTF sqrt(1 / (t fps)), t being how long the eye adds pictures up.
    """
    cycles = np.asarray(frequency, float)
    seen = math.pi**2 / (4 * math.sqrt(14)) * SNR_SEEN * optics.netd_k / math.sqrt(EYE_S * optics.fps)
    difference: Array = seen * cycles / mtf(cycles, optics)
    return difference


def energy_px(width_px: ArrayLike, blur_px: float) -> Array:
    """What is left of a bar's energy, in pixels, behind a Gaussian blur: its width where that is large.

    The integral of the square of a box of height 1 convolved with a Gaussian, in closed form.
    """
    width = np.asarray(width_px, float)
    ratio = width / (2 * blur_px)
    left: Array = width * erf(ratio) + 2 * blur_px / math.sqrt(math.pi) * np.expm1(-(ratio**2))
    return left


def johnson_probability(ratio: ArrayLike) -> Array:
    """The target transfer probability for so many times the cycles that half need: exponent 2.7 + 0.7 of the ratio."""
    times = np.asarray(ratio, float)
    return _logistic(times, 2.7 + 0.7 * times)


def ttp_probability(ratio: ArrayLike) -> Array:
    """The same for the TTP metric: exponent 1.51 + 0.24 of the ratio."""
    times = np.asarray(ratio, float)
    return _logistic(times, 1.51 + 0.24 * times)


def _logistic(ratio: Array, exponent: Array) -> Array:
    """r^e / (1 + r^e), without overflow."""
    with np.errstate(divide="ignore", over="ignore"):
        share: Array = 1 / (1 + np.exp(-exponent * np.log(ratio)))
    return share


def _curve(optics: Optics) -> tuple[Array, Array]:
    """Frequencies up to that of the pixels, and what is resolvable there; it rises with frequency."""
    root = np.linspace(0, math.sqrt(0.5), _FREQUENCIES + 1)[1:]
    cut = optics.pitch_um / (_BAND_UM * optics.f_number)
    frequency = root[root**2 < 0.999 * cut] ** 2
    return frequency, mrt_k(frequency, optics)


def _deviates() -> Array:
    """Equally likely draws of a standard normal deviate, without chance."""
    middle = (np.arange(_DRAWS) + 0.5) / _DRAWS
    drawn: Array = math.sqrt(2) * erfinv(2 * middle - 1)
    return drawn

"""The mount a camera stands on: how the wind sways it, and how it rings when it is struck.

Source: the gusts have the spectrum of A. G. Davenport, The spectrum of horizontal gustiness near the ground in high
winds, Quarterly Journal of the Royal Meteorological Society 87 (1961); the mount answers as a body of one mode, as in
A. G. Davenport, The application of statistical concepts to the wind loading of structures, Proceedings of the
Institution of Civil Engineers 19 (1961). That the sway grows with the square of the wind is the quasi-static law there.
"""

import math
from collections.abc import Sequence

import numpy as np

from marsad.geo.geodesy import Array
from marsad.simulate.camera import Imager, Knocked
from marsad.simulate.paint import Shift

SWAY_WIND_M_S = 5.0
"""The wind in which an imager's `sway_px` is measured."""
DOWN_SHARE, ROLL_SHARE = 0.6, 0.5
"""The sway up and down, and the roll at the picture's edge, for each pixel to the side; of our choosing."""

_WAVES = 24
_SLOWEST_HZ, _FASTEST_SHARE = 0.02, 2.5
_GUST_LENGTH_M = 1200.0
_CALM_M_S = 0.5
_RUNG_AFTER = 8.0


def gust_density(frequency_hz: Array, wind_m_s: float) -> Array:
    """Davenport's spectral density of a wind's gusts at frequencies, without its scale."""
    x = _GUST_LENGTH_M * frequency_hz / max(wind_m_s, _CALM_M_S)
    density: Array = x**2 / (1 + x**2) ** (4 / 3) / frequency_hz
    return density


def response(frequency_hz: Array, own_hz: float, damping: float) -> Array:
    """The square of how much a body of one mode moves for each unit of a slow push, at frequencies."""
    ratio = frequency_hz / own_hz
    gain: Array = 1 / ((1 - ratio**2) ** 2 + (2 * damping * ratio) ** 2)
    return gain


class Mount:
    """How far the picture is shifted at a moment, by the wind and by blows."""

    def __init__(
        self,
        imager: Imager,
        wind_m_s: float,
        width_px: int,
        rng: np.random.Generator,
        blows: Sequence[Knocked] = (),
    ) -> None:
        side_px = imager.sway_px * (wind_m_s / SWAY_WIND_M_S) ** 2
        self._scale = np.array([1.0, DOWN_SHARE, ROLL_SHARE / (width_px / 2)]) * side_px
        self._rate, self._phase, self._amplitude = _waves(imager, wind_m_s, rng)
        self._blows = tuple((blow, rng.uniform(0.6, 1.0), rng.choice([-1, 1], 2)) for blow in blows)
        self._side_px = side_px

    @property
    def reach_px(self) -> float:
        """How far the picture may ever be shifted, roll included; more than four sigmas of wind do not come."""
        return 6 * self._side_px + sum(blow.px for blow, _, _ in self._blows)

    def shift(self, time_s: float) -> Shift:
        """The shift of the picture at a moment."""
        swing = np.sum(self._amplitude * np.sin(self._rate * time_s + self._phase), axis=1)
        right, down, roll = (float(v) for v in np.clip(swing, -4, 4) * self._scale)
        for blow, across, signs in self._blows:
            since = time_s - blow.start_s
            if 0 <= since < _RUNG_AFTER * blow.decay_s:
                ring = blow.px * math.exp(-since / blow.decay_s) * math.cos(2 * math.pi * blow.hz * since)
                right += float(signs[0]) * ring * across
                down += float(signs[1]) * ring * math.sqrt(1 - across**2)
        return Shift(right, down, roll)


def _waves(imager: Imager, wind_m_s: float, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Rates, phases and amplitudes (3, waves) of sines that together have the sway's spectrum and unit variance.

    Half of the waves lie about the mount's own frequency, where a lightly damped one has most of its sway.
    """
    own, fastest = imager.sway_hz, _FASTEST_SHARE * imager.sway_hz
    wide = np.geomspace(min(_SLOWEST_HZ, own / 4), fastest, _WAVES // 2 + 1)
    close = own * (1 + np.linspace(-4, 4, _WAVES // 2 + 1) * max(imager.sway_damping, 0.01))
    edges = np.unique(np.concatenate([wide, close[close > 0]]))
    shape = (3, len(edges) - 1)
    frequency = rng.uniform(np.broadcast_to(edges[:-1], shape), np.broadcast_to(edges[1:], shape))
    power = [
        _power(low, high, imager, wind_m_s) for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    amplitude = np.sqrt(2 * np.array(power) / np.sum(power))
    return 2 * math.pi * frequency, rng.uniform(0, 2 * math.pi, shape), np.broadcast_to(amplitude, shape)


def _power(low_hz: float, high_hz: float, imager: Imager, wind_m_s: float) -> float:
    """The variance of the sway between two frequencies."""
    at = np.linspace(low_hz, high_hz, 33)
    density = gust_density(at, wind_m_s) * response(at, imager.sway_hz, imager.sway_damping)
    return float(np.trapezoid(density, at))

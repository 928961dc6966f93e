"""How warm surfaces are at an hour: heat conducted into the ground over the days before, by slope, aspect and material.

The skin of every material, tilted every way, is followed over whole days: sun and sky warm it, it radiates, the wind
takes heat away, and heat flows down into layers beneath (implicit finite differences). Materials differ in thermal
inertia, so that they change places at dawn and dusk: thermal crossover.

Sources: properties of materials after Oke, Boundary Layer Climates (1987), tables 1.1, 2.1 and 7.4, rounded; transfer
to the air by Juerges' 5.7 + 3.8 v W m-2 K-1, as given by McAdams, Heat Transmission (1954).
"""

import math
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.simulate.feature import Material
from marsad.simulate.sun import STEFAN_BOLTZMANN, Sky, sky_over
from marsad.simulate.weather import Kelvin, Weather

Array = NDArray[np.float64]

DAY_S = 86_400
STEP_S = 600.0
SLOPES_DEG = np.array([0.0, 3.0, 6.0, 10.0, 15.0, 22.0, 30.0, 45.0, 65.0, 90.0])
ASPECTS = 24
_LAYERS = 18
_SPIN_UP_DAYS = 4
_DEEP = 5.0
"""How many damping depths of the daily wave the layers reach down."""


class Properties(NamedTuple):
    """What a material does with heat; `thick_m` is infinite for ground, `breeze` scales what the wind takes away.

    `wet` is the share of the radiation left over by day that goes into water instead of warmth (Bowen).
    """

    albedo: float
    emissivity: float
    conductivity_w_m_k: float
    capacity_j_m3_k: float
    thick_m: float = math.inf
    breeze: float = 1.0
    wet: float = 0.0

    @property
    def inertia(self) -> float:
        """The thermal inertia, J m-2 K-1 s-1/2."""
        return math.sqrt(self.conductivity_w_m_k * self.capacity_j_m3_k)


MATERIALS: dict[Material, Properties] = {
    "soil": Properties(0.28, 0.95, 0.45, 1.35e6),
    "sand": Properties(0.35, 0.92, 0.30, 1.28e6),
    "gravel": Properties(0.25, 0.94, 0.70, 1.55e6),
    "rock": Properties(0.26, 0.95, 2.19, 2.25e6),
    "asphalt": Properties(0.10, 0.95, 0.75, 1.94e6),
    "concrete": Properties(0.25, 0.92, 1.51, 2.11e6),
    "grass": Properties(0.22, 0.97, 0.30, 1.3e6, breeze=2.0, wet=0.35),
    "shrub": Properties(0.20, 0.97, 0.30, 2.5e6, thick_m=0.008, breeze=4.0, wet=0.3),
    "roof": Properties(0.22, 0.92, 1.2, 1.9e6, thick_m=0.12),
    "wall": Properties(0.30, 0.92, 0.8, 1.5e6, thick_m=0.25),
}
"""All that is followed over the day; water is not: it keeps its temperature."""

_ORDER: tuple[Material, ...] = tuple(MATERIALS)


class SkinTable:
    """How warm the skin of every material is at one moment, tilted any way."""

    def __init__(self, kelvin: Array) -> None:
        """`kelvin` is (materials, slopes, aspects)."""
        # One more aspect, the first again: north from the other side.
        self._kelvin = np.concatenate([kelvin, kelvin[:, :, :1]], axis=2).astype(np.float32)

    def skin_k(self, material: Material, slope_rad: Kelvin | float, aspect_rad: Kelvin | float) -> Kelvin:
        """The skin's temperature where the ground falls `slope_rad` towards the azimuth `aspect_rad`."""
        table = self._kelvin[_ORDER.index(material)]
        row = np.interp(np.degrees(slope_rad), SLOPES_DEG, np.arange(len(SLOPES_DEG))).astype(np.float32)
        column = np.mod(np.asarray(aspect_rad, np.float32), np.float32(2 * np.pi)) * np.float32(ASPECTS / (2 * np.pi))
        top = np.minimum(row.astype(np.int32), len(SLOPES_DEG) - 2)
        left = np.minimum(column.astype(np.int32), ASPECTS - 1)
        down, across = row - top, column - left
        upper = table[top, left] * (1 - across) + table[top, left + 1] * across
        lower = table[top + 1, left] * (1 - across) + table[top + 1, left + 1] * across
        return np.asarray(upper * (1 - down) + lower * down, np.float32)

    def level_k(self, material: Material) -> float:
        """The skin's temperature on level ground."""
        return float(self._kelvin[_ORDER.index(material), 0, 0])


@lru_cache(maxsize=8)
def skins(weather: Weather, start: datetime, latitude_deg: float, longitude_deg: float) -> SkinTable:
    """The skin temperatures at the start of a scene, after days of its weather."""
    history = skin_history(weather, start, latitude_deg, longitude_deg)
    return SkinTable(history[-1].reshape(len(_ORDER), len(SLOPES_DEG), ASPECTS))


def skin_history(weather: Weather, start: datetime, latitude_deg: float, longitude_deg: float) -> Array:
    """The skin temperatures over the day that ends at `start`, (steps, materials * slopes * aspects)."""
    start_s = start.timestamp()
    time_s = start_s + np.arange(1 - round(DAY_S / STEP_S), 1, dtype=float) * STEP_S
    sky = sky_over(weather, start_s, time_s, latitude_deg, longitude_deg)
    slope, aspect = np.meshgrid(np.radians(SLOPES_DEG), np.arange(ASPECTS) * (2 * np.pi / ASPECTS), indexing="ij")
    columns = [
        _follow(properties, _absorbed(properties, sky, slope.ravel(), aspect.ravel()), sky, weather.wind_m_s)
        for properties in MATERIALS.values()
    ]
    return np.concatenate(columns, axis=1)


def transfer_w_m2_k(wind_m_s: float) -> float:
    """What the air takes from a surface for each kelvin between them."""
    return 5.7 + 3.8 * wind_m_s


def _absorbed(properties: Properties, sky: Sky, slope: Array, aspect: Array) -> Array:
    """The radiation that tilted surfaces take up, (steps, surfaces); what is not sky is ground as warm as the air."""
    cosine = np.cos(slope) * np.sin(sky.elevation_rad)[:, None] + np.sin(slope) * np.cos(sky.elevation_rad)[
        :, None
    ] * np.cos(sky.azimuth_rad[:, None] - aspect)
    open_sky = (1 + np.cos(slope)) / 2
    level = sky.beam_w_m2 * np.maximum(np.sin(sky.elevation_rad), 0) + sky.diffuse_w_m2
    sun = sky.beam_w_m2[:, None] * np.maximum(cosine, 0) + sky.diffuse_w_m2[:, None] * open_sky
    sun += 0.3 * level[:, None] * (1 - open_sky)
    around = STEFAN_BOLTZMANN * sky.air_k[:, None] ** 4
    warmth = sky.longwave_w_m2[:, None] * open_sky + around * (1 - open_sky)
    kept = (1 - properties.albedo) * (1 - properties.wet) * sun
    return np.asarray(kept + properties.emissivity * warmth)


def _follow(properties: Properties, absorbed: Array, sky: Sky, wind_m_s: float) -> Array:
    """The skin's temperature over the last of several days alike, (steps, surfaces).

    In days that are all alike no heat is left in any layer from one to the next, so that the mean of every layer is
    the skin's: between the days of spin-up the layers are set to that, which saves weeks of it.
    """
    depth = layers(properties)
    transfer = properties.breeze * transfer_w_m2_k(wind_m_s)
    profile = np.full((absorbed.shape[1], _LAYERS), sky.air_k.mean())
    for _ in range(_SPIN_UP_DAYS):
        history, mean = march(profile, depth, properties, absorbed, sky.air_k, transfer)
        profile += history.mean(axis=0)[:, None] - mean
    return march(profile, depth, properties, absorbed, sky.air_k, transfer)[0]


def layers(properties: Properties) -> Array:
    """The thickness of each layer in metres, thin at the skin and ever thicker downwards."""
    damping = math.sqrt(properties.conductivity_w_m_k / properties.capacity_j_m3_k * DAY_S / math.pi)
    total = min(_DEEP * damping, properties.thick_m)
    parts = 1.25 ** np.arange(_LAYERS)
    return np.asarray(parts * (total / parts.sum()))


def march(
    profile: Array, depth_m: Array, properties: Properties, absorbed: Array, air_k: Array, transfer: float
) -> tuple[Array, Array]:
    """The skin's temperature after every step (steps, surfaces), and the mean of every layer; `profile` moves on."""
    return _march(
        profile, depth_m, properties.conductivity_w_m_k, properties.capacity_j_m3_k, properties.emissivity, absorbed,
        air_k, transfer, STEP_S,
    )  # fmt: skip


@njit(cache=True)
def _march(
    profile: Array,
    depth_m: Array,
    conductivity: float,
    capacity: float,
    emissivity: float,
    absorbed: Array,
    air_k: Array,
    transfer: float,
    step_s: float,
) -> tuple[Array, Array]:
    steps, surfaces = absorbed.shape
    count = depth_m.shape[0]
    skin = np.empty((steps, surfaces))
    mean = np.zeros((count, surfaces))
    store, link = capacity * depth_m / step_s, np.zeros(count)
    link[:-1] = conductivity / (0.5 * (depth_m[:-1] + depth_m[1:]))
    # The skin is the top face, half a layer above the first one's middle.
    face = conductivity / (0.5 * depth_m[0])
    # Surfaces lie side by side in memory and go through each layer together: many at a time in the processor's hands.
    now = profile.T.copy()
    old = now[0].copy()
    gain, drain = np.empty(surfaces), np.empty(surfaces)
    upper, right = np.empty((count, surfaces)), np.empty((count, surfaces))
    for t in range(steps):
        for j in range(surfaces):
            # Radiation grows as the fourth power: its tangent at the last skin temperature stands for it in this step.
            radiating = emissivity * STEFAN_BOLTZMANN * old[j] ** 3
            gain[j] = absorbed[t, j] + transfer * air_k[t] + 3.0 * radiating * old[j]
            loss = transfer + 4.0 * radiating
            drain[j] = face + loss
            # The face holds no heat: what it gains flows on into the first layer.
            through = face / drain[j]
            middle = store[0] + link[0] + loss * through
            upper[0, j] = -link[0] / middle
            right[0, j] = (store[0] * now[0, j] + gain[j] * through) / middle
        for i in range(1, count):
            for j in range(surfaces):
                middle = store[i] + link[i - 1] + link[i] + link[i - 1] * upper[i - 1, j]
                upper[i, j] = -link[i] / middle
                right[i, j] = (store[i] * now[i, j] + link[i - 1] * right[i - 1, j]) / middle
        now[count - 1] = right[count - 1]
        mean[count - 1] += now[count - 1] / steps
        for i in range(count - 2, -1, -1):
            for j in range(surfaces):
                now[i, j] = right[i, j] - upper[i, j] * now[i + 1, j]
                mean[i, j] += now[i, j] / steps
        for j in range(surfaces):
            old[j] = (gain[j] + face * now[0, j]) / drain[j]
            skin[t, j] = old[j]
    profile[:] = now.T
    return skin, mean.T.copy()

"""The bare ground as one camera sees it: what it is made of, how it lies, and how warm that makes it."""

import math
from collections.abc import Sequence
from datetime import datetime

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.ground import CameraView, GroundLookup
from marsad.geo.sun import sun_position
from marsad.simulate.feature import Feature, Material, Patch, Place, River, Road, Wadi
from marsad.simulate.pattern import Footprint, Pattern, footprint
from marsad.simulate.radiometry import clear_sky_k, grey_k, water_emissivity, wave_slope
from marsad.simulate.sun import air_k
from marsad.simulate.surface import MATERIALS, SkinTable, skins
from marsad.simulate.weather import ZERO_C_K, Kelvin, Weather

Array = NDArray[np.float64]

_LATTICE = 900
_CELL_M = 6.0
_HOLLOW_M = 70.0
_POOL_K_M = 0.07
"""How much colder the air is for each metre of depth on a calm clear night. Source: the direction and size follow Oke,
Boundary Layer Climates (1987), chapter 5; the figure is of our choosing."""
_BREAK_M = 40.0
_PARTS = 5
_RAGGED_M = 1.2
_BUMP_WAVES_PX = (2.5, 4.0, 7.0, 12.0, 21.0, 36.0, 64.0)
_BUMP_M = 2.5
_BUMP_OCTAVES = 1.8
_LEVELLED = 0.35
"""Small facets give heat to their neighbours: so much is left of what a large slope would differ. Of our choosing."""
_STEEP = 4.0
"""From the inverse of that angle of sight in radians on, the ground is seen from above, and its bumps no more."""
_TILT = 0.16
"""The root mean square slope of what is rough about the ground and finer than the elevation data."""


class Lie:
    """How the ground lies at every pixel, (H, W) float32: its fall, which way, and how deep below its surroundings."""

    def __init__(self, surface: Surface, lookup: GroundLookup) -> None:
        seen = lookup.status == 0
        east, north = np.nan_to_num(lookup.east_m), np.nan_to_num(lookup.north_m)
        if not seen.any():
            self.slope_rad = self.aspect_rad = self.hollow_m = np.zeros_like(east)
            return
        west, south = float(east[seen].min()) - _CELL_M, float(north[seen].min()) - _CELL_M
        span = max(float(east[seen].max()) - west, float(north[seen].max()) - south) + _CELL_M
        cell = max(_CELL_M, span / _LATTICE)
        count = math.ceil(span / cell) + 2
        steps = np.arange(count) * cell
        up = surface.up_m(*np.meshgrid(west + steps, south + steps))
        # What is not known lies level.
        up = np.where(np.isfinite(up), up, np.nanmean(up)).astype(np.float32)
        smooth = cv2.GaussianBlur(up, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
        rise_north, rise_east = np.gradient(smooth, cell)
        wide = cv2.GaussianBlur(up, (0, 0), max(_HOLLOW_M / cell, 0.5), borderType=cv2.BORDER_REPLICATE)
        place = ((east - west) / cell).astype(np.float32), ((north - south) / cell).astype(np.float32)

        def pick(values: Kelvin) -> Kelvin:
            return np.asarray(cv2.remap(values.astype(np.float32), *place, cv2.INTER_LINEAR), np.float32)

        fall_east, fall_north = -pick(rise_east), -pick(rise_north)
        self.slope_rad = np.arctan(np.hypot(fall_east, fall_north))
        self.aspect_rad = np.arctan2(fall_east, fall_north)
        self.hollow_m = np.clip(pick(wide - smooth), -4, 10)


class Land:
    """The ground under one weather at one hour; `patterns` come from the world's own stream, alike for all cameras."""

    def __init__(self, view: CameraView, weather: Weather, start: datetime, rng: np.random.Generator) -> None:
        origin = view.surface.frame.origin
        self.view = view
        self.weather = weather
        self.start = start
        self.table: SkinTable = skins(weather, start, origin.latitude_deg, origin.longitude_deg)
        _, elevation = sun_position(np.array([start.timestamp()]), origin.latitude_deg, origin.longitude_deg)
        self.night = float(np.clip(0.5 - 10 * elevation[0], 0, 1))
        self.longitude_deg = origin.longitude_deg
        self.sky_mean_k = float(clear_sky_k(weather, np.array([math.radians(45)]))[0])
        self._stones = Pattern(rng, longest_m=420.0, shortest_m=0.1, steepness=2.5)
        self._growth = Pattern(rng, longest_m=150.0, shortest_m=0.1, steepness=2.4)
        self._rough = Pattern(rng, longest_m=24.0, shortest_m=0.05, steepness=2.3)
        self._bumps = [(wave_px, Pattern(rng, longest_m=wave_px, shortest_m=wave_px)) for wave_px in _BUMP_WAVES_PX]

    def skin_k(self, material: Material, slope_rad: Kelvin | float, aspect_rad: Kelvin | float) -> Kelvin:
        """The apparent temperature of a material tilted some way, the sky that it mirrors included."""
        skin = self.table.skin_k(material, slope_rad, aspect_rad)
        return grey_k(skin, MATERIALS[material].emissivity, self.sky_mean_k)

    def level_k(self, material: Material) -> float:
        """The apparent temperature of a material that lies level."""
        return float(self.skin_k(material, 0.0, 0.0))

    def water_k(self, river: River) -> float:
        """A river's own temperature: what is given, or the mean of the day's air."""
        if river.water_c is not None:
            return river.water_c + ZERO_C_K
        start_s = self.start.timestamp()
        return float(
            air_k(self.weather, start_s, start_s + np.arange(24, dtype=float) * 3600, self.longitude_deg).mean()
        )

    def kelvin(self, lookup: GroundLookup, features: Sequence[Feature]) -> tuple[Kelvin, Kelvin]:
        """The ground's apparent temperature at every pixel before the air, and the share of it that is water."""
        lie = Lie(self.view.surface, lookup)
        seen = footprint(lookup.east_m, lookup.north_m, lookup.metres_per_pixel, _BREAK_M)
        slope, aspect = lie.slope_rad, lie.aspect_rad
        bare = {material: self.skin_k(material, slope, aspect) for material in ("soil", "gravel", "rock", "grass")}
        stones = _share(self._stones.over(seen), 0.9, 1.6)
        grown = self._growth.over(seen)
        growth = _share(grown, 1.3, 2.0)
        ground = bare["soil"] + 0.55 * stones * (bare["gravel"] - bare["soil"] + 0.6 * (bare["rock"] - bare["gravel"]))
        ground += 0.5 * growth * (bare["grass"] - ground)
        rough = self._roughness(lookup, seen)
        ground += self.rough_k * rough
        ground -= np.float32(self._pool_k_m()) * lie.hollow_m
        # What nature made has no straight edges: its outlines are drawn on ground that is pushed about a little.
        ragged = seen._replace(
            east_m=seen.east_m + np.float32(_RAGGED_M) * grown,
            north_m=seen.north_m + np.float32(_RAGGED_M) * rough,
        )
        ground, water = self._covered(ground, rough, lookup, (seen, ragged), lie, features)
        return ground.astype(np.float32), water

    def _roughness(self, lookup: GroundLookup, seen: Footprint) -> Kelvin:
        """What is rough about the ground, about unit variance.

        A pattern that lies flat is squeezed into streaks where it is seen flat. There the near sides of bumps are seen
        instead, about as wide as high: as large in the picture as bumps of a metre or so are at that range.
        """
        rows, columns = lookup.status.shape
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        scale = np.maximum(seen.across_m, 1e-4)
        bumps, power = np.zeros_like(scale), np.full_like(scale, 1e-3)
        for wave_px, pattern in self._bumps:
            weight = np.exp(-0.5 * np.square(np.log2(wave_px * scale / _BUMP_M) / _BUMP_OCTAVES)).astype(np.float32)
            bumps += weight * pattern.at(x, y)
            power += weight**2
        flat = np.clip(1 - _STEEP * np.nan_to_num(lookup.grazing_rad), 0, 1)
        bumpy = flat * bumps / np.sqrt(power) * np.minimum(power, 1)
        return np.asarray(np.sqrt(1 - 0.7 * flat**2) * self._rough.over(seen) + bumpy, np.float32)

    @property
    def rough_k(self) -> np.float32:
        """How much warmer or colder what is rough about the ground is, for its facets look every way."""
        ways = np.linspace(0, 2 * np.pi, 12, endpoint=False, dtype=np.float32)
        tilted = self.table.skin_k("soil", np.full_like(ways, math.atan(_TILT)), ways)
        return np.float32(0.1 + _LEVELLED * float(np.ptp(tilted)) / 2)

    def _pool_k_m(self) -> float:
        return _POOL_K_M * self.night * (1 - self.weather.cloud) * max(0.0, 1 - self.weather.wind_m_s / 6)

    def _covered(
        self,
        ground: Kelvin,
        rough: Kelvin,
        lookup: GroundLookup,
        seen: tuple[Footprint, Footprint],
        lie: Lie,
        features: Sequence[Feature],
    ) -> tuple[Kelvin, Kelvin]:
        """The ground under roads, wadis, patches and rivers, in the order in which they are given.

        `seen` is what pixels cover for what was built, and for what grew.
        """
        water = np.zeros_like(ground)
        for feature in features:
            if isinstance(feature, Road | Wadi | River):
                share = along(feature.points, feature.width_m / 2, seen[isinstance(feature, Wadi)])
            elif isinstance(feature, Patch):
                share = within(feature.points, seen[feature.material not in _BUILT])
            else:
                continue
            if isinstance(feature, River):
                own = self._river_k(feature, lookup)
                water = np.maximum(water, share)
            else:
                material: Material = "gravel" if isinstance(feature, Wadi) else feature.material
                own = self.skin_k(material, lie.slope_rad, lie.aspect_rad)
                own = own + np.float32(_EVENNESS.get(material, 0.7)) * self.rough_k * rough
            ground = ground + share * (own - ground)
        return ground, water

    def _river_k(self, river: River, lookup: GroundLookup) -> Kelvin:
        """The apparent temperature of water, which lies level whatever the elevation data say."""
        above = self.view.origin[2] - np.nan_to_num(lookup.up_m)
        grazing = np.arcsin(np.clip(above / np.maximum(np.nan_to_num(lookup.range_m), 1.0), 0.001, 1.0)).astype(
            np.float32
        )
        emissivity = water_emissivity(grazing, self.weather.wind_m_s)
        mirrored = clear_sky_k(self.weather, (grazing + 2 * wave_slope(self.weather.wind_m_s)).astype(np.float64))
        return grey_k(self.water_k(river), emissivity, mirrored)


_BUILT: tuple[Material, ...] = ("asphalt", "concrete", "roof", "wall")
_EVENNESS: dict[Material, float] = {"asphalt": 0.12, "concrete": 0.15, "sand": 0.5, "grass": 1.2}
"""How much of the ground's own roughness each material has."""


def _share(pattern: Kelvin, limit: float, steep: float) -> Kelvin:
    """A share of 0 to 1 that rises where a pattern passes a limit."""
    return np.asarray(1 / (1 + np.exp(-steep * (pattern * 1.4 - limit))), np.float32)


def along(points: Sequence[Place], half_m: float, seen: Footprint) -> Kelvin:
    """The share of each pixel's ground that lies within a distance of a line through points."""
    return np.asarray(_strip(np.array(points, float), half_m, *(np.ascontiguousarray(each) for each in seen)))


def within(points: Sequence[Place], seen: Footprint) -> Kelvin:
    """The share of each pixel's ground that lies within a polygon."""
    return np.asarray(_polygon(np.array(points, float), *(np.ascontiguousarray(each) for each in seen)))


@njit(cache=True)
def _strip(
    points: Array, half: float, east: Kelvin, north: Kelvin, down_east: Kelvin, down_north: Kelvin, across: Kelvin
) -> Kelvin:
    height, width = east.shape
    out = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            blur = max(across[row, column], 0.05)
            total = 0.0
            for part in range(_PARTS):
                share = (part + 0.5) / _PARTS - 0.5
                e = east[row, column] + share * down_east[row, column]
                n = north[row, column] + share * down_north[row, column]
                best = 1e18
                for k in range(points.shape[0] - 1):
                    step_e, step_n = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]
                    length2 = max(step_e * step_e + step_n * step_n, 1e-9)
                    t = ((e - points[k, 0]) * step_e + (n - points[k, 1]) * step_n) / length2
                    t = min(max(t, 0.0), 1.0)
                    off_e, off_n = e - points[k, 0] - t * step_e, n - points[k, 1] - t * step_n
                    best = min(best, off_e * off_e + off_n * off_n)
                total += min(max((half - np.sqrt(best)) / blur + 0.5, 0.0), 1.0)
            out[row, column] = total / _PARTS
    return out


@njit(cache=True)
def _polygon(
    points: Array, east: Kelvin, north: Kelvin, down_east: Kelvin, down_north: Kelvin, across: Kelvin
) -> Kelvin:
    height, width = east.shape
    out = np.zeros((height, width), np.float32)
    count = points.shape[0]
    for row in range(height):
        for column in range(width):
            inside_parts = 0
            for part in range(_PARTS):
                share = (part + 0.5) / _PARTS - 0.5
                e = east[row, column] + share * down_east[row, column]
                n = north[row, column] + share * down_north[row, column]
                # Scattered a little across, so that an edge is not a stair.
                e += across[row, column] * ((part * 0.618) % 1 - 0.5)
                inside = False
                j = count - 1
                for i in range(count):
                    crosses = (points[i, 1] > n) != (points[j, 1] > n)
                    if (
                        crosses
                        and e
                        < (points[j, 0] - points[i, 0]) * (n - points[i, 1]) / (points[j, 1] - points[i, 1])
                        + points[i, 0]
                    ):
                        inside = not inside
                    j = i
                inside_parts += inside
            out[row, column] = inside_parts / _PARTS
    return out

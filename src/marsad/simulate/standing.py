"""What stands on the ground, as shapes in the site's frame: fences, houses, trees, reeds, rocks, shrubs and stones.

What is strewn lies where a hash of the world's own number and the cell's puts it: every camera sees the same bush at
the same place, and no camera makes more of it than it can see. Things whose sizes follow a power law and that hide
each other make pictures with the statistics of natural ones. Source: Lee, Mumford and Huang, Occlusion Models for
Natural Images, Int. J. Computer Vision 41 (2001).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from marsad.geo.ground import CameraView, GroundLookup
from marsad.simulate.feature import (
    Boulders,
    Building,
    Feature,
    Fence,
    Material,
    Place,
    River,
    Road,
    Rocks,
    Shrubs,
    Town,
    Trees,
    Wadi,
    Wall,
)
from marsad.simulate.land import Land
from marsad.simulate.stamp import CAPSULE_COLUMNS, FENCE, NOTHING, QUAD_COLUMNS, SWELL, THING, Shapes, joined
from marsad.simulate.weather import ZERO_C_K

Array = NDArray[np.float64]

_CELL_M = 20.0
_SMALLEST_PX = 0.3
"""What is less tall than that in the picture is part of the ground's own pattern."""
_LITTER = (Shrubs(per_hectare=160.0, height_m=0.22), Boulders(per_hectare=120.0, height_m=0.12))
"""What lies everywhere in dry country: tufts and stones."""
_MOUNDS = Boulders(per_hectare=450.0, height_m=0.24)
"""Unevenness finer than the elevation data: seen flat, it breaks the ground's pattern into more than streaks."""
_SWELLING = 1.4
"""A swell of the ground is warmer or colder than the ground by up to so many sigmas of what is rough about it."""
_PANEL_M = 4.0
_NEAR_M = 5.0
"""Nothing is strewn so near a camera: its makers cleared the ground."""
_ALL_AROUND = 0.6
"""A rock that stands out cools from all sides: so much is left of what bedrock is warmer than soil. Of our choosing."""
_MASSIVE_M = 0.9
"""Rocks of that height hold the heat of the day as bedrock does: about three damping depths of the daily wave."""
_LAMP_WARM_K = 25.0
_FRONDS = 11
_LEAVES = 13
_STALKS = 10
_CLUMP_PX = 1.5
"""Clumps of reeds are painted as one up to that radius in the picture."""
_CLUMPS = 60


class Strewn(NamedTuple):
    """Places with a size and a few random numbers in [0, 1) each: (N,), (N,), (N,), (N, 4)."""

    east_m: Array
    north_m: Array
    height_m: Array
    chance: Array


class Builder:
    """Turns features into shapes for one camera; what is random about a feature comes from the world's stream."""

    def __init__(self, view: CameraView, lookup: GroundLookup, land: Land, rng: np.random.Generator) -> None:
        self._view = view
        self._lookup = lookup
        self._land = land
        self._rng = rng
        self._key = int(rng.integers(1, 2**62))
        self._sorts = 0
        self._bare: list[tuple[Array, float]] = []

    def shapes(self, features: Sequence[Feature]) -> Shapes:
        """All that stands: what the features say and what lies everywhere, but for roads and water."""
        lines = [feature for feature in features if isinstance(feature, Road | River)]
        self._bare = [(np.array(line.points, float), line.width_m / 2) for line in lines]
        mounds = self._mounds(self._strew(_MOUNDS, _MOUNDS.height_m))
        return joined([mounds, *(self._build(feature) for feature in (*_LITTER, *features))])

    def _build(self, feature: Feature) -> Shapes:  # noqa: C901, PLR0911 - one line for each kind of feature
        match feature:
            case Fence():
                return self._fence(feature)
            case Wall():
                return self._wall(feature)
            case Building():
                return self._building(feature)
            case Town():
                return self._town(feature)
            case Trees():
                places = self._round(feature.east_m, feature.north_m, feature.radius_m, feature.count)
                return self._palms(places, feature.height_m) if feature.palms else self._trees(places, feature.height_m)
            case Rocks():
                return self._rocks(feature)
            case River():
                return self._river(feature)
            case Wadi():
                return self._wadi(feature)
            case Shrubs():
                return self._bushes(self._strew(feature, feature.height_m))
            case Boulders():
                return self._stones(self._strew(feature, feature.height_m))
            case _:
                return NOTHING

    # Lines: fences and walls.

    def _fence(self, fence: Fence) -> Shapes:
        posts = self._up(_spaced(fence.points, fence.posts_every_m))
        metal = self._land.level_k("concrete")
        wire = float(self._land.skin_k("shrub", math.pi / 2, 0.0))
        top = _raised(posts, fence.height_m)
        thick = np.full((len(posts), 1), fence.post_radius_m)
        capsules = [_capsules(posts, thick, top, thick, metal, metal, 1.0, role=FENCE)]
        for i in range(fence.wires):
            high = [0, 0, fence.height_m * (1 - 0.12 * i)]
            fine = np.full((len(posts) - 1, 1), 0.004)
            capsules.append(_capsules(posts[:-1] + high, fine, posts[1:] + high, fine, wire, wire, 1.0, role=FENCE))
        mesh = _quads((posts[:-1], posts[1:], top[1:], top[:-1]), wire, wire, fence.mesh, role=FENCE)
        return Shapes(np.concatenate(capsules), mesh)

    def _wall(self, wall: Wall) -> Shapes:
        foot = self._up(_spaced(wall.points, _PANEL_M))
        top = _raised(foot, wall.height_m)
        facing = self._facing(foot[:-1], foot[1:])
        own = self._land.skin_k(wall.material, np.float32(math.pi / 2) + 0 * facing, facing).astype(float)
        own = own + self._rng.normal(0, 0.15, len(own))
        return Shapes(quads=_quads((_raised(foot[:-1], -0.4), foot[1:], top[1:], top[:-1]), own - 0.2, own, 1.0))

    def _facing(self, start: Array, end: Array) -> NDArray[np.float32]:
        """The azimuth of the side of upright panels that the camera sees."""
        step = end - start
        normal = np.arctan2(step[:, 1], -step[:, 0])
        middle = (start + end) / 2 - self._view.origin
        away = np.sin(normal) * middle[:, 0] + np.cos(normal) * middle[:, 1] > 0
        return np.asarray(np.where(away, normal + np.pi, normal), np.float32)

    # Houses.

    def _town(self, town: Town) -> Shapes:
        heading = float(self._rng.uniform(0, 90))
        places = self._round(town.east_m, town.north_m, town.radius_m, town.buildings)
        places = np.round(places / 17.0) * 17.0 + self._rng.normal(0, 1.0, places.shape)
        sizes = self._rng.uniform([7, 7, 3.1], [15, 12, 7.0], (len(places), 3))
        lit = self._rng.uniform(0, 1, len(places)) ** 2
        houses = [
            Building(
                east_m=place[0],
                north_m=place[1],
                width_m=size[0],
                depth_m=size[1],
                height_m=size[2],
                heading_deg=heading,
                windows=share,
                warm_k=4.0 + 3.0 * share,
            )
            for place, size, share in zip(places.tolist(), sizes.tolist(), lit.tolist(), strict=True)
        ]
        lamps = self._lamps(self._round(town.east_m, town.north_m, town.radius_m, town.lamps))
        return joined([*(self._building(house) for house in houses), lamps])

    def _building(self, house: Building) -> Shapes:
        heading = math.radians(house.heading_deg)
        ahead, right = (
            np.array([math.sin(heading), math.cos(heading)]),
            np.array([math.cos(heading), -math.sin(heading)]),
        )
        middle = np.array([house.east_m, house.north_m])
        half = 0.5 * house.width_m * right, 0.5 * house.depth_m * ahead
        plan = np.array([middle + s * half[0] + t * half[1] for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
        ground = self._up(plan)[:, 2]
        chance = self._rng.uniform(0, 1, (4, 12))
        flue = self._flue(middle, float(ground.max()) + house.height_m, self._rng.uniform(0, 1, 3))
        if np.isnan(ground).any():
            return NOTHING
        low, high = float(ground.min()) - 0.3, float(ground.max()) + house.height_m
        corners = np.column_stack([plan, np.full(4, low)])
        top = np.column_stack([plan, np.full(4, high)])
        roof = self._land.level_k("roof")
        parts = [_quads((top[:1], top[1:2], top[2:3], top[3:]), roof, roof, 1.0)]
        for i in range(4):
            j = (i + 1) % 4
            parts.extend(self._side(house, (corners[i], corners[j], top[j], top[i]), middle, chance[i]))
        return Shapes(flue, np.concatenate(parts))

    def _side(self, house: Building, quad: tuple[Array, ...], middle: Array, chance: Array) -> list[Array]:
        """A wall with its windows; nothing where it looks away."""
        start, end, upper_end, upper_start = quad
        out = (start + end)[:2] / 2 - middle
        if out @ (self._view.origin[:2] - (start + end)[:2] / 2) <= 0:
            return []
        facing = math.atan2(out[0], out[1])
        own = float(self._land.skin_k("wall", math.pi / 2, facing)) + 0.5 * float(chance[0] - 0.5)
        parts = [_quads((start[None], end[None], upper_end[None], upper_start[None]), own + 0.3, own - 0.2, 1.0)]
        # A hand's breadth before the wall, so that they are painted after it.
        before = np.array([*(0.25 * out / np.linalg.norm(out)), 0.0])
        parts.extend(
            _window(start + before, end + before, own, house, chance[1:], i) for i in range(_windows(start, end))
        )
        return parts

    def _flue(self, middle: Array, up_m: float, chance: Array) -> Array:
        """A warm spot on some roofs: a flue, a tank, an air conditioner."""
        if chance[0] > 0.35:
            return NOTHING.capsules
        foot = np.array([[*(middle + 4 * (chance[1:] - 0.5)), up_m]])
        warm = self._land.level_k("roof") + 4 + 10 * float(chance[1])
        return _capsules(foot, [[0.25]], _raised(foot, 0.8), [[0.25]], warm, warm, 1.0)

    def _lamps(self, places: Array) -> Shapes:
        foot = self._up(places)
        head = _raised(foot, 7.0)
        pole, bulb = np.full((len(foot), 1), 0.07), np.full((len(foot), 1), 0.2)
        metal = self._land.level_k("concrete")
        poles = _capsules(foot, pole, head, pole, metal, metal, 1.0)
        hot = metal + _LAMP_WARM_K * self._land.night
        heads = _capsules(head - np.array([0.3, 0.0, 0.0]), bulb, head + np.array([0.3, 0.0, 0.0]), bulb, hot, hot, 1.0)
        return Shapes(np.concatenate([poles, heads]))

    # What grows.

    def _palms(self, places: Array, height_m: float) -> Shapes:
        foot = self._up(places)
        size = height_m * self._rng.uniform(0.7, 1.2, (len(foot), 1))
        lean = self._rng.normal(0, 0.04, (len(foot), 2)) * size
        turn = self._rng.uniform(0, 2 * np.pi, len(foot))
        crown = foot + np.column_stack([lean, size[:, 0]])
        bark, leaf = self._land.level_k("concrete"), self._leaf_k(0.0)
        parts = [_capsules(foot, 0.028 * size, crown, 0.02 * size, bark, bark, 1.0)]
        for i in range(_FRONDS):
            way = turn + 2.399963 * i
            out = np.column_stack([np.sin(way), np.cos(way), np.full(len(foot), 0.55 - 1.1 * i / _FRONDS)])
            elbow = crown + 0.16 * size * out
            tip = elbow + 0.17 * size * (out * [1, 1, 1] - [0, 0, 0.75])
            own = leaf + 0.3 * ((i % 4) - 1.5)
            parts.append(_capsules(crown, 0.016 * size, elbow, 0.028 * size, own, own, 0.9))
            parts.append(_capsules(elbow, 0.028 * size, tip, 0.008 * size, own, own, 0.8))
        return Shapes(np.concatenate(parts))

    def _trees(self, places: Array, height_m: float) -> Shapes:
        foot = self._up(places)
        size = height_m * self._rng.uniform(0.6, 1.3, (len(foot), 1))
        middle = foot + np.column_stack([np.zeros((len(foot), 2)), 0.55 * size])
        bark = self._land.level_k("concrete")
        parts = [_capsules(foot, 0.03 * size, middle, 0.02 * size, bark, bark, 1.0)]
        for i in range(_CLUMPS):
            off = self._rng.normal(0, [[0.14, 0.14, 0.12]], foot.shape) * size
            twig = self._rng.normal(0, 0.05, foot.shape) * size
            clump = middle + off + np.column_stack([np.zeros((len(foot), 2)), 0.12 * size])
            radius = self._rng.uniform(0.025, 0.07, (len(foot), 1)) * size
            own = self._leaf_k(1.0) + 0.5 * ((i % 5) - 2) / 2 + 0.8 * off[:, 2] / size[:, 0]
            parts.append(_capsules(clump - twig, radius, clump + twig, 0.8 * radius, own, own, 0.65))
        return Shapes(np.concatenate(parts))

    def _leaf_k(self, sheltered: float) -> float:
        """The leaves' temperature; deep crowns stay nearer to the air than open ones."""
        open_k = self._land.level_k("shrub")
        air = self._land.weather.air_c + ZERO_C_K
        return open_k + 0.4 * sheltered * (air - open_k)

    def _river(self, river: River) -> Shapes:
        parts = []
        length = _length_m(river.points)
        if river.reeds_m > 0:
            for side in (-1.0, 1.0):
                count = min(int(0.5 * length * river.reeds_m), 20_000)
                off = side * (river.width_m / 2 + self._rng.uniform(-0.3, 0.9, count) * river.reeds_m)
                parts.append(self._reeds(_beside(river.points, self._rng.uniform(0, length, count), off)))
        count = round(river.palms_per_km * length / 1000)
        off = self._rng.choice([-1.0, 1.0], count) * (
            river.width_m / 2 + river.reeds_m + self._rng.exponential(12.0, count) + 3.0
        )
        parts.append(self._palms(_beside(river.points, self._rng.uniform(0, length, count), off), 8.0))
        return joined(parts)

    def _reeds(self, places: Array) -> Shapes:
        """Clumps of reeds; those that are large in the picture as single stalks."""
        foot = self._up(places)
        tall = self._rng.uniform(1.2, 2.8, (len(foot), 1))
        lean = self._rng.normal(0, 0.12, (len(foot), 2)) * tall
        own = self._leaf_k(0.3) + self._rng.normal(0, 0.45, len(foot))
        strew = self._rng.normal(0, 0.22, (_STALKS, *foot.shape)) * np.array([1.0, 1.0, 0.0])
        top = foot + np.column_stack([lean, tall[:, 0]])
        far = np.linalg.norm(foot - self._view.origin, axis=1) > 0.22 * self._view.optics.focal_x_px / _CLUMP_PX
        parts = [_capsules(foot[far], 0.22, top[far], 0.06, own[far] + 0.4, own[far], 0.7)]
        for i, off in enumerate(strew[:, ~far]):
            up, shade = 0.6 + 0.4 * ((0.618 * i) % 1), own[~far] + 0.2 * ((i % 4) - 1.5)
            tip = foot[~far] + off + up * (top[~far] - foot[~far]) + 0.8 * off
            parts.append(_capsules(foot[~far] + off, 0.022, tip, 0.01, shade + 0.3, shade, 1.0))
        return Shapes(np.concatenate(parts))

    def _wadi(self, wadi: Wadi) -> Shapes:
        length = _length_m(wadi.points)
        count = round(wadi.bushes_per_100_m * length / 100)
        off = self._rng.normal(0, 0.45 * wadi.width_m, count)
        places = _beside(wadi.points, self._rng.uniform(0, length, count), off)
        tall = wadi.bush_height_m * self._rng.lognormal(-0.2, 0.4, count)
        bushes = self._bushes(Strewn(places[:, 0], places[:, 1], tall, self._rng.uniform(0, 1, (count, 4))))
        if not wadi.reeds:
            return bushes
        count = min(round(0.5 * length), 8000)
        places = _beside(wadi.points, self._rng.uniform(0, length, count), self._rng.normal(0, 1.5, count))
        return joined([bushes, self._reeds(places)])

    def _bushes(self, strewn: Strewn) -> Shapes:
        """Shrubs: one blob for those that are small in the picture, several for the others."""
        foot = self._up(np.column_stack([strewn.east_m, strewn.north_m]))
        tall, chance = strewn.height_m[:, None], strewn.chance
        own = self._leaf_k(0.4) + 1.2 * (chance[:, 0] - 0.5)
        focal = self._view.optics.focal_x_px
        px = strewn.height_m * focal / np.maximum(np.linalg.norm(foot - self._view.origin, axis=1), 1.0)
        far = px < 4
        across = np.column_stack([np.cos(6.283 * chance[:, 1]), np.sin(6.283 * chance[:, 1]), 0 * own]) * 0.3 * tall
        high = [0, 0, 0.42] * tall
        parts = [
            _capsules(
                (foot + high - across)[far], (0.42 * tall)[far], (foot + high + across)[far], (0.38 * tall)[far],
                own[far], own[far] + 0.2, 0.9,
            )
        ]  # fmt: skip
        near = ~far
        for i in range(_LEAVES):
            way = 6.283 * chance[near, 1] + 2.399963 * i
            rise = (i + 0.5) / _LEAVES
            out = 0.42 * np.sqrt(1 - 0.8 * rise**2) * (0.75 + 0.5 * ((chance[near, 2] + 0.618 * i) % 1))
            blob = np.column_stack([out * np.sin(way), out * np.cos(way), np.full(len(out), 0.08 + 0.74 * rise)])
            tip = foot[near] + blob * tall[near]
            root = foot[near] + 0.6 * blob * tall[near]
            shade = own[near] + 0.25 * ((i % 4) - 1.5)
            parts.append(_capsules(root, 0.12 * tall[near], tip, 0.15 * tall[near], shade - 0.2, shade, 0.75))
        return Shapes(np.concatenate(parts))

    # Stones.

    def _rocks(self, rocks: Rocks) -> Shapes:
        places = self._round(rocks.east_m, rocks.north_m, rocks.radius_m, rocks.count)
        size = rocks.size_m * self._rng.lognormal(-0.3, 0.5, len(places))
        chance = self._rng.uniform(0, 1, (len(places), 4))
        return self._stones(Strewn(places[:, 0], places[:, 1], size, chance), "rock")

    def _stones(self, strewn: Strewn, material: Material = "rock") -> Shapes:
        """Lumps of rock, half sunk: their tops look at the sky, their sides at the camera's side of the world."""
        foot = self._up(np.column_stack([strewn.east_m, strewn.north_m]))
        tall, chance = strewn.height_m[:, None], strewn.chance
        to_camera = np.arctan2(self._view.origin[0] - foot[:, 0], self._view.origin[1] - foot[:, 1])
        aspect = (to_camera + 2.0 * (chance[:, 0] - 0.5)).astype(np.float32)
        slope = np.radians(40 + 40 * chance[:, 1]).astype(np.float32)
        side = self._land.skin_k(material, slope, aspect).astype(float) + 0.8 * (chance[:, 3] - 0.5)
        # Small stones have little mass: they follow the soil they lie on.
        mass = _ALL_AROUND * np.clip(strewn.height_m / _MASSIVE_M, 0.15, 1.0)
        soil = self._land.level_k("soil")
        side = soil + mass * (side - soil)
        top = soil + mass * (self._land.level_k(material) - soil) + 0.4 * (chance[:, 3] - 0.5)
        across = np.column_stack([np.cos(6.283 * chance[:, 2]), np.sin(6.283 * chance[:, 2]), 0 * side]) * 0.45 * tall
        low, high = [0, 0, 0.12] * tall, [0, 0, 0.45] * tall
        left, right = foot + high - 0.6 * across, foot + high + 0.4 * across
        parts = [
            _capsules(foot + low - across, 0.5 * tall, foot + low + across, 0.42 * tall, side, side, 1.0),
            _capsules(left, 0.42 * tall, right, 0.36 * tall, top, top, 0.9),
        ]
        return Shapes(np.concatenate(parts))

    def _mounds(self, strewn: Strewn) -> Shapes:
        """Low swells of the ground, wider than high, each with a side that looks another way; they hide nothing."""
        foot = self._up(np.column_stack([strewn.east_m, strewn.north_m]))
        tall, chance = strewn.height_m[:, None], strewn.chance
        way = 2 * np.pi * chance[:, 1]
        half = np.column_stack([np.cos(way), np.sin(way), 0 * way]) * tall * (0.3 + 1.5 * chance[:, 2:3])
        warm = _SWELLING * 2 * (chance[:, 0] - 0.5) * self._land.rough_k
        return Shapes(_capsules(foot - half, tall, foot + half, 0.8 * tall, warm, 0.6 * warm, 1.0, role=SWELL))

    # Where things are.

    def _round(self, east_m: float, north_m: float, radius_m: float, count: int) -> Array:
        """Places within a circle, evenly strewn."""
        out, way = radius_m * np.sqrt(self._rng.uniform(0, 1, count)), self._rng.uniform(0, 2 * np.pi, count)
        return np.column_stack([east_m + out * np.sin(way), north_m + out * np.cos(way)])

    def _up(self, places: Array) -> Array:
        """Places on the ground; what lies off the ground that is known is not painted."""
        return np.column_stack([places, self._view.surface.up_m(places[:, 0], places[:, 1])])

    def _strew(self, what: Shrubs | Boulders, height_m: float) -> Strewn:
        """Things over all the ground that this camera sees large enough."""
        self._sorts += 1
        lookup, focal = self._lookup, self._view.optics.focal_x_px
        reach = 2.5 * height_m * focal / _SMALLEST_PX
        seen = (lookup.status == 0) & (lookup.range_m < reach)
        cells = _cells_about(lookup.east_m[seen], lookup.north_m[seen])
        found = _strew(cells, self._key + self._sorts, what.per_hectare * _CELL_M**2 / 1e4)
        east, north, chance = found[:, 0], found[:, 1], found[:, 2:]
        # A power law of sizes: many small ones, few that are four times as tall.
        tall = height_m * np.minimum(0.6 * np.maximum(chance[:, 4], 1e-6) ** -0.38, 4.0)
        distance = np.hypot(east - self._view.origin[0], north - self._view.origin[1])
        keep = (tall * focal / np.maximum(distance, 1.0) > _SMALLEST_PX) & (distance > _NEAR_M)
        if what.radius_m is not None:
            keep &= np.hypot(east - what.east_m, north - what.north_m) < what.radius_m
        for points, half_m in self._bare:
            keep &= _distance_m(points, east, north) > half_m
        return Strewn(east[keep], north[keep], tall[keep], chance[keep, :4])


def _distance_m(points: Array, east_m: Array, north_m: Array) -> Array:
    """How far places are from a line through points."""
    best = np.full(len(east_m), np.inf)
    for start, end in pairwise(points):
        way = end - start
        along = ((east_m - start[0]) * way[0] + (north_m - start[1]) * way[1]) / max(float(way @ way), 1e-9)
        along = np.clip(along, 0, 1)
        best = np.minimum(best, np.hypot(east_m - start[0] - along * way[0], north_m - start[1] - along * way[1]))
    return best


def _windows(start: Array, end: Array) -> int:
    """How many windows a wall has side by side."""
    return min(int(np.linalg.norm(end - start) // 2.8), 8)


def _window(start: Array, end: Array, wall_k: float, house: Building, chance: Array, number: int) -> Array:
    """One window on every floor: warm where somebody is at home, else colder than the wall, glass mirrors the sky."""
    lit = chance[number] < house.windows
    own = wall_k + (house.warm_k * (0.5 + float(chance[-1])) if lit else -1.5)
    middle = (number + 0.5) / _windows(start, end)
    half = 0.55 / float(np.linalg.norm(end - start))
    left, right = (start + (end - start) * share for share in (middle - half, middle + half))
    floors = np.arange(max(int(house.height_m // 3.0), 1))
    sills = np.column_stack([0 * floors, 0 * floors, 1.2 + 3.0 * floors])
    heads = sills + np.array([0.0, 0.0, 1.1])
    return _quads((left + sills, right + sills, right + heads, left + heads), own, own, 1.0)


def _cells_about(east_m: NDArray[np.float32], north_m: NDArray[np.float32]) -> NDArray[np.int64]:
    """The cells in which places lie, and those next to them, (N, 2)."""
    if not len(east_m):
        return np.empty((0, 2), np.int64)
    column, row = (np.floor(place / _CELL_M).astype(np.int64) for place in (east_m, north_m))
    first = np.array([column.min() - 1, row.min() - 1])
    taken = np.zeros((column.max() - first[0] + 2, row.max() - first[1] + 2), np.uint8)
    taken[column - first[0], row - first[1]] = 1
    found: NDArray[np.int64] = np.argwhere(cv2.dilate(taken, np.ones((3, 3), np.uint8))) + first
    return found


def _raised(places: Array, by_m: float) -> Array:
    """Places so much higher."""
    higher: Array = places + np.array([0.0, 0.0, by_m])
    return higher


def _spaced(points: Sequence[Place], every_m: float) -> Array:
    """Places along a line through points, evenly spaced on each stretch, its ends included."""
    parts = []
    for start, end in pairwise(points):
        count = max(round(math.dist(start, end) / every_m), 1)
        share = np.arange(count)[:, None] / count
        parts.append(np.array(start) + share * (np.array(end) - np.array(start)))
    return np.concatenate([*parts, np.array([points[-1]], float)])


def _length_m(points: Sequence[Place]) -> float:
    """How long a line through points is."""
    return float(np.sum(np.hypot(*np.diff(np.array(points), axis=0).T)))


def _beside(points: Sequence[Place], along_m: Array, off_m: Array) -> Array:
    """Places so far along a line through points and so far to its right."""
    line = np.array(points, float)
    legs = np.diff(line, axis=0)
    lengths = np.hypot(legs[:, 0], legs[:, 1])
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    leg = np.clip(np.searchsorted(ends, along_m, side="right") - 1, 0, len(legs) - 1)
    way = legs[leg] / lengths[leg, None]
    at: Array = line[leg] + way * (along_m - ends[leg])[:, None]
    at += np.column_stack([way[:, 1], -way[:, 0]]) * off_m[:, None]
    return at


def _capsules(
    start: Array,
    start_radius: ArrayLike,
    end: Array,
    end_radius: ArrayLike,
    low_k: ArrayLike,
    high_k: ArrayLike,
    opacity: float,
    *,
    role: float = THING,
) -> Array:
    """Rows of `Shapes.capsules`; scalars stand for all of them."""
    rows = np.empty((len(start), CAPSULE_COLUMNS))
    rows[:, 0:3], rows[:, 3:4] = start, np.asarray(start_radius)
    rows[:, 4:7], rows[:, 7:8] = end, np.asarray(end_radius)
    rows[:, 8], rows[:, 9] = np.asarray(low_k), np.asarray(high_k)
    rows[:, 10], rows[:, 11] = opacity, role
    return rows


def _quads(
    corners: tuple[Array, Array, Array, Array],
    low_k: ArrayLike,
    high_k: ArrayLike,
    opacity: float,
    *,
    role: float = THING,
) -> Array:
    """Rows of `Shapes.quads`, the lower corners first; scalars stand for all of them."""
    rows = np.empty((len(corners[0]), QUAD_COLUMNS))
    for i, corner in enumerate(corners):
        rows[:, 3 * i : 3 * i + 3] = corner
    rows[:, 12], rows[:, 13] = np.asarray(low_k), np.asarray(high_k)
    rows[:, 14], rows[:, 15] = opacity, role
    return rows


@njit(cache=True)
def _strew(cells: NDArray[np.int64], key: int, mean: float) -> Array:
    """Things in cells: east, north and five numbers in [0, 1) each, from a hash of the key and the cell."""
    most = int(mean) + 1
    out = np.empty((cells.shape[0] * most, 7))
    count = 0
    for k in range(cells.shape[0]):
        for i in range(most):
            state = np.uint64(key) ^ (np.uint64(cells[k, 0]) * np.uint64(0x9E3779B97F4A7C15))
            state ^= np.uint64(cells[k, 1]) * np.uint64(0xC2B2AE3D27D4EB4F) + np.uint64(i) * np.uint64(
                0x165667B19E3779F9
            )
            for j in range(8):
                state, value = _next(state)
                if j == 0:
                    # So many on average: each place is taken with the same chance.
                    if value >= mean / most:
                        break
                    continue
                out[count, j - 1] = value
                if j == 7:
                    out[count, 0] = (cells[k, 0] + out[count, 0]) * _CELL_M
                    out[count, 1] = (cells[k, 1] + out[count, 1]) * _CELL_M
                    count += 1
    return out[:count]


@njit(cache=True)
def _next(state: np.uint64) -> tuple[np.uint64, float]:
    """SplitMix64: the next state, and a number in [0, 1). Source: Steele, Lea and Flood, OOPSLA (2014)."""
    state += np.uint64(0x9E3779B97F4A7C15)
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return state, float(mixed >> np.uint64(11)) / 9007199254740992.0

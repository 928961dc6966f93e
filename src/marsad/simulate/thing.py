"""All that moves without legs: vehicles, motorcycles, boats, birds, and what wind and fire move.

Sizes are a pick-up's (5.3 x 1.85 x 1.8 m), a 125 cm3 motorcycle's with its rider and an open skiff's with two men.

Sources: wing beats after Pennycuick, Wingbeat frequency of birds in steady cruising flight, J. Exp. Biol. 199 (1996);
the puffing of flames after Cetegen and Ahmed, Experiments on the periodic instability of buoyant plumes and pool fires,
Combust. Flame 93 (1993): 1.5 / sqrt(diameter) a second; how far bushes bend and how heaps of twigs lie is of our
choosing.
"""

import math

import numpy as np

from marsad.simulate.actor import ActorKind, Gait
from marsad.simulate.gait import GRAVITY_M_S2, Array
from marsad.simulate.shape import Shape, ShapeMaker, ring

_LONG = 64
"""Phases of what repeats only after several beats."""
_WHEEL_R = 0.2
_AIR_KG_M3 = 1.15


def vehicle(gait: Gait, *, load: bool) -> Shape:
    """A pick-up with a roof at height 1; standing it is cold."""
    cold = "cold_" if gait in {"stand", "sit"} else ""
    make = ShapeMaker(1)
    for ahead in (-0.86, 0.86):
        for side in (-1.0, 1.0):
            start, end = (ahead, side * 0.27, _WHEEL_R), (ahead, side * 0.31, _WHEEL_R)
            make.add(start, end, _WHEEL_R, cold + "tyre")
    make.add((-0.9, 0.0, 0.26), (0.8, 0.0, 0.26), 0.1, cold + "under")
    make.add((-1.42, -0.25, 0.2), (-1.2, -0.25, 0.2), 0.035, cold + "under" if cold else "exhaust")
    for across in (-0.33, 0.0, 0.33):
        make.add((-1.32, across, 0.44), (1.3, across, 0.44), 0.19, "panel")
    for across in (-0.31, 0.0, 0.31):
        make.add((0.85, across, 0.5), (1.35, across, 0.48), 0.16, cold + "bonnet")
    for across in (-0.32, 0.0, 0.32):
        make.add((-0.15, across, 0.75), (0.5, across, 0.75), 0.165, "glass")
        make.add((-0.12, across, 0.91), (0.38, across, 0.91), 0.09, "panel")
    if load:
        for across in (-0.25, 0.25):
            make.add((-1.15, across, 0.65), (-0.45, across, 0.65), 0.2, "pack")
    return make.shape()


def motorcycle(gait: Gait, *, load: bool) -> Shape:
    """A motorcycle with its rider, whose head is at height 1; standing it is cold and has none."""
    parked = gait in {"stand", "sit"}
    make = ShapeMaker(1)
    for ahead in (-0.4, 0.4):
        # A wheel is flat: a star of spokes as thick as its tyre.
        for turn in (0.0, math.pi / 3, 2 * math.pi / 3):
            dx, dz = 0.125 * math.sin(turn), 0.125 * math.cos(turn)
            make.add(
                (ahead - dx, 0.0, 0.185 - dz), (ahead + dx, 0.0, 0.185 + dz), 0.06, "cold_tyre" if parked else "tyre"
            )
    make.add((-0.35, 0.0, 0.42), (0.12, 0.0, 0.44), 0.06, "panel")
    make.add((0.4, 0.0, 0.2), (0.28, 0.0, 0.6), 0.035, "panel")
    make.add((-0.02, 0.0, 0.27), (0.06, 0.0, 0.28), 0.1, "cold_under" if parked else "engine")
    make.add((-0.5, 0.09, 0.24), (-0.05, 0.09, 0.2), 0.03, "cold_under" if parked else "exhaust")
    if load:
        make.add((-0.4, 0.0, 0.56), (-0.3, 0.0, 0.56), 0.13, "pack")
    if not parked:
        _rider(make, -0.12, 0.48)
    return make.shape()


def _rider(make: ShapeMaker, ahead: float, seat: float) -> None:
    """Someone who sits, the head half a height above the seat."""
    for side in (-1.0, 1.0):
        knee = (ahead + 0.22, side * 0.11, seat - 0.06)
        make.add(knee, (ahead + 0.12, side * 0.11, seat - 0.28), 0.04, "trousers")
        make.add((ahead, side * 0.08, seat + 0.02), knee, 0.055, "trousers")
        make.add((ahead + 0.06, side * 0.13, seat + 0.32), (ahead + 0.16, side * 0.15, seat + 0.14), 0.035, "sleeve")
        make.add((ahead + 0.16, side * 0.15, seat + 0.14), (ahead + 0.34, side * 0.13, seat + 0.16), 0.028, "sleeve")
        make.add((ahead, side * 0.055, seat + 0.07), (ahead + 0.06, side * 0.055, seat + 0.3), 0.075, "trunk")
    make.add((ahead + 0.09, 0.0, seat + 0.42), (ahead + 0.09, 0.0, seat + 0.46), 0.06, "head")
    make.add((ahead + 0.12, 0.0, seat + 0.42), (ahead + 0.12, 0.0, seat + 0.42), 0.045, "face")


def boat(gait: Gait, *, load: bool) -> Shape:
    """An open skiff with two men, whose heads are at height 1 above the water; its outboard engine runs under way."""
    make = ShapeMaker()
    phase = np.arange(make.phases) / make.phases
    heave = 0.02 * np.sin(2 * np.pi * phase)
    pitch = 0.015 * np.sin(4 * np.pi * phase + 1.0)
    for side in (-1.0, 1.0):
        start = (-1.9, side * 0.45, 0.16 + heave - pitch)
        make.add(start, (1.2, side * 0.45, 0.18 + heave + pitch), 0.14, "hull")
        make.add((1.2, side * 0.45, 0.18 + heave + pitch), (2.2, 0.0, 0.3 + heave + 1.5 * pitch), 0.12, "hull")
    make.add((-1.9, 0.0, 0.2 + heave - pitch), (-1.9, 0.0, 0.5 + heave - pitch), 0.12, _when(gait))
    for ahead in (-1.2, 0.5):
        make.add((ahead, 0.0, 0.35 + heave), (ahead + 0.05, 0.0, 0.66 + heave), 0.16, "trunk")
        make.add((ahead, 0.0, 0.3 + heave), (ahead + 0.45, 0.0, 0.3 + heave), 0.1, "trousers")
        make.add((ahead + 0.05, 0.0, 0.86 + heave), (ahead + 0.05, 0.0, 0.9 + heave), 0.09, "head")
    if load:
        make.add((-0.6, 0.0, 0.4 + heave), (0.1, 0.0, 0.4 + heave), 0.2, "pack")
    return make.shape(hz=0.5)


def _when(gait: Gait) -> str:
    return "cold_under" if gait in {"stand", "sit"} else "bonnet"


def bird(gait: Gait, height_m: float) -> Shape:
    """A bird of span 1; on the ground its wings are folded."""
    make = ShapeMaker()
    beat = 2 * np.pi * np.arange(make.phases) / make.phases
    make.add((-0.28, 0.0, 0.0), (-0.16, 0.0, 0.0), 0.03, "plumage")
    make.add((-0.15, 0.0, 0.02), (0.12, 0.0, 0.02), 0.07, "plumage")
    make.add((0.2, 0.0, 0.05), (0.22, 0.0, 0.05), 0.045, "plumage")
    if gait in {"stand", "sit"}:
        return _raised(make.shape(hz=0.3), 0.16)
    up = 0.75 * np.cos(beat) + 0.15
    bent = up - 0.6 * np.maximum(-np.sin(beat), 0)
    for side in (-1.0, 1.0):
        wrist = 0.05, side * 0.22 * np.cos(up), 0.04 + 0.22 * np.sin(up)
        tip = -0.02, wrist[1] + side * 0.28 * np.cos(bent), wrist[2] + 0.28 * np.sin(bent)
        make.add((0.0, side * 0.04, 0.04), wrist, 0.045, "wing")
        make.add(wrist, tip, 0.032, "wing")
    return make.shape(hz=wing_beat_hz(height_m))


def _raised(shape: Shape, by: float) -> Shape:
    capsules = shape.capsules.copy()
    capsules[:, :, [2, 5]] += by
    return shape._replace(capsules=capsules)


def wing_beat_hz(span_m: float) -> float:
    """How often a bird of a span beats its wings.

    Source: Pennycuick (1996): mass^(3/8) gravity^(1/2) span^(-23/24) area^(-1/3) density^(-3/8); mass and area are
    those of birds built like pigeons and crows, 0.7 kg and 0.13 m2 at a span of 0.9 m, cube and square of the span.
    """
    scale = span_m / 0.9
    mass, area = 0.55 * scale**3, 0.13 * scale**2
    lift = mass**0.375 * math.sqrt(GRAVITY_M_S2) * span_m ** (-23 / 24)
    return float(lift * area ** (-1 / 3) * _AIR_KG_M3**-0.375)


def bush(wind_m_s: float, height_m: float) -> Shape:
    """A low round shrub of height 1 whose twigs bend with the wind, those farther up the more."""
    make = ShapeMaker(_LONG)
    phase = 2 * np.pi * np.arange(_LONG) / _LONG
    bend = min(0.004 * wind_m_s**1.7, 0.28)
    for index, (turn, out) in enumerate(_whorl(11)):
        tall = 0.95 - 0.75 * out**2 - 0.07 * (index % 3)
        own = (
            np.sin(3 * phase + 0.5 * index) + 0.5 * np.sin(7 * phase + 1.7 * index) + 0.4 * np.sin(phase + 0.2 * index)
        )
        bent = bend * tall * (0.6 + 0.5 * own)
        ahead, across = out * math.cos(turn), out * math.sin(turn)
        drop = 0.5 * np.square(bent)
        tip = ahead + bent, across + 0.4 * bent, np.maximum(tall - 0.13 - drop, 0.1)
        make.add((0.3 * ahead, 0.3 * across, 0.0), tip, 0.13, "leaf", 0.25 * (index % 4) - 0.4)
    # Twigs swing about as a pendulum of their length does: slower the taller.
    return make.shape(hz=0.55 / math.sqrt(max(height_m, 0.1)), cover=0.75)


def tumbleweed() -> Shape:
    """A ball of dry twigs of height 1 that rolls along, hopping a little."""
    make = ShapeMaker(_LONG)
    turn = 2 * np.pi * np.arange(_LONG) / _LONG
    hop = 0.08 * np.abs(np.sin(turn))
    for index, (x, y, z) in enumerate(ring(14).tolist()):
        ahead = 0.38 * (x * np.cos(turn) + z * np.sin(turn))
        up = 0.38 * (z * np.cos(turn) - x * np.sin(turn))
        centre = 0.5 + hop
        tip = ahead, 0.38 * y, centre + up
        make.add((0.2 * ahead, 0.08 * y, centre + 0.2 * up), tip, 0.1, "wood", 0.3 * (index % 3) - 0.3)
    return make.shape(stride=math.pi, cover=0.45)


def boulder() -> Shape:
    """Two lumps of rock of height 1, half sunk."""
    make = ShapeMaker(1)
    make.add((-0.3, -0.4, 0.2), (0.3, 0.45, 0.5), 0.5, "rock")
    make.add((0.0, 0.6, 0.1), (0.3, 0.85, 0.05), 0.3, "rock", -0.5)
    return make.shape()


def fire(height_m: float) -> Shape:
    """A camp fire whose flames reach to height 1 on the whole: embers that stay, flames that leap and vanish."""
    make = ShapeMaker(_LONG)
    phase = 2 * np.pi * np.arange(_LONG) / _LONG
    for turn, out in _whorl(4):
        ahead, across = 0.25 * math.cos(turn), 0.25 * math.sin(turn)
        make.add((-ahead, -across, 0.06), (ahead, 0.5 * out, 0.07), 0.06, "ember")
    for index, (turn, out) in enumerate(_whorl(5)):
        ahead, across = 0.4 * out * math.cos(turn), 0.4 * out * math.sin(turn)
        leap = _flicker(phase, index)
        tip = ahead + 0.1 * (leap - 0.5), across, 0.15 + (0.75 - 0.5 * out) * leap
        make.add((ahead, across, 0.1), tip, 0.09 * (0.4 + 0.6 * leap), "flame", 120 * (leap - 0.5))
    # Eight puffs make a cycle; the fire is half as wide as its flames are high.
    return make.shape(hz=1.5 / math.sqrt(0.5 * height_m) / 8, cover=0.9)


def _flicker(phase: Array, index: int) -> Array:
    """How high a flame stands, 0 to 1: its puff and slower and faster ones beside it."""
    wave = sum(
        weight * np.sin(beat * phase + shift * (index + 1))
        for beat, weight, shift in ((8, 0.6, 0.2), (5, 0.2, 2.1), (13, 0.2, 1.3), (2, 0.2, 0.7))
    )
    return np.clip(0.55 + 0.5 * np.asarray(wave), 0.05, 1.0)


def _whorl(count: int) -> list[tuple[float, float]]:
    """Directions by golden turns and distances that spread evenly over a disc of radius 0.6."""
    return [(2.399963 * index, 0.6 * math.sqrt((index + 0.5) / count)) for index in range(count)]


THINGS: frozenset[ActorKind] = frozenset(
    {"vehicle", "motorcycle", "boat", "bird", "bush", "tumbleweed", "boulder", "fire"}
)

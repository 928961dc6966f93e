"""How legs move: strides as long as the speed makes them, feet that stand while they carry, knees between.

Lengths are in units of the body's own height, speeds in units of sqrt(gravity * height), so that one table serves
bodies of every size that move in a dynamically similar way.

Source: Alexander and Jayes, A dynamic similarity hypothesis for the gaits of quadrupedal mammals, J. Zool. 201 (1983).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PHASES = 32
GRAVITY_M_S2 = 9.81
_BALL = 0.1
"""From the ankle to the ball of the foot, about which the heel rises, in body heights (people)."""
_STRAIGHT = 0.995
"""How straight a leg gets at most."""


class Step(NamedTuple):
    """How a foot goes.

    `duty` is the share of the stride spent on the ground, `ahead` how far ahead of the hip the middle of that lies,
    `heel_rad` how far the heel rises before it leaves.
    """

    stride: float
    duty: float
    lift: float
    ahead: float = 0.0
    heel_rad: float = 0.0


class Foot(NamedTuple):
    """A foot through a stride, ahead of the hip and above the ground: ankle and toe, and whether it carries."""

    ankle_x: Array
    ankle_z: Array
    toe_x: Array
    toe_z: Array
    down: NDArray[np.bool_]


def cycle(shift: float = 0.0) -> Array:
    """The phases of a table, 0 to 1, one leg behind another by `shift`."""
    return np.mod(np.arange(PHASES) / PHASES + shift, 1.0)


def step_foot(step: Step, shift: float, ankle: float, toe: float) -> Foot:
    """A foot that strikes at phase 0 and stands still on the ground for `step.duty` of the stride.

    `ankle` is the ankle's height over a flat foot, `toe` the toe's length ahead of it; the toe's own height is what
    keeps its sole on the ground.
    """
    phase = cycle(shift)
    reach = step.duty * step.stride
    front, back = step.ahead + reach / 2, step.ahead - reach / 2
    down = phase < step.duty
    carried = phase / step.duty
    swing = np.clip((phase - step.duty) / (1 - step.duty), 0, 1)
    flat_x = np.where(down, front - reach * carried, back + (front - back) * (1 - np.cos(np.pi * swing)) / 2)
    flat_z = np.where(down, 0.0, step.lift * np.sin(np.pi * swing))
    rising = np.where(down, np.clip((carried - 0.55) / 0.45, 0, 1), np.clip(1 - 1.6 * swing, 0, 1))
    heel = step.heel_rad * rising
    # The heel rises about the ball of the foot, which stays where it is.
    back_x, back_z = -_BALL, ankle
    ankle_x = flat_x + _BALL + back_x * np.cos(heel) + back_z * np.sin(heel)
    ankle_z = flat_z - back_x * np.sin(heel) + back_z * np.cos(heel)
    return Foot(ankle_x, ankle_z, flat_x + toe, flat_z, down)


def hip_path(feet: list[Foot], leg: float, highest: float, bounce: float = 1.0) -> Array:
    """How high the hips are: as high as the carrying legs let them, twice up and down in a stride, at most `highest`.

    `bounce` is the share of the rise that shows; a negative one is a runner's, who is lowest over the carrying leg.
    """
    limit = np.full(PHASES, highest)
    for foot in feet:
        room = np.sqrt(np.maximum((_STRAIGHT * leg) ** 2 - foot.ankle_x**2, 0.05 * leg**2)) + foot.ankle_z
        limit = np.where(foot.down, np.minimum(limit, room), limit)
    phase = cycle()
    wave = np.cos(4 * np.pi * (phase - _mid_stance(feet[0])))
    amplitude = bounce * (limit.max() - limit.min()) / 2
    return np.asarray((limit - amplitude * wave).min() + amplitude * wave)


def _mid_stance(foot: Foot) -> float:
    """The phase at which the first foot is half through its time on the ground."""
    return float(foot.down.sum() / 2 / PHASES)


def joint(
    hip: tuple[Array, Array], foot: tuple[Array, Array], upper: float, lower: float, bend: float
) -> tuple[Array, Array]:
    """The knee between a hip and a foot (x ahead, z up), bent ahead (`bend` 1) or back (-1)."""
    dx, dz = foot[0] - hip[0], foot[1] - hip[1]
    distance = np.maximum(np.hypot(dx, dz), 1e-9)
    within = np.clip(distance, abs(upper - lower) + 1e-6, upper + lower - 1e-6)
    along = (upper**2 - lower**2 + within**2) / (2 * within)
    off = bend * np.sqrt(np.maximum(upper**2 - along**2, 0))
    ux, uz = dx / distance, dz / distance
    along = along * distance / within
    return hip[0] + along * ux - off * uz, hip[1] + along * uz + off * ux


def froude(speed: float) -> float:
    """The Froude number of a speed in units of sqrt(gravity * height)."""
    return speed**2


def beast_stride(speed: float) -> float:
    """The stride of a four-legged runner in units of its hip height.

    Source: Alexander and Jayes (1983): 2.4 Fr^0.34 for walk and trot, 1.9 Fr^0.40 for canter and gallop.
    """
    number = froude(speed)
    return float(1.9 * number**0.4 if number > GALLOP_FROUDE else 2.4 * number**0.34)


TROT_FROUDE, GALLOP_FROUDE = 0.5, 2.5
"""Where a walk turns into a trot and a trot into a gallop (Alexander and Jayes 1983)."""


def person_step(speed: float) -> float:
    """The step of a walker in units of stature: step length over cadence is the same at every ordinary speed.

    Source: Sekiya and Nagasaki, Reproducibility of the walking patterns of normal young adults, Gait and Posture 7
    (1998): 0.0064 m per step/min for men, here at 1.72 m; confirmed down to 62 m/min by Murakami and Otaka (2017).
    """
    return math.sqrt(0.0064 * 60 * math.sqrt(GRAVITY_M_S2 * 1.72) * speed) / 1.72


def runner_step(speed: float) -> float:
    """The step of a runner in units of stature: cadence rises slowly with speed, 2.6 steps/s at 2.5 m/s, 3.1 at 6 m/s.

    Source: Cavanagh and Kram, Stride length in distance running, Med. Sci. Sports Exerc. 21 (1989), rounded.
    """
    scale = math.sqrt(GRAVITY_M_S2 * 1.75)
    metres_s = speed * scale
    return metres_s / (2.25 + 0.14 * metres_s) / 1.75

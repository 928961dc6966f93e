"""How many pictures of a scene one core makes: 640x512, ten actors, sway, noise, automatic gain, in memory.

`python benchmarks/scene_speed.py` plays a minute of ten actors of 10 to 40 pixels, people and beasts, before a camera
on a mast over rugged ground, after everything has been compiled and the empty scene drawn.
"""

import argparse
import math
import time
from datetime import UTC, datetime

import cv2
import numpy as np

from figures import Target, command, show
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Pose
from marsad.simulate.actor import Actor, ActorKind, Waypoint
from marsad.simulate.camera import Imager
from marsad.simulate.effect import CloudShadow, Insects
from marsad.simulate.feature import Boulders, Fence, Shrubs
from marsad.simulate.scenario import Scenario
from marsad.simulate.scene import Scene
from marsad.simulate.terrain import Relief, rugged_desert

_CENTRE = Position(latitude_deg=34.46, longitude_deg=40.95, height_m=215.0)
_PLAYERS: tuple[tuple[ActorKind, float], ...] = (
    ("person", 260),
    ("fox", 270),
    ("sheep", 330),
    ("person", 390),
    ("dog", 420),
    ("person", 450),
    ("goat", 480),
    ("person", 560),
    ("camel", 640),
    ("person", 720),
)
"""Kinds, and how far away they walk to and fro."""
_FIELD_DEG = 6.0
_WARM_UP = 30


def scenario(seconds: float) -> Scenario:
    """Ten actors who walk to and fro across the view, each at its own distance."""
    return Scenario(
        name="speed",
        start=datetime(2026, 10, 14, 19, 40, tzinfo=UTC),
        seconds=seconds,
        seed=7,
        features=(Shrubs(), Boulders(), Fence(points=((-40.0, 300.0), (40.0, 300.0)))),
        imager=Imager(ffc_every_s=180.0, dead_pixels=4),
        actors=tuple(_actor(number, *each) for number, each in enumerate(_PLAYERS)),
    )


def _actor(number: int, kind: ActorKind, north_m: float) -> Actor:
    half_m = north_m * math.tan(math.radians(_FIELD_DEG / 2))
    way = tuple(Waypoint(east_m=half_m * side, north_m=north_m) for side in (-0.7, 0.7) * 40)
    return Actor(actor_id=number + 1, kind=kind, route=way, start_s=-7.0 * number)


def scene(seconds: float, effects: bool) -> Scene:
    """The scene on generated ground, from a mast of 30 m."""
    frame = EnuFrame(_CENTRE)
    relief = Relief(wadi_west_m=900.0)
    ground = rugged_desert(_CENTRE, np.random.default_rng(3), radius_m=2600.0, relief=relief)
    pose = Pose(latitude_deg=34.46, longitude_deg=40.95, mast_m=30.0, azimuth_deg=0.0, elevation_deg=-4.6)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=_FIELD_DEG)
    played = scenario(seconds)
    if effects:
        played = _with_effects(played)
    view = CameraView(lens, pose, Surface(ground, frame, 2500.0), reach_m=2400.0)
    return Scene(view, played, np.random.default_rng(11))


def _with_effects(played: Scenario) -> Scenario:
    return Scenario(
        **{name: getattr(played, name) for name in played.__struct_fields__ if name != "effects"},
        effects=(CloudShadow(), Insects(per_hour=600.0)),
    )


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Pictures per CPU second, and what they showed."""
    start_s = time.process_time()
    made = scene(arguments.seconds, arguments.effects)
    ready_s = time.process_time() - start_s
    for index in range(_WARM_UP):
        made.render(index, 0)
    truths, frames = [], made.frames
    start_s = time.process_time()
    for index in range(_WARM_UP, frames):
        truths += made.render(index, 0)[1]
    spent_s = time.process_time() - start_s
    return {
        "frames": frames - _WARM_UP,
        "actors_a_picture": len(truths) / (frames - _WARM_UP),
        "visible_share": sum(truth.visible for truth in truths) / len(truths),
        "height_px_least": min(truth.height_px for truth in truths),
        "height_px_most": max(truth.height_px for truth in truths),
        "scene_ready_cpu_s": ready_s,
        "ms_a_frame": 1000 * spent_s / (frames - _WARM_UP),
        "frames_per_cpu_s": (frames - _WARM_UP) / spent_s,
    }


def main() -> None:
    """Measure and print."""
    parser = command(__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how much is played")
    parser.add_argument("--effects", action="store_true", help="add cloud shadows and insects")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    show("scene_speed", measure(arguments), [Target("frames_per_cpu_s", "at_least", 250.0)], as_json=arguments.json)


if __name__ == "__main__":
    main()

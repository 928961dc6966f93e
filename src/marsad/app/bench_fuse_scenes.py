"""Made-up targets and what is measured of them, as arrays that Marsad and its peers read alike.

`linear` is the textbook case: walkers of nearly constant velocity, one for each 100 x 100 m, measured as places with an
error of 5 m, nine times of ten, among as many false places as there are targets. They appear and vanish anywhere.
`towers` are cameras on masts: an azimuth and an elevation of each target on a plane, to half a milliradian, so that a
place is known a hundred times better across than along; ground that a camera does not see into, false detections,
mounts that are turned by a fraction of a degree, and a patrol of our own that reports its place.

A scene is a `Scene`; `write` and `read` keep it as .npz. Everything is in looks: what one source reported at a moment.
A scan of the linear case is one look, each camera looks once a second in its turn, and each GPS report is a look.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

S = 10**9
PATROL = -1
"""The source of GPS reports."""


class Scene(NamedTuple):
    """What is measured, and the truth.

    Each look has a moment and a source (a camera's number, or PATROL). Each measurement belongs to a look: `place_m`
    (M, 2) east and north with `place_covariance` (M, 2, 2), NaN where a ray meets no ground; for cameras also `angle`
    (M, 2), azimuth and elevation in radians, with `angle_covariance`. The places of cameras are their rays on the
    plane, linearised; neither covariance holds the mounts' errors, whose sigmas are in `bias_sigma_rad` and which
    `mount_covariance` carries to the plane.
    `label` is the number under which a camera follows what it sees, new after 5 s of not seeing it, -1 for what it
    sees once. `origin` is the target measured, -1 for none: for diagnosis only, no tracker may read it.
    The truth has a row for each target alive at each look: `truth_state` is east, north and their speeds. `own` (K,)
    are the targets that are our own patrols. `bias_rad` (C, 2) is what the mounts are really off.
    """

    look_time_ns: Integers
    look_source: Integers
    look: Integers
    place_m: Floats
    place_covariance: Floats
    mount_covariance: Floats
    angle: Floats
    angle_covariance: Floats
    label: Integers
    origin: Integers
    truth_look: Integers
    truth_id: Integers
    truth_state: Floats
    own: Integers
    camera_m: Floats
    bias_rad: Floats
    bias_sigma_rad: Floats
    low_m: Floats
    high_m: Floats
    detection_probability: float
    false_per_look: float
    acceleration_m2_s3: float
    speed_sigma_m_s: float

    @property
    def looks(self) -> int:
        """How many looks there are."""
        return len(self.look_time_ns)

    @property
    def false_density(self) -> float:
        """False places for each square metre and look."""
        return self.false_per_look / float(np.prod(self.high_m - self.low_m))


def write(scene: Scene, path: Path) -> None:
    """Keep a scene."""
    np.savez_compressed(path, **scene._asdict())


def read(path: Path) -> Scene:
    """A scene that was kept."""
    with np.load(path) as held:
        parts: dict[str, Any] = {name: held[name] if held[name].ndim else float(held[name]) for name in Scene._fields}
    return Scene(**parts)


class Linear(NamedTuple):
    """What a linear scene is made of: so many targets on average, half of them gone after `half_life_s`."""

    targets: int
    scans: int = 60
    spacing_m: float = 100.0
    sigma_m: float = 5.0
    detection_probability: float = 0.9
    false_per_target: float = 1.0
    half_life_s: float = 90.0
    acceleration_m2_s3: float = 0.02
    speed_sigma_m_s: float = 1.0


def linear(made: Linear, seed: int) -> Scene:
    """A linear scene: scans of one second, the same for the same seed."""
    rng = np.random.default_rng((1, made.targets, seed))
    side = made.spacing_m * math.sqrt(made.targets)
    dying = 1 - 0.5 ** (1 / made.half_life_s)
    ids, states, total = np.zeros(0, np.int64), np.zeros((0, 4)), 0
    rows: list[tuple[Integers, Floats, Integers, Floats]] = []
    for scan in range(made.scans):
        if scan:
            stay = rng.random(len(ids)) >= dying
            ids, states = ids[stay], walked(states[stay], 1.0, made.acceleration_m2_s3, rng)
        born = int(rng.poisson(made.targets * dying)) if scan else made.targets
        speeds = rng.normal(0, made.speed_sigma_m_s, (born, 2))
        states = np.concatenate([states, np.hstack([rng.uniform(0, side, (born, 2)), speeds])])
        ids, total = np.concatenate([ids, np.arange(total, total + born)]), total + born
        seen = rng.random(len(ids)) < made.detection_probability
        places = states[seen, :2] + rng.normal(0, made.sigma_m, (int(seen.sum()), 2))
        false = rng.uniform(0, side, (int(rng.poisson(made.false_per_target * made.targets)), 2))
        order = rng.permutation(len(places) + len(false))
        origin = np.concatenate([ids[seen], np.full(len(false), -1)])[order]
        rows.append((ids, states, origin, np.concatenate([places, false])[order]))
    place = np.concatenate([each[3] for each in rows])
    return Scene(
        look_time_ns=np.arange(made.scans) * S,
        look_source=np.zeros(made.scans, np.int64),
        look=np.repeat(np.arange(made.scans), [len(each[2]) for each in rows]),
        place_m=place,
        place_covariance=np.tile(np.eye(2) * made.sigma_m**2, (len(place), 1, 1)),
        mount_covariance=np.zeros((len(place), 2, 2)),
        angle=np.full((len(place), 2), np.nan),
        angle_covariance=np.full((len(place), 2, 2), np.nan),
        label=np.full(len(place), -1),
        origin=np.concatenate([each[2] for each in rows]),
        truth_look=np.repeat(np.arange(made.scans), [len(each[0]) for each in rows]),
        truth_id=np.concatenate([each[0] for each in rows]),
        truth_state=np.concatenate([each[1] for each in rows]),
        own=np.zeros(0, np.int64),
        camera_m=np.zeros((0, 3)),
        bias_rad=np.zeros((0, 2)),
        bias_sigma_rad=np.zeros(2),
        low_m=np.zeros(2),
        high_m=np.full(2, side),
        detection_probability=made.detection_probability,
        false_per_look=made.false_per_target * made.targets,
        acceleration_m2_s3=made.acceleration_m2_s3,
        speed_sigma_m_s=made.speed_sigma_m_s,
    )


def walked(states: Floats, step_s: float, acceleration_m2_s3: float, rng: np.random.Generator) -> Floats:
    """States (N, 4) after a step of nearly constant velocity, its noise given as a spectral density."""
    root = np.linalg.cholesky(acceleration_m2_s3 * np.array([[step_s**3 / 3, step_s**2 / 2], [step_s**2 / 2, step_s]]))
    noise = rng.normal(size=(len(states), 2, 2)) @ root.T
    moved = np.hstack([states[:, :2] + step_s * states[:, 2:], states[:, 2:]])
    after: Floats = moved + np.hstack([noise[..., 0], noise[..., 1]])
    return after


class Towers(NamedTuple):
    """What a camera scene is made of: towers in a row, targets on a field before them.

    `hollows` for each square kilometre hide what is in them from some or all cameras. The first target is our own
    patrol where `patrol` says so; it reports its place once a second.
    """

    towers: int = 2
    targets: int = 1
    seconds: int = 60
    spacing_m: float = 2500.0
    height_m: float = 30.0
    near_m: float = 2400.0
    far_m: float = 3000.0
    reach_m: float = 4500.0
    sigma_rad: float = 0.0005
    detection_probability: float = 0.9
    false_per_look: float = 0.0
    hollows: float = 0.0
    bias_deg: float = 0.0
    patrol: bool = False
    gps_sigma_m: float = 5.0
    acceleration_m2_s3: float = 0.01
    speed_sigma_m_s: float = 1.0


PAIR = Towers(detection_probability=1.0)
"""Two towers, one target: what can be known at best."""
REGISTERED = Towers(targets=3, seconds=240, detection_probability=1.0, bias_deg=0.2, patrol=True)
"""Two towers that are turned, and a patrol by which that shows."""
VALLEY = Towers(towers=3, targets=8, seconds=180, false_per_look=1.0, hollows=40.0)
"""Three towers, several targets, dead ground, false detections."""
TURNED_VALLEY = VALLEY._replace(bias_deg=0.2, patrol=True, seconds=240)
"""The same with mounts that are turned, and a patrol."""


def towers(made: Towers, seed: int) -> Scene:
    """A camera scene, the same for the same seed."""
    rng = np.random.default_rng((2, made.towers, made.targets, made.seconds, seed))
    camera = np.stack([np.arange(made.towers) * made.spacing_m, np.zeros(made.towers)], axis=-1)
    camera = np.hstack([camera, np.full((made.towers, 1), made.height_m)])
    middle, half = (made.towers - 1) * made.spacing_m / 2, max((made.towers - 1) * made.spacing_m / 4, 300.0)
    low, high = np.array([middle - half, made.near_m]), np.array([middle + half, made.far_m])
    bias = rng.normal(0, math.radians(made.bias_deg), (made.towers, 2))
    hidden = _hollows(made, low, high, rng)
    states = np.hstack(
        [rng.uniform(low, high, (made.targets, 2)), rng.normal(0, made.speed_sigma_m_s, (made.targets, 2))]
    )
    looks = [
        (second * S + turn * S // made.towers, turn) for second in range(made.seconds) for turn in range(made.towers)
    ]
    if made.patrol:
        looks = sorted(looks + [(second * S + S // 7, PATROL) for second in range(made.seconds)])
    now_ns, rows, truth = 0, [], []
    labels = _Labels(made.targets, made.towers)
    for number, (time_ns, source) in enumerate(looks):
        states = walked(states, (time_ns - now_ns) / S, made.acceleration_m2_s3, rng) if time_ns > now_ns else states
        now_ns = time_ns
        truth.append(states)
        if source == PATROL:
            fix = states[0, :2] + rng.normal(0, made.gps_sigma_m, 2)
            covariance = np.eye(2) * made.gps_sigma_m**2
            unknown = np.full((2, 2), np.nan)
            rows.append((number, fix, covariance, np.zeros((2, 2)), unknown[0], unknown, 0, 0))
            continue
        rows += _look(
            made, camera[source], bias[source], states, hidden, labels, (low, high), (number, now_ns, source), rng
        )
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    count = len(looks)
    return Scene(
        look_time_ns=np.array([each[0] for each in looks]),
        look_source=np.array([each[1] for each in looks]),
        look=columns[0],
        place_m=columns[1],
        place_covariance=columns[2],
        mount_covariance=columns[3],
        angle=columns[4],
        angle_covariance=columns[5],
        label=columns[6],
        origin=columns[7],
        truth_look=np.repeat(np.arange(count), made.targets),
        truth_id=np.tile(np.arange(made.targets), count),
        truth_state=np.concatenate(truth),
        own=np.arange(1 if made.patrol else 0),
        camera_m=camera,
        bias_rad=bias,
        bias_sigma_rad=np.full(2, math.radians(made.bias_deg)),
        low_m=low,
        high_m=high,
        detection_probability=made.detection_probability,
        false_per_look=made.false_per_look,
        acceleration_m2_s3=made.acceleration_m2_s3,
        speed_sigma_m_s=made.speed_sigma_m_s,
    )


class _Hollows(NamedTuple):
    middle_m: Floats
    radius_m: Floats
    from_camera: NDArray[np.bool_]


def _hollows(made: Towers, low: Floats, high: Floats, rng: np.random.Generator) -> _Hollows:
    """Round hollows; each is dead ground to every second camera, and each fourth to all."""
    count = int(rng.poisson(made.hollows * float(np.prod(high - low)) / 1e6))
    from_camera = rng.random((count, made.towers)) < 0.5
    from_camera[rng.random(count) < 0.25] = True
    return _Hollows(rng.uniform(low, high, (count, 2)), rng.uniform(20, 80, count), from_camera)


class _Labels:
    """The numbers under which cameras follow targets."""

    def __init__(self, targets: int, cameras: int) -> None:
        self._last_ns = np.full((targets, cameras), -(10**18))
        self._label = np.full((targets, cameras), -1)
        self._next = 0

    def of(self, target: int, camera: int, time_ns: int) -> int:
        if time_ns - self._last_ns[target, camera] > 5 * S:
            self._label[target, camera] = self._next
            self._next += 1
        self._last_ns[target, camera] = time_ns
        return int(self._label[target, camera])


def _look(
    made: Towers,
    camera: Floats,
    bias: Floats,
    states: Floats,
    hidden: _Hollows,
    labels: _Labels,
    field: tuple[Floats, Floats],
    look: tuple[int, int, int],
    rng: np.random.Generator,
) -> list[tuple[Any, ...]]:
    """What a camera reports at one moment, in no order that tells."""
    number, time_ns, source = look
    apart = np.linalg.norm(states[:, None, :2] - hidden.middle_m[None], axis=-1) < hidden.radius_m
    dead = (apart & hidden.from_camera[:, source]).any(axis=1)
    near = np.linalg.norm(states[:, :2] - camera[:2], axis=1) < made.reach_m
    seen = np.flatnonzero(~dead & near & (rng.random(len(states)) < made.detection_probability))
    false = rng.uniform(*field, (int(rng.poisson(made.false_per_look)), 2))
    angle = _angles(np.concatenate([states[seen, :2], false]), camera) + bias
    angle += rng.normal(0, made.sigma_rad, angle.shape)
    covariance, turned = np.eye(2) * made.sigma_rad**2, np.eye(2) * math.radians(made.bias_deg) ** 2
    rows = []
    for row in rng.permutation(len(angle)).tolist():
        target = int(seen[row]) if row < len(seen) else -1
        label = labels.of(target, source, time_ns) if target >= 0 else -1
        place, slopes = on_plane(angle[row], camera)
        carried = (slopes @ each @ slopes.T for each in (covariance, turned))
        rows.append((number, place, *carried, angle[row], covariance, label, target))
    return rows


def _angles(places: Floats, camera: Floats) -> Floats:
    """Azimuth and elevation (N, 2) at which a camera sees places (N, 2) on the plane."""
    east, north = (places - camera[:2]).T
    return np.stack([np.arctan2(east, north), np.arctan2(-camera[2], np.hypot(east, north))], axis=-1)


def on_plane(angle: Floats, camera: Floats) -> tuple[Floats, Floats]:
    """Where a ray meets the plane, and how that moves with the angles (2, 2); NaN for one that does not."""
    azimuth, down = float(angle[0]), -float(angle[1])
    if down <= 0:
        return np.full(2, np.nan), np.full((2, 2), np.nan)
    away = camera[2] / math.tan(down)
    along = np.array([math.sin(azimuth), math.cos(azimuth)])
    across = np.array([math.cos(azimuth), -math.sin(azimuth)])
    return camera[:2] + away * along, np.stack([across * away, along * camera[2] / math.sin(down) ** 2], axis=-1)

"""Crossings before nine cameras on three towers, and what watches would report of them.

The ground is generated, rough and known to the fuser with an error of 3 m that goes together over 300 m. What is
reported is made of the truth: whom no ground hides and a picture holds, as the direction of his feet, with an error
that is part new in every picture and part the same for seconds, and how tall he looks, with misses, spans in which
plants hide him, labels that begin anew after such a span and now and then without, labels that change places where two
pass each other, people seen as one silhouette where they stand closer than the lens can part, and things seen that are
not there.
"""

import math
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.fuse.hypotheses import angles_to
from marsad.fuse.sensor import CameraSensor, Reporting, Sensor
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.position import BearingMeasurement, Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Terrain
from marsad.kernel.track import Count
from marsad.simulate.terrain import rugged_desert, surveyed

Floats = NDArray[np.float64]

Case = Literal["handoff", "hollow", "passing", "meeting", "abreast", "turned", "clock"]
CASES: tuple[Case, ...] = get_args(Case)

NS = 10**9
EPOCH_NS = 10**18
STEP_S = 0.5
SECONDS = 200
RADIUS_M = 4000.0
ORIGIN = Position(latitude_deg=34.46, longitude_deg=40.95, height_m=240.0)
TERRAIN = Terrain(sigma_m=3.0, correlation_m=300.0)
TOWERS_M = (-1200.0, 0.0, 1200.0)
AIMS_M = (-150.0, 0.0, 150.0)
AHEAD_M = 1500.0
FIELD_DEG, TURN_DEG = 12.5, 11.5
WIDTH_PX = 640
PIXEL_RAD = math.radians(FIELD_DEG) / WIDTH_PX
MAST_M, REACH_M = 30.0, 3500.0
USUAL_DEG, TURNED_DEG = 0.02, 0.2
CLOCK_S = 0.5
STATURE_M, STATURE_SIGMA_M = 1.7, 0.1


class Errors(NamedTuple):
    """How a watch errs. Noises are in pixels, one sigma; `slow` goes together over `slow_s`.

    A walker is missed in a picture with probability `missed`; plants hide him every `hidden_every_s`, for `hidden_s` on
    average. After `label_kept_s` unseen, and every `label_every_s` without, his label is new; two who come within
    `touch_px` are one silhouette, and `swapped` of such meetings end with each other's labels. A camera begins to see
    something that is not there every `false_every_s`, for `false_s`. How tall somebody looks is off by `tall_px`, which
    goes together over `tall_s`, and of him `half_seen` a minute for `half_seen_s` only a part shows.
    """

    white_px: float = 0.35
    slow_px: float = 0.35
    slow_s: float = 2.0
    stated_px: float = 0.5
    missed: float = 0.05
    hidden_every_s: float = 45.0
    hidden_s: float = 3.0
    label_kept_s: float = 5.0
    label_every_s: float = 180.0
    touch_px: float = 2.5
    swapped: float = 0.2
    false_every_s: float = 900.0
    false_s: float = 4.0
    tall_px: float = 0.8
    tall_s: float = 10.0
    half_seen: float = 0.5
    half_seen_s: float = 5.0


class Party(NamedTuple):
    """Who goes together: places (T, N, 2) of its N people at each step, and whether no camera may see them (T)."""

    place: Floats
    hidden: NDArray[np.bool_]


class Crossings(NamedTuple):
    """One scene: parties, the sensors the fuser is given, all looks, and what is true of them.

    `whose` says of each source and label at what times which person (by number over all parties) it was; `seen`
    (T, P, S) which camera reported which party, `party_of` the party of each person.
    """

    case: Case
    parties: list[Party]
    party_of: list[int]
    sensors: list[Sensor]
    frame: EnuFrame
    looks: list[list[Look]]
    whose: dict[tuple[str, int], tuple[list[int], list[int]]]
    seen: NDArray[np.bool_]
    cameras: list[CameraView]


def crossings(case: Case, seed: int, errors: Errors | None = None) -> Crossings:
    """A scene of one case; the same for the same seed."""
    errors = errors or Errors()
    rng = np.random.default_rng((5, CASES.index(case), seed))
    frame = EnuFrame(ORIGIN)
    ground = rugged_desert(ORIGIN, rng, radius_m=RADIUS_M, cell_m=15.0)
    known = surveyed(ground, rng, sigma_m=TERRAIN.sigma_m, correlation_m=TERRAIN.correlation_m)
    real, model = Surface(ground, frame, RADIUS_M), Surface(known, frame, RADIUS_M)
    sensors, views, clocks = _cameras(case, real, model, rng)
    parties = _parties(case, rng)
    party_of = [p for p, party in enumerate(parties) for _ in range(party.place.shape[1])]
    steps = len(parties[0].place)
    looks: list[list[Look]] = [[] for _ in range(steps)]
    whose: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    seen = np.zeros((steps, len(parties), len(views)), np.bool_)
    for number, view in enumerate(views):
        off_rad = mount_off(sensors[number], view)
        watch = _Watch(view, number, parties, errors, clocks[number], off_rad, np.random.default_rng((6, seed, number)))
        for step in range(steps):
            looks[step].append(watch.look(step, whose))
            seen[step, :, number] = watch.reported
    return Crossings(case, parties, party_of, sensors, frame, looks, whose, seen, views)


def _cameras(
    case: Case, real: Surface, model: Surface, rng: np.random.Generator
) -> tuple[list[Sensor], list[CameraView], list[float]]:
    """Sensors as the fuser believes them to stand, views as they do stand, and by how much each clock is late."""
    sensors: list[Sensor] = []
    views, clocks = [], []
    off_deg = TURNED_DEG if case == "turned" else USUAL_DEG
    clock_s = CLOCK_S if case == "clock" else 0.0
    sigma = PoseSigma(azimuth_deg=off_deg, elevation_deg=off_deg, roll_deg=0.0, horizontal_m=0.0, height_m=0.0)
    lens = Lens(width_px=WIDTH_PX, height_px=512, horizontal_fov_deg=FIELD_DEG)
    for tower, (east_m, aim_m) in enumerate(zip(TOWERS_M, AIMS_M, strict=True)):
        late_s = float(rng.normal(0, clock_s)) if clock_s else 0.0
        for turn in (-1, 0, 1):
            latitude, longitude, _ = real.frame.to_geodetic(east_m, 0.0, 0.0)
            ground_m = float(real.height_m(float(latitude), float(longitude)))
            pose = Pose(
                latitude_deg=float(latitude), longitude_deg=float(longitude), ground_height_m=ground_m, mast_m=MAST_M,
                azimuth_deg=math.degrees(math.atan2(aim_m - east_m, AHEAD_M)) + turn * TURN_DEG, elevation_deg=-0.5,
                sigma=sigma,
            )  # fmt: skip
            camera = Camera(id=f"tower-{tower}{'lmr'[turn + 1]}", lens=lens, pose=pose, reach_m=REACH_M)
            reporting = Reporting(clock_sigma_s=max(clock_s, 0.02))
            sensors.append(CameraSensor(camera, CameraView(lens, pose, model, reach_m=REACH_M), TERRAIN, reporting))
            turned = msgspec.structs.replace(
                pose, azimuth_deg=pose.azimuth_deg - rng.normal(0, off_deg),
                elevation_deg=pose.elevation_deg - rng.normal(0, off_deg),
            )  # fmt: skip
            views.append(CameraView(lens, turned, real, reach_m=REACH_M))
            clocks.append(late_s)
    return sensors, views, clocks


def mount_off(sensor: Sensor, view: CameraView) -> tuple[float, float]:
    """By how much a camera says more than is true, in azimuth and in elevation: what its mount is thought to be off."""
    if not isinstance(sensor, CameraSensor):
        return 0.0, 0.0
    sight, pose = sensor.sight, view.pose
    return sight.heading_rad - math.radians(pose.azimuth_deg), sight.tilt_rad - math.radians(pose.elevation_deg)


def _parties(case: Case, rng: np.random.Generator) -> list[Party]:
    """Who crosses in a case."""
    if case == "passing":
        return _passing(rng)
    if case == "meeting":
        return _meeting(rng)
    if case == "abreast":
        return _abreast(rng)
    count = 1 if rng.random() < 0.5 else int(rng.integers(2, 6))
    hidden = case == "hollow"
    parties = [_crossing(rng, _start(rng), count, hidden=hidden)]
    if case in {"turned", "clock"} or rng.random() < 0.5:
        far = _start(rng) + np.array([0.0, rng.choice([-1, 1]) * rng.uniform(200, 400)])
        parties.append(_crossing(rng, far, int(rng.integers(1, 4)), hidden=hidden))
    return parties


def _start(rng: np.random.Generator) -> Floats:
    """Where a crossing begins: beside the middle of the sector, so that walking across it changes the camera."""
    return np.array([rng.uniform(-250, 250), AHEAD_M + rng.uniform(-150, 400)])


def _crossing(
    rng: np.random.Generator, start: Floats, count: int, *, hidden: bool, way_rad: float | None = None
) -> Party:
    """A party that walks, mostly towards the middle of the sector and the towers."""
    if way_rad is None:
        across = math.copysign(1.0, -start[0]) * rng.uniform(0.2, 1.0)
        way_rad = math.atan2(across, -rng.uniform(0.2, 1.0))
    middle, heading = _walk(rng, start, way_rad)
    out = np.zeros(len(middle), np.bool_)
    if hidden:
        first = rng.uniform(50, 110)
        out[round(first / STEP_S) : round((first + rng.uniform(10, 60)) / STEP_S)] = True
    return Party(_people(rng, middle, heading, count), out)


def _walk(rng: np.random.Generator, start: Floats, way_rad: float) -> tuple[Floats, Floats]:
    """Places (T, 2) and headings (T) of a walk: it wanders, turns every minute or so and stops now and then."""
    steps = round(SECONDS / STEP_S)
    place, heading, speed = start.copy(), way_rad, rng.uniform(0.9, 1.7)
    usual, wanted, places, headings = speed, speed, [], []
    stopped_s = 0.0
    for _ in range(steps):
        places.append(place.copy())
        headings.append(heading)
        if stopped_s > 0:
            stopped_s -= STEP_S
            wanted = 0.0 if stopped_s > 0 else usual
        elif rng.random() < STEP_S / 120:
            stopped_s = rng.uniform(5, 20)
        elif rng.random() < STEP_S / 60:
            heading += rng.normal(0, 0.5)
        heading += rng.normal(0, 0.02 * math.sqrt(STEP_S))
        speed += (wanted - speed) * STEP_S / 2
        place += STEP_S * speed * np.array([math.sin(heading), math.cos(heading)])
    return np.array(places), np.array(headings)


def _people(rng: np.random.Generator, middle: Floats, heading: Floats, count: int) -> Floats:
    """Places (T, N, 2) of those who walk in file about a middle, give or take half a metre."""
    along = (np.arange(count) - (count - 1) / 2) * rng.uniform(2.0, 5.0)
    smooth = np.convolve(heading, np.ones(9) / 9, mode="same")
    smooth[:4], smooth[-4:] = smooth[4], smooth[-5]
    way = np.stack([np.sin(smooth), np.cos(smooth)], axis=1)
    jitter, off = np.zeros((len(middle), count, 2)), np.zeros((count, 2))
    for step in range(len(middle)):
        off = off * math.exp(-STEP_S / 10) + rng.normal(0, 0.5 * math.sqrt(-math.expm1(-STEP_S / 5)), (count, 2))
        jitter[step] = off
    return np.asarray(middle[:, None] + along[None, :, None] * way[:, None] + jitter * (count > 1))


def _passing(rng: np.random.Generator) -> list[Party]:
    """Two parties that meet half-way, going contrary ways, and pass within some metres or tens of metres."""
    middle, way = _start(rng), rng.uniform(0, 2 * math.pi)
    ahead, aside = np.array([math.sin(way), math.cos(way)]), np.array([math.cos(way), -math.sin(way)])
    gap, half = rng.uniform(5, 60), SECONDS / 2 * 1.3
    first = _crossing(rng, middle - half * ahead, int(rng.integers(1, 4)), hidden=False, way_rad=way)
    begin = middle + half * ahead + gap * aside
    return [first, _crossing(rng, begin, int(rng.integers(1, 4)), hidden=False, way_rad=way + math.pi)]


def _meeting(rng: np.random.Generator) -> list[Party]:
    """Two walkers who come together, stand or walk together for half a minute, and part."""
    steps = round(SECONDS / STEP_S)
    middle, way = _start(rng), rng.uniform(0, 2 * math.pi)
    joint_s, speed = rng.uniform(20, 40), rng.choice([0.0, 1.2])
    begin, end = (SECONDS - joint_s) / 2, (SECONDS + joint_s) / 2
    ahead, aside = np.array([math.sin(way), math.cos(way)]), np.array([math.cos(way), -math.sin(way)])
    parties = []
    for side in (-1.0, 1.0):
        came, went = rng.uniform(0.5, 1.2, 2)
        place = np.empty((steps, 1, 2))
        for step in range(steps):
            t = step * STEP_S
            along = speed * (min(max(t, begin), end) - SECONDS / 2)
            apart = 1.0 + max(begin - t, 0.0) * came + max(t - end, 0.0) * went
            before = -1.2 * max(begin - t, 0.0) * 0.5 + 1.2 * max(t - end, 0.0) * 0.5
            place[step, 0] = middle + (along + before) * ahead + side * apart * aside
        parties.append(Party(place, np.zeros(steps, np.bool_)))
    return parties


def _abreast(rng: np.random.Generator) -> list[Party]:
    """Two groups that go the same way at the same speed, 150 to 300 m apart, one mostly behind the other."""
    one = _crossing(rng, _start(rng), int(rng.integers(2, 5)), hidden=False)
    way = rng.normal(0, 0.6)
    gap = rng.uniform(160, 300) * np.array([math.sin(way), math.cos(way)])
    middle = one.place.mean(axis=1) + gap
    step = np.diff(middle, axis=0, append=middle[-1:] + middle[-1:] - middle[-2:-1])
    heading = np.arctan2(step[:, 0], step[:, 1])
    return [one, Party(_people(rng, middle, heading, int(rng.integers(2, 5))), one.hidden)]


class _Watch:
    """One camera's reports of all that it may see."""

    def __init__(
        self, view: CameraView, number: int, parties: list[Party], errors: Errors, late_s: float,
        off_rad: tuple[float, float], rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._view, self._errors, self._late_ns, self._rng = view, errors, round(late_s * NS), rng
        self._off_rad = off_rad
        self._name = f"tower-{number // 3}{'lmr'[number % 3]}"
        camera = Camera(id=self._name, lens=view.lens, pose=view.pose, reach_m=REACH_M)
        self._sight = CameraSensor(camera, view, TERRAIN).sight
        self._phase_ns = round(rng.uniform(0, STEP_S) * NS)
        place = np.concatenate([party.place for party in parties], axis=1)
        self._place, people = place, place.shape[1]
        self._party_of = np.concatenate([np.full(p.place.shape[1], i) for i, p in enumerate(parties)])
        dark = np.stack([p.hidden for p in parties], axis=1)[:, self._party_of]
        flat = place.reshape(-1, 2)
        self._open = view.sees(flat[:, 0], flat[:, 1], 0.6).reshape(dark.shape) & ~dark & ~self._plants(dark.shape)
        self._slow = rng.normal(0, errors.slow_px, (people, 2))
        # Of their own, so that who looks how tall changes nothing else of a scene.
        self._tall_rng = np.random.default_rng((7, number, people))
        self._stature_m = STATURE_M + STATURE_SIGMA_M * np.random.default_rng((8, people)).normal(size=people)
        self._taller_px = self._tall_rng.normal(0, errors.tall_px, people)
        self._half_until_s = np.zeros(people)
        self._share = np.ones(people)
        self._label = np.full(people, -1)
        self._unseen_s = np.full(people, math.inf)
        self._next = 0
        self._touching: set[tuple[int, int]] = set()
        self._false: list[tuple[float, int, Floats]] = []
        self.reported = np.zeros(len(parties), np.bool_)

    def _plants(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Spans (T, N) in which plants hide each."""
        out = np.zeros(shape, np.bool_)
        for person in range(shape[1]):
            t = self._rng.exponential(self._errors.hidden_every_s)
            while t < SECONDS:
                long = self._rng.exponential(self._errors.hidden_s)
                out[round(t / STEP_S) : round((t + long) / STEP_S), person] = True
                t += long + self._rng.exponential(self._errors.hidden_every_s)
        return out

    def look(self, step: int, whose: dict[tuple[str, int], tuple[list[int], list[int]]]) -> Look:
        """What is reported at a step; whose each label is then is noted."""
        errors, rng = self._errors, self._rng
        kept = math.exp(-STEP_S / errors.slow_s)
        self._slow = kept * self._slow + rng.normal(0, errors.slow_px * math.sqrt(1 - kept**2), self._slow.shape)
        direction = np.array([self._direction(place) for place in self._place[step]])
        there = np.flatnonzero(self._open[step])
        merged = self._merged(direction, there)
        self._swap(direction, there)
        tall_rad = self._looks_tall(step)
        time_ns = EPOCH_NS + round(step * STEP_S * NS) + self._phase_ns
        self.reported[:] = False
        self._unseen_s += STEP_S
        made = []
        for head, those in merged:
            if rng.random() < errors.missed:
                continue
            self.reported[self._party_of[those]] = True
            label = self._labelled(head)
            noted = whose.setdefault((self._name, label), ([], []))
            noted[0].append(time_ns + self._late_ns)
            noted[1].append(head)
            at = direction[those].mean(axis=0) + PIXEL_RAD * (self._slow[head] + rng.normal(0, errors.white_px, 2))
            made.append(self._measured(at, label, len(those), time_ns, float(tall_rad[those].max())))
        made += [self._measured(at, label, 1, time_ns, 3 * PIXEL_RAD) for at, label in self._not_there(step)]
        order = rng.permutation(len(made))
        return Look(source_id=self._name, time_ns=time_ns + self._late_ns, measurements=tuple(made[i] for i in order))

    def _looks_tall(self, step: int) -> Floats:
        """How tall each looks (N), in radians."""
        errors, rng, now_s = self._errors, self._tall_rng, step * STEP_S
        kept = math.exp(-STEP_S / errors.tall_s)
        self._taller_px = kept * self._taller_px + rng.normal(
            0, errors.tall_px * math.sqrt(1 - kept**2), self._taller_px.shape
        )
        begins = rng.random(len(self._share)) < errors.half_seen * STEP_S / 60
        share, long_s = rng.uniform(0.3, 0.9, len(begins)), rng.exponential(errors.half_seen_s, len(begins))
        self._share = np.where(begins, share, np.where(now_s < self._half_until_s, self._share, 1.0))
        self._half_until_s = np.where(begins, now_s + long_s, self._half_until_s)
        away = np.hypot(*(self._place[step] - self._view.origin[:2]).T)
        return np.maximum(self._share * self._stature_m / away + PIXEL_RAD * self._taller_px, 0.5 * PIXEL_RAD)

    def _direction(self, place: Floats) -> tuple[float, float]:
        across, climb, _, _ = angles_to(self._view.surface.arrays, self._sight, place[0], place[1], 0.0)
        return across + self._sight.heading_rad + self._off_rad[0], climb + self._off_rad[1]

    def _merged(self, direction: Floats, there: NDArray[np.int64]) -> list[tuple[int, list[int]]]:
        """Silhouettes: who leads each, and who is in it."""
        order = there[np.argsort(direction[there, 0])] if len(there) else there
        out: list[tuple[int, list[int]]] = []
        for person in order.tolist():
            last = out[-1][1][-1] if out else -1
            if last >= 0 and self._touch(direction, last, person):
                out[-1][1].append(person)
            else:
                out.append((person, [person]))
        # The silhouette goes on under the label that was seen last, the oldest first.
        return [
            (min(those, key=lambda p: (self._unseen_s[p] > STEP_S, self._label[p] < 0, p)), those) for _, those in out
        ]

    def _touch(self, direction: Floats, one: int, two: int) -> bool:
        off = np.abs(direction[one] - direction[two]) / PIXEL_RAD
        return bool(off[0] < self._errors.touch_px and off[1] < 3 * self._errors.touch_px)

    def _swap(self, direction: Floats, there: NDArray[np.int64]) -> None:
        """Let some of those who have just parted again take each other's labels."""
        pairs = {(i, j) for i in there.tolist() for j in there.tolist() if i < j and self._touch(direction, i, j)}
        for one, two in self._touching - pairs:
            if self._rng.random() < self._errors.swapped:
                self._label[[one, two]] = self._label[[two, one]]
        self._touching = pairs

    def _labelled(self, person: int) -> int:
        lost = self._unseen_s[person] > self._errors.label_kept_s
        if lost or self._label[person] < 0 or self._rng.random() < STEP_S / self._errors.label_every_s:
            self._label[person] = self._next
            self._next += 1
        self._unseen_s[person] = 0.0
        return int(self._label[person])

    def _not_there(self, step: int) -> list[tuple[Floats, int]]:
        """Directions and labels of what is seen and is not there: it stands, and is gone after seconds."""
        now_s, errors, rng = step * STEP_S, self._errors, self._rng
        self._false = [each for each in self._false if each[0] > now_s]
        if rng.random() < STEP_S / errors.false_every_s:
            pose, half = self._view.pose, math.radians(FIELD_DEG) / 2
            at = np.array([math.radians(pose.azimuth_deg) + rng.uniform(-half, half), -rng.uniform(0.01, 0.03)])
            at += self._off_rad
            self._false.append((now_s + rng.exponential(errors.false_s), self._next, at))
            self._next += 1
        return [(at + PIXEL_RAD * rng.normal(0, errors.white_px, 2), label) for _, label, at in self._false]

    def _measured(self, at: Floats, label: int, heads: int, time_ns: int, tall_rad: float) -> Measurement:
        variance = (self._errors.stated_px * PIXEL_RAD) ** 2
        bearing = BearingMeasurement(
            time_ns=time_ns, azimuth_rad=float(at[0]) % (2 * math.pi), elevation_rad=float(at[1]),
            azimuth_rad2=variance, azimuth_elevation_rad2=0.0, elevation_rad2=variance, pose_version=1,
        )  # fmt: skip
        count = Count(best=heads, low=max(heads - 1, 1), high=heads + 1) if heads > 1 else None
        return Measurement(
            bearing=bearing, label=label, kind="person" if heads == 1 else "group",
            kind_confidence=0.8 if heads == 1 else 0.7, count=count, height_rad=tall_rad,
            height_sigma_rad=self._errors.tall_px * PIXEL_RAD,
        )  # fmt: skip

"""A night's releases, attacked by a partner who wants to know where the cameras stand and what ground they do not see.

    python benchmarks/release_attack.py                     # one night, every attack, with and without the agreement
    python benchmarks/release_attack.py --nights 5 --walkers 120

The partner knows the terrain, how far such cameras see, the agreement, and (its own posts see them too) the true way of
everybody who walks. `as it is` is the control: the picture itself, as a partner would have it without an agreement.
Distances are in metres: of each true camera from the nearest place that the attack names, the least and the median over
the cameras; and of each place where sight was lost from where the attack puts it, one in twenty and the median. Guesses
are of as many cameras anywhere on the giver's side: one in twenty guesses as well as the least that is given for them.

Then camera by camera: the nearest of all places that all attacks on the releases name; the nearest of no more places
that somebody names who was told nothing and has only a map (the heights, where one sees most from, even spacing); and
how often one of so many places named at random lies within the protected distance. See `release_belief.py` for what
somebody learns who reckons through every place where a camera might stand.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from marsad.coordinate.agreement import sign
from marsad.coordinate.cadence import Ledger, tell
from marsad.coordinate.ground import Eye, ground_of, other_places
from marsad.coordinate.offer import Offered
from marsad.coordinate.terms import Terms
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement, Party, ReleaseGround, SignedAgreement
from marsad.kernel.lattice import Lattice
from marsad.kernel.picture import Contributor, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.release import ReleaseRule

Array = NDArray[np.float64]
NS = 10**9
START_NS = 1_790_000_000 * NS
ORIGIN = Position(latitude_deg=34.41, longitude_deg=40.93)
ANCHOR = Position(latitude_deg=34.40, longitude_deg=40.90)
SITE = EnuFrame(ORIGIN)
WEST, EAST, SOUTH, NORTH = -6000.0, 6000.0, -3000.0, 4000.0
REACH_M = 4500.0
HALF_VIEW_RAD = np.radians(55)
PROTECTED_M = 250
STEP_S = 10
GRID_M = 50.0


@dataclass
class World:
    """The ground, its cameras (N, 4: east, north, height of the lens, azimuth), and the cells that each sees."""

    heights: Array
    cameras: Array
    lattice: Lattice
    sights: list[NDArray[np.bool_]]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """What they see together."""
        together: NDArray[np.bool_] = np.any(self.sights, axis=0)
        return together


@dataclass
class Spot:
    """One thing that the partner has on its map at one moment; `axis` and `sure` only where it is told as it is."""

    time_s: int
    name: str
    walker: int
    place: tuple[float, float]
    covariance: GroundCovariance | None = None
    sure: bool = True


@dataclass
class Night:
    """Who walked where, what was told, of which blocks, and where sight was lost: walker, second, east, north.

    `named` are the places that each attack on what was told names, once it has been made.
    """

    world: World
    terms: Terms
    blocks: tuple[tuple[int, int], ...]
    ways: list[Array]
    losses: list[tuple[int, int, float, float]] = field(default_factory=list)
    named: dict[str, Array] = field(default_factory=dict)
    raw: list[Spot] = field(default_factory=list)
    told: list[Spot] = field(default_factory=list)


class Figures(NamedTuple):
    """What came of an attack."""

    attack: str
    on: str
    least_m: float
    median_m: float


# -- the world ---------------------------------------------------------------------------------------------------------


def height_at(heights: Array, east: Array | float, north: Array | float) -> Array:
    """The ground's height, of the nearest cell."""
    rows, columns = heights.shape
    column = np.clip(np.floor((east - WEST) / GRID_M), 0, columns - 1).astype(int)
    row = np.clip(np.floor((north - SOUTH) / GRID_M), 0, rows - 1).astype(int)
    found: Array = heights[row, column]
    return found


def visible(heights: Array, camera: Array, east: Array, north: Array) -> NDArray[np.bool_]:
    """Which places a camera sees somebody at: in reach, in its view, with nothing before them."""
    x, y, lens, azimuth = camera
    dx, dy = east - x, north - y
    away = np.hypot(dx, dy)
    off = np.abs((np.arctan2(dx, dy) - azimuth + np.pi) % (2 * np.pi) - np.pi)
    near = (away < REACH_M) & (away > 30) & (off < HALF_VIEW_RAD)
    share = (np.arange(1, 40) / 40)[:, None]
    ex, nx = east[near], north[near]
    ray = lens + share * (height_at(heights, ex, nx) + 1.5 - lens)
    ground = height_at(heights, x + share * (ex - x), y + share * (nx - y))
    out = np.zeros(east.shape, bool)
    out[near] = (ground < ray).all(axis=0)
    return out


def make_world(rng: np.random.Generator, cameras: int = 5, relief_m: float = 9.0) -> World:
    """Rolling ground, and cameras on the higher places of the south."""
    east, north = np.meshgrid(np.arange(WEST, EAST, GRID_M), np.arange(SOUTH, NORTH, GRID_M))
    heights = np.zeros(east.shape)
    for _ in range(14):
        turn, length = rng.uniform(0, np.pi), rng.uniform(700, 2500)
        wave = 2 * np.pi * (east * np.cos(turn) + north * np.sin(turn)) / length + rng.uniform(0, 6)
        heights += relief_m / 3.5 * (length / 1500) * np.sin(wave)
    stands = []
    for k in range(cameras):
        middle = WEST + (k + 0.5) * (EAST - WEST) / cameras
        x, y = middle + rng.uniform(-700, 700, 200), rng.uniform(-1800, -500, 200)
        best = int(np.argmax(height_at(heights, x, y)))
        up = float(height_at(heights, x[best : best + 1], y[best : best + 1])[0])
        stands.append([x[best], y[best], up + 25, rng.uniform(-0.35, 0.35)])
    found = np.array(stands)
    return world_with(heights, found)


def world_with(heights: Array, cameras: Array) -> World:
    """The ground with its cameras."""
    rows, columns = heights.shape
    lattice = Lattice(west_m=WEST, north_m=NORTH, cell_m=GRID_M, rows=rows, columns=columns)
    across, down = lattice.centres()
    return World(heights, cameras, lattice, [visible(heights, camera, across, down) for camera in cameras])


def released_ground(world: World, agreement: Agreement) -> ReleaseGround:
    """The blocks that are told of."""
    across, down = world.lattice.centres()

    def at(camera: Array, east: float, north: float) -> NDArray[np.bool_]:
        x, y, lens, azimuth = camera
        up = float(height_at(world.heights, x, y))
        there = float(height_at(world.heights, x + east, y + north))
        return visible(world.heights, np.array([x + east, y + north, lens - up + there, azimuth]), across, down)

    eyes = [
        Eye(seen, [at(camera, *away) for away in other_places(agreement.protected_distance_m)])
        for camera, seen in zip(world.cameras, world.sights, strict=True)
    ]
    return ground_of(agreement, ORIGIN, world.lattice, eyes)


def walk(rng: np.random.Generator) -> Array:
    """A way over the line, one place each step (T, 2)."""
    at = np.array([rng.uniform(WEST + 500, EAST - 500), rng.uniform(2600, 3400)])
    heading, speed, places = rng.uniform(-0.5, 0.5), rng.uniform(0.9, 1.5), []
    while at[1] > -300 and WEST < at[0] < EAST:
        heading = 0.97 * heading + rng.normal(0, 0.06)
        at = at + speed * STEP_S * np.array([np.sin(heading), -np.cos(heading)])
        places.append(at)
    return np.array(places)


# -- the picture -------------------------------------------------------------------------------------------------------


def ellipse(cameras: Array, place: Array) -> Array:
    """What some cameras together know of a place: long along each line of sight, narrow across it (2, 2)."""
    information: NDArray[np.floating[Any]] = np.zeros((2, 2))
    for x, y, *_ in cameras:
        line = place - (x, y)
        away = float(np.hypot(*line))
        along = line / away
        across = np.array([-along[1], along[0]])
        information += np.outer(along, along) / (5 + 0.015 * away) ** 2
        information += np.outer(across, across) / (2 + 0.0005 * away) ** 2
    found: Array = np.linalg.inv(information)
    return found


class Follower:
    """One walker as the picture has it: seen, carried on by prediction, lost, and found again under another name."""

    def __init__(self, walker: int, rng: np.random.Generator) -> None:
        self.walker, self.rng = walker, rng
        self.part, self.looks, self.unseen_s = 0, 0, 0
        self.error = rng.normal(size=2)
        self.place: Array = np.zeros(2)
        self.spread: Array = np.eye(2)
        self.rate: Array = np.zeros(2)

    def step(
        self, world: World, truth: Array, rate: Array, seeing: NDArray[np.bool_], time_ns: int
    ) -> PictureTrack | None:
        """The track at one step, None where there is none."""
        self.error = 0.9 * self.error + np.sqrt(1 - 0.81) * self.rng.normal(size=2)
        if seeing.any():
            self.spread = ellipse(world.cameras[seeing], truth)
            self.place = truth + np.linalg.cholesky(self.spread) @ self.error
            self.rate, self.looks, self.unseen_s = rate, self.looks + 1, 0
        elif self.looks:
            self.unseen_s += STEP_S
            self.place = self.place + self.rate * STEP_S
            self.spread = self.spread + np.eye(2) * (4.0 + 0.02 * self.unseen_s**2)
            if self.unseen_s > 120:
                self.part, self.looks = self.part + 1, 0
        if not self.looks:
            return None
        status = "tentative" if self.looks < 3 else "confirmed" if seeing.any() else "coasting"
        return self.track(status, seeing, time_ns)

    def track(self, status: str, seeing: NDArray[np.bool_], time_ns: int) -> PictureTrack:
        """The track as the picture shows it."""
        east, north = map(float, self.place)
        a, b, c = float(self.spread[0, 0]), float(self.spread[0, 1]), float(self.spread[1, 1])
        covariance = GroundCovariance(east_m2=a, east_north_m2=b, north_m2=c)
        ground = GroundState(
            position=SITE.position(east, north), east_m=east, north_m=north, covariance=covariance, range_m=0.0,
            velocity_east_m_s=float(self.rate[0]), velocity_north_m_s=float(self.rate[1]),
        )  # fmt: skip
        return PictureTrack(
            track_id=f"t{self.walker}-{self.part}", origin="east", time_ns=time_ns, status=status, ground=ground,  # type: ignore[arg-type]
            velocity_covariance=covariance, existence=0.99, first_ns=time_ns, seen_ns=time_ns, kind="person",
            contributors=tuple(
                Contributor(source_id=f"camera-{k}", origin="east", time_ns=time_ns) for k in np.flatnonzero(seeing)
            ),
        )  # fmt: skip


def signed_agreement() -> SignedAgreement:
    """The agreement under attack: within 3 km of the line, in cells as wide as the protected distance."""
    keys = {"east": bytes([1]) * 32, "west": bytes([2]) * 32}
    public = {n: Ed25519PrivateKey.from_private_bytes(k).public_key().public_bytes_raw().hex() for n, k in keys.items()}
    rule = ReleaseRule(
        rule_id="people", giver="east", taker="west", items=("track",), kinds=("person", "unknown"), near_line_m=3000,
        precision_m=PROTECTED_M, sigma_m=PROTECTED_M, time_precision_s=60, every_s=60, dwell_s=60, hold_s=180,
        fields=("kind", "heading"),
    )  # fmt: skip
    one, other = (Party(party_id=name, public_key=public[name]) for name in keys)
    agreement = Agreement(
        agreement_id="night", version=1, parties=(one, other), from_ns=START_NS - NS, until_ns=START_NS + 10**15,
        anchor=ANCHOR, protected_distance_m=PROTECTED_M, block_m=4 * PROTECTED_M, rules=(rule,),
        line=(SITE.position(-7000, 0), SITE.position(7000, 0)),
    )  # fmt: skip
    return SignedAgreement(agreement=agreement, signatures=tuple(sign(agreement, n, k) for n, k in keys.items()))


def agreed(ground: ReleaseGround) -> Terms:
    """What the giver releases under."""
    return Terms(signed_agreement(), "east", bytes(range(32)), ground)


def make_night(seed: int, walkers: int, ground: World | None = None) -> Night:
    """Everybody who walks, what the picture shows of them, and what the partner is told; on a given ground, or one."""
    rng = np.random.default_rng(seed)
    world = make_world(rng) if ground is None else ground
    opened = released_ground(world, signed_agreement().agreement)
    terms = agreed(opened)
    night = Night(world, terms, opened.blocks, [walk(rng) for _ in range(walkers)])
    for walker, way in enumerate(night.ways):
        follow(night, walker, way, terms, rng)
    return night


def follow(night: Night, walker: int, way: Array, terms: Terms, rng: np.random.Generator) -> None:
    """Take one walker's way into the night; each is told on its own, which changes nothing for the others."""
    world, follower, ledger, standing = night.world, Follower(walker, rng), Ledger(), dict[str, tuple[float, float]]()
    seeing = np.array([visible(world.heights, camera, way[:, 0], way[:, 1]) for camera in world.cameras]).T
    begin_s, size = walker * 137, PROTECTED_M
    frame = EnuFrame(ANCHOR)
    for k, place in enumerate(way):
        time_s = begin_s + k * STEP_S
        if k and seeing[k - 1].any() and not seeing[k : k + 6].any():
            night.losses.append((walker, time_s - STEP_S, float(way[k - 1, 0]), float(way[k - 1, 1])))
        rate = (place - way[k - 1]) / STEP_S if k else np.zeros(2)
        track = follower.step(world, place, rate, seeing[k], START_NS + time_s * NS)
        if track is not None and track.status != "tentative":
            at = (track.ground.east_m, track.ground.north_m)
            sure = track.status == "confirmed"
            night.raw.append(Spot(time_s, track.track_id, walker, at, track.ground.covariance, sure))
        offers = [] if track is None else [Offered(what=track, origins=("east",), exercise=False)]
        telling = tell(ledger, offers, terms, START_NS + time_s * NS)
        ledger = telling.ledger
        for given in telling.given:
            cell = given.release.cell
            if given.release.act == "ended" or cell is None:
                standing.pop(given.release.thing_id, None)
                continue
            middle = frame.position((cell.east + 0.5) * size, (cell.north + 0.5) * size)
            east, north, _ = SITE.from_geodetic(middle.latitude_deg, middle.longitude_deg)
            standing[given.release.thing_id] = float(east), float(north)
        night.told += [Spot(time_s, name, walker, at) for name, at in standing.items()]


class Lines(NamedTuple):
    """Lines through starts (N, 2) along ways (N, 2), and how much each counts (N,)."""

    starts: Array
    ways: Array
    weights: Array


# -- the attacks -------------------------------------------------------------------------------------------------------


def candidates(step_m: float = 100.0) -> Array:
    """Where a camera might stand (C, 2): the giver's side."""
    east, north = np.meshgrid(np.arange(WEST, EAST + 1, step_m), np.arange(-2600, 1, step_m))
    return np.column_stack([east.ravel(), north.ravel()])


def peaks(where: Array, votes: Array, count: int, apart_m: float = 900.0) -> Array:
    """The places with the most votes, no two of them near each other."""
    found: list[Array] = []
    for k in np.argsort(-votes):
        if votes[k] > 0 and all(np.hypot(*(where[k] - other)) > apart_m for other in found):
            found.append(where[k])
        if len(found) == count:
            break
    return np.array(found).reshape(-1, 2)


def line_votes(where: Array, lines: Lines) -> Array:
    """How many lines pass each place, each (through a start, along a way) voting for the places within 60 m of it."""
    votes = np.zeros(len(where))
    for start, way, weight in zip(*lines, strict=True):
        to = where - start
        off = np.abs(to[:, 0] * way[1] - to[:, 1] * way[0])
        votes += weight * np.exp(-0.5 * (off / 60) ** 2)
    return votes


def crossing_lines(lines: Lines, count: int) -> Array:
    """Where most lines cross."""
    return peaks(candidates(), line_votes(candidates(), lines), count)


def by_ellipses(night: Night, spots: Sequence[Spot]) -> Array:
    """The long axes of the ellipses point at the cameras."""
    return crossing_lines(long_axes(night, spots), len(night.world.cameras))


def long_axes(night: Night, spots: Sequence[Spot]) -> Lines:
    """The long axes of the ellipses that are told."""
    del night
    drawn = [spot for spot in spots if spot.covariance is not None and spot.sure][:: max(1, len(spots) // 3000)]
    if not drawn:
        return Lines(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))
    rows = [[[s.covariance.east_m2, s.covariance.east_north_m2], [s.covariance.east_north_m2, s.covariance.north_m2]]
            for s in drawn if s.covariance is not None]  # fmt: skip
    values, vectors = np.linalg.eigh(np.array(rows))
    weights = np.clip(np.sqrt(values[:, 1] / values[:, 0]) - 2, 0, 5)
    starts = np.array([spot.place for spot in drawn])
    return Lines(starts, vectors[:, :, 1], weights)


def by_errors(night: Night, spots: Sequence[Spot]) -> Array:
    """What is told less what is true scatters along the lines of sight."""
    return crossing_lines(scatter_axes(night, spots), len(night.world.cameras))


def scatter_axes(night: Night, spots: Sequence[Spot]) -> Lines:
    """The axes along which what is told less what is true scatters, by places of 500 m."""
    truth = np.array([true_place(night, spot) for spot in spots])
    told = np.array([spot.place for spot in spots])
    sure = np.array([spot.sure for spot in spots])
    bins = np.floor(truth / 500).astype(int)
    starts, ways, weights = [], [], []
    for one in np.unique(bins, axis=0):
        here = (bins == one).all(axis=1) & sure
        if here.sum() < 30:
            continue
        off = (told - truth)[here]
        values, vectors = np.linalg.eigh(np.cov(off.T))
        starts.append(truth[here].mean(axis=0))
        ways.append(vectors[:, 1])
        weights.append(max(float(np.sqrt(values[1] / max(values[0], 1e-6))) - 1, 0))
    return Lines(np.array(starts), np.array(ways), np.array(weights))


def by_ends(night: Night, spots: Sequence[Spot]) -> Array:
    """Where things first and last appear lies, at the end of the reach, on arcs about the cameras."""
    return peaks(candidates(), arc_votes(candidates(), first_and_last(night, spots)), len(night.world.cameras))


def arc_votes(where: Array, ends: Array) -> Array:
    """How many arcs about ends of what was told pass each place."""
    votes = np.zeros(len(where))
    for place in ends:
        away = np.hypot(*(where - place).T)
        votes += np.exp(-0.5 * ((away - REACH_M) / 60) ** 2)
    return votes


def by_cover(night: Night, spots: Sequence[Spot]) -> Array:
    """Cameras placed so that they see, over the known terrain, what is told of, and do not see what is not."""
    return placed_cameras(night.world, *cover(night, spots))


def cover(night: Night, spots: Sequence[Spot]) -> tuple[Array, Array, Array]:
    """Places, those of them that cameras see, and those that they do not, as what is told says."""
    places, share = told_share(night, spots)
    return places, np.where(share > 0.5, 1.0, 0.0), np.where(share < 0.1, 1.0, 0.0)


def by_blocks(night: Night, spots: Sequence[Spot]) -> Array:
    """The same by whom knows that blocks are told of as a whole: only what is told counts, and closed blocks little."""
    return placed_cameras(night.world, *block_cover(night, spots))


def block_cover(night: Night, spots: Sequence[Spot]) -> tuple[Array, Array, Array]:
    """The same by whole blocks."""
    places, share = told_share(night, spots)
    east, north, _ = EnuFrame(ANCHOR).from_geodetic(*SITE.to_geodetic(places[:, 0], places[:, 1])[:2])
    block = np.floor(np.column_stack([east, north]) / (4 * PROTECTED_M)).astype(int)
    _, which = np.unique(block, axis=0, return_inverse=True)
    open_ = np.array([share[which == k].mean() > 0.4 for k in range(which.max() + 1)])[which]
    return places, open_ * 1.0, ~open_ * 0.15


def placed_cameras(world: World, places: Array, wanted: Array, unwanted: Array) -> Array:
    """Cameras chosen one after the other, each for the most that is wanted and the least that is not."""
    where = candidates(150.0)
    up = height_at(world.heights, where[:, 0], where[:, 1]) + 25
    sights = np.array([
        [visible(world.heights, np.array([*at, lens, turn]), places[:, 0], places[:, 1]) for turn in (-0.3, 0.0, 0.3)]
        for at, lens in zip(where, up, strict=True)
    ])  # fmt: skip
    left, found = wanted.copy(), []
    for _ in world.cameras:
        gain = sights @ left - sights @ unwanted
        at, turn = np.unravel_index(int(np.argmax(gain)), gain.shape)
        left = np.where(sights[at, turn], 0.0, left)
        found.append(where[at])
    return np.array(found)


def told_share(night: Night, spots: Sequence[Spot]) -> tuple[Array, Array]:
    """Squares of 150 m that somebody walked through, and in how many of the steps there he was told of."""
    told = {(spot.walker, spot.time_s) for spot in spots if spot.sure}
    counts: dict[tuple[int, int], list[int]] = {}
    for walker, way in enumerate(night.ways):
        for k, (east, north) in enumerate(way):
            each = counts.setdefault((int(east // 150), int(north // 150)), [0, 0])
            each[0] += 1
            each[1] += (walker, walker * 137 + k * STEP_S) in told
    keys = np.array([*counts], float)
    return (keys + 0.5) * 150, np.array([hit / all_ for all_, hit in counts.values()])


def first_and_last(night: Night, spots: Sequence[Spot]) -> Array:
    """Where each name first and last appeared, as the partner knows the truth."""
    ends: dict[str, list[Spot]] = {}
    for spot in spots:
        if spot.sure:
            ends.setdefault(spot.name, [spot, spot])[1] = spot
    return np.array([true_place(night, spot) for pair in ends.values() for spot in pair]).reshape(-1, 2)


def true_place(night: Night, spot: Spot) -> Array:
    """Where somebody was at the moment of what was told."""
    found: Array = night.ways[spot.walker][(spot.time_s - spot.walker * 137) // STEP_S]
    return found


def lost_sight(night: Night, spots: Sequence[Spot], hold_s: int) -> Array:
    """How far each place where sight was lost, as the end of what is told says it, is from where one was (M,)."""
    last: dict[str, Spot] = {}
    for spot in spots:
        if spot.sure:
            last[spot.name] = spot
    off = []
    for spot in last.values():
        way, at = night.ways[spot.walker], (spot.time_s - hold_s - spot.walker * 137) // STEP_S
        off.append(nearest_loss(night, spot.walker, way[min(max(at, 0), len(way) - 1)]))
    return np.array([each for each in off if each is not None])


def stayed_behind(night: Night, spots: Sequence[Spot]) -> Array:
    """The same where a cell that is told stays while the partner sees the walker go on: he was lost as he left it."""
    off, reach = [], 0.75 * PROTECTED_M + 1.5 * 60
    by_name: dict[str, list[Spot]] = {}
    for spot in spots:
        by_name.setdefault(spot.name, []).append(spot)
    for told in by_name.values():
        inside = [bool(np.abs(true_place(night, spot) - spot.place).max() <= reach) for spot in told]
        for k in range(1, len(told)):
            if inside[k - 1] and not inside[k]:
                left = next((j for j in range(k, -1, -1) if np.abs(
                    true_place(night, told[j]) - told[k].place).max() <= 0.5 * PROTECTED_M), k)  # fmt: skip
                off.append(nearest_loss(night, told[k].walker, true_place(night, told[left])))
    return np.array([each for each in off if each is not None])


def guessed_sight(night: Night, rng: np.random.Generator) -> Array:
    """The same for places guessed along the ways."""
    off = [nearest_loss(night, k, way[rng.integers(len(way))]) for k, way in enumerate(night.ways)]
    return np.array([each for each in off if each is not None])


def nearest_loss(night: Night, walker: int, place: Array) -> float | None:
    """How far a place is from the nearest one where sight of a walker was lost; None where it never was."""
    away = [float(np.hypot(place[0] - x, place[1] - y)) for who, _, x, y in night.losses if who == walker]
    return min(away, default=None)


ATTACKS: dict[str, Callable[[Night, Sequence[Spot]], Array]] = {
    "long axes of ellipses": by_ellipses,
    "scatter of errors": by_errors,
    "arcs of first and last": by_ends,
    "cover over terrain": by_cover,
    "cover, knowing blocks": by_blocks,
}


def places_named(night: Night, name: str) -> Array:
    """The places that an attack on what was told names."""
    if name not in night.named:
        night.named[name] = ATTACKS[name](night, night.told)
    return night.named[name]


class OfCameras(NamedTuple):
    """How near it comes to each camera (N,), and how many places are named."""

    told_m: Array
    blind_m: Array
    by_chance: Array
    places: int


def of_cameras(night: Night, seed: int = 0) -> OfCameras:
    """Camera by camera: all attacks on the releases; as many places named from a map alone; and at random."""
    cameras = night.world.cameras[:, :2]
    told = np.concatenate([places_named(night, name) for name in ATTACKS])
    blind = blind_places(night.world, len(told))
    rng = np.random.default_rng(seed)
    random = [nearest(cameras, rng.uniform((WEST, -2600), (EAST, 0), (len(told), 2))) for _ in range(400)]
    chance = np.mean(np.array(random) <= PROTECTED_M, axis=0)
    return OfCameras(nearest(cameras, told), nearest(cameras, blind), chance, len(told))


def blind_places(world: World, count: int) -> Array:
    """Places that somebody names who has the map and knows that five cameras watch the line, and was told nothing."""
    where, each = candidates(), len(world.cameras)
    up = height_at(world.heights, where[:, 0], where[:, 1])
    east, north = np.meshgrid(np.arange(WEST + 100, EAST, 200), np.arange(-2900, 3000, 200))
    ground = np.column_stack([east.ravel(), north.ravel()])
    beyond = ground[ground[:, 1] > -500]
    even = WEST + (np.arange(each) + 0.5) * (EAST - WEST) / each
    nothing = np.zeros
    found = [
        peaks(where, up - up.min() + 1, each),
        placed_cameras(world, ground, np.ones(len(ground)), nothing(len(ground))),
        placed_cameras(world, beyond, np.ones(len(beyond)), nothing(len(beyond))),
        np.column_stack([even, np.full(each, -1150.0)]),
    ]
    return np.concatenate(found)[:count]


def nearest(cameras: Array, named: Array) -> Array:
    """How far each camera is from the nearest place named (N,)."""
    found: Array = np.hypot(*(cameras[:, None] - named[None]).transpose(2, 0, 1)).min(axis=1)
    return found


def attack(night: Night, seed: int = 0) -> list[Figures]:
    """Every attack, on the picture as it is, on what is told, and by guessing alone."""
    rng, out = np.random.default_rng(seed), []
    cameras = night.world.cameras[:, :2]
    for name, find in ATTACKS.items():
        out.append(Figures(name, "as it is", *distances(cameras, find(night, night.raw))))
        out.append(Figures(name, "as agreed", *distances(cameras, places_named(night, name))))
    guesses = [distances(cameras, rng.uniform((WEST, -2600), (EAST, 0), (len(cameras), 2))) for _ in range(200)]
    nearest, middle = np.array(guesses).T
    out.append(Figures("guesses", "nothing", float(np.quantile(nearest, 0.05)), float(np.median(middle))))
    for on, off in (
        ("as it is", lost_sight(night, night.raw, 0)),
        ("as agreed", lost_sight(night, night.told, 180)),
        ("nothing", guessed_sight(night, rng)),
    ):
        out.append(Figures("where sight was lost", on, *summary(off)))
    out.append(Figures("cells that stay behind", "as agreed", *summary(stayed_behind(night, night.told))))
    return out


def summary(off: Array) -> tuple[float, float]:
    """What one in twenty is below, and half are; endless where there is nothing."""
    if not len(off):
        return float("inf"), float("inf")
    return float(np.quantile(off, 0.05)), float(np.median(off))


def distances(cameras: Array, named: Array) -> tuple[float, float]:
    """The least and the median distance of the true cameras from the nearest place named."""
    if not len(named):
        return float("inf"), float("inf")
    away = nearest(cameras, named)
    return float(away.min()), float(np.median(away))


def main() -> None:
    """Attack some nights, and say how near it came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument("--walkers", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    every: list[OfCameras] = []
    for seed in range(asked.seed, asked.seed + asked.nights):
        start = time.perf_counter()
        night = make_night(seed, asked.walkers)
        print(f"night {seed}: {asked.walkers} walked, {len(night.raw)} places in the picture, {len(night.told)} told;")
        print(f"  {night.world.seen.mean():.0%} of the ground seen, {len(night.blocks)} blocks told of, "
              f"{len(night.losses)} times sight was lost; protected are {PROTECTED_M} m")  # fmt: skip
        for name, on, least, median in attack(night, seed):
            print(f"  {name:24s} {on:10s} nearest (or 5 %) {least:7.0f}   median {median:7.0f}")
        found = of_cameras(night, seed)
        every.append(found)
        print(f"  each camera, the nearest of {found.places} places: from what is told {in_metres(found.told_m)}")
        print(f"    from a map alone {in_metres(found.blind_m)}; {time.perf_counter() - start:.0f} s")
    told, blind = (np.concatenate([each[k] for each in every]) for k in (0, 1))
    chance = np.concatenate([each.by_chance for each in every])
    within = f"within {PROTECTED_M} m of {len(told)} cameras come"
    by_map = np.mean(blind <= PROTECTED_M)
    print(f"{within}: what is told {np.mean(told <= PROTECTED_M):.0%}, a map alone {by_map:.0%}, "
          f"chance alone {chance.mean():.0%}; nearer than both {PROTECTED_M} m and the map: "
          f"{np.sum(told < np.minimum(PROTECTED_M, blind))}")  # fmt: skip


def in_metres(away: Array) -> str:
    """Distances, one after the other."""
    return " ".join(f"{each:.0f}" for each in away) + " m"


if __name__ == "__main__":
    main()

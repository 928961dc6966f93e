"""Fit the trees by which kinds are told (`marsad.watch.kind_weights`) to simulated passes, and show how well they do.

Each scene has the cameras, ground and weather of the campaign's, and some thirty-five passes of every kind: people who
walk, run, crouch, crawl, carry and go in groups, vehicles, beasts, flocks, birds, tumbleweed, at all headings. Seeds
below 1000 are for fitting, those from 1000 on for looking at the result; none of them is a seed of the campaign. Every
track gives samples at growing ages (fitting) or once a second (looking). The trees are grown by gradient boosting.

By default the committed trees are looked at; `--write` fits and writes them. Each scene costs 10 s of one core.

Source: Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29 (2001).
"""

import math
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from figures import ROOT, command, show
from marsad.app.bench_watch_piece import actor_in
from marsad.kernel.frame import Frame
from marsad.simulate.actor import TRUE_KIND, USUAL_HEIGHT_M, Actor, ActorKind, Gait, Party, Waypoint
from marsad.simulate.campaign import CAMERA, Air, Piece, Stage, Ways, stage
from marsad.simulate.scene import Scene
from marsad.simulate.truth import ActorTruth
from marsad.watch import kind_weights
from marsad.watch.geolocate import Geolocator
from marsad.watch.kind_weights import DEPTH, EDGES, FITTED
from marsad.watch.watcher import Watcher

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SECONDS, WAVES, PER_WAVE, PASS_S = 64.0, 3, 9, 19.0
FPS = 9.0
AIRS: tuple[Air, ...] = ("clear", "clear", "clear", "haze", "dust", "rain")
PASSES: tuple[tuple[ActorKind, Gait, tuple[float, float], int], ...] = (
    ("person", "walk", (1.0, 1.8), 3),
    ("person", "run", (2.5, 4.5), 2),
    ("person", "crouch", (0.6, 1.1), 2),
    ("person", "crawl", (0.25, 0.5), 2),
    ("vehicle", "drive", (4.0, 14.0), 2),
    ("motorcycle", "drive", (5.0, 15.0), 1),
    ("dog", "walk", (1.0, 2.5), 1),
    ("dog", "run", (2.0, 4.0), 1),
    ("fox", "walk", (0.9, 4.0), 1),
    ("sheep", "walk", (0.5, 1.2), 1),
    ("goat", "walk", (0.5, 1.3), 1),
    ("donkey", "walk", (0.9, 1.6), 2),
    ("camel", "walk", (0.9, 1.7), 2),
    ("bird", "fly", (7.0, 16.0), 2),
    ("tumbleweed", "walk", (2.0, 6.0), 1),
)
"""Kind, gait, speeds, and how often; besides three groups of people and one flock."""
GROUPS, FLOCKS = 3, 1
BIRDS = 8
"""So many more in each scene: a day has five times as many birds as beasts, and hardly any of them may alarm."""
BENT = {"crawl": 0.4, "crouch": 0.7}
AGES = (1, 2, 3, 4, 6, 8, 11, 15, 21, 29, 41, 56, 76, 101, 131, 161, 200, 250, 300)
LEAST_AGE = 4
"""Tracks that were weighed less often are left out."""
ROUNDS, PACE, PENALTY, LEAST_BEND = 120, 0.15, 5.0, 1.0
"""Trees of each kind, how far each goes, and what holds its leaves back: Friedman's shrinkage, and a least weight."""
LOOK_FROM = 1000
BANDS = (("below 6 px", 0.0, 6.0), ("6-12 px", 6.0, 12.0), ("12 px and more", 12.0, math.inf))


class Samples(NamedTuple):
    """Values (N, V), true kind (N,), weight (N,) and number of the track (N,)."""

    values: F64
    kind: I64
    weight: F64
    track: I64


class Told(NamedTuple):
    """A track: what it is and does, how high it is, and what it was called in how many pictures, with how sure."""

    true: str
    name: str
    members: int
    height_px: float
    said: Counter[str]
    sure: list[tuple[float, bool]]


def scene_of(seed: int) -> tuple[Stage, np.random.Generator]:
    """A scene with all passes in it."""
    rng = np.random.default_rng([777, seed])
    air = AIRS[int(rng.integers(len(AIRS)))]
    ready = stage(Piece(part="health", number=seed, seconds=SECONDS, air=air), rng)
    ways = Ways(ready.true, rng)
    names = [(kind, gait, speeds) for kind, gait, speeds, often in PASSES for _ in range(often)]
    dealt = rng.permutation(len(names) + GROUPS + FLOCKS).tolist()
    actors, parties = list(ready.scenario.actors), []
    for number in range(WAVES * PER_WAVE):
        start_s = 4.0 + 20.0 * (number // PER_WAVE) + float(rng.uniform(0, 3))
        which = dealt[number % len(dealt)]
        if which >= len(names):
            parties += _party(number, ways, start_s, rng, people=which < len(names) + GROUPS)
        else:
            actors += _actor(number + 1, names[which], ways, start_s, rng)
    for number in range(BIRDS):
        actors += _actor(200 + number, ("bird", "fly", (7.0, 16.0)), ways, float(rng.uniform(4, SECONDS - 8)), rng)
    scenario = msgspec.structs.replace(ready.scenario, actors=tuple(actors), parties=tuple(parties))
    return msgspec.structs.replace(ready, scenario=scenario), rng


def _actor(
    actor_id: int, name: tuple[ActorKind, Gait, tuple[float, float]], ways: Ways, start_s: float,
    rng: np.random.Generator,
) -> list[Actor]:  # fmt: skip
    kind, gait, speeds = name
    speed = float(rng.uniform(*speeds))
    if kind == "bird":
        height_m, route = float(rng.uniform(0.3, 1.2)), ways.flight()
    else:
        height_m = USUAL_HEIGHT_M[kind] * float(np.clip(rng.normal(1, 0.07), 0.75, 1.2))
        found = _route(ways, height_m * BENT.get(gait, 1.0), speed, rng)
        if found is None:
            return []
        route = found
    load = kind == "person" and bool(rng.random() < 0.25)
    return [
        Actor(
            actor_id=actor_id, kind=kind, route=route, start_s=start_s, speed_m_s=speed, height_m=height_m, gait=gait,
            load=load, phase=float(rng.random()),
        )
    ]  # fmt: skip


def _party(number: int, ways: Ways, start_s: float, rng: np.random.Generator, *, people: bool) -> list[Party]:
    speed = 1.3 if people else 0.6
    route = _route(ways, 1.75 if people else 0.7, speed, rng)
    if route is None:
        return []
    kind: ActorKind = "person" if people else "sheep" if rng.random() < 0.5 else "goat"
    formation = ("file", "loose", "abreast")[int(rng.integers(3))] if people else "flock"
    return [
        Party(
            name=f"{kind} {number}", kind=kind, count=int(rng.integers(2, 6)), route=route, start_s=start_s,
            formation=formation, spacing_m=float(rng.uniform(0.7, 4)), speed_m_s=speed,  # type: ignore[arg-type]  # one of four
        )
    ]  # fmt: skip


def _route(ways: Ways, height_m: float, speed: float, rng: np.random.Generator) -> tuple[Waypoint, ...] | None:
    """A way at a range at which it is 5 to 42 px high; half of them at any heading, one in four with a halt."""
    for _ in range(8):
        range_m = height_m * ways.focal_px / math.exp(float(rng.uniform(math.log(5.0), math.log(42.0))))
        if not 60.0 < range_m < 0.98 * ways.view.reach_m:
            continue
        route = ways.crossing(range_m, speed, PASS_S, height_m) if rng.random() < 0.5 else None
        spot = ways.spot_at(range_m) if route is None else None
        if spot is not None:
            turn, half = float(rng.uniform(0, 2 * math.pi)), 0.5 * speed * PASS_S
            east, north = half * math.sin(turn), half * math.cos(turn)
            route = (
                Waypoint(east_m=spot[0] - east, north_m=spot[1] - north),
                Waypoint(east_m=spot[0] + east, north_m=spot[1] + north),
            )
        if route is not None:
            return _with_halt(route, rng)
    return None


def _with_halt(route: tuple[Waypoint, ...], rng: np.random.Generator) -> tuple[Waypoint, ...]:
    if rng.random() >= 0.25:
        return route
    one, two, share = route[0], route[-1], float(rng.uniform(0.3, 0.6))
    east, north = (a + share * (b - a) for a, b in ((one.east_m, two.east_m), (one.north_m, two.north_m)))
    return one, Waypoint(east_m=east, north_m=north, wait_s=float(rng.uniform(1, 4))), two


class _Followed:
    """What is noted of one track."""

    def __init__(self) -> None:
        self.values: list[F64] = []
        self.truths: list[ActorTruth | None] = []
        self.together: list[int] = []
        self.said: list[tuple[str, float]] = []


def watch(seed: int) -> list[_Followed]:
    """The tracks of one scene, with what they are weighed by and what they lie on at each moment."""
    ready, rng = scene_of(seed)
    scene = Scene(ready.true, ready.scenario, rng, CAMERA)
    scale = ready.known.lookup().metres_per_pixel
    watcher = Watcher(CAMERA, geolocator=Geolocator(ready.known, ready.site.terrain), metres_per_pixel=scale)
    found: dict[int, _Followed] = {}
    for index in range(scene.frames):
        time_ns = round(index * 1e9 / FPS)
        counts, truths = scene.render(index, time_ns)
        frame = Frame(camera_id=CAMERA, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        for track in watcher.observe(frame).tracks:
            values = watcher.measured(track.track_id) if track.status == "confirmed" else None
            if values is None:
                continue
            each, truth = found.setdefault(track.track_id, _Followed()), actor_in(track.box, truths)
            each.values.append(values)
            each.truths.append(truth)
            each.said.append((track.kind, track.kind_confidence))
            inside = [other for other in truths if truth is not None and truth.party and other.party == truth.party]
            centres = [other.box.centre_px for other in inside if other.visible > 0.3]
            box = track.box
            each.together.append(
                sum(abs(x - box.centre_px[0]) <= box.w_px / 2 + 1 and abs(y - box.centre_px[1]) <= box.h_px / 2 + 2
                    for x, y in centres)
            )  # fmt: skip
    return [each for each in found.values() if len(each.values) >= LEAST_AGE]


def _true(each: _Followed) -> tuple[str, ActorTruth] | None:
    """What a track is, where it lies on one actor (or one party) for most of the time."""
    named = [truth for truth in each.truths if truth is not None]
    if len(named) < 0.7 * len(each.truths):
        return None
    ((most, count),) = Counter(truth.party or truth.actor_id for truth in named).most_common(1)
    truth = next(truth for truth in named if (truth.party or truth.actor_id) == most)
    true = TRUE_KIND.get(truth.kind)
    if true is None or count < 0.7 * len(each.truths):
        return None
    return "group" if true == "person" and np.mean(np.array(each.together) >= 2) > 0.5 else true, truth


def samples_of(seeds: range) -> Samples:
    """What the trees are fitted to."""
    values, kinds, weights, tracks = [], [], [], []
    for seed in seeds:
        started = time.process_time()
        for each in watch(seed):
            true = _true(each)
            if true is None:
                continue
            at = [age - 1 for age in AGES if age <= len(each.values)]
            values += [each.values[i] for i in at]
            kinds += [FITTED.index(true[0])] * len(at)  # type: ignore[arg-type]  # true kinds are fitted ones
            weights += [1 / math.sqrt(len(at))] * len(at)
            tracks += [len(set(tracks))] * len(at)
        print(f"seed {seed}: {time.process_time() - started:.0f} s of one core", flush=True)
    return Samples(np.array(values), np.array(kinds), np.array(weights), np.array(tracks))


class Fitted(NamedTuple):
    """Trees in the making, with the samples that each was grown on."""

    edges: F64
    splits: list[I64]
    leaves: list[F64]
    start: F64


def classes(values: F64, edges: F64) -> I64:
    """In which class (N, V) each value lies: how many of its edges are below it."""
    return np.stack([np.searchsorted(at, values[:, j], side="left") for j, at in enumerate(edges)], axis=1)


def fit(samples: Samples) -> Fitted:
    """The trees: each in turn leads one kind's scores down the slope of the loss of all that were grown before."""
    edges = np.round(np.quantile(samples.values, np.arange(1, EDGES + 1) / (EDGES + 1), axis=0).T, 4)
    within, true = classes(samples.values, edges), np.eye(len(FITTED))[samples.kind]
    share = (true * samples.weight[:, None]).sum(axis=0) / samples.weight.sum()
    fitted = Fitted(edges, [], [], np.round(np.log(np.maximum(share, 1e-4)), 2))
    scores = np.tile(fitted.start, (len(true), 1))
    for _ in range(ROUNDS):
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        for kind in range(len(FITTED)):
            slope = samples.weight * (shares[:, kind] - true[:, kind])
            bend = samples.weight * shares[:, kind] * (1 - shares[:, kind])
            splits, place = grow(within, slope, bend)
            down = np.bincount(place, slope, 2**DEPTH) / (np.bincount(place, bend, 2**DEPTH) + PENALTY)
            leaves = np.round(-PACE * down, 2)
            scores[:, kind] += leaves[place]
            fitted.splits.append(splits)
            fitted.leaves.append(leaves)
    return fitted


@numba.njit(cache=True)
def grow(within: I64, slope: F64, bend: F64) -> tuple[I64, I64]:
    """The questions of one tree, and the leaf (N,) that each sample ends in."""
    count, values = within.shape
    nodes = 2**DEPTH - 1
    splits = np.full(nodes, -1, np.int64)
    at = np.zeros(count, np.int64)
    for level in range(DEPTH):
        first, wide = 2**level - 1, 2**level
        sums = np.zeros((wide, values, EDGES + 1, 2))
        for i in range(count):
            for v in range(values):
                sums[at[i] - first, v, within[i, v], 0] += slope[i]
                sums[at[i] - first, v, within[i, v], 1] += bend[i]
        for k in range(wide):
            splits[first + k] = _best_split(sums[k])
        for i in range(count):
            split = splits[at[i]]
            above = split >= 0 and within[i, split // EDGES] > split % EDGES
            at[i] = 2 * at[i] + (2 if above else 1)
    return splits, at - nodes


@numba.njit(cache=True)
def _best_split(sums: F64) -> int:
    """The question that lowers the loss most, -1 where none does."""
    slope_all, bend_all = sums[0, :, 0].sum(), sums[0, :, 1].sum()
    best, split = 1e-6, -1
    for v in range(sums.shape[0]):
        slope, bend = 0.0, 0.0
        for e in range(EDGES):
            slope += sums[v, e, 0]
            bend += sums[v, e, 1]
            if bend < LEAST_BEND or bend_all - bend < LEAST_BEND:
                continue
            gain = slope**2 / (bend + PENALTY) + (slope_all - slope) ** 2 / (bend_all - bend + PENALTY)
            gain -= slope_all**2 / (bend_all + PENALTY)
            if gain > best:
                best, split = gain, v * EDGES + e
    return split


def write(path: Path, fitted: Fitted) -> None:
    """Put the fitted trees into the module that holds them."""
    head = Path(kind_weights.__file__).read_text(encoding="utf-8").split("_EDGES: Final = ")[0]
    blocks = (
        ("_EDGES", fitted.edges * 1e4),
        ("_SPLITS", np.array(fitted.splits, float)),
        ("_LEAVES", np.array(fitted.leaves) * 1e2),
        ("_START", fitted.start * 1e2),
    )
    path.write_text(
        head + "".join(f'{name}: Final = """\n{_wrapped(n)}\n"""\n' for name, n in blocks), encoding="utf-8"
    )


def _wrapped(numbers: F64) -> str:
    lines = [""]
    for number in np.round(numbers).astype(int).ravel().tolist():
        if len(lines[-1]) + len(str(number)) > 117:
            lines.append("")
        lines[-1] = f"{lines[-1]} {number}".strip()
    return "\n".join(lines)


def look(seeds: range) -> list[Told]:
    """What the watch, as it is, calls the passes of some scenes."""
    told = []
    for seed in seeds:
        for each in watch(seed):
            found = _true(each)
            if found is None:
                continue
            true, truth = found
            heights = [t.height_px for t in each.truths if t is not None]
            members = 2 if truth.party else 1
            said = Counter(kind for kind, _ in each.said)
            each_s = each.said[:: round(FPS)]
            sure = [(share, _right(true, kind, members)) for kind, share in each_s if kind != "unknown"]
            name = f"{true}, {truth.gait}" if true == "person" else str(truth.kind)
            told.append(Told(true, name, members, float(np.median(heights)), said, sure))
    return told


def _right(true: str, said: str, members: int) -> bool:
    people = {"person", "group"}
    return said == true or (true in people and said in people and (members > 1 or said == "person"))


def tables(told: list[Told]) -> dict[str, object]:
    """Confusion and share of right kinds for each class of heights, and how right each sureness is."""
    figures: dict[str, object] = {}
    for band, low, high in BANDS:
        here = [each for each in told if low <= each.height_px < high and each.true not in {"flying", "vegetation"}]
        most = [(each, each.said.most_common(1)[0][0]) for each in here]
        people = [said for each, said in most if each.true in {"person", "group"}]
        figures[f"{band}: tracks"] = len(here)
        figures[f"{band}: right"] = sum(_right(e.true, s, e.members) for e, s in most) / max(len(most), 1)
        figures[f"{band}: people called animal"] = sum(said == "animal" for said in people) / max(len(people), 1)
        for name in sorted({each.name for each in here}):
            figures[f"{band}: {name}"] = dict(Counter(said for each, said in most if each.name == name).most_common())
    edges = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
    sure = [pair for each in told for pair in each.sure]
    for low, high in pairwise(edges):
        within = [right for share, right in sure if low <= share < high]
        figures[f"sure {low:g}-{high:g}: right of n"] = (
            round(float(np.mean(within)), 3) if within else None,
            len(within),
        )
    return figures


def main() -> None:
    """Fit and write where asked to, then look at scenes the trees were not fitted to."""
    parser = command(__doc__ or "")
    parser.add_argument("--scenes", type=int, default=76, help="scenes to fit to (default 76)")
    parser.add_argument("--look", type=int, default=12, help="scenes to look at (default 12)")
    parser.add_argument("--write", action="store_true", help="fit, and write src/marsad/watch/kind_weights.py")
    parser.add_argument("--into", type=Path, default=ROOT / "src/marsad/watch" / Path(kind_weights.__file__).name)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.write:
        write(options.into, fit(samples_of(range(options.scenes))))
        print("written; run again without --write to look at the new trees")
        return
    show("fit_kinds", tables(look(range(LOOK_FROM, LOOK_FROM + options.look))), [], as_json=options.json)


if __name__ == "__main__":
    main()

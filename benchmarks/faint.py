"""Faint walkers, 2x5 px at a signal to noise of 5: how many are found within 5 s, how many tracks are false, the cost.

The pictures are 640x512 at 9 a second: real ground from HIT-UAV (Suo et al. 2023, CC BY 4.0) with sensor noise of 2
counts, and all that moves in it without being a mover: wind for a quarter of the time (the camera sways, bushes shake),
cloud shadows, a gain that jumps once in ten minutes, and a correction every three minutes that freezes the picture and
leaves another fixed pattern. The signal to noise is the matched filter's over the walker's pixels in one picture,
against the noise alone (against clutter as well it would be smaller, and the walkers stronger), with the walker exactly
on the pixels; most are not.

Walkers appear in mid-picture and go straight at 4.1 px a second, the pace of a person so high, up to 15 degrees off the
level, as often colder as warmer. One is found when a track is within 4 px across and 5 px down of its middle. False
tracks are counted over hours without walkers. `links` says how many chains of two looks or more, gone as far as a
believed one must have, reached each score there: what is believed is the tail of it.

`--real` watches the steady clips of drone-ir, shown three times to and fro so that there is time to settle, with and
without the option; what the option adds and is on no labelled object is counted by the hour. Some of it is real.
"""

import argparse
import math
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from drone_ir import STEADY_PX, camera_motion
from figures import Target, command, real_data, show
from marsad.adapters.mot import read_truth
from marsad.adapters.sources import open_source
from marsad.kernel.frame import Frame
from marsad.report.evaluation import Boxes
from marsad.report.interval import exact_rate, exact_share
from marsad.watch.background import Background, BackgroundSettings
from marsad.watch.faint import FAINT, FaintSettings, FaintTrack, FaintWatch, closely_followed
from marsad.watch.watcher import Watcher, WatchSettings
from run_watch import to_and_fro

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

BACKGROUNDS = ("1_60_30_0_00010", "1_60_30_0_00034", "1_60_30_0_00082")
ROWS, COLUMNS = 512, 640
FPS = 9
NOISE_COUNTS = 2.0
WIDTH_PX, HEIGHT_PX = 2, 5
PACE_PX_S = 1.4 * HEIGHT_PX / 1.7
SETTLE_S = 30
WITHIN_S = 5.0
SHOWN_S = 6
APART_S = 8
APART_PX = 48
NOISES = 12
ROOM = 200
BUSHES = 30
STEPS_PX = np.arange(-4, 4.25, 0.25)
WIND_EVERY_S, WIND_S = 480, 120
JUMP_EVERY_S = 600
CORRECTION_EVERY_S, FROZEN_S = 180, 0.6
PATTERN_COUNTS = 0.5
SWAY_PX = 0.4
PASSES = 3
LEAST_PX = FaintSettings().least_px
TARGETS = [
    Target("found_within_5_s", "at_least", 0.8),
    Target("false_tracks_per_day_surely_below", "at_most", 1.0),
    Target("faint_ms_per_picture", "at_most", 6.0),
]


class Walker(NamedTuple):
    """A walker from the moment it appears: left and top, velocity, and contrast in counts."""

    x: float
    y: float
    vx: float
    vy: float
    contrast: float

    def place(self, time_s: float) -> tuple[float, float]:
        """Its left and top."""
        return self.x + self.vx * time_s, self.y + self.vy * time_s


class Night:
    """One camera's pictures without end: `picture(walkers, since)` makes the next."""

    def __init__(self, ground: Floats, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._ground = ground
        self._noise = self._rng.standard_normal((NOISES, ROWS + ROOM, COLUMNS + ROOM), np.float32) * NOISE_COUNTS
        self._clouds = _clouds(self._rng)
        self._bushes = [_bush(ground, self._rng) for _ in range(BUSHES)]
        self._pattern = np.zeros((ROWS, COLUMNS), np.float32)
        self._gain, self._offset = 1.0, 0.0
        self._index = 0
        self._last: Picture | None = None

    def picture(self, walkers: list[Walker], since_s: float = 0.0) -> Picture:
        """The next picture, with the walkers so long after they appeared."""
        time_s = self._index / FPS
        self._index += 1
        if time_s % CORRECTION_EVERY_S < FROZEN_S and self._last is not None:
            self._pattern = PATTERN_COUNTS * self._rng.standard_normal((ROWS, COLUMNS), np.float32)
            return self._last
        if self._index % (JUMP_EVERY_S * FPS) == 0:
            self._gain, self._offset = float(self._rng.uniform(0.9, 1.1)), float(self._rng.uniform(-8, 8))
        scene = self._clouded(time_s)
        if time_s % WIND_EVERY_S > WIND_EVERY_S - WIND_S:
            scene = self._shaken(scene, time_s)
        for walker in walkers:
            _paint(scene, walker, since_s)
        top, left = self._rng.integers(0, ROOM, 2)
        noise = self._noise[self._rng.integers(NOISES), top : top + ROWS, left : left + COLUMNS]
        scene = cv2.scaleAdd(scene, self._gain, noise)
        scene += self._pattern
        self._last = cv2.convertScaleAbs(cv2.max(scene, 0), alpha=1.0, beta=self._offset)
        return self._last

    def _clouded(self, time_s: float) -> Floats:
        """The ground under shadows that drift over it at ten pixels a second."""
        left = round(10 * time_s) % COLUMNS
        return np.asarray(self._ground + self._clouds[:, left : left + COLUMNS])

    def _shaken(self, scene: Floats, time_s: float) -> Floats:
        """Bushes bent and the camera swayed by a wind that comes in gusts."""
        gust = 1.0 + 0.5 * math.sin(0.31 * time_s) + 0.3 * math.sin(0.83 * time_s)
        for bush in self._bushes:
            bend = 1.5 * gust * math.sin(2 * math.pi * bush.hertz * time_s + bush.phase + 0.5 * math.sin(0.37 * time_s))
            step = int(np.abs(STEPS_PX - bend).argmin())
            scene[bush.place] += bush.bent[step]
        x = SWAY_PX * gust * (math.sin(2 * math.pi * 0.7 * time_s) + 0.5 * math.sin(2 * math.pi * 0.23 * time_s))
        y = 0.3 * SWAY_PX * gust * math.sin(2 * math.pi * 0.5 * time_s)
        way = np.array([[1, 0, x], [0, 1, y]], np.float32)
        return np.asarray(cv2.warpAffine(scene, way, (COLUMNS, ROWS), borderMode=cv2.BORDER_REPLICATE))


class Bush(NamedTuple):
    """Where a bush is, how it swings, and what bending it by each step adds to the ground."""

    place: tuple[slice, slice]
    hertz: float
    phase: float
    bent: Floats


def _bush(ground: Floats, rng: np.random.Generator) -> Bush:
    """A round piece of ground that can be bent to the sides."""
    radius = float(rng.uniform(4, 12))
    reach = math.ceil(2.5 * radius)
    y, x = int(rng.integers(reach, ROWS - reach)), int(rng.integers(reach, COLUMNS - reach))
    place = (slice(y - reach, y + reach), slice(x - reach, x + reach))
    patch = ground[place]
    down, across = np.mgrid[-reach:reach, -reach:reach]
    weight = np.exp(-(down**2 + across**2) / (2 * radius**2)).astype(np.float32)
    ways = [np.array([[1, 0, step], [0, 1, 0.3 * step]], np.float32) for step in STEPS_PX]
    size = patch.shape[::-1]
    bent = [weight * (cv2.warpAffine(patch, way, size, borderMode=cv2.BORDER_REPLICATE) - patch) for way in ways]
    return Bush(place, float(rng.uniform(0.3, 1.2)), float(rng.uniform(0, 6)), np.array(bent))


def _clouds(rng: np.random.Generator) -> Floats:
    """Soft shadows up to about eight counts deep, seamless from right to left."""
    field = rng.standard_normal((ROWS // 16, COLUMNS // 16), np.float32)
    tiled = cv2.GaussianBlur(np.tile(field, (1, 3)), (0, 0), 4.0)
    deep = np.minimum(tiled / tiled.std(), 0) * 4
    wide = cv2.resize(deep, (3 * COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(wide[:, : 2 * COLUMNS])


def _paint(scene: Floats, walker: Walker, since_s: float) -> None:
    """Add a walker; pixels covered in part get a part."""
    x, y = walker.place(since_s)
    left, top = int(x), int(y)
    part = scene[top : top + HEIGHT_PX + 1, left : left + WIDTH_PX + 1]
    down = _cover(y - top, HEIGHT_PX, part.shape[0])
    part += walker.contrast * down[:, None] * _cover(x - left, WIDTH_PX, part.shape[1])


def _cover(start_px: float, length_px: float, pixels: int) -> Floats:
    """Which part of each pixel a stretch covers."""
    return np.diff(np.clip(np.arange(pixels + 1), start_px, start_px + length_px)).astype(np.float32)


class Chain:
    """The night seen by the learnt scene and the faint watch, with the CPU time of each."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.background = Background(closely_followed(BackgroundSettings()))
        self.faint = FaintWatch()
        self.pictures = 0
        self.background_s = self.faint_s = 0.0

    def step(self, walkers: list[Walker], since_s: float = 0.0) -> list[FaintTrack]:
        """What is believed after the next picture."""
        counts = self.night.picture(walkers, since_s)
        start = time.thread_time()
        difference = self.background.update(counts, 1 / FPS)
        middle = time.thread_time()
        tracks = self.faint.update(difference, 1 / FPS)
        self.pictures += 1
        if self.pictures > SETTLE_S * FPS:
            self.background_s += middle - start
            self.faint_s += time.thread_time() - middle
        return tracks


def ground(name: str) -> Floats:
    """A picture of real ground, neither black nor white anywhere."""
    path = real_data("thermal/hit-uav/images") / f"{name}.jpg"
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None or picture.shape != (ROWS, COLUMNS):
        sys.exit(f"{path} is no picture of {COLUMNS}x{ROWS}: this benchmark needs the HIT-UAV images")
    return (40 + picture * (170 / 255)).astype(np.float32)


def crossings(name: str, count: int, snr: float, pace_px_s: float, seed: int) -> tuple[list[float], int, Chain]:
    """How long after they appeared walkers were found (infinite when not), and how many tracks were on none."""
    rng = np.random.default_rng([seed, 1])
    chain = Chain(Night(ground(name), seed))
    for _ in range(SETTLE_S * FPS):
        chain.step([])
    delays: list[float] = []
    stray: set[int] = set()
    while len(delays) < count:
        walkers = _walkers(rng, snr, pace_px_s)
        found: dict[int, float] = {}
        for index in range(SHOWN_S * FPS):
            since_s = index / FPS
            for track in chain.step(walkers, since_s):
                on = [k for k, walker in enumerate(walkers) if _on(track, walker, since_s)]
                found.setdefault(on[0], since_s) if on else stray.add(track.track_id)
        delays += [found.get(k, math.inf) for k in range(len(walkers))]
        for _ in range(APART_S * FPS):
            chain.step([])
    return delays[:count], len(stray), chain


def _walkers(rng: np.random.Generator, snr: float, pace_px_s: float) -> list[Walker]:
    """One walker in each stripe of the picture."""
    walkers = []
    for top in range(40, ROWS - 60, APART_PX):
        heading = float(rng.uniform(-1, 1)) * math.radians(15)
        side = float(rng.choice([-1, 1]))
        contrast = float(rng.choice([-1, 1])) * snr * NOISE_COUNTS / math.sqrt(WIDTH_PX * HEIGHT_PX)
        x, y = float(rng.uniform(120, COLUMNS - 120)), top + float(rng.uniform(0, 8))
        vx, vy = side * pace_px_s * math.cos(heading), pace_px_s * math.sin(heading)
        walkers.append(Walker(x, y, vx, vy, contrast))
    return walkers


def _on(track: FaintTrack, walker: Walker, since_s: float) -> bool:
    x, y = walker.place(since_s)
    across, down = track.box.centre_px
    return abs(across - x - WIDTH_PX / 2) <= 4 and abs(down - y - HEIGHT_PX / 2) <= 5


def false_tracks(name: str, hours: float, seed: int) -> tuple[int, Counter[int], Chain]:
    """Tracks over hours without anybody, and how many links reached each whole score."""
    chain = Chain(Night(ground(name), seed))
    names: set[int] = set()
    best: dict[int, float] = {}
    for _ in range(round(hours * 3600 * FPS)):
        names.update(track.track_id for track in chain.step([]))
        for link in chain.faint.undecided():
            if link.looks > 1 and link.gone_px >= LEAST_PX:
                best[link.serial] = max(best.get(link.serial, 0.0), link.score_nats)
    return len(names), Counter(int(score) for score in best.values()), chain


def real(pattern: str) -> dict[str, object]:
    """What the option adds on steady real clips."""
    added = on_truth = clips = 0
    pictures_shown = 0
    hours = 0.0
    for clip in sorted(real_data("thermal/drone-ir").glob(f"{pattern}.mp4")):
        source = open_source(str(clip), clip.stem)
        pictures = [item.counts for item in source if isinstance(item, Frame)]
        source.close()
        truth = read_truth(clip.with_suffix(".csv")).boxes
        if camera_motion(pictures, truth) >= STEADY_PX:
            continue
        found, labelled = _added(clip, pictures, source.info.fps, truth)
        clips += 1
        added += found
        on_truth += labelled
        pictures_shown += PASSES * len(pictures)
        hours += PASSES * len(pictures) / source.info.fps / 3600
    return {
        "real_clips": clips,
        "real_pictures": pictures_shown,
        "real_hours": hours,
        "real_added_tracks": added,
        "real_added_on_labelled": on_truth,
        "real_added_false_per_hour": (added - on_truth) / hours if hours else None,
    }


def _added(clip: Path, pictures: list[Picture], fps: float, truth: Boxes) -> tuple[int, int]:
    """How many faint tracks a clip got, and how many of them are on a labelled object at any moment."""
    watcher = Watcher(clip.stem, settings=WatchSettings(faint=FaintSettings()))
    shown = list(islice(to_and_fro(list(enumerate(pictures)), PASSES * len(pictures)), PASSES * len(pictures)))
    names: set[int] = set()
    labelled: set[int] = set()
    for index, (place, counts) in enumerate(shown):
        time_ns = round(index * 1e9 / fps)
        frame = Frame(camera_id=clip.stem, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        faint = [track for track in watcher.observe(frame).tracks if track.track_id > FAINT]
        names.update(track.track_id for track in faint)
        boxes = truth.box[np.abs(truth.frame - place - 1) <= 1]
        for track in faint:
            x, y = track.box.centre_px
            near = (np.abs(boxes[:, 0] + boxes[:, 2] / 2 - x) < boxes[:, 2] / 2 + 6) & (
                np.abs(boxes[:, 1] + boxes[:, 3] / 2 - y) < boxes[:, 3] / 2 + 6
            )
            if near.any():
                labelled.add(track.track_id)
    return len(names), len(labelled)


def detection(options: argparse.Namespace) -> dict[str, object]:
    """Found walkers, delays and costs over all backgrounds."""
    each = -(-options.crossings // len(BACKGROUNDS))
    delays: list[float] = []
    stray = pictures = 0
    background_s = faint_s = 0.0
    for seed, name in enumerate(BACKGROUNDS, start=options.seed):
        late, astray, chain = crossings(name, each, options.snr, options.pace, seed)
        delays += late
        stray += astray
        pictures += chain.pictures - SETTLE_S * FPS
        background_s += chain.background_s
        faint_s += chain.faint_s
    found = [delay for delay in delays if delay <= WITHIN_S]
    share = exact_share(len(found), len(delays))
    return {
        "snr": options.snr,
        "walkers": len(delays),
        "found_within_5_s": len(found) / len(delays),
        "found_interval": [round(share.low, 3), round(share.high, 3)],
        "delay_s_p50": float(np.percentile(found, 50)) if found else None,
        "delay_s_p95": float(np.percentile(found, 95)) if found else None,
        "stray_tracks": stray,
        "scene_ms_per_picture": 1e3 * background_s / pictures,
        "faint_ms_per_picture": 1e3 * faint_s / pictures,
        "faint_share_of_a_core_at_9_fps": FPS * faint_s / pictures,
    }


def alarms(options: argparse.Namespace) -> dict[str, object]:
    """False tracks a day with their interval, and how the scores of chance fall off."""
    total, links = 0, Counter[int]()
    for seed, name in enumerate(BACKGROUNDS, start=options.seed + 100):
        count, scores, _ = false_tracks(name, options.hours / len(BACKGROUNDS), seed)
        total += count
        links += scores
    days = options.hours / 24
    rate = exact_rate(total, days)
    return {
        "empty_hours": options.hours,
        "false_tracks": total,
        "false_tracks_per_day": total / days,
        "false_tracks_per_day_interval": [round(rate.low, 2), round(rate.high, 2)],
        "false_tracks_per_day_surely_below": rate.high,
        "links": {str(score): links[score] for score in sorted(links)},
        "false_tracks_per_day_by_tail": tail(links, FaintSettings().least_nats, days),
    }


def tail(links: Counter[int], least: float, days: float) -> float | None:
    """How many links a day would reach a score if the upper half of what was seen goes on falling off as it does."""
    scores = np.array(sorted(links.elements()), dtype=np.float64) + 0.5
    if len(scores) < 8:
        return None
    start = math.floor(float(np.median(scores)))
    beyond = scores[scores >= start] - start
    return float(len(beyond) * math.exp(-(least - start) / beyond.mean())) / days


def main() -> None:
    """Measure what was asked for and print it."""
    parser = command(__doc__)
    parser.add_argument("--crossings", type=int, default=150, help="walkers to show (default 150)")
    parser.add_argument("--hours", type=float, default=0.5, help="hours without walkers, simulated (default 0.5)")
    parser.add_argument("--snr", type=float, default=5.0, help="signal to noise of a walker in one picture (default 5)")
    parser.add_argument("--pace", type=float, default=PACE_PX_S, help="pixels a second (default 4.1)")
    parser.add_argument("--seed", type=int, default=1, help="of the first background (default 1)")
    parser.add_argument("--real", metavar="PATTERN", help='drone-ir clips to watch as well ("IR_*", "IR_BIRD_0*")')
    options = parser.parse_args()
    cv2.setNumThreads(1)
    figures = detection(options) | alarms(options)
    if options.real:
        figures |= real(options.real)
    show("faint", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()

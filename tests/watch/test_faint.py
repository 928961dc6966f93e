"""Faint movers, on differences made of noise alone and of walkers whose strength is known."""

import math
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from marsad.kernel.event import TrackConfirmed, TrackLost, TrackPoint
from marsad.kernel.frame import Frame
from marsad.watch import faint
from marsad.watch.background import Background, Difference, Registration
from marsad.watch.detect import Polarity
from marsad.watch.faint import FaintSettings, FaintTrack, FaintWatch
from marsad.watch.watcher import Watcher, WatchEvent, WatchSettings

FPS = 9
WIDE, HIGH = 256, 192
NOISE = 2.0
QUIET_S = 14.0
TAPS = np.array([0.25, 0.5, 0.25])
F64 = NDArray[np.float64]
Way = tuple[float, float, float, float]
"""Left and top of a walker when it appears, and its velocity: pixels, pixels a second."""


def smoothed(picture: F64) -> F64:
    return np.asarray(cv2.sepFilter2D(picture, cv2.CV_64F, TAPS, TAPS))


def walker(x: float, y: float, snr: float, w: float = 2, h: float = 5) -> F64:
    """A walker whose pixels, all of them together, have this signal to noise in one picture."""
    picture = snr / math.sqrt(w * h) * NOISE * np.outer(coverage(y, h, HIGH), coverage(x, w, WIDE))
    return np.asarray(picture)


def coverage(start: float, length: float, pixels: int) -> F64:
    edges = np.clip(np.arange(pixels + 1), start, start + length)
    return np.diff(edges)


class Run:
    """A faint watch fed with made-up differences, and all it said."""

    def __init__(self, seed: int = 1, settings: FaintSettings | None = None, polarity: Polarity = "both") -> None:
        self.rng = np.random.default_rng(seed)
        self.watch = FaintWatch(settings, polarity)
        self.said: list[list[FaintTrack]] = []
        self.ended: list[int] = []
        self.difference = Difference(HIGH, WIDE)
        self.difference.trusted, self.difference.state = True, "watching"

    def show(self, extra: F64 | None = None, fps: float = FPS) -> list[FaintTrack]:
        picture = NOISE * self.rng.standard_normal((HIGH, WIDE), np.float32).astype(np.float64)
        if extra is not None:
            picture += extra
        self.difference.counts[:] = smoothed(picture)
        tracks = self.watch.update(self.difference, 1 / fps)
        self.said.append(tracks)
        self.ended += self.watch.ended
        return tracks

    def quiet(self, seconds: float = QUIET_S) -> "Run":
        for _ in range(round(seconds * FPS)):
            self.show()
        return self

    def walk(self, ways: list[Way], seconds: float, snr: float = 5.0, fps: int = FPS) -> list[tuple[float, FaintTrack]]:
        """Let walkers cross; when each track was said, and what."""
        found = []
        for index in range(round(seconds * fps)):
            t = index / fps
            extra = np.sum([walker(x + vx * t, y + vy * t, snr) for x, y, vx, vy in ways], axis=0)
            found += [(t, track) for track in self.show(extra, fps)]
        return found

    @property
    def names(self) -> set[int]:
        return {track.track_id for tracks in self.said for track in tracks}


def near(track: FaintTrack, way: Way, time_s: float) -> bool:
    x, y = track.box.centre_px
    return math.hypot(x - way[0] - 1 - way[2] * time_s, y - way[1] - 2.5 - way[3] * time_s) < 4


@pytest.mark.parametrize("sign", [1, -1])
def test_walkers_far_below_what_one_picture_shows_are_found_within_five_seconds(sign: int) -> None:
    ways = [(60.0, 30.3, 4.1, 0.3), (180.0, 70.8, -4.1, 0.0), (100.4, 110.0, 6.0, -1.0), (40.0, 150.5, 10.0, 1.0)]
    run = Run(seed=3).quiet()
    found = run.walk(ways, 5.0, snr=5.0 * sign)
    for way in ways:
        mine = [track for time_s, track in found if near(track, way, time_s)]
        assert mine, way
        assert all(track.contrast_counts * sign > 0 for track in mine)
        assert mine[-1].snr > 8
        assert mine[-1].velocity_x_px_s == pytest.approx(way[2], abs=1.5)
    assert len(run.names) == len(ways)


def test_the_box_is_that_of_the_walker() -> None:
    way = (40.0, 80.3, 5.0, 0.0)
    run = Run(seed=5).quiet()
    time_s, track = run.walk([way], 8.0)[-1]
    assert track.box.x_px == pytest.approx(way[0] + way[2] * time_s, abs=1.6)
    assert track.box.y_px == pytest.approx(way[1], abs=1.6)
    assert track.box.w_px == pytest.approx(2, abs=1.5)
    assert track.box.h_px == pytest.approx(5, abs=2.5)


def test_noise_alone_is_never_believed() -> None:
    run = Run(seed=2).quiet(120)
    assert not run.names


def test_what_stays_or_sways_in_one_place_is_not_believed() -> None:
    run = Run(seed=4).quiet()
    for index in range(40 * FPS):
        t = index / FPS
        sway = walker(60 + 1.5 * math.sin(2 * math.pi * 0.6 * t), 60, 8) + walker(150, 100, 8)
        run.show(sway + walker(200 + 1.5 * math.sin(1.9 * t), 140, -8))
    assert not run.names


def test_a_mover_is_carried_on_when_it_fades_and_given_up_after_that() -> None:
    run = Run(seed=6).quiet()
    run.walk([(60.0, 90.0, 4.1, 0.0)], 5.0)
    assert len(run.names) == 1
    assert run.said[-1]
    run.quiet(5.0)
    assert any(not track.seen for tracks in run.said for track in tracks)
    assert not run.said[-1]
    assert run.ended == sorted(run.names)


def test_pictures_that_jump_as_a_whole_tell_nothing() -> None:
    run = Run(seed=7).quiet()
    pattern = run.rng.normal(0, 5 * NOISE, (HIGH, WIDE))
    for _ in range(FPS):
        run.show(pattern)
    run.quiet(20)
    assert not run.names


def test_masked_ground_is_not_looked_at() -> None:
    use = np.ones((HIGH, WIDE), np.uint8)
    use[60:120] = 0
    run = Run(seed=4)
    run.watch.exclude(use)
    run.quiet()
    masked, free = (60.0, 80.3, 5.0, 0.0), (60.0, 150.3, 5.0, 0.0)
    found = run.walk([masked, free], 6.0)
    assert any(near(track, free, t) for t, track in found)
    assert not any(near(track, masked, t) for t, track in found)


def test_only_the_asked_polarity_is_reported() -> None:
    run = Run(seed=8, polarity="hot").quiet()
    run.walk([(60.0, 80.3, 5.0, 0.0)], 6.0, snr=-6.0)
    assert not run.names


def test_a_mover_is_found_while_the_scene_is_moved_under_it() -> None:
    run = Run(seed=9).quiet()
    way = (60.0, 90.3, 5.0, 0.0)
    found = []
    for index in range(6 * FPS):
        t = index / FPS
        # A camera that drifts: the scene follows by whole pixels, and lasting coordinates stay.
        origin = (index // 6, 0)
        run.difference.origin = origin
        run.difference.registration = Registration()
        found += [(t, track) for track in run.show(walker(way[0] + way[2] * t - origin[0], way[1], 6))]
    last = [track for t, track in found if t > 5]
    assert last
    assert last[-1].velocity_x_px_s == pytest.approx(5, abs=1.5)
    assert last[-1].box.x_px == pytest.approx(60 + 5 * 53 / FPS - 53 // 6, abs=3)


def test_a_scene_learnt_anew_ends_what_was_followed() -> None:
    run = Run(seed=6).quiet()
    run.walk([(60.0, 90.0, 4.1, 0.0)], 5.0)
    assert run.said[-1]
    run.difference.state = "relearned"
    run.difference.trusted = False
    assert run.show() == []
    assert run.ended == sorted(run.names)


def test_more_pictures_a_second_are_gathered() -> None:
    run = Run(seed=10)
    for _ in range(14 * 25):
        run.show(fps=25)
    way = (60.0, 90.3, 4.1, 0.0)
    found = run.walk([way], 5.0, snr=3.5, fps=25)
    assert any(near(track, way, t) for t, track in found)


def test_pictures_seconds_apart_are_left_to_the_ordinary_watch() -> None:
    run = Run(seed=11)
    for index in range(60):
        run.show(walker(20 + index * 3.0, 80, 8), fps=2)
    assert not run.names


def test_the_learnt_scene_leaves_a_faint_walker_in_the_difference() -> None:
    rng = np.random.default_rng(12)
    ground = 110 + 8 * ndimage.gaussian_filter(rng.normal(size=(HIGH, WIDE)), 2) / 0.14
    background, watch = Background(), FaintWatch()
    way = (60.0, 90.3, 4.1, 0.0)
    seen = []
    for index in range(24 * FPS):
        t = index / FPS - 18
        picture = ground + rng.normal(0, NOISE, ground.shape)
        if t >= 0:
            picture += walker(way[0] + way[2] * t, way[1], 5)
        counts = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        tracks = watch.update(background.update(counts, 1 / FPS), 1 / FPS)
        seen += [(t, track) for track in tracks]
    assert all(near(track, way, t) for t, track in seen)
    assert 0 < seen[0][0] <= 5


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_sums_along_velocities_are_those_added_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns, pad, ways = 6, 9, 3, 5
    ring = rng.normal(size=(faint.BINS, rows + 2 * pad, columns + 2 * pad)).astype(np.float32)
    left, top = (rng.integers(0, 2 * pad + 1, (ways, faint.BINS)) for _ in range(2))
    slots = rng.permutation(faint.BINS)
    best, best_way, least, least_way = (np.zeros((rows, columns), np.float32) for _ in range(4))
    line = np.zeros(columns, np.float32)
    faint._add_along(ring, slots, left, top, best, best_way, least, least_way, line)
    sums = np.array(
        [
            sum(
                ring[slots[k], top[way, k] : top[way, k] + rows, left[way, k] : left[way, k] + columns]
                for k in range(faint.BINS)
            )
            for way in range(ways)
        ]
    )
    assert best == pytest.approx(sums.max(axis=0), abs=1e-4)
    assert least == pytest.approx(sums.min(axis=0), abs=1e-4)
    assert np.take_along_axis(sums, best_way[None].astype(int), 0)[0] == pytest.approx(best, abs=1e-4)
    assert np.take_along_axis(sums, least_way[None].astype(int), 0)[0] == pytest.approx(least, abs=1e-4)


def test_chances_of_block_peaks_are_no_larger_than_they_say() -> None:
    rng = np.random.default_rng(13)
    maxima = faint._Maxima(20, 20)
    level = rng.uniform(2, 6, (20, 20))
    nats = [maxima.nats((level + rng.gumbel(0, 0.4, (20, 20))).astype(np.float32), 1 / 36) for _ in range(600)]
    late = np.array(nats[100:])
    for least in (3.0, 5.0):
        assert np.mean(late > least) <= 1.2 * math.exp(-least)
    assert np.mean(late > 0.0) > 0.01


def frames(ways: list[tuple[Way, float]], seconds: float, since_s: float) -> Iterator[Frame]:
    """Textured ground with sensor noise; each walker of a signal to noise appears at `since_s`."""
    rng = np.random.default_rng(12)
    ground = 110 + 8 * ndimage.gaussian_filter(rng.normal(size=(HIGH, WIDE)), 2) / 0.14
    for index in range(round(seconds * FPS)):
        t = index / FPS - since_s
        picture = ground + rng.normal(0, NOISE, ground.shape)
        for (x, y, vx, vy), snr in ways if t >= 0 else []:
            picture += walker(x + vx * t, y + vy * t, snr)
        time_ns = round(index * 1e9 / FPS)
        counts = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        yield Frame(camera_id="mast", index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)


def test_the_watcher_tells_of_faint_movers_once_and_leaves_strong_ones_to_the_ordinary_tracker() -> None:
    faint_way, strong_way = (60.0, 90.3, 4.1, 0.0), (200.0, 140.0, -5.0, 0.0)
    watcher = Watcher("mast", settings=WatchSettings(faint=FaintSettings()))
    watcher.number_from(201)
    events: list[WatchEvent] = []
    seen = []
    for frame in frames([(faint_way, 5.0), (strong_way, 60.0)], 26, since_s=18):
        observation = watcher.observe(frame)
        events += observation.events
        seen += [(frame.index / FPS - 18, track) for track in observation.tracks if track.status != "standing"]
    events += watcher.finish(frame.time_ns)
    faint_ones = [(t, track) for t, track in seen if track.track_id > faint.FAINT]
    ordinary = [track for t, track in seen if track.track_id <= faint.FAINT]
    assert faint_ones
    assert ordinary
    x, y = 60.0 + 1, 90.3 + 2.5
    assert all(abs(track.box.centre_px[0] - x - 4.1 * t) < 4 for t, track in faint_ones)
    assert all(abs(track.box.centre_px[1] - y) < 4 for _, track in faint_ones)
    assert {track.kind for _, track in faint_ones} == {"unknown"}
    number = faint_ones[0][1].track_id
    assert (number, {track.track_id for track in ordinary}) == (faint.FAINT + 201, {201})
    mine = [event for event in events if isinstance(event, TrackConfirmed) and event.track.track_id == number]
    points = [event for event in events if isinstance(event, TrackPoint) and event.track.track_id == number]
    lost = [event for event in events if isinstance(event, TrackLost) and event.track_id == number]
    assert len(mine) == len(lost) == 1
    assert mine[0].track.first_ns < mine[0].track.time_ns == mine[0].track.confirmed_ns
    assert 1 <= len(points) <= 8


def test_a_faint_track_ends_where_the_ordinary_tracker_takes_over() -> None:
    watcher = Watcher("mast", settings=WatchSettings(faint=FaintSettings()))
    reasons = []
    weak = list(frames([((60.0, 90.3, 4.1, 0.0), 5.0)], 24, since_s=18))
    strong = list(frames([((60.0, 90.3, 4.1, 0.0), 50.0)], 28, since_s=18))[len(weak) :]
    for frame in [*weak, *strong]:
        observation = watcher.observe(frame)
        reasons += [event.reason for event in observation.events if isinstance(event, TrackLost)]
        near_it = [track for track in observation.tracks if abs(track.box.centre_px[1] - 92.8) < 6]
        assert len([track for track in near_it if track.status != "standing"]) <= 1
    assert "followed as a stronger track" in reasons


def test_the_watch_looks_for_faint_movers_only_when_asked() -> None:
    watcher = Watcher("mast")
    for frame in frames([((60.0, 90.3, 4.1, 0.0), 5.0)], 24, since_s=18):
        assert not [track for track in watcher.observe(frame).tracks if track.track_id > faint.FAINT]

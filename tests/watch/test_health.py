"""Faults of the camera, on made pictures, on the same through H.264, and on real footage."""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from marsad.adapters.sources import open_source
from marsad.kernel.event import CameraHealth
from marsad.kernel.frame import Counts, Frame
from marsad.watch.background import Background, Registration
from marsad.watch.detect import Detector
from marsad.watch.health import HealthMonitor

ROWS, COLUMNS, FPS = 256, 320, 25.0
SLOW_FPS = 9.0
"""What exported thermal cameras give."""
Scene = NDArray[np.float32]


class Feed:
    """One camera's pictures through the real background, detector and monitor.

    `astray` is what the registration is made to err by, picture by picture.
    """

    def __init__(self, fps: float = FPS, astray: Callable[[int, Registration], Registration] | None = None) -> None:
        self.background, self.detector, self.monitor = Background(), Detector(), HealthMonitor("cam")
        self.fps = fps
        self.astray = astray
        self.events: list[CameraHealth] = []
        self.index = 0

    def watch(self, pictures: Iterable[Counts]) -> list[str]:
        """Take these pictures; what they raised, ends with a leading '-'."""
        first = len(self.events)
        for counts in pictures:
            step_s = 1 / self.fps if self.index else 0.0
            time_ns = round(self.index / self.fps * 1e9)
            frame = Frame(camera_id="cam", index=self.index, time_ns=time_ns, received_ns=time_ns, counts=counts)
            difference = self.background.update(frame.counts, step_s)
            blobs = self.detector.detect(difference)
            if self.astray:
                difference.registration = self.astray(self.index, difference.registration)
            self.events += self.monitor.update(frame, difference, blobs, step_s)
            self.index += 1
        return [("-" if event.ended else "") + event.kind for event in self.events[first:]]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def scene(rng: np.random.Generator) -> Scene:
    return make_scene(rng)


def make_scene(rng: np.random.Generator, rows: int = ROWS, columns: int = COLUMNS) -> Scene:
    """Sky over ground with texture of several scales and some sharp structures; margins to pan within."""
    high, wide = rows + 160, columns + 160
    out = np.linspace(60, 130, high, dtype=np.float32)[:, None] + np.zeros((high, wide), np.float32)
    for size, amount in ((4, 4), (12, 10), (40, 18)):
        coarse = rng.normal(0, 1, (high // size + 2, wide // size + 2)).astype(np.float32)
        out += amount * cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y = rng.integers(0, wide - 20), rng.integers(high // 3, high - 20)
        w, h = rng.integers(3, 25, 2)
        out[y : y + h, x : x + w] += rng.choice([-28, 28])
    return np.clip(cv2.GaussianBlur(out, (0, 0), 0.6), 20, 220)


def picture(
    scene: Scene, rng: np.random.Generator, x: float = 0.0, y: float = 0.0, noise: float = 2.0, gain: float = 1.0
) -> Counts:
    """The scene's middle, shifted by (x, y), with fresh noise."""
    move = np.array([[1, 0, x - 80], [0, 1, y - 80]], np.float32)
    view = cv2.warpAffine(scene, move, (COLUMNS, ROWS), flags=cv2.INTER_LINEAR)
    view = (view - 100) * gain + 100 + rng.normal(0, noise, view.shape)
    return np.clip(np.rint(view), 0, 255).astype(np.uint8)


def still(scene: Scene, rng: np.random.Generator, seconds: float, fps: float = FPS, **how: float) -> Iterator[Counts]:
    for _ in range(round(seconds * fps)):
        yield picture(scene, rng, **how)


def encoded(pictures: Iterable[Counts], crf: int, key_frames: int = 250) -> list[Counts]:
    """The same pictures after H.264."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=int(FPS))
        stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "superfast", "x264-params": f"keyint={key_frames}:scenecut=0"}
        for counts in pictures:
            grey = av.VideoFrame.from_ndarray(np.ascontiguousarray(counts), format="gray")
            out.mux(stream.encode(grey.reformat(format="yuv420p", src_color_range=2, dst_color_range=2)))
        out.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory) as back:
        return [frame.to_ndarray(format="gray") for frame in back.decode(video=0)]


def with_walkers(pictures: Iterable[Counts], number: int = 3) -> Iterator[Counts]:
    for n, counts in enumerate(pictures):
        out = counts.copy()
        for k in range(number):
            x, y = round(20 + 60 * k + 1.2 * n) % (COLUMNS - 10), 120 + 30 * k
            out[y : y + 14, x : x + 6] = np.minimum(out[y : y + 14, x : x + 6].astype(int) + 60, 255)
        yield out


# Healthy cameras.


def test_a_quiet_night_raises_nothing(scene: Scene, rng: np.random.Generator) -> None:
    assert Feed().watch(still(scene, rng, 14)) == []


def test_a_noise_free_still_picture_raises_nothing(scene: Scene, rng: np.random.Generator) -> None:
    assert Feed().watch(still(scene, rng, 14, noise=0.0)) == []


@pytest.mark.parametrize("period_s", [1.0, 2.4, 4.0])
def test_a_slowly_swaying_mast_raises_nothing(scene: Scene, rng: np.random.Generator, period_s: float) -> None:
    turns = np.arange(round(10 * FPS)) / FPS / period_s
    assert Feed().watch(picture(scene, rng, x=4.0 * np.sin(2 * np.pi * turn)) for turn in turns) == []


def test_people_walking_raise_nothing(scene: Scene, rng: np.random.Generator) -> None:
    assert Feed().watch(with_walkers(still(scene, rng, 10))) == []


@pytest.mark.parametrize(("crf", "key_frames"), [(18, 25), (34, 60)])
@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_h264_with_skipped_blocks_raises_nothing(
    scene: Scene, rng: np.random.Generator, crf: int, key_frames: int, noise: float
) -> None:
    assert Feed().watch(encoded(still(scene, rng, 8, noise=noise), crf, key_frames)) == []


def test_people_in_h264_that_throws_the_noise_away_raise_nothing(scene: Scene, rng: np.random.Generator) -> None:
    clip = [*with_walkers(still(scene, rng, 4, noise=0.7)), *still(scene, rng, 5, noise=0.7)]
    assert Feed().watch(encoded(clip, 34)) == []


def test_moving_clouds_raise_nothing(scene: Scene, rng: np.random.Generator) -> None:
    sky = cv2.resize(rng.normal(0, 12, (12, 40)).astype(np.float32), (900, 120), interpolation=cv2.INTER_CUBIC)

    def clouds() -> Iterator[Counts]:
        for n in range(round(12 * FPS)):
            out = picture(scene, rng).astype(np.float32)
            out[:120] += sky[:, n : n + COLUMNS]
            yield np.clip(out, 0, 255).astype(np.uint8)

    assert Feed().watch(clouds()) == []


def test_a_folder_of_pictures_at_one_a_second_raises_nothing(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(fps=1.0)
    assert feed.watch(with_walkers(still(scene, rng, 60, fps=1.0))) == []


def test_gain_that_drifts_slowly_raises_nothing(scene: Scene, rng: np.random.Generator) -> None:
    def drift() -> Iterator[Counts]:
        for n in range(round(16 * FPS)):
            yield picture(scene, rng, gain=1.0 + 0.25 * np.sin(n / FPS / 5))

    assert Feed().watch(drift()) == []


def test_a_swaying_mast_raises_nothing(scene: Scene, rng: np.random.Generator) -> None:
    def sway() -> Iterator[Counts]:
        for n in range(round(14 * FPS)):
            yield picture(scene, rng, x=3.0 * np.sin(n / FPS * 2 * np.pi * 0.7), y=1.0 * np.sin(n / FPS * 4))

    assert Feed().watch(sway()) == []


def test_a_nine_hertz_camera_in_a_25_hz_stream_raises_nothing(scene: Scene, rng: np.random.Generator) -> None:
    def repeats() -> Iterator[Counts]:
        for counts in still(scene, rng, 12, fps=9.0):
            yield from (counts, counts, counts)

    assert Feed(fps=27.0).watch(repeats()) == []


def billows(rng: np.random.Generator, pictures: int, speed_px: float) -> Iterator[Scene]:
    """Soft patches of unit variance that drift across the picture."""
    wide = COLUMNS + round(pictures * speed_px) + 2
    white = rng.normal(0, 1, (ROWS // 8, wide // 8)).astype(np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), 6)
    strip = cv2.resize(smooth / smooth.std(), (wide, ROWS), interpolation=cv2.INTER_LINEAR)
    for n in range(pictures):
        at = round(n * speed_px)
        yield strip[:, at : at + COLUMNS]


def raining(scene: Scene, rng: np.random.Generator, seconds: float) -> Iterator[Counts]:
    """Gusts that veil what is far (up in the picture) more than what is near."""
    far = np.linspace(1.0, 0.2, ROWS, dtype=np.float32)[:, None]
    view = scene[80 : 80 + ROWS, 80 : 80 + COLUMNS]
    for billow in billows(rng, round(seconds * SLOW_FPS), 4.0):
        veil = 0.4 * far * np.clip(1 + 0.5 * billow, 0, 2)
        out = view + veil * (60 - view) + rng.normal(0, 4, view.shape)
        yield np.clip(np.rint(out), 0, 255).astype(np.uint8)


def shaded(scene: Scene, rng: np.random.Generator, seconds: float) -> Iterator[Counts]:
    """Shadows of clouds that drift over the ground."""
    view = scene[80 : 80 + ROWS, 80 : 80 + COLUMNS]
    for billow in billows(rng, round(seconds * SLOW_FPS), 2.0):
        out = view - 25 / (1 + np.exp(-8 * billow)) + rng.normal(0, 2, view.shape)
        yield np.clip(np.rint(out), 0, 255).astype(np.uint8)


def windy(scene: Scene, rng: np.random.Generator, seconds: float, px: float = 4.0) -> Iterator[Counts]:
    """A mast that swings about its own 0.6 Hz, never twice the same."""
    hz, phase = rng.normal(0.6, 0.03, (2, 24)), rng.uniform(0, 2 * np.pi, (2, 24))
    for n in range(round(seconds * SLOW_FPS)):
        x, y = px * np.sqrt(2 / 24) * np.sin(2 * np.pi * hz * n / SLOW_FPS + phase).sum(axis=1)
        yield picture(scene, rng, x=x, y=0.6 * y, noise=4.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_mast_that_swings_in_the_wind_is_no_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert Feed(SLOW_FPS).watch(windy(make_scene(rng), rng, 25)) == []


@pytest.mark.parametrize("seed", [2, 8, 12])
def test_a_mast_that_swings_widely_before_a_rich_scene_is_no_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    feed = Feed(SLOW_FPS)
    assert "looped" not in feed.watch(windy(make_scene(rng), rng, 50, px=6.0))


def test_a_veil_that_goes_round_and_round_is_no_loop(scene: Scene, rng: np.random.Generator) -> None:
    view = scene[80 : 80 + ROWS, 80 : 80 + COLUMNS]
    veils = [0.2 + 0.1 * billow for billow in billows(rng, 40, 40.0)]

    def veiled() -> Iterator[Counts]:
        for n in range(round(40 * SLOW_FPS)):
            out = view + np.clip(veils[n % 40], 0, 0.5) * (60 - view) + rng.normal(0, 2, view.shape)
            yield np.clip(np.rint(out), 0, 255).astype(np.uint8)

    assert "looped" not in Feed(SLOW_FPS).watch(veiled())


def test_gusts_of_rain_raise_nothing(scene: Scene, rng: np.random.Generator) -> None:
    assert Feed(SLOW_FPS).watch(raining((scene - 100) * 0.6 + 100, rng, 40)) == []


def test_gusts_before_a_scene_that_is_veiled_altogether_are_no_pan(rng: np.random.Generator) -> None:
    def gusts() -> Iterator[Counts]:
        for billow in billows(rng, round(15 * SLOW_FPS), 3.0):
            yield np.clip(np.rint(120 + 15 * billow + rng.normal(0, 6, billow.shape)), 0, 255).astype(np.uint8)

    assert Feed(SLOW_FPS).watch(gusts()) == []


@pytest.mark.parametrize("seed", [0, 2])
def test_shadows_of_clouds_raise_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert Feed(SLOW_FPS).watch(shaded(make_scene(rng), rng, 55)) == []


def drifting(index: int, found: Registration) -> Registration:
    """As a cloud's shadow does, take the registration along by 0.2 px a second."""
    return msgspec.structs.replace(found, shift_x_px=found.shift_x_px + 0.02 * max(index - 70, 0))


@pytest.mark.parametrize("columns_px", [0, 40])
def test_a_registration_that_drifts_away_is_no_lost_focus(
    scene: Scene, rng: np.random.Generator, columns_px: int
) -> None:
    # Posts are steps with nothing else around: a step's coarse difference is the same a few pixels beside it.
    view = np.where(np.arange(scene.shape[1]) // columns_px % 2, 90, 130) + 0 * scene if columns_px else scene
    assert Feed(SLOW_FPS, drifting).watch(still(view.astype(np.float32), rng, 45, SLOW_FPS)) == []


def test_a_registration_that_wavers_is_no_gain_jump(scene: Scene, rng: np.random.Generator) -> None:
    def waver(index: int, found: Registration) -> Registration:
        return msgspec.structs.replace(found, gain=1.2, offset=-20.0) if index % 50 == 49 else found

    assert Feed(SLOW_FPS, waver).watch(still(scene, rng, 15, SLOW_FPS)) == []


def test_softer_edges_of_another_view_are_no_lost_focus(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(SLOW_FPS)
    feed.watch(still(scene, rng, 8, SLOW_FPS))
    softer = cv2.GaussianBlur(make_scene(rng), (0, 0), 0.6)
    assert feed.watch(still(softer, rng, 25, SLOW_FPS)) == ["camera_moved"]


# Faults.


def test_lost_focus_is_told_in_rain(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(SLOW_FPS)
    assert feed.watch(raining(scene, rng, 20)) == []
    assert feed.watch(raining(cv2.GaussianBlur(scene, (0, 0), 2.2), rng, 10)) == ["defocused"]


def test_lost_focus_is_told_though_the_registration_drifts(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(SLOW_FPS, drifting)
    assert feed.watch(still(scene, rng, 20, SLOW_FPS)) == []
    assert feed.watch(still(cv2.GaussianBlur(scene, (0, 0), 2.2), rng, 10, SLOW_FPS)) == ["defocused"]


def test_a_loop_is_told_though_the_mast_swings(scene: Scene, rng: np.random.Generator) -> None:
    live = list(windy(scene, rng, 16))
    feed = Feed(SLOW_FPS)
    assert feed.watch(live) == []
    assert feed.watch(live[-80:] * 2) == ["looped"]
    assert feed.events[0].frame_index < len(live) + 10 * SLOW_FPS


def test_a_cap_is_told_where_little_stands_out_of_the_noise(scene: Scene, rng: np.random.Generator) -> None:
    posts = np.where(np.arange(scene.shape[1]) % 100 < 10, 130, 90) + np.zeros_like(scene)
    feed = Feed(SLOW_FPS)
    assert feed.watch(still(posts, rng, 15, SLOW_FPS, noise=5.0)) == []
    assert feed.watch(still(np.full_like(scene, 90), rng, 10, SLOW_FPS, noise=5.0)) == ["covered"]


def test_a_cap_that_leaves_the_picture_white_is_told(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(SLOW_FPS)
    assert feed.watch(still(scene, rng, 15, SLOW_FPS)) == []
    assert "covered" in feed.watch(still(np.full_like(scene, 300), rng, 5, SLOW_FPS))


def thin_lines(rng: np.random.Generator) -> Iterator[Counts]:
    """Lines a pixel wide that jump by up to two pixels from picture to picture."""
    lines = np.full((ROWS + 20, COLUMNS + 20), 90, np.float32)
    for _ in range(400):
        x, y, length = rng.integers(5, COLUMNS), rng.integers(5, ROWS), rng.integers(8, 30)
        part = np.s_[y : y + length, x] if rng.random() < 0.5 else np.s_[y, x : x + length]
        lines[part] += 60
    for _ in range(60):
        across, down = rng.integers(0, 3, 2)
        seen = lines[down : down + ROWS, across : across + COLUMNS] + rng.normal(0, 1, (ROWS, COLUMNS))
        yield np.clip(seen, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [3, 51, 58])
def test_edges_that_are_not_steep_when_they_are_learnt_are_given_up(seed: int) -> None:
    still_there = Feed(SLOW_FPS, lambda _, found: msgspec.structs.replace(found, shift_x_px=0.0, shift_y_px=0.0))
    assert "defocused" not in still_there.watch(thin_lines(np.random.default_rng(seed)))


@pytest.mark.parametrize("shift", [(4.0, 0.0), (0.0, -3.0), (60.0, 0.0)])
def test_a_knock_is_told_once(scene: Scene, rng: np.random.Generator, shift: tuple[float, float]) -> None:
    feed = Feed()
    assert feed.watch(still(scene, rng, 5)) == []
    assert feed.watch(still(scene, rng, 6, x=shift[0], y=shift[1])) == ["camera_moved"]


def test_another_scene_is_a_moved_camera(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed()
    feed.watch(still(scene, rng, 6))
    assert feed.watch(still(make_scene(rng), rng, 5)) == ["camera_moved"]


def test_a_pan_begins_and_ends(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed()
    feed.watch(still(scene, rng, 4))
    assert feed.watch(picture(scene, rng, x=n * 0.9) for n in range(80)) == ["panning"]
    assert feed.watch(still(scene, rng, 5, x=79 * 0.9)) == ["-panning"]


@pytest.mark.parametrize("gain", [0.6, 1.5, 3.0])
def test_a_gain_jump_is_told_once(scene: Scene, rng: np.random.Generator, gain: float) -> None:
    feed = Feed()
    feed.watch(still(scene, rng, 6))
    assert feed.watch(still(scene, rng, 5, gain=gain)) == ["gain_jump"]


def test_a_flat_field_correction_is_told_with_its_end(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed()
    feed.watch(still(scene, rng, 5))
    held = picture(scene, rng)
    pattern = scene + rng.normal(0, 4, scene.shape).astype(np.float32) + 10
    assert feed.watch([held] * 12) == []
    assert feed.watch(still(pattern, rng, 5)) == ["flat_field_correction", "-flat_field_correction"]


def test_a_frozen_picture_is_told_after_a_second_and_its_end(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed()
    feed.watch(still(scene, rng, 5))
    held = picture(scene, rng)
    assert feed.watch([held] * 25) == []
    assert feed.watch([held] * 5) == ["frozen"]
    assert feed.watch([held] * 100) == []
    assert feed.watch(still(scene, rng, 3)) == ["-frozen"]


def test_a_feed_without_noise_is_frozen_only_after_a_minute(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(fps=5.0)
    held = picture(scene, rng, noise=0.0)
    assert feed.watch([held] * 300) == []
    assert feed.watch([held] * 5) == ["frozen"]


@pytest.mark.parametrize("crf", [0, 28])
def test_a_covered_lens_is_told_with_its_end(scene: Scene, rng: np.random.Generator, crf: int) -> None:
    cap = np.full_like(scene, 90)
    clip = [*still(scene, rng, 7), *still(cap, rng, 4), *still(scene, rng, 4)]
    feed = Feed()
    assert feed.watch(encoded(clip, crf) if crf else clip) == ["covered", "-covered"]
    assert 7 * FPS < feed.events[0].frame_index < 9 * FPS


def test_lost_focus_is_told_with_its_end(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed()
    feed.watch(still(scene, rng, 7))
    assert feed.watch(still(cv2.GaussianBlur(scene, (0, 0), 3.0), rng, 5)) == ["defocused"]
    assert feed.watch(still(scene, rng, 5)) == ["-defocused"]


def test_focus_that_drifts_away_slowly_is_told(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed(fps=5.0)
    feed.watch(still(scene, rng, 8, fps=5.0))
    drift = (picture(cv2.GaussianBlur(scene, (0, 0), 0.3 + n / 90), rng) for n in range(300))
    assert feed.watch(drift) == ["defocused"]


@pytest.mark.parametrize("crf", [0, 20])
def test_a_looped_feed_is_told_also_after_encoding(scene: Scene, rng: np.random.Generator, crf: int) -> None:
    live = list(still(scene, rng, 10, noise=3.0))
    taken = encoded(live, 18, 50) if crf else live
    clip = taken + taken[100:]
    feed = Feed()
    assert feed.watch(encoded(clip, crf, 70) if crf else clip) == ["looped"]
    assert "6.0 s" in feed.events[0].detail
    assert feed.events[0].frame_index < 250 + 5 * FPS


def test_the_end_of_a_loop_is_told(scene: Scene, rng: np.random.Generator) -> None:
    live = list(still(scene, rng, 6))
    feed = Feed()
    assert feed.watch([*live, *live]) == ["looped"]
    assert feed.watch(still(scene, rng, 7)) == ["-looped"]


@pytest.mark.parametrize("how", ["constant", "copied"])
@pytest.mark.parametrize("column", [False, True])
def test_dead_lines_are_named(scene: Scene, rng: np.random.Generator, how: str, column: bool) -> None:
    def dead() -> Iterator[Counts]:
        for counts in still(scene, rng, 6):
            out = counts.copy()
            view = out.T if column else out
            view[150] = 90 if how == "constant" else view[149]
            yield out

    feed = Feed()
    assert feed.watch(dead()) == ["dead_rows"]
    assert feed.events[0].detail == ("column 150" if column else "row 150")
    assert feed.watch(still(scene, rng, 6)) == ["-dead_rows"]


def text_over(pictures: Iterable[Counts], words: Callable[[int], str]) -> Iterator[Counts]:
    for n, counts in enumerate(pictures):
        out = counts.copy()
        cv2.putText(out, words(n), (12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
        yield out


def swaying(scene: Scene, rng: np.random.Generator, seconds: float) -> Iterator[Counts]:
    for n in range(round(seconds * FPS)):
        yield picture(scene, rng, x=5.0 * np.sin(n / FPS * 0.8), y=3.0 * np.sin(n / FPS * 0.5))


def test_burned_in_text_is_masked_when_the_camera_sways(scene: Scene, rng: np.random.Generator) -> None:
    feed = Feed()
    assert set(feed.watch(text_over(swaying(scene, rng, 22), lambda _: "CAM 4 N"))) == {"overlay_masked"}
    mask = feed.monitor.overlay
    assert mask is not None
    blank = np.zeros((ROWS, COLUMNS), np.uint8)
    text = next(text_over([blank], lambda _: "CAM 4 N")) > 0
    assert np.count_nonzero(mask & text) > 0.9 * np.count_nonzero(text)
    assert np.count_nonzero(mask & ~cv2.dilate(text.astype(np.uint8), np.ones((15, 15))).astype(bool)) == 0


def test_a_hot_object_that_stands_or_walks_is_never_masked(scene: Scene, rng: np.random.Generator) -> None:
    hot = scene.copy()
    hot[200:216, 240:247] = 250
    feed = Feed()
    feed.watch(with_walkers(swaying(hot, rng, 22)))
    assert feed.monitor.overlay is None


# Real footage.


def drone_ir() -> Path:
    root = Path(os.environ.get("MARSAD_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
    folder = root / "thermal" / "drone-ir"
    if not folder.is_dir():
        message = f"real footage is missing: {folder} (set MARSAD_REAL_DATA)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.mark.parametrize("name", ["IR_DRONE_008", "IR_BIRD_010", "IR_HELICOPTER_010"])
def test_real_footage_from_a_fixed_camera_raises_nothing(name: str) -> None:
    source = open_source(str(drone_ir() / f"{name}.mp4"), "cam")
    feed = Feed(fps=source.info.fps)
    assert feed.watch(item.counts for item in source if isinstance(item, Frame)) == []

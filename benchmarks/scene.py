"""A cluttered thermal scene, the same on every machine: ground, swaying bushes, clouds, walkers, sway and sensor noise.

`python benchmarks/scene.py OUT.mp4` writes it as H.264, 640x512, 25 frames a second, 2 Mb/s.
"""

import argparse
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

WIDTH_PX, HEIGHT_PX, FPS = 640, 512, 25
BIT_RATE = 2_000_000
NOISE_COUNTS = 2.0
SWAY_PX = 0.6
SKY_PX = 130
WALKERS = 8
BUSHES = 60
_SEED = 20240601
_MARGIN_PX = 64


class Scene:
    """The scene as a function of the frame number; `picture(i)` needs no earlier frame."""

    def __init__(self, seed: int = _SEED) -> None:
        rng = np.random.default_rng(seed)
        self._ground = _ground(rng)
        self._clouds = _texture(rng, SKY_PX + _MARGIN_PX, 2 * WIDTH_PX, (40, 90)) * 9
        self._noise = rng.normal(0, NOISE_COUNTS, (4, HEIGHT_PX + 97, WIDTH_PX + 89)).astype(np.float32)
        self._bushes = [_Bush(rng) for _ in range(BUSHES)]
        self._walkers = [_Walker(rng) for _ in range(WALKERS)]
        self._phases = rng.uniform(0, 2 * np.pi, 4)

    def picture(self, index: int) -> Picture:
        """The frame as (512, 640) uint8."""
        second = index / FPS
        canvas = self._ground.copy()
        drift = round(second * 4) % WIDTH_PX
        canvas[: SKY_PX + _MARGIN_PX, : WIDTH_PX + 2 * _MARGIN_PX] += self._sky(drift)
        for bush in self._bushes:
            bush.draw(canvas, second)
        for walker in self._walkers:
            walker.draw(canvas, second)
        view = self._view(canvas, second)
        return np.clip(view + self._noise_of(index), 0, 255).astype(np.uint8)

    def _sky(self, drift: int) -> Floats:
        columns = (np.arange(WIDTH_PX + 2 * _MARGIN_PX) + drift) % self._clouds.shape[1]
        fade = np.clip((SKY_PX + _MARGIN_PX - np.arange(SKY_PX + _MARGIN_PX)) / 40, 0, 1).astype(np.float32)
        return self._clouds[:, columns] * fade[:, None]

    def _view(self, canvas: Floats, second: float) -> Floats:
        """The canvas through a mast that sways by part of a pixel."""
        sway_x = SWAY_PX * np.sin(2 * np.pi * 0.7 * second + self._phases[0])
        sway_y = 0.5 * SWAY_PX * np.sin(2 * np.pi * 1.1 * second + self._phases[1])
        move = np.array([[1, 0, -_MARGIN_PX + sway_x], [0, 1, -_MARGIN_PX + sway_y]])
        return cv2.warpAffine(canvas, move, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_LINEAR).astype(np.float32)

    def _noise_of(self, index: int) -> Floats:
        """A window of a noise table that comes to lie elsewhere in every frame."""
        top, left = index * 31 % 97, index * 53 % 89
        return self._noise[index % 4, top : top + HEIGHT_PX, left : left + WIDTH_PX]


class _Bush:
    """A tuft that swings in the wind, warmer or colder than the ground."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._x = rng.uniform(_MARGIN_PX, WIDTH_PX + _MARGIN_PX)
        self._y = rng.uniform(SKY_PX + _MARGIN_PX + 10, HEIGHT_PX + _MARGIN_PX - 20)
        size = int(rng.uniform(8, 26))
        yy, xx = np.mgrid[-size : size + 1, -size : size + 1].astype(np.float32)
        leaves = _texture(rng, 2 * size + 1, 2 * size + 1, (2, 4))
        self._tuft = (
            leaves * rng.choice([-1, 1]) * rng.uniform(6, 16) * np.exp(-(xx**2 + yy**2) / (0.4 * size**2))
        ).astype(np.float32)
        self._reach = rng.uniform(0.4, 1.8)
        self._rate, self._phase = rng.uniform(0.3, 1.2), rng.uniform(0, 2 * np.pi)

    def draw(self, canvas: Floats, second: float) -> None:
        gust = 0.6 + 0.4 * np.sin(0.21 * second + self._phase)
        x = self._x + self._reach * gust * np.sin(2 * np.pi * self._rate * second + self._phase)
        _add(canvas, self._tuft, x, self._y)


class _Walker:
    """A person a few pixels tall who walks to and fro at a steady pace."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._height = rng.uniform(5, 16)
        self._y = SKY_PX + _MARGIN_PX + 25 + self._height * 20
        self._contrast = rng.uniform(18, 45) * rng.choice([1, 1, 1, -1])
        self._left, self._span = _MARGIN_PX + rng.uniform(10, 200), rng.uniform(200, 400)
        self._pace = self._height / 1.7 * rng.uniform(1.0, 1.6)
        self._start = rng.uniform(0, 2 * self._span)

    def draw(self, canvas: Floats, second: float) -> None:
        way = (self._start + self._pace * second) % (2 * self._span)
        x = self._left + (way if way < self._span else 2 * self._span - way)
        _add(canvas, self._body(), x, self._y)

    def _body(self) -> Floats:
        h, w = self._height, 0.4 * self._height
        yy, xx = np.mgrid[-12:13, -6:7].astype(np.float32)
        inside_x = np.clip(w / 2 + 0.5 - np.abs(xx), 0, 1)
        inside_y = np.clip(h / 2 + 0.5 - np.abs(yy), 0, 1)
        return (self._contrast * inside_x * inside_y).astype(np.float32)


def encode(path: Path, frames: int, *, bit_rate: int = BIT_RATE) -> float:
    """Write the first `frames` pictures as H.264 (x264 veryfast, one thread); returns the bits a second achieved."""
    scene = Scene()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.bit_rate = bit_rate
        stream.codec_context.thread_count = 1
        stream.options = {"preset": "veryfast"}
        total = 0
        for index in range(frames):
            image = av.VideoFrame.from_ndarray(scene.picture(index), format="gray").reformat(format="yuv420p")
            image.pts, image.time_base = index, Fraction(1, FPS)
            for packet in stream.encode(image):
                total += packet.size
                container.mux(packet)
        for packet in stream.encode(None):
            total += packet.size
            container.mux(packet)
    return total * 8 * FPS / frames


def pictures(frames: int) -> Iterator[Picture]:
    """The first `frames` pictures, without a codec."""
    scene = Scene()
    return (scene.picture(index) for index in range(frames))


def _ground(rng: np.random.Generator) -> Floats:
    """Sky above, ground with relief below, stones: (H, W) with a margin all around."""
    rows, columns = HEIGHT_PX + 2 * _MARGIN_PX, WIDTH_PX + 2 * _MARGIN_PX
    ground = 95 + 14 * _texture(rng, rows, columns, (60, 25)) + 7 * _texture(rng, rows, columns, (9, 4))
    ground += 4 * _texture(rng, rows, columns, (2, 1.5))
    horizon = SKY_PX + _MARGIN_PX + 12 * _texture(rng, 1, columns, (60, 1))[0]
    above = np.clip(horizon[None, :] - np.arange(rows)[:, None], 0, 1).astype(np.float32)
    sky = np.linspace(35, 70, rows, dtype=np.float32)[:, None]
    return (ground * (1 - above) + sky * above).astype(np.float32)


def _texture(rng: np.random.Generator, rows: int, columns: int, scale: tuple[float, float]) -> Floats:
    """Smooth noise of unit variance; `scale` is its size across and down in pixels."""
    raw = rng.normal(0, 1, (rows, columns)).astype(np.float32)
    smooth = cv2.GaussianBlur(raw, (0, 0), sigmaX=scale[0] / 2, sigmaY=scale[1] / 2)
    return ((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6)).astype(np.float32)


def _add(canvas: Floats, patch: Floats, x: float, y: float) -> None:
    """Add a patch centred on a place between pixels, cut at the canvas's edge."""
    rows, columns = patch.shape
    left, top = int(np.floor(x)) - columns // 2, int(np.floor(y)) - rows // 2
    move = np.array([[1, 0, x - np.floor(x)], [0, 1, y - np.floor(y)]])
    moved = cv2.warpAffine(patch, move, (columns, rows), flags=cv2.INTER_LINEAR)
    first_row, first_column = max(top, 0), max(left, 0)
    last_row, last_column = min(top + rows, canvas.shape[0]), min(left + columns, canvas.shape[1])
    if first_row < last_row and first_column < last_column:
        part = moved[first_row - top : last_row - top, first_column - left : last_column - left]
        canvas[first_row:last_row, first_column:last_column] += part


def main() -> None:
    """Write the scene to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=1500)
    arguments = parser.parse_args()
    rate = encode(arguments.out, arguments.frames)
    print(f"{arguments.out}: {arguments.frames} frames, {rate / 1e6:.2f} Mb/s")


if __name__ == "__main__":
    main()

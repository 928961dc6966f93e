"""A small clip with one walker, and the site where it was taken."""

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from marsad.kernel.frame import Counts, Frame

# The tests of this room share what they are made of.
sys.path.insert(0, str(Path(__file__).parent))

FPS, WIDE, HIGH = 25, 160, 120

SITE = """
name = "Flat ground"
organisation = "north"
[terrain]
flat_height_m = 100.0
sigma_m = 0.1
[[cameras]]
id = "mast"
reach_m = 3000.0
[cameras.lens]
width_px = 160
height_px = 120
horizontal_fov_deg = 10.0
[cameras.pose]
latitude_deg = 34.0
longitude_deg = 41.0
mast_m = 20.0
azimuth_deg = 90.0
elevation_deg = -5.0
sigma = { azimuth_deg = 0.02, elevation_deg = 0.02, roll_deg = 0.02, horizontal_m = 0.2, height_m = 0.1 }
[[lines]]
id = "track-road"
points = [{ latitude_deg = 34.0, longitude_deg = 41.001 }, { latitude_deg = 34.0, longitude_deg = 41.003 }]
"""
"""The line runs along the camera's axis; the walker crosses it to the right of those who walk along it."""


def walker_px(index: int) -> tuple[float, float] | None:
    """Where the walker's foot is: he comes into the picture after two seconds."""
    return None if index < 2 * FPS else (20 + 16 * (index / FPS - 2), 80.0)


def picture(index: int, ground: np.ndarray, rng: np.random.Generator) -> Counts:
    shown = ground + rng.normal(0, 1.5, ground.shape)
    foot = walker_px(index)
    if foot is not None:
        left, edges = foot[0] - 2, np.arange(WIDE + 1)
        shown[71:80] += 40 * np.diff(np.clip(edges, left, left + 4))
    return np.clip(shown + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def walk() -> list[Frame]:
    """Nine seconds of textured ground with sensor noise, and the walker."""
    rng = np.random.default_rng(1)
    ground = 100 + cv2.GaussianBlur(np.random.default_rng(7).normal(0, 60, (HIGH, WIDE)), (0, 0), 2.5)
    frames = []
    for index in range(9 * FPS):
        time_ns = round(index * 1e9 / FPS)
        counts = picture(index, ground, rng)
        frames.append(Frame(camera_id="mast", index=index, time_ns=time_ns, received_ns=time_ns, counts=counts))
    return frames


@pytest.fixture(scope="session")
def video(walk: list[Frame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip as a file."""
    path = tmp_path_factory.mktemp("clip") / "walk.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "gray"
        stream.options = {"crf": "12", "preset": "ultrafast"}
        for each in walk:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(each.counts, format="gray")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


@pytest.fixture
def foot_px() -> Callable[[int], tuple[float, float] | None]:
    return walker_px


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or leaves ground lookups in the user's cache."""
    monkeypatch.setenv("MARSAD_CACHE", str(tmp_path / "cache"))

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize(
    "name",
    [
        "tno_duine",
        "drone_ir",
        "cacophony_cptv",
        "speed",
        "small_targets",
        "geometry",
        "presence",
        "campaign_trackers",
        "real_sets",
        "scene_speed",
        "patrols",
        "rosters",
        "range_performance",
    ],
)
def test_every_benchmark_says_what_it_needs(name: str) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--json" in done.stdout


def test_without_real_footage_a_benchmark_says_where_it_looked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "tno_duine.py"],
        env={"MARSAD_REAL_DATA": str(tmp_path / "nowhere"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "nowhere/thermal/tno-duine is not there" in done.stderr
    assert "Set MARSAD_REAL_DATA" in done.stderr


def test_the_scene_is_the_same_every_time_and_moves() -> None:
    from scene import Scene  # noqa: PLC0415 - a script, found through the fixture

    first, again = Scene().picture(7), Scene().picture(7)
    assert first.shape == (512, 640)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, Scene().picture(8))


def test_a_walker_covers_exactly_its_size_wherever_it_stands() -> None:
    from small_targets import Walk  # noqa: PLC0415 - a script, found through the fixture

    ground = np.full((256, 320), 100.0)
    walk = Walk(ground, seed=1)
    bare = Walk(ground, seed=1)
    bare.box = lambda _index: None
    for index in (300, 307, 801):
        x, y, w, h = walk.box(index)
        added = walk.picture(index).astype(float) - bare.picture(index).astype(float)
        assert added.sum() == pytest.approx(20 * 2 * 5, abs=8)
        rows, columns = np.nonzero(added)
        assert x - 1 < columns.min() <= columns.max() < x + w
        assert y - 1 < rows.min() <= rows.max() < y + h
    assert walk.box(50) is None


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    rng = np.random.default_rng(5)
    return cv2.GaussianBlur(rng.normal(0, 60, (300, 360)), (0, 0), 2.0) + 100


def clip(texture: np.ndarray, shifts: list[float], box_x: list[float] | None = None) -> list[np.ndarray]:
    rng = np.random.default_rng(6)
    pictures = []
    for index, shift in enumerate(shifts):
        move = np.array([[1, 0, -20 + shift], [0, 1, -20]], dtype=np.float64)
        picture = cv2.warpAffine(texture, move, (320, 256)) + rng.normal(0, 1.5, (256, 320))
        if box_x is not None:
            picture[100:130, round(box_x[index]) : round(box_x[index]) + 40] = 240
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return pictures


def no_truth() -> "object":
    from marsad.report.evaluation import Boxes  # noqa: PLC0415 - beside the scripts

    return Boxes(frame=np.zeros(0, np.int64), identity=np.zeros(0, np.int64), box=np.zeros((0, 4)))


def test_the_camera_s_motion_is_measured_and_noise_is_not_motion(texture: np.ndarray) -> None:
    from drone_ir import camera_motion  # noqa: PLC0415 - a script, found through the fixture

    assert camera_motion(clip(texture, [0.0] * 8), no_truth()) < 0.3
    assert camera_motion(clip(texture, [0, 0, 0, 0, 2.5, 2.5, 2.5, 2.5]), no_truth()) == pytest.approx(2.5, abs=0.3)
    slow_pan = [0.6 * index for index in range(8)]
    assert camera_motion(clip(texture, slow_pan), no_truth()) == pytest.approx(1.8, abs=0.3)


def test_a_moving_object_is_no_moving_camera(texture: np.ndarray) -> None:
    from drone_ir import camera_motion  # noqa: PLC0415 - a script, found through the fixture

    passing = clip(texture, [0.0] * 8, [30.0 * index for index in range(8)])
    assert camera_motion(passing, no_truth()) < 1.0

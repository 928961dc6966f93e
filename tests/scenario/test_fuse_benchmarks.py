"""The scenes engines are compared on, how they are judged, and that the peers run on them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from marsad.app.bench_fuse_judging import Said, difference_percent, judge
from marsad.app.bench_fuse_peers import Peers
from marsad.app.bench_fuse_scenes import PAIR, PATROL, REGISTERED, VALLEY, Linear, linear, read, towers, write

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.mark.parametrize("name", ["fuse_linear", "fuse_towers", "fuse_exchange"])
def test_every_benchmark_of_fusing_says_what_it_needs(name: str) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--json" in done.stdout


def errors(scene: "object") -> tuple[np.ndarray, np.ndarray]:
    """What true measurements are off by, and which they are."""
    where = {
        (look, number): state[:2]
        for look, number, state in zip(
            scene.truth_look.tolist(), scene.truth_id.tolist(), scene.truth_state, strict=True
        )
    }
    rows = np.flatnonzero((scene.origin >= 0) & np.isfinite(scene.place_m[:, 0]))
    true = np.array([where[int(scene.look[row]), int(scene.origin[row])] for row in rows])
    return scene.place_m[rows] - true, rows


def test_a_linear_scene_is_as_dense_and_as_noisy_as_it_says(tmp_path: Path) -> None:
    scene = linear(Linear(100), seed=3)
    write(scene, tmp_path / "scene.npz")
    for kept in (read(tmp_path / "scene.npz"), linear(Linear(100), seed=3)):
        assert all(np.array_equal(getattr(kept, name), getattr(scene, name), equal_nan=True) for name in scene._fields)
    off, rows = errors(scene)
    assert off.std(axis=0) == pytest.approx([5.0, 5.0], abs=0.2)
    assert len(rows) / len(scene.truth_id) == pytest.approx(0.9, abs=0.02)
    assert np.bincount(scene.truth_look).mean() == pytest.approx(100, abs=20)
    assert np.count_nonzero(scene.origin < 0) / scene.looks == pytest.approx(100, abs=5)
    assert scene.false_density == pytest.approx(1e-4)
    lives = np.bincount(scene.truth_id)
    assert 0.2 < np.mean(lives[:100] < 60) < 0.6
    assert len(lives) > 110


def test_towers_measure_as_well_as_they_say() -> None:
    squares = []
    for seed in range(20):
        scene = towers(PAIR._replace(sigma_rad=0.0001), seed)
        off, rows = errors(scene)
        squares.append(np.einsum("ni,nij,nj->n", off, np.linalg.inv(scene.place_covariance[rows]), off) / 2)
    assert np.mean(squares) == pytest.approx(1.0, abs=0.1)
    sigmas = np.sqrt(np.linalg.eigvalsh(scene.place_covariance)).mean(axis=0)
    assert 50 < sigmas[1] / sigmas[0] < 150


def test_a_turned_mount_moves_what_its_camera_sees_and_not_the_patrol_s_reports() -> None:
    scene = towers(REGISTERED, seed=1)
    off, rows = errors(scene)
    gps = scene.look_source[scene.look[rows]] == PATROL
    assert np.abs(off[gps]).max() < 30
    whole = scene.place_covariance[rows] + scene.mount_covariance[rows]
    assert np.median(np.einsum("ni,nij,nj->n", off, np.linalg.inv(whole), off)[~gps]) < 6
    assert np.median(np.einsum("ni,nij,nj->n", off, np.linalg.inv(scene.place_covariance[rows]), off)[~gps]) > 10


def test_dead_ground_hides_for_a_while_and_gives_a_new_number() -> None:
    scene = towers(VALLEY, seed=2)
    seen = scene.origin >= 0
    assert 0.5 < np.count_nonzero(seen) / (VALLEY.targets * scene.looks) < 0.88
    assert len(np.unique(scene.label[seen])) > VALLEY.targets * VALLEY.towers
    for number in np.unique(scene.label[seen]):
        rows = scene.label == number
        assert len(np.unique(scene.origin[rows])) == 1
        assert len(np.unique(scene.look_source[scene.look[rows]])) == 1


def test_an_engine_that_tells_the_truth_is_off_by_nothing() -> None:
    scene = linear(Linear(10, scans=20), seed=4)
    covariance = np.tile(np.eye(2), (len(scene.truth_id), 1, 1))
    said = Said(scene.truth_look, scene.truth_id, scene.truth_state[:, :2] + [0.6, 0.8], covariance, np.full(20, 0.002))
    found = judge(scene, said, 20.0, 5.0)
    assert found is not None
    assert (found.missed, found.false, found.switches) == (0, 0, 0)
    assert found.offset_m == pytest.approx(1.0)
    assert found.nees == pytest.approx(0.5)
    assert found.milliseconds == pytest.approx(2.0)
    assert judge(scene, said._replace(seconds=said.seconds[:-1]), 20.0, 5.0) is None


def test_a_difference_that_is_always_the_same_is_sure() -> None:
    same = difference_percent([11.0, 21.0, 31.0], [10.0, 20.0, 30.0])
    assert (same.mean, same.low, same.high) == pytest.approx((5.0, 5.0, 5.0))
    mixed = difference_percent([11.0, 19.0, 30.0], [10.0, 20.0, 30.0])
    assert mixed.mean == pytest.approx(0.0)
    assert mixed.low < 0 < mixed.high


@pytest.mark.parametrize("engine", ["gnn", "jpda"])
def test_the_peers_follow_who_is_there(engine: str, tmp_path: Path) -> None:
    peers = Peers(ROOT)
    if not peers.there:
        pytest.skip("no .venv-peers: `make peers` makes it")
    scenes = [linear(Linear(5, scans=25, false_per_target=0.2), seed=5), towers(PAIR._replace(seconds=20), seed=5)]
    for number, scene in enumerate(scenes):
        path = tmp_path / f"{number}.npz"
        write(scene, path)
        settings = {"near": ("detections", "none")[number], "points": 3, "missed": 4.0}
        ((said,),) = peers.said([path], engine, [settings], tmp_path)
        found = judge(scene, said, 20.0, 8.0)
        assert found is not None
        assert found.milliseconds > 0
        assert found.missed < 0.2 * np.bincount(scene.truth_look).mean()
        assert found.false < 0.3
        assert found.offset_m < 6.0

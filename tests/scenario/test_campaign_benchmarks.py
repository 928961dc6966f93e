from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_a_box_less_is_borne_and_two_are_not() -> None:
    from real_sets import compared  # noqa: PLC0415 - a script, found through the fixture

    before = {"tno_duine_recall": 1.0, "drone_ir_false_tracks_per_hour": 100.0, "tno_duine_unmatched_from_third_box": 0}
    borne = {"tno_duine_recall": 0.95, "tno_duine_truth_boxes": 20, "drone_ir_false_tracks_per_hour": 104.0}
    assert compared(before, borne) == []
    worse = {"tno_duine_recall": 0.9, "tno_duine_truth_boxes": 20, "drone_ir_false_tracks_per_hour": 106.0}
    assert [line.partition(":")[0] for line in compared(before, worse)] == [
        "tno_duine_recall",
        "drone_ir_false_tracks_per_hour",
    ]
    assert compared(before, {"tno_duine_unmatched_from_third_box": 2})


def test_what_was_written_back_never_takes_the_place_of_what_was_said() -> None:
    from campaign_trackers import together  # noqa: PLC0415 - the same

    said = np.array([[5.0, 1, 10, 10, 4, 9]])
    back = np.array([[5.0, 1, 99, 99, 4, 9], [4.0, 1, 9, 10, 4, 9], [5.0, 2, 50, 10, 4, 9]])
    both = together(said, back)
    assert both.tolist() == [said[0].tolist(), back[1].tolist(), back[2].tolist()]
    assert together(said, np.zeros((0, 6))).tolist() == said.tolist()


def test_trackers_are_compared_on_the_same_boxes(tmp_path: Path) -> None:
    from campaign_trackers import PEER_PYTHON, mean, measure  # noqa: PLC0415 - the same

    if not PEER_PYTHON.exists():
        pytest.skip("no .venv-peers: `make peers` makes it")
    frames = np.arange(90.0)
    walk = np.stack([frames, np.ones(90), 40 + 0.5 * frames, np.full(90, 60.0), np.full(90, 6.0), np.full(90, 15.0)], 1)
    detections = walk.copy()
    detections[:, 1] = 20.0
    file = tmp_path / "scene.npz"
    np.savez(file, frames=90, fps=9.0, truth=walk, tracks=walk, written_back=np.zeros((0, 6)), detections=detections)
    results = measure([file])
    assert mean(results["marsad"], "iou", "hota") == pytest.approx(1.0)
    for peer in ("bytetrack-flat-0", "ocsort-snr-0"):
        assert mean(results[peer], "iou", "recall") > 0.9
        assert mean(results[peer], "iou", "precision") == 1.0
    assert len(results) == 2 + 2 * 2 * 3

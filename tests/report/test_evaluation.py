import json
import subprocess
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.error import InputError
from marsad.report.evaluation import (
    Boxes,
    Evaluation,
    Match,
    evaluate,
    false_identities,
    frame_base,
    intersection_over_union,
    on_any_truth,
    parse_match,
    shift_frames,
)

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
REFEREE_VALUES = Path(__file__).with_name("referee_values.json")
IOU = Match(by="iou", threshold=0.5)
CENTRE = Match(by="centre")

Row = tuple[int, int, float, float, float, float]


def boxes(rows: list[Row], online: list[bool] | None = None) -> Boxes:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Boxes(
        frame=table[:, 0].astype(np.int64),
        identity=table[:, 1].astype(np.int64),
        box=table[:, 2:],
        online=None if online is None else np.array(online, dtype=np.bool_),
    )


def standing(identity: int, frames: range, x: float = 10.0) -> list[Row]:
    return [(frame, identity, x, 20.0, 4.0, 10.0) for frame in frames]


def test_tracks_equal_to_the_truth_score_one_everywhere() -> None:
    truth = boxes(standing(1, range(1, 21)) + standing(2, range(5, 15), x=50))
    result = evaluate(truth, truth, IOU, fps=10)
    scores = (result.recall, result.precision, result.mota, result.idf1, result.hota)
    assert scores == pytest.approx((1, 1, 1, 1, 1))
    assert (result.false_tracks, result.false_points, result.id_switches) == (0, 0, 0)


def test_no_tracks_find_nothing_and_are_never_false() -> None:
    result = evaluate(boxes([]), boxes(standing(1, range(1, 11))), IOU, fps=10)
    assert (result.recall, result.mota, result.idf1, result.hota) == (0, 0, 0, 0)
    assert (result.precision, result.false_tracks, result.false_tracks_per_hour) == (None, 0, 0)


def test_without_truth_what_needs_it_is_not_known_and_every_track_is_false() -> None:
    result = evaluate(boxes(standing(1, range(1, 11))), boxes([]), CENTRE, frames=3600, fps=10)
    assert (result.recall, result.mota, result.idf1) == (None, None, 0)
    assert result.false_tracks == 1
    assert result.false_tracks_per_hour == pytest.approx(10)
    assert result.false_points_per_frame == pytest.approx(10 / 3600)


def test_an_object_handed_over_half_way_scores_as_worked_by_hand() -> None:
    truth = boxes(standing(1, range(1, 11)))
    tracks = boxes(standing(7, range(1, 6)) + standing(8, range(6, 11)))
    result = evaluate(tracks, truth, IOU)
    assert result.id_switches == 1
    assert result.mota == pytest.approx(1 - 1 / 10)
    assert result.idf1 == pytest.approx(2 * 5 / 20)
    # Detection is perfect; each match is associated with 5 of the 10 boxes of either side.
    assert result.hota == pytest.approx(np.sqrt(1.0 * 0.5))


def test_half_the_overlap_counts_at_half_the_thresholds_of_hota() -> None:
    truth = boxes([(frame, 1, 0.0, 0.0, 10.0, 10.0) for frame in range(1, 11)])
    tracks = boxes([(frame, 1, 0.0, 0.0, 10.0, 5.2) for frame in range(1, 11)])
    result = evaluate(tracks, truth, Match(by="iou", threshold=0.3))
    # Overlap 0.52: perfect at the ten thresholds 0.05 to 0.50, nothing at the nine above.
    assert result.hota == pytest.approx(10 / 19)
    assert evaluate(tracks, truth, Match(by="iou", threshold=0.53)).recall == 0


def test_a_second_track_on_an_object_costs_precision_but_is_not_false() -> None:
    truth = boxes(standing(1, range(1, 11)))
    tracks = boxes(standing(7, range(1, 11)) + standing(8, range(3, 7), x=10.5))
    result = evaluate(tracks, truth, CENTRE, fps=10)
    assert result.recall == 1
    assert result.precision == pytest.approx(10 / 14)
    assert result.mota == pytest.approx(1 - 4 / 10)
    assert (result.false_tracks, result.false_points) == (0, 0)


def test_a_track_once_on_the_object_is_not_false_but_its_stray_points_are() -> None:
    truth = boxes(standing(1, range(1, 11)))
    tracks = boxes([*standing(7, range(1, 2)), *standing(7, range(2, 11), x=80), *standing(9, range(4, 6), x=120)])
    result = evaluate(tracks, truth, CENTRE)
    assert result.false_points == 9 + 2
    assert result.false_tracks == 1
    assert false_identities(tracks, on_any_truth(tracks, truth, CENTRE)).tolist() == [9]


def test_points_written_back_count_for_recall_and_not_online() -> None:
    truth = boxes(standing(1, range(1, 21)))
    tracks = boxes(standing(3, range(2, 21)), online=[frame >= 8 for frame in range(2, 21)])
    result = evaluate(tracks, truth, CENTRE, fps=5)
    assert result.recall == pytest.approx(19 / 20)
    assert result.recall_online == pytest.approx(13 / 20)
    assert (result.confirmation_delay_frames, result.confirmation_delay_s) == (6, pytest.approx(1.2))
    assert (result.appearance_delay_frames, result.appearance_delay_s) == (7, pytest.approx(1.4))


def test_what_is_online_is_not_known_for_a_file_that_does_not_say() -> None:
    result = evaluate(boxes(standing(3, range(1, 5))), boxes(standing(1, range(1, 5))), CENTRE, fps=5)
    assert (result.recall_online, result.confirmation_delay_frames, result.objects_found_online) == (None, None, None)


def test_the_centre_on_the_edge_of_the_truth_box_is_inside() -> None:
    truth = boxes([(1, 1, 10.0, 10.0, 8.0, 8.0)])
    for x, inside in ((10.0 - 1.0, True), (10.0 - 1.01, False), (18.0 - 1.0, True), (18.0 - 0.99, False)):
        result = evaluate(boxes([(1, 1, x, 12.0, 2.0, 2.0)]), truth, CENTRE)
        assert result.recall == inside


def test_hota_by_centre_is_the_mean_of_detection_and_association_at_any_threshold() -> None:
    truth = boxes(standing(1, range(1, 11)))
    tracks = boxes(standing(7, range(1, 9), x=11.5))
    assert evaluate(tracks, truth, CENTRE).hota == pytest.approx(np.sqrt(8 / 10 * 8 / 10))


def test_an_object_keeps_its_track_while_that_still_fits() -> None:
    truth = boxes([(1, 1, 0, 0, 10, 10), (2, 1, 0, 0, 10, 10)])
    tracks = boxes([(1, 7, 0, 0, 10, 10), (2, 7, 2, 0, 10, 10), (2, 8, 0, 0, 10, 10)])
    assert evaluate(tracks, truth, IOU).id_switches == 0


def best_count(overlap: np.ndarray, least: float) -> int:
    """The most pairs at once, by trying all of them."""
    few, many = sorted(overlap.shape)
    table = overlap if overlap.shape[0] == few else overlap.T
    return max(
        sum(table[row, column] >= least for row, column in enumerate(order)) for order in permutations(range(many), few)
    )


places = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=4)


@given(places, places)
def test_as_many_pairs_as_possible_are_assigned(known: list[tuple[int, int]], found: list[tuple[int, int]]) -> None:
    truth = boxes([(1, number, x, y, 10.0, 10.0) for number, (x, y) in enumerate(known)])
    tracks = boxes([(1, number, x, y, 10.0, 10.0) for number, (x, y) in enumerate(found)])
    result = evaluate(tracks, truth, Match(by="iou", threshold=0.4))
    overlap = intersection_over_union(truth.box, tracks.box)
    assert result.recall == pytest.approx(best_count(overlap, 0.4) / len(known))


@given(st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    rows = standing(1, range(1, 7)) + standing(2, range(1, 7), x=13)
    truth = boxes(rows)
    assert evaluate(boxes([rows[place] for place in order]), truth, IOU) == evaluate(truth, truth, IOU)


def agree(result: Evaluation, referees: dict[str, float]) -> None:
    assert result.id_switches == referees["motmetrics_num_switches"]
    for name in ("recall", "precision", "mota", "idf1"):
        assert getattr(result, name) == pytest.approx(referees[f"motmetrics_{name}"], abs=1e-12)
    for name in ("recall", "idf1", "hota"):
        assert getattr(result, name) == pytest.approx(referees[f"trackeval_{name}"], abs=1e-12)


def of_case(case: dict) -> Evaluation:
    return evaluate(boxes(case["tracks"]), boxes(case["truth"]), parse_match(case["match"]))


@pytest.mark.parametrize("case", json.loads(REFEREE_VALUES.read_text()), ids=lambda case: case["match"])
def test_both_referees_kept_values_are_reached(case: dict) -> None:
    agree(of_case(case), case["referees"])
    assert of_case(case).mota == pytest.approx(case["referees"]["trackeval_mota"], abs=1e-12)


def test_both_referees_agree_on_scenes_they_have_not_seen() -> None:
    if not PEER_PYTHON.exists():
        pytest.skip("the referees are not here: `make bench` makes .venv-peers")
    rng = np.random.default_rng(5)
    cases = [crossing(rng, match) for match in ("iou:0.3", "iou:0.5", "centre")]
    script = ROOT / "benchmarks" / "peer_referees.py"
    done = subprocess.run(
        [PEER_PYTHON, script, "judge"], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    for case in json.loads(done.stdout):
        agree(of_case(case), case["referees"])


def crossing(rng: np.random.Generator, match: str) -> dict:
    truth, tracks = [], []
    for index in range(4):
        start, speed = rng.uniform(0, 300, 2), rng.uniform(-2, 2, 2)
        born = int(rng.integers(1, 10))
        handed = int(rng.integers(15, 60))
        for frame in range(born, 41):
            x, y = (start + speed * frame).round(2).tolist()
            truth.append((frame, index, x, y, 14.0, 24.0))
            if rng.random() < 0.9:
                jitter = rng.normal(0, 2.0, 2).round(2)
                tracks.append((frame, index + 10 * (frame > handed), x + jitter[0], y + jitter[1], 13.0, 22.0))
    return {"match": match, "truth": truth, "tracks": tracks}


def test_a_truth_with_frame_zero_counts_from_zero() -> None:
    truth = boxes(standing(1, range(5)))
    assert frame_base(boxes([]), truth, CENTRE) == (0, "it has a frame 0")


def test_a_truth_that_reaches_the_number_of_frames_counts_from_one() -> None:
    base, reason = frame_base(boxes([]), boxes(standing(1, range(3, 11))), CENTRE, frames=10)
    assert (base, reason) == (1, "its last frame is 10 of 10")


@pytest.mark.parametrize("base", [0, 1])
def test_else_what_fits_the_tracks_decides(base: int) -> None:
    moving = boxes([(frame, 1, 3.0 * frame, 20.0, 12.0, 12.0) for frame in range(4, 20)])
    found, reason = frame_base(moving, shift_frames(moving, base - 1), CENTRE, frames=40)
    assert found == base
    assert "fits the tracks better" in reason


def test_where_nothing_tells_frames_count_from_one() -> None:
    assert frame_base(boxes([]), boxes(standing(1, range(4, 9))), CENTRE, frames=40)[0] == 1


@pytest.mark.parametrize("text", ["iou", "iou:", "iou:0", "iou:1.1", "iou:nan", "centre:0.5", "center", ""])
def test_a_bad_match_rule_is_refused_with_the_two_good_ones(text: str) -> None:
    with pytest.raises(InputError, match=r'write "centre", or "iou:"'):
        parse_match(text)


def test_a_recording_shorter_than_its_files_is_refused() -> None:
    with pytest.raises(InputError, match="9 frames: the files name frame 10"):
        evaluate(boxes(standing(1, range(1, 11))), boxes([]), CENTRE, frames=9)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_frame_rate_must_be_above_zero(fps: float) -> None:
    with pytest.raises(InputError, match="must be above 0"):
        evaluate(boxes([]), boxes([]), CENTRE, fps=fps)

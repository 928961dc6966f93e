import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from marsad.app.evaluate import as_json, evaluate_files, show
from marsad.kernel.error import InputError


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    path = tmp_path / "tracks.csv"
    rows = [f"{frame},1,{10 + frame},20,6,12,1,1,1,{int(frame > 4)}" for frame in range(3, 21)]
    rows += [f"{frame},2,200,20,6,12,1,1,1,1" for frame in range(8, 11)]
    path.write_text("frame,id,x,y,w,h,conf,class,visibility,online\n" + "\n".join(rows) + "\n")
    return path


def truth_from(path: Path, base: int) -> Path:
    rows = [f"{frame - 1 + base},{8 + frame},18,10,16" for frame in range(1, 21)]
    path.write_text("frame,x,y,w,h\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("base", [0, 1])
def test_both_ways_of_counting_frames_give_the_same_figures(tmp_path: Path, tracks: Path, base: int) -> None:
    result = evaluate_files(tracks, truth_from(tmp_path / "gt.csv", base), match="iou:0.3", fps=10, frames=60)
    found = result.evaluation
    assert result.frame_base == base
    assert found.recall == pytest.approx(18 / 20)
    assert found.recall_online == pytest.approx(16 / 20)
    assert (found.false_tracks, found.false_points) == (1, 3)
    assert found.false_tracks_per_hour == pytest.approx(3600 / 6)
    assert found.false_points_per_frame == pytest.approx(3 / 60)
    assert found.confirmation_delay_s == pytest.approx(0.2)


def test_json_is_one_flat_line(tmp_path: Path, tracks: Path) -> None:
    line = as_json(evaluate_files(tracks, truth_from(tmp_path / "gt.csv", 1), match="centre"))
    assert "\n" not in line
    read = json.loads(line)
    for name in (
        "recall",
        "precision",
        "mota",
        "idf1",
        "hota",
        "recall_online",
        "false_tracks",
        "false_points_per_frame",
    ):
        assert isinstance(read[name], int | float)
    assert read["false_tracks_per_hour"] is None
    assert read["frame_base"] == 1


def test_people_get_a_table_that_says_how_the_truth_was_read(tmp_path: Path, tracks: Path) -> None:
    truth = truth_from(tmp_path / "gt.csv", 0)
    truth.write_text(truth.read_text() + "25,nan,nan,nan,nan\n")
    paper = StringIO()
    show(evaluate_files(tracks, truth, match="centre"), Console(file=paper, width=120))
    text = paper.getvalue()
    assert "recall_online" in text
    assert "not known" in text
    assert "Truth frames count from 0: it has a frame 0." in text
    assert "1 truth rows say that nothing is there" in text


def test_a_wrong_frame_base_is_refused(tmp_path: Path, tracks: Path) -> None:
    truth = truth_from(tmp_path / "gt.csv", 0)
    with pytest.raises(InputError, match="has a frame 0, so its frames do not count from 1"):
        evaluate_files(tracks, truth, match="centre", base="1")
    with pytest.raises(InputError, match='frame base "2": must be 0, 1 or auto'):
        evaluate_files(tracks, truth, match="centre", base="2")
    assert evaluate_files(tracks, truth, match="centre", base="0").frame_base_reason == "as asked"

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.mot import COLUMNS, TrackTable, class_number, read_tracks, read_truth
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.track import Kind, Status, Track

HEADER = ",".join(COLUMNS)


def track(
    frame_index: int, track_id: int = 1, *, x_px: float = 5.0, status: Status = "confirmed", kind: Kind = "person"
) -> Track:
    return Track(
        track_id=track_id,
        camera_id="camera",
        origin="own",
        time_ns=frame_index * 40_000_000,
        frame_index=frame_index,
        status=status,
        box=Box(x_px=x_px, y_px=6.25, w_px=4.0, h_px=9.5),
        velocity_x_px_s=1.0,
        velocity_y_px_s=0.0,
        contrast_counts=20.0,
        snr=8.0,
        kind=kind,
        kind_confidence=0.5,
        confidence=0.75,
        first_ns=0,
        confirmed_ns=0,
    )


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_holds_the_challenge_columns_in_order_and_is_read_back(tmp_path: Path) -> None:
    table = TrackTable(tmp_path / "tracks.csv")
    table.append([track(4), track(4, 2, x_px=50.0, status="coasting", kind="unknown")])
    table.append([track(5)])
    table.write_back([track(2), track(3)])
    table.close()
    table.close()
    lines = (tmp_path / "tracks.csv").read_text().splitlines()
    assert lines[0] == "frame,id,x,y,w,h,conf,class,visibility,online"
    assert lines[1] == "3,1,5.00,6.25,4.00,9.50,0.750,1,1,0"
    assert lines[4] == "5,2,50.00,6.25,4.00,9.50,0.750,-1,0,1"
    found = read_tracks(tmp_path / "tracks.csv")
    assert found.frame.tolist() == [3, 4, 5, 5, 6]
    assert found.identity.tolist() == [1, 1, 1, 2, 1]
    assert found.online is not None
    assert found.online.tolist() == [False, False, True, True, True]
    assert sorted(tmp_path.iterdir()) == [tmp_path / "tracks.csv"]


def test_rows_are_on_the_disk_before_the_table_is_closed(tmp_path: Path) -> None:
    table = TrackTable(tmp_path / "tracks.csv")
    table.append([track(4)])
    table.write_back([track(3)])
    assert read_tracks(tmp_path / "tracks.csv").frame.tolist() == [5, 4]
    table.close()


def test_a_point_given_online_and_written_back_stays_online(tmp_path: Path) -> None:
    table = TrackTable(tmp_path / "tracks.csv")
    table.write_back([track(3)])
    table.append([track(3, x_px=7.0)])
    table.write_back([track(3)])
    table.close()
    found = read_tracks(tmp_path / "tracks.csv")
    assert found.box[0, 0] == 7.0
    assert found.online is not None
    assert found.online.tolist() == [True]


def test_an_empty_table_has_its_header_and_no_tracks(tmp_path: Path) -> None:
    TrackTable(tmp_path / "tracks.csv").close()
    assert (tmp_path / "tracks.csv").read_text() == HEADER + "\n"
    assert len(read_tracks(tmp_path / "tracks.csv").frame) == 0


def test_a_table_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        TrackTable(tmp_path / "missing" / "tracks.csv")


def test_every_kind_has_a_number_of_its_own() -> None:
    kinds: list[Kind] = ["person", "group", "vehicle", "animal", "flying", "vegetation", "unknown"]
    assert len({class_number(kind) for kind in kinds}) == len(kinds)


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(1, 4), st.booleans()), unique_by=lambda row: row[:2], max_size=30
    )
)
def test_whatever_is_written_is_read_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "tracks.csv"
    table = TrackTable(path)
    for frame, number, online in rows:
        (table.append if online else table.write_back)([track(frame, number)])
    table.close()
    found = read_tracks(path)
    assert list(zip(found.frame.tolist(), found.identity.tolist(), strict=True)) == sorted(
        (f + 1, n) for f, n, _ in rows
    )


def test_a_plain_challenge_file_needs_neither_header_nor_online(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t.txt", "1,3,794.27,247.59,71.24,174.88,-1,-1,-1,-1", "2, 3, 795, 248, 71, 175,-1,-1,-1,-1"
    )
    found = read_tracks(path)
    assert found.online is None
    assert found.box[0].tolist() == [794.27, 247.59, 71.24, 174.88]


def test_columns_go_by_the_header_in_any_order(tmp_path: Path) -> None:
    found = read_tracks(written(tmp_path / "t.csv", "id,frame,h,w,y,x,note", "7,2,40,30,20,10,hello"))
    assert (found.frame[0], found.identity[0], found.box[0].tolist()) == (2, 7, [10, 20, 30, 40])


def test_truth_without_a_number_or_a_size_is_no_box(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t.csv", "frame,x,y,w,h", "0,1,2,3,4", "1,nan,nan,nan,nan", "2,,,,", "3,0,0,0,0", "4,1,2,3,4"
    )
    truth = read_truth(path)
    assert truth.boxes.frame.tolist() == [0, 4]
    assert truth.left_out == 3
    assert set(truth.boxes.identity.tolist()) == {1}


def test_challenge_truth_flagged_zero_is_not_considered(tmp_path: Path) -> None:
    truth = read_truth(written(tmp_path / "gt.txt", "1,1,5,5,4,9,1,1,1", "1,2,50,5,4,9,0,1,1"))
    assert truth.boxes.identity.tolist() == [1]
    assert truth.left_out == 1


def test_truth_with_identities_holds_several_objects_a_frame(tmp_path: Path) -> None:
    truth = read_truth(written(tmp_path / "t.csv", "frame,id,x,y,w,h", "1,1,5,5,4,9", "1,2,50,5,4,9"))
    assert truth.boxes.identity.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER, "1,1,5,5,4,9,1,1,1,1", "2,1,5,x,4,9,1,1,1,1"], r't\.csv:3: y "x": must be a number'),
        ([HEADER, "1,1,5,5,4"], r"t\.csv:2: 5 values, but 10 columns"),
        ([HEADER, "1.5,1,5,5,4,9,1,1,1,1"], r't\.csv:2: frame "1\.5": must be a whole number'),
        ([HEADER, "0,1,5,5,4,9,1,1,1,1"], r"t\.csv:2: frame 0: frames of tracks count from 1"),
        ([HEADER, "1,1,5,5,0,9,1,1,1,1"], r"t\.csv:2: box .* w and h above 0"),
        ([HEADER, "1,1,5,nan,4,9,1,1,1,1"], r"t\.csv:2: box .* must be finite"),
        ([HEADER, "1,,5,5,4,9,1,1,1,1"], r't\.csv:2: id "": must be a whole number'),
        ([HEADER, "1,1,5,5,4,9,1,1,1,2"], r't\.csv:2: online "2": must be 1'),
        (
            [HEADER, "1,1,5,5,4,9,1,1,1,1", "", "1,1,6,5,4,9,1,1,1,1"],
            r"t\.csv:4: frame 1 has identity 1 twice \(first at .*:2\)",
        ),
        (["frame,x,y,w,h", "1,1,1,1,1"], r"t\.csv:1: the header .* lacks id"),
        (["frame,id,x,x,y,w,h"], r"t\.csv:1: the header names x twice"),
        (["1,2,3,4,5"], r"t\.csv:1: 5 values and no header"),
    ],
)
def test_a_malformed_row_is_named_with_its_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_tracks(written(tmp_path / "t.csv", *lines))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["frame,x,y,w,h", "1,5,5,4,9", "1,50,5,4,9"], r"t\.csv:3: .*need a column id"),
        (["frame,x,y,w,h", "-1,5,5,4,9"], r"t\.csv:2: frame -1: frames count from 0 or 1"),
        (["frame;x;y;w;h"], r"t\.csv:1: the header .* separated by commas"),
    ],
)
def test_malformed_truth_is_named_with_its_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_truth(written(tmp_path / "t.csv", *lines))


def test_a_missing_a_binary_and_a_wrong_file_say_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; name a CSV file"):
        read_tracks(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_tracks(tmp_path)
    (tmp_path / "video.mp4").write_bytes(b"\x00\x00\x00\x18ftyp\xff\xfe")
    with pytest.raises(InputError, match="is not text in UTF-8"):
        read_truth(tmp_path / "video.mp4")


def test_all_drone_ir_truth_is_read(real: Callable[[str], Path]) -> None:
    truths = [read_truth(path) for path in sorted(real("thermal/drone-ir").glob("*.csv"))]
    assert len(truths) == 266
    assert all(len(np.unique(truth.boxes.frame)) == len(truth.boxes.frame) > 0 for truth in truths)

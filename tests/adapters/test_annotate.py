import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
import pytest

from marsad.adapters.annotate import AnnotatedVideo, Tone, banner_lines, clock_text, enlargement, hidden
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.frame import Frame
from marsad.kernel.site import Mask
from marsad.kernel.track import Status, Track

BANNER_PX = 40


def frame(index: int, counts: np.ndarray | None = None) -> Frame:
    picture = np.full((120, 160), 90, np.uint8) if counts is None else counts
    return Frame(camera_id="tower-1", index=index, time_ns=index * 40_000_000, received_ns=0, counts=picture)


def track(index: int, box: Box, status: Status = "confirmed", track_id: int = 1) -> Track:
    return Track(
        track_id=track_id,
        camera_id="tower-1",
        origin="own",
        time_ns=index * 40_000_000,
        frame_index=index,
        status=status,
        box=box,
        velocity_x_px_s=0.0,
        velocity_y_px_s=0.0,
        contrast_counts=20.0,
        snr=8.0,
        kind="person",
        kind_confidence=0.5,
        confidence=0.75,
        first_ns=0,
        confirmed_ns=0,
    )


def alert(index: int, text: str = "person crossed the line") -> Alert:
    return Alert(
        alert_id="a",
        rule="confirmed_track",
        rule_id="confirmed_track",
        priority="high",
        camera_id="tower-1",
        track_id=1,
        time_ns=index * 40_000_000,
        frame_index=index,
        kind="person",
        box=Box(x_px=1, y_px=1, w_px=1, h_px=1),
        text=text,
    )


def target(picture: np.ndarray, box: Box, factor: int = 4) -> np.ndarray:
    """The part of a rendered picture where the box's target is."""
    top, left = round(box.y_px * factor) + BANNER_PX, round(box.x_px * factor)
    return picture[top : top + round(box.h_px * factor), left : left + round(box.w_px * factor)]


@pytest.fixture
def video(tmp_path: Path) -> Iterator[AnnotatedVideo]:
    made = AnnotatedVideo(tmp_path / "annotated.mp4", 25)
    yield made
    made.close()


def test_every_frame_is_in_a_video_that_plays(tmp_path: Path, video: AnnotatedVideo) -> None:
    for index in range(40):
        video.write(frame(index), [track(index, Box(x_px=10 + index, y_px=50, w_px=4, h_px=9))], [])
    video.close()
    video.close()
    with av.open(str(tmp_path / "annotated.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (640, 480 + BANNER_PX, 25)
        assert sum(1 for _ in container.decode(stream)) == 40


def test_nothing_is_painted_over_a_target(video: AnnotatedVideo) -> None:
    rng = np.random.default_rng(2)
    crowd = [Box(x_px=float(x), y_px=float(y), w_px=4, h_px=9) for x, y in rng.uniform((5, 5), (150, 105), (14, 2))]
    for index in range(12):
        moved = [Box(x_px=box.x_px - 0.3 * index, y_px=box.y_px, w_px=4, h_px=9) for box in crowd]
        tracks = [track(index, box, track_id=number) for number, box in enumerate(moved)]
        picture = video.render(frame(index), tracks, [])
    apart = [
        box
        for box in moved
        if not any(
            other is not box and abs(other.x_px - box.x_px) < 7 and abs(other.y_px - box.y_px) < 12 for other in moved
        )
    ]
    assert len(apart) > 5
    for box in apart:
        assert np.all(target(picture, box) == 90)
    video.close()


@pytest.mark.parametrize("place", [(0.0, 0.0), (156.0, 0.0), (0.0, 111.0), (156.0, 111.0), (78.0, 60.0)])
def test_a_label_stays_in_the_picture_and_off_the_target(video: AnnotatedVideo, place: tuple[float, float]) -> None:
    box = Box(x_px=place[0], y_px=place[1], w_px=4, h_px=9)
    labelled = video.render(frame(0), [track(0, box)], [])
    bare = video.render(frame(0), [track(0, box, "tentative")], [])
    assert np.all(target(labelled, box) == 90)
    # The label and the full box are more ink than a tentative track's corners.
    assert np.count_nonzero(np.any(labelled != 90, axis=2)) > np.count_nonzero(np.any(bare != 90, axis=2)) + 200
    video.close()


def test_confirmed_tentative_and_standing_tracks_look_different_and_lost_ones_are_gone(video: AnnotatedVideo) -> None:
    box = Box(x_px=70, y_px=50, w_px=8, h_px=16)
    seen = {
        status: video.render(frame(0), [track(0, box, status)], [])[BANNER_PX:].tobytes()
        for status in ("confirmed", "tentative", "standing", "lost")
    }
    assert len(set(seen.values())) == 4
    assert set(np.frombuffer(seen["lost"], np.uint8)) == {90}
    video.close()


ALARM = (
    "ALARM  Group of 4 (3-5), on foot, 1530 m from north-tower-1, crossing wadi-east inward near 34.39990, 40.97999 "
    "(within 12 m by 140 m, or on other ground along the same line of sight)"
)


@pytest.mark.parametrize("width_px", [640, 720, 1920])
def test_a_long_alarm_is_shown_whole_within_the_banner(width_px: int) -> None:
    lines, size = banner_lines(ALARM, width_px - 16)
    assert " ".join(lines) == ALARM
    assert len(lines) <= 2
    assert all(cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] <= width_px - 16 for line in lines)


def test_more_alarms_than_the_banner_holds_end_in_dots() -> None:
    lines, size = banner_lines(" | ".join([ALARM] * 5), 624)
    assert len(lines) == 2
    assert lines[-1].endswith("...")
    assert " ".join(lines)[:-3] in " | ".join([ALARM] * 5)
    assert all(cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] <= 624 for line in lines)


def test_an_arabic_name_is_written_in_its_letters(tmp_path: Path) -> None:
    """What stands before and behind it stays where it is put, and nothing is written over it."""
    name = "\u062e\u0637 \u0627\u0644\u0648\u0627\u062f\u064a"
    text = f"person crossed {name} inward"
    lines, size = banner_lines(text, 624)
    assert lines == [text]
    assert size == 0.5
    with closing(AnnotatedVideo(tmp_path / "a.mp4", 25)) as video:
        shown = video.render(frame(0), [], [alert(0, text)])[:BANNER_PX]
        queries = video.render(frame(0), [], [alert(0, text.replace(name, "?" * len(name)))])[:BANNER_PX]
    bare = shown[0, 0]
    inked = np.flatnonzero((shown != bare).any(axis=(0, 2)))
    start = cv2.getTextSize("ALARM  person crossed ", cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)[0][0] + 8
    assert np.array_equal(shown[:, : start - 4], queries[:, : start - 4])
    assert ((inked > start) & (inked < start + 60)).sum() > 40
    assert not np.array_equal(shown[:, start : start + 60], queries[:, start : start + 60])
    assert inked.max() < 624


def test_a_word_wider_than_the_banner_is_cut() -> None:
    lines, size = banner_lines("x" * 400, 300)
    assert lines[0].endswith("...")
    assert cv2.getTextSize(lines[0], cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] <= 300


def test_a_narrow_high_picture_makes_no_giant_video(video: AnnotatedVideo) -> None:
    assert video.render(frame(0, np.full((1000, 8), 90, np.uint8)), [], []).shape == (2000 + BANNER_PX, 16, 3)
    video.close()


def test_the_banner_turns_red_with_an_alarm_and_calms_down(video: AnnotatedVideo) -> None:
    def is_red(picture: np.ndarray) -> bool:
        blue, green, red = picture[2, 2].astype(int)
        return red > 2 * max(blue, green)

    assert not is_red(video.render(frame(0), [], []))
    assert is_red(video.render(frame(1), [], [alert(1, "تنبيه alarm")]))
    assert is_red(video.render(frame(50), [], []))
    assert not is_red(video.render(frame(150), [], []))
    video.close()


def test_sixteen_bit_pictures_are_shown_between_their_own_levels_and_do_not_flicker() -> None:
    rng = np.random.default_rng(3)
    tone = Tone()
    ground = rng.normal(3000, 20, (120, 160))
    first = tone.grey(ground.astype(np.uint16))
    assert 90 < first.mean() < 165
    hot = ground.copy()
    hot[50:60, 70:76] += 2000
    second = tone.grey(hot.astype(np.uint16))
    assert abs(float(second.mean()) - float(first.mean())) < 8
    assert second[55, 72] == 255


def test_sixteen_bit_pictures_follow_a_new_level_at_once() -> None:
    tone = Tone()
    rng = np.random.default_rng(4)
    tone.grey(rng.normal(3000, 20, (120, 160)).astype(np.uint16))
    after = tone.grey(rng.normal(9000, 20, (120, 160)).astype(np.uint16))
    assert 90 < after.mean() < 165


def test_eight_bit_pictures_are_shown_as_they_are() -> None:
    counts = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(Tone().grey(counts), counts)


@pytest.mark.parametrize(("width", "factor"), [(160, 4), (320, 2), (360, 2), (639, 2), (640, 1), (1280, 1)])
def test_small_pictures_are_enlarged_by_whole_factors(width: int, factor: int) -> None:
    assert enlargement(width) == factor


def test_odd_sizes_are_encoded_too(tmp_path: Path) -> None:
    video = AnnotatedVideo(tmp_path / "odd.mp4", 1)
    for index in range(3):
        video.write(frame(index, np.zeros((271, 641), np.uint8)), [], [])
    video.close()
    with av.open(str(tmp_path / "odd.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 3


def test_no_frame_leaves_no_video(tmp_path: Path, video: AnnotatedVideo) -> None:
    video.close()
    assert list(tmp_path.iterdir()) == []


def test_a_video_whose_writer_was_killed_still_plays(tmp_path: Path) -> None:
    script = f"""
import os, numpy as np
from pathlib import Path
from marsad.adapters.annotate import AnnotatedVideo
from marsad.kernel.frame import Frame
from marsad.kernel.site import Mask
video = AnnotatedVideo(Path({str(tmp_path / "killed.mp4")!r}), 25)
for index in range(300):
    counts = np.full((120, 160), index % 200, np.uint8)
    video.write(Frame(camera_id="c", index=index, time_ns=index * 40_000_000, received_ns=0, counts=counts), [], [])
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    shown = 0
    # What was being written at that moment may be cut off.
    with av.open(str(tmp_path / "killed.mp4")) as container, suppress(av.error.InvalidDataError):
        for _ in container.decode(video=0):
            shown += 1
    assert shown >= 150


def test_a_place_that_cannot_be_written_and_a_bad_rate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        AnnotatedVideo(tmp_path / "missing" / "annotated.mp4", 25)
    with pytest.raises(InputError, match="frame rate 0"):
        AnnotatedVideo(tmp_path / "annotated.mp4", 0)


LIMITED = """
import json, resource, sys
from pathlib import Path
import av, numpy as np
from marsad.adapters.annotate import AnnotatedVideo
from marsad.kernel.error import UnavailableError
from marsad.kernel.frame import Frame
folder = Path(sys.argv[1])
counts = np.random.default_rng(0).integers(100, 130, (60, 24, 32)).astype(np.uint8)
def run(name, most):
    video, refused = AnnotatedVideo(folder / f"{name}.mp4", 10), 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    for index, each in enumerate(counts):
        try:
            video.write(Frame(camera_id="c", index=index, time_ns=index, received_ns=0, counts=each), [], [])
        except UnavailableError as error:
            assert name in str(error)
            refused += 1
    try:
        video.close()
    except UnavailableError:
        refused += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert sorted(video.paths) == sorted(folder.glob(f"{name}*"))
    shown = []
    for path in video.paths:
        with av.open(str(path)) as container:
            shown.append((path.name, sum(1 for _ in container.decode(video=0))))
    return refused, shown
whole = run("whole", resource.RLIM_INFINITY)
size = (folder / "whole.mp4").stat().st_size
limits = {"none": 0, "header": 100, "half": size // 2, "late": size - 4000, "last": size - 1, "enough": size}
print(json.dumps({"whole": whole, **{name: run(name, most) for name, most in limits.items()}}))
"""


def test_what_the_disk_refuses_is_said_and_every_file_that_stays_plays(tmp_path: Path) -> None:
    """A real limit of the operating system, in a process of its own: the header, a piece, or the end is refused."""
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)
    assert runs["whole"] == [0, [["whole.mp4", 60]]]
    assert runs["enough"] == [0, [["enough.mp4", 60]]]
    assert [name for name, (refused, _) in runs.items() if not refused] == ["whole", "enough"]
    assert [name for name, (_, shown) in runs.items() if not shown] == ["none", "header"]
    assert all(pictures >= 10 for _, shown in runs.values() for _, pictures in shown)
    # A file that was broken off is followed by another.
    assert [name for name, _ in runs["half"][1]] == ["half.mp4", "half-2.mp4"]
    assert runs["last"][1][0][1] >= 40


def test_time_is_shown_as_a_date_where_there_is_one() -> None:
    assert clock_text(83_400_000_000) == "01:23.4"
    assert clock_text(1_657_017_383_109_243_000) == "2022-07-05 10:36:23.1Z"


def test_the_picture_itself_is_not_touched(video: AnnotatedVideo) -> None:
    counts = cv2.randu(np.zeros((120, 160), np.uint8), 0, 255)
    before = counts.copy()
    video.render(frame(0, counts), [track(0, Box(x_px=20, y_px=20, w_px=9, h_px=9))], [alert(0)])
    assert np.array_equal(counts, before)
    video.close()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_masked_is_black_in_the_video_and_the_rest_is_as_it_was(tmp_path: Path, dtype: type) -> None:
    counts = np.random.default_rng(8).integers(90, 200, (120, 160)).astype(dtype)
    masks = [Mask(x_px=20, y_px=30, w_px=50, h_px=40), Mask(x_px=150, y_px=110, w_px=400, h_px=400)]
    with (
        closing(AnnotatedVideo(tmp_path / "bare.mp4", 25)) as open_view,
        closing(AnnotatedVideo(tmp_path / "masked.mp4", 25, masks)) as video,
    ):
        bare = open_view.render(frame(0, counts), [], [])[BANNER_PX:]
        shown = video.render(frame(0, counts), [], [])[BANNER_PX:]
    inner = np.zeros(shown.shape[:2], bool)
    inner[4 * 30 + 3 : 4 * 70 - 3, 4 * 20 + 3 : 4 * 70 - 3] = True
    inner[4 * 110 + 3 :, 4 * 150 + 3 :] = True
    outer = np.ones(shown.shape[:2], bool)
    outer[4 * 30 - 3 : 4 * 70 + 3, 4 * 20 - 3 : 4 * 70 + 3] = False
    outer[4 * 110 - 3 :, 4 * 150 - 3 :] = False
    assert np.all(shown[inner] == 0)
    assert np.array_equal(shown[outer], bare[outer])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_hiding_keeps_the_range_of_a_picture_and_leaves_it_untouched(dtype: type) -> None:
    counts = np.random.default_rng(9).integers(90, 200, (20, 30)).astype(dtype)
    before = counts.copy()
    veiled = hidden(counts, [Mask(x_px=2, y_px=3, w_px=4, h_px=5)])
    assert np.array_equal(counts, before)
    assert set(np.unique(veiled[3:8, 2:6])) == {0 if dtype is np.uint8 else before.min()}
    veiled[3:8, 2:6] = before[3:8, 2:6]
    assert np.array_equal(veiled, before)
    assert hidden(counts, ()) is counts

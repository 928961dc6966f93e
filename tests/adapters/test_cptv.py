"""CPTV clips, written by the format's own package and read back, and the real ones."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from cptv import CPTVWriter
from cptv import Frame as CptvPicture

from marsad.adapters.cptv import CptvSource
from marsad.kernel.error import InputError
from marsad.kernel.event import CameraHealth, FrameGap, PacketCorrupt, SourceEvent, StreamEnded
from marsad.kernel.frame import Frame

STARTED = datetime(2024, 5, 1, 12, tzinfo=UTC)
STARTED_NS = 1_714_564_800_000_000_000
SHUTTER_LONG_AGO = timedelta(seconds=10)
POWERED = timedelta(hours=1)


def counts(number: int) -> np.ndarray:
    rows, columns = np.mgrid[0:120, 0:160]
    return (3000 + rows + 2 * columns + 7 * number).astype(np.uint16)


def write(
    path: Path, number: int = 5, *, background: bool = False, shutters: dict[int, timedelta] | None = None
) -> Path:
    """A clip of `number` pictures, 110 ms apart; `shutters` says when the shutter closed, from a picture on."""
    writer = CPTVWriter(path.open("wb"))
    writer.timestamp = STARTED
    writer.fps = 9
    writer.model = b"lepton3.5"
    if background:
        writer.background_frame = CptvPicture(counts(99), timedelta(0), timedelta(0), 0, 0, background_frame=True)
    shutter = SHUTTER_LONG_AGO
    for i in range(number):
        shutter = (shutters or {}).get(i, shutter)
        writer.write_frame(CptvPicture(counts(i), POWERED + i * timedelta(milliseconds=110), shutter, 20, 20))
    writer.close()
    return path


def watch(path: Path, fps: float | None = None) -> list[Frame | SourceEvent]:
    source = CptvSource(path, "c", fps=fps)
    try:
        return list(source)
    finally:
        source.close()


def frames(items: list[Frame | SourceEvent]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def test_every_count_and_time_is_kept(tmp_path: Path) -> None:
    items = watch(write(tmp_path / "a.cptv"))
    assert [f.index for f in frames(items)] == list(range(5))
    for i, frame in enumerate(frames(items)):
        assert np.array_equal(frame.counts, counts(i))
        assert frame.time_ns == STARTED_NS + i * 110_000_000
    assert items[-1] == StreamEnded(time_ns=STARTED_NS + 440_000_000, camera_id="c", frames=5)
    assert len(items) == 6


def test_the_header_says_what_comes(tmp_path: Path) -> None:
    source = CptvSource(write(tmp_path / "a.cptv"), "c")
    info = source.info
    assert (info.width_px, info.height_px, info.bits, info.fps) == (160, 120, 16, 9.0)
    assert info.started_ns == STARTED_NS
    source.close()
    source.close()
    assert list(source) == []


def test_a_background_picture_is_left_out_and_not_counted(tmp_path: Path) -> None:
    items = watch(write(tmp_path / "a.cptv", background=True))
    assert [f.index for f in frames(items)] == list(range(5))
    assert np.array_equal(frames(items)[0].counts, counts(0))
    assert len(items) == 6


def test_a_told_rate_replaces_the_stamps(tmp_path: Path) -> None:
    items = watch(write(tmp_path / "a.cptv"), fps=2.0)
    assert [f.time_ns - STARTED_NS for f in frames(items)] == [i * 500_000_000 for i in range(5)]


def test_a_flat_field_correction_begins_and_ends(tmp_path: Path) -> None:
    closed = {20: POWERED + timedelta(seconds=2.1)}
    items = watch(write(tmp_path / "a.cptv", 130, shutters=closed))
    began, ended = (i for i in items if isinstance(i, CameraHealth))
    assert (began.kind, began.frame_index, began.ended) == ("flat_field_correction", 20, False)
    assert (ended.kind, ended.ended) == ("flat_field_correction", True)
    # 2.1 s + 9.9 s = 12 s, the 110th picture at 110 ms.
    assert ended.frame_index == 110
    assert items.index(began) + 1 == next(i for i, f in enumerate(items) if isinstance(f, Frame) and f.index == 20)


def test_a_second_correction_before_the_first_settled_is_told(tmp_path: Path) -> None:
    closed = {5: POWERED + timedelta(seconds=0.5), 30: POWERED + timedelta(seconds=3.2)}
    told = [i for i in watch(write(tmp_path / "a.cptv", 60, shutters=closed)) if isinstance(i, CameraHealth)]
    assert [(t.frame_index, t.ended) for t in told] == [(5, False), (30, False)]


def test_a_clip_cut_short_ends_with_a_word_about_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cptv", 40)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    items = watch(path)
    assert 0 < len(frames(items)) < 40
    assert any(isinstance(i, PacketCorrupt) and "cut short: 40 pictures announced" in i.detail for i in items)
    assert isinstance(items[-1], StreamEnded)


@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")  # in the format's package
@pytest.mark.parametrize("seed", range(20))
def test_no_damage_is_a_crash(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = write(tmp_path / "a.cptv", 4)
    damaged = bytearray(path.read_bytes()[: int(rng.integers(30, path.stat().st_size))])
    for at in rng.integers(0, len(damaged), int(rng.integers(0, 6))):
        damaged[at] = rng.integers(256)
    path.write_bytes(damaged)
    try:
        items = watch(path)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017 - either outcome is right, and both are checked
    else:
        assert isinstance(items[-1], StreamEnded)


def test_what_is_no_clip_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "empty.cptv").touch()
    (tmp_path / "letter.cptv").write_text("dear officer")
    for name in ("empty.cptv", "letter.cptv", "gone.cptv"):
        with pytest.raises(InputError) as caught:
            CptvSource(tmp_path / name, "c")
        assert str(tmp_path / name) in str(caught.value)


def test_the_numbers_of_the_real_track_leave_the_background_out(real: Callable[[str], Path]) -> None:
    # The track beside the clip tells how many pixels differ ("mass") at each number: they must be ours at that index.
    read = frames(watch(real("thermal/cacophony-cptv/possum.cptv")))
    assert [f.index for f in read] == list(range(160))
    background = np.median([f.counts for f in read], axis=0)
    track = json.loads(real("thermal/cacophony-cptv/possum.txt").read_text(encoding="utf-8"))["tracks"][0]["positions"]
    agreement = {}
    for shift in (-1, 0, 1):
        pairs = []
        for box in track:
            rows = slice(box["y"], box["y"] + box["height"])
            columns = slice(box["x"], box["x"] + box["width"])
            differs = read[box["frame_number"] + shift].counts[rows, columns] - background[rows, columns] > 20
            pairs.append((differs.sum(), box["mass"]))
        agreement[shift] = np.corrcoef(np.array(pairs).T)[0, 1]
    assert max(agreement, key=agreement.__getitem__) == 0
    assert agreement[0] > 0.99


def test_the_real_shutter_is_told_and_explains_the_gap(real: Callable[[str], Path]) -> None:
    items = watch(real("thermal/cacophony-cptv/hedgehog.cptv"))
    (gap,) = (i for i in items if isinstance(i, FrameGap))
    began, ended = (i for i in items if isinstance(i, CameraHealth))
    assert gap.missing == 13
    assert began.frame_index == gap.after_index + 1
    assert ended.time_ns - began.time_ns == pytest.approx(9.9e9 - 0.85e9, abs=0.2e9)
    times = [f.time_ns for f in frames(items)]
    assert all(later > earlier for earlier, later in pairwise(times))

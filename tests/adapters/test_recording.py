"""Recordings, read back by the sources that real ones are read by."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from marsad.adapters.recording import open_recording
from marsad.adapters.sources import open_source
from marsad.kernel.error import InputError
from marsad.kernel.frame import Frame

STARTED_NS = int(datetime(2026, 8, 8, 20, 30, tzinfo=UTC).timestamp()) * 1_000_000_000


def pictures(dtype: type, size: tuple[int, int] = (64, 80)) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    top = 65536 if dtype is np.uint16 else 256
    return [rng.integers(0, top, size).astype(dtype) for _ in range(12)]


def frames(path: Path, fps: float | None = None) -> list[Frame]:
    source = open_source(str(path), "mast", fps)
    try:
        return [item for item in source if isinstance(item, Frame)]
    finally:
        source.close()


def test_sixteen_bits_come_back_as_they_were_with_their_times(tmp_path: Path) -> None:
    written = pictures(np.uint16)
    recording = open_recording(tmp_path, "raw16", fps=9.0, started_ns=STARTED_NS)
    for picture in written:
        recording.write(picture)
    recording.close()
    read = frames(recording.path)
    assert [np.array_equal(frame.counts, picture) for frame, picture in zip(read, written, strict=True)] == [True] * 12
    expected = [STARTED_NS + round(index * 1e9 / 9) for index in range(12)]
    assert [frame.time_ns for frame in read] == pytest.approx(expected, abs=1_000_000)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_pictures_come_back_as_they_were_and_replace_older_ones(tmp_path: Path, dtype: type) -> None:
    for count in (12, 5):
        recording = open_recording(tmp_path, "png", fps=9.0, started_ns=0)
        for picture in pictures(dtype)[:count]:
            recording.write(picture)
        recording.close()
    read = frames(recording.path, fps=9.0)
    assert len(read) == 5
    assert all(np.array_equal(f.counts, p) for f, p in zip(read, pictures(dtype)[:5], strict=True))


@pytest.mark.parametrize("size", [(64, 80), (63, 81)])
def test_h264_keeps_the_levels_and_the_times(tmp_path: Path, size: tuple[int, int]) -> None:
    smooth = np.linspace(16, 240, size[0] * size[1]).reshape(size).astype(np.uint8)
    recording = open_recording(tmp_path, "h264", fps=12.5, started_ns=STARTED_NS, bit_rate=4_000_000)
    for _ in range(25):
        recording.write(smooth)
    recording.close()
    recording.close()
    read = frames(recording.path)
    assert len(read) == 25
    assert np.abs(read[-1].counts.astype(int) - smooth).max() <= 3
    assert read[10].time_ns - STARTED_NS == pytest.approx(0.8e9, abs=1e6)


def test_the_bit_rate_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sizes = []
    for bit_rate in (100_000, 800_000):
        folder = tmp_path / str(bit_rate)
        folder.mkdir()
        recording = open_recording(folder, "h264", fps=10.0, started_ns=0, bit_rate=bit_rate)
        for _ in range(60):
            recording.write(rng.normal(100, 20, (128, 160)).clip(0, 255).astype(np.uint8))
        recording.close()
        sizes.append(recording.path.stat().st_size * 8 / 6)
    assert sizes[0] == pytest.approx(100_000, rel=0.5)
    assert sizes[1] == pytest.approx(800_000, rel=0.5)


def test_rates_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pictures a second"):
        open_recording(tmp_path, "h264", fps=0.0, started_ns=0)
    with pytest.raises(InputError, match="bit rate 12"):
        open_recording(tmp_path, "h264", fps=9.0, started_ns=0, bit_rate=12)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        open_recording(tmp_path / "nowhere", "raw16", fps=9.0, started_ns=0)

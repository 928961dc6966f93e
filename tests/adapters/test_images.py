"""Folders of pictures, written by OpenCV and read back."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from marsad.adapters.images import ImageSource, natural_order, read_picture
from marsad.kernel.error import InputError
from marsad.kernel.event import PacketCorrupt, StreamEnded
from marsad.kernel.frame import Frame


def grey(value: int, dtype: type = np.uint8, shape: tuple[int, int] = (12, 16)) -> np.ndarray:
    picture = np.full(shape, value, dtype)
    picture[0, 0] = value // 2
    return picture


def write(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def frames(source: ImageSource) -> list[Frame]:
    return [item for item in source if isinstance(item, Frame)]


def test_pictures_come_in_natural_order_a_second_apart(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        write(tmp_path / f"img_{number}.png", grey(number))
    source = ImageSource(tmp_path, "c")
    items = list(source)
    assert [int(f.counts[1, 1]) for f in items if isinstance(f, Frame)] == [1, 2, 10]
    assert [(f.index, f.time_ns) for f in items if isinstance(f, Frame)] == [(0, 0), (1, 10**9), (2, 2 * 10**9)]
    assert items[-1] == StreamEnded(time_ns=2 * 10**9, camera_id="c", frames=3)
    assert (source.info.width_px, source.info.height_px, source.info.bits, source.info.frames) == (16, 12, 8, 3)


def test_the_rate_can_be_told(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.png", grey(number))
    assert [f.time_ns for f in frames(ImageSource(tmp_path, "c", fps=8.0))] == [0, 125_000_000, 250_000_000]


def test_a_sequence_in_the_mot_layout_is_found(tmp_path: Path) -> None:
    write(tmp_path / "img1" / "000001.png", grey(5))
    write(tmp_path / "preview.png", grey(9))
    assert [int(f.counts[1, 1]) for f in frames(ImageSource(tmp_path, "c"))] == [5]


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    written = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16) * 300
    write(tmp_path / "raw.tiff", written)
    (frame,) = frames(ImageSource(tmp_path, "c"))
    assert frame.counts.dtype == np.uint16
    assert np.array_equal(frame.counts, written)


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_colour_becomes_luma(tmp_path: Path, dtype: type, scale: int) -> None:
    blue, green, red = (np.full((12, 16), v * scale, dtype) for v in (10, 100, 200))
    alpha = np.full((12, 16), 7, dtype)
    luma = round((0.114 * 10 + 0.587 * 100 + 0.299 * 200) * scale)  # ITU-R BT.601
    for name, channels in (("colour", (blue, green, red)), ("transparent", (blue, green, red, alpha))):
        counts = read_picture(write(tmp_path / f"{name}.png", np.dstack(channels)))
        assert counts.dtype == dtype
        assert np.all(np.abs(counts.astype(int) - luma) <= scale // 2 + 1)


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    # Two pixels and two colours, written by hand: OpenCV writes no palettes.
    palette = bytes([200, 200, 200, 0, 50, 50, 50, 0])
    header = b"BM" + (54 + 8 + 4).to_bytes(4, "little") + bytes(4) + (54 + 8).to_bytes(4, "little")
    info = (40).to_bytes(4, "little") + (2).to_bytes(4, "little") + (1).to_bytes(4, "little")
    info += (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + bytes(4) + (4).to_bytes(4, "little") + bytes(8)
    info += (2).to_bytes(4, "little") + bytes(4)
    path = tmp_path / "palette.bmp"
    path.write_bytes(header + info + palette + bytes([0, 1, 0, 0]))
    assert read_picture(path).tolist() == [[200, 50]]


def test_a_bad_picture_is_an_event_and_keeps_its_number(tmp_path: Path) -> None:
    whole = write(tmp_path / "0.png", grey(1)).read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.png").write_bytes(b"")
    (tmp_path / "3.png").write_text("not a picture")
    write(tmp_path / "4.png", grey(1, shape=(6, 8)))
    write(tmp_path / "5.png", grey(1, np.uint16))
    write(tmp_path / "6.png", grey(1))
    items = list(ImageSource(tmp_path, "c"))
    bad = [item for item in items if isinstance(item, PacketCorrupt)]
    assert [b.after_index for b in bad] == [0, 1, 2, 3, 4]
    assert [b.detail.split(":")[0] for b in bad] == ["1.png", "2.png", "3.png", "4.png", "5.png"]
    assert "8x6" in bad[3].detail
    assert [f.index for f in items if isinstance(f, Frame)] == [0, 6]
    assert items[-1] == StreamEnded(time_ns=6 * 10**9, camera_id="c", frames=2)


def test_a_bad_first_picture_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"")
    write(tmp_path / "1.png", grey(1))
    items = list(ImageSource(tmp_path, "c"))
    assert [type(i) for i in items] == [PacketCorrupt, Frame, StreamEnded]


def test_floating_point_pictures_are_refused_with_a_way_out(tmp_path: Path) -> None:
    write(tmp_path / "kelvin.tiff", np.full((4, 4), 290.0, np.float32))
    with pytest.raises(InputError, match=r"kelvin\.tiff: pixels are float32; save it with 8 or 16 bits"):
        ImageSource(tmp_path, "c")


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.png", grey(1))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    assert len(frames(ImageSource(tmp_path, "c"))) == 1


def test_an_empty_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures in this folder"):
        ImageSource(tmp_path, "c")


def test_a_single_picture_is_a_stream_of_one(tmp_path: Path) -> None:
    source = ImageSource(write(tmp_path / "one.png", grey(3)), "c")
    assert [type(i) for i in source] == [Frame, StreamEnded]


def test_a_missing_picture_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png"):
        ImageSource(tmp_path / "gone.png", "c")


def test_numbers_with_leading_zeros_have_one_order() -> None:
    names = ["7.png", "007.png", "10.png", "a1b2.png", "a1b10.png"]
    assert [p.name for p in sorted(map(Path, reversed(names)), key=natural_order)] == [
        "007.png",
        "7.png",
        "10.png",
        "a1b2.png",
        "a1b10.png",
    ]


def test_closing_ends_the_stream(tmp_path: Path) -> None:
    source = ImageSource(write(tmp_path / "one.png", grey(3)), "c")
    source.close()
    source.close()
    assert list(source) == []


def test_the_dune_sequence_is_read_whole(real: Callable[[str], Path]) -> None:
    read = frames(ImageSource(real("thermal/tno-duine"), "c"))
    assert [f.index for f in read] == list(range(23))
    assert {f.counts.shape for f in read} == {(270, 360)}

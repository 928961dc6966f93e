"""Coded pictures taken off real H.264, of every framing, against FFmpeg's own decoder."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.filming import Recoder
from marsad.adapters.h264 import H264Packets, annex_b_units, parameter_sets, prefixed_units, to_annex_b
from marsad.adapters.video import VideoSource
from marsad.kernel.film import CodedPicture, Filmed
from marsad.kernel.frame import Frame

WIDTH, HEIGHT, FPS = 160, 128, 25


def write(path: Path, count: int = 40, *, options: dict[str, str] | None = None) -> Path:
    """A video in which each picture is brighter than the one before."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": "10", "qp": "10", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(count):
            grey = np.full((HEIGHT, WIDTH), 20 + 4 * index, np.uint8)
            grey[40:60, 3 * index : 3 * index + 20] = 235
            frame = av.VideoFrame.from_ndarray(grey, format="gray")
            frame = frame.reformat(format="yuv420p", src_color_range="JPEG", dst_color_range="JPEG")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def tapped(path: Path, *, threads: int = 1) -> tuple[list[Frame], list[CodedPicture]]:
    coded: list[CodedPicture] = []
    source = VideoSource(path, "north", threads=threads, tap=coded.append)
    frames = [item for item in source if isinstance(item, Frame)]
    source.close()
    return frames, coded


@pytest.mark.parametrize(
    ("name", "bf"),
    # Bare H.264 and AVI have no times of showing for pictures that come out of order.
    [
        ("a.mp4", "0"),
        ("a.mp4", "3"),
        ("a.mkv", "0"),
        ("a.mkv", "3"),
        ("a.ts", "0"),
        ("a.ts", "3"),
        ("a.avi", "0"),
        ("a.h264", "0"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_picture_is_handed_on_with_the_time_of_its_frame_and_decodes_to_it(
    tmp_path: Path, name: str, bf: str, threads: int
) -> None:
    frames, coded = tapped(write(tmp_path / name, options={"bf": bf}), threads=threads)
    assert sorted(picture.time_ns for picture in coded) == [frame.time_ns for frame in frames]
    assert coded[0].key
    assert {(picture.width_px, picture.height_px) for picture in coded} == {(WIDTH, HEIGHT)}
    recoder = Recoder()
    decoded = [pair for picture in coded for pair in recoder.decode(Filmed(picture=picture))] + recoder.finish()
    assert [each.picture.time_ns for each, _ in decoded] == [frame.time_ns for frame in frames]
    for (_, counts), frame in zip(decoded, frames, strict=True):
        np.testing.assert_array_equal(counts, frame.counts)


def test_without_pictures_out_of_order_each_is_handed_on_before_its_frame(tmp_path: Path) -> None:
    coded: list[CodedPicture] = []
    source = VideoSource(write(tmp_path / "a.mp4", options={"bf": "0"}), "north", tap=coded.append)
    for item in source:
        if isinstance(item, Frame):
            assert any(picture.time_ns == item.time_ns for picture in coded)
    source.close()


def test_frames_are_the_same_with_a_tap_and_without(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", options={"bf": "2"})
    frames, _ = tapped(path)
    source = VideoSource(path, "north")
    plain = [item for item in source if isinstance(item, Frame)]
    source.close()
    assert [(f.index, f.time_ns, f.counts.tobytes()) for f in frames] == [
        (f.index, f.time_ns, f.counts.tobytes()) for f in plain
    ]


def test_what_is_no_h264_is_not_tapped(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((HEIGHT, WIDTH), np.uint8), format="gray")))
        container.mux(stream.encode())
    frames, coded = tapped(tmp_path / "a.avi")
    assert frames
    assert not coded


def test_a_stream_entered_midway_begins_with_a_key_picture() -> None:
    packets = H264Packets(b"")
    assert not packets.unpack(b"\x00\x00\x01\x41\x9a\x02").key
    assert not packets.unpack(b"\x00\x00\x01\x65\x88").key, "parameter sets are not known yet"
    unpacked = packets.unpack(
        b"\x00\x00\x00\x01\x67\x42\x00\x1e\xab\x00\x00\x01\x68\xce\x01\x00\x00\x01\x65\x88\x84\x00"
    )
    assert unpacked.key
    assert unpacked.data == b"\x00\x00\x00\x03\x65\x88\x84"
    assert parameter_sets(unpacked.description) == [b"\x67\x42\x00\x1e\xab", b"\x68\xce\x01"]
    assert packets.unpack(b"\x00\x00\x01\x65\x88").description == unpacked.description


def test_parameter_sets_that_are_repeated_before_a_key_picture_are_one_description() -> None:
    sets, slice_ = b"\x00\x00\x01\x67\x42\x00\x1e\xab\x00\x00\x01\x68\xce\x01", b"\x00\x00\x01\x65\x88"
    packets = H264Packets(b"")
    once = packets.unpack(sets + slice_).description
    assert packets.unpack(sets + sets + slice_).description == once
    assert parameter_sets(once) == [b"\x67\x42\x00\x1e\xab", b"\x68\xce\x01"]


units = st.lists(
    st.binary(min_size=1, max_size=40)
    .map(lambda body: b"\x41" + body.replace(b"\x00", b"\x07") + b"\x80")
    .filter(lambda unit: b"\x00\x00" not in unit),
    min_size=1,
    max_size=6,
)


@given(units=units, long_codes=st.booleans())
def test_units_survive_both_framings(units: list[bytes], long_codes: bool) -> None:
    start = b"\x00\x00\x00\x01" if long_codes else b"\x00\x00\x01"
    data = b"".join(start + unit for unit in units)
    assert list(annex_b_units(data)) == units
    prefixed = H264Packets(b"").unpack(data).data
    assert list(prefixed_units(prefixed, 4)) == units
    assert list(annex_b_units(to_annex_b(prefixed, b"\x01\x42\x00\x1e\xff"))) == units


@given(data=st.binary(max_size=200), extradata=st.binary(max_size=40))
def test_no_bytes_break_the_parsing(data: bytes, extradata: bytes) -> None:
    H264Packets(extradata).unpack(data)
    parameter_sets(data)

from pathlib import Path

import cv2
import numpy as np
import pytest

from marsad.adapters.contact_sheet import ContactSheet, enlarged_crop
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.frame import Frame
from marsad.kernel.track import Status, Track

TILE = (178, 408)


def frame(index: int, brightness: int = 0) -> Frame:
    counts = np.full((120, 160), 60, np.uint8)
    counts[50:60, 70:80] = brightness or 60
    return Frame(camera_id="c", index=index, time_ns=index * 40_000_000, received_ns=0, counts=counts)


def track(index: int, status: Status, track_id: int = 1, confirmed_ns: int | None = None) -> Track:
    return Track(
        track_id=track_id,
        camera_id="c",
        origin="own",
        time_ns=index * 40_000_000,
        frame_index=index,
        status=status,
        box=Box(x_px=70, y_px=50, w_px=10, h_px=10),
        velocity_x_px_s=0.0,
        velocity_y_px_s=0.0,
        contrast_counts=20.0,
        snr=8.0,
        kind="person",
        kind_confidence=0.5,
        confidence=0.75,
        first_ns=0,
        confirmed_ns=confirmed_ns,
    )


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture


def test_without_a_confirmed_track_the_sheet_says_so(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    sheet.add(frame(0), [track(0, "tentative"), track(0, "standing", 2)])
    sheet.close()
    picture = read(tmp_path / "sheet.png")
    assert picture.shape[:2] == TILE
    assert 100 < np.count_nonzero(picture < 128) < 20_000
    assert list(tmp_path.iterdir()) == [tmp_path / "sheet.png"]


def test_a_tile_shows_birth_middle_and_end(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    for index in range(101):
        status: Status = "tentative" if index < 10 else "confirmed"
        life = track(index, status, confirmed_ns=None if index < 10 else 1)
        sheet.add(frame(index, {0: 255, 100: 20}.get(index, 140)), [life])
    sheet.close()
    picture = read(tmp_path / "sheet.png").astype(int)
    assert picture.shape[:2] == TILE
    centres = [picture[6 + 64, left + 64].mean() for left in (6, 140, 274)]
    grounds = [picture[6 + 4, left + 4].mean() for left in (6, 140, 274)]
    warmer = [centre > ground for centre, ground in zip(centres, grounds, strict=True)]
    assert warmer == [True, True, False]


def test_there_is_a_tile_for_each_confirmed_track_and_none_for_others(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    for index in range(5):
        known = [track(index, "confirmed", number, 1) for number in range(1, 6)]
        sheet.add(frame(index, 200), [*known, track(index, "tentative", 7)])
    sheet.close()
    assert read(tmp_path / "sheet.png").shape[:2] == (2 * TILE[0], 3 * TILE[1])


def test_a_flood_of_tracks_is_cut_and_counted(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    for number in range(243):
        sheet.add(frame(number, 200), [track(number, "confirmed", number, 1)])
    sheet.close()
    assert read(tmp_path / "sheet.png").shape[0] == 80 * TILE[0] + 44


def test_tentative_tracks_that_vanish_take_no_room(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    for number in range(1000):
        sheet.add(frame(number, 200), [track(number, "tentative", number)])
    sheet.add(frame(1000, 200), [track(1000, "confirmed", 2000, 1)])
    sheet.close()
    assert read(tmp_path / "sheet.png").shape[:2] == TILE


@pytest.mark.parametrize("place", [(-5.0, -5.0), (155.0, 115.0), (0.0, 60.0)])
def test_a_crop_at_the_edge_stays_inside_the_picture(place: tuple[float, float]) -> None:
    crop = enlarged_crop(frame(0, 200).counts, Box(x_px=place[0], y_px=place[1], w_px=8, h_px=12))
    assert crop.shape == (128, 128, 3)


def test_a_box_larger_than_the_picture_and_sixteen_bits_are_cropped_too() -> None:
    counts = np.random.default_rng(1).normal(3000, 30, (60, 80)).astype(np.uint16)
    crop = enlarged_crop(counts, Box(x_px=-10, y_px=-10, w_px=200, h_px=150))
    assert crop.shape == (128, 128, 3)
    assert crop.std() > 20


def test_a_sheet_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "missing" / "sheet.png")
    with pytest.raises(InputError, match="cannot be written"):
        sheet.close()

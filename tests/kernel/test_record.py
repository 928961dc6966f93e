import msgspec
import numpy as np
import pytest

from marsad.kernel.detection import Box
from marsad.kernel.frame import Frame
from marsad.kernel.record import read_only

BOX = Box(x_px=10.0, y_px=20.0, w_px=4.0, h_px=10.0)


def frame_of(counts: np.ndarray) -> Frame:
    return Frame(camera_id="north", index=0, time_ns=0, received_ns=0, counts=counts)


def test_a_record_cannot_be_changed_but_replaced() -> None:
    with pytest.raises(AttributeError):
        BOX.x_px = 11.0  # type: ignore[misc]  # that this is refused is the point
    assert msgspec.structs.replace(BOX, x_px=11.0) == Box(x_px=11.0, y_px=20.0, w_px=4.0, h_px=10.0)


def test_a_misspelt_key_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="width_px"):
        msgspec.json.decode(b'{"x_px": 1, "y_px": 2, "width_px": 3, "h_px": 4}', type=Box)


def test_a_box_stands_on_the_middle_of_its_lower_edge() -> None:
    assert BOX.centre_px == (12.0, 25.0)
    assert BOX.foot_px == (12.0, 30.0)


def test_a_read_only_view_shares_memory_and_leaves_the_owner_free() -> None:
    owner = np.zeros((2, 3), np.uint8)
    view = read_only(owner)
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1
    owner[0, 0] = 7
    assert view[0, 0] == 7


def test_no_stage_can_paint_on_a_frame() -> None:
    with pytest.raises(ValueError, match="read-only"):
        frame_of(np.zeros((2, 3), np.uint16)).counts[0, 0] = 1


def test_two_frames_are_compared_by_being_the_same_one() -> None:
    counts = np.zeros((2, 3), np.uint8)
    assert frame_of(counts) != frame_of(counts)

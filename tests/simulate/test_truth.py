"""Truth on disk is read back as it was."""

from pathlib import Path

import pytest

from marsad.adapters.mot import read_truth
from marsad.kernel.detection import Box
from marsad.kernel.position import Position
from marsad.simulate.actor import ActorKind
from marsad.simulate.truth import ActorTruth, mot_text


def make(frame_index: int, visible: float, kind: ActorKind = "person") -> ActorTruth:
    return ActorTruth(
        frame_index=frame_index,
        time_ns=0,
        actor_id=3,
        kind=kind,
        box=Box(x_px=10.25, y_px=20.5, w_px=5.0, h_px=13.75),
        foot_px=(12.0, 34.0),
        east_m=0.0,
        north_m=700.0,
        up_m=0.0,
        position=Position(latitude_deg=34.0, longitude_deg=41.0),
        range_m=700.0,
        visible=visible,
        height_px=13.5,
        contrast_k=5.0,
    )


def test_truth_is_read_back_and_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(mot_text([make(0, 1.0), make(1, 0.1), make(2, 0.6)]), encoding="ascii")
    truth = read_truth(path)
    assert truth.left_out == 1
    assert truth.boxes.frame.tolist() == [1, 3]
    assert truth.boxes.identity.tolist() == [3, 3]
    assert truth.boxes.box[0].tolist() == pytest.approx([10.25, 20.5, 5.0, 13.75])


def test_every_kind_has_its_class() -> None:
    kinds: tuple[ActorKind, ...] = ("person", "motorcycle", "goat", "bird", "bush", "fire")
    classes = [mot_text([make(0, 1.0, kind)]).split(",")[7] for kind in kinds]
    assert classes == ["1", "3", "14", "15", "16", "-1"]

"""ONNX models built in the test, so that what they must answer is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from marsad.adapters.onnx import OnnxModel
from marsad.kernel.error import InputError

FLOAT = TensorProto.FLOAT


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    *,
    shape: Sequence[int | str] = ("n", 1, 8, 8),
    out: Sequence[int | str] = ("n", 2),
    dtype: int = FLOAT,
    **metadata: str,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("picture", dtype, shape)],
        [helper.make_tensor_value_info("answer", FLOAT, out)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {f"marsad.{key}": value for key, value in metadata.items()})
    onnx.save(model, str(path))
    return path


def top_or_bottom(path: Path, **other: object) -> Path:
    """A classifier: the sums of the upper and of the lower half of the picture."""
    halves = np.zeros((64, 2), np.float32)
    halves[:32, 0] = halves[32:, 1] = 1 / 32
    nodes = [
        helper.make_node("Flatten", ["picture"], ["flat"]),
        helper.make_node("MatMul", ["flat", "halves"], ["answer"]),
    ]
    told = {"labels": "person,vehicle", "output": "logits"} | other
    return save(path, nodes, {"halves": halves}, **told)


def constant_boxes(path: Path, boxes: list[list[float]], *, three: bool = False, **other: object) -> Path:
    """A detector that always sees the same."""
    value = np.array(boxes, np.float32).reshape(-1, 6)
    value = value[None] if three else value
    nodes = [
        helper.make_node("ReduceSum", ["picture"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "nothing"], ["none"]),
        helper.make_node("Add", ["boxes", "none"], ["answer"]),
    ]
    told = {"labels": "person,animal", "output": "boxes", "out": value.shape} | other
    return save(path, nodes, {"boxes": value, "nothing": np.float32(0)}, **told)


def half_bright(rows: slice, dtype: type = np.uint8, shape: tuple[int, int] = (8, 8), top: int = 200) -> np.ndarray:
    picture = np.zeros(shape, dtype)
    picture[rows] = top
    return picture


UPPER, LOWER = slice(0, 4), slice(4, 8)


def test_logits_become_shares_the_surest_first(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx"))
    upper, lower = model.detect([half_bright(UPPER), half_bright(LOWER)])
    assert [c.kind for c in upper] == ["person", "vehicle"]
    assert [c.kind for c in lower] == ["vehicle", "person"]
    # The stretched halves are 1 and 0, so the softmax is e / (e + 1).
    assert upper[0].confidence == pytest.approx(np.e / (np.e + 1))
    assert upper[0].confidence + upper[1].confidence == pytest.approx(1.0)


def test_probabilities_are_taken_as_they_are(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx", output="probabilities"))
    assert [c.confidence for c in model.detect([half_bright(UPPER)])[0]] == pytest.approx([1.0, 0.0])


def test_neither_depth_nor_gain_matters_to_a_stretched_picture(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx"))
    shallow = model.detect([half_bright(UPPER)])
    deep = model.detect([half_bright(UPPER, np.uint16, top=9000) + np.uint16(20_000)])
    assert [c.confidence for c in shallow[0]] == pytest.approx([c.confidence for c in deep[0]])


def test_counts_are_given_unchanged_where_asked_for(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx", output="probabilities", input="counts"))
    assert [c.confidence for c in model.detect([half_bright(UPPER)])[0]] == pytest.approx([200.0, 0.0])


def test_an_even_picture_is_no_division_by_zero(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx"))
    assert [c.confidence for c in model.detect([np.full((8, 8), 9, np.uint8)])[0]] == pytest.approx([0.5, 0.5])


def test_crops_of_any_size_are_scaled_to_the_model(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx"))
    tall = half_bright(slice(0, 20), shape=(40, 10))
    not_contiguous = half_bright(LOWER, shape=(8, 16))[:, ::2]
    assert [seen[0].kind for seen in model.detect([tall, not_contiguous])] == ["person", "vehicle"]


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), ("n", 1, "h", "w")])
def test_a_model_for_one_picture_at_a_time_gets_one(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx", shape=shape))
    seen = model.detect([half_bright(UPPER), half_bright(LOWER)])
    assert [c[0].kind for c in seen] == ["person", "vehicle"]


def test_nothing_given_is_nothing_seen(tmp_path: Path) -> None:
    assert OnnxModel(top_or_bottom(tmp_path / "m.onnx")).detect([]) == []


@pytest.mark.parametrize("three", [False, True])
def test_boxes_are_scaled_to_the_picture_and_sorted(tmp_path: Path, three: bool) -> None:
    path = constant_boxes(
        tmp_path / "m.onnx", [[0, 0, 4, 8, 0.5, 0], [2, 1, 6, 5, 0.9, 1], [0, 0, 1, 1, 0.1, 0]], three=three
    )
    (seen,) = OnnxModel(path).detect([np.zeros((16, 32), np.uint8)])
    assert [(c.kind, c.confidence) for c in seen] == [("animal", pytest.approx(0.9)), ("person", pytest.approx(0.5))]
    assert (seen[0].x_px, seen[0].y_px, seen[0].w_px, seen[0].h_px) == (8, 2, 16, 8)
    assert len(OnnxModel(path, least_score=0.05).detect([np.zeros((16, 32), np.uint8)])[0]) == 3


def test_a_detector_may_see_nothing(tmp_path: Path) -> None:
    assert OnnxModel(constant_boxes(tmp_path / "m.onnx", [])).detect([half_bright(UPPER)] * 2) == [[], []]


def test_a_box_of_an_unnamed_label_is_refused(tmp_path: Path) -> None:
    for number in (2.0, -1.0, float("nan")):
        model = OnnxModel(constant_boxes(tmp_path / "m.onnx", [[0, 0, 1, 1, 0.9, number]]))
        with pytest.raises(InputError, match=r"marsad\.labels"):
            model.detect([half_bright(UPPER)])


def test_an_output_of_another_size_is_refused(tmp_path: Path) -> None:
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx", labels="person,vehicle,animal"))
    with pytest.raises(InputError, match=r"\(1, 2\), not \(1, 3\)"):
        model.detect([half_bright(UPPER)])
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx", output="boxes"))
    with pytest.raises(InputError, match=r"\(1, 2\), not \(boxes, 6\)"):
        model.detect([half_bright(UPPER)])


def test_a_failing_model_is_bad_input(tmp_path: Path) -> None:
    # Free height and width, but a product that fits 8x8 only.
    model = OnnxModel(top_or_bottom(tmp_path / "m.onnx", shape=("n", 1, "h", "w")))
    with pytest.raises(InputError, match="cannot be run"):
        model.detect([np.zeros((5, 5), np.uint8)])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"labels": ""}, r"names no labels; set the metadata key marsad\.labels"),
        ({"labels": "person,unicorn"}, "'unicorn'; valid are person, group"),
        ({"output": "masks"}, r"marsad\.output is 'masks'; valid are logits"),
        ({"input": "negative"}, r"marsad\.input is 'negative'"),
        ({"shape": (4, 1, 8, 8)}, "takes 4 pictures at once"),
    ],
)
def test_a_model_that_is_not_as_described_is_refused(tmp_path: Path, change: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        OnnxModel(top_or_bottom(tmp_path / "m.onnx", **change))
    assert "m.onnx" in str(caught.value)


def test_a_model_for_colour_or_of_another_type_is_refused(tmp_path: Path) -> None:
    shrink = [helper.make_node("ReduceMean", ["picture"], ["answer"], axes=[1, 2], keepdims=0)]
    with pytest.raises(InputError, match="takes 3 channels, not 1"):
        OnnxModel(save(tmp_path / "m.onnx", shrink, {}, shape=(1, 3, 8, 8), labels="person", output="logits"))
    cast = [helper.make_node("Cast", ["picture"], ["answer"], to=FLOAT)]
    with pytest.raises(InputError, match="not one float32 input"):
        OnnxModel(
            save(
                tmp_path / "m.onnx",
                cast,
                {},
                dtype=TensorProto.UINT8,
                out=(1, 1, 8, 8),
                shape=(1, 1, 8, 8),
                labels="person",
                output="logits",
            )
        )


def test_a_missing_or_broken_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model file"):
        OnnxModel(tmp_path / "gone.onnx")
    (tmp_path / "letter.onnx").write_text("dear officer")
    with pytest.raises(InputError, match="cannot be loaded as an ONNX model"):
        OnnxModel(tmp_path / "letter.onnx")

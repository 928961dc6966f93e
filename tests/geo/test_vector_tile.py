"""Vector tiles read back by Google's own Protocol Buffers, from the specification's own message."""

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from marsad.geo.relief import EXTENT, Contour
from marsad.geo.vector_tile import contour_tile

FIELD = descriptor_pb2.FieldDescriptorProto
OPTIONAL, REPEATED = FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED


def message(proto: descriptor_pb2.DescriptorProto, name: str, *fields: tuple[str, int, int, int, str]) -> None:
    proto.name = name
    for field, number, label, kind, of in fields:
        added = proto.field.add(name=field, number=number, label=label, type=kind)
        if of:
            added.type_name = of
        elif label == REPEATED and kind == FIELD.TYPE_UINT32:
            added.options.packed = True


@pytest.fixture(scope="module")
def tile_type() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="vector_tile.proto", package="vt", syntax="proto2")
    message(file.message_type.add(), "Value", ("double_value", 3, OPTIONAL, FIELD.TYPE_DOUBLE, ""),
            ("bool_value", 7, OPTIONAL, FIELD.TYPE_BOOL, ""))  # fmt: skip
    message(file.message_type.add(), "Feature", ("tags", 2, REPEATED, FIELD.TYPE_UINT32, ""),
            ("type", 3, OPTIONAL, FIELD.TYPE_UINT32, ""), ("geometry", 4, REPEATED, FIELD.TYPE_UINT32, ""))  # fmt: skip
    message(file.message_type.add(), "Layer", ("version", 15, OPTIONAL, FIELD.TYPE_UINT32, ""),
            ("name", 1, OPTIONAL, FIELD.TYPE_STRING, ""), ("features", 2, REPEATED, FIELD.TYPE_MESSAGE, ".vt.Feature"),
            ("keys", 3, REPEATED, FIELD.TYPE_STRING, ""), ("values", 4, REPEATED, FIELD.TYPE_MESSAGE, ".vt.Value"),
            ("extent", 5, OPTIONAL, FIELD.TYPE_UINT32, ""))  # fmt: skip
    message(file.message_type.add(), "Tile", ("layers", 3, REPEATED, FIELD.TYPE_MESSAGE, ".vt.Layer"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("vt.Tile"))


def points_of(geometry: list[int]) -> list[tuple[int, int]]:
    """A feature's line, by the specification's commands."""
    at, found, left = [0, 0], [], list(geometry)
    while left:
        command = left.pop(0)
        assert command & 7 == (1 if not found else 2)
        for _ in range(command >> 3):
            for axis in (0, 1):
                number = left.pop(0)
                at[axis] += (number >> 1) ^ -(number & 1)
            found.append((at[0], at[1]))
    return found


point = st.tuples(st.integers(-200, EXTENT + 200), st.integers(-200, EXTENT + 200))
lines = st.lists(st.tuples(st.integers(-20, 60), st.lists(point, min_size=2, max_size=40)), max_size=8)


@given(drawn=lines)
def test_lines_come_back_with_their_heights(
    tile_type: type[Message], drawn: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    contours = [Contour(count * 5.0, np.array(points, np.int64)) for count, points in drawn]
    tile = tile_type()
    tile.ParseFromString(contour_tile(contours, 5.0))
    (layer,) = tile.layers
    assert (layer.name, layer.version, layer.extent, list(layer.keys)) == ("contour", 2, EXTENT, ["height", "index"])
    found = []
    for feature in layer.features:
        assert feature.type == 2
        (_, height, _, index) = feature.tags
        assert layer.values[index].bool_value == (round(layer.values[height].double_value / 5) % 5 == 0)
        found.append((round(layer.values[height].double_value / 5), points_of(feature.geometry)))
    assert found == drawn

"""The fuser's whole knowledge as bytes, so that a restart goes on with the same tracks under the same names."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from marsad.fuse.fuser import Life, Opinion, State
from marsad.fuse.hypotheses import Rows
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

VERSION = 1


class PackedArray(Record, array_like=True):
    """An array's type, shape and bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


class PackedOpinion(Record, array_like=True):
    """What one source last said of a track."""

    source_id: str
    time_ns: int
    label: int
    kind: Kind
    kind_confidence: float
    persons: Count | None
    origin: str


class PackedLife(Record, array_like=True):
    """A track's names and who speaks of it."""

    track_id: str
    opinions: tuple[PackedOpinion, ...]
    formerly: tuple[str, ...]


class Checkpoint(Record):
    """Everything in a state, and the sources it was made with, in their order."""

    version: int
    sources: tuple[str, ...]
    biases: int
    time_ns: int
    rows: dict[str, PackedArray]
    arrays: dict[str, PackedArray]
    lives: tuple[PackedLife, ...]


def packed(state: State, sources: Sequence[str]) -> bytes:
    """A state as bytes; `sources` are the fuser's, in order."""
    held = state._asdict()
    arrays = {name: _pack(value) for name, value in held.items() if isinstance(value, np.ndarray)}
    rows = {name: _pack(value) for name, value in state.rows._asdict().items()}
    checkpoint = Checkpoint(
        version=VERSION, sources=tuple(sources), biases=len(state.bias_mean), time_ns=state.time_ns, rows=rows,
        arrays=arrays, lives=tuple(_pack_life(life) for life in state.lives),
    )  # fmt: skip
    return msgspec.msgpack.encode(checkpoint)


def unpacked(data: bytes, sources: Sequence[str], biases: int) -> State:
    """The state that was packed.

    Raises: InputError where the bytes are no checkpoint, or one of other sources or biases than these: the site has
    been changed since, and its tracks cannot be carried on.
    """
    try:
        held = msgspec.msgpack.decode(data, type=Checkpoint)
    except msgspec.DecodeError as error:
        raise InputError(f"the kept picture cannot be read ({error}); start without it") from error
    if held.version != VERSION:
        raise InputError(
            f"the kept picture is of version {held.version}, this software reads {VERSION}; start without it"
        )
    if held.sources != tuple(sources) or held.biases != biases:
        raise InputError(
            f"the kept picture is of the sources {', '.join(held.sources)}, the site has {', '.join(sources)}; "
            "start without it"
        )
    values: dict[str, Any] = {name: _unpack(each) for name, each in held.arrays.items()}
    rows = Rows(**{name: _unpack(each) for name, each in held.rows.items()})
    return State(time_ns=held.time_ns, rows=rows, lives=tuple(_unpack_life(life) for life in held.lives), **values)


def _pack(array: np.ndarray[Any, Any]) -> PackedArray:
    return PackedArray(dtype=array.dtype.str, shape=array.shape, data=np.ascontiguousarray(array).tobytes())


def _unpack(held: PackedArray) -> np.ndarray[Any, Any]:
    return np.frombuffer(held.data, np.dtype(held.dtype)).reshape(held.shape).copy()


def _pack_life(life: Life) -> PackedLife:
    opinions = tuple(
        PackedOpinion(source_id=source_id, **opinion._asdict()) for source_id, opinion in life.opinions.items()
    )
    return PackedLife(track_id=life.track_id, opinions=opinions, formerly=life.formerly)


def _unpack_life(life: PackedLife) -> Life:
    opinions = {each.source_id: Opinion(*msgspec.structs.astuple(each)[1:]) for each in life.opinions}
    return Life(life.track_id, opinions, life.formerly)

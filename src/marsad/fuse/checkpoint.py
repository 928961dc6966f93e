"""What it takes to go on making the picture, as bytes, so that a restart goes on with the same tracks and groups."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.fuse.company import Remembered
from marsad.fuse.fuser import Life, Mark, Opinion, State
from marsad.fuse.hypotheses import STATES, Rows
from marsad.fuse.showing import USUALLY_SHOWN
from marsad.kernel.error import InputError
from marsad.kernel.position import BearingMeasurement
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

VERSION: Final = 4

_SHAPES: Final[Mapping[str, str]] = {
    "existence": "T", "born_ns": "T", "seen_ns": "T", "confirmed_ns": "T", "surprise": "T", "bare": "T",
    "told_ns": "TS", "label": "TS", "since_ns": "TS", "showing": "TS", "bias_mean": "B", "bias_spread": "BB",
    "looked_ns": "S", "unseen": "S", "strange": "S", "trusted": "S",
}  # fmt: skip
"""What a state's arrays are of: tracks, sources and biases."""
_ROW_SHAPES: Final[Mapping[str, str]] = {
    "first": "F", "mean": "RM", "spread": "RMM", "lean": "RMB", "weight": "R", "left": "RS2"
}  # fmt: skip
"""The same of its rows: of each the mean's parts, and one more than tracks."""
_UNTOLD: Final[Mapping[str, float]] = {"told_ns": 0, "label": -1, "since_ns": 0, "showing": USUALLY_SHOWN}
"""What stands where a source has said nothing yet of a track."""


class Kept(NamedTuple):
    """What the fuser was settled on, and what the company remembered: looks since then make all the rest."""

    mark: Mark
    company: Remembered


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
    bearing: BearingMeasurement | None


class PackedLife(Record, array_like=True):
    """A track's names and who speaks of it."""

    track_id: str
    opinions: tuple[PackedOpinion, ...]
    formerly: tuple[str, ...]


class Checkpoint(Record):
    """Everything that is kept, and the sources it was made with, in their order."""

    version: int
    sources: tuple[str, ...]
    mark: tuple[int, str]
    time_ns: int
    rows: dict[str, PackedArray]
    arrays: dict[str, PackedArray]
    lives: tuple[PackedLife, ...]
    company: Remembered


def packed(kept: Kept, sources: Sequence[str]) -> bytes:
    """What is kept as bytes; `sources` are the fuser's, in order."""
    key, state = kept.mark
    arrays = {name: _pack(value) for name, value in state._asdict().items() if isinstance(value, np.ndarray)}
    rows = {name: _pack(value) for name, value in state.rows._asdict().items()}
    checkpoint = Checkpoint(
        version=VERSION, sources=tuple(sources), mark=key, time_ns=state.time_ns, rows=rows, arrays=arrays,
        lives=tuple(_pack_life(life) for life in state.lives), company=kept.company,
    )  # fmt: skip
    return msgspec.msgpack.encode(checkpoint)


def unpacked(data: bytes, sources: Sequence[str], fresh: State) -> Kept:
    """What was packed, for a fuser of these sources that knows nothing but `fresh` yet.

    The sources may be those it was packed with and then further ones, of which nothing is known.

    Raises: InputError where the bytes are nothing that was packed, or of other sources or biases than these.
    """
    try:
        held = msgspec.msgpack.decode(data, type=Checkpoint)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"the kept picture cannot be read ({error})") from error
    if held.version != VERSION:
        raise InputError(f"the kept picture is of version {held.version}, this software reads {VERSION}")
    if held.sources != tuple(sources[: len(held.sources)]):
        raise InputError(
            f"the kept picture is of the sources {', '.join(held.sources)}; those to go on with are "
            f"{', '.join(sources) or 'none'}"
        )
    try:
        state = _state(held)
        _fit(state, len(held.sources), fresh)
    except (TypeError, ValueError) as error:
        raise InputError(f"the kept picture does not hold together ({error})") from error
    return Kept((held.mark, _widened(state, fresh)), held.company)


def _state(held: Checkpoint) -> State:
    values: dict[str, Any] = {name: _unpack(each) for name, each in held.arrays.items()}
    rows = Rows(**{name: _unpack(each) for name, each in held.rows.items()})
    return State(time_ns=held.time_ns, rows=rows, lives=tuple(_unpack_life(life) for life in held.lives), **values)


def _fit(state: State, sources: int, fresh: State) -> None:
    """Nothing if all arrays are of as many tracks, rows, sources and biases. Raises ValueError."""
    sizes = {
        "T": len(state.lives), "F": len(state.lives) + 1, "S": sources, "B": len(state.bias_mean),
        "R": len(state.rows.weight), "M": STATES, "2": 2,
    }  # fmt: skip
    for shapes, held, like in ((_SHAPES, state, fresh), (_ROW_SHAPES, state.rows, fresh.rows)):
        for name, axes in shapes.items():
            array, wanted = getattr(held, name), tuple(sizes[axis] for axis in axes)
            dtype = getattr(like, name).dtype
            if array.shape != wanted or array.dtype != dtype:
                raise ValueError(f"{name} is {array.dtype}{list(array.shape)} and not {dtype}{list(wanted)}")


def _widened(state: State, fresh: State) -> State:
    """The state with the sources and biases that `fresh` has beyond its own."""
    sources, biases = len(state.looked_ns), len(state.bias_mean)
    more = len(fresh.looked_ns) - sources
    if not more:
        return state
    spread = fresh.bias_spread.copy()
    spread[:biases, :biases] = state.bias_spread
    mean = np.concatenate([state.bias_mean, fresh.bias_mean[biases:]])
    rows = state.rows
    left = np.pad(rows.left, ((0, 0), (0, more), (0, 0)), constant_values=np.nan)
    lean = np.pad(rows.lean, ((0, 0), (0, 0), (0, len(mean) - biases)))
    wider: dict[str, Any] = {
        name: np.concatenate([getattr(state, name), getattr(fresh, name)[sources:]])
        for name, axes in _SHAPES.items() if axes == "S"
    }  # fmt: skip
    for name, untold in _UNTOLD.items():
        wider[name] = np.pad(getattr(state, name), ((0, 0), (0, more)), constant_values=untold)
    return state._replace(rows=rows._replace(left=left, lean=lean), bias_mean=mean, bias_spread=spread, **wider)


def _pack(array: NDArray[Any]) -> PackedArray:
    return PackedArray(dtype=array.dtype.str, shape=array.shape, data=np.ascontiguousarray(array).tobytes())


def _unpack(held: PackedArray) -> NDArray[Any]:
    return np.frombuffer(held.data, np.dtype(held.dtype)).reshape(held.shape).copy()


def _pack_life(life: Life) -> PackedLife:
    opinions = tuple(
        PackedOpinion(source_id=source_id, **opinion._asdict()) for source_id, opinion in life.opinions.items()
    )
    return PackedLife(track_id=life.track_id, opinions=opinions, formerly=life.formerly)


def _unpack_life(life: PackedLife) -> Life:
    opinions = {each.source_id: Opinion(*msgspec.structs.astuple(each)[1:]) for each in life.opinions}
    return Life(life.track_id, opinions, life.formerly)

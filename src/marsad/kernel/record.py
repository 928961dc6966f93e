"""The two ways a record is made: plain values on the wire, and holders of arrays in memory."""

from typing import TypeVar, dataclass_transform

import msgspec
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An immutable value that can be written to the log, to the wire and to a configuration file."""


def read_only(array: NDArray[T]) -> NDArray[T]:
    """The same memory seen through a view that refuses to be written to."""
    view = array.view()
    view.flags.writeable = False
    return view

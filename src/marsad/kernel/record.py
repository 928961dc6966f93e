"""The two ways a record is made: plain values on the wire, and holders of arrays in memory."""

from typing import Any, TypeVar, dataclass_transform

import msgspec
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)
M = TypeVar("M", bound="RecordMeta")


class RecordMeta(msgspec.StructMeta):
    """Makes every record keyword-only: msgspec hands all other options down to subclasses, but not this one."""

    def __new__(  # noqa: PYI019 - PEP 673 forbids Self in a metaclass
        cls: type[M],
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        kw_only: bool = True,
        **options: Any,  # noqa: ANN401 - handed on to msgspec as they came
    ) -> M:
        """A struct type whose own fields are keyword-only."""
        return super().__new__(cls, name, bases, namespace, kw_only=kw_only, **options)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, metaclass=RecordMeta, frozen=True, forbid_unknown_fields=True):
    """An immutable value that can be written to the log, to the wire and to a configuration file."""


def read_only(array: NDArray[T]) -> NDArray[T]:
    """The same memory seen through a view that refuses to be written to."""
    view = array.view()
    view.flags.writeable = False
    return view

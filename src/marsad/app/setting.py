"""What a setting may be, in words: for error messages and for the reference of site and scenario files."""

from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import msgspec

from marsad.kernel.record import Record

_PLAIN: dict[object, str] = {
    float: "a number",
    int: "a whole number",
    str: "text",
    bool: "true or false",
    datetime: "a date and time with its offset from UTC, such as 2026-08-08T20:30:00Z",
}
_PATTERNS = {r"^[\w.-]+$": "letters, digits, `_`, `.` and `-`"}


def bare(annotation: object) -> tuple[object, tuple[msgspec.Meta, ...]]:
    """The type itself, and what constrains it: `Annotated` and `| None` taken off (TOML has no null)."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        found, deeper = bare(inner)
        return found, (*deeper, *(note for note in notes if isinstance(note, msgspec.Meta)))
    if get_origin(annotation) in {Union, UnionType}:
        members = [member for member in get_args(annotation) if member is not NoneType]
        if len(members) == 1:
            return bare(members[0])
    return annotation, ()


def item_of(annotation: object) -> object | None:
    """What a list holds, or None where the setting is no list."""
    kind, _ = bare(annotation)
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def record_of(annotation: object) -> type[Record] | None:
    """The record a table is decoded to, or None where the setting is no table."""
    kind, _ = bare(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, Record) else None


def choices_of(annotation: object) -> dict[str, type[Record]]:
    """The records that a table may be decoded to, by their tags; none where the setting is no such choice."""
    kind, _ = bare(annotation)
    members = get_args(kind) if get_origin(kind) in {Union, UnionType} else ()
    found = [member for member in members if record_of(member) is not None]
    return {str(member.__struct_config__.tag): member for member in found}


def values_of(annotation: object) -> object | None:
    """What a table with names of the user's own holds, or None where the setting is none."""
    kind, _ = bare(annotation)
    return get_args(kind)[1] if get_origin(kind) is dict else None


def length_of(annotation: object) -> int | None:
    """How many items a list must have, None where that is free."""
    kind, _ = bare(annotation)
    inner = get_args(kind)
    return len(inner) if get_origin(kind) is tuple and ... not in inner else None


def least_of(annotation: object) -> int:
    """How many items a list must have."""
    _, notes = bare(annotation)
    return max((note.min_length or 0 for note in notes), default=0)


def describe(annotation: object) -> str:
    """What would be valid, such as "a number above 0 and below 170"."""
    kind, notes = bare(annotation)
    item = item_of(annotation)
    if item is not None:
        least, length = least_of(annotation), length_of(annotation)
        many = f", at least {least}" if least else ""
        return f"a list of {_plural(item)}{many}" if length is None else f"a list of {length} {_plural(item)}"
    if record_of(annotation) is not None or choices_of(annotation) or values_of(annotation) is not None:
        return "a table"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(kind))
    return " ".join([_PLAIN[kind], *_limits(notes)])


def _plural(item: object) -> str:
    plurals = {"text": "texts", "a table": "tables", "a number": "numbers"}
    one = describe(item)
    return plurals.get(one, one.replace("a list of", "lists of", 1))


def _limits(notes: tuple[msgspec.Meta, ...]) -> list[str]:
    """The constraints in words."""
    limits = []
    for note in notes:
        if note.ge is not None and note.le is not None:
            limits.append(f"from {note.ge} to {note.le}")
        elif note.ge is not None:
            limits.append(f"of {note.ge} or more")
        elif note.gt is not None:
            limits.append(f"above {note.gt}")
        if note.le is not None and note.ge is None:
            limits.append(f"and up to {note.le}")
        if note.lt is not None:
            limits.append(f"and below {note.lt}")
        if note.min_length and note.max_length:
            limits.append(f"of {note.min_length} to {note.max_length} characters")
        elif note.min_length:
            limits.append("that is not empty" if note.min_length == 1 else f"of {note.min_length} characters or more")
        if note.pattern is not None:
            limits.append("out of " + _PATTERNS.get(note.pattern, note.pattern))
    return limits

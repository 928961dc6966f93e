"""Events as bytes, and back, across the versions of their schema."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from marsad.kernel.error import InputError
from marsad.kernel.event import SCHEMA_VERSION, Event
from marsad.kernel.record import Record

Step = Callable[[dict[str, Any]], dict[str, Any]]

Steps = Mapping[int, Mapping[str, Step]]


def _without_joint(fields: dict[str, Any]) -> dict[str, Any]:
    """A keeping of the desk without the board of what was said, which is made of the messages kept beside it."""
    partner = fields["state"].get("partner")
    if partner is not None:
        partner.pop("joint", None)
    return fields


STEPS: Steps = {1: {"desk_kept": _without_joint}}
"""How an event of schema n is lifted to n + 1, by its type; one of a type without a step is of both schemas.

The stored bytes never change, so that their hash stays true.
"""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


class Peek(Record, forbid_unknown_fields=False):
    """What the log itself must know of a payload, whatever its schema: what it erases, where it does.

    `sequence` is the one entry, or the first; `spans` hold all of several.
    """

    type: str
    sequence: int | None = None
    spans: tuple[tuple[int, int], ...] = ()


COUNT_BYTES = (1, 3)
"""So many bytes hold an event's count of fields, which comes first: of up to 15, and of more."""

_PEEKER = msgspec.msgpack.Decoder(Peek)


def encode(event: Event) -> bytes:
    """The event as MessagePack.

    Raises: InputError where it holds something that cannot be written, such as text that is not Unicode.
    """
    try:
        return _ENCODER.encode(event)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        kind = type(event).__name__
        raise InputError(f"{kind} cannot be written to the log: {error}; mend that field: {event!a}") from error


def decode(payload: bytes, schema_version: int, steps: Steps = STEPS) -> Event:
    """The event that `payload` was made of, lifted to today's schema.

    Raises: InputError where the schema is newer than this software or the bytes are no event.
    """
    if schema_version > SCHEMA_VERSION:
        raise InputError(
            f"event schema {schema_version} is newer than this software's, {SCHEMA_VERSION}: update Marsad to read it"
        )
    try:
        due = _due(payload, schema_version, steps)
        if not due:
            return _DECODER.decode(payload)
        fields = msgspec.msgpack.decode(payload)
        for step in due:
            fields = step(fields)
        event: Event = msgspec.convert(fields, Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, AttributeError) as error:
        raise InputError(f"the payload is not an event of schema {schema_version}: {error}") from error
    return event


def start_of(kind: type[Event]) -> bytes:
    """How every payload of a type of event goes on after its count of fields: its tag, which comes first.

    No payload of another type goes on like that, for the tag's length stands before it.
    """
    return _ENCODER.encode("type") + _ENCODER.encode(kind.__struct_config__.tag)


def is_of(payload: bytes, starts: Sequence[bytes]) -> bool:
    """Whether a payload begins as one of these types of event does; see `start_of`."""
    return any(payload.startswith(start, count) for start in starts for count in COUNT_BYTES)


def peek(payload: bytes) -> Peek | None:
    """The payload's type, read from any schema; None where it is no event at all."""
    try:
        return _PEEKER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _due(payload: bytes, schema_version: int, steps: Steps) -> list[Step]:
    """The steps that lift a payload to today's schema; none for most, which are read as fast as today's."""
    unknown = [version for version in range(schema_version, SCHEMA_VERSION) if version not in steps]
    if unknown:
        raise InputError(
            f"event schema {unknown[0]} is not known to this software: read the log with the one that wrote it"
        )
    seen = peek(payload) if schema_version < SCHEMA_VERSION else None
    if seen is None:
        return []
    wanted = (steps[version].get(seen.type) for version in range(schema_version, SCHEMA_VERSION))
    return [step for step in wanted if step is not None]

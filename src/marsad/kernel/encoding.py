"""Events as bytes, and back, across the versions of their schema."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from marsad.kernel.error import InputError
from marsad.kernel.event import SCHEMA_VERSION, Event
from marsad.kernel.record import Record

Step = Callable[[dict[str, Any]], dict[str, Any]]

STEPS: dict[int, Step] = {}
"""How an event of schema n is lifted to n + 1; the stored bytes never change, so that their hash stays true."""

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


def decode(payload: bytes, schema_version: int, steps: Mapping[int, Step] = STEPS) -> Event:
    """The event that `payload` was made of, lifted to today's schema.

    Raises: InputError where the schema is newer than this software or the bytes are no event.
    """
    if schema_version > SCHEMA_VERSION:
        raise InputError(
            f"event schema {schema_version} is newer than this software's, {SCHEMA_VERSION}: update Marsad to read it"
        )
    try:
        if schema_version == SCHEMA_VERSION:
            return _DECODER.decode(payload)
        event: Event = msgspec.convert(_lift(msgspec.msgpack.decode(payload), schema_version, steps), Event)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
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


def _lift(fields: dict[str, Any], schema_version: int, steps: Mapping[int, Step]) -> dict[str, Any]:
    """The fields as today's schema has them."""
    for version in range(schema_version, SCHEMA_VERSION):
        if version not in steps:
            raise InputError(
                f"event schema {version} is not known to this software: read the log with the one that wrote it"
            )
        fields = steps[version](fields)
    return fields

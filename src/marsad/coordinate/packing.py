"""Joint messages as bytes, and back, whatever version of this software wrote them."""

from typing import Any, Final

import msgspec

from marsad.kernel.error import InputError
from marsad.kernel.joint import JOINT_VERSION, JointMessage, NotUnderstood, PartyId, Salt, TimeNs
from marsad.kernel.record import Record

LARGEST_BYTES: Final = 128 * 1024
"""Longer messages are neither written nor read."""


class _Envelope(Record, forbid_unknown_fields=False):
    """What is read of a message of any version; all else stays as it came."""

    author: PartyId
    sequence: int
    salt: Salt
    time_ns: TimeNs
    stamp_ns: TimeNs
    version: int
    body: Any = None
    agreement_version: int = 1
    exercise: str = ""


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_MESSAGE: Final = msgspec.json.Decoder(JointMessage)


def pack(message: JointMessage) -> bytes:
    """The message as JSON with sorted keys, so that equal messages are equal bytes.

    Raises: InputError where it is too long or holds what cannot be written.
    """
    payload = _written(message)
    _must_fit(payload)
    return payload


def unpack(payload: bytes) -> JointMessage:
    """The message; one of another version, or one that says what nobody here knows, as `NotUnderstood`.

    Raises: InputError where not even its author and its place can be read.
    """
    _must_fit(payload)
    try:
        message = _understood(payload) or _strange(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"this is no joint message: {error}") from error
    _written(message)
    return message


def _written(message: JointMessage) -> bytes:
    """The message as JSON, however long. Raises: InputError where it holds what cannot be written."""
    try:
        plain = {name: msgspec.to_builtins(getattr(message, name)) for name in JointMessage.__struct_fields__}
        return msgspec.json.encode(plain, order="sorted")
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise InputError(f"the message cannot be written: {error}") from error


def _understood(payload: bytes) -> JointMessage | None:
    """The message as this version has it, or None."""
    try:
        message = _MESSAGE.decode(payload)
    except msgspec.MsgspecError:
        return None
    return message if message.version == JOINT_VERSION else None


def _strange(payload: bytes) -> JointMessage:
    """A message whose author and place are all that is understood."""
    envelope = _ENVELOPE.decode(payload)
    kind = envelope.body.get("type") if isinstance(envelope.body, dict) else None
    body = NotUnderstood(
        kind=kind[:64] if isinstance(kind, str) else "", version=envelope.version, raw=payload.decode()
    )
    return msgspec.convert(
        {
            **{name: getattr(envelope, name) for name in _Envelope.__struct_fields__},
            "body": msgspec.to_builtins(body),
            "by": "software",
            "version": JOINT_VERSION,
        },
        JointMessage,
    )


def _must_fit(payload: bytes) -> None:
    if len(payload) > LARGEST_BYTES:
        raise InputError(f"the message is {len(payload)} bytes long: {LARGEST_BYTES} are the most")

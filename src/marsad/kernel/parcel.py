"""What goes over the link between two organisations: parcels, and what both sides sign about them.

Every direction is a stream of its own, of one sender and one receiver. What a parcel holds is nobody's business here.
"""

from marsad.kernel.record import Record

STREAM_BYTES = 16
KEY_BYTES = 32
SIGNATURE_BYTES = 64
PAYLOAD_BYTES = 256 * 1024
"""The largest payload of one parcel."""


class Parcel(Record):
    """One thing released, as its receiver gets it.

    `sequence` counts all parcels of a stream from 1 without a gap; `urgent_number` does so for the urgent ones alone,
    and is 0 for the others. `salt` is hashed with the payload, so that an erased payload cannot be guessed from its
    hash.
    """

    sequence: int
    time_ns: int
    urgent_number: int
    salt: bytes
    payload: bytes

    @property
    def urgent(self) -> bool:
        """Whether it goes ahead of those that are not."""
        return self.urgent_number > 0


class Checkpoint(Record):
    """The sender's word, signed: at `time_ns` its stream held so many parcels, with these heads of its two chains."""

    stream: bytes
    sequence: int
    head: bytes
    urgent: int
    urgent_head: bytes
    time_ns: int
    signature: bytes


class Receipt(Record):
    """The receiver's word, signed: it holds all that a checkpoint stands for, verified, since `received_ns`."""

    checkpoint: Checkpoint
    received_ns: int
    cosignature: bytes

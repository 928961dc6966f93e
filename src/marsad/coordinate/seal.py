"""How parcels are chained and checkpoints signed; laid down in docs/wire/link.md.

A stream has two chains over the same parcels: one over all, one over the urgent alone. A hash chain read backward from
a signed head proves each entry by the hash before it, so the newest alarm can be had, proven, before all the rest.
"""

from hashlib import sha256
from struct import Struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from marsad.kernel.chain import GENESIS, hash_payload
from marsad.kernel.parcel import STREAM_BYTES, Checkpoint, Parcel, Receipt
from marsad.kernel.record import Record

_STREAM = b"marsad stream 1\n"
_PARCEL = b"marsad parcel 1\n"
_ALL = b"marsad all 1\n"
_URGENT = b"marsad urgent 1\n"
_CHECKPOINT = b"marsad checkpoint 1\n"
_RECEIPT = b"marsad receipt 1\n"
_EPOCH = Struct(">Q")
_LEAF = Struct(">16sQqQ32s")
_BODY = Struct(">16sQ32sQ32sq")
_TIME = Struct(">q")


class Heads(Record):
    """How far a stream goes: how many parcels, how many of them urgent, and the last hash of both chains."""

    sequence: int = 0
    head: bytes = GENESIS
    urgent: int = 0
    urgent_head: bytes = GENESIS


def name_stream(sender: bytes, receiver: bytes, epoch: int) -> bytes:
    """The name of the stream from one public key to another; a stream begun anew has a higher epoch."""
    return sha256(_STREAM + sender + receiver + _EPOCH.pack(epoch)).digest()[:STREAM_BYTES]


def hash_parcel(stream: bytes, parcel: Parcel) -> bytes:
    """The hash that stands for one parcel in both chains."""
    fields = _LEAF.pack(
        stream, parcel.sequence, parcel.time_ns, parcel.urgent_number, hash_payload(parcel.salt, parcel.payload)
    )
    return sha256(_PARCEL + fields).digest()


def follow_all(before: bytes, leaf: bytes) -> bytes:
    """The next head of the chain over all parcels."""
    return sha256(_ALL + before + leaf).digest()


def follow_urgent(before: bytes, leaf: bytes) -> bytes:
    """The next head of the chain over the urgent parcels."""
    return sha256(_URGENT + before + leaf).digest()


def follow(heads: Heads, stream: bytes, parcel: Parcel) -> Heads:
    """The heads after a parcel, which must be the next one."""
    leaf = hash_parcel(stream, parcel)
    return Heads(
        sequence=parcel.sequence,
        head=follow_all(heads.head, leaf),
        urgent=heads.urgent + parcel.urgent,
        urgent_head=follow_urgent(heads.urgent_head, leaf) if parcel.urgent else heads.urgent_head,
    )


def sign_checkpoint(key: Ed25519PrivateKey, stream: bytes, heads: Heads, time_ns: int) -> Checkpoint:
    """The sender's word about its stream as it is now."""
    body = _BODY.pack(stream, heads.sequence, heads.head, heads.urgent, heads.urgent_head, time_ns)
    return Checkpoint(
        stream=stream,
        sequence=heads.sequence,
        head=heads.head,
        urgent=heads.urgent,
        urgent_head=heads.urgent_head,
        time_ns=time_ns,
        signature=key.sign(_CHECKPOINT + body),
    )


def is_signed(checkpoint: Checkpoint, sender: bytes) -> bool:
    """Whether the checkpoint is the word of the holder of that public key."""
    return _verifies(sender, checkpoint.signature, _CHECKPOINT + _body(checkpoint))


def sign_receipt(key: Ed25519PrivateKey, checkpoint: Checkpoint, received_ns: int) -> Receipt:
    """The receiver's word about what it holds."""
    cosignature = key.sign(_receipt_body(checkpoint, received_ns))
    return Receipt(checkpoint=checkpoint, received_ns=received_ns, cosignature=cosignature)


def is_cosigned(receipt: Receipt, receiver: bytes) -> bool:
    """Whether the receipt is the word of the holder of that public key."""
    return _verifies(receiver, receipt.cosignature, _receipt_body(receipt.checkpoint, receipt.received_ns))


def heads_of(checkpoint: Checkpoint) -> Heads:
    """How far the stream went when the checkpoint was signed."""
    return Heads(
        sequence=checkpoint.sequence,
        head=checkpoint.head,
        urgent=checkpoint.urgent,
        urgent_head=checkpoint.urgent_head,
    )


def _body(checkpoint: Checkpoint) -> bytes:
    return _BODY.pack(
        checkpoint.stream,
        checkpoint.sequence,
        checkpoint.head,
        checkpoint.urgent,
        checkpoint.urgent_head,
        checkpoint.time_ns,
    )


def _receipt_body(checkpoint: Checkpoint, received_ns: int) -> bytes:
    return _RECEIPT + _body(checkpoint) + checkpoint.signature + _TIME.pack(received_ns)


def _verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True

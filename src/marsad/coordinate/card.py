"""The card by which two organisations know each other: one signing key, and the certificates of its gateway."""

from hashlib import sha256
from struct import Struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.parcel import KEY_BYTES, SIGNATURE_BYTES
from marsad.kernel.record import Record

CARD_BYTES = 64 * 1024
"""The longest card that is looked at."""

_CARD = b"marsad card 1\n"
_IDENTITY = b"marsad identity 1\n"
_FIXED = Struct(">qHB")
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORDS_BYTES = 16


class Card(Record):
    """What an organisation gives to its partner; all of it is public.

    `signing_key` and `signature` are hexadecimal. `certificates` are the SHA-256 fingerprints of what its gateway may
    show, in hexadecimal; `pem` holds the certificates themselves, in the same order.
    """

    name: str
    signing_key: str
    certificates: tuple[str, ...]
    pem: tuple[str, ...]
    issued_ns: int
    signature: str

    @property
    def key(self) -> bytes:
        """The public signing key."""
        return bytes.fromhex(self.signing_key)


def issue_card(
    key: Ed25519PrivateKey, name: str, certificates: tuple[str, ...], pem: tuple[str, ...], issued_ns: int
) -> Card:
    """A signed card."""
    public = key.public_key().public_bytes_raw()
    signature = key.sign(_body(public, name, certificates, issued_ns))
    return Card(
        name=name,
        signing_key=public.hex(),
        certificates=certificates,
        pem=pem,
        issued_ns=issued_ns,
        signature=signature.hex(),
    )


def judge_card(card: Card) -> None:
    """A card must be signed by the key on it. Raises: InputError."""
    try:
        key, signature = bytes.fromhex(card.signing_key), bytes.fromhex(card.signature)
        if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES or len(card.certificates) != len(card.pem):
            raise InputError("the card is damaged: ask for it again")
        body = _body(key, card.name, card.certificates, card.issued_ns)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, body)
    except (ValueError, OverflowError) as error:
        raise InputError(f"the card is damaged: ask for it again ({error})") from error
    except InvalidSignature as error:
        raise InputError("the card is not signed by the key on it: it was altered") from error


def judge_succession(pinned: Card, card: Card) -> None:
    """A newer card of the same key may take the place of a pinned one. Raises: RefusedError, InputError."""
    judge_card(card)
    if card.signing_key != pinned.signing_key:
        raise RefusedError("the card is of another signing key: compare its fingerprint in person and pin it with it")
    if card.issued_ns < pinned.issued_ns:
        raise RefusedError("the card is older than the pinned one: what it withdrew would be admitted again")


def fingerprint(signing_key: bytes) -> str:
    """What two people compare: the hash of the signing key, 64 hexadecimal digits."""
    return sha256(_IDENTITY + signing_key).hexdigest()


def words(fingerprint_hex: str) -> str:
    """The first 128 bits of a fingerprint as eight words that can be read over the telephone.

    Source: D. Wilkerson, "A Proposal for Proquints", 2009.
    """
    head = bytes.fromhex(fingerprint_hex)[:_WORDS_BYTES]
    return "-".join(_word(int.from_bytes(head[place : place + 2])) for place in range(0, _WORDS_BYTES, 2))


def is_fingerprint_of(told: str, signing_key: bytes) -> bool:
    """Whether what a person gave, the words or the digits, is this key's fingerprint."""
    found = fingerprint(signing_key)
    plain = "".join(told.lower().split())
    return plain.replace(":", "") == found or plain == words(found)


def _word(bits: int) -> str:
    return (
        _CONSONANTS[bits >> 12 & 15]
        + _VOWELS[bits >> 10 & 3]
        + _CONSONANTS[bits >> 6 & 15]
        + _VOWELS[bits >> 4 & 3]
        + _CONSONANTS[bits & 15]
    )


def _body(key: bytes, name: str, certificates: tuple[str, ...], issued_ns: int) -> bytes:
    written = name.encode()
    fixed = _FIXED.pack(issued_ns, len(written), len(certificates)) if len(written) < 2**16 else b""
    return _CARD + key + fixed + written + b"".join(bytes.fromhex(one) for one in certificates)

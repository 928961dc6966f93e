"""What the commands about agreements, and a station that shares, read from a partner's folder."""

from pathlib import Path

import msgspec

from marsad.adapters.link_keys import read_signing_key
from marsad.coordinate.agreement import read_agreement
from marsad.kernel.agreement import Party, ReleaseGround, SignedAgreement
from marsad.kernel.error import InputError


def bytes_of(path: Path) -> bytes:
    """What a file holds. Raises: InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def read_signed(path: Path) -> SignedAgreement:
    """An agreement with whatever signatures it has. Raises: InputError."""
    return read_agreement(bytes_of(path))


def own_party(path: Path, signed: SignedAgreement, keys: Path) -> Party:
    """The party whose key lies in a folder. Raises: InputError where that is neither."""
    public = read_signing_key(keys).public_key().public_bytes_raw().hex()
    for party in signed.agreement.parties:
        if party.public_key == public:
            return party
    raise InputError(f"{path}: neither party has the key in {keys}")


def read_ground(path: Path) -> ReleaseGround:
    """The blocks in which things are told. Raises: InputError."""
    try:
        return msgspec.json.decode(bytes_of(path), type=ReleaseGround)
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: is no release ground ({error}); make it with `marsad agreement ground`") from error

"""What two parties agreed to tell each other, signed by both."""

from typing import Annotated

from msgspec import Meta

from marsad.kernel.joint import JointKind
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import Id, PositiveInt, ReleaseRule

PublicKey = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Party(Record):
    """One of the two organisations, with the ed25519 key that its signatures are checked by, in hexadecimal digits."""

    party_id: Id
    public_key: PublicKey
    name: str = ""


class JointRules(Record):
    """What may be said beside the releases, in both directions, and how coarsely ground is told in it.

    Without `kinds` nothing is opened; receipts, answers, recalls and corrections pass. No emergency lasts longer than
    `emergency_s`; coverage is offered in cells of `coverage_cell_m`, of which `least_cells` hang together.
    """

    kinds: tuple[JointKind, ...] = ()
    cell_m: PositiveInt = 1000
    coverage_cell_m: PositiveInt = 3000
    least_cells: PositiveInt = 6
    emergency_s: PositiveInt = 3600


class Agreement(Record):
    """What each of two parties tells the other, from when until when.

    All grids begin at `anchor`, a place both agreed upon: never a site's own origin. `line` is the line both know.
    Whoever has all releases, and works out from them where the giver's cameras stand or where it sees nothing, is off
    by more than `protected_distance_m` half of the time or more, as far as a map alone does not tell; 0 promises
    nothing. Where something is told at all is decided for blocks of `block_m` as a whole.
    What was told is erased by whoever was told after `keep_days`.
    `replaces` is the fingerprint of the version before, empty in version 1.
    """

    agreement_id: Id
    version: PositiveInt
    parties: tuple[Party, Party]
    from_ns: int
    until_ns: int
    anchor: Position
    protected_distance_m: Annotated[int, Meta(ge=0)]
    block_m: PositiveInt
    line: tuple[Position, ...] = ()
    rules: tuple[ReleaseRule, ...] = ()
    joint: JointRules = JointRules()
    keep_days: PositiveInt = 90
    replaces: str = ""


class Signature(Record):
    """A party's ed25519 signature of an agreement, in hexadecimal digits."""

    party_id: Id
    signature: Annotated[str, Meta(pattern="^[0-9a-f]{128}$")]


class SignedAgreement(Record):
    """An agreement and its signatures; in force only with those of both parties."""

    agreement: Agreement
    signatures: tuple[Signature, ...] = ()


class Narrowing(Record):
    """What one person of the giving party left of its rules, at once and without the partner; no `rules`: a stop."""

    agreement_id: Id
    version: PositiveInt
    officer: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=1)]
    time_ns: int
    rules: tuple[ReleaseRule, ...] = ()


class ReleaseGround(Record):
    """The blocks in which things are told at all: there the giver sees nearly everything, so that little is lost.

    Blocks are counted east and north from the anchor. It is made once for a version and stays with the giver.
    """

    block_m: PositiveInt
    blocks: tuple[tuple[int, int], ...] = ()

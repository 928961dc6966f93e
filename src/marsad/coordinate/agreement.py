"""Agreements as documents: their bytes, signatures, soundness and succession."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import combinations

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec.structs import replace

from marsad.coordinate.joint import COVERAGE_PER_PROTECTED
from marsad.coordinate.widening import widens
from marsad.kernel.agreement import Agreement, Narrowing, Signature, SignedAgreement
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.joint import JointTerms
from marsad.kernel.position import Position
from marsad.kernel.release import OPEN_FIELDS, ReleaseRule

BLOCKS_TO_DISTANCE = 4
"""A block is so many times as wide as the protected distance, at the least."""
LEAST_CORRIDOR_M = 500
LEAST_HOLD_S = 60
LATEST_NS = 2**62
"""No moment is later; room is left to count on from it."""
LARGEST_BYTES = 1_000_000

_DOMAIN = b"marsad agreement 1\n"
_PERSONS_TO_WIDEN = 2
_LATER = {"keep_days": 90}
"""Fields that came later, and what an agreement without them means; that never changes, whatever the default is."""


def canonical(agreement: Agreement) -> bytes:
    """The bytes that are signed: every field in the order of the reference, as JSON without spaces.

    A field that agreements had not from the beginning is left out where it says what its absence says, so that what was
    signed before it was thought of is still signed. Raises: InputError for an agreement that has no such bytes, as one
    with a number that is none.
    """
    try:
        fields = msgspec.to_builtins(agreement, order="deterministic")
        for name, meant in _LATER.items():
            if fields[name] == meant:
                del fields[name]
        data = msgspec.json.encode(fields)
        if msgspec.json.decode(data, type=Agreement) == agreement:
            return data
    except (msgspec.MsgspecError, UnicodeEncodeError, TypeError, OverflowError) as error:
        raise InputError(f"the agreement cannot be written: {error}") from error
    raise InputError("the agreement cannot be written so that it reads the same again")


def fingerprint(agreement: Agreement) -> str:
    """SHA-256 of the signed bytes, in hexadecimal digits: what two people compare, and what a new version names."""
    return sha256(_DOMAIN + canonical(agreement)).hexdigest()


def joint_terms(agreement: Agreement, ours: str) -> JointTerms:
    """What of the agreement matters to what is said beside the releases, as a party holds it."""
    (theirs,) = (each.party_id for each in agreement.parties if each.party_id != ours)
    joint, least_m = agreement.joint, agreement.protected_distance_m
    return JointTerms(
        ours=ours, theirs=theirs, version=agreement.version, from_ns=agreement.from_ns, until_ns=agreement.until_ns,
        anchor=agreement.anchor, cell_m=max(joint.cell_m, least_m),
        coverage_cell_m=max(joint.coverage_cell_m, COVERAGE_PER_PROTECTED * least_m), protected_distance_m=least_m,
        kinds=joint.kinds, least_cells=joint.least_cells, emergency_s=joint.emergency_s,
    )  # fmt: skip


def read_agreement(data: bytes) -> SignedAgreement:
    """A signed agreement from its JSON file.

    Raises: InputError for anything but such a file, also for a field or a word that this software does not know.
    """
    if len(data) > LARGEST_BYTES:
        raise InputError(f"an agreement of {len(data)} bytes is too large: {LARGEST_BYTES} at most")
    try:
        return msgspec.json.decode(data, type=SignedAgreement)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"this is no agreement that can be kept: {error}") from error


def sign(agreement: Agreement, party_id: str, private_key: bytes) -> Signature:
    """A party's signature, by its 32 private bytes.

    Raises: RefusedError where the key is not that party's, or the agreement is not sound.
    """
    refuse_unsound(agreement)
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    if key.public_key().public_bytes_raw().hex() not in {
        party.public_key for party in agreement.parties if party.party_id == party_id
    }:
        raise RefusedError(f"{party_id} does not sign with this key: the agreement names another")
    return Signature(party_id=party_id, signature=key.sign(_DOMAIN + canonical(agreement)).hex())


def refuse_unsigned(signed: SignedAgreement) -> None:
    """Nothing for an agreement that both parties signed and nobody else. Raises: RefusedError, InputError."""
    parties = {party.party_id: party.public_key for party in signed.agreement.parties}
    if sorted(each.party_id for each in signed.signatures) != sorted(parties):
        raise RefusedError("an agreement is in force with one signature of each party, no more and no less")
    data = _DOMAIN + canonical(signed.agreement)
    for each in signed.signatures:
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(parties[each.party_id]))
            key.verify(bytes.fromhex(each.signature), data)
        except (InvalidSignature, ValueError) as error:
            raise RefusedError(f"the signature of {each.party_id} is not of this agreement") from error


def refuse_unsound(agreement: Agreement) -> None:
    """Nothing for an agreement that keeps its own promise. Raises: RefusedError with all that is wrong with it."""
    wrong = tuple(unsound(agreement))
    if wrong:
        raise RefusedError("the agreement is not sound: " + "; ".join(wrong))


def unsound(agreement: Agreement) -> Iterator[str]:
    """What keeps an agreement from being signed, in words."""
    yield from _unsound_frame(agreement)
    parties = {party.party_id for party in agreement.parties}
    if len({rule.rule_id for rule in agreement.rules}) < len(agreement.rules):
        yield "rules: a rule_id each"
    for rule in agreement.rules:
        if {rule.giver, rule.taker} != parties:
            yield f"{rule.rule_id}.giver, taker: the two parties, one each"
        yield from (f"{rule.rule_id}.{each}" for each in _unsound_rule(agreement, rule))
    for one, other in combinations(agreement.rules, 2):
        if _overlap(one, other):
            yield f"{one.rule_id}, {other.rule_id}: no two rules of one giver tell the same kinds of the same items"


def _unsound_frame(agreement: Agreement) -> Iterator[str]:
    """What is wrong with the agreement, its rules aside."""
    if any(len({getattr(party, name) for party in agreement.parties}) < 2 for name in ("party_id", "public_key")):
        yield "parties: two, with a name and a key each"
    if not 0 <= agreement.from_ns < agreement.until_ns <= LATEST_NS:
        yield "until_ns: later than from_ns"
    if (agreement.version == 1) != (agreement.replaces == ""):
        yield "replaces: the fingerprint of the version before, nothing in version 1"
    if not all(map(_on_earth, _positions(agreement))):
        yield "anchor, line, polygon: latitudes within 90 degrees, longitudes within 180"
    joint = agreement.joint
    if joint.kinds and joint.cell_m < agreement.protected_distance_m:
        yield "joint.cell_m: at least protected_distance_m"
    if joint.kinds and joint.coverage_cell_m < COVERAGE_PER_PROTECTED * agreement.protected_distance_m:
        yield f"joint.coverage_cell_m: at least {COVERAGE_PER_PROTECTED} times protected_distance_m"
    if agreement.block_m < BLOCKS_TO_DISTANCE * agreement.protected_distance_m:
        yield f"block_m: at least {BLOCKS_TO_DISTANCE} times protected_distance_m"


def _unsound_rule(agreement: Agreement, rule: ReleaseRule) -> Iterator[str]:
    if rule.sigma_m < rule.precision_m:
        yield "sigma_m: at least precision_m"
    if agreement.block_m % rule.precision_m:
        yield "precision_m: a divisor of block_m"
    if "patrol" in rule.items and rule.precision_m < LEAST_CORRIDOR_M:
        yield f"precision_m: at least {LEAST_CORRIDOR_M} for patrols, which are told as a coarse corridor"
    if rule.every_s % rule.time_precision_s:
        yield "every_s: a multiple of time_precision_s"
    if not agreement.protected_distance_m:
        return
    if rule.precision_m < agreement.protected_distance_m:
        yield "precision_m: at least protected_distance_m"
    if any(each in OPEN_FIELDS for each in rule.fields) or rule.clips != "none":
        yield f"fields, clips: {', '.join(OPEN_FIELDS)} and clips show where cameras stand, so no distance is protected"
    if {"track", "group"} & {*rule.items} and (not rule.every_s or rule.hold_s < max(rule.every_s, LEAST_HOLD_S)):
        yield f"every_s, hold_s: told at intervals, and held for one, and for {LEAST_HOLD_S} s, at the least"


def succeeds(old: Agreement, new: Agreement, officers: Sequence[str]) -> None:
    """Nothing where `new` may follow `old` at the wish of these persons of one party.

    Raises: RefusedError where the version is not the next, or where it widens and they are not two.
    """
    if (new.agreement_id, new.version, new.replaces) != (old.agreement_id, old.version + 1, fingerprint(old)):
        raise RefusedError(f"version {old.version} is followed by version {old.version + 1}, which names it")
    if {(p.party_id, p.public_key) for p in new.parties} != {(p.party_id, p.public_key) for p in old.parties}:
        raise RefusedError("a new version has the same parties with the same keys; another key is another agreement")
    refuse_unsound(new)
    _refuse_too_few(officers, widened=widens(old, new))


def narrowed(agreement: Agreement, giver: str, narrowing: Narrowing) -> Agreement:
    """The agreement with the giver's rules as one person narrowed them.

    Raises: RefusedError where that is of another agreement or version, or tells anything that was not told before.
    """
    if (narrowing.agreement_id, narrowing.version) != (agreement.agreement_id, agreement.version):
        raise RefusedError("what was narrowed is another agreement, or another version of it")
    if any(rule.giver != giver for rule in narrowing.rules):
        raise RefusedError("a party narrows what it gives itself")
    others = tuple(rule for rule in agreement.rules if rule.giver != giver)
    left = replace(agreement, rules=(*others, *narrowing.rules))
    if widens(agreement, left):
        raise RefusedError("this is no narrowing: a new version is needed, agreed by two persons and by the partner")
    refuse_unsound(left)
    return left


def renarrowed(
    agreement: Agreement, giver: str, old: Narrowing, new: Narrowing | None, officers: Sequence[str]
) -> None:
    """Nothing where these persons may put `new` in the place of an earlier narrowing, or (None) end it.

    Raises: RefusedError where more would be told than now, and they are not two; nobody alone takes back a stop.
    """
    before = narrowed(agreement, giver, old)
    after = agreement if new is None else narrowed(agreement, giver, new)
    _refuse_too_few(officers, widened=widens(before, after))


def _refuse_too_few(officers: Sequence[str], *, widened: bool) -> None:
    persons = {unicodedata.normalize("NFKC", officer).strip().casefold() for officer in officers} - {""}
    needed = _PERSONS_TO_WIDEN if widened else 1
    if len(persons) < needed:
        raise RefusedError("two persons widen what is told" if widened else "a named person changes what is told")


def _overlap(one: ReleaseRule, other: ReleaseRule) -> bool:
    shared = {*one.items} & {*other.items}
    of_kinds = shared - {"patrol", "post", "incident"}
    return one.giver == other.giver and bool(shared - of_kinds or (of_kinds and {*one.kinds} & {*other.kinds}))


def _positions(agreement: Agreement) -> Iterator[Position]:
    yield agreement.anchor
    yield from agreement.line
    for rule in agreement.rules:
        yield from rule.polygon


def _on_earth(position: Position) -> bool:
    return abs(position.latitude_deg) <= 90 and abs(position.longitude_deg) <= 180 and math.isfinite(position.height_m)

"""Agreements as documents: who signed what, what may follow, and what one person can do alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from release_chance import KEYS, NOW, NS, SECRET, Chance, countersigned
from test_release import AGREEMENT, ROOT, RULE

from marsad.coordinate.agreement import (
    canonical,
    fingerprint,
    narrowed,
    read_agreement,
    refuse_unsigned,
    renarrowed,
    sign,
    succeeds,
    unsound,
)
from marsad.coordinate.terms import Terms
from marsad.kernel.agreement import Agreement, Narrowing, Party, ReleaseGround, Signature, SignedAgreement
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.position import Position
from marsad.kernel.release import (
    Basis,
    Cell,
    EmergencyAct,
    Field,
    Heads,
    Item,
    Release,
    ReleaseAct,
    ReleaseRule,
)

BACK = replace(RULE, rule_id="back", giver="west", taker="east")


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_signed_agreement_reads_as_it_was_written_and_verifies(seed: int) -> None:
    signed = countersigned(Chance(seed).agreement())
    read = read_agreement(msgspec.json.encode(signed))
    assert read == signed
    assert canonical(read.agreement) == canonical(signed.agreement)
    refuse_unsigned(read)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_changed_byte_is_no_agreement_any_more_or_not_the_one_that_was_signed(data: st.DataObject) -> None:
    signed = countersigned(replace(AGREEMENT, rules=(RULE, BACK)))
    written = bytearray(msgspec.json.encode(signed))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))
    try:
        read = read_agreement(bytes(written))
    except InputError:
        return
    if read != signed:
        with pytest.raises((RefusedError, InputError)):
            refuse_unsigned(read)


def test_both_sign_once_each_and_nobody_else() -> None:
    signed = countersigned(AGREEMENT)
    one, other = signed.signatures
    for signatures in ((), (one,), (one, one), (one, other, other), (one, replace(other, party_id="south"))):
        with pytest.raises(RefusedError):
            refuse_unsigned(SignedAgreement(agreement=AGREEMENT, signatures=signatures))
    swapped = (replace(one, signature=other.signature), replace(other, signature=one.signature))
    with pytest.raises(RefusedError, match="not of this agreement"):
        refuse_unsigned(SignedAgreement(agreement=AGREEMENT, signatures=swapped))
    with pytest.raises(RefusedError, match="names another"):
        sign(AGREEMENT, "east", KEYS["west"])


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain["agreement"]["rules"][0].update(preciseness_m=1),
        lambda plain: plain["agreement"]["rules"][0].update(fields=["camera"]),
        lambda plain: plain["agreement"]["rules"][0].update(items=["thumbnail"]),
        lambda plain: plain["agreement"]["rules"][0].update(precision_m=0),
        lambda plain: plain["agreement"]["rules"][0].update(precision_m=12.5),
        lambda plain: plain["agreement"].update(remark="x"),
        lambda plain: plain["agreement"].pop("anchor"),
        lambda plain: plain["agreement"]["parties"].pop(),
        lambda plain: plain["agreement"]["anchor"].update(latitude_deg=None),
    ],
)
def test_a_field_or_word_that_is_not_known_is_not_read(change: Callable[[dict[str, Any]], object]) -> None:
    plain = msgspec.json.decode(msgspec.json.encode(countersigned(AGREEMENT)))
    change(plain)
    with pytest.raises(InputError):
        read_agreement(msgspec.json.encode(plain))


def test_what_is_far_too_long_is_not_read() -> None:
    with pytest.raises(InputError, match="too large"):
        read_agreement(b" " * 1_000_001)


@pytest.mark.parametrize(
    ("extra", "rule", "named"),
    [
        ({"until_ns": 0}, {}, "until_ns"),
        ({"replaces": "x"}, {}, "replaces"),
        ({"anchor": Position(latitude_deg=91.0, longitude_deg=0)}, {}, "anchor"),
        ({"protected_distance_m": 251}, {"precision_m": 500, "sigma_m": 500}, "block_m"),
        ({"protected_distance_m": 250}, {"precision_m": 200, "sigma_m": 250}, "protected_distance_m"),
        ({"protected_distance_m": 250}, {"fields": ("shape",)}, "fields"),
        ({"protected_distance_m": 250}, {"fields": ("velocity",)}, "fields"),
        ({"protected_distance_m": 250}, {"clips": "alarms"}, "clips"),
        ({"protected_distance_m": 250}, {"every_s": 0}, "every_s"),
        ({"protected_distance_m": 250}, {"hold_s": 30}, "hold_s"),
        ({}, {"precision_m": 300, "sigma_m": 300}, "divisor"),
        ({}, {"sigma_m": 200}, "sigma_m"),
        ({}, {"items": ("patrol",)}, "patrols"),
        ({}, {"every_s": 90}, "multiple"),
        ({}, {"taker": "east"}, "giver, taker"),
    ],
)
def test_an_agreement_that_breaks_its_own_promise_is_signed_by_nobody(
    extra: dict[str, Any], rule: dict[str, Any], named: str
) -> None:
    bad = replace(AGREEMENT, rules=(replace(RULE, **rule),), **extra)
    assert any(named in word for word in unsound(bad))
    with pytest.raises((RefusedError, InputError)):
        countersigned(bad)


def test_no_two_rules_tell_the_same_kinds_of_the_same_items() -> None:
    finer = replace(RULE, rule_id="finer", precision_m=50, kinds=("person",))
    assert [*unsound(replace(AGREEMENT, rules=(RULE, finer)))]
    assert [*unsound(replace(AGREEMENT, rules=(RULE, replace(finer, kinds=("animal",), items=("track",)))))] == []
    assert [*unsound(replace(AGREEMENT, rules=(RULE, replace(finer, giver="west", taker="east"))))] == []


def test_terms_are_made_of_nothing_that_is_not_countersigned_sound_and_one_s_own() -> None:
    signed = countersigned(AGREEMENT)
    bads: tuple[Callable[[], Terms], ...] = (
        lambda: Terms(replace(signed, signatures=signed.signatures[:1]), "east", SECRET),
        lambda: Terms(replace(signed, agreement=replace(AGREEMENT, until_ns=NOW * 2)), "east", SECRET),
        lambda: Terms(signed, "south", SECRET),
        lambda: Terms(signed, "east", b"short"),
        lambda: Terms(signed, "east", SECRET, ReleaseGround(block_m=500)),
        lambda: Terms(replace(signed, agreement=replace(AGREEMENT, block_m=float("nan"))), "east", SECRET),
    )
    for bad in bads:
        with pytest.raises((RefusedError, InputError)):
            bad()


def following(**extra: object) -> Agreement:
    return replace(AGREEMENT, version=2, replaces=fingerprint(AGREEMENT), **extra)


def test_versions_follow_one_by_one_and_two_persons_widen() -> None:
    wider = following(rules=(replace(RULE, kinds=("person", "unknown", "vehicle")),))
    narrower = following(rules=(replace(RULE, kinds=("person",)),))
    succeeds(AGREEMENT, narrower, ["Leyla"])
    succeeds(AGREEMENT, wider, ["Leyla", "Omar"])
    for new, officers in (
        (wider, ["Leyla"]),
        (wider, ["Leyla", " LEYLA "]),
        (narrower, []),
        (narrower, ["  "]),
        (replace(narrower, version=3), ["Leyla", "Omar"]),
        (replace(narrower, replaces="0" * 64), ["Leyla", "Omar"]),
        (replace(narrower, agreement_id="line-8"), ["Leyla", "Omar"]),
        (replace(narrower, parties=narrower.parties[::-1][:1] * 2), ["Leyla", "Omar"]),
        (following(rules=(replace(RULE, sigma_m=1),)), ["Leyla", "Omar"]),
    ):
        with pytest.raises(RefusedError):
            succeeds(AGREEMENT, new, officers)


def narrowing(*rules: ReleaseRule, **extra: object) -> Narrowing:
    plain: dict[str, Any] = {
        "agreement_id": "line-7", "version": 1, "officer": "Leyla", "reason": "a leak", "time_ns": NOW
    }  # fmt: skip
    return Narrowing(**(plain | extra), rules=rules)


def test_one_person_narrows_or_stops_what_his_party_gives_and_nothing_else() -> None:
    both = replace(AGREEMENT, rules=(RULE, BACK))
    stopped = narrowed(both, "east", narrowing())
    assert stopped.rules == (BACK,)
    coarse = replace(RULE, precision_m=1000, sigma_m=1000)
    assert (
        narrowed(replace(both, rules=(replace(RULE, sigma_m=1000), BACK)), "east", narrowing(coarse)).rules[1] == coarse
    )
    for bad in (
        narrowing(replace(RULE, kinds=("vehicle",))),
        narrowing(replace(RULE, rule_id="new")),
        narrowing(BACK),
        narrowing(RULE, version=2),
        narrowing(RULE, agreement_id="line-8"),
    ):
        with pytest.raises(RefusedError):
            narrowed(both, "east", bad)


def test_nobody_alone_takes_back_a_stop() -> None:
    stop, less = narrowing(), narrowing(replace(RULE, kinds=("person",)))
    renarrowed(AGREEMENT, "east", less, stop, ["Leyla"])
    renarrowed(AGREEMENT, "east", stop, None, ["Leyla", "Omar"])
    for new in (None, less):
        with pytest.raises(RefusedError, match="two persons"):
            renarrowed(AGREEMENT, "east", stop, new, ["Leyla", "leyla"])


def test_an_agreement_with_a_number_that_is_none_has_no_bytes() -> None:
    with pytest.raises(InputError):
        canonical(replace(AGREEMENT, anchor=Position(latitude_deg=float("nan"), longitude_deg=0)))
    assert fingerprint(AGREEMENT) != fingerprint(replace(AGREEMENT, until_ns=AGREEMENT.until_ns + NS))


def test_the_reference_names_every_field_and_word() -> None:
    page = (ROOT / "docs" / "reference" / "agreement.md").read_text(encoding="utf-8")
    records = (
        Agreement,
        Party,
        Signature,
        SignedAgreement,
        Narrowing,
        ReleaseGround,
        ReleaseRule,
        Release,
        Cell,
        Heads,
    )
    names = {name for record in (*records, EmergencyAct) for name in record.__struct_fields__}
    words = {word for literal in (Item, Field, ReleaseAct, Basis) for word in get_args(literal)}
    assert sorted(name for name in names | words if f"`{name}`" not in page) == []


def test_an_agreement_signed_before_there_were_keep_days_is_still_signed_and_means_ninety() -> None:
    """In the bytes and with the signatures that the software of that time made."""
    before = Path(__file__).with_name("agreement_before_keep_days.json").read_bytes()
    signed = read_agreement(before)
    refuse_unsigned(signed)
    assert signed.agreement.keep_days == 90
    assert fingerprint(signed.agreement) == "986d29f2e55261b7685e6206636a8eb91953c0bf8570b1c942fc323a2a5248a9"
    # Another number was not signed, and is not taken for it.
    other = replace(signed, agreement=replace(signed.agreement, keep_days=30))
    with pytest.raises(RefusedError, match="is not of this agreement"):
        refuse_unsigned(other)
    assert b'"keep_days":30' in canonical(other.agreement)

"""Whatever a new version tells that the old one did not, is held for a widening."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from release_chance import FIELDS, ITEMS, KINDS, PLANE, SECRET, Case, Chance, countersigned
from test_release import AGREEMENT, RULE

from marsad.coordinate.agreement import fingerprint, succeeds, unsound
from marsad.coordinate.release import release
from marsad.coordinate.terms import Terms
from marsad.coordinate.widening import widens
from marsad.kernel.agreement import Agreement, JointRules
from marsad.kernel.alert import Priority
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import JointKind
from marsad.kernel.release import Release, ReleaseRule

ITEMS_TRIED = 12


def other_rule(chance: Chance, rule: ReleaseRule) -> ReleaseRule:
    """The rule with one or two fields changed, to the narrower or to the wider."""
    changes: dict[str, Any] = {
        "items": lambda: chance.some(ITEMS) if chance.hit(0.5) else chance.some(rule.items),
        "kinds": lambda: chance.some(KINDS) if chance.hit(0.5) else chance.some(rule.kinds),
        "fields": lambda: chance.some(FIELDS) if chance.hit(0.4) else chance.some(rule.fields),
        "posts": lambda: chance.some(("post-1", "post-2")),
        "lowest_priority": lambda: chance.one(get_args(Priority)),
        "near_line_m": lambda: chance.one((None, 1000, 1500, 2500, 6000)),
        "polygon": lambda: chance.one((chance.polygon(), rule.polygon[:-1], (), shrunk(rule))),
        "precision_m": lambda: chance.one((50, 100, 250, 500, rule.precision_m * 2)),
        "sigma_m": lambda: chance.one((rule.sigma_m, rule.sigma_m * 2)),
        "time_precision_s": lambda: chance.one((1, 10, 60)),
        "delay_s": lambda: chance.one((0, 2, 60, 300)),
        "oldest_s": lambda: chance.one((100, 300, 3600)),
        "declared": lambda: chance.hit(0.5),
        "exercises": lambda: chance.hit(0.5),
        "clips": lambda: chance.one(("none", "alarms")),
    }
    for name in {chance.one([*changes]) for _ in range(chance.one((1, 1, 2)))}:
        rule = replace(rule, **{name: changes[name]()})
    return replace(rule, sigma_m=max(rule.sigma_m, rule.precision_m))


def shrunk(rule: ReleaseRule) -> tuple[Any, ...]:
    """The polygon drawn in towards one of its corners."""
    if not rule.polygon:
        return ()
    to = rule.polygon[0]
    return tuple(
        replace(
            corner,
            latitude_deg=(corner.latitude_deg + to.latitude_deg) / 2,
            longitude_deg=(corner.longitude_deg + to.longitude_deg) / 2,
        )
        for corner in rule.polygon
    )


def other(chance: Chance, old: Agreement) -> Agreement:
    """A sound agreement that differs a little."""
    while True:
        rules = [other_rule(chance, rule) if chance.hit(0.3) else rule for rule in old.rules if chance.hit(0.9)]
        if chance.hit(0.05):
            rules += chance.rules(old.protected_distance_m)[:1]
        new = replace(old, rules=tuple(rules))
        if chance.hit(0.05):
            new = replace(new, block_m=3000 - old.block_m, protected_distance_m=0)
        if not [*unsound(new)]:
            return new


def follows(one: Release, other_: Release) -> list[str]:
    """The fields of a release that whoever has another of the same thing could not have worked out from that."""
    plain, known = (msgspec.json.decode(msgspec.json.encode(each)) for each in (other_, one))
    known |= {"release_id": plain["release_id"], "time_ns": plain["time_ns"]}
    for name in ("cell", "cells", "path"):
        size = next((c["size_m"] for c in plain[name] or () if isinstance(c, dict)), 0) or (
            plain[name]["size_m"] if isinstance(plain[name], dict) else 0
        )
        if size and isinstance(known[name], dict):
            known[name] = coarser(known[name], size)
        elif size:
            reached = [coarser(cell, size) for cell in known[name]]
            known[name] = plain[name] if all(cell in reached for cell in plain[name]) else "more"
    empty: tuple[object, ...] = ("", None, [], False)
    off = [name for name in plain if plain[name] not in empty and plain[name] != known[name]]
    hours = {"from_ns", "until_ns"} if one.item in {"patrol", "post"} else set()
    return [name for name in off if name not in hours or (plain["until_ns"] < known["until_ns"])]


def coarser(cell: dict[str, int], size: int) -> dict[str, int]:
    return {k: cell[k] * cell["size_m"] // size for k in ("east", "north")} | {"size_m": size}


@given(st.integers(0, 2**40))
@settings(max_examples=250, deadline=None)
def test_what_is_told_by_the_new_and_not_by_the_old_is_a_widening(seed: int) -> None:
    chance = Chance(seed)
    old = chance.agreement()
    new = other(chance, old)
    assert not widens(old, old)
    if widens(old, new):
        return
    ground = chance.ground(old)
    before, after = (Terms(countersigned(each), "east", SECRET, ground) for each in (old, new))
    for _ in range(ITEMS_TRIED):
        case: Case = chance.case(after, ground)
        told = release(case.offered, after, case.now_ns)
        if isinstance(told, Release):
            was = release(case.offered, before, case.now_ns)
            assert isinstance(was, Release), (was, told)
            assert told.time_ns <= was.time_ns
            assert follows(was, told) == []


def test_the_changes_tried_are_of_both_sorts() -> None:
    chance = Chance(5)
    found = []
    for _ in range(150):
        old = chance.agreement()
        found.append(widens(old, other(chance, old)))
    assert 30 < sum(found) < 120


@pytest.mark.parametrize(
    ("change", "wider"),
    [
        ({"kinds": ("person",)}, False),
        ({"kinds": ("person", "vehicle")}, True),
        ({"items": ("track",)}, False),
        ({"items": (*RULE.items, "group")}, True),
        ({"fields": ()}, False),
        ({"fields": ("kind", "priority")}, True),
        ({"lowest_priority": "high"}, False),
        ({"lowest_priority": "low"}, True),
        ({"near_line_m": 2999}, False),
        ({"near_line_m": 3001}, True),
        ({"near_line_m": None}, True),
        ({"precision_m": 500}, False),
        ({"precision_m": 125}, True),
        ({"precision_m": 400}, True),
        ({"time_precision_s": 120}, False),
        ({"time_precision_s": 90}, True),
        ({"delay_s": 60}, False),
        ({"dwell_s": 60}, False),
        ({"hold_s": 60}, True),
        ({"hold_s": 240}, True),
        ({"every_s": 120}, True),
        ({"sigma_m": 500}, True),
        ({"oldest_s": 60}, False),
        ({"oldest_s": 7200}, True),
        ({"posts": ("post-1",)}, True),
        ({"declared": True}, True),
        ({"exercises": True}, True),
        ({"clips": "alarms"}, True),
        ({"rule_id": "people-2"}, True),
        ({"giver": "west", "taker": "east"}, True),
    ],
)
def test_each_field_of_a_rule_is_judged_for_itself(change: dict[str, Any], wider: bool) -> None:
    old = replace(AGREEMENT, rules=(replace(RULE, sigma_m=1000),) if "precision_m" in change else (RULE,))
    new = replace(old, rules=(replace(old.rules[0], **change),))
    assert widens(old, new) is wider


@pytest.mark.parametrize(
    ("change", "wider"),
    [
        ({"from_ns": AGREEMENT.from_ns + 1}, False),
        ({"from_ns": AGREEMENT.from_ns - 1}, True),
        ({"until_ns": AGREEMENT.until_ns + 1}, True),
        ({"protected_distance_m": 100}, False),
        ({"block_m": 2000}, True),
        ({"line": AGREEMENT.line[::-1]}, True),
        ({"anchor": AGREEMENT.line[0]}, True),
        ({"rules": ()}, False),
    ],
)
def test_each_field_of_an_agreement_is_judged_for_itself(change: dict[str, Any], wider: bool) -> None:
    assert widens(AGREEMENT, replace(AGREEMENT, **change)) is wider


def test_a_lower_distance_is_wider() -> None:
    assert widens(replace(AGREEMENT, protected_distance_m=100), AGREEMENT)


def test_an_area_inside_a_convex_one_is_narrower_and_any_other_wider() -> None:
    square = tuple(PLANE.position(*corner) for corner in ((0, 0), (4000, 0), (4000, 2000), (0, 2000)))
    bent = (*square[:2], PLANE.position(2000, 1000), *square[2:])
    inner = tuple(PLANE.position(*corner) for corner in ((500, 500), (3000, 600), (2000, 1900)))
    reaching_out = (*inner[:2], PLANE.position(2000, 2100))
    everywhere = replace(AGREEMENT, rules=(replace(RULE, near_line_m=None, polygon=square),))
    for polygon, wider in ((square, False), (inner, False), (reaching_out, True), ((), True)):
        new = replace(everywhere, rules=(replace(RULE, near_line_m=None, polygon=polygon),))
        assert widens(everywhere, new) is wider
        assert not widens(AGREEMENT, replace(AGREEMENT, rules=(replace(RULE, polygon=polygon),)))
    hollow = replace(AGREEMENT, rules=(replace(RULE, near_line_m=None, polygon=bent),))
    assert widens(hollow, replace(AGREEMENT, rules=(replace(RULE, near_line_m=None, polygon=inner),)))


SAYABLE = get_args(JointKind)
SIZES = (500, 1000, 1500, 2000, 3000, 4500, 6000, 9000)


@st.composite
def joint_rules(draw: st.DrawFn) -> JointRules:
    return JointRules(
        kinds=tuple(draw(st.lists(st.sampled_from(SAYABLE), unique=True, max_size=4))),
        cell_m=draw(st.sampled_from(SIZES)), coverage_cell_m=draw(st.sampled_from(SIZES)),
        least_cells=draw(st.integers(1, 9)), emergency_s=draw(st.sampled_from((600, 1800, 3600, 7200))),
    )  # fmt: skip


def sayable(rules: JointRules) -> set[tuple[object, ...]]:
    """Everything that may be said under some rules, one after the other, at the fineness at which it could be learnt.

    Ground that is told in squares says which of the smallest squares that we can name (of 500 m, along one axis, from
    the anchor to beyond the widest) are not told apart: what is told in wider squares that are made of them says less.
    """
    squares = 36
    told = set[tuple[object, ...]]()
    for kind in rules.kinds:
        told.add(("kind", kind))
    for name in ("cell_m", "coverage_cell_m"):
        size = getattr(rules, name) // 500
        # Two neighbours are told apart by an edge between them.
        told |= {(name, "edge", k) for k in range(1, squares) if k % size == 0}
    told |= {("cells", count) for count in range(1, 10) if count >= rules.least_cells}
    told |= {("emergency", minutes) for minutes in range(10, 130, 10) if minutes * 60 <= rules.emergency_s}
    return told


@given(joint_rules(), joint_rules())
def test_what_may_be_said_more_finely_or_for_longer_is_a_widening_and_nothing_else(
    old: JointRules, new: JointRules
) -> None:
    before, after = (replace(AGREEMENT, joint=each) for each in (old, new))
    assert widens(before, after) == (not sayable(new) <= sayable(old))


@given(joint_rules(), joint_rules())
def test_any_widening_of_what_may_be_said_takes_two_persons_and_a_narrowing_one(
    old: JointRules, new: JointRules
) -> None:
    before = replace(AGREEMENT, protected_distance_m=0, joint=old)
    after = replace(before, version=before.version + 1, replaces=fingerprint(before), joint=new)
    succeeds(before, after, ("Leyla", "Omar"))
    if sayable(new) <= sayable(old):
        succeeds(before, after, ("Leyla",))
        return
    # One person is one person, however the name is written.
    for alone in (("Leyla",), ("Leyla", " leyla "), ("Leyla", "LEYLA"), ("Leyla", "")):
        with pytest.raises(RefusedError, match="two persons"):
            succeeds(before, after, alone)


@pytest.mark.parametrize(("days", "wider"), [(30, False), (90, False), (91, True)])
def test_to_keep_longer_what_was_told_is_a_widening(days: int, *, wider: bool) -> None:
    assert widens(AGREEMENT, replace(AGREEMENT, keep_days=days)) is wider

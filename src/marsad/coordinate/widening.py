"""Whether a change of an agreement lets anything be told that was not told before.

It is decided rule by rule and field by field, and against the change wherever that is not certain: a change that is
held for a widening though it is none costs a second person's signature, the reverse costs what it was to protect.
"""

from collections.abc import Callable

from marsad.coordinate.grid import Ring, covers, frame_at, place
from marsad.kernel.agreement import Agreement, JointRules
from marsad.kernel.position import Position
from marsad.kernel.release import ReleaseRule

PRIORITIES = ("high", "medium", "low")
"""From the highest to the lowest."""

_SAME = ("giver", "taker", "every_s", "hold_s", "sigma_m")
"""What is either as it was or counts as wider.

When something is told, and told no more, also says something; what is known no better than a larger sigma is told too.
"""
_SUBSETS = ("items", "kinds", "fields", "posts")
_FLAGS = ("declared", "exercises")
_MULTIPLES = ("precision_m", "time_precision_s")
_NO_LESS = ("delay_s", "dwell_s")
_NO_MORE = ("oldest_s",)


def widens(old: Agreement, new: Agreement) -> bool:
    """Whether `new` may tell anything, in either direction, that `old` does not."""
    same = all(
        getattr(old, name) == getattr(new, name) for name in ("agreement_id", "parties", "anchor", "line", "block_m")
    )
    within = old.from_ns <= new.from_ns and new.until_ns <= old.until_ns
    if not (same and within and new.protected_distance_m >= old.protected_distance_m):
        return True
    if joint_widens(old.joint, new.joint) or new.keep_days > old.keep_days:
        return True
    before = {rule.rule_id: rule for rule in old.rules}
    return any(rule.rule_id not in before or rule_widens(before[rule.rule_id], rule, old.anchor) for rule in new.rules)


def joint_widens(old: JointRules, new: JointRules) -> bool:
    """Whether more may be said beside the releases, or ground be told there more finely."""
    return not (
        {*new.kinds} <= {*old.kinds}
        and new.cell_m % old.cell_m == 0
        and new.coverage_cell_m % old.coverage_cell_m == 0
        and new.least_cells >= old.least_cells
        and new.emergency_s <= old.emergency_s
    )


def rule_widens(old: ReleaseRule, new: ReleaseRule, anchor: Position) -> bool:
    """Whether one rule may tell anything that another does not."""
    return not all(
        _all(names, narrower, old, new)
        for names, narrower in (
            (_SAME, lambda a, b: a == b),
            (_SUBSETS, lambda a, b: {*b} <= {*a}),
            (_FLAGS, lambda a, b: a or not b),
            (_MULTIPLES, lambda a, b: b % a == 0),
            (_NO_LESS, lambda a, b: b >= a),
            (_NO_MORE, lambda a, b: b <= a),
            (("lowest_priority",), lambda a, b: PRIORITIES.index(b) <= PRIORITIES.index(a)),
            (("clips",), lambda a, b: b in {"none", a}),
        )
    ) or _area_widens(old, new, anchor)


def _all(
    names: tuple[str, ...], narrower: Callable[..., bool], old: ReleaseRule, new: ReleaseRule
) -> bool:  # fmt: skip
    return all(narrower(getattr(old, name), getattr(new, name)) for name in names)


def _area_widens(old: ReleaseRule, new: ReleaseRule, anchor: Position) -> bool:
    """Whether the new area is not surely within the old one."""
    if old.near_line_m is not None and (new.near_line_m is None or new.near_line_m > old.near_line_m):
        return True
    if not old.polygon:
        return old.near_line_m is None and (new.near_line_m is not None or bool(new.polygon))
    outer, inner = _ring(old, anchor), _ring(new, anchor)
    return outer is None or inner is None or not inner or not covers(outer, inner)


def _ring(rule: ReleaseRule, anchor: Position) -> Ring | None:
    frame = frame_at(anchor)
    points = [place(frame, position) for position in rule.polygon]
    return None if None in points else tuple(point for point in points if point is not None)

"""What may become of an alarm, as one table.

Source: ANSI/ISA-18.2-2016, figure 3 (alarm state transition diagram); EEMUA 191, 3rd edition. Where the standard has a
latched alarm wait for an acknowledgement in a state of its own, `returned` is that state here too.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from marsad.kernel.alarm import AlarmHappening, AlarmState
from marsad.kernel.error import RefusedError


class To(NamedTuple):
    """The state after a happening; another for an alarm that is latching."""

    state: AlarmState
    latching: AlarmState


def _to(state: AlarmState, latching: AlarmState | None = None) -> To:
    return To(state, latching or state)


def _held(state: AlarmState, worse: AlarmState) -> Mapping[AlarmHappening, To]:
    """What may happen to an alarm that is held back, and what becomes of one that is worse than it was then."""
    return MappingProxyType(
        {
            "again": _to(state),
            "expected": _to(state),
            "over": _to(state),
            "nuisance": _to(state),
            "worse": _to(worse),
            "released": _to("unacknowledged"),
            "released_over": _to("closed", "latched"),
        }
    )


_HOLDING: Mapping[AlarmHappening, To] = MappingProxyType(
    {
        "shelved": _to("shelved"),
        "suppressed": _to("suppressed"),
        "out_of_service": _to("out_of_service"),
    }
)

TABLE: Final[Mapping[AlarmState, Mapping[AlarmHappening, To]]] = MappingProxyType(
    {
        "unacknowledged": {
            "again": _to("unacknowledged"),
            "worse": _to("unacknowledged"),
            "escalated": _to("unacknowledged"),
            "over": _to("returned"),
            "acknowledged": _to("acknowledged"),
            "nuisance": _to("acknowledged"),
            **_HOLDING,
        },
        "acknowledged": {
            "again": _to("acknowledged"),
            "expected": _to("acknowledged"),
            "worse": _to("unacknowledged"),
            "over": _to("closed", "latched"),
            "nuisance": _to("acknowledged"),
            **_HOLDING,
        },
        "returned": {
            "again": _to("unacknowledged"),
            "worse": _to("unacknowledged"),
            "escalated": _to("returned"),
            "acknowledged": _to("closed", "latched"),
            "nuisance": _to("closed"),
            **_HOLDING,
        },
        "latched": {
            "again": _to("unacknowledged"),
            "expected": _to("acknowledged"),
            "worse": _to("unacknowledged"),
            "closed": _to("closed"),
            "nuisance": _to("closed"),
            **_HOLDING,
        },
        "shelved": _held("shelved", worse="unacknowledged"),
        "suppressed": _held("suppressed", worse="suppressed"),
        "out_of_service": _held("out_of_service", worse="out_of_service"),
        "closed": {
            "again": _to("unacknowledged"),
            "expected": _to("acknowledged"),
            "worse": _to("unacknowledged"),
            "nuisance": _to("closed"),
        },
    }
)
"""For each state, what may happen to an alarm that is in it, and the state it is in then.

What is met `again` after it was over sounds anew, and so does what is `worse`, whatever was acknowledged or shelved
before. `expected` is met again by what an officer has said is nothing: it is shown, and does not sound.
"""

WHY_NOT: Final[Mapping[AlarmHappening, str]] = MappingProxyType(
    {
        "acknowledged": "only an alarm that nobody has acknowledged can be",
        "closed": "only one that is over and acknowledged is closed by hand",
        "shelved": "an alarm that is closed or held already cannot be shelved",
        "released": "only an alarm that is held can be released",
        "released_over": "only an alarm that is held can be released",
    }
)


def after(state: AlarmState, happening: AlarmHappening, *, latching: bool) -> AlarmState:
    """The state after a happening. Raises RefusedError where it cannot happen in that state."""
    to = TABLE[state].get(happening)
    if to is None:
        why = WHY_NOT.get(happening, f"nothing can be {happening} then")
        raise RefusedError(f"the alarm is {state.replace('_', ' ')}: {why}")
    return to.latching if latching else to.state


def diagram() -> str:
    """The table as a Mermaid state diagram; ways that lead back to the same state are left out."""
    lines = ["stateDiagram-v2", "    [*] --> unacknowledged: raised", "    [*] --> shelved: raised under a hold"]
    for state, ways in TABLE.items():
        for happening, to in ways.items():
            for target, note in dict.fromkeys([(to.state, ""), (to.latching, " (latching)")]):
                if target != state and not (note and to.latching == to.state):
                    lines.append(f"    {state} --> {target}: {happening}{note}")
    return "\n".join([*lines, "    closed --> [*]"])

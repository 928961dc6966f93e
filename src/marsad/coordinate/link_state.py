"""What may become of a link, as one table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from marsad.kernel.partner import LinkState
from marsad.kernel.record import Record

LinkHappening = Literal["whole", "behind", "unreachable", "full", "refused", "withdrawn", "readmitted"]


def _row(lost: LinkState) -> Mapping[LinkHappening, LinkState]:
    """What may happen to a link whose key stands; `lost` is what it is when nothing answers."""
    return MappingProxyType(
        {
            "whole": "connected",
            "behind": "catching_up",
            "unreachable": lost,
            "full": "held",
            "refused": "refused",
            "withdrawn": "revoked",
        }
    )


TABLE: Final[Mapping[LinkState, Mapping[LinkHappening, LinkState]]] = MappingProxyType(
    {
        "cut": _row("cut"),
        "catching_up": _row("cut"),
        "connected": _row("cut"),
        "held": _row("cut"),
        # Silence after a refusal explains nothing: only a batch that proves itself takes a refusal back.
        "refused": _row("refused"),
        "revoked": MappingProxyType({"readmitted": "cut"}),
    }
)
"""For each state, what may happen to a link that is in it, and the state it is in then.

A withdrawn key stays withdrawn until a person pins another. A refused link is tried again, slowly, for a clock may be
set and a certificate renewed; it counts as connected only when a batch has proven itself against all that was accepted.
"""

RETRY_S: Final[Mapping[LinkState, float]] = MappingProxyType(
    {"cut": 0.5, "catching_up": 0.0, "connected": 0.0, "held": 1.0, "refused": 2.0, "revoked": 2.0}
)
"""How long a link in that state waits before it tries again."""


class LinkChange(Record):
    """A link's state changed, or it was refused once more; `reason` is in words."""

    time_ns: int
    state: LinkState
    happening: LinkHappening
    reason: str


def after(state: LinkState, happening: LinkHappening) -> LinkState:
    """The state after a happening; what cannot happen in a state changes nothing."""
    return TABLE[state].get(happening, state)


def diagram() -> str:
    """The table as a Mermaid state diagram; ways that lead back to the same state are left out."""
    ways = [
        f"    {state} --> {target}: {happening}"
        for state, row in TABLE.items()
        for happening, target in row.items()
        if target != state
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> cut", *ways])

"""An agreement made ready to release under: there is none that was not checked."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec

from marsad.coordinate.agreement import narrowed, refuse_unsigned, refuse_unsound
from marsad.coordinate.grid import Point, Ring, block_of, frame_at, inside, near_line, place
from marsad.kernel.agreement import Agreement, Narrowing, ReleaseGround, SignedAgreement
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, EmergencyAct, ReleaseRule

SECRET_BYTES = 32
HANDOVER_M = 500
"""A handover at the line tells of what is within so far of the line."""

R = TypeVar("R", bound=msgspec.Struct)

_NS = 1_000_000_000
LONGEST_ACT_NS = {"handover_at_line": 3600 * _NS, "life_at_risk": 6 * 3600 * _NS}


class Area(NamedTuple):
    """Where a rule tells anything, on the grid."""

    near_line_m: int | None
    ring: Ring

    def holds(self, cell: Cell, line: Sequence[Point]) -> bool:
        """Whether a cell lies in it as a whole."""
        if self.near_line_m is None and not self.ring:
            return False
        near = self.near_line_m is None or near_line(cell, line, self.near_line_m)
        return near and (not self.ring or inside(cell, self.ring))


class Terms:
    """What one party gives under an agreement that both signed, as that party narrowed it.

    `secret` makes the names that the partner sees, and never leaves the giver; a copy of it links them to ours. Where a
    distance is protected, nothing with a place is told outside `ground`. `acts` are the emergencies; those made before
    the narrowing do not count any more.

    Raises: RefusedError where the agreement is not countersigned or not sound, or an act or a narrowing is not of it.
    """

    def __init__(
        self, signed: SignedAgreement, giver: str, secret: bytes, ground: ReleaseGround | None = None,
        *, narrowing: Narrowing | None = None, acts: Sequence[EmergencyAct] = (),
    ) -> None:  # fmt: skip
        agreement = _sound(signed)
        parties = {party.party_id for party in agreement.parties}
        if giver not in parties:
            raise RefusedError(f"{giver} is no party of this agreement")
        if len(secret) < SECRET_BYTES:
            raise RefusedError(f"the secret that names are made with has {SECRET_BYTES} bytes at the least")
        if ground is not None and ground.block_m != agreement.block_m:
            raise RefusedError("the release ground is of other blocks than the agreement's")
        self.agreement = agreement if narrowing is None else narrowed(agreement, giver, narrowing)
        self.giver = giver
        (self.taker,) = parties - {giver}
        self.secret = secret
        self.rules = tuple(rule for rule in self.agreement.rules if rule.giver == giver)
        self.frame = frame_at(agreement.anchor)
        self.line = self._points(agreement.line)
        self._areas = {
            rule.rule_id: Area(near_line_m=rule.near_line_m, ring=self._points(rule.polygon)) for rule in self.rules
        }
        self._blocks = self._open_blocks(ground)
        self._since_ns = agreement.from_ns if narrowing is None else max(narrowing.time_ns, agreement.from_ns)
        self.acts = tuple(read for read in map(self._sound_act, acts) if read.from_ns >= self._since_ns)

    def in_force(self, now_ns: int) -> bool:
        """Whether the agreement is valid now."""
        return type(now_ns) is int and self.agreement.from_ns <= now_ns < self.agreement.until_ns

    def in_area(self, rule: ReleaseRule, cell: Cell) -> bool:
        """Whether the whole of a cell lies in a rule's area."""
        return self._areas[rule.rule_id].holds(cell, self.line)

    def near_line(self, cell: Cell) -> bool:
        """Whether something there can be handed over at the line."""
        return near_line(cell, self.line, HANDOVER_M)

    def on_ground(self, cell: Cell) -> bool:
        """Whether anything is told of a cell's block."""
        return self._blocks is None or block_of(cell, self.agreement.block_m) in self._blocks

    def _open_blocks(self, ground: ReleaseGround | None) -> frozenset[tuple[int, int]] | None:
        """The blocks in which anything is told; None stands for everywhere."""
        if ground is None:
            return frozenset() if self.agreement.protected_distance_m else None
        return frozenset(ground.blocks)

    def _points(self, positions: Sequence[Position]) -> tuple[Point, ...]:
        points = [place(self.frame, position) for position in positions]
        if None in points:
            raise RefusedError("the line or an area of the agreement lies too far from its anchor")
        return tuple(point for point in points if point is not None)

    def _sound_act(self, act: EmergencyAct) -> EmergencyAct:
        """The act, where it is one. Raises: RefusedError."""
        read = _read_again(act)
        if read.agreement_id != self.agreement.agreement_id:
            raise RefusedError(f"emergency {act.act_id} is of another agreement")
        if not 0 < read.until_ns - read.from_ns <= LONGEST_ACT_NS[read.kind]:
            raise RefusedError(f"emergency {act.act_id} must end, after {LONGEST_ACT_NS[read.kind] // _NS} s at most")
        if not read.officer.strip() or not read.reason.strip():
            raise RefusedError(f"emergency {act.act_id} names its officer and its reason")
        return read


def _sound(signed: SignedAgreement) -> Agreement:
    read = _read_again(signed)
    refuse_unsigned(read)
    refuse_unsound(read.agreement)
    return read.agreement


def _read_again(record: R) -> R:
    """The record as its type allows it. Raises: RefusedError."""
    try:
        return msgspec.convert(msgspec.to_builtins(record), type(record))
    except (msgspec.MsgspecError, TypeError, ValueError, InputError) as error:
        raise RefusedError(f"a {type(record).__name__} that is none: {error}") from error

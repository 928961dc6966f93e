"""What the desk shows of an organisation that it shares with: the link, what they told, and what they see of ours."""

from typing import Literal

from marsad.kernel.joint import JointBoard
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import EmergencyAct, Release

LinkState = Literal["cut", "catching_up", "connected", "held", "refused", "revoked"]


class LinkShown(Record):
    """How the link to a partner stands.

    `age_s` is how old the newest word of the partner is, None before its first; `behind` how many of its parcels are
    known of and lacking. `sent` and `confirmed` count ours.
    """

    state: LinkState = "cut"
    reason: str = ""
    age_s: float | None = None
    behind: int = 0
    received: int = 0
    sent: int = 0
    confirmed: int = 0


class SharedThing(Record):
    """Something that was told and stands: what was said of it last, and where.

    `position` is the middle of its cell, or where a post stands that both know; `places` are those of a corridor.
    """

    release: Release
    position: Position | None = None
    places: tuple[Position, ...] = ()


class Stop(Record):
    """Who stopped what is told by rule, why, and since when; `asked_by` has asked to go on, which takes two."""

    officer: str
    reason: str
    time_ns: int
    asked_by: str = ""


class PartnerState(Record):
    """One partner: how the link stands, what is agreed, what they told us, and what they see of ours.

    `emergencies` are the acts beyond the rules that stand, `joint` is what both said to each other.
    """

    party_id: str
    name: str
    link: LinkShown = LinkShown()
    agreement_id: str = ""
    version: int = 0
    until_ns: int = 0
    theirs: tuple[SharedThing, ...] = ()
    ours: tuple[SharedThing, ...] = ()
    stop: Stop | None = None
    emergencies: tuple[EmergencyAct, ...] = ()
    joint: JointBoard | None = None

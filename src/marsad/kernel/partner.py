"""What the desk shows of an organisation that it shares with: the link, what they told, and what they see of ours."""

from typing import Literal

from marsad.kernel.joint import JointBoard
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import EmergencyAct, Release

LinkState = Literal["cut", "catching_up", "connected", "held", "refused", "revoked"]
"""Nothing heard; proven and behind; proven and whole; full here, so nothing is fetched; the partner or what it sent is
refused; its key is withdrawn here."""


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
    `subject_id` is our own name of what is ours; the partner never hears it.
    """

    release: Release
    position: Position | None = None
    places: tuple[Position, ...] = ()
    subject_id: str = ""


class SeenByBoth(Record):
    """Something that we see and a partner told of: our track or group, its thing, and what it is called jointly.

    It is held to be so since `since_ns`, by where both say it is.
    """

    subject_id: str
    thing_id: str
    name: str
    since_ns: int


class Stop(Record):
    """Who stopped what is told by rule, why, and since when; `asked_by` has asked to go on, which takes two."""

    officer: str
    reason: str
    time_ns: int
    asked_by: str = ""


class PartnerState(Record):
    """One partner: how the link stands, what is agreed, what they told us, and what they see of ours.

    `emergencies` are the acts beyond the rules that stand, `both` what both sides are held to see. What both said to
    each other is `PartnerView.joint`.
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
    both: tuple[SeenByBoth, ...] = ()


class PartnerView(Record):
    """A partner with all that a screen shows of it; `joint` has what is open, and the newest of what is over and said.

    `revision` is another number whenever anything of it but the link is other.
    """

    state: PartnerState
    joint: JointBoard
    revision: int = 0


class PartnerPulse(Record):
    """How a partner does, told once a second: its link, and how much there is to be asked for.

    `revision` is that of `PartnerView`: whoever holds another one asks again. `theirs` and `ours` count what stands,
    `matters` the joint ones that are not over.
    """

    link: LinkShown
    revision: int
    theirs: int = 0
    ours: int = 0
    matters: int = 0

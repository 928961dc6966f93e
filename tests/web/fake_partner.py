"""The other side of the line, as the small server of the browser's tests tells of it."""

from typing import Any

import msgspec

from marsad.kernel.event import EmergencyReleased, Event, JointSaid, ReleasesStopped
from marsad.kernel.joint import (
    Body,
    Caution,
    Cells,
    Gap,
    HandoverOffer,
    IncidentProposal,
    JointBoard,
    JointGround,
    JointLine,
    JointMessage,
    JointPost,
    JointThing,
    LookRequest,
    Phrase,
    PostHours,
    ThreadMessage,
    WatchSlot,
)
from marsad.kernel.partner import LinkShown, PartnerPulse, PartnerState, PartnerView, SeenByBoth, SharedThing, Stop
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, EmergencyAct, Heads, Release
from marsad.kernel.site import Post

NS = 1_000_000_000
WEST, EAST = "west", "east"
NAME = "الجانب الغربي"
ANCHOR = Position(latitude_deg=34.375, longitude_deg=41.03)
HERE = Position(latitude_deg=34.396, longitude_deg=41.049)


def release(thing_id: str, now_ns: int, *, giver: str = WEST, **fields: Any) -> Release:  # noqa: ANN401 - any field
    """Something told by one side."""
    values: dict[str, Any] = {
        "release_id": f"{thing_id}-0123456789", "agreement_id": "line-2026", "version": 3, "rule_id": "near",
        "giver": giver, "taker": EAST if giver == WEST else WEST, "item": "alarm", "thing_id": thing_id,
        "time_ns": now_ns, "cell": Cell(east=1, north=2, size_m=1000), "sigma_m": 1000, "kind": "group",
    }  # fmt: skip
    return Release(**values | fields)


def message(author: str, sequence: int, time_ns: int, body: Body) -> JointMessage:
    """Something said by one side."""
    return JointMessage(
        author=author, sequence=sequence, salt="0123456789abcdef", time_ns=time_ns, stamp_ns=time_ns, by="operator",
        body=body, agreement_version=3,
    )  # fmt: skip


class FakePartner:
    """What there is between the two, and how far the link has come."""

    def __init__(self, now_ns: int) -> None:
        self.began_ns = now_ns
        self.link = LinkShown(state="connected", age_s=3.0, received=41, sent=128, confirmed=127)
        self.stop: Stop | None = None
        self.revision = 1
        self.emergencies: list[EmergencyAct] = []
        self.said: list[Body] = []
        square = Cells(size_m=1000, cells=((1, 2),))
        later = now_ns + 1_200 * NS
        self.things = [
            _thing("offer", "offered", message(WEST, 2, now_ns - 300 * NS, HandoverOffer(
                told_as="w2", cells=square, until_ns=later, kind="group"))),
            _thing("request", "asked", message(EAST, 2, now_ns - 240 * NS, LookRequest(
                cells=square, until_ns=later, text="خلف التل"))),
            _thing("request", "asked", message(WEST, 4, now_ns - 220 * NS, LookRequest(
                cells=square, until_ns=later, text="near the well"))),
            _thing("proposal", "proposed", message(WEST, 5, now_ns - 210 * NS, IncidentProposal(
                kind="distress", text="at the ford"))),
        ]  # fmt: skip
        self.lines = [
            _line(message(WEST, 1, now_ns - 500 * NS, ThreadMessage(phrase=Phrase(key="link_test")))),
            _line(message(EAST, 1, now_ns - 480 * NS, ThreadMessage(phrase=Phrase(key="received"))), "opened"),
            _line(
                message(WEST, 3, now_ns - 200 * NS, ThreadMessage(text="Two of ours are near the well.", language="en"))
            ),
        ]  # fmt: skip

    def state(self) -> PartnerState:
        """All of it."""
        began = self.began_ns
        alarm = release(
            "w1", began - 120 * NS, heads=Heads(low=2, high=4), alarm_rule="line_crossing", priority="high",
            direction="inward",
        )  # fmt: skip
        north = Position(latitude_deg=34.4, longitude_deg=41.08)
        track = release(
            "w2", began - 60 * NS, item="track", kind="person", heading="se", cell=Cell(east=4, north=3, size_m=1000)
        )
        told = release(
            "e1", began - 30 * NS, giver=EAST, item="group", heads=Heads(low=5), cell=Cell(east=1, north=0, size_m=1000)
        )
        return PartnerState(
            party_id=WEST, name=NAME, link=self.link, agreement_id="line-2026", version=3,
            until_ns=began + 90 * 86_400 * NS, stop=self.stop, emergencies=tuple(self.emergencies),
            theirs=(
                SharedThing(release=alarm, position=HERE), SharedThing(release=track, position=north),
                *_of_themselves(began),
            ),
            ours=(
                SharedThing(release=told, position=Position(latitude_deg=34.385, longitude_deg=41.06)),
            ),
            both=(SeenByBoth(subject_id="G3", thing_id="w2", name="G3", since_ns=began - 40 * NS),),
        )  # fmt: skip

    def view(self) -> PartnerView:
        """The same with what both said."""
        joint = JointBoard(now_ns=self.began_ns, things=tuple(self.things), lines=tuple(self.lines))
        return PartnerView(state=self.state(), joint=joint, revision=self.revision)

    def pulse(self) -> PartnerPulse:
        """What is told of it once a second."""
        return PartnerPulse(link=self.link, revision=self.revision, theirs=2, ours=1, matters=len(self.things))

    def ground(self, now_ns: int) -> JointGround:
        """A post of both, with an hour when nobody keeps watch, gaps along the line and two patrols near each other."""
        hour_ns = 3_600 * NS
        begin_ns = now_ns // hour_ns * hour_ns
        spans = ((WEST, 0, 4), ("", 4, 5), (EAST, 5, 24))
        slots = tuple(
            WatchSlot(from_ns=begin_ns + first * hour_ns, until_ns=begin_ns + last * hour_ns, party=party)
            for party, first, last in spans
        )
        post = JointPost(
            post=Post(id="joint.1.2", position=HERE, name="تل الذئب"), cell=(1, 2), manned_by=(EAST, WEST),
            covers=((0, 0),), proposals=("west/9/0123456789abcdef",),
        )  # fmt: skip
        return JointGround(
            now_ns=now_ns, ours=EAST, theirs=WEST, anchor=ANCHOR, cell_m=1000, coverage_cell_m=3000,
            kinds=("words", "incident", "look", "coverage", "post", "roster", "corridor"), posts=(post,),
            hours=(PostHours(post_id="joint.1.2", slots=slots),), gaps=(Gap(cell=(1, 0)), Gap(cell=(2, 0))),
            cautions=(
                Caution(
                    ours="a", theirs="b", from_ns=begin_ns, until_ns=begin_ns + hour_ns, apart_m=500, cells=((1, 2),)
                ),
            ),
        )  # fmt: skip

    def take(self, event: Event) -> None:
        """Take in what was logged."""
        self.revision += 1
        if isinstance(event, ReleasesStopped):
            self.stop = event.stop
        elif isinstance(event, EmergencyReleased):
            self.emergencies.append(event.act)
        elif isinstance(event, JointSaid):
            self.said.append(event.message.body)
            if isinstance(event.message.body, ThreadMessage):
                self.lines.append(_line(event.message))

    def act(self, name: str, act: dict[str, Any], now_ns: int) -> Event | None:
        """What an officer's act comes to; None where it has to do with something else."""
        match act["type"]:
            case "stop_releases":
                stop = Stop(officer=name, reason=act["reason"], time_ns=now_ns)
                return ReleasesStopped(time_ns=now_ns, party_id=WEST, stop=stop, officer=name)
            case "resume_releases":
                return ReleasesStopped(time_ns=now_ns, party_id=WEST, stop=self._resumed(name), officer=name)
            case "release_beyond":
                told = EmergencyAct(
                    act_id=act["act_id"], agreement_id="line-2026", kind=act["kind"], officer=name,
                    reason=act["reason"], subject_ids=tuple(act["subject_ids"]), from_ns=now_ns,
                    until_ns=now_ns + act["minutes"] * 60 * NS,
                )  # fmt: skip
                return EmergencyReleased(time_ns=now_ns, party_id=WEST, act=told)
            case "say_to_partner":
                body: Body = msgspec.convert(act["body"], Body)
                said = message(EAST, len(self.said) + 3, now_ns, body)
                return JointSaid(time_ns=now_ns, message=said, officer=name)
        return None

    def _resumed(self, name: str) -> Stop | None:
        stop = self.stop
        if stop is None or stop.asked_by not in {"", name}:
            return None
        return msgspec.structs.replace(stop, asked_by=name)


def _of_themselves(began: int) -> tuple[SharedThing, ...]:
    """A post of theirs that is watched, and a patrol's corridor."""
    hours: dict[str, Any] = {
        "kind": None, "from_ns": began - 600 * NS, "until_ns": began + 7_200 * NS, "cell": None, "sigma_m": None
    }  # fmt: skip
    cells = (Cell(east=2, north=3, size_m=1000), Cell(east=3, north=3, size_m=1000))
    places = tuple(Position(latitude_deg=34.405, longitude_deg=41.055 + 0.011 * k) for k in range(2))
    return (
        SharedThing(release=release("w3", began, item="post", post_id="gate", watched=True, **hours), position=HERE),
        SharedThing(release=release("w4", began, item="patrol", cells=cells, **hours), places=places),
    )


def _thing(course: Any, state: Any, opened: JointMessage) -> JointThing:  # noqa: ANN401 - one of the literals
    return JointThing(
        thing_id=opened.message_id, course=course, state=state, opened=opened, changed_ns=opened.time_ns,
        delivery="received",
    )  # fmt: skip


def _line(said: JointMessage, delivery: Any = "received") -> JointLine:  # noqa: ANN401 - one of the literals
    return JointLine(message=said, delivery=delivery)

"""What a long talk between two sides costs a desk: how long its loop is held, and what goes out and is kept.

    python benchmarks/joint_desk.py [--messages N] [--json]

Two desks say N messages within six days: words, offers, posts and what is answered to them, each with its receipt. Then
one more is said and heard a few hundred times over, with everything that a station does on its event loop about it: the
second's pulse, what a browser asks for, and what is kept. The old way, a board worked out anew for each of these, is
measured beside it. Each figure is the longest of all turns; the median stands beside it.
"""

import statistics
import time
from collections.abc import Callable
from itertools import count

import msgspec

from figures import Target, command, show
from marsad.console.partner_board import PartnerBoard, PartnerFacts
from marsad.coordinate.joint import JointDesk
from marsad.coordinate.packing import pack
from marsad.kernel.act import Person
from marsad.kernel.event import JointHeard, JointSaid
from marsad.kernel.joint import (
    Answer,
    Body,
    Cells,
    HandoverOffer,
    IncidentProposal,
    JointMessage,
    JointTerms,
    LookRequest,
    ThreadMessage,
)
from marsad.kernel.partner import PartnerPulse, PartnerView
from marsad.kernel.position import Position

S = 10**9
NOW = 1_760_000_000 * S
DAYS_S = 6 * 86_400
SHOWN = 300
ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
OFFICER = Person(name="Sana", role="supervisor")
HERE = Cells(size_m=2000, cells=((3, 4),))
TARGETS = [Target("longest_hold_ms", "at_most", 10.0), Target("pulse_bytes", "at_most", 1000.0)]


def terms(ours: str, theirs: str) -> JointTerms:
    """What either may say: all of it."""
    return JointTerms(
        ours=ours, theirs=theirs, version=1, from_ns=NOW - S, until_ns=NOW + 2 * DAYS_S * S, anchor=ANCHOR,
        cell_m=2000, coverage_cell_m=3000, protected_distance_m=1000, kinds=("words", "incident", "handover", "look"),
    )  # fmt: skip


class Talk:
    """Both desks, and the eastern one's board of what its log has."""

    def __init__(self) -> None:
        self.desks = {"east": JointDesk(terms("east", "west")), "west": JointDesk(terms("west", "east"))}
        self.board = PartnerBoard(
            PartnerFacts(party_id="west", name="W", agreement_id="a", version=1, until_ns=NOW * 2, anchor=ANCHOR)
        )
        self._salts = count()
        self._arrival = count(1)

    def say(self, side: str, body: Body, at_ns: int) -> JointMessage:
        """Have one side say something, and the other hear it and say that it has come."""
        other = "west" if side == "east" else "east"
        said = self.desks[side].propose(body, OFFICER, at_ns, self._salt())
        heard = self.desks[other].hear(pack(said), at_ns, self._salt())
        for reply in heard.replies:
            self.desks[side].hear(pack(reply), at_ns, self._salt())
        for message in (said, *heard.replies):
            self._log(message, at_ns)
        for desk in self.desks.values():
            desk.open_matters(at_ns)
        return said

    def _log(self, message: JointMessage, at_ns: int) -> None:
        if message.author == "east":
            self.board.apply(JointSaid(time_ns=at_ns, message=message))
        else:
            self.board.apply(JointHeard(time_ns=at_ns, message=message, arrival=next(self._arrival)))

    def _salt(self) -> str:
        return f"{next(self._salts):016x}"


def talked(messages: int) -> Talk:
    """So many messages, receipts among them, of which a few matters are still open."""
    talk = Talk()
    step = DAYS_S * S // messages
    for n in range(0, messages, 4):
        side, other, at = ("east", "west", NOW + n * step) if n % 8 else ("west", "east", NOW + n * step)
        body: Body = (
            HandoverOffer(told_as=f"t{n}", cells=HERE, until_ns=at + 3600 * S),
            IncidentProposal(kind="distress", text="x"),
            LookRequest(cells=HERE, until_ns=at + 3600 * S), ThreadMessage(text="A few words of an ordinary length."),
        )[n // 4 % 4]  # fmt: skip
        opened = talk.say(side, body, at)
        says = {"handover_offer": "taken", "incident_proposal": "accepted", "look_request": "nothing_seen"}
        tag = str(type(body).__struct_config__.tag)
        if tag in says:
            talk.say(other, Answer(about=opened.message_id, says=says[tag]), at + S)  # type: ignore[arg-type]
        if tag == "incident_proposal" and n % 400:
            talk.say(side, Answer(about=opened.message_id, says="ended"), at + 2 * S)
    return talk


def timed(call: Callable[[], object], turns: int) -> tuple[float, float]:
    """The longest and the median time that a call takes of the processor, in milliseconds: others' work is not ours."""
    spent = []
    for _ in range(turns):
        start_s = time.thread_time()
        call()
        spent.append(1000 * (time.thread_time() - start_s))
    return max(spent), statistics.median(spent)


def view(talk: Talk, now_ns: int) -> bytes:
    """What a browser is answered."""
    board = talk.desks["east"].board(now_ns, SHOWN)
    return msgspec.json.encode(PartnerView(state=talk.board.state(now_ns), joint=board))


def pulse(talk: Talk, now_ns: int) -> bytes:
    """What all browsers are told once a second."""
    joint, (theirs, ours) = talk.desks["east"], talk.board.counts(now_ns)
    told = PartnerPulse(
        link=talk.board.link, revision=joint.revision, theirs=theirs, ours=ours, matters=joint.open_matters(now_ns)
    )
    return msgspec.json.encode(told)


def gone(talk: Talk, before_ns: int) -> None:
    """Let go of what was said before a moment, as far as that is done at once."""
    east = talk.desks["east"]
    talk.board.let_go(east.let_go(before_ns, 10**6), east.gone)


def main() -> None:
    """Measure and print."""
    parser = command(__doc__ or "")
    parser.add_argument("--messages", type=int, default=10_000)
    asked = parser.parse_args()
    talk = talked(asked.messages)
    east, end_ns = talk.desks["east"], NOW + DAYS_S * S
    clock = count(end_ns, S)
    spent = {
        "say_and_hear": timed(lambda: talk.say("west", ThreadMessage(text="One more."), next(clock)), 300),
        "pulse": timed(lambda: pulse(talk, next(clock)), 300),
        "view": timed(lambda: view(talk, next(clock)), 100),
        "let_go": timed(lambda: east.let_go(end_ns - 7 * 86_400 * S, 10**6), 30),
        "keep_all": timed(lambda: talk.board.keeping(end_ns), 30),
        "let_go_of_a_day": timed(lambda: gone(talk, NOW + 86_400 * S), 30),
    }
    anew = JointDesk(terms("east", "west"), east.messages(), east.gone)
    old = timed(lambda: [anew.refused(each) for each in anew.messages()], 1)[0]
    figures: dict[str, object] = {"messages": len(anew.messages())}
    for name, (longest, median) in spent.items():
        figures[f"{name}_ms"] = f"{longest:.2f} at most, {median:.2f} in the middle"
    figures |= {
        "longest_hold_ms": max(longest for longest, _ in spent.values()),
        "only_to_ask_all_whether_they_count_ms": old,
        "pulse_bytes": len(pulse(talk, next(clock))),
        "view_bytes": len(view(talk, next(clock))),
        "all_messages_bytes": len(msgspec.json.encode(east.messages())),
    }
    show("joint_desk", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()

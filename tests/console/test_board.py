"""The board is what the events say: the same whether they are followed from the beginning or from a keeping."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.console.board import Board, Keepings, Watched, board_at, board_now
from marsad.kernel.alert import Alert
from marsad.kernel.desk import Assessment, Shift
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError, MarsadError
from marsad.kernel.event import (
    ActDone,
    Assessed,
    CameraHealth,
    CameraLost,
    CameraRestored,
    CameraRunChanged,
    Event,
    ExerciseChanged,
    PatrolPosition,
    PictureStarted,
    ShiftTaken,
)
from marsad.kernel.position import Position
from marsad.respond.alarm import Raised

S = 10**9
BEGIN = 1_786_000_000 * S
PLACE = Position(latitude_deg=34.3, longitude_deg=41.0)
WATCHED = Watched(site_name="Two masts", origin=PLACE, camera_ids=("west", "east"))


class Night:
    """A night of happenings, made up as it goes, and written to a log in the order in which a desk would."""

    def __init__(self, seed: int, late_s: int = 0) -> None:
        self.late_s = late_s
        self.rng = random.Random(seed)  # noqa: S311 - a test
        self.log = MemoryEventLog()
        self.board = Board(WATCHED)
        self.room = self.board.responders()
        self.now_ns = BEGIN
        self.then: dict[int, object] = {}

    def write(self, *events: Event) -> None:
        for event in events:
            self.log.append([event])
            self.board.apply(self.log.head().length - 1, event)

    def live(self, steps: int) -> None:
        self.write(PictureStarted(time_ns=self.now_ns, software="test", sources=()))
        for step in range(steps):
            self.now_ns += self.rng.choice([S // 10, S, 30 * S])
            try:
                self.write(*self.happening(step))
            except MarsadError:
                continue
            if self.rng.random() < 0.15:
                # A keeping is written a little after the moment that it is of.
                keeping = self.board.keeping(self.now_ns)
                self.write(*self.alarm(f"between {step}"))
                self.write(keeping)
            self.then[self.now_ns] = self.board.state(self.now_ns)

    def happening(self, step: int) -> list[Event]:  # noqa: PLR0911 - one for each kind of event
        rng, now_ns = self.rng, self.now_ns
        alarms = self.room.alarms.queue()
        match rng.randrange(10):
            case 0 | 1:
                return self.alarm(str(step))
            case 2 if alarms:
                return [*self.room.alarms.acknowledge(rng.choice(alarms).alarm_id, "Rana", now_ns)]
            case 3:
                return [*self.room.alarms.follow({}, now_ns)]
            case 4:
                opened = self.room.incidents.open("other", "Lights", "Rana", now_ns, position=PLACE)
                return [
                    opened,
                    ActDone(time_ns=now_ns, act_id=f"a{step}", officer="Rana", act="open_incident", events=1),
                ]
            case 5:
                held = self.room.alarms.hold("out_of_service", "Rana", "mended", now_ns, camera_id="west")
                return [*held]
            case 6:
                run = rng.choice(["starting", "running", "lost", "restarting", "stopped"])
                return [CameraRunChanged(time_ns=now_ns, camera_id="west", run=run, restarts=rng.randrange(3))]
            case 7:
                health = CameraHealth(
                    time_ns=now_ns, camera_id="east", frame_index=1, kind="covered", ended=rng.random() < 0.5
                )
                lost = CameraLost(time_ns=now_ns, camera_id="east", detail="no route")
                back = CameraRestored(time_ns=now_ns, camera_id="east", blind_ns=S, attempts=2)
                return [rng.choice([health, lost, back])]
            case 8:
                earlier_ns = now_ns - rng.choice([0, self.late_s * S])
                return [PatrolPosition(time_ns=earlier_ns, patrol_id=rng.choice(["p1", "p2"]), position=PLACE)]
            case _:
                said = Assessment(
                    subject_id="t1",
                    says="own",
                    reason="radio",
                    officer="Rana",
                    time_ns=now_ns,
                    until_ns=now_ns + 60 * S,
                )
                exercise = ExerciseChanged(time_ns=now_ns, officer="Rana", name=rng.choice(["", "Night one"]))
                shift = ShiftTaken(
                    time_ns=now_ns, shift=Shift(officer=f"officer {step}", since_ns=now_ns), brief_read=True
                )
                return [rng.choice([Assessed(time_ns=now_ns, assessment=said), exercise, shift])]

    def alarm(self, name: str) -> list[Event]:
        number = self.rng.randrange(5)
        alert = Alert(
            alert_id=name, rule="line_crossing", rule_id="line", priority="high", camera_id="west", track_id=number,
            time_ns=self.now_ns, frame_index=0, kind="person", text="Person, on foot", direction="inward",
            box=Box(x_px=100.0 * number, y_px=50.0, w_px=5.0, h_px=12.0),
        )  # fmt: skip
        return [*self.room.alarms.meet([Raised(alert, f"west/{number}")], {}, self.now_ns)]


def plain(state: object) -> object:
    """A state without the order of what has none."""
    fields = {name: getattr(state, name) for name in state.__struct_fields__}  # type: ignore[attr-defined]
    fields["alarms"] = sorted(fields["alarms"], key=lambda each: each.alarm_id)
    return fields


@given(st.integers(0, 2**32 - 1))
def test_from_a_keeping_on_it_is_as_from_the_beginning(seed: int) -> None:
    night = Night(seed, late_s=100)
    night.live(60)
    again = board_now(night.log, WATCHED)
    assert plain(again.state(night.now_ns)) == plain(night.board.state(night.now_ns))
    assert again.alarmed >= {each.subject_id for each in night.board.state(night.now_ns).alarms}
    assert again.keeping(night.now_ns).named == night.board.keeping(night.now_ns).named
    fresh = again.responders().alarms.figures(night.now_ns)
    assert fresh.rate == night.room.alarms.figures(night.now_ns).rate


@given(st.integers(0, 2**32 - 1))
def test_every_moment_of_the_past_is_shown_as_it_was_then(seed: int) -> None:
    night = Night(seed)
    night.live(50)
    keepings = Keepings(night.log)
    for time_ns, then in night.then.items():
        board = board_at(night.log, WATCHED, keepings, time_ns)
        shown = plain(board.state(time_ns))
        assert {**shown, "sequence": 0} == {**plain(then), "sequence": 0}  # type: ignore[dict-item]
    with pytest.raises(InputError, match="begins after"):
        board_at(night.log, WATCHED, keepings, BEGIN - 1)


def test_numbers_are_not_given_twice_though_what_had_them_is_long_forgotten() -> None:
    night = Night(1)
    night.write(*night.alarm("one"))
    night.write(*night.room.alarms.acknowledge("A1", "Rana", night.now_ns))
    night.now_ns += 60 * S
    night.write(*night.room.alarms.follow({}, night.now_ns))
    night.write(*night.room.alarms.close("A1", "Rana", "done", night.now_ns))
    night.now_ns += 2 * 86_400 * S
    night.write(night.board.keeping(night.now_ns))
    assert night.board.state(night.now_ns).alarms == ()
    night.room = board_now(night.log, WATCHED).responders()
    [raised] = night.alarm("two")
    assert raised.alarm.alarm_id == "A2"  # type: ignore[union-attr]


def test_an_event_that_comes_again_changes_nothing() -> None:
    night = Night(2)
    night.live(30)
    before = night.board.state(night.now_ns)
    for stored in night.log.read():
        assert stored.event is not None
        night.board.apply(stored.sequence, stored.event)
    assert night.board.state(night.now_ns) == before


def test_a_phones_positions_leave_room_to_remember_what_officers_did() -> None:
    board = Board(Watched(site_name="x", origin=PLACE))
    board.apply(0, ActDone(time_ns=1, act_id="sent", officer="Rana", act="send_patrol", events=1))
    for index in range(1, 5000):
        board.apply(index, ActDone(time_ns=1, act_id=f"p{index}", officer="P1", act="report_position", events=1))
    assert (board.act("sent"), board.act("p4999"), board.act("p4998")) == (0, 4999, None)

"""The browser's own board is held against this one: a night's events with what the board shows after each of them.

The night lies in `web/src/api/board.fixture.json`, which the pages' tests reduce by their own rules. Where the
events or the board have changed, `python tests/console/test_board_in_browser.py` writes it anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from marsad.console.board import Board, Watched
from marsad.kernel.alert import Alert
from marsad.kernel.desk import Assessment, Shift
from marsad.kernel.detection import Box
from marsad.kernel.dispatch import Answer, Dispatch
from marsad.kernel.event import (
    Assessed,
    CameraHealth,
    CameraLost,
    CameraRestored,
    CameraRunChanged,
    DispatchChanged,
    Event,
    ExerciseChanged,
    IncidentChanged,
    PatrolPosition,
    PictureGroupChanged,
    PictureGroupEnded,
    PictureStarted,
    PictureTrackEnded,
    PictureTrackPoint,
    ShiftTaken,
    SourceTrustChanged,
)
from marsad.kernel.picture import PictureGroup, PictureTrack, SourceState
from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState, Position
from marsad.kernel.track import Count
from marsad.respond.alarm import Raised

FIXTURE = Path(__file__).resolve().parents[2] / "web/src/api/board.fixture.json"
S = 10**9
BEGIN = 1_786_000_000 * S
PLACE = Position(latitude_deg=34.375, longitude_deg=41.05)
SURE = GroundCovariance(east_m2=4.0, east_north_m2=0.0, north_m2=4.0)
GROUND = GroundState(position=PLACE, east_m=0.0, north_m=0.0, covariance=SURE, range_m=900.0)
ORDER = Dispatch(
    dispatch_id="D1", incident_id="I1", patrol_id="P1", task="look", text="Look", state="sent",
    meet=EnuPoint(east_m=0.0, north_m=0.0), meet_ns=BEGIN, ordered_by="Rana", sent_ns=BEGIN, changed_ns=BEGIN,
    receive_by_ns=BEGIN + 60 * S, answer_by_ns=BEGIN + 180 * S,
)  # fmt: skip


def track(name: str, time_ns: int) -> PictureTrack:
    """Somebody in the picture."""
    return PictureTrack(
        track_id=name, origin="own", time_ns=time_ns, status="confirmed", ground=GROUND, velocity_covariance=SURE,
        existence=0.98, first_ns=BEGIN, seen_ns=time_ns,
    )  # fmt: skip


def group(name: str, time_ns: int, *members: str) -> PictureGroup:
    """Some who move together."""
    return PictureGroup(
        group_id=name, time_ns=time_ns, first_ns=BEGIN, members=members, count=Count(best=2, low=2, high=2),
        kind="person", ground=GROUND, velocity_covariance=SURE,
    )  # fmt: skip


class Night:
    """What happens, and the board that follows it."""

    def __init__(self) -> None:
        self.board = Board(Watched(site_name="Two masts", origin=PLACE, camera_ids=("west", "east")))
        self.room = self.board.responders()
        self.now_ns = BEGIN
        self.sequence = -1

    def alert(self, number: int) -> list[Event]:
        """A line is crossed."""
        alert = Alert(
            alert_id=f"x{self.sequence}", rule="line_crossing", rule_id="line", priority="high", camera_id="west",
            track_id=number, time_ns=self.now_ns, frame_index=0, kind="person", text="Person", direction="inward",
            box=Box(x_px=100.0 * number, y_px=50.0, w_px=5.0, h_px=12.0),
        )  # fmt: skip
        return [*self.room.alarms.meet([Raised(alert, f"west/{number}")], {}, self.now_ns)]

    def responding(self) -> Iterator[list[Event]]:
        """Alarms, incidents and orders, from the first to the last."""
        alarms, incidents = self.room.alarms, self.room.incidents
        yield self.alert(1)
        yield self.alert(2)
        yield [*alarms.acknowledge("A1", "Rana", self.now_ns)]
        yield self.alert(1)
        yield [*alarms.hold("out_of_service", "Rana", "mended", self.now_ns, camera_id="west")]
        yield [incidents.open("crossing", "Two people", "Rana", self.now_ns, alarm_ids=("A1",), position=PLACE)]
        yield [incidents.take("I1", "Rana", self.now_ns)]
        yield [DispatchChanged(time_ns=self.now_ns, dispatch=ORDER, happening="sent", by="Rana")]
        done = Answer(answer_id="a", dispatch_id="D1", says="done", time_ns=self.now_ns, by="P1", via="phone")
        ended = msgspec.structs.replace(ORDER, state="done", changed_ns=self.now_ns, answers=(done,))
        yield [DispatchChanged(time_ns=self.now_ns, dispatch=ended, happening="done", by="P1")]
        yield [*alarms.release("H1", "Rana", self.now_ns)]
        yield [*alarms.mark_nuisance("A2", "animal", "Rana", self.now_ns)]
        yield [*alarms.follow({}, self.now_ns)]
        closed = msgspec.structs.replace(incidents.incident("I1"), state="closed", changed_ns=self.now_ns)
        yield [IncidentChanged(time_ns=self.now_ns, incident=closed, happening="closed", officer="Rana")]

    def keeping_watch(self) -> Iterator[list[Event]]:
        """Who is on duty and what they say, where patrols are, and an exercise."""
        now_ns = self.now_ns
        yield [ShiftTaken(time_ns=now_ns, shift=Shift(officer="Rana", since_ns=now_ns), brief_read=True)]
        said = Assessment(
            subject_id="T1", says="shepherd", reason="radio", officer="Rana", time_ns=now_ns, until_ns=now_ns + 60 * S
        )
        yield [Assessed(time_ns=now_ns, assessment=said)]
        yield [PatrolPosition(time_ns=now_ns, patrol_id="P1", position=PLACE)]
        late = Position(latitude_deg=34.0, longitude_deg=41.0)
        yield [PatrolPosition(time_ns=now_ns - 30 * S, patrol_id="P1", position=late, sigma_m=9.0)]
        yield [ExerciseChanged(time_ns=now_ns, officer="Rana", name="Night one")]
        yield [ExerciseChanged(time_ns=now_ns, officer="Rana")]

    def looking(self) -> Iterator[list[Event]]:
        """Cameras, sources, and what they see."""
        now = self.now_ns
        for run in ("starting", "running"):
            yield [CameraRunChanged(time_ns=now, camera_id="west", run=run)]
        yield [CameraHealth(time_ns=now, camera_id="west", frame_index=1, kind="covered", detail="all of it")]
        yield [CameraHealth(time_ns=now + S, camera_id="west", frame_index=9, kind="covered")]
        yield [CameraLost(time_ns=now + S, camera_id="west", detail="no route")]
        yield [SourceTrustChanged(time_ns=now + S, source=SourceState(source_id="west", trusted=False, reason="off"))]
        yield [CameraHealth(time_ns=now + 2 * S, camera_id="west", frame_index=12, kind="covered", ended=True)]
        yield [CameraRestored(time_ns=now + 2 * S, camera_id="west", blind_ns=S, attempts=2)]
        yield [SourceTrustChanged(time_ns=now + 3 * S, source=SourceState(source_id="west"))]
        yield [CameraHealth(time_ns=now + 3 * S, camera_id="east", frame_index=1, kind="frozen")]
        yield [CameraRunChanged(time_ns=now + 4 * S, camera_id="east", run="restarting", restarts=1)]
        yield [CameraRunChanged(time_ns=now + 4 * S, camera_id="east", run="starting", restarts=1)]
        yield [CameraRunChanged(time_ns=now + 4 * S, camera_id="elsewhere", run="running")]
        yield [
            PictureTrackPoint(time_ns=now, track=track("T1", now)),
            PictureTrackPoint(time_ns=now, track=track("T2", now)),
        ]
        yield [PictureGroupChanged(time_ns=now, group=group("G1", now, "T1", "T2"), formed=True)]
        yield [PictureTrackEnded(time_ns=now + S, track_id="T2", became="T1")]
        yield [PictureGroupEnded(time_ns=now + S, group_id="G1")]

    def steps(self) -> Iterator[dict[str, Any]]:
        """Events with what the board shows after them."""
        yield self.step([PictureStarted(time_ns=self.now_ns, software="test", sources=())])
        for part in (self.responding, self.keeping_watch, self.looking):
            for events in part():
                yield self.step(events)
        self.now_ns += 2 * 86_400 * S
        yield self.step([])

    def step(self, events: list[Event]) -> dict[str, Any]:
        """Let these happen, ten seconds after those before."""
        self.now_ns += 10 * S
        for event in events:
            self.sequence += 1
            self.board.apply(self.sequence, event)
        return {"now_ns": self.now_ns, "events": events, "state": self.board.state(self.now_ns)}


def night() -> str:
    """The whole of it."""
    told = Night()
    first = msgspec.json.encode(told.board.state(told.now_ns)).decode()
    steps = ",\n".join(msgspec.json.encode(step).decode() for step in told.steps())
    return f'{{"first": {first}, "steps": [\n{steps}\n]}}\n'


def test_the_browser_is_tested_with_what_this_board_shows() -> None:
    assert json.loads(FIXTURE.read_text(encoding="utf-8")) == json.loads(night())


if __name__ == "__main__":
    FIXTURE.write_text(night(), encoding="utf-8")

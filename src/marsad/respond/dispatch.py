"""Who is sent where: the choice that an officer is shown, and the order's way to the patrol and back.

`Dispatches` turns officers' acts, patrols' answers and the passing of time into events, and is itself nothing but what
those events say: given the same events it is the same again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from marsad.geo.mobility import Travel
from marsad.kernel.dispatch import Answer, Dispatch, DispatchHappening, DispatchState, Patrol, Skill, Task
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import DispatchChanged
from marsad.kernel.picture import Waypoint
from marsad.kernel.position import EnuPoint
from marsad.kernel.record import Record

NS: Final = 1_000_000_000
_Progress = Literal["received", "accepted", "under_way", "on_scene", "done"]
_ANSWERS: Final[tuple[_Progress, ...]] = get_args(_Progress)
_ENDED: Final[frozenset[DispatchState]] = frozenset({"done", "refused", "could_not", "recalled"})


def _from_here(state: DispatchState) -> Mapping[DispatchHappening, DispatchState]:
    """What a patrol may say next. A later answer stands for those before it, which a poor link may bring after it."""
    come = 0 if state in {"sent", "not_delivered"} else _ANSWERS.index(state) + 1
    said: dict[DispatchHappening, DispatchState] = {each: each for each in _ANSWERS[come:]}
    said |= dict.fromkeys(_ANSWERS[:come], state)
    said |= {"could_not": "could_not", "recalled": "recalled"}
    if come < 2:
        said |= {"refused": "refused"}
    return said


TABLE: Final[Mapping[DispatchState, Mapping[DispatchHappening, DispatchState]]] = MappingProxyType(
    {
        "sent": {**_from_here("sent"), "expired": "not_delivered"},
        "not_delivered": _from_here("not_delivered"),
        "received": {**_from_here("received"), "overdue": "received"},
        "accepted": _from_here("accepted"),
        "under_way": _from_here("under_way"),
        "on_scene": _from_here("on_scene"),
        "done": dict.fromkeys(_ANSWERS, "done"),
        "refused": {"received": "refused", "refused": "refused"},
        "could_not": {**dict.fromkeys(_ANSWERS[:-1], "could_not"), "could_not": "could_not"},
        "recalled": dict.fromkeys((*_ANSWERS, "refused", "could_not"), "recalled"),
    }
)
"""For each state, what may happen to an order that is in it, and the state it is in then."""


def diagram() -> str:
    """The table as a Mermaid state diagram; ways that lead back to the same state are left out."""
    lines = ["stateDiagram-v2", "    [*] --> sent"]
    for state, ways in TABLE.items():
        lines += [f"    {state} --> {target}: {happening}" for happening, target in ways.items() if target != state]
    return "\n".join(lines)


class DispatchSettings(Record):
    """How long an order may take to be received and then to be answered, and how early a patrol should be there."""

    receive_s: float = 60.0
    answer_s: float = 180.0
    early_s: float = 60.0


class Option(Record):
    """What sending one patrol would come to.

    It reaches `meet` at `meet_ns`; those it is sent to are there at `they_ns`, None where they are met where they were
    last known to be, because the patrol cannot be ahead of them. `lacking` are skills that are asked for, `busy_with`
    an order that it has already. `way` is the way to go, east and north.
    """

    patrol_id: str
    meet: EnuPoint
    meet_ns: int
    they_ns: int | None
    way: tuple[tuple[float, float], ...]
    lacking: tuple[Skill, ...] = ()
    busy_with: str = ""


class Candidate(NamedTuple):
    """A patrol, and the times that it needs from where it is."""

    patrol: Patrol
    travel: Travel


def options(
    candidates: Sequence[Candidate], path: Sequence[Waypoint], now_ns: int, *, needed: Iterable[Skill] = (),
    busy: Mapping[str, str] | None = None, settings: DispatchSettings | None = None,
) -> list[Option]:  # fmt: skip
    """What sending each patrol would come to, the best first; those that no way leads there are left out.

    `path` is where they are now and where they are expected to be, in order of time. Free patrols with every skill come
    first, then who is there the soonest.

    Raises: InputError for an empty path.
    """
    if not path:
        raise InputError("nobody can be met on an empty path")
    asked, taken = tuple(sorted(set(needed))), busy or {}
    found = []
    for each in candidates:
        met = _meeting(each, path, now_ns, settings or DispatchSettings())
        if met is None:
            continue
        place, meet_ns, they_ns = met
        way = tuple((float(east), float(north)) for east, north in each.travel.way(place.east_m, place.north_m))
        lacking = tuple(skill for skill in asked if skill not in each.patrol.skills)
        found.append(
            Option(
                patrol_id=each.patrol.patrol_id, meet=place, meet_ns=meet_ns, they_ns=they_ns, way=way, lacking=lacking,
                busy_with=taken.get(each.patrol.patrol_id, ""),
            )
        )  # fmt: skip
    return sorted(found, key=lambda o: (bool(o.busy_with), len(o.lacking), o.meet_ns, o.patrol_id))


def _meeting(
    candidate: Candidate, path: Sequence[Waypoint], now_ns: int, settings: DispatchSettings
) -> tuple[EnuPoint, int, int | None] | None:
    """Where and when a patrol meets them: the first place where it is early enough, else where they are last known."""
    known: tuple[EnuPoint, int, int | None] | None = None
    for waypoint in path:
        place = waypoint.centre
        seconds = candidate.travel.seconds_at(place.east_m, place.north_m)
        if not math.isfinite(seconds):
            continue
        there_ns = now_ns + round((candidate.patrol.ready_s + seconds) * NS)
        if there_ns + settings.early_s * NS <= waypoint.time_ns:
            return place, there_ns, waypoint.time_ns
        if known is None:
            known = place, there_ns, None
    return known


class Dispatches:
    """All orders to patrols of one site; every change is returned as the event that made it."""

    def __init__(self, settings: DispatchSettings | None = None, events: Iterable[DispatchChanged] = ()) -> None:
        self.settings = settings or DispatchSettings()
        self._dispatches: dict[str, Dispatch] = {}
        for event in events:
            self.apply(event)

    def apply(self, event: DispatchChanged) -> None:
        """Take in an event that was logged before."""
        self._dispatches[event.dispatch.dispatch_id] = event.dispatch

    def dispatch(self, dispatch_id: str) -> Dispatch:
        """One order. Raises InputError where there is none of that number."""
        found = self._dispatches.get(dispatch_id)
        if found is None:
            raise InputError(f"there is no order {dispatch_id}")
        return found

    def standing(self, incident_id: str | None = None) -> list[Dispatch]:
        """The orders that have not ended, of one incident or of all, the newest first."""
        found = [
            each
            for each in self._dispatches.values()
            if each.state not in _ENDED and incident_id in {None, each.incident_id}
        ]
        return sorted(found, key=lambda each: (-each.sent_ns, each.dispatch_id))

    def busy(self) -> dict[str, str]:
        """The order that each patrol has which has one."""
        return {each.patrol_id: each.dispatch_id for each in self.standing()}

    def send(
        self, incident_id: str, option: Option, task: Task, text: str, officer: str, now_ns: int
    ) -> DispatchChanged:
        """An officer sends a patrol. Raises RefusedError where it has an order already, or nobody says what to do."""
        if not text.strip() or not officer.strip():
            raise RefusedError("an order says what to do, and who gives it")
        held = self.busy().get(option.patrol_id)
        if held:
            raise RefusedError(f"patrol {option.patrol_id} has order {held}: recall it first, or send another one")
        receive_by_ns = now_ns + round(self.settings.receive_s * NS)
        dispatch = Dispatch(
            dispatch_id=f"D{len(self._dispatches) + 1}", incident_id=incident_id, patrol_id=option.patrol_id, task=task,
            text=text, state="sent", meet=option.meet, meet_ns=option.meet_ns, ordered_by=officer, sent_ns=now_ns,
            changed_ns=now_ns, receive_by_ns=receive_by_ns,
            answer_by_ns=receive_by_ns + round(self.settings.answer_s * NS),
        )  # fmt: skip
        return self._tell(dispatch, "sent", officer, now_ns)

    def answer(self, answer: Answer, now_ns: int) -> list[DispatchChanged]:
        """Take in what a patrol says; what was heard before changes nothing.

        Raises: InputError for an order that there is none of; RefusedError for an answer that cannot be any more.
        """
        before = self.dispatch(answer.dispatch_id)
        if any(each.answer_id == answer.answer_id for each in before.answers):
            return []
        heard = msgspec.structs.replace(before, answers=(*before.answers, answer))
        return [self._happen(heard, answer.says, answer.by, now_ns)]

    def recall(self, dispatch_id: str, officer: str, reason: str, now_ns: int) -> DispatchChanged:
        """An officer calls a patrol back. Raises RefusedError without a reason, and for an order that has ended."""
        if not reason.strip():
            raise RefusedError("a patrol is recalled for a reason: say which")
        return self._happen(self.dispatch(dispatch_id), "recalled", officer, now_ns, reason)

    def follow(self, now_ns: int) -> list[DispatchChanged]:
        """What the passing of time makes of orders that nobody received or answered."""
        events = []
        for each in list(self._dispatches.values()):
            if each.state == "sent" and now_ns >= each.receive_by_ns:
                events.append(self._happen(each, "expired", "", now_ns))
            elif each.state == "received" and not each.overdue and now_ns >= each.answer_by_ns:
                late = msgspec.structs.replace(each, overdue=True)
                events.append(self._happen(late, "overdue", "", now_ns))
        return events

    def _happen(
        self, dispatch: Dispatch, happening: DispatchHappening, by: str, now_ns: int, reason: str = ""
    ) -> DispatchChanged:
        state = TABLE[dispatch.state].get(happening)
        if state is None:
            named = dispatch.state.replace("_", " ")
            said = "given up" if happening == "could_not" else happening.replace("_", " ")
            raise RefusedError(f"order {dispatch.dispatch_id} is {named}: it cannot be {said} any more")
        overdue = dispatch.overdue and state == "received"
        after = msgspec.structs.replace(dispatch, state=state, changed_ns=now_ns, overdue=overdue)
        return self._tell(after, happening, by, now_ns, reason)

    def _tell(
        self, dispatch: Dispatch, happening: DispatchHappening, by: str, now_ns: int, reason: str = ""
    ) -> DispatchChanged:
        event = DispatchChanged(time_ns=now_ns, dispatch=dispatch, happening=happening, by=by, reason=reason)
        self.apply(event)
        return event

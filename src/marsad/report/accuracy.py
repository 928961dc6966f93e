"""How well a watch works, from a campaign: what each piece showed, and what all pieces together come to.

What counts, everywhere alike:

* A target is **visible** in a picture where at least half of it is, its box is 2 x 5 px or more, and its
  signal-to-noise ratio (matched filter over its pixels in one picture, against noise and local clutter) is 12 or more.
  A **crossing** is one target that was visible for three seconds in all.
* It is **found** when an alarm under a rule for the whole view was raised on it before it had gone. The **delay**
  counts from the first picture in which it was visible; an alarm before that has none, and one that never came counts
  as infinite.
* An alarm is on whatever truth the middle of its box lies on then, or lay on shortly before: an actor, else something
  near the lens, else a correction or a fault of the camera under way. On nothing it is **false**. It is a **nuisance**
  on beasts, birds and insects, **environmental** on plants, weather and what the camera does to itself.
  Those of the first ten seconds of a scene, in which the watch learns it, are counted apart.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec

from marsad.kernel.record import Record
from marsad.report.interval import (
    Bin,
    Calibration,
    Honesty,
    Rate,
    Share,
    binned,
    calibration,
    confusion,
    exact_rate,
    exact_share,
    honesty,
    ilids_f1,
    percentile,
)

T = TypeVar("T")
R = TypeVar("R")

LEAST_VISIBLE: Final = 0.5
LEAST_WIDTH_PX: Final = 2.0
LEAST_HEIGHT_PX: Final = 5.0
LEAST_SNR: Final = 12.0
LEAST_CLEAR_S: Final = 3.0
EVENT_S: Final = 10.0
"""An alarm so soon after an event's start counts as of it (i-LIDS)."""
HEALTH_S: Final = 10.0
STARTING_S: Final = 10.0
"""Unwanted alarms so soon after the watch was started are counted apart."""
DAY_S: Final = 86_400.0

SNR_EDGES: Final = (0.0, 3.0, 5.0, 8.0, 12.0, 18.0, 27.0, 40.0, 1e9)
HEIGHT_EDGES: Final = (0.0, 3.0, 5.0, 6.0, 8.0, 12.0, 18.0, 27.0, 1e9)
RANGE_EDGES: Final = (0.0, 250.0, 500.0, 750.0, 1000.0, 1500.0, 2000.0, 2500.0, 1e9)
KIND_EDGES: Final = {"12 px or more": (12.0, math.inf), "6 to 12 px": (6.0, 12.0), "below 6 px": (0.0, 6.0)}

Category = Literal["intended", "either", "nuisance", "environmental", "false"]
SERIOUS: Final = frozenset({"moved", "covered", "frozen", "looped", "defocused"})
"""Faults that blind or deceive the watch and must be reported; gain jumps and corrections must only do no harm."""
UNWANTED: Final = ("nuisance", "environmental", "false")


class Passage(Record):
    """One actor's way through one scene, and what the watch made of it.

    Times are seconds of the scene. `first_s` is when half of it could first be seen, `clear_s` when it was first
    visible in the sense of this module, `clear_for_s` for how long in all; sizes and ratios are medians over those
    pictures, or over all in which half was seen. `snr_noise` is over noise alone, without clutter. `said` counts
    pictures by the kind that was said, `height_px` is the target's own.
    """

    actor_id: int
    kind: str
    true_kind: str | None
    gait: str
    load: bool
    role: str
    must: str
    party: str
    members: int
    range_m: float
    height_px: float
    width_px: float
    snr: float
    snr_noise: float
    first_s: float
    last_s: float
    seen_for_s: float
    clear_s: float | None
    clear_for_s: float
    tracked_s: float | None
    tracked_for_s: float
    alarm_s: float | None
    tracks: int
    said: dict[str, int]


class Alarm(Record):
    """One alarm, what it lay on, and what the watch said it was; the box is in pixels.

    `starting` marks those of a watch that has just begun: a campaign starts it far more often than a site does.
    """

    time_s: float
    category: Category
    cause: str
    kind: str
    rule: str
    track_id: int
    box: tuple[float, float, float, float]
    actor_id: int | None = None
    starting: bool = False


class Fault(Record):
    """Something done to the camera, and when the watch reported it."""

    kind: str
    at_s: float
    found_s: float | None = None


class Reported(Record):
    """A report on the camera's health that nothing had caused."""

    kind: str
    at_s: float


class Place(NamedTuple):
    """One position said, against the truth: squared Mahalanobis distance, error, range, and whether several answers."""

    distance2: float
    error_m: float
    range_m: float
    multimodal: bool


class Said(NamedTuple):
    """One statement of a kind: how probable it was said to be, whether it was right, and how tall the target was."""

    confidence: float
    right: bool
    height_px: float


class Counted(Record):
    """A group while its members could be told apart: how many there were, and what the watch said last."""

    party: str
    members: int
    best: int
    low: int
    high: int


class Played(Record):
    """All that one piece of a campaign showed."""

    key: str
    part: str
    air: str
    lie: str
    hour: float
    seconds: float
    frames: int
    scene_cpu_s: float
    watch_cpu_s: float
    windy: bool
    shown: dict[str, float]
    passages: tuple[Passage, ...]
    alarms: tuple[Alarm, ...]
    faults: tuple[Fault, ...]
    reports: tuple[Reported, ...]
    places: tuple[Place, ...]
    kinds: tuple[Said, ...]
    counts: tuple[Counted, ...]


class Delay(Record):
    """How long finding took, misses counted as infinite; None without a crossing."""

    crossings: int
    p50_s: float | None
    p95_s: float | None


class KindTable(Record):
    """How often tracks of one height were called what; `right` is the share that was called by its own kind."""

    heights: str
    right: Share
    table: Mapping[str, Mapping[str, int]]


class HealthFigures(Record):
    """How one kind of fault was found; `within` is the share found within ten seconds."""

    kind: str
    within: Share
    p50_s: float | None
    p95_s: float | None


class Unwelcome(Record):
    """Alarms nobody wants in the days of nuisances: how many a day of each category, and what they lay on."""

    days: float
    nuisance: Rate
    environmental: Rate
    false: Rate
    false_or_nuisance: Rate
    all: Rate
    causes: Mapping[str, int]
    elsewhere: Mapping[str, int]
    elsewhere_hours: float
    starting: Mapping[str, int]
    starts: int


class Cost(Record):
    """CPU seconds for each hour of one camera, the simulator's and the watch's apart."""

    camera_hours: float
    scene_cpu_s: float
    watch_cpu_s: float


class Goal(Record):
    """A figure to be reached; `met` is None where it was not measured."""

    figure: str
    sense: Literal["at least", "at most", "between"]
    bound: float
    upper: float
    value: float | None
    met: bool | None


class Accuracy(Record):
    """What a campaign comes to."""

    pieces: int
    camera_days: float
    shown_a_day: Mapping[str, float]
    adults: Share
    adults_by_air: Mapping[str, Share]
    adults_tracked: Share
    by_kind: Mapping[str, Share]
    by_snr: tuple[Bin, ...]
    by_snr_noise: tuple[Bin, ...]
    by_height: tuple[Bin, ...]
    by_range: tuple[Bin, ...]
    delay: Delay
    delay_by_air: Mapping[str, Delay]
    delay_by_height: Mapping[str, Delay]
    delays_s: tuple[float, ...]
    near_flocks: Share
    unwelcome: Unwelcome
    f1_alert: float | None
    f1_recording: float | None
    kinds: tuple[KindTable, ...]
    calibration: Calibration
    groups_within_one: Share
    group_errors: Mapping[str, int]
    positions: Honesty
    positions_with_several_answers: int
    health: tuple[HealthFigures, ...]
    false_health: Rate
    false_health_kinds: Mapping[str, int]
    tracks_per_crossing: float | None
    cost: Cost
    goals: tuple[Goal, ...]


class _Event(NamedTuple):
    """One crossing: a single target, or a party that moves together."""

    played: Played
    members: tuple[Passage, ...]

    @property
    def clear_s(self) -> float:
        return min(each.clear_s for each in self.members if each.clear_s is not None)

    @property
    def found_s(self) -> float | None:
        """When the first alarm on any of them was raised."""
        return min((each.alarm_s for each in self.members if each.alarm_s is not None), default=None)

    @property
    def delay_s(self) -> float:
        """How long that took from the first picture in which any was visible."""
        return math.inf if self.found_s is None else max(self.found_s - self.clear_s, 0.0)


def was_visible(passage: Passage) -> bool:
    """Whether a target was visible for long enough to count as a crossing."""
    return passage.clear_s is not None and passage.clear_for_s >= LEAST_CLEAR_S


def summarise(pieces: Sequence[Played]) -> Accuracy:
    """What the pieces of one campaign come to together."""
    events = [event for played in pieces for event in _events(played)]
    singles = [each for each in events if each.played.part == "crossing" and each.members[0].must == "alarm"]
    adults = [each for each in singles if _is_walking_adult(each.members[0])]
    seen = [
        (played, passage)
        for played in pieces
        for passage in played.passages
        if played.part == "crossing" and passage.must == "alarm" and passage.seen_for_s >= LEAST_CLEAR_S
    ]
    days = [played for played in pieces if played.part == "day"]
    camera_days = sum(played.seconds for played in days) / DAY_S
    unwelcome = _unwelcome(pieces, camera_days)
    f1 = [_figure_of_merit(pieces, events, weight) for weight in (0.65, 0.75)]
    counted = [each for played in pieces for each in played.counts]
    placed = [(played.key, place) for played in pieces for place in played.places]
    single = [(key, place) for key, place in placed if not place.multimodal]
    said = [each for played in pieces for each in played.kinds]
    measured = Accuracy(
        pieces=len(pieces),
        camera_days=camera_days,
        shown_a_day=_shown_a_day(days, camera_days),
        adults=_found(adults),
        adults_by_air=_by(adults, lambda event: event.played.air, _found),
        adults_tracked=exact_share(sum(e.members[0].tracked_s is not None for e in adults), len(adults)),
        by_kind=_by(_visible_passages(pieces), _kind_name, _found_passages),
        by_snr=_binned(seen, lambda passage: passage.snr, SNR_EDGES),
        by_snr_noise=_binned(seen, lambda passage: passage.snr_noise, SNR_EDGES),
        by_height=_binned(seen, lambda passage: passage.height_px, HEIGHT_EDGES),
        by_range=_binned(seen, lambda passage: passage.range_m, RANGE_EDGES),
        delay=_delay(adults),
        delay_by_air=_by(adults, lambda event: event.played.air, _delay),
        delay_by_height={
            name: _delay([e for e in adults if low <= e.members[0].height_px < high])
            for name, (low, high) in KIND_EDGES.items()
        },
        delays_s=tuple(sorted(event.delay_s for event in adults)),
        near_flocks=_found([e for e in events if e.played.part == "flock" and e.members[0].must == "alarm"]),
        unwelcome=unwelcome,
        f1_alert=f1[0],
        f1_recording=f1[1],
        kinds=_kind_tables(pieces),
        calibration=calibration([each.confidence for each in said], [each.right for each in said]),
        groups_within_one=exact_share(sum(abs(each.best - each.members) <= 1 for each in counted), len(counted)),
        group_errors=dict(sorted(Counter(f"{each.best - each.members:+d}" for each in counted).items())),
        positions=honesty([p.distance2 for _, p in single], [p.error_m for _, p in single], [key for key, _ in single]),
        positions_with_several_answers=len(placed) - len(single),
        health=_health(pieces),
        false_health=exact_rate(sum(len(each.reports) for each in days), camera_days),
        false_health_kinds=dict(Counter(report.kind for each in pieces for report in each.reports)),
        tracks_per_crossing=_mean([float(e.members[0].tracks) for e in adults if e.members[0].tracks]),
        cost=_cost(pieces),
        goals=(),
    )
    return _with_goals(measured)


def _events(played: Played) -> Iterable[_Event]:
    """The crossings of a piece: single targets, and parties as one."""
    parties: dict[str, list[Passage]] = {}
    for passage in played.passages:
        if passage.must == "alarm" and was_visible(passage):
            parties.setdefault(passage.party or f"actor {passage.actor_id}", []).append(passage)
    return [_Event(played, tuple(members)) for members in parties.values()]


def _is_walking_adult(passage: Passage) -> bool:
    return passage.kind == "person" and passage.gait == "walk" and not passage.load


def _kind_name(passage: Passage) -> str:
    """The kind of a target, a person's with its gait."""
    if passage.kind != "person":
        return passage.kind
    return f"person, {passage.gait}" + (", loaded" if passage.load else "")


def _visible_passages(pieces: Sequence[Played]) -> list[Passage]:
    return [
        passage
        for played in pieces
        if played.part == "crossing"
        for passage in played.passages
        if was_visible(passage) and passage.role != "scenery"
    ]


def _found(events: Sequence[_Event]) -> Share:
    return exact_share(sum(event.found_s is not None for event in events), len(events))


def _found_passages(passages: Sequence[Passage]) -> Share:
    """Those that raised an alarm: for beasts and plants the fewer the better."""
    return exact_share(sum(passage.alarm_s is not None for passage in passages), len(passages))


def _by(items: Iterable[T], key: Callable[[T], str], of: Callable[[Sequence[T]], R]) -> dict[str, R]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {name: of(group) for name, group in sorted(groups.items())}


def _binned(
    seen: Sequence[tuple[Played, Passage]], value: Callable[[Passage], float], edges: Sequence[float]
) -> tuple[Bin, ...]:
    """The share of people and vehicles found, by something about them, those too faint or small to be visible too."""
    passages = [passage for _, passage in seen]
    return binned([value(each) for each in passages], [each.alarm_s is not None for each in passages], edges)


def _delay(events: Sequence[_Event]) -> Delay:
    delays = [event.delay_s for event in events]
    return Delay(crossings=len(delays), p50_s=percentile(delays, 0.5), p95_s=percentile(delays, 0.95))


def _shown_a_day(days: Sequence[Played], camera_days: float) -> dict[str, float]:
    total: dict[str, float] = {}
    for played in days:
        for name, count in played.shown.items():
            total[name] = total.get(name, 0.0) + count
    return {name: count / camera_days for name, count in sorted(total.items())} if camera_days else {}


def _unwelcome(pieces: Sequence[Played], camera_days: float) -> Unwelcome:
    def alarms(*, by_day: bool) -> list[Alarm]:
        chosen = [played for played in pieces if (played.part == "day") == by_day]
        return [alarm for played in chosen for alarm in _unwanted(played) if not alarm.starting]

    of_days = alarms(by_day=True)
    count = Counter(alarm.category for alarm in of_days)
    return Unwelcome(
        days=camera_days,
        nuisance=exact_rate(count["nuisance"], camera_days),
        environmental=exact_rate(count["environmental"], camera_days),
        false=exact_rate(count["false"], camera_days),
        false_or_nuisance=exact_rate(count["false"] + count["nuisance"], camera_days),
        all=exact_rate(len(of_days), camera_days),
        causes=_causes(of_days),
        elsewhere=_causes(alarms(by_day=False)),
        elsewhere_hours=sum(played.seconds for played in pieces if played.part != "day") / 3600,
        starting=_causes([alarm for played in pieces for alarm in _unwanted(played) if alarm.starting]),
        starts=len(pieces),
    )


def _unwanted(played: Played) -> list[Alarm]:
    return [alarm for alarm in played.alarms if alarm.category in UNWANTED]


def _causes(alarms: Sequence[Alarm]) -> dict[str, int]:
    return dict(Counter(f"{alarm.category}: {alarm.cause}" for alarm in alarms).most_common())


def _figure_of_merit(pieces: Sequence[Played], events: Sequence[_Event], weight: float) -> float | None:
    """The i-LIDS figure over all pieces: an event is found by an alarm within ten seconds, all unwanted ones count."""
    found = sum(event.delay_s <= EVENT_S for event in events)
    false = sum(not alarm.starting for played in pieces for alarm in _unwanted(played))
    return ilids_f1(found, len(events) - found, false, weight)


def _kind_tables(pieces: Sequence[Played]) -> tuple[KindTable, ...]:
    """One table for each class of heights; a passage is called what it was called in most pictures."""
    told: list[tuple[Passage, str]] = [
        (passage, max(passage.said, key=lambda kind: passage.said[kind]))
        for played in pieces
        if played.part in {"crossing", "day", "group"}
        for passage in played.passages
        if passage.said and passage.true_kind in {"person", "vehicle", "animal"} and was_visible(passage)
    ]
    tables = []
    for name, (low, high) in KIND_EDGES.items():
        here = [(passage, said) for passage, said in told if low <= passage.height_px < high]
        right = sum(kind_is_right(passage.true_kind, said, passage.members) for passage, said in here)
        pairs = [(passage.true_kind or "nothing", said) for passage, said in here]
        tables.append(KindTable(heights=name, right=exact_share(right, len(here)), table=confusion(pairs)))
    return tuple(tables)


def kind_is_right(true: str | None, said: str, members: int) -> bool:
    """Whether a kind is the true one; several people who go together may each be called a group."""
    return said == true or (said == "group" and true == "person" and members > 1)


def _health(pieces: Sequence[Played]) -> tuple[HealthFigures, ...]:
    faults = [fault for played in pieces for fault in played.faults]
    return tuple(_by(faults, lambda fault: fault.kind, _health_figures).values())


def _health_figures(faults: Sequence[Fault]) -> HealthFigures:
    after = [math.inf if fault.found_s is None else fault.found_s - fault.at_s for fault in faults]
    return HealthFigures(
        kind=faults[0].kind,
        within=exact_share(sum(each <= HEALTH_S for each in after), len(after)),
        p50_s=percentile(after, 0.5),
        p95_s=percentile(after, 0.95),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _cost(pieces: Sequence[Played]) -> Cost:
    hours = sum(played.seconds for played in pieces) / 3600
    if hours == 0:
        return Cost(camera_hours=0.0, scene_cpu_s=0.0, watch_cpu_s=0.0)
    scene, watch = sum(each.scene_cpu_s for each in pieces), sum(each.watch_cpu_s for each in pieces)
    return Cost(camera_hours=hours, scene_cpu_s=scene / hours, watch_cpu_s=watch / hours)


def _with_goals(measured: Accuracy) -> Accuracy:
    """The same with what was to be reached."""
    m = measured
    heights = {table.heights: table.right.share for table in m.kinds}
    serious = [each.within for each in m.health if each.kind in SERIOUS]
    found, faults = sum(each.found for each in serious), sum(each.of for each in serious)
    goals = (
        _at_least("crossings of walking adults found", 0.98, m.adults.share),
        _at_most("delay, median, s", 2.0, m.delay.p50_s),
        _at_most("delay, 95 of 100, s", 4.0, m.delay.p95_s),
        _at_most("false or nuisance alarms a camera-day", 1.0, m.unwelcome.false_or_nuisance.rate),
        _at_least("people near a flock found", 0.98, m.near_flocks.share),
        _at_least("kinds right at 12 px or more", 0.95, heights["12 px or more"]),
        _at_least("kinds right at 6 to 12 px", 0.85, heights["6 to 12 px"]),
        _at_least("groups counted within one", 0.95, m.groups_within_one.share),
        _between("truths inside the 95 % ellipse", 0.93, 0.97, m.positions.inside),
        _at_least("faults of the camera found within 10 s", 0.98, found / faults if faults else None),
        _at_most("false reports of the camera's health a camera-day", 1.0, m.false_health.rate),
        _at_most("CPU hours of one core for a camera-day", 2.0, _cpu_hours_a_day(m.cost)),
    )
    return msgspec.structs.replace(m, goals=goals)


def _cpu_hours_a_day(cost: Cost) -> float | None:
    return (cost.scene_cpu_s + cost.watch_cpu_s) * 24 / 3600 if cost.camera_hours else None


def _at_least(figure: str, bound: float, value: float | None) -> Goal:
    met = None if value is None else value >= bound
    return Goal(figure=figure, sense="at least", bound=bound, upper=bound, value=value, met=met)


def _at_most(figure: str, bound: float, value: float | None) -> Goal:
    met = None if value is None else value <= bound
    return Goal(figure=figure, sense="at most", bound=bound, upper=bound, value=value, met=met)


def _between(figure: str, low: float, high: float, value: float | None) -> Goal:
    met = None if value is None else low <= value <= high
    return Goal(figure=figure, sense="between", bound=low, upper=high, value=value, met=met)

"""A walk test: own staff cross the real line carrying GPS, and each crossing is held against what the watch logged.

Each crossing is one trial. It is *found* where a track of the walker was believed within some seconds of his first
coming into view of a camera that was watching, and *alarmed* where an alarm followed within the same of his being both
in view and across the line. First in view: the upper half of him, large enough, for two seconds, by terrain, pose and
GPS; the temperature is not known, so that nothing is said of the signal. A crossing that began on a track already held
is no trial of finding and is counted apart. Dead ground counts as missed: the line is what must be watched.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from marsad.kernel.position import GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.track import Kind
from marsad.report.crossing import Crossing, LinePath, Times, Walk, places_at
from marsad.report.demonstration import Demonstration, demonstrate
from marsad.report.interval import CHI2_2_95, Honesty, Share, exact_share, honesty, percentile
from marsad.report.matching import Alignment, Gate, Match, chance, matches
from marsad.report.sighting import Alarm, LogStory, Roll, Sighting, troubles_in, watching
from marsad.report.view import RANKED, SEEN, SIGHTS, Eye, Look, Sight, squared

Outcome = Literal["found", "late", "missed", "held", "not tried"]

VIEW_S: Final = 2.0
"""So long somebody must stay in view for that to count as coming into view."""
STEP_S: Final = 0.5
_BRIDGED_S = 1.0
_MOST_STEPS = 7200
_STEADY_S = 10.0
_HELD_S = 2.0

Key = tuple[str, int, int]


class Terms(Record):
    """How a walk test is judged; `within_s` is how soon somebody in view must be found."""

    within_s: float = 10.0
    least_px: float = 5.0
    height_m: float = 1.75
    cell_m: float = 100.0
    range_m: float = 250.0
    gate: Gate = Gate()


class PredictedShare(Record, forbid_unknown_fields=False):
    """What a simulation found of walkers whose height in pixels lies in [from, to): so many of so many."""

    height_px_from: float
    height_px_to: float
    found: Annotated[int, Meta(ge=0)]
    of: Annotated[int, Meta(ge=0)]


class CameraOutcome(Record):
    """One crossing and one camera.

    `visible_ns` is when the walker came into its view, `range_m` and `height_px` what he was then; `predicted` what the
    simulation found at that height. The track's place nearest in time to the line, with its covariance, lies `error_m`
    from the GPS; `distance2` is the squared Mahalanobis distance, GPS and clock included, `inside` whether that lies
    in the 95 % ellipse.
    """

    camera_id: str
    sight: Sight
    outcome: Outcome
    visible_ns: int | None = None
    range_m: float | None = None
    height_px: float | None = None
    predicted: float | None = None
    after_s: float | None = None
    east_m: float | None = None
    north_m: float | None = None
    covariance: GroundCovariance | None = None
    error_m: float | None = None
    distance2: float | None = None
    inside: bool | None = None


class CrossingOutcome(Record):
    """One crossing: whether it was found and alarmed, when, by which camera, and what was to be expected.

    `found_after_s` counts from first in view and may be below 0 by the GPS's error, `alarm_after_line_s` from the line.
    `predicted` is the best camera's, 0 where the geometry shows him to none; None where nothing predicts it.
    `reason` says why it was missed, as far as is known.
    """

    crossing: Crossing
    found: Outcome
    alarmed: Outcome
    sight: Sight
    reason: str = ""
    visible_ns: int | None = None
    in_view_s: float = 0.0
    found_ns: int | None = None
    found_after_s: float | None = None
    found_by: str = ""
    alarm_ns: int | None = None
    alarm_after_line_s: float | None = None
    kind: Kind | None = None
    range_m: float | None = None
    height_px: float | None = None
    predicted: float | None = None
    cameras: tuple[CameraOutcome, ...] = ()
    tracks: tuple[Key, ...] = ()


class PlaceRow(Record):
    """A stretch of the line: what was found there beside what was to be expected.

    `in_view` is how many of those tried the geometry shows to a camera, `predicted` what the simulation expects of
    them on average, `verdict` how the two agree.
    """

    line_id: str
    from_m: float
    to_m: float
    crossings: int
    not_tried: int
    held: int
    found: Share
    alarmed: Share
    in_view: int
    predicted: float | None
    verdict: str
    after_p50_s: float | None
    after_p95_s: float | None
    reasons: dict[str, int]


class RangeRow(Record):
    """What one camera found of those who came into its view at some range."""

    camera_id: str
    from_m: float
    to_m: float
    held: int
    found: Share
    height_px: float | None
    predicted: float | None
    verdict: str
    after_p50_s: float | None
    after_p95_s: float | None
    places: Honesty


class LineSummary(Record):
    """One line as a whole."""

    line_id: str
    length_m: float
    crossings: int
    not_tried: int
    held: int
    found: Demonstration
    alarmed: Demonstration
    in_view: int
    predicted: float | None
    verdict: str
    places: tuple[PlaceRow, ...]


class Walktest(Record):
    """All that a walk test shows; `kinds` says what the walkers' tracks were called."""

    terms: Terms
    lines: tuple[LineSummary, ...]
    ranges: tuple[RangeRow, ...]
    positions: Honesty
    chance: Share
    alignments: tuple[Alignment, ...]
    kinds: dict[str, int]
    crossings: tuple[CrossingOutcome, ...]


class Field(NamedTuple):
    """Where and how a test is judged: the lines, which directions raise an alarm, the cameras and the expectations."""

    paths: Mapping[str, LinePath]
    asked: Callable[[Crossing], bool]
    eyes: Mapping[str, Eye]
    table: Sequence[PredictedShare]
    terms: Terms


def walktest(
    field: Field,
    walks: Mapping[str, Walk],
    crossings: Sequence[Crossing],
    story: LogStory,
    alignments: Sequence[Alignment] = (),
) -> Walktest:
    """What the crossings show; the story's times are the GPS's."""
    roll = Roll(story.sightings)
    outcomes = [judge(field, walks[crossing.walker], crossing, story, roll) for crossing in crossings]
    own = {key for each in outcomes for key in each.tracks}
    by_key = {_key(each): each for each in story.sightings}
    kinds = Counter(by_key[key].kind for key in own)
    return Walktest(
        terms=field.terms,
        lines=tuple(_line(field, path, outcomes) for path in field.paths.values()),
        ranges=tuple(_range_rows(field, outcomes)),
        positions=_honesty([(outcome, seen) for outcome in outcomes for seen in outcome.cameras]),
        chance=chance(story, walks, crossings, own, field.eyes, field.terms.gate),
        alignments=tuple(alignments),
        kinds=dict(sorted(kinds.items())),
        crossings=tuple(outcomes),
    )


def judge(field: Field, walk: Walk, crossing: Crossing, story: LogStory, roll: Roll) -> CrossingOutcome:
    """One crossing held against the log, whose sightings the roll holds."""
    found = matches(roll, walk, (crossing.start_ns, crossing.end_ns), field.eyes, field.terms.gate)
    cameras = [_camera(field, walk, crossing, story, eye, found) for eye in field.eyes.values()]
    tried = [each for each in cameras if each.sight != "not watching"]
    outcome = CrossingOutcome(
        crossing=crossing,
        found="not tried",
        alarmed="not tried",
        sight="not watching",
        reason="" if tried else "no camera was being watched",
        cameras=tuple(cameras),
        tracks=tuple(_key(match.sighting) for match in found),
    )
    if not tried:
        return outcome
    outcome = _sighted(field, walk, outcome, tried)
    outcome = _found(field, outcome, found)
    outcome = _alarmed(field, walk, outcome, story, found)
    return msgspec.structs.replace(outcome, reason=_reason(field, outcome, story))


def _camera(
    field: Field, walk: Walk, crossing: Crossing, story: LogStory, eye: Eye, found: Sequence[Match]
) -> CameraOutcome:
    """What one camera made of a crossing."""
    if not watching(story, eye.camera_id, crossing.crossed_ns):
        return CameraOutcome(camera_id=eye.camera_id, sight="not watching", outcome="not tried")
    terms = field.terms
    times = _moments(crossing)
    look = eye.look(places_at(walk, times), terms.height_m, terms.least_px)
    own = [match for match in found if match.sighting.camera_id == eye.camera_id]
    visible = _into_view(look, times)
    held = any(_held(match, crossing) for match in own)
    seen = CameraOutcome(
        camera_id=eye.camera_id,
        sight=SIGHTS[int(look.sight.max())] if visible is None else "in view",
        outcome="not tried" if visible is None and not own else "missed",
    )
    if visible is not None:
        near = slice(visible, visible + round(_STEADY_S / _step_s(times)) + 1)
        seen = msgspec.structs.replace(
            seen,
            visible_ns=int(times[visible]),
            range_m=float(look.range_m[visible]),
            height_px=float(np.median(look.height_px[near][look.sight[near] == SEEN])),
        )
        seen = msgspec.structs.replace(seen, predicted=predicted_at(field.table, seen.height_px or 0.0))
    if own:
        outcome, after_s = _in_time(_earliest(own, crossing), seen.visible_ns, terms.within_s)
        seen = msgspec.structs.replace(seen, outcome="held" if held else outcome, after_s=None if held else after_s)
    return _placed(seen, own, crossing)


def _moments(crossing: Crossing) -> Times:
    """The moments of a crossing at which it is looked at."""
    seconds = (crossing.end_ns - crossing.start_ns) / 1e9
    steps = min(max(math.ceil(seconds / STEP_S), 1), _MOST_STEPS)
    return np.linspace(crossing.start_ns, crossing.end_ns, steps + 1).astype(np.int64)


def _step_s(times: Times) -> float:
    return max(float(times[-1] - times[0]) / 1e9 / (len(times) - 1), 1e-3)


def _into_view(look: Look, times: Times) -> int | None:
    """The first moment from which the walker stays in view, short breaks bridged; None where he never does."""
    seen = np.flatnonzero(look.sight == SEEN)
    if not len(seen):
        return None
    step_s = _step_s(times)
    for spell in np.split(seen, np.flatnonzero(np.diff(seen) * step_s > _BRIDGED_S + step_s) + 1):
        if (spell[-1] - spell[0]) * step_s >= VIEW_S:
            return int(spell[0])
    return None


def _held(match: Match, crossing: Crossing) -> bool:
    """Whether a track was already on the walker when the crossing began."""
    begun = match.sighting.confirmed_ns < crossing.start_ns
    return begun and match.first_hit_ns - crossing.start_ns <= _HELD_S * 1e9


def _earliest(found: Sequence[Match], crossing: Crossing) -> int:
    return max(min(match.found_ns for match in found), crossing.start_ns)


def _in_time(found_ns: int, visible_ns: int | None, within_s: float) -> tuple[Outcome, float | None]:
    """Whether a find came in time; where the geometry showed nobody, any find did."""
    if visible_ns is None:
        return "found", None
    after_s = (found_ns - visible_ns) / 1e9
    return ("found" if after_s <= within_s else "late"), round(after_s, 2)


def _placed(seen: CameraOutcome, own: Sequence[Match], crossing: Crossing) -> CameraOutcome:
    """With the point nearest in time to the line, of the track that was longest on the walker, beside the GPS."""
    located = [match for match in own if np.isfinite(match.error_m).any()]
    if not located:
        return seen
    match = max(located, key=lambda match: np.count_nonzero(match.hit))
    apart_ns = np.abs(match.sighting.time_ns[match.rows] - crossing.crossed_ns)
    point = int(np.argmin(np.where(np.isfinite(match.error_m), apart_ns, np.inf)))
    sighting, row = match.sighting, match.rows[point]
    east2, east_north, north2 = sighting.covariance[row].tolist()
    distance2 = float(match.distance2[point])
    return msgspec.structs.replace(
        seen,
        east_m=float(sighting.east_m[row]),
        north_m=float(sighting.north_m[row]),
        covariance=GroundCovariance(east_m2=east2, east_north_m2=east_north, north_m2=north2),
        error_m=round(float(match.error_m[point]), 2),
        distance2=distance2,
        inside=distance2 <= CHI2_2_95,
    )


def predicted_at(table: Sequence[PredictedShare], height_px: float) -> float | None:
    """What the simulation found at a height in pixels; above its highest row that row's, None below the lowest."""
    rows = sorted((row for row in table if row.of > 0), key=lambda row: row.height_px_from)
    chosen = [row for row in rows if row.height_px_from <= height_px < row.height_px_to]
    if not chosen and rows and height_px >= rows[-1].height_px_to:
        chosen = rows[-1:]
    return chosen[0].found / chosen[0].of if chosen else None


def _sighted(field: Field, walk: Walk, outcome: CrossingOutcome, tried: Sequence[CameraOutcome]) -> CrossingOutcome:
    """With what the geometry shows of the crossing to the cameras that watched."""
    best = max(tried, key=lambda each: RANKED.index(each.sight))
    outcome = msgspec.structs.replace(outcome, sight=best.sight, predicted=0.0 if field.table else None)
    in_view = [each for each in tried if each.visible_ns is not None]
    if not in_view:
        return outcome
    times = _moments(outcome.crossing)
    places = places_at(walk, times)
    terms = field.terms
    seen = np.zeros(len(times), np.bool_)
    for each in in_view:
        seen |= field.eyes[each.camera_id].look(places, terms.height_m, terms.least_px).sight == SEEN
    first = min(in_view, key=lambda each: each.visible_ns or 0)
    known = [each.predicted for each in in_view if each.predicted is not None]
    return msgspec.structs.replace(
        outcome,
        visible_ns=first.visible_ns,
        in_view_s=round(float(np.count_nonzero(seen)) * _step_s(times), 1),
        range_m=first.range_m,
        height_px=max(each.height_px or 0.0 for each in in_view),
        predicted=max(known) if len(known) == len(in_view) else None,
    )


def _found(field: Field, outcome: CrossingOutcome, found: Sequence[Match]) -> CrossingOutcome:
    """With whether a track of the walker was believed in time."""
    if not found:
        return msgspec.structs.replace(outcome, found="missed")
    first = min(found, key=lambda match: (match.found_ns, match.sighting.camera_id))
    outcome = msgspec.structs.replace(outcome, found_by=first.sighting.camera_id, kind=first.sighting.kind)
    if any(_held(match, outcome.crossing) for match in found):
        return msgspec.structs.replace(outcome, found="held")
    found_ns = _earliest(found, outcome.crossing)
    told, after_s = _in_time(found_ns, outcome.visible_ns, field.terms.within_s)
    return msgspec.structs.replace(outcome, found=told, found_ns=found_ns, found_after_s=after_s)


def _alarmed(
    field: Field, walk: Walk, outcome: CrossingOutcome, story: LogStory, found: Sequence[Match]
) -> CrossingOutcome:
    """With whether an alarm was raised for the walker in time."""
    crossing = outcome.crossing
    if not field.asked(crossing):
        return outcome
    due_ns = max(outcome.visible_ns or 0, crossing.crossed_ns) + round(field.terms.within_s * 1e9)
    alarms = [
        alarm
        for alarm in story.alarms
        if _in_question(alarm, crossing, due_ns) and _of_walker(alarm, walk, found, field.terms.gate)
    ]
    if not alarms:
        return msgspec.structs.replace(outcome, alarmed="missed")
    first = min(alarms, key=lambda alarm: alarm.time_ns)
    return msgspec.structs.replace(
        outcome,
        alarmed="found" if first.time_ns <= due_ns else "late",
        alarm_ns=first.time_ns,
        alarm_after_line_s=round((first.time_ns - crossing.crossed_ns) / 1e9, 2),
        kind=first.kind,
    )


def _in_question(alarm: Alarm, crossing: Crossing, due_ns: int) -> bool:
    """Whether an alarm, by its rule and time, may be the answer to a crossing."""
    if alarm.rule == "line_crossing" and crossing.direction:
        meant = alarm.rule_id == crossing.line_id and alarm.direction == crossing.direction
        return meant and crossing.start_ns <= alarm.time_ns <= max(crossing.end_ns, due_ns)
    return crossing.start_ns <= alarm.time_ns <= crossing.end_ns


def _of_walker(alarm: Alarm, walk: Walk, found: Sequence[Match], gate: Gate) -> bool:
    """Whether an alarm is about a walker: his track, one of its group, or a place he was at."""
    for match in found:
        sighting = match.sighting
        if (sighting.camera_id, sighting.run) == (alarm.camera_id, alarm.run) and (
            sighting.track_id == alarm.track_id or alarm.group_id in sighting.groups
        ):
            return True
    if alarm.ground is None or alarm.ground.multimodal:
        return False
    places = places_at(walk, np.array([alarm.time_ns], np.int64))
    ground, c = alarm.ground, alarm.ground.covariance
    ellipse = np.array([[[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]]])
    pace = np.stack([places.east_m_s, places.north_m_s], axis=-1)[:, :, None] * gate.clock_s
    spread = ellipse + (places.sigma_m**2)[:, None, None] * np.eye(2) + pace @ np.swapaxes(pace, 1, 2)
    off = np.array([[ground.east_m - places.east_m[0], ground.north_m - places.north_m[0]]])
    return bool(squared(off, spread)[0] <= gate.sigmas**2)


def _reason(field: Field, outcome: CrossingOutcome, story: LogStory) -> str:
    """Why somebody was not found or raised no alarm, as far as is known."""
    if outcome.found == "late":
        return f"found late, {outcome.found_after_s:.0f} s after he came into view"
    if outcome.found in {"found", "held"}:
        if outcome.sight != "in view":
            return f"found, though by geometry {outcome.sight}"
        return _alarm_reason(outcome)
    if outcome.visible_ns is None:
        return f"in view for less than {VIEW_S:g} s" if outcome.sight == "glimpsed" else outcome.sight
    due_ns = outcome.visible_ns + round(field.terms.within_s * 1e9)
    seeing = [each.camera_id for each in outcome.cameras if each.visible_ns is not None]
    befell = {what: camera for camera in seeing for what in troubles_in(story, camera, outcome.visible_ns, due_ns)}
    if befell:
        return ", ".join(f"{camera}: {what}" for what, camera in befell.items())
    return "in view, not tracked"


def _alarm_reason(outcome: CrossingOutcome) -> str:
    """Why somebody who was tracked raised no alarm in time."""
    if outcome.alarmed == "late":
        return f"alarm late, {outcome.alarm_after_line_s:.0f} s after the line"
    return f"tracked as {outcome.kind}, no alarm" if outcome.alarmed == "missed" else ""


def _line(field: Field, path: LinePath, outcomes: Sequence[CrossingOutcome]) -> LineSummary:
    mine = [each for each in outcomes if each.crossing.line_id == path.line_id]
    found, alarmed = _counts(mine)
    cells = sorted({int(each.crossing.along_m // field.terms.cell_m) for each in mine})
    predicted = _expected(mine)
    return LineSummary(
        line_id=path.line_id,
        length_m=round(path.length_m, 1),
        crossings=len(mine),
        not_tried=_number(mine, "not tried"),
        held=_number(mine, "held"),
        found=demonstrate(found.found, found.of),
        alarmed=demonstrate(alarmed.found, alarmed.of),
        in_view=sum(each.sight == "in view" for each in mine),
        predicted=predicted,
        verdict=verdict(found, predicted),
        places=tuple(
            _place_row(
                path, cell * field.terms.cell_m, field.terms.cell_m,
                [each for each in mine if int(each.crossing.along_m // field.terms.cell_m) == cell],
            )
            for cell in cells
        ),
    )  # fmt: skip


def _place_row(path: LinePath, from_m: float, cell_m: float, mine: Sequence[CrossingOutcome]) -> PlaceRow:
    found, alarmed = _counts(mine)
    after_s = [each.found_after_s for each in mine if each.found_after_s is not None]
    predicted = _expected(mine)
    reasons = Counter(each.reason.partition(",")[0] for each in mine if "late" in {each.found, each.alarmed})
    reasons += Counter(each.reason for each in mine if "missed" in {each.found, each.alarmed} and each.reason)
    return PlaceRow(
        line_id=path.line_id,
        from_m=from_m,
        to_m=min(from_m + cell_m, path.length_m),
        crossings=len(mine),
        not_tried=_number(mine, "not tried"),
        held=_number(mine, "held"),
        found=found,
        alarmed=alarmed,
        in_view=sum(each.sight == "in view" for each in mine),
        predicted=predicted,
        verdict=verdict(found, predicted),
        after_p50_s=percentile(after_s, 0.5),
        after_p95_s=percentile(after_s, 0.95),
        reasons=dict(reasons),
    )


def _range_rows(field: Field, outcomes: Sequence[CrossingOutcome]) -> Iterable[RangeRow]:
    """Each camera's cells of range, nearest first."""
    step_m = field.terms.range_m
    for camera_id in field.eyes:
        seen = [
            (outcome, each)
            for outcome in outcomes
            for each in outcome.cameras
            if each.camera_id == camera_id and each.range_m is not None
        ]
        for cell in sorted({int((each.range_m or 0.0) // step_m) for _, each in seen}):
            mine = [pair for pair in seen if int((pair[1].range_m or 0.0) // step_m) == cell]
            yield _range_row(camera_id, cell * step_m, step_m, mine)


def _range_row(
    camera_id: str, from_m: float, step_m: float, mine: Sequence[tuple[CrossingOutcome, CameraOutcome]]
) -> RangeRow:
    tried = [each for _, each in mine if each.outcome in {"found", "late", "missed"}]
    found = exact_share(sum(each.outcome == "found" for each in tried), len(tried))
    known = [each.predicted for each in tried if each.predicted is not None]
    predicted = sum(known) / len(known) if known and len(known) == len(tried) else None
    after_s = [each.after_s for each in tried if each.after_s is not None]
    return RangeRow(
        camera_id=camera_id,
        from_m=from_m,
        to_m=from_m + step_m,
        held=sum(each.outcome == "held" for _, each in mine),
        found=found,
        height_px=median(each.height_px or 0.0 for _, each in mine),
        predicted=predicted,
        verdict=verdict(found, predicted),
        after_p50_s=percentile(after_s, 0.5),
        after_p95_s=percentile(after_s, 0.95),
        places=_honesty(mine),
    )


def _honesty(pairs: Sequence[tuple[CrossingOutcome, CameraOutcome]]) -> Honesty:
    """How honest the ellipses are, a place for each crossing and camera, GPS and clock taken into account."""
    placed = [
        (each.distance2, each.error_m, (outcome.crossing.walker, outcome.crossing.number))
        for outcome, each in pairs
        if each.distance2 is not None and each.error_m is not None and math.isfinite(each.distance2)
    ]
    distances2, errors_m, scenes = zip(*placed, strict=True) if placed else ((), (), ())
    return honesty(distances2, errors_m, scenes)


def _counts(mine: Sequence[CrossingOutcome]) -> tuple[Share, Share]:
    """Found and alarmed of those tried."""
    tried = [each.found for each in mine if each.found in {"found", "late", "missed"}]
    asked = [each.alarmed for each in mine if each.alarmed in {"found", "late", "missed"}]
    return exact_share(tried.count("found"), len(tried)), exact_share(asked.count("found"), len(asked))


def _number(mine: Sequence[CrossingOutcome], outcome: Outcome) -> int:
    return sum(each.found == outcome for each in mine)


def _expected(mine: Sequence[CrossingOutcome]) -> float | None:
    """What the simulation expects to be found on average of those tried; None where it says nothing of one."""
    tried = [each.predicted for each in mine if each.found in {"found", "late", "missed"}]
    known = [each for each in tried if each is not None]
    return sum(known) / len(known) if known and len(known) == len(tried) else None


def verdict(found: Share, predicted: float | None) -> str:
    """How what was found agrees with what was predicted: whether that lies in the exact interval."""
    if predicted is None or not found.of:
        return ""
    if predicted > found.high:
        return "worse than predicted"
    return "better than predicted" if predicted < found.low else "as predicted"


def _key(sighting: Sighting) -> Key:
    return sighting.camera_id, sighting.run, sighting.track_id

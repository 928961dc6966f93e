"""What a track is, from its size, speed, shape, rhythm and steadiness over time.

Where metres are known and silhouettes have been seen, each kind has a score learnt from simulated passes
(`marsad.watch.kind_weights`): a sum of small decision trees, every one of them bounded, so that nothing beyond what was
learnt from weighs more than its edge; what speed and size rule out is then left out of it. Before that, and without a
pose, hand-set terms speak: without a pose a track is called a person only when it is upright and goes somewhere.
`animal`, `flying` and `vegetation` raise no alert, so they may be said only where hardly anything speaks for a human
being, and never of what is upright and tall: `unknown` is handled as a person, and stays so in doubt.

The rhythm is the power of box area at 0.7-3 Hz against all of its power: walking opens and closes a silhouette once a
step (about 2 Hz), and none of it is kept beyond the track.
"""

import math
from collections.abc import Mapping
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.detection import Box
from marsad.kernel.frame import Counts
from marsad.kernel.port import DetectorModel
from marsad.kernel.record import Record
from marsad.kernel.track import Kind, Size
from marsad.watch.kind_weights import FITTED, trees
from marsad.watch.silhouette import Silhouette

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

KINDS: Final[tuple[Kind, ...]] = ("person", "group", "vehicle", "animal", "flying", "vegetation", "unknown")
HARMLESS: Final[frozenset[Kind]] = frozenset({"animal", "flying", "vegetation"})
"""Kinds that raise no alert of their own."""

TALLEST_M, FASTEST_M_S, WIDEST_M = 3.0, 8.0, 1.3
"""What one person can hardly exceed: height with a load and blur, speed, and width."""
WALKING_M_S = 2.5
"""Nobody walks faster than this, upright behind cover, bent or on all fours."""
LEAST_PART_M = (0.4, 0.3)
"""Width and height below which something wider than tall is not even the head and shoulders of a person."""
HEAD_M, CREEPING_M_S = (0.7, 0.5), 0.6
"""Width and height up to which something may be the head and shoulders of somebody who swims, or creeps behind cover,
at no more than this speed."""
CRAWLING_M_S, LONG_BREADTH = 0.7, 0.6
"""Hardly anybody crawls faster than this, and head and shoulders are not so long for their height."""
WALKER_LENGTHS_S = 12.0
"""Own lengths a second beyond which nothing goes on foot: a sprinter makes five, a walker's head, seen alone, six."""
STEADY_LENGTHS_S, STEADY_S, STEADY = 9.0, 1.5, 0.9
"""Beyond known ground as many are enough for as long in one direction: nobody runs there with only the head seen."""
RUNNER_LENGTHS_S = 4.0
"""Own lengths a second that somebody at `FASTEST_M_S` makes at the least: what makes fewer is larger than a person."""
LEAST_RUNNER_M = 0.6
"""Height below which nobody is faster than `WALKING_M_S`, unless only the head is seen: it is taller than wide."""
LEAST_VEHICLE_M, VEHICLE_LENGTHS_S = 1.0, 12.0
"""Every vehicle is larger, and makes fewer of its own lengths a second."""
RULED_OUT = 1e-3
"""What is left of the share of a kind whose size or speed it cannot be."""
IN_SKY = 0.9
"""Seen against the sky for this share of its sights, lately: it is up there."""
LEAST_KNOWN = 0.6
"""Sizes that are wrong by a larger share (one sigma) say nothing."""
LEAST_UPRIGHT_PX = 8.0
"""A box lower than this has no shape to speak of."""
GAIT_HZ = (0.75, 1.0, 1.3, 1.7, 2.1, 2.6)
LEAST_GAIT_PX = 16.0
GAIT_MEMORY_S = 4.0
SHAPES = 12
"""Running means of shape: those of a silhouette, and how much its breadth changes."""
GAIT_STEP_S = 0.07
"""Sights closer than this add nothing to frequencies below 3 Hz."""
MODEL_LIMIT = 1.5
"""Log-odds that a model can add to one kind, however often it looks."""
LOOK_S = 1.0
JUDGE_S = 0.2
"""After its first dozen sights a track is judged this often; its evidence is taken every time."""
CUT_S = 1.0
"""What has been seen at the edge of the picture alone, which may hide a part of it, is not told for so long."""
SUREST_CUT = 0.6
"""Nor is what is not upright ever told with more than this share before it has been seen whole."""
STICKY = 0.4
"""Log-odds by which another kind must win before an alarming kind is given up."""
SUREST = 0.9
FLOOR = -4.0
LEAST_SHAPES = 3
"""Silhouettes that must have been seen before the fitted scores speak."""
HUMAN_SHARE = 0.2
"""What speaks for one or several people may be no more than this share where a harmless kind is said."""
ROUND_BREADTH, ROUND_SHARE, PART_SHARE = 0.25, 0.1, 0.06
"""What is not clearly wider than tall may be people: then it may be no more than the first share. If it is no wider
than `WIDEST_M` it may be a part of somebody, and so may be what was never seen but at the edge of the picture: no more
than the second."""
SETTLED_S, SETTLED_SHARE = 3.0, 0.4
"""What has been followed for so long and has no outline of a single person may be harmless with as much as this share
for people: what they look like side by side speaks for them plainly by then."""
VEHICLE_SHARE = 0.25
"""What speaks for a vehicle may be no more than this share then."""
LEAST_UPRIGHT_M = 0.9
UPRIGHT_BREADTH = -0.25
"""Taller than this, and narrower for its height: never said to be harmless."""
FITTED_SUREST = 0.99
WEIGHED_S = 20.0
"""Fitted scores are averaged over the track so far, and over so long at most."""
LEAST_WEIGHT_S = 0.1
SHARPENED = 1.1
"""By how much the mean of many scores is surer than one of them."""
_FIT: Final = trees()


class Sight(Record):
    """One observation of a track.

    `metres_per_pixel` is across the line of sight at the object; it, `speed_m_s` and `size` are None without a pose.
    `straightness` is how far the track has gone in units of its scatter about a straight line, `size_change` the mean
    change of the logarithm of its area between pictures. One that is `cut` lies at the edge of the picture, which may
    hide a part of it.
    """

    time_s: float
    box: Box
    area_px: int
    contrast_counts: float
    snr: float
    velocity_x_px_s: float
    velocity_y_px_s: float
    metres_per_pixel: float | None = None
    speed_m_s: float | None = None
    size: Size | None = None
    above_horizon: bool | None = None
    straightness: float | None = None
    size_change: float | None = None
    silhouette: Silhouette | None = None
    cut: bool = False


class _Gait:
    """The spectrum of a box's area at walking frequencies, with fading memory."""

    __slots__ = ("level", "parts", "power", "time_s", "weight")

    def __init__(self) -> None:
        self._start_anew(-1.0, 0.0)

    def _start_anew(self, time_s: float, level: float) -> None:
        self.time_s = time_s
        self.level = level
        self.power = 0.0
        self.weight = 0.0
        self.parts = [0j] * len(GAIT_HZ)

    def update(self, time_s: float, area: float) -> None:
        """Take the area of a box at one moment."""
        step = time_s - self.time_s
        if 0 <= step < GAIT_STEP_S:
            return
        if self.time_s < 0 or step > 0.5:
            self._start_anew(time_s, math.log(area))
            return
        self.time_s = time_s
        value = math.log(area) - self.level
        self.level += min(step / 0.7, 1.0) * value
        keep = math.exp(-step / GAIT_MEMORY_S)
        self.power = keep * self.power + value * value
        self.weight = keep * self.weight + 1.0
        turn = -2 * math.pi * (time_s % 1000.0)
        parts = self.parts
        for k, hertz in enumerate(GAIT_HZ):
            angle = turn * hertz
            parts[k] = keep * parts[k] + complex(value * math.cos(angle), value * math.sin(angle))

    def rhythm(self) -> float:
        """The share of the power that lies in the strongest walking frequency, 0 where too little has been seen."""
        if self.weight < 20 or self.power < 1e-3 * self.weight:
            return 0.0
        strongest = max(part.real * part.real + part.imag * part.imag for part in self.parts)
        return min(2 * strongest / (self.weight * self.power), 1.0)


class _Evidence:
    """What has been seen of one track, in running means of fixed size."""

    __slots__ = (
        "across_m_s",
        "birth",
        "change",
        "count",
        "first_s",
        "from_model",
        "gait",
        "ground_m_s",
        "height_m",
        "height_px",
        "judged_s",
        "kind",
        "last",
        "last_look_s",
        "last_s",
        "lengths_s",
        "outlined",
        "path_px",
        "reach_px",
        "reversals",
        "scores",
        "shape",
        "shapes",
        "sized",
        "sky",
        "sky_seen",
        "snr",
        "straight",
        "sure",
        "upright",
        "velocity",
        "vx",
        "vy",
        "weighed_s",
        "weight_s",
        "whole",
        "width_m",
        "width_px",
        "wrong",
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = self.outlined = 0
        self.first_s = self.last_s = 0.0
        self.birth = self.last = (0.0, 0.0)
        self.height_px = self.width_px = 0.0
        self.upright = 0.0
        self.vx = self.vy = self.velocity = 0.0
        self.lengths_s = 0.0
        self.path_px = 0.0
        self.reversals = 0
        self.reach_px = 0.0
        self.straight = 0.0
        self.change = 0.0
        self.snr = 0.0
        self.sized = 0
        self.width_m = self.height_m = self.wrong = 0.0
        self.across_m_s = self.ground_m_s = 0.0
        self.sky = 0.0
        self.sky_seen = 0
        self.whole = 0
        self.gait = _Gait()
        self.shape = [0.0] * SHAPES
        self.shapes = 0
        self.scores: F64 | None = None
        self.weight_s = LEAST_WEIGHT_S
        self.weighed_s = -math.inf
        self.kind: Kind = "unknown"
        self.sure = 0.0
        self.judged_s = -math.inf
        self.from_model: dict[Kind, float] = {}
        self.last_look_s = -math.inf

    @property
    def age_s(self) -> float:
        """How long it has been seen."""
        return self.last_s - self.first_s

    def take(self, sight: Sight) -> None:
        """Add one observation."""
        box = sight.box
        width, height = max(box.w_px, 0.5), max(box.h_px, 0.5)
        place = (box.x_px + width / 2, box.y_px + height / 2)
        if self.count == 0:
            self.first_s, self.birth, self.last = sight.time_s, place, place
        self.count += 1
        self.last_s = sight.time_s
        pace = max(1.0 / self.count, 0.04)
        self.whole += not sight.cut
        if self.whole == 1 and not sight.cut:
            self._forget_size()
        if self.whole == 0 or not sight.cut:
            self._outline(width, height, sight)
        self._motion(pace, place, sight)
        if sight.above_horizon is not None:
            self.sky_seen += 1
            self.sky += max(1.0 / self.sky_seen, 0.04) * (float(sight.above_horizon) - self.sky)

    def _forget_size(self) -> None:
        """Begin anew with what the picture's edge may have cut: it has been seen whole for the first time."""
        self.outlined = self.sized = self.shapes = 0
        self.scores = None
        self.weight_s = LEAST_WEIGHT_S

    def _outline(self, width: float, height: float, sight: Sight) -> None:
        """Add what its outline in the picture tells."""
        self.outlined += 1
        pace = max(1.0 / self.outlined, 0.04)
        self._shape(pace, width, height, sight)
        speed = math.hypot(sight.velocity_x_px_s, sight.velocity_y_px_s)
        self.lengths_s += pace * (speed / max(self.width_px, self.height_px) - self.lengths_s)
        self._metres(sight)
        if height >= LEAST_GAIT_PX:
            self.gait.update(sight.time_s, width * height)
        if sight.silhouette is not None:
            self._silhouette(sight.silhouette, ahead=1.0 if sight.velocity_x_px_s >= 0 else -1.0)

    def _silhouette(self, seen: Silhouette, ahead: float) -> None:
        """Add one shape; what has a left and a right is turned to the way it goes."""
        means = self.shape
        first = self.shapes == 0
        values = (
            seen.breadth,
            ahead * seen.tilt,
            ahead * seen.lean,
            seen.sag,
            seen.middle,
            seen.top_width,
            seen.bottom_width,
            seen.top_mass,
            seen.bottom_mass,
            seen.peak,
            seen.fill,
            0.0 if first else abs(seen.breadth - means[0]),
        )
        self.shapes += 1
        pace = max(1.0 / self.shapes, 0.02)
        for k, value in enumerate(values):
            means[k] += pace * (value - means[k])

    def _shape(self, pace: float, width: float, height: float, sight: Sight) -> None:
        before = self.width_px * self.height_px
        if sight.size_change is not None:
            self.change = sight.size_change
        elif before > 0:
            self.change += pace * (abs(math.log((width * height + 4.0) / (before + 4.0))) - self.change)
        self.width_px += pace * (width - self.width_px)
        self.height_px += pace * (height - self.height_px)
        self.upright += pace * (math.log(height / width) - self.upright)
        self.snr += pace * (sight.snr - self.snr)

    def _motion(self, pace: float, place: tuple[float, float], sight: Sight) -> None:
        vx, vy = sight.velocity_x_px_s, sight.velocity_y_px_s
        speed = math.sqrt(vx * vx + vy * vy)
        if self.vx * vx + self.vy * vy < 0:
            self.reversals += 1
        self.vx += pace * (vx - self.vx)
        self.vy += pace * (vy - self.vy)
        self.velocity += pace * (speed - self.velocity)
        dx, dy = place[0] - self.last[0], place[1] - self.last[1]
        self.path_px += math.sqrt(dx * dx + dy * dy)
        self.last = place
        self.reach_px = max(self.reach_px, self.gone_px)
        if sight.straightness is not None:
            self.straight = sight.straightness

    def _metres(self, sight: Sight) -> None:
        size, scale = sight.size, sight.metres_per_pixel
        if size is not None:
            width, height, sigma = size.width_m, size.height_m, size.sigma_m
        elif scale is not None:
            width, height, sigma = sight.box.w_px * scale, sight.box.h_px * scale, scale
        else:
            return
        self.sized += 1
        pace = max(1.0 / self.sized, 0.04)
        self.width_m += pace * (width - self.width_m)
        self.height_m += pace * (height - self.height_m)
        # Errors of pose and ground do not average out: the mean size is no surer than one measurement.
        self.wrong += pace * (sigma / max(width, height, 1e-3) - self.wrong)
        across = scale * math.hypot(sight.velocity_x_px_s, sight.velocity_y_px_s) if scale is not None else None
        ground = sight.speed_m_s
        slowest = across if across is not None else ground
        if slowest is not None:
            self.across_m_s += pace * (slowest - self.across_m_s)
        if ground is not None:
            self.ground_m_s += pace * (ground - self.ground_m_s)

    def weigh(self) -> F64:
        """The shares of the fitted kinds, by the mean of their scores so far, sharpened as it becomes surer."""
        latest = np.empty(len(FITTED))
        _fitted_shares(_measured(self), *_FIT, latest)
        since_s = self.last_s - self.weighed_s
        self.weighed_s = self.last_s
        # The first second weighs as it comes, what lies 20 s back hardly any more.
        self.weight_s = min(self.weight_s + max(since_s, 0.0), WEIGHED_S) if since_s < WEIGHED_S else LEAST_WEIGHT_S
        pace = 1.0 if self.scores is None else min(max(since_s, LEAST_WEIGHT_S) / self.weight_s, 1.0)
        scores = np.log(latest + 1e-9)
        self.scores = scores if self.scores is None else self.scores + pace * (scores - self.scores)
        sharp = 1.0 + (SHARPENED - 1.0) * (1.0 - 1.0 / max(self.weight_s, 1.0))
        shares: F64 = np.exp(sharp * (self.scores - self.scores.max()))
        shares /= shares.sum()
        return shares

    @property
    def gone_px(self) -> float:
        """How far it is from where it was first seen."""
        return math.hypot(self.last[0] - self.birth[0], self.last[1] - self.birth[1])

    @property
    def coherent(self) -> float:
        """1 where it keeps its direction, 0 where it moves to and fro."""
        return math.hypot(self.vx, self.vy) / self.velocity if self.velocity > 1e-6 else 0.0


class Classifier:
    """Says what each track is; a model, where one is plugged in, may add to that within bounds."""

    def __init__(self, model: DetectorModel | None = None) -> None:
        self._model = model
        self._tracks: dict[int, _Evidence] = {}

    def update(self, track_id: int, sight: Sight) -> tuple[Kind, float]:
        """The kind over the whole track so far, and how sure that is, 0 to 1."""
        evidence = self._tracks.get(track_id)
        if evidence is None:
            evidence = self._tracks[track_id] = _Evidence()
        evidence.take(sight)
        if evidence.count <= 12 or sight.time_s - evidence.judged_s >= JUDGE_S:
            evidence.kind, evidence.sure = _judge(evidence)
            evidence.judged_s = sight.time_s
        return evidence.kind, evidence.sure

    def measured(self, track_id: int) -> F64 | None:
        """What the fitted scores of a track are made of just now (`VALUES`): what they are fitted to."""
        evidence = self._tracks.get(track_id)
        if evidence is None or evidence.shapes < LEAST_SHAPES or not _is_located(evidence):
            return None
        return _measured(evidence)

    def forget(self, track_id: int) -> None:
        """Drop what is known of a track that has ended; unknown numbers are fine."""
        self._tracks.pop(track_id, None)

    def wants_look(self, track_id: int, time_s: float) -> bool:
        """Whether a model is plugged in and has not looked at this track within the last second."""
        if self._model is None:
            return False
        evidence = self._tracks.get(track_id)
        return evidence is None or time_s - evidence.last_look_s >= LOOK_S

    def look(self, track_id: int, crop: Counts, time_s: float) -> bool:
        """Whether the model was shown the crop (H, W): at most once a second for each track."""
        if self._model is None or not self.wants_look(track_id, time_s):
            return False
        evidence = self._tracks.setdefault(track_id, _Evidence())
        evidence.last_look_s = time_s
        found = self._model.detect([crop])[0]
        for kind in evidence.from_model:
            evidence.from_model[kind] *= 0.8
        for each in found[:1]:
            odds = _log_odds(each.confidence)
            total = evidence.from_model.get(each.kind, 0.0) + 0.5 * odds
            evidence.from_model[each.kind] = min(max(total, -MODEL_LIMIT), MODEL_LIMIT)
        return True


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 0.02), 0.98)
    return math.log(clipped / (1 - clipped))


def _judge(evidence: _Evidence) -> tuple[Kind, float]:
    """The likeliest kind that may be said, and its share among all."""
    if evidence.outlined < min(evidence.count, LEAST_SHAPES):
        return evidence.kind, evidence.sure  # seen whole only just now
    if evidence.shapes >= LEAST_SHAPES and _is_located(evidence):
        return _judge_fitted(evidence)
    scores = _scores(evidence)
    if evidence.kind not in HARMLESS:
        scores[evidence.kind] += STICKY
    allowed = _harmless_allowed(evidence)
    own = max(scores, key=scores.__getitem__)
    if evidence.from_model:
        for kind, odds in evidence.from_model.items():
            if kind != "unknown":
                scores[kind] += odds
    held = own not in HARMLESS and _human_sized(evidence)
    harmless = sum(_share(scores, kind) for kind in HARMLESS)
    for kind in HARMLESS:
        if kind not in allowed or held:
            del scores[kind]
    best = max(scores, key=scores.__getitem__)
    return best, min(1.0 - harmless, SUREST) if best == "unknown" else _share(scores, best)


def _is_located(e: _Evidence) -> bool:
    """Whether its size is known well enough to speak, and is that of now: what rises into the sky has none."""
    return e.sized >= LEAST_SHAPES and e.wrong < LEAST_KNOWN and e.sky < IN_SKY


def _judge_fitted(evidence: _Evidence) -> tuple[Kind, float]:
    """The likeliest kind that may be said by the fitted scores, and its share among all."""
    shares = _possible(evidence, evidence.weigh())
    human = float(shares[0] + shares[1])
    if evidence.from_model:
        for kind, odds in evidence.from_model.items():
            if kind in FITTED:
                shares[FITTED.index(kind)] *= math.exp(odds)
        shares /= shares.sum()
    best = int(shares.argmax())
    kind, share = FITTED[best], float(shares[best])
    before = evidence.kind
    if before in FITTED and before not in HARMLESS and share < math.exp(STICKY) * shares[FITTED.index(before)]:
        kind, share = before, float(shares[FITTED.index(before)])
    driven = float(shares[FITTED.index("vehicle")])
    cut, surest = evidence.whole == 0, FITTED_SUREST
    if cut and evidence.shape[0] > UPRIGHT_BREADTH:
        surest = SUREST_CUT
    if (cut and evidence.age_s < CUT_S) or (
        kind in HARMLESS and (driven > VEHICLE_SHARE or not _may_be_harmless(evidence, human))
    ):
        harmless = sum(float(shares[FITTED.index(each)]) for each in HARMLESS)
        return "unknown", min(max(1.0 - harmless, 0.01), surest)
    return kind, min(max(share, 0.01), surest)


def _possible(e: _Evidence, shares: F64) -> F64:
    """The shares less what its speed and size rule out."""
    ruled_out = shares.copy()
    if _is_beyond_people(e):
        ruled_out[:2] *= RULED_OUT
    if max(e.width_m, e.height_m) * (1 + 2 * e.wrong) < LEAST_VEHICLE_M or e.lengths_s > VEHICLE_LENGTHS_S:
        ruled_out[FITTED.index("vehicle")] *= RULED_OUT
    possible: F64 = ruled_out / ruled_out.sum()
    return possible


def _is_beyond_people(e: _Evidence) -> bool:
    """Whether its speed, or its size at that speed, is beyond all people, the errors of both allowed for."""
    slack = 1 + e.wrong
    too_fast = e.across_m_s > FASTEST_M_S * slack and e.lengths_s > RUNNER_LENGTHS_S
    low = e.height_m * (1 + 2 * e.wrong) < LEAST_RUNNER_M and e.shape[0] > 0.0
    return too_fast or (low and e.across_m_s > WALKING_M_S * slack)


def _may_be_harmless(e: _Evidence, human_share: float) -> bool:
    """Whether it has been seen for long enough, and hardly anything speaks for a human being: nor is it upright."""
    beyond = _is_beyond_people(e)
    if e.outlined < (LEAST_SHAPES if beyond else 5) or e.age_s < 0.4:
        return False
    upright = e.shape[0] < UPRIGHT_BREADTH and e.height_m * (1 + e.wrong) > LEAST_UPRIGHT_M
    if not beyond and (upright or _may_be_a_head(e)):
        return False
    return human_share < (HUMAN_SHARE if beyond else _most_human(e))


def _may_be_a_head(e: _Evidence) -> bool:
    """Whether it is so small and slow that it may be the head and shoulders of somebody: a swimmer shows no more."""
    small = e.width_m * (1 - e.wrong) < HEAD_M[0] and e.height_m * (1 - e.wrong) < HEAD_M[1]
    return small and e.across_m_s < CREEPING_M_S


def _most_human(e: _Evidence) -> float:
    """The most that may speak for people in something harmless of this outline."""
    if e.age_s >= SETTLED_S and e.whole > 0 and _is_no_posture(e):
        return SETTLED_SHARE
    if e.whole > 0 and e.shape[0] > ROUND_BREADTH:
        return HUMAN_SHARE
    return ROUND_SHARE if e.whole > 0 and e.width_m * (1 - e.wrong) > WIDEST_M else PART_SHARE


def _is_no_posture(e: _Evidence) -> bool:
    """Whether it is wider than tall as nobody is: too wide for one, or too low to walk and too fast to crawl."""
    if e.shape[0] > 0.0 and e.width_m * (1 - e.wrong) > WIDEST_M:
        return True
    low = e.height_m * (1 + e.wrong) < LEAST_UPRIGHT_M and e.shape[0] > LONG_BREADTH
    return low and e.across_m_s > CRAWLING_M_S


def _measured(e: _Evidence) -> F64:
    """What the fitted scores are made of, in the order of their weights."""
    log = math.log
    return np.array(
        [
            log(max(e.height_m, 0.05)),
            log(max(e.width_m, 0.05)),
            log(e.across_m_s + 0.2),
            log(e.ground_m_s + 0.3),
            log(e.height_px),
            log(max(e.wrong, 0.01)),
            e.upright,
            *e.shape,
            e.change,
            e.gait.rhythm(),
            log(e.lengths_s + 0.05),
            e.coherent,
            log(max(e.snr, 0.0) + 1.0),
            log(e.count),
            e.reversals / max(e.age_s, 1.0),
            log((e.across_m_s + 0.15) / (e.ground_m_s + 0.3)),
        ]
    )


@numba.njit(cache=True, nogil=True)
def _fitted_shares(values: F64, edges: F64, splits: I64, leaves: F64, start: F64, shares: F64) -> None:
    """Fill `shares` (K,) with the share of each kind: the exponential of its trees' sum (`Trees`), over that of all."""
    fine, kinds, nodes = edges.shape[1], shares.shape[0], splits.shape[1]
    within = np.empty(edges.shape[0], np.int64)
    for v in range(edges.shape[0]):
        within[v] = np.searchsorted(edges[v], values[v])
    shares[:] = start
    for t in range(splits.shape[0]):
        at = 0
        while at < nodes:
            split = splits[t, at]
            above = split >= 0 and within[split // fine] > split % fine
            at = 2 * at + (2 if above else 1)
        shares[t % kinds] += leaves[t, at - nodes]
    top = shares.max()
    total = 0.0
    for c in range(kinds):
        shares[c] = math.exp(shares[c] - top)
        total += shares[c]
    shares /= total


def _share(scores: Mapping[Kind, float], kind: Kind) -> float:
    own = scores[kind]
    total = 0.0
    for score in scores.values():
        total += math.exp(score - own)
    return min(1.0 / total, SUREST)


def _scores(evidence: _Evidence) -> dict[Kind, float]:
    """Log-odds of each kind against unknown."""
    patience = max(evidence.count / 10.0, evidence.age_s / 2.0)
    trust = min(1.0, patience)
    raw = _in_metres(evidence) if _is_located(evidence) else _in_pixels(evidence)
    scores: dict[Kind, float] = {kind: trust * raw.get(kind, FLOOR) for kind in KINDS}
    scores["unknown"] = 0.0
    return scores


def _in_metres(e: _Evidence) -> dict[Kind, float]:
    """Scores where the size is known."""
    soft = 0.2 + e.wrong
    w, h, speed = max(e.width_m, 1e-2), max(e.height_m, 1e-2), max(e.across_m_s, 1e-2)
    upright = min(max(2.0 * e.upright, -1.0), 1.0)
    legs = _gait_score(e)
    fast = 1.5 if speed > FASTEST_M_S else 0.8 if e.ground_m_s > FASTEST_M_S and e.coherent > 0.7 else -0.4
    still = min(max(1.5 - speed, 0.0), 1.0)
    steady = 0.4 if e.change < 0.08 and e.coherent > 0.7 else 0.0
    one = _band(h, 0.8, 2.2, soft) + _band(w, 0.2, 1.1, soft) + _band(speed, 0.0, 5.0, 0.3)
    several = _band(h, 1.0, 2.4, soft) + _band(w, 1.3, 12.0, soft) + _band(speed, 0.0, 3.5, 0.3)
    driven = _band(h, 1.0, 4.5, soft) + _band(w, 1.5, 16.0, soft)
    low = _band(h, 0.13, 0.95, soft) + _band(w, 0.25, 1.9, soft) + _band(speed, 0.0, 15.0, 0.3)
    return {
        "person": 0.6 + one + upright + legs,
        "group": 0.9 + several + legs,
        "vehicle": 0.6 + driven + fast + steady - still - legs,
        "animal": 0.8 + low - upright,
        "flying": _flying(e),
        "vegetation": _vegetation(e),
    }


def _in_pixels(e: _Evidence) -> dict[Kind, float]:
    """Scores where no size is known: shape and motion only."""
    tall_enough = e.height_px >= LEAST_UPRIGHT_PX and e.width_px >= 3.0
    upright = tall_enough and math.log(1.5) <= e.upright <= math.log(4.5)
    going = e.gone_px > 0.5 * e.height_px and e.coherent > 0.5 and e.lengths_s < 5.0
    person = 1.2 + _gait_score(e) - 4.0 * max(e.change - 0.25, 0.0) if upright and going else -2.0
    return {"person": person, "flying": _flying(e), "vegetation": _vegetation(e)}


def _band(value: float, low: float, high: float, soft: float) -> float:
    """0 within a band, falling with the square of the logarithm outside, never below `FLOOR`."""
    if value < low:
        off = math.log(low / value) / soft
    elif value > high:
        off = math.log(value / high) / soft
    else:
        return 0.0
    return max(-0.5 * off * off, FLOOR)


def _gait_score(e: _Evidence) -> float:
    """Up to 1 where the silhouette beats as walking does."""
    if e.gait.weight < 20:
        return 0.0
    return min(max(2.5 * (e.gait.rhythm() - 0.3), 0.0), 1.0)


def _flying(e: _Evidence) -> float:
    score = -1.5
    if e.sky_seen >= 5 and e.sky > IN_SKY:
        score += 3.5
    if e.lengths_s > _most_lengths_s(e):
        score += 3.0
    if e.sized >= 3 and e.across_m_s > 15.0 and e.width_m < WIDEST_M:
        score += 2.0
    return score


def _most_lengths_s(e: _Evidence) -> float:
    """The most own lengths a second of anything on foot: fewer where it was never before known ground and keeps on."""
    steady = e.sized == 0 and e.age_s >= STEADY_S and e.coherent > STEADY and e.upright < math.log(1.3)
    return STEADY_LENGTHS_S if steady else WALKER_LENGTHS_S


def _vegetation(e: _Evidence) -> float:
    """High for what moves about one place for long, changes its shape and stands out little."""
    if e.age_s < 8.0:
        return FLOOR
    score = -1.0
    size = max(e.width_px, e.height_px)
    score += 1.5 if e.reach_px < 1.5 * size and e.reversals > 0.5 * e.age_s else -2.0
    score += 1.0 if e.change > 0.25 else -1.0
    score += 1.0 if e.path_px > 6.0 * (e.reach_px + 1.0) else -0.5
    return score + (0.5 if e.snr < 12.0 else -1.0)


def _harmless_allowed(e: _Evidence) -> frozenset[Kind]:
    """The harmless kinds that something beyond any human being speaks for."""
    if e.count < 5 or e.age_s < 0.4:
        return frozenset()
    allowed: set[Kind] = set()
    if _is_low_beast(e):
        allowed.add("animal")
    if _is_beyond_walking(e):
        allowed.add("flying")
    if _is_rooted(e):
        allowed.add("vegetation")
    return frozenset(allowed)


def _is_low_beast(e: _Evidence) -> bool:
    """Wider than tall, and smaller than head and shoulders above cover, or low and faster than anybody walks."""
    if e.sized < 10 or e.age_s < 1.5 or e.wrong > 0.35 or e.upright > -0.2:
        return False
    height, width = e.height_m * (1 + e.wrong), e.width_m * (1 + e.wrong)
    small = width < LEAST_PART_M[0] and height < LEAST_PART_M[1]
    quick = height < 1.2 and e.width_m < 2.2 and WALKING_M_S * (1 + e.wrong) < e.across_m_s
    return small or quick


def _is_beyond_walking(e: _Evidence) -> bool:
    """In the sky and not like someone on the skyline, or many times faster for its size than anybody runs."""
    in_sky = e.sky_seen >= 5 and e.sky > IN_SKY and (e.upright < math.log(1.3) or e.lengths_s > 2.0)
    quick = e.lengths_s > _most_lengths_s(e) and e.coherent > 0.6
    if e.sized >= 3 and e.wrong < 0.6 and not in_sky:
        quick = quick and e.across_m_s > 1.5 * FASTEST_M_S and e.width_m < WIDEST_M
    return in_sky or quick


def _is_rooted(e: _Evidence) -> bool:
    """Long about one place, to and fro, changing its shape, and not upright as a person is."""
    about = e.age_s >= 8.0 and e.count >= 40 and e.reach_px < 1.5 * max(e.width_px, e.height_px)
    not_upright = e.upright < math.log(1.3) or (e.sized >= 3 and e.height_m > TALLEST_M * (1 + e.wrong))
    return about and not_upright and e.change > 0.25 and e.coherent < 0.5


def _human_sized(e: _Evidence) -> bool:
    """Whether one person or several could be this large; so taken where no size is known."""
    if e.sized < 3 or e.wrong > 0.6:
        return e.lengths_s < WALKER_LENGTHS_S
    return e.height_m * (1 + e.wrong) > 0.45 and e.height_m < TALLEST_M * (1 + e.wrong)

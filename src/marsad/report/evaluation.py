"""How well tracks agree with the truth: the measures of multi-object tracking, and those an operator feels.

What is compared are boxes with a frame and an identity. How they are treated, everywhere alike:

* An **admissible pair** is a track box and a truth box of one frame that satisfy the match rule: intersection over
  union of at least a threshold, or the centre of the track box inside the truth box, its edge included.
* In each frame pairs are assigned one to one. An object keeps the track it was last on while the two are admissible;
  the others are assigned optimally: as many pairs as possible, and among those the greatest similarity.
  A second track on an object that has one is a false positive to `precision`, `mota`, `idf1` and `hota`.
* It is not a *false track*: a track is false when none of its boxes is ever admissible with any truth box, assigned or
  not, and a point is false when it is admissible with none in its frame.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from marsad.kernel.error import InputError
from marsad.kernel.record import Record

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

HOTA_THRESHOLDS = np.arange(1, 20) / 20
_ROUNDING = float(np.finfo(np.float64).eps)


class Boxes(Record, eq=False):
    """Boxes over time: `frame` (N,) counted from 1, `identity` (N,), `box` (N, 4) as x, y, w, h in pixels.

    `online` (N,) says which were reported in their own frame; None where that is not known. No identity occurs twice
    in a frame.
    """

    frame: Integers
    identity: Integers
    box: Floats
    online: Booleans | None = None

    def where(self, chosen: Booleans) -> "Boxes":
        """The boxes for which `chosen` (N,) is true."""
        online = None if self.online is None else self.online[chosen]
        return Boxes(frame=self.frame[chosen], identity=self.identity[chosen], box=self.box[chosen], online=online)


class Match(Record):
    """When a track box counts as being on a truth box; `threshold` is the least intersection over union."""

    by: Literal["iou", "centre"]
    threshold: float = 0.5


class Evaluation(Record):
    """What `evaluate` finds; None where a measure has no meaning (recall without truth, hours without a frame rate).

    `false_points_per_frame` counts points on no truth box, `false_points_online_per_frame` only those reported in
    their own frame. `confirmation_delay_frames` is the median over objects of the first frame with an online match less
    the first frame with any match: what writing back made good; `appearance_delay_frames` counts from the object's
    first truth box.
    """

    frames: int
    truth_boxes: int
    truth_objects: int
    track_points: int
    tracks: int
    recall: float | None
    precision: float | None
    mota: float | None
    idf1: float | None
    hota: float | None
    recall_online: float | None
    id_switches: int
    false_tracks: int
    false_tracks_per_hour: float | None
    false_points: int
    false_points_per_frame: float | None
    false_points_online_per_frame: float | None
    objects_found: int
    objects_found_online: int | None
    confirmation_delay_frames: float | None
    confirmation_delay_s: float | None
    appearance_delay_frames: float | None
    appearance_delay_s: float | None


class _Moment(Record, eq=False):
    """One frame: indices of the objects (G,) and tracks (T,) in it, how alike they are (G, T), and who may pair."""

    frame: int
    truth: Integers
    track: Integers
    similarity: Floats
    admissible: Booleans


class _Clear(Record, eq=False):
    """The outcome of frame-by-frame assignment; `first_match` holds a frame per object, 0 for never."""

    matched: int
    switches: int
    first_match: Integers


def parse_match(text: str) -> Match:
    """The match rule written as "centre" or "iou:0.3". Raises InputError for anything else."""
    name, _, value = text.partition(":")
    if name == "centre" and not value:
        return Match(by="centre")
    try:
        threshold = float(value)
    except ValueError:
        threshold = -1.0
    if name == "iou" and 0 < threshold <= 1:
        return Match(by="iou", threshold=threshold)
    raise InputError(
        f'match rule "{text}": write "centre", or "iou:" and a threshold above 0 and up to 1, as "iou:0.3"'
    )


def evaluate(
    tracks: Boxes, truth: Boxes, match: Match, *, frames: int | None = None, fps: float | None = None
) -> Evaluation:
    """How well `tracks` agree with `truth`; `frames` is the length of the recording, else the last frame named.

    Raises InputError where `frames` is less than the last frame named, or `fps` is not above 0.
    """
    count = _frame_count(tracks, truth, frames)
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise InputError(f"frame rate {fps}: must be above 0")
    moments = list(_moments(tracks, truth, match))
    per_object, per_track = (np.unique(side.identity, return_counts=True)[1] for side in (truth, tracks))
    objects, followers = len(per_object), len(per_track)
    clear = _clear(moments, objects)
    boxes, points = len(truth.frame), len(tracks.frame)
    on_truth = on_any_truth(tracks, truth, match)
    false = false_identities(tracks, on_truth)
    online = (
        None if tracks.online is None else _clear(list(_moments(tracks.where(tracks.online), truth, match)), objects)
    )
    first_truth = _first_frames(truth)
    confirmation = None if online is None else _median_delay(online.first_match, clear.first_match)
    appearance = None if online is None else _median_delay(online.first_match, first_truth)
    hours = None if fps is None else count / fps / 3600
    return Evaluation(
        frames=count,
        truth_boxes=boxes,
        truth_objects=objects,
        track_points=points,
        tracks=followers,
        recall=_ratio(clear.matched, boxes),
        precision=_ratio(clear.matched, points),
        mota=_ratio(2 * clear.matched - points - clear.switches, boxes),
        idf1=_ratio(2 * _identity_matches(moments, objects, followers), boxes + points),
        hota=_hota(moments, match, per_object, per_track),
        recall_online=None if online is None else _ratio(online.matched, boxes),
        id_switches=clear.switches,
        false_tracks=len(false),
        false_tracks_per_hour=None if hours is None else _ratio(len(false), hours),
        false_points=int(np.count_nonzero(~on_truth)),
        false_points_per_frame=_ratio(int(np.count_nonzero(~on_truth)), count),
        false_points_online_per_frame=(
            None if tracks.online is None else _ratio(int(np.count_nonzero(~on_truth & tracks.online)), count)
        ),
        objects_found=int(np.count_nonzero(clear.first_match)),
        objects_found_online=None if online is None else int(np.count_nonzero(online.first_match)),
        confirmation_delay_frames=confirmation,
        confirmation_delay_s=_seconds(confirmation, fps),
        appearance_delay_frames=appearance,
        appearance_delay_s=_seconds(appearance, fps),
    )


def on_any_truth(tracks: Boxes, truth: Boxes, match: Match) -> Booleans:
    """For each track box (N,) whether the match rule holds with any truth box of its frame."""
    found = np.zeros(len(tracks.frame), dtype=np.bool_)
    truth_order, truth_frames, truth_starts = _by_frame(truth)
    track_order, track_frames, track_starts = _by_frame(tracks)
    for frame, position in zip(*_common(track_frames, truth_frames), strict=True):
        mine = track_order[track_starts[frame] : track_starts[frame + 1]]
        theirs = truth_order[truth_starts[position] : truth_starts[position + 1]]
        _, admissible = similarity(tracks.box[mine], truth.box[theirs], match)
        found[mine] = admissible.any(axis=0)
    return found


def false_identities(tracks: Boxes, on_truth: Booleans) -> Integers:
    """The identities, in order, of the tracks that are nowhere on a truth box; `on_truth` from `on_any_truth`."""
    return np.setdiff1d(tracks.identity, tracks.identity[on_truth])


def similarity(tracks: Floats, truth: Floats, match: Match) -> tuple[Floats, Booleans]:
    """How alike truth boxes (G, 4) and track boxes (T, 4) are, (G, T) in 0..1, and which pairs satisfy the rule.

    By centre the similarity is 1 in the middle of the truth box and 0 on its edge.
    """
    if match.by == "iou":
        overlap = intersection_over_union(truth, tracks)
        return overlap, overlap >= match.threshold - _ROUNDING
    half = truth[:, None, 2:] / 2
    offset = np.abs(tracks[None, :, :2] + tracks[None, :, 2:] / 2 - truth[:, None, :2] - half)
    nearness = 1 - np.max(offset / half, axis=2)
    return np.maximum(nearness, 0.0), nearness >= -_ROUNDING


def intersection_over_union(first: Floats, second: Floats) -> Floats:
    """The overlap of boxes (A, 4) and (B, 4), each x, y, w, h, as (A, B) in 0..1."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, :2] + first[:, None, 2:], second[None, :, :2] + second[None, :, 2:])
    shared: Floats = np.prod(np.maximum(high - low, 0.0), axis=2)
    union = np.prod(first[:, 2:], axis=1)[:, None] + np.prod(second[:, 2:], axis=1)[None, :] - shared
    overlap: Floats = shared / union
    return overlap


def frame_base(tracks: Boxes, truth: Boxes, match: Match, *, frames: int | None = None) -> tuple[Literal[0, 1], str]:
    """Whether the truth's frames, given as its file numbers them, count from 0 or from 1, and how that was decided.

    A frame 0 can only be counted from 0. A last frame equal to the number of pictures can only be counted from 1.
    What is left open is decided by which fits the tracks better (the sum over truth boxes of the best admissible
    similarity); where both fit alike it is 1, as in MOT files.
    """
    if len(truth.frame) == 0:
        return 1, "no truth boxes"
    if truth.frame.min() < 1:
        return 0, "it has a frame 0"
    if frames is not None and truth.frame.max() >= frames:
        return 1, f"its last frame is {truth.frame.max()} of {frames}"
    fits = [_fit(tracks, shift_frames(truth, 1 - base), match) for base in (0, 1)]
    if fits[0] > fits[1]:
        return 0, f"counted from 0 it fits the tracks better ({fits[0]:.2f} against {fits[1]:.2f})"
    if fits[1] > fits[0]:
        return 1, f"counted from 1 it fits the tracks better ({fits[1]:.2f} against {fits[0]:.2f})"
    return 1, "nothing tells; MOT files count from 1"


def shift_frames(boxes: Boxes, by: int) -> Boxes:
    """The same boxes with `by` added to every frame number."""
    return Boxes(frame=boxes.frame + by, identity=boxes.identity, box=boxes.box, online=boxes.online)


def _frame_count(tracks: Boxes, truth: Boxes, frames: int | None) -> int:
    last = int(max(tracks.frame.max(initial=0), truth.frame.max(initial=0)))
    if frames is not None and frames < last:
        raise InputError(
            f"{frames} frames: the files name frame {last}; give the length of the recording, or leave it out"
        )
    return last if frames is None else frames


def _by_frame(boxes: Boxes) -> tuple[Integers, Integers, Integers]:
    """The order that sorts by frame, the frames there are, and where each starts in that order (with the end)."""
    order = np.lexsort((boxes.identity, boxes.frame)).astype(np.int64)
    frames, starts = np.unique(boxes.frame[order], return_index=True)
    return order, frames, np.append(starts, len(order)).astype(np.int64)


def _common(first: Integers, second: Integers) -> tuple[Integers, Integers]:
    _, of_first, of_second = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    return of_first.astype(np.int64), of_second.astype(np.int64)


def _moments(tracks: Boxes, truth: Boxes, match: Match) -> Iterator[_Moment]:
    """Every frame that has truth and tracks, in order."""
    truth_index = np.unique(truth.identity, return_inverse=True)[1].astype(np.int64)
    track_index = np.unique(tracks.identity, return_inverse=True)[1].astype(np.int64)
    truth_order, truth_frames, truth_starts = _by_frame(truth)
    track_order, track_frames, track_starts = _by_frame(tracks)
    for of_truth, of_track in zip(*_common(truth_frames, track_frames), strict=True):
        theirs = truth_order[truth_starts[of_truth] : truth_starts[of_truth + 1]]
        mine = track_order[track_starts[of_track] : track_starts[of_track + 1]]
        alike, admissible = similarity(tracks.box[mine], truth.box[theirs], match)
        yield _Moment(
            frame=int(truth_frames[of_truth]),
            truth=truth_index[theirs],
            track=track_index[mine],
            similarity=alike,
            admissible=admissible,
        )


def _clear(moments: list[_Moment], objects: int) -> _Clear:
    """Assign frame by frame. Source: Bernardin and Stiefelhagen 2008, section 2.1.4 (correspondences are kept)."""
    last_track = np.full(objects, -1, dtype=np.int64)
    first_match = np.zeros(objects, dtype=np.int64)
    matched = switches = 0
    for moment in moments:
        kept = last_track[moment.truth][:, None] == moment.track[None, :]
        rows, columns = _assign(moment.similarity, moment.admissible, kept)
        found, follower = moment.truth[rows], moment.track[columns]
        matched += len(found)
        switches += int(np.count_nonzero((last_track[found] >= 0) & (last_track[found] != follower)))
        first_match[found] = np.where(first_match[found] == 0, moment.frame, first_match[found])
        last_track[found] = follower
    return _Clear(matched=matched, switches=switches, first_match=first_match)


def _assign(alike: Floats, admissible: Booleans, kept: Booleans) -> tuple[Integers, Integers]:
    """The best one-to-one pairs: kept ones first, then as many as possible, then the most alike."""
    several = min(alike.shape) + 1
    weight = np.where(admissible, several + alike + kept * several * several, 0.0)
    rows, columns = linear_sum_assignment(weight, maximize=True)
    real = admissible[rows, columns]
    return rows[real].astype(np.int64), columns[real].astype(np.int64)


def _identity_matches(moments: list[_Moment], objects: int, followers: int) -> int:
    """In how many frames objects and tracks agree when each object is given one track for good, chosen best.

    Source: Ristani et al. 2016, section 3.
    """
    together = np.zeros((objects, followers))
    for moment in moments:
        together[np.ix_(moment.truth, moment.track)] += moment.admissible
    rows, columns = linear_sum_assignment(together, maximize=True)
    return int(together[rows, columns].sum())


def _hota(moments: list[_Moment], match: Match, boxes: Integers, points: Integers) -> float | None:
    """Higher order tracking accuracy, the mean over thresholds 0.05 to 0.95 of intersection over union.

    `boxes` (objects,) and `points` (tracks,) say how long each is. By centre a pair either is on the object or is not,
    so that its similarity is 1 or 0 and every threshold gives the same: the geometric mean of detection and
    association accuracy. Source: Luiten et al. 2021, section 4.
    """
    if boxes.sum() == 0 and points.sum() == 0:
        return None
    alike = [m.similarity if match.by == "iou" else m.admissible.astype(np.float64) for m in moments]
    lasting = _alignment(moments, alike, boxes, points)
    together = np.zeros((len(HOTA_THRESHOLDS), len(boxes), len(points)))
    for moment, pairs in zip(moments, alike, strict=True):
        rows, columns = linear_sum_assignment(lasting[np.ix_(moment.truth, moment.track)] * pairs, maximize=True)
        enough = pairs[rows, columns][None, :] >= HOTA_THRESHOLDS[:, None] - _ROUNDING
        together[:, moment.truth[rows], moment.track[columns]] += enough
    true = together.sum(axis=(1, 2))
    detection = true / (boxes.sum() + points.sum() - true)
    either = boxes[None, :, None] + points[None, None, :] - together
    association = (together * together / either).sum(axis=(1, 2)) / np.maximum(true, 1.0)
    return float(np.sqrt(detection * association).mean())


def _alignment(moments: list[_Moment], alike: list[Floats], boxes: Integers, points: Integers) -> Floats:
    """How much each object and track (objects, tracks) go together over the whole recording, before any threshold."""
    shared = np.zeros((len(boxes), len(points)))
    for moment, pairs in zip(moments, alike, strict=True):
        either = pairs.sum(axis=0)[None, :] + pairs.sum(axis=1)[:, None] - pairs
        np.divide(pairs, either, out=either, where=either > _ROUNDING)
        shared[np.ix_(moment.truth, moment.track)] += np.where(pairs > 0, either, 0.0)
    aligned: Floats = shared / (boxes[:, None] + points[None, :] - shared)
    return aligned


def _first_frames(truth: Boxes) -> Integers:
    """The first frame of each object, in the order of identities."""
    _, index = np.unique(truth.identity, return_inverse=True)
    first = np.full(int(index.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, index, truth.frame)
    return first


def _median_delay(later: Integers, earlier: Integers) -> float | None:
    """The median of what lies between, over the objects found; the online match can lie on another track."""
    found = later > 0
    return float(np.median(later[found] - earlier[found])) if found.any() else None


def _fit(tracks: Boxes, truth: Boxes, match: Match) -> float:
    best = [np.where(m.admissible, m.similarity, 0.0).max(axis=1).sum() for m in _moments(tracks, truth, match)]
    return float(sum(best))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _seconds(frames: float | None, fps: float | None) -> float | None:
    return None if frames is None or fps is None else frames / fps

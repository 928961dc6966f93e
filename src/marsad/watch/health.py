"""What befalls the camera itself: moved, panning, frozen, covered, out of focus, looped, dead lines, burned-in text.

Every picture costs one look at 512 fixed places; all else runs at a few hertz. Each symptom is one class whose verb
`look` gives the signs it sees; `HealthMonitor` turns them into events.

What is compared is chosen so that the weather and the camera's own gain cannot imitate a fault: noise against noise
for a loop, the steepness of edges (not their height) for focus, places in the picture against places in the scene for
burned-in text.
"""

import math
from collections import deque
from typing import NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.event import CameraHealth, HealthKind
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.record import Record
from marsad.watch.background import Difference
from marsad.watch.detect import Blobs

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
U64 = NDArray[np.uint64]
U8 = NDArray[np.uint8]
Flags = NDArray[np.bool_]

PLACES = 512
WORDS = PLACES // 64
FINE_PX = 1
COARSE_PX = 4
MARGIN_PX = 16


class HealthSettings(Record):
    """When something counts as befallen; `*_share` is relative to what has been learnt of this camera."""

    settle_s: float = 2.0
    frozen_s: float = 1.0
    frozen_frames: int = 5
    frozen_quiet_s: float = 60.0
    frozen_least_fps: float = 3.0
    correction_least_s: float = 0.15
    correction_most_s: float = 3.0
    correction_settles_s: float = 3.0
    jump_gain: float = 0.1
    jump_counts: float = 6.0
    moved_px: float = 2.0
    pan_px_s: float = 10.0
    covered_s: float = 1.0
    covered_share: float = 0.3
    defocused_s: float = 2.0
    defocused_share: float = 0.63
    looped_s: float = 3.0
    loop_frames: int = 7500
    dead_line_share: float = 0.1
    most_dead_lines: float = 0.05
    overlay_votes: int = 4
    most_overlay: float = 0.15


class Sign(NamedTuple):
    """One thing seen, before it becomes an event."""

    kind: HealthKind
    detail: str
    ended: bool = False


class Look(NamedTuple):
    """One picture, as the symptoms see it.

    `samples` (512,) are sums of 2 x 2 pixels; `changed` is the share of them that differ from the picture before, and
    `activity` the mean of how much. `noise` is the standard deviation of one pixel over time, `spread` that of the
    scene over the picture. A lasting scene point x is at x + `place_px` in the picture.
    """

    time_s: float
    step_s: float
    fps: float
    counts: Counts
    samples: I32
    changed: float
    activity: float
    noise: float
    spread: float
    trusted: bool
    relearned: bool
    place_px: tuple[float, float]
    gain: float
    offset: float


@numba.njit(cache=True, nogil=True)
def _sample(counts: Counts, rows: I64, columns: I64, previous: I32, samples: I32) -> tuple[int, float]:
    """Fill `samples` with 2 x 2 sums; how many differ from `previous`, and the mean of the change."""
    changed = 0
    total = 0.0
    for k in range(rows.shape[0]):
        y = rows[k]
        x = columns[k]
        value = (
            np.int32(counts[y, x])
            + np.int32(counts[y, x + 1])
            + np.int32(counts[y + 1, x])
            + np.int32(counts[y + 1, x + 1])
        )
        samples[k] = value
        step = value - previous[k]
        if step != 0:
            changed += 1
        total += abs(step)
    return changed, total / rows.shape[0]


@numba.njit(cache=True, nogil=True)
def _signs(samples: I32, previous: I32, level: float, dead_zone: float, rising: U64, falling: U64) -> int:
    """Pack which samples rose and which fell more than the picture as a whole did; how many did either."""
    told = 0
    for word in range(rising.shape[0]):
        up = np.uint64(0)
        down = np.uint64(0)
        for bit in range(64):
            step = samples[word * 64 + bit] - previous[word * 64 + bit]
            if step == 0:
                continue
            if step - level > dead_zone:
                up |= np.uint64(1) << np.uint64(bit)
                told += 1
            elif level - step > dead_zone:
                down |= np.uint64(1) << np.uint64(bit)
                told += 1
        rising[word] = up
        falling[word] = down
    return told


@numba.njit(cache=True, nogil=True)
def _edges(counts: Counts, points: I64, dx: int, dy: int, fine: F64, coarse: F64) -> int:
    """Central differences over 1 and over 4 pixels at each point, (x, y, is it vertical); how many are in the picture.

    Points that have left the picture give 0.
    """
    rows, columns = counts.shape
    inside = 0
    for k in range(points.shape[0]):
        x = points[k, 0] + dx
        y = points[k, 1] + dy
        fine[k] = 0.0
        coarse[k] = 0.0
        if x < 4 or y < 4 or x >= columns - 4 or y >= rows - 4:
            continue
        inside += 1
        if points[k, 2]:
            fine[k] = float(counts[y + 1, x]) - float(counts[y - 1, x])
            coarse[k] = float(counts[y + 4, x]) - float(counts[y - 4, x])
        else:
            fine[k] = float(counts[y, x + 1]) - float(counts[y, x - 1])
            coarse[k] = float(counts[y, x + 4]) - float(counts[y, x - 4])
    return inside


@numba.njit(cache=True, nogil=True)
def _line_contrast(counts: Counts, along: F64, across: F64) -> None:
    """For each row the mean change along it, over 5 columns, and from the row before, from every third column."""
    rows, columns = counts.shape
    for y in range(rows):
        before = max(y - 1, 0)
        steps = 0.0
        copies = 0.0
        taken = 0
        for x in range(0, columns - 5, 3):
            here = float(counts[y, x])
            steps += abs(here - float(counts[y, x + 5]))
            copies += abs(here - float(counts[before, x]))
            taken += 1
        along[y] = steps / max(taken, 1)
        across[y] = copies / max(taken, 1)


class _Lasting:
    """A state that must be seen for a while to begin, and be gone for a while to end."""

    def __init__(self, kind: HealthKind, begin_s: float, end_s: float, looks: int = 3) -> None:
        self.kind = kind
        self._begin_s, self._end_s, self._looks = begin_s, end_s, looks
        self.on = False
        self._since_s = 0.0
        self._against = 0

    def look(self, present: bool, time_s: float, detail: str) -> list[Sign]:
        """The beginning or the end, in the look that settles it."""
        if present == self.on:
            self._against = 0
            return []
        if not self._against:
            self._since_s = time_s
        self._against += 1
        needed_s = self._end_s if self.on else self._begin_s
        if time_s - self._since_s < needed_s - 1e-6 or self._against < self._looks:
            return []
        self.on = present
        self._against = 0
        return [Sign(self.kind, detail, ended=not present)]

    def end(self, detail: str) -> list[Sign]:
        """The end at once, where the state is on."""
        was, self.on, self._against = self.on, False, 0
        return [Sign(self.kind, detail, ended=True)] if was else []


class _Stillness:
    """Frozen pictures, and the short freeze with which a camera corrects its own pattern.

    Noise never repeats. A feed whose every picture changes nearly everywhere is frozen as soon as nothing changes for
    a second. A feed whose encoder throws the noise away stands still by nature: there only a far longer stillness
    counts, longer than any key-frame interval and than three times the longest stillness that ended of itself.
    """

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._alive = 0.0
        self._activity = 0.0
        self._seen = 0
        self._equal_s, self._equal = 0.0, 0
        self._quiet_s, self._quiet = 0.0, 0
        self._longest_s = 0.0
        self._before = np.zeros(PLACES, np.int32)
        self._frozen = False
        self._settles_until_s = -math.inf

    def look(self, look: Look) -> list[Sign]:
        """Frozen, its end, or a flat-field correction and its end."""
        signs = self._settled(look)
        signs += self._resumed(look) if look.changed > 0 else self._stood_still(look)
        signs += self._correction(look)
        return signs

    @property
    def correcting(self) -> bool:
        """Whether the picture's level is the business of a freeze or a correction just now."""
        return self._settles_until_s > -math.inf or self._quiet >= 3 or self._frozen

    def _limit_s(self) -> float:
        if self._lively:
            return self._s.frozen_s
        return max(self._s.frozen_quiet_s, 3 * self._longest_s)

    @property
    def _lively(self) -> bool:
        return self._seen >= 25 and self._alive > 0.9

    def _stood_still(self, look: Look) -> list[Sign]:
        self._equal += 1
        self._equal_s += look.step_s
        s = self._s
        enough = self._equal + 1 >= s.frozen_frames and self._equal_s >= self._limit_s() - 1e-6
        if self._frozen or not enough or look.fps < s.frozen_least_fps:
            return []
        self._frozen = True
        return [Sign("frozen", f"the picture has not changed for {self._equal_s:.1f} s")]

    def _resumed(self, look: Look) -> list[Sign]:
        stood_s = self._equal_s
        self._equal, self._equal_s = 0, 0.0
        if self._frozen:
            self._frozen = False
            return [Sign("frozen", f"the picture changes again after {stood_s:.1f} s", ended=True)]
        self._longest_s = max(stood_s, 0.999 * self._longest_s)
        rate = max(0.02, 1.0 / (self._seen + 1))
        self._seen += 1
        self._alive += rate * ((look.changed > 0.5) - self._alive)
        return []

    def _correction(self, look: Look) -> list[Sign]:
        quiet = self._lively and look.activity < 0.1 * self._activity
        if quiet:
            self._quiet += 1
            self._quiet_s += look.step_s
            return []
        signs = self._judge_correction(look) if self._quiet >= 2 else []
        self._quiet, self._quiet_s = 0, 0.0
        self._before = look.samples.copy()
        self._activity += max(0.02, 1.0 / (self._seen + 1)) * (look.activity - self._activity)
        return signs

    def _judge_correction(self, look: Look) -> list[Sign]:
        s = self._s
        if not s.correction_least_s <= self._quiet_s <= s.correction_most_s:
            return []
        # A pattern that changed in the middle of a short freeze leaves more difference than two pictures' noise does.
        change = float(np.abs(look.samples - self._before).mean())
        if change < 1.5 * self._activity + 1.0:
            return []
        self._settles_until_s = look.time_s + s.correction_settles_s
        return [Sign("flat_field_correction", f"stood still for {self._quiet_s:.1f} s, then another level or pattern")]

    def _settled(self, look: Look) -> list[Sign]:
        if look.time_s < self._settles_until_s or self._settles_until_s == -math.inf:
            return []
        self._settles_until_s = -math.inf
        return [Sign("flat_field_correction", "settled", ended=True)]


class _Light:
    """Sudden changes of the camera's gain or level, from the registration of one picture to the next."""

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._usual_level = 0.0
        self._usual_gain = 0.0
        self._quiet_until_s = 0.0

    def look(self, look: Look) -> list[Sign]:
        """A gain jump; a jump that takes several pictures is told once."""
        mean = float(look.samples.mean()) / 4
        level = (look.gain - 1) * mean + look.offset
        gain = look.gain - 1
        s = self._s
        least = max(s.jump_counts, 4 * look.noise, 0.15 * look.spread, 5 * self._usual_level)
        jumped = abs(level) > least or abs(gain) > max(s.jump_gain, 5 * self._usual_gain)
        self._usual_level += 0.02 * (min(abs(level), least) - self._usual_level)
        self._usual_gain += 0.02 * (min(abs(gain), s.jump_gain) - self._usual_gain)
        if not jumped:
            return []
        return self.tell(look, f"contrast times {look.gain:.2f}, level {level:+.1f} counts")

    def tell(self, look: Look, detail: str) -> list[Sign]:
        """A gain jump, unless one was told within the last two seconds."""
        quiet = look.time_s < self._quiet_until_s
        self._quiet_until_s = look.time_s + 2.0
        return [] if quiet else [Sign("gain_jump", detail)]


class _Pose:
    """Where the camera looks: knocks that stay, and pans; sway comes back and is neither."""

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._places: deque[tuple[float, float, float]] = deque(maxlen=256)
        self._panning = _Lasting("panning", 1.0, 1.0, looks=4)
        self._relearns: deque[float] = deque(maxlen=3)
        self._looked_s = 0.0

    def look(self, look: Look) -> list[Sign]:
        """Panning and its end, or a knock."""
        self._places.append((look.time_s, *look.place_px))
        if look.time_s - self._looked_s < 0.2:
            return []
        self._looked_s = look.time_s
        speed = self._speed(look)
        lost_often = len(self._relearns) == 3 and look.time_s - self._relearns[0] < 4.0
        limit = self._s.pan_px_s * (0.5 if self._panning.on else 1.0)
        signs = self._panning.look(speed > limit or lost_often, look.time_s, f"{speed:.0f} px/s")
        if signs:
            self._places.clear()
        if not self._panning.on and not signs:
            signs += self._knock(look.fps)
        return signs

    def forget(self) -> None:
        """Compare no place from before with one from now on."""
        self._places.clear()

    def relearned(self, look: Look) -> list[Sign]:
        """The scene was lost and learnt anew: moved once, or moving all the time."""
        self._relearns.append(look.time_s)
        self._places.clear()
        lately = len(self._relearns) > 1 and look.time_s - self._relearns[-2] < 2.0
        return [] if self._panning.on or lately else [Sign("camera_moved", "another scene")]

    def _speed(self, look: Look) -> float:
        """Pixels per second in one direction over the last 0.8 s; 0 while that is not known."""
        recent = [place for place in self._places if place[0] >= look.time_s - max(0.8, 4 / look.fps)]
        if len(recent) < 4:
            return 0.0
        path = np.array(recent)
        steps = np.diff(path[:, 1:], axis=0)
        gone = path[-1, 1:] - path[0, 1:]
        length = float(np.hypot(*steps.T).sum())
        distance = float(np.hypot(*gone))
        seconds = float(path[-1, 0] - path[0, 0])
        if seconds <= 0 or distance < 0.85 * length or distance < 4:
            return 0.0
        # All in one go is a knock; a pan is on the move in every part of the time.
        along = steps @ gone / distance
        return distance / seconds if np.median(along) > 0.5 * along.mean() else 0.0

    def _knock(self, fps: float) -> list[Sign]:
        span = max(4, round(0.7 * fps))
        gap = max(1, round(0.4 * fps))
        if len(self._places) < 2 * span + gap:
            return []
        path = np.array(self._places)[-(2 * span + gap) :, 1:]
        before, after = path[:span], path[-span:]
        step = np.median(after, axis=0) - np.median(before, axis=0)
        distance = float(np.hypot(*step))
        unrest = max(float(np.ptp(before, axis=0).max()), float(np.ptp(after, axis=0).max()))
        if distance < self._s.moved_px or distance < 3 * unrest:
            return []
        self._places.clear()
        return [Sign("camera_moved", f"{step[0]:+.1f} px across, {step[1]:+.1f} px down")]


class _Structure:
    """Whether the learnt scene is still there, and as sharp: covered lenses and lost focus.

    The scene's sharpest edges are kept as differences over 4 pixels. Sharpness is how much of that happens within 2
    pixels at the edge: gain, fog and the contrast of the hour cancel in it, and noise does, being different in the two.
    """

    LOOKS = 10
    LEAST_POINTS = 48

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self.covered = _Lasting("covered", settings.covered_s, 1.0)
        self._defocused = _Lasting("defocused", settings.defocused_s, 2.0, looks=4)
        self._best = 0.0
        self.forget()

    def forget(self) -> None:
        """Learn the edges anew; the sharpness of the lens stays known."""
        self._points = np.zeros((0, 3), np.int64)
        self._learnt = 0
        self._chosen_s = -math.inf
        self._looked_s = -math.inf
        self._spread = 0.0
        self._noise = 0.0
        self._strange = 0

    def look(self, look: Look) -> list[Sign]:
        """Covered or defocused, and their ends, four times a second."""
        if look.time_s - self._looked_s < 0.25 - 1e-6:
            return []
        self._looked_s = look.time_s
        healthy = not self.covered.on and not self._defocused.on
        if healthy and look.trusted and look.time_s - self._chosen_s > (600.0 if self.usable else 10.0):
            self._choose(look)
            return []
        if len(self._points) < self.LEAST_POINTS:
            return []
        return self._compare(look)

    @property
    def usable(self) -> bool:
        """Whether enough edges are known to say anything."""
        return len(self._points) >= self.LEAST_POINTS

    @property
    def ready(self) -> bool:
        """Whether the edges have been averaged enough to be compared with."""
        return self.usable and self._learnt >= self.LOOKS

    def flat(self, look: Look) -> bool:
        """Whether the picture's structure is down at its noise, where the scene had some."""
        if self._spread < 3 * self._noise:
            return False
        return look.spread < max(self._s.covered_share * self._spread, look.noise)

    @property
    def dull(self) -> bool:
        """Whether the edges last measured are less steep than they should be."""
        return self._sharpness() < self._s.defocused_share * self._best

    def same_place(self, look: Look) -> bool:
        """Whether the learnt edges are in this picture, where they were."""
        return self.ready and self._find(look) > 0.5

    def _choose(self, look: Look) -> None:
        """Take the four sharpest edges of each 32 x 32 cell, in each direction."""
        picture = cv2.GaussianBlur(look.counts, (3, 3), 0).astype(np.float32)
        points = []
        for vertical in (0, 1):
            slope = np.zeros_like(picture)
            if vertical:
                slope[1:-1] = np.abs(picture[2:] - picture[:-2])
            else:
                slope[:, 1:-1] = np.abs(picture[:, 2:] - picture[:, :-2])
            points.append(_strongest(slope, max(4.0, 4 * look.noise), vertical))
        self._points = np.concatenate(points)
        self._place = look.place_px
        self._seen_at = (0.0, 0.0)
        self._chosen_s = look.time_s
        self._fine = np.zeros(len(self._points))
        self._coarse = np.zeros(len(self._points))
        self._known = np.zeros(len(self._points))
        self._learnt = 0
        self._spread, self._noise = look.spread, look.noise

    def _measure(self, look: Look) -> int:
        dx = round(look.place_px[0] - self._place[0])
        dy = round(look.place_px[1] - self._place[1])
        return _edges(look.counts, self._points, dx, dy, self._fine, self._coarse)

    def _find(self, look: Look) -> float:
        """The agreement here, or else where the edges were last seen: a covered lens tells nothing of the place."""
        self._measure(look)
        agreement = self._agreement()
        if agreement > 0.5:
            self._seen_at = (look.place_px[0] - self._place[0], look.place_px[1] - self._place[1])
            return agreement
        kept = self._place
        self._place = (look.place_px[0] - self._seen_at[0], look.place_px[1] - self._seen_at[1])
        self._measure(look)
        there = self._agreement()
        if there > 0.5:
            return there
        self._place = kept
        self._measure(look)
        return agreement

    def _agreement(self) -> float:
        """The correlation of the edges with the learnt ones."""
        power = float(self._coarse @ self._coarse) * float(self._known @ self._known)
        return float(self._coarse @ self._known) / math.sqrt(power) if power > 0 else 0.0

    def _compare(self, look: Look) -> list[Sign]:
        if self._measure(look) < 0.5 * len(self._points) and not self.covered.on:
            self._chosen_s = -math.inf
            return []
        if self._learnt < self.LOOKS:
            return self._learn()
        agreement = self._find(look)
        covered = agreement < 0.3 and self.flat(look)
        signs = self.covered.look(covered, look.time_s, f"structure {look.spread:.1f} of {self._spread:.1f} counts")
        if covered or self.covered.on:
            return signs
        if agreement < 0.5:
            self._strange += 1
            if self._strange > 20 and not self._defocused.on:
                self.forget()
            return signs
        self._strange = 0
        return signs + self._focus(look)

    def _learn(self) -> list[Sign]:
        self._learnt += 1
        self._known += (self._coarse - self._known) / self._learnt
        if self._learnt == self.LOOKS and not self._best:
            self._best = self._sharpness()
        return []

    def _sharpness(self) -> float:
        return float(self._fine @ self._known) / max(float(self._coarse @ self._known), 1e-6)

    def _focus(self, look: Look) -> list[Sign]:
        sharpness = self._sharpness()
        below = sharpness < self._s.defocused_share * self._best
        detail = f"edges {100 * sharpness / self._best:.0f} % as steep as learnt"
        signs = self._defocused.look(below, look.time_s, detail)
        if not below and not self._defocused.on:
            # Up within a minute, down within a day: a lens that drifts must not teach us its drift.
            self._best += (0.25 / 60 if sharpness > self._best else 0.25 / 86400) * (sharpness - self._best)
            self._known += 0.25 / 60 * (self._coarse - self._known)
            self._spread += 0.25 / 60 * (look.spread - self._spread)
            self._noise += 0.25 / 60 * (look.noise - self._noise)
        return signs


def _strongest(slope: F32, least: float, vertical: int) -> I64:
    """(n, 3) x, y, vertical: the four steepest pixels of every 32 x 32 cell, clear of the border."""
    cell = 32
    inner = slope[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    rows, columns = inner.shape[0] // cell, inner.shape[1] // cell
    if rows < 1 or columns < 1:
        return np.zeros((0, 3), np.int64)
    cells = inner[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell).swapaxes(1, 2)
    flat = cells.reshape(rows * columns, cell * cell)
    best = np.argpartition(flat, -4, axis=1)[:, -4:]
    number, nth = np.nonzero(np.take_along_axis(flat, best, axis=1) > least)
    at = best[number, nth]
    y = number // columns * cell + at // cell + MARGIN_PX
    x = number % columns * cell + at % cell + MARGIN_PX
    return np.stack([x, y, np.full_like(x, vertical)], axis=1).astype(np.int64)


class _Loop:
    """A feed that repeats: the noise itself comes again, at one lag and no other.

    Kept of each picture is which of 512 places rose and which fell since the one before: what stands still (patterns
    that a key frame brings back) cancels, and re-encoding leaves most of it. A lag that stands out is followed picture
    by picture, beside its neighbours, for `looped_s`: sway and flicker agree with the neighbours as well.
    """

    NEIGHBOURS = (-8, -5, -3, -2, 2, 3, 5, 8)
    LEAST_LAG = 12
    LEAST_TOLD = 60

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._rising = np.zeros((settings.loop_frames, WORDS), np.uint64)
        self._falling = np.zeros((settings.loop_frames, WORDS), np.uint64)
        self._count = 0
        self._searched_s = 0.0
        self._lag = 0
        self._on = False

    def look(self, look: Look, previous: I32) -> list[Sign]:
        """Looped, or its end."""
        slot = self._count % len(self._rising)
        level = float(np.median(look.samples - previous))
        told = _signs(look.samples, previous, level, 0.25 * look.activity, self._rising[slot], self._falling[slot])
        self._count += 1
        if told < self.LEAST_TOLD:
            return []
        if self._lag:
            return self._follow(look, slot)
        if look.time_s - self._searched_s >= 0.5:
            self._searched_s = look.time_s
            self._search(look, slot)
        return []

    def _agreement(self, slots: I64 | slice, slot: int) -> tuple[I64, I64]:
        """How many places moved the same way less how many did not, and how many moved in both, for stored pictures."""
        rising, falling = self._rising[slots], self._falling[slots]
        up, down = self._rising[slot], self._falling[slot]
        same = np.bitwise_count((rising & up) | (falling & down)).sum(axis=1, dtype=np.int64)
        other = np.bitwise_count((rising & down) | (falling & up)).sum(axis=1, dtype=np.int64)
        return same - other, same + other

    def _search(self, look: Look, slot: int) -> None:
        stored = min(self._count, len(self._rising))
        excess, told = self._agreement(slice(0, stored), slot)
        score = np.where(told >= self.LEAST_TOLD, excess / np.sqrt(np.maximum(told, 1)), 0.0)
        lag = (slot - np.arange(stored)) % len(self._rising)
        score[lag < max(self.LEAST_LAG, round(look.fps))] = 0.0
        best = int(np.argmax(score))
        if score[best] < 4.5:
            return
        self._lag = int(lag[best])
        self._begin(look)

    def _begin(self, look: Look) -> None:
        self._since_s = look.time_s
        self._seen = 0
        self._hits = 0
        self._excess = np.zeros(1 + len(self.NEIGHBOURS))
        self._told = np.zeros(1 + len(self.NEIGHBOURS))

    def _follow(self, look: Look, slot: int) -> list[Sign]:
        lags = np.array([self._lag, *(self._lag + n for n in self.NEIGHBOURS)])
        excess, told = self._agreement((slot - lags) % len(self._rising), slot)
        self._excess += excess
        self._told += told
        self._seen += 1
        self._hits += int(excess[0] > 2.5 * math.sqrt(max(int(told[0]), 1)))
        share = self._hits / self._seen
        if not self._on and self._seen >= 8 and share < 0.6:
            self._lag = 0
            return []
        if look.time_s - self._since_s < self._s.looped_s or self._seen < 20:
            return []
        return self._settle(look, share)

    def _settle(self, look: Look, share: float) -> list[Sign]:
        mean = self._excess / np.maximum(self._told, 1)
        alone = float(np.abs(mean[1:]).max()) < 0.4 * mean[0]
        looped = share > 0.85 and mean[0] > 0.15 and alone
        was, self._on = self._on, looped
        lag_s = self._lag / look.fps
        self._begin(look)
        if not looped:
            self._lag = 0
        if looped == was:
            return []
        return [Sign("looped", f"the noise repeats after {lag_s:.1f} s", ended=was)]


class _Lines:
    """Rows and columns without a signal: constant, or copies of the one before, amid a scene that is neither."""

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._state = _Lasting("dead_rows", 2.0, 3.0)
        self._looked_s = 0.0
        self._before: frozenset[str] = frozenset()

    def look(self, look: Look) -> list[Sign]:
        """Dead lines and their end, once a second."""
        if look.time_s - self._looked_s < 1.0 - 1e-6:
            return []
        self._looked_s = look.time_s
        names = self._dead(look.counts, "row") | self._dead(look.counts.T, "column")
        lasting = names & self._before
        self._before = names
        shown = ", ".join(sorted(lasting)[:8])
        return self._state.look(bool(lasting), look.time_s, shown or "all lines carry a signal")

    def _dead(self, counts: Counts, word: str) -> frozenset[str]:
        lines = len(counts)
        along, across = np.zeros(lines), np.zeros(lines)
        _line_contrast(counts, along, across)
        dead = np.zeros(lines, np.bool_)
        for contrast in (along, across):
            usual = _local_median(contrast)
            dead |= (usual > 1.5) & (contrast < self._s.dead_line_share * usual)
        # A border that carries nothing is how the picture is made, and so are lines doubled throughout.
        dead[:2] = dead[-2:] = False
        if dead.sum() > self._s.most_dead_lines * lines:
            return frozenset()
        return frozenset(f"{word} {n}" for n in np.flatnonzero(dead))


def _local_median(values: F64) -> F64:
    """The median of the 17 values around each."""
    padded = np.pad(values, 8, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 17), axis=1)


class _Overlay:
    """Burned-in text and marks: what stays in its place in the picture while the scene moves through it.

    Only where the moved scene would have looked different does a pixel get a vote, and one that goes with the scene
    loses two. Nothing is voted on while the camera stands still: text that does not move does no harm then.
    """

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._anchor: Counts | None = None
        self._anchored_s = 0.0
        self._votes: NDArray[np.int8] | None = None
        self._told = 0
        self.mask: Flags | None = None

    def forget(self) -> None:
        """Compare with another picture from now on; votes stay, the text does."""
        self._anchor = None

    def look(self, look: Look) -> list[Sign]:
        """A new or clearly larger mask."""
        if self._anchor is None or self._anchor.shape != look.counts.shape:
            self._take(look)
            return []
        if look.time_s - self._anchored_s < 1.5:
            return []
        dx = round(look.place_px[0] - self._place[0])
        dy = round(look.place_px[1] - self._place[1])
        if max(abs(dx), abs(dy)) < 3:
            return []
        if max(abs(dx), abs(dy)) < min(look.counts.shape) // 4:
            self._vote(look, dx, dy)
        self._take(look)
        return self._tell()

    def _take(self, look: Look) -> None:
        self._anchor = look.counts.copy()
        self._place = look.place_px
        self._anchored_s = look.time_s

    def _vote(self, look: Look, dx: int, dy: int) -> None:
        now = look.counts.astype(np.float32)
        old = np.asarray(self._anchor, np.float32)
        moved = np.roll(old, (dy, dx), axis=(0, 1))
        near, far = max(5.0, 3 * look.noise), max(24.0, 8 * look.noise)
        telling = np.abs(moved - old) > far
        telling[: abs(dy) + 1] = telling[-abs(dy) - 1 :] = False
        telling[:, : abs(dx) + 1] = telling[:, -abs(dx) - 1 :] = False
        stays = telling & (np.abs(now - old) < near)
        goes = telling & (np.abs(now - moved) < np.abs(now - old)) & ~stays
        # Where the scene as a whole did not go along, the shift is not to be believed.
        if np.count_nonzero(goes) < 2 * np.count_nonzero(stays) + 200:
            return
        if self._votes is None or self._votes.shape != stays.shape:
            self._votes = np.zeros(stays.shape, np.int8)
        self._votes += stays.astype(np.int8) - 2 * goes.astype(np.int8)
        np.clip(self._votes, -4, 12, out=self._votes)
        self.mask = self._grow(self._votes)

    def _grow(self, votes: NDArray[np.int8]) -> Flags | None:
        """The mask: seeds closed to whole strokes, specks left out; None where there is no text, or far too much."""
        seeds = (votes >= self._s.overlay_votes).astype(np.uint8)
        closed = cv2.morphologyEx(seeds, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        large = np.zeros(count, np.bool_)
        large[1:] = stats[1:, cv2.CC_STAT_AREA] >= 12
        mask = cv2.dilate(large[labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        share = float(mask.mean())
        return mask if 0 < share <= self._s.most_overlay else None

    def _tell(self) -> list[Sign]:
        size = 0 if self.mask is None else int(np.count_nonzero(self.mask))
        if size <= 1.25 * self._told + 20:
            return []
        self._told = size
        return [Sign("overlay_masked", f"{size} pixels do not move with the scene")]


class HealthMonitor:
    """Says what befalls one camera, picture by picture.

    `camera_moved`, `gain_jump` and `overlay_masked` are moments; every other kind has a beginning and, with `ended`, an
    end.
    """

    def __init__(self, camera_id: str, settings: HealthSettings | None = None) -> None:
        self.camera_id = camera_id
        self.settings = settings or HealthSettings()
        self._overlay = _Overlay(self.settings)
        self._structure = _Structure(self.settings)
        self._time_s = 0.0
        self._before: I32 = np.zeros(PLACES, np.int32)
        self._samples: I32 = np.zeros(PLACES, np.int32)
        self._start((0, 0))

    @property
    def overlay(self) -> Flags | None:
        """(H, W), true where burned-in marks hide the scene, in the picture's own pixels; None where none are known."""
        return self._overlay.mask

    def update(self, frame: Frame, difference: Difference, blobs: Blobs, step_s: float) -> list[CameraHealth]:
        """What this picture shows of the camera's health; `step_s` is the time since the one before."""
        if frame.counts.shape != self._shape:
            self._start(frame.counts.shape)
        self._time_s += step_s
        look = self._look(frame.counts, difference, step_s)
        signs = self._signs(look, blobs) if self._frames > 1 else []
        before = self._before
        self._before, self._samples = self._samples, before
        return [
            CameraHealth(
                time_ns=frame.time_ns,
                camera_id=self.camera_id,
                frame_index=frame.index,
                kind=sign.kind,
                detail=sign.detail,
                ended=sign.ended,
            )
            for sign in signs
        ]

    def _start(self, shape: tuple[int, ...]) -> None:
        """Begin anew with pictures of this size."""
        s = self.settings
        self._shape = shape
        self._rows, self._columns = _places(shape[0], shape[1])
        self._frames = 0
        self._fps = 0.0
        self._noise = 0.0
        self._started_s = self._time_s
        self._was_trusted = False
        self._stillness, self._light, self._pose = _Stillness(s), _Light(s), _Pose(s)
        self._loop, self._lines = _Loop(s), _Lines(s)
        self._structure.forget()

    def _look(self, counts: Counts, difference: Difference, step_s: float) -> Look:
        changed, activity = _sample(counts, self._rows, self._columns, self._before, self._samples)
        self._frames += 1
        if self._frames > 1 and step_s > 0:
            self._fps = 1 / step_s if not self._fps else 1 / (1 / self._fps + 0.1 * (step_s - 1 / self._fps))
        if self._frames > 1 and changed:
            # Two pictures' noise, summed over four pixels, from the mean of what is normally distributed.
            noise = math.sqrt(math.pi / 2) * activity / math.sqrt(8)
            self._noise += max(0.02, 1.0 / self._frames) * (noise - self._noise)
        spread = math.sqrt(max(float(self._samples.var()) / 16 - self._noise**2 / 4, 0.0))
        found, origin = difference.registration, difference.origin
        return Look(
            time_s=self._time_s,
            step_s=step_s,
            fps=max(self._fps, 0.01),
            counts=counts,
            samples=self._samples,
            changed=changed / PLACES,
            activity=activity,
            noise=self._noise,
            spread=spread,
            trusted=difference.trusted,
            relearned=difference.state == "relearned",
            place_px=(found.shift_x_px - origin[0], found.shift_y_px - origin[1]),
            gain=found.gain,
            offset=found.offset,
        )

    def _signs(self, look: Look, blobs: Blobs) -> list[Sign]:
        signs = self._stillness.look(look)
        signs += self._loop.look(look, self._before)
        settled = look.time_s - self._started_s >= self.settings.settle_s and self._frames > 10
        if look.relearned:
            signs += self._relearned(look) if settled else []
        if settled:
            signs += self._structure.look(look)
            signs += self._lines.look(look)
        # After a gap the camera may well show another level: only two pictures in a row can jump.
        flat = self._structure.flat(look)
        steady = look.trusted and self._was_trusted and look.step_s < 3 / look.fps and not flat
        if flat:
            # A covered lens shows no motion and no gain; what the registration makes of it is made up.
            self._pose.forget()
        elif look.trusted:
            signs += self._pose.look(look) if settled else []
        if settled and steady:
            signs += [] if self._stillness.correcting else self._light.look(look)
            signs += [] if blobs.flooded else self._overlay.look(look)
        self._was_trusted = look.trusted
        return signs

    def _relearned(self, look: Look) -> list[Sign]:
        """The scene was lost: the lens is covered, the gain jumped so far that it was not known again, or it moved."""
        self._overlay.forget()
        if self._structure.flat(look):
            return []
        if self._structure.same_place(look):
            explained = self._stillness.correcting or self._structure.covered.on or self._structure.dull
            return [] if explained else self._light.tell(look, "so far that the scene was lost")
        signs = self._structure.covered.end("the scene has structure again")
        self._structure.forget()
        return signs + self._pose.relearned(look)


def _places(rows: int, columns: int) -> tuple[I64, I64]:
    """Rows and columns of the 512 places looked at: spread evenly, in no regular pattern (R2 sequence).

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018).
    """
    root = 1.32471795724474602596
    n = np.arange(1, PLACES + 1)
    y = (n / root) % 1.0
    x = (n / root**2) % 1.0
    return (y * max(rows - 1, 1)).astype(np.int64), (x * max(columns - 1, 1)).astype(np.int64)

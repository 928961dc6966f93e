"""What befalls the camera itself: moved, panning, frozen, covered, out of focus, looped, dead lines, burned-in text.

Every picture costs two looks at 512 fixed places; all else runs at a few hertz. Each symptom is one class whose verb
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
BESIDE_PX = 4
"""How far beside a place, across and down, the places lie that it is compared with."""
SLOW_S = 0.3
"""How often the costlier looks are taken."""


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

    `samples` (512,) are sums of 2 x 2 pixels; `changed` is the share of them that differ from the picture before,
    `activity` and `change` the mean of how much, without and with its sign. `mean` is the mean pixel, `noise` the
    standard deviation of one pixel over time, `spread` that of the scene over the picture. A lasting scene point x is
    at x + `place_px` in the picture.
    """

    time_s: float
    step_s: float
    fps: float
    counts: Counts
    samples: I32
    changed: float
    activity: float
    change: float
    mean: float
    noise: float
    spread: float
    trusted: bool
    relearned: bool
    place_px: tuple[float, float]
    gain: float
    offset: float


@numba.njit(inline="always")
def _square(counts: Counts, y: np.uint64, x: np.uint64) -> np.int32:
    """The sum of 2 x 2 pixels; without signs the compiler need not ask whether an index counts from the far side."""
    below, right = y + np.uint64(1), x + np.uint64(1)
    upper = np.int32(counts[y, x]) + np.int32(counts[y, right])
    return np.int32(upper + np.int32(counts[below, x]) + np.int32(counts[below, right]))


@numba.njit(cache=True, nogil=True)
def _sample(counts: Counts, rows: U64, columns: U64, previous: I32, samples: I32, out: F64) -> None:
    """Fill `samples` with 2 x 2 sums, and `out` with what they say together.

    `out` becomes the share that differs from `previous`, the mean absolute and the mean change, the mean and the
    variance of the samples.
    """
    differs = activity = change = total = 0
    square = 0.0
    for k in range(np.uint64(rows.shape[0])):
        value = _square(counts, rows[k], columns[k])
        samples[k] = value
        step = value - previous[k]
        differs += step != 0
        activity += abs(step)
        change += step
        total += int(value)
        square += float(value) * float(value)
    out[0], out[1], out[2], out[3] = differs, activity, change, total
    out /= rows.shape[0]
    out[4] = max(square / rows.shape[0] - out[3] * out[3], 0.0)


@numba.njit(cache=True, nogil=True)
def _signs(
    counts: Counts, rows: U64, columns: U64, previous: I32, samples: I32, slot: int, rising: U64, falling: U64
) -> int:
    """Fill `samples`, and pack into row `slot` which of them rose and which fell since `previous`; how many did either.

    A sample is twice a place of 2 x 2 pixels less those on either side of it along a diagonal: light, veils and shadows
    are the same on all three, noise is not.
    """
    beside = np.uint64(BESIDE_PX)
    activity = 0
    for k in range(np.uint64(rows.shape[0])):
        y, x = rows[k], columns[k]
        value = 2 * _square(counts, y, x) - _square(counts, y - beside, x - beside)
        value -= _square(counts, y + beside, x + beside)
        samples[k] = value
        activity += abs(value - previous[k])
    dead_zone = np.int32(0.25 * activity / rows.shape[0])
    told = 0
    for word in range(np.uint64(rising.shape[1])):
        up = np.uint64(0)
        down = np.uint64(0)
        for bit in range(np.uint64(64)):
            at = word * np.uint64(64) + bit
            step = samples[at] - previous[at]
            # No branches: which way noise goes cannot be foreseen.
            rose, fell = np.uint64(step > dead_zone), np.uint64(-step > dead_zone)
            up |= rose << bit
            down |= fell << bit
            told += int(abs(step) > dead_zone)
        rising[slot, word] = up
        falling[slot, word] = down
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
def _beside(counts: Counts, points: I64, every: int, dx: int, dy: int, across: int, known: F64) -> tuple[float, float]:
    """How well the differences of every `every`-th point agree with `known` a pixel before and after (dx, dy)."""
    rows, columns = counts.shape
    told = np.zeros(2)
    power = np.zeros(2)
    for k in range(0, points.shape[0], every):
        for side in range(2):
            step = 2 * side - 1
            x = points[k, 0] + dx + (step if across else 0)
            y = points[k, 1] + dy + (0 if across else step)
            if x < 4 or y < 4 or x >= columns - 4 or y >= rows - 4:
                continue
            if points[k, 2]:
                fine = float(counts[y + 1, x]) - float(counts[y - 1, x])
                coarse = float(counts[y + 4, x]) - float(counts[y - 4, x])
            else:
                fine = float(counts[y, x + 1]) - float(counts[y, x - 1])
                coarse = float(counts[y, x + 4]) - float(counts[y, x - 4])
            told[side] += (fine + coarse) * known[k]
            power[side] += coarse * coarse
    told /= np.sqrt(np.maximum(power, 1.0))
    return told[0], told[1]


@numba.njit(cache=True, nogil=True)
def _line_contrast(counts: Counts, rows_out: F64, columns_out: F64) -> None:
    """For each row and each column the mean change along it, over 5 pixels, and from the line before.

    `rows_out` is (2, H), `columns_out` (2, W); every third pixel of a line is taken.
    """
    rows, columns = counts.shape
    # Whole numbers, and indices without sign: the compiler can then do many pixels of a row at a time.
    along = np.zeros(columns, np.int32)
    across = np.zeros(columns, np.int32)
    one, five = np.uint64(1), np.uint64(5)
    for y in range(np.uint64(rows)):
        before = y - one if y else y
        far = near = 0
        for x in range(np.uint64(0), np.uint64(max(columns - 5, 0)), np.uint64(3)):
            here = np.int32(counts[y, x])
            far += int(abs(here - np.int32(counts[y, x + five])))
            near += int(abs(here - np.int32(counts[before, x])))
        rows_out[0, y] = far
        rows_out[1, y] = near
        if y % np.uint64(3) or y + five >= np.uint64(rows):
            continue
        below = y + five
        for x in range(np.uint64(columns - 1)):
            here = np.int32(counts[y, x + one])
            along[x + one] += np.int32(abs(here - np.int32(counts[below, x + one])))
            across[x + one] += np.int32(abs(here - np.int32(counts[y, x])))
    rows_out /= max((columns - 5) / 3, 1.0)
    columns_out[0] = along / max((rows - 5) / 3, 1.0)
    columns_out[1] = across / max((rows - 5) / 3, 1.0)


@numba.njit(cache=True, nogil=True)
def _ones(word: np.uint64) -> np.uint64:
    """How many bits are set.

    Source: Warren, "Hacker's Delight" (2012), section 5-1; compilers make one instruction of it.
    """
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@numba.njit(cache=True, nogil=True)
def _agreement(rising: U64, falling: U64, slots: I64, slot: int, excess: F64, told: F64) -> None:
    """How many places moved the same way less how many did not, and how many moved in both, for stored pictures."""
    for k in range(slots.shape[0]):
        same = np.uint64(0)
        other = np.uint64(0)
        for word in range(rising.shape[1]):
            up = rising[slots[k], word]
            down = falling[slots[k], word]
            same += _ones((up & rising[slot, word]) | (down & falling[slot, word]))
            other += _ones((up & falling[slot, word]) | (down & rising[slot, word]))
        excess[k] = float(same) - float(other)
        told[k] = float(same) + float(other)


@numba.njit(cache=True, nogil=True)
def _rival(rising: U64, falling: U64, slot: int, lag: int, first: int, last: int) -> tuple[float, int]:
    """The best agreement in standard deviations at any other lag from `first` to `last`, and how many there were.

    Multiples of the lag, give or take two pictures, are no others: a loop repeats at all of them.
    """
    best = 0.0
    others = 0
    for other in range(first, last):
        beyond = (other + 2) % lag
        if beyond <= 4 and other + 2 >= lag:
            continue
        others += 1
        at = (slot - other) % rising.shape[0]
        same = np.uint64(0)
        differs = np.uint64(0)
        for word in range(rising.shape[1]):
            up = rising[at, word]
            down = falling[at, word]
            same += _ones((up & rising[slot, word]) | (down & falling[slot, word]))
            differs += _ones((up & falling[slot, word]) | (down & rising[slot, word]))
        told = float(same) + float(differs)
        best = max(best, (float(same) - float(differs)) / math.sqrt(max(told, 1.0)))
    return best, others


@numba.njit(cache=True, nogil=True)
def _told(now: Counts, old: Counts, y: int, x: int, dx: int, dy: int, near: float, far: float) -> int:
    """1 where a pixel stays in its place while the scene moves by (dx, dy), -1 where it goes along, else 0."""
    was = np.int32(old[y, x])
    moved = np.int32(old[y - dy, x - dx])
    if abs(moved - was) <= far:
        return 0
    here = np.int32(now[y, x])
    if abs(here - was) < near:
        # Beside text, the text would have come here; only what would itself have gone elsewhere counts.
        return 1 if abs(np.int32(now[y + dy, x + dx]) - was) > far else 0
    return -1 if abs(here - moved) < abs(here - was) else 0


@numba.njit(cache=True, nogil=True)
def _vote(now: Counts, old: Counts, dx: int, dy: int, near: float, far: float, votes: NDArray[np.int8]) -> int:
    """Vote for pixels that stay in their place where the scene moved by (dx, dy); how many got one.

    What goes along with the scene loses two votes. No vote is cast, and -1 returned, where the scene as a whole did not
    go along: the shift is not to be believed then.
    """
    rows, columns = now.shape
    stays = 0
    goes = 0
    for cast in range(2):
        if cast and goes < 2 * stays + 200:
            return -1
        for y in range(abs(dy) + 1, rows - abs(dy) - 1):
            for x in range(abs(dx) + 1, columns - abs(dx) - 1):
                told = _told(now, old, y, x, dx, dy, near, far)
                stays += told > 0
                goes += told < 0
                if cast and told:
                    votes[y, x] = min(max(votes[y, x] + (1 if told > 0 else -2), -4), 12)
    return stays // 2


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
    """Sudden changes of the camera's gain or level, from the registration of one picture to the next.

    The picture must show the change as well: the registration may weigh a veiled scene now by this part of the picture
    and now by that.
    """

    SHOWN = 0.4
    """So much of a jump must be seen in the picture as a whole; the rest may lie above white or below black."""

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._usual_level = 0.0
        self._usual_gain = 0.0
        self._quiet_until_s = 0.0
        self._mean = 0.0
        self._spread = 0.0

    def note(self, look: Look) -> None:
        """Keep how bright the picture is, and how it is spread."""
        self._mean, self._spread = look.mean, look.spread

    def look(self, look: Look) -> list[Sign]:
        """A gain jump; a jump that takes several pictures is told once."""
        gain = look.gain - 1
        level = gain * look.mean + look.offset
        s = self._s
        least = max(s.jump_counts, 4 * look.noise, 0.15 * look.spread, 5 * self._usual_level)
        brighter, wider = self._shown(look)
        jumped = abs(level) > least and brighter / level > self.SHOWN
        jumped |= abs(gain) > max(s.jump_gain, 5 * self._usual_gain) and wider / gain > self.SHOWN
        self._usual_level += 0.02 * (min(abs(level), least) - self._usual_level)
        self._usual_gain += 0.02 * (min(abs(gain), s.jump_gain) - self._usual_gain)
        if not jumped:
            return []
        return self.tell(look, f"contrast times {look.gain:.2f}, level {level:+.1f} counts")

    def lost(self, look: Look) -> list[Sign]:
        """A gain jump where the scene was not known again and the picture has another level or spread than before."""
        brighter, wider = self._shown(look)
        least = max(self._s.jump_counts, 0.15 * self._spread)
        changed = abs(brighter) > least or abs(wider) > self._s.jump_gain
        return self.tell(look, "so far that the scene was lost") if changed else []

    def _shown(self, look: Look) -> tuple[float, float]:
        """How many counts the picture is brighter than when last noted, and by what share it is spread wider."""
        return look.mean - self._mean, look.spread / max(self._spread, 1e-6) - 1

    def tell(self, look: Look, detail: str) -> list[Sign]:
        """A gain jump, unless one was told within the last two seconds."""
        quiet = look.time_s < self._quiet_until_s
        self._quiet_until_s = look.time_s + 2.0
        return [] if quiet else [Sign("gain_jump", detail)]


class _Pose:
    """Where the camera looks: knocks that stay, and pans; sway comes back and is neither."""

    KEPT = 256

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._ring = np.zeros((4 * self.KEPT, 3))
        self._count = 0
        self._panning = _Lasting("panning", 1.0, 1.0)
        self._relearns: deque[float] = deque(maxlen=3)

    def note(self, look: Look) -> None:
        """Keep where the camera looks."""
        if self._count == len(self._ring):
            self._ring[: self.KEPT] = self._ring[-self.KEPT :]
            self._count = self.KEPT
        self._ring[self._count] = (look.time_s, *look.place_px)
        self._count += 1

    def look(self, look: Look, *, edges: bool) -> list[Sign]:
        """Panning and its end, or a knock, from the places noted; without `edges` it is clouds or rain that pass."""
        speed = self._speed(look) if edges else 0.0
        lost_often = len(self._relearns) == 3 and look.time_s - self._relearns[0] < 4.0
        limit = self._s.pan_px_s * (0.5 if self._panning.on else 1.0)
        signs = self._panning.look(speed > limit or lost_often, look.time_s, f"{speed:.0f} px/s")
        if signs:
            self._count = 0
        if not self._panning.on and not signs:
            signs += self._knock(look.fps)
        return signs

    def forget(self) -> None:
        """Compare no place from before with one from now on."""
        self._count = 0

    def relearned(self, look: Look) -> list[Sign]:
        """The scene was lost and learnt anew: moved once, or moving all the time."""
        self._relearns.append(look.time_s)
        self._count = 0
        lately = len(self._relearns) > 1 and look.time_s - self._relearns[-2] < 2.0
        return [] if self._panning.on or lately else [Sign("camera_moved", "another scene")]

    def _speed(self, look: Look) -> float:
        """Pixels per second in one direction over the last 0.8 s; 0 while that is not known."""
        taken = min(max(5, round(0.8 * look.fps)), self.KEPT)
        if self._count < taken:
            return 0.0
        path = self._ring[self._count - taken : self._count]
        seconds, *moved = (path[-1] - path[0]).tolist()
        distance = math.hypot(*moved)
        if seconds <= 0 or distance < 4:
            return 0.0
        steps, gone = np.diff(path[:, 1:], axis=0), np.array(moved)
        if distance < 0.85 * float(np.hypot(*steps.T).sum()):
            return 0.0
        # All in one go is a knock; a pan is on the move in every part of the time.
        along = steps @ gone / distance
        return distance / seconds if np.median(along) > 0.5 * along.mean() else 0.0

    def _knock(self, fps: float) -> list[Sign]:
        # Longer before than after: a mast that sways has been there within the last seconds.
        long = min(max(4, round(2.5 * fps)), 5 * self.KEPT // 8)
        gap = min(max(1, round(0.4 * fps)), self.KEPT // 8)
        short = min(max(4, round(1.0 * fps)), self.KEPT // 4)
        if self._count < long + gap + short:
            return []
        path = self._ring[self._count - long - gap - short : self._count, 1:]
        if math.hypot(*(path[-1] - path[0]).tolist()) < 0.5 * self._s.moved_px:
            return []
        before, after = path[:long], path[-short:]
        step = np.median(after, axis=0) - np.median(before, axis=0)
        distance = float(np.hypot(*step))
        unrest = max(float(np.ptp(before, axis=0).max()), float(np.ptp(after, axis=0).max()))
        if distance < self._s.moved_px or distance < 3 * unrest:
            return []
        self._count = 0
        return [Sign("camera_moved", f"{step[0]:+.1f} px across, {step[1]:+.1f} px down")]


class _Structure:
    """Whether the learnt scene is still there, and as sharp: covered lenses and lost focus.

    The scene's sharpest edges are kept as differences over 4 pixels. Sharpness is how much of that happens within 2
    pixels at the edge: gain, fog and the contrast of the hour cancel in it, and noise does, being different in the two.
    An edge looked for a pixel beside its place looks blurred, and a veil of rain or a cloud's shadow that drifts takes
    the registration with it: the edges are therefore followed by themselves, a pixel at a time.
    """

    LOOKS = 10
    LEAST_POINTS = 48
    FOLLOWED = 500
    """About so many edges are enough to follow them all."""
    OTHER_EDGES = 0.8
    """Edges chosen anew, of another hour or another scene, may by nature be so much less steep than those before."""

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self.covered = _Lasting("covered", settings.covered_s, 1.0)
        self._defocused = _Lasting("defocused", settings.defocused_s, 2.0, looks=4)
        self._best = 0.0
        self._lately = 1.0
        self._across = 0
        self.forget()

    def forget(self) -> None:
        """Learn the edges anew; the sharpness of the lens stays known."""
        self._points = np.zeros((0, 3), np.int64)
        self._learnt = 0
        self._chosen_s = -math.inf
        self._spread = 0.0
        self._noise = 0.0
        self._strange = 0

    def look(self, look: Look) -> list[Sign]:
        """Covered or defocused, and their ends."""
        healthy = not self.covered.on and not self._defocused.on and not self.flat(look)
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
        if self.faint:
            return False
        return look.spread < max(self._s.covered_share * self._spread, look.noise)

    @property
    def faint(self) -> bool:
        """Whether the scene had so little structure when last learnt that its place is not known."""
        # The spread is one of 2 x 2 pixels, whose noise is half a pixel's.
        return self._spread < 1.5 * self._noise

    @property
    def dull(self) -> bool:
        """Whether the edges last measured are less steep than they should be."""
        return self._sharpness() < self._s.defocused_share * self._best

    def same_place(self, look: Look) -> bool:
        """Whether the learnt edges are in this picture, where they were."""
        if not self.ready:
            return False
        self._measure(look)
        return self._find(look) > 0.5

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

    def _follow(self, look: Look) -> None:
        """Go a pixel with the edges where that agrees better; across and down by turns.

        The coarse differences lead there from afar, but do not tell one pixel from the next beside a single step.
        """
        self._across = 1 - self._across
        dx = round(look.place_px[0] - self._place[0])
        dy = round(look.place_px[1] - self._place[1])
        every = len(self._points) // self.FOLLOWED + 1
        before, after = _beside(look.counts, self._points, every, dx, dy, self._across, self._known)
        fine, coarse, known = self._fine[::every], self._coarse[::every], self._known[::every]
        here = float((fine + coarse) @ known) / math.sqrt(max(float(coarse @ coarse), 1.0))
        if max(before, after) <= here:
            return
        step = 1 if after > before else -1
        self._place = (self._place[0] - step * self._across, self._place[1] - step * (1 - self._across))
        self._measure(look)

    def _find(self, look: Look) -> float:
        """The agreement here, or else where the edges were last seen: a covered lens tells nothing of the place."""
        agreement = self._agreement()
        if agreement > 0.5:
            self._follow(look)
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
        gone = self._measure(look) < 0.5 * len(self._points)
        if gone and not self.covered.on and not self.flat(look):
            self._chosen_s = -math.inf
            return []
        if self._learnt < self.LOOKS:
            return self._learn(look)
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

    def _learn(self, look: Look) -> list[Sign]:
        if self._learnt:
            self._follow(look)
        self._learnt += 1
        self._known += (self._coarse - self._known) / self._learnt
        if self._learnt == self.LOOKS:
            sharpness = self._sharpness()
            if sharpness <= 0:
                # What was steep when it was chosen is no edge any more: it belonged to something that has gone.
                self.forget()
                return []
            # The lens is as sharp as it was with the edges before.
            self._best = max(sharpness / self._lately, self.OTHER_EDGES * self._best)
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
            self._best += (SLOW_S / 60 if sharpness > self._best else SLOW_S / 86400) * (sharpness - self._best)
            self._lately += SLOW_S / 10 * (min(sharpness / self._best, 1.0) - self._lately)
            self._known += SLOW_S / 60 * (self._coarse - self._known)
            self._spread += SLOW_S / 60 * (look.spread - self._spread)
            self._noise += SLOW_S / 60 * (look.noise - self._noise)
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

    Kept of each picture is at which of 512 places it rose and fell since the one before against what is close by: what
    stands still (patterns that a key frame brings back) cancels, so does what is smooth (veils, shadows), and
    re-encoding leaves most of it. A lag that stands out is followed picture by picture, beside its neighbours, for
    `looped_s`: sway and flicker agree with the neighbours as well. The nearest tell most: sway hardly changes from one
    picture to the next, whereas noise, which one picture has and the next has not, makes the two changes it is part of
    go opposite ways.

    All that comes again in the scene, sway above all, has been alike many times: a loop's lag must stand out of all
    others that are stored.
    """

    NEAREST = 2
    NEIGHBOURS = (-1, 1, -8, -5, -3, -2, 2, 3, 5, 8)
    LEAST_LAG = 12
    LEAST_TOLD = 60
    RIVALS = 600
    FEW_RIVALS = 200
    """So many lags back a loop's is compared, and with fewer of them only exact repeats are believed."""
    EXACT = 0.9
    STRAY = 3.5
    """The best of some hundred lags, in standard deviations, where nothing but chance agrees."""

    def __init__(self, settings: HealthSettings, shape: tuple[int, ...]) -> None:
        self._s = settings
        rows, columns = _places(shape[0] - 2 * BESIDE_PX, shape[1] - 2 * BESIDE_PX)
        self._rows, self._columns = rows + np.uint64(BESIDE_PX), columns + np.uint64(BESIDE_PX)
        self._before, self._samples = np.zeros(PLACES, np.int32), np.zeros(PLACES, np.int32)
        self._rising = np.zeros((settings.loop_frames, WORDS), np.uint64)
        self._falling = np.zeros((settings.loop_frames, WORDS), np.uint64)
        self._count = 0
        self._time_s = 0.0
        self._searched_s = 0.0
        self._lag = 0
        self._on = self._again = False

    def look(self, counts: Counts, step_s: float, fps: float) -> list[Sign]:
        """Looped, or its end; to be asked of every picture."""
        self._time_s += step_s
        if min(counts.shape) < 4 * BESIDE_PX:
            return []
        slot = self._count % len(self._rising)
        told = _signs(counts, self._rows, self._columns, self._before, self._samples, slot, self._rising, self._falling)
        self._before, self._samples = self._samples, self._before
        self._count += 1
        if told < self.LEAST_TOLD:
            return []
        if self._lag:
            return self._follow(slot, fps)
        if self._time_s - self._searched_s >= 1.0 - 1e-6:
            self._searched_s = self._time_s
            self._search(slot, fps)
        return []

    def _search(self, slot: int, fps: float) -> None:
        stored = min(self._count, len(self._rising))
        excess, told = np.zeros(stored), np.zeros(stored)
        _agreement(self._rising, self._falling, np.arange(stored), slot, excess, told)
        score = np.where(told >= self.LEAST_TOLD, excess / np.sqrt(np.maximum(told, 1)), 0.0)
        lag = (slot - np.arange(stored)) % len(self._rising)
        score[lag < max(self.LEAST_LAG, round(fps))] = 0.0
        alike = score >= max(4.5, 0.7 * float(score.max()))
        if not alike.any():
            return
        # Of several rounds that are stored, the last one.
        self._again = False
        self._lag = int(lag[alike].min())
        self._begin()

    def _begin(self) -> None:
        self._since_s = self._time_s
        self._seen = 0
        self._hits = 0
        self._excess = np.zeros(1 + len(self.NEIGHBOURS))
        self._told = np.zeros(1 + len(self.NEIGHBOURS))
        self._own, self._rival, self._rivals = 0.0, 0.0, 0

    def _follow(self, slot: int, fps: float) -> list[Sign]:
        lags = np.array([self._lag, *(self._lag + n for n in self.NEIGHBOURS)])
        excess, told = np.zeros(len(lags)), np.zeros(len(lags))
        _agreement(self._rising, self._falling, (slot - lags) % len(self._rising), slot, excess, told)
        last = min(self._count, self.RIVALS, len(self._rising))
        rival, self._rivals = _rival(self._rising, self._falling, slot, self._lag, self.LEAST_LAG, last)
        own = float(excess[0]) / math.sqrt(max(float(told[0]), 1.0))
        self._own += own
        self._rival += rival
        self._excess += excess
        self._told += told
        self._seen += 1
        self._hits += int(own > 2.5)
        share = self._hits / self._seen
        if not self._on and self._seen >= 8 and share < 0.6:
            self._lag = 0
            return []
        if self._time_s - self._since_s < self._s.looped_s or self._seen < 20:
            return []
        return self._settle(share, fps)

    def _settle(self, share: float, fps: float) -> list[Sign]:
        mean = self._excess / np.maximum(self._told, 1)
        alone = float(np.abs(mean[1 + self.NEAREST :]).max()) < 0.4 * mean[0]
        alone = alone and float(mean[1 : 1 + self.NEAREST].max()) < 0.25 * mean[0]
        again, self._again = self._again, False
        looped = share > 0.85 and mean[0] > 0.15 and alone and self._stands_out(mean[0], again=again)
        was, self._on = self._on, looped
        lag_s = self._lag / fps
        self._begin()
        if not looped and not self._again:
            self._lag = 0
        if looped == was:
            return []
        return [Sign("looped", f"the noise repeats after {lag_s:.1f} s", ended=was)]

    def _stands_out(self, mean: float, *, again: bool) -> bool:
        """Whether the lag agrees better, picture after picture, than any other does.

        A picture of a swaying scene is like many before it, one of a loop like one in every round: the more alike
        pictures are, the more proof it takes. Pictures that come again exactly need hardly any.
        """
        if mean > self.EXACT:
            return self._own > 1.2 * self._rival
        if self._rivals < self.FEW_RIVALS:
            return False
        if self._rival < self.STRAY * self._seen:
            return self._own > 1.5 * self._rival
        self._again = self._own > 2.2 * self._rival
        return self._again and (again or self._on)


class _Lines:
    """Rows and columns without a signal: constant, or copies of the one before, amid a scene that is neither.

    The border is left out: that it carries nothing is how many a picture is made.
    """

    def __init__(self, settings: HealthSettings) -> None:
        self._s = settings
        self._state = _Lasting("dead_rows", 0.0, 2.0, looks=1)
        self._looked_s = 0.0
        self._before: frozenset[str] = frozenset()

    def look(self, look: Look) -> list[Sign]:
        """Dead lines and their end, every other second."""
        if look.time_s - self._looked_s < 2.0 - 1e-6:
            return []
        self._looked_s = look.time_s
        rows, columns = look.counts.shape
        of_rows, of_columns = np.zeros((2, rows)), np.zeros((2, columns))
        _line_contrast(look.counts, of_rows, of_columns)
        names = self._dead(of_rows, "row") | self._dead(of_columns, "column")
        lasting = names & self._before
        self._before = names
        shown = ", ".join(sorted(lasting)[:8])
        return self._state.look(bool(lasting), look.time_s, shown or "all lines carry a signal")

    def _dead(self, contrasts: F64, word: str) -> frozenset[str]:
        lines = contrasts.shape[1]
        dead: set[int] = set()
        for contrast in contrasts:
            inner = contrast[2:-2]
            suspects = np.flatnonzero(inner < self._s.dead_line_share * max(float(inner.max()), 1.5)) + 2
            around = np.clip(suspects[:, None] + np.arange(-8, 9), 2, lines - 3)
            usual = np.median(contrast[around], axis=1) if len(suspects) else np.zeros(0)
            dead |= set(suspects[(usual > 1.5) & (contrast[suspects] < self._s.dead_line_share * usual)].tolist())
        # Lines doubled throughout are how the picture is made.
        return frozenset(f"{word} {n}" for n in dead) if len(dead) <= self._s.most_dead_lines * lines else frozenset()


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
        if look.time_s - self._anchored_s < 2.0:
            return []
        dx = round(look.place_px[0] - self._place[0])
        dy = round(look.place_px[1] - self._place[1])
        if max(abs(dx), abs(dy)) < 3:
            return []
        if max(abs(dx), abs(dy)) < min(look.counts.shape) // 4:
            self._vote(look, self._anchor, dx, dy)
        self._take(look)
        return self._tell()

    def _take(self, look: Look) -> None:
        self._anchor = look.counts.copy()
        self._place = look.place_px
        self._anchored_s = look.time_s

    def _vote(self, look: Look, anchor: Counts, dx: int, dy: int) -> None:
        if self._votes is None or self._votes.shape != look.counts.shape:
            self._votes = np.zeros(look.counts.shape, np.int8)
        near, far = max(5.0, 3 * look.noise), max(24.0, 8 * look.noise)
        if _vote(look.counts, anchor, dx, dy, near, far, self._votes) > 0:
            self.mask = self._grow(self._votes)

    def _grow(self, votes: NDArray[np.int8]) -> Flags | None:
        """The mask: seeds closed to whole strokes, specks left out; None where there is no text, or far too much."""
        seeds = (votes >= self._s.overlay_votes).astype(np.uint8)
        if not seeds.any():
            return None
        closed = cv2.morphologyEx(seeds, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        large = np.zeros(count, np.bool_)
        large[1:] = stats[1:, cv2.CC_STAT_AREA] >= 30
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
        self._glanced_s = 0.0
        self._sums = np.zeros(5)
        self._before: I32 = np.zeros(PLACES, np.int32)
        self._samples: I32 = np.zeros(PLACES, np.int32)
        self._start((0, 0))

    @property
    def overlay(self) -> Flags | None:
        """(H, W), true where burned-in marks hide the scene, in the picture's own pixels; None where none are known."""
        return self._overlay.mask

    def update(self, frame: Frame, difference: Difference, blobs: Blobs, step_s: float) -> list[CameraHealth]:
        """What this picture shows of the camera's health; `step_s` is the time since the one before updated with."""
        if frame.counts.shape != self._shape:
            self._start(frame.counts.shape)
        signs = self._glance(frame.counts, step_s - self._glanced_s)
        self._glanced_s = 0.0
        self._time_s += step_s
        look = self._look(frame.counts, difference, step_s)
        signs += self._signs(look, blobs) if self._frames > 1 else []
        before = self._before
        self._before, self._samples = self._samples, before
        return self._events(frame, signs)

    def glance(self, frame: Frame, step_s: float) -> list[CameraHealth]:
        """What is told by a picture that is not updated with: whether the feed repeats; `step_s` since the last one."""
        if frame.counts.shape != self._shape:
            return []
        self._glanced_s += step_s
        return self._events(frame, self._glance(frame.counts, step_s))

    def _glance(self, counts: Counts, step_s: float) -> list[Sign]:
        if step_s > 0:
            self._picture_s += 0.1 * (step_s - self._picture_s) if self._picture_s else step_s
        return self._loop.look(counts, step_s, 1 / max(self._picture_s, 1e-3))

    def _events(self, frame: Frame, signs: list[Sign]) -> list[CameraHealth]:
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
        self._picture_s = 0.0
        self._noise = 0.0
        self._started_s = self._slow_s = self._time_s
        self._was_trusted = False
        self._stillness, self._light, self._pose = _Stillness(s), _Light(s), _Pose(s)
        self._loop, self._lines = _Loop(s, shape), _Lines(s)
        self._structure.forget()

    def _look(self, counts: Counts, difference: Difference, step_s: float) -> Look:
        _sample(counts, self._rows, self._columns, self._before, self._samples, self._sums)
        changed, activity, change, mean, variance = self._sums.tolist()
        self._frames += 1
        if self._frames > 1 and step_s > 0:
            self._fps = 1 / step_s if not self._fps else 1 / (1 / self._fps + 0.1 * (step_s - 1 / self._fps))
        if self._frames > 1 and changed:
            # Two pictures' noise, summed over four pixels, from the mean of what is normally distributed.
            noise = math.sqrt(math.pi / 2) * activity / math.sqrt(8)
            self._noise += max(0.02, 1.0 / self._frames) * (noise - self._noise)
        spread = math.sqrt(max(variance / 16 - self._noise**2 / 4, 0.0))
        found, origin = difference.registration, difference.origin
        return Look(
            time_s=self._time_s,
            step_s=step_s,
            fps=max(self._fps, 0.01),
            counts=counts,
            samples=self._samples,
            changed=changed,
            activity=activity,
            change=change,
            mean=mean / 4,
            noise=self._noise,
            spread=spread,
            trusted=difference.trusted,
            relearned=difference.state == "relearned",
            place_px=(float(found.shift_x_px) - origin[0], float(found.shift_y_px) - origin[1]),
            gain=float(found.gain),
            offset=float(found.offset),
        )

    def _signs(self, look: Look, blobs: Blobs) -> list[Sign]:
        signs = self._stillness.look(look)
        settled = look.time_s - self._started_s >= self.settings.settle_s and self._frames > 10
        if look.relearned:
            signs += self._relearned(look) if settled else []
        # After a gap the camera may well show another level: only two pictures in a row can jump.
        steady = look.trusted and self._was_trusted and look.step_s < 3 / look.fps
        self._was_trusted = look.trusted
        if not settled:
            return signs
        # A covered lens shows no motion and no gain, nor does a scene below its noise: both would be made up.
        flat = self._structure.flat(look)
        lost = flat or self._structure.faint
        if lost:
            self._pose.forget()
        elif look.trusted:
            self._pose.note(look)
        if steady and not flat and not self._stillness.correcting:
            signs += self._light.look(look)
        if look.trusted and not flat:
            self._light.note(look)
        if look.time_s - self._slow_s >= SLOW_S - 1e-6:
            self._slow_s = look.time_s
            signs += self._slow(look, moving=look.trusted and not lost, clear=steady and not flat and not blobs.flooded)
        return signs

    def _slow(self, look: Look, *, moving: bool, clear: bool) -> list[Sign]:
        """What is looked for a few times a second."""
        signs = self._structure.look(look) + self._lines.look(look)
        if moving:
            moved = self._pose.look(look, edges=self._structure.usable)
            if any(sign.kind == "camera_moved" for sign in moved):
                # How far is known from a scene half of which may be gone: edges a few pixels off would look blurred.
                self._structure.forget()
            signs += moved
        return signs + (self._overlay.look(look) if clear else [])

    def _relearned(self, look: Look) -> list[Sign]:
        """The scene was lost: the lens is covered, the gain jumped so far that it was not known again, or it moved."""
        self._overlay.forget()
        if self._structure.flat(look):
            return []
        if self._structure.same_place(look):
            explained = self._stillness.correcting or self._structure.covered.on or self._structure.dull
            return [] if explained else self._light.lost(look)
        signs = self._structure.covered.end("the scene has structure again")
        self._structure.forget()
        return signs + self._pose.relearned(look)


def _places(rows: int, columns: int) -> tuple[U64, U64]:
    """Rows and columns of the 512 places looked at, from the top: spread evenly, in no regular pattern (R2 sequence).

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018).
    """
    root = 1.32471795724474602596
    n = np.arange(1, PLACES + 1)
    y = ((n / root) % 1.0 * max(rows - 1, 1)).astype(np.uint64)
    x = ((n / root**2) % 1.0 * max(columns - 1, 1)).astype(np.uint64)
    order = np.argsort(y, kind="stable")
    return y[order], x[order]

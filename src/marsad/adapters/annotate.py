"""The live view as a video: thermal pictures with what the watch knew then drawn around targets, never over them."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from marsad.adapters.lettering import Lettering, known, lettering
from marsad.adapters.writing import ContainerFile, write_refusal
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.site import Mask
from marsad.kernel.track import Kind, Track

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]
Rectangle = tuple[int, int, int, int]

_LEAST_WIDTH_PX = 640
_MOST_HEIGHT_PX = 2160
_BANNER_PX = 40
_BANNER_LINES = 2
_BANNER_SIZES = (0.5, 0.45, 0.4, 0.35)
_MARGIN_PX = 8
_CLEARANCE_PX = 3
_TRAIL_NS = 6_000_000_000
_TRAIL_POINTS = 240
_BANNER_NS = 4_000_000_000
_YEAR_2000_NS = 946_684_800_000_000_000
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LETTER_PX = 26
"""A font so high looks as large as OpenCV's at size 1."""
_CODECS = ("libx264", "mpeg4")
# In pieces that are on the disk as they are written, and one whole in the end.
_CONTAINER = {"movflags": "hybrid_fragmented", "flush_packets": "1"}

# Blue, green, red.
_TENTATIVE: Colour = (150, 150, 150)
_STANDING: Colour = (230, 170, 60)
_ALARM: Colour = (40, 40, 200)
_CALM: Colour = (45, 45, 45)
_WHITE: Colour = (240, 240, 240)
_COLOURS: dict[Kind, Colour] = {
    "person": (60, 90, 255),
    "group": (200, 80, 255),
    "vehicle": (0, 200, 255),
    "animal": (80, 220, 120),
    "flying": (255, 220, 80),
    "vegetation": (90, 170, 90),
    "unknown": (0, 230, 230),
}


class Tone:
    """How counts become grey: 8-bit pictures as they are, 16-bit ones between levels that move slowly.

    The levels lie a third beyond the 1st and 99th percentile, so that a few hot pixels change nothing. They follow the
    picture by a twentieth a frame, so that the view does not flicker, and at once where the new levels do not touch the
    old ones (a camera's flat-field correction, a new scene).
    """

    def __init__(self) -> None:
        self._low = self._high = 0.0

    def grey(self, counts: Counts) -> Picture:
        """The picture as (H, W) uint8."""
        if counts.dtype == np.uint8:
            return cast("Picture", counts)
        low, high = (float(value) for value in np.percentile(counts[::2, ::2], (1, 99)))
        low, high = low - (high - low) / 3, high + (high - low) / 3
        if self._high <= self._low or low > self._high or high < self._low:
            self._low, self._high = low, high
        self._low += (low - self._low) / 20
        self._high += (high - self._high) / 20
        span = max(self._high - self._low, 1.0)
        scaled = (counts.astype(np.float32) - np.float32(self._low)) * np.float32(255 / span)
        return cast("Picture", np.clip(scaled, 0, 255).astype(np.uint8))


class AnnotatedVideo:
    """An `annotated.mp4` being written, one picture for each frame, small ones enlarged to 640 across or more.

    Boxes stand a little off the target and labels outside of every box: solid for a confirmed track, corners for a
    tentative one, and a half-open frame for what has stood there since the start. All work is done in the caller's
    thread, so that its cost can be told from that of watching. The file can be played even when it was never closed.
    What lies under the `masks` is black.

    A file that the disk refuses ends with its last whole pieces; the next picture begins `annotated-2.mp4`.
    """

    def __init__(self, path: Path, fps: float, masks: Sequence[Mask] = ()) -> None:
        if not (np.isfinite(fps) and fps > 0):
            raise InputError(f"{path}: frame rate {fps}: a video needs one above 0")
        self._first = path
        self._rate = Fraction(fps).limit_denominator(1001)
        self._tone = Tone()
        self._masks = masks
        self._trails: dict[int, deque[tuple[int, float, float]]] = {}
        self._alarm: tuple[int, str] | None = None
        self.paths: list[Path] = []
        """The files that were finished, or broken off with something in them."""
        self._closed = False
        self._frames = 0
        self._stream: VideoStream | None = None
        self._path, self._sink, self._container = self._begin()

    def write(self, frame: Frame, tracks: Sequence[Track], alerts: Sequence[Alert]) -> None:
        """Draw one frame with the tracks known at that moment and the alerts raised in it.

        Raises: UnavailableError, InputError where it cannot be written, or what waited in the encoder before it.
        """
        picture = self.render(frame, tracks, alerts)
        if self._sink is None:
            self._path, self._sink, self._container = self._begin()
            self._stream, self._frames = None, 0
        if self._stream is None:
            self._stream = self._open_stream(picture.shape[1], picture.shape[0])
        image = av.VideoFrame.from_ndarray(picture, format="bgr24")
        image.pts = self._frames
        image.time_base = 1 / self._rate
        self._frames += 1
        self._container.mux(self._stream.encode(image))
        self._settle()

    def render(self, frame: Frame, tracks: Sequence[Track], alerts: Sequence[Alert]) -> Picture:
        """The picture `write` would encode, (H, W, 3) in blue, green, red, with the banner above it."""
        factor = enlargement(frame.counts.shape[1], frame.counts.shape[0])
        grey = hidden(self._tone.grey(frame.counts), self._masks)
        height, width = (side * factor - side * factor % 2 for side in grey.shape)
        enlarged = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)[:height, :width]
        picture = cast("Picture", cv2.cvtColor(enlarged, cv2.COLOR_GRAY2BGR))
        shown = [track for track in tracks if track.status != "lost"]
        self._follow(shown, frame.time_ns)
        boxes = [_around(track.box, factor) for track in shown]
        clean = picture.copy()
        for track in shown:
            self._draw_trail(picture, track, factor)
        for x, y, w, h in boxes:
            target = (slice(max(y, 0), max(y + h, 0)), slice(max(x, 0), max(x + w, 0)))
            picture[target] = clean[target]
        for track, box in zip(shown, boxes, strict=True):
            _draw_box(picture, box, track)
        taken = _Taken(boxes)
        for track, box in zip(shown, boxes, strict=True):
            if track.status != "tentative":
                _draw_label(picture, box, track, taken)
        return np.vstack([self._banner(width, frame, alerts), picture])

    def close(self) -> None:
        """Finish the file; safe to call twice. Without a single frame there is no video, and the file is removed.

        Raises: UnavailableError, InputError where its end cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        if self._sink is None:
            return
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
            self._settle()
        self._end()

    def _begin(self) -> tuple[Path, ContainerFile | None, OutputContainer]:
        """The next file, open; the container writes to it with the first picture only."""
        number = len(self.paths) + 1
        path = self._first if number == 1 else self._first.with_stem(f"{self._first.stem}-{number}")
        sink = ContainerFile(path)
        return path, sink, av.open(sink, "w", format="mp4", options=_CONTAINER)

    def _settle(self) -> None:
        """Take what has been written as sound, or end the file where the disk refused."""
        if self._sink is not None and self._sink.refusal is not None:
            self._end()
        elif self._sink is not None:
            self._sink.settle()

    def _end(self) -> None:
        """Let go of the file, and of its name where nothing is in it. Raises: what the disk refused."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        self._container.close()
        sink.close()
        if self._stream is not None and (sink.refusal is None or sink.holds_pictures):
            self.paths.append(self._path)
        else:
            self._path.unlink(missing_ok=True)
        if sink.refusal is not None:
            raise write_refusal(self._path, sink.refusal) from sink.refusal

    def _open_stream(self, width: int, height: int) -> VideoStream:
        for codec in _CODECS:
            if codec not in av.codecs_available:
                continue
            stream = cast("VideoStream", self._container.add_stream(codec, rate=self._rate))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.thread_count = 1
            if codec == "libx264":
                stream.options = {"preset": "superfast", "crf": "25", "g": str(max(1, round(2 * self._rate)))}
            else:
                stream.bit_rate = 4_000_000
            return stream
        raise UnavailableError(f"{self._path}: no encoder of {', '.join(_CODECS)} here; use --no-video")

    def _follow(self, tracks: Sequence[Track], now_ns: int) -> None:
        for track in tracks:
            if track.status in {"confirmed", "coasting"}:
                trail = self._trails.setdefault(track.track_id, deque(maxlen=_TRAIL_POINTS))
                trail.append((now_ns, *track.box.centre_px))
        for track_id, trail in list(self._trails.items()):
            while trail and now_ns - trail[0][0] > _TRAIL_NS:
                trail.popleft()
            if not trail:
                del self._trails[track_id]

    def _draw_trail(self, picture: Picture, track: Track, factor: int) -> None:
        """The way the track came; what falls on a target is painted out afterwards."""
        trail = self._trails.get(track.track_id)
        if trail is not None and len(trail) > 1 and track.status != "standing":
            points = [(round(x_px * factor), round(y_px * factor)) for _, x_px, y_px in trail]
            line = np.array(points, dtype=np.int32).reshape(-1, 1, 2)
            cv2.polylines(picture, [line], isClosed=False, color=_colour(track), thickness=1, lineType=cv2.LINE_AA)

    def _banner(self, width: int, frame: Frame, alerts: Sequence[Alert]) -> Picture:
        """The strip above the picture: camera, time and frame, and for some seconds the newest alarm."""
        if alerts:
            self._alarm = frame.time_ns, " | ".join(alert.text for alert in alerts)
        alarm = self._alarm if self._alarm and frame.time_ns - self._alarm[0] <= _BANNER_NS else None
        strip = np.full((_BANNER_PX, width, 3), _ALARM if alarm else _CALM, dtype=np.uint8)
        place = f"{frame.camera_id}  {clock_text(frame.time_ns)}  #{frame.index + 1}"
        lines, size = banner_lines(f"ALARM  {alarm[1]}" if alarm else place, width - 2 * _MARGIN_PX)
        first_px = 25 if len(lines) == 1 else 16
        for number, line in enumerate(lines):
            _write(strip, line, (_MARGIN_PX, first_px + 17 * number), size, _WHITE)
        return strip


def hidden(counts: Counts, masks: Sequence[Mask]) -> Counts:
    """The picture with nothing to be seen under the masks: 0 in 8 bits, the least of the picture itself in 16.

    A 0 in 16 bits would lie far below every real count and take the contrast from the rest.
    """
    if not masks:
        return counts
    veiled = counts.copy()
    black = 0 if counts.dtype == np.uint8 else counts.min()
    for mask in masks:
        veiled[mask.y_px : mask.y_px + mask.h_px, mask.x_px : mask.x_px + mask.w_px] = black
    return veiled


def enlargement(width_px: int, height_px: int = 0) -> int:
    """The least whole factor that makes a picture 640 across or more, but never a narrow one higher than 2160."""
    return max(1, min(-(-_LEAST_WIDTH_PX // width_px), _MOST_HEIGHT_PX // max(height_px, 1)))


def banner_lines(text: str, width_px: int) -> tuple[list[str], float]:
    """The text in at most two lines of that width, and the largest size of letters in which it fits.

    What fits in no size ends in three dots: the log and the alarm itself hold it whole.
    """
    plain = known(text)
    for size in _BANNER_SIZES:
        lines = _wrapped(plain, width_px, size)
        if len(lines) <= _BANNER_LINES and all(_text_px(line, size) <= width_px for line in lines):
            return lines, size
    size, lines = _BANNER_SIZES[-1], lines[:_BANNER_LINES]
    return [_shortened(line, width_px, size, cut=line is lines[-1]) for line in lines], size


def _wrapped(text: str, width_px: int, size: float) -> list[str]:
    lines: list[str] = []
    for word in text.split(" "):
        if lines and _text_px(f"{lines[-1]} {word}", size) <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _shortened(line: str, width_px: int, size: float, *, cut: bool) -> str:
    dots = "..." if cut else ""
    while line and _text_px(line + dots, size) > width_px:
        line, dots = line[:-1], "..."
    return line + dots


def _text_px(text: str, size: float) -> int:
    before, other, after = _runs(text)
    width_px = sum(int(cv2.getTextSize(part, _FONT, size, 1)[0][0]) for part in (before, after) if part)
    return width_px + (lettering(other, round(size * _LETTER_PX)).cover.shape[1] if other else 0)


def clock_text(time_ns: int) -> str:
    """A moment for people: the date and time in UTC, or minutes and seconds since the start where there is no date."""
    if time_ns >= _YEAR_2000_NS:
        moment = datetime.fromtimestamp(time_ns // 1_000_000 / 1000, tz=UTC)
        return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{time_ns // 100_000_000 % 10}Z"
    tenths = time_ns // 100_000_000
    return f"{tenths // 600:02d}:{tenths % 600 / 10:04.1f}"


def _around(box: Box, factor: int) -> Rectangle:
    """The rectangle drawn for a box, in the enlarged picture: clear of the target on all sides."""
    left = round(box.x_px * factor) - _CLEARANCE_PX
    top = round(box.y_px * factor) - _CLEARANCE_PX
    right = round((box.x_px + box.w_px) * factor) + _CLEARANCE_PX
    bottom = round((box.y_px + box.h_px) * factor) + _CLEARANCE_PX
    return left, top, right - left, bottom - top


def _colour(track: Track) -> Colour:
    if track.status == "tentative":
        return _TENTATIVE
    return _STANDING if track.status == "standing" else _COLOURS[track.kind]


def _draw_box(picture: Picture, box: Rectangle, track: Track) -> None:
    x, y, w, h = box
    colour = _colour(track)
    if track.status == "confirmed":
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, 1)
        return
    part = 0.25 if track.status == "tentative" else 0.4
    across, down = max(2, round(w * part)), max(2, round(h * part))
    for corner_x, step_x in ((x, across), (x + w, -across)):
        for corner_y, step_y in ((y, down), (y + h, -down)):
            cv2.line(picture, (corner_x, corner_y), (corner_x + step_x, corner_y), colour, 1)
            cv2.line(picture, (corner_x, corner_y), (corner_x, corner_y + step_y), colour, 1)


def _draw_label(picture: Picture, box: Rectangle, track: Track, taken: "_Taken") -> None:
    """Write what the track is beside its box: above, below, right or left, where nothing is covered; else nowhere."""
    text = "standing" if track.status == "standing" else f"{track.track_id} {_kind_text(track)}"
    (width, height), baseline = cv2.getTextSize(text, _FONT, 0.42, 1)
    height += baseline
    x, y, w, h = box
    along_x = min(max(x, 0), picture.shape[1] - width)
    along_y = min(max(y, 0), picture.shape[0] - height)
    places = [(along_x, y - height - 2), (along_x, y + h + 3), (x + w + 4, along_y), (x - width - 4, along_y)]
    for left, top in places:
        place = (left, top, width, height)
        inside = left >= 0 and top >= 0 and left + width <= picture.shape[1] and top + height <= picture.shape[0]
        if inside and not taken.meets(place):
            taken.add(place)
            _write(picture, text, (left, top + height - baseline), 0.42, _colour(track))
            return


def _kind_text(track: Track) -> str:
    name: str = track.kind
    if track.count is not None:
        many = f"{track.count.low}-{track.count.high}"
        name = f"group of {many}" if name == "group" else f"{name} (group {many})"
    return name if track.ground is None else f"{name} {track.ground.range_m:.0f} m"


class _Taken:
    """Where boxes and labels stand already; there is room for a label of each box."""

    def __init__(self, boxes: Sequence[Rectangle]) -> None:
        self._count = len(boxes)
        self._edges = np.zeros((4, 2 * len(boxes)), np.int64)
        self._edges[:, : len(boxes)] = np.array([_edges(box) for box in boxes], np.int64).reshape(-1, 4).T

    def meets(self, place: Rectangle) -> bool:
        """Whether a rectangle would lie on any of them."""
        left, top, right, bottom = self._edges[:, : self._count]
        west, north, east, south = _edges(place)
        return bool(((west < right) & (left < east) & (north < bottom) & (top < south)).any())

    def add(self, place: Rectangle) -> None:
        """A label stands there now."""
        self._edges[:, self._count] = _edges(place)
        self._count += 1


def _edges(place: Rectangle) -> Rectangle:
    """Left, top, right and bottom."""
    x, y, w, h = place
    return x, y, x + w, y + h


def _write(picture: Picture, text: str, origin: tuple[int, int], size: float, colour: Colour) -> None:
    """Text on a dark shadow, so that it reads on any grey."""
    left, baseline = origin
    before, other, after = _runs(known(text))
    for shift, ink in ((1, (0, 0, 0)), (0, colour)):
        place = (left + shift, baseline + shift)
        cv2.putText(picture, before, place, _FONT, size, ink, 1, cv2.LINE_AA)
        if other:
            place = (place[0] + _text_px(before, size), place[1])
            letters = lettering(other, round(size * _LETTER_PX))
            _lay(picture, letters, place, ink)
            place = (place[0] + letters.cover.shape[1], place[1])
            cv2.putText(picture, after, place, _FONT, size, ink, 1, cv2.LINE_AA)


def _lay(picture: Picture, letters: Lettering, origin: tuple[int, int], colour: Colour) -> None:
    """Lay letters over the picture, as far as they are in it."""
    left, top = origin[0], origin[1] - letters.above_px
    cover = letters.cover[max(-top, 0) :, max(-left, 0) :]
    under = picture[max(top, 0) :, max(left, 0) :][: cover.shape[0], : cover.shape[1]]
    share = cover[: under.shape[0], : under.shape[1], None].astype(np.float32) / 255
    under[:] = (under * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)


def _runs(text: str) -> tuple[str, str, str]:
    """ASCII, which OpenCV's own letters hold, what lies between the first and the last other letter, and ASCII."""
    if text.isascii():
        return text, "", ""
    others = [place for place, letter in enumerate(text) if not letter.isascii()]
    return text[: others[0]], text[others[0] : others[-1] + 1], text[others[-1] + 1 :]

"""One picture of everything that was confirmed: for each track how it looked at its birth, half-way and at its end."""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from marsad.adapters.annotate import clock_text
from marsad.adapters.writing import replace_whole
from marsad.kernel.detection import Box
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.record import Record
from marsad.kernel.track import Track

Picture = NDArray[np.uint8]

_CROP_PX = 128
_TEXT_PX = 44
_GAP_PX = 6
_TILES_ACROSS = 3
_MOST_TRACKS = 240
_MOST_LOOKS = 8
_LEAST_SIDE_PX = 24
_PAPER, _INK = (250, 250, 250), (30, 30, 30)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class _Look(Record, eq=False):
    """A square crop around a track at one moment, in the picture's own pixels, and the box inside it."""

    time_ns: int
    counts: Counts
    box: Box


class _Life:
    """A track's looks: its first, its newest, and some between, thinned by halves so that they never grow many."""

    def __init__(self) -> None:
        self.looks: list[_Look] = []
        self.newest: _Look | None = None
        self.track: Track | None = None
        self.confirmed = False
        self._seen = 0
        self._stride = 1

    def see(self, frame: Frame, track: Track) -> None:
        self.newest = _look(frame, track)
        self.track = track
        self.confirmed = self.confirmed or track.confirmed_ns is not None
        if self._seen % self._stride == 0:
            self.looks.append(self.newest)
        if len(self.looks) > _MOST_LOOKS:
            del self.looks[1::2]
            self._stride *= 2
        self._seen += 1

    def chosen(self) -> list[_Look]:
        """The first look, the one nearest to the middle of the track's life, and the last."""
        newest = cast("_Look", self.newest)
        middle_ns = (self.looks[0].time_ns + newest.time_ns) / 2
        return [self.looks[0], min(self.looks, key=lambda look: abs(look.time_ns - middle_ns)), newest]


class ContactSheet:
    """A `contact_sheet.png` being collected: one tile per confirmed track, the first 240 of them.

    Give `add` every track, tentative ones too, so that a tile can show the birth; what vanishes unconfirmed is
    forgotten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lives: dict[tuple[str, int], _Life] = {}
        self._left_out: set[tuple[str, int]] = set()

    def add(self, frame: Frame, tracks: list[Track]) -> None:
        """Look at each track in this frame; one that is only predicted shows nothing new."""
        present = {(track.camera_id, track.track_id) for track in tracks}
        for key in [key for key, life in self._lives.items() if not life.confirmed and key not in present]:
            del self._lives[key]
        for track in tracks:
            if track.status in {"tentative", "confirmed"} and track.frame_index == frame.index:
                self._see(frame, track)

    def _see(self, frame: Frame, track: Track) -> None:
        key = (track.camera_id, track.track_id)
        if key not in self._lives and len(self._lives) >= _MOST_TRACKS:
            if track.confirmed_ns is not None:
                self._left_out.add(key)
            return
        self._lives.setdefault(key, _Life()).see(frame, track)

    def close(self) -> None:
        """Write the sheet."""
        lives = [life for life in self._lives.values() if life.confirmed]
        _, data = cv2.imencode(".png", _sheet(lives, len(self._left_out)), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        replace_whole(self._path, data.tobytes())


def enlarged_crop(counts: Counts, box: Box, side_px: int = _CROP_PX) -> Picture:
    """A square around a box, its contrast stretched, enlarged to (side, side, 3), with the box drawn."""
    return _enlarge(*_cut(counts, box), side_px)


def _look(frame: Frame, track: Track) -> _Look:
    counts, box = _cut(frame.counts, track.box)
    return _Look(time_ns=frame.time_ns, counts=counts, box=box)


def _cut(counts: Counts, box: Box) -> tuple[Counts, Box]:
    """A copy of the square around a box, moved inside the picture where it would stick out."""
    height, width = counts.shape
    side = min(max(_LEAST_SIDE_PX, round(2.5 * max(box.w_px, box.h_px))), width, height)
    x, y = box.centre_px
    left = min(max(round(x - side / 2), 0), width - side)
    top = min(max(round(y - side / 2), 0), height - side)
    inside = Box(x_px=box.x_px - left, y_px=box.y_px - top, w_px=box.w_px, h_px=box.h_px)
    return counts[top : top + side, left : left + side].copy(), inside


def _enlarge(counts: Counts, box: Box, side_px: int) -> Picture:
    low, high = (float(value) for value in np.percentile(counts, (1, 99.5)))
    stretched = np.clip((counts.astype(np.float32) - low) * (255 / max(high - low, 8.0)), 0, 255).astype(np.uint8)
    picture = cv2.resize(stretched, (side_px, side_px), interpolation=cv2.INTER_NEAREST)
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    scale = side_px / counts.shape[0]
    first = (round(box.x_px * scale) - 2, round(box.y_px * scale) - 2)
    last = (round((box.x_px + box.w_px) * scale) + 1, round((box.y_px + box.h_px) * scale) + 1)
    return cast("Picture", cv2.rectangle(picture, first, last, (0, 230, 230), 1))


def _sheet(lives: list[_Life], left_out: int) -> Picture:
    tiles = [_tile(life) for life in lives] or [_empty_tile()]
    tiles += [np.full_like(tiles[0], _PAPER[0]) for _ in range(-len(tiles) % min(_TILES_ACROSS, len(tiles)))]
    across = min(_TILES_ACROSS, len(tiles))
    rows = [np.hstack(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    if left_out:
        strip = np.full((_TEXT_PX, rows[0].shape[1], 3), _PAPER[0], dtype=np.uint8)
        rows.append(_write(strip, f"and {left_out} more confirmed tracks", 26))
    return np.vstack(rows)


def _tile(life: _Life) -> Picture:
    """Three crops side by side and two lines of text."""
    looks = life.chosen()
    track = cast("Track", life.track)
    tile = _paper()
    for place, look in enumerate(looks):
        left = _GAP_PX + place * (_CROP_PX + _GAP_PX)
        tile[_GAP_PX : _GAP_PX + _CROP_PX, left : left + _CROP_PX] = _enlarge(look.counts, look.box, _CROP_PX)
    size = f"{track.box.w_px:.0f}x{track.box.h_px:.0f} px"
    _write(tile, f"{track.track_id} {track.kind} {track.kind_confidence:.2f}  {size}", _GAP_PX + _CROP_PX + 17)
    _write(tile, f"{clock_text(looks[0].time_ns)} to {clock_text(looks[-1].time_ns)}", _GAP_PX + _CROP_PX + 35)
    return tile


def _empty_tile() -> Picture:
    return _write(_paper(), "no confirmed tracks", (_CROP_PX + _TEXT_PX) // 2)


def _paper() -> Picture:
    return np.full((_CROP_PX + _TEXT_PX + _GAP_PX, 3 * (_CROP_PX + _GAP_PX) + _GAP_PX, 3), _PAPER[0], dtype=np.uint8)


def _write(picture: Picture, text: str, baseline: int) -> Picture:
    plain = text.encode("ascii", "replace").decode()
    return cast("Picture", cv2.putText(picture, plain, (_GAP_PX, baseline), _FONT, 0.45, _INK, 1, cv2.LINE_AA))

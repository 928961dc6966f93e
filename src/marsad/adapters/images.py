"""Folders of still pictures, and single ones, read in the order of their names."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from marsad.adapters.timing import SECOND_NS
from marsad.kernel.error import InputError
from marsad.kernel.event import PacketCorrupt, SourceEvent, StreamEnded
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import SourceInfo

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm", ".ppm", ".pnm", ".webp", ".jp2"})
DEFAULT_FPS = 1.0
MOT_FOLDER = "img1"

# What cannot be read becomes an event: OpenCV need not also write about it across a progress bar.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """A sorting key by which `img_2` comes before `img_10`, and numbers before letters."""
    parts = re.findall(r"\d+|\D+", path.name)
    key = [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts]
    return key, path.name


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, or of the `img1` in it, in natural order; other files are passed over."""
    inner = folder / MOT_FOLDER
    where = inner if inner.is_dir() else folder
    found = (p for p in where.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted((p for p in found if p.is_file()), key=natural_order)


def read_picture(path: Path) -> Counts:
    """A picture as grey counts, (H, W), uint8 or uint16; colour becomes luma. Raises InputError naming the file."""
    try:
        encoded = np.fromfile(path, np.uint8)
        flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.imdecode(encoded, flags) if encoded.size else None
    except (OSError, cv2.error) as error:
        raise InputError(f"{path.name}: cannot be read ({error}); copy it again") from error
    if picture is None:
        raise InputError(f"{path.name}: not a whole picture; copy it again")
    if picture.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path.name}: pixels are {picture.dtype}; save it with 8 or 16 bits, without sign")
    return _grey(picture)


def _grey(picture: np.ndarray) -> Counts:
    if picture.ndim == 2:
        return cast("Counts", picture)
    channels = picture.shape[2]
    if channels < 3:  # grey, perhaps with transparency
        return cast("Counts", np.ascontiguousarray(picture[:, :, 0]))
    return cast("Counts", cv2.cvtColor(picture[:, :, :3], cv2.COLOR_BGR2GRAY))


class ImageSource:
    """A `FrameSource` over a folder of pictures, a folder holding `img1/`, or a single picture.

    Pictures have no date: times count from 0 at `fps`, a second apart when left out. `index` is the file's place in
    natural order, so that a picture which cannot be read keeps its number.
    """

    def __init__(self, path: Path, camera_id: str, *, fps: float | None = None) -> None:
        self.camera_id = camera_id
        self._fps = fps or DEFAULT_FPS
        self._paths = pictures_in(path) if path.is_dir() else [path]
        if not self._paths:
            raise InputError(f"{path}: no pictures in this folder; valid endings are {', '.join(sorted(SUFFIXES))}")
        self._items = self._prime(path)

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures and what befell them; one pass."""
        return self._items

    def close(self) -> None:
        """End the stream."""
        self._items = iter(())

    def _prime(self, path: Path) -> Iterator[Frame | SourceEvent]:
        """The whole stream, read as far as its first picture, which tells the size of all."""
        items = self._read()
        held: list[Frame | SourceEvent] = []
        for item in items:
            held.append(item)
            if isinstance(item, Frame):
                return chain(held, items)
        why = next((i.detail for i in held if isinstance(i, PacketCorrupt)), "")
        raise InputError(f"{path}: not one picture can be read; the first: {why}")

    def _read(self) -> Iterator[Frame | SourceEvent]:
        delivered = 0
        for index, path in enumerate(self._paths):
            time_ns = self._time_ns(index)
            try:
                counts = read_picture(path)
                self._check(path, counts)
            except InputError as error:
                yield PacketCorrupt(time_ns=time_ns, camera_id=self.camera_id, after_index=index - 1, detail=str(error))
                continue
            delivered += 1
            yield Frame(camera_id=self.camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        last_ns = self._time_ns(len(self._paths) - 1)
        yield StreamEnded(time_ns=last_ns, camera_id=self.camera_id, frames=delivered)

    def _time_ns(self, index: int) -> int:
        return round(index * SECOND_NS / self._fps)

    def _check(self, path: Path, counts: Counts) -> None:
        """Note the first picture's size and depth; raises InputError where a later one differs."""
        height, width = counts.shape
        bits = counts.dtype.itemsize * 8
        if not hasattr(self, "info"):
            self.info = SourceInfo(width_px=width, height_px=height, bits=bits, fps=self._fps, frames=len(self._paths))
        first = self.info
        if (width, height, bits) != (first.width_px, first.height_px, first.bits):
            raise InputError(
                f"{path.name}: {width}x{height} with {bits} bits, not {first.width_px}x{first.height_px} with "
                f"{first.bits} as the first; leave it out or scale it"
            )

"""Clips: a span of film as an MP4 file that any player opens."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from marsad.adapters.film import SECOND_NS
from marsad.adapters.film_archive import FilmArchive
from marsad.adapters.filming import Recoder
from marsad.adapters.h264 import parameter_sets, to_annex_b
from marsad.adapters.video import reason
from marsad.adapters.writing import ContainerFile, write_refusal
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.film import CodedPicture, Filmed
from marsad.kernel.incident import Evidence

PRE_ROLL_NS = 5 * SECOND_NS
LONGEST_NS = 600 * SECOND_NS
TICKS = 90_000
_START = b"\x00\x00\x00\x01"
_QUALITY = {"crf": "18", "preset": "veryfast", "bf": "0", "threads": "1"}


class FilmLibrary(FilmArchive):
    """The archive as the console needs it: with clips to take away, made in a folder for passing files."""

    def __init__(self, folder: Path, passing: Path) -> None:
        super().__init__(folder)
        self._passing = passing

    def clip(self, camera_id: str, from_ns: int, to_ns: int) -> Path:
        """A new MP4 file, for the caller to remove. Raises: as `export_clip` does."""
        self._passing.mkdir(parents=True, exist_ok=True)
        target = self._passing / f"{uuid4().hex}.mp4"
        export_clip(self, camera_id, from_ns, to_ns, target, site_folder=self._passing, pre_roll_ns=0)
        return target

    def recoder(self) -> Recoder:
        """What turns one camera's film into JPEG."""
        return Recoder()


def export_clip(
    archive: FilmArchive,
    camera_id: str,
    from_ns: int,
    to_ns: int,
    target: Path,
    *,
    site_folder: Path,
    pre_roll_ns: int = PRE_ROLL_NS,
) -> Evidence:
    """A clip as evidence: what was filmed from `pre_roll_ns` before, and from the key picture before that.

    H.264 is put into the file as the camera coded it; everything else, and film whose coding changes on the way, is
    coded again in high quality. Raises: InputError where there is no film or the span is none, UnavailableError where
    the file cannot be written; nothing is left then.
    """
    if not 0 <= to_ns - from_ns <= LONGEST_NS:
        raise InputError(f"a clip is of up to {LONGEST_NS // SECOND_NS} s, its end after its start")
    pictures = archive.read(camera_id, from_ns - pre_roll_ns, to_ns)
    first = next(pictures, None)
    if first is None:
        raise InputError(f"{camera_id}: there is no film of that time")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        first_ns, last_ns = write_clip(chain([first], pictures), target)
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        target.unlink(missing_ok=True)
        raise write_refusal(target, error) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Evidence(
        evidence_id=digest[:16],
        path=target.resolve().relative_to(site_folder.resolve()).as_posix(),
        sha256=digest,
        kind="clip",
        from_ns=first_ns,
        to_ns=last_ns,
        camera_id=camera_id,
    )


def write_clip(film: Iterable[Filmed], target: Path) -> tuple[int, int]:
    """Write the pictures as MP4; the times of the first and the last one.

    Raises: InputError where none can be decoded, UnavailableError where the file cannot be written.
    """
    pictures = [filmed.picture for filmed in film]
    file = ContainerFile(target)
    try:
        with av.open(file, "w", format="mp4") as container:
            moment = datetime.fromtimestamp(pictures[0].time_ns / 1e9, tz=UTC)
            container.metadata["creation_time"] = moment.isoformat()
            if _alike(pictures):
                _remux(container, pictures)
            else:
                _recode(container, pictures)
    except FFmpegError as error:
        raise UnavailableError(f"{target}: the clip cannot be written ({reason(error)})") from error
    finally:
        file.close()
    if file.refusal is not None:
        raise write_refusal(target, file.refusal)
    times = [picture.time_ns for picture in pictures]
    return min(times), max(times)


def _alike(pictures: Sequence[CodedPicture]) -> bool:
    """Whether all are H.264 of one description, which MP4 can hold in one track."""
    described = {picture.description for picture in pictures if picture.key}
    return all(picture.codec == "h264" for picture in pictures) and len(described) == 1


def _remux(container: OutputContainer, pictures: Sequence[CodedPicture]) -> None:
    """Put the pictures in as they are; the container wants the time of decoding too, never after that of showing."""
    first = pictures[0]
    sets = b"".join(_START + unit for unit in parameter_sets(first.description))
    with av.open(BytesIO(sets + to_annex_b(first.data, first.description)), "r", format="h264") as template:
        stream = container.add_stream_from_template(template.streams.video[0], opaque=True)
    stream.time_base = Fraction(1, TICKS)
    start_ns = min(picture.time_ns for picture in pictures)
    shown = _rising((picture.time_ns - start_ns) * TICKS // SECOND_NS for picture in pictures)
    decoded = sorted(shown)
    ahead = max(d - s for d, s in zip(decoded, shown, strict=True))
    for picture, pts, dts in zip(pictures, shown, decoded, strict=True):
        packet: Packet[Any] = Packet(to_annex_b(picture.data, first.description))
        packet.stream = stream
        packet.time_base = stream.time_base
        packet.pts, packet.dts = pts, dts - ahead
        packet.is_keyframe = picture.key
        container.mux(packet)


def _rising(ticks: Iterable[int]) -> list[int]:
    """The same times, none of them twice."""
    taken: set[int] = set()
    times = []
    for tick in ticks:
        free = tick
        while free in taken:
            free += 1
        taken.add(free)
        times.append(free)
    return times


def _recode(container: OutputContainer, pictures: Sequence[CodedPicture]) -> None:
    """Code the pictures as H.264, all in the size of the first."""
    stream: VideoStream | None = None
    start_ns, last = pictures[0].time_ns, -1
    for filmed, counts in _decoded(pictures):
        if stream is None:
            stream = container.add_stream("libx264", rate=Fraction(25), options=_QUALITY)
            stream.height, stream.width = (side - side % 2 for side in counts.shape)
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, TICKS)
        grey = counts if counts.dtype == np.uint8 else (counts >> 2).astype(np.uint8)
        if grey.shape != (stream.height, stream.width):
            grey = cast("np.ndarray", cv2.resize(grey[: stream.height, : stream.width], (stream.width, stream.height)))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey), format="gray")
        frame = frame.reformat(format="yuv420p", src_color_range="JPEG", dst_color_range="MPEG")
        last = max(last + 1, (filmed.picture.time_ns - start_ns) * TICKS // SECOND_NS)
        frame.pts, frame.time_base = last, Fraction(1, TICKS)
        container.mux(stream.encode(frame))
    if stream is None:
        raise InputError("no picture of that time can be decoded")
    container.mux(stream.encode(None))


def _decoded(pictures: Sequence[CodedPicture]) -> Iterator[tuple[Filmed, np.ndarray]]:
    recoder = Recoder()
    for picture in pictures:
        yield from recoder.decode(Filmed(picture=picture))
    yield from recoder.finish()

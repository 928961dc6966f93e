"""The one place that decides, from a path or an address, how pictures are read."""

from pathlib import Path

from marsad.adapters.cptv import CptvSource
from marsad.adapters.images import SUFFIXES, ImageSource
from marsad.adapters.video import VideoSource
from marsad.kernel.error import InputError
from marsad.kernel.port import FrameSource


def open_source(spec: str, camera_id: str, fps: float | None = None, *, threads: int = 1) -> FrameSource:
    """The source that `spec` names: a video file, a CPTV clip, a picture or a folder of pictures.

    `fps` is the rate of pictures without time stamps (1 when left out); given for a video, it replaces the file's own
    time stamps. `threads` is how many threads decode a video.

    Raises: InputError where `spec` is not there or is nothing that can be watched.
    """
    if fps is not None and not fps > 0:
        raise InputError(f"fps = {fps}: give a rate above 0")
    path = Path(spec)
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in SUFFIXES:
        return ImageSource(path, camera_id, fps=fps)
    if suffix == ".cptv":
        return CptvSource(path, camera_id, fps=fps)
    return VideoSource(path, camera_id, fps=fps, threads=threads)

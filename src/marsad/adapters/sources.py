"""The one place that decides, from a path or an address, how pictures are read."""

from pathlib import Path

import numpy as np

from marsad.adapters.clock import SystemClock
from marsad.adapters.cptv import CptvSource
from marsad.adapters.h264 import Tap
from marsad.adapters.images import SUFFIXES, ImageSource
from marsad.adapters.rtsp import PATIENT, SCHEMES, RtspSettings, RtspSource, masked
from marsad.adapters.video import VideoSource
from marsad.kernel.error import InputError
from marsad.kernel.port import Clock, FrameSource

LEAST_FPS = 0.001
MOST_FPS = 1000.0


def is_live(spec: str) -> bool:
    """Whether `spec` is a live camera's address, not a recording."""
    return spec.lower().startswith(SCHEMES)


def open_source(
    spec: str,
    camera_id: str,
    fps: float | None = None,
    *,
    threads: int = 1,
    clock: Clock | None = None,
    rng: np.random.Generator | None = None,
    live: RtspSettings = PATIENT,
    tap: Tap | None = None,
) -> FrameSource:
    """The source that `spec` names: a live camera, a video file, a CPTV clip, a picture or a folder of pictures.

    `fps` is the rate of pictures without time stamps (1 when left out); for other recordings it replaces the file's own
    time stamps. `threads` is how many threads decode a video file. `clock` (the system's when left out), `rng` (which
    spreads attempts to reconnect) and `live` are for live cameras. `tap` gets the coded pictures where they are H.264.

    Raises: InputError where `spec` is not there or is nothing that can be watched, UnavailableError where a live camera
    does not answer.
    """
    if fps is not None and not LEAST_FPS <= fps <= MOST_FPS:
        raise InputError(f"fps = {fps}: give a rate above 0, from {LEAST_FPS} to {MOST_FPS:.0f} pictures a second")
    if is_live(spec):
        return RtspSource(
            spec, camera_id, clock=clock or SystemClock(), rng=rng or np.random.default_rng(), settings=live, tap=tap
        )
    if "://" in spec:
        raise InputError(f"{masked(spec)}: not an address that can be watched; give rtsp://, rtsps:// or a path")
    path = Path(spec)
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in SUFFIXES:
        return ImageSource(path, camera_id, fps=fps)
    if suffix == ".cptv":
        return CptvSource(path, camera_id, fps=fps)
    return VideoSource(path, camera_id, fps=fps, threads=threads, tap=tap)

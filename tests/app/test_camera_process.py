"""A recording that is played as if it happened now, and what a camera's process says of its watch."""

import itertools
import socket
import subprocess
import sys
import time

import numpy as np

from marsad.adapters.filming import Filming
from marsad.adapters.memory import MemoryFrameSource
from marsad.app.camera_process import AsLive, Line, Looker
from marsad.app.camera_wire import LENGTH, Beat, Begun, Ended, FromCamera, Orders, Saw, from_camera, length_of
from marsad.kernel.event import StreamEnded, TrackConfirmed, WatchEnded, WatchStarted
from marsad.kernel.frame import Frame
from marsad.kernel.site import Camera, Lens, Site


def test_it_is_played_at_its_own_pace_and_waits_for_a_late_watch() -> None:
    still = np.zeros((16, 16), np.uint8)
    frames = [Frame(camera_id="mast", index=i, time_ns=i * 100_000_000, received_ns=0, counts=still) for i in range(6)]
    begun_ns, times = time.time_ns(), []
    for item in AsLive(MemoryFrameSource("mast", frames, fps=10.0)):
        if isinstance(item, StreamEnded):
            break
        assert isinstance(item, Frame)
        times.append(item.time_ns)
        if len(times) == 3:
            time.sleep(0.6)
    assert len(times) == 6
    assert times[0] >= begun_ns
    assert [later - earlier >= 99_000_000 for earlier, later in itertools.pairwise(times)] == [True] * 5
    assert times[3] - times[2] >= 500_000_000
    assert times[-1] <= time.time_ns()


def said(frames: list[Frame], *, taken: int, orders: Orders) -> list[FromCamera]:
    """All that a process says that takes so many of its pictures and is then stopped."""
    camera = Camera(id="mast", lens=Lens(width_px=160, height_px=120, horizontal_fov_deg=30.0))
    ours, theirs = socket.socketpair()
    line = Line(theirs)
    filming = Filming("mast", lambda _: None)
    looker = Looker(
        orders,
        MemoryFrameSource("mast", frames, fps=10.0),
        Site(name="One mast", cameras=(camera,)),
        camera,
        line,
        filming,
    )
    looker.begin()
    for frame in frames[:taken]:
        looker.take(frame)
    looker.end("stopped")
    filming.finish()
    line.say(Ended(frames=taken))
    line.close()
    theirs.close()
    heard: list[FromCamera] = []
    with ours, ours.makefile("rb") as door:
        while head := door.read(LENGTH.size):
            heard.append(from_camera(door.read(length_of(head))))
    return heard


def walk(count: int) -> list[Frame]:
    """Somebody walks across a quiet scene."""
    rng = np.random.default_rng(3)
    frames = []
    for i in range(count):
        counts = np.clip(np.rint(80.0 + rng.normal(0, 1.5, (120, 160))), 0, 255).astype(np.uint8)
        if i >= 20:
            counts[60:69, 2 * i : 2 * i + 4] = 120
        frames.append(Frame(camera_id="mast", index=i, time_ns=(i + 1) * 100_000_000, received_ns=0, counts=counts))
    return frames


def test_a_watch_that_had_no_picture_says_neither_that_it_began_nor_that_it_ended() -> None:
    heard = said(walk(1), taken=0, orders=Orders(camera_id="mast", site=""))
    assert [type(each) for each in heard if not isinstance(each, Beat)] == [Begun, Ended]


def test_its_tracks_are_numbered_as_it_is_told() -> None:
    heard = said(walk(60), taken=60, orders=Orders(camera_id="mast", site="", first_track=301))
    events = [event for each in heard if isinstance(each, Saw) for event in each.glance.events]
    assert isinstance(events[0], WatchStarted)
    assert isinstance(events[-1], WatchEnded)
    assert [event.track.track_id for event in events if isinstance(event, TrackConfirmed)] == [301]


def test_it_is_ready_before_what_a_watch_has_no_use_for_could_be_loaded() -> None:
    code = "import sys, marsad.app.camera_process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "numba" in loaded
    assert not loaded & {"scipy.optimize", "scipy.ndimage", "matplotlib", "litestar", "onnxruntime", "typst", "highspy"}

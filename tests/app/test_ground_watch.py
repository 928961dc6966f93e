"""The ground that nobody looks at, as a running desk keeps it for the map."""

import asyncio
import contextlib
from pathlib import Path

import numpy as np

from marsad.adapters.dem import site_surface
from marsad.adapters.memory import MemoryEventLog
from marsad.app.config import load_site
from marsad.app.ground_watch import GroundWatch, ground_watch
from marsad.console.desk import Told
from marsad.console.maps import GroundLayers
from marsad.kernel.event import CameraRunChanged, Event, PatrolPosition, WatchStarted
from marsad.kernel.position import Position

S = 10**9
BEGIN = 1_786_000_000 * S


def made(watch: GroundWatch) -> GroundLayers:
    """The layers once they have been made of all that was heard."""

    async def wait() -> None:
        before = watch.layers()
        task = asyncio.create_task(watch.keep())
        for _ in range(6000):
            if watch.layers() is not before:
                break
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(wait())
    return watch.layers()


def test_it_says_when_each_place_was_last_observed_also_after_a_restart(site_file: Path) -> None:
    site = load_site(site_file)
    camera = site.cameras[0]
    assert camera.pose is not None
    log, now_ns = MemoryEventLog(), BEGIN
    patrol = PatrolPosition(
        time_ns=BEGIN + 5 * S, patrol_id="p1", sigma_m=5.0,
        position=Position(latitude_deg=camera.pose.latitude_deg, longitude_deg=camera.pose.longitude_deg),
    )  # fmt: skip
    started = WatchStarted(
        time_ns=BEGIN, camera_id=camera.id, source="none", width_px=640, height_px=512, fps=9.0, software="test"
    )  # fmt: skip
    surface = site_surface(site, Path())
    watch = ground_watch(site, surface, log, lambda: now_ns)
    assert watch is not None
    blank = watch.layers()
    assert np.isnan(blank.unseen_s).all()
    said: list[Event] = [started, patrol]
    log.append(said)
    watch.hear([Told(sequence=place, event=event) for place, event in enumerate(said)])
    now_ns = BEGIN + 100 * S
    seen = made(watch)
    assert seen.version != blank.version
    looked = seen.unseen_s == 0
    assert looked.any()
    assert np.isnan(seen.unseen_s).any()
    log.append([CameraRunChanged(time_ns=now_ns, camera_id=camera.id, run="stopped")])
    now_ns = BEGIN + 160 * S
    again = ground_watch(site, surface, log, lambda: now_ns)
    assert again is not None
    later = made(again)
    assert np.allclose(later.unseen_s[looked], 60.0)
    np.testing.assert_array_equal(np.isnan(later.unseen_s), np.isnan(seen.unseen_s))

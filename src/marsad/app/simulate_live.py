"""A scenario served as live cameras over RTSP, at the pace of the clock."""

import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.adapters.rtsp_server import RtspServer, ServedCamera
from marsad.adapters.truth import TruthFiles
from marsad.app.simulate import Notes, SimulateResult, Wanted, finish, frames_of, prepare
from marsad.app.stage import Stage, make_folders, write_sites
from marsad.simulate.scene import Scene


def serve(
    name: str | Path, wanted: Wanted, *, port: int, console: Console, wait_s: float | None = None
) -> SimulateResult:
    """Serve every camera asked for over RTSP, in step and at the pace of the clock, the truth written meanwhile.

    The scene begins when somebody first looks at one of the cameras, or after `wait_s` without.
    """
    wanted = msgspec.structs.replace(wanted, format="h264")
    loaded, cameras = prepare(name, wanted)
    stage = Stage(loaded)
    make_folders(wanted.out, cameras)
    scenes = {camera_id: stage.scene(camera_id) for camera_id in cameras}
    served = [_served(camera_id, scene, wanted.kbit) for camera_id, scene in scenes.items()]
    with ExitStack() as stack:
        server = stack.enter_context(RtspServer(served, port=port))
        urls = {camera_id: server.url(camera_id) for camera_id in cameras}
        sites = write_sites(stage, wanted.out, urls)
        for camera_id, url in urls.items():
            console.print(f"{camera_id}: {url}")
        console.print(f"Watch it: marsad watch --site {wanted.out / sites[0]}")
        console.print("The scene begins when somebody looks.")
        server.wait(wait_s)
        notes = {camera_id: Notes(stage, camera_id, scene) for camera_id, scene in scenes.items()}
        files = {camera_id: TruthFiles(wanted.out / camera_id, camera_id) for camera_id in cameras}
        for truth in files.values():
            stack.callback(truth.close)
        _play(stage, scenes, wanted.frames, server, notes, files)
    results = [notes[camera_id].result(urls[camera_id]) for camera_id in cameras]
    return finish(stage, wanted.out, results, "")


def _served(camera_id: str, scene: Scene, kbit: int) -> ServedCamera:
    lens = scene.view.lens
    return ServedCamera(id=camera_id, width=lens.width_px, height=lens.height_px, fps=scene.imager.fps, kbit=kbit)


def _play(
    stage: Stage,
    scenes: dict[str, Scene],
    most: int | None,
    server: RtspServer,
    notes: dict[str, Notes],
    files: dict[str, TruthFiles],
) -> None:
    """Show the pictures of all cameras in the order of their moments, each at its moment."""
    begun_s = time.monotonic()
    for camera_id, index in _in_step(scenes, most):
        scene = scenes[camera_id]
        counts, truths = scene.render(index, stage.time_ns(index, scene.imager.fps))
        files[camera_id].add(index, truths, scene.near)
        notes[camera_id].add(counts, truths)
        time.sleep(max(begun_s + index / scene.imager.fps - time.monotonic(), 0.0))
        server.show(camera_id, counts)


def _in_step(scenes: dict[str, Scene], most: int | None) -> list[tuple[str, int]]:
    """Cameras and numbers of pictures, in order of time."""
    all_of_them = [
        (index / scene.imager.fps, camera_id, index)
        for camera_id, scene in scenes.items()
        for index in range(frames_of(scene, most))
    ]
    return [(camera_id, index) for _, camera_id, index in sorted(all_of_them)]

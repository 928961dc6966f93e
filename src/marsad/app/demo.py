"""The command `marsad demo`: the al-Qaim night, played through the very watch that real cameras go through."""

import math
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.adapters.writing import replace_whole
from marsad.app.config import load_site
from marsad.app.demo_camera import Job, Watched, compile_watch, watch
from marsad.app.demo_desk import play_desk
from marsad.app.demo_report import DemoReport, report_on
from marsad.app.demo_text import narrate, tell
from marsad.app.scenario_file import Loaded, load_scenario
from marsad.app.stage import Stage, make_folders, write_sites
from marsad.kernel.error import InputError
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.watch.geolocate import Geolocator

SCENARIO = "al-qaim-night"
_ABOUT = f"""{ILLUSTRATIVE}.
All in this folder was made by `marsad demo`: pictures, people and ground are simulated.
Nothing here says anything about a real place.
"""


def run_demo(*, seconds: float | None = None, out: Path = Path("out/demo"), as_json: bool = False) -> DemoReport:
    """Play the scene, watch it, print what happened beside the truth, and leave the files in `out`.

    Raises: InputError for a time that is not above 0, UnavailableError where `out` cannot be written to.
    """
    console = Console(quiet=as_json, highlight=False)
    whole = load_scenario(SCENARIO)
    loaded = _cut(whole, seconds)
    scenario = loaded.scenario
    console.print(
        f"[bold]{scenario.name}[/]: {scenario.seconds:.0f} s are played through the watch, "
        f"{len(loaded.camera_ids)} cameras side by side."
    )
    console.print(f"{ILLUSTRATIVE}. Pictures are simulated; the watch is the one that real cameras go through.")
    stage = _set_up(loaded, out)
    watched = _watch_all([Job(loaded=loaded, camera_id=each, out=out) for each in loaded.camera_ids])
    ours = load_site(out / loaded.names[0])
    desk = play_desk(
        ours, scenario, (glance for each in watched for glance in each.glances), [each.truths for each in watched], out
    )  # fmt: skip
    report = report_on(stage, watched, desk, out, whole.scenario.seconds)
    narrate(stage, watched, report, console)
    tell(report, console)
    if as_json:
        Console(soft_wrap=True, highlight=False, markup=False).print(msgspec.json.encode(report).decode())
    return report


def _cut(loaded: Loaded, seconds: float | None) -> Loaded:
    """The scenario's start."""
    scenario = loaded.scenario
    if seconds is None:
        return loaded
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--for {seconds}: how many seconds to play, above 0; the whole is {scenario.seconds:.0f} s")
    cut = msgspec.structs.replace(scenario, seconds=min(seconds, scenario.seconds))
    return msgspec.structs.replace(loaded, scenario=cut)


def _set_up(loaded: Loaded, out: Path) -> Stage:
    """The stage, its site files and terrain in `out`; the numeric kernels are compiled on both cores meanwhile.

    The first time, that takes the longest; afterwards they are kept.
    """
    make_folders(out, loaded.camera_ids)
    compiling = multiprocessing.get_context("spawn").Process(target=compile_watch, daemon=True)
    compiling.start()
    try:
        stage = Stage(loaded)
        write_sites(stage, out, dict.fromkeys(loaded.camera_ids, ""))
        replace_whole(out / "ABOUT.txt", _ABOUT.encode())
        camera_id = loaded.camera_ids[0]
        stage.scene(camera_id).render(0, stage.started_ns)
        view = stage.known_view(camera_id)
        middle = view.lens.width_px / 2, view.lens.height_px / 2
        Geolocator(view, loaded.sites[0].terrain).locate(middle, (1.0, 1.0), (1.0, 1.0))
        compiling.join()
    finally:
        compiling.terminate()
    return stage


def _watch_all(jobs: Sequence[Job]) -> list[Watched]:
    """All cameras, a process each, as many at a time as there are cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1), mp_context=context) as pool:
        return list(pool.map(watch, jobs))

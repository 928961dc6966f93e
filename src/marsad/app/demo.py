"""The command `marsad demo`: the al-Qaim night, played through the very watch that real cameras go through."""

import math
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import msgspec
import numpy as np
from rich.console import Console
from rich.markup import escape

from marsad.adapters.annotate import clock_text
from marsad.adapters.truth import TruthFiles
from marsad.adapters.writing import replace_whole
from marsad.app.config import load_site
from marsad.app.demo_map import CHI2_95, Still, Story, draw_map
from marsad.app.evaluate import evaluate_files
from marsad.app.node import CameraNode, WatchResult
from marsad.app.outcome import counted, shortcomings
from marsad.app.performance import Alarm, Performance, Witness
from marsad.app.scenario_file import Loaded, load_scenario
from marsad.app.stage import Stage, make_folders, write_sites
from marsad.kernel.error import InputError
from marsad.kernel.frame import Frame
from marsad.kernel.position import GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.track import Track
from marsad.report.evaluation import Evaluation
from marsad.simulate.feature import Town
from marsad.simulate.scene import Scene, SceneSource, all_actors
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.simulate.truth import ActorTruth
from marsad.watch.geolocate import Geolocator
from marsad.watch.watcher import Watcher

SCENARIO = "al-qaim-night"
MATCH = "iou:0.3"
_ABOUT = f"""{ILLUSTRATIVE}.
All in this folder was made by `marsad demo`: pictures, people and ground are simulated.
Nothing here says anything about a real place.
"""
_COMPILING_FRAMES = 45
_POINT_NS = 999_000_000


class AlarmReport(Record):
    """One alarm beside the truth.

    `cause` is what raised it: the kind of the actor in the box, of what was near the lens, or "nothing" for a false
    alarm. `error_m` is the distance from the true place, `error_sigmas` the same in units of the stated uncertainty
    (Mahalanobis); `after_s` counts from the moment when half of the one who raised it could be seen.
    """

    camera_id: str
    text: str
    rule: str
    rule_id: str
    direction: str
    time_s: float
    cause: str
    party: str
    kind: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    major_m: float | None = None
    minor_m: float | None = None
    error_m: float | None = None
    error_sigmas: float | None = None
    after_s: float | None = None
    count: tuple[int, int, int] | None = None


class CameraReport(Record):
    """What one camera's watch came to.

    `tracked_after_s` is, for each person found, the time from half visible to the first confirmed track.
    """

    camera_id: str
    organisation: str
    frames: int
    seconds: float
    fps: float
    people: int
    people_found: int
    tracked_after_s: list[float]
    alarms: int
    tracks: int
    recall: float | None
    recall_online: float | None
    precision: float | None
    idf1: float | None
    false_tracks: int
    health: dict[str, int]
    files: list[str]


class DemoReport(Record):
    """What the demonstration came to.

    `counted` is the watch's own best count of the walkers, `first_seen` when each camera first tracked one of them;
    `shortcomings` says what had to happen and did not, and what happened and should not have.
    """

    terrain: str
    scenario: str
    simulated_s: float
    frames: int
    seconds: float
    people: int
    people_found: int
    counted: int | None
    first_seen: dict[str, float]
    alarms: list[AlarmReport]
    false_alarms: int
    nuisance_alarms: int
    shortcomings: list[str]
    cameras: list[CameraReport]
    out: str
    files: list[str]


class Watched(Record, eq=False):
    """One camera's part of the demonstration, as its process hands it over; paths are thinned to a point a second."""

    performance: Performance
    result: WatchResult
    truths: dict[int, list[ActorTruth]]
    tracks: dict[int, list[Track]]
    still: Still | None


class _Job(Record):
    """One camera of the scenario, and where its files go."""

    loaded: Loaded
    camera_id: str
    out: Path


def run_demo(*, seconds: float | None = None, out: Path = Path("out/demo"), as_json: bool = False) -> DemoReport:
    """Play the scene, watch it, print what happened beside the truth, and leave the files in `out`.

    Raises: InputError for a time that is not above 0, UnavailableError where `out` cannot be written to.
    """
    console = Console(quiet=as_json, highlight=False)
    loaded = _loaded(seconds)
    scenario = loaded.scenario
    console.print(
        f"[bold]{scenario.name}[/]: {scenario.seconds:.0f} s are played through the watch, "
        f"{len(loaded.camera_ids)} cameras side by side."
    )
    console.print(f"{ILLUSTRATIVE}. Pictures are simulated; the watch is the one that real cameras go through.")
    stage = _set_up(loaded, out)
    watched = _watch_all([_Job(loaded=loaded, camera_id=each, out=out) for each in loaded.camera_ids])
    report = _report(stage, watched, out)
    _narrate(stage, watched, report, console)
    _tell(report, console)
    if as_json:
        Console(soft_wrap=True, highlight=False, markup=False).print(msgspec.json.encode(report).decode())
    return report


def _loaded(seconds: float | None) -> Loaded:
    loaded = load_scenario(SCENARIO)
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
    compiling = multiprocessing.get_context("spawn").Process(target=_compile_watch, daemon=True)
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


def _compile_watch() -> None:
    """Let the watch see something warm cross a noisy picture, so that all it needs is compiled and kept."""
    rng = np.random.default_rng(0)
    watcher = Watcher("compiling")
    for index in range(_COMPILING_FRAMES):
        counts = rng.normal(100, 2, (128, 160))
        counts[50:64, 30 + 2 * index : 36 + 2 * index] += 60 * (index > 3)
        time_ns = index * 111_111_111
        watcher.observe(
            Frame(
                camera_id="compiling", index=index, time_ns=time_ns, received_ns=time_ns, counts=counts.astype(np.uint8)
            )
        )


def _watch_all(jobs: Sequence[_Job]) -> list[Watched]:
    """All cameras, a process each, as many at a time as there are cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1), mp_context=context) as pool:
        return list(pool.map(_watch, jobs))


def _watch(job: _Job) -> Watched:
    """Play one camera's scene to its watch."""
    cv2.setNumThreads(1)  # as `marsad watch` does: one process for each core
    return _Camera(job).run()


class _Camera:
    """One camera's performance: what the watch said and what was true, picture by picture."""

    def __init__(self, job: _Job) -> None:
        self._stage = Stage(job.loaded)
        self._id = job.camera_id
        self._folder = job.out / job.camera_id
        self._scene: Scene = self._stage.scene(job.camera_id)
        self._now: list[ActorTruth] = []
        self._source = SceneSource(job.camera_id, self._scene, self._stage.started_ns, self._hear)
        place = job.loaded.sites.index(job.loaded.site_of(job.camera_id))
        self._known = load_site(job.out / job.loaded.names[place])
        self._witness = Witness(job.camera_id, self._scene.imager.fps)
        self._truths: dict[int, list[ActorTruth]] = {}
        self._tracks: dict[int, list[Track]] = {}
        self._still: Still | None = None

    def run(self) -> Watched:
        """Play to the end."""
        camera = next(camera for camera in self._known.cameras if camera.id == self._id)
        truth = TruthFiles(self._folder, self._id)
        node = CameraNode(
            self._source,
            out=self._folder,
            name=f"simulated scene. {ILLUSTRATIVE}",
            site=self._known,
            camera=camera,
            video=True,
        )
        with node:
            for item in self._source:
                seen = node.step(item)
                if seen is None:
                    continue
                frame, observed, alerts = seen
                truth.add(frame.index, self._now, self._scene.near)
                alarms = self._witness.take(self._now, self._scene.near, observed, alerts)
                self._note(frame, observed.tracks, alarms)
            result = node.finish("the scene ended")
        names = truth.close()
        result = msgspec.structs.replace(result, files=[*result.files, *names])
        return Watched(
            performance=self._witness.performance(),
            result=result,
            truths=self._truths,
            tracks=self._tracks,
            still=self._still,
        )

    def _hear(self, truths: Sequence[ActorTruth]) -> None:
        self._now = list(truths)

    def _note(self, frame: Frame, tracks: Sequence[Track], alarms: Sequence[Alarm]) -> None:
        """Keep what the map shows."""
        for truth in self._now:
            path = self._truths.setdefault(truth.actor_id, [])
            if not path or truth.time_ns - path[-1].time_ns >= _POINT_NS:
                path.append(truth)
        followed = [track for track in tracks if track.status in {"confirmed", "coasting"}]
        for track in followed:
            points = self._tracks.setdefault(track.track_id, [])
            if not points or track.time_ns - points[-1].time_ns >= _POINT_NS:
                points.append(track)
        better = self._still is None or (alarms and not self._still.alarmed) or (followed and not self._still.tracks)
        if better:
            alarmed = {alarm.alert.track_id for alarm in alarms}
            self._still = Still(
                camera_id=self._id, time_ns=frame.time_ns, counts=frame.counts.copy(), tracks=followed, alarmed=alarmed
            )


def ellipse_axes_m(covariance: GroundCovariance) -> tuple[float, float]:
    """The semi-axes of the 95 % ellipse, the longer first."""
    matrix = [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
    minor, major = np.sqrt(np.maximum(np.linalg.eigvalsh(matrix), 0) * CHI2_95)
    return float(major), float(minor)


def sigmas(off_m: np.ndarray, covariance: GroundCovariance) -> float:
    """The Mahalanobis length of an error."""
    matrix = [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
    return float(np.sqrt(off_m @ np.linalg.solve(matrix, off_m)))


def _compare(alarm: Alarm, performance: Performance) -> AlarmReport:
    """An alarm beside the truth of its own picture."""
    alert, truth = alarm.alert, alarm.actor
    report = AlarmReport(
        camera_id=alert.camera_id,
        text=alert.text,
        rule=alert.rule,
        rule_id=alert.rule_id,
        direction=alert.direction,
        time_s=round(alarm.time_s, 2),
        cause=alarm.cause,
        party="" if truth is None else truth.party,
        kind=alert.kind,
        count=None if alert.count is None else (alert.count.low, alert.count.best, alert.count.high),
    )
    ground = alert.ground
    if ground is not None:
        major_m, minor_m = ellipse_axes_m(ground.covariance)
        report = msgspec.structs.replace(
            report,
            latitude_deg=round(ground.position.latitude_deg, 6),
            longitude_deg=round(ground.position.longitude_deg, 6),
            major_m=round(major_m, 2),
            minor_m=round(minor_m, 2),
        )
    if truth is None:
        return report
    if truth.actor_id in performance.entered:
        after_s = alarm.time_s - performance.entered[truth.actor_id]
        report = msgspec.structs.replace(report, after_s=round(after_s, 2))
    if ground is None:
        return report
    off = np.array([ground.east_m - truth.east_m, ground.north_m - truth.north_m])
    return msgspec.structs.replace(
        report, error_m=round(float(np.hypot(*off)), 2), error_sigmas=round(sigmas(off, ground.covariance), 2)
    )


def _report(stage: Stage, watched: Sequence[Watched], out: Path) -> DemoReport:
    """Hold the run against the truth and draw the map."""
    alarms = sorted(
        (_compare(alarm, each.performance) for each in watched for alarm in each.performance.alarms),
        key=lambda alarm: (alarm.time_s, alarm.camera_id),
    )
    people = {
        truth.actor_id for each in watched for path in each.truths.values() for truth in path[:1] if _is_person(truth)
    }
    seen = people & {actor_id for each in watched for actor_id in each.performance.entered}
    found = people & {actor_id for each in watched for actor_id in each.performance.found}
    draw_map(out / "map.png", _story(stage, watched, alarms))
    cameras = [_camera_report(stage, each, out) for each in watched]
    causes = [alarm.cause for alarm in alarms]
    report = DemoReport(
        terrain=ILLUSTRATIVE,
        scenario=stage.scenario.name,
        simulated_s=stage.scenario.seconds,
        frames=sum(each.result.frames for each in watched),
        seconds=max(each.result.seconds for each in watched),
        people=len(seen),
        people_found=len(seen & found),
        counted=counted("walkers", [each.performance for each in watched]),
        first_seen=_first_seen(watched, "walkers"),
        alarms=alarms,
        false_alarms=causes.count("nothing"),
        nuisance_alarms=sum(cause not in {"nothing", "person", "vehicle"} for cause in causes),
        shortcomings=shortcomings(stage.scenario, all_actors(stage.scenario), [each.performance for each in watched]),
        cameras=cameras,
        out=str(out),
        files=[
            *(f"{camera.camera_id}/{name}" for camera in cameras for name in camera.files),
            *("map.png", "report.json", *stage.loaded.names, "terrain.tif", "ABOUT.txt"),
        ],
    )
    replace_whole(out / "report.json", msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return report


def _is_person(truth: ActorTruth) -> bool:
    return truth.kind == "person"


def _first_seen(watched: Sequence[Watched], party: str) -> dict[str, float]:
    """When each camera first had a confirmed track on a party, seconds since the start, the earliest first."""
    first: dict[str, float] = {}
    for each in watched:
        own = each.performance
        times = [time_s for actor_id, time_s in own.found.items() if own.parties.get(actor_id) == party]
        if times:
            first[own.camera_id] = round(min(times), 2)
    return dict(sorted(first.items(), key=lambda item: item[1]))


def _camera_report(stage: Stage, watched: Watched, out: Path) -> CameraReport:
    performance, result = watched.performance, watched.result
    folder = out / performance.camera_id
    measured = _measured(folder, stage.scenario.imager_of(performance.camera_id).fps, result.frames)
    people = {actor_id for actor_id, path in watched.truths.items() if _is_person(path[0])}
    seen = sorted(people & performance.entered.keys())
    found = [actor_id for actor_id in seen if actor_id in performance.found]
    return CameraReport(
        camera_id=performance.camera_id,
        organisation=stage.site_of(performance.camera_id).organisation,
        frames=result.frames,
        seconds=result.seconds,
        fps=result.fps,
        people=len(seen),
        people_found=len(found),
        tracked_after_s=[round(performance.found[i] - performance.entered[i], 2) for i in found],
        alarms=result.alarms,
        tracks=result.tracks,
        recall=_rounded(measured.recall),
        recall_online=_rounded(measured.recall_online),
        precision=_rounded(measured.precision),
        idf1=_rounded(measured.idf1),
        false_tracks=measured.false_tracks,
        health=result.health,
        files=result.files,
    )


def _measured(folder: Path, fps: float, frames: int) -> Evaluation:
    """The measures of one camera, by the rules of `marsad evaluate`."""
    found, truth = folder / "tracks.csv", folder / "truth.csv"
    return evaluate_files(found, truth, match=MATCH, fps=fps, frames=frames, base="1").evaluation


def _story(stage: Stage, watched: Sequence[Watched], alarms: Sequence[AlarmReport]) -> Story:
    """What the map shows."""
    crossings = [alarm for alarm in alarms if alarm.rule == "line_crossing"] or list(alarms)
    title = _title(crossings[0]) if crossings else "no alarm was raised"
    paths: dict[int, list[ActorTruth]] = {}
    for each in watched:
        for actor_id, path in each.truths.items():
            if len(path) > len(paths.get(actor_id, [])):
                paths[actor_id] = path
    return Story(
        title=f"{stage.scenario.name}: {title}",
        sites=stage.sites,
        surface=stage.known_ground(stage.sites[0]),
        views=[stage.known_view(camera_id) for camera_id in stage.loaded.camera_ids],
        paths=list(paths.values()),
        tracks=[points for each in watched for points in each.tracks.values()],
        alerts=[alarm.alert for each in watched for alarm in each.performance.alarms],
        stills=[each.still for each in watched if each.still is not None],
        towns=[
            (each.east_m, each.north_m, each.radius_m) for each in stage.scenario.features if isinstance(each, Town)
        ],
    )


def _title(alarm: AlarmReport) -> str:
    """An alarm in a few words."""
    who = alarm.kind if alarm.count is None else f"group of {alarm.count[0]}-{alarm.count[2]}"
    error = "" if alarm.error_m is None else f", located {alarm.error_m:.1f} m from the truth"
    return f"{who}, {alarm.rule.replace('_', ' ')} {alarm.direction}".rstrip() + error


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _narrate(stage: Stage, watched: Sequence[Watched], report: DemoReport, console: Console) -> None:
    """Print what happened in the order of time: who came into view, who was tracked, every alarm."""
    lines: list[tuple[float, str]] = []
    for each in watched:
        own = each.performance
        for party in sorted(set(own.parties.values()) - {""}):
            members = [actor_id for actor_id in own.entered if own.parties.get(actor_id) == party]
            lines.append(
                (min(own.entered[i] for i in members), f"[dim]{own.camera_id}: first of {party} comes into view[/]")
            )
            if found := [own.found[i] for i in members if i in own.found]:
                lines.append((min(found), f"[dim]{own.camera_id}: first of {party} is tracked[/]"))
        lines += [
            (time_s, f"[yellow]{own.camera_id}: {event.kind.replace('_', ' ')}{' is over' if event.ended else ''}[/]")
            for time_s, event in own.health
        ]
    lines += [(alarm.time_s, _alarm_text(alarm)) for alarm in report.alarms]
    for time_s, text in sorted(lines, key=lambda line: line[0]):
        console.print(f"{clock_text(stage.started_ns + round(time_s * 1e9))[11:]}  {text}")


def _alarm_text(alarm: AlarmReport) -> str:
    lines = [f"[bold red]ALARM[/] {alarm.camera_id}: {escape(alarm.text)}"]
    if alarm.major_m is not None:
        lines.append(f"half axes of the 95 % ellipse {alarm.major_m:.1f} m and {alarm.minor_m:.1f} m")
    if alarm.cause == "nothing":
        lines.append("[red]nobody is there: a false alarm[/]")
    elif alarm.cause != "person":
        lines.append(f"[yellow]it is no person: {alarm.cause} {alarm.party}[/]".replace(" [/]", "[/]"))
    if alarm.error_m is not None:
        lines.append(f"true error {alarm.error_m:.1f} m, which is {alarm.error_sigmas:.1f} sigma")
    if alarm.after_s is not None:
        lines.append(f"{alarm.after_s:.1f} s after that one came into this camera's view")
    return "\n            ".join(lines)


def _tell(report: DemoReport, console: Console) -> None:
    """Print the sums."""
    count = "not counted" if report.counted is None else f"the four walkers counted as {report.counted}"
    console.print(f"\n[bold]{report.people} people came into view[/]: {report.people_found} tracked, {count}.")
    order = ", then ".join(f"{camera} at {time_s:.0f} s" for camera, time_s in report.first_seen.items())
    console.print(f"The walkers were tracked by {order or 'nobody'}.")
    console.print(
        f"{len(report.alarms)} alarms, of which {report.false_alarms} false and {report.nuisance_alarms} on animals, "
        "plants or insects."
    )
    for camera in report.cameras:
        recall = "no truth" if camera.recall is None else f"{camera.recall:.0%} of the true boxes found"
        console.print(
            f"{camera.camera_id}: {camera.frames} pictures, {camera.fps:.0f} a second, drawing included; "
            f"{camera.tracks} tracks, {camera.false_tracks} of them false, {recall}."
        )
    for line in report.shortcomings:
        console.print(f"[red]Not as it should be:[/] {line}")
    console.print(f"{report.simulated_s:.0f} s by {len(report.cameras)} cameras took {report.seconds:.0f} s.")
    console.print(f"In {report.out}: map.png, report.json, and for each camera its pictures, tracks, truth and log.")

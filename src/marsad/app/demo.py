"""The command `marsad demo`: a night with known truth, played through the very watch that real cameras go through."""

import math
import multiprocessing
from collections.abc import Sequence
from datetime import UTC
from importlib import resources
from pathlib import Path

import cv2
import msgspec
import numpy as np
import rasterio
from rich.console import Console
from rich.markup import escape

from marsad.adapters.annotate import clock_text
from marsad.adapters.dem import site_surface
from marsad.app.config import load_site
from marsad.app.demo_map import CHI2_95, Still, Story, draw_map
from marsad.app.evaluate import evaluate_files
from marsad.app.node import CameraNode, WatchResult
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, site_radius_m
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.frame import Frame
from marsad.kernel.position import GroundCovariance, Position
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.kernel.track import Track
from marsad.simulate.camera import true_pose
from marsad.simulate.scene import Scenario, Scene, SceneSource
from marsad.simulate.terrain import ILLUSTRATIVE, rugged_desert, surveyed
from marsad.simulate.truth import ActorTruth, mot_text
from marsad.watch.geolocate import Geolocator
from marsad.watch.watcher import Watcher

MATCH = "iou:0.3"
_ABOUT = f"""{ILLUSTRATIVE}.
All in this folder was made by `marsad demo`: pictures, people and ground are simulated.
Nothing here says anything about a real place.
"""
_COMPILING_FRAMES = 45
SEEN = 0.5
"""An actor has entered the view once so much of it is visible."""
NEAR_PX = 3.0
"""A box whose middle lies so near an actor's outline is taken to be that actor's."""


class AlarmReport(Record):
    """One alarm beside the truth.

    `cause` is what raised it: the kind of the actor in the box, or "nothing" for a false alarm. `error_m` is the
    distance from the true place, `error_sigmas` the same in units of the stated uncertainty (Mahalanobis);
    `after_s` counts from the moment half of the first of those who raised it could be seen.
    """

    text: str
    rule: str
    direction: str
    time_s: float
    cause: str
    kind: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    major_m: float | None = None
    minor_m: float | None = None
    error_m: float | None = None
    error_sigmas: float | None = None
    after_s: float | None = None
    count: tuple[int, int, int] | None = None


class DemoReport(Record):
    """What the demonstration came to.

    `tracked_after_s` is, for each person found, the time from half visible to the first confirmed track; `counted` the
    watch's own best count of people at its last alarm that people raised.
    """

    terrain: str
    simulated_s: float
    frames: int
    seconds: float
    fps: float
    people: int
    people_found: int
    tracked_after_s: list[float]
    counted: int | None
    alarms: list[AlarmReport]
    false_alarms: int
    nuisance_alarms: int
    tracks: int
    recall: float | None
    recall_online: float | None
    precision: float | None
    idf1: float | None
    false_tracks: int
    health: dict[str, int]
    out: str
    files: list[str]


class _Stage(Record, eq=False):
    """What is needed to play: the site as the watch knows it, and the scene as it really is."""

    site: Site
    scenario: Scenario
    scene: Scene
    survey: Surface


def run_demo(*, seconds: float | None = None, out: Path = Path("out/demo"), as_json: bool = False) -> DemoReport:
    """Play the scene, watch it, print what happened beside the truth, and leave the files in `out`.

    Raises: InputError for a time that is not above 0, UnavailableError where `out` cannot be written to.
    """
    console = Console(quiet=as_json, highlight=False)
    scenario = _scenario(seconds)
    console.print(f"[bold]{scenario.name}[/]: {scenario.seconds:.0f} s of a night are played through the watch.")
    console.print(f"{ILLUSTRATIVE}. Pictures are simulated; the watch is the one that real cameras go through.")
    stage = _prepare(scenario, out)
    played = _Played(stage, console)
    result = played.run(out)
    report = _report(played, result, out)
    _tell(report, console)
    if as_json:
        Console(soft_wrap=True, highlight=False, markup=False).print(msgspec.json.encode(report).decode())
    return report


def _scenario(seconds: float | None) -> Scenario:
    scenario = msgspec.toml.decode(_shipped("demo_scenario.toml"), type=Scenario)
    if seconds is None:
        return scenario
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--for {seconds}: how many seconds to play, above 0; the whole is {scenario.seconds:.0f} s")
    return msgspec.structs.replace(scenario, seconds=min(seconds, scenario.seconds))


def _shipped(name: str) -> str:
    return resources.files("marsad.app").joinpath(name).read_text(encoding="utf-8")


def _prepare(scenario: Scenario, out: Path) -> _Stage:
    """The stage, with the watch's kernels compiled on another core meanwhile: the first time that takes the longest."""
    compiling = multiprocessing.get_context("spawn").Process(target=_compile_watch, daemon=True)
    compiling.start()
    try:
        stage = _set_up(scenario, out)
        camera = stage.site.cameras[0]
        if camera.pose is not None:
            view = CameraView(camera.lens, camera.pose, stage.survey, reach_m=camera.reach_m)
            middle = camera.lens.width_px / 2, camera.lens.height_px / 2
            Geolocator(view, stage.site.terrain).locate(middle, (1.0, 1.0), (1.0, 1.0))
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


def _set_up(scenario: Scenario, out: Path) -> _Stage:
    """Generate the ground, write what a survey would know of it beside the site file, and build the scene."""
    ground, survey, pose, scenery = np.random.default_rng(scenario.seed).spawn(4)
    path = out / "site.toml"
    text = _shipped("demo_site.toml")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "terrain.tif").touch()
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"{out}: cannot be written to ({error.strerror}); choose another --out") from error
    site = load_site(path)
    origin = _origin(site)
    frame = EnuFrame(origin)
    radius_m = site_radius_m(site, frame)
    true_ground = rugged_desert(origin, ground, radius_m=radius_m + 200)
    terrain = site.terrain
    _write(
        out / "terrain.tif", surveyed(true_ground, survey, sigma_m=terrain.sigma_m, correlation_m=terrain.correlation_m)
    )
    camera = site.cameras[0]
    if camera.pose is None:
        raise InputError(f"{path}: cameras[0].pose is missing: the demonstration needs a posed camera")
    view = CameraView(
        camera.lens, true_pose(camera.pose, pose), Surface(true_ground, frame, radius_m), reach_m=camera.reach_m
    )
    known = site_surface(site, Path())
    if known is None:
        raise InputError(f"{path}: terrain.files is empty: the demonstration needs its terrain.tif")
    return _Stage(site=site, scenario=scenario, scene=Scene(view, scenario, scenery), survey=known)


def _origin(site: Site) -> Position:
    if site.origin is None:
        raise InputError(f"site {site.name}: origin is missing: the demonstration's scenario counts from it")
    return site.origin


def _write(path: Path, grid: ElevationGrid) -> None:
    """Write a grid as GeoTIFF."""
    rows, columns = grid.height_m.shape
    place = rasterio.Affine(grid.step_x, 0, grid.west, 0, -grid.step_y, grid.north)
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs=grid.crs, nodata=np.nan,
        transform=place, compress="deflate", predictor=3,
    ) as file:  # fmt: skip
        file.write(grid.height_m, 1)
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION=ILLUSTRATIVE)


class _Played:
    """One performance: what the watch said and what was true, picture by picture."""

    def __init__(self, stage: _Stage, console: Console) -> None:
        self.stage = stage
        self.truths: list[list[ActorTruth]] = []
        self.tracks: dict[int, list[Track]] = {}
        self.alarms: list[AlarmReport] = []
        self.alerts: list[Alert] = []
        self.people = {actor.actor_id for actor in stage.scenario.actors if actor.kind == "person"}
        self.entered: dict[int, int] = {}
        self.found: dict[int, float] = {}
        self.still: Still | None = None
        self._console = console

    def run(self, out: Path) -> WatchResult:
        """Play the scene through a camera's node."""
        scenario = self.stage.scenario
        started_ns = int(scenario.start.astimezone(UTC).timestamp()) * 1_000_000_000
        camera = self.stage.site.cameras[0]
        source = SceneSource(camera.id, self.stage.scene, started_ns, self._witness)
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # as `marsad watch` does: one process for each core
        try:
            node = CameraNode(
                source,
                out=out,
                name=f"simulated scene. {ILLUSTRATIVE}",
                site=self.stage.site,
                camera=camera,
                video=True,
            )
            with node:
                for item in source:
                    seen = node.step(item)
                    if seen is not None:
                        self._take(seen[0].counts, seen[1].tracks, seen[2])
                return node.finish("the scene ended")
        finally:
            cv2.setNumThreads(threads)

    def story(self) -> Story:
        """What the map shows."""
        title = _title(self.alarms[-1]) if self.alarms else "no alarm was raised"
        return Story(
            title=f"{self.stage.scenario.name}: {title}",
            site=self.stage.site,
            surface=self.stage.survey,
            truths=self.truths,
            tracks=self.tracks,
            alerts=self.alerts,
            still=self.still,
        )

    def _witness(self, truths: Sequence[ActorTruth]) -> None:
        self.truths.append(list(truths))
        for truth in truths:
            if truth.visible >= SEEN and truth.actor_id not in self.entered:
                self.entered[truth.actor_id] = truth.frame_index
                if truth.kind == "person":
                    self._say(
                        truth.time_ns, f"[dim]Person {truth.actor_id} enters the view, {truth.range_m:.0f} m away[/]"
                    )

    def _take(self, counts: np.ndarray, tracks: Sequence[Track], alerts: Sequence[Alert]) -> None:
        for track in tracks:
            if track.status in {"confirmed", "coasting"}:
                self.tracks.setdefault(track.track_id, []).append(track)
                actor = actor_in(track.box, self.truths[-1])
                if actor is not None and actor.actor_id not in self.found:
                    self._note_found(actor)
        for alert in alerts:
            report = self._compare(alert)
            self.alarms.append(report)
            self.alerts.append(alert)
            self._say(alert.time_ns, _alarm_text(report))
        if alerts or self.still is None:
            self.still = Still(counts=counts, tracks=list(tracks), alerts=list(alerts))

    def _note_found(self, actor: ActorTruth) -> None:
        """An actor is tracked for the first time."""
        since = self.entered.get(actor.actor_id, actor.frame_index)
        self.found[actor.actor_id] = (actor.frame_index - since) / self.stage.scenario.imager.fps
        if actor.kind == "person":
            after_s = self.found[actor.actor_id]
            self._say(actor.time_ns, f"[dim]Person {actor.actor_id} is tracked, {after_s:.1f} s later[/]")

    def _say(self, time_ns: int, text: str) -> None:
        self._console.print(f"{clock_text(time_ns)[11:]}  {text}")

    def _compare(self, alert: Alert) -> AlarmReport:
        """An alarm beside the truth of its own picture."""
        truth = actor_in(alert.box, self.truths[-1])
        fps = self.stage.scenario.imager.fps
        report = AlarmReport(
            text=alert.text,
            rule=alert.rule,
            direction=alert.direction,
            time_s=round(alert.frame_index / fps, 2),
            cause="nothing" if truth is None else truth.kind,
            kind=alert.kind,
            count=None if alert.count is None else (alert.count.low, alert.count.best, alert.count.high),
        )
        if alert.ground is not None:
            major_m, minor_m = ellipse_axes_m(alert.ground.covariance)
            position = alert.ground.position
            report = msgspec.structs.replace(
                report,
                latitude_deg=round(position.latitude_deg, 6),
                longitude_deg=round(position.longitude_deg, 6),
                major_m=round(major_m, 2),
                minor_m=round(minor_m, 2),
            )
        if truth is None:
            return report
        if truth.actor_id in self.entered:
            after_s = (alert.frame_index - self.entered[truth.actor_id]) / fps
            report = msgspec.structs.replace(report, after_s=round(after_s, 2))
        if alert.ground is None:
            return report
        off = np.array([alert.ground.east_m - truth.east_m, alert.ground.north_m - truth.north_m])
        return msgspec.structs.replace(
            report,
            error_m=round(float(np.hypot(*off)), 2),
            error_sigmas=round(sigmas(off, alert.ground.covariance), 2),
        )


def actor_in(box: Box, truths: Sequence[ActorTruth]) -> ActorTruth | None:
    """The visible actor on whose outline, or a few pixels from it, the middle of a box lies; the nearest of several."""
    x, y = box.centre_px

    def distance(truth: ActorTruth) -> float:
        outline = truth.box
        across = max(outline.x_px - x, x - outline.x_px - outline.w_px, 0.0)
        down = max(outline.y_px - y, y - outline.y_px - outline.h_px, 0.0)
        middle = math.dist(box.centre_px, outline.centre_px)
        return math.hypot(across, down) + 1e-3 * middle

    near = [truth for truth in truths if truth.visible > 0 and distance(truth) < NEAR_PX]
    return min(near, key=distance, default=None)


def ellipse_axes_m(covariance: GroundCovariance) -> tuple[float, float]:
    """The semi-axes of the 95 % ellipse, the longer first."""
    matrix = [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
    minor, major = np.sqrt(np.maximum(np.linalg.eigvalsh(matrix), 0) * CHI2_95)
    return float(major), float(minor)


def sigmas(off_m: np.ndarray, covariance: GroundCovariance) -> float:
    """The Mahalanobis length of an error."""
    matrix = [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
    return float(np.sqrt(off_m @ np.linalg.solve(matrix, off_m)))


def _alarm_text(alarm: AlarmReport) -> str:
    lines = [f"[bold red]ALARM[/] {escape(alarm.text)}"]
    if alarm.major_m is not None:
        lines.append(f"half axes of the 95 % ellipse {alarm.major_m:.1f} m and {alarm.minor_m:.1f} m")
    if alarm.cause == "nothing":
        lines.append("[red]nobody is there: a false alarm[/]")
    elif alarm.cause != "person":
        lines.append(f"[yellow]it is no person: {alarm.cause}[/]")
    if alarm.error_m is not None:
        lines.append(f"true error {alarm.error_m:.1f} m, which is {alarm.error_sigmas:.1f} sigma")
    if alarm.after_s is not None:
        lines.append(f"{alarm.after_s:.1f} s after that person came into view")
    return "\n            ".join(lines)


def _title(alarm: AlarmReport) -> str:
    """An alarm in a few words."""
    who = alarm.kind if alarm.count is None else f"group of {alarm.count[0]}-{alarm.count[2]}"
    error = "" if alarm.error_m is None else f", located {alarm.error_m:.1f} m from the truth"
    return f"{who}, {alarm.rule.replace('_', ' ')} {alarm.direction}".rstrip() + error


def _report(played: _Played, result: WatchResult, out: Path) -> DemoReport:
    """Hold the run against the truth and draw the map."""
    scenario = played.stage.scenario
    truths = [truth for picture in played.truths for truth in picture if truth.kind in {"person", "animal"}]
    (out / "truth.csv").write_text(mot_text(truths), encoding="ascii")
    measured = evaluate_files(
        out / "tracks.csv", out / "truth.csv", match=MATCH, fps=scenario.imager.fps, frames=result.frames, base="1"
    ).evaluation
    draw_map(out / "map.png", played.story())
    (out / "ABOUT.txt").write_text(_ABOUT, encoding="utf-8")
    counts = [alarm.count[1] for alarm in played.alarms if alarm.count is not None and alarm.cause == "person"]
    causes = [alarm.cause for alarm in played.alarms]
    return DemoReport(
        terrain=ILLUSTRATIVE,
        simulated_s=scenario.seconds,
        frames=result.frames,
        seconds=result.seconds,
        fps=result.fps,
        people=len(played.people & played.entered.keys()),
        people_found=len(played.people & played.found.keys()),
        tracked_after_s=[round(played.found[i], 2) for i in sorted(played.people & played.found.keys())],
        counted=counts[-1] if counts else None,
        alarms=played.alarms,
        false_alarms=causes.count("nothing"),
        nuisance_alarms=sum(cause not in {"nothing", "person"} for cause in causes),
        tracks=result.tracks,
        recall=_rounded(measured.recall),
        recall_online=_rounded(measured.recall_online),
        precision=_rounded(measured.precision),
        idf1=_rounded(measured.idf1),
        false_tracks=measured.false_tracks,
        health=result.health,
        out=str(out),
        files=[*result.files, "truth.csv", "map.png", "site.toml", "terrain.tif", "ABOUT.txt"],
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _tell(report: DemoReport, console: Console) -> None:
    """Print the sums."""
    counted = "not counted" if report.counted is None else f"counted as {report.counted} in the last alarm"
    console.print(f"\n[bold]{report.people} people came into view[/]: {report.people_found} tracked, {counted}.")
    console.print(
        f"{len(report.alarms)} alarms, of which {report.false_alarms} false and {report.nuisance_alarms} on animals or "
        f"plants; {report.false_tracks} false tracks of {report.tracks}."
    )
    if report.recall is not None and report.recall_online is not None:
        console.print(
            f"Of the true boxes {report.recall:.0%} found ({report.recall_online:.0%} in their own picture), "
            f"IDF1 {report.idf1 or 0:.2f}."
        )
    console.print(f"{report.frames} pictures in {report.seconds:.0f} s, {report.fps:.0f} a second, drawing included.")
    console.print(f"In {report.out}: {', '.join(report.files)}.")

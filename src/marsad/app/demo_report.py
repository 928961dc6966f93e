"""What the demonstration came to: every alarm beside the truth, every camera's figures, and the map."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from marsad.adapters.writing import replace_whole
from marsad.app.demo_alarm import AlarmReport, compare
from marsad.app.demo_camera import Watched
from marsad.app.demo_desk import LOG, DeskReport
from marsad.app.demo_map import Story, draw_map
from marsad.app.demo_party import PartyReport, party_reports
from marsad.app.evaluate import evaluate_files
from marsad.app.outcome import counted, shortcomings
from marsad.app.stage import Stage
from marsad.kernel.record import Record
from marsad.report.evaluation import Evaluation
from marsad.simulate.feature import Town
from marsad.simulate.scene import all_actors
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.simulate.truth import ActorTruth

MATCH = "iou:0.3"
WALKERS = "walkers"
"""The party that the night is about."""


class CameraReport(Record):
    """What one camera's watch came to.

    `tracked_after_s` is, for each person found, the time from half visible to the first confirmed track. Recall,
    precision and IDF1 are over the boxes of all that moves: of a flock seen as one they find few.
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

    `parties` says of everybody what the watch made of them, those first whom it had to alarm for; `simulated_s` of the
    scene's `whole_s` were played. `counted` is the watch's own best count of the walkers, `first_seen` when each camera
    first tracked one of them;
    `desk` is what our own side's duty officer had on the desk meanwhile;
    `shortcomings` says what had to happen and did not, and what happened and should not have.
    """

    terrain: str
    scenario: str
    simulated_s: float
    whole_s: float
    frames: int
    seconds: float
    people: int
    people_found: int
    counted: int | None
    first_seen: dict[str, float]
    parties: list[PartyReport]
    alarms: list[AlarmReport]
    false_alarms: int
    nuisance_alarms: int
    shortcomings: list[str]
    cameras: list[CameraReport]
    desk: DeskReport
    out: str
    files: list[str]


def report_on(stage: Stage, watched: Sequence[Watched], desk: DeskReport, out: Path, whole_s: float) -> DemoReport:
    """Hold the run, all of `whole_s` or its start, against the truth and draw the map."""
    played = [each.performance for each in watched]
    actors = all_actors(stage.scenario)
    alarms = sorted(
        (compare(alarm, each.performance) for each in watched for alarm in each.performance.alarms),
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
        whole_s=whole_s,
        frames=sum(each.result.frames for each in watched),
        seconds=max(each.result.seconds for each in watched),
        people=len(seen),
        people_found=len(seen & found),
        counted=counted(WALKERS, played),
        first_seen=_first_seen(watched, WALKERS),
        parties=party_reports(actors, played, alarms),
        alarms=alarms,
        false_alarms=causes.count("nothing"),
        nuisance_alarms=sum(cause not in {"nothing", "person", "vehicle"} for cause in causes),
        shortcomings=shortcomings(stage.scenario, actors, played),
        cameras=cameras,
        desk=desk,
        out=str(out),
        files=[
            *(f"{camera.camera_id}/{name}" for camera in cameras for name in camera.files),
            *("map.png", "report.json", LOG, *stage.loaded.names, "terrain.tif", "ABOUT.txt"),
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
    paths: dict[int, dict[int, ActorTruth]] = {}
    for each in watched:
        for actor_id, path in each.truths.items():
            paths.setdefault(actor_id, {}).update((truth.time_ns, truth) for truth in path)
    return Story(
        title=f"{stage.scenario.name}: {title}",
        sites=stage.sites,
        surface=stage.known_ground(stage.sites[0]),
        views=[stage.known_view(camera_id) for camera_id in stage.loaded.camera_ids],
        paths=[[path[time_ns] for time_ns in sorted(path)] for path in paths.values()],
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

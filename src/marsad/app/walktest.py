"""The command `marsad walktest`: own staff who crossed the line with GPS, held against the logs of the watch."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from marsad.adapters.dem import site_surface
from marsad.adapters.gps import GpsTrack, parse_time, read_crossing_list, read_gps
from marsad.adapters.sqlite import SqliteLogReader
from marsad.adapters.writing import replace_whole, write_refusal
from marsad.app.config import load_site
from marsad.app.walktest_map import draw_map, features
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError, IntegrityError
from marsad.kernel.record import Record
from marsad.kernel.site import Line, Site
from marsad.report.crossing import Crossing, LinePath, Walk, crossings_of, listed_crossing
from marsad.report.interval import Bin, Share
from marsad.report.matching import SEARCH_S, Alignment, align
from marsad.report.sighting import LogStory, joined, moved, read_story
from marsad.report.view import Eye
from marsad.report.walktest import Field, PredictedShare, Terms, Walktest, walktest
from marsad.report.walktest_text import clock, render

LOG_NAME = "events.sqlite"
DOUBTFUL_CLOCK_S = 1.0
DOUBTFUL_SIGMAS = 3.0
DOUBTFUL_CHANCE = 0.05


class Setting(Record):
    """What is asked for beside the files; `clock_offset_s` None means that it is taken from the tracks themselves."""

    terms: Terms = Terms()
    line_id: str | None = None
    gps_sigma_m: float = 5.0
    clock_offset_s: float | None = 0.0
    started: str | None = None
    crossings: Path | None = None
    predicted: Path | None = None


class _Measured(Record, forbid_unknown_fields=False):
    """The part of a campaign's figures that is wanted here."""

    by_height: tuple[Bin, ...]


class _Campaign(Record, forbid_unknown_fields=False):
    """What `marsad bench watch --json` prints."""

    accuracy: _Measured

    def rows(self) -> tuple[PredictedShare, ...]:
        """What it found by height in pixels."""
        return tuple(
            PredictedShare(height_px_from=each.low, height_px_to=each.high, found=each.share.found, of=each.share.of)
            for each in self.accuracy.by_height
        )


class LogRead(Record):
    """A log that was read, and its head when it was."""

    path: str
    head: str


class WalktestReport(Record):
    """What `marsad walktest` prints; `files` lie in the folder asked for."""

    site_file: str
    site: str
    walkers: dict[str, int]
    from_ns: int
    to_ns: int
    logs: tuple[LogRead, ...]
    notes: tuple[str, ...]
    result: Walktest
    files: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: a walk test measures, it does not judge."""
        return 0

    def text(self) -> str:
        """The report for people."""
        walkers = ", ".join(f"{name} ({fixes} fixes)" for name, fixes in self.walkers.items())
        head = [
            f"Walk test of {self.site}, {clock(self.from_ns)} to {clock(self.to_ns)} UTC",
            f"  walkers: {walkers}",
            *(f"  log {log.path}, sound, head {log.head}" for log in self.logs),
            *(f"  note: {note}" for note in self.notes),
        ]
        written = [f"Written: {', '.join(self.files)}"] if self.files else []
        return "\n\n".join(["\n".join(head), render(self.result), *written])


def walktest_site(
    site_path: Path, gps: Sequence[Path], logs: Sequence[Path], out: Path | None, setting: Setting
) -> WalktestReport:
    """What the walkers' crossings show, written to a folder too where one is named.

    Raises: InputError naming what to mend, UnavailableError where the folder cannot be written to.
    """
    _refuse_nonsense(setting)
    site = load_site(site_path)
    surface = _surface(site)
    lines = _lines(site, setting.line_id)
    paths = {line.id: _path(surface.frame, line) for line in lines}
    tracks = [read_gps(path) for path in gps]
    walks = _walks(tracks, surface.frame, setting.gps_sigma_m)
    crossings = _crossings(walks, paths, setting.crossings)
    read = [_read_log(path) for path in _log_files(logs)]
    story = _of_site(joined([each for _, each in read]), site)
    story = _dated(story, setting.started)
    eyes = _eyes(site, surface)
    story, alignments = _set_clocks(story, list(walks.values()), eyes, setting)
    _refuse_other_nights(story, walks)
    zones = bool(site.zones)
    alerts = {line.id: line.alert for line in lines}
    field = Field(
        paths=paths,
        asked=lambda one: zones or not one.direction or alerts[one.line_id] in {"both", one.direction},
        eyes=eyes,
        table=_predicted(setting.predicted),
        terms=setting.terms,
    )
    result = walktest(field, walks, crossings, story, alignments)
    report = WalktestReport(
        site_file=str(site_path),
        site=site.name,
        walkers={name: len(walk.time_ns) for name, walk in walks.items()},
        from_ns=min(int(walk.time_ns[0]) for walk in walks.values()),
        to_ns=max(int(walk.time_ns[-1]) for walk in walks.values()),
        logs=tuple(LogRead(path=str(path), head=head) for (path, head), _ in read),
        notes=(*story.notes, *_notes(site, tracks, alignments), *_chance_notes(result.chance)),
        result=result,
    )
    return report if out is None else _write(report, out, field, walks, story, surface)


def _refuse_nonsense(setting: Setting) -> None:
    terms = setting.terms
    positive = {
        "--within": terms.within_s,
        "--least-px": terms.least_px,
        "--height": terms.height_m,
        "--cell": terms.cell_m,
        "--range-cell": terms.range_m,
        "--gate": terms.gate.sigmas,
        "--gps-sigma": setting.gps_sigma_m,
    }
    for name, value in positive.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} {value:g}: must be above 0")
    if not 0 <= terms.gate.clock_s <= SEARCH_S:
        raise InputError(f"--clock-sigma {terms.gate.clock_s:g}: from 0 to {SEARCH_S:g} seconds")


def _surface(site: Site) -> Surface:
    surface = site_surface(site, Path())
    if surface is None:
        raise InputError("the site has no terrain, and nothing can be located: set terrain.files or flat_height_m")
    return surface


def _eyes(site: Site, surface: Surface) -> dict[str, Eye]:
    eyes = {
        camera.id: Eye(
            camera.id,
            CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m),
            site.terrain,
            camera.masks,
        )
        for camera in site.cameras
        if camera.pose is not None
    }
    if not eyes:
        raise InputError("no camera of the site has a pose: add [cameras.pose], see docs/howto/calibrate.md")
    return eyes


def _lines(site: Site, line_id: str | None) -> list[Line]:
    known = ", ".join(line.id for line in site.lines) or "none"
    lines = [line for line in site.lines if line_id in {None, line.id}]
    if not lines:
        asked = "" if line_id is None else f"--line {line_id}: "
        raise InputError(f"{asked}a walk test crosses a line of the site; it has {known}: add [[lines]] or name one")
    return lines


def _path(frame: EnuFrame, line: Line) -> LinePath:
    latitude, longitude = (
        [getattr(point, name) for point in line.points] for name in ("latitude_deg", "longitude_deg")
    )
    east, north, _ = frame.from_geodetic(latitude, longitude, frame.origin.height_m)
    return LinePath(line.id, np.stack([east, north], axis=-1), line.inside)


def _walks(tracks: Sequence[GpsTrack], frame: EnuFrame, sigma_m: float) -> dict[str, Walk]:
    if not tracks:
        raise InputError("--gps: name at least one GPS track, .gpx, .csv, .geojson or .nmea")
    walks: dict[str, Walk] = {}
    for track in tracks:
        if track.name in walks:
            raise InputError(f"--gps: two files are called {track.name}; each is one walker, rename one")
        east, north, _ = frame.from_geodetic(track.latitude_deg, track.longitude_deg, frame.origin.height_m)
        walks[track.name] = Walk(
            walker=track.name,
            time_ns=track.time_ns,
            east_m=east,
            north_m=north,
            sigma_m=np.where(np.isnan(track.sigma_m), sigma_m, track.sigma_m),
        )
    return walks


def _crossings(walks: Mapping[str, Walk], paths: Mapping[str, LinePath], listed: Path | None) -> list[Crossing]:
    """The crossings as the line tells them, or as a list does."""
    if listed is None:
        found = [one for walk in walks.values() for path in paths.values() for one in crossings_of(walk, path)]
        if not found:
            raise InputError(_no_crossing(walks, paths))
        return sorted(found, key=lambda one: one.crossed_ns)
    found = []
    for number, (walker, start_ns, end_ns) in enumerate(read_crossing_list(listed), start=1):
        if walker not in walks:
            raise InputError(f"{listed}: walker {walker!r} has no GPS track; there are {', '.join(walks)}")
        found.append(listed_crossing(walks[walker], list(paths.values()), (start_ns, end_ns), number))
    return found


def _no_crossing(walks: Mapping[str, Walk], paths: Mapping[str, LinePath]) -> str:
    nearest_m = min(
        float(np.abs(path.measure(walk.east_m, walk.north_m)[0]).min())
        for walk in walks.values()
        for path in paths.values()
    )
    return (
        f"nobody crossed {' or '.join(paths)}: the GPS came within {nearest_m:.0f} m of it. A crossing goes from "
        "surely on one side, 2 sigmas of the GPS off the line, to surely on the other; walk farther, or give "
        "--crossings"
    )


def _log_files(logs: Sequence[Path]) -> list[Path]:
    """The logs named, and those in the folders named, a camera each."""
    found: list[Path] = []
    for path in logs:
        if path.is_dir():
            inside = sorted([*path.glob(LOG_NAME), *path.glob(f"*/{LOG_NAME}")])
            if not inside:
                raise InputError(f"{path}: holds no {LOG_NAME}; name the --out folder of marsad watch")
            found += inside
        else:
            found.append(path)
    if not found:
        raise InputError("--log: name the --out folder of marsad watch, or its events.sqlite")
    return list(dict.fromkeys(found))


def _read_log(path: Path) -> tuple[tuple[Path, str], LogStory]:
    """What a log says, once it has proved sound."""
    with SqliteLogReader(path) as log:
        try:
            head = log.verify()
        except IntegrityError as error:
            raise InputError(f"{path}: is not sound, and no evidence: {error}; see marsad verify") from error
        return (path, str(head)), read_story(each.event for each in log.read() if each.event is not None)


def _of_site(story: LogStory, site: Site) -> LogStory:
    """The story without cameras that are not the site's."""
    known = {camera.id for camera in site.cameras}
    logged = {each.camera_id for each in story.watched}
    if not logged & known:
        raise InputError(
            f"the logs are of {', '.join(sorted(logged)) or 'no camera'}, the site's cameras are "
            f"{', '.join(sorted(known)) or 'none'}; run marsad watch with --site and --camera"
        )
    strange = tuple(f"{each} is logged but not in the site: left out" for each in sorted(logged - known))
    kept = {
        name: tuple(each for each in getattr(story, name) if each.camera_id in known)
        for name in ("sightings", "alarms", "watched", "troubles")
    }
    return msgspec.structs.replace(story, **kept, notes=(*story.notes, *strange), undated=story.undated & known)


def _dated(story: LogStory, started: str | None) -> LogStory:
    """The story with a date for recordings that had none."""
    if not story.undated:
        return story
    if started is None:
        raise InputError(
            f"the log of {', '.join(sorted(story.undated))} counts from 0, its recording had no date: give --started, "
            "the UTC time of its first picture, as 2026-08-08T20:15:00Z"
        )
    return moved(story, dict.fromkeys(story.undated, parse_time(started, "--started")))


def _set_clocks(
    story: LogStory, walks: Sequence[Walk], eyes: Mapping[str, Eye], setting: Setting
) -> tuple[LogStory, list[Alignment]]:
    """The story in the GPS's time, and how far each camera's clock and pose are held to be off."""
    cameras = sorted({each.camera_id for each in story.watched})
    posed = [eyes[camera] for camera in cameras if camera in eyes]
    gate = setting.terms.gate
    given_s = setting.clock_offset_s or 0.0
    story = moved(story, dict.fromkeys(cameras, -round(given_s * 1e9)))
    found = [align(story, walks, eye, given_s, gate) for eye in posed]
    if setting.clock_offset_s is not None:
        return story, found
    known = [each.offset_s for each in found if each.offset_s is not None]
    # One machine usually stamps all cameras: one that saw nobody is set by the others.
    common_s = float(np.median(known)) if known else 0.0
    set_s = dict.fromkeys(cameras, common_s)
    set_s |= {each.camera_id: each.offset_s for each in found if each.offset_s is not None}
    story = moved(story, {camera: -round(by * 1e9) for camera, by in set_s.items()})
    return story, [msgspec.structs.replace(each, applied_s=set_s[each.camera_id]) for each in found]


def _refuse_other_nights(story: LogStory, walks: Mapping[str, Walk]) -> None:
    first = min(int(walk.time_ns[0]) for walk in walks.values())
    last = max(int(walk.time_ns[-1]) for walk in walks.values())
    if any(each.start_ns <= last and each.end_ns >= first for each in story.watched):
        return
    spans = [each for each in story.watched if each.start_ns > 0]
    logged = (
        f"{clock(min(each.start_ns for each in spans))} to {clock(max(each.end_ns for each in spans))}"
        if spans
        else "nothing"
    )
    raise InputError(
        f"the logs cover {logged} UTC, the GPS {clock(first)} to {clock(last)}: name the logs of that time, or set "
        "--clock-offset where the camera's clock is wrong"
    )


def _predicted(path: Path | None) -> tuple[PredictedShare, ...]:
    if path is None:
        return ()
    try:
        read = msgspec.json.decode(path.read_bytes(), type=tuple[PredictedShare, ...] | _Campaign)
    except OSError as error:
        raise InputError(f"--predicted {path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"--predicted {path}: {error}; give what marsad bench watch --json printed, or a list of height_px_from, "
            "height_px_to, found, of"
        ) from error
    rows = read.rows() if isinstance(read, _Campaign) else read
    for number, row in enumerate(rows, start=1):
        if row.found > row.of or not row.height_px_from < row.height_px_to:
            raise InputError(f"--predicted {path}, row {number}: found is among of, height_px_from below height_px_to")
    return rows


def _notes(site: Site, tracks: Sequence[GpsTrack], alignments: Sequence[Alignment]) -> list[str]:
    notes = [f"{each.name}: {each.left_out} fixes repeat a time and were left out" for each in tracks if each.left_out]
    notes += [note for each in alignments if (note := _clock_note(each))]
    if site.terrain.illustrative:
        notes.append("the terrain is marked illustrative: what should have been in view is no evidence")
    return notes


def _chance_notes(met: Share) -> list[str]:
    """What to think of a test among much other traffic."""
    if met.share is None or met.share <= DOUBTFUL_CHANCE:
        return []
    told = f"in {met.share:.0%} of the times tried a track that is nobody's would have passed for a walker"
    return [f"{told}: what was found is worth less than it seems; keep others away, or make --gate smaller"]


def _clock_note(each: Alignment) -> str:
    """What to do about a clock that disagrees with the GPS; empty where it does not."""
    if each.offset_s is None or each.sigma_s is None:
        return ""
    off_s = abs(each.offset_s - each.applied_s)
    if off_s <= max(DOUBTFUL_CLOCK_S, DOUBTFUL_SIGMAS * each.sigma_s):
        return ""
    return (
        f"{each.camera_id}: its clock seems {each.offset_s:+.1f} s ahead of the GPS, {each.applied_s:+.1f} s was taken "
        f"off: check it, or run again with --clock-offset {each.offset_s:.1f}"
    )


def _write(
    report: WalktestReport, out: Path, field: Field, walks: Mapping[str, Walk], story: LogStory, surface: Surface
) -> WalktestReport:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error
    names = ("report.txt", "report.json", "walktest.geojson", "map.png")
    report = msgspec.structs.replace(report, files=tuple(str(out / name) for name in names))
    replace_whole(out / names[0], (report.text() + "\n").encode())
    replace_whole(out / names[1], msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    collection = {"type": "FeatureCollection", "features": features(report.result, field, walks, story, surface.frame)}
    replace_whole(out / names[2], msgspec.json.encode(collection))
    draw_map(out / names[3], f"Walk test of {report.site}", report.result, field, walks, story)
    return report


def parse_offset(text: str) -> float | None:
    """The clock's offset in seconds, None for "auto". Raises: InputError where it is neither."""
    if text == "auto":
        return None
    try:
        offset_s = float(text)
    except ValueError:
        offset_s = math.nan
    if not math.isfinite(offset_s):
        raise InputError(f"--clock-offset {text}: seconds the camera's clock is ahead of the GPS, or auto")
    return offset_s

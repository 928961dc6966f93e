"""The command `marsad fuse`: one picture out of files of what cameras, posts and patrols reported."""

import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from marsad.adapters.dem import site_surface
from marsad.adapters.picture_files import Course, while_seen, write_csv, write_geojson
from marsad.adapters.reports import Report, read_reports
from marsad.adapters.sqlite import SqliteEventLog
from marsad.adapters.writing import write_refusal
from marsad.app.config import load_site
from marsad.app.fuse_map import Ground, draw_picture
from marsad.app.kept_picture import KeptPicture
from marsad.app.patient_log import open_log
from marsad.app.picture_start import Setup, Tell, fingerprint, sources_in
from marsad.fuse.approach import line_paths
from marsad.fuse.fuser import NS
from marsad.fuse.sensor import CameraSensor, PlaceSensor, Sensor
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, site_origin
from marsad.kernel.error import InputError
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.picture import Picture, PictureSource, PictureStatus, SourceState
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.report.walktest_text import clock, table

_NOWHERE = (math.inf, math.inf, -math.inf, -math.inf)


class SourceRow(Record):
    """A source as the files have it, and what has been learnt of it."""

    reports: str
    looks: int
    measurements: int
    state: SourceState


class TrackRow(Record):
    """A track of the picture in one line; `became` is the track that it was later found to be the same as."""

    track_id: str
    status: PictureStatus
    kind: str
    first_ns: int
    seen_ns: int
    sigma_m: float
    sources: tuple[str, ...]
    became: str


class FuseReport(Record):
    """What `marsad fuse` prints; `files` lie in `out`.

    `left_out` reports repeat another, `settled` looks are of a time that the log has settled; `head` is the log's.
    """

    out: str
    from_ns: int
    to_ns: int
    left_out: int
    sources: tuple[SourceRow, ...]
    tracks: tuple[TrackRow, ...]
    files: tuple[str, ...]
    settled: int = 0
    log: str = ""
    head: str = ""

    @property
    def exit_code(self) -> int:
        """0: to fuse is not to judge."""
        return 0

    def text(self) -> str:
        """The report for people."""
        span = f"{clock(self.from_ns)} to {clock(self.to_ns)} UTC, {(self.to_ns - self.from_ns) / NS:.0f} s"
        parts = [
            f"Fused {span}: {len(self.tracks)} tracks from {len(self.sources)} sources",
            _source_table(self.sources),
        ]
        if self.tracks:
            parts.append(_track_table(self.tracks))
        if self.left_out:
            parts.append(f"{self.left_out} reports repeat another of the same source, moment and label: left out")
        if self.settled:
            parts.append(f"{self.settled} looks are of a time that the log had settled: left out")
        if self.log:
            parts.append(f"Log: {self.log}, head {self.head}")
        return "\n\n".join([*parts, f"Written to {self.out}: {', '.join(self.files)}"])


class LogWanted(NamedTuple):
    """Which log is written to, whether its picture is gone on with, and who hears what befalls it."""

    path: Path
    resume: bool
    tell: Tell


def fuse_files(
    paths: Sequence[Path], *, site_path: Path | None, out: Path, show: bool, wanted: LogWanted | None = None
) -> FuseReport:
    """What the files say together, written to a folder, and to a log if one is wanted.

    Raises: InputError naming what to mend, UnavailableError where the folder or the log cannot be written to.
    """
    reports = [report for path in paths for report in read_reports(path)]
    if not reports:
        raise InputError(f"{', '.join(map(str, paths))}: no report in them; see docs/reference/fuse.md for the columns")
    if wanted is None:
        return _fused(reports, (), None, site_path=site_path, out=out, show=show, wanted=None)
    log = _opened(wanted, site_path)
    try:
        held = sources_in(log) if wanted.resume else ()
        return _fused(reports, held, log, site_path=site_path, out=out, show=show, wanted=wanted)
    finally:
        log.close()


def _opened(wanted: LogWanted, site_path: Path | None) -> SqliteEventLog:
    """The log. Raises: InputError where there is none to go on with, or it is not sound."""
    if wanted.resume and site_path is None:
        raise InputError("--resume goes on in the site's frame: add --site SITE.toml")
    if wanted.resume and not wanted.path.exists():
        raise InputError(f"{wanted.path}: there is no such log to go on with; leave out --resume to begin one")
    return open_log(wanted.path, wanted.tell, option="--log")


def _fused(
    reports: Sequence[Report], held: Sequence[PictureSource], log: SqliteEventLog | None, *, site_path: Path | None,
    out: Path, show: bool, wanted: LogWanted | None,
) -> FuseReport:  # fmt: skip
    ground = _ground(reports, held, site_path)
    looks, left_out = looks_of(reports, ground)
    setup = _setup(looks, held, ground)
    if log is not None and ground.site is not None:
        setup = setup._replace(paths=line_paths(ground.site.lines, ground.frame))
    if log is None or wanted is None:
        picture = KeptPicture(setup)
    elif wanted.resume:
        picture = KeptPicture.resume(setup, log, wanted.tell)
    else:
        picture = KeptPicture.begin(setup, log, looks[0].time_ns)
    settled = picture.fuser.settled[0]
    new = [look for look in looks if (look.time_ns, look.source_id) > settled]
    courses = _followed(picture, new, show=show)
    report = FuseReport(
        out=str(out),
        from_ns=looks[0].time_ns,
        to_ns=looks[-1].time_ns,
        left_out=left_out,
        sources=_source_rows(picture, looks, ground),
        tracks=_track_rows(courses),
        files=("picture.geojson", "picture.csv", "picture.png"),
        settled=len(looks) - len(new),
        log="" if wanted is None else str(wanted.path),
        head="" if log is None else str(log.head()),
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error
    write_geojson(out / "picture.geojson", courses)
    write_csv(out / "picture.csv", courses)
    draw_picture(out / "picture.png", new, courses, ground)
    return report


def _ground(reports: Sequence[Report], held: Sequence[PictureSource], site_path: Path | None) -> Ground:
    """The frame of the site, or one around the first place that a file names."""
    if site_path is None:
        first = next((report.at for report in reports if report.at is not None), None)
        if first is None or any(report.bearing or report.flat for report in reports):
            raise InputError("bearings, and places east and north, need the site they are of: add --site SITE.toml")
        frame = EnuFrame(Position(latitude_deg=first[0], longitude_deg=first[1]))
        return Ground(frame=frame, site=None, surface=None, views={})
    site = load_site(site_path)
    surface, origin = site_surface(site, Path()), site_origin(site)
    if origin is None:
        raise InputError(f"{site_path}: has neither an origin nor a camera with a pose; set one of them")
    frame = EnuFrame(origin) if surface is None else surface.frame
    looking = {report.source_id for report in reports if report.bearing is not None}
    looking |= {source.source_id for source in held if source.reports == "bearings"}
    return Ground(frame=frame, site=site, surface=surface, views=_views(site, surface, sorted(looking), site_path))


def _views(site: Site, surface: Surface | None, looking: Sequence[str], site_path: Path) -> dict[str, CameraView]:
    """The cameras that report bearings."""
    posed = {camera.id: camera for camera in site.cameras if camera.pose is not None}
    unknown = [name for name in looking if name not in posed]
    if unknown:
        raise InputError(
            f"{site_path}: no camera with a pose named {', '.join(unknown)}, which reports bearings; "
            f"those with a pose: {', '.join(posed) or 'none'}"
        )
    if looking and surface is None:
        raise InputError(f"{site_path}: has no terrain to meet the bearings; set terrain.files or flat_height_m")
    views = {}
    for name in looking:
        camera = posed[name]
        if camera.pose is not None and surface is not None:
            views[name] = CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m)
    return views


def looks_of(reports: Sequence[Report], ground: Ground) -> tuple[list[Look], int]:
    """The reports as looks in order of time, and how many repeat another.

    Raises: InputError for a source that reports now bearings and now places.
    """
    own = _organisation(ground)
    moments: dict[tuple[int, str], list[Report]] = {}
    for report in reports:
        moments.setdefault((report.time_ns, report.source_id), []).append(report)
    looks, left_out, ways = [], 0, dict.fromkeys(ground.views, "bearings")
    for time_ns, source_id in sorted(moments):
        here = moments[time_ns, source_id]
        seen: dict[object, Measurement] = {}
        for report in here:
            measured = _measurement(report, ground)
            if measured is None:
                continue
            way = "bearings" if measured.bearing is not None else "places"
            if ways.setdefault(source_id, way) != way:
                raise InputError(f"source {source_id!r} reports bearings and places; give the places another name")
            left_out += seen.setdefault(measured if report.label is None else report.label, measured) is not measured
        origin = here[0].origin or own
        looks.append(Look(source_id=source_id, time_ns=time_ns, measurements=tuple(seen.values()), origin=origin))
    return looks, left_out


def _measurement(report: Report, ground: Ground) -> Measurement | None:
    """What the report measured, None where it saw nothing."""
    fix = None
    if report.covariance is not None and (report.at or report.flat):
        east, north = _flat(report, ground)
        fix = GroundFix(east_m=east, north_m=north, covariance=report.covariance)
    if fix is None and report.bearing is None:
        return None
    tall_rad, sigma_rad = report.height or (None, 0.0)
    return Measurement(
        bearing=report.bearing, fix=fix, label=report.label, kind=report.kind, kind_confidence=report.kind_confidence,
        count=report.count, height_rad=tall_rad, height_sigma_rad=sigma_rad,
    )  # fmt: skip


def _flat(report: Report, ground: Ground) -> tuple[float, float]:
    """East and north of what was reported."""
    if report.at is None:
        return report.flat or (0.0, 0.0)
    height = ground.frame.origin.height_m
    if ground.surface is not None:
        known = float(ground.surface.height_m(*report.at))
        height = known if math.isfinite(known) else height
    east, north, _ = ground.frame.from_geodetic(*report.at, height)
    return float(east), float(north)


def _setup(looks: Sequence[Look], held: Sequence[PictureSource], ground: Ground) -> Setup:
    """What the picture is made of: a sensor for each source, those of the log first, then in the order of their names.

    Who never reports two things at once, and never none, reports itself: what it does not report says nothing then.
    """
    sizes: dict[str, set[int]] = {}
    for look in looks:
        sizes.setdefault(look.source_id, set()).add(len(look.measurements))
    itself = {source_id: size == {1} for source_id, size in sorted(sizes.items())}
    itself |= {source.source_id: source.itself for source in held}
    names = [
        *(source.source_id for source in held),
        *(name for name in itself if name not in {h.source_id for h in held}),
    ]
    each = [_source(name, ground, itself=itself[name]) for name in names]
    return Setup(
        sensors=[sensor for sensor, _ in each],
        sources=[source for _, source in each],
        frame=ground.frame,
        organisation=_organisation(ground),
    )


def _source(source_id: str, ground: Ground, *, itself: bool) -> tuple[Sensor, PictureSource]:
    view, site, origin = ground.views.get(source_id), ground.site, ground.frame.origin
    if view is not None and site is not None:
        camera = next(camera for camera in site.cameras if camera.id == source_id)
        mark = fingerprint(origin, camera, site.terrain)
        told = PictureSource(source_id=source_id, reports="bearings", fingerprint=mark)
        return CameraSensor(camera, view, site.terrain), told
    told = PictureSource(source_id=source_id, reports="places", itself=itself, fingerprint=fingerprint(origin))
    return (PlaceSensor(source_id, covers=_NOWHERE) if itself else PlaceSensor(source_id)), told


def _followed(picture: KeptPicture, looks: Sequence[Look], *, show: bool) -> list[Course]:
    """The course of each track that was ever confirmed, as known second by second."""
    courses: dict[str, Course] = {}
    with _bar(show=show) as progress:
        task = progress.add_task("fusing", total=len(looks), tracks=0)
        for second in _seconds(looks):
            for made in picture.take(second):
                # The first second that ends may be the last one of a picture that is gone on with.
                if made.time_ns >= looks[0].time_ns:
                    _note(courses, made)
            progress.update(task, advance=len(second), tracks=len(courses))
    _note(courses, picture.close())
    present = {life.track_id for life in picture.fuser.state.lives}
    for track_id, course in courses.items():
        if track_id not in present:
            course[-1] = msgspec.structs.replace(course[-1], status="lost")
    return sorted(courses.values(), key=lambda course: (course[0].time_ns, course[0].track_id))


def _note(courses: dict[str, Course], picture: Picture) -> None:
    """Add what a picture says of each track that has been believed."""
    for track in picture.tracks:
        if track.confirmed_ns is not None:
            courses.setdefault(track.track_id, []).append(track)


def _organisation(ground: Ground) -> str:
    """Whose the picture is."""
    return "own" if ground.site is None else ground.site.organisation


def _bar(*, show: bool) -> Progress:
    """A progress bar on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} looks, {task.fields[tracks]} tracks"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not (show and sys.stderr.isatty()),
    )


def _seconds(looks: Sequence[Look]) -> Iterator[list[Look]]:
    """The looks of each second."""
    for _, second in itertools.groupby(looks, key=lambda look: look.time_ns // NS):
        yield list(second)


def _source_rows(picture: KeptPicture, looks: Sequence[Look], ground: Ground) -> tuple[SourceRow, ...]:
    looked = Counter(look.source_id for look in looks)
    measured = Counter(look.source_id for look in looks for _ in look.measurements)
    return tuple(
        SourceRow(
            state=state,
            reports="bearings" if state.source_id in ground.views else "places",
            looks=looked[state.source_id],
            measurements=measured[state.source_id],
        )
        for state in picture.picture.sources
    )


def _track_rows(courses: Sequence[Course]) -> tuple[TrackRow, ...]:
    became = {name: track.track_id for course in courses for track in course for name in track.formerly}
    return tuple(_track_row(course, became.get(course[-1].track_id, "")) for course in courses)


def _track_row(course: Course, became: str) -> TrackRow:
    last = course[-1]
    covariance = while_seen(course)[-1].ground.covariance
    return TrackRow(
        track_id=last.track_id,
        status=last.status,
        kind=last.kind,
        first_ns=last.first_ns,
        seen_ns=last.seen_ns,
        sigma_m=math.sqrt((covariance.east_m2 + covariance.north_m2) / 2),
        sources=tuple(sorted({each.source_id for track in course for each in track.contributors})),
        became=became,
    )


def _source_table(sources: Sequence[SourceRow]) -> str:
    """Each source, with what has been learnt of its mount and clock."""
    rows = []
    for each in sources:
        state, mount = each.state, ("", "")
        if each.reports == "bearings":
            mount = (
                _off(math.degrees(state.azimuth_rad), math.degrees(state.azimuth_sigma_rad), 3),
                _off(math.degrees(state.elevation_rad), math.degrees(state.elevation_sigma_rad), 3),
            )
        late = _off(state.clock_s, state.clock_sigma_s, 2) if state.clock_sigma_s else ""
        trusted = "yes" if state.trusted else f"NO {state.reason}".strip()
        rows.append([state.source_id, each.reports, str(each.looks), str(each.measurements), *mount, late, trusted])
    offs = ("azimuth off, deg", "elevation off, deg", "clock behind, s")
    return table(["source", "reports", "looks", "seen", *offs, "trusted"], rows)


def _off(value: float, sigma: float, digits: int) -> str:
    return f"{value:+.{digits}f} +- {sigma:.{digits}f}"


def _track_table(tracks: Sequence[TrackRow]) -> str:
    rows = []
    for each in tracks:
        status = f"is {each.became}" if each.became else each.status
        seen_s, first = (each.seen_ns - each.first_ns) / NS, clock(each.first_ns)[11:]
        where = f"{each.sigma_m:.1f}"
        rows.append([each.track_id, status, each.kind, first, f"{seen_s:.0f}", where, ", ".join(each.sources)])
    return table(["track", "status", "kind", "first seen", "seen for, s", "sigma, m", "sources"], rows)

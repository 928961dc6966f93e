"""Presence from logs: what nobody looks at now, why, and where those who were lost could be."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from marsad.adapters.dem import site_surface
from marsad.adapters.geotiff import write_geotiff
from marsad.adapters.gps import parse_time, read_gps
from marsad.adapters.sqlite import SqliteLogReader
from marsad.adapters.writing import replace_whole, write_refusal
from marsad.app.config import load_site
from marsad.app.presence_map import draw_map, features
from marsad.app.presence_start import site_lattice, start_presence
from marsad.fuse.coverage import NEVER_NS, Weather
from marsad.fuse.presence import Presence, SeenAgain, Unobserved
from marsad.geo.elevation import Surface
from marsad.kernel.error import InputError, IntegrityError
from marsad.kernel.event import Event, PatrolPosition
from marsad.kernel.position import Position
from marsad.kernel.presence import AreaReport, LineReach, LostTrack, NextView, OpenPart, OpenStretch, Whereabouts
from marsad.kernel.record import Record
from marsad.kernel.site import Site

LOG_NAME = "events.sqlite"
LARGEST_CELLS = 4_000_000
DATED_NS = 365 * 86_400 * 1_000_000_000
"""Times before 1971 count from a recording's first picture, which had no date."""


class Asked(Record):
    """What the command was asked: see its options."""

    at: str | None = None
    cell_m: float = 25.0
    margin_m: float = 1000.0
    visibility_m: float | None = None
    minutes: float = 60.0
    least_m: float = 50.0


class LostNow(Record):
    """Where somebody lost could be, in numbers."""

    lost: LostTrack
    lost_for_s: float
    area_50_km2: float
    area_90_km2: float
    left: float
    unseen: float
    inhabited: float | None
    next_views: tuple[NextView, ...]
    lines: tuple[LineReach, ...]


class PresenceReport(Record):
    """What a site's logs say of the ground nobody looks at."""

    site_file: str
    site: str
    at_ns: int
    logs: tuple[str, ...]
    cells: int
    open_now: tuple[OpenStretch, ...]
    unobserved_s: float
    unobserved_share: float
    unobserved_km2: float
    never_km2: float
    lost: tuple[LostNow, ...]
    seen_again: tuple[SeenAgain, ...]
    areas: tuple[AreaReport, ...]
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return 0

    def text(self) -> str:
        """The report for people."""
        head = [f"Presence at {self.site}, {moment(self.at_ns)}", *(f"  note: {note}" for note in self.notes)]
        blocks = ["\n".join(head), _open_text(self), _unobserved_text(self), _lost_text(self), _areas_text(self)]
        written = [f"Written: {', '.join(self.files)}"] if self.files else []
        return "\n\n".join([*(block for block in blocks if block), *written])


def presence_site(
    site_path: Path, logs: Sequence[Path], patrols: Sequence[Path], out: Path | None, asked: Asked
) -> PresenceReport:
    """What logs say of a site's ground at a moment, written to a folder too where one is named.

    Raises: InputError naming what to mend, UnavailableError where the folder cannot be written to.
    """
    _refuse_nonsense(asked)
    site = load_site(site_path)
    surface = site_surface(site, Path())
    if surface is None:
        raise InputError("the site has no terrain, and nothing can be located: set terrain.files or flat_height_m")
    files = _log_files(logs)
    events = logged_events(logs, patrols)
    at_ns = moment_asked(asked.at, events)
    presence = _presence(site, surface, asked, events[0].time_ns)
    for event in events:
        if event.time_ns <= at_ns:
            presence.take(event)
    presence.advance(at_ns)
    return _report(site_path, site, files, presence, asked, out)


def _refuse_nonsense(asked: Asked) -> None:
    named = {
        "--cell": asked.cell_m,
        "--margin": asked.margin_m,
        "--minutes": asked.minutes,
        "--visibility": 1.0 if asked.visibility_m is None else asked.visibility_m,
    }
    for name, value in named.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} {value:g}: must be above 0")


def logged_events(logs: Sequence[Path], patrols: Sequence[Path] = ()) -> list[Event]:
    """What logs and patrols' recordings say, in order of time. Raises: InputError where that is nothing."""
    files = _log_files(logs)
    events = sorted([*_logged(files), *_patrolled(patrols)], key=lambda event: event.time_ns)
    if not events:
        raise InputError(f"{', '.join(str(file) for file in files)}: nothing is logged yet; run marsad watch first")
    return events


def _log_files(logs: Sequence[Path]) -> list[Path]:
    """The logs named, and those in the folders named, a camera each."""
    found: list[Path] = []
    for path in logs:
        inside = sorted([*path.glob(LOG_NAME), *path.glob(f"*/{LOG_NAME}")]) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: holds no {LOG_NAME}; name the --out folder of marsad watch")
        found += inside
    if not found:
        raise InputError("--log: name the --out folder of marsad watch, or its events.sqlite")
    return list(dict.fromkeys(found))


def _logged(files: Iterable[Path]) -> Iterator[Event]:
    """What the logs say, each proved sound first."""
    for path in files:
        with SqliteLogReader(path) as log:
            try:
                log.verify()
            except IntegrityError as error:
                raise InputError(f"{path}: is not sound: {error}; see marsad verify") from error
            yield from (stored.event for stored in log.read() if stored.event is not None)


def _patrolled(files: Iterable[Path]) -> Iterator[Event]:
    """What patrols' GPS recordings say."""
    for path in files:
        track = read_gps(path)
        for row in range(len(track.time_ns)):
            sigma_m = float(track.sigma_m[row])
            place = Position(latitude_deg=float(track.latitude_deg[row]), longitude_deg=float(track.longitude_deg[row]))
            yield PatrolPosition(
                time_ns=int(track.time_ns[row]),
                patrol_id=track.name,
                position=place,
                sigma_m=5.0 if math.isnan(sigma_m) else sigma_m,
            )


def moment_asked(at: str | None, events: Sequence[Event]) -> int:
    """The moment asked about: as written, so long after the first event, or the last event's."""
    if at is None:
        return events[-1].time_ns
    if not at.startswith("+"):
        return parse_time(at, "--at")
    try:
        after_s = float(at[1:])
    except ValueError:
        after_s = math.nan
    if not math.isfinite(after_s):
        raise InputError(f"--at {at}: a UTC time such as 2026-08-08T20:15:00Z, or +SECONDS after the first event")
    return events[0].time_ns + round(after_s * 1e9)


def _presence(site: Site, surface: Surface, asked: Asked, first_ns: int) -> Presence:
    """Presence over the site's cameras, lines, zones and inhabited places, before anything has happened."""
    lattice = site_lattice(site, surface.frame, asked.margin_m, asked.cell_m)
    if lattice.rows * lattice.columns > LARGEST_CELLS:
        raise InputError(
            f"--cell {asked.cell_m:g}: the sector has {lattice.rows} x {lattice.columns} cells; larger cells, or a "
            "smaller --margin, make fewer"
        )
    presence = start_presence(site, surface, lattice)
    if asked.visibility_m is not None:
        presence.set_weather(Weather(clear_m=asked.visibility_m), first_ns)
    return presence


def _report(
    site_path: Path, site: Site, files: Sequence[Path], presence: Presence, asked: Asked, out: Path | None
) -> PresenceReport:
    now_ns = presence.time_ns or 0
    where = presence.whereabouts()
    unobserved = presence.unobserved(asked.minutes * 60)
    report = PresenceReport(
        site_file=str(site_path),
        site=site.name,
        at_ns=now_ns,
        logs=tuple(str(file) for file in files),
        cells=presence.lattice.rows * presence.lattice.columns,
        open_now=tuple(presence.open_stretches(asked.least_m)),
        unobserved_s=asked.minutes * 60,
        unobserved_share=unobserved.share,
        unobserved_km2=unobserved.area_km2,
        never_km2=unobserved.never_km2,
        lost=tuple(_lost_now(each) for each in where),
        seen_again=tuple(presence.seen_again),
        areas=tuple(presence.areas()),
        notes=tuple(_notes(site)),
    )
    return report if out is None else _write(report, out, presence, where, unobserved)


def _lost_now(where: Whereabouts) -> LostNow:
    return LostNow(
        lost=where.lost,
        lost_for_s=(where.time_ns - where.lost.time_ns) / 1e9,
        area_50_km2=where.area_50_km2,
        area_90_km2=where.area_90_km2,
        left=where.left,
        unseen=where.unseen,
        inhabited=where.inhabited,
        next_views=where.next_views,
        lines=where.lines,
    )


def _notes(site: Site) -> Iterator[str]:
    for camera in site.cameras:
        if camera.pose is None:
            yield f"{camera.id} has no pose: what it sees is not counted"
    if site.terrain.illustrative:
        yield "the terrain is marked illustrative: what is seen of it is no evidence"
    if site.inhabited:
        yield "no probability is shown in inhabited places; that of elsewhere is told as if nobody were in them"


def _write(
    report: PresenceReport, out: Path, presence: Presence, where: Sequence[Whereabouts], unobserved: Unobserved
) -> PresenceReport:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error
    names = ("report.txt", "report.json", "presence.geojson", "presence.tif", "map.png")
    report = msgspec.structs.replace(report, files=tuple(str(out / name) for name in names))
    replace_whole(out / names[0], (report.text() + "\n").encode())
    replace_whole(out / names[1], msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    found = features(presence, report.open_now, where, unobserved)
    replace_whole(out / names[2], msgspec.json.encode({"type": "FeatureCollection", "features": found}))
    tags = {"site": report.site, "time": moment(report.at_ns)}
    write_geotiff(out / names[3], presence.lattice, presence.frame, layers(presence, where), tags)
    draw_map(out / names[4], f"Presence at {report.site}, {moment(report.at_ns)}", presence, report.open_now, where)
    return report


def layers(presence: Presence, where: Sequence[Whereabouts]) -> dict[str, np.ndarray]:
    """The rasters that are written, float32 (rows, columns).

    `unobserved_s` is the time since each cell was last really observed, NaN for never; `look_chance` the chance that
    one look sees a walking person there; `presence_km2` how many of those lost are expected on a square kilometre, NaN
    in inhabited places; `clear` 1 where nobody can have come back to since it was searched.
    """
    last_ns = presence.last_observed_ns()
    ago_s = (np.int64(presence.time_ns or 0) - np.where(last_ns == NEVER_NS, 0, last_ns)) / 1e9
    expected = np.where(presence.hidden, np.nan, 0.0)
    for each in where:
        expected = expected + each.density_km2
    found = {
        "unobserved_s": np.where(last_ns == NEVER_NS, np.nan, ago_s),
        "look_chance": presence.coverage.quality,
        "presence_km2": expected,
        "clear": presence.book.clear,
    }
    return {name: layer.astype(np.float32) for name, layer in found.items()}


def moment(time_ns: int) -> str:
    """A moment in UTC, or since the first picture of a recording without a date."""
    if time_ns < DATED_NS:
        return f"{_span(time_ns / 1e9)} into the recording"
    return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _open_text(report: PresenceReport) -> str:
    """The open stretches, a line for each reason."""
    if not report.open_now:
        return "Open now: no stretch of a line."
    total_m = sum(stretch.length_m for stretch in report.open_now)
    lines = [f"Open now, {total_m:.0f} m of line in {len(report.open_now)} stretches, the longest first:"]
    for stretch in report.open_now:
        lines.append(f"  {stretch.line_id}  {stretch.from_m:.0f}-{stretch.to_m:.0f} m  ({stretch.length_m:.0f} m)")
        lines += [f"    {part.from_m:.0f}-{part.to_m:.0f} m: {why(part)}" for part in stretch.parts]
    return "\n".join(lines)


def why(part: OpenPart) -> str:
    """Why nobody looks at a part of a line, and what would mend it, in words."""
    camera = part.camera_id or "any camera"
    since = "" if part.since_ns is None else f" since {moment(part.since_ns)}"
    turn = part.turn_deg or 0.0
    said = {
        "camera_down": f"{camera} would see it but is down: {part.trouble}{since}; bring it back, or send a patrol",
        "weather": f"too little is left of the sight of {camera} in this weather; send a patrol",
        "too_far": f"too far from {camera}: a walker there is too small in its picture; send a patrol",
        "dead_ground": f"dead ground, hidden from {camera}; send a patrol or post a watch",
        "out_of_field": f"beside the picture of {camera}; turn it {abs(turn):.0f} degrees "
        + ("clockwise" if turn > 0 else "anticlockwise"),
        "out_of_reach": f"beyond the reach of {camera}; send a patrol",
        "unknown_ground": "the elevation data do not know the ground; load a tile",
    }[part.reason]
    seen = "never observed" if part.unseen_s is None else f"last observed {_span(part.unseen_s)} ago"
    return f"{said} ({seen})"


def _unobserved_text(report: PresenceReport) -> str:
    return (
        f"Not observed for {_span(report.unobserved_s)}: {report.unobserved_share:.0%} of the sector, "
        f"{report.unobserved_km2:.2f} km2, of which {report.never_km2:.2f} km2 never."
    )


def _lost_text(report: PresenceReport) -> str:
    lines = [line for each in report.lost for line in _one_lost(each)]
    lines += [
        f"  {each.lost.id}: perhaps seen again at {moment(each.time_ns)} as {each.camera_id}/{each.track_id}"
        for each in report.seen_again
    ]
    return "\n".join(["Lost tracks:", *lines]) if lines else "Lost tracks: none is sought."


def _one_lost(each: LostNow) -> Iterator[str]:
    lost = each.lost
    yield (
        f"  {lost.id} ({lost.kind}), lost {_span(each.lost_for_s)} ago at east {lost.east_m:.0f} m, north "
        f"{lost.north_m:.0f} m: half within {each.area_50_km2:.3f} km2, nine tenths within {each.area_90_km2:.3f} km2, "
        f"{each.left:.0%} gone from the sector"
    )
    if each.unseen < 0.01:
        yield (f"    to stay unseen so long had a chance of {each.unseen:.1e}: he may lie in view, or was passed over")
    if each.inhabited is not None:
        yield f"    {each.inhabited:.0%} in inhabited places"
    for view in each.next_views:
        yield (
            f"    comes into view near east {view.east_m:.0f} m, north {view.north_m:.0f} m with "
            f"{view.probability:.0%}, in {_span(view.soonest_s)} at the soonest, {_span(view.median_s)} typically"
        )
    for reach in each.lines:
        crossed = f", {reach.crossed:.0%} that he is over it already" if reach.crossed >= 0.005 else ""
        if reach.soonest_s is not None and reach.median_s is not None:
            yield (
                f"    line {reach.line_id}: {reach.probability:.0%} within the hour, in {_span(reach.soonest_s)} at "
                f"the soonest, {_span(reach.median_s)} typically{crossed}"
            )


def _areas_text(report: PresenceReport) -> str:
    if not report.areas:
        return ""
    lines = ["Areas, the one to search next first:"]
    for area in report.areas:
        by = f" by {area.by}" if area.by else ""
        since = "" if area.since_ns is None else f"{by}, {moment(area.since_ns)}"
        lines.append(
            f"  {area.area_id}: {area.state}{since}; {area.clear:.0%} clear, {area.remaining_km2:.3f} km2 remain, "
            f"{area.probability:.2f} lost expected, {_span(area.effort_s)} of work"
        )
    return "\n".join(lines)

"""A walk test from end to end: real optics, geolocation, alerting and log; only the pixels are left out.

The camera stands and looks as its pose says, give or take what its sigmas allow; where it sees a walker its own
geolocation places him.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from marsad.adapters.dem import site_surface
from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.app.walktest import Setting, WalktestReport, walktest_site
from marsad.geo.ground import CameraView
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    AlertRaised,
    CameraHealth,
    Event,
    TrackConfirmed,
    TrackLost,
    TrackPoint,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.site import Camera, Pose, Site
from marsad.kernel.track import Kind, Track
from marsad.report.accuracy import summarise
from marsad.report.interval import binned
from marsad.report.walktest import Terms
from marsad.respond.alerting import Alerting
from marsad.watch.geolocate import Geolocator

START_NS = 1_786_219_200_000_000_000  # 2026-08-08 20:00:00 UTC
FPS = 2
TALL_M = 1.75
CONFIRM_S = 1.6
NOISE_PX = 0.4

SITE = """
name = "Plain"
[origin]
latitude_deg = 34.0
longitude_deg = 41.0
height_m = 100.0
[terrain]
flat_height_m = 100.0
sigma_m = 0.3
[[cameras]]
id = "mast"
reach_m = 4000.0
[cameras.lens]
width_px = 640
height_px = 512
horizontal_fov_deg = 12.0
[cameras.pose]
latitude_deg = 34.0
longitude_deg = 41.0
mast_m = 20.0
azimuth_deg = 0.0
elevation_deg = -1.5
sigma = { azimuth_deg = 0.03, elevation_deg = 0.02, roll_deg = 0.02, horizontal_m = 0.3, height_m = 0.1 }
[[lines]]
id = "border"
inside = "right"
points = [{ latitude_deg = 34.0054, longitude_deg = 40.9992 }, { latitude_deg = 34.0054, longitude_deg = 41.0008 }]
"""
"""The line runs east, 600 m north of the camera, 150 m long; its inside is south, towards the camera."""


class Walker:
    """Somebody who goes at an even pace from corner to corner, in metres east and north of the origin."""

    def __init__(self, corners: Sequence[tuple[float, float]], speed_m_s: float = 1.4) -> None:
        self.corners = np.array(corners, float)
        lengths = np.hypot(*np.diff(self.corners, axis=0).T)
        self.reached_s = np.concatenate([[0.0], np.cumsum(lengths)]) / speed_m_s

    @property
    def seconds(self) -> float:
        return float(self.reached_s[-1])

    def at(self, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        east, north = (np.interp(seconds, self.reached_s, axis) for axis in self.corners.T)
        return east, north


def back_and_forth(times: int, *, near_m: float = 540.0, far_m: float = 660.0, width_m: float = 100.0) -> Walker:
    """Somebody who crosses the line at 600 m so many times, at places spread over its middle."""
    easts = np.linspace(-width_m / 2, width_m / 2, times + 1)
    return Walker([(float(east), near_m if k % 2 else far_m) for k, east in enumerate(easts)])


def gps_csv(
    path: Path, walker: Walker, site: Site, *, sigma_m: float = 0.0, seed: int = 0, step_s: float = 1.0
) -> Path:
    """His GPS: errors that wander, as a GPS's do, with a correlation of a minute."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(0, walker.seconds + step_s / 2, step_s)
    keep = math.exp(-step_s / 60)
    error = np.zeros((len(seconds), 2))
    error[0] = rng.normal(0, sigma_m, 2)
    for k in range(1, len(seconds)):
        error[k] = keep * error[k - 1] + math.sqrt(1 - keep**2) * rng.normal(0, sigma_m, 2)
    east, north = walker.at(seconds)
    surface = site_surface(site, Path())
    assert surface is not None
    latitude, longitude, _ = surface.frame.to_geodetic(east + error[:, 0], north + error[:, 1])
    rows = [f"{START_NS / 1e9 + t:.3f},{a:.8f},{o:.8f}" for t, a, o in zip(seconds, latitude, longitude, strict=True)]
    path.write_text("\n".join(["time,lat,lon", *rows]), encoding="utf-8")
    return path


class Watch:
    """A camera that sees walkers where geometry lets it, and logs them as the watch would."""

    def __init__(
        self, site_path: Path, camera_id: str = "mast", *, seed: int = 0, ahead_s: float = 0.0, exact: bool = False
    ) -> None:
        self.site = load_site(site_path)
        self.camera = next(camera for camera in self.site.cameras if camera.id == camera_id)
        surface = site_surface(self.site, Path())
        assert surface is not None
        assert self.camera.pose is not None
        self.view = CameraView(self.camera.lens, self.camera.pose, surface, reach_m=self.camera.reach_m)
        self.rng = np.random.default_rng(seed)
        pose = self.camera.pose if exact else _perturbed(self.camera, self.rng)
        self.true = CameraView(self.camera.lens, pose, surface)
        self.locator = Geolocator(self.view, self.site.terrain)
        self.ahead_ns = round(ahead_s * 1e9)
        self.alerting = Alerting(self.site)

    def events(
        self, walkers: Sequence[Walker], *, blind: Sequence[tuple[float, float]] = (), kind: Kind = "person"
    ) -> list[Event]:
        """What is logged while they walk, and for half a minute more; in the blind times nothing is seen."""
        end_s = max(walker.seconds for walker in walkers) + 30
        seconds = np.arange(0, end_s, 1 / FPS)
        boxes = [self._boxes(walker, seconds) for walker in walkers]
        events: list[Event] = [self._started()]
        seen_since: dict[int, float] = {}
        ids: dict[int, int] = {}
        told_s: dict[int, float] = {}
        for step, second in enumerate(seconds.tolist()):
            time_ns = START_NS + self.ahead_ns + round(second * 1e9)
            tracks = []
            for number, seen in enumerate(boxes):
                box = None if any(low <= second < high for low, high in blind) else seen[step]
                if box is None:
                    if number in seen_since:
                        del seen_since[number]
                        if number in ids:
                            events.append(self._lost(time_ns, ids.pop(number)))
                    continue
                since_s = seen_since.setdefault(number, second)
                if second - since_s < CONFIRM_S:
                    continue
                fresh = number not in ids
                ids.setdefault(number, 100 * number + round(10 * second) + 1)
                confirmed_ns = START_NS + self.ahead_ns + round((since_s + CONFIRM_S) * 1e9)
                track = self._track(ids[number], time_ns, step, box, confirmed_ns, kind)
                tracks.append(track)
                if fresh:
                    events.append(TrackConfirmed(time_ns=time_ns, track=track))
                elif second - told_s.get(number, -9.0) >= 1.0:
                    told_s[number] = second
                    events.append(TrackPoint(time_ns=time_ns, track=track))
            events += [AlertRaised(time_ns=a.time_ns, alert=a) for a in self.alerting.update(tracks, time_ns)]
        events.append(
            WatchEnded(
                time_ns=START_NS + self.ahead_ns + round(end_s * 1e9), camera_id=self.camera.id, reason="end",
                frames=int(end_s * FPS), dropped=0,
            )
        )  # fmt: skip
        return events

    def _started(self) -> WatchStarted:
        lens = self.camera.lens
        return WatchStarted(
            time_ns=START_NS + self.ahead_ns - 600_000_000_000, camera_id=self.camera.id, source="made up",
            width_px=lens.width_px, height_px=lens.height_px, fps=FPS, software="test",
        )  # fmt: skip

    def _lost(self, time_ns: int, track_id: int) -> TrackLost:
        return TrackLost(
            time_ns=time_ns, camera_id=self.camera.id, track_id=track_id, kind="person", reason="not seen any more"
        )

    def _boxes(self, walker: Walker, seconds: np.ndarray) -> list[Box | None]:
        """Where he appears at some moments, at least half of him in the picture and not behind ground."""
        east, north = walker.at(seconds)
        seen = self.true.sees(east, north, TALL_M / 2) & (seconds <= walker.seconds)
        up = self.view.surface.up_m(east, north)
        foot_x, foot_y, _ = self.true.project(east, north, up)
        _, head_y, _ = self.true.project(east, north, up + TALL_M)
        noise = self.rng.normal(0, NOISE_PX, (len(seconds), 2))
        left, top, high = foot_x + noise[:, 0], head_y + noise[:, 1], foot_y - head_y
        return [
            Box(x_px=float(x - h / 6), y_px=float(y), w_px=float(h / 3), h_px=float(h)) if there else None
            for there, x, y, h in zip(seen, left, top, high, strict=True)
        ]

    def _track(self, track_id: int, time_ns: int, index: int, box: Box, confirmed_ns: int, kind: Kind) -> Track:
        ground = self.locator.locate(box.foot_px, (NOISE_PX, NOISE_PX))
        return Track(
            track_id=track_id, camera_id=self.camera.id, origin="own", time_ns=time_ns, frame_index=index,
            status="confirmed", box=box, velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=20.0, snr=8.0,
            kind=kind, kind_confidence=0.9, confidence=0.9, first_ns=confirmed_ns - round(CONFIRM_S * 1e9),
            confirmed_ns=confirmed_ns, ground=ground,
        )  # fmt: skip


def _perturbed(camera: Camera, rng: np.random.Generator) -> Pose:
    pose = camera.pose
    assert pose is not None
    return msgspec.structs.replace(
        pose,
        azimuth_deg=pose.azimuth_deg + rng.normal(0, pose.sigma.azimuth_deg),
        elevation_deg=pose.elevation_deg + rng.normal(0, pose.sigma.elevation_deg),
        mast_m=pose.mast_m + rng.normal(0, pose.sigma.height_m),
    )


def write_log(folder: Path, events: Sequence[Event]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    log = SqliteEventLog(folder / "events.sqlite")
    log.append(events)
    log.flush()
    log.close()
    return folder


def rounds(times: int, *, far_m: float = 650.0, near_m: float = 550.0) -> Walker:
    """Somebody who comes from outside the picture each time, crosses the line inward and goes round its end."""
    corners = [(-100.0, far_m)]
    for k in range(times):
        east = -30.0 + 60.0 * k / max(times - 1, 1)
        corners += [(east, far_m), (east, near_m), (-100.0, near_m), (-100.0, far_m)]
    return Walker(corners, speed_m_s=2.5)


def ridge(path: Path) -> None:
    """Level ground at 100 m with a ridge 30 m high half-way to the line, as a GeoTIFF."""
    cells, step = 401, 0.0002
    north = 34.04 - step * (np.arange(cells) + 0.5)
    height = 100 + 30 * np.exp(-(((north - 34.0027) / 0.0005) ** 2))
    place = rasterio.Affine(step, 0, 40.96, 0, -step, 34.04)
    with rasterio.open(
        path, "w", driver="GTiff", width=cells, height=cells, count=1, dtype="float32", crs="EPSG:4326",
        transform=place,
    ) as file:  # fmt: skip
        file.write(np.repeat(height[:, None], cells, axis=1).astype(np.float32), 1)


def time_of(event: Event) -> int:
    return event.time_ns


def since_start(event: Event) -> Event:
    """The same event in a recording without a date."""
    by_ns = -START_NS
    if isinstance(event, WatchStarted):
        return msgspec.structs.replace(event, time_ns=0)
    if isinstance(event, TrackConfirmed | TrackPoint):
        track = event.track
        track = msgspec.structs.replace(
            track,
            time_ns=track.time_ns + by_ns,
            first_ns=track.first_ns + by_ns,
            confirmed_ns=(track.confirmed_ns or 0) + by_ns,
        )
        return msgspec.structs.replace(event, time_ns=event.time_ns + by_ns, track=track)
    if isinstance(event, AlertRaised):
        alert = msgspec.structs.replace(event.alert, time_ns=event.alert.time_ns + by_ns)
        return msgspec.structs.replace(event, time_ns=event.time_ns + by_ns, alert=alert)
    return msgspec.structs.replace(event, time_ns=event.time_ns + by_ns)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site file of level ground."""
    path = tmp_path_factory.mktemp("plain") / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def walked(plain: Path) -> tuple[Watch, Walker, list[Event]]:
    """Six crossings, each from outside the picture, and what a camera logged of them; its pose is off as it may be."""
    watch = Watch(plain, seed=3)
    walker = rounds(6)
    return watch, walker, watch.events([walker])


@pytest.fixture(scope="module")
def whole(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path_factory: pytest.TempPathFactory
) -> WalktestReport:
    """What the six crossings come to when nothing goes wrong."""
    return run(tmp_path_factory.mktemp("whole"), plain, walked)


def run(
    folder: Path, plain: Path, walked: tuple[Watch, Walker, list[Event]], setting: Setting | None = None, **gps: float
) -> WalktestReport:
    watch, walker, events = walked
    log = write_log(folder / "log", events)
    track = gps_csv(folder / "anna.csv", walker, watch.site, **gps)
    return walktest_site(plain, [track], [log], None, setting or Setting())


def test_everybody_in_view_is_found_and_told_where_and_how_sure_that_is(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    report = run(tmp_path, plain, walked, sigma_m=3.0, seed=1)
    line = report.result.lines[0]
    assert (line.crossings, line.held, line.not_tried, line.in_view) == (6, 0, 0, 6)
    assert (line.found.share.found, line.found.share.of) == (6, 6)
    # Clopper and Pearson's bound without a miss is a root: 0.025 ** (1 / 6), and one-sided 0.05 ** (1 / 6).
    assert line.found.share.low == pytest.approx(0.025 ** (1 / 6))
    assert line.found.surely_above == pytest.approx(0.05 ** (1 / 6))
    assert (line.found.shown, line.found.more_needed, line.found.schedule_more) == (False, 23, 44)
    for each in report.result.crossings:
        assert each.crossing.direction == "inward"
        assert each.found == "found"
        # He is believed 1.6 s after his middle is in the true picture; the GPS and the pose move that by a few metres.
        assert each.found_after_s == pytest.approx(CONFIRM_S, abs=6 / 1.4)
        assert each.kind == "person"
        assert each.height_px == pytest.approx(TALL_M * 640 / 2 / math.tan(math.radians(6)) / 640, rel=0.05)
    assert report.result.chance.found == 0
    assert report.result.kinds == {"person": 6}


def test_the_files_say_the_same_as_the_report(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    watch, walker, events = walked
    log, track = write_log(tmp_path / "log", events), gps_csv(tmp_path / "anna.csv", walker, watch.site)
    out = tmp_path / "new" / "out"
    report = walktest_site(plain, [track], [log], out, Setting())
    assert report.files == tuple(str(out / n) for n in ("report.txt", "report.json", "walktest.geojson", "map.png"))
    assert (out / "report.txt").read_text(encoding="utf-8") == report.text() + "\n"
    assert msgspec.json.decode((out / "report.json").read_bytes(), type=WalktestReport) == report
    features = msgspec.json.decode((out / "walktest.geojson").read_bytes())["features"]
    kinds = Counter(each["properties"]["feature"] for each in features)
    assert kinds == {"place": 2, "way": 6, "crossing": 6, "track": 6, "error_ellipse": 6}
    crossed = [each["geometry"]["coordinates"] for each in features if each["properties"]["feature"] == "crossing"]
    assert all(place == pytest.approx([41.0, 34.0054], abs=1e-3) for place in crossed)
    picture = cv2.imread(str(out / "map.png"))
    assert picture is not None
    assert picture.shape[0] > 600


def test_a_clock_that_is_off_is_found_and_can_be_taken_off(plain: Path, tmp_path: Path) -> None:
    ahead_s = 7.0
    watch, walker = Watch(plain, seed=5, ahead_s=ahead_s, exact=True), back_and_forth(6)
    walked = (watch, walker, watch.events([walker]))
    told = run(tmp_path / "told", plain, walked, sigma_m=3.0, seed=2)
    found = told.result.alignments[0]
    assert found.offset_s is not None
    assert found.sigma_s is not None
    assert abs(found.offset_s - ahead_s) < 3 * found.sigma_s < 4
    assert any("--clock-offset" in note for note in told.notes)
    mended = run(tmp_path / "mended", plain, walked, Setting(clock_offset_s=None), sigma_m=3.0, seed=2)
    assert mended.result.alignments[0].applied_s == found.offset_s
    assert not any("--clock-offset" in note for note in mended.notes)
    assert (mended.result.positions.median_error_m or 0) < (told.result.positions.median_error_m or 0)


def test_a_camera_that_looks_too_high_is_told_from_a_clock(plain: Path, tmp_path: Path) -> None:
    watch, walker = Watch(plain, seed=3), back_and_forth(8)
    found = run(tmp_path, plain, (watch, walker, watch.events([walker])), sigma_m=3.0, seed=4).result.alignments[0]
    # Where the file's pose puts somebody who stands on the line, seen by the true pose.
    up = watch.view.surface.up_m(np.zeros(1), np.full(1, 600.0))
    x, y, _ = watch.true.project(np.zeros(1), np.full(1, 600.0), up)
    ground = watch.locator.locate((float(x[0]), float(y[0])), (0.1, 0.1))
    assert ground is not None
    assert abs(ground.north_m - 600.0) > 8
    assert found.farther_m == pytest.approx(ground.north_m - 600.0, abs=3 * (found.farther_sigma_m or 0) + 1)
    assert abs(found.offset_s or 99) < 3 * (found.sigma_s or 0)


def test_who_turns_round_in_view_is_no_new_trial_of_finding(plain: Path, tmp_path: Path) -> None:
    watch, walker = Watch(plain, seed=1), back_and_forth(5)
    report = run(tmp_path, plain, (watch, walker, watch.events([walker])))
    line = report.result.lines[0]
    assert [each.found for each in report.result.crossings] == ["found", "held", "held", "held", "held"]
    assert (line.held, line.found.share.of, line.alarmed.share.of) == (4, 1, 5)
    assert "began on a track that was already held" in report.text()


def test_a_blind_watch_misses_and_says_that_nothing_hid_him(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path, whole: WalktestReport
) -> None:
    watch, walker, _ = walked
    seen = [each.crossing for each in whole.result.crossings]
    second, third = ((crossing.start_ns - START_NS) / 1e9 for crossing in seen[1:3])
    missed = watch.events([walker], blind=[(second, third)])
    report = run(tmp_path / "less", plain, (watch, walker, missed))
    assert [each.found for each in report.result.crossings] == ["found", "missed", *["found"] * 4]
    assert report.result.crossings[1].reason == "in view, not tracked"
    assert report.result.lines[0].places[0].reasons["in view, not tracked"] == 1


def test_what_befell_the_camera_is_the_reason(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path, whole: WalktestReport
) -> None:
    watch, walker, _ = walked
    crossing = whole.result.crossings[2].crossing
    low, high = (crossing.start_ns - START_NS) / 1e9, (crossing.end_ns - START_NS) / 1e9
    events = watch.events([walker], blind=[(low, high)])
    covered = CameraHealth(time_ns=crossing.start_ns, camera_id="mast", frame_index=0, kind="covered")
    clear = msgspec.structs.replace(covered, time_ns=crossing.end_ns, ended=True)
    report = run(tmp_path / "less", plain, (watch, walker, sorted([*events, covered, clear], key=time_of)))
    assert report.result.crossings[2].reason == "mast: covered"


def test_found_late_is_missed_and_told(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path, whole: WalktestReport
) -> None:
    watch, walker, _ = walked
    visible_ns = whole.result.crossings[0].visible_ns
    assert visible_ns is not None
    in_view_s = (visible_ns - START_NS) / 1e9
    late = watch.events([walker], blind=[(in_view_s - 20, in_view_s + 15)])
    report = run(tmp_path / "late", plain, (watch, walker, late))
    first = report.result.crossings[0]
    assert first.found == "late"
    assert first.found_after_s == pytest.approx(15 + CONFIRM_S, abs=0.5)
    assert report.result.lines[0].found.share.found == 5
    patient = run(tmp_path / "patient", plain, (watch, walker, late), Setting(terms=Terms(within_s=20)))
    assert patient.result.crossings[0].found == "found"


def test_dead_ground_counts_as_missed_and_is_named(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    ridge(tmp_path / "ridge.tif")
    site.write_text(SITE.replace("flat_height_m = 100.0", 'files = ["ridge.tif"]'), encoding="utf-8")
    watch, walker = Watch(site, seed=2), rounds(3, far_m=640, near_m=570)
    report = run(tmp_path, site, (watch, walker, watch.events([walker])))
    line = report.result.lines[0]
    assert (line.in_view, line.found.share.found, line.found.share.of) == (0, 0, 3)
    assert {each.reason for each in report.result.crossings} == {"dead ground"}


def test_whom_no_camera_watched_is_not_counted(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path, whole: WalktestReport
) -> None:
    watch, walker, events = walked
    crossings = whole.result.crossings
    stop_ns = crossings[3].crossing.end_ns
    kept = [event for event in events if event.time_ns <= stop_ns]
    ended = msgspec.structs.replace(events[-1], time_ns=stop_ns)
    report = run(tmp_path / "half", plain, (watch, walker, [*kept, ended]))
    assert [each.found for each in report.result.crossings[4:]] == ["not tried"] * 2
    line = report.result.lines[0]
    assert (line.not_tried, line.found.share.of) == (2, 4)


def test_an_animal_by_name_is_tracked_but_raises_no_alarm(plain: Path, tmp_path: Path) -> None:
    watch, walker = Watch(plain, seed=4), rounds(2)
    report = run(tmp_path, plain, (watch, walker, watch.events([walker], kind="animal")))
    assert [each.found for each in report.result.crossings] == ["found", "found"]
    assert [each.alarmed for each in report.result.crossings] == ["missed", "missed"]
    assert report.result.crossings[0].reason == "tracked as animal, no alarm"


def test_a_line_that_alarms_one_way_is_asked_one_way(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE.replace('inside = "right"', 'inside = "right"\nalert = "outward"'), encoding="utf-8")
    watch, walker = Watch(site, seed=1), back_and_forth(4)
    report = run(tmp_path, site, (watch, walker, watch.events([walker])))
    asked = {(each.crossing.direction, each.alarmed == "not tried") for each in report.result.crossings}
    assert asked == {("inward", True), ("outward", False)}


def test_strangers_tracks_are_not_the_walkers(plain: Path, tmp_path: Path) -> None:
    """Somebody else crosses 60 m beside him while the camera is blind for the walker."""
    watch, walker = Watch(plain, seed=6), rounds(3)
    stranger = Walker([(east + 60.0, north) for east, north in walker.corners])
    report = run(tmp_path, plain, (watch, walker, watch.events([stranger])))
    assert [each.found for each in report.result.crossings] == ["missed"] * 3
    assert report.result.kinds == {}


def test_much_other_traffic_makes_the_figure_doubtful_and_says_so(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    """Short tracks all over the ground, one starting every second."""
    watch, walker, events = walked
    track = next(event.track for event in events if isinstance(event, TrackConfirmed))
    assert track.ground is not None
    rng = np.random.default_rng(1)
    strangers: list[Event] = []
    for number in range(int(walker.seconds)):
        ground = msgspec.structs.replace(
            track.ground, east_m=float(rng.uniform(-60, 60)), north_m=float(rng.uniform(500, 700))
        )
        for k in range(4):
            time_ns = START_NS + (number + k) * 10**9
            seen = msgspec.structs.replace(
                track, track_id=10**6 + number, time_ns=time_ns, confirmed_ns=time_ns - k * 10**9, ground=ground
            )
            strangers.append((TrackPoint if k else TrackConfirmed)(time_ns=time_ns, track=seen))
    crowded = [events[0], *sorted([*events[1:-1], *strangers], key=time_of), events[-1]]
    report = run(tmp_path, plain, (watch, walker, crowded))
    assert report.result.chance.low > 0.5
    assert any("would have passed for a walker" in note for note in report.notes)


def test_the_simulation_stands_beside_what_was_found(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    table = tmp_path / "table.json"
    table.write_text(
        '[{"height_px_from": 5, "height_px_to": 7, "found": 1, "of": 2},'
        '{"height_px_from": 7, "height_px_to": 30, "found": 97, "of": 100}]',
        encoding="utf-8",
    )
    report = run(tmp_path, plain, walked, Setting(predicted=table))
    assert report.result.lines[0].predicted == pytest.approx(0.97)
    assert report.result.lines[0].verdict == "as predicted"
    assert report.result.ranges[0].predicted == pytest.approx(0.97)


def test_a_campaign_of_the_simulator_is_read_as_it_prints(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    bins = binned([8.0] * 40, [True] * 30 + [False] * 10, [5.0, 12.0, 1e9])
    accuracy = msgspec.structs.replace(summarise([]), by_height=bins)
    (tmp_path / "bench.json").write_bytes(msgspec.json.encode({"accuracy": accuracy, "out": "somewhere"}))
    report = run(tmp_path, plain, walked, Setting(predicted=tmp_path / "bench.json"))
    assert report.result.lines[0].predicted == pytest.approx(0.75)


def test_listed_crossings_stand_in_for_the_line(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path, whole: WalktestReport
) -> None:
    first = whole.result.crossings[0].crossing
    listed = tmp_path / "list.csv"
    listed.write_text(f"walker,start,end\nanna,{first.start_ns / 1e9},{first.end_ns / 1e9}\n", encoding="utf-8")
    report = run(tmp_path, plain, walked, Setting(crossings=listed))
    assert len(report.result.crossings) == 1
    only = report.result.crossings[0]
    assert (only.found, only.crossing.direction) == ("found", "inward")
    assert only.crossing.crossed_ns == pytest.approx(first.crossed_ns, abs=1e9)


def test_an_undated_recording_is_dated_by_hand(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    watch, walker, events = walked
    undated = [since_start(event) for event in events]
    with pytest.raises(InputError, match="--started"):
        run(tmp_path / "bare", plain, (watch, walker, undated))
    report = run(tmp_path / "dated", plain, (watch, walker, undated), Setting(started="2026-08-08T20:00:00Z"))
    assert report.result.lines[0].found.share.found == 6


def test_a_log_that_was_changed_is_no_evidence(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path
) -> None:
    run(tmp_path, plain, walked)
    with sqlite3.connect(tmp_path / "log" / "events.sqlite") as log:
        log.execute("DROP TRIGGER entry_changes_only_by_erasure")
        log.execute("UPDATE entry SET time_ns = time_ns + 1 WHERE sequence = 3")
    log.close()
    with pytest.raises(InputError, match=r"events.sqlite: is not sound, and no evidence: entry 3"):
        walktest_site(plain, [tmp_path / "anna.csv"], [tmp_path / "log"], tmp_path / "out", Setting())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (Setting(line_id="fence"), "--line fence: a walk test crosses a line of the site; it has border"),
        (Setting(clock_offset_s=1e6), "the logs cover 2026-07-28"),
        (Setting(gps_sigma_m=0), "--gps-sigma 0: must be above 0"),
        (Setting(gps_sigma_m=40.0), "nobody crossed border"),
        (Setting(terms=Terms(cell_m=-1)), "--cell -1"),
        (Setting(predicted=Path("nowhere.json")), "--predicted nowhere.json: cannot be read"),
        (Setting(crossings=Path("nowhere.csv")), "nowhere.csv: no such file"),
    ],
)
def test_bad_input_is_named(
    plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path, setting: Setting, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        run(tmp_path, plain, walked, setting)
    assert said in str(refused.value)


def test_a_folder_without_a_log_and_a_log_of_other_cameras_are_named(plain: Path, tmp_path: Path) -> None:
    watch, walker = Watch(plain), rounds(1)
    track = gps_csv(tmp_path / "anna.csv", walker, watch.site)
    with pytest.raises(InputError, match=r"holds no events.sqlite"):
        walktest_site(plain, [track], [tmp_path], tmp_path / "out", Setting())
    other = msgspec.structs.replace(watch.events([walker])[0], camera_id="pole")
    log = write_log(tmp_path / "log", [other])
    with pytest.raises(InputError, match=r"the logs are of pole, the site's cameras are mast"):
        walktest_site(plain, [track], [log], tmp_path / "out", Setting())


def test_the_command_as_it_is_typed(plain: Path, walked: tuple[Watch, Walker, list[Event]], tmp_path: Path) -> None:
    watch, walker, events = walked
    write_log(tmp_path / "log" / "mast", events)
    gps_csv(tmp_path / "anna.csv", walker, watch.site)
    typed = [
        "walktest", str(plain), "--gps", str(tmp_path / "anna.csv"), "--log", str(tmp_path / "log"),
        "--clock-offset", "auto", "--out", str(tmp_path / "out"), "--json",
    ]  # fmt: skip
    ran = CliRunner().invoke(app, typed)
    assert ran.exit_code == 0, ran.output
    assert msgspec.json.decode(ran.stdout)["result"]["lines"][0]["found"]["share"]["found"] == 6
    refused = CliRunner().invoke(app, [*typed, "--clock-offset", "soon"])
    assert isinstance(refused.exception, InputError)
    assert "--clock-offset soon" in str(refused.exception)

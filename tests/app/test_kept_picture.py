"""A night that two cameras, a post and a patrol report, cut off at any moment and gone on with."""

import itertools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.adapters.memory import MemoryEventLog
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.kept_picture import KeptPicture
from marsad.app.picture_start import Setup, fingerprint
from marsad.fuse.approach import line_paths
from marsad.fuse.fuser import FuseSettings
from marsad.fuse.hypotheses import angles_to
from marsad.fuse.sensor import CameraSensor, PlaceSensor, Reporting, Sensor
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    Event,
    LookTaken,
    PictureGroupChanged,
    PictureKept,
    PictureStarted,
    PictureTrackEnded,
    PictureTrackPoint,
    SourceTrustChanged,
)
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.picture import PictureSource
from marsad.kernel.position import BearingMeasurement, GroundCovariance, Position
from marsad.kernel.site import Camera, Lens, Line, Pose, PoseSigma, Terrain
from marsad.report.replay import PictureReplay

S = 10**9
EPOCH_NS = 1_533_686_400 * S
ORIGIN = Position(latitude_deg=34.3, longitude_deg=41.0, height_m=200.0)
FRAME = EnuFrame(ORIGIN)
PIXEL_RAD = 5e-4
FIVE_M = GroundCovariance(east_m2=25.0, east_north_m2=0.0, north_m2=25.0)
LINE = Line(id="line", points=tuple(FRAME.position(east, 2600.0) for east in (-2000.0, 2000.0)))
Array = NDArray[np.float64]
LATE_S, KEEP_S, SECONDS = 5.0, 4.0, 24


def camera(name: str, east: float) -> CameraSensor:
    surface = Surface(flat_grid(34.3, 41.0, 200.0, 15_000.0), FRAME, 14_000.0)
    place = FRAME.position(east, 0.0)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=60.0)
    pose = Pose(
        latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg, mast_m=30.0, elevation_deg=-0.5,
        azimuth_deg=math.degrees(math.atan2(-east, 2700.0)), ground_height_m=200.0,
        sigma=PoseSigma(azimuth_deg=0.05, elevation_deg=0.02, roll_deg=0.0, horizontal_m=0.0, height_m=0.0),
    )  # fmt: skip
    view = CameraView(lens, pose, surface, reach_m=10_000.0)
    terrain = Terrain(flat_height_m=200.0, sigma_m=0.5)
    return CameraSensor(Camera(id=name, lens=lens, pose=pose, reach_m=10_000.0), view, terrain)


CAMERAS = {name: camera(name, east) for name, east in (("west", -1250.0), ("east", 1250.0))}
NOWHERE = (1.0, 1.0, 0.0, 0.0)


def setup(*more: Sensor, turned: str = "", reverse: bool = False) -> Setup:
    sensors: list[Sensor] = [*CAMERAS.values(), PlaceSensor("post"), PlaceSensor("patrol", NOWHERE), *more]
    if reverse:
        sensors.reverse()
    sources = [
        PictureSource(
            source_id=sensor.source_id,
            reports="bearings" if isinstance(sensor, CameraSensor) else "places",
            fingerprint="turned" if sensor.source_id == turned else "",
        )
        for sensor in sensors
    ]
    paths = line_paths([LINE], FRAME)
    return Setup(
        sensors, sources, FRAME, patrols={"patrol": "patrol 3"}, paths=paths, settings=FuseSettings(late_s=LATE_S)
    )


def walkers(second: float) -> list[tuple[float, float]]:
    """Three who go together, one alone, and the patrol, which is the last."""
    party = [(-40.0 + 6 * k + 1.1 * second, 2500.0 + 4 * k + 0.7 * second) for k in range(3)]
    return [*party, (260.0 - 1.3 * second, 2750.0), (30.0 - second, 2640.0)]


def bearing(
    sensor: CameraSensor, time_ns: int, at: tuple[float, float], noise: Array, off_rad: float
) -> BearingMeasurement:
    across, climb, _, _ = angles_to(sensor.surface, sensor.sight, *at, 0.0)
    return BearingMeasurement(
        time_ns=time_ns, azimuth_rad=float(across + sensor.sight.heading_rad + off_rad + noise[0]) % (2 * math.pi),
        elevation_rad=float(climb + noise[1]), azimuth_rad2=PIXEL_RAD**2, azimuth_elevation_rad2=0.0,
        elevation_rad2=PIXEL_RAD**2, pose_version=1,
    )  # fmt: skip


def night(seed: int = 1, seconds: int = SECONDS, knock: bool = False) -> list[Look]:
    """What is reported in order of time; after half of it the western mount is knocked, if it is to be."""
    rng = np.random.default_rng(seed)
    out = []
    for step in range(2 * seconds):
        second = step / 2
        time_ns, there = EPOCH_NS + step * S // 2, walkers(second)
        for name, sensor in CAMERAS.items():
            off = 0.02 if knock and name == "west" and second > seconds / 2 else 0.0
            seen = [
                Measurement(
                    bearing=bearing(sensor, time_ns, at, rng.normal(0, PIXEL_RAD, 2), off), label=number,
                    kind="person", kind_confidence=0.8,
                )
                for number, at in enumerate(there)
                if rng.random() < 0.95
            ]  # fmt: skip
            out.append(Look(source_id=name, time_ns=time_ns, measurements=tuple(seen)))
        for name, whom in (("post", there[:4]), ("patrol", there[4:])):
            if name == "patrol" or step % 4 == 1:
                places = (np.array(whom) + rng.normal(0, 5, (len(whom), 2))).tolist()
                fixes = [GroundFix(east_m=east, north_m=north, covariance=FIVE_M) for east, north in places]
                made = tuple(Measurement(fix=fix, label=number) for number, fix in enumerate(fixes))
                out.append(Look(source_id=name, time_ns=time_ns + 1, measurements=made))
    return out


def as_heard(looks: Sequence[Look], seed: int) -> list[Look]:
    """The looks in the order in which they are heard of: some a little late, some very, some too late."""
    rng = np.random.default_rng(seed)
    delays = rng.choice([0.0, 0.3, 4.0, 1.4 * LATE_S], len(looks), p=[0.8, 0.14, 0.04, 0.02])
    order = sorted(range(len(looks)), key=lambda i: (looks[i].time_ns + delays[i] * S, i))
    return [looks[i] for i in order]


HEARD = as_heard(night(), 5)


def copied(log: MemoryEventLog) -> MemoryEventLog:
    """What a process that begins now finds of the log."""
    found = MemoryEventLog()
    found.entries = list(log.entries)
    return found


def events(log: MemoryEventLog) -> list[Event]:
    """What the log holds, without who wrote it."""
    told = [stored.event for stored in log.read()]
    return [event for event in told if event is not None and not isinstance(event, PictureStarted)]


def unbroken(heard: Sequence[Look]) -> tuple[KeptPicture, MemoryEventLog]:
    log = MemoryEventLog()
    whole = KeptPicture.begin(setup(), log, EPOCH_NS, keep_s=KEEP_S)
    for look in heard:
        whole.take([look])
    return whole, log


@pytest.fixture(scope="module")
def whole() -> tuple[KeptPicture, MemoryEventLog]:
    """The night without an interruption."""
    return unbroken(HEARD)


def gone_on(log: MemoryEventLog, told: list[str] | None = None, wanted: Setup | None = None) -> KeptPicture:
    return KeptPicture.resume(wanted or setup(), log, (told if told is not None else []).append, keep_s=KEEP_S)


def assert_same(one: KeptPicture, other: KeptPicture) -> None:
    """All that is known is the same to the bit."""
    for name, value in one.fuser.state._asdict().items():
        held = getattr(other.fuser.state, name)
        if name == "rows":
            for a, b in zip(value, held, strict=True):
                assert a.tobytes() == b.tobytes()
        elif isinstance(value, np.ndarray):
            assert value.tobytes() == held.tobytes(), name
        else:
            assert value == held, name
    assert one.picture == other.picture


def assert_same_log(one: MemoryEventLog, other: MemoryEventLog) -> None:
    """The same was written, each thing once."""
    assert events(one) == events(other)


@settings(max_examples=5)
@given(st.data())
def test_a_picture_cut_off_at_any_moment_goes_on_as_if_it_had_not_been(
    whole: tuple[KeptPicture, MemoryEventLog], data: st.DataObject
) -> None:
    log = MemoryEventLog()
    picture = KeptPicture.begin(setup(), log, EPOCH_NS, keep_s=KEEP_S)
    at = 0
    while at < len(HEARD):
        count = data.draw(st.integers(25, 120))
        picture.take(HEARD[at : at + count])
        log, at = copied(log), at + count
        picture = gone_on(log, wanted=setup(reverse=data.draw(st.booleans())))
        # Who is not sure of having been heard says it again.
        again = [look for look in HEARD[max(0, at - 6) : at] if picture.fuser.knows(look)]
        picture.take(again)
    assert_same(whole[0], picture)
    assert_same_log(whole[1], log)


def test_what_comes_too_late_is_history_in_the_log_and_waits_nowhere(whole: tuple[KeptPicture, MemoryEventLog]) -> None:
    picture, log = whole
    late = [event.look for event in events(log) if isinstance(event, LookTaken) and event.too_late]
    assert len(late) >= 3
    assert picture.fuser.too_late == []
    newest_ns = 0
    for event in events(log):
        if isinstance(event, LookTaken):
            assert event.too_late == (event.time_ns < newest_ns - LATE_S * S)
            newest_ns = max(newest_ns, event.time_ns)
    assert sorted(map(repr, HEARD)) == sorted(repr(e.look) for e in events(log) if isinstance(e, LookTaken))


def test_who_joins_at_any_moment_has_what_was_and_gets_what_follows(whole: tuple[KeptPicture, MemoryEventLog]) -> None:
    _, log = whole
    follower = PictureReplay()
    stored = list(log.read())
    for i, entry in enumerate(stored):
        follower.follow(entry)
        if i % 7 == 0 or isinstance(entry.event, PictureKept | PictureTrackEnded):
            so_far = MemoryEventLog()
            so_far.entries = log.entries[: i + 1]
            joined = PictureReplay.of(so_far)
            assert joined.sequence == i
            for later in stored[joined.sequence + 1 : i + 30]:
                joined.follow(later)
            longer = PictureReplay()
            for known in stored[: i + 30]:
                longer.follow(known)
            assert msgspec.structs.replace(joined.picture, sources=()) == msgspec.structs.replace(
                longer.picture, sources=()
            )
    assert follower.picture.tracks == whole[0].picture.tracks
    assert follower.picture.groups == whole[0].picture.groups


def test_the_log_holds_a_point_of_each_track_and_second_and_every_change_of_a_group(
    whole: tuple[KeptPicture, MemoryEventLog],
) -> None:
    told = events(whole[1])
    points = [(e.track.track_id, e.time_ns // S) for e in told if isinstance(e, PictureTrackPoint)]
    assert len(points) == len(set(points))
    changed = [e for e in told if isinstance(e, PictureGroupChanged)]
    assert changed[0].formed
    assert all(one.group.members != two.group.members for one, two in itertools.pairwise(changed))
    ended = {e.track_id: e.became for e in told if isinstance(e, PictureTrackEnded)}
    assert any(ended.values())


def test_a_closed_picture_holds_the_last_second_too_and_is_gone_on_with_as_any_other() -> None:
    heard, log = sorted(HEARD, key=lambda look: look.time_ns), MemoryEventLog()
    first = KeptPicture.begin(setup(), log, EPOCH_NS, keep_s=KEEP_S)
    first.take(heard[:100])
    last = first.close()
    assert last.time_ns == first.fuser.state.time_ns == heard[99].time_ns
    assert PictureReplay.of(log).picture == last
    second = gone_on(log)
    second.take(heard[100:])
    whole, _ = unbroken(heard)
    assert_same(whole, second)


def test_a_close_in_the_moment_that_ends_a_second_is_not_written_twice() -> None:
    heard, log = sorted(HEARD, key=lambda look: look.time_ns), MemoryEventLog()
    cut = next(i for i in range(100, 200) if heard[i].time_ns // S > heard[i - 1].time_ns // S)
    first = KeptPicture.begin(setup(), log, EPOCH_NS, keep_s=KEEP_S)
    first.take(heard[:cut])
    first.close()
    gone_on(log).take(heard[cut:])
    points = [(e.track.track_id, e.time_ns) for e in events(log) if isinstance(e, PictureTrackPoint)]
    assert len(points) == len(set(points))


def spoilt(log: MemoryEventLog, most: int, *, payload: bool = False) -> MemoryEventLog:
    """The log with what was kept last damaged, so many times."""
    found = copied(log)
    for stored in reversed(list(log.read())):
        if isinstance(stored.event, PictureKept) and most:
            most -= 1
            damaged = PictureKept(
                time_ns=stored.event.time_ns, picture=stored.event.picture, sources=stored.event.sources,
                version=stored.event.version, data=stored.event.data[:-9],
            )  # fmt: skip
            entry = found.entries[stored.sequence]
            raw = b"damaged" if payload else msgspec.msgpack.encode(damaged)
            found.entries[stored.sequence] = msgspec.structs.replace(entry, payload=raw)
    return found


@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize("payload", [False, True])
def test_where_what_was_kept_is_damaged_what_was_kept_before_is_taken(
    whole: tuple[KeptPicture, MemoryEventLog], most: int, payload: bool
) -> None:
    log = spoilt(whole[1], most, payload=payload)
    told: list[str] = []
    picture = gone_on(log, told)
    assert_same(whole[0], picture)
    kept = sum(isinstance(event, PictureKept) for event in events(whole[1]))
    reason = "the payload is not an event" if payload else "the kept picture cannot be read"
    assert sum(reason in text for text in set(told)) == min(most, kept)
    assert len(log.entries) == len(whole[1].entries) + 1


def test_a_picture_of_a_camera_that_was_turned_is_not_gone_on_with(whole: tuple[KeptPicture, MemoryEventLog]) -> None:
    told: list[str] = []
    with pytest.raises(InputError, match=r"west stands, looks or reports otherwise .*; begin anew"):
        gone_on(copied(whole[1]), told, setup(turned="west"))
    assert told
    with pytest.raises(InputError, match="the log has no picture"):
        gone_on(MemoryEventLog())
    only = setup()
    with pytest.raises(InputError, match="rests on post, patrol, of which nothing is known"):
        gone_on(copied(whole[1]), told, only._replace(sensors=only.sensors[:2], sources=only.sources[:2]))


def test_a_source_that_is_new_joins_a_picture_whose_tracks_keep_their_names(
    whole: tuple[KeptPicture, MemoryEventLog],
) -> None:
    log = copied(whole[1])
    picture = gone_on(log, wanted=setup(PlaceSensor("radar", reporting=Reporting(clock_sigma_s=0.1)), reverse=True))
    assert_same_names = [track.track_id for track in picture.picture.tracks]
    assert assert_same_names == [track.track_id for track in whole[0].picture.tracks]
    end_ns = whole[0].fuser.state.time_ns
    there = walkers(SECONDS)
    for step in range(1, 6):
        fix = [GroundFix(east_m=e, north_m=n, covariance=FIVE_M) for e, n in there[3:4]]
        made = tuple(Measurement(fix=each, label=i) for i, each in enumerate(fix))
        picture.take([Look(source_id="radar", time_ns=end_ns + step * S, measurements=made)])
    seen = [t for t in picture.picture.tracks if any(c.source_id == "radar" for c in t.contributors)]
    assert seen
    again = gone_on(copied(log), wanted=setup(PlaceSensor("radar", reporting=Reporting(clock_sigma_s=0.1))))
    assert_same(picture, again)


def test_a_mount_that_is_knocked_is_told_once() -> None:
    _, log = unbroken(night(3, 14, knock=True))
    told = [event.source for event in events(log) if isinstance(event, SourceTrustChanged)]
    assert [source.trusted for source in told if source.source_id == "west"][:1] == [False]
    assert all(one.trusted != two.trusted for one, two in itertools.pairwise(told))


def test_a_fingerprint_changes_with_what_reports_are_held_against_alone() -> None:
    eye = Camera(id="west", lens=Lens(width_px=640, height_px=512, horizontal_fov_deg=30.0), source="rtsp://a")
    one = fingerprint(ORIGIN, eye, Terrain(files=("/old/dem.tif",)))
    assert one == fingerprint(ORIGIN, msgspec.structs.replace(eye, source="rtsp://b"), Terrain(files=("/new/dem.tif",)))
    assert one != fingerprint(ORIGIN, msgspec.structs.replace(eye, reach_m=1.0), Terrain(files=("/old/dem.tif",)))
    assert one != fingerprint(ORIGIN, eye, Terrain(files=("/old/other.tif",)))
    assert fingerprint(ORIGIN) != fingerprint(msgspec.structs.replace(ORIGIN, height_m=0.0))


WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_kept_picture import HEARD, EPOCH_NS, KEEP_S, KeptPicture, SqliteEventLog, setup
path = Path(sys.argv[1])
fresh = not path.exists()
log = SqliteEventLog(path, batch_s=0.01)
print("open", flush=True)
picture = (
    KeptPicture.begin(setup(), log, EPOCH_NS, keep_s=KEEP_S)
    if fresh
    else KeptPicture.resume(setup(), log, print, keep_s=KEEP_S)
)
for look in HEARD[int(sys.argv[3]):]:
    picture.take([look])
    time.sleep(0.01)
"""


def test_a_process_that_is_killed_leaves_a_log_that_is_gone_on_with(
    whole: tuple[KeptPicture, MemoryEventLog], tmp_path: Path
) -> None:
    path, heard = tmp_path / "events.sqlite", 0
    for kill_s in (0.7, 0.4):
        here = str(Path(__file__).parent)
        worker = subprocess.Popen([sys.executable, "-c", WORKER, str(path), here, str(heard)], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"open\n"
        time.sleep(kill_s)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        with SqliteLogReader(path) as log:
            # Looks in the log are the first of those that were heard: the rest is heard again.
            heard = sum(isinstance(stored.event, LookTaken) for stored in log.read())
    assert 0 < heard < len(HEARD)
    with SqliteEventLog(path) as log:
        picture = KeptPicture.resume(setup(), log, print, keep_s=KEEP_S)
        picture.take(HEARD[heard:])
        assert_same(whole[0], picture)
        told = [stored.event for stored in log.read()]
        assert [e for e in told if e is not None and not isinstance(e, PictureStarted)] == events(whole[1])

"""One camera's run, from the first picture to the files it leaves."""

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest

from marsad.adapters.memory import MemoryFrameSource
from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.config import load_site
from marsad.app.node import CameraNode, WatchResult, totals, watch_file
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    AlertRaised,
    CameraHealth,
    Event,
    FramesDropped,
    SourceEvent,
    StreamEnded,
    TrackConfirmed,
    TrackLost,
    TrackPoint,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.frame import Frame
from marsad.kernel.site import Camera, Mask, Site

FPS = 25
Foot = Callable[[int], tuple[float, float] | None]


def source(items: list[Frame | SourceEvent]) -> MemoryFrameSource:
    return MemoryFrameSource("mast", items, fps=FPS)


def site_of(path: Path) -> tuple[Site, Camera]:
    site = load_site(path)
    return site, site.cameras[0]


def logged(out: Path) -> list[Event]:
    with SqliteEventLog(out / "events.sqlite") as log:
        log.verify()
        return [entry.event for entry in log.read() if entry.event is not None]


def test_a_run_without_a_site_counts_logs_and_leaves_its_files(
    walk: list[Frame], tmp_path: Path, foot_px: Foot
) -> None:
    out = tmp_path / "out"
    result = watch_file(source(walk), out=out, name="walk.mkv", video=True)
    assert (result.frames, result.tracks, result.dropped, result.located) == (225, 1, 0, False)
    assert (result.camera_id, result.source, result.out) == ("mast", "walk.mkv", str(out))
    assert result.alarms >= 1
    assert result.stream == {"stream_ended": 1}
    assert set(result.files) == {path.name for path in out.iterdir()}
    assert set(result.files) == {"tracks.csv", "events.sqlite", "contact_sheet.png", "annotated.mp4"}
    assert result.cpu_seconds > 0
    assert result.fps == pytest.approx(225 / result.seconds, rel=0.01)

    with (out / "tracks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["online"] for row in rows} == {"0", "1"}
    for row in rows:
        foot = foot_px(int(row["frame"]) - 1)
        assert foot is not None
        assert float(row["x"]) + float(row["w"]) / 2 == pytest.approx(foot[0], abs=3)
    assert len({row["frame"] for row in rows}) == len(rows) >= 0.98 * 7 * FPS
    with av.open(str(out / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 225
    assert cv2.imread(str(out / "contact_sheet.png")) is not None


def test_the_log_tells_the_run_in_order_and_its_head_proves_it(walk: list[Frame], tmp_path: Path) -> None:
    result = watch_file(source(walk), out=tmp_path / "out", name="walk.mkv")
    events = logged(tmp_path / "out")
    first, last = events[0], events[-1]
    assert isinstance(first, WatchStarted)
    assert (first.source, first.width_px, first.height_px, first.fps) == ("walk.mkv", 160, 120, 25.0)
    assert isinstance(last, WatchEnded)
    assert (last.frames, last.dropped, last.reason) == (225, 0, "the source ended")
    kinds = [type(event) for event in events]
    assert kinds.count(TrackConfirmed) == kinds.count(TrackLost) == 1
    assert kinds.index(TrackConfirmed) < kinds.index(AlertRaised) < kinds.index(TrackLost)
    assert kinds.count(AlertRaised) == result.alarms
    assert kinds.count(StreamEnded) == 1
    points = [event.time_ns for event in events if isinstance(event, TrackPoint)]
    assert 5 <= len(points) <= 8
    with SqliteEventLog(tmp_path / "out" / "events.sqlite") as log:
        assert str(log.head()) == result.head


def test_an_alert_is_on_the_disk_before_the_next_picture(walk: list[Frame], tmp_path: Path) -> None:
    node = CameraNode(source(walk), out=tmp_path / "out", video=False)
    with node:
        for each in walk:
            stepped = node.step(each)
            if stepped is not None and stepped[2]:
                break
        # Another connection sees only what has been committed.
        with closing(sqlite3.connect(f"file:{tmp_path / 'out' / 'events.sqlite'}?mode=ro", uri=True)) as other:
            (payload,) = other.execute("SELECT payload FROM entry ORDER BY sequence DESC LIMIT 1").fetchone()
        assert stepped is not None
        assert stepped[2][-1].alert_id in str(payload)
        node.finish("enough")


def test_with_a_site_the_crossing_is_located_and_the_map_written(
    walk: list[Frame], tmp_path: Path, site_file: Path
) -> None:
    site, camera = site_of(site_file)
    result = watch_file(source(walk), out=tmp_path / "out", site=site, camera=camera)
    assert result.located
    assert result.alarms == 1
    (raised,) = [event for event in logged(tmp_path / "out") if isinstance(event, AlertRaised)]
    assert (raised.alert.rule, raised.alert.rule_id) == ("line_crossing", "track-road")
    # At 16 px a second he is across after 5.75 s, and surely so a moment later.
    assert 5.7e9 < raised.time_ns < 7.5e9
    assert raised.alert.ground is not None
    assert raised.alert.ground.range_m == pytest.approx(183, rel=0.05)
    shapes = json.loads((tmp_path / "out" / "tracks.geojson").read_text())["features"]
    assert {shape["geometry"]["type"] for shape in shapes} >= {"LineString", "Polygon"}
    (confirmed,) = [event for event in logged(tmp_path / "out") if isinstance(event, TrackConfirmed)]
    assert confirmed.track.origin == "north"


def test_a_site_for_another_picture_size_is_refused(walk: list[Frame], site_file: Path) -> None:
    site, camera = site_of(site_file)
    small = [msgspec.structs.replace(each, counts=each.counts[:100, :150]) for each in walk[:3]]
    with pytest.raises(InputError, match="says 160 x 120 pixels, the source sends 150 x 100"):
        watch_file(source(small), out=None, site=site, camera=camera)


def test_what_is_masked_is_neither_tracked_nor_shown(walk: list[Frame], tmp_path: Path, site_file: Path) -> None:
    site, camera = site_of(site_file)
    camera = msgspec.structs.replace(camera, masks=(Mask(x_px=0, y_px=60, w_px=160, h_px=40),))
    result = watch_file(source(walk), out=tmp_path / "out", site=site, camera=camera, video=True)
    assert (result.tracks, result.alarms) == (0, 0)
    with av.open(str(tmp_path / "out" / "annotated.mp4")) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="gray")
    # Four times enlarged, under a banner; the encoder blurs the edges a little.
    scene = shown[-4 * 120 :]
    assert scene[4 * 62 : 4 * 98].max() < 30
    assert scene[: 4 * 58].mean() > 80


class Failing:
    """A source that gives some pictures and then fails as no adapter should."""

    def __init__(self, frames: list[Frame]) -> None:
        self.camera_id, self.info = "mast", source(frames).info
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        yield from self._frames
        raise RuntimeError("the driver died")

    def close(self) -> None:
        """Nothing to release."""


def test_a_source_that_dies_midway_leaves_finished_files(walk: list[Frame], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="the driver died"):
        watch_file(Failing(walk[:150]), out=out, video=True)
    with av.open(str(out / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 150
    assert len((out / "tracks.csv").read_text().splitlines()) > 50
    assert cv2.imread(str(out / "contact_sheet.png")) is not None
    kinds = {type(event) for event in logged(out)}
    assert {WatchStarted, TrackConfirmed, TrackPoint} <= kinds


def test_stopping_ends_the_run_after_the_picture_in_hand(walk: list[Frame], tmp_path: Path) -> None:
    result = watch_file(source(walk), out=tmp_path / "out", progress=lambda node: node.frames < 30)
    assert result.frames == 30
    last = logged(tmp_path / "out")[-1]
    assert isinstance(last, WatchEnded)
    assert last.reason == "stopped by the operator"


def test_what_befell_the_stream_is_counted_and_logged(walk: list[Frame], tmp_path: Path) -> None:
    dropped = FramesDropped(time_ns=walk[10].time_ns, camera_id="mast", count=3)
    health = CameraHealth(time_ns=walk[10].time_ns, camera_id="mast", frame_index=10, kind="flat_field_correction")
    ended = msgspec.structs.replace(health, ended=True)
    items = [*walk[:10], dropped, health, ended, dropped, *walk[16:40]]
    result = watch_file(source(items), out=tmp_path / "out")
    assert (result.frames, result.dropped) == (34, 6)
    assert result.health == {"flat_field_correction": 1}
    assert result.stream == {"camera_health": 2, "frames_dropped": 2, "stream_ended": 1}
    events = logged(tmp_path / "out")
    assert events.count(dropped) == 2
    assert health in events
    assert isinstance(events[-1], WatchEnded)
    assert events[-1].dropped == 6


def test_a_password_in_an_address_reaches_neither_log_nor_result(walk: list[Frame], tmp_path: Path) -> None:
    address = "rtsp://guard:secret@10.0.0.7/stream"
    result = watch_file(source(walk[:3]), out=tmp_path / "out", name=address)
    assert "secret" not in result.source
    assert "secret" not in str(logged(tmp_path / "out"))


def test_an_output_folder_that_cannot_be_is_refused(walk: list[Frame], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError, match="choose another --out"):
        watch_file(source(walk[:3]), out=tmp_path / "file" / "out")


def test_a_second_run_goes_on_in_the_same_log(walk: list[Frame], tmp_path: Path) -> None:
    said: list[str] = []
    heads = [watch_file(source(walk[:5]), out=tmp_path / "out", tell=said.append).head for _ in range(2)]
    assert said == [f"{tmp_path / 'out' / 'events.sqlite'}: goes on after 3 entries, all verified"]
    assert [int(head.partition(":")[0]) for head in heads] == [3, 6]
    assert [type(event) for event in logged(tmp_path / "out")] == [WatchStarted, StreamEnded, WatchEnded] * 2


def test_a_second_run_numbers_its_tracks_as_none_of_the_first(walk: list[Frame], tmp_path: Path) -> None:
    for _ in range(2):
        watch_file(source(walk), out=tmp_path / "out", tell=lambda _: None)
    numbers = [event.track.track_id for event in logged(tmp_path / "out") if isinstance(event, TrackConfirmed)]
    assert len(numbers) >= 2
    assert len(set(numbers)) == len(numbers)


def test_a_log_that_was_tampered_with_is_not_gone_on_with_and_nothing_is_changed(
    walk: list[Frame], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    watch_file(source(walk), out=out)
    with closing(sqlite3.connect(out / "events.sqlite")) as other, other:
        for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            other.execute(f"DROP TRIGGER {name}")
        other.execute("UPDATE entry SET time_ns = 5 WHERE sequence = 4")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(InputError, match=r"events\.sqlite: .*entry 4: it was changed.* choose another --out"):
        watch_file(source(walk[:5]), out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_totals_add_up_and_take_the_longest_time() -> None:
    def run(seconds: float, frames: int, health: dict[str, int]) -> WatchResult:
        return WatchResult(
            camera_id="c", source="s", frames=frames, seconds=seconds, cpu_seconds=1.5, fps=1.0, tracks=2, alarms=1,
            dropped=3, health=health, stream={}, camera_known=False, located=False, head="", out="o", files=[],
            incomplete={} if seconds < 3 else {"annotated.mp4": "no room"},
        )  # fmt: skip

    both = totals([run(2.0, 100, {"frozen": 1}), run(4.0, 300, {"frozen": 2, "looped": 1})])
    assert (both.frames, both.seconds, both.cpu_seconds, both.fps) == (400, 4.0, 3.0, 100.0)
    assert (both.tracks, both.alarms, both.dropped) == (4, 2, 6)
    assert both.health == {"frozen": 3, "looped": 1}
    assert both.incomplete == ["o/annotated.mp4"]
    assert totals([]).frames == 0


def test_the_pictures_a_run_was_given_are_not_touched(walk: list[Frame], tmp_path: Path) -> None:
    before = [each.counts.copy() for each in walk[:60]]
    watch_file(source(walk[:60]), out=tmp_path / "out", video=True)
    assert all(np.array_equal(each.counts, old) for each, old in zip(walk, before, strict=False))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, a disk without room, is missing here")
@pytest.mark.parametrize("name", ["tracks.csv", "contact_sheet.png"])
def test_a_full_disk_costs_one_file_and_not_the_others(walk: list[Frame], tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{name}.part").symlink_to("/dev/full")
    said: list[str] = []
    result = watch_file(source(walk), out=out, video=True, tell=said.append)
    (why,) = said
    assert f"{name}: cannot be written: No space left" in why
    assert list(result.incomplete) == [name]
    assert (name in result.files) == (name == "tracks.csv")
    assert result.frames == 225
    end = logged(out)[-1]
    assert isinstance(end, WatchEnded)
    assert end.reason == f"the source ended; incomplete: {name}"
    assert {path.name for path in out.iterdir()} >= {"tracks.csv", "events.sqlite", "annotated.mp4"}
    assert len((out / "tracks.csv").read_text().splitlines()) > 100
    with av.open(str(out / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 225
    assert list(out.glob("*.part")) == []


def test_a_folder_in_the_way_of_a_file_is_named_and_the_log_let_go(walk: list[Frame], tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").mkdir()
    with pytest.raises(InputError, match=r"tracks\.csv: cannot be written: Is a directory"):
        watch_file(source(walk[:2]), out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"tracks.csv", "events.sqlite"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 7)])
def test_pictures_too_small_to_watch_are_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    tiny = Frame(camera_id="mast", index=0, time_ns=0, received_ns=0, counts=np.zeros(shape, np.uint8))
    with pytest.raises(InputError, match=f"pictures of {shape[1]} x {shape[0]} pixels.* 8 x 8"):
        watch_file(source([tiny]), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()

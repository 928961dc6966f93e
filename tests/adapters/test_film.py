"""Film written, read back, cut off by kill -9, on a full disk, within its quota, and exported as clips."""

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from marsad.adapters.film import MAGIC, CameraFilm, FilmWriter, camera_folder, segments_in
from marsad.adapters.film_archive import FilmArchive
from marsad.adapters.film_clip import export_clip
from marsad.adapters.film_keeper import BALLAST_NAME, FilmKeeper
from marsad.adapters.filming import MOST_WAITING, Filming, Recoder, to_jpeg
from marsad.adapters.video import VideoSource
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import FilmDropped, StorageShort
from marsad.kernel.film import CodedPicture, Filmed, Mark
from marsad.kernel.frame import Frame
from marsad.kernel.site import Mask
from marsad.kernel.track import Track

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = 40_000_000
WIDTH, HEIGHT = 160, 128


def plenty(_folder: Path) -> int:
    return 1 << 40


def mark(number: int) -> Mark:
    return Mark(track_id=number, kind="person", status="confirmed", box=Box(x_px=number, y_px=2, w_px=3.5, h_px=9))


def track(number: int, time_ns: int, status: str = "confirmed") -> Track:
    return Track(
        track_id=number, camera_id="north", origin="own", time_ns=time_ns, frame_index=0, status=status,
        box=Box(x_px=number, y_px=2, w_px=3.5, h_px=9), velocity_x_px_s=0, velocity_y_px_s=0, contrast_counts=9,
        snr=9, kind="person", kind_confidence=1, confidence=1, first_ns=0,
    )  # fmt: skip


def coded(tmp_path: Path, count: int = 250, bf: str = "0", name: str = "source.mp4") -> list[Filmed]:
    """Real H.264, a key picture every 25, as a camera's tap gives it."""
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "25", "bf": bf, "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        noise = np.random.default_rng(3).integers(60, 90, (HEIGHT, WIDTH), np.uint8)
        for index in range(count):
            grey = noise.copy()
            grey[40:60, index % 140 : index % 140 + 20] = 235
            frame = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    pictures: list[CodedPicture] = []
    source = VideoSource(path, "north", tap=pictures.append)
    for _ in source:
        pass
    source.close()
    return [
        Filmed(picture=_at(picture, START + picture.time_ns), marks=(mark(picture.time_ns // STEP),))
        for picture in pictures
    ]


def _at(picture: CodedPicture, time_ns: int) -> CodedPicture:
    return CodedPicture(**{**{f: getattr(picture, f) for f in picture.__struct_fields__}, "time_ns": time_ns})


def jpegs(count: int, camera_id: str = "north", start_ns: int = START, size: int = 0) -> list[Filmed]:
    picture = to_jpeg(np.full((HEIGHT, WIDTH), 90, np.uint8)) + bytes(size)
    return [
        Filmed(
            picture=CodedPicture(
                camera_id=camera_id, time_ns=start_ns + index * STEP, codec="jpeg", key=True, width_px=WIDTH,
                height_px=HEIGHT, data=picture,
            )
        )
        for index in range(count)
    ]  # fmt: skip


def keep(folder: Path, film: list[Filmed], *, close: bool = True) -> CameraFilm:
    written = CameraFilm(folder, film[0].picture.camera_id, free=plenty)
    for filmed in film:
        written.append(filmed)
    if close:
        written.close()
    return written


def test_what_is_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    film = coded(tmp_path, bf="2")
    keep(tmp_path / "film", film)
    read = list(FilmArchive(tmp_path / "film").read("north", START, START + 60 * SECOND))
    assert read == film


def test_reading_begins_at_the_key_picture_at_or_before_and_ends_with_the_span(tmp_path: Path) -> None:
    film = coded(tmp_path)
    keep(tmp_path / "film", film)
    read = list(FilmArchive(tmp_path / "film").read("north", START + 60 * STEP, START + 80 * STEP))
    assert read[0].picture.key
    assert read[0].picture.time_ns == START + 50 * STEP
    assert read[-1].picture.time_ns in range(START + 80 * STEP, START + 87 * STEP)
    counts = [pair for filmed in read for pair in Recoder().decode(filmed) if filmed.picture.key]
    assert counts


def test_film_being_written_can_be_read(tmp_path: Path) -> None:
    film = coded(tmp_path)
    written = keep(tmp_path / "film", film, close=False)
    archive = FilmArchive(tmp_path / "film")
    (span,) = archive.spans("north", 0, 1 << 62)
    assert (span.from_ns, span.to_ns) == (START, START + 249 * STEP)
    assert len(list(archive.read("north", 0, 1 << 62))) == 250
    written.close()
    assert archive.spans("north", 0, 1 << 62) == [span]


def test_a_gap_shows_in_the_spans_and_a_span_is_cut_to_what_was_asked(tmp_path: Path) -> None:
    keep(tmp_path / "film", jpegs(50) + jpegs(50, start_ns=START + 60 * SECOND))
    archive = FilmArchive(tmp_path / "film")
    assert [(s.from_ns - START, s.to_ns - START) for s in archive.spans("north", 0, 1 << 62)] == [
        (0, 49 * STEP),
        (60 * SECOND, 60 * SECOND + 49 * STEP),
    ]
    (cut,) = archive.spans("north", START + SECOND, START + 30 * SECOND)
    assert (cut.from_ns, cut.to_ns) == (START + SECOND, START + 49 * STEP)
    assert archive.spans("other", 0, 1 << 62) == []


def test_segments_last_a_minute_and_begin_with_a_key_picture(tmp_path: Path) -> None:
    keep(tmp_path / "film", jpegs(25 * 130))
    segments = segments_in(tmp_path / "film" / "north")
    assert len(segments) == 3
    (span,) = FilmArchive(tmp_path / "film").spans("north", 0, 1 << 62)
    assert span.to_ns - span.from_ns == (25 * 130 - 1) * STEP
    assert len(list(FilmArchive(tmp_path / "film").read("north", START + 50 * SECOND, START + 70 * SECOND))) == 501


def test_a_clock_set_back_loses_nothing(tmp_path: Path) -> None:
    keep(tmp_path / "film", jpegs(100) + jpegs(200, start_ns=START - 3 * SECOND))
    times = [f.picture.time_ns for f in FilmArchive(tmp_path / "film").read("north", 0, 1 << 62)]
    assert times[0] == START - 3 * SECOND
    assert times == sorted(set(times))
    assert times[-1] == START + 124 * STEP
    assert sum(len(s.path.read_bytes()) > 100 for s in segments_in(tmp_path / "film" / "north")) == 2


@pytest.mark.parametrize("cut", [1, 7, 16, 17, 40, 500])
def test_a_torn_end_costs_the_torn_picture_alone(tmp_path: Path, cut: int) -> None:
    film = jpegs(20)
    keep(tmp_path / "film", film)
    (segment,) = segments_in(tmp_path / "film" / "north")
    torn = segment.path.rename(segment.path.with_name(f"{segment.start_ns:020d}.film"))
    os.truncate(torn, torn.stat().st_size - cut)
    assert list(FilmArchive(tmp_path / "film").read("north", 0, 1 << 62)) == film[:-1]
    more = CameraFilm(tmp_path / "film", "north", free=plenty)
    more.append(jpegs(1, start_ns=START + SECOND)[0])
    more.close()
    assert len(list(FilmArchive(tmp_path / "film").read("north", 0, 1 << 62))) == 20


def test_damage_inside_ends_what_is_trusted(tmp_path: Path) -> None:
    film = jpegs(20)
    keep(tmp_path / "film", film)
    (segment,) = segments_in(tmp_path / "film" / "north")
    content = bytearray(segment.path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.path.write_bytes(content)
    read = list(FilmArchive(tmp_path / "film").read("north", 0, 1 << 62))
    assert len(read) in {9, 10}
    assert all(one == other for one, other in zip(read, film, strict=False))
    segment.path.write_bytes(b"something else" + MAGIC)
    assert list(FilmArchive(tmp_path / "film").read("north", 0, 1 << 62)) == []


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from marsad.adapters.film import CameraFilm, FilmWriter
from marsad.adapters.filming import to_jpeg
from marsad.kernel.film import CodedPicture, Filmed
writer = FilmWriter(CameraFilm(Path(sys.argv[1]), "north", reserve_bytes=0), print)
data = to_jpeg(np.random.default_rng(1).integers(0, 255, (240, 320), np.uint8))
while True:
    now = time.time_ns()
    writer.put(Filmed(picture=CodedPicture(
        camera_id="north", time_ns=now, codec="jpeg", key=True, width_px=320, height_px=240, data=data)))
    print(now, flush=True)
    time.sleep(0.002)
"""


def test_kill_9_loses_less_than_a_second(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout
    told = [int(process.stdout.readline()) for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split("\n") if len(line) == len(str(told[0]))]
    process.wait()
    process.stdout.close()
    read = [filmed.picture.time_ns for filmed in FilmArchive(tmp_path).read("north", 0, 1 << 62)]
    assert told[-1] - read[-1] < SECOND / 4
    assert [time_ns for time_ns in told if time_ns <= read[-1]] == read


def test_a_disk_that_is_nearly_full_takes_no_film_and_takes_it_again(tmp_path: Path) -> None:
    left = [1 << 30]
    film = CameraFilm(tmp_path, "north", reserve_bytes=1 << 29, free=lambda _folder: left[0])
    told: list[str] = []
    writer = FilmWriter(film, told.append)
    pictures = jpegs(2000, size=20_000)

    def put(part: list[Filmed]) -> None:
        for filmed in part:
            writer.put(filmed)
            time.sleep(0.0002)

    put(pictures[:50])
    left[0] = 1 << 20
    put(pictures[50:600])
    left[0] = 1 << 30
    put(pictures[600:])
    writer.close()
    assert "nearly full" in told[0]
    assert told[1:] == [""]
    times = {filmed.picture.time_ns for filmed in FilmArchive(tmp_path).read("north", 0, 1 << 62)}
    assert pictures[40].picture.time_ns in times
    assert pictures[500].picture.time_ns not in times
    assert pictures[1900].picture.time_ns in times
    assert len(times) + writer.dropped == 2000


def fill(film: CameraFilm, pictures: list[Filmed], refusal: str) -> int:
    """How many are taken until it is refused."""
    for count, filmed in enumerate(pictures):
        try:
            film.append(filmed)
        except UnavailableError as error:
            assert refusal in str(error)  # noqa: PT017 - how many were taken is what matters
            return count
    raise AssertionError("nothing was refused")


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 300 kB, as if the disk were full there."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
def test_a_refused_write_leaves_whole_pictures(tmp_path: Path) -> None:
    pictures = jpegs(200, size=10_000)
    film = CameraFilm(tmp_path, "north", free=plenty)
    kept = fill(film, pictures, "free some space")
    assert kept > 10
    assert len(list(FilmArchive(tmp_path).read("north", 0, 1 << 62))) == kept
    film.append(pictures[kept])
    film.close()
    read = list(FilmArchive(tmp_path).read("north", 0, 1 << 62))
    assert all(one == other for one, other in zip(read, pictures[: kept + 1], strict=True))


def test_a_real_disk_that_is_full(tmp_path: Path) -> None:
    """A file system of 8 MB of its own, where one can be mounted."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(mounted)], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        film = CameraFilm(mounted / "film", "north", reserve_bytes=1 << 20)
        kept = fill(film, jpegs(4000, size=5000), "nearly full")
        film.close()
        assert 1000 < kept < 1500
        assert shutil.disk_usage(mounted).free >= 1 << 20
        assert len(list(FilmArchive(mounted / "film").read("north", 0, 1 << 62))) == kept
        (mounted / "other").write_bytes(bytes(shutil.disk_usage(mounted).free - 4096))
        keeper = FilmKeeper(mounted / "film", 1 << 30, reserve_bytes=1 << 20, ballast_bytes=1 << 18)
        events = keeper.tidy(START, time.time())
        assert any(isinstance(event, FilmDropped) and event.reason == "disk" for event in events)
        assert shutil.disk_usage(mounted).free >= 1 << 20
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_the_oldest_film_of_all_cameras_goes_first(tmp_path: Path) -> None:
    for minute in range(6):
        for camera_id in ("north", "south"):
            keep(tmp_path, jpegs(25, camera_id, START + minute * 60 * SECOND, size=2000))
    total = sum(file.stat().st_size for file in tmp_path.rglob("*.film"))
    keeper = FilmKeeper(tmp_path, total // 2, reserve_bytes=1 << 20, free=plenty)
    events = keeper.tidy(START + 3600 * SECOND, time.time())
    assert {(event.camera_id, event.reason) for event in events if isinstance(event, FilmDropped)} == {
        ("north", "quota"),
        ("south", "quota"),
    }
    archive = FilmArchive(tmp_path)
    assert min(s.from_ns for s in archive.spans("north", 0, 1 << 62)) == START + 180 * SECOND
    assert min(s.from_ns for s in archive.spans("south", 0, 1 << 62)) == START + 180 * SECOND
    storage = keeper.storage
    assert storage.film_bytes <= total // 2
    assert storage.oldest_film_ns == START + 180 * SECOND
    assert not storage.short
    again = keeper.tidy(START + 3601 * SECOND, time.time())
    assert again == []


def test_film_being_written_is_never_dropped_and_a_short_disk_is_told_of_once(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "a.mp4").write_bytes(b"kept")
    keep(tmp_path / "film", jpegs(25))
    written = keep(tmp_path / "film", jpegs(25, start_ns=START + 60 * SECOND), close=False)
    left = [10 << 20]
    keeper = FilmKeeper(
        tmp_path / "film", 1 << 30, reserve_bytes=1 << 20, ballast_bytes=1 << 16, free=lambda _folder: left[0]
    )
    assert keeper.tidy(START, time.time()) == []
    ballast = tmp_path / "film" / BALLAST_NAME
    assert ballast.stat().st_blocks * 512 >= 1 << 16
    left[0] = 1000
    events = keeper.tidy(START + 1, time.time())
    assert [type(event) for event in events] == [FilmDropped, StorageShort]
    assert not ballast.exists()
    assert keeper.storage.short
    assert (tmp_path / "evidence" / "a.mp4").read_bytes() == b"kept"
    assert keeper.tidy(START + 2, time.time()) == []
    (span,) = FilmArchive(tmp_path / "film").spans("north", 0, 1 << 62)
    assert span.from_ns == START + 60 * SECOND
    left[0] = 10 << 20
    (ended,) = keeper.tidy(START + 3, time.time())
    assert isinstance(ended, StorageShort)
    assert ended.ended
    assert ballast.exists()
    written.close()


@pytest.mark.parametrize("bf", ["0", "2"])
def test_a_clip_of_h264_is_the_camera_s_own_pictures_and_plays(tmp_path: Path, bf: str) -> None:
    film = coded(tmp_path, bf=bf)
    keep(tmp_path / "film", film)
    target = tmp_path / "evidence" / "clip.mp4"
    evidence = export_clip(
        FilmArchive(tmp_path / "film"), "north", START + 4 * SECOND, START + 6 * SECOND, target,
        site_folder=tmp_path, pre_roll_ns=SECOND,
    )  # fmt: skip
    assert evidence.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert evidence.path == "evidence/clip.mp4"
    assert evidence.from_ns == START + 3 * SECOND
    assert START + 6 * SECOND <= evidence.to_ns <= START + 6 * SECOND + SECOND // 4
    with av.open(str(tmp_path / "source.mp4")) as container:
        original = [frame.to_ndarray(format="gray").tobytes() for frame in container.decode(video=0)]
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(video=0))
        assert (stream.width, stream.height, stream.codec_context.name) == (WIDTH, HEIGHT, "h264")
        times = [round(float(frame.pts * frame.time_base) / 0.04) for frame in frames]
    assert times == [time - times[0] + times[0] for time in range(times[0], times[0] + len(frames))]
    assert [frame.to_ndarray(format="gray").tobytes() for frame in frames] == original[75 : 75 + len(frames)]
    assert len(frames) >= 76


def test_a_clip_of_jpeg_plays_too(tmp_path: Path) -> None:
    keep(tmp_path / "film", jpegs(100))
    target = tmp_path / "clip.mp4"
    export_clip(FilmArchive(tmp_path / "film"), "north", START, START + SECOND, target, site_folder=tmp_path)
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) >= 26
    assert abs(float(frames[0].to_ndarray(format="gray").mean()) - 90) <= 2


def test_a_clip_across_another_coding_plays(tmp_path: Path) -> None:
    keep(tmp_path / "film", [*coded(tmp_path, 50), *jpegs(50, start_ns=START + 50 * STEP)])
    target = tmp_path / "clip.mp4"
    export_clip(FilmArchive(tmp_path / "film"), "north", START, START + 4 * SECOND, target, site_folder=tmp_path)
    with av.open(str(target)) as container:
        assert len(list(container.decode(video=0))) == 100


def test_no_clip_without_film_and_none_on_a_full_disk(tmp_path: Path) -> None:
    archive = FilmArchive(tmp_path / "film")
    target = tmp_path / "clip.mp4"
    with pytest.raises(InputError, match="no film"):
        export_clip(archive, "north", START, START + SECOND, target, site_folder=tmp_path)
    with pytest.raises(InputError, match="its end after"):
        export_clip(archive, "north", START, START - SECOND, target, site_folder=tmp_path)
    assert not target.exists()


def test_a_clip_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    film = coded(tmp_path)
    for filmed in film:
        assert len(filmed.picture.data) < 300_000
    keep(tmp_path / "film", film)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(UnavailableError):
            export_clip(
                FilmArchive(tmp_path / "film"), "north", START, START + 9 * SECOND, tmp_path / "clip.mp4",
                site_folder=tmp_path,
            )  # fmt: skip
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (tmp_path / "clip.mp4").exists()


@pytest.mark.parametrize("camera_id", ["", ".", "..", "a/b", "../a"])
def test_no_camera_s_name_leads_elsewhere(tmp_path: Path, camera_id: str) -> None:
    with pytest.raises(InputError):
        camera_folder(tmp_path, camera_id)


def frame(index: int, counts: np.ndarray) -> Frame:
    return Frame(camera_id="north", index=index, time_ns=START + index * STEP, received_ns=0, counts=counts)


def test_marks_go_with_the_picture_they_were_found_in(tmp_path: Path) -> None:
    out: list[Filmed] = []
    filming = Filming("north", out.append)
    grey = np.zeros((HEIGHT, WIDTH), np.uint8)
    film = coded(tmp_path, 60, bf="2")
    for filmed in film[:10]:
        filming.coded(filmed.picture)
    for index in range(6):
        filming.watched(frame(index, grey), [track(index, 0), track(99, 0, "lost")])
    assert [filmed.picture for filmed in out] == [f.picture for f in film[: len(out)]]
    assert len(out) >= 5
    for filmed in out:
        assert [m.track_id for m in filmed.marks] == [(filmed.picture.time_ns - START) // STEP]
    filming.finish()
    assert len(out) == 10


def test_a_watch_that_hangs_stops_no_picture(tmp_path: Path) -> None:
    out: list[Filmed] = []
    filming = Filming("north", out.append)
    film = coded(tmp_path, 80)
    for filmed in film:
        filming.coded(filmed.picture)
    assert [filmed.picture for filmed in out] == [f.picture for f in film[: 80 - MOST_WAITING]]
    assert not any(filmed.marks for filmed in out)


@pytest.mark.parametrize("deep", [False, True])
def test_what_lies_under_a_mask_is_in_no_picture(tmp_path: Path, *, deep: bool) -> None:
    out: list[Filmed] = []
    filming = Filming("north", out.append, [Mask(x_px=19, y_px=35, w_px=50, h_px=30)])
    for filmed in coded(tmp_path, 10):
        filming.coded(filmed.picture)
    counts = np.random.default_rng(1).integers(100, 250, (HEIGHT, WIDTH))
    bright = counts.astype(np.uint16) * 100 if deep else counts.astype(np.uint8)
    filming.watched(frame(0, bright), [])
    small = filming.thumbnail(frame(1, bright))
    filming.finish()
    assert [filmed.picture.codec for filmed in out] == ["jpeg"]
    for data in (out[0].picture.data, small):
        shown = cv2.imdecode(np.frombuffer(data or b"", np.uint8), cv2.IMREAD_GRAYSCALE)
        assert shown.shape == (HEIGHT, WIDTH)
        # JPEG lets the brightness around a mask into it for a few pixels, and nothing that was under it.
        assert shown[45:55, 29:59].max() < 12
        assert shown[80:].mean() > 60


def test_deep_counts_become_steady_grey() -> None:
    out: list[Filmed] = []
    filming = Filming("north", out.append)
    rng = np.random.default_rng(5)
    scene = rng.normal(29_000, 300, (HEIGHT, WIDTH))
    recoder = Recoder()
    means = []
    for index in range(60):
        counts = (scene + rng.normal(0, 10, scene.shape)).astype(np.uint16)
        if index % 2:
            counts[:30, :30] = 40_000  # a fire that flares up in every other picture
        filming.watched(frame(index, counts), [])
        ((_, grey),) = recoder.decode(out[-1])
        means.append(float(grey[64:].mean()))
    assert max(abs(a - b) for a, b in pairwise(means[10:])) < 12
    assert 60 < means[-1] < 200


def test_thumbnails_are_small_and_come_once_a_second(tmp_path: Path) -> None:
    del tmp_path
    filming = Filming("north", lambda _filmed: None)
    counts = np.zeros((512, 640), np.uint8)
    thumbnails = [filming.thumbnail(frame(index, counts)) for index in range(100)]
    assert sum(thumbnail is not None for thumbnail in thumbnails) == 5
    assert all(len(each) < 10_000 for each in thumbnails if each)

"""Live cameras, against a real RTSP server on loopback that is killed, frozen and started again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.clock import SystemClock
from marsad.adapters.filming import Recoder
from marsad.adapters.rtsp import RtspSettings, RtspSource, masked, wait_s
from marsad.adapters.sources import open_source
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import CameraLost, CameraRestored, FramesDropped, PacketCorrupt, SourceEvent, StreamEnded
from marsad.kernel.film import CodedPicture, Filmed
from marsad.kernel.frame import Frame

SERVER = Path(__file__).with_name("rtsp_server.py")
DEBIAN_PYTHON = "/usr/bin/python3"
PACKAGES = (
    "python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, gstreamer1.0-plugins-good, "
    "gstreamer1.0-plugins-ugly"
)
IMPATIENT = RtspSettings(
    open_timeout_s=3.0, read_timeout_s=1.0, first_wait_s=0.1, longest_wait_s=0.4, max_reconnects=40
)
FRAME_NS = 40_000_000
NEEDED = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert Gst.ElementFactory.find("x264enc") and Gst.ElementFactory.find("rtph264pay")
"""


class Server:
    """The server's process; started again, it listens on the same port."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self.port = ""
        self.start()

    def start(self) -> None:
        command = [DEBIAN_PYTHON, str(SERVER), "--port", self.port or "0", *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout
        self.port = self._process.stdout.readline().strip()
        assert self.port, "the RTSP server did not start"

    def address(self, path: str = "thermal", login: str = "") -> str:
        return f"rtsp://{login}127.0.0.1:{self.port}/{path}"

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


@pytest.fixture(scope="module")
def debian() -> None:
    able = (
        Path(DEBIAN_PYTHON).exists()
        and not subprocess.run([DEBIAN_PYTHON, "-c", NEEDED], capture_output=True, check=False).returncode
    )
    if not able:
        assert not os.environ.get("CI"), f"no RTSP server: install {PACKAGES}"
        pytest.skip(f"no RTSP server: install {PACKAGES}")


@pytest.fixture(scope="module")
def steady(debian: None) -> Iterator[Server]:  # noqa: ARG001 - asked for, so that it skips first
    server = Server()
    yield server
    server.kill()


@pytest.fixture
def make_server(debian: None) -> Iterator[Callable[..., Server]]:  # noqa: ARG001 - asked for, so that it skips first
    made: list[Server] = []

    def make(*arguments: str) -> Server:
        made.append(Server(*arguments))
        return made[-1]

    yield make
    for server in made:
        server.kill()


def connect(address: str, settings: RtspSettings = IMPATIENT) -> RtspSource:
    return RtspSource(address, "gate", clock=SystemClock(), rng=np.random.default_rng(1), settings=settings)


def take(items: Iterator[Frame | SourceEvent], pictures: int) -> list[Frame | SourceEvent]:
    """The next items, until so many pictures are among them or the stream ends."""
    taken: list[Frame | SourceEvent] = []
    for item in items:
        taken.append(item)
        if sum(isinstance(i, Frame) for i in taken) == pictures:
            break
    return taken


def test_a_camera_is_watched_with_its_own_spacing(steady: Server) -> None:
    with closing(connect(steady.address())) as source:
        info = source.info
        assert (info.width_px, info.height_px, info.bits, info.fps) == (160, 128, 8, 25.0)
        read = [i for i in take(iter(source), 40) if isinstance(i, Frame)]
    assert [f.index for f in read] == list(range(40))
    assert info.started_ns == read[0].time_ns > 1_600_000_000_000_000_000
    spacing_ns = np.diff([f.time_ns for f in read[5:]])
    assert np.all(np.abs(spacing_ns - FRAME_NS) < FRAME_NS / 2)
    assert all(0 <= f.received_ns - f.time_ns < 1_000_000_000 for f in read)
    assert abs(read[-1].received_ns - time.time_ns()) < 2_000_000_000
    assert any(not np.array_equal(read[0].counts, f.counts) for f in read)
    assert read[0].counts.max() > 200  # the ball
    assert read[0].counts.min() < 50


def test_a_tap_gets_the_camera_s_own_pictures_with_the_times_of_their_frames(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    coded: list[CodedPicture] = []
    source = open_source(server.address(), "north", live=IMPATIENT, tap=coded.append)
    with closing(source):
        items = iter(source)
        read = [i for i in take(items, 20) if isinstance(i, Frame)]
        server.kill()
        server.start()
        read += [i for i in take(items, 20) if isinstance(i, Frame)]
    there = {picture.time_ns: picture for picture in coded}
    # Entered midway, the stream has nothing to build on before its first key picture.
    first = next(number for number, frame in enumerate(read) if frame.time_ns in there)
    assert first <= 5
    assert there[read[first].time_ns].key
    assert all(frame.time_ns in there for frame in read[first:20])
    assert sum(frame.time_ns in there for frame in read[20:]) >= 15
    recoder = Recoder()
    decoded = {
        filmed.picture.time_ns: counts for each in coded for filmed, counts in recoder.decode(Filmed(picture=each))
    }
    for frame in read[first:20]:
        np.testing.assert_array_equal(decoded[frame.time_ns], frame.counts)


def test_a_killed_server_is_told_and_its_return_with_the_time_blind(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with closing(connect(server.address())) as source:
        items = iter(source)
        before = take(items, 10)
        server.kill()
        killed_s = time.monotonic()
        time.sleep(1.5)
        server.start()
        after = take(items, 60)
        blind_s = time.monotonic() - killed_s
    told = [i for i in after if isinstance(i, CameraLost | CameraRestored)]
    lost, restored = told
    assert isinstance(lost, CameraLost)
    assert isinstance(restored, CameraRestored)
    # Blind from the kill until the server was up again; `blind_s` also holds the pictures taken after it.
    assert 1.3 < restored.blind_ns / 1e9 < blind_s
    assert restored.attempts > 1
    assert lost.camera_id == restored.camera_id == "gate"
    pictures = [i for i in [*before, *after] if isinstance(i, Frame)]
    # The kill may cut a picture in two: then it is told, and keeps its number.
    damaged = [i.after_index + 1 for i in after if isinstance(i, PacketCorrupt)]
    numbers = sorted([f.index for f in pictures] + damaged)
    assert numbers == list(range(len(numbers)))
    assert np.all(np.diff([f.time_ns for f in pictures]) > 0)
    resumed = next(i for i in after[after.index(restored) :] if isinstance(i, Frame))
    last_seen = next(i for i in reversed([*before, *after[: after.index(lost)]]) if isinstance(i, Frame))
    assert (resumed.received_ns - last_seen.received_ns) / 1e9 == pytest.approx(restored.blind_ns / 1e9, abs=0.3)


def test_a_frozen_server_counts_as_lost_after_the_timeout(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with closing(connect(server.address())) as source:
        items = iter(source)
        take(items, 10)
        server.signal(signal.SIGSTOP)
        lost = next(i for i in items if isinstance(i, CameraLost))
        server.signal(signal.SIGCONT)
        restored = next(i for i in items if isinstance(i, CameraRestored))
        assert isinstance(next(i for i in items if isinstance(i, Frame)), Frame)
    assert "silent for 1 s" in lost.detail
    assert restored.blind_ns > 900_000_000


def test_a_camera_that_does_not_come_back_ends_the_stream(make_server: Callable[..., Server]) -> None:
    server = make_server()
    settings = RtspSettings(read_timeout_s=1.0, first_wait_s=0.05, longest_wait_s=0.1, max_reconnects=3)
    with closing(connect(server.address(), settings)) as source:
        items = iter(source)
        take(items, 5)
        server.kill()
        rest = list(items)
    assert [type(i) for i in rest[-2:]] == [CameraLost, StreamEnded]


def test_a_camera_that_ends_its_stream_counts_as_lost(make_server: Callable[..., Server]) -> None:
    server = make_server("--pictures", "30")
    with closing(connect(server.address())) as source:
        assert any(isinstance(i, CameraLost) for i in take(iter(source), 50))


def test_a_camera_that_changes_its_size_says_what_to_mend(make_server: Callable[..., Server]) -> None:
    server = make_server()
    other = None
    try:
        with closing(connect(server.address())) as source:
            items = iter(source)
            take(items, 5)
            server.kill()
            other = Server("--port", server.port, "--width", "320")
            details = []
            for item in items:
                if isinstance(item, CameraLost):
                    details.append(item.detail)
                if details and "320x128 now, not 160x128" in details[-1]:
                    break
    finally:
        if other:
            other.kill()
    assert "start the watch again" in details[-1]


def test_a_slow_watch_loses_the_oldest_pictures_and_hears_how_many(steady: Server) -> None:
    settings = RtspSettings(waiting=4)
    with closing(connect(steady.address(), settings)) as source:
        items = iter(source)
        take(items, 2)
        time.sleep(1.0)
        later = take(items, 8)
    pictures = [i for i in later if isinstance(i, Frame)]
    dropped = sum(i.count for i in later if isinstance(i, FramesDropped))
    assert 15 < dropped < 30  # a second's worth, less those that waited
    assert len(pictures) + dropped == pictures[-1].index - 1  # all from index 2 on are accounted for
    assert pictures[-1].received_ns - pictures[-1].time_ns < 500_000_000


def test_datagrams_work_too(steady: Server) -> None:
    with closing(connect(steady.address(), RtspSettings(transport="udp", read_timeout_s=2.0))) as source:
        assert len([i for i in take(iter(source), 5) if isinstance(i, Frame)]) == 5


def test_a_wrong_path_is_bad_input(steady: Server) -> None:
    with pytest.raises(InputError, match=r"/nothing: .*404.*check the path"):
        connect(steady.address("nothing"))


def test_a_refused_connection_is_worth_another_try() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{port}/x: cannot connect .*refused"):
        connect(f"rtsp://127.0.0.1:{port}/x")


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began_s = time.monotonic()
        with pytest.raises(UnavailableError, match="no answer within 1 s"):
            connect(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x", RtspSettings(open_timeout_s=1.0))
        assert time.monotonic() - began_s < 3.0


def test_a_server_that_talks_nonsense_is_unavailable() -> None:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def talk() -> None:
            with suppress(OSError):
                peer, _ = listening.accept()
                peer.sendall(b"HTTP/1.0 200 fine\r\n\r\n" * 20)
                peer.close()

        thread = Thread(target=talk)
        thread.start()
        with pytest.raises(UnavailableError):
            connect(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/x", RtspSettings(open_timeout_s=1.0))
        thread.join()


def test_a_login_is_used_and_never_told(make_server: Callable[..., Server]) -> None:
    server = make_server("--login", "officer:s3cret")
    with closing(connect(server.address(login="officer:s3cret@"))) as source:
        items = iter(source)
        assert isinstance(next(items), Frame)
        server.kill()
        lost = next(i for i in items if isinstance(i, CameraLost))
    assert "s3cret" not in repr(lost)


def test_a_refused_login_names_neither_user_nor_password(make_server: Callable[..., Server]) -> None:
    server = make_server("--login", "officer:s3cret")
    with pytest.raises(InputError, match=r"refuses the login \(401\); check user and password") as caught:
        connect(server.address(login="officer:wr0ng@"))
    shown = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert not any(word in repr(error) for error in shown for word in ("officer", "wr0ng"))


def test_stopping_ends_the_stream_after_what_waits(steady: Server) -> None:
    with closing(connect(steady.address())) as source:
        items = iter(source)
        take(items, 3)
        source.stop()
        rest = list(items)
    assert isinstance(rest[-1], StreamEnded)
    assert rest[-1].frames == 3 + sum(isinstance(i, Frame) for i in rest)


def test_stopping_while_the_camera_is_away_does_not_wait_for_it(make_server: Callable[..., Server]) -> None:
    server = make_server()
    patient = RtspSettings(read_timeout_s=1.0, first_wait_s=60.0, longest_wait_s=60.0)
    with closing(connect(server.address(), patient)) as source:
        items = iter(source)
        take(items, 3)
        server.kill()
        next(i for i in items if isinstance(i, CameraLost))
        began_s = time.monotonic()
        source.stop()
        assert isinstance(list(items)[-1], StreamEnded)
        assert time.monotonic() - began_s < 2.0


def test_closing_twice_leaves_no_thread(steady: Server) -> None:
    source = connect(steady.address())
    source.close()
    source.close()
    assert list(source) == []
    assert not source._thread.is_alive()


def test_an_address_opens_a_live_source(steady: Server) -> None:
    with closing(open_source(steady.address(), "gate", live=IMPATIENT)) as source:
        assert isinstance(source, RtspSource)
        assert isinstance(next(iter(source)), Frame)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://user:pass@cam/stream", "rtsp://***@cam/stream"),
        ("rtsp://us@er:p@ss/w@cam:554/s", "rtsp://***@cam:554/s"),
        ("rtsp://user@cam/s", "rtsp://***@cam/s"),
        ("rtsp://cam/s?user=a&password=b&channel=1", "rtsp://cam/s?user=a&password=***&channel=1"),
        ("rtsp://cam/s?token=abc", "rtsp://cam/s?token=***"),
        ("rtsp://cam/s", "rtsp://cam/s"),
    ],
)
def test_secrets_are_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_the_longest_and_differ_between_cameras(attempt: int, share: float) -> None:
    settings = RtspSettings(first_wait_s=0.5, longest_wait_s=30.0, jitter=0.5)
    full = min(30.0, 0.5 * 2.0 ** min(attempt, 32))
    assert full / 2 <= wait_s(attempt, settings, share) <= full
    assert wait_s(attempt, settings, 0.0) == full

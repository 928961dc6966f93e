"""The command `marsad doctor`: whether this machine can do the work, and what to do where it cannot.

What may be broken is imported where it is looked at, so that the doctor itself always starts.
"""

import contextlib
import importlib
import importlib.metadata
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from marsad.kernel.error import MarsadError
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Site

OLDEST_PYTHON = (3, 11)
OLDEST_TIME_NS = 1_735_689_600 * 10**9
"""The start of 2025: a clock before that has lost its battery."""
LOW_DISK_BYTES = 2 * 10**9
CONNECT_S = 2.0
RTSP_PORTS = {"rtsp": 554, "rtsps": 322}

_PACKAGES = (
    "av",
    "cptv",
    "cv2",
    "matplotlib",
    "msgspec",
    "numba",
    "numpy",
    "onnxruntime",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)
_CLIP = (96, 64, 12)


class Finding(Record):
    """One thing that was looked at. `advice` says what to do where it is not right; a `note` is no failure."""

    what: str
    state: Literal["ok", "note", "failed"]
    detail: str
    advice: str = ""


class DoctorReport(Record):
    """All that was looked at."""

    ok: bool
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 where nothing failed, 1 otherwise."""
        return 0 if self.ok else 1

    def text(self) -> str:
        """The report for people."""
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.state:>6}  {finding.what}: {finding.detail}")
            lines += [f"        -> {finding.advice}"] if finding.advice else []
        failed = sum(finding.state == "failed" for finding in self.findings)
        lines.append("all is well" if not failed else f"{failed} to mend")
        return "\n".join(lines)


class _TroubleError(Exception):
    """What is wrong, and what to do about it."""

    def __init__(self, detail: str, advice: str, state: Literal["note", "failed"] = "failed") -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice
        self.state: Literal["note", "failed"] = state


Look = Callable[[], str]


def diagnose(
    site_file: Path | None = None, *, out: Path | None = None, share: Path | None = None, spool: Path | None = None
) -> DoctorReport:
    """What was found of the machine, of the cameras of a site file, and of the link to the partner of a folder.

    `out` is where logs go, else here; `spool` the partner's spool, where that is not in its folder.
    """
    folder = Path() if out is None else out
    looks: list[tuple[str, Look]] = [
        ("Python", _python),
        ("packages", _packages),
        ("H.264", _h264),
        ("numba", _numba),
        ("RTSP test server", _gstreamer),
        ("clock", _clock),
        ("clock synchronised", _synchronised),
        ("time zone", _time_zone),
        ("disk", lambda: _disk(folder)),
        ("writing", lambda: _writing(folder)),
    ]
    if share is not None:
        looks.append(("link", lambda: _link(share, spool)))
    findings = [_look(what, look) for what, look in [*looks, *_camera_looks(site_file, folder)]]
    return DoctorReport(ok=all(finding.state != "failed" for finding in findings), findings=tuple(findings))


def _look(what: str, look: Look) -> Finding:
    """The finding, whatever happens while looking."""
    try:
        return Finding(what=what, state="ok", detail=look())
    except _TroubleError as trouble:
        return Finding(what=what, state=trouble.state, detail=trouble.detail, advice=trouble.advice)
    except MarsadError as error:
        return Finding(what=what, state="failed", detail=str(error), advice="mend what the message names")
    except Exception as error:  # noqa: BLE001 - a broken machine breaks in ways nobody has listed
        detail = f"{type(error).__name__}: {error}"
        return Finding(what=what, state="failed", detail=detail, advice="install Marsad again (make setup), then ask")


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise _TroubleError(version, f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")
    return version


def _packages() -> str:
    missing = []
    for name in _PACKAGES:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a package that is half there fails in any way it likes
            missing.append(f"{name} ({error})")
    if missing:
        raise _TroubleError("cannot be imported: " + ", ".join(missing), "install the locked packages: make setup")
    rivals = [name for name in ("opencv-python", "opencv-contrib-python") if _installed(name)]
    if rivals:
        raise _TroubleError(
            f"{rivals[0]} is installed beside opencv-python-headless and overwrites it",
            f"pip uninstall {rivals[0]}, then pip install --force-reinstall opencv-python-headless",
        )
    return f"all {len(_PACKAGES)} import"


def _installed(name: str) -> bool:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version(name)
        return True
    return False


def _h264() -> str:
    """Encode a tiny clip in memory and decode it again."""
    width, height, count = _CLIP
    advice = "install the wheel of PyAV (pip install --force-reinstall av): it brings libx264 and the decoder"
    try:
        levels = _round_trip(width, height, count)
    except Exception as error:
        raise _TroubleError(f"does not work: {type(error).__name__}: {error}", advice) from error
    if len(levels) != count or levels != sorted(levels):
        raise _TroubleError(f"{count} pictures went in, {len(levels)} came out, or not as they were", advice)
    return f"encodes and decodes ({width}x{height}, {count} pictures)"


def _round_trip(width: int, height: int, count: int) -> list[float]:
    """The mean brightness of ever brighter pictures after H.264."""
    av, np = importlib.import_module("av"), importlib.import_module("numpy")
    clip = io.BytesIO()
    with av.open(clip, "w", format="mp4") as sink:
        stream = sink.add_stream("libx264", rate=Fraction(9))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(count):
            picture = np.full((height, width), 40 + 10 * index, np.uint8)
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")))
        sink.mux(stream.encode())
    clip.seek(0)
    with av.open(clip) as source:
        return [float(frame.to_ndarray(format="gray").mean()) for frame in source.decode(video=0)]


def _numba() -> str:
    """Compile one function, which needs a folder for its cache too."""
    numba = importlib.import_module("numba")
    add = numba.njit(lambda one, two: one + two)
    if add(1, 2) != 3:
        raise _TroubleError("compiles, but computes wrongly", "install the locked packages again: make setup")
    return f"{numba.__version__} compiles"


def _gstreamer() -> str:
    """Whether the RTSP server that tests use is there; the work itself does not need it."""
    advice = (
        "only the RTSP tests need it: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 "
        "gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
    )
    system = Path("/usr/bin/python3")
    if not system.exists():
        raise _TroubleError("there is no /usr/bin/python3", advice, "note")
    program = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    done = subprocess.run([system, "-c", program], capture_output=True, timeout=20, check=False)  # noqa: S603 - fixed
    if done.returncode:
        raise _TroubleError("not installed", advice, "note")
    return "installed"


def _clock() -> str:
    """Whether the clock is in this age, and runs as fast as the one that nobody sets."""
    now_ns, steady_ns = time.time_ns(), time.monotonic_ns()
    if now_ns < OLDEST_TIME_NS:
        when = time.strftime("%Y-%m-%d", time.gmtime(now_ns // 10**9))
        raise _TroubleError(
            f"says {when}", "set the clock (timedatectl set-time, or an NTP server) and check its battery"
        )
    time.sleep(0.1)
    drift_ns = (time.time_ns() - now_ns) - (time.monotonic_ns() - steady_ns)
    if abs(drift_ns) > 5_000_000:
        raise _TroubleError(
            f"moved {drift_ns / 1e6:+.1f} ms against the steady one within 100 ms",
            "find what sets it: let one NTP service slew it, and none step it",
        )
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


def _synchronised() -> str:
    """Whether the kernel's clock is kept by a time service."""
    advice = "run one time service (chrony or systemd-timesyncd), or a GPS receiver where there is no network"
    command = shutil.which("timedatectl")
    if command is not None:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [command, "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        answer = done.stdout.strip()
        if answer in {"yes", "no"}:
            if answer == "no":
                raise _TroubleError("no", advice, "note")
            return "yes"
    raise _TroubleError(
        "not known: timedatectl does not answer here", f"see that the host's clock is kept; {advice}", "note"
    )


def _time_zone() -> str:
    """The zone, for the record: Marsad keeps UTC whatever it is."""
    return f"{time.tzname[0]}, {time.strftime('%z', time.localtime())} from UTC; logs are in UTC"


def _disk(folder: Path) -> str:
    """Room where logs go."""
    near = _nearest(folder)
    free = shutil.disk_usage(near).free
    if free < LOW_DISK_BYTES:
        raise _TroubleError(f"{free / 1e9:.1f} GB free at {near}", "free some space, or write to another disk (--out)")
    return f"{free / 1e9:.1f} GB free at {near.absolute()}"


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())


def _writing(folder: Path) -> str:
    """Whether a file can be made, synchronised and removed there."""
    near = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=near) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _TroubleError(
            f"{near}: {error.strerror}", "give this user the right to write there, or choose --out"
        ) from error
    return f"{near} can be written to"


def _link(share: Path, spool: Path | None) -> str:
    """What the gateway, `marsad tak` or `marsad cap` noted last of the link, and whether that is recent."""
    agreement_file = importlib.import_module("marsad.app.agreement_file")
    courier = importlib.import_module("marsad.app.courier")
    inbox, sharing = importlib.import_module("marsad.adapters.inbox"), importlib.import_module("marsad.app.sharing")
    agreement_file.read_signed(share / sharing.AGREEMENT)
    with inbox.SpoolReader(sharing.Share(share, spool=spool).spool_file) as reader:
        change = reader.last_change()
    if change is None:
        raise _TroubleError(
            "nothing is noted yet", "start marsad gateway or, for a partner without Marsad, marsad tak or cap"
        )
    age_s = (time.time_ns() - change.time_ns) / 1e9
    said = f"{change.state} ({change.reason}), noted {age_s:.0f} s ago"
    if change.state not in courier.STANDING:
        raise _TroubleError(said, "look at the line, the partner's server and both certificates")
    return said


def _camera_looks(site_file: Path | None, folder: Path) -> Iterator[tuple[str, Look]]:
    """One look for each camera of the site and one for its rules, or one that says what is wrong with the file."""
    if site_file is None:
        return
    try:
        site = _load(site_file)
    except Exception as error:  # noqa: BLE001 - shown as a finding, whatever it is
        message = str(error)
        yield "site", lambda: _unusable(message, site_file)
        return
    yield "site", lambda: f"{site.name}, {len(site.cameras)} cameras"
    yield "retention", lambda: _retention(site, folder)
    for camera in site.cameras:
        yield f"camera {camera.id}", partial(_camera, camera)


def _load(site_file: Path) -> Site:
    """The site, read by modules that need the packages looked at above."""
    site: Site = importlib.import_module("marsad.app.config").load_site(site_file)
    return site


def _retention(site: Site, folder: Path) -> str:
    """What is erased by rule, and how the last run went where there is a station's log."""
    rules = site.retention
    if not rules.keep:
        return "everything is kept for good: the site file has no days under [retention]"
    days = ", ".join(f"{kind} {count:g} days" for kind, count in rules.keep.items())
    says = f"{days}, by order of {rules.ordered_by}, from {rules.from_hour:02d}:00 to {rules.until_hour:02d}:00"
    log = folder / "events.sqlite"
    if not log.is_file():
        return says
    run = importlib.import_module("marsad.app.retention").last_run(log)
    if run is None:
        return f"{says}; nothing has been erased yet"
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime((run.ended_ns or run.begun_ns) / 1e9))
    how = "all done" if run.done else "not all yet"
    return f"{says}; last {when}: {sum(run.erased.values())} entries, {how}"


def _unusable(message: str, site_file: Path) -> str:
    raise _TroubleError(message, f"mend the file; marsad check {site_file} lists the same")


def _camera(camera: Camera) -> str:
    """Whether the recording exists, or the camera lets us in and sends pictures of the size that the site file says."""
    if not camera.source:
        raise _TroubleError("names no source", "set its source, or name the source when you watch", "note")
    if "://" not in camera.source:
        return f"{camera.source} exists"
    address = urlsplit(camera.source)
    host, port = address.hostname or "", address.port or RTSP_PORTS[address.scheme.lower()]
    started = time.monotonic()
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError as error:
        raise _TroubleError(
            f"{host} port {port} does not answer ({error})",
            "look at its power, cable and address, and whether a firewall lets RTSP through",
        ) from error
    answers = f"{host} port {port} answers in {(time.monotonic() - started) * 1000:.0f} ms"
    return f"{answers}, {_pictures(camera)}"


def _pictures(camera: Camera) -> str:
    """What the camera sends."""
    sources = importlib.import_module("marsad.adapters.sources")
    try:
        source = sources.open_source(camera.source, camera.id)
    except MarsadError as error:
        raise _TroubleError(str(error), "try the same address in another player on this machine") from error
    source.close()
    info, lens = source.info, camera.lens
    sends = f"sends {info.width_px}x{info.height_px} at {info.fps:g} a second"
    if (info.width_px, info.height_px) != (lens.width_px, lens.height_px):
        raise _TroubleError(
            f"{sends}, and the site file says {lens.width_px}x{lens.height_px}", "mend the lens, or the camera's stream"
        )
    return sends

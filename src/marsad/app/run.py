"""The command `marsad run`: a site's cameras watched, and its console served, until it is told to stop."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from marsad.app.camera_wire import Orders
from marsad.app.config import load_site
from marsad.app.plan_file import load_plan_file
from marsad.app.sharing import Share
from marsad.app.station import FILM, Place, Plan, Station
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.kernel.site import Camera


class RunReport(Record):
    """What a run came to: how long the log was at its end, and its head."""

    site: str
    url: str
    out: str
    seconds: float
    entries: int
    head: str
    restarts: int

    @property
    def exit_code(self) -> int:
        """0: it was told to stop, and did."""
        return 0

    def text(self) -> str:
        """The report for people."""
        return (
            f"{self.site}: watched for {self.seconds:.0f} s, {self.entries} entries in {self.out}, log head {self.head}"
        )


class Options(NamedTuple):
    """What may be said of how cameras are watched, and whom it is shared with."""

    model: Path | None = None
    faint: bool = False
    share: Share | None = None
    planned: Path | None = None


def run_site(path: Path, place: Place, *, seconds: float | None = None, options: Options | None = None) -> RunReport:
    """Watch a site until it is told to stop, or for so long.

    Raises: InputError for a bad site file, or one whose cameras have no source; UnavailableError where the folder or
    the port cannot be had.
    """
    options = options or Options()
    check_time(seconds)
    check_place(place)
    if options.model is not None and not options.model.is_file():
        raise InputError(f"--model {options.model}: no such file")
    configure_log()
    return asyncio.run(_run(path, place, seconds, options))


async def _run(path: Path, place: Place, seconds: float | None, options: Options) -> RunReport:
    site = load_site(path)
    without = [camera.id for camera in site.cameras if not camera.source]
    if without or not site.cameras:
        named = f"cameras without a source: {', '.join(without)}" if without else "no cameras"
        raise InputError(f"{path}: has {named}; set cameras.source to an rtsp:// address or a recording")
    planned = None if options.planned is None else load_plan_file(options.planned)
    orders = [_orders(path, camera, place.out, options) for camera in site.cameras]
    station = Station(place, Plan(site=site, orders=orders, share=options.share, planned=planned))
    began_s = asyncio.get_running_loop().time()
    with stop_asked() as asked:
        await station.open()
        try:
            await first_of(asked.wait(), station.failed(), _after(seconds))
        finally:
            await station.close()
    head = station.log.written()
    return RunReport(
        site=site.name, url=station.url, out=str(place.out),
        seconds=round(asyncio.get_running_loop().time() - began_s, 1), entries=head.length, head=str(head),
        restarts=sum(each.restarts for each in station.cameras.keepers.values()),
    )  # fmt: skip


def _orders(path: Path, camera: Camera, out: Path, options: Options) -> Callable[[], Orders]:
    orders = Orders(
        camera_id=camera.id, site=str(path.absolute()), source=camera.source, film=str((out / FILM).absolute()),
        model="" if options.model is None else str(options.model.absolute()), faint=options.faint,
    )  # fmt: skip
    return lambda: orders


@contextlib.contextmanager
def stop_asked() -> Iterator[asyncio.Event]:
    """An event that is set by Ctrl-C and SIGTERM; a second one ends the program at once."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            os._exit(130)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    try:
        yield asked
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of these is over."""
    tasks = [asyncio.create_task(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _after(seconds: float | None) -> None:
    await (asyncio.Event().wait() if seconds is None else asyncio.sleep(seconds))


def configure_log() -> None:
    """Lines of the program's own on standard error, with the time and what they are about."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def check_place(place: Place) -> None:
    """Nothing for a place where a station can be. Raises: InputError saying what of it is wrong."""
    if not 0 < place.quota_gb < float("inf"):
        raise InputError(f"--quota {place.quota_gb:g}: how many gigabytes of film are kept, above 0")
    if place.tls_proxy and place.certificate is not None:
        raise InputError("--tls-proxy: the proxy has the certificate; leave --certificate out")
    if place.certificate is None:
        if place.key is not None:
            raise InputError(f"--key {place.key}: name its certificate with --certificate, or there is no TLS")
        return
    for option, path in (("--certificate", place.certificate), ("--key", place.key)):
        if path is not None and not path.is_file():
            raise InputError(f"{option} {path}: no such file")
    try:
        # One that asks for a password would have nobody to answer it under systemd.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(place.certificate, place.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise InputError(
            f"--certificate {place.certificate}: no certificate with a key that fits, in PEM and without a password "
            f"({error}); where the key is in a file of its own, name it with --key"
        ) from error


def check_time(seconds: float | None) -> None:
    """Nothing for a time above 0, or none. Raises: InputError for any other."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise InputError(f"--for {seconds}: how many seconds, above 0")

"""The command `marsad bench watch`: a campaign played through the watch, piece by piece, and what it comes to."""

import hashlib
import math
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import resources
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

import cv2
import msgspec
import numpy as np
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from marsad import __version__
from marsad.app.bench_watch_page import PLOTS, Campaign, Header, Seeds, brief, page, write
from marsad.app.bench_watch_piece import play
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.record import Record
from marsad.report.accuracy import Played, summarise
from marsad.simulate.campaign import PARTS, Densities, Piece, Sizes, plan
from marsad.watch.faint import FaintSettings
from marsad.watch.watcher import WatchSettings

SHORT: Final = Sizes(
    crossing_scenes=1,
    group_scenes=1,
    flock_scenes=1,
    days=2 * 96 / 86_400,
    fault_scenes=1,
    chunk_s=96.0,
    crossing_s=70.0,
    box_scenes=2,
)
FULL: Final = Sizes()
_SEEDS: Final[dict[Seeds, int]] = {"tune": 1, "held-out": 2}
_DAY_STREAM: Final = 100
_ROOMS: Final = ("kernel", "geo", "simulate", "watch", "respond")


class Task(Record):
    """One piece for one process."""

    piece: Piece
    seeds: Seeds
    faint: bool
    out: Path


def play_campaign(
    *,
    sizes: Sizes,
    out: Path,
    resume: bool,
    jobs: int | None,
    seeds: Seeds,
    faint: bool = False,
    densities: Densities | None = None,
) -> Campaign:
    """Play what of a campaign is not yet in `out`, a process for each core, and sum up all of it.

    Raises: InputError where `out` holds pieces that must not be mixed with these, UnavailableError where it cannot be
    written to.
    """
    dealt = densities or Densities()
    header = Header(
        version=__version__,
        code=code_hash(),
        seeds=seeds,
        densities=dealt,
        chunk_s=sizes.chunk_s,
        crossing_s=sizes.crossing_s,
        faint=faint,
    )
    store = Store(out, header, resume=resume)
    pieces = plan(sizes, dealt, lambda day: np.random.default_rng([_SEEDS[seeds], _DAY_STREAM, day]))
    done = store.read()
    todo = [piece for piece in pieces if piece.key not in done]
    tasks = [Task(piece=piece, seeds=seeds, faint=faint, out=out) for piece in todo]
    for played in _play(tasks, jobs):
        store.append(played)
        done[played.key] = played
    wanted = [done[piece.key] for piece in pieces if piece.key in done]
    return Campaign(
        header=header,
        densities_a_day=dealt,
        accuracy=summarise(wanted),
        out=str(out),
        complete=len(wanted) == len(pieces),
    )


def run_campaign(
    *,
    full: bool,
    days: float | None,
    out: Path,
    resume: bool,
    jobs: int | None,
    seeds: Seeds,
    faint: bool,
    as_json: bool,
) -> Campaign:
    """Play a campaign, print its page, and leave tables and plots in `out`.

    Raises: InputError for a number of days that is not above 0.
    """
    sizes = FULL if full else SHORT
    if days is not None:
        if not (math.isfinite(days) and days > 0):
            raise InputError(f"--days {days}: how many camera-days of nuisances to play, above 0")
        sizes = msgspec.structs.replace(sizes, days=days)
    campaign = play_campaign(sizes=sizes, out=out, resume=resume, jobs=jobs, seeds=seeds, faint=faint)
    write(campaign, out)
    console = Console(quiet=as_json, highlight=False)
    console.print(Markdown(page(campaign)))
    console.print(f"In {out}: accuracy.md, accuracy.json, {', '.join(f'{name}.png' for name in PLOTS)}.")
    if as_json:
        Console(soft_wrap=True, highlight=False, markup=False).print(msgspec.json.encode(brief(campaign)).decode())
    return campaign


class Store:
    """The folder of a campaign: a header, and one line for each finished piece.

    A line is on the disk before the next piece is waited for; one that was broken off is left out when read.
    """

    def __init__(self, out: Path, header: Header, *, resume: bool) -> None:
        self._pieces = out / "pieces.jsonl"
        about = out / "campaign.json"
        try:
            for folder in ("boxes", "alarms"):
                (out / folder).mkdir(parents=True, exist_ok=True)
            if about.exists():
                _must_fit(about, header, resume=resume)
            about.write_bytes(msgspec.json.format(msgspec.json.encode(header)))
            self._pieces.touch()
            self._mend()
        except OSError as error:
            raise UnavailableError(f"{out}: cannot be written to ({error.strerror}); choose another --out") from error

    def _mend(self) -> None:
        """Leave out a last line that was broken off."""
        held = self._pieces.read_bytes()
        whole = held.rfind(b"\n") + 1
        if whole != len(held):
            with self._pieces.open("r+b") as file:
                file.truncate(whole)

    def read(self) -> dict[str, Played]:
        """The pieces that are finished, by their keys.

        Raises: InputError for a line that is no such piece.
        """
        done: dict[str, Played] = {}
        for number, line in enumerate(self._pieces.read_bytes().splitlines(), start=1):
            try:
                played = msgspec.json.decode(line, type=Played)
            except msgspec.DecodeError as error:
                raise InputError(
                    f"{self._pieces}, line {number}: {error}; remove the line, and it is played again"
                ) from error
            done[played.key] = played
        return done

    def append(self, played: Played) -> None:
        """Put one finished piece on the disk."""
        with self._pieces.open("ab") as file:
            file.write(msgspec.json.encode(played) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _must_fit(about: Path, header: Header, *, resume: bool) -> None:
    """Refuse to mix what is in a folder with a campaign of another kind."""
    if not resume:
        raise InputError(f"{about.parent} holds a campaign: carry it on with --resume, or choose another --out")
    try:
        held = msgspec.json.decode(about.read_bytes(), type=Header)
    except msgspec.DecodeError as error:
        raise InputError(f"{about}: {error}; choose another --out") from error
    for name in header.__struct_fields__:
        was, now = getattr(held, name), getattr(header, name)
        if was != now:
            raise InputError(
                f"{about.parent} was begun with another {name} ({_short(was)}, now {_short(now)}), and the pieces of "
                "two campaigns do not mix: choose another --out"
            )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:79] + "…"


def code_hash() -> str:
    """A hash of the source of all rooms that a campaign goes through."""
    digest = hashlib.sha256()
    root = resources.files("marsad")
    for room in _ROOMS:
        for path in sorted((each for each in root.joinpath(room).iterdir()), key=lambda each: each.name):
            if path.name.endswith(".py"):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def piece_rng(piece: Piece, seeds: Seeds) -> np.random.Generator:
    """The random numbers of one piece; tuning and held-out seeds never meet."""
    return np.random.default_rng([_SEEDS[seeds], PARTS.index(piece.part), piece.number])


def _play(todo: Sequence[Task], jobs: int | None) -> Iterator[Played]:
    """Play pieces on as many cores as asked for, each told of as soon as it is finished."""
    if not todo:
        return
    workers = min(jobs or os.cpu_count() or 1, len(todo))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    with _bar(todo) as bar:
        task = bar.add_task("", total=len(todo))
        try:
            futures = [pool.submit(play_task, each) for each in todo]
            for future in as_completed(futures):
                yield future.result()
                bar.advance(task)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def play_task(task: Task) -> Played:
    """Play one piece, and leave its boxes in a file where it keeps them, and pictures of unwanted alarms."""
    settings = WatchSettings(faint=FaintSettings()) if task.faint else None
    played, boxes, strips = play(task.piece, piece_rng(task.piece, task.seeds), settings)
    for name, picture in strips.items():
        cv2.imwrite(str(task.out / "alarms" / f"{name}.png"), picture)
    if task.piece.boxes:
        np.savez_compressed(
            task.out / "boxes" / f"{played.key}.npz",
            frames=np.array(played.frames),
            fps=np.array(played.frames / played.seconds),
            truth=boxes.truth,
            tracks=boxes.tracks,
            written_back=boxes.written_back,
            detections=boxes.detections,
        )
    return played


def _bar(todo: Iterable[Task]) -> Progress:
    minutes = sum(each.piece.seconds for each in todo) / 60
    return Progress(
        TextColumn(f"{minutes:.0f} simulated minutes"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )

"""The command `marsad bench fuse`: Marsad's fuser beside Stone Soup's on the same made-up scenes."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from marsad.adapters.writing import replace_whole, write_refusal
from marsad.app.bench_fuse_drawing import draw_engines
from marsad.app.bench_fuse_judging import Judged, Said, difference_percent, judge
from marsad.app.bench_fuse_marsad import marsad_estimates
from marsad.app.bench_fuse_peers import Peers
from marsad.app.bench_fuse_scenes import PAIR, REGISTERED, TURNED_VALLEY, VALLEY, Linear, Scene, linear, towers, write
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.report.interval import Mean, mean_of
from marsad.report.walktest_text import table

CUTOFF_M: Final = 20.0
ENGINES: Final = ("gnn", "jpda")
PEERS_TO: Final = 500
"""The peers are not asked about more targets than this."""
DRAWN_TO: Final = 100
_SCANS: Final[Mapping[int, int]] = {500: 40, 2000: 30}
"""Fewer than 60 where a scan takes a peer a second."""
COLUMNS: Final[Mapping[str, str]] = {
    "milliseconds": "ms a look", "gospa_m": "GOSPA, m", "offset_m": "offset, m", "missed": "missed", "false": "false",
    "switches": "switches an hour", "nees": "NEES",
}  # fmt: skip


class Case(NamedTuple):
    """A kind of scene, made by its seed: how much of each is not judged, and which of the peers are asked."""

    name: str
    make: Callable[[int], Scene]
    settle_s: float
    engines: Sequence[str]
    last_looks: int


class Measured(NamedTuple):
    """What each engine came to on each scene, None where it was given up; and the first scene with what was said."""

    case: Case
    judged: Mapping[str, Sequence[Judged | None]]
    scene: Scene
    said: Mapping[str, Said]


def linear_case(size: int) -> Case:
    """So many walkers that a radar measures as places."""
    made = Linear(size, scans=_SCANS.get(size, 60))
    return Case(f"linear-{size}", partial(linear, made), 10.0, ENGINES if size <= PEERS_TO else (), 3)


TOWERS: Final = {
    "pair": Case("pair", partial(towers, PAIR), 20.0, (), 6),
    "registered": Case("registered", partial(towers, REGISTERED), 120.0, (), 6),
    "valley": Case("valley", partial(towers, VALLEY), 30.0, ENGINES, 6),
    "turned_valley": Case("turned_valley", partial(towers, TURNED_VALLEY), 120.0, ENGINES, 6),
}
"""What cameras on masts see."""


def measure(
    case: Case, seeds: Iterable[int], peers: Peers | None, tell: Callable[[str], None] = lambda _engine: None
) -> Measured:
    """Each engine on the scenes of a case; `tell` hears of each engine before it begins.

    Raises: UnavailableError where the peers fail.
    """
    scenes = {seed: case.make(seed) for seed in seeds}
    said: dict[str, Sequence[Said]] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"{seed}.npz" for seed in scenes]
        for scene, path in zip(scenes.values(), paths, strict=True):
            write(scene, path)
        if peers is not None:
            for engine in case.engines:
                tell(engine)
                (said[engine],) = peers.said(paths, engine, [peers.tuned(case.name, engine)], folder)
    tell("marsad")
    said["marsad"] = [marsad_estimates(scene) for scene in scenes.values()]
    judged = {
        engine: [judge(scene, each, CUTOFF_M, case.settle_s) for scene, each in zip(scenes.values(), over, strict=True)]
        for engine, over in said.items()
    }
    return Measured(case, judged, next(iter(scenes.values())), {engine: over[0] for engine, over in said.items()})


class EngineRow(Record):
    """An engine's figures in one case, means over scenes; none where it was given up in one of them."""

    case: str
    engine: str
    figures: dict[str, Mean]


class Versus(Record):
    """Marsad beside a peer, scene by scene: by how much its GOSPA is greater, and how many times as fast it is."""

    case: str
    engine: str
    gospa_percent: Mean
    times_as_fast: Mean


class FuseBench(Record):
    """What `marsad bench fuse` prints; `files` lie in `out`. Intervals hold 95 %, by Student's t over the scenes."""

    seeds: int
    rows: tuple[EngineRow, ...]
    versus: tuple[Versus, ...]
    peers: Literal["measured", "left out", "absent"]
    out: str
    files: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0: to measure is not to judge."""
        return 0

    def text(self) -> str:
        """The tables for people."""
        parts = [f"{self.seeds} scenes of each case; means with 95 % intervals over scenes", _engine_table(self.rows)]
        if self.versus:
            parts.append(_versus_table(self.versus))
        if self.peers == "absent":
            parts.append(
                "Stone Soup is not here, so Marsad stands alone. To measure beside it: in a checkout of the source,\n"
                "`make peers` makes .venv-peers; then run this there, or say --peers CHECKOUT"
            )
        return "\n\n".join([*parts, f"Written to {self.out}: {', '.join(self.files)}"])


def bench_fuse(
    *, sizes: Sequence[int], towers_of: Sequence[str], seeds: int, peers: Path | None, out: Path, show: bool
) -> FuseBench:
    """Measure case by case, and leave the figures and a picture of each case in a folder; `peers` is a checkout.

    Raises: InputError for what cannot be measured, UnavailableError where the peers fail or the folder cannot be
    written to.
    """
    if seeds < 1 or any(size < 1 for size in sizes):
        raise InputError(f"--seeds {seeds}, --size {', '.join(map(str, sizes))}: whole numbers from 1")
    unknown = [name for name in towers_of if name not in TOWERS]
    if unknown:
        raise InputError(f"--towers {', '.join(unknown)}: there are {', '.join(TOWERS)}")
    found = None if peers is None else Peers(peers)
    beside = found if found is not None and found.there else None
    cases = [*(TOWERS[name] for name in towers_of), *map(linear_case, sizes)]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error
    measured, files = [], ["fuse.json"]
    with _bar(show=show) as bar:
        steps = sum(1 + (len(case.engines) if beside else 0) for case in cases)
        task = bar.add_task("", total=steps, completed=-1)
        for case in cases:
            tell = partial(_step, bar, task, case.name)
            measured.append(measure(case, range(seeds), beside, tell))
            if len(set(measured[-1].scene.truth_id.tolist())) <= 2 * DRAWN_TO:
                files.append(f"{case.name}.png")
                draw_engines(measured[-1].scene, measured[-1].said, out / files[-1], case.last_looks)
        bar.update(task, completed=steps, description="done")
    report = FuseBench(
        seeds=seeds,
        rows=tuple(row for each in measured for row in _rows(each)),
        versus=tuple(row for each in measured for row in _versus(each)),
        peers="measured" if beside else "left out" if found is None else "absent",
        out=str(out),
        files=tuple(files),
    )
    replace_whole(out / "fuse.json", msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return report


def _rows(measured: Measured) -> list[EngineRow]:
    """An engine's row each, Marsad first."""
    rows = []
    for engine in sorted(measured.judged, key=lambda name: (name != "marsad", name)):
        whole = _whole(measured.judged[engine])
        figures = {name: mean_of([getattr(each, name) for each in whole]) for name in Judged._fields} if whole else {}
        rows.append(EngineRow(case=measured.case.name, engine=engine, figures=figures))
    return rows


def _versus(measured: Measured) -> list[Versus]:
    """Marsad beside each peer that came to the end of every scene."""
    ours, rows = _whole(measured.judged["marsad"]), []
    for engine, judged in measured.judged.items():
        theirs = _whole(judged)
        if engine == "marsad" or not theirs:
            continue
        gospa = difference_percent([each.gospa_m for each in ours], [each.gospa_m for each in theirs])
        faster = [other.milliseconds / own.milliseconds for own, other in zip(ours, theirs, strict=True)]
        rows.append(Versus(case=measured.case.name, engine=engine, gospa_percent=gospa, times_as_fast=mean_of(faster)))
    return rows


def _whole(judged: Sequence[Judged | None]) -> list[Judged]:
    """What came of every scene; nothing where one of them is missing."""
    done = [each for each in judged if each is not None]
    return done if len(done) == len(judged) else []


def _engine_table(rows: Sequence[EngineRow]) -> str:
    lines = []
    for row in rows:
        given_up = ["given up: a look took too long", *[""] * (len(COLUMNS) - 1)]
        cells = [_said(row.figures[name]) for name in COLUMNS] if row.figures else given_up
        lines.append([row.case, row.engine, *cells])
    return table(["case", "engine", *COLUMNS.values()], lines)


def _versus_table(versus: Sequence[Versus]) -> str:
    lines = [
        [each.case, each.engine, _range(each.gospa_percent, "+.1f"), _range(each.times_as_fast, ".1f")]
        for each in versus
    ]
    return table(["case", "Marsad beside", "GOSPA greater by, %", "times as fast"], lines)


def _said(mean: Mean) -> str:
    """A mean, and how far its interval reaches to either side."""
    if mean.mean is None:
        return "none"
    return f"{mean.mean:.3g}" if mean.low is None else f"{mean.mean:.3g} +- {mean.mean - mean.low:.2g}"


def _range(mean: Mean, form: str) -> str:
    """A mean, and between what the true one lies."""
    if mean.mean is None:
        return "none"
    if mean.low is None or mean.high is None:
        return f"{mean.mean:{form}}"
    return f"{mean.mean:{form}} ({mean.low:{form}} to {mean.high:{form}})"


def _step(bar: Progress, task: TaskID, case: str, engine: str) -> None:
    bar.update(task, advance=1, description=f"{case}: {engine}")


def _bar(*, show: bool) -> Progress:
    """A progress bar on standard error, a step for each engine and case."""
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not (show and sys.stderr.isatty()),
    )

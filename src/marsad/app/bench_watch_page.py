"""A campaign's result for people: one page of tables, and plots."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from marsad.kernel.record import Record
from marsad.report.accuracy import DAY_S, Accuracy, Delay, Goal
from marsad.report.interval import Bin, Rate, Share
from marsad.simulate.campaign import Densities

PLOTS = ("pd_snr", "pd_height", "pd_range", "delay", "reliability")

Rows = Iterable[Sequence[str]]
Seeds = Literal["tune", "held-out"]


class Header(Record):
    """What all pieces of a folder have in common; `code` is a hash of the simulator's and the watch's own source."""

    version: str
    code: str
    seeds: Seeds
    densities: Densities
    chunk_s: float
    crossing_s: float
    faint: bool = False


class Campaign(Record):
    """What the command prints: how the campaign was made, and what it comes to."""

    header: Header
    densities_a_day: Densities
    accuracy: Accuracy
    out: str
    complete: bool


def write(campaign: Campaign, folder: Path) -> None:
    """Leave `accuracy.json`, `accuracy.md`, `by_height.json` (for a walk test) and the plots in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "by_height.json").write_bytes(msgspec.json.encode(_by_height(campaign.accuracy)) + b"\n")
    (folder / "accuracy.json").write_bytes(msgspec.json.format(msgspec.json.encode(campaign)) + b"\n")
    (folder / "accuracy.md").write_text(page(campaign), encoding="utf-8")
    draw(campaign.accuracy, folder)


def _by_height(found: Accuracy) -> list[dict[str, float]]:
    """What was found of people and vehicles by their height in pixels, as `marsad walktest --predicted` reads it."""
    return [
        {"height_px_from": each.low, "height_px_to": each.high, "found": each.share.found, "of": each.share.of}
        for each in found.by_height
        if each.share.of
    ]


def page(campaign: Campaign) -> str:
    """All tables, in Markdown."""
    found = campaign.accuracy
    parts = [
        "# Accuracy of the watch on simulated scenes",
        _conditions(campaign),
        "## What was to be reached",
        _table(("figure", "wanted", "measured", ""), (_goal_row(goal) for goal in found.goals)),
        *_finding(found),
        *_unwanted(found),
        *_naming(found),
        *_placing(found),
        *_camera(found),
        _cost(found),
    ]
    return "\n\n".join(parts) + "\n"


def _conditions(campaign: Campaign) -> str:
    header, found = campaign.header, campaign.accuracy
    faint = ", faint movers looked for as well" if header.faint else ""
    state = "" if campaign.complete else " Not all of the campaign has been played yet."
    return (
        f"Marsad {header.version}, code {header.code}, {header.seeds} seeds{faint}: {found.pieces} scenes, "
        f"{found.cost.camera_hours:.1f} camera-hours, of which {found.camera_days:.3g} camera-days of nuisances. All "
        f"of it is simulated.{state} Intervals are 95 %, exact. An event is a target at least half visible, 2 x 5 px "
        "and of SNR 12 or more, for three seconds or more in all."
    )


def _finding(found: Accuracy) -> list[str]:
    return [
        "## Crossings found",
        _table(
            ("walking adults", "found", "95 % interval", "delay p50", "delay p95"),
            [
                ("all weathers", *_share(found.adults), *_delay(found.delay)),
                *(
                    (air, *_share(share), *_delay(found.delay_by_air[air]))
                    for air, share in found.adults_by_air.items()
                ),
                *((name, "", "", *_delay(delay)) for name, delay in found.delay_by_height.items()),
                ("tracked, alarmed or not", *_share(found.adults_tracked), "", ""),
                ("people near a flock", *_share(found.near_flocks), "", ""),
            ],
        ),
        "Alarms raised by each kind (for beasts and plants the fewer the better):",
        _table(("kind", "alarmed", "95 % interval"), ((kind, *_share(share)) for kind, share in found.by_kind.items())),
        "People and vehicles found, those too small or faint for an event included:",
        _table(("SNR", "found", "95 % interval"), _bin_rows(found.by_snr)),
        _table(("SNR over noise alone", "found", "95 % interval"), _bin_rows(found.by_snr_noise)),
        _table(("height, px", "found", "95 % interval"), _bin_rows(found.by_height)),
        _table(("range, m", "found", "95 % interval"), _bin_rows(found.by_range)),
        (
            f"i-LIDS F1: operational alert {_number(found.f1_alert)}, event recording {_number(found.f1_recording)}. "
            f"Tracks on each adult found: {_number(found.tracks_per_crossing)}."
        ),
    ]


def _unwanted(found: Accuracy) -> list[str]:
    alarms = found.unwelcome
    return [
        "## Alarms nobody wants",
        _table(("shown a camera-day", "number"), ((name, f"{n:.1f}") for name, n in found.shown_a_day.items())),
        _table(
            ("alarms a camera-day", "counted", "rate", "95 % interval"),
            (
                (name, *_rate(rate))
                for name, rate in (
                    ("false", alarms.false),
                    ("nuisance", alarms.nuisance),
                    ("environmental", alarms.environmental),
                    ("false or nuisance", alarms.false_or_nuisance),
                    ("all of them", alarms.all),
                )
            ),
        ),
        _table(("cause, in days of nuisances", "alarms"), ((name, str(n)) for name, n in alarms.causes.items())),
        f"In the other {alarms.elsewhere_hours:.1f} camera-hours:",
        _table(("cause, elsewhere", "alarms"), ((name, str(n)) for name, n in alarms.elsewhere.items())),
        f"In the first ten seconds of {alarms.starts} scenes, while the watch learnt them:",
        _table(("cause, starting", "alarms"), ((name, str(n)) for name, n in alarms.starting.items())),
    ]


def _naming(found: Accuracy) -> list[str]:
    parts = ["## Kinds"]
    for each in found.kinds:
        said = sorted({name for row in each.table.values() for name in row})
        share, interval = _share(each.right)
        parts += [
            f"Height {each.heights}: right {share} ({interval}).",
            _table(
                ("truth", *said),
                ((true, *(str(row.get(name, 0)) for name in said)) for true, row in each.table.items()),
            ),
        ]
    calibrated = found.calibration
    return [
        *parts,
        (
            f"Stated probabilities: {calibrated.samples} statements, expected calibration error "
            f"{_number(calibrated.error)}, Brier score {_number(calibrated.brier)}."
        ),
        _table(
            ("stated", "mean stated", "true", "95 % interval"),
            (
                (f"{each.low:.1f}-{min(each.high, 1.0):.1f}", _number(each.mean), *_share(each.share))
                for each in calibrated.bins
                if each.share.of
            ),
        ),
        "## Groups",
        f"Counted within one: {' '.join(_share(found.groups_within_one))}.",
        _table(("said less true", "groups"), ((name, str(n)) for name, n in found.group_errors.items())),
    ]


def _placing(found: Accuracy) -> list[str]:
    where = found.positions
    return [
        "## Positions",
        _table(
            ("figure", "value"),
            (
                ("positions, scenes", f"{where.samples}, {where.scenes}"),
                (
                    "inside the 95 % ellipse",
                    f"{_percent(where.inside)} ({_percent(where.low)} to {_percent(where.high)})",
                ),
                ("NEES for each degree of freedom", _number(where.nees)),
                ("error, median", f"{_number(where.median_error_m)} m"),
                ("error, 95 of 100", f"{_number(where.p95_error_m)} m"),
                ("left out: said to have several answers", str(found.positions_with_several_answers)),
            ),
        ),
    ]


def _camera(found: Accuracy) -> list[str]:
    kinds = ", ".join(f"{name} {n}" for name, n in found.false_health_kinds.items()) or "none"
    count, rate, interval = _rate(found.false_health)
    return [
        "## The camera's health",
        _table(
            ("fault", "reported within 10 s", "95 % interval", "p50", "p95"),
            ((each.kind, *_share(each.within), _seconds(each.p50_s), _seconds(each.p95_s)) for each in found.health),
        ),
        f"False reports in the days of nuisances: {count}, {rate} a camera-day ({interval}). In all scenes: {kinds}.",
    ]


def _cost(found: Accuracy) -> str:
    cost = found.cost
    day_h = (cost.scene_cpu_s + cost.watch_cpu_s) * DAY_S / 3600 / 3600
    return (
        f"## Cost\n\nCPU seconds for one camera-hour: simulator {cost.scene_cpu_s:.0f}, watch {cost.watch_cpu_s:.0f}; "
        f"a camera-day costs {day_h:.2f} hours of one core."
    )


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _goal_row(goal: Goal) -> tuple[str, str, str, str]:
    wanted = f"{goal.bound:g} to {goal.upper:g}" if goal.sense == "between" else f"{goal.sense} {goal.bound:g}"
    state = {True: "met", False: "**not met**", None: "not measured"}[goal.met]
    return goal.figure, wanted, _number(goal.value), state


def _share(share: Share) -> tuple[str, str]:
    if share.share is None:
        return "none", ""
    return f"{share.found} of {share.of} ({share.share:.1%})", f"{share.low:.1%} to {share.high:.1%}"


def _rate(rate: Rate) -> tuple[str, str, str]:
    return str(rate.count), _number(rate.rate), f"{_number(rate.low)} to {_number(rate.high)}"


def _delay(delay: Delay) -> tuple[str, str]:
    return _seconds(delay.p50_s), _seconds(delay.p95_s)


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f} s" if math.isfinite(value) else "never"


def _bin_rows(bins: Sequence[Bin]) -> list[tuple[str, str, str]]:
    return [(_span(each), *_share(each.share)) for each in bins if each.share.of]


def _span(each: Bin) -> str:
    return f"{each.low:g} and more" if each.high >= 1e9 else f"{each.low:g}-{each.high:g}"


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.3g}" if math.isfinite(value) else "never"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def draw(found: Accuracy, folder: Path) -> None:
    """Leave the plots in a folder, one file each."""
    mpl.use("Agg")
    for name, bins, label in (
        ("pd_snr", found.by_snr, "signal-to-noise ratio"),
        ("pd_height", found.by_height, "height, px"),
        ("pd_range", found.by_range, "range, m"),
    ):
        figure, axes = _figure(label, "found, with 95 % interval")
        _draw_shares(axes, bins)
        if name != "pd_range":
            axes.set_xscale("log")
        _save(figure, folder / f"{name}.png")
    figure, axes = _figure("seconds after first visible", "share of walking adults alarmed")
    _draw_delays(axes, found.delays_s)
    _save(figure, folder / "delay.png")
    figure, axes = _figure("probability stated", "share that was right")
    axes.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    _draw_shares(axes, found.calibration.bins)
    _save(figure, folder / "reliability.png")


def _figure(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=across, ylabel=up, ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _draw_shares(axes: Axes, bins: Sequence[Bin]) -> None:
    """Each bin at the mean of what lies in it."""
    held = [each for each in bins if each.share.share is not None and each.mean is not None]
    across = [each.mean or 0.0 for each in held]
    up = np.array([each.share.share or 0.0 for each in held])
    low = up - np.array([each.share.low for each in held])
    high = np.array([each.share.high for each in held]) - up
    axes.errorbar(across, up, yerr=np.array([low, high]), fmt="o-", markersize=4, linewidth=1, capsize=2)


def _draw_delays(axes: Axes, delays_s: Sequence[float]) -> None:
    shares = np.arange(1, len(delays_s) + 1) / max(len(delays_s), 1)
    came = [(delay, share) for delay, share in zip(delays_s, shares.tolist(), strict=True) if math.isfinite(delay)]
    if came:
        axes.step([0.0, *(delay for delay, _ in came)], [0.0, *(share for _, share in came)], where="post")
    for seconds in (2.0, 4.0):
        axes.axvline(seconds, color="0.7", linewidth=1)
    axes.set_xlim(0, 15)


def brief(campaign: Campaign) -> Mapping[str, object]:
    """The goals and where the rest lies, for one line of JSON."""
    found = campaign.accuracy
    return {
        "seeds": campaign.header.seeds,
        "code": campaign.header.code,
        "complete": campaign.complete,
        "pieces": found.pieces,
        "camera_days": found.camera_days,
        "goals": [msgspec.to_builtins(goal) for goal in found.goals],
        "causes": found.unwelcome.causes,
        "out": campaign.out,
    }

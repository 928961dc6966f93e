"""What is predicted to be found at a range, held against what the watch found in a campaign of simulated scenes.

    python benchmarks/range_performance.py --campaign DIR [--out DIR] [--fit] [--json]

The campaign is the folder that `marsad bench watch --full --out` filled. Every lone upright person and vehicle that
crossed is held against two predictions: `known` is given the ratio and height that the simulator measured in the
pictures, and so tests the watch's rate alone; `planned` is given what a planner knows - lens, range, kind, hour, air,
for how long it was in view - and so tests all of it. Scenes of even numbers are those that the figures in
`plan/range_performance.py` were fitted to (`--fit` fits them again, and prints contrasts and clutter by light); those
of odd numbers judge. Day is from 4:00 to 14:30 UTC, night from 17:30 to 1:30, three hours behind the sun; crossover
is what lies between.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import msgspec
import numpy as np
from scipy.optimize import minimize

from figures import Target, command, show
from marsad.geo.geodesy import Array
from marsad.plan.range_performance import (
    SIZES_M,
    Air,
    Conditions,
    Light,
    Optics,
    Performance,
    Rate,
    energy_px,
    extinction_per_km,
)
from marsad.plan.range_performance import Target as Kind
from marsad.report.accuracy import Passage, Played

mpl.use("Agg")
from matplotlib import pyplot as plt

FOCAL_MM = (35.0, 50.0, 75.0, 100.0)
EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)
NOISE_K = 0.0608
TARGETS = [
    Target("known_mean_off", "at_most", 0.03),
    Target("planned_mean_off", "at_most", 0.03),
    Target("planned_brier_over_base", "at_most", 1.0),
]


class Crossing(NamedTuple):
    """One passage, and what a planner would have known of it."""

    passage: Passage
    even: bool
    light: Light
    air: Air

    @property
    def found(self) -> bool:
        """Whether it alarmed."""
        return self.passage.alarm_s is not None

    @property
    def upright(self) -> bool:
        """Whether it goes as planned for: nobody crouches or crawls."""
        return self.passage.gait in {"walk", "run", "drive"}

    @property
    def delay_s(self) -> float:
        """From when half of it could be seen to the alarm."""
        return math.inf if self.passage.alarm_s is None else self.passage.alarm_s - self.passage.first_s

    @property
    def target(self) -> Kind:
        """What it is to a planner."""
        return "person" if self.passage.kind == "person" else "vehicle"


def crossings(campaign: Path) -> list[Crossing]:
    """Every lone person and vehicle of a campaign that should have alarmed."""
    found = []
    for row in (campaign / "pieces.jsonl").read_bytes().splitlines():
        played = msgspec.json.decode(row, type=Played)
        even = int(played.key.rpartition("-")[2]) % 2 == 0
        for passage in played.passages:
            lone = passage.members == 1 and passage.must == "alarm" and passage.snr > 0
            if lone and passage.kind in {"person", "vehicle"}:
                found.append(Crossing(passage, even, light_of(played.hour), played.air))
    return found


def light_of(hour: float) -> Light:
    """The light at an hour (UTC) of the campaign's place."""
    if hour >= 17.5 or hour < 1.5:
        return "night"
    return "day" if 4.0 <= hour < 14.5 else "crossover"


def known(each: Crossing, rate: Rate) -> float:
    """The prediction from what was measured in the pictures."""
    passage = each.passage
    return float(rate.found(passage.snr, passage.height_px, passage.seen_for_s))


def planned(each: Crossing) -> float:
    """The prediction from what a planner knows."""
    return float(performance(each).found(each.passage.range_m, each.passage.seen_for_s))


def performance(each: Crossing) -> Performance:
    """What a planner has a camera show; of the campaign's lenses the one that fits the height in the picture best."""
    tall_m = SIZES_M[each.target]["side"][1]
    px_of_mm = tall_m / 0.012 / each.passage.range_m
    focal_mm = min(FOCAL_MM, key=lambda mm: abs(math.log(mm * px_of_mm / each.passage.height_px)))
    return Performance(
        Optics(focal_px=focal_mm / 0.012), each.target, "side", Conditions(light=each.light, air=each.air)
    )


def fit(data: Sequence[Crossing]) -> Rate:
    """The rate under which what was found, and when, was the likeliest."""
    snr, height, seconds = (np.array([getattr(c.passage, n) for c in data]) for n in ("snr", "height_px", "seen_for_s"))
    delay = np.array([each.delay_s for each in data])
    was = np.isfinite(delay)

    def rate_of(logs: Array) -> Rate:
        most, half, steep, px, dead = np.exp(logs).tolist()
        return Rate(most_per_s=most, half_snr=half, steep_snr=steep, half_px=px, dead_s=dead)

    def unlikely(logs: Array) -> float:
        rate = rate_of(logs)
        each = rate.per_s(snr, height) + 1e-6
        waited = np.maximum(np.where(was, delay, 0.0) - rate.dead_s, 0.0)
        missed = np.log1p(-rate.found(snr, height, seconds))
        early = 5.0 * np.count_nonzero(was & (delay < rate.dead_s))
        return float(early - np.where(was, np.log(each) - each * waited, missed).sum())

    starts = [np.log([1.6, half, 1.5, 5.0, 0.43]) for half in (10.0, 20.0, 30.0)]
    tried = [minimize(unlikely, start, method="Nelder-Mead", options={"maxfev": 3000}) for start in starts]
    return rate_of(min(tried, key=lambda each: float(each.fun)).x)


def contrasts(data: Sequence[Crossing]) -> dict[str, object]:
    """Contrast before the air, its spread and the clutter, by light, as the truth's two ratios tell them."""
    figures: dict[str, object] = {}
    for light in ("night", "day", "crossover"):
        for target in ("person", "vehicle"):
            rows = np.array([_contrast(each) for each in data if each.light == light and each.target == target])
            if len(rows):
                figures[f"fit_{light}_{target}_contrast_k"] = float(np.median(rows[:, 0]))
                figures[f"fit_{light}_{target}_spread"] = float(np.log(rows[:, 0]).std())
                figures[f"fit_{light}_{target}_clutter_k"] = float(np.median(rows[:, 1]))
        off = [_off(each) for each in data if each.light == light]
        figures[f"fit_{light}_ratio_off"] = float(np.exp(np.median(off)))
        figures[f"fit_{light}_ratio_spread"] = float(np.std(off))
    return figures


def _off(each: Crossing) -> float:
    """How far the measured ratio is from the planned one, as a logarithm."""
    return math.log(each.passage.snr / float(performance(each).snr(each.passage.range_m)))


def _contrast(each: Crossing) -> tuple[float, float]:
    passage = each.passage
    through = math.exp(-extinction_per_km(Conditions(air=each.air)) * passage.range_m / 1000)
    energy = math.sqrt(float(energy_px(passage.width_px, 0.8)) * float(energy_px(passage.height_px, 0.8)))
    clutter_k = NOISE_K * math.sqrt(max((passage.snr_noise / passage.snr) ** 2 - 1, 0.0))
    return passage.snr_noise * NOISE_K / energy / through, clutter_k / through


def judge(name: str, said: Array, was: Array) -> dict[str, object]:
    """How far what was said is from what was."""
    share = float(was.mean())
    brier = float(((said - was) ** 2).mean())
    figures: dict[str, object] = {
        f"{name}_mean": float(said.mean()),
        f"{name}_mean_off": abs(float(said.mean()) - share),
        f"{name}_brier": brier,
        # Where all or none were found, the mean alone has nothing to be better than.
        f"{name}_brier_over_base": brier / (share * (1 - share)) if 0 < share < 1 else None,
    }
    for low, high in pairwise(EDGES):
        inside = (said >= low) & (said < high if high < 1 else said <= high)
        if inside.any():
            figures[f"{name}_{low:g}_to_{high:g}"] = (
                f"said {said[inside].mean():.3f}, was {was[inside].mean():.3f} of {inside.sum()}"
            )
    return figures


def by_range(data: Sequence[Crossing], said: Array) -> dict[str, object]:
    """What was said and what was, by range."""
    edges = (0, 500, 1000, 1500, 2000, 2500, 10_000)
    ranges, was = np.array([each.passage.range_m for each in data]), np.array([each.found for each in data])
    figures: dict[str, object] = {}
    for low, high in pairwise(edges):
        inside = (ranges >= low) & (ranges < high)
        if inside.any():
            figures[f"range_{low}_to_{high}_m"] = (
                f"planned {said[inside].mean():.3f}, was {was[inside].mean():.3f} of {inside.sum()}"
            )
    return figures


def draw(said: dict[str, Array], was: Array, out: Path) -> None:
    """The calibration plot: what was said against what was, with exact intervals left to the table."""
    out.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7")
    for name, each in said.items():
        inside = [(each >= a) & (each <= b) for a, b in pairwise(EDGES)]
        points = [(each[k].mean(), was[k].mean(), k.sum()) for k in inside if k.any()]
        x, y, count = zip(*points, strict=True)
        axes.plot(x, y, "-", linewidth=0.8)
        axes.scatter(x, y, s=[12 + 20 * math.log10(n) for n in count], label=name)
    axes.set(xlabel="predicted probability", ylabel="share found", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend()
    figure.savefig(out / "range_performance.png", dpi=110)


def main() -> None:
    """Predict, hold against what was found, print, draw."""
    parser = command(__doc__)
    parser.add_argument("--campaign", type=Path, help="a folder that `marsad bench watch --out` filled")
    parser.add_argument("--out", type=Path, help="a folder for the calibration plot")
    parser.add_argument("--fit", action="store_true", help="fit the rate and the contrasts to the even scenes again")
    asked = parser.parse_args()
    if asked.campaign is None:
        print("nothing to hold it against: name a campaign's folder with --campaign")
        show("range_performance", {target.figure: None for target in TARGETS}, TARGETS, as_json=asked.json)
        return
    data = crossings(asked.campaign)
    even, odd = ([each for each in data if each.upright and each.even == want] for want in (True, False))
    low = [each for each in data if not each.upright and not each.even]
    figures: dict[str, object] = {"crossings_fitted": len(even), "crossings_judged": len(odd)}
    if asked.fit:
        figures |= {f"fit_{name}": value for name, value in fit(even)._asdict().items()} | contrasts(even)
    was = np.array([each.found for each in odd], float)
    said = {
        "known": np.array([known(each, Rate()) for each in odd]),
        "planned": np.array([planned(each) for each in odd]),
    }
    figures["found"] = float(was.mean())
    for name, each in said.items():
        figures |= judge(name, each, was)
    figures |= by_range(odd, said["planned"])
    if low:
        said_low, was_low = np.mean([planned(each) for each in low]), np.mean([each.found for each in low])
        figures["crouched_or_crawled"] = f"planned as upright {said_low:.3f}, was {was_low:.3f} of {len(low)}"
    if asked.out:
        draw(said, was, asked.out)
    show("range_performance", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()

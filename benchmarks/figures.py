"""What all benchmarks share: where real footage lies, targets, and how figures are printed."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Target(NamedTuple):
    """A figure to reach: `figure` names it, and it must be `at_least` or `at_most` the `bound`."""

    figure: str
    sense: Literal["at_least", "at_most"]
    bound: float


def real_data(relative: str) -> Path:
    """A folder of real footage; ends the script with what to do where it is absent."""
    found = (ROOT / os.environ.get("MARSAD_REAL_DATA", "../shared/data") / relative).resolve()
    if not found.exists():
        sys.exit(f"{found} is not there: this benchmark needs real footage. Set MARSAD_REAL_DATA to its folder.")
    return found


def command(description: str) -> argparse.ArgumentParser:
    """A parser with the option every benchmark has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one final line of figures as JSON")
    return parser


def show(name: str, figures: dict[str, object], targets: list[Target], *, as_json: bool) -> None:
    """Print the figures for people, each target with whether it is met, and the JSON line when asked for."""
    for key, value in figures.items():
        print(f"{key:42} {_text(value)}")
    met = {target.figure: _met(figures[target.figure], target) for target in targets}
    for target in targets:
        words = target.sense.replace("_", " ")
        reached = {True: "met", False: "NOT MET", None: "not measured"}[met[target.figure]]
        print(f"target: {target.figure} {words} {target.bound:g}: {reached}")
    if as_json:
        bounds = {target.figure: [target.sense, target.bound] for target in targets}
        print(json.dumps({"benchmark": name, **figures, "targets": bounds, "met": met}))


def _met(value: object, target: Target) -> bool | None:
    if not isinstance(value, (int, float)):
        return None
    return value >= target.bound if target.sense == "at_least" else value <= target.bound


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""All real footage in one report: drone-ir, tno-duine and cacophony, one table beside their targets.

`--before FILE` takes the JSON line which an earlier run printed with `--json`, and says what became worse. It runs
the three benchmarks, so that `make bench`, which runs them too, leaves it out.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from figures import Target, show

HERE = Path(__file__).resolve().parent
SETS = ("tno_duine", "cacophony_cptv", "drone_ir")
SHOWN = {
    "drone_ir": ("recall", "recall_online", "false_tracks_per_hour", "false_tracks_per_hour_steady"),
    "tno_duine": ("recall", "recall_online", "unmatched_from_third_box", "false_tracks"),
    "cacophony_cptv": ("points_classed_person",),
}
WORSE_BY = 0.05
"""False tracks may not grow by more than this share; recall may not fall by more than one box."""


def figures_of(name: str) -> dict[str, object]:
    """The figures of one benchmark, from the last line it prints."""
    done = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py"), "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{name}: {done.stderr.strip() or done.stdout.strip()}")
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Run all sets, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one final line of figures as JSON")
    parser.add_argument("--before", type=Path, help="the JSON of an earlier run")
    options = parser.parse_args()
    figures: dict[str, object] = {}
    for name in SETS:
        found = figures_of(name)
        figures |= {f"{name}_{figure}": found.get(figure) for figure in SHOWN[name]}
        figures[f"{name}_targets_missed"] = [figure for figure, met in dict(found["met"]).items() if met is False]
        if "truth_boxes" in found:
            figures[f"{name}_truth_boxes"] = found["truth_boxes"]
    worse = [] if options.before is None else compared(json.loads(options.before.read_text("utf-8")), figures)
    figures["worse_than_before"] = worse
    show("real_sets", figures | {"worse": len(worse)}, [Target("worse", "at_most", 0)], as_json=options.json)


def compared(before: dict[str, object], now: dict[str, object]) -> list[str]:
    """The figures that became worse by more than a box, or 5 % of false tracks."""
    worse = []
    for name, value in now.items():
        was = before.get(name)
        if not isinstance(was, (int, float)) or not isinstance(value, (int, float)):
            continue
        box = 1 / float(now.get(f"{name.rsplit('_recall', 1)[0]}_truth_boxes") or 1e9)
        lost = "recall" in name and value < was - box - 1e-9
        grown = "false" in name and value > was * (1 + WORSE_BY) + 1e-9
        if lost or grown or ("unmatched" in name and value > was + 1):
            worse.append(f"{name}: {was:.6g} before, {value:.6g} now")
    return worse


if __name__ == "__main__":
    main()

"""The command `marsad evaluate`: tracks against the truth."""

from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table

from marsad.adapters.mot import read_tracks, read_truth
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.report.evaluation import Evaluation, evaluate, frame_base, parse_match, shift_frames

FrameBase = Literal["0", "1", "auto"]

_PERCENT = ("recall", "precision", "mota", "idf1", "hota", "recall_online")


class EvaluateResult(Record):
    """What the command prints: the measures, and how the truth was read."""

    match: str
    frame_base: int
    frame_base_reason: str
    truth_left_out: int
    evaluation: Evaluation


def evaluate_files(
    tracks: Path,
    truth: Path,
    *,
    match: str,
    fps: float | None = None,
    frames: int | None = None,
    base: str = "auto",
) -> EvaluateResult:
    """The measures for one recording.

    Raises InputError for a malformed file or argument.
    """
    if base not in {"0", "1", "auto"}:
        raise InputError(f'frame base "{base}": must be 0, 1 or auto')
    rule = parse_match(match)
    found, known = read_tracks(tracks), read_truth(truth)
    number, reason = frame_base(found, known.boxes, rule, frames=frames) if base == "auto" else (int(base), "as asked")
    if number > known.boxes.frame.min(initial=number):
        raise InputError(f"{truth}: has a frame {known.boxes.frame.min()}, so its frames do not count from {number}")
    return EvaluateResult(
        match=match,
        frame_base=number,
        frame_base_reason=reason,
        truth_left_out=known.left_out,
        evaluation=evaluate(found, shift_frames(known.boxes, 1 - number), rule, frames=frames, fps=fps),
    )


def as_json(result: EvaluateResult) -> str:
    """The result as one line of JSON, all measures at the top level."""
    flat = msgspec.to_builtins(result)
    measures = flat.pop("evaluation")
    return msgspec.json.encode({**flat, **measures}).decode()


def show(result: EvaluateResult, console: Console) -> None:
    """Print the result as a table for people."""
    table = Table("measure", "value", title=f"match {result.match}")
    for name, value in msgspec.to_builtins(result.evaluation).items():
        table.add_row(name, _text(name, value))
    console.print(table)
    console.print(f"Truth frames count from {result.frame_base}: {result.frame_base_reason}.")
    if result.truth_left_out:
        console.print(f"{result.truth_left_out} truth rows say that nothing is there and were left out.")


def _text(name: str, value: float | None) -> str:
    if value is None:
        return "not known"
    if name in _PERCENT:
        return f"{value:.3f}"
    return f"{value:.5g}"

"""Learnt classifiers and detectors in ONNX, behind the `DetectorModel` port.

What a model must be:

- One input, float32, (N, 1, H, W). N is 1 or free; H and W are fixed, or free for pictures in their own size.
- Its labels, kinds that Marsad knows, in the metadata key `marsad.labels`, comma-separated, in order of its outputs.
- What its first output is, in the metadata key `marsad.output`: `logits` or `probabilities`, (N, labels), for a
  classifier; `boxes` for a detector, (M, 6) or (1, M, 6): left, top, right, bottom in pixels of the input, score, and
  number of the label.
- Optionally the key `marsad.input`: `stretched` (or left out: a picture's darkest pixel is 0 and its brightest 1, so
  that neither bit depth nor gain matters) or `counts` (as the camera measured).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from marsad.kernel.error import InputError
from marsad.kernel.frame import Counts
from marsad.kernel.port import Classified
from marsad.kernel.track import Kind

Floats = NDArray[np.float32]

OUTPUTS = ("logits", "probabilities", "boxes")
INPUTS = ("stretched", "counts")
BOX_COLUMNS = 6
FATAL_ONLY = 4
# onnxruntime's errors have no parent of their own.
RUNTIME_ERRORS = tuple(
    error for error in vars(failures).values() if isinstance(error, type) and issubclass(error, Exception)
)


class OnnxModel:
    """A `DetectorModel` over one ONNX file, on the CPU.

    Boxes that score below `least_score` are left out.

    Raises: InputError where the file is missing, is no ONNX model, or is not as this module describes.
    """

    def __init__(self, path: Path, *, threads: int = 1, least_score: float = 0.25) -> None:
        self._path = path
        self._least_score = least_score
        self._session = _session(path, threads)
        known = self._session.get_modelmeta().custom_metadata_map
        self._labels = self._read_labels(known)
        self._output = self._choice(known, "marsad.output", OUTPUTS, None)
        self._input = self._choice(known, "marsad.input", INPUTS, INPUTS[0])
        self._height_px, self._width_px, self._batches = self._read_shape()
        self._name = self._session.get_inputs()[0].name
        if not self._session.get_outputs():
            raise self._bad("it has no output")

    def detect(self, crops: Sequence[Counts]) -> list[list[Classified]]:
        """For each picture (H, W), uint8 or uint16, what the model sees on it, the surest first.

        Raises: InputError where what comes out is not what the model announces.
        """
        if self._output == "boxes":
            return [self._boxes(crop) for crop in crops]
        inputs = [self._prepared(crop) for crop in crops]
        if not inputs:
            return []
        if self._batches:
            return [self._kinds(row) for row in self._run(np.stack(inputs), len(inputs))]
        return [self._kinds(self._run(one[None], 1)[0]) for one in inputs]

    def _run(self, batch: Floats, rows: int) -> Floats:
        """One row for each picture of a classifier's batch."""
        out = self._infer(batch)
        if out.shape != (rows, len(self._labels)):
            raise self._bad(f"puts out {out.shape}, not ({rows}, {len(self._labels)}), a number for each label")
        return out

    def _infer(self, batch: Floats) -> Floats:
        try:
            return np.asarray(self._session.run(None, {self._name: batch})[0], np.float32)
        except RUNTIME_ERRORS as error:
            raise self._bad(f"cannot be run on {batch.shape} ({error})") from error

    def _kinds(self, row: Floats) -> list[Classified]:
        shares = _softmax(row) if self._output == "logits" else row
        seen = [Classified(kind=k, confidence=float(s)) for k, s in zip(self._labels, shares, strict=True)]
        return sorted(seen, key=lambda c: -c.confidence)

    def _boxes(self, crop: Counts) -> list[Classified]:
        picture = self._prepared(crop)
        out = self._infer(picture[None])
        rows = out[0] if out.ndim == 3 and out.shape[0] == 1 else out
        if rows.ndim != 2 or rows.shape[1] != BOX_COLUMNS:
            raise self._bad(f"puts out {out.shape}, not (boxes, {BOX_COLUMNS})")
        across = crop.shape[1] / picture.shape[2]
        down = crop.shape[0] / picture.shape[1]
        sure = rows[rows[:, 4] >= self._least_score]
        return [self._box(row, across, down) for row in sure[np.argsort(-sure[:, 4], kind="stable")]]

    def _box(self, row: Floats, across: float, down: float) -> Classified:
        left, top, right, bottom, score, number = (float(v) for v in row)
        if not 0 <= number < len(self._labels):
            raise self._bad(f"puts out label {number:g}, but names only {len(self._labels)} in marsad.labels")
        return Classified(
            kind=self._labels[int(number)],
            confidence=score,
            x_px=left * across,
            y_px=top * down,
            w_px=(right - left) * across,
            h_px=(bottom - top) * down,
        )

    def _prepared(self, crop: Counts) -> Floats:
        """The picture as the model wants it, (1, H, W)."""
        picture = crop.astype(np.float32)
        height, width = self._height_px or crop.shape[0], self._width_px or crop.shape[1]
        if picture.shape != (height, width):
            picture = cast("Floats", cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR))
        if self._input == "stretched":
            darkest = picture.min()
            picture = (picture - darkest) / max(float(picture.max() - darkest), 1.0)
        return picture[None]

    def _read_labels(self, known: dict[str, str]) -> list[Kind]:
        kinds = get_args(Kind)
        labels = [label.strip() for label in known.get("marsad.labels", "").split(",") if label.strip()]
        if not labels:
            raise self._bad("names no labels; set the metadata key marsad.labels, such as person,vehicle,animal")
        for label in labels:
            if label not in kinds:
                raise self._bad(f"marsad.labels names {label!r}; valid are {', '.join(kinds)}")
        return cast("list[Kind]", labels)

    def _choice(self, known: dict[str, str], key: str, valid: Sequence[str], default: str | None) -> str:
        value = known.get(key, default)
        if value not in valid:
            raise self._bad(f"metadata key {key} is {value!r}; valid are {', '.join(valid)}")
        return str(value)

    def _read_shape(self) -> tuple[int, int, bool]:
        """The input's height and width, 0 where free, and whether several pictures may be given at once."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            told = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
            raise self._bad(f"takes {told or 'nothing'}, not one float32 input (N, 1, H, W)")
        count, channels, height, width = inputs[0].shape
        if channels != 1:
            raise self._bad(f"takes {channels} channels, not 1: thermal pictures have no colour")
        if isinstance(count, int) and count != 1:
            raise self._bad(f"takes {count} pictures at once; export it with 1 or a free number")
        height_px, width_px = (size if isinstance(size, int) else 0 for size in (height, width))
        return height_px, width_px, not isinstance(count, int) and height_px > 0 and width_px > 0

    def _bad(self, what: str) -> InputError:
        return InputError(f"{self._path}: {what}")


def _session(path: Path, threads: int) -> ort.InferenceSession:
    if not path.is_file():
        raise InputError(f"{path}: no such model file; check the path")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise InputError(f"{path}: cannot be loaded as an ONNX model ({error})") from error


def _softmax(row: Floats) -> Floats:
    grown = np.exp(row - row.max())
    return cast("Floats", grown / grown.sum())

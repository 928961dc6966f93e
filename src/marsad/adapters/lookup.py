"""Ground lookups kept on disk, so that a camera's is built once for a pose and its terrain."""

import contextlib
import io
import zipfile
from pathlib import Path

import msgspec
import numpy as np

from marsad.adapters.writing import replace_whole
from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.error import MarsadError
from marsad.kernel.record import read_only


def cached_lookup(view: CameraView, folder: Path) -> GroundLookup:
    """What every pixel of a camera looks at, read from `folder` or built and kept there.

    The file's name is a hash of lens, pose, reach, refraction and terrain, so that a change of any builds anew; a
    damaged file is built anew as well. Where the folder cannot be written to, it is built anew each time: a full disk
    is no reason not to watch.
    """
    path = folder / f"ground-{view.fingerprint()[:32]}.npz"
    kept = _read(path, (view.lens.height_px, view.lens.width_px))
    if kept is not None:
        return kept
    lookup = view.lookup()
    with contextlib.suppress(OSError, MarsadError):
        _write(path, lookup)
    return lookup


def _read(path: Path, shape: tuple[int, int]) -> GroundLookup | None:
    """A lookup from a file; None where there is none or it is not whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {field.name: kept[field.name] for field in msgspec.structs.fields(GroundLookup)}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, RuntimeError):
        return None
    whole = all(
        array.shape == shape and array.dtype == (np.uint8 if name == "status" else np.float32)
        for name, array in arrays.items()
    )
    return GroundLookup(**{name: read_only(array) for name, array in arrays.items()}) if whole else None


def _write(path: Path, lookup: GroundLookup) -> None:
    """Keep a lookup; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez(content, **{field.name: getattr(lookup, field.name) for field in msgspec.structs.fields(GroundLookup)})
    replace_whole(path, content.getvalue())

"""Stone Soup as an engine to be compared with: a program of its own, in an environment of its own."""

import json
import math
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from marsad.app.bench_fuse_judging import Said
from marsad.kernel.error import UnavailableError

LIMIT_S: Final = 60.0
"""An engine is given up where one look takes it more processor time than this."""
Settings = Mapping[str, Any]


class Peers:
    """Stone Soup as a checkout of the source has it: `.venv-peers`, and the program and settings in `benchmarks`."""

    def __init__(self, checkout: Path) -> None:
        self.python = checkout / ".venv-peers" / "bin" / "python"
        self._program = checkout / "benchmarks" / "peer_stonesoup.py"
        self._tuned = checkout / "benchmarks" / "peer_stonesoup.json"

    @property
    def there(self) -> bool:
        """Whether it is installed."""
        return all(path.exists() for path in (self.python, self._program, self._tuned))

    def tuned(self, case: str, engine: str) -> Settings:
        """The settings that were found best for a case; of sizes that were not searched, those of the nearest."""
        found: dict[str, dict[str, dict[str, Settings]]] = json.loads(self._tuned.read_text(encoding="utf-8"))
        kind, _, size = case.partition("-")
        if size and case not in found:
            sizes = [int(name.partition("-")[2]) for name in found if name.startswith(f"{kind}-")]
            case = f"{kind}-{min(sizes, key=lambda each: abs(math.log(each / int(size))))}"
        return found[case][engine]["best"]

    def said(
        self, paths: Sequence[Path], engine: str, settings: Sequence[Settings], folder: Path, limit_s: float = LIMIT_S
    ) -> list[list[Said]]:
        """What an engine says of each scene with each setting, for each setting a list over scenes; `folder` keeps it.

        Raises: UnavailableError where it is not there, or fails.
        """
        asked = ["--engine", engine, "--settings", json.dumps(list(settings)), "--limit", str(limit_s)]
        alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        command = [str(self.python), str(self._program), *map(str, paths), *asked, "--out", str(folder)]
        try:
            done = subprocess.run(command, check=False, env=os.environ | alone)
        except OSError as error:
            raise UnavailableError(f"{self.python}: {error.strerror}; `make peers` makes it") from error
        if done.returncode:
            raise UnavailableError(f"Stone Soup's {engine} ended with {done.returncode}; what it said is above")
        return [
            [_read(folder / f"{path.stem}-{engine}-{number}.npz") for path in paths] for number in range(len(settings))
        ]


def _read(path: Path) -> Said:
    """What an engine said, as it was kept."""
    with np.load(path) as held:
        return Said(**{name: held[name] for name in Said._fields})

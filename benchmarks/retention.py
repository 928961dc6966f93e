"""How long it takes to erase what is too old, and how long somebody who writes meanwhile waits for the log.

    python benchmarks/retention.py [--entries N] [--folder DIR] [--json]

A log of N track points is erased whole, as a running station does it: portions of 200, between which it pauses for
20 ms. Meanwhile another thread appends one durable event every 20 ms; before that it does so with nobody erasing. How
long an append takes depends on the disk; that it takes no longer is what is asked.
"""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from event_log import decision, point
from figures import Target, command, show
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.retain import DAY_NS, due, rule_of
from marsad.app.retention import PAUSE_S, PURGE_EVERY

EVERY_S = 0.02
ALONE_S = 10.0
BATCH = 2000
NOW_NS = 1_800_000_000 * 10**9
KEEP = {"looks": 30.0}
TARGETS = [
    Target("minutes_for_a_million", "at_most", 10.0),
    Target("append_p99_ms_while_erasing", "at_most", 100.0),
]


class Writer:
    """Somebody who appends a durable event now and then, and how long each took in milliseconds."""

    def __init__(self, log: SqliteEventLog) -> None:
        self._log = log
        self._stop = threading.Event()
        self._took_ms: list[float] = []
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> list[float]:
        """Begin; what is returned grows."""
        self._thread.start()
        return self._took_ms

    def __exit__(self, *failure: object) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        for number in itertools.count():
            began_s = time.perf_counter()
            self._log.append([decision(NOW_NS + number)])
            self._took_ms.append((time.perf_counter() - began_s) * 1e3)
            if self._stop.wait(EVERY_S):
                return


def fill(log: SqliteEventLog, entries: int) -> None:
    """Write so many points, half of them of a kind that is kept in between, as the log of a station is mixed."""
    old_ns = NOW_NS - 90 * DAY_NS
    kept = random.Random(7)  # noqa: S311 - a mixture, no secret
    for first in range(0, entries, BATCH):
        count = min(BATCH, entries - first)
        points = [point(old_ns + first + place) for place in range(count)]
        log.append(
            [each for one in points for each in ([one, decision(one.time_ns)] if kept.random() < 0.1 else [one])]
        )


def portions(path: Path) -> Iterator[tuple[str, list[int]]]:
    """What is too old, as a reader of its own finds it."""
    with SqliteLogReader(path) as book:
        yield from ((each.kind, each.sequences) for each in due(book, KEEP, NOW_NS))


def erase(log: SqliteEventLog, path: Path, pause_s: float) -> tuple[int, float]:
    """How many entries were erased, and in how many seconds."""
    began_s, erased = time.perf_counter(), 0
    for count, (kind, sequences) in enumerate(portions(path)):
        log.erase(sequences, rule=rule_of(kind, KEEP[kind]), officer="o-17", time_ns=NOW_NS)
        erased += len(sequences)
        if count % PURGE_EVERY == 0:
            log.purge()
        time.sleep(pause_s)
    log.purge()
    return erased, time.perf_counter() - began_s


def main() -> None:
    """Measure and print."""
    parser = command(__doc__ or "")
    parser.add_argument("--entries", type=int, default=1_000_000, help="how many are erased (1,000,000)")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (a temporary one here)")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder or Path()) as name:
        path = Path(name) / "events.sqlite"
        with SqliteEventLog(path) as log:
            fill(log, options.entries)
            log.flush()
            size_mb = path.stat().st_size / 1e6
            with Writer(log) as alone_ms:
                time.sleep(ALONE_S)
            with Writer(log) as beside_ms:
                erased, seconds = erase(log, path, PAUSE_S)
            began_s = time.perf_counter()
            length = log.verify().length
            verify_s = time.perf_counter() - began_s
    figures: dict[str, object] = {
        "entries_erased": erased,
        "log_mb_before": size_mb,
        "seconds": seconds,
        "minutes_for_a_million": seconds / erased * 1e6 / 60,
        "append_p50_ms_alone": float(np.percentile(alone_ms, 50)),
        "append_p99_ms_alone": float(np.percentile(alone_ms, 99)),
        "append_p50_ms_while_erasing": float(np.percentile(beside_ms, 50)),
        "append_p99_ms_while_erasing": float(np.percentile(beside_ms, 99)),
        "append_most_ms_while_erasing": max(beside_ms),
        "appends_while_erasing": len(beside_ms),
        "entries_verified_after": length,
        "verify_s": verify_s,
    }
    show("retention", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()

"""How fast the event log writes: one durable event at a time, batches of track points, and verifying.

    python benchmarks/event_log.py [--seconds S] [--folder DIR] [--json]

The peer, in turns in the same run and folder, is bare `sqlite3` with the same journal and synchronisation, inserting
the same encoded bytes into a table of two columns: no chain, no hashes, no triggers. Durable writes depend on the disk,
so the ratio says more than the rate. Each figure is the best of three turns.
"""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from figures import Target, command, show
from marsad.adapters.sqlite import SqliteEventLog
from marsad.kernel.detection import Box
from marsad.kernel.encoding import encode
from marsad.kernel.event import OfficerDecision, TrackPoint
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Track

BATCH = 100
ROUNDS = 3
TARGETS = [
    Target("durable_share_of_bare_sqlite", "at_least", 0.5),
    Target("batched_per_s", "at_least", 5000),
]


def point(number: int) -> TrackPoint:
    """A located track's point, each of a track of its own, so that none is thinned out."""
    ground = GroundState(
        position=Position(latitude_deg=34.4, longitude_deg=40.9, height_m=210.0),
        east_m=1234.5,
        north_m=-987.6,
        covariance=GroundCovariance(east_m2=400.0, east_north_m2=-20.0, north_m2=4.0),
        range_m=1580.2,
    )
    track = Track(
        track_id=number,
        camera_id="north",
        origin="own",
        time_ns=number,
        frame_index=number,
        status="confirmed",
        box=Box(x_px=101.5, y_px=202.5, w_px=3.5, h_px=9.0),
        velocity_x_px_s=1.25,
        velocity_y_px_s=-0.5,
        contrast_counts=21.5,
        snr=8.5,
        kind="person",
        kind_confidence=0.9,
        confidence=0.95,
        first_ns=0,
        ground=ground,
    )
    return TrackPoint(time_ns=number, track=track)


def decision(number: int) -> OfficerDecision:
    """A durable event."""
    return OfficerDecision(
        time_ns=number, officer="o-17", subject=f"a-{number}", decision="acknowledged", reason="seen"
    )


def rate(write: Callable[[int], int], seconds: float) -> float:
    """Events a second; `write` gets a running number and returns how many it wrote."""
    start_s = time.perf_counter()
    written = number = 0
    while time.perf_counter() - start_s < seconds:
        written += write(number)
        number += 1
    return written / (time.perf_counter() - start_s)


def bare(path: Path) -> sqlite3.Connection:
    """The peer's file."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (sequence INTEGER PRIMARY KEY, payload BLOB)")
    return connection


def single(folder: Path, seconds: float) -> tuple[float, float]:
    """Durable events a second, one append each: the log, and bare SQLite."""
    with SqliteEventLog(folder / "single.sqlite") as log:
        ours = rate(lambda number: log.append([decision(number)]) >= 0, seconds)
    peer = bare(folder / "bare-single.sqlite")

    def insert(number: int) -> int:
        peer.execute("INSERT INTO event VALUES (NULL, ?)", (encode(decision(number)),))
        return 1

    theirs = rate(insert, seconds)
    peer.close()
    return ours, theirs


def batched(folder: Path, seconds: float) -> tuple[float, float, float]:
    """Track points a second in batches flushed to the disk: the log, and bare SQLite; and entries verified a second."""
    with SqliteEventLog(folder / "batched.sqlite") as log:

        def append(number: int) -> int:
            first = number * BATCH
            log.append([point(first + index) for index in range(BATCH)])
            log.flush()
            return BATCH

        ours = rate(append, seconds)
        start_s = time.perf_counter()
        count = log.verify().length
        verified = count / (time.perf_counter() - start_s)
    peer = bare(folder / "bare-batched.sqlite")

    def insert(number: int) -> int:
        first = number * BATCH
        rows = [(encode(point(first + index)),) for index in range(BATCH)]
        peer.execute("BEGIN")
        peer.executemany("INSERT INTO event VALUES (NULL, ?)", rows)
        peer.execute("COMMIT")
        return BATCH

    theirs = rate(insert, seconds)
    peer.close()
    return ours, theirs, verified


def turn(folder: Path, seconds: float) -> tuple[float, ...]:
    """All rates once."""
    folder.mkdir()
    return *single(folder, seconds), *batched(folder, seconds)


def main() -> None:
    """Measure and print."""
    parser = command(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each part runs (2)")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (a temporary one here)")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder or Path()) as name:
        rounds = [turn(Path(name) / str(number), options.seconds / ROUNDS) for number in range(ROUNDS)]
    durable, bare_durable, batch, bare_batch, verified = (max(values) for values in zip(*rounds, strict=True))
    figures: dict[str, object] = {
        "durable_per_s": durable,
        "bare_durable_per_s": bare_durable,
        "durable_share_of_bare_sqlite": durable / bare_durable,
        "batched_per_s": batch,
        "bare_batched_per_s": bare_batch,
        "batched_share_of_bare_sqlite": batch / bare_batch,
        "verified_per_s": verified,
        "batch": BATCH,
    }
    show("event_log", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()

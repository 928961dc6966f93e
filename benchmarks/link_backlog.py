"""How the link to a partner catches up, how soon an alarm arrives, and what is left of it after kill -9.

    python benchmarks/link_backlog.py [--items N] [--kills N] [--seed N] [--folder DIR] [--json]

Two organisations, four processes, mutual TLS on two loopback addresses. Four parts: a backlog fetched by a side that
was away, with bare `sqlite3` inserting the same rows in the same run as the yardstick; a link that was cut while
108,000 parcels (an hour at 30 a second, in 3,600 commits) were released; urgent parcels among live traffic; and one of
the four processes killed at random again and again, after each of which the files of both directions are proven.
"""

import random
import signal
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from figures import Target, command, show
from link_sides import SIZE_BYTES, Side, fill, prove

# The clock of the backlog runs from the gateway's first breath; `backlog_cpu_s` is the processor time of all four
# processes from then on, which does not depend on what else the machine does.
TARGETS = [
    Target("backlog_s", "at_most", 5),
    Target("cut_caught_up_s", "at_most", 60),
    Target("cut_wrong", "at_most", 0),
    Target("alarm_p95_s", "at_most", 1),
    Target("kills_wrong", "at_most", 0),
]
CUT_ITEMS = 108_000
PATIENCE_S = 120.0


@contextmanager
def two_sides(folder: Path) -> Iterator[tuple[Side, Side]]:
    """Two sides that know each other; what runs of them is ended."""
    first, second = Side(folder / "a", "127.0.0.1"), Side(folder / "b", "127.0.0.2")
    first.know(second)
    second.know(first)
    try:
        yield first, second
    finally:
        for side in (first, second):
            for name in list(side.processes):
                side.stop(name, signal.SIGKILL)


def wait(done: Callable[[], bool], look_s: float = 0.02) -> float:
    """How many seconds it took until something was so; ends the script when it never is."""
    start_s = time.perf_counter()
    while not done():
        if time.perf_counter() - start_s > PATIENCE_S:
            sys.exit("the link did not get there in time")
        time.sleep(look_s)
    return time.perf_counter() - start_s


def bare_insert_s(folder: Path, items: int) -> float:
    """The yardstick: so many rows of that size into bare SQLite, in batches as large as the link's."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE parcel (sequence INTEGER PRIMARY KEY, time_ns INTEGER, payload BLOB)")
    payload = bytes(SIZE_BYTES)
    start_s = time.perf_counter()
    for first in range(0, items, 8192):
        connection.execute("BEGIN")
        rows = [(number, number, payload) for number in range(first, min(first + 8192, items))]
        connection.executemany("INSERT INTO parcel VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    taken_s = time.perf_counter() - start_s
    connection.close()
    return taken_s


def backlog(folder: Path, items: int) -> dict[str, object]:
    """A side that was away fetches what was released meanwhile."""
    folder.mkdir()
    bare_s = bare_insert_s(folder, items)
    with two_sides(folder) as (sender, receiver):
        start_s = time.perf_counter()
        with sender.open_outbox() as outbox:
            fill(outbox, items, per_append=1000, urgent_every=100)
        released_s = time.perf_counter() - start_s
        sender.start_station(0)
        receiver.start_station(0)
        sender.start_gateway(receiver)
        wait(lambda: receiver.inbox.exists() and sender.gateway_is_open())
        receiver.start_gateway(sender)
        wait(receiver.gateway_is_open)
        used_s = sender.cpu_s() + receiver.cpu_s()
        taken_s = wait(lambda: receiver.received() >= items)
        used_s = sender.cpu_s() + receiver.cpu_s() - used_s
    return {
        "backlog_items": items,
        "backlog_s": taken_s,
        "backlog_per_s": items / taken_s,
        "bare_sqlite_s": bare_s,
        "backlog_cpu_s": used_s,
        "backlog_times_bare_sqlite": taken_s / bare_s,
        "released_per_s": items / released_s,
    }


def cut(folder: Path) -> dict[str, object]:
    """A link comes back after an hour; the clock runs from the moment at which the partner's door is open again."""
    folder.mkdir()
    with two_sides(folder) as (sender, receiver):
        sender.start_station(0)
        receiver.start_station(0)
        receiver.start_gateway(sender)
        wait(lambda: sender.outbox.exists() and receiver.inbox.exists())
        with sender.open_outbox() as outbox:
            fill(outbox, CUT_ITEMS, per_append=30, urgent_every=100)
        start_s = time.perf_counter()
        sender.start_gateway(receiver)
        first_s = wait(lambda: receiver.received() > 0)
        first = receiver.first_urgent_arrival()
        whole_s = first_s + wait(lambda: receiver.received() >= CUT_ITEMS)
        time.sleep(0.5)
        report = prove(sender, receiver)
        wrong = len(report.findings) + abs(receiver.received() - CUT_ITEMS) + receiver.wrong_contents()
    return {
        "cut_items": CUT_ITEMS,
        "cut_first_alarm_s": first_s,
        "cut_first_arrival_is_urgent": first == 1,
        "cut_caught_up_s": whole_s,
        "cut_wrong": wrong,
        "cut_with_start_of_process_s": time.perf_counter() - start_s,
    }


def alarms(folder: Path, seconds: float) -> dict[str, object]:
    """From the release of an urgent parcel until the other station has it on its disk, proven."""
    folder.mkdir()
    with two_sides(folder) as (sender, receiver):
        sender.start_station(30, urgent_every=3)
        receiver.start_station(30, urgent_every=3)
        sender.start_gateway(receiver)
        receiver.start_gateway(sender)
        wait(lambda: receiver.received() > 60)
        seen = receiver.folder / "seen.txt"
        before = len(seen.read_text(encoding="ascii").splitlines())
        time.sleep(seconds)
        lines = seen.read_text(encoding="ascii").splitlines()[before:]
    delays_s = sorted(float(line.split()[1]) for line in lines)
    return {
        "alarms": len(delays_s),
        "alarm_median_s": statistics.median(delays_s),
        "alarm_p95_s": delays_s[int(0.95 * len(delays_s))],
        "alarm_worst_s": delays_s[-1],
    }


def kills(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Kill and start again; hold everybody, prove both directions, go on."""
    folder.mkdir()
    rng = random.Random(seed)  # noqa: S311 - whom to kill is no secret
    wrong = 0
    with two_sides(folder) as (first, second):
        for side, other in ((first, second), (second, first)):
            side.start_station(100, urgent_every=10)
            side.start_gateway(other)
        wait(lambda: min(first.received(), second.received()) > 0)
        for _ in range(count):
            time.sleep(rng.uniform(0.1, 1.0))
            side, other = rng.choice([(first, second), (second, first)])
            name = rng.choice(["station", "gateway"])
            side.stop(name, signal.SIGKILL)
            wrong += _unproven(first, second)
            if name == "station":
                side.start_station(100, urgent_every=10)
            else:
                side.start_gateway(other)
            _moves(first, second)
        for side in (first, second):
            side.stop("station")
            side.start_station(0)
        whole_s = wait(lambda: _whole(first, second) and _whole(second, first))
        wrong += _unproven(first, second) + first.wrong_contents() + second.wrong_contents()
        parcels = first.received() + second.received()
    return {"kills": count, "kills_parcels": parcels, "kills_wrong": wrong, "kills_whole_after_s": whole_s}


def _moves(first: Side, second: Side) -> None:
    """Wait until both sides receive again."""
    before = (first.received(), second.received())
    wait(lambda: first.received() > before[0] and second.received() > before[1])


def _unproven(first: Side, second: Side) -> int:
    """How much does not hold while nobody moves."""
    for side in (first, second):
        side.signal_all(signal.SIGSTOP)
    try:
        findings = [one for pair in ((first, second), (second, first)) for one in prove(*pair).findings]
        for finding in findings:
            print(finding, file=sys.stderr)
        return len(findings)
    finally:
        for side in (first, second):
            side.signal_all(signal.SIGCONT)


def _whole(sender: Side, receiver: Side) -> bool:
    report = prove(sender, receiver)
    return report.sent == report.received == report.confirmed


def main() -> None:
    """Measure and print."""
    parser = command(__doc__ or "")
    parser.add_argument("--items", type=int, default=100_000, help="how large the backlog is (100000)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long alarms are timed (30)")
    parser.add_argument("--kills", type=int, default=50, help="how many processes are killed (50)")
    parser.add_argument("--seed", type=int, default=1, help="who is killed, and when (1)")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (a temporary one here)")
    parser.add_argument("--only", choices=["backlog", "cut", "alarms", "kills"], help="one part alone")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder or Path()) as name:
        folder = Path(name)
        parts: dict[str, Callable[[], dict[str, object]]] = {
            "backlog": lambda: backlog(folder / "backlog", options.items),
            "cut": lambda: cut(folder / "cut"),
            "alarms": lambda: alarms(folder / "alarms", options.seconds),
            "kills": lambda: kills(folder / "kills", options.kills, options.seed),
        }
        figures: dict[str, object] = {target.figure: None for target in TARGETS}
        for part, measure in parts.items():
            if options.only in {None, part}:
                figures |= measure()
    show("link_backlog", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()

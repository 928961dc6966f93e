"""What a watch does while its log cannot be written; the full disk is SQLite's own limit of a file's pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.patient_log import RETRY_S, PatientLog
from marsad.kernel.error import UnavailableError
from marsad.kernel.event import CameraHealth, Event, OfficerDecision

WIDE = "y" * 900


class Bench:
    """A log on a disk that can be filled, the clock, and what the operator was told."""

    def __init__(self, path: Path, most: int) -> None:
        self.inner = SqliteEventLog(path, batch_s=60)
        self.now_s = 0.0
        self.told: list[str] = []
        self.log = PatientLog(self.inner, "events.sqlite", self.told.append, most=most, clock=lambda: self.now_s)

    def room(self, pages: int) -> None:
        used = self.inner._connection.execute("PRAGMA page_count").fetchone()[0]
        self.inner._connection.execute(f"PRAGMA max_page_count = {used + pages}").fetchone()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def bench(path: Path) -> Iterator[Bench]:
    made = Bench(path, most=100)
    yield made
    made.log.close()


def durable(number: int) -> OfficerDecision:
    return OfficerDecision(time_ns=number, officer="o", subject="s", decision="d", reason=WIDE)


def passing(number: int) -> CameraHealth:
    return CameraHealth(time_ns=number, camera_id="c", frame_index=number, kind="frozen", detail=WIDE)


def times(path: Path) -> list[int]:
    with SqliteLogReader(path) as log:
        log.verify()
        return [entry.time_ns for entry in log.read()]


def test_what_waits_follows_in_order_once_there_is_room(bench: Bench, path: Path) -> None:
    bench.log.append([durable(0)])
    bench.room(5)
    for number in range(1, 60):
        bench.log.append([durable(number) if number % 3 else passing(number)])
        bench.now_s += 0.1
    acknowledged = bench.inner.written().length
    assert 0 < acknowledged < 30
    assert times(path) == list(range(acknowledged))
    (loud,) = bench.told
    assert loud.startswith("THE EVENT LOG CANNOT BE WRITTEN")
    assert "free some space" in loud
    bench.room(1000)
    bench.now_s += RETRY_S
    bench.log.tend()
    assert times(path) == list(range(60))
    assert bench.told[1:] == ["events.sqlite: the event log is written again, nothing is missing"]
    bench.log.append([durable(60)])
    assert bench.log.close() == 0
    assert times(path) == list(range(61))


def test_the_operator_is_told_again_every_minute(bench: Bench) -> None:
    bench.room(0)
    for number in range(95):
        bench.log.append([durable(number)])
        bench.now_s += 2
    assert len(bench.told) == 4
    waiting = [int(line.split(" events, ")[0].rsplit(" ", 1)[1]) for line in bench.told]
    assert waiting == sorted(waiting)
    assert waiting[-1] > 80


def test_a_quiet_watch_finds_out_too(bench: Bench) -> None:
    """What need not be on the disk at once fails behind the watch's back; nothing else happens afterwards."""
    bench.room(0)
    bench.log.append([passing(number) for number in range(20)])
    bench.log.tend()
    assert bench.told == []
    bench.now_s += RETRY_S
    bench.log.tend()
    assert len(bench.told) == 1


def test_a_disk_that_hangs_is_tried_seldom(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def hang(_events: list[Event]) -> int:
        tried.append(bench.now_s)
        bench.now_s += 10
        raise UnavailableError("no answer")

    monkeypatch.setattr(bench.inner, "append", hang)
    while bench.now_s < 1000:
        bench.log.append([passing(round(bench.now_s))])
        bench.now_s += 10
    assert 9 <= len(tried) <= 11


def test_only_when_too_much_waits_does_it_give_up(bench: Bench, path: Path) -> None:
    bench.room(0)
    number = 0
    while len(bench.log._held) < 100:
        bench.log.append([durable(number)])
        number += 1
    with pytest.raises(UnavailableError, match=r"101 events, 0 alarms .*more than may be kept"):
        bench.log.append([durable(number)])
    acknowledged = bench.inner.written().length
    assert times(path) == list(range(acknowledged))
    assert bench.log.close() == 101
    assert times(path) == list(range(acknowledged))


def test_room_at_the_very_end_is_used(bench: Bench, path: Path) -> None:
    bench.room(0)
    for number in range(50):
        bench.log.append([durable(number)])
    bench.room(1000)
    assert bench.log.close() == 0
    assert times(path) == list(range(50))


def test_an_interrupt_while_what_waits_is_written_repeats_nothing(
    bench: Bench, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = bench.inner.append

    def interrupted(events: list[Event]) -> int:
        append(events)
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.inner, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.log.append([durable(0)])
    monkeypatch.setattr(bench.inner, "append", append)
    bench.log.append([durable(1)])
    assert bench.log.close() == 0
    assert times(path) == [0, 1]

"""What is older than may be kept is gone from a log for good, what must stay stays, and the chain still verifies."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.cli import app
from marsad.app.retain import DAY_NS, KINDS, parse_keep, retain
from marsad.kernel.desk import DeskState
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    AccessLogged,
    DeskKept,
    Event,
    IncidentChanged,
    PatrolPosition,
    PayloadErased,
    RetentionRan,
    ShiftNoted,
)
from marsad.kernel.incident import Incident
from marsad.kernel.position import Position

NOW_NS = 1_800_000_000 * 10**9
HERE = Position(latitude_deg=34.0, longitude_deg=41.0)


def at(days: float) -> int:
    return NOW_NS - round(days * DAY_NS)


def incident(name: str, state: str, days: float) -> IncidentChanged:
    return IncidentChanged(
        time_ns=at(days), happening="opened", officer="Rana",
        incident=Incident(
            incident_id=name, kind="crossing", state=state, text="Zaytun", opened_ns=at(days), opened_by="Rana",  # type: ignore[arg-type]
            changed_ns=at(days),
        ),
    )  # fmt: skip


def position(days: float) -> PatrolPosition:
    return PatrolPosition(time_ns=at(days), patrol_id="p1", position=HERE)


def kept(days: float) -> DeskKept:
    state = DeskState(sequence=0, now_ns=at(days), site_name="Zaytun", origin=HERE)
    return DeskKept(
        time_ns=at(days), state=state, named={}, sounded_ns=(), acts=(), statements=(), previous=-1, picture=-1
    )  # fmt: skip


def written(folder: Path, *events: Event) -> Path:
    path = folder / "events.sqlite"
    with SqliteEventLog(path) as log:
        log.append(events)
    return path


def left(path: Path) -> list[Event | None]:
    with SqliteLogReader(path) as log:
        log.verify()
        return [each.event for each in log.read() if not isinstance(each.event, PayloadErased | RetentionRan)]


def test_what_is_too_old_is_erased_and_who_had_it_done_is_written_down(tmp_path: Path) -> None:
    old, new = position(40), position(10)
    note = ShiftNoted(time_ns=at(400), officer="Rana", text="quiet")
    path = written(tmp_path, note, old, new)
    report = retain(path, {"positions": 30}, "Omar", NOW_NS)
    assert report.erased == {"positions": 1}
    assert left(path) == [note, None, new]
    with SqliteLogReader(path) as log:
        (said,) = [each.event for each in log.read() if isinstance(each.event, PayloadErased)]
    assert (said.sequence, said.rule, said.officer) == (1, "positions kept for 30 days", "Omar")
    assert retain(path, {"positions": 30}, "Omar", NOW_NS).erased == {}


def test_an_incident_that_is_not_closed_is_kept_however_old_it_is(tmp_path: Path) -> None:
    shut = [incident("I1", "open", 900), incident("I1", "closed", 899)]
    path = written(tmp_path, *shut, incident("I2", "open", 900))
    report = retain(path, {"incidents": 365}, "Omar", NOW_NS)
    assert (report.erased, report.kept_open) == ({"incidents": 2}, 1)
    assert [event is None for event in left(path)] == [True, True, False]


def test_what_holds_the_whole_desk_goes_too_but_for_the_newest(tmp_path: Path) -> None:
    path = written(tmp_path, kept(900), kept(800), incident("I1", "closed", 900))
    retain(path, {"incidents": 365, "access": 700}, "Omar", NOW_NS)
    assert [event is None for event in left(path)] == [True, False, True]
    retain(path, {"incidents": 0}, "Omar", NOW_NS)
    assert b"Zaytun" in path.read_bytes()


def test_nothing_of_it_is_left_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, incident("I1", "closed", 900), AccessLogged(
        time_ns=at(1), happening="signed_in", name="Rana", address="127.0.0.1"
    ))  # fmt: skip
    retain(path, {"incidents": 1}, "Omar", NOW_NS)
    assert not any(b"Zaytun" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_dry_run_erases_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, position(400))
    result = CliRunner().invoke(
        app, ["retain", str(path), "--keep", "positions=1", "--officer", "Omar", "--dry-run"]
    )  # fmt: skip
    assert (result.exit_code, "1 of positions would be erased" in result.output) == (0, True)
    assert left(path) == [position(400)]


@pytest.mark.parametrize("text", ["looks", "looks=soon", "dreams=3", "looks=-1", "looks=nan"])
def test_what_is_no_time_of_a_kind_is_named(text: str) -> None:
    with pytest.raises(InputError, match="--keep"):
        parse_keep([text])


def test_a_log_that_is_none_and_nobody_who_has_it_done_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        retain(tmp_path / "none.sqlite", {"looks": 1}, "Omar", NOW_NS)
    path = written(tmp_path, position(1))
    with pytest.raises(InputError, match="--officer"):
        retain(path, {"looks": 1}, " ", NOW_NS)
    with pytest.raises(InputError, match="--keep"):
        retain(path, {}, "Omar", NOW_NS)


def test_no_event_is_of_two_kinds() -> None:
    events = [each for kinds in KINDS.values() for each in kinds]
    assert len(events) == len(set(events))

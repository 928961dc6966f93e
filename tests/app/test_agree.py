"""An agreement from nothing: keys, a draft, both signatures, the ground, and yesterday's log tried on it."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.agree import parse_place
from marsad.app.cli import app
from marsad.coordinate.agreement import read_agreement
from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import AlarmChanged
from marsad.kernel.position import GroundCovariance, GroundState, Position

SITE = """
name = "{name}"
organisation = "{name}"
[terrain]
flat_height_m = 100.0
sigma_m = 0.1
[[cameras]]
id = "mast"
reach_m = 2000.0
[cameras.lens]
width_px = 4000
height_px = 3000
horizontal_fov_deg = 90.0
[cameras.pose]
latitude_deg = 34.0
longitude_deg = 41.0
mast_m = 60.0
azimuth_deg = 0.0
elevation_deg = -10.0
[[lines]]
id = "line"
points = [{{ latitude_deg = 34.02, longitude_deg = 40.98 }}, {{ latitude_deg = 34.02, longitude_deg = 41.02 }}]
"""


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def sides(tmp_path: Path) -> Path:
    """Keys of both sides, that know each other, and both sites."""
    for name in ("east", "west"):
        (tmp_path / f"{name}.toml").write_text(SITE.format(name=name), encoding="utf-8")
        code, _ = run(
            "keys", "generate", "--name", name, "--interior", tmp_path / name, "--gateway", tmp_path / name / "gateway"
        )
        assert code == 0
    return tmp_path


def drafted(sides: Path, *more: str) -> Path:
    file = sides / "agreement.json"
    code, text = run(
        "agreement", "draft", file, "--site", sides / "east.toml", "--own", sides / "east" / "card.json",
        "--partner", sides / "west" / "card.json", "--partner-id", "west", "--anchor", "34.0,41.0", *more,
    )  # fmt: skip
    assert code == 0, text
    assert "signed by     nobody yet" in text
    return file


def test_both_sign_and_it_is_in_force(sides: Path) -> None:
    file = drafted(sides)
    code, text = run("agreement", "sign", file, "--keys", sides / "east")
    assert (code, "in force      no" in text) == (0, True)
    code, text = run("agreement", "sign", file, "--keys", sides / "west")
    assert (code, "in force      yes" in text) == (0, True)
    assert "east tells west of alarm" in text
    assert "west tells east of alarm" in text


def test_whoever_changes_a_word_ends_the_signatures(sides: Path) -> None:
    file = drafted(sides)
    for name in ("east", "west"):
        run("agreement", "sign", file, "--keys", sides / name)
    signed = read_agreement(file.read_bytes())
    wider = msgspec.structs.replace(signed.agreement, until_ns=signed.agreement.until_ns + 1)
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(signed, agreement=wider)))
    _, text = run("agreement", "show", file)
    assert "in force      no: the signature of" in text


def test_a_draft_that_is_not_sound_is_named_and_not_signed(sides: Path) -> None:
    file = drafted(sides)
    signed = read_agreement(file.read_bytes())
    rules = tuple(msgspec.structs.replace(rule, sigma_m=1) for rule in signed.agreement.rules)
    broken = msgspec.structs.replace(signed.agreement, rules=rules)
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(signed, agreement=broken)))
    code, text = run("agreement", "show", file)
    assert (code, "WRONG: east-alarms.sigma_m: at least precision_m" in text) == (1, True)
    with pytest.raises(RefusedError, match="not sound"):
        run("agreement", "sign", file, "--keys", sides / "east")


def test_a_stranger_does_not_sign(sides: Path) -> None:
    file = drafted(sides)
    run("keys", "generate", "--name", "stranger", "--interior", sides / "s", "--gateway", sides / "s" / "gateway")
    with pytest.raises(InputError, match="neither party has the key"):
        run("agreement", "sign", file, "--keys", sides / "s")


def test_the_ground_is_what_the_cameras_see_whole(sides: Path) -> None:
    file = drafted(sides, "--cell", "50", "--protected", "50")
    code, text = run(
        "agreement", "ground", file, "--site", sides / "east.toml", "--out", sides / "east" / "ground.json"
    )
    assert code == 0, text
    blocks = json.loads((sides / "east" / "ground.json").read_text())["blocks"]
    assert blocks
    # The mast stands at the anchor and looks north, a quarter of the circle: nothing behind it, nothing far to a side.
    assert all(north >= 0 and -(north + 1) <= east <= north + 1 for east, north in blocks)
    assert all(north < 5 for _, north in blocks)


def test_a_night_is_tried_on_it(sides: Path) -> None:
    file = drafted(sides, "--protected", "0")
    for name in ("east", "west"):
        run("agreement", "sign", file, "--keys", sides / name)
    agreement = read_agreement(file.read_bytes()).agreement
    with SqliteEventLog(sides / "events.sqlite") as log:
        log.append(
            [
                AlarmChanged(
                    time_ns=agreement.from_ns + 10**9, alarm=alarm(agreement.from_ns + 10**9), happening="raised"
                )
            ]
        )
        log.append(
            [AlarmChanged(time_ns=agreement.from_ns + 60 * 10**9, alarm=alarm(agreement.from_ns), happening="raised")]
        )
    code, text = run("agreement", "dry-run", file, "--log", sides / "events.sqlite", "--keys", sides / "east")
    assert code == 0
    assert "east would have told 1 times: 1 of alarm" in text


def alarm(now_ns: int) -> Alarm:
    """A person a kilometre from the line."""
    ground = GroundState(
        position=Position(latitude_deg=34.012, longitude_deg=41.0, height_m=100.0), east_m=0.0, north_m=1330.0,
        covariance=GroundCovariance(east_m2=100.0, east_north_m2=0.0, north_m2=100.0), range_m=1330.0,
    )  # fmt: skip
    return Alarm(
        alarm_id="A1", subject_id="T1", state="unacknowledged", priority="high", kind="person",
        response="look_and_send", text="Somebody", raised_ns=now_ns, changed_ns=now_ns, latching=False,
        met=(Met(rule="line_crossing", rule_id="line", direction="inward", time_ns=now_ns, alert_id="a"),),
        seen=Seen(time_ns=now_ns, ground=ground),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["34.0", "a,b", "99,0", "0,181", "nan,0"])
def test_a_place_that_is_none_is_named(text: str) -> None:
    with pytest.raises(InputError, match="LAT"):
        parse_place(text)


def test_a_place_is_read() -> None:
    assert parse_place("34.4, 40.9") == Position(latitude_deg=34.4, longitude_deg=40.9)


def test_a_ground_that_is_none_is_named(sides: Path) -> None:
    file = drafted(sides)
    for name in ("east", "west"):
        run("agreement", "sign", file, "--keys", sides / name)
    bad = sides / "ground.json"
    bad.write_text("{}")
    with pytest.raises(InputError, match=r"ground\.json: is no release ground"):
        run("agreement", "dry-run", file, "--log", sides / "none", "--keys", sides / "east", "--ground", bad)

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from marsad.app.bench_watch import Header, Store, code_hash, piece_rng
from marsad.app.bench_watch_page import PLOTS
from marsad.kernel.error import InputError, UnavailableError
from marsad.report.accuracy import Played
from marsad.simulate.campaign import Densities, Piece

T = TypeVar("T")

HEADER = Header(version="1", code="abc", seeds="tune", densities=Densities(), chunk_s=600.0, crossing_s=80.0)
PLAYED = Played(
    key="day-00000", part="day", air="clear", lie="plain", hour=3.0, seconds=600.0, frames=5400, scene_cpu_s=1.0,
    watch_cpu_s=1.0, windy=False, shown={"birds": 2.0}, passages=(), alarms=(), faults=(), reports=(), places=(),
    kinds=(), counts=(),
)  # fmt: skip


def test_a_finished_piece_is_kept_and_one_broken_off_is_played_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "out", HEADER, resume=False)
    store.append(PLAYED)
    store.append(msgspec.structs.replace(PLAYED, key="day-00001"))
    with (tmp_path / "out" / "pieces.jsonl").open("ab") as file:
        file.write(b'{"key":"day-00002","part":"da')
    again = Store(tmp_path / "out", HEADER, resume=True)
    assert set(again.read()) == {"day-00000", "day-00001"}
    again.append(msgspec.structs.replace(PLAYED, key="day-00002"))
    assert again.read()["day-00002"].shown == {"birds": 2.0}


def test_a_folder_in_use_is_not_begun_anew(tmp_path: Path) -> None:
    Store(tmp_path, HEADER, resume=False)
    with pytest.raises(InputError, match="--resume"):
        Store(tmp_path, HEADER, resume=False)


@pytest.mark.parametrize(
    ("field", "value"), [("seeds", "held-out"), ("code", "def"), ("densities", Densities(birds=1)), ("chunk_s", 60.0)]
)
def test_pieces_of_two_campaigns_are_not_mixed(tmp_path: Path, field: str, value: object) -> None:
    Store(tmp_path, HEADER, resume=False)
    other = msgspec.structs.replace(HEADER, **{field: value})
    with pytest.raises(InputError, match=f"another {field}"):
        Store(tmp_path, other, resume=True)


def test_a_line_that_is_no_piece_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path, HEADER, resume=False)
    store.append(PLAYED)
    with (tmp_path / "pieces.jsonl").open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(InputError, match=r"pieces\.jsonl, line 2"):
        store.read()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="choose another --out"):
        Store(tmp_path / "file", HEADER, resume=False)


def test_seeds_to_tune_on_and_for_proof_never_meet() -> None:
    pieces = [Piece(part=part, number=n, seconds=60.0) for part in ("day", "crossing") for n in range(50)]
    drawn = {int(piece_rng(piece, seeds).integers(2**62)) for piece in pieces for seeds in ("tune", "held-out")}
    assert len(drawn) == 200
    assert piece_rng(pieces[3], "tune").integers(2**62) == piece_rng(pieces[3], "tune").integers(2**62)


def test_the_code_has_a_hash_of_its_own() -> None:
    assert len(code_hash()) == 16
    assert code_hash() == code_hash()


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    marsad = Path(sys.executable).with_name("marsad")
    return subprocess.run([marsad, "bench", "watch", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("campaign") / "out"
    done = command("--short", "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return out, told


def test_the_short_campaign_says_what_was_found_and_what_was_not(short: tuple[Path, dict[str, object]]) -> None:
    out, told = short
    assert told["complete"] is True
    assert told["pieces"] == 13
    goals = {goal["figure"]: goal["value"] for goal in told["goals"]}
    assert goals["crossings of walking adults found"] >= 0.8
    assert goals["faults of the camera found within 10 s"] >= 0.8
    assert {path.name for path in out.iterdir()} >= {"accuracy.md", "accuracy.json", "by_height.json", "pieces.jsonl"}
    for name in PLOTS:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "accuracy.md").read_text(encoding="utf-8")
    assert "All of it is simulated." in page
    assert "| crossings of walking adults found | at least 0.98 |" in page


def test_the_boxes_for_other_trackers_agree_with_the_truth(short: tuple[Path, dict[str, object]]) -> None:
    out, _ = short
    files = sorted((out / "boxes").glob("*.npz"))
    assert len(files) == 2
    with np.load(files[0]) as held:
        assert held["fps"] == 9.0
        assert len(held["truth"]) > 100
        assert held["tracks"][:, 0].max() < held["frames"]
        detected = held["detections"]
        assert (detected[:, 4:] > 0).all()


def test_what_was_played_is_not_played_again(short: tuple[Path, dict[str, object]]) -> None:
    out, told = short
    done = command("--short", "--out", str(out), "--json")
    assert done.returncode == 2
    assert "--resume" in done.stderr
    before = (out / "pieces.jsonl").read_bytes()
    done = command("--short", "--out", str(out), "--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == told
    assert (out / "pieces.jsonl").read_bytes() == before


def test_a_campaign_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    marsad = Path(sys.executable).with_name("marsad")
    arguments = [marsad, "bench", "watch", "--short", "--jobs", "1", "--out", str(tmp_path / "out")]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
        workers = wait_for(lambda: children(running.pid))
        running.kill()
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def children(pid: int) -> list[int]:
    """The processes that run a campaign's pieces for a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            found += [int(child)] if b"spawn_main" in words else []
    return found


def wait_for(condition: Callable[[], T]) -> T:
    """What a condition comes to once it holds; a worker takes some seconds to start, and to see that it is alone."""
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.1)
    pytest.fail("waited a minute in vain")


def test_days_must_be_above_nothing(tmp_path: Path) -> None:
    done = command("--days", "0", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "--days 0.0" in done.stderr

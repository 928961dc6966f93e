"""The benchmark of fusing, alone and beside an engine that says what is true."""

import json
import sys
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from marsad.app.bench_fuse import TOWERS, bench_fuse, linear_case, measure
from marsad.app.bench_fuse_drawing import draw_engines
from marsad.app.bench_fuse_marsad import marsad_estimates
from marsad.app.bench_fuse_peers import Peers
from marsad.app.cli import app
from marsad.kernel.error import InputError, UnavailableError

TRUTHFUL = """
import sys
from pathlib import Path
import numpy as np

scenes = [Path(each) for each in sys.argv[1:] if each.endswith(".npz")]
options = dict(zip(sys.argv, sys.argv[1:]))
for path in scenes:
    held = dict(np.load(path))
    place = held["truth_state"][:, :2] + 1.0
    cover = np.tile(np.eye(2), (len(place), 1, 1))
    seconds = np.full(len(held["look_time_ns"]), 0.5)
    if options["--engine"] == "jpda":
        seconds = seconds[:3]
    out = Path(options["--out"]) / f"{path.stem}-{options['--engine']}-0.npz"
    np.savez(out, look=held["truth_look"], track=held["truth_id"], place_m=place, covariance=cover, seconds=seconds)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose GNN knows the truth, and whose JPDA is given up."""
    (tmp_path / ".venv-peers" / "bin").mkdir(parents=True)
    (tmp_path / "benchmarks").mkdir()
    # A link would lead the interpreter away from the packages of the environment it is of.
    python = tmp_path / ".venv-peers" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "benchmarks" / "peer_stonesoup.py").write_text(TRUTHFUL)
    found = {name: {"gnn": {"best": {}}, "jpda": {"best": {}}} for name in ("linear-10", "linear-50", "valley")}
    (tmp_path / "benchmarks" / "peer_stonesoup.json").write_text(json.dumps(found))
    return tmp_path


def test_marsad_alone_leaves_figures_and_a_picture_and_says_how_to_get_the_peers(tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ["bench", "fuse", "--size", "5", "--towers", "pair", "--seeds", "2", "--out", str(out)]
    done = CliRunner().invoke(app, [*asked, "--peers", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for word in ("linear-5", "pair", "ms a look", "GOSPA, m", "+-", "`make peers` makes .venv-peers", "fuse.json"):
        assert word in done.output
    for name in ("pair.png", "linear-5.png"):
        picture = cv2.imread(str(out / name))
        assert picture is not None
        assert picture.std() > 5
    alone = CliRunner().invoke(app, [*asked, "--alone", "--json"])
    report = json.loads(alone.output.splitlines()[-1])
    assert report["peers"] == "left out"
    (row,) = [row for row in report["rows"] if row["case"] == "pair"]
    figure = row["figures"]["offset_m"]
    assert figure["low"] < figure["mean"] < figure["high"]
    assert figure["mean"] < 5.0


def test_beside_an_engine_the_difference_is_told_with_its_interval(checkout: Path, tmp_path: Path) -> None:
    report = bench_fuse(sizes=[8], towers_of=[], seeds=3, peers=checkout, out=tmp_path / "out", show=False)
    assert report.peers == "measured"
    assert [row.engine for row in report.rows] == ["marsad", "gnn", "jpda"]
    assert report.rows[1].figures["offset_m"].mean == pytest.approx(2**0.5)
    assert report.rows[1].figures["missed"].mean == 0
    (versus,) = report.versus
    assert versus.engine == "gnn"
    assert versus.gospa_percent.low > 0
    assert versus.times_as_fast.mean > 1
    assert "given up: a look took too long" in report.text()
    assert "GOSPA greater by, %" in report.text()


def test_sizes_that_were_not_searched_take_the_nearest_one_s_settings(checkout: Path) -> None:
    found = {f"linear-{size}": {"gnn": {"best": {"points": size}}} for size in (10, 100)}
    (checkout / "benchmarks" / "peer_stonesoup.json").write_text(json.dumps(found))
    peers = Peers(checkout)
    assert [peers.tuned(f"linear-{size}", "gnn")["points"] for size in (2, 10, 30, 40, 5000)] == [10, 10, 10, 100, 100]


def test_a_peer_that_fails_is_told(checkout: Path) -> None:
    (checkout / "benchmarks" / "peer_stonesoup.py").write_text("raise SystemExit(3)")
    with pytest.raises(UnavailableError, match="Stone Soup's gnn ended with 3"):
        measure(linear_case(2), [0], Peers(checkout))
    assert not Peers(checkout / "elsewhere").there


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--towers hill: there are pair, registered, valley, turned_valley"):
        bench_fuse(sizes=[], towers_of=["hill"], seeds=1, peers=None, out=tmp_path, show=False)
    with pytest.raises(InputError, match="whole numbers from 1"):
        bench_fuse(sizes=[0], towers_of=[], seeds=1, peers=None, out=tmp_path, show=False)


def test_a_picture_has_a_panel_for_each_engine(tmp_path: Path) -> None:
    scene = TOWERS["pair"].make(1)
    said = marsad_estimates(scene)
    sizes = []
    for engines in ({"marsad": said}, {"marsad": said, "gnn": said}):
        draw_engines(scene, engines, tmp_path / "picture.png", 4)
        sizes.append(cv2.imread(str(tmp_path / "picture.png")).shape[1])
    assert sizes[1] > 1.5 * sizes[0]

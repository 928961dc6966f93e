"""The truth on the disk."""

import json
from pathlib import Path

import pytest

from marsad.adapters.truth import TruthFiles
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.simulate.effect import NearThing
from marsad.simulate.truth import ActorTruth


def truth(index: int, actor_id: int = 7, visible: float = 1.0) -> ActorTruth:
    return ActorTruth(
        frame_index=index,
        time_ns=index * 100_000_000,
        actor_id=actor_id,
        kind="camel",
        box=Box(x_px=10.0 + index, y_px=20.0, w_px=8.0, h_px=6.0),
        foot_px=(14.0, 26.0),
        east_m=1.0 * index,
        north_m=0.0,
        up_m=0.0,
        position=Position(latitude_deg=34.0, longitude_deg=41.0 + 1e-5 * index, height_m=200.123),
        range_m=800.0,
        visible=visible,
        height_px=6.0,
        contrast_k=3.0,
        snr=14.5,
        role="nuisance",
        party="caravan",
    )


def test_rows_facts_and_paths_are_written(tmp_path: Path) -> None:
    files = TruthFiles(tmp_path, "mast")
    insect = NearThing(cause="insect", thing_id=3, box=Box(x_px=1, y_px=2, w_px=3, h_px=4), contrast_k=2.0)
    for index in range(25):
        files.add(index, [truth(index, visible=0.1 if index == 20 else 1.0)], [insect] if index == 4 else [])
    files.add(25, [truth(25, actor_id=9)])
    assert files.close() == files.close() == ["truth.csv", "truth.jsonl", "truth.geojson"]
    rows = (tmp_path / "truth.csv").read_text(encoding="ascii").splitlines()
    assert rows[0] == "1,7,10.00,20.00,8.00,6.00,1,14,1.000"
    assert rows[20].split(",")[6] == "0"
    facts = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(facts) == 27
    assert facts[5] == {
        "frame_index": 4,
        "cause": "insect",
        "thing_id": 3,
        "box": {"x_px": 1.0, "y_px": 2.0, "w_px": 3.0, "h_px": 4.0},
        "contrast_k": 2.0,
    }
    features = json.loads((tmp_path / "truth.geojson").read_text(encoding="utf-8"))["features"]
    assert [feature["geometry"]["type"] for feature in features] == ["LineString", "Point"]
    path = features[0]
    assert path["properties"]["times_ns"] == [0, 1_000_000_000, 2_000_000_000]
    assert path["properties"]["seen"] == [True, True, False]
    assert path["properties"]["party"] == "caravan"
    assert path["geometry"]["coordinates"][1] == [41.0001, 34.0, 200.12]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        TruthFiles(tmp_path / "nowhere", "mast")

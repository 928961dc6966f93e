"""Ground lookups kept on disk."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from marsad.adapters.lookup import cached_lookup
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Pose

FRAME = EnuFrame(Position(latitude_deg=34, longitude_deg=41))
SURFACE = Surface(flat_grid(34, 41, 100, 5000), FRAME, 5000)
LENS = Lens(width_px=64, height_px=48, horizontal_fov_deg=10)
POSE = Pose(latitude_deg=34, longitude_deg=41, mast_m=20, azimuth_deg=0, elevation_deg=-1)


def same(one: GroundLookup, two: GroundLookup) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(msgspec.structs.astuple(one), msgspec.structs.astuple(two), strict=True)
    )


def test_it_is_built_once_and_anew_for_another_pose(tmp_path: Path) -> None:
    view = CameraView(LENS, POSE, SURFACE)
    built = cached_lookup(view, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    written = kept.stat().st_mtime_ns
    assert same(cached_lookup(view, tmp_path / "cache"), built)
    assert kept.stat().st_mtime_ns == written
    assert same(built, view.lookup())
    cached_lookup(CameraView(LENS, msgspec.structs.replace(POSE, azimuth_deg=5), SURFACE), tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "shape", "missing", "flip"])
def test_a_damaged_file_is_built_anew(tmp_path: Path, damage: str) -> None:
    view = CameraView(LENS, POSE, SURFACE)
    built = cached_lookup(view, tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    if damage == "shape":
        np.savez(kept, **{name: np.zeros((3, 3)) for name in GroundLookup.__struct_fields__})
    elif damage == "missing":
        np.savez(kept, status=built.status)
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
        kept.write_bytes({"cut": whole[:1000], "noise": b"\7" * 500, "empty": b"", "flip": flipped}[damage])
    assert same(cached_lookup(view, tmp_path), built)
    assert kept.read_bytes() == whole or same(cached_lookup(view, tmp_path), built)


def test_a_folder_that_cannot_be_written_to_costs_only_the_time_to_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    view = CameraView(LENS, POSE, SURFACE)
    assert same(cached_lookup(view, tmp_path / "file"), cached_lookup(view, tmp_path / "folder"))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "x"

"""Which source a path or an address leads to."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from marsad.adapters.cptv import CptvSource
from marsad.adapters.images import ImageSource
from marsad.adapters.sources import is_live, open_source
from marsad.adapters.video import VideoSource
from marsad.kernel.error import InputError


def picture(path: Path) -> Path:
    cv2.imwrite(str(path), np.zeros((8, 8), np.uint8))
    return path


def test_a_folder_and_a_picture_are_pictures(tmp_path: Path) -> None:
    one = picture(tmp_path / "a.PNG")
    for spec in (tmp_path, one):
        source = open_source(str(spec), "cam", fps=4.0)
        assert isinstance(source, ImageSource)
        assert (source.camera_id, source.info.fps) == ("cam", 4.0)
        source.close()


@pytest.mark.parametrize(("name", "kind"), [("a.cptv", CptvSource), ("a.CPTV", CptvSource), ("a.mp4", VideoSource)])
def test_other_files_go_by_their_ending(tmp_path: Path, name: str, kind: type) -> None:
    (tmp_path / name).write_text("not really")
    with pytest.raises(InputError) as caught:
        open_source(str(tmp_path / name), "c")
    assert ("CPTV" in str(caught.value)) == (kind is CptvSource)


def test_addresses_of_cameras_are_live() -> None:
    assert is_live("rtsp://10.0.0.7/stream")
    assert is_live("RTSPS://10.0.0.7/stream")
    assert not is_live("clips/rtsp.mp4")


def test_other_addresses_are_refused_without_their_password() -> None:
    with pytest.raises(InputError, match=r"ftp://\*\*\*@host/a: not an address") as caught:
        open_source("ftp://user:pass@host/a", "c")
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf"), 1e-300, 1e9])
def test_an_impossible_rate_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(InputError, match="fps"):
        open_source(str(picture(tmp_path / "a.png")), "c", fps=fps)

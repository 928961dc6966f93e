"""A camera's watch made ready from its site."""

from pathlib import Path

import msgspec
import pytest

from marsad.adapters.memory import MemoryFrameSource
from marsad.app.config import load_site
from marsad.app.watch_start import cache_folder, watcher_for
from marsad.kernel.error import InputError
from marsad.kernel.frame import Frame
from marsad.kernel.site import Site
from marsad.watch.watcher import Watcher, WatchSettings


def made_ready(frames: list[Frame], site: Site | None) -> Watcher:
    source = MemoryFrameSource("mast", frames, fps=25)
    return watcher_for(source, site, site.cameras[0] if site else None, None, WatchSettings())


def test_pictures_too_small_to_be_watched_are_refused(walk: list[Frame]) -> None:
    tiny = [msgspec.structs.replace(walk[0], counts=walk[0].counts[:7, :20])]
    with pytest.raises(InputError, match="pictures of 20 x 7 pixels"):
        made_ready(tiny, None)


def test_the_lookup_is_built_once_and_kept_in_the_cache(
    walk: list[Frame], tmp_path: Path, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARSAD_CACHE", str(tmp_path / "kept"))
    assert cache_folder() == tmp_path / "kept"
    site = load_site(site_file)
    made_ready(walk[:5], site)
    (kept,) = (tmp_path / "kept").iterdir()
    made = kept.stat().st_mtime_ns
    made_ready(walk[:5], site)
    assert [path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()] == [made]


def test_the_cache_is_in_the_user_s_own_folder_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARSAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "marsad"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert cache_folder() == tmp_path / "me" / ".cache" / "marsad"

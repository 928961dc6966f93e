"""A site file: TOML to `Site`, with everything that is wrong about it said at once."""

import os
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from marsad.adapters.rtsp import SCHEMES
from marsad.app.reading import Reader, read_table
from marsad.app.site_rules import findings
from marsad.app.toml_lines import Path as Key
from marsad.kernel.error import SiteError
from marsad.kernel.site import Site

PMTILES = b"PMTiles\x03"
"""How a file begins that holds a map's tiles. Source: PMTiles version 3 specification, section 3."""
_PMTILES_HEADER = struct.Struct("<8s8Q")
_PMTILES_HEADER_BYTES = 127
EXAMPLE = "a site file, such as examples/site.toml"


def load_site(path: Path, *, to_come: Collection[str] = ()) -> Site:
    """The site that a TOML file describes, its file names made absolute (they are relative to the TOML file).

    Files named in `to_come` need not exist yet. Raises: InputError where the file cannot be read or is no TOML,
    SiteError listing every bad setting.
    """
    table, lines = read_table(path, EXAMPLE)
    reader = _SiteReader(lines, to_come)
    site = reader.record(table, Site, ())
    located = reader.locate(table, site, path.absolute().parent)
    if located is None:
        raise SiteError(str(path), reader.problems())
    return located


class _SiteReader(Reader):
    """Reads a site, and looks for its files."""

    def __init__(self, lines: Mapping[Key, int], to_come: Collection[str]) -> None:
        super().__init__(lines, findings)
        self._to_come = to_come

    def locate(self, table: Mapping[str, Any], site: Site | None, folder: Path) -> Site | None:
        """The site with absolute file names, None where anything is wrong.

        Files and ids are looked at in the tables as they are, so that one bad camera does not hide another's.
        """
        self._missing_files(table, folder)
        self._repeated_ids(table)
        if site is None or self._problems:
            return None
        files = tuple(str(folder / name) for name in site.terrain.files)
        cameras = [msgspec.structs.replace(camera, source=_absolute(camera.source, folder)) for camera in site.cameras]
        terrain = msgspec.structs.replace(site.terrain, files=files)
        base_map = _absolute(site.base_map, folder)
        return msgspec.structs.replace(site, terrain=terrain, base_map=base_map, cameras=tuple(cameras))

    def _repeated_ids(self, table: Mapping[str, Any]) -> None:
        """Each is named by its id alone, by sources whoever reports and by alerts and areas whatever lies there."""
        for group in (("cameras", "posts", "patrols"), ("lines", "zones", "fences", "inhabited")):
            seen: dict[str, str] = {}
            for name in group:
                for index, thing in _tables(table.get(name)):
                    key = "patrol_id" if name == "patrols" else "id"
                    own, place = thing.get(key), f"{name}[{index}]"
                    if isinstance(own, str) and seen.setdefault(own, place) != place:
                        self.note((name, index, key), own, f"an id of its own: {seen[own]} has this one")

    def _missing_files(self, table: Mapping[str, Any], folder: Path) -> None:
        for key, name in _named_files(table):
            if "://" in name:
                self._address(key, name)
            elif name in self._to_come:
                continue
            elif key[0] == "terrain" and not (folder / name).is_file():
                self.note(key, name, f"an elevation file that exists; there is none at {folder / name}")
            elif key[0] == "base_map":
                self._base_map(name, folder)
            elif name and not (folder / name).exists():
                self.note(key, name, f"a recording that exists; there is none at {folder / name}")

    def _base_map(self, name: str, folder: Path) -> None:
        valid = f"a PMTiles file; {folder / name}"
        try:
            with (folder / name).open("rb") as file:
                start = file.read(_PMTILES_HEADER_BYTES)
                size = file.seek(0, os.SEEK_END)
        except OSError as error:
            self.note(("base_map",), name, f"{valid} cannot be read: {error.strerror}")
            return
        if not start.startswith(PMTILES):
            self.note(("base_map",), name, f"{valid} is none, of version 3")
        elif not _is_whole(start, size):
            self.note(("base_map",), name, f"{valid} is cut short: fetch it again")

    def _address(self, key: Key, address: str) -> None:
        if key[0] != "cameras" or not address.lower().startswith(SCHEMES):
            valid = "a path" + (", or an address that begins with rtsp:// or rtsps://" if key[0] == "cameras" else "")
            self.note(key, address, valid)
            return
        try:
            parts = urlsplit(address)
            sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            sound = False
        if not sound:
            self.note(key, address, "an address such as rtsp://host:554/path")


def _tables(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables in a list of tables, with their places."""
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield index, item


def _named_files(table: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """Every file name in the tables as they are, sound or not."""
    terrain = table.get("terrain")
    names = terrain.get("files") if isinstance(terrain, dict) else None
    for index, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str):
            yield ("terrain", "files", index), name
    if isinstance(table.get("base_map"), str) and table["base_map"]:
        yield ("base_map",), table["base_map"]
    for index, camera in _tables(table.get("cameras")):
        if isinstance(camera.get("source"), str):
            yield ("cameras", index, "source"), camera["source"]


def _absolute(source: str, folder: Path) -> str:
    return source if not source or "://" in source else str(folder / source)


def _is_whole(header: bytes, size: int) -> bool:
    """Whether the parts that a PMTiles header names lie within the file: directory, description, leaves, tiles."""
    if len(header) < _PMTILES_HEADER_BYTES:
        return False
    _, *parts = _PMTILES_HEADER.unpack_from(header)
    return all(offset + length <= size for offset, length in zip(parts[::2], parts[1::2], strict=True))

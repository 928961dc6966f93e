"""A site file: TOML to `Site`, with everything that is wrong about it said at once."""

import difflib
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from marsad.adapters.rtsp import SCHEMES, masked
from marsad.app.setting import describe, item_of, least_of, record_of
from marsad.app.site_rules import Words, findings
from marsad.app.toml_lines import Path as Key
from marsad.app.toml_lines import dotted, key_lines
from marsad.kernel.error import ConfigError, InputError, SiteError
from marsad.kernel.record import Record
from marsad.kernel.site import Site

R = TypeVar("R", bound=Record)
_SHOWN = 60


class _Bad:
    """Stands for a value that is not there because it was wrong."""


_BAD = _Bad()


def load_site(path: Path) -> Site:
    """The site that a TOML file describes, its file names made absolute (they are relative to the TOML file).

    Raises: InputError where the file cannot be read or is no TOML, SiteError listing every bad setting.
    """
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    reader = _Reader(key_lines(text))
    site = reader.record(table, Site, ())
    located = reader.locate(table, site, path.absolute().parent)
    if located is None:
        raise SiteError(str(path), reader.problems())
    return located


def _text(path: Path) -> str:
    """The file's text; a byte order mark, which some editors write, is left out."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: name a site file, such as examples/site.toml") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


class _Reader:
    """Decodes tables to records and goes on after each problem, so that all are known at the end."""

    def __init__(self, lines: Mapping[Key, int]) -> None:
        self._lines = lines
        self._problems: list[ConfigError] = []

    def problems(self) -> list[ConfigError]:
        """What is wrong, in the order of the file."""
        return sorted(self._problems, key=lambda problem: problem.line or 0)

    def record(self, table: object, kind: type[R], key: Key) -> R | None:
        """The record a table describes, None where a setting in it is not of its kind.

        What is impossible about it is looked for even then, as far as the sound settings allow.
        """
        if not isinstance(table, dict):
            self._add(key, table, "a table")
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        unknown = [name for name in table if name not in fields]
        for name in unknown:
            self._add((*key, name), table[name], _no_such_key(name, [known for known in fields if known not in table]))
        sound: dict[str, Any] = {}
        for name, field in fields.items():
            value = self._value(table[name], field.type, (*key, name)) if name in table else _BAD
            if name not in table and field.required:
                self._add((*key, name), Words("(missing)"), f"is required: {describe(field.type)}")
            if value is not _BAD:
                sound[name] = value
        if any(field.required and name not in sound for name, field in fields.items()):
            return None
        built = kind(**sound)
        for finding in findings(built):
            self._add((*key, *finding.key), finding.value, finding.valid)
        return built if len(sound) == len(table) else None

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
        return msgspec.structs.replace(site, terrain=terrain, cameras=tuple(cameras))

    def _repeated_ids(self, table: Mapping[str, Any]) -> None:
        """Lines and zones share their ids, since alerts name either by it."""
        for group in (("cameras",), ("lines", "zones")):
            seen: dict[str, str] = {}
            for name in group:
                for index, thing in _tables(table.get(name)):
                    own, place = thing.get("id"), f"{name}[{index}]"
                    if isinstance(own, str) and seen.setdefault(own, place) != place:
                        self._add((name, index, "id"), own, f"an id of its own: {seen[own]} has this one")

    def _missing_files(self, table: Mapping[str, Any], folder: Path) -> None:
        for key, name in _named_files(table):
            if "://" in name:
                self._address(key, name)
            elif key[0] == "terrain" and not (folder / name).is_file():
                self._add(key, name, f"an elevation file that exists; there is none at {folder / name}")
            elif name and not (folder / name).exists():
                self._add(key, name, f"a recording that exists; there is none at {folder / name}")

    def _address(self, key: Key, address: str) -> None:
        if key[0] != "cameras" or not address.lower().startswith(SCHEMES):
            valid = "a path" + (", or an address that begins with rtsp:// or rtsps://" if key[0] == "cameras" else "")
            self._add(key, address, valid)
            return
        try:
            parts = urlsplit(address)
            sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            sound = False
        if not sound:
            self._add(key, address, "an address such as rtsp://host:554/path")

    def _value(self, value: object, annotation: object, key: Key) -> object:
        item, kind = item_of(annotation), record_of(annotation)
        if kind is not None:
            built = self.record(value, kind, key)
            return _BAD if built is None else built
        if item is not None:
            return self._list(value, item, annotation, key)
        try:
            plain: object = msgspec.convert(value, annotation)
        except msgspec.ValidationError:
            plain = _BAD
        if plain is _BAD or (isinstance(plain, float) and not math.isfinite(plain)):
            self._add(key, value, describe(annotation))
            return _BAD
        return plain

    def _list(self, value: object, item: object, annotation: object, key: Key) -> object:
        if not isinstance(value, list):
            self._add(key, value, describe(annotation))
            return _BAD
        items = tuple(self._value(part, item, (*key, index)) for index, part in enumerate(value))
        if len(value) < least_of(annotation):
            self._add(key, Words(f"{len(value)} given"), describe(annotation))
            return _BAD
        return _BAD if _BAD in items else items

    def _add(self, key: Key, value: object, valid: str) -> None:
        self._problems.append(ConfigError(dotted(key), _shown(value), valid, self._line(key)))

    def _line(self, key: Key) -> int | None:
        """The line of the key, or of the nearest thing around it that the file holds."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key[:-1]
        return None


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
    for index, camera in _tables(table.get("cameras")):
        if isinstance(camera.get("source"), str):
            yield ("cameras", index, "source"), camera["source"]


def _absolute(source: str, folder: Path) -> str:
    return source if not source or "://" in source else str(folder / source)


def _no_such_key(name: str, known: list[str]) -> str:
    """What to write instead: the key that is spelt most like it, else all."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"no such key; did you mean {near[0]}?"
    return f"no such key; valid here: {', '.join(known)}" if known else "no such key, and no other is missing here"


def _shown(value: object) -> str:
    """The value as TOML would have it, shortened, without a password."""
    if isinstance(value, Words):
        return str(value)
    if isinstance(value, str):
        text = f'"{masked(value) if "://" in value else value}"'
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, dict):
        text = "a table"
    elif isinstance(value, list):
        text = f"a list of {len(value)}"
    else:
        text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

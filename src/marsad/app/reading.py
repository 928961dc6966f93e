"""Tables of a TOML file turned into records, with everything that is wrong about them said at once."""

import difflib
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from marsad.adapters.rtsp import masked
from marsad.adapters.text_file import read_text
from marsad.app.setting import choices_of, describe, item_of, least_of, length_of, record_of, values_of
from marsad.app.site_rules import Finding, Words
from marsad.app.toml_lines import Path as Key
from marsad.app.toml_lines import dotted, key_lines
from marsad.kernel.error import ConfigError, InputError
from marsad.kernel.record import Record

R = TypeVar("R", bound=Record)
_SHOWN = 60

Rules = Callable[[Record], Iterator[Finding]]
"""What is impossible about a record, though every setting in it is of its kind."""


class _Bad:
    """Stands for a value that is not there because it was wrong."""


_BAD = _Bad()


def read_table(path: Path, example: str) -> tuple[dict[str, Any], dict[Key, int]]:
    """What a TOML file holds, and the line of each key; `example` names a file of its kind in messages.

    Raises: InputError where the file cannot be read or is no TOML.
    """
    text = read_text(path, example)
    try:
        return tomllib.loads(text), key_lines(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error


class Reader:
    """Decodes tables to records and goes on after each problem, so that all are known at the end."""

    def __init__(self, lines: Mapping[Key, int], rules: Rules) -> None:
        self._lines = lines
        self._rules = rules
        self._problems: list[ConfigError] = []

    def problems(self) -> list[ConfigError]:
        """What is wrong, in the order of the file."""
        return sorted(self._problems, key=lambda problem: problem.line or 0)

    def note(self, key: Key, value: object, valid: str) -> None:
        """Add a problem: a bad setting, its value, and what would be valid."""
        self._problems.append(ConfigError(dotted(key), shown(value), valid, self._line(key)))

    def record(self, table: object, kind: type[R], key: Key) -> R | None:
        """The record a table describes, None where a setting in it is not of its kind.

        What is impossible about it is looked for even then, as far as the sound settings allow.
        """
        if not isinstance(table, dict):
            self.note(key, table, _table(field.encode_name for field in msgspec.structs.fields(kind) if field.required))
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        tag = kind.__struct_config__.tag_field
        given = {name: value for name, value in table.items() if name != tag}
        for name in given:
            if name not in fields:
                known = [field for field in fields if field not in table]
                self.note((*key, name), table[name], _no_such_key(name, known))
        sound: dict[str, Any] = {}
        for name, field in fields.items():
            value = self._value(given[name], field.type, (*key, name)) if name in given else _BAD
            if name not in given and field.required:
                self.note((*key, name), Words("(missing)"), f"is required: {describe(field.type)}")
            if value is not _BAD:
                sound[name] = value
        if any(field.required and name not in sound for name, field in fields.items()):
            return None
        built = kind(**sound)
        for finding in self._rules(built):
            self.note((*key, *finding.key), finding.value, finding.valid)
        return built if len(sound) == len(given) else None

    def _value(self, value: object, annotation: object, key: Key) -> object:
        item, kind, inner = item_of(annotation), record_of(annotation), values_of(annotation)
        choices = choices_of(annotation)
        if choices:
            built = self._choice(value, choices, key)
            return _BAD if built is None else built
        if kind is not None:
            built = self.record(value, kind, key)
            return _BAD if built is None else built
        if item is not None:
            return self._list(value, item, annotation, key)
        if inner is not None:
            return self._named(value, inner, annotation, key)
        try:
            plain: object = msgspec.convert(value, annotation)
        except msgspec.ValidationError:
            plain = _BAD
        endless = isinstance(plain, float) and not math.isfinite(plain)
        if plain is _BAD or endless:
            self.note(key, value, describe(annotation) + (", and no infinite one" if endless else ""))
            return _BAD
        return plain

    def _choice(self, value: object, choices: Mapping[str, type[Record]], key: Key) -> Record | None:
        """A table whose tag says which record it is."""
        tag = str(next(iter(choices.values())).__struct_config__.tag_field)
        if not isinstance(value, dict):
            self.note(key, value, _table([tag]))
            return None
        kind = choices.get(str(value.get(tag)))
        if kind is None:
            said = value.get(tag, Words("(missing)"))
            self.note((*key, tag), said, "one of " + ", ".join(f'"{name}"' for name in choices))
            return None
        return self.record(value, kind, key)

    def _list(self, value: object, item: object, annotation: object, key: Key) -> object:
        if not isinstance(value, list):
            headed = ".".join(part for part in key if isinstance(part, str))
            more = f", each headed [[{headed}]]" if isinstance(value, dict) else ""
            self.note(key, value, describe(annotation) + more)
            return _BAD
        items = tuple(self._value(part, item, (*key, index)) for index, part in enumerate(value))
        if len(value) < least_of(annotation) or len(value) != (length_of(annotation) or len(value)):
            self.note(key, Words(f"{len(value)} given"), describe(annotation))
            return _BAD
        return _BAD if _BAD in items else items

    def _named(self, value: object, inner: object, annotation: object, key: Key) -> object:
        """A table whose keys are names of the user's own."""
        if not isinstance(value, dict):
            self.note(key, value, describe(annotation))
            return _BAD
        items = {name: self._value(part, inner, (*key, name)) for name, part in value.items()}
        return _BAD if _BAD in items.values() else items

    def _line(self, key: Key) -> int | None:
        """The line of the key, or of the nearest thing around it that the file holds."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key[:-1]
        return None


def _table(required: Iterable[str]) -> str:
    """A table with what it cannot do without."""
    keys = ", ".join(required)
    return f"a table with {keys}" if keys else "a table"


def _no_such_key(name: str, known: list[str]) -> str:
    """What to write instead: the key that is spelt most like it, else all."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"no such key; did you mean {near[0]}?"
    return f"no such key; valid here: {', '.join(known)}" if known else "no such key, and no other is missing here"


def shown(value: object) -> str:
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

"""Records as TOML, for files that people go on to edit."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from marsad.kernel.record import Record


def toml_text(record: Record) -> str:
    """The record as a TOML document: what has its default value is left out, and so is what is not there."""
    return "\n".join(_table(_plain(record), "")).strip() + "\n"


def _plain(record: Record) -> dict[str, object]:
    """The settings of a record that differ from their defaults."""
    settings: dict[str, object] = {}
    for field in msgspec.structs.fields(type(record)):
        value = getattr(record, field.name)
        usual = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if value is not None and (field.required or value != usual):
            settings[field.encode_name] = _value(value)
    return settings


def _value(value: object) -> object:
    if isinstance(value, Record):
        return _plain(value)
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    return value


def _table(table: Mapping[str, Any], name: str) -> Iterator[str]:
    """Plain settings first: what comes after a table's head belongs to that table."""
    inner = {key: value for key, value in table.items() if _is_block(value)}
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_text(value)}"
    for key, value in inner.items():
        path = f"{name}.{_key(key)}" if name else _key(key)
        for item in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{path}]]" if isinstance(value, list) else f"[{path}]"
            yield from _table(item, path)


def _is_block(value: object) -> bool:
    """Whether a setting is written under a head of its own: tables, and lists of tables that hold more than numbers."""
    if isinstance(value, dict):
        return True
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return False
    return not all(isinstance(part, int | float) for item in value for part in item.values())


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _quoted(key)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(key))} = {_text(part)}" for key, part in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_text(part) for part in value) + "]"
    return repr(value)


def _quoted(text: str) -> str:
    named = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    letters = (named.get(letter, letter if _is_plain(letter) else f"\\u{ord(letter):04x}") for letter in text)
    return f'"{"".join(letters)}"'


def _is_plain(letter: str) -> bool:
    return ord(letter) >= 0x20 and ord(letter) != 0x7F

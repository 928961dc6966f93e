"""No setting without its row in the reference of the site file, and no row that says something else."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from marsad.app.setting import describe, item_of, record_of
from marsad.kernel.record import Record
from marsad.kernel.site import Site

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "site-file.md"
UNITS = {"_deg": "degrees", "_px": "pixels", "_m": "metres"}


def records(kind: type[Record] = Site) -> Iterator[type[Record]]:
    """The record and all that it is made of, each as often as it occurs."""
    yield kind
    for field in msgspec.structs.fields(kind):
        inner = record_of(item_of(field.type) or field.type)
        if inner is not None:
            yield from records(inner)


def unit(name: str) -> str:
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None or value in ((), ""):
        return "none"
    return "as below" if isinstance(value, Record) else f"`{msgspec.json.encode(value).decode()}`"


def rows() -> dict[str, list[list[str]]]:
    """The page's table rows by their key."""
    found: dict[str, list[list[str]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found.setdefault(cells[0].strip("`"), []).append(cells[1:])
    return found


FIELDS = [(kind, field) for kind in dict.fromkeys(records()) for field in msgspec.structs.fields(kind)]


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.__name__}.{field.name}" for kind, field in FIELDS])
def test_every_setting_is_documented_as_it_is(kind: type[Record], field: msgspec.structs.FieldInfo) -> None:
    named = [row for row in rows().get(field.encode_name, []) if row[:3] == _facts(field)]
    assert named, f"{PAGE.name}: {kind.__name__}.{field.encode_name} needs a row with {_facts(field)}"
    assert all(len(row) == 4 and len(row[3]) > 5 for row in named), "the meaning is missing"


def _facts(field: msgspec.structs.FieldInfo) -> list[str]:
    return [describe(field.type), unit(field.encode_name), default(field)]


def test_the_page_has_no_row_for_what_is_not_there() -> None:
    known = [(field.encode_name, _facts(field)) for _, field in FIELDS]
    for name, found in rows().items():
        for row in found:
            assert (name, row[:3]) in known


def test_a_setting_that_is_not_documented_would_be_noticed() -> None:
    assert "horizontal_fov_deg" in rows()
    assert len(FIELDS) == sum(len(found) for found in rows().values())

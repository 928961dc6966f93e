"""No setting without its row in the reference of its file, where its table is described, and no row that differs."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from marsad.app.plan_file import PlanFile
from marsad.app.setting import choices_of, describe, item_of, record_of, values_of
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.simulate.actor import GAITS, USUAL_HEIGHT_M, usual_speed_m_s
from marsad.simulate.scenario import Scenario

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES: dict[str, type[Record]] = {"site-file.md": Site, "scenario-file.md": Scenario, "plan-file.md": PlanFile}
WHOLE = "The file as a whole"
UNITS = {
    "per_100_m": "per 100 metres",
    "per_km": "per kilometre",
    "per_hour": "per hour",
    "per_hectare": "per hectare",
    "mm_h": "millimetres per hour",
    "m_s": "metres per second",
    "fps": "pictures per second",
    "hz": "hertz",
    "deg": "degrees",
    "px": "pixels",
    "km": "kilometres",
    "m": "metres",
    "s": "seconds",
    "seconds": "seconds",
    "k": "kelvins",
    "kelvin": "kelvins",
    "c": "degrees Celsius",
    "counts": "grey levels",
}
"""By the ending of a name; the first that fits."""

Rows = list[tuple[str, list[str]]]


class Setting(msgspec.Struct, frozen=True, eq=False):
    """One key of a file, and the headings under one of which its row must stand."""

    page: str
    owner: str
    headings: frozenset[str]
    field: msgspec.structs.FieldInfo


def tables(kind: type[Record], path: tuple[str, ...] = ()) -> Iterator[tuple[type[Record], tuple[str, ...]]]:
    """The record and all that it is made of, each as often as it occurs, with the keys that lead to it."""
    yield kind, path
    for field in msgspec.structs.fields(kind):
        held = item_of(field.type) or values_of(field.type) or field.type
        inner = record_of(held)
        for each in choices_of(held).values() if inner is None else [inner]:
            yield from tables(each, (*path, field.encode_name))


def heading(kind: type[Record], path: tuple[str, ...]) -> set[str]:
    """What may stand in the heading of a table's rows."""
    tag = kind.__struct_config__.tag
    if tag is not None:
        return {f'`type = "{tag}"`'}
    dotted = ".".join(path)
    return {f"`[{dotted}]`", f"`[[{dotted}]]`", f"`{path[-1]}`"} if path else {WHOLE}


def settings(page: str) -> list[Setting]:
    """Every key of a file; one that all types of a list share is described once, under that list's own heading."""
    found: dict[tuple[type, str], tuple[set[str], msgspec.structs.FieldInfo]] = {}
    for kind, path in tables(PAGES[page]):
        tagged = kind.__struct_config__.tag is not None
        common = next(base for base in reversed(kind.__mro__) if issubclass(base, Record) and base is not Record)
        for field in msgspec.structs.fields(kind):
            shared = common is not kind and tagged and field.name in common.__struct_fields__
            owner, under = (common, {f"`[[{path[0]}]]`"}) if shared else (kind, heading(kind, path))
            found.setdefault((owner, field.name), (set(), field))[0].update(under)
    return [
        Setting(page=page, owner=owner.__name__, headings=frozenset(under), field=field)
        for (owner, _), (under, field) in found.items()
    ]


def unit(name: str) -> str:
    return next((unit for ending, unit in UNITS.items() if f"_{name}".endswith(f"_{ending}")), "")


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None or value in ((), "", {}):
        return "none"
    return "as below" if isinstance(value, Record) else f"`{msgspec.json.encode(value).decode()}`"


def rows(page: str) -> dict[str, Rows]:
    """A page's table rows by their key, each with the heading above it."""
    found: dict[str, Rows] = {}
    above, settings_begin = "", False
    for line in (REFERENCE / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            above, settings_begin = line, False
        if line.startswith("| key |"):
            settings_begin = True
        if settings_begin and line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found.setdefault(cells[0].strip("`"), []).append((above, cells[1:]))
    return found


def facts(field: msgspec.structs.FieldInfo) -> list[str]:
    return [describe(field.type), unit(field.encode_name), default(field)]


def is_under(above: str, headings: frozenset[str]) -> bool:
    return any(each in above for each in headings)


SETTINGS = [setting for page in PAGES for setting in settings(page)]


@pytest.mark.parametrize("setting", SETTINGS, ids=[f"{one.owner}.{one.field.name}" for one in SETTINGS])
def test_every_setting_is_documented_as_it_is(setting: Setting) -> None:
    name, wanted = setting.field.encode_name, facts(setting.field)
    under = [row for above, row in rows(setting.page).get(name, []) if is_under(above, setting.headings)]
    said = f"{setting.page}: {setting.owner}.{name} needs one row with {wanted} under {sorted(setting.headings)}"
    assert [row[:3] for row in under] == [wanted], said
    assert len(under[0]) == 4, f"{said}: and four columns after the key"
    assert len(under[0][3]) > 5, f"{said}: its meaning is missing"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_row_for_what_is_not_there(page: str) -> None:
    known = settings(page)
    for name, found in rows(page).items():
        for above, _ in found:
            fitting = [one for one in known if one.field.encode_name == name and is_under(above, one.headings)]
            assert fitting, f"{page}: {name} under {above!r} is no setting"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_as_many_rows_as_there_are_settings(page: str) -> None:
    assert sum(len(found) for found in rows(page).values()) == len(settings(page))


def test_a_setting_that_is_not_documented_would_be_noticed() -> None:
    known = {(one.owner, one.field.name) for one in SETTINGS}
    assert {("Lens", "horizontal_fov_deg"), ("Town", "lamps"), ("EffectRecord", "end_s"), ("Actor", "must")} <= known


def test_what_each_kind_can_do_and_how_fast_is_documented_as_it_is() -> None:
    page = (REFERENCE / "scenario-file.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if line.split(" | ")[0].lstrip("| ") in GAITS]
    wanted = []
    for kind, gaits in GAITS.items():
        height_m = USUAL_HEIGHT_M[kind]
        moving = {gait: usual_speed_m_s(kind, gait, height_m) for gait in gaits if gait not in {"stand", "sit"}}
        can = [f"{gait} {moving[gait]:.1f}" if gait in moving else gait for gait in gaits]
        wanted.append(f"| {kind} | {height_m:g} | {', '.join(can)} |")
    assert shown == wanted


def test_every_type_of_a_list_of_choices_has_a_heading_of_its_own() -> None:
    page = (REFERENCE / "scenario-file.md").read_text(encoding="utf-8")
    shown = re.findall(r'^#+ `type = "(\w+)"`', page, re.MULTILINE)
    tags = [kind.__struct_config__.tag for kind, _ in tables(Scenario) if kind.__struct_config__.tag is not None]
    assert sorted(shown) == sorted(tags)

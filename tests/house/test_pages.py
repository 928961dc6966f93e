"""The pages agree with the tree and with the code."""

import importlib.util
import re
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import pytest

from marsad.app.config import load_site
from marsad.kernel.alert import Priority, Rule
from marsad.kernel.event import HealthKind
from marsad.kernel.presence import AreaState, OpenReason
from marsad.kernel.track import Kind, Status

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
VALUES = {
    "Kind": Kind,
    "Status": Status,
    "Rule": Rule,
    "Priority": Priority,
    "HealthKind": HealthKind,
    "OpenReason": OpenReason,
    "AreaState": AreaState,
}


def test_every_relative_link_leads_somewhere(root: Path, pages: list[Path]) -> None:
    broken = []
    for page in pages:
        for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, anchor = unquote(target).partition("#")
            aim = (page.parent / path).resolve() if path else page
            if not aim.exists() or (anchor and anchor not in anchors(aim)):
                broken.append(f"{page.relative_to(root)}: {target}")
    assert broken == []


def test_every_page_is_linked_from_another(root: Path, pages: list[Path]) -> None:
    docs = root / "docs"
    linked = {
        (page.parent / unquote(target).partition("#")[0]).resolve()
        for page in pages
        for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
        if "://" not in target and not target.startswith("#")
    }
    inside = [page for page in pages if docs in page.parents and page != docs / "index.md"]
    assert [str(page.relative_to(root)) for page in inside if page.resolve() not in linked] == []


@pytest.mark.parametrize("literal", VALUES)
def test_the_glossary_has_every_word_the_records_use(root: Path, literal: str) -> None:
    glossary = (root / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert [word for word in get_args(VALUES[literal]) if f"`{word}`" not in glossary] == []


def test_every_glossary_row_has_all_its_columns(root: Path) -> None:
    glossary = (root / "docs" / "glossary.md").read_text(encoding="utf-8")
    tables = [table.splitlines() for table in re.findall(r"(?:^\|.*\n)+", glossary, re.MULTILINE)]
    assert len(tables) > 1
    cells = [[[cell.strip() for cell in row.strip("|").split("|")] for row in table] for table in tables]
    assert [row for table in cells for row in table if len(row) != len(table[0]) or not all(row)] == []


def test_every_command_is_documented(root: Path) -> None:
    if importlib.util.find_spec("marsad.app.cli") is None:
        pytest.skip("marsad.app.cli is not there yet")
    from typer.main import get_command  # noqa: PLC0415  # only worth loading when there are commands

    from marsad.app.cli import app  # noqa: PLC0415  # the same

    commands = get_command(app).commands
    reference = (root / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    missing = []
    for name, command in commands.items():
        section = re.search(rf"^#+ .*\b{name}\b.*?(?=^## |\Z)", reference, re.MULTILINE | re.DOTALL)
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        wanted = [option for option in options if option != "--help"]
        missing += [name] if section is None else [f"{name} {o}" for o in wanted if o not in section.group()]
    assert missing == []


def test_every_site_a_page_shows_is_a_sound_one(pages: list[Path], tmp_path: Path) -> None:
    shown = [text for page in pages for text in TOML.findall(page.read_text(encoding="utf-8")) if "[[cameras]]" in text]
    assert shown
    for text in shown:
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        assert load_site(tmp_path / "site.toml").cameras


def test_every_decision_is_one_page_of_the_same_shape(root: Path) -> None:
    decisions = sorted((root / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in decisions]
    assert numbers == sorted(set(numbers))
    for page in decisions:
        headings = [heading.lower() for heading in HEADING.findall(page.read_text(encoding="utf-8"))]
        assert {"context", "decision", "consequences"} <= set(headings), page.name
        assert len(page.read_text(encoding="utf-8").split()) < 700, f"{page.name} is longer than a page"


def test_every_make_target_a_page_names_exists(root: Path, pages: list[Path]) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in pages
        for code in CODE.findall(page.read_text(encoding="utf-8"))
        for target in re.findall(r"\bmake ([a-z]+)\b", code)
    }
    assert {"demo", "test"} <= named <= targets


def anchors(page: Path) -> set[str]:
    if page.suffix != ".md":
        return set()
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    explicit = re.findall(r"\{#([\w-]+)\}|<a id=\"([\w-]+)\"", page.read_text(encoding="utf-8"))
    return {slug(heading) for heading in headings} | {name for pair in explicit for name in pair if name}


def slug(heading: str) -> str:
    plain = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", plain.strip().lower()))

"""What the house tests look at: the tree, its sources, its pages."""

import ast
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Offences = list[str]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        assert not os.environ.get("CI"), f"{root} is no git clone, so what is tracked is not known"
        pytest.skip(f"{root} is no git clone, so what is tracked is not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def modules(root: Path) -> dict[str, ast.Module]:
    sources = sorted((root / "src" / "marsad").rglob("*.py"))
    return {str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8")) for path in sources}


@pytest.fixture(scope="session")
def pages(tracked: list[Path]) -> list[Path]:
    return [path for path in tracked if path.suffix == ".md"]


@pytest.fixture(scope="session")
def find_lines(root: Path) -> Callable[[list[Path], Callable[[str], bool]], Offences]:
    def lines_where(paths: list[Path], is_bad: Callable[[str], bool]) -> Offences:
        found = []
        for path in paths:
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            numbered = enumerate(text.splitlines(), start=1)
            found += [f"{path.relative_to(root)}:{number}: {line.strip()}" for number, line in numbered if is_bad(line)]
        return found

    return lines_where

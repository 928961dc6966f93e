"""The lock speaks for what `pyproject.toml` asks, and a wheel can be built from it without a network."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def asked(root: Path) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    return [Requirement(text) for text in [*project["dependencies"], *extras]]


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text(encoding="utf-8")


def test_every_requirement_is_pinned_as_asked(asked: list[Requirement], lock: str) -> None:
    pins: dict[str, list[str]] = {}
    for match in PIN.finditer(lock):
        pins.setdefault(canonicalize_name(match["name"]), []).append(match["version"])
    unmet = [
        f"{wanted}: locked {pins.get(canonicalize_name(wanted.name), 'nowhere')}"
        for wanted in asked
        if not any(wanted.specifier.contains(version) for version in pins.get(canonicalize_name(wanted.name), []))
    ]
    assert unmet == [], "run `make lock`"


def test_nothing_is_locked_that_nobody_asks_for(asked: list[Requirement], lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock)
    direct = {
        canonicalize_name(match["name"])
        for entry in entries
        if "marsad (pyproject.toml)" in entry and (match := PIN.search(entry))
    }
    assert direct == {canonicalize_name(wanted.name) for wanted in asked}, "run `make lock`"


def test_every_pin_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock)
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_a_wheel_builds_offline_and_carries_types_and_licence(root: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = zipfile.ZipFile(wheel).namelist()
    assert "marsad/py.typed" in held
    assert "marsad/kernel/record.py" in held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert {name.split("/")[0].split("-")[0] for name in held} == {"marsad"}


def test_the_licence_is_whole(root: Path) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text

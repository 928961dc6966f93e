"""What all tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a compiled kernel takes seconds, so no example has a deadline; the check machine repeats itself.
settings.register_profile("marsad", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("marsad")

_ROOT = Path(__file__).resolve().parents[1]
_LONGEST = (
    "app/test_demo",
    "app/test_bench_watch",
    "web/test_night",
    "scenario/test_library",
    "web/test_console",
    "simulate/test_campaign",
    "app/test_cli",
    "watch/test_health",
    "app/test_run",
)
"""The modules that take longest: they come first, so that no process is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {_ROOT / f"tests/{name}.py": place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Real footage or terrain by its name: where it is absent the test is skipped, on the check machine it fails."""
    folder = _ROOT / os.environ.get("MARSAD_REAL_DATA", "../shared/data")

    def found(name: str) -> Path:
        path = folder / name
        if not path.exists():
            message = f"{path} is missing: set MARSAD_REAL_DATA to the folder of real footage and terrain"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        return path

    return found

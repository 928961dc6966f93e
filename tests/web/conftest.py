"""One browser for all tests of a module, and what is asked of every page."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

_ROOT = Path(__file__).resolve().parents[2]
_BUILT = _ROOT / "src/marsad/console/built/index.html"
_AXE = _ROOT / "web/node_modules/axe-core/axe.min.js"
_RULES = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"


def _missing(what: str) -> NoReturn:
    """Skip and say why; on the check machine nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """It goes with its module: while there is one its process has an event loop, beside which no other can be run."""
    path = shutil.which("chromium")
    if path is None:
        _missing("chromium is not installed: apt install chromium")
    if not _BUILT.exists():
        _missing("the console's pages are not built: make web")
    # What is true is seen at once; a busy machine only takes longer to say that it is not.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def violations() -> Callable[[Page], list[str]]:
    """What axe-core finds wrong with a page, each with the first place where it is."""

    def found(page: Page) -> list[str]:
        page.evaluate(_AXE.read_text(encoding="utf-8"))
        every: list[dict[str, Any]] = page.evaluate(
            f"axe.run(document, {{runOnly: {_RULES}}}).then(found => found.violations)"
        )
        return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in every]

    return found

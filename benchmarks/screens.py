"""Pictures of every screen of a running console, in four languages and three themes.

    marsad demo --serve                                          # prints a name and a password
    python benchmarks/screens.py --password PASSWORD --out DIR

Takes them with Debian's Chromium, as small PNG files named SCREEN-LANGUAGE-THEME.png. Nothing is acted on: an officer
who looks at the same console meanwhile sees no change but the look into the past, which is written to the log.
"""

import argparse
import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

LANGUAGES = ("ar", "ckb", "kmr", "en")
THEMES = ("dark", "red", "day")
LAPTOP: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}
COLOURS = 160
SETTLE_MS = 1_200
"""The map draws its tiles, and the picture its first frames."""

PATIENCE_MS = 120_000

Step = Callable[[Page], None]


def _keys(*keys: str) -> Step:
    def press(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return press


SCREENS: dict[str, tuple[Step, Step]] = {
    "watch": (_keys("1", "m", "Escape"), _keys()),
    "alarm": (_keys("1", "m", "t"), _keys("Escape")),
    "cameras": (_keys("1", "v", "t"), _keys("m", "Escape")),
    "incident": (_keys("2", "j"), _keys("1", "Escape")),
    "patrol": (_keys("3", "j"), _keys("1", "Escape")),
    "keys": (_keys("Shift+Slash"), _keys("Escape")),
    "find": (_keys("Control+k"), _keys("Escape")),
    "replay": (_keys("t", ","), _keys("g", "Escape")),
}
"""What is pressed to come to each screen, and to leave it."""


def main() -> None:
    """Take them."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--url", default="http://127.0.0.1:8700")
    asked.add_argument("--name", default="officer")
    asked.add_argument("--patrol", default="patrol-1", help="the name of a patrol's account, for its phone")
    asked.add_argument("--password", required=True)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--languages", nargs="+", default=LANGUAGES, choices=LANGUAGES)
    asked.add_argument("--themes", nargs="+", default=THEMES, choices=THEMES)
    given = asked.parse_args()
    path = shutil.which("chromium")
    if path is None:
        sys.exit("chromium is not installed: apt install chromium")
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for theme in given.themes:
            for language in given.languages:
                _take_all(browser, given, language, theme)
        browser.close()


def _take_all(browser: Browser, given: argparse.Namespace, language: str, theme: str) -> None:
    kept = f'localStorage[\'marsad.preferences\'] = \'{{"language":"{language}","theme":"{theme}"}}\''
    context = browser.new_context(viewport=LAPTOP, reduced_motion="reduce")
    context.add_init_script(kept)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(given.url)
    page.locator(".gate form").wait_for()
    _take(page, given.out / f"gate-{language}-{theme}.png")
    _sign_in(page, given.name, given.password)
    page.locator(".timeline").wait_for()
    page.locator(".map .notice").wait_for(state="detached")
    page.wait_for_timeout(4 * SETTLE_MS)
    for name, (come, leave) in SCREENS.items():
        come(page)
        _take(page, given.out / f"{name}-{language}-{theme}.png")
        leave(page)
    context.close()
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.add_init_script(kept)
    page = context.new_page()
    page.goto(f"{given.url}/patrol")
    _sign_in(page, given.patrol, given.password)
    page.locator(".phone main").wait_for()
    _take(page, given.out / f"phone-{language}-{theme}.png")
    context.close()


def _sign_in(page: Page, name: str, password: str) -> None:
    page.locator("input[autocomplete=username]").fill(name)
    page.locator("input[type=password]").fill(password)
    page.keyboard.press("Enter")


def _take(page: Page, path: Path) -> None:
    """Write what the page shows, in as few colours as it needs to look as it does."""
    page.wait_for_timeout(SETTLE_MS)
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    whole.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()

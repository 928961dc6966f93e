"""Letters that OpenCV does not have, Arabic above all: joined and in reading order, in the font Matplotlib ships."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from marsad.kernel.error import UnavailableError

FONT = Path("fonts") / "ttf" / "DejaVuSans.ttf"
_UNPRINTED = "\u200c\u200d"
"""What joins or parts letters without being seen."""


class _Font(Protocol):
    """As much as is used of Matplotlib's own font, which is loaded only when somebody writes such letters."""

    def set_size(self, ptsize: float, dpi: float) -> None: ...
    def set_text(self, string: str, angle: float) -> object: ...
    def draw_glyphs_to_bitmap(self, *, antialiased: bool) -> None: ...
    def get_image(self) -> NDArray[np.float64]: ...
    def get_descent(self) -> int: ...
    def get_char_index(self, codepoint: int) -> int: ...


class Lettering(NamedTuple):
    """A piece of text as how much of each pixel it covers, (H, W), and how many rows lie above its baseline."""

    cover: NDArray[np.uint8]
    above_px: int


def known(text: str) -> str:
    """The text with a question mark for each letter that cannot be shown: all but ASCII where nothing joins letters."""
    if text.isascii():
        return text
    font = _font()
    return "".join(letter if letter.isascii() or _has(font, letter) else "?" for letter in text)


@lru_cache(maxsize=256)
def lettering(text: str, height_px: int) -> Lettering:
    """The text in letters of a font of that height; every letter must be `known`.

    Raises: UnavailableError where nothing here joins letters, so that only ASCII is known.
    """
    font = _font()
    if font is None:
        raise UnavailableError("this Matplotlib does not join letters: install the locked packages (make setup)")
    font.set_size(height_px, 72)
    font.set_text(text, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    cover = np.array(font.get_image(), dtype=np.uint8)
    return Lettering(cover, cover.shape[0] - round(font.get_descent() / 64))


def _has(font: _Font | None, letter: str) -> bool:
    shown = letter.isprintable() or letter in _UNPRINTED
    return font is not None and shown and bool(font.get_char_index(ord(letter)))


@lru_cache(maxsize=1)
def _font() -> _Font | None:
    """The font, loaded when the first letter needs it; None where Matplotlib is too old to join letters."""
    fonts = import_module("matplotlib.ft2font")
    if not hasattr(fonts, "__libraqm_version__"):
        return None
    loaded: _Font = fonts.FT2Font(str(Path(import_module("matplotlib").get_data_path()) / FONT))
    return loaded

"""Letters that OpenCV does not have, Arabic above all: joined and in reading order, in the font Matplotlib ships."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FONT = Path("fonts") / "ttf" / "DejaVuSans.ttf"
_UNPRINTED = "\u200c\u200d"
"""What joins or parts letters without being seen."""


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
    """The text in letters of a font of that height; every letter must be `known`."""
    font = _font()
    font.set_size(height_px, 72)
    font.set_text(text, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    cover = np.array(font.get_image(), dtype=np.uint8)
    return Lettering(cover, cover.shape[0] - round(font.get_descent() / 64))


def _has(font: Any, letter: str) -> bool:  # noqa: ANN401 - None, or a font of a library without types for it
    shown = letter.isprintable() or letter in _UNPRINTED
    return font is not None and shown and bool(font.get_char_index(ord(letter)))


@lru_cache(maxsize=1)
def _font() -> Any:  # noqa: ANN401 - None, or a font of a library without types for it
    """The font, loaded when the first letter needs it; None where Matplotlib is too old to join letters."""
    fonts = import_module("matplotlib.ft2font")
    if not hasattr(fonts, "__libraqm_version__"):
        return None
    return fonts.FT2Font(str(Path(import_module("matplotlib").get_data_path()) / FONT))

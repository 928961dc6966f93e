"""Letters that OpenCV does not have."""

import numpy as np
import pytest

from marsad.adapters import lettering as lettering_module
from marsad.adapters.lettering import known, lettering

WATCH = "\u0645\u0631\u0635\u062f"
"""Marsad, as it is typed."""
JOINED = "\ufee3\ufeae\ufebb\ufeaa"
"""The same, each letter in the form that Unicode lists for its place in the word."""


def test_letters_are_joined_and_run_from_right_to_left() -> None:
    shown = lettering(WATCH, 12)
    assert np.array_equal(shown.cover, lettering(JOINED, 12).cover)
    apart = sum(lettering(letter, 12).cover.shape[1] for letter in WATCH)
    assert 10 < shown.cover.shape[1] < apart
    # The first letter is the rightmost: what follows it does not change the right edge.
    more = lettering(WATCH + WATCH, 12).cover
    assert np.array_equal(more[-shown.cover.shape[0] :, -4:], shown.cover[:, -4:])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        (WATCH, WATCH),
        ("\u06a9\u06c6\u06ce\u06d5\u0695", "\u06a9\u06c6\u06ce\u06d5\u0695"),  # Sorani
        ("\u0645\u200c\u0631", "\u0645\u200c\u0631"),
        ("a\u4e2d\u202e\U0001f9ffb", "a???b"),
    ],
)
def test_what_the_font_lacks_or_nobody_sees_is_a_question_mark(text: str, shown: str) -> None:
    assert known(text) == shown


def test_without_anything_to_join_letters_there_are_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering_module, "_font", lambda: None)
    assert known(f"gate {WATCH} 4") == "gate ???? 4"

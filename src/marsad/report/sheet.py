"""A report as a row of blocks in one language, before it is set on paper or as a page."""

from collections.abc import Sequence
from typing import Literal

from marsad.kernel.record import Record
from marsad.kernel.statement import Language


class Heading(Record, tag="heading"):
    """What the blocks below are about."""

    text: str


class Words(Record, tag="words"):
    """A paragraph."""

    text: str


class Notice(Record, tag="notice"):
    """What nobody may overlook."""

    text: str


class Picture(Record, tag="picture"):
    """A picture by its name, and what it shows."""

    name: str
    text: str


Side = Literal["words", "numbers", "places"]
"""What a column holds: places are grid references, which are never broken."""


class Table(Record, tag="table"):
    """Rows under a head; `sides` says of each column what it holds."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sides: tuple[Side, ...]


Block = Heading | Words | Notice | Picture | Table


class Sheet(Record):
    """A report: its title and its blocks in order."""

    language: Language
    title: str
    blocks: tuple[Block, ...]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1, places: Sequence[int] = ()) -> Table:
    """A table whose first columns, so many as `words`, are words and the others numbers, `places` left aside."""
    sides: list[Side] = ["words" if column < words else "numbers" for column in range(len(head))]
    for column in places:
        sides[column] = "places"
    return Table(head=tuple(head), rows=tuple(map(tuple, rows)), sides=tuple(sides))

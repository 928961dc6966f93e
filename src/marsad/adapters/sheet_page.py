"""A report as one HTML page that needs nothing else: pictures and style are in it."""

import base64
from collections.abc import Mapping
from html import escape
from typing import Final

from marsad.kernel.statement import Language
from marsad.report.sheet import Block, Heading, Notice, Picture, Sheet, Table, Words
from marsad.report.wording import FIRST, LAST

_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb"})
_TAGS: Final[Mapping[Language, str]] = {"ar": "ar", "ckb": "ckb", "kmr": "kmr-Latn", "en": "en"}
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2328; --ground: #fff; --edge: #9aa5ab; --warn: #8a1020; }
@media (prefers-color-scheme: dark) { :root { --ink: #d7dee2; --ground: #0f1417; --edge: #55626a; --warn: #ff9aa5; } }
body { font: 16px/1.5 "DejaVu Sans", "Noto Sans", "Noto Naskh Arabic", system-ui, sans-serif; color: var(--ink);
  background: var(--ground); max-inline-size: 62rem; margin-inline: auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-block-start: 2rem; }
img { max-inline-size: 100%; block-size: auto; background: #fff; } figure { margin: 1rem 0; }
figcaption { font-size: .875rem; }
.notice { border: 2px solid var(--warn); color: var(--warn); padding: .5rem .75rem; font-weight: bold; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--edge); padding: .25rem .5rem; text-align: start; vertical-align: top; }
td.number, th.number { text-align: end; } td.place { white-space: nowrap; }
@media print { body { max-inline-size: none; } h2, figure, tr { break-inside: avoid; } }
"""


def sheet_html(sheet: Sheet, pictures: Mapping[str, bytes]) -> bytes:
    """The page, `pictures` PNG by their names. Raises: KeyError where one that it asks for is not among them."""
    direction = "rtl" if sheet.language in _RIGHT_TO_LEFT else "ltr"
    parts = "\n".join(_block(block, pictures) for block in sheet.blocks)
    return (
        f'<!doctype html>\n<html lang="{_TAGS[sheet.language]}" dir="{direction}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(_bare(sheet.title))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{_text(sheet.title)}</h1>\n{parts}\n</main>\n</body>\n</html>\n"
    ).encode()


def _block(block: Block, pictures: Mapping[str, bytes]) -> str:
    match block:
        case Heading():
            return f"<h2>{_text(block.text)}</h2>"
        case Words():
            return f"<p>{_text(block.text)}</p>"
        case Notice():
            return f'<p class="notice" role="note">{_text(block.text)}</p>'
        case Picture():
            shown = base64.b64encode(pictures[block.name]).decode()
            words = escape(_bare(block.text), quote=True)
            image = f'<img src="data:image/png;base64,{shown}" alt="{words}">'
            return f"<figure>{image}<figcaption>{_text(block.text)}</figcaption></figure>"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    head = "".join(_cell("th", text, side) for text, side in zip(table.head, table.sides, strict=True))
    rows = "\n".join(
        "<tr>" + "".join(_cell("td", text, side) for text, side in zip(row, table.sides, strict=True)) + "</tr>"
        for row in table.rows
    )
    whole = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>"
    return f'<div class="wide" tabindex="0"><table>\n{whole}</table></div>'


def _cell(tag: str, text: str, side: str) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    number = "" if side == "words" else ' class="number"' if side == "numbers" else ' class="place"'
    inner = f"<bdi>{_text(text)}</bdi>" if side == "words" else f'<bdi dir="ltr">{_text(text)}</bdi>'
    return f"<{tag}{scope}{number}>{inner if tag == 'td' else _text(text)}</{tag}>"


def _text(text: str) -> str:
    """Text as it is; what is marked as written left to right becomes an element, for marks are lost in copying."""
    return escape(text).replace(FIRST, '<bdi dir="ltr">').replace(LAST, "</bdi>")


def _bare(text: str) -> str:
    return text.replace(FIRST, "").replace(LAST, "")

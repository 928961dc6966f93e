"""Statements, incident records, briefs and other reports on paper: PDF, in Arabic, Sorani, Kurmanji and English.

Type is set by Typst, which shapes Arabic script; the face is DejaVu Sans, which comes with matplotlib and holds the
letters of all four languages.
"""

import functools
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

import typst

from marsad.kernel.error import UnavailableError
from marsad.kernel.lesson import Lesson
from marsad.kernel.statement import Language, Statement
from marsad.report.brief import Brief
from marsad.report.incident_record import IncidentRecord
from marsad.report.sheet import Block, Heading, Notice, Picture, Sheet, Table, Words
from marsad.report.wording import BRIEF, FIRST, LABELS, LAST, WORDS

NS: Final = 1_000_000_000
_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb"})
_TYPST_LANGUAGE: Final[Mapping[Language, str]] = {"ar": "ar", "ckb": "ckb", "kmr": "ku", "en": "en"}
_SPECIAL: Final = str.maketrans({mark: "\\" + mark for mark in "\\#*_`$<>@[]=-+/~\"'"})


def statement_pdf(statement: Statement, place: str, zone: tzinfo) -> bytes:
    """A statement as it is given out, marked as a draft until somebody has approved it."""
    labels = LABELS[statement.language]
    parts = [*_banner(statement, labels), f"= {_plain(labels['statement'])}", _plain(place)]
    parts += [f"#par[{_plain(sentence.text)}]" for sentence in statement.sentences]
    if statement.approved_ns is not None:
        words = labels["approved_by"].format(name=statement.approved_by, time=clock_words(statement.approved_ns, zone))
        parts.append(f"#v(1em) {_plain(words)}")
    if statement.embargo_until_ns is not None:
        words = labels["embargo"].format(time=clock_words(statement.embargo_until_ns, zone))
        parts.append(f"*{_plain(words)}*")
    return _compiled(parts, statement.language, labels["statement"])


def record_pdf(record: IncidentRecord, language: Language, zone: tzinfo) -> bytes:
    """An incident's record: each line with the number and the hash of its entry in the log."""
    labels, incident = LABELS[language], record.incident
    parts = [f"= {_plain(labels['record'])} {_plain(incident.incident_id)}"]
    if incident.exercise:
        parts.insert(0, _boxed(labels["exercise"]))
    parts.append(_plain(incident.text))
    rows = [
        (
            clock_words(line.time_ns, zone, seconds=True),
            f"{line.about} {word(language, line.happening)}" + (f": {line.detail}" if line.detail else ""),
            line.by,
            f"{line.sequence} {line.entry_hash[:12]}",
        )
        for line in record.lines
    ]
    head = [labels[key] for key in ("time", "happening", "by", "entry")]
    parts.append(_table("(auto, 1fr, auto, auto)", [head, *rows]))
    if incident.evidence:
        parts.append(_table("(auto, 1fr)", [(each.path, each.sha256) for each in incident.evidence]))
    return _compiled(parts, language, f"{labels['record']} {incident.incident_id}")


def brief_pdf(brief: Brief, language: Language, zone: tzinfo) -> bytes:
    """The morning report of a span of time."""
    words = BRIEF[language]
    span = f"{clock_words(brief.from_ns, zone)} / {clock_words(brief.to_ns, zone)}"
    parts = [f"= {_plain(words['title'])}", _plain(span)]
    parts.append(_table("(1fr, auto)", [(label, value) for label, value in brief_rows(brief, language)]))
    for heading, lines in brief_lists(brief, language, zone):
        parts += [f"== {_plain(heading)}", *(f"- {_plain(line)}" for line in lines)]
    return _compiled(parts, language, words["title"])


def brief_rows(brief: Brief, language: Language) -> list[tuple[str, str]]:
    """The figures of a brief, each with its name."""
    words = BRIEF[language]
    rows = [(f"{words['alarms']}: {word(language, each)}", str(n)) for each, n in sorted(brief.alarms.items())]
    rows += [(f"{words['nuisance']}: {word(language, each)}", str(n)) for each, n in sorted(brief.nuisances.items())]
    for name, shares in (("nuisance_camera", brief.nuisance_cameras), ("nuisance_hour", brief.nuisance_hours)):
        rows += [(words[name].format(where=where), f"{n.nuisances} / {n.alarms}") for where, n in shares.items()]
    if brief.median_to_acknowledge_s is not None and brief.slowest_to_acknowledge_s is not None:
        rows.append((words["median"], words["seconds"].format(n=f"{brief.median_to_acknowledge_s:.0f}")))
        rows.append((words["slowest"], words["seconds"].format(n=f"{brief.slowest_to_acknowledge_s:.0f}")))
    rows += [
        (words["waiting"], str(len(brief.waiting))), (words["opened"], str(brief.opened)),
        (words["closed"], str(brief.closed)), (words["standing"], str(len(brief.standing))),
        (words["sought"], str(brief.sought)), (words["orders"], str(len(brief.orders))),
        (words["sightings"], str(len(brief.sightings))),
    ]  # fmt: skip
    return rows


def _lesson(lesson: Lesson, words: Mapping[str, str], language: Language, zone: tzinfo) -> str:
    """What a lesson asks for, of how many marks, and until when."""
    causes = Counter(word(language, mark.cause) for mark in lesson.marks)
    marks = ", ".join(f"{cause} {count}" for cause, count in causes.items())
    until = clock_words(lesson.until_ns, zone)
    return words["lesson"].format(id=lesson.lesson_id, seconds=f"{lesson.wait_s:g}", marks=marks, until=until)


def brief_lists(brief: Brief, language: Language, zone: tzinfo) -> list[tuple[str, list[str]]]:
    """What is left to do and what was wrong, under its headings; empty headings are left out."""
    words = BRIEF[language]
    cameras = [
        f"{each.camera_id}: " + words["comma"].join([
            *([f"{words['lost']} " + words["minutes"].format(n=f"{each.lost_s / 60:.0f}")] if each.lost_s else []),
            *(f"{word(language, kind)} {n}" for kind, n in each.troubles.items()),
        ])
        for each in brief.cameras
        if each.lost_s or each.troubles
    ]  # fmt: skip
    lists = [
        (words["waiting"], [f"{each.alarm_id}: {each.text}" for each in brief.waiting]),
        (words["standing"], [f"{each.incident_id}: {each.text}" for each in brief.standing]),
        (words["holds"], [f"{each.hold_id}: {each.reason}" for each in brief.holds]),
        (words["lessons"], [_lesson(each, words, language, zone) for each in brief.lessons]),
        (words["sightings"], [f"{clock_words(each.seen_ns, zone)} {each.what}" for each in brief.sightings]),
        (words["cameras"], cameras),
    ]
    return [(heading, lines) for heading, lines in lists if lines]


def sheet_pdf(sheet: Sheet, pictures: Mapping[str, bytes]) -> bytes:
    """A report, `pictures` PNG by their names.

    Raises: KeyError where a picture it asks for is not among them, UnavailableError where the page cannot be set.
    """
    used = {f"{block.name}.png": pictures[block.name] for block in sheet.blocks if isinstance(block, Picture)}
    parts = [f"= {_plain(sheet.title)}", *map(_block, sheet.blocks)]
    return _compiled(parts, sheet.language, sheet.title, used)


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"== {_plain(block.text)}"
        case Words():
            return f"#par[{_plain(block.text)}]"
        case Notice():
            return _boxed(block.text)
        case Picture():
            return f'#figure(image("/{block.name}.png", width: 100%), caption: [{_plain(block.text)}], numbering: none)'
        case Table():
            return _sides_table(block)


_FEW: Final = 6


def _sides_table(table: Table) -> str:
    """A table whose numbers stand at the end of their cells; its head stands again on every page."""
    # Many columns share the page by what is in them: of what others leave there would be nothing for words.
    words, size_pt = ("1fr", 8.5) if len(table.sides) <= _FEW else ("auto", 7.2)
    columns = ", ".join(words if side == "words" else "auto" for side in table.sides)
    aligned = ", ".join("end" if side == "numbers" else "start" for side in table.sides)
    head = "".join(f"[*{_plain(cell)}*]," for cell in table.head)
    cells = "".join(f"[{_plain(cell)}]," for row in table.rows for cell in row)
    look = f"columns: ({columns},), align: ({aligned},), inset: 4pt, stroke: 0.4pt"
    return f"#text(size: {size_pt}pt)[#table({look}, table.header({head}), {cells})]"


def word(language: Language, value: str) -> str:
    """A value of the records in a language; as it is where no word is known."""
    return WORDS[language].get(value, value.replace("_", " "))


def clock_words(time_ns: int, zone: tzinfo, *, seconds: bool = False) -> str:
    """A moment in a zone's time, kept left to right."""
    moment = datetime.fromtimestamp(time_ns // NS, tz=zone)
    return f"{FIRST}{moment:%Y-%m-%d %H:%M:%S}{LAST}" if seconds else f"{FIRST}{moment:%Y-%m-%d %H:%M}{LAST}"


def _banner(statement: Statement, labels: Mapping[str, str]) -> list[str]:
    marks = []
    if statement.exercise:
        marks.append(_boxed(labels["exercise"]))
    if statement.state in {"draft", "withdrawn"}:
        marks.append(_boxed(labels[statement.state]))
    return marks


def _boxed(text: str) -> str:
    return f"#box(stroke: 1pt, inset: 6pt)[*{_plain(text)}*]"


def _table(columns: str, rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"[{_plain(cell)}]," for row in rows for cell in row)
    return f"#table(columns: {columns}, inset: 4pt, stroke: 0.4pt, {cells})"


def _plain(text: str) -> str:
    """Text that Typst sets as it is, whatever is in it; written left to right where it is marked so."""
    escaped = text.translate(_SPECIAL)
    return escaped.replace(FIRST, "#box[#text(dir: ltr)[").replace(LAST, "]]")


@functools.cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, font_paths=[Path(import_module("matplotlib").get_data_path()) / "fonts" / "ttf"]
    )


def _compiled(
    parts: Sequence[str], language: Language, title: str, pictures: Mapping[str, bytes] = MappingProxyType({})
) -> bytes:
    """The PDF, `pictures` by file name. Raises: UnavailableError where it cannot be set."""
    direction = "rtl" if language in _RIGHT_TO_LEFT else "ltr"
    source = (
        f'#set document(title: [{_plain(title)}])\n#set page(paper: "a4", margin: 2cm, numbering: "1")\n'
        f'#set text(font: "DejaVu Sans", lang: "{_TYPST_LANGUAGE[language]}", dir: {direction}, size: 10.5pt)\n'
        "#set par(spacing: 1em)\n\n"
    )
    files = {"main.typ": (source + "\n\n".join(parts)).encode(), **pictures}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            main = str(Path(folder) / "main.typ")
            return typst.compile(main, root=folder, font_paths=_fonts(), ignore_system_fonts=True)
    except typst.TypstError as error:
        raise UnavailableError(f"the page could not be set: {error.message}") from error

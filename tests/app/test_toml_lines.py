"""Where keys stand, against tomllib for which keys there are."""

import tomllib

import pytest

from marsad.app.toml_lines import Path, dotted, key_lines

TEXTS = {
    "plain": 'a = 1\n\n# comment = 3\nb = "x # y"\n',
    "tables": '[one]\na = 1\n[one.two]\nb = 2\n["odd key".\'other.key\']\n"quoted \\u0041" = 3\n',
    "lists of tables": (
        "[[c]]\nid = 1\n[c.lens]\nw = 2\n[[c]]\nid = 3\n[[c.masks]]\nx = 4\n[[c.masks]]\nx = 5\n[c.lens]\nw = 6\n"
    ),
    "lists": "p = [\n  { a = 1, b = 2 }, # one\n  { a = 3, b = [\n   4 ] },\n]\nq = [ [1, 2], [ ], [\"]\", '}'] ]\n",
    "strings": "a = \"\"\"\nx = 1\n[no]\n\\\"\"\"\" \nb = '''\n]]'''''\nc = \"esc \\\" \\\\\"\nd = '\\'\ne = 1\n",
    "dotted": "a.b.c = 1\na.b.d = 2\n[t]\nx . y = { z.w = 3 }\n",
    "values": "a = 1979-05-27 07:32:00Z\nb = [1e3, inf, -nan, 0xff, true]\nc = +1_000\n",
    "no last line end": "[x]\ny = [1,\n2]",
    "windows": "a = 1\r\n[b]\r\nc = [\r\n 1,\r\n]\r\n",
    "empty": "\n# nothing\n",
}


def paths(value: object, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found |= paths(inner, (*path, key))
    return found


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_key_that_tomllib_finds_has_a_line(text: str) -> None:
    assert key_lines(text).keys() >= paths(tomllib.loads(text))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_line_holds_the_key(text: str) -> None:
    lines = text.split("\n")
    for path, line in key_lines(text).items():
        key = path[-1]
        if isinstance(key, str) and "A" not in key:
            assert key in lines[line - 1]


def test_lines_are_those_an_editor_shows() -> None:
    lines = {dotted(path): line for path, line in key_lines(TEXTS["lists of tables"]).items()}
    assert lines["c[0].lens.w"] == 4
    assert lines["c[1]"] == 5
    assert lines["c[1].masks[0].x"] == 8
    assert lines["c[1].masks[1].x"] == 10
    assert lines["c[1].lens.w"] == 12
    inner = {dotted(path): line for path, line in key_lines(TEXTS["lists"]).items()}
    assert (inner["p[0].b"], inner["p[1].a"], inner["p[1].b[0]"]) == (2, 3, 4)

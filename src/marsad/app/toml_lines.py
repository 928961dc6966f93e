"""Where each key of a TOML file stands, which the standard library's reader does not tell."""

import tomllib
from collections.abc import Sequence

Path = tuple[str | int, ...]

_BARE_END = frozenset(",]}\n#")
_SPACE = frozenset(" \t\r\n")
_QUOTES = ('"""', "'''", '"', "'")


def dotted(path: Path) -> str:
    """The path as people write it: `cameras[1].lens.width_px`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table and list item; `text` must be valid TOML."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """Follows the structure of valid TOML, and only that: the values themselves are read by tomllib."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}

    def document(self) -> None:
        """Walk the whole file."""
        table: Path = ()
        while self._skip_space():
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        """A `[table]` or `[[list of tables]]`: where the keys below it belong."""
        start = self._at
        is_list = self._text.startswith("[[", self._at)
        self._at += 2 if is_list else 1
        keys = self._keys()
        path = self._resolve(keys[:-1], start)
        path = (*path, keys[-1])
        if is_list:
            self._note(path, start)
            self._counts[path] = self._counts.get(path, -1) + 1
            path = (*path, self._counts[path])
        elif path in self._counts:
            path = (*path, self._counts[path])
        self._note(path, start)
        self._at = self._text.index("]", self._at) + (2 if is_list else 1)
        return path

    def _resolve(self, keys: Sequence[str], start: int) -> Path:
        """The path that keys lead to, through the newest item of each list of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            self._note(path, start)
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _pair(self, table: Path) -> None:
        """One `key = value`."""
        start = self._at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, start)
        self._at = self._text.index("=", self._at) + 1
        self._skip_space()
        self._value(path)

    def _keys(self) -> list[str]:
        """A dotted key."""
        keys = [self._key()]
        while self._skip_space() and self._text[self._at] == ".":
            self._at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self._skip_space()
        start = self._at
        if self._text[self._at] in "\"'":
            self._string()
            return str(tomllib.loads(f"key = {self._text[start : self._at]}")["key"])
        while self._text[self._at] not in " \t.=]":
            self._at += 1
        return self._text[start : self._at]

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._string()
        else:
            while self._at < len(self._text) and self._text[self._at] not in _BARE_END:
                self._at += 1

    def _list(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._skip_space() and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._note((*path, index), self._at)
            self._value((*path, index))
            index += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._skip_space() and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _string(self) -> None:
        quote = next(quote for quote in _QUOTES if self._text.startswith(quote, self._at))
        self._at += len(quote)
        while not self._text.startswith(quote, self._at):
            self._at += 2 if self._text[self._at] == "\\" and quote[0] == '"' else 1
        self._at += len(quote)
        # A string of three quotes may end in quotes of its own: up to two more belong to it.
        while len(quote) == len('"""') and self._text[self._at : self._at + 1] == quote[0]:
            self._at += 1

    def _skip_space(self) -> bool:
        """Pass blanks, line ends and comments; whether anything is left."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in _SPACE:
                self._at += 1
            else:
                return True
        return False

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self._text.count("\n", 0, at) + 1)

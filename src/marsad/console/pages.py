"""The built pages, out of memory: what is not among them does not exist, whatever the path says."""

import gzip
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from marsad.console.problem import NotDoneError

BUILT: Final = Path(__file__).parent / "built"
FOR_EVER: Final = "public, max-age=31536000, immutable"
NEVER: Final = "no-store"
ENTRIES: Final[Mapping[str, str]] = {"": "index.html", "patrol": "patrol.html"}

_TEXTS: Final = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Marsad</title>
<h1>The console's pages are not built</h1>
<p>Run <code>make web</code> in Marsad's folder, then load this page again. The server itself runs.</p>
</html>
"""


class _File(NamedTuple):
    content: bytes
    squeezed: bytes | None
    kind: str
    keep: str


class Pages:
    """The files under a folder, read anew when its first page is built anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made_ns = -1
        self._files: dict[str, _File] = {}

    def find(self, path: str) -> _File | None:
        """The file of that path, None where there is none."""
        made_ns = self._made()
        if made_ns != self._made_ns:
            self._files = self._read()
            self._made_ns = made_ns
        return self._files.get(ENTRIES.get(path, path))

    def built(self) -> bool:
        """Whether there is a first page."""
        return self.find("") is not None

    def _made(self) -> int:
        try:
            return (self._folder / ENTRIES[""]).stat().st_mtime_ns
        except OSError:
            return 0

    def _read(self) -> dict[str, _File]:
        files = (path for path in sorted(self._folder.rglob("*")) if path.is_file() and not path.is_symlink())
        return {path.relative_to(self._folder).as_posix(): _file(path, self._folder) for path in files}


def _file(path: Path, folder: Path) -> _File:
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    squeezed = gzip.compress(content, 6, mtime=0) if kind.startswith(_TEXTS) and len(content) > 1024 else None
    hashed = path.relative_to(folder).parts[0] == "assets"
    return _File(content, squeezed, kind, FOR_EVER if hashed else NEVER)


def page_routes(folder: Path = BUILT) -> list[HTTPRouteHandler]:
    """The route of all pages and of what they load."""
    pages = Pages(folder)

    @get(["/", "/{path:path}"], opt={"public": True}, include_in_schema=False)
    async def page(request: Request[Any, Any, Any], path: FromPath[str] = "") -> Response[bytes]:
        found = pages.find(path.strip("/"))
        if found is None and path.strip("/") in ENTRIES and not pages.built():
            return Response(_NOT_BUILT.encode(), status_code=503, media_type=MediaType.HTML)
        if found is None:
            raise NotDoneError("NotFound", "there is nothing here")
        headers = {"cache-control": found.keep, "vary": "accept-encoding"}
        if found.squeezed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.squeezed, media_type=found.kind, headers={**headers, "content-encoding": "gzip"})
        return Response(found.content, media_type=found.kind, headers=headers)

    return [page]

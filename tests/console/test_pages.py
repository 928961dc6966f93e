"""The built pages over a real socket: found, kept, and nothing but them."""

import gzip
import socket
from pathlib import Path

import pytest
from tests.console.conftest import Console, MemoryDesk, WallClock, peopled, running


def test_the_first_page_is_never_kept_and_what_it_loads_for_ever(console: Console) -> None:
    client = console.client()
    page = client.get("/")
    assert page.text == "<!doctype html><title>Marsad</title>"
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    assert client.get("/patrol").text == "<!doctype html><title>Patrol</title>"
    script = client.get("/assets/main-abc123.js", headers={"accept-encoding": "identity"})
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in script.headers["content-type"]
    assert "content-encoding" not in script.headers
    squeezed = client.get("/assets/main-abc123.js", headers={"accept-encoding": "gzip"})
    assert squeezed.headers["content-encoding"] == "gzip"
    assert squeezed.text == script.text
    assert int(squeezed.headers["content-length"]) < len(script.content) / 5
    assert squeezed.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py", "/..%2fserver.py", "/%2e%2e/server.py", "/assets/../../server.py",
        "/assets/..%2f..%2fserver.py",
        "//etc/passwd", "/%2fetc/passwd", "/assets/%00", "/..\\server.py", "/assets", "/assets/", "/link.html", "/.",
        "/%c0%ae%c0%ae/server.py", "/hidden", "/assets/link/server.py", "/" + "a/" * 2000,
    ],
)  # fmt: skip
def test_nothing_outside_is_found(tmp_path: Path, path: str) -> None:
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("first page")
    (tmp_path / "server.py").write_text("SECRET")
    (built / "link.html").symlink_to(tmp_path / "server.py")
    (built / "assets" / "link").symlink_to(tmp_path)
    with (
        running(MemoryDesk(), peopled(), WallClock(), built=built) as console,
        socket.create_connection(("127.0.0.1", console.port), timeout=10) as link,
    ):
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := link.recv(65536):
            answer += part
    assert answer.split()[1] in {b"404", b"400"}, answer[:200]
    assert b"SECRET" not in answer
    assert b"root:" not in answer


def test_a_console_without_pages_says_how_to_build_them(tmp_path: Path) -> None:
    with running(MemoryDesk(), peopled(), WallClock(), built=tmp_path / "none") as console:
        client = console.client()
        for path in ("/", "/patrol"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert "make web" in answer.text
        assert client.get("/api/health").json()["status"] == "ok"
        (tmp_path / "none").mkdir()
        (tmp_path / "none" / "index.html").write_text("built while it runs")
        assert client.get("/").text == "built while it runs"


def test_what_is_squeezed_is_the_same(console: Console) -> None:
    with console.client().stream("GET", "/assets/main-abc123.js", headers={"accept-encoding": "gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())) == b"export const answer = 42\n" * 100

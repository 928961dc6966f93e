"""The door and the gate: who is let through, from where, and what every answer says."""

import http.client
import re
import socket
import time

import httpx
import pytest
from tests.console.conftest import Console, MemoryDesk, WallClock, running
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from marsad.adapters.memory import MemoryAccounts
from marsad.console import patient
from marsad.console.door import _name, is_loopback, policy
from marsad.console.server import Terms

OPEN = {"/", "/patrol", "/api/session", "/api/first-run", "/api/health", "/api/openapi.json"}
NOTE = {"type": "note_shift", "act_id": "a1", "text": "quiet"}


def raw(console: Console, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", console.port), timeout=10) as link:
        link.sendall(request)
        answer = b""
        while part := link.recv(65536):
            answer += part
    return answer


def paths(console: Console) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = console.client().get("/api/openapi.json").json()["paths"]
    return found


def test_nothing_is_read_or_done_without_signing_in(console: Console) -> None:
    client, tried = console.client(), 0
    for path, operations in paths(console).items():
        if path in OPEN and path != "/api/session":
            continue
        for method in operations:
            if path == "/api/session" and method != "delete":
                continue
            address = re.sub(r"{\w+}", "x", path)
            body = None if method == "get" else NOTE
            answer = client.request(method, address, params={"from": 0, "to": 1}, json=body)
            assert answer.status_code == 401, (method, path)
            assert answer.json() == {"error": "NotSignedIn", "message": "sign in first"}
            tried += 1
    assert tried >= 10


def test_every_change_takes_the_sessions_token(console: Console) -> None:
    client = console.enter("omar")
    right = client.headers.pop("x-csrf-token")
    other = console.enter("sara").headers["x-csrf-token"]
    for wrong in ({}, {"x-csrf-token": ""}, {"x-csrf-token": right[:-1]}, {"x-csrf-token": other}):
        answer = client.post("/api/acts", json=NOTE, headers=wrong)
        assert (answer.status_code, answer.json()["error"]) == (403, "NotAllowed"), wrong
    assert console.desk.asked == []
    assert client.post("/api/acts", json=NOTE, headers={"x-csrf-token": right}).status_code == 200
    assert {(each.happening, each.name, each.reason) for each in console.told()} >= {("refused", "omar", "csrf")}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_sites_page_changes_nothing(console: Console, headers: dict[str, str]) -> None:
    client = console.enter("omar")
    assert client.post("/api/acts", json=NOTE, headers=headers).status_code == 403
    credentials = {"name": "omar", "password": "x" * 12}
    assert client.post("/api/session", json=credentials, headers=headers).status_code == 403
    with pytest.raises(InvalidStatus, match="403"), connect(console.feed, additional_headers=headers):
        pass
    own = {"origin": console.url, "sec-fetch-site": "same-origin"}
    assert client.post("/api/acts", json=NOTE, headers=own).status_code == 200


def test_a_form_is_no_sign_in(console: Console) -> None:
    answer = console.client().post("/api/session", data={"name": "omar", "password": "correct horse battery"})
    assert answer.status_code in {400, 415}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "[::2]", "", "a,b"])
def test_a_server_asked_for_by_another_name_says_nothing(console: Console, host: str) -> None:
    answer = raw(console, f"GET /api/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400")), answer[:40]
    assert b"now_ns" not in answer


def test_two_hosts_are_none(console: Console) -> None:
    request = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\nHost: evil\r\nConnection: close\r\n\r\n"
    assert raw(console, request.encode()).startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_own_names_are_known_with_any_port(console: Console, host: str) -> None:
    for port in ("", f":{console.port}", ":443"):
        answer = raw(console, f"GET /api/health HTTP/1.1\r\nHost: {host}{port}\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 200"), host + port


def test_an_address_of_the_new_kind_may_be_given_bare() -> None:
    with running(MemoryDesk(), MemoryAccounts(), WallClock(), Terms(hosts=("::1", "Desk.Example"))) as console:
        for host, status in (("[::1]:8700", b"200"), ("desk.example", b"200"), ("127.0.0.1", b"403")):
            answer = raw(console, f"GET /api/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert answer.split()[1] == status, host


def test_a_socket_asked_for_by_another_name_is_not_opened(console: Console) -> None:
    with (
        socket.create_connection(("127.0.0.1", console.port)) as link,
        pytest.raises(InvalidStatus, match="403"),
        connect("ws://evil.example/api/feed", sock=link),
    ):
        pass


@pytest.mark.parametrize("path", ["/", "/api/session", "/api/state", "/nothing/here", "/assets/main-abc123.js"])
def test_every_answer_says_what_a_browser_may_do(console: Console, path: str) -> None:
    headers = console.client().get(path).headers
    csp = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert csp["default-src"] == csp["script-src"] == csp["style-src"] == "'self'"
    assert csp["frame-ancestors"] == csp["object-src"] == csp["base-uri"] == "'none'"
    assert csp["worker-src"] == "'self' blob:"
    assert csp["connect-src"] == f"'self' ws://127.0.0.1:{console.port}"
    assert "unsafe" not in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "geolocation=(self)" in headers["permissions-policy"]
    assert "server" not in headers
    assert path.startswith("/assets") == ("immutable" in headers.get("cache-control", ""))


def test_behind_tls_the_policy_names_the_secure_feed() -> None:
    assert "connect-src 'self' wss://desk.example" in policy("desk.example", tls=True)


def test_a_host_is_told_from_its_port() -> None:
    assert [_name(each) for each in ("a", "a:80", "[::1]", "[::1]:80", "a:b")] == ["a", "a", "[::1]", "[::1]", "a:b"]
    assert [is_loopback(each) for each in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "", "evil")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_too_much_too_deep_and_what_is_no_json_is_refused(console: Console) -> None:
    client = console.enter("omar")
    json = {"content-type": "application/json"}
    for content, status in (
        (b"x" * 270_000, 413),
        (b'{"type":"note_shift","act_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b"[" * 60_000, 400),
        (b"not json", 400),
        (b'{"type":"erase_everything","act_id":"a"}', 400),
        (b'{"type":"note_shift","act_id":"a","text":"x","more":1}', 400),
        (b'{"type":"note_shift","act_id":"","text":"x"}', 400),
        (b'{"type":"note_shift","act_id":"a","text":"\\ud800"}', 400),
        (b"", 400),
    ):
        answer = client.post("/api/acts", content=content, headers=json)
        assert (answer.status_code, set(answer.json())) == (status, {"error", "message"}), content[:60]
    assert console.desk.asked == []

    def endless() -> object:
        yield b'{"type":"note_shift","act_id":"a","text":"'
        for _ in range(100):
            yield b"x" * 4000

    assert client.post("/api/acts", content=endless(), headers=json).status_code == 413


def test_what_fails_inside_says_nothing_of_the_inside(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    client = console.enter("omar")

    def fail() -> None:
        raise ZeroDivisionError("a secret of the server's")

    monkeypatch.setattr(console.desk, "state", fail)
    answer = client.get("/api/state")
    assert answer.status_code == 500
    assert answer.json() == {"error": "ServerError", "message": "the server failed; its log says why"}


def test_a_body_that_never_ends_is_not_waited_for(console: Console) -> None:
    """The door of this console waits two seconds."""
    link = http.client.HTTPConnection("127.0.0.1", console.port, timeout=20)
    link.putrequest("POST", "/api/session")
    link.putheader("Content-Type", "application/json")
    link.putheader("Content-Length", "100")
    link.endheaders(b'{"name":')
    before = time.monotonic()
    assert link.getresponse().status == 408
    assert 1 < time.monotonic() - before < 10
    link.close()


def test_a_request_that_never_begins_is_not_waited_for(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "HEAD_S", 0.3)
    for sent in (b"", b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "):
        with socket.create_connection(("127.0.0.1", console.port), timeout=10) as link:
            link.sendall(sent)
            before = time.monotonic()
            assert link.recv(100) == b""
            assert time.monotonic() - before < 5


def test_a_patient_server_keeps_a_good_connection(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "HEAD_S", 0.3)
    with httpx.Client(base_url=console.url) as client:
        for _ in range(3):
            assert client.get("/api/health").status_code == 200
            time.sleep(0.4)


def test_a_socket_without_a_session_is_told_to_sign_in(console: Console) -> None:
    for cookie in ("", "marsad=", "marsad=forged", "other=1"):
        with (
            connect(console.feed, additional_headers={"Cookie": cookie}) as link,
            pytest.raises(ConnectionClosedError) as closed,
        ):
            link.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401

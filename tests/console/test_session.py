"""Signing in and out, the first run, the accounts, and what of it is written down."""

import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest
from argon2 import PasswordHasher, extract_parameters
from litestar.connection import ASGIConnection
from tests.console.conftest import PASSWORD, Console, MemoryDesk, WallClock, peopled, running
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from marsad.adapters.memory import MemoryAccounts
from marsad.console.gate import is_same_machine
from marsad.console.gatekeeper import Limits
from marsad.console.server import Terms
from marsad.kernel.account import Account

FIRST = {"name": "anwar", "password": "a long night watch"}


@contextlib.contextmanager
def follow(console: Console, client: httpx.Client) -> Iterator[ClientConnection]:
    headers = {"Cookie": f"marsad={client.cookies['marsad']}"}
    with connect(console.feed, additional_headers=headers) as link:
        assert json.loads(link.recv(timeout=5))["type"] == "hello"
        yield link


def closed_with(link: ClientConnection) -> int:
    with contextlib.suppress(ConnectionClosed):
        while True:
            link.recv(timeout=10)
    return link.close_code or 0


def test_the_first_account_is_an_administrators_and_is_made_once(empty: Console) -> None:
    client = empty.client()
    assert client.get("/api/session").json()["first_run"] is True
    made = client.post("/api/first-run", json=FIRST)
    assert made.status_code == 200
    assert (made.json()["name"], made.json()["role"], made.json()["first_run"]) == ("anwar", "administrator", False)
    assert client.get("/api/accounts").status_code == 200
    again = empty.client().post("/api/first-run", json={"name": "eve", "password": "another long one"})
    assert (again.status_code, again.json()["error"]) == (409, "RefusedError")
    assert [each.happening for each in empty.told()][:2] == ["first_run", "signed_in"]


def test_two_first_runs_at_once_make_one_account(empty: Console) -> None:
    def ask(name: str) -> int:
        return empty.client().post("/api/first-run", json={"name": name, "password": "a long night watch"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, ["a1", "b1", "c1", "d1"])) == [200, 409, 409, 409]
    assert len(empty.accounts.accounts()) == 1


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_the_first_account_is_not_made_through_a_proxy(empty: Console, header: str) -> None:
    assert empty.client().post("/api/first-run", json=FIRST, headers={header: "127.0.0.1"}).status_code == 403
    assert empty.accounts.accounts() == []


@pytest.mark.parametrize(
    ("asker", "server", "same"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.9", "10.0.0.5", False),
        ("", "", False),
    ],
)
def test_who_asks_from_the_machine_itself_by_any_of_its_addresses_is_there(asker: str, server: str, same: bool) -> None:
    scope: Any = {
        "type": "http", "client": (asker, 40000) if asker else None, "server": (server, 8700) if server else None
    }  # fmt: skip
    assert is_same_machine(ASGIConnection(scope)) is same


def test_a_patrols_account_is_of_a_patrol_that_there_is(console: Console) -> None:
    client = console.enter("anwar")
    wanted = {"name": "patrol x", "password": "seven of them walk", "role": "patrol", "patrol_id": "nowhere"}
    answer = client.post("/api/accounts", json=wanted)
    assert answer.status_code == 400
    assert answer.json()["message"] == "there is no patrol nowhere; the site has P1, P2, P7"


@pytest.mark.parametrize("password", ["short", "x" * 11, "Patrol Post 12", "x" * 1001])
def test_a_poor_password_is_not_taken(empty: Console, password: str) -> None:
    answer = empty.client().post("/api/first-run", json={"name": "patrol post 12", "password": password})
    assert (answer.status_code, answer.json()["error"]) == (400, "InputError")
    assert password not in answer.text


@pytest.mark.parametrize("name", ["", " ", "<script>", "a\nb", "x" * 65, "../x"])
def test_a_name_is_a_name(empty: Console, name: str) -> None:
    answer = empty.client().post("/api/first-run", json={"name": name, "password": "a long night watch"})
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["أنور", "سه‌ردار", "Şêrîn", "O'Neil"])
def test_a_name_may_be_in_any_language(empty: Console, name: str) -> None:
    answer = empty.client().post("/api/first-run", json={"name": name, "password": "a long night watch"})
    assert answer.status_code == 200, answer.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(console: Console) -> None:
    answer = console.client().post("/api/session", json={"name": "omar", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert "domain" not in cookie
    assert "max-age" not in cookie


def test_behind_tls_the_cookie_is_for_tls_alone() -> None:
    with running(MemoryDesk(), peopled(), WallClock(), Terms(tls=True)) as console:
        answer = console.client().post("/api/session", json={"name": "omar", "password": PASSWORD})
        assert answer.headers["set-cookie"].startswith("__Host-marsad=")
        assert "secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"]


def test_a_wrong_name_and_a_wrong_password_look_the_same(console: Console) -> None:
    client = console.client()
    console.accounts.change(replaced(console, "vian", disabled=True))
    answers = [
        client.post("/api/session", json={"name": name, "password": password})
        for name, password in (("omar", "wrong password"), ("nobody", "wrong password"), ("vian", PASSWORD))
    ]
    assert {(each.status_code, each.text) for each in answers} == {
        (401, '{"error":"NotSignedIn","message":"the name or the password is wrong"}')
    }
    assert not any("set-cookie" in each.headers for each in answers)


def test_a_wrong_name_takes_as_long_as_a_wrong_password() -> None:
    """With the hash as strong as it is outside the tests, where the time of it is what could be told apart."""
    with running(MemoryDesk(), MemoryAccounts(), WallClock(), hasher=PasswordHasher()) as console:
        client = console.client()
        client.post("/api/first-run", json=FIRST)

        def time_s(name: str) -> float:
            before = time.monotonic()
            client.post("/api/session", json={"name": name, "password": "wrong password"})
            return time.monotonic() - before

        known, unknown = [min(time_s(name) for _ in range(3)) for name in ("anwar", "nobody")]
        assert 0.3 < known / unknown < 3
        kept = extract_parameters(console.accounts.accounts()[0].password_hash)
        assert kept.type.name == "ID"
        assert kept.memory_cost >= 64 * 1024


def test_a_name_is_found_however_it_is_written(console: Console) -> None:
    for name in ("OMAR", " omar ", "\uff2f\uff2d\uff21\uff32"):
        assert console.client().post("/api/session", json={"name": name, "password": PASSWORD}).json()["name"] == "omar"


def test_guessing_grows_slower_and_does_not_lock_out_who_is_known(console: Console) -> None:
    console.enter("omar")
    client = console.client()
    answers = [client.post("/api/session", json={"name": "sara", "password": f"guess number {n}"}) for n in range(8)]
    assert [each.status_code for each in answers] == [401] * 4 + [429] * 4
    assert int(answers[-1].headers["retry-after"]) >= 1
    right = client.post("/api/session", json={"name": "sara", "password": PASSWORD})
    assert right.status_code == 429, "while a guesser waits, a right guess is not told either"
    assert console.enter("omar"), "who signed in from here before is not kept out by what others try"
    waits = []
    for _ in range(6):
        console.clock.ahead_s += 400
        client.post("/api/session", json={"name": "sara", "password": "another guess"})
        again = client.post("/api/session", json={"name": "sara", "password": PASSWORD})
        waits.append(int(again.headers["retry-after"]))
    assert waits == sorted(waits)
    assert waits[-1] > 4 * waits[0]
    console.clock.ahead_s += 400
    assert console.enter("sara")


def test_guesses_made_at_once_are_counted_all_the_same(console: Console) -> None:
    def guess(number: int) -> int:
        credentials = {"name": "sara", "password": f"guess number {number}"}
        return console.client().post("/api/session", json=credentials).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(16)))
    assert answers.count(401) <= 4
    assert answers.count(429) >= 12


def test_many_names_from_one_address_are_guessing_too(console: Console) -> None:
    client = console.client()
    answers = [
        client.post("/api/session", json={"name": f"name {n}", "password": "a usual password"}).status_code
        for n in range(20)
    ]
    assert answers[:12] == [401] * 12
    assert 429 in answers[12:]


def test_a_cookie_is_worth_nothing_after_signing_out(console: Console) -> None:
    client = console.enter("omar")
    cookie = client.cookies["marsad"]
    with follow(console, client) as link:
        assert client.delete("/api/session").status_code == 200
        assert closed_with(link) == 4401
    replayed = console.client(cookies={"marsad": cookie})
    assert replayed.get("/api/state").status_code == 401
    with connect(console.feed, additional_headers={"Cookie": f"marsad={cookie}"}) as again:
        assert closed_with(again) == 4401


def test_signing_in_makes_a_new_session_and_ends_the_one_before(console: Console) -> None:
    client = console.enter("omar")
    before = client.cookies["marsad"]
    client.post("/api/session", json={"name": "omar", "password": PASSWORD})
    assert client.cookies["marsad"] != before
    assert console.client(cookies={"marsad": before}).get("/api/state").status_code == 401


def test_a_cookie_that_somebody_planted_is_never_taken_up(console: Console) -> None:
    client = console.client(cookies={"marsad": "planted"})
    answer = client.post("/api/session", json={"name": "omar", "password": PASSWORD})
    assert "planted" not in answer.headers["set-cookie"]
    assert console.client(cookies={"marsad": "planted"}).get("/api/state").status_code == 401


def test_signing_out_everywhere_ends_every_session_and_feed(console: Console) -> None:
    here, there, other = console.enter("omar"), console.enter("omar"), console.enter("sara")
    with follow(console, there) as link, follow(console, other) as others:
        assert here.delete("/api/session", params={"everywhere": True}).status_code == 200
        assert closed_with(link) == 4401
        assert there.get("/api/state").status_code == 401
        assert other.get("/api/state").status_code == 200
        assert other.post("/api/acts", json={"type": "note_shift", "act_id": "a", "text": "x"}).status_code == 200
        others.recv(timeout=5)


def test_disabling_an_account_ends_its_sessions_and_feeds(console: Console) -> None:
    administrator, client = console.enter("anwar"), console.enter("omar")
    with follow(console, client) as link:
        answer = administrator.patch("/api/accounts/omar", json={"disabled": True})
        assert answer.json()["disabled"] is True
        assert closed_with(link) == 4401
    assert client.get("/api/state").status_code == 401
    assert console.client().post("/api/session", json={"name": "omar", "password": PASSWORD}).status_code == 401
    administrator.patch("/api/accounts/omar", json={"disabled": False})
    assert console.enter("omar")


def test_another_role_is_there_from_the_next_sign_in(console: Console) -> None:
    administrator, client = console.enter("anwar"), console.enter("omar")
    with follow(console, client) as link:
        assert administrator.patch("/api/accounts/omar", json={"role": "viewer"}).status_code == 200
        assert closed_with(link) == 4401
    assert console.enter("omar").get("/api/session").json()["role"] == "viewer"


def test_somebody_can_always_administer(console: Console) -> None:
    administrator = console.enter("anwar")
    for change in ({"disabled": True}, {"role": "viewer"}):
        answer = administrator.patch("/api/accounts/anwar", json=change)
        assert (answer.status_code, answer.json()["error"]) == (409, "RefusedError")
    assert administrator.get("/api/accounts").status_code == 200


def test_accounts_are_made_and_shown_without_their_secrets(console: Console) -> None:
    administrator = console.enter("anwar")
    wanted = {"name": "patrol 7", "password": "seven of them walk", "role": "patrol", "patrol_id": "P7"}
    assert administrator.post("/api/accounts", json=wanted).status_code == 201
    assert administrator.post("/api/accounts", json=wanted).status_code == 409
    shown = administrator.get("/api/accounts").text
    assert "patrol 7" in shown
    assert "argon2" not in shown
    assert "hash" not in shown
    for wrong in ({"patrol_id": ""}, {"role": "operator"}, {"password": "short"}, {"role": "king"}):
        answer = administrator.post("/api/accounts", json={**wanted, "name": "x", **wrong})
        assert answer.status_code == 400, wrong
    assert administrator.patch("/api/accounts/nobody", json={"disabled": True}).status_code == 400


def test_a_password_is_changed_by_who_knows_it_and_ends_the_other_sessions(console: Console) -> None:
    client, other = console.enter("omar"), console.enter("omar")
    wrong = client.post("/api/session/password", json={"old": "not the one", "new": "a new long password"})
    assert wrong.status_code == 403
    right = client.post("/api/session/password", json={"old": PASSWORD, "new": "a new long password"})
    assert right.status_code == 200
    assert client.get("/api/state").status_code == 200
    assert other.get("/api/state").status_code == 401
    assert console.client().post("/api/session", json={"name": "omar", "password": PASSWORD}).status_code == 401
    assert console.enter("omar", "a new long password")


def test_a_session_ends_unused_and_at_last() -> None:
    terms = Terms(limits=Limits(idle_s=600, absolute_s=3600))
    with running(MemoryDesk(), peopled(), WallClock(), terms) as console:
        client = console.enter("omar")
        for _ in range(5):
            console.clock.ahead_s += 500
            assert client.get("/api/state").status_code == 200
        console.clock.ahead_s += 700
        assert client.get("/api/state").status_code == 401
        client = console.enter("omar")
        for _ in range(7):
            console.clock.ahead_s += 500
            assert client.get("/api/state").status_code == 200
        console.clock.ahead_s += 500
        assert client.get("/api/state").status_code == 401


def test_an_open_feed_is_use_until_the_session_is_over_at_last() -> None:
    terms = Terms(limits=Limits(idle_s=600, absolute_s=3600))
    with running(MemoryDesk(), peopled(), WallClock(), terms) as console:
        client = console.enter("omar")
        with follow(console, client) as link:
            for _ in range(2):
                console.clock.ahead_s += 500
                time.sleep(2.5)
            assert client.get("/api/state").status_code == 200
            console.clock.ahead_s += 3600
            assert closed_with(link) == 4401


def test_no_secret_is_written_down_or_answered(console: Console, capfd: pytest.CaptureFixture[str]) -> None:
    typed = "my-secret-typed-as-a-name"
    client = console.client()
    client.post("/api/session", json={"name": typed, "password": "wrong-password-1"})
    client.post("/api/session", json={"name": "omar", "password": "wrong-password-2"})
    operator = console.enter("omar")
    operator.post("/api/acts", json={"type": "note_shift", "act_id": "a", "text": "x", "password": "wrong-password-3"})
    operator.post("/api/session/password", json={"old": "wrong-password-4", "new": "wrong-password-5"})
    site, state = operator.get("/api/site").text, operator.get("/api/state").text
    written = b"".join(entry.payload or b"" for entry in console.desk.log.entries).decode("utf-8", "replace")
    printed = "".join(capfd.readouterr())
    secrets = [typed, *(f"wrong-password-{n}" for n in range(1, 6)), PASSWORD, operator.cookies["marsad"]]
    secrets += [operator.headers["x-csrf-token"], "hunter2", "terrain.tif", "argon2id"]
    for secret in secrets:
        for place in (written, printed, site, state):
            assert secret not in place
    failed = [each for each in console.told() if each.happening == "sign_in_failed"]
    assert [each.name for each in failed] == ["", "omar", "omar"]


def test_what_is_refused_again_and_again_is_counted(console: Console) -> None:
    client = console.enter("vian")
    for number in range(50):
        act = {"type": "note_shift", "act_id": f"a{number}", "text": "x"}
        assert client.post("/api/acts", json=act).status_code == 403
    refused = [each for each in console.told() if each.happening == "refused"]
    assert [(each.name, each.subject, each.reason, each.count) for each in refused] == [
        ("vian", "note_shift", "role", 1)
    ]
    console.desk.time_ns += 11_000_000_000
    console.enter("vian")
    refused = [each for each in console.told() if each.happening == "refused"]
    assert [each.count for each in refused] == [1, 49]


def replaced(console: Console, name: str, **changes: object) -> Account:
    account = console.accounts.account(name)
    assert account
    return msgspec.structs.replace(account, **changes)

"""Accounts in a file and in memory keep the same promises."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from marsad.adapters.accounts import FORMAT, SqliteAccounts
from marsad.adapters.memory import MemoryAccounts
from marsad.kernel.account import Account, Session
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.port import Accounts


def account(name: str, **fields: object) -> Account:
    return Account(**{"name": name, "role": "viewer", "password_hash": "h", "created_ns": 5, **fields})  # type: ignore[arg-type]


def session(token: bytes, name: str, began_ns: int = 10, seen_ns: int = 10) -> Session:
    return Session(token_hash=token, name=name, csrf="c", began_ns=began_ns, seen_ns=seen_ns)


@pytest.fixture(params=["file", "memory"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Accounts]:
    if request.param == "memory":
        yield MemoryAccounts()
        return
    with SqliteAccounts(tmp_path / "accounts.sqlite") as opened:
        yield opened


def test_what_is_put_in_comes_out(accounts: Accounts) -> None:
    first = account("Sara", role="patrol", patrol_id="P1", disabled=True)
    accounts.add(first)
    accounts.add(account("omar"))
    assert accounts.account("SARA ") == first
    assert accounts.account("nobody") is None
    assert [each.name for each in accounts.accounts()] == ["omar", "Sara"]
    accounts.change(account("Sara", role="operator"))
    assert accounts.account("sara") == account("Sara", role="operator")


def test_a_name_is_there_once(accounts: Accounts) -> None:
    accounts.add(account("Sara"), first=True)
    with pytest.raises(RefusedError, match="taken"):
        accounts.add(account("sara"))
    with pytest.raises(RefusedError, match="already"):
        accounts.add(account("omar"), first=True)
    with pytest.raises(InputError, match="no account"):
        accounts.change(account("omar"))
    assert len(accounts.accounts()) == 1


def test_sessions_begin_are_used_and_end(accounts: Accounts) -> None:
    accounts.add(account("sara"))
    accounts.add(account("omar"))
    for token, name in ((b"1", "sara"), (b"2", "sara"), (b"3", "omar")):
        accounts.begin(session(token, name))
    assert accounts.session(b"1") == session(b"1", "sara")
    accounts.touch(b"1", 99)
    assert accounts.session(b"1") == session(b"1", "sara", seen_ns=99)
    accounts.end(b"1")
    accounts.end(b"1")
    assert accounts.session(b"1") is None
    accounts.end_all("SARA")
    assert accounts.session(b"2") is None
    assert accounts.session(b"3") is not None
    accounts.begin(session(b"4", "sara", began_ns=50, seen_ns=60))
    accounts.forget(began_before_ns=11, seen_before_ns=0)
    assert accounts.session(b"3") is None
    accounts.forget(began_before_ns=0, seen_before_ns=61)
    assert accounts.session(b"4") is None


def test_the_file_is_its_owners_alone_and_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    path.touch(mode=0o644)
    with SqliteAccounts(path) as opened:
        opened.add(account("sara"))
        opened.begin(session(b"1", "sara"))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
        assert set(modes.values()) == {0o600}, modes
    with SqliteAccounts(path) as again:
        assert again.account("sara") == account("sara")
        assert again.session(b"1") == session(b"1", "sara")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT
    connection.close()


def test_what_is_no_file_of_accounts_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="another program"):
        SqliteAccounts(other)
    newer = tmp_path / "newer.sqlite"
    SqliteAccounts(newer).close()
    connection = sqlite3.connect(newer)
    connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(InputError, match="update Marsad"):
        SqliteAccounts(newer)
    text = tmp_path / "text.sqlite"
    text.write_text("no database at all, but a long enough text to be taken for something" * 20)
    with pytest.raises(InputError, match="no sound SQLite file"):
        SqliteAccounts(text)
    with pytest.raises(InputError, match="choose a file"):
        SqliteAccounts(tmp_path / "nowhere" / "accounts.sqlite")


def test_closed_accounts_do_not_answer(tmp_path: Path) -> None:
    opened = SqliteAccounts(tmp_path / "accounts.sqlite")
    opened.close()
    opened.close()
    with pytest.raises(UnavailableError, match="closed"):
        opened.accounts()

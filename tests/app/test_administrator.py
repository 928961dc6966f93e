"""The way in from the machine itself, against real files and a real sign-in."""

from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from marsad.adapters.accounts import SqliteAccounts
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.administrator import make_administrator
from marsad.app.cli import app
from marsad.kernel.account import Account
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import AccessLogged

PASSWORD = "a long night watch"  # noqa: S105 - of the tests


def held(out: Path) -> list[Account]:
    with SqliteAccounts(out / "accounts.sqlite") as accounts:
        return accounts.accounts()


def test_the_first_administrator_is_made_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = CliRunner().invoke(app, ["administrator", "Ana", "--out", str(out)], input=PASSWORD + "\n")
    assert done.exit_code == 0, done.output
    assert "Ana is made" in done.output
    (account,) = held(out)
    assert (account.name, account.role, account.disabled) == ("Ana", "administrator", False)
    assert PasswordHasher().verify(account.password_hash, PASSWORD)
    assert out.stat().st_mode & 0o077 == 0
    assert PASSWORD.encode() not in b"".join(each.read_bytes() for each in out.iterdir())


def test_a_forgotten_password_is_set_anew_and_that_is_written_down(tmp_path: Path) -> None:
    make_administrator(tmp_path, "Ana", PASSWORD)
    with SqliteAccounts(tmp_path / "accounts.sqlite") as accounts:
        (ana,) = accounts.accounts()
        accounts.add(msgspec.structs.replace(ana, name="Omar", role="operator", disabled=True))
    report = make_administrator(tmp_path, "omar", "another long night")
    assert (report.name, report.made) == ("Omar", False)
    assert held(tmp_path)[0] == ana
    assert (held(tmp_path)[1].role, held(tmp_path)[1].disabled) == ("administrator", False)
    with SqliteLogReader(tmp_path / "events.sqlite") as log:
        told = [each.event for each in log.read() if isinstance(each.event, AccessLogged)]
    assert [(each.happening, each.subject, each.reason) for each in told] == [
        ("account_made", "Ana", "command"), ("account_changed", "Omar", "command"),
    ]  # fmt: skip


def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 12"):
        make_administrator(tmp_path / "run", "Ana", "short")
    with pytest.raises(InputError, match="a name is"):
        make_administrator(tmp_path / "run", "../x", PASSWORD)
    assert not (tmp_path / "run").exists()
    with SqliteEventLog(tmp_path / "events.sqlite"), pytest.raises(UnavailableError, match="is writing this log"):
        make_administrator(tmp_path, "Ana", PASSWORD)
    assert not (tmp_path / "accounts.sqlite").exists()

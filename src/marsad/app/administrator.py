"""The command `marsad administrator`: a way in for whoever has the machine, while the station is stopped."""

from pathlib import Path

import msgspec
from argon2 import PasswordHasher

from marsad.adapters.accounts import SqliteAccounts
from marsad.adapters.clock import SystemClock
from marsad.adapters.writing import write_refusal
from marsad.app.patient_log import open_log
from marsad.app.station import ACCOUNTS, LOG
from marsad.console.gatekeeper import account_name, check_password
from marsad.kernel.account import Account
from marsad.kernel.event import AccessHappening, AccessLogged
from marsad.kernel.record import Record


class AdministratorReport(Record):
    """Whose account it is, and whether it was made now."""

    name: str
    made: bool
    out: str

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return 0

    def text(self) -> str:
        """The report for people."""
        done = "made" if self.made else "an administrator's now, with this password; its sessions are over"
        return f"{self.out}: the account {self.name} is {done}"


def make_administrator(out: Path, name: str, password: str) -> AdministratorReport:
    """Make an administrator's account, or make one that is there an administrator's with another password.

    That is written to the log first, which only one program can write to.

    Raises: InputError for a name or password that cannot be; UnavailableError while the station runs, or where the
    folder cannot be written to.
    """
    wanted = account_name(name.strip())
    check_password(wanted, password)
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error
    with open_log(out / LOG, lambda _: None, option="--out") as log, SqliteAccounts(out / ACCOUNTS) as accounts:
        now_ns, before = SystemClock().now_ns(), accounts.account(wanted)
        happening: AccessHappening = "account_made" if before is None else "account_changed"
        subject = wanted if before is None else before.name
        log.append([
            AccessLogged(time_ns=now_ns, happening=happening, name="", address="", subject=subject, reason="command")
        ])  # fmt: skip
        password_hash = PasswordHasher().hash(password)
        if before is None:
            accounts.add(
                Account(name=wanted, role="administrator", password_hash=password_hash, created_ns=now_ns, patrol_id="")
            )
        else:
            accounts.change(msgspec.structs.replace(
                before, role="administrator", patrol_id="", disabled=False, password_hash=password_hash
            ))  # fmt: skip
            accounts.end_all(before.name)
    return AdministratorReport(name=subject, made=before is None, out=str(out))

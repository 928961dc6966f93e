"""Who comes in: sign-in, sessions, and the accounts behind them."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marsad.console.access import Access
from marsad.console.problem import NotDoneError
from marsad.console.throttle import Throttle
from marsad.kernel.account import Account, AccountName, Session, name_key
from marsad.kernel.act import Person
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.port import Accounts
from marsad.kernel.record import Record
from marsad.kernel.role import Role

NS: Final = 1_000_000_000
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1000
TOUCH_NS: Final = 60 * NS
HASHES_AT_ONCE: Final = 2
"""Each takes 64 MiB and a core for a twentieth of a second."""


class Limits(Record):
    """How long a session lasts: unused, and at all; a shift is twelve hours. An open feed is use."""

    idle_s: float = 1800.0
    absolute_s: float = 16 * 3600.0


class Credentials(Record):
    """A name and a password, as typed."""

    name: str
    password: str


class NewAccount(Record):
    """An account to be made."""

    name: AccountName
    password: str
    role: Role
    patrol_id: str = ""


class AccountChange(Record):
    """What is to be changed of an account; what is left out stays."""

    role: Role | None = None
    patrol_id: str | None = None
    disabled: bool | None = None
    password: str | None = None


class AccountShown(Record):
    """An account as an administrator sees it."""

    name: str
    role: Role
    patrol_id: str
    disabled: bool
    created_ns: int


class SignedIn(NamedTuple):
    """Somebody who is in: who it is, by which session, and until when at the longest."""

    person: Person
    session: Session
    ends_ns: int


class Gatekeeper:
    """Lets people in and out, and keeps their accounts.

    `now_ns` is the time on the wall, which sessions run by, whatever time the desk has. `patrol_ids` are those that the
    account of a patrol may be of, None for any.
    """

    def __init__(
        self, accounts: Accounts, access: Access, now_ns: Callable[[], int], limits: Limits | None = None,
        hasher: PasswordHasher | None = None, *, patrol_ids: Collection[str] | None = None,
    ) -> None:  # fmt: skip
        self.limits = limits or Limits()
        self._patrol_ids = patrol_ids
        self._accounts = accounts
        self._access = access
        self._now_ns = now_ns
        self._hasher = hasher or PasswordHasher()
        self._throttle = Throttle()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        # Whoever asks for a name that there is none of waits as long as for one that there is.
        self._nobody = self._hasher.hash(secrets.token_hex())

    def first_run(self) -> bool:
        """Whether there is no account yet."""
        return not self._accounts.accounts()

    def who(self, token: str | None) -> SignedIn | None:
        """Whoever holds this token, None where nobody is in by it any more; it counts as use."""
        session = self._accounts.session(_hash(token)) if token else None
        if session is None:
            return None
        now_ns, account = self._now_ns(), self._accounts.account(session.name)
        ends_ns = session.began_ns + round(self.limits.absolute_s * NS)
        idle_ns = session.seen_ns + round(self.limits.idle_s * NS)
        if account is None or account.disabled or not session.began_ns <= now_ns < min(ends_ns, idle_ns):
            self._accounts.end(session.token_hash)
            return None
        if now_ns - session.seen_ns >= TOUCH_NS:
            self._accounts.touch(session.token_hash, now_ns)
        person = Person(name=account.name, role=account.role, patrol_id=account.patrol_id)
        return SignedIn(person, session, ends_ns)

    async def make_first(self, credentials: Credentials, address: str) -> str:
        """Make the first account, an administrator's, and let it in; the token.

        Raises: RefusedError where there is an account already.
        """
        if not self.first_run():
            raise RefusedError("there is an account already: sign in")
        wanted = NewAccount(name=credentials.name.strip(), password=credentials.password, role="administrator")
        account = await self._new(wanted)
        self._accounts.add(account, first=True)
        self._access.tell("first_run", account.name, address)
        return self._begin(account, address)

    async def sign_in(self, credentials: Credentials, address: str, *, instead_of: str | None = None) -> str:
        """The token of a new session; the one that the browser had before is over.

        Raises: NotDoneError where the name or the password is wrong, which it does not say, or it is too early.
        """
        now_ns = self._now_ns()
        account = self._accounts.account(credentials.name)
        named = account.name if account else ""
        wait_s = self._throttle.wait_s(credentials.name, address, now_ns)
        if wait_s:
            self._access.tell("sign_in_failed", named, address, reason="too many")
            raise NotDoneError("TooMany", f"too many wrong sign-ins: try again in {wait_s} s", wait_s)
        self._throttle.begin(credentials.name, address, now_ns)
        right = await self._verify(account, credentials.password)
        if account is None or account.disabled or not right:
            self._access.tell("sign_in_failed", named, address)
            raise NotDoneError("NotSignedIn", "the name or the password is wrong")
        self._throttle.succeeded(account.name, address)
        if instead_of:
            self._accounts.end(_hash(instead_of))
        await self._refresh_hash(account, credentials.password)
        return self._begin(account, address)

    def sign_out(self, signed_in: SignedIn, address: str, *, everywhere: bool = False) -> None:
        """Let somebody out, here or everywhere."""
        name = signed_in.person.name
        if everywhere:
            self._accounts.end_all(name)
        else:
            self._accounts.end(signed_in.session.token_hash)
        self._access.tell("signed_out_everywhere" if everywhere else "signed_out", name, address)

    async def change_password(self, signed_in: SignedIn, old: str, new: str, address: str) -> None:
        """Change one's own password, which ends one's other sessions.

        Raises: NotDoneError where the old one is wrong.
        """
        name = signed_in.person.name
        account = self._accounts.account(name)
        now_ns = self._now_ns()
        wait_s = self._throttle.wait_s(name, address, now_ns)
        if wait_s:
            raise NotDoneError("TooMany", f"too many wrong passwords: try again in {wait_s} s", wait_s)
        self._throttle.begin(name, address, now_ns)
        if not await self._verify(account, old):
            self._access.tell("sign_in_failed", name, address, reason="change of password")
            raise NotDoneError("NotAllowed", "the old password is wrong")
        self._throttle.succeeded(name, address)
        await self._set_password(name, new)
        self._accounts.end_all(name)
        self._accounts.begin(signed_in.session)
        self._access.tell("password_changed", name, address, subject=name)

    def shown(self) -> list[AccountShown]:
        """All accounts, without what must not be seen."""
        return [_shown(account) for account in self._accounts.accounts()]

    async def make(self, wanted: NewAccount, by: Person, address: str) -> AccountShown:
        """Make an account.

        Raises: InputError where something is wrong with it, RefusedError where the name is taken.
        """
        account = await self._new(wanted)
        self._accounts.add(account)
        self._access.tell("account_made", by.name, address, subject=account.name, reason=account.role)
        return _shown(account)

    async def change(self, name: str, wanted: AccountChange, by: Person, address: str) -> AccountShown:
        """Change an account and end its sessions.

        Raises: InputError where there is none or the change is no sound one; RefusedError where nobody could administer
        the accounts after it.
        """
        self._changed(name, wanted)
        if wanted.password is not None:
            await self._set_password(name, wanted.password)
        after = self._changed(name, wanted)
        self._accounts.change(after)
        self._accounts.end_all(after.name)
        said = [field for field in AccountChange.__struct_fields__ if getattr(wanted, field) is not None]
        self._access.tell("account_changed", by.name, address, subject=after.name, reason=", ".join(said))
        return _shown(after)

    def forget(self) -> None:
        """Forget the sessions whose time is over."""
        now_ns = self._now_ns()
        self._accounts.forget(now_ns - round(self.limits.absolute_s * NS), now_ns - round(self.limits.idle_s * NS))

    def _changed(self, name: str, wanted: AccountChange) -> Account:
        before = self._accounts.account(name)
        if before is None:
            raise InputError(f"there is no account {name}")
        fields = {
            field: value for field in ("role", "patrol_id", "disabled") if (value := getattr(wanted, field)) is not None
        }
        after = msgspec.structs.replace(before, **fields)
        _check_patrol(after.role, after.patrol_id)
        if after.patrol_id != before.patrol_id:
            self._check_known(after.patrol_id)
        others = [each for each in self._accounts.accounts() if each.name != before.name]
        if not any(each.role == "administrator" and not each.disabled for each in [*others, after]):
            raise RefusedError("somebody must be able to administer the accounts: make another administrator first")
        return after

    async def _new(self, wanted: NewAccount) -> Account:
        name = account_name(wanted.name)
        _check_patrol(wanted.role, wanted.patrol_id)
        self._check_known(wanted.patrol_id)
        password_hash = await self._hash_password(name, wanted.password)
        return Account(
            name=name, role=wanted.role, password_hash=password_hash, created_ns=self._now_ns(),
            patrol_id=wanted.patrol_id,
        )  # fmt: skip

    def _check_known(self, patrol_id: str) -> None:
        if patrol_id and self._patrol_ids is not None and patrol_id not in self._patrol_ids:
            known = ", ".join(sorted(self._patrol_ids)) or "none"
            raise InputError(f"there is no patrol {patrol_id}; the site has {known}")

    async def _set_password(self, name: str, password: str) -> None:
        password_hash = await self._hash_password(name, password)
        account = self._accounts.account(name)
        if account is None:
            raise InputError(f"there is no account {name}")
        self._accounts.change(msgspec.structs.replace(account, password_hash=password_hash))

    async def _refresh_hash(self, account: Account, password: str) -> None:
        """Hash the password anew where what is asked of a hash has grown since."""
        if self._hasher.check_needs_rehash(account.password_hash):
            await self._set_password(account.name, password)

    async def _hash_password(self, name: str, password: str) -> str:
        check_password(name, password)
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, account: Account | None, password: str) -> bool:
        """Whether it is the account's password; takes as long where there is no such account."""
        kept = self._nobody if account is None else account.password_hash
        async with self._hashing:
            return await asyncio.to_thread(self._matches, kept, password[: LONGEST_PASSWORD + 1])

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    def _begin(self, account: Account, address: str) -> str:
        self.forget()
        token, now_ns = secrets.token_urlsafe(32), self._now_ns()
        self._accounts.begin(
            Session(
                token_hash=_hash(token), name=account.name, csrf=secrets.token_urlsafe(32), began_ns=now_ns,
                seen_ns=now_ns,
            )
        )  # fmt: skip
        self._access.tell("signed_in", account.name, address)
        return token


def account_name(name: str) -> AccountName:
    """The name. Raises: InputError where an account cannot be called so."""
    try:
        return msgspec.convert(name, AccountName)
    except msgspec.ValidationError as error:
        raise InputError("a name is 1 to 64 letters, digits, blanks and . ' -, and begins with a letter") from error


def check_password(name: str, password: str) -> None:
    """Nothing for a password that an account of this name may have. Raises: InputError for any other."""
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(f"a password has at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise InputError(f"a password has at most {LONGEST_PASSWORD} characters")
    if name_key(password) == name_key(name):
        raise InputError("a password is not the name")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _shown(account: Account) -> AccountShown:
    return AccountShown(
        name=account.name,
        role=account.role,
        patrol_id=account.patrol_id,
        disabled=account.disabled,
        created_ns=account.created_ns,
    )


def _check_patrol(role: Role, patrol_id: str) -> None:
    if (role == "patrol") != bool(patrol_id):
        raise InputError("patrol_id says which patrol it is, for the role patrol and no other")

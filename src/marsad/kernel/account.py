"""Who may sign in at the console, and who is signed in now."""

import unicodedata
from typing import Annotated

from msgspec import Meta

from marsad.kernel.record import Record
from marsad.kernel.role import Role

_MARKS = "\u0300-\u036f\u064b-\u0655\u200c"
"""Accents, vowel signs, and the joint that Sorani is written with: parts of a word, but no letters."""

AccountName = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"^\w[\w{_MARKS} .'-]*$")]


def name_key(name: str) -> str:
    """The form under which a name is looked up: two names that look the same are the same."""
    return unicodedata.normalize("NFKC", name.replace("\u200c", "")).strip().casefold()


class Account(Record):
    """A person's account; `patrol_id` names the patrol whose phone it is, where its role is patrol.

    `password_hash` is what argon2id makes of the password, and all that is kept of it.
    """

    name: AccountName
    role: Role
    password_hash: str
    created_ns: int
    patrol_id: str = ""
    disabled: bool = False


class Session(Record):
    """Somebody is signed in: `token_hash` is SHA-256 of what the browser holds, which itself is kept nowhere.

    `csrf` must come with every request that changes something; `seen_ns` is when it was last used.
    """

    token_hash: bytes
    name: str
    csrf: str
    began_ns: int
    seen_ns: int

"""The commands `marsad keys`: make them, compare them in person, renew and withdraw them."""

from pathlib import Path

from marsad.adapters.link_keys import (
    OWN_CARD,
    PARTNER_CARD,
    generate,
    pin,
    pinned,
    read_card,
    read_revoked,
    revoke,
    rotate,
    switch,
)
from marsad.coordinate.card import Card, fingerprint, is_fingerprint_of, words
from marsad.kernel.error import RefusedError
from marsad.kernel.record import Record


class KeyReport(Record):
    """One card, as people compare it."""

    name: str
    signing_key: str
    fingerprint: str
    words: str
    certificates: tuple[str, ...]
    expires: tuple[str, ...]
    revoked: tuple[str, ...] = ()
    note: str = ""

    @property
    def exit_code(self) -> int:
        """0: there is something to show."""
        return 0

    def text(self) -> str:
        """The report for people."""
        lines = [
            self.name,
            f"fingerprint  {self.fingerprint}",
            f"in words     {self.words}",
            f"signing key  {self.signing_key}",
        ]
        for found, expires in zip(self.certificates, self.expires, strict=True):
            state = ", REVOKED" if found in self.revoked else ""
            lines.append(f"certificate  {found}, until {expires}{state}")
        if self.fingerprint in self.revoked:
            lines.append("THIS SIGNING KEY IS REVOKED")
        return "\n".join([*lines, self.note] if self.note else lines)


def make_keys(interior: Path, gateway: Path, name: str, now_ns: int) -> KeyReport:
    """Generate both folders. Raises: InputError, RefusedError."""
    card = generate(interior, gateway, name, now_ns)
    note = f"Give {gateway / OWN_CARD} to your partner by any way, and compare the words in person."
    return _report(card, note=note)


def show_keys(path: Path) -> KeyReport:
    """What a card, or the own card of a folder of keys, says. Raises: InputError."""
    folder = path if path.is_dir() else path.parent
    card = read_card(path / OWN_CARD if path.is_dir() else path)
    return _report(card, revoked=tuple(one.fingerprint for one in read_revoked(folder)))


def pin_card(card_path: Path, folders: list[Path], told: str | None) -> KeyReport:
    """Admit a partner in every folder of ours. Raises: RefusedError where the fingerprint is another."""
    card = read_card(card_path)
    if told is not None and not is_fingerprint_of(told, card.key):
        raise RefusedError("the fingerprint you were told is not this card's: somebody has exchanged it on the way")
    pinned(card)
    for folder in folders:
        pin(folder, card, compared=told is not None)
    return _report(card, note="pinned")


def renew(interior: Path, gateway: Path, now_ns: int, *, use: bool) -> KeyReport:
    """The next certificate: made and shown on the card, or with `use` taken into use."""
    if use:
        return _report(switch(interior, gateway, now_ns), note="In use when the gateway connects next.")
    card = rotate(interior, gateway, now_ns)
    return _report(card, note=f"Have your partner pin {gateway / OWN_CARD}, then call again with --use.")


def withdraw(folders: list[Path], fingerprint_hex: str, reason: str, now_ns: int) -> KeyReport:
    """Admit one of the partner's keys no more. Raises: InputError."""
    for folder in folders:
        revoke(folder, fingerprint_hex, reason, now_ns)
    revoked = tuple(one.fingerprint for one in read_revoked(folders[0]))
    return _report(read_card(folders[0] / PARTNER_CARD), revoked=revoked, note="refused from now on")


def _report(card: Card, *, revoked: tuple[str, ...] = (), note: str = "") -> KeyReport:
    found = fingerprint(card.key)
    return KeyReport(
        name=card.name,
        signing_key=card.signing_key,
        fingerprint=found,
        words=words(found),
        certificates=card.certificates,
        expires=tuple(one.certificate.not_valid_after_utc.date().isoformat() for one in pinned(card)),
        revoked=revoked,
        note=note,
    )

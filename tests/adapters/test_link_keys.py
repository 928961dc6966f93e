"""Keys on the disk: private ones stay private, and nobody is admitted whom nobody compared."""

import stat
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from marsad.adapters.link_keys import (
    generate,
    pin,
    pinned,
    read_card,
    read_revoked,
    read_signing_key,
    revoke,
    rotate,
    switch,
)
from marsad.app.keys import make_keys, pin_card, renew, show_keys, withdraw
from marsad.coordinate.card import Card, fingerprint, is_fingerprint_of, judge_card, judge_succession, words
from marsad.kernel.error import InputError, RefusedError


class Folders(NamedTuple):
    interior: Path
    gateway: Path
    card: Card


@pytest.fixture
def ours(tmp_path: Path) -> Folders:
    interior, gateway = tmp_path / "ours" / "interior", tmp_path / "ours" / "gateway"
    return Folders(interior, gateway, generate(interior, gateway, "Ours", time.time_ns()))


@pytest.fixture
def theirs(tmp_path: Path) -> Folders:
    interior, gateway = tmp_path / "theirs" / "interior", tmp_path / "theirs" / "gateway"
    return Folders(interior, gateway, generate(interior, gateway, "Theirs", time.time_ns()))


def test_private_keys_are_their_owners_alone_and_the_gateway_has_none_that_signs(ours: Folders) -> None:
    for path in (ours.interior / "signing.pem", ours.gateway / "gateway.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (ours.gateway / "signing.pem").exists()
    assert not (ours.interior / "gateway.pem").exists()
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in (ours.interior, ours.gateway))


def test_a_private_key_that_others_could_read_is_refused(ours: Folders) -> None:
    (ours.interior / "signing.pem").chmod(0o640)
    with pytest.raises(RefusedError, match="can be read by others"):
        read_signing_key(ours.interior)


def test_a_signing_key_is_not_written_over(ours: Folders) -> None:
    with pytest.raises(RefusedError, match="not written over"):
        generate(ours.interior, ours.gateway, "Ours", time.time_ns())


def test_a_partner_is_pinned_by_what_was_read_out_in_person(ours: Folders, theirs: Folders) -> None:
    folders = [ours.interior, ours.gateway]
    card = theirs.gateway / "card.json"
    with pytest.raises(RefusedError, match="nobody is pinned yet"):
        pin_card(card, folders, None)
    with pytest.raises(RefusedError, match="exchanged it on the way"):
        pin_card(card, folders, words(fingerprint(ours.card.key)))
    told = show_keys(theirs.interior)
    assert pin_card(card, folders, told.words.upper()).name == "Theirs"
    assert pin_card(card, folders, told.fingerprint).name == "Theirs"
    assert read_card(ours.gateway / "partner.json") == read_card(ours.interior / "partner.json") == theirs.card


def test_a_newer_card_of_the_pinned_key_needs_no_meeting_and_an_older_one_is_refused(
    ours: Folders, theirs: Folders
) -> None:
    pin(ours.gateway, theirs.card, compared=True)
    newer = rotate(theirs.interior, theirs.gateway, time.time_ns())
    assert newer.certificates[0] == theirs.card.certificates[0]
    assert len(newer.certificates) == 2
    pin(ours.gateway, newer, compared=False)
    last = switch(theirs.interior, theirs.gateway, time.time_ns())
    assert last.certificates == newer.certificates[1:]
    pin(ours.gateway, last, compared=False)
    with pytest.raises(RefusedError, match="older than the pinned one"):
        pin(ours.gateway, newer, compared=False)
    with pytest.raises(RefusedError, match="rotate first"):
        switch(theirs.interior, theirs.gateway, time.time_ns())


def test_a_card_of_another_key_does_not_take_a_pinned_ones_place(ours: Folders, theirs: Folders) -> None:
    with pytest.raises(RefusedError, match="another signing key"):
        judge_succession(theirs.card, ours.card)


@pytest.mark.parametrize(
    "change",
    [{"name": "Nobody"}, {"issued_ns": 1}, {"certificates": ("00" * 32,)}, {"signature": "zz"}, {"signing_key": "00"}],
)
def test_a_card_that_was_altered_is_refused(theirs: Folders, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="the card is"):
        judge_card(replace(theirs.card, **change))


def test_a_certificate_put_in_anothers_place_on_a_card_is_found(ours: Folders, theirs: Folders) -> None:
    with pytest.raises(InputError, match="another certificate than the one it names"):
        pinned(replace(theirs.card, pem=ours.card.pem))
    with pytest.raises(InputError, match="holds no certificate"):
        pinned(replace(theirs.card, pem=("nothing",)))


@pytest.mark.parametrize("text", ["", "{}", "[" * 1000, "x" * 70_000])
def test_a_file_that_is_no_card_is_told_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(InputError, match="card"):
        read_card(tmp_path / "card.json")


def test_what_is_revoked_is_kept_with_its_reason_and_a_damaged_list_admits_nobody(
    ours: Folders, theirs: Folders
) -> None:
    pin(ours.interior, theirs.card, compared=True)
    report = withdraw([ours.interior], theirs.card.certificates[0], "stolen", 9)
    assert "REVOKED" in report.text()
    assert [(one.reason, one.time_ns) for one in read_revoked(ours.interior)] == [("stolen", 9)]
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        revoke(ours.interior, "abc", "stolen", 9)
    (ours.interior / "revoked.json").write_text("[")
    with pytest.raises(InputError, match="nobody is admitted"):
        read_revoked(ours.interior)


def test_the_words_are_proquints_of_the_fingerprints_first_half() -> None:
    # Source: the paper's own examples, 127.0.0.1 and 63.84.220.193.
    text = "7f000001" + "3f54dcc1" + "00" * 24
    assert words(text).startswith("lusab-babad-gutih-tugad-")
    assert len(words(text).split("-")) == 8


def test_a_fingerprint_is_told_by_its_words_or_all_its_digits(ours: Folders) -> None:
    found = fingerprint(ours.card.key)
    spaced = " ".join(found[place : place + 4] for place in range(0, 64, 4))
    assert is_fingerprint_of(words(found), ours.card.key)
    assert is_fingerprint_of(spaced.upper(), ours.card.key)
    assert not is_fingerprint_of(found[:32], ours.card.key)
    assert not is_fingerprint_of("", ours.card.key)


def test_the_commands_say_what_to_do_next(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "i", tmp_path / "g", "Side A", time.time_ns())
    assert "compare the words in person" in made.text()
    assert msgspec.json.decode(msgspec.json.encode(made))["words"] == made.words
    assert "--use" in renew(tmp_path / "i", tmp_path / "g", time.time_ns(), use=False).text()
    used = renew(tmp_path / "i", tmp_path / "g", time.time_ns(), use=True)
    assert used.certificates != made.certificates
    assert used.exit_code == 0

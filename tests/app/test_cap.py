"""What was released reaches a folder as CAP messages, each once, whatever is killed when."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_tak import agreement, told, wait

from marsad.adapters.inbox import Spool, SpoolReader
from marsad.adapters.outbox import Item, Outbox
from marsad.app import cap as module
from marsad.app.cap import AGAIN_NS, COUNTS_NS, Cap, CapBoard, CapSettings
from marsad.app.doctor import diagnose
from marsad.app.sharing import AGREEMENT, OUTBOX, SPOOL
from marsad.coordinate.agreement import sign
from marsad.coordinate.release import payload
from marsad.kernel.agreement import SignedAgreement
from marsad.kernel.error import MarsadError, RefusedError, UnavailableError
from marsad.kernel.release import Release

NS = 10**9
S = "{urn:oasis:names:tc:emergency:cap:1.2}"


class Partner:
    """A station's outbox for a partner that reads CAP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ours, theirs = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.theirs = theirs.public_key().public_bytes_raw()
        self.agreement = agreement(self.ours, theirs)
        signatures = tuple(
            sign(self.agreement, name, key.private_bytes_raw()) for name, key in (("east", self.ours), ("west", theirs))
        )
        (folder / AGREEMENT).write_bytes(
            msgspec.json.encode(SignedAgreement(agreement=self.agreement, signatures=signatures))
        )
        self.outbox = Outbox(folder / OUTBOX, self.ours, self.theirs)
        self.out = folder / "out"
        self.now_ns = time.time_ns()

    @property
    def settings(self) -> CapSettings:
        return CapSettings(
            agreement=self.folder / AGREEMENT, outbox=self.folder / OUTBOX, spool=self.folder / SPOOL, out=self.out
        )

    def tell(self, *released: Release) -> None:
        items = [Item(payload=payload(each), urgent=False, time_ns=self.now_ns) for each in released]
        self.outbox.append(items, self.now_ns)

    def cap(self) -> Cap:
        return Cap(self.settings, lambda: self.now_ns)

    def messages(self) -> list[ET.Element]:
        """What lies in the folder, in the order of its names."""
        return [ET.parse(each).getroot() for each in sorted(self.out.glob("*.xml"))]  # noqa: S314 - our own words

    def kinds(self) -> list[str]:
        return [each.findtext(f"{S}msgType", "") for each in self.messages()]


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Partner]:
    made = Partner(tmp_path)
    yield made
    made.outbox.close()


def turn(cap: Cap) -> None:
    while cap.turn():
        pass


def over(released: Release, act: str = "ended") -> Release:
    return msgspec.structs.replace(released, act=act, release_id=f"{released.release_id}-{act}", cell=None)


def test_an_alarm_is_told_updated_and_cancelled_and_each_names_the_one_before(partner: Partner) -> None:
    with partner.cap() as cap:
        turn(cap)
        for k, released in enumerate(
            (told("a"), told("a", release_id="r-a2", priority="high"), told("a", release_id="r-a3", act="corrected"),
             over(told("a")), over(told("a"), "recalled"))
        ):  # fmt: skip
            partner.now_ns += (k + 1) * NS
            partner.tell(released)
            turn(cap)
        assert cap.link.state == "connected"
    found = partner.messages()
    assert partner.kinds() == ["Alert", "Update", "Update", "Cancel", "Cancel"]
    names = [f"east,{each.findtext(f'{S}identifier')},{each.findtext(f'{S}sent')}" for each in found]
    assert len({*names}) == 5
    assert [each.findtext(f"{S}references", "").split() for each in found] == [
        [], names[:1], names[:2], names[:3], names[:3],
    ]  # fmt: skip
    assert "Taken back" in found[-1].findtext(f"{S}note", "")


def test_only_alarms_incidents_and_emergencies_under_the_agreement_become_messages(partner: Partner) -> None:
    with partner.cap() as cap:
        turn(cap)
        partner.outbox.append([Item(b'{"author":"east"}', urgent=True, time_ns=partner.now_ns)], partner.now_ns)
        partner.tell(
            told("walker", item="track"), told("other", agreement_id="another"), told("i", item="incident"),
            told("shot", item="track", basis="life_at_risk", expires_ns=partner.now_ns + 60 * NS),
            told("late", basis="life_at_risk", expires_ns=partner.now_ns - NS), over(told("never")),
        )  # fmt: skip
        turn(cap)
    things = {
        parameter.findtext(f"{S}value")
        for each in partner.messages()
        for parameter in each.iter(f"{S}parameter")
        if parameter.findtext(f"{S}valueName") == "thing"
    }
    assert things == {"i", "shot"}
    assert partner.kinds() == ["Alert", "Alert"]


def test_what_was_over_before_the_first_run_is_not_told_and_what_stands_is(partner: Partner) -> None:
    partner.tell(told("gone"), told("stands"), over(told("gone")))
    with partner.cap() as cap:
        turn(cap)
        turn(cap)
    (only,) = partner.messages()
    assert "stands" in only.findtext(f"{S}identifier", "")


def test_after_a_pause_all_that_happened_meanwhile_is_told_in_order(partner: Partner) -> None:
    with partner.cap() as cap:
        turn(cap)
    partner.tell(*(each for k in range(150) for each in (told(f"a{k}"), over(told(f"a{k}")))))
    with partner.cap() as cap:
        turn(cap)
    assert sorted(partner.kinds()) == ["Alert"] * 150 + ["Cancel"] * 150


def test_what_stands_is_said_again_before_it_counts_no_more_and_not_for_a_station_that_is_gone(
    partner: Partner,
) -> None:
    with partner.cap() as cap:
        turn(cap)
        partner.tell(told("a"))
        turn(cap)
        partner.now_ns += AGAIN_NS
        turn(cap)
        assert partner.kinds() == ["Alert"]
        partner.outbox.beat(partner.now_ns)
        turn(cap)
        turn(cap)
        assert partner.kinds() == ["Alert", "Update"]
        expires = [each.findtext(f"{S}info/{S}expires", "") for each in partner.messages()]
        assert expires == sorted(expires)
        partner.now_ns = partner.agreement.until_ns + COUNTS_NS
        partner.outbox.beat(partner.now_ns)
        turn(cap)
        assert len(partner.kinds()) == 2


def test_a_stream_that_begins_anew_takes_what_stood_off_and_tells_anew_what_stands(partner: Partner) -> None:
    with partner.cap() as cap:
        partner.tell(told("a"), told("b"))
        turn(cap)
        partner.outbox.close()
        (partner.folder / OUTBOX).unlink()
        for left in partner.folder.glob(f"{OUTBOX}-*"):
            left.unlink()
        partner.outbox = Outbox(partner.folder / OUTBOX, partner.ours, partner.theirs, epoch=2)
        partner.now_ns += NS
        partner.tell(told("b"))
        turn(cap)
    assert sorted(partner.kinds()) == ["Alert", "Alert", "Alert", "Cancel", "Cancel"]


@pytest.mark.parametrize("when", ["before the note", "after the note", "between two names"])
def test_killed_at_any_moment_it_drops_each_message_once(
    partner: Partner, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with partner.cap() as cap:
        turn(cap)
        partner.tell(told("a"), told("b"), told("c"))

        class KilledError(Exception):
            pass

        def die(*_: object) -> None:
            raise KilledError

        replace = Path.replace
        done: list[Path] = []

        def replace_one(path: Path, target: Path) -> Path:
            if done:
                raise KilledError
            done.append(path)
            return replace(path, target)

        with monkeypatch.context() as patch:
            if when == "before the note":
                patch.setattr(Spool, "keep", die)
            elif when == "after the note":
                patch.setattr(Cap, "_settle", lambda *_: die() if partner.out.exists() and parts(partner) else None)
            else:
                patch.setattr(Path, "replace", replace_one)
            with pytest.raises(KilledError):
                cap.turn()
    collected = [each.read_bytes() for each in partner.out.glob("*.xml")]
    for each in partner.out.glob("*.xml"):
        each.unlink()
    assert parts(partner)
    with partner.cap() as cap:
        turn(cap)
    texts = [*collected, *(each.read_bytes() for each in partner.out.glob("*.xml"))]
    assert len(texts) == len({*texts}) == 3
    assert not parts(partner)


def parts(partner: Partner) -> list[Path]:
    return [*partner.out.glob(".*.part")]


def test_killed_for_real_again_and_again_it_loses_and_doubles_nothing(partner: Partner) -> None:
    with partner.cap() as cap:
        turn(cap)
    asked = msgspec.structs.asdict(partner.settings)
    options = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-c", "from marsad.app.cli import main; main()", "cap", *options]
    total = 0
    for k in range(4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        for j in range(20 * k, 20 * k + 20):
            partner.now_ns = time.time_ns()
            partner.tell(told(f"a{j}"))
        total += 20
        wait(lambda k=k: len([*partner.out.glob("*.xml")]) > 20 * k)
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    partner.tell(told("last"))
    total += 1
    wait(lambda: len([*partner.out.glob("*.xml")]) >= total)
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert b"connected" in said
    assert partner.kinds() == ["Alert"] * total
    assert len({each.findtext(f"{S}identifier") for each in partner.messages()}) == total


def test_a_folder_that_nobody_empties_holds_it_up_and_the_doctor_says_so(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 3)
    with partner.cap() as cap:
        turn(cap)
        partner.tell(*(told(f"a{k}") for k in range(3)))
        turn(cap)
        partner.tell(told("later"))
        turn(cap)
        assert cap.link.state == "held"
        found = next(
            each
            for each in diagnose(share=partner.folder, spool=partner.folder / SPOOL).findings
            if each.what == "link"
        )
        assert found.state == "failed"
        assert "collect" in found.detail
        for each in partner.out.glob("*.xml"):
            each.unlink()
        turn(cap)
        assert cap.link.state == "connected"
    assert partner.kinds() == ["Alert"]


def test_a_folder_that_cannot_be_written_to_is_told_of_and_nothing_is_lost(partner: Partner) -> None:
    with partner.cap() as cap:
        turn(cap)
        partner.tell(told("a"))
        partner.out.rmdir()
        partner.out.touch()
        with pytest.raises(MarsadError, match="cannot be written"):
            cap.turn()
        partner.out.unlink()
        turn(cap)
    assert partner.kinds() == ["Alert"]


def test_it_waits_for_a_station_and_says_what_it_waits_for(partner: Partner) -> None:
    settings = msgspec.structs.replace(partner.settings, outbox=partner.folder / "none")
    with Cap(settings) as cap, pytest.raises(UnavailableError, match="not there yet"):
        cap.turn()


def test_a_wrong_agreement_and_one_that_has_ended_are_told_of(partner: Partner) -> None:
    with partner.cap() as cap:
        partner.tell(told("a", agreement_id="another"))
        turn(cap)
        assert cap.link.state == "refused"
        assert "under another" in cap.link.reason
        partner.tell(told("b"))
        turn(cap)
        assert cap.link.state == "connected"
        partner.now_ns = partner.agreement.until_ns
        turn(cap)
        assert cap.link.state == "refused"
        assert "has ended" in cap.link.reason


def test_two_of_them_do_not_share_a_spool_and_an_unsigned_agreement_starts_nothing(partner: Partner) -> None:
    with partner.cap(), pytest.raises(UnavailableError, match="drops messages by this spool"):
        partner.cap()
    signed = msgspec.json.decode((partner.folder / AGREEMENT).read_bytes(), type=SignedAgreement)
    (partner.folder / AGREEMENT).write_bytes(msgspec.json.encode(msgspec.structs.replace(signed, signatures=())))
    with pytest.raises(RefusedError, match="signature"):
        partner.cap()


def test_its_state_lies_in_the_spool_where_the_station_reads_how_the_link_stands(partner: Partner) -> None:
    with partner.cap() as cap:
        turn(cap)
    with SpoolReader(partner.folder / SPOOL) as reader:
        change = reader.last_change()
    assert change is not None
    assert change.state == "connected"


def test_what_is_remembered_is_bounded_and_alarms_stay_longest(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 20)
    board = CapBoard(partner.agreement, {})
    for k in range(20):
        board.take(told(f"i{k}", item="incident"), partner.now_ns)
    for k in range(10):
        board.take(told(f"a{k}", age_s=k), partner.now_ns)
    assert len(board.things) == 20
    assert sum(name.startswith("a") for name in board.things) == 10

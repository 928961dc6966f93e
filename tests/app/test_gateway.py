"""The gateway as a command, and what holds it back."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from marsad.adapters.inbox import Inbox, Spool, SpoolReader
from marsad.adapters.link_keys import generate, pin, read_signing_key
from marsad.adapters.outbox import Item, Outbox
from marsad.app.courier import BEAT_NS, Courier
from marsad.app.gateway import Gateway, GatewaySettings, parse_address
from marsad.coordinate.link_state import LinkChange
from marsad.coordinate.seal import sign_receipt
from marsad.kernel.error import InputError, UnavailableError

COMMAND = "from marsad.app.cli import main; main()"


class Station(NamedTuple):
    """One side's station, and what its gateway is told."""

    outbox: Outbox
    inbox: Inbox
    courier: Courier
    settings: GatewaySettings


@pytest.fixture
def stations(tmp_path: Path) -> Iterator[tuple[Station, Station]]:
    """Two sides that know each other."""
    folders = [tmp_path / "a", tmp_path / "b"]
    cards = [generate(one / "interior", one / "gateway", one.name, time.time_ns()) for one in folders]
    made = []
    for folder, card in zip(folders, reversed(cards), strict=True):
        for keys in ("interior", "gateway"):
            pin(folder / keys, card, compared=True)
        key = read_signing_key(folder / "interior")
        outbox, inbox = Outbox(folder / "outbox.sqlite", key, card.key), Inbox(folder / "inbox.sqlite", key, card.key)
        settings = GatewaySettings(
            keys=folder / "gateway",
            outbox=folder / "outbox.sqlite",
            spool=folder / "gateway" / "spool.sqlite",
            listen=("127.0.0.1", 0),
            partner=("127.0.0.1", 1),
        )
        made.append(Station(outbox, inbox, Courier(outbox, inbox, settings.spool), settings))
    yield made[0], made[1]
    for one in made:
        one.courier.close()
        one.outbox.close()
        one.inbox.close()


def test_an_address_is_a_host_and_a_port() -> None:
    assert parse_address("192.0.2.7:8443") == ("192.0.2.7", 8443)
    assert parse_address("[2001:db8::1]:443") == ("2001:db8::1", 443)
    for text in ("", "host", "host:", ":80", "host:x", "host:70000"):
        with pytest.raises(InputError, match="write HOST:PORT"):
            parse_address(text)


def test_the_command_says_that_it_is_open_and_ends_when_told_to(stations: tuple[Station, Station]) -> None:
    settings = stations[0].settings
    words = ["--keys", str(settings.keys), "--outbox", str(settings.outbox), "--spool", str(settings.spool)]
    words += ["--partner", "127.0.0.1:1", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "gateway", *words], stdout=subprocess.PIPE, text=True
    ) as gateway:
        assert gateway.stdout is not None
        assert "gateway_open" in gateway.stdout.readline()
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(20) == 0


def test_a_gateway_whose_station_takes_nothing_stops_fetching_and_goes_on_when_it_does(
    stations: tuple[Station, Station],
) -> None:
    here, there = stations
    there.courier.send([Item(bytes(1000), urgent=False, time_ns=1)] * 2000, time.time_ns())
    with Gateway(there.settings) as theirs:
        settings = replace(here.settings, partner=("127.0.0.1", theirs.port), hold_bytes=100_000)
        with Gateway(settings) as ours:
            states = []
            for _ in range(2):
                ours.pull_once()
                states.append(ours.state)
            assert states == ["catching_up", "held"]
            while here.inbox.taken.standing.received < 2000:
                here.courier.tick(time.time_ns())
                if ours.state != "connected":
                    ours.pull_once()
            assert ours.state == "connected"


def test_a_gateway_waits_for_its_station_and_its_partner(stations: tuple[Station, Station], tmp_path: Path) -> None:
    here = stations[0]
    with Gateway(replace(here.settings, outbox=tmp_path / "none.sqlite")) as gateway:
        gateway.pull_once()
        assert gateway.state == "cut"
    with Gateway(here.settings) as gateway:
        gateway.pull_once()
        assert gateway.state == "cut"


def test_an_address_that_is_taken_is_told_of(stations: tuple[Station, Station]) -> None:
    with Gateway(stations[0].settings) as first:
        settings = replace(stations[1].settings, listen=("127.0.0.1", first.port))
        with pytest.raises(UnavailableError, match="cannot listen on"):
            Gateway(settings)


def test_a_gateway_without_a_pinned_partner_refuses_and_says_what_to_do(stations: tuple[Station, Station]) -> None:
    here = stations[0]
    (here.settings.keys / "partner.json").unlink()
    with Gateway(here.settings) as gateway:
        gateway.pull_once()
        assert gateway.state == "refused"
    with SpoolReader(here.settings.spool) as spool:
        assert "marsad keys pin" in spool.changes()[-1][1].reason


def test_a_false_receipt_is_noted_once_and_holds_nothing_up(stations: tuple[Station, Station]) -> None:
    here = stations[0]
    checkpoint = here.courier.send([Item(b"one", urgent=False, time_ns=1)], 1)
    stranger = read_signing_key(stations[0].settings.keys.parent / "interior")
    with Spool(here.settings.spool) as spool:
        spool.note_receipt(sign_receipt(stranger, checkpoint, 1))
        for second in range(3):
            spool.note_change(LinkChange(time_ns=second, state="cut", happening="unreachable", reason=str(second)))
            here.courier.tick(1)
    assert [reason.split(":")[0] for _, reason in here.inbox.refusals()] == ["forged"]
    assert here.outbox.received() == 0
    assert here.courier.view(1).reason == "2"


def test_a_station_with_nothing_to_say_says_so_now_and_then(stations: tuple[Station, Station]) -> None:
    here = stations[0]
    now_ns = time.time_ns()
    here.courier.tick(now_ns)
    here.courier.tick(now_ns + BEAT_NS - 1)
    assert here.outbox.beat(now_ns + BEAT_NS - 1).sequence == 0
    here.courier.tick(now_ns + BEAT_NS)
    view = here.courier.view(now_ns + BEAT_NS)
    assert (view.state, view.age_s, view.behind, view.sent) == ("cut", None, 0, 0)

"""Two organisations on two loopback addresses, each with a station and a gateway, over real TLS."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from marsad.adapters.inbox import Inbox
from marsad.adapters.link_keys import generate, pin, read_card, read_signing_key
from marsad.adapters.outbox import Item, Outbox
from marsad.app.courier import Courier
from marsad.app.gateway import Gateway, GatewaySettings
from marsad.coordinate.link_state import LinkChange
from marsad.kernel.error import LinkRefusedError
from marsad.kernel.parcel import Parcel

PATIENCE_S = 20.0

# What the tests of this room are made of lies beside them.
sys.path.insert(0, str(Path(__file__).parent))


class Side:
    """One organisation; its gateway runs in a thread of this process."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        self.host = host
        self.interior = folder / "interior"
        self.keys = folder / "gateway"
        self.spool = folder / "gateway" / "spool.sqlite"
        self.outbox_path = folder / "outbox.sqlite"
        self.inbox_path = folder / "interior" / "inbox.sqlite"
        self.skew_ns = 0
        self.port = 0
        self.gateway: Gateway | None = None
        self._thread: Thread | None = None
        self.card = generate(self.interior, self.keys, folder.name, time.time_ns())

    def now_ns(self) -> int:
        return time.time_ns() + self.skew_ns

    def know(self, other: "Side") -> None:
        for folder in (self.interior, self.keys):
            pin(folder, read_card(other.keys / "card.json"), compared=True)

    def open_station(self) -> None:
        key = read_signing_key(self.interior)
        partner = read_card(self.interior / "partner.json").key
        self.outbox = Outbox(self.outbox_path, key, partner)
        self.inbox = Inbox(self.inbox_path, key, partner)
        self.courier = Courier(self.outbox, self.inbox, self.spool)

    def close_station(self) -> None:
        self.courier.close()
        self.outbox.close()
        self.inbox.close()

    def release(self, count: int, *, urgent_every: int = 0, size: int = 100) -> None:
        first = self.outbox.received()
        items = [
            Item(
                payload=f"{self.folder.name} {first + number}".encode().ljust(size),
                urgent=bool(urgent_every) and number % urgent_every == 0,
                time_ns=self.now_ns(),
            )
            for number in range(count)
        ]
        self.courier.send(items, self.now_ns())

    def settings(self, partner: tuple[str, int]) -> GatewaySettings:
        return GatewaySettings(
            keys=self.keys,
            outbox=self.outbox_path,
            spool=self.spool,
            listen=(self.host, self.port),
            partner=partner,
            source=(self.host, 0),
        )

    def open_gateway(self, partner: tuple[str, int]) -> Gateway:
        self.gateway = Gateway(self.settings(partner), self.now_ns)
        self.port = self.gateway.port
        return self.gateway

    def run_gateway(self) -> None:
        assert self.gateway is not None
        self._thread = Thread(target=self.gateway.run, daemon=True)
        self._thread.start()

    def stop_gateway(self) -> None:
        if self.gateway is not None:
            self.gateway.stop()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()
        if self.gateway is not None:
            self.gateway.close()
        self.gateway = self._thread = None

    def tick(self) -> str:
        """The reason of a refusal, if there was one."""
        try:
            self.courier.tick(self.now_ns())
        except LinkRefusedError as error:
            return error.reason
        return ""

    def got(self) -> list[Parcel]:
        return [parcel for _, parcel in self.courier.read(0, 10**6)]

    def changes(self) -> list[LinkChange]:
        from marsad.adapters.inbox import SpoolReader  # noqa: PLC0415 - only those who ask need it

        with SpoolReader(self.spool) as spool:
            return [change for _, change in spool.changes()]


class Pair:
    """The two sides; `a` and `b` pull from each other's gateway."""

    def __init__(self, folder: Path) -> None:
        self.a = Side(folder / "a", "127.0.0.1")
        self.b = Side(folder / "b", "127.0.0.2")
        self.a.know(self.b)
        self.b.know(self.a)
        for side in (self.a, self.b):
            side.open_station()

    def open_doors(self) -> None:
        """Both gateways listen; neither pulls yet."""
        self.a.open_gateway(("127.0.0.2", 0))
        self.b.open_gateway((self.a.host, self.a.port))
        self.a.stop_gateway()
        self.a.open_gateway((self.b.host, self.b.port))

    def run(self) -> None:
        for side in (self.a, self.b):
            side.run_gateway()

    def until(self, done: Callable[[], bool]) -> None:
        """Let both stations work until something is so."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline_s, (self.a.courier.view(0), self.b.courier.view(0))
            self.a.tick()
            self.b.tick()
            time.sleep(0.01)

    def close(self) -> None:
        for side in (self.a, self.b):
            side.stop_gateway()
            side.close_station()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two sides that know each other, gateways listening, not pulling."""
    sides = Pair(tmp_path)
    sides.open_doors()
    yield sides
    sides.close()

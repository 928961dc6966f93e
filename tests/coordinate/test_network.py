"""Two gateways in two network namespaces, with a line between them that is slow, loses packets and is cut."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marsad.adapters.inbox import Inbox
from marsad.adapters.link_keys import generate, pin, read_card, read_signing_key
from marsad.adapters.outbox import Item, Outbox
from marsad.app.audit import audit
from marsad.app.courier import Courier

PATIENCE_S = 60.0
COMMAND = "from marsad.app.cli import main; main()"
TAG = os.getpid()


def system(*words: str) -> bool:
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


class Line:
    """Two namespaces and the cable between them."""

    def __init__(self) -> None:
        self.names = (f"marsad-a{TAG}", f"marsad-b{TAG}")
        self.ends = (f"ma{TAG}", f"mb{TAG}")
        self.ready = all(system("ip", "netns", "add", name) for name in self.names) and self._join()

    def _join(self) -> bool:
        joined = system("ip", "link", "add", self.ends[0], "type", "veth", "peer", "name", self.ends[1])
        for place, (name, end) in enumerate(zip(self.names, self.ends, strict=True), start=1):
            joined = joined and system("ip", "link", "set", end, "netns", name)
            joined = joined and system("ip", "-n", name, "address", "add", f"10.77.0.{place}/24", "dev", end)
            joined = joined and system("ip", "-n", name, "link", "set", end, "up")
        return joined

    def worsen(self, *words: str) -> bool:
        pairs = zip(self.names, self.ends, strict=True)
        return all(system("tc", "-n", name, "qdisc", "add", "dev", end, "root", "netem", *words) for name, end in pairs)

    def cut(self) -> None:
        assert system("ip", "-n", self.names[0], "link", "set", self.ends[0], "down")

    def mend(self) -> None:
        assert system("ip", "-n", self.names[0], "link", "set", self.ends[0], "up")

    def remove(self) -> None:
        for name in self.names:
            system("ip", "netns", "del", name)


@pytest.fixture
def line() -> Iterator[Line]:
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("tc")):
        pytest.skip("network namespaces need root, ip and tc")
    found = Line()
    try:
        if not found.ready:
            pytest.skip("this machine makes no network namespaces")
        yield found
    finally:
        found.remove()


class Side:
    """A station in this process, its gateway as a process in a namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "gateway"
        self.card = generate(folder / "interior", self.keys, folder.name, time.time_ns())

    def meet(self, other: "Side") -> None:
        for folder in (self.folder / "interior", self.keys):
            pin(folder, read_card(other.keys / "card.json"), compared=True)
        key = read_signing_key(self.folder / "interior")
        self.outbox = Outbox(self.folder / "outbox.sqlite", key, other.card.key)
        self.inbox = Inbox(self.folder / "inbox.sqlite", key, other.card.key)
        self.courier = Courier(self.outbox, self.inbox, self.keys / "spool.sqlite")

    def start(self, namespace: str, own: str, other: str) -> "subprocess.Popen[bytes]":
        options = {
            "keys": self.keys,
            "outbox": self.folder / "outbox.sqlite",
            "spool": self.keys / "spool.sqlite",
            "partner": f"{other}:8443",
            "listen": f"{own}:8443",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-c", COMMAND, "gateway", *words],
            stdout=subprocess.DEVNULL,
        )

    def close(self) -> None:
        self.courier.close()
        self.outbox.close()
        self.inbox.close()


def until(sides: tuple[Side, Side], done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline_s, [side.courier.view(time.time_ns()) for side in sides]
        for side in sides:
            side.courier.tick(time.time_ns())
        time.sleep(0.02)


def release(side: Side, count: int) -> None:
    items = [Item(bytes(300), number % 10 == 0, time.time_ns()) for number in range(count)]
    side.courier.send(items, time.time_ns())


def test_a_slow_and_lossy_line_that_is_cut_loses_and_doubles_nothing(line: Line, tmp_path: Path) -> None:
    # Not every kernel has netem; the cut is tried on all.
    line.worsen("delay", "100ms", "20ms", "loss", "3%")
    a, b = Side(tmp_path / "a"), Side(tmp_path / "b")
    a.meet(b)
    b.meet(a)
    with contextlib.ExitStack() as stack:
        for side, name, own, other in (
            (a, line.names[0], "10.77.0.1", "10.77.0.2"),
            (b, line.names[1], "10.77.0.2", "10.77.0.1"),
        ):
            stack.callback(side.close)
            gateway = stack.enter_context(side.start(name, own, other))
            stack.callback(gateway.terminate)
        release(a, 300)
        release(b, 100)
        until((a, b), lambda: b.inbox.taken.standing.received == 300 and a.inbox.taken.standing.received == 100)
        line.cut()
        release(a, 900)
        until((a, b), lambda: b.courier.view(time.time_ns()).state == "cut")
        assert b.inbox.taken.standing.received == 300
        line.mend()
        until((a, b), lambda: b.inbox.taken.standing.received == 1200)
        first = b.courier.read(300, 1)[0][1]
        assert (first.urgent, first.sequence) == (True, 1191)
        until((a, b), lambda: a.outbox.received() == 1200)
    report = audit(a.folder / "outbox.sqlite", b.folder / "inbox.sqlite", a.card.key, b.card.key)
    assert report.findings == ()
    assert report.sent == report.received == 1200

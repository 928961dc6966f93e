"""Two organisations as four processes on two loopback addresses: what `link_backlog.py` starts, stops and kills.

    python benchmarks/link_sides.py FOLDER --per-s N [--urgent-every N]

runs one station: it releases so many things a second, each saying which one it is and when it was released, and proves
what its gateway brings. Of every urgent parcel that arrives it writes a line `SEQUENCE SECONDS` to FOLDER/seen.txt.
"""

import argparse
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from marsad.adapters.inbox import Inbox
from marsad.adapters.link_keys import generate, pin, read_card, read_signing_key
from marsad.adapters.outbox import Item, Outbox
from marsad.app.audit import AuditReport, audit
from marsad.app.courier import Courier
from marsad.kernel.error import MarsadError

SIZE_BYTES = 300
COMMAND = "from marsad.app.cli import main; main()"


def content(number: int, now_ns: int) -> bytes:
    """What the parcel of that sequence says."""
    return f"{number} {now_ns} ".encode().ljust(SIZE_BYTES, b"x")


class Side:
    """One organisation's folder, and its two processes, each in a session of its own as services are."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        self.address = (host, _free_port(host))
        self.interior = folder / "interior"
        self.gateway_folder = folder / "gateway"
        self.outbox = folder / "outbox.sqlite"
        self.inbox = self.interior / "inbox.sqlite"
        self.card = generate(self.interior, self.gateway_folder, folder.name, time.time_ns())
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def know(self, other: "Side") -> None:
        """Pin the other side's card."""
        for folder in (self.interior, self.gateway_folder):
            pin(folder, read_card(other.gateway_folder / "card.json"), compared=True)

    def start_station(self, per_s: float, urgent_every: int = 0) -> None:
        """Run the station as a process."""
        words = [str(self.folder), "--per-s", str(per_s), "--urgent-every", str(urgent_every)]
        command = [sys.executable, __file__, *words]
        self.processes["station"] = subprocess.Popen(command, start_new_session=True)

    def start_gateway(self, other: "Side") -> None:
        """Run the gateway as a process."""
        options = {
            "keys": self.gateway_folder,
            "outbox": self.outbox,
            "spool": self.gateway_folder / "spool.sqlite",
            "partner": "{}:{}".format(*other.address),
            "listen": "{}:{}".format(*self.address),
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (self.folder / "gateway.log").open("ab") as log:
            self.processes["gateway"] = subprocess.Popen(
                [sys.executable, "-c", COMMAND, "gateway", *words], stdout=log, stderr=log, start_new_session=True
            )

    def gateway_is_open(self) -> bool:
        """Whether the gateway has said so."""
        return "gateway_open" in (self.folder / "gateway.log").read_text(encoding="utf-8")

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End one process and wait for it."""
        process = self.processes.pop(name, None)
        if process is not None:
            process.send_signal(how)
            process.wait()

    def signal_all(self, how: signal.Signals) -> None:
        """Hold the processes, or let them go on."""
        for process in self.processes.values():
            process.send_signal(how)

    def cpu_s(self) -> float:
        """How much processor time both processes have used."""
        ticks = 0
        for process in self.processes.values():
            fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def received(self) -> int:
        """How many parcels the station has proven."""
        with contextlib.suppress(sqlite3.Error), sqlite3.connect(f"file:{self.inbox}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT coalesce(max(arrival), 0) FROM parcel").fetchone()[0])
        return 0

    def first_urgent_arrival(self) -> int:
        """The arrival number of the first urgent parcel, 0 where there is none."""
        with contextlib.suppress(sqlite3.Error), sqlite3.connect(f"file:{self.inbox}?mode=ro", uri=True) as connection:
            query = "SELECT coalesce(min(arrival), 0) FROM parcel WHERE urgent > 0"
            return int(connection.execute(query).fetchone()[0])
        return 0

    def wrong_contents(self) -> int:
        """How many parcels do not say which one they are."""
        with sqlite3.connect(f"file:{self.inbox}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT sequence, payload FROM parcel")
            return sum(int(payload.split()[0]) != sequence for sequence, payload in rows)

    def open_outbox(self) -> Outbox:
        """The outbox, for a script that writes in the station's place."""
        key = read_signing_key(self.interior)
        return Outbox(self.outbox, key, read_card(self.interior / "partner.json").key)


def prove(sender: Side, receiver: Side) -> AuditReport:
    """What the two files of one direction prove."""
    return audit(sender.outbox, receiver.inbox, sender.card.key, receiver.card.key)


def fill(outbox: Outbox, count: int, *, per_append: int, urgent_every: int) -> None:
    """Release so many things at once."""
    first = outbox.beat(time.time_ns()).sequence
    for start in range(first, first + count, per_append):
        now_ns = time.time_ns()
        numbers = range(start + 1, min(start + per_append, first + count) + 1)
        outbox.append([Item(content(one, now_ns), one % urgent_every == 0, now_ns) for one in numbers], now_ns)


def run_station(folder: Path, per_s: float, urgent_every: int) -> None:
    """Release and receive until killed."""
    key = read_signing_key(folder / "interior")
    partner = read_card(folder / "interior" / "partner.json").key
    outbox = Outbox(folder / "outbox.sqlite", key, partner)
    inbox = Inbox(folder / "interior" / "inbox.sqlite", key, partner)
    courier = Courier(outbox, inbox, folder / "gateway" / "spool.sqlite")
    seen = inbox.taken.standing.received
    released = outbox.beat(time.time_ns()).sequence
    start_s, start = time.monotonic(), released
    with (folder / "seen.txt").open("a", buffering=1, encoding="ascii") as report:
        while True:
            due = start + int((time.monotonic() - start_s) * per_s)
            if due > released:
                now_ns = time.time_ns()
                numbers = range(released + 1, due + 1)
                items = [
                    Item(content(one, now_ns), bool(urgent_every) and one % urgent_every == 0, now_ns)
                    for one in numbers
                ]
                released = courier.send(items, now_ns).sequence
            with contextlib.suppress(MarsadError):
                courier.tick(time.time_ns())
            while inbox.taken.standing.received > seen:
                for arrival, parcel in courier.read(seen):
                    seen = arrival
                    if parcel.urgent:
                        sent_ns = int(parcel.payload.split()[1])
                        report.write(f"{parcel.sequence} {(time.time_ns() - sent_ns) / 1e9:.6f}\n")
            time.sleep(0.01)


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as door:
        return int(door.getsockname()[1])


def main() -> None:
    """Run one station."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-s", type=float, required=True)
    parser.add_argument("--urgent-every", type=int, default=0)
    options = parser.parse_args()
    run_station(options.folder, options.per_s, options.urgent_every)


if __name__ == "__main__":
    main()

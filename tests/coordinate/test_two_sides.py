"""Two sides over real TLS on two loopback addresses: what arrives, what is refused, and what is told of it."""

import contextlib
import os
import shutil
import socket
import sqlite3
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir
from threading import Thread

import cryptography
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509 import load_pem_x509_certificate
from msgspec.structs import replace

from marsad.adapters.inbox import Inbox, SpoolReader
from marsad.adapters.link_keys import (
    certify,
    fingerprint_of,
    generate,
    pin,
    read_card,
    read_signing_key,
    revoke,
    rotate,
    switch,
)
from marsad.adapters.outbox import Item, Outbox, OutboxReader
from marsad.adapters.tls_peer import PeerKeys, PeerServer
from marsad.app import gateway as gateway_module
from marsad.app.audit import audit
from marsad.app.courier import Courier
from marsad.app.gateway import Gateway, GatewaySettings
from marsad.coordinate.card import Card, fingerprint, issue_card
from marsad.coordinate.link import answer
from marsad.coordinate.link_state import LinkChange
from marsad.coordinate.seal import heads_of, sign_checkpoint
from marsad.coordinate.wire import Batch, decode_pull, encode_batch
from marsad.kernel.error import InputError, LinkRefusedError, RefusedError
from marsad.kernel.parcel import Parcel

PATIENCE_S = 20.0


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
        first = self.courier.view(0).sent
        items = [
            Item(
                payload=f"{self.folder.name} {first + number + 1}".encode().ljust(size),
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

    def told(self, reason: str) -> bool:
        """Whether the gateway has written down a refusal for that reason, and the station shows one."""
        return any(one.happening in {"refused", "withdrawn"} and reason in one.reason for one in self.changes())

    def changes(self) -> list[LinkChange]:
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


def rewrite(path: Path, *statements: str) -> None:
    """Change a file as somebody with an editor would."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_what_one_side_releases_the_other_gets_once_in_both_directions(pair: Pair) -> None:
    pair.run()
    pair.a.release(700, urgent_every=7)
    pair.b.release(300, urgent_every=50)
    pair.until(lambda: pair.a.outbox.received() == 700 and pair.b.outbox.received() == 300)
    for sender, receiver, count in ((pair.a, pair.b, 700), (pair.b, pair.a, 300)):
        got = sorted(receiver.got(), key=lambda parcel: parcel.sequence)
        assert [parcel.payload.split()[1] for parcel in got] == [str(number + 1).encode() for number in range(count)]
        report = audit(sender.outbox_path, receiver.inbox_path, sender.card.key, receiver.card.key)
        assert report.findings == ()
        assert report.sent == report.received == report.confirmed == count


def test_the_newest_alarm_of_a_long_backlog_comes_first(pair: Pair) -> None:
    pair.a.release(3000)
    pair.a.release(3000, urgent_every=300)
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == 6000)
    arrived = pair.b.got()
    urgent = [number for number in range(6000, 0, -1) if number > 3000 and (number - 3001) % 300 == 0]
    assert [parcel.sequence for parcel in arrived[: len(urgent)]] == urgent


def test_an_alarm_overtakes_the_backlog_that_is_being_fetched(pair: Pair) -> None:
    pair.a.release(9000)
    assert pair.b.gateway is not None
    pair.b.tick()
    pair.b.gateway.pull_once()
    pair.b.tick()
    assert 0 < len(pair.b.got()) < 9000
    before = len(pair.b.got())
    pair.a.release(1, urgent_every=1)
    pair.b.gateway.pull_once()
    pair.b.tick()
    assert pair.b.got()[before].sequence == 9001


def test_the_age_of_what_is_known_of_the_partner_goes_on_when_it_falls_silent(pair: Pair) -> None:
    pair.run()
    pair.until(lambda: pair.b.courier.view(pair.b.now_ns()).age_s is not None)
    view = pair.b.courier.view(pair.b.now_ns())
    assert view.age_s is not None
    assert view.age_s < 10
    pair.a.stop_gateway()
    pair.until(lambda: pair.b.courier.view(0).state == "cut")
    later = pair.b.courier.view(pair.b.now_ns() + 3600 * 10**9)
    assert later.age_s is not None
    assert later.age_s > 3600


def test_a_tampered_row_is_refused_and_told_and_the_audit_says_where(pair: Pair) -> None:
    pair.a.release(10)
    rewrite(pair.a.outbox_path, "UPDATE parcel SET payload = x'00' WHERE sequence = 7")
    pair.b.run_gateway()
    pair.until(lambda: pair.b.courier.view(0).state == "refused")
    assert pair.b.told("altered")
    assert "altered" in pair.b.courier.view(0).reason
    assert pair.b.got() == []
    report = audit(pair.a.outbox_path, None, pair.a.card.key, pair.b.card.key)
    assert [finding.sequence for finding in report.findings] == [7]


def backed_up(pair: Pair, count: int) -> None:
    """Give A back what it had when it had released so many, after B has seen ten more."""
    pair.a.release(count)
    pair.a.close_station()
    kept = pair.a.folder / "backup.sqlite"
    shutil.copy(pair.a.outbox_path, kept)
    pair.a.open_station()
    pair.a.tick()
    pair.a.release(10)
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == count + 10)
    pair.b.stop_gateway()
    pair.a.stop_gateway()
    pair.a.close_station()
    assert not pair.a.outbox_path.with_name("outbox.sqlite-wal").exists()
    shutil.move(kept, pair.a.outbox_path)
    pair.a.open_station()
    pair.a.tick()
    pair.a.open_gateway((pair.b.host, pair.b.port))
    pair.b.open_gateway((pair.a.host, pair.a.port))


def test_a_truncated_log_is_refused_and_told(pair: Pair) -> None:
    backed_up(pair, 20)
    pair.b.run_gateway()
    pair.until(lambda: pair.b.told("truncated: the partner's stream ends at 20; it had signed 30"))
    assert len(pair.b.got()) == 30
    report = audit(pair.a.outbox_path, pair.b.inbox_path, pair.a.card.key, pair.b.card.key)
    assert (21, "truncated: the receiver holds it") in [(one.sequence, one.what) for one in report.findings]


def test_a_forked_history_is_refused_and_told(pair: Pair) -> None:
    backed_up(pair, 20)
    pair.a.release(10, size=50)
    pair.b.run_gateway()
    pair.until(lambda: pair.b.told("forked"))
    assert len(pair.b.got()) == 30
    report = audit(pair.a.outbox_path, pair.b.inbox_path, pair.a.card.key, pair.b.card.key)
    assert any(one.sequence == 30 and "forked" in one.what for one in report.findings)
    assert any(one.sequence == 21 and "is not the parcel" in one.what for one in report.findings)


class Liar:
    """A gateway in A's place, with A's TLS key, which answers what it likes."""

    def __init__(self, pair: Pair, lie: Callable[[Batch], Batch]) -> None:
        self._outbox = OutboxReader(pair.a.outbox_path)
        self._lie = lie
        pair.a.stop_gateway()
        keys = PeerKeys(pair.a.keys, pair.a.now_ns)
        self.door = PeerServer((pair.a.host, pair.a.port), keys, self.answer, lambda _: None)

    def answer(self, body: bytes) -> bytes:
        batch = answer(decode_pull(body), self._outbox, time.time_ns())
        return b"" if batch is None else encode_batch(self._lie(batch))

    def close(self) -> None:
        self.door.close()
        self._outbox.close()


def forge(batch: Batch) -> Batch:
    key = Ed25519PrivateKey.generate()
    return replace(batch, newest=sign_checkpoint(key, batch.stream, heads_of(batch.newest), batch.newest.time_ns))


def swap(batch: Batch) -> Batch:
    first, second, *others = batch.plain
    return replace(batch, plain=[second, first, *others])


LIES: dict[str, tuple[str, Callable[[Batch], Batch]]] = {
    "answers another pull": ("replayed", lambda batch: replace(batch, nonce=bytes(16))),
    "reordered": ("altered", swap),
    "one dropped": ("truncated", lambda batch: replace(batch, plain=batch.plain[1:])),
    "forged": ("forged", forge),
    "of another stream": ("partner", lambda batch: replace(batch, stream=bytes(16))),
    "of another hour": ("clock", lambda batch: replace(batch, now_ns=batch.now_ns - 301 * 10**9)),
    "an urgent one altered": (
        "altered",
        lambda batch: replace(
            batch,
            urgent=[replace(one, parcel=replace(one.parcel, payload=b"nobody there")) for one in batch.urgent],
        ),
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_stolen_gateway_key_forges_nothing(pair: Pair, name: str) -> None:
    reason, lie = LIES[name]
    pair.a.release(10, urgent_every=5)
    liar = Liar(pair, lie)
    try:
        pair.b.run_gateway()
        pair.until(lambda: pair.b.told(reason))
        pair.until(lambda: pair.b.courier.view(0).state == "refused")
    finally:
        liar.close()
    assert pair.b.got() == []


def test_what_a_gateway_spoils_the_station_refuses_and_fetches_again(pair: Pair) -> None:
    pair.a.release(300, urgent_every=9)
    assert pair.b.gateway is not None
    pair.b.gateway.pull_once()
    rewrite(pair.b.spool, "UPDATE batch SET body = CAST(substr(body, 1, length(body) - 2) || x'0000' AS BLOB)")
    assert pair.b.tick() == "altered"
    assert pair.b.got() == []
    assert ["altered" in reason for _, reason in pair.b.inbox.refusals()] == [True]
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == 300)


def test_a_batch_that_the_gateway_brings_twice_is_refused(pair: Pair) -> None:
    pair.a.release(300)
    assert pair.b.gateway is not None
    pair.b.gateway.pull_once()
    pair.b.tick()
    rewrite(pair.b.spool, "INSERT INTO batch SELECT number + 1, received_ns, body FROM batch")
    assert pair.b.tick() == "replayed"
    assert len(pair.b.got()) == 300


def test_a_lost_spool_costs_nothing(pair: Pair) -> None:
    pair.a.release(300)
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == 300)
    pair.b.stop_gateway()
    for path in pair.b.keys.glob("spool.sqlite*"):
        path.unlink()
    pair.a.release(200)
    pair.b.open_gateway((pair.a.host, pair.a.port))
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == 500)


def test_an_expired_certificate_is_refused_on_both_sides(pair: Pair) -> None:
    certify(pair.b.keys / "gateway.pem", pair.b.keys / "gateway.crt", "b", pair.b.now_ns(), 4 / 1440)
    expired = replace_card(pair.b)
    for folder in (pair.a.interior, pair.a.keys):
        pin(folder, expired, compared=True)
    pair.b.run_gateway()
    pair.until(lambda: pair.a.told("expired"))
    pair.until(lambda: pair.b.told("expired"))


def replace_card(side: Side) -> Card:
    """The side's card with the certificate that its gateway has now."""
    pem = (side.keys / "gateway.crt").read_text(encoding="ascii")
    found = fingerprint_of(load_pem_x509_certificate(pem.encode()))
    return issue_card(read_signing_key(side.interior), side.folder.name, (found,), (pem,), side.now_ns())


def test_a_revoked_certificate_is_refused_on_the_open_connection_too(pair: Pair) -> None:
    pair.run()
    pair.until(lambda: pair.b.courier.view(0).state == "connected")
    revoke(pair.a.keys, pair.b.card.certificates[0], "the gateway was stolen", pair.a.now_ns())
    pair.a.release(5)
    pair.until(lambda: pair.a.told("revoked") and pair.b.told("turned_away"))
    pair.until(lambda: pair.a.courier.view(0).state == "revoked")
    assert pair.b.got() == []


def test_a_revoked_signing_key_ends_the_link_until_another_is_pinned(pair: Pair) -> None:
    pair.run()
    pair.until(lambda: pair.b.courier.view(0).state == "connected")
    revoke(pair.b.keys, fingerprint(pair.a.card.key), "taken", pair.b.now_ns())
    pair.a.release(5)
    pair.until(lambda: pair.b.courier.view(0).state == "revoked")
    assert pair.b.got() == []


def test_a_stranger_is_refused_by_both(pair: Pair, tmp_path: Path) -> None:
    stranger = Side(tmp_path / "c", "127.0.0.3")
    stranger.know(pair.a)
    stranger.open_station()
    gateway = stranger.open_gateway((pair.a.host, pair.a.port))
    try:
        # Who is shown out may find the door shut before the word about it arrives: it asks again, as it does in use.
        for _ in range(100):
            gateway.pull_once()
            if stranger.told("partner"):
                break
        pair.until(lambda: pair.a.told("partner"))
        stranger.tick()
        assert stranger.told("partner")
        assert stranger.courier.view(0).state == "refused"
    finally:
        stranger.stop_gateway()
        stranger.close_station()


def test_an_impostor_at_the_partners_address_is_refused(pair: Pair, tmp_path: Path) -> None:
    impostor = Side(tmp_path / "c", pair.a.host)
    impostor.know(pair.b)
    impostor.open_station()
    pair.a.stop_gateway()
    impostor.port = pair.a.port
    impostor.open_gateway((pair.b.host, pair.b.port))
    try:
        pair.b.run_gateway()
        pair.until(lambda: pair.b.told("partner"))
    finally:
        impostor.stop_gateway()
        impostor.close_station()


@pytest.mark.parametrize("off_s", [-301, 301])
def test_a_clock_five_minutes_off_is_refused_by_both_and_told(pair: Pair, off_s: int) -> None:
    pair.b.skew_ns = off_s * 10**9
    pair.a.release(5)
    pair.b.run_gateway()
    pair.until(lambda: pair.a.told("clock") and pair.b.told("clock"))
    assert pair.b.got() == []
    pair.b.skew_ns = 0
    pair.until(lambda: pair.b.courier.view(0).state == "connected")
    assert len(pair.b.got()) == 5


def test_who_speaks_no_tls_or_shows_no_certificate_is_told_of(pair: Pair) -> None:
    with socket.create_connection((pair.a.host, pair.a.port)) as plain:
        plain.sendall(b"POST /1/pull HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        with contextlib.suppress(OSError):
            plain.recv(100)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((pair.a.host, pair.a.port)) as plain,
        contextlib.suppress(OSError),
        context.wrap_socket(plain) as secure,
    ):
        secure.sendall(b"POST /1/pull HTTP/1.1\r\n\r\n")
        assert secure.recv(100) == b""
    pair.until(lambda: pair.a.told("no TLS 1.3") and pair.a.told("somebody without a certificate"))


def test_older_tls_is_not_spoken(pair: Pair) -> None:
    context = PeerKeys(pair.b.keys, pair.b.now_ns).context(server=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((pair.a.host, pair.a.port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_a_request_that_is_too_long_is_cut_off(pair: Pair) -> None:
    context = PeerKeys(pair.b.keys, pair.b.now_ns).context(server=False)
    with socket.create_connection((pair.a.host, pair.a.port)) as plain, context.wrap_socket(plain) as secure:
        secure.sendall(b"POST /1/pull HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + bytes(9000))
        assert b" 413 " in secure.recv(4096)
    pair.until(lambda: pair.a.told("a request of more than 4096 bytes"))


def test_a_certificate_is_renewed_without_a_cut_in_trust(pair: Pair) -> None:
    shown = rotate(pair.b.interior, pair.b.keys, pair.b.now_ns())
    for folder in (pair.a.interior, pair.a.keys):
        pin(folder, shown, compared=False)
    pair.a.release(5)
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == 5)
    pair.b.stop_gateway()
    after = switch(pair.b.interior, pair.b.keys, pair.b.now_ns())
    pair.a.release(5)
    pair.b.open_gateway((pair.a.host, pair.a.port))
    pair.b.run_gateway()
    pair.until(lambda: len(pair.b.got()) == 10)
    pin(pair.a.keys, after, compared=False)
    with pytest.raises(RefusedError, match="older"):
        pin(pair.a.keys, pair.b.card, compared=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a process as somebody else")
def test_a_gateway_of_another_user_works_and_cannot_open_the_stations_folder(tmp_path: Path) -> None:
    nobody = 65534
    needed = (os.__file__, gateway_module.__file__, cryptography.__file__)
    if not all(path.stat().st_mode & 0o001 for file in needed for path in Path(file).resolve().parents):
        pytest.skip("nobody else can read this Python, or Marsad: it lies in a folder of root's own")
    pair = Pair(tmp_path)
    pair.a.release(5)
    pair.open_doors()
    pair.b.stop_gateway()
    for path in (*tmp_path.parents, tmp_path, pair.b.folder):
        if gettempdir() in map(str, path.parents):
            path.chmod(path.stat().st_mode | 0o055)
    for path in (pair.b.keys, *pair.b.keys.iterdir()):
        os.chown(path, nobody, nobody)
    child = os.fork()
    if child == 0:
        status = 2
        with contextlib.suppress(BaseException):
            status = as_nobody(pair, nobody)
        os._exit(status)
    try:
        assert os.waitpid(child, 0)[1] == 0
        pair.b.tick()
        assert len(pair.b.got()) == 5
    finally:
        pair.close()


def as_nobody(pair: Pair, user: int) -> int:
    """What the process of the gateway does; 0 when it could fetch and could not look into the interior."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    gateway = Gateway(pair.b.settings((pair.a.host, pair.a.port)))
    gateway.pull_once()
    fetched = gateway.state in {"connected", "catching_up"}
    with pytest.raises(InputError, match="Permission denied"):
        read_signing_key(pair.b.interior)
    outbox = sqlite3.connect(pair.b.outbox_path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        outbox.execute("DROP TABLE parcel")
    return 0 if fetched else 1

"""What was released reaches the maps of a partner without Marsad: real TLS, a real TAK server (taky) on loopback."""

import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree as ET

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from test_sharing import ORIGIN, Desk, agree, until

from marsad.adapters.cot import cot_ping
from marsad.adapters.outbox import Item, Outbox
from marsad.adapters.tak_server import TakKeys
from marsad.app.doctor import diagnose
from marsad.app.sharing import AGREEMENT, GATEWAY, OUTBOX, SPOOL
from marsad.app.tak import BATCH, MOST, Tak, TakBoard, TakSettings
from marsad.coordinate.agreement import sign
from marsad.coordinate.release import payload
from marsad.kernel.agreement import Agreement, Party, SignedAgreement
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, Release, ReleaseRule

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-peers" / "bin"
NS = 10**9
PATIENCE_S = 90.0
PARSE = """
import json, sys
from lxml import etree
from taky.cot.models import Event
for line in sys.stdin:
    event = Event.from_elm(etree.fromstring(line))
    point = event.point
    print(json.dumps([event.uid, event.etype, point.lat, point.lon, point.ce, event.stale.isoformat()]))
"""


class Certificates:
    """An authority, and what it signed, as PEM files in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._write(name, self._built(self.subject, self.key, authority=True), self.key)

    def keys(self, name: str, authority: Path | None = None) -> TakKeys:
        """A certificate of that name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._write(name, self._built(subject, key, authority=False), key)
        return TakKeys(
            certificate=self.folder / f"{name}.crt", key=self.folder / f"{name}.key",
            authority=authority or self.folder / f"{self.name}.crt",
        )  # fmt: skip

    def _built(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        signed = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(signed, critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )  # fmt: skip
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        pem = serialization.Encoding.PEM
        (self.folder / f"{name}.crt").write_bytes(certificate.public_bytes(pem))
        private = self.folder / f"{name}.key"
        private.touch(0o600)
        private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


class Taky:
    """The TAK server, as a process."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.errors = (folder / "taky.log").open("ab")
        (folder / "taky.conf").write_text(
            f"[taky]\nbind_ip = 127.0.0.1\nhostname = 127.0.0.1\nroot_dir = {folder}\n"
            f"[cot_server]\nport = {self.port}\n[ssl]\nenabled = true\nclient_cert_required = true\n"
            f"ca = {folder}/authority.crt\n"
            f"cert = {folder}/server.crt\nkey = {folder}/server.key\ncert_db = {folder}/cert-db.txt\n",
            encoding="utf-8",
        )
        self.process = subprocess.Popen(
            [PEERS / "taky", "-l", "debug", "-c", folder / "taky.conf"],
            stdout=self.errors,
            stderr=self.errors,
            cwd=folder,
        )
        wait(lambda: reachable(self.port))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.errors.close()


class Map:
    """Somebody's map, connected to the server with a certificate of its own."""

    def __init__(self, port: int, keys: TakKeys) -> None:
        context = ssl.create_default_context(cafile=keys.authority)
        context.load_cert_chain(keys.certificate, keys.key)
        self._secure = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1"
        )
        self._parser = ET.XMLPullParser(["end"])
        self._parser.feed("<maps>")
        self.events: list[ET.Element] = []
        self._secure.sendall(cot_ping("map", time.time_ns()))
        # The server has let us in once it answers.
        wait(lambda: self.look("t-x-c-t-r"))

    def look(self, kind: str = "") -> list[ET.Element]:
        """All events of a type that have come."""
        self._secure.settimeout(0.05)
        with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
            # taky sends events with or without a declaration in front.
            self._parser.feed(
                self._secure.recv(65_536).replace(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', b"")
            )
        self.events += [each for _, each in self._parser.read_events() if each.tag == "event"]
        return [each for each in self.events if str(each.get("type")).startswith(kind)]

    def things(self) -> list[str]:
        """The names on the map, in the order in which they came."""
        return [str(each.get("uid")) for each in self.look() if str(each.get("type"))[0] in "ab"]

    def close(self) -> None:
        self._secure.close()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def reachable(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait(done: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


class Partner:
    """A station's outbox for a partner without Marsad, and what tells its server of it."""

    def __init__(self, folder: Path, keys: TakKeys) -> None:
        self.folder, self.keys = folder, keys
        ours, theirs = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.agreement = agreement(ours, theirs)
        signatures = tuple(
            sign(self.agreement, name, key.private_bytes_raw()) for name, key in (("east", ours), ("west", theirs))
        )
        self.file = folder / AGREEMENT
        self.file.write_bytes(msgspec.json.encode(SignedAgreement(agreement=self.agreement, signatures=signatures)))
        self.outbox = Outbox(folder / OUTBOX, ours, theirs.public_key().public_bytes_raw())

    def settings(self, port: int) -> TakSettings:
        return TakSettings(
            agreement=self.file, outbox=self.folder / OUTBOX, spool=self.folder / SPOOL, server=("127.0.0.1", port),
            keys=self.keys,
        )  # fmt: skip

    def tell(self, *released: Release) -> None:
        now_ns = time.time_ns()
        self.outbox.append([Item(payload=payload(each), urgent=False, time_ns=now_ns) for each in released], now_ns)


def agreement(ours: Ed25519PrivateKey, theirs: Ed25519PrivateKey) -> Agreement:
    now_ns = time.time_ns()
    parties = tuple(
        Party(party_id=name, public_key=key.public_key().public_bytes_raw().hex())
        for name, key in (("east", ours), ("west", theirs))
    )
    rule = ReleaseRule(
        rule_id="moving", giver="east", taker="west", items=("track",), kinds=("person", "unknown"), near_line_m=3000,
        precision_m=500, sigma_m=500,
    )  # fmt: skip
    return Agreement(
        agreement_id="both", version=1, parties=parties, from_ns=now_ns - 3600 * NS, until_ns=now_ns + 3600 * NS,  # type: ignore[arg-type]
        anchor=Position(latitude_deg=34.0, longitude_deg=41.0), protected_distance_m=0, block_m=1000, rules=(rule,),
        line=(Position(latitude_deg=34.0, longitude_deg=40.9), Position(latitude_deg=34.0, longitude_deg=41.1)),
    )  # fmt: skip


def told(name: str, *, item: str = "alarm", age_s: int = 0, **more: object) -> Release:
    made = Release(
        release_id=f"r-{name}", agreement_id="both", version=1, rule_id="moving" if item == "track" else "alarms",
        giver="east", taker="west", item=item, thing_id=name, time_ns=time.time_ns() - age_s * NS,  # type: ignore[arg-type]
        cell=Cell(east=2, north=-1, size_m=500), sigma_m=500, kind="person",
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


@contextlib.contextmanager
def telling(settings: TakSettings) -> Iterator[Tak]:
    with Tak(settings) as tak:
        thread = Thread(target=tak.run, daemon=True)
        thread.start()
        try:
            yield tak
        finally:
            tak.stop()
            thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = Certificates(tmp_path_factory.mktemp("tak"), "authority")
    made.keys("server")
    return made


@pytest.fixture(scope="module")
def taky(certificates: Certificates) -> Iterator[Taky]:
    if not (PEERS / "taky").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("no taky in .venv-peers: run `make peers`")
        pytest.skip("no taky in .venv-peers: `make peers` installs it")
    server = Taky(certificates.folder)
    yield server
    server.close()


@pytest.fixture
def partner(tmp_path: Path, certificates: Certificates) -> Iterator[Partner]:
    made = Partner(tmp_path, certificates.keys("marsad"))
    yield made
    made.outbox.close()


@pytest.fixture
def somebody(taky: Taky, certificates: Certificates) -> Iterator[Map]:
    made = Map(taky.port, certificates.keys("map"))
    yield made
    made.close()


def test_a_map_gets_what_was_released_as_another_parser_reads_it(taky: Taky, partner: Partner, somebody: Map) -> None:
    partner.tell(told("a1"), told("t1", item="track", kind="vehicle"))
    with telling(partner.settings(taky.port)) as tak:
        wait(lambda: {"marsad.east.a1", "marsad.east.t1"} <= {*somebody.things()})
        wait(lambda: tak.link.state == "connected")
    lines = "".join(
        ET.tostring(each, encoding="unicode").strip() + "\n"
        for each in somebody.look("a-")
        if "1" in str(each.get("uid"))
    )
    done = subprocess.run(
        [PEERS / "python", "-c", PARSE], input=lines, capture_output=True, text=True, check=True, timeout=60
    )
    read = {row[0]: row[1:] for row in map(json.loads, done.stdout.splitlines())}
    assert read["marsad.east.a1"][0] == "a-u-G"
    assert read["marsad.east.t1"][0] == "a-u-G-E-V"
    _, latitude, longitude, error_m, stale = read["marsad.east.a1"]
    # 1250 m east and 250 m south of the anchor, by the lengths of a degree on the ellipsoid there.
    assert abs((latitude - 34.0) * 110_922 + 250) < 2
    assert abs((longitude - 41.0) * 92_385 - 1250) < 3
    assert error_m == 500
    assert datetime.fromisoformat(stale).replace(tzinfo=UTC) > datetime.now(UTC)


def test_what_is_ended_or_taken_back_leaves_the_maps_and_is_kept_for_nobody(
    taky: Taky, partner: Partner, somebody: Map, certificates: Certificates
) -> None:
    with telling(partner.settings(taky.port)):
        partner.tell(told("b1"), told("b2"), told("b3"))
        wait(lambda: {f"marsad.east.b{k}" for k in (1, 2, 3)} <= {*somebody.things()})
        recalled = told("b2", act="recalled", replaces="r-b2", cell=None, sigma_m=None, kind=None)
        partner.tell(told("b1", act="ended"), recalled)
        wait(lambda: len(somebody.look("t-x-d-d")) >= 2)
    links = {str(link.get("uid")) for each in somebody.look("t-x-d-d") for link in each.iter("link")}
    assert {"marsad.east.b1", "marsad.east.b2"} <= links
    assert "marsad.east.b3" not in links
    time.sleep(1.5)  # a second is how long the server holds what was emptied
    late = Map(taky.port, certificates.keys("late"))
    wait(lambda: "marsad.east.b3" in late.things())
    assert not {"marsad.east.b1", "marsad.east.b2"} & {*late.things()}
    late.close()


def test_a_post_that_both_agreed_upon_stands_on_the_map_for_its_hours(
    taky: Taky, partner: Partner, somebody: Map
) -> None:
    hours = {"from_ns": time.time_ns() - 60 * NS, "until_ns": time.time_ns() + 90 * NS}
    post = {"item": "post", "cell": None, "sigma_m": None, "kind": None, "watched": True, **hours}
    partner.tell(told("p1", post_id="joint.3.-4", **post), told("p2", post_id="hilltop", **post), told("p3"))  # type: ignore[arg-type]
    with telling(partner.settings(taky.port)):
        wait(lambda: {"marsad.east.p1", "marsad.east.p3"} <= {*somebody.things()})
    (event,) = [each for each in somebody.look("a-f-G-I") if each.get("uid") == "marsad.east.p1"][:1]
    point = event.find("point")
    assert point is not None
    # The middle of a cell of what is said, 1000 m wide: 3500 m east and 3500 m south of the anchor.
    assert abs((float(point.get("lat", "0")) - 34.0) * 110_922 + 3500) < 4
    assert abs((float(point.get("lon", "0")) - 41.0) * 92_385 - 3500) < 6
    assert float(point.get("ce", "0")) == pytest.approx(707.1)
    assert "watch kept" in event.findtext("detail/remarks", "")
    stale = datetime.fromisoformat(str(event.get("stale"))).timestamp()
    assert stale == pytest.approx(hours["until_ns"] / NS, abs=0.01)
    assert "marsad.east.p2" not in somebody.things()


def test_after_a_cut_all_that_stands_is_told_again_the_newest_alarms_first(
    partner: Partner, certificates: Certificates, taky: Taky
) -> None:
    port = free_port()
    assert taky.port != port
    with telling(partner.settings(port)) as tak:
        wait(lambda: tak.link.state == "cut" and tak.link.reason)
        partner.tell(told("old", age_s=500), told("walker", item="track"), told("new"), told("middle", age_s=100))
        folder = certificates.folder / "second"
        folder.mkdir()
        for name in ("authority.crt", "server.crt", "server.key"):
            (folder / name).write_bytes((certificates.folder / name).read_bytes())
        server = Taky(folder, port)
        try:
            wait(lambda: tak.link.state == "connected")
            late = Map(port, certificates.keys("later"))
            wait(lambda: len({*late.things()}) >= 4)
            late.close()
        finally:
            server.close()
        log = (folder / "taky.log").read_text(encoding="utf-8", errors="replace")
        first = [log.index(f"marsad.east.{name}") for name in ("new", "middle", "old", "walker")]
        assert first == sorted(first)
        wait(lambda: tak.link.state == "cut")
        # A server that has lost all it knew is told again.
        server = Taky(folder, port)
        try:
            after = Map(port, certificates.keys("after"))
            wait(lambda: len({*after.things()}) >= 4)
            after.close()
        finally:
            server.close()


def test_neither_side_speaks_to_a_stranger(
    taky: Taky, partner: Partner, somebody: Map, certificates: Certificates, tmp_path: Path
) -> None:
    strangers = Certificates(tmp_path, "strangers")
    ours = certificates.folder / "authority.crt"
    partner.tell(told("secret"))
    for keys in (strangers.keys("intruder", authority=ours), strangers.keys("marsad-too")):
        partner.keys = keys
        with telling(partner.settings(taky.port)) as tak:
            wait(lambda tak=tak: tak.link.state == "refused")
    somebody.look()
    assert "marsad.east.secret" not in somebody.things()


def test_what_is_said_between_stations_or_under_another_agreement_goes_to_no_map(
    taky: Taky, partner: Partner, somebody: Map
) -> None:
    now_ns = time.time_ns()
    partner.outbox.append([Item(payload=b'{"author":"east"}', urgent=True, time_ns=now_ns)], now_ns)
    partner.tell(told("x1", agreement_id="other"), told("x2"))
    with telling(partner.settings(taky.port)):
        wait(lambda: "marsad.east.x2" in somebody.things())
    assert "marsad.east.x1" not in somebody.things()
    partner.tell(told("x3", agreement_id="other"))
    with telling(partner.settings(taky.port)) as tak:
        wait(lambda: tak.link.state == "refused")
        assert "under other" in tak.link.reason


def test_a_desk_tells_a_map_what_the_agreement_allows_and_shows_how_the_link_stands(
    taky: Taky, somebody: Map, certificates: Certificates, tmp_path: Path
) -> None:
    share = agree(tmp_path)["east"]
    settings = TakSettings(
        agreement=share / AGREEMENT, outbox=share / OUTBOX, spool=share / GATEWAY / SPOOL,
        server=("127.0.0.1", taky.port), keys=certificates.keys("station"),
    )  # fmt: skip

    async def night() -> None:
        desk = Desk("east", share)
        await desk.open()
        with telling(settings):
            before = {*somebody.things()}
            desk.raise_alarm("near", north_m=300.0)
            desk.raise_alarm("far", north_m=9000.0)
            await until(lambda: {*somebody.things()} - before)
            await until(lambda: desk.control.state().partner.link.state == "connected")
            assert len({*somebody.things()} - before) == 1
            (event,) = [each for each in somebody.look("a-") if each.get("uid") not in before][:1]
            link = next(each for each in diagnose(share=share).findings if each.what == "link")
            assert link.state == "ok"
            assert link.detail.startswith("connected")
        point = event.find("point")
        assert point is not None
        north_m = (float(point.get("lat", "0")) - ORIGIN.latitude_deg) * 110_940
        # At 300 m it was; at the middle of a cell of 500 m of a grid with another beginning it is said to be.
        assert abs(north_m - 300.0) > 5
        assert abs(north_m - 300.0) <= 250 + 5
        assert float(point.get("ce", "0")) >= 500
        await desk.close()

    asyncio.run(night())


def test_without_a_server_the_doctor_says_so_and_without_files_nothing_starts(partner: Partner, tmp_path: Path) -> None:
    with telling(partner.settings(free_port())) as tak:
        wait(lambda: tak.link.reason)
    found = next(each for each in diagnose(share=tmp_path, spool=tmp_path / SPOOL).findings if each.what == "link")
    assert found.state == "failed"
    assert found.detail.startswith("cut")
    partner.keys = TakKeys(certificate=tmp_path / "no", key=tmp_path / "no", authority=tmp_path / "no")
    with pytest.raises(InputError, match="PEM"):
        Tak(partner.settings(1))
    partner.keys = Certificates(tmp_path, "own").keys("us")
    partner.keys.key.chmod(0o640)
    with pytest.raises(RefusedError, match="can be read by others"):
        Tak(partner.settings(1))
    partner.keys.key.chmod(0o600)
    signed = msgspec.json.decode(partner.file.read_bytes(), type=SignedAgreement)
    partner.file.write_bytes(msgspec.json.encode(msgspec.structs.replace(signed, signatures=())))
    with pytest.raises(RefusedError, match="signature"):
        Tak(partner.settings(1))


def board() -> TakBoard:
    return TakBoard(agreement(Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()))


def test_the_queue_is_bounded_and_alarms_stay_in_it_longest() -> None:
    full, now_ns = board(), time.time_ns()
    for k in range(MOST):
        full.take(told(f"t{k}", item="track"), now_ns)
    for k in range(MOST // 2):
        full.take(told(f"a{k}", age_s=k), now_ns)
    due = [name for name, _ in full.due(now_ns)]
    standing = [name for name in due if name.startswith("a")]
    assert standing == [f"a{k}" for k in range(MOST // 2)]
    assert len(due) <= 2 * MOST
    assert BATCH < MOST


def test_what_is_not_told_again_goes_stale_and_leaves() -> None:
    old, now_ns = board(), time.time_ns()
    old.take(told("walker", item="track"), now_ns)
    ((name, data),) = old.due(now_ns)
    old.sent(name, now_ns)
    assert b"<remarks" in data
    assert [*old.due(now_ns + 60 * NS)] == []
    ((_, gone),) = old.due(now_ns + 600 * NS)
    assert b"t-x-d-d" in gone


def test_what_has_its_hours_is_gone_after_them_also_where_the_station_says_nothing_more() -> None:
    standing, now_ns = board(), time.time_ns()
    cells = (Cell(east=0, north=0, size_m=500),)
    standing.take(told("way", item="patrol", cell=None, cells=cells, until_ns=now_ns + 60 * NS), now_ns)
    ((name, data),) = standing.due(now_ns)
    standing.sent(name, now_ns)
    assert b"<remarks" in data
    ((_, gone),) = standing.due(now_ns + 61 * NS)
    assert b"t-x-d-d" in gone


def test_an_alarm_that_stands_is_said_again_and_nothing_after_the_agreement_has_ended() -> None:
    standing, now_ns = board(), time.time_ns()
    standing.take(told("alarm"), now_ns)
    standing.sent("alarm", now_ns)
    assert [name for name, _ in standing.due(now_ns + 120 * NS)] == ["alarm"]
    ((_, after),) = standing.due(now_ns + 2 * 3600 * NS)
    assert b"t-x-d-d" in after
    assert b"a-u-G" in after


def test_the_command_tells_until_it_is_told_to_end(taky: Taky, partner: Partner, somebody: Map) -> None:
    partner.tell(told("c1"))
    asked = partner.settings(taky.port)
    options = {
        "agreement": asked.agreement, "outbox": asked.outbox, "spool": asked.spool, "server": f"localhost:{taky.port}",
        "certificate": asked.keys.certificate, "key": asked.keys.key, "authority": asked.keys.authority,
        "server-name": "127.0.0.1",
    }  # fmt: skip
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-c", "from marsad.app.cli import main; main()", "tak", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait(lambda: "marsad.east.c1" in somebody.things())
    process.terminate()
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert b"connected" in said

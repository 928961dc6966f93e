"""The console behind its own certificate, as a browser that trusts it meets it."""

import datetime as dt
import ipaddress
import json
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.console.conftest import PASSWORD, MemoryDesk, WallClock, peopled, running
from websockets.sync.client import connect

from marsad.console.server import Terms


@pytest.fixture
def certified(tmp_path: Path) -> dict[str, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = {"certificate": tmp_path / "desk.pem", "key": tmp_path / "desk.key"}
    made["certificate"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made["key"].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def test_signing_in_and_following_over_tls(certified: dict[str, Path]) -> None:
    trust = ssl.create_default_context(cafile=certified["certificate"])
    with running(MemoryDesk(), peopled(), WallClock(), Terms(tls=True), tls=certified) as console:
        url = f"https://127.0.0.1:{console.port}"
        with httpx.Client(base_url=url, verify=trust, timeout=20) as client:
            answer = client.post("/api/session", json={"name": "omar", "password": PASSWORD}, headers={"origin": url})
            assert answer.status_code == 200
            assert "secure" in answer.headers["set-cookie"].lower()
            assert f"wss://127.0.0.1:{console.port}" in answer.headers["content-security-policy"]
            act = {"type": "note_shift", "act_id": "a", "text": "x"}
            token = {"x-csrf-token": answer.json()["csrf"]}
            assert client.post("/api/acts", json=act, headers={**token, "origin": url}).status_code == 200
            plain = {**token, "origin": url.replace("https", "http")}
            assert client.post("/api/acts", json=act, headers=plain).status_code == 403
            cookie = f"__Host-marsad={client.cookies['__Host-marsad']}"
        address = f"wss://127.0.0.1:{console.port}/api/feed"
        with connect(address, ssl=trust, origin=url, additional_headers={"Cookie": cookie}) as link:
            assert json.loads(link.recv(timeout=5))["type"] == "hello"

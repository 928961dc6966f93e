"""The keys of the link on the disk: the station's signing key, and apart from it what its gateway needs.

A gateway's folder holds its TLS key and public things only: whoever steals it can sign nothing in the station's name.
"""

import datetime as dt
import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from marsad.coordinate.card import CARD_BYTES, Card, issue_card, judge_card, judge_succession
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.record import Record

SIGNING_KEY = "signing.pem"
GATEWAY_KEY = "gateway.pem"
GATEWAY_CERTIFICATE = "gateway.crt"
NEXT_KEY = "next.pem"
NEXT_CERTIFICATE = "next.crt"
OWN_CARD = "card.json"
PARTNER_CARD = "partner.json"
REVOKED = "revoked.json"
VALID_DAYS = 365


class Revoked(Record):
    """A key or certificate that is not admitted any more; `fingerprint` is a certificate's, or a signing key's."""

    fingerprint: str
    time_ns: int
    reason: str


class Pinned(NamedTuple):
    """A partner's certificate that is admitted."""

    fingerprint: str
    certificate: x509.Certificate
    pem: str


def generate(interior: Path, gateway: Path, name: str, now_ns: int, valid_days: float = VALID_DAYS) -> Card:
    """The card of a new organisation, whose keys are written into two folders. Raises: InputError, RefusedError."""
    for folder in (interior, gateway):
        _make_folder(folder)
    if (interior / SIGNING_KEY).exists():
        raise RefusedError(f"{interior / SIGNING_KEY} is there: a signing key is not written over")
    key = Ed25519PrivateKey.generate()
    _write_private(interior / SIGNING_KEY, _pem_of(key))
    certify(gateway / GATEWAY_KEY, gateway / GATEWAY_CERTIFICATE, name, now_ns, valid_days)
    return _issue(interior, gateway, name, now_ns)


def rotate(interior: Path, gateway: Path, now_ns: int, valid_days: float = VALID_DAYS) -> Card:
    """The card that shows the gateway's next certificate beside today's, for the partner to pin before the switch."""
    name = read_card(interior / OWN_CARD).name
    certify(gateway / NEXT_KEY, gateway / NEXT_CERTIFICATE, name, now_ns, valid_days)
    return _issue(interior, gateway, name, now_ns)


def switch(interior: Path, gateway: Path, now_ns: int) -> Card:
    """The card of the next certificate alone, which the gateway uses from now on. Raises: RefusedError."""
    if not (gateway / NEXT_KEY).exists():
        raise RefusedError(f"{gateway} has no next certificate: rotate first, and have the partner pin the new card")
    (gateway / NEXT_KEY).replace(gateway / GATEWAY_KEY)
    (gateway / NEXT_CERTIFICATE).replace(gateway / GATEWAY_CERTIFICATE)
    return _issue(interior, gateway, read_card(interior / OWN_CARD).name, now_ns)


def pin(folder: Path, card: Card, *, compared: bool) -> None:
    """Admit a partner by its card: one compared in person, or a newer one of the key that is pinned already.

    Raises: RefusedError, InputError.
    """
    judge_card(card)
    kept = folder / PARTNER_CARD
    if not compared:
        if not kept.exists():
            raise RefusedError("nobody is pinned yet: give the fingerprint that you compared in person")
        judge_succession(read_card(kept), card)
    _write_public(kept, msgspec.json.format(msgspec.json.encode(card)))


def revoke(folder: Path, fingerprint: str, reason: str, now_ns: int) -> None:
    """Admit a certificate or a signing key no more. Raises: InputError."""
    if len(fingerprint) != 64 or not set(fingerprint) <= set("0123456789abcdef"):
        raise InputError(f"fingerprint = {fingerprint!r}: 64 hexadecimal digits, as `marsad keys show` prints them")
    revoked = [*read_revoked(folder), Revoked(fingerprint=fingerprint, time_ns=now_ns, reason=reason)]
    _write_public(folder / REVOKED, msgspec.json.format(msgspec.json.encode(revoked)))


def certify(key_path: Path, certificate_path: Path, name: str, now_ns: int, valid_days: float) -> None:
    """Write a new TLS key and its self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = dt.datetime.fromtimestamp(now_ns / 1e9, dt.UTC) - dt.timedelta(minutes=5)
    serial = x509.random_serial_number()
    # Trusted certificates are looked up by their subject: two of one organisation must differ in it.
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64] or "gateway"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"{serial:x}"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=valid_days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_private(key_path, _pem_of(key))
    _write_public(certificate_path, certificate.public_bytes(serialization.Encoding.PEM))


def read_signing_key(folder: Path) -> Ed25519PrivateKey:
    """The station's signing key. Raises: InputError where it is none, RefusedError where others could read it."""
    path = folder / SIGNING_KEY
    key = serialization.load_pem_private_key(_read_private(path), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} holds no Ed25519 key")
    return key


def read_card(path: Path) -> Card:
    """The card in a file, its signature judged. Raises: InputError, UnavailableError."""
    try:
        with path.open("rb") as file:
            data = file.read(CARD_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there: pin a partner first, with `marsad keys pin`") from error
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}") from error
    if len(data) > CARD_BYTES:
        raise InputError(f"{path} is too long for a card")
    try:
        card = msgspec.json.decode(data, type=Card)
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is no card: {error}") from error
    judge_card(card)
    return card


def read_revoked(folder: Path) -> list[Revoked]:
    """What is admitted no more. Raises: InputError where the list cannot be read: then nobody is admitted."""
    try:
        return msgspec.json.decode((folder / REVOKED).read_bytes(), type=list[Revoked])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{folder / REVOKED} cannot be read: nobody is admitted ({error})") from error


def pinned(card: Card) -> list[Pinned]:
    """The certificates on a card. Raises: InputError where one is not what the card's signature covers."""
    found = []
    for told, pem in zip(card.certificates, card.pem, strict=True):
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except ValueError as error:
            raise InputError(f"the card of {card.name} holds no certificate: {error}") from error
        if fingerprint_of(certificate) != told:
            raise InputError(f"the card of {card.name} holds another certificate than the one it names")
        found.append(Pinned(fingerprint=told, certificate=certificate, pem=pem))
    return found


def fingerprint_of(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate's DER, in hexadecimal."""
    return sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _issue(interior: Path, gateway: Path, name: str, now_ns: int) -> Card:
    paths = [path for path in (gateway / GATEWAY_CERTIFICATE, gateway / NEXT_CERTIFICATE) if path.exists()]
    pem = tuple(path.read_text(encoding="ascii") for path in paths)
    prints = tuple(fingerprint_of(x509.load_pem_x509_certificate(one.encode())) for one in pem)
    card = issue_card(read_signing_key(interior), name, prints, pem, now_ns)
    for folder in (interior, gateway):
        _write_public(folder / OWN_CARD, msgspec.json.format(msgspec.json.encode(card)))
    return card


def _pem_of(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose a folder that can be written to") from error


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; make keys with `marsad keys generate`") from error
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise RefusedError(f"{path} can be read by others: chmod 600 it, and think about who has read it")
        return file.read()


def _write_private(path: Path, data: bytes) -> None:
    _write(path, data, 0o600)


def _write_public(path: Path, data: bytes) -> None:
    _write(path, data, 0o644)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Put the data in the file's place, whole or not at all."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; choose a folder that can be written to") from error

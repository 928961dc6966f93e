"""HTTPS between two gateways: TLS 1.3, each showing a certificate that the other has pinned.

One route, `POST /1/pull`. The server gives each connection a thread, and takes few: there is one partner.
"""

import contextlib
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

import h11
from cryptography import x509

from marsad.adapters.link_keys import (
    GATEWAY_CERTIFICATE,
    GATEWAY_KEY,
    PARTNER_CARD,
    REVOKED,
    pinned,
    read_card,
    read_revoked,
)
from marsad.coordinate.card import Card, fingerprint
from marsad.coordinate.wire import BATCH_BYTES, PULL_BYTES, Code, Refusal, decode_refusal, encode_refusal
from marsad.kernel.error import InputError, LinkRefusedError, RefusedError, UnavailableError

ROUTE = "/1/pull"
CONNECTIONS = 8
"""So many at once; further ones are closed."""
HANDSHAKE_S = 5.0
IDLE_S = 60.0
HEADER_BYTES = 8192

_TOO_EARLY, _TOO_LATE = 9, 10
"""How OpenSSL numbers a certificate that is not valid yet, or no longer."""

Handle = Callable[[bytes], bytes | Refusal]
"""Answers the body of a pull, with nothing where there is no news; raises InputError where it is none."""
Note = Callable[[LinkRefusedError], None]
"""Is told of everybody who was turned away."""


class _Known(NamedTuple):
    """What a folder of keys says of the partner."""

    card: Card
    certificates: dict[str, x509.Certificate]
    revoked: frozenset[str]


class PeerKeys:
    """A gateway's folder of keys, looked at for every pull, so that what is revoked is refused at once."""

    def __init__(self, folder: Path, now_ns: Callable[[], int]) -> None:
        self._folder = folder
        self.now_ns = now_ns
        self._read: tuple[object, _Known] | None = None

    def partner_key(self) -> bytes:
        """The partner's public signing key. Raises: LinkRefusedError where it is revoked, InputError."""
        known = self._known()
        if fingerprint(known.card.key) in known.revoked:
            raise LinkRefusedError("revoked", f"the signing key of {known.card.name} was revoked here")
        return known.card.key

    def judge(self) -> None:
        """The partner's key and a certificate of it must stand. Raises: LinkRefusedError where all are revoked."""
        self.partner_key()
        known = self._known()
        if known.revoked.issuperset(known.certificates):
            raise LinkRefusedError("revoked", f"every certificate of {known.card.name} was revoked here")

    def context(self, *, server: bool) -> ssl.SSLContext:
        """TLS 1.3 with our certificate, trusting none but those that are pinned. Raises: InputError, RefusedError."""
        self.judge()
        key = self._folder / GATEWAY_KEY
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        if server:
            # A resumed session would not be shown the certificate again.
            context.num_tickets = 0
        try:
            if key.stat().st_mode & 0o077:
                raise RefusedError(f"{key} can be read by others: chmod 600 it, and think about who has read it")
            context.load_cert_chain(self._folder / GATEWAY_CERTIFICATE, key)
        except OSError as error:
            raise InputError(f"{key} cannot be used: {error}") from error
        for pem in self._known().card.pem:
            context.load_verify_locations(cadata=pem)
        return context

    def admit(self, der: bytes | None) -> None:
        """Pass a partner whose certificate is pinned, of today and not revoked. Raises: LinkRefusedError."""
        self.partner_key()
        known = self._known()
        found = sha256(der or b"").hexdigest()
        if found in known.revoked:
            raise LinkRefusedError("revoked", f"the certificate {found[:16]} was revoked here")
        if found not in known.certificates:
            raise LinkRefusedError("partner", f"the certificate {found[:16]} is not pinned")
        if self.now_ns() / 1e9 >= known.certificates[found].not_valid_after_utc.timestamp():
            raise LinkRefusedError("expired", f"the certificate {found[:16]} is no longer valid")

    def _known(self) -> _Known:
        """What stands in the files, read again only when they are others than before. Raises: InputError."""
        paths = (self._folder / PARTNER_CARD, self._folder / REVOKED)
        seen = [(found.st_mtime_ns, found.st_ino, found.st_size) for found in map(_stat, paths) if found]
        if self._read is None or self._read[0] != seen:
            card = read_card(paths[0])
            certificates = {one.fingerprint: one.certificate for one in pinned(card)}
            revoked = frozenset(one.fingerprint for one in read_revoked(self._folder))
            self._read = (seen, _Known(card, certificates, revoked))
        return self._read[1]


class PeerServer:
    """The door at which the partner's gateway pulls."""

    def __init__(self, address: tuple[str, int], keys: PeerKeys, handle: Handle, note: Note) -> None:
        """Listen. Raises: UnavailableError where the address is taken."""
        self._keys = keys
        self._handle = handle
        self._note = note
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        try:
            self._listener = socket.create_server(address, backlog=CONNECTIONS)
        except OSError as error:
            raise UnavailableError(f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from error
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="link door", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """The open door."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let nobody in any more, and end what goes on; safe to call twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _cut(connection)
        self._thread.join()
        for _ in range(CONNECTIONS):
            self._room.acquire(timeout=1.0)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closing.wait(0.1):
                    return
                continue
            if not self._room.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="link partner", daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            with plain, self._known(plain):
                self._greet(plain)
        finally:
            self._room.release()

    @contextlib.contextmanager
    def _known(self, connection: socket.socket) -> Iterator[None]:
        """So long as it is open, `close` can end it."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _greet(self, plain: socket.socket) -> None:
        """Hand the partner over to the conversation, and note everybody else."""
        try:
            plain.settimeout(HANDSHAKE_S)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = self._keys.context(server=True)
            with context.wrap_socket(plain, server_side=True) as secure, self._known(secure):
                secure.settimeout(IDLE_S)
                _Conversation(secure, self._keys, self._handle).run()
        except ssl.SSLError as error:
            refusal = _told(error)
            if refusal is not None:
                self._note(refusal)
        except LinkRefusedError as error:
            self._note(error)
        except (InputError, RefusedError) as error:
            self._note(LinkRefusedError("keys", str(error)))
        except OSError:
            return  # who goes away without a word has not been refused


class _Conversation:
    """One connection: pulls and their answers, one after the other, until either side ends it."""

    def __init__(self, secure: ssl.SSLSocket, keys: PeerKeys, handle: Handle) -> None:
        self._secure = secure
        self._keys = keys
        self._handle = handle
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES)

    def run(self) -> None:
        """Answer until the end. Raises: LinkRefusedError where the partner is not to be spoken to, OSError."""
        try:
            while self._answer_one():
                self._wire.start_next_cycle()
        except h11.RemoteProtocolError as error:
            self._send(error.error_status_hint, b"")
            raise LinkRefusedError("malformed", f"no HTTP/1.1: {error}") from error

    def _answer_one(self) -> bool:
        """Whether another pull may follow on this connection."""
        request = self._event()
        if not isinstance(request, h11.Request):
            return False
        self._admit()
        if request.method != b"POST" or request.target != ROUTE.encode():
            self._send(404, b"")
            raise LinkRefusedError("malformed", f"asked for {request.method[:8]!r} {request.target[:40]!r}")
        body = self._body()
        try:
            told = self._handle(body)
        except InputError as error:
            self._send(400, b"")
            raise LinkRefusedError("malformed", str(error)) from error
        if isinstance(told, Refusal):
            self._send(403, encode_refusal(told))
            return self._wire.our_state is h11.DONE and self._wire.their_state is h11.DONE
        # The key may have been withdrawn while the pull waited.
        self._admit()
        self._send(200 if told else 204, told)
        return self._wire.our_state is h11.DONE and self._wire.their_state is h11.DONE

    def _admit(self) -> None:
        """Tell one who is not admitted. Raises: LinkRefusedError."""
        try:
            self._keys.admit(self._secure.getpeercert(binary_form=True))
        except LinkRefusedError as error:
            code: Code = "revoked" if error.reason == "revoked" else "partner"
            self._send(403, encode_refusal(Refusal(now_ns=self._keys.now_ns(), code=code, text=str(error))))
            raise

    def _body(self) -> bytes:
        parts: list[bytes] = []
        while True:
            event = self._event()
            if isinstance(event, h11.EndOfMessage):
                return b"".join(parts)
            if not isinstance(event, h11.Data):
                raise LinkRefusedError("malformed", "the request ended within its body")
            parts.append(bytes(event.data))
            if sum(map(len, parts)) > PULL_BYTES:
                self._send(413, b"")
                raise LinkRefusedError("malformed", f"a request of more than {PULL_BYTES} bytes")

    def _event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        while True:
            event = self._wire.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._wire.receive_data(self._secure.recv(16384))

    def _send(self, status: int, body: bytes) -> None:
        headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))]
        headers = headers if status != 204 else []
        with contextlib.suppress(h11.LocalProtocolError):
            head = self._wire.send(h11.Response(status_code=status, headers=headers))
            data = self._wire.send(h11.Data(data=body))
            end = self._wire.send(h11.EndOfMessage())
            self._secure.sendall((head or b"") + (data or b"") + (end or b""))


class PeerClient:
    """Pulls from the partner's gateway, over one connection as long as it lasts."""

    def __init__(self, address: tuple[str, int], keys: PeerKeys, *, source: tuple[str, int] | None = None) -> None:
        self._address = address
        self._keys = keys
        self._source = source
        self._connection: http.client.HTTPSConnection | None = None

    def pull(self, body: bytes, wait_s: float) -> bytes | Refusal:
        """The batch's bytes, none where there is no news, or the partner's refusal.

        Raises: UnavailableError, LinkRefusedError.
        """
        try:
            return self._exchange(body, wait_s)
        except ssl.SSLError as error:
            self.close()
            refusal = _told(error)
            raise refusal or UnavailableError(f"the partner ended the connection ({error.reason})") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UnavailableError(f"{self._address[0]}:{self._address[1]} does not answer: {error!r}") from error
        except BaseException:
            self.close()
            raise

    def interrupt(self) -> None:
        """Let a pull that waits in another thread end at once, as if the partner had gone."""
        secure = None if self._connection is None else self._connection.sock
        if secure is not None:
            _cut(secure)

    def close(self) -> None:
        """End the connection; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, wait_s: float) -> bytes | Refusal:
        connection = self._connected(wait_s + HANDSHAKE_S)
        connection.request("POST", ROUTE, body, {"Content-Type": "application/octet-stream"})
        with connection.getresponse() as response:
            data = response.read(BATCH_BYTES + 1)
            if response.status not in {200, 204, 403} or len(data) > BATCH_BYTES:
                raise LinkRefusedError("malformed", f"answered {response.status} with {len(data)} bytes")
        if response.status != 403:
            return data
        try:
            return decode_refusal(data)
        except InputError as error:
            raise LinkRefusedError("malformed", str(error)) from error

    def _connected(self, timeout_s: float) -> http.client.HTTPSConnection:
        """The connection, admitted anew before each pull."""
        if self._connection is None or self._connection.sock is None:
            self._connection = self._connect(timeout_s)
        secure = self._connection.sock
        secure.settimeout(timeout_s)
        self._keys.admit(secure.getpeercert(binary_form=True) if isinstance(secure, ssl.SSLSocket) else None)
        return self._connection

    def _connect(self, timeout_s: float) -> http.client.HTTPSConnection:
        host, port = self._address
        connection = http.client.HTTPSConnection(
            host,
            port,
            context=self._keys.context(server=False),
            timeout=min(timeout_s, HANDSHAKE_S),
            source_address=self._source,
        )
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def _stat(path: Path) -> os.stat_result | None:
    """What the file system says of a file, None where there is none."""
    try:
        return path.stat()
    except OSError:
        return None


def _cut(connection: socket.socket) -> None:
    """Let whoever reads from the connection in another thread find that it has ended."""
    with contextlib.suppress(OSError):
        # The socket's own way, past TLS: what another thread is reading from must not be taken apart.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _told(error: ssl.SSLError) -> LinkRefusedError | None:
    """A failed handshake in the link's words; None where the other side only went away."""
    if isinstance(error, ssl.SSLCertVerificationError):
        number = error.verify_code
        if number in {_TOO_EARLY, _TOO_LATE}:
            return LinkRefusedError("expired", error.verify_message)
        return LinkRefusedError("partner", f"a certificate that is not pinned ({error.verify_message})")
    reason = (error.reason or "").lower()
    if "alert" in reason:
        word = "expired" if "expired" in reason else "partner"
        return LinkRefusedError(word, f"the partner refuses our certificate ({reason.replace('_', ' ')})")
    if "did_not_return_a_certificate" in reason:
        return LinkRefusedError("partner", "somebody without a certificate")
    if any(word in reason for word in ("eof", "shutdown", "timed")) or isinstance(error, ssl.SSLEOFError):
        return None
    return LinkRefusedError("malformed", f"no TLS 1.3 ({reason.replace('_', ' ')})")

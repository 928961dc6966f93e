"""A connection to a TAK server: TLS with a certificate on both sides, events out, nothing taken in."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from marsad.kernel.error import InputError, LinkRefusedError, RefusedError, UnavailableError
from marsad.kernel.record import Record

CONNECT_S: Final = 10.0
SEND_S: Final = 15.0
"""A server that takes nothing for so long is gone."""
READ_BYTES: Final = 65_536


class TakKeys(Record):
    """Who we are to the server, and whom we believe: PEM files; `name` is what its certificate must be of."""

    certificate: Path
    key: Path
    authority: Path
    name: str = ""


class TakServer:
    """One open connection. Raises: UnavailableError, LinkRefusedError, InputError where a file is none."""

    def __init__(self, address: tuple[str, int], keys: TakKeys) -> None:
        self._address = address
        context = tls_context(keys)
        try:
            plain = socket.create_connection(address, CONNECT_S)
        except OSError as error:
            raise UnavailableError(f"{_named(address)} does not answer ({error.strerror or error})") from error
        try:
            _watch_over(plain)
            self._secure = context.wrap_socket(plain, server_hostname=keys.name or address[0])
        except ssl.SSLError as error:
            plain.close()
            raise LinkRefusedError("partner", f"{_named(address)}: {_told(error)}") from error
        except OSError as error:
            plain.close()
            raise UnavailableError(f"{_named(address)} went away ({error})") from error
        self._secure.settimeout(SEND_S)

    def __enter__(self) -> Self:
        """The open connection."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def send(self, data: bytes) -> None:
        """Hand over some events. Raises: UnavailableError, LinkRefusedError."""
        with self._door():
            self._secure.sendall(data)

    def drain(self) -> int:
        """How many bytes the server sent since; they are thrown away unread.

        Raises: UnavailableError where it has gone, LinkRefusedError where it turned our certificate away.
        """
        with self._door():
            self._secure.settimeout(0.0)
            try:
                data = self._secure.recv(READ_BYTES)
            except (ssl.SSLWantReadError, BlockingIOError):
                return 0
            finally:
                self._secure.settimeout(SEND_S)
        if not data:
            raise UnavailableError(f"{_named(self._address)} ended the connection")
        return len(data)

    def close(self) -> None:
        """End the connection; safe to call twice."""
        with contextlib.suppress(OSError):
            self._secure.close()

    @contextlib.contextmanager
    def _door(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLError as error:
            if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                raise UnavailableError(f"{_named(self._address)} ended the connection") from error
            # With TLS 1.3 a server looks at our certificate only after we think that we are in.
            raise LinkRefusedError("partner", f"{_named(self._address)}: {_told(error)}") from error
        except OSError as error:
            raise UnavailableError(f"{_named(self._address)} went away ({error})") from error


def tls_context(keys: TakKeys) -> ssl.SSLContext:
    """On what terms we speak: their authority and name proven, our certificate shown.

    Raises: InputError,
    RefusedError where others can read the key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if keys.key.stat().st_mode & 0o077:
            raise RefusedError(f"{keys.key} can be read by others: chmod 600 it, and think about who has read it")
        context.load_verify_locations(keys.authority)
        # A key under a password would have a service ask for it, and wait for ever.
        context.load_cert_chain(keys.certificate, keys.key, password="")
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(each) for each in (keys.authority, keys.certificate, keys.key))
        raise InputError(f"{files}: cannot be used as PEM files ({error}); name three that belong together") from error
    return context


def _watch_over(plain: socket.socket) -> None:
    """Have the kernel notice a server that is silently gone."""
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(SEND_S * 1000))


def _named(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _told(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be believed ({error.verify_message}); see --authority and --server-name"
    reason = (error.reason or str(error)).lower().replace("_", " ")
    return f"it does not let us in ({reason}); has its authority signed our certificate?"

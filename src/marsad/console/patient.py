"""HTTP on a socket, with an end to its patience."""

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S: Final = 10.0


class PatientProtocol(H11Protocol):
    """Closes a connection whose next request has begun, or was to be its first, and is not there in ten seconds.

    Otherwise whoever sends a byte now and then keeps a connection for ever, and with some hundreds of them everybody
    else out.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its parent has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take it in; wait for the rest of a request that is not whole."""
        super().data_received(data)
        if not self._waiting():
            self._calm()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_S, self._give_up)

    def _waiting(self) -> bool:
        """Whether the head of a request is still to come."""
        return bool(self.conn.their_state is h11.IDLE)

    def _calm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._waiting() and not self.transport.is_closing():
            self.transport.close()

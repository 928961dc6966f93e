"""The command `marsad gateway`: the one process that speaks with a partner, and holds nothing but what was released.

It reads the station's outbox and writes its own spool; it has no way to anything else of the station.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_bytes
from typing import Self

import structlog

from marsad.adapters.inbox import Spool
from marsad.adapters.outbox import OutboxReader, Taken
from marsad.adapters.tls_peer import PeerClient, PeerKeys, PeerServer
from marsad.app.systemd import tell_manager
from marsad.coordinate.link import SKEW_NS, Standing, accept, answer, ask, objection
from marsad.coordinate.link_state import RETRY_S, LinkChange, LinkHappening, after
from marsad.coordinate.wire import (
    BATCH_ITEMS,
    LEAST_ITEMS,
    NONCE_BYTES,
    Batch,
    Pull,
    Refusal,
    decode_batch,
    decode_pull,
    encode_batch,
    encode_pull,
)
from marsad.kernel.error import InputError, LinkRefusedError, MarsadError, UnavailableError
from marsad.kernel.parcel import Receipt
from marsad.kernel.partner import LinkState
from marsad.kernel.record import Record

WAIT_MS = 10_000
RECEIPT_LOOK_MS = 100
RECEIPT_DUE_NS = 2 * 10**9
"""A station that runs signs for what came within this time; its receipt goes with the next pull."""
LOOK_S = 0.02
"""How often the outbox is looked at while a pull waits for news."""
REOPEN_S = 1.0
SAME_AGAIN_NS = 60 * 10**9
"""One who is turned away again and again for the same reason is noted once a minute."""
HOLD_BYTES = 256 * 1024 * 1024

log = structlog.get_logger()


class GatewaySettings(Record):
    """Where a gateway's things lie, and where the partner's gateway is.

    `keys` is its folder of keys, `outbox` the station's file, `spool` its own. Beyond `hold_bytes` that the station has
    not taken, nothing more is fetched.
    """

    keys: Path
    outbox: Path
    spool: Path
    listen: tuple[str, int]
    partner: tuple[str, int]
    hold_bytes: int = HOLD_BYTES
    source: tuple[str, int] | None = None


class Gateway:
    """Answers the partner's pulls, and pulls from the partner."""

    def __init__(self, settings: GatewaySettings, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Open the spool and the door. Raises: InputError, UnavailableError."""
        self._settings = settings
        self._now_ns = now_ns
        self._stop = threading.Event()
        self._noted: dict[str, int] = {}
        self._lock = threading.Lock()
        self.state: LinkState = "cut"
        self._reason = ""
        self._stored_ns = 0
        self._confirmed = 0
        self._outbox: OutboxReader | None = None
        self._reopen_s = 0.0
        self._keys = PeerKeys(settings.keys, now_ns)
        self._client = PeerClient(settings.partner, self._keys, source=settings.source)
        self._spool = Spool(settings.spool)
        try:
            self._door = PeerServer(settings.listen, self._keys, self._answer, self._turn_away)
        except BaseException:
            self._spool.close()
            raise
        self.port = self._door.port

    def __enter__(self) -> Self:
        """The gateway, its door open."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let nobody in, and stop pulling; safe to call twice."""
        self.stop()
        self._client.close()
        self._door.close()
        self._leave_outbox()
        self._spool.close()

    def run(self) -> None:
        """Pull until `stop` is called."""
        while not self._stop.is_set():
            self.pull_once()
            self._stop.wait(RETRY_S[self.state])
            tell_manager("WATCHDOG=1")

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()
        self._client.interrupt()

    def pull_once(self) -> None:
        """One pull, and what becomes of the link by it."""
        try:
            self._happen(*self._pull())
        except LinkRefusedError as error:
            self._happen("withdrawn" if error.reason == "revoked" else "refused", str(error))
        except UnavailableError as error:
            if not self._stop.is_set():
                self._happen("unreachable", str(error))
        except MarsadError as error:
            self._happen("refused", f"malformed: {error}")

    def _pull(self) -> tuple[LinkHappening, str]:
        """Fetch once, prove it, store it."""
        taken, receipt = self._station()
        if self.state == "revoked":
            self._keys.judge()
            return "readmitted", "another key was pinned"
        standing = self._spool.resume(taken)
        if self._spool.waiting_bytes(taken) > self._settings.hold_bytes:
            return "full", "the station has not taken what lies here"
        nonce = token_bytes(NONCE_BYTES)
        wait_ms = self._patience_ms(standing, receipt)
        pull = ask(
            standing,
            nonce=nonce,
            now_ns=self._now_ns(),
            wait_ms=wait_ms,
            # The first batch after a cut is short, so that the newest alarm is there before a long one has come over.
            max_items=BATCH_ITEMS if self.state in {"connected", "catching_up"} else LEAST_ITEMS,
            receipt=receipt,
        )
        body = self._client.pull(encode_pull(pull), wait_ms / 1000)
        if isinstance(body, Refusal):
            # Who is withdrawn there may be admitted there again: only what is withdrawn here needs a person here.
            reason = "turned_away" if body.code == "revoked" else body.code
            raise LinkRefusedError(reason, f"the partner says: {body.text}")
        if not body:
            return self._progress(standing)
        batch = decode_batch(body, standing.heads.urgent)
        now_ns = self._now_ns()
        _judge_answer(batch, nonce, now_ns)
        accepted = accept(standing, batch, self._keys.partner_key(), now_ns)
        self._spool.store(body, accepted.standing, now_ns, taken)
        self._stored_ns = now_ns
        return self._progress(accepted.standing)

    def _patience_ms(self, standing: Standing, receipt: Receipt | None) -> int:
        """How long the next pull may wait for news: not long while the station is about to sign for what came."""
        if self.state != "connected":
            return 0
        confirmed = receipt.checkpoint.sequence if receipt else 0
        if confirmed < standing.heads.sequence and self._now_ns() - self._stored_ns < RECEIPT_DUE_NS:
            return RECEIPT_LOOK_MS
        return WAIT_MS

    def _station(self) -> tuple[Taken, Receipt | None]:
        """How far the station is with what came. Raises: UnavailableError where it has not begun."""
        now_s = time.monotonic()
        if self._outbox is None or now_s > self._reopen_s:
            self._leave_outbox()
            self._outbox, self._reopen_s = OutboxReader(self._settings.outbox), now_s + REOPEN_S
        taken, receipt = self._outbox.taken()
        if taken is None:
            raise UnavailableError("the station has not opened its inbox yet")
        return taken, receipt

    def _leave_outbox(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None

    def _progress(self, standing: Standing) -> tuple[LinkHappening, str]:
        if standing.behind:
            return "behind", f"{standing.behind} parcels behind"
        return "whole", f"{standing.received} parcels"

    def _happen(self, happening: LinkHappening, reason: str) -> None:
        """Follow the table; what changed, or is refused for another reason, is noted."""
        state = after(self.state, happening)
        same = state == self.state and (state not in {"refused", "revoked"} or reason == self._reason)
        self.state, self._reason = state, reason
        if not same:
            self._note(happening, reason)

    def _turn_away(self, error: LinkRefusedError) -> None:
        """Note somebody who was not let in; the link to the partner is none the worse for it."""
        now_ns = self._now_ns()
        with self._lock:
            if now_ns - self._noted.get(error.reason, -SAME_AGAIN_NS) < SAME_AGAIN_NS:
                return
            self._noted[error.reason] = now_ns
        self._note("refused", f"at the door: {error}")

    def _note(self, happening: LinkHappening, reason: str) -> None:
        log.info("link", state=self.state, happening=happening, reason=reason)
        change = LinkChange(time_ns=self._now_ns(), state=self.state, happening=happening, reason=reason)
        with contextlib.suppress(MarsadError):
            self._spool.note_change(change)

    def _answer(self, body: bytes) -> bytes | Refusal:
        """What the partner gets for a pull; waits for news as long as it asks to. Raises: InputError."""
        pull = decode_pull(body)
        deadline_s = time.monotonic() + pull.wait_ms / 1000
        try:
            batch = None
            while batch is None:
                # Opened anew now and then, for the station may have come back with another file.
                with OutboxReader(self._settings.outbox) as outbox:
                    refusal = self._object(pull, outbox.stream)
                    if refusal is not None:
                        return refusal
                    batch = self._news(pull, outbox, min(deadline_s, time.monotonic() + REOPEN_S))
                if time.monotonic() >= deadline_s or self._stop.is_set():
                    break
            return b"" if batch is None else encode_batch(batch)
        except UnavailableError as error:
            return Refusal(now_ns=self._now_ns(), code="busy", text=str(error))

    def _object(self, pull: Pull, stream: bytes) -> Refusal | None:
        """Why the pull is not answered, which is noted; else the partner's receipt is kept."""
        refusal = objection(pull, stream, self._keys.partner_key(), self._now_ns())
        if refusal is not None:
            self._turn_away(LinkRefusedError(refusal.code, f"the partner was told: {refusal.text}"))
        elif pull.receipt is not None and pull.receipt.checkpoint.sequence > self._confirmed:
            self._spool.note_receipt(pull.receipt)
            self._confirmed = pull.receipt.checkpoint.sequence
        return refusal

    def _news(self, pull: Pull, outbox: OutboxReader, until_s: float) -> Batch | None:
        """The answer as soon as there is one, None when the time is over."""
        seen = None
        while True:
            version = outbox.version()
            if version != seen:
                seen = version
                with outbox.snapshot():
                    batch = answer(pull, outbox, self._now_ns())
                if batch is not None:
                    return batch
            if time.monotonic() >= until_s or self._stop.wait(LOOK_S):
                return None


def run_gateway(settings: GatewaySettings) -> None:
    """Run until the process is told to end. Raises: InputError, UnavailableError."""
    with Gateway(settings) as gateway:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: gateway.stop())
        tell_manager("READY=1")
        log.info("gateway_open", port=gateway.port, partner=settings.partner)
        gateway.run()
        tell_manager("STOPPING=1")


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT, as a person writes it; an IPv6 host stands in brackets. Raises: InputError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"{text!r} is no address: write HOST:PORT, such as 192.0.2.7:8443")
    return host.strip("[]"), int(port)


def _judge_answer(batch: Batch, nonce: bytes, now_ns: int) -> None:
    """An answer must be to this pull, and of this time. Raises: LinkRefusedError."""
    if batch.nonce != nonce:
        raise LinkRefusedError("replayed", "the answer is to another pull")
    if abs(batch.now_ns - now_ns) > SKEW_NS:
        apart_s = (batch.now_ns - now_ns) / 1e9
        raise LinkRefusedError("clock", f"the partner's clock is {apart_s:+.0f} s from ours; set both")

"""Work for the map that takes longer than a request may hold up the others: limited, shared and kept."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from marsad.kernel.error import UnavailableError


class Work:
    """Answers that are worked out in threads, at most `workers` at once, and kept while `kept_bytes` hold them.

    Several who ask the same wait for one answer. Where `waiting` are under way already, nobody else is let in.
    """

    def __init__(self, *, workers: int, waiting: int, kept_bytes: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="map")
        self._waiting = waiting
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._running: dict[str, asyncio.Task[bytes]] = {}
        self._askers: dict[str, int] = {}

    async def answer(self, key: str, compute: Callable[[], bytes]) -> bytes:
        """What `compute` returns, or returned for the same key before.

        An answer that everybody has stopped waiting for is not begun. Raises: UnavailableError where too much is
        under way, and what `compute` raises.
        """
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= self._waiting:
                raise UnavailableError("the map has too much to work out at the moment; ask again in a few seconds")
            task = self._running[key] = asyncio.create_task(self._worked_out(key, compute))
        self._askers[key] = self._askers.get(key, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._askers[key] -= 1
            if not self._askers[key]:
                del self._askers[key]
                task.cancel()

    def close(self) -> None:
        """Begin nothing more; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _worked_out(self, key: str, compute: Callable[[], bytes]) -> bytes:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._pool, compute)
        finally:
            del self._running[key]
        self._keep(key, found)
        return found

    def _keep(self, key: str, found: bytes) -> None:
        if len(found) > self._kept_bytes:
            return
        self._kept[key] = found
        self._size += len(found)
        while self._size > self._kept_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def key_of(*parts: object) -> str:
    """A short name for what an answer depends on, the same for equal parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

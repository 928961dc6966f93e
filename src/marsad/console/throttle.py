"""How long whoever guesses passwords must wait."""

from collections import OrderedDict
from typing import Final, NamedTuple

from marsad.kernel.account import name_key

NS: Final = 1_000_000_000
FREE_BY_NAME: Final = 4
FREE_BY_ADDRESS: Final = 12
LONGEST_S: Final = 300
FORGOTTEN_S: Final = 3600
KEPT: Final = 10_000


class _Failures(NamedTuple):
    times: int
    last_ns: int


class Throttle:
    """Counts failed sign-ins by name and by address; after some, each doubles the time until the next is looked at.

    Somebody who signed in from an address before is not kept waiting there by what others do to their name from
    elsewhere: else anybody could lock the duty officer out.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, ...], _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait_s(self, name: str, address: str, now_ns: int) -> int:
        """The seconds until a sign-in is looked at, 0 where it is now."""
        return max(
            self._wait_s(self._by_name(name, address), FREE_BY_NAME, now_ns),
            self._wait_s(("address", address), FREE_BY_ADDRESS, now_ns),
        )

    def begin(self, name: str, address: str, now_ns: int) -> None:
        """A sign-in is looked at; it counts as failed until it succeeds, so that many at once are no way round."""
        for key in (self._by_name(name, address), ("address", address)):
            before = self._failures.pop(key, _Failures(0, now_ns))
            recent = now_ns - before.last_ns < FORGOTTEN_S * NS
            self._failures[key] = _Failures(before.times + 1 if recent else 1, now_ns)
        while len(self._failures) > KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """A sign-in succeeded: what failed for this name is forgiven, what failed for others from there is not."""
        self._failures.pop(self._by_name(name, address), None)
        at_address = self._failures.get(("address", address))
        if at_address is not None:
            self._failures["address", address] = at_address._replace(times=at_address.times - 1)
        self._known[name_key(name), address] = None
        self._known.move_to_end((name_key(name), address))
        self._failures.pop(self._by_name(name, address), None)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _by_name(self, name: str, address: str) -> tuple[str, ...]:
        pair = (name_key(name), address)
        return ("known", *pair) if pair in self._known else ("name", name_key(name))

    def _wait_s(self, key: tuple[str, ...], free: int, now_ns: int) -> int:
        failures = self._failures.get(key)
        if failures is None or failures.times < free:
            return 0
        delay_s = min(1 << min(failures.times - free, 16), LONGEST_S)
        left_ns = failures.last_ns + delay_s * NS - now_ns
        return max(0, -(-left_ns // NS))

"""Every port without the outside: for tests, demonstrations and trials."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from secrets import token_bytes

import msgspec
import numpy as np

from marsad.kernel.account import Account, Session, name_key
from marsad.kernel.chain import (
    GENESIS,
    SALT_BYTES,
    Entry,
    Head,
    StoredEvent,
    check_erasable,
    erasure_of,
    recall,
    seal,
    seal_all,
    verify_entries,
)
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.encoding import is_of, start_of
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.event import Event, PayloadErased, SourceEvent, StreamEnded
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import Classified, SourceInfo
from marsad.kernel.thinning import TrackThinner


class MemoryEventLog:
    """A log that lives as long as the process; `entries` may be looked at, and in a test tampered with."""

    def __init__(self, *, salt: Callable[[int], bytes] = token_bytes) -> None:
        self.entries: list[Entry] = []
        self._salt = salt
        self._thinner = TrackThinner()
        self._closed = False

    def append(self, events: Sequence[Event]) -> int:
        """Write events and return the sequence of the log's last entry; see `port.EventLog`."""
        self._refuse_closed()
        kept = self._thinner.keep(events)
        try:
            self.entries += seal_all(kept, self._salt, self.head())
        except BaseException:
            self._thinner.forget(kept)
            raise
        return len(self.entries) - 1

    def flush(self) -> None:
        """Return at once: there is no disk."""
        self._refuse_closed()

    def read(
        self, first: int = 0, last: int | None = None, *, without: Collection[type[Event]] = ()
    ) -> Iterator[StoredEvent]:
        """See `port.EventLog`. Raises: InputError where one cannot be decoded."""
        stop = len(self.entries) if last is None else last + 1
        starts = [start_of(kind) for kind in without]
        for entry in self.entries[max(first, 0) : max(stop, 0)]:
            if entry.payload is None or not is_of(entry.payload, starts):
                yield recall(entry)

    def head(self) -> Head:
        """How many entries there are, and the hash of the last."""
        return self.entries[-1].head if self.entries else Head(count=0, entry_hash=GENESIS)

    def verify(self, head: Head | None = None) -> Head:
        """The head, all entries being sound. Raises: IntegrityError naming the first bad entry."""
        return verify_entries(self.entries, head)

    def erase(self, sequences: Sequence[int], *, rule: str, officer: str, time_ns: int) -> PayloadErased:
        """Erase payloads under a retention rule and log that they were; see `port.EventLog`."""
        self._refuse_closed()
        erased, head = erasure_of(sequences, rule, officer, time_ns), self.head()
        there = [sequence for sequence in sequences if 0 <= sequence < len(self.entries)]
        check_erasable(sequences, {sequence: self.entries[sequence].payload for sequence in there}, head)
        self.entries.append(seal(erased, self._salt(SALT_BYTES), head.length, head.entry_hash))
        for sequence in there:
            self.entries[sequence] = msgspec.structs.replace(self.entries[sequence], salt=None, payload=None)
        return erased

    def purge(self) -> None:
        """Return at once: there are no files."""

    def close(self) -> None:
        """Refuse to be written to from now on; safe to call twice."""
        self._closed = True

    def _refuse_closed(self) -> None:
        if self._closed:
            raise InputError("the log in memory is closed; make another")


class MemoryFrameSource:
    """Pictures and source events from a list, in the order given; ends with `StreamEnded` if the list does not."""

    def __init__(self, camera_id: str, items: Sequence[Frame | SourceEvent], *, fps: float = 0.0) -> None:
        """Take a list with at least one picture, all of one size. Raises: InputError where it has none."""
        frames = [item for item in items if isinstance(item, Frame)]
        if not frames:
            raise InputError(f"camera {camera_id}: no picture in the list of {len(items)} items")
        height_px, width_px = frames[0].counts.shape
        if any(frame.counts.shape != (height_px, width_px) for frame in frames):
            raise InputError(f"camera {camera_id}: the pictures differ in size; give one source for each size")
        self.camera_id = camera_id
        self.info = SourceInfo(
            width_px=width_px,
            height_px=height_px,
            bits=8 * frames[0].counts.dtype.itemsize,
            fps=fps,
            frames=len(frames),
            started_ns=frames[0].time_ns,
        )
        self._items = list(items)
        self._frames = len(frames)

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the items."""
        yield from self._items
        last = self._items[-1] if self._items else None
        if self._items and not isinstance(last, StreamEnded):
            time_ns = max(item.time_ns for item in self._items)
            yield StreamEnded(time_ns=time_ns, camera_id=self.camera_id, frames=self._frames)

    def close(self) -> None:
        """Let the pictures go; safe to call twice."""
        self._items.clear()


class MemoryClock:
    """A clock that is set by hand; sleeping moves it on at once."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """The time it was last set to."""
        return self._now_ns

    def set(self, now_ns: int) -> None:
        """Set it, forward or back."""
        self._now_ns = now_ns

    def sleep(self, seconds: float) -> None:
        """Move on by so much."""
        self._now_ns += round(max(seconds, 0.0) * 1e9)


class MemoryNotifier:
    """Keeps what it was told in `texts`; while `down`, it cannot be reached."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.down = False

    def notify(self, text: str) -> None:
        """Keep the text. Raises: UnavailableError while down."""
        if self.down:
            raise UnavailableError(f"nobody can be told now: {text}")
        self.texts.append(text)


class MemoryTransport:
    """One end of a link inside the process; `pair` makes both. While `down`, on either end, nothing passes."""

    def __init__(self, outbox: deque[bytes], inbox: deque[bytes]) -> None:
        self._outbox = outbox
        self._inbox = inbox
        self.down = False

    @classmethod
    def pair(cls) -> tuple["MemoryTransport", "MemoryTransport"]:
        """Two ends: what one sends, the other receives."""
        there: deque[bytes] = deque()
        back: deque[bytes] = deque()
        return cls(there, back), cls(back, there)

    def send(self, data: bytes) -> None:
        """Hand over. Raises: UnavailableError while down."""
        self._refuse_down()
        self._outbox.append(data)

    def receive(self) -> bytes:
        """Everything that has arrived, empty when nothing has. Raises: UnavailableError while down."""
        self._refuse_down()
        data = b"".join(self._inbox)
        self._inbox.clear()
        return data

    def _refuse_down(self) -> None:
        if self.down:
            raise UnavailableError("the link in memory is down; set `down` to False")


class MemoryDetectorModel:
    """A detector made of a function from one picture to what is on it; the surest is put first."""

    def __init__(self, look: Callable[[Counts], Sequence[Classified]]) -> None:
        self._look = look

    def detect(self, crops: Sequence[Counts]) -> list[list[Classified]]:
        """For each picture what is on it, the surest first."""
        return [sorted(self._look(crop), key=lambda found: -found.confidence) for crop in crops]


class MemoryElevationSource:
    """Heights from one grid in EPSG:4326."""

    def __init__(self, grid: ElevationGrid) -> None:
        """Take a grid in degrees. Raises: InputError where it is in another system."""
        if grid.crs != "EPSG:4326":
            raise InputError(f"grid.crs = {grid.crs}: EPSG:4326, since areas are asked for in degrees")
        self._grid = grid

    def load(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> ElevationGrid:
        """The cells whose centres lie in the area. Raises: InputError where there is none."""
        grid = self._grid
        rows, columns = grid.height_m.shape
        x_deg = grid.west + (np.arange(columns) + 0.5) * grid.step_x
        y_deg = grid.north - (np.arange(rows) + 0.5) * grid.step_y
        across = np.flatnonzero((x_deg >= west_deg) & (x_deg <= east_deg))
        down = np.flatnonzero((y_deg >= south_deg) & (y_deg <= north_deg))
        if not across.size or not down.size:
            raise InputError(
                f"no height between {west_deg}, {south_deg} and {east_deg}, {north_deg}: the grid covers"
                f" {grid.west}, {grid.north - rows * grid.step_y} to {grid.west + columns * grid.step_x}, {grid.north}"
            )
        left, top = int(across[0]), int(down[0])
        return msgspec.structs.replace(
            grid,
            west=grid.west + left * grid.step_x,
            north=grid.north - top * grid.step_y,
            height_m=grid.height_m[top : int(down[-1]) + 1, left : int(across[-1]) + 1],
        )


class MemoryAccounts:
    """Accounts and sessions that live as long as the process; see `port.Accounts`."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[bytes, Session] = {}

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        return [self._accounts[key] for key in sorted(self._accounts)]

    def account(self, name: str) -> Account | None:
        """The account of that name, None where there is none."""
        return self._accounts.get(name_key(name))

    def add(self, account: Account, *, first: bool = False) -> None:
        """Make an account. Raises: RefusedError where the name is taken, or with `first` where there is any."""
        if first and self._accounts:
            raise RefusedError("there is an account already")
        if self.account(account.name):
            raise RefusedError(f"the name {account.name} is taken")
        self._accounts[name_key(account.name)] = account

    def change(self, account: Account) -> None:
        """Put an account in the place of the one of its name. Raises: InputError where there is none."""
        if not self.account(account.name):
            raise InputError(f"there is no account {account.name}")
        self._accounts[name_key(account.name)] = account

    def begin(self, session: Session) -> None:
        """Somebody is signed in."""
        self._sessions[session.token_hash] = session

    def session(self, token_hash: bytes) -> Session | None:
        """The session of that token, None where there is none or it has ended."""
        return self._sessions.get(token_hash)

    def touch(self, token_hash: bytes, seen_ns: int) -> None:
        """The session was used."""
        if found := self._sessions.get(token_hash):
            self._sessions[token_hash] = msgspec.structs.replace(found, seen_ns=seen_ns)

    def end(self, token_hash: bytes) -> None:
        """Somebody is signed out; nothing happens where they are already."""
        self._sessions.pop(token_hash, None)

    def end_all(self, name: str) -> None:
        """Somebody is signed out everywhere."""
        self._keep(lambda session: name_key(session.name) != name_key(name))

    def forget(self, began_before_ns: int, seen_before_ns: int) -> None:
        """Sessions that began, or were last used, before these times are over."""
        self._keep(lambda session: session.began_ns >= began_before_ns and session.seen_ns >= seen_before_ns)

    def _keep(self, wanted: Callable[[Session], bool]) -> None:
        self._sessions = {token: session for token, session in self._sessions.items() if wanted(session)}

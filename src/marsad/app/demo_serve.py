"""The demonstration live: the al-Qaim night played as cameras of a station, with its console, marked as an exercise."""

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from rich.console import Console

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app.camera_wire import Glance, Orders, Story
from marsad.app.cameras import Cameras
from marsad.app.config import load_site
from marsad.app.demo_desk import begin_of, exercise_of
from marsad.app.demo_patrol import Phones
from marsad.app.run import configure_log, first_of, stop_asked
from marsad.app.scenario_file import load_scenario
from marsad.app.sharing import Share
from marsad.app.station import LOG, Place, Plan, Station
from marsad.app.story import StoryClock
from marsad.console.desk import Done
from marsad.kernel.account import Account
from marsad.kernel.act import Person, SetExercise
from marsad.kernel.desk import CameraRun
from marsad.kernel.error import UnavailableError
from marsad.kernel.role import Role
from marsad.kernel.site import Site
from marsad.simulate.terrain import ILLUSTRATIVE

NS: Final = 1_000_000_000
SCENARIO: Final = "al-qaim-night"
FOLDER: Final = "console"
STEP_S: Final = 0.05
PAUSE_S: Final = 10.0
GAP_NS: Final = 60 * NS
"""So long after what an earlier play has logged the story begins."""


class Theatre(Station):
    """A station whose cameras play in a story."""

    def __init__(
        self, place: Place, site: Site, site_file: Path, begin_ns: int, *, story: StoryClock | None = None,
        share: Share | None = None,
    ) -> None:  # fmt: skip
        """`story` is the clock of several that play together; `share` where the partner's things lie."""
        self.story = StoryClock(begin_ns) if story is None else story
        self.begin_ns = begin_ns
        self.scenario = load_scenario(SCENARIO).scenario
        self._site_file = site_file
        orders = [self._orders(camera.id) for camera in site.cameras]
        super().__init__(place, Plan(site=site, orders=orders, clock=self.story, share=share))

    def saw(self, glance: Glance) -> None:
        """A camera has seen something, or nothing."""
        self.story.saw(glance.camera_id, glance.time_ns)
        super().saw(glance)

    def runs(self, camera_id: str, run: CameraRun, restarts: int, detail: str) -> None:
        """A camera's process does otherwise than before."""
        if run in {"lost", "restarting", "stopped"}:
            self.story.leave(camera_id)
        super().runs(camera_id, run, restarts, detail)

    async def play(self) -> None:
        """Let the story go on, for ever."""
        while True:
            until_ns = self.story.step()
            for keeper in self.cameras.keepers.values():
                keeper.go(until_ns)
            await asyncio.sleep(STEP_S)

    async def report(self) -> None:
        """Let the patrols' phones say where they are, for ever, from the beginning each time the story is played."""
        phones = Phones(self.scenario, self.plan.site, self.control.frame, self.begin_ns)
        while True:
            if phones.begin_ns != self.begin_ns:
                phones = Phones(self.scenario, self.plan.site, self.control.frame, self.begin_ns)
            for person, said in phones.due(self.story()):
                # As a phone does where there is no link: what is missed now is made good by what comes next.
                with contextlib.suppress(UnavailableError):
                    await self.control.act(person, said)
            await asyncio.sleep(STEP_S)

    async def play_again(self) -> None:
        """Begin the story again."""
        self.begin_ns = self.story() + NS
        await self.begin_again()

    def _begin_cameras(self) -> Cameras:
        self.story.await_cameras({camera.id for camera in self.plan.site.cameras})
        return super()._begin_cameras()

    def _orders(self, camera_id: str) -> Callable[[], Orders]:
        def orders() -> Orders:
            from_ns = max(self.begin_ns, self.story())
            story = Story(scenario=SCENARIO, begin_ns=self.begin_ns, from_ns=from_ns)
            return Orders(
                camera_id=camera_id, site=str(self._site_file), film=str(self.film_folder.absolute()), story=story
            )  # fmt: skip

        return orders


def serve_demo(
    out: Path, *, port: int, loop: bool, console: Console | None = None, seconds: float | None = None
) -> None:
    """Serve the night live until told to stop; `out` has what `run_demo` left there.

    Raises: UnavailableError where the port or the folder cannot be had.
    """
    configure_log()
    asyncio.run(_serve(out, port, loop=loop, console=console or Console(highlight=False), seconds=seconds))


async def _serve(out: Path, port: int, *, loop: bool, console: Console, seconds: float | None) -> None:
    loaded = load_scenario(SCENARIO)
    site_file = (out / loaded.names[0]).absolute()
    place = Place(out=out / FOLDER, port=port, quota_gb=2.0)
    begin_ns = _begin_ns(place.out / LOG, begin_of(loaded.scenario))
    theatre = Theatre(place, load_site(site_file), site_file, begin_ns)
    with stop_asked() as asked:
        await theatre.open()
        try:
            password = let_in(theatre)
            await mark(theatre, exercise_of(loaded.scenario))
            _invite(theatre, password, console)
            await first_of(
                asked.wait(), theatre.failed(), theatre.play(), theatre.report(), _rounds(theatre, console, loop=loop),
                asyncio.sleep(1e9 if seconds is None else seconds),
            )  # fmt: skip
        finally:
            await theatre.close()


async def _rounds(theatre: Theatre, console: Console, *, loop: bool) -> None:
    """Play the story again and again: by itself, or whenever somebody presses Enter."""
    while True:
        await theatre.cameras.ended()
        if loop:
            await asyncio.sleep(PAUSE_S)
        else:
            console.print(
                "The story has ended; the console goes on, and the past can be replayed. Enter plays it again."
            )
            await _enter()
        await theatre.play_again()


async def _enter() -> None:
    """Return when somebody presses Enter; never where nobody can."""
    pressed = asyncio.Event()
    if not sys.stdin.isatty():
        await pressed.wait()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), pressed.set)
    try:
        await pressed.wait()
        sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin.fileno())


def _begin_ns(log: Path, start_ns: int) -> int:
    """When the story begins: when the scenario says, or after all that was logged in earlier plays."""
    if not log.exists() or not log.stat().st_size:
        return start_ns
    with SqliteLogReader(log) as reader:
        last = reader.head().length - 1
        newest_ns = max((each.time_ns for each in reader.read(max(last - 1000, 0), last)), default=0)
    return max(start_ns, newest_ns + GAP_NS)


def let_in(theatre: Theatre) -> str:
    """A new password for the demonstration's accounts, which are made where there are none."""
    password = secrets.token_urlsafe(9)
    hashed = PasswordHasher().hash(password)
    people: list[tuple[str, Role, str]] = [("officer", "supervisor", "")]
    people += [(each.patrol_id, "patrol", each.patrol_id) for each in theatre.plan.site.patrols]
    known = {each.name for each in theatre.accounts.accounts()}
    for name, role, patrol_id in people:
        account = Account(
            name=name, role=role, password_hash=hashed, created_ns=time.time_ns(), patrol_id=patrol_id
        )  # fmt: skip
        if name in known:
            theatre.accounts.change(account)
        else:
            theatre.accounts.add(account)
    return password


async def mark(theatre: Theatre, name: str) -> Done | None:
    """Mark everything as an exercise."""
    if theatre.control.state().exercise is not None:
        return None
    act = SetExercise(act_id=f"demo {theatre.control.now_ns()}", on=True, name=name)
    return await theatre.control.act(Person(name="demonstration", role="supervisor"), act)


def _invite(theatre: Theatre, password: str, console: Console) -> None:
    phones = ", ".join(each.patrol_id for each in theatre.plan.site.patrols)
    console.print(f"\n[bold]{theatre.url}[/]  name [bold]officer[/], password [bold]{password}[/]")
    console.print(f"A patrol's phone is at {theatre.url}/patrol: {phones}, the same password.")
    console.print(f"All of it is simulated. {ILLUSTRATIVE}. Ctrl-C ends it.")

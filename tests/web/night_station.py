"""The al-Qaim night as a real station, for the tests in a browser: `python night_station.py FOLDER PORT FROM_S`.

It takes up the story where an earlier one was killed, so that no second of the night is played twice. The story stands
still at the second that the file `until` in the folder names, as it does on a machine that is slow.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from argon2 import PasswordHasher

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app.config import load_site
from marsad.app.demo_serve import SCENARIO, STEP_S, Theatre
from marsad.app.run import configure_log, first_of, stop_asked
from marsad.app.scenario_file import load_scenario
from marsad.app.stage import Stage, write_sites
from marsad.app.station import LOG, Place
from marsad.app.story import LEAD_NS, StoryClock
from marsad.kernel.account import Account
from marsad.kernel.error import InputError
from marsad.kernel.role import Role
from marsad.kernel.site import Site

NS = 1_000_000_000
PASSWORD = "a quiet night on the line"  # noqa: S105 - of a test
PEOPLE: dict[str, tuple[Role, str]] = {
    "zainab": ("operator", ""), "hasan": ("viewer", ""), "rida": ("patrol", "patrol-1"),
    "karwan": ("patrol", "patrol-2"),
}  # fmt: skip


class Night(Theatre):
    """The night from a moment of it on."""

    def __init__(self, place: Place, site: Site, site_file: Path, begin_ns: int, from_ns: int) -> None:
        super().__init__(place, site, site_file, begin_ns)
        self.story = StoryClock(from_ns)
        self.plan = self.plan._replace(clock=self.story)
        self._until = site_file.parent / "until"

    async def play(self) -> None:
        """Let the story go on for as long as it may."""
        while True:
            until_s = float(self._until.read_text(encoding="ascii"))
            if self.story() + LEAD_NS <= self.begin_ns + until_s * NS:
                until_ns = self.story.step()
                for keeper in self.cameras.keepers.values():
                    keeper.go(until_ns)
            await asyncio.sleep(STEP_S)


def main(folder: Path, port: int, from_s: float) -> None:
    """Serve the night until told to stop."""
    configure_log()
    loaded = load_scenario(SCENARIO)
    site_file = folder / loaded.names[0]
    if not site_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_sites(Stage(loaded), folder, dict.fromkeys(loaded.camera_ids, ""))
    begin_ns = round(loaded.scenario.start.timestamp() * NS)
    place = Place(out=folder / "console", port=port, quota_gb=1.0)
    from_ns = max(begin_ns + round(from_s * NS), _reached_ns(place.out / LOG))
    asyncio.run(_serve(Night(place, load_site(site_file), site_file, begin_ns, from_ns)))


async def _serve(night: Night) -> None:
    with stop_asked() as asked:
        await night.open()
        try:
            _let_in(night)
            await first_of(asked.wait(), night.failed(), night.play())
        finally:
            await night.close()


def _let_in(night: Night) -> None:
    known = {each.name for each in night.accounts.accounts()}
    hashed = PasswordHasher().hash(PASSWORD)
    for name, (role, patrol_id) in PEOPLE.items():
        if name not in known:
            night.accounts.add(
                Account(name=name, role=role, password_hash=hashed, created_ns=night.begin_ns, patrol_id=patrol_id)
            )


def _reached_ns(log: Path) -> int:
    """How far the night had come when it was killed."""
    with contextlib.suppress(InputError), SqliteLogReader(log) as reader:
        last = reader.head().length - 1
        return max((each.time_ns for each in reader.read(max(last - 1000, 0), last)), default=0)
    return 0


if __name__ == "__main__":
    FOLDER, PORT, FROM_S = sys.argv[1:]
    main(Path(FOLDER), int(PORT), float(FROM_S))

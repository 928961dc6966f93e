"""The command `marsad demo --two-sides`: the al-Qaim night on both sides of the line, each with a desk of its own.

The western side has its post alone, the eastern side its masts and patrols. Either desk tells the other what the
agreement lets it, through two gateways, each a process of its own, over mutual TLS on loopback. Both desks live by one
story's clock; the link runs by the wall's.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, get_args

import msgspec
from rich.console import Console

from marsad.adapters.link_keys import OWN_CARD, generate, pin, read_card, read_signing_key
from marsad.adapters.writing import write_refusal
from marsad.app.config import load_site
from marsad.app.demo_desk import begin_of, exercise_of
from marsad.app.demo_serve import SCENARIO, Theatre, let_in, mark
from marsad.app.run import configure_log, first_of, stop_asked
from marsad.app.scenario_file import load_scenario
from marsad.app.sharing import AGREEMENT, GATEWAY, OUTBOX, SPOOL, Share
from marsad.app.stage import Stage, write_sites
from marsad.app.station import Place
from marsad.app.story import StoryClock
from marsad.console.desk import Told
from marsad.coordinate.agreement import sign
from marsad.kernel.agreement import Agreement, JointRules, Party, SignedAgreement
from marsad.kernel.event import AlarmChanged, ReleaseHeard, ReleaseMade
from marsad.kernel.joint import JointKind
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import Item, ReleaseRule
from marsad.kernel.site import Line, Site
from marsad.kernel.track import Kind
from marsad.simulate.terrain import ILLUSTRATIVE

NS: Final = 1_000_000_000
EAST, WEST = "eastern", "western"
NAMES: Final = {EAST: "Eastern side", WEST: "Western side"}
AGREEMENT_ID: Final = "al-qaim-night"
ANCHOR: Final = Position(latitude_deg=34.4, longitude_deg=40.9)
"""A round place that both can name: nobody's mast."""
CELL_M: Final = 500
BLOCK_M: Final = 1000
NEAR_M: Final = 3000
SETTLE_S: Final = 3.0
"""What is under way when the story ends still arrives."""
_KINDS: Final[tuple[Kind, ...]] = ("person", "group", "vehicle", "unknown")


class Happening(Record):
    """Something that happened on one side, in seconds of the story since its start."""

    time_s: float
    side: str
    text: str


class TwoSidesReport(Record):
    """What both sides saw, and what each knew from the other.

    `warned_s` is how long before its own first alarm of the walkers the eastern desk had the western one's; `link_ms`
    is from what one desk wrote down to what the other desk did, for everything that was told.
    """

    happenings: tuple[Happening, ...]
    told: dict[str, int]
    heard: dict[str, int]
    first_western_s: float | None
    first_eastern_s: float | None
    partner_alarm_s: float | None
    warned_s: float | None
    link_ms: tuple[float, ...]

    @property
    def exit_code(self) -> int:
        """0: the eastern desk had the other side's alarm; 1: it had not."""
        return 0 if self.partner_alarm_s is not None else 1

    def text(self) -> str:
        """The report for people."""
        lines = [f"{each.time_s:6.1f} s  {NAMES[each.side]}: {each.text}" for each in self.happenings]
        if self.warned_s is not None:
            lines.append(f"The eastern side was warned {self.warned_s:.1f} s before its own cameras raised an alarm.")
        if self.link_ms:
            middle = self.link_ms[len(self.link_ms) // 2]
            lines.append(
                f"Told and heard: {sum(self.told.values())} and {sum(self.heard.values())}; from one desk to the other"
                f" {middle:.0f} ms in the middle, {self.link_ms[-1]:.0f} ms at the most."
            )
        return "\n".join([*lines, f"{ILLUSTRATIVE}. All of it is simulated."])


class _Side(NamedTuple):
    """One side's folders."""

    name: str
    folder: Path
    site: Site
    site_file: Path

    @property
    def share(self) -> Path:
        """What it keeps for its partner."""
        return self.folder / "partner"


def play_two_sides(
    out: Path, *, port: int, seconds: float | None = None, as_json: bool = False, loop: bool = False
) -> TwoSidesReport:
    """Play the night on both sides until it ends, or go on serving for as long as nobody ends it (`loop`).

    Raises: UnavailableError where the folder or a port cannot be had.
    """
    configure_log()
    console = Console(quiet=as_json, highlight=False)
    sides = prepare(out)
    return asyncio.run(_play(sides, port, seconds, console, loop=loop))


def prepare(out: Path) -> tuple[_Side, _Side]:
    """Write sites, keys and the agreement that both sign; all of them anew."""
    loaded = load_scenario(SCENARIO)
    stage = Stage(loaded)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error
    write_sites(stage, out, {camera.id: "" for site in stage.sites for camera in site.cameras}, (EAST, WEST))
    run = out / f"run-{time.time_ns()}"
    sites = [load_site(out / file) for file in loaded.names]
    # Both know the posts of both.
    posts = tuple({post.id: post for site in sites for post in site.posts}.values())
    sides = tuple(
        _Side(name, run / name, msgspec.structs.replace(site, organisation=name, posts=posts), (out / file).absolute())
        for name, file, site in zip((EAST, WEST), loaded.names, sites, strict=True)
    )
    for side in sides:
        generate(side.share, side.share / GATEWAY, NAMES[side.name], time.time_ns())
    east, west = sides
    for one, other in ((east, west), (west, east)):
        card = read_card(other.share / OWN_CARD)
        for folder in (one.share, one.share / GATEWAY):
            pin(folder, card, compared=True)
    _agree(sides, begin_of(loaded.scenario), east.site.lines[0])
    return east, west


def _agree(sides: Sequence[_Side], begin_ns: int, line: Line) -> None:
    """Write what both sides sign; it protects no distance: one narrow camera sees no block whole."""
    keys = {side.name: read_signing_key(side.share) for side in sides}
    parties = tuple(
        Party(party_id=name, public_key=key.public_key().public_bytes_raw().hex(), name=NAMES[name])
        for name, key in keys.items()
    )
    agreement = Agreement(
        agreement_id=AGREEMENT_ID, version=1, parties=(parties[0], parties[1]), from_ns=begin_ns - NS,
        until_ns=begin_ns + 86_400 * NS, anchor=ANCHOR, protected_distance_m=0, block_m=BLOCK_M,
        line=line.points,
        joint=JointRules(kinds=get_args(JointKind)),
        rules=tuple(
            rule
            for giver, taker in (sides, reversed(sides))
            for rule in (*_rules(giver.name, taker.name), _own_rule(giver, taker))
        ),
    )  # fmt: skip
    signatures = tuple(sign(agreement, name, key.private_bytes_raw()) for name, key in keys.items())
    signed = msgspec.json.encode(SignedAgreement(agreement=agreement, signatures=signatures))
    for side in sides:
        (side.share / AGREEMENT).write_bytes(msgspec.json.format(signed))


def _rules(giver: str, taker: str) -> Iterator[ReleaseRule]:
    """Alarms at once; groups and people every ten seconds, held for a minute; incidents."""
    moving: tuple[Item, ...] = ("track", "group")
    yield ReleaseRule(
        rule_id=f"{giver}-alarms", giver=giver, taker=taker, items=("alarm",), kinds=_KINDS, lowest_priority="low",
        near_line_m=NEAR_M, precision_m=CELL_M, sigma_m=CELL_M, time_precision_s=10, every_s=0,
        fields=("kind", "count", "alarm_rule", "priority", "direction"), exercises=True,
    )  # fmt: skip
    yield ReleaseRule(
        rule_id=f"{giver}-moving", giver=giver, taker=taker, items=moving, kinds=_KINDS, near_line_m=NEAR_M,
        precision_m=CELL_M, sigma_m=CELL_M, time_precision_s=10, every_s=10, hold_s=60,
        fields=("kind", "count", "heading"), exercises=True,
    )  # fmt: skip
    yield ReleaseRule(
        rule_id=f"{giver}-incidents", giver=giver, taker=taker, items=("incident",), near_line_m=NEAR_M,
        precision_m=CELL_M, sigma_m=CELL_M, time_precision_s=10, every_s=0,
        fields=("incident_kind", "incident_state", "hazards"), exercises=True,
    )  # fmt: skip


def _own_rule(giver: _Side, taker: _Side) -> ReleaseRule:
    """Where a side's own patrols may be, which of its posts keep watch, and what people saw."""
    return ReleaseRule(
        rule_id=f"{giver.name}-own", giver=giver.name, taker=taker.name, items=("patrol", "post", "sighting"),
        kinds=_KINDS, near_line_m=NEAR_M, precision_m=CELL_M, sigma_m=CELL_M, time_precision_s=60, every_s=0,
        fields=("kind", "count"), posts=tuple(post.id for post in giver.site.posts), exercises=True,
    )  # fmt: skip


class _Watch:
    """What happens at both desks, as their logs have it."""

    def __init__(self, begin_ns: int) -> None:
        self._begin_ns = begin_ns
        self.happenings: list[Happening] = []
        self.told = {EAST: 0, WEST: 0}
        self.heard = {EAST: 0, WEST: 0}
        self.first: dict[str, float] = {}
        self.partner_alarm_s: float | None = None
        self.link_ms: list[float] = []
        self._written_s: dict[str, float] = {}

    def hear(self, side: str, told: Sequence[Told]) -> None:
        """Take in what one desk wrote down."""
        for each in told:
            self._note(side, each)

    def _note(self, side: str, told: Told) -> None:
        event = told.event
        time_s = round((event.time_ns - self._begin_ns) / NS, 1)
        match event:
            case AlarmChanged(happening="raised", alarm=alarm):
                self.happenings.append(Happening(time_s=time_s, side=side, text=f"alarm: {alarm.text}"))
                if alarm.about == "partner" and side == EAST and self.partner_alarm_s is None:
                    self.partner_alarm_s = time_s
                elif alarm.about == "object":
                    self.first.setdefault(side, time_s)
            case ReleaseMade(release=release):
                self.told[side] += 1
                self._written_s[release.release_id] = time.monotonic()
            case ReleaseHeard(release=release):
                self.heard[side] += 1
                if release.release_id in self._written_s:
                    self.link_ms.append(round(1000 * (time.monotonic() - self._written_s[release.release_id]), 1))
            case _:
                pass

    def report(self) -> TwoSidesReport:
        """All of it."""
        east_s, warned = self.first.get(EAST), self.partner_alarm_s
        return TwoSidesReport(
            happenings=tuple(sorted(self.happenings, key=lambda each: each.time_s)), told=self.told, heard=self.heard,
            first_western_s=self.first.get(WEST), first_eastern_s=east_s, partner_alarm_s=warned,
            warned_s=None if east_s is None or warned is None else round(east_s - warned, 1),
            link_ms=tuple(sorted(self.link_ms)),
        )  # fmt: skip


async def _play(
    sides: tuple[_Side, _Side], port: int, seconds: float | None, console: Console, *, loop: bool
) -> TwoSidesReport:
    scenario = load_scenario(SCENARIO).scenario
    begin_ns = begin_of(scenario)
    story, watch = StoryClock(begin_ns), _Watch(begin_ns)
    theatres = [
        Theatre(
            Place(out=side.folder, port=port + number if port else 0, quota_gb=2.0), side.site, side.site_file,
            begin_ns, story=story, share=Share(side.share),
        )
        for number, side in enumerate(sides)
    ]  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        asked = stack.enter_context(stop_asked())
        for side, theatre in zip(sides, theatres, strict=True):
            await theatre.open()
            stack.push_async_callback(theatre.close)
            theatre.control.listen(partial(watch.hear, side.name))
            await mark(theatre, exercise_of(scenario))
            _invite(side, theatre, let_in(theatre), console)
        stack.enter_context(gateways(sides))
        playing = [theatre.play() for theatre in theatres]
        phones = [theatre.report() for theatre in theatres]
        failures = [theatre.failed() for theatre in theatres]
        end = asyncio.sleep(1e9) if seconds is None else asyncio.sleep(seconds)
        await first_of(asked.wait(), *playing, *phones, *failures, end, _over(theatres, loop=loop))
    return watch.report()


async def _over(theatres: Sequence[Theatre], *, loop: bool) -> None:
    """Return when all cameras have played their part and what they said has arrived; never where it goes on."""
    for theatre in theatres:
        await theatre.cameras.ended()
    await asyncio.sleep(1e9 if loop else SETTLE_S)


@contextlib.contextmanager
def gateways(sides: Sequence[_Side]) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Both sides' gateways, each a process that knows its own folder alone."""
    ports = [_free_port() for _ in sides]
    running = []
    try:
        for side, listen, partner in zip(sides, ports, reversed(ports), strict=True):
            arguments = [
                "gateway", "--keys", str(side.share / GATEWAY), "--outbox", str(side.share / OUTBOX),
                "--spool", str(side.share / GATEWAY / SPOOL), "--listen", f"127.0.0.1:{listen}",
                "--partner", f"127.0.0.1:{partner}",
            ]  # fmt: skip
            command = [sys.executable, "-c", "from marsad.app.cli import main; main()", *arguments]
            running.append(subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL))  # noqa: S603
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _invite(side: _Side, theatre: Theatre, password: str, console: Console) -> None:
    console.print(f"[bold]{NAMES[side.name]}[/]: {theatre.url}  name officer, password [bold]{password}[/]")

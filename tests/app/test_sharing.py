"""Two desks that share what they agreed: real logs, real gateways, real TLS on loopback; nothing else crosses."""

import asyncio
import base64
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from marsad.adapters.inbox import Inbox
from marsad.adapters.link_keys import OWN_CARD, generate, pin, read_card, read_signing_key
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.audit import audit
from marsad.app.desk import Control, DeskSettings, Glance, Outfit
from marsad.app.desk_setup import set_up
from marsad.app.gateway import Gateway, GatewaySettings
from marsad.app.link_epoch import begin_epoch
from marsad.app.opened import opened
from marsad.app.sharing import AGREEMENT, GATEWAY, INBOX, OUTBOX, SECRET, SPOOL, Share, Sharing, Side, read_side
from marsad.coordinate.agreement import sign
from marsad.kernel.act import (
    KeepPost,
    Person,
    ReleaseBeyond,
    ReportSighting,
    ResumeReleases,
    SayToPartner,
    StopReleases,
)
from marsad.kernel.agreement import Agreement, JointRules, Party, SignedAgreement
from marsad.kernel.alert import Alert
from marsad.kernel.dispatch import Duty, Patrol
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.event import ActDone, JointHeard, ReleaseHeard, ReleaseMade
from marsad.kernel.joint import (
    Answer,
    Cells,
    Correction,
    IncidentProposal,
    JointBoard,
    JointKind,
    JointThing,
    LookRequest,
    PostProposal,
    Recall,
    ReleasesOpened,
    RosterProposal,
    Slot,
    ThreadMessage,
)
from marsad.kernel.partner import SharedThing
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.release import ReleaseRule
from marsad.kernel.site import Line, Post, Rules, Site, Terrain

ORIGIN = Position(latitude_deg=34.3, longitude_deg=41.0, height_m=200.0)
LINE = (Position(latitude_deg=34.30, longitude_deg=40.99), Position(latitude_deg=34.30, longitude_deg=41.01))
RANA, OMAR = Person(name="Rana", role="supervisor"), Person(name="Omar", role="supervisor")
PATIENCE_S = 30.0
NS = 10**9


GATE = Post(id="gate", position=Position(latitude_deg=34.301, longitude_deg=41.002), name="The gate")


def site(organisation: str, posts: tuple[Post, ...] = (), patrols: tuple[Patrol, ...] = ()) -> Site:
    return Site(
        name=organisation, organisation=organisation, origin=ORIGIN, terrain=Terrain(flat_height_m=200.0, sigma_m=0.5),
        lines=(Line(id="line", points=LINE),), rules=Rules(link_lost_s=3.0),
        posts=posts, patrols=patrols,
    )  # fmt: skip


def rules(giver: str, taker: str) -> ReleaseRule:
    return ReleaseRule(
        rule_id=f"{giver}-alarms", giver=giver, taker=taker, items=("alarm",), kinds=("person", "group"),
        lowest_priority="medium", near_line_m=3000, precision_m=500, sigma_m=500, time_precision_s=10, every_s=0,
        fields=("kind", "count", "alarm_rule", "priority", "direction"),
    )  # fmt: skip


def own_rules(giver: str, taker: str) -> ReleaseRule:
    """What one tells of itself, and of what people saw."""
    return ReleaseRule(
        rule_id=f"{giver}-own", giver=giver, taker=taker, items=("patrol", "post", "sighting"), kinds=("group",),
        near_line_m=5000, precision_m=500, sigma_m=500, time_precision_s=10, every_s=0, fields=("kind", "count"),
        posts=("gate", "joint.0.33"),
    )  # fmt: skip


def agree(
    folder: Path, more: tuple[ReleaseRule, ...] = (), kinds: tuple[JointKind, ...] = ("words", "incident")
) -> dict[str, Path]:
    """Keys and an agreement of two sides that know each other; each side's folder."""
    folders = {name: folder / name / "partner" for name in ("east", "west")}
    for name, share in folders.items():
        generate(share, share / GATEWAY, name, time.time_ns())
    for name, other in (("east", "west"), ("west", "east")):
        card = read_card(folders[other] / OWN_CARD)
        for place in (folders[name], folders[name] / GATEWAY):
            pin(place, card, compared=True)
    keys = {name: read_signing_key(share) for name, share in folders.items()}
    east, west = (
        Party(party_id=name, public_key=key.public_key().public_bytes_raw().hex(), name=name.title())
        for name, key in keys.items()
    )
    now_ns = time.time_ns()
    agreement = Agreement(
        agreement_id="both", version=1, parties=(east, west), from_ns=now_ns - 60 * NS, until_ns=now_ns + 3600 * NS,
        anchor=Position(latitude_deg=34.0, longitude_deg=41.0), protected_distance_m=0, block_m=1000, line=LINE,
        rules=(rules("east", "west"), rules("west", "east"), *more), joint=JointRules(kinds=kinds),
    )  # fmt: skip
    signatures = tuple(sign(agreement, name, key.private_bytes_raw()) for name, key in keys.items())
    for share in folders.values():
        (share / AGREEMENT).write_bytes(
            msgspec.json.encode(SignedAgreement(agreement=agreement, signatures=signatures))
        )
    return folders


class Desk:
    """One side's desk and what it shares."""

    def __init__(self, name: str, share: Path, own: Site | None = None) -> None:
        own = site(name) if own is None else own
        self.closed = False
        self.raised = 0
        self.side: Side = read_side(Share(share), own)
        self.folder = share.parent
        self.log = SqliteEventLog(self.folder / "events.sqlite", batch_s=0.02)
        made = set_up(own)
        outfit = Outfit(
            site=own, log=self.log, setup=made.setup, ground=made.ground, clock=time.time_ns,
            tell=lambda _: None, settings=DeskSettings(show_s=0.05), partner=self.side.facts,
        )  # fmt: skip
        self.control = Control(outfit)

    async def open(self) -> None:
        await self.control.start()
        self.sharing = Sharing(self.side, self.control)
        self.task = asyncio.create_task(self.sharing.run())

    async def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.sharing.close()
        await self.control.stop()
        self.log.close()

    def raise_alarm(self, name: str, *, kind: str = "person", north_m: float = 300.0) -> None:
        self.raised += 1
        now_ns = self.control.now_ns()
        ground = GroundState(
            position=self.control.frame.position(100.0, north_m), east_m=100.0, north_m=north_m, range_m=1500.0,
            covariance=GroundCovariance(east_m2=900.0, east_north_m2=0.0, north_m2=100.0),
        )  # fmt: skip
        alert = Alert(
            alert_id=f"{name}-{now_ns}", rule="zone_intrusion", rule_id="zone", priority="high", time_ns=now_ns,
            text="Somebody", camera_id="hidden-mast", track_id=self.raised, kind=kind, ground=ground,  # type: ignore[arg-type]
        )  # fmt: skip
        self.control.take(Glance(camera_id="hidden-mast", time_ns=now_ns, alerts=(alert,)))

    def events(self) -> list[object]:
        with SqliteLogReader(self.folder / "events.sqlite") as log:
            return [each.event for each in log.read(0, log.head().length - 1)]


@contextlib.asynccontextmanager
async def two_desks(
    folder: Path, shares: dict[str, Path] | None = None, sites: dict[str, Site] | None = None
) -> AsyncIterator[tuple[Desk, Desk]]:
    """Both desks open, their gateways running."""
    shares = agree(folder) if shares is None else shares
    desks = {name: Desk(name, share, (sites or {}).get(name)) for name, share in shares.items()}
    for desk in desks.values():
        await desk.open()
    gateways = await asyncio.to_thread(open_gateways, shares)
    try:
        yield desks["east"], desks["west"]
    finally:
        await asyncio.to_thread(close_gateways, gateways)
        for desk in desks.values():
            await desk.close()


def settings(share: Path, port: int, partner: int) -> GatewaySettings:
    return GatewaySettings(
        keys=share / GATEWAY, outbox=share / OUTBOX, spool=share / GATEWAY / SPOOL, listen=("127.0.0.1", port),
        partner=("127.0.0.1", partner),
    )  # fmt: skip


def open_gateways(shares: dict[str, Path]) -> list[tuple[Gateway, Thread]]:
    with Gateway(settings(shares["east"], 0, 1)) as first, Gateway(settings(shares["west"], 0, 1)) as second:
        ports = first.port, second.port
    running = []
    for share, port, partner in zip(shares.values(), ports, reversed(ports), strict=True):
        gateway = Gateway(settings(share, port, partner))
        thread = Thread(target=gateway.run, daemon=True)
        thread.start()
        running.append((gateway, thread))
    return running


def close_gateways(running: list[tuple[Gateway, Thread]]) -> None:
    for gateway, _ in running:
        gateway.stop()
    for gateway, thread in running:
        thread.join(PATIENCE_S)
        gateway.close()


async def until(done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.02)


def partner_alarms(desk: Desk) -> list[str]:
    return [each.text for each in desk.control.state().alarms if each.about == "partner"]


def run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 4 * PATIENCE_S))


def test_an_alarm_of_one_side_sounds_at_the_others_and_says_no_more_than_was_agreed(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_desks(tmp_path) as (east, west):
            west.raise_alarm("W")
            await until(lambda: bool(partner_alarms(east)))
            (alarm,) = [each for each in east.control.state().alarms if each.about == "partner"]
            assert (alarm.priority, alarm.kind, alarm.response) == ("high", "person", "look_and_follow")
            partner = east.control.state().partner
            assert partner is not None
            assert partner.link.state == "connected"
            (thing,) = partner.theirs
            assert thing.release.alarm_rule == "zone_intrusion"
            seen = west.control.state().partner
            assert seen is not None
            # What each side is shown of the other's view is what the other has.
            assert [each.release for each in seen.ours] == [thing.release]
            # It goes no farther: what came from the partner is nothing of ours to tell.
            await asyncio.sleep(2.5)
            assert east.control.state().partner.ours == ()  # type: ignore[union-attr]
        heard = [each for each in east.events() if isinstance(each, ReleaseHeard)]
        made = [each for each in west.events() if isinstance(each, ReleaseMade)]
        assert [each.release for each in heard] == [each.release for each in made]
        told = b"".join(msgspec.json.encode(each) for each in heard)
        assert b"hidden-mast" not in told
        assert b"Somebody" not in told

    run(go())


def test_what_nobody_agreed_on_is_never_told(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_desks(tmp_path) as (east, west):
            west.raise_alarm("V", kind="vehicle")
            west.raise_alarm("far", north_m=30_000.0)
            await asyncio.sleep(3.0)
            west.raise_alarm("W", north_m=-1500.0)
            await until(lambda: bool(partner_alarms(east)))
            assert len(partner_alarms(east)) == 1
        assert len([each for each in west.events() if isinstance(each, ReleaseMade)]) == 1

    run(go())


def test_one_person_stops_it_at_once_and_two_let_it_go_on(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_desks(tmp_path) as (east, west):
            west.raise_alarm("W")
            await until(lambda: bool(partner_alarms(east)))
            await west.control.act(RANA, StopReleases(act_id="s", reason="a leak"))
            west.raise_alarm("W2", north_m=-1500.0)
            await asyncio.sleep(3.0)
            assert len(partner_alarms(east)) == 1
            with pytest.raises(RefusedError, match="already"):
                await west.control.act(OMAR, StopReleases(act_id="s2", reason="again"))
            await west.control.act(RANA, ResumeReleases(act_id="r1", reason="it was none"))
            with pytest.raises(RefusedError, match="second person"):
                await west.control.act(RANA, ResumeReleases(act_id="r2", reason="please"))
            assert west.control.state().partner.stop.asked_by == "Rana"  # type: ignore[union-attr]
            await west.control.act(OMAR, ResumeReleases(act_id="r3", reason="agreed"))
            await until(lambda: len(partner_alarms(east)) == 2)
        assert [each.act for each in west.events() if isinstance(each, ActDone)] == [
            "stop_releases", "resume_releases", "resume_releases",
        ]  # fmt: skip

    run(go())


def test_an_officer_lets_more_be_told_for_a_while_where_a_life_is_at_risk(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_desks(tmp_path) as (east, west):
            west.raise_alarm("V", kind="vehicle")
            await until(lambda: bool(west.control.state().alarms))
            await asyncio.sleep(1.5)
            (alarm,) = west.control.state().alarms
            act = ReleaseBeyond(
                act_id="e", kind="life_at_risk", subject_ids=(alarm.alarm_id,), reason="a car in the flood", minutes=10
            )
            await west.control.act(RANA, act)
            await until(lambda: bool(partner_alarms(east)))
            (thing,) = east.control.state().partner.theirs  # type: ignore[union-attr]
            assert thing.release.basis == "life_at_risk"
            assert thing.release.expires_ns is not None
            with pytest.raises(RefusedError, match="must end"):
                await west.control.act(
                    RANA, msgspec.structs.replace(act, act_id="e2", kind="handover_at_line", minutes=360)
                )

    run(go())


def test_what_is_said_arrives_is_answered_and_stands_alike_on_both_sides(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_desks(tmp_path) as (east, west):
            words = ThreadMessage(text="Four people, heading to you")
            await west.control.act(RANA, SayToPartner(act_id="1", body=words))
            offer = IncidentProposal(kind="crossing", text="The same four")
            await west.control.act(RANA, SayToPartner(act_id="2", body=offer))
            await until(lambda: len(things(east)) == 1)
            (thing,) = things(east)
            await east.control.act(OMAR, SayToPartner(act_id="3", body=Answer(about=thing.thing_id, says="accepted")))
            await until(lambda: [each.state for each in things(west)] == ["agreed"])
            await until(lambda: [each.state for each in things(east)] == ["agreed"])
            (line,) = board(east).lines
            assert line.message.body == words
            assert line.message.by == "supervisor"
            await until(lambda: [each.delivery for each in board(west).lines] == ["received"])
            look = LookRequest(cells=Cells(size_m=1000, cells=((1, 1),)), until_ns=time.time_ns() + NS)
            with pytest.raises(RefusedError, match="look"):
                await west.control.act(RANA, SayToPartner(act_id="4", body=look))
        # Their own names stay at home: the other side hears of a role.
        heard = [msgspec.json.encode(each) for each in east.events() if isinstance(each, JointHeard)]
        assert b"Rana" not in b"".join(heard)

    run(go())


def test_each_tells_of_its_posts_patrols_and_what_people_saw_and_no_more(tmp_path: Path) -> None:
    way = (GATE.position, Position(latitude_deg=34.302, longitude_deg=41.008))
    patrol = Patrol(patrol_id="wolf-2", means="foot", persons=3, duties=(Duty(points=way),))
    shares = agree(tmp_path, (own_rules("west", "east"),))
    sites = {"west": site("west", (GATE,), (patrol,)), "east": site("east", (GATE,))}

    async def go() -> None:
        async with two_desks(tmp_path, shares, sites) as (east, west):
            sighting = ReportSighting(
                act_id="s", what="Eight on foot", position=GATE.position, sigma_m=100.0, seen_ns=time.time_ns() - NS,
                source="B", content="2", reporter_kind="patrol", kind="group",
            )  # fmt: skip
            await west.control.act(RANA, sighting)
            await west.control.act(RANA, KeepPost(act_id="k", post_id="gate", watched=True, minutes=60))
            with pytest.raises(InputError, match="no post nowhere"):
                await west.control.act(RANA, KeepPost(act_id="k2", post_id="nowhere", watched=True, minutes=60))
            await until(lambda: len(theirs(east)) == 3)
            told = {each.release.item: each for each in theirs(east)}
            assert told["post"].release.watched is True
            assert told["post"].position == GATE.position
            assert len(told["patrol"].release.cells) == len(told["patrol"].places) >= 2
            assert told["sighting"].release.kind == "group"
            # Nobody keeps watch any more: they are told at once, and what is over is shown no more.
            await west.control.act(RANA, KeepPost(act_id="k3", post_id="gate", watched=False, minutes=60))
            await until(lambda: [e.release.watched for e in theirs(east) if e.release.item == "post"] == [False])
            # A person here has opened it: they hear that somebody did, and not who.
            name = told["sighting"].release.release_id
            await east.control.act(OMAR, SayToPartner(act_id="o", body=ReleasesOpened(releases=(name,))))
            await until(lambda: [each.release for each in board(west).opened] == [name])
            assert [(each.by, each.release) for each in board(west).opened] == [("supervisor", name)]
            back = Recall(releases=(name,), reason="it was our own patrol")
            await west.control.act(RANA, SayToPartner(act_id="r", body=back))
            await until(lambda: {each.release.item for each in theirs(east)} == {"post", "patrol"})
            await until(lambda: {each.release.item for each in ours(west)} == {"post", "patrol"})
            again = ReleaseBeyond(
                act_id="e", kind="life_at_risk", subject_ids=("S1",), reason="a car in the flood", minutes=10
            )
            with pytest.raises(RefusedError, match="S1: was taken back"):
                await west.control.act(RANA, again)
            wrong = next(each.release.release_id for each in ours(west) if each.release.item == "post")
            right = Correction(release=wrong, reason="the wrong post was named")
            await west.control.act(RANA, SayToPartner(act_id="c", body=right))
            await until(lambda: "corrected" in [each.release.act for each in theirs(east)])
        heard = b"".join(msgspec.json.encode(each) for each in east.events() if isinstance(each, ReleaseHeard))
        assert not [word for word in (b"wolf-2", b"Eight", b"Omar", b"Rana", b"reporter") if word in heard]
        made = [each for each in west.events() if isinstance(each, ReleaseMade)]
        acts = [each.release.act for each in made if each.release.item == "sighting"]
        # What was taken back is not told anew under another name.
        assert acts == ["told", "recalled"]

    run(go())


def test_a_post_that_both_want_enters_both_sites_and_one_side_always_keeps_watch(tmp_path: Path) -> None:
    kinds: tuple[JointKind, ...] = ("post", "roster", "coverage", "corridor")
    shares = agree(tmp_path, (own_rules("west", "east"), own_rules("east", "west")), kinds)

    async def go() -> None:
        async with two_desks(tmp_path, shares) as (east, west):
            post = PostProposal(
                name="The hill", size_m=1000, cell=(0, 33), manned_by=("east", "west"),
                covers=Cells(size_m=3000, cells=((0, 11),)),
            )  # fmt: skip
            await west.control.act(RANA, SayToPartner(act_id="p", body=post))
            await until(lambda: len(things(east)) == 1)
            (proposed,) = things(east)
            await east.control.act(
                OMAR, SayToPartner(act_id="a", body=Answer(about=proposed.thing_id, says="accepted"))
            )
            for desk in (east, west):
                await until(lambda desk=desk: [each.id for each in desk.control.site.posts] == ["joint.0.33"])
            now_ns = time.time_ns()
            roster = RosterProposal(
                post=proposed.thing_id,
                slots=(
                    Slot(from_ns=now_ns - NS, until_ns=now_ns + 1800 * NS, party="west"),
                    Slot(from_ns=now_ns + 3600 * NS, until_ns=now_ns + 7200 * NS, party="east"),
                ),
            )
            await west.control.act(RANA, SayToPartner(act_id="w", body=roster))
            await until(lambda: len(things(east)) == 2)
            agreed = next(each for each in things(east) if isinstance(each.opened.body, RosterProposal))
            await east.control.act(OMAR, SayToPartner(act_id="b", body=Answer(about=agreed.thing_id, says="accepted")))
            # West keeps watch now by the roster: that alone tells east so.
            await until(lambda: [each.release.post_id for each in theirs(east)] == ["joint.0.33"])
            grounds = [desk.control.joint_ground() for desk in (east, west)]
            for ground in grounds:
                (hours,) = ground.hours
                assert [slot.party for slot in hours.slots if slot.until_ns > now_ns] == ["west", "", "east", ""]
                assert ground.gaps
                assert (0, 11) not in [gap.cell for gap in ground.gaps]
            with pytest.raises(InputError, match="no camera"):
                east.control.coverable()

    run(go())


def test_the_streams_begin_anew_and_the_old_ones_still_verify_though_what_they_held_was_erased(tmp_path: Path) -> None:
    shares = agree(tmp_path)

    async def before() -> None:
        async with two_desks(tmp_path, shares) as (east, west):
            west.raise_alarm("W")
            await until(lambda: bool(partner_alarms(east)))
            name = theirs(east)[0].release.release_id
            await east.control.act(OMAR, SayToPartner(act_id="o", body=ReleasesOpened(releases=(name,))))
            await until(lambda: bool(board(west).opened))
            with pytest.raises(UnavailableError, match="stop that station"):
                begin_epoch(shares["east"], time.time_ns())
            everything = [each.sequence for each in east.control.messages if each.author == "east"]
            assert [each.sequence for each in east.control.said_in_log("east", 0)] == everything
            assert [each.sequence for each in east.control.said_in_log("east", 1)] == everything[1:]

    run(before())
    keys = {name: read_signing_key(share) for name, share in shares.items()}
    east_key, west_key = (keys[name].public_key().public_bytes_raw() for name in ("east", "west"))
    with Inbox(shares["east"] / INBOX, keys["east"], west_key) as inbox:
        held = len(inbox.read())
        assert inbox.erase(time.time_ns(), 0) == 0
        assert inbox.erase(time.time_ns() - 3600 * NS, held) == 0
        assert inbox.erase(time.time_ns(), held) == held >= 1
        assert inbox.read() == []
    kept = {name: begin_epoch(share, time.time_ns()) for name, share in shares.items()}
    assert {each.epoch for each in kept.values()} == {2}
    with pytest.raises(RefusedError, match="higher"):
        begin_epoch(shares["east"], time.time_ns(), epoch=2)
    sent, received = Path(kept["west"].kept[0]), Path(kept["east"].kept[1])
    report = audit(sent, received, west_key, east_key)
    assert (report.result, report.received) == ("sound", held)

    async def after() -> None:
        async with two_desks(tmp_path, shares) as (east, west):
            # What stood is told anew, what comes later comes.
            west.raised = 1
            west.raise_alarm("W2", north_m=-1500.0)
            await until(lambda: len(theirs(east)) == 2)
            assert east.control.epoch == 2

    run(after())
    report = audit(shares["west"] / OUTBOX, shares["east"] / INBOX, west_key, east_key)
    assert report.result == "sound"
    heard, told = opened(tmp_path / "east" / "events.sqlite"), opened(tmp_path / "west" / "events.sqlite")
    assert [(each.told, each.by) for each in heard.releases if each.by] == [("to us", "Omar")]
    assert [(each.told, each.by) for each in told.releases if each.by] == [("by us", "supervisor")]
    assert f"of {len(told.releases)} were opened" in told.text()


def theirs(desk: Desk) -> tuple[SharedThing, ...]:
    partner = desk.control.partner
    return () if partner is None else partner.theirs


def ours(desk: Desk) -> tuple[SharedThing, ...]:
    partner = desk.control.partner
    return () if partner is None else partner.ours


def board(desk: Desk) -> JointBoard:
    view = desk.control.partner_view()
    assert view is not None
    return view.joint


def things(desk: Desk) -> tuple[JointThing, ...]:
    return board(desk).things


def test_a_link_that_is_missed_alarms_until_it_is_back(tmp_path: Path) -> None:
    async def go() -> None:
        shares = agree(tmp_path)
        east = Desk("east", shares["east"])
        await east.open()
        try:
            await until(lambda: bool(east.control.state().alarms))
            (alarm,) = east.control.state().alarms
            assert (alarm.about, alarm.subject_id, alarm.response) == ("link", "link:west", "check_link")
            assert alarm.text == "West: the link is cut."
            assert east.control.state().partner.link.age_s is None  # type: ignore[union-attr]
        finally:
            await east.close()

    run(go())


def test_a_desk_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    async def go() -> None:
        async with two_desks(tmp_path) as (east, west):
            west.raise_alarm("W")
            await until(lambda: bool(partner_alarms(east)))
            await east.close()
            west.raise_alarm("W2", north_m=-1500.0)
            await asyncio.sleep(2.0)
            again = Desk("east", tmp_path / "east" / "partner")
            await again.open()
            try:
                await until(lambda: len(partner_alarms(again)) == 2)
            finally:
                await again.close()
        heard = [each for each in again.events() if isinstance(each, ReleaseHeard)]
        assert [each.arrival for each in heard] == [1, 2]

    run(go())


def write_before(path: Path) -> int:
    """A log as the software of schema 1 left it, which kept the board of all that was said; how many entries it has."""
    SqliteEventLog(path).close()
    lines = Path(__file__).with_name("log_of_schema_1.jsonl").read_text(encoding="utf-8").splitlines()
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        for line in lines:
            sequence, schema, time_ns, *rest = json.loads(line)
            file.execute(
                "INSERT INTO entry (sequence, schema_version, time_ns, salt, payload, payload_hash, previous_hash,"
                " entry_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (sequence, schema, time_ns, *map(base64.b64decode, rest)),
            )
    return len(lines)


def test_a_station_goes_on_with_the_log_of_software_before(tmp_path: Path) -> None:
    shares = agree(tmp_path)
    count = write_before(tmp_path / "east" / "events.sqlite")

    async def go() -> None:
        desk = Desk("east", shares["east"])
        await desk.open()
        try:
            stands = board(desk)
            assert [(each.state, each.opened.author) for each in stands.things] == [("agreed", "west")]
            assert [each.message.body for each in stands.lines] == [ThreadMessage(text="Four people, heading to you")]
            await desk.control.act(RANA, SayToPartner(act_id="new", body=ThreadMessage(text="Thank you")))
            said = [each.message.sequence for each in board(desk).lines if each.message.author == "east"]
            # What was said before is three messages of ours; none of their numbers is given twice.
            assert said == [4]
            with SqliteLogReader(tmp_path / "east" / "events.sqlite") as log:
                *_, last_before = log.read(0, count - 1)
            past = desk.control.partner_at(last_before.time_ns)
            assert past is not None
            assert [(each.state, each.opened.author) for each in past.joint.things] == [("agreed", "west")]
        finally:
            await desk.close()
        with SqliteLogReader(tmp_path / "east" / "events.sqlite") as log:
            assert log.verify().length > count
            assert {each.schema_version for each in log.read(0, log.head().length - 1)} == {1, 2}

    run(go())


def test_a_site_of_another_name_is_told_what_to_mend(tmp_path: Path) -> None:
    shares = agree(tmp_path)
    with pytest.raises(InputError, match=r"organisation = 'north'.*'east'"):
        read_side(Share(shares["east"]), site("north"))
    (shares["west"] / AGREEMENT).unlink()
    with pytest.raises(InputError, match=r"agreement\.json: cannot be read"):
        read_side(Share(shares["west"]), site("west"))


def test_the_secret_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    shares = agree(tmp_path)
    first = read_side(Share(shares["east"]), site("east")).secret
    assert read_side(Share(shares["east"]), site("east")).secret == first
    assert (shares["east"] / SECRET).stat().st_mode & 0o077 == 0
    assert read_side(Share(shares["west"]), site("west")).secret != first

"""What a station shares with its partner: told by the agreement alone, written down first, and taken in as it comes.

The folder of a partner holds the agreement, the keys and the secret, the outbox and the inbox, and, apart, what the
gateway needs. Times of what is told are the desk's; the link itself runs by the wall's clock.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec
import structlog

from marsad.adapters.file_lock import FileLock
from marsad.adapters.inbox import Inbox
from marsad.adapters.link_keys import PARTNER_CARD, read_card, read_signing_key
from marsad.adapters.outbox import Item, Outbox
from marsad.adapters.writing import replace_whole, write_refusal
from marsad.app.agreement_file import bytes_of, own_party, read_ground, read_signed
from marsad.app.courier import Courier, LinkView
from marsad.app.desk import MOST_SHOWN, Control
from marsad.app.joint_coverage import coverable
from marsad.app.joint_picture import JointPicture, Linked
from marsad.console.partner_board import PartnerFacts
from marsad.coordinate.agreement import joint_terms
from marsad.coordinate.cadence import Given, Ledger, Telling, put_right, subject_told, take_back, tell
from marsad.coordinate.coarse import agreed_posts, grid_of
from marsad.coordinate.joint import JointDesk, urgent
from marsad.coordinate.joint_ground import SHOWN_NS, Said, as_played, joint_ground
from marsad.coordinate.offer import Offered, offers_of, subject_of
from marsad.coordinate.own_ways import OwnWays, posts_kept
from marsad.coordinate.packing import pack
from marsad.coordinate.recall import correct, recall
from marsad.coordinate.release import is_urgent, payload, read_release
from marsad.coordinate.terms import SECRET_BYTES, Terms
from marsad.coordinate.watch_roster import watch
from marsad.kernel.agreement import Narrowing, Party, ReleaseGround, SignedAgreement
from marsad.kernel.alarm import Seen
from marsad.kernel.alert import Alert, Facts
from marsad.kernel.error import InputError, MarsadError, RefusedError
from marsad.kernel.event import (
    Event,
    JointHeard,
    JointSaid,
    LinkTurned,
    PartnerRefused,
    ReleaseHeard,
    ReleaseMade,
    SeenByBothChanged,
    StreamBegun,
)
from marsad.kernel.joint import Correction, JointGround, JointMessage, JointPost, JointThing, PostHours, Recall
from marsad.kernel.parcel import Parcel
from marsad.kernel.partner import LinkShown, PartnerState, Stop
from marsad.kernel.release import EmergencyAct, Release
from marsad.kernel.site import Post, Site
from marsad.respond.partner_alarm import partner_alert, partner_present

_log = structlog.get_logger()
NS: Final = 1_000_000_000
LOOK_S: Final = 0.1
TELL_S: Final = 1.0
AT_ONCE: Final = 200
"""So much of what the partner told is taken in at a time: the desk must be free to answer in between."""
DAY_NS: Final = 86_400 * NS
ERASE_S: Final = 3600.0
"""So often it is looked for what was kept for long enough."""
STAND_S: Final = 5.0
"""How all that was said stands changes with time alone too, as offers run out."""
AHEAD_NS: Final = 300 * NS
"""A partner's desk may be so far ahead of ours."""
AGREEMENT, SECRET, GROUND, LEDGER, SAID = "agreement.json", "secret", "ground.json", "ledger.msgpack", "said"
EPOCH: Final = "epoch"
"""Which of the partner's streams goes on, where it is not the first."""
OUTBOX, INBOX, GATEWAY, SPOOL = "outbox.sqlite", "inbox.sqlite", "gateway", "spool.sqlite"
"""What a partner's folder holds."""
LOCK: Final = "in-use"
"""Who works with it."""

TAKEN_BACK: Final = (Recall, Correction)
T = TypeVar("T")


class Share(NamedTuple):
    """Where a partner's things lie: its folder, and the two files through which its gateway is spoken with.

    Those lie in the folder where nothing else is said.
    """

    folder: Path
    outbox: Path | None = None
    spool: Path | None = None

    @property
    def outbox_file(self) -> Path:
        """What the station writes and the gateway reads."""
        return self.outbox or self.folder / OUTBOX

    @property
    def spool_file(self) -> Path:
        """What the gateway writes and the station reads."""
        return self.spool or self.folder / GATEWAY / SPOOL


class Side(NamedTuple):
    """One side of an agreement, as its folder has it."""

    share: Share
    signed: SignedAgreement
    ours: Party
    theirs: Party
    secret: bytes
    ground: ReleaseGround | None
    posts: tuple[Post, ...] = ()
    epoch: int = 1

    def terms(self, stop: Stop | None = None, acts: Sequence[EmergencyAct] = ()) -> Terms:
        """What we give: the agreement, as it was stopped, and let through since.

        Raises: RefusedError for an agreement that is not in order, or an act that it does not allow.
        """
        agreement = self.signed.agreement
        if stop is None:
            return Terms(self.signed, self.ours.party_id, self.secret, self.ground, acts=acts)
        narrowing = Narrowing(
            agreement_id=agreement.agreement_id, version=agreement.version, officer=stop.officer, reason=stop.reason,
            time_ns=stop.time_ns,
        )  # fmt: skip
        later = [each for each in acts if each.from_ns >= stop.time_ns]
        return Terms(self.signed, self.ours.party_id, self.secret, self.ground, narrowing=narrowing, acts=later)

    @property
    def facts(self) -> PartnerFacts:
        """What a board must know of it."""
        agreement = self.signed.agreement
        return PartnerFacts(
            party_id=self.theirs.party_id, name=self.theirs.name or self.theirs.party_id,
            agreement_id=agreement.agreement_id, version=agreement.version, until_ns=agreement.until_ns,
            anchor=agreement.anchor, posts={post.id: post.position for post in self.posts},
        )  # fmt: skip


def read_side(share: Share, site: Site) -> Side:
    """One side from its folder.

    Raises: InputError for what is missing there or does not go with the site, RefusedError for an agreement that is not
    in order.
    """
    folder = share.folder
    signed = read_signed(folder / AGREEMENT)
    ours = own_party(folder / AGREEMENT, signed, folder)
    (theirs,) = (each for each in signed.agreement.parties if each != ours)
    if site.organisation != ours.party_id:
        raise InputError(
            f"organisation = {site.organisation!r}: the agreement calls this side {ours.party_id!r}; call it so"
        )
    pinned = read_card(folder / PARTNER_CARD).signing_key
    if pinned != theirs.public_key:
        raise InputError(f"{folder / PARTNER_CARD}: is the card of another key than the agreement's partner has")
    ground = read_ground(folder / GROUND) if (folder / GROUND).exists() else None
    side = Side(share, signed, ours, theirs, _secret_in(folder), ground, site.posts, kept_count(folder / EPOCH, 1))
    side.terms()
    return side


class Sharing:
    """Tells a partner what is agreed and takes in what it tells, for as long as a desk is open."""

    def __init__(self, side: Side, control: Control, wall_ns: Callable[[], int] = time.time_ns) -> None:
        """Open the partner's files. Raises: InputError, UnavailableError."""
        self._side = side
        self._control = control
        self._wall_ns = wall_ns
        folder = side.share.folder
        key = read_signing_key(folder)
        partner = bytes.fromhex(side.theirs.public_key)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sharing")
        with contextlib.ExitStack() as begun:
            self._held = hold(folder)
            begun.callback(self._held.release)
            self._outbox = Outbox(side.share.outbox_file, key, partner, epoch=side.epoch)
            begun.callback(self._outbox.close)
            self._inbox = Inbox(folder / INBOX, key, partner, epoch=side.epoch)
            begun.pop_all()
        self._courier = Courier(self._outbox, self._inbox, side.share.spool_file)
        self._ledger = kept_ledger(folder / LEDGER)
        self._told_ns = 0
        self._given: tuple[Stop | None, tuple[EmergencyAct, ...]] = (None, ())
        self._made = side.terms()
        self._state = ""
        self._link_id = f"link:{side.theirs.party_id}"
        self._whole_ns = control.now_ns()
        self._missed = False
        terms = joint_terms(side.signed.agreement, side.ours.party_id)
        self._joint = JointDesk(terms, control.messages, control.gone)
        self._both: Linked = {}
        self._seen = self._begin_joint()
        self._said = kept_count(folder / SAID, 0)
        self._ways = OwnWays(control.frame)
        self._things: tuple[JointThing, ...] = ()
        self._posts: tuple[JointPost, ...] = ()
        self._stood, self._stood_ns = -1, 0
        self._erased_ns = 0
        control.check_emergency(self._check)
        control.talk(self._joint)
        control.elsewhere = self.present
        control.joint_ground = self.joint_ground
        control.coverable = partial(coverable, control.site, self._joint.terms)

    async def run(self) -> None:
        """Share, for ever; what cannot be done now is tried again."""
        await self._off(self._seen.warm)
        while True:
            try:
                await self._turn()
            except MarsadError as error:
                _log.warning("sharing_waits", why=str(error))
                await asyncio.sleep(1.0)
            except Exception:  # noqa: BLE001 - whatever goes wrong ends no sharing: it is told of, and tried again
                _log.exception("sharing_failed")
                await asyncio.sleep(5.0)
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """Release the files."""
        await self._off(self._outbox.close)
        await self._off(self._inbox.close)
        self._held.release()
        self._worker.shutdown()

    def present(self) -> dict[str, Seen]:
        """What the partner's alarms are about, while they stand there, and its link while that is missed."""
        partner, now_ns = self._control.partner, self._control.now_ns()
        alarms = {} if partner is None else partner_present(partner, self._control.frame, now_ns)
        return {**alarms, self._link_id: Seen(time_ns=now_ns)} if self._missed else alarms

    def joint_ground(self) -> JointGround:
        """How what was agreed upon of the ground stands, and what follows from it."""
        partner = self._control.partner
        told = () if partner is None else (*partner.theirs, *partner.ours)
        said = Said(self._things, [each.release for each in told], self._side.signed.agreement.line)
        played = as_played(said, self._control.exercise)
        return joint_ground(played, self._joint.terms, self._control.now_ns())

    async def _turn(self) -> None:
        if self._control.epoch != self._side.epoch:
            await self._begin_stream()
        view, parcels = await self._off(self._fetch, self._control.heard)
        await self._take_in(parcels)
        await self._show(view)
        now_ns = self._control.now_ns()
        if now_ns - self._told_ns >= TELL_S * NS:
            self._told_ns = now_ns
            await self._tell(now_ns)
            await self._join(now_ns)
        await self._speak(now_ns)
        await self._erase()

    async def _begin_stream(self) -> None:
        """Write down that the partner's streams begin anew; what moves there is known when it is told again."""
        begun = StreamBegun(time_ns=self._control.now_ns(), party_id=self._side.theirs.party_id, epoch=self._side.epoch)
        await self._control.record([begun])
        self._seen = self._begin_joint()

    async def _erase(self) -> None:
        """Erase what the partner told so long ago as it was agreed to keep it."""
        wall_ns = self._wall_ns()
        if wall_ns - self._erased_ns < ERASE_S * NS:
            return
        self._erased_ns = wall_ns
        kept_ns = self._side.signed.agreement.keep_days * DAY_NS
        count = await self._off(self._courier.erase, wall_ns - kept_ns, self._control.heard)
        if count:
            _log.info("partner_erased", parcels=count, kept_days=self._side.signed.agreement.keep_days)

    def _fetch(self, after: int) -> tuple[LinkView, list[tuple[int, Parcel]]]:
        wall_ns = self._wall_ns()
        try:
            self._courier.tick(wall_ns)
        except RefusedError as error:
            _log.warning("link_refused", why=str(error))
        return self._courier.view(wall_ns), self._courier.read(after, AT_ONCE)

    async def _take_in(self, parcels: Sequence[tuple[int, Parcel]]) -> None:
        """Write down what came, and have alarms of the partner's sound here."""
        if not parcels:
            return
        events: list[Event] = []
        for arrival, parcel in parcels:
            events += self._heard(arrival, parcel)
            await asyncio.sleep(0)
        await self._control.record(events)
        self._see(events)
        partner = self._control.partner
        standing = {} if partner is None else {each.release.release_id: each for each in partner.theirs}
        told = [each.release.release_id for each in events if isinstance(each, ReleaseHeard)]
        raised = [standing[name] for name in told if name in standing and standing[name].release.item == "alarm"]
        control, name = self._control, self._side.facts.name
        alerts = [partner_alert(each, name, control.frame, control.now_ns()) for each in raised]
        if alerts:
            self._control.alert(alerts)

    def _see(self, events: Sequence[Event]) -> None:
        """Let what was told of things that move, and taken back, into the joint picture."""
        now_ns = self._control.now_ns()
        for event in events:
            if isinstance(event, ReleaseHeard):
                self._seen.take(event.release, now_ns)
            elif isinstance(event, JointHeard) and not event.refused and isinstance(event.message.body, TAKEN_BACK):
                self._seen.recall([self._joint.thing(event.message.message_id, now_ns)])

    def _heard(self, arrival: int, parcel: Parcel) -> list[Event]:
        """What one parcel says and what is answered at once, or why it is not taken in."""
        now_ns = self._control.now_ns()
        try:
            if is_joint(parcel.payload):
                return self._listened(arrival, parcel.payload, now_ns)
            release = read_release(parcel.payload)
            self._refuse_strange(release, now_ns)
        except MarsadError as error:
            return [self._turned_away(arrival, str(error), now_ns)]
        return [ReleaseHeard(time_ns=now_ns, release=release, arrival=arrival)]

    def _listened(self, arrival: int, payload: bytes, now_ns: int) -> list[Event]:
        heard = self._joint.hear(payload, now_ns, secrets.token_hex(8))
        if heard.message is None:
            return [self._turned_away(arrival, heard.refused or "it had come before", now_ns)]
        replies = [JointSaid(time_ns=now_ns, message=each) for each in heard.replies]
        return [JointHeard(time_ns=now_ns, message=heard.message, arrival=arrival, refused=heard.refused), *replies]

    def _turned_away(self, arrival: int, reason: str, now_ns: int) -> PartnerRefused:
        return PartnerRefused(time_ns=now_ns, party_id=self._side.theirs.party_id, arrival=arrival, reason=reason)

    def _refuse_strange(self, release: Release, now_ns: int) -> None:
        """Nothing for what the partner may tell us. Raises: RefusedError."""
        side = self._side
        if (release.giver, release.taker) != (side.theirs.party_id, side.ours.party_id):
            raise RefusedError(f"it is from {release.giver} to {release.taker}")
        if release.agreement_id != side.signed.agreement.agreement_id:
            raise RefusedError(f"it is under agreement {release.agreement_id}, which is not ours")
        if release.time_ns > now_ns + AHEAD_NS:
            raise RefusedError(f"it is {(release.time_ns - now_ns) / NS:.0f} s ahead of our clock")

    async def _show(self, view: LinkView) -> None:
        """Let the desk show how the link stands; write it down where that has changed."""
        link = LinkShown(**{name: getattr(view, name) for name in LinkShown.__struct_fields__})
        self._control.links(link)
        if view.state != self._state:
            self._state = view.state
            turned = LinkTurned(
                time_ns=self._control.now_ns(), party_id=self._side.theirs.party_id, state=view.state,
                reason=view.reason,
            )  # fmt: skip
            await self._control.record([turned])
        self._miss(view)

    def _miss(self, view: LinkView) -> None:
        """Raise an alert when nothing that can be believed has come from the partner for too long."""
        now_ns = self._control.now_ns()
        if view.state in {"connected", "catching_up"}:
            self._whole_ns, self._missed = now_ns, False
        since_s = (now_ns - self._whole_ns) / NS
        rules = self._control.site.rules
        if self._missed or since_s < rules.link_lost_s or "link_lost" in rules.off:
            return
        self._missed = True
        trouble = "silent" if view.state in {"cut", "held"} else "not_trusted"
        why = f" ({view.reason})" if view.reason else ""
        alert = Alert(
            alert_id=f"{self._link_id}-{now_ns}", rule="link_lost", rule_id=trouble, priority="medium", time_ns=now_ns,
            text=f"{self._side.facts.name}: the link is {view.state}{why}.", about="link", subject_id=self._link_id,
            facts=Facts(time_ns=now_ns, trouble=trouble, since_ns=self._whole_ns),
        )  # fmt: skip
        self._control.alert([alert])

    async def _tell(self, now_ns: int) -> None:
        """Tell what is due: written down, then sent, then remembered as told."""
        partner = self._control.partner
        telling = None if partner is None else await self._off(self._telling, partner, self._offers(now_ns), now_ns)
        if telling is None:
            return
        if telling.given:
            await self._control.record(
                [
                    ReleaseMade(time_ns=now_ns, release=each.release, subject_id=each.subject_id, act_id=each.act_id)
                    for each in telling.given
                ]
            )
        await self._off(self._send, telling)
        self._ledger = telling.ledger

    def _begin_joint(self) -> JointPicture:
        """The joint picture, as the log leaves it."""
        side, control = self._side, self._control
        rules = {each.rule_id: each for each in side.signed.agreement.rules}
        seen = JointPicture(side.ours.party_id, side.facts, control.frame, rules)
        if (partner := control.partner) is not None:
            self._both = {(each.subject_id, each.thing_id): each for each in partner.both}
            seen.restore((each.release for each in partner.theirs), partner.both, control.now_ns())
        seen.recall(self._joint.board(control.now_ns()).things)
        return seen

    async def _join(self, now_ns: int) -> None:
        """Bring both pictures together, and write down what both are found to see, and no longer."""
        state = self._control.state()
        update = partial(self._seen.update, exercise=state.exercise is not None)
        joined = await self._off(update, state.picture, now_ns)
        self._control.joint = joined.picture
        began = [each for key, each in joined.both.items() if key not in self._both]
        ended = [each for key, each in self._both.items() if key not in joined.both]
        self._both = joined.both
        if began or ended:
            await self._control.record(
                [
                    *(SeenByBothChanged(time_ns=now_ns, both=each, ended=True) for each in ended),
                    *(SeenByBothChanged(time_ns=now_ns, both=each) for each in began),
                ]
            )

    async def _speak(self, now_ns: int) -> None:
        """Send what was said and written down, and see how all of it stands."""
        ours = self._side.ours.party_id
        due = self._control.unsent(ours, self._said)
        if self._said < self._control.gone.get(ours, 0):
            # A new stream: the partner may have lost what it was told, also of what is not held here any more.
            due = await asyncio.to_thread(self._control.said_in_log, ours, self._said)
        if due:
            for message in due:
                self._obey(message, now_ns)
            await self._off(self._send_words, due)
            self._said = max(each.sequence for each in due)
        self._stand(now_ns)

    def _stand(self, now_ns: int) -> None:
        """Look how all that was said stands, where that may have changed."""
        if self._joint.revision != self._stood or now_ns - self._stood_ns >= STAND_S * NS:
            self._stood, self._stood_ns = self._joint.revision, now_ns
            self._settle(self._joint.board(now_ns, MOST_SHOWN).things)

    def _settle(self, things: tuple[JointThing, ...]) -> None:
        """Have what both agreed upon enter the site; what was agreed upon in an exercise, for as long as that runs."""
        self._things = tuple(as_played(Said(things, (), ()), self._control.exercise).things)
        posts = agreed_posts(self._things, grid_of(self._joint.terms))
        if posts != self._posts:
            self._posts = posts
            self._control.agree_posts(posts)

    def _obey(self, said: JointMessage, now_ns: int) -> None:
        """Take back, or put right, what a person of ours said should not be used; it is told with what is told next."""
        partner, body = self._control.partner, said.body
        if partner is None or not isinstance(body, TAKEN_BACK):
            return
        terms = self._terms(partner)
        for each in (thing.release for thing in partner.ours):
            subject_id = subject_told(self._ledger, each.thing_id)
            if isinstance(body, Recall) and (each.release_id in body.releases or each.thing_id in body.things):
                self._ledger = take_back(self._ledger, subject_id, recall(each, terms, now_ns), now_ns)
            elif isinstance(body, Correction) and each.release_id == body.release:
                self._correct(each, subject_id, terms, now_ns)

    def _correct(self, told: Release, subject_id: str, terms: Terms, now_ns: int) -> None:
        """Tell it as it is known now; where that may not be told, take it back."""
        known = next((each for each in self._offers(now_ns) if subject_of(each.what) == subject_id), None)
        right = recall(told, terms, now_ns) if known is None else correct(told, known, terms, now_ns)
        change = take_back if right.act == "recalled" else put_right
        self._ledger = change(self._ledger, subject_id, right, now_ns)

    def _send_words(self, due: Sequence[JointMessage]) -> None:
        wall_ns = self._wall_ns()
        ordered = sorted(due, key=lambda each: each.sequence)
        items = [Item(payload=pack(each), urgent=urgent(each), time_ns=wall_ns) for each in ordered]
        self._courier.send(items, wall_ns)
        replace_whole(self._side.share.folder / LEDGER, msgspec.msgpack.encode(self._ledger))
        replace_whole(self._side.share.folder / SAID, str(ordered[-1].sequence).encode())

    def _telling(self, partner: PartnerState, offers: Sequence[Offered], now_ns: int) -> Telling:
        return tell(self._ledger, offers, self._terms(partner), now_ns)

    def _offers(self, now_ns: int) -> list[Offered]:
        """Everything of ours that there is now, which the rules then decide on: also where we are ourselves."""
        control = self._control
        state = control.state()
        ways = self._ways.update(control.site.patrols, state.dispatches, control.places(), now_ns)
        parties = self._joint.terms.ours, self._joint.terms.theirs
        hours = [
            PostHours(post_id=each.post.id, slots=watch(self._things, each, parties, now_ns, now_ns + SHOWN_NS))
            for each in self._posts
        ]
        posts = posts_kept(state.posts, hours, self._side.ours.party_id, now_ns)
        return offers_of(
            state.picture.tracks, state.picture.groups,
            (*state.alarms, *state.incidents, *state.sightings, *ways, *posts), self._side.ours.party_id,
            exercise=state.exercise is not None,
        )  # fmt: skip

    def _terms(self, partner: PartnerState) -> Terms:
        """What we give now; made anew, and its signatures proven, only where an officer has changed something."""
        given = partner.stop, partner.emergencies
        if self._given != given:
            self._given, self._made = given, self._side.terms(*given)
        return self._made

    def _send(self, telling: Telling) -> None:
        if telling.given:
            self._courier.send([_item(each, self._wall_ns()) for each in telling.given], self._wall_ns())
        if _content(telling.ledger) != _content(self._ledger):
            replace_whole(self._side.share.folder / LEDGER, msgspec.msgpack.encode(telling.ledger))

    def _check(self, act: EmergencyAct) -> None:
        """Nothing for an emergency that the agreement allows, of nothing that was taken back. Raises: RefusedError."""
        self._side.terms(acts=[act])
        back = [name for name in act.subject_ids if name in self._ledger.held]
        if back:
            raise RefusedError(f"{', '.join(back)}: was taken back, and is not told again; say in words what is known")

    async def _off(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *arguments)


def hold(folder: Path) -> FileLock:
    """A partner's folder for this process alone. Raises: UnavailableError while another one has it, InputError."""
    held = f"{folder}: process {{owner}} shares out of this folder; stop that station first"
    try:
        return FileLock(folder / LOCK, held)
    except OSError as error:
        raise write_refusal(folder / LOCK, error) from error


def _item(given: Given, wall_ns: int) -> Item:
    return Item(payload=payload(given.release), urgent=is_urgent(given.release), time_ns=wall_ns)


def _secret_in(folder: Path) -> bytes:
    """The secret that names are made with, made where there is none yet; nobody else may read it."""
    path = folder / SECRET
    with contextlib.suppress(FileExistsError):
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
    return bytes_of(path)


def kept_ledger(path: Path) -> Ledger:
    """What was told before; nothing where that was never kept. Raises: InputError."""
    if not path.exists():
        return Ledger()
    try:
        return msgspec.msgpack.decode(bytes_of(path), type=Ledger)
    except msgspec.MsgspecError as error:
        raise InputError(
            f"{path}: cannot be read ({error}); move it away, and what was told will be told anew"
        ) from error


def _content(ledger: Ledger) -> Ledger:
    """What is worth keeping of a ledger: that nothing was told a second later is not."""
    return msgspec.structs.replace(ledger, now_ns=0, ticks={})


def kept_count(path: Path, first: int) -> int:
    """A number that is kept in a file, `first` where there is none. Raises: InputError."""
    if not path.exists():
        return first
    try:
        return int(bytes_of(path))
    except ValueError as error:
        raise InputError(f"{path}: is no number; move it away, and it begins at {first} again") from error


def is_joint(payload: bytes) -> bool:
    """Whether a parcel holds something that is said, which is JSON, and not a release, which is MessagePack."""
    return payload[:1] == b"{"

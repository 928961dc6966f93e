"""When the partner is told: at agreed moments, and for a while after something was last seen.

A track or group is told at multiples of the rule's `every_s`, all of them alike. What is not seen any more, has become
too vague, or has left the area or the ground, is told on in the cell where it was for `hold_s` and then ends, all for
one reason as for another. What comes back later has another name. So a gap shorter than the hold does not show at all,
and a longer one shows that, but not why, something is not told.

Alarms, incidents and the rest are told when they change; an alarm stays in the cell in which it was first told.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from marsad.coordinate.offer import Offered, subject_of
from marsad.coordinate.release import NS, Shown, floored, is_urgent, named, payload, release, sealed
from marsad.coordinate.terms import Terms
from marsad.kernel.alarm import Alarm
from marsad.kernel.incident import Incident
from marsad.kernel.picture import PictureGroup, PictureTrack
from marsad.kernel.record import Record
from marsad.kernel.release import Release, ReleaseRule, Withheld, WithheldReason
from marsad.kernel.track import Kind

_UNTOLD: frozenset[WithheldReason] = frozenset({"malformed", "clock", "not_in_force", "unknown_item", "exercise"})

_KEPT_S = 86_400
"""What was told, and is not offered again in that time, is forgotten."""


class Moving(Record):
    """A track or group that is told, or will be once it has been there for long enough; our own names stand in it.

    `latest` is what would be told of it, `shown` what was; it could last be told of at `seen_ns`.
    """

    subject_id: str
    rule: ReleaseRule
    episode: str
    since_ns: int
    seen_ns: int
    latest: Release
    kind: Kind
    shown: Shown | None = None


class Told(Record):
    """What was last told of an alarm, an incident, a sighting, a corridor or a post, and by which rule, if by one."""

    subject_id: str
    release: Release
    rule: ReleaseRule | None


class Waiting(Record):
    """A release that is told once `due_ns` has come, if its rule still stands as it was (None: an emergency)."""

    due_ns: int
    subject_id: str
    release: Release
    rule: ReleaseRule | None


class Given(Record):
    """What the partner is told now, our own name of what it is about, and the officer's act behind it, if one is."""

    subject_id: str
    release: Release
    act_id: str = ""


class Ledger(Record):
    """All that has to be kept to tell on; `ticks` are the last moments told of, by rule."""

    now_ns: int = 0
    ticks: dict[str, int] = msgspec.field(default_factory=dict)
    moving: tuple[Moving, ...] = ()
    told: tuple[Told, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    held: tuple[str, ...] = ()
    """What an officer took back, by our own names: it is told no more, under whatever name."""


class Telling(NamedTuple):
    """What is told now, the urgent first, what is not and why, and the ledger after it."""

    ledger: Ledger
    given: tuple[Given, ...]
    withheld: tuple[tuple[str, WithheldReason], ...]


def tell(ledger: Ledger, offers: Sequence[Offered], terms: Terms, now_ns: int) -> Telling:
    """What is told of everything there is now; to be asked at least as often as the rules tell.

    `offers` is the local picture and the standing alarms and incidents; what did not change may be left out. Nothing is
    told while the clock is behind the last time it was asked, or no agreement is in force.
    """
    if type(now_ns) is not int or now_ns < ledger.now_ns:
        return Telling(ledger, (), tuple((subject_of(offered.what), "clock") for offered in offers))
    if not terms.in_force(now_ns):
        # A clock that is wrong for once is not what the next time is measured by.
        return Telling(
            Ledger(now_ns=ledger.now_ns, held=ledger.held),
            (),
            tuple((subject_of(each.what), "not_in_force") for each in offers),
        )
    round_ = _Round(ledger, terms, now_ns)
    round_.end_what_has_no_rule()
    round_.tick()
    for offered in offers:
        round_.take(offered)
    return round_.finish()


def subject_told(ledger: Ledger, thing_id: str) -> str:
    """Our own name of a thing that stands with the partner under another; empty where nothing does."""
    named_so = [
        *(each.subject_id for each in ledger.told if each.release.thing_id == thing_id),
        *(each.subject_id for each in ledger.moving if each.latest.thing_id == thing_id),
    ]
    return next(iter(named_so), "")


def take_back(ledger: Ledger, subject_id: str, recalled: Release, now_ns: int) -> Ledger:
    """The ledger by which a recall is told next, and what it is about never again."""
    return replace(
        _put(forget(ledger, recalled), subject_id, recalled, now_ns),
        held=tuple(dict.fromkeys((*ledger.held, subject_id))),
    )


def put_right(ledger: Ledger, subject_id: str, corrected: Release, now_ns: int) -> Ledger:
    """The ledger by which a correction is told next, and what it is about goes on from there."""
    stands = replace(corrected, act="told", replaces="")
    told = tuple(
        replace(each, release=stands) if each.release.thing_id == corrected.thing_id else each for each in ledger.told
    )
    return _put(replace(ledger, told=told), subject_id, corrected, now_ns)


def forget(ledger: Ledger, recalled: Release) -> Ledger:
    """The ledger without what was recalled, so that it is not told on under that name."""
    return replace(
        ledger,
        moving=tuple(each for each in ledger.moving if each.latest.thing_id != recalled.thing_id),
        told=tuple(each for each in ledger.told if each.release.thing_id != recalled.thing_id),
        waiting=tuple(each for each in ledger.waiting if each.release.thing_id != recalled.thing_id),
    )


def _put(ledger: Ledger, subject_id: str, release: Release, now_ns: int) -> Ledger:
    due = Waiting(due_ns=now_ns, subject_id=subject_id, release=release, rule=None)
    return replace(ledger, waiting=(*ledger.waiting, due))


class _Round:
    """One time that it is asked what is told."""

    def __init__(self, ledger: Ledger, terms: Terms, now_ns: int) -> None:
        self._terms = terms
        self._now_ns = now_ns
        self._ticks = dict(ledger.ticks)
        self._moving = {(each.rule.rule_id, _key(each)): each for each in ledger.moving}
        self._told = {_key(each): each for each in ledger.told}
        self._waiting = list(ledger.waiting)
        self._withheld: list[tuple[str, WithheldReason]] = []
        self._held = ledger.held

    def end_what_has_no_rule(self) -> None:
        """What was told under a rule that was narrowed or stopped ends at once."""
        standing = {*self._terms.rules}
        for key, each in [*self._moving.items()]:
            if each.rule not in standing:
                del self._moving[key]
                if each.shown is not None:
                    ended = self._told_of(each, self._now_ns, ended=True)
                    self._put(self._now_ns, each.subject_id, ended, None)
        for other, told in [*self._told.items()]:
            if told.rule not in standing if told.rule is not None else not self._act_stands(told):
                del self._told[other]
                ended = sealed(replace(told.release, act="ended"), self._terms)
                self._put(self._now_ns, told.subject_id, ended, None)

    def _act_behind(self, each: Waiting) -> str:
        """The officer's act by which something is told; empty where a rule lets it be told."""
        acts = (act for act in self._terms.acts if each.subject_id in act.subject_ids)
        expires_ns = each.release.expires_ns
        return next((act.act_id for act in acts if act.until_ns == expires_ns and act.kind == each.release.basis), "")

    def _act_stands(self, told: Told) -> bool:
        """Whether the officer's act, by which something was told, still counts, or has run out by itself."""
        expires_ns = told.release.expires_ns
        acts = (act for act in self._terms.acts if told.subject_id in act.subject_ids)
        return (expires_ns is not None and expires_ns <= self._now_ns) or any(
            act.until_ns == expires_ns for act in acts
        )

    def tick(self) -> None:
        """Tell of what moves, for every rule whose moment has come."""
        for rule in self._terms.rules:
            tick_ns = floored(self._now_ns, rule.every_s) if rule.every_s else self._now_ns
            if tick_ns > self._ticks.get(rule.rule_id, -1):
                self._ticks[rule.rule_id] = tick_ns
                self._tell_moving(rule, tick_ns)

    def take(self, offered: Offered) -> None:
        """Take in one thing as it is now."""
        if subject_of(offered.what) in self._held:
            self._withheld.append((subject_of(offered.what), "taken_back"))
        elif isinstance(offered.what, PictureTrack | PictureGroup):
            self._follow(offered, offered.what)
        else:
            self._tell_change(offered)

    def finish(self) -> Telling:
        """All whose time has come, and what is kept."""
        standing = {None, *self._terms.rules}
        waiting = [each for each in self._waiting if each.rule in standing]
        # What was put aside under a rule that stands no more is not told; an end is, so that nothing stays for ever.
        due = [each for each in waiting if each.due_ns <= self._now_ns]
        due += [each for each in self._waiting if each.rule not in standing and each.release.act == "ended"]
        given = [Given(subject_id=each.subject_id, release=each.release, act_id=self._act_behind(each)) for each in due]
        given.sort(key=lambda each: (not is_urgent(each.release), each.release.thing_id, each.release.time_ns))
        ledger = Ledger(
            now_ns=self._now_ns,
            ticks=self._ticks,
            moving=tuple(self._moving.values()),
            told=tuple(each for each in self._told.values() if self._matters(each)),
            waiting=tuple(each for each in waiting if each.due_ns > self._now_ns),
            held=self._held,
        )
        return Telling(ledger, tuple(given), tuple(self._withheld))

    def _matters(self, each: Told) -> bool:
        """Whether what was told may still change or be offered again; alarms and incidents may until they are over."""
        if each.release.item in {"alarm", "incident"} and each.release.basis == "rule":
            return True
        oldest_s = max([_KEPT_S, *(rule.oldest_s for rule in self._terms.rules)])
        return self._now_ns - each.release.time_ns <= oldest_s * NS

    def _tell_moving(self, rule: ReleaseRule, tick_ns: int) -> None:
        for key, each in [*self._moving.items()]:
            if each.rule != rule:
                continue
            held = tick_ns - each.seen_ns <= rule.hold_s * NS
            told = each.shown is not None
            if not held:
                del self._moving[key]
            elif not rule.every_s:
                continue
            if told or (held and each.seen_ns - each.since_ns >= rule.dwell_s * NS):
                telling = self._told_of(each, tick_ns, ended=not held)
                self._put(tick_ns + rule.delay_s * NS, each.subject_id, telling, rule)
                if held:
                    self._moving[key] = replace(each, shown=_shown_after(each))

    def _told_of(self, each: Moving, time_ns: int, *, ended: bool) -> Release:
        """What is told of something that moves, under the name it has in this episode."""
        return sealed(
            replace(
                each.latest, time_ns=floored(time_ns, each.rule.time_precision_s),
                act="ended" if ended else "told", version=self._terms.agreement.version,
            ),
            self._terms,
        )  # fmt: skip

    def _follow(self, offered: Offered, what: PictureTrack | PictureGroup) -> None:
        subject_id = subject_of(what)
        item = "track" if isinstance(what, PictureTrack) else "group"
        keys = [(rule.rule_id, (item, subject_id)) for rule in self._terms.rules]
        known = [self._moving[key] for key in keys if key in self._moving]
        before = max(known, key=lambda each: each.seen_ns, default=None)
        found = release(offered, self._terms, self._now_ns, None if before is None else before.shown, early=True)
        if isinstance(found, Withheld):
            self._withheld.append((subject_id, found.reason))
        elif found.basis != "rule":
            self._tell_once(subject_id, found, None)
        else:
            self._keep(what, subject_id, found)

    def _keep(self, what: PictureTrack | PictureGroup, subject_id: str, found: Release) -> None:
        """Remember what would be told of something that moves, until its moment comes."""
        rule = self._rule(found)
        key = (rule.rule_id, (found.item, subject_id))
        before = self._moving.get(key)
        kind, time_ns = what.kind, what.time_ns
        if before is not None and time_ns <= before.seen_ns:
            return
        episode = str(time_ns) if before is None else before.episode
        name = named(self._terms, "thing", found.item, subject_id, episode)
        self._moving[key] = Moving(
            subject_id=subject_id, rule=rule, latest=replace(found, thing_id=name), episode=episode,
            since_ns=time_ns if before is None else before.since_ns,
            seen_ns=time_ns,
            kind=before.kind if kind == "unknown" and before is not None else kind,
            shown=None if before is None else before.shown,
        )  # fmt: skip
        if not rule.every_s:
            self._tell_moving_now(key)

    def _tell_moving_now(self, key: tuple[str, tuple[str, str]]) -> None:
        """Tell of something under a rule that tells as things come."""
        each = self._moving[key]
        if each.seen_ns - each.since_ns >= each.rule.dwell_s * NS:
            told = self._told_of(each, each.seen_ns, ended=False)
            self._put(each.seen_ns + each.rule.delay_s * NS, each.subject_id, told, each.rule)
            self._moving[key] = replace(each, shown=_shown_after(each))

    def _tell_change(self, offered: Offered) -> None:
        subject_id = subject_of(offered.what)
        found = release(offered, self._terms, self._now_ns, early=True)
        if isinstance(found, Release):
            self._tell_once(subject_id, found, None if found.basis != "rule" else self._rule(found))
            return
        self._withheld.append((subject_id, found.reason))
        what = offered.what
        before = self._told.get(("alarm" if isinstance(what, Alarm) else "incident", subject_id))
        over = isinstance(what, Alarm | Incident) and what.state == "closed"
        if over and before is not None and found.reason not in _UNTOLD:
            # What was told must end for the partner too, wherever it is by now.
            self._tell_once(subject_id, replace(before.release, act="ended"), self._rule(before.release))

    def _tell_once(self, subject_id: str, found: Release, rule: ReleaseRule | None) -> None:
        """Tell of something if it is not as it was told, at the next of the rule's moments."""
        key = (found.item, subject_id)
        before = self._told.get(key)
        if before is not None and before.release.basis == found.basis == "rule" and found.item == "alarm":
            found = sealed(replace(found, cell=before.release.cell), self._terms)
        if before is None and found.act == "ended":
            return
        if before is not None and _content(before.release) == _content(found):
            return
        if found.act == "ended":
            del self._told[key]
            found = sealed(replace(found, release_id=""), self._terms)
        else:
            self._told[key] = Told(subject_id=subject_id, release=found, rule=rule)
        self._put(self._due(found, rule), subject_id, found, rule)

    def _due(self, found: Release, rule: ReleaseRule | None) -> int:
        if rule is None:
            return self._now_ns
        due = max(self._now_ns, found.time_ns + (rule.delay_s + bool(rule.delay_s) * rule.time_precision_s) * NS)
        return -floored(-due, rule.every_s) if rule.every_s else due

    def _rule(self, found: Release) -> ReleaseRule:
        return next(rule for rule in self._terms.rules if rule.rule_id == found.rule_id)

    def _put(self, due_ns: int, subject_id: str, told: Release, rule: ReleaseRule | None) -> None:
        self._waiting.append(Waiting(due_ns=due_ns, subject_id=subject_id, release=told, rule=rule))


def _key(each: Moving | Told) -> tuple[str, str]:
    found = each.latest if isinstance(each, Moving) else each.release
    return found.item, each.subject_id


def _shown_after(each: Moving) -> Shown | None:
    """What was told of something that moves, once it has been told as it is."""
    cell = each.latest.cell
    if cell is None:
        return each.shown
    moved = each.shown is not None and each.shown.cell != cell
    before = None if each.shown is None else each.shown.cell if moved else each.shown.before
    return Shown(cell=cell, before=before, kind=each.kind, episode=each.episode)


def _content(told: Release) -> bytes:
    """What a release says, leaving aside when."""
    return payload(replace(told, release_id="", time_ns=0, version=0))


def releases_of(given: Iterable[Given]) -> tuple[Release, ...]:
    """What goes over the line, without our own names."""
    return tuple(each.release for each in given)

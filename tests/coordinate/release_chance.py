"""Agreements and items made by chance: most of them sound, many at an edge, some tampered with."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from marsad.coordinate.agreement import sign, unsound
from marsad.coordinate.offer import Offered, Thing
from marsad.coordinate.terms import Terms
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement, Party, ReleaseGround, SignedAgreement
from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.alert import Alert, Facts, Priority, Rule
from marsad.kernel.incident import Evidence, Hazard, HazardKind, Incident, IncidentKind, IncidentState, Note
from marsad.kernel.picture import Contributor, Likely, PictureGroup, PictureTrack, Waypoint
from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState, Position
from marsad.kernel.release import (
    OPEN_FIELDS,
    EmergencyAct,
    Field,
    Item,
    PatrolCorridor,
    PostWatch,
    ReleaseRule,
)
from marsad.kernel.sighting import Sighting
from marsad.kernel.track import Count, Kind

W = TypeVar("W")

NS = 10**9
NOW = 1_790_000_000 * NS
KEYS = {"east": bytes([1]) * 32, "west": bytes([2]) * 32}
PUBLIC = {name: Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw() for name, key in KEYS.items()}
PARTIES = tuple(Party(party_id=name, public_key=PUBLIC[name].hex()) for name in ("east", "west"))
PAIR = PARTIES[0], PARTIES[1]
SECRET = bytes(range(32))
ANCHOR = Position(latitude_deg=34.41, longitude_deg=40.93)
PLANE = EnuFrame(ANCHOR)
SITE_EAST_M, SITE_NORTH_M = 1234.5, -678.9
KINDS: tuple[Kind, ...] = get_args(Kind)
ITEMS: tuple[Item, ...] = get_args(Item)
FIELDS: tuple[Field, ...] = get_args(Field)
ACTS: tuple[Literal["handover_at_line", "life_at_risk"], ...] = ("handover_at_line", "life_at_risk")
SORTS = ("track", "track", "track", "group", "alarm", "alert", "incident", "sighting", "patrol", "post")
OWN_WORDS = ("camera-north-7", "tower-3", "sergeant Karim", "the shepherd Omar", "site-alpha", "/films/7.mp4")
"""What is in the items made here and must not be in any release."""


class Case(NamedTuple):
    """One item, under terms, at a moment; `sort` is what it is, `sound` whether nobody tampered with it."""

    terms: Terms
    ground: ReleaseGround | None
    offered: Offered
    now_ns: int
    sort: str
    sound: bool


class Chance:
    """Makes things by chance, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._number = 0

    def hit(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def real(self, low: float, high: float) -> float:
        return float(low + (high - low) * self.rng.random())

    def one(self, words: Sequence[W]) -> W:
        return words[int(self.rng.random() * len(words))]

    def some(self, words: Sequence[W], share: float = 0.6) -> tuple[W, ...]:
        return tuple(word for word in words if self.hit(share))

    def name(self, start: str) -> str:
        self._number += 1
        return f"{start}-{self._number}"

    def corner(self, reach: float) -> tuple[float, float]:
        return self.real(-reach, reach), self.real(-reach, reach)

    # -- agreements ------------------------------------------------------------------------------------------------

    def agreement(self) -> Agreement:
        """A sound agreement."""
        while True:
            found = self._agreement()
            if not [*unsound(found)]:
                return found

    def _agreement(self) -> Agreement:
        protected = self.one((0, 0, 100, 250))
        line = [(-9000.0, self.real(-500, 500)), (0.0, self.real(-800, 800)), (9000.0, self.real(-500, 500))]
        first = self.one((True, True, False))
        return Agreement(
            agreement_id="line-7", version=1 if first else 4, parties=PAIR, from_ns=NOW - 7200 * NS,
            until_ns=NOW + 86_400 * NS, anchor=ANCHOR, protected_distance_m=protected, block_m=self.one((1000, 2000)),
            line=tuple(PLANE.position(*p) for p in line), replaces="" if first else "ab" * 32,
            rules=tuple(self.rules(protected)),
        )  # fmt: skip

    def rules(self, protected: int) -> list[ReleaseRule]:
        found: list[ReleaseRule] = []
        for giver, taker in (("east", "west"), ("west", "east")):
            left = [*ITEMS]
            self.rng.shuffle(left)
            while left and self.hit(0.97):
                count = self.whole(1, 4)
                items, left = left[:count], left[count:]
                found.append(self.rule(f"{giver}-{len(found)}", giver, taker, tuple(items), protected))
        return found

    def rule(self, name: str, giver: str, taker: str, items: tuple[Item, ...], protected: int) -> ReleaseRule:
        sizes = [s for s in (50, 100, 250, 500, 1000) if s >= protected and (s >= 500 or "patrol" not in items)]
        precision, step = self.one(sizes), self.one((1, 10, 60))
        fields = [f for f in FIELDS if not (protected and f in OPEN_FIELDS)]
        near = self.one((None, 1500, 3000, 6000, 6000))
        return ReleaseRule(
            rule_id=name, giver=giver, taker=taker, items=items, kinds=self.some(KINDS, 0.85),
            lowest_priority=self.one(("low", *get_args(Priority))), near_line_m=near,
            polygon=self.polygon() if near is None or self.hit(0.25) else (), precision_m=precision,
            sigma_m=precision * self.one((1, 1, 2, 3)), time_precision_s=step,
            delay_s=self.one((0, 0, 0, 0, 2, 60, 600)), every_s=60 if protected else self.one((0, 60)),
            hold_s=120, oldest_s=self.one((300, 3600)),
            fields=self.some(fields), posts=self.some(("post-1", "post-2")), declared=self.hit(0.3),
            clips=self.one(("none", "alarms")) if not protected else "none", exercises=self.hit(0.3),
        )  # fmt: skip

    def polygon(self) -> tuple[Position, ...]:
        """A star about a middle, so that it is often not convex."""
        middle = self.corner(2000)
        turns = np.sort(self.rng.random(self.whole(3, 7))) * 2 * np.pi
        reach = 2500 + 6000 * self.rng.random(len(turns))
        return tuple(
            PLANE.position(middle[0] + r * float(np.cos(t)), middle[1] + r * float(np.sin(t)))
            for r, t in zip(reach, turns, strict=True)
        )

    def ground(self, agreement: Agreement) -> ReleaseGround | None:
        if self.hit(0.1):
            return None
        reach = 6000 // agreement.block_m
        blocks = [(e, n) for e in range(-reach, reach) for n in range(-reach, reach) if self.hit(0.9)]
        return ReleaseGround(block_m=agreement.block_m, blocks=tuple(blocks))

    def acts(self) -> tuple[EmergencyAct, ...]:
        return tuple(
            EmergencyAct(
                act_id=self.name("act"),
                agreement_id="line-7",
                kind=kind,
                officer="sergeant Karim",
                reason="somebody lies in the wadi",
                subject_ids=tuple(f"{s}-x" for s in {*SORTS}),
                from_ns=NOW - self.whole(-60, 600) * NS,
                until_ns=NOW + self.whole(-30, 1800) * NS,
                precision_m=self.one((10, 100)),
            )
            for kind in self.some(ACTS, 0.3)
        )

    def terms(self, agreement: Agreement, ground: ReleaseGround | None) -> Terms:
        signed = countersigned(agreement)
        acts = [act for act in self.acts() if act.from_ns < act.until_ns]
        return Terms(signed, "east", SECRET, ground, acts=acts)

    # -- items -----------------------------------------------------------------------------------------------------

    def place(self) -> Position:
        """Somewhere, often a few millimetres from an edge of the grid."""
        if self.hit(0.02):
            return PLANE.position(*self.corner(1_000_000))
        east, north = self.corner(self.one((1000, 3500, 8000)))
        if self.hit(0.2):
            east = 250.0 * round(east / 250) + self.one((-0.003, 0.003, -30, 30))
        return PLANE.position(east, north, self.real(-50, 50))

    def covariance(self) -> GroundCovariance:
        long, short, turn = self.real(1, 400 if self.hit(0.2) else 60), self.real(1, 10), self.real(0, np.pi)
        c, s = float(np.cos(turn)), float(np.sin(turn))
        return GroundCovariance(
            east_m2=(long * c) ** 2 + (short * s) ** 2,
            east_north_m2=(long**2 - short**2) * c * s,
            north_m2=(long * s) ** 2 + (short * c) ** 2,
        )

    def ground_state(self) -> GroundState:
        position = self.place()
        east, north, _ = PLANE.from_geodetic(position.latitude_deg, position.longitude_deg, position.height_m)
        return GroundState(
            position=position, east_m=float(east) - SITE_EAST_M, north_m=float(north) - SITE_NORTH_M,
            covariance=self.covariance(), velocity_east_m_s=self.real(-3, 3), velocity_north_m_s=self.real(-3, 3),
            range_m=self.real(100, 9000), multimodal=self.hit(0.1),
        )  # fmt: skip

    def moment(self) -> int:
        before_s = self.one((0.4, 3, 59.9, 65, 200, 200, 290, 700, 3000, 5000, 9000))
        return NOW - round(before_s * NS) - self.whole(0, 999)

    def count(self) -> Count | None:
        best = self.whole(0, 60) if self.hit(0.3) else self.whole(1, 6)
        return Count(best=best, low=max(best - 2, 0), high=best + 3) if self.hit(0.8) else None

    def subject(self, sort: str) -> str:
        return f"{sort}-x" if self.hit(0.15) else self.name(sort)

    def contributors(self) -> tuple[Contributor, ...]:
        foreign = "west" if self.hit(0.05) else "east"
        return tuple(
            Contributor(source_id=source, origin=origin, time_ns=NOW - 5 * NS, label=self.whole(1, 99))
            for source, origin in (("camera-north-7", "east"), ("tower-3", foreign))
        )

    def track(self, name: str = "") -> PictureTrack:
        ground = self.ground_state()
        ahead = EnuPoint(east_m=ground.east_m + self.real(-900, 900), north_m=ground.north_m + self.real(-900, 900))
        return PictureTrack(
            track_id=name or self.subject("track"), origin="west" if self.hit(0.03) else "east", time_ns=self.moment(),
            status=self.one(("confirmed", "confirmed", "confirmed", "coasting", "lost", "tentative")), ground=ground,
            velocity_covariance=self.covariance(), existence=self.real(0, 1), first_ns=NOW - 900 * NS,
            seen_ns=NOW - 3 * NS, kind=self.one(KINDS), kind_confidence=self.real(0, 1), count=self.count(),
            contributors=self.contributors(), likely=(Likely(probability=0.4, ground=self.ground_state()),),
            formerly=("site-alpha",), standing=self.one(("unknown",) * 8 + ("own", "declared")),
            standing_id="the shepherd Omar", heading_rad=self.one((None, 1.0)), speed_m_s=self.real(0, 3),
            corridor=(Waypoint(time_ns=NOW + 60 * NS, centre=ahead, covariance=self.covariance()),),
        )  # fmt: skip

    def group(self) -> tuple[PictureGroup, tuple[PictureTrack, ...]]:
        names = [self.name("track") for _ in range(self.whole(1, 3))]
        members = tuple(self.track(name) for name in names)
        listed = (*names, "track-lost") if self.hit(0.1) else tuple(names)
        one = members[0]
        group = PictureGroup(
            group_id=self.subject("group"), time_ns=self.moment(), first_ns=one.first_ns, members=listed,
            count=Count(best=self.whole(1, 12), low=1, high=15), kind=self.one(KINDS), ground=self.ground_state(),
            velocity_covariance=self.covariance(), standing=self.one(("unknown",) * 8 + ("own", "declared")),
            standing_id="the shepherd Omar", extent_m=self.real(0, 90), parted_from="site-alpha", corridor=one.corridor,
        )  # fmt: skip
        return group, members

    def alarm(self) -> Alarm:
        met = tuple(
            Met(rule=self.one(RULES), rule_id="site-alpha", direction=self.one(("inward", "outward", "")),
                time_ns=NOW - 60 * NS, alert_id="tower-3")
            for _ in range(self.whole(1, 2))
        )  # fmt: skip
        return Alarm(
            alarm_id=self.subject("alarm"), subject_id="track-9",
            state=self.one(("unacknowledged", "returned", "closed")), priority=self.one(get_args(Priority)),
            kind=self.one(KINDS), response="look_and_send",
            text="sergeant Karim saw it by tower-3", met=met,
            seen=Seen(time_ns=NOW, camera_id="camera-north-7", ground=self.ground_state() if self.hit(0.9) else None),
            raised_ns=self.moment(), changed_ns=NOW, latching=True, count=self.count(), camera_ids=("camera-north-7",),
            about="object" if self.hit(0.9) else "camera", facts=Facts(camera_ids=("camera-north-7",)),
            acknowledged_by="sergeant Karim",
        )  # fmt: skip

    def alert(self) -> Alert:
        return Alert(
            alert_id=self.subject("alert"), rule=self.one(RULES), rule_id="site-alpha",
            priority=self.one(get_args(Priority)), time_ns=self.moment(), text="camera-north-7", camera_id="tower-3",
            kind=self.one(KINDS), direction=self.one(("inward", "outward", "")), count=self.count(),
            ground=self.ground_state() if self.hit(0.9) else None, about="object" if self.hit(0.9) else "link",
        )  # fmt: skip

    def incident(self) -> Incident:
        hazard = {"note": "sergeant Karim", "by": "sergeant Karim", "time_ns": NOW}
        hazards = tuple(
            Hazard(hazard_id=self.name("h"), kind=kind, ended_ns=NOW if self.hit(0.3) else None, **hazard)  # type: ignore[arg-type]
            for kind in self.some(get_args(HazardKind), 0.3)
        )
        evidence = Evidence(evidence_id="e", path="films/7.mp4", sha256="0" * 64, kind="clip", from_ns=0, to_ns=1)
        return Incident(
            incident_id=self.subject("incident"), kind=self.one(get_args(IncidentKind)),
            state=self.one(get_args(IncidentState)), text="the shepherd Omar by tower-3", opened_ns=NOW - 900 * NS,
            opened_by="sergeant Karim", changed_ns=self.moment(), exercise=self.hit(0.1), in_charge="sergeant Karim",
            position=self.place() if self.hit(0.9) else None, expected=self.count(), hazards=hazards,
            notes=(Note(text="the shepherd Omar", by="sergeant Karim", time_ns=NOW),), evidence=(evidence,),
        )  # fmt: skip

    def sighting(self) -> Sighting:
        return Sighting(
            sighting_id=self.subject("sighting"), what="the shepherd Omar saw it", position=self.place(),
            sigma_m=self.real(5, 600), seen_ns=self.moment(), source="B", content="2", reporter_kind="resident",
            kind=self.one(KINDS), count=self.count(), kept_identity="the shepherd Omar",
        )  # fmt: skip

    def item(self, sort: str) -> tuple[Thing, tuple[PictureTrack, ...]]:
        if sort == "group":
            return self.group()
        hours = {
            "from_ns": NOW - self.whole(0, 4000) * 977_000_000,
            "until_ns": NOW + self.whole(0, 9000) * 977_000_000,
        }
        if sort == "patrol":
            way = tuple(self.place() for _ in range(self.whole(1, 3)))
            return PatrolCorridor(patrol_id=self.name("patrol"), points=way, time_ns=self.moment(), **hours), ()
        if sort == "post":
            name = self.one(("post-1", "post-2", "tower-3"))
            return PostWatch(post_id=name, watched=self.hit(0.5), time_ns=self.moment(), **hours), ()
        return getattr(self, sort)(), ()

    def case(self, terms: Terms, ground: ReleaseGround | None) -> Case:
        """An item under terms; one in eight was tampered with, and one in twelve has an odd moment or origin."""
        sort = self.one(SORTS)
        what, members = self.item(sort)
        sound = not self.hit(0.1)
        if not sound:
            what = self.tamper(what)
        offered = Offered(
            what=what, origins=self.one((("east",),) * 30 + ((), ("west",), ("east", "west"))),
            exercise=self.hit(0.1), members=members, clips=("c" * 64,) if sort in {"alarm", "alert"} else (),
        )  # fmt: skip
        now = self.one((NOW,) * 40 + (NOW - 3 * NS, NOW - 10**15, NOW + 10**15, terms.agreement.until_ns))
        return Case(terms, ground, offered, now, sort, sound)

    def tamper(self, what: Thing) -> Thing:
        """The record with one field, somewhere in it, that is not what it may be."""
        names = [n for n in what.__struct_fields__ if n not in {"text", "what", "note", "standing_id"}]
        for _ in range(50):
            name = self.one(names)
            value = getattr(what, name)
            bad = self.bad(value, name)
            if bad is not None:
                return replace(what, **{name: bad[0]})
        raise AssertionError("nothing to tamper with")

    def bad(self, value: object, name: str) -> tuple[object] | None:
        """Something that may not stand in the place of a value; None where that is not known."""
        if isinstance(value, GroundState):
            broken = replace(value.position, latitude_deg=self.one((float("nan"), None, "34")))
            return (replace(value, position=broken),)
        for kind, others in BAD:
            if isinstance(value, kind):
                return (self.one(GHOSTS if kind is str and name in WORDS else others),)
        return None


WORDS = {"kind", "status", "state", "priority", "standing", "rule", "about"}
GHOSTS: tuple[object, ...] = ("ghost", "", "Person")
NAN = float("nan")
BAD: tuple[tuple[type, tuple[object, ...]], ...] = (
    (bool, ("yes", 1, None)),
    (float, (NAN, float("inf"), "12", -float("inf"))),
    (int, (1.5, "7", None, True, NAN)),
    (str, (7, None, b"x")),
    (Position, (None, Position(latitude_deg=NAN, longitude_deg=0), Position(latitude_deg=0, longitude_deg=NAN))),
    (GroundCovariance, (None, GroundCovariance(east_m2=NAN, east_north_m2=0, north_m2=1))),
)
RULES: tuple[Rule, ...] = (*("line_crossing", "approach", "loitering") * 4, *get_args(Rule))


def countersigned(agreement: Agreement) -> SignedAgreement:
    """The agreement with the signatures of both."""
    return SignedAgreement(agreement=agreement, signatures=tuple(sign(agreement, p, key) for p, key in KEYS.items()))


def plain_case(case: Case) -> dict[str, Any]:
    """A case as the oracle takes it."""
    offered, terms = case.offered, case.terms
    sound = case.sound
    return {
        "agreement": msgspec.to_builtins(terms.agreement), "giver": terms.giver, "taker": terms.taker,
        "ground": None if case.ground is None else [list(block) for block in case.ground.blocks],
        "acts": msgspec.to_builtins(terms.acts), "now_ns": case.now_ns, "sort": case.sort, "sound": sound,
        "item": msgspec.to_builtins(offered.what) if sound else {}, "origins": list(offered.origins),
        "exercise": offered.exercise, "members": [msgspec.to_builtins(m) for m in offered.members],
        "clips": list(offered.clips),
    }  # fmt: skip

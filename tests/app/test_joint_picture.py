"""Two desks tell each other by real release rules, again and again: nothing gets surer, nothing is there twice."""

import math
import secrets
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.app.joint_picture import AGEING, MATCHING, Joined, JointPicture
from marsad.console.partner_board import PartnerFacts, follow
from marsad.coordinate.agreement import sign
from marsad.coordinate.cadence import Ledger, tell
from marsad.coordinate.offer import offers_of
from marsad.coordinate.terms import Terms
from marsad.fuse.combine import foreign
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement, Party, SignedAgreement
from marsad.kernel.picture import Contributor, Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.release import Cell, Heads, Release, ReleaseRule
from marsad.kernel.track import Count

S = 10**9
NOW = 1_760_000_000 * S
ANCHOR = Position(latitude_deg=34.3, longitude_deg=41.0)
LINE = (Position(latitude_deg=34.3, longitude_deg=40.9), Position(latitude_deg=34.3, longitude_deg=41.1))
FRAMES = {"east": EnuFrame(Position(latitude_deg=34.31, longitude_deg=41.02)), "west": EnuFrame(ANCHOR)}
GRID = EnuFrame(ANCHOR)
SPREAD = np.diag([60.0**2, 8.0**2])
CELL_M = 500


def rule(giver: str, taker: str) -> ReleaseRule:
    return ReleaseRule(
        rule_id=f"{giver}-moving", giver=giver, taker=taker, items=("track", "group"),
        kinds=("person", "group", "vehicle", "unknown"), near_line_m=9000, precision_m=CELL_M, sigma_m=CELL_M,
        time_precision_s=10, every_s=10, hold_s=60, fields=("kind", "count"),
    )  # fmt: skip


def agreement() -> SignedAgreement:
    keys = {name: Ed25519PrivateKey.generate() for name in ("east", "west")}
    east, west = (Party(party_id=n, public_key=k.public_key().public_bytes_raw().hex()) for n, k in keys.items())
    agreed = Agreement(
        agreement_id="both", version=1, parties=(east, west), from_ns=NOW - 60 * S, until_ns=NOW + 7200 * S,
        anchor=ANCHOR, protected_distance_m=0, block_m=1000, line=LINE,
        rules=(rule("east", "west"), rule("west", "east")),
    )  # fmt: skip
    return SignedAgreement(
        agreement=agreed, signatures=tuple(sign(agreed, n, k.private_bytes_raw()) for n, k in keys.items())
    )


def facts(party: str) -> PartnerFacts:
    return PartnerFacts(
        party_id=party, name=party, agreement_id="both", version=1, until_ns=NOW + 7200 * S, anchor=ANCHOR
    )


def seen(name: str, organisation: str, at: np.ndarray, time_ns: int, cov: np.ndarray = SPREAD) -> PictureTrack:
    """A track of our own at a place in metres from the anchor."""
    position = GRID.position(float(at[0]), float(at[1]))
    here = FRAMES[organisation].point(position)
    spread = GroundCovariance(east_m2=float(cov[0, 0]), east_north_m2=float(cov[0, 1]), north_m2=float(cov[1, 1]))
    ground = GroundState(position=position, east_m=here.east_m, north_m=here.north_m, covariance=spread, range_m=900.0)
    return PictureTrack(
        track_id=name, origin=organisation, time_ns=time_ns, status="confirmed", ground=ground,
        velocity_covariance=GroundCovariance(east_m2=0.5, east_north_m2=0.0, north_m2=0.5), existence=0.95,
        first_ns=NOW, seen_ns=time_ns, confirmed_ns=NOW, kind="person",
        contributors=(Contributor(source_id=f"{organisation}-mast", origin=organisation, time_ns=time_ns),),
    )  # fmt: skip


class Side:
    """One desk's own picture, what it tells by the agreement, and the joint picture it makes of what it hears."""

    def __init__(self, name: str, signed: SignedAgreement) -> None:
        self.name = name
        other = "west" if name == "east" else "east"
        self.terms = Terms(signed, name, secrets.token_bytes(32))
        self.ledger = Ledger()
        rules = {each.rule_id: each for each in signed.agreement.rules}
        self.joint = JointPicture(name, facts(other), FRAMES[name], rules)
        self.picture = Picture(time_ns=NOW)
        self.joined = Joined(self.picture, {})
        self.standing: dict[str, Release] = {}
        self.withheld: list[tuple[str, str]] = []

    def tell(self, now_ns: int, tracks: Sequence[PictureTrack]) -> tuple[Release, ...]:
        telling = tell(self.ledger, offers_of(tracks, (), (), self.name, exercise=False), self.terms, now_ns)
        self.ledger = telling.ledger
        self.withheld += telling.withheld
        return tuple(each.release for each in telling.given)

    def hear(self, releases: Sequence[Release], now_ns: int) -> None:
        for each in releases:
            follow(self.standing, each)
            self.joint.take(each, now_ns)

    def look(self, now_ns: int) -> Joined:
        self.joined = self.joint.update(self.picture, now_ns, exercise=False)
        return self.joined


def error_of(track: PictureTrack, truths: np.ndarray) -> tuple[float, int]:
    """The NEES per degree of freedom of a track against the truth that it is nearest to, and which that is."""
    here = GRID.point(track.ground.position)
    errors = np.array([here.east_m, here.north_m]) - truths
    nearest = int(np.argmin(np.hypot(*errors.T)))
    c = track.ground.covariance
    cov = np.array([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])
    return float(errors[nearest] @ np.linalg.solve(cov, errors[nearest])) / 2, nearest


def loops(seed: int, count: int) -> tuple[Side, Side, list[float], np.ndarray]:
    """So many rounds: both see three each, two of them alike, and nothing of the joint picture is ever told."""
    rng = np.random.default_rng(seed)
    signed = agreement()
    east, west = Side("east", signed), Side("west", signed)
    start = np.array([(x * 3500.0 - 5000.0, rng.uniform(-1500, 1500)) for x in range(4)])
    velocity = rng.normal(scale=0.5, size=(4, 2))
    root, found, truths = np.linalg.cholesky(SPREAD), list[float](), start
    for step in range(count):
        now = NOW + 10 * S * (step + 1)
        truths = start + velocity * 10.0 * (step + 1)
        for side, mine in ((east, (0, 1, 2)), (west, (1, 2, 3))):
            tracks = [seen(f"{side.name}{n}", side.name, truths[n] + root @ rng.normal(size=2), now) for n in mine]
            side.picture = Picture(time_ns=now, tracks=tuple(tracks))
        told = {side.name: side.tell(now, side.picture.tracks) for side in (east, west)}
        for side in (east, west):
            rumours = [track for track in side.joined.picture.tracks if foreign(track, side.name)]
            assert tell(Ledger(), offers_of(rumours, (), (), side.name, exercise=False), side.terms, now).given == ()
        east.hear(told["west"], now)
        west.hear(told["east"], now)
        for side in (east, west):
            judged = [error_of(track, truths) for track in side.look(now).picture.tracks]
            found += [nees for nees, _ in judged]
            if step:
                assert sorted(nearest for _, nearest in judged) == [0, 1, 2, 3]
    return east, west, found, truths


def test_eight_loops_make_nothing_surer_and_nothing_double() -> None:
    found: list[float] = []
    for seed in range(12):
        east, west, nees, _ = loops(seed, 8)
        found += nees
        for side in (east, west):
            both = [track for track in side.joined.picture.tracks if track.origin == "east+west"]
            assert len(both) == len(side.joined.both) == 2
            assert all(track.ground.covariance.north_m2 > 0.5 * SPREAD[1, 1] for track in both)
    assert float(np.mean(found)) <= 1.0


def test_nothing_that_rests_on_the_partners_word_is_told_and_our_own_picture_stays_as_it_is() -> None:
    east, _, _, _ = loops(3, 4)
    before = msgspec.json.encode(east.picture)
    rests = {track.track_id for track in east.joined.picture.tracks if foreign(track, "east")}
    assert rests
    alone = [track for track in east.joined.picture.tracks if foreign(track, "east")]
    fresh = Side("east", agreement())
    assert fresh.tell(NOW + 200 * S, alone) == ()
    assert {reason for _, reason in fresh.withheld} == {"not_ours"}
    east.look(NOW + 60 * S)
    assert msgspec.json.encode(east.picture) == before


def test_to_make_ready_leaves_nothing_behind() -> None:
    joint = JointPicture("east", facts("west"), FRAMES["east"])
    joint.warm()
    assert joint.update(Picture(time_ns=NOW), NOW, exercise=False).picture.tracks == ()


def test_a_partners_word_is_kept_as_long_here_as_there() -> None:
    assert MATCHING.kept_s == AGEING.kept_s


def told(thing_id: str, time_ns: int, cell: tuple[int, int], **more: object) -> Release:
    known = Release(
        release_id=f"{thing_id}.{time_ns}.{more.get('act', 'told')}", agreement_id="both", version=1,
        rule_id="west-moving", giver="west", taker="east", item="track", thing_id=thing_id, time_ns=time_ns,
        cell=Cell(east=cell[0], north=cell[1], size_m=CELL_M), sigma_m=CELL_M, kind="person",
    )  # fmt: skip
    return msgspec.structs.replace(known, **more)


STORY = (
    *(told(name, NOW + n * 30 * S, (4 * k + n % 2, k)) for k, name in enumerate("abcd") for n in range(4)),
    told("b", NOW + 91 * S, (4, 1), act="ended"),
    told("c", NOW + 92 * S, (8, 2), act="recalled", replaces=f"c.{NOW + 90 * S}.told"),
)


def without_names(picture: Picture) -> list[PictureTrack]:
    """The tracks, whatever they are called: that goes by who was looked at first."""
    bare = [msgspec.structs.replace(each, track_id="", formerly=()) for each in picture.tracks]
    return sorted(bare, key=lambda each: each.ground.east_m)


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=6), st.integers(0, len(STORY)))
@settings(deadline=None, max_examples=40)
def test_after_a_cut_the_joint_picture_is_that_of_what_was_told_in_whatever_order(
    order: Sequence[Release], again: Sequence[Release], cut: int
) -> None:
    """All at once, or some before a cut in which it was looked at, and the rest, with repeats, after it."""
    straight, ours = (JointPicture("east", facts("west"), FRAMES["east"]) for _ in range(2))
    own = Picture(time_ns=NOW + 100 * S, tracks=(seen("e1", "east", np.array([250.0, 250.0]), NOW + 100 * S),))
    for each in STORY:
        straight.take(each, NOW + 100 * S)
    for n, each in enumerate((*order, *again)):
        if n == cut:
            ours.update(Picture(time_ns=NOW + 95 * S), NOW + 95 * S, exercise=False)
        ours.take(each, NOW + 100 * S)
    there = [joint.update(own, NOW + 100 * S, exercise=False) for joint in (straight, ours)]
    assert without_names(there[0].picture) == without_names(there[1].picture)
    assert [set(each.both) for each in there] == [{("e1", "a")}] * 2
    assert [len(each.picture.tracks) for each in there] == [2, 2]


def test_after_a_restart_the_same_things_go_by_the_same_names() -> None:
    joint = JointPicture("east", facts("west"), FRAMES["east"])
    first = told("a", NOW, (0, 0))
    joint.take(first, NOW)
    assert [each.track_id for each in joint.update(Picture(time_ns=NOW), NOW, exercise=False).picture.tracks] == [
        "west:a"
    ]
    later = NOW + 20 * S
    own = Picture(time_ns=later, tracks=(seen("e1", "east", np.array([250.0, 250.0]), later),))
    before = joint.update(own, later, exercise=False)
    assert [each.name for each in before.both.values()] == ["west:a"]
    again = JointPicture("east", facts("west"), FRAMES["east"])
    again.restore([first], before.both.values(), later)
    after = again.update(own, later + S, exercise=False)
    assert after.both == before.both
    assert [each.track_id for each in after.picture.tracks] == [each.track_id for each in before.picture.tracks]


def test_a_party_is_matched_with_a_party_and_is_one_though_each_side_counts_it_otherwise() -> None:
    joint = JointPicture("east", facts("west"), FRAMES["east"])
    joint.take(told("g", NOW, (0, 0), item="group", kind="group", heads=Heads(low=2, high=4)), NOW)
    alone = [seen(f"e{n}", "east", np.array([250.0 + 4 * n, 250.0]), NOW) for n in range(4)]
    four = [msgspec.structs.replace(each, group_id="G") for each in alone]
    group = PictureGroup(
        group_id="G", time_ns=NOW, first_ns=NOW, members=tuple(each.track_id for each in four), kind="group",
        count=Count(best=4, low=4, high=5), ground=four[1].ground,
        velocity_covariance=GroundCovariance(east_m2=0.5, east_north_m2=0.0, north_m2=0.5),
    )  # fmt: skip
    joined = joint.update(Picture(time_ns=NOW, tracks=tuple(four), groups=(group,)), NOW, exercise=False)
    assert set(joined.both) == {("G", "g")}
    assert {track.track_id for track in joined.picture.tracks} == {"G", "e0", "e1", "e2", "e3"}


def test_neither_our_own_patrol_nor_what_the_partner_never_tells_of_is_taken_for_what_it_told() -> None:
    joint = JointPicture("east", facts("west"), FRAMES["east"], {"west-moving": rule("west", "east")})
    joint.take(told("a", NOW, (0, 0)), NOW)
    near = [seen(f"e{n}", "east", np.array([250.0, 250.0]), NOW) for n in range(3)]
    patrol = msgspec.structs.replace(near[0], standing="own", standing_id="patrol-1")
    sheep = msgspec.structs.replace(near[1], kind="animal", kind_confidence=0.6)
    far = seen("e2", "east", np.array([700.0, 250.0]), NOW)
    joined = joint.update(Picture(time_ns=NOW, tracks=(patrol, sheep, far)), NOW, exercise=False)
    assert set(joined.both) == {("e2", "a")}
    assert [track.origin for track in joined.picture.tracks] == ["east", "east", "east+west"]


def test_what_is_played_is_kept_apart_and_what_has_no_place_or_does_not_move_is_left_out() -> None:
    joint = JointPicture("east", facts("west"), FRAMES["east"])
    joint.take(told("p", NOW, (0, 0), exercise=True), NOW)
    joint.take(msgspec.structs.replace(told("n", NOW, (0, 0)), cell=None), NOW)
    joint.take(told("A", NOW, (0, 0), item="alarm"), NOW)
    joint.take(told("strange", NOW, (0, 0), giver="south"), NOW)
    empty = Picture(time_ns=NOW)
    assert joint.update(empty, NOW, exercise=False).picture.tracks == ()
    (played,) = joint.update(empty, NOW, exercise=True).picture.tracks
    assert played.track_id == "west:p"
    told_m2 = CELL_M**2 / 12 + CELL_M**2 + (1.5 * 120) ** 2 / 3
    assert math.isclose(played.ground.covariance.east_m2, told_m2, rel_tol=1e-9)


@pytest.mark.parametrize("age_s", [170, 190])
def test_a_word_is_joined_until_it_is_too_old(age_s: int) -> None:
    joint = JointPicture("east", facts("west"), FRAMES["east"])
    joint.take(told("a", NOW, (0, 0)), NOW)
    now = NOW + age_s * S
    own = Picture(time_ns=now, tracks=(seen("e1", "east", np.array([250.0, 250.0]), now),))
    assert bool(joint.update(own, now, exercise=False).both) == (age_s < 180)

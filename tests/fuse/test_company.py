"""Who goes together, how many they are, and what they are called through split and merge."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.fuse.beside import Alike
from marsad.fuse.company import Company, CompanySettings, with_groups
from marsad.fuse.count import Told, count_of, heads_in
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.picture import Contributor, Picture, PictureGroup, PictureTrack, Standing
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Kind

S = 10**9
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
Place = tuple[float, float]


def track(
    name: str, place: Place, velocity: Place = (0.0, 1.2), *, moment: int = 0, sigma_m: float = 2.0,
    shared_m: float = 0.0, kind: Kind = "person", standing: Standing = "unknown",
    counted: Mapping[str, Count | None] | None = None, formerly: tuple[str, ...] = (),
) -> PictureTrack:  # fmt: skip
    whole, now = sigma_m**2 + shared_m**2, moment * S
    return PictureTrack(
        track_id=name, origin="own", time_ns=now, status="confirmed", existence=0.99, first_ns=0, seen_ns=now,
        ground=GroundState(
            position=FRAME.position(*place), east_m=place[0], north_m=place[1],
            covariance=GroundCovariance(east_m2=whole, east_north_m2=0.0, north_m2=whole),
            velocity_east_m_s=velocity[0], velocity_north_m_s=velocity[1], range_m=1000.0,
        ),
        own_covariance=GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2),
        velocity_covariance=GroundCovariance(east_m2=0.04, east_north_m2=0.0, north_m2=0.04),
        kind=kind, standing=standing, formerly=formerly,
        contributors=tuple(
            Contributor(source_id=source, origin="own", time_ns=now, label=1, count=count)
            for source, count in (counted or {"north": None}).items()
        ),
    )  # fmt: skip


def walk(
    company: Company, moments: range, ways: Mapping[str, tuple[Place, Place]], **more: object
) -> tuple[PictureGroup, ...]:
    """The groups after some have gone their ways, given as a place at moment 0 and a velocity."""
    groups: tuple[PictureGroup, ...] = ()
    for k in moments:
        tracks = [
            track(name, (e + k * ve, n + k * vn), (ve, vn), moment=k, **more)  # type: ignore[arg-type]
            for name, ((e, n), (ve, vn)) in ways.items()
        ]
        groups = company.update(tracks, k * S)
    return groups


NORTH, EAST = (0.0, 1.2), (1.2, 0.0)
FOUR = {name: ((5.0 * i, 0.0), NORTH) for i, name in enumerate("abcd")}


def test_those_who_walk_together_are_one_after_a_while() -> None:
    company = Company(FRAME)
    assert walk(company, range(3), FOUR) == ()
    (group,) = walk(company, range(3, 8), FOUR)
    assert group.members == ("a", "b", "c", "d")
    assert group.count == Count(best=4, low=4, high=5)
    assert (group.kind, group.group_id) == ("group", "group-a")
    assert (group.ground.east_m, group.ground.north_m) == pytest.approx((7.5, 7 * 1.2))
    assert (group.heading_rad, group.speed_m_s) == pytest.approx((0.0, 1.2))
    assert group.extent_m == pytest.approx(math.sqrt((7.5**2 + 2.5**2) / 2))


@pytest.mark.parametrize("ways", [
    {"a": ((0.0, 0.0), NORTH), "b": ((10.0, 0.0), (0.0, -1.2))},
    {"a": ((0.0, 0.0), NORTH), "b": ((200.0, 0.0), NORTH)},
    {"a": ((0.0, 0.0), NORTH), "b": ((70.0, 0.0), NORTH)},
])  # fmt: skip
def test_those_who_pass_each_other_or_are_far_apart_are_not(ways: Mapping[str, tuple[Place, Place]]) -> None:
    assert walk(Company(FRAME), range(30), ways) == ()


def test_nobody_is_grouped_with_a_patrol_a_herd_or_a_bird() -> None:
    for other in ({"standing": "own"}, {"kind": "animal"}, {"kind": "flying"}, {"standing": "declared"}):
        company = Company(FRAME)
        for k in range(10):
            pair = [track("a", (0.0, k), moment=k), track("b", (5.0, k), moment=k, **other)]  # type: ignore[arg-type]
            assert company.update(pair, k * S) == ()


def test_what_is_known_too_badly_is_not_grouped_unless_both_are_off_alike() -> None:
    two = {"a": ((0.0, 0.0), NORTH), "b": ((5.0, 0.0), NORTH)}
    assert walk(Company(FRAME), range(20), two, sigma_m=80.0) == ()
    (group,) = walk(Company(FRAME), range(20), two, sigma_m=4.0, shared_m=300.0)
    assert group.members == ("a", "b")
    assert group.ground.covariance.east_m2 > 299**2


def test_two_groups_far_apart_are_never_one() -> None:
    rng = np.random.default_rng(5)
    for gap in (150.0, 160.0, 200.0):
        company = Company(FRAME)
        for k in range(120):
            tracks = [
                track(f"{side}{i}", (side * gap + rng.normal(0, 4), 6.0 * i + 1.2 * k + rng.normal(0, 4)), moment=k,
                      sigma_m=4.0)
                for side in (0, 1) for i in range(4)
            ]  # fmt: skip
            for group in company.update(tracks, k * S):
                assert len({member[0] for member in group.members}) == 1


def test_the_larger_part_keeps_the_name_and_the_other_says_whence_it_came() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR | {"e": ((20.0, 0.0), NORTH)})
    parted = {name: ((5.0 * i, 12.0), NORTH) for i, name in enumerate("abc")}
    away = {name: ((15.0 + 5.0 * i - 12.0, 12.0), EAST) for i, name in enumerate("de")}
    first, second = walk(company, range(10, 60), parted | away)
    assert (first.group_id, first.members, first.parted_from) == ("group-a", ("a", "b", "c"), "")
    assert (second.group_id, second.members, second.parted_from) == ("group-d", ("d", "e"), "group-a")


def test_a_group_that_joins_another_is_named_by_it() -> None:
    company = Company(FRAME)
    apart = {"x": ((100.0, 0.0), NORTH), "y": ((105.0, 0.0), NORTH)}
    one, two = walk(company, range(10), FOUR | apart)
    assert (one.group_id, two.group_id) == ("group-a", "group-x")
    (group,) = walk(company, range(10, 20), FOUR | {"x": ((20.0, 0.0), NORTH), "y": ((25.0, 0.0), NORTH)})
    assert (group.group_id, group.joined) == ("group-a", ("group-x",))
    assert group.count.best == 6


def test_two_groups_that_come_together_go_by_the_older_name_though_it_was_the_smaller() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    five = {name: ((100.0 + 5.0 * i, 0.0), NORTH) for i, name in enumerate("vwxyz")}
    walk(company, range(10, 20), FOUR | five)
    (group,) = walk(company, range(20, 30), FOUR | {n: ((20.0 + 5 * i, 0.0), NORTH) for i, n in enumerate("vwxyz")})
    assert (group.group_id, group.joined, group.count.best) == ("group-a", ("group-v",), 9)


def test_whom_nobody_sees_makes_no_two_parties_one() -> None:
    company = Company(FRAME, CompanySettings(near_m=30.0))
    chain = {"a": ((0.0, 0.0), NORTH), "c": ((50.0, 0.0), NORTH), "x": ((100.0, 0.0), NORTH)}
    (one,) = walk(company, range(10), chain)
    assert one.members == ("a", "c", "x")
    tracks = [track(name, (e, 12.0), moment=10) for name, ((e, _), _) in chain.items()]
    tracks[1] = replace(tracks[1], status="coasting")
    (left,) = company.update(tracks, 10 * S)
    assert "c" in left.members
    assert len(left.members) == 2


def test_of_whom_little_is_known_for_a_while_stays_and_who_is_known_to_be_elsewhere_does_not() -> None:
    for sigma_m, members in ((400.0, 4), (4.0, 3)):
        company = Company(FRAME)
        walk(company, range(10), FOUR)
        for k in range(10, 30):
            three = [track(name, (5.0 * i, 1.2 * k), moment=k) for i, name in enumerate("abc")]
            far = track("d", (300.0, 1.2 * k), moment=k, sigma_m=sigma_m)
            groups = company.update([*three, far], k * S)
        assert len(groups[0].members) == members


def test_one_who_stumbles_for_a_moment_does_not_part() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    lagging = {**FOUR, "d": ((17.0, 12.0), (0.0, 0.0))}
    (group,) = walk(company, range(10, 13), lagging)
    assert group.members == ("a", "b", "c", "d")


def test_a_name_is_kept_through_dead_ground_and_a_change_of_track_names() -> None:
    company = Company(FRAME)
    (group,) = walk(company, range(10), FOUR)
    assert walk(company, range(10, 30), {}) == ()
    (back,) = walk(company, range(30, 32), FOUR)
    assert back.group_id == group.group_id
    tracks = [track(n, (5.0 * i, 40.0), moment=33, formerly=(n[1],)) for i, n in enumerate(("1a", "1b", "1c", "1d"))]
    (renamed,) = company.update(tracks, 33 * S)
    assert (renamed.group_id, renamed.members) == (group.group_id, ("1a", "1b", "1c", "1d"))


def test_one_silhouette_of_several_is_a_group() -> None:
    four = Count(best=4, low=3, high=5)
    one = track("a", (0.0, 0.0), kind="group", counted={"north": four})
    (group,) = Company(FRAME).update([one], 0)
    assert (group.members, group.count.best) == (("a",), 4)


def test_members_know_their_group() -> None:
    company = Company(FRAME)
    groups = walk(company, range(10), FOUR)
    picture = Picture(time_ns=0, tracks=(track("a", (0.0, 0.0)), track("z", (900.0, 0.0))))
    told = with_groups(picture, groups)
    assert [t.group_id for t in told.tracks] == ["group-a", ""]
    assert told.groups == groups


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_tracks_changes_nothing(order: object) -> None:
    one, two = Company(FRAME), Company(FRAME)
    for k in range(12):
        rng = np.random.default_rng(k)
        tracks = [track(f"t{i}", (9.0 * i + rng.normal(), 1.2 * k), moment=k) for i in range(9)]
        shuffled = list(tracks)
        order.shuffle(shuffled)  # type: ignore[attr-defined]
        assert one.update(tracks, k * S) == two.update(shuffled, k * S)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_every_group_has_a_covariance_and_a_count_that_holds_its_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    company = Company(FRAME, CompanySettings(together_s=0.0))
    for k in range(3):
        tracks = [
            track(f"t{i}", (rng.uniform(0, 80), rng.uniform(0, 80)), moment=k, sigma_m=rng.uniform(0.5, 20))
            for i in range(12)
        ]
        for group in company.update(tracks, k * S):
            c = group.ground.covariance
            assert np.linalg.eigvalsh([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]]).min() > 0
            assert 1 <= group.count.low <= group.count.best <= group.count.high


FOUR_OF_ONE = Count(best=4, low=3, high=6)


def told(*counted: Mapping[str, Count | None], existence: float = 0.99, apart_m: float = 4.0) -> Sequence[Told]:
    return [Told(existence, apart_m * i, 0.0, each) for i, each in enumerate(counted)]


def test_a_silhouette_of_four_and_four_people_told_apart_are_four() -> None:
    merged = told({"a": FOUR_OF_ONE, "b": None}, {"b": None}, {"b": None}, {"b": None})
    assert heads_in([merged], 20.0).best == 4
    beside = told({"a": FOUR_OF_ONE}, {"b": None}, {"b": None}, {"b": None}, {"b": None})
    assert heads_in([beside], 20.0).best == 4


def test_a_group_that_one_camera_counts_of_each_member_is_counted_once() -> None:
    each = told(*({"a": Count(best=4, low=4, high=5)} for _ in range(4)))
    assert heads_in([each], 20.0).best == 4
    hidden = told(*({"a": Count(best=5, low=4, high=6)} for _ in range(4)))
    assert heads_in([hidden], 20.0).best == 5


def test_those_whom_different_cameras_see_are_added() -> None:
    assert heads_in([told({"a": None}, {"a": None}, {"b": None}, {"b": None})], 20.0).best == 4
    far_off = told({"a": FOUR_OF_ONE}, {"b": None}, {"b": None}, apart_m=30.0)
    assert heads_in([far_off], 20.0).best == 6


def test_doubtful_members_make_the_count_uncertain() -> None:
    sure = heads_in([told(*({"a": None} for _ in range(6)))], 20.0)
    doubtful = heads_in([told(*({"a": None} for _ in range(6)), existence=0.6)], 20.0)
    assert doubtful.high - doubtful.low > sure.high - sure.low
    assert doubtful.low < sure.low
    assert sure.best == 6


def test_two_who_counted_agree_on_what_both_allow() -> None:
    both = count_of([Count(best=4, low=3, high=6), Count(best=5, low=4, high=6)])
    assert both is not None
    assert both.best in {4, 5}
    assert both.high - both.low <= 3
    assert count_of([]) is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 6)), min_size=1, max_size=8), st.randoms())
def test_the_count_does_not_depend_on_the_order_of_members(seen: list[tuple[bool, bool, int]], order: object) -> None:
    members = [
        Told(0.9, 7.0 * i, 3.0 * (i % 2), {
            **({"a": Count(best=n, low=max(n - 1, 1), high=n + 1) if n > 1 else None} if a else {}),
            **({"b": None} if b else {}),
        })
        for i, (a, b, n) in enumerate(seen)
    ]  # fmt: skip
    shuffled = list(members)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert heads_in([shuffled], 10.0) == heads_in([members], 10.0)


def lost(name: str, place: Place, moment: int, seen: int) -> PictureTrack:
    """A track that nobody has seen since, as it is thought to be."""
    now = track(name, place, moment=moment, sigma_m=5.0)
    told = tuple(replace(each, time_ns=seen * S) for each in now.contributors)
    return replace(now, status="coasting", seen_ns=seen * S, contributors=told)


def test_one_of_a_group_whom_alone_anybody_sees_is_still_that_group() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    (group,) = walk(company, range(10, 30), {"c": FOUR["c"]})
    assert (group.group_id, group.members) == ("group-a", ("c",))


def test_where_an_unseen_member_is_thought_to_be_parts_nobody() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    for k in range(10, 40):
        three = [track(name, (5.0 * i, 1.2 * k), moment=k) for i, name in enumerate("abc")]
        (group,) = company.update([*three, lost("d", (700.0, 0.0), k, 9)], k * S)
    assert group.members == ("a", "b", "c", "d")


@pytest.mark.parametrize(("east_m", "name"), [(0.0, "group-a"), (900.0, "group-p")])
def test_who_comes_out_where_a_group_went_is_that_group_and_who_comes_out_elsewhere_is_not(
    east_m: float, name: str
) -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    walk(company, range(10, 40), {})
    others = {new: ((e + east_m, n), way) for new, ((e, n), way) in zip("pqrs", FOUR.values(), strict=True)}
    (group,) = walk(company, range(40, 46), others)
    assert group.group_id == name


def test_those_seen_again_beside_what_is_left_of_a_group_are_the_group() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    for k in range(10, 40):
        gone = [lost(name, (400.0, 0.0), k, 9) for name in FOUR]
        company.update(gone, k * S)
    for k in range(40, 46):
        gone = [lost(name, (400.0, 0.0), k, 9) for name in FOUR]
        back = [track(name, (5.0 * i, 1.2 * k), moment=k) for i, name in enumerate("pqrs")]
        groups = company.update([*gone, *back], k * S)
    assert [group.group_id for group in groups] == ["group-a"]
    assert set("pqrs") < set(groups[0].members)


@pytest.mark.parametrize(("east_m", "standing", "groups"), [
    (0.0, "unknown", 1), (900.0, "unknown", 2), (0.0, "own", 2),
])  # fmt: skip
def test_the_unseen_of_a_group_stay_in_it_while_they_may_be_there(
    east_m: float, standing: Standing, groups: int
) -> None:
    """A camera has told the old ones from the new ones, and nothing but their group ties them."""
    company = Company(FRAME)
    walk(company, range(10), FOUR)

    def update(company: Company, k: int, east_m: float = 0.0, standing: Standing = "unknown") -> int:
        back = [track(name, (5.0 * i + east_m, 1.2 * k), moment=k) for i, name in enumerate("pqrs")]
        gone = [replace(lost(name, (0.0, 0.0), k, 9), standing=standing) for name in FOUR]
        return len(company.update([*gone, *back], k * S))

    for k in range(10, 16):
        update(company, k)
    held, new = company.remembered, {"p", "q", "r", "s"}
    tied = tuple((pair, s) for pair, s in held.linked if len(new & {*pair}) != 1)
    apart = tuple((old, each) for old in FOUR for each in sorted(new))
    company = Company(FRAME, start=held._replace(linked=tied, same=(), likeness=(), since_s=(), apart=apart))
    assert update(company, 16, east_m, standing) == groups


def test_who_is_followed_under_a_new_number_is_not_two() -> None:
    company = Company(FRAME)
    walk(company, range(10), FOUR)
    for k in range(10, 16):
        gone = [lost(name, (5.0 * i, 1.2 * k), k, 9) for i, name in enumerate(FOUR)]
        back = [track(name, (5.0 * i, 1.2 * k), moment=k) for i, name in enumerate("pqrs")]
        groups = company.update([*gone, *back], k * S)
    assert [group.group_id for group in groups] == ["group-a"]


def test_a_group_that_parts_from_the_one_it_joined_has_its_own_name_again() -> None:
    company = Company(FRAME)
    two = {"x": ((100.0, 0.0), NORTH), "y": ((105.0, 0.0), NORTH)}
    walk(company, range(10), FOUR | two)
    walk(company, range(10, 30), FOUR | {"x": ((20.0, 0.0), NORTH), "y": ((25.0, 0.0), NORTH)})
    away = {"x": ((-16.0, 36.0), EAST), "y": ((-11.0, 36.0), EAST)}
    groups = walk(company, range(30, 90), FOUR | away)
    assert [(group.group_id, group.joined) for group in groups] == [("group-a", ()), ("group-x", ())]


def test_whom_a_camera_saw_apart_are_two_when_one_is_gone() -> None:
    company = Company(FRAME)
    pair = Count(best=2, low=2, high=3)
    for k in range(10):
        tracks = [track(n, (e, 1.2 * k), moment=k, counted={"north": pair}) for n, e in (("a", 0.0), ("b", 90.0))]
        company.update(tracks, k * S)
    for k in range(10, 60):
        seen = track("a", (0.0, 1.2 * k), moment=k, counted={"north": pair})
        groups = company.update([seen, replace(lost("b", (0.0, 1.2 * k), k, 9), count=pair)], k * S)
    assert all(len(group.members) == 1 for group in groups)


WEST = {"w": 320.0, "wa": 0.0, "wb": 5.0, "wc": 10.0, "wd": 15.0}
EAST_SEES = {"ea": 160.0, "eb": 165.0, "ec": 170.0, "ed": 175.0}


def seen_from_two_sides(company: Company, moments: range, doubted: str) -> tuple[PictureGroup, ...]:
    """The groups when one tower sees four and a walker, another four who may be any, of whom some are in doubt."""
    groups: tuple[PictureGroup, ...] = ()
    for k in moments:
        tracks = [
            track(name, (east, k), NORTH, moment=k, shared_m=300.0, counted={side: None})
            for side, those in (("west", WEST), ("east", EAST_SEES)) for name, east in those.items()
        ]  # fmt: skip
        tracks = [replace(t, status="tentative") if t.track_id in doubted.split() else t for t in tracks]
        alike = [Alike(e, w, 25.0) for e in EAST_SEES for w in WEST]
        groups = company.update(tracks, k * S, alike=alike)
    return groups


def test_those_in_doubt_say_how_many_they_are_and_are_no_members() -> None:
    (group,) = seen_from_two_sides(Company(FRAME), range(20), "eb ec ed")
    assert group.members == ("ea", "wa", "wb", "wc", "wd")


def test_two_parties_are_one_only_once_it_has_been_sure_for_a_while() -> None:
    company = Company(FRAME)
    for k in range(4):
        seen_from_two_sides(company, range(k, k + 1), "")
    groups = seen_from_two_sides(company, range(4, 6), "")
    assert [len(group.members) for group in groups] == [4, 4]
    assert len(seen_from_two_sides(company, range(6, 20), "")) == 1


def test_what_is_one_with_one_party_is_not_with_another_that_a_camera_sees_beside_it() -> None:
    """Held for one with four others at first, four go over to the four whom they turn out to be."""
    company = Company(FRAME)
    two = {name: track(name, (place, 0.0), shared_m=300.0, kind="group", counted={side: Count(best=4, low=4, high=4)})
           for name, place, side in (("e", 160.0, "east"), ("w", 320.0, "west"), ("v", 0.0, "west"))}  # fmt: skip

    def groups(moments: range, odds: Mapping[str, float]) -> list[tuple[str, ...]]:
        for k in moments:
            now = [replace(t, time_ns=k * S, seen_ns=k * S, contributors=tuple(
                replace(c, time_ns=k * S) for c in t.contributors)) for t in two.values()]  # fmt: skip
            out = company.update(now, k * S, alike=[Alike("e", name, each) for name, each in odds.items()])
        return [group.members for group in out]

    assert set(groups(range(8), {"w": 100.0, "v": 0.01})) == {("v",), ("e", "w")}
    assert set(groups(range(8, 60), {"w": 0.01, "v": 100.0})) == {("w",), ("e", "v")}

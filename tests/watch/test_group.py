import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.detection import Box
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Kind, Size, Status, Track
from marsad.watch.group import Grouper, in_silhouette

FPS = 10


def track(
    track_id: int,
    x_px: float,
    time_s: float,
    *,
    y_px: float = 100.0,
    vx: float = 20.0,
    vy: float = 0.0,
    w: float = 10.0,
    h: float = 30.0,
    kind: Kind = "person",
    status: Status = "confirmed",
    first_s: float = 0.0,
    size: Size | None = None,
    ground: tuple[float, float, float] | None = None,
) -> Track:
    """A track at a place; `ground` is east, north and its sigma."""
    return Track(
        track_id=track_id,
        camera_id="C1",
        origin="own",
        time_ns=round(time_s * 1e9),
        frame_index=round(time_s * FPS),
        status=status,
        box=Box(x_px=x_px, y_px=y_px, w_px=w, h_px=h),
        velocity_x_px_s=vx,
        velocity_y_px_s=vy,
        contrast_counts=20.0,
        snr=15.0,
        kind=kind,
        kind_confidence=0.6,
        confidence=0.9,
        first_ns=round(first_s * 1e9),
        size=size,
        ground=None
        if ground is None
        else GroundState(
            position=Position(latitude_deg=34.0, longitude_deg=40.0),
            east_m=ground[0],
            north_m=ground[1],
            covariance=GroundCovariance(east_m2=ground[2] ** 2, east_north_m2=0.0, north_m2=ground[2] ** 2),
            range_m=300.0,
        ),
    )


def times(start_s: float, seconds: float) -> list[float]:
    return [start_s + k / FPS for k in range(round(seconds * FPS))]


def walk(grouper: Grouper, xs: dict[int, float], start_s: float, seconds: float, **more: object) -> list[Track]:
    told: list[Track] = []
    for t in times(start_s, seconds):
        told = grouper.update([track(k, x + 20 * t, t, **more) for k, x in xs.items()])  # type: ignore[arg-type]
    return told


def numbers(tracks: Sequence[Track]) -> list[int | None]:
    return [t.group_id for t in tracks]


def test_those_who_walk_together_become_a_group_after_a_while() -> None:
    grouper = Grouper()
    assert numbers(walk(grouper, {1: 0, 2: 25, 3: 50, 4: 75}, 0, 1.0)) == [None] * 4
    told = walk(grouper, {1: 0, 2: 25, 3: 50, 4: 75}, 1.0, 2.0)
    assert len({t.group_id for t in told}) == 1
    count = told[0].count
    assert count is not None
    assert count.best == 4
    assert count.low <= 4 <= count.high <= 6
    assert {t.count for t in told} == {count}
    assert {t.kind for t in told} == {"person"}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("far apart", {"x_px": 400.0}),
        ("opposite ways", {"vx": -20.0}),
        ("one is faster", {"vx": 60.0}),
        ("another depth", {"y_px": 200.0}),
        ("another size", {"h": 90.0, "y_px": 40.0}),
        ("an animal beside a person", {"kind": "animal"}),
        ("a standing thing", {"status": "standing"}),
    ],
)
def test_those_who_do_not_belong_together_are_no_group(name: str, other: dict[str, object]) -> None:
    grouper = Grouper()
    for t in times(0, 5):
        row = {"x_px": 25.0, **other}
        second = track(2, float(row.pop("x_px")) + 20 * t, t, **row)  # type: ignore[arg-type]  # a table of cases
        assert numbers(grouper.update([track(1, 20 * t, t), second])) == [None, None], name


def test_passing_each_other_makes_no_group() -> None:
    grouper = Grouper()
    for t in times(0, 10):
        told = grouper.update([track(1, 20 * t, t), track(2, 200 - 20 * t, t, vx=-20.0)])
        assert numbers(told) == [None, None]


def test_standing_together_is_not_moving_together_but_a_group_that_rests_stays_one() -> None:
    grouper = Grouper()
    for t in times(0, 5):
        assert numbers(grouper.update([track(1, 0, t, vx=0), track(2, 20, t, vx=0)])) == [None, None]
    walked = walk(grouper, {1: 0, 2: 20}, 5, 3)
    assert walked[0].group_id is not None
    for t in times(8, 5):
        told = grouper.update([track(1, 160, t, vx=0), track(2, 180, t, vx=0)])
    assert numbers(told) == numbers(walked)


def test_metres_part_those_who_only_look_near() -> None:
    apart, close = Grouper(), Grouper()
    for t in times(0, 4):
        far = [track(1, 20 * t, t, ground=(0, 300, 2)), track(2, 20 * t + 15, t, ground=(1, 340, 2))]
        near = [track(1, 20 * t, t, ground=(0, 300, 2)), track(2, 20 * t + 15, t, ground=(1, 303, 2))]
        told = apart.update(far), close.update(near)
    assert numbers(told[0]) == [None, None]
    assert None not in numbers(told[1])


def test_a_number_outlives_a_merge_and_a_split() -> None:
    grouper = Grouper()
    told = walk(grouper, {1: 0, 2: 15, 3: 30}, 0, 3)
    number = told[0].group_id
    assert number is not None
    merged = walk(grouper, {2: 15}, 3, 3, w=30.0)
    assert numbers(merged) == [number]
    assert merged[0].count is not None
    assert merged[0].count.high >= 3
    assert merged[0].count.low < 3
    again: list[Track] = []
    for t in times(6, 1):
        rows = [track(2, 15 + 20 * t, t), track(7, 32 + 20 * t, t, first_s=6), track(8, 20 * t, t, first_s=6)]
        again = grouper.update(rows)
    assert numbers(again) == [number] * 3
    assert again[0].count is not None
    assert again[0].count.best == 3


def test_when_a_group_parts_the_larger_half_keeps_the_number_and_reunion_restores_it() -> None:
    grouper = Grouper()
    number = walk(grouper, {k: 20.0 * k for k in range(5)}, 0, 3)[0].group_id
    gap = 0.0
    for t in times(3, 10):
        gap = 40 * (t - 3)
        told = grouper.update(
            [track(k, 20.0 * k + 20 * t + (gap if k >= 3 else 0), t, vx=60 if k >= 3 else 20) for k in range(5)]
        )
    assert numbers(told)[:3] == [number] * 3
    assert set(numbers(told)[3:]) & {number} == set()
    assert len(set(numbers(told)[3:])) == 1
    told = walk(grouper, {k: 20.0 * k for k in range(5)}, 13, 3)
    assert numbers(told) == [number] * 5


def test_a_silhouette_wide_as_several_is_a_group_with_a_count() -> None:
    wide = Size(width_m=2.4, height_m=1.7, sigma_m=0.1)
    told = walk(Grouper(), {1: 0}, 0, 1, w=42.0, size=wide)[0]
    assert told.kind == "group"
    assert told.group_id is not None
    assert told.count is not None
    assert told.count.best >= 3
    assert told.count.low >= 2
    assert told.count.high > told.count.best


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("person", Size(width_m=0.7, height_m=1.7, sigma_m=0.1)),
        ("person", Size(width_m=2.0, height_m=1.7, sigma_m=1.2)),
        ("vehicle", Size(width_m=4.0, height_m=1.6, sigma_m=0.1)),
        ("animal", Size(width_m=1.5, height_m=0.9, sigma_m=0.1)),
        ("unknown", Size(width_m=1.8, height_m=0.5, sigma_m=0.1)),
    ],
)
def test_what_is_not_clearly_several_stays_what_it_is(kind: Kind, size: Size) -> None:
    told = walk(Grouper(), {1: 0}, 0, 3, size=size, kind=kind)[0]
    assert told.kind == kind
    assert told.group_id is None
    assert told.count is None


def test_merged_silhouettes_widen_the_high_end() -> None:
    narrow, wide = Size(width_m=0.6, height_m=1.7, sigma_m=0.1), Size(width_m=1.2, height_m=1.7, sigma_m=0.1)
    counts = []
    for size in (narrow, wide):
        told = walk(Grouper(), {1: 0, 2: 20, 3: 40}, 0, 3, size=size)
        assert told[0].count is not None
        counts.append(told[0].count)
    assert counts[1].high > counts[0].high
    assert counts[0].best == 3


def test_the_count_holds_nine_in_ten_times_when_silhouettes_merge() -> None:
    """People at random gaps below a person's width make one silhouette; the interval is to hold their number."""
    rng, held, runs = np.random.default_rng(11), 0, 600
    for _ in range(runs):
        people = 1 + rng.geometric(0.4)
        width = 0.6 + rng.uniform(0, 0.8, people - 1).sum() + rng.normal(0, 0.15)
        total = np.cumsum(in_silhouette(max(width, 0.3), 0.1))
        low, high = np.searchsorted(total, [0.05 - 1e-9, 0.95 - 1e-9])
        held += int(low <= people <= high)
    assert 0.87 <= held / runs <= 1.0


def test_strides_that_jerk_a_velocity_to_and_fro_keep_nobody_out_of_a_group() -> None:
    grouper, rng = Grouper(), np.random.default_rng(5)
    for t in times(0, 6):
        told = grouper.update([track(k, 25 * k + 20 * t, t, vx=20 + rng.normal(0, 15)) for k in range(4)])
        if t >= 4:
            assert len({each.group_id for each in told} - {None}) == 1


def test_a_file_of_eight_is_eight_though_arms_and_loads_make_them_wide() -> None:
    rng = np.random.default_rng(3)
    sizes = [Size(width_m=rng.normal(0.72, 0.1), height_m=1.7, sigma_m=0.08) for _ in range(8)]
    grouper = Grouper()
    for t in times(0, 4):
        told = grouper.update([track(k, 70 * k + 20 * t, t, size=sizes[k]) for k in range(8)])
    assert {each.count.best for each in told if each.count is not None} == {8}


def abreast(people: int, part_m: float, *, width_m: float, seconds: float = 3.0) -> Track:
    """One silhouette of several in which so many are seen side by side in every picture."""
    size = Size(width_m=width_m, height_m=1.8, sigma_m=0.05)
    grouper, told = Grouper(), []
    for t in times(0, seconds):
        seen = track(1, 20 * t, t, size=size, kind="group", w=20.0 * width_m, h=36.0)
        grouper.count_parts(seen, people, 20.0 * part_m * people)
        told = grouper.update([seen])
    return told[0]


@pytest.mark.parametrize("people", [2, 3, 5, 8])
def test_who_are_seen_side_by_side_in_one_silhouette_are_counted_and_their_gaps_are_not(people: int) -> None:
    for gap_m in (0.8, 1.2):
        count = abreast(people, 0.65, width_m=people * 0.65 + (people - 1) * gap_m).count
        assert count is not None
        assert count.best == people


def test_what_is_too_wide_for_those_side_by_side_holds_more() -> None:
    narrow, wide = abreast(2, 0.65, width_m=1.6).count, abreast(2, 1.1, width_m=2.5).count
    assert narrow is not None
    assert wide is not None
    assert narrow.best < wide.best


def test_pictures_in_which_some_hide_each_other_do_not_lower_the_count() -> None:
    size, grouper, told = Size(width_m=2.6, height_m=1.8, sigma_m=0.05), Grouper(), []
    for t in times(0, 4):
        seen = track(1, 20 * t, t, size=size, kind="group", w=52.0, h=36.0)
        grouper.count_parts(seen, 3 if round(t * FPS) % 3 == 0 else 2, 30.0)
        told = grouper.update([seen])
    assert told[0].count is not None
    assert told[0].count.best == 3


def test_a_bunch_that_parts_and_meets_stays_one_group_though_its_outlines_leap() -> None:
    size, grouper, told = Size(width_m=3.2, height_m=1.8, sigma_m=0.05), Grouper(), []
    for t in times(0, 5):
        leap = 60.0 * (-1) ** round(t * FPS)
        two = [
            track(1, 20 * t, t, vx=leap, size=size, kind="group", w=64.0, h=36.0),
            track(2, 75 + 20 * t, t, vx=-leap, size=size, kind="group", w=64.0, h=36.0),
        ]
        for each in two:
            grouper.count_parts(each, 3, 39.0)
        told = grouper.update(two)
    assert told[0].group_id == told[1].group_id is not None
    assert told[0].count is not None
    assert told[0].count.best == 6


def test_who_has_gone_into_a_silhouette_that_shows_two_is_not_counted_twice() -> None:
    size, grouper, told = Size(width_m=0.6, height_m=1.8, sigma_m=0.05), Grouper(), []
    for t in times(0, 3):
        told = grouper.update([track(k, 25 * k + 20 * t, t, size=size, w=12.0, h=36.0) for k in (0, 1)])
    merged = Size(width_m=1.4, height_m=1.8, sigma_m=0.05)
    for t in times(3, 6):
        seen = track(0, 20 * t, t, size=merged, w=28.0, h=36.0)
        grouper.count_parts(seen, 2, 24.0)
        told = grouper.update([seen])
    assert told[0].count is not None
    assert told[0].count.best == 2


def test_people_far_off_are_farther_apart_in_one_silhouette() -> None:
    """Seven at 12 px, 1.2 m apart and some behind others, make one silhouette 7.9 m wide and 3.5 m high."""
    size = Size(width_m=7.9, height_m=3.5, sigma_m=0.1)
    told = walk(Grouper(), {1: 0}, 0, 3, size=size, kind="group", w=54.0, h=24.0)
    assert told[0].count is not None
    assert abs(told[0].count.best - 7) <= 1


@given(st.floats(0.01, 30), st.floats(0, 5))
def test_the_people_in_a_silhouette_are_a_distribution(width_m: float, sigma_m: float) -> None:
    odds = in_silhouette(width_m, sigma_m)
    assert odds[0] == 0
    assert odds.min() >= 0
    assert math.isclose(odds.sum(), 1)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 11), st.floats(0, 300), st.floats(-40, 40), st.sampled_from(["confirmed", "coasting"])
        ),
        max_size=60,
    )
)
def test_whatever_comes_the_same_tracks_come_back(rows: list[tuple[int, float, float, Status]]) -> None:
    grouper = Grouper()
    for t, start in enumerate(range(0, len(rows), 5)):
        unique = {row[0]: row for row in rows[start : start + 5]}
        tracks = [track(k, x, t / 2, vx=v, status=status) for k, x, v, status in unique.values()]
        told = grouper.update(tracks)
        plain = [msgspec.structs.replace(each, group_id=None, count=None) for each in told]
        assert plain == tracks
        for each in told:
            assert each.count is None or 1 <= each.count.low <= each.count.best <= each.count.high


def test_vehicles_in_convoy_are_a_group_of_vehicles() -> None:
    told = walk(Grouper(), {1: 0, 2: 90}, 0, 3, kind="vehicle", w=60.0)
    assert None not in numbers(told)
    assert {t.kind for t in told} == {"vehicle"}

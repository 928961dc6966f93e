import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.combine import Joint, exportable, for_export, foreign, intersect, intersect_many
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import RefusedError
from marsad.kernel.picture import Contributor, LineApproach, PictureTrack, Waypoint
from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState, Position
from marsad.kernel.track import Kind

S = 10**9
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
ROUND = ((25.0, 0.0), (0.0, 25.0))
Matrix = Sequence[Sequence[float]] | np.ndarray


def covariance(matrix: Matrix) -> GroundCovariance:
    return GroundCovariance(
        east_m2=float(matrix[0][0]), east_north_m2=float(matrix[0][1]), north_m2=float(matrix[1][1])
    )


def picture_track(
    track_id: str = "a", *, origin: str = "east", at: tuple[float, float] = (0.0, 0.0), cov: Matrix = ROUND,
    velocity: tuple[float, float] = (1.0, 0.0), time_ns: int = 100 * S, kind: Kind = "unknown", sure: float = 0.0,
    contributors: tuple[Contributor, ...] = (), frame: EnuFrame = FRAME,
) -> PictureTrack:  # fmt: skip
    ground = GroundState(
        position=frame.position(*at), east_m=at[0], north_m=at[1], covariance=covariance(cov),
        velocity_east_m_s=velocity[0], velocity_north_m_s=velocity[1], range_m=0.0,
    )  # fmt: skip
    return PictureTrack(
        track_id=track_id, origin=origin, time_ns=time_ns, status="confirmed", ground=ground,
        velocity_covariance=covariance(((0.25, 0.0), (0.0, 0.25))), existence=0.9, first_ns=time_ns - 10 * S,
        seen_ns=time_ns, kind=kind, kind_confidence=sure, contributors=contributors,
    )  # fmt: skip


def place(track: PictureTrack) -> np.ndarray:
    return np.array([track.ground.east_m, track.ground.north_m])


def spread(track: PictureTrack) -> np.ndarray:
    c = track.ground.covariance
    return np.array([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])


def nees(error: np.ndarray, cov: np.ndarray) -> float:
    return float(error @ np.linalg.solve(cov, error)) / len(error)


@st.composite
def correlated(draw: st.DrawFn) -> np.ndarray:
    """The covariance (2 D, 2 D) of two errors that go together in any way."""
    size = draw(st.sampled_from([2, 4]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = draw(st.integers(1, 2 * size))
    root = rng.normal(size=(2 * size, rank)) * 10.0 ** rng.uniform(-1.5, 1.5, size=(2 * size, 1))
    return root @ root.T + 1e-3 * np.eye(2 * size)


@given(correlated())
@settings(deadline=None, max_examples=200)
def test_the_intersection_is_no_surer_than_it_may_be_however_the_errors_go_together(both: np.ndarray) -> None:
    size = len(both) // 2
    cov1, cov2 = both[:size, :size].copy(), both[size:, size:].copy()
    zero = np.zeros(size)
    _, cov = intersect(zero, cov1, zero, cov2)
    gain = np.hstack(
        [
            np.stack([intersect(unit, cov1, zero, cov2)[0] for unit in np.eye(size)], axis=1),
            np.stack([intersect(zero, cov1, unit, cov2)[0] for unit in np.eye(size)], axis=1),
        ]
    )
    assert np.allclose(gain[:, :size] + gain[:, size:], np.eye(size), atol=1e-5)
    true = gain @ both @ gain.T
    scale = np.sqrt(np.diag(cov))
    assert np.linalg.eigvalsh((cov - true) / np.outer(scale, scale)).min() > -1e-6
    assert np.linalg.det(cov) <= min(np.linalg.det(cov1), np.linalg.det(cov2)) * (1 + 1e-6)


@given(correlated())
@settings(deadline=None, max_examples=50)
def test_no_other_weight_gives_a_smaller_determinant(both: np.ndarray) -> None:
    size = len(both) // 2
    cov1, cov2 = both[:size, :size].copy(), both[size:, size:].copy()
    _, cov = intersect(np.zeros(size), cov1, np.zeros(size), cov2)
    one, two = np.linalg.inv(cov1), np.linalg.inv(cov2)
    best = max(np.linalg.slogdet(w * one + (1 - w) * two)[1] for w in np.linspace(0, 1, 101))
    assert -np.linalg.slogdet(cov)[1] >= best - 1e-6


def test_what_is_said_twice_is_no_surer() -> None:
    mean, cov = np.array([3.0, 4.0]), np.array([[9.0, 2.0], [2.0, 4.0]])
    again, same = intersect(mean, cov, mean, cov)
    assert np.allclose(again, mean)
    assert np.allclose(same, cov)


def test_two_long_ellipses_cross_where_they_cross() -> None:
    along, across = np.diag([2500.0, 0.25]), np.diag([0.25, 2500.0])
    mean, cov = intersect(np.array([40.0, 1.0]), along, np.array([2.0, -30.0]), across)
    assert np.allclose(mean, [2.0, 1.0], atol=0.05)
    assert np.allclose(np.diag(cov), 0.5, rtol=1e-3)


def test_many_are_each_as_one_alone() -> None:
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(2, 20, 2, 2))
    covs = roots @ np.swapaxes(roots, 2, 3) + 0.1 * np.eye(2)
    means = rng.normal(size=(2, 20, 2))
    mean, cov = intersect_many(means[0], covs[0], means[1], covs[1])
    for n in range(20):
        one = intersect(means[0, n], covs[0, n], means[1, n], covs[1, n])
        assert np.allclose(mean[n], one[0])
        assert np.allclose(cov[n], one[1])


def filtered(rng: np.random.Generator, heading: float) -> tuple[np.ndarray, np.ndarray]:
    """Error (4) and covariance (4, 4) after a minute of fixes that are long one way and thin the other."""
    way = np.array([[math.sin(heading), -math.cos(heading)], [math.cos(heading), math.sin(heading)]])
    noise = way @ np.diag([60.0**2, 1.5**2]) @ way.T
    error, cov = np.concatenate([rng.multivariate_normal([0, 0], noise), rng.normal(0, 1, 2)]), np.eye(4)
    cov[:2, :2] = noise
    step = np.eye(4)
    step[0, 2] = step[1, 3] = 1.0
    for _ in range(60):
        error, cov = step @ error, step @ cov @ step.T
        gain = np.linalg.solve(cov[:2, :2] + noise, cov[:2]).T
        error = error - gain @ (error[:2] + rng.multivariate_normal([0, 0], noise))
        cov = cov - gain @ cov[:2]
    return error, cov


def as_track(name: str, error: np.ndarray, cov: np.ndarray) -> PictureTrack:
    track = picture_track(name, origin=name, at=(error[0], error[1]), cov=cov[:2, :2], velocity=(error[2], error[3]))
    return msgspec.structs.replace(track, velocity_covariance=covariance(cov[2:, 2:]))


def added_up(one: PictureTrack, two: PictureTrack) -> PictureTrack:
    """The two as if their errors had nothing to do with each other."""
    a, b = np.linalg.inv(spread(one)), np.linalg.inv(spread(two))
    cov = np.linalg.inv(a + b)
    east, north = cov @ (a @ place(one) + b @ place(two))
    ground = msgspec.structs.replace(one.ground, east_m=east, north_m=north, covariance=covariance(cov))
    return msgspec.structs.replace(one, ground=ground)


def crossed(one: Joint, two: Joint) -> Callable[[PictureTrack, PictureTrack, int], tuple[PictureTrack, PictureTrack]]:
    """A loop of exchange in which each side takes the joint track for its own, as nobody should."""

    def loop(east: PictureTrack, west: PictureTrack, time_ns: int) -> tuple[PictureTrack, PictureTrack]:
        (mine,) = one.update([east], [west], time_ns)
        mine = msgspec.structs.replace(mine, origin="east", track_id="east", contributors=())
        (theirs,) = two.update([west], [mine], time_ns)
        return mine, msgspec.structs.replace(theirs, origin="west", track_id="west", contributors=())

    return loop


def test_eight_loops_of_exchange_make_nobody_surer_than_he_may_be() -> None:
    rng = np.random.default_rng(11)
    naive, joint = [], []
    for _ in range(60):
        east = as_track("east", *filtered(rng, math.radians(-20)))
        west = as_track("west", *filtered(rng, math.radians(25)))
        rumour = (east, west)
        loop = crossed(Joint("east", FRAME), Joint("west", FRAME))
        for number in range(1, 9):
            east, west = loop(east, west, 100 * S + number * 1000)
            first = added_up(*rumour)
            rumour = (first, added_up(rumour[1], first))
        joint += [nees(place(each), spread(each)) for each in (east, west)]
        naive += [nees(place(each), spread(each)) for each in rumour]
    assert np.mean(joint) <= 1.0
    assert np.mean(naive) > 100.0


def test_what_both_see_is_there_once_and_says_who_sees_it() -> None:
    east = picture_track("e1", contributors=(Contributor(source_id="tower-1", origin="east", time_ns=100 * S),))
    west = picture_track("w7", origin="west", at=(3.0, -2.0))
    alone = picture_track("w8", origin="west", at=(400.0, 0.0))
    joint = Joint("east", FRAME).update([east], [west, alone], 100 * S)
    assert [track.track_id for track in joint] == ["e1", "west:w8"]
    assert [track.origin for track in joint] == ["east+west", "west"]
    assert [(c.origin, c.source_id) for c in joint[0].contributors] == [("east", "tower-1"), ("west", "w7")]
    assert joint[0].formerly == ("west:w7",)
    assert joint[0].existence == 0.9


def test_the_local_picture_is_left_as_it_is() -> None:
    local = (picture_track("e1"), picture_track("e2", at=(50.0, 50.0)))
    before = msgspec.json.encode(local)
    Joint("east", FRAME).update(local, [picture_track("w", origin="west")], 100 * S)
    assert msgspec.json.encode(local) == before


@given(st.permutations(range(12)), st.permutations(range(12)), st.integers(0, 11))
@settings(deadline=None, max_examples=30)
def test_neither_the_order_nor_what_comes_twice_changes_anything(
    mine: list[int], theirs: list[int], twice: int
) -> None:
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 300, (12, 2))
    local = [picture_track(f"e{n}", at=(e, n_)) for n, (e, n_) in enumerate(places.tolist())]
    partner = [picture_track(f"w{n}", origin="west", at=(e + 4, n_ - 3)) for n, (e, n_) in enumerate(places.tolist())]
    plain = Joint("east", FRAME).update(local, partner, 101 * S)
    shuffled = [partner[n] for n in theirs]
    other = Joint("east", FRAME)
    assert other.update([local[n] for n in mine], [*shuffled, partner[twice]], 101 * S) == plain
    assert other.update(local, shuffled, 101 * S) == plain


def test_what_was_said_before_does_not_come_after_what_was_said_since() -> None:
    joint = Joint("east", FRAME)
    new = picture_track("w", origin="west", at=(10.0, 0.0), time_ns=110 * S)
    old = picture_track("w", origin="west", at=(0.0, 0.0), time_ns=100 * S)
    assert joint.update([], [new, old], 110 * S) == joint.update([], [old], 110 * S)


def test_a_joint_track_keeps_its_name_from_hand_to_hand() -> None:
    joint = Joint("east", FRAME)
    names = []
    for second in range(60):
        now, at = (100 + second) * S, (float(second), 0.0)
        west = [picture_track("w", origin="west", at=at, time_ns=now)] if second < 40 else []
        first = [picture_track("e1", at=at, time_ns=now)] if 10 <= second < 20 else []
        then = [picture_track("e2", at=at, time_ns=now)] if second >= 30 else []
        names.append([track.track_id for track in joint.update([*first, *then], west, now)])
    assert names == [["west:w"]] * 60


def test_two_that_part_have_a_name_each() -> None:
    joint = Joint("east", FRAME)
    seen = set()
    for second in range(60):
        now, aside = (100 + second) * S, 2.0 * second
        east = picture_track("e", at=(float(second), 0.0), time_ns=now)
        west = picture_track("w", origin="west", at=(float(second), aside), velocity=(1.0, 2.0), time_ns=now)
        seen.add(tuple(track.track_id for track in joint.update([east], [west], now)))
    assert seen == {("e",), ("e", "west:w")}


def test_a_person_and_a_lorry_in_one_place_are_two() -> None:
    person = picture_track("e", kind="person", sure=0.95)
    lorry = picture_track("w", origin="west", kind="vehicle", sure=0.95)
    assert len(Joint("east", FRAME).update([person], [lorry], 100 * S)) == 2


def test_what_was_said_of_one_state_alone_is_not_said_of_what_two_make() -> None:
    crossing = LineApproach(line_id="line", probability=0.9, seconds=60.0, low_s=30.0, high_s=90.0, direction="inward")
    ahead = Waypoint(time_ns=130 * S, centre=EnuPoint(east_m=30.0, north_m=0.0), covariance=covariance(ROUND))
    ours = msgspec.structs.replace(
        picture_track(), own_covariance=covariance(ROUND), place_velocity_m2_s=(1.0, 0.0, 0.0, 1.0), heading_rad=0.0,
        speed_m_s=9.0, approaches=(crossing,), corridor=(ahead,),
    )  # fmt: skip
    (alone,) = Joint("east", FRAME).update([ours], [], 100 * S)
    assert (alone.own_covariance, alone.corridor, alone.approaches) == (covariance(ROUND), (ahead,), (crossing,))
    assert (alone.place_velocity_m2_s, alone.speed_m_s) == ((1.0, 0.0, 0.0, 1.0), 9.0)
    (fused,) = Joint("east", FRAME).update([ours], [picture_track("b", origin="west")], 100 * S)
    (later,) = Joint("east", FRAME).update([ours], [], 110 * S)
    for track in (fused, later):
        assert (track.own_covariance, track.corridor, track.approaches) == (None, (), ())
        assert track.place_velocity_m2_s == (0.0, 0.0, 0.0, 0.0)
    assert fused.heading_rad == pytest.approx(math.pi / 2)
    assert fused.speed_m_s == pytest.approx(1.0)


def test_a_rumour_that_comes_back_is_left_out() -> None:
    ours = Contributor(source_id="tower-1", origin="east", time_ns=100 * S)
    returned = [
        picture_track("e1", at=(500.0, 0.0)),
        picture_track("w9", origin="west", at=(500.0, 0.0), contributors=(ours,)),
    ]
    assert Joint("east", FRAME).update([], returned, 100 * S) == ()


def test_what_a_partner_no_longer_speaks_of_goes() -> None:
    joint = Joint("east", FRAME)
    partner = picture_track("w", origin="west")
    (there,) = joint.update([], [partner], 110 * S)
    assert np.trace(spread(there)) > np.trace(spread(partner))
    assert there.ground.east_m == pytest.approx(10.0, abs=0.01)
    assert joint.update([], [], 131 * S) == ()


def test_a_partners_places_are_read_on_the_earth_and_not_in_its_own_frame() -> None:
    theirs = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.01))
    east, north, _ = theirs.from_geodetic(34.001, 41.002)
    partner = picture_track("w", origin="west", at=(float(east), float(north)), frame=theirs)
    (there,) = Joint("east", FRAME).update([], [partner], 100 * S)
    assert place(there) == pytest.approx([float(v) for v in FRAME.from_geodetic(34.001, 41.002)[:2]], abs=0.01)


def test_nothing_of_the_partners_is_ever_given_away() -> None:
    tower = Contributor(source_id="tower-1", origin="east", time_ns=100 * S)
    local = [picture_track("e1", contributors=(tower,)), picture_track("e2", at=(900.0, 0.0), contributors=(tower,))]
    partner = [picture_track("w1", origin="west"), picture_track("w2", origin="west", at=(0.0, 900.0))]
    joint = Joint("east", FRAME).update(local, partner, 100 * S)
    assert [track.track_id for track in exportable(joint, "east")] == ["e2"]
    assert exportable(local, "east") == tuple(local)
    for track in joint:
        if foreign(track, "east"):
            with pytest.raises(RefusedError, match="west"):
                for_export(track, "east")
        else:
            assert for_export(track, "east") is track
    disguised = msgspec.structs.replace(joint[0], origin="east")
    assert exportable([disguised], "east") == ()

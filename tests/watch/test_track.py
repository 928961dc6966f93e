import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.watch.background import Difference
from marsad.watch.detect import AREA, COLUMNS, EDGE, LOCAL, PEAK, RING, SUM, X0, X1, Y0, Y1, Blobs
from marsad.watch.track import Followed, Tracker, TrackSettings

F64 = NDArray[np.float64]
FPS = 25
WIDE, HIGH = 320, 240


def blob(x: float, y: float, w: float = 5, h: float = 9, contrast: float = 30.0) -> F64:
    """A clear blob with this centre."""
    row = np.zeros(COLUMNS)
    row[[X0, Y0, X1, Y1]] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    row[AREA], row[SUM] = w * h, w * h * contrast
    row[PEAK], row[LOCAL], row[RING] = 15.0, 1.0, 0.02
    return row


class Run:
    """A tracker fed with made-up blobs, and all it said."""

    def __init__(self, settings: TrackSettings | None = None, fps: float = FPS) -> None:
        self.tracker = Tracker(settings)
        self.difference = Difference(HIGH, WIDE)
        self.difference.trusted, self.difference.state = True, "watching"
        self.fps = fps
        self.frame = 0
        self.ids: set[int] = set()
        self.ended: list[int] = []
        self.seen: dict[int, list[tuple[int, int, float, float]]] = {}

    def feed(self, rows: list[F64], limit: NDArray[np.float32] | None = None) -> list[Followed]:
        table = np.array(rows) if rows else np.zeros((0, COLUMNS))
        time_ns = round(self.frame / self.fps * 1e9)
        found = self.tracker.update(Blobs(table, flooded=False), self.difference, time_ns, self.frame, limit)
        self.ended += self.tracker.ended
        for each in found:
            self.ids.add(each.track_id)
            if each.matched:
                for point in self.tracker.points(each, before=each.fresh):
                    x, y = point.box.centre_px
                    self.seen.setdefault(each.track_id, []).append((point.frame_index, self.frame, x, y))
        self.frame += 1
        return found


def straight(x: float, y: float, vx: float, vy: float) -> Callable[[int], tuple[float, float]]:
    return lambda frame: (x + vx * frame / FPS, y + vy * frame / FPS)


def at_edge(row: F64) -> F64:
    row[EDGE] = float(row[X0] <= 1 or row[X1] >= WIDE - 1)
    return row


def test_who_comes_over_the_edge_after_another_has_left_is_somebody_else() -> None:
    run = Run()
    for frame in range(3 * FPS):
        run.feed([at_edge(blob(max(60 - 20 * frame / FPS, 2), 120))])
    for _ in range(round(0.8 * FPS)):
        run.feed([])
    for frame in range(2 * FPS):
        run.feed([at_edge(blob(2 + 20 * frame / FPS, 124))])
    assert len(run.ids) == 2


def clutter(rng: np.random.Generator, count: int) -> list[F64]:
    return [blob(rng.uniform(5, 315), rng.uniform(5, 235), *rng.uniform(2, 12, 2)) for _ in range(rng.poisson(count))]


@settings(max_examples=20)
@given(speed=st.floats(6, 120), heading=st.floats(0, 2 * math.pi), seed=st.integers(0, 1000))
def test_a_straight_mover_keeps_one_identity_through_misses_and_clutter(
    speed: float, heading: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    vx, vy = speed * math.cos(heading), speed * math.sin(heading)
    way = straight(160 - vx, 120 - vy * 0.8, vx, vy * 0.8)
    run = Run()
    for frame in range(2 * FPS):
        x, y = way(frame)
        hit = frame < 12 or rng.random() > 0.15
        mine = [blob(x + rng.normal(0, 0.4), y + rng.normal(0, 0.4))] if hit else []
        run.feed(mine + clutter(rng, 1))
    on_it = {
        number
        for number, points in run.seen.items()
        if np.mean([math.dist(way(frame), (x, y)) < 5 for frame, _, x, y in points]) > 0.5
    }
    assert len(on_it) == 1
    covered = {frame for frame, *_ in run.seen[on_it.pop()]}
    assert len(covered) > 0.7 * 2 * FPS


def test_two_who_cross_keep_their_identities() -> None:
    run = Run()
    man, car = straight(60, 118, 60, 0), straight(260, 124, -60, 0)
    owner: dict[str, set[int]] = {"man": set(), "car": set()}
    for frame in range(3 * FPS):
        found = run.feed([blob(*man(frame), 4, 10, 25), blob(*car(frame), 22, 14, 60)])
        for each in found:
            if each.matched:
                w = run.tracker.points(each)[0].box.w_px
                owner["car" if w > 12 else "man"].add(each.track_id)
    assert len(owner["man"]) == len(owner["car"]) == 1
    assert owner["man"] != owner["car"]


@pytest.mark.parametrize("swing_px", [0.0, 1.0, 1.8])
def test_what_stands_or_swings_in_place_is_not_believed(swing_px: float) -> None:
    rng = np.random.default_rng(5)
    run = Run()
    for frame in range(10 * FPS):
        x = 100 + swing_px * math.sin(2 * math.pi * 0.8 * frame / FPS)
        run.feed([blob(x + rng.normal(0, 0.2), 80 + rng.normal(0, 0.2))])
    assert run.ids == set()
    if swing_px == 0:
        assert len(run.tracker.standing()) == 1


def first_believed(settings: TrackSettings) -> int:
    run = Run(settings)
    while not run.feed([blob(50 + 4 * run.frame, 100)]):
        assert run.frame < 100
    return run.frame


def test_a_track_is_believed_no_sooner_than_its_blobs_and_its_time_allow() -> None:
    assert 6 <= first_believed(TrackSettings(least_hits=6, least_s=0.0)) <= 8
    assert 12 <= first_believed(TrackSettings(least_hits=12, least_s=0.0)) <= 14
    assert 1.0 * FPS <= first_believed(TrackSettings(least_hits=6, least_s=1.0)) <= 1.0 * FPS + 2
    assert 40 / 4 <= first_believed(TrackSettings(least_hits=6, least_s=0.0, least_px=40.0)) <= 16


def test_an_occlusion_of_a_second_does_not_change_the_identity() -> None:
    run = Run()
    way = straight(60, 100, 50, 10)
    for frame in range(4 * FPS):
        found = run.feed([] if 40 <= frame < 40 + FPS else [blob(*way(frame))])
        if 40 <= frame < 40 + FPS:
            assert [each.matched for each in found] == [False]
    assert run.ids == {1}
    assert run.ended == []


def test_a_new_track_takes_over_the_identity_of_the_one_it_continues() -> None:
    run = Run()
    for frame in range(120):
        x = 20 + 0.7 * frame
        rows = [blob(x, 60, 6, 8)] if frame < 40 else []
        if frame >= 80:
            rows = [blob(x + 38, 64, 6, 8)]
        run.feed(rows)
    assert run.ids == {1}
    assert run.ended == []
    assert max(frame for frame, *_ in run.seen[1]) == 119


def test_what_was_seen_before_it_was_believed_is_handed_on_once_and_in_order() -> None:
    run = Run()
    way = straight(50, 60, 40, 25)
    for frame in range(60):
        run.feed([blob(*way(frame))])
    points = run.seen[1]
    assert [frame for frame, *_ in points] == list(range(60))
    assert points[0][1] > 0
    for frame, _, x, y in points:
        assert (x, y) == pytest.approx(way(frame))


def test_points_lie_in_the_picture_although_the_track_lives_in_the_scene() -> None:
    run = Run()
    run.difference.origin = (30, -7)
    run.difference.registration = type(run.difference.registration)(shift_x_px=0.4, shift_y_px=-0.3)
    for frame in range(30):
        run.feed([blob(50 + 2 * frame, 60)])
    frame, _, x, y = run.seen[1][-1]
    assert (x, y) == pytest.approx((50 + 2 * frame + 0.4, 59.7))


def test_two_sightings_are_enough_where_pictures_are_rare() -> None:
    run = Run(fps=1)
    for _ in range(20):
        run.feed([])
    assert run.feed([blob(100, 100)]) == []
    found = run.feed([blob(112, 104)])
    assert [each.fresh for each in found] == [True]
    assert len(run.tracker.points(found[0], before=True)) == 2


def test_rare_pictures_do_not_make_what_stands_a_mover() -> None:
    run = Run(fps=1)
    for _ in range(40):
        run.feed([blob(100, 100), *([blob(250, 50, 3, 3)] if run.frame % 3 == 0 else [])])
    assert run.ids == set()


def test_identities_are_never_used_again() -> None:
    run = Run(TrackSettings(coast_s=0.5))
    for _ in range(8):
        for step in range(15):
            run.feed([blob(60 + 3 * step, 40 + 20 * (len(run.ids) % 8))])
        for _ in range(FPS):
            run.feed([])
    assert run.ids == set(range(1, 9))
    assert run.ended == list(range(1, 9))


def test_nothing_faster_than_the_limit_of_its_place_is_believed() -> None:
    slow = np.full((HIGH, WIDE), 30, np.float32)
    slow[:, 160:] = 0
    for start, believed in ((20, False), (165, True)):
        run = Run()
        for _ in range(30):
            run.feed([blob(start + 100 * run.frame / FPS, 100)], slow)
        assert bool(run.ids) == believed
    run = Run()
    for _ in range(40):
        run.feed([blob(20 + 20 * run.frame / FPS, 100)], slow)
    assert run.ids == {1}


def test_what_is_forgotten_ends_and_does_not_come_back() -> None:
    run = Run()
    for _ in range(20):
        run.feed([blob(50 + 3 * run.frame, 100)])
    assert run.ids == {1}
    run.tracker.forget()
    assert run.feed([]) == []
    assert run.ended == [1]
    for _ in range(20):
        run.feed([blob(50 + 3 * run.frame, 100)])
    assert run.ids == {1, 2}


def test_a_full_table_loses_no_believed_track() -> None:
    rng = np.random.default_rng(8)
    run = Run()
    for frame in range(50):
        # The table of blobs is full of clutter from the eleventh picture on.
        rows = [blob(40 + 3 * frame, 100), *(clutter(rng, 400)[:190] if frame > 20 else [])]
        run.feed(rows)
    assert 1 in run.ids
    assert 1 not in run.ended
    assert max(frame for frame, *_ in run.seen[1]) == 49


def test_confidence_is_a_share_and_higher_for_what_is_clearer() -> None:
    confidence = []
    for peak in (6.0, 40.0):
        run = Run()
        found: list[Followed] = []
        for frame in range(40):
            row = blob(50 + 3 * frame, 100)
            row[PEAK] = peak
            found = run.feed([row])
        confidence.append(run.tracker.confidence(found[0]))
        straightness, change = run.tracker.motion(found[0])
        assert straightness > 20
        assert change < 0.05
    assert 0 < confidence[0] < confidence[1] <= 1


def test_the_same_blobs_give_the_same_tracks() -> None:
    said = []
    for _ in range(2):
        rng = np.random.default_rng(6)
        run = Run()
        for frame in range(50):
            run.feed([blob(50 + 3 * frame, 100), *clutter(rng, 3)])
        said.append(run.seen)
    assert said[0] == said[1]
    assert said[0]

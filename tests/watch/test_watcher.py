"""The whole watch of one camera, on small made-up clips whose truth is known."""

import math
from collections.abc import Callable, Iterator

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from marsad.adapters.memory import MemoryDetectorModel
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.event import CameraHealth, TrackConfirmed, TrackLost, TrackPoint
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import Classified
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Mask, Pose, PoseSigma, Terrain
from marsad.kernel.track import Track
from marsad.respond.alerting import Alerting
from marsad.watch.geolocate import Geolocator
from marsad.watch.kind_weights import VALUES
from marsad.watch.watcher import FASTEST_M_S, Observation, Watcher

FPS = 25
WIDE, HIGH = 160, 120
Way = Callable[[float], tuple[float, float] | None]


def clip(
    ways: list[tuple[Way, float]],
    seconds: float,
    *,
    seed: int = 1,
    ground_seed: int = 7,
    relief: float = 60,
    size: tuple[int, int] = (4, 9),
    start: int = 0,
) -> Iterator[Frame]:
    """Textured ground with sensor noise; on each way (the foot's place at a time, or None) an object of a contrast."""
    rng = np.random.default_rng(seed)
    texture = np.random.default_rng(ground_seed).normal(0, relief, (HIGH, WIDE))
    ground = 100 + cv2.GaussianBlur(texture, (0, 0), 2.5)
    w, h = size
    for index in range(start, start + round(seconds * FPS)):
        picture = ground + rng.normal(0, 1.5, ground.shape)
        for way, contrast in ways:
            foot = way(index / FPS)
            if foot is not None:
                picture += contrast * coverage(foot[0] - w / 2, w, WIDE) * coverage(foot[1] - h, h, HIGH)[:, None]
        yield frame(index, np.clip(picture + 0.5, 0, 255).astype(np.uint8))


def coverage(left: float, length: float, pixels: int) -> NDArray[np.float64]:
    """How much of each pixel of a row lies between left and left + length."""
    edges = np.arange(pixels + 1)
    covered = np.clip(edges, left, left + length)
    return np.diff(covered)


def frame(index: int, counts: Counts) -> Frame:
    time_ns = round(index * 1e9 / FPS)
    return Frame(camera_id="mast", index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)


def walk(x: float, y: float, vx: float, *, since_s: float = 2.0, hidden: tuple[float, float] = (-2.0, -1.0)) -> Way:
    def way(time_s: float) -> tuple[float, float] | None:
        if time_s < since_s or hidden[0] <= time_s < hidden[1]:
            return None
        return x + vx * (time_s - since_s), y

    return way


class Run:
    """A watcher that has seen a clip, and all it said."""

    def __init__(self, frames: Iterator[Frame], watcher: Watcher | None = None) -> None:
        self.watcher = watcher or Watcher("mast")
        self.seen: list[tuple[Frame, Observation]] = []
        for each in frames:
            self.seen.append((each, self.watcher.observe(each)))

    def tracks(self, status: str = "confirmed") -> list[Track]:
        return [track for _, seen in self.seen for track in seen.tracks if track.status == status]

    def back(self) -> list[Track]:
        return [track for _, seen in self.seen for track in seen.written_back]

    def events(self, kind: type) -> list[object]:
        return [event for _, seen in self.seen for event in seen.events if isinstance(event, kind)]

    def on(self, way: Way, tracks: list[Track]) -> set[int]:
        """The frames in which one of the tracks is on the object of a way, within 3 px of its middle."""
        frames = set()
        for track in tracks:
            foot = way(track.frame_index / FPS)
            x, y = track.box.centre_px
            if foot is not None and math.hypot(x - foot[0], y - (foot[1] - 4.5)) < 3:
                frames.add(track.frame_index)
        return frames


WAY = walk(20, 80, 16)


def test_tracks_are_numbered_from_where_they_are_told_to_be() -> None:
    watcher = Watcher("mast")
    watcher.number_from(101)
    run = Run(clip([(WAY, 30)], 7), watcher)
    assert {track.track_id for track in run.tracks()} == {101}


def test_a_walker_is_followed_without_a_gap_and_written_back_to_the_first_sight() -> None:
    run = Run(clip([(WAY, 30)], 7))
    (confirmed,) = run.events(TrackConfirmed)
    live, back = run.tracks(), run.back()
    assert confirmed.track.first_ns <= 2.08e9
    assert 0.2e9 < confirmed.time_ns - confirmed.track.first_ns < 1.0e9
    assert {track.track_id for track in live + back} == {confirmed.track.track_id}
    assert all(track.frame_index < confirmed.track.frame_index for track in back)
    told = sorted(track.frame_index for track in live + back)
    assert told == list(range(told[0], 7 * FPS))
    assert len(run.on(WAY, live + back)) >= 0.98 * 5 * FPS
    assert live[-1].velocity_x_px_s == pytest.approx(16, abs=2)
    assert abs(live[-1].velocity_y_px_s) < 2


def test_a_gap_is_coasted_through_and_written_back_once_it_has_ended() -> None:
    way = walk(20, 80, 16, hidden=(4.0, 4.6))
    run = Run(clip([(way, 30)], 7))
    gap = range(round(4.0 * FPS), round(4.6 * FPS))
    live, back = run.tracks(), run.back()
    assert len({track.track_id for track in live}) == 1
    assert not {track.frame_index for track in live} & set(gap)
    assert {track.frame_index for track in run.tracks("coasting")} >= set(gap)
    filled = [track for track in back if track.frame_index in gap]
    assert [track.frame_index for track in filled] == list(gap)
    for track in filled:
        assert track.time_ns == pytest.approx(track.frame_index * 1e9 / FPS, abs=2)
        assert track.box.centre_px[0] == pytest.approx(20 + 16 * (track.frame_index / FPS - 2), abs=2)
    after = next(each for each, seen in run.seen if any(t.frame_index in gap for t in seen.written_back))
    assert after.index >= gap.stop
    both = [(track.track_id, track.frame_index) for track in live + back]
    assert len(both) == len(set(both))


def test_who_has_left_is_lost_and_the_end_of_the_watch_ends_the_rest() -> None:
    def leaving(time_s: float) -> tuple[float, float] | None:
        return WAY(time_s) if time_s < 4 else None

    run = Run(clip([(leaving, 30), (walk(20, 40, 14), 30)], 8))
    (lost,) = run.events(TrackLost)
    assert lost.reason == "not seen any more"
    assert 4e9 < lost.time_ns < 8e9
    (ended,) = run.watcher.finish(8_000_000_000)
    confirmed = {event.track.track_id for event in run.events(TrackConfirmed)}
    assert {lost.track_id, ended.track_id} == confirmed
    assert (ended.reason, ended.time_ns) == ("the watch ended", 8_000_000_000)
    assert run.watcher.finish(8_000_000_000) == []
    assert {event.track.track_id for event in run.events(TrackPoint)} == confirmed


def test_noise_alone_is_nobody() -> None:
    run = Run(clip([], 10))
    assert run.tracks() == run.back() == run.tracks("standing") == []
    assert run.events(TrackConfirmed) == []


def test_what_stands_from_the_start_is_a_state_and_raises_no_alarm() -> None:
    rng = np.random.default_rng(3)
    alerting = Alerting(None)
    watcher = Watcher("mast")
    alerts, standing = [], []
    for index in range(8 * FPS):
        picture = 90 + rng.normal(0, 1.5, (HIGH, WIDE))
        picture[60:69, 80:84] += 60
        seen = watcher.observe(frame(index, np.clip(picture, 0, 255).astype(np.uint8)))
        alerts += alerting.update(seen.tracks, round(index * 1e9 / FPS))
        standing += [track for track in seen.tracks if track.status == "standing"]
        assert not [track for track in seen.tracks if track.status == "confirmed"]
        assert not [event for event in seen.events if isinstance(event, TrackConfirmed)]
    assert alerts == []
    assert len(standing) > 3 * FPS
    assert all(track.track_id < 0 for track in standing)
    x, y = standing[-1].box.centre_px
    assert (x, y) == (pytest.approx(82, abs=1.5), pytest.approx(64.5, abs=1.5))
    assert standing[-1].velocity_x_px_s == standing[-1].velocity_y_px_s == 0


def test_who_stood_and_then_walks_is_tracked() -> None:
    def way(time_s: float) -> tuple[float, float] | None:
        return (40 + 14 * max(time_s - 4, 0), 80)

    run = Run(clip([(way, 45)], 8))
    late = {track.frame_index for track in run.tracks() if track.frame_index > 6 * FPS}
    assert len(run.on(way, run.tracks()) & late) > 0.9 * 2 * FPS


def test_nothing_is_found_under_a_mask_and_all_beside_it() -> None:
    mask = Mask(x_px=0, y_px=60, w_px=WIDE, h_px=30)
    masked, open_ground = WAY, walk(20, 40, 14)
    run = Run(clip([(masked, 30), (open_ground, 30)], 7), Watcher("mast", masks=(mask,)))
    live = run.tracks() + run.back()
    assert len(run.on(open_ground, live)) >= 0.95 * 5 * FPS
    assert run.on(masked, live) == set()
    assert all(track.box.centre_px[1] < 60 for track in live)


@pytest.mark.parametrize(("polarity", "seen"), [("hot", {30}), ("cold", {-30}), ("both", {30, -30})])
def test_only_the_asked_for_sign_of_contrast_counts(polarity: str, seen: set[int]) -> None:
    ways = {30: WAY, -30: walk(20, 40, 14)}
    run = Run(clip([(way, contrast) for contrast, way in ways.items()], 6), Watcher("mast", polarity=polarity))
    found = {contrast for contrast, way in ways.items() if run.on(way, run.tracks())}
    assert found == seen
    assert all(math.copysign(30, track.contrast_counts) in seen for track in run.tracks())


def test_another_scene_ends_all_tracks_and_brings_none() -> None:
    def frames() -> Iterator[Frame]:
        yield from clip([(WAY, 60)], 5, relief=250)
        yield from clip([], 5, ground_seed=99, relief=250, start=5 * FPS)

    run = Run(frames())
    (confirmed,) = run.events(TrackConfirmed)
    (lost,) = run.events(TrackLost)
    assert lost.track_id == confirmed.track.track_id
    assert 5e9 <= lost.time_ns < 5.2e9
    assert not [track for track in run.tracks() + run.tracks("coasting") if track.time_ns > 5.2e9]
    assert "camera_moved" in {event.kind for event in run.events(CameraHealth)}
    assert run.watcher.finish(10_000_000_000) == []


def test_a_model_looks_at_each_track_about_once_a_second_and_sees_the_target() -> None:
    crops: list[Counts] = []

    def look(crop: Counts) -> list[Classified]:
        crops.append(crop)
        return [Classified(kind="animal", confidence=0.9)]

    looks = []
    watcher = Watcher("mast", model=MemoryDetectorModel(look))
    for each in clip([(WAY, 60)], 8):
        before = len(crops)
        watcher.observe(each)
        looks += [each.time_ns / 1e9] * (len(crops) - before)
    assert 4 <= len(looks) <= 7
    assert min(np.diff(looks)) >= 1.0
    assert max(np.diff(looks)) < 1.3
    for crop in crops:
        assert crop.shape[0] == crop.shape[1] >= 12
        middle = crop[crop.shape[0] // 2 - 1 : crop.shape[0] // 2 + 1, crop.shape[1] // 2 - 1 : crop.shape[1] // 2 + 1]
        assert middle.mean() > np.median(crop) + 20


LENS = Lens(width_px=WIDE, height_px=HIGH, horizontal_fov_deg=10)
POSE = Pose(
    latitude_deg=34.0,
    longitude_deg=41.0,
    mast_m=20,
    azimuth_deg=90,
    elevation_deg=-5,
    sigma=PoseSigma(azimuth_deg=0.05, elevation_deg=0.05, roll_deg=0.05, horizontal_m=0.5, height_m=0.1),
)


def geolocator() -> Geolocator:
    frame_there = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
    surface = Surface(flat_grid(34.0, 41.0, 100.0, 3000), frame_there, 3000)
    return Geolocator(CameraView(LENS, POSE, surface, reach_m=3000), Terrain(flat_height_m=100.0, sigma_m=0.1))


def test_a_located_track_is_where_trigonometry_puts_it() -> None:
    run = Run(clip([(WAY, 30)], 7), Watcher("mast", geolocator=geolocator()))
    focal_px = WIDE / 2 / math.tan(math.radians(5))
    for track in run.tracks()[25:]:
        assert track.ground is not None
        assert track.bearing is not None
        assert track.size is not None
        foot_x, foot_y = WAY(track.frame_index / FPS)
        down = math.radians(5) + math.atan((foot_y - HIGH / 2) / focal_px)
        away = 20 / math.tan(down)
        across = (foot_x - WIDE / 2) / focal_px * math.hypot(20, away) * math.cos(down - math.radians(5))
        offset = np.array([track.ground.east_m - away, track.ground.north_m + across])
        covariance = track.ground.covariance
        spread = np.array(
            [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
        )
        assert offset @ np.linalg.solve(spread, offset) < 14
        assert track.ground.range_m == pytest.approx(math.hypot(20, away, across), rel=0.03)
        assert track.bearing.azimuth_rad == pytest.approx(math.pi / 2 + math.atan2(across, away), abs=0.004)
        assert track.bearing.time_ns == track.time_ns
        assert track.size.height_m == pytest.approx(9 * away / focal_px, rel=0.25)
    speed = [-track.ground.velocity_north_m_s for track in run.tracks()[25:] if track.ground is not None]
    down = math.radians(5) + math.atan(20 / focal_px)
    assert np.median(speed) == pytest.approx(16 * 20 / math.sin(down) / focal_px, rel=0.15)
    assert {track.origin for track in run.tracks()} == {"own"}


@pytest.mark.parametrize(
    ("size", "speed_px_s", "kinds"), [((11, 6), 25, {"flying"}), ((5, 2), 25, {"unknown"}), ((5, 2), 42, {"flying"})]
)
def test_what_would_be_a_giant_or_too_fast_beyond_the_known_ground_flies(
    size: tuple[int, int], speed_px_s: float, kinds: set[str]
) -> None:
    frame_there = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
    surface = Surface(flat_grid(34.0, 41.0, 100.0, 3000), frame_there, 3000)
    # Ground is known to 700 m, 1.6 degrees below the level: what flies is seen above that, below the level.
    view = CameraView(LENS, msgspec.structs.replace(POSE, elevation_deg=-3), surface, reach_m=700)
    watcher = Watcher("mast", geolocator=Geolocator(view, Terrain(flat_height_m=100.0, sigma_m=0.1)))
    # A pixel is 0.77 m at 700 m: 25 of them a second are 19 m/s, 42 are 32 m/s.
    run = Run(clip([(lambda time_s: (speed_px_s * (time_s - 1.6), 22), 60)], 7, size=size), watcher)
    assert {track.kind for track in run.tracks() if track.time_ns - track.first_ns > 1.5e9} == kinds
    assert all(track.ground is None for track in run.tracks())


def test_what_comes_over_the_edge_is_weighed_by_how_it_looks_whole() -> None:
    """One that walks in over the edge, and one that walks in the middle of the picture, are the same in the end."""

    def come(from_x: float) -> list[float]:
        def way(time_s: float) -> tuple[float, float] | None:
            return (from_x + 20 * (time_s - 2), 90) if time_s >= 2 else None

        watcher = Watcher("mast", geolocator=geolocator())
        run = Run(clip([(way, 60)], 6, size=(24, 14)), watcher)
        (number,) = {track.track_id for track in run.tracks()}
        values = watcher.measured(number)
        assert values is not None
        return [math.exp(values[VALUES.index(name)]) for name in ("height_m", "width_m")]

    assert come(-12) == pytest.approx(come(40), rel=0.08)


def test_without_a_pose_nothing_is_located() -> None:
    run = Run(clip([(WAY, 30)], 4))
    assert run.tracks()
    assert all(track.ground is track.bearing is track.size is None for track in run.tracks())


@pytest.mark.parametrize(("metres_per_pixel", "believable"), [(0.5, True), (20.0, False), (math.nan, True)])
def test_what_would_be_too_fast_for_its_place_is_not_followed(metres_per_pixel: float, believable: bool) -> None:
    assert 16 * 0.5 < FASTEST_M_S < 16 * 20.0
    scale = np.full((HIGH, WIDE), metres_per_pixel, np.float32)
    run = Run(clip([(WAY, 30)], 6), Watcher("mast", metres_per_pixel=scale))
    assert (len(run.on(WAY, run.tracks())) > 2 * FPS) == believable


def test_the_same_pictures_give_the_same_observations() -> None:
    ways = [(WAY, 30), (walk(20, 40, 14, hidden=(4, 4.4)), -20)]
    first, second = (Run(clip(ways, 6), Watcher("mast", geolocator=geolocator())) for _ in range(2))
    assert len(first.tracks()) > 100
    for (_, one), (_, other) in zip(first.seen, second.seen, strict=True):
        assert msgspec.json.encode(one) == msgspec.json.encode(other)


def test_boxes_lie_on_the_picture_they_came_from() -> None:
    """A box is in the picture's own pixels, wherever the camera sways."""
    rng = np.random.default_rng(4)
    texture = 100 + cv2.GaussianBlur(np.random.default_rng(7).normal(0, 60, (HIGH + 40, WIDE + 40)), (0, 0), 2.5)
    watcher, off = Watcher("mast"), []
    for index in range(7 * FPS):
        sway = 2.5 * math.sin(2 * math.pi * 0.3 * index / FPS)
        move = np.array([[1, 0, -20 + sway], [0, 1, -20]])
        picture = cv2.warpAffine(texture, move, (WIDE, HIGH)) + rng.normal(0, 1.5, (HIGH, WIDE))
        foot = WAY(index / FPS)
        if foot is not None:
            picture += 40 * coverage(foot[0] + sway - 2, 4, WIDE) * coverage(foot[1] - 9, 9, HIGH)[:, None]
        seen = watcher.observe(frame(index, np.clip(picture + 0.5, 0, 255).astype(np.uint8)))
        off += [
            track.box.centre_px[0] - foot[0] - sway
            for track in seen.tracks
            if foot is not None and track.status == "confirmed" and abs(track.box.centre_px[1] - 75.5) < 4
        ]
    assert len(off) > 3 * FPS
    assert np.std(off) < 0.6
    assert abs(np.median(off)) < 0.6


@pytest.mark.parametrize("pictures", [101, 130])
def test_a_loop_in_a_fast_stream_is_told_in_its_second_round_whatever_its_length(pictures: int) -> None:
    live = [each.counts for each in clip([], 10)]
    watcher = Watcher("mast")
    told = [
        (index, event.kind)
        for index, counts in enumerate([*live, *live[-pictures:] * 2])
        for event in watcher.observe(frame(index, counts)).events
        if isinstance(event, CameraHealth)
    ]
    assert [kind for _, kind in told] == ["looped"]
    assert len(live) < told[0][0] < len(live) + 5 * FPS

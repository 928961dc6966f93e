"""A campaign: many scenes drawn at random, which together show how well a watch works.

Its parts: single crossings, groups, people near flocks, days of nuisances without people, and faults of the camera.
A piece is one scene of one camera; what it shows follows from its own seed alone, so that pieces can be played in any
order and on any machine. Who crosses comes into view over the edge of the picture or out of dead ground, never out of
the air, and what is found there to walk on is looked for in the ground as the camera really sees it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Site, Terrain, Zone
from marsad.simulate.actor import USUAL_HEIGHT_M, Actor, ActorKind, Gait, Party, Waypoint
from marsad.simulate.camera import (
    Covered,
    Defocused,
    Fault,
    FlatField,
    Frozen,
    GainJump,
    Imager,
    Looped,
    Moved,
    true_pose,
)
from marsad.simulate.effect import BlowingSand, CloudShadow, Effect, Insects, Rain
from marsad.simulate.feature import Boulders, Feature, Fence, Road, Rocks, Shrubs, Town
from marsad.simulate.scenario import Scenario
from marsad.simulate.terrain import Relief, rugged_desert, surveyed
from marsad.simulate.weather import Weather

Part = Literal["crossing", "group", "flock", "day", "health"]
Air = Literal["clear", "haze", "dust", "rain"]
FaultKind = Literal["camera_moved", "covered", "frozen", "looped", "defocused"]

PARTS: Final[tuple[Part, ...]] = ("crossing", "group", "flock", "day", "health")
AIRS: Final[tuple[Air, ...]] = ("clear", "haze", "dust", "rain")
FAULTS: Final[tuple[FaultKind, ...]] = ("camera_moved", "covered", "frozen", "looped", "defocused")
CAMERA: Final = "mast"
ADULT_M: Final = 1.75

_DAY_S: Final = 86_400
_ORIGIN: Final = Position(latitude_deg=34.46, longitude_deg=40.95, height_m=240.0)
_MIDNIGHT: Final = datetime(2026, 8, 8, tzinfo=UTC)
_TRIES: Final = 24
_RANGES: Final = 10
"""So many ranges are tried for one who crosses: not every camera sees ground at all of them."""
_WALK_S: Final = 22.0
_APART: Final = 0.3
"""The ranges of those who cross at the same time differ by this much of their logarithm, so that nobody is a group."""
_SEEN_SHARE: Final = 0.6
_EVERY_S: Final = 1.0
_DAY_TRIES: Final = 60
"""So often is an event of a day drawn anew until it comes into view."""
_SHOWN_PX: Final = 2.0
"""A beast lower than that is no pass."""
_SHOWN_PICTURES: Final = 2
_FPS: Final = Imager().fps
_BEAST_M: Final = 0.7
"""How high a beast of a small flock is."""


class Densities(Record):
    """What a day of nuisances shows; passes, insects and birds are single events, the hours of wind, rain and shadow.

    A flock that passes counts as one animal pass. What never comes into view is not counted: it is drawn anew.
    """

    animal_passes: int = 40
    birds: int = 200
    insects: int = 60
    corrections_per_hour: float = 20.0
    wind_hours: float = 6.0
    rain_hours: float = 2.0
    cloud_shadow_hours: float = 3.0
    gain_jumps: int = 24


class Chunk(Record):
    """The share of one day's nuisances that falls to one of its pieces."""

    animals: int = 0
    birds: int = 0
    insects: int = 0
    gain_jumps: int = 0
    windy: bool = False
    rainy: bool = False
    cloudy: bool = False
    hour: float = 0.0


class Piece(Record):
    """One scene of a campaign: its part, its number there, how long it is, and what was dealt to it."""

    part: Part
    number: int
    seconds: float
    air: Air = "clear"
    chunk: Chunk | None = None
    fault: FaultKind | None = None
    corrections_per_hour: float = 20.0
    boxes: bool = False

    @property
    def key(self) -> str:
        """Its name within the campaign."""
        return f"{self.part}-{self.number:05d}"


class Sizes(Record):
    """How much of each part a campaign has: scenes of each weather, groups, flocks, days, and scenes of each fault."""

    crossing_scenes: int = 30
    group_scenes: int = 24
    flock_scenes: int = 24
    days: float = 2.0
    fault_scenes: int = 12
    chunk_s: float = 600.0
    crossing_s: float = 160.0
    box_scenes: int = 8


class Lie(Record):
    """How a camera stands in the land, and which way it looks."""

    name: str
    relief: Relief
    mast_m: float
    azimuth_deg: float
    below_horizon: float
    """The share of the picture's height that lies below the level."""


LIES: Final = (
    Lie(name="wadi", relief=Relief(), mast_m=20.0, azimuth_deg=285.0, below_horizon=0.52),
    Lie(name="plain", relief=Relief(slope=0.0, bank_m=4.0), mast_m=25.0, azimuth_deg=80.0, below_horizon=0.75),
    Lie(name="along", relief=Relief(bank_m=12.0, wadi_west_m=150.0), mast_m=30.0, azimuth_deg=350.0, below_horizon=0.7),
    Lie(name="rise", relief=Relief(slope=0.2, wadi_west_m=250.0), mast_m=15.0, azimuth_deg=260.0, below_horizon=0.45),
)
_FOCAL_MM: Final = (35.0, 50.0, 75.0, 100.0)
_PITCH_MM: Final = 0.012
_SWAY_RAD: Final = 2e-5
"""How far the wind sways a mast's head in 5 m/s, root mean square, of our choosing: at 13 m/s, through the longest
lens, more than a pixel, and four at worst."""
_WIDTH_PX: Final = 640
_HEIGHT_PX: Final = 512


class Stage(Record, eq=False):
    """A piece ready to be played: the site as the watch knows it, and the scene as it really is."""

    piece: Piece
    site: Site
    known: CameraView
    true: CameraView
    scenario: Scenario
    lie: str
    hour: float


class _Mover(NamedTuple):
    kind: ActorKind
    gait: Gait
    load: bool = False


_ADULT: Final = _Mover("person", "walk")
_CROSSERS: Final = (
    _Mover("person", "run"),
    _Mover("vehicle", "drive"),
    _Mover("person", "crouch"),
    _Mover("dog", "walk"),
    _Mover("person", "walk", load=True),
    _Mover("camel", "walk"),
    _Mover("motorcycle", "drive"),
    _Mover("person", "crawl"),
    _Mover("fox", "walk"),
    _Mover("donkey", "walk"),
    _Mover("sheep", "walk"),
    _Mover("goat", "walk"),
)
_SPEEDS: Final[dict[ActorKind, tuple[float, float]]] = {
    "vehicle": (4.0, 14.0),
    "motorcycle": (5.0, 15.0),
    "dog": (1.0, 4.0),
    "fox": (0.9, 4.0),
    "sheep": (0.5, 1.2),
    "goat": (0.5, 1.3),
    "donkey": (0.9, 1.6),
    "camel": (0.9, 1.7),
    "bird": (7.0, 16.0),
    "tumbleweed": (2.0, 6.0),
}
_GAIT_SPEEDS: Final[dict[Gait, tuple[float, float]]] = {
    "walk": (1.0, 1.8),
    "run": (2.5, 4.5),
    "crouch": (0.6, 1.1),
    "crawl": (0.25, 0.5),
}
_BEASTS: Final[tuple[ActorKind, ...]] = ("fox", "dog", "fox", "dog", "goat", "donkey", "camel", "sheep")


def plan(sizes: Sizes, densities: Densities, day_rng: Callable[[int], np.random.Generator]) -> list[Piece]:
    """All pieces of a campaign, the parts mixed, so that one broken off early shows something of each.

    `day_rng` gives the generator by which one day's nuisances are dealt to its pieces.
    """
    parts: list[Sequence[Piece]] = [
        _crossings(sizes),
        [Piece(part="group", number=i, seconds=90.0) for i in range(sizes.group_scenes)],
        [Piece(part="flock", number=i, seconds=90.0) for i in range(sizes.flock_scenes)],
        _faults(sizes),
        list(_days(sizes, densities, day_rng)),
    ]
    placed = [((i + 0.5) / len(part), piece) for part in parts for i, piece in enumerate(part)]
    return [piece for _, piece in sorted(placed, key=lambda each: each[0])]


def _crossings(sizes: Sizes) -> list[Piece]:
    return [
        Piece(
            part="crossing",
            number=i,
            seconds=sizes.crossing_s,
            air=AIRS[i % len(AIRS)],
            boxes=i < sizes.box_scenes,
        )
        for i in range(sizes.crossing_scenes * len(AIRS))
    ]


def _faults(sizes: Sizes) -> list[Piece]:
    count = sizes.fault_scenes * len(FAULTS)
    return [Piece(part="health", number=i, seconds=75.0, fault=FAULTS[i % len(FAULTS)]) for i in range(count)]


def _days(sizes: Sizes, densities: Densities, day_rng: Callable[[int], np.random.Generator]) -> Iterator[Piece]:
    """The pieces of all days, those of one day in the order in which they were dealt."""
    a_day = round(_DAY_S / sizes.chunk_s)
    wanted = round(sizes.days * a_day)
    for day in range(math.ceil(sizes.days)):
        for i, chunk in enumerate(_deal(a_day, densities, day_rng(day))):
            number = day * a_day + i
            if number < wanted:
                yield Piece(
                    part="day",
                    number=number,
                    seconds=sizes.chunk_s,
                    chunk=chunk,
                    corrections_per_hour=densities.corrections_per_hour,
                )


def _deal(chunks: int, densities: Densities, rng: np.random.Generator) -> list[Chunk]:
    """One day's nuisances dealt to its pieces, which together have exactly the stated densities."""
    animals, birds, insects, jumps = (
        rng.multinomial(total, np.full(chunks, 1 / chunks))
        for total in (densities.animal_passes, densities.birds, densities.insects, densities.gain_jumps)
    )
    hours = rng.permutation(chunks) * 24 / chunks
    windy, rainy = (_some(chunks, hours_of, rng) for hours_of in (densities.wind_hours, densities.rain_hours))
    by_day = np.flatnonzero((hours > 4) & (hours < 13))  # UTC: seven in the morning to four in the afternoon
    cloudy = np.zeros(chunks, bool)
    cloudy[rng.permutation(by_day)[: round(chunks * densities.cloud_shadow_hours / 24)]] = True
    return [
        Chunk(
            animals=int(animals[i]),
            birds=int(birds[i]),
            insects=int(insects[i]),
            gain_jumps=int(jumps[i]),
            windy=bool(windy[i]),
            rainy=bool(rainy[i]),
            cloudy=bool(cloudy[i]),
            hour=float(hours[i]),
        )
        for i in range(chunks)
    ]


def _some(chunks: int, hours: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """So many hours of a day, spread over its pieces at random."""
    chosen = np.zeros(chunks, bool)
    chosen[rng.permutation(chunks)[: round(chunks * hours / 24)]] = True
    return chosen


def stage(piece: Piece, rng: np.random.Generator) -> Stage:
    """A piece made ready: ground, survey, the camera's true pose, and who comes when; the same for the same state."""
    lie = LIES[int(rng.integers(len(LIES)))]
    camera = _camera(lie, rng)
    site, known, true = _stand(lie, camera, rng)
    ways = Ways(true, rng)
    hour = _hour(rng) if piece.chunk is None else piece.chunk.hour
    return Stage(
        piece=piece,
        site=site,
        known=known,
        true=true,
        scenario=_scenario(piece, ways, hour, rng),
        lie=lie.name,
        hour=hour,
    )


def _camera(lie: Lie, rng: np.random.Generator) -> Camera:
    focal_mm = float(rng.choice(_FOCAL_MM))
    across_deg = 2 * math.degrees(math.atan(_WIDTH_PX * _PITCH_MM / 2 / focal_mm))
    down_deg = across_deg * _HEIGHT_PX / _WIDTH_PX
    return Camera(
        id=CAMERA,
        lens=Lens(width_px=_WIDTH_PX, height_px=_HEIGHT_PX, horizontal_fov_deg=across_deg),
        pose=Pose(
            latitude_deg=_ORIGIN.latitude_deg,
            longitude_deg=_ORIGIN.longitude_deg,
            mast_m=lie.mast_m,
            azimuth_deg=lie.azimuth_deg + float(rng.uniform(-8, 8)),
            elevation_deg=(0.5 - lie.below_horizon) * down_deg,
            sigma=PoseSigma(azimuth_deg=0.03, elevation_deg=0.015, roll_deg=0.1, horizontal_m=0.5, height_m=0.1),
        ),
        reach_m=1.6 * ADULT_M * focal_mm / _PITCH_MM / 5,
    )


def _stand(lie: Lie, camera: Camera, rng: np.random.Generator) -> tuple[Site, CameraView, CameraView]:
    """The site with its whole view a zone, the view the watch believes in, and the true one."""
    frame = EnuFrame(_ORIGIN)
    terrain = Terrain(sigma_m=0.3, correlation_m=400.0, illustrative=True)
    real = rugged_desert(_ORIGIN, rng, radius_m=camera.reach_m + 200, relief=lie.relief)
    survey = surveyed(real, rng, sigma_m=terrain.sigma_m, correlation_m=terrain.correlation_m)
    half = 2 * camera.reach_m
    corners = ((-half, -half), (-half, half), (half, half), (half, -half))
    whole = Zone(id="view", points=tuple(frame.position(east, north, 0.0) for east, north in corners))
    site = Site(
        name="Campaign (generated)",
        origin=_ORIGIN,
        terrain=terrain,
        cameras=(camera,),
        zones=(whole,),
    )
    pose = camera.pose or Pose(latitude_deg=0, longitude_deg=0, mast_m=1, azimuth_deg=0, elevation_deg=0)
    known, true = (
        CameraView(camera.lens, where, Surface(grid, frame, camera.reach_m + 200), reach_m=camera.reach_m)
        for where, grid in ((pose, survey), (true_pose(pose, rng), real))
    )
    return site, known, true


def _hour(rng: np.random.Generator) -> float:
    """An hour (UTC) of a night mostly, sometimes of dusk, dawn or day; the place is three hours ahead."""
    first, last = ((17.5, 26.0), (14.5, 17.5), (1.5, 4.0), (4.0, 14.5))[int(rng.choice(4, p=(0.6, 0.12, 0.12, 0.16)))]
    return float(rng.uniform(first, last)) % 24


def _scenario(piece: Piece, ways: "Ways", hour: float, rng: np.random.Generator) -> Scenario:
    weather = _weather(piece, hour, rng)
    draw = {"crossing": _draw_crossing, "group": _draw_group, "flock": _draw_flock, "day": _draw_day}
    actors, parties = draw[piece.part](piece, ways, rng) if piece.part in draw else ([], [])
    seed = int(rng.integers(2**31))
    features = _features(ways, rng)
    bushes = tuple(_bushes(ways, rng))
    effects = tuple(_effects(piece, rng))
    corrections = tuple(_corrections(piece, rng))
    faults = tuple(_draw_faults(piece, rng))
    return Scenario(
        name=piece.key,
        start=_MIDNIGHT + timedelta(hours=hour),
        seconds=piece.seconds,
        seed=seed,
        weather=weather,
        imager=Imager(sway_px=_SWAY_RAD * ways.focal_px),
        features=features,
        actors=(*actors, *bushes),
        parties=tuple(parties),
        effects=(*effects, *_insects(piece, corrections, rng)),
        faults=(*corrections, *faults),
    )


def _weather(piece: Piece, hour: float, rng: np.random.Generator) -> Weather:
    """The weather of a piece: hot by day, in wind or rain where that was dealt."""
    chunk = piece.chunk or Chunk()
    air: Air = "rain" if chunk.rainy else piece.air
    air_c = 30.0 - 7.0 * math.cos(2 * math.pi * (hour - 0.5) / 24) + float(rng.normal(0, 2))
    if air == "rain":
        air_c -= 12.0
    return Weather(
        air=air,
        air_c=air_c,
        wind_m_s=float(rng.uniform(8, 13) if chunk.windy else rng.uniform(1, 5)),
        cloud=1.0 if air == "rain" else 0.5 if chunk.cloudy else float(rng.choice((0.0, 0.0, 0.4))),
        humidity=0.9 if air == "rain" else float(rng.uniform(0.2, 0.5)),
        rain_mm_h=float(rng.uniform(1, 6)),
    )


def _corrections(piece: Piece, rng: np.random.Generator) -> Iterator[FlatField]:
    """Flat-field corrections as often as the piece says, the first at random."""
    every_s = 3600.0 / piece.corrections_per_hour
    for start_s in np.arange(float(rng.uniform(0, every_s)), piece.seconds, every_s).tolist():
        yield FlatField(start_s=start_s)


def _features(ways: "Ways", rng: np.random.Generator) -> tuple[Feature, ...]:
    """What stands around: shrubs and stones everywhere, a road, a fence, rocks or a town's edge here and there."""
    found: list[Feature] = [
        Shrubs(per_hectare=float(rng.uniform(5, 50))),
        Boulders(per_hectare=float(rng.uniform(5, 30))),
    ]
    if rng.random() < 0.4 and (line := ways.line(rng.uniform(0.15, 0.6))):
        found.append(Road(points=line, width_m=6.0, material="gravel"))
    if rng.random() < 0.25 and (line := ways.line(rng.uniform(0.1, 0.3))):
        found.append(Fence(points=line))
    if rng.random() < 0.3 and (spot := ways.spot(0.1, 0.5)):
        found.append(Rocks(east_m=spot[0], north_m=spot[1]))
    if rng.random() < 0.15 and (spot := ways.spot(0.6, 0.95)):
        found.append(Town(east_m=spot[0], north_m=spot[1]))
    return tuple(found)


def _bushes(ways: "Ways", rng: np.random.Generator) -> Iterator[Actor]:
    """A few bushes large enough to be seen to sway."""
    for number in range(int(rng.integers(1, 5))):
        if spot := ways.spot(0.08, 0.4):
            where = Waypoint(east_m=spot[0], north_m=spot[1], wait_s=math.inf)
            height_m = float(rng.uniform(0.8, 2.0))
            yield Actor(
                actor_id=900 + number, kind="bush", route=(where,), height_m=height_m, role="scenery", must="no_alarm"
            )


def _effects(piece: Piece, rng: np.random.Generator) -> Iterator[Effect]:
    chunk = piece.chunk or Chunk()
    if piece.air == "rain" or chunk.rainy:
        yield Rain(rate_mm_h=float(rng.uniform(1, 6)))
    if chunk.cloudy:
        yield CloudShadow(heading_deg=float(rng.uniform(0, 360)), depth_k=float(rng.uniform(0.8, 2.5)))
    if chunk.windy and rng.random() < 0.3:
        yield BlowingSand(speed_m_s=float(rng.uniform(8, 14)))


def _insects(piece: Piece, corrections: Sequence[FlatField], rng: np.random.Generator) -> Iterator[Insects]:
    """The insects dealt to a piece of a day, none of them while a correction holds the picture."""
    count = (piece.chunk or Chunk()).insects
    if count:
        at_s = (_between(corrections, 5.0, piece.seconds - 5, rng) for _ in range(count))
        yield Insects(per_hour=0.0, at_s=tuple(sorted(at_s)))


def _between(corrections: Sequence[FlatField], first_s: float, last_s: float, rng: np.random.Generator) -> float:
    """A moment at which, and within the second after, no correction holds the picture."""
    at_s = float(rng.uniform(first_s, last_s))
    for _ in range(_TRIES):
        if all(not -1.0 < at_s - each.start_s < 1.0 for each in corrections):
            break
        at_s = float(rng.uniform(first_s, last_s))
    return at_s


def _draw_faults(piece: Piece, rng: np.random.Generator) -> Iterator[Fault]:
    """The fault of a health piece, and a day's gain jumps."""
    for at_s in (piece.chunk or Chunk()).gain_jumps * [0.0]:
        yield GainJump(start_s=at_s + float(rng.uniform(10, piece.seconds - 10)))
    if piece.fault is None:
        return
    start_s, end_s = float(rng.uniform(35, 45)), piece.seconds
    turn = float(rng.choice((-1, 1)))
    match piece.fault:
        case "camera_moved":
            yield Moved(start_s=start_s, end_s=None, azimuth_deg=turn * float(rng.uniform(0.05, 0.5)), elevation_deg=0)
        case "covered":
            yield Covered(start_s=start_s, end_s=end_s)
        case "frozen":
            yield Frozen(start_s=start_s, end_s=end_s)
        case "looped":
            yield Looped(start_s=start_s, end_s=end_s, period_s=float(rng.uniform(4, 15)))
        case "defocused":
            yield Defocused(start_s=start_s, end_s=end_s, sigma_px=float(rng.uniform(2, 5)))


def _draw_crossing(piece: Piece, ways: "Ways", rng: np.random.Generator) -> tuple[list[Actor], list[Party]]:
    """Walking adults and others by turns, one after another, each at a range of its own."""
    actors: list[Actor] = []
    there: list[tuple[float, float]] = []
    start_s = 6.0
    while start_s < piece.seconds - _WALK_S:
        number = len(actors)
        mover = _ADULT if number % 2 == 0 else _CROSSERS[(piece.number * 3 + number // 2) % len(_CROSSERS)]
        start_s += float(rng.uniform(4, 8))
        for _ in range(_RANGES):
            range_m = _range_m(piece.air, ways, rng)
            beside = [other_m for since_s, other_m in there if start_s - since_s < _WALK_S]
            if any(abs(math.log(range_m / other_m)) < _APART for other_m in beside):
                continue
            actor = _crosser(number + 1, mover, ways, start_s, range_m, rng)
            if actor is not None:
                actors.append(actor)
                there.append((start_s, range_m))
                break
    return actors, []


def _range_m(air: Air, ways: "Ways", rng: np.random.Generator) -> float:
    """A range at which an adult is 4.5 to 45 px high, in thick air 9 px or more; every ratio of heights as often."""
    least = 9.0 if air in {"dust", "rain"} else 4.5
    height_px = math.exp(float(rng.uniform(math.log(least), math.log(45.0))))
    return ADULT_M * ways.focal_px / height_px


def _crosser(
    actor_id: int, mover: _Mover, ways: "Ways", start_s: float, range_m: float, rng: np.random.Generator
) -> Actor | None:
    """Someone who comes into view and walks on for some twenty seconds; None where there is no such way."""
    speed = _speed(mover, rng)
    height_m = USUAL_HEIGHT_M[mover.kind] * float(np.clip(rng.normal(1, 0.05), 0.86, 1.14))
    route = ways.crossing(range_m, speed, _WALK_S, height_m)
    if route is None:
        return None
    person_like = mover.kind in {"person", "vehicle", "motorcycle"}
    return Actor(
        actor_id=actor_id,
        kind=mover.kind,
        route=route,
        start_s=start_s,
        speed_m_s=speed,
        height_m=height_m,
        gait=mover.gait,
        load=mover.load,
        phase=float(rng.random()),
        role="intruder" if person_like else "nuisance",
        must="alarm" if person_like else "no_alarm",
    )


def _speed(mover: _Mover, rng: np.random.Generator) -> float:
    low, high = _SPEEDS.get(mover.kind) or _GAIT_SPEEDS[mover.gait]
    return float(rng.uniform(low, high))


def _draw_group(piece: Piece, ways: "Ways", rng: np.random.Generator) -> tuple[list[Actor], list[Party]]:
    """Three groups of two to eight, in file, loose or abreast, one after another."""
    parties: list[Party] = []
    for number in range(3):
        ranges_m = (ADULT_M * ways.focal_px / rng.uniform(9, 40, _RANGES)).tolist()
        routes = (ways.crossing(range_m, 1.3, 30.0, ADULT_M) for range_m in ranges_m)
        route = next((route for route in routes if route is not None), None)
        if route is None:
            continue
        parties.append(
            Party(
                name=f"group {number}",
                kind="person",
                count=2 + (piece.number * 3 + number) % 7,
                route=route,
                formation=("file", "loose", "abreast")[(piece.number + number) % 3],
                spacing_m=float(rng.uniform(2.0, 6.0)),
                start_s=4.0 + 24.0 * number,
                speed_m_s=1.3,
                role="intruder",
                must="alarm",
            )
        )
    return [], parties


def _draw_flock(_: Piece, ways: "Ways", rng: np.random.Generator) -> tuple[list[Actor], list[Party]]:
    """A flock with its shepherd and dog, and two who walk past it, one on either side."""
    ranges_m = (ADULT_M * ways.focal_px / rng.uniform(9, 30, 4 * _RANGES)).tolist()
    places = ((range_m, spot) for range_m in ranges_m if (spot := ways.spot_at(range_m)))
    range_m, spot = next(places, (0.0, None))
    if spot is None:
        return [], []
    far = rng.uniform(-25, 25, 2)
    flock = Party(
        name="flock",
        kind=str(rng.choice(("sheep", "goat"))),  # type: ignore[arg-type]  # one of two kinds of actor
        count=int(rng.integers(8, 30)),
        route=(
            Waypoint(east_m=spot[0], north_m=spot[1]),
            Waypoint(east_m=spot[0] + float(far[0]), north_m=spot[1] + float(far[1])),
        ),
        formation="flock",
        spacing_m=2.5,
        speed_m_s=0.35,
        must="no_alarm",
        shepherds=1,
        dogs=1,
    )
    actors = []
    for number, beside in enumerate((-1.0, 1.0), start=1):
        route = ways.crossing(range_m * (1 + beside * 0.05), 1.4, 40.0, ADULT_M)
        if route is not None:
            start_s = 10.0 + 30.0 * (number - 1)
            actors.append(
                Actor(actor_id=number, kind="person", route=route, start_s=start_s, role="intruder", must="alarm")
            )
    return actors, [flock]


def _draw_day(piece: Piece, ways: "Ways", rng: np.random.Generator) -> tuple[list[Actor], list[Party]]:
    """The beasts and birds dealt to a piece of a day, and tumbleweed in the wind."""
    chunk = piece.chunk or Chunk()
    actors: list[Actor] = []
    parties: list[Party] = []
    for number in range(chunk.animals):
        drawn = _animals(number, piece, ways, rng)
        if isinstance(drawn, Party):
            parties.append(drawn)
        elif drawn is not None:
            actors.append(drawn)
    actors += [_bird(200 + number, piece, ways, rng) for number in range(chunk.birds)]
    for number in range(2 if chunk.windy else 0):
        start_s = float(rng.uniform(3, piece.seconds - 30))
        actor = _crosser(
            400 + number, _Mover("tumbleweed", "walk"), ways, start_s, ADULT_M * ways.focal_px / rng.uniform(8, 40), rng
        )
        actors += [] if actor is None else [actor]
    return actors, parties


def _animals(number: int, piece: Piece, ways: "Ways", rng: np.random.Generator) -> Actor | Party | None:
    """A beast or a small flock that passes in view, drawn anew until it does; None in a land where none can be seen."""
    flock = rng.random() < 0.15
    for _ in range(_DAY_TRIES):
        start_s = float(rng.uniform(3, max(piece.seconds - 30, 4)))
        range_m = ADULT_M * ways.focal_px / math.exp(float(rng.uniform(math.log(5), math.log(45))))
        beast = _Mover(_BEASTS[int(rng.integers(len(_BEASTS)))], "walk")
        drawn: Actor | Party | None
        if flock:
            drawn = _passing_flock(f"flock {number}", ways, start_s, range_m, rng)
        else:
            drawn = _crosser(1 + number, beast, ways, start_s, range_m, rng)
        if drawn is not None and ways.shows(drawn, piece.seconds):
            return drawn
    return None


def _passing_flock(name: str, ways: "Ways", start_s: float, range_m: float, rng: np.random.Generator) -> Party | None:
    """A few sheep or goats that pass without anybody; None where there is no such way."""
    route = ways.crossing(range_m, 0.9, 60.0, _BEAST_M)
    if route is None:
        return None
    return Party(
        name=name,
        kind="sheep" if rng.random() < 0.5 else "goat",
        count=int(rng.integers(3, 9)),
        route=route,
        formation="flock",
        spacing_m=2.0,
        start_s=start_s,
        speed_m_s=0.9,
        must="no_alarm",
    )


def _bird(actor_id: int, piece: Piece, ways: "Ways", rng: np.random.Generator) -> Actor:
    """A bird that flies through the picture, drawn anew until no hill hides it all the way."""
    for _ in range(_DAY_TRIES):
        bird = Actor(
            actor_id=actor_id,
            kind="bird",
            route=ways.flight(),
            start_s=float(rng.uniform(2, max(piece.seconds - 10, 3))),
            speed_m_s=float(rng.uniform(*_SPEEDS["bird"])),
            height_m=float(rng.uniform(0.3, 1.2)),
            gait="fly",
            phase=float(rng.random()),
            must="no_alarm",
        )
        if ways.shows(bird, piece.seconds):
            break
    return bird


class Ways:
    """Finds ways and places in what a camera really sees."""

    def __init__(self, view: CameraView, rng: np.random.Generator) -> None:
        self.view = view
        self.focal_px = view.optics.focal_x_px
        self._rng = rng
        self._lookup: GroundLookup = view.lookup()
        self._ground = self._lookup.status == 0
        self._range_m = np.where(self._ground, self._lookup.range_m, np.inf)

    def crossing(
        self, range_m: float, speed_m_s: float, seconds: float, height_m: float
    ) -> tuple[Waypoint, ...] | None:
        """A straight way at about a range, seen most of the time, that comes over the picture's edge or out of cover.

        None where the camera sees no such ground.
        """
        best: tuple[float, tuple[Waypoint, ...]] | None = None
        for number in range(_TRIES):
            hidden = number % 3 == 2
            way = self._out_of_cover(range_m, speed_m_s, seconds) if hidden else self._over_edge(range_m, speed_m_s)
            if way is None:
                continue
            start, heading = way
            steps = np.arange(0.0, seconds, _EVERY_S) * speed_m_s
            places = start + steps[:, None] * heading
            seen = self.view.sees(places[:, 0], places[:, 1], 0.5 * height_m)
            if hidden and seen[0]:
                continue
            share = float(seen.mean())
            if best is None or share > best[0]:
                end = start + speed_m_s * seconds * heading
                best = share, (_waypoint(start), _waypoint(end))
            if share >= _SEEN_SHARE:
                break
        return None if best is None or best[0] < 0.3 else best[1]

    def shows(self, mover: Actor | Party, until_s: float) -> bool:
        """Whether what goes straight from one point to another is in view, large enough, in some pictures."""
        first, last = mover.route[0], mover.route[-1]
        way = np.array([last.east_m - first.east_m, last.north_m - first.north_m])
        takes_s = float(np.hypot(*way)) / (mover.speed_m_s or 1.0)
        pictures = np.arange(math.ceil(mover.start_s * _FPS), math.floor(min(mover.start_s + takes_s, until_s) * _FPS))
        share = (pictures / _FPS - mover.start_s) / takes_s
        east, north = (at + share * by for at, by in zip((first.east_m, first.north_m), way.tolist(), strict=True))
        above = first.up_m + share * (last.up_m - first.up_m)
        height_m = mover.height_m if isinstance(mover, Actor) else _BEAST_M
        seen = np.ones(len(share), np.bool_)
        for part in (0.1, 0.5, 0.9):
            seen &= self.view.sees(east, north, above + part * height_m)
        distance_m = np.hypot(east - self.view.origin[0], north - self.view.origin[1])
        least_px = 0.0 if mover.kind == "bird" else _SHOWN_PX
        return int(np.count_nonzero(seen & (height_m * self.focal_px >= least_px * distance_m))) >= _SHOWN_PICTURES

    def _over_edge(self, range_m: float, speed_m_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """A start just outside the picture, and a heading into it."""
        column, inward = ((1, 1.0), (self._ground.shape[1] - 2, -1.0))[int(self._rng.integers(2))]
        edge = self._pick(range_m, np.s_[:, column : column + 1])
        if edge is None:
            return None
        ahead = edge - self.view.origin[:2]
        ahead /= np.linalg.norm(ahead)
        across = inward * np.array([ahead[1], -ahead[0]])
        turn = math.radians(float(self._rng.uniform(-40, 40)))
        heading = math.cos(turn) * across + math.sin(turn) * ahead
        return edge - heading * max(3.0, 1.5 * speed_m_s), heading

    def _out_of_cover(
        self, range_m: float, speed_m_s: float, seconds: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """A start perhaps behind a rise, and a heading past a place that is seen."""
        middle = self._pick(range_m, np.s_[:, 40:-40])
        if middle is None:
            return None
        turn = float(self._rng.uniform(0, 2 * math.pi))
        heading = np.array([math.sin(turn), math.cos(turn)])
        return middle - heading * speed_m_s * 0.3 * seconds, heading

    def _pick(self, range_m: float, part: tuple[slice, slice]) -> NDArray[np.float64] | None:
        """A place at about a range within a part of the picture."""
        rows, columns = np.nonzero(np.abs(np.log(self._range_m[part] / range_m)) < 0.15)
        if not len(rows):
            return None
        k = int(self._rng.integers(len(rows)))
        at = rows[k], columns[k]
        return np.array([self._lookup.east_m[part][at], self._lookup.north_m[part][at]], float)

    def spot_at(self, range_m: float) -> tuple[float, float] | None:
        """A place that is seen at about a range, well inside the picture."""
        found = self._pick(range_m, np.s_[:, 160:-160])
        return None if found is None else (float(found[0]), float(found[1]))

    def spot(self, nearest: float, farthest: float) -> tuple[float, float] | None:
        """A place that is seen between two shares of the reach, None where there is none."""
        share = self._range_m / self.view.reach_m
        rows, columns = np.nonzero((share > nearest) & (share < farthest))
        if not len(rows):
            return None
        k = int(self._rng.integers(len(rows)))
        return float(self._lookup.east_m[rows[k], columns[k]]), float(self._lookup.north_m[rows[k], columns[k]])

    def line(self, share: float) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """A straight line across the view at a share of the reach."""
        spot = self.spot(0.8 * share, 1.2 * share)
        if spot is None:
            return None
        ahead = np.array(spot) - self.view.origin[:2]
        across = np.array([ahead[1], -ahead[0]]) / np.linalg.norm(ahead)
        turn = float(self._rng.uniform(-0.4, 0.4))
        along = math.cos(turn) * across + math.sin(turn) * ahead / np.linalg.norm(ahead)
        one, two = np.array(spot) - 400 * along, np.array(spot) + 400 * along
        return (float(one[0]), float(one[1])), (float(two[0]), float(two[1]))

    def flight(self) -> tuple[Waypoint, ...]:
        """A bird's way across the picture, before the sky or the ground."""
        left_first = self._rng.random() < 0.5
        width, height = self.view.lens.width_px, self.view.lens.height_px
        columns = (-20.0, width + 20.0) if left_first else (width + 20.0, -20.0)
        near_m, far_m = 60.0, 0.35 * self.view.reach_m
        first_m = math.exp(float(self._rng.uniform(math.log(near_m), math.log(far_m))))
        distances = (first_m, first_m * float(self._rng.uniform(0.8, 1.25)))
        rows = self._rng.uniform(0.05, 0.9, 2) * height
        points = [self._aloft(x, y, d) for x, y, d in zip(columns, rows.tolist(), distances, strict=True)]
        return tuple(points)

    def _aloft(self, x_px: float, y_px: float, distance_m: float) -> Waypoint:
        """The point that a pixel shows at a distance, at least 2 m above the ground."""
        east, north, up = self.view.origin + distance_m * self.view.directions(x_px, y_px)
        ground = float(self.view.surface.up_m(east, north))
        above = 2.0 if math.isnan(ground) else max(float(up) - ground, 2.0)
        return Waypoint(east_m=float(east), north_m=float(north), up_m=above)


def _waypoint(place: NDArray[np.float64]) -> Waypoint:
    return Waypoint(east_m=float(place[0]), north_m=float(place[1]))

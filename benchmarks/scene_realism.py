"""Simulated pictures beside real thermal ones: the statistics of noise, contrast and texture, and the pictures.

`python benchmarks/scene_realism.py --out FOLDER` prints one table and writes `scene_realism.png` there. Real sets:
drone-ir (320x256, fixed cameras towards sky, trees and fields), TNO dune (a slope by day), HIT-UAV by night (from a
drone, looking down) and Cacophony (raw 160x120, low among plants). Each has a simulated counterpart of like optics and
place. No figure is a target: gain control differs from camera to camera, and each real set is few places.

Figures, all of pictures divided by their own standard deviation, so that gain does not matter:
noise       temporal: of the difference of two pictures that follow each other, the tenth left out that moved most
slope       of the power spectrum, log power on log frequency, 0.02 to 0.25 cycles per pixel; and down over across
local       standard deviation in blocks of 16 x 16 pixels: 10th, 50th and 90th percentile
kurtosis    of the difference of neighbours across (3: a Gaussian)
column      share of the fine residual's variance that goes with columns
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
from cptv import CPTVReader
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from figures import command, real_data
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Pose
from marsad.simulate.camera import Imager
from marsad.simulate.feature import Boulders, Building, Feature, Patch, Road, Rocks, Shrubs, Town, Trees, Wadi, Wall
from marsad.simulate.scenario import Scenario
from marsad.simulate.scene import Scene
from marsad.simulate.terrain import Relief, rugged_desert
from marsad.simulate.weather import Weather

Picture = NDArray[np.float32]
BLOCK_PX = 16
PICTURES = 6
PLACE = Position(latitude_deg=34.46, longitude_deg=40.95, height_m=240.0)
TILE = (480, 384)
_TRIMMED = 0.789
"""What is left of a Gaussian's sigma when the tenth farthest out is left out."""


class Statistics(NamedTuple):
    """The figures of one picture; `noise` is NaN where there is no second one."""

    noise: float
    slope: float
    down_over_across: float
    local_10: float
    local_50: float
    local_90: float
    kurtosis: float
    column: float


class Look(NamedTuple):
    """A simulated counterpart: where the camera stands and looks, what is there, when."""

    name: str
    beside: str
    lens: Lens
    mast_m: float
    azimuth_deg: float
    elevation_deg: float
    start: datetime
    weather: Weather
    features: tuple[Feature, ...]
    imager: Imager = Imager()
    relief: Relief = Relief()


def _hour(hour: int, month: int = 8) -> datetime:
    return datetime(2026, month, 8, hour, 0, tzinfo=UTC)


LOOKS = (
    Look(
        "field and trees, dusk", "drone-ir", Lens(width_px=320, height_px=256, horizontal_fov_deg=24.0), 4.0, 270.0,
        4.5, _hour(16, 4), Weather(air_c=12, humidity=0.6, cloud=0.15),
        (
            Patch(points=((-300, -300), (-10, -300), (-10, 300), (-300, 300)), material="grass"),
            Trees(east_m=-260, north_m=0, radius_m=60, count=120, height_m=9),
            Trees(east_m=-180, north_m=70, radius_m=25, count=30, height_m=6),
        ),
        Imager(fps=30, netd_k=0.05, gain="plateau", gain_counts=200, sway_px=0.05),
        Relief(bank_m=2.0, slope=0.02),
    ),
    Look(
        "dune slope, day", "tno-duine", Lens(width_px=360, height_px=270, horizontal_fov_deg=9.0), 6.0, 270.0, 3.0,
        _hour(13, 5), Weather(air_c=17, humidity=0.6, wind_m_s=5),
        (
            Patch(points=((-280, -400), (-60, -400), (-60, 400), (-280, 400)), material="grass"),
            Road(points=((-120, 14), (-160, 8), (-190, 16), (-260, 14)), width_m=5, material="sand"),
            Shrubs(per_hectare=400, height_m=0.35),
        ),
        Imager(fps=9, netd_k=0.08, sway_px=0.0),
        Relief(wadi_west_m=90.0, bank_m=0.0, slope=0.4, rise_m=110),
    ),
    Look(
        "from above, night", "hit-uav", Lens(width_px=640, height_px=512, horizontal_fov_deg=42.0), 90.0, 60.0, -40.0,
        _hour(20), Weather(air_c=27, humidity=0.6),
        (
            Patch(points=((20, 0), (120, 0), (120, 120), (20, 120)), material="grass"),
            Road(points=((-50, 30), (250, 90)), width_m=9),
            Patch(points=((60, 20), (100, 20), (100, 50), (60, 50)), material="concrete"),
            Building(east_m=110, north_m=65, width_m=20, depth_m=12, height_m=8, heading_deg=30),
            Trees(east_m=80, north_m=20, radius_m=30, count=25, height_m=6),
            Wall(points=((20, 60), (120, 95)), height_m=2),
        ),
        Imager(fps=9, netd_k=0.06),
        Relief(bank_m=1.0, slope=0.0),
    ),
    Look(
        "low among plants, night", "cacophony", Lens(width_px=160, height_px=120, horizontal_fov_deg=56.0), 1.2, 200.0,
        -8.0, _hour(21, 3), Weather(air_c=11, humidity=0.8),
        (
            Patch(points=((-60, -60), (60, -60), (60, 60), (-60, 60)), material="grass"),
            Shrubs(per_hectare=3000, height_m=0.6),
            Trees(east_m=-6, north_m=-22, radius_m=8, count=8, height_m=5),
            Trees(east_m=6, north_m=-30, radius_m=12, count=10, height_m=6),
        ),
        Imager(fps=9, netd_k=0.05, gain="raw16", blur_px=0.6, sway_px=0.0),
        Relief(bank_m=1.0, slope=0.0),
    ),
    Look(
        "desert, long lens, night", "", Lens(width_px=640, height_px=512, horizontal_fov_deg=5.9), 20.0, 285.0, 0.1,
        _hour(20), Weather(air_c=30, humidity=0.25, wind_m_s=2),
        (Shrubs(per_hectare=60), Boulders(), Rocks(east_m=-600, north_m=180), Wadi(points=((-430, -500), (-440, 500)))),
    ),
    Look(
        "desert, long lens, noon", "", Lens(width_px=640, height_px=512, horizontal_fov_deg=5.9), 20.0, 285.0, 0.1,
        _hour(9), Weather(air_c=40, humidity=0.15, wind_m_s=4),
        (Shrubs(per_hectare=60), Boulders(), Rocks(east_m=-600, north_m=180), Wadi(points=((-430, -500), (-440, 500)))),
    ),
    Look(
        "town's edge, night", "", Lens(width_px=640, height_px=512, horizontal_fov_deg=18.0), 20.0, 285.0, -1.0,
        _hour(19), Weather(air_c=31, humidity=0.3, cloud=0.3),
        (
            Town(east_m=-520, north_m=150, radius_m=110, buildings=60),
            Trees(east_m=-420, north_m=100, radius_m=60, count=25, palms=True),
            Road(points=((-250, -200), (-300, 150), (-500, 160))),
            Shrubs(per_hectare=60),
        ),
    ),
)  # fmt: skip


def simulated(look: Look) -> list[Picture]:
    """A few pictures of a counterpart, in order."""
    radius_m = 1500.0
    grid = rugged_desert(PLACE, np.random.default_rng(10), radius_m=radius_m + 200, relief=look.relief)
    pose = Pose(
        latitude_deg=PLACE.latitude_deg,
        longitude_deg=PLACE.longitude_deg,
        mast_m=look.mast_m,
        azimuth_deg=look.azimuth_deg,
        elevation_deg=look.elevation_deg,
    )
    view = CameraView(look.lens, pose, Surface(grid, EnuFrame(PLACE), radius_m), reach_m=radius_m)
    scenario = Scenario(
        name=look.name,
        start=look.start,
        seconds=60.0,
        seed=3,
        weather=look.weather,
        features=look.features,
        imager=look.imager,
    )
    scene = Scene(view, scenario, np.random.default_rng(4))
    return [scene.render(index, 0)[0].astype(np.float32) for index in range(30, 30 + PICTURES)]


def real_sets() -> Iterator[tuple[str, list[list[Picture]]]]:
    """Every real set as a number of short sequences."""
    clips = sorted(real_data("thermal/drone-ir").glob("*.mp4"))
    yield "drone-ir", [_clip(path) for path in clips[5::14]]
    dune = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in _images("thermal/tno-duine/img1")]
    yield "tno-duine", [[dune[i].astype(np.float32)] for i in range(1, len(dune), 4)]
    yield "hit-uav", [[picture] for picture in _by_night()]
    raw = [_cptv(path) for path in sorted(real_data("thermal/cacophony-cptv").glob("*.cptv"))]
    yield "cacophony", raw


def _images(folder: str) -> list[Path]:
    return sorted(real_data(folder).glob("*.png"))


def _clip(path: Path) -> list[Picture]:
    video = cv2.VideoCapture(str(path))
    video.set(cv2.CAP_PROP_POS_FRAMES, 40)
    pictures = []
    while len(pictures) < PICTURES:
        good, picture = video.read()
        if not good:
            break
        # The maker's marks in the corners are no part of the scene.
        pictures.append(picture[20:-20, 4:-4, 0].astype(np.float32))
    return pictures


def _by_night() -> list[Picture]:
    folder = real_data("thermal/hit-uav")
    names = [
        image["file_name"]
        for image in msgspec.json.decode((folder / "coco.json").read_bytes())["images"]
        if image["night"]
    ]
    chosen = (cv2.imread(str(folder / "images" / name), cv2.IMREAD_GRAYSCALE) for name in names[20::110])
    return [picture.astype(np.float32) for picture in chosen]


def _cptv(path: Path) -> list[Picture]:
    with path.open("rb") as file:
        pictures = [frame.pix.astype(np.float32) for frame in CPTVReader(file)]
    return pictures[20 : 20 + PICTURES]


def statistics(pictures: list[Picture]) -> Statistics:
    """The figures of a sequence, its first picture standing for its texture."""
    first = pictures[0]
    scale = max(float(first.std()), 1e-6)
    noise = math.nan
    if len(pictures) > 1:
        steps = [_quiet(two - one) for one, two in pairwise(pictures)]
        noise = float(np.median(steps)) / math.sqrt(2) / scale
    slope, ratio = _spectrum(first)
    blocks = _blocks(first).std(axis=(1, 3)) / scale
    low, middle, high = np.percentile(blocks, [10, 50, 90])
    step = np.diff(first, axis=1).ravel()
    kurtosis = float(np.mean((step - step.mean()) ** 4) / max(step.var(), 1e-9) ** 2)
    return Statistics(noise, slope, ratio, float(low), float(middle), float(high), kurtosis, _column_share(pictures))


def _quiet(step: Picture) -> float:
    """The root mean square of a difference of pictures, the tenth of it left out that moved most."""
    size = np.sort(np.abs(step - np.median(step)).ravel())
    return float(np.sqrt(np.mean(size[: int(0.9 * len(size))] ** 2))) / _TRIMMED


def _blocks(picture: Picture) -> Picture:
    height, width = (side // BLOCK_PX * BLOCK_PX for side in picture.shape)
    return picture[:height, :width].reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX)


def _spectrum(picture: Picture) -> tuple[float, float]:
    """The slope of the power spectrum, and the power of waves down the picture over that of waves across."""
    side = min(picture.shape)
    top = picture.shape[0] - side
    square = picture[top:, (picture.shape[1] - side) // 2 :][:, :side]
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2
    down, across = np.abs(np.fft.fftfreq(side))[:, None], np.abs(np.fft.fftfreq(side))[None]
    frequency = np.hypot(down, across)
    edges = np.geomspace(0.02, 0.25, 10)
    rings = [power[(frequency >= low) & (frequency < high)].mean() for low, high in pairwise(edges)]
    slope = float(np.polyfit(np.log(np.sqrt(edges[:-1] * edges[1:])), np.log(rings), 1)[0])
    band = (frequency > 0.05) & (frequency < 0.25)
    ratio = power[band & (down > 2 * across)].mean() / power[band & (across > 2 * down)].mean()
    return -slope, float(ratio)


def _column_share(pictures: list[Picture]) -> float:
    """How much of the fine residual in the quietest quarter of the picture goes with columns.

    Columns of noise that is not theirs have means whose variance is its own over their length: that is taken off.
    """
    mean = np.mean(pictures, axis=0)
    fine = mean - cv2.GaussianBlur(mean, (0, 0), 2.0)
    height = fine.shape[0] // 4
    bands = [fine[i * height : (i + 1) * height] for i in range(4)]
    quiet = min(bands, key=lambda band: float(band.std()))
    inside = quiet.var()
    columns = quiet.mean(axis=0).var() - inside / height
    return float(max(columns, 0.0) / max(inside, 1e-9))


def main() -> None:
    """Measure, print, draw."""
    parser = command(__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/realism"), help="folder for the picture")
    parser.add_argument("--simulated-only", action="store_true", help="leave the real sets out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shown = [(look.name, look.beside, simulated(look)) for look in LOOKS]
    real = [] if options.simulated_only else list(real_sets())
    rows = [(name, [statistics(each) for each in sequences]) for name, sequences in real]
    rows += [
        (f"simulated: {name}" + (f" ({beside})" if beside else ""), [statistics(each)]) for name, beside, each in shown
    ]
    _print(rows)
    tiles = [_tile(sequences[len(sequences) // 2][0], name) for name, sequences in real]
    tiles += [_tile(sequences[len(sequences) // 4][0], name) for name, sequences in real]
    tiles += [_tile(each[0], f"simulated: {name}") for name, _, each in shown]
    _draw(tiles, options.out / "scene_realism.png")
    if options.json:
        figures = {name: {field: _median(field, each) for field in Statistics._fields} for name, each in rows}
        print(msgspec.json.encode(figures).decode())


def _median(field: str, found: list[Statistics]) -> float | None:
    values = [getattr(each, field) for each in found]
    return None if np.isnan(values).all() else round(float(np.nanmedian(values)), 3)


def _print(rows: list[tuple[str, list[Statistics]]]) -> None:
    """A line for each set: the median, and for real sets the 10th and 90th percentile of its pictures."""
    table = Table("set", "pictures", *Statistics._fields)
    for name, found in rows:
        table.add_row(
            name, str(len(found)), *(_cell([getattr(each, field) for each in found]) for field in Statistics._fields)
        )
    Console(width=190).print(table)


def _cell(values: list[float]) -> str:
    if np.isnan(values).all():
        return "-"
    text: Callable[[float], str] = lambda value: f"{value:.3g}"  # noqa: E731 - one format for both
    low, middle, high = np.nanpercentile(values, [10, 50, 90])
    return text(middle) if len(values) == 1 else f"{text(middle)} ({text(low)}-{text(high)})"


def _tile(picture: Picture, title: str) -> NDArray[np.uint8]:
    low, high = np.percentile(picture, [0.5, 99.7])
    grey = np.clip((picture - low) / max(high - low, 1e-6) * 245 + 5, 0, 255).astype(np.uint8)
    tile = cv2.resize(grey, TILE, interpolation=cv2.INTER_LINEAR)
    cv2.putText(tile, title, (7, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0, 3, cv2.LINE_AA)
    cv2.putText(tile, title, (7, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255, 1, cv2.LINE_AA)
    return tile


def _draw(tiles: list[NDArray[np.uint8]], path: Path) -> None:
    across = 4
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % across)
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)]))
    print(f"wrote {path}")


if __name__ == "__main__":
    main()

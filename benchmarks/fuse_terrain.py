"""Whether the fuser's ellipses hold on real terrain: walkers on the shared elevation data, seen by two towers.

`python benchmarks/fuse_terrain.py [--seeds N]` stands two towers of 30 m 2.5 km apart on each of the real elevation
models and lets a walker cross ground that both may see. The ground that is walked on and looked over is the model plus
an error of 3 m that goes together over 300 m, as the site file says of it; the fuser knows the model alone. The cameras
measure to half a milliradian, twice a second, what no ground hides from them. Figures are means over the walks from
ten seconds after the first report on: the squared distance from the truth for each degree of freedom (NEES), and the
distance.
"""

import math
from pathlib import Path

import msgspec
import numpy as np
from scipy.ndimage import gaussian_filter

from figures import Target, command, real_data, show
from marsad.adapters.dem import read_grid
from marsad.fuse.fuser import Fuser, FuseSettings, State
from marsad.fuse.hypotheses import angles_to, whole_spread
from marsad.fuse.sensor import CameraSensor, Reporting, Sensor
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.position import BearingMeasurement, Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Terrain

S = 10**9
EPOCH_NS = 10**18
PIXEL_RAD = 5e-4
APART_M = 2500.0
SIGMA_M, CORRELATION_M = 3.0, 300.0
REACH_M = 9000.0
AGILITY = 0.02
SECONDS = 60
SETTLE_S = 10
TERRAIN = Terrain(sigma_m=SIGMA_M, correlation_m=CORRELATION_M)
PLACES = {
    "mountains": ("terrain/dem/srtm_bigtujunga30m_utm11.tif", 34.33, -118.16),
    "coast_desert": ("terrain/dem/S29W072.hgt.zip", -28.5, -71.05),
    "pyrenees": ("terrain/dem/N42E001.hgt.zip", 42.35, 1.45),
}
TARGETS = [Target(f"{name}_nees_off", "at_most", 0.3) for name in PLACES]


def wrong(grid: ElevationGrid, rng: np.random.Generator, cell_m: float) -> ElevationGrid:
    """The ground as it is: the model and its error."""
    noise = gaussian_filter(rng.normal(size=grid.height_m.shape), CORRELATION_M / cell_m / math.sqrt(2), mode="wrap")
    noise *= SIGMA_M / noise.std()
    return msgspec.structs.replace(grid, height_m=(grid.height_m + noise).astype(np.float32))


def towers(frame: EnuFrame, model: Surface, real: Surface, ahead: float) -> tuple[list[Sensor], list[CameraView]]:
    """Sensors as the fuser believes them to stand, and views as they do stand, looking along an azimuth."""
    sensors: list[Sensor] = []
    views = []
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=80.0)
    none = PoseSigma(azimuth_deg=0.0, elevation_deg=0.0, roll_deg=0.0, horizontal_m=0.0, height_m=0.0)
    for number, side in enumerate((-APART_M / 2, APART_M / 2)):
        east, north = side * math.cos(ahead), -side * math.sin(ahead)
        latitude, longitude, _ = frame.to_geodetic(east, north, 0.0)
        pose = Pose(
            latitude_deg=float(latitude), longitude_deg=float(longitude), mast_m=30.0, azimuth_deg=math.degrees(ahead),
            elevation_deg=0.0, sigma=none,
        )  # fmt: skip
        camera = Camera(id=f"tower-{number}", lens=lens, pose=pose, reach_m=REACH_M)
        view = CameraView(lens, pose, model, reach_m=REACH_M)
        sensors.append(CameraSensor(camera, view, TERRAIN, Reporting(clock_sigma_s=0.0, drift_rad=0.0)))
        views.append(CameraView(lens, pose, real, reach_m=REACH_M))
    return sensors, views


def walk(rng: np.random.Generator, start: tuple[float, float]) -> np.ndarray:
    """States (N, 4) of a walker every half second."""
    turn = rng.uniform(0, 2 * math.pi)
    state, out = np.array([*start, 1.4 * math.sin(turn), 1.4 * math.cos(turn)]), []
    for _ in range(2 * SECONDS):
        out.append(state)
        push = rng.normal(0, math.sqrt(AGILITY * 0.5), 2)
        state = np.concatenate([state[:2] + 0.5 * state[2:] + 0.25 * push, state[2:] + push])
    return np.array(out)


def look(view: CameraView, name: str, state: np.ndarray, time_ns: int, rng: np.random.Generator) -> Look:
    """What a camera really measures of a walker's feet."""
    shown = CameraSensor(Camera(id=name, lens=view.lens, pose=view.pose, reach_m=REACH_M), view, TERRAIN)
    across, climb, _, _ = angles_to(view.surface.arrays, shown.sight, state[0], state[1], 0.0)
    off = rng.normal(0, PIXEL_RAD, 2)
    bearing = BearingMeasurement(
        time_ns=time_ns, azimuth_rad=(across + shown.sight.heading_rad + off[0]) % (2 * math.pi),
        elevation_rad=climb + off[1], azimuth_rad2=PIXEL_RAD**2, azimuth_elevation_rad2=0.0,
        elevation_rad2=PIXEL_RAD**2, pose_version=1,
    )  # fmt: skip
    return Look(source_id=name, time_ns=time_ns, measurements=(Measurement(bearing=bearing, label=1),))


def best(state: State, truth: np.ndarray) -> tuple[float, float] | None:
    """NEES and distance of the longest believed track."""
    believed = np.flatnonzero(state.existence > 0.5)
    if not len(believed):
        return None
    t = believed[np.argmin(state.born_ns[believed])]
    begin, end = state.rows.first[t], state.rows.first[t + 1]
    weight, mean = state.rows.weight[begin:end], state.rows.mean[begin:end, :2]
    place = weight @ mean
    cover = sum(
        w
        * (
            whole_spread(state.rows.spread[r], state.rows.lean[r], state.bias_spread)[:2, :2]
            + np.outer(m - place, m - place)
        )
        for w, m, r in zip(weight, mean, range(begin, end), strict=True)
    )
    gap = place - truth[:2]
    return float(gap @ np.linalg.solve(cover, gap)) / 2, float(np.hypot(*gap))


def measure(path: Path, latitude: float, longitude: float, seeds: int) -> tuple[list[float], list[float], int]:
    """NEES and distances over walks on one model, and how many walks."""
    nees, apart, walks, seed = [], [], 0, 0
    while walks < seeds and seed < 40 * seeds:
        rng = np.random.default_rng((3, seed))
        seed += 1
        at = latitude + rng.uniform(-0.03, 0.03), longitude + rng.uniform(-0.05, 0.05)
        reach = 0.11
        grid = read_grid(path, (at[1] - 1.3 * reach, at[0] - reach, at[1] + 1.3 * reach, at[0] + reach))
        if grid is None:
            continue
        frame = EnuFrame(Position(latitude_deg=at[0], longitude_deg=at[1]))
        model = Surface(grid, frame, REACH_M)
        real = Surface(wrong(grid, rng, model.cell_m), frame, REACH_M)
        ahead = rng.uniform(0, 2 * math.pi)
        try:
            sensors, views = towers(frame, model, real, ahead)
        except InputError:  # a void under a tower: try another place
            continue
        distance, aside = rng.uniform(1500, 3500), rng.uniform(-800, 800)
        start = (
            distance * math.sin(ahead) + aside * math.cos(ahead), distance * math.cos(ahead) - aside * math.sin(ahead),
        )  # fmt: skip
        states = walk(rng, start)
        seen = np.array([view.sees(states[:, 0], states[:, 1], 1.0) for view in views])
        if seen.all(axis=0).mean() < 0.5:
            continue
        walks += 1
        fuser = Fuser(sensors, FuseSettings(usual_agility_m2_s3=AGILITY, surprise_gain=0.0))
        for k, state in enumerate(states):
            time_ns = EPOCH_NS + k * S // 2
            fuser.update([look(views[i], f"tower-{i}", state, time_ns, rng) for i in range(2) if seen[i, k]])
            found = best(fuser.state, state) if k >= 2 * SETTLE_S else None
            if found is not None and seen[:, k].any():
                nees.append(found[0])
                apart.append(found[1])
    return nees, apart, walks


def main() -> None:
    """Measure each model, print."""
    parser = command(__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="walks on each model")
    asked = parser.parse_args()
    figures: dict[str, object] = {}
    for name, (path, latitude, longitude) in PLACES.items():
        nees, apart, walks = measure(real_data(path), latitude, longitude, asked.seeds)
        figures[f"{name}_walks"] = walks
        figures[f"{name}_nees"] = float(np.mean(nees))
        figures[f"{name}_nees_median"] = float(np.median(nees))
        figures[f"{name}_rmse_m"] = float(np.sqrt(np.mean(np.square(apart))))
        figures[f"{name}_median_m"] = float(np.median(apart))
        figures[f"{name}_nees_off"] = abs(float(np.mean(nees)) - 1)
    show("fuse_terrain", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()

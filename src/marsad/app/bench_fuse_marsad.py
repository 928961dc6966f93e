"""Marsad's fuser on the scenes of `bench_fuse_scenes`: what it believes after each look, and what that cost."""

import math
import time
from collections.abc import Sequence

import msgspec
import numpy as np

from marsad.app.bench_fuse_judging import Said
from marsad.app.bench_fuse_scenes import PATROL, Scene
from marsad.fuse.fuser import Fuser, FuseSettings, State
from marsad.fuse.sensor import CameraSensor, PlaceSensor, Reporting, Sensor
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.position import BearingMeasurement, GroundCovariance, Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Terrain

EPOCH_NS = 10**18
NEVER_S = 1e9


def marsad_estimates(scene: Scene) -> Said:
    """What Marsad's fuser says of a scene: its confirmed tracks after each look."""
    angles = len(scene.camera_m) > 0
    sensors = _cameras(scene) if angles else [_radar(scene)]
    turns = [sensor.sight.local for sensor in sensors if isinstance(sensor, CameraSensor)] if angles else None
    fuser = Fuser(sensors, _camera_settings(scene) if angles else _linear_settings(scene))
    said: list[tuple[int, str, np.ndarray, np.ndarray]] = []
    seconds = []
    for index in range(scene.looks):
        look = _look(scene, index, turns)
        begin = time.process_time()
        state = fuser.update([look])
        found = _estimates(state, fuser.settings)
        seconds.append(time.process_time() - begin)
        said += [(index, name, place, covariance) for name, place, covariance in found]
    numbers = {name: i for i, name in enumerate(dict.fromkeys(name for _, name, _, _ in said))}
    return Said(
        look=np.array([each[0] for each in said], np.int64),
        track=np.array([numbers[each[1]] for each in said], np.int64),
        place_m=np.array([each[2] for each in said]).reshape(-1, 2),
        covariance=np.array([each[3] for each in said]).reshape(-1, 2, 2),
        seconds=np.array(seconds),
    )


def _estimates(state: State, settings: FuseSettings) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, place and covariance of each track believed: the mean over its hypotheses."""
    rows = state.rows
    if not len(state.existence):
        return []
    begin = rows.first[:-1]
    place = np.add.reduceat(rows.weight[:, None] * rows.mean[:, :2], begin)
    cover = rows.spread[:, :2, :2]
    if len(state.bias_mean):
        lean = rows.lean[:, :2]
        cover = cover + lean @ state.bias_spread @ lean.transpose(0, 2, 1)
    off = rows.mean[:, :2] - np.repeat(place, np.diff(rows.first), axis=0)
    cover = np.add.reduceat(rows.weight[:, None, None] * (cover + off[:, :, None] * off[:, None, :]), begin)
    believed = np.flatnonzero((state.existence > settings.doubt) & (state.confirmed_ns > 0))
    return [(state.lives[t].track_id, place[t], cover[t]) for t in believed.tolist()]


def _linear_settings(scene: Scene) -> FuseSettings:
    """What every engine is told of a linear scene, in the fuser's terms."""
    area_km2 = float(np.prod(scene.high_m - scene.low_m)) * 1e-6
    targets = scene.false_per_look
    return FuseSettings(
        agility_m2_s3={}, usual_agility_m2_s3=scene.acceleration_m2_s3, surprise_gain=0.0, steady_s=NEVER_S,
        speed_m_s=scene.speed_sigma_m_s, unknown_per_km2=targets / area_km2,
        arrivals_per_km2_s=targets / area_km2 * math.log(2) / 90.0, gone_s=90.0 / math.log(2), lost_sigma_m=NEVER_S,
        hypotheses=3, apart=4.0, confirm=0.5,
    )  # fmt: skip


def _radar(scene: Scene) -> PlaceSensor:
    reporting = Reporting(
        detection=scene.detection_probability, patience_s=0.0, clock_sigma_s=0.0,
        false_per_km2=scene.false_density * 1e6,
    )  # fmt: skip
    margin = 100.0
    low, high = scene.low_m - margin, scene.high_m + margin
    return PlaceSensor("radar", (low[0], low[1], high[0], high[1]), reporting)


def _camera_settings(scene: Scene) -> FuseSettings:
    return FuseSettings(
        agility_m2_s3={}, usual_agility_m2_s3=scene.acceleration_m2_s3, surprise_gain=0.0, steady_s=NEVER_S,
        speed_m_s=scene.speed_sigma_m_s,
    )  # fmt: skip


def _cameras(scene: Scene) -> list[Sensor]:
    """Sensors that look from where the scene's cameras stand, over its plane."""
    frame = EnuFrame(Position(latitude_deg=0.0, longitude_deg=0.0))
    surface = Surface(_plane(frame), frame, 11_000.0)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=120.0)
    sigma = PoseSigma(
        azimuth_deg=math.degrees(scene.bias_sigma_rad[0]), elevation_deg=math.degrees(scene.bias_sigma_rad[1]),
        roll_deg=0.0, horizontal_m=0.0, height_m=0.0,
    )  # fmt: skip
    reporting = Reporting(
        detection=scene.detection_probability, clock_sigma_s=0.0, drift_rad=0.0,
        false_per_km2=max(scene.false_density * 1e6, 1e-3),
    )  # fmt: skip
    sensors: list[Sensor] = []
    for number, (east, north, height) in enumerate(scene.camera_m):
        latitude, longitude, top = frame.to_geodetic(east, north, height)
        pose = Pose(
            latitude_deg=float(latitude), longitude_deg=float(longitude), mast_m=float(height), azimuth_deg=0.0,
            elevation_deg=-0.5, ground_height_m=float(top - height), sigma=sigma,
        )  # fmt: skip
        camera = Camera(id=f"camera-{number}", lens=lens, pose=pose, reach_m=6000.0)
        view = CameraView(lens, pose, surface, reach_m=6000.0, refraction=0.0)
        sensors.append(CameraSensor(camera, view, Terrain(flat_height_m=0.0, sigma_m=0.0), reporting))
    covers = (math.inf, math.inf, -math.inf, -math.inf)
    sensors.append(PlaceSensor("patrol", covers, Reporting(clock_sigma_s=0.0)))
    return sensors


def _plane(frame: EnuFrame) -> ElevationGrid:
    """Ground that is the plane of the scenes: as much higher than the sea as that is curved."""
    grid = flat_grid(0.0, 0.0, 0.0, 12_000.0)
    rows, columns = grid.height_m.shape
    longitude, latitude = np.meshgrid(
        grid.west + (np.arange(columns) + 0.5) * grid.step_x, grid.north - (np.arange(rows) + 0.5) * grid.step_y
    )
    _, _, up = frame.from_geodetic(latitude, longitude, 0.0)
    return msgspec.structs.replace(grid, height_m=(-np.asarray(up)).astype(np.float32))


def _look(scene: Scene, index: int, turns: Sequence[Array] | None) -> Look:
    """What one source says, as directions where the turn of each camera's axes against the plane's is given."""
    source, chosen = int(scene.look_source[index]), np.flatnonzero(scene.look == index).tolist()
    time_ns = EPOCH_NS + int(scene.look_time_ns[index])
    if source == PATROL or turns is None:
        made = tuple(_place(scene, m) for m in chosen)
        return Look(source_id="radar" if turns is None else "patrol", time_ns=time_ns, measurements=made)
    made = tuple(_direction(scene, m, time_ns, turns[source]) for m in chosen)
    return Look(source_id=f"camera-{source}", time_ns=time_ns, measurements=made)


def _place(scene: Scene, m: int) -> Measurement:
    (east, north), cover = scene.place_m[m], scene.place_covariance[m]
    covariance = GroundCovariance(
        east_m2=float(cover[0, 0]), east_north_m2=float(cover[0, 1]), north_m2=float(cover[1, 1])
    )
    label = int(scene.label[m])
    return Measurement(
        fix=GroundFix(east_m=float(east), north_m=float(north), covariance=covariance),
        label=None if label < 0 else label,
    )


def _direction(scene: Scene, m: int, time_ns: int, turn: Array) -> Measurement:
    """A direction as a camera on the round Earth sees it: up is another way where it stands than where the plane is."""
    (azimuth, elevation), cover, label = scene.angle[m], scene.angle_covariance[m], int(scene.label[m])
    flat = math.cos(elevation)
    east, north, up = turn @ (flat * math.sin(azimuth), flat * math.cos(azimuth), math.sin(elevation))
    bearing = BearingMeasurement(
        time_ns=time_ns, azimuth_rad=math.atan2(east, north) % (2 * math.pi), elevation_rad=math.asin(up),
        azimuth_rad2=float(cover[0, 0]), azimuth_elevation_rad2=float(cover[0, 1]), elevation_rad2=float(cover[1, 1]),
        pose_version=1,
    )  # fmt: skip
    return Measurement(bearing=bearing, label=None if label < 0 else label)

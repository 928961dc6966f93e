"""`marsad calibrate`: a camera's pose, with its covariance, from surveyed landmarks seen in its picture."""

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from scipy.optimize import least_squares
from scipy.stats import chi2 as chi_squared

from marsad.adapters.dem import site_surface
from marsad.adapters.text_file import read_text
from marsad.app.config import load_site
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import MEAN_RADIUS_M, Array, EnuFrame
from marsad.geo.ground import optics, rotation
from marsad.geo.sight import REFRACTION
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma

HEADER = ("name", "x_px", "y_px", "latitude_deg", "longitude_deg", "height_m")
CONFIDENCE = 0.99

Extra = Literal["height", "position", "fov"]
"""What may be solved beside azimuth, elevation and roll."""

_ANGLES = ("azimuth_deg", "elevation_deg", "roll_deg")
_EXTRAS: dict[Extra, tuple[str, ...]] = {
    "height": ("height_m",),
    "position": ("east_m", "north_m"),
    "fov": ("horizontal_fov_deg",),
}
_LOOSEST = {
    "azimuth_deg": 2.0,
    "elevation_deg": 2.0,
    "roll_deg": 5.0,
    "height_m": 20.0,
    "east_m": 50.0,
    "north_m": 50.0,
    "horizontal_fov_deg": 3.0,
}
"""One sigma above which a parameter counts as not observed at all."""

_REMEDY = {
    "roll_deg": "landmarks farther apart in the picture",
    "height_m": "near landmarks at several distances",
    "east_m": "near landmarks in several directions and at several distances",
    "north_m": "near landmarks in several directions and at several distances",
    "horizontal_fov_deg": "landmarks at the left and right edges of the picture",
}
_CONDITION_LIMIT = 1e7


class Landmark(Record):
    """A point whose place on the earth and in the picture are both known; heights above the terrain files' datum."""

    name: str
    x_px: float
    y_px: float
    latitude_deg: float
    longitude_deg: float
    height_m: float


class LandmarkResidual(Record):
    """How far a landmark was seen from where the solved pose puts it, and from where the others alone would put it.

    `studentised` is the second in its own sigmas; it is None where the others do not suffice.
    """

    name: str
    x_px: float
    y_px: float
    without_x_px: float | None
    without_y_px: float | None
    studentised: float | None


class CalibrationResult(Record):
    """A solved pose.

    `values` and `covariance` are those of `parameters` in their order, degrees and metres: `height_m` is the lens's
    above the terrain files' datum, `east_m` and `north_m` the step from the site file's place. The covariance holds the
    landmarks' pixel errors, scaled up where they scatter more than `sigma_px`, and what is not known of the parts of
    the pose that were not solved. `disagreeing` names the landmarks that do not fit with the others: mend those before
    the pose is used. `checkable` says whether there are enough to tell a wrong one.
    """

    camera_id: str
    pose: Pose
    horizontal_fov_deg: float
    parameters: tuple[str, ...]
    values: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    residuals: tuple[LandmarkResidual, ...]
    rms_px: float
    chi2: float
    degrees_of_freedom: int
    sigma_px: float
    disagreeing: tuple[str, ...]
    checkable: bool


class _Task(NamedTuple):
    """What is solved for, from where."""

    lens: Lens
    pose: Pose
    lens_height_m: float
    parameters: tuple[str, ...]
    sigma_px: float
    refraction: float


class _Fit(NamedTuple):
    """Values of the parameters (degrees, metres), residuals (N, 2) in pixels, and their Jacobian."""

    values: Array
    residuals: Array
    jacobian: Array

    def chi2(self, sigma_px: float) -> float:
        """The sum of squared residuals in their sigmas."""
        return float(np.sum(self.residuals**2)) / sigma_px**2


class CalibrationReport(Record):
    """What `marsad calibrate` prints; `toml` is empty while landmarks disagree, so that no one pastes a wrong pose."""

    result: CalibrationResult
    toml: str

    @property
    def exit_code(self) -> int:
        """0 where the landmarks agree, else 1."""
        return 1 if self.result.disagreeing else 0

    def text(self) -> str:
        """The report for people, and the snippet to paste."""
        paste = f"\nPaste under the camera in the site file:\n\n{self.toml}" if self.toml else ""
        return render_text(self.result) + paste


def calibrate_site(
    site_path: Path, camera_id: str, landmarks: Path, *, solve: Sequence[str] = (), sigma_px: float = 1.0
) -> CalibrationReport:
    """The pose of one camera of a site from its landmarks. Raises: InputError naming what to mend."""
    site = load_site(site_path)
    camera = next((each for each in site.cameras if each.id == camera_id), None)
    if camera is None:
        known = ", ".join(each.id for each in site.cameras) or "none"
        raise InputError(f"--camera {camera_id}: the site has no such camera; it has {known}")
    unknown = [each for each in solve if each not in _EXTRAS]
    if unknown:
        raise InputError(f"--solve {unknown[0]}: must be one of {', '.join(_EXTRAS)}")
    if not sigma_px > 0:
        raise InputError(f"--sigma-px {sigma_px}: must be above 0")
    extras = tuple(each for each in _EXTRAS if each in solve)
    surface = site_surface(site, site_path.parent)
    result = calibrate(camera, landmarks, surface=surface, solve=extras, sigma_px=sigma_px)
    return CalibrationReport(result=result, toml="" if result.disagreeing else render_toml(result))


def calibrate(
    camera: Camera,
    landmarks_path: Path,
    *,
    surface: Surface | None = None,
    solve: Iterable[Extra] = (),
    sigma_px: float = 1.0,
    refraction: float = REFRACTION,
) -> CalibrationResult:
    """The pose of a camera that fits its landmarks best, starting from the one in the site file.

    The site's pose gives the camera's place (and its sigmas) where that is not solved; its angles need not be near.
    Raises: InputError for a bad file, and for a pose that these landmarks cannot tell.
    """
    landmarks = read_landmarks(landmarks_path, camera.lens)
    return solve_pose(camera, landmarks, surface=surface, solve=solve, sigma_px=sigma_px, refraction=refraction)


def read_landmarks(path: Path, lens: Lens) -> tuple[Landmark, ...]:
    """The landmarks in a CSV file with the header `name,x_px,y_px,latitude_deg,longitude_deg,height_m`.

    Raises: InputError naming the line and what to mend.
    """
    reader = csv.reader(read_text(path, "a CSV file of landmarks").splitlines())
    header = tuple(field.strip() for field in next(reader, []))
    if header != HEADER:
        raise InputError(f"landmarks file {path}, line 1: the header is {','.join(header)!r}; write {','.join(HEADER)}")
    landmarks = tuple(
        _landmark(fields, f"landmarks file {path}, line {reader.line_num}", lens)
        for fields in reader
        if any(field.strip() for field in fields)
    )
    names = [landmark.name for landmark in landmarks]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"landmarks file {path}: the name {name!r} stands there more than once; rename one")
    return landmarks


def _landmark(fields: Sequence[str], where: str, lens: Lens) -> Landmark:
    """One line of the file."""
    if len(fields) != len(HEADER):
        raise InputError(f"{where}: {len(fields)} fields; there should be {len(HEADER)}: {','.join(HEADER)}")
    name = fields[0].strip()
    if not name:
        raise InputError(f"{where}: the landmark has no name; give it one")
    values: dict[str, float] = {}
    for key, field in zip(HEADER[1:], fields[1:], strict=True):
        values[key] = _number(field, f"{where}: {key}")
    limits = {
        "x_px": (0, lens.width_px),
        "y_px": (0, lens.height_px),
        "latitude_deg": (-90, 90),
        "longitude_deg": (-180, 180),
    }
    for key, (low, high) in limits.items():
        if not low <= values[key] <= high:
            raise InputError(f"{where}: {key} = {values[key]:g} lies outside {low} to {high}")
    return Landmark(name=name, **values)


def _number(field: str, where: str) -> float:
    """A finite number."""
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where} = {field.strip()!r} is not a number")
    return value


def solve_pose(
    camera: Camera,
    landmarks: Sequence[Landmark],
    *,
    surface: Surface | None = None,
    solve: Iterable[Extra] = (),
    sigma_px: float = 1.0,
    refraction: float = REFRACTION,
) -> CalibrationResult:
    """The pose of a camera that fits the given landmarks best. Raises: InputError for what they cannot tell."""
    if camera.pose is None:
        raise InputError(
            f"camera {camera.id} has no pose; write [cameras.pose] with its place and mast, angles may be rough"
        )
    if not sigma_px > 0:
        raise InputError(f"sigma_px = {sigma_px:g}: give how well landmarks are marked in the picture, above 0")
    wanted = set(solve)
    parameters = _ANGLES + tuple(name for extra, names in _EXTRAS.items() if extra in wanted for name in names)
    task = _Task(
        camera.lens, camera.pose, _lens_height_m(camera.id, camera.pose, surface), parameters, sigma_px, refraction
    )
    least = math.ceil((len(parameters) + 1) / 2)
    if len(landmarks) < least:
        raise InputError(
            f"{len(landmarks)} landmarks cannot tell {', '.join(parameters)}; survey at least {least}, "
            "better twice as many"
        )
    fit = _solve(task, landmarks)
    covariance = _covariance(task, landmarks, fit)
    freedom = 2 * len(landmarks) - len(parameters)
    return CalibrationResult(
        camera_id=camera.id,
        pose=_solved_pose(camera.pose, task, fit.values, covariance),
        horizontal_fov_deg=_value(task, fit.values, "horizontal_fov_deg", camera.lens.horizontal_fov_deg),
        parameters=parameters,
        values=(float(fit.values[0]) % 360, *fit.values[1:].tolist()),
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        residuals=tuple(_residual(task, landmarks, fit, i) for i in range(len(landmarks))),
        rms_px=float(np.sqrt(np.mean(np.sum(fit.residuals**2, axis=1)))),
        chi2=fit.chi2(sigma_px),
        degrees_of_freedom=freedom,
        sigma_px=sigma_px,
        disagreeing=_disagreeing(task, landmarks, fit),
        checkable=freedom >= 3,
    )


def _lens_height_m(camera_id: str, pose: Pose, surface: Surface | None) -> float:
    """The lens's height above the terrain files' datum."""
    if pose.ground_height_m is not None:
        return pose.ground_height_m + pose.mast_m
    ground = math.nan if surface is None else float(surface.height_m(pose.latitude_deg, pose.longitude_deg))
    if math.isnan(ground):
        raise InputError(
            f"camera {camera_id}: the ground under it is not known; set pose.ground_height_m or give terrain that "
            "covers it"
        )
    return ground + pose.mast_m


def _value(task: _Task, values: Array, name: str, default: float) -> float:
    """A solved parameter, or what it is held at."""
    return float(values[task.parameters.index(name)]) if name in task.parameters else default


def _predict(task: _Task, landmarks: Sequence[Landmark], values: Array, moved: Array | None = None) -> Array:
    """Where the landmarks appear, (N, 2); `moved` shifts the camera east, north and up beside the parameters."""
    shift = np.array([_value(task, values, name, 0.0) for name in ("east_m", "north_m")] + [0.0])
    shift[2] = _value(task, values, "height_m", task.lens_height_m) - task.lens_height_m
    offset = _offsets(task, landmarks) - shift - (0.0 if moved is None else moved)
    offset[:, 2] += task.refraction * np.sum(offset[:, :2] ** 2, axis=1) / (2 * MEAN_RADIUS_M)
    axes = rotation(*np.radians(values[:3]).tolist())
    right, down, ahead = (offset @ axes.T).T
    fov = _value(task, values, "horizontal_fov_deg", task.lens.horizontal_fov_deg)
    lens = optics(msgspec.structs.replace(task.lens, horizontal_fov_deg=min(max(fov, 0.05), 169.0)))
    depth = np.where(ahead > 1e-6 * np.abs(right), ahead, 1e-6 * np.abs(right) + 1e-9)
    return np.stack(
        [lens.centre_x_px + lens.focal_x_px * right / depth, lens.centre_y_px + lens.focal_y_px * down / depth], axis=1
    )


def _offsets(task: _Task, landmarks: Sequence[Landmark]) -> Array:
    """The landmarks as seen from the site file's camera: east, north, up in metres."""
    frame = EnuFrame(
        Position(
            latitude_deg=task.pose.latitude_deg, longitude_deg=task.pose.longitude_deg, height_m=task.lens_height_m
        )
    )
    places = np.array([[each.latitude_deg, each.longitude_deg, each.height_m] for each in landmarks])
    return np.stack(frame.from_geodetic(places[:, 0], places[:, 1], places[:, 2]), axis=1)


def _start(task: _Task, landmarks: Sequence[Landmark]) -> Array:
    """First values: the rotation that turns the marked pixels onto the landmarks, by Kabsch's closed form."""
    lens = optics(task.lens)
    pixels = np.array([[each.x_px - lens.centre_x_px, each.y_px - lens.centre_y_px] for each in landmarks])
    seen = np.column_stack([pixels / (lens.focal_x_px, lens.focal_y_px), np.ones(len(pixels))])
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    there = _offsets(task, landmarks)
    there /= np.maximum(np.linalg.norm(there, axis=1, keepdims=True), 1e-9)
    left, _, right = np.linalg.svd(seen.T @ there)
    axes = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    azimuth = math.atan2(axes[2, 0], axes[2, 1])
    elevation = math.asin(min(max(axes[2, 2], -1.0), 1.0))
    level = rotation(azimuth, elevation)
    roll = math.atan2(-float(axes[0] @ -level[1]), float(axes[0] @ level[0]))
    others = {"height_m": task.lens_height_m, "horizontal_fov_deg": task.lens.horizontal_fov_deg}
    return np.array([*np.degrees([azimuth, elevation, roll]), *(others.get(name, 0.0) for name in task.parameters[3:])])


def _solve(task: _Task, landmarks: Sequence[Landmark]) -> _Fit:
    """The least-squares fit. Raises: InputError where the landmarks leave a parameter open."""
    marked = np.array([[each.x_px, each.y_px] for each in landmarks])

    def residuals(values: Array) -> Array:
        return (marked - _predict(task, landmarks, values)).ravel()

    start = _start(task, landmarks)
    scale = np.array([1.0 if name.endswith("_m") else 0.1 for name in task.parameters])
    found = least_squares(residuals, start, x_scale=scale, method="trf", max_nfev=500)
    jacobian = _slopes(lambda step: _predict(task, landmarks, found.x + step * scale).ravel(), len(scale)) / scale
    _refuse_unobserved(task, jacobian)
    return _Fit(found.x, residuals(found.x).reshape(-1, 2), jacobian)


def _slopes(function: Callable[[Array], Array], count: int) -> Array:
    """The Jacobian at 0 by central differences of 1e-4."""
    steps = np.eye(count) * 1e-4
    return np.stack([(function(step) - function(-step)) / 2e-4 for step in steps], axis=1)


def _refuse_unobserved(task: _Task, jacobian: Array) -> None:
    """Raises: InputError naming the parameter that the landmarks leave open."""
    loosest = np.array([_LOOSEST[name] for name in task.parameters])
    scaled = jacobian * loosest / task.sigma_px
    _, strengths, directions = np.linalg.svd(scaled, full_matrices=False)
    weak = strengths[-1] < max(strengths[0] / _CONDITION_LIMIT, 1e-12) or strengths[-1] < 1.0
    if not weak:
        return
    worst = task.parameters[int(np.argmax(np.abs(directions[-1])))]
    tied = [
        name for name, part in zip(task.parameters, directions[-1], strict=True) if abs(part) > 0.3 and name != worst
    ]
    along = f" (it moves together with {', '.join(tied)})" if tied else ""
    remedy = _REMEDY.get(worst, "landmarks in other directions")
    raise InputError(f"these landmarks cannot tell {worst}{along}: survey {remedy}, or hold it at a known value")


def _covariance(task: _Task, landmarks: Sequence[Landmark], fit: _Fit) -> Array:
    """The parameters' covariance: from the pixels, and from what the held parts of the pose may be wrong."""
    gain: Array = np.linalg.pinv(fit.jacobian).astype(np.float64)
    freedom = fit.residuals.size - len(task.parameters)
    scatter = max(1.0, fit.chi2(task.sigma_px) / freedom)
    covariance: Array = gain @ gain.T * task.sigma_px**2 * scatter
    sigma = task.pose.sigma
    held = np.array(
        [
            0.0 if "east_m" in task.parameters else sigma.horizontal_m,
            0.0 if "north_m" in task.parameters else sigma.horizontal_m,
            0.0 if "height_m" in task.parameters else sigma.height_m,
        ]
    )
    slopes = _slopes(lambda step: _predict(task, landmarks, fit.values, step).ravel(), 3) * held
    moved: Array = gain @ slopes
    whole: Array = covariance + moved @ moved.T
    return whole


def _solved_pose(pose: Pose, task: _Task, values: Array, covariance: Array) -> Pose:
    """The site file's pose with the solved parts and their sigmas put in."""
    sigma = dict(zip(task.parameters, np.sqrt(np.diag(covariance)).tolist(), strict=True))
    frame = EnuFrame(
        Position(latitude_deg=pose.latitude_deg, longitude_deg=pose.longitude_deg, height_m=task.lens_height_m)
    )
    place = frame.position(_value(task, values, "east_m", 0.0), _value(task, values, "north_m", 0.0))
    mast = pose.mast_m + _value(task, values, "height_m", task.lens_height_m) - task.lens_height_m
    if mast < 0:
        raise InputError(
            f"the landmarks put the lens {-mast:.1f} m below the ground; check height_m in the landmarks file"
        )
    held = pose.sigma
    return msgspec.structs.replace(
        pose,
        latitude_deg=place.latitude_deg,
        longitude_deg=place.longitude_deg,
        mast_m=mast,
        azimuth_deg=float(values[0]) % 360,
        elevation_deg=float(values[1]),
        roll_deg=float((values[2] + 180) % 360 - 180),
        sigma=PoseSigma(
            azimuth_deg=sigma["azimuth_deg"],
            elevation_deg=sigma["elevation_deg"],
            roll_deg=sigma["roll_deg"],
            horizontal_m=max(sigma["east_m"], sigma["north_m"]) if "east_m" in sigma else held.horizontal_m,
            height_m=sigma.get("height_m", held.height_m),
        ),
        version=pose.version + 1,
    )


def _residual(task: _Task, landmarks: Sequence[Landmark], fit: _Fit, index: int) -> LandmarkResidual:
    """One landmark's residual, and what it is where the others alone are believed.

    Source: R. D. Cook and S. Weisberg, Residuals and Influence in Regression (1982), ch. 2.
    """
    rows = slice(2 * index, 2 * index + 2)
    hat = fit.jacobian[rows] @ np.linalg.pinv(fit.jacobian)[:, rows]
    kept = np.eye(2) - hat
    x, y = fit.residuals[index]
    known: tuple[float | None, float | None, float | None] = (None, None, None)
    if np.linalg.eigvalsh((kept + kept.T) / 2)[0] > 1e-6:
        without = np.linalg.solve(kept, fit.residuals[index])
        size = math.sqrt(float(fit.residuals[index] @ without) / 2) / task.sigma_px
        known = (float(without[0]), float(without[1]), size)
    return LandmarkResidual(
        name=landmarks[index].name,
        x_px=float(x),
        y_px=float(y),
        without_x_px=known[0],
        without_y_px=known[1],
        studentised=known[2],
    )


def _disagreeing(task: _Task, landmarks: Sequence[Landmark], fit: _Fit) -> tuple[str, ...]:
    """The landmarks to leave out, one after the other, until the rest agree; every name where none can be told."""
    rest, names = list(landmarks), []
    while fit.chi2(task.sigma_px) > _limit(fit, task):
        if fit.residuals.size - 2 - len(task.parameters) < 1:
            return tuple(landmark.name for landmark in landmarks)
        trials = [_without(task, rest, i) for i in range(len(rest))]
        scores = [math.inf if trial is None else trial.chi2(task.sigma_px) for trial in trials]
        best = int(np.argmin(scores))
        better = trials[best]
        if better is None:
            return tuple(landmark.name for landmark in landmarks)
        names.append(rest.pop(best).name)
        fit = better
    return tuple(names)


def _limit(fit: _Fit, task: _Task) -> float:
    """The chi-squared that chance exceeds once in a hundred."""
    return float(chi_squared.ppf(CONFIDENCE, fit.residuals.size - len(task.parameters)))


def _without(task: _Task, landmarks: Sequence[Landmark], index: int) -> _Fit | None:
    """The fit of all but one landmark; None where they do not suffice."""
    try:
        return _solve(task, [*landmarks[:index], *landmarks[index + 1 :]])
    except InputError:
        return None


def render_text(result: CalibrationResult) -> str:
    """The result for people: parameters with sigmas, residuals, and what disagrees."""
    lines = [f"camera {result.camera_id}: {len(result.residuals)} landmarks, rms {result.rms_px:.2f} px"]
    for i, name in enumerate(result.parameters):
        lines.append(f"  {name:20s} {result.values[i]:12.4f}  +- {math.sqrt(result.covariance[i][i]):.4f}")
    lines.append("  landmark                 dx px    dy px   in sigmas without it")
    for each in result.residuals:
        sigmas = "not told" if each.studentised is None else f"{each.studentised:.1f}"
        lines.append(f"  {each.name:20s} {each.x_px:9.2f}{each.y_px:9.2f}   {sigmas}")
    lines.append(_verdict(result))
    return "\n".join(lines)


def _verdict(result: CalibrationResult) -> str:
    """One sentence on whether the landmarks agree."""
    spread = f"chi2 {result.chi2:.1f} on {result.degrees_of_freedom} degrees of freedom"
    if len(result.disagreeing) == len(result.residuals):
        return f"the landmarks disagree ({spread}) and it cannot be told which; survey more of them"
    if result.disagreeing:
        return f"{', '.join(result.disagreeing)} disagree(s) with the rest ({spread}); mend or remove, then solve again"
    if not result.checkable:
        return f"the landmarks agree ({spread}), but one more is needed to tell a wrong one"
    return f"the landmarks agree ({spread})"


def render_toml(result: CalibrationResult) -> str:
    """The snippet to paste under the camera in the site file."""
    pose = result.pose
    lines = ["[cameras.pose]"]
    for key in (
        "latitude_deg",
        "longitude_deg",
        "mast_m",
        "azimuth_deg",
        "elevation_deg",
        "roll_deg",
        "ground_height_m",
    ):
        value = getattr(pose, key)
        if value is not None:
            digits = 8 if key.startswith(("lat", "lon")) else 5
            lines.append(f"{key} = {value:.{digits}f}")
    lines.append(f"version = {pose.version}")
    lines += ["", "[cameras.pose.sigma]"]
    lines += [f"{key} = {value:.5f}" for key, value in msgspec.structs.asdict(pose.sigma).items()]
    if "horizontal_fov_deg" in result.parameters:
        lines += ["", "# in [cameras.lens]:", f"# horizontal_fov_deg = {result.horizontal_fov_deg:.5f}"]
    return "\n".join(lines) + "\n"


def render_json(result: CalibrationResult) -> str:
    """The whole result on one line of JSON."""
    return msgspec.json.encode(result).decode()

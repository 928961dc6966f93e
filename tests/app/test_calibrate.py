"""Camera poses solved from landmarks, against poses that are known."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from marsad.app.calibrate import (
    HEADER,
    CalibrationResult,
    Landmark,
    calibrate,
    render_json,
    render_text,
    render_toml,
    solve_pose,
)
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Site

LATITUDE, LONGITUDE, GROUND_M = 34.4, 40.9, 200.0
LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=20)
TRUTH = Pose(
    latitude_deg=LATITUDE,
    longitude_deg=LONGITUDE,
    mast_m=30,
    azimuth_deg=123.4,
    elevation_deg=-2.5,
    roll_deg=1.7,
    ground_height_m=GROUND_M,
    sigma=PoseSigma(horizontal_m=0.0, height_m=0.0),
)
ROUGH = msgspec.structs.replace(TRUTH, azimuth_deg=0.0, elevation_deg=0.0, roll_deg=0.0)
FRAME = EnuFrame(Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE))


def seen_landmarks(count: int, seed: int, noise_px: float, lens: Lens = LENS, pose: Pose = TRUTH) -> list[Landmark]:
    """Points over the picture and at 200 m to 4 km, marked with noise, by the product's own projection."""
    rng = np.random.default_rng(seed)
    view = CameraView(lens, pose, Surface(flat_grid(LATITUDE, LONGITUDE, 0.0, 20_000), FRAME, 20_000))
    landmarks = []
    for i in range(count):
        x, y = rng.uniform(20, lens.width_px - 20), rng.uniform(20, lens.height_px - 20)
        place = view.origin + rng.uniform(200, 4000) * view.directions(x, y)
        x, y, _ = (float(v) for v in view.project(*place))
        latitude, longitude, height = (float(v) for v in FRAME.to_geodetic(*place))
        dx, dy = rng.normal(0, noise_px, 2) if noise_px else (0.0, 0.0)
        landmarks.append(
            Landmark(
                name=f"p{i}", x_px=x + dx, y_px=y + dy, latitude_deg=latitude, longitude_deg=longitude, height_m=height
            )
        )
    return landmarks


def camera(pose: Pose = ROUGH, lens: Lens = LENS) -> Camera:
    return Camera(id="tower", lens=lens, pose=pose)


def errors(result: CalibrationResult) -> NDArray[np.float64]:
    """Solved minus true, in the order of the parameters."""
    true = {
        "azimuth_deg": TRUTH.azimuth_deg,
        "elevation_deg": TRUTH.elevation_deg,
        "roll_deg": TRUTH.roll_deg,
        "height_m": GROUND_M + TRUTH.mast_m,
        "east_m": 0.0,
        "north_m": 0.0,
        "horizontal_fov_deg": LENS.horizontal_fov_deg,
    }
    difference = np.array(result.values) - [true[name] for name in result.parameters]
    difference[0] = (difference[0] + 180) % 360 - 180
    return difference


def write_csv(path: Path, landmarks: list[Landmark]) -> Path:
    rows = [",".join(HEADER)]
    rows += [",".join(str(getattr(each, key)) for key in HEADER) for each in landmarks]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_noiseless_landmarks_give_the_true_angles_from_a_pose_that_looks_away() -> None:
    result = solve_pose(camera(), seen_landmarks(5, 1, 0.0))
    assert np.abs(errors(result)).max() < 1e-6
    assert result.rms_px < 1e-4
    assert result.disagreeing == ()
    assert result.pose.version == ROUGH.version + 1


def test_an_azimuth_to_the_west_is_told_as_the_site_file_has_it() -> None:
    west = msgspec.structs.replace(TRUTH, azimuth_deg=278.0)
    result = solve_pose(camera(), seen_landmarks(5, 1, 0.0, pose=west))
    assert result.values[0] == pytest.approx(278.0, abs=1e-6)
    assert result.pose.azimuth_deg == pytest.approx(278.0, abs=1e-6)


def test_everything_at_once_is_solved_exactly() -> None:
    start = msgspec.structs.replace(ROUGH, mast_m=25.0)
    lens = msgspec.structs.replace(LENS, horizontal_fov_deg=21.0)
    result = solve_pose(camera(start, lens), seen_landmarks(12, 2, 0.0), solve=("height", "position", "fov"))
    assert np.abs(errors(result)).max() < 1e-3
    assert result.pose.mast_m == pytest.approx(30.0, abs=1e-3)


@pytest.mark.parametrize("solve", [(), ("fov",), ("height", "position", "fov")])
def test_the_covariance_is_honest(solve: tuple[str, ...]) -> None:
    scores = []
    for seed in range(60):
        result = solve_pose(camera(), seen_landmarks(12, seed, 1.0), solve=solve)
        error = errors(result)
        scores.append(error @ np.linalg.inv(np.array(result.covariance)) @ error / len(error))
    assert 0.7 < np.mean(scores) < 1.15


def test_what_is_not_known_of_the_place_is_in_the_covariance() -> None:
    held = msgspec.structs.replace(ROUGH, sigma=PoseSigma(horizontal_m=2.0, height_m=0.5))
    sure = solve_pose(camera(), seen_landmarks(8, 3, 0.0))
    unsure = solve_pose(camera(held), seen_landmarks(8, 3, 0.0))
    assert unsure.covariance[0][0] > 4 * sure.covariance[0][0]


def test_a_wrong_landmark_is_named() -> None:
    landmarks = seen_landmarks(7, 4, 0.5)
    landmarks[3] = msgspec.structs.replace(landmarks[3], x_px=landmarks[3].x_px + 25, name="chimney")
    result = solve_pose(camera(), landmarks)
    assert result.disagreeing == ("chimney",)
    assert "chimney disagree" in render_text(result)
    others = [each for each in result.residuals if each.name != "chimney"]
    worst = next(each for each in result.residuals if each.name == "chimney")
    assert worst.studentised is not None
    assert worst.studentised > max(each.studentised or 0 for each in others)
    assert worst.without_x_px == pytest.approx(25, abs=3)


def test_two_landmarks_that_disagree_cannot_be_told_apart() -> None:
    landmarks = seen_landmarks(2, 5, 0.0)
    landmarks[0] = msgspec.structs.replace(landmarks[0], x_px=landmarks[0].x_px + 30)
    result = solve_pose(camera(), landmarks)
    assert set(result.disagreeing) == {"p0", "p1"}
    assert "cannot be told" in render_text(result)


def test_too_few_are_refused() -> None:
    with pytest.raises(InputError, match="survey at least 2"):
        solve_pose(camera(), seen_landmarks(1, 6, 0.0))
    with pytest.raises(InputError, match="survey at least 4"):
        solve_pose(camera(), seen_landmarks(3, 6, 0.0), solve=("height", "position", "fov"))


def test_landmarks_in_one_direction_cannot_tell_the_roll() -> None:
    first = seen_landmarks(1, 7, 0.0)[0]
    stacked = [
        msgspec.structs.replace(first, name=f"p{i}", latitude_deg=first.latitude_deg + i * 1e-7) for i in range(5)
    ]
    with pytest.raises(InputError, match=r"roll_deg.*farther apart"):
        solve_pose(camera(), stacked)


def test_far_landmarks_cannot_tell_the_position() -> None:
    landmarks = seen_landmarks(10, 8, 0.0)
    far = []
    for each in landmarks:
        east, north, up = FRAME.from_geodetic(each.latitude_deg, each.longitude_deg, each.height_m)
        lens = np.array([0, 0, GROUND_M + TRUTH.mast_m])
        away = lens + 400_000 * (np.array([east, north, up], float) - lens) / np.hypot(east, north)
        latitude, longitude, height = (float(v) for v in FRAME.to_geodetic(*away))
        far.append(msgspec.structs.replace(each, latitude_deg=latitude, longitude_deg=longitude, height_m=height))
    with pytest.raises(InputError, match=r"cannot tell (east_m|north_m|height_m)"):
        solve_pose(camera(), far, solve=("height", "position"))


def test_a_file_gives_the_same_as_its_landmarks(tmp_path: Path) -> None:
    landmarks = seen_landmarks(6, 9, 0.3)
    path = write_csv(tmp_path / "landmarks.csv", landmarks)
    assert calibrate(camera(), path) == solve_pose(camera(), landmarks)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a,1,2,34.4,40.9", "line 2: 5 fields"),
        ("a,1,2,34.4,40.9,x", "line 2: height_m = 'x' is not a number"),
        ("a,1,nan,34.4,40.9,1", "line 2: y_px = 'nan' is not a number"),
        ("a,641,2,34.4,40.9,1", "line 2: x_px = 641 lies outside 0 to 640"),
        ("a,1,2,94.4,40.9,1", "line 2: latitude_deg = 94.4 lies outside"),
        (",1,2,34.4,40.9,1", "line 2: the landmark has no name"),
        ("a,1,2,34.4,40.9,1\n\na,1,2,34.4,40.9,1", "'a' stands there more than once"),
        ("a,1,2,34.4,40.9,1\n\nb,1,2,34.4,,1", "line 4: longitude_deg = ''"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(",".join(HEADER) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        calibrate(camera(), path)


def test_bad_files_and_cameras_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; name a CSV file of landmarks"):
        calibrate(camera(), tmp_path / "none.csv")
    (tmp_path / "head.csv").write_text("name,x,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: the header"):
        calibrate(camera(), tmp_path / "head.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        calibrate(camera(), tmp_path / "bytes.csv")
    with pytest.raises(InputError, match="has no pose"):
        solve_pose(Camera(id="tower", lens=LENS), seen_landmarks(4, 1, 0.0))
    with pytest.raises(InputError, match="ground_height_m"):
        solve_pose(camera(msgspec.structs.replace(ROUGH, ground_height_m=None)), seen_landmarks(4, 1, 0.0))
    with pytest.raises(InputError, match="sigma_px"):
        solve_pose(camera(), seen_landmarks(4, 1, 0.0), sigma_px=0.0)


def test_the_ground_may_come_from_the_terrain() -> None:
    surface = Surface(flat_grid(LATITUDE, LONGITUDE, GROUND_M, 20_000), FRAME, 20_000)
    pose = msgspec.structs.replace(ROUGH, ground_height_m=None)
    result = solve_pose(camera(pose), seen_landmarks(5, 1, 0.0), surface=surface)
    assert np.abs(errors(result)).max() < 1e-4


def test_the_snippet_pastes_into_a_site_file() -> None:
    result = solve_pose(camera(), seen_landmarks(6, 1, 0.5), solve=("fov",))
    text = (
        'name = "s"\n[[cameras]]\nid = "tower"\n[cameras.lens]\nwidth_px = 640\nheight_px = 512\n'
        "horizontal_fov_deg = 20.0\n" + render_toml(result)
    )
    site = msgspec.toml.decode(text, type=Site)
    pasted = site.cameras[0].pose
    assert pasted is not None
    assert pasted.azimuth_deg == pytest.approx(result.pose.azimuth_deg, abs=1e-5)
    assert pasted.latitude_deg == pytest.approx(LATITUDE, abs=1e-8)
    assert pasted.version == result.pose.version
    assert f"# horizontal_fov_deg = {result.horizontal_fov_deg:.5f}" in text


def test_the_json_comes_back_as_the_result() -> None:
    result = solve_pose(camera(), seen_landmarks(6, 1, 0.5))
    assert msgspec.json.decode(render_json(result), type=CalibrationResult) == result
    assert "\n" not in render_json(result)

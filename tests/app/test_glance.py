"""What the picture is told of a camera: where it looks, and nothing while it is blind."""

import math

import pytest
from msgspec.structs import replace

from marsad.app.glance import Glances
from marsad.kernel.detection import Box
from marsad.kernel.event import CameraHealth, HealthKind
from marsad.kernel.position import BearingMeasurement
from marsad.kernel.site import Camera, Lens, Pose
from marsad.kernel.track import Track
from marsad.watch.watcher import Observation

S = 10**9
MAST = Camera(
    id="mast", lens=Lens(width_px=640, height_px=512, horizontal_fov_deg=10.0),
    pose=Pose(latitude_deg=34.4, longitude_deg=40.9, mast_m=20.0, azimuth_deg=0.0, elevation_deg=0.0),
)  # fmt: skip
FOCAL_PX = 320 / math.tan(math.radians(5))


@pytest.mark.parametrize(("kind", "blind"), [("covered", True), ("frozen", True), ("gain_jump", False)])
def test_a_blind_camera_neither_sees_anybody_nor_sees_that_nobody_is_there(kind: HealthKind, blind: bool) -> None:
    glances = Glances(MAST, "own")

    def looks(second: int, *events: CameraHealth) -> bool:
        glance = glances.of(second * S, Observation(tracks=[], written_back=[], events=list(events)), ())
        assert glance is not None
        assert glance.events == events
        return glance.look is not None

    assert looks(1)
    assert looks(2, CameraHealth(time_ns=2 * S, camera_id="mast", frame_index=2, kind=kind)) is not blind
    assert looks(3) is not blind
    assert looks(4, CameraHealth(time_ns=4 * S, camera_id="mast", frame_index=4, kind=kind, ended=True))


def walker(time_ns: int, height_px: float) -> Track:
    bearing = BearingMeasurement(
        time_ns=time_ns, azimuth_rad=0.1, elevation_rad=-0.01, azimuth_rad2=1e-8, azimuth_elevation_rad2=0.0,
        elevation_rad2=1e-8, pose_version=1,
    )  # fmt: skip
    return Track(
        track_id=3, camera_id="mast", origin="own", time_ns=time_ns, frame_index=1, status="confirmed",
        box=Box(x_px=300, y_px=300 - height_px, w_px=4, h_px=height_px), velocity_x_px_s=0.0, velocity_y_px_s=0.0,
        contrast_counts=20.0, snr=8.0, kind="person", kind_confidence=0.8, confidence=0.9, first_ns=0, confirmed_ns=0,
        bearing=bearing,
    )  # fmt: skip


def test_the_picture_is_told_how_tall_everything_looks_averaged_over_some_steps() -> None:
    """A stride stretches a box by a third and back; what is told hardly moves, and the blur is taken off."""
    glances = Glances(MAST, "own")
    told = []
    for picture in range(90):
        time_ns = S + picture * S // 9
        tall = 11.1 + 2.0 * math.sin(2 * math.pi * picture / 9)
        glance = glances.of(time_ns, Observation(tracks=[walker(time_ns, tall)], written_back=[], events=[]), ())
        if glance is not None and glance.look is not None:
            (measured,) = glance.look.measurements
            assert measured.height_rad is not None
            told.append(measured.height_rad * FOCAL_PX)
            assert measured.height_sigma_rad * FOCAL_PX == pytest.approx(math.hypot(0.8, 0.07 * told[-1]))
    assert len(told) >= 30
    assert told[-20:] == pytest.approx([10.0] * 20, abs=0.6)


def test_who_is_not_seen_now_is_not_measured() -> None:
    glances, blurred = Glances(MAST, "own"), 6.1
    glances.of(S, Observation(tracks=[walker(S, blurred)], written_back=[], events=[]), ())
    unseen = replace(walker(2 * S, 40.0), status="coasting")
    glance = glances.of(2 * S, Observation(tracks=[unseen], written_back=[], events=[]), ())
    assert glance is not None
    assert glance.look is not None
    assert glance.look.measurements == ()
    glance = glances.of(
        2 * S + S // 2, Observation(tracks=[walker(2 * S + S // 2, blurred)], written_back=[], events=[]), ()
    )
    assert glance is not None
    assert glance.look is not None
    assert glance.look.measurements[0].height_rad == pytest.approx(5.0 / FOCAL_PX)

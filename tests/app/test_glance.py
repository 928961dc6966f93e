"""What the picture is told of a camera: where it looks, and nothing while it is blind."""

import pytest

from marsad.app.glance import Glances
from marsad.kernel.event import CameraHealth, HealthKind
from marsad.watch.watcher import Observation

S = 10**9


@pytest.mark.parametrize(("kind", "blind"), [("covered", True), ("frozen", True), ("gain_jump", False)])
def test_a_blind_camera_neither_sees_anybody_nor_sees_that_nobody_is_there(kind: HealthKind, blind: bool) -> None:
    glances = Glances("mast", "own", located=True)

    def looks(second: int, *events: CameraHealth) -> bool:
        glance = glances.of(second * S, Observation(tracks=[], written_back=[], events=list(events)), ())
        assert glance is not None
        assert glance.events == events
        return glance.look is not None

    assert looks(1)
    assert looks(2, CameraHealth(time_ns=2 * S, camera_id="mast", frame_index=2, kind=kind)) is not blind
    assert looks(3) is not blind
    assert looks(4, CameraHealth(time_ns=4 * S, camera_id="mast", frame_index=4, kind=kind, ended=True))

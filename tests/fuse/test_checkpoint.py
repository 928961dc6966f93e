import math

import numpy as np
import pytest

from marsad.fuse.checkpoint import packed, unpacked
from marsad.fuse.fuser import Fuser, FuseSettings
from marsad.fuse.sensor import PlaceSensor, Reporting
from marsad.kernel.error import InputError
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.position import GroundCovariance

S = 10**9
EPOCH_NS = 1_533_686_400 * S
COVER = GroundCovariance(east_m2=9.0, east_north_m2=1.0, north_m2=4.0)


def looks(first: int, last: int) -> list[Look]:
    rng = np.random.default_rng(7)
    out = []
    for k in range(last):
        made = []
        for number in range(3):
            east, north = 100.0 * number + 1.2 * k + rng.normal(0, 3), 50.0 - 0.8 * k + rng.normal(0, 2)
            fix = GroundFix(east_m=east, north_m=north, covariance=COVER)
            made.append(Measurement(fix=fix, label=number, kind="person", kind_confidence=0.7))
        out.append(Look(source_id="post", time_ns=EPOCH_NS + k * S, measurements=tuple(made)))
    return out[first:]


def fuser(start: bytes | None = None, *, clock_s: float = 0.1) -> Fuser:
    reporting = Reporting(clock_sigma_s=clock_s)
    sensors = [PlaceSensor("post", (-500.0, -500.0, 500.0, 500.0), reporting), PlaceSensor("patrol-1")]
    state = None if start is None else unpacked(start, ["post", "patrol-1"], 2)
    return Fuser(sensors, FuseSettings(), start=state)


def test_a_restart_goes_on_with_the_same_tracks_under_the_same_names() -> None:
    whole = fuser()
    for look in looks(0, 30):
        whole.update([look])
    before = fuser()
    for look in looks(0, 12):
        before.update([look])
    after = fuser(packed(before.state, list(before.sensors)))
    for look in looks(12, 30):
        after.update([look])
    assert [life.track_id for life in after.state.lives] == [life.track_id for life in whole.state.lives]
    assert after.state.lives == whole.state.lives
    for one, two in zip(after.state.rows, whole.state.rows, strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(after.state.existence, whole.state.existence)


def test_what_was_kept_for_another_site_or_is_damaged_is_refused() -> None:
    made = fuser()
    made.update(looks(0, 3))
    kept = packed(made.state, list(made.sensors))
    with pytest.raises(InputError, match="the site has post, patrol-2; start without it"):
        unpacked(kept, ["post", "patrol-2"], 2)
    with pytest.raises(InputError, match="cannot be read"):
        unpacked(kept[:-5], ["post", "patrol-1"], 2)
    assert not math.isnan(unpacked(kept, ["post", "patrol-1"], 2).existence.sum())


def test_a_look_from_before_the_restart_is_kept_apart() -> None:
    before = fuser()
    before.update(looks(0, 12))
    after = fuser(packed(before.state, list(before.sensors)))
    held = after.state
    (old,) = looks(8, 9)
    after.update([old])
    assert after.too_late == [old]
    assert after.state is held

"""The sun's place against published ones."""

from datetime import UTC, datetime

import numpy as np
import pytest

from marsad.geo.sun import sun_position

AL_QAIM = 34.4, 41.0


def test_the_sun_stands_where_nrel_says() -> None:
    # Reda and Andreas, Solar Position Algorithm (NREL TP-560-34302), the worked example: refraction is 0.0164 degrees.
    when = datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC).timestamp()
    azimuth, elevation = sun_position(np.array([when]), 39.742476, -105.1786)
    assert np.degrees(azimuth[0]) == pytest.approx(194.34024, abs=0.02)
    assert 90 - np.degrees(elevation[0]) == pytest.approx(50.11162 + 0.0164, abs=0.02)


@pytest.mark.parametrize(
    ("day", "tilt_deg"),
    [(datetime(2026, 6, 21, tzinfo=UTC), 23.44), (datetime(2026, 12, 21, tzinfo=UTC), -23.44)],
)
def test_noon_at_the_solstices_is_as_high_as_the_axis_tilts(day: datetime, tilt_deg: float) -> None:
    times = day.timestamp() + np.arange(0, 86_400, 60.0)
    _, elevation = sun_position(times, *AL_QAIM)
    assert np.degrees(elevation.max()) == pytest.approx(90 - AL_QAIM[0] + tilt_deg, abs=0.03)


def test_the_sun_rises_in_the_east_and_sets_in_the_west_at_the_equinox() -> None:
    times = datetime(2026, 3, 20, tzinfo=UTC).timestamp() + np.arange(0, 86_400, 60.0)
    azimuth, elevation = sun_position(times, *AL_QAIM)
    up = elevation > 0
    rise, fall = np.flatnonzero(np.diff(up.astype(int)) == 1)[0], np.flatnonzero(np.diff(up.astype(int)) == -1)[0]
    assert np.degrees(azimuth[rise]) == pytest.approx(90, abs=1)
    assert np.degrees(azimuth[fall]) == pytest.approx(270, abs=1)
    assert (fall - rise) / 60 == pytest.approx(12, abs=0.2)

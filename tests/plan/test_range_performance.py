"""Range performance against figures worked out by hand, closed forms, and integrals done another way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from marsad.kernel.site import Lens
from marsad.plan.range_performance import (
    NAMED,
    Conditions,
    Optics,
    Performance,
    Rate,
    energy_px,
    extinction_per_km,
    johnson_probability,
    mrt_k,
    mtf,
    optics_of,
    ttp_probability,
)

LONG = Optics(focal_px=100 / 0.012)


def test_half_do_it_at_the_cycles_that_half_need() -> None:
    assert johnson_probability(1.0) == pytest.approx(0.5)
    assert ttp_probability(1.0) == pytest.approx(0.5)
    # 2^(2.7 + 1.4) = 17.15; published: 0.95 at twice the cycles (Ratches 1976, table: 1.0, 0.95, 0.80, 0.50, 0.30).
    assert johnson_probability(2.0) == pytest.approx(17.148 / 18.148, abs=1e-4)
    assert johnson_probability(0.75) == pytest.approx(0.284, abs=1e-3)
    # 2^(1.51 + 0.48) = 3.972.
    assert ttp_probability(2.0) == pytest.approx(3.972 / 4.972, abs=1e-4)
    assert johnson_probability(0.0) == 0.0
    assert johnson_probability(1e6) == 1.0


def test_where_contrast_abounds_range_is_the_pixels_alone() -> None:
    """A person has sqrt(0.8 x 1.75) = 1.183 m across; half a cycle a pixel at 8333 px gives one cycle at 4930 m."""
    clear = Performance(LONG, "person", "side", Conditions(extinction_per_km=0.0))
    clear.contrast_k = 1e6
    at_one_cycle = 0.5 * math.sqrt(0.8 * 1.75) * 8333.333
    assert at_one_cycle == pytest.approx(4930, abs=1)
    assert clear.johnson(at_one_cycle) == pytest.approx(0.5, abs=2e-3)
    assert clear.johnson(at_one_cycle / 4, "recognise") == pytest.approx(0.5, abs=2e-3)
    assert clear.johnson(at_one_cycle / 6.4, "identify") == pytest.approx(0.5, abs=2e-3)


def test_the_pixels_of_the_field_guide() -> None:
    """100 mm on 12 um: a person is 4 x 15 pixels at a kilometre."""
    width, height = Performance(LONG, "person", "front").size_px(1000.0)
    assert width == pytest.approx(5.0)
    assert height == pytest.approx(14.58, abs=0.01)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=4.4)
    assert optics_of(lens, netd_k=0.04).focal_px == pytest.approx(8333, rel=2e-3)


def test_air_takes_what_the_formulae_say() -> None:
    assert extinction_per_km(Conditions()) == pytest.approx(0.13 + 3.912 / 40 * (10 / 0.55) ** -1.3)
    # Kruse at 5 km: q = 0.585 x 5^(1/3) = 1.0003; 0.7824 x 18.18^-1.0003 = 0.0430.
    assert extinction_per_km(NAMED["haze"]) == pytest.approx(0.13 + 0.0430, abs=1e-4)
    assert extinction_per_km(NAMED["dust"]) == pytest.approx(0.13 + 0.5 * 3.26)
    # Carbonneau: 1.076 x 4^0.67 dB = 2.724 dB, of 4.343 dB each.
    assert extinction_per_km(Conditions(air="rain")) == pytest.approx(0.13 + 2.724 / 4.343, abs=1e-3)
    through = Performance(LONG, "person", conditions=Conditions(extinction_per_km=0.2)).transmission(5000.0)
    assert through == pytest.approx(math.exp(-1.0))


def test_lens_and_detector_blur_as_the_textbook_says() -> None:
    """f/1.2, 12 um, 10 um: cut off at one cycle a pixel. At half of it a round aperture leaves 0.391, a pixel 0.637."""
    optics = Optics(focal_px=1000.0)
    assert mtf(0.0, optics) == pytest.approx(1.0)
    assert mtf(0.5, optics) == pytest.approx(0.3910 * 0.6366, abs=1e-4)
    assert mtf(1.0, optics) == pytest.approx(0.0, abs=1e-12)


def test_the_resolvable_difference_is_lloyds() -> None:
    """0.6594 x 2.25 x 0.25 x 0.06 / (0.6850 x 0.9003) / sqrt(0.2 x 9) = 0.0269 K at a quarter of a cycle a pixel."""
    optics = Optics(focal_px=1000.0)
    assert mtf(0.25, optics) == pytest.approx(0.6850 * 0.9003, abs=1e-4)
    assert mrt_k(0.25, optics) == pytest.approx(0.0269, abs=1e-4)


@given(range_m=st.floats(300, 8000), netd_k=st.floats(0.02, 0.5))
def test_the_metric_is_the_integral_over_the_excess_of_contrast(range_m: float, netd_k: float) -> None:
    optics = Optics(focal_px=4000.0, netd_k=netd_k)
    seen = Performance(optics, "person", "side", Conditions(extinction_per_km=0.3))
    contrast = seen.contrast_k * math.exp(-0.3 * range_m / 1000)
    grid = np.linspace(1e-6, 0.5, 20001)
    resolved = grid[mrt_k(grid, optics) <= contrast]
    whole, _ = quad(lambda v: 2 * v * math.sqrt(contrast / float(mrt_k(v * v, optics))), 1e-9, math.sqrt(resolved[-1]))
    cycles = whole * math.sqrt(0.8 * 1.75) * 4000.0 / range_m / 2.7
    assert seen.ttp(range_m) == pytest.approx(float(ttp_probability(cycles)), abs=4e-3)


@given(width=st.floats(0.05, 40), blur=st.floats(0.2, 4))
def test_the_energy_behind_a_blur_is_the_integral_of_the_square(width: float, blur: float) -> None:
    def bar(x: float) -> float:
        scale = math.sqrt(2) * blur
        return 0.5 * (math.erf((x + width / 2) / scale) - math.erf((x - width / 2) / scale))

    span = width / 2 + 8 * blur
    whole, _ = quad(lambda x: bar(x) ** 2, -span, span, limit=200, points=[-width / 2, width / 2])
    assert energy_px(width, blur) == pytest.approx(whole, rel=1e-5, abs=1e-9)


def test_the_ratio_of_a_large_target_is_contrast_over_sigma_by_the_root_of_its_pixels() -> None:
    optics = Optics(focal_px=10_000.0, blur_px=0.01, netd_k=0.03, fixed_k=0.04)
    seen = Performance(optics, "vehicle", "front", Conditions(extinction_per_km=0.0))
    # sqrt(0.05^2 + 0.17^2) = 0.1772; 5.7 / 0.1772 = 32.17; 19 pixels across and down at 1 km.
    assert seen.snr(1000.0) == pytest.approx(32.17 * 19, rel=2e-3)


def test_a_rate_finds_as_many_as_its_exponential_says() -> None:
    rate = Rate(most_per_s=2.0, half_snr=10.0, steep_snr=2.0, half_px=5.0, steep_px=4.0, dead_s=1.0, never=0.0)
    # Twice the half: 1 / (1 + 1/4) and 1 / (1 + 1/16): 2 x 0.8 x 0.941 = 1.506 a second.
    assert rate.per_s(20.0, 10.0) == pytest.approx(1.506, abs=1e-3)
    assert rate.found(20.0, 10.0, 2.0) == pytest.approx(1 - math.exp(-1.506), abs=1e-3)
    assert rate.found(20.0, 10.0, 0.5) == 0.0
    assert rate.per_s(0.0, 10.0) == 0.0


@pytest.mark.parametrize("condition", NAMED)
@pytest.mark.parametrize("target", ["person", "group", "vehicle"])
def test_farther_away_less_is_found(condition: str, target: str) -> None:
    seen = Performance(LONG, target, conditions=NAMED[condition])  # type: ignore[arg-type]  # one of its words
    ranges = np.geomspace(100, 15_000, 200)
    for curve in (seen.found(ranges, 10.0), seen.johnson(ranges), seen.ttp(ranges), seen.rate_per_s(ranges)):
        assert (np.diff(curve) <= 1e-9).all()
        assert (curve >= 0).all()
    assert (seen.found(ranges, 10.0) <= 1).all()


def test_weather_shortens_the_reach_and_a_group_lengthens_it() -> None:
    reach = {name: Performance(LONG, "person", conditions=each).reach_m(0.9, 20.0) for name, each in NAMED.items()}
    assert reach["dust"] < reach["haze"] < reach["night"]
    assert reach["day"] < reach["night"]
    assert reach["crossover"] < reach["night"]
    assert reach["night"] < Performance(LONG, "group").reach_m(0.9, 20.0)
    assert Performance(LONG, "person", "front").found(2500.0, 5.0) < Performance(LONG, "person").found(2500.0, 5.0)


def test_the_steady_rate_finds_the_same_within_its_seconds() -> None:
    seen = Performance(LONG, "person", conditions=NAMED["haze"])
    rate = seen.rate_per_s(2500.0, over_s=12.0)
    assert 1 - math.exp(-12.0 * float(rate)) == pytest.approx(float(seen.found(2500.0, 12.0)))


def test_nowhere_is_no_reach() -> None:
    assert Performance(LONG, "person").reach_m(0.999, 20.0) == 0.0

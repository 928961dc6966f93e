"""Surfaces settle between what is inside and what is around, and contrast has both signs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.simulate.actor import Actor, ActorKind, Ambient, Waypoint
from marsad.simulate.cast import Cast
from marsad.simulate.warmth import COVERS, surface_k

NIGHT = Ambient(air_k=288.0, ground_k=287.0, sky_k=248.0, wind_m_s=2.0)
COLD = Ambient(air_k=275.0, ground_k=272.0, sky_k=238.0, wind_m_s=2.0)
NOON = Ambient(air_k=314.0, ground_k=332.0, sky_k=294.0, sun_w_m2=900.0, wind_m_s=3.0)
SIGMA = 5.670374e-8


def mean_k(kind: ActorKind, ambient: Ambient, **other: object) -> float:
    actor = Actor(actor_id=1, kind=kind, route=(Waypoint(east_m=0, north_m=0), Waypoint(east_m=50, north_m=0)), **other)
    if other.get("gait") == "stand":
        actor = Actor(actor_id=1, kind=kind, route=actor.route[:1], **other)
    (present,) = Cast([actor], lambda east, north: 0 * east + 0 * north, ambient).at(2.0)
    limbs = present.limbs
    radius = limbs[:, 6]
    area = 2 * radius * np.linalg.norm(limbs[:, 3:6] - limbs[:, :3], axis=1) + np.pi * radius**2
    return float((area * limbs[:, 7]).sum() / area.sum())


def test_where_all_is_equally_warm_a_passive_thing_is_too() -> None:
    even = Ambient(air_k=290.0, ground_k=290.0, sky_k=290.0)
    assert surface_k("panel", even) == pytest.approx(290.0, abs=1e-6)
    assert surface_k("leaf", even) == pytest.approx(290.0, abs=1e-6)


@pytest.mark.parametrize("ambient", [NIGHT, COLD, NOON])
def test_the_heat_balance_closes(ambient: Ambient) -> None:
    """What comes in equals what goes out, written out once more by hand for a shoe in still steps."""
    cover = COVERS["shoe"]
    wind = 0.6 * ambient.wind_m_s
    around4 = cover.sky_share * ambient.sky_k**4 + (1 - cover.sky_share) * ambient.ground_k**4
    apparent4 = surface_k("shoe", ambient) ** 4
    own = ((apparent4 - (1 - cover.emissivity) * around4) / cover.emissivity) ** 0.25
    gained = (303.0 - own) / cover.resistance_m2k_w + cover.sun * cover.sun_share * ambient.sun_w_m2
    lost = 12.1 * wind**0.5 * (own - ambient.air_k) + cover.emissivity * SIGMA * (own**4 - around4)
    assert gained == pytest.approx(lost, abs=0.5)


@pytest.mark.parametrize("ambient", [NIGHT, COLD])
def test_by_night_faces_are_warmest_and_clothes_lie_between_skin_and_air(ambient: Ambient) -> None:
    face, hand, trunk = (surface_k(material, ambient, speed_m_s=1.3) for material in ("face", "hand", "trunk"))
    assert 310 > face > hand
    assert face > trunk > ambient.air_k
    assert 1 < trunk - ambient.air_k < 8


def test_by_night_people_are_warmer_and_by_noon_colder_than_the_ground() -> None:
    assert mean_k("person", NIGHT) - NIGHT.ground_k > 3
    assert mean_k("person", COLD) - COLD.ground_k > 5
    assert mean_k("person", NOON) - NOON.ground_k < -5


def test_coats_hide_beasts_and_engines_show_vehicles() -> None:
    assert surface_k("fleece", COLD) < surface_k("coat", COLD) < surface_k("short_hair", COLD)
    assert mean_k("person", COLD) > mean_k("sheep", COLD)
    assert surface_k("exhaust", NIGHT) > surface_k("engine", NIGHT) > surface_k("tyre", NIGHT) > NIGHT.air_k + 5
    assert mean_k("vehicle", NIGHT, speed_m_s=8.0) > mean_k("vehicle", NIGHT, gait="stand") + 3


def test_a_parked_cold_roof_mirrors_the_sky() -> None:
    parked = Actor(actor_id=1, kind="vehicle", gait="stand", route=(Waypoint(east_m=0, north_m=0),))
    (present,) = Cast([parked], lambda east, north: 0 * east + 0 * north, NIGHT).at(10.0)
    assert present.limbs[:, 7].max() < NIGHT.air_k
    assert present.limbs[:, 7].min() < NIGHT.air_k - 4


def test_rocks_are_warmer_than_the_soil_by_night_and_colder_by_noon() -> None:
    assert surface_k("rock", COLD) > COLD.ground_k + 1
    assert surface_k("rock", NOON) < NOON.ground_k - 5


@given(wind=st.floats(0, 15), clothing=st.floats(0.6, 1.4))
def test_more_clothes_and_more_wind_cool_the_surface(wind: float, clothing: float) -> None:
    ambient = Ambient(air_k=280.0, ground_k=279.0, sky_k=245.0, wind_m_s=wind)
    here = surface_k("trunk", ambient, clothing=clothing)
    assert here > surface_k("trunk", ambient, clothing=1.2 * clothing)
    windier = Ambient(air_k=280.0, ground_k=279.0, sky_k=245.0, wind_m_s=wind + 3)
    assert abs(surface_k("panel", windier) - 280) <= abs(surface_k("panel", ambient) - 280) + 1e-9


@given(warmth_k=st.floats(-8, 8))
def test_a_stated_warmth_is_the_bodys_mean(warmth_k: float) -> None:
    assert mean_k("person", NIGHT, warmth_k=warmth_k) == pytest.approx(NIGHT.air_k + warmth_k, abs=0.25)


@pytest.mark.parametrize("ambient", [NIGHT, COLD, NOON])
@pytest.mark.parametrize("material", sorted(COVERS))
def test_no_surface_is_impossible(material: str, ambient: Ambient) -> None:
    kelvin = surface_k(material, ambient, speed_m_s=1.0)
    assert ambient.sky_k < kelvin < 520

"""How warm the surface of a body is: what comes from within against what air, ground, sky and sun give and take.

A surface settles where the heat that comes through its cover (tissue, cloth, coat, panel) and from the sun equals what
it gives to the air and radiates. Steady state: nothing remembers an hour ago, which rocks and parked cars do.

Sources: the balance and its convection coefficient follow ISO 7730:2005, clause 4.1; the loss of insulation in wind and
in motion ISO 9920:2007, clause 6; the unit clo of 0.155 m2 K/W the same; furs hold 4.2 clo an inch (Hammel, Thermal
Properties of Fur, Am. J. Physiol. 182, 1955), half of it on the living animal (a sheep's fleece: 2.2 s/cm per cm on a
model, half of that alive, Gatenby, Conduction of heat from sheep to ground, 1977). What an engine's parts and a fire
are at is of our choosing, rounded from what thermal pictures of them show.
"""

import math
from typing import NamedTuple

from marsad.simulate.actor import Ambient

CLO_M2K_W = 0.155
FUR_M2K_W_PER_M = 0.5 * 4.2 * CLO_M2K_W / 0.0254
_STEFAN_BOLTZMANN = 5.670374e-8
_BODY_WIND = 0.6
"""Wind at a metre or two above open ground as a share of that at ten: a logarithmic profile over 1 cm of roughness."""
_HOTTEST_SKIN_K = 309.5
"""Sweat keeps bare skin from getting warmer."""
_FREEZING_K = 273.15


class Cover(NamedTuple):
    """What lies between a body's inside and the air.

    `inner_k` is None where nothing is warm inside, `sun` the share of sunlight taken in, `sky_share` that of the sky in
    what the surface sees. `worn` is cloth, thinner in the heat and of less use in wind and motion, `bare` living skin;
    `sun_share` how much of what falls on level ground falls on each square metre of it.
    """

    inner_k: float | None = None
    resistance_m2k_w: float = 0.0
    sun: float = 0.7
    emissivity: float = 0.96
    sky_share: float = 0.45
    sun_share: float = 0.3
    worn: bool = False
    bare: bool = False


def _fur(depth_m: float, sun: float = 0.7) -> Cover:
    return Cover(inner_k=309.5, resistance_m2k_w=0.03 + depth_m * FUR_M2K_W_PER_M, sun=sun)


COVERS: dict[str, Cover] = {
    "face": Cover(inner_k=310.0, resistance_m2k_w=0.028, sun=0.6, emissivity=0.98, bare=True),
    "head": Cover(inner_k=308.5, resistance_m2k_w=0.05, sun=0.6, bare=True),
    "hand": Cover(inner_k=309.0, resistance_m2k_w=0.05, sun=0.6, emissivity=0.98, bare=True),
    "wet": Cover(inner_k=307.0, resistance_m2k_w=0.09, sun=0.6, bare=True),
    "trunk": Cover(inner_k=307.0, resistance_m2k_w=1.0, worn=True),
    "sleeve": Cover(inner_k=305.5, resistance_m2k_w=0.8, worn=True),
    "trousers": Cover(inner_k=305.0, resistance_m2k_w=0.75, worn=True),
    "shoe": Cover(inner_k=303.0, resistance_m2k_w=0.18),
    "pack": Cover(inner_k=304.0, resistance_m2k_w=1.5),
    "fleece": _fur(0.04, 0.75),
    "coat": _fur(0.012, 0.75),
    "thick_coat": _fur(0.025, 0.7),
    "short_hair": _fur(0.004, 0.75),
    "plumage": _fur(0.012),
    "wing": Cover(inner_k=306.0, resistance_m2k_w=0.6),
    "panel": Cover(sun=0.6, emissivity=0.9, sky_share=0.6, sun_share=0.5),
    "glass": Cover(sun=0.3, emissivity=0.84, sky_share=0.6, sun_share=0.4),
    "bonnet": Cover(inner_k=360.0, resistance_m2k_w=0.16, sun=0.6, emissivity=0.9, sky_share=0.7, sun_share=0.6),
    "engine": Cover(inner_k=370.0, resistance_m2k_w=0.03, emissivity=0.85),
    "exhaust": Cover(inner_k=520.0, resistance_m2k_w=0.02, emissivity=0.8, sky_share=0.2, sun_share=0.0),
    "tyre": Cover(inner_k=322.0, resistance_m2k_w=0.03, sun=0.9, sky_share=0.3),
    "under": Cover(inner_k=330.0, resistance_m2k_w=0.12, sun=0.8, sky_share=0.0, sun_share=0.0),
    "cold_bonnet": Cover(sun=0.6, emissivity=0.9, sky_share=0.7, sun_share=0.6),
    "cold_tyre": Cover(sun=0.9, sky_share=0.3),
    "cold_under": Cover(sky_share=0.0, sun_share=0.0),
    "hull": Cover(sun=0.5, emissivity=0.92, sky_share=0.5, sun_share=0.4),
    "leaf": Cover(sun=0.5, sky_share=0.5, sun_share=0.35),
    "wood": Cover(sun=0.7, sky_share=0.45),
}
"""Resistances of what is worn are in clo of the suit's trunk."""

FLAME_K, EMBER_K = 720.0, 760.0
"""A thin flame is hotter but lets most of the long-wave band through: 720 K is what it looks like."""
_ROCK_SHARE = 0.5
"""A rock's day, as a share of the soil's: it holds more heat, so that it is warmer by night and colder by noon."""
_LEAVES = {"leaf", "wood"}


def surface_k(material: str, ambient: Ambient, *, speed_m_s: float = 0.0, clothing: float = 1.0) -> float:
    """The apparent temperature of a surface: its own radiance and what it reflects of its surroundings.

    `clothing` is how much more, or less, its wearer has on than is usual at that temperature.
    """
    if material == "flame":
        return FLAME_K
    if material == "ember":
        return EMBER_K
    if material == "rock":
        return ambient.air_k + _ROCK_SHARE * (ambient.ground_k - ambient.air_k)
    cover = COVERS[material]
    wind = _BODY_WIND * ambient.wind_m_s + speed_m_s
    kelvin = _settled_k(cover, ambient, wind, _resistance(cover, ambient, wind, speed_m_s, clothing), material)
    if cover.bare:
        kelvin = min(kelvin, _HOTTEST_SKIN_K)
    around = _around_k(cover, ambient)
    return float((cover.emissivity * kelvin**4 + (1 - cover.emissivity) * around**4) ** 0.25)


def clothing_clo(air_k: float) -> float:
    """What people wear in air of a temperature: a shirt in the heat, a coat at freezing."""
    return min(max(1.7 - 0.038 * (air_k - _FREEZING_K), 0.5), 2.2)


def _resistance(cover: Cover, ambient: Ambient, wind_m_s: float, speed_m_s: float, clothing: float) -> float:
    """Of a cover as it is worn now; tissue at the skin lets less blood through in the cold."""
    if cover.bare:
        cold = max(298.0 - ambient.air_k, 0.0)
        return cover.resistance_m2k_w * (1 + 0.03 * cold)
    if not cover.worn:
        return cover.resistance_m2k_w
    over, walk = min(max(wind_m_s - 0.15, 0.0), 3.35), min(speed_m_s, 1.2)
    kept = math.exp(-0.281 * over + 0.044 * over**2 - 0.492 * walk + 0.176 * walk**2)
    return clothing * cover.resistance_m2k_w * clothing_clo(ambient.air_k) * CLO_M2K_W * kept


def _settled_k(cover: Cover, ambient: Ambient, wind_m_s: float, resistance: float, material: str = "") -> float:
    """Where the surface itself settles."""
    # Leaves and twigs are small: the air holds them close to its own temperature.
    convection = (3.0 if material in _LEAVES else 1.0) * max(12.1 * math.sqrt(wind_m_s), 3.5)
    around = _around_k(cover, ambient)
    inner, through = (ambient.air_k, 0.0) if cover.inner_k is None else (cover.inner_k, 1 / max(resistance, 1e-3))
    if cover.worn:
        # Skin under clothes follows the air by about a fifth.
        inner += min(max(0.2 * (ambient.air_k - 295.0), -4.0), 3.0)
    sun = cover.sun * cover.sun_share * ambient.sun_w_m2
    kelvin = ambient.air_k
    for _ in range(4):
        radiation = cover.emissivity * _STEFAN_BOLTZMANN * (kelvin + around) * (kelvin**2 + around**2)
        gained = through * inner + convection * ambient.air_k + radiation * around + sun
        kelvin = gained / (through + convection + radiation)
    return kelvin


def _around_k(cover: Cover, ambient: Ambient) -> float:
    """The radiant temperature of what a surface sees."""
    return float((cover.sky_share * ambient.sky_k**4 + (1 - cover.sky_share) * ambient.ground_k**4) ** 0.25)

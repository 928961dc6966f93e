"""What lies and stands on the ground and does not move, in metres of the site's frame."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.record import Record
from marsad.kernel.site import NonNegative, Positive

Material = Literal["soil", "sand", "gravel", "rock", "asphalt", "concrete", "grass", "shrub", "roof", "wall"]

Place = tuple[float, float]
"""East and north in metres."""
Path = Annotated[tuple[Place, ...], Meta(min_length=2)]


class FeatureRecord(Record, tag_field="type"):
    """A thing on the ground; what all of them share."""


class Patch(FeatureRecord, tag="patch"):
    """A polygon of ground of another material: a field, bare rock, a yard."""

    points: Annotated[tuple[Place, ...], Meta(min_length=3)]
    material: Material = "grass"


class Road(FeatureRecord, tag="road"):
    """A road or track along points."""

    points: Path
    width_m: Positive = 6.0
    material: Material = "asphalt"


class Fence(FeatureRecord, tag="fence"):
    """A wire fence along points: posts, a rail of wire at the top, and mesh that hides `mesh` of what is behind it."""

    points: Path
    height_m: Positive = 2.4
    posts_every_m: Positive = 3.0
    post_radius_m: Positive = 0.04
    mesh: Annotated[float, Meta(ge=0, le=0.95)] = 0.16
    wires: Annotated[int, Meta(ge=0, le=12)] = 3


class Wall(FeatureRecord, tag="wall"):
    """A wall along points."""

    points: Path
    height_m: Positive = 3.0
    material: Material = "concrete"


class Wadi(FeatureRecord, tag="wadi"):
    """A dry bed of gravel along points, with bushes (and reeds where `reeds`) along it."""

    points: Path
    width_m: Positive = 25.0
    bushes_per_100_m: NonNegative = 12.0
    bush_height_m: Positive = 1.3
    reeds: bool = False


class River(FeatureRecord, tag="river"):
    """A reach of water along points, reeds `reeds_m` wide along either bank, and palms behind them.

    `water_c` is the water's temperature; left out, it is the mean of the day's air, lagging.
    """

    points: Path
    width_m: Positive = 120.0
    reeds_m: NonNegative = 6.0
    palms_per_km: NonNegative = 15.0
    water_c: float | None = None


class Building(FeatureRecord, tag="building"):
    """A house with a flat roof, its middle at a place; `heading_deg` is where its front looks, clockwise from north.

    `windows` of its windows are lit or warm, by `warm_k` above the wall.
    """

    east_m: float
    north_m: float
    width_m: Positive = 10.0
    depth_m: Positive = 8.0
    height_m: Positive = 3.5
    heading_deg: float = 0.0
    windows: Annotated[float, Meta(ge=0, le=1)] = 0.5
    warm_k: float = 5.0


class Town(FeatureRecord, tag="town"):
    """The edge of a town: `buildings` houses and `lamps` street lamps within a circle, warm places among them."""

    east_m: float
    north_m: float
    radius_m: Positive = 150.0
    buildings: Annotated[int, Meta(ge=0, le=2000)] = 40
    lamps: Annotated[int, Meta(ge=0, le=2000)] = 12


class Rocks(FeatureRecord, tag="rocks"):
    """Big rocks within a circle, which keep the day's heat long into the night."""

    east_m: float
    north_m: float
    radius_m: Positive = 60.0
    count: Annotated[int, Meta(ge=0, le=5000)] = 25
    size_m: Positive = 1.0


class Trees(FeatureRecord, tag="trees"):
    """Trees or palms within a circle."""

    east_m: float
    north_m: float
    radius_m: Positive = 60.0
    count: Annotated[int, Meta(ge=0, le=5000)] = 25
    height_m: Positive = 7.0
    palms: bool = False


class Shrubs(FeatureRecord, tag="shrubs"):
    """Low shrubs strewn over all the ground, or over a circle where `radius_m` is given."""

    per_hectare: NonNegative = 40.0
    height_m: Positive = 0.5
    east_m: float = 0.0
    north_m: float = 0.0
    radius_m: Positive | None = None


class Boulders(FeatureRecord, tag="boulders"):
    """Stones strewn over all the ground, or over a circle where `radius_m` is given."""

    per_hectare: NonNegative = 25.0
    height_m: Positive = 0.35
    east_m: float = 0.0
    north_m: float = 0.0
    radius_m: Positive | None = None


Feature = Patch | Road | Fence | Wall | Wadi | River | Building | Town | Rocks | Trees | Shrubs | Boulders

"""A scenario: when, where and in which weather a scene is played, who is in it, and what must happen."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from marsad.kernel.event import HealthKind
from marsad.kernel.record import Record
from marsad.simulate.actor import Actor, Party
from marsad.simulate.camera import Fault, Imager
from marsad.simulate.effect import Effect
from marsad.simulate.feature import Feature
from marsad.simulate.terrain import Relief
from marsad.simulate.weather import Weather

NonNegative = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1)]


class Ground(Record):
    """Generated ground around the first site's origin, never surveyed.

    The same seed, shape, cell and radius make the same ground, whatever else the scenario holds.
    """

    seed: Annotated[int, Meta(ge=0)] = 0
    relief: Relief = Relief()
    cell_m: Annotated[float, Meta(gt=0)] = 10.0
    radius_m: Annotated[float, Meta(gt=0, le=30_000)] = 5200.0


class HealthFound(Record, tag="health", tag_field="type"):
    """A camera must report this within so many seconds of `at_s`."""

    camera: Name
    kind: HealthKind
    at_s: NonNegative
    within_s: Annotated[float, Meta(gt=0)] = 10.0


class SeenInOrder(Record, tag="seen_in_order", tag_field="type"):
    """The first confirmed tracks of a party must come from these cameras in this order."""

    party: Name
    cameras: Annotated[tuple[str, ...], Meta(min_length=2)]


class Crossed(Record, tag="crossed", tag_field="type"):
    """A crossing of a line of the site must be alarmed, on this party."""

    party: Name
    line: Name
    direction: Literal["inward", "outward"] = "inward"


class Counted(Record, tag="counted", tag_field="type"):
    """The count of a party, in the last seconds in which it is counted, may be off by `within` at most."""

    party: Name
    count: Annotated[int, Meta(ge=1)]
    within: Annotated[int, Meta(ge=0)] = 1


Expectation = HealthFound | SeenInOrder | Crossed | Counted


class Scenario(Record):
    """A scene to be played at one or more sites.

    `sites` are site files, relative to the scenario's own: the first is ours, the others the other side's. `imager` is
    what every camera does to the scene, `imagers` what single cameras do instead, by their ids. `ground` is generated
    where the sites name no elevation files of their own. `caption` is burned into the top left corner of every picture,
    as many cameras do with their name and clock. What must happen is in every actor's `must` and in `expect`.
    """

    name: Name
    about: str = ""
    start: Annotated[datetime, Meta(tz=True)]
    seconds: Annotated[float, Meta(gt=0)]
    seed: Annotated[int, Meta(ge=0)] = 0
    sites: tuple[str, ...] = ()
    ground: Ground | None = None
    caption: str = ""
    imager: Imager = Imager()
    imagers: dict[str, Imager] = field(default_factory=dict)
    weather: Weather = Weather()
    features: tuple[Feature, ...] = ()
    effects: tuple[Effect, ...] = ()
    faults: tuple[Fault, ...] = ()
    actors: tuple[Actor, ...] = ()
    parties: tuple[Party, ...] = ()
    expect: tuple[Expectation, ...] = ()

    def imager_of(self, camera_id: str) -> Imager:
        """What one camera does to the scene."""
        return self.imagers.get(camera_id, self.imager)

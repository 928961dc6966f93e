"""Who is where how soon: the ways of those who respond, over ground, surfaces and roads.

The speeds of roads are our own figures, to be set for one's vehicles; those of surfaces are in `plan/land`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from marsad.geo.geodesy import Array
from marsad.geo.mobility import OFF_ROAD, ON_FOOT, Mobility, Travel, travel
from marsad.geo.mobility import Road as Lane
from marsad.geo.outline import outlines
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import EnuPoint
from marsad.kernel.presence import Outline
from marsad.kernel.record import Record
from marsad.plan.land import Land

RoadKind = Literal["paved", "graded", "track"]
MOBILITY: Final[Mapping[Means, Mobility]] = {"foot": ON_FOOT, "vehicle": OFF_ROAD}

ROAD_M_S: Final[Mapping[Means, Mapping[RoadKind, float]]] = {
    "vehicle": {"paved": 80 / 3.6, "graded": 50 / 3.6, "track": 35 / 3.6},
    "foot": {"paved": 5.04 / 3.6, "graded": 5.04 / 3.6, "track": 5.04 / 3.6},
}
"""On foot it is Tobler's speed on a path."""


class Road(Record):
    """A road or track, as points in order."""

    points: Annotated[tuple[EnuPoint, ...], Meta(min_length=2)]
    kind: RoadKind = "graded"


class Base(Record):
    """Where somebody sets out from, how they move, and how long they take until they do."""

    base_id: Annotated[str, Meta(min_length=1)]
    place: EnuPoint
    means: Means = "vehicle"
    ready_s: Annotated[float, Meta(ge=0)] = 60.0


class Route(NamedTuple):
    """The way (K, 2), east and north, from a base to a place, how long it is and how soon they are there."""

    base_id: str
    way: Array
    length_m: float
    seconds: float


class Country:
    """The ground between bases and where they are needed."""

    def __init__(self, lattice: Lattice, height_m: Array, roads: Sequence[Road] = (), land: Land | None = None) -> None:
        self.lattice = lattice
        self._height = height_m
        self._roads = tuple(roads)
        self._land = Land() if land is None else land

    def travel(self, place: EnuPoint, means: Means, *, towards: bool = False) -> Travel:
        """The least times from a place to everywhere, or `towards` it.

        Raises: InputError where no ground is known there.
        """
        lanes = [Lane(_points(road.points), ROAD_M_S[means][road.kind]) for road in self._roads]
        return travel(
            self.lattice, self._height, place.east_m, place.north_m, MOBILITY[means],
            towards=towards, ease=self._land.over(self.lattice, means), roads=lanes,
        )  # fmt: skip


class Response:
    """How soon somebody from any of the bases is anywhere."""

    def __init__(self, country: Country, bases: Sequence[Base]) -> None:
        if not bases:
            raise InputError("there is no base to set out from")
        self.lattice = country.lattice
        self.bases = tuple(bases)
        self._travels = [country.travel(base.place, base.means) for base in bases]
        self.by_base: Array = np.stack(
            [base.ready_s + found.seconds for base, found in zip(bases, self._travels, strict=True)]
        )
        """(bases, rows, columns) seconds from the alarm; infinite where no way leads."""

    @property
    def seconds(self) -> Array:
        """(rows, columns) from the alarm until the first of them is there."""
        first: Array = self.by_base.min(axis=0)
        return first

    def first(self) -> NDArray[np.int64]:
        """(rows, columns) which base is there first, -1 where none gets."""
        nearest: NDArray[np.int64] = np.where(np.isfinite(self.seconds), self.by_base.argmin(axis=0), -1)
        return nearest

    def route(self, place: EnuPoint) -> Route | None:
        """The way of those who are there first; None where none gets."""
        row, column = self.lattice.cells_of(place.east_m, place.north_m)
        if not self.lattice.holds(row, column):
            return None
        nearest = int(self.first()[row, column])
        if nearest < 0:
            return None
        way = self._travels[nearest].way(place.east_m, place.north_m)
        length_m = float(np.hypot(*np.diff(way, axis=0).T).sum()) if len(way) > 1 else 0.0
        return Route(self.bases[nearest].base_id, way, length_m, float(self.by_base[nearest, row, column]))

    def isochrones(self, limits_s: Sequence[float], base_id: str | None = None) -> dict[float, tuple[Outline, ...]]:
        """The ground that is reached within each time, as polygons; from one base or from all.

        Raises: InputError where no base has that name.
        """
        seconds = self.seconds if base_id is None else self.by_base[self._index(base_id)]
        return {limit: outlines(self.lattice, seconds <= limit) for limit in limits_s}

    def _index(self, base_id: str) -> int:
        names = [base.base_id for base in self.bases]
        if base_id not in names:
            raise InputError(f"there is no base {base_id}: {', '.join(names)}")
        return names.index(base_id)


def _points(points: Sequence[EnuPoint]) -> Array:
    return np.array([(point.east_m, point.north_m) for point in points])

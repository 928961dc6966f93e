"""What lies on the ground, and how much of the speed over firm open ground it leaves.

On foot, where a terrain factor is known: at equal effort the speed on the level goes with one over its root, and firm
open ground is taken as light brush (1.2); heavy brush has 1.5, marsh 1.8, loose sand 2.1. All others, and all of those
for vehicles, are our own figures, to be set for one's ground.

Sources: R. G. Soule, R. F. Goldman, Terrain coefficients for energy cost prediction, Journal of Applied Physiology 32
(1972) 706-708. K. B. Pandolf, B. Givoni, R. F. Goldman, Predicting energy expenditure with loads while standing or
walking very slowly, Journal of Applied Physiology 43 (1977) 577-581 (effort grows with the factor and the square of
the speed).
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from marsad.geo.geodesy import Array
from marsad.geo.outline import holds_points, inside_polygon
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice

EASE: Final[Mapping[Means, Mapping[str, float]]] = {
    "vehicle": {
        "firm": 1.0, "built": 0.8, "field": 0.7, "scrub": 0.6, "wadi": 0.5, "sand": 0.5, "rocks": 0.2, "marsh": 0.0,
        "water": 0.0,
    },
    "foot": {
        "firm": 1.0, "built": 1.0, "field": 0.9, "scrub": 0.9, "wadi": 0.8, "sand": 0.75, "rocks": 0.6, "marsh": 0.8,
        "water": 0.0,
    },
}  # fmt: skip
"""By surface, the share of the speed on firm ground; 0 where nobody of the kind gets through."""


class Patch(NamedTuple):
    """A polygon of one surface: its outer ring and its holes, each (K, 2), east and north."""

    rings: tuple[Array, ...]
    surface: str


class Land:
    """Polygons of surfaces; where several lie over each other the last counts, and where none lies it is firm."""

    def __init__(self, patches: Sequence[Patch] = (), eases: Mapping[Means, Mapping[str, float]] = EASE) -> None:
        """Raises: InputError for a surface of which no speed is known."""
        self._patches, self._eases = tuple(patches), eases
        for patch in self._patches:
            if any(patch.surface not in known for known in eases.values()):
                raise InputError(f"no speed is known on {patch.surface}")

    def over(self, lattice: Lattice, means: Means) -> Array:
        """(rows, columns) the share of the speed on firm ground at the cells' centres."""
        ease = np.ones(lattice.shape)
        for rings, surface in self._patches:
            outer, *holes = (inside_polygon(lattice, ring) for ring in rings)
            ease[outer & ~np.any([np.zeros_like(outer), *holes], axis=0)] = self._eases[means][surface]
        return ease

    def at(self, east_m: Array, north_m: Array, means: Means) -> Array:
        """The same at places (K,)."""
        ease = np.ones(len(east_m))
        for rings, surface in self._patches:
            ease[holds_points(rings, east_m, north_m)] = self._eases[means][surface]
        return ease

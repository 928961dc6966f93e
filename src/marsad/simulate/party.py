"""Parties taken apart into their members."""

from collections.abc import Sequence

import numpy as np

from marsad.simulate.actor import Actor, Party


def expand(parties: Sequence[Party], first_id: int, rng: np.random.Generator) -> tuple[Actor, ...]:
    """The members of all parties, numbered from `first_id` on, the same for the same generator state."""
    raise NotImplementedError

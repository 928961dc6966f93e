"""All actors of a scene at one moment."""

from collections.abc import Callable, Sequence

from marsad.simulate.actor import Actor, Ambient, Array, Present


class Cast:
    """The actors of a scene, their routes and bodies worked out once.

    `up_m` is the height of the ground at places of the site's frame (arrays of east and north).
    """

    def __init__(self, actors: Sequence[Actor], up_m: Callable[[Array, Array], Array], ambient: Ambient) -> None:
        raise NotImplementedError

    def at(self, time_s: float) -> list[Present]:
        """Those who are there at a moment, in the order in which they were given."""
        raise NotImplementedError

"""The empty scene as one camera sees it: how warm every pixel is, how far, and how much a fence veils it."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.record import Record, read_only
from marsad.simulate.feature import Feature
from marsad.simulate.land import Land
from marsad.simulate.pattern import Pattern
from marsad.simulate.radiometry import sky_k_over
from marsad.simulate.stamp import Canvas, paint
from marsad.simulate.standing import Builder
from marsad.simulate.weather import Air, Weather, air_of


class Backdrop(Record, eq=False):
    """All of a scene that stands still; arrays are (H, W) float32, before the lens.

    `kelvin` is the apparent temperature behind the air, fence included; `range_m` how far what is seen stands (inf for
    the sky), the fence left out. `veil` is the share of each pixel that a fence hides and `veil_range_m` how far that
    fence stands (inf where there is none): what moves behind it is seen by the rest. `water` is the share of each
    pixel that is open water.
    """

    kelvin: NDArray[np.float32]
    range_m: NDArray[np.float32]
    veil: NDArray[np.float32]
    veil_range_m: NDArray[np.float32]
    water: NDArray[np.float32]
    air: Air
    lookup: GroundLookup


def backdrop(
    view: CameraView,
    lookup: GroundLookup,
    weather: Weather,
    start: datetime,
    features: Sequence[Feature],
    rng: np.random.Generator,
) -> Backdrop:
    """The empty scene of one camera; `rng` must be in the same state for every camera of one world."""
    ground_rng, sky_rng, things_rng = rng.spawn(3)
    air = air_of(weather)
    land = Land(view, weather, start, ground_rng)
    clouds = Pattern(sky_rng, longest_m=6000.0, shortest_m=90.0, steepness=2.6)
    ground, water = land.kelvin(lookup, features)
    on_ground = lookup.status == 0
    ys, xs = np.mgrid[0 : ground.shape[0], 0 : ground.shape[1]] + 0.5
    sky = sky_k_over(weather, *view.azimuth_elevation(xs, ys), clouds)
    canvas = Canvas(
        kelvin=np.where(on_ground, air.seen(ground, np.nan_to_num(lookup.range_m)), sky).astype(np.float32),
        range_m=np.where(on_ground, lookup.range_m, np.inf).astype(np.float32),
        veil=np.zeros_like(ground),
        veil_range_m=np.full_like(ground, np.inf),
    )
    dry = canvas.range_m.copy()
    paint(canvas, Builder(view, lookup, land, things_rng).shapes(features), view, air)
    water = np.where(on_ground & (canvas.range_m == dry), water, 0).astype(np.float32)
    return Backdrop(
        **{name: read_only(each) for name, each in canvas._asdict().items()},
        water=read_only(water),
        air=air,
        lookup=lookup,
    )

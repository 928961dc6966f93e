"""What a plan rests on: the ground that nothing sees, and its worst way where a premise does not hold.

What is built is looked from again. Where the ground itself is another, so are the slopes that all walk and drive on:
the ways over it and how soon somebody comes are found anew. What was asked for and what is built stay, and so do the
links between masts.
"""

import math
from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
from scipy.sparse import csr_array

from marsad.app.plan_file import PlanFile
from marsad.app.plan_ground import Sector
from marsad.app.plan_options import Offer
from marsad.app.plan_siting import Asked, asked_of, chosen, seen_by
from marsad.app.plan_worth import DIRECTIONS, reached
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array
from marsad.geo.quick_viewshed import error_field
from marsad.kernel.dispatch import Means
from marsad.kernel.plan import Direction
from marsad.kernel.plan_study import PlanStudy, Premise, Sensitivity
from marsad.kernel.site import Camera
from marsad.plan.interruption import Delaying
from marsad.plan.siting import TOLERANCE, Choice

RATES: Final = (0.7, 0.5)
REACHES: Final = (0.7, 0.5)
DRAWS: Final = 12


def study_of(sector: Sector, plan: PlanFile, asked: Asked, found: Offer, choice: Choice, seen: Choice) -> PlanStudy:
    """What is said of a plan besides its cost; `seen` (rows, columns) is what anything of it sees."""
    known = ~np.isnan(sector.height_m)
    dead = float((known & ~seen).sum() / max(known.sum(), 1))
    if not choice.any():  # A budget that pays for nothing rests on nothing.
        return PlanStudy(dead_share=dead)
    kept = _Kept(plan, asked, found, choice)
    return PlanStudy(
        dead_share=dead,
        sensitivities=(
            *(_one(plan, "detection_rate", rate, kept.looked(sector, _slower(plan, rate))) for rate in RATES),
            *(_one(plan, "reach", part, kept.looked(_nearer(sector, part), _shorter(plan, part))) for part in REACHES),
            *_drawn(sector, plan, kept),
        ),
    )


def _drawn(sector: Sector, plan: PlanFile, kept: "_Kept") -> Iterator[Sensitivity]:
    """The worst ways inward and outward over draws of the elevation data's error."""
    rng = np.random.default_rng([plan.seed, 2])
    worst = np.array([kept.on(_erring(sector, rng)) for _ in range(DRAWS)])
    for direction, each in zip(DIRECTIONS, worst.T, strict=True):
        yield _sensitivity(plan, "ground", sector.site.terrain.sigma_m, each, direction)


class _Kept:
    """What is built of a choice, to be looked from again."""

    def __init__(self, plan: PlanFile, asked: Asked, found: Offer, choice: Choice) -> None:
        self._plan, self._asked = plan, asked
        self._at = np.flatnonzero(choice)
        links = None if found.links is None else found.links.only(self._at)
        self._built = Offer(tuple(chosen(found.options, choice)), found.begin_m, (), links)

    def looked(self, sector: Sector, plan: PlanFile) -> float:
        """The probability on the worst way with what is built, as another sector and plan file have it see."""
        asked, at = self._asked, self._at
        seen = self._seen(sector, plan)
        chases = tuple(
            msgspec.structs.replace(
                chase, evader=msgspec.structs.replace(chase.evader, exposure=seen[evader.means]),
                delay_s=chase.delay_s[at],
            )
            for evader, chase in zip(plan.evaders, asked.chases, strict=True)
        )  # fmt: skip
        siting = asked._replace(
            costs=asked.costs[at], along_m=asked.along_m[at], standing=asked.standing[at], chases=chases,
            delaying=Delaying(*(column[at] for column in asked.delaying)), watches=(), survive=None,
            links=self._built.links,
        ).at(plan.probability)  # fmt: skip
        return reached(siting, np.ones(len(at), np.bool_))

    def on(self, sector: Sector) -> tuple[float, ...]:
        """The probability on the worst way inward and on the one outward, with what is built on another ground."""
        plan = msgspec.structs.replace(self._plan, cover=(), survive=None)
        siting = asked_of(sector, plan, self._built, self._seen(sector, plan)).at(plan.probability)
        everything = np.ones(len(self._at), np.bool_)
        least = [siting.weakest_of(number, everything)[0] for number in range(len(siting.passages))]
        return tuple(min(max(-math.expm1(-min(least[side::2])), 0.0), 1.0) for side in range(len(DIRECTIONS)))

    def _seen(self, sector: Sector, plan: PlanFile) -> dict[Means, csr_array]:
        means = {one.means for one in plan.evaders}
        return {one: seen_by(sector, plan, self._built, one) for one in means}


def _one(plan: PlanFile, premise: Premise, factor: float, probability: float) -> Sensitivity:
    return _sensitivity(plan, premise, factor, np.array([probability]))


def _sensitivity(
    plan: PlanFile, premise: Premise, factor: float, worst: Array, direction: Direction | None = None
) -> Sensitivity:
    # Nine of ten are at least the tenth percentile: the lower of the draws around it.
    return Sensitivity(
        premise=premise, factor=factor, low=float(worst.min()),
        tenth=float(np.quantile(worst, 0.1, method="lower")), median=float(np.median(worst)),
        high=float(worst.max()), kept=float((worst >= plan.probability - TOLERANCE).mean()),
        direction=direction, draws=len(worst),
    )  # fmt: skip


def _slower(plan: PlanFile, rate: float) -> PlanFile:
    """Every camera looks longer each way, so that there are fewer tries."""
    towers = tuple(msgspec.structs.replace(tower, look_s=tower.look_s / rate) for tower in plan.towers)
    return msgspec.structs.replace(plan, towers=towers, standing_try_s=plan.standing_try_s / rate)


def _shorter(plan: PlanFile, part: float) -> PlanFile:
    towers = tuple(msgspec.structs.replace(tower, reach_m=part * tower.reach_m) for tower in plan.towers)
    return msgspec.structs.replace(plan, towers=towers)


def _nearer(sector: Sector, part: float) -> Sector:
    """The sector whose standing cameras see only so far."""
    cameras = tuple(msgspec.structs.replace(each, reach_m=part * each.reach_m) for each in sector.site.cameras)
    return sector._replace(site=msgspec.structs.replace(sector.site, cameras=cameras))


def _erring(sector: Sector, rng: np.random.Generator) -> Sector:
    """The sector on ground that errs as the terrain's data may; what stands, stands on it."""
    surface, terrain = sector.surface, sector.site.terrain
    height = surface.grid.height_m
    apart = (surface.cell_m, surface.cell_m)
    off = np.float32(terrain.sigma_m) * error_field(height.shape, apart, rng, terrain.correlation_m)
    grid = msgspec.structs.replace(surface.grid, height_m=(height + off).astype(np.float32))
    drawn = Surface(grid, surface.frame, surface.radius_m)
    cameras = tuple(_on_ground(camera) for camera in sector.site.cameras)
    return sector._replace(
        site=msgspec.structs.replace(sector.site, cameras=cameras),
        surface=drawn,
        height_m=np.where(np.isnan(sector.height_m), np.nan, drawn.up_m(*sector.lattice.centres())),
    )


def _on_ground(camera: Camera) -> Camera:
    """The camera at its mast's height above whatever the ground is."""
    if camera.pose is None:
        return camera
    return msgspec.structs.replace(camera, pose=msgspec.structs.replace(camera.pose, ground_height_m=None))

"""What a plan rests on: the ground that nothing sees, and its worst way where a premise does not hold.

Only what is built is looked from again; ways, barriers and responses stay as planned.
"""

from typing import Final

import msgspec
import numpy as np

from marsad.app.plan_file import PlanFile
from marsad.app.plan_ground import Sector
from marsad.app.plan_options import Offer
from marsad.app.plan_siting import SIZES_M, Asked, chosen, seen_by
from marsad.app.plan_worth import reached
from marsad.geo.elevation import Surface
from marsad.geo.quick_viewshed import error_field
from marsad.kernel.plan_study import PlanStudy, Premise, Sensitivity
from marsad.kernel.site import Camera
from marsad.plan.interruption import Delaying
from marsad.plan.siting import Choice

RATES: Final = (0.7, 0.5)
REACHES: Final = (0.7, 0.5)
DRAWS: Final = 12


def study_of(sector: Sector, plan: PlanFile, asked: Asked, found: Offer, choice: Choice, seen: Choice) -> PlanStudy:
    """What is said of a plan besides its cost; `seen` (rows, columns) is what anything of it sees."""
    known = ~np.isnan(sector.height_m)
    kept = _Kept(plan, asked, found, choice)
    terrain, rng = sector.site.terrain, np.random.default_rng([plan.seed, 2])
    drawn = [kept.reached(_erring(sector, rng), plan) for _ in range(DRAWS)]
    return PlanStudy(
        dead_share=float((known & ~seen).sum() / max(known.sum(), 1)),
        sensitivities=(
            *(_one("detection_rate", rate, kept.reached(sector, _slower(plan, rate))) for rate in RATES),
            *(_one("reach", part, kept.reached(_nearer(sector, part), _shorter(plan, part))) for part in REACHES),
            Sensitivity(
                premise="ground", factor=terrain.sigma_m, low=min(drawn), median=float(np.median(drawn)),
                high=max(drawn), draws=DRAWS,
            ),
        ),
    )  # fmt: skip


class _Kept:
    """What is built of a choice, to be looked from again."""

    def __init__(self, plan: PlanFile, asked: Asked, found: Offer, choice: Choice) -> None:
        self._plan, self._asked = plan, asked
        self._built = Offer(tuple(chosen(found.options, choice)), found.begin_m, ())
        self._at = np.flatnonzero(choice)

    def reached(self, sector: Sector, plan: PlanFile) -> float:
        """The probability on the worst way with what is built, as another sector and plan file have it see."""
        asked, at = self._asked, self._at
        seen = {one.means: seen_by(sector, plan, self._built, SIZES_M[one.means]) for one in plan.evaders}
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
        ).at(plan.probability)  # fmt: skip
        return reached(siting, np.ones(len(at), np.bool_))


def _one(premise: Premise, factor: float, probability: float) -> Sensitivity:
    return Sensitivity(premise=premise, factor=factor, low=probability, median=probability, high=probability)


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
    cameras = tuple(_on_ground(camera) for camera in sector.site.cameras)
    return sector._replace(
        site=msgspec.structs.replace(sector.site, cameras=cameras),
        surface=Surface(grid, surface.frame, surface.radius_m),
    )


def _on_ground(camera: Camera) -> Camera:
    """The camera at its mast's height above whatever the ground is."""
    if camera.pose is None:
        return camera
    return msgspec.structs.replace(camera, pose=msgspec.structs.replace(camera.pose, ground_height_m=None))

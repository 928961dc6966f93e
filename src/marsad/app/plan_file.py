"""A plan file: TOML to `PlanFile`, what may be built along a site's line and how surely it must be held."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from marsad.app.reading import Reader, read_table
from marsad.app.site_rules import Finding, Words
from marsad.app.site_rules import findings as site_findings
from marsad.kernel.error import PlanFileError
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Lens
from marsad.plan.search_camera import SearchCamera
from marsad.plan.sector import TowerKind

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^[\w.-]+$")]
_EXAMPLE = "a plan file, such as examples/plan/plan.toml"


class TowerType(Record):
    """A tower that may be built anywhere: how high, with which camera, at what cost.

    The camera turns all round and looks each way for `look_s`. `source` is what the planned site names as its
    source; {camera} stands for the camera's name.
    """

    id: Name
    mast_m: Positive
    cost: NonNegative
    lens: Lens
    reach_m: Positive
    look_s: Positive = 5.0
    source: str = "rtsp://{camera}.invalid/thermal"

    @property
    def pixel_rad(self) -> float:
        """The angle of a pixel in the middle of the picture."""
        return pixel_rad(self.lens)

    @property
    def turn_s(self) -> float:
        """How long a whole turn takes, in looks side by side."""
        return math.ceil(360 / self.lens.horizontal_fov_deg) * self.look_s

    def kind(self) -> TowerKind:
        """The tower as siting has it."""
        camera = SearchCamera(pixel_rad=self.pixel_rad, turn_s=self.turn_s, reach_m=self.reach_m)
        return TowerKind(name=self.id, mast_m=self.mast_m, camera=camera, cost=self.cost)


class Candidate(Record):
    """A place where any of the towers may be built."""

    id: Name
    position: Position


class Spread(Record):
    """Candidates looked for on the ground: `count` high places within `band_m` of the line, well apart."""

    count: Annotated[int, Meta(ge=1, le=2000)]
    band_m: Positive = 1000.0


class MadeTerrain(Record):
    """Ground generated where the site has none; nothing that rests on it is evidence."""

    seed: Annotated[int, Meta(ge=0)] = 0
    cell_m: Annotated[float, Meta(ge=5, le=100)] = 30.0


class PlanFile(Record):
    """Everything that one plan file says.

    Ways are looked at from `depth_m` on one side of the line to `depth_m` on the other, over cells of `cell_m`.
    A camera that stands already gets one try every `standing_try_s`.
    """

    towers: Annotated[tuple[TowerType, ...], Meta(min_length=1)]
    probability: Annotated[float, Meta(gt=0, lt=1)] = 0.9
    depth_m: Positive = 1500.0
    cell_m: Annotated[float, Meta(ge=10)] = 100.0
    candidates: tuple[Candidate, ...] = ()
    spread: Spread | None = None
    terrain: MadeTerrain | None = None
    standing_try_s: Positive = 60.0
    seed: Annotated[int, Meta(ge=0)] = 0


def pixel_rad(lens: Lens) -> float:
    """The angle of a pixel in the middle of a lens's picture."""
    return 2 * math.tan(math.radians(lens.horizontal_fov_deg) / 2) / lens.width_px


def load_plan_file(path: Path) -> PlanFile:
    """The plan file at a path.

    Raises: InputError where it cannot be read or is no TOML, PlanFileError listing every bad setting.
    """
    table, lines = read_table(path, _EXAMPLE)
    reader = Reader(lines, findings)
    plan = reader.record(table, PlanFile, ())
    if plan is None or reader.problems():
        raise PlanFileError(str(path), reader.problems())
    return plan


def findings(record: Record) -> Iterator[Finding]:
    """What is impossible about one record, those within it left out."""
    if isinstance(record, PlanFile):
        yield from _plan(record)
    if isinstance(record, TowerType) and "{camera}" not in record.source:
        yield Finding(("source",), record.source, "a source with {camera} in it, which the camera's name takes")
    yield from site_findings(record)


def _plan(plan: PlanFile) -> Iterator[Finding]:
    if not plan.candidates and plan.spread is None:
        yield Finding(("candidates",), Words("(missing)"), "[[candidates]] tables, or a [spread] table")
    if plan.depth_m < 3 * plan.cell_m:
        yield Finding(("cell_m",), plan.cell_m, f"at most a third of depth_m, which is {plan.depth_m:g}")
    for group in ("towers", "candidates"):
        seen: dict[str, int] = {}
        for index, one in enumerate(getattr(plan, group)):
            if seen.setdefault(one.id, index) != index:
                yield Finding((group, index, "id"), one.id, f"an id of its own: {group}[{seen[one.id]}] has this one")

"""A caution to both sides where patrols of both may come near each other, from coarse corridors alone."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from marsad.kernel.joint import Caution, Cell, Corridor, CorridorNotice, JointThing
from marsad.kernel.release import Cell as ToldCell
from marsad.kernel.release import Release

_NS = 1_000_000_000


def corridors(things: Iterable[JointThing]) -> tuple[Corridor, ...]:
    """The corridors that stand, of both sides, in the order in which they were told; what is played is left out."""
    return tuple(
        Corridor(
            name=body.name,
            party=thing.opened.author,
            cells=body.cells.cells,
            from_ns=body.from_ns,
            until_ns=body.until_ns,
        )
        for thing in sorted(things, key=lambda each: each.opened.order)
        if isinstance(body := thing.opened.body, CorridorNotice)
        and thing.state == "standing"
        and not thing.opened.exercise
    )


def told_corridors(releases: Iterable[Release], cell_m: int, now_ns: int) -> tuple[Corridor, ...]:
    """The corridors of patrols that were released by either side and are not over; what is played is left out.

    Each is in cells of `cell_m`, all that it touches: that errs towards a caution.
    """
    return tuple(
        Corridor(
            name=each.thing_id[:8], party=each.giver, cells=_in_cells(each.cells, cell_m), from_ns=each.from_ns,
            until_ns=each.until_ns,
        )
        for each in releases
        if each.item == "patrol" and not each.exercise and each.counts_at(now_ns)
        and each.from_ns is not None and each.until_ns is not None
    )  # fmt: skip


def cautions(
    ours: Iterable[Corridor], theirs: Iterable[Corridor], cell_m: int, within_m: float, margin_s: float
) -> tuple[Caution, ...]:
    """Which of our corridors come near which of theirs, the first first.

    Patrols may be anywhere in their cells: cells are as far apart as their nearest edges. Two are near in time when
    their times, each longer by half of `margin_s` at both ends, overlap. The other side finds the same, mirrored.
    """
    others = list(theirs)
    found = [_caution(mine, other, cell_m, within_m, margin_s) for mine in ours for other in others]
    return tuple(sorted((each for each in found if each is not None), key=lambda c: (c.from_ns, c.ours, c.theirs)))


def _in_cells(told: Iterable[ToldCell], cell_m: int) -> tuple[Cell, ...]:
    """The cells of one size that cells of another one overlap, in order."""
    found = {
        (east, north)
        for cell in told
        for east in _over(cell.east, cell.size_m, cell_m)
        for north in _over(cell.north, cell.size_m, cell_m)
    }
    return tuple(sorted(found))


def _over(index: int, size_m: int, cell_m: int) -> range:
    return range(index * size_m // cell_m, -(-(index + 1) * size_m // cell_m))


def _caution(ours: Corridor, theirs: Corridor, cell_m: int, within_m: float, margin_s: float) -> Caution | None:
    half_ns = round(margin_s * _NS / 2)
    from_ns = max(ours.from_ns, theirs.from_ns) - half_ns
    until_ns = min(ours.until_ns, theirs.until_ns) + half_ns
    if from_ns >= until_ns or not ours.cells or not theirs.cells:
        return None
    mine, other = np.array(ours.cells), np.array(theirs.cells)
    apart_m = _apart_m(mine, other, cell_m)
    near = apart_m <= within_m
    if not near.any():
        return None
    cells = {*map(tuple, mine[near.any(axis=1)].tolist()), *map(tuple, other[near.any(axis=0)].tolist())}
    return Caution(
        ours=ours.name, theirs=theirs.name, from_ns=max(from_ns, 0), until_ns=until_ns,
        apart_m=int(apart_m.min()), cells=tuple(sorted(cells)),
    )  # fmt: skip


def _apart_m(mine: NDArray[np.int64], other: NDArray[np.int64], cell_m: int) -> NDArray[np.float64]:
    """How far the nearest edges of cells are apart, (N, M)."""
    steps = np.maximum(np.abs(mine[:, None, :] - other[None, :, :]) - 1, 0)
    found: NDArray[np.float64] = np.hypot(steps[..., 0], steps[..., 1]) * cell_m
    return found

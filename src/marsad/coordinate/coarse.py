"""Coverage, gaps and posts on the coarse cells of the agreed grid, such that no camera can be read from them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.joint import Cell, Cells, CoverageOffer, Gap, JointPost, JointTerms, JointThing, PostProposal
from marsad.kernel.position import Position
from marsad.kernel.site import Post, Site

LEAST_CAMERAS = 3
"""On so many cameras at the least every piece of an offer rests: fewer would be drawn by its outline."""

_JOINT = "joint."
"""How the names of joint posts begin."""
_JOINT_CELL = re.compile(r"joint\.(-?\d{1,6})\.(-?\d{1,6})", re.ASCII)


class Grid(NamedTuple):
    """The agreed grid: cells counted east and north from the anchor."""

    frame: EnuFrame
    cell_m: int

    def cell_of(self, position: Position) -> Cell:
        """The cell that holds a place."""
        east, north, _ = self.frame.from_geodetic(position.latitude_deg, position.longitude_deg, 0.0)
        return int(east // self.cell_m), int(north // self.cell_m)

    def middle(self, cell: Cell) -> Position:
        """The middle of a cell on the earth, on the ellipsoid."""
        east, north = ((index + 0.5) * self.cell_m for index in cell)
        latitude, longitude, _ = self.frame.to_geodetic(east, north, 0.0)
        return Position(latitude_deg=float(latitude), longitude_deg=float(longitude))


class _Proposed(NamedTuple):
    """A post that is proposed, and what is proposed."""

    thing: JointThing
    post: PostProposal

    @property
    def author(self) -> str:
        """Who proposed it."""
        return self.thing.opened.author


def grid_of(terms: JointTerms) -> Grid:
    """The grid that ground is told in, and posts stand in."""
    return Grid(EnuFrame(replace(terms.anchor, height_m=0.0)), terms.cell_m)


def coverage_grid_of(terms: JointTerms) -> Grid:
    """The grid that is told of what is kept in view."""
    return Grid(EnuFrame(replace(terms.anchor, height_m=0.0)), terms.coverage_cell_m)


def pieces(cells: Iterable[Cell]) -> tuple[frozenset[Cell], ...]:
    """The cells as pieces that hang together by their edges, in the order of their first cells."""
    left, found = set(cells), []
    while left:
        piece, edge = set[Cell](), {min(left)}
        while edge:
            piece |= edge
            edge = {near for cell in edge for near in _beside(cell) if near in left} - piece
        left -= piece
        found.append(frozenset(piece))
    return tuple(found)


def to_offer(seen_by: Mapping[Cell, frozenset[str]], terms: JointTerms) -> tuple[Cell, ...]:
    """What of the cells that cameras keep in view may be offered, in order.

    `seen_by` names the cameras of every cell that is seen as good as wholly. Cells that one camera alone sees are left
    out where they stick out of what several see; what is left is offered in pieces of enough cells that rest on enough
    cameras, and nothing else is. To leave out errs towards a gap.
    """
    solid = {cell for cell in seen_by if _held(cell, seen_by)}
    kept = [
        piece
        for piece in pieces(solid)
        if len(piece) >= terms.least_cells and len(_cameras(piece, seen_by)) >= LEAST_CAMERAS
    ]
    return tuple(sorted(cell for piece in kept for cell in piece))


def covered(things: Iterable[JointThing]) -> frozenset[Cell]:
    """The cells that either side offers to keep in view or an agreed post covers; of each side its newest offer."""
    held = list(things)
    offers: dict[str, JointThing] = {}
    for thing in sorted(_real(held, CoverageOffer), key=lambda each: each.opened.order):
        offers[thing.opened.author] = thing
    told = {cell for thing in offers.values() if thing.state == "standing" for cell in _cells(thing)}
    return frozenset(told.union(*(each.post.covers.cells for _, found in _agreed(held) for each in found)))


def gaps(wanted: Iterable[Cell], things: Iterable[JointThing]) -> tuple[Gap, ...]:
    """The cells of those that must be watched which nobody covers, and which proposed posts would close each.

    It asks for cells on both sides of the line and for offers of both: gaps are closed in both directions.
    """
    held = list(things)
    seen = covered(held)
    proposed = [thing for thing in _real(held, PostProposal) if thing.state == "proposed"]
    return tuple(
        Gap(cell=cell, closed_by=tuple(each.thing_id for each in proposed if cell in _cells(each)))
        for cell in sorted(set(wanted) - seen)
    )


def agreed_posts(things: Iterable[JointThing], grid: Grid) -> tuple[JointPost, ...]:
    """The posts both agreed upon, in the order of their cells; a cell has one post.

    One was accepted, or both proposed one in the same cell: then both want it, and each mans it that offered to. The
    proposal that was made first gives the name.
    """
    return tuple(_post(cell, found, grid) for cell, found in _agreed(things))


def post_cell(post_id: str) -> Cell | None:
    """The cell in whose middle a joint post stands, which its name says; None for another post."""
    cell = _JOINT_CELL.fullmatch(post_id)
    return None if cell is None else (int(cell[1]), int(cell[2]))


def with_posts(site: Site, posts: Iterable[JointPost]) -> Site:
    """The site with the joint posts there are now, after its own; joint posts that are no more are left out."""
    own = tuple(each for each in site.posts if not each.id.startswith(_JOINT))
    return replace(site, posts=(*own, *(each.post for each in posts)))


def _agreed(things: Iterable[JointThing]) -> list[tuple[Cell, list[_Proposed]]]:
    """The cells where both want a post, with the proposals that say so, the first first."""
    by_cell: dict[Cell, list[_Proposed]] = {}
    for thing in sorted(things, key=lambda each: each.opened.order):
        body = thing.opened.body
        if isinstance(body, PostProposal) and thing.state in {"proposed", "agreed"} and not thing.opened.exercise:
            by_cell.setdefault(body.cell, []).append(_Proposed(thing, body))
    accepted = {cell: [each for each in found if each.thing.state == "agreed"] for cell, found in by_cell.items()}
    return [
        (cell, accepted[cell] or found)
        for cell, found in sorted(by_cell.items())
        if accepted[cell] or (len({each.author for each in found}) > 1 and _volunteers(found))
    ]


def _volunteers(found: Iterable[_Proposed]) -> tuple[str, ...]:
    """Those who offered to man a post themselves: nobody mans one on the other's word alone."""
    return tuple(sorted({each.author for each in found if each.author in each.post.manned_by}))


def _post(cell: Cell, found: Sequence[_Proposed], grid: Grid) -> JointPost:
    first = found[0].post
    return JointPost(
        post=Post(id=f"{_JOINT}{cell[0]}.{cell[1]}", position=grid.middle(cell), name=first.name),
        cell=cell,
        manned_by=tuple(sorted(first.manned_by)) if found[0].thing.state == "agreed" else _volunteers(found),
        covers=tuple(sorted({covers for each in found for covers in each.post.covers.cells})),
        proposals=tuple(each.thing.thing_id for each in found),
    )


def _real(things: Iterable[JointThing], kind: type[CoverageOffer | PostProposal]) -> Iterator[JointThing]:
    """The matters of a kind that are not played."""
    return (each for each in things if isinstance(each.opened.body, kind) and not each.opened.exercise)


def _cells(thing: JointThing) -> frozenset[Cell]:
    body = thing.opened.body
    cells = body.covers if isinstance(body, PostProposal) else getattr(body, "cells", None)
    return frozenset(cells.cells if isinstance(cells, Cells) else ())


def _beside(cell: Cell) -> tuple[Cell, ...]:
    east, north = cell
    return (east + 1, north), (east - 1, north), (east, north + 1), (east, north - 1)


def _held(cell: Cell, seen_by: Mapping[Cell, frozenset[str]]) -> bool:
    """Whether a cell is seen by several, or lies among cells that are: no wedge of one camera sticks out."""
    return len(seen_by[cell]) > 1 or sum(len(seen_by.get(near, frozenset())) > 0 for near in _beside(cell)) == 4


def _cameras(piece: Iterable[Cell], seen_by: Mapping[Cell, frozenset[str]]) -> set[str]:
    return {camera for cell in piece for camera in seen_by[cell]}

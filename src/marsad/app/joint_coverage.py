"""What a site could offer its partner to keep in view: coarse cells that rest on several cameras each."""

from pathlib import Path

from marsad.adapters.dem import site_surface
from marsad.app.presence_start import site_lattice
from marsad.app.site_map import site_views
from marsad.coordinate.coarse import coverage_grid_of, to_offer
from marsad.coordinate.joint_ground import seen_cells
from marsad.fuse.coverage import CoverageSettings, camera_eye
from marsad.kernel.error import InputError
from marsad.kernel.joint import Coverable, JointTerms
from marsad.kernel.site import Site

LOOK_CELL_M = 50.0


def coverable(site: Site, terms: JointTerms) -> Coverable:
    """The cells that may be offered, as far as the terrain is known. Raises: InputError for a site without terrain."""
    surface = site_surface(site, Path())
    if surface is None:
        raise InputError("the site names no terrain, so nobody knows what its cameras see; add [terrain]")
    settings = CoverageSettings()
    lattice = site_lattice(site, surface.frame, float(terms.coverage_cell_m), LOOK_CELL_M)
    views = site_views(site, surface)
    seen = {
        each.id: camera_eye(each, views[each.id], lattice, settings).chance >= settings.enough
        for each in site.cameras
        if each.id in views
    }
    cells = to_offer(seen_cells(terms, surface.frame.origin, lattice, seen), terms)
    grid = coverage_grid_of(terms)
    return Coverable(size_m=grid.cell_m, cells=cells, places=tuple(grid.middle(cell) for cell in cells))

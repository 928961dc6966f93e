"""The commands `marsad sees`, whether a camera sees a place and why not, and `marsad viewshed`, all round a mast."""

import math
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LightSource
from matplotlib.figure import Figure

from marsad.adapters.dem import site_surface
from marsad.adapters.geotiff import write_geotiff
from marsad.adapters.writing import write_refusal
from marsad.app.config import load_site
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, site_origin, site_radius_m
from marsad.geo.quick_viewshed import probable_viewshed, quick_viewshed
from marsad.geo.seeing import Sight, camera_sight
from marsad.geo.viewshed import viewshed_from
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Site

CELLS_MOST = 4_000_000
Way = Literal["exact", "quick", "probable"]


class SeesReport(Record):
    """Whether a camera sees a place."""

    camera_id: str
    position: Position
    height_m: float
    sight: Sight

    @property
    def exit_code(self) -> int:
        """0 where it sees it, 1 where it does not."""
        return 0 if self.sight.verdict == "seen" else 1

    def text(self) -> str:
        """The report for people."""
        sight = self.sight
        head = (
            f"{self.camera_id}: {self.height_m:g} m above the ground there, {sight.range_m:.0f} m away at "
            f"{sight.azimuth_deg:.1f} degrees"
        )
        return f"{head}: {_verdict(sight)}"


class ViewshedReport(Record):
    """What is seen from a place: how much of the ground within reach, or how much of it can be expected."""

    position: Position
    mast_m: float
    reach_m: float
    way: Way
    seen_km2: float
    asked_km2: float
    file: str | None = None

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return 0

    def text(self) -> str:
        """The report for people."""
        share = self.seen_km2 / self.asked_km2 if self.asked_km2 else 0.0
        expected = " on average over the draws" if self.way == "probable" else ""
        written = f"\nWritten: {self.file}" if self.file else ""
        return (
            f"From {self.mast_m:g} m above the ground, {self.seen_km2:.2f} of {self.asked_km2:.2f} km2 within "
            f"{self.reach_m:.0f} m are seen{expected} ({share:.0%}).{written}"
        )


class ViewshedAsked(Record):
    """What the command was asked: see its options."""

    mast_m: float = 20.0
    target_m: float = 1.7
    reach_m: float = 5000.0
    cell_m: float | None = None
    way: Way = "exact"
    draws: int = 32
    seed: int = 0


def sees(site_path: Path, camera_id: str, place: Position, height_m: float) -> SeesReport:
    """Whether a camera of a site sees a place. Raises: InputError naming what to mend."""
    site = load_site(site_path)
    surface = _surface(site, _radius_m(site, place))
    camera = next((each for each in site.cameras if each.id == camera_id), None)
    if camera is None or camera.pose is None:
        named = ", ".join(each.id for each in site.cameras if each.pose is not None) or "none"
        raise InputError(f"camera {camera_id}: the site has none of that name with a pose: {named}")
    view = CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m)
    sight = camera_sight(view, place, height_m, camera.masks)
    return SeesReport(camera_id=camera_id, position=place, height_m=height_m, sight=sight)


def viewshed(site_path: Path, place: Position, out: Path | None, asked: ViewshedAsked) -> ViewshedReport:
    """What is seen from a place over a site's ground, written as GeoTIFF or as a map by the file's name.

    Raises: InputError naming what to mend, UnavailableError where the file cannot be written.
    """
    if out is not None and out.suffix.lower() not in {".tif", ".tiff", ".png"}:
        raise InputError(f"--out {out}: name a .tif for a map program, or a .png to look at")
    site = load_site(site_path)
    origin = Position(latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg)
    surface = _surface(Site(name=site.name, origin=origin, terrain=site.terrain), asked.reach_m * 1.5 + 500.0)
    lattice = _lattice(surface, asked)
    share = _shares(surface, lattice, asked, site)
    east, north = lattice.centres()
    within = (np.hypot(east, north) <= asked.reach_m) & ~np.isnan(surface.up_m(east, north))
    share[~within] = np.nan
    if out is not None:
        _write(out, surface, lattice, share, asked, illustrative=site.terrain.illustrative)
    return ViewshedReport(
        position=place,
        mast_m=asked.mast_m,
        reach_m=asked.reach_m,
        way=asked.way,
        seen_km2=float(np.nansum(share)) * lattice.cell_km2,
        asked_km2=float(within.sum()) * lattice.cell_km2,
        file=None if out is None else str(out),
    )


def _radius_m(site: Site, place: Position) -> float | None:
    """How far from the site's origin ground is asked for: as far as cameras see, and to the place."""
    origin = site_origin(site)
    if origin is None:
        return None
    frame = EnuFrame(origin)
    point = frame.point(place)
    return max(site_radius_m(site, frame), math.hypot(point.east_m, point.north_m) + 500.0)


def _surface(site: Site, radius_m: float | None) -> Surface:
    surface = site_surface(site, Path(), radius_m)
    if surface is None:
        raise InputError("the site has no terrain: set terrain.files or terrain.flat_height_m in the site file")
    return surface


def _lattice(surface: Surface, asked: ViewshedAsked) -> Lattice:
    cell_m = surface.cell_m if asked.cell_m is None else asked.cell_m
    if not (math.isfinite(cell_m) and cell_m > 0):
        raise InputError(f"--cell {cell_m:g}: must be above 0")
    count = 2 * math.ceil(asked.reach_m / cell_m) + 1
    if count * count > CELLS_MOST:
        raise InputError(f"--cell {cell_m:g}: {count} x {count} cells are too many; take larger ones, or less reach")
    return Lattice(west_m=-count * cell_m / 2, north_m=count * cell_m / 2, cell_m=cell_m, rows=count, columns=count)


def _shares(surface: Surface, lattice: Lattice, asked: ViewshedAsked, site: Site) -> np.ndarray:
    """How surely each cell is seen: 0 or 1, or a probability."""
    if asked.way == "exact":
        shed = viewshed_from(
            surface, 0.0, 0.0, asked.mast_m, lattice, reach_m=asked.reach_m, target_m=asked.target_m
        )  # fmt: skip
        return shed.seen.astype(np.float32)
    if asked.way == "quick":
        quick = quick_viewshed(surface, 0.0, 0.0, asked.mast_m, reach_m=asked.reach_m, target_m=asked.target_m)
    else:
        quick = probable_viewshed(
            surface, 0.0, 0.0, asked.mast_m, np.random.default_rng(asked.seed), reach_m=asked.reach_m,
            sigma_m=site.terrain.sigma_m, correlation_m=site.terrain.correlation_m, draws=asked.draws,
            target_m=asked.target_m,
        )  # fmt: skip
    return quick.at(*lattice.centres())


def _write(
    out: Path, surface: Surface, lattice: Lattice, share: np.ndarray, asked: ViewshedAsked, *, illustrative: bool
) -> None:
    if out.suffix.lower() != ".png":
        tags = {"mast_m": f"{asked.mast_m:g}", "target_m": f"{asked.target_m:g}", "way": asked.way}
        write_geotiff(out, lattice, surface.frame, {"seen": share}, tags)
        return
    east, north = lattice.centres()
    height = np.nan_to_num(surface.up_m(east, north), nan=float(np.nanmin(surface.up_m(east, north))))
    shade = LightSource(315, 45).hillshade(height, vert_exag=2.0, dx=lattice.cell_m, dy=-lattice.cell_m)
    figure = Figure(figsize=(9, 9), dpi=110, facecolor="white")
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.86))
    reach = lattice.columns * lattice.cell_m / 2
    edges = (-reach, reach, -reach, reach)
    axes.imshow(shade, cmap="gray", vmin=-0.2, vmax=1.1, extent=edges)
    axes.imshow(np.where(share > 0, share, np.nan), cmap="YlOrRd_r", vmin=0, vmax=1.4, alpha=0.55, extent=edges)
    axes.plot(0, 0, "^", color="#1f5fbf", markersize=9)
    axes.set_xlabel("east of the place, m")
    axes.set_ylabel("north, m")
    note = "; the terrain is marked illustrative" if illustrative else ""
    axes.set_title(f"seen from {asked.mast_m:g} m, {asked.target_m:g} m above the ground{note}", fontsize=10)
    try:
        FigureCanvasAgg(figure).print_figure(out, format="png")
    except OSError as error:
        raise write_refusal(out, error) from error


def _verdict(sight: Sight) -> str:
    """Whether it is seen, and what keeps it from being."""
    ridge = "" if sight.screen_m is None else f" behind ground {sight.screen_m:.0f} m from the camera"
    needs = "" if sight.needs_m is None else f"; it would be seen from {sight.needs_m:g} m above the ground on"
    if sight.verdict == "seen":
        return "seen"
    if sight.verdict == "hidden":
        return f"not seen, hidden{ridge}{needs}"
    why = "beyond the camera's reach" if sight.verdict == "out_of_reach" else "outside its picture, or masked"
    also = f"; it is hidden as well{ridge}" if sight.screen_m is not None else ""
    return f"not seen, {why}{also}"

"""A scenario file: TOML to `Scenario` with its sites, and the scenarios that ship with Marsad."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from marsad.app.config import load_site
from marsad.app.reading import Reader, read_table
from marsad.app.scenario_rules import findings, site_findings
from marsad.app.site_rules import Words
from marsad.kernel.error import InputError, ScenarioError
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.simulate.scenario import Scenario

TERRAIN = "terrain.tif"
"""The elevation file that is made where a scenario's ground is generated; its sites name it."""
_EXAMPLE = "a scenario file, or one of those that `marsad simulate --list` names"


class Loaded(Record):
    """A scenario with its sites as their files have them, the first ours; `names` are those files' names."""

    scenario: Scenario
    path: Path
    sites: tuple[Site, ...]
    names: tuple[str, ...]

    @property
    def camera_ids(self) -> tuple[str, ...]:
        """Every camera of every site."""
        return tuple(camera.id for site in self.sites for camera in site.cameras)

    def site_of(self, camera_id: str) -> Site:
        """The site a camera belongs to. Raises: InputError for a camera of none."""
        for site in self.sites:
            if any(camera.id == camera_id for camera in site.cameras):
                return site
        raise InputError(f"--camera {camera_id}: the scenario's sites have {', '.join(self.camera_ids)}")


def shipped_folder() -> Path:
    """Where the scenarios lie that come with Marsad."""
    return Path(str(resources.files("marsad.app").joinpath("scenarios")))


def shipped_names() -> list[str]:
    """The scenarios that come with Marsad, by name."""
    return sorted(path.stem for path in shipped_folder().glob("*.toml"))


def load_scenario(name: str | Path) -> Loaded:
    """The scenario in a file, or the shipped one of that name.

    Raises: InputError where there is none, ScenarioError listing every bad setting, SiteError for a bad site file.
    """
    path = _path(name)
    table, lines = read_table(path, _EXAMPLE)
    reader = Reader(lines, findings)
    scenario = reader.record(table, Scenario, ())
    if scenario is None or reader.problems():
        raise ScenarioError(str(path), reader.problems())
    _missing_sites(scenario, path.parent, reader)
    if reader.problems():
        raise ScenarioError(str(path), reader.problems())
    to_come = () if scenario.ground is None else (TERRAIN,)
    sites = tuple(load_site(path.parent / each, to_come=to_come) for each in scenario.sites)
    _clashes(scenario, sites, reader)
    if reader.problems():
        raise ScenarioError(str(path), reader.problems())
    return Loaded(scenario=scenario, path=path, sites=sites, names=tuple(Path(each).name for each in scenario.sites))


def _path(name: str | Path) -> Path:
    """The file that is meant."""
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return path
    if str(name) in shipped_names():
        return shipped_folder() / f"{name}.toml"
    raise InputError(
        f"{name}: neither a scenario file nor a shipped scenario; shipped are {', '.join(shipped_names())}"
    )


def _missing_sites(scenario: Scenario, folder: Path, reader: Reader) -> None:
    """Note where no site is named, or one that is not there."""
    if not scenario.sites:
        reader.note(("sites",), Words("(missing)"), "a list of site files, ours first")
    for index, each in enumerate(scenario.sites):
        if not (folder / each).exists():
            valid = f"a site file beside the scenario, such as examples/site.toml: {folder / each} is not there"
            reader.note(("sites", index), each, valid)


def _clashes(scenario: Scenario, sites: Sequence[Site], reader: Reader) -> None:
    """Note where the scenario and its sites do not fit each other."""
    for finding in site_findings(scenario, sites):
        reader.note(finding.key, finding.value, finding.valid)
    seen: dict[str, str] = {}
    for index, (site, name) in enumerate(zip(sites, scenario.sites, strict=True)):
        for camera in site.cameras:
            if seen.setdefault(camera.id, name) != name:
                valid = f"sites whose cameras have ids of their own: {seen[camera.id]} has {camera.id} too"
                reader.note(("sites", index), name, valid)
            if camera.pose is None:
                reader.note(("sites", index), name, f"a site whose cameras have poses: {camera.id} has none")
        if not site.cameras:
            reader.note(("sites", index), name, "a site with cameras")

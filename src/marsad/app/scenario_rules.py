"""What no scenario can be, though every single setting is of its kind: clashing names, ends before beginnings.

What needs the sites, such as whether a camera is there, is looked for once they have been read.
"""

from collections.abc import Collection, Iterator, Sequence

from marsad.app.site_rules import Finding
from marsad.app.toml_lines import Path as Key
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.simulate.actor import GAITS, Participant
from marsad.simulate.scenario import Counted, Crossed, HealthFound, Scenario, SeenInOrder


def findings(record: Record) -> Iterator[Finding]:
    """What is impossible about one record, those within it left out."""
    if isinstance(record, Scenario):
        yield from _scenario(record)
    if isinstance(record, Participant):
        yield from _gaits(record)
    start_s, end_s = getattr(record, "start_s", None), getattr(record, "end_s", None)
    if start_s is not None and end_s is not None and end_s <= start_s:
        yield Finding(("end_s",), end_s, f"a number above start_s, which is {start_s:g}")


def _gaits(record: Participant) -> Iterator[Finding]:
    """Gaits that this kind does not have; "walk" is also what stands there when nothing was said."""
    known = GAITS[record.kind]
    valid = f"what a {record.kind} can do: {', '.join(known)}"
    if record.gait not in {"walk", *known}:
        yield Finding(("gait",), record.gait, valid)
    for index, point in enumerate(record.route):
        if point.gait is not None and point.gait not in known:
            yield Finding(("route", index, "gait"), point.gait, valid)


def _too_late(scenario: Scenario) -> Iterator[Finding]:
    """What would begin after the end, and so never be seen."""
    valid = f"a moment before the scene's end: seconds is {scenario.seconds:g}"
    for group in ("actors", "parties", "effects", "faults"):
        for index, one in enumerate(getattr(scenario, group)):
            if one.start_s >= scenario.seconds:
                yield Finding((group, index, "start_s"), one.start_s, valid)
    for index, expected in enumerate(scenario.expect):
        if isinstance(expected, HealthFound) and expected.at_s >= scenario.seconds:
            yield Finding(("expect", index, "at_s"), expected.at_s, valid)


def site_findings(scenario: Scenario, sites: Sequence[Site]) -> Iterator[Finding]:
    """What the scenario says of cameras and lines that its sites do not have."""
    cameras = [camera.id for site in sites for camera in site.cameras]
    lines = [line.id for site in sites for line in site.lines]
    for name in scenario.imagers:
        yield from _unknown(name, cameras, ("imagers", name), "camera")
    for group, items in (("effects", scenario.effects), ("faults", scenario.faults)):
        for index, item in enumerate(items):
            yield from _unknown(item.camera, ["", *cameras], (group, index, "camera"), "camera")
    for index, expected in enumerate(scenario.expect):
        if isinstance(expected, HealthFound):
            yield from _unknown(expected.camera, cameras, ("expect", index, "camera"), "camera")
        if isinstance(expected, SeenInOrder):
            for place, name in enumerate(expected.cameras):
                yield from _unknown(name, cameras, ("expect", index, "cameras", place), "camera")
        if isinstance(expected, Crossed):
            yield from _unknown(expected.line, lines, ("expect", index, "line"), "line")


def _unknown(name: str, known: Collection[str], key: Key, what: str) -> Iterator[Finding]:
    if name not in known:
        there = ", ".join(each for each in known if each) or "none"
        yield Finding(key, name, f"a {what} of the scenario's sites: {there}")


def _scenario(scenario: Scenario) -> Iterator[Finding]:
    yield from _too_late(scenario)
    seen: dict[int, int] = {}
    for index, actor in enumerate(scenario.actors):
        earlier = seen.setdefault(actor.actor_id, index)
        if earlier != index:
            yield Finding(
                ("actors", index, "actor_id"), actor.actor_id, f"a number of its own: actors[{earlier}] has this one"
            )
    names: dict[str, int] = {}
    for index, party in enumerate(scenario.parties):
        earlier = names.setdefault(party.name, index)
        if earlier != index:
            yield Finding(("parties", index, "name"), party.name, f"a name of its own: parties[{earlier}] has this one")
    known = sorted({*names, *(actor.party for actor in scenario.actors if actor.party)})
    for index, expected in enumerate(scenario.expect):
        if isinstance(expected, Counted | Crossed | SeenInOrder) and expected.party not in known:
            there = f"here {', '.join(known)}" if known else "and here none has one"
            valid = f"the name of a [[parties]] table or the party of some [[actors]]: {there}"
            yield Finding(("expect", index, "party"), expected.party, valid)

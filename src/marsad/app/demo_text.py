"""The demonstration told to people: what happened in the order of time, and the sums."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from marsad.adapters.annotate import clock_text
from marsad.app.demo_alarm import AlarmReport
from marsad.app.demo_camera import Watched
from marsad.app.demo_party import PartyReport
from marsad.app.demo_report import WALKERS, CameraReport, DemoReport
from marsad.app.stage import Stage
from marsad.simulate.actor import Must


def narrate(stage: Stage, watched: Sequence[Watched], report: DemoReport, console: Console) -> None:
    """Print what happened in the order of time: who came into view, who was tracked, every alarm."""
    lines: list[tuple[float, str]] = []
    for each in watched:
        own = each.performance
        for party in sorted(set(own.parties.values()) - {""}):
            members = [actor_id for actor_id in own.entered if own.parties.get(actor_id) == party]
            lines.append(
                (min(own.entered[i] for i in members), f"[dim]{own.camera_id}: first of {party} comes into view[/]")
            )
            if found := [own.found[i] for i in members if i in own.found]:
                lines.append((min(found), f"[dim]{own.camera_id}: first of {party} is tracked[/]"))
        lines += [
            (time_s, f"[yellow]{own.camera_id}: {event.kind.replace('_', ' ')}{' is over' if event.ended else ''}[/]")
            for time_s, event in own.health
        ]
    lines += [(alarm.time_s, _alarm_text(alarm)) for alarm in report.alarms]
    for time_s, text in sorted(lines, key=lambda line: line[0]):
        console.print(f"{clock_text(stage.started_ns + round(time_s * 1e9))[11:]}  {text}")


def _alarm_text(alarm: AlarmReport) -> str:
    lines = [f"[bold red]ALARM[/] {alarm.camera_id}: {escape(alarm.text)}"]
    if alarm.major_m is not None:
        lines.append(f"half axes of the 95 % ellipse {alarm.major_m:.1f} m and {alarm.minor_m:.1f} m")
    if alarm.cause == "nothing":
        lines.append("[red]nobody is there: a false alarm[/]")
    elif alarm.cause != "person":
        lines.append(f"[yellow]it is no person: {alarm.cause} {alarm.party}[/]".replace(" [/]", "[/]"))
    if alarm.error_m is not None:
        lines.append(f"true error {alarm.error_m:.1f} m, which is {alarm.error_sigmas:.1f} sigma")
    if alarm.after_s is not None:
        lines.append(f"{alarm.after_s:.1f} s after that one came into this camera's view")
    return "\n            ".join(lines)


def tell(report: DemoReport, console: Console) -> None:
    """Print the sums: first what the watch is for, then what each camera did."""
    for must, title in _MUST.items():
        if parties := [party for party in report.parties if party.must == must]:
            console.print(f"\n[bold]{title}[/]")
        for party in parties:
            console.print(f"  {_name(party)}: {_fate(party, report)}.")
    order = ", then ".join(f"{camera} at {time_s:.0f} s" for camera, time_s in report.first_seen.items())
    console.print(f"\nThe walkers were tracked by {order or 'nobody'}.")
    console.print(
        f"{_many(len(report.alarms), 'alarm')} in all: {report.false_alarms} on nothing, {report.nuisance_alarms} on "
        "animals, plants or insects."
    )
    for camera in report.cameras:
        console.print(
            f"{camera.camera_id}: {camera.frames} pictures, {camera.fps:.0f} a second, drawing included; "
            f"{_people(camera)}; {_many(camera.tracks, 'track')}, {camera.false_tracks} of them on nothing."
        )
    _tell_desk(report, console)
    played = f"{report.simulated_s:.0f} s" if report.simulated_s == report.whole_s else _start(report)
    for line in report.shortcomings:
        console.print(f"[red]Not as it should be[/] in the {played} that were played: {line}")
    console.print(f"{report.simulated_s:.0f} s by {len(report.cameras)} cameras took {report.seconds:.0f} s.")
    console.print(f"In {report.out}: map.png, report.json, and for each camera its pictures, tracks, truth and log.")


def _tell_desk(report: DemoReport, console: Console) -> None:
    """Print what the duty officer had to do with it."""
    desk = report.desk
    console.print("\n[bold]At the duty officer's desk[/]")
    for alarm in desk.alarms:
        said = [f"  {alarm.alarm_id} at {alarm.raised_s:.1f} s, {alarm.priority}: {escape(alarm.text)}"]
        said.append(f"{_many(alarm.alerts, 'alert')} of {', '.join(alarm.cameras) or alarm.about} in one alarm")
        if alarm.after_crossing_s is not None:
            said.append(f"[bold]known to have crossed {alarm.after_crossing_s:.1f} s after it was true[/]")
        console.print("\n      ".join(said))
    for incident in desk.incidents:
        sent = "" if incident.ordered_s is None else f"; {incident.patrol} sent at {incident.ordered_s:.1f} s"
        meets = "" if incident.meets_s is None else f", there by {incident.meets_s:.0f} s ({incident.answered})"
        console.print(f"  Incident {incident.incident_id} opened at {incident.opened_s:.1f} s{sent}{meets}.")


def _start(report: DemoReport) -> str:
    return f"first {report.simulated_s:.0f} of {report.whole_s:.0f} s"


def _name(party: PartyReport) -> str:
    """Who they are, in a word or two."""
    many = _many(party.of, "shepherd" if party.role == "shepherd" else party.kind)
    return f"{party.party}, {many}" if party.party else many


def _fate(party: PartyReport, report: DemoReport) -> str:
    """What became of them, the alarm first where there had to be one."""
    if party.entered_s is None and not party.alarms:
        return "never in view"
    tracked = f"{party.tracked} of {party.seen} in view tracked"
    if party.of == 1:
        tracked = f"in view, {'tracked' if party.tracked else 'not tracked'}"
    if party.must != "alarm":
        return f"{tracked}, {_raised(party)}"
    counted = f", counted as {report.counted}" if party.party == WALKERS and report.counted is not None else ""
    return f"{_raised(party)}; {tracked}{counted}"


def _raised(party: PartyReport) -> str:
    """The alarms on them: who raised the first, how soon, and how far off."""
    if party.alarmed_s is None:
        return "no alarm"
    when = f"at {party.alarmed_s:.1f} s"
    if party.entered_s is not None:
        who = "it" if party.of == 1 else "the first"
        when = f"{party.alarmed_s - party.entered_s:.1f} s after {who} came into view"
    said = [f"alarm by {party.alarmed_by} {when}"]
    if party.error_m is not None:
        said.append(f"{party.error_m:.1f} m off ({party.error_sigmas:.1f} sigma)")
    if party.alarms > 1:
        off = "" if party.farthest_m is None else f", the farthest off by {party.farthest_m:.1f} m"
        said.append(f"{party.alarms} alarms in all{off}")
    return ", ".join(said)


def _people(camera: CameraReport) -> str:
    """How many of the people whom a camera could see it tracked, and how soon."""
    if not camera.people:
        return "no people in view"
    soon = f" within {max(camera.tracked_after_s):.1f} s" if camera.tracked_after_s else ""
    return f"{camera.people_found} of {_many(camera.people, 'person')} tracked{soon}"


def _many(count: int, what: str) -> str:
    """So many of them."""
    return f"{count} {what if count == 1 else _PLURALS.get(what, what + 's')}"


_MUST: dict[Must, str] = {
    "alarm": "Had to raise an alarm",
    "either": "Might raise one",
    "no_alarm": "Had to raise none",
}
_PLURALS = {"person": "people", "sheep": "sheep", "fox": "foxes"}
